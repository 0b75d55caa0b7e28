//! Lower duties for goods that originate in a partner's territory, and what must be shown to have them.

use std::sync::Arc;

use super::charge::{countries, duty_rate};
use super::duty_rate::DutyRate;
use super::hs_set::{HsNumber, HsSet, Within};
use super::load::Common;
use super::reader::{Fields, Problem};
use super::table::{Found, RateTable};
use super::{RuleId, RuleInfo, Words};
use crate::codes::Country;

/// A preference that a territory gives.
#[derive(Clone, Debug)]
pub struct Preference {
    pub info: Arc<RuleInfo>,
    /// The agreement's short name, `ACFTA`.
    pub agreement: String,
    pub origins: Vec<Country>,
    hs_in: Option<HsSet>,
    hs_out: HsSet,
    rate: PreferenceRate,
    /// The paper that must come with the goods.
    pub proof: Words,
    /// What makes goods originate.
    pub test: Words,
}

#[derive(Clone, Debug)]
enum PreferenceRate {
    /// One rate for all goods under the conditions.
    One(DutyRate),
    Table(RuleId),
    /// No table is loaded: nobody here can say the rate.
    Unknown,
}

impl Preference {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let agreement = f.text("agreement");
        let origins = countries(f, "origin");
        if origins.is_empty() {
            f.error("origin", Problem::Missing);
        }
        let hs_in = f.has("hs-in").then(|| HsSet::read(f, "hs-in"));
        let hs_out = HsSet::read(f, "hs-out");
        let rate = if f.has("table") {
            f.text("table").map(|id| PreferenceRate::Table(RuleId::from(id.as_str())))
        } else if f.has("rate") {
            duty_rate(f, "rate").map(PreferenceRate::One)
        } else {
            Some(PreferenceRate::Unknown)
        };
        let proof = super::load::words(f, "proof");
        let test = super::load::words(f, "test");
        Some(Self {
            info: common.info.clone(),
            agreement: agreement?,
            origins,
            hs_in,
            hs_out,
            rate: rate?,
            proof: proof?,
            test: test?,
        })
    }

    /// The table that the rates stand in.
    #[must_use]
    pub fn table(&self) -> Option<&RuleId> {
        match &self.rate {
            PreferenceRate::Table(id) => Some(id),
            _ => None,
        }
    }

    /// The duty of goods of a code; what the preference does not speak of has none.
    #[must_use]
    pub fn rate<'a>(&'a self, code: HsNumber, table: impl Fn(&RuleId) -> Option<&'a RateTable>) -> Found<'a> {
        let outside = self.hs_in.as_ref().is_some_and(|set| set.within(code) != Within::Yes)
            || self.hs_out.within(code) != Within::No;
        if outside {
            return Found::Unknown;
        }
        match &self.rate {
            PreferenceRate::One(rate) => Found::Rate(rate),
            PreferenceRate::Table(id) => table(id).map_or(Found::Unknown, |table| table.of_code(code)),
            PreferenceRate::Unknown => Found::Unknown,
        }
    }
}
