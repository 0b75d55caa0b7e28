//! The log in public: its signed head, and the tiles of its tree (C2SP tlog-tiles).
//!
//! Tiles hold hashes, so anybody may check that the log only grows. Entries are not served: an event
//! may hold business data of the two sides. A party proves its own events by its bundle.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use trade::checkpoint::SignedCheckpoint;

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::page::Page;
use crate::problem::{Answer, Failure};

/// Hashes in a full tile.
const FULL: u32 = 256;
/// A note holds fifteen countersignatures.
const WITNESSES_MAX: i64 = 15;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/log/checkpoint", ANYONE), checkpoint)
        .open(get("/log/tile/{level}/{*index}", ANYONE), tile)
        .open(get("/logbook", ANYONE), page)
}

/// GET /log/checkpoint: the newest head, with every countersignature that came for it.
async fn checkpoint(State(app): State<AppState>) -> Answer<Response> {
    let head = cosigned(&app).await?.ok_or_else(Failure::not_found)?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((kind, head.to_string()).into_response())
}

/// The newest head, with the countersignatures that have come for it.
async fn cosigned(app: &AppState) -> Answer<Option<SignedCheckpoint>> {
    let Some(mut head) = app.hub.head().await? else { return Ok(None) };
    let size = head.claimed().size;
    for line in app.hub.cosignatures(size, WITNESSES_MAX).await? {
        if line.size == size {
            head = head.with(line.line).map_err(|fault| Failure::of(&fault))?;
        }
    }
    Ok(Some(head))
}

/// GET /log/tile/{level}/{index}[.p/{width}]: index in groups of three digits, all but the last
/// preceded by `x`: tile 1234067 is `x001/x234/067`.
async fn tile(State(app): State<AppState>, Path((level, rest)): Path<(u8, String)>) -> Answer<Response> {
    let (index, width) = tile_path(&rest).ok_or_else(Failure::not_found)?;
    let bytes = app.hub.tile(level, index).await?.ok_or_else(Failure::not_found)?;
    let want = usize::try_from(width.unwrap_or(FULL)).unwrap_or(0) * 32;
    // A tile that has grown since holds the narrower one at its beginning.
    let bytes = bytes.get(..want).ok_or_else(Failure::not_found)?.to_vec();
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

fn tile_path(rest: &str) -> Option<(u64, Option<u32>)> {
    let (path, width) = match rest.split_once(".p/") {
        Some((path, width)) => {
            let width: u32 = width.parse().ok().filter(|w| (1..FULL).contains(w))?;
            (path, Some(width))
        }
        None => (rest, None),
    };
    let groups: Vec<&str> = path.split('/').collect();
    let (last, first) = groups.split_last()?;
    let mut index = 0_u64;
    for group in first.iter().map(|g| g.strip_prefix('x')).chain([Some(*last)]) {
        let group = group.filter(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))?;
        index = index.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    Some((index, width))
}

#[derive(Template)]
#[template(path = "log/page.html")]
struct LogPage<'a> {
    p: &'a Page,
    note: Option<String>,
    witnesses: Vec<String>,
}

/// GET /logbook
async fn page(State(app): State<AppState>, p: Page) -> Answer<Response> {
    let head = cosigned(&app).await?;
    let own = app.site().card.epoch;
    let witnesses = head
        .iter()
        .flat_map(SignedCheckpoint::signatures)
        .map(|line| line.name().to_owned())
        .filter(|name| !name.ends_with(&format!("/log/{}", own.0)))
        .collect();
    Ok(p.show(&LogPage { p: &p, note: head.map(|h| h.to_string()), witnesses }))
}

#[cfg(test)]
mod tests {
    use super::tile_path;

    #[test]
    fn a_tile_is_named_as_the_standard_has_it() {
        assert_eq!(tile_path("067"), Some((67, None)));
        assert_eq!(tile_path("x001/x234/067"), Some((1_234_067, None)));
        assert_eq!(tile_path("x001/067.p/9"), Some((1_067, Some(9))));
        for bad in ["", "67", "x067", "001/067", "067.p/0", "067.p/256", "067.p/x", "0x7", "x001/x234/x067"] {
            assert_eq!(tile_path(bad), None, "{bad}");
        }
    }
}
