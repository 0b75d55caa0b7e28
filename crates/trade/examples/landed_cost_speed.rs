//! How many quote lines and charge lines one core computes in a second.
//!
//! `cargo run --release -p trade --example landed_cost_speed`
#![expect(clippy::disallowed_methods, reason = "an entry point: how long it took")]

use std::time::Instant;

use trade::codes::Country;
use trade::landed_cost::{AskLine, LandedCostAsk, landed_cost};
use trade::money::{Currency, Money};
use trade::quantity::{Content, ContentUnit};
use trade::rulebook::{Regime, Stance, builtin};

const CODES: [&str; 8] = ["210112", "090230", "330499", "420221", "041090", "220421", "610910", "691110"];

fn main() {
    let books = builtin().expect("the packs of this binary load");
    let book = books.book(Country::CN).expect("there is a pack");
    let date = jiff::civil::date(2026, 11, 23);
    for lines_each in [1_usize, 3, 10] {
        let orders: Vec<Vec<AskLine>> = (0..1_000).map(|n| order(n, lines_each)).collect();
        let started = Instant::now();
        let (mut lines, mut charges) = (0_usize, 0_usize);
        while started.elapsed().as_millis() < 1_000 {
            for order in &orders {
                let ask = LandedCostAsk {
                    date,
                    regime: Regime::B2cParcel,
                    lines: order,
                    freight: Money::new(5_827, Currency::CNY),
                    year_used: None,
                    stance: &Stance::Sandbox,
                };
                charges += landed_cost(book, &ask).map_or(0, |cost| cost.charges.len());
                lines += order.len();
            }
        }
        let millis = started.elapsed().as_millis().max(1);
        let a_second = |count: usize| u128::try_from(count).unwrap_or(0) * 1_000 / millis;
        println!(
            "{lines_each:>2} lines an order: {:>9} quote lines/s, {:>9} charge lines/s on one core",
            a_second(lines),
            a_second(charges)
        );
    }
    let started = Instant::now();
    for _ in 0..20 {
        builtin().expect("the packs of this binary load");
    }
    println!("loading all packs with their examples: {} ms", started.elapsed().as_millis() / 20);
}

/// An order within the limit, with goods and values that vary with `n`.
fn order(n: usize, lines: usize) -> Vec<AskLine> {
    (0..lines)
        .map(|i| {
            let at = n * 7 + i * 3;
            AskLine {
                hs: CODES[at % CODES.len()].parse().expect("the codes above are whole"),
                pieces: 1 + i64::try_from(at % 4).unwrap_or(0),
                value: Money::new(2_000 + i64::try_from(at * 37 % 30_000).unwrap_or(0), Currency::CNY),
                content: Some(Content { milli: 30_000, unit: ContentUnit::Ml }),
            }
        })
        .collect()
}
