//! Manifests for machines.

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::{BagNo, HubId};
use trade::commands::Command;
use trade::manifest::{CloseManifest, Excepted, LoadBag, OpenManifest, UnloadBag, Voyage};

use super::{LIST_MAX, find, reader, sheet, take_over};
use crate::AppState;
use crate::auth::Signed;
use crate::bag::handler;
use crate::problem::Answer;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/v1/manifests", get(list).post(open))
        .route("/api/v1/manifests/{id}", get(show))
        .route("/api/v1/manifests/{id}/bags", post(load))
        .route("/api/v1/manifests/{id}/removals", post(unload))
        .route("/api/v1/manifests/{id}/close", post(close))
        .route("/api/v1/manifests/{id}/arrival", post(arrive))
        .route("/api/v1/manifests/{id}/manifest.pdf", get(sheet::download))
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
