//! Counts for those who keep watch: who is registered, what customs let through today, which files are
//! at the bank, what is on its way to a peer. What would need all trades to be looked through is kept: `tally.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use trade::codes::HubId;
use trade::event::{Event, Happened};
use trade::money::Currency;
use trade::party::Role;
use trade::time::BusinessTime;

use crate::db::{StoreError, bytes, int, text};
use crate::event::column;
use crate::hub::Hub;
use crate::page::clamp;

/// What this hub's customs has let through since an instant, by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearanceCounts {
    /// Released by itself.
    pub green: i64,
    pub by_officer: i64,
    pub detained: i64,
}

/// A file of payouts at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutFileRow {
    pub file: String,
    pub payouts: i64,
    pub done: i64,
}

/// A day of a busy hub; beyond it the counts say how many were looked at, not more.
const DECISIONS_MAX: i64 = 100_000;
/// Escrow releases under way to one peer; a road that is down for long is looked at by then.
const FLYING_MAX: i64 = 100_000;

impl Hub {
    /// Parties by role; one with two roles counts in both.
    pub async fn role_counts(&self) -> Result<BTreeMap<Role, i64>, StoreError> {
        let mut conn = self.db().reader().await?;
        let mut counts = BTreeMap::new();
        for role in Role::ALL {
            let like = format!("%|{}|%", role.code());
            let row = sqlx::query::<Any>("SELECT COUNT(*) FROM party WHERE roles LIKE $1").bind(like);
            counts.insert(role, int(&row.fetch_one(&mut *conn).await?, 0)?);
        }
        Ok(counts)
    }

    /// Products, and how many of them can be sold on some lane.
    pub async fn ready_products(&self) -> Result<(i64, i64), StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(ready), 0) AS BIGINT) FROM product";
        let row = sqlx::query::<Any>(sql).fetch_one(&mut *conn).await?;
        Ok((int(&row, 0)?, int(&row, 1)?))
    }

    /// What customs of this hub has decided since `since`. Each trade counts once.
    pub async fn clearance_counts(&self, since: BusinessTime) -> Result<ClearanceCounts, StoreError> {
        let events = self.event_count().await?;
        let mut conn = self.db().reader().await?;
        let from = first_since(&mut conn, events, since).await?;
        let sql = "SELECT leaf FROM event WHERE n >= $1 AND kind IN ('released', 'export-released', 'detained') \
                   ORDER BY n LIMIT $2";
        let query = sqlx::query::<Any>(sql).bind(column(from)).bind(DECISIONS_MAX);
        let mut counts = ClearanceCounts::default();
        let mut seen = BTreeSet::new();
        for row in query.fetch_all(&mut *conn).await? {
            let event: Event =
                serde_json::from_slice(bytes(&row, 0)?).map_err(|e| StoreError::damaged(e.to_string()))?;
            if event.trade.is_none_or(|trade| !seen.insert(trade)) {
                continue;
            }
            match event.what {
                Happened::Released { by: None, .. } | Happened::ExportReleased { by: None, .. } => counts.green += 1,
                Happened::Released { .. } | Happened::ExportReleased { .. } => counts.by_officer += 1,
                _ => counts.detained += 1,
            }
        }
        Ok(counts)
    }

    /// The last files of payouts, the newest first, with how many of each are executed.
    pub async fn payout_files(&self, limit: i64) -> Result<Vec<PayoutFileRow>, StoreError> {
        let sql = "SELECT file, COUNT(*), CAST(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS BIGINT) FROM payout \
                   WHERE file IS NOT NULL GROUP BY file ORDER BY MAX(id) DESC LIMIT $1";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        let read = |row| Ok(PayoutFileRow { file: text(row, 0)?, payouts: int(row, 1)?, done: int(row, 2)? });
        rows.iter().map(read).collect()
    }

    /// Minor units of a currency that this hub's escrow has let go for a peer, and that the peer has
    /// not yet confirmed to have booked.
    pub async fn in_flight(&self, peer: &HubId, currency: Currency) -> Result<i64, StoreError> {
        let acknowledged = self.outgoing(peer).await?.acknowledged;
        let sql = "SELECT leaf FROM event WHERE to_peer = $1 AND road_seq > $2 AND kind = 'escrow-released' \
                   ORDER BY road_seq LIMIT $3";
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(sql).bind(peer.as_str().to_owned()).bind(column(acknowledged)).bind(FLYING_MAX);
        let mut flying = 0_i64;
        for row in query.fetch_all(&mut *conn).await? {
            let event: Event =
                serde_json::from_slice(bytes(&row, 0)?).map_err(|e| StoreError::damaged(e.to_string()))?;
            if let Happened::EscrowReleased { due, .. } = event.what
                && due.currency() == currency
            {
                flying = flying.saturating_add(due.minor());
            }
        }
        Ok(flying)
    }
}

/// The first place of the log at or after `since`, by halving: business time never goes back.
async fn first_since(conn: &mut AnyConnection, events: u64, since: BusinessTime) -> Result<u64, StoreError> {
    let (mut low, mut high) = (0, events);
    while low < high {
        let middle = low.midpoint(high);
        let query = sqlx::query::<Any>("SELECT at FROM event WHERE n = $1").bind(column(middle));
        let row = query.fetch_one(&mut *conn).await?;
        if int(&row, 0)? < since.micros() { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
