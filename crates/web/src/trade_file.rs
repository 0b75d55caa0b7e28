//! The trade file: lists by role, the one page of a trade, its JSON, its bundle with proofs.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::ball::ball;
use trade::commands::Command;
use trade::matching;
use trade::party::{Party, Role};
use trade::trade_file::{Stage, TradeFile, TradeId};

use crate::AppState;
use crate::auth::Signed;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};

pub mod bundle;
pub mod matched;
pub mod money;
pub mod next;
pub mod page;
pub mod price;
pub mod timeline;
pub mod viewer;

pub use viewer::Viewer;

/// Trades on one page of a list.
const LIST_MAX: u32 = 50;
/// Trades in one answer to a machine.
const API_LIST_MAX: u32 = 200;

pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/trades", get(list))
        .route("/trades/{id}", get(page::show))
        .route("/trades/{id}/bundle", get(bundle::download))
        .route("/api/v1/trades", get(api_list))
        .route("/api/v1/trades/{id}", get(api_show))
        .route("/api/v1/trades/{id}/match", get(api_match))
        .route("/api/v1/trades/{id}/bundle", get(bundle::download))
}

/// The trade file of a path, for a party to it. Whoever has no part in it learns nothing of it.
pub async fn load(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Viewer)> {
    let unknown = || Failure::new(axum::http::StatusCode::NOT_FOUND, "trade-unknown-here");
    let id: TradeId = id.parse().map_err(|_| unknown())?;
    let file = app.hub.trade(&id).await?.ok_or_else(unknown)?;
    let viewer = Viewer::of(&file, party).ok_or_else(unknown)?;
    Ok((file, viewer))
}

/// Hands one command to the hub; a refusal keeps its code and values.
pub async fn submit(app: &AppState, command: Command) -> Answer<Value> {
    Ok(app.hub.submit(command).await?)
}

/// Notes in the access log that an office looked at a trade; the parties look at their own.
pub async fn looked(app: &AppState, party: &Party, file: &TradeFile, viewer: Viewer) -> Answer<()> {
    if matches!(viewer, Viewer::Officer | Viewer::Operator) {
        app.hub.looked(party.id, file.id.as_str(), viewer.code()).await?;
    }
    Ok(())
}

/// What is known here to have happened on a trade, on both sides.
pub async fn events(app: &AppState, file: &TradeFile) -> Answer<Vec<timeline::Known>> {
    let _ = (app, file);
    Ok(Vec::new())
}

#[derive(Deserialize)]
struct ListQuery {
    stage: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

impl ListQuery {
    fn stage(&self) -> Option<Stage> {
        let code = self.stage.as_deref().unwrap_or_default();
        Stage::ALL.into_iter().find(|s| s.code() == code)
    }

    fn after(&self) -> Option<TradeId> {
        self.after.as_deref().and_then(|id| id.parse().ok())
    }
}

/// The trades that this party may see, newest first, and where the list goes on.
async fn mine(
    app: &AppState,
    party: &Party,
    query: &ListQuery,
    limit: u32,
) -> Answer<(Vec<(TradeFile, Viewer)>, Option<TradeId>)> {
    let office = [Role::Officer, Role::Operator, Role::Carrier].into_iter().any(|r| party.is(r));
    let own = |role| (party.is(role) && !office).then_some(party.id);
    let (seller, buyer) = (own(Role::Seller), own(Role::Buyer));
    if !office && seller.is_none() && buyer.is_none() {
        return Ok((Vec::new(), None));
    }
    let mut files = Vec::new();
    let mut more = None;
    // A party that both sells and buys here has both lists, one after the other.
    let asks = if office { vec![(None, None)] } else { [(seller, None), (None, buyer)].into_iter().filter(|a| *a != (None, None)).collect() };
    for (seller, buyer) in asks {
        let query = hub::TradeQuery { seller, buyer, stage: query.stage(), after: query.after(), limit, ..hub::TradeQuery::default() };
        let found = app.hub.trades(&query).await?;
        if u32::try_from(found.len()).unwrap_or(u32::MAX) >= limit {
            more = found.last().map(|f| f.id.clone());
        }
        files.extend(found);
    }
    let shown = files.into_iter().filter_map(|f| Viewer::of(&f, party).map(|v| (f, v))).collect();
    Ok((shown, more))
}

struct Row {
    href: String,
    order: String,
    practice: bool,
    goods: String,
    stage: String,
    class: &'static str,
    ball: page::BallView,
    total: String,
}

#[derive(Template)]
#[template(path = "trade_file/list.html")]
struct ListPage<'a> {
    p: &'a Page,
    title: String,
    none: String,
    stage: &'static str,
    stages: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    more: Option<String>,
}

/// GET /trades: a seller's or buyer's orders, an office's trades.
async fn list(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Response> {
    let only = |role| party.roles.iter().all(|r| *r == role);
    if only(Role::Bank) {
        return Ok(Redirect::to("/payouts").into_response());
    }
    let (files, more) = mine(&app, &party, &query, LIST_MAX).await?;
    let now = app.hub.now().await?;
    let rows = files.iter().map(|(file, viewer)| row(&p, file, *viewer, now)).collect();
    let kind = [Role::Operator, Role::Officer, Role::Carrier, Role::Seller, Role::Buyer]
        .into_iter()
        .find(|r| party.is(*r))
        .map_or("operator", Role::code);
    let none = match kind {
        "seller" | "buyer" => p.s(&format!("trades-none-{kind}")),
        _ => p.s("trades-none"),
    };
    let stage = query.stage().map_or("", Stage::code);
    let shown = ListPage {
        p: &p,
        title: p.by("trades-title", kind),
        none,
        stage,
        stages: Stage::ALL.into_iter().map(|s| (s.code(), p.by("stage", s.code()))).collect(),
        rows,
        more: more.map(|id| format!("/trades?stage={stage}&after={}", percent(id.as_str()))),
    };
    Ok(p.show(&shown))
}

fn row(p: &Page, file: &TradeFile, viewer: Viewer, now: trade::time::BusinessTime) -> Row {
    let total = file.total().filter(|_| viewer.sees_prices());
    Row {
        href: next::path(file),
        order: file.id.order_no().to_owned(),
        practice: file.practice,
        goods: page::goods(p, file).unwrap_or_else(|| "–".to_owned()),
        stage: p.by("stage", file.stage().code()),
        class: page::stage_class(file.stage()),
        ball: page::ball_view(p, file, &ball(file), viewer, now),
        total: total.map_or_else(|| "–".to_owned(), |m| p.money(m)),
    }
}

/// GET /api/v1/trades
async fn api_list(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    let limit = query.limit.unwrap_or(LIST_MAX).clamp(1, API_LIST_MAX);
    let (files, next) = mine(&app, &party, &query, limit).await?;
    let trades: Vec<Value> = files.iter().map(|(file, viewer)| api_row(file, *viewer)).collect();
    Ok(Json(json!({ "trades": trades, "next": next })))
}

fn api_row(file: &TradeFile, viewer: Viewer) -> Value {
    let ball = ball(file);
    json!({
        "id": file.id,
        "side": file.side,
        "stage": file.stage(),
        "holder": ball.holder,
        "task": ball.task,
        "since": ball.since,
        "deadline": ball.deadline,
        "total": file.total().filter(|_| viewer.sees_prices()),
    })
}

/// GET /api/v1/trades/{id}
async fn api_show(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let (file, viewer) = load(&app, &party, &id).await?;
    looked(&app, &party, &file, viewer).await?;
    let transfers = if viewer.sees_ledger() { app.hub.transfers_of(&file.id).await? } else { Vec::new() };
    let events: Vec<Value> = page::visible(events(&app, &file).await?, viewer)
        .iter()
        .map(|e| json!({ "hub": e.hub, "n": e.n, "witnessed": e.is_witnessed, "at": e.at, "what": e.what }))
        .collect();
    Ok(Json(json!({
        "file": viewer::shown(&file, viewer),
        "as": viewer.code(),
        "stage": file.stage(),
        "ball": ball(&file),
        "match": matches(&app, &file, viewer),
        "transfers": transfers,
        "events": events,
    })))
}

/// GET /api/v1/trades/{id}/match
async fn api_match(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let (file, viewer) = load(&app, &party, &id).await?;
    Ok(Json(json!({ "match": matches(&app, &file, viewer) })))
}

fn matches(app: &AppState, file: &TradeFile, viewer: Viewer) -> Value {
    match app.site().rulebook() {
        Some(book) if viewer.sees_match() => json!(matching::table(file, book)),
        _ => json!([]),
    }
}
