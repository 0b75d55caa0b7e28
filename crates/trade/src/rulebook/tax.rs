//! Limits, the base of taxation, and the formulas of tax.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::charge::{ChargeKind, Kinds};
use super::conditions::{Basis, Compare};
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Regime, RuleInfo};
use crate::money::{Currency, Fixed8, FxRate, Money, MoneyError, Rate};
use crate::time::BusinessTime;

/// Over what a limit is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitScope {
    Order,
    /// All orders of one buyer that were accepted in the calendar year of the pack's zone.
    PersonYear,
}

/// What happens to an order over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverLimit {
    Refuse,
    /// Exactly one piece passes, taxed in full; anything else is refused.
    OnePieceTaxedInFull,
}

/// A limit on what may be bought under a regime.
#[derive(Clone, Debug)]
pub struct Limit {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub scope: LimitScope,
    pub basis: Basis,
    /// How a value within the limit compares with `amount`.
    pub compare: Compare,
    pub amount: Money,
    pub over: OverLimit,
}

impl Limit {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let scope = f.one_of("scope", &[("order", LimitScope::Order), ("person-year", LimitScope::PersonYear)]);
        let basis = f.one_of("basis", &Basis::OF_ORDERS);
        let compare = f.one_of("compare", &[("at-most", Compare::AtMost), ("less-than", Compare::LessThan)]);
        let amount = f.amount("amount", currency);
        let over = f.one_of(
            "over",
            &[("refuse", OverLimit::Refuse), ("one-piece-taxed-in-full", OverLimit::OnePieceTaxedInFull)],
        );
        if scope == Some(LimitScope::PersonYear) && over == Some(OverLimit::OnePieceTaxedInFull) {
            let allowed = vec!["refuse".to_owned()];
            f.error("over", Problem::NotOneOf { got: "one-piece-taxed-in-full".into(), allowed });
        }
        Some(Self {
            info: common.info.clone(),
            regime: regime?,
            scope: scope?,
            basis: basis?,
            compare: compare?,
            amount: amount?,
            over: over?,
        })
    }

    /// Whether a value is within the limit. The currencies are the pack's.
    #[must_use]
    pub fn covers(&self, value: Money) -> bool {
        self.compare.holds(value.minor().cmp(&self.amount.minor()))
    }
}

/// What the customs value is under a regime, and which charges every line of goods must have an answer to.
#[derive(Clone, Debug)]
pub struct TaxBase {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub basis: Basis,
    /// An order with a line that no rule of such a kind fits is refused: nothing is taken for zero.
    pub answers: Kinds,
}

impl TaxBase {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let basis = f.one_of("basis", &Basis::OF_ORDERS);
        let answers = if f.has("answers") { Kinds::read(f, "answers") } else { Kinds::NONE.with(ChargeKind::Duty) };
        Some(Self { info: common.info.clone(), regime: regime?, basis: basis?, answers })
    }
}

/// By what rate an amount that a law states in another currency is counted in the territory's own.
#[derive(Clone, Debug)]
pub struct ExchangeRule {
    pub info: Arc<RuleInfo>,
    /// At mid, without a spread; its source is the rule's.
    pub rate: FxRate,
}

impl ExchangeRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, to: Currency) -> Option<Self> {
        let from = f.parsed::<Currency>("from");
        if from == Some(to) {
            f.error("from", Problem::Duplicate { got: to.code().to_owned() });
        }
        let mid = f.parsed::<Fixed8>("mid").filter(|mid| {
            if mid.0 <= 0 {
                f.error("mid", Problem::NotARate { got: mid.to_string() });
            }
            mid.0 > 0
        });
        let as_of = f.parsed::<jiff::Timestamp>("as-of");
        let source = common.info.source.to_string();
        let rate = FxRate {
            from: from?,
            to,
            mid: mid?,
            spread: Rate::ZERO,
            source,
            as_of: BusinessTime::from_micros(as_of?.as_microsecond()),
        };
        Some(Self { info: common.info.clone(), rate })
    }
}

/// What part of the total a buyer may pay with the order, and the rest later.
#[derive(Clone, Debug)]
pub struct Deposit {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub share: Rate,
}

impl Deposit {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let share = f.percent("share");
        Some(Self { info: common.info.clone(), regime: regime?, share: share? })
    }

    /// The deposit on a total, rounded once, half up.
    ///
    /// # Errors
    /// The total is too large.
    pub fn of(&self, total: Money) -> Result<Money, MoneyError> {
        total.at(self.share)
    }
}

/// How an order is treated: as one within the limit of its regime, as one piece over it, as one of which
/// the border relieves the duty, or in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    WithinLimits,
    OverSingleLimitInFull,
    /// No duty at the border on any goods in it.
    Relief,
    /// Some goods in it, or all, bear duty.
    Full,
}

impl Treatment {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("within-limits", Self::WithinLimits),
        ("over-single-limit-in-full", Self::OverSingleLimitInFull),
        ("relief", Self::Relief),
        ("full", Self::Full),
    ];
}
