//! Peers: this hub's card, accepting another's, pausing a road; and the road's own door.

pub mod join;

use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Form, OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::card::{CARD_MAX_BYTES, HubCard, SignedCard};
use trade::codes::HubId;
use trade::commands::Command;
use trade::party::Role;
use trade::peer::{AcceptPeer, PausePeer, Peer, ReceiveBatch};
use trade::road::{BATCH_MAX_BYTES, Batch};

use crate::AppState;
use crate::auth::{As, Operator};
use crate::client::client;
use crate::door::{ANYONE, Doors, May, get, only, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{any, map, object, text};
use crate::signed;

/// A peer that does not show its card within this time is not there.
const CARD_PATIENCE: Duration = Duration::from_secs(5);

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/.well-known/ehub.json", ANYONE), card)
        .open(get("/peers", only(&[Role::Operator])), show)
        .open(post("/peers", only(&[Role::Operator])).form("url="), look)
        .open(post("/peers/accept", only(&[Role::Operator])).form("url="), accept_page)
        .open(post("/peers/{id}/{act}", only(&[Role::Operator])), pause_page)
        .open(
            post("/api/v1/peers", only(&[Role::Operator]))
                .json(r#"{"card": {}, "url": "https://hub.example"}"#)
                .takes(|| object([("card", map(any())), ("url?", text().or_null())]))
                .gives(200, || object([("peer", text())])),
            accept_api,
        )
        .open(
            post("/api/v1/peers/{id}/{act}", only(&[Role::Operator])).gives(200, || object([("peer", text())])),
            pause_api,
        )
        .open(post(join::CARDS, May::Peer).json("{}"), join::shown)
        .open(post("/road/v1/batches", May::Peer).json("{}").limit(BATCH_MAX_BYTES), receive)
}

/// GET /.well-known/ehub.json
async fn card(State(app): State<AppState>) -> Response {
    let site = app.site();
    let card = site.card.clone().sign(&site.road.key);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, card.to_json()).into_response()
}

struct CardView {
    id: String,
    name: String,
    territory: String,
    currency: String,
    url: String,
    keys: Vec<String>,
    versions: String,
    regimes: String,
    rules: Vec<String>,
}

fn card_view(p: &Page, card: &HubCard) -> CardView {
    let versions: Vec<String> = card.protocol_versions.iter().map(ToString::to_string).collect();
    CardView {
        id: card.id.to_string(),
        name: card.name.clone(),
        territory: p.country(card.territory),
        currency: card.currency.to_string(),
        url: card.url.clone(),
        keys: card.keys.iter().map(ToString::to_string).collect(),
        versions: versions.join(", "),
        regimes: card.regimes.join(", "),
        rules: card
            .rule_packs
            .iter()
            .map(|r| format!("{} {}", r.territory, r.digest.hex().chars().take(12).collect::<String>()))
            .collect(),
    }
}

struct PeerRow {
    card: CardView,
    here: String,
    since: String,
    paused: bool,
    sent: String,
    received: String,
}

struct View {
    own: CardView,
    own_url: String,
    peers: Vec<PeerRow>,
    url: String,
    pasted: String,
    /// Cards that were shown to us and wait to be accepted, with their text.
    waiting: Vec<(CardView, String)>,
    /// A card that was looked at and waits to be accepted.
    found: Option<(CardView, String)>,
}

#[derive(Template)]
#[template(path = "peer/page.html")]
struct PeersPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// GET /peers
async fn show(State(app): State<AppState>, p: Page, As(..): As<Operator>) -> Answer<Response> {
    Ok(p.show(&PeersPage { p: &p, v: view(&p, &app, &CardForm::default()).await?, told: None }))
}

async fn view(p: &Page, app: &AppState, form: &CardForm) -> Answer<View> {
    let roads = crate::operator::road::stands(app).await?;
    let peers = app.hub.peers().await?;
    let peers = peers
        .iter()
        .map(|peer| {
            let road = roads.iter().find(|r| r.peer == peer.card.id);
            PeerRow {
                card: CardView { url: peer.url.clone(), ..card_view(p, &peer.card) },
                here: format!("/peers/{}", percent(peer.card.id.as_str())),
                since: p.time(peer.since),
                paused: peer.paused,
                sent: road.map_or_else(|| "0".to_owned(), |r| format!("{} / {}", p.num(r.confirmed), p.num(r.sent))),
                received: p.num(peer.road.cursor),
            }
        })
        .collect();
    Ok(View {
        own: card_view(p, &app.site().card),
        own_url: format!("{}/.well-known/ehub.json", app.settings.url),
        peers,
        url: form.url.clone(),
        pasted: form.card.clone(),
        waiting: app.waiting.cards().iter().map(|signed| offered(p, signed)).collect(),
        found: None,
    })
}

/// A card to be accepted, as it is shown and as it is sent back.
fn offered(p: &Page, signed: &SignedCard) -> (CardView, String) {
    (card_view(p, signed.claimed()), String::from_utf8_lossy(&signed.to_json()).into_owned())
}

#[derive(Default, Deserialize)]
struct CardForm {
    #[serde(default)]
    url: String,
    #[serde(default)]
    card: String,
}

/// POST /peers: reads a card, by its address or pasted, and shows its keys to compare.
async fn look(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Operator>,
    Form(form): Form<CardForm>,
) -> Answer<Response> {
    let mut v = view(&p, &app, &form).await?;
    match found(&form).await {
        Ok(signed) => {
            v.found = Some(offered(&p, &signed));
            Ok(p.show(&PeersPage { p: &p, v, told: None }))
        }
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            Ok((failure.status, p.show(&PeersPage { p: &p, v, told })).into_response())
        }
    }
}

async fn found(form: &CardForm) -> Answer<SignedCard> {
    let bytes = if form.card.trim().is_empty() { fetch(form.url.trim()).await? } else { form.card.trim().into() };
    SignedCard::read(&bytes).map_err(|fault| Failure::bad("bad-card").with("fault", json!(fault)))
}

/// Fetches a card as published: only from a web address, only so much, only so long.
async fn fetch(url: &str) -> Answer<Vec<u8>> {
    if url.is_empty() {
        return Err(Failure::bad("card-missing"));
    }
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(Failure::bad("peer-url").with("got", url));
    }
    let unreachable = || Failure::new(StatusCode::BAD_GATEWAY, "peer-unreachable").with("url", url);
    let client = client(|with| with.timeout(CARD_PATIENCE).redirect(reqwest::redirect::Policy::none()));
    let mut answer = client.get(url).send().await.map_err(|_| unreachable())?;
    if !answer.status().is_success() {
        return Err(unreachable());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| unreachable())? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > CARD_MAX_BYTES {
            return Err(unreachable());
        }
    }
    Ok(bytes)
}

/// POST /peers/accept: the operator has compared the keys.
async fn accept_page(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Operator>,
    Form(form): Form<CardForm>,
) -> Answer<Response> {
    let outcome = match found(&form).await {
        Ok(card) => {
            let url = card.claimed().url.clone();
            accept(&app, card, url).await
        }
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to("/peers").into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&p, &app, &form).await?;
            Ok((failure.status, p.show(&PeersPage { p: &p, v, told })).into_response())
        }
    }
}

#[derive(Deserialize)]
struct ApiPeer {
    card: SignedCard,
    url: Option<String>,
}

/// POST /api/v1/peers {card, url}
async fn accept_api(
    State(app): State<AppState>,
    As(..): As<Operator>,
    Json(body): Json<ApiPeer>,
) -> Answer<Json<Value>> {
    let url = body.url.unwrap_or_else(|| body.card.claimed().url.clone());
    let peer = accept(&app, body.card, url).await?;
    Ok(Json(json!({ "peer": peer })))
}

async fn accept(app: &AppState, card: SignedCard, url: String) -> Answer<Value> {
    let url = url.trim_end_matches('/').to_owned();
    let id = card.claimed().id.clone();
    let accepted = app.submit(Command::AcceptPeer(AcceptPeer { card, url })).await?;
    app.waiting.done(&id);
    Ok(accepted)
}

async fn pause_page(
    State(app): State<AppState>,
    As(..): As<Operator>,
    Path((id, act)): Path<(String, String)>,
) -> Answer<Response> {
    pause(&app, &id, &act).await?;
    Ok(Redirect::to("/peers").into_response())
}

/// POST /api/v1/peers/{id}/pause, /resume
async fn pause_api(
    State(app): State<AppState>,
    As(..): As<Operator>,
    Path((id, act)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    let peer = pause(&app, &id, &act).await?;
    Ok(Json(json!({ "peer": peer })))
}

async fn pause(app: &AppState, id: &str, act: &str) -> Answer<Value> {
    let paused = match act {
        "pause" => true,
        "resume" => false,
        _ => return Err(Failure::not_found()),
    };
    let peer: HubId = id.parse().map_err(|_| Failure::not_found())?;
    app.submit(Command::PausePeer(PausePeer { peer, paused })).await
}

/// POST /road/v1/batches: limits, then the signature of the request by a key of the peer that the
/// batch names, then the road's own checks, each in its order; the answer is a signed receipt.
async fn receive(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let site = app.site();
    let batch = Batch::read(&body, &site.road.versions, site.road.limits).map_err(|refusal| Failure::of(&refusal))?;
    sender(&app, uri.path(), &headers, &body, &batch.from).await?;
    let command = ReceiveBatch::new(batch, app.wall());
    let receipt = app.submit(Command::ReceiveBatch(command)).await?;
    Ok(Json(receipt).into_response())
}

/// The peer that sent a request of the road: it is accepted here, and one of its keys signed.
pub async fn sender(app: &AppState, path: &str, headers: &HeaderMap, body: &[u8], from: &HubId) -> Answer<Peer> {
    let unknown = || Failure::new(StatusCode::FORBIDDEN, "peer-unknown").with("peer", from.to_string());
    let peer = app.hub.peer(from).await?.ok_or_else(unknown)?;
    signed::check(app.site(), &peer.card.keys, path, headers, body, app.wall())
        .map_err(|fault| Failure::new(StatusCode::UNAUTHORIZED, "road-signature").with("fault", json!(fault)))?;
    Ok(peer)
}
