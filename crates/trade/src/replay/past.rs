//! A trade that has been, as far as the rules of the importing territory look at it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::codes::Country;
use crate::command::Problem;
use crate::landed_cost::AskLine;
use crate::matching;
use crate::money::Money;
use crate::quote::QuoteLine;
use crate::rulebook::{Mode, Regime, Rulebooks, TradeField};
use crate::trade_file::TradeFile;

/// A sale that was made, priced and declared. It names neither buyer nor seller: a seller is a number that
/// means nothing outside of one replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTrade {
    /// The id of the trade file, or the generator's own number: the random draw of the risk rules hangs on it.
    pub id: String,
    /// The legal date on which the buyer was quoted.
    pub date: Date,
    pub from: Country,
    /// Whose rules the goods come under.
    pub to: Country,
    /// The state, where `to` is a union of states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<Country>,
    pub regime: Regime,
    pub mode: Mode,
    pub seller: u64,
    pub size: SellerSize,
    /// Values are in the currency of `to`, at the rate of the day.
    pub lines: Vec<AskLine>,
    /// In the currency of `to`.
    pub freight: Money,
    /// What the buyer had imported in the calendar year before, in the currency of `to`; none where nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year_used: Option<Money>,
    /// Value of other parcels of the same person, on the same day or flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alongside: Option<Money>,
    /// Where the documents did not say the same. A field that is not named agreed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<Difference>,
}

impl PastTrade {
    /// What a trade file says of it; none before an order stands in it. A hub does not tell how much of a
    /// yearly limit had been used, nor what else came on the day.
    #[must_use]
    pub fn of(file: &TradeFile, from: Country, to: Country, seller: u64, size: SellerSize) -> Option<Self> {
        let quote = &file.order.as_ref()?.quote;
        Some(Self {
            id: file.id.as_str().to_owned(),
            date: quote.date,
            from,
            to,
            member: None,
            regime: quote.regime,
            mode: Mode::Air,
            seller,
            size,
            lines: quote.lines.iter().map(QuoteLine::asked).collect(),
            freight: quote.landed.freight,
            year_used: None,
            alongside: None,
            differs: matching::differences(file).unwrap_or_default(),
        })
    }
}

/// A number for a seller's name that means nothing elsewhere: the first eight bytes of SHA-256.
#[must_use]
pub fn seller_number(name: &str) -> u64 {
    let hash = Sha256::digest(name);
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    u64::from_be_bytes(first)
}

/// Where past trades come from. They are read in chunks that do not hang on each other.
pub trait PastTrades: Sync {
    /// How many chunks there are.
    fn chunks(&self) -> u64;

    /// Puts the trades of one chunk into `into`, which is empty.
    ///
    /// # Errors
    /// What is wrong with where they come from, in words of its own.
    fn chunk(&self, number: u64, into: &mut Vec<PastTrade>) -> Result<(), String>;
}

/// Where trades come from that have not been, for whoever has none of its own.
pub trait SampleTrades: Send + Sync {
    /// `trades` trades to `market`, the same for the same seed.
    ///
    /// # Errors
    /// Why there are none, as a problem with its code.
    fn sample(&self, books: &Rulebooks, market: Country, seed: u64, trades: u64) -> Result<Sample, Problem>;
}

/// Trades that have not been.
pub type Sample = Box<dyn PastTrades + Send>;

/// Trades that are all there.
impl PastTrades for [PastTrade] {
    fn chunks(&self) -> u64 {
        u64::try_from(self.len().div_ceil(CHUNK)).unwrap_or(u64::MAX)
    }

    fn chunk(&self, number: u64, into: &mut Vec<PastTrade>) -> Result<(), String> {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        into.extend(self.iter().skip(at.saturating_mul(CHUNK)).take(CHUNK).cloned());
        Ok(())
    }
}

/// Trades in one chunk of those that are all there.
const CHUNK: usize = 4_096;

/// A field in which two documents of a trade differed; which two, the match says ([`crate::matching`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: TradeField,
    /// The number that the tolerance is a share of, in grams or minor units; 0 for a field that has no number.
    pub declared: i64,
    /// The other; 1 for a field that has no number.
    pub found: i64,
}

/// By sales in a year, all goods and markets together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SellerSize {
    /// Fewer than 100 trades.
    Micro,
    /// 100 to 999.
    Small,
    /// 1,000 to 9,999.
    Medium,
    /// 10,000 and more.
    Large,
}

impl SellerSize {
    pub const ALL: [(&'static str, Self); 4] =
        [("micro", Self::Micro), ("small", Self::Small), ("medium", Self::Medium), ("large", Self::Large)];

    /// By the number of its trades in a year.
    #[must_use]
    pub const fn of(trades: u64) -> Self {
        match trades {
            0..100 => Self::Micro,
            100..1_000 => Self::Small,
            1_000..10_000 => Self::Medium,
            _ => Self::Large,
        }
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Micro => "micro",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}
