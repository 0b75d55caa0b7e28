//! All commands of the hub in one closed list, so that a batch can mix them.

use serde::{Deserialize, Serialize};

use crate::access_log::DigestAccess;
use crate::advance::{
    AcceptAdvance, AskAdvance, OfferAdvance, ReceiveFunds, RestoreAdvance, ReturnFunds, WithdrawAdvance,
};
use crate::bag::{OpenBag, PutInBag, SealBag, TakeFromBag};
use crate::clearance::DecideClearance;
use crate::clock::MoveClock;
use crate::command::{Decide, Outcome, run};
use crate::custody::RecordCustody;
use crate::declaration::LodgeExport;
use crate::dispute::{AnswerDispute, DecideDispute, OpenDispute, PassDispute};
use crate::escrow::{AcceptGoods, EndClaimWindow};
use crate::financing::AskWord;
use crate::handling::StoreParcel;
use crate::mandate::{AnswerMandate, EndMandate, GiveMandate};
use crate::manifest::{ArriveManifest, CloseManifest, LoadBag, OpenManifest, UnloadBag};
use crate::order::{LapseOrder, PlaceOrder};
use crate::origin::StateMaterials;
use crate::party::{ErasePersonal, RegisterParty};
use crate::payee::NamePayee;
use crate::payment::{ReceivePayment, ReturnParked};
use crate::payout::{ConfirmPayout, InstructPayouts};
use crate::peer::{AcceptEpoch, AcceptPeer, PausePeer, ReceiveBatch};
use crate::permit::{AnswerPermit, AskPermit, DecidePermit, UsePermit};
use crate::product::OfferProduct;
use crate::quote::{AskPeerQuote, AskQuote};
use crate::recovery::{CheckBank, EndRecall, Recall};
use crate::returns::{
    AnswerReturn, AskReturn, CancelOrder, ExamineReturn, IssueReturnWaybill, PassReturn, SendBack, WithdrawClaim,
};
use crate::rulebook::UsePacks;
use crate::stock::MoveStock;
use crate::waybill::IssueWaybill;
use crate::world::{Need, World};

/// Anything that can change a hub. Ids in the commands make them safe to send twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    RegisterParty(RegisterParty),
    ErasePersonal(ErasePersonal),
    NamePayee(NamePayee),
    OfferProduct(OfferProduct),
    StateMaterials(StateMaterials),
    AskQuote(AskQuote),
    AskPeerQuote(AskPeerQuote),
    PlaceOrder(PlaceOrder),
    LapseOrder(LapseOrder),
    ReceivePayment(ReceivePayment),
    ReturnParked(ReturnParked),
    IssueWaybill(IssueWaybill),
    LodgeExport(LodgeExport),
    DecideClearance(DecideClearance),
    RecordCustody(RecordCustody),
    MoveStock(MoveStock),
    StoreParcel(StoreParcel),
    OpenBag(OpenBag),
    PutInBag(PutInBag),
    TakeFromBag(TakeFromBag),
    SealBag(SealBag),
    OpenManifest(OpenManifest),
    LoadBag(LoadBag),
    UnloadBag(UnloadBag),
    CloseManifest(CloseManifest),
    ArriveManifest(ArriveManifest),
    AcceptGoods(AcceptGoods),
    EndClaimWindow(EndClaimWindow),
    InstructPayouts(InstructPayouts),
    ConfirmPayout(ConfirmPayout),
    CancelOrder(CancelOrder),
    SendBack(SendBack),
    AskReturn(AskReturn),
    AnswerReturn(AnswerReturn),
    PassReturn(PassReturn),
    WithdrawClaim(WithdrawClaim),
    IssueReturnWaybill(IssueReturnWaybill),
    ExamineReturn(ExamineReturn),
    OpenDispute(OpenDispute),
    AnswerDispute(AnswerDispute),
    PassDispute(PassDispute),
    DecideDispute(DecideDispute),
    MoveClock(MoveClock),
    AcceptPeer(AcceptPeer),
    PausePeer(PausePeer),
    ReceiveBatch(ReceiveBatch),
    AcceptEpoch(AcceptEpoch),
    Recall(Recall),
    EndRecall(EndRecall),
    CheckBank(CheckBank),
    DigestAccess(DigestAccess),
    GiveMandate(GiveMandate),
    AnswerMandate(AnswerMandate),
    EndMandate(EndMandate),
    AskPermit(AskPermit),
    AnswerPermit(AnswerPermit),
    DecidePermit(DecidePermit),
    UsePermit(UsePermit),
    AskAdvance(AskAdvance),
    WithdrawAdvance(WithdrawAdvance),
    OfferAdvance(OfferAdvance),
    AcceptAdvance(AcceptAdvance),
    RestoreAdvance(RestoreAdvance),
    ReceiveFunds(ReceiveFunds),
    ReturnFunds(ReturnFunds),
    AskWord(AskWord),
    UsePacks(UsePacks),
}

/// Each command goes into the list by `into()`.
macro_rules! into_command {
    ($($name:ident),+) => {
        $(impl From<$name> for Command {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })+
    };
}

into_command!(
    RegisterParty,
    ErasePersonal,
    NamePayee,
    OfferProduct,
    StateMaterials,
    AskQuote,
    AskPeerQuote,
    PlaceOrder,
    LapseOrder,
    ReceivePayment,
    ReturnParked,
    IssueWaybill,
    LodgeExport,
    DecideClearance,
    RecordCustody,
    MoveStock,
    StoreParcel,
    OpenBag,
    PutInBag,
    TakeFromBag,
    SealBag,
    OpenManifest,
    LoadBag,
    UnloadBag,
    CloseManifest,
    ArriveManifest,
    AcceptGoods,
    EndClaimWindow,
    InstructPayouts,
    ConfirmPayout,
    CancelOrder,
    SendBack,
    AskReturn,
    AnswerReturn,
    PassReturn,
    WithdrawClaim,
    IssueReturnWaybill,
    ExamineReturn,
    OpenDispute,
    AnswerDispute,
    PassDispute,
    DecideDispute,
    MoveClock,
    AcceptPeer,
    PausePeer,
    ReceiveBatch,
    DigestAccess,
    GiveMandate,
    AnswerMandate,
    EndMandate,
    AskPermit,
    AnswerPermit,
    DecidePermit,
    UsePermit,
    AcceptEpoch,
    Recall,
    EndRecall,
    CheckBank,
    AskAdvance,
    WithdrawAdvance,
    OfferAdvance,
    AcceptAdvance,
    RestoreAdvance,
    ReceiveFunds,
    ReturnFunds,
    AskWord,
    UsePacks
);

/// Calls `$act` with the command inside, whichever it is.
macro_rules! each {
    ($self:expr, $c:ident => $act:expr) => {
        match $self {
            Command::RegisterParty($c) => $act,
            Command::ErasePersonal($c) => $act,
            Command::NamePayee($c) => $act,
            Command::OfferProduct($c) => $act,
            Command::StateMaterials($c) => $act,
            Command::AskQuote($c) => $act,
            Command::AskPeerQuote($c) => $act,
            Command::PlaceOrder($c) => $act,
            Command::LapseOrder($c) => $act,
            Command::ReceivePayment($c) => $act,
            Command::ReturnParked($c) => $act,
            Command::IssueWaybill($c) => $act,
            Command::LodgeExport($c) => $act,
            Command::DecideClearance($c) => $act,
            Command::RecordCustody($c) => $act,
            Command::MoveStock($c) => $act,
            Command::StoreParcel($c) => $act,
            Command::OpenBag($c) => $act,
            Command::PutInBag($c) => $act,
            Command::TakeFromBag($c) => $act,
            Command::SealBag($c) => $act,
            Command::OpenManifest($c) => $act,
            Command::LoadBag($c) => $act,
            Command::UnloadBag($c) => $act,
            Command::CloseManifest($c) => $act,
            Command::ArriveManifest($c) => $act,
            Command::AcceptGoods($c) => $act,
            Command::EndClaimWindow($c) => $act,
            Command::InstructPayouts($c) => $act,
            Command::ConfirmPayout($c) => $act,
            Command::CancelOrder($c) => $act,
            Command::SendBack($c) => $act,
            Command::AskReturn($c) => $act,
            Command::AnswerReturn($c) => $act,
            Command::PassReturn($c) => $act,
            Command::WithdrawClaim($c) => $act,
            Command::IssueReturnWaybill($c) => $act,
            Command::ExamineReturn($c) => $act,
            Command::OpenDispute($c) => $act,
            Command::AnswerDispute($c) => $act,
            Command::PassDispute($c) => $act,
            Command::DecideDispute($c) => $act,
            Command::MoveClock($c) => $act,
            Command::AcceptPeer($c) => $act,
            Command::PausePeer($c) => $act,
            Command::ReceiveBatch($c) => $act,
            Command::AcceptEpoch($c) => $act,
            Command::Recall($c) => $act,
            Command::EndRecall($c) => $act,
            Command::CheckBank($c) => $act,
            Command::DigestAccess($c) => $act,
            Command::GiveMandate($c) => $act,
            Command::AnswerMandate($c) => $act,
            Command::EndMandate($c) => $act,
            Command::AskPermit($c) => $act,
            Command::AnswerPermit($c) => $act,
            Command::DecidePermit($c) => $act,
            Command::UsePermit($c) => $act,
            Command::AskAdvance($c) => $act,
            Command::WithdrawAdvance($c) => $act,
            Command::OfferAdvance($c) => $act,
            Command::AcceptAdvance($c) => $act,
            Command::RestoreAdvance($c) => $act,
            Command::ReceiveFunds($c) => $act,
            Command::ReturnFunds($c) => $act,
            Command::AskWord($c) => $act,
            Command::UsePacks($c) => $act,
        }
    };
}

impl Command {
    /// Its name as it stands under `command` in its JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RegisterParty(_) => "register-party",
            Self::ErasePersonal(_) => "erase-personal",
            Self::NamePayee(_) => "name-payee",
            Self::OfferProduct(_) => "offer-product",
            Self::StateMaterials(_) => "state-materials",
            Self::AskQuote(_) => "ask-quote",
            Self::AskPeerQuote(_) => "ask-peer-quote",
            Self::PlaceOrder(_) => "place-order",
            Self::LapseOrder(_) => "lapse-order",
            Self::ReceivePayment(_) => "receive-payment",
            Self::ReturnParked(_) => "return-parked",
            Self::IssueWaybill(_) => "issue-waybill",
            Self::LodgeExport(_) => "lodge-export",
            Self::DecideClearance(_) => "decide-clearance",
            Self::RecordCustody(_) => "record-custody",
            Self::MoveStock(_) => "move-stock",
            Self::StoreParcel(_) => "store-parcel",
            Self::OpenBag(_) => "open-bag",
            Self::PutInBag(_) => "put-in-bag",
            Self::TakeFromBag(_) => "take-from-bag",
            Self::SealBag(_) => "seal-bag",
            Self::OpenManifest(_) => "open-manifest",
            Self::LoadBag(_) => "load-bag",
            Self::UnloadBag(_) => "unload-bag",
            Self::CloseManifest(_) => "close-manifest",
            Self::ArriveManifest(_) => "arrive-manifest",
            Self::AcceptGoods(_) => "accept-goods",
            Self::EndClaimWindow(_) => "end-claim-window",
            Self::InstructPayouts(_) => "instruct-payouts",
            Self::ConfirmPayout(_) => "confirm-payout",
            Self::CancelOrder(_) => "cancel-order",
            Self::SendBack(_) => "send-back",
            Self::AskReturn(_) => "ask-return",
            Self::AnswerReturn(_) => "answer-return",
            Self::PassReturn(_) => "pass-return",
            Self::WithdrawClaim(_) => "withdraw-claim",
            Self::IssueReturnWaybill(_) => "issue-return-waybill",
            Self::ExamineReturn(_) => "examine-return",
            Self::OpenDispute(_) => "open-dispute",
            Self::AnswerDispute(_) => "answer-dispute",
            Self::PassDispute(_) => "pass-dispute",
            Self::DecideDispute(_) => "decide-dispute",
            Self::MoveClock(_) => "move-clock",
            Self::AcceptPeer(_) => "accept-peer",
            Self::PausePeer(_) => "pause-peer",
            Self::ReceiveBatch(_) => "receive-batch",
            Self::AcceptEpoch(_) => "accept-epoch",
            Self::Recall(_) => "recall",
            Self::EndRecall(_) => "end-recall",
            Self::CheckBank(_) => "check-bank",
            Self::DigestAccess(_) => "digest-access",
            Self::GiveMandate(_) => "give-mandate",
            Self::AnswerMandate(_) => "answer-mandate",
            Self::EndMandate(_) => "end-mandate",
            Self::AskPermit(_) => "ask-permit",
            Self::AnswerPermit(_) => "answer-permit",
            Self::DecidePermit(_) => "decide-permit",
            Self::UsePermit(_) => "use-permit",
            Self::AskAdvance(_) => "ask-advance",
            Self::WithdrawAdvance(_) => "withdraw-advance",
            Self::OfferAdvance(_) => "offer-advance",
            Self::AcceptAdvance(_) => "accept-advance",
            Self::RestoreAdvance(_) => "restore-advance",
            Self::ReceiveFunds(_) => "receive-funds",
            Self::ReturnFunds(_) => "return-funds",
            Self::AskWord(_) => "ask-word",
            Self::UsePacks(_) => "use-packs",
        }
    }

    pub fn reads(&self, need: &mut Need) {
        each!(self, c => c.reads(need));
    }

    pub fn reads_more(&self, world: &World, need: &mut Need) {
        each!(self, c => c.reads_more(world, need));
    }

    /// How much work it is, in commands of the common kind.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::ReceiveBatch(c) => c.batch.entries.len().max(1),
            _ => 1,
        }
    }

    /// Whoever brings it works out what it can; see [`Decide::prepare`].
    pub fn prepare(&self) {
        each!(self, c => c.prepare());
    }

    /// Decides within a batch; a refusal leaves the world as it was.
    pub fn decide(&self, world: &mut World) -> Outcome {
        each!(self, c => run(c, world))
    }
}

/// What a whole batch reads in the first round.
#[must_use]
pub fn first_round(commands: &[&Command]) -> Need {
    let mut need = Need::default();
    for command in commands {
        command.reads(&mut need);
    }
    need
}

/// What it reads in the second, after the first is loaded.
pub fn second_round(commands: &[&Command], world: &mut World) -> Need {
    let mut need = Need::default();
    for command in commands {
        command.reads_more(world, &mut need);
    }
    world.missing(need)
}
