//! What persons have bought under a yearly limit.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Any, AnyConnection};
use trade::money::Money;
use trade::world::{Changes, Quota, QuotaKey, World};

use crate::db::{Db, StoreError, int, parsed, text};
use crate::hub::Hub;
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    keys: &BTreeSet<QuotaKey>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT id, used, currency FROM quota WHERE id IN (SELECT value ->> 0 FROM {rows})";
    let mut found = BTreeMap::new();
    for row in by_keys(db, conn, sql, keys).await? {
        found.insert(text(&row, 0)?, Money::new(int(&row, 1)?, parsed(&row, 2)?));
    }
    for key in keys {
        let quota = found.remove(&key.to_string()).map(|used| Quota { key: key.clone(), used });
        world.quotas.load(key.clone(), quota);
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (key, quota) in &changes.quotas {
        rows.row().shown(key).int(quota.used.minor()).shown(&quota.used.currency());
    }
    rows.into_statement(
        "INSERT INTO quota (id, used, currency) SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2 \
         FROM {rows} WHERE true ON CONFLICT (id) DO UPDATE SET used = excluded.used, currency = excluded.currency",
    )
}

impl Hub {
    /// What a person has bought in a year; `None` if nothing.
    pub async fn quota(&self, key: &QuotaKey) -> Result<Option<Money>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT used, currency FROM quota WHERE id = $1").bind(key.to_string());
        let row = query.fetch_optional(&mut *conn).await?;
        row.map(|row| Ok(Money::new(int(&row, 0)?, parsed(&row, 1)?))).transpose()
    }
}
