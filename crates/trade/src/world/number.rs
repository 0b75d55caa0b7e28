//! Numbers that are used once, and what persons use up of a yearly limit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::DocumentNo;
use crate::id::Id;
use crate::money::Money;
use crate::party::PersonTag;
use crate::payout::Payout;

/// A number that must be used once on a hub: a payment's, a waybill's, a payout's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NumberKey {
    pub kind: NumberKind,
    pub no: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberKind {
    Payment,
    Waybill,
    Payout,
    PayoutFile,
}

impl NumberKind {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Waybill => "waybill",
            Self::Payout => "payout",
            Self::PayoutFile => "payout-file",
        }
    }
}

impl NumberKey {
    #[must_use]
    pub fn payment(no: &str) -> Self {
        Self { kind: NumberKind::Payment, no: no.to_owned() }
    }

    /// By which the bank names a payout when it has executed it.
    #[must_use]
    pub fn payout(id: &Id<Payout>) -> Self {
        Self { kind: NumberKind::Payout, no: id.to_string() }
    }

    /// A file of payouts, by the number that whoever asked for it chose.
    #[must_use]
    pub fn payout_file(no: &DocumentNo) -> Self {
        Self { kind: NumberKind::PayoutFile, no: no.to_string() }
    }

    #[must_use]
    pub fn waybill(no: &str) -> Self {
        Self { kind: NumberKind::Waybill, no: no.to_owned() }
    }
}

impl fmt::Display for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.code(), self.no)
    }
}

/// What one person has bought under a yearly limit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuotaKey {
    pub person: PersonTag,
    pub year: i16,
}

impl fmt::Display for QuotaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.person, self.year)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub key: QuotaKey,
    pub used: Money,
}
