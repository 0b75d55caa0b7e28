//! How the roads stand, and their picture: this hub, its peers, what waits each way, how much of whose log
//! the other has countersigned and how long ago.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use hub::tally::LaneCount;
use serde::Serialize;
use serde_json::{Value, json};
use trade::codes::{Country, HubId};
use trade::peer::Peer;

use crate::AppState;
use crate::auth::{As, Operator};
use crate::page::Page;
use crate::problem::Answer;

/// How the road to one peer stands.
#[derive(Clone, Debug, Serialize)]
pub struct Stand {
    pub peer: HubId,
    pub name: String,
    pub territory: Country,
    /// By this hub's operator.
    pub paused: bool,
    /// The peer showed two histories, or refuses what only an operator can mend.
    pub suspended: bool,
    pub stopped: bool,
    /// Last road number given out, and the last that the peer has applied.
    pub sent: u64,
    pub confirmed: u64,
    /// Seconds of business time since the oldest unconfirmed event happened.
    pub oldest: Option<i64>,
    /// Last road number of the peer that was applied here.
    pub received: u64,
    /// What the peer says waits for us, and how long ago it last said anything.
    pub theirs: Option<u64>,
    pub heard_ago: Option<i64>,
    /// Size of our log that the peer has countersigned, and how many seconds ago.
    pub witnessed: u64,
    pub witnessed_ago: Option<i64>,
    /// Size of the peer's log that we have countersigned.
    pub seen: u64,
    /// Sendings in a row without an answer.
    pub failures: u32,
}

impl Stand {
    #[must_use]
    pub const fn backlog(&self) -> u64 {
        self.sent.saturating_sub(self.confirmed)
    }

    /// The word and class for how it is.
    #[must_use]
    pub const fn state(&self) -> (&'static str, &'static str) {
        match self {
            Self { suspended: true, .. } => ("hub-suspended", "stop"),
            Self { stopped: true, .. } => ("hub-road-stopped", "stop"),
            Self { paused: true, .. } => ("hub-paused", "wait"),
            Self { failures: 1.., .. } => ("hub-silent", "stop"),
            _ => ("hub-open", "go"),
        }
    }
}

/// The roads to all accepted peers.
pub async fn stands(app: &AppState) -> Answer<Vec<Stand>> {
    let mut stands = Vec::new();
    for peer in app.hub.peers().await? {
        stands.push(stand(app, peer).await?);
    }
    Ok(stands)
}

async fn stand(app: &AppState, peer: Peer) -> Answer<Stand> {
    let id = &peer.card.id;
    let out = app.hub.outgoing(id).await?;
    let sent = app.hub.road_head(id).await?.map_or(0, |head| head.last_seq);
    let wall = app.wall();
    let oldest = match app.hub.oldest_waiting(id, out.acknowledged).await? {
        Some(at) => Some(app.hub.business_now().await?.seconds_since(at)),
        None => None,
    };
    let cosigned = app.hub.cosigned_at(id, out.witnessed).await?;
    let ago = |at: trade::time::WallTime| wall.seconds().saturating_sub(at.seconds()).max(0);
    let look = app.lookout.of(id);
    Ok(Stand {
        paused: peer.paused,
        suspended: peer.road.suspended.is_some(),
        stopped: out.stopped,
        sent,
        confirmed: out.acknowledged,
        oldest,
        received: peer.road.cursor,
        theirs: look.as_ref().and_then(|look| look.waits_for_us),
        heard_ago: look.map(|look| ago(look.heard)),
        witnessed: out.witnessed,
        witnessed_ago: cosigned.map(ago),
        seen: peer.road.seen.as_ref().map_or(0, |note| note.claimed().size),
        failures: out.failures,
        territory: peer.card.territory,
        name: peer.card.name,
        peer: peer.card.id,
    })
}

/// GET /api/v1/operator/road
pub async fn api(State(app): State<AppState>, As(..): As<Operator>) -> Answer<Json<Value>> {
    let events = app.hub.event_count().await?;
    let sequenced = *app.hub.sequenced().borrow();
    Ok(Json(json!({
        "hub": app.site().id, "events": events, "sequenced": sequenced,
        "roads": stands(&app).await?, "lanes": app.hub.lane_counts().await?,
    })))
}

/// One peer in the picture; `y` is where its row begins.
pub struct Row {
    pub y: usize,
    pub name: String,
    pub id: String,
    pub class: &'static str,
    pub state: String,
    pub out: String,
    pub out_class: &'static str,
    pub back: String,
    pub witness: String,
    /// How many trades are under way on each of its lanes, with where the line stands.
    pub flows: Vec<(usize, String)>,
    pub seen: String,
    pub received: String,
}

/// The picture as the template draws it, in units of which about one is a pixel on a phone.
pub struct Picture {
    pub height: usize,
    pub middle: usize,
    pub name: String,
    pub log: String,
    pub rows: Vec<Row>,
}

const ROW_HEIGHT: usize = 144;
/// Where the first line on lanes stands in a row, and how far the next is from it.
const FLOWS_AT: usize = 111;
const LINE: usize = 15;

pub fn picture(p: &Page, stands: &[Stand], lanes: &[LaneCount], log: u64) -> Picture {
    let rows: Vec<Row> = stands.iter().enumerate().map(|(i, s)| row(p, s, lanes, log, i * ROW_HEIGHT)).collect();
    let height = (rows.len() * ROW_HEIGHT).max(ROW_HEIGHT);
    Picture { height, middle: height.div_euclid(2), name: short(&p.hub), log: p.num(log), rows }
}

fn row(p: &Page, stand: &Stand, lanes: &[LaneCount], log: u64, y: usize) -> Row {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let waiting = stand.backlog();
    let (state, class) = stand.state();
    let out = p.n("hub-waiting", count(waiting));
    let back = stand.theirs.map_or_else(|| p.s("hub-theirs-unknown"), |n| p.n("hub-theirs", count(n)));
    let behind = log.saturating_sub(stand.witnessed);
    let witness = match (stand.witnessed, stand.witnessed_ago) {
        (0, _) => p.s("hub-witness-none"),
        (_, Some(ago)) => p.w2("hub-witnessed", "size", p.num(stand.witnessed), "ago", p.span(ago)),
        (_, None) => p.w1("hub-witnessed-once", "size", p.num(stand.witnessed)),
    };
    let mut under_way: BTreeMap<String, i64> = BTreeMap::new();
    for lane in lanes.iter().filter(|lane| is_at(lane, stand.territory)) {
        *under_way.entry(ends(&lane.lane)).or_insert(0) += lane.under_way;
    }
    let flow = |(line, (lane, n)): (usize, (&String, &i64))| {
        (FLOWS_AT + line * LINE, p.w2("hub-flow", "lane", lane, "n", p.num(n)))
    };
    let flows = under_way.iter().enumerate().map(flow).collect();
    let state = p.s(state);
    Row {
        y,
        name: short(&stand.name),
        id: stand.peer.to_string(),
        class,
        state,
        out,
        out_class: if waiting == 0 { "go" } else { class_of_waiting(stand) },
        back,
        witness: if behind > 0 && waiting > 0 && stand.witnessed > 0 {
            p.w1("hub-witness-behind", "n", p.num(behind))
        } else {
            witness
        },
        flows,
        seen: p.w1("hub-seen", "size", p.num(stand.seen)),
        received: p.w1("hub-received", "n", p.num(stand.received)),
    }
}

/// Whether one end of a lane is there.
fn is_at(lane: &LaneCount, territory: Country) -> bool {
    let (ends, _) = lane.lane.split_once('/').unwrap_or((&lane.lane, ""));
    ends.split('-').any(|end| end == territory.as_str())
}

/// Waiting is usual for a moment; for long it is not.
const fn class_of_waiting(stand: &Stand) -> &'static str {
    match stand.oldest {
        Some(seconds) if seconds > 3_600 => "stop",
        _ => "wait",
    }
}

/// `MY-CN/b2c-parcel` as `MY → CN`.
#[must_use]
pub fn ends(lane: &str) -> String {
    let (ends, _) = lane.split_once('/').unwrap_or((lane, ""));
    ends.replace('-', " → ")
}

/// A name that has room in a box of the picture.
fn short(name: &str) -> String {
    const MOST: usize = 15;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}
