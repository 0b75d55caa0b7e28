//! What the law gives back when goods go back: import tax and yearly quota, duty-free re-import,
//! and whether tax follows a price that is lowered later.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use super::load::Common;
use super::reader::Fields;
use super::{Knowledge, RuleInfo, Rulebook, Stance, Term};
use crate::codes::HsCode;
use crate::time::Days;

/// How long the parts of a claim may take. All are the operator's own decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimTerm {
    /// Within which the seller's side answers a return; silence is agreement.
    ReturnAnswer,
    /// Within which the buyer hands the goods in, once agreed.
    ReturnHandIn,
    /// Within which the seller's side answers a dispute.
    DisputeAnswer,
    /// Within which the operator decides an answered dispute.
    DisputeDecision,
}

impl ClaimTerm {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("return-answer", Self::ReturnAnswer),
        ("return-hand-in", Self::ReturnHandIn),
        ("dispute-answer", Self::DisputeAnswer),
        ("dispute-decision", Self::DisputeDecision),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, term)| *term == self).map_or("", |(code, _)| code)
    }
}

/// What a rule on returned goods rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnMatter {
    /// Import tax of goods that leave again.
    ImportTax,
    /// Duty on goods that come home.
    ReImport,
    /// Import tax where the price is lowered and the goods stay.
    PriceReduction,
}

impl ReturnMatter {
    const ALL: [(&'static str, Self); 3] =
        [("import-tax", Self::ImportTax), ("re-import", Self::ReImport), ("price-reduction", Self::PriceReduction)];
}

/// Under which conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnTerms {
    /// Nobody could say.
    Unknown,
    /// Asked for within `apply` of the release and back in the zone within `back` of it: not levied.
    ImportTax { apply: Days, back: Days, restores_quota: bool },
    /// Exported from `from` to `to`, back within `months` in the original state: no duty and no tax,
    /// but for goods of the HS chapters `except`.
    ReImport { months: i64, from: Date, to: Date, except: Vec<String> },
    /// Whether tax is worked out on the lowered price.
    PriceReduction { tax_follows: bool },
}

/// A rule on goods that go back.
#[derive(Clone, Debug)]
pub struct ReturnRule {
    pub info: Arc<RuleInfo>,
    pub matter: ReturnMatter,
    pub terms: ReturnTerms,
}

/// What the rules say of a claim for tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaxAnswer {
    GivenBack,
    /// Nobody could say what the law is; what is not known is not given.
    Unknown,
    AskedLate,
    BackLate,
}

/// What the rules say of goods that come home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HomeAnswer {
    Free,
    /// The officer decides: nobody could say what the law is.
    Unknown,
    Late,
    /// Exported on a day for which the rule does not hold.
    ExportedOutside,
    /// Goods that the rule leaves out, such as food.
    Excepted,
}

impl ReturnRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let matter = f.one_of("matter", &ReturnMatter::ALL)?;
        let info = common.info.clone();
        let terms = match matter {
            _ if info.knowledge == Knowledge::Unknown => ReturnTerms::Unknown,
            ReturnMatter::ImportTax => {
                let apply = f.integer("apply-days", 1, 3_660);
                let back = f.integer("back-days", 1, 3_660);
                let restores_quota = f.flag("restores-quota");
                ReturnTerms::ImportTax { apply: Days(apply?), back: Days(back?), restores_quota: restores_quota? }
            }
            ReturnMatter::ReImport => {
                let months = f.integer("months", 1, 120);
                let (from, to) = (f.date("exported-from"), f.date("exported-to"));
                let except = f.texts("except-chapters");
                ReturnTerms::ReImport { months: months?, from: from?, to: to?, except }
            }
            ReturnMatter::PriceReduction => ReturnTerms::PriceReduction { tax_follows: f.flag("tax-follows")? },
        };
        Some(Self { info, matter, terms })
    }

    /// Whether import tax is given back, by the days of the office that decides.
    #[must_use]
    pub fn tax(&self, released: Date, asked: Date, back: Date) -> TaxAnswer {
        let ReturnTerms::ImportTax { apply, back: within, .. } = &self.terms else { return TaxAnswer::Unknown };
        let by = |days: Days| released.checked_add(days.0.days()).unwrap_or(Date::MAX);
        if asked > by(*apply) {
            TaxAnswer::AskedLate
        } else if back > by(*within) {
            TaxAnswer::BackLate
        } else {
            TaxAnswer::GivenBack
        }
    }

    /// Whether the yearly limit is restored with the tax.
    #[must_use]
    pub const fn restores_quota(&self) -> bool {
        matches!(self.terms, ReturnTerms::ImportTax { restores_quota: true, .. })
    }

    /// Whether goods come home free of duty, if they are in their original state.
    #[must_use]
    pub fn home(&self, exported: Date, back: Date, hs: &[HsCode]) -> HomeAnswer {
        let ReturnTerms::ReImport { months, from, to, except } = &self.terms else { return HomeAnswer::Unknown };
        let until = exported.checked_add(Span::new().months(*months)).unwrap_or(Date::MAX);
        if exported < *from || exported > *to {
            HomeAnswer::ExportedOutside
        } else if hs.iter().any(|code| except.iter().any(|chapter| code.chapter() == chapter)) {
            HomeAnswer::Excepted
        } else if back > until {
            HomeAnswer::Late
        } else {
            HomeAnswer::Free
        }
    }
}

impl Rulebook {
    /// The rule on a matter of returned goods that holds on a day.
    #[must_use]
    pub fn return_rule(&self, matter: ReturnMatter, date: Date) -> Option<&ReturnRule> {
        self.returns.iter().find(|rule| rule.matter == matter && rule.info.holds_on(date))
    }

    /// The same where it may be used at all; a rule that nobody answers for is as good as unknown.
    #[must_use]
    pub fn usable_return_rule(&self, matter: ReturnMatter, date: Date, stance: &Stance) -> Option<&ReturnRule> {
        self.return_rule(matter, date).filter(|rule| stance.allows(&rule.info))
    }

    /// How long a part of a claim may take; none where the pack does not say.
    #[must_use]
    pub fn claim_term(&self, which: ClaimTerm, date: Date) -> Option<&Term> {
        let holds = |(of, term): &&(ClaimTerm, Term)| *of == which && term.info.holds_on(date);
        self.claim_terms.iter().find(holds).map(|(_, term)| term)
    }
}
