//! How fast past trades are made, on one core; and that memory does not grow with their number.

use sim::economy::{Economy, EconomyOptions};
use trade::rulebook::builtin;

use super::{Meter, instant, resident};

#[derive(clap::Args)]
pub struct Options {
    /// Trades that are made.
    #[arg(long, default_value_t = 1_000_000)]
    trades: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long)]
    json: bool,
}

/// The rules asked what they answer, once; then trades, chunk by chunk. The latency is of a chunk.
pub fn run(options: &Options) -> Result<(), String> {
    let books = builtin().map_err(|e| format!("{e:?}"))?;
    let meter = Meter::start();
    let began = instant();
    let asked = EconomyOptions::new(options.seed, options.trades);
    let economy = Economy::new(&books, &asked).map_err(|e| format!("{e:?}"))?;
    let places = u64::try_from(economy.coverage().len()).unwrap_or(0);
    meter.stop("generate-setup", "rules", 0, places, vec![began.elapsed()]).print(options.json);
    let mut out = Vec::new();
    // the first chunk is made twice, so that what one needs is held before
    economy.chunk(0, &mut out);
    let before = megabytes();
    let meter = Meter::start();
    let mut latencies = Vec::with_capacity(usize::try_from(economy.chunks()).unwrap_or(0));
    let (mut made, mut lines) = (0_u64, 0_usize);
    for chunk in 0..economy.chunks() {
        let began = instant();
        economy.chunk(chunk, &mut out);
        latencies.push(began.elapsed());
        made += u64::try_from(out.len()).unwrap_or(0);
        lines += out.iter().map(|trade| trade.lines.len()).sum::<usize>();
    }
    if made != options.trades || lines < out.len() {
        return Err(format!("{made} trades were made of {}", options.trades));
    }
    let engine = format!("rules, {before} MB before, {} MB after", megabytes());
    meter.stop("generate", &engine, 0, made, latencies).print(options.json);
    Ok(())
}

fn megabytes() -> u64 {
    resident().div_ceil(1_000_000)
}
