//! Advances, taken out of their trade files so that lenders find them, and the claims for the word.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};
use trade::advance::{AdvanceState, funds_of};
use trade::debt::Debts;
use trade::id::Id;
use trade::ledger::{Account, Purpose};
use trade::money::{Currency, Money};
use trade::party::Party;
use trade::scorecard::{EXPORTS_LOOKED_AT, ScoreFacts, Terms};
use trade::time::BusinessTime;
use trade::trade_file::{TradeFile, TradeId};
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, body, int, parsed, text};
use crate::hub::Hub;
use crate::ledger::AccountBalance;
use crate::page::{Page, clamp, place};
use crate::rows::{Rows, Statement, by_keys};
use crate::trade_file::TradeFilter;

pub(crate) async fn load_debts(
    db: &Db,
    conn: &mut AnyConnection,
    sellers: &BTreeSet<Id<Party>>,
    world: &mut World,
) -> Result<(), StoreError> {
    let sql = "SELECT body FROM debt WHERE seller IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, sellers).await? {
        let debts: Debts = body(&row, 0)?;
        world.debts.load(debts.seller, Some(debts));
    }
    for seller in sellers {
        if !world.debts.knows(seller) {
            world.debts.load(*seller, None);
        }
    }
    Ok(())
}

/// What lists are made from: advances, claims, debts.
pub(crate) fn changes(changes: &Changes) -> [Statement; 3] {
    let (mut advances, mut claims, mut debts) = (Rows::new(), Rows::new(), Rows::new());
    for (trade, file) in &changes.trades {
        let Some(finance) = &file.finance else { continue };
        for claim in &finance.claims {
            claims.row().shown(&claim.id).text(trade.as_str()).shown(&claim.lender).int(claim.asked_at.micros());
        }
        let Some(advance) = &finance.advance else { continue };
        let taken = advance.taken();
        let due_at = match advance.state {
            AdvanceState::PaidOut { due_at, .. } => Some(due_at.micros()),
            _ => None,
        };
        advances
            .row()
            .text(trade.as_str())
            .text_or_null(taken.map(|o| o.lender.text()).as_deref())
            .text(advance.state.code())
            .int(advance.asked_at.micros())
            .int(advance.until.micros())
            .int_or_null(due_at)
            .int_or_null(taken.and_then(|o| o.repayment().ok()).map(Money::minor))
            .shown(&advance.due.currency());
    }
    for (seller, owed) in &changes.debts {
        debts.row().shown(seller).int(owed.left().map_or(0, Money::minor)).json(&**owed);
    }
    [
        advances.into_statement(
            "INSERT INTO advance (id, lender, state, asked_at, until, due_at, repayment, currency) \
             SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), \
             CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), value ->> 7 FROM {rows} WHERE true \
             ON CONFLICT (id) DO UPDATE SET lender = excluded.lender, state = excluded.state, \
             asked_at = excluded.asked_at, until = excluded.until, due_at = excluded.due_at, \
             repayment = excluded.repayment, currency = excluded.currency",
        ),
        claims.into_statement(
            "INSERT INTO finance_claim (id, trade, lender, asked_at) \
             SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT) FROM {rows} WHERE true \
             ON CONFLICT (id) DO UPDATE SET asked_at = excluded.asked_at",
        ),
        debts.into_statement(
            "INSERT INTO debt (seller, owed, body) SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), \
             substr($2, CAST(value ->> 2 AS INTEGER), CAST(value ->> 3 AS INTEGER)) FROM {rows} WHERE true \
             ON CONFLICT (seller) DO UPDATE SET owed = excluded.owed, body = excluded.body",
        ),
    ]
}

/// How many advances stand where, and what is to come back of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceSum {
    pub state: String,
    pub count: i64,
    pub repayment: Money,
}

impl Hub {
    /// Sales that are offered for an advance at `now`, those that end soonest first.
    pub async fn advances_asked(
        &self,
        now: BusinessTime,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<TradeFile>, StoreError> {
        let (until, id) = place(after, now.micros());
        let until = until.max(now.micros());
        let sql = "SELECT id, until, id FROM advance WHERE state = 'asked' AND until > $1 AND (until, id) > ($2, $3) \
                   ORDER BY until, id LIMIT $4";
        let query = sqlx::query::<Any>(sql).bind(now.micros()).bind(until).bind(id.to_owned());
        self.files(query, limit).await
    }

    /// What a lender has advanced, the newest first; of all lenders where none is named.
    pub async fn advances_taken(
        &self,
        lender: Option<Id<Party>>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<TradeFile>, StoreError> {
        let (asked, id) = place(after, i64::MAX);
        match lender {
            Some(lender) => {
                let sql = "SELECT id, asked_at, id FROM advance WHERE lender = $1 AND (asked_at, id) < ($2, $3) \
                           ORDER BY asked_at DESC, id DESC LIMIT $4";
                let query = sqlx::query::<Any>(sql).bind(lender.text()).bind(asked).bind(id.to_owned());
                self.files(query, limit).await
            }
            None => {
                let sql = "SELECT id, asked_at, id FROM advance WHERE lender IS NOT NULL AND (asked_at, id) < ($1, $2) \
                           ORDER BY asked_at DESC, id DESC LIMIT $3";
                self.files(sqlx::query::<Any>(sql).bind(asked).bind(id.to_owned()), limit).await
            }
        }
    }

    /// What was advanced by a lender, or by all, and did not come back with its own trade; the newest first.
    pub async fn advances_owed(
        &self,
        lender: Option<Id<Party>>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<TradeFile>, StoreError> {
        let (asked, id) = place(after, i64::MAX);
        let lender = lender.map(|lender| lender.text()).unwrap_or_default();
        let sql = "SELECT id, asked_at, id FROM advance WHERE state = 'owed' AND ($1 = '' OR lender = $1) \
                   AND (asked_at, id) < ($2, $3) ORDER BY asked_at DESC, id DESC LIMIT $4";
        self.files(sqlx::query::<Any>(sql).bind(lender).bind(asked).bind(id.to_owned()), limit).await
    }

    /// Trades for whose word a lender has asked, the newest first.
    pub async fn claims_of(
        &self,
        lender: Id<Party>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<TradeFile>, StoreError> {
        let (asked, id) = place(after, i64::MAX);
        let sql = "SELECT trade, asked_at, id FROM finance_claim WHERE lender = $1 AND (asked_at, id) < ($2, $3) \
                   ORDER BY asked_at DESC, id DESC LIMIT $4";
        self.files(sqlx::query::<Any>(sql).bind(lender.text()).bind(asked).bind(id.to_owned()), limit).await
    }

    /// Advances by state, for the operator.
    pub async fn advance_sums(&self) -> Result<Vec<AdvanceSum>, StoreError> {
        let sql = "SELECT state, COUNT(*), CAST(COALESCE(SUM(repayment), 0) AS BIGINT), currency FROM advance \
                   GROUP BY state, currency ORDER BY state, currency";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql).fetch_all(&mut *conn).await?;
        let read = |row: &AnyRow| {
            let repayment = Money::new(int(row, 2)?, parsed::<Currency>(row, 3)?);
            Ok(AdvanceSum { state: text(row, 0)?, count: int(row, 1)?, repayment })
        };
        rows.iter().map(read).collect()
    }

    /// What a seller owes lenders; `None` if it never did.
    pub async fn debts(&self, seller: Id<Party>) -> Result<Option<Debts>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM debt WHERE seller = $1").bind(seller.text());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }

    /// Sellers who owe something, the most first.
    pub async fn debtors(&self, limit: i64) -> Result<Vec<Debts>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT body FROM debt WHERE owed > 0 ORDER BY owed DESC, seller LIMIT $1";
        let rows = sqlx::query::<Any>(sql).bind(clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| body(row, 0)).collect()
    }

    /// The money of a lender at this hub's bank.
    pub async fn funds(&self, lender: Id<Party>) -> Result<AccountBalance, StoreError> {
        let account: Account = funds_of(lender, self.site().currency);
        debug_assert_eq!(account.purpose, Purpose::LenderFunds);
        let balance = self.balance(&account).await?;
        Ok(AccountBalance { account, balance })
    }

    /// What this hub's records say of a seller and its sale.
    pub async fn score_facts(
        &self,
        file: &TradeFile,
        value: Money,
        seller: &Party,
        terms: &Terms,
    ) -> Result<ScoreFacts, StoreError> {
        let filter = TradeFilter { seller: Some(seller.id), ..TradeFilter::default() };
        let most = i64::try_from(EXPORTS_LOOKED_AT).unwrap_or(i64::MAX);
        let rows = self.trades(&filter, None, most).await?;
        let files: Vec<TradeFile> = rows.items.into_iter().map(|row| row.file).collect();
        Ok(ScoreFacts::of(file, value, seller, &files, self.business_now().await?, terms))
    }

    /// Trade files by a query that wants its limit yet, whose rows name each file and its place in the
    /// list; in the order of the rows.
    async fn files(&self, query: Query<'_, Any, AnyArguments>, limit: i64) -> Result<Page<TradeFile>, StoreError> {
        let read = |row: &AnyRow| Ok(((int(row, 1)?, text(row, 2)?), parsed::<TradeId>(row, 0)?));
        let Page { items: ids, next } = self.page_of(query, limit, read, |(n, id)| format!("{n}/{id}")).await?;
        let mut found: BTreeMap<TradeId, TradeFile> =
            self.trades_by_id(&ids.iter().cloned().collect()).await?.into_iter().map(|f| (f.id.clone(), f)).collect();
        Ok(Page { items: ids.iter().filter_map(|id| found.remove(id)).collect(), next })
    }
}
