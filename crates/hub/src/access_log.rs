//! Who looked at which trade or personal values, and when. Its daily digest is an event.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::id::Id;
use trade::log::Hash;
use trade::party::Party;
use trade::time::WallTime;

use crate::clock::jitter;
use crate::db::{Isolation, StoreError, int, parsed, text};
use crate::hub::Hub;
use crate::page::clamp;

/// One look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub at: WallTime,
    pub who: Id<Party>,
    /// What was looked at: `trade`, `personal`, `bundle` …
    pub what: String,
    /// The id of the trade or of the party.
    pub subject: String,
    /// Why, where the law asks for a reason.
    pub reason: String,
}

/// A look with its number, from 1 without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedLook {
    pub n: i64,
    pub look: Look,
}

/// All looks of one day in one hash: SHA-256 over their lines, in order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayDigest {
    /// UTC, `2026-11-23`.
    pub day: String,
    pub looks: u64,
    pub sha256: Hash,
}

/// The day of wall time, in UTC.
#[must_use]
pub fn day_of(at: WallTime) -> String {
    at.to_string().chars().take(10).collect()
}

fn look_row(row: &AnyRow) -> Result<LoggedLook, StoreError> {
    let look = Look {
        at: WallTime::from_micros(int(row, 1)?),
        who: parsed(row, 2)?,
        what: text(row, 3)?,
        subject: text(row, 4)?,
        reason: text(row, 5)?,
    };
    Ok(LoggedLook { n: int(row, 0)?, look })
}

/// Two that look at once want the same number; so often it is tried again.
const TRIES: u32 = 8;

impl Hub {
    /// Writes down a look, before what was looked at is shown.
    pub async fn log_access(&self, look: &Look) -> Result<i64, StoreError> {
        let mut tried = 0;
        loop {
            match self.log_access_once(look).await {
                Err(StoreError::StoreConflict | StoreError::StoreDuplicate { .. }) if tried < TRIES => {
                    tried += 1;
                    tokio::time::sleep(jitter(Duration::from_millis(2 << tried))).await;
                }
                other => return other,
            }
        }
    }

    async fn log_access_once(&self, look: &Look) -> Result<i64, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let row = sqlx::query::<Any>("SELECT COALESCE(MAX(n), 0) + 1 FROM access_log").fetch_one(&mut *tx).await?;
        let n = int(&row, 0)?;
        sqlx::query::<Any>(
            "INSERT INTO access_log (n, day, at, who, what, subject, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(n)
        .bind(day_of(look.at))
        .bind(look.at.micros())
        .bind(look.who.text())
        .bind(look.what.clone())
        .bind(look.subject.clone())
        .bind(look.reason.clone())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(n)
    }

    /// Who looked at a trade or a person, the newest first.
    pub async fn looks_at(&self, subject: &str, limit: i64) -> Result<Vec<LoggedLook>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql =
            "SELECT n, at, who, what, subject, reason FROM access_log WHERE subject = $1 ORDER BY n DESC LIMIT $2";
        let rows = sqlx::query::<Any>(sql).bind(subject.to_owned()).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(look_row).collect()
    }

    /// The digest of a day that is over.
    pub async fn access_digest(&self, day: &str) -> Result<DayDigest, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql =
            "SELECT n, at, who, what, subject, reason FROM access_log WHERE day = $1 AND n > $2 ORDER BY n LIMIT $3";
        let (mut looks, mut after, mut lines) = (0, 0, Vec::new());
        loop {
            let query = sqlx::query::<Any>(sql).bind(day.to_owned()).bind(after).bind(clamp(i64::MAX));
            let rows = query.fetch_all(&mut *conn).await?;
            let Some(last) = rows.last() else { break };
            after = int(last, 0)?;
            for row in &rows {
                // One hash a line, so that a day of millions stays small in memory.
                let line = serde_json::to_vec(&look_row(row)?).map_err(|e| StoreError::damaged(e.to_string()))?;
                lines.extend_from_slice(Hash::of(&line).as_bytes());
                looks += 1;
            }
        }
        Ok(DayDigest { day: day.to_owned(), looks, sha256: Hash::of(&lines) })
    }
}
