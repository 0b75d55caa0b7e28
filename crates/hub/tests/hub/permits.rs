//! Permits and mandates as they are stored, on both engines.

use hub::testing;
use trade::clearance::Clearance;
use trade::codes::Country;
use trade::commands::Command;
use trade::declaration::LodgeExport;
use trade::id::Id;
use trade::mandate::{Act, AnswerMandate, EndMandate, GiveMandate, Mandate};
use trade::party::Role;
use trade::permit::{AskPermit, DecidePermit, Permit, PermitDecision};
use trade::product::{Goods, OfferProduct};
use trade::quote::{AskQuote, Quote};
use trade::readiness::HsClaim;
use trade::rulebook::Direction;
use trade::time::Days;

use crate::pair::*;

const AGENCY: u64 = 7;
const BROKER: u64 = 8;

fn honey() -> OfferProduct {
    let towel = offer("HONEY");
    let goods = Goods {
        name: "Forest honey".to_owned(),
        description: "Natural forest honey in a glass jar".to_owned(),
        hs: HsClaim::Code("040900".parse().unwrap()),
        ..towel.goods
    };
    OfferProduct { goods, ..towel }
}

fn asked(n: u64, pieces: i64) -> AskPermit {
    AskPermit {
        permit: id(n),
        holder: id(SELLER),
        by: id(SELLER),
        mandate: None,
        direction: Direction::Export,
        hs: "040900".parse().unwrap(),
        peer: hub_id("hgh.sandbox"),
        pieces,
        note: "Batch 7".to_owned(),
    }
}

fn granted(n: u64, pieces: i64) -> Command {
    let decision = PermitDecision::Grant {
        no: format!("HC-{n}").parse().unwrap(),
        pieces,
        from: "2026-11-23".parse().unwrap(),
        until: "2027-05-22".parse().unwrap(),
    };
    Command::DecidePermit(DecidePermit { permit: id(n), by: id(AGENCY), decision })
}

#[tokio::test]
async fn a_permit_is_asked_granted_drawn_by_a_broker_and_read_back_as_it_stands() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        let pair = Pair::open(&first, &second).await;
        for (n, role) in [(AGENCY, Role::Agency), (BROKER, Role::Broker)] {
            good(pair.kul.submit(party(n, role, Country::MY)).await);
        }
        good(pair.kul.submit(Command::OfferProduct(honey())).await);
        pair.carry().await;
        let lines = vec![trade::event::Asked { product: honey().product(), pieces: 2 }];
        let ask = AskQuote {
            quote: id(1),
            exporter: hub_id("kul.sandbox"),
            lines,
            buyer: Some(id(BUYER)),
            terms: trade::terms::Terms::Parcel,
        };
        let quote: Quote = serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask)).await)).unwrap();
        good(pair.hgh.submit(order(1, quote.id, BUYER)).await);
        good(pair.hgh.submit(payment(1, quote.landed.total, BUYER)).await);
        pair.carry().await;
        good(pair.kul.submit(waybill(1)).await);

        // In one batch: three are asked, one of them is granted, and a mandate is given and taken.
        let mandate: Id<Mandate> = id(70);
        let give = GiveMandate {
            mandate,
            giver: id(SELLER),
            broker: id(BROKER),
            acts: Act::ALL.into_iter().collect(),
            peer: None,
            until: testing::START.plus_days(Days(30)),
        };
        let answers = pair
            .kul
            .submit_all(vec![
                Command::AskPermit(asked(21, 5)),
                Command::AskPermit(asked(22, 5)),
                Command::AskPermit(asked(23, 5)),
                granted(22, 3),
                Command::GiveMandate(give),
                Command::AnswerMandate(AnswerMandate { mandate, by: id(BROKER), accept: true }),
            ])
            .await;
        assert!(answers.into_iter().all(|a| answer(a).is_ok()), "{}", first.engine);
        let ids = |permits: Vec<Permit>| permits.into_iter().map(|p| p.id).collect::<Vec<_>>();
        let permit = |n| id::<Permit>(n);
        assert_eq!(ids(pair.kul.permits_asked(None, 10).await.unwrap().items), [permit(21), permit(23)]);
        assert_eq!(ids(pair.kul.permits_granted(id(SELLER), 10).await.unwrap()), [permit(22)]);
        let page = pair.kul.permits_of(id(SELLER), None, 2).await.unwrap();
        assert_eq!(ids(page.items), [permit(23), permit(22)]);
        let rest = pair.kul.permits_of(id(SELLER), page.next.as_deref(), 2).await.unwrap();
        assert_eq!((ids(rest.items), rest.next), (vec![permit(21)], None));
        assert_eq!(ids(pair.kul.permits_kept(None, 10).await.unwrap().items), [permit(22)]);
        assert_eq!(pair.kul.mandates_between(id(SELLER), id(BROKER)).await.unwrap().len(), 1);
        assert_eq!(pair.kul.mandates_held(id(BROKER), None, 10).await.unwrap().items[0].id, mandate);

        let lodge = LodgeExport {
            mandate: Some(mandate),
            permits: vec![permit(22)],
            ..LodgeExport::as_ordered(trade_no(1), id(BROKER))
        };
        good(pair.kul.submit(Command::LodgeExport(lodge.clone())).await);
        let stored = pair.kul.permit(permit(22)).await.unwrap().unwrap();
        assert_eq!((stored.drawn, stored.left(), stored.note.as_str()), (2, 1, "Batch 7"));
        let file = pair.kul.trade(&trade_no(1)).await.unwrap().unwrap();
        assert!(matches!(file.clearance, Clearance::Released { .. }), "{:?}", file.clearance);
        pair.carry().await;
        let there = pair.hgh.trade(&trade_no(1)).await.unwrap().unwrap();
        assert_eq!(there.declaration.unwrap().permits[0].no.as_str(), "HC-22");
        assert!(pair.hgh.permit(permit(22)).await.unwrap().is_none());

        good(pair.kul.submit(Command::EndMandate(EndMandate { mandate, by: id(SELLER) })).await);
        assert!(pair.kul.mandates_between(id(SELLER), id(BROKER)).await.unwrap().is_empty());
        assert_eq!(pair.kul.mandates_given(id(SELLER), None, 10).await.unwrap().items.len(), 1);
        let late = answer(pair.kul.submit(Command::LodgeExport(LodgeExport { corrects: true, ..lodge })).await);
        assert_eq!(late.unwrap_err().code, "mandate-ended");
    }
}
