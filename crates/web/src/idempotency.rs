//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a write that is sent again under its
//! key is answered again, byte for byte, and not done again.
//!
//! The key belongs to its sender and to one request; for another it is refused. An answer is kept for a
//! day, sealed by the key itself, of which the hub has only the hash: it may show an API key. What came
//! to nothing (nobody signed in, not allowed, too often, a fault of the hub) is not kept, and may be
//! sent again. Ids that the hub gives follow from the key, so that a request that was done but not
//! answered, because its node died, is the same one when it is done again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub::idempotency::{Claim, Keyed};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trade::id::{Id, Noun};
use trade::time::WallTime;

use crate::page::Ask;
use crate::problem::{Answer, Failure, as_json};
use crate::{AppState, BODY_MAX};

pub const HEADER: &str = "idempotency-key";
/// Says that an answer is one that was given before.
pub const REPLAYED: &str = "idempotent-replayed";
/// A client that has not heard an answer asks again within a day or asks a person.
pub const KEPT_SECONDS: i64 = 24 * 3600;
/// A UUID has 36 characters; some put a name before it.
pub const KEY_MAX: usize = 128;
/// Of a request that is being done, the answer comes within moments.
const AGAIN_AFTER_SECONDS: u32 = 1;
/// No answer to a write is larger: the largest is a file for the bank.
const ANSWER_MAX: usize = 32 * 1024 * 1024;
/// Of an answer these are kept beside its status and body.
const HEADERS_KEPT: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_DISPOSITION, header::LOCATION, header::SET_COOKIE];

/// Around all of the API: looks for a key on what writes, and answers or lets through.
pub async fn once(State(app): State<AppState>, ask: Ask, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(HEADER) || !is_write(&request) {
        return next.run(request).await;
    }
    match keyed(&app, &ask, request, next).await {
        Ok(response) => response,
        Err(failure) => {
            let doing = failure.status == StatusCode::CONFLICT;
            let mut response = as_json(&app, &ask, &failure);
            if doing {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN_AFTER_SECONDS));
            }
            response
        }
    }
}

/// Whether there is a door of the API for what is asked, that does something.
fn is_write(request: &Request) -> bool {
    static WRITES: LazyLock<BTreeSet<(String, &'static str)>> = LazyLock::new(|| {
        let doors = crate::doors();
        let writes = doors.list(true).filter(|door| door.is_api() && door.method != Method::GET);
        writes.map(|door| (door.method.to_string(), door.path)).collect()
    });
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    path.is_some_and(|path| WRITES.iter().any(|(method, door)| request.method() == method.as_str() && *door == path))
}

async fn keyed(app: &AppState, ask: &Ask, request: Request, next: Next) -> Answer<Response> {
    let key = key_of(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let too_large = |_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "http-413");
    let body = to_bytes(body, BODY_MAX).await.map_err(too_large)?;
    let caller = ask.caller.party.as_ref().map_or_else(|| "anybody".to_owned(), |party| party.id.text());
    let sent = hash(&[
        parts.method.as_str().as_bytes(),
        ask.path_and_query.as_bytes(),
        parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default(),
        &body,
    ]);
    let secret = hash(&[b"answer", caller.as_bytes(), key.as_bytes(), &sent]);
    let key_hash = hash(&[b"key", caller.as_bytes(), key.as_bytes()]);
    let keyed = Keyed { caller, key: STANDARD.encode(key_hash), request: STANDARD.encode(sent) };
    let now = app.wall();
    let first = match app.hub.claim(&keyed, now, now.plus_seconds(-KEPT_SECONDS)).await? {
        Claim::Do { first } => first,
        Claim::Done(sealed) => return open(&secret, &sealed),
        Claim::Doing => return Err(Failure::new(StatusCode::CONFLICT, "idempotency-key-in-use")),
        Claim::Other => return Err(Failure::bad("idempotency-key-reused")),
    };
    parts.extensions.insert(FirstSent { at: first, seed: hash(&[b"ids", &secret]) });
    // On a task of its own: a caller that hangs up does not stop halfway what it asked for.
    let (app, request) = (app.clone(), Request::from_parts(parts, Body::from(body)));
    let done = tokio::spawn(async move {
        let response = next.run(request).await;
        finish(&app, &keyed, &secret, response).await
    });
    done.await.unwrap_or_else(|_| Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500")))
}

/// The key as a string of Structured Fields, or bare as most clients write it.
fn key_of(headers: &HeaderMap) -> Answer<String> {
    let bad = || Failure::new(StatusCode::BAD_REQUEST, "idempotency-key-bad").with("max", KEY_MAX);
    let mut given = headers.get_all(HEADER).iter();
    let (Some(text), None) = (given.next(), given.next()) else { return Err(bad()) };
    let text = text.to_str().map_err(|_| bad())?.trim();
    let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let plain = key.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
    if key.is_empty() || key.len() > KEY_MAX || !plain { Err(bad()) } else { Ok(key.to_owned()) }
}

/// Each part with its length before it, so that no two requests read alike.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(b"ehub idempotency\0");
    for part in parts {
        hash = hash.chain_update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()).chain_update(part);
    }
    hash.finalize().into()
}

/// Whether the request was answered for good: by what it asks, not by who asks or how the hub is.
fn is_answer(status: StatusCode) -> bool {
    let passing =
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !passing.contains(&status)
}

#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

async fn finish(app: &AppState, keyed: &Keyed, secret: &[u8; 32], response: Response) -> Answer<Response> {
    if !is_answer(response.status()) {
        app.hub.let_go(keyed).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let fault = |_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500");
    let body = to_bytes(body, ANSWER_MAX).await.map_err(fault)?;
    let of = |name: &HeaderName| {
        let values = parts.headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.map(|v| (name.as_str().to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    let kept = Kept {
        status: parts.status.as_u16(),
        headers: HEADERS_KEPT.iter().flat_map(of).collect(),
        body: STANDARD.encode(&body),
    };
    let kept = serde_json::to_vec(&kept).expect("an answer has text keys only");
    app.hub.keep_answer(keyed, &seal(secret, app.random(), kept)).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn cipher(secret: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, secret).expect("32 bytes are a key"))
}

/// The nonce, then what was sealed with it.
fn seal(secret: &[u8; 32], nonce: [u8; NONCE_LEN], mut text: Vec<u8>) -> Vec<u8> {
    let sealed = cipher(secret).seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text);
    sealed.expect("an answer is shorter than a cipher allows");
    [&nonce[..], &text].concat()
}

fn open(secret: &[u8; 32], sealed: &[u8]) -> Answer<Response> {
    let kept = unsealed(secret, sealed).and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
    let restored = kept.and_then(|kept| {
        let mut response = Bytes::from(STANDARD.decode(kept.body).ok()?).into_response();
        *response.status_mut() = StatusCode::from_u16(kept.status).ok()?;
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        for (name, value) in kept.headers {
            headers.append(name.parse::<HeaderName>().ok()?, value.parse().ok()?);
        }
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        Some(response)
    });
    restored.ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500"))
}

fn unsealed(secret: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut text = text.to_vec();
    let opened = cipher(secret).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut text);
    opened.ok().map(|text| text.to_vec())
}

/// When a request was first sent under its key, and from what its ids follow.
#[derive(Clone, Copy)]
struct FirstSent {
    at: WallTime,
    seed: [u8; 32],
}

/// Gives ids to what a request makes: the same again when it is sent again under its key.
pub struct Fresh {
    app: AppState,
    sent: Option<FirstSent>,
}

impl Fresh {
    /// For a page, which has no key.
    #[must_use]
    pub fn of(app: &AppState) -> Self {
        Self { app: app.clone(), sent: None }
    }

    /// A number for what has no id of that kind; `of` says for what.
    #[must_use]
    pub fn number(&self, of: &str) -> u64 {
        let random = self.sent.map_or_else(|| self.app.random(), |sent| hash(&[&sent.seed, of.as_bytes()]));
        u64::from_be_bytes(*random.first_chunk().expect("a hash has more than eight bytes"))
    }

    #[must_use]
    pub fn id<T: Noun>(&self) -> Id<T> {
        let Some(FirstSent { at, seed }) = self.sent else { return self.app.fresh() };
        let random: [u8; 32] = hash(&[&seed, T::PREFIX.as_bytes()]);
        let random = random.first_chunk().expect("a hash has more than ten bytes");
        Id::new(u64::try_from(at.micros().div_euclid(1000)).unwrap_or(0), random)
    }
}

impl FromRequestParts<AppState> for Fresh {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        Ok(Self { app: app.clone(), sent: parts.extensions.get().copied() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_or_a_bare_string_and_one_alone() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, value.parse().unwrap());
            }
            key_of(&headers).map_err(|failure| failure.problem.code)
        };
        assert_eq!(with(&["\"8e03978e-40d5\""]), Ok("8e03978e-40d5".to_owned()));
        assert_eq!(with(&["8e03978e-40d5"]), Ok("8e03978e-40d5".to_owned()));
        assert!(with(&[&"k".repeat(KEY_MAX)]).is_ok());
        for bad in [&[][..], &[""], &["\"\""], &["a b"], &["a\"b"], &["a", "b"], &[&"k".repeat(KEY_MAX + 1)]] {
            assert_eq!(with(bad), Err("idempotency-key-bad".to_owned()), "{bad:?}");
        }
    }

    #[test]
    fn an_answer_opens_with_its_own_secret_alone() {
        let (secret, other) = (hash(&[b"a", b"b"]), hash(&[b"ab", b""]));
        let sealed = seal(&secret, [7; NONCE_LEN], b"ehub_key".to_vec());
        assert!(!sealed.windows(8).any(|w| w == b"ehub_key"));
        assert_eq!(unsealed(&secret, &sealed).as_deref(), Some(&b"ehub_key"[..]));
        assert_eq!(unsealed(&other, &sealed), None);
        let mut altered = sealed.clone();
        altered[NONCE_LEN] ^= 1;
        assert_eq!((unsealed(&secret, &altered), unsealed(&secret, b"short")), (None, None));
    }

    #[test]
    fn only_what_was_answered_for_good_is_kept() {
        for (status, kept) in [(200, true), (201, true), (204, true), (404, true), (409, true), (422, true)] {
            assert_eq!(is_answer(StatusCode::from_u16(status).unwrap()), kept);
        }
        for status in [401, 403, 408, 429, 500, 503] {
            assert!(!is_answer(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
