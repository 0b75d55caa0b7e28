//! Numbers that are used once: of payments and waybills.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Any, AnyConnection};
use trade::trade_file::TradeId;
use trade::world::{Changes, NumberKey, World};

use crate::db::{Db, StoreError, parsed, text};
use crate::hub::Hub;
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    keys: &BTreeSet<NumberKey>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT id, trade FROM number WHERE id IN (SELECT value ->> 0 FROM {rows})";
    let mut found = BTreeMap::new();
    for row in by_keys(db, conn, sql, keys).await? {
        found.insert(text(&row, 0)?, parsed::<TradeId>(&row, 1)?);
    }
    for key in keys {
        let trade = if found.is_empty() { None } else { found.remove(&key.to_string()) };
        world.numbers.load(key.clone(), trade);
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (key, trade) in &changes.numbers {
        rows.row().shown(key).text(trade.as_str());
    }
    rows.into_statement(
        "INSERT INTO number (id, trade) SELECT value ->> 0, value ->> 1 FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET trade = excluded.trade",
    )
}

impl Hub {
    /// The trade that a payment's or a waybill's number belongs to.
    pub async fn trade_by_number(&self, key: &NumberKey) -> Result<Option<TradeId>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT trade FROM number WHERE id = $1").bind(key.to_string());
        query.fetch_optional(&mut *conn).await?.map(|row| parsed(&row, 0)).transpose()
    }
}
