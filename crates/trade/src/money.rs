//! Money, rates and exchange: exact, in minor units, rounded once.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::BusinessTime;

/// A currency of ISO 4217. Three letters on the wire and in storage.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const CNY: Self = Self(iso_currency::Currency::CNY);
    pub const MYR: Self = Self(iso_currency::Currency::MYR);
    pub const SGD: Self = Self(iso_currency::Currency::SGD);
    pub const USD: Self = Self(iso_currency::Currency::USD);
    pub const EUR: Self = Self(iso_currency::Currency::EUR);
    pub const JPY: Self = Self(iso_currency::Currency::JPY);
    pub const KWD: Self = Self(iso_currency::Currency::KWD);

    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the point: 2 for MYR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn digits(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }

    fn scale(self) -> i128 {
        10_i128.pow(self.digits())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(text)
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency { got: text.chars().take(12).collect() })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code().cmp(other.code())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What can go wrong with money. Every variant names the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum MoneyError {
    UnknownCurrency {
        got: String,
    },
    /// Two amounts of different currencies were added or compared.
    CurrencyMismatch {
        left: Currency,
        right: Currency,
    },
    Overflow,
    /// `got` is not a decimal number of this currency.
    NotAnAmount {
        got: String,
    },
    /// More digits after the point than the currency has.
    TooManyDigits {
        got: String,
        digits: u32,
    },
    /// A split needs at least one positive weight and no negative one.
    NoWeights,
    RateNotPositive,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for MoneyError {}

/// An exact amount: `minor` units (sen, fen, yen) of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// This share of the amount, rounded once, half away from zero, to the minor unit.
    pub fn at(self, rate: Rate) -> Result<Self, MoneyError> {
        self.scaled(i128::from(rate.nano), i128::from(Rate::ONE.nano))
    }

    /// `self × numerator / denominator`, rounded once, half away from zero. For formulas whose rate
    /// is a fraction that has no finite decimal, such as (CT + VAT) / (1 − CT) × 70 %.
    pub fn scaled(self, numerator: i128, denominator: i128) -> Result<Self, MoneyError> {
        let product = i128::from(self.minor).checked_mul(numerator).ok_or(MoneyError::Overflow)?;
        let minor = divide_half_up(product, denominator)?;
        Ok(Self { minor: i64::try_from(minor).map_err(|_| MoneyError::Overflow)?, ..self })
    }

    /// Cuts the amount by weights so that the parts sum to the whole: each part is rounded down
    /// and the remaining minor units go, one each, to the largest fractions (first come first).
    pub fn split(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        let whole: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        if whole <= 0 || weights.iter().any(|w| *w < 0) {
            return Err(MoneyError::NoWeights);
        }
        let amount = i128::from(self.minor);
        let mut parts: Vec<(usize, i128, i128)> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| {
                let share = amount * i128::from(*w);
                (i, share.div_euclid(whole), share.rem_euclid(whole))
            })
            .collect();
        let mut left = amount - parts.iter().map(|p| p.1).sum::<i128>();
        parts.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
        for part in &mut parts {
            if left == 0 {
                break;
            }
            part.1 += 1;
            left -= 1;
        }
        parts.sort_by_key(|p| p.0);
        parts
            .into_iter()
            .map(|p| {
                let minor = i64::try_from(p.1).map_err(|_| MoneyError::Overflow)?;
                Ok(Self { minor, ..self })
            })
            .collect()
    }

    /// Compares two amounts of one currency.
    pub fn compare(self, other: Self) -> Result<Ordering, MoneyError> {
        self.same(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Reads `1234.50` (no sign but `-`, no thousands separators) as an amount of `currency`.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = currency.digits();
        let minor = parse_fixed(text, digits).map_err(|e| match e {
            FixedError::NotANumber => MoneyError::NotAnAmount { got: text.chars().take(40).collect() },
            FixedError::TooManyDigits => MoneyError::TooManyDigits { got: text.chars().take(40).collect(), digits },
            FixedError::TooLarge => MoneyError::Overflow,
        })?;
        Ok(Self { minor, currency })
    }

    /// The amount as a plain decimal, `386.42`, as messages and forms carry it.
    #[must_use]
    pub fn decimal(self) -> String {
        format_fixed(self.minor, self.currency.digits())
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

/// The sum of amounts that all have `currency`; zero for none.
pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
    amounts.into_iter().try_fold(Money::zero(currency), Money::plus)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.decimal())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An exact share, in parts per thousand million: 13 % is `Rate::percent(13)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate {
    nano: i64,
}

impl Rate {
    pub const ZERO: Self = Self { nano: 0 };
    pub const ONE: Self = Self { nano: 1_000_000_000 };

    #[must_use]
    pub const fn nano(nano: i64) -> Self {
        Self { nano }
    }

    #[must_use]
    pub const fn percent(percent: i64) -> Self {
        Self { nano: percent * 10_000_000 }
    }

    #[must_use]
    pub const fn as_nano(self) -> i64 {
        self.nano
    }

    /// Reads `13`, `6.5` or `23.0588` as per cent.
    pub fn parse_percent(text: &str) -> Result<Self, MoneyError> {
        let nano = parse_fixed(text.trim().trim_end_matches('%').trim(), 7)
            .map_err(|_| MoneyError::NotAnAmount { got: text.chars().take(40).collect() })?;
        Ok(Self { nano })
    }

    /// `6.5` for 6.5 %, without trailing zeros.
    #[must_use]
    pub fn percent_text(self) -> String {
        let text = format_fixed(self.nano, 7);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent_text())
    }
}

/// How one currency turned into another, for ever: the mid rate with its source, instant and spread.
///
/// `mid` is units of `to` for one unit of `from`, in 10⁻⁸. A buyer who pays in `to` for goods priced
/// in `from` pays mid × (1 + spread).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FxRate {
    pub from: Currency,
    pub to: Currency,
    pub mid: Fixed8,
    pub spread: Rate,
    pub source: String,
    pub as_of: BusinessTime,
}

impl FxRate {
    /// An amount of `from`, as the buyer pays it in `to`: mid with the spread on top, one rounding.
    pub fn convert(&self, amount: Money) -> Result<Money, MoneyError> {
        amount.same(Money::zero(self.from))?;
        let (num, den) = self.fraction()?;
        convert_exact(amount, num, den, self.to)
    }

    /// An amount of `to`, back into `from` at the very same rate, one rounding.
    pub fn convert_back(&self, amount: Money) -> Result<Money, MoneyError> {
        amount.same(Money::zero(self.to))?;
        let (num, den) = self.fraction()?;
        convert_exact(amount, den, num, self.from)
    }

    fn fraction(&self) -> Result<(i128, i128), MoneyError> {
        let one = i128::from(Rate::ONE.nano);
        let num = i128::from(self.mid.0) * (one + i128::from(self.spread.nano));
        if num <= 0 {
            return Err(MoneyError::RateNotPositive);
        }
        Ok((num, i128::from(Fixed8::ONE.0) * one))
    }
}

fn convert_exact(amount: Money, num: i128, den: i128, to: Currency) -> Result<Money, MoneyError> {
    // minor(to) = minor(from) × 10^digits(to) × num / (10^digits(from) × den)
    let top = i128::from(amount.minor)
        .checked_mul(num)
        .and_then(|x| x.checked_mul(to.scale()))
        .ok_or(MoneyError::Overflow)?;
    let bottom = den.checked_mul(amount.currency.scale()).ok_or(MoneyError::Overflow)?;
    let minor = i64::try_from(divide_half_up(top, bottom)?).map_err(|_| MoneyError::Overflow)?;
    Ok(Money { minor, currency: to })
}

/// A decimal with eight digits after the point, as text on the wire: `"1.61200000"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed8(pub i64);

impl Fixed8 {
    pub const ONE: Self = Self(100_000_000);
}

impl fmt::Display for Fixed8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format_fixed(self.0, 8);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl FromStr for Fixed8 {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_fixed(text, 8).map(Self).map_err(|_| MoneyError::NotAnAmount { got: text.chars().take(40).collect() })
    }
}

impl Serialize for Fixed8 {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fixed8 {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a fixed-point number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedError {
    NotANumber,
    TooManyDigits,
    TooLarge,
}

/// Reads a plain decimal into units of 10^-`digits`, exactly: `12.5` with 3 digits is 12500.
pub fn parse_fixed(text: &str, digits: u32) -> Result<i64, FixedError> {
    let text = text.trim();
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if whole.is_empty() && fraction.is_empty() || body.ends_with('.') {
        return Err(FixedError::NotANumber);
    }
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(FixedError::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    let width = usize::try_from(digits).map_err(|_| FixedError::TooLarge)?;
    if fraction.len() > width {
        return Err(FixedError::TooManyDigits);
    }
    let padded = format!("{whole}{fraction:0<width$}");
    let value: i64 = if padded.is_empty() { 0 } else { padded.parse().map_err(|_| FixedError::TooLarge)? };
    Ok(if negative { -value } else { value })
}

/// The inverse of [`parse_fixed`], with all digits: 12500 with 3 digits is `12.500`.
#[must_use]
pub fn format_fixed(value: i64, digits: u32) -> String {
    if digits == 0 {
        return value.to_string();
    }
    let scale = 10_u64.pow(digits);
    let size = value.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    let width = usize::try_from(digits).unwrap_or(0);
    format!("{sign}{}.{:0width$}", size.div_euclid(scale), size.rem_euclid(scale))
}

/// Rounds half away from zero. The denominator is positive.
fn divide_half_up(numerator: i128, denominator: i128) -> Result<i128, MoneyError> {
    if denominator <= 0 {
        return Err(MoneyError::RateNotPositive);
    }
    let size = numerator.checked_abs().ok_or(MoneyError::Overflow)?;
    let twice = size.checked_mul(2).and_then(|x| x.checked_add(denominator)).ok_or(MoneyError::Overflow)?;
    let rounded = twice.div_euclid(denominator.checked_mul(2).ok_or(MoneyError::Overflow)?);
    Ok(if numerator < 0 { -rounded } else { rounded })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cny(minor: i64) -> Money {
        Money::new(minor, Currency::CNY)
    }

    #[test]
    fn a_rate_is_taken_with_one_rounding_half_up() {
        // 13 % of 3.50 = 0.455 -> 0.46; of 3.49 = 0.4537 -> 0.45
        assert_eq!(cny(350).at(Rate::percent(13)), Ok(cny(46)));
        assert_eq!(cny(349).at(Rate::percent(13)), Ok(cny(45)));
        assert_eq!(cny(-350).at(Rate::percent(13)), Ok(cny(-46)));
    }

    #[test]
    fn amounts_of_two_currencies_do_not_mix() {
        let mixed = cny(1).plus(Money::new(1, Currency::MYR));
        assert_eq!(mixed, Err(MoneyError::CurrencyMismatch { left: Currency::CNY, right: Currency::MYR }));
    }

    #[test]
    fn text_is_read_exactly_or_refused() {
        assert_eq!(Money::parse("18.00", Currency::MYR), Ok(Money::new(1800, Currency::MYR)));
        assert_eq!(Money::parse("1.500", Currency::CNY), Ok(cny(150)));
        assert_eq!(Money::parse("12", Currency::JPY), Ok(Money::new(12, Currency::JPY)));
        assert!(matches!(Money::parse("1.005", Currency::CNY), Err(MoneyError::TooManyDigits { .. })));
        for bad in ["", ".", "1,50", "1e3", "NaN", "--1", "1.", "+5"] {
            assert!(matches!(Money::parse(bad, Currency::CNY), Err(MoneyError::NotAnAmount { .. })), "{bad}");
        }
        assert_eq!(Money::parse("99999999999999999999", Currency::CNY), Err(MoneyError::Overflow));
    }

    #[test]
    fn exchange_uses_mid_and_spread_once() {
        let fx = FxRate {
            from: Currency::MYR,
            to: Currency::CNY,
            mid: Fixed8(161_200_000),
            spread: Rate::nano(4_000_000),
            source: "test".into(),
            as_of: BusinessTime::from_micros(0),
        };
        // 216.00 × 1.612 × 1.004 = 349.584768 -> 349.58
        assert_eq!(fx.convert(Money::new(21_600, Currency::MYR)), Ok(cny(34_958)));
        assert_eq!(fx.convert_back(cny(34_958)), Ok(Money::new(21_600, Currency::MYR)));
        // to a currency without minor units: 10.00 MYR at 30 = 300 yen
        let yen = FxRate { to: Currency::JPY, mid: Fixed8(3_000_000_000), spread: Rate::ZERO, ..fx };
        assert_eq!(yen.convert(Money::new(1_000, Currency::MYR)), Ok(Money::new(300, Currency::JPY)));
    }

    proptest! {
        #[test]
        fn parts_of_a_split_sum_to_the_whole(minor in -1_000_000_000_000_i64..1_000_000_000_000,
                                             weights in prop::collection::vec(0_i64..1_000_000, 1..40)) {
            prop_assume!(weights.iter().sum::<i64>() > 0);
            let parts = Money::new(minor, Currency::KWD).split(&weights).expect("weights are positive");
            prop_assert_eq!(parts.iter().map(|p| p.minor()).sum::<i64>(), minor);
        }

        #[test]
        fn what_is_written_is_read_back(minor in any::<i32>()) {
            for currency in [Currency::JPY, Currency::CNY, Currency::KWD] {
                let m = Money::new(i64::from(minor), currency);
                prop_assert_eq!(Money::parse(&m.decimal(), currency), Ok(m));
            }
        }
    }
}
