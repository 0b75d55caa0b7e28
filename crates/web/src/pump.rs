//! The road's pump: pushes this hub's events to each peer, batch after batch, and takes receipts.
//!
//! What to send, when and how often again is decided by `trade::road::step`; here it is read from
//! the log, sent over HTTP and kept. A peer that cannot be reached is tried again with growing
//! pauses; nothing waits for it but its own road.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use trade::checkpoint::Epoch;
use trade::codes::HubId;
use trade::peer::Peer;
use trade::road::{Alarm, Batch, Effect, Message, Receipt, Road, step};

use crate::AppState;
use crate::recovery::EPOCHS;
use crate::signed::Way;

/// Where a peer takes batches.
pub const BATCHES: &str = "/road/v1/batches";

/// A peer that does not answer within this time has lost the batch.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// A new peer is noticed, and a quiet road looked after, this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// While witnesses are being asked, it is looked this often whether they have answered.
const ASKED_EVERY: Duration = Duration::from_millis(200);

/// Runs until the hub is closed: one task for each accepted peer, on the node that decides.
pub async fn run(app: AppState, http: reqwest::Client) {
    let mut roads: BTreeMap<HubId, JoinHandle<()>> = BTreeMap::new();
    loop {
        if !app.hub.decides() {
            while let Some((_, task)) = roads.pop_first() {
                task.abort();
            }
        } else if let Ok(peers) = app.hub.peers().await {
            for peer in peers {
                let id = peer.card.id.clone();
                let alive = roads.get(&id).is_some_and(|task| !task.is_finished());
                if !alive {
                    roads.insert(id.clone(), tokio::spawn(pump(app.clone(), http.clone(), id)));
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One road, in the direction away from this hub.
async fn pump(app: AppState, http: reqwest::Client, id: HubId) {
    let mut sequenced = app.hub.sequenced();
    let Ok(mut sent) = app.hub.outgoing(&id).await else { return };
    // What was on its way when the hub stopped may be lost: it goes again at once.
    sent.in_flight = None;
    loop {
        let Ok(Some(peer)) = app.hub.peer(&id).await else { return };
        // Nothing is told to a peer before it has said what it holds; see `recovery`.
        if !app.hub.may_tell(&id) {
            tokio::time::sleep(ASKED_EVERY).await;
            continue;
        }
        if let Some(received) = app.road.take_rewind(&id) {
            sent.rewind(received);
        }
        let mut road = Road { received: peer.road.clone(), sent };
        let head = app.hub.road_head(&id).await.ok().flatten().map(Box::new);
        let mut message = Message::Tick(head);
        // Batch after batch, as long as there is something to tell and the peer takes it.
        loop {
            let own = &app.site().road;
            let (after, effects) = step(own, road, message, app.wall());
            road = after;
            let mut wanted = None;
            for effect in effects {
                match effect {
                    Effect::Send(w) => wanted = Some(w),
                    Effect::Alarm(alarm) => raise(&id, &alarm),
                    // The other direction is the lane's: it applies, stores and answers.
                    Effect::Store | Effect::Apply(_) | Effect::Answer(_) => {}
                    Effect::SendEpochs { after } => {
                        road.sent.unanswered(app.wall());
                        if declare(&app, &http, &peer, after).await {
                            road.sent.rewind(u64::MAX);
                        }
                    }
                }
            }
            let Some(wanted) = wanted else { break };
            let receipt = match app.hub.batch(&wanted).await {
                Ok(batch) => send(&app, &http, &peer, &batch).await,
                Err(error) => {
                    tracing::error!(peer = %id, ?error, "a batch cannot be proved");
                    None
                }
            };
            let Some(receipt) = receipt else {
                road.sent.unanswered(app.wall());
                break;
            };
            message = Message::Receipt(Box::new(receipt));
        }
        sent = road.sent;
        if app.hub.save_outgoing(&id, &sent).await.is_err() && matches!(app.hub.status(), hub::Status::Stopped) {
            return;
        }
        // Woken by the next checkpoint; otherwise time itself may be what is waited for.
        let _ = timeout(LOOK_EVERY, sequenced.changed()).await;
        sequenced.mark_unchanged();
    }
}

/// Sends one signed batch; `None` if there is no readable answer.
async fn send(app: &AppState, http: &reqwest::Client, peer: &Peer, batch: &Batch) -> Option<Receipt> {
    let (_, bytes) = post(app, http, peer, BATCHES, batch.to_json()).await?;
    Receipt::read(&bytes).ok()
}

/// Sends a signed request to a peer; `None` if it does not answer.
pub async fn post(
    app: &AppState,
    http: &reqwest::Client,
    peer: &Peer,
    path: &str,
    body: Vec<u8>,
) -> Option<(StatusCode, Bytes)> {
    let way = Way { site: app.site(), http, url: &peer.url, path, patience: ANSWER_WITHIN };
    let (answer, _) = way.post(body, app.wall()).await?;
    let status = answer.status();
    Some((status, answer.bytes().await.ok()?))
}

/// Declares this hub's new epochs to a peer that lives in an older one; whether it has taken them all.
async fn declare(app: &AppState, http: &reqwest::Client, peer: &Peer, after: Epoch) -> bool {
    for statement in app.hub.statements(after).await.unwrap_or_default() {
        let answer = post(app, http, peer, EPOCHS, statement.to_json()).await;
        let Some((StatusCode::OK, _)) = answer else {
            let status = answer.map(|(status, _)| status.as_u16());
            tracing::error!(peer = %peer.card.id, ?status, "the peer does not take a new epoch");
            return false;
        };
    }
    true
}

/// Operators read alarms in the process's log; the roads page shows what still stands.
fn raise(peer: &HubId, alarm: &Alarm) {
    let text = serde_json::to_string(alarm).unwrap_or_default();
    tracing::error!(%peer, what = text, "the road needs its operator");
}
