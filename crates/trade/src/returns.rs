//! Returns: goods go back, or never come, and the buyer's money with them.
//!
//! The importing hub holds the money, so it says where a return stands and tells its peer the whole of
//! it at every step; the exporting hub answers for the seller and says how the goods come home. While a
//! return is open, nothing is released.
//!
//! - [`claim`]: after delivery, within the claim window: asked, answered by a deadline, withdrawn.
//! - [`stop`]: before delivery: cancelled, undeliverable, sent back by customs.
//! - [`way_back`]: waybill and custody of the way home, and what both customs say of the goods.
//! - [`told`]: what a peer's words do, and how a hub that has lost events recalls its own.

pub mod claim;
pub mod stop;
pub mod told;
pub mod way_back;

use serde::{Deserialize, Serialize};

use crate::ball::{Ball, Holder, Task};
use crate::codes::S10;
use crate::custody::CustodyKind;
use crate::dispute::Dispute;
use crate::escrow::{self, Escrow, EscrowRefusal};
use crate::event::Happened;
use crate::evidence::{Evidence, EvidenceRefusal};
use crate::id::Id;
use crate::money::MoneyError;
use crate::order;
use crate::party::Party;
use crate::payment;
use crate::quantity::Grams;
use crate::quote::Quote;
use crate::refund::Refund;
use crate::rulebook::TaxAnswer;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::World;

pub use claim::{AnswerReturn, AskReturn, PassReturn, WithdrawClaim};
pub use stop::{CancelOrder, SendBack};
pub use way_back::{ExamineReturn, IssueReturnWaybill};

/// Why goods go back, or never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnReason {
    /// The buyer has the goods and does not want them.
    ChangedMind,
    Damaged,
    NotAsDescribed,
    WrongGoods,
    /// By the buyer or the seller, before the parcel was handed over.
    Cancelled,
    /// The carrier finds nobody who takes it.
    Undeliverable,
    /// Customs of either side does not let it pass, and sends it back.
    SentBack,
}

impl ReturnReason {
    pub const ALL: [Self; 7] = [
        Self::ChangedMind,
        Self::Damaged,
        Self::NotAsDescribed,
        Self::WrongGoods,
        Self::Cancelled,
        Self::Undeliverable,
        Self::SentBack,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ChangedMind => "changed-mind",
            Self::Damaged => "damaged",
            Self::NotAsDescribed => "not-as-described",
            Self::WrongGoods => "wrong-goods",
            Self::Cancelled => "cancelled",
            Self::Undeliverable => "undeliverable",
            Self::SentBack => "sent-back",
        }
    }

    /// Whether a buyer who has the goods may give it.
    #[must_use]
    pub const fn is_after_delivery(self) -> bool {
        matches!(self, Self::ChangedMind | Self::Damaged | Self::NotAsDescribed | Self::WrongGoods)
    }

    /// Whether the seller answers for it: then freight goes back too.
    #[must_use]
    pub const fn is_sellers_fault(self) -> bool {
        matches!(self, Self::Damaged | Self::NotAsDescribed | Self::WrongGoods)
    }
}

/// A return, as the importing hub says that it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    pub reason: ReturnReason,
    pub asked_at: BusinessTime,
    /// Words of an officer or a carrier; a buyer's words are evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What the seller's side brought forward.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answer: Vec<Evidence>,
    /// The parcel on its way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waybill: Option<ReturnWaybill>,
    pub state: ReturnState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnWaybill {
    pub no: S10,
    pub gross: Grams,
    pub issued_at: BusinessTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ReturnState {
    /// The seller's side answers until then; silence is agreement. Without a deadline its hub answers,
    /// by whether the parcel was handed over.
    Asked { until: Option<BusinessTime> },
    /// The seller does not agree; the buyer may open a dispute until then.
    Refused { at: BusinessTime, until: BusinessTime },
    /// The goods may come; where the buyer has them, until then.
    Agreed { at: BusinessTime, by_silence: bool, hand_in_by: Option<BusinessTime> },
    /// The money is divided; the goods are at home or on their way.
    Settled { at: BusinessTime, refund: Refund, tax: TaxBack },
    /// It came to nothing, and the sale goes on.
    Lapsed { at: BusinessTime, why: Lapse },
}

impl ReturnState {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Refused { .. } => "refused",
            Self::Agreed { .. } => "agreed",
            Self::Settled { .. } => "settled",
            Self::Lapsed { .. } => "lapsed",
        }
    }
}

/// Why a return came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lapse {
    /// The parcel had been handed over before the cancelling came.
    UnderWay,
    Withdrawn,
    /// The buyer did not hand the goods in.
    NotHandedIn,
    /// The buyer did not go against the seller's no.
    RefusalStood,
    /// A dispute was opened instead.
    Disputed,
}

impl Lapse {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnderWay => "under-way",
            Self::Withdrawn => "withdrawn",
            Self::NotHandedIn => "not-handed-in",
            Self::RefusalStood => "refusal-stood",
            Self::Disputed => "disputed",
        }
    }
}

/// What becomes of the import tax of goods that go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum TaxBack {
    /// The goods were never released for import: none was due.
    NotDue,
    GivenBack {
        rule: String,
        quota: bool,
    },
    Kept {
        why: TaxKept,
        rule: Option<String>,
    },
}

impl TaxBack {
    #[must_use]
    pub const fn is_back(&self) -> bool {
        matches!(self, Self::NotDue | Self::GivenBack { .. })
    }

    /// Whether the person's yearly limit gets back what the order used.
    #[must_use]
    pub const fn restores_quota(&self) -> bool {
        matches!(self, Self::NotDue | Self::GivenBack { quota: true, .. })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaxKept {
    /// Nobody could say what the law is.
    Unknown,
    AskedLate,
    BackLate,
    /// The officer found other goods, or goods that were used.
    NotAsReleased,
}

impl TaxKept {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::AskedLate => "asked-late",
            Self::BackLate => "back-late",
            Self::NotAsReleased => "not-as-released",
        }
    }

    const fn of(answer: TaxAnswer) -> Self {
        match answer {
            TaxAnswer::AskedLate => Self::AskedLate,
            TaxAnswer::BackLate => Self::BackLate,
            TaxAnswer::GivenBack | TaxAnswer::Unknown => Self::Unknown,
        }
    }
}

/// How the exporting side's customs let the goods come home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReImport {
    pub at: BusinessTime,
    pub duty_free: bool,
    /// The rule by which it was decided, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The officer; none where the rule decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Id<Party>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// Why nothing was done. One list for all commands of a return.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ReturnRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    NotTheBuyer {
        party: Id<Party>,
    },
    NotTheSeller {
        party: Id<Party>,
    },
    NotAnOfficer {
        party: Id<Party>,
    },
    NotACarrier {
        party: Id<Party>,
    },
    /// This is said on the hub of the other side.
    ReturnElsewhere {
        trade: TradeId,
    },
    TradeClosed,
    NotDelivered,
    ClaimWindowEnded {
        until: BusinessTime,
    },
    NothingHeld {
        state: String,
    },
    /// A return or a dispute is open already.
    ClaimOpen {
        state: String,
    },
    /// Nothing goes back here.
    NoReturn,
    /// A return that stands so does not allow it.
    ReturnState {
        state: String,
    },
    /// The parcel is on its way; it can be returned once it has come.
    HandedOverAlready,
    AnswerTooLate {
        until: BusinessTime,
    },
    ClaimNotDue {
        until: BusinessTime,
    },
    /// This reason is not for this step.
    ReturnReason {
        reason: ReturnReason,
    },
    ReasonMissing,
    ReasonTooLong {
        max: usize,
    },
    /// The rule pack does not say how long this may take.
    ClaimTermUnknown {
        term: String,
    },
    /// Goods have to be there before they are decided on.
    StepMissing {
        step: CustodyKind,
        missing: CustodyKind,
    },
    WeightNotPositive {
        got: Grams,
    },
    TooHeavy {
        got: Grams,
        max: Grams,
    },
    WaybillNumberTaken {
        waybill: S10,
        trade: TradeId,
    },
    /// The way back has a waybill already.
    WaybillStands {
        waybill: S10,
    },
    #[serde(untagged)]
    Evidence(EvidenceRefusal),
    #[serde(untagged)]
    Escrow(EscrowRefusal),
}

impl From<MoneyError> for ReturnRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Escrow(EscrowRefusal::Money(error))
    }
}

impl From<EscrowRefusal> for ReturnRefusal {
    fn from(refusal: EscrowRefusal) -> Self {
        Self::Escrow(refusal)
    }
}

impl From<EvidenceRefusal> for ReturnRefusal {
    fn from(refusal: EvidenceRefusal) -> Self {
        Self::Evidence(refusal)
    }
}

/// The longest that an officer's or a carrier's words may be.
pub(crate) const SAID_MAX: usize = 500;

/// Words as they are kept.
pub(crate) fn said(text: &str, is_needed: bool) -> Result<Option<String>, ReturnRefusal> {
    let text = text.trim();
    if text.chars().count() > SAID_MAX {
        return Err(ReturnRefusal::ReasonTooLong { max: SAID_MAX });
    }
    match text.is_empty() {
        true if is_needed => Err(ReturnRefusal::ReasonMissing),
        true => Ok(None),
        false => Ok(Some(text.to_owned())),
    }
}

impl Return {
    #[must_use]
    pub const fn new(reason: ReturnReason, asked_at: BusinessTime, state: ReturnState) -> Self {
        Self { reason, asked_at, said: None, evidence: Vec::new(), answer: Vec::new(), waybill: None, state }
    }

    /// Whether it still stops the sale: neither come to nothing, nor settled.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, ReturnState::Lapsed { .. })
    }

    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, ReturnState::Settled { .. })
    }

    /// Whether the person's yearly limit has back what the order used.
    #[must_use]
    pub const fn has_restored_quota(&self) -> bool {
        matches!(&self.state, ReturnState::Settled { tax, .. } if tax.restores_quota())
    }

    /// What goes back to the buyer: of whom the fault is decides the freight, the law decides the tax.
    #[must_use]
    pub fn refund(&self, quote: &Quote, tax: &TaxBack) -> Refund {
        let all = Refund::everything(quote);
        let none = Refund::nothing(quote.landed.total.currency());
        let freight = if self.reason == ReturnReason::ChangedMind { none.freight } else { all.freight };
        Refund { goods: all.goods, freight, tax: if tax.is_back() { all.tax } else { none.tax } }
    }
}

impl TradeFile {
    /// The return that stops this sale, if any.
    #[must_use]
    pub fn open_return(&self) -> Option<&Return> {
        self.returning.as_ref().filter(|r| r.is_open())
    }

    /// What went back to the buyer, or will, by a return or a dispute that is decided.
    #[must_use]
    pub fn refund(&self) -> Option<Refund> {
        let of_return = self.returning.as_ref().and_then(|r| match &r.state {
            ReturnState::Settled { refund, .. } => Some(*refund),
            _ => None,
        });
        let of_dispute = || self.dispute.as_ref().and_then(Dispute::refund);
        of_return.or_else(of_dispute).filter(|refund| !refund.is_nothing())
    }

    /// Whether the price of all the goods goes back: the seller has sold nothing.
    #[must_use]
    pub fn is_unsold(&self) -> bool {
        self.order.as_ref().zip(self.refund()).is_some_and(|(order, back)| back.is_of_all_goods(&order.quote))
    }

    /// What stops the money, by the word for it.
    #[must_use]
    pub fn claim(&self) -> Option<&'static str> {
        let dispute = self.dispute.as_ref().filter(|d| d.is_open()).map(|d| d.state.code());
        dispute.or_else(|| self.open_return().map(|r| r.state.code()))
    }

    /// The step that the goods take next on their way home; none where they are there, or never left.
    #[must_use]
    pub fn next_step_home(&self) -> Option<CustodyKind> {
        let first = way_back::first_step(self)?;
        let last = CustodyKind::BACK.iter().rposition(|step| self.has(*step));
        let first = CustodyKind::BACK.iter().position(|step| *step == first)?;
        CustodyKind::BACK.get(last.map_or(first, |at| at + 1)).copied()
    }
}

/// Divides the money of a return that is decided, and tells the peer. `returning` is in the file then.
pub(crate) fn settle(
    world: &mut World,
    file: &mut TradeFile,
    mut returning: Return,
    tax: TaxBack,
) -> Result<(), ReturnRefusal> {
    let none = Refund::nothing(world.site.currency);
    let refund = match (&file.escrow, &file.order) {
        (Escrow::Funded { .. }, Some(order)) => returning.refund(&order.quote, &tax),
        // A deposit goes back whole; nothing was sent for it.
        (Escrow::Deposited { amount, .. }, _) => Refund { goods: *amount, ..none },
        _ => none,
    };
    if tax.restores_quota() {
        order::restore_quota(world, file);
    }
    returning.state = ReturnState::Settled { at: world.now, refund, tax };
    stands(world, file, returning);
    match file.escrow {
        Escrow::Funded { .. } => escrow::divide(world, file, &refund)?,
        Escrow::Deposited { .. } => payment::return_funds(world, file),
        _ => {}
    }
    Ok(())
}

/// Puts a return into its file as it stands now, and tells the peer.
pub(crate) fn stands(world: &mut World, file: &mut TradeFile, returning: Return) {
    let told = Happened::ReturnChanged { returning: returning.clone() };
    world.happened(Some(&file.id), file.peer.as_ref(), told);
    file.returning = Some(returning);
}

/// Who has to act on an open return.
#[must_use]
pub fn ball(file: &TradeFile) -> Option<Ball> {
    let returning = file.open_return()?;
    let ball = |holder, task, since, deadline| Some(Ball { holder, task, since, deadline });
    let moved = |at: BusinessTime| file.custody.last().map_or(at, |c| c.at.max(at));
    match &returning.state {
        ReturnState::Asked { until: None } => ball(Holder::ExportHub, Task::AnswerReturn, returning.asked_at, None),
        ReturnState::Asked { until } => ball(Holder::Seller, Task::AnswerReturn, returning.asked_at, *until),
        ReturnState::Refused { at, until } => ball(Holder::Buyer, Task::OpenDispute, *at, Some(*until)),
        ReturnState::Agreed { at, hand_in_by, .. } => match file.next_step_home() {
            Some(CustodyKind::HandedBack) => ball(Holder::Buyer, Task::HandIn, *at, *hand_in_by),
            Some(CustodyKind::BackAtCustoms) => ball(Holder::ImportCarrier, Task::BringBack, moved(*at), None),
            Some(CustodyKind::SentHome) => ball(Holder::ImportCustoms, Task::ExamineReturn, moved(*at), None),
            // The exporting hub has said that the goods do not come; the money is not back yet.
            _ => ball(Holder::ImportHub, Task::PayOut, moved(*at), None),
        },
        ReturnState::Settled { at, .. } => match file.next_step_home() {
            Some(CustodyKind::HandedBack | CustodyKind::BackAtCustoms | CustodyKind::SentHome) => {
                ball(Holder::ImportCarrier, Task::BringBack, moved(*at), None)
            }
            Some(CustodyKind::BackWithSeller) if file.has(CustodyKind::BackHome) && file.reimport.is_none() => {
                ball(Holder::ExportCustoms, Task::ExamineReturn, moved(*at), None)
            }
            Some(_) => ball(Holder::ExportCarrier, Task::BringBack, moved(*at), None),
            None => ball(Holder::ExportHub, Task::BringBack, moved(*at), None),
        },
        ReturnState::Lapsed { .. } => None,
    }
}

/// The file of a trade that this side of a claim deals with.
pub(crate) fn file_here(world: &World, trade: &TradeId, side: Side) -> Result<TradeFile, ReturnRefusal> {
    let Some(file) = world.trades.get(trade).cloned() else {
        return Err(ReturnRefusal::TradeUnknown { trade: trade.clone() });
    };
    if file.side != side {
        return Err(ReturnRefusal::ReturnElsewhere { trade: trade.clone() });
    }
    Ok(file)
}
