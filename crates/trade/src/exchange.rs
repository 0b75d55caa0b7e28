//! Rates of exchange by which amounts that a law states in another currency are compared and levied.

use serde::{Deserialize, Serialize};

use crate::exact::Exact;
use crate::money::{Currency, Fixed8, FxRate, Money};

/// Mid rates, each with its source and instant. A spread is a seller's matter and plays no part here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exchange {
    rates: Vec<FxRate>,
}

impl Exchange {
    pub const NONE: Self = Self { rates: Vec::new() };

    #[must_use]
    pub const fn new(rates: Vec<FxRate>) -> Self {
        Self { rates }
    }

    #[must_use]
    pub fn rates(&self) -> &[FxRate] {
        &self.rates
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty()
    }

    /// What one minor unit of `from` is in minor units of `to`: by a rate between the two, or by way of one
    /// third currency; none where no rate leads there.
    #[must_use]
    pub fn factor(&self, from: Currency, to: Currency) -> Option<Exact> {
        self.by(from, to).map(|(factor, _)| factor)
    }

    /// The factor, and the rates that it rests on.
    #[must_use]
    pub fn by(&self, from: Currency, to: Currency) -> Option<(Exact, Vec<&FxRate>)> {
        if from == to {
            return Some((Exact::whole(1), Vec::new()));
        }
        if let Some((factor, rate)) = self.direct(from, to) {
            return Some((factor, vec![rate]));
        }
        let over = self.rates.iter().flat_map(|rate| [rate.from, rate.to]);
        let mut ways = over.filter_map(|middle| {
            let (there, first) = self.direct(from, middle)?;
            let (on, second) = self.direct(middle, to)?;
            Some((there.times(on).ok()?, vec![first, second]))
        });
        ways.next()
    }

    fn direct(&self, from: Currency, to: Currency) -> Option<(Exact, &FxRate)> {
        self.rates.iter().find_map(|rate| {
            let one = i128::from(Fixed8::ONE.0);
            let mid = i128::from(rate.mid.0);
            let (top, bottom) = match (rate.from == from && rate.to == to, rate.from == to && rate.to == from) {
                (true, _) => (mid, one),
                (_, true) => (one, mid),
                _ => return None,
            };
            let scale = |currency: Currency| 10_i128.pow(currency.digits());
            Some((Exact::new(top.checked_mul(scale(to))?, bottom.checked_mul(scale(from))?).ok()?, rate))
        })
    }

    /// An amount in another currency at mid, rounded once, half up; none where no rate leads there or the
    /// result is too large.
    #[must_use]
    pub fn convert(&self, amount: Money, to: Currency) -> Option<Money> {
        let worth = Exact::whole(amount.minor()).times(self.factor(amount.currency(), to)?).ok()?;
        worth.round(to).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Rate;
    use crate::time::BusinessTime;

    fn rate(from: Currency, to: Currency, mid: &str) -> FxRate {
        let as_of = BusinessTime::from_micros(0);
        FxRate { from, to, mid: mid.parse().expect("a rate"), spread: Rate::ZERO, source: "test".into(), as_of }
    }

    #[test]
    fn an_amount_is_converted_straight_backwards_or_by_a_third_currency() {
        let sample =
            Exchange::new(vec![rate(Currency::USD, Currency::MYR, "4.00"), rate(Currency::USD, Currency::JPY, "150")]);
        let usd = Money::new(15_000, Currency::USD);
        // 150.00 × 4 = 600.00; 600.00 / 4 = 150.00; 600.00 / 4 × 150 = 22,500 yen
        let myr = Money::new(60_000, Currency::MYR);
        assert_eq!(sample.convert(usd, Currency::MYR), Some(myr));
        assert_eq!(sample.convert(myr, Currency::USD), Some(usd));
        assert_eq!(sample.convert(myr, Currency::JPY), Some(Money::new(22_500, Currency::JPY)));
        assert_eq!(sample.convert(myr, Currency::MYR), Some(myr));
        assert_eq!(sample.convert(myr, Currency::KWD), None);
    }
}
