//! Debts: what a seller owes lenders of trades that brought no money, or too little. The next proceeds
//! of that seller pay them first, the oldest first.

use serde::{Deserialize, Serialize};

use crate::event::Happened;
use crate::id::Id;
use crate::ledger::{Account, Leg, Purpose, TransferKind};
use crate::money::{Money, MoneyError};
use crate::party::Party;
use crate::time::BusinessTime;
use crate::trade_file::TradeId;
use crate::world::World;

/// All that one seller owes on this hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debts {
    pub seller: Id<Party>,
    /// In the order in which they came about; those that are paid stay, with nothing left.
    pub debts: Vec<Debt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// The trade whose advance it was.
    pub trade: TradeId,
    pub lender: Id<Party>,
    pub amount: Money,
    pub left: Money,
    pub since: BusinessTime,
}

impl Debts {
    /// What is left to be paid of them, in one currency.
    #[must_use]
    pub fn left(&self) -> Option<Money> {
        let first = self.debts.first()?;
        crate::money::sum(first.left.currency(), self.debts.iter().map(|d| d.left)).ok()
    }
}

/// An advance was not repaid in full by its own trade: the seller owes the rest.
pub fn owe(world: &mut World, seller: Id<Party>, debt: Debt) {
    let known = world.debts.get(&seller).cloned();
    let mut debts = known.unwrap_or(Debts { seller, debts: Vec::new() });
    // Told twice it is owed once.
    if debts.debts.iter().any(|d| d.trade == debt.trade) {
        return;
    }
    world.happened(Some(&debt.trade), None, Happened::AdvanceOwed { owed: debt.left });
    debts.debts.push(debt);
    world.debts.put(seller, debts);
}

/// Pays what the seller owes out of what a trade has brought; what is left is the seller's.
pub fn pay_first(world: &mut World, trade: &TradeId, seller: Id<Party>, rest: Money) -> Result<Money, MoneyError> {
    let Some(mut debts) = world.debts.get(&seller).cloned() else { return Ok(rest) };
    let mut left = rest;
    for debt in &mut debts.debts {
        if debt.left.currency() != left.currency() {
            continue;
        }
        let pay = if debt.left.compare(left)?.is_lt() { debt.left } else { left };
        if !pay.is_positive() {
            continue;
        }
        let proceeds = Account::own(Purpose::Proceeds, pay.currency());
        let funds = Account::with(Purpose::LenderFunds, &debt.lender, pay.currency());
        world.transfer(trade, Leg::DebtRepaid, TransferKind::Posted, proceeds, funds, pay);
        world.happened(Some(trade), None, Happened::DebtRepaid { of: debt.trade.clone(), amount: pay });
        debt.left = debt.left.minus(pay)?;
        left = left.minus(pay)?;
    }
    if left != rest {
        world.debts.put(seller, debts);
    }
    Ok(left)
}
