//! What the match and the channel go by: tolerances and risk rules.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Direction, RuleInfo};
use crate::money::{Currency, Rate};

/// A field that the three documents and the declaration are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TradeField {
    OrderNumber,
    PaidAmount,
    Currency,
    Payer,
    GoodsValue,
    Tax,
    Freight,
    Consignee,
    WaybillNumber,
    GrossWeight,
    Pieces,
    HsCode,
    Origin,
    /// No document states it: the rules on restricted goods do, see [`crate::permit`].
    Permit,
}

impl TradeField {
    /// Those that documents state, each of which a pack rules.
    pub const ALL: [(&'static str, Self); 13] = [
        ("order-number", Self::OrderNumber),
        ("paid-amount", Self::PaidAmount),
        ("currency", Self::Currency),
        ("payer", Self::Payer),
        ("goods-value", Self::GoodsValue),
        ("tax", Self::Tax),
        ("freight", Self::Freight),
        ("consignee", Self::Consignee),
        ("waybill-number", Self::WaybillNumber),
        ("gross-weight", Self::GrossWeight),
        ("pieces", Self::Pieces),
        ("hs-code", Self::HsCode),
        ("origin", Self::Origin),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        if self == Self::Permit {
            return "permit";
        }
        Self::ALL.iter().find(|(_, field)| *field == self).map_or("", |(code, _)| code)
    }
}

/// Who must mend a field that disagrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mender {
    Seller,
    Buyer,
    Carrier,
    PaymentFirm,
    Broker,
}

impl Mender {
    const ALL: [(&'static str, Self); 5] = [
        ("seller", Self::Seller),
        ("buyer", Self::Buyer),
        ("carrier", Self::Carrier),
        ("payment-firm", Self::PaymentFirm),
        ("broker", Self::Broker),
    ];
}

/// How far a value may lie from what was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Allowed {
    Exact,
    /// This share of the declared value, up or down.
    Share {
        share: Rate,
    },
}

/// By how much one field may differ, and who mends it.
#[derive(Clone, Debug)]
pub struct Tolerance {
    pub info: Arc<RuleInfo>,
    pub field: TradeField,
    pub allowed: Allowed,
    pub mends: Mender,
}

impl Tolerance {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let field = f.one_of("field", &TradeField::ALL);
        let mends = f.one_of("mends", &Mender::ALL);
        let allowed = match f.one_of("allowed", &[("exact", true), ("share", false)])? {
            true => Allowed::Exact,
            false => Allowed::Share { share: f.percent("share")? },
        };
        // The pack as a whole is dated and pinned by its digest; a field without a tolerance on
        // some day would leave the match without an answer.
        if common.info.valid_to.is_some() {
            f.error("valid-to", Problem::UnknownField);
        }
        Some(Self { info: common.info.clone(), field: field?, allowed, mends: mends? })
    }

    /// Whether a number agrees with the declared one, in whatever unit both are counted.
    #[must_use]
    pub fn allows(&self, declared: i64, found: i64) -> bool {
        let apart = (i128::from(declared) - i128::from(found)).abs();
        match self.allowed {
            Allowed::Exact => apart == 0,
            // |declared − found| ≤ |declared| × share, without division
            Allowed::Share { share } => {
                apart * i128::from(Rate::ONE.as_nano()) <= i128::from(declared).abs() * i128::from(share.as_nano())
            }
        }
    }
}

/// What an officer's queue does with a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// Released when the documents agree.
    Green,
    /// Documents are looked at.
    Yellow,
    /// Goods are looked at.
    Red,
}

/// When a declaration leaves the green channel.
#[derive(Clone, Debug)]
pub struct RiskRule {
    pub info: Arc<RuleInfo>,
    pub direction: Direction,
    pub when: Conditions,
    /// The share of declarations drawn, of those that meet the conditions; none draws all.
    pub random: Option<Rate>,
    pub channel: Channel,
}

impl RiskRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let when = Conditions::read(f, currency);
        let [direction] = when.directions[..] else {
            f.error("direction", Problem::Missing);
            return None;
        };
        let random = f.optional("random-share", Fields::percent);
        let channel = f.one_of("channel", &[("yellow", Channel::Yellow), ("red", Channel::Red)]);
        Some(Self { info: common.info.clone(), direction, when, random, channel: channel? })
    }
}
