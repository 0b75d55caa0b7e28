use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fluent_bundle::FluentResource;
use jiff::tz::TimeZone;
use serde_json::json;
use trade::money::{Currency, Money};
use trade::quantity::Grams;
use trade::time::BusinessTime;

use super::*;

fn reader(lang: Lang) -> Tr {
    Tr::new(lang, TimeZone::get("Asia/Shanghai").unwrap())
}

/// The keys of one language, with the attributes as `key.attribute`.
fn keys(lang: Lang) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for noun in NOUNS {
        let text = noun.texts[at(lang)];
        let parsed = FluentResource::try_new(text.to_owned());
        assert!(parsed.is_ok(), "{} in {} does not parse: {:?}", noun.name, lang.code(), parsed.err().map(|e| e.1));
        let mut current = String::new();
        for line in text.lines() {
            let Some((left, _)) = line.split_once('=') else { continue };
            if let Some(attribute) = line.strip_prefix("    .") {
                let name = attribute.split([' ', '=']).next().unwrap_or_default();
                keys.insert(format!("{current}.{name}"));
            } else if !line.starts_with([' ', '#']) {
                current = left.trim().to_owned();
                assert!(keys.insert(current.clone()), "{} stands twice in {}", current, lang.code());
            }
        }
    }
    keys
}

#[test]
fn a_reason_is_told_without_its_values() {
    assert_eq!(
        reader(Lang::En).reason("hs-too-short"),
        "The HS code … is too short: customs needs six digits or more."
    );
    assert_eq!(reader(Lang::En).reason("no-such-code"), "The hub refused this (no-such-code).");
}

fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), ending, &mut found);
    found
}

/// Calls of the message functions with a literal key: `p.s("key")`, `t.w("key", …)`, `.n("key", …)`;
/// and lists, `.by("list", …)`, of which at least one word must exist.
fn used(text: &str, call: &str) -> Vec<String> {
    text.split(call)
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(key, _)| key.to_owned()))
        .filter(|key| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .collect()
}

#[test]
fn every_message_that_pages_use_is_there_in_english() {
    let known = keys(Lang::En);
    let mut missing = BTreeMap::new();
    for (file, text) in files("templates", ".html").into_iter().chain(files("src", ".rs")) {
        // This file speaks of the calls themselves.
        if file.ends_with("i18n/tests.rs") {
            continue;
        }
        for call in [".s(\"", ".w(\"", ".w1(\"", ".w2(\"", ".n(\""] {
            for key in used(&text, call) {
                if !known.contains(&key) {
                    missing.insert(key, file.clone());
                }
            }
        }
        for list in used(&text, ".by(\"") {
            if !known.iter().any(|k| k.starts_with(&format!("{list}-"))) {
                missing.insert(list, file.clone());
            }
        }
    }
    assert!(missing.is_empty(), "messages used but not written: {missing:#?}");
}

#[test]
fn malay_and_chinese_say_all_that_english_says_and_no_more() {
    let english = keys(Lang::En);
    for lang in [Lang::Ms, Lang::Zh] {
        let own = keys(lang);
        let missing: Vec<_> = english.difference(&own).collect();
        let more: Vec<_> = own.difference(&english).collect();
        assert!(missing.is_empty() && more.is_empty(), "{}: missing {missing:?}, too many {more:?}", lang.code());
    }
}

#[test]
fn a_translation_uses_the_values_that_the_english_uses() {
    let values = |lang: Lang| -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for noun in NOUNS {
            let mut current = String::new();
            for line in noun.texts[at(lang)].lines() {
                if let Some(attribute) = line.strip_prefix("    .") {
                    let base = current.split('.').next().unwrap_or_default().to_owned();
                    current = format!("{base}.{}", attribute.split([' ', '=']).next().unwrap_or_default());
                } else if !line.starts_with([' ', '#']) && line.contains('=') {
                    current = line.split('=').next().unwrap_or_default().trim().to_owned();
                }
                for part in line.split('$').skip(1) {
                    let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    found.entry(current.clone()).or_default().insert(name);
                }
            }
        }
        found
    };
    let english = values(Lang::En);
    for lang in [Lang::Ms, Lang::Zh] {
        for (key, own) in values(lang) {
            let known = english.get(&key).cloned().unwrap_or_default();
            assert!(own.is_subset(&known), "{key} in {} uses {own:?}, English has {known:?}", lang.code());
        }
    }
}

/// The nouns of the wire: their faults are answered to hubs, not to people.
const WIRE: [&str; 6] = [
    "trade/src/road",
    "trade/src/checkpoint",
    "trade/src/log.rs",
    "trade/src/key.rs",
    "trade/src/card",
    "trade/src/http_signature",
];

/// Codes of the enums that leave the rules and the readers of files, read from their source.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for (file, text) in files("../trade/src", ".rs").into_iter().chain(files("../papers/src", ".rs")) {
        // What hubs refuse each other on the wire goes from machine to machine, by its code; the
        // operator's road page shows the code with its values.
        if WIRE.iter().any(|noun| file.contains(noun)) {
            continue;
        }
        for part in text.split("#[serde(tag = \"code\"").skip(1) {
            let Some((head, rest)) = part.split_once('{') else { continue };
            let name = head.rsplit("enum ").next().unwrap_or_default().trim();
            // Not for readers of pages: the loader of rule packs, the channel's grounds, XML's status.
            if !(name.ends_with("Refusal")
                || name.ends_with("Fault")
                || matches!(name, "Gap" | "FaultKind" | "CodeError" | "MoneyError"))
            {
                continue;
            }
            let Some((body, _)) = rest.split_once("\n}") else { continue };
            let mut untagged = false;
            let mut depth = 0_i32;
            for line in body.lines() {
                let line = line.trim();
                if depth == 0 && line.starts_with("#[serde(untagged)]") {
                    untagged = true;
                } else if depth == 0 && line.starts_with(|c: char| c.is_ascii_uppercase()) {
                    let variant: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
                    if !std::mem::take(&mut untagged) {
                        codes.insert(kebab(&variant));
                    }
                }
                depth += i32::try_from(line.matches('{').count()).unwrap()
                    - i32::try_from(line.matches('}').count()).unwrap();
            }
        }
    }
    codes
}

/// As serde's `kebab-case` has it.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[test]
fn every_refusal_gap_and_fault_says_what_it_is_and_what_to_do() {
    let known = keys(Lang::En);
    let codes = codes();
    assert!(
        codes.contains("quote-expired") && codes.contains("hs-lost-zero"),
        "the reader of sources works: {codes:?}"
    );
    let silent: Vec<_> = codes
        .iter()
        .filter(|c| !known.contains(&format!("problem-{c}")) || !known.contains(&format!("problem-{c}.fix")))
        .collect();
    assert!(silent.is_empty(), "no words for {silent:?}");
}

#[test]
fn a_refusal_is_told_with_its_values_in_each_language() {
    let args = json!({
        "taxable": Money::new(512_000, Currency::CNY), "limit": Money::new(500_000, Currency::CNY), "rule": "cn.cbec.single-limit"
    });
    let problem = Problem { code: "over-single-limit".into(), args: args.as_object().unwrap().clone() };
    let told = reader(Lang::En).problem(&problem);
    assert_eq!(
        told.title,
        "¥\u{a0}5,120.00 in one order: the consumer limit is ¥\u{a0}5,000.00 (cn.cbec.single-limit)."
    );
    assert!(told.fix.is_some());
    assert!(reader(Lang::Zh).problem(&problem).title.contains("超过限值 ¥\u{a0}5,000.00"));
    let unheard = Problem { code: "never-heard-of".into(), args: serde_json::Map::new() };
    assert_eq!(reader(Lang::Ms).problem(&unheard).title, "Hab menolak perkara ini (never-heard-of).");
}

#[test]
fn numbers_money_masses_and_times_are_written_as_each_language_writes_them() {
    let money = Money::new(123_456_750, Currency::MYR);
    assert_eq!(reader(Lang::En).money(money), "RM\u{a0}1,234,567.50");
    assert_eq!(reader(Lang::Zh).money(Money::new(-5, Currency::CNY)), "−¥\u{a0}0.05");
    assert_eq!(reader(Lang::En).kg(Grams(7_200)), "7.2\u{a0}kg");
    assert_eq!(reader(Lang::En).kg(Grams(550)), "550\u{a0}g");
    // 2026-11-23T01:12:00Z is 09:12 in Shanghai (UTC+8).
    let at = BusinessTime::from_micros(1_795_396_320_000_000);
    assert_eq!(reader(Lang::En).time(at), "23 Nov 2026, 09:12");
    assert_eq!(reader(Lang::Ms).time(at), "23 Nov 2026, 09:12");
    assert_eq!(reader(Lang::Zh).time(at), "2026年11月23日 09:12");
    assert_eq!(reader(Lang::En).span(86_400 * 3), "3 days");
    assert_eq!(reader(Lang::En).span(840), "14 min");
}

#[test]
fn the_language_is_the_best_that_the_browser_takes() {
    assert_eq!(Lang::accepted("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
    assert_eq!(Lang::accepted("fr-FR,fr;q=0.9,ms;q=0.5,en;q=0.4"), Lang::Ms);
    assert_eq!(Lang::accepted("fr"), Lang::En);
    assert_eq!(Lang::accepted("zh;q=0,en"), Lang::En);
    assert_eq!(Lang::accepted(""), Lang::En);
}

#[test]
fn every_chapter_of_the_hs_has_a_short_name_in_each_language_and_no_other_number_has_one() {
    for lang in Lang::ALL {
        let t = reader(lang);
        let named = (0..=99).map(|n| format!("{n:02}")).filter(|code| t.chapter(code).starts_with(&format!("{code} ")));
        // 77 is kept free; 98 and 99 are for national use.
        let want: Vec<String> = (1..=97).filter(|n| *n != 77).map(|n| format!("{n:02}")).collect();
        assert_eq!(named.collect::<Vec<_>>(), want, "{lang:?}");
        assert!(want.iter().all(|code| t.chapter(code).chars().count() <= 37), "a table has little room: {lang:?}");
    }
    assert_eq!(reader(Lang::En).chapter("64"), "64 Footwear");
    assert_eq!(reader(Lang::Zh).chapter("77"), "第 77 章");
}
