//! The operator's home: roads, log and witnesses, what is stopped and by whom, the funnel, the clock.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::ball::{Holder, ball};
use trade::clearance::Clearance;
use trade::clock::MoveClock;
use trade::codes::HubId;
use trade::commands::Command;
use trade::time::{BusinessTime, Days};
use trade::trade_file::{Stage, TradeFile};

use crate::AppState;
use crate::auth::{As, Operator, Signed};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::trade_file::page::stage_class;
use crate::trade_file::{matched, timeline};

/// How far back the page counts refusals; the API has them all.
const REFUSALS_SINCE: Days = Days(30);
/// Stopped trades that are looked through to say why.
const STOPPED_MAX: i64 = 500;
const EVENTS_SHOWN: i64 = 12;

pub fn routes(app: &AppState) -> Router<AppState> {
    let routes = Router::new()
        .route("/operator", get(home))
        .route("/api/v1/summary", get(summary))
        .route("/api/v1/clock", get(clock));
    if app.is_sandbox() {
        routes.route("/operator/clock", post(move_page)).route("/api/v1/clock", post(move_api))
    } else {
        routes
    }
}

struct RoadRow {
    peer: String,
    state: String,
    class: &'static str,
    waiting: String,
    since: Option<String>,
    received: String,
    witness: String,
    witness_class: &'static str,
}

struct CountRow {
    word: String,
    class: &'static str,
    n: String,
    href: String,
}

struct HoldRow {
    field: String,
    who: String,
    n: String,
}

struct RefusalRow {
    reason: String,
    what: String,
    n: String,
}

struct View {
    id: String,
    mode: String,
    bank: String,
    log: String,
    lag: String,
    roads: Vec<RoadRow>,
    holds: Vec<HoldRow>,
    refusals: Vec<RefusalRow>,
    balls: Vec<CountRow>,
    stages: Vec<CountRow>,
    funnel: Vec<(String, String)>,
    now: String,
    today: String,
    rules: Vec<String>,
    events: Vec<(String, String, Option<String>)>,
    recovery: crate::recovery::View,
}

#[derive(Template)]
#[template(path = "operator/home.html")]
struct HomePage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// GET /operator
async fn home(State(app): State<AppState>, p: Page, As(..): As<Operator>) -> Answer<Response> {
    Ok(p.show(&HomePage { p: &p, v: view(&p, &app).await?, told: None }))
}

/// The same page, with what came of something that was done on it.
pub async fn with(p: &Page, app: &AppState, told: Option<Told>) -> Answer<Response> {
    Ok(p.show(&HomePage { p, v: view(p, app).await?, told }))
}

async fn view(p: &Page, app: &AppState) -> Answer<View> {
    let site = app.site();
    let now = app.hub.business_now().await?;
    let events_now = app.hub.event_count().await?;
    let sequenced = *app.hub.sequenced().borrow();
    let stages = app.hub.stage_counts().await?;
    let stages = stages
        .iter()
        .map(|c| CountRow {
            word: p.by("stage", c.stage.code()),
            class: stage_class(c.stage),
            n: p.num(c.count),
            href: format!("/trades?stage={}", c.stage.code()),
        })
        .collect();
    let balls = app.hub.holder_counts().await?;
    let balls = balls
        .iter()
        .filter(|(holder, _)| *holder != Holder::Nobody)
        .map(|(holder, n)| CountRow {
            word: p.by("holder", holder.code()),
            class: "",
            n: p.num(n),
            href: format!("/trades?holder={}", holder.code()),
        })
        .collect();
    let epoch = site.card.epoch.0;
    let latest = app.hub.latest_events(None, EVENTS_SHOWN).await?;
    let events = latest
        .items
        .iter()
        .map(|e| {
            let (text, why) = timeline::words(p, &e.event.what);
            (p.time(e.event.at), text, e.event.trade.as_ref().map(ToString::to_string).or(why))
        })
        .collect();
    let mode = if p.sandbox { "hub-mode-sandbox" } else { "hub-mode-production" };
    Ok(View {
        id: site.id.to_string(),
        mode: p.s(mode),
        bank: p.w2("hub-bank-held", "firm", &site.bank.firm, "account", &site.bank.account),
        log: p.w2("hub-log-size", "size", p.num(events_now), "epoch", epoch),
        lag: p.n("hub-log-unsequenced", i64::try_from(events_now.saturating_sub(sequenced)).unwrap_or(0)),
        roads: road_rows(p, app).await?,
        holds: holds(app).await?.into_iter().map(|((field, who), n)| hold_row(p, &field, &who, n)).collect(),
        refusals: refusal_rows(p, app, &site.date(now.plus_days(Days(-REFUSALS_SINCE.0))).to_string()).await?,
        balls,
        stages,
        funnel: funnel(app).await?.into_iter().map(|(code, n)| (p.by("hub-funnel", code), p.num(n))).collect(),
        now: p.w1("hub-clock-now", "now", p.time(now)),
        today: site.date(now).to_string(),
        recovery: crate::recovery::view(p, app).await?,
        rules: site.rulebooks.books().map(|b| format!("{} {}", b.territory, short(&b.digest))).collect(),
        events,
    })
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn hold_row(p: &Page, field: &str, who: &str, n: i64) -> HoldRow {
    let word = match field.strip_prefix("channel-") {
        Some(channel) => p.w1("customs-channel", "channel", p.by("channel", channel)),
        None => p.by("field", field),
    };
    HoldRow { field: word, who: p.by("holder", who), n: p.num(n) }
}

async fn refusal_rows(p: &Page, app: &AppState, since: &str) -> Answer<Vec<RefusalRow>> {
    let refusals = app.hub.refusals(since).await?;
    let row = |r: &hub::refusal::RefusalCount| RefusalRow {
        reason: p.reason(&r.code),
        what: r.command.clone(),
        n: p.num(r.count),
    };
    Ok(refusals.iter().map(row).collect())
}

/// How the road to one peer stands.
pub struct RoadStand {
    pub peer: HubId,
    pub paused: bool,
    /// Last road number given out, and the last that the peer has applied.
    pub sent: u64,
    pub confirmed: u64,
    /// Last road number of the peer that was applied here.
    pub received: u64,
    /// Size of our log that the peer has countersigned.
    pub witnessed: u64,
    /// Sendings in a row without an answer.
    pub failures: u32,
}

impl RoadStand {
    #[must_use]
    pub const fn backlog(&self) -> u64 {
        self.sent.saturating_sub(self.confirmed)
    }
}

/// The roads to all accepted peers.
pub async fn roads(app: &AppState) -> Answer<Vec<RoadStand>> {
    let mut roads = Vec::new();
    for peer in app.hub.peers().await? {
        let out = app.hub.outgoing(&peer.card.id).await?;
        let sent = app.hub.road_head(&peer.card.id).await?.map_or(0, |head| head.last_seq);
        roads.push(RoadStand {
            peer: peer.card.id,
            paused: peer.paused,
            sent,
            confirmed: out.acknowledged,
            received: peer.road.cursor,
            witnessed: out.witnessed,
            failures: out.failures,
        });
    }
    Ok(roads)
}

async fn road_rows(p: &Page, app: &AppState) -> Answer<Vec<RoadRow>> {
    let log = app.hub.event_count().await?;
    let roads = roads(app).await?;
    Ok(roads
        .iter()
        .map(|road| {
            let waiting = road.backlog();
            let (state, class) = if road.paused { ("hub-paused", "wait") } else { ("hub-open", "go") };
            let behind = log.saturating_sub(road.witnessed);
            let witness = if road.witnessed == 0 {
                p.s("hub-witness-none")
            } else if behind == 0 || waiting == 0 {
                p.w2("hub-witness-ok", "who", &road.peer, "size", p.num(road.witnessed))
            } else {
                p.w2("hub-witness-behind", "who", &road.peer, "n", p.num(behind))
            };
            RoadRow {
                peer: road.peer.to_string(),
                state: p.s(state),
                class,
                waiting: p.n("hub-waiting", i64::try_from(waiting).unwrap_or(i64::MAX)),
                since: (road.failures > 0).then(|| p.w1("hub-road-silent", "n", p.num(road.failures))),
                received: p.w1("hub-received", "n", p.num(road.received)),
                witness,
                witness_class: if road.witnessed == 0 { "wait" } else { "go" },
            }
        })
        .collect())
}

/// What is stopped on this hub, by its first reason and by who has to act.
async fn holds(app: &AppState) -> Answer<BTreeMap<(String, String), i64>> {
    let mut counts = BTreeMap::new();
    for file in stopped(app).await? {
        let field = match &file.clearance {
            Clearance::Held { reasons, .. } => reasons.first().map_or("", |r| r.field.code()).to_owned(),
            Clearance::Examining { channel, .. } => format!("channel-{}", timeline::channel_code(*channel)),
            _ => continue,
        };
        *counts.entry((field, ball(&file).holder.code().to_owned())).or_insert(0) += 1;
    }
    Ok(counts)
}

/// Trades that this hub's customs holds or examines.
pub async fn stopped(app: &AppState) -> Answer<Vec<TradeFile>> {
    let mut files = Vec::new();
    for stage in [Stage::ExportHeld, Stage::ImportHeld] {
        let filter = hub::trade_file::TradeFilter { stage: Some(stage), ..hub::trade_file::TradeFilter::default() };
        let found = app.hub.trades(&filter, None, STOPPED_MAX).await?;
        let here = |f: &TradeFile| matches!(f.clearance, Clearance::Held { .. } | Clearance::Examining { .. });
        files.extend(found.items.into_iter().map(|row| row.file).filter(here));
    }
    Ok(files)
}

/// Sellers from sign-up to repeat export: the distance that this house is judged by.
async fn funnel(app: &AppState) -> Answer<Vec<(&'static str, i64)>> {
    let f = app.hub.seller_funnel().await?;
    Ok(vec![
        ("signed", f.signed_up),
        ("product", f.with_product),
        ("ready", f.with_ready_product),
        ("order", f.with_order),
        ("exported", f.with_export),
        ("paid", f.paid),
        ("repeat", f.paid_again),
    ])
}

#[derive(Deserialize)]
struct ClockForm {
    #[serde(default)]
    days: Option<String>,
    #[serde(default)]
    to: Option<String>,
}

async fn move_page(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Operator>,
    Form(form): Form<ClockForm>,
) -> Answer<Response> {
    let outcome = match target(&app, &form).await {
        Ok(to) => app.submit(Command::MoveClock(MoveClock { to })).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to("/operator").into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&p, &app).await?;
            Ok((failure.status, p.show(&HomePage { p: &p, v, told })).into_response())
        }
    }
}

/// A number of days from now, or the morning of a day.
async fn target(app: &AppState, form: &ClockForm) -> Answer<BusinessTime> {
    let now = app.hub.business_now().await?;
    if let Some(days) = form.days.as_deref().and_then(|d| d.parse::<i64>().ok()) {
        return Ok(now.plus_days(Days(days)));
    }
    let text = form.to.as_deref().unwrap_or_default().trim();
    let bad = || Failure::bad("not-a-time").with("got", text);
    let date: Date = text.parse().map_err(|_| bad())?;
    let nine = DateTime::from_parts(date, Time::constant(9, 0, 0, 0));
    let at = nine.to_zoned(app.site().zone.clone()).map_err(|_| bad())?;
    Ok(BusinessTime::from_micros(at.timestamp().as_microsecond()))
}

#[derive(Deserialize)]
struct ApiClock {
    to: Value,
}

/// POST /api/v1/clock {to}: microseconds since 1970, or RFC 3339.
async fn move_api(
    State(app): State<AppState>,
    As(..): As<Operator>,
    Json(body): Json<ApiClock>,
) -> Answer<Json<Value>> {
    let micros = match &body.to {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond),
        _ => None,
    };
    let to = micros.ok_or_else(|| Failure::bad("not-a-time").with("got", body.to.to_string()))?;
    let command = MoveClock { to: BusinessTime::from_micros(to) };
    let now = app.submit(Command::MoveClock(command)).await?;
    Ok(Json(json!({ "now": now })))
}

/// GET /api/v1/clock
async fn clock(State(app): State<AppState>, Signed(_): Signed) -> Answer<Json<Value>> {
    let now = app.hub.business_now().await?;
    Ok(Json(json!({ "now": now, "text": now.to_string(), "mode": app.site().mode })))
}

/// GET /api/v1/summary: counts that come from queries, not from memory.
async fn summary(State(app): State<AppState>, As(..): As<Operator>) -> Answer<Json<Value>> {
    let events = app.hub.event_count().await?;
    let sequenced = *app.hub.sequenced().borrow();
    let stages: BTreeMap<&str, i64> = app.hub.stage_counts().await?.iter().map(|c| (c.stage.code(), c.count)).collect();
    let holders: BTreeMap<&str, i64> =
        app.hub.holder_counts().await?.iter().map(|(holder, n)| (holder.code(), *n)).collect();
    let mut by_field: BTreeMap<String, i64> = BTreeMap::new();
    for ((field, _), n) in holds(&app).await? {
        *by_field.entry(field).or_insert(0) += n;
    }
    let roads: BTreeMap<String, Value> = roads(&app)
        .await?
        .iter()
        .map(|r| {
            let backlog = r.backlog();
            let road = json!({
                "sent": r.sent, "confirmed": r.confirmed, "backlog": backlog, "received": r.received,
                "witnessed": r.witnessed, "paused": r.paused,
            });
            (r.peer.to_string(), road)
        })
        .collect();
    let roles: BTreeMap<&str, i64> = app.hub.role_counts().await?.iter().map(|(role, n)| (role.code(), *n)).collect();
    let (products, ready) = app.hub.ready_products().await?;
    let whole = app.hub.summary().await?;
    let funnel: BTreeMap<&str, i64> = funnel(&app).await?.into_iter().collect();
    Ok(Json(json!({
        "hub": app.site().id,
        "trades_by_stage": stages,
        "trades_by_holder": holders,
        "parties_by_role": roles,
        "products": { "total": products, "ready": ready },
        "quotes": whole.quotes,
        "transfers": whole.transfers,
        "holds_by_field": by_field,
        "refusals": app.hub.refusals("").await?,
        "events": events,
        "log_size": sequenced,
        "road": roads,
        "settlement": { "positions": crate::settlement::positions(&app).await? },
        "funnel": funnel,
    })))
}

/// The words of a mender, for those who list holds elsewhere.
pub use matched::mender;
