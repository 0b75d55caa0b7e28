//! `ehub generate`: past trades of an invented economy, so that anybody can work out what a change of law would have
//! done to them.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use jiff::civil::Date;
use sim::economy::{Economy, EconomyOptions};
use trade::codes::Country;
use trade::command::Problem;
use trade::rulebook::builtin;

use crate::say;

#[derive(clap::Args)]
pub struct Options {
    /// How many trades the economy has.
    #[arg(long, default_value_t = 1_000)]
    trades: u64,
    /// The same seed gives the same trades, on every machine.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The first day.
    #[arg(long, default_value = "2026-01-01")]
    from: Date,
    /// The last day.
    #[arg(long, default_value = "2026-12-31")]
    to: Date,
    /// Where goods go, such as MY; may be given several times. Without it, to every market.
    #[arg(long)]
    market: Vec<Country>,
    /// What share of goods each market has a price for, by day, in place of trades.
    #[arg(long)]
    coverage: bool,
}

#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let books = match builtin() {
        Ok(books) => books,
        Err(errors) => return say::failed("cli-generate-failed", &[("cause", format!("{errors:?}"))]),
    };
    let asked = EconomyOptions {
        from: options.from,
        to: options.to,
        markets: options.market.clone(),
        ..EconomyOptions::new(options.seed, options.trades)
    };
    let economy = match Economy::new(&books, &asked) {
        Ok(economy) => economy,
        Err(refusal) => return say::problem(&Problem::of(&refusal)),
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = if options.coverage { coverage(&economy, &mut out) } else { trades(&economy, &mut out) };
    match written.and_then(|()| out.flush()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            say::failed("cli-generate-failed", &[("cause", error.to_string())])
        }
        _ => ExitCode::SUCCESS,
    }
}

fn trades(economy: &Economy, out: &mut impl Write) -> std::io::Result<()> {
    let mut chunk = Vec::new();
    for number in 0..economy.chunks() {
        economy.chunk(number, &mut chunk);
        for trade in &chunk {
            serde_json::to_writer(&mut *out, trade)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

fn coverage(economy: &Economy, out: &mut impl Write) -> std::io::Result<()> {
    for line in economy.coverage() {
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
