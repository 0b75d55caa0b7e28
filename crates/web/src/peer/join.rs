//! Joining: a hub shows its card to others and asks to be their peer, again and again until they have
//! accepted. In a sandbox hubs may accept each other by themselves, where their operators have switched
//! that on; in production both operators compare keys first, and both sides say that they are waited for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trade::card::{CARD_MAX_BYTES, SignedCard, accepts};
use trade::clock::MoveClock;
use trade::codes::HubId;
use trade::commands::Command;
use trade::peer::PeerRefusal;
use trade::time::BusinessTime;

use crate::AppState;
use crate::problem::{Answer, Failure};
use crate::signed::{self, Way};

/// Where a hub takes the cards of those that want to be its peers.
pub const CARDS: &str = "/road/v1/cards";

const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked whether the other has accepted: soon at first, then when its operator may have looked.
const ASK_FIRST: Duration = Duration::from_millis(500);
const ASK_MOST: Duration = Duration::from_secs(30);
/// Cards that wait at once; an operator looks at each.
const WAITING_MAX: usize = 50;

/// What a hub answers to whoever shows its card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Otherwise the card waits for the operator.
    pub accepted: bool,
    /// Business time of a sandbox, to which the newcomer moves its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<BusinessTime>,
}

/// Cards that came, or that were fetched to join, and wait for this hub's operator. In memory: whoever
/// wants to join asks again.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<BTreeMap<HubId, SignedCard>>);

impl Waiting {
    #[must_use]
    pub fn cards(&self) -> Vec<SignedCard> {
        self.lock().values().cloned().collect()
    }

    /// `false` if too many wait already.
    fn add(&self, card: SignedCard) -> bool {
        let mut cards = self.lock();
        let id = card.claimed().id.clone();
        if cards.len() >= WAITING_MAX && !cards.contains_key(&id) {
            return false;
        }
        cards.insert(id, card);
        true
    }

    pub fn done(&self, id: &HubId) {
        self.lock().remove(id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<HubId, SignedCard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// POST /road/v1/cards: a hub shows its card, in a request that a key of that card has signed.
pub async fn shown(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<Joined>> {
    if body.len() > CARD_MAX_BYTES {
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "http-413"));
    }
    let card = SignedCard::read(&body).map_err(|fault| Failure::bad("bad-card").with("fault", json!(fault)))?;
    accepts(&app.site().card, &card).map_err(|reasons| Failure::of(&PeerRefusal::CardRefused { reasons }))?;
    signed::check(app.site(), &card.claimed().keys, uri.path(), &headers, &body, app.wall())
        .map_err(|fault| Failure::new(StatusCode::UNAUTHORIZED, "road-signature").with("fault", json!(fault)))?;
    let accepted = take(&app, card, app.settings.accepts_peers).await?;
    let now = if accepted && app.is_sandbox() { Some(app.hub.business_now().await?) } else { None };
    Ok(Json(Joined { accepted, now }))
}

/// Accepts a card if this may be done without an operator; else keeps it for one. Whether its hub is a peer.
async fn take(app: &AppState, card: SignedCard, by_itself: bool) -> Answer<bool> {
    let id = card.claimed().id.clone();
    let known = app.hub.peer(&id).await?;
    if known.is_some_and(|peer| peer.card == *card.claimed()) {
        return Ok(true);
    }
    if by_itself && app.is_sandbox() {
        let url = card.claimed().url.clone();
        super::accept(app, card, url).await?;
        tracing::info!(peer = %id, "accepted by itself, as this sandbox's operator has switched on");
        return Ok(true);
    }
    if !app.waiting.add(card) {
        return Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "too-many-cards").with("most", WAITING_MAX));
    }
    tracing::info!(peer = %id, "a card waits for the operator: compare its keys on the page of peers");
    Ok(false)
}

/// Joins the hub at an address: until both have accepted.
pub async fn join(app: AppState, http: reqwest::Client, url: String) {
    let mut pause = ASK_FIRST;
    loop {
        match ask(&app, &http, &url).await {
            Ok(true) => {
                tracing::info!(url, "joined");
                return;
            }
            Ok(false) => tracing::info!(url, "waits until both operators have accepted"),
            Err(failure) => tracing::warn!(url, code = failure.problem.code, "not joined yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(ASK_MOST);
    }
}

/// Once: takes the other's card, shows our own. Whether both have accepted.
async fn ask(app: &AppState, http: &reqwest::Client, url: &str) -> Answer<bool> {
    let card = super::fetch(&format!("{url}/.well-known/ehub.json")).await?;
    let card = SignedCard::read(&card).map_err(|fault| Failure::bad("bad-card").with("fault", json!(fault)))?;
    accepts(&app.site().card, &card).map_err(|reasons| Failure::of(&PeerRefusal::CardRefused { reasons }))?;
    // Who started this hub has named the address: in a sandbox that is enough.
    let here = take(app, card, true).await?;
    let own = app.site().card.clone().sign(&app.site().road.key).to_json();
    let way = Way { site: app.site(), http, url, path: CARDS, patience: PATIENCE };
    let silent = || Failure::new(StatusCode::BAD_GATEWAY, "peer-unreachable").with("url", url);
    let (answer, _) = way.post(own, app.wall()).await.ok_or_else(silent)?;
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        return Err(Failure::new(StatusCode::BAD_GATEWAY, "join-refused").with("url", url).with("status", status));
    }
    let bytes = answer.bytes().await.map_err(|_| silent())?;
    let joined: Joined = serde_json::from_slice(&bytes).map_err(|_| silent())?;
    if let Some(theirs) = joined.now.filter(|_| app.is_sandbox()) {
        let ours = app.hub.business_now().await?;
        if theirs > ours {
            app.submit(Command::MoveClock(MoveClock { to: theirs })).await?;
        }
    }
    Ok(here && joined.accepted)
}
