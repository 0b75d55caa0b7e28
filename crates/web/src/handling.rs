//! The warehouse: what comes, what lies where, one scanner's field that says what to do next, and picking.

mod pick;
mod scan;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use trade::codes::Bin;
use trade::commands::Command;
use trade::handling::{StoreParcel, is_picked};
use trade::id::Id;
use trade::party::{Party, Role};
use trade::trade_file::{TradeFile, TradeId};

use trade::trade_file::Side;

use crate::AppState;
use crate::auth::{As, Warehouse};
use crate::door::{Doors, May, get, only, parts, post};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{any, object, text};
use crate::trade_file::{next, page};

pub use pick::document;

/// Parcels of each list; the longest waiting first, so that what is cut off can wait.
const LIST_MAX: i64 = 100;

const KEEPS: May = only(&[Role::Warehouse]);

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/warehouse", KEEPS), home)
        .open(get("/warehouse/scan", KEEPS), scan::show)
        .open(post("/warehouse/scan", KEEPS).form("number=x"), scan::take)
        .open(get("/warehouse/picks/{id}", parts(&[Role::Warehouse])).at(Side::Export), pick::show)
        .open(post("/warehouse/picks/{id}", parts(&[Role::Warehouse])).form("no=x").at(Side::Export), pick::take)
        .open(
            post("/api/v1/trades/{id}/storage", KEEPS)
                .json(r#"{"bin": "B-A01"}"#)
                .takes(|| object([("bin?", text().or_null())]))
                .gives(200, any),
            api_store,
        )
}

struct Row {
    href: String,
    number: String,
    goods: String,
    weight: String,
    place: String,
    state: String,
    class: &'static str,
    todo: String,
}

struct Home {
    picks: Vec<Row>,
    here: Vec<Row>,
    expected: Vec<Row>,
}

#[derive(Template)]
#[template(path = "handling/home.html")]
struct HomePage<'a> {
    p: &'a Page,
    v: Home,
}

/// GET /warehouse
async fn home(State(app): State<AppState>, p: Page, As(party, ..): As<Warehouse>) -> Answer<Response> {
    let stored = app.hub.stored(party.id, LIST_MAX).await?;
    let to_pick = app.hub.to_pick(party.id, LIST_MAX).await?;
    let expected = app.hub.expected(LIST_MAX).await?;
    let (picking, here): (Vec<_>, Vec<_>) = stored.into_iter().partition(|f| f.waybill.is_none());
    let picks = picking.iter().chain(&to_pick).map(|f| pick_row(&p, f)).collect();
    let v = Home {
        picks,
        here: here.iter().map(|f| row(&p, f, next::path(f))).collect(),
        expected: expected.iter().map(|f| row(&p, f, next::path(f))).collect(),
    };
    Ok(p.show(&HomePage { p: &p, v }))
}

/// The path of the page on which an order is picked.
#[must_use]
pub fn pick_path(file: &TradeFile) -> String {
    next::path(file).replacen("/trades/", "/warehouse/picks/", 1)
}

fn pick_row(p: &Page, file: &TradeFile) -> Row {
    let (key, class) = match (file.handling.storage.is_some(), is_picked(file)) {
        (_, true) => ("handling-picked", "go"),
        (true, false) => ("handling-picking", "wait"),
        (false, false) => ("handling-to-pick", "tell"),
    };
    let todo = if is_picked(file) { p.s("handling-todo-pack") } else { p.s("handling-todo-pick") };
    Row { state: p.s(key), class, todo, number: file.id.order_no().to_owned(), ..row(p, file, pick_path(file)) }
}

fn row(p: &Page, file: &TradeFile, href: String) -> Row {
    let storage = file.handling.storage.as_ref();
    let class = if file.clearance.is_released() { "go" } else { "wait" };
    Row {
        href,
        number: file.waybill.as_ref().map_or_else(|| file.id.order_no().to_owned(), |w| w.no.to_string()),
        goods: page::goods(p, file).unwrap_or_else(|| "–".to_owned()),
        weight: file.waybill.as_ref().map_or_else(|| "–".to_owned(), |w| p.kg(w.gross)),
        place: match (&file.handling.bag, storage.and_then(|s| s.bin.as_ref())) {
            (Some(bag), _) => bag.to_string(),
            (None, Some(bin)) => bin.to_string(),
            (None, None) => "–".to_owned(),
        },
        state: p.by("clearance", file.clearance.code()),
        class,
        todo: todo(p, file),
    }
}

/// What the warehouse does next with a parcel.
fn todo(p: &Page, file: &TradeFile) -> String {
    let Some(storage) = &file.handling.storage else { return p.s("handling-todo-receive") };
    match &file.handling.bag {
        Some(bag) => p.w1("handling-todo-bagged", "bag", bag),
        None if storage.bin.is_none() => p.s("handling-todo-bin"),
        None if file.closed.is_some() => p.s("handling-todo-over"),
        None if file.clearance.is_released() => p.s("handling-todo-bag"),
        None => p.s("handling-todo-wait"),
    }
}

/// Receives a parcel, or puts it into a bin.
pub async fn store(app: &AppState, trade: &TradeId, bin: Option<Bin>, by: Id<Party>) -> Answer<Value> {
    app.submit(Command::StoreParcel(StoreParcel { trade: trade.clone(), by, bin })).await
}

#[derive(Deserialize)]
struct ApiStorage {
    #[serde(default)]
    bin: Option<Bin>,
}

/// POST /api/v1/trades/{id}/storage
async fn api_store(
    State(app): State<AppState>,
    As(party, ..): As<Warehouse>,
    Path(id): Path<String>,
    Json(body): Json<ApiStorage>,
) -> Answer<Json<Value>> {
    let trade: TradeId = id.parse().map_err(|_| Failure::bad("not-a-trade").with("got", id))?;
    store(&app, &trade, body.bin, party.id).await.map(Json)
}
