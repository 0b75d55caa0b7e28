//! Parcels that lie in warehouses: rows beside their trade files, for lists and bins.

use sqlx::{Any, AssertSqlSafe};
use trade::codes::Bin;
use trade::custody::CustodyKind;
use trade::id::Id;
use trade::party::Party;
use trade::trade_file::{Side, TradeFile};
use trade::world::Changes;

use crate::db::StoreError;
use crate::hub::Hub;
use crate::page::clamp;
use crate::rows::{Rows, Statement};
use crate::trade_file::{FILES, file_of};

/// What the files that changed say of parcels in a warehouse of this hub.
pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, file) in changes.trades.iter().filter(|(_, f)| f.side == Side::Export) {
        if let Some(storage) = &file.handling.storage {
            let is_here = i64::from(!file.has(CustodyKind::HandedOver));
            let bin = storage.bin.as_ref().map(Bin::as_str);
            rows.row().text(id.as_str()).shown(&storage.warehouse).text_or_null(bin).int(is_here);
            rows.int(storage.since.micros());
        }
    }
    rows.into_statement(
        "INSERT INTO storage (trade, warehouse, bin, is_here, since) SELECT value ->> 0, value ->> 1, value ->> 2, \
         CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT) FROM {rows} WHERE true \
         ON CONFLICT (trade) DO UPDATE SET warehouse = excluded.warehouse, bin = excluded.bin, \
         is_here = excluded.is_here, since = excluded.since",
    )
}

impl Hub {
    /// The parcels that a warehouse has, and those that it is making up; the longest there first.
    pub async fn stored(&self, warehouse: Id<Party>, limit: i64) -> Result<Vec<TradeFile>, StoreError> {
        let sql = format!(
            "{FILES} JOIN storage ON storage.trade = trade_file.id \
             WHERE storage.warehouse = $1 AND storage.is_here = 1 ORDER BY storage.since, storage.trade LIMIT $2"
        );
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(warehouse.text()).bind(clamp(limit));
        let rows = query.fetch_all(&mut *conn).await?;
        let files: Vec<TradeFile> = rows.iter().map(file_of).collect::<Result<_, _>>()?;
        // A pick that was put back leaves its row behind.
        Ok(files.into_iter().filter(|f| f.handling.storage.is_some()).collect())
    }

    /// Paid orders whose goods a warehouse has in stock, and which nobody has begun to pick or send.
    pub async fn to_pick(&self, warehouse: Id<Party>, limit: i64) -> Result<Vec<TradeFile>, StoreError> {
        let sql = format!(
            "{FILES} WHERE trade_file.side = 'export' AND trade_file.stage = 'in-escrow' \
             AND trade_file.holder = 'seller' AND trade_order.seller IN \
             (SELECT seller FROM stock WHERE warehouse = $1 AND pieces > 0) \
             ORDER BY trade_file.since, trade_file.id LIMIT $2"
        );
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(warehouse.text()).bind(clamp(limit));
        let rows = query.fetch_all(&mut *conn).await?;
        let files: Vec<TradeFile> = rows.iter().map(file_of).collect::<Result<_, _>>()?;
        Ok(files.into_iter().filter(|f| f.waybill.is_none() && f.handling.storage.is_none()).collect())
    }

    /// Parcels that have a waybill and have come to no warehouse nor carrier yet.
    pub async fn expected(&self, limit: i64) -> Result<Vec<TradeFile>, StoreError> {
        let sql = format!(
            "{FILES} WHERE trade_file.side = 'export' AND trade_file.stage IN ('in-escrow', 'export-held', \
             'export-released') ORDER BY trade_file.since, trade_file.id LIMIT $1"
        );
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        let files: Vec<TradeFile> = rows.iter().map(file_of).collect::<Result<_, _>>()?;
        let comes = |f: &TradeFile| f.waybill.is_some() && f.handling.storage.is_none();
        Ok(files.into_iter().filter(|f| comes(f) && !f.has(CustodyKind::HandedOver)).collect())
    }
}
