//! Limits, the base of taxation, and the formulas of tax.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::conditions::{Basis, Compare, hs_prefixes};
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Regime, RuleInfo};
use crate::codes::HsCode;
use crate::money::{Currency, Money, MoneyError, Rate};

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

/// Up to which value of a parcel the border takes nothing, whatever it holds but some goods.
#[derive(Clone, Debug)]
pub struct Relief {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub basis: Basis,
    /// How a value that is relieved compares with `amount`.
    pub compare: Compare,
    pub amount: Money,
    /// HS chapters and headings that are never relieved.
    pub hs_out: Vec<String>,
}

impl Relief {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let basis = f.one_of("basis", &Basis::ALL);
        let compare = f.one_of("compare", &[("at-most", Compare::AtMost), ("less-than", Compare::LessThan)]);
        let amount = f.amount("amount", currency);
        let hs_out = hs_prefixes(f, "hs-out");
        Some(Self {
            info: common.info.clone(),
            regime: regime?,
            basis: basis?,
            compare: compare?,
            amount: amount?,
            hs_out,
        })
    }

    /// Whether goods of a code in a parcel of this value are relieved. The currencies are the pack's.
    #[must_use]
    pub fn covers(&self, hs: &HsCode, value: Money) -> bool {
        self.compare.holds(value.minor().cmp(&self.amount.minor())) && !self.excludes(hs)
    }

    #[must_use]
    pub fn excludes(&self, hs: &HsCode) -> bool {
        self.hs_out.iter().any(|prefix| hs.is_under(prefix))
    }
}

/// A tax that a registered marketplace takes at the sale on each item of low value, whatever the border
/// does; goods that bore it bear no sales tax at the border again.
#[derive(Clone, Debug)]
pub struct LowValueTax {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub rate: Rate,
    /// The dearest piece that is of low value.
    pub piece_at_most: Money,
    /// HS chapters and headings that do not bear it.
    pub hs_out: Vec<String>,
    /// By which the marketplace is known to customs; it goes with the parcel.
    pub registration: Arc<str>,
}

impl LowValueTax {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let rate = f.percent("rate");
        let piece_at_most = f.amount("piece-at-most", currency);
        let hs_out = hs_prefixes(f, "hs-out");
        let registration = f.text("registration");
        Some(Self {
            info: common.info.clone(),
            regime: regime?,
            rate: rate?,
            piece_at_most: piece_at_most?,
            hs_out,
            registration: registration?.into(),
        })
    }

    /// Whether pieces of a code that cost this together bear it. Compared by products, so nothing is rounded.
    #[must_use]
    pub fn bears(&self, hs: &HsCode, pieces: i64, value: Money) -> bool {
        let most = i128::from(self.piece_at_most.minor()) * i128::from(pieces);
        i128::from(value.minor()) <= most && !self.hs_out.iter().any(|prefix| hs.is_under(prefix))
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

/// How an order is taxed: as one within the limit, as one piece over it, as one that the border
/// relieves, or in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    WithinLimits,
    OverSingleLimitInFull,
    /// Its value is within the relief of the border, and no goods in it are excluded from that.
    Relief,
    /// Some goods in it, or all, bear every tax.
    Full,
}

impl Treatment {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("within-limits", Self::WithinLimits),
        ("over-single-limit-in-full", Self::OverSingleLimitInFull),
        ("relief", Self::Relief),
        ("full", Self::Full),
    ];
}

/// By which formula the import taxes of a line are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaxFormula {
    /// No duty; base × (CT + VAT) / (1 − CT) × `share`, rounded once.
    Composite { share: Rate },
    /// Duty, then consumption tax inside its own base, then VAT on all three; each rounded once.
    Full,
    /// Nothing at the border.
    Relief,
    /// Duty, then sales tax on base and duty; each rounded once.
    DutyAndSalesTax,
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
        let formulas = [
            ("composite", TaxFormula::Composite { share: Rate::ONE }),
            ("full", TaxFormula::Full),
            ("relief", TaxFormula::Relief),
            ("duty-and-sales-tax", TaxFormula::DutyAndSalesTax),
        ];
        let formula = match f.one_of("formula", &formulas)? {
            TaxFormula::Composite { .. } => TaxFormula::Composite { share: f.percent("share")? },
            other => other,
        };
        Some(Self { info: common.info.clone(), regime: regime?, treatment: treatment?, formula })
    }
}
