//! The shape of what the API takes and gives, in the few words of JSON Schema (2020-12) that it needs.
//!
//! A shape stands beside the door that it belongs to. `tests/house/house.rs` holds every answer that any
//! test gets against its shape, field by field, so that the documentation cannot say what is not so.

use serde_json::{Map, Value, json};

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema(Value);

impl Schema {
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(fields) = self.0.as_object_mut() {
            fields.insert(name.to_owned(), value.into());
        }
        self
    }

    /// May have fields beside those that are named: a noun of the trade, told in full by `docs`.
    #[must_use]
    pub fn open(self) -> Self {
        self.with("additionalProperties", true)
    }

    /// A text of at most so many characters.
    #[must_use]
    pub fn max(self, characters: usize) -> Self {
        self.with("maxLength", characters)
    }

    /// A text of this form, as a regular expression.
    #[must_use]
    pub fn like(self, pattern: &str) -> Self {
        self.with("pattern", pattern)
    }

    #[must_use]
    pub fn between(self, least: i64, most: i64) -> Self {
        self.with("minimum", least).with("maximum", most)
    }

    /// A list of at most so many.
    #[must_use]
    pub fn at_most(self, items: usize) -> Self {
        self.with("maxItems", items)
    }

    #[must_use]
    pub fn or_null(self) -> Self {
        Self(json!({ "anyOf": [self.0, { "type": "null" }] }))
    }
}

fn of(kind: &str) -> Schema {
    Schema(json!({ "type": kind }))
}

#[must_use]
pub fn text() -> Schema {
    of("string")
}

#[must_use]
pub fn integer() -> Schema {
    of("integer").with("format", "int64")
}

/// A place, number or count: from nought.
#[must_use]
pub fn count() -> Schema {
    integer().with("minimum", 0)
}

#[must_use]
pub fn boolean() -> Schema {
    of("boolean")
}

/// Anything.
#[must_use]
pub fn any() -> Schema {
    Schema(json!({}))
}

/// One of a closed list of words.
#[must_use]
pub fn code(words: &[&str]) -> Schema {
    text().with("enum", words)
}

/// One of several shapes.
#[must_use]
pub fn any_of<const N: usize>(shapes: [Schema; N]) -> Schema {
    Schema(json!({ "anyOf": shapes.map(Schema::into_value).to_vec() }))
}

/// An id of a noun: its prefix and 32 hex digits.
#[must_use]
pub fn id(prefix: &str) -> Schema {
    text().like(&format!("^{prefix}_[0-9a-f]{{32}}$"))
}

#[must_use]
pub fn list(items: Schema) -> Schema {
    Schema(json!({ "type": "array", "items": items.0 }))
}

/// By name.
#[must_use]
pub fn map(values: Schema) -> Schema {
    Schema(json!({ "type": "object", "additionalProperties": values.0 }))
}

/// Fields by name; a name that ends with `?` may be missing.
#[must_use]
pub fn object<const N: usize>(fields: [(&str, Schema); N]) -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let known = name.strip_suffix('?');
        if known.is_none() {
            required.push(name);
        }
        properties.insert(known.unwrap_or(name).to_owned(), schema.0);
    }
    let object = of("object").with("properties", properties);
    if required.is_empty() { object } else { object.with("required", required) }
}

/// One page of a list: the items under their name, and where the next page begins.
#[must_use]
pub fn page(name: &str, items: Schema) -> Schema {
    object([(name, list(items)), ("next", text().or_null())])
}

/// A noun that stands in [`nouns`].
#[must_use]
pub fn noun(name: &str) -> Schema {
    Schema(json!({ "$ref": format!("#/components/schemas/{name}") }))
}

/// Microseconds since 1970, UTC.
#[must_use]
pub fn instant() -> Schema {
    noun("Instant")
}

#[must_use]
pub fn money() -> Schema {
    noun("Money")
}

/// The nouns that several answers share.
#[must_use]
pub fn nouns() -> Vec<(&'static str, Schema)> {
    vec![
        ("Instant", integer()),
        ("Money", object([("minor", integer()), ("currency", text().like("^[A-Z]{3}$"))])),
        ("Problem", problem()),
        ("Trade", trade()),
        ("Product", product()),
        ("Offer", offer()),
        ("Quote", quote()),
        ("TradeRow", trade_row()),
        ("Event", event()),
        ("Escrow", object([("state", code(&["empty", "funded", "released", "returned"]))]).open()),
        ("Clearance", object([("state", text())]).open()),
        ("Custody", object([("kind", text()), ("place", text()), ("at", instant())])),
        ("Waybill", waybill()),
        ("Asked", object([("product", id("prd")), ("pieces", integer().between(1, 1_000_000))])),
        ("Size", object([("length_mm", integer()), ("width_mm", integer()), ("height_mm", integer())])),
        ("Content", object([("milli", integer()), ("unit", text()), ("strength?", integer())])),
        ("Mandate", mandate()),
        ("Permit", permit()),
        ("Bagged", object([("trade", text()), ("waybill", text()), ("gross", count())])),
        ("Bag", bag()),
        ("Manifest", manifest()),
        ("Stock", stock()),
        ("Advance", advance()),
        ("AdvanceOffer", advance_offer()),
        ("SaleOffered", sale_offered()),
        ("Debt", debt()),
        ("Claim", claim()),
    ]
}

/// A state with what belongs to it: `{"state": "accepted", "at": …}`.
fn state(words: &[&str]) -> Schema {
    object([("state", code(words))]).open()
}

fn mandate() -> Schema {
    object([
        ("id", id("mdt")),
        ("giver", id("pty")),
        ("broker", id("pty")),
        ("acts", list(code(&["lodge", "answer", "permits"]))),
        ("peer", text().or_null()),
        ("given_at", instant()),
        ("until", instant()),
        ("state", state(&["offered", "accepted", "declined", "ended"])),
    ])
}

fn permit() -> Schema {
    let question = object([("at", instant()), ("text", text()), ("answer", text().or_null())]);
    object([
        ("id", id("prm")),
        ("holder", id("pty")),
        ("asked_by", id("pty")),
        ("kind", text()),
        ("rule", text()),
        ("direction", code(&["import", "export"])),
        ("hs", text()),
        ("peer", text()),
        ("pieces", count()),
        ("asked_at", instant()),
        ("note", text()),
        ("questions", list(question)),
        ("state", state(&["asked", "questioned", "granted", "refused", "revoked"])),
        ("drawn", count()),
    ])
}

fn bag() -> Schema {
    object([
        ("no", text()),
        ("by", id("pty")),
        ("to", text()),
        ("opened", instant()),
        ("parcels", list(noun("Bagged"))),
        ("seal", text().or_null()),
        ("manifest", text().or_null()),
        ("gone", boolean()),
    ])
}

fn manifest() -> Schema {
    object([
        ("id", text()),
        ("side", code(&["import", "export"])),
        ("peer", text()),
        ("by", id("pty").or_null()),
        ("opened", instant()),
        ("voyage", any()),
        ("bags", list(object([("parcels", list(noun("Bagged")))]).open())),
        ("closed", instant().or_null()),
        ("pre_alert", any()),
        ("answered", any()),
        ("arrived", any()),
    ])
}

fn stock() -> Schema {
    object([
        ("key", any()),
        ("seller", id("pty")),
        ("sku", text()),
        ("name", text()),
        ("pieces", count()),
        ("changed", instant()),
    ])
}

fn advance() -> Schema {
    object([
        ("asked_at", instant()),
        ("until", instant()),
        ("due", money()),
        ("claim", id("clm")),
        ("score?", any()),
        ("offers?", list(object([("id", id("adv")), ("lender", id("pty")), ("amount", money())]).open())),
        ("state", state(&["asked", "withdrawn", "accepted", "paid-out", "repaid", "owed"])),
    ])
}

/// With all that it costs, worked out.
fn advance_offer() -> Schema {
    object([
        ("id", id("adv")),
        ("lender", id("pty")),
        ("amount", money()),
        ("fee", money()),
        ("fee_percent", text()),
        ("apr_percent", text()),
        ("tenor_days", count()),
        ("repayment", money().or_null()),
        ("offered_at", instant()),
    ])
}

/// What a lender may see of a sale: never the buyer, nor other lenders' offers.
fn sale_offered() -> Schema {
    let declared = object([("value", money().or_null()), ("hs", list(text())), ("waybill", text())]);
    object([
        ("trade", text()),
        ("importer", text().or_null()),
        ("seller", id("pty").or_null()),
        ("declared", declared.or_null()),
        ("secured", instant().or_null()),
        ("due", money()),
        ("until", instant()),
        ("score", any()),
        ("state", text()),
        ("offer", noun("AdvanceOffer").or_null()),
    ])
}

fn debt() -> Schema {
    object([("trade", text()), ("lender", id("pty")), ("amount", money()), ("left", money()), ("since", instant())])
}

fn claim() -> Schema {
    object([
        ("id", id("clm")),
        ("lender", id("pty")),
        ("asked_at", instant()),
        ("wants", code(&["keep", "finance", "let-go"])),
        ("word?", object([("hub", text()), ("trade", text()), ("says", text())]).open()),
    ])
}

/// RFC 9457, with the code and the values of what is the matter.
fn problem() -> Schema {
    object([
        ("type", text().with("format", "uri")),
        ("title", text()),
        ("status?", integer().between(400, 599)),
        ("detail", text()),
        ("code", text()),
    ])
    .open()
}

fn trade_row() -> Schema {
    object([
        ("id", text()),
        ("side", code(&["import", "export"])),
        ("stage", text()),
        ("holder", text()),
        ("task", text()),
        ("since", instant()),
        ("deadline", instant().or_null()),
        ("total", money().or_null()),
    ])
}

fn event() -> Schema {
    let what = object([("kind", text())]).open();
    object([
        ("id", text().like("^evt_[0-9a-f]{32}$")),
        ("hub", text()),
        ("n", count()),
        ("at", instant()),
        ("trade?", text()),
        ("what", what),
    ])
}

fn waybill() -> Schema {
    object([("no", text()), ("gross", count()), ("consignee", text()), ("issued_at", instant()), ("edition", count())])
}

fn trade() -> Schema {
    object([
        ("id", text()),
        ("side", code(&["import", "export"])),
        ("opened", instant()),
        ("peer?", text().or_null()),
        ("stage?", text()),
        ("practice?", boolean()),
    ])
    .open()
}

fn product() -> Schema {
    object([("id", id("prd")), ("seller", id("pty")), ("goods", any()), ("gaps", list(any()))]).open()
}

fn offer() -> Schema {
    object([("key", any()), ("seller_name", text()), ("goods", any())]).open()
}

fn quote() -> Schema {
    object([
        ("id", id("quo")),
        ("exporter", text()),
        ("importer", text()),
        ("lines", list(any())),
        ("landed", any()),
        ("expires_at", instant()),
    ])
    .open()
}

/// What differs between a value and its shape, each with its place; empty if it fits. A field that the
/// shape does not name is told, unless the shape is [`Schema::open`].
#[must_use]
pub fn faults(value: &Value, schema: &Value, nouns: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(value, schema, nouns, "", &mut found);
    found
}

fn look(value: &Value, schema: &Value, nouns: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        match nouns.get(name) {
            Some(noun) => look(value, noun, nouns, at, found),
            None => found.push(format!("{at}: {name}?")),
        }
        return;
    }
    if let Some(ways) = schema.get("anyOf").and_then(Value::as_array) {
        let tries: Vec<_> = ways.iter().map(|way| faults(value, way, nouns)).collect();
        if !tries.iter().any(Vec::is_empty) {
            found.extend(tries.into_iter().flatten().map(|fault| format!("{at}{fault}")));
        }
        return;
    }
    let is_kind = match schema.get("type").and_then(Value::as_str) {
        None => true,
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        Some(_) => false,
    };
    let words = schema.get("enum").and_then(Value::as_array);
    if !is_kind || words.is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} / {schema}"));
        return;
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            look(item, items, nouns, &format!("{at}[{i}]"), found);
        }
    }
    let Some(fields) = value.as_object().filter(|_| schema.get("type").is_some()) else { return };
    let more = schema.get("additionalProperties");
    for (name, field) in fields {
        let at = format!("{at}.{name}");
        match (schema.get("properties").and_then(|p| p.get(name)), more) {
            (Some(known), _) => look(field, known, nouns, &at, found),
            (None, Some(Value::Bool(true))) => {}
            (None, Some(values)) => look(field, values, nouns, &at, found),
            (None, None) => found.push(format!("{at}: +")),
        }
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            found.push(format!("{at}.{name}: -"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value, schema: Schema) -> Vec<String> {
        let known =
            Value::Object(nouns().into_iter().map(|(name, noun)| (name.to_owned(), noun.into_value())).collect());
        faults(&value, &schema.into_value(), &known)
    }

    #[test]
    fn a_value_fits_its_shape_or_is_told_where_it_does_not() {
        let shape = || object([("a", count()), ("b?", money().or_null()), ("c", list(code(&["x", "y"])))]);
        assert_eq!(check(json!({ "a": 1, "c": ["x"] }), shape()), Vec::<String>::new());
        assert_eq!(check(json!({ "a": 1, "b": null, "c": [] }), shape()), Vec::<String>::new());
        assert_eq!(check(json!({ "a": 1, "b": { "minor": 1, "currency": "CNY" }, "c": [] }), shape()), [""; 0]);
        for (value, fault) in [
            (json!({ "c": [] }), ".a: -"),
            (json!({ "a": "1", "c": [] }), ".a: \"1\""),
            (json!({ "a": 1, "c": ["z"] }), ".c[0]: \"z\""),
            (json!({ "a": 1, "c": [], "d": 1 }), ".d: +"),
            (json!({ "a": 1, "b": { "minor": 1 }, "c": [] }), ".b.currency: -"),
            (json!([]), ": []"),
        ] {
            let found = check(value, shape());
            assert!(found.iter().any(|f| f.starts_with(fault)), "{found:?} {fault}");
        }
        assert_eq!(check(json!({ "a": 1, "c": [], "d": 1 }), shape().open()), [""; 0]);
        assert_eq!(check(json!({ "KUL": 1 }), map(count())), [""; 0]);
        assert_eq!(check(json!({ "KUL": "1" }), map(count())).len(), 1);
    }
}
