//! Permits: asked for, granted, drawn down.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::id::Id;
use trade::party::Party;
use trade::permit::{Permit, PermitState};
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int};
use crate::hub::Hub;
use crate::page::{Page, clamp, place};
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<Id<Permit>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM permit WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let permit: Permit = body(&row, 0)?;
        world.permits.load(permit.id, Some(permit));
    }
    for id in ids {
        if !world.permits.knows(id) {
            world.permits.load(*id, None);
        }
    }
    Ok(())
}

/// What a permit is stored as, beside its body: whether it lies before the agency, with the asker,
/// can be drawn from, or is over.
const fn column(state: &PermitState) -> &'static str {
    match state {
        PermitState::Asked { .. } => "asked",
        PermitState::Questioned { .. } => "questioned",
        PermitState::Granted { .. } => "granted",
        PermitState::Refused { .. } => "refused",
        PermitState::Revoked { .. } => "revoked",
    }
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, permit) in &changes.permits {
        let (_, _, deadline) = permit.ball();
        rows.row()
            .shown(id)
            .shown(&permit.holder)
            .text(column(&permit.state))
            .int_or_null(deadline.map(trade::time::BusinessTime::micros))
            .text(permit.hs.hs6())
            .json(&**permit);
    }
    rows.into_statement(
        "INSERT INTO permit (id, holder, state, deadline, hs6, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), value ->> 4, \
         substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, deadline = excluded.deadline, body = excluded.body",
    )
}

impl Hub {
    pub async fn permit(&self, id: Id<Permit>) -> Result<Option<Permit>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM permit WHERE id = $1").bind(id.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// A party's permits, the newest first.
    pub async fn permits_of(
        &self,
        holder: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Permit>, StoreError> {
        let sql = "SELECT body FROM permit WHERE holder = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let query = sqlx::query::<Any>(sql).bind(holder.text()).bind(after.unwrap_or("~").to_owned());
        let read = |row: &AnyRow| body::<Permit>(row, 0).map(|p| (p.id, p));
        self.page_of(query, limit, read, ToString::to_string).await
    }

    /// What of a party's is granted, those that were granted first: what is used up or has run out is
    /// the caller's to leave out.
    pub async fn permits_granted(&self, holder: Id<Party>, limit: i64) -> Result<Vec<Permit>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT body FROM permit WHERE holder = $1 AND state = 'granted' ORDER BY id LIMIT $2";
        let query = sqlx::query::<Any>(sql).bind(holder.text()).bind(clamp(limit));
        query.fetch_all(&mut *conn).await?.iter().map(|row| body(row, 0)).collect()
    }

    /// What lies before the agency, the nearest deadline first.
    pub async fn permits_asked(&self, after: Option<&str>, limit: i64) -> Result<Page<Permit>, StoreError> {
        let (deadline, id) = place(after, i64::MIN);
        let sql = "SELECT deadline, body FROM permit WHERE state = 'asked' AND deadline IS NOT NULL \
                   AND (deadline, id) > ($1, $2) ORDER BY deadline, id LIMIT $3";
        let query = sqlx::query::<Any>(sql).bind(deadline).bind(id.to_owned());
        let read = |row: &AnyRow| {
            let permit: Permit = body(row, 1)?;
            Ok(((int(row, 0)?, permit.id), permit))
        };
        self.page_of(query, limit, read, |(deadline, id)| format!("{deadline}/{id}")).await
    }

    /// All others, the newest first, as the agency keeps them.
    pub async fn permits_kept(&self, after: Option<&str>, limit: i64) -> Result<Page<Permit>, StoreError> {
        let sql = "SELECT body FROM permit WHERE state <> 'asked' AND id < $1 ORDER BY id DESC LIMIT $2";
        let query = sqlx::query::<Any>(sql).bind(after.unwrap_or("~").to_owned());
        let read = |row: &AnyRow| body::<Permit>(row, 0).map(|p| (p.id, p));
        self.page_of(query, limit, read, ToString::to_string).await
    }
}
