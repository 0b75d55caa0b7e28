//! The wind tunnel, end to end: sample trades made and put under two laws, on every core.

use std::sync::atomic::AtomicBool;

use trade::codes::Country;
use trade::replay::{Law, SampleTrades as _, WindTunnel, replay};
use trade::rulebook::{Stance, amend, builtin};

use super::{Meter, instant};

#[derive(clap::Args)]
pub struct Options {
    /// Trades that go through the tunnel.
    #[arg(long, default_value_t = 1_000_000)]
    trades: u64,
    #[arg(long)]
    json: bool,
}

/// A draft that touches nearly every parcel.
const DRAFT: &str = "[[charge]]\nid = \"my.lvg\"\nrate = \"8\"\n";

pub fn run(options: &Options) -> Result<(), String> {
    let books = builtin().map_err(|e| format!("{e:?}"))?;
    let base = books.book(Country::MY).ok_or("no rules of Malaysia")?;
    let draft = amend(base, DRAFT).map_err(|e| format!("{e:?}"))?;
    let law = |book| Law { book, on: None };
    let tunnel = WindTunnel { was: law(base), is: law(&draft.book), stance: &Stance::Sandbox };
    let meter = Meter::start();
    let began = instant();
    let sample = sim::economy::Lender.sample(&books, Country::MY, 1, options.trades).map_err(|e| e.code)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = replay(&tunnel, &*sample, threads, &AtomicBool::new(false)).map_err(|e| format!("{e:?}"))?;
    if counts.trades != options.trades {
        return Err("a trade is missing".to_owned());
    }
    let held = u64::try_from(base.rules().count()).unwrap_or(0);
    meter.stop("replay", "rules, two laws", held, counts.trades, vec![began.elapsed()]).print(options.json);
    Ok(())
}
