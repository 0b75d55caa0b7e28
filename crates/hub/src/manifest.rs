//! Bags and manifests.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::bag::Bag;
use trade::codes::BagNo;
use trade::id::Id;
use trade::manifest::{Manifest, ManifestId};
use trade::party::Party;
use trade::trade_file::Side;
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body};
use crate::hub::Hub;
use crate::page::{Page, place};
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<ManifestId>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM manifest WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let manifest: Manifest = body(&row, 0)?;
        world.manifests.load(manifest.id.clone(), Some(manifest));
    }
    for id in ids {
        if !world.manifests.knows(id) {
            world.manifests.load(id.clone(), None);
        }
    }
    Ok(())
}

pub(crate) async fn load_bags(
    db: &Db,
    conn: &mut AnyConnection,
    numbers: &BTreeSet<BagNo>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM bag WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, numbers).await? {
        let bag: Bag = body(&row, 0)?;
        world.bags.load(bag.no.clone(), Some(bag));
    }
    for no in numbers {
        if !world.bags.knows(no) {
            world.bags.load(no.clone(), None);
        }
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> [Statement; 2] {
    let mut rows = Rows::new();
    for (no, bag) in &changes.bags {
        let open = i64::from(!bag.gone);
        rows.row().text(no.as_str()).shown(&bag.by).int(open).int(bag.opened.micros()).json(&**bag);
    }
    let bags = rows.into_statement(
        "INSERT INTO bag (id, by_party, is_here, opened, body) \
         SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
         substr($2, CAST(value ->> 4 AS INTEGER), CAST(value ->> 5 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET is_here = excluded.is_here, body = excluded.body",
    );
    let mut rows = Rows::new();
    for (id, manifest) in &changes.manifests {
        rows.row()
            .text(id.as_str())
            .text(manifest.side.code())
            .text(manifest.state())
            .int(manifest.opened.micros())
            .json(&**manifest);
    }
    let manifests = rows.into_statement(
        "INSERT INTO manifest (id, side, state, opened, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), \
         substr($2, CAST(value ->> 4 AS INTEGER), CAST(value ->> 5 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body",
    );
    [bags, manifests]
}

impl Hub {
    pub async fn bag(&self, no: &BagNo) -> Result<Option<Bag>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM bag WHERE id = $1").bind(no.as_str().to_owned());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// The bags that one party fills and that have not left, the newest first.
    pub async fn bags_of(&self, by: Id<Party>, after: Option<&str>, limit: i64) -> Result<Page<Bag>, StoreError> {
        let (opened, no) = place(after, i64::MAX);
        let sql = "SELECT body FROM bag WHERE by_party = $1 AND is_here = 1 AND (opened, id) < ($2, $3) \
                   ORDER BY opened DESC, id DESC LIMIT $4";
        let query = sqlx::query::<Any>(sql).bind(by.text()).bind(opened).bind(no.to_owned());
        let read = |row: &AnyRow| body::<Bag>(row, 0).map(|bag| ((bag.opened, bag.no.clone()), bag));
        self.page_of(query, limit, read, |(opened, no)| format!("{}/{no}", opened.micros())).await
    }

    pub async fn manifest(&self, id: &ManifestId) -> Result<Option<Manifest>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM manifest WHERE id = $1").bind(id.as_str().to_owned());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// Manifests of one side, or of both; the newest first.
    pub async fn manifests(
        &self,
        side: Option<Side>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Manifest>, StoreError> {
        let (opened, id) = place(after, i64::MAX);
        let sql = "SELECT body FROM manifest WHERE ($1 = '' OR side = $1) \
                   AND (opened, id) < ($2, $3) ORDER BY opened DESC, id DESC LIMIT $4";
        let query = sqlx::query::<Any>(sql).bind(side.map_or("", Side::code)).bind(opened).bind(id.to_owned());
        let read = |row: &AnyRow| body::<Manifest>(row, 0).map(|m| ((m.opened, m.id.clone()), m));
        self.page_of(query, limit, read, |(opened, id)| format!("{}/{id}", opened.micros())).await
    }
}
