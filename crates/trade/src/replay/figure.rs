//! A number of the report as something to ask for: the trades that stand behind it.

use std::fmt;
use std::str::FromStr;

use super::counts::chapter_of;
use super::{Answer, Checked, Flight, SellerSize};
use crate::codes::Country;
use crate::rulebook::{ChargeKind, Collected};

/// Under which law something has to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Was,
    Is,
}

/// Which trades a number counts. As text: `was.released`, `is.charge.vat.border`, `dearer`, `goods.62`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    All,
    /// Pays this charge.
    Charge(Part, ChargeKind, Collected),
    Refused(Part, String),
    /// By [`Checked::code`].
    Checked(Part, String),
    Dearer,
    Cheaper,
    /// Not sold any more.
    Lost,
    /// Sold now.
    Won,
    Size(SellerSize),
    Goods(u8),
    From(Country),
    Seller(u64),
}

/// A text that names no number of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAFigure(pub String);

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Was => "was",
            Self::Is => "is",
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Charge(part, kind, at) => write!(f, "{part}.charge.{}.{}", kind.code(), at.code()),
            Self::Refused(part, code) => write!(f, "{part}.refused.{code}"),
            Self::Checked(part, code) => write!(f, "{part}.checked.{code}"),
            Self::Dearer => f.write_str("dearer"),
            Self::Cheaper => f.write_str("cheaper"),
            Self::Lost => f.write_str("lost"),
            Self::Won => f.write_str("won"),
            Self::Size(size) => write!(f, "size.{}", size.code()),
            Self::Goods(chapter) => write!(f, "goods.{chapter:02}"),
            Self::From(country) => write!(f, "from.{country}"),
            Self::Seller(seller) => write!(f, "seller.{seller}"),
        }
    }
}

impl FromStr for Figure {
    type Err = NotAFigure;

    fn from_str(text: &str) -> Result<Self, NotAFigure> {
        let bad = || NotAFigure(text.chars().take(80).collect());
        let parts: Vec<&str> = text.split('.').collect();
        let part = |text: &str| match text {
            "was" => Ok(Part::Was),
            "is" => Ok(Part::Is),
            _ => Err(bad()),
        };
        let code = |code: &str| {
            let fine = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            if fine { Ok(code.to_owned()) } else { Err(bad()) }
        };
        Ok(match parts[..] {
            ["all"] => Self::All,
            ["dearer"] => Self::Dearer,
            ["cheaper"] => Self::Cheaper,
            ["lost"] => Self::Lost,
            ["won"] => Self::Won,
            [of, "charge", kind, at] => {
                let kind = ChargeKind::ALL.iter().find(|(name, _)| *name == kind).ok_or_else(bad)?.1;
                let at = Collected::ALL.iter().find(|(name, _)| *name == at).ok_or_else(bad)?.1;
                Self::Charge(part(of)?, kind, at)
            }
            [of, "refused", refusal] => Self::Refused(part(of)?, code(refusal)?),
            [of, "checked", checked] if Checked::CODES.contains(&checked) => {
                Self::Checked(part(of)?, checked.to_owned())
            }
            ["size", size] => Self::Size(SellerSize::ALL.iter().find(|(name, _)| *name == size).ok_or_else(bad)?.1),
            ["goods", chapter] if chapter.len() == 2 => Self::Goods(chapter.parse().map_err(|_| bad())?),
            ["from", country] => Self::From(country.parse().map_err(|_| bad())?),
            ["seller", seller] => Self::Seller(seller.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        })
    }
}

impl Figure {
    /// Whether the number counts this trade.
    #[must_use]
    pub fn counts(&self, flight: &Flight<'_>) -> bool {
        let answer = |part: &Part| -> &Answer {
            match part {
                Part::Was => &flight.was,
                Part::Is => &flight.is,
            }
        };
        match self {
            Self::All => true,
            Self::Charge(part, kind, at) => answer(part)
                .cost
                .as_ref()
                .is_ok_and(|cost| cost.charges.iter().any(|c| c.kind == *kind && c.at == *at && c.amount.minor() != 0)),
            Self::Refused(part, code) => answer(part).refused().is_some_and(|refused| refused == *code),
            Self::Checked(part, code) => answer(part).checked.code() == code,
            Self::Dearer => flight.dearer_by().is_some_and(|by| by > 0),
            Self::Cheaper => flight.dearer_by().is_some_and(|by| by < 0),
            Self::Lost => flight.was.cost.is_ok() && flight.is.cost.is_err(),
            Self::Won => flight.was.cost.is_err() && flight.is.cost.is_ok(),
            Self::Size(size) => flight.trade.size == *size,
            Self::Goods(chapter) => flight.trade.lines.iter().any(|line| chapter_of(line) == *chapter),
            Self::From(country) => flight.trade.from == *country,
            Self::Seller(seller) => flight.trade.seller == *seller,
        }
    }
}
