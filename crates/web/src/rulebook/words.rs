//! Rule packs in words: what is wrong with one, what it says, and what changes.

use std::borrow::Cow;

use trade::command::Problem;
use trade::rulebook::{Fact, FieldChange, PackError, RuleChange, Turn};

use crate::i18n::{self, Tr};

/// The field that says on which side of an amount a value lies.
const COMPARE: &str = "compare";
/// Rows of a table that are told one by one; more are counted.
const ROWS_TOLD: usize = 20;
/// Items of a list that are told.
const ITEMS_TOLD: usize = 12;

/// What is wrong in a pack, and what to do: message `problem-pack-<code>`.
#[must_use]
pub fn told(t: &Tr, error: &PackError) -> i18n::Told {
    let problem = Problem::of(&error.problem);
    t.problem(&Problem { code: format!("pack-{}", problem.code), args: problem.args })
}

/// Where in a pack something is wrong: `my/consumer.toml: my.lvg: rate`, as far as it is known.
#[must_use]
pub fn place(error: &PackError) -> String {
    let parts = [&error.file, &error.rule, &error.field].map(String::as_str);
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// One change of a rule as somebody reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// From 1 July 2026: the relief of parcels up to RM 500 ends.
    pub sentence: String,
    /// A line for each field.
    pub fields: Vec<String>,
    /// How many rows more there are than are told.
    pub more: Option<String>,
    /// The rule's id, its source, and how well it is known.
    pub source: String,
}

#[must_use]
pub fn tell(t: &Tr, change: &RuleChange) -> Told {
    let name = t.words(&change.name);
    let on = change.on.map(|date| t.date(date));
    let key = match (change.turn, &on) {
        (Turn::Begins, Some(_)) => "rules-begins",
        (Turn::Begins, None) => "rules-added",
        (Turn::Ends, _) => "rules-ends",
        (Turn::Changes, _) => "rules-changes",
        (Turn::Corrected, _) => "rules-corrected",
        (Turn::Prolonged, _) => "rules-prolonged",
        (Turn::Removed, _) => "rules-removed",
    };
    let sentence = t.w(key, [("on", on.unwrap_or_default()), ("rule", name)]);
    let told: Vec<String> =
        whole(t, &change.fields).iter().filter_map(|field| field_line(t, change.turn, field)).collect();
    let left = told.len().saturating_sub(ROWS_TOLD);
    let source = t.w(
        "rules-source",
        [
            ("rule", change.rule.to_string()),
            ("source", change.source.to_string()),
            ("knowledge", t.by("knowledge", change.knowledge.code())),
        ],
    );
    Told {
        sentence,
        fields: told.into_iter().take(ROWS_TOLD).collect(),
        more: (left > 0).then(|| t.n("rules-more", left)),
        source,
    }
}

/// The fields, a value's bound as one: what is compared, how, and with which amount are read together.
fn whole<'a>(t: &Tr, fields: &'a [FieldChange]) -> Vec<Cow<'a, FieldChange>> {
    let beside = |compare: &str, name: &str| {
        let other = compare.replacen(COMPARE, name, 1);
        fields.iter().find(|field| field.row.is_none() && field.field == other)
    };
    let mut whole = Vec::new();
    for field in fields {
        let own = field.field.split(['.', ' ']).find(|part| [COMPARE, "amount", "basis"].contains(part));
        let compare = own.and_then(|own| {
            let at = field.field.replacen(own, COMPARE, 1);
            fields.iter().find(|field| field.row.is_none() && field.field == at)
        });
        let parts = compare.and_then(|compare| Some((compare, beside(&compare.field, "amount")?)));
        match (own, parts) {
            (Some(COMPARE), Some((compare, amount))) => {
                let basis = beside(&compare.field, "basis");
                let bound = |side: fn(&FieldChange) -> &Option<Fact>| {
                    let (compare, amount) = (side(compare).as_ref()?, side(amount).as_ref()?);
                    let bound = [("compare", fact_text(t, compare)), ("amount", fact_text(t, amount))];
                    Some(Fact::Text(match basis.and_then(|basis| side(basis).as_ref()) {
                        None => t.w("rules-bound", bound),
                        Some(basis) => {
                            let [compare, amount] = bound;
                            t.w("rules-bound-of", [compare, amount, ("basis", fact_text(t, basis))])
                        }
                    }))
                };
                let (from, to) = (bound(|field| &field.from), bound(|field| &field.to));
                if from.is_some() || to.is_some() {
                    whole.push(Cow::Owned(FieldChange { from, to, ..compare.clone() }));
                }
            }
            (Some(_), Some(_)) => {}
            _ => whole.push(Cow::Borrowed(field)),
        }
    }
    whole
}

fn field_line(t: &Tr, turn: Turn, change: &FieldChange) -> Option<String> {
    let label = match &change.row {
        Some(row) => format!("{} {row}", field_name(t, &change.field)),
        None => field_name(t, &change.field),
    };
    let fact_text = |t: &Tr, fact: &Fact| match fact {
        Fact::Texts(codes) if change.field.ends_with("chapters") => fact_text(t, &Fact::Texts(named(t, codes))),
        _ => fact_text(t, fact),
    };
    let value = |fact: &Option<Fact>| match fact {
        // A code of a list has nothing behind it but that it stands there.
        Some(Fact::Text(text)) if text.is_empty() && change.row.is_some() => t.s("rules-listed"),
        Some(fact) => fact_text(t, fact),
        None => t.s("rules-not-there"),
    };
    match (turn, &change.from, &change.to) {
        (_, None, None) => None,
        (Turn::Begins, _, Some(to)) => Some(t.w2("rules-field-is", "field", label, "value", fact_text(t, to))),
        (Turn::Ends, Some(from), _) => Some(t.w2("rules-field-is", "field", label, "value", fact_text(t, from))),
        (_, from, to) => Some(t.w("rules-field-turns", [("field", label), ("from", value(from)), ("to", value(to))])),
    }
}

/// Chapters of the HS with their names.
fn named(t: &Tr, codes: &[String]) -> Vec<String> {
    codes.iter().map(|code| t.chapter(code)).collect()
}

/// A word of a closed list of the format.
#[must_use]
pub fn word_text(t: &Tr, word: &str) -> String {
    t.by("rules-value", word)
}

/// `due-from.per 2` is a field of an inner table, the second of its kind.
#[must_use]
pub fn field_name(t: &Tr, path: &str) -> String {
    let (path, number) = path.split_once(' ').map_or((path, None), |(path, number)| (path, Some(number)));
    let name = t.by("rules-field", path.replace('.', "-"));
    number.map_or(name.clone(), |number| format!("{name} ({number})"))
}

#[must_use]
pub fn fact_text(t: &Tr, fact: &Fact) -> String {
    let list = |items: Vec<String>| {
        let left = items.len().saturating_sub(ITEMS_TOLD);
        let mut told: Vec<String> = items.into_iter().take(ITEMS_TOLD).collect();
        if left > 0 {
            told.push(t.n("rules-more", left));
        }
        told.join(&t.s("list-comma"))
    };
    match fact {
        Fact::Text(text) if text.trim().contains('\n') => {
            let rows = text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
            t.n("rules-rows", rows.count())
        }
        Fact::Text(text) => text.trim().to_owned(),
        Fact::Word(word) => word_text(t, word),
        Fact::Texts(items) => list(items.clone()),
        Fact::Words(items) => list(items.iter().map(|word| word_text(t, word)).collect()),
        Fact::Date(date) => t.date(*date),
        Fact::Number(number) => t.num(*number),
        Fact::Flag(flag) => t.by("bool", flag.to_string()),
        Fact::Amount(money) => t.money(*money),
        Fact::Percent(rate) => t.percent(*rate),
    }
}
