//! The advance: a lender pays a seller part of what is due to it, and is repaid first when it comes.
//!
//! Offered when the goods are released for export, on the hub that owns the declaration. The seller
//! asks, which is its consent that lenders see the sale and its scorecard, and the word is kept for
//! it ([`crate::financing`]). Lenders offer; the seller takes one offer, the word is given for ever,
//! and the lender's funds at the hub's bank become a payout. Out of the proceeds the carrier, the
//! hub, and then the lender are paid before the seller. What a trade leaves unpaid is a debt.

mod funds;
mod lost;

use serde::{Deserialize, Serialize};

pub use funds::{FundsRefusal, ReceiveFunds, ReturnFunds, lender_reference, lender_trade};
pub use lost::{RestoreAdvance, RestoreRefusal, is_lost};

use crate::clearance::Clearance;
use crate::command::Decide;
use crate::debt::{self, Debt};
use crate::escrow::{self, Escrow};
use crate::event::Happened;
use crate::financing::{self, Claim, Says, Wants};
use crate::id::{Id, Noun};
use crate::ledger::{Account, Balance, Leg, Purpose, TransferKind};
use crate::money::{Money, MoneyError, Rate};
use crate::party::{Party, Role};
use crate::payout::{Payout, PayoutKind};
use crate::scorecard::{Score, ScoreFacts};
use crate::time::{BusinessTime, Days};
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// A seller's asking for an advance on one trade, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advance {
    pub asked_at: BusinessTime,
    /// Until when lenders offer and the seller takes an offer.
    pub until: BusinessTime,
    /// What reaches the seller without an advance: after the carrier and the hub.
    pub due: Money,
    /// The claim by which this hub's own word is kept.
    pub claim: Id<Claim>,
    /// None after a loss in which it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// One of each lender, the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<AdvanceOffer>,
    pub state: AdvanceState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum AdvanceState {
    Asked,
    /// The seller does not want one any more.
    Withdrawn {
        at: BusinessTime,
    },
    /// The seller has taken an offer; the money is due to leave for its bank.
    Accepted {
        offer: Id<AdvanceOffer>,
        at: BusinessTime,
    },
    /// The bank has paid it out.
    PaidOut {
        offer: Id<AdvanceOffer>,
        at: BusinessTime,
        due_at: BusinessTime,
    },
    Repaid {
        offer: Id<AdvanceOffer>,
        at: BusinessTime,
    },
    /// The trade brought no money, or too little: the seller owes the rest.
    Owed {
        offer: Id<AdvanceOffer>,
        at: BusinessTime,
        owed: Money,
    },
}

impl AdvanceState {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Accepted { .. } => "accepted",
            Self::PaidOut { .. } => "paid-out",
            Self::Repaid { .. } => "repaid",
            Self::Owed { .. } => "owed",
        }
    }

    #[must_use]
    pub const fn offer(&self) -> Option<Id<AdvanceOffer>> {
        match self {
            Self::Asked | Self::Withdrawn { .. } => None,
            Self::Accepted { offer, .. }
            | Self::PaidOut { offer, .. }
            | Self::Repaid { offer, .. }
            | Self::Owed { offer, .. } => Some(*offer),
        }
    }

    /// The lender's money is out, or about to be, and not back.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::PaidOut { .. })
    }
}

/// What a lender offers. The fee is all that it costs: nothing is added for time, or for being late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceOffer {
    pub id: Id<Self>,
    pub lender: Id<Party>,
    pub amount: Money,
    /// Of the amount, once for the whole tenor.
    pub fee_rate: Rate,
    pub fee: Money,
    pub tenor: Days,
    pub offered_at: BusinessTime,
}

impl Noun for AdvanceOffer {
    const PREFIX: &'static str = "adv";
}

impl AdvanceOffer {
    /// What the lender gets back.
    pub fn repayment(&self) -> Result<Money, MoneyError> {
        self.amount.plus(self.fee)
    }

    /// The yearly rate, for comparing offers: the fee as a share of the amount, times 365 over the
    /// tenor; without compounding. Rounded half up to a hundredth of a per cent.
    #[must_use]
    pub fn yearly(&self) -> Rate {
        let per_cent_hundredths = 10_000_i128 * 365 * i128::from(self.fee.minor());
        let over = i128::from(self.amount.minor().max(1)) * i128::from(self.tenor.0.max(1));
        let rounded = (2 * per_cent_hundredths + over).div_euclid(2 * over);
        Rate::nano(i64::try_from(rounded.saturating_mul(100_000)).unwrap_or(i64::MAX))
    }
}

impl Advance {
    #[must_use]
    pub fn offer(&self, id: Id<AdvanceOffer>) -> Option<&AdvanceOffer> {
        self.offers.iter().find(|offer| offer.id == id)
    }

    /// The offer that the seller has taken.
    #[must_use]
    pub fn taken(&self) -> Option<&AdvanceOffer> {
        self.offer(self.state.offer()?)
    }

    /// Offers are made and taken.
    #[must_use]
    pub fn is_asked(&self, now: BusinessTime) -> bool {
        self.state == AdvanceState::Asked && now < self.until
    }

    /// The bank has paid it out, and the tenor has ended without the money coming back.
    #[must_use]
    pub fn is_overdue(&self, now: BusinessTime) -> bool {
        matches!(self.state, AdvanceState::PaidOut { due_at, .. } if due_at < now)
    }
}

impl TradeFile {
    #[must_use]
    pub fn advance(&self) -> Option<&Advance> {
        self.finance.as_ref()?.advance.as_ref()
    }

    fn with_advance(&mut self, change: impl FnOnce(&mut Advance)) {
        self.with_finance(|finance| {
            if let Some(advance) = &mut finance.advance {
                change(advance);
            }
        });
    }
}

/// The money of a lender at the hub's bank that is not lent.
#[must_use]
pub fn available(balance: Balance) -> i64 {
    balance.owed().saturating_sub(balance.pending_debit)
}

/// The account of a lender's money.
#[must_use]
pub fn funds_of(lender: Id<Party>, currency: crate::money::Currency) -> Account {
    Account::with(Purpose::LenderFunds, &lender, currency)
}

/// The seller asks for offers on a sale that is released for export, and consents to what lenders see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskAdvance {
    pub trade: TradeId,
    pub by: Id<Party>,
    /// From the hub's own records.
    pub facts: ScoreFacts,
}

/// The seller takes its asking back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithdrawAdvance {
    pub trade: TradeId,
    pub by: Id<Party>,
}

/// A lender offers. Its number is chosen by the lender: sent twice, it is one offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferAdvance {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub offer: Id<AdvanceOffer>,
    pub amount: Money,
    pub fee_rate: Rate,
    pub tenor: Days,
}

/// The seller takes an offer: the money leaves for its bank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptAdvance {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub offer: Id<AdvanceOffer>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AdvanceRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    NotYours {
        trade: TradeId,
    },
    NotALender {
        party: Id<Party>,
    },
    /// The operator has no scorecard and terms: this hub offers no advances.
    NoScorecard,
    NotReleasedYet,
    NotPaidYet,
    /// The money has come, or does not come any more.
    NothingDueAnyMore,
    /// The buyer wants it back: first that is decided.
    ClaimOpen {
        state: String,
    },
    /// One was taken already; there is no second.
    AdvanceStands {
        state: String,
    },
    /// Somebody else holds the word on this invoice.
    FinancedAlready,
    /// This sale is not offered for an advance.
    AdvanceUnknown,
    /// The time for offers has ended, or the seller has taken one or none.
    AdvanceClosed,
    AmountOutOfRange {
        most: Money,
        got: Money,
    },
    /// In per cent of what is advanced.
    FeeOutOfRange {
        most: String,
        got: String,
    },
    TenorOutOfRange {
        most: Days,
        got: Days,
    },
    /// With its fee it is more than what is due.
    RepaymentTooLarge {
        due: Money,
        got: Money,
    },
    FundsShort {
        available: Money,
        needed: Money,
    },
    /// The offer of this number says something else.
    AdvanceOfferTaken {
        offer: Id<AdvanceOffer>,
    },
    AdvanceOfferUnknown {
        offer: Id<AdvanceOffer>,
    },
    TooManyOffers {
        most: usize,
    },
    #[serde(untagged)]
    Money(MoneyError),
}

impl From<MoneyError> for AdvanceRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

/// Lenders that offer on one trade; nobody reads more.
const OFFERS_MAX: usize = 24;

/// The trade file of an export, for its seller.
fn of_seller(world: &World, trade: &TradeId, by: Id<Party>) -> Result<TradeFile, AdvanceRefusal> {
    let Some(file) = world.trades.get(trade).filter(|f| f.side == Side::Export) else {
        return Err(AdvanceRefusal::TradeUnknown { trade: trade.clone() });
    };
    if file.is_seller(by) { Ok(file.clone()) } else { Err(AdvanceRefusal::NotYours { trade: trade.clone() }) }
}

impl Decide for AskAdvance {
    type Answer = Advance;
    type Refusal = AdvanceRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Advance, AdvanceRefusal> {
        let mut file = of_seller(world, &self.trade, self.by)?;
        let card = world.site.rulebooks.scorecard.clone().ok_or(AdvanceRefusal::NoScorecard)?;
        if let Some(known) = file.advance() {
            if known.is_asked(world.now) {
                return Ok(known.clone());
            }
            if known.state.offer().is_some() {
                return Err(AdvanceRefusal::AdvanceStands { state: known.state.code().to_owned() });
            }
        }
        if !file.clearance.is_released() {
            return Err(AdvanceRefusal::NotReleasedYet);
        }
        if file.secured.is_none() {
            return Err(AdvanceRefusal::NotPaidYet);
        }
        if let Some(state) = file.claim() {
            return Err(AdvanceRefusal::ClaimOpen { state: state.to_owned() });
        }
        if !file.is_due() {
            return Err(AdvanceRefusal::NothingDueAnyMore);
        }
        let due = escrow::proceeds_of(world, &file)?.rest;
        if !due.is_positive() {
            return Err(AdvanceRefusal::NothingDueAnyMore);
        }
        let claim = Claim::own(&world.site, &self.trade);
        let word = financing::answer(world, &mut file, claim, Wants::Keep);
        let Says::Yes { .. } = word.says else { return Err(AdvanceRefusal::FinancedAlready) };
        let score = card.score(&ScoreFacts { value: due, ..self.facts.clone() });
        let until = world.now.plus_seconds(card.terms.offers_seconds);
        let asked = Happened::AdvanceAsked { until, points: score.points, pack: score.pack.clone() };
        world.happened(Some(&self.trade), None, asked);
        let advance = Advance {
            asked_at: world.now,
            until,
            due,
            claim,
            score: Some(score),
            offers: Vec::new(),
            state: AdvanceState::Asked,
        };
        file.with_finance(|finance| finance.advance = Some(advance.clone()));
        world.trades.put(self.trade.clone(), file);
        Ok(advance)
    }
}

impl Decide for WithdrawAdvance {
    type Answer = Advance;
    type Refusal = AdvanceRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Advance, AdvanceRefusal> {
        let mut file = of_seller(world, &self.trade, self.by)?;
        let Some(mut advance) = file.advance().cloned() else { return Err(AdvanceRefusal::AdvanceUnknown) };
        match advance.state {
            AdvanceState::Withdrawn { .. } => return Ok(advance),
            AdvanceState::Asked => {}
            _ => return Err(AdvanceRefusal::AdvanceStands { state: advance.state.code().to_owned() }),
        }
        financing::answer(world, &mut file, advance.claim, Wants::LetGo);
        advance.state = AdvanceState::Withdrawn { at: world.now };
        world.happened(Some(&self.trade), None, Happened::AdvanceWithdrawn);
        file.with_finance(|finance| finance.advance = Some(advance.clone()));
        world.trades.put(self.trade.clone(), file);
        Ok(advance)
    }
}

impl Decide for OfferAdvance {
    type Answer = AdvanceOffer;
    type Refusal = AdvanceRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by).account(funds_of(self.by, self.amount.currency()));
    }

    fn decide(&self, world: &mut World) -> Result<AdvanceOffer, AdvanceRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Lender)) {
            return Err(AdvanceRefusal::NotALender { party: self.by });
        }
        let card = world.site.rulebooks.scorecard.clone().ok_or(AdvanceRefusal::NoScorecard)?;
        // A lender learns of a sale only that it is offered.
        let Some(mut file) = world.trades.get(&self.trade).cloned() else { return Err(AdvanceRefusal::AdvanceUnknown) };
        let Some(advance) = file.advance().cloned() else { return Err(AdvanceRefusal::AdvanceUnknown) };
        let offer = AdvanceOffer {
            id: self.offer,
            lender: self.by,
            amount: self.amount,
            fee_rate: self.fee_rate,
            fee: Money::zero(self.amount.currency()),
            tenor: self.tenor,
            offered_at: world.now,
        };
        if let Some(known) = advance.offer(self.offer) {
            let same = AdvanceOffer { fee: known.fee, offered_at: known.offered_at, ..offer } == *known;
            return if same { Ok(known.clone()) } else { Err(AdvanceRefusal::AdvanceOfferTaken { offer: self.offer }) };
        }
        if !advance.is_asked(world.now) || !file.is_due() {
            return Err(AdvanceRefusal::AdvanceClosed);
        }
        let share = advance.score.as_ref().map_or(Rate::ZERO, |score| score.most_share);
        let most = advance.due.at(share)?;
        if !self.amount.is_positive() || self.amount.compare(most)?.is_gt() {
            return Err(AdvanceRefusal::AmountOutOfRange { most, got: self.amount });
        }
        if !(Rate::ZERO..=card.terms.highest_fee).contains(&self.fee_rate) {
            let (most, got) = (card.terms.highest_fee.percent_text(), self.fee_rate.percent_text());
            return Err(AdvanceRefusal::FeeOutOfRange { most, got });
        }
        if !(1..=card.terms.longest_tenor.0).contains(&self.tenor.0) {
            return Err(AdvanceRefusal::TenorOutOfRange { most: card.terms.longest_tenor, got: self.tenor });
        }
        let offer = AdvanceOffer { fee: self.amount.at(self.fee_rate)?, ..offer };
        let repayment = offer.repayment()?;
        if repayment.compare(advance.due)?.is_gt() {
            return Err(AdvanceRefusal::RepaymentTooLarge { due: advance.due, got: repayment });
        }
        has_funds(world, &offer)?;
        if advance.offers.iter().filter(|o| o.lender != self.by).count() >= OFFERS_MAX {
            return Err(AdvanceRefusal::TooManyOffers { most: OFFERS_MAX });
        }
        world.happened(Some(&self.trade), None, Happened::AdvanceOffered { offer: offer.clone() });
        let made = offer.clone();
        file.with_advance(|advance| {
            advance.offers.retain(|o| o.lender != made.lender);
            advance.offers.push(made);
        });
        world.trades.put(self.trade.clone(), file);
        Ok(offer)
    }
}

/// A lender cannot lend what it does not have at the hub's bank.
fn has_funds(world: &World, offer: &AdvanceOffer) -> Result<(), AdvanceRefusal> {
    let currency = offer.amount.currency();
    let available = available(world.balance(&funds_of(offer.lender, currency)));
    if available < offer.amount.minor() {
        let available = Money::new(available, currency);
        return Err(AdvanceRefusal::FundsShort { available, needed: offer.amount });
    }
    Ok(())
}

impl Decide for AcceptAdvance {
    type Answer = Advance;
    type Refusal = AdvanceRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        // Every lender's: one may have offered anew since.
        let offers = world.trades.get(&self.trade).and_then(TradeFile::advance).map(|a| a.offers.as_slice());
        for offer in offers.unwrap_or_default() {
            need.account(funds_of(offer.lender, offer.amount.currency()));
        }
    }

    fn decide(&self, world: &mut World) -> Result<Advance, AdvanceRefusal> {
        let mut file = of_seller(world, &self.trade, self.by)?;
        let Some(advance) = file.advance().cloned() else { return Err(AdvanceRefusal::AdvanceUnknown) };
        if advance.state.offer() == Some(self.offer) {
            return Ok(advance);
        }
        if advance.state.offer().is_some() {
            return Err(AdvanceRefusal::AdvanceStands { state: advance.state.code().to_owned() });
        }
        let Some(offer) = advance.offer(self.offer).cloned() else {
            return Err(AdvanceRefusal::AdvanceOfferUnknown { offer: self.offer });
        };
        if !advance.is_asked(world.now) || !file.is_due() {
            return Err(AdvanceRefusal::AdvanceClosed);
        }
        // After a loss: another offer may have been taken before.
        if is_lost(&world.site, &file) {
            return Err(AdvanceRefusal::FinancedAlready);
        }
        has_funds(world, &offer)?;
        let word = financing::answer(world, &mut file, advance.claim, Wants::Finance);
        if word.says != Says::Financed {
            return Err(AdvanceRefusal::FinancedAlready);
        }
        take(world, &mut file, self.by, &offer);
        let taken = file.advance().cloned().ok_or(AdvanceRefusal::AdvanceUnknown)?;
        world.trades.put(self.trade.clone(), file);
        Ok(taken)
    }
}

/// The lender's money is set apart for the seller, and due to leave.
fn take(world: &mut World, file: &mut TradeFile, seller: Id<Party>, offer: &AdvanceOffer) {
    let currency = offer.amount.currency();
    let apart = Account::with(Purpose::Advance, &seller, currency);
    let funds = funds_of(offer.lender, currency);
    world.transfer(&file.id, Leg::Advance, TransferKind::Posted, funds, apart, offer.amount);
    let taken =
        Happened::AdvanceAccepted { offer: offer.id, lender: offer.lender, amount: offer.amount, fee: offer.fee };
    world.happened(Some(&file.id), None, taken);
    let payout = Payout::new(world.now, file, PayoutKind::Advance { seller }, Purpose::Advance, offer.amount);
    world.happened(Some(&file.id), None, Happened::PayoutDue { payout: payout.id, amount: offer.amount });
    file.payouts.push(payout);
    let state = AdvanceState::Accepted { offer: offer.id, at: world.now };
    file.with_advance(|advance| advance.state = state);
}

/// The bank has paid the advance out: its tenor begins.
pub fn paid_out(file: &mut TradeFile, at: BusinessTime) {
    file.with_advance(|advance| {
        if let AdvanceState::Accepted { offer, .. } = advance.state {
            let tenor = advance.offer(offer).map_or(Days(0), |o| o.tenor);
            advance.state = AdvanceState::PaidOut { offer, at, due_at: at.plus_days(tenor) };
        }
    });
}

/// The trade's proceeds have come, after the carrier and the hub: the lender is paid first, then what
/// the seller owes of other trades. What is left is the seller's.
pub fn repay_first(
    world: &mut World,
    file: &mut TradeFile,
    seller: Id<Party>,
    rest: Money,
) -> Result<Money, MoneyError> {
    let left = repay(world, file, seller, rest)?;
    debt::pay_first(world, &file.id, seller, left)
}

fn repay(world: &mut World, file: &mut TradeFile, seller: Id<Party>, rest: Money) -> Result<Money, MoneyError> {
    let open = file.advance().filter(|advance| advance.state.is_open());
    let Some(offer) = open.and_then(Advance::taken).cloned() else { return Ok(rest) };
    let at_most = |wanted: Money, left: Money| Ok(if wanted.compare(left)?.is_gt() { left } else { wanted });
    let principal = at_most(offer.amount, rest)?;
    let left = rest.minus(principal)?;
    let fee = at_most(offer.fee, left)?;
    let left = left.minus(fee)?;
    let proceeds = Account::own(Purpose::Proceeds, rest.currency());
    let funds = funds_of(offer.lender, rest.currency());
    for (leg, amount) in [(Leg::Repayment, principal), (Leg::AdvanceFee, fee)] {
        world.transfer(&file.id, leg, TransferKind::Posted, proceeds.clone(), funds.clone(), amount);
    }
    world.happened(Some(&file.id), None, Happened::AdvanceRepaid { principal, fee });
    let owed = offer.repayment()?.minus(principal)?.minus(fee)?;
    if owed.is_positive() {
        owe(world, file, seller, &offer, owed);
    } else {
        let state = AdvanceState::Repaid { offer: offer.id, at: world.now };
        file.with_advance(|advance| advance.state = state);
    }
    Ok(left)
}

fn owe(world: &mut World, file: &mut TradeFile, seller: Id<Party>, offer: &AdvanceOffer, owed: Money) {
    let state = AdvanceState::Owed { offer: offer.id, at: world.now, owed };
    file.with_advance(|advance| advance.state = state);
    let debt = Debt { trade: file.id.clone(), lender: offer.lender, amount: owed, left: owed, since: world.now };
    debt::owe(world, seller, debt);
}

/// If the trade brings the seller no money any more, what was advanced on it is the seller's debt, which
/// must have been named in `reads`. Calling it again, or without an advance, does nothing.
pub fn look_after(world: &mut World, file: &mut TradeFile) {
    let detained = |clearance: &Clearance| matches!(clearance, Clearance::Detained { .. });
    let ended = file.closed.as_ref().is_some_and(|closed| !matches!(closed, Closed::Paid { .. }));
    let is_over = ended || detained(&file.clearance) || detained(&file.peer_clearance);
    let is_let_go = matches!(file.escrow, Escrow::Released { .. });
    // Where nothing was sold the seller gets nothing, whatever is let go for others.
    if file.side == Side::Export && ((is_over && !is_let_go) || file.is_unsold()) {
        came_to_nothing(world, file);
    }
}

fn came_to_nothing(world: &mut World, file: &mut TradeFile) {
    let Some(seller) = file.order.as_ref().and_then(|o| o.seller) else { return };
    match file.advance().map(|a| (a.state.clone(), a.claim, a.taken().cloned())) {
        Some((AdvanceState::Asked, claim, _)) => {
            financing::answer(world, file, claim, Wants::LetGo);
            let state = AdvanceState::Withdrawn { at: world.now };
            file.with_advance(|advance| advance.state = state);
            world.happened(Some(&file.id), None, Happened::AdvanceWithdrawn);
        }
        Some((state, _, Some(offer))) if state.is_open() => {
            if let Ok(owed) = offer.repayment() {
                owe(world, file, seller, &offer, owed);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
