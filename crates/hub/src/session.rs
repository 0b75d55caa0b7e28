//! Sessions: who is logged in, known by the hash of a token, until a wall time.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use trade::id::Id;
use trade::party::Party;
use trade::time::WallTime;

use crate::db::{Isolation, StoreError, int, parsed, text};
use crate::hub::Hub;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The hash of the token that the browser holds.
    pub token: String,
    pub party: Id<Party>,
    pub opened: WallTime,
    pub expires: WallTime,
}

impl Hub {
    /// The session of a token, unless it has expired.
    pub async fn session(&self, token: &str, now: WallTime) -> Result<Option<Session>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT token, party, opened, expires FROM session WHERE token = $1 AND expires > $2";
        let query = sqlx::query::<Any>(sql).bind(token.to_owned()).bind(now.micros());
        let Some(row) = query.fetch_optional(&mut *conn).await? else { return Ok(None) };
        Ok(Some(Session {
            token: text(&row, 0)?,
            party: parsed(&row, 1)?,
            opened: WallTime::from_micros(int(&row, 2)?),
            expires: WallTime::from_micros(int(&row, 3)?),
        }))
    }

    /// Opens a session, or prolongs it.
    pub async fn save_session(&self, session: &Session) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        sqlx::query::<Any>(
            "INSERT INTO session (token, party, opened, expires) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (token) DO UPDATE SET expires = excluded.expires WHERE session.party = excluded.party",
        )
        .bind(session.token.clone())
        .bind(session.party.text())
        .bind(session.opened.micros())
        .bind(session.expires.micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Ends one session.
    pub async fn end_session(&self, token: &str) -> Result<(), StoreError> {
        self.forget_sessions("DELETE FROM session WHERE token = $1", token.to_owned()).await.map(drop)
    }

    /// Ends all sessions of a party, as after a change of password.
    pub async fn end_sessions_of(&self, party: Id<Party>) -> Result<u64, StoreError> {
        self.forget_sessions("DELETE FROM session WHERE party = $1", party.text()).await
    }

    /// Clears away what has expired; returns how many.
    pub async fn expire_sessions(&self, now: WallTime) -> Result<u64, StoreError> {
        let sql = "DELETE FROM session WHERE expires <= CAST($1 AS BIGINT)";
        self.forget_sessions(sql, now.micros().to_string()).await
    }

    async fn forget_sessions(&self, sql: &'static str, value: String) -> Result<u64, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let gone = sqlx::query::<Any>(sql).bind(value).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}
