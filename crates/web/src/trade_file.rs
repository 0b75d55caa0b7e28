//! The trade file: lists by role, the one page of a trade, its JSON, its bundle with proofs.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::access_log::Look;
use hub::page::Page as Part;
use hub::trade_file::TradeFilter;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::ball::{Holder, ball};
use trade::event::Event;
use trade::matching;
use trade::party::{Party, Role};
use trade::trade_file::{Stage, TradeFile, TradeId};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, May, SIGNED, get, parts};
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{self, Schema, any, noun, object, text};

pub mod bundle;
pub mod matched;
pub mod money;
pub mod next;
pub mod page;
pub mod timeline;
pub mod viewer;

pub use viewer::Viewer;

/// Trades on one page of a list.
const LIST_MAX: i64 = 50;
/// Trades in one answer to a machine.
const API_LIST_MAX: i64 = 200;

/// Whoever has a part in a trade.
pub const EVERY_PART: May =
    parts(&[Role::Seller, Role::Buyer, Role::Officer, Role::Operator, Role::Carrier, Role::Broker, Role::Warehouse]);
/// Of those, the ones who see its prices.
pub const PRICE_PARTS: May = parts(&[Role::Seller, Role::Buyer, Role::Officer, Role::Operator, Role::Broker]);

fn api_shape() -> Schema {
    let event = object([
        ("hub", text()),
        ("n", schema::count().or_null()),
        ("witnessed", schema::boolean()),
        ("at", schema::instant()),
        ("what", object([("kind", text())]).open()),
    ]);
    object([
        ("file", noun("Trade")),
        ("as", text()),
        ("stage", text()),
        ("ball", object([("holder", text()), ("task", text()), ("since", schema::instant())]).open()),
        ("match", schema::list(any())),
        ("transfers", schema::list(any())),
        ("events", schema::list(event)),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/trades", SIGNED), list)
        .open(get("/trades/{id}", EVERY_PART), page::show)
        .open(get("/trades/{id}/bundle", EVERY_PART), bundle::download)
        .open(
            get("/api/v1/trades", SIGNED)
                .query(&["after", "limit", "stage", "holder"])
                .gives(200, || schema::page("trades", noun("TradeRow"))),
            api_list,
        )
        .open(get("/api/v1/trades/{id}", EVERY_PART).gives(200, api_shape), api_show)
        .open(
            get("/api/v1/trades/{id}/match", EVERY_PART).gives(200, || object([("match", schema::list(any()))])),
            api_match,
        )
        .open(
            get("/api/v1/trades/{id}/bundle", EVERY_PART).query(&["view"]).gives(200, || schema::map(any())),
            bundle::download,
        )
}

fn unknown() -> Failure {
    Failure::new(axum::http::StatusCode::NOT_FOUND, "trade-unknown-here")
}

/// The trade that a path names.
pub fn id_of(path: &str) -> Answer<TradeId> {
    path.parse().map_err(|_| unknown())
}

/// The trade file of a path, for a party to it. Whoever has no part in it learns nothing of it.
pub async fn load(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Viewer)> {
    let id = id_of(id)?;
    let file = app.hub.trade(&id).await?.ok_or_else(unknown)?;
    let viewer = part(app, party, &file).await?.ok_or_else(unknown)?;
    Ok((file, viewer))
}

/// The same, for what only one part may do.
pub async fn load_as(app: &AppState, party: &Party, id: &str, part: Viewer) -> Answer<TradeFile> {
    let (file, viewer) = load(app, party, id).await?;
    viewer.must_be(part)?;
    Ok(file)
}

/// The part of a party in a trade, also under a mandate.
pub async fn part(app: &AppState, party: &Party, file: &TradeFile) -> Answer<Option<Viewer>> {
    // A broker that carries too is here for its client.
    if crate::mandate::sees(app, party, file).await? {
        return Ok(Some(Viewer::Broker));
    }
    Ok(Viewer::of(file, party))
}

/// Notes in the access log that an office looked at a trade; the parties look at their own.
pub async fn looked(app: &AppState, party: &Party, file: &TradeFile, viewer: Viewer) -> Answer<()> {
    if matches!(viewer, Viewer::Officer | Viewer::Operator) {
        let look = Look {
            at: app.wall(),
            who: party.id,
            what: "trade".to_owned(),
            subject: file.id.to_string(),
            reason: viewer.code().to_owned(),
        };
        app.hub.log_access(&look).await?;
    }
    Ok(())
}

/// What happened to a trade: on this hub, each event with its place in the log and whether a peer has
/// countersigned a head that holds it; and what the peer told, which came with a proof in a head that
/// this hub countersigned.
pub async fn events(app: &AppState, file: &TradeFile) -> Answer<Vec<timeline::Known>> {
    let events = app.hub.events_of(&file.id).await?;
    let mut witnessed = 0;
    for peer in app.hub.peers().await? {
        witnessed = witnessed.max(app.hub.outgoing(&peer.card.id).await?.witnessed);
    }
    let sequenced = *app.hub.sequenced().borrow();
    let known = |logged: hub::event::Logged| timeline::Known {
        hub: app.site().id.clone(),
        is_own: true,
        n: (logged.event.n < sequenced).then_some(logged.event.n),
        is_witnessed: logged.event.n < witnessed,
        at: logged.event.at,
        what: logged.event.what,
    };
    let mut all: Vec<timeline::Known> = events.into_iter().map(known).collect();
    if let Some(peer) = &file.peer {
        let heard = app.hub.heard(peer, &file.heard.iter().copied().collect()).await?;
        all.extend(heard.into_iter().filter_map(|heard| {
            // A newer peer's event that is not understood here was noted when it came.
            let event: Event = serde_json::from_slice(&heard.entry.leaf.0).ok()?;
            Some(timeline::Known {
                hub: peer.clone(),
                is_own: false,
                n: Some(heard.entry.index),
                is_witnessed: true,
                at: event.at,
                what: event.what,
            })
        }));
    }
    Ok(all)
}

#[derive(Deserialize)]
struct ListQuery {
    stage: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
    holder: Option<String>,
}

impl ListQuery {
    fn stage(&self) -> Option<Stage> {
        let code = self.stage.as_deref().unwrap_or_default();
        Stage::ALL.into_iter().find(|s| s.code() == code)
    }

    fn holder(&self) -> Option<Holder> {
        let code = Value::String(self.holder.clone()?);
        serde_json::from_value(code).ok()
    }
}

/// The trades that this party may see, newest first, and where the list goes on.
async fn mine(
    app: &AppState,
    party: &Party,
    query: &ListQuery,
    limit: i64,
) -> Answer<(Vec<(TradeFile, Viewer)>, Option<String>)> {
    let office = [Role::Officer, Role::Operator, Role::Carrier].into_iter().any(|r| party.is(r));
    let all = TradeFilter { stage: query.stage(), holder: query.holder(), ..TradeFilter::default() };
    let filter = if office {
        all
    } else if party.is(Role::Seller) {
        TradeFilter { seller: Some(party.id), ..all }
    } else if party.is(Role::Buyer) {
        TradeFilter { buyer: Some(party.id), ..all }
    } else if party.is(Role::Broker) {
        let mut files = crate::mandate::trades(app, party).await?;
        files.retain(|f| query.stage().is_none_or(|stage| f.stage() == stage));
        files.retain(|f| query.holder().is_none_or(|holder| ball(f).holder == holder));
        files.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        return Ok((files.into_iter().map(|file| (file, Viewer::Broker)).collect(), None));
    } else {
        return Ok((Vec::new(), None));
    };
    let Part { items, next } = app.hub.trades(&filter, query.after.as_deref(), limit).await?;
    let shown = items.into_iter().filter_map(|row| Viewer::of(&row.file, party).map(|v| (row.file, v))).collect();
    Ok((shown, next))
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
    stages: Vec<(&'static str, String, bool)>,
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
    let now = app.hub.business_now().await?;
    let rows = files.iter().map(|(file, viewer)| row(&p, file, *viewer, now)).collect();
    let kind = [Role::Operator, Role::Officer, Role::Carrier, Role::Seller, Role::Buyer, Role::Broker]
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
        stages: Stage::ALL.into_iter().map(|s| (s.code(), p.by("stage", s.code()), s.code() == stage)).collect(),
        rows,
        more: more.map(|after| format!("/trades?stage={stage}&after={}", percent(&after))),
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
async fn api_show(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (file, viewer) = load(&app, &party, &id).await?;
    looked(&app, &party, &file, viewer).await?;
    let transfers = if viewer.sees_ledger() { app.hub.transfers_of(&file.id).await? } else { Vec::new() };
    let events: Vec<Value> = events(&app, &file)
        .await?
        .iter()
        .filter_map(|e| {
            let what = viewer::told(&e.what, viewer)?;
            Some(json!({ "hub": e.hub, "n": e.n, "witnessed": e.is_witnessed, "at": e.at, "what": what }))
        })
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
async fn api_match(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (file, viewer) = load(&app, &party, &id).await?;
    Ok(Json(json!({ "match": matches(&app, &file, viewer) })))
}

fn matches(app: &AppState, file: &TradeFile, viewer: Viewer) -> Value {
    match app.site().rulebook() {
        Some(book) if viewer.sees_match() => json!(matching::table(file, book)),
        _ => json!([]),
    }
}
