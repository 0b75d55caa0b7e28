//! Webhooks, as Standard Webhooks has them: a party gives an address, and is told there what happens that
//! it may see. And the same as a list, for whoever would rather ask.
//!
//! Secrets are not kept: each follows from the hub's own key, the webhook's id and how often it was
//! changed. After a change both the new and the old one sign for a day.

pub mod page;
pub mod send;
mod target;
mod told;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use hub::webhook::{Delivery, Stopped, Webhook, Why};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use trade::id::Id;
use trade::party::Party;
use trade::time::WallTime;

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, SIGNED, delete, get, post};
use crate::idempotency::Fresh;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, boolean, code, count, id, instant, list, noun, object, page as part, text};

pub use target::sender;
pub use told::KINDS;

/// Addresses of one party: a shop, a warehouse, a ledger, a test of each.
const WEBHOOKS_MAX: i64 = 20;
const KINDS_MAX: usize = 64;
/// Long enough for whoever changes a secret to bring the new one to all machines.
const BOTH_SECRETS_SECONDS: i64 = 86_400;
const LIST_PAGE: i64 = 50;
/// Events of the log looked through in one answer.
const EVENTS_MAX: i64 = 200;

pub fn routes() -> Doors {
    let own = "/api/v1/webhooks/{id}";
    Doors::new()
        .open(get("/api/v1/events", SIGNED).query(&["after", "limit", "kind"]).gives(200, events_shape), events)
        .open(get("/api/v1/webhooks", SIGNED).query(&["after", "limit"]).gives(200, webhooks_shape), list_api)
        .open(post("/api/v1/webhooks", SIGNED).json(SAMPLE).takes(new_shape).gives(201, made_shape), make_api)
        .open(get(own, SIGNED).gives(200, webhook_shape), show_api)
        .open(delete(own, SIGNED).gives_nothing(204), remove_api)
        .open(post("/api/v1/webhooks/{id}/secret", SIGNED).gives(200, made_shape), rotate_api)
        .open(post("/api/v1/webhooks/{id}/stop", SIGNED).gives(200, webhook_shape), stop_api)
        .open(post("/api/v1/webhooks/{id}/go-on", SIGNED).gives(200, webhook_shape), go_on_api)
        .open(
            post("/api/v1/webhooks/{id}/replay", SIGNED)
                .json(r#"{"from": 0}"#)
                .takes(|| object([("from", count())]))
                .gives(200, webhook_shape),
            replay_api,
        )
        .open(
            get("/api/v1/webhooks/{id}/deliveries", SIGNED).query(&["after", "limit"]).gives(200, deliveries_shape),
            deliveries_api,
        )
        .merge(page::routes())
}

const SAMPLE: &str = r#"{"url": "https://shop.example/ehub", "kinds": ["export-released", "payout-done"]}"#;

fn new_shape() -> Schema {
    object([("url", text().max(target::URL_MAX)), ("kinds?", list(code(KINDS)).at_most(KINDS_MAX)), ("from?", count())])
}

fn webhook_shape() -> Schema {
    object([
        ("id", id("whk")),
        ("url", text()),
        ("kinds", list(text())),
        ("made", instant()),
        ("cursor", count()),
        ("rotated", instant().or_null()),
        ("failing_since", instant().or_null()),
        ("stopped", object([("at", instant()), ("why", code(&["failing", "gone", "party"]))]).or_null()),
    ])
}

fn webhooks_shape() -> Schema {
    part("webhooks", webhook_shape())
}

fn made_shape() -> Schema {
    object([("webhook", webhook_shape()), ("secret", text().like("^whsec_"))])
}

fn deliveries_shape() -> Schema {
    let answer = object([("status", count()), ("fault", text().or_null()), ("millis", count())]);
    let delivery = object([
        ("n", count()),
        ("kind", text()),
        ("tries", count()),
        ("due", instant().or_null()),
        ("tried", instant().or_null()),
        ("answer", answer.or_null()),
        ("taken", boolean()),
    ]);
    part("deliveries", delivery)
}

fn events_shape() -> Schema {
    object([("events", list(noun("Event"))), ("next", text())])
}

/// The webhook's secrets that sign at this time, the newest first.
fn secrets(app: &AppState, webhook: &Webhook, now: WallTime) -> Vec<[u8; 32]> {
    let fresh = webhook.rotated.is_some_and(|at| now <= at.plus_seconds(BOTH_SECRETS_SECONDS));
    let older = webhook.generation.checked_sub(1).filter(|_| fresh);
    [Some(webhook.generation), older].into_iter().flatten().map(|n| secret(app, webhook.id, n)).collect()
}

fn secret(app: &AppState, id: Id<Webhook>, generation: u32) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(&app.site().person_key).expect("HMAC takes a key of any length");
    for part in [b"ehub-webhook/v1\0".as_slice(), id.text().as_bytes(), &generation.to_be_bytes()] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn shown_secret(app: &AppState, webhook: &Webhook) -> String {
    format!("whsec_{}", STANDARD.encode(secret(app, webhook.id, webhook.generation)))
}

/// A new address, with where in the log it begins: now, if nothing else is said.
#[derive(Deserialize)]
struct NewWebhook {
    url: String,
    #[serde(default)]
    kinds: Vec<String>,
    from: Option<u64>,
}

async fn make(app: &AppState, party: &Party, id: Id<Webhook>, new: NewWebhook) -> Answer<Webhook> {
    let url = target::target(&new.url, app.site().mode)?.to_string();
    let unknown = new.kinds.iter().find(|kind| !KINDS.contains(&kind.as_str()));
    if let Some(kind) = unknown {
        return Err(Failure::bad("webhook-kind").with("got", kind.chars().take(60).collect::<String>()));
    }
    let end = app.hub.event_count().await?;
    let mut kinds = new.kinds;
    kinds.sort_unstable();
    kinds.dedup();
    let webhook = Webhook {
        id,
        party: party.id,
        url,
        kinds,
        made: app.wall(),
        generation: 0,
        rotated: None,
        cursor: new.from.map_or(end, |from| from.min(end)),
        failing_since: None,
        stopped: None,
    };
    // The same again, sent again under its key after its node died.
    if let Some(known) = app.hub.webhook(party.id, id).await? {
        return Ok(known);
    }
    if app.hub.save_webhook(&webhook, WEBHOOKS_MAX).await? {
        Ok(webhook)
    } else {
        Err(Failure::bad("too-many-webhooks").with("max", WEBHOOKS_MAX))
    }
}

async fn own(app: &AppState, party: &Party, id: &str) -> Answer<Webhook> {
    let id: Id<Webhook> = id.parse().map_err(|_| Failure::not_found())?;
    app.hub.webhook(party.id, id).await?.ok_or_else(Failure::not_found)
}

/// Somebody else changed it in between.
fn changed() -> Failure {
    Failure::new(StatusCode::CONFLICT, "webhook-changed")
}

async fn rotate(app: &AppState, party: &Party, id: &str) -> Answer<Webhook> {
    let webhook = own(app, party, id).await?;
    if app.hub.rotate_webhook(&webhook, app.wall()).await? { own(app, party, id).await } else { Err(changed()) }
}

async fn replay(app: &AppState, party: &Party, id: &str, from: u64) -> Answer<Webhook> {
    let webhook = own(app, party, id).await?;
    let end = app.hub.event_count().await?;
    if app.hub.replay_webhook(&webhook, from.min(end)).await? { own(app, party, id).await } else { Err(changed()) }
}

async fn stop(app: &AppState, party: &Party, id: &str, stops: bool) -> Answer<Webhook> {
    let webhook = own(app, party, id).await?;
    let stopped = stops.then(|| Stopped { at: app.wall(), why: Why::Party });
    if webhook.stopped.is_some() != stops {
        app.hub.stop_webhook(webhook.id, stopped).await?;
    }
    own(app, party, id).await
}

fn shown(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "kinds": webhook.kinds,
        "made": webhook.made,
        "cursor": webhook.cursor,
        "rotated": webhook.rotated,
        "failing_since": webhook.failing_since,
        "stopped": webhook.stopped,
    })
}

#[derive(Deserialize)]
struct Part {
    after: Option<String>,
    limit: Option<i64>,
}

async fn list_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(asked): Query<Part>,
) -> Answer<Json<Value>> {
    let found = app.hub.webhooks_of(party.id, asked.after.as_deref(), asked.limit.unwrap_or(LIST_PAGE)).await?;
    let webhooks: Vec<Value> = found.items.iter().map(shown).collect();
    Ok(Json(json!({ "webhooks": webhooks, "next": found.next })))
}

async fn make_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    fresh: Fresh,
    Json(new): Json<NewWebhook>,
) -> Answer<(StatusCode, Json<Value>)> {
    let webhook = make(&app, &party, fresh.id(), new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "webhook": shown(&webhook), "secret": shown_secret(&app, &webhook) }))))
}

async fn show_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    Ok(Json(shown(&own(&app, &party, &id).await?)))
}

async fn remove_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<StatusCode> {
    let webhook = own(&app, &party, &id).await?;
    app.hub.remove_webhook(webhook.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let webhook = rotate(&app, &party, &id).await?;
    Ok(Json(json!({ "webhook": shown(&webhook), "secret": shown_secret(&app, &webhook) })))
}

async fn stop_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    Ok(Json(shown(&stop(&app, &party, &id, true).await?)))
}

async fn go_on_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    Ok(Json(shown(&stop(&app, &party, &id, false).await?)))
}

#[derive(Deserialize)]
struct Replay {
    from: u64,
}

async fn replay_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(asked): Json<Replay>,
) -> Answer<Json<Value>> {
    Ok(Json(shown(&replay(&app, &party, &id, asked.from).await?)))
}

async fn deliveries_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Query(asked): Query<Part>,
) -> Answer<Json<Value>> {
    let webhook = own(&app, &party, &id).await?;
    let limit = asked.limit.unwrap_or(LIST_PAGE);
    let found = app.hub.deliveries_of(webhook.id, asked.after.as_deref(), limit).await?;
    let shown = |delivery: &Delivery| {
        json!({
            "n": delivery.n,
            "kind": delivery.kind,
            "tries": delivery.tries,
            "due": delivery.due,
            "tried": delivery.tried,
            "answer": delivery.answer,
            "taken": delivery.answer.as_ref().is_some_and(hub::webhook::Answered::is_taken),
        })
    };
    let deliveries: Vec<Value> = found.items.iter().map(shown).collect();
    Ok(Json(json!({ "deliveries": deliveries, "next": found.next })))
}

#[derive(Deserialize)]
struct EventsQuery {
    after: Option<String>,
    limit: Option<i64>,
    kind: Option<String>,
}

/// GET /api/v1/events: what happened that the caller may see, in the order of the log. `next` leads on from
/// where the log was looked through to, also where nothing was found and at the log's end: whoever asks
/// again with it misses nothing.
async fn events(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(asked): Query<EventsQuery>,
) -> Answer<Json<Value>> {
    let from: u64 = match asked.after.as_deref() {
        None | Some("") => 0,
        Some(after) => after.parse().map_err(|_| Failure::bad("cursor-unreadable").with("got", after))?,
    };
    let limit = asked.limit.unwrap_or(EVENTS_MAX).clamp(1, EVENTS_MAX);
    // Beyond what a column holds there is nothing.
    let logged = if i64::try_from(from).is_ok() { app.hub.events(from, limit).await? } else { Vec::new() };
    let next = logged.last().map_or(from, |l| l.event.n + 1);
    let mut seen = Vec::new();
    for one in logged.iter().filter(|l| asked.kind.as_ref().is_none_or(|kind| *kind == l.event.what.kind())) {
        seen.extend(told::told(&app, &party, one).await?);
    }
    Ok(Json(json!({ "events": seen, "next": next.to_string() })))
}
