//! Firms of many sizes. Nothing is kept of a firm: what it is follows from the seed and its rank.

use trade::codes::Country;
use trade::replay::SellerSize;

use super::lanes::{HOMES, pull};
use super::{Market, at, mixed};
use crate::random::Random;

/// Most kinds of goods and most markets of one firm.
const GOODS: usize = 6;
const MARKETS: usize = 6;

/// How many trades each firm has: about as one over its rank (Zipf; Mandelbrot's shift of two keeps the first from
/// having a tenth of everything). Dealt out exactly, so that a firm's size is the number of trades that it has.
#[derive(Debug)]
pub(super) struct Sizes {
    trades: u64,
    days: u64,
    /// The sum of the weights of all firms before each, and of all at last.
    before: Vec<u64>,
    /// Trades are dealt in steps of this, so that neighbours are of different firms.
    step: u64,
}

impl Sizes {
    pub fn new(trades: u64, firms: u64, days: u64) -> Self {
        let mut sum = 0_u64;
        let weights = (1..=firms).map(|rank| {
            sum += (1 << 32) / (rank + 2);
            sum
        });
        let before = std::iter::once(0).chain(weights).collect();
        // By the golden ratio, 2,654,435,769 / 2³²: any run of numbers falls evenly over all firms.
        let golden = (u128::from(trades) * 2_654_435_769) >> 32;
        let mut step = u64::try_from(golden).unwrap_or(1).max(1);
        while gcd(step, trades) != 1 {
            step += 1;
        }
        Self { trades, days, before, step }
    }

    fn all(&self) -> u64 {
        self.before.last().copied().unwrap_or(1)
    }

    /// The rank, from 0, of the firm whose trade this is.
    pub fn rank(&self, number: u64) -> u64 {
        let place = u128::from(number % self.trades) * u128::from(self.step) % u128::from(self.trades);
        let place = place * u128::from(self.all()) / u128::from(self.trades);
        let firms_before = self.before.partition_point(|sum| u128::from(*sum) <= place);
        u64::try_from(firms_before).unwrap_or(u64::MAX).saturating_sub(1)
    }

    /// How many trades a firm has.
    pub fn count(&self, rank: u64) -> u64 {
        // The first place whose share of the whole is not less than a sum.
        let first = |sum: u64| {
            let places = u128::from(sum) * u128::from(self.trades);
            u64::try_from(places.div_ceil(u128::from(self.all()))).unwrap_or(u64::MAX)
        };
        let sum = |rank: u64| self.before.get(at(rank)).copied().unwrap_or_else(|| self.all());
        first(sum(rank + 1)) - first(sum(rank))
    }

    /// By the trades of a year: those of a shorter or longer stretch in proportion.
    pub fn size(&self, rank: u64) -> SellerSize {
        let year = u128::from(self.count(rank)) * 365 / u128::from(self.days);
        let whole = matches!(self.days, 365 | 366);
        SellerSize::of(if whole { self.count(rank) } else { u64::try_from(year).unwrap_or(u64::MAX) })
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Who sells.
#[derive(Debug)]
pub(super) struct Firm {
    pub home: Country,
    goods: [usize; GOODS],
    kinds: usize,
    markets: [usize; MARKETS],
    reach: usize,
    /// What its goods cost, in per cent of what such goods do.
    pub level: i64,
    /// How many of a hundred sales are to businesses.
    pub to_business: u64,
    /// Freight is in the price of the goods.
    pub sends_free: bool,
}

impl Firm {
    pub fn new(seed: u64, rank: u64, size: SellerSize, homes: &Homes, chapters: &[std::ops::Range<usize>]) -> Self {
        let mut chance = Random::new(mixed(seed ^ 0x0066_6972_6D73, rank));
        let from = weighted(&mut chance, homes.homes.iter().map(|home| home.share));
        let home = &homes.homes[from];
        // One chapter or two, a few kinds of each.
        let kinds = 2 + at(chance.below(5));
        let chosen = [*chance.pick(&homes.chapters), *chance.pick(&homes.chapters)];
        let goods = std::array::from_fn(|_| {
            let chapter = &chapters[chosen[at(chance.below(4)) / 3]];
            chapter.start + at(chance.below(width(chapter)))
        });
        let reach = match size {
            SellerSize::Micro => 1 + at(chance.below(2)),
            SellerSize::Small => 1 + at(chance.below(3)),
            SellerSize::Medium => 2 + at(chance.below(3)),
            SellerSize::Large => 4 + at(chance.below(3)),
        };
        let markets = std::array::from_fn(|_| weighted(&mut chance, home.pulls.iter().copied()));
        let to_business = match chance.below(20) {
            0..14 => 0,
            14..17 => 25,
            17..19 => 75,
            _ => 100,
        };
        let level = [60, 75, 85, 95, 100, 105, 115, 130, 150, 180][at(chance.below(10))];
        let sends_free = chance.once_in(4);
        Self { home: home.country, goods, kinds, markets, reach, level, to_business, sends_free }
    }

    pub fn goods(&self) -> &[usize] {
        &self.goods[..self.kinds]
    }

    pub fn markets(&self) -> &[usize] {
        &self.markets[..self.reach]
    }
}

/// Where firms are at home, and the markets that each home sells to.
#[derive(Debug)]
pub(super) struct Homes {
    homes: Vec<Home>,
    /// The places of chapters, those that many firms deal in several times.
    chapters: Vec<usize>,
}

#[derive(Debug)]
struct Home {
    country: Country,
    share: u64,
    /// By market.
    pulls: Vec<u64>,
}

impl Homes {
    /// A home that none of the markets is open to is left out.
    pub fn new(markets: &[Market], chapters: &[std::ops::Range<usize>]) -> Self {
        let homes = HOMES.iter().filter_map(|(code, share)| {
            let country: Country = code.parse().ok()?;
            let pull = |market: &Market| if market.is_home_of(country) { 0 } else { pull(country, market.to) };
            let pulls: Vec<u64> = markets.iter().map(pull).collect();
            pulls.iter().any(|pull| *pull > 0).then_some(Home { country, share: *share, pulls })
        });
        let often = |(place, chapter): (usize, &std::ops::Range<usize>)| vec![place; 1 + chapter.len().min(12)];
        Self { homes: homes.collect(), chapters: chapters.iter().enumerate().flat_map(often).collect() }
    }

    pub fn countries(&self) -> impl Iterator<Item = Country> {
        self.homes.iter().map(|home| home.country)
    }
}

fn width(range: &std::ops::Range<usize>) -> u64 {
    u64::try_from(range.len()).unwrap_or(1)
}

/// The place of one of some weights, the heavier the likelier.
pub(super) fn weighted(chance: &mut Random, weights: impl Iterator<Item = u64> + Clone) -> usize {
    let mut drawn = chance.below(weights.clone().sum());
    for (place, weight) in weights.enumerate() {
        if drawn < weight {
            return place;
        }
        drawn -= weight;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_firm_has_exactly_the_trades_that_its_size_says() {
        let sizes = Sizes::new(100_003, 4_000, 365);
        let mut counts = vec![0_u64; 4_000];
        for number in 0..100_003 {
            counts[at(sizes.rank(number))] += 1;
        }
        for (rank, count) in (0..).zip(&counts) {
            assert_eq!(sizes.count(rank), *count, "rank {rank}");
        }
        assert_eq!(counts.iter().sum::<u64>(), 100_003);
        // 1/3 of (1/3 + … + 1/4002) = 0.3333 / 7.3719 = 4.52 % of 100,003
        assert_eq!(counts[0], 4_522);
        assert!(counts.is_sorted_by(|a, b| a + 1 >= *b));
    }
}
