//! Permits and mandates in whole trades: drawn to the last piece, given back, seen by the other side;
//! brokers that act within their mandate and not outside it.

use std::collections::BTreeSet;

use jiff::civil::date;
use sim::random::Random;
use sim::scene::{Scene, business, buyer, party_id, tags};
use trade::clearance::{Clearance, DecideClearance, Decision};
use trade::codes::{Country, S10};
use trade::command::Problem;
use trade::declaration::LodgeExport;
use trade::event::{Asked, Happened};
use trade::id::{Id, Noun};
use trade::mandate::{Act, AnswerMandate, EndMandate, GiveMandate, Mandate};
use trade::money::{Currency, Money};
use trade::order::PlaceOrder;
use trade::party::Role;
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::permit::{AnswerPermit, AskPermit, DecidePermit, Permit, PermitDecision, PermitState};
use trade::product::{Goods, OfferProduct};
use trade::quantity::Grams;
use trade::quote::{AskQuote, Quote};
use trade::readiness::HsClaim;
use trade::rulebook::{Direction, TradeField};
use trade::time::BusinessTime;
use trade::trade_file::TradeId;
use trade::waybill::IssueWaybill;

fn id<T: Noun>(seed: &str) -> Id<T> {
    Id::derived(BusinessTime::from_micros(0), seed)
}

fn trade_no(n: u64) -> TradeId {
    format!("hgh.sandbox:H-{n}").parse().unwrap()
}

/// Two hubs with an agency and a broker, and a seller of honey.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.kul.run(business("agency", Role::Agency, Country::MY)).unwrap();
    scene.kul.run(business("broker", Role::Broker, Country::MY)).unwrap();
    scene.kul.run(business("other-seller", Role::Seller, Country::MY)).unwrap();
    scene.hgh.run(buyer("ann")).unwrap();
    scene.kul.run(honey()).unwrap();
    scene.settle(&mut Random::new(1));
    scene
}

fn honey() -> OfferProduct {
    OfferProduct {
        seller: party_id("seller"),
        goods: Goods {
            sku: "HONEY".to_owned(),
            name: "Forest honey".to_owned(),
            description: "Natural forest honey in a glass jar".to_owned(),
            hs: HsClaim::Code("040900".parse().unwrap()),
            origin: Some(Country::MY),
            weight: Some(Grams(600)),
            size: None,
            price: Some(Money::new(4_500, Currency::MYR)),
            content: None,
            hazards: trade::hazard::Hazards::default(),
        },
    }
}

/// Brings an order of honey so far that it can be declared.
fn ordered(scene: &mut Scene, n: u64, pieces: i64) {
    let mut random = Random::new(n);
    let quote = id::<Quote>(&format!("quote {n}"));
    let lines = vec![Asked { product: honey().product(), pieces }];
    let exporter = scene.kul.site.id.clone();
    let answer = scene
        .hgh
        .run(AskQuote { quote, exporter, lines, buyer: Some(party_id("ann")), terms: trade::terms::Terms::Parcel })
        .unwrap();
    let total = serde_json::from_value::<Quote>(answer).unwrap().landed.total;
    let (trade, buyer) = (trade_no(n), party_id("ann"));
    let delivery = format!("DLV-{n}");
    scene
        .hgh
        .run(PlaceOrder { trade: trade.clone(), quote, buyer, delivery: delivery.clone(), practice: false })
        .unwrap();
    let no = format!("P-{n}").parse().unwrap();
    let channel = PaymentChannel::Webhook;
    scene.hgh.run(ReceivePayment { trade: trade.clone(), no, amount: total, payer: tags("ann"), channel }).unwrap();
    scene.settle(&mut random);
    let no = S10::issue("LP", u32::try_from(n).unwrap(), Country::MY).unwrap();
    let gross = Grams(600 * pieces);
    let by = party_id("carrier");
    scene.kul.run(IssueWaybill { trade, no, gross, consignee: delivery, by, corrects: false }).unwrap();
}

fn ask(pieces: i64) -> AskPermit {
    AskPermit {
        permit: id("permit"),
        holder: party_id("seller"),
        by: party_id("seller"),
        mandate: None,
        direction: Direction::Export,
        hs: "040900".parse().unwrap(),
        peer: "hgh.sandbox".parse().unwrap(),
        pieces,
        note: String::new(),
    }
}

fn grant(pieces: i64) -> DecidePermit {
    let decision = PermitDecision::Grant {
        no: "HC-2026-1".parse().unwrap(),
        pieces,
        from: date(2026, 11, 23),
        until: date(2027, 5, 22),
    };
    DecidePermit { permit: id("permit"), by: party_id("agency"), decision }
}

fn lodge(n: u64) -> LodgeExport {
    LodgeExport { permits: vec![id("permit")], ..LodgeExport::as_ordered(trade_no(n), party_id("seller")) }
}

fn clearance(scene: &Scene, n: u64) -> Clearance {
    scene.kul.store.trades[&trade_no(n)].clearance.clone()
}

fn permit(scene: &Scene) -> Permit {
    scene.kul.store.permits[&id("permit")].clone()
}

fn code(refused: Result<serde_json::Value, Problem>) -> String {
    refused.unwrap_err().code
}

#[test]
fn honey_is_held_without_a_certificate_and_leaves_with_one_whose_number_the_other_side_sees() {
    let mut scene = scene();
    let readiness = &scene.kul.store.products[&honey().product()].gaps[0];
    assert!(readiness.is_ready(), "a permit can be brought later: {readiness:?}");
    ordered(&mut scene, 1, 2);
    scene.kul.run(LodgeExport::as_ordered(trade_no(1), party_id("seller"))).unwrap();
    let Clearance::Held { reasons, .. } = clearance(&scene, 1) else { panic!("{:?}", clearance(&scene, 1)) };
    assert_eq!(
        (reasons.len(), reasons[0].field, reasons[0].rule.as_str()),
        (1, TradeField::Permit, "my.export.health-certificate")
    );

    scene.kul.run(ask(10)).unwrap();
    // Not granted yet, so it cannot be used; what was lodged stands.
    let early = scene.kul.run(LodgeExport { corrects: true, ..lodge(1) });
    assert_eq!(code(early), "permit-not-granted");
    scene.kul.run(grant(10)).unwrap();
    scene.kul.run(LodgeExport { corrects: true, ..lodge(1) }).unwrap();
    assert!(clearance(&scene, 1).is_released());
    assert_eq!((permit(&scene).drawn, permit(&scene).left()), (2, 8));

    // The number and this hub's word cross the border; the agency's file does not.
    scene.settle(&mut Random::new(2));
    let there = scene.hgh.store.trades[&trade_no(1)].declaration.clone().unwrap();
    let [word] = there.permits.as_slice() else { panic!("{there:?}") };
    assert_eq!((word.no.as_str(), word.pieces), ("HC-2026-1", 2));
    let keys = &scene.hgh.store.peers[&scene.kul.site.id].card.keys;
    assert!(word.is_word_of(&trade_no(1), keys));
    // For another trade, or with another number of pieces, nobody gave it.
    assert!(!word.is_word_of(&trade_no(2), keys));
    assert!(!trade::permit::PermitUse { pieces: 3, ..word.clone() }.is_word_of(&trade_no(1), keys));
    assert!(scene.hgh.store.permits.is_empty());
}

#[test]
fn what_is_left_is_drawn_and_the_rest_holds_the_goods_until_another_permit_comes() {
    let mut scene = scene();
    scene.kul.run(ask(3)).unwrap();
    scene.kul.run(grant(3)).unwrap();
    ordered(&mut scene, 1, 2);
    ordered(&mut scene, 2, 2);
    scene.kul.run(lodge(1)).unwrap();
    assert!(clearance(&scene, 1).is_released());
    // 3 − 2 = 1 is left, and 2 are needed.
    scene.kul.run(lodge(2)).unwrap();
    assert!(matches!(clearance(&scene, 2), Clearance::Held { .. }));
    assert_eq!((permit(&scene).drawn, permit(&scene).left()), (3, 0));
    let second = AskPermit { permit: id("second"), ..ask(5) };
    scene.kul.run(second).unwrap();
    scene.kul.run(DecidePermit { permit: id("second"), ..grant(5) }).unwrap();
    let both = vec![id("permit"), id("second")];
    scene.kul.run(LodgeExport { corrects: true, permits: both, ..lodge(2) }).unwrap();
    assert!(clearance(&scene, 2).is_released());
    // One piece of the first, one of the second.
    assert_eq!((permit(&scene).drawn, scene.kul.store.permits[&id("second")].drawn), (3, 1));
    // The same again changes nothing.
    let before = scene.kul.store.permits.clone();
    scene.kul.run(LodgeExport { corrects: false, ..lodge(1) }).unwrap();
    assert_eq!(scene.kul.store.permits, before);
}

#[test]
fn what_a_declaration_drew_is_given_back_when_it_is_corrected_or_the_goods_are_detained() {
    let mut scene = scene();
    scene.kul.run(ask(10)).unwrap();
    scene.kul.run(grant(10)).unwrap();
    ordered(&mut scene, 1, 4);
    // One piece fewer is declared than was ordered: lodged, held for nothing on this side.
    scene.kul.run(lodge(1)).unwrap();
    assert_eq!(permit(&scene).drawn, 4);
    let mut lines = scene.kul.store.trades[&trade_no(1)].declaration.clone().unwrap().lines;
    lines[0].pieces = 3;
    scene.kul.run(LodgeExport { lines, corrects: true, permits: vec![], ..lodge(1) }).unwrap();
    assert_eq!(permit(&scene).drawn, 3, "4 came back, 3 were drawn anew from the same permit");
    // Held for want of a permit for more, and then detained: all comes back.
    ordered(&mut scene, 2, 9);
    scene.kul.run(lodge(2)).unwrap();
    assert_eq!(permit(&scene).left(), 0);
    let by = party_id("officer");
    let decision = Decision::Detain;
    scene.kul.run(DecideClearance { trade: trade_no(2), by, decision, reason: "no permit".to_owned() }).unwrap();
    assert_eq!((permit(&scene).drawn, permit(&scene).left()), (3, 7));
    let kinds: BTreeSet<String> = scene.kul.events().iter().map(|e| e.what.kind()).collect();
    assert!(kinds.contains("permit-drawn") && kinds.contains("permit-given-back"));
}

#[test]
fn an_agency_asks_back_grants_less_refuses_and_revokes_each_once() {
    let mut scene = scene();
    for (refused, expected) in [
        (AskPermit { pieces: 0, ..ask(1) }, "permit-pieces"),
        (AskPermit { hs: "210112".parse().unwrap(), ..ask(1) }, "no-permit-needed"),
        (AskPermit { peer: "sin.sandbox".parse().unwrap(), ..ask(1) }, "peer-unknown"),
        (AskPermit { direction: Direction::Import, ..ask(1) }, "not-a-holder"),
        (AskPermit { note: "x".repeat(501), ..ask(1) }, "words-too-long"),
        (AskPermit { by: party_id("other-seller"), ..ask(1) }, "no-mandate"),
    ] {
        assert_eq!(code(scene.kul.run(refused.clone())), expected, "{refused:?}");
    }
    scene.kul.run(ask(10)).unwrap();
    assert_eq!(scene.kul.run(ask(10)).unwrap(), serde_json::to_value(permit(&scene)).unwrap());
    assert_eq!(code(scene.kul.run(ask(11))), "permit-differs");
    let decide = |by: &str, decision| DecidePermit { permit: id("permit"), by: party_id(by), decision };
    let asks = || PermitDecision::Ask { question: "Which batch?".to_owned() };
    assert_eq!(code(scene.kul.run(decide("seller", asks()))), "not-an-agency");
    let answer = |text: &str| AnswerPermit {
        permit: id("permit"),
        by: party_id("seller"),
        mandate: None,
        answer: text.to_owned(),
    };
    assert_eq!(code(scene.kul.run(answer("B-7"))), "permit-settled");
    scene.kul.run(decide("agency", asks())).unwrap();
    assert!(matches!(permit(&scene).state, PermitState::Questioned { .. }));
    assert_eq!(code(scene.kul.run(answer(" "))), "reason-missing");
    scene.kul.run(answer("B-7")).unwrap();
    assert_eq!(permit(&scene).questions[0].answer.as_deref(), Some("B-7"));
    // What was said stays out of the log.
    assert!(scene.kul.store.leaves.iter().all(|leaf| !String::from_utf8_lossy(leaf).contains("B-7")));
    assert_eq!(code(scene.kul.run(grant(11))), "permit-pieces");
    let backwards = PermitDecision::Grant {
        no: "X".parse().unwrap(),
        pieces: 1,
        from: date(2026, 12, 2),
        until: date(2026, 12, 1),
    };
    assert_eq!(code(scene.kul.run(decide("agency", backwards))), "permit-dates");
    assert_eq!(
        code(scene.kul.run(decide("agency", PermitDecision::Revoke { reason: "x".to_owned() }))),
        "permit-settled"
    );
    scene.kul.run(grant(4)).unwrap();
    scene.kul.run(grant(4)).unwrap();
    assert_eq!(permit(&scene).left(), 4);
    let refuses = || PermitDecision::Refuse { reason: "no test".to_owned() };
    assert_eq!(code(scene.kul.run(decide("agency", refuses()))), "permit-settled");
    scene.kul.run(decide("agency", PermitDecision::Revoke { reason: "recalled".to_owned() })).unwrap();
    ordered(&mut scene, 1, 1);
    assert_eq!(code(scene.kul.run(lodge(1))), "permit-not-granted");
}

#[test]
fn an_expired_permit_covers_nothing_and_anothers_is_not_found() {
    let mut scene = scene();
    scene.kul.run(ask(10)).unwrap();
    scene.kul.run(grant(10)).unwrap();
    ordered(&mut scene, 1, 1);
    scene.kul.now = scene.kul.now.plus_days(trade::time::Days(200));
    assert_eq!(code(scene.kul.run(lodge(1))), "permit-expired");
    let other =
        AskPermit { permit: id("others"), holder: party_id("other-seller"), by: party_id("other-seller"), ..ask(5) };
    scene.kul.run(other).unwrap();
    assert_eq!(code(scene.kul.run(LodgeExport { permits: vec![id("others")], ..lodge(1) })), "permit-unknown");
}

fn give(acts: &[Act]) -> GiveMandate {
    GiveMandate {
        mandate: id("mandate"),
        giver: party_id("seller"),
        broker: party_id("broker"),
        acts: acts.iter().copied().collect(),
        peer: None,
        until: sim::scene::START.plus_days(trade::time::Days(30)),
    }
}

#[test]
fn a_broker_acts_for_its_client_within_the_mandate_and_each_act_says_so() {
    let mut scene = scene();
    ordered(&mut scene, 1, 1);
    let mandate: Id<Mandate> = id("mandate");
    let by_broker = |mandate| LodgeExport { mandate, ..LodgeExport::as_ordered(trade_no(1), party_id("broker")) };
    assert_eq!(code(scene.kul.run(by_broker(None))), "no-mandate");
    assert_eq!(code(scene.kul.run(by_broker(Some(mandate)))), "no-mandate");
    scene.kul.run(give(&[Act::Lodge])).unwrap();
    assert_eq!(code(scene.kul.run(by_broker(Some(mandate)))), "mandate-not-accepted");
    let accept = |by: &str| AnswerMandate { mandate, by: party_id(by), accept: true };
    assert_eq!(code(scene.kul.run(accept("seller"))), "mandate-unknown");
    scene.kul.run(accept("broker")).unwrap();
    scene.kul.run(by_broker(Some(mandate))).unwrap();
    assert!(matches!(clearance(&scene, 1), Clearance::Held { .. }));
    let acted: Vec<Happened> =
        scene.kul.events().into_iter().map(|e| e.what).filter(|w| w.kind() == "acted-under-mandate").collect();
    let expected =
        Happened::ActedUnderMandate { mandate, by: party_id("broker"), giver: party_id("seller"), act: Act::Lodge };
    assert_eq!(acted, [expected]);
    // Correcting is answering customs, and permits are asked for: neither is in this mandate.
    assert_eq!(code(scene.kul.run(LodgeExport { corrects: true, ..by_broker(Some(mandate)) })), "outside-mandate");
    let asked = AskPermit { by: party_id("broker"), mandate: Some(mandate), ..ask(5) };
    assert_eq!(code(scene.kul.run(asked.clone())), "outside-mandate");
    // A wider one takes its place.
    let wide = GiveMandate { mandate: id("wide"), ..give(&Act::ALL) };
    scene.kul.run(wide).unwrap();
    scene.kul.run(AnswerMandate { mandate: id("wide"), ..accept("broker") }).unwrap();
    scene.kul.run(AskPermit { mandate: Some(id("wide")), ..asked }).unwrap();
    assert_eq!(permit(&scene).asked_by, party_id("broker"));
    scene.kul.run(grant(5)).unwrap();
    let mends = || LodgeExport { corrects: true, permits: vec![id("permit")], ..by_broker(Some(id("wide"))) };
    // Ended by its giver: from then on nothing is done under it.
    let mut ended = scene.clone();
    ended.kul.run(EndMandate { mandate: id("wide"), by: party_id("seller") }).unwrap();
    assert_eq!(code(ended.kul.run(mends())), "mandate-ended");
    let mut late = scene.clone();
    late.kul.now = late.kul.now.plus_days(trade::time::Days(31));
    assert_eq!(code(late.kul.run(mends())), "mandate-expired");
    scene.kul.run(mends()).unwrap();
    assert!(clearance(&scene, 1).is_released());
    assert_eq!(permit(&scene).drawn, 1);
}

#[test]
fn mandates_are_given_by_those_who_trade_to_brokers_for_a_time() {
    let mut scene = scene();
    for (refused, expected) in [
        (GiveMandate { giver: party_id("carrier"), ..give(&[Act::Lodge]) }, "not-a-giver"),
        (GiveMandate { giver: party_id("nobody"), ..give(&[Act::Lodge]) }, "party-unknown"),
        (GiveMandate { broker: party_id("other-seller"), ..give(&[Act::Lodge]) }, "not-a-broker"),
        (GiveMandate { peer: "sin.sandbox".parse().ok(), ..give(&[Act::Lodge]) }, "peer-unknown"),
        (give(&[]), "no-acts"),
        (GiveMandate { until: sim::scene::START, ..give(&[Act::Lodge]) }, "mandate-over"),
        (
            GiveMandate { until: sim::scene::START.plus_days(trade::time::Days(732)), ..give(&[Act::Lodge]) },
            "mandate-too-long",
        ),
    ] {
        assert_eq!(code(scene.kul.run(refused.clone())), expected, "{refused:?}");
    }
    scene.kul.run(give(&[Act::Lodge])).unwrap();
    scene.kul.run(give(&[Act::Lodge])).unwrap();
    assert_eq!(code(scene.kul.run(give(&[Act::Answer]))), "mandate-differs");
    let answer = |accept| AnswerMandate { mandate: id("mandate"), by: party_id("broker"), accept };
    scene.kul.run(answer(false)).unwrap();
    assert_eq!(code(scene.kul.run(answer(true))), "mandate-settled");
    assert_eq!(code(scene.kul.run(EndMandate { mandate: id("mandate"), by: party_id("seller") })), "mandate-settled");
    assert_eq!(
        code(scene.kul.run(EndMandate { mandate: id("mandate"), by: party_id("other-seller") })),
        "mandate-unknown"
    );
}

/// Commands in any order, over few trades and two permits: what permits say is drawn is what the
/// declarations hold, and never more than was granted.
#[test]
fn in_whatever_order_commands_come_a_permit_is_never_overdrawn() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut scene = scene();
        for n in 1..=4 {
            ordered(&mut scene, n, i64::try_from(n).unwrap() + 1);
        }
        let names = ["permit", "second"];
        for name in names {
            scene.kul.run(AskPermit { permit: id(name), ..ask(6) }).unwrap();
        }
        for _ in 0..60 {
            let n = random.below(4) + 1;
            let name = names[usize::try_from(random.below(2)).unwrap()];
            let permits = match random.below(3) {
                0 => vec![],
                1 => vec![id(name)],
                _ => vec![id("permit"), id("second")],
            };
            let corrects = random.below(2) == 0;
            let outcome = match random.below(6) {
                0 => scene.kul.run(DecidePermit { permit: id(name), ..grant(3) }),
                1 => {
                    let decision = Decision::Detain;
                    let (trade, by) = (trade_no(n), party_id("officer"));
                    scene.kul.run(DecideClearance { trade, by, decision, reason: "seen".to_owned() })
                }
                2 if random.below(8) == 0 => {
                    let decision = PermitDecision::Revoke { reason: "recalled".to_owned() };
                    scene.kul.run(DecidePermit { permit: id(name), by: party_id("agency"), decision })
                }
                _ => scene.kul.run(LodgeExport { permits, corrects, ..lodge(n) }),
            };
            // Refusals are fine; what they leave behind is looked at below.
            drop(outcome);
            for name in names {
                let permit = &scene.kul.store.permits[&id(name)];
                let uses = scene.kul.store.trades.values().filter_map(|f| f.declaration.as_ref());
                let held: i64 = uses.flat_map(|d| &d.permits).filter(|u| u.permit == permit.id).map(|u| u.pieces).sum();
                assert_eq!(permit.drawn, held, "seed {seed}");
                assert!(permit.drawn <= permit.grant().map_or(0, |g| g.pieces), "seed {seed}");
            }
        }
    }
}
