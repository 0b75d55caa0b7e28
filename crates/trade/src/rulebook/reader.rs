//! Reads the tables of a rule pack field by field, and names the place of everything that is wrong.

use std::cell::{Cell, RefCell};
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::duty_rate::RateError;
use super::{Confidence, Knowledge};
use crate::money::{Currency, Money, Rate};

/// One thing that is wrong in a pack: in which file, which rule, which field, and what.
///
/// `rule` is the rule's id, or its kind and position (`limit 2`) where the id itself is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackError {
    pub file: String,
    pub rule: String,
    pub field: String,
    #[serde(flatten)]
    pub problem: Problem,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}: {:?}", self.file, self.rule, self.field, self.problem)
    }
}

impl std::error::Error for PackError {}

/// What is wrong with one field of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Problem {
    /// The file is not TOML; `detail` is the parser's own message with the line.
    NotToml {
        detail: String,
    },
    TooLarge {
        got: usize,
        most: usize,
    },
    Missing,
    UnknownField,
    WrongType {
        expected: String,
    },
    NotADate {
        got: String,
    },
    NotAnAmount {
        got: String,
    },
    NotARate {
        got: String,
    },
    /// Not a rate as tariffs write it; `error` says from which byte on.
    NotADutyRate {
        got: String,
        error: RateError,
    },
    NotACode {
        got: String,
    },
    /// A charge counts another into its base that is worked out after it, or refers to one that comes later
    /// or to itself.
    OutOfOrder {
        got: String,
    },
    /// Below `least` or above `most`.
    OutOfRange {
        got: i64,
        least: i64,
        most: i64,
    },
    NotOneOf {
        got: String,
        allowed: Vec<String>,
    },
    /// The rule ends before it begins.
    EndsBeforeItStarts {
        from: Date,
        to: Date,
    },
    /// Two versions of one rule, or two rules for the same thing, are in force on the same day.
    Overlaps {
        with: String,
        on: Date,
    },
    Duplicate {
        got: String,
    },
    /// The confidence in the source gives another state of knowledge.
    KnowledgeDisagrees {
        stated: String,
        follows: String,
    },
    /// The field names a rule that the pack does not have.
    NoSuchRule {
        got: String,
    },
    /// A rule without a worked example proves nothing.
    NoExample,
    /// Worked example `number` (from 1) gives something else than it should.
    ExampleFails {
        number: usize,
        expected: String,
        got: String,
    },
    /// Worked example `number` never comes to the rule that it stands under.
    ExampleMissesRule {
        number: usize,
    },
    /// A file of a pack is text in UTF-8.
    NotUtf8,
    /// Everything that lies in the folder of a pack is part of it, and this cannot be.
    NotOfAPack,
    /// No file of the folder says what it is: `[pack]`, `[lane]`, `[transport]` and so on.
    NoHead,
    /// A market with so few worked examples proves little.
    TooFewExamples {
        got: usize,
        least: usize,
    },
}

/// What a field says, as the loader read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
pub enum Fact {
    Text(String),
    /// One of a closed list.
    Word(String),
    Texts(Vec<String>),
    Words(Vec<String>),
    Date(Date),
    Number(i64),
    Flag(bool),
    Amount(Money),
    Percent(Rate),
}

/// How the loader asked for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Date,
    Whole {
        least: i64,
        most: i64,
    },
    Flag,
    Amount,
    Percent,
    /// A text with a parser of its own.
    Code,
    OneOf(Vec<String>),
    Texts,
    ManyOf(Vec<String>),
    Table,
    Tables,
    /// It was only looked whether the field is there.
    Optional,
}

/// One field that the loader asked for, in the rule numbered `rule` of this load. `path` leads into
/// inner tables by dots, with the places of lists left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub rule: usize,
    /// The list that the rule stands in, or the head: `limit`, `pack`.
    pub list: String,
    pub path: String,
    pub shape: Shape,
    pub found: Option<Fact>,
}

/// Where errors are gathered, so that one load names them all. On wish it also notes what was asked for
/// and found: from that come the schema of the format and the comparison of packs, so that neither can
/// differ from what is loaded.
#[derive(Default)]
pub(crate) struct Errors {
    found: RefCell<Vec<PackError>>,
    asked: Option<RefCell<Vec<Asked>>>,
    rules: Cell<usize>,
}

impl Errors {
    pub fn noting() -> Self {
        Self { asked: Some(RefCell::default()), ..Self::default() }
    }

    pub fn push(&self, file: &str, rule: &str, field: &str, problem: Problem) {
        self.found.borrow_mut().push(PackError {
            file: file.to_owned(),
            rule: rule.to_owned(),
            field: field.to_owned(),
            problem,
        });
    }

    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    pub fn into_vec(self) -> Vec<PackError> {
        self.found.into_inner()
    }

    /// What was asked for, where that was noted.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.as_ref().map(|asked| asked.borrow().clone()).unwrap_or_default()
    }

    fn next_rule(&self) -> usize {
        self.rules.set(self.rules.get() + 1);
        self.rules.get()
    }
}

/// The fields of one table. Each is taken once; [`Fields::finish`] reports what nobody asked for.
pub(crate) struct Fields<'a> {
    pub file: &'a str,
    pub rule: String,
    /// The list that it stands in, where the loader said so.
    list: String,
    number: usize,
    path: String,
    table: Table,
    errors: &'a Errors,
}

impl<'a> Fields<'a> {
    pub fn new(file: &'a str, rule: String, table: Table, errors: &'a Errors) -> Self {
        let (list, number) = (rule.clone(), errors.next_rule());
        Self { file, rule, list, number, path: String::new(), table, errors }
    }

    /// The same, as a rule of a list.
    pub fn of_list(self, list: &str) -> Self {
        Self { list: list.to_owned(), ..self }
    }

    pub fn error(&self, field: &str, problem: Problem) {
        self.errors.push(self.file, &self.rule, &format!("{}{field}", self.path), problem);
    }

    fn note(&self, key: &str, shape: impl FnOnce() -> Shape, found: impl FnOnce() -> Option<Fact>) {
        let Some(asked) = &self.errors.asked else { return };
        let path = format!("{}{key}", self.path);
        let path: Vec<&str> = path.split('.').map(|part| part.split(' ').next().unwrap_or(part)).collect();
        asked.borrow_mut().push(Asked {
            rule: self.number,
            list: self.list.clone(),
            path: path.join("."),
            shape: shape(),
            found: found(),
        });
    }

    pub fn has(&self, key: &str) -> bool {
        self.note(key, || Shape::Optional, || None);
        self.table.contains_key(key)
    }

    /// What `read` finds at `key`, where the field is there at all.
    pub fn optional<T>(&mut self, key: &str, read: impl FnOnce(&mut Self, &str) -> Option<T>) -> Option<T> {
        if self.has(key) { read(self, key) } else { None }
    }

    fn value(&mut self, key: &str) -> Option<Value> {
        let value = self.table.remove(key);
        if value.is_none() {
            self.error(key, Problem::Missing);
        }
        value
    }

    fn wrong_type<T>(&self, key: &str, expected: &str) -> Option<T> {
        self.error(key, Problem::WrongType { expected: expected.to_owned() });
        None
    }

    /// A text that is not empty.
    pub fn text(&mut self, key: &str) -> Option<String> {
        let text = self.plain_text(key);
        self.note(key, || Shape::Text, || text.clone().map(Fact::Text));
        text
    }

    fn plain_text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::String(_) => {
                self.error(key, Problem::Missing);
                None
            }
            _ => self.wrong_type(key, "text"),
        }
    }

    pub fn date(&mut self, key: &str) -> Option<Date> {
        let got = match self.value(key)? {
            Value::Datetime(date) => date.to_string(),
            Value::String(text) => text,
            _ => return self.wrong_type(key, "date"),
        };
        let date: Option<Date> = got.parse().ok().filter(|_| got.len() == 10);
        self.note(key, || Shape::Date, || date.map(Fact::Date));
        match date {
            Some(date) => Some(date),
            None => {
                self.error(key, Problem::NotADate { got });
                None
            }
        }
    }

    pub fn integer(&mut self, key: &str, least: i64, most: i64) -> Option<i64> {
        let value = self.value(key)?;
        self.note(key, || Shape::Whole { least, most }, || value.as_integer().map(Fact::Number));
        match value {
            Value::Integer(got) if (least..=most).contains(&got) => Some(got),
            Value::Integer(got) => {
                self.error(key, Problem::OutOfRange { got, least, most });
                None
            }
            _ => self.wrong_type(key, "whole number"),
        }
    }

    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        self.note(key, || Shape::Flag, || value.as_bool().map(Fact::Flag));
        match value {
            Value::Boolean(flag) => Some(flag),
            _ => self.wrong_type(key, "true or false"),
        }
    }

    /// An amount as text, `"5000.00"`; never a float. Not negative.
    pub fn amount(&mut self, key: &str, currency: Currency) -> Option<Money> {
        let got = match self.value(key)? {
            Value::String(text) => text,
            _ => return self.wrong_type(key, "amount as text"),
        };
        let amount = Money::parse(&got, currency).ok().filter(|amount| amount.minor() >= 0);
        self.note(key, || Shape::Amount, || amount.map(Fact::Amount));
        match amount {
            Some(amount) => Some(amount),
            None => {
                self.error(key, Problem::NotAnAmount { got });
                None
            }
        }
    }

    /// A share in per cent as text, `"6.5"`, from 0 to 100.
    pub fn percent(&mut self, key: &str) -> Option<Rate> {
        let got = match self.value(key)? {
            Value::String(text) => text,
            _ => return self.wrong_type(key, "per cent as text"),
        };
        let rate = Rate::parse_percent(&got).ok().filter(|rate| (Rate::ZERO..=Rate::ONE).contains(rate));
        self.note(key, || Shape::Percent, || rate.map(Fact::Percent));
        match rate {
            Some(rate) => Some(rate),
            None => {
                self.error(key, Problem::NotARate { got });
                None
            }
        }
    }

    /// A text read by its own parser, such as a country or a currency.
    pub fn parsed<T: std::str::FromStr>(&mut self, key: &str) -> Option<T> {
        let got = self.plain_text(key)?;
        self.note(key, || Shape::Code, || Some(Fact::Text(got.clone())));
        match got.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                self.error(key, Problem::NotACode { got });
                None
            }
        }
    }

    pub fn one_of<T: Copy>(&mut self, key: &str, allowed: &[(&str, T)]) -> Option<T> {
        let got = self.plain_text(key)?;
        self.note(key, || Shape::OneOf(names(allowed)), || Some(Fact::Word(got.clone())));
        self.pick(key, got, allowed)
    }

    fn pick<T: Copy>(&self, key: &str, got: String, allowed: &[(&str, T)]) -> Option<T> {
        let found = allowed.iter().find(|(name, _)| *name == got).map(|(_, value)| *value);
        if found.is_none() {
            self.error(key, Problem::NotOneOf { got, allowed: names(allowed) });
        }
        found
    }

    /// A list of texts; no field at all is an empty list.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        let is_there = self.has(key);
        let texts = self.plain_texts(key);
        self.note(key, || Shape::Texts, || is_there.then(|| Fact::Texts(texts.clone())));
        texts
    }

    fn plain_texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.table.remove(key) else { return Vec::new() };
        let Value::Array(items) = value else {
            return self.wrong_type(key, "list of texts").unwrap_or_default();
        };
        items
            .into_iter()
            .filter_map(|item| match item {
                Value::String(text) if !text.trim().is_empty() => Some(text),
                _ => self.wrong_type(key, "list of texts"),
            })
            .collect()
    }

    pub fn many_of<T: Copy>(&mut self, key: &str, allowed: &[(&str, T)]) -> Vec<T> {
        let is_there = self.has(key);
        let got = self.plain_texts(key);
        self.note(key, || Shape::ManyOf(names(allowed)), || is_there.then(|| Fact::Words(got.clone())));
        got.into_iter().filter_map(|got| self.pick(key, got, allowed)).collect()
    }

    /// A table inside this one.
    pub fn table(&mut self, key: &str) -> Option<Fields<'a>> {
        self.note(key, || Shape::Table, || None);
        match self.value(key)? {
            Value::Table(table) => Some(self.inner(key, table)),
            _ => self.wrong_type(key, "table"),
        }
    }

    /// The tables of a list; no field at all is an empty list.
    pub fn tables(&mut self, key: &str) -> Vec<Fields<'a>> {
        self.note(key, || Shape::Tables, || None);
        let Some(value) = self.table.remove(key) else { return Vec::new() };
        let Value::Array(items) = value else {
            return self.wrong_type(key, "list of tables").unwrap_or_default();
        };
        items
            .into_iter()
            .enumerate()
            .filter_map(|(i, item)| match item {
                Value::Table(table) => Some(self.inner(&format!("{key} {}", i + 1), table)),
                _ => self.wrong_type(key, "list of tables"),
            })
            .collect()
    }

    fn inner(&self, key: &str, table: Table) -> Fields<'a> {
        Fields {
            file: self.file,
            rule: self.rule.clone(),
            list: self.list.clone(),
            number: self.number,
            path: format!("{}{key}.", self.path),
            table,
            errors: self.errors,
        }
    }

    /// Reports every field that nobody asked for.
    pub fn finish(self) {
        for key in self.table.keys() {
            self.error(key, Problem::UnknownField);
        }
    }
}

/// Reads a pack that is one file, with line ends as `\n`, or tells all that is wrong with it.
pub(crate) fn one_file<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&str, Table, &str, &Errors) -> Option<T>,
) -> Result<T, Vec<PackError>> {
    let errors = Errors::default();
    one_file_into(file, text, &errors, read).ok_or_else(|| errors.into_vec())
}

pub(crate) fn one_file_into<T>(
    file: &str,
    text: &str,
    errors: &Errors,
    read: impl FnOnce(&str, Table, &str, &Errors) -> Option<T>,
) -> Option<T> {
    let text = text.replace("\r\n", "\n");
    let read = match text.parse::<Table>() {
        Ok(table) => read(file, table, &text, errors),
        Err(error) => {
            errors.push(file, "", "", Problem::NotToml { detail: error.to_string() });
            None
        }
    };
    read.filter(|_| errors.is_empty())
}

/// How well something is known, by its source: as stated, which has to follow from the confidence.
pub(crate) fn knowledge(f: &mut Fields<'_>, states: &[Knowledge]) -> Option<(Confidence, Knowledge)> {
    let confidence = f.one_of("confidence", &Confidence::ALL);
    let states: Vec<_> = states.iter().map(|state| (state.code(), *state)).collect();
    let stated = f.one_of("knowledge", &states);
    let (confidence, stated) = (confidence?, stated?);
    let follows = confidence.knowledge();
    if follows != stated {
        let (stated, follows) = (stated.code().to_owned(), follows.code().to_owned());
        f.error("knowledge", Problem::KnowledgeDisagrees { stated, follows });
    }
    Some((confidence, stated))
}

/// The one table that stands under a key of a file; without it, an error.
pub(crate) fn single<'a>(file: &'a str, rule: &str, value: Option<Value>, errors: &'a Errors) -> Option<Fields<'a>> {
    match value {
        Some(Value::Table(table)) => Some(Fields::new(file, rule.to_owned(), table, errors)),
        _ => {
            errors.push(file, rule, "", Problem::Missing);
            None
        }
    }
}

/// The tables of a list of a file; no list at all is an empty one.
pub(crate) fn listed<'a>(file: &'a str, rule: &str, value: Option<Value>, errors: &'a Errors) -> Vec<Fields<'a>> {
    let items = match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let named = |(i, item): (usize, Value)| single(file, &format!("{rule} {}", i + 1), Some(item), errors);
    items.into_iter().enumerate().filter_map(named).collect()
}

fn names<T>(allowed: &[(&str, T)]) -> Vec<String> {
    allowed.iter().map(|(name, _)| (*name).to_owned()).collect()
}
