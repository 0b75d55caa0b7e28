//! The payee: a seller says to which account it is paid, and who its bank says holds it.

use axum::Json;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use papers::pain001::{Holder, Letters};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::party::{Party, Role};
use trade::payee::NamePayee;

use crate::AppState;
use crate::auth::{As, Seller};
use crate::door::{Doors, only, post};
use crate::page::Page;
use crate::party::account;
use crate::problem::{Answer, Failure};
use crate::schema::{object, text};

pub fn routes() -> Doors {
    let sellers = only(&[Role::Seller]);
    Doors::new().open(post("/account/payee", sellers).form("account=5140-1234-5678"), name_page).open(
        post("/api/v1/payee", sellers)
            .json(r#"{"account": "5140-1234-5678", "holder": "Kopi Warisan"}"#)
            .takes(|| object([("account", text()), ("holder?", text())]))
            .gives(200, || object([("account", text().or_null()), ("holder", text())])),
        name_api,
    )
}

#[derive(Clone, Default, Deserialize)]
pub struct PayeeForm {
    pub account: String,
    #[serde(default)]
    pub holder: String,
}

/// POST /account/payee
async fn name_page(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Form(form): Form<PayeeForm>,
) -> Answer<Response> {
    match name(&app, &seller, &form).await {
        Ok(_) => Ok(Redirect::to("/account").into_response()),
        Err(failure) => account::again(&app, seller, page, form, &failure).await,
    }
}

/// POST /api/v1/payee `{"account": "5140-1234-5678", "holder": "Kopi Warisan"}`
async fn name_api(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Json(form): Json<PayeeForm>,
) -> Answer<Json<Value>> {
    let party = name(&app, &seller, &form).await?;
    Ok(Json(json!({ "account": party.payout_account, "holder": holder_of(&party) })))
}

async fn name(app: &AppState, seller: &Party, form: &PayeeForm) -> Answer<Party> {
    let holder = Some(form.holder.trim().to_owned()).filter(|h| !h.is_empty());
    check_letters(app, holder.as_deref().unwrap_or(&seller.name))?;
    app.submit_as(NamePayee { party: seller.id, account: form.account.clone(), holder }.into()).await
}

/// Refuses a holder whose name the hub's bank cannot read: its payout could not be sent.
pub fn check_letters(app: &AppState, holder: &str) -> Answer<()> {
    let letters = Letters::of(app.site().currency);
    letters.say(holder).map(|_| ()).map_err(|character| {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "holder-letters")
            .with("got", holder)
            .with("character", character.to_string())
    })
}

fn holder_of(party: &Party) -> &str {
    party.account_holder.as_deref().unwrap_or(&party.name)
}

/// Where the money of a seller goes.
#[derive(Clone)]
pub enum Payee {
    Known(Holder),
    /// It has named no account.
    NoAccount,
    /// Its bank's letters do not have the holder's name.
    Letters,
}

/// In a sandbox a seller without an account has one at its bank.
#[must_use]
pub fn of(app: &AppState, party: &Party) -> Payee {
    let letters = Letters::of(app.site().currency);
    let holder = holder_of(party);
    let account = match &party.payout_account {
        Some(account) => account.clone(),
        None if app.is_sandbox() => {
            let tail: String = party.id.text().chars().skip(16).collect::<String>().to_uppercase();
            let name = if letters.say(holder).is_ok() { holder } else { "SANDBOX" };
            return Payee::Known(Holder { name: name.to_owned(), account: format!("SBX{tail}"), bic: None });
        }
        None => return Payee::NoAccount,
    };
    if letters.say(holder).is_err() {
        return Payee::Letters;
    }
    Payee::Known(Holder { name: holder.to_owned(), account, bic: None })
}
