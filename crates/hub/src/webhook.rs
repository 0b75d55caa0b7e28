//! Webhooks: where a party wants to be told what happens, how far in the log it has been told, and what
//! its answers were. What is sent, and whether a party may see it, is the edge's; here it is kept.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::id::{Id, Noun};
use trade::party::Party;
use trade::time::WallTime;

use crate::db::{Isolation, StoreError, int, int_or_null, parsed, text};
use crate::event::{column, count};
use crate::hub::Hub;
use crate::page::Page;
use crate::rows::Rows;

/// One address that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub id: Id<Self>,
    pub party: Id<Party>,
    pub url: String,
    /// Kinds of events that are told; none means all that the party may see.
    pub kinds: Vec<String>,
    pub made: WallTime,
    /// How often the secret has been changed, and when it was last.
    pub generation: u32,
    pub rotated: Option<WallTime>,
    /// Place in the log up to which it has been looked for something to tell.
    pub cursor: u64,
    /// Since when nothing has been taken.
    pub failing_since: Option<WallTime>,
    pub stopped: Option<Stopped>,
}

impl Noun for Webhook {
    const PREFIX: &'static str = "whk";
}

/// Why nothing is sent any more, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub at: WallTime,
    pub why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It took nothing for too long.
    Failing,
    /// It answered that it is gone for good (410).
    Gone,
    /// Its party stopped it.
    Party,
}

impl Why {
    pub const ALL: [Self; 3] = [Self::Failing, Self::Gone, Self::Party];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Gone => "gone",
            Self::Party => "party",
        }
    }
}

impl std::str::FromStr for Why {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|why| why.code() == text).ok_or(())
    }
}

/// One event for one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event's place in the log.
    pub n: u64,
    pub kind: String,
    pub tries: u32,
    /// When it is sent next; nothing once it was taken or given up.
    pub due: Option<WallTime>,
    /// The last try: when, and what was answered.
    pub tried: Option<WallTime>,
    pub answer: Option<Answered>,
}

/// What a target answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// 0 if there was no answer over HTTP.
    pub status: u16,
    /// Why there was none: `timeout`, `unreachable`, `not-allowed`.
    pub fault: Option<String>,
    pub millis: u32,
}

impl Answered {
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// What comes of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub at: WallTime,
    pub answer: Answered,
    /// When it is tried again, if at all.
    pub again: Option<WallTime>,
    /// Why the address gets nothing any more, if so.
    pub stop: Option<Why>,
}

const WEBHOOK: &str =
    "SELECT id, party, url, kinds, made, generation, rotated, cursor, failing_since, stopped, why FROM webhook";
const DELIVERY: &str = "SELECT n, kind, tries, due, tried, status, fault, millis FROM webhook_delivery";

fn webhook_row(row: &AnyRow) -> Result<Webhook, StoreError> {
    let wall = |n| Ok::<_, StoreError>(int_or_null(row, n)?.map(WallTime::from_micros));
    let stopped = match wall(9)? {
        Some(at) => Some(Stopped { at, why: parsed(row, 10)? }),
        None => None,
    };
    Ok(Webhook {
        id: parsed(row, 0)?,
        party: parsed(row, 1)?,
        url: text(row, 2)?,
        kinds: text(row, 3)?.split_whitespace().map(str::to_owned).collect(),
        made: WallTime::from_micros(int(row, 4)?),
        generation: small(int(row, 5)?)?,
        rotated: wall(6)?,
        cursor: count(int(row, 7)?)?,
        failing_since: wall(8)?,
        stopped,
    })
}

fn delivery_row(row: &AnyRow) -> Result<Delivery, StoreError> {
    let wall = |n| Ok::<_, StoreError>(int_or_null(row, n)?.map(WallTime::from_micros));
    let tried = wall(4)?;
    let answer = match tried {
        Some(_) => {
            let status = u16::try_from(int(row, 5)?).map_err(|_| StoreError::damaged("a status"))?;
            let fault = Some(text(row, 6)?).filter(|fault| !fault.is_empty());
            Some(Answered { status, fault, millis: small(int(row, 7)?)? })
        }
        None => None,
    };
    Ok(Delivery {
        n: count(int(row, 0)?)?,
        kind: text(row, 1)?,
        tries: small(int(row, 2)?)?,
        due: wall(3)?,
        tried,
        answer,
    })
}

fn small(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::damaged("a small number"))
}

impl Hub {
    /// Keeps a new address. `false` if it stands already, or its party has `most` of them.
    pub async fn save_webhook(&self, webhook: &Webhook, most: i64) -> Result<bool, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Serializable).await?;
        let row = sqlx::query::<Any>("SELECT COUNT(*) FROM webhook WHERE party = $1")
            .bind(webhook.party.text())
            .fetch_one(&mut *tx)
            .await?;
        if int(&row, 0)? >= most {
            return Ok(false);
        }
        let saved = sqlx::query::<Any>(
            "INSERT INTO webhook (id, party, url, kinds, made, generation, cursor) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(webhook.id.text())
        .bind(webhook.party.text())
        .bind(webhook.url.clone())
        .bind(webhook.kinds.join(" "))
        .bind(webhook.made.micros())
        .bind(i64::from(webhook.generation))
        .bind(column(webhook.cursor))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(saved.rows_affected() == 1)
    }

    /// One of a party's; another's is not there for it.
    pub async fn webhook(&self, party: Id<Party>, id: Id<Webhook>) -> Result<Option<Webhook>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = sqlx::AssertSqlSafe(format!("{WEBHOOK} WHERE party = $1 AND id = $2"));
        let row = sqlx::query::<Any>(sql).bind(party.text()).bind(id.text()).fetch_optional(&mut *conn).await?;
        row.map(|row| webhook_row(&row)).transpose()
    }

    /// A party's, in the order in which they were made.
    pub async fn webhooks_of(
        &self,
        party: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Webhook>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{WEBHOOK} WHERE party = $1 AND id > $2 ORDER BY id LIMIT $3"));
        let query = sqlx::query::<Any>(sql).bind(party.text()).bind(after.unwrap_or_default().to_owned());
        let read = |row: &AnyRow| webhook_row(row).map(|w| (w.id, w));
        self.page_of(query, limit, read, |id| id.text()).await
    }

    /// All that are told, of every party.
    pub async fn open_webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = sqlx::AssertSqlSafe(format!("{WEBHOOK} WHERE stopped IS NULL ORDER BY id"));
        sqlx::query::<Any>(sql).fetch_all(&mut *conn).await?.iter().map(webhook_row).collect()
    }

    /// Counts the secret on, from the generation that was seen; `false` if somebody was quicker.
    pub async fn rotate_webhook(&self, webhook: &Webhook, now: WallTime) -> Result<bool, StoreError> {
        let sql = "UPDATE webhook SET generation = generation + 1, rotated = $1 WHERE id = $2 AND generation = $3";
        self.change_webhook(sql, now.micros(), webhook.id, i64::from(webhook.generation)).await
    }

    /// Goes back, or on, to a place in the log: what has been told from there is told again.
    pub async fn replay_webhook(&self, webhook: &Webhook, from: u64) -> Result<bool, StoreError> {
        let sql = "UPDATE webhook SET cursor = $1 WHERE id = $2 AND generation = $3";
        self.change_webhook(sql, column(from), webhook.id, i64::from(webhook.generation)).await
    }

    /// Stops telling, or goes on.
    pub async fn stop_webhook(&self, id: Id<Webhook>, stopped: Option<Stopped>) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        sqlx::query::<Any>("UPDATE webhook SET stopped = $2, why = $3, failing_since = NULL WHERE id = $1")
            .bind(id.text())
            .bind(stopped.map(|s| s.at.micros()))
            .bind(stopped.map(|s| s.why.code().to_owned()))
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    async fn change_webhook(
        &self,
        sql: &'static str,
        to: i64,
        id: Id<Webhook>,
        generation: i64,
    ) -> Result<bool, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let query = sqlx::query::<Any>(sql).bind(to).bind(id.text()).bind(generation);
        let changed = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// Forgets an address and all that was sent to it.
    pub async fn remove_webhook(&self, id: Id<Webhook>) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        for sql in ["DELETE FROM webhook_delivery WHERE webhook = $1", "DELETE FROM webhook WHERE id = $1"] {
            sqlx::query::<Any>(sql).bind(id.text()).execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// Notes what is to be told, and that the log has been looked through up to `to`. `false` if the
    /// address is elsewhere in the log by now: then nothing is noted.
    pub async fn queue_deliveries(
        &self,
        webhook: &Webhook,
        told: &[(u64, String)],
        to: u64,
        now: WallTime,
    ) -> Result<bool, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let moved = sqlx::query::<Any>("UPDATE webhook SET cursor = $1 WHERE id = $2 AND cursor = $3")
            .bind(column(to))
            .bind(webhook.id.text())
            .bind(column(webhook.cursor))
            .execute(&mut *tx)
            .await?;
        if moved.rows_affected() != 1 {
            return Ok(false);
        }
        let mut rows = Rows::new();
        for (n, kind) in told {
            rows.row().text(&webhook.id.text()).int(column(*n)).text(kind).int(now.micros());
        }
        // What has been told before is told again, as if for the first time.
        rows.into_statement(
            "INSERT INTO webhook_delivery (webhook, n, kind, tries, due, status, fault, millis) \
             SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2, 0, CAST(value ->> 3 AS BIGINT), 0, '', 0 \
             FROM {rows} WHERE TRUE \
             ON CONFLICT (webhook, n) DO UPDATE SET tries = 0, due = excluded.due",
        )
        .run(self.db(), &mut tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What is to be sent now, in the order of the log.
    pub async fn due_deliveries(
        &self,
        webhook: Id<Webhook>,
        now: WallTime,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = format!("{DELIVERY} WHERE webhook = $1 AND due IS NOT NULL AND due <= $2 ORDER BY n LIMIT $3");
        let query = sqlx::query::<Any>(sqlx::AssertSqlSafe(sql)).bind(webhook.text()).bind(now.micros());
        query.bind(limit).fetch_all(&mut *conn).await?.iter().map(delivery_row).collect()
    }

    /// Keeps what came of a try, for the delivery and for its address.
    pub async fn note_try(&self, webhook: Id<Webhook>, n: u64, tried: &Tried) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        sqlx::query::<Any>(
            "UPDATE webhook_delivery SET tries = tries + 1, due = $3, tried = $4, status = $5, fault = $6, millis = $7 \
             WHERE webhook = $1 AND n = $2",
        )
        .bind(webhook.text())
        .bind(column(n))
        .bind(tried.again.map(WallTime::micros))
        .bind(tried.at.micros())
        .bind(i64::from(tried.answer.status))
        .bind(tried.answer.fault.clone().unwrap_or_default())
        .bind(i64::from(tried.answer.millis))
        .execute(&mut *tx)
        .await?;
        let state = if tried.answer.is_taken() {
            "UPDATE webhook SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL"
        } else {
            "UPDATE webhook SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL"
        };
        let mut query = sqlx::query::<Any>(state).bind(webhook.text());
        if !tried.answer.is_taken() {
            query = query.bind(tried.at.micros());
        }
        query.execute(&mut *tx).await?;
        if let Some(why) = tried.stop {
            sqlx::query::<Any>("UPDATE webhook SET stopped = $2, why = $3 WHERE id = $1 AND stopped IS NULL")
                .bind(webhook.text())
                .bind(tried.at.micros())
                .bind(why.code())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await
    }

    /// Does not send what its party may no longer see.
    pub async fn drop_delivery(&self, webhook: Id<Webhook>, n: u64) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let sql = "DELETE FROM webhook_delivery WHERE webhook = $1 AND n = $2";
        sqlx::query::<Any>(sql).bind(webhook.text()).bind(column(n)).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// What was sent and is to be sent, the newest event first.
    pub async fn deliveries_of(
        &self,
        webhook: Id<Webhook>,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Page<Delivery>, StoreError> {
        let before = before.and_then(|b| b.parse().ok()).unwrap_or(i64::MAX);
        let sql = sqlx::AssertSqlSafe(format!("{DELIVERY} WHERE webhook = $1 AND n < $2 ORDER BY n DESC LIMIT $3"));
        let query = sqlx::query::<Any>(sql).bind(webhook.text()).bind(before);
        let read = |row: &AnyRow| delivery_row(row).map(|d| (d.n, d));
        self.page_of(query, limit, read, ToString::to_string).await
    }

    /// Clears away what was taken or given up before `before`; returns how many.
    pub async fn forget_deliveries(&self, before: WallTime) -> Result<u64, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let sql = "DELETE FROM webhook_delivery WHERE due IS NULL AND tried < $1";
        let gone = sqlx::query::<Any>(sql).bind(before.micros()).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}
