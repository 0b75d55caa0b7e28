//! What a pack holds, counted: for whoever is about to go by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;
use toml::{Table, Value};

use super::pack::{Pack, PackName};
use super::reader::{PackError, Problem};
use super::{Knowledge, RuleId, RuleInfo, Words};
use crate::time::Days;

/// Fewer worked examples than this do not prove the pack of a market.
pub const EXAMPLES_LEAST: usize = 6;
/// A rule that ends within this time is named, so that somebody writes the next one: a quarter, in which
/// most laws are announced.
pub const ENDS_SOON: Days = Days(90);

/// One pack, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackReport {
    pub pack: PackName,
    pub name: Option<Words>,
    pub digest: Arc<str>,
    pub files: usize,
    /// Rules and versions by the name of their list; every version counts.
    pub kinds: BTreeMap<String, usize>,
    pub rules: usize,
    pub sourced: usize,
    pub unverified: usize,
    pub unknown: usize,
    pub examples: usize,
    /// The first day of the oldest rule.
    pub from: Option<Date>,
    /// The last day of the rule that lasts longest; none where one has no end.
    pub to: Option<Date>,
    pub ends_soon: Vec<Ending>,
    pub warnings: Vec<PackWarning>,
}

/// A rule that ends soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending {
    pub rule: RuleId,
    pub file: String,
    pub valid_to: Date,
    /// When its next version begins; none where nobody has written it.
    pub next: Option<Date>,
}

/// What does not stop a pack, and should be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PackWarning {
    /// The last version of a rule has ended, and no newer one is there.
    RuleEnded { rule: RuleId, file: String, last_day: Date },
    /// Between two versions of a rule are days on which none holds.
    RuleGap { rule: RuleId, file: String, last_day: Date, next_day: Date },
}

/// Counts what a pack holds as of `date`.
///
/// # Errors
/// The pack of a territory has too few examples.
pub fn check(pack: &Pack, date: Date) -> Result<PackReport, Vec<PackError>> {
    let examples = pack.files().iter().filter_map(|(_, text)| text.parse::<Table>().ok()).map(|t| examples(&t)).sum();
    let mut report = PackReport {
        pack: pack.name(),
        name: None,
        digest: pack.digest().clone(),
        files: pack.files().len(),
        kinds: BTreeMap::new(),
        rules: 0,
        sourced: 0,
        unverified: 0,
        unknown: 0,
        examples,
        from: None,
        to: None,
        ends_soon: Vec::new(),
        warnings: Vec::new(),
    };
    match pack {
        Pack::Territory(book) => {
            report.name = Some(book.name.clone());
            if examples < EXAMPLES_LEAST {
                let file = book.files().first().map_or_else(String::new, |(name, _)| name.clone());
                let problem = Problem::TooFewExamples { got: examples, least: EXAMPLES_LEAST };
                return Err(vec![PackError { file, rule: String::new(), field: "example".to_owned(), problem }]);
            }
            count(&mut report, book.rules.values(), date);
        }
        Pack::Lane(lane) => count(&mut report, lane.rules.values(), date),
        Pack::Agreement(agreement) => {
            report.name = Some(agreement.name.clone());
            count(&mut report, super::index_of(agreement.rules()).values(), date);
        }
        Pack::Transport(transport) => {
            report.name = Some(transport.name.clone());
            count(&mut report, super::index_of(transport.rules().cloned()).values(), date);
        }
        Pack::Incoterms(terms, _) => {
            report.name = Some(terms.name.clone());
            report.kinds.insert("incoterms".to_owned(), 1);
            (report.rules, report.sourced, report.from) = (1, 1, Some(terms.valid_from));
        }
        // A scorecard is one rule, of the operator's own.
        Pack::Scorecard(card) => {
            report.name = Some(card.name.clone());
            report.kinds.insert("scorecard".to_owned(), 1);
            (report.rules, report.sourced, report.from) = (1, 1, Some(card.valid_from));
        }
    }
    Ok(report)
}

/// Worked examples anywhere in a file: tables of a list `example`, and texts judged `good` or `bad`.
fn examples(table: &Table) -> usize {
    table
        .iter()
        .map(|(key, value)| match value {
            Value::Array(items) if matches!(key.as_str(), "example" | "good" | "bad") => items.len(),
            Value::Array(items) => items.iter().filter_map(Value::as_table).map(examples).sum(),
            Value::Table(inner) => examples(inner),
            _ => 0,
        })
        .sum()
}

fn count<'a>(report: &mut PackReport, rules: impl Iterator<Item = &'a Vec<Arc<RuleInfo>>>, date: Date) {
    let soon = date.saturating_add(ENDS_SOON.0.days());
    let mut endless = false;
    for versions in rules {
        for (i, info) in versions.iter().enumerate() {
            let next = versions.get(i + 1).map(|next| next.valid_from);
            report.rules += 1;
            *report.kinds.entry(info.kind.code()).or_default() += 1;
            match info.knowledge {
                Knowledge::Sourced => report.sourced += 1,
                Knowledge::Unverified => report.unverified += 1,
                Knowledge::Unknown => report.unknown += 1,
            }
            report.from = Some(report.from.map_or(info.valid_from, |from| from.min(info.valid_from)));
            let Some(last_day) = info.valid_to else {
                endless = true;
                continue;
            };
            report.to = report.to.max(Some(last_day));
            let (rule, file) = (info.id.clone(), info.file.clone());
            match next {
                None if last_day < date => report.warnings.push(PackWarning::RuleEnded { rule, file, last_day }),
                Some(next_day) if last_day.tomorrow().is_ok_and(|day| day < next_day) && next_day > date => {
                    report.warnings.push(PackWarning::RuleGap { rule, file, last_day, next_day });
                }
                _ if (date..=soon).contains(&last_day) => {
                    report.ends_soon.push(Ending { rule, file, valid_to: last_day, next });
                }
                _ => {}
            }
        }
    }
    if endless {
        report.to = None;
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::pack::{Folder, read_folder};
    use super::super::{builtin, builtin_folders};
    use super::*;

    fn folder(name: &str) -> Folder {
        builtin_folders().into_iter().find(|folder| folder.name == name).unwrap()
    }

    fn edit(folder: &mut Folder, file: &str, from: &str, to: &str) {
        let (_, bytes) = folder.files.iter_mut().find(|(name, _)| name == file).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    }

    #[test]
    fn a_folder_anywhere_has_the_digest_of_the_pack_that_is_built_in() {
        let built = builtin().unwrap();
        for mut folder in builtin_folders() {
            folder.name = format!("copy-of-{}", folder.name);
            for pack in read_folder(&folder).unwrap() {
                let digest = match &pack {
                    Pack::Territory(book) => built.book(book.territory).unwrap().digest.clone(),
                    Pack::Lane(lane) => built.lane(lane.from, lane.to, lane.regime).unwrap().digest.clone(),
                    Pack::Agreement(agreement) => built.agreement(&agreement.id).unwrap().digest.clone(),
                    Pack::Transport(transport) => {
                        let own = built.transports.iter().find(|own| own.id == transport.id);
                        own.unwrap().digest.clone()
                    }
                    Pack::Incoterms(terms, _) => terms.digest.clone(),
                    Pack::Scorecard(_) => built.scorecard.clone().unwrap().digest.clone(),
                };
                assert_eq!(*pack.digest(), digest, "{}", pack.name());
            }
        }
    }

    #[test]
    fn every_built_in_pack_is_counted_and_has_the_examples_of_a_market() {
        let mut warned = Vec::new();
        for folder in builtin_folders() {
            for pack in read_folder(&folder).unwrap() {
                let report = check(&pack, date(2026, 11, 29)).unwrap();
                assert_eq!(report.kinds.values().sum::<usize>(), report.rules, "{}", report.pack);
                assert_eq!(report.sourced + report.unverified + report.unknown, report.rules);
                assert!(report.examples >= 1);
                warned.extend(report.warnings.iter().map(|warning| match warning {
                    PackWarning::RuleEnded { rule, .. } => rule.to_string(),
                    other => panic!("{}: {other:?}", report.pack),
                }));
            }
        }
        // These ended by law, and nothing came in their place under their names.
        let ended = [
            "eu.relief.150",
            "us.entry.ieepa",
            "us.entry.section-122",
            "us.ieepa.rates",
            "us.parcel.ieepa",
            "us.parcel.section-122",
            "us.section-122.rates",
            "vn.parcel.relief",
        ];
        warned.sort();
        assert_eq!(warned, ended);
    }

    #[test]
    fn a_rule_that_ends_within_ninety_days_is_named_and_one_that_has_ended_warns() {
        let mut folder = folder("sg");
        let valid = "valid-from = 2026-01-01\nsource";
        edit(&mut folder, "pack.toml", valid, "valid-from = 2026-01-01\nvalid-to = 2027-02-27\nsource");
        let pack = read_folder(&folder).unwrap().pop().unwrap();
        // 27 February 2027 is 90 days after 29 November 2026
        let soon = check(&pack, date(2026, 11, 29)).unwrap();
        let ending = &soon.ends_soon[..];
        let [Ending { rule, valid_to, next: None, .. }] = ending else { panic!("{ending:?}") };
        assert_eq!((&**rule, *valid_to), ("sg.term.quote-validity", date(2027, 2, 27)));
        assert_eq!(check(&pack, date(2026, 11, 28)).unwrap().ends_soon, []);
        let after = check(&pack, date(2027, 2, 28)).unwrap();
        assert_eq!(after.ends_soon, []);
        let [PackWarning::RuleEnded { last_day, .. }] = after.warnings[..] else { panic!("{after:?}") };
        assert_eq!(last_day, date(2027, 2, 27));
    }

    #[test]
    fn what_cannot_be_of_a_pack_is_refused_by_its_name() {
        let problem = |folder: &Folder| {
            let errors = read_folder(folder).unwrap_err();
            (errors[0].file.clone(), errors[0].problem.clone())
        };
        let mut copy = folder("sg");
        copy.files.push(("notes.txt".to_owned(), b"what we thought".to_vec()));
        assert_eq!(problem(&copy), ("sg/notes.txt".to_owned(), Problem::NotOfAPack));
        let mut copy = folder("sg");
        copy.files.push(("more.toml".to_owned(), vec![0xb7, 0xd1]));
        assert_eq!(problem(&copy), ("sg/more.toml".to_owned(), Problem::NotUtf8));
        let empty = Folder { name: "empty".to_owned(), files: Vec::new() };
        assert_eq!(problem(&empty), ("empty".to_owned(), Problem::NoHead));
        let plain = Folder { name: "x".to_owned(), files: vec![("a.toml".to_owned(), b"a = 1".to_vec())] };
        assert_eq!(problem(&plain), ("x/a.toml".to_owned(), Problem::NoHead));
        let broken = Folder { name: "x".to_owned(), files: vec![("a.toml".to_owned(), b"a = ".to_vec())] };
        assert!(matches!(problem(&broken).1, Problem::NotToml { .. }));
        let mut mark = folder("sg");
        mark.files[0].1.splice(0..0, "\u{feff}".bytes());
        assert_eq!(read_folder(&mark).unwrap()[0].digest(), read_folder(&folder("sg")).unwrap()[0].digest());
    }
}
