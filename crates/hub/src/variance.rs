//! What customs charged beside what was quoted, of all imports where the two differ, and of those where the law
//! of the day gave no answer: for the operator's page. Rows follow from trade files.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::escrow::Escrow;
use trade::ledger::{Account, Purpose};
use trade::money::{Currency, Money};
use trade::rulebook::ChargeKind;
use trade::trade_file::{TradeFile, TradeId};
use trade::variance::ChargedAnswer;
use trade::world::Changes;

use crate::db::{StoreError, int, parsed, text};
use crate::hub::Hub;
use crate::page::Page;
use crate::rows::{Rows, Statement};

/// In place of a kind of charge, where the law gave no answer.
const REFUSED: &str = "refused";
/// After every group there is.
const END: &str = "~";

/// All trades of one month whose charges differ from the quote in one kind by one rule pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VarianceGroup {
    /// Names the group, `2026-11/<digest>/vat`, and is handed back to have its trades.
    pub group: String,
    /// Of the legal date of the release, `2026-11`.
    pub month: String,
    /// Digest of the pack that customs charged by.
    pub pack: String,
    /// None where the law gave no answer, and `why` names the reason.
    pub charge: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    pub trades: i64,
    pub quoted: Money,
    pub charged: Money,
    /// Of these trades: charged above what was quoted.
    pub above: i64,
    /// Of these trades: the goods went back, and nothing of it stayed with the hub.
    pub given_back: i64,
}

/// One trade of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VarianceTrade {
    pub trade: TradeId,
    pub quoted: Money,
    pub charged: Money,
    /// `held` until the escrow is let go, `booked` then, `given-back` where nothing of it stays.
    pub state: String,
}

fn state(file: &TradeFile) -> &'static str {
    match &file.escrow {
        Escrow::Released { .. } | Escrow::Returned { .. } if file.variance_borne().is_none_or(Money::is_zero) => {
            "given-back"
        }
        Escrow::Released { .. } | Escrow::Returned { .. } => "booked",
        _ => "held",
    }
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, file) in &changes.trades {
        let Some(charged) = file.charged.as_deref().filter(|charged| charged.says_otherwise()) else { continue };
        let month = format!("{:04}-{:02}", charged.date.year(), charged.date.month());
        let mut row = |charge: &str, why: &str, quoted: Money, amount: Money| {
            let group = format!("{month}/{}/{charge}/{why}", charged.pack);
            rows.row()
                .text(id.as_str())
                .text(charge)
                .text(&group)
                .int(quoted.minor())
                .int(amount.minor())
                .shown(&quoted.currency())
                .text(state(file));
        };
        match &charged.answer {
            ChargedAnswer::Worked { kinds } => {
                for kind in kinds.iter().filter(|kind| kind.charged != kind.quoted) {
                    row(kind.charge.code(), "", kind.quoted, kind.charged);
                }
            }
            // The quote stands: what is charged is taken for what was quoted.
            ChargedAnswer::Refused { problem } => {
                if let Some(order) = &file.order {
                    row(REFUSED, &problem.code, order.quote.landed.tax, order.quote.landed.tax);
                }
            }
        }
    }
    rows.into_statement(
        "INSERT INTO variance (trade, charge, grp, quoted, charged, currency, state) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), \
         value ->> 5, value ->> 6 FROM {rows} WHERE true \
         ON CONFLICT (trade, charge) DO UPDATE SET grp = excluded.grp, quoted = excluded.quoted, \
         charged = excluded.charged, currency = excluded.currency, state = excluded.state",
    )
}

fn group_of(row: &AnyRow) -> Result<(String, VarianceGroup), StoreError> {
    let group = text(row, 0)?;
    let mut parts = group.splitn(4, '/').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    let (month, pack, charge, why) = (part(), part(), part(), part());
    let currency: Currency = parsed(row, 1)?;
    let item = VarianceGroup {
        group: group.clone(),
        month,
        pack,
        charge: ChargeKind::ALL.iter().any(|(code, _)| *code == charge).then_some(charge),
        why: (!why.is_empty()).then_some(why),
        trades: int(row, 2)?,
        quoted: Money::new(int(row, 3)?, currency),
        charged: Money::new(int(row, 4)?, currency),
        above: int(row, 5)?,
        given_back: int(row, 6)?,
    };
    Ok((group, item))
}

impl Hub {
    /// Variances by month, rule pack and kind of charge, the last month first.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn variances(&self, after: Option<&str>, limit: i64) -> Result<Page<VarianceGroup>, StoreError> {
        let sql = "SELECT grp, currency, COUNT(*), CAST(SUM(quoted) AS BIGINT), CAST(SUM(charged) AS BIGINT), \
                   CAST(SUM(CASE WHEN charged > quoted THEN 1 ELSE 0 END) AS BIGINT), \
                   CAST(SUM(CASE WHEN state = 'given-back' THEN 1 ELSE 0 END) AS BIGINT) \
                   FROM variance WHERE grp < $1 GROUP BY grp, currency ORDER BY grp DESC LIMIT $2";
        let query = sqlx::query::<Any>(sql).bind(after.unwrap_or(END).to_owned());
        self.page_of(query, limit, group_of, Clone::clone).await
    }

    /// The trades of one group, in the order of their ids.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn variance_trades(
        &self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Page<VarianceTrade>, StoreError> {
        let sql = "SELECT trade, currency, quoted, charged, state FROM variance WHERE grp = $1 AND trade > $2 \
                   ORDER BY trade LIMIT $3";
        let query = sqlx::query::<Any>(sql).bind(group.to_owned()).bind(after.unwrap_or_default().to_owned());
        let read = |row: &AnyRow| {
            let trade: TradeId = parsed(row, 0)?;
            let currency: Currency = parsed(row, 1)?;
            let money = |minor| Money::new(minor, currency);
            let (quoted, charged) = (money(int(row, 2)?), money(int(row, 3)?));
            Ok((trade.to_string(), VarianceTrade { trade, quoted, charged, state: text(row, 4)? }))
        };
        self.page_of(query, limit, read, Clone::clone).await
    }

    /// What the hub has lost by variances in its own currency so far, and what is held of them; less than
    /// nothing is a gain.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn variance_balance(&self) -> Result<(Money, Money), StoreError> {
        let currency = self.site().currency;
        let balance = self.balance(&Account::own(Purpose::Variance, currency)).await?;
        let held = balance.pending_debit.saturating_sub(balance.pending_credit);
        Ok((Money::new(balance.held(), currency), Money::new(held, currency)))
    }
}
