//! What a pack says, field by field, as the loader read it: for comparing packs and for the schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::pack::Head;
use super::reader::{Asked, Errors, Fact, PackError};
use super::{RuleId, RuleIndex, RuleInfo, RuleKind, Words, load, pack};
use crate::hazard::Transport;
use crate::origin::Agreement;

/// One version of a rule with what it says besides what every rule has. Tables in a list are told apart
/// by a number where the rule has several: `due-from.per`, `due-from.per 2`.
#[derive(Clone, Debug)]
pub struct RuleFacts {
    pub info: Arc<RuleInfo>,
    pub fields: BTreeMap<String, Fact>,
}

/// All versions of all rules of a pack, from its files, by id and first day. A scorecard and terms of
/// delivery have none.
///
/// # Errors
/// The files are not a pack that loads.
pub fn facts(files: &[(String, String)]) -> Result<Vec<RuleFacts>, Vec<PackError>> {
    let files = borrowed(files);
    let errors = Errors::noting();
    let rules = |rules: RuleIndex| told(rules, &errors, None);
    let alone = || match &files[..] {
        [one] => Ok(*one),
        _ => Err(pack::headless(&files)),
    };
    let found = match pack::head_of(files.iter().map(|(_, text)| *text)) {
        Some(Head::Territory(_)) => load::rulebook_into(&files, &errors).map(|book| rules(book.rules)),
        Some(Head::Lane) => load::lane_into(&files, &errors).map(|lane| rules(lane.rules)),
        Some(Head::Agreement) => {
            let (file, text) = alone()?;
            Agreement::load_into(file, text, &errors).map(|agreement| of_agreement(&agreement, &errors))
        }
        Some(Head::Transport) => {
            let (file, text) = alone()?;
            let transport = Transport::load_into(file, text, &errors);
            transport.map(|transport| rules(super::index_of(transport.rules().cloned())))
        }
        Some(Head::Scorecard | Head::Incoterms) => Some(Vec::new()),
        None => return Err(pack::headless(&files)),
    };
    found.ok_or_else(|| errors.into_vec())
}

/// The criteria begin when the agreement does, and its proofs are told with it.
fn of_agreement(agreement: &Agreement, errors: &Errors) -> Vec<RuleFacts> {
    let mut told = told(super::index_of(agreement.rules()), errors, Some(agreement.valid_from));
    let proofs =
        |of: fn(&Words) -> &String| Fact::Texts(agreement.proofs.iter().map(|p| of(&p.name).clone()).collect());
    let all = [("en", proofs(|w| &w.en)), ("ms", proofs(|w| &w.ms)), ("zh", proofs(|w| &w.zh))];
    if let Some(own) = told.iter_mut().find(|rule| rule.info.kind == RuleKind::Agreement) {
        own.fields.extend(all.map(|(language, names)| (format!("proof.{language}"), names)));
    }
    told
}

/// The same of the pack of a territory whose examples need not come out: one with a draft in it.
pub(super) fn unproved(files: &[(String, String)]) -> Result<Vec<RuleFacts>, Vec<PackError>> {
    let errors = Errors::noting();
    match load::unproved(&borrowed(files), &errors) {
        Some((book, _)) => Ok(told(book.rules, &errors, None)),
        None => Err(errors.into_vec()),
    }
}

/// Files as the loader takes them.
pub(super) fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

/// `day`: the first of rules that state none.
fn told(rules: RuleIndex, errors: &Errors, day: Option<Date>) -> Vec<RuleFacts> {
    let infos = rules.into_values().flatten();
    let mut by_rule: BTreeMap<usize, Vec<Asked>> = BTreeMap::new();
    for asked in errors.asked() {
        by_rule.entry(asked.rule).or_default().push(asked);
    }
    let mut of: BTreeMap<(RuleId, Date), BTreeMap<String, Fact>> = BTreeMap::new();
    for asked in by_rule.into_values() {
        let (mut id, mut from) = (None, day);
        let mut fields = BTreeMap::new();
        for field in asked {
            match (field.path.as_str(), field.found) {
                ("id", Some(Fact::Text(text))) => id = Some(RuleId::from(text.as_str())),
                ("valid-from", Some(Fact::Date(date))) => from = Some(date),
                (path, Some(fact)) if !is_common(path) => put(&mut fields, path, fact),
                _ => {}
            }
        }
        if let (Some(id), Some(from)) = (id, from) {
            of.insert((id, from), fields);
        }
    }
    let with_fields = |info: Arc<RuleInfo>| {
        let fields = of.remove(&(info.id.clone(), info.valid_from)).unwrap_or_default();
        RuleFacts { info, fields }
    };
    infos.map(with_fields).collect()
}

/// What every rule has, which [`RuleInfo`] tells, and its examples, which prove it and rule nothing.
fn is_common(path: &str) -> bool {
    let first = path.split('.').next().unwrap_or(path);
    matches!(
        first,
        "id" | "name" | "note" | "valid-from" | "valid-to" | "source" | "confidence" | "knowledge" | "example"
    )
}

fn put(fields: &mut BTreeMap<String, Fact>, path: &str, fact: Fact) {
    // A field may be asked for twice, as a text and then by its own parser: one fact.
    if fields.get(path) == Some(&fact) && !path.contains('.') {
        return;
    }
    let name = (1..).map(|n: u32| if n == 1 { path.to_owned() } else { format!("{path} {n}") });
    let free = name.into_iter().find(|name| !fields.contains_key(name));
    if let Some(name) = free {
        fields.insert(name, fact);
    }
}
