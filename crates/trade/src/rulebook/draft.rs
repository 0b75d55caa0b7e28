//! A draft: what somebody would like to change in a pack, put together with it.
//!
//! A draft names only what changes. A rule with the id of one that there is takes all from it that it does
//! not state; a new id is a new rule and states everything. A rule of a draft holds from the draft's first
//! day on, its own where it has one; without either it stands in the place of the newest version, as if it
//! had always said so.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use jiff::civil::Date;
use toml::value::Datetime;
use toml::{Table, Value};

use super::diff::{FieldChange, RuleChange, between_packs};
use super::load::{self, KINDS};
use super::reader::{Errors, Fields, PackError, Problem};
use super::{RuleId, Rulebook, examples, facts};

/// By what name errors speak of it, where it has no other.
pub const DRAFT_FILE: &str = "draft.toml";

/// A pack with a draft in it.
#[derive(Debug)]
pub struct Amended {
    pub book: Rulebook,
    /// What the draft changes, rule by rule.
    pub changes: Vec<RuleChange>,
    /// Worked examples of the pack that come out otherwise under the draft: what it changes in cases that
    /// somebody has thought about before.
    pub upset: Vec<PackError>,
}

/// One version of a rule in the pack that is amended.
struct Version {
    file: usize,
    list: String,
    from: Option<Date>,
    to: Option<Date>,
    table: Table,
}

/// What a draft says besides its rules.
struct Head {
    from: Option<Date>,
    repeal: Vec<String>,
}

/// Puts a draft into a pack.
///
/// The draft's own worked examples have to come out; those of the pack need not, and are told.
///
/// # Errors
/// All that is wrong in the draft, each with rule and field.
pub fn amend(base: &Rulebook, draft: &str) -> Result<Amended, Vec<PackError>> {
    let errors = Errors::default();
    let fail =
        |problem| vec![PackError { file: DRAFT_FILE.into(), rule: String::new(), field: String::new(), problem }];
    if draft.len() > load::MOST_BYTES {
        return Err(fail(Problem::TooLarge { got: draft.len(), most: load::MOST_BYTES }));
    }
    let mut draft: Table =
        draft.parse().map_err(|e: toml::de::Error| fail(Problem::NotToml { detail: e.to_string() }))?;
    let head = head(&mut draft, base, &errors);
    let mut pack = Amending::of(base, &errors);
    let mut given: Vec<(String, Table)> = Vec::new();
    for (list, value) in draft {
        if !KINDS.iter().any(|(name, _)| *name == list) {
            errors.push(DRAFT_FILE, "", &list, Problem::UnknownField);
            continue;
        }
        let Value::Array(items) = value else {
            errors.push(DRAFT_FILE, "", &list, Problem::WrongType { expected: "list of tables".into() });
            continue;
        };
        for item in items {
            match item {
                Value::Table(table) => given.push((list.clone(), table)),
                _ => errors.push(DRAFT_FILE, &list, "", Problem::WrongType { expected: "table".into() }),
            }
        }
    }
    for id in &head.repeal {
        if !pack.repeal(id, head.from) {
            errors.push(DRAFT_FILE, "", "repeal", Problem::NoSuchRule { got: id.clone() });
        }
    }
    for (list, table) in given {
        pack.put(&list, table, head.from);
    }
    let named = pack.named.clone();
    let files = pack.files();
    if errors.is_empty() && named.is_empty() && head.repeal.is_empty() {
        errors.push(DRAFT_FILE, "", "", Problem::Missing);
    }
    let book = if errors.is_empty() { load::unproved(&facts::borrowed(&files), &errors) } else { None };
    let Some((book, worked)) = book else {
        // What the draft put where the pack's own rules stand is the draft's.
        let own = |mut error: PackError| {
            if named.keys().any(|(id, _)| *id == error.rule) {
                DRAFT_FILE.clone_into(&mut error.file);
            }
            error
        };
        let errors: Vec<PackError> = errors.into_vec().into_iter().map(own).collect();
        // A rule that could not be read is missing to others: that follows, and is not told beside it.
        let (of_draft, others): (Vec<_>, Vec<_>) = errors.into_iter().partition(|error| error.file == DRAFT_FILE);
        return Err(if of_draft.is_empty() { others } else { of_draft });
    };
    let upset = Errors::default();
    for example in &worked {
        let (rule, from) = example.of();
        let own = named.get(&(rule.to_string(), Some(from))).is_some_and(|has_own| *has_own);
        examples::check_in_book(example, &book, if own { &errors } else { &upset });
    }
    let errors = errors.into_vec();
    if !errors.is_empty() {
        return Err(errors.into_iter().map(|e| PackError { file: DRAFT_FILE.into(), ..e }).collect());
    }
    let mut changes = between_packs(&facts::unproved(base.files())?, &facts::unproved(book.files())?);
    // That a draft is a draft goes without saying.
    let of_law = |field: &FieldChange| !matches!(field.field.as_str(), "source" | "confidence" | "knowledge");
    for change in &mut changes {
        change.fields.retain(of_law);
    }
    Ok(Amended { book, changes, upset: upset.into_vec() })
}

fn head(draft: &mut Table, base: &Rulebook, errors: &Errors) -> Head {
    let table = match draft.remove("draft") {
        None => Table::new(),
        Some(Value::Table(table)) => table,
        Some(_) => {
            errors.push(DRAFT_FILE, "draft", "draft", Problem::WrongType { expected: "table".into() });
            Table::new()
        }
    };
    let mut f = Fields::new(DRAFT_FILE, "draft".to_owned(), table, errors);
    let of = f.optional("of", Fields::text);
    let name = base.territory.to_string();
    if let Some(got) = of.filter(|of| *of != name) {
        f.error("of", Problem::NotOneOf { got, allowed: vec![name] });
    }
    let from = f.optional("valid-from", Fields::date);
    let repeal = if f.has("repeal") { f.texts("repeal") } else { Vec::new() };
    f.finish();
    Head { from, repeal }
}

/// The day before.
fn eve(date: Date) -> Option<Value> {
    Datetime::from_str(&date.yesterday().ok()?.to_string()).ok().map(Value::Datetime)
}

fn date_of(table: &Table, key: &str) -> Option<Date> {
    table.get(key)?.as_datetime()?.to_string().parse().ok()
}

/// A pack while a draft is put into it.
struct Amending<'a> {
    base: &'a Rulebook,
    errors: &'a Errors,
    /// Every version of every rule, in its place in its file.
    tables: Vec<Table>,
    /// The rules that the draft states, by id and first day, with whether they bring examples of their own.
    named: BTreeMap<(String, Option<Date>), bool>,
    touched: BTreeSet<usize>,
}

impl<'a> Amending<'a> {
    fn of(base: &'a Rulebook, errors: &'a Errors) -> Self {
        // They were parsed when the pack was loaded.
        let tables = base.files().iter().map(|(_, text)| text.parse().unwrap_or_default()).collect();
        Self { base, errors, tables, named: BTreeMap::new(), touched: BTreeSet::new() }
    }

    /// The versions of a rule, oldest first.
    fn versions(&self, id: &str) -> Vec<Version> {
        let mut versions = Vec::new();
        for (file, table) in self.tables.iter().enumerate() {
            for (list, items) in table {
                for item in items.as_array().into_iter().flatten().filter_map(Value::as_table) {
                    if item.get("id").and_then(Value::as_str) == Some(id) {
                        let (from, to) = (date_of(item, "valid-from"), date_of(item, "valid-to"));
                        versions.push(Version { file, list: list.clone(), from, to, table: item.clone() });
                    }
                }
            }
        }
        versions.sort_by_key(|version| version.from);
        versions
    }

    /// Ends a rule the day before `from`, and forgets what would have begun since; without a day, all of it.
    fn repeal(&mut self, id: &str, from: Option<Date>) -> bool {
        let versions = self.versions(id);
        for version in &versions {
            self.cut(version, id, from);
        }
        !versions.is_empty()
    }

    /// Gives the place where the version stands, or stood.
    fn cut(&mut self, version: &Version, id: &str, from: Option<Date>) -> usize {
        self.touched.insert(version.file);
        let Some(items) = self.tables[version.file].get_mut(&version.list).and_then(Value::as_array_mut) else {
            return 0;
        };
        let is_it = |item: &Value| {
            let table = item.as_table();
            table.is_some_and(|t| {
                t.get("id").and_then(Value::as_str) == Some(id) && date_of(t, "valid-from") == version.from
            })
        };
        let Some(at) = items.iter().position(is_it) else { return items.len() };
        match from.filter(|from| version.from.is_some_and(|begun| begun < *from)) {
            None => {
                items.remove(at);
                at
            }
            Some(from) => {
                let over = version.to.is_some_and(|to| to < from);
                if let (false, Some(day), Some(table)) = (over, eve(from), items[at].as_table_mut()) {
                    table.insert("valid-to".to_owned(), day);
                }
                at + 1
            }
        }
    }

    /// Puts a rule of the draft in the place of the one that it changes, or into the draft's own file.
    fn put(&mut self, list: &str, mut stated: Table, from: Option<Date>) {
        let Some(id) = stated.get("id").and_then(Value::as_str).map(str::to_owned) else {
            self.errors.push(DRAFT_FILE, list, "id", Problem::Missing);
            return;
        };
        let own_from = date_of(&stated, "valid-from").or(from);
        if let (Some(day), false) = (own_from, stated.contains_key("valid-from"))
            && let Ok(day) = Datetime::from_str(&day.to_string())
        {
            stated.insert("valid-from".to_owned(), Value::Datetime(day));
        }
        let own_examples = stated.contains_key("example");
        let versions = self.versions(&id);
        if let Some(other) = versions.iter().find(|version| version.list != list) {
            let problem = Problem::NotOneOf { got: list.to_owned(), allowed: vec![other.list.clone()] };
            self.errors.push(DRAFT_FILE, &id, list, problem);
            return;
        }
        let model = match own_from {
            Some(day) => versions.iter().rfind(|v| v.from.is_some_and(|begun| begun <= day)).or(versions.first()),
            None => versions.last(),
        };
        let Some(model) = model else {
            let from = date_of(&stated, "valid-from");
            self.named.insert((id, from), own_examples);
            let items = self.own_file().entry(list.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            if let Some(items) = items.as_array_mut() {
                items.push(Value::Table(stated));
            }
            return;
        };
        let Some(merged) = self.merge(&id, &model.table, stated, own_from.is_some()) else { return };
        let begins = date_of(&merged, "valid-from");
        if self.named.contains_key(&(id.clone(), begins)) {
            self.errors.push(DRAFT_FILE, &id, "valid-from", Problem::Duplicate { got: id.clone() });
            return;
        }
        let cut: Vec<&Version> = if own_from.is_some() { versions.iter().collect() } else { vec![model] };
        let (file, mut at) = (model.file, 0);
        for version in cut {
            let place = self.cut(version, &id, begins.filter(|_| own_from.is_some()));
            if version.file == file {
                at = place;
            }
        }
        self.named.insert((id, begins), own_examples);
        self.touched.insert(file);
        let items = self.tables[file].entry(list.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(items) = items.as_array_mut() {
            items.insert(at.min(items.len()), Value::Table(merged));
        }
    }

    /// What the draft states, and from the pack what it does not.
    fn merge(&self, id: &str, model: &Table, mut stated: Table, dated: bool) -> Option<Table> {
        let mut merged = model.clone();
        if dated {
            merged.remove("valid-to");
        }
        // What is only restated is as well known as it was.
        let says_more = stated.keys().any(|key| !matches!(key.as_str(), "id" | "valid-from"));
        if says_more && !stated.contains_key("source") {
            for (key, value) in [("source", "draft"), ("confidence", "operator"), ("knowledge", "sourced")] {
                merged.insert(key.to_owned(), Value::String(value.to_owned()));
            }
        }
        let mut fine = true;
        if let Some(without) = stated.remove("without") {
            for key in without.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if merged.remove(key).is_none() {
                    let allowed = model.keys().cloned().collect();
                    let problem = Problem::NotOneOf { got: key.to_owned(), allowed };
                    self.errors.push(DRAFT_FILE, id, "without", problem);
                    fine = false;
                }
            }
        }
        if let Some(changed) = stated.remove("rows-change") {
            match (changed.as_str(), merged.get("rows").and_then(Value::as_str)) {
                (Some(changed), Some(rows)) => {
                    let rows = rows_with(rows, changed);
                    merged.insert("rows".to_owned(), Value::String(rows));
                }
                _ => {
                    self.errors.push(DRAFT_FILE, id, "rows-change", Problem::WrongType { expected: "text".into() });
                    fine = false;
                }
            }
        }
        merged.extend(stated);
        fine.then_some(merged)
    }

    fn own_file(&mut self) -> &mut Table {
        let at = self.base.files().len();
        if self.tables.len() == at {
            self.tables.push(Table::new());
        }
        self.touched.insert(at);
        &mut self.tables[at]
    }

    /// Files that the draft does not touch stay as they were written.
    fn files(self) -> Vec<(String, String)> {
        let names = self.base.files().iter().map(|(name, _)| name.as_str()).chain([DRAFT_FILE]);
        let whole = self.tables.iter().enumerate().zip(names);
        let text = |((at, table), name): ((usize, &Table), &str)| {
            let text = match self.base.files().get(at) {
                Some((_, text)) if !self.touched.contains(&at) => text.clone(),
                _ => table.to_string(),
            };
            (name.to_owned(), text)
        };
        whole.map(text).collect()
    }
}

/// Rows by their first column: those of the same key are replaced, the others come after.
fn rows_with(rows: &str, changed: &str) -> String {
    let key = |line: &str| {
        let line = line.trim();
        (!line.is_empty() && !line.starts_with('#')).then(|| line.split_whitespace().next().map(str::to_owned))?
    };
    let new: BTreeMap<String, &str> = changed.lines().filter_map(|line| Some((key(line)?, line.trim()))).collect();
    let mut placed = BTreeSet::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in rows.lines() {
        let found = key(line).and_then(|key| new.get_key_value(&key));
        lines.push(found.map_or(line, |(key, line)| {
            placed.insert(key.clone());
            line
        }));
    }
    lines.extend(new.iter().filter(|(key, _)| !placed.contains(*key)).map(|(_, line)| *line));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

impl examples::Example {
    /// The version of the rule that it stands under.
    fn of(&self) -> (&RuleId, Date) {
        (&self.rule, self.from)
    }
}

#[cfg(test)]
mod tests;
