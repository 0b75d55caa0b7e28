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

/// Net contents of one piece: `amount` in thousandths of `unit`; 50 ml is 50,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Content {
    pub milli: i64,
    pub unit: ContentUnit,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilograms_are_read_to_the_gram_or_refused() {
        assert_eq!(Grams::parse_kilograms("2.5"), Ok(Grams(2_500)));
        assert_eq!(Grams(2_500).to_string(), "2.500 kg");
        assert_eq!(Grams::parse_kilograms("2,5 kgs"), Err(FixedError::NotANumber));
        assert_eq!(Grams::parse_kilograms("0.0005"), Err(FixedError::TooManyDigits));
    }
}
