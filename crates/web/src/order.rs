//! Orders: the buyer takes a quote under a number; its own orders in a list.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::trade_file::{TradeFilter, TradeRow};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::DocumentNo;
use trade::commands::Command;
use trade::id::Id;
use trade::order::PlaceOrder;
use trade::party::{Party, Role};
use trade::quote::Quote;
use trade::trade_file::{Stage, TradeId};

use crate::AppState;
use crate::auth::{As, Buyer};
use crate::door::{Doors, get, only, post};
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{id, object, text};

const LIST_PAGE: i64 = 30;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/orders", only(&[Role::Buyer])), list)
        .open(post("/orders", only(&[Role::Buyer])).form("quote=qte_01914f00000070008000000000000001"), place)
        .open(
            post("/api/v1/orders", only(&[Role::Buyer]))
                .json(r#"{"order_no": "A-26-000042", "quote": "qte_01914f00000070008000000000000001"}"#)
                .takes(|| object([("order_no", text().max(64)), ("quote", id("quo"))]))
                .gives(201, || object([("trade", text()), ("delivery", text())])),
            api_place,
        )
}

#[derive(Template)]
#[template(path = "order/list.html")]
struct ListPage {
    p: Page,
    rows: Vec<TradeRow>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    As(buyer, ..): As<Buyer>,
    page: Page,
    Query(query): Query<After>,
) -> Answer<Response> {
    let filter = TradeFilter { buyer: Some(buyer.id), ..TradeFilter::default() };
    let part = app.hub.trades(&filter, query.after.as_deref(), LIST_PAGE).await?;
    let shown = ListPage { p: page, rows: part.items, next: part.next };
    Ok(shown.p.show(&shown))
}

/// What a list says of the goods of a trade: the first line, and how many more.
#[must_use]
pub fn goods_line(page: &Page, row: &TradeRow) -> String {
    let Some(order) = &row.file.order else { return page.s("order-none-yet") };
    let Some(first) = order.quote.lines.first() else { return String::new() };
    let name = page.w2("order-goods", "pieces", page.num(first.pieces), "name", &first.name);
    match order.quote.lines.len() {
        0 | 1 => name,
        more => page.w2("order-goods-more", "first", name, "more", more - 1),
    }
}

/// How a stage is shown: the class of its mark.
#[must_use]
pub const fn stage_class(stage: Stage) -> &'static str {
    match stage {
        Stage::AwaitingOrder | Stage::AwaitingPayment | Stage::Deposited => "wait",
        Stage::InEscrow | Stage::ExportReleased | Stage::ImportReleased => "tell",
        Stage::Delivered | Stage::Settled | Stage::Paid => "go",
        Stage::ExportHeld | Stage::ImportHeld | Stage::Detained | Stage::Declined | Stage::Disputed => "stop",
        Stage::Returning => "wait",
        Stage::Lapsed | Stage::Cancelled | Stage::Returned | Stage::Refunded => "",
    }
}

#[derive(Deserialize)]
struct OrderForm {
    quote: String,
}

/// The number follows from the quote, so that a form sent twice is one order.
async fn place(State(app): State<AppState>, As(buyer, ..): As<Buyer>, Form(form): Form<OrderForm>) -> Answer<Response> {
    let unknown = |_| Failure::new(StatusCode::NOT_FOUND, "quote-unknown");
    let quote: Id<Quote> = form.quote.parse().map_err(unknown)?;
    let text = quote.to_string();
    let number = format!("W-{}", text[text.len() - 12..].to_ascii_uppercase());
    let order_no: DocumentNo = number.parse().map_err(|e| Failure::of(&e))?;
    let (trade, _) = place_order(&app, &buyer, &order_no, quote).await?;
    Ok(Redirect::to(&format!("/trades/{}", percent(trade.as_str()))).into_response())
}

async fn place_order(app: &AppState, buyer: &Party, no: &DocumentNo, quote: Id<Quote>) -> Answer<(TradeId, String)> {
    let delivery = format!("D-{}", URL_SAFE_NO_PAD.encode(app.random::<9>()).replace(['_', '-'], "x"));
    let trade = app.site().trade(no);
    let command = PlaceOrder { trade, quote, buyer: buyer.id, delivery, practice: false };
    let trade: TradeId = app.submit_as(Command::PlaceOrder(command)).await?;
    // The order may have stood before: what counts is the delivery reference that it has.
    let order = app.hub.trade(&trade).await?.and_then(|file| file.order);
    let delivery =
        order.map(|o| o.delivery.clone()).ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500"))?;
    Ok((trade, delivery))
}

#[derive(Deserialize)]
struct OrderBody {
    order_no: String,
    quote: Id<Quote>,
}

async fn api_place(
    State(app): State<AppState>,
    As(buyer, ..): As<Buyer>,
    Json(body): Json<OrderBody>,
) -> Answer<(StatusCode, Json<Value>)> {
    let order_no: DocumentNo = body.order_no.parse().map_err(|e| Failure::of(&e))?;
    let (trade, delivery) = place_order(&app, &buyer, &order_no, body.quote).await?;
    Ok((StatusCode::CREATED, Json(json!({ "trade": trade, "delivery": delivery }))))
}
