//! Requests between hubs, and between the nodes of one: JSON over HTTP, with their content's digest
//! and a signature by the sender's key (RFC 9530, RFC 9421).

use std::time::Duration;

use axum::http::{HeaderMap, header};
use reqwest::{Client, Response};
use trade::http_signature::{
    Content, HttpSignatureFault, REQUEST_MAX_AGE_SECONDS, Request, SignatureHeaders, Target, sign_request,
    verify_request,
};
use trade::key::VerifyKey;
use trade::site::Site;
use trade::time::WallTime;

pub const MEDIA_TYPE: &str = "application/json";

/// How a request is signed and where it goes.
pub struct Way<'a> {
    pub site: &'a Site,
    pub http: &'a Client,
    /// The other's address, up to its path.
    pub url: &'a str,
    pub path: &'a str,
    /// Whoever has not answered by then counts as silent.
    pub patience: Duration,
}

impl Way<'_> {
    /// Sends a POST. Beside the answer: the request's signature, as it was sent. `None` if nobody
    /// answers.
    pub async fn post(&self, body: Vec<u8>, now: WallTime) -> Option<(Response, String)> {
        let signed = sign_request(&self.site.road.key, &request(self.path, MEDIA_TYPE, &body), now).ok()?;
        let answer = self
            .http
            .post(format!("{}{}", self.url.trim_end_matches('/'), self.path))
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header("content-digest", signed.content_digest.unwrap_or_default())
            .header("signature-input", signed.signature_input)
            .header("signature", signed.signature.clone())
            .timeout(self.patience)
            .body(body)
            .send()
            .await
            .ok()?;
        Some((answer, signed.signature))
    }
}

/// Checks that a POST that came was signed by one of these keys, in this hub's mode and not long ago.
/// Returns its signature.
pub fn check(
    site: &Site,
    keys: &[VerifyKey],
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: WallTime,
) -> Result<String, HttpSignatureFault> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let signed = SignatureHeaders {
        content_digest: text("content-digest"),
        signature_input: text("signature-input").unwrap_or_default(),
        signature: text("signature").unwrap_or_default(),
    };
    let media_type = text("content-type").unwrap_or_default();
    let request = request(path, &media_type, body);
    verify_request(keys, site.mode, &request, &signed, now, REQUEST_MAX_AGE_SECONDS)?;
    Ok(signed.signature)
}

const fn request<'a>(path: &'a str, media_type: &'a str, body: &'a [u8]) -> Request<'a> {
    Request { method: "POST", target: Target::Path(path), content: Some(Content { media_type, body }) }
}
