//! Stock of warehouses and its movements.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::id::Id;
use trade::party::Party;
use trade::product::Product;
use trade::stock::{Stock, StockKey, StockMove, StockMoveKey};
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int, text};
use crate::hub::Hub;
use crate::page::{Page, clamp};
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    keys: &BTreeSet<StockKey>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM stock WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, keys).await? {
        let stock: Stock = body(&row, 0)?;
        world.stocks.load(stock.key.clone(), Some(stock));
    }
    for key in keys {
        if !world.stocks.knows(key) {
            world.stocks.load(key.clone(), None);
        }
    }
    Ok(())
}

pub(crate) async fn load_moves(
    db: &Db,
    conn: &mut AnyConnection,
    keys: &BTreeSet<StockMoveKey>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM stock_move WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, keys).await? {
        let made: StockMove = body(&row, 0)?;
        world.stock_moves.load(made.key.clone(), Some(made));
    }
    for key in keys {
        if !world.stock_moves.knows(key) {
            world.stock_moves.load(key.clone(), None);
        }
    }
    Ok(())
}

/// The heaps that changed, the movements that were made, and what each did to which heap.
pub(crate) fn changes(changes: &Changes) -> [Statement; 3] {
    let mut rows = Rows::new();
    for (key, stock) in &changes.stocks {
        rows.row()
            .shown(key)
            .shown(&key.warehouse)
            .shown(&stock.seller)
            .shown(&key.product)
            .text(&stock.sku)
            .text(key.bin.as_str())
            .int(stock.pieces)
            .json(stock);
    }
    let stocks = rows.into_statement(
        "INSERT INTO stock (id, warehouse, seller, product, sku, bin, pieces, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
         CAST(value ->> 6 AS BIGINT), substr($2, CAST(value ->> 7 AS INTEGER), CAST(value ->> 8 AS INTEGER)) \
         FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET sku = excluded.sku, pieces = excluded.pieces, body = excluded.body",
    );
    let mut rows = Rows::new();
    for (key, made) in &changes.stock_moves {
        rows.row().shown(key).shown(&key.warehouse).shown(&made.product).int(made.at.micros()).json(&**made);
    }
    let moves = rows.into_statement(
        "INSERT INTO stock_move (id, warehouse, product, at, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), \
         substr($2, CAST(value ->> 4 AS INTEGER), CAST(value ->> 5 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO NOTHING",
    );
    let mut rows = Rows::new();
    for (key, made) in &changes.stock_moves {
        for change in &made.deltas {
            rows.row().shown(key).shown(&change.heap).int(change.delta);
        }
    }
    let deltas = rows.into_statement(
        "INSERT INTO stock_delta (made, heap, delta) \
         SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT) FROM {rows} WHERE true \
         ON CONFLICT (heap, made) DO NOTHING",
    );
    [stocks, moves, deltas]
}

/// Which heaps a list shows. What is `None` does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockFilter {
    pub warehouse: Option<Id<Party>>,
    pub seller: Option<Id<Party>>,
    pub product: Option<Id<Product>>,
}

impl Hub {
    /// Heaps that hold something, by article, then by key.
    pub async fn stocks(
        &self,
        filter: &StockFilter,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Stock>, StoreError> {
        let (sku, id) = after.and_then(|a| a.split_once('\n')).unwrap_or_default();
        let any = |id: Option<String>| id.unwrap_or_default();
        let sql = "SELECT body FROM stock WHERE pieces > 0 AND ($1 = '' OR warehouse = $1) \
                   AND ($2 = '' OR seller = $2) AND ($3 = '' OR product = $3) AND (sku, id) > ($4, $5) \
                   ORDER BY sku, id LIMIT $6";
        let query = sqlx::query::<Any>(sql)
            .bind(any(filter.warehouse.map(|p| p.text())))
            .bind(any(filter.seller.map(|p| p.text())))
            .bind(any(filter.product.map(|p| p.text())))
            .bind(sku.to_owned())
            .bind(id.to_owned());
        let read = |row: &AnyRow| body::<Stock>(row, 0).map(|s| ((s.sku.clone(), s.key.to_string()), s));
        self.page_of(query, limit, read, |(sku, id)| format!("{sku}\n{id}")).await
    }

    /// The last movements of a warehouse, of one product or of all; the newest first.
    pub async fn stock_moves(
        &self,
        warehouse: Id<Party>,
        product: Option<Id<Product>>,
        limit: i64,
    ) -> Result<Vec<StockMove>, StoreError> {
        let sql = "SELECT body FROM stock_move WHERE warehouse = $1 AND ($2 = '' OR product = $2) \
                   ORDER BY at DESC, id DESC LIMIT $3";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql)
            .bind(warehouse.text())
            .bind(product.map(|p| p.text()).unwrap_or_default())
            .bind(clamp(limit))
            .fetch_all(&mut *conn)
            .await?;
        rows.iter().map(|row| body(row, 0)).collect()
    }

    /// A product by its article number, as labels carry it; several sellers may have the same.
    pub async fn products_by_sku(&self, sku: &str, limit: i64) -> Result<Vec<Product>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM product WHERE sku = $1 ORDER BY id LIMIT $2");
        let rows = query.bind(sku.to_owned()).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| body(row, 0)).collect()
    }

    /// Heaps that are not the sum of their movements, or hold less than nothing. There is none.
    pub async fn audit_stock(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT stock.id, stock.pieces, CAST(COALESCE(SUM(stock_delta.delta), 0) AS BIGINT) FROM stock \
                   LEFT JOIN stock_delta ON stock_delta.heap = stock.id GROUP BY stock.id, stock.pieces \
                   HAVING stock.pieces <> CAST(COALESCE(SUM(stock_delta.delta), 0) AS BIGINT) OR stock.pieces < 0 \
                   ORDER BY stock.id LIMIT 100";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| Ok(format!("{}: {} / {}", text(row, 0)?, int(row, 1)?, int(row, 2)?))).collect()
    }
}
