//! Nodes of one hub: any takes a request, one decides. What the others are handed they hand on to it,
//! over HTTP, signed with the hub's own key, which its nodes alone have; the answers are signed too.
//!
//! A command that is handed on is never handed on again: whoever is no longer the deciding node says
//! so. Sent twice it is done once, like any command, so that an old request played again does nothing
//! that was not done already.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub::clock::Clock;
use hub::{Answer as Decided, Forward, Node};
use serde_json::json;
use trade::commands::Command;
use trade::key::{Purpose, Signature, verify_bytes};
use trade::site::Site;

use crate::AppState;
use crate::door::{Doors, May, post};
use crate::problem::{Answer, Failure};
use crate::signed::{self, MEDIA_TYPE, Way};

/// Where a node takes commands of the others.
pub const COMMANDS: &str = "/node/v1/commands";
/// The answers' signature, over that of the request and the answers.
const ANSWERED: &str = "ehub-answer";
/// A peer's largest batch, in base64 within JSON, with room for what stands around it.
const BODY_MAX: usize = 8 * 1024 * 1024;
/// A deciding node that has not answered by then is taken for dead; the command goes to the next.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub fn routes() -> Doors {
    Doors::new().open(post(COMMANDS, May::Node).json("[]").limit(BODY_MAX), decide)
}

/// POST /node/v1/commands: commands in their order, from another node of this hub.
async fn decide(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let site = app.site();
    let asked = signed::check(site, &site.card.keys, uri.path(), &headers, &body, app.wall())
        .map_err(|fault| Failure::new(StatusCode::UNAUTHORIZED, "node-signature").with("fault", json!(fault)))?;
    let commands: Vec<Command> = serde_json::from_slice(&body).map_err(|_| Failure::bad("not-json"))?;
    let answers = app.hub.submit_here(commands).await;
    let answers =
        serde_json::to_vec(&answers).map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500"))?;
    let signature = site.road.key.sign_bytes(Purpose::Answer, &answered(&asked, &answers));
    let headers = [(header::CONTENT_TYPE.as_str(), MEDIA_TYPE.to_owned()), (ANSWERED, signature.base64())];
    Ok((headers, answers).into_response())
}

/// What the signature of answers covers: an answer belongs to one request.
fn answered(request: &str, answers: &[u8]) -> Vec<u8> {
    [request.as_bytes(), b"\n", answers].concat()
}

/// The way by which the hub hands on commands to its deciding node.
#[must_use]
pub fn forward(site: Arc<Site>, clock: Clock, http: reqwest::Client) -> Forward {
    Arc::new(move |node: Node, commands: Vec<Command>| {
        let (site, clock, http) = (Arc::clone(&site), clock.clone(), http.clone());
        Box::pin(async move { send(&site, &clock, &http, &node, &commands).await })
    })
}

/// `None` if the node did not answer, or not as a node of this hub does.
async fn send(
    site: &Site,
    clock: &Clock,
    http: &reqwest::Client,
    node: &Node,
    commands: &[Command],
) -> Option<Vec<Decided>> {
    let body = serde_json::to_vec(commands).ok()?;
    let way = Way { site, http, url: &node.address, path: COMMANDS, patience: ANSWER_WITHIN };
    let (answer, asked) = way.post(body, clock.now()).await?;
    let signature = answer.headers().get(ANSWERED)?.to_str().ok().and_then(Signature::from_base64)?;
    let bytes = answer.bytes().await.ok()?;
    verify_bytes(&site.card.keys, Purpose::Answer, &answered(&asked, &bytes), &signature).ok()?;
    let answers: Vec<Decided> = serde_json::from_slice(&bytes).ok()?;
    (answers.len() == commands.len()).then_some(answers)
}
