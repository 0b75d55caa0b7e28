//! Who asks: sessions for people, API keys for machines; passwords under argon2; guards by role;
//! a limit on wrong passwords; posts from other sites refused.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Mutex;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub::credential::ApiKey;
use hub::session::Session;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use trade::id::Id;
use trade::party::{Party, PersonTag, Role};
use trade::time::WallTime;

use crate::AppState;
use crate::page::{Ask, cookie};
use crate::problem::{Answer, Failure};

/// A working day and a half shift: a person signs in again on the next day.
const SESSION_SECONDS: i64 = 12 * 3600;
/// 19 MiB, 2 passes, 1 lane: the least that OWASP's password storage advice takes for Argon2id.
const ARGON2_KIB: u32 = 19_456;
const ARGON2_PASSES: u32 = 2;
/// Passwords hashed at a time: each takes a core for tens of milliseconds and 19 MiB.
const HASHING_AT_ONCE: usize = 2;
/// Wrong passwords for one account within the window before it is closed until the window ends.
const WRONG_MAX: u32 = 8;
const WRONG_WINDOW_SECONDS: i64 = 15 * 60;
/// Accounts whose wrong passwords are remembered; beyond it the oldest windows go.
const WATCHED_MAX: usize = 10_000;
const KEY_NAME_MAX: usize = 60;
pub const PASSWORD_MIN: usize = 10;
pub const PASSWORD_MAX: usize = 200;

/// Who asks, and how it was recognised.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub party: Option<Party>,
    pub by: By,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    #[default]
    Nothing,
    Session,
    ApiKey,
}

/// Recognises a caller by its API key, else by its session. A store that fails recognises nobody.
pub async fn identify(app: &AppState, headers: &HeaderMap) -> Caller {
    let now = app.wall();
    if let Some(key) = bearer(headers) {
        let found = app.hub.api_key(&fingerprint(key)).await.ok().flatten();
        let Some(found) = found else { return Caller::default() };
        let party = app.hub.party(found.party).await.ok().flatten();
        return Caller { party, by: By::ApiKey };
    }
    let Some(token) = cookie(headers, &session_cookie_name(app)) else { return Caller::default() };
    let Ok(Some(session)) = app.hub.session(&fingerprint(token), now).await else { return Caller::default() };
    let party = app.hub.party(session.party).await.ok().flatten();
    Caller { party, by: By::Session }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// Tokens and keys are 256 random bits, so a plain hash is what is kept of them.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// An e-mail address as it is looked up: a keyed hash, the same for any case.
#[must_use]
pub fn email_tag(app: &AppState, email: &str) -> String {
    PersonTag::of(&app.site().person_key, "email", email).to_string()
}

/// The name of the cookie that holds a session. Hubs of one sandbox share a host, and cookies know no ports: the name carries the hub.
pub fn session_cookie_name(app: &AppState) -> String {
    let hub = app.site().id.as_str().replace('.', "-");
    if app.is_sandbox() { format!("ehub-{hub}") } else { format!("__Host-ehub-{hub}") }
}

/// Opens a session and hands its cookie to the response.
pub async fn begin_session(app: &AppState, party: &Party, mut response: Response) -> Answer<Response> {
    let token = URL_SAFE_NO_PAD.encode(app.random::<32>());
    let opened = app.wall();
    let expires = opened.plus_seconds(SESSION_SECONDS);
    app.hub.save_session(&Session { token: fingerprint(&token), party: party.id, opened, expires }).await?;
    let secure = if app.is_sandbox() { "" } else { "; Secure" };
    let name = session_cookie_name(app);
    let cookie = format!("{name}={token}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    crate::page::set_cookie(&mut response, &cookie);
    Ok(response)
}

/// Ends the session of this request, if it has one.
pub async fn end_session(app: &AppState, headers: &HeaderMap, mut response: Response) -> Answer<Response> {
    let name = session_cookie_name(app);
    if let Some(token) = cookie(headers, &name) {
        app.hub.end_session(&fingerprint(token)).await?;
    }
    let secure = if app.is_sandbox() { "" } else { "; Secure" };
    crate::page::set_cookie(&mut response, &format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"));
    Ok(response)
}

/// Gives a party a new API key. The key is shown once; its hash is what is kept.
pub async fn give_api_key(app: &AppState, party: Id<Party>, name: &str) -> Answer<String> {
    let key = format!("ehub_{}", URL_SAFE_NO_PAD.encode(app.random::<32>()));
    let name: String = name.trim().chars().take(KEY_NAME_MAX).collect();
    let kept = ApiKey { hash: fingerprint(&key), party, name, scopes: Vec::new(), opened: app.wall(), revoked: None };
    app.hub.save_api_key(&kept).await?;
    Ok(key)
}

/// Anybody who has signed in.
pub struct Signed(pub Party);

impl FromRequestParts<AppState> for Signed {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Failure> {
        let Ok(ask) = Ask::from_request_parts(parts, app).await;
        ask.caller.party.map(Self).ok_or_else(Failure::sign_in)
    }
}

/// A role as a type, for [`As`].
pub trait Part {
    const ROLE: Role;
}

/// The caller in one role: `As(seller, ..): As<Seller>` in a handler lets nobody else in.
pub struct As<R: Part>(pub Party, pub PhantomData<R>);

impl<R: Part> FromRequestParts<AppState> for As<R> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Failure> {
        let Signed(party) = Signed::from_request_parts(parts, app).await?;
        if party.is(R::ROLE) { Ok(Self(party, PhantomData)) } else { Err(Failure::role_needed(R::ROLE)) }
    }
}

pub struct Seller;
pub struct Buyer;
pub struct Officer;
pub struct Operator;
pub struct Carrier;
pub struct Bank;
pub struct Warehouse;
pub struct Lender;
pub struct Broker;
pub struct Agency;

impl Part for Seller {
    const ROLE: Role = Role::Seller;
}
impl Part for Buyer {
    const ROLE: Role = Role::Buyer;
}
impl Part for Officer {
    const ROLE: Role = Role::Officer;
}
impl Part for Operator {
    const ROLE: Role = Role::Operator;
}
impl Part for Carrier {
    const ROLE: Role = Role::Carrier;
}
impl Part for Bank {
    const ROLE: Role = Role::Bank;
}
impl Part for Warehouse {
    const ROLE: Role = Role::Warehouse;
}
impl Part for Lender {
    const ROLE: Role = Role::Lender;
}
impl Part for Broker {
    const ROLE: Role = Role::Broker;
}
impl Part for Agency {
    const ROLE: Role = Role::Agency;
}

/// What keeps guessing slow: a few hashes at a time, and a count of wrong passwords an account.
pub struct Doorman {
    hashing: Semaphore,
    wrong: Mutex<HashMap<String, Wrong>>,
}

#[derive(Clone, Copy)]
struct Wrong {
    count: u32,
    since: WallTime,
}

impl Default for Doorman {
    fn default() -> Self {
        Self { hashing: Semaphore::new(HASHING_AT_ONCE), wrong: Mutex::new(HashMap::new()) }
    }
}

impl Doorman {
    /// Refuses an account after too many wrong passwords, saying until when.
    pub fn may_try(&self, account: &str, now: WallTime) -> Answer<()> {
        let wrong = self.lock();
        let Some(seen) = wrong.get(account) else { return Ok(()) };
        let ends = seen.since.plus_seconds(WRONG_WINDOW_SECONDS);
        if seen.count >= WRONG_MAX && now < ends {
            let minutes = (ends.seconds() - now.seconds()).div_euclid(60) + 1;
            return Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "too-many-tries").with("minutes", minutes));
        }
        Ok(())
    }

    pub fn was_wrong(&self, account: &str, now: WallTime) {
        let mut wrong = self.lock();
        if wrong.len() >= WATCHED_MAX {
            wrong.retain(|_, w| now < w.since.plus_seconds(WRONG_WINDOW_SECONDS));
        }
        if wrong.len() >= WATCHED_MAX {
            wrong.clear();
        }
        let seen = wrong.entry(account.to_owned()).or_insert(Wrong { count: 0, since: now });
        if now >= seen.since.plus_seconds(WRONG_WINDOW_SECONDS) {
            *seen = Wrong { count: 0, since: now };
        }
        seen.count = seen.count.saturating_add(1);
    }

    pub fn was_right(&self, account: &str) {
        self.lock().remove(account);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Wrong>> {
        self.wrong.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(ARGON2_KIB, ARGON2_PASSES, 1, None).expect("parameters within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password on a thread that may block.
pub async fn hash_password(app: &AppState, password: String) -> Answer<String> {
    let salt: [u8; 16] = app.random();
    on_thread(app, move || {
        let salt = SaltString::encode_b64(&salt).expect("16 bytes make a salt");
        argon2().hash_password(password.as_bytes(), &salt).map(|h| h.to_string()).ok()
    })
    .await?
    .ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500"))
}

/// Whether the password is the account's. An account that is not there costs the same time.
pub async fn check_password(app: &AppState, known: Option<String>, password: String) -> Answer<bool> {
    if password.chars().count() > PASSWORD_MAX {
        return Ok(false);
    }
    on_thread(app, move || match known.as_deref().map(PasswordHash::new) {
        Some(Ok(hash)) => argon2().verify_password(password.as_bytes(), &hash).is_ok(),
        _ => {
            let salt = SaltString::encode_b64(&[7; 16]).expect("16 bytes make a salt");
            let _spent = argon2().hash_password(password.as_bytes(), &salt);
            false
        }
    })
    .await
}

async fn on_thread<T: Send + 'static>(app: &AppState, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    let failed = || Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500");
    let _permit = app.doorman.hashing.acquire().await.map_err(|_| failed())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| failed())
}

/// Refuses what another site's page sends with this reader's cookies: a browser says where a request
/// comes from (`Sec-Fetch-Site`, else `Origin`); what says neither is no browser.
pub async fn refuse_cross_site(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_same_site(request.headers()) {
        return next.run(request).await;
    }
    Failure::new(StatusCode::FORBIDDEN, "cross-site").into_response()
}

fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, from)| !host.is_empty() && from == host)
}

#[cfg(test)]
mod tests;
