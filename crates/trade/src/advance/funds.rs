//! A lender's money at the hub's bank: comes in by the bank's notice or by the operator's word, goes
//! back by the operator's word, and in between is lent and repaid.

use serde::{Deserialize, Serialize};

use super::{available, funds_of};
use crate::codes::DocumentNo;
use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::ledger::{Account, Leg, Purpose, TRANSFER_MAX_MINOR, TransferKind};
use crate::money::{Currency, Money};
use crate::party::{Party, Role};
use crate::trade_file::TradeId;
use crate::world::{Need, NumberKey, World};

/// By what a lender's transfer to the hub's bank is recognised: `LND-` and the end of its id.
///
/// # Panics
/// Never: it is letters, digits and a dash.
#[must_use]
pub fn lender_reference(lender: Id<Party>) -> DocumentNo {
    let text = lender.text().to_uppercase();
    let end: String = text.chars().skip(text.len().saturating_sub(12)).collect();
    format!("LND-{end}").parse().expect("letters, digits and a dash")
}

/// Under what the ledger keeps movements of a lender's money that belong to no trade.
#[must_use]
pub fn lender_trade(world: &World, lender: Id<Party>) -> TradeId {
    TradeId::new(&world.site.id, &lender_reference(lender))
}

/// A lender's money has come in. The number is the bank's; told twice, it is booked once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiveFunds {
    pub lender: Id<Party>,
    pub no: DocumentNo,
    pub amount: Money,
    /// The operator who confirms it; none where the bank's own notice says so.
    #[serde(default)]
    pub by: Option<Id<Party>>,
}

/// The operator has had money that is not lent sent back to the lender, under the bank's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReturnFunds {
    pub lender: Id<Party>,
    pub no: DocumentNo,
    pub amount: Money,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum FundsRefusal {
    NotALender {
        party: Id<Party>,
    },
    NotTheOperator {
        party: Id<Party>,
    },
    AmountNotPositive {
        got: Money,
    },
    AmountTooLarge {
        got: Money,
    },
    FundsCurrency {
        expected: Currency,
        got: Currency,
    },
    /// The bank's number belongs to something else.
    FundsNumberTaken {
        no: DocumentNo,
    },
    FundsShort {
        available: Money,
        needed: Money,
    },
}

/// What both ways ask.
fn check(world: &World, lender: Id<Party>, amount: Money, by: Option<Id<Party>>) -> Result<(), FundsRefusal> {
    if !world.parties.get(&lender).is_some_and(|p| p.is(Role::Lender)) {
        return Err(FundsRefusal::NotALender { party: lender });
    }
    if let Some(party) = by.filter(|by| !world.parties.get(by).is_some_and(|p| p.is(Role::Operator))) {
        return Err(FundsRefusal::NotTheOperator { party });
    }
    let expected = world.site.currency;
    if amount.currency() != expected {
        return Err(FundsRefusal::FundsCurrency { expected, got: amount.currency() });
    }
    if !amount.is_positive() {
        return Err(FundsRefusal::AmountNotPositive { got: amount });
    }
    if amount.minor() > TRANSFER_MAX_MINOR {
        return Err(FundsRefusal::AmountTooLarge { got: amount });
    }
    Ok(())
}

/// Whether this number was booked before, for this lender.
fn is_booked(world: &World, no: &DocumentNo, lender: Id<Party>) -> Result<bool, FundsRefusal> {
    match world.numbers.get(&NumberKey::payment(no.as_str())) {
        None => Ok(false),
        Some(trade) if *trade == lender_trade(world, lender) => Ok(true),
        Some(_) => Err(FundsRefusal::FundsNumberTaken { no: no.clone() }),
    }
}

impl Decide for ReceiveFunds {
    /// What the lender has now that is not lent.
    type Answer = Money;
    type Refusal = FundsRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.lender).number(NumberKey::payment(self.no.as_str()));
        need.account(funds_of(self.lender, self.amount.currency()));
        if let Some(by) = self.by {
            need.party(by);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Money, FundsRefusal> {
        check(world, self.lender, self.amount, self.by)?;
        let (currency, trade) = (self.amount.currency(), lender_trade(world, self.lender));
        let funds = funds_of(self.lender, currency);
        if !is_booked(world, &self.no, self.lender)? {
            let bank = Account::own(Purpose::Bank, currency);
            world.transfer(&trade, Leg::FundsIn, TransferKind::Posted, bank, funds.clone(), self.amount);
            let received =
                Happened::FundsReceived { lender: self.lender, no: self.no.to_string(), amount: self.amount };
            world.happened(None, None, received);
            world.numbers.put(NumberKey::payment(self.no.as_str()), trade);
        }
        Ok(Money::new(available(world.balance(&funds)), currency))
    }
}

impl Decide for ReturnFunds {
    /// What the lender has left that is not lent.
    type Answer = Money;
    type Refusal = FundsRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.lender).party(self.by).number(NumberKey::payment(self.no.as_str()));
        need.account(funds_of(self.lender, self.amount.currency()));
    }

    fn decide(&self, world: &mut World) -> Result<Money, FundsRefusal> {
        check(world, self.lender, self.amount, Some(self.by))?;
        let (currency, trade) = (self.amount.currency(), lender_trade(world, self.lender));
        let funds = funds_of(self.lender, currency);
        if !is_booked(world, &self.no, self.lender)? {
            let available = Money::new(available(world.balance(&funds)), currency);
            if available.minor() < self.amount.minor() {
                return Err(FundsRefusal::FundsShort { available, needed: self.amount });
            }
            let bank = Account::own(Purpose::Bank, currency);
            world.transfer(&trade, Leg::FundsOut, TransferKind::Posted, funds.clone(), bank, self.amount);
            let returned =
                Happened::FundsReturned { lender: self.lender, no: self.no.to_string(), amount: self.amount };
            world.happened(None, None, returned);
            world.numbers.put(NumberKey::payment(self.no.as_str()), trade);
        }
        Ok(Money::new(available(world.balance(&funds)), currency))
    }
}
