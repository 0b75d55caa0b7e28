//! The word that an invoice is not financed twice: a lender asks by the papers that it was handed.

use axum::Json;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::S10;
use trade::financing::{AskWord, Claim, Says, Wants};
use trade::id::Id;
use trade::party::{Party, Role};
use trade::trade_file::TradeId;

use super::lender;
use super::lender::Part;
use crate::AppState;
use crate::auth::{As, Lender};
use crate::door::{Doors, May, get, only, post};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{code, noun, object, page, text};

/// Words on the page; the newest.
const SHOWN: i64 = 50;

const LENDS: May = only(&[Role::Lender]);
const ASK_SAMPLE: &str = r#"{"trade": "hgh.sandbox:A-26-000001", "waybill": "LP000000014MY", "wants": "keep"}"#;

pub fn routes() -> Doors {
    let asked = || object([("trade", text()), ("waybill", text()), ("wants?", code(&["keep", "finance", "let-go"]))]);
    let claims = || page("claims", object([("trade", text()), ("claim", noun("Claim"))]));
    Doors::new()
        .open(post("/advances/words", LENDS).form("trade=A-26-000001&waybill=LP000000014MY"), ask_page)
        .open(get("/api/v1/finance-words", LENDS).query(&["after", "limit"]).gives(200, claims), list_api)
        .open(post("/api/v1/finance-words", LENDS).json(ASK_SAMPLE).takes(asked).gives(200, || noun("Claim")), ask_api)
}

pub struct WordRow {
    pub order: String,
    pub trade: String,
    pub waybill: String,
    pub asked: String,
    pub says: String,
    pub class: &'static str,
    pub may_take: bool,
}

/// What a lender has asked for, and what it was told.
pub async fn rows(p: &Page, app: &AppState, lender: Id<Party>) -> Answer<Vec<WordRow>> {
    let now = app.hub.business_now().await?;
    let files = app.hub.claims_of(lender, None, SHOWN).await?.items;
    let mut rows = Vec::new();
    for file in &files {
        let claims = file.finance.iter().flat_map(|f| &f.claims).filter(|c| c.lender == lender);
        for claim in claims {
            let (says, class) = match claim.word.as_ref().map(|w| w.says) {
                None => (p.s("word-on-the-road"), "wait"),
                Some(Says::Yes { until }) if now < until => (p.w1("word-yes", "when", p.time(until)), "go"),
                Some(Says::Yes { .. }) => (p.s("word-ended"), ""),
                Some(Says::Financed) => (p.s("word-financed"), "go"),
                Some(Says::LetGo) => (p.s("word-let-go"), ""),
                Some(Says::No { why }) => (p.by("word-no", why.code()), "stop"),
            };
            rows.push(WordRow {
                order: file.id.order_no().to_owned(),
                trade: file.id.to_string(),
                waybill: file.declaration.as_ref().map(|d| d.waybill.to_string()).unwrap_or_default(),
                asked: p.time(claim.asked_at),
                says,
                class,
                may_take: claim.word.as_ref().is_some_and(|w| matches!(w.says, Says::Yes { .. })),
            });
        }
    }
    Ok(rows)
}

/// Order number, or the whole name of the trade, and waybill, as they stand on the papers.
#[derive(Deserialize)]
struct Asking {
    trade: String,
    waybill: String,
    #[serde(default = "keep")]
    wants: Wants,
}

const fn keep() -> Wants {
    Wants::Keep
}

async fn ask(app: &AppState, lender: &Party, asking: &Asking) -> Answer<Claim> {
    let unknown = || Failure::new(axum::http::StatusCode::NOT_FOUND, "papers-unknown");
    let waybill: S10 = asking.waybill.parse().map_err(|e: trade::codes::CodeError| Failure::of(&e))?;
    let named = asking.trade.trim();
    let trade: TradeId = match named.parse() {
        Ok(trade) => trade,
        // An order number alone: the one that its waybill belongs to.
        Err(_) => {
            let key = trade::world::NumberKey::waybill(waybill.as_str());
            let found = app.hub.trade_by_number(&key).await?;
            found.filter(|trade| trade.order_no() == named).ok_or_else(unknown)?
        }
    };
    app.submit_as(AskWord { trade, by: lender.id, waybill, wants: asking.wants }.into()).await
}

/// POST /advances/words
async fn ask_page(
    State(app): State<AppState>,
    p: Page,
    As(lender, ..): As<Lender>,
    Form(asking): Form<Asking>,
) -> Answer<Response> {
    match ask(&app, &lender, &asking).await {
        Ok(_) => Ok(Redirect::to("/advances").into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            Ok((failure.status, lender::with(&p, &app, &lender, told).await?).into_response())
        }
    }
}

/// POST /api/v1/finance-words `{"trade": "…", "waybill": "…", "wants": "keep" | "finance" | "let-go"}`
async fn ask_api(
    State(app): State<AppState>,
    As(lender, ..): As<Lender>,
    Json(asking): Json<Asking>,
) -> Answer<Json<Claim>> {
    ask(&app, &lender, &asking).await.map(Json)
}

/// GET /api/v1/finance-words: what this lender has asked for, with the signed words.
async fn list_api(
    State(app): State<AppState>,
    As(lender, ..): As<Lender>,
    Query(part): Query<Part>,
) -> Answer<Json<Value>> {
    let files = app.hub.claims_of(lender.id, part.after(), part.limit(SHOWN)).await?;
    let claims: Vec<Value> = files
        .items
        .iter()
        .flat_map(|file| {
            let claims = file.finance.iter().flat_map(|f| &f.claims).filter(|c| c.lender == lender.id);
            claims.map(|claim| json!({ "trade": file.id, "claim": claim })).collect::<Vec<_>>()
        })
        .collect();
    Ok(Json(json!({ "claims": claims, "next": files.next })))
}
