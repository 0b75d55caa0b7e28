//! A party's own account: what the hub keeps of it, and its API keys.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::access::ApiKey;
use serde::Deserialize;
use trade::party::{Party, Personal};

use crate::AppState;
use crate::auth::{self, Signed};
use crate::page::Page;
use crate::problem::{Answer, Failure};

/// Keys of one party; a firm has a shop system, a warehouse, a test.
const KEYS_MAX: usize = 20;
const LABEL_MAX: usize = 60;

#[derive(Template)]
#[template(path = "party/account.html")]
struct AccountPage {
    p: Page,
    party: Party,
    personal: Option<Personal>,
    keys: Vec<ApiKey>,
    /// Shown once, right after it was made.
    fresh: Option<String>,
}

pub async fn page(State(app): State<AppState>, Signed(party): Signed, page: Page) -> Answer<Response> {
    account(&app, party, page, None).await
}

async fn account(app: &AppState, party: Party, page: Page, fresh: Option<String>) -> Answer<Response> {
    let personal = app.hub.personal(party.id).await?;
    let keys = app.hub.api_keys(party.id).await?;
    let shown = AccountPage { p: page, party, personal, keys, fresh };
    Ok(shown.p.show(&shown))
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
    if app.hub.api_keys(party.id).await?.len() >= KEYS_MAX {
        return Err(Failure::bad("too-many-keys").with("max", KEYS_MAX));
    }
    let (key, hash) = auth::new_api_key(&app);
    let id = auth::fingerprint(&hash)[..12].to_owned();
    let label: String = form.label.trim().chars().take(LABEL_MAX).collect();
    app.hub.put_api_key(&ApiKey { id, party: party.id, label, hash, created: app.wall(), last_used: None }).await?;
    account(&app, party, page, Some(key)).await
}

pub async fn revoke_key(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    if app.hub.revoke_api_key(party.id, &id).await? {
        Ok(Redirect::to("/account").into_response())
    } else {
        Err(Failure::not_found())
    }
}
