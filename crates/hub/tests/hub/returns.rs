//! Returns and disputes on stored state, on both engines.

use hub::evidence::KeptEvidence;
use hub::testing;
use trade::ball::{Holder, Task};
use trade::clock::MoveClock;
use trade::codes::{Country, S10};
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::evidence::EvidenceKind;
use trade::quantity::Grams;
use trade::quote::Quote;
use trade::returns::{AskReturn, ExamineReturn, IssueReturnWaybill, PassReturn, ReturnReason};
use trade::time::Days;
use trade::trade_file::Stage;

use crate::pair::*;

fn picture() -> KeptEvidence {
    KeptEvidence {
        trade: trade_no(1),
        party: id(BUYER),
        kind: EvidenceKind::Document,
        media: "image/png".to_owned(),
        at: testing::START,
        keep_until: testing::START.plus_days(Days(30)),
        salt: [5; 16],
        contents: b"\x89PNG broken".to_vec(),
    }
}

#[tokio::test]
async fn goods_go_back_to_their_seller_and_the_money_to_the_buyer() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        goes_back(&first, &second).await;
    }
}

async fn goes_back(first: &testing::Scratch, second: &testing::Scratch) {
    let pair = Pair::open(first, second).await;
    good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
    pair.carry().await;
    let quote = good(pair.hgh.submit(Command::AskQuote(ask(1, "T-1", BUYER))).await);
    let quote: Quote = serde_json::from_value(quote).unwrap();
    good(pair.hgh.submit(order(1, quote.id, BUYER)).await);
    good(pair.hgh.submit(payment(1, quote.landed.total, BUYER)).await);
    pair.carry().await;
    good(pair.kul.submit(waybill(1)).await);
    good(pair.kul.submit(lodge(1)).await);
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        good(pair.kul.submit(scan(1, kind)).await);
    }
    pair.carry().await;
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        good(pair.hgh.submit(scan(1, kind)).await);
    }
    let evidence = vec![picture().evidence()];
    let reason = ReturnReason::Damaged;
    let asked = AskReturn { trade: trade_no(1), by: id(BUYER), reason, evidence };
    good(pair.hgh.submit(Command::AskReturn(asked)).await);
    pair.carry().await;
    assert_eq!(pair.kul.trade(&trade_no(1)).await.unwrap().unwrap().stage(), Stage::Returning);
    // The seller has five days; on the sixth the deadline is found, and silence has agreed.
    let later = testing::START.plus_days(Days(6));
    assert!(pair.hgh.returns_due(testing::START.plus_days(Days(4)), 10).await.unwrap().is_empty());
    good(pair.hgh.submit(Command::MoveClock(MoveClock { to: later })).await);
    assert_eq!(pair.hgh.returns_due(later, 10).await.unwrap(), [trade_no(1)]);
    assert!(pair.hgh.disputes_due(later, 10).await.unwrap().is_empty());
    good(pair.hgh.submit(Command::PassReturn(PassReturn { trade: trade_no(1) })).await);
    assert!(pair.hgh.returns_due(later, 10).await.unwrap().is_empty());
    let no = S10::issue("LR", 1, Country::CN).unwrap();
    let parcel = IssueReturnWaybill { trade: trade_no(1), by: id(BUYER), no, gross: Grams(500) };
    good(pair.hgh.submit(Command::IssueReturnWaybill(parcel)).await);
    for kind in [CustodyKind::HandedBack, CustodyKind::BackAtCustoms] {
        good(pair.hgh.submit(scan(1, kind)).await);
    }
    let queue = pair.hgh.officer_queue(10).await.unwrap();
    assert_eq!((queue.len(), queue[0].ball.task), (1, Task::ExamineReturn));
    let examine =
        |said: &str| ExamineReturn { trade: trade_no(1), by: id(OFFICER), grants: true, said: said.to_owned() };
    good(pair.hgh.submit(Command::ExamineReturn(examine(""))).await);
    good(pair.hgh.submit(scan(1, CustodyKind::SentHome)).await);
    pair.carry().await;
    good(pair.kul.submit(scan(1, CustodyKind::BackHome)).await);
    let desk = pair.kul.desk(Holder::ExportCustoms, None, 10).await.unwrap();
    assert_eq!(desk.items.len(), 1);
    good(pair.kul.submit(Command::ExamineReturn(examine("as it left"))).await);
    good(pair.kul.submit(scan(1, CustodyKind::BackWithSeller)).await);
    pair.carry().await;
    let payouts = pair.hgh.payouts_due(10).await.unwrap();
    assert_eq!((payouts.len(), payouts[0].payout.amount), (1, quote.landed.total));
    for hub in [&pair.kul, &pair.hgh] {
        assert_eq!(hub.trade(&trade_no(1)).await.unwrap().unwrap().stage(), Stage::Returned);
        let audit = hub.audit_ledger().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        hub.close().await;
    }
}

#[tokio::test]
async fn evidence_is_found_with_its_trade_until_its_time_has_come() {
    for scratch in testing::stores().await {
        let pair = Pair::open(&scratch, &testing::sqlite()).await;
        let (hub, piece) = (&pair.kul, picture());
        let sha256 = piece.evidence().sha256;
        // Saved twice is saved once.
        hub.save_evidence(std::slice::from_ref(&piece)).await.unwrap();
        hub.save_evidence(std::slice::from_ref(&piece)).await.unwrap();
        assert_eq!(hub.evidence(&trade_no(1), &sha256).await.unwrap(), Some(piece.clone()));
        assert_eq!(hub.evidence(&trade_no(2), &sha256).await.unwrap(), None);
        assert_eq!(hub.erase_evidence(testing::START.plus_days(Days(29))).await, Ok(0));
        assert_eq!(hub.erase_evidence(testing::START.plus_days(Days(30))).await, Ok(1));
        assert_eq!(hub.evidence(&trade_no(1), &sha256).await.unwrap(), None);
        hub.save_evidence(&[piece]).await.unwrap();
        hub.drop_evidence(std::slice::from_ref(&sha256)).await.unwrap();
        assert_eq!(hub.evidence(&trade_no(1), &sha256).await.unwrap(), None);
        pair.kul.close().await;
        pair.hgh.close().await;
    }
}
