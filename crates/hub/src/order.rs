//! The order in a trade file. It never changes, so it has a row of its own, written once, which
//! names the quote that it takes; the file's row stays small however often it is written. Only an order
//! that was recalled after a loss without its buyer is written once more, when the buyer is known.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use trade::id::Id;
use trade::order::{Order, OrderBuyer};
use trade::party::Party;
use trade::quote::Quote;
use trade::time::BusinessTime;
use trade::trade_file::{TradeFile, TradeId};
use trade::world::{Changes, World};

use crate::db::{StoreError, body_or_null};
use crate::rows::{Rows, Statement};

/// An order without its quote.
#[derive(Serialize, Deserialize)]
struct Apart {
    placed_at: BusinessTime,
    delivery: String,
    buyer: Option<OrderBuyer>,
    seller: Option<Id<Party>>,
}

/// Trades whose orders are stored, or on their way there, as far as the lane remembers; and whether
/// with their buyer.
#[derive(Debug, Default)]
pub(crate) struct Stored(HashMap<TradeId, bool>);

impl Stored {
    /// Takes note of the orders of files that were loaded.
    pub fn loaded<'a>(&mut self, world: &World, ids: impl IntoIterator<Item = &'a TradeId>) {
        let order = |id: &TradeId| world.trades.get(id)?.order.as_ref().map(|order| order.buyer.is_some());
        self.0.extend(ids.into_iter().filter_map(|id| Some((id.clone(), order(id)?))));
    }

    /// The files of a batch whose orders have to be stored, which they count as from now on.
    pub fn come(&mut self, changes: &Changes) -> Vec<Arc<TradeFile>> {
        let mut come = Vec::new();
        for (id, file) in &changes.trades {
            let Some(order) = &file.order else { continue };
            let with_buyer = order.buyer.is_some();
            if self.0.insert(id.clone(), with_buyer) != Some(with_buyer) {
                come.push(Arc::clone(file));
            }
        }
        come
    }

    /// Forgets what the world forgot.
    pub fn forget(&mut self, world: &World) {
        self.0.retain(|id, _| world.trades.knows(id));
    }
}

/// The orders of these files, which have come.
pub(crate) fn changes(files: &[Arc<TradeFile>]) -> Statement {
    let mut rows = Rows::new();
    for file in files {
        let Some(order) = &file.order else { continue };
        let seller = order.seller.map(|p| p.text());
        let buyer = order.buyer.as_ref().map(|b| b.party.text());
        let Order { quote, placed_at, delivery, .. } = &**order;
        let apart = Apart {
            placed_at: *placed_at,
            delivery: delivery.clone(),
            buyer: order.buyer.clone(),
            seller: order.seller,
        };
        rows.row()
            .text(file.id.as_str())
            .shown(&quote.id)
            .text_or_null(seller.as_deref())
            .text_or_null(buyer.as_deref())
            .int(file.opened.micros())
            .json(&apart);
    }
    rows.into_statement(
        "INSERT INTO trade_order (id, quote, seller, buyer, opened, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT), \
         substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET buyer = excluded.buyer, body = excluded.body",
    )
}

/// An order from the bodies of its row and of its quote's; `None` where it has not come yet.
pub(crate) fn order_of(row: &AnyRow, own: usize, quote: usize) -> Result<Option<Arc<Order>>, StoreError> {
    let Some(Apart { placed_at, delivery, buyer, seller }) = body_or_null(row, own)? else { return Ok(None) };
    let quote: Option<Quote> = body_or_null(row, quote)?;
    let quote = Arc::new(quote.ok_or_else(|| StoreError::damaged("an order without its quote"))?);
    Ok(Some(Arc::new(Order { quote, placed_at, delivery, buyer, seller })))
}
