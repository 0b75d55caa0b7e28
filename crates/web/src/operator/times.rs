//! How long the steps of a sale take, what is stopped and for how long, how far sellers come: from kept
//! counts. What anybody may read says nothing of few: numbers from fewer than ten trades are left out.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use hub::tally::{HoldCount, StepTime};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::tally::Step;
use trade::time::{BusinessTime, Days};
use trade::trade_file::Side;

use crate::AppState;
use crate::auth::{As, Operator};
use crate::page::Page;
use crate::problem::Answer;

/// A quarter, unless asked otherwise.
const WEEKS: i64 = 13;
const WEEKS_MAX: i64 = 520;
/// Fewer trades than this could be somebody's.
const PUBLIC_MIN: i64 = 10;

/// How far back, in weeks.
#[derive(Clone, Copy, Default, Deserialize)]
pub struct Weeks {
    weeks: Option<i64>,
}

impl Weeks {
    pub fn count(self) -> i64 {
        self.weeks.unwrap_or(WEEKS).clamp(1, WEEKS_MAX)
    }

    pub async fn since(self, app: &AppState) -> Answer<BusinessTime> {
        Ok(app.hub.business_now().await?.plus_days(Days(-7 * self.count())))
    }
}

/// GET /api/v1/operator/times?weeks=
pub async fn times(
    State(app): State<AppState>,
    As(..): As<Operator>,
    Query(weeks): Query<Weeks>,
) -> Answer<Json<Value>> {
    let since = weeks.since(&app).await?;
    Ok(Json(json!({ "since": since, "times": app.hub.step_times(since).await? })))
}

/// GET /api/v1/operator/holds?weeks=
pub async fn holds(
    State(app): State<AppState>,
    As(..): As<Operator>,
    Query(weeks): Query<Weeks>,
) -> Answer<Json<Value>> {
    let since = weeks.since(&app).await?;
    Ok(Json(json!({ "since": since, "holds": app.hub.hold_counts(since).await? })))
}

/// GET /api/v1/operator/funnel
pub async fn funnel(State(app): State<AppState>, As(..): As<Operator>) -> Answer<Json<Value>> {
    Ok(Json(json!({ "funnel": app.hub.seller_counts().await? })))
}

/// GET /api/v1/statistics?weeks=: how long each step took, for anybody.
pub async fn public(State(app): State<AppState>, Query(weeks): Query<Weeks>) -> Answer<Json<Value>> {
    let since = weeks.since(&app).await?;
    let times = app.hub.step_times(since).await?;
    let (told, few): (Vec<StepTime>, Vec<StepTime>) = times.into_iter().partition(|t| t.count >= PUBLIC_MIN);
    Ok(Json(json!({
        "hub": app.site().id, "since": since, "fewest": PUBLIC_MIN, "times": told, "left_out": few.len(),
    })))
}

pub struct TimeRow {
    pub word: String,
    pub count: String,
    pub median: String,
    pub p90: String,
    pub total: bool,
}

/// A lane with its steps; the first is over all lanes.
pub struct LaneTimes {
    pub name: String,
    pub rows: Vec<TimeRow>,
}

/// Both sides of this hub's trades: what it exports, then what it imports.
pub struct SideTimes {
    pub word: String,
    pub all: LaneTimes,
    pub lanes: Vec<LaneTimes>,
}

pub fn sides(p: &Page, times: &[StepTime]) -> Vec<SideTimes> {
    let mut found = Vec::new();
    for side in [Side::Export, Side::Import] {
        let mut lanes: BTreeMap<Option<String>, Vec<TimeRow>> = BTreeMap::new();
        for time in times.iter().filter(|time| time.side == side) {
            lanes.entry(time.lane.clone()).or_default().push(time_row(p, time));
        }
        let Some(all) = lanes.remove(&None) else { continue };
        let lanes: Vec<LaneTimes> = lanes
            .into_iter()
            .map(|(lane, rows)| LaneTimes { name: lane_name(p, lane.as_deref().unwrap_or_default()), rows })
            .collect();
        let all = LaneTimes { name: p.s("hub-times-all"), rows: all };
        found.push(SideTimes { word: p.by("hub-side", side.code()), all, lanes });
    }
    found
}

fn time_row(p: &Page, time: &StepTime) -> TimeRow {
    let first = time.step == Some(Step::Ordered);
    let span = |seconds| if first { "–".to_owned() } else { p.span(seconds) };
    TimeRow {
        word: time.step.map_or_else(|| p.s("hub-times-whole"), |step| p.by("hub-step", step.code())),
        count: p.num(time.count),
        median: span(time.median),
        p90: span(time.p90),
        total: time.step.is_none(),
    }
}

/// `MY-CN/b2c-parcel` in words.
#[must_use]
pub fn lane_name(p: &Page, lane: &str) -> String {
    let (_, regime) = lane.split_once('/').unwrap_or((lane, ""));
    p.w2("hub-lane", "lane", super::road::ends(lane), "regime", p.by("regime", regime))
}

pub struct HoldRow {
    pub field: String,
    pub at: String,
    pub who: String,
    pub open: String,
    pub since: String,
    pub ended: String,
    pub took: String,
}

pub fn hold_row(p: &Page, hold: &HoldCount) -> HoldRow {
    let field = match hold.reason.strip_prefix("channel-") {
        Some(channel) => p.w1("customs-channel", "channel", p.by("channel", channel)),
        None => p.by("field", &hold.reason),
    };
    let day = |text: &String| text.parse::<jiff::civil::Date>().map_or_else(|_| text.clone(), |day| p.date(day));
    let took = hold
        .median
        .zip(hold.p90)
        .map(|(median, p90)| p.w2("hub-holds-took", "median", p.span(median), "most", p.span(p90)));
    HoldRow {
        field,
        at: p.by("hub-customs", if hold.own { "own" } else { "peer" }),
        who: p.by("holder", hold.holder.code()),
        open: p.num(hold.open),
        since: hold.since.as_ref().map(day).unwrap_or_default(),
        ended: p.num(hold.ended),
        took: took.unwrap_or_default(),
    }
}
