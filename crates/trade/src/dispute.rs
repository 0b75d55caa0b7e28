//! Disputes: the buyer says what is wrong and what it wants, the seller's side answers by a deadline,
//! the operator of the importing hub decides. Without an answer it is decided for the buyer. While a
//! dispute is open, nothing is released.

use serde::{Deserialize, Serialize};

use crate::ball::{Ball, Holder, Task};
use crate::command::{Decide, Problem};
use crate::custody::CustodyKind;
use crate::escrow::{self, Escrow, EscrowRefusal};
use crate::event::Happened;
use crate::evidence::{self, Evidence, EvidenceRefusal};
use crate::id::Id;
use crate::money::{Money, MoneyError};
use crate::party::{Party, Role};
use crate::payment;
use crate::quote::Quote;
use crate::refund::Refund;
use crate::returns::{self, Lapse, ReturnRefusal, ReturnState, file_here};
use crate::rulebook::{ClaimTerm, ReturnMatter, ReturnTerms};
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// What the buyer says is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisputeReason {
    /// Scanned as delivered, and not received.
    NotReceived,
    Damaged,
    NotAsDescribed,
    WrongGoods,
    /// The seller did not agree to a return.
    ReturnRefused,
}

impl DisputeReason {
    pub const ALL: [Self; 5] =
        [Self::NotReceived, Self::Damaged, Self::NotAsDescribed, Self::WrongGoods, Self::ReturnRefused];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotReceived => "not-received",
            Self::Damaged => "damaged",
            Self::NotAsDescribed => "not-as-described",
            Self::WrongGoods => "wrong-goods",
            Self::ReturnRefused => "return-refused",
        }
    }
}

/// How much of the price, without tax, goes back to the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "award", rename_all = "kebab-case")]
pub enum Award {
    All,
    Part { amount: Money },
    Nothing,
}

impl Award {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Part { .. } => "part",
            Self::Nothing => "nothing",
        }
    }
}

/// A dispute, as the importing hub says that it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub reason: DisputeReason,
    pub wants: Award,
    pub opened_at: BusinessTime,
    pub evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer: Vec<Evidence>,
    pub state: DisputeState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum DisputeState {
    /// The seller's side answers until then; without an answer the buyer is right.
    Open {
        until: BusinessTime,
    },
    /// The operator decides, at the latest then.
    Answered {
        at: BusinessTime,
        decide_by: BusinessTime,
    },
    /// Decided by the operator, or because nobody answered.
    Decided {
        at: BusinessTime,
        award: Award,
        refund: Refund,
        by: Option<Id<Party>>,
        reason: Option<String>,
    },
    Withdrawn {
        at: BusinessTime,
    },
}

impl DisputeState {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Answered { .. } => "answered",
            Self::Decided { .. } => "decided",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

impl Dispute {
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, DisputeState::Open { .. } | DisputeState::Answered { .. })
    }

    /// What was decided to go back.
    #[must_use]
    pub const fn refund(&self) -> Option<Refund> {
        match &self.state {
            DisputeState::Decided { refund, .. } => Some(*refund),
            _ => None,
        }
    }
}

/// The buyer opens a dispute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenDispute {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub reason: DisputeReason,
    pub wants: Award,
    pub evidence: Vec<Evidence>,
}

/// The seller answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerDispute {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub evidence: Vec<Evidence>,
}

/// Nobody has answered in time: it is decided for the buyer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassDispute {
    pub trade: TradeId,
}

/// The operator decides, with a reason that both sides read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecideDispute {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub award: Award,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DisputeRefusal {
    NotTheOperator {
        party: Id<Party>,
    },
    NoDispute,
    /// A dispute that stands so does not allow it.
    DisputeState {
        state: String,
    },
    /// It was decided, or taken back, before; there is one dispute a trade.
    DisputedBefore {
        state: String,
    },
    /// The other side still has time to answer.
    AnswerOpen {
        until: BusinessTime,
    },
    /// More than the price of goods and freight, or not positive, or in another currency.
    AwardAmount {
        got: Money,
        max: Money,
    },
    AwardMissing,
    #[serde(untagged)]
    Return(ReturnRefusal),
}

impl From<ReturnRefusal> for DisputeRefusal {
    fn from(refusal: ReturnRefusal) -> Self {
        Self::Return(refusal)
    }
}

impl From<EvidenceRefusal> for DisputeRefusal {
    fn from(refusal: EvidenceRefusal) -> Self {
        Self::Return(refusal.into())
    }
}

impl From<EscrowRefusal> for DisputeRefusal {
    fn from(refusal: EscrowRefusal) -> Self {
        Self::Return(refusal.into())
    }
}

impl From<MoneyError> for DisputeRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Return(error.into())
    }
}

/// Puts a dispute into its file as it stands now, and tells the peer.
pub(crate) fn stands(world: &mut World, file: &mut TradeFile, dispute: Dispute) {
    let told = Happened::DisputeChanged { dispute: dispute.clone() };
    world.happened(Some(&file.id), file.peer.as_ref(), told);
    file.dispute = Some(dispute);
}

/// Who has to act on an open dispute.
#[must_use]
pub fn ball(file: &TradeFile) -> Option<Ball> {
    let dispute = file.dispute.as_ref()?;
    match dispute.state {
        DisputeState::Open { until } => {
            let (holder, task) = (Holder::Seller, Task::AnswerDispute);
            Some(Ball { holder, task, since: dispute.opened_at, deadline: Some(until) })
        }
        DisputeState::Answered { at, decide_by } => {
            let (holder, task) = (Holder::ImportHub, Task::DecideDispute);
            Some(Ball { holder, task, since: at, deadline: Some(decide_by) })
        }
        DisputeState::Decided { .. } | DisputeState::Withdrawn { .. } => None,
    }
}

/// What may go back at the most: the price of goods and freight. What becomes of the tax, the law says.
pub fn most(quote: &Quote) -> Result<Money, MoneyError> {
    quote.landed.goods.plus(quote.landed.freight)
}

/// What an award gives back, part by part.
fn refund(world: &World, file: &TradeFile, award: Award) -> Result<Refund, DisputeRefusal> {
    let Some(order) = &file.order else { return Err(DisputeRefusal::NoDispute) };
    let quote = &order.quote;
    let most = most(quote)?;
    let amount = match award {
        Award::Nothing => return Ok(Refund::nothing(most.currency())),
        Award::All => most,
        Award::Part { amount } => {
            let fits = amount.currency() == most.currency() && amount.is_positive() && amount.minor() <= most.minor();
            if !fits {
                return Err(DisputeRefusal::AwardAmount { got: amount, max: most });
            }
            amount
        }
    };
    let today = world.site.date(world.now);
    let rule = world
        .site
        .rulebook()
        .and_then(|book| book.usable_return_rule(ReturnMatter::PriceReduction, today, &world.site.stance));
    let follows = rule.is_some_and(|rule| rule.terms == ReturnTerms::PriceReduction { tax_follows: true });
    Ok(Refund::of_price(quote, amount, follows)?)
}

impl Decide for OpenDispute {
    type Answer = Dispute;
    type Refusal = DisputeRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Dispute, DisputeRefusal> {
        let mut file = file_here(world, &self.trade, Side::Import)?;
        if !file.is_buyer(self.by) {
            return Err(ReturnRefusal::NotTheBuyer { party: self.by }.into());
        }
        if let Some(known) = &file.dispute {
            let same = known.reason == self.reason && known.wants == self.wants && known.evidence == self.evidence;
            return match (same, known.is_open()) {
                (true, _) => Ok(known.clone()),
                (false, true) => Err(ReturnRefusal::ClaimOpen { state: known.state.code().to_owned() }.into()),
                (false, false) => Err(DisputeRefusal::DisputedBefore { state: known.state.code().to_owned() }),
            };
        }
        let refused = matches!(file.open_return().map(|r| &r.state), Some(ReturnState::Refused { until, .. }) if world.now <= *until);
        match returns::claim::may_claim(world, &file) {
            // Whoever was told no may go against it, though the window has ended meanwhile.
            Err(ReturnRefusal::ClaimWindowEnded { .. }) if refused => {}
            other => other?,
        }
        if self.reason == DisputeReason::ReturnRefused && !refused {
            return Err(ReturnRefusal::NoReturn.into());
        }
        if file.open_return().is_some() {
            returns::claim::lapse(world, &mut file, Lapse::Disputed)?;
        }
        if self.wants == Award::Nothing {
            return Err(DisputeRefusal::AwardMissing);
        }
        refund(world, &file, self.wants)?;
        evidence::check(&self.evidence, true)?;
        let until = returns::claim::term_ends(world, ClaimTerm::DisputeAnswer)?;
        returns::claim::term_ends(world, ClaimTerm::DisputeDecision)?;
        let dispute = Dispute {
            reason: self.reason,
            wants: self.wants,
            opened_at: world.now,
            evidence: self.evidence.clone(),
            answer: Vec::new(),
            state: DisputeState::Open { until },
        };
        stands(world, &mut file, dispute.clone());
        world.trades.put(self.trade.clone(), file);
        Ok(dispute)
    }
}

impl Decide for AnswerDispute {
    type Answer = Dispute;
    type Refusal = DisputeRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    /// On the exporting hub; the importing one hears it.
    fn decide(&self, world: &mut World) -> Result<Dispute, DisputeRefusal> {
        let mut file = file_here(world, &self.trade, Side::Export)?;
        if !file.is_seller(self.by) {
            return Err(ReturnRefusal::NotTheSeller { party: self.by }.into());
        }
        let Some(mut dispute) = file.dispute.clone() else { return Err(DisputeRefusal::NoDispute) };
        let DisputeState::Open { until } = dispute.state else {
            return if dispute.answer == self.evidence {
                Ok(dispute)
            } else {
                Err(DisputeRefusal::DisputeState { state: dispute.state.code().to_owned() })
            };
        };
        if world.now > until {
            return Err(ReturnRefusal::AnswerTooLate { until }.into());
        }
        evidence::check(&self.evidence, true)?;
        let told = Happened::DisputeAnswered { evidence: self.evidence.clone() };
        world.happened(Some(&self.trade), file.peer.as_ref(), told);
        dispute.answer.clone_from(&self.evidence);
        dispute.state = DisputeState::Answered { at: world.now, decide_by: until };
        file.dispute = Some(dispute.clone());
        world.trades.put(self.trade.clone(), file);
        Ok(dispute)
    }
}

impl Decide for PassDispute {
    type Answer = Dispute;
    type Refusal = DisputeRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Dispute, DisputeRefusal> {
        let mut file = file_here(world, &self.trade, Side::Import)?;
        let Some(dispute) = file.dispute.clone() else { return Err(DisputeRefusal::NoDispute) };
        let DisputeState::Open { until } = dispute.state else {
            return Err(DisputeRefusal::DisputeState { state: dispute.state.code().to_owned() });
        };
        if world.now <= until {
            return Err(DisputeRefusal::AnswerOpen { until });
        }
        let award = dispute.wants;
        let decided = settle(world, &mut file, dispute, award, None, None)?;
        world.trades.put(self.trade.clone(), file);
        Ok(decided)
    }
}

impl Decide for DecideDispute {
    type Answer = Dispute;
    type Refusal = DisputeRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<Dispute, DisputeRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Operator)) {
            return Err(DisputeRefusal::NotTheOperator { party: self.by });
        }
        let mut file = file_here(world, &self.trade, Side::Import)?;
        let Some(dispute) = file.dispute.clone() else { return Err(DisputeRefusal::NoDispute) };
        let reason = returns::said(&self.reason, true)?;
        match &dispute.state {
            DisputeState::Answered { .. } => {}
            DisputeState::Open { until } if world.now <= *until => {
                return Err(DisputeRefusal::AnswerOpen { until: *until });
            }
            DisputeState::Open { .. } => {}
            DisputeState::Decided { award, .. } if *award == self.award => return Ok(dispute),
            other => return Err(DisputeRefusal::DisputeState { state: other.code().to_owned() }),
        }
        let decided = settle(world, &mut file, dispute, self.award, Some(self.by), reason)?;
        world.trades.put(self.trade.clone(), file);
        Ok(decided)
    }
}

/// Says what is decided, and divides the money by it.
fn settle(
    world: &mut World,
    file: &mut TradeFile,
    dispute: Dispute,
    award: Award,
    by: Option<Id<Party>>,
    reason: Option<String>,
) -> Result<Dispute, DisputeRefusal> {
    let refund = refund(world, file, award)?;
    let state = DisputeState::Decided { at: world.now, award, refund, by, reason };
    let decided = Dispute { state, ..dispute };
    stands(world, file, decided.clone());
    if refund.is_nothing() {
        escrow::release(world, file)?;
    } else {
        escrow::divide(world, file, &refund)?;
    }
    close(file, &refund, world.now);
    Ok(decided)
}

/// Where all of the goods' price goes back and the goods stay, nobody has anything more to do.
fn close(file: &mut TradeFile, refund: &Refund, at: BusinessTime) {
    let all = file.order.as_ref().is_some_and(|o| refund.is_of_all_goods(&o.quote));
    if all && file.closed.is_none() {
        file.closed = Some(Closed::Refunded { at });
    }
}

/// The exporting hub hears where the dispute stands.
pub(crate) fn follow(world: &World, file: &mut TradeFile, told: &Dispute) {
    if file.side == Side::Export {
        if let Some(refund) = told.refund() {
            close(file, &refund, world.now);
        }
        file.dispute = Some(told.clone());
    }
}

/// The importing hub hears the answer; what came after the deadline, or after a decision, changes
/// nothing.
pub(crate) fn answered(
    world: &mut World,
    file: &mut TradeFile,
    evidence: &[Evidence],
    at: BusinessTime,
) -> Result<(), ReturnRefusal> {
    let Some(dispute) = file.dispute.clone().filter(|_| file.side == Side::Import) else { return Ok(()) };
    let DisputeState::Open { until } = dispute.state else { return Ok(()) };
    if at <= until {
        let decide_by = returns::claim::term_ends(world, ClaimTerm::DisputeDecision)?;
        let state = DisputeState::Answered { at: world.now, decide_by };
        stands(world, file, Dispute { answer: evidence.to_vec(), state, ..dispute });
    }
    Ok(())
}

/// A dispute that this hub told, in what it has lost since; see [`returns::told::recall`].
pub(crate) fn recall(world: &mut World, file: &mut TradeFile, told: &Dispute, at: BusinessTime) {
    if file.dispute.as_ref().is_some_and(|known| known.refund().is_some()) {
        return;
    }
    file.dispute = Some(told.clone());
    let Some(refund) = told.refund().filter(|refund| !refund.is_nothing()) else { return };
    payment::recall(world, file, at);
    if let Err(error) = escrow::recall_divided(world, file, &refund, at) {
        world.happened(Some(&file.id), None, Happened::NotBooked { problem: Problem::of(&error) });
    }
    close(file, &refund, at);
}

/// Whether a buyer may open a dispute on this file at all; pages ask before they show the form.
#[must_use]
pub fn is_possible(file: &TradeFile) -> bool {
    file.side == Side::Import
        && file.dispute.is_none()
        && file.closed.is_none()
        && file.has(CustodyKind::Delivered)
        && matches!(file.escrow, Escrow::Funded { .. })
}
