//! The sandbox's payment firm: a page on which the buyer pays, and a real webhook that says so.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use trade::money::Money;
use trade::party::{Party, PersonalField};
use trade::payment::payable;
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
    /// What may be paid now: all, and for a business a deposit; after that the balance.
    payable: Vec<Money>,
    payer: String,
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
    let payer = payer(&app, &buyer).await?.name;
    let stage = file.stage();
    let order_no = file.id.order_no().to_owned();
    let payable = payable(&file);
    let amount = payable.first().copied().unwrap_or(amount);
    let shown = PayPage { p: page, order_no, trade: file.id, amount, payable, payer, stage };
    Ok(shown.p.show(&shown))
}

/// A business pays under its registration, a person under its identity number.
async fn payer(app: &AppState, buyer: &Party) -> Answer<Payer> {
    if buyer.is_business() {
        return Ok(Payer { name: buyer.name.clone(), id_number: buyer.registration.clone() });
    }
    let personal = app.hub.personal(buyer.id).await?;
    let value = |field| personal.as_ref().and_then(|p| p.get(field)).map(str::to_owned);
    Ok(Payer { name: value(PersonalField::Name).unwrap_or_default(), id_number: value(PersonalField::IdNumber) })
}

#[derive(Deserialize)]
pub struct PayForm {
    /// The place of the chosen amount among what may be paid now.
    #[serde(default)]
    part: usize,
}

/// Pays: the number follows from the order and the part, so that paying twice is paying once.
pub async fn pay(
    State(app): State<AppState>,
    As(buyer, ..): As<Buyer>,
    Path(id): Path<String>,
    Form(form): Form<PayForm>,
) -> Answer<Response> {
    let (file, total) = own(&app, &buyer, &id).await?;
    let payable = payable(&file);
    let amount = payable.get(form.part).or(payable.first()).copied().unwrap_or(total);
    let prefix = if file.awaits_balance().is_some() { "SPF-B-" } else { "SPF-" };
    let message = PaymentMessage {
        payment: format!("{prefix}{}", file.id.order_no()).chars().take(60).collect(),
        order_no: file.id.order_no().to_owned(),
        amount: Amount::Money(amount),
        currency: Some(amount.currency()),
        payer: payer(&app, &buyer).await?,
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
