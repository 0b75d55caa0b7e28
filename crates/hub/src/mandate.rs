//! Mandates that parties gave to brokers.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::id::Id;
use trade::mandate::{Mandate, MandateState};
use trade::party::Party;
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int};
use crate::hub::Hub;
use crate::page::{Page, place};
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<Id<Mandate>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM mandate WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let mandate: Mandate = body(&row, 0)?;
        world.mandates.load(mandate.id, Some(mandate));
    }
    for id in ids {
        if !world.mandates.knows(id) {
            world.mandates.load(*id, None);
        }
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, mandate) in &changes.mandates {
        let is_open = matches!(mandate.state, MandateState::Offered | MandateState::Accepted { .. });
        rows.row()
            .shown(id)
            .shown(&mandate.giver)
            .shown(&mandate.broker)
            .int(i64::from(is_open))
            .int(mandate.until.micros())
            .json(&**mandate);
    }
    rows.into_statement(
        "INSERT INTO mandate (id, giver, broker, is_open, until, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), \
         substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body",
    )
}

impl Hub {
    pub async fn mandate(&self, id: Id<Mandate>) -> Result<Option<Mandate>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM mandate WHERE id = $1").bind(id.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// Mandates that a party gave, those that are open first, of them the newest.
    pub async fn mandates_given(
        &self,
        giver: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Mandate>, StoreError> {
        let sql = "SELECT is_open, body FROM mandate WHERE giver = $1 AND (is_open, id) < ($2, $3) \
                   ORDER BY is_open DESC, id DESC LIMIT $4";
        self.mandates(sql, giver, after, limit).await
    }

    /// Mandates that a broker was given, in the same order.
    pub async fn mandates_held(
        &self,
        broker: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Mandate>, StoreError> {
        let sql = "SELECT is_open, body FROM mandate WHERE broker = $1 AND (is_open, id) < ($2, $3) \
                   ORDER BY is_open DESC, id DESC LIMIT $4";
        self.mandates(sql, broker, after, limit).await
    }

    /// Mandates that a party gave or was given, in the same order.
    pub async fn mandates_of(
        &self,
        party: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Mandate>, StoreError> {
        let sql = "SELECT is_open, body FROM mandate WHERE (giver = $1 OR broker = $1) AND (is_open, id) < ($2, $3) \
                   ORDER BY is_open DESC, id DESC LIMIT $4";
        self.mandates(sql, party, after, limit).await
    }

    /// Those between two parties that were neither declined nor ended, the newest first.
    pub async fn mandates_between(&self, giver: Id<Party>, broker: Id<Party>) -> Result<Vec<Mandate>, StoreError> {
        let sql = "SELECT body FROM mandate WHERE giver = $1 AND broker = $2 AND is_open = 1 ORDER BY id DESC LIMIT 50";
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(sql).bind(giver.text()).bind(broker.text());
        query.fetch_all(&mut *conn).await?.iter().map(|row| body(row, 0)).collect()
    }

    async fn mandates(
        &self,
        sql: &'static str,
        party: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Mandate>, StoreError> {
        let (is_open, id) = place(after, i64::MAX);
        let query = sqlx::query::<Any>(sql).bind(party.text()).bind(is_open).bind(id.to_owned());
        let read = |row: &AnyRow| {
            let mandate: Mandate = body(row, 1)?;
            Ok(((int(row, 0)?, mandate.id), mandate))
        };
        self.page_of(query, limit, read, |(is_open, id)| format!("{is_open}/{id}")).await
    }
}
