//! Returns and disputes on two hubs in memory, with numbers worked by hand.

use sim::generator::{Flaw, Plan, Ruling};
use sim::memory::MemoryHub;
use sim::play::{Phase, is_at_rest, open, play};
use sim::random::Random;
use sim::scene::{START, Scene, party_id};
use trade::clock::MoveClock;
use trade::command::Outcome;
use trade::custody::CustodyKind;
use trade::escrow::{AcceptGoods, EndClaimWindow, Escrow};
use trade::ledger::Purpose;
use trade::money::{Currency, Money};
use trade::party::Role;
use trade::payout::PayoutKind;
use trade::quantity::Grams;
use trade::refund::Refund;
use trade::returns::{
    AnswerReturn, AskReturn, CancelOrder, ExamineReturn, Lapse, PassReturn, ReturnReason, ReturnState, SendBack,
    TaxBack, TaxKept, WithdrawClaim,
};
use trade::time::Days;
use trade::trade_file::{Stage, TradeFile};

/// Two packs of white coffee: goods 80.60, freight 58.26 (RM 36.00), tax 12.64, in all CNY 151.50; the
/// hub's fee is 0.40, due to the seller's hub are 138.46. See `trade.rs` for how.
fn plan(flaw: Flaw) -> Plan {
    Plan { number: 1, buyer: "buyer-0".to_owned(), lines: vec![(0, 2)], flaw, ..Plan::default() }
}

const fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn whole(flaw: Flaw) -> (Scene, Plan) {
    let (mut scene, mut random) = (Scene::new(), Random::new(1));
    open(&mut scene, 1, &mut random);
    let plan = plan(flaw);
    play(&mut scene, std::slice::from_ref(&plan), &mut random);
    (scene, plan)
}

/// Played until `last`.
fn until(flaw: Flaw, last: Phase) -> (Scene, Random, Plan) {
    let (mut scene, mut random) = (Scene::new(), Random::new(1));
    open(&mut scene, 1, &mut random);
    let plan = plan(flaw);
    for phase in Phase::ALL.into_iter().filter(|phase| *phase <= last) {
        phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
    }
    (scene, random, plan)
}

fn file<'a>(hub: &'a MemoryHub, scene: &Scene, plan: &Plan) -> &'a TradeFile {
    &hub.store.trades[&plan.trade(&scene.hgh.site.id)]
}

fn files<'a>(scene: &'a Scene, plan: &Plan) -> (&'a TradeFile, &'a TradeFile) {
    (file(&scene.hgh, scene, plan), file(&scene.kul, scene, plan))
}

fn owed(hub: &MemoryHub, purpose: Purpose, currency: Currency) -> i64 {
    let of = hub.store.balances.iter().filter(|(a, _)| a.purpose == purpose && a.currency == currency);
    of.map(|(_, b)| b.owed()).sum()
}

/// What a person has used of the yearly limit.
fn used(scene: &Scene) -> i64 {
    scene.hgh.store.quotas.values().map(|q| q.used.minor()).sum()
}

/// Nothing is held any more, nothing hangs in between, and every currency is in balance.
fn assert_settled(scene: &Scene) {
    for hub in [&scene.hgh, &scene.kul] {
        assert!(hub.imbalance().values().all(|sum| *sum == 0));
        assert!(hub.store.balances.values().all(|b| (b.pending_debit, b.pending_credit) == (0, 0)));
        for purpose in [Purpose::BuyerFunds, Purpose::Proceeds, Purpose::Unapplied, Purpose::Seller] {
            for currency in [Currency::CNY, Currency::MYR] {
                assert_eq!(owed(hub, purpose, currency), 0, "{purpose:?} {currency} on {}", hub.site.id);
            }
        }
        assert!(is_at_rest(hub));
    }
    let (due_to, due_from, in_flight) = scene.dues();
    assert_eq!(due_to, due_from + in_flight);
}

fn code(outcome: &Outcome) -> &str {
    outcome.as_ref().err().map_or("taken", |problem| problem.code.as_str())
}

fn bank(scene: &Scene) -> i64 {
    -owed(&scene.hgh, Purpose::Bank, Currency::CNY)
}

#[test]
fn a_buyer_who_changed_its_mind_has_goods_and_tax_back_and_the_carrier_keeps_the_freight() {
    for silent in [false, true] {
        let (scene, plan) = whole(Flaw::Returns { reason: ReturnReason::ChangedMind, silent });
        let (here, there) = files(&scene, &plan);
        assert_eq!((here.stage(), there.stage()), (Stage::Returned, Stage::Returned));
        let refund = Refund { goods: cny(8_060), freight: cny(0), tax: cny(1_264) };
        assert_eq!(here.refund(), Some(refund));
        assert_eq!(there.refund(), Some(refund));
        // 80.60 + 12.64 = 93.24 go back. Nothing is sold, so no fee: 58.26 are due to the seller's hub.
        let Escrow::Released { tax, fee, due, .. } = here.escrow else { panic!("{:?}", here.escrow) };
        assert_eq!((tax, fee, due), (cny(0), cny(0), cny(5_826)));
        assert_eq!(bank(&scene), 15_150 - 9_324);
        assert_eq!(scene.dues(), (5_826, 5_826, 0));
        // 58.26 / 1.618448 = 35.9974… -> RM 36.00, all for the carrier; no payout to the seller.
        assert_eq!(owed(&scene.kul, Purpose::Carrier, Currency::MYR), 3_600);
        assert!(there.payouts.is_empty());
        let ReturnState::Settled { tax, .. } = &here.returning.as_ref().unwrap().state else { panic!("settled") };
        assert_eq!(*tax, TaxBack::GivenBack { rule: "cn.return.import-tax".to_owned(), quota: true });
        assert_eq!(used(&scene), 0);
        // Malaysia's rule on goods that come home is not known: its officer decided.
        let home = there.reimport.as_ref().unwrap();
        assert_eq!((home.duty_free, home.by), (true, Some(party_id(Role::Officer.code()))));
        assert_eq!(here.reimport, there.reimport);
        assert_settled(&scene);
    }
}

#[test]
fn a_fault_of_the_sellers_gives_the_buyer_everything_back() {
    let (scene, plan) = whole(Flaw::Returns { reason: ReturnReason::Damaged, silent: false });
    let (here, there) = files(&scene, &plan);
    assert_eq!((here.stage(), there.stage()), (Stage::Returned, Stage::Returned));
    assert!(matches!(here.escrow, Escrow::Returned { amount, .. } if amount == cny(15_150)));
    assert_eq!((bank(&scene), scene.dues(), used(&scene)), (0, (0, 0, 0), 0));
    assert_eq!(owed(&scene.kul, Purpose::Carrier, Currency::MYR), 0);
    assert_settled(&scene);
}

#[test]
fn what_never_arrives_costs_the_buyer_nothing() {
    for (flaw, stage) in
        [(Flaw::Cancelled, Stage::Cancelled), (Flaw::SentBack, Stage::Returned), (Flaw::Undeliverable, Stage::Returned)]
    {
        let (scene, plan) = whole(flaw);
        let (here, there) = files(&scene, &plan);
        assert_eq!((here.stage(), there.stage()), (stage, stage), "{flaw:?}");
        assert!(matches!(here.escrow, Escrow::Returned { amount, .. } if amount == cny(15_150)), "{flaw:?}");
        assert_eq!((bank(&scene), scene.dues(), used(&scene)), (0, (0, 0, 0), 0), "{flaw:?}");
        assert_settled(&scene);
    }
}

#[test]
fn half_of_the_price_is_cut_out_of_the_goods_and_the_fee_follows() {
    let (scene, plan) = whole(Flaw::Disputes { after_return: true, ruling: Some(Ruling::Half) });
    let (here, there) = files(&scene, &plan);
    assert_eq!((here.stage(), there.stage()), (Stage::Paid, Stage::Paid));
    // Goods and freight 138.86, half of it 69.43, all of the goods. Whether tax follows a lowered price
    // is not known in China's pack: it stays.
    assert_eq!(here.refund(), Some(Refund { goods: cny(6_943), freight: cny(0), tax: cny(0) }));
    // Sold are 11.17 of 80.60: of the fee of 0.40, 0.0554 -> 0.06 and 0.34. Due 151.50 − 69.43 − 12.64 − 0.06.
    let Escrow::Released { tax, fee, due, .. } = here.escrow else { panic!("{:?}", here.escrow) };
    assert_eq!((tax, fee, due), (cny(1_264), cny(6), cny(6_937)));
    assert_eq!(scene.dues(), (6_937, 6_937, 0));
    // 69.37 / 1.618448 = 42.8620… -> RM 42.86; freight 36.00; of the fee of 0.50, 0.0693 -> 0.07: 6.79.
    let payout = there.payouts.first().unwrap();
    assert!(matches!(payout.kind, PayoutKind::Proceeds { .. }));
    assert_eq!(payout.amount, Money::new(679, Currency::MYR));
    // The goods stay in the country, and so does what they use of the yearly limit.
    assert_eq!(used(&scene), 13_886);
    assert_settled(&scene);
}

#[test]
fn a_dispute_that_nobody_answers_is_decided_for_the_buyer_and_tax_stays() {
    let (scene, plan) = whole(Flaw::Disputes { after_return: false, ruling: None });
    let (here, there) = files(&scene, &plan);
    assert_eq!((here.stage(), there.stage()), (Stage::Refunded, Stage::Refunded));
    // 138.86 go back, 12.64 stay for the authority; nothing is due to the seller's hub.
    let Escrow::Released { tax, fee, due, .. } = here.escrow else { panic!("{:?}", here.escrow) };
    assert_eq!((tax, fee, due), (cny(1_264), cny(0), cny(0)));
    assert_eq!((bank(&scene), scene.dues()), (1_264, (0, 0, 0)));
    assert_settled(&scene);
}

#[test]
fn a_ruling_for_the_seller_lets_the_whole_price_go() {
    let (scene, plan) = whole(Flaw::Disputes { after_return: false, ruling: Some(Ruling::Nothing) });
    let (here, there) = files(&scene, &plan);
    assert_eq!((here.stage(), there.stage()), (Stage::Paid, Stage::Paid));
    assert_eq!((here.refund(), scene.dues()), (None, (13_846, 13_846, 0)));
    assert_settled(&scene);
}

#[test]
fn nothing_is_released_while_a_claim_is_open() {
    for flaw in [
        Flaw::Returns { reason: ReturnReason::Damaged, silent: true },
        Flaw::Disputes { after_return: false, ruling: None },
    ] {
        let (mut scene, _, plan) = until(flaw, Phase::Deliver);
        let trade = plan.trade(&scene.hgh.site.id);
        let (by, later) = (party_id("buyer-0"), START.plus_days(Days(20)));
        assert_eq!(code(&scene.hgh.run(AcceptGoods { trade: trade.clone(), by })), "claim-open");
        scene.hgh.run(MoveClock { to: later }).unwrap();
        assert_eq!(code(&scene.hgh.run(EndClaimWindow { trade: trade.clone() })), "claim-open");
        // Taken back, the sale goes on as if nothing had been.
        scene.hgh.run(WithdrawClaim { trade: trade.clone(), by }).unwrap();
        scene.hgh.run(EndClaimWindow { trade }).unwrap();
        assert_eq!(files(&scene, &plan).0.stage(), Stage::Settled);
    }
}

#[test]
fn goods_that_come_back_late_leave_their_tax_with_the_authority() {
    let (mut scene, mut random, plan) =
        until(Flaw::Returns { reason: ReturnReason::Damaged, silent: false }, Phase::Answer);
    let trade = plan.trade(&scene.hgh.site.id);
    scene.hgh.run(plan.return_waybill(&scene.hgh.site.id.clone(), Grams(1_240))).unwrap();
    scene.scan(&trade, CustodyKind::HandedBack).unwrap();
    // Released on the first day; the 45th day after it has passed.
    scene.hgh.run(MoveClock { to: START.plus_days(Days(46)) }).unwrap();
    scene.scan(&trade, CustodyKind::BackAtCustoms).unwrap();
    let examine = ExamineReturn { trade, by: party_id("officer"), grants: true, said: String::new() };
    scene.hgh.run(examine).unwrap();
    scene.settle(&mut random);
    let (here, there) = files(&scene, &plan);
    // Goods and freight go back, 12.64 stay; the yearly limit stays used.
    assert_eq!(here.refund(), Some(Refund { goods: cny(8_060), freight: cny(5_826), tax: cny(0) }));
    let ReturnState::Settled { tax, .. } = &here.returning.as_ref().unwrap().state else { panic!("settled") };
    let rule = Some("cn.return.import-tax".to_owned());
    assert_eq!(*tax, TaxBack::Kept { why: TaxKept::BackLate, rule });
    assert_eq!((used(&scene), owed(&scene.hgh, Purpose::Tax, Currency::CNY)), (13_886, 1_264));
    assert_eq!(there.refund(), here.refund());
}

#[test]
fn an_officer_who_finds_other_goods_keeps_the_tax() {
    let (mut scene, _, plan) = until(Flaw::Returns { reason: ReturnReason::Damaged, silent: false }, Phase::Dispute);
    let (trade, by) = (plan.trade(&scene.hgh.site.id), party_id("officer"));
    let examine = |grants, said: &str| ExamineReturn { trade: trade.clone(), by, grants, said: said.to_owned() };
    assert_eq!(code(&scene.hgh.run(examine(false, " "))), "reason-missing");
    scene.hgh.run(examine(false, "stones in the box")).unwrap();
    let ReturnState::Settled { tax, .. } = &files(&scene, &plan).0.returning.as_ref().unwrap().state else {
        panic!("settled")
    };
    let rule = Some("cn.return.import-tax".to_owned());
    assert_eq!(*tax, TaxBack::Kept { why: TaxKept::NotAsReleased, rule });
}

#[test]
fn a_cancelling_that_crosses_the_handing_over_comes_to_nothing() {
    let (mut scene, mut random, plan) = until(Flaw::None, Phase::Order);
    let (trade, by) = (plan.trade(&scene.hgh.site.id), party_id("buyer-0"));
    scene.cut(true);
    scene.hgh.run(CancelOrder { trade: trade.clone(), by }).unwrap();
    assert_eq!(files(&scene, &plan).0.stage(), Stage::Returning);
    // Meanwhile the parcel is declared and handed over.
    let quote = scene.hgh.store.quotes[&plan.quote()].clone();
    let importer = scene.hgh.site.id.clone();
    scene.kul.run(plan.waybills(&importer, quote.gross()).remove(0)).unwrap();
    scene.kul.run(plan.declarations(&importer, &quote).remove(0)).unwrap();
    scene.scan(&trade, CustodyKind::HandedOver).unwrap();
    scene.cut(false);
    scene.settle(&mut random);
    let returning = files(&scene, &plan).0.returning.clone().unwrap();
    assert!(matches!(returning.state, ReturnState::Lapsed { why: Lapse::UnderWay, .. }), "{returning:?}");
    let again = scene.hgh.run(CancelOrder { trade, by });
    assert_eq!(code(&again), "handed-over-already");
    for phase in Phase::ALL.into_iter().filter(|phase| *phase > Phase::Declare) {
        phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
    }
    assert_eq!(files(&scene, &plan).0.stage(), Stage::Paid);
}

#[test]
fn a_parcel_that_goes_back_takes_its_steps_in_order_and_only_then() {
    let (mut scene, mut random, plan) =
        until(Flaw::Returns { reason: ReturnReason::Damaged, silent: false }, Phase::Deliver);
    let trade = plan.trade(&scene.hgh.site.id);
    let gross = Grams(1_240);
    // Asked for and not agreed: nothing comes back.
    assert_eq!(code(&scene.scan(&trade, CustodyKind::HandedBack)), "nothing-comes-back");
    assert_eq!(code(&scene.hgh.run(plan.return_waybill(&scene.hgh.site.id.clone(), gross))), "return-state");
    Phase::Answer.play(&mut scene, std::slice::from_ref(&plan), &mut random);
    assert_eq!(code(&scene.scan(&trade, CustodyKind::HandedBack)), "no-return-waybill");
    scene.hgh.run(plan.return_waybill(&scene.hgh.site.id.clone(), gross)).unwrap();
    assert_eq!(code(&scene.scan(&trade, CustodyKind::BackAtCustoms)), "step-missing");
    scene.scan(&trade, CustodyKind::HandedBack).unwrap();
    let (by, said) = (party_id("officer"), String::new());
    let examine = ExamineReturn { trade: trade.clone(), by, grants: true, said };
    assert_eq!(code(&scene.hgh.run(examine.clone())), "step-missing");
    scene.scan(&trade, CustodyKind::BackAtCustoms).unwrap();
    assert_eq!(code(&scene.scan(&trade, CustodyKind::SentHome)), "return-not-decided");
    // What is with the carrier is not taken back any more.
    let withdraw = WithdrawClaim { trade: trade.clone(), by: party_id("buyer-0") };
    assert_eq!(code(&scene.hgh.run(withdraw)), "return-state");
    scene.hgh.run(examine).unwrap();
    scene.scan(&trade, CustodyKind::SentHome).unwrap();
    scene.settle(&mut random);
    scene.scan(&trade, CustodyKind::BackHome).unwrap();
    assert_eq!(code(&scene.scan(&trade, CustodyKind::BackWithSeller)), "not-released-for-home");
    let said = "as it left".to_owned();
    scene.kul.run(ExamineReturn { trade: trade.clone(), by, grants: false, said }).unwrap();
    scene.scan(&trade, CustodyKind::BackWithSeller).unwrap();
    scene.settle(&mut random);
    let (here, there) = files(&scene, &plan);
    assert_eq!((here.stage(), there.stage()), (Stage::Returned, Stage::Returned));
    assert_eq!(there.reimport.as_ref().map(|home| home.duty_free), Some(false));
}

#[test]
fn each_step_of_a_return_is_for_its_own_party_at_its_own_time() {
    let (mut scene, mut random, plan) = until(Flaw::None, Phase::Order);
    let trade = plan.trade(&scene.hgh.site.id);
    let (buyer, seller) = (party_id("buyer-0"), party_id("seller"));
    let ask = |reason, evidence| AskReturn { trade: trade.clone(), by: buyer, reason, evidence };
    let words = plan.evidence("buyer");
    assert_eq!(code(&scene.hgh.run(ask(ReturnReason::Damaged, words.clone()))), "not-delivered");
    let stranger = AskReturn { by: seller, ..ask(ReturnReason::Damaged, words.clone()) };
    assert_eq!(code(&scene.hgh.run(stranger)), "not-the-buyer");
    assert_eq!(code(&scene.hgh.run(ask(ReturnReason::SentBack, words.clone()))), "return-reason");
    let back = |by, reason| SendBack { trade: trade.clone(), by, reason, said: "no".to_owned() };
    assert_eq!(code(&scene.hgh.run(back(buyer, ReturnReason::SentBack))), "not-an-officer");
    assert_eq!(code(&scene.hgh.run(back(buyer, ReturnReason::Undeliverable))), "not-a-carrier");
    let undeliverable = back(party_id("carrier"), ReturnReason::Undeliverable);
    assert_eq!(code(&scene.hgh.run(undeliverable)), "step-missing");
    let (here, there) = (trade.clone(), trade.clone());
    assert_eq!(code(&scene.hgh.run(CancelOrder { trade: here, by: seller })), "not-the-buyer");
    assert_eq!(code(&scene.kul.run(CancelOrder { trade: there, by: buyer })), "not-the-seller");
    let answer = |agrees| AnswerReturn { trade: trade.clone(), by: seller, agrees, evidence: Vec::new() };
    assert_eq!(code(&scene.kul.run(answer(true))), "no-return");
    assert_eq!(code(&scene.hgh.run(answer(true))), "return-elsewhere");

    // Delivered, and not accepted.
    for phase in [Phase::Declare, Phase::Examine, Phase::Correct, Phase::ExamineAgain] {
        phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
    }
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        scene.scan(&trade, kind).unwrap();
    }
    scene.settle(&mut random);
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        scene.scan(&trade, kind).unwrap();
    }
    assert_eq!(code(&scene.hgh.run(ask(ReturnReason::Damaged, Vec::new()))), "evidence-missing");
    let many: Vec<_> = (0..7).flat_map(|_| words.clone()).collect();
    assert_eq!(code(&scene.hgh.run(ask(ReturnReason::Damaged, many))), "too-much-evidence");
    scene.hgh.run(ask(ReturnReason::Damaged, words.clone())).unwrap();
    // The same again is the same; another claim has to wait.
    scene.hgh.run(ask(ReturnReason::Damaged, words.clone())).unwrap();
    assert_eq!(code(&scene.hgh.run(ask(ReturnReason::ChangedMind, Vec::new()))), "claim-open");
    assert_eq!(code(&scene.hgh.run(PassReturn { trade: trade.clone() })), "claim-not-due");
    scene.settle(&mut random);
    assert_eq!(code(&scene.kul.run(answer(false))), "evidence-missing");
    // Five days to answer; on the sixth it is too late, and silence has agreed.
    scene.hgh.run(MoveClock { to: START.plus_days(Days(6)) }).unwrap();
    scene.settle(&mut random);
    assert_eq!(code(&scene.kul.run(answer(true))), "answer-too-late");
    scene.hgh.run(PassReturn { trade: trade.clone() }).unwrap();
    // Not handed in within seven days, it comes to nothing; the window has ended, so that is the end.
    scene.hgh.run(MoveClock { to: START.plus_days(Days(15)) }).unwrap();
    scene.hgh.run(PassReturn { trade: trade.clone() }).unwrap();
    let returning = files(&scene, &plan).0.returning.clone().unwrap();
    assert!(matches!(returning.state, ReturnState::Lapsed { why: Lapse::NotHandedIn, .. }), "{returning:?}");
    assert_eq!(code(&scene.hgh.run(ask(ReturnReason::Damaged, words))), "claim-window-ended");
    scene.hgh.run(EndClaimWindow { trade }).unwrap();
}
