//! What pages load: one stylesheet, one script, embedded in the binary; and the headers that keep
//! everything else out.

use std::sync::LazyLock;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::AppState;
use crate::door::{ANYONE, Doors, get};

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: &[Asset] = &[
    Asset { name: "look.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../assets/look.css") },
    Asset {
        name: "htmx.js",
        kind: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/node_modules/htmx.org/dist/htmx.min.js"),
    },
    Asset { name: "keys.js", kind: "text/javascript; charset=utf-8", bytes: include_bytes!("../assets/keys.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("../assets/icon.svg") },
];

/// Changes with any asset: pages name it in their links, so that a browser may keep a file for ever.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let hash = ASSETS.iter().fold(Sha256::new(), |hash, asset| hash.chain_update(asset.bytes)).finalize();
    hash[..6].iter().map(|b| format!("{b:02x}")).collect()
});

#[must_use]
pub fn version() -> &'static str {
    &VERSION
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/assets/{version}/{name}", ANYONE), asset)
        // Browsers ask for it beside what is no page: a label, a file for the bank.
        .open(get("/favicon.ico", ANYONE), async |headers: HeaderMap| found("icon.svg", "no-cache", &headers))
}

async fn asset(Path((asked, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    found(&name, if asked == version() { "public, max-age=31536000, immutable" } else { "no-cache" }, &headers)
}

fn found(name: &str, keep: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|a| a.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", version());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let head = [(header::CACHE_CONTROL, keep.to_owned()), (header::ETAG, etag)];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}

/// Only our own files run or are shown; nobody frames us. `style` attributes carry nothing but the
/// variables of bars.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
base-uri 'none'; frame-ancestors 'none'";

pub async fn security_headers(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    put(header::CACHE_CONTROL, "private, no-store");
    if !app.is_sandbox() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}
