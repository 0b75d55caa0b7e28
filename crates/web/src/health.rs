//! Whether this hub lives (`/healthz`) and can do its work (`/readyz`), for those who watch it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hub::Status;
use hub::recovery::Standing;
use serde_json::{Value, json};

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::operator::road;
use crate::problem::Answer;

/// Events that may wait for their place in the tree before the sequencer counts as stuck.
const LAG_MAX: u64 = 10_000;

pub fn routes() -> Doors {
    Doors::new().open(get("/healthz", ANYONE), alive).open(get("/readyz", ANYONE), ready)
}

/// The process answers. Nothing else is asked, so that a slow store does not get it restarted.
async fn alive() -> Json<serde_json::Value> {
    Json(json!({ "alive": true }))
}

/// The store answers, this node decides or knows who does, the log keeps up. Roads are told too, but a road that is
/// down does not make a hub unready: it works alone.
async fn ready(State(app): State<AppState>) -> Response {
    match look(&app).await {
        Ok((ready, body)) => {
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, Json(body)).into_response()
        }
        Err(_) => {
            let body = Json(json!({ "ready": false, "store": false }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

async fn look(app: &AppState) -> Answer<(bool, Value)> {
    let events = app.hub.event_count().await?;
    let lag = events.saturating_sub(*app.hub.sequenced().borrow());
    let log = lag <= LAG_MAX;
    let status = app.hub.status();
    let lease = matches!(status, Status::Deciding { .. });
    let roads: Vec<Value> = road::stands(app)
        .await?
        .iter()
        .map(|r| json!({ "peer": r.peer, "paused": r.paused, "backlog": r.backlog(), "failures": r.failures }))
        .collect();
    // A hub that has lost events can be read only: whoever balances load sends work elsewhere.
    let standing = app.hub.standing();
    let decides = matches!(standing, Standing::Sound | Standing::Asking { restored: false, .. });
    let ready = log && decides && (lease || matches!(status, Status::Following { .. }));
    let recovery = crate::recovery::brief(&standing);
    Ok((
        ready,
        json!({
            "ready": ready, "store": true, "lease": lease, "log": log, "lag": lag, "recovery": recovery, "roads": roads,
        }),
    ))
}
