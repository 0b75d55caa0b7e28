//! Recovery over the network: witnesses are asked what they saw of this hub's log, and give back what
//! it told them; an operator declares a loss. Which of that is right is decided in `trade` and `hub`.

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hub::recovery::{Loss, Standing};
use serde_json::{Value, json};
use tokio::sync::Notify;
use trade::codes::HubId;
use trade::commands::Command;
use trade::event::Event;
use trade::peer::{AcceptEpoch, Peer};
use trade::road::{
    GIVEN_BACK_MAX, GIVEN_BACK_MAX_BYTES, GiveBack, GivenBack, Kept, NewEpoch, Receipt, Testimony, WitnessAnswer,
    WitnessQuestion,
};

pub use self::page::{View, brief, view};
use trade::party::Role;

use crate::AppState;
use crate::door::{Doors, May, get, only, post};
use crate::peer::sender;
use crate::problem::{Answer, Failure};
use crate::pump;
use crate::schema::{boolean, count, object, text};

/// Where a peer says what it saw, gives back what it was told, and hears of a new epoch.
pub const WITNESS: &str = "/road/v1/witness";
pub const GIVE_BACK: &str = "/road/v1/give-back";
pub const EPOCHS: &str = "/road/v1/epochs";

/// Questions are small; a statement of 64 witnesses has half a megabyte.
const BODY_MAX: usize = 1024 * 1024;

/// Witnesses that have not answered are asked again this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub fn routes() -> Doors {
    Doors::new()
        .open(post(WITNESS, May::Peer).json("{}").limit(BODY_MAX), witness)
        .open(post(GIVE_BACK, May::Peer).json("{}").limit(BODY_MAX), give_back)
        .open(post(EPOCHS, May::Peer).json("{}").limit(BODY_MAX), epoch)
        .open(post("/operator/recovery/{act}", only(&[Role::Operator])), page::act)
        .open(
            get("/api/v1/recovery", only(&[Role::Operator])).gives(200, || {
                object([("standing", text()), ("bank_unchecked", boolean()), ("epoch", count())]).open()
            }),
            page::stand,
        )
        .open(post("/api/v1/recovery/{act}", only(&[Role::Operator])).gives(200, || object([]).open()), page::act_api)
}

/// What the road's parts tell one another within this process.
#[derive(Debug, Default)]
pub struct RoadDesk {
    /// Peers that said how far they have applied our entries: sending goes on from there.
    rewinds: Mutex<BTreeMap<HubId, u64>>,
    reopen: Notify,
}

impl RoadDesk {
    fn rewind(&self, peer: HubId, received: u64) {
        self.rewinds.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, received);
    }

    #[must_use]
    pub fn take_rewind(&self, peer: &HubId) -> Option<u64> {
        self.rewinds.lock().unwrap_or_else(PoisonError::into_inner).remove(peer)
    }

    /// Until a new epoch was declared: the hub must then be opened anew.
    pub async fn reopens(&self) {
        self.reopen.notified().await;
    }
}

/// Reads a question and checks that it is for us and signed by the peer that asks.
pub async fn asked<T: serde::de::DeserializeOwned>(
    app: &AppState,
    uri: &axum::http::Uri,
    headers: &HeaderMap,
    body: &Bytes,
    who: impl FnOnce(&T) -> (&HubId, &HubId),
) -> Answer<(T, Peer)> {
    let question: T = serde_json::from_slice(body).map_err(|_| Failure::bad("http-400"))?;
    let (from, to) = who(&question);
    if *to != app.site().id {
        return Err(Failure::bad("http-400"));
    }
    let peer = sender(app, uri.path(), headers, body, from).await?;
    Ok((question, peer))
}

/// POST /road/v1/witness: how far we have seen and applied the asker's log, signed; and we send
/// again what it has not applied of ours.
async fn witness(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (question, peer) = asked(&app, &uri, &headers, &body, |q: &WitnessQuestion| (&q.from, &q.to)).await?;
    let receipt =
        Receipt::issue(&app.site().road, &peer.road, None, app.wall()).map_err(|fault| Failure::of(&fault))?;
    app.road.rewind(question.from, question.received);
    Ok(Json(WitnessAnswer { receipt, head: peer.road.seen }).into_response())
}

/// POST /road/v1/give-back: what the asker told us after a road number, as it came.
async fn give_back(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (question, _) = asked(&app, &uri, &headers, &body, |q: &GiveBack| (&q.from, &q.to)).await?;
    let limit = i64::try_from(GIVEN_BACK_MAX).unwrap_or(i64::MAX);
    let heard = app.hub.heard_after(&question.from, question.after, limit).await?;
    let heads = app.hub.heads_of(&question.from, &heard).await?;
    let entries = heard.into_iter().map(|h| Kept { epoch: h.epoch, size: h.size, entry: h.entry }).collect();
    Ok(Json(GivenBack { heads, entries }).into_response())
}

/// POST /road/v1/epochs: a peer declares that it has lost events.
async fn epoch(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Json<Value>> {
    let statement = NewEpoch::read(&body).map_err(|fault| Failure::of(&fault))?;
    sender(&app, uri.path(), &headers, &body, &statement.hub).await?;
    let epoch = app.submit(Command::AcceptEpoch(AcceptEpoch { statement })).await?;
    Ok(Json(json!({ "epoch": epoch })))
}

/// Runs until the hub is closed: asks each witness once, then each new peer before it is told anything.
pub async fn run(app: AppState, http: reqwest::Client) {
    let mut said = BTreeMap::new();
    let mut last = None;
    loop {
        if let Err(failure) = look(&app, &http, &mut said).await {
            tracing::warn!(code = failure.problem.code, "witnesses could not be asked");
        }
        let standing = app.hub.standing();
        if last.as_ref() != Some(&standing) {
            tracing::info!(standing = %page::brief(&standing), "where the log stands with its witnesses");
            last = Some(standing);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One look: whoever has not answered is asked; what all have said is judged.
pub async fn look(app: &AppState, http: &reqwest::Client, said: &mut BTreeMap<HubId, Testimony>) -> Answer<()> {
    let before = app.hub.standing();
    if before != Standing::Sound && app.hub.is_outdated().await? {
        app.road.reopen.notify_one();
        return Ok(());
    }
    if let Standing::Recalling { .. } = before {
        return recall(app, http).await;
    }
    let (mut silent, mut news) = (BTreeSet::new(), false);
    let restored = matches!(before, Standing::Asking { restored: true, .. });
    for peer in app.hub.peers().await? {
        let id = &peer.card.id;
        if said.contains_key(id) {
            continue;
        }
        match ask(app, http, &peer).await? {
            Some(testimony) => {
                said.insert(id.clone(), testimony);
                news = true;
            }
            // One that never saw anything has nothing to say; it is asked all the same.
            None if restored || has_witnessed(app, &peer).await? => drop(silent.insert(id.clone())),
            None => {}
        }
    }
    let same = matches!(&before, Standing::Asking { silent: held, .. } if *held == silent);
    let waits = match &before {
        Standing::Sound => silent.is_empty(),
        Standing::Behind(_) | Standing::Forged { .. } => true,
        Standing::Asking { .. } | Standing::Recalling { .. } => same,
    };
    if !news && waits {
        return Ok(());
    }
    let testimonies: Vec<Testimony> = said.values().cloned().collect();
    let standing = app.hub.judge(&testimonies, &silent).await?;
    app.hub.stands(standing.clone(), said.keys().cloned().collect()).await?;
    if let Standing::Behind(loss) = standing
        && loss.is_all_told()
        && app.hub.decides()
    {
        match go_on_exactly(app, http, &loss).await? {
            // The log holds all that was witnessed again; its head is signed now, the same as before.
            Some(true) => app.hub.stands(Standing::Sound, said.keys().cloned().collect()).await?,
            Some(false) => {}
            // Somebody did not give back what it holds: all are asked again.
            None => said.clear(),
        }
    }
    Ok(())
}

async fn has_witnessed(app: &AppState, peer: &Peer) -> Answer<bool> {
    Ok(peer.road.cursor > 0 || app.hub.outgoing(&peer.card.id).await?.witnessed > 0)
}

/// Asks one peer what it holds of our log; `None` if it does not say.
async fn ask(app: &AppState, http: &reqwest::Client, peer: &Peer) -> Answer<Option<Testimony>> {
    let site = app.site();
    let question = WitnessQuestion { from: site.id.clone(), to: peer.card.id.clone(), received: peer.road.cursor };
    let body = serde_json::to_vec(&question).unwrap_or_default();
    let Some((status, bytes)) = pump::post(app, http, peer, WITNESS, body).await else { return Ok(None) };
    if status == StatusCode::FORBIDDEN && !has_witnessed(app, peer).await? {
        // It has not accepted us yet, and has never answered us: it holds nothing.
        let (by, epoch) = (peer.card.id.clone(), site.road.epoch);
        return Ok(Some(Testimony { by, epoch, cursor: 0, head: None }));
    }
    let Ok(answer) = serde_json::from_slice::<WitnessAnswer>(&bytes) else { return Ok(None) };
    match answer.check(&site.road, &peer.card, app.wall()) {
        Ok(testimony) => Ok(Some(testimony)),
        Err(fault) => {
            tracing::error!(peer = %peer.card.id, ?fault, "a witness's answer does not hold");
            Ok(None)
        }
    }
}

/// One page of what we told a peer after a road number; `None` if it does not give it back.
async fn given_back(app: &AppState, http: &reqwest::Client, peer: &HubId, after: u64) -> Answer<Option<Vec<Event>>> {
    let Some(peer) = app.hub.peer(peer).await? else { return Ok(None) };
    let site = app.site();
    let question = GiveBack { from: site.id.clone(), to: peer.card.id.clone(), after };
    let body = serde_json::to_vec(&question).unwrap_or_default();
    let Some((_, bytes)) = pump::post(app, http, &peer, GIVE_BACK, body).await else { return Ok(None) };
    if bytes.len() > GIVEN_BACK_MAX_BYTES {
        return Ok(None);
    }
    let Ok(given) = serde_json::from_slice::<GivenBack>(&bytes) else { return Ok(None) };
    match given.check(&site.road, &peer.card.id, after) {
        Ok(events) if events.is_empty() => Ok(None),
        Ok(events) => Ok(Some(events)),
        Err(fault) => {
            tracing::error!(peer = %peer.card.id, ?fault, "what a peer gives back does not hold");
            Ok(None)
        }
    }
}

/// Where all that was lost was told to peers, they give it back, and the log goes on as if nothing
/// had been lost: the very leaves, to the very head that a witness saw.
async fn go_on_exactly(app: &AppState, http: &reqwest::Client, loss: &Loss) -> Answer<Option<bool>> {
    let mut events = Vec::new();
    for road in &loss.roads {
        let mut after = road.ours;
        while after < road.theirs {
            let Some(page) = given_back(app, http, &road.peer, after).await? else { return Ok(None) };
            after += u64::try_from(page.len()).unwrap_or(u64::MAX);
            events.extend(page);
        }
    }
    events.sort_by_key(|event| event.n);
    // What was under way when the hub became one of reads only is decided before this.
    app.hub.recall(Vec::new(), true).await??.map(drop).map_err(Failure::from)?;
    if !app.hub.reaches(&events, &loss.head).await? {
        return Ok(Some(false));
    }
    for page in events.chunks(GIVEN_BACK_MAX) {
        app.hub.recall(page.to_vec(), true).await??.map(drop).map_err(Failure::from)?;
    }
    Ok(Some(true))
}

/// After a declared loss: fetches back all that this hub had told, and is again what it said it was.
/// If a peer does not answer, the next look goes on where this one ended.
async fn recall(app: &AppState, http: &reqwest::Client) -> Answer<()> {
    if app.hub.is_recalled().await? {
        return recalled(app).await;
    }
    if !app.hub.decides() {
        return Ok(());
    }
    let Some((statement, roads)) = app.hub.to_recall().await? else { return Ok(()) };
    let since = app.hub.told_since(&statement).await?;
    let mut held = BTreeSet::new();
    for road in &roads {
        let mut after = road.after;
        while after < road.until {
            let Some(mut page) = given_back(app, http, &road.peer, after).await? else { return Ok(()) };
            after += u64::try_from(page.len()).unwrap_or(u64::MAX);
            // What the copy holds itself, leaf for leaf, was not lost.
            held.extend(page.iter().filter(|event| since.contains(event)).map(|event| event.n));
            page.retain(|event| !held.contains(&event.n) && event.road_seq <= Some(road.until));
            app.hub.recall(page, false).await??.map(drop).map_err(Failure::from)?;
        }
    }
    let again = since
        .into_iter()
        .filter(|event| !held.contains(&event.n) && roads.iter().any(|road| event.to.as_ref() == Some(&road.peer)))
        .collect();
    match app.hub.end_recall(&statement, again).await? {
        Err(problem) if problem.code != "recall-ended" => Err(problem.into()),
        _ => recalled(app).await,
    }
}

/// All words are recalled: the hub asks once more, and goes on.
async fn recalled(app: &AppState) -> Answer<()> {
    let all = app.hub.peers().await?.into_iter().map(|p| p.card.id).collect();
    app.hub.look_at_bank().await?;
    app.hub.stands(Standing::Asking { silent: all, restored: false }, BTreeSet::new()).await?;
    Ok(())
}

/// An operator declares the loss: all peers are asked once more, and the statement is signed and kept.
/// The hub must then be opened anew.
pub async fn declare(app: &AppState, http: &reqwest::Client, operator: &str) -> Answer<NewEpoch> {
    let (mut said, mut silent) = (Vec::new(), BTreeSet::new());
    for peer in app.hub.peers().await? {
        match ask(app, http, &peer).await? {
            Some(testimony) => said.push(testimony),
            None => drop(silent.insert(peer.card.id)),
        }
    }
    let standing = app.hub.judge(&said, &silent).await?;
    app.hub.stands(standing, said.iter().map(|t| t.by.clone()).collect()).await?;
    let statement = app.hub.declare(&said, operator).await.map_err(|fault| Failure::of(&fault))?;
    app.road.reopen.notify_one();
    Ok(statement)
}
