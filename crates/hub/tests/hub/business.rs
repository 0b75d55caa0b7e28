//! A business buys on both engines: a deposit waits for its balance, or goes back.

use hub::testing;
use trade::ball::{Holder, Task};
use trade::clock::MoveClock;
use trade::commands::Command;
use trade::escrow::Escrow;
use trade::event::Asked;
use trade::money::Money;
use trade::order::LapseOrder;
use trade::party::{RegisterParty, Role};
use trade::quote::{AskQuote, Quote};
use trade::terms::{Incoterm, Terms};
use trade::time::Days;
use trade::trade_file::Stage;

use crate::pair::*;

const FIRM: u64 = 77;

fn firm() -> Command {
    let Command::RegisterParty(RegisterParty { mut party, personal }) =
        crate::pair::party(FIRM, Role::Buyer, trade::codes::Country::CN)
    else {
        panic!("a registration")
    };
    party.registration = Some("91330106MA2KAAAA9A".to_owned());
    Command::RegisterParty(RegisterParty { party, personal })
}

async fn deposited(pair: &Pair, n: u64) -> (Quote, Money) {
    let lines = vec![Asked { product: offer("T-1").product(), pieces: 50 }];
    let terms = Terms::Business { incoterm: Incoterm::Cpt, place: "CNHGH".parse().unwrap() };
    let ask = AskQuote { quote: id(n), exporter: hub_id("kul.sandbox"), lines, buyer: Some(id(FIRM)), terms };
    let quote: Quote = serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask)).await)).unwrap();
    let deposit = quote.sale.as_ref().unwrap().deposit.unwrap().amount;
    good(pair.hgh.submit(order(n, quote.id, FIRM)).await);
    assert_eq!(good(pair.hgh.submit(payment(n, deposit, FIRM)).await)["fate"], "applied");
    pair.carry().await;
    (quote, deposit)
}

#[tokio::test]
async fn a_deposit_waits_for_its_balance_or_goes_back_to_the_payer() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        let pair = Pair::open(&first, &second).await;
        good(pair.hgh.submit(firm()).await);
        good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
        pair.carry().await;
        let (quote, deposit) = deposited(&pair, 1).await;
        let (_, late) = deposited(&pair, 2).await;
        for hub in [&pair.hgh, &pair.kul] {
            let counts = hub.stage_counts().await.unwrap();
            assert_eq!((counts.len(), counts[0].stage, counts[0].count), (1, Stage::Deposited, 2), "both sides know");
        }
        assert!(pair.hgh.unpaid_orders(testing::START.plus_days(Days(60)), 9).await.unwrap().is_empty());

        // One pays the balance, the other does not.
        let balance = quote.landed.total.minus(deposit).unwrap();
        let Command::ReceivePayment(mut rest) = payment(1, balance, FIRM) else { panic!("a payment") };
        rest.no = "P-000001-B".parse().unwrap();
        assert_eq!(good(pair.hgh.submit(Command::ReceivePayment(rest)).await)["fate"], "applied");
        let refused = answer(pair.hgh.submit(Command::LapseOrder(LapseOrder { trade: trade_no(2) })).await);
        assert_eq!(refused.unwrap_err().code, "not-yet");
        let later = pair.hgh.business_now().await.unwrap().plus_days(Days(31));
        good(pair.hgh.submit(Command::MoveClock(MoveClock { to: later })).await);
        assert_eq!(pair.hgh.unpaid_balances(later, 9).await.unwrap(), [trade_no(2)]);
        good(pair.hgh.submit(Command::LapseOrder(LapseOrder { trade: trade_no(2) })).await);
        pair.carry().await;

        let paid = pair.hgh.trade(&trade_no(1)).await.unwrap().unwrap();
        assert!(matches!(paid.escrow, Escrow::Funded { amount, .. } if amount == quote.landed.total));
        let lapsed = pair.hgh.trade(&trade_no(2)).await.unwrap().unwrap();
        assert!(matches!(lapsed.escrow, Escrow::Returned { amount, .. } if amount == late), "{:?}", lapsed.escrow);
        assert_eq!(pair.kul.trade(&trade_no(2)).await.unwrap().unwrap().stage(), Stage::Lapsed);
        let due = pair.hgh.payouts_due(9).await.unwrap();
        assert_eq!((due.len(), due[0].payout.amount), (1, late));
        let desk = pair.hgh.desk(Holder::ImportHub, None, 9).await.unwrap();
        assert_eq!((desk.items.len(), desk.items[0].ball.task), (1, Task::PayOut));
        let audit = pair.hgh.audit_ledger().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        for hub in [&pair.kul, &pair.hgh] {
            hub.close().await;
        }
    }
}
