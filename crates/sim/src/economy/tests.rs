//! What an economy promises, held against the rules that it was made by.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
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
        alongside: trade.alongside,
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
        let alone = PastTrade { alongside: None, ..trade };
        match price(&alone) {
            Ok(cost) if answered => assert_eq!(cost.goods.currency(), alone.freight.currency()),
            Err(_) if !answered => {}
            priced => wrong.push((priced.map(|cost| cost.treatment), alone)),
        }
    }

    let few: Vec<_> = wrong.iter().take(12).collect();
    assert!(wrong.is_empty(), "{} of 24,576: {few:#?}", wrong.len());
    let markets: std::collections::BTreeSet<&String> = seen.keys().map(|(market, _)| market).collect();
    assert_eq!(markets.len(), 14);
}

/// SHA-256 of the trades as JSON.
fn digest(trades: &[PastTrade]) -> String {
    let bytes = serde_json::to_vec(trades).expect("trades have a JSON form");
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_chunk_is_the_same_alone_in_order_and_on_another_thread() {
    let in_order = trades(0..8);
    let (mut alone, mut elsewhere) = (vec![in_order[0].clone()], Vec::new());
    economy().chunk(7, &mut alone);
    assert_eq!(alone, in_order[7 * 4_096..]);
    std::thread::scope(|scope| {
        scope.spawn(|| economy().chunk(7, &mut elsewhere));
    });
    assert_eq!(elsewhere, alone);
    assert_eq!(economy().trade(7 * 4_096), Some(alone[0].clone()));
    assert_eq!(economy().trade(1_000_000), None);
    // 1,000,000 / 4,096 = 244.1: the last chunk has 1,000,000 − 244 × 4,096 = 576
    assert_eq!(economy().chunks(), 245);
    economy().chunk(244, &mut alone);
    assert_eq!(alone.len(), 576);
    economy().chunk(245, &mut alone);
    assert!(alone.is_empty());
}

#[test]
fn the_same_seed_gives_the_same_trades_and_another_seed_others() {
    let first = &trades(0..1)[..1_000];
    let other = Economy::new(books(), &EconomyOptions::new(8, 1_000_000)).expect("an economy");
    assert_ne!(other.trade(0), economy().trade(0));
    let again = Economy::new(books(), &EconomyOptions::new(7, 1_000_000)).expect("an economy");
    let again: Vec<PastTrade> = (0..1_000).filter_map(|number| again.trade(number)).collect();
    assert_eq!(first, again);
    // Changes with the packs and with the samples of this module; worked out by this test.
    assert_eq!(digest(first), "a030e097e2613a0970a984b43e0ad7bdd3871df47fb0d9a6ef149f562fe069b2");
}

#[test]
fn each_flaw_occurs_at_its_rate() {
    let mut tally = Tally::default();
    let mut out = Vec::new();
    for chunk in 0..49 {
        economy().chunk(chunk, &mut out);
        economy().tally(&out, &mut tally);
    }
    assert_eq!(tally.trades, 200_704);
    for (code, flaw) in Flaw::ALL {
        let Count { could, did } = tally.count(flaw);
        let rate = u64::from(economy().flaws().rate(flaw));
        // Four deviations: (did − n·p)² ≤ 16·n·p·(1 − p). For undervaluation n·p = 200,704 × 2 % = 4,014 and
        // n·p·(1 − p) = 3,934, so that did lies within 251 of it. Both sides times 10,000².
        let apart = i128::from(did * 10_000) - i128::from(could * rate);
        let room = 16 * i128::from(could) * i128::from(rate) * i128::from(10_000 - rate);
        assert!(apart * apart <= room, "{code}: {did} of {could}, at {rate} in 10,000");
    }
}

#[test]
fn without_flaws_every_trade_has_a_price_even_where_all_lie_around_thresholds() {
    let options = EconomyOptions { flaws: Flaws::NONE, near_threshold: 10_000, ..EconomyOptions::new(11, 20_000) };
    let economy = Economy::new(books(), &options).expect("an economy");
    for trade in (0..20_000).filter_map(|number| economy.trade(number)) {
        assert!(trade.differs.is_empty() && trade.alongside.is_none(), "{trade:?}");
        assert!(trade.lines.iter().all(|line| line.value.is_positive()));
        let priced = price(&trade);
        assert!(priced.is_ok(), "{priced:?} {trade:?}");
    }
}

#[test]
fn values_lie_on_both_sides_of_an_amount_at_which_rules_change() {
    // RM 425.00 to 499.99 and RM 500.01 to 575.00 around the relief of Malaysia
    let worth = |trade: &PastTrade| trade.lines.iter().map(|line| line.value.minor()).sum::<i64>();
    let to_my = |trade: &&PastTrade| trade.to == Country::MY && trade.regime == Regime::B2cParcel;
    let all = trades(0..6);
    let parcels: Vec<i64> = all.iter().filter(to_my).map(worth).collect();
    let below = parcels.iter().filter(|worth| (42_500..50_000).contains(*worth)).count();
    let above = parcels.iter().filter(|worth| (50_001..57_500).contains(*worth)).count();
    assert!(below * 50 > parcels.len() && above * 50 > parcels.len(), "{below} and {above} of {}", parcels.len());
}

#[test]
fn the_peak_day_is_several_times_a_usual_one_and_sellers_are_of_all_sizes() {
    let all = trades(0..12);
    let on = |month, day| all.iter().filter(|t| t.date == jiff::civil::date(2026, month, day)).count();
    // eight times a Wednesday of November, of which 18 November is another
    assert!(on(11, 11) > 5 * on(11, 18) && on(11, 18) > 0, "{} and {}", on(11, 11), on(11, 18));
    for (code, size) in trade::replay::SellerSize::ALL {
        assert!(all.iter().any(|trade| trade.size == size), "{code}");
    }
    assert!(all.iter().all(|trade| trade.date.year() == 2026 && trade.freight.minor() >= 0));
}

#[test]
fn an_economy_that_cannot_be_is_refused_with_its_values() {
    let refused = |change: fn(&mut EconomyOptions)| {
        let mut options = EconomyOptions::new(1, 100);
        change(&mut options);
        Economy::new(books(), &options).err()
    };
    assert_eq!(refused(|o| o.trades = 0), Some(EconomyRefusal::NoTrades));
    assert_eq!(refused(|o| o.firms = Some(0)), Some(EconomyRefusal::NoFirms));
    let (from, to) = (jiff::civil::date(2026, 1, 1), jiff::civil::date(2025, 1, 1));
    assert_eq!(refused(|o| o.to = jiff::civil::date(2025, 1, 1)), Some(EconomyRefusal::DatesReversed { from, to }));
    let far = EconomyRefusal::TooManyDays { days: 5_479, most: MOST_DAYS };
    assert_eq!(refused(|o| o.to = jiff::civil::date(2040, 12, 31)), Some(far));
    let market: Country = "TW".parse().expect("a country");
    assert_eq!(
        refused(|o| o.markets = "TW".parse().into_iter().collect()),
        Some(EconomyRefusal::NoSuchMarket { market })
    );
    let flaw = EconomyRefusal::RateOutOfRange { flaw: "weight-over".into(), rate: 10_400, most: RATE_OF };
    assert_eq!(refused(|o| o.flaws = Flaws::default().with(Flaw::WeightOver, 10_000)), Some(flaw));
    // no duty of Vietnam is known
    assert_eq!(refused(|o| o.markets = "VN".parse().into_iter().collect()), Some(EconomyRefusal::NothingAnswers));
}

proptest! {
    #[test]
    fn every_trade_is_well_formed(number in 0_u64..1_000_000) {
        let trade = economy().trade(number).expect("one of a million");
        let book = books().book(trade.to).expect("a market");
        prop_assert!(trade.lines.iter().all(|line| line.value.is_positive() && line.value.currency() == book.currency));
        prop_assert!(trade.lines.iter().all(|line| line.pieces > 0 && line.net.is_some()));
        prop_assert_eq!(trade.freight.currency(), book.currency);
        prop_assert!(!book.members.contains(&trade.from) && trade.from != trade.to);
        prop_assert!(trade.member.is_none_or(|member| book.members.contains(&member)));
        prop_assert_eq!(trade.member.is_some(), !book.members.is_empty());
        prop_assert!(trade.differs.iter().all(|differs| differs.declared != differs.found));
    }
}
