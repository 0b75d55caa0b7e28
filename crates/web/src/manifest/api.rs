//! Manifests for machines.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::{BagNo, HubId};
use trade::commands::Command;
use trade::manifest::{CloseManifest, Excepted, LoadBag, OpenManifest, UnloadBag, Voyage};
use trade::party::Role;

use super::{LIST_MAX, MAKES, READS, find, reader, sheet, take_over};
use crate::AppState;
use crate::auth::Signed;
use crate::bag::handler;
use crate::door::{Doors, get, only, post};
use crate::problem::Answer;
use crate::schema::{self, Schema, any, list as list_of, noun, object, text};

const VOYAGE: &str = r#"{"to_hub": "hgh.sandbox", "voyage": {"mode": "air", "flight": "MH376", "awb": "232-12345675",
 "from": "MYKUL", "to": "CNHGH", "departs_at": 1795399200000000, "arrives_at": 1795420000000000}}"#;
const BAG: &str = r#"{"bag": "BG00000000017"}"#;

fn bag() -> Schema {
    object([("bag", text())])
}

fn voyage() -> Schema {
    object([("to_hub", text()), ("voyage", object([("from", text()), ("to", text())]).open())])
}

fn arrival() -> Schema {
    object([("place", text()), ("exceptions?", list_of(any()))])
}

pub fn routes() -> Doors {
    let manifest = || noun("Manifest");
    let shown = || object([("manifest", noun("Manifest")), ("state", text())]);
    Doors::new()
        .open(
            get("/api/v1/manifests", READS)
                .query(&["after", "limit"])
                .gives(200, || schema::page("manifests", noun("Manifest"))),
            list,
        )
        .open(post("/api/v1/manifests", MAKES).json(VOYAGE).takes(voyage).gives(200, manifest), open)
        .open(get("/api/v1/manifests/{id}", READS).gives(200, shown), show)
        .open(post("/api/v1/manifests/{id}/bags", MAKES).json(BAG).takes(bag).gives(200, manifest), load)
        .open(post("/api/v1/manifests/{id}/removals", MAKES).json(BAG).takes(bag).gives(200, manifest), unload)
        .open(post("/api/v1/manifests/{id}/close", MAKES).gives(200, manifest), close)
        .open(
            post("/api/v1/manifests/{id}/arrival", only(&[Role::Carrier]))
                .json(r#"{"place": "CNHGH"}"#)
                .takes(arrival)
                .gives(200, manifest),
            arrive,
        )
        .open(get("/api/v1/manifests/{id}/manifest.pdf", READS).gives_file("application/pdf"), sheet::download)
}

#[derive(Deserialize)]
struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
}

/// GET /api/v1/manifests
async fn list(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    reader(&party)?;
    let limit = query.limit.unwrap_or(LIST_MAX).clamp(1, 200);
    let found = app.hub.manifests(None, query.after.as_deref(), limit).await?;
    Ok(Json(json!({ "manifests": found.items, "next": found.next })))
}

#[derive(Deserialize)]
struct Open {
    to_hub: HubId,
    voyage: Voyage,
}

/// POST /api/v1/manifests
async fn open(State(app): State<AppState>, Signed(party): Signed, Json(body): Json<Open>) -> Answer<Json<Value>> {
    handler(&party)?;
    let command = OpenManifest { to: body.to_hub, voyage: body.voyage, by: party.id };
    app.submit(Command::OpenManifest(command)).await.map(Json)
}

/// GET /api/v1/manifests/{id}
async fn show(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let manifest = find(&app, &party, &id).await?;
    Ok(Json(json!({ "manifest": manifest, "state": manifest.state() })))
}

#[derive(Deserialize)]
struct OneBag {
    bag: BagNo,
}

/// POST /api/v1/manifests/{id}/bags
async fn load(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<OneBag>,
) -> Answer<Json<Value>> {
    handler(&party)?;
    let manifest = find(&app, &party, &id).await?.id;
    app.submit(Command::LoadBag(LoadBag { manifest, bag: body.bag, by: party.id })).await.map(Json)
}

/// POST /api/v1/manifests/{id}/removals
async fn unload(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<OneBag>,
) -> Answer<Json<Value>> {
    handler(&party)?;
    let manifest = find(&app, &party, &id).await?.id;
    app.submit(Command::UnloadBag(UnloadBag { manifest, bag: body.bag, by: party.id })).await.map(Json)
}

/// POST /api/v1/manifests/{id}/close
async fn close(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    handler(&party)?;
    let manifest = find(&app, &party, &id).await?.id;
    app.submit(Command::CloseManifest(CloseManifest { manifest, by: party.id })).await.map(Json)
}

#[derive(Deserialize)]
struct Arrive {
    place: String,
    #[serde(default)]
    exceptions: Vec<Excepted>,
}

/// POST /api/v1/manifests/{id}/arrival
async fn arrive(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<Arrive>,
) -> Answer<Json<Value>> {
    let manifest = find(&app, &party, &id).await?.id;
    let arrival = take_over(&app, &party, &manifest, body.place, body.exceptions).await?;
    Ok(Json(json!(arrival)))
}
