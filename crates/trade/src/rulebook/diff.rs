//! What changes between two packs of one kind, or between two days of one pack: rule by rule, field by
//! field, from what the loader read. Sentences are made of it where somebody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use super::facts::RuleFacts;
use super::reader::Fact;
use super::{Confidence, Knowledge, RuleId, RuleInfo, RuleKind, Words};

/// What a trader feels of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Felt {
    /// What is paid: duties, taxes, reliefs, limits, fees, carriage, exchange.
    Price,
    /// What may pass.
    Goods,
    /// What must be told and shown.
    Papers,
    /// How it is checked, and how much documents may differ.
    Checks,
    /// How long things hold, and what comes back.
    Time,
    /// How goods may be moved and announced.
    Moves,
}

impl Felt {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Goods => "goods",
            Self::Papers => "papers",
            Self::Checks => "checks",
            Self::Time => "time",
            Self::Moves => "moves",
        }
    }

    /// What a trader feels of a rule of this kind.
    #[must_use]
    pub const fn of(kind: RuleKind) -> Self {
        match kind {
            RuleKind::PositiveList | RuleKind::Restriction | RuleKind::Battery | RuleKind::Liquid => Self::Goods,
            RuleKind::Data | RuleKind::Description | RuleKind::Ask | RuleKind::Agreement | RuleKind::Criterion => {
                Self::Papers
            }
            RuleKind::Risk | RuleKind::Tolerance => Self::Checks,
            RuleKind::Term | RuleKind::Return => Self::Time,
            RuleKind::StockMove | RuleKind::PreAlert => Self::Moves,
            _ => Self::Price,
        }
    }
}

/// What happens to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Holds from a day on, where no such rule held before.
    Begins,
    /// Holds no more from a day on.
    Ends,
    /// From a day on it says something else.
    Changes,
    /// Says something else for days that it ruled already.
    Corrected,
    /// Is given a later last day, or none.
    Prolonged,
    /// Is in the older pack and not in the newer: as if it had never been.
    Removed,
}

impl Turn {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Ends => "ends",
            Self::Changes => "changes",
            Self::Corrected => "corrected",
            Self::Prolonged => "prolonged",
            Self::Removed => "removed",
        }
    }
}

/// One thing that happens to one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    pub felt: Felt,
    /// From which day; none where it is not bound to one.
    pub on: Option<Date>,
    pub turn: Turn,
    pub rule: RuleId,
    pub kind: RuleKind,
    pub name: Words,
    pub source: Arc<str>,
    pub knowledge: Knowledge,
    pub file: String,
    /// Of what begins: all that it says. Of what changes: what differs.
    pub fields: Vec<FieldChange>,
}

/// A field, or a row of a table within one, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    pub field: String,
    /// The first cell of a row, where the field is a table of lines: mostly an HS code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
    pub from: Option<Fact>,
    pub to: Option<Fact>,
}

/// What changes in one pack between two days.
#[must_use]
pub fn between_days(pack: &[RuleFacts], from: Date, to: Date) -> Vec<RuleChange> {
    between(pack, from, pack, to)
}

/// What holds on a day by one pack, against what holds on a day by another.
#[must_use]
pub fn between(old: &[RuleFacts], from: Date, new: &[RuleFacts], to: Date) -> Vec<RuleChange> {
    let (before, after) = (on(old, from), on(new, to));
    let ids: BTreeSet<&RuleId> = before.keys().chain(after.keys()).copied().collect();
    let changes = ids.into_iter().filter_map(|id| match (before.get(id), after.get(id)) {
        (None, Some(new)) => Some(begins(new)),
        (Some(old), None) if old.info.valid_to.is_some_and(|last| last < to) => Some(ends(old)),
        (Some(old), None) => Some(change(old, Turn::Removed, None, Vec::new())),
        (Some(old), Some(new)) => {
            let fields = differing(old, new);
            let (turn, on) = if old.info.valid_from == new.info.valid_from {
                (Turn::Corrected, None)
            } else {
                (Turn::Changes, Some(new.info.valid_from))
            };
            (!fields.is_empty()).then(|| change(new, turn, on, fields))
        }
        (None, None) => None,
    });
    sorted(changes.collect())
}

/// What a newer pack changes of an older one, over all days.
#[must_use]
pub fn between_packs(old: &[RuleFacts], new: &[RuleFacts]) -> Vec<RuleChange> {
    let (old, new) = (versions(old), versions(new));
    let ids: BTreeSet<&RuleId> = old.keys().chain(new.keys()).copied().collect();
    let mut changes = Vec::new();
    for id in ids {
        let none = BTreeMap::new();
        let (was, is) = (old.get(id).unwrap_or(&none), new.get(id).unwrap_or(&none));
        for (from, now) in is {
            let next = is.range(from.tomorrow().unwrap_or(*from)..).next().map(|(_, next)| *next);
            match was.get(from) {
                Some(then) => {
                    changes.extend(revised(then, now, next.filter(|n| !was.contains_key(&n.info.valid_from))))
                }
                None => changes.push(match is.range(..*from).next_back() {
                    Some((_, before)) => change(now, Turn::Changes, Some(*from), differing(before, now)),
                    None => begins(now),
                }),
            }
        }
        changes.extend(
            was.iter()
                .filter(|(from, _)| !is.contains_key(from))
                .map(|(_, gone)| change(gone, Turn::Removed, None, Vec::new())),
        );
    }
    sorted(changes)
}

/// What happened to one version: `next` is a version that is new in the newer pack and follows it.
fn revised(then: &RuleFacts, now: &RuleFacts, next: Option<&RuleFacts>) -> Vec<RuleChange> {
    let mut changes = Vec::new();
    let fields = differing(then, now);
    if !fields.is_empty() {
        changes.push(change(now, Turn::Corrected, None, fields));
    }
    let (was, is) = (then.info.valid_to, now.info.valid_to);
    let follows = |last: Date| next.is_some_and(|next| last.tomorrow().ok() == Some(next.info.valid_from));
    match (was, is) {
        // Where the next version follows, it tells of it by itself.
        (was, Some(last)) if was.is_none_or(|was| last < was) && !follows(last) => changes.push(ends(now)),
        (Some(was), is) if is.is_none_or(|is| is > was) => {
            let last_day = FieldChange {
                field: "valid-to".to_owned(),
                row: None,
                from: Some(Fact::Date(was)),
                to: is.map(Fact::Date),
            };
            changes.push(change(now, Turn::Prolonged, was.tomorrow().ok(), vec![last_day]));
        }
        _ => {}
    }
    changes
}

fn on(pack: &[RuleFacts], date: Date) -> BTreeMap<&RuleId, &RuleFacts> {
    pack.iter().filter(|rule| rule.info.holds_on(date)).map(|rule| (&rule.info.id, rule)).collect()
}

fn versions(pack: &[RuleFacts]) -> BTreeMap<&RuleId, BTreeMap<Date, &RuleFacts>> {
    let mut by_id: BTreeMap<&RuleId, BTreeMap<Date, &RuleFacts>> = BTreeMap::new();
    for rule in pack {
        by_id.entry(&rule.info.id).or_default().insert(rule.info.valid_from, rule);
    }
    by_id
}

fn begins(rule: &RuleFacts) -> RuleChange {
    let fields = rule.fields.iter().map(|(field, fact)| FieldChange {
        field: field.clone(),
        row: None,
        from: None,
        to: Some(fact.clone()),
    });
    change(rule, Turn::Begins, Some(rule.info.valid_from), fields.collect())
}

fn ends(rule: &RuleFacts) -> RuleChange {
    let fields = rule.fields.iter().map(|(field, fact)| FieldChange {
        field: field.clone(),
        row: None,
        from: Some(fact.clone()),
        to: None,
    });
    change(rule, Turn::Ends, rule.info.valid_to.and_then(|last| last.tomorrow().ok()), fields.collect())
}

fn change(rule: &RuleFacts, turn: Turn, on: Option<Date>, fields: Vec<FieldChange>) -> RuleChange {
    let info: &RuleInfo = &rule.info;
    RuleChange {
        felt: Felt::of(info.kind),
        on,
        turn,
        rule: info.id.clone(),
        kind: info.kind,
        name: info.name.clone(),
        source: info.source.clone(),
        knowledge: info.knowledge,
        file: info.file.clone(),
        fields,
    }
}

/// By what is felt, then by day, then by rule.
fn sorted(mut changes: Vec<RuleChange>) -> Vec<RuleChange> {
    changes.sort_by(|a, b| (a.felt, a.on, &a.rule, a.turn).cmp(&(b.felt, b.on, &b.rule, b.turn)));
    changes
}

/// Every field that differs, and how well the rule is known, where that does.
fn differing(old: &RuleFacts, new: &RuleFacts) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let names: BTreeSet<&String> = old.fields.keys().chain(new.fields.keys()).collect();
    for field in names {
        match (old.fields.get(field), new.fields.get(field)) {
            (Some(Fact::Text(from)), Some(Fact::Text(to))) if is_table(from) || is_table(to) => {
                changes.extend(rows(field, from, to));
            }
            (from, to) if from != to => {
                changes.push(FieldChange { field: field.clone(), row: None, from: from.cloned(), to: to.cloned() });
            }
            _ => {}
        }
    }
    let mut told = |field: &str, from: Fact, to: Fact| {
        if from != to {
            changes.push(FieldChange { field: field.to_owned(), row: None, from: Some(from), to: Some(to) });
        }
    };
    let confidence = |of: Confidence| Fact::Word(of.code().to_owned());
    told("confidence", confidence(old.info.confidence), confidence(new.info.confidence));
    told("source", Fact::Text(old.info.source.to_string()), Fact::Text(new.info.source.to_string()));
    changes
}

fn is_table(text: &str) -> bool {
    text.trim().contains('\n')
}

/// The rows of two tables, by their first cell; remarks and blanks are no difference.
fn rows(field: &str, old: &str, new: &str) -> Vec<FieldChange> {
    let (old, new) = (by_first_cell(old), by_first_cell(new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let cells = |row: Option<&String>| row.map(|row| Fact::Text(row.clone()));
    differing
        .map(|key| FieldChange {
            field: field.to_owned(),
            row: Some(key.clone()),
            from: cells(old.get(key)),
            to: cells(new.get(key)),
        })
        .collect()
}

/// What stands behind the first cell, by that cell. A list of codes is rows of one cell.
fn by_first_cell(text: &str) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        let cells: Vec<&str> = line.split_whitespace().collect();
        let all_codes = cells.iter().all(|cell| cell.len() >= 4 && cell.bytes().all(|b| b.is_ascii_digit()));
        match cells.as_slice() {
            [] => {}
            codes if all_codes => rows.extend(codes.iter().map(|code| ((*code).to_owned(), String::new()))),
            [first, rest @ ..] => {
                rows.insert((*first).to_owned(), rest.join(" "));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::{Folder, Pack, builtin_folders, facts, read_folder};
    use super::*;
    use crate::money::{Currency, Money};

    fn folder(name: &str) -> Folder {
        builtin_folders().into_iter().find(|folder| folder.name == name).unwrap()
    }

    fn pack(folder: &Folder) -> Vec<RuleFacts> {
        let packs = read_folder(folder).unwrap();
        let [pack @ Pack::Territory(_)] = &packs[..] else { panic!("not one territory") };
        facts(pack.files()).unwrap()
    }

    /// The folder with one text replaced at its first place in one file.
    fn edited(mut folder: Folder, file: &str, edits: &[(&str, &str)]) -> Folder {
        let (_, bytes) = folder.files.iter_mut().find(|(name, _)| name == file).unwrap();
        let mut text = String::from_utf8(bytes.clone()).unwrap();
        for (from, to) in edits {
            assert!(text.contains(from), "{file} has no {from}");
            text = text.replacen(from, to, 1);
        }
        *bytes = text.into_bytes();
        folder
    }

    fn told(changes: &[RuleChange]) -> Vec<(&str, Turn, Option<Date>)> {
        changes.iter().map(|c| (&*c.rule, c.turn, c.on)).collect()
    }

    const TERM: &str = "term = \"quote-validity\"\ndays = 7\n";
    const TERM_EXAMPLE: &str = "[[term.example]]\ndate = 2026-11-23\nends = 2026-11-30\n";

    #[test]
    fn a_pack_does_not_differ_from_itself_nor_from_one_day_to_the_next() {
        for folder in builtin_folders().iter().filter(|f| f.name.len() == 2) {
            let facts = pack(folder);
            assert_eq!(between_packs(&facts, &facts), []);
            assert_eq!(between_days(&facts, date(2026, 11, 28), date(2026, 11, 29)), []);
            assert!(facts.iter().any(|rule| !rule.fields.is_empty()));
        }
    }

    /// The high-value rule of Singapore once more, from 2027 on, from 2,000.00 instead of 3,000.00.
    const NEXT_RISK: &str = r#"
[[risk]]
id = "sg.risk.high-value"
name.en = "Goods of high value"
name.ms = "Barang bernilai tinggi"
name.zh = "高货值货物"
valid-from = 2027-01-01
source = "sample policy of the hub's operator"
confidence = "operator"
knowledge = "sourced"
direction = ["export"]
value = { basis = "goods", compare = "at-least", amount = "2000.00" }
channel = "red"
example = [{ goods = "2000.00", freight = "0.00", expect = "red" }]
"#;

    #[test]
    fn a_new_version_is_one_change_from_its_first_day_with_what_was_and_what_is() {
        let old = folder("sg");
        let from = "valid-from = 2026-01-01\n";
        let mut new = edited(old.clone(), "risk.toml", &[(from, &format!("{from}valid-to = 2026-12-31\n"))]);
        new.files.iter_mut().find(|(name, _)| name == "risk.toml").unwrap().1.extend(NEXT_RISK.bytes());
        let (old, new) = (pack(&old), pack(&new));
        let changes = between_packs(&old, &new);
        assert_eq!(told(&changes), [("sg.risk.high-value", Turn::Changes, Some(date(2027, 1, 1)))]);
        let [amount] = &changes[0].fields[..] else { panic!("{changes:?}") };
        let sgd = |text| Some(Fact::Amount(Money::parse(text, Currency::SGD).unwrap()));
        assert_eq!((&amount.field[..], &amount.from, &amount.to), ("value.amount", &sgd("3000.00"), &sgd("2000.00")));
        assert_eq!(changes[0].felt, Felt::Checks);
        // The same between two days of the newer pack
        assert_eq!(between_days(&new, date(2026, 12, 31), date(2027, 1, 1)), changes);
        // And back again: the newer version is gone, and the older has no end any more
        let back: Vec<_> = between_packs(&new, &old).iter().map(|c| (c.turn, c.on)).collect();
        assert_eq!(back, [(Turn::Removed, None), (Turn::Prolonged, Some(date(2027, 1, 1)))]);
    }

    #[test]
    fn what_is_wrong_from_the_start_is_a_correction() {
        let old = folder("sg");
        let longer = TERM.replace('7', "8");
        let example = TERM_EXAMPLE.replace("11-30", "12-01");
        let new = edited(old.clone(), "pack.toml", &[(TERM, &longer), (TERM_EXAMPLE, &example)]);
        let changes = between_packs(&pack(&old), &pack(&new));
        assert_eq!(told(&changes), [("sg.term.quote-validity", Turn::Corrected, None)]);
    }

    #[test]
    fn a_relief_that_ends_tells_its_amount() {
        let old = folder("my");
        let text = String::from_utf8(old.files.iter().find(|(n, _)| n == "consumer.toml").unwrap().1.clone()).unwrap();
        let at = text.find("[[relief]]").unwrap();
        let from = text[at..].find("valid-from = ").map(|i| &text[at + i..at + i + 23]).unwrap();
        let ended =
            format!("{}{}", &text[..at], text[at..].replacen(from, &format!("{from}\nvalid-to = 2026-12-31"), 1));
        let mut new = old.clone();
        new.files.iter_mut().find(|(n, _)| n == "consumer.toml").unwrap().1 = ended.into_bytes();
        let changes = between_packs(&pack(&old), &pack(&new));
        let [change] = &changes[..] else { panic!("{:?}", told(&changes)) };
        assert_eq!((change.turn, change.on, change.felt), (Turn::Ends, Some(date(2027, 1, 1)), Felt::Price));
        let amount = change.fields.iter().find(|f| f.field == "amount").unwrap();
        // RM 500, as the pack has it
        assert_eq!(amount.from, Some(Fact::Amount(Money::parse("500.00", Currency::MYR).unwrap())));
        assert_eq!(amount.to, None);
    }

    #[test]
    fn rows_of_a_table_are_told_one_by_one_and_remarks_are_nothing() {
        let told = rows("rows", "# a\n330499  1  13\n640399 10 13\n", "640399 8 13 # less\n330499 1 13\n040900 - -\n");
        let told: Vec<_> = told.iter().map(|r| (r.row.as_deref().unwrap(), &r.from, &r.to)).collect();
        let text = |t: &str| Some(Fact::Text(t.to_owned()));
        assert_eq!(told, [("040900", &None, &text("- -")), ("640399", &text("10 13"), &text("8 13"))]);
        let codes = rows("codes", "330499 640399\n", "330499\n420222 \n");
        assert_eq!(codes.iter().map(|r| r.row.as_deref().unwrap()).collect::<Vec<_>>(), ["420222", "640399"]);
    }
}
