//! Goods that peers' sellers offer here.

use std::collections::BTreeSet;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::product::{Offer, OfferKey};
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int};
use crate::hub::Hub;
use crate::page::Page;
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    keys: &BTreeSet<OfferKey>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM offer WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, keys).await? {
        let offer: Offer = body(&row, 0)?;
        world.offers.load(offer.key.clone(), Some(offer));
    }
    for key in keys {
        if !world.offers.knows(key) {
            world.offers.load(key.clone(), None);
        }
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (key, offer) in &changes.offers {
        let withdrawn = i64::from(offer.withdrawn);
        rows.row().shown(key).shown(&key.hub).int(withdrawn).int(offer.since.micros()).json(offer);
    }
    rows.into_statement(
        "INSERT INTO offer (id, hub, withdrawn, since, body) \
         SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
         substr($2, CAST(value ->> 4 AS INTEGER), CAST(value ->> 5 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET withdrawn = excluded.withdrawn, since = excluded.since, body = excluded.body",
    )
}

impl Hub {
    pub async fn offer(&self, key: &OfferKey) -> Result<Option<Offer>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM offer WHERE id = $1").bind(key.to_string());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// What can be ordered here, in order of keys.
    pub async fn offers(&self, after: Option<&str>, limit: i64) -> Result<Page<Offer>, StoreError> {
        let sql = "SELECT body FROM offer WHERE withdrawn = 0 AND id > $1 ORDER BY id LIMIT $2";
        let query = sqlx::query::<Any>(sql).bind(after.unwrap_or_default().to_owned());
        let read = |row: &AnyRow| body::<Offer>(row, 0).map(|o| (o.key.clone(), o));
        self.page_of(query, limit, read, ToString::to_string).await
    }

    pub async fn offer_count(&self) -> Result<i64, StoreError> {
        let mut conn = self.db().reader().await?;
        let row = sqlx::query::<Any>("SELECT COUNT(*) FROM offer WHERE withdrawn = 0").fetch_one(&mut *conn).await?;
        int(&row, 0)
    }
}
