//! An economy as past trades for the wind tunnel.

use trade::codes::Country;
use trade::command::Problem;
use trade::replay::{PastTrade, PastTrades, Sample, SampleTrades};
use trade::rulebook::Rulebooks;

use super::{Economy, EconomyOptions};

impl PastTrades for Economy {
    fn chunks(&self) -> u64 {
        Self::chunks(self)
    }

    fn chunk(&self, number: u64, into: &mut Vec<PastTrade>) -> Result<(), String> {
        Self::chunk(self, number, into);
        Ok(())
    }
}

/// Lends an economy to whoever has no trades of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lender;

impl SampleTrades for Lender {
    fn sample(&self, books: &Rulebooks, market: Country, seed: u64, trades: u64) -> Result<Sample, Problem> {
        let options = EconomyOptions { markets: vec![market], ..EconomyOptions::new(seed, trades) };
        let economy = Economy::new(books, &options).map_err(|refusal| Problem::of(&refusal))?;
        Ok(Box::new(economy))
    }
}
