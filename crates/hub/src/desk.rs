//! Counts for those who keep watch: who holds what, how far sellers have come, what customs let
//! through today, which files are at the bank, what is on its way to a peer.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use trade::ball::Holder;
use trade::codes::HubId;
use trade::event::{Event, Happened};
use trade::money::Currency;
use trade::party::Role;
use trade::time::BusinessTime;

use crate::db::{StoreError, bytes, int, text};
use crate::event::column;
use crate::hub::Hub;
use crate::page::clamp;

/// Sellers by the furthest step that they have reached; each step counts those of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerFunnel {
    pub signed_up: i64,
    pub with_product: i64,
    pub with_ready_product: i64,
    pub with_order: i64,
    pub with_export: i64,
    pub paid: i64,
    pub paid_again: i64,
}

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
    /// How many trades wait for whom.
    pub async fn holder_counts(&self) -> Result<Vec<(Holder, i64)>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT holder, COUNT(*) FROM trade_file GROUP BY holder ORDER BY COUNT(*) DESC, holder";
        let mut counts = Vec::new();
        for row in sqlx::query::<Any>(sql).fetch_all(&mut *conn).await? {
            let code = serde_json::Value::String(text(&row, 0)?);
            let holder = serde_json::from_value(code).map_err(|e| StoreError::damaged(e.to_string()))?;
            counts.push((holder, int(&row, 1)?));
        }
        Ok(counts)
    }

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

    /// From sign-up to repeat export.
    pub async fn seller_funnel(&self) -> Result<SellerFunnel, StoreError> {
        let mut conn = self.db().reader().await?;
        let mut numbers = [0; 7];
        for (number, sql) in numbers.iter_mut().zip([
            "SELECT COUNT(*) FROM party WHERE roles LIKE '%|seller|%'",
            "SELECT COUNT(DISTINCT seller) FROM product",
            "SELECT COUNT(DISTINCT seller) FROM product WHERE ready > 0",
            "SELECT COUNT(DISTINCT seller) FROM trade_order WHERE seller IS NOT NULL",
            "SELECT COUNT(DISTINCT seller) FROM trade_order JOIN trade_file USING (id) WHERE seller IS NOT NULL \
             AND stage IN ('export-released', 'import-held', 'import-released', 'delivered', 'settled', 'paid')",
            "SELECT COUNT(DISTINCT seller) FROM trade_order JOIN trade_file USING (id) \
             WHERE seller IS NOT NULL AND stage = 'paid'",
            "SELECT COUNT(*) FROM (SELECT seller FROM trade_order JOIN trade_file USING (id) \
             WHERE seller IS NOT NULL AND stage = 'paid' \
             GROUP BY seller HAVING COUNT(*) > 1) again",
        ]) {
            *number = int(&sqlx::query::<Any>(sql).fetch_one(&mut *conn).await?, 0)?;
        }
        let [signed_up, with_product, with_ready_product, with_order, with_export, paid, paid_again] = numbers;
        Ok(SellerFunnel { signed_up, with_product, with_ready_product, with_order, with_export, paid, paid_again })
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
