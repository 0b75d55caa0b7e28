//! What customs charged beside what was quoted, as both engines count it.

use hub::testing;
use trade::clearance::{DecideClearance, Decision};
use trade::commands::Command;
use trade::declaration::{DeclaredLine, LodgeExport};
use trade::money::{Currency, Money};
use trade::quote::Quote;

use crate::pair::*;

const fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

/// Two towels as ordered, or declared at RM 64.00 in place of 80.00; let in by an officer where that is asked of it.
async fn let_in(pair: &Pair, n: u64, declared: Option<i64>) {
    let quote: Quote =
        serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask(n, "T-1", BUYER))).await)).unwrap();
    good(pair.hgh.submit(order(n, quote.id, BUYER)).await);
    good(pair.hgh.submit(payment(n, quote.landed.total, BUYER)).await);
    pair.carry().await;
    good(pair.kul.submit(waybill(n)).await);
    let as_ordered = LodgeExport::as_ordered(trade_no(n), id(SELLER));
    let line =
        |minor| DeclaredLine { value: Money::new(minor, Currency::MYR), ..DeclaredLine::ordered(&quote.lines[0]) };
    let lines = declared.map(line).into_iter().collect();
    good(pair.kul.submit(Command::LodgeExport(LodgeExport { lines, ..as_ordered })).await);
    pair.carry().await;
    if declared.is_some() {
        let (trade, by, reason) = (trade_no(n), id(OFFICER), "seen".to_owned());
        let decide = DecideClearance { trade, by, decision: Decision::Release, reason };
        good(pair.hgh.submit(Command::DecideClearance(decide)).await);
        pair.carry().await;
    }
}

/// 158.61 × 13 % × 70 % = 14.43 quoted; of RM 64.00 -> 103.58 and the carriage of 29.13, 132.71 × 9.1 % = 12.08
/// charged: 2.35 less.
#[tokio::test]
async fn trades_that_are_charged_otherwise_are_grouped_and_the_balance_is_what_was_booked() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        let pair = Pair::open(&first, &second).await;
        good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
        pair.carry().await;
        assert_eq!(pair.hgh.variances(None, 10).await.unwrap().items, []);
        assert_eq!(pair.hgh.variance_balance().await.unwrap(), (cny(0), cny(0)));
        let_in(&pair, 1, None).await;
        assert_eq!(pair.hgh.variances(None, 10).await.unwrap().items, [], "charged as quoted");
        for n in [2, 3] {
            let_in(&pair, n, Some(6_400)).await;
        }
        delivered(&pair, 2).await;
        let groups = pair.hgh.variances(None, 10).await.unwrap();
        assert_eq!((groups.items.len(), groups.next), (1, None));
        let group = &groups.items[0];
        assert_eq!(
            (group.charge.as_deref(), group.why.as_deref(), group.month.as_str()),
            (Some("vat"), None, "2026-11")
        );
        assert_eq!((group.trades, group.above, group.given_back), (2, 0, 0));
        assert_eq!((group.quoted, group.charged), (cny(2_886), cny(2_416)));
        let state = |items: Vec<hub::variance::VarianceTrade>| {
            items.into_iter().map(|row| (row.trade, row.state, row.charged)).collect::<Vec<_>>()
        };
        let row = |n, state: &str| (trade_no(n), state.to_owned(), cny(1_208));
        // One trade a page.
        let one = pair.hgh.variance_trades(&group.group, None, 1).await.unwrap();
        let next = one.next.clone().expect("there is another");
        assert_eq!(state(one.items), [row(2, "booked")]);
        let two = pair.hgh.variance_trades(&group.group, Some(&next), 1).await.unwrap();
        assert_eq!((state(two.items), two.next), (vec![row(3, "held")], None));
        assert_eq!(pair.hgh.variance_trades("2026-11/none", None, 10).await.unwrap().items, []);
        // Less than nothing is lost; what the third trade brings is not counted before it is let go.
        assert_eq!(pair.hgh.variance_balance().await.unwrap().0, cny(-235));
        assert_eq!(pair.kul.variances(None, 10).await.unwrap().items, [], "the importing hub's alone");
    }
}
