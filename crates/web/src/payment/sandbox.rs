//! The sandbox's payment firm: a page on which the buyer pays, and a real webhook that says so.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use trade::money::Money;
use trade::party::{Party, PersonalField};
use trade::trade_file::{Stage, TradeFile, TradeId};

use super::webhook::{Amount, Payer, PaymentMessage, sign};
use crate::AppState;
use crate::auth::{As, Buyer};
use crate::client::client;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};

/// A webhook that gets no answer in this time is lost, and the buyer is told so.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

#[derive(Template)]
#[template(path = "payment/pay.html")]
struct PayPage {
    p: Page,
    order_no: String,
    trade: TradeId,
    amount: Money,
    payer: String,
    is_due: bool,
    stage: Stage,
}

async fn own(app: &AppState, buyer: &Party, id: &str) -> Answer<(TradeFile, Money)> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "no-trade");
    let id: TradeId = id.parse().map_err(|_| unknown())?;
    let file = app.hub.trade(&id).await?.ok_or_else(unknown)?;
    let is_own = file.order.as_ref().and_then(|o| o.buyer.as_ref()).is_some_and(|b| b.party == buyer.id);
    let total = file.total().filter(|_| is_own).ok_or_else(unknown)?;
    Ok((file, total))
}

pub async fn page(
    State(app): State<AppState>,
    As(buyer, ..): As<Buyer>,
    page: Page,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, amount) = own(&app, &buyer, &id).await?;
    let personal = app.hub.personal(buyer.id).await?;
    let payer = personal.as_ref().and_then(|p| p.get(PersonalField::Name)).unwrap_or_default().to_owned();
    let stage = file.stage();
    let order_no = file.id.order_no().to_owned();
    let is_due = stage == Stage::AwaitingPayment;
    let shown = PayPage { p: page, order_no, trade: file.id, amount, payer, is_due, stage };
    Ok(shown.p.show(&shown))
}

/// Pays: the number follows from the order, so that paying twice is paying once.
pub async fn pay(State(app): State<AppState>, As(buyer, ..): As<Buyer>, Path(id): Path<String>) -> Answer<Response> {
    let (file, amount) = own(&app, &buyer, &id).await?;
    let personal = app.hub.personal(buyer.id).await?;
    let value = |field| personal.as_ref().and_then(|p| p.get(field)).map(str::to_owned);
    let message = PaymentMessage {
        payment: format!("SPF-{}", file.id.order_no()).chars().take(60).collect(),
        order_no: file.id.order_no().to_owned(),
        amount: Amount::Money(amount),
        currency: Some(amount.currency()),
        payer: Payer {
            name: value(PersonalField::Name).unwrap_or_default(),
            id_number: value(PersonalField::IdNumber),
        },
    };
    send(&app, &message).await?;
    Ok(Redirect::to(&format!("/trades/{}", percent(file.id.as_str()))).into_response())
}

async fn send(app: &AppState, message: &PaymentMessage) -> Answer<()> {
    let lost = |code: &str| Failure::new(StatusCode::BAD_GATEWAY, code);
    let body = serde_json::to_vec(message).map_err(|_| lost("payment-not-sent"))?;
    let (id, now) = (format!("msg_{}", message.payment), app.wall().seconds());
    let client = client(|with| with.timeout(PATIENCE).no_proxy());
    let answer = client
        .post(format!("{}/api/v1/webhooks/payments", app.settings.local_url))
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", now.to_string())
        .header("webhook-signature", sign(&app.settings.payment_secret, &id, now, &body))
        .body(body)
        .send()
        .await
        .map_err(|_| lost("payment-not-sent"))?;
    if answer.status().is_success() { Ok(()) } else { Err(lost("payment-not-taken")) }
}
