//! Trade files and the payouts in them. Columns beside the body follow from it, for lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe};
use trade::ball::{Ball, Holder, ball};
use trade::event::Event;
use trade::id::Id;
use trade::money::Money;
use trade::party::Party;
use trade::payout::{Payout, PayoutKind, PayoutState};
use trade::time::BusinessTime;
use trade::trade_file::{Side, Stage, TradeFile, TradeId};
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int, parsed, text};
use crate::hub::Hub;
use crate::order::order_of;
use crate::page::{Page, clamp, place};
use crate::rows::{Rows, Statement, by_keys};

const FILES_BY_ID: &str = "SELECT trade_file.body, trade_order.body, quote.body FROM trade_file \
    LEFT JOIN trade_order ON trade_order.id = trade_file.id LEFT JOIN quote ON quote.id = trade_order.quote \
    WHERE trade_file.id IN (SELECT value ->> 0 FROM {rows})";

/// What [`file_of`] reads, wherever the files are sought.
pub(crate) const FILES: &str = "SELECT trade_file.body, trade_order.body, quote.body FROM trade_file \
    LEFT JOIN trade_order ON trade_order.id = trade_file.id LEFT JOIN quote ON quote.id = trade_order.quote";

pub(crate) fn file_of(row: &AnyRow) -> Result<TradeFile, StoreError> {
    let mut file: TradeFile = body(row, 0)?;
    file.order = order_of(row, 1, 2)?;
    Ok(file)
}

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    ids: &BTreeSet<TradeId>,
    world: &mut World,
) -> Result<(), StoreError> {
    for row in by_keys(db, conn, FILES_BY_ID, ids).await? {
        let file = file_of(&row)?;
        world.trades.load(file.id.clone(), Some(file));
    }
    for id in ids {
        if !world.trades.knows(id) {
            world.trades.load(id.clone(), None);
        }
    }
    Ok(())
}

/// The files that changed, and those that something happened to without changing them. `events` of a
/// file lists the places in the log of all that happened to it, as an index by trade would, without a
/// random page for each.
pub(crate) fn changes(changes: &Changes, events: &[Event]) -> [Statement; 2] {
    let mut happened: BTreeMap<&TradeId, (BusinessTime, String)> = BTreeMap::new();
    for event in events {
        if let Some(trade) = &event.trade {
            let (last, places) = happened.entry(trade).or_insert((event.at, String::new()));
            *last = event.at;
            let _ = write!(places, "{},", event.n);
        }
    }
    let mut rows = Rows::new();
    for (id, file) in &changes.trades {
        let ball = ball(file);
        let (last, places) = happened.remove(id).unwrap_or((ball.since, String::new()));
        let updated = last.max(ball.since);
        // The order has a row of its own.
        let apart = TradeFile { order: None, ..TradeFile::clone(file) };
        rows.row()
            .text(id.as_str())
            .text(file.side.code())
            .text(file.stage().code())
            .text(ball.holder.code())
            .text(ball.task.code())
            .int(ball.since.micros())
            .int_or_null(ball.deadline.map(BusinessTime::micros))
            .text_or_null(file.peer.as_ref().map(trade::codes::HubId::as_str))
            .int(file.opened.micros())
            .int(updated.micros())
            .text(&places)
            .json(&apart);
    }
    let changed = rows.into_statement(
        "INSERT INTO trade_file (id, side, stage, holder, task, since, deadline, peer, opened, updated, events, body) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, CAST(value ->> 5 AS BIGINT), \
         CAST(value ->> 6 AS BIGINT), value ->> 7, CAST(value ->> 8 AS BIGINT), CAST(value ->> 9 AS BIGINT), \
         value ->> 10, substr($2, CAST(value ->> 11 AS INTEGER), CAST(value ->> 12 AS INTEGER)) \
         FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET stage = excluded.stage, holder = excluded.holder, task = excluded.task, \
         since = excluded.since, deadline = excluded.deadline, peer = excluded.peer, body = excluded.body, \
         updated = CASE WHEN excluded.updated > trade_file.updated THEN excluded.updated ELSE trade_file.updated END, \
         events = trade_file.events || excluded.events",
    );
    let mut rows = Rows::new();
    for (id, (_, places)) in &happened {
        rows.row().text(id.as_str()).text(places);
    }
    let told = rows.into_statement(
        "UPDATE trade_file SET events = trade_file.events || (value ->> 1) FROM {rows} WHERE trade_file.id = value ->> 0",
    );
    [changed, told]
}

pub(crate) fn payout_changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    let payouts = changes.trades.iter().flat_map(|(id, file)| file.payouts.iter().map(move |p| (id, p)));
    for (trade, payout) in payouts {
        let (state, file) = match &payout.state {
            PayoutState::Due => ("due", None),
            PayoutState::Instructed { file, .. } => ("instructed", Some(file.as_str())),
            // The file is forgotten by the noun; the row keeps it, see below.
            PayoutState::Done { .. } => ("done", None),
        };
        let kind = match &payout.kind {
            PayoutKind::Proceeds { .. } => "proceeds",
            PayoutKind::Advance { .. } => "advance",
            PayoutKind::Refund { .. } => "refund",
        };
        rows.row()
            .shown(&payout.id)
            .text(trade.as_str())
            .text(kind)
            .text(state)
            .int(payout.due_at.micros())
            .text_or_null(file)
            .int(payout.amount.minor())
            .shown(&payout.amount.currency());
    }
    rows.into_statement(
        "INSERT INTO payout (id, trade, kind, state, due_at, file, amount, currency) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT), value ->> 5, \
         CAST(value ->> 6 AS BIGINT), value ->> 7 FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, file = COALESCE(excluded.file, payout.file)",
    )
}

/// A trade as lists show it, without opening its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    pub file: TradeFile,
    pub stage: Stage,
    pub ball: Ball,
}

/// Which trades a list shows. What is `None` does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeFilter {
    pub seller: Option<Id<Party>>,
    pub buyer: Option<Id<Party>>,
    pub holder: Option<Holder>,
    pub stage: Option<Stage>,
}

impl TradeFilter {
    /// Fixed pieces of SQL with parameters from `$1`; the values come from typed ids and codes.
    fn conditions(&self) -> (String, Vec<String>) {
        let mut values = Vec::new();
        let mut sql = String::from("true");
        let fields = [
            ("trade_order.seller", self.seller.map(|p| p.text())),
            ("trade_order.buyer", self.buyer.map(|p| p.text())),
            ("trade_file.holder", self.holder.map(|h| h.code().to_owned())),
            ("trade_file.stage", self.stage.map(|s| s.code().to_owned())),
        ];
        for (column, value) in fields {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        (sql, values)
    }

    /// The table whose index leads to a party's trades in their order.
    const fn table(&self) -> &'static str {
        if self.seller.is_some() || self.buyer.is_some() { "trade_order" } else { "trade_file" }
    }
}

/// How many trades stand where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    pub stage: Stage,
    pub count: i64,
}

/// A payout with the trade that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradePayout {
    pub trade: TradeId,
    pub payout: Payout,
}

fn row_of(row: &AnyRow) -> Result<TradeRow, StoreError> {
    let file = file_of(row)?;
    Ok(TradeRow { stage: file.stage(), ball: ball(&file), file })
}

impl Hub {
    pub async fn trade(&self, id: &TradeId) -> Result<Option<TradeFile>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = format!("{FILES} WHERE trade_file.id = $1");
        let query = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(id.as_str().to_owned());
        query.fetch_optional(&mut *conn).await?.map(|row| file_of(&row)).transpose()
    }

    /// Trade files by their ids, in no order.
    pub(crate) async fn trades_by_id(&self, ids: &BTreeSet<TradeId>) -> Result<Vec<TradeFile>, StoreError> {
        let mut conn = self.db().reader().await?;
        by_keys(self.db(), &mut conn, FILES_BY_ID, ids).await?.iter().map(file_of).collect()
    }

    /// Trades, the last opened first.
    pub async fn trades(
        &self,
        filter: &TradeFilter,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<TradeRow>, StoreError> {
        let (mut sql, mut values) = filter.conditions();
        let table = filter.table();
        if after.is_some() {
            let (opened, id) = place(after, i64::MAX);
            let n = values.len();
            sql.push_str(&format!(" AND ({table}.opened, {table}.id) < (CAST(${} AS BIGINT), ${})", n + 1, n + 2));
            values.extend([opened.to_string(), id.to_owned()]);
        }
        let limit_at = values.len() + 1;
        let sql = format!("{FILES} WHERE {sql} ORDER BY {table}.opened DESC, {table}.id DESC LIMIT ${limit_at}");
        let mut query = sqlx::query::<Any>(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        let read = |row: &AnyRow| row_of(row).map(|r| ((r.file.opened, r.file.id.clone()), r));
        self.page_of(query, limit, read, |(opened, id)| format!("{}/{id}", opened.micros())).await
    }

    pub async fn trade_count(&self, filter: &TradeFilter) -> Result<i64, StoreError> {
        let (sql, values) = filter.conditions();
        let join = "LEFT JOIN trade_order ON trade_order.id = trade_file.id";
        let join = if filter.table() == "trade_order" { join } else { "" };
        let sql = format!("SELECT COUNT(*) FROM trade_file {join} WHERE {sql}");
        let mut conn = self.db().reader().await?;
        let mut query = sqlx::query::<Any>(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        int(&query.fetch_one(&mut *conn).await?, 0)
    }

    /// What somebody has on the desk (an authority, a carrier, a firm, the hub), the oldest first.
    pub async fn desk(&self, holder: Holder, after: Option<&str>, limit: i64) -> Result<Page<TradeRow>, StoreError> {
        let (since, id) = place(after, i64::MIN);
        let sql = format!(
            "{FILES} WHERE holder = $1 AND holder NOT IN ('nobody', 'buyer', 'seller') \
             AND (since, trade_file.id) > ($2, $3) ORDER BY since, trade_file.id LIMIT $4"
        );
        let query = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(holder.code()).bind(since).bind(id.to_owned());
        let read = |row: &AnyRow| row_of(row).map(|r| ((r.ball.since, r.file.id.clone()), r));
        self.page_of(query, limit, read, |(since, id)| format!("{}/{id}", since.micros())).await
    }

    /// What the officers of this hub's customs have to decide on, the nearest deadline first.
    pub async fn officer_queue(&self, limit: i64) -> Result<Vec<TradeRow>, StoreError> {
        let sql = format!(
            "{FILES} WHERE ((side = 'import' AND holder = 'import-customs') \
             OR (side = 'export' AND holder = 'export-customs')) AND task IN ('examine', 'examine-return') \
             AND holder NOT IN ('nobody', 'buyer', 'seller') ORDER BY deadline, trade_file.id LIMIT $1"
        );
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(row_of).collect()
    }

    /// Imported goods that were delivered before `delivered_before` and not accepted since: their
    /// claim window may have ended.
    pub async fn claim_windows(&self, delivered_before: BusinessTime, limit: i64) -> Result<Vec<TradeId>, StoreError> {
        self.stuck("delivered", Side::Import, "since", delivered_before, limit).await
    }

    /// Returns of imported goods of which a deadline has passed.
    pub async fn returns_due(&self, now: BusinessTime, limit: i64) -> Result<Vec<TradeId>, StoreError> {
        self.stuck("returning", Side::Import, "deadline", now, limit).await
    }

    /// Disputes over imported goods of which a deadline has passed.
    pub async fn disputes_due(&self, now: BusinessTime, limit: i64) -> Result<Vec<TradeId>, StoreError> {
        self.stuck("disputed", Side::Import, "deadline", now, limit).await
    }

    /// Orders whose quote expired before `now` without a payment.
    pub async fn unpaid_orders(&self, now: BusinessTime, limit: i64) -> Result<Vec<TradeId>, StoreError> {
        self.stuck("awaiting-payment", Side::Import, "deadline", now, limit).await
    }

    /// Orders whose balance did not come in time after a deposit.
    pub async fn unpaid_balances(&self, now: BusinessTime, limit: i64) -> Result<Vec<TradeId>, StoreError> {
        self.stuck("deposited", Side::Import, "deadline", now, limit).await
    }

    /// Payments that have waited for their order since before `opened_before`.
    pub async fn parked_payments(&self, opened_before: BusinessTime, limit: i64) -> Result<Vec<TradeId>, StoreError> {
        self.stuck("awaiting-order", Side::Import, "opened", opened_before, limit).await
    }

    async fn stuck(
        &self,
        stage: &'static str,
        side: Side,
        column: &'static str,
        before: BusinessTime,
        limit: i64,
    ) -> Result<Vec<TradeId>, StoreError> {
        let sql = format!(
            "SELECT id FROM trade_file WHERE stage = $1 AND side = $2 AND {column} < $3 ORDER BY since, id LIMIT $4"
        );
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(AssertSqlSafe(sql));
        let query = query.bind(stage).bind(side.code()).bind(before.micros()).bind(clamp(limit));
        query.fetch_all(&mut *conn).await?.iter().map(|row| parsed(row, 0)).collect()
    }

    /// The trade that a payout belongs to, whether it was instructed or not.
    pub async fn trade_of_payout(&self, payout: &Id<Payout>) -> Result<Option<TradeId>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT trade FROM payout WHERE id = $1").bind(payout.text());
        query.fetch_optional(&mut *conn).await?.map(|row| parsed(&row, 0)).transpose()
    }

    /// Payouts that no bank file has taken up yet, the longest due first.
    pub async fn payouts_due(&self, limit: i64) -> Result<Vec<TradePayout>, StoreError> {
        let sql = "SELECT trade, id FROM payout WHERE state = $1 AND state <> 'done' ORDER BY due_at, id LIMIT $2";
        self.payouts(sql, "due", limit).await
    }

    /// The payouts that went out with a bank file.
    pub async fn payouts_of_file(&self, file: &str, limit: i64) -> Result<Vec<TradePayout>, StoreError> {
        self.payouts("SELECT trade, id FROM payout WHERE file = $1 ORDER BY id LIMIT $2", file, limit).await
    }

    async fn payouts(&self, sql: &'static str, value: &str, limit: i64) -> Result<Vec<TradePayout>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(sql).bind(value.to_owned()).bind(limit.clamp(1, PAYOUTS_MAX));
        let mut named: Vec<(TradeId, Id<Payout>)> = Vec::new();
        for row in query.fetch_all(&mut *conn).await? {
            named.push((parsed(&row, 0)?, parsed(&row, 1)?));
        }
        let trades: BTreeSet<TradeId> = named.iter().map(|(trade, _)| trade.clone()).collect();
        let mut payouts = BTreeMap::new();
        for row in by_keys(self.db(), &mut conn, FILES_BY_ID, &trades).await? {
            let file = file_of(&row)?;
            payouts.extend(file.payouts.into_iter().map(|p| (p.id, p)));
        }
        let found = |(trade, id)| Some(TradePayout { trade, payout: payouts.remove(&id)? });
        Ok(named.into_iter().filter_map(found).collect())
    }

    /// The sum of payouts by state and currency: `due`, `instructed`, `done`.
    pub async fn payout_sums(&self) -> Result<Vec<(String, i64, Money)>, StoreError> {
        let sql = "SELECT state, COUNT(*), CAST(SUM(amount) AS BIGINT), currency FROM payout \
                   GROUP BY state, currency ORDER BY state, currency";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql).fetch_all(&mut *conn).await?;
        let read = |row: &AnyRow| Ok((text(row, 0)?, int(row, 1)?, Money::new(int(row, 2)?, parsed(row, 3)?)));
        rows.iter().map(read).collect()
    }
}

/// A bank takes some thousands of payments in one pain.001 file.
const PAYOUTS_MAX: i64 = 5_000;
