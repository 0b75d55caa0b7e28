//! Payouts: money leaves the hub in a bank's own format, and is gone only when the bank says so.

use serde::{Deserialize, Serialize};

use crate::advance;
use crate::checkpoint::Epoch;
use crate::codes::DocumentNo;
use crate::command::Decide;
use crate::event::Happened;
use crate::id::{Id, Noun};
use crate::ledger::{Account, Leg, Purpose, TransferKind};
use crate::money::Money;
use crate::party::Party;
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, NumberKey, World};

impl Noun for Payout {
    const PREFIX: &'static str = "pay";
}

/// One payment out, to a seller or back to a payer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    pub id: Id<Payout>,
    pub kind: PayoutKind,
    /// The account that it comes out of.
    pub from: Purpose,
    pub amount: Money,
    pub due_at: BusinessTime,
    pub state: PayoutState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PayoutKind {
    Proceeds {
        seller: Id<Party>,
    },
    /// A lender's money, ahead of the proceeds.
    Advance {
        seller: Id<Party>,
    },
    /// Back where the payment came from, by its number.
    Refund {
        payment: DocumentNo,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PayoutState {
    Due,
    Instructed { file: String, at: BusinessTime },
    Done { bank_reference: String, at: BusinessTime },
}

impl Payout {
    #[must_use]
    pub fn new(now: BusinessTime, file: &TradeFile, kind: PayoutKind, from: Purpose, amount: Money) -> Self {
        let what = match &kind {
            PayoutKind::Proceeds { .. } => "proceeds",
            PayoutKind::Advance { .. } => "advance",
            PayoutKind::Refund { payment } => payment.as_str(),
        };
        // By the day of the quote, which both hubs and every copy of this one know: a payout that
        // comes about again after a loss has the number by which the bank has executed it.
        let day = file.order.as_ref().map_or(BusinessTime::from_micros(0), |order| order.quote.asked_at);
        let id = Id::derived(day, &format!("{}/{what}", file.id));
        Self { id, kind, from, amount, due_at: now, state: PayoutState::Due }
    }

    /// What was instructed is held already; what was not goes at once.
    const fn how_it_is_booked(&self) -> TransferKind {
        match self.state {
            PayoutState::Instructed { .. } => TransferKind::PostPending,
            PayoutState::Due | PayoutState::Done { .. } => TransferKind::Posted,
        }
    }

    fn leg(&self) -> Leg {
        match self.kind {
            PayoutKind::Proceeds { .. } => Leg::Payout,
            PayoutKind::Advance { .. } => Leg::AdvancePayout,
            PayoutKind::Refund { .. } => Leg::Refund,
        }
    }

    fn accounts(&self) -> (Account, Account) {
        let currency = self.amount.currency();
        let from = match &self.kind {
            PayoutKind::Proceeds { seller } | PayoutKind::Advance { seller } => {
                Account::with(self.from, seller, currency)
            }
            PayoutKind::Refund { .. } => Account::own(self.from, currency),
        };
        (from, Account::own(Purpose::Bank, currency))
    }
}

/// The bank names payouts by their id alone.
fn claim(world: &mut World, trade: &TradeId, payout: Id<Payout>) {
    world.numbers.put(NumberKey::payout(&payout), trade.clone());
}

/// The hub puts due payouts into one file for the bank, all of them or none. The number is chosen
/// by whoever asks for the file: asked for again, it is the same file, and nothing is added to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstructPayouts {
    /// The file that they go out with (pain.001 message id, at most 35 characters).
    pub file: DocumentNo,
    pub payouts: Vec<PayoutRef>,
}

/// A payout by the trade that it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PayoutRef {
    pub trade: TradeId,
    pub payout: Id<Payout>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructed {
    pub file: DocumentNo,
    /// Payouts that this command put into it.
    pub count: usize,
}

/// pain.001 `MsgId` is a Max35Text.
pub const FILE_NUMBER_MAX: usize = 35;

/// The bank has executed it: camt.054 debit entry, with the payout's id as end-to-end reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfirmPayout {
    pub trade: TradeId,
    pub payout: Id<Payout>,
    pub amount: Money,
    pub bank_reference: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PayoutRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    PayoutUnknown {
        payout: Id<Payout>,
    },
    /// All of them went out with other files already, or none was named.
    NothingDue,
    FileNumber {
        got: DocumentNo,
        max: usize,
    },
    NotInstructed {
        payout: Id<Payout>,
    },
    PayoutAmount {
        expected: Money,
        got: Money,
    },
}

fn with_payout<T>(
    world: &mut World,
    trade: &TradeId,
    payout: Id<Payout>,
    act: impl FnOnce(&mut World, &mut TradeFile, usize) -> Result<T, PayoutRefusal>,
) -> Result<T, PayoutRefusal> {
    let Some(mut file) = world.trades.get(trade).cloned() else {
        return Err(PayoutRefusal::TradeUnknown { trade: trade.clone() });
    };
    let Some(at) = file.payouts.iter().position(|p| p.id == payout) else {
        return Err(PayoutRefusal::PayoutUnknown { payout });
    };
    let answer = act(world, &mut file, at)?;
    world.trades.put(trade.clone(), file);
    Ok(answer)
}

impl Decide for InstructPayouts {
    type Answer = Instructed;
    type Refusal = PayoutRefusal;

    fn reads(&self, need: &mut Need) {
        need.number(NumberKey::payout_file(&self.file));
        for PayoutRef { trade, payout } in &self.payouts {
            need.trade(trade).number(NumberKey::payout(payout));
        }
    }

    fn decide(&self, world: &mut World) -> Result<Instructed, PayoutRefusal> {
        if self.file.as_str().len() > FILE_NUMBER_MAX {
            return Err(PayoutRefusal::FileNumber { got: self.file.clone(), max: FILE_NUMBER_MAX });
        }
        let key = NumberKey::payout_file(&self.file);
        if world.numbers.get(&key).is_some() {
            return Ok(Instructed { file: self.file.clone(), count: 0 });
        }
        let mut count = 0;
        for PayoutRef { trade, payout } in &self.payouts {
            let taken = with_payout(world, trade, *payout, |world, file, at| {
                Ok(instruct(world, &mut file.payouts[at], trade, &self.file))
            })?;
            if taken {
                count += 1;
                world.numbers.put(key.clone(), trade.clone());
            }
        }
        if count == 0 { Err(PayoutRefusal::NothingDue) } else { Ok(Instructed { file: self.file.clone(), count }) }
    }
}

/// Whether it was due; one that another file took first is in that one.
fn instruct(world: &mut World, payout: &mut Payout, trade: &TradeId, file: &DocumentNo) -> bool {
    if payout.state != PayoutState::Due {
        return false;
    }
    let (from, bank) = payout.accounts();
    world.transfer(trade, payout.leg(), TransferKind::Pending, from, bank, payout.amount);
    payout.state = PayoutState::Instructed { file: file.to_string(), at: world.now };
    claim(world, trade, payout.id);
    let what = Happened::PayoutInstructed { payout: payout.id, file: file.to_string() };
    world.happened(Some(trade), None, what);
    true
}

impl Decide for ConfirmPayout {
    type Answer = Payout;
    type Refusal = PayoutRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Payout, PayoutRefusal> {
        with_payout(world, &self.trade, self.payout, |world, file, at| {
            let payout = &mut file.payouts[at];
            match &payout.state {
                // After a declared loss the bank knows of instructions that this hub does not.
                PayoutState::Due if world.site.road.epoch > Epoch::FIRST => {}
                PayoutState::Due => return Err(PayoutRefusal::NotInstructed { payout: self.payout }),
                PayoutState::Instructed { .. } => {}
                PayoutState::Done { .. } => return Ok(payout.clone()),
            }
            if payout.amount != self.amount {
                return Err(PayoutRefusal::PayoutAmount { expected: payout.amount, got: self.amount });
            }
            let (from, bank) = payout.accounts();
            let kind = payout.how_it_is_booked();
            world.transfer(&self.trade, payout.leg(), kind, from, bank, payout.amount);
            payout.state = PayoutState::Done { bank_reference: self.bank_reference.clone(), at: world.now };
            let done = payout.clone();
            world.happened(Some(&self.trade), None, Happened::PayoutDone { payout: done.id });
            if matches!(done.kind, PayoutKind::Advance { .. }) {
                advance::paid_out(file, world.now);
            }
            if file.side == Side::Export && matches!(done.kind, PayoutKind::Proceeds { .. }) {
                file.closed = Some(Closed::Paid { at: world.now });
                world.happened(Some(&self.trade), file.peer.as_ref(), Happened::SellerPaid);
            }
            Ok(done)
        })
    }
}

/// This hub told that the seller has the money, in what it has lost since: it is not paid again.
pub fn recall(world: &mut World, file: &mut TradeFile, at: BusinessTime) {
    file.closed = Some(Closed::Paid { at });
    let trade = file.id.clone();
    for payout in &mut file.payouts {
        let is_open = !matches!(payout.state, PayoutState::Done { .. });
        if is_open && matches!(payout.kind, PayoutKind::Proceeds { .. }) {
            let (from, bank) = payout.accounts();
            let kind = payout.how_it_is_booked();
            world.transfer(&trade, payout.leg(), kind, from, bank, payout.amount);
            payout.state = PayoutState::Done { bank_reference: String::new(), at };
            world.happened(Some(&trade), None, Happened::PayoutDone { payout: payout.id });
        }
    }
}
