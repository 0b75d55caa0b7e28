//! Tariff tables, consumption taxes and positive lists, indexed by the six digits of the HS.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::duty_rate::{DutyRate, Measure};
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Regime, RuleInfo};
use crate::codes::HsCode;
use crate::money::{Currency, Money, Rate};
use crate::quantity::{Content, ContentUnit};

/// The rates of one HS6 code from one table. A rate of none is not known.
#[derive(Clone, Debug)]
pub struct TariffRow {
    /// The six digits as a number: 090121 is 90,121.
    pub hs6: u32,
    /// The table that the row stands in; its dates are the row's.
    pub table: Arc<RuleInfo>,
    /// Most-favoured-nation duty.
    pub duty: Option<DutyRate>,
    pub vat: Option<Rate>,
    /// The consumption tax that goods of this code may bear, by its place in the tariff.
    pub(super) consumption_tax: Option<usize>,
    /// The assumption by which one national line was chosen, where their duties differ.
    pub duty_choice: Option<Arc<RuleInfo>>,
    /// The same where their VAT rates differ.
    pub vat_choice: Option<Arc<RuleInfo>>,
}

/// All tariff rows of a territory, sorted by code, with the consumption taxes that they name.
#[derive(Clone, Debug, Default)]
pub struct Tariff {
    pub(super) rows: Vec<TariffRow>,
    /// The versions of each consumption tax.
    pub(super) consumption: Vec<Vec<ConsumptionTax>>,
}

impl Tariff {
    /// The row of a code on a date.
    #[must_use]
    pub fn row(&self, hs: &HsCode, date: Date) -> Option<&TariffRow> {
        let hs6 = hs6_number(hs);
        let first = self.rows.partition_point(|row| row.hs6 < hs6);
        self.rows[first..].iter().take_while(|row| row.hs6 == hs6).find(|row| row.table.holds_on(date))
    }

    /// The consumption tax of a row on a date: none where the row bears none, `Some(None)` where
    /// it bears one that has no version on that date.
    #[must_use]
    pub fn consumption_tax(&self, row: &TariffRow, date: Date) -> Option<Option<&ConsumptionTax>> {
        let versions = self.consumption.get(row.consumption_tax?)?;
        Some(versions.iter().find(|tax| tax.info.holds_on(date)))
    }

    /// Every row of every table, by code.
    #[must_use]
    pub fn rows(&self) -> &[TariffRow] {
        &self.rows
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// The first six digits as a number.
pub(super) fn hs6_number(hs: &HsCode) -> u32 {
    hs.hs6().bytes().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// Six digits, or nothing.
fn hs6_of(text: &str) -> Option<u32> {
    let whole = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| whole)
}

/// A row as read, before the rules that it names are looked up.
pub(super) struct RawRow {
    pub hs6: u32,
    duty: Option<DutyRate>,
    vat: Option<Rate>,
    consumption_tax: Option<String>,
    duty_differs: bool,
    vat_differs: bool,
}

/// A tariff table as read.
pub(super) struct RawTable {
    pub common: Common,
    line_choice: Option<String>,
    pub rows: Vec<RawRow>,
}

impl RawTable {
    /// Reads `rows`: a line each of `hs6 duty vat consumption-tax differing`, in per cent; `?` is a
    /// rate that is not known, `-` no consumption tax or no difference, `#` begins a remark.
    pub fn read(f: &mut Fields<'_>, common: Common) -> Option<Self> {
        let line_choice = f.optional("line-choice", Fields::text);
        let text = f.text("rows")?;
        let mut rows = Vec::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            rows.extend(read_row(f, line));
        }
        let needs_choice = rows.iter().any(|row| row.duty_differs || row.vat_differs);
        if needs_choice && line_choice.is_none() {
            f.error("line-choice", Problem::Missing);
        }
        Some(Self { common, line_choice, rows })
    }

    /// Looks up the rules that the rows name.
    pub fn resolve(
        self,
        consumption: &[Vec<ConsumptionTax>],
        assumption: impl Fn(&str) -> Option<Arc<RuleInfo>>,
        error: impl Fn(&str, Problem),
    ) -> Vec<TariffRow> {
        let choice = self.line_choice.as_deref().and_then(|id| {
            let found = assumption(id);
            if found.is_none() {
                error("line-choice", Problem::NoSuchRule { got: id.to_owned() });
            }
            found
        });
        let find_tax = |id: String| {
            let found = consumption.iter().position(|versions| versions.iter().any(|tax| *tax.info.id == *id));
            if found.is_none() {
                error("rows", Problem::NoSuchRule { got: id });
            }
            found
        };
        self.rows
            .into_iter()
            .map(|raw| TariffRow {
                hs6: raw.hs6,
                table: self.common.info.clone(),
                duty: raw.duty,
                vat: raw.vat,
                consumption_tax: raw.consumption_tax.and_then(find_tax),
                duty_choice: choice.clone().filter(|_| raw.duty_differs),
                vat_choice: choice.clone().filter(|_| raw.vat_differs),
            })
            .collect()
    }
}

fn read_row(f: &Fields<'_>, line: &str) -> Option<RawRow> {
    let cells: Vec<&str> = line.split_whitespace().collect();
    let [hs, duty, vat, tax, differs] = cells[..] else {
        f.error("rows", Problem::WrongType { expected: format!("five columns: {line}") });
        return None;
    };
    let place = |column: &str| format!("rows {hs} {column}");
    let Some(hs6) = hs6_of(hs) else {
        f.error("rows", Problem::NotACode { got: hs.to_owned() });
        return None;
    };
    let vat = match (vat, Rate::parse_percent(vat)) {
        ("?", _) => None,
        (_, Ok(rate)) if (Rate::ZERO..Rate::ONE).contains(&rate) => Some(rate),
        (text, _) => {
            f.error(&place("vat"), Problem::NotARate { got: text.to_owned() });
            None
        }
    };
    // A compound duty holds no blanks here: `12%+2.5EUR/100kg`.
    let duty = match (duty, super::charge::rate_of(duty)) {
        ("?", _) => None,
        (_, Ok(rate)) => Some(rate),
        (text, Err(error)) => {
            f.error(&place("duty"), Problem::NotADutyRate { got: text.to_owned(), error });
            None
        }
    };
    let (duty_differs, vat_differs) = match differs {
        "-" => (false, false),
        "duty" => (true, false),
        "vat" => (false, true),
        "duty+vat" => (true, true),
        got => {
            let allowed = ["-", "duty", "vat", "duty+vat"].map(str::to_owned).to_vec();
            f.error(&place("differing"), Problem::NotOneOf { got: got.to_owned(), allowed });
            (false, false)
        }
    };
    Some(RawRow {
        hs6,
        duty,
        vat,
        consumption_tax: Some(tax.to_owned()).filter(|id| id != "-"),
        duty_differs,
        vat_differs,
    })
}

/// Of what a value threshold counts the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// A millilitre of contents.
    Ml,
    /// A gram of contents.
    G,
    /// A piece or sheet of contents, such as one face mask of a box of ten.
    Piece,
    /// One piece of the goods as sold.
    Article,
}

impl Per {
    const ALL: [(&'static str, Self); 4] =
        [("ml", Self::Ml), ("g", Self::G), ("piece", Self::Piece), ("article", Self::Article)];

    /// Whether this counts contents of that unit.
    #[must_use]
    pub fn counts(self, content: Content) -> bool {
        matches!(
            (self, content.unit),
            (Self::Ml, ContentUnit::Ml) | (Self::G, ContentUnit::G) | (Self::Piece, ContentUnit::Piece)
        )
    }
}

/// The tax is due from this price per unit upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentTest {
    pub per: Per,
    pub at_least: Money,
}

/// A consumption tax: its rate, and the prices from which it is due.
#[derive(Clone, Debug)]
pub struct ConsumptionTax {
    pub info: Arc<RuleInfo>,
    /// None where the tax is not known whole.
    pub rate: Option<Rate>,
    /// What is taken beside the rate for a volume or a mass, in the pack's currency.
    pub specific: Option<DutyRate>,
    /// None at all: always due. Otherwise due where the test that fits the goods is reached.
    pub tests: Vec<ContentTest>,
}

impl ConsumptionTax {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let rate = f.optional("rate", Fields::percent);
        if rate.is_none() && common.info.knowledge != super::Knowledge::Unknown {
            f.error("rate", Problem::Missing);
        }
        if rate == Some(Rate::ONE) {
            f.error("rate", Problem::NotARate { got: "100".into() });
        }
        let specific = f.optional("specific", |f, key| {
            let rate = super::charge::duty_rate(f, key)?;
            let counts = matches!(&rate, DutyRate::Specific(part)
                if part.currency() == currency && matches!(part.measure(), Measure::Mass | Measure::Volume));
            if !counts {
                f.error(key, Problem::WrongType { expected: format!("0.5 {currency}/500ml, 0.5 {currency}/kg") });
            }
            counts.then_some(rate)
        });
        let tests = f.tables("due-from").into_iter().filter_map(|mut test| {
            let per = test.one_of("per", &Per::ALL);
            let at_least = test.amount("at-least", currency);
            test.finish();
            Some(ContentTest { per: per?, at_least: at_least? })
        });
        let tests = tests.collect();
        Some(Self { info: common.info.clone(), rate, specific, tests })
    }

    /// The test that counts these goods: by article, or by the unit of their contents.
    #[must_use]
    pub fn test_for(&self, content: Option<Content>) -> Option<ContentTest> {
        self.tests
            .iter()
            .find(|test| test.per == Per::Article || content.is_some_and(|content| test.per.counts(content)))
            .copied()
    }

    /// Whether the contents of a piece must be known before the tax can be judged.
    #[must_use]
    pub fn needs_content(&self) -> bool {
        !self.tests.is_empty() && self.tests.iter().all(|test| test.per != Per::Article)
    }
}

/// Codes that a regime admits. What stands on no list is not known to be admitted.
#[derive(Clone, Debug)]
pub struct PositiveList {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    /// Sorted.
    codes: Vec<u32>,
}

impl PositiveList {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let text = f.text("codes")?;
        let mut codes = Vec::new();
        for got in text.split_whitespace() {
            match hs6_of(got) {
                Some(code) => codes.push(code),
                None => f.error("codes", Problem::NotACode { got: got.to_owned() }),
            }
        }
        codes.sort_unstable();
        for pair in codes.windows(2) {
            if pair[0] == pair[1] {
                f.error("codes", Problem::Duplicate { got: format!("{:06}", pair[0]) });
            }
        }
        Some(Self { info: common.info.clone(), regime: regime?, codes })
    }

    #[must_use]
    pub fn has(&self, hs: &HsCode) -> bool {
        self.codes.binary_search(&hs6_number(hs)).is_ok()
    }
}
