//! Quote lines a second on one core: the whole price to the door, without storing it.

use sim::generator::{GOODS_COUNT, Generator, Plan, goods};
use sim::scene::{START, rulebooks, site};
use trade::codes::Country;
use trade::event::Asked;
use trade::product::Goods;
use trade::quote::{LaneTerms, price};
use trade::terms::Terms;
use trade::world::World;

use super::{Meter, instant};

#[derive(clap::Args)]
pub struct Options {
    /// Quotes that are measured.
    #[arg(long, default_value_t = 100_000)]
    quotes: usize,
    #[arg(long)]
    json: bool,
}

/// One core: what goods cost to the door, with freight, exchange, taxes and fees; then with the signature.
pub fn run(options: &Options) -> Result<(), String> {
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
