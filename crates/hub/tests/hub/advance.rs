//! An advance on stored state: asked, offered, taken, paid out, repaid first; and the word over the road.

use hub::testing;
use trade::advance::{AcceptAdvance, Advance, AdvanceState, AskAdvance, OfferAdvance, ReceiveFunds, available};
use trade::codes::Country;
use trade::commands::Command;
use trade::escrow::{Proceeds, proceeds_of};
use trade::financing::{AskWord, Claim, Says, Wants};
use trade::money::{Currency, Money, Rate};
use trade::party::Role;
use trade::payout::{ConfirmPayout, InstructPayouts, PayoutRef};
use trade::quote::Quote;
use trade::scorecard::ScoreFacts;
use trade::time::Days;
use trade::trade_file::Stage;
use trade::world::World;

use crate::pair::*;

const LENDER: u64 = 21;

/// Brings a trade to where its goods are released for export, and the peer knows it.
async fn exported(pair: &Pair, n: u64) {
    let quote: Quote =
        serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask(n, "T-1", BUYER))).await)).unwrap();
    good(pair.hgh.submit(order(n, quote.id, BUYER)).await);
    good(pair.hgh.submit(payment(n, quote.landed.total, BUYER)).await);
    pair.carry().await;
    good(pair.kul.submit(waybill(n)).await);
    good(pair.kul.submit(lodge(n)).await);
    pair.carry().await;
}

/// Every due payout of Kuala Lumpur goes out and is confirmed.
async fn pay_out(pair: &Pair, file: &str) -> Vec<Money> {
    let due = pair.kul.payouts_due(10).await.unwrap();
    let payouts = due.iter().map(|d| PayoutRef { trade: d.trade.clone(), payout: d.payout.id }).collect();
    good(pair.kul.submit(Command::InstructPayouts(InstructPayouts { file: file.parse().unwrap(), payouts })).await);
    for item in &due {
        let (payout, amount) = (item.payout.id, item.payout.amount);
        let confirm = ConfirmPayout { trade: item.trade.clone(), payout, amount, bank_reference: file.to_owned() };
        good(pair.kul.submit(Command::ConfirmPayout(confirm)).await);
    }
    due.iter().map(|d| d.payout.amount).collect()
}

#[tokio::test]
async fn an_advance_is_found_by_lenders_paid_out_and_repaid_before_the_seller() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        advance(&first, &second).await;
    }
}

async fn advance(first: &testing::Scratch, second: &testing::Scratch) {
    let pair = Pair::open(first, second).await;
    let (kul, hgh) = (&pair.kul, &pair.hgh);
    good(kul.submit(party(LENDER, Role::Lender, Country::MY)).await);
    good(hgh.submit(party(LENDER, Role::Lender, Country::CN)).await);
    good(kul.submit(Command::OfferProduct(offer("T-1"))).await);
    pair.carry().await;
    exported(&pair, 1).await;
    let myr = |minor| Money::new(minor, Currency::MYR);
    let deposit =
        |no: &str| ReceiveFunds { lender: id(LENDER), no: no.parse().unwrap(), amount: myr(50_000), by: None };
    for _ in 0..2 {
        good(kul.submit(deposit("D-1").into()).await);
    }
    assert_eq!(available(kul.funds(id(LENDER)).await.unwrap().balance), 50_000);

    // From the hub's own records: a first sale, one day old at most, its money in escrow.
    let file = kul.trade(&trade_no(1)).await.unwrap().unwrap();
    let seller = kul.party(id(SELLER)).await.unwrap().unwrap();
    let mut world = World::new(kul.site().clone(), testing::START);
    for peer in kul.peers().await.unwrap() {
        world.peers.load(peer.card.id.clone(), Some(peer));
    }
    let Proceeds { rest, .. } = proceeds_of(&world, &file).unwrap();
    let card = kul.site().rulebooks.scorecard.clone().unwrap();
    let facts: ScoreFacts = kul.score_facts(&file, rest, &seller, &card.terms).await.unwrap();
    assert_eq!((facts.trades, facts.completed, facts.secured, facts.median), (0, 0, true, None));
    let ask = AskAdvance { trade: trade_no(1), by: id(SELLER), facts };
    let asked: Advance = serde_json::from_value(good(kul.submit(ask.into()).await)).unwrap();
    assert_eq!(asked.due, rest);
    let offered = kul.advances_asked(testing::START, None, 10).await.unwrap().items;
    assert_eq!(offered.iter().map(|f| f.id.clone()).collect::<Vec<_>>(), [trade_no(1)]);
    assert!(kul.advances_asked(asked.until, None, 10).await.unwrap().items.is_empty(), "its time has ended");

    // Half of what is due, for 2 %.
    let amount = Money::new(rest.minor().div_euclid(2), Currency::MYR);
    let offer = OfferAdvance {
        trade: trade_no(1),
        by: id(LENDER),
        offer: id(7_001),
        amount,
        fee_rate: Rate::percent(2),
        tenor: Days(30),
    };
    good(kul.submit(offer.into()).await);
    good(kul.submit(AcceptAdvance { trade: trade_no(1), by: id(SELLER), offer: id(7_001) }.into()).await);
    assert!(kul.advances_asked(testing::START, None, 10).await.unwrap().items.is_empty());
    assert_eq!(kul.advances_taken(Some(id(LENDER)), None, 10).await.unwrap().items.len(), 1);
    assert!(kul.advances_taken(Some(id(SELLER)), None, 10).await.unwrap().items.is_empty());
    assert_eq!(pay_out(&pair, "F-1").await, [amount]);
    let sums = kul.advance_sums().await.unwrap();
    assert_eq!((sums.len(), sums[0].state.as_str(), sums[0].count), (1, "paid-out", 1));

    // A lender elsewhere is told no, signed, once the question has crossed the road.
    let declared = file.declaration.as_ref().unwrap().waybill.clone();
    let word = AskWord { trade: trade_no(1), by: id(LENDER), waybill: declared, wants: Wants::Keep };
    good(hgh.submit(word.into()).await);
    pair.carry().await;
    let claims = hgh.claims_of(id(LENDER), None, 10).await.unwrap().items;
    let claim: &Claim = &claims[0].finance.as_ref().unwrap().claims[0];
    let said = claim.word.as_ref().unwrap();
    assert!(matches!(said.says, Says::No { .. }), "{said:?}");
    said.verify(&kul.site().card.keys).unwrap();

    delivered(&pair, 1).await;
    let fee = amount.at(Rate::percent(2)).unwrap();
    let back = amount.plus(fee).unwrap();
    assert_eq!(pay_out(&pair, "F-2").await, [rest.minus(back).unwrap()]);
    pair.carry().await;
    assert_eq!(available(kul.funds(id(LENDER)).await.unwrap().balance), 50_000 + fee.minor());
    let file = kul.trade(&trade_no(1)).await.unwrap().unwrap();
    assert!(matches!(file.advance().unwrap().state, AdvanceState::Repaid { .. }));
    assert!(kul.debts(id(SELLER)).await.unwrap().is_none() && kul.debtors(10).await.unwrap().is_empty());
    for hub in [kul, hgh] {
        assert_eq!(hub.trade(&trade_no(1)).await.unwrap().unwrap().stage(), Stage::Paid);
        let audit = hub.audit_ledger().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        hub.close().await;
    }
}

#[tokio::test]
async fn what_import_customs_keeps_is_a_debt_that_survives_a_restart_and_is_paid_first() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        debt(&first, &second).await;
    }
}

async fn debt(first: &testing::Scratch, second: &testing::Scratch) {
    let pair = Pair::open(first, second).await;
    let (kul, hgh) = (&pair.kul, &pair.hgh);
    good(kul.submit(party(LENDER, Role::Lender, Country::MY)).await);
    good(kul.submit(Command::OfferProduct(offer("T-1"))).await);
    pair.carry().await;
    let amount = Money::new(2_000, Currency::MYR);
    let no = "D-1".parse().unwrap();
    good(kul.submit(ReceiveFunds { lender: id(LENDER), no, amount, by: None }.into()).await);
    // 700 g on the scale where 500 g are declared: held at import, and then kept.
    let quote: Quote = serde_json::from_value(good(hgh.submit(Command::AskQuote(ask(1, "T-1", BUYER))).await)).unwrap();
    good(hgh.submit(order(1, quote.id, BUYER)).await);
    good(hgh.submit(payment(1, quote.landed.total, BUYER)).await);
    pair.carry().await;
    let Command::IssueWaybill(heavy) = waybill(1) else { unreachable!("a waybill") };
    let heavy = trade::waybill::IssueWaybill { gross: trade::quantity::Grams(700), ..heavy };
    good(kul.submit(heavy.into()).await);
    good(kul.submit(lodge(1)).await);
    pair.carry().await;
    let file = kul.trade(&trade_no(1)).await.unwrap().unwrap();
    let seller = kul.party(id(SELLER)).await.unwrap().unwrap();
    let card = kul.site().rulebooks.scorecard.clone().unwrap();
    let facts = kul.score_facts(&file, amount, &seller, &card.terms).await.unwrap();
    good(kul.submit(AskAdvance { trade: trade_no(1), by: id(SELLER), facts }.into()).await);
    let offer = OfferAdvance {
        trade: trade_no(1),
        by: id(LENDER),
        offer: id(7_001),
        amount,
        fee_rate: Rate::percent(1),
        tenor: Days(10),
    };
    good(kul.submit(offer.into()).await);
    good(kul.submit(AcceptAdvance { trade: trade_no(1), by: id(SELLER), offer: id(7_001) }.into()).await);
    pay_out(&pair, "F-1").await;
    let detain = trade::clearance::DecideClearance {
        trade: trade_no(1),
        by: id(OFFICER),
        decision: trade::clearance::Decision::Detain,
        reason: "false weight".to_owned(),
    };
    good(hgh.submit(detain.into()).await);
    pair.carry().await;
    // 20.00 and the fee of 0.20.
    let owed = kul.debts(id(SELLER)).await.unwrap().unwrap();
    assert_eq!(owed.left(), Some(Money::new(2_020, Currency::MYR)));
    assert_eq!(kul.debtors(10).await.unwrap(), [owed]);
    for (lender, n) in [(None, 1), (Some(id(LENDER)), 1), (Some(id(SELLER)), 0)] {
        assert_eq!(kul.advances_owed(lender, None, 10).await.unwrap().items.len(), n);
    }
    exported(&pair, 2).await;
    delivered(&pair, 2).await;
    assert_eq!(kul.debts(id(SELLER)).await.unwrap().unwrap().left(), Some(Money::zero(Currency::MYR)));
    assert!(kul.debtors(10).await.unwrap().is_empty());
    assert_eq!(available(kul.funds(id(LENDER)).await.unwrap().balance), 2_020);
    assert!(kul.audit_ledger().await.unwrap().is_sound());
    kul.close().await;
    hgh.close().await;
}
