//! The ledger: transfers are appended, balances kept beside them, and the audit that they agree.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection};
use trade::ledger::{Account, Balance, Leg, Transfer, TransferKind};
use trade::money::{Currency, Money};
use trade::time::BusinessTime;
use trade::trade_file::TradeId;
use trade::world::{Changes, World};

use crate::db::{Db, StoreError, int, parsed, text};
use crate::hub::Hub;
use crate::page::clamp;
use crate::rows::{Rows, Statement, by_keys};

pub(crate) async fn load(
    db: &Db,
    conn: &mut AnyConnection,
    accounts: &BTreeSet<Account>,
    world: &mut World,
) -> Result<(), StoreError> {
    for account in accounts {
        world.load_balance(account.clone(), Balance::default());
    }
    let sql = "SELECT id, debit, credit, pending_debit, pending_credit FROM account \
               WHERE id IN (SELECT value ->> 0 FROM {rows})";
    for row in by_keys(db, conn, sql, accounts).await? {
        let (account, balance) = account_row(&row)?;
        world.load_balance(account, balance);
    }
    Ok(())
}

fn account_row(row: &AnyRow) -> Result<(Account, Balance), StoreError> {
    let balance = Balance {
        debit: int(row, 1)?,
        credit: int(row, 2)?,
        pending_debit: int(row, 3)?,
        pending_credit: int(row, 4)?,
    };
    Ok((parsed(row, 0)?, balance))
}

/// The transfers of a batch, numbered from `first_seq`, and what they add to balances, in order of
/// accounts: whoever locks several locks them in the same order.
pub(crate) fn changes(changes: &Changes, first_seq: i64) -> [Statement; 2] {
    let mut rows = Rows::new();
    let mut sums: BTreeMap<String, (Currency, Balance)> = BTreeMap::new();
    for (seq, t) in (first_seq..).zip(&changes.transfers) {
        let (debit, credit) = (t.debit.to_string(), t.credit.to_string());
        rows.row()
            .int(seq)
            .text(t.trade.as_str())
            .text(t.leg.code())
            .text(t.kind.code())
            .text(&debit)
            .text(&credit)
            .int(t.amount.minor())
            .shown(&t.amount.currency())
            .int(t.at.micros());
        for (id, account) in [(debit, &t.debit), (credit, &t.credit)] {
            let sum = sums.entry(id).or_insert((account.currency, Balance::default()));
            sum.1 = sum.1.after(account, t);
        }
    }
    let transfers = rows.into_statement(
        "INSERT INTO transfer (seq, trade, leg, kind, debit, credit, amount, currency, at) \
         SELECT CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
         CAST(value ->> 6 AS BIGINT), value ->> 7, CAST(value ->> 8 AS BIGINT) FROM {rows}",
    );
    let mut rows = Rows::new();
    for (id, (currency, sum)) in &sums {
        rows.row()
            .text(id)
            .shown(currency)
            .int(sum.debit)
            .int(sum.credit)
            .int(sum.pending_debit)
            .int(sum.pending_credit);
    }
    let balances = rows.into_statement(
        "INSERT INTO account (id, currency, debit, credit, pending_debit, pending_credit) \
         SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
         CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET debit = account.debit + excluded.debit, \
         credit = account.credit + excluded.credit, \
         pending_debit = account.pending_debit + excluded.pending_debit, \
         pending_credit = account.pending_credit + excluded.pending_credit",
    );
    [transfers, balances]
}

pub(crate) async fn next_seq(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = sqlx::query::<Any>("SELECT COALESCE(MAX(seq), 0) + 1 FROM transfer").fetch_one(conn).await?;
    int(&row, 0)
}

/// An account with its balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountBalance {
    pub account: Account,
    pub balance: Balance,
}

/// An account whose stored balance is not what its transfers give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub account: Account,
    pub stored: Balance,
    pub computed: Balance,
}

/// Sums of all accounts of a currency: posted and pending, each equal on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencySum {
    pub currency: Currency,
    pub sum: Balance,
}

impl CurrencySum {
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.sum.debit == self.sum.credit && self.sum.pending_debit == self.sum.pending_credit
    }
}

/// More made good or let go than was pending, of one trade, leg and pair of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingFault {
    pub trade: TradeId,
    pub leg: Leg,
    pub pending: Money,
    pub resolved: Money,
}

/// What the audit of the ledger found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub transfers: i64,
    pub accounts: usize,
    pub currencies: Vec<CurrencySum>,
    pub differences: Vec<Difference>,
    pub pending_faults: Vec<PendingFault>,
    /// Transfers are numbered from 1 without gaps, so none was taken out.
    pub missing: i64,
}

impl Audit {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.differences.is_empty()
            && self.pending_faults.is_empty()
            && self.missing == 0
            && self.currencies.iter().all(CurrencySum::is_balanced)
    }
}

/// The first so many faults say enough.
const FAULTS_MAX: i64 = 100;

impl Hub {
    /// Recomputes every balance from the transfers, in one moment, and compares.
    pub async fn audit_ledger(&self) -> Result<Audit, StoreError> {
        let mut conn = self.db().reader().await?;
        let mut tx = self.db().snapshot(&mut conn).await?;
        let row =
            sqlx::query::<Any>("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM transfer").fetch_one(&mut *tx).await?;
        let (transfers, last) = (int(&row, 0)?, int(&row, 1)?);
        let stored = all_balances(&mut tx).await?;
        let computed = computed_balances(&mut tx).await?;
        let pending_faults = pending_faults(&mut tx).await?;
        tx.rollback().await?;
        let names: BTreeSet<&Account> = stored.keys().chain(computed.keys()).collect();
        let mut differences = Vec::new();
        let mut sums: BTreeMap<Currency, Balance> = BTreeMap::new();
        for account in &names {
            let stored = stored.get(*account).copied().unwrap_or_default();
            let computed = computed.get(*account).copied().unwrap_or_default();
            if stored != computed {
                differences.push(Difference { account: (*account).clone(), stored, computed });
            }
            let sum = sums.entry(account.currency).or_default();
            sum.debit += stored.debit;
            sum.credit += stored.credit;
            sum.pending_debit += stored.pending_debit;
            sum.pending_credit += stored.pending_credit;
        }
        let currencies = sums.into_iter().map(|(currency, sum)| CurrencySum { currency, sum }).collect();
        Ok(Audit {
            transfers,
            accounts: names.len(),
            currencies,
            differences,
            pending_faults,
            missing: last - transfers,
        })
    }

    pub async fn balance(&self, account: &Account) -> Result<Balance, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT id, debit, credit, pending_debit, pending_credit FROM account WHERE id = $1";
        let row = sqlx::query::<Any>(sql).bind(account.to_string()).fetch_optional(&mut *conn).await?;
        Ok(row.map(|row| account_row(&row)).transpose()?.map(|(_, balance)| balance).unwrap_or_default())
    }

    /// All accounts in order of their names, after one and as many as asked for.
    pub async fn balances(&self, after: Option<&str>, limit: i64) -> Result<Vec<AccountBalance>, StoreError> {
        let sql =
            "SELECT id, debit, credit, pending_debit, pending_credit FROM account WHERE id > $1 ORDER BY id LIMIT $2";
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>(sql).bind(after.unwrap_or_default().to_owned()).bind(clamp(limit));
        let rows = query.fetch_all(&mut *conn).await?;
        rows.iter()
            .map(account_row)
            .map(|row| row.map(|(account, balance)| AccountBalance { account, balance }))
            .collect()
    }

    /// What is due to each peer and from each peer, by currency.
    pub async fn settlement(&self) -> Result<Vec<AccountBalance>, StoreError> {
        // `due-to/…` and `due-from/…`: '.' is the character after '-'.
        let sql = "SELECT id, debit, credit, pending_debit, pending_credit FROM account \
                   WHERE id >= 'due-' AND id < 'due.' ORDER BY id";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql).fetch_all(&mut *conn).await?;
        rows.iter()
            .map(account_row)
            .map(|row| row.map(|(account, balance)| AccountBalance { account, balance }))
            .collect()
    }

    /// All transfers of a trade, in the order in which they were made.
    pub async fn transfers_of(&self, trade: &TradeId) -> Result<Vec<Transfer>, StoreError> {
        let sql =
            "SELECT trade, leg, kind, debit, credit, amount, currency, at FROM transfer WHERE trade = $1 ORDER BY seq";
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>(sql).bind(trade.as_str().to_owned()).fetch_all(&mut *conn).await?;
        rows.iter().map(transfer_row).collect()
    }
}

fn transfer_row(row: &AnyRow) -> Result<Transfer, StoreError> {
    let (leg, kind) = (text(row, 1)?, text(row, 2)?);
    Ok(Transfer {
        trade: parsed(row, 0)?,
        leg: Leg::from_code(&leg).ok_or_else(|| StoreError::damaged(leg))?,
        kind: TransferKind::from_code(&kind).ok_or_else(|| StoreError::damaged(kind))?,
        debit: parsed(row, 3)?,
        credit: parsed(row, 4)?,
        amount: Money::new(int(row, 5)?, parsed(row, 6)?),
        at: BusinessTime::from_micros(int(row, 7)?),
    })
}

async fn all_balances(conn: &mut AnyConnection) -> Result<BTreeMap<Account, Balance>, StoreError> {
    let sql = "SELECT id, debit, credit, pending_debit, pending_credit FROM account";
    sqlx::query::<Any>(sql).fetch_all(conn).await?.iter().map(account_row).collect()
}

/// Sums by account, side and kind, put together by the same rule as the lane's.
async fn computed_balances(conn: &mut AnyConnection) -> Result<BTreeMap<Account, Balance>, StoreError> {
    let mut balances: BTreeMap<Account, Balance> = BTreeMap::new();
    for (sql, is_debit) in [
        ("SELECT debit, kind, CAST(SUM(amount) AS BIGINT) FROM transfer GROUP BY debit, kind", true),
        ("SELECT credit, kind, CAST(SUM(amount) AS BIGINT) FROM transfer GROUP BY credit, kind", false),
    ] {
        for row in sqlx::query::<Any>(sql).fetch_all(&mut *conn).await? {
            let (account, kind, sum): (Account, String, i64) = (parsed(&row, 0)?, text(&row, 1)?, int(&row, 2)?);
            let kind = TransferKind::from_code(&kind).ok_or_else(|| StoreError::damaged(kind))?;
            let (posted, pending) = match kind {
                TransferKind::Posted => (sum, 0),
                TransferKind::Pending => (0, sum),
                TransferKind::PostPending => (sum, -sum),
                TransferKind::VoidPending => (0, -sum),
            };
            let balance = balances.entry(account).or_default();
            if is_debit {
                balance.debit += posted;
                balance.pending_debit += pending;
            } else {
                balance.credit += posted;
                balance.pending_credit += pending;
            }
        }
    }
    Ok(balances)
}

async fn pending_faults(conn: &mut AnyConnection) -> Result<Vec<PendingFault>, StoreError> {
    let sql = "SELECT trade, leg, currency, \
               CAST(SUM(CASE WHEN kind = 'pending' THEN amount ELSE 0 END) AS BIGINT), \
               CAST(SUM(CASE WHEN kind = 'pending' THEN 0 ELSE amount END) AS BIGINT) \
               FROM transfer WHERE kind <> 'posted' GROUP BY trade, leg, debit, credit, currency \
               HAVING SUM(CASE WHEN kind = 'pending' THEN amount ELSE 0 - amount END) < 0 ORDER BY trade, leg LIMIT $1";
    let rows = sqlx::query::<Any>(sql).bind(FAULTS_MAX).fetch_all(conn).await?;
    let read = |row: &AnyRow| {
        let (leg, currency) = (text(row, 1)?, parsed(row, 2)?);
        Ok(PendingFault {
            trade: parsed(row, 0)?,
            leg: Leg::from_code(&leg).ok_or_else(|| StoreError::damaged(leg))?,
            pending: Money::new(int(row, 3)?, currency),
            resolved: Money::new(int(row, 4)?, currency),
        })
    };
    rows.iter().map(read).collect()
}
