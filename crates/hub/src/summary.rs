//! A hub in a few numbers.

use serde::{Deserialize, Serialize};
use sqlx::Any;

use crate::db::{StoreError, int};
use crate::hub::Hub;
use crate::trade_file::StageCount;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub parties: i64,
    pub products: i64,
    pub offers: i64,
    pub quotes: i64,
    pub trades: Vec<StageCount>,
    pub transfers: i64,
    pub events: u64,
    pub sequenced: u64,
    pub store_bytes: i64,
}

impl Hub {
    /// Counts everything; some seconds where there are millions, so not for every page.
    pub async fn summary(&self) -> Result<Summary, StoreError> {
        let mut conn = self.db().reader().await?;
        let mut numbers = [0; 5];
        for (number, sql) in numbers.iter_mut().zip([
            "SELECT COUNT(*) FROM party",
            "SELECT COUNT(*) FROM product",
            "SELECT COUNT(*) FROM offer WHERE withdrawn = 0",
            "SELECT COUNT(*) FROM quote",
            // Numbered without gaps.
            "SELECT COALESCE(MAX(seq), 0) FROM transfer",
        ]) {
            *number = int(&sqlx::query::<Any>(sql).fetch_one(&mut *conn).await?, 0)?;
        }
        drop(conn);
        let [parties, products, offers, quotes, transfers] = numbers;
        Ok(Summary {
            parties,
            products,
            offers,
            quotes,
            trades: self.stage_counts().await?,
            transfers,
            events: self.event_count().await?,
            sequenced: self.head().await?.map_or(0, |head| head.claimed().size),
            store_bytes: self.db().size().await?,
        })
    }
}
