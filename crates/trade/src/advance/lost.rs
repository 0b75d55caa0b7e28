//! After a declared loss: this hub told its peer that it had financed an invoice by an advance of its
//! own, and to whom and how much was known to the lost part alone. The proceeds are not paid to the
//! seller as if nothing had been advanced: they wait until the operator has said, from the papers of
//! lender, seller and bank, what the advance was.

use serde::{Deserialize, Serialize};

use super::{Advance, AdvanceOffer, AdvanceState, available, funds_of, take};
use crate::command::Decide;
use crate::escrow::{self, EscrowRefusal};
use crate::financing::{Claim, Held};
use crate::id::Id;
use crate::money::{Money, MoneyError, Rate};
use crate::party::{Party, Role};
use crate::site::Site;
use crate::time::Days;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// Whether an advance of this hub's own stands on the file of which nothing else is known.
#[must_use]
pub fn is_lost(site: &Site, file: &TradeFile) -> bool {
    let is_own = |held: &Held| held.is_financed() && held.claim == Claim::own(site, &file.id);
    file.side == Side::Export
        && file.held_word().is_some_and(is_own)
        && file.advance().is_none_or(|advance| advance.state.offer().is_none())
}

/// The operator says what an advance was that is lost. If the proceeds have come meanwhile, they are
/// divided now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestoreAdvance {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub lender: Id<Party>,
    pub amount: Money,
    pub fee: Money,
    pub tenor: Days,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RestoreRefusal {
    NotTheOperator {
        party: Id<Party>,
    },
    NotALender {
        party: Id<Party>,
    },
    TradeUnknown {
        trade: TradeId,
    },
    /// No advance of this trade is lost.
    NoAdvanceLost,
    AmountNotPositive {
        got: Money,
    },
    /// With its fee it is more than what the seller gets.
    RepaymentTooLarge {
        due: Money,
        got: Money,
    },
    FundsShort {
        available: Money,
        needed: Money,
    },
    /// The proceeds could not be divided.
    #[serde(untagged)]
    Escrow(EscrowRefusal),
    #[serde(untagged)]
    Money(MoneyError),
}

impl From<MoneyError> for RestoreRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl From<EscrowRefusal> for RestoreRefusal {
    fn from(error: EscrowRefusal) -> Self {
        Self::Escrow(error)
    }
}

impl Decide for RestoreAdvance {
    type Answer = Advance;
    type Refusal = RestoreRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by).party(self.lender);
        need.account(funds_of(self.lender, self.amount.currency()));
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        if let Some(seller) = seller_of(world, &self.trade) {
            need.debts(seller);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Advance, RestoreRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Operator)) {
            return Err(RestoreRefusal::NotTheOperator { party: self.by });
        }
        if !world.parties.get(&self.lender).is_some_and(|p| p.is(Role::Lender)) {
            return Err(RestoreRefusal::NotALender { party: self.lender });
        }
        let unknown = || RestoreRefusal::TradeUnknown { trade: self.trade.clone() };
        let mut file = world.trades.get(&self.trade).cloned().ok_or_else(unknown)?;
        let seller = seller_of(world, &self.trade).ok_or_else(unknown)?;
        if !is_lost(&world.site, &file) {
            return Err(RestoreRefusal::NoAdvanceLost);
        }
        if !self.amount.is_positive() || self.fee.minor() < 0 {
            return Err(RestoreRefusal::AmountNotPositive { got: self.amount });
        }
        let due = escrow::proceeds_of(world, &file)?.rest;
        let offer = AdvanceOffer {
            id: Id::derived(world.now, &format!("{}/restored", self.trade)),
            lender: self.lender,
            amount: self.amount,
            fee_rate: Rate::ZERO,
            fee: self.fee,
            tenor: self.tenor,
            offered_at: world.now,
        };
        let got = offer.repayment()?;
        if got.compare(due)?.is_gt() {
            return Err(RestoreRefusal::RepaymentTooLarge { due, got });
        }
        // The bank's notices of the lender's money are taken in again first.
        let available = Money::new(available(world.balance(&funds_of(self.lender, due.currency()))), due.currency());
        if available.minor() < self.amount.minor() {
            return Err(RestoreRefusal::FundsShort { available, needed: self.amount });
        }
        let advance = Advance {
            asked_at: world.now,
            until: world.now,
            due,
            claim: Claim::own(&world.site, &self.trade),
            score: None,
            offers: vec![offer.clone()],
            state: AdvanceState::Asked,
        };
        file.with_finance(|finance| finance.advance = Some(advance));
        // Its payout has the number by which the bank has executed it: the bank's notice, taken in
        // again, confirms it.
        take(world, &mut file, seller, &offer);
        escrow::pay_what_waits(world, &mut file, seller)?;
        let restored = file.advance().cloned().ok_or(RestoreRefusal::NoAdvanceLost)?;
        world.trades.put(self.trade.clone(), file);
        Ok(restored)
    }
}

fn seller_of(world: &World, trade: &TradeId) -> Option<Id<Party>> {
    world.trades.get(trade)?.order.as_ref()?.seller
}
