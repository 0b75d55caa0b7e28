//! Reads the tables of a rule pack field by field, and names the place of everything that is wrong.

use std::cell::RefCell;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::duty_rate::RateError;
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
}

/// Where errors are gathered, so that one load names them all.
#[derive(Default)]
pub(crate) struct Errors(RefCell<Vec<PackError>>);

impl Errors {
    pub fn push(&self, file: &str, rule: &str, field: &str, problem: Problem) {
        self.0.borrow_mut().push(PackError {
            file: file.to_owned(),
            rule: rule.to_owned(),
            field: field.to_owned(),
            problem,
        });
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub fn into_vec(self) -> Vec<PackError> {
        self.0.into_inner()
    }
}

/// The fields of one table. Each is taken once; [`Fields::finish`] reports what nobody asked for.
pub(crate) struct Fields<'a> {
    pub file: &'a str,
    pub rule: String,
    path: String,
    table: Table,
    errors: &'a Errors,
}

impl<'a> Fields<'a> {
    pub fn new(file: &'a str, rule: String, table: Table, errors: &'a Errors) -> Self {
        Self { file, rule, path: String::new(), table, errors }
    }

    pub fn error(&self, field: &str, problem: Problem) {
        self.errors.push(self.file, &self.rule, &format!("{}{field}", self.path), problem);
    }

    pub fn has(&self, key: &str) -> bool {
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
        match got.parse() {
            Ok(date) if got.len() == 10 => Some(date),
            _ => {
                self.error(key, Problem::NotADate { got });
                None
            }
        }
    }

    pub fn integer(&mut self, key: &str, least: i64, most: i64) -> Option<i64> {
        match self.value(key)? {
            Value::Integer(got) if (least..=most).contains(&got) => Some(got),
            Value::Integer(got) => {
                self.error(key, Problem::OutOfRange { got, least, most });
                None
            }
            _ => self.wrong_type(key, "whole number"),
        }
    }

    pub fn flag(&mut self, key: &str) -> Option<bool> {
        match self.value(key)? {
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
        match Money::parse(&got, currency) {
            Ok(amount) if amount.minor() >= 0 => Some(amount),
            _ => {
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
        match Rate::parse_percent(&got) {
            Ok(rate) if (Rate::ZERO..=Rate::ONE).contains(&rate) => Some(rate),
            _ => {
                self.error(key, Problem::NotARate { got });
                None
            }
        }
    }

    /// A text read by its own parser, such as a country or a currency.
    pub fn parsed<T: std::str::FromStr>(&mut self, key: &str) -> Option<T> {
        let got = self.text(key)?;
        match got.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                self.error(key, Problem::NotACode { got });
                None
            }
        }
    }

    pub fn one_of<T: Copy>(&mut self, key: &str, allowed: &[(&str, T)]) -> Option<T> {
        let got = self.text(key)?;
        self.pick(key, got, allowed)
    }

    fn pick<T: Copy>(&self, key: &str, got: String, allowed: &[(&str, T)]) -> Option<T> {
        let found = allowed.iter().find(|(name, _)| *name == got).map(|(_, value)| *value);
        if found.is_none() {
            let allowed = allowed.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.error(key, Problem::NotOneOf { got, allowed });
        }
        found
    }

    /// A list of texts; no field at all is an empty list.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
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
        let names = self.texts(key);
        names.into_iter().filter_map(|got| self.pick(key, got, allowed)).collect()
    }

    /// A table inside this one.
    pub fn table(&mut self, key: &str) -> Option<Fields<'a>> {
        match self.value(key)? {
            Value::Table(table) => Some(self.inner(key, table)),
            _ => self.wrong_type(key, "table"),
        }
    }

    /// The tables of a list; no field at all is an empty list.
    pub fn tables(&mut self, key: &str) -> Vec<Fields<'a>> {
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
