//! The buyer confirms the goods; the escrow lets the money go.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;
use trade::commands::Command;
use trade::escrow::AcceptGoods;
use trade::party::{Party, Role};
use trade::trade_file::TradeFile;

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, parts, post};
use crate::problem::Answer;
use crate::schema::noun;
use crate::trade_file::{self, Viewer, next};

pub fn routes() -> Doors {
    Doors::new()
        .open(post("/trades/{id}/acceptance", parts(&[Role::Buyer])), accept_page)
        .open(post("/api/v1/trades/{id}/acceptance", parts(&[Role::Buyer])).gives(200, || noun("Escrow")), accept_api)
}

async fn accept_page(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let (file, _) = accept(&app, &party, &id).await?;
    Ok(Redirect::to(&next::path(&file)).into_response())
}

/// POST /api/v1/trades/{id}/acceptance
async fn accept_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    accept(&app, &party, &id).await.map(|(_, answer)| Json(answer))
}

async fn accept(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Value)> {
    let (file, viewer) = trade_file::load(app, party, id).await?;
    viewer.must_be(Viewer::Buyer)?;
    let command = AcceptGoods { trade: file.id.clone(), by: party.id };
    let answer = app.submit(Command::AcceptGoods(command)).await?;
    Ok((file, answer))
}
