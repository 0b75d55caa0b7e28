//! Trade agreements as data: members, criteria with their examples, and what proves origin.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::{Bill, Costs, Material, OriginFacts, qualifies};
use crate::codes::{Country, HsCode};
use crate::money::{Currency, Money, Rate};
use crate::quantity::Grams;
use crate::rulebook::{
    Confidence, Errors, Fields, Knowledge, PackError, Problem, RuleId, RuleInfo, RuleKind, Words, digest, knowledge,
    listed, one_file, one_file_into, single, words,
};

/// An agreement by its name in the packs, `acfta`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgreementId(String);

impl AgreementId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgreementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AgreementId {
    type Err = String;

    /// Up to 20 small letters, digits and hyphens.
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 20 || !text.bytes().all(allowed) {
            return Err(text.chars().take(20).collect());
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for AgreementId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<AgreementId> for String {
    fn from(id: AgreementId) -> Self {
        id.0
    }
}

/// One agreement, loaded and proved by its examples.
#[derive(Clone, Debug)]
pub struct Agreement {
    pub id: AgreementId,
    /// `ACFTA`.
    pub short: String,
    pub name: Words,
    pub valid_from: Date,
    pub valid_to: Option<Date>,
    pub source: String,
    pub confidence: Confidence,
    pub knowledge: Knowledge,
    /// Which certificate is made out.
    pub form: Form,
    known: Vec<Country>,
    other: Vec<Country>,
    pub proofs: Vec<ProofKind>,
    /// In the order in which they are tried.
    pub criteria: Vec<Criterion>,
    /// There are rules for single lines of the tariff that are not in the pack.
    pub has_unread_product_rules: bool,
    /// SHA-256 over its file, in lower-case hex.
    pub digest: Arc<str>,
    /// As loaded, by name: what the digest is over.
    pub files: Vec<(String, String)>,
}

/// The certificates that can be made out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    FormE,
    Rcep,
}

impl Form {
    const ALL: [(&'static str, Self); 2] = [("form-e", Self::FormE), ("rcep", Self::Rcep)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FormE => "form-e",
            Self::Rcep => "rcep",
        }
    }
}

/// A paper that proves origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofKind {
    pub code: String,
    pub name: Words,
}

/// One way for goods to originate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// `acfta.regional-value`.
    pub id: String,
    /// For the box of the certificate: `RVC`.
    pub code: String,
    pub name: Words,
    pub test: Test,
    pub source: String,
    pub confidence: Confidence,
    pub knowledge: Knowledge,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    WhollyObtained,
    ExclusivelyOriginating,
    /// At least so much of the FOB price, counted by one of the methods.
    RegionalValue {
        threshold: Rate,
        methods: Vec<Method>,
    },
    /// Materials from outside have another heading, but for so much of the FOB price, or in some
    /// chapters of the weight.
    ChangeOfHeading {
        tolerance: Rate,
        weight_chapters: Vec<String>,
    },
}

impl Criterion {
    /// Whether it counts the share of the price that was added inside the area.
    #[must_use]
    pub const fn is_by_value(&self) -> bool {
        matches!(self.test, Test::RegionalValue { .. })
    }
}

/// How the regional value is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    BuildDown,
    BuildUp,
}

impl Method {
    const ALL: [(&'static str, Self); 2] = [("build-down", Self::BuildDown), ("build-up", Self::BuildUp)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BuildDown => "build-down",
            Self::BuildUp => "build-up",
        }
    }
}

impl Agreement {
    /// Reads an agreement and works its examples.
    ///
    /// # Errors
    /// All that is wrong, each with rule and field.
    pub fn load(file: &str, text: &str) -> Result<Self, Vec<PackError>> {
        one_file(file, text, read)
    }

    pub(crate) fn load_into(file: &str, text: &str, errors: &Errors) -> Option<Self> {
        one_file_into(file, text, errors, read)
    }

    /// The agreement and each of its criteria as a rule; all hold as long as it does.
    pub fn rules(&self) -> impl Iterator<Item = Arc<RuleInfo>> {
        let file = self.files.first().map_or("", |(file, _)| file);
        let rule = move |id: &str, kind, name: &Words, source: &str, confidence, knowledge| {
            Arc::new(RuleInfo {
                id: RuleId::from(id),
                kind,
                name: name.clone(),
                note: None,
                valid_from: self.valid_from,
                valid_to: self.valid_to,
                source: source.into(),
                confidence,
                knowledge,
                file: file.to_owned(),
            })
        };
        let own =
            rule(self.id.as_str(), RuleKind::Agreement, &self.name, &self.source, self.confidence, self.knowledge);
        let criteria = self.criteria.iter().map(move |criterion| {
            let Criterion { id, name, source, confidence, knowledge, .. } = criterion;
            rule(id, RuleKind::Criterion, name, source, *confidence, *knowledge)
        });
        std::iter::once(own).chain(criteria)
    }

    #[must_use]
    pub fn is_member(&self, country: Country) -> bool {
        self.is_known_member(country) || self.other.contains(&country)
    }

    /// A member by a source that was read.
    #[must_use]
    pub fn is_known_member(&self, country: Country) -> bool {
        self.known.contains(&country)
    }

    pub fn members(&self) -> impl Iterator<Item = Country> {
        self.known.iter().chain(&self.other).copied()
    }

    #[must_use]
    pub fn holds_on(&self, date: Date) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|to| date <= to)
    }

    #[must_use]
    pub fn criterion(&self, code: &str) -> Option<&Criterion> {
        self.criteria.iter().find(|criterion| criterion.code == code)
    }
}

fn countries(f: &mut Fields<'_>, key: &str) -> Vec<Country> {
    let mut found = Vec::new();
    for got in f.texts(key) {
        match got.parse::<Country>() {
            Ok(country) if found.contains(&country) => f.error(key, Problem::Duplicate { got }),
            Ok(country) => found.push(country),
            Err(_) => f.error(key, Problem::NotACode { got }),
        }
    }
    found
}

fn read(file: &str, mut table: Table, text: &str, errors: &Errors) -> Option<Agreement> {
    let [head, proofs, criteria] = ["agreement", "proof", "criterion"].map(|key| table.remove(key));
    for key in table.keys() {
        errors.push(file, "", key, Problem::UnknownField);
    }
    let mut head = single(file, "agreement", head, errors)?;
    let id = head.parsed::<AgreementId>("id");
    let short = head.text("short");
    let name = words(&mut head, "name");
    let valid_from = head.date("valid-from");
    let valid_to = head.optional("valid-to", Fields::date);
    let source = head.text("source");
    let known_as = knowledge(&mut head, &Knowledge::ALL);
    let form = head.one_of("form", &Form::ALL);
    let has_unread_product_rules = head.one_of("product-rules", &[("not-found", true), ("none", false)]);
    let mut members = head.table("members")?;
    let (known, other) = (countries(&mut members, "known"), countries(&mut members, "other"));
    if known.len() + other.len() < 2 {
        members.error("known", Problem::Missing);
    }
    members.finish();
    head.finish();
    let proofs: Vec<ProofKind> = listed(file, "proof", proofs, errors)
        .into_iter()
        .filter_map(|mut f| {
            let (code, name) = (f.text("code"), words(&mut f, "name"));
            f.finish();
            Some(ProofKind { code: code?, name: name? })
        })
        .collect();
    if proofs.is_empty() {
        errors.push(file, "proof", "", Problem::Missing);
    }
    let id = id?;
    let mut examples = Vec::new();
    let mut read = Vec::new();
    for mut f in listed(file, "criterion", criteria, errors) {
        let own = f.tables("example");
        let criterion = read_criterion(&mut f, &id);
        if own.is_empty() {
            f.error("example", Problem::NoExample);
        }
        f.finish();
        let Some(criterion) = criterion else { continue };
        examples.extend((1..).zip(own).map(|(number, example)| (criterion.id.clone(), number, example)));
        read.push(criterion);
    }
    if read.is_empty() {
        errors.push(file, "criterion", "", Problem::Missing);
    }
    let (confidence, knowledge) = known_as?;
    let agreement = Agreement {
        id,
        short: short?,
        name: name?,
        valid_from: valid_from?,
        valid_to,
        source: source?,
        confidence,
        knowledge,
        form: form?,
        known,
        other,
        proofs,
        criteria: read,
        has_unread_product_rules: has_unread_product_rules?,
        digest: digest(&[(file.to_owned(), text.to_owned())]),
        files: vec![(file.to_owned(), text.to_owned())],
    };
    if errors.is_empty() {
        for (rule, number, example) in examples {
            work(&rule, number, example, &agreement);
        }
    }
    Some(agreement)
}

fn read_criterion(f: &mut Fields<'_>, agreement: &AgreementId) -> Option<Criterion> {
    let id = f.text("id");
    if let Some(id) = &id {
        f.rule.clone_from(id);
        if id.strip_prefix(agreement.as_str()).is_none_or(|rest| !rest.starts_with('.')) {
            f.error("id", Problem::NotACode { got: id.clone() });
        }
    }
    let code = f.text("code");
    let name = words(f, "name");
    let source = f.text("source");
    let known_as = knowledge(f, &Knowledge::ALL);
    let tests = ["wholly-obtained", "exclusively-originating", "regional-value", "change-of-heading"].map(|t| (t, t));
    let test = match f.one_of("test", &tests)? {
        "wholly-obtained" => Test::WhollyObtained,
        "exclusively-originating" => Test::ExclusivelyOriginating,
        "regional-value" => {
            let threshold = f.percent("threshold");
            let methods = f.many_of("methods", &Method::ALL);
            if methods.is_empty() {
                f.error("methods", Problem::Missing);
            }
            Test::RegionalValue { threshold: threshold?, methods }
        }
        _ => {
            let tolerance = f.percent("tolerance");
            let weight_chapters = f.texts("weight-chapters");
            for got in &weight_chapters {
                if got.len() != 2 || !got.bytes().all(|b| b.is_ascii_digit()) {
                    f.error("weight-chapters", Problem::NotACode { got: got.clone() });
                }
            }
            Test::ChangeOfHeading { tolerance: tolerance?, weight_chapters }
        }
    };
    let (confidence, knowledge) = known_as?;
    Some(Criterion { id: id?, code: code?, name: name?, test, source: source?, confidence, knowledge })
}

/// Works one example: goods made in a member (the first, where none is named), to the criterion by which
/// they originate, or to none.
fn work(rule: &str, number: usize, mut f: Fields<'_>, agreement: &Agreement) {
    rule.clone_into(&mut f.rule);
    let hs = f.optional("hs", Fields::parsed::<HsCode>);
    let made_in = f.optional("origin", Fields::parsed::<Country>).or_else(|| agreement.members().next());
    let weight = f.optional("grams", |f, key| f.integer(key, 1, i64::MAX)).map(Grams);
    let fob = f.amount("fob", Currency::USD);
    let wholly_obtained = f.optional("wholly-obtained", Fields::flag).unwrap_or_default();
    let mut materials = Vec::new();
    for mut material in f.tables("materials") {
        materials.extend(example_material(&mut material, agreement));
        material.finish();
    }
    let mut cost = |key: &str| f.optional(key, |f, key| f.amount(key, Currency::USD));
    let costs =
        Costs { labour: cost("labour"), overhead: cost("overhead"), profit: cost("profit"), other: cost("other") };
    let expect = f.text("expect");
    let shares = ["build-down", "build-up"].map(|key| f.optional(key, Fields::percent));
    let (Some(fob), Some(expect)) = (fob, expect) else { return f.finish() };
    let bill = Bill { fob, wholly_obtained, materials, costs };
    let fails = |expected: &str, got: String| Problem::ExampleFails { number, expected: expected.to_owned(), got };
    match qualifies(agreement, &OriginFacts { hs: hs.as_ref(), made_in, weight, bill: &bill }) {
        Err(error) => f.error("example", fails(&expect, error.to_string())),
        Ok(origin) => {
            let got = origin.criterion.clone().unwrap_or_else(|| "none".to_owned());
            if got != expect {
                f.error("example", fails(&expect, got));
            }
            for (wanted, got) in shares.into_iter().zip([origin.value.build_down, origin.value.build_up]) {
                if let Some(wanted) = wanted.filter(|wanted| *wanted != got) {
                    f.error("example", fails(&wanted.percent_text(), got.percent_text()));
                }
            }
        }
    }
    f.finish();
}

fn example_material(f: &mut Fields<'_>, agreement: &Agreement) -> Option<Material> {
    let hs = f.optional("hs", Fields::parsed::<HsCode>);
    let value = f.amount("value", Currency::USD);
    let origin = f.optional("origin", Fields::parsed::<Country>);
    let weight = f.optional("grams", |f, key| f.integer(key, 1, i64::MAX)).map(Grams);
    let proved = f.optional("proved", Fields::flag).unwrap_or_default();
    let proved = if proved { vec![agreement.id.clone()] } else { Vec::new() };
    Some(Material { description: String::new(), quantity: None, hs, value: value?, origin, weight, proved })
}

/// An amount that a rule speaks of is shown in the bill's currency alone.
impl Bill {
    /// Whether all amounts are of the currency of the FOB price; the first that is not, if any.
    #[must_use]
    pub fn stray(&self) -> Option<Money> {
        let currency = self.fob.currency();
        let all = self.materials.iter().map(|material| material.value).chain(self.costs.all());
        all.into_iter().find(|amount| amount.currency() != currency)
    }
}
