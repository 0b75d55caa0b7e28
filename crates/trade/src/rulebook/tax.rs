//! Limits, the base of taxation, and the formulas of tax.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::conditions::{Basis, Compare};
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Regime, RuleInfo};
use crate::money::{Currency, Money, Rate};

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
        let basis = f.one_of("basis", &Basis::ALL);
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

/// What is taxed under a regime: the goods alone, or the goods with their freight.
#[derive(Clone, Debug)]
pub struct TaxBase {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub basis: Basis,
}

impl TaxBase {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let basis = f.one_of("basis", &Basis::ALL);
        Some(Self { info: common.info.clone(), regime: regime?, basis: basis? })
    }
}

/// How an order is taxed: as one within the limit, or as one piece over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    WithinLimits,
    OverSingleLimitInFull,
}

impl Treatment {
    pub(super) const ALL: [(&'static str, Self); 2] =
        [("within-limits", Self::WithinLimits), ("over-single-limit-in-full", Self::OverSingleLimitInFull)];
}

/// By which formula the import taxes of a line are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaxFormula {
    /// No duty; base × (CT + VAT) / (1 − CT) × `share`, rounded once.
    Composite { share: Rate },
    /// Duty, then consumption tax inside its own base, then VAT on all three; each rounded once.
    Full,
}

/// The formula for one treatment under one regime.
#[derive(Clone, Debug)]
pub struct TaxRule {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub treatment: Treatment,
    pub formula: TaxFormula,
}

impl TaxRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let treatment = f.one_of("treatment", &Treatment::ALL);
        let formula = match f.one_of("formula", &[("composite", true), ("full", false)])? {
            true => TaxFormula::Composite { share: f.percent("share")? },
            false => TaxFormula::Full,
        };
        Some(Self { info: common.info.clone(), regime: regime?, treatment: treatment?, formula })
    }
}
