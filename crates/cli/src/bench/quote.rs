//! Quote lines a second on one core: the whole price to the door, without storing it.

use sim::generator::{GOODS_COUNT, Generator, Plan, goods};
use sim::scene::{START, rulebooks, site};
use trade::codes::Country;
use trade::event::Asked;
use trade::product::Goods;
use trade::quote::{LaneTerms, price};
use trade::terms::Terms;
use trade::world::World;

use trade::codes::HsCode;
use trade::landed_cost::{AskLine, LandedCostAsk, landed_cost};
use trade::money::Money;
use trade::quantity::{Content, ContentUnit, Grams};
use trade::rulebook::{Regime, Rulebook, Rulebooks, Stance, builtin};

use super::{Meter, instant, resident};

#[derive(clap::Args)]
pub struct Options {
    /// Quotes that are measured.
    #[arg(long, default_value_t = 100_000)]
    quotes: usize,
    /// A running hub, `http://127.0.0.1:8701`: it is asked for what goods cost to the door, over HTTP, one
    /// question after the other.
    #[arg(long)]
    url: Option<String>,
    #[arg(long)]
    json: bool,
}

/// Questions that are not measured: connections are made, and what is read once is read.
const WARM: usize = 200;

/// Each is another order into another market or regime: of one to three kinds of goods.
async fn over_http(url: &str, options: &Options) -> Result<(), String> {
    const ASKED: [&str; 6] = [
        "to=MY&hs=950300&pieces=1&value=480.00&origin=CN&freight=20.00",
        "to=MY&hs=340111&pieces=3&value=480.00&origin=CN&freight=20.01",
        "to=FR&hs=640399&pieces=1&value=60.00&origin=CN&freight=10.00&hs2=610910&pieces2=2&value2=30.00&origin2=CN",
        "to=GB&hs=610910&pieces=4&value=80.00&origin=CN&freight=9.00",
        "to=SG&hs=851830&pieces=1&value=120.00&origin=MY&freight=8.00",
        "to=CN&hs=210112&pieces=5&value=300.00&origin=MY&freight=20.00",
    ];
    let http = web::client::client(|builder| builder);
    let measured = options.quotes.min(20_000);
    let mut meter = Meter::start();
    let mut latencies = Vec::with_capacity(measured);
    for n in 0..measured + WARM {
        if n == WARM {
            meter = Meter::start();
        }
        let asked = ASKED[n % ASKED.len()];
        let began = instant();
        let answer = http.get(format!("{url}/api/v1/landed-cost?{asked}")).send().await.map_err(|e| e.to_string())?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|e| e.to_string())?;
        if n >= WARM {
            latencies.push(began.elapsed());
        }
        if !status.is_success() {
            return Err(format!("{asked}: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
    let count = u64::try_from(measured).unwrap_or(0);
    meter.stop("quote-http", "rules of all markets", 0, count, latencies).print(options.json);
    Ok(())
}

/// One core: the charges of the rules of all markets; then what goods cost to the door, with freight, exchange,
/// taxes and fees; then with the signature.
pub async fn run(options: &Options) -> Result<(), String> {
    if let Some(url) = &options.url {
        return over_http(url.trim_end_matches('/'), options).await;
    }
    all_markets(options)?;
    let books = rulebooks();
    let world = World::new(site("hgh.sandbox", Country::CN, &books), START);
    let exporter = "kul.sandbox".parse().map_err(|e| format!("{e:?}"))?;
    let terms = LaneTerms::of(&world, Country::MY, exporter, &Terms::Parcel).map_err(|e| format!("{e:?}"))?;
    let kinds: Vec<Goods> = (0..GOODS_COUNT).map(goods).collect();
    let plans: Vec<Plan> = Generator::new(3, 1_000, 0).take(options.quotes).collect();
    let asked: Vec<Vec<(Asked, usize)>> = plans
        .iter()
        .map(|p| {
            let lines = p.lines.iter();
            lines.map(|(n, pieces)| (Asked { product: sim::generator::product(*n), pieces: *pieces }, *n)).collect()
        })
        .collect();
    let lines: u64 = asked.iter().map(|a| u64::try_from(a.len()).unwrap_or(0)).sum();
    for signed in [false, true] {
        let meter = Meter::start();
        let mut latencies = Vec::with_capacity(plans.len());
        for (plan, asked) in plans.iter().zip(&asked) {
            let goods: Vec<(&Asked, &Goods)> = asked.iter().map(|(a, n)| (a, &kinds[*n])).collect();
            let began = instant();
            let mut quote = price(&world, &terms, plan.quote(), &goods, None).map_err(|e| format!("{e:?}"))?;
            if signed {
                quote.sign(&world);
            }
            latencies.push(began.elapsed());
            if quote.lines.len() != goods.len() {
                return Err("a line is missing".to_owned());
            }
        }
        let bench = if signed { "quote-signed" } else { "quote" };
        meter.stop(bench, "rules", 0, lines, latencies).print(options.json);
    }
    Ok(())
}

/// A small firm's parcels into every market and regime that answers: charge lines a second.
fn all_markets(options: &Options) -> Result<(), String> {
    let before = resident();
    let books = builtin().map_err(|e| format!("{e:?}"))?;
    let megabytes = resident().saturating_sub(before).div_ceil(1_000_000);
    let rules = books.books().map(|book| u64::try_from(book.rules().count()).unwrap_or(0)).sum();
    let engine = format!("rules of {} territories, {megabytes} MB", books.books().count());
    let orders = orders(&books);
    let mut lines = 0_u64;
    let mut latencies = Vec::with_capacity(options.quotes);
    let stance = Stance::Sandbox;
    let meter = Meter::start();
    for (book, regime, goods) in orders.iter().cycle().take(options.quotes) {
        let began = instant();
        let cost = landed_cost(book, &ask(book, *regime, goods, &stance)).map_err(|e| format!("{e:?}"))?;
        latencies.push(began.elapsed());
        lines += u64::try_from(cost.charges.len()).unwrap_or(0);
    }
    meter.stop("charges", &engine, rules, lines, latencies).print(options.json);
    Ok(())
}

fn ask<'a>(book: &'a Rulebook, regime: Regime, lines: &'a [AskLine], stance: &'a Stance) -> LandedCostAsk<'a> {
    let date = jiff::civil::date(2026, 11, 23);
    let freight = Money::new(9 * 10_i64.pow(book.currency.digits()), book.currency);
    LandedCostAsk { member: book.members.first().copied(), ..LandedCostAsk::new(date, regime, lines, freight, stance) }
}

/// One to three kinds of goods of every chapter that firms sell, into each market; those that its rules answer.
fn orders(books: &Rulebooks) -> Vec<(&Rulebook, Regime, Vec<AskLine>)> {
    const CODES: [&str; 24] = [
        "210112", "090230", "330499", "340111", "392690", "420221", "482010", "490199", "610910", "620442", "640399",
        "650500", "691110", "711790", "732393", "847130", "850440", "851830", "900410", "910211", "940360", "950300",
        "950691", "961700",
    ];
    let mut orders = Vec::new();
    for book in books.books() {
        for (_, regime) in Regime::ALL {
            for (at, _) in CODES.iter().enumerate() {
                let kinds = CODES.iter().cycle().skip(at).take(1 + at % 3);
                let line = |code: &&str| {
                    let hs: HsCode = code.parse().ok()?;
                    let value = Money::new(40 * 10_i64.pow(book.currency.digits()), book.currency);
                    let content = Some(Content::new(50_000, ContentUnit::Ml));
                    let origin = Some(Country::CN);
                    Some(AskLine { hs, pieces: 2, value, content, origin, net: Some(Grams(250)) })
                };
                let goods: Vec<AskLine> = kinds.filter_map(line).collect();
                if landed_cost(book, &ask(book, regime, &goods, &Stance::Sandbox)).is_ok() {
                    orders.push((book, regime, goods));
                }
            }
        }
    }
    orders
}
