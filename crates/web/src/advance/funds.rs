//! Lenders' money at the hub's bank, as its operator books it; and an advance that was lost.

use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::advance::{ReceiveFunds, RestoreAdvance, ReturnFunds, available, is_lost, lender_reference};
use trade::codes::DocumentNo;
use trade::commands::Command;
use trade::id::Id;
use trade::money::Money;
use trade::party::{Party, Role};
use trade::time::Days;
use trade::trade_file::{Side, TradeFile};

use super::{amount_typed, days_typed, lender};
use crate::AppState;
use crate::auth::{As, Operator};
use crate::door::{Doors, May, only, post};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{any, code, id, integer, money, object, text};
use crate::trade_file::{self, Viewer, next};

/// Lenders on the page; a hub has a few.
const LENDERS_MAX: i64 = 100;

const OPERATOR: May = only(&[Role::Operator]);
const FUNDS_SAMPLE: &str = r#"{"lender": "pty_01914f00000070008000000000000001", "no": "DEP-1",
 "amount": {"minor": 50000, "currency": "MYR"}, "way": "in"}"#;
const RESTORE_SAMPLE: &str = r#"{"lender": "pty_01914f00000070008000000000000001",
 "amount": {"minor": 3000, "currency": "MYR"}, "fee": {"minor": 60, "currency": "MYR"}, "tenor_days": 30}"#;

pub fn routes() -> Doors {
    let restored = || object([("lender", id("pty")), ("amount", money()), ("fee", money()), ("tenor_days", integer())]);
    Doors::new()
        .open(
            post("/advances/funds", OPERATOR)
                .form("lender=pty_01914f00000070008000000000000001&no=DEP-1&amount=5.00&way=in"),
            book_page,
        )
        .open(
            post("/trades/{id}/advance/restored", OPERATOR)
                .form("lender=pty_01914f00000070008000000000000001&amount=30.00&fee=0.60&days=30")
                .at(Side::Export),
            restore_page,
        )
        .open(
            post("/api/v1/funds", OPERATOR)
                .json(FUNDS_SAMPLE)
                .takes(|| {
                    object([("lender", id("pty")), ("no", text()), ("amount", money()), ("way", code(&["in", "out"]))])
                })
                .gives(200, || object([("lender", id("pty")), ("available", money())])),
            book_api,
        )
        .open(
            post("/api/v1/trades/{id}/advance/restored", OPERATOR)
                .json(RESTORE_SAMPLE)
                .takes(restored)
                .gives(200, any)
                .at(Side::Export),
            restore_api,
        )
}

#[derive(Default)]
pub struct FundsView {
    pub rows: Vec<FundsRow>,
    pub choices: Vec<(String, String)>,
    pub currency: &'static str,
}

pub struct FundsRow {
    pub name: String,
    pub reference: String,
    pub free: String,
}

/// Every lender with what it has here that is not lent.
pub async fn view(p: &Page, app: &AppState) -> Answer<FundsView> {
    let mut view = FundsView { currency: app.site().currency.code(), ..FundsView::default() };
    for lender in app.hub.parties(Some(Role::Lender), None, LENDERS_MAX).await?.items {
        let funds = app.hub.funds(lender.id).await?;
        view.rows.push(FundsRow {
            name: lender.name.clone(),
            reference: lender_reference(lender.id).to_string(),
            free: p.money(Money::new(available(funds.balance), funds.account.currency)),
        });
        view.choices.push((lender.id.text(), lender.name));
    }
    Ok(view)
}

/// The lender that a bank's credit names by its reference, if one does.
pub async fn lender_of(app: &AppState, words: &[DocumentNo]) -> Answer<Option<Id<Party>>> {
    if !words.iter().any(|word| word.as_str().starts_with("LND-")) {
        return Ok(None);
    }
    let lenders = app.hub.parties(Some(Role::Lender), None, LENDERS_MAX).await?.items;
    Ok(lenders.into_iter().map(|l| l.id).find(|id| words.contains(&lender_reference(*id))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    In,
    Out,
}

#[derive(Deserialize)]
struct FundsForm {
    lender: Id<Party>,
    no: String,
    amount: String,
    way: Way,
}

fn command(lender: Id<Party>, no: DocumentNo, amount: Money, way: Way, by: Id<Party>) -> Command {
    match way {
        Way::In => ReceiveFunds { lender, no, amount, by: Some(by) }.into(),
        Way::Out => ReturnFunds { lender, no, amount, by }.into(),
    }
}

async fn book(app: &AppState, operator: &Party, form: &FundsForm) -> Answer<Value> {
    let no: DocumentNo = form.no.parse().map_err(|e: trade::codes::CodeError| Failure::of(&e))?;
    let amount = amount_typed(app, &form.amount)?;
    app.submit(command(form.lender, no, amount, form.way, operator.id)).await
}

/// POST /advances/funds
async fn book_page(
    State(app): State<AppState>,
    p: Page,
    As(operator, ..): As<Operator>,
    Form(form): Form<FundsForm>,
) -> Answer<Response> {
    match book(&app, &operator, &form).await {
        Ok(_) => Ok(Redirect::to("/advances").into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            Ok((failure.status, lender::with(&p, &app, &operator, told).await?).into_response())
        }
    }
}

#[derive(Deserialize)]
struct ApiFunds {
    lender: Id<Party>,
    /// The bank's number.
    no: DocumentNo,
    amount: Money,
    way: Way,
}

/// POST /api/v1/funds: a lender's money has come in, or has been sent back. Answers what is not lent.
async fn book_api(
    State(app): State<AppState>,
    As(operator, ..): As<Operator>,
    Json(body): Json<ApiFunds>,
) -> Answer<Json<Value>> {
    let command = command(body.lender, body.no, body.amount, body.way, operator.id);
    let available = app.submit(command).await?;
    Ok(Json(json!({ "lender": body.lender, "available": available })))
}

/// For the operator, if an advance of this trade was lost with a part of the log: the lenders, to say
/// whose it was.
pub async fn lenders_if_lost(
    app: &AppState,
    file: &TradeFile,
    viewer: Viewer,
) -> Answer<Option<Vec<(String, String)>>> {
    if viewer != Viewer::Operator || !is_lost(app.site(), file) {
        return Ok(None);
    }
    let lenders = app.hub.parties(Some(Role::Lender), None, LENDERS_MAX).await?.items;
    Ok(Some(lenders.into_iter().map(|l| (l.id.text(), l.name)).collect()))
}

#[derive(Deserialize)]
struct RestoreForm {
    lender: Id<Party>,
    amount: String,
    fee: String,
    days: String,
}

/// POST /trades/{id}/advance/restored
async fn restore_page(
    State(app): State<AppState>,
    As(operator, ..): As<Operator>,
    Path(id): Path<String>,
    Form(form): Form<RestoreForm>,
) -> Answer<Response> {
    let tenor = days_typed(&form.days)?;
    let (amount, fee) = (amount_typed(&app, &form.amount)?, amount_typed(&app, &form.fee)?);
    let trade = trade_file::id_of(&id)?;
    let href = format!("{}/advance", next::path_of(trade.as_str()));
    app.submit(RestoreAdvance { trade, by: operator.id, lender: form.lender, amount, fee, tenor }.into()).await?;
    Ok(Redirect::to(&href).into_response())
}

#[derive(Deserialize)]
struct ApiRestore {
    lender: Id<Party>,
    amount: Money,
    fee: Money,
    tenor_days: i64,
}

/// POST /api/v1/trades/{id}/advance/restored: what an advance was that a declared loss has taken.
async fn restore_api(
    State(app): State<AppState>,
    As(operator, ..): As<Operator>,
    Path(id): Path<String>,
    Json(body): Json<ApiRestore>,
) -> Answer<Json<Value>> {
    let ApiRestore { lender, amount, fee, tenor_days } = body;
    let tenor = Days(tenor_days);
    let command = RestoreAdvance { trade: trade_file::id_of(&id)?, by: operator.id, lender, amount, fee, tenor };
    app.submit(command.into()).await.map(Json)
}
