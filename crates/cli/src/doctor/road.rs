//! What stands between hubs: peers, what they have witnessed, and how this one is reached.

use std::time::Duration;

use hub::Hub;
use serde_json::Value;
use trade::card::SignedCard;
use trade::http_signature::CLOCK_AHEAD_SECONDS;
use trade::peer::Peer;

use super::{Findings, Mark};
use crate::directory::Directory;

const PATIENCE: Duration = Duration::from_secs(5);
/// A peer is asked to witness every minute; an hour without is no accident.
const WITNESS_MAX_SECONDS: i64 = 3_600;
/// Answers are dated to the second; a few more are the way.
const CLOCK_OFF_SECONDS: i64 = 5;

pub async fn peers(findings: &mut Findings, hub: &Hub, http: &reqwest::Client) {
    let peers = match hub.peers().await {
        Ok(peers) => peers,
        Err(error) => return findings.add("peers", Mark::Fault, "unread", [("cause", error.to_string().into())]),
    };
    if peers.is_empty() {
        let mark = Mark::in_mode(hub.site().mode, Mark::Ok, Mark::Warning);
        return findings.add("peers", mark, "peers-none", []);
    }
    for peer in peers {
        one(findings, hub, http, &peer).await;
        witness(findings, hub, &peer).await;
    }
}

async fn one(findings: &mut Findings, hub: &Hub, http: &reqwest::Client, peer: &Peer) {
    let id: Value = peer.card.id.to_string().into();
    if peer.road.suspended.is_some() {
        return findings.add("peers", Mark::Fault, "peer-suspended", [("peer", id)]);
    }
    if peer.paused {
        findings.add("peers", Mark::Warning, "peer-paused", [("peer", id.clone())]);
    }
    let now = hub.wall_now();
    let Some(look) = web::lookout::look(http, &peer.url, hub.site().id.as_str(), now).await else {
        let args = [("peer", id), ("url", peer.url.clone().into())];
        return findings.add("peers", Mark::Warning, "peer-silent", args);
    };
    let off = look.clock_ahead.unwrap_or(0);
    if off.abs() > CLOCK_OFF_SECONDS {
        let mark = if off.abs() > CLOCK_AHEAD_SECONDS { Mark::Fault } else { Mark::Warning };
        findings.add("clock", mark, "clock-differs", [("peer", id.clone()), ("seconds", off.into())]);
    }
    match card(http, peer).await {
        Some(card) if card.claimed().id != peer.card.id || card.claimed().keys != peer.card.keys => {
            findings.add("peers", Mark::Warning, "peer-card", [("peer", id)]);
        }
        Some(_) if look.ready => {
            let waits = look.waits_for_us.unwrap_or(0);
            findings.add("peers", Mark::Ok, "peer-ok", [("peer", id), ("waits", waits.into())]);
        }
        _ => findings.add("peers", Mark::Warning, "peer-not-ready", [("peer", id)]),
    }
}

/// The card that a peer shows now.
async fn card(http: &reqwest::Client, peer: &Peer) -> Option<SignedCard> {
    let url = format!("{}/.well-known/ehub.json", peer.url.trim_end_matches('/'));
    let answer = http.get(url).timeout(PATIENCE).send().await.ok()?;
    SignedCard::read(&answer.bytes().await.ok()?).ok()
}

/// How much of our log the peer has countersigned, and how long ago.
async fn witness(findings: &mut Findings, hub: &Hub, peer: &Peer) {
    let id = &peer.card.id;
    let seen = async {
        let out = hub.outgoing(id).await?;
        let at = hub.cosigned_at(id, out.witnessed).await?;
        Ok::<_, hub::db::StoreError>((out, at, hub.event_count().await?))
    };
    let (out, at, events) = match seen.await {
        Ok(seen) => seen,
        Err(error) => return findings.add("witness", Mark::Fault, "unread", [("cause", error.to_string().into())]),
    };
    let args = [
        ("peer", Value::from(id.to_string())),
        ("witnessed", out.witnessed.into()),
        ("events", events.into()),
        ("minutes", at.map_or(0, |at| (hub.wall_now().seconds() - at.seconds()).max(0).div_euclid(60)).into()),
    ];
    let age = at.map(|at| hub.wall_now().seconds() - at.seconds());
    let (mark, code) = match age {
        _ if out.stopped => (Mark::Fault, "witness-stopped"),
        None => (Mark::Warning, "witness-none"),
        Some(age) if age > WITNESS_MAX_SECONDS && out.witnessed < events => (Mark::Warning, "witness-old"),
        Some(_) => (Mark::Ok, "witness-ok"),
    };
    findings.add("witness", mark, code, args);
}

/// Whether people and peers reach this hub where its card says, and in private.
pub async fn own_address(findings: &mut Findings, directory: &Directory, http: &reqwest::Client, running: bool) {
    let config = &directory.config;
    let private = config.url.starts_with("https://");
    if !private {
        let mark = Mark::in_mode(config.mode, Mark::Ok, Mark::Fault);
        findings.add("tls", mark, "tls-none", [("url", config.url.clone().into())]);
    }
    if !running {
        return;
    }
    let url = format!("{}/healthz", config.url);
    let reached = http.get(&url).timeout(PATIENCE).send().await;
    match reached {
        Ok(answer) if answer.status().is_success() => {
            if private {
                findings.add("tls", Mark::Ok, "tls-ok", [("url", config.url.clone().into())]);
            }
        }
        Ok(_) => findings.add("tls", Mark::Warning, "address-other", [("url", url.into())]),
        Err(error) => {
            let mark = Mark::in_mode(config.mode, Mark::Warning, Mark::Fault);
            // The innermost cause says most: a name, a refusal, a certificate.
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            findings.add("tls", mark, "address-silent", [("url", url.into()), ("cause", cause.to_string().into())]);
        }
    }
}
