//! Rule packs are public: what they say with sources, and what changes between two days.

use axum::http::StatusCode;
use serde_json::Value;
use trade::rulebook::{Fact, builtin, facts};
use web::i18n::{Lang, Tr};
use web::rulebook::{field_name, word_text};

use crate::house::House;

#[tokio::test]
async fn anybody_reads_the_rules_with_their_sources_and_the_digest_that_pins_them() {
    let house = House::open().await;
    let told = house.hgh.get(None, "/api/v1/rules").await.good().json();
    let packs = told["packs"].as_array().unwrap();
    let my = packs.iter().find(|pack| pack["pack"] == "MY").unwrap();
    let book = house.hgh.site.rulebooks.books().find(|book| book.territory.as_str() == "MY").unwrap();
    assert_eq!(my["digest"].as_str(), Some(&*book.digest));
    assert!(packs.iter().any(|pack| pack["pack"] == "MY-CN-b2b"));

    let rules = house.hgh.get(None, "/api/v1/rules/MY?date=2026-11-29").await.good().json();
    let rules = rules["rules"].as_array().unwrap();
    let relief = rules.iter().find(|rule| rule["id"] == "my.relief.courier").unwrap();
    assert_eq!(relief["fields"]["amount"]["value"]["minor"], 50_000);
    assert!(rules.iter().all(|rule| !rule["source"].as_str().unwrap().is_empty()));
    // Before the first rule there is none
    let early = house.hgh.get(None, "/api/v1/rules/MY?date=1999-01-01").await.good().json();
    assert_eq!(early["rules"], Value::Array(Vec::new()));

    for (lang, relief) in [("en", "Amount"), ("ms", "Amaun"), ("zh", "金额")] {
        let list = house.hgh.get(None, &format!("/rules?lang={lang}")).await.good().text();
        assert!(list.contains(&*book.digest), "{lang}");
        let page = house.hgh.get(None, &format!("/rules/MY?date=2026-11-29&lang={lang}")).await.good().text();
        assert!(page.contains("my.relief.courier") && page.contains("500.00") && page.contains(relief), "{lang}");
    }
}

#[tokio::test]
async fn agreements_and_ways_of_transport_stand_beside_the_territories() {
    let house = House::open().await;
    let told = house.hgh.get(None, "/api/v1/rules").await.good().json();
    let packs = told["packs"].as_array().unwrap();
    for (slug, rule, says) in [
        ("agreement-acfta", "acfta.regional-value", "Form E"),
        ("agreement-rcep", "rcep.change-of-heading", "RCEP"),
        ("transport-air", "air.un3480", "UN3480"),
    ] {
        let pack = packs.iter().find(|pack| pack["pack"] == slug).unwrap();
        let list = house.hgh.get(None, "/rules?lang=en").await.good().text();
        assert!(list.contains(&format!("/rules/{slug}")) && list.contains(pack["digest"].as_str().unwrap()), "{slug}");
        let rules = house.hgh.get(None, &format!("/api/v1/rules/{slug}?date=2026-11-29")).await.good().json();
        assert!(rules["rules"].as_array().unwrap().iter().any(|known| known["id"] == rule), "{slug}: {rules}");
        for lang in ["en", "ms", "zh"] {
            let page = house.hgh.get(None, &format!("/rules/{slug}?date=2026-11-29&lang={lang}")).await.good().text();
            assert!(page.contains(rule) && page.contains(says), "{slug} {lang}");
        }
    }
    let changes = "/rules/transport-air/changes?from=2025-12-31&to=2026-01-01&lang=en";
    let page = house.hgh.get(None, changes).await.good().text();
    assert!(page.contains("From 1 Jan 2026"), "{page}");
}

#[tokio::test]
async fn what_changes_between_two_days_is_told_in_words_and_as_data() {
    let house = House::open().await;
    let path = "MY/changes?from=2018-12-31&to=2026-11-29";
    let told = house.hgh.get(None, &format!("/api/v1/rules/{path}")).await.good().json();
    let changes = told["changes"].as_array().unwrap();
    let relief = changes.iter().find(|c| c["change"]["rule"] == "my.relief.courier").unwrap();
    assert_eq!((&relief["change"]["turn"], &relief["change"]["on"]), (&"begins".into(), &"2019-01-01".into()));
    let page = house.hgh.get(None, &format!("/rules/{path}&lang=en")).await.good().text();
    assert!(page.contains("From 1 Jan 2019: Relief of parcels by air courier up to RM 500 begins."), "{page}");
    // A bound is one line: on which side, of which amount, of which value.
    assert!(page.contains("Holds for: at most RM\u{a0}500.00 (goods and freight)"), "{page}");
    let same = "MY/changes?from=2026-11-29&to=2026-11-29";
    let none = house.hgh.get(None, &format!("/api/v1/rules/{same}")).await.good().json();
    assert_eq!(none["changes"], Value::Array(Vec::new()));
    assert!(house.hgh.get(None, &format!("/rules/{same}&lang=en")).await.good().text().contains("Nothing changes."));
}

#[tokio::test]
async fn a_pack_or_a_day_that_is_none_is_refused_by_name() {
    let house = House::open().await;
    for (path, status, code) in [
        ("/rules/XX", StatusCode::NOT_FOUND, "no-such-pack"),
        ("/rules/MY?date=tomorrow", StatusCode::UNPROCESSABLE_ENTITY, "not-a-day"),
        ("/rules/MY?date=2026-02-30", StatusCode::UNPROCESSABLE_ENTITY, "not-a-day"),
        ("/rules/MY/changes?from=2026-11-29&to=1", StatusCode::UNPROCESSABLE_ENTITY, "not-a-day"),
    ] {
        let told = house.hgh.get(None, &format!("/api/v1{path}")).await;
        assert_eq!((told.status, told.json()["code"].as_str()), (status, Some(code)), "{path}");
        assert_eq!(house.hgh.get(None, path).await.status, status, "{path}");
    }
}

#[test]
fn every_field_and_value_that_a_rule_has_has_its_word_in_every_language() {
    let books = builtin().unwrap();
    let mut missing = std::collections::BTreeSet::new();
    for (_, _, files) in books.packs() {
        for rule in facts(files).unwrap() {
            for lang in Lang::ALL {
                let t = Tr::new(lang, jiff::tz::TimeZone::UTC);
                for (field, fact) in &rule.fields {
                    if field_name(&t, field).split(" (").next() == field.split(' ').next() {
                        missing.insert(format!("{} field {field}", lang.code()));
                    }
                    let words = match fact {
                        Fact::Word(word) => vec![word.clone()],
                        Fact::Words(words) => words.clone(),
                        _ => Vec::new(),
                    };
                    // A word of our letters may be its own name, a Chinese one never is.
                    let own = |word: &String| lang != Lang::Zh && !word.contains('-');
                    let unnamed = |word: &String| !own(word) && word_text(&t, word) == *word;
                    missing.extend(words.iter().filter(|w| unnamed(w)).map(|w| format!("{} value {w}", lang.code())));
                }
            }
        }
    }
    assert_eq!(missing, std::collections::BTreeSet::new());
}
