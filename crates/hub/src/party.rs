//! Parties, and apart from them all that is kept of a person.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::id::Id;
use trade::party::{Party, Personal, Role};
use trade::time::BusinessTime;
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, parsed};
use crate::hub::Hub;
use crate::page::{Page, clamp};
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<Id<Party>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM party WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let party: Party = body(&row, 0)?;
        world.parties.load(party.id, Some(party));
    }
    for id in ids {
        if !world.parties.knows(id) {
            world.parties.load(*id, None);
        }
    }
    Ok(())
}

pub(crate) async fn load_personal(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<Id<Party>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM personal WHERE party IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let personal: Personal = body(&row, 0)?;
        world.personals.load(personal.party, Some(personal));
    }
    for id in ids {
        if !world.personals.knows(id) {
            world.personals.load(*id, None);
        }
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, party) in &changes.parties {
        // `|seller|buyer|`, so that one role is found by its bars.
        let roles = party.roles.iter().fold(String::from("|"), |all, role| all + role.code() + "|");
        rows.row().shown(id).text(&roles).shown(&party.country).int(party.since.micros()).json(party);
    }
    rows.into_statement(
        "INSERT INTO party (id, roles, country, since, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), \
         substr($2, CAST(value ->> 4 AS INTEGER), CAST(value ->> 5 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET roles = excluded.roles, country = excluded.country, body = excluded.body",
    )
}

pub(crate) fn personal_changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, personal) in &changes.personals {
        let until = personal.fields.values().map(|v| v.keep_until.micros()).max();
        rows.row().shown(id).int_or_null(until).json(personal);
    }
    rows.into_statement(
        "INSERT INTO personal (party, keep_until, body) \
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), \
         substr($2, CAST(value ->> 2 AS INTEGER), CAST(value ->> 3 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (party) DO UPDATE SET keep_until = excluded.keep_until, body = excluded.body",
    )
}

impl Hub {
    pub async fn party(&self, id: Id<Party>) -> Result<Option<Party>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM party WHERE id = $1").bind(id.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// What is kept of a person. Whoever asks is written to the access log by the caller.
    pub async fn personal(&self, id: Id<Party>) -> Result<Option<Personal>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM personal WHERE party = $1").bind(id.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// All parties, or those of one role, in order of their ids.
    pub async fn parties(
        &self,
        role: Option<Role>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Party>, StoreError> {
        let like = role.map_or_else(|| "%".to_owned(), |r| format!("%|{}|%", r.code()));
        let sql = "SELECT body FROM party WHERE id > $1 AND roles LIKE $2 ORDER BY id LIMIT $3";
        let query = sqlx::query::<Any>(sql).bind(after.unwrap_or_default().to_owned()).bind(like);
        let read = |row: &AnyRow| body::<Party>(row, 0).map(|p| (p.id, p));
        self.page_of(query, limit, read, ToString::to_string).await
    }

    /// Parties of whom values are kept longer than the law asks.
    pub async fn personal_overdue(&self, now: BusinessTime, limit: i64) -> Result<Vec<Id<Party>>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT party FROM personal WHERE keep_until IS NOT NULL AND keep_until <= $1 \
                   ORDER BY keep_until, party LIMIT $2";
        let query = sqlx::query::<Any>(sql).bind(now.micros()).bind(clamp(limit));
        query.fetch_all(&mut *conn).await?.iter().map(|row| parsed(row, 0)).collect()
    }
}
