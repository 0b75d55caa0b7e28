//! The ball: who has to act next on a trade, what for, since when, until when.

use serde::{Deserialize, Serialize};

use crate::clearance::Clearance;
use crate::custody::CustodyKind;
use crate::dispute;
use crate::escrow::Escrow;
use crate::payout::PayoutState;
use crate::returns;
use crate::rulebook::Mender;
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile};

/// Who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    Seller,
    Buyer,
    ExportCarrier,
    ImportCarrier,
    Warehouse,
    ExportCustoms,
    ImportCustoms,
    PaymentFirm,
    Broker,
    ExportHub,
    ImportHub,
    Nobody,
}

impl Holder {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
            Self::ExportCarrier => "export-carrier",
            Self::ImportCarrier => "import-carrier",
            Self::Warehouse => "warehouse",
            Self::ExportCustoms => "export-customs",
            Self::ImportCustoms => "import-customs",
            Self::PaymentFirm => "payment-firm",
            Self::Broker => "broker",
            Self::ExportHub => "export-hub",
            Self::ImportHub => "import-hub",
            Self::Nobody => "nobody",
        }
    }
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    PlaceOrder,
    Pay,
    /// The rest, after a deposit.
    PayBalance,
    HandOver,
    /// Take what was ordered from stock and make it a parcel.
    PickOrder,
    LodgeExport,
    Examine,
    Answer,
    Mend,
    Transport,
    Deliver,
    AcceptGoods,
    ReleaseEscrow,
    PayOut,
    /// Say whether goods may come back.
    AnswerReturn,
    /// Give goods to the carrier that go back.
    HandIn,
    /// Carry goods home.
    BringBack,
    /// Look at goods that go back.
    ExamineReturn,
    OpenDispute,
    AnswerDispute,
    DecideDispute,
    Nothing,
}

impl Task {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PlaceOrder => "place-order",
            Self::Pay => "pay",
            Self::PayBalance => "pay-balance",
            Self::HandOver => "hand-over",
            Self::PickOrder => "pick-order",
            Self::LodgeExport => "lodge-export",
            Self::Examine => "examine",
            Self::Answer => "answer",
            Self::Mend => "mend",
            Self::Transport => "transport",
            Self::Deliver => "deliver",
            Self::AcceptGoods => "accept-goods",
            Self::ReleaseEscrow => "release-escrow",
            Self::PayOut => "pay-out",
            Self::AnswerReturn => "answer-return",
            Self::HandIn => "hand-in",
            Self::BringBack => "bring-back",
            Self::ExamineReturn => "examine-return",
            Self::OpenDispute => "open-dispute",
            Self::AnswerDispute => "answer-dispute",
            Self::DecideDispute => "decide-dispute",
            Self::Nothing => "nothing",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ball {
    pub holder: Holder,
    pub task: Task,
    pub since: BusinessTime,
    pub deadline: Option<BusinessTime>,
}

/// Worked out from the trade file alone, so that it cannot lag behind it.
#[must_use]
pub fn ball(file: &TradeFile) -> Ball {
    let held = |holder, task, since| Ball { holder, task, since, deadline: None };
    match &file.closed {
        Some(
            Closed::Paid { at }
            | Closed::Lapsed { at }
            | Closed::Declined { at, .. }
            | Closed::Cancelled { at }
            | Closed::Returned { at }
            | Closed::Refunded { at },
        ) => {
            return open_refund(file).unwrap_or_else(|| held(Holder::Nobody, Task::Nothing, *at));
        }
        None => {}
    }
    if let Some(ball) = dispute::ball(file).or_else(|| returns::ball(file)) {
        return ball;
    }
    let (export, import) = match file.side {
        Side::Export => (&file.clearance, &file.peer_clearance),
        Side::Import => (&file.peer_clearance, &file.clearance),
    };
    if let Clearance::Detained { at, .. } = import {
        return held(Holder::ImportCustoms, Task::Nothing, *at);
    }
    if let Clearance::Detained { at, .. } = export {
        return held(Holder::ExportCustoms, Task::Nothing, *at);
    }
    let Some(order) = &file.order else {
        return held(Holder::Buyer, Task::PlaceOrder, file.opened);
    };
    let funded = match (&file.escrow, file.secured) {
        (Escrow::Released { at, .. }, _) => return released(file, *at),
        (Escrow::Returned { at, .. }, _) => {
            return open_refund(file).unwrap_or_else(|| held(Holder::Nobody, Task::Nothing, *at));
        }
        (Escrow::Funded { at, .. }, _) => Some(*at),
        (Escrow::Empty | Escrow::Deposited { .. }, secured) => secured,
    };
    let Some(funded) = funded else {
        if let Some(told) = file.awaits_balance() {
            let deadline = Some(told.balance_due);
            return Ball { deadline, ..held(Holder::Buyer, Task::PayBalance, told.at) };
        }
        let deadline = Some(order.quote.expires_at);
        return Ball { deadline, ..held(Holder::Buyer, Task::Pay, order.placed_at) };
    };
    if let Some(at) = file.custody_at(CustodyKind::Delivered) {
        return held(Holder::Buyer, Task::AcceptGoods, at);
    }
    if let Some(ball) = stopped(import, Holder::ImportCustoms).or_else(|| stopped(export, Holder::ExportCustoms)) {
        return ball;
    }
    under_way(file, export, import, funded)
}

/// Held or examined: the mender, the one who was asked, or the officer.
pub(crate) fn stopped(clearance: &Clearance, customs: Holder) -> Option<Ball> {
    match clearance {
        Clearance::Held { since, reasons, deadline } => {
            let holder = reasons.first().map_or(customs, |r| mender(r.mender));
            Some(Ball { holder, task: Task::Mend, since: *since, deadline: Some(*deadline) })
        }
        Clearance::Examining { since, asked: Some(asked), deadline, .. } => {
            Some(Ball { holder: mender(asked.of), task: Task::Answer, since: *since, deadline: Some(*deadline) })
        }
        Clearance::Examining { since, deadline, .. } => {
            Some(Ball { holder: customs, task: Task::Examine, since: *since, deadline: Some(*deadline) })
        }
        _ => None,
    }
}

fn under_way(file: &TradeFile, export: &Clearance, import: &Clearance, funded: BusinessTime) -> Ball {
    let held = |holder, task, since| Ball { holder, task, since, deadline: None };
    let Clearance::Released { at: exported, .. } = export else {
        return match &file.waybill {
            None => match file.handling.stored(file) {
                Some(storage) => held(Holder::Warehouse, Task::PickOrder, storage.since.max(funded)),
                None => held(Holder::Seller, Task::HandOver, funded),
            },
            Some(w) => held(Holder::Seller, Task::LodgeExport, w.issued_at.max(funded)),
        };
    };
    let last = file.custody.last().map_or(*exported, |c| c.at);
    if let Some(storage) = file.handling.stored(file) {
        return held(Holder::Warehouse, Task::HandOver, storage.since.max(*exported));
    }
    if !file.has(CustodyKind::Departed) {
        return held(Holder::ExportCarrier, Task::Transport, last.max(*exported));
    }
    match import {
        Clearance::Released { at, .. } => held(Holder::ImportCarrier, Task::Deliver, last.max(*at)),
        _ => held(Holder::ImportHub, Task::Examine, last),
    }
}

fn released(file: &TradeFile, at: BusinessTime) -> Ball {
    let since = |p: &crate::payout::Payout| match &p.state {
        PayoutState::Instructed { at, .. } => (Holder::PaymentFirm, *at),
        _ => (Holder::ExportHub, p.due_at),
    };
    let open = file.payouts.iter().find(|p| !matches!(p.state, PayoutState::Done { .. }));
    match (file.side, open) {
        (Side::Export, Some(payout)) => {
            let (holder, since) = since(payout);
            Ball { holder, task: Task::PayOut, since, deadline: None }
        }
        _ => open_refund(file).unwrap_or(Ball {
            holder: Holder::ExportHub,
            task: Task::PayOut,
            since: at,
            deadline: None,
        }),
    }
}

/// Money that is on its way back to a payer keeps a file open after all else is done.
fn open_refund(file: &TradeFile) -> Option<Ball> {
    let payout = file.payouts.iter().find(|p| p.is_refund())?;
    let (holder, since) = match &payout.state {
        PayoutState::Instructed { at, .. } => (Holder::PaymentFirm, *at),
        _ => (Holder::ImportHub, payout.due_at),
    };
    Some(Ball { holder, task: Task::PayOut, since, deadline: None })
}

const fn mender(mender: Mender) -> Holder {
    match mender {
        Mender::Seller => Holder::Seller,
        Mender::Buyer => Holder::Buyer,
        Mender::Carrier => Holder::ExportCarrier,
        Mender::PaymentFirm => Holder::PaymentFirm,
        Mender::Broker => Holder::Broker,
    }
}
