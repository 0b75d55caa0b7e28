//! Whether this hub lives (`/healthz`) and can do its work (`/readyz`), for those who watch it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::AppState;

/// Events that may wait for their place in the tree before the sequencer counts as stuck.
const LAG_MAX: u64 = 10_000;

pub fn routes() -> Router<AppState> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// The process answers. Nothing else is asked, so that a slow store does not get it restarted.
async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "alive": true }))
}

/// The store answers, this node decides, the log keeps up; roads are told, but a road that is down
/// does not make a hub unready: it works alone.
async fn ready(State(app): State<AppState>) -> Response {
    let health = match app.hub.health(app.wall()).await {
        Ok(health) => health,
        Err(error) => {
            let body = Json(json!({ "ready": false, "store": false }));
            eprintln!("web: readyz: {error}");
            return (StatusCode::SERVICE_UNAVAILABLE, body).into_response();
        }
    };
    let lag = health.events.saturating_sub(health.sequenced);
    let log = lag <= LAG_MAX;
    let ready = health.leader && log;
    let roads = app.hub.roads().await.unwrap_or_default();
    let roads: Vec<_> = roads
        .iter()
        .map(|r| json!({ "peer": r.peer, "paused": r.paused, "backlog": r.sent.saturating_sub(r.confirmed) }))
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": ready, "store": true, "lease": health.leader, "log": log, "lag": lag, "roads": roads });
    (status, Json(body)).into_response()
}
