//! Exact fractions: what a charge is worked out in before it is rounded once.

use std::cmp::Ordering;

use crate::money::{Currency, Money, MoneyError};

/// A fraction in lowest terms; the denominator is positive. Arithmetic that leaves 128 bits is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    top: i128,
    bottom: i128,
}

impl Exact {
    pub const ZERO: Self = Self { top: 0, bottom: 1 };

    /// # Errors
    /// The denominator is not positive.
    pub fn new(top: i128, bottom: i128) -> Result<Self, MoneyError> {
        if bottom <= 0 {
            return Err(MoneyError::RateNotPositive);
        }
        let shared = gcd(top.unsigned_abs(), bottom.unsigned_abs());
        let shared = i128::try_from(shared).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { top: top.div_euclid(shared), bottom: bottom.div_euclid(shared) })
    }

    #[must_use]
    pub const fn whole(value: i64) -> Self {
        // i64 always fits
        #[expect(clippy::as_conversions, reason = "From is not const")]
        let top = value as i128;
        Self { top, bottom: 1 }
    }

    /// # Errors
    /// The sum leaves 128 bits.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        let left = self.top.checked_mul(other.bottom).ok_or(MoneyError::Overflow)?;
        let right = other.top.checked_mul(self.bottom).ok_or(MoneyError::Overflow)?;
        let top = left.checked_add(right).ok_or(MoneyError::Overflow)?;
        Self::new(top, self.bottom.checked_mul(other.bottom).ok_or(MoneyError::Overflow)?)
    }

    /// # Errors
    /// The product leaves 128 bits.
    pub fn times(self, other: Self) -> Result<Self, MoneyError> {
        // Cut across first, so that large amounts with fine rates stay small.
        let left = Self::new(self.top, other.bottom)?;
        let right = Self::new(other.top, self.bottom)?;
        let top = left.top.checked_mul(right.top).ok_or(MoneyError::Overflow)?;
        let bottom = left.bottom.checked_mul(right.bottom).ok_or(MoneyError::Overflow)?;
        Self::new(top, bottom)
    }

    /// # Errors
    /// The other is not positive, or the result leaves 128 bits.
    pub fn over(self, other: Self) -> Result<Self, MoneyError> {
        if other.top <= 0 {
            return Err(MoneyError::RateNotPositive);
        }
        self.times(Self { top: other.bottom, bottom: other.top })
    }

    /// # Errors
    /// The comparison leaves 128 bits.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        let left = self.top.checked_mul(other.bottom).ok_or(MoneyError::Overflow)?;
        let right = other.top.checked_mul(self.bottom).ok_or(MoneyError::Overflow)?;
        Ok(left.cmp(&right))
    }

    /// As minor units of a currency, rounded once, half away from zero.
    ///
    /// # Errors
    /// The amount is too large.
    pub fn round(self, currency: Currency) -> Result<Money, MoneyError> {
        Money::new(1, currency).scaled(self.top, self.bottom)
    }
}

const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(top: i128, bottom: i128) -> Exact {
        Exact::new(top, bottom).expect("a fraction")
    }

    #[test]
    fn fractions_add_multiply_and_round_once() {
        // 1/3 + 1/6 = 1/2
        assert_eq!(of(1, 3).plus(of(1, 6)), Ok(of(1, 2)));
        // 100 × 28/85 × 7/10 = 23.0588…
        let tax = of(45_000, 1).times(of(28, 85)).and_then(|x| x.times(of(7, 10))).expect("small");
        assert_eq!(tax.round(Currency::CNY), Ok(Money::new(10_376, Currency::CNY)));
        assert_eq!(of(1, 2).compare(of(2, 3)), Ok(Ordering::Less));
        assert_eq!(of(6, 1).over(of(3, 1)), Ok(of(2, 1)));
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        assert_eq!(Exact::new(1, 0), Err(MoneyError::RateNotPositive));
        assert_eq!(of(1, 1).over(Exact::ZERO), Err(MoneyError::RateNotPositive));
        assert_eq!(of(i128::MAX, 1).plus(of(1, 1)), Err(MoneyError::Overflow));
    }

    proptest! {
        #[test]
        fn a_product_does_not_depend_on_the_order(a in any::<i64>(), b in 1_i64..1_000_000, c in any::<i32>(), d in 1_i64..1_000) {
            let (x, y) = (of(i128::from(a), i128::from(b)), of(i128::from(c), i128::from(d)));
            prop_assert_eq!(x.times(y), y.times(x));
            prop_assert_eq!(x.plus(y), y.plus(x));
        }
    }
}
