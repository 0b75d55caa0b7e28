//! Who looked at which trade or personal values, and when. A digest of each day's looks is an event.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use tokio::sync::oneshot;
use trade::access_log::{AccessDigest, DigestAccess};
use trade::event::Happened;
use trade::id::Id;
use trade::log::Hash;
use trade::party::Party;
use trade::time::WallTime;
use trade::world::{Changes, World};

use crate::clock::{self, jitter};
use crate::db::{Isolation, StoreError, int, parsed, text};
use crate::event::{column, count, logged};
use crate::hub::Hub;
use crate::page::{PAGE_MAX, clamp};
use crate::rows::{Rows, Statement};

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

/// Whether the looks that are stored are those that the log's digests mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessAudit {
    pub digests: u64,
    /// Looks that they cover, and looks after these.
    pub covered: u64,
    pub open: u64,
    /// Days whose looks are not those that were digested, or do not follow those before.
    pub differ: BTreeSet<String>,
}

impl AccessAudit {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.differ.is_empty()
    }
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

async fn last_digest(conn: &mut AnyConnection) -> Result<Option<AccessDigest>, StoreError> {
    let sql = "SELECT day, first, looks, sha256 FROM access_digest ORDER BY day DESC LIMIT 1";
    let Some(row) = sqlx::query::<Any>(sql).fetch_optional(conn).await? else { return Ok(None) };
    let sha256 = text(&row, 3)?;
    Ok(Some(AccessDigest {
        day: parsed(&row, 0)?,
        first: count(int(&row, 1)?)?,
        looks: count(int(&row, 2)?)?,
        sha256: Hash::from_hex(&sha256).ok_or_else(|| StoreError::damaged(sha256))?,
    }))
}

pub(crate) async fn load(conn: &mut AnyConnection, wanted: bool, world: &mut World) -> Result<(), StoreError> {
    if wanted {
        let last = last_digest(conn).await?;
        world.last_digest.load((), last);
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    if let Some(digest) = &changes.last_digest {
        rows.row().shown(&digest.day).int(column(digest.first)).int(column(digest.looks)).text(&digest.sha256.hex());
    }
    rows.into_statement(
        "INSERT INTO access_digest (day, first, looks, sha256) \
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), value ->> 3 FROM {rows}",
    )
}

/// One hash over those of the looks `first..next`; `None` if one of them is not there.
async fn hash_of(conn: &mut AnyConnection, first: u64, next: u64) -> Result<Option<Hash>, StoreError> {
    let sql = "SELECT n, at, who, what, subject, reason FROM access_log WHERE n >= $1 AND n < $2 ORDER BY n LIMIT $3";
    let (mut expected, last) = (column(first), column(next));
    let mut hashes = Vec::new();
    while expected < last {
        let query = sqlx::query::<Any>(sql).bind(expected).bind(last).bind(PAGE_MAX);
        let rows = query.fetch_all(&mut *conn).await?;
        for row in &rows {
            let look = look_row(row)?;
            if look.n != expected {
                return Ok(None);
            }
            expected += 1;
            let line = serde_json::to_vec(&look).map_err(|e| StoreError::damaged(e.to_string()))?;
            // One hash a look, so that a day of millions stays small in memory.
            hashes.extend_from_slice(Hash::of(&line).as_bytes());
        }
        if rows.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(Hash::of(&hashes)))
}

/// Two nodes that write at once want the same number; so often it is tried again.
const TRIES: u32 = 8;

/// Looks that wait for the transaction before theirs: one then writes all of them.
#[derive(Default)]
pub(crate) struct Waiting {
    looks: Mutex<Vec<(Look, Noted)>>,
    /// Held by whoever writes.
    turn: tokio::sync::Mutex<()>,
}

/// Where the number of a look is told.
type Noted = oneshot::Sender<Result<i64, StoreError>>;

impl Waiting {
    /// Puts a look at the end; whether it is the first, whose part it is to have them written.
    fn join(&self, look: Look, noted: Noted) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push((look, noted));
        looks.len() == 1
    }

    fn take(&self) -> Vec<(Look, Noted)> {
        mem::take(&mut *self.looks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Hub {
    /// Writes down a look, before what was looked at is shown. Looks that come while others are being
    /// written share one transaction, which is on disk before any of them is told its number.
    pub async fn log_access(&self, look: &Look) -> Result<i64, StoreError> {
        let (noted, number) = oneshot::channel();
        if self.looks().join(look.clone(), noted) {
            let hub = self.clone();
            // On its own: one who stops waiting for an answer does not stop those who wait with it.
            tokio::spawn(async move { hub.write_looks().await });
        }
        number.await.map_err(|_| StoreError::StoreLost { detail: "closed".to_owned() })?
    }

    async fn write_looks(&self) {
        let _turn = self.looks().turn.lock().await;
        let (looks, noted): (Vec<Look>, Vec<Noted>) = self.looks().take().into_iter().unzip();
        let mut tried = 0;
        let first = loop {
            match self.log_accesses(&looks).await {
                Err(StoreError::StoreConflict | StoreError::StoreDuplicate { .. }) if tried < TRIES => {
                    tried += 1;
                    tokio::time::sleep(jitter(Duration::from_millis(2 << tried))).await;
                }
                other => break other,
            }
        };
        for (place, noted) in (0..).zip(noted) {
            // Who is gone wants no number; the look stays.
            let _ = noted.send(first.clone().map(|first| first + place));
        }
    }

    /// Writes looks under the next numbers; answers the first. A look's day is that of business time,
    /// since digests follow business days; beside it stands the true time.
    async fn log_accesses(&self, looks: &[Look]) -> Result<i64, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let clock = clock::load(&mut tx, self.site().mode).await?;
        let row = sqlx::query::<Any>("SELECT COALESCE(MAX(n), 0) + 1 FROM access_log").fetch_one(&mut *tx).await?;
        let first = int(&row, 0)?;
        let mut rows = Rows::new();
        for (n, look) in (first..).zip(looks) {
            let day = self.site().date(clock.at(look.at));
            rows.row().int(n).shown(&day).int(look.at.micros()).text(&look.who.text());
            rows.text(&look.what).text(&look.subject).text(&look.reason);
        }
        let insert = rows.into_statement(
            "INSERT INTO access_log (n, day, at, who, what, subject, reason) \
             SELECT CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4, \
             value ->> 5, value ->> 6 FROM {rows}",
        );
        insert.run(self.db(), &mut tx).await?;
        tx.commit().await?;
        Ok(first)
    }

    /// Who looked at a trade or a person, the newest first.
    pub async fn looks_at(&self, subject: &str, limit: i64) -> Result<Vec<LoggedLook>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql =
            "SELECT n, at, who, what, subject, reason FROM access_log WHERE subject = $1 ORDER BY n DESC LIMIT $2";
        let rows = sqlx::query::<Any>(sql).bind(subject.to_owned()).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(look_row).collect()
    }

    /// The digest that has become due: once a day, of all looks that have none yet, up to the last
    /// one of the day that has just ended. `None` on a day before which nobody looked.
    ///
    /// It goes by numbers, not by days: a look that was on its way when its day ended has a later
    /// number and is in the next digest.
    pub async fn access_digest_due(&self) -> Result<Option<DigestAccess>, StoreError> {
        let today = self.site().date(self.business_now().await?);
        let Ok(day) = today.yesterday() else { return Ok(None) };
        let mut conn = self.db().reader().await?;
        let last = last_digest(&mut conn).await?;
        if last.as_ref().is_some_and(|last| last.day >= day) {
            return Ok(None);
        }
        let first = last.as_ref().map_or(1, AccessDigest::next);
        let sql = "SELECT n FROM access_log WHERE day <= $1 ORDER BY day DESC, n DESC LIMIT 1";
        let row = sqlx::query::<Any>(sql).bind(day.to_string()).fetch_optional(&mut *conn).await?;
        let next = match row {
            Some(row) => count(int(&row, 0)?)? + 1,
            None => return Ok(None),
        };
        if next <= first {
            return Ok(None);
        }
        let sha256 = hash_of(&mut conn, first, next).await?;
        let sha256 = sha256.ok_or_else(|| StoreError::damaged(format!("looks {first} to {}", next - 1)))?;
        Ok(Some(DigestAccess { digest: AccessDigest { day, first, looks: next - first, sha256 } }))
    }

    /// Holds the looks that are stored against every digest in the log, from the first on.
    pub async fn audit_access(&self) -> Result<AccessAudit, StoreError> {
        let mut conn = self.db().reader().await?;
        let mut snapshot = self.db().snapshot(&mut conn).await?;
        let mut audit = AccessAudit::default();
        let mut next = 1;
        let sql = "SELECT leaf FROM event WHERE kind = 'access-digest' ORDER BY n";
        for row in sqlx::query::<Any>(sql).fetch_all(&mut *snapshot).await? {
            let Happened::AccessDigest { day, first, looks, sha256 } = logged(&row)?.event.what else { continue };
            let after = first.saturating_add(looks);
            let found = hash_of(&mut snapshot, first, after).await?;
            if first != next || found != Hash::from_hex(&sha256) || found.is_none() {
                audit.differ.insert(day);
            }
            audit.digests += 1;
            next = after;
        }
        audit.covered = next - 1;
        let sql = "SELECT COUNT(*) FROM access_log WHERE n >= $1";
        let open = sqlx::query::<Any>(sql).bind(column(next)).fetch_one(&mut *snapshot).await?;
        audit.open = count(int(&open, 0)?)?;
        Ok(audit)
    }
}
