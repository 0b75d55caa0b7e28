//! Asks each peer, every so often, how it stands and what waits there for us: the other half of the road's
//! picture. What peers say is shown as what they say; nothing is decided on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use trade::codes::HubId;
use trade::peer::Peer;
use trade::time::WallTime;

use crate::AppState;

const LOOK_EVERY: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);
/// A hub with hundreds of peers says less than this.
const ANSWER_MAX: usize = 256 * 1024;

/// What a peer last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub heard: WallTime,
    pub ready: bool,
    /// Events that it has for us and that we have not confirmed, if it knows us.
    pub waits_for_us: Option<u64>,
    /// How far its clock is ahead of ours, in seconds; its answers are dated to the second.
    pub clock_ahead: Option<i64>,
}

/// What all peers last said, in memory.
#[derive(Debug, Default)]
pub struct Lookout(Mutex<BTreeMap<HubId, Look>>);

impl Lookout {
    #[must_use]
    pub fn of(&self, peer: &HubId) -> Option<Look> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(peer).cloned()
    }

    fn note(&self, peer: HubId, look: Look) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, look);
    }
}

/// Runs until the hub is closed.
pub async fn run(app: AppState, http: reqwest::Client) {
    loop {
        for peer in app.hub.peers().await.unwrap_or_default() {
            if let Some(look) = ask(&app, &http, &peer).await {
                app.lookout.note(peer.card.id, look);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks one peer; `None` if it does not answer in its own form.
pub async fn ask(app: &AppState, http: &reqwest::Client, peer: &Peer) -> Option<Look> {
    look(http, &peer.url, app.site().id.as_str(), app.wall()).await
}

/// Asks a hub at its address what waits there for `own`.
pub async fn look(http: &reqwest::Client, url: &str, own: &str, now: WallTime) -> Option<Look> {
    let url = format!("{}/readyz", url.trim_end_matches('/'));
    let mut answer = http.get(url).timeout(PATIENCE).send().await.ok()?;
    let ready = answer.status().is_success();
    let dated = answer.headers().get("date").and_then(|date| date.to_str().ok()).and_then(seconds);
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_MAX {
            return None;
        }
    }
    let said: Value = serde_json::from_slice(&bytes).ok()?;
    said.get("ready")?.as_bool()?;
    let roads = said.get("roads").and_then(Value::as_array);
    let ours = roads.and_then(|roads| roads.iter().find(|road| road.get("peer").and_then(Value::as_str) == Some(own)));
    Some(Look {
        heard: now,
        ready,
        waits_for_us: ours.and_then(|road| road.get("backlog")).and_then(Value::as_u64),
        clock_ahead: dated.map(|theirs| theirs.saturating_sub(now.seconds())),
    })
}

/// `Sat, 28 Nov 2026 17:43:23 GMT` in seconds since 1970.
fn seconds(date: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(date).ok().map(|at| at.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        // 2026-11-23T01:00:00Z is 1,795,395,600 s after 1970.
        assert_eq!(seconds("Mon, 23 Nov 2026 01:00:00 GMT"), Some(1_795_395_600));
        assert_eq!(seconds("yesterday"), None);
    }
}
