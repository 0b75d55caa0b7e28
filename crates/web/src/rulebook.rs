//! Rule packs, for anybody: which the hub goes by, what each says with its sources, and what changes
//! between two days.

mod words;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::rulebook::{
    Felt, Knowledge, PackFiles, PackName, RuleChange, RuleFacts, Standing, Vouched, between_days, facts,
};

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::i18n::Tr;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{any, boolean, count, list, object, text};

pub use words::{Told, fact_text, field_name, place, tell, told, word_text};

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/rules", ANYONE), packs)
        .open(get("/rules/{pack}", ANYONE).asks("date=2026-11-29").query(&["date", "digest"]), rules)
        .open(
            get("/rules/{pack}/changes", ANYONE).asks("from=2026-06-30&to=2026-07-01").query(&["from", "to", "digest"]),
            changes,
        )
        .open(
            get("/api/v1/rules", ANYONE).gives(200, || {
                let pack = object([
                    ("pack", text()),
                    ("digest", text()),
                    ("rules", count()),
                    ("pinned", boolean()),
                    ("built_in", boolean()),
                    ("signer", text().or_null()),
                ]);
                object([("packs", list(pack))])
            }),
            packs_api,
        )
        .open(
            get("/api/v1/rules/{pack}", ANYONE).asks("date=2026-11-29").query(&["date", "digest"]).gives(200, || {
                object([("pack", text()), ("digest", text()), ("date", text()), ("rules", list(any()))])
            }),
            rules_api,
        )
        .open(
            get("/api/v1/rules/{pack}/changes", ANYONE)
                .asks("from=2026-06-30&to=2026-07-01")
                .query(&["from", "to", "digest"])
                .gives(200, || {
                    let change = object([("sentence", text()), ("change", any())]);
                    object([
                        ("pack", text()),
                        ("digest", text()),
                        ("from", text()),
                        ("to", text()),
                        ("changes", list(change)),
                    ])
                }),
            changes_api,
        )
}

/// What packs say, read once for each digest: they are the same for ever.
#[derive(Default)]
pub struct Shelf(Mutex<HashMap<Arc<str>, Arc<Vec<RuleFacts>>>>);

/// One pack that the hub goes by.
#[derive(Clone)]
struct Shown {
    /// As it stands in addresses.
    slug: String,
    name: String,
    pack: PackName,
    digest: Arc<str>,
    rules: usize,
    standing: Standing,
}

impl Shown {
    /// Who vouches for it, in words; and how that looks.
    fn vouched(&self, t: &Tr) -> (String, &'static str) {
        match &self.standing.vouched {
            Some(Vouched { signer, from }) => {
                (t.w2("rules-vouched-from", "signer", signer, "from", t.date(*from)), "go")
            }
            None if self.standing.built_in => (t.s("rules-built-in"), "tell"),
            None => (t.s("rules-unsigned-mark"), "wait"),
        }
    }

    fn pinned(&self, t: &Tr) -> String {
        t.s(if self.standing.pinned { "rules-is-pinned" } else { "rules-is-not-pinned" })
    }
}

/// Every pack with rules that the hub goes by: territories, lanes, agreements, ways of transport.
fn shown(app: &AppState, t: &Tr) -> Vec<(Shown, Arc<PackFiles>)> {
    let books = &app.site().rulebooks;
    let mut packs = Vec::new();
    for book in books.books() {
        let name = t.words(&book.name);
        let rules = book.rules().count();
        let pack = book.pack_name();
        let standing = books.standing(&pack).clone();
        let slug = book.territory.to_string();
        let shown = Shown { slug, name, pack, digest: book.digest.clone(), rules, standing };
        packs.push((shown, Arc::from(book.files())));
    }
    for lane in &books.lanes {
        let slug = slug_of(&lane.pack_name());
        let (from, to) = (t.country(lane.from), t.country(lane.to));
        let name = t.w("rules-lane", [("from", from), ("to", to), ("regime", t.by("regime", lane.regime.code()))]);
        let (pack, rules) = (lane.pack_name(), lane.rules().count());
        let standing = books.standing(&pack).clone();
        let shown = Shown { slug, name, pack, digest: lane.digest.clone(), rules, standing };
        packs.push((shown, Arc::from(lane.files())));
    }
    for agreement in &books.agreements {
        let pack = PackName::agreement(agreement);
        let (slug, name, rules) = (slug_of(&pack), t.words(&agreement.name), agreement.rules().count());
        let standing = books.standing(&pack).clone();
        let shown = Shown { slug, name, pack, digest: agreement.digest.clone(), rules, standing };
        packs.push((shown, Arc::from(&agreement.files[..])));
    }
    for transport in &books.transports {
        let pack = PackName::transport(transport);
        let (slug, name, rules) = (slug_of(&pack), t.words(&transport.name), transport.rules().count());
        let standing = books.standing(&pack).clone();
        let shown = Shown { slug, name, pack, digest: transport.digest.clone(), rules, standing };
        packs.push((shown, Arc::from(&transport.files[..])));
    }
    packs
}

/// As a pack stands in addresses: `MY-CN-b2b`, `agreement-acfta`, `transport-air`.
fn slug_of(pack: &PackName) -> String {
    pack.as_str().replace('/', "-")
}

/// A pack by its name in the address, with what it says: the version that the hub goes by, or an older
/// one by its digest.
async fn found(app: &AppState, t: &Tr, slug: &str, digest: &str) -> Answer<(Shown, Arc<Vec<RuleFacts>>)> {
    let pack = shown(app, t).into_iter().find(|(shown, _)| shown.slug == slug);
    let none = |code| Failure::new(StatusCode::NOT_FOUND, code).with("pack", slug);
    let Some((mut shown, mut files)) = pack else { return Err(none("no-such-pack")) };
    if !digest.is_empty() && *digest != *shown.digest {
        let kept = app.hub.pack_by_digest(digest).await?.filter(|kept| kept.name() == shown.pack);
        let Some(kept) = kept else { return Err(none("no-such-version").with("digest", digest)) };
        (shown.digest, files) = (kept.digest().clone(), Arc::from(kept.files()));
    }
    let shelf = &app.shelf.0;
    if let Some(known) = shelf.lock().unwrap_or_else(PoisonError::into_inner).get(&shown.digest) {
        return Ok((shown, known.clone()));
    }
    // It was loaded when the hub started, or when it was looked up, so it loads.
    let read = Arc::new(facts(&files).unwrap_or_default());
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    if shelf.len() >= SHELF_MAX {
        shelf.clear();
    }
    shelf.insert(shown.digest.clone(), read.clone());
    Ok((shown, read))
}

/// The packs of a hub and a few older versions.
const SHELF_MAX: usize = 64;

#[derive(Template)]
#[template(path = "rulebook/packs.html")]
struct PacksPage<'a> {
    p: &'a Page,
    packs: Vec<Shown>,
}

/// GET /rules
async fn packs(State(app): State<AppState>, p: Page) -> Response {
    let packs = shown(&app, &p).into_iter().map(|(shown, _)| shown).collect();
    p.show(&PacksPage { p: &p, packs })
}

/// GET /api/v1/rules
async fn packs_api(State(app): State<AppState>, p: Page) -> Json<Value> {
    let pack = |(s, _): (Shown, _)| {
        let Standing { built_in, pinned, vouched } = s.standing;
        let signer = vouched.map(|vouched| vouched.signer);
        json!({ "pack": s.slug, "digest": s.digest, "rules": s.rules, "pinned": pinned, "built_in": built_in,
            "signer": signer })
    };
    Json(json!({ "packs": shown(&app, &p).into_iter().map(pack).collect::<Vec<_>>() }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    date: String,
    from: String,
    to: String,
    digest: String,
}

/// A day that was asked for; today where none was.
async fn day(app: &AppState, field: &str, got: &str) -> Answer<Date> {
    if got.is_empty() {
        return Ok(app.site().date(app.hub.business_now().await?));
    }
    let fault = || Failure::bad("not-a-day").with("field", field).with("got", got);
    got.parse().ok().filter(|_| got.len() == 10).ok_or_else(fault)
}

/// Of what is felt, the rules that say so.
struct Group {
    word: String,
    rules: Vec<RuleRow>,
}

struct RuleRow {
    id: String,
    name: String,
    note: Option<String>,
    kind: String,
    dates: String,
    source: String,
    knowledge: String,
    class: &'static str,
    fields: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "rulebook/rules.html")]
struct RulesPage<'a> {
    p: &'a Page,
    pack: Shown,
    date: Date,
    day: String,
    groups: Vec<Group>,
    versions: Vec<String>,
    is_old: bool,
}

const FELT: [Felt; 6] = [Felt::Price, Felt::Goods, Felt::Papers, Felt::Checks, Felt::Time, Felt::Moves];

/// GET /rules/{pack}?date=: what holds on a day, with sources.
async fn rules(
    State(app): State<AppState>,
    p: Page,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let (pack, facts) = found(&app, &p, &slug, &asked.digest).await?;
    let date = day(&app, "date", &asked.date).await?;
    let held: Vec<&RuleFacts> = facts.iter().filter(|rule| rule.info.holds_on(date)).collect();
    let group = |felt: Felt| {
        let rules = held.iter().filter(|rule| Felt::of(rule.info.kind) == felt).map(|rule| row(&p, rule));
        Group { word: p.by("rules-felt", felt.code()), rules: rules.collect() }
    };
    let groups = FELT.into_iter().map(group).filter(|group| !group.rules.is_empty()).collect();
    let versions = app.hub.pack_versions(&pack.pack).await?;
    let is_old = app.site().rulebooks.in_use().get(&pack.pack).is_some_and(|used| used.digest != *pack.digest);
    Ok(p.show(&RulesPage { p: &p, pack, date, day: p.date(date), groups, versions, is_old }))
}

fn row(p: &Page, rule: &RuleFacts) -> RuleRow {
    let info = &rule.info;
    let to = info.valid_to.map_or_else(|| p.s("rules-no-end"), |date| p.date(date));
    RuleRow {
        id: info.id.to_string(),
        name: p.words(&info.name),
        note: info.note.as_ref().map(|note| p.words(note)),
        kind: p.by("rule-kind", info.kind.code()),
        dates: format!("{} – {to}", p.date(info.valid_from)),
        source: info.source.to_string(),
        knowledge: p.by("knowledge", info.knowledge.code()),
        class: match info.knowledge {
            Knowledge::Sourced => "go",
            Knowledge::Unverified => "wait",
            Knowledge::Unknown => "stop",
        },
        fields: rule.fields.iter().map(|(field, fact)| (field_name(p, field), fact_text(p, fact))).collect(),
    }
}

/// GET /api/v1/rules/{pack}?date=
async fn rules_api(
    State(app): State<AppState>,
    p: Page,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Json<Value>> {
    let (pack, facts) = found(&app, &p, &slug, &asked.digest).await?;
    let date = day(&app, "date", &asked.date).await?;
    let rule = |rule: &RuleFacts| {
        let mut value = serde_json::to_value(&*rule.info).unwrap_or_default();
        value["fields"] = serde_json::to_value(&rule.fields).unwrap_or_default();
        value
    };
    let held: Vec<Value> = facts.iter().filter(|r| r.info.holds_on(date)).map(rule).collect();
    Ok(Json(json!({ "pack": pack.slug, "digest": pack.digest, "date": date, "rules": held })))
}

struct FeltChanges {
    word: String,
    changes: Vec<Told>,
}

#[derive(Template)]
#[template(path = "rulebook/changes.html")]
struct ChangesPage<'a> {
    p: &'a Page,
    pack: Shown,
    from: Date,
    to: Date,
    groups: Vec<FeltChanges>,
}

struct Between {
    pack: Shown,
    from: Date,
    to: Date,
    changes: Vec<RuleChange>,
}

/// What changes between two days; without them, from today on for a year.
async fn compared(app: &AppState, t: &Tr, slug: &str, asked: &Asked) -> Answer<Between> {
    let (pack, facts) = found(app, t, slug, &asked.digest).await?;
    let from = day(app, "from", &asked.from).await?;
    let to = if asked.to.is_empty() {
        from.saturating_add(jiff::Span::new().years(1))
    } else {
        day(app, "to", &asked.to).await?
    };
    Ok(Between { pack, from, to, changes: between_days(&facts, from, to) })
}

/// GET /rules/{pack}/changes?from=&to=
async fn changes(
    State(app): State<AppState>,
    p: Page,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let Between { pack, from, to, changes } = compared(&app, &p, &slug, &asked).await?;
    let group = |felt: Felt| {
        let told = changes.iter().filter(|change| change.felt == felt).map(|change| tell(&p, change));
        FeltChanges { word: p.by("rules-felt", felt.code()), changes: told.collect() }
    };
    let groups = FELT.into_iter().map(group).filter(|group| !group.changes.is_empty()).collect();
    Ok(p.show(&ChangesPage { p: &p, pack, from, to, groups }))
}

/// GET /api/v1/rules/{pack}/changes?from=&to=
async fn changes_api(
    State(app): State<AppState>,
    p: Page,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Json<Value>> {
    let Between { pack, from, to, changes } = compared(&app, &p, &slug, &asked).await?;
    let told: Vec<Value> =
        changes.iter().map(|change| json!({ "sentence": tell(&p, change).sentence, "change": change })).collect();
    Ok(Json(json!({ "pack": pack.slug, "digest": pack.digest, "from": from, "to": to, "changes": told })))
}
