//! What an economy promises, held against the rules that it was made by.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use trade::landed_cost::{LandedCost, LandedCostAsk, LandedCostRefusal, landed_cost};
use trade::rulebook::{Stance, builtin};

use super::*;

fn books() -> &'static Rulebooks {
    static BOOKS: OnceLock<Rulebooks> = OnceLock::new();
    BOOKS.get_or_init(|| builtin().expect("the packs of this repository load"))
}

/// A million trades of 2026, of which tests look at some.
fn economy() -> &'static Economy {
    static ECONOMY: OnceLock<Economy> = OnceLock::new();
    ECONOMY.get_or_init(|| Economy::new(books(), &EconomyOptions::new(7, 1_000_000)).expect("an economy"))
}

fn price(trade: &PastTrade) -> Result<LandedCost, LandedCostRefusal> {
    let book = books().book(trade.to).expect("a market");
    let ask = LandedCostAsk {
        year_used: trade.year_used,
        mode: trade.mode,
        member: trade.member,
        same_day: trade.same_day,
        ..LandedCostAsk::new(trade.date, trade.regime, &trade.lines, trade.freight, &Stance::Sandbox)
    };
    landed_cost(book, &ask)
}

fn trades(chunks: std::ops::Range<u64>) -> Vec<PastTrade> {
    let mut out = Vec::new();
    let mut all = Vec::new();
    for chunk in chunks {
        economy().chunk(chunk, &mut out);
        all.append(&mut out);
    }
    all
}

#[test]
fn the_rules_price_every_trade_that_is_answered_and_no_other() {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<(String, &str), (u64, u64)> = BTreeMap::new();
    for trade in trades(0..6) {
        let answered = economy().answers(&trade);
        let count = seen.entry((trade.to.to_string(), trade.regime.code())).or_default();
        count.0 += 1;
        count.1 += u64::from(!answered);
        // What else comes on the day may change the answer: the law of a market that counts the day.
        let alone = PastTrade { same_day: None, ..trade };
        match price(&alone) {
            Ok(cost) if answered => assert_eq!(cost.goods.currency(), alone.freight.currency()),
            Err(_) if !answered => {}
            priced => wrong.push((priced.map(|cost| cost.treatment), alone)),
        }
    }
    println!("{seen:?}");
    let few: Vec<_> = wrong.iter().take(12).collect();
    assert!(wrong.is_empty(), "{} of 24,576: {few:#?}", wrong.len());
    let markets: std::collections::BTreeSet<&String> = seen.keys().map(|(market, _)| market).collect();
    assert_eq!(markets.len(), 14);
}
