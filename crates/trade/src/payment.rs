//! Payments: what the bank or the payment firm says has come in for an order.
//!
//! A credit is a fact: the money is there, whatever is wrong with it. What fits funds the escrow;
//! what names an order not known yet is parked until it comes; what does not fit is set aside with
//! its reason and goes back to the payer.

use serde::{Deserialize, Serialize};

use crate::clearance;
use crate::codes::DocumentNo;
use crate::command::Decide;
use crate::escrow::Escrow;
use crate::event::Happened;
use crate::ledger::{Account, Leg, Purpose, TRANSFER_MAX_MINOR, TransferKind};
use crate::money::{Currency, Money};
use crate::party::{PersonTag, PersonTags};
use crate::payout::{Payout, PayoutKind, PayoutState};
use crate::returns::Return;
use crate::terms::DepositOffer;
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, NumberKey, World};

/// How the credit was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentChannel {
    /// ISO 20022 camt.054 from the bank.
    Camt054,
    /// A payment firm's signed webhook.
    Webhook,
    /// This hub told its peer that the money is secured, and has lost by which payment; see [`recall`].
    Recalled,
}

impl PaymentChannel {
    #[must_use]
    pub const fn is_recalled(self) -> bool {
        matches!(self, Self::Recalled)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment firm's or bank's own number of the payment.
    pub no: DocumentNo,
    pub amount: Money,
    pub payer: PersonTags,
    pub channel: PaymentChannel,
    pub at: BusinessTime,
    pub fate: Fate,
}

/// What became of a credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "kebab-case")]
pub enum Fate {
    /// Waits for its order.
    Parked,
    Applied {
        at: BusinessTime,
    },
    /// Goes back to the payer.
    SetAside {
        fault: PaymentFault,
        at: BusinessTime,
    },
}

/// Why a credit does not fund its order. Checked in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PaymentFault {
    /// The order came to nothing before the money came.
    OrderClosed,
    AlreadyPaid {
        by: String,
    },
    CurrencyDiffers {
        expected: Currency,
        got: Currency,
    },
    AmountDiffers {
        expected: Money,
        got: Money,
    },
    /// Buyer and payer must be the same person (GACC 26/2016).
    PayerDiffers,
    /// No order of this number came within the time a credit may wait.
    NoOrder,
}

/// A credit has come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceivePayment {
    /// The order that the payer named.
    pub trade: TradeId,
    pub no: DocumentNo,
    pub amount: Money,
    pub payer: PersonTags,
    pub channel: PaymentChannel,
}

/// A credit is never turned away: what happened to it is the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentAnswer {
    pub trade: TradeId,
    pub no: DocumentNo,
    #[serde(flatten)]
    pub fate: Fate,
    /// The same message had come before; nothing was done again.
    pub again: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PaymentRefusal {
    AmountNotPositive {
        got: Money,
    },
    /// Beyond what one transfer moves.
    AmountTooLarge {
        got: Money,
    },
    /// This number came before with other contents; a payment does not change.
    PaymentNumberTaken {
        payment: String,
        trade: TradeId,
    },
    /// Payments belong on the importing hub.
    NotHere {
        trade: TradeId,
    },
}

impl Decide for ReceivePayment {
    type Answer = PaymentAnswer;
    type Refusal = PaymentRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).number(NumberKey::payment(self.no.as_str()));
    }

    fn decide(&self, world: &mut World) -> Result<PaymentAnswer, PaymentRefusal> {
        if !self.amount.is_positive() {
            return Err(PaymentRefusal::AmountNotPositive { got: self.amount });
        }
        if self.amount.minor() > TRANSFER_MAX_MINOR {
            return Err(PaymentRefusal::AmountTooLarge { got: self.amount });
        }
        if self.trade.importer() != world.site.id.as_str() {
            return Err(PaymentRefusal::NotHere { trade: self.trade.clone() });
        }
        let number = NumberKey::payment(self.no.as_str());
        if let Some(trade) = world.numbers.get(&number).cloned() {
            return self.again(world, &trade);
        }
        let mut file = world
            .trades
            .get(&self.trade)
            .cloned()
            .unwrap_or_else(|| TradeFile::new(self.trade.clone(), Side::Import, world.now));
        let payment = Payment {
            no: self.no.clone(),
            amount: self.amount,
            payer: self.payer.clone(),
            channel: self.channel,
            at: world.now,
            fate: Fate::Parked,
        };
        let received = Happened::PaymentReceived { payment: self.no.to_string(), amount: self.amount };
        world.happened(Some(&self.trade), None, received);
        if let Some(fate) = self.known_but_for_its_number(&mut file) {
            let applied = file.applied_payments().find(|payment| payment.no == self.no).cloned();
            let back = applied.and_then(|payment| Some(Payment { amount: goes_back(&file, &payment)?, ..payment }));
            if let Some(payment) = back {
                give_back(world, &mut file, &payment);
            }
            clearance::advance(world, &mut file);
            world.numbers.put(number, self.trade.clone());
            world.trades.put(self.trade.clone(), file);
            return Ok(PaymentAnswer { trade: self.trade.clone(), no: self.no.clone(), fate, again: true });
        }
        let fate = settle_fate(world, &mut file, payment, Account::own(Purpose::Bank, self.amount.currency()));
        clearance::advance(world, &mut file);
        world.numbers.put(number, self.trade.clone());
        world.trades.put(self.trade.clone(), file);
        Ok(PaymentAnswer { trade: self.trade.clone(), no: self.no.clone(), fate, again: false })
    }
}

impl ReceivePayment {
    /// The payment that was booked again after a loss without its number: its notice comes once more,
    /// and nothing moves.
    fn known_but_for_its_number(&self, file: &mut TradeFile) -> Option<Fate> {
        let buyer = file.order.as_ref().and_then(|o| o.buyer.as_ref()).map(|b| b.tags.clone());
        let is_payer = buyer.is_none_or(|tags| tags.same_person(&self.payer));
        let is_it = |p: &&mut Payment| p.channel == PaymentChannel::Recalled && p.amount == self.amount && is_payer;
        let payment = file.payments.iter_mut().find(is_it)?;
        payment.no = self.no.clone();
        payment.payer = self.payer.clone();
        payment.channel = self.channel;
        Some(payment.fate.clone())
    }

    /// The number came before: the same message is answered the same, another one is refused.
    fn again(&self, world: &World, trade: &TradeId) -> Result<PaymentAnswer, PaymentRefusal> {
        let taken = PaymentRefusal::PaymentNumberTaken { payment: self.no.to_string(), trade: trade.clone() };
        if *trade != self.trade {
            return Err(taken);
        }
        let known = world.trades.get(trade).and_then(|f| f.payments.iter().find(|p| p.no == self.no));
        match known {
            Some(p) if p.amount == self.amount && p.payer == self.payer => {
                Ok(PaymentAnswer { trade: trade.clone(), no: p.no.clone(), fate: p.fate.clone(), again: true })
            }
            _ => Err(taken),
        }
    }
}

/// Books a credit that comes out of `source`, and says what became of it.
fn settle_fate(world: &mut World, file: &mut TradeFile, mut payment: Payment, source: Account) -> Fate {
    let currency = payment.amount.currency();
    let from_bank = source.purpose == Purpose::Bank;
    let unapplied = Account::own(Purpose::Unapplied, currency);
    let fate = match fault(file, &payment) {
        None if file.order.is_none() => {
            if from_bank {
                world.transfer(&file.id, Leg::TakenIn, TransferKind::Posted, source, unapplied, payment.amount);
            }
            Fate::Parked
        }
        None => {
            let funds = Account::own(Purpose::BuyerFunds, currency);
            let proceeds = Account::own(Purpose::Proceeds, currency);
            world.transfer(&file.id, Leg::Funded, TransferKind::Posted, source, funds.clone(), payment.amount);
            world.transfer(&file.id, Leg::Escrow, TransferKind::Pending, funds, proceeds, payment.amount);
            held(world, file, payment.amount);
            Fate::Applied { at: world.now }
        }
        Some(fault) => {
            if from_bank {
                world.transfer(&file.id, Leg::TakenIn, TransferKind::Posted, source, unapplied, payment.amount);
            }
            set_aside(world, file, &payment, fault)
        }
    };
    payment.fate = fate.clone();
    match file.payments.iter_mut().find(|p| p.no == payment.no) {
        Some(known) => *known = payment,
        None => file.payments.push(payment),
    }
    fate
}

/// Money is in escrow: the whole of the total, a deposit on it, or the balance. Both sides are told.
fn held(world: &mut World, file: &mut TradeFile, amount: Money) {
    let now = world.now;
    let trade = file.id.clone();
    match deposit_offer(file).filter(|offer| file.escrow == Escrow::Empty && offer.amount == amount) {
        Some(offer) if file.total() != Some(amount) => {
            let ordered = file.order.as_ref().map_or(now, |order| order.placed_at);
            let balance_due = ordered.plus_days(offer.balance_within);
            file.escrow = Escrow::Deposited { amount, at: now, balance_due };
            world.happened(Some(&trade), None, Happened::DepositHeld { amount });
            world.happened(Some(&trade), file.peer.as_ref(), Happened::DepositSecured { balance_due });
        }
        _ => {
            file.escrow = Escrow::Funded { amount: file.total().unwrap_or(amount), at: now };
            world.happened(Some(&trade), None, Happened::EscrowFunded { amount });
            world.happened(Some(&trade), file.peer.as_ref(), Happened::PaymentSecured);
        }
    }
}

fn deposit_offer(file: &TradeFile) -> Option<DepositOffer> {
    file.order.as_ref()?.quote.sale.as_ref()?.deposit
}

/// What may be paid for an order now: all of it or a deposit, and after a deposit the balance.
#[must_use]
pub fn payable(file: &TradeFile) -> Vec<Money> {
    let Some(total) = file.total().filter(|_| file.closed.is_none()) else { return Vec::new() };
    match file.escrow {
        Escrow::Empty => {
            let deposit = deposit_offer(file).map(|offer| offer.amount).filter(|deposit| *deposit != total);
            [Some(total), deposit].into_iter().flatten().collect()
        }
        Escrow::Deposited { amount, .. } => total.minus(amount).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Promises the money back: a payout to the payer, out of what is unapplied.
fn set_aside(world: &mut World, file: &mut TradeFile, payment: &Payment, fault: PaymentFault) -> Fate {
    world.happened(
        Some(&file.id),
        None,
        Happened::PaymentSetAside { payment: payment.no.to_string(), fault: fault.clone() },
    );
    let payout = Payout::new(
        world.now,
        file,
        PayoutKind::Refund { payment: payment.no.clone() },
        Purpose::Unapplied,
        payment.amount,
    );
    world.happened(Some(&file.id), None, Happened::RefundDue { payout: payout.id, amount: payment.amount });
    file.payouts.push(payout);
    Fate::SetAside { fault, at: world.now }
}

fn fault(file: &TradeFile, payment: &Payment) -> Option<PaymentFault> {
    if file.closed.is_some() || file.returning.as_ref().is_some_and(Return::is_settled) {
        return Some(PaymentFault::OrderClosed);
    }
    let order = file.order.as_ref()?;
    let payable = payable(file);
    let Some(expected) = payable.first().copied() else {
        let by = file.applied_payment().map(|by| by.no.to_string()).unwrap_or_default();
        return Some(PaymentFault::AlreadyPaid { by });
    };
    let got = payment.amount;
    if got.currency() != expected.currency() {
        return Some(PaymentFault::CurrencyDiffers { expected: expected.currency(), got: got.currency() });
    }
    if !payable.contains(&got) {
        return Some(PaymentFault::AmountDiffers { expected, got });
    }
    let same = order.buyer.as_ref().is_some_and(|b| b.tags.same_person(&payment.payer));
    (!same).then_some(PaymentFault::PayerDiffers)
}

/// The order has come: credits that waited for it are looked at, in the order in which they came.
pub fn apply_parked(world: &mut World, file: &mut TradeFile) {
    let parked: Vec<Payment> = file.payments.iter().filter(|p| p.fate == Fate::Parked).cloned().collect();
    for payment in parked {
        let source = Account::own(Purpose::Unapplied, payment.amount.currency());
        settle_fate(world, file, payment, source);
    }
}

/// A trade came to nothing: what is in escrow is let go and goes back to the payer.
pub fn return_funds(world: &mut World, file: &mut TradeFile) {
    let (Escrow::Funded { amount, .. } | Escrow::Deposited { amount, .. }) = file.escrow else { return };
    let payments: Vec<Payment> = file.applied_payments().cloned().collect();
    if payments.is_empty() {
        return;
    }
    for payment in &payments {
        let funds = Account::own(Purpose::BuyerFunds, amount.currency());
        let proceeds = Account::own(Purpose::Proceeds, amount.currency());
        world.transfer(&file.id, Leg::Escrow, TransferKind::VoidPending, funds, proceeds, payment.amount);
    }
    file.escrow = Escrow::Returned { amount, at: world.now };
    for payment in payments.iter().filter(|payment| !payment.channel.is_recalled()) {
        give_back(world, file, payment);
    }
}

/// A part of what was held goes back; what it comes out of is let go in the same command.
pub(crate) fn give_part_back(world: &mut World, file: &mut TradeFile) {
    let payments: Vec<Payment> = file.applied_payments().filter(|p| !p.channel.is_recalled()).cloned().collect();
    for payment in payments {
        if let Some(amount) = goes_back(file, &payment) {
            give_back(world, file, &Payment { amount, ..payment });
        }
    }
}

/// What of a payment goes back to its payer; nothing is `None`. A part of the price goes back to the
/// payments from the last to the first: the balance before its deposit.
fn goes_back(file: &TradeFile, payment: &Payment) -> Option<Money> {
    let mut left = match &file.escrow {
        Escrow::Returned { .. } => return Some(payment.amount),
        Escrow::Released { refund: Some(refund), .. } => refund.total().ok()?,
        _ => return None,
    };
    let payments: Vec<&Payment> = file.applied_payments().collect();
    for known in payments.into_iter().rev() {
        let part = if left.minor() < known.amount.minor() { left } else { known.amount };
        if known.no == payment.no {
            return part.is_positive().then_some(part);
        }
        left = left.minus(part).ok()?;
    }
    None
}

/// Money that was held goes back to where it came from. A payment whose number was lost goes back
/// once the bank has told the number again.
fn give_back(world: &mut World, file: &mut TradeFile, payment: &Payment) {
    let (amount, payment) = (payment.amount, payment.clone());
    let payout = Payout::new(world.now, file, PayoutKind::Refund { payment: payment.no }, Purpose::BuyerFunds, amount);
    world.happened(Some(&file.id), None, Happened::RefundDue { payout: payout.id, amount });
    file.payouts.push(payout);
}

/// A credit that has waited too long for an order goes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReturnParked {
    pub trade: TradeId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ReturnRefusal {
    TradeUnknown { trade: TradeId },
    NotYet { until: BusinessTime },
}

/// How long a credit may wait for its order: longer than any quote is valid.
pub const PARKED_FOR: crate::time::Days = crate::time::Days(10);

impl Decide for ReturnParked {
    type Answer = TradeId;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<TradeId, ReturnRefusal> {
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(ReturnRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        let until = file.opened.plus_days(PARKED_FOR);
        if world.now < until {
            return Err(ReturnRefusal::NotYet { until });
        }
        let parked: Vec<Payment> = file.payments.iter().filter(|p| p.fate == Fate::Parked).cloned().collect();
        for mut payment in parked {
            payment.fate = set_aside(world, &mut file, &payment, PaymentFault::NoOrder);
            if let Some(known) = file.payments.iter_mut().find(|p| p.no == payment.no) {
                *known = payment;
            }
        }
        if file.order.is_none() {
            file.closed = Some(Closed::Lapsed { at: world.now });
        }
        world.trades.put(self.trade.clone(), file);
        Ok(self.trade.clone())
    }
}

impl Payout {
    /// Whether this payout returns a payer's money.
    #[must_use]
    pub fn is_refund(&self) -> bool {
        matches!(self.kind, PayoutKind::Refund { .. }) && !matches!(self.state, PayoutState::Done { .. })
    }
}

/// This hub told that the buyer's money is secured, in what it has lost since. A payment funds an
/// escrow only if it is exactly the total, so what came in is known but for its number: a parked
/// payment that fits, or one that the bank will tell of again.
pub fn recall(world: &mut World, file: &mut TradeFile, at: BusinessTime) {
    let Some(total) = file.total() else { return };
    let amount = match file.escrow {
        Escrow::Empty => total,
        Escrow::Deposited { amount, .. } => total.minus(amount).unwrap_or(total),
        _ => return,
    };
    if take_back(world, file, amount, at) {
        file.escrow = Escrow::Funded { amount: total, at };
        file.closed = None;
    }
}

/// The same for a deposit that this hub told of.
pub fn recall_deposit(world: &mut World, file: &mut TradeFile, at: BusinessTime, balance_due: BusinessTime) {
    let Some(offer) = deposit_offer(file).filter(|_| file.escrow == Escrow::Empty) else { return };
    if take_back(world, file, offer.amount, at) {
        file.escrow = Escrow::Deposited { amount: offer.amount, at, balance_due };
        file.closed = None;
    }
}

/// Books a payment again that was told as secured.
fn take_back(world: &mut World, file: &mut TradeFile, total: Money, at: BusinessTime) -> bool {
    let Some(order) = &file.order else { return false };
    let currency = total.currency();
    let parked = file.payments.iter().position(|p| p.fate == Fate::Parked && p.amount == total);
    let source = if parked.is_some() { Purpose::Unapplied } else { Purpose::Bank };
    match parked.and_then(|at| file.payments.get_mut(at)) {
        Some(payment) => payment.fate = Fate::Applied { at },
        None => {
            let unknown = PersonTags { id: None, name: PersonTag::of(&world.site.person_key, "name", "") };
            let payer = order.buyer.as_ref().map_or(unknown, |b| b.tags.clone());
            let no = recalled_no(file);
            let (channel, fate) = (PaymentChannel::Recalled, Fate::Applied { at });
            file.payments.push(Payment { no, amount: total, payer, channel, at, fate });
        }
    }
    let funds = Account::own(Purpose::BuyerFunds, currency);
    let (from, proceeds) = (Account::own(source, currency), Account::own(Purpose::Proceeds, currency));
    world.transfer(&file.id, Leg::Funded, TransferKind::Posted, from, funds.clone(), total);
    world.transfer(&file.id, Leg::Escrow, TransferKind::Pending, funds, proceeds, total);
    true
}

/// The number under which a payment stands until the bank tells its own again: one for each part.
fn recalled_no(file: &TradeFile) -> DocumentNo {
    let order_no = file.id.order_no();
    let first = DocumentNo::recalled(order_no);
    if file.payments.iter().all(|p| p.no != first) {
        return first;
    }
    // A document number has room for 60 characters.
    let short: String = order_no.chars().take(45).collect();
    DocumentNo::recalled(&format!("{short}-2"))
}
