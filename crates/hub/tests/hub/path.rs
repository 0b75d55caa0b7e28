//! The sample path: from a product to a paid seller, over the road, on stored state only.

use hub::testing;
use hub::trade_file::TradeFilter;
use trade::ball::{Holder, Task};
use trade::clearance::Clearance;
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::escrow::AcceptGoods;
use trade::log::{leaf_hash, verify_inclusion};
use trade::payout::{ConfirmPayout, InstructPayouts, PayoutRef};
use trade::quote::Quote;
use trade::trade_file::Stage;

use crate::pair::*;

#[tokio::test]
async fn a_sale_goes_from_a_product_to_a_paid_seller() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        sale(&first, &second).await;
    }
}

async fn sale(first: &testing::Scratch, second: &testing::Scratch) {
    let pair = Pair::open(first, second).await;
    good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
    pair.carry().await;
    assert_eq!(pair.hgh.offers(None, 10).await.unwrap().items.len(), 1);
    let quote: Quote =
        serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask(1, "T-1", BUYER))).await)).unwrap();
    assert_eq!(pair.hgh.quote(quote.id).await.unwrap().as_ref(), Some(&quote));
    // The payment comes before the order: it is parked, and applied when the order comes.
    good(pair.hgh.submit(payment(1, quote.landed.total, BUYER)).await);
    assert_eq!(pair.hgh.parked_payments(testing::START.plus_seconds(1), 10).await.unwrap(), [trade_no(1)]);
    good(pair.hgh.submit(order(1, quote.id, BUYER)).await);
    pair.carry().await;
    good(pair.kul.submit(waybill(1)).await);
    good(pair.kul.submit(lodge(1)).await);
    pair.carry().await;
    let file = pair.hgh.trade(&trade_no(1)).await.unwrap().unwrap();
    assert!(matches!(file.clearance, Clearance::Released { .. }), "{:?}", file.clearance);
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        good(pair.kul.submit(scan(1, kind)).await);
    }
    pair.carry().await;
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        good(pair.hgh.submit(scan(1, kind)).await);
    }
    let stuck = pair.hgh.claim_windows(testing::START.plus_seconds(1), 10).await.unwrap();
    assert_eq!(stuck, [trade_no(1)]);
    good(pair.hgh.submit(Command::AcceptGoods(AcceptGoods { trade: trade_no(1), by: id(BUYER) })).await);
    pair.carry().await;
    // What one hub owes the other, both know.
    let due = |hub: &hub::Hub| {
        let hub = hub.clone();
        async move { hub.settlement().await.unwrap() }
    };
    let (to, from) = (due(&pair.hgh).await, due(&pair.kul).await);
    assert_eq!((to.len(), from.len()), (1, 1));
    assert_eq!(to[0].balance.owed(), quote.due.minor());
    assert_eq!(from[0].balance.held(), quote.due.minor());
    let payouts = pair.kul.payouts_due(10).await.unwrap();
    assert_eq!(payouts.len(), 1);
    let payout = payouts[0].payout.clone();
    let desk = pair.kul.desk(Holder::ExportHub, None, 10).await.unwrap();
    assert_eq!((desk.items.len(), desk.items[0].ball.task), (1, Task::PayOut));
    let payouts = vec![PayoutRef { trade: trade_no(1), payout: payout.id }];
    let instruct = InstructPayouts { file: "F-1".parse().unwrap(), payouts };
    good(pair.kul.submit(Command::InstructPayouts(instruct)).await);
    assert_eq!(pair.kul.payouts_of_file("F-1", 10).await.unwrap()[0].payout.id, payout.id);
    let confirm =
        ConfirmPayout { trade: trade_no(1), payout: payout.id, amount: payout.amount, bank_reference: "B-1".into() };
    good(pair.kul.submit(Command::ConfirmPayout(confirm)).await);
    pair.carry().await;
    each_keeps_what_the_other_told(&pair).await;
    for hub in [&pair.kul, &pair.hgh] {
        assert_eq!(hub.trade(&trade_no(1)).await.unwrap().unwrap().stage(), Stage::Paid);
        let audit = hub.audit_ledger().await.unwrap();
        assert!(audit.is_sound() && audit.transfers > 3, "{audit:?}");
        hub.sequence_all().await.unwrap();
        let log = hub.audit_log().await.unwrap();
        assert!(log.is_sound() && log.sequenced == log.events, "{log:?}");
        assert!(!hub.events_of(&trade_no(1)).await.unwrap().is_empty());
        let summary = hub.summary().await.unwrap();
        assert_eq!((summary.trades.len(), summary.trades[0].stage, summary.trades[0].count), (1, Stage::Paid, 1));
        let all = hub.trades(&TradeFilter::default(), None, 10).await.unwrap();
        assert_eq!((all.items.len(), all.next), (1, None));
        hub.close().await;
    }
}

/// All that one hub told lies with the other, byte for byte, each entry proved by a head that the
/// teller signed; what belongs to a trade is found through its file.
async fn each_keeps_what_the_other_told(pair: &Pair) {
    for (teller, listener) in [(&pair.kul, &pair.hgh), (&pair.hgh, &pair.kul)] {
        let from = &teller.site().id;
        let road = listener.peer(from).await.unwrap().unwrap().road;
        let all = listener.heard_after(from, 0, 500).await.unwrap();
        assert_eq!(all.iter().map(|h| h.entry.road_seq).collect::<Vec<_>>(), (1..=road.cursor).collect::<Vec<_>>());
        let heads = listener.heads_of(from, &all).await.unwrap();
        for heard in &all {
            let head = heads.iter().find(|h| h.claimed().size == heard.size).unwrap();
            let head = head.verify_for(&teller.site().road.origin(), &teller.site().card.keys).unwrap();
            let (leaf, index) = (&heard.entry.leaf.0, heard.entry.index);
            verify_inclusion(&leaf_hash(leaf), index, head.size, &heard.entry.proof, &head.root).unwrap();
            assert_eq!(teller.events(index, 1).await.unwrap()[0].leaf, *leaf);
        }
        let file = listener.trade(&trade_no(1)).await.unwrap().unwrap();
        let of_trade = listener.heard(from, &file.heard.iter().copied().collect()).await.unwrap();
        let told = teller.events_of(&trade_no(1)).await.unwrap();
        let told: Vec<_> = told.into_iter().filter(|l| l.event.to.as_ref() == Some(&listener.site().id)).collect();
        assert_eq!(
            of_trade.iter().map(|h| &h.entry.leaf.0).collect::<Vec<_>>(),
            told.iter().map(|l| &l.leaf).collect::<Vec<_>>()
        );
    }
}
