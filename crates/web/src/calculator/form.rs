//! What is typed into the calculator; it stands in the address, so that an answer can be sent on.

use std::collections::BTreeMap;

use jiff::civil::Date;
use trade::codes::Country;
use trade::landed_cost::AskLine;
use trade::money::{Currency, Fixed8, FxRate, Money, Rate};
use trade::quantity::{Content, ContentUnit, Grams};
use trade::rulebook::{Mode, Regime, Rulebook};
use trade::time::BusinessTime;

use crate::i18n::show::Given;
use crate::page::Page;
use crate::problem::{Failure, percent};

/// The most kinds of goods; a landed cost of more is asked of the API of quotes.
pub const MOST_LINES: usize = 5;

/// By the name of the field; that of the whole is empty.
pub type Faults = BTreeMap<String, Failure>;

pub const FIELDS: &[&str] = &[
    "to",
    "date",
    "regime",
    "mode",
    "currency",
    "rate",
    "freight",
    "alongside",
    "registered",
    "preference",
    "pack",
    "hs",
    "pieces",
    "value",
    "origin",
    "content",
    "content_unit",
    "net",
    "hs2",
    "pieces2",
    "value2",
    "origin2",
    "content2",
    "content_unit2",
    "net2",
    "hs3",
    "pieces3",
    "value3",
    "origin3",
    "content3",
    "content_unit3",
    "net3",
    "hs4",
    "pieces4",
    "value4",
    "origin4",
    "content4",
    "content_unit4",
    "net4",
    "hs5",
    "pieces5",
    "value5",
    "origin5",
    "content5",
    "content_unit5",
    "net5",
];

#[derive(Clone, Default)]
pub struct Form(BTreeMap<String, String>);

/// An amount as it was typed, where it was in another currency.
pub struct From(Option<(Money, FxRate)>);

impl From {
    /// In words, or nothing.
    pub fn how(&self, p: &Page) -> String {
        let Some((typed, rate)) = &self.0 else { return String::new() };
        p.w("calculator-converted", [("amount", p.money(*typed)), ("rate", p.fx(rate))])
    }
}

/// What is asked, read.
pub struct Asked {
    pub to: Country,
    pub date: Date,
    pub regime: Regime,
    pub mode: Mode,
    pub lines: Vec<AskLine>,
    /// How each line's value came about.
    pub converted: Vec<From>,
    pub freight: Money,
    pub freight_from: Option<From>,
    pub alongside: Option<Money>,
    pub registered: Option<bool>,
    pub preference: Option<String>,
    /// The currency of prices that were converted at a rate that was typed too.
    pub rate_typed: Option<Currency>,
}

/// The name of a field of a line, from 1: `hs`, `hs2`.
pub fn field(name: &str, line: impl Given<usize>) -> String {
    let line: usize = line.given();
    if line == 1 { name.to_owned() } else { format!("{name}{line}") }
}

fn bad(field: &str, got: &str) -> Failure {
    Failure::bad("field-value").with("field", field).with("got", got.chars().take(60).collect::<String>())
}

impl Form {
    pub fn new(fields: BTreeMap<String, String>) -> Self {
        let kept =
            fields.into_iter().filter(|(name, value)| FIELDS.contains(&name.as_str()) && !value.trim().is_empty());
        Self(kept.map(|(name, value)| (name, value.trim().chars().take(80).collect())).collect())
    }

    /// The text of a field; empty where nothing was typed.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn of(&self, name: &str, line: impl Given<usize>) -> &str {
        self.get(&field(name, line))
    }

    /// The lines that the page shows: those typed, and one more.
    pub fn lines(&self) -> impl Iterator<Item = usize> {
        let typed = (1..=MOST_LINES).rev().find(|line| self.is_typed(*line)).unwrap_or(0);
        1..=(typed + 1).clamp(1, MOST_LINES)
    }

    fn is_typed(&self, line: usize) -> bool {
        ["hs", "value", "pieces"].iter().any(|name| !self.of(name, line).is_empty())
    }

    pub fn is_empty(&self) -> bool {
        (1..=MOST_LINES).all(|line| !self.is_typed(line))
    }

    pub fn prefill(&mut self, home: Country) {
        self.0.entry("to".to_owned()).or_insert_with(|| home.to_string());
    }

    pub fn destination(&self) -> Result<Country, Failure> {
        self.get("to").parse().map_err(|_| bad("to", self.get("to")))
    }

    /// The address of this question with some fields changed; an empty value takes a field out.
    pub fn with(&self, changes: &[(&str, &str)]) -> String {
        let mut fields = self.0.clone();
        for (name, value) in changes {
            if value.is_empty() {
                fields.remove(*name);
            } else {
                fields.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        format!("/calculator?{}", pairs.join("&"))
    }

    /// The address that gives the same answer for ever: it names the day and the pack.
    pub fn permanent(&self, date: Date, digest: &str) -> String {
        self.with(&[("date", &date.to_string()), ("pack", digest)])
    }

    /// Reads every field.
    ///
    /// # Errors
    /// All fields that are wrong.
    pub fn read(&self, book: &Rulebook, to: Country, today: Date) -> Result<Asked, Faults> {
        let mut faults = Faults::new();
        let mut wrong = |name: &str, failure: Failure| {
            faults.insert(name.to_owned(), failure);
        };
        let date = match self.get("date") {
            "" => Some(today),
            text => text.parse().ok().filter(|_| text.len() == 10),
        };
        if date.is_none() {
            wrong("date", Failure::bad("not-a-day").with("field", "date").with("got", self.get("date")));
        }
        let regime = one_of(self.get("regime"), &Regime::ALL, Regime::B2cParcel);
        let mode = one_of(self.get("mode"), &Mode::ALL, Mode::Air);
        for (name, read) in [("regime", regime.is_some()), ("mode", mode.is_some())] {
            if !read {
                wrong(name, bad(name, self.get(name)));
            }
        }
        let registered = match self.get("registered") {
            "" => None,
            "yes" => Some(true),
            "no" => Some(false),
            other => {
                wrong("registered", bad("registered", other));
                None
            }
        };
        let rate = self.rate(book.currency).map_err(|(name, failure)| wrong(name, failure)).ok().flatten();
        let amount = |name: &str| -> Result<Option<(Money, From)>, Failure> {
            let text = self.get(name);
            if text.is_empty() {
                return Ok(None);
            }
            let currency = rate.as_ref().map_or(book.currency, |rate| rate.from);
            let typed = Money::parse(text, currency).map_err(|error| Failure::of(&error))?;
            match &rate {
                None => Ok(Some((typed, From(None)))),
                Some(rate) => {
                    let converted = rate.convert(typed).map_err(|error| Failure::of(&error))?;
                    Ok(Some((converted, From(Some((typed, rate.clone()))))))
                }
            }
        };
        let mut lines = Vec::new();
        let mut converted = Vec::new();
        for line in (1..=MOST_LINES).filter(|line| self.is_typed(*line)) {
            match self.line(line, &amount) {
                Ok((read, from)) => {
                    lines.push(read);
                    converted.push(from);
                }
                Err(found) => faults.extend(found),
            }
        }
        let mut parcel =
            |name: &str| amount(name).map_err(|failure| faults.insert(name.to_owned(), failure)).ok().flatten();
        let (freight, alongside) = (parcel("freight"), parcel("alongside"));
        if lines.is_empty() && faults.is_empty() {
            faults.insert("hs".to_owned(), Failure::bad("no-lines"));
        }
        let (Some(date), Some(regime), Some(mode), true) = (date, regime, mode, faults.is_empty()) else {
            return Err(faults);
        };
        let (freight, freight_from) =
            freight.map_or((Money::zero(book.currency), None), |(freight, from)| (freight, Some(from)));
        let preference = Some(self.get("preference").to_owned()).filter(|id| !id.is_empty());
        let alongside = alongside.map(|(amount, _)| amount);
        Ok(Asked {
            to,
            date,
            regime,
            mode,
            lines,
            converted,
            freight,
            freight_from,
            alongside,
            registered,
            preference,
            rate_typed: rate.map(|rate| rate.from),
        })
    }

    fn line(
        &self,
        line: usize,
        amount: &impl Fn(&str) -> Result<Option<(Money, From)>, Failure>,
    ) -> Result<(AskLine, From), Faults> {
        let mut faults = Faults::new();
        let mut take = |name: &str, failure: Failure| {
            faults.insert(field(name, line), failure);
        };
        let hs = self.of("hs", line).parse().map_err(|error| take("hs", Failure::of(&error))).ok();
        let pieces = match self.of("pieces", line) {
            "" => Some(1),
            text => text.parse::<i64>().map_err(|_| take("pieces", bad("pieces", text))).ok(),
        };
        let value = match amount(&field("value", line)) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                take("value", Failure::bad("no-price"));
                None
            }
            Err(failure) => {
                take("value", failure);
                None
            }
        };
        let origin = match self.of("origin", line) {
            "" => Some(None),
            text => Country::of_origin(text).map(Some).map_err(|error| take("origin", Failure::of(&error))).ok(),
        };
        let content = match self.of("content", line) {
            "" => Some(None),
            text => {
                let units = [ContentUnit::Ml, ContentUnit::G, ContentUnit::Piece];
                let unit = units.into_iter().find(|unit| unit.code() == self.of("content_unit", line));
                let read = Content::read(text, unit.unwrap_or(ContentUnit::G)).map(Some);
                if read.is_none() {
                    take("content", bad("content", text));
                }
                read
            }
        };
        let net = match self.of("net", line) {
            "" => Some(None),
            text => {
                let read = text.parse::<i64>().ok().filter(|grams| (1..=1_000_000_000).contains(grams));
                if read.is_none() {
                    take("net", bad("net", text));
                }
                read.map(|grams| Some(Grams(grams)))
            }
        };
        let whole = || {
            let (value, from) = value?;
            Some((AskLine { hs: hs?, pieces: pieces?, value, content: content?, origin: origin?, net: net? }, from))
        };
        whole().ok_or(faults)
    }

    /// By what prices in another currency are converted; none where they are in the territory's own.
    fn rate(&self, to: Currency) -> Result<Option<FxRate>, (&'static str, Failure)> {
        let (currency, rate) = (self.get("currency"), self.get("rate"));
        if currency.is_empty() || currency.eq_ignore_ascii_case(to.code()) {
            return Ok(None);
        }
        let from = currency.to_ascii_uppercase().parse::<Currency>();
        let from = from.map_err(|error| ("currency", Failure::of(&error)))?;
        let mid = rate.parse::<Fixed8>().ok().filter(|mid| mid.0 > 0).ok_or_else(|| ("rate", bad("rate", rate)))?;
        let (source, as_of) = (String::new(), BusinessTime::from_micros(0));
        Ok(Some(FxRate { from, to, mid, spread: Rate::ZERO, source, as_of }))
    }
}

fn one_of<T: Copy>(text: &str, known: &[(&'static str, T)], without: T) -> Option<T> {
    if text.is_empty() {
        return Some(without);
    }
    known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}
