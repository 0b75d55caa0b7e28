//! Rule packs: the dated rules of one territory as tested data.
//!
//! A pack is a handful of TOML files (`rulebooks/<territory>/*.toml`, format in
//! `docs/rulebooks.md`). Loading parses every rule into a typed one, builds the indexes and works
//! every example; a pack with one wrong field or one failing example does not load, and the errors
//! name file, rule and field. The digest over all files pins what was used: the same facts, legal
//! date and digest give the same answer for ever.

mod builtin;
mod charge;
mod check;
mod conditions;
mod diff;
mod draft;
mod duty_rate;
mod examples;
mod facts;
mod goods;
mod hs_set;
mod in_use;
mod lane;
mod load;
mod match_rules;
mod note;
mod pack;
mod pins;
mod plan;
mod pre_alert;
mod preference;
mod reader;
mod returns;
mod schema;
mod stock_moves;
mod table;
mod tariff;
mod tax;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codes::{Country, HsCode};
use crate::money::Currency;
use crate::time::Days;

#[cfg(test)]
pub(crate) use builtin::test_books;
pub use builtin::{Rulebooks, builtin, builtin_folders};
pub use charge::{
    Base, ChargeKind, ChargeRule, Collected, FlatPer, Kinds, Levy, Liable, RateFrom, Relief, Scope, Threshold, When,
};
pub use check::{ENDS_SOON, EXAMPLES_LEAST, Ending, PackReport, PackWarning, check};
pub use conditions::{Basis, Buyer, Case, Compare, Conditions, Mode, ValueTest};
pub use diff::{Felt, FieldChange, RuleChange, Turn, between, between_days, between_packs};
pub use draft::{Amended, DRAFT_FILE, amend};
pub use duty_rate::{DutyRate, Levied, Measure, RateError, RateFault, RateRefusal};
pub use facts::{RuleFacts, facts};
pub use goods::{
    DataField, DataRule, DescriptionFault, DescriptionRule, PermitKind, PermitRule, Restriction, RestrictionState,
};
pub use hs_set::{HsNumber, HsSet, Within};
pub use in_use::{MARK as PACKS_MARK, PackInUse, PacksInUse, UsePacks, UsePacksRefusal, from_mark};
pub use lane::{Fee, FeeSide, FxSample, Lane};
pub(crate) use load::{report_overlaps, rule_info, words};
pub use match_rules::{Allowed, Channel, Mender, RiskRule, Tolerance, TradeField};
pub use note::{NoteFault, PackNote, Vouched};
pub use pack::{Folder, Pack, PackFiles, PackName, SIGNATURE_FILE, read_folder};
pub use pins::{PinFault, Pins, Standing, admit, all_there, note_of};
pub use plan::{NoPlan, Planned};
pub use pre_alert::{ListBar, ParcelFacts, PreAlertRule};
pub use preference::Preference;
pub(crate) use reader::{Errors, Fields, knowledge, listed, one_file, one_file_into, single};
pub use reader::{Fact, PackError, Problem};
pub use returns::{ClaimTerm, HomeAnswer, ReturnMatter, ReturnRule, ReturnTerms, TaxAnswer};
pub use schema::schema;
pub use stock_moves::{CustomsForm, CustomsState, StockMoveRule};
pub use table::{Found, RateTable};
pub use tariff::{ConsumptionTax, ContentTest, Per, PositiveList, Tariff, TariffRow};
pub use tax::{Deposit, ExchangeRule, Limit, LimitScope, OverLimit, TaxBase, Treatment};

/// How well a rule is known. The order is from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knowledge {
    /// The authority's own text, or a copy that can be relied on. Used.
    Sourced,
    /// A weak source, or general knowledge. Used and marked in a sandbox; in production refused
    /// until the operator has accepted the rule by its id.
    Unverified,
    /// Nobody could say. Refused.
    Unknown,
}

impl Knowledge {
    pub const ALL: [Self; 3] = [Self::Sourced, Self::Unverified, Self::Unknown];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sourced => "sourced",
            Self::Unverified => "unverified",
            Self::Unknown => "unknown",
        }
    }
}

/// What kind of source a rule has; its [`Knowledge`] follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    Official,
    Secondary,
    /// The hub operator's own decision: a fee, a risk share, a tolerance.
    Operator,
    Weak,
    GeneralKnowledge,
    NotFound,
}

impl Confidence {
    pub const ALL: [(&'static str, Self); 6] = [
        ("official", Self::Official),
        ("secondary", Self::Secondary),
        ("operator", Self::Operator),
        ("weak", Self::Weak),
        ("general-knowledge", Self::GeneralKnowledge),
        ("not-found", Self::NotFound),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, of)| *of == self).map_or("", |(code, _)| code)
    }

    #[must_use]
    pub const fn knowledge(self) -> Knowledge {
        match self {
            Self::Official | Self::Secondary | Self::Operator => Knowledge::Sourced,
            Self::Weak | Self::GeneralKnowledge => Knowledge::Unverified,
            Self::NotFound => Knowledge::Unknown,
        }
    }
}

/// Whether unverified rules may be used: freely in a sandbox, by acceptance in production.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stance", rename_all = "kebab-case")]
pub enum Stance {
    Sandbox,
    /// `accepted` holds the ids of the unverified rules that the operator answers for.
    Production {
        accepted: BTreeSet<String>,
    },
}

impl Stance {
    /// Whether a rule of this state of knowledge may be used. An unknown one never.
    #[must_use]
    pub fn allows(&self, rule: &RuleInfo) -> bool {
        match (rule.knowledge, self) {
            (Knowledge::Sourced, _) | (Knowledge::Unverified, Self::Sandbox) => true,
            (Knowledge::Unverified, Self::Production { accepted }) => accepted.contains(&*rule.id),
            (Knowledge::Unknown, _) => false,
        }
    }
}

/// Under which customs regime goods move. The consumer parcel and business to business have rules today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    #[default]
    B2cParcel,
    BondedB2c,
    B2b,
    OverseasWarehouse,
    PersonalPost,
}

impl Regime {
    pub const ALL: [(&'static str, Self); 5] = [
        ("b2c-parcel", Self::B2cParcel),
        ("bonded-b2c", Self::BondedB2c),
        ("b2b", Self::B2b),
        ("overseas-warehouse", Self::OverseasWarehouse),
        ("personal-post", Self::PersonalPost),
    ];

    /// As it stands in rule packs, on cards and on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::B2cParcel => "b2c-parcel",
            Self::BondedB2c => "bonded-b2c",
            Self::B2b => "b2b",
            Self::OverseasWarehouse => "overseas-warehouse",
            Self::PersonalPost => "personal-post",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Import,
    Export,
}

impl Direction {
    const ALL: [(&'static str, Self); 2] = [("import", Self::Import), ("export", Self::Export)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Export => "export",
        }
    }
}

/// The id of a rule, `cn.cbec.single-limit`: the pack's prefix, then words joined by `.` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(Arc<str>);

impl From<&str> for RuleId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for RuleId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text of the pack in the three languages of the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub en: String,
    pub ms: String,
    pub zh: String,
}

/// What kind of rule an id names: the name of its list in the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    Limit,
    TaxBase,
    Charge,
    PositiveList,
    Tariff,
    ConsumptionTax,
    Assumption,
    Restriction,
    Risk,
    Tolerance,
    Description,
    Data,
    Term,
    StockMove,
    PreAlert,
    Return,
    RateCard,
    Fee,
    Fx,
    Relief,
    RateTable,
    Preference,
    Exchange,
    Deposit,
    /// Of a way of transport: for which goods a fact is asked.
    Ask,
    /// Of a way of transport: how a kind of battery goes.
    Battery,
    /// Of a way of transport: what is told of liquids.
    Liquid,
    /// A trade agreement as a whole: its members and proofs.
    Agreement,
    /// One way for goods to originate under an agreement.
    Criterion,
}

impl RuleKind {
    /// The name of its list in a pack: `low-value-tax`.
    #[must_use]
    pub fn code(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What every rule has, whatever it rules: its name, when it holds, and how well it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    pub id: RuleId,
    pub kind: RuleKind,
    pub name: Words,
    /// A sentence for a layman, where the name does not say enough.
    pub note: Option<Words>,
    pub valid_from: Date,
    /// The last day on which it holds; none while no end is known.
    pub valid_to: Option<Date>,
    pub source: Arc<str>,
    pub confidence: Confidence,
    pub knowledge: Knowledge,
    /// The file of the pack that it stands in.
    pub file: String,
}

impl RuleInfo {
    #[must_use]
    pub fn holds_on(&self, date: Date) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|to| date <= to)
    }
}

/// The rules of one territory, loaded and proved by their examples.
#[derive(Debug)]
pub struct Rulebook {
    pub territory: Country,
    /// Where the territory is a union of states: they, whose taxes may differ.
    pub members: Vec<Country>,
    /// Whether a hub can be run by this pack: it rules matching, risk and claims too, and not prices alone.
    pub runs_a_hub: bool,
    /// The currency in which the territory taxes.
    pub currency: Currency,
    /// The zone whose civil date is the legal date, and whose calendar year the yearly limits use.
    pub zone: TimeZone,
    pub name: Words,
    /// SHA-256 over all files, in lower-case hex.
    pub digest: Arc<str>,
    /// All versions by date; one at least.
    quote_validity: Vec<Term>,
    /// All versions by date; one at least.
    claim_window: Vec<Term>,
    balance_due: Vec<Term>,
    /// How long the parts of a return or a dispute may take.
    claim_terms: Vec<(ClaimTerm, Term)>,
    pub returns: Vec<ReturnRule>,
    pub limits: Vec<Limit>,
    pub reliefs: Vec<Relief>,
    pub deposits: Vec<Deposit>,
    pub bases: Vec<TaxBase>,
    pub charges: Vec<ChargeRule>,
    pub tables: Vec<RateTable>,
    pub preferences: Vec<Preference>,
    pub exchange: Vec<ExchangeRule>,
    pub lists: Vec<PositiveList>,
    pub tariff: Tariff,
    pub restrictions: Vec<Restriction>,
    pub risks: Vec<RiskRule>,
    pub descriptions: Vec<DescriptionRule>,
    pub data: Vec<DataRule>,
    pub stock_moves: Vec<StockMoveRule>,
    pub pre_alerts: Vec<PreAlertRule>,
    tolerances: Vec<Tolerance>,
    plans: Vec<plan::Plan>,
    rules: RuleIndex,
    files: Vec<(String, String)>,
}

/// A length of time that a rule gives.
#[derive(Clone, Debug)]
pub struct Term {
    pub info: Arc<RuleInfo>,
    pub days: Days,
}

type RuleIndex = BTreeMap<RuleId, Vec<Arc<RuleInfo>>>;

/// The versions of each rule by date.
fn index_of(rules: impl Iterator<Item = Arc<RuleInfo>>) -> RuleIndex {
    let mut index = RuleIndex::new();
    for info in rules {
        index.entry(info.id.clone()).or_default().push(info);
    }
    index.values_mut().for_each(|versions| versions.sort_by_key(|info| info.valid_from));
    index
}

impl Rulebook {
    /// Loads a pack from its files, `(name, contents)`, and works every example.
    ///
    /// # Errors
    /// All that is wrong, each with file, rule and field. Examples are worked only in a pack that
    /// is otherwise whole.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<PackError>> {
        load::rulebook(files)
    }

    /// The newest version of a rule.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.rules.get(id)?.last().map(|info| &**info)
    }

    /// The version of a rule that holds on `date`.
    #[must_use]
    pub fn rule_on(&self, id: &str, date: Date) -> Option<&RuleInfo> {
        self.rules.get(id)?.iter().find(|info| info.holds_on(date)).map(|info| &**info)
    }

    /// Every rule and version, by id, then by date.
    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.rules.values().flatten().map(|info| &**info)
    }

    /// The files as loaded, by name: what the digest is over, and what a hub keeps for ever.
    #[must_use]
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// How long a quote of this day binds.
    #[must_use]
    pub fn quote_validity(&self, date: Date) -> &Term {
        standing(&self.quote_validity, date)
    }

    /// How long a buyer of goods that were delivered on this day may claim.
    #[must_use]
    pub fn claim_window(&self, date: Date) -> &Term {
        standing(&self.claim_window, date)
    }

    /// The shortest that any goods have or had.
    #[must_use]
    pub fn shortest_claim_window(&self) -> Days {
        self.claim_window.iter().map(|term| term.days).min().unwrap_or(Days(0))
    }

    /// How long after a business order of this day its balance may be paid; none where no deposits are taken.
    #[must_use]
    pub fn balance_due(&self, date: Date) -> Option<&Term> {
        self.balance_due.iter().find(|term| term.info.holds_on(date))
    }

    /// A table of rates by its id.
    #[must_use]
    pub fn table(&self, id: &str, date: Date) -> Option<&RateTable> {
        self.tables.iter().find(|table| *table.info.id == *id && table.info.holds_on(date))
    }

    /// A preference by its id.
    #[must_use]
    pub fn preference(&self, id: &str, date: Date) -> Option<&Preference> {
        self.preferences.iter().find(|preference| *preference.info.id == *id && preference.info.holds_on(date))
    }

    /// The list that admits a code under a regime, the best known first.
    #[must_use]
    pub fn list(&self, regime: Regime, hs: &HsCode, date: Date) -> Option<&PositiveList> {
        let admits = |list: &&PositiveList| list.regime == regime && list.info.holds_on(date) && list.has(hs);
        self.lists.iter().filter(admits).min_by_key(|list| list.info.knowledge)
    }

    /// What part of the total a buyer may pay with the order under a regime; none: all of it.
    #[must_use]
    pub fn deposit(&self, regime: Regime, date: Date) -> Option<&Deposit> {
        self.deposits.iter().find(|deposit| deposit.regime == regime && deposit.info.holds_on(date))
    }

    /// By how much two documents may differ in `field`. Every pack that runs a hub rules every field.
    #[must_use]
    pub fn tolerance(&self, field: TradeField) -> &Tolerance {
        self.tolerances
            .iter()
            .find(|tolerance| tolerance.field == field)
            .expect("a hub is not opened on a pack without a tolerance for each field")
    }
}

/// The version of a term that a hub cannot be without: the one that holds, or where a pack leaves days
/// without any, the last before them, or else the first.
fn standing(versions: &[Term], date: Date) -> &Term {
    let begun = versions.iter().rev().find(|term| term.info.valid_from <= date);
    begun.or(versions.first()).expect("a pack without this term does not load")
}

/// SHA-256 over the files in order of name: for each its name, a zero byte, the length of its
/// contents as eight bytes (big end first), and the contents with line ends as `\n`.
pub(crate) fn digest(files: &[(String, String)]) -> Arc<str> {
    let mut hash = Sha256::new();
    for (name, contents) in files {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(u64::try_from(contents.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(contents.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests;
