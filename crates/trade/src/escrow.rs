//! Escrow: the buyer's money is held until the goods are accepted or the claim window has ended;
//! then tax is set aside, the fee taken, and the rest is due to the seller's hub.

use serde::{Deserialize, Serialize};

use crate::advance;
use crate::codes::HubId;
use crate::command::{Decide, Problem};
use crate::custody::CustodyKind;
use crate::event::Happened;
use crate::id::Id;
use crate::ledger::{Account, Leg, Purpose, TRANSFER_MAX_MINOR, TransferKind};
use crate::money::{Money, MoneyError};
use crate::party::Party;
use crate::payment;
use crate::payout::{Payout, PayoutKind};
use crate::peer::Peer;
use crate::quote::Quote;
use crate::recovery::Contradiction;
use crate::refund::{self, HomeShares, Refund, Shares};
use crate::rulebook::{FeeSide, Lane};
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::variance;
use crate::world::{Need, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Escrow {
    Empty,
    /// A business has paid its deposit; the rest is due.
    Deposited {
        amount: Money,
        at: BusinessTime,
        balance_due: BusinessTime,
    },
    Funded {
        amount: Money,
        at: BusinessTime,
    },
    /// Let go. On the importing hub in its currency; on the exporting hub what it booked as due.
    Released {
        at: BusinessTime,
        tax: Money,
        fee: Money,
        due: Money,
        /// What of it went back to the buyer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund: Option<Refund>,
    },
    Returned {
        amount: Money,
        at: BusinessTime,
    },
}

impl Escrow {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Deposited { .. } => "deposited",
            Self::Funded { .. } => "funded",
            Self::Released { .. } => "released",
            Self::Returned { .. } => "returned",
        }
    }
}

/// The buyer has the goods and is content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptGoods {
    pub trade: TradeId,
    pub by: Id<Party>,
}

/// Nobody complained within the claim window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndClaimWindow {
    pub trade: TradeId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EscrowRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    NotTheBuyer {
        party: Id<Party>,
    },
    NotDelivered,
    NothingHeld {
        state: String,
    },
    ClaimWindowOpen {
        until: BusinessTime,
    },
    /// A return or a dispute is open: first that is decided.
    ClaimOpen {
        state: String,
    },
    /// The peer lets go less than its quote says, and has told of no claim that explains it.
    RefundUnexplained {
        got: Money,
    },
    /// The peer lets go another amount than its own signed quote says.
    DueDiffers {
        expected: Money,
        got: Money,
    },
    #[serde(untagged)]
    Money(MoneyError),
}

impl Decide for AcceptGoods {
    type Answer = Escrow;
    type Refusal = EscrowRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Escrow, EscrowRefusal> {
        let mut file = releasable(world, &self.trade)?;
        if !file.is_buyer(self.by) {
            return Err(EscrowRefusal::NotTheBuyer { party: self.by });
        }
        if matches!(file.escrow, Escrow::Released { .. }) {
            return Ok(file.escrow);
        }
        world.happened(Some(&self.trade), None, Happened::GoodsAccepted { by: self.by });
        release(world, &mut file)?;
        let escrow = file.escrow.clone();
        world.trades.put(self.trade.clone(), file);
        Ok(escrow)
    }
}

impl Decide for EndClaimWindow {
    type Answer = Escrow;
    type Refusal = EscrowRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Escrow, EscrowRefusal> {
        let mut file = releasable(world, &self.trade)?;
        if matches!(file.escrow, Escrow::Released { .. }) {
            return Ok(file.escrow);
        }
        let until = claim_window_ends(world, &file).ok_or(EscrowRefusal::NotDelivered)?;
        if world.now < until {
            return Err(EscrowRefusal::ClaimWindowOpen { until });
        }
        world.happened(Some(&self.trade), None, Happened::ClaimWindowEnded);
        release(world, &mut file)?;
        let escrow = file.escrow.clone();
        world.trades.put(self.trade.clone(), file);
        Ok(escrow)
    }
}

/// Until when the buyer may complain; `None` before delivery.
#[must_use]
pub fn claim_window_ends(world: &World, file: &TradeFile) -> Option<BusinessTime> {
    let delivered = file.custody_at(CustodyKind::Delivered)?;
    let date = world.site.date(delivered);
    Some(delivered.plus_days(world.site.rulebook()?.claim_window(date).days))
}

fn releasable(world: &World, trade: &TradeId) -> Result<TradeFile, EscrowRefusal> {
    let unknown = EscrowRefusal::TradeUnknown { trade: trade.clone() };
    let Some(file) = world.trades.get(trade).filter(|f| f.side == Side::Import) else { return Err(unknown) };
    match file.escrow {
        Escrow::Funded { .. } if !file.has(CustodyKind::Delivered) => Err(EscrowRefusal::NotDelivered),
        Escrow::Funded { .. } if file.claim().is_some() => {
            Err(EscrowRefusal::ClaimOpen { state: file.claim().unwrap_or_default().to_owned() })
        }
        Escrow::Funded { .. } | Escrow::Released { .. } => Ok(file.clone()),
        Escrow::Empty | Escrow::Deposited { .. } | Escrow::Returned { .. } => {
            Err(EscrowRefusal::NothingHeld { state: file.escrow.code().to_owned() })
        }
    }
}

/// Lets the money go: the pending transfer is posted, and what came out of it is split in full.
pub(crate) fn release(world: &mut World, file: &mut TradeFile) -> Result<(), EscrowRefusal> {
    let Some((peer, Shares { tax, fee, due, .. })) = book_release(world, file, None, world.now)? else { return Ok(()) };
    world.happened(Some(&file.id), Some(&peer), Happened::EscrowReleased { tax, fee, due, refund: None });
    Ok(())
}

/// Lets the money go with a part of it back to the buyer; the whole of it is returned. The peer has been
/// told of the claim before, and hears of the release only if something of it is let go.
pub(crate) fn divide(world: &mut World, file: &mut TradeFile, refund: &Refund) -> Result<(), EscrowRefusal> {
    let Some((peer, shares)) = book_division(world, file, refund, world.now)? else { return Ok(()) };
    let Shares { tax, fee, due, .. } = shares;
    world.happened(Some(&file.id), Some(&peer), Happened::EscrowReleased { tax, fee, due, refund: Some(*refund) });
    Ok(())
}

/// The same after a loss, of a division that was told: it is not told again.
pub(crate) fn recall_divided(
    world: &mut World,
    file: &mut TradeFile,
    refund: &Refund,
    at: BusinessTime,
) -> Result<(), EscrowRefusal> {
    if matches!(file.escrow, Escrow::Deposited { .. }) {
        payment::return_funds(world, file);
        return Ok(());
    }
    book_division(world, file, refund, at).map(drop)
}

/// Books what goes back of a payment that is held, and what is let go of it, if anything.
fn book_division(
    world: &mut World,
    file: &mut TradeFile,
    refund: &Refund,
    at: BusinessTime,
) -> Result<Option<(HubId, Shares)>, EscrowRefusal> {
    let Escrow::Funded { amount, .. } = file.escrow else { return Ok(None) };
    if refund.total()? == amount {
        variance::settle(world, file, Some(refund));
        payment::return_funds(world, file);
        return Ok(None);
    }
    let booked = book_release(world, file, Some(refund), at)?;
    if booked.is_some() {
        payment::give_part_back(world, file);
    }
    Ok(booked)
}

/// A release that this hub told, in what it has lost since: it is booked again, and not told again,
/// since the peer has booked it. An escrow that is released already stays so.
pub fn recall(world: &mut World, file: &mut TradeFile, at: BusinessTime) {
    // Whoever told of the release had told before that the money was secured.
    payment::recall(world, file, at);
    if let Err(error) = book_release(world, file, None, at) {
        world.happened(Some(&file.id), None, Happened::NotBooked { problem: Problem::of(&error) });
    }
}

fn book_release(
    world: &mut World,
    file: &mut TradeFile,
    refund: Option<&Refund>,
    at: BusinessTime,
) -> Result<Option<(HubId, Shares)>, EscrowRefusal> {
    let Escrow::Funded { amount, .. } = file.escrow else { return Ok(None) };
    let Some(order) = &file.order else { return Ok(None) };
    let quote = &order.quote;
    let shares = refund::shares(quote, refund)?;
    let Shares { tax, fee, due, back } = shares;
    let let_go = tax.plus(fee)?.plus(due)?;
    debug_assert_eq!(let_go.plus(back), Ok(amount), "tax, fee, due and what goes back are the whole payment");
    let currency = amount.currency();
    let own = |purpose| Account::own(purpose, currency);
    let (funds, proceeds) = (own(Purpose::BuyerFunds), own(Purpose::Proceeds));
    let trade = file.id.clone();
    let peer = quote.exporter.clone();
    // Each payment is held by a transfer of its own: a deposit and its balance are let go as two. A
    // pending transfer is made good in full or let go, so where a part goes back, all are let go and what
    // is not going back moves at once.
    let kind = if back.is_zero() { TransferKind::PostPending } else { TransferKind::VoidPending };
    for held in file.applied_payments().map(|payment| payment.amount) {
        world.transfer(&trade, Leg::Escrow, kind, funds.clone(), proceeds.clone(), held);
    }
    if !back.is_zero() {
        world.transfer(&trade, Leg::Escrow, TransferKind::Posted, funds, proceeds.clone(), let_go);
    }
    world.transfer(&trade, Leg::Tax, TransferKind::Posted, proceeds.clone(), own(Purpose::Tax), tax);
    world.transfer(&trade, Leg::ImportFee, TransferKind::Posted, proceeds.clone(), own(Purpose::Fee), fee);
    let due_to = Account::with(Purpose::DueTo, &peer, currency);
    world.transfer(&trade, Leg::DueTo, TransferKind::Posted, proceeds, due_to, due);
    variance::settle(world, file, refund);
    file.escrow = Escrow::Released { at, tax, fee, due, refund: refund.copied() };
    Ok(Some((peer, shares)))
}

/// What the importing hub says that it has let go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LetGo {
    pub tax: Money,
    pub due: Money,
    pub refund: Option<Refund>,
}

/// What of a release this hub expects: by the quote, and where a part went back to the buyer, by the
/// claim that the peer told of before.
fn expected(file: &TradeFile, quote: &Quote, told: LetGo) -> Result<Money, EscrowRefusal> {
    let unexplained = |refund: &Refund| file.refund() != Some(*refund) || !refund.fits(quote);
    if told.refund.as_ref().is_some_and(unexplained) {
        return Err(EscrowRefusal::RefundUnexplained { got: told.due });
    }
    Ok(refund::shares(quote, told.refund.as_ref())?.due)
}

/// The exporting hub hears that the escrow was released: it is due the money from its peer, pays
/// the carrier and its own fee, and owes the seller the rest, at the rate locked in the quote.
pub(crate) fn received_from_peer(
    world: &mut World,
    file: &mut TradeFile,
    peer: &HubId,
    told: LetGo,
) -> Result<(), EscrowRefusal> {
    if matches!(file.escrow, Escrow::Released { .. }) {
        return Ok(());
    }
    let Some(order) = file.order.clone() else { return Ok(()) };
    if order.seller.is_none() && !file.clearance.is_released() {
        return Ok(());
    }
    let quote = &order.quote;
    // The peer signed this amount in the quote, or told why it is less; another one is not taken.
    let LetGo { due, tax, refund } = told;
    let expected = expected(file, quote, told)?;
    if due != expected {
        return Err(EscrowRefusal::DueDiffers { expected, got: due });
    }
    let home = world.site.currency;
    let Proceeds { credit, freight, fee, rest } = divided(world, file, refund.as_ref())?;
    // What a peer quoted in another currency than ours, or beyond all measure, is not booked.
    if credit.currency() != home {
        return Err(MoneyError::CurrencyMismatch { left: home, right: credit.currency() }.into());
    }
    if [due, credit].iter().any(|amount| amount.minor() > TRANSFER_MAX_MINOR) {
        return Err(MoneyError::Overflow.into());
    }
    let trade = file.id.clone();
    let posted = TransferKind::Posted;
    let position = |currency| Account::own(Purpose::FxPosition, currency);
    let proceeds = Account::own(Purpose::Proceeds, home);
    let due_from = Account::with(Purpose::DueFrom, peer, due.currency());
    world.transfer(&trade, Leg::DueFrom, posted, due_from, position(due.currency()), due);
    world.transfer(&trade, Leg::Exchange, posted, position(home), proceeds.clone(), credit);
    world.transfer(&trade, Leg::Freight, posted, proceeds.clone(), Account::own(Purpose::Carrier, home), freight);
    world.transfer(&trade, Leg::ExportFee, posted, proceeds.clone(), Account::own(Purpose::Fee, home), fee);
    file.escrow = Escrow::Released { at: world.now, tax, fee, due, refund };
    // After a loss: who sold it was known to the lost part alone. The rest waits in the proceeds.
    let Some(seller) = order.seller else {
        if rest.is_zero() {
            nothing_to_wait_for(world, file);
        }
        return Ok(());
    };
    // After a loss: what was advanced on it was known to the lost part alone. It waits as well.
    if advance::is_lost(&world.site, file) {
        let problem = Problem::of(&Contradiction::AdvanceLost);
        world.happened(Some(&trade), None, Happened::NotBooked { problem });
        return Ok(());
    }
    pay_what_waits(world, file, seller)
}

/// What waits in the proceeds goes to those whom the seller owes, then to the seller.
pub fn pay_what_waits(world: &mut World, file: &mut TradeFile, seller: Id<Party>) -> Result<(), EscrowRefusal> {
    if !matches!(file.escrow, Escrow::Released { .. }) {
        return Ok(());
    }
    let rest = proceeds_of(world, file)?.rest;
    let rest = advance::repay_first(world, file, seller, rest)?;
    let (trade, home) = (file.id.clone(), rest.currency());
    let proceeds = Account::own(Purpose::Proceeds, home);
    let seller_account = Account::with(Purpose::Seller, &seller, home);
    world.transfer(&trade, Leg::Proceeds, TransferKind::Posted, proceeds, seller_account, rest);
    if rest.is_positive() {
        let payout = Payout::new(world.now, file, PayoutKind::Proceeds { seller }, Purpose::Seller, rest);
        world.happened(Some(&trade), None, Happened::PayoutDue { payout: payout.id, amount: rest });
        file.payouts.push(payout);
    } else {
        // All of it went to whom the seller owed, or back to the buyer.
        nothing_to_wait_for(world, file);
    }
    if let Some(Closed::Paid { at }) = file.closed {
        // After a loss: this hub told long ago that the seller has the money.
        crate::payout::recall(world, file, at);
    }
    Ok(())
}

/// How the proceeds of an export are divided, in the currency of this hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proceeds {
    /// What is due from the peer, at the rate locked in the quote.
    pub credit: Money,
    pub freight: Money,
    pub fee: Money,
    /// For the seller, and those whom it owes.
    pub rest: Money,
}

/// What an export of this hub brings: once its escrow is let go, with what went back to the buyer.
pub fn proceeds_of(world: &World, file: &TradeFile) -> Result<Proceeds, MoneyError> {
    match &file.escrow {
        Escrow::Released { refund, .. } => divided(world, file, refund.as_ref()),
        _ => divided(world, file, None),
    }
}

fn divided(world: &World, file: &TradeFile, refund: Option<&Refund>) -> Result<Proceeds, MoneyError> {
    let Some(order) = &file.order else {
        let nothing = Money::zero(world.site.currency);
        return Ok(Proceeds { credit: nothing, freight: nothing, fee: nothing, rest: nothing });
    };
    let to = file.peer.as_ref().and_then(|p| world.peer(p)).map(Peer::territory);
    let lane = to.and_then(|to| world.site.rulebooks.lane(world.site.territory, to, order.quote.regime));
    proceeds(&order.quote, lane, refund)
}

/// The same by the quote and its lane.
pub fn proceeds(quote: &Quote, lane: Option<&Lane>, refund: Option<&Refund>) -> Result<Proceeds, MoneyError> {
    let credit = quote.fx.convert_back(refund::shares(quote, refund)?.due)?;
    let goods = quote.goods_home()?;
    let fee = lane.and_then(|lane| lane.fee(FeeSide::ExportingHub, quote.date));
    let fee = fee.map_or(Ok(Money::zero(goods.currency())), |fee| fee.on(goods))?;
    let freight = quote.freight_home;
    let HomeShares { freight, fee, rest } = match refund {
        None => HomeShares { freight, fee, rest: credit.minus(freight)?.minus(fee)? },
        Some(refund) => refund::home_shares(credit, freight, fee, quote, refund)?,
    };
    Ok(Proceeds { credit, freight, fee, rest })
}

/// Nothing is left for the seller of what was sold: unless goods are still on their way home, the trade
/// is over.
fn nothing_to_wait_for(world: &mut World, file: &mut TradeFile) {
    let goods_move = file.open_return().is_some();
    if file.closed.is_none() && !goods_move {
        file.closed = Some(Closed::Paid { at: world.now });
        world.happened(Some(&file.id), file.peer.as_ref(), Happened::SellerPaid);
    }
}

impl From<MoneyError> for EscrowRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}
