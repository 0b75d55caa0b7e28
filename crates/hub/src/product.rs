//! Products of this hub's sellers.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::id::Id;
use trade::party::Party;
use trade::product::{LaneGaps, Product};
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int};
use crate::hub::Hub;
use crate::page::Page;
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<Id<Product>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM product WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let product: Product = body(&row, 0)?;
        world.products.load(product.id, Some(product));
    }
    for id in ids {
        if !world.products.knows(id) {
            world.products.load(*id, None);
        }
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, product) in &changes.products {
        let ready = product.gaps.iter().any(LaneGaps::is_ready);
        rows.row()
            .shown(id)
            .shown(&product.seller)
            .text(&product.goods.sku)
            .int(i64::from(ready))
            .int(product.changed.micros())
            .json(product);
    }
    rows.into_statement(
        "INSERT INTO product (id, seller, sku, ready, changed, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), \
         substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET seller = excluded.seller, sku = excluded.sku, ready = excluded.ready, \
         changed = excluded.changed, body = excluded.body",
    )
}

/// How many products a seller has, and how many of them can be sold on at least one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductCounts {
    pub all: i64,
    pub ready: i64,
}

impl Hub {
    pub async fn product(&self, id: Id<Product>) -> Result<Option<Product>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM product WHERE id = $1").bind(id.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// A seller's products in order of article numbers.
    pub async fn products_of(
        &self,
        seller: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<Product>, StoreError> {
        let sql = "SELECT body FROM product WHERE seller = $1 AND sku > $2 ORDER BY sku LIMIT $3";
        let query = sqlx::query::<Any>(sql).bind(seller.text()).bind(after.unwrap_or_default().to_owned());
        let read = |row: &AnyRow| body::<Product>(row, 0).map(|p| (p.goods.sku.clone(), p));
        self.page_of(query, limit, read, Clone::clone).await
    }

    pub async fn product_counts(&self, seller: Id<Party>) -> Result<ProductCounts, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(ready), 0) AS BIGINT) FROM product WHERE seller = $1";
        let row = sqlx::query::<Any>(sql).bind(seller.text()).fetch_one(&mut *conn).await?;
        Ok(ProductCounts { all: int(&row, 0)?, ready: int(&row, 1)? })
    }
}
