//! Quotes: given here, or by a peer to one of our sellers.

use std::collections::BTreeSet;

use sqlx::{Any, AnyConnection};
use trade::id::Id;
use trade::quote::Quote;
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body};
use crate::hub::Hub;
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<Id<Quote>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM quote WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, ids).await? {
        let quote: Quote = body(&row, 0)?;
        world.quotes.load(quote.id, Some(quote));
    }
    for id in ids {
        if !world.quotes.knows(id) {
            world.quotes.load(*id, None);
        }
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, quote) in &changes.quotes {
        let asked_by = quote.asked_by.map(|p| p.text());
        rows.row()
            .shown(id)
            .shown(&quote.exporter)
            .shown(&quote.importer)
            .text_or_null(asked_by.as_deref())
            .int(quote.expires_at.micros())
            .json(quote);
    }
    rows.into_statement(
        "INSERT INTO quote (id, exporter, importer, asked_by, expires_at, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT), \
         substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET asked_by = excluded.asked_by, expires_at = excluded.expires_at, \
         body = excluded.body",
    )
}

impl Hub {
    pub async fn quote(&self, id: Id<Quote>) -> Result<Option<Quote>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM quote WHERE id = $1").bind(id.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }
}
