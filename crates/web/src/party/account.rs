//! A party's own account: what the hub keeps of it, and its API keys.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::credential::ApiKey;
use serde::Deserialize;
use trade::id::Id;
use trade::party::{Party, Personal, Role};

use crate::AppState;
use crate::auth::{self, Signed};
use crate::i18n::Told;
use crate::page::Page;
use crate::payee::PayeeForm;
use crate::problem::{Answer, Failure};

/// Keys of one party; a firm has a shop system, a warehouse, a test.
const KEYS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "party/account.html")]
struct AccountPage {
    p: Page,
    party: Party,
    personal: Option<Personal>,
    keys: Vec<ApiKey>,
    /// Shown once, right after it was made.
    fresh: Option<String>,
    told: Option<Told>,
    /// Sellers say where they are paid.
    payee: Option<PayeeForm>,
}

pub async fn page(State(app): State<AppState>, Signed(party): Signed, page: Page) -> Answer<Response> {
    Ok(show(&account(&app, party, page, None).await?))
}

async fn account(app: &AppState, party: Party, p: Page, fresh: Option<String>) -> Answer<AccountPage> {
    let personal = app.hub.personal(party.id).await?;
    let keys = own_keys(app, party.id).await?;
    let payee = party.is(Role::Seller).then(|| PayeeForm {
        account: party.payout_account.clone().unwrap_or_default(),
        holder: party.account_holder.clone().unwrap_or_default(),
    });
    Ok(AccountPage { p, party, personal, keys, fresh, told: None, payee })
}

fn show(page: &AccountPage) -> Response {
    page.p.show(page)
}

/// The account's page with what was typed and what is the matter with it.
pub async fn again(app: &AppState, party: Party, p: Page, form: PayeeForm, failure: &Failure) -> Answer<Response> {
    let told = Some(p.problem(&failure.problem));
    let page = AccountPage { told, payee: Some(form), ..account(app, party, p, None).await? };
    Ok((failure.status, show(&page)).into_response())
}

/// Keys that are in force.
async fn own_keys(app: &AppState, party: Id<Party>) -> Answer<Vec<ApiKey>> {
    let mut keys = app.hub.api_keys_of(party).await?;
    keys.retain(|k| k.revoked.is_none());
    Ok(keys)
}

#[derive(Deserialize)]
pub struct KeyForm {
    label: String,
}

pub async fn make_key(
    State(app): State<AppState>,
    Signed(party): Signed,
    page: Page,
    Form(form): Form<KeyForm>,
) -> Answer<Response> {
    if own_keys(&app, party.id).await?.len() >= KEYS_MAX {
        return Err(Failure::bad("too-many-keys").with("max", KEYS_MAX));
    }
    let key = auth::give_api_key(&app, party.id, &form.label).await?;
    Ok(show(&account(&app, party, page, Some(key)).await?))
}

pub async fn revoke_key(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let key = own_keys(&app, party.id).await?.into_iter().find(|k| k.hash == id).ok_or_else(Failure::not_found)?;
    app.hub.save_api_key(&ApiKey { revoked: Some(app.wall()), ..key }).await?;
    Ok(Redirect::to("/account").into_response())
}
