//! Masses, sizes and counts: fixed point with a unit, never a float.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::money::{FixedError, format_fixed, parse_fixed};

/// A mass in whole grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grams(pub i64);

impl Grams {
    /// Reads kilograms, at most three digits after the point: `2.5` is 2,500 g.
    pub fn parse_kilograms(text: &str) -> Result<Self, FixedError> {
        parse_fixed(text, 3).map(Self)
    }

    /// `2.500`, as customs messages carry it.
    #[must_use]
    pub fn kilograms(self) -> String {
        format_fixed(self.0, 3)
    }
}

impl fmt::Display for Grams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kg", self.kilograms())
    }
}

/// Outer size of one packed piece, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    pub length_mm: i64,
    pub width_mm: i64,
    pub height_mm: i64,
}

impl Size {
    #[must_use]
    pub fn cubic_mm(self) -> i128 {
        i128::from(self.length_mm) * i128::from(self.width_mm) * i128::from(self.height_mm)
    }
}

/// What the contents of one piece are counted in; decides value-threshold taxes such as China's
/// consumption tax on cosmetics (per ml, per g, per piece or sheet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentUnit {
    Ml,
    G,
    Piece,
}

impl ContentUnit {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ml => "ml",
            Self::G => "g",
            Self::Piece => "piece",
        }
    }
}

/// How much of a drink is alcohol, in tenths of a per cent by volume, as labels say it: 40 % vol is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Strength(u16);

impl Strength {
    /// From tenths of a per cent; none above 100 %, nor without any alcohol.
    #[must_use]
    pub fn of_tenths(tenths: u16) -> Option<Self> {
        (1..=1_000).contains(&tenths).then_some(Self(tenths))
    }

    #[must_use]
    pub const fn tenths(self) -> u16 {
        self.0
    }

    /// `40` or `4.5`.
    #[must_use]
    pub fn percent_text(self) -> String {
        let text = format_fixed(i64::from(self.0), 1);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl TryFrom<u16> for Strength {
    type Error = &'static str;

    fn try_from(tenths: u16) -> Result<Self, Self::Error> {
        Self::of_tenths(tenths).ok_or("a strength is 1 to 1000 tenths of a per cent")
    }
}

impl From<Strength> for u16 {
    fn from(strength: Strength) -> Self {
        strength.0
    }
}

/// Net contents of one piece: `amount` in thousandths of `unit`; 50 ml is 50,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Content {
    pub milli: i64,
    pub unit: ContentUnit,
    /// Of drinks with alcohol: what some excises count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
}

impl Content {
    #[must_use]
    pub const fn new(milli: i64, unit: ContentUnit) -> Self {
        Self { milli, unit, strength: None }
    }

    /// What somebody writes of contents whose unit is told beside: `50`, and of drinks with their strength
    /// `700 40%`. Of what is not a volume no strength is taken, nor an amount that is not above nothing.
    #[must_use]
    pub fn read(text: &str, unit: ContentUnit) -> Option<Self> {
        let (amount, strength) = match text.trim().split_once(char::is_whitespace) {
            None => (text.trim(), None),
            Some((amount, strength)) => (amount, Some(strength.trim().trim_end_matches(['%', ' ', '\u{a0}']))),
        };
        let milli = parse_fixed(amount, 3).ok().filter(|milli| *milli > 0)?;
        let Some(strength) = strength else { return Some(Self::new(milli, unit)) };
        let tenths = u16::try_from(parse_fixed(strength, 1).ok()?).ok()?;
        let strength = Strength::of_tenths(tenths).filter(|_| unit == ContentUnit::Ml)?;
        Some(Self { milli, unit, strength: Some(strength) })
    }

    /// As [`Self::read`] takes it.
    #[must_use]
    pub fn written(self) -> String {
        let amount = format_fixed(self.milli, 3);
        let amount = amount.trim_end_matches('0').trim_end_matches('.');
        match self.strength {
            None => amount.to_owned(),
            Some(strength) => format!("{amount} {}%", strength.percent_text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read_with_their_strength_or_refused() {
        let ml = |text| Content::read(text, ContentUnit::Ml);
        let strong = |milli, tenths| {
            Some(Content { strength: Strength::of_tenths(tenths), ..Content::new(milli, ContentUnit::Ml) })
        };
        assert_eq!(ml("50"), Some(Content::new(50_000, ContentUnit::Ml)));
        assert_eq!(
            [ml("700 40%"), ml(" 330  4.5 % "), ml("700 40")],
            [strong(700_000, 400), strong(330_000, 45), strong(700_000, 400)]
        );
        for text in ["", "0", "-1", "700 0%", "700 100.1%", "700 4.55%", "700 NaN%", "700 %", "40%", "1e3"] {
            assert_eq!(ml(text), None, "{text}");
        }
        assert_eq!(Content::read("700 40%", ContentUnit::G), None, "a weight has no strength by volume");
        for text in ["50", "0.5", "700 40%", "330 4.5%"] {
            assert_eq!(ml(text).unwrap().written(), text);
        }
        let json = serde_json::to_string(&ml("700 40%").unwrap()).unwrap();
        assert_eq!(json, r#"{"milli":700000,"unit":"ml","strength":400}"#);
        assert!(serde_json::from_str::<Content>(&json.replace("400", "1001")).is_err());
    }

    #[test]
    fn kilograms_are_read_to_the_gram_or_refused() {
        assert_eq!(Grams::parse_kilograms("2.5"), Ok(Grams(2_500)));
        assert_eq!(Grams(2_500).to_string(), "2.500 kg");
        assert_eq!(Grams::parse_kilograms("2,5 kgs"), Err(FixedError::NotANumber));
        assert_eq!(Grams::parse_kilograms("0.0005"), Err(FixedError::TooManyDigits));
    }
}
