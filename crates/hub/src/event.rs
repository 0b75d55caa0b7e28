//! Events: appended by the lane that decides, which alone gives them their places.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::codes::HubId;
use trade::event::{Draft, Event};
use trade::road::NewEpoch;
use trade::trade_file::TradeId;

use crate::db::{StoreError, body, bytes, int, parsed, text};
use crate::hub::Hub;
use crate::page::{Page, clamp};
use crate::rows::{Rows, Statement};

/// The next places to give out: in the log, and on the road to each peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub n: u64,
    pub roads: BTreeMap<HubId, u64>,
}

impl Places {
    /// Reads where the log and its roads stand.
    pub async fn read(conn: &mut AnyConnection) -> Result<Self, StoreError> {
        let row = sqlx::query::<Any>("SELECT COALESCE(MAX(n), -1) + 1 FROM event").fetch_one(&mut *conn).await?;
        let n = count(int(&row, 0)?)?;
        let mut roads = BTreeMap::new();
        // Jumps from peer to peer by the index, however long their roads are.
        let sql = "WITH RECURSIVE peers (to_peer) AS ( \
                   SELECT MIN(to_peer) FROM event WHERE to_peer IS NOT NULL UNION ALL \
                   SELECT (SELECT MIN(event.to_peer) FROM event WHERE event.to_peer > peers.to_peer) FROM peers \
                   WHERE peers.to_peer IS NOT NULL) \
                   SELECT to_peer, (SELECT MAX(road_seq) FROM event WHERE event.to_peer = peers.to_peer) FROM peers \
                   WHERE to_peer IS NOT NULL";
        for row in sqlx::query::<Any>(sql).fetch_all(&mut *conn).await? {
            roads.insert(parsed(&row, 0)?, count(int(&row, 1)?)? + 1);
        }
        // After a declared loss road numbers go on where the peer has got, whatever is left here.
        let declared = sqlx::query::<Any>("SELECT body FROM epoch ORDER BY epoch DESC LIMIT 1");
        if let Some(row) = declared.fetch_optional(conn).await? {
            for road in body::<NewEpoch>(&row, 0)?.roads {
                let next = roads.entry(road.peer).or_insert(1);
                *next = road.next_seq.max(*next);
            }
        }
        Ok(Self { n, roads })
    }

    /// Gives what happened its places.
    pub fn give(&mut self, drafts: Vec<Draft>) -> Vec<Event> {
        let mut give = |Draft { at, trade, to, what }| {
            let road_seq = to.as_ref().map(|peer| {
                let next = self.roads.entry(peer.clone()).or_insert(1);
                *next += 1;
                *next - 1
            });
            self.n += 1;
            Event { n: self.n - 1, at, trade, to, road_seq, what }
        };
        drafts.into_iter().map(&mut give).collect()
    }
}

pub(crate) fn count(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::damaged("a place below zero"))
}

/// Places of a log fit in the engines' signed integers: 9 · 10^18 leaves.
pub(crate) fn column(place: u64) -> i64 {
    i64::try_from(place).expect("a log of 2^63 leaves")
}

/// Leaves one after the other, beginning with that of place `first`.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    pub first: u64,
    pub bytes: Vec<u8>,
    pub lengths: Vec<usize>,
}

impl Leaves {
    pub fn each(&self) -> impl Iterator<Item = &[u8]> {
        self.lengths.iter().scan(self.bytes.as_slice(), |rest, length| {
            let (leaf, after) = rest.split_at_checked(*length)?;
            *rest = after;
            Some(leaf)
        })
    }
}

/// Bytes of a leaf, most often; an order's has some thousands.
const LEAF_ROOM: usize = 1_024;

/// Writes each leaf once. Beside the statement: the lengths of the leaves in its payload.
pub(crate) fn changes(events: &[Event]) -> (Statement, Vec<usize>) {
    let mut rows = Rows::with_room(events.len(), LEAF_ROOM);
    let mut lengths = Vec::with_capacity(events.len());
    for event in events {
        let leaf = event.leaf();
        rows.row()
            .int(column(event.n))
            .int(event.at.micros())
            .text_or_null(event.to.as_ref().map(HubId::as_str))
            .int_or_null(event.road_seq.map(column))
            .text(kind_of(&leaf))
            .bytes(&leaf);
        lengths.push(leaf.len());
    }
    let statement = rows.into_statement(
        "INSERT INTO event (n, at, to_peer, road_seq, kind, leaf) \
         SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, \
         CAST(value ->> 3 AS BIGINT), value ->> 4, \
         substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)) FROM {rows}",
    );
    (statement, lengths)
}

/// The kind as it stands in the leaf, which begins `"what":{"kind":"…"`; nothing before it can
/// hold that text, since ids and numbers have no quotes.
fn kind_of(leaf: &[u8]) -> &str {
    const MARK: &[u8] = b"\"what\":{\"kind\":\"";
    let start = leaf.windows(MARK.len()).position(|w| w == MARK).map(|at| at + MARK.len());
    let rest = start.and_then(|at| leaf.get(at..)).unwrap_or_default();
    let end = rest.iter().position(|b| *b == b'"').unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

/// An event with the bytes that the log holds of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    pub event: Event,
    pub leaf: Vec<u8>,
}

pub(crate) fn logged(row: &AnyRow) -> Result<Logged, StoreError> {
    let leaf = bytes(row, 0)?.to_vec();
    let event = serde_json::from_slice(&leaf).map_err(|e| StoreError::damaged(e.to_string()))?;
    Ok(Logged { event, leaf })
}

impl Hub {
    /// All that happened to a trade, in order.
    pub async fn events_of(&self, trade: &TradeId) -> Result<Vec<Logged>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT events FROM trade_file WHERE id = $1").bind(trade.as_str().to_owned());
        let Some(row) = query.fetch_optional(&mut *conn).await? else { return Ok(Vec::new()) };
        let mut places = Rows::new();
        for place in text(&row, 0)?.split_terminator(',').take(EVENTS_MAX) {
            places.row().int(place.parse().map_err(|_| StoreError::damaged("a place in the log"))?);
        }
        let sql = "SELECT leaf FROM event WHERE n IN (SELECT CAST(value ->> 0 AS BIGINT) FROM {rows}) ORDER BY n";
        places.into_statement(sql).fetch(self.db(), &mut conn).await?.iter().map(logged).collect()
    }

    /// The log from a place on.
    pub async fn events(&self, from: u64, limit: i64) -> Result<Vec<Logged>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT leaf FROM event WHERE n >= $1 ORDER BY n LIMIT $2";
        let rows = sqlx::query::<Any>(sql).bind(column(from)).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(logged).collect()
    }

    /// The last things that happened, the newest first.
    pub async fn latest_events(&self, before: Option<&str>, limit: i64) -> Result<Page<Logged>, StoreError> {
        let before = before.and_then(|b| b.parse().ok()).unwrap_or(i64::MAX);
        let sql = "SELECT leaf FROM event WHERE n < $1 ORDER BY n DESC LIMIT $2";
        let read = |row: &AnyRow| logged(row).map(|l| (l.event.n, l));
        self.page_of(sqlx::query::<Any>(sql).bind(before), limit, read, ToString::to_string).await
    }

    /// How many events the log has, sequenced or not.
    pub async fn event_count(&self) -> Result<u64, StoreError> {
        let mut conn = self.db().reader().await?;
        let row = sqlx::query::<Any>("SELECT COALESCE(MAX(n), -1) + 1 FROM event").fetch_one(&mut *conn).await?;
        count(int(&row, 0)?)
    }
}

/// A trade has some dozens of events; one with more is a fault to be looked at through `events`.
const EVENTS_MAX: usize = 2_000;

#[cfg(test)]
mod tests {
    use trade::event::Happened;
    use trade::time::BusinessTime;

    use super::*;

    #[test]
    fn the_kind_is_read_from_the_leaf() {
        for what in [
            Happened::OrderLapsed,
            Happened::PaymentSecured,
            Happened::AccessDigest {
                day: "2026-11-23".into(),
                first: 1,
                looks: 1,
                sha256: "\"what\":{\"kind\":\"x\"".into(),
            },
        ] {
            let at = BusinessTime::from_micros(1);
            let trade = "hgh.sandbox:A-1".parse().ok();
            let event = Event { n: 1, at, trade, to: None, road_seq: None, what };
            assert_eq!(kind_of(&event.leaf()), event.what.kind());
        }
    }
}
