//! The rate of a duty as a tariff writes it: per cent, so much for a unit, sums, and the larger or smaller of several.
//!
//! ```text
//! rate  = part { "+" part }
//! part  = "free" | number "%" | number currency "/" [number] unit | ("MAX" | "MIN") "(" rate { "," rate } ")"
//! unit  = "kg" | "g" | "t" | "l" | "ml" | "hl" | "lpa" | "piece" | "pair"
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::exact::Exact;
use crate::money::{Currency, Money, MoneyError, Rate, format_fixed, parse_fixed};

/// The longest text of a rate that is read; the longest of a real tariff has some 120 characters.
const MOST_BYTES: usize = 300;
/// How deep `MAX` and `MIN` may stand in each other.
const MOST_DEPTH: usize = 4;
/// The most parts of a sum, `MAX` or `MIN`.
const MOST_PARTS: usize = 8;
/// Protective duties of several hundred per cent exist; more is a slip of the pen.
const PERCENT_BELOW: Rate = Rate::percent(1_000);

/// What a specific duty counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Net mass, in grams.
    Mass,
    /// Volume of the contents, in millilitres.
    Volume,
    /// Alcohol in the contents, in thousandths of a millilitre.
    Alcohol,
    /// Pieces, or pairs, as sold.
    Piece,
}

/// Units that tariffs count in: the name, what it measures, and how many grams, millilitres, thousandths of a
/// piece or of a millilitre of alcohol it is. `lpa` is a litre of pure alcohol.
const UNITS: [(&str, Measure, i64); 9] = [
    ("kg", Measure::Mass, 1_000),
    ("g", Measure::Mass, 1),
    ("t", Measure::Mass, 1_000_000),
    ("l", Measure::Volume, 1_000),
    ("ml", Measure::Volume, 1),
    ("hl", Measure::Volume, 100_000),
    ("lpa", Measure::Alcohol, 1_000_000),
    ("piece", Measure::Piece, 1_000),
    ("pair", Measure::Piece, 1_000),
];

/// So much money for so much of the goods: `2.5 EUR/100kg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Specific {
    /// In millionths of the currency: tariffs write tenths of a cent.
    micros: i64,
    currency: Currency,
    /// How many of the unit, as written, in thousandths.
    count: i64,
    unit: usize,
}

impl Specific {
    #[must_use]
    pub const fn measure(self) -> Measure {
        UNITS[self.unit].1
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// In minor units of the currency, for a quantity as [`UNITS`] count it.
    fn worth(self, quantity: i64) -> Result<Exact, MoneyError> {
        // micros × 10^digits / 10^6 is minor units; count thousandths of a unit that is UNITS.2 thousandths
        let minor = Exact::new(i128::from(self.micros) * 10_i128.pow(self.currency.digits()), 1_000_000)?;
        let per = i128::from(self.count) * i128::from(UNITS[self.unit].2);
        minor.times(Exact::new(i128::from(quantity) * 1_000, per)?)
    }
}

/// The rate of a duty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DutyRate {
    Percent(Rate),
    Specific(Specific),
    Sum(Vec<Self>),
    Max(Vec<Self>),
    Min(Vec<Self>),
}

/// What a rate is levied on: the value, and what is known of the quantities of all pieces together.
#[derive(Clone, Copy, Debug)]
pub struct Levied {
    pub value: Money,
    /// Net mass in grams.
    pub grams: Option<i64>,
    /// Contents in millilitres.
    pub millilitres: Option<i64>,
    /// Pure alcohol in the contents, in thousandths of a millilitre.
    pub alcohol: Option<i64>,
    pub pieces: i64,
}

/// Why a rate gives no amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateRefusal {
    /// The rate counts what is not told of the goods.
    QuantityMissing {
        measure: Measure,
    },
    /// The rate is in another currency, and no exchange rate was given.
    ExchangeMissing {
        from: Currency,
        to: Currency,
    },
    Money(MoneyError),
}

impl From<MoneyError> for RateRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl DutyRate {
    pub const FREE: Self = Self::Percent(Rate::ZERO);

    /// The rate where it is a per cent and nothing else.
    #[must_use]
    pub const fn percent(&self) -> Option<Rate> {
        match self {
            Self::Percent(rate) => Some(*rate),
            _ => None,
        }
    }

    /// What the rate counts besides the value, each once.
    #[must_use]
    pub fn measures(&self) -> Vec<Measure> {
        let mut found = Vec::new();
        self.each(&mut |specific| {
            if !found.contains(&specific.measure()) {
                found.push(specific.measure());
            }
        });
        found
    }

    /// The currencies that the rate is written in, each once.
    #[must_use]
    pub fn currencies(&self) -> Vec<Currency> {
        let mut found = Vec::new();
        self.each(&mut |specific| {
            if !found.contains(&specific.currency) {
                found.push(specific.currency);
            }
        });
        found
    }

    fn each(&self, see: &mut impl FnMut(Specific)) {
        match self {
            Self::Percent(_) => {}
            Self::Specific(specific) => see(*specific),
            Self::Sum(parts) | Self::Max(parts) | Self::Min(parts) => parts.iter().for_each(|part| part.each(see)),
        }
    }

    /// The amount in the currency of the value, rounded once, half up. `exchange` gives what one minor unit
    /// of a currency is in minor units of another; none where it is not known.
    ///
    /// # Errors
    /// A quantity or an exchange rate that the rate needs is not known, or the amount is too large.
    pub fn on(
        &self,
        levied: &Levied,
        exchange: impl Fn(Currency, Currency) -> Option<Exact>,
    ) -> Result<Money, RateRefusal> {
        match self {
            Self::Percent(rate) => Ok(levied.value.at(*rate)?),
            _ => Ok(self.exact(levied, &exchange)?.round(levied.value.currency())?),
        }
    }

    /// The same, not yet rounded.
    pub(crate) fn exact(
        &self,
        levied: &Levied,
        exchange: &impl Fn(Currency, Currency) -> Option<Exact>,
    ) -> Result<Exact, RateRefusal> {
        match self {
            Self::Percent(rate) => {
                let share = Exact::new(i128::from(rate.as_nano()), i128::from(Rate::ONE.as_nano()))?;
                Ok(Exact::whole(levied.value.minor()).times(share)?)
            }
            Self::Specific(specific) => {
                let measure = specific.measure();
                let quantity = match measure {
                    Measure::Mass => levied.grams,
                    Measure::Volume => levied.millilitres,
                    // What is missing first: without a volume a strength says nothing.
                    Measure::Alcohol if levied.millilitres.is_none() => {
                        return Err(RateRefusal::QuantityMissing { measure: Measure::Volume });
                    }
                    Measure::Alcohol => levied.alcohol,
                    Measure::Piece => levied.pieces.checked_mul(1_000),
                };
                let worth = specific.worth(quantity.ok_or(RateRefusal::QuantityMissing { measure })?)?;
                let (from, to) = (specific.currency, levied.value.currency());
                if from == to {
                    return Ok(worth);
                }
                Ok(worth.times(exchange(from, to).ok_or(RateRefusal::ExchangeMissing { from, to })?)?)
            }
            Self::Sum(parts) => {
                parts.iter().try_fold(Exact::ZERO, |sum, part| Ok(sum.plus(part.exact(levied, exchange)?)?))
            }
            Self::Max(parts) => pick(parts, levied, exchange, Ordering::Greater),
            Self::Min(parts) => pick(parts, levied, exchange, Ordering::Less),
        }
    }
}

fn pick(
    parts: &[DutyRate],
    levied: &Levied,
    exchange: &impl Fn(Currency, Currency) -> Option<Exact>,
    wanted: Ordering,
) -> Result<Exact, RateRefusal> {
    let mut best: Option<Exact> = None;
    for part in parts {
        let worth = part.exact(levied, exchange)?;
        best = match best {
            Some(best) if worth.compare(best)? != wanted => Some(best),
            _ => Some(worth),
        };
    }
    Ok(best.unwrap_or(Exact::ZERO))
}

/// What is wrong with the text of a rate, from which byte on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateError {
    pub at: usize,
    pub fault: RateFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateFault {
    Empty,
    TooLong,
    /// Neither a number, `free`, `MAX(` nor `MIN(` stands here.
    PartExpected,
    /// Not a plain decimal with a point, or too large or too fine: at most seven digits after the point of a
    /// per cent, six of an amount.
    NotANumber,
    /// Below nothing, or 1,000 % and more.
    OutOfRange,
    /// After a number stands neither `%` nor a currency.
    PercentOrCurrencyExpected,
    UnknownCurrency,
    /// After the currency stands no `/` and unit.
    UnitExpected,
    UnknownUnit,
    /// A bracket or a comma is missing.
    BracketExpected,
    TooDeep,
    TooManyParts,
    /// The rate is whole, and something follows.
    TextLeftOver,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for RateError {}

impl FromStr for DutyRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text.len() > MOST_BYTES {
            return Err(RateError { at: MOST_BYTES, fault: RateFault::TooLong });
        }
        let mut reader = Reader { text, at: 0 };
        reader.blanks();
        if reader.rest().is_empty() {
            return Err(RateError { at: 0, fault: RateFault::Empty });
        }
        let rate = reader.rate(0)?;
        if reader.rest().is_empty() { Ok(rate) } else { Err(reader.fault(RateFault::TextLeftOver)) }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn fault(&self, fault: RateFault) -> RateError {
        RateError { at: self.at, fault }
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes `word` and the blanks after it, whatever its case.
    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        if found {
            self.at += word.len();
            self.blanks();
        }
        found
    }

    /// What stands here as long as `fits`, and the blanks after it.
    fn run(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        self.blanks();
        rest.get(..end).unwrap_or("")
    }

    fn rate(&mut self, depth: usize) -> Result<DutyRate, RateError> {
        if depth > MOST_DEPTH {
            return Err(self.fault(RateFault::TooDeep));
        }
        let mut parts = vec![self.part(depth)?];
        while self.take("+") {
            parts.push(self.part(depth)?);
            if parts.len() > MOST_PARTS {
                return Err(self.fault(RateFault::TooManyParts));
            }
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { DutyRate::Sum(parts) })
    }

    fn part(&mut self, depth: usize) -> Result<DutyRate, RateError> {
        if self.take("free") {
            return Ok(DutyRate::FREE);
        }
        for (word, largest) in [("MAX", true), ("MIN", false)] {
            if self.take(word) {
                let parts = self.listed(depth)?;
                return Ok(if largest { DutyRate::Max(parts) } else { DutyRate::Min(parts) });
            }
        }
        self.number()
    }

    fn listed(&mut self, depth: usize) -> Result<Vec<DutyRate>, RateError> {
        if !self.take("(") {
            return Err(self.fault(RateFault::BracketExpected));
        }
        let mut parts = vec![self.rate(depth + 1)?];
        while self.take(",") {
            parts.push(self.rate(depth + 1)?);
            if parts.len() > MOST_PARTS {
                return Err(self.fault(RateFault::TooManyParts));
            }
        }
        if self.take(")") { Ok(parts) } else { Err(self.fault(RateFault::BracketExpected)) }
    }

    fn number(&mut self) -> Result<DutyRate, RateError> {
        let began = self.at;
        let fault = |fault| RateError { at: began, fault };
        let digits = self.run(|c| c.is_ascii_digit() || c == '.');
        if digits.is_empty() {
            let sign = self.rest().starts_with('-');
            return Err(fault(if sign { RateFault::OutOfRange } else { RateFault::PartExpected }));
        }
        if self.take("%") {
            let rate = Rate::parse_percent(digits).map_err(|_| fault(RateFault::NotANumber))?;
            let fits = (Rate::ZERO..PERCENT_BELOW).contains(&rate);
            return if fits { Ok(DutyRate::Percent(rate)) } else { Err(fault(RateFault::OutOfRange)) };
        }
        let micros = parse_fixed(digits, 6).map_err(|_| fault(RateFault::NotANumber))?;
        let place = self.at;
        let code = self.run(|c| c.is_ascii_alphabetic());
        if code.is_empty() {
            return Err(self.fault(RateFault::PercentOrCurrencyExpected));
        }
        let currency = code.to_ascii_uppercase().parse();
        let currency = currency.map_err(|_| RateError { at: place, fault: RateFault::UnknownCurrency })?;
        if !self.take("/") {
            return Err(self.fault(RateFault::UnitExpected));
        }
        let place = self.at;
        let count = match self.run(|c| c.is_ascii_digit() || c == '.') {
            "" => 1_000,
            digits => parse_fixed(digits, 3)
                .ok()
                .filter(|count| *count > 0)
                .ok_or(RateError { at: place, fault: RateFault::NotANumber })?,
        };
        let place = self.at;
        let name = self.run(|c| c.is_ascii_alphabetic());
        if name.is_empty() {
            return Err(self.fault(RateFault::UnitExpected));
        }
        let unit = UNITS.iter().position(|(known, ..)| known.eq_ignore_ascii_case(name));
        let unit = unit.ok_or(RateError { at: place, fault: RateFault::UnknownUnit })?;
        Ok(DutyRate::Specific(Specific { micros, currency, count, unit }))
    }
}

fn trimmed(value: i64, digits: u32) -> String {
    let text = format_fixed(value, digits);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl fmt::Display for DutyRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], with: &str| {
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    f.write_str(with)?;
                }
                write!(f, "{part}")?;
            }
            Ok(())
        };
        match self {
            Self::Percent(rate) => write!(f, "{}%", rate.percent_text()),
            Self::Specific(s) => {
                let count = if s.count == 1_000 { String::new() } else { trimmed(s.count, 3) };
                write!(f, "{} {}/{count}{}", trimmed(s.micros, 6), s.currency, UNITS[s.unit].0)
            }
            Self::Sum(parts) => joined(f, parts, " + "),
            Self::Max(parts) | Self::Min(parts) => {
                f.write_str(if matches!(self, Self::Max(_)) { "MAX(" } else { "MIN(" })?;
                joined(f, parts, ", ")?;
                f.write_str(")")
            }
        }
    }
}

impl Serialize for DutyRate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DutyRate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    /// Goods of EUR 200.00, 4 pieces, 2.5 kg, 3 litres.
    fn work(rate: &str) -> Result<i64, RateRefusal> {
        let levied = Levied {
            value: eur(20_000),
            grams: Some(2_500),
            millilitres: Some(3_000),
            alcohol: Some(1_200_000),
            pieces: 4,
        };
        // one US cent is 0.9 euro cents
        let exchange = |from, _| (from == Currency::USD).then(|| Exact::new(9, 10).expect("a fraction"));
        rate.parse::<DutyRate>().expect("a rate").on(&levied, exchange).map(Money::minor)
    }

    #[test]
    fn each_form_of_rate_gives_its_amount() {
        for (rate, minor) in [
            ("free", 0),
            ("8%", 1_600),
            ("6.5 %", 1_300),
            // 2.5 kg of 100 kg at 2.50: 6.25 cents; with 12 % of 200.00 = 2,400 cents
            ("12% + 2.5 EUR/100kg", 2_406),
            // 10 % is 20.00; 1.2 USD a kg is 3.00 USD = 2.70 EUR
            ("MAX(10%, 1.2 USD/kg)", 2_000),
            ("min(10%, 1.2 USD/kg)", 270),
            // 32.00 a hectolitre: 3 l are 0.96
            ("32.00 EUR/hl", 96),
            // 88.00 a litre of alcohol: 3 l of 40 % are 1.2 l of it, 105.60
            ("88 EUR/lpa", 10_560),
            // 175.00 a tonne: 2.5 kg are 0.4375
            ("175.00 EUR/t", 44),
            // 0.30 a piece at least, 0.80 a piece at most, else 4.5 %: 9.00, at most 3.20
            ("MIN(MAX(4.5%, 0.30 EUR/piece), 0.80 EUR/piece)", 320),
            // a tenth of a cent: 4 × 0.008 USD = 0.032 USD = 0.0288 EUR
            ("0.008 USD/piece", 3),
        ] {
            assert_eq!(work(rate), Ok(minor), "{rate}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let levied = Levied { value: eur(100), grams: None, millilitres: None, alcohol: None, pieces: 1 };
        let on = |text: &str| text.parse::<DutyRate>().expect("a rate").on(&levied, |_, _| None);
        assert_eq!(on("1 EUR/kg"), Err(RateRefusal::QuantityMissing { measure: Measure::Mass }));
        assert_eq!(on("5% + 1 EUR/l"), Err(RateRefusal::QuantityMissing { measure: Measure::Volume }));
        assert_eq!(on("88 EUR/lpa"), Err(RateRefusal::QuantityMissing { measure: Measure::Volume }));
        let weak = Levied { millilitres: Some(700), ..levied };
        let drink = "88 EUR/lpa".parse::<DutyRate>().expect("a rate").on(&weak, |_, _| None);
        assert_eq!(drink, Err(RateRefusal::QuantityMissing { measure: Measure::Alcohol }));
        let missing = RateRefusal::ExchangeMissing { from: Currency::USD, to: Currency::EUR };
        assert_eq!(on("1 USD/piece"), Err(missing));
    }

    #[test]
    fn a_faulty_rate_is_refused_where_the_fault_is() {
        use RateFault as F;
        for (text, at, fault) in [
            ("", 0, F::Empty),
            ("  ", 0, F::Empty),
            ("8", 1, F::PercentOrCurrencyExpected),
            ("8,5%", 1, F::PercentOrCurrencyExpected),
            ("NaN", 0, F::PartExpected),
            ("-5%", 0, F::OutOfRange),
            ("1000%", 0, F::OutOfRange),
            ("1000000000000000%", 0, F::NotANumber),
            ("1.2.3%", 0, F::NotANumber),
            ("8% 9%", 3, F::TextLeftOver),
            ("8% +", 4, F::PartExpected),
            ("2 XXQ/kg", 2, F::UnknownCurrency),
            ("2 EUR", 5, F::UnitExpected),
            ("2 EUR/", 6, F::UnitExpected),
            ("2 EUR/stone", 6, F::UnknownUnit),
            ("2 EUR/0kg", 6, F::NotANumber),
            ("MAX(8%", 6, F::BracketExpected),
            ("MAX 8%", 4, F::BracketExpected),
            ("9% + EA", 5, F::PartExpected),
        ] {
            assert_eq!(text.parse::<DutyRate>(), Err(RateError { at, fault }), "{text:?}");
        }
        let deep = format!("{}8%{}", "MAX(".repeat(6), ")".repeat(6));
        assert!(matches!(deep.parse::<DutyRate>(), Err(RateError { fault: F::TooDeep, .. })));
        assert!(matches!("9".repeat(400).parse::<DutyRate>(), Err(RateError { fault: F::TooLong, .. })));
    }

    fn rates() -> impl Strategy<Value = DutyRate> {
        let percent = (0_i64..9_999_999_999).prop_map(|nano| DutyRate::Percent(Rate::nano(nano - nano % 100)));
        let specific = (0_i64..1_000_000_000, 1_i64..1_000_000, 0..UNITS.len()).prop_map(|(micros, count, unit)| {
            DutyRate::Specific(Specific { micros, currency: Currency::EUR, count, unit })
        });
        prop_oneof![percent, specific].prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(DutyRate::Max),
                prop::collection::vec(inner, 1..3).prop_map(DutyRate::Min),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_rate_is_read_back_as_it_was_written(rate in rates()) {
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = text.parse::<DutyRate>();
        }

        #[test]
        fn the_larger_is_at_least_each_and_the_smaller_at_most(a in rates(), b in rates(), value in 0_i64..1_000_000_000) {
            let levied = Levied { value: eur(value), grams: Some(1_234), millilitres: Some(777), alcohol: Some(310_800), pieces: 5 };
            let on = |rate: DutyRate| rate.on(&levied, |_, _| None).expect("small").minor();
            let (x, y) = (on(a.clone()), on(b.clone()));
            prop_assert_eq!(on(DutyRate::Max(vec![a.clone(), b.clone()])), x.max(y));
            prop_assert_eq!(on(DutyRate::Min(vec![a, b])), x.min(y));
        }
    }
}
