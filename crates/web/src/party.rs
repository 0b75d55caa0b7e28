//! Parties: sign-up, sign-in, sign-out, a party's own account and its API keys.

pub mod account;
mod register;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;
use trade::party::{Party, Role};

use crate::AppState;
use crate::auth;
use crate::door::{ANYONE, Doors, SIGNED, get, post};
use crate::i18n::Told;
use crate::page::{Page, here};
use crate::problem::{Answer, Failure};
use crate::schema::{id, list, object, text};

pub use register::practice_party;
use register::{Identity, Registration, id_type, register};

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/sign-in", ANYONE), sign_in_page)
        .open(post("/sign-in", ANYONE).form("email=a%40b.example&password=not+a+password"), sign_in)
        .open(get("/sign-up", ANYONE), sign_up_page)
        .open(post("/sign-up", ANYONE).form("role=seller&name=Firm&email=nobody&password=ten+characters"), sign_up)
        .open(post("/sign-out", ANYONE), sign_out)
        .open(get("/account", SIGNED), account::page)
        .open(post("/account/keys", SIGNED).form("label=shop"), account::make_key)
        .open(post("/account/keys/{id}/revoke", SIGNED), account::revoke_key)
        .open(
            post("/api/v1/parties", ANYONE)
                .json(r#"{"role": "seller", "name": "Firm", "email": "a@firm.example", "password": "ten characters"}"#)
                .takes(register::shape)
                .gives(201, || object([("party", id("pty")), ("api_key", text().like("^ehub_"))])),
            register::api_register,
        )
        .open(
            post("/api/v1/sessions", ANYONE)
                .json(r#"{"email": "a@firm.example", "password": "ten characters"}"#)
                .takes(|| object([("email", text().max(254)), ("password", text().max(200))]))
                .gives(200, || object([("party", id("pty")), ("roles", list(text()))])),
            api_sign_in,
        )
}

#[derive(Template)]
#[template(path = "party/sign_in.html")]
struct SignInPage {
    p: Page,
    told: Option<Told>,
    email: String,
    next: String,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn sign_in_page(page: Page, Query(query): Query<Next>) -> Response {
    let shown = SignInPage { p: page, told: None, email: String::new(), next: here(&query.next).to_owned() };
    shown.p.show(&shown)
}

#[derive(Deserialize)]
struct SignInForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(State(app): State<AppState>, page: Page, Form(form): Form<SignInForm>) -> Answer<Response> {
    match let_in(&app, &form.email, form.password).await {
        Ok(party) => auth::begin_session(&app, &party, Redirect::to(here(&form.next)).into_response()).await,
        Err(failure) => {
            let told = Some(page.problem(&failure.problem));
            let shown = SignInPage { p: page, told, email: form.email, next: here(&form.next).to_owned() };
            Ok((failure.status, shown.p.show(&shown)).into_response())
        }
    }
}

/// The party whose e-mail address and password these are.
async fn let_in(app: &AppState, email: &str, password: String) -> Answer<Party> {
    let tag = auth::email_tag(app, email);
    app.doorman.may_try(&tag, app.wall())?;
    let known = app.hub.credential(&tag).await?;
    let hash = known.as_ref().map(|c| c.secret.clone());
    let right = auth::check_password(app, hash, password).await?;
    if let (true, Some(credential)) = (right, known)
        && let Some(party) = app.hub.party(credential.party).await?
    {
        app.doorman.was_right(&tag);
        return Ok(party);
    }
    app.doorman.was_wrong(&tag, app.wall());
    Err(Failure::new(StatusCode::UNAUTHORIZED, "wrong-password"))
}

async fn sign_out(State(app): State<AppState>, headers: HeaderMap) -> Answer<Response> {
    auth::end_session(&app, &headers, Redirect::to("/").into_response()).await
}

#[derive(Deserialize)]
struct SessionRequest {
    email: String,
    password: String,
}

async fn api_sign_in(State(app): State<AppState>, Json(request): Json<SessionRequest>) -> Answer<Response> {
    let party = let_in(&app, &request.email, request.password).await?;
    let body = Json(json!({ "party": party.id, "roles": party.roles }));
    auth::begin_session(&app, &party, body.into_response()).await
}

#[derive(Template)]
#[template(path = "party/sign_up.html")]
struct SignUpPage {
    p: Page,
    told: Option<Told>,
    form: SignUpForm,
    country: String,
}

#[derive(Clone, Default, Deserialize)]
struct SignUpForm {
    role: String,
    name: String,
    #[serde(default)]
    country: String,
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    address: String,
    #[serde(default)]
    id_number: String,
    #[serde(default)]
    payout_account: String,
    #[serde(default)]
    account_holder: String,
    /// Whether a buyer is a business, which has a registration number in place of an identity card.
    #[serde(default)]
    business: bool,
    #[serde(default)]
    registration: String,
}

#[derive(Deserialize)]
struct SignUpQuery {
    role: Option<Role>,
    /// A buyer signs up as a person, or as a business.
    #[serde(rename = "as")]
    kind: Option<String>,
}

async fn sign_up_page(State(app): State<AppState>, page: Page, Query(query): Query<SignUpQuery>) -> Response {
    let role = query.role.filter(|r| r.is_open()).unwrap_or(Role::Seller);
    let business = role == Role::Buyer && query.kind.as_deref() == Some("business");
    let form = SignUpForm { role: role.code().to_owned(), business, ..SignUpForm::default() };
    let shown = SignUpPage { p: page, told: None, form, country: app.site().territory.to_string() };
    shown.p.show(&shown)
}

async fn sign_up(State(app): State<AppState>, page: Page, Form(form): Form<SignUpForm>) -> Answer<Response> {
    match register(&app, app.fresh(), &form.registration(), false).await {
        Ok(party) => auth::begin_session(&app, &party, Redirect::to("/").into_response()).await,
        Err(failure) => {
            let told = Some(page.problem(&failure.problem));
            let country = app.site().territory.to_string();
            let shown = SignUpPage { p: page, told, form: SignUpForm { password: String::new(), ..form }, country };
            Ok((failure.status, shown.p.show(&shown)).into_response())
        }
    }
}

impl SignUpForm {
    fn registration(&self) -> Registration {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
        let is_buyer = self.role == Role::Buyer.code();
        Registration {
            party: None,
            role: self.role.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            email: some(&self.email),
            password: Some(self.password.clone()),
            payout_account: some(&self.payout_account),
            account_holder: some(&self.account_holder),
            registration: some(&self.registration).filter(|_| is_buyer && self.business),
            person: (is_buyer && !self.business).then(|| Identity {
                name: self.name.clone(),
                phone: some(&self.phone),
                address: some(&self.address),
                id_type: Some(id_type(&self.country).to_owned()),
                id_number: some(&self.id_number),
                checked: false,
            }),
        }
    }
}
