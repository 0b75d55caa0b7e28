//! Requests by the key that their sender gave them (`Idempotency-Key`), each with its answer, so that
//! a request sent again is answered again and not done again.
//!
//! The commands behind a request are idempotent by their nouns; this keeps the answer as well, for
//! whoever did not hear it. An answer is kept sealed by the edge: it may show an API key, or a person.

use std::time::Duration;

use sqlx::Any;
use trade::time::WallTime;

use crate::clock::jitter;
use crate::db::{Isolation, StoreError, bytes, int, text};
use crate::hub::Hub;

/// Which request: whose, under which key, and the hash of all that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The party that sends, or that nobody has signed in.
    pub caller: String,
    /// The hash of the key.
    pub key: String,
    pub request: String,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// To be done. It was first sent at this time; it may have been begun before, by a process that
    /// died over it.
    Do { first: WallTime },
    /// Done: the answer as it was kept.
    Done(Vec<u8>),
    /// Being done.
    Doing,
    /// The key stands for another request.
    Other,
}

/// A request is answered long before; after it, who was doing it counts as dead.
const DONE_WITHIN_SECONDS: i64 = 60;
/// Two that claim one key at once, on two nodes: the store refuses one of them.
const TRIES: u32 = 8;

impl Hub {
    /// Takes a request for this process to do, or says how it stands. Keys from before `kept_since`
    /// are forgotten.
    pub async fn claim(&self, keyed: &Keyed, now: WallTime, kept_since: WallTime) -> Result<Claim, StoreError> {
        let mut tried = 0;
        loop {
            match self.claim_once(keyed, now, kept_since).await {
                Err(StoreError::StoreConflict | StoreError::StoreDuplicate { .. }) if tried < TRIES => {
                    tried += 1;
                    tokio::time::sleep(jitter(Duration::from_millis(2 << tried))).await;
                }
                other => return other,
            }
        }
    }

    async fn claim_once(&self, keyed: &Keyed, now: WallTime, kept_since: WallTime) -> Result<Claim, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Serializable).await?;
        sqlx::query::<Any>("DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND first < $3")
            .bind(keyed.caller.clone())
            .bind(keyed.key.clone())
            .bind(kept_since.micros())
            .execute(&mut *tx)
            .await?;
        let sql = "SELECT request, first, claimed, answer FROM idempotency WHERE caller = $1 AND key = $2";
        let query = sqlx::query::<Any>(sql).bind(keyed.caller.clone()).bind(keyed.key.clone());
        let claim = match query.fetch_optional(&mut *tx).await? {
            None => Claim::Do { first: now },
            Some(row) if text(&row, 0)? != keyed.request => Claim::Other,
            Some(row) => {
                let (first, claimed, answer) = (int(&row, 1)?, int(&row, 2)?, bytes(&row, 3)?);
                if !answer.is_empty() {
                    Claim::Done(answer.to_vec())
                } else if now > WallTime::from_micros(claimed).plus_seconds(DONE_WITHIN_SECONDS) {
                    Claim::Do { first: WallTime::from_micros(first) }
                } else {
                    Claim::Doing
                }
            }
        };
        if let Claim::Do { first } = claim {
            sqlx::query::<Any>(
                "INSERT INTO idempotency (caller, key, request, first, claimed, answer) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (caller, key) DO UPDATE SET claimed = excluded.claimed",
            )
            .bind(keyed.caller.clone())
            .bind(keyed.key.clone())
            .bind(keyed.request.clone())
            .bind(first.micros())
            .bind(now.micros())
            .bind(Vec::<u8>::new())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(claim)
    }

    /// Keeps the answer of a request that this process did. The first answer stays.
    pub async fn keep_answer(&self, keyed: &Keyed, answer: &[u8]) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let sql = "UPDATE idempotency SET answer = $3 WHERE caller = $1 AND key = $2 AND length(answer) = 0";
        sqlx::query::<Any>(sql)
            .bind(keyed.caller.clone())
            .bind(keyed.key.clone())
            .bind(answer.to_vec())
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    /// Lets go of a request that came to nothing, so that it may be sent again.
    pub async fn let_go(&self, keyed: &Keyed) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let sql = "DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND length(answer) = 0";
        sqlx::query::<Any>(sql).bind(keyed.caller.clone()).bind(keyed.key.clone()).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Clears away what is from before `kept_since`; returns how many.
    pub async fn forget_keys(&self, kept_since: WallTime) -> Result<u64, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let sql = "DELETE FROM idempotency WHERE first < $1";
        let gone = sqlx::query::<Any>(sql).bind(kept_since.micros()).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}
