//! The order in a trade file. It is most of the file's bytes and never changes, so it has a row of
//! its own, written once, and the file's row stays small however often it is written.

use std::collections::HashSet;

use trade::trade_file::TradeId;
use trade::world::World;

use crate::rows::{Rows, Statement};

/// Trades whose orders are stored, or on their way there, as far as the lane remembers.
#[derive(Debug, Default)]
pub(crate) struct Stored(HashSet<TradeId>);

impl Stored {
    /// Takes note of the orders of files that were loaded.
    pub fn loaded<'a>(&mut self, world: &World, ids: impl IntoIterator<Item = &'a TradeId>) {
        let with_order = |id: &&TradeId| world.trades.get(id).is_some_and(|file| file.order.is_some());
        self.0.extend(ids.into_iter().filter(with_order).cloned());
    }

    /// Forgets what the world forgot.
    pub fn forget(&mut self, world: &World) {
        self.0.retain(|id| world.trades.knows(id));
    }
}

/// The orders that came with this batch.
pub(crate) fn changes(world: &World, stored: &mut Stored) -> Statement {
    let mut rows = Rows::new();
    for (id, file) in world.trades.changed() {
        let Some(order) = &file.order else { continue };
        if !stored.0.insert(id.clone()) {
            continue;
        }
        let seller = order.seller.map(|p| p.text());
        let buyer = order.buyer.as_ref().map(|b| b.party.text());
        rows.row()
            .text(id.as_str())
            .text_or_null(seller.as_deref())
            .text_or_null(buyer.as_deref())
            .int(file.opened.micros())
            .json(order);
    }
    rows.into_statement(
        "INSERT INTO trade_order (id, seller, buyer, opened, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), \
         substr($2, CAST(value ->> 4 AS INTEGER), CAST(value ->> 5 AS INTEGER)) FROM {rows}",
    )
}
