//! For anybody, without an account: does a trade file hold; where is a parcel.

use askama::Template;
use axum::extract::{Multipart, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use trade::bundle::{BundleFault, BundleReport, Place, View as BundleView, verify_bundle};
use trade::codes::S10;
use trade::custody::CustodyKind;
use trade::event::Event;
use trade::key::VerifyKey;
use trade::party::PersonTag;
use trade::trade_file::TradeFile;
use trade::world::NumberKey;

use crate::AppState;
use crate::door::{ANYONE, Doors, get, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::trade_file::timeline;

/// A bundle with its documents, as somebody would upload it; larger ones are verified offline.
const UPLOAD_MAX: usize = 10 * 1024 * 1024;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/verify", ANYONE), ask)
        .open(post("/verify", ANYONE).file("file").limit(UPLOAD_MAX), verify)
        .open(get("/track", ANYONE), track)
}

struct Found {
    trade: String,
    hub: String,
    key: String,
    known: bool,
    compare: String,
    view: String,
    size: String,
    events: Vec<(String, String, Option<String>, String)>,
    witnesses: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "verify/page.html")]
struct VerifyPage<'a> {
    p: &'a Page,
    found: Option<Found>,
    broken: Option<Told>,
    /// Where it is broken.
    places: Vec<String>,
}

/// GET /verify
async fn ask(p: Page) -> Response {
    p.show(&VerifyPage { p: &p, found: None, broken: None, places: Vec::new() })
}

/// POST /verify: the file is checked in memory and forgotten.
async fn verify(State(app): State<AppState>, p: Page, mut form: Multipart) -> Answer<Response> {
    let too_large = || Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "bundle-too-large").with("max", UPLOAD_MAX >> 20);
    let mut bytes = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| too_large())? {
        if field.name() == Some("file") {
            bytes = field.bytes().await.map_err(|_| too_large())?.to_vec();
        }
    }
    if bytes.is_empty() {
        let broken = Some(p.problem(&Failure::bad("no-file").problem));
        let shown = p.show(&VerifyPage { p: &p, found: None, broken, places: Vec::new() });
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response());
    }
    let keys = known_keys(&app).await?;
    // Known keys first; a stranger's file may still hold by itself, and the page says which it is.
    let report = verify_bundle(&bytes, Some(&keys)).or_else(|_| verify_bundle(&bytes, None));
    Ok(match report {
        Ok(report) => p.show(&VerifyPage { p: &p, found: Some(shown(&p, &report)), broken: None, places: Vec::new() }),
        Err(fault) => {
            let broken = Some(p.told(&fault));
            let shown = p.show(&VerifyPage { p: &p, found: None, broken, places: places(&p, &fault) });
            (StatusCode::UNPROCESSABLE_ENTITY, shown).into_response()
        }
    })
}

/// Where a file is broken: the bytes if that can be told, else the part.
fn places(p: &Page, fault: &BundleFault) -> Vec<String> {
    match fault {
        BundleFault::Altered { places, .. } => places.iter().map(|at| place(p, at)).collect(),
        BundleFault::BadSignature { place: at, .. } => vec![place(p, at)],
        _ => fault.pointer().map(|part| p.w1("verify-part", "part", part)).into_iter().collect(),
    }
}

fn place(p: &Page, at: &Place) -> String {
    let part = at.pointers.join(&p.s("list-comma"));
    let args = [
        ("from", p.num(at.from)),
        ("to", p.num(at.to.saturating_sub(1))),
        ("line", p.num(at.line)),
        ("column", p.num(at.column)),
        ("part", part),
    ];
    let one = at.to == at.from + 1;
    let mut said = p.w(if one { "verify-byte" } else { "verify-bytes" }, args);
    if let Some(was) = at.was.filter(u8::is_ascii_graphic) {
        said.push(' ');
        said.push_str(&p.w1("verify-was", "was", char::from(was)));
    }
    said
}

/// The keys of this hub and of the peers that its operator has accepted.
async fn known_keys(app: &AppState) -> Answer<Vec<VerifyKey>> {
    let mut keys = app.site().card.keys.clone();
    for peer in app.hub.peers().await? {
        keys.extend(peer.card.keys);
    }
    Ok(keys)
}

fn shown(p: &Page, report: &BundleReport) -> Found {
    let view = match report.view {
        BundleView::Public => "public",
        BundleView::Counterparty => "counterparty",
        BundleView::Authority => "authority",
    };
    let own = report.bundle.events.iter().map(|entry| (&report.hub, entry.index, &entry.leaf.0));
    let peer = report.peer.iter().zip(&report.bundle.peer);
    let of_peer = peer.flat_map(|(of, side)| side.events.iter().map(|e| (&of.hub, e.index, &e.leaf.0)));
    let events = own.chain(of_peer).map(|(hub, index, leaf)| {
        let place = format!("{hub} · {}", p.w1("line-log", "n", p.num(index)));
        match serde_json::from_slice::<Event>(leaf) {
            Ok(event) => {
                let (text, why) = timeline::words(p, &event.what);
                (p.time(event.at), text, why, place)
            }
            // Proved, though by a newer hub than this one; its words are not known here.
            Err(_) => (String::new(), place.clone(), None, place),
        }
    });
    Found {
        trade: report.bundle.trade.get("id").and_then(Value::as_str).unwrap_or("–").to_owned(),
        hub: report.hub.to_string(),
        key: report.key.clone(),
        known: report.known,
        compare: p.w1("verify-unknown-key", "hub", &report.hub),
        view: p.by("papers-bundle", view),
        size: p.w1("verify-size", "size", p.num(report.checkpoint.size)),
        events: events.collect(),
        witnesses: report.witnesses.iter().map(|w| (w.hub.to_string(), p.wall(w.at))).collect(),
    }
}

#[derive(Deserialize)]
struct Tracked {
    #[serde(default)]
    number: String,
    /// The track code of the label, or the delivery reference.
    #[serde(default)]
    code: String,
}

struct Way {
    number: String,
    stage: String,
    class: &'static str,
    steps: Vec<(String, Option<(String, String)>)>,
}

#[derive(Template)]
#[template(path = "verify/track.html")]
struct TrackPage<'a> {
    p: &'a Page,
    number: String,
    code: String,
    asked: bool,
    way: Option<Way>,
}

/// A second number for whoever holds the parcel: waybill numbers follow one another, so they alone
/// open nothing. Only this hub can make it, from the number; it is printed on the label.
#[must_use]
pub fn track_code(app: &AppState, number: &S10) -> String {
    PersonTag::of(&app.site().person_key, "track", number.as_str()).to_string().chars().take(TRACK_CODE).collect()
}

/// 60 bits: not to be guessed within the tries that are let through.
const TRACK_CODE: usize = 15;

/// Where anybody who has this path sees the way of a parcel.
#[must_use]
pub fn track_path(app: &AppState, file: &TradeFile) -> Option<String> {
    let number = &file.waybill.as_ref()?.no;
    Some(format!("/track?number={number}&code={}", track_code(app, number)))
}

/// GET /track?number=&code=: the number of a parcel with its track code, or its delivery reference.
/// Steps and countries, and nothing else; wrong tries on a number are counted.
async fn track(State(app): State<AppState>, p: Page, Query(asked): Query<Tracked>) -> Answer<Response> {
    let way = way(&p, &app, &asked).await?;
    let is_asked = !asked.number.is_empty() || !asked.code.is_empty();
    let status = if is_asked && way.is_none() { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let page = TrackPage { p: &p, number: asked.number, code: asked.code, asked: is_asked, way };
    Ok((status, p.show(&page)).into_response())
}

async fn way(p: &Page, app: &AppState, asked: &Tracked) -> Answer<Option<Way>> {
    let Ok(number) = asked.number.trim().to_uppercase().replace(' ', "").parse::<S10>() else { return Ok(None) };
    let door = format!("track/{number}");
    app.doorman.may_try(&door, app.wall())?;
    let Some(file) = tracked(app, &number, asked.code.trim()).await? else {
        app.doorman.was_wrong(&door, app.wall());
        return Ok(None);
    };
    let site = app.site();
    let peers = app.hub.peers().await?;
    let other = peers.iter().find(|peer| Some(&peer.card.id) == file.peer.as_ref()).map(|peer| peer.card.territory);
    let back = CustodyKind::BACK.into_iter().filter(|kind| file.has(*kind));
    let steps = CustodyKind::ALL.into_iter().chain(back).map(|kind| {
        let country = if kind.side() == file.side { Some(site.territory) } else { other };
        let done = file.custody.iter().find(|c| c.kind == kind);
        let done = done.map(|c| (p.time(c.at), country.map(|c| p.country(c)).unwrap_or_default()));
        (p.by("step", kind.code()), done)
    });
    // Of the stage only what concerns the parcel: whether it was paid is not for everybody.
    let stage = public_stage(&file);
    Ok(Some(Way {
        number: number.to_string(),
        stage: p.by("stage", stage.code()),
        class: crate::trade_file::page::stage_class(stage),
        steps: steps.collect(),
    }))
}

/// The trade of a waybill, if the second number is right too. A number that is not known and a code
/// that is wrong are answered alike.
async fn tracked(app: &AppState, number: &S10, code: &str) -> Answer<Option<TradeFile>> {
    let Some(id) = app.hub.trade_by_number(&NumberKey::waybill(number.as_str())).await? else { return Ok(None) };
    let Some(file) = app.hub.trade(&id).await? else { return Ok(None) };
    let is_code = code.to_lowercase() == track_code(app, number);
    let delivery = file.order.as_ref().map(|order| order.delivery.as_str());
    let opens = is_code || (!code.is_empty() && delivery == Some(code));
    Ok(opens.then_some(file))
}

fn public_stage(file: &TradeFile) -> trade::trade_file::Stage {
    use trade::trade_file::Stage;
    match file.stage() {
        Stage::Settled | Stage::Paid | Stage::Disputed | Stage::Refunded => Stage::Delivered,
        stage => stage,
    }
}
