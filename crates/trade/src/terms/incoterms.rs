//! Incoterms 2020 as a table of data: who does, pays and risks what under each rule.
//!
//! The table is `rulebooks/terms/incoterms.toml`. Reading it works its examples; what a rule answers in
//! a price, on a paper and on the page about terms comes from it and from nowhere else.

use std::sync::{Arc, LazyLock};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::{Incoterm, IncotermReason};
use crate::money::{Currency, Money, MoneyError, Rate};
use crate::rulebook::{
    Confidence, Errors, Fields, Knowledge, Mode, PackError, Problem, Words, digest, listed, one_file, single, words,
};

/// The table of this binary.
static TABLE: LazyLock<Incoterms> = LazyLock::new(|| {
    Incoterms::load("terms/incoterms.toml", include_str!("../../../../rulebooks/terms/incoterms.toml"))
        .expect("the table of this repository loads, as its test proves")
});

/// The eleven rules of one edition.
#[derive(Clone, Debug, Serialize)]
pub struct Incoterms {
    pub id: String,
    /// As papers name it after rule and place: `Incoterms 2020`.
    pub edition: String,
    pub name: Words,
    pub valid_from: Date,
    pub source: String,
    pub confidence: Confidence,
    /// How well it is known who clears at customs and pays duty.
    pub customs: Knowledge,
    /// SHA-256 over the file, in lower-case hex.
    pub digest: Arc<str>,
    /// In the order of [`Incoterm::ALL`].
    pub rules: Vec<IncotermRule>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct IncotermRule {
    pub incoterm: Incoterm,
    /// For goods that go by ship alone, from port to port: the rule to take for any other way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<Incoterm>,
    /// In whose country the named place lies.
    pub place: Bearer,
    /// Where the risk passes to the buyer.
    pub risk: RiskPoint,
    pub export: Bearer,
    pub carriage: Bearer,
    pub insurance: Bearer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover: Option<Insured>,
    pub unloading: Bearer,
    pub import: Bearer,
    /// Duty and the taxes of the import.
    pub duty: Bearer,
}

/// Who does and pays something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bearer {
    Seller,
    Buyer,
    /// Neither owes it to the other.
    Nobody,
}

impl Bearer {
    const ALL: [(&'static str, Self); 3] = [("seller", Self::Seller), ("buyer", Self::Buyer), ("nobody", Self::Nobody)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
            Self::Nobody => "nobody",
        }
    }
}

/// Where the risk of loss passes from seller to buyer, from the seller's door to the buyer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskPoint {
    Premises,
    FirstCarrier,
    AlongsideShip,
    OnBoard,
    ReadyToUnload,
    Unloaded,
    ImportCleared,
}

impl RiskPoint {
    const ALL: [(&'static str, Self); 7] = [
        ("premises", Self::Premises),
        ("first-carrier", Self::FirstCarrier),
        ("alongside-ship", Self::AlongsideShip),
        ("on-board", Self::OnBoard),
        ("ready-to-unload", Self::ReadyToUnload),
        ("unloaded", Self::Unloaded),
        ("import-cleared", Self::ImportCleared),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, point)| *point == self).map_or("", |(code, _)| code)
    }
}

/// The insurance that a seller owes: the clauses, and for which share of the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Insured {
    pub clauses: Clauses,
    pub share: Rate,
}

impl Insured {
    /// For how much goods of a price are insured, rounded once, half up.
    ///
    /// # Errors
    /// The sum is too large.
    pub fn sum(self, price: Money) -> Result<Money, MoneyError> {
        price.at(self.share)
    }
}

/// The Institute Cargo Clauses: (A) against all risks but those named, (C) against a few great ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clauses {
    IccA,
    IccC,
}

impl Clauses {
    const ALL: [(&'static str, Self); 2] = [("icc-a", Self::IccA), ("icc-c", Self::IccC)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::IccA => "icc-a",
            Self::IccC => "icc-c",
        }
    }
}

/// Something that a sale needs done and paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Obligation {
    Export,
    Carriage,
    Insurance,
    Unloading,
    Import,
    Duty,
}

impl Obligation {
    /// In the order in which goods come to them.
    pub const ALL: [(&'static str, Self); 6] = [
        ("export", Self::Export),
        ("carriage", Self::Carriage),
        ("insurance", Self::Insurance),
        ("unloading", Self::Unloading),
        ("import", Self::Import),
        ("duty", Self::Duty),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, duty)| *duty == self).map_or("", |(code, _)| code)
    }
}

impl IncotermRule {
    #[must_use]
    pub const fn bears(&self, duty: Obligation) -> Bearer {
        match duty {
            Obligation::Export => self.export,
            Obligation::Carriage => self.carriage,
            Obligation::Insurance => self.insurance,
            Obligation::Unloading => self.unloading,
            Obligation::Import => self.import,
            Obligation::Duty => self.duty,
        }
    }

    /// Whether it fits goods that go by this; where nobody knows by what, a rule for ships does not.
    #[must_use]
    pub fn fits(&self, mode: Option<Mode>) -> bool {
        self.instead.is_none() || mode == Some(Mode::Sea)
    }

    /// What a hub would have to do for it and does not; none where goods are sold under it.
    #[must_use]
    pub fn why_not(&self, mode: Option<Mode>) -> Option<IncotermReason> {
        let reasons = [
            (!self.fits(mode), IncotermReason::SeaOnly),
            (self.export == Bearer::Buyer, IncotermReason::BuyerClearsExport),
            (self.insurance == Bearer::Seller, IncotermReason::InsuranceNeeded),
            (self.unloading == Bearer::Seller, IncotermReason::UnloadingNeeded),
            (self.import == Bearer::Seller, IncotermReason::SellerPaysImportTaxes),
        ];
        reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
    }
}

impl Incoterms {
    /// The table that this binary was built with.
    #[must_use]
    pub fn table() -> &'static Self {
        &TABLE
    }

    /// Reads a table and works its examples.
    ///
    /// # Errors
    /// All that is wrong, each with rule and field.
    pub fn load(file: &str, text: &str) -> Result<Self, Vec<PackError>> {
        one_file(file, text, read)
    }

    /// # Panics
    /// Never: a table without one of the eleven does not load.
    #[must_use]
    pub fn rule(&self, incoterm: Incoterm) -> &IncotermRule {
        self.rules.iter().find(|rule| rule.incoterm == incoterm).expect("a table that loads has all eleven rules")
    }
}

fn read(file: &str, mut table: Table, text: &str, errors: &Errors) -> Option<Incoterms> {
    let head = table.remove("incoterms");
    let rules = table.remove("rule");
    for key in table.keys() {
        errors.push(file, "", key, Problem::UnknownField);
    }
    let mut head = single(file, "incoterms", head, errors)?;
    let id = head.text("id");
    let edition = head.text("edition");
    let name = words(&mut head, "name");
    let valid_from = head.date("valid-from");
    let source = head.text("source");
    let confidence = head.one_of("confidence", &Confidence::ALL);
    let customs = head.one_of("customs-confidence", &Confidence::ALL);
    head.finish();
    let mut found: Vec<IncotermRule> = Vec::new();
    for mut fields in listed(file, "rule", rules, errors) {
        let examples = fields.tables("example");
        let Some(rule) = read_rule(&mut fields) else { continue };
        if found.iter().any(|known| known.incoterm == rule.incoterm) {
            fields.error("code", Problem::Duplicate { got: rule.incoterm.to_string() });
        }
        if examples.is_empty() {
            fields.error("example", Problem::NoExample);
        }
        for (number, example) in (1..).zip(examples) {
            work(number, example, &rule);
        }
        fields.finish();
        found.push(rule);
    }
    for incoterm in Incoterm::ALL.into_iter().filter(|one| !found.iter().any(|rule| rule.incoterm == *one)) {
        errors.push(file, incoterm.code(), "", Problem::Missing);
    }
    found.sort_by_key(|rule| rule.incoterm);
    Some(Incoterms {
        id: id?,
        edition: edition?,
        name: name?,
        valid_from: valid_from?,
        source: source?,
        confidence: confidence?,
        customs: customs?.knowledge(),
        digest: digest(&[(file.to_owned(), text.to_owned())]),
        rules: found,
    })
}

fn read_rule(f: &mut Fields<'_>) -> Option<IncotermRule> {
    let incoterm = f.parsed::<Incoterm>("code");
    if let Some(incoterm) = incoterm {
        incoterm.code().clone_into(&mut f.rule);
    }
    let by_water = f.one_of("mode", &[("any", false), ("water", true)]);
    let instead = if by_water == Some(true) { f.parsed::<Incoterm>("instead") } else { None };
    let place = f.one_of("place", &[("export", Bearer::Seller), ("import", Bearer::Buyer)]);
    let risk = f.one_of("risk", &RiskPoint::ALL);
    let export = f.one_of("export", &Bearer::ALL);
    let carriage = f.one_of("carriage", &Bearer::ALL);
    let insurance = f.one_of("insurance", &Bearer::ALL);
    let cover = if insurance == Some(Bearer::Seller) {
        let clauses = f.one_of("cover", &Clauses::ALL);
        let share = f.text("insured").and_then(|got| match Rate::parse_percent(&got) {
            Ok(share) if share >= Rate::ONE => Some(share),
            _ => {
                f.error("insured", Problem::NotARate { got });
                None
            }
        });
        Some(Insured { clauses: clauses?, share: share? })
    } else {
        None
    };
    let import = f.one_of("import", &Bearer::ALL);
    let duty = f.one_of("duty", &Bearer::ALL);
    let risk = risk?;
    // Where the risk stays the seller's until the goods are unloaded, the seller unloads them.
    let unloading = if risk == RiskPoint::Unloaded { Bearer::Seller } else { Bearer::Buyer };
    Some(IncotermRule {
        incoterm: incoterm?,
        instead: if by_water? { Some(instead?) } else { None },
        place: place?,
        risk,
        export: export?,
        carriage: carriage?,
        insurance: insurance?,
        cover,
        unloading,
        import: import?,
        duty: duty?,
    })
}

/// Works one example: by this way of transport, what the seller does and pays, or which rule to take.
fn work(number: usize, mut f: Fields<'_>, rule: &IncotermRule) {
    let mode = f.one_of("mode", &Mode::ALL);
    let instead = f.optional("instead", Fields::parsed::<Incoterm>);
    let seller = f.many_of("seller", &Obligation::ALL);
    let price = f.optional("price", |f, key| f.amount(key, Currency::USD));
    let insured = f.optional("insured", |f, key| f.amount(key, Currency::USD));
    let Some(mode) = mode else { return f.finish() };
    let answer = if rule.fits(Some(mode)) { None } else { rule.instead };
    if answer != instead {
        let name = |term: Option<Incoterm>| term.map_or_else(|| "it fits".to_owned(), |term| term.to_string());
        f.error("example", Problem::ExampleFails { number, expected: name(instead), got: name(answer) });
    }
    let does = |duty: &Obligation| answer.is_none() && rule.bears(*duty) == Bearer::Seller;
    let done: Vec<Obligation> = Obligation::ALL.into_iter().map(|(_, duty)| duty).filter(does).collect();
    if done != seller {
        let names = |duties: &[Obligation]| duties.iter().map(|duty| duty.code()).collect::<Vec<_>>().join(", ");
        f.error("example", Problem::ExampleFails { number, expected: names(&seller), got: names(&done) });
    }
    let sum = price.and_then(|price| rule.cover?.sum(price).ok());
    if sum != insured {
        let shown = |sum: Option<Money>| sum.map_or_else(|| "not insured".to_owned(), |sum| sum.to_string());
        f.error("example", Problem::ExampleFails { number, expected: shown(insured), got: shown(sum) });
    }
    f.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "terms/incoterms.toml";
    const TEXT: &str = include_str!("../../../../rulebooks/terms/incoterms.toml");

    fn faults(from: &str, to: &str) -> Vec<String> {
        assert!(TEXT.contains(from), "{from}");
        let wrong = Incoterms::load(FILE, &TEXT.replacen(from, to, 1));
        wrong.expect_err("it is wrong").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_table_of_this_repository_loads_with_all_eleven_rules() {
        let table = Incoterms::load(FILE, TEXT).expect("it loads");
        let codes: Vec<Incoterm> = table.rules.iter().map(|rule| rule.incoterm).collect();
        assert_eq!(codes, Incoterm::ALL);
        assert_eq!((table.edition.as_str(), table.digest.len()), ("Incoterms 2020", 64));
        assert_eq!(table.customs, Knowledge::Unverified, "who clears is general knowledge and is shown as that");
    }

    #[test]
    fn a_rule_for_ships_names_the_rule_for_every_other_way() {
        let cases = [("FAS", "FCA"), ("FOB", "FCA"), ("CFR", "CPT"), ("CIF", "CIP")];
        for incoterm in Incoterm::ALL {
            let instead = cases.iter().find(|(code, _)| *code == incoterm.code()).map(|(_, other)| *other);
            let rule = incoterm.rule();
            assert_eq!(rule.instead.map(Incoterm::code), instead, "{incoterm}");
            for mode in [Mode::Air, Mode::Post, Mode::Road, Mode::Rail] {
                assert_eq!(rule.fits(Some(mode)), instead.is_none(), "{incoterm} by {mode:?}");
            }
            assert!(rule.fits(Some(Mode::Sea)), "{incoterm} by sea");
            assert_eq!(rule.fits(None), instead.is_none(), "{incoterm} by who knows what");
        }
    }

    #[test]
    fn who_bears_what_is_as_the_chamber_says() {
        use Bearer::{Buyer, Nobody, Seller};
        // Export, carriage, insurance, unloading, import, duty.
        let cases = [
            (Incoterm::Exw, [Buyer, Buyer, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Fca, [Seller, Buyer, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Fas, [Seller, Buyer, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Fob, [Seller, Buyer, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Cfr, [Seller, Seller, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Cif, [Seller, Seller, Seller, Buyer, Buyer, Buyer]),
            (Incoterm::Cpt, [Seller, Seller, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Cip, [Seller, Seller, Seller, Buyer, Buyer, Buyer]),
            (Incoterm::Dap, [Seller, Seller, Nobody, Buyer, Buyer, Buyer]),
            (Incoterm::Dpu, [Seller, Seller, Nobody, Seller, Buyer, Buyer]),
            (Incoterm::Ddp, [Seller, Seller, Nobody, Buyer, Seller, Seller]),
        ];
        for (incoterm, bearers) in cases {
            assert_eq!(Obligation::ALL.map(|(_, duty)| incoterm.rule().bears(duty)), bearers, "{incoterm}");
        }
        let cover = |term: Incoterm| term.rule().cover.map(|c| (c.clauses, c.share.percent_text()));
        assert_eq!(cover(Incoterm::Cif), Some((Clauses::IccC, "110".to_owned())));
        assert_eq!(cover(Incoterm::Cip), Some((Clauses::IccA, "110".to_owned())));
        assert_eq!(cover(Incoterm::Dap), None);
    }

    #[test]
    fn a_wrong_table_is_refused_at_its_place() {
        let cases = [
            ("code = \"FCA\"", "code = \"DAF\"", "code: NotACode { got: \"DAF\" }"),
            ("code = \"FCA\"", "code = \"EXW\"", "EXW: code: Duplicate { got: \"EXW\" }"),
            ("instead = \"FCA\"", "note = \"FCA\"", "FAS: instead: Missing"),
            ("insured = \"110\"", "insured = \"90\"", "CIF: insured: NotARate { got: \"90\" }"),
            ("cover = \"icc-c\"\n", "", "CIF: cover: Missing"),
            ("seller = [\"export\"]", "seller = []", "ExampleFails { number: 1, expected: \"\", got: \"export\" }"),
            ("insured = \"1375.61\"", "insured = \"1375.60\"", "expected: \"USD 1375.60\", got: \"USD 1375.61\""),
            (
                "mode = \"air\", instead = \"FCA\"",
                "mode = \"air\", instead = \"FAS\"",
                "expected: \"FAS\", got: \"FCA\"",
            ),
            ("confidence = \"secondary\"", "confidence = \"sure\"", "incoterms: confidence: NotOneOf"),
            ("[incoterms]", "[other]", "incoterms: : Missing"),
            ("[incoterms]", "[incoterms", "NotToml"),
        ];
        for (from, to, says) in cases {
            let faults = faults(from, to);
            assert!(faults.iter().any(|fault| fault.contains(says)), "{from} -> {to}: {faults:?}");
        }
    }
}
