//! The file format as JSON Schema, made from what the loader asks for while it loads the packs of this
//! program: so the two cannot differ. `rulebooks/pack.schema.json` is what [`schema`] gives.
//!
//! A TOML file is seen as the JSON that it stands for; a date is a text of the form `2026-11-29`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::builtin::builtin_folders;
use super::load;
use super::pack::{Head, head_of};
use super::reader::{Asked, Errors, Shape};

/// Fields of one kind of rule, or of a head, by path.
#[derive(Default)]
struct Kind {
    /// How many were looked at.
    seen: BTreeSet<(usize, usize)>,
    fields: BTreeMap<String, Field>,
}

#[derive(Default)]
struct Field {
    shapes: Vec<Shape>,
    optional: bool,
    found: BTreeSet<(usize, usize)>,
}

/// The schema of one file of a pack.
#[must_use]
pub fn schema() -> Value {
    let kinds = kinds();
    let heads = ["pack", "lane"];
    let mut properties = Map::new();
    let mut defs = Map::new();
    for (name, kind) in &kinds {
        defs.insert(name.clone(), object(kind, "", !heads.contains(&name.as_str())));
        let of = json!({ "$ref": format!("#/$defs/{name}") });
        let of = if heads.contains(&name.as_str()) { of } else { json!({ "type": "array", "items": of }) };
        properties.insert(name.clone(), of);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One file of a rule pack, or a lane",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": defs,
    })
}

/// Loads every pack of the program, noting what is asked for.
fn kinds() -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    let mut load = 0;
    for folder in builtin_folders() {
        let texts: Vec<(String, String)> = folder
            .files
            .into_iter()
            .map(|(name, bytes)| (format!("{}/{name}", folder.name), String::from_utf8(bytes).unwrap_or_default()))
            .collect();
        let all: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        match head_of(all.iter().map(|(_, text)| *text)) {
            Some(Head::Territory(_)) => {
                load += 1;
                let errors = Errors::noting();
                let _ = load::rulebook_into(&all, &errors);
                take(&mut kinds, load, errors.asked());
            }
            Some(Head::Lane) => {
                for file in &all {
                    load += 1;
                    let errors = Errors::noting();
                    let _ = load::lane_into(std::slice::from_ref(file), &errors);
                    take(&mut kinds, load, errors.asked());
                }
            }
            // They have forms of their own.
            Some(Head::Scorecard | Head::Agreement | Head::Transport | Head::Incoterms) | None => {}
        }
    }
    load += 1;
    let errors = Errors::noting();
    let _ = load::rulebook_into(&[("my/pack.toml", HEAD), ("my/samples.toml", &samples())], &errors);
    take(&mut kinds, load, errors.asked());
    kinds
}

const HEAD: &str = "[pack]\nterritory = \"MY\"\ncurrency = \"MYR\"\nzone = \"Asia/Kuala_Lumpur\"\nmembers = [\"MY\"]\n\
                    runs-a-hub = false\nname = { en = \"Sample\", ms = \"Sampel\", zh = \"样例\" }\n";

/// Kinds and fields that the packs of this program may be without: read, never gone by.
fn samples() -> String {
    let words = |of: &str| format!("{{ en = \"{of}\", ms = \"{of}\", zh = \"{of}\" }}");
    let charge = "regime = \"b2b\"\nwhat = \"duty\"\nbase = [\"value\"]\norigin = [\"CN\"]\nowed-by = \"importer\"\nfiled-by = \"declarant\"";
    let rules = [
        ("rate-table", "by = \"hs\"\nrows = \"610910 8%\"".to_owned()),
        ("preference", preference("table = \"my.table\"", &words)),
        ("preference", preference("rate = \"5%\"", &words)),
        ("exchange", "from = \"EUR\"\nmid = \"4.70\"\nas-of = \"2026-11-01T00:00:00Z\"".to_owned()),
        ("charge", format!("{charge}\nflat = \"3.00\"\ncurrency = \"MYR\"\nper = \"hs6\"\nat = \"border\"\nregistered = true")),
        ("charge", format!("{charge}\nrate = \"8%\"\ninside = true\nat-least = \"1.00\"\nat-most = \"9.00\"\nof = \"11/12\"\nunless = \"my.other\"")),
        ("charge", format!("{charge}\nrate-from = \"tariff-duty\"\nregistration = \"sample\"")),
        ("charge", format!("{charge}\ntable = \"my.table\"")),
        ("charge", format!("{charge}\ncomposite = \"70\"")),
        ("charge", format!("{charge}\ntop-up-to = \"15\"")),
        ("relief", "regime = \"b2b\"\nbasis = \"goods\"\ncompare = \"at-most\"\namount = \"1.00\"\ncurrency = \"MYR\"\nscope = \"consignment\"\nof = [\"duty\"]".to_owned()),
    ];
    let common = format!(
        "name = {}\nnote = {}\nvalid-from = 2026-01-01\nvalid-to = 2026-12-31\nsource = \"none\"\nconfidence = \"operator\"\nknowledge = \"sourced\"",
        words("Sample"),
        words("Sample")
    );
    (1..)
        .zip(rules)
        .map(|(n, (kind, fields))| format!("[[{kind}]]\nid = \"my.sample-{n}\"\n{common}\n{fields}\n\n"))
        .collect()
}

fn preference(rate: &str, words: &impl Fn(&str) -> String) -> String {
    let (proof, test) = (words("Form E"), words("wholly obtained"));
    format!(
        "agreement = \"ACFTA\"\norigin = [\"CN\"]\nhs-in = [\"61\"]\nhs-out = [\"6101\"]\n{rate}\nproof = {proof}\ntest = {test}"
    )
}

fn take(kinds: &mut BTreeMap<String, Kind>, load: usize, asked: Vec<Asked>) {
    for asked in asked {
        // Examples are of as many forms as there are kinds; the loader works them.
        if asked.path.starts_with("example.") {
            continue;
        }
        let kind = kinds.entry(asked.list.clone()).or_default();
        kind.seen.insert((load, asked.rule));
        let field = kind.fields.entry(asked.path).or_default();
        match asked.shape {
            Shape::Optional => field.optional = true,
            shape => {
                if asked.found.is_some() || matches!(shape, Shape::Table) {
                    field.found.insert((load, asked.rule));
                }
                if !field.shapes.contains(&shape) {
                    field.shapes.push(shape);
                }
            }
        }
    }
}

/// The fields directly below `path` as an object. Every rule but a head has examples.
fn object(kind: &Kind, path: &str, is_rule: bool) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (full, field) in &kind.fields {
        let Some(name) = full.strip_prefix(path).filter(|name| !name.is_empty() && !name.contains('.')) else {
            continue;
        };
        let inner = || object(kind, &format!("{full}."), false);
        let shapes: Vec<Value> = field.shapes.iter().map(|shape| shaped(shape, &inner)).collect();
        let value = match shapes.as_slice() {
            // Only looked for and never there: a list of tables, or a field that no pack has yet.
            [] => json!({}),
            [one] => one.clone(),
            several => json!({ "anyOf": several }),
        };
        properties.insert(name.to_owned(), value);
        let always = path.is_empty() && field.found.len() == kind.seen.len();
        if (always || !path.is_empty()) && !field.optional && !field.shapes.iter().any(is_list) {
            required.push(name.to_owned());
        }
    }
    if is_rule {
        properties.insert("example".to_owned(), json!({ "type": "array", "items": { "type": "object" } }));
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

const fn is_list(shape: &Shape) -> bool {
    matches!(shape, Shape::Texts | Shape::ManyOf(_) | Shape::Tables)
}

fn shaped(shape: &Shape, inner: &impl Fn() -> Value) -> Value {
    match shape {
        Shape::Text | Shape::Code => json!({ "type": "string", "minLength": 1 }),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::Whole { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Amount => json!({ "type": "string", "pattern": r"^\d+(\.\d+)?$" }),
        Shape::Percent => json!({ "type": "string", "pattern": r"^\d{1,3}(\.\d+)?$" }),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::Texts => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Shape::ManyOf(words) => json!({ "type": "array", "items": { "enum": words } }),
        Shape::Table => inner(),
        Shape::Tables => json!({ "type": "array", "items": inner() }),
        Shape::Optional => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::super::load::KINDS;
    use super::*;

    const OWN_FORM: [&str; 4] = ["advance", "agreements", "terms", "transport"];

    /// The keys of a table that the schema does not know, with their paths.
    fn unknown(table: &Table, schema: &Value, path: &str, found: &mut Vec<String>) {
        for (key, value) in table {
            let at = format!("{path}.{key}");
            let Some(of) = schema["properties"].get(key) else {
                found.push(at);
                continue;
            };
            match value {
                toml::Value::Table(inner) => unknown(inner, of, &at, found),
                toml::Value::Array(items) if key != "example" => {
                    for inner in items.iter().filter_map(toml::Value::as_table) {
                        unknown(inner, &of["items"], &at, found);
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn the_schema_in_the_repository_is_what_the_loader_asks_for() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rulebooks/pack.schema.json");
        let written: Value = serde_json::from_str(include_str!("../../../../rulebooks/pack.schema.json")).unwrap();
        assert_eq!(written, schema(), "write it anew: ehub rules schema > {path}");
    }

    #[test]
    fn every_kind_that_the_loader_takes_is_in_the_schema_and_no_other() {
        let schema = schema();
        let known: BTreeSet<&str> = schema["$defs"].as_object().unwrap().keys().map(String::as_str).collect();
        let taken: BTreeSet<&str> = KINDS.iter().map(|(name, _)| *name).chain(["pack", "lane"]).collect();
        assert_eq!(known, taken, "a kind that no pack has: give it a rule somewhere");
    }

    #[test]
    fn every_field_of_every_pack_is_in_the_schema() {
        let schema = schema();
        let mut found = Vec::new();
        for folder in builtin_folders().into_iter().filter(|folder| !OWN_FORM.contains(&folder.name.as_str())) {
            for (name, bytes) in folder.files {
                let table: Table = String::from_utf8(bytes).unwrap().parse().unwrap();
                for (kind, value) in &table {
                    let def = &schema["$defs"][kind];
                    let at = format!("{}/{name} {kind}", folder.name);
                    match value {
                        toml::Value::Table(head) => unknown(head, def, &at, &mut found),
                        toml::Value::Array(rules) => {
                            rules
                                .iter()
                                .filter_map(toml::Value::as_table)
                                .for_each(|r| unknown(r, def, &at, &mut found));
                        }
                        _ => panic!("{at}"),
                    }
                }
            }
        }
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_required_field_says_what_it_takes() {
        let schema = schema();
        let limit = &schema["$defs"]["limit"];
        assert_eq!(limit["properties"]["over"]["enum"], json!(["refuse", "one-piece-taxed-in-full"]));
        let required: Vec<&str> = limit["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(required.contains(&"amount") && required.contains(&"source"), "{required:?}");
        assert!(!required.contains(&"valid-to") && !required.contains(&"note"), "{required:?}");
    }
}
