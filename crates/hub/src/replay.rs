//! The trades that a hub holds, as the wind tunnel wants them: read chunk by chunk from a snapshot, never
//! in a command.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{Any, AssertSqlSafe};
use tokio::runtime::Handle;
use trade::codes::{Country, HubId};
use trade::product::{Offer, OfferKey};
use trade::replay::{PastTrade, PastTrades, SellerSize, seller_number};
use trade::trade_file::{Side, TradeFile};

use crate::db::{StoreError, body, text};
use crate::hub::Hub;
use crate::rows::by_keys;
use crate::trade_file::{FILES, file_of};

/// Trade files in one chunk.
const CHUNK: i64 = 2_048;

/// The trades of a hub under the rules of one territory.
#[derive(Debug)]
pub struct HeldTrades {
    hub: Hub,
    /// Chunks are asked for by threads that belong to no runtime.
    runtime: Handle,
    to: Country,
    /// The first file of each chunk.
    starts: Vec<String>,
    peers: BTreeMap<HubId, Country>,
    /// How many trades each seller has here, which gives its size.
    sellers: HashMap<u64, u64>,
}

impl Hub {
    /// Makes ready to read every trade that goes to `to`. What comes in later is not among them.
    ///
    /// # Errors
    /// The store fails.
    pub async fn held_trades(&self, to: Country) -> Result<HeldTrades, StoreError> {
        let peers = self.peers().await?.into_iter().map(|peer| (peer.card.id.clone(), peer.territory())).collect();
        let starts = {
            let mut conn = self.db().reader().await?;
            let sql = "SELECT id FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM trade_file) AS numbered \
                       WHERE (n - 1) % CAST($1 AS BIGINT) = 0 ORDER BY id";
            let rows = sqlx::query::<Any>(sql).bind(CHUNK).fetch_all(&mut *conn).await?;
            rows.iter().map(|row| text(row, 0)).collect::<Result<Vec<_>, _>>()?
        };
        let runtime = Handle::current();
        let mut held = HeldTrades { hub: self.clone(), runtime, to, starts, peers, sellers: HashMap::new() };
        for number in 0..held.starts.len() {
            for (_, _, seller) in held.files(number).await? {
                *held.sellers.entry(seller).or_default() += 1;
            }
        }
        Ok(held)
    }
}

impl HeldTrades {
    /// The files of a chunk that hold an order to the territory, with where they come from and whose they are.
    async fn files(&self, number: usize) -> Result<Vec<(TradeFile, Country, u64)>, StoreError> {
        let Some(start) = self.starts.get(number) else { return Ok(Vec::new()) };
        let db = self.hub.db();
        let mut conn = db.reader().await?;
        let end = self.starts.get(number + 1);
        let until = if end.is_some() { " AND trade_file.id < $2" } else { "" };
        let sql = format!("{FILES} WHERE trade_file.id >= $1{until} ORDER BY trade_file.id");
        let mut query = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(start.clone());
        if let Some(end) = end {
            query = query.bind(end.clone());
        }
        let files: Vec<TradeFile> = query.fetch_all(&mut *conn).await?.iter().map(file_of).collect::<Result<_, _>>()?;
        let key = |file: &TradeFile| {
            let quote = &file.order.as_ref()?.quote;
            Some(OfferKey { hub: quote.exporter.clone(), product: quote.lines.first()?.product })
        };
        let keys: BTreeSet<OfferKey> = files.iter().filter(|f| f.side == Side::Import).filter_map(key).collect();
        let mut names = HashMap::new();
        let sql = "SELECT body FROM offer WHERE id IN (SELECT value ->> 0 FROM {rows})";
        for row in by_keys(db, &mut conn, sql, &keys).await? {
            let offer: Offer = body(&row, 0)?;
            names.insert(offer.key, offer.seller_name);
        }
        let home = self.hub.site().territory;
        let of = |file: TradeFile| {
            let quote = file.order.as_ref()?.quote.clone();
            let peer = |hub: &HubId| self.peers.get(hub).copied();
            let (from, to, seller) = match file.side {
                Side::Import => {
                    let key = key(&file)?;
                    let seller = names.get(&key).map_or(key.product.to_string(), Clone::clone);
                    (peer(&quote.exporter)?, home, format!("{}/{seller}", quote.exporter))
                }
                Side::Export => (home, peer(&quote.importer)?, file.order.as_ref()?.seller?.to_string()),
            };
            (to == self.to).then(|| (file, from, seller_number(&seller)))
        };
        Ok(files.into_iter().filter_map(of).collect())
    }
}

impl PastTrades for HeldTrades {
    fn chunks(&self) -> u64 {
        u64::try_from(self.starts.len()).unwrap_or(u64::MAX)
    }

    fn chunk(&self, number: u64, into: &mut Vec<PastTrade>) -> Result<(), String> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let files = self.runtime.block_on(self.files(number)).map_err(|error| error.to_string())?;
        let past = |(file, from, seller): &(TradeFile, Country, u64)| {
            let size = SellerSize::of(self.sellers.get(seller).copied().unwrap_or(0));
            PastTrade::of(file, *from, self.to, *seller, size)
        };
        into.extend(files.iter().filter_map(past));
        Ok(())
    }
}
