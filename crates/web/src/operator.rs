//! The operator's home: roads, log and witnesses, what is stopped and by whom, how long steps take, the
//! funnel, positions, the clock.

pub mod road;
mod times;

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::tally::{HoldCount, LaneCount, SellerCount};
use jiff::civil::{Date, DateTime, Time};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::ball::Holder;
use trade::clearance::Clearance;
use trade::clock::MoveClock;
use trade::commands::Command;
use trade::party::Role;
use trade::time::{BusinessTime, Days};
use trade::trade_file::{Stage, TradeFile};

use self::times::Weeks;
use crate::AppState;
use crate::auth::{As, Operator, Signed};
use crate::door::{ANYONE, Doors, May, SIGNED, get, only, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, any, any_of, code, count, instant, integer, list, object, text};
use crate::settlement::Position;
use crate::trade_file::page::stage_class;
use crate::trade_file::{matched, timeline};

/// How far back the page counts refusals; the API has them all.
const REFUSALS_SINCE: Days = Days(30);
/// Stopped trades that are looked through to say why.
const STOPPED_MAX: i64 = 500;
const EVENTS_SHOWN: i64 = 12;
/// Stretches that the page offers for lengths of time, in weeks.
const SPANS: [i64; 3] = [4, 13, 52];

const OFFICE: May = only(&[Role::Operator]);

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/operator", OFFICE), home)
        .open(get("/api/v1/summary", OFFICE).gives(200, || object([("hub", text())]).open()), summary)
        .open(get("/api/v1/operator/road", OFFICE).gives(200, road_shape), road::api)
        .open(get("/api/v1/operator/times", OFFICE).query(&["weeks"]).gives(200, || since("times")), times::times)
        .open(get("/api/v1/operator/holds", OFFICE).query(&["weeks"]).gives(200, || since("holds")), times::holds)
        .open(get("/api/v1/operator/funnel", OFFICE).gives(200, || object([("funnel", any())])), times::funnel)
        .open(get("/api/v1/statistics", ANYONE).query(&["weeks"]).gives(200, public_shape), times::public)
        .open(get("/api/v1/clock", SIGNED).gives(200, clock_shape), clock)
        .open(post("/operator/clock", OFFICE).form("days=0").in_sandbox(), move_page)
        .open(
            post("/api/v1/clock", OFFICE)
                .json(r#"{"to": "2026-11-25T09:00:00Z"}"#)
                .takes(|| object([("to", any_of([integer(), text()]))]))
                .gives(200, || object([("now", instant())]))
                .in_sandbox(),
            move_api,
        )
}

fn road_shape() -> Schema {
    object([("hub", text()), ("events", count()), ("sequenced", count()), ("roads", any()), ("lanes", any())])
}

fn since(name: &str) -> Schema {
    object([("since", instant()), (name, list(any()))])
}

fn public_shape() -> Schema {
    object([("hub", text()), ("since", instant()), ("fewest", count()), ("times", list(any())), ("left_out", count())])
}

fn clock_shape() -> Schema {
    object([("now", instant()), ("text", text()), ("mode", code(&["sandbox", "production"]))])
}

struct CountRow {
    word: String,
    class: &'static str,
    n: String,
    href: String,
}

struct RefusalRow {
    reason: String,
    what: String,
    n: String,
}

struct LaneRow {
    name: String,
    side: String,
    under_way: String,
    paid: String,
    otherwise: String,
}

struct FunnelRow {
    word: String,
    n: String,
    /// Of those before, in per cent: the length of the bar.
    share: i64,
    took: Option<String>,
}

struct PositionRow {
    peer: String,
    due_to: String,
    due_from: String,
    flight: String,
}

struct View {
    id: String,
    mode: String,
    bank: String,
    log: String,
    lag: String,
    picture: road::Picture,
    lanes: Vec<LaneRow>,
    holds: Vec<times::HoldRow>,
    times: Vec<times::SideTimes>,
    weeks: i64,
    spans: Vec<(i64, String)>,
    refusals: Vec<RefusalRow>,
    balls: Vec<CountRow>,
    stages: Vec<CountRow>,
    funnel: Vec<FunnelRow>,
    positions: Vec<PositionRow>,
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

/// GET /operator?weeks=
async fn home(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Operator>,
    Query(weeks): Query<Weeks>,
) -> Answer<Response> {
    Ok(p.show(&HomePage { p: &p, v: view(&p, &app, weeks).await?, told: None }))
}

/// The same page, with what came of something that was done on it.
pub async fn with(p: &Page, app: &AppState, told: Option<Told>) -> Answer<Response> {
    Ok(p.show(&HomePage { p, v: view(p, app, Weeks::default()).await?, told }))
}

async fn view(p: &Page, app: &AppState, weeks: Weeks) -> Answer<View> {
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
    let lanes = app.hub.lane_counts().await?;
    let since = weeks.since(app).await?;
    let mode = if p.sandbox { "hub-mode-sandbox" } else { "hub-mode-production" };
    Ok(View {
        id: site.id.to_string(),
        mode: p.s(mode),
        bank: p.w2("hub-bank-held", "firm", &site.bank.firm, "account", &site.bank.account),
        log: p.w2("hub-log-size", "size", p.num(events_now), "epoch", epoch),
        lag: p.n("hub-log-unsequenced", i64::try_from(events_now.saturating_sub(sequenced)).unwrap_or(0)),
        picture: road::picture(p, &road::stands(app).await?, &lanes, events_now),
        lanes: lanes.iter().map(|lane| lane_row(p, lane)).collect(),
        holds: app.hub.hold_counts(since).await?.iter().map(|hold| times::hold_row(p, hold)).collect(),
        times: times::sides(p, &app.hub.step_times(since).await?),
        weeks: weeks.count(),
        spans: SPANS.map(|n| (n, p.n("hub-weeks", n))).to_vec(),
        refusals: refusal_rows(p, app, &site.date(now.plus_days(Days(-REFUSALS_SINCE.0))).to_string()).await?,
        balls,
        stages,
        funnel: funnel_rows(p, &app.hub.seller_counts().await?),
        positions: crate::settlement::positions(app).await?.iter().map(|x| position_row(p, x)).collect(),
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

fn lane_row(p: &Page, lane: &LaneCount) -> LaneRow {
    LaneRow {
        name: times::lane_name(p, &lane.lane),
        side: p.by("hub-side", lane.side.code()),
        under_way: p.num(lane.under_way),
        paid: p.num(lane.paid),
        otherwise: p.num(lane.ended_otherwise),
    }
}

fn funnel_rows(p: &Page, counts: &[SellerCount]) -> Vec<FunnelRow> {
    let most = counts.iter().map(|count| count.count).max().unwrap_or(0).max(1);
    let row = |count: &SellerCount| FunnelRow {
        word: p.by("hub-funnel", count.step.code()),
        n: p.num(count.count),
        share: (count.count * 100).div_euclid(most),
        took: count.median.map(|seconds| p.w1("hub-funnel-took", "median", p.span(seconds))),
    };
    counts.iter().map(row).collect()
}

fn position_row(p: &Page, position: &Position) -> PositionRow {
    PositionRow {
        peer: position.peer.clone(),
        due_to: p.money(position.due_to),
        due_from: p.money(position.due_from),
        flight: p.money(position.in_flight),
    }
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
            let v = view(&p, &app, Weeks::default()).await?;
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
    let here = |hold: &HoldCount| (hold.open > 0 && hold.own).then(|| (hold.reason.clone(), hold.open));
    let mut by_field: BTreeMap<String, i64> = BTreeMap::new();
    for (field, n) in app.hub.hold_counts(app.hub.business_now().await?).await?.iter().filter_map(here) {
        *by_field.entry(field).or_insert(0) += n;
    }
    let roads: BTreeMap<String, Value> = road::stands(&app)
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
    let funnel: BTreeMap<&str, i64> =
        app.hub.seller_counts().await?.iter().map(|count| (count.step.code(), count.count)).collect();
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
