//! The one next step on a trade file, told to whoever looks at it.

use trade::ball::{Ball, Holder, Task};
use trade::clearance::Clearance;
use trade::payment::payable;
use trade::payout::Payout;
use trade::time::BusinessTime;
use trade::trade_file::{Closed, Side, TradeFile};

use super::viewer::Viewer;
use crate::page::Page;
use crate::problem::percent;

/// What to do, or that there is nothing to do and who acts instead.
pub struct Next {
    pub title: String,
    pub text: String,
    pub action: Option<Action>,
    pub is_mine: bool,
}

pub struct Action {
    pub href: String,
    pub label: String,
    /// Done at once by a post; else a link to the form.
    pub is_post: bool,
    pub note: Option<String>,
}

/// The path of a trade's page; numbers may hold a slash.
#[must_use]
pub fn path(file: &TradeFile) -> String {
    path_of(file.id.as_str())
}

#[must_use]
pub fn path_of(id: &str) -> String {
    format!("/trades/{}", percent(id).replace('/', "%2F"))
}

#[must_use]
pub fn next(p: &Page, file: &TradeFile, ball: &Ball, viewer: Viewer, claim_until: Option<BusinessTime>) -> Next {
    let helps = viewer == Viewer::Broker && crate::mandate::is_brokers(file.side, ball);
    let mine = (helps || viewer.holds(file.side, ball.holder)) && ball.task != Task::Nothing;
    if mine { own(p, file, ball, viewer, claim_until) } else { others(p, file, ball, viewer) }
}

fn own(t: &Page, file: &TradeFile, ball: &Ball, viewer: Viewer, claim_until: Option<BusinessTime>) -> Next {
    let code = ball.task.code();
    let when = ball.deadline.map(|d| t.time(d)).unwrap_or_default();
    let (title, text) = match ball.task {
        Task::Pay => {
            let amount = file.total().map(|m| t.money(m)).unwrap_or_default();
            let order = file.id.order_no().to_owned();
            (t.s("next-pay-title"), t.w("next-pay", [("amount", amount), ("order", order), ("when", when)]))
        }
        Task::PayBalance => {
            let amount = payable(file).first().map(|m| t.money(*m)).unwrap_or_default();
            let order = file.id.order_no().to_owned();
            let words = [("amount", amount), ("order", order), ("when", when)];
            (t.s("next-pay-balance-title"), t.w("next-pay-balance", words))
        }
        Task::Mend => {
            let field = held_field(file).map(|f| t.by("field", f)).unwrap_or_default();
            (t.w1("next-mend-title", "field", field), t.w1("next-mend", "when", when))
        }
        Task::Answer => {
            let (field, reason) = asked(file).unwrap_or_default();
            (t.s("next-answer-title"), t.w2("next-answer", "field", t.by("field", field), "reason", reason))
        }
        Task::AcceptGoods => {
            let until = claim_until.map(|u| t.time(u)).unwrap_or_default();
            (t.s("next-accept-goods-title"), t.w1("next-accept-goods", "when", until))
        }
        Task::HandOver if viewer == Viewer::Warehouse => {
            (t.s("next-warehouse-hand-over-title"), t.s("next-warehouse-hand-over"))
        }
        Task::AnswerReturn | Task::HandIn | Task::OpenDispute | Task::AnswerDispute | Task::DecideDispute => {
            (t.s(&format!("next-{code}-title")), t.w1(&format!("next-{code}"), "when", when))
        }
        Task::Examine => (t.s("next-examine-title"), t.w1("next-examine", "when", when)),
        _ => (t.s(&format!("next-{code}-title")), t.s(&format!("next-{code}"))),
    };
    Next { title, text, action: action(t, file, ball.task, viewer), is_mine: true }
}

fn action(t: &Page, file: &TradeFile, task: Task, viewer: Viewer) -> Option<Action> {
    let here = path(file);
    let link = |href: String, key: &str| Some(Action { href, label: t.s(key), is_post: false, note: None });
    match (task, viewer) {
        // The payment firm of a sandbox has its counter in the house.
        (Task::Pay | Task::PayBalance, Viewer::Buyer) if t.sandbox => {
            link(here.replacen("/trades/", "/pay/", 1), "order-pay")
        }
        (Task::Mend, Viewer::Seller | Viewer::Buyer | Viewer::Broker) if held_field(file) == Some("permit") => {
            link(format!("{here}/permits"), "permit-bring")
        }
        (Task::PickOrder, Viewer::Warehouse) => link(crate::handling::pick_path(file), "pick-title"),
        (Task::HandOver, Viewer::Warehouse) => link("/warehouse/scan".to_owned(), "scan-title"),
        (Task::HandOver, _) => link(format!("{here}/waybill"), "waybill-new"),
        (Task::LodgeExport, _) => link(format!("{here}/export-declaration"), "declaration-new"),
        (Task::Mend | Task::Answer, Viewer::Carrier) if file.side == Side::Export => {
            link(format!("{here}/waybill"), "waybill-correct")
        }
        (Task::Mend | Task::Answer, Viewer::Seller | Viewer::Broker) if file.side == Side::Export => {
            link(format!("{here}/export-declaration"), "declaration-correct")
        }
        (Task::AcceptGoods, Viewer::Buyer) => Some(Action {
            href: format!("{here}/acceptance"),
            label: t.s("escrow-accept"),
            is_post: true,
            note: Some(t.s("escrow-accept-note")),
        }),
        (Task::Examine, Viewer::Officer) => link(here.replacen("/trades/", "/officer/", 1), "clearance-decision"),
        (Task::Transport | Task::Deliver, Viewer::Carrier) => {
            let number = file.waybill.as_ref().map(|w| w.no.to_string()).unwrap_or_default();
            link(format!("/parcels?number={}", percent(&number)), "custody-title")
        }
        (Task::PayOut, Viewer::Operator) => link("/payouts".to_owned(), "payouts-title"),
        (Task::BringBack, Viewer::Carrier) => {
            let number = file.waybill.as_ref().map(|w| w.no.to_string()).unwrap_or_default();
            link(format!("/parcels?number={}", percent(&number)), "custody-title")
        }
        (Task::AnswerReturn | Task::HandIn | Task::ExamineReturn, _) => link(format!("{here}/return"), "return-title"),
        (Task::OpenDispute | Task::AnswerDispute | Task::DecideDispute, _) => {
            link(format!("{here}/dispute"), "dispute-title")
        }
        _ => None,
    }
}

fn others(t: &Page, file: &TradeFile, ball: &Ball, viewer: Viewer) -> Next {
    let refund = file.payouts.iter().any(Payout::is_refund);
    let detained = [&file.clearance, &file.peer_clearance].into_iter().any(|c| matches!(c, Clearance::Detained { .. }));
    let text = match &file.closed {
        _ if refund => t.s("next-refund"),
        Some(Closed::Paid { .. }) => t.s("next-nobody"),
        Some(Closed::Lapsed { .. }) => t.s("next-lapsed"),
        Some(Closed::Declined { .. }) => t.s("next-declined"),
        Some(Closed::Cancelled { .. }) => t.s("next-cancelled"),
        Some(Closed::Returned { .. }) => t.s("next-returned"),
        Some(Closed::Refunded { .. }) => t.s("next-refunded"),
        None if detained && file.open_return().is_none() => t.s("next-detained"),
        None => {
            let holder = t.by("holder", ball.holder.code());
            let task = t.by("task", ball.task.code());
            match ball.deadline {
                Some(deadline) => {
                    t.w("next-other-until", [("holder", holder), ("task", task), ("when", t.time(deadline))])
                }
                None => t.w("next-other-who", [("holder", holder), ("task", task)]),
            }
        }
    };
    // The carrier may register the waybill when the seller brings the parcel.
    let hands_over = ball.holder == Holder::Seller && ball.task == Task::HandOver;
    let helps = viewer == Viewer::Carrier && hands_over && file.side == Side::Export;
    let action = helps.then(|| action(t, file, ball.task, viewer)).flatten();
    let title = if file.closed.is_some() || ball.holder == Holder::Nobody { String::new() } else { t.s("next-other") };
    Next { title, text, action, is_mine: helps }
}

fn held_field(file: &TradeFile) -> Option<&'static str> {
    [&file.clearance, &file.peer_clearance].into_iter().find_map(|c| match c {
        Clearance::Held { reasons, .. } => reasons.first().map(|r| r.field.code()),
        _ => None,
    })
}

fn asked(file: &TradeFile) -> Option<(String, String)> {
    [&file.clearance, &file.peer_clearance].into_iter().find_map(|c| match c {
        Clearance::Examining { asked: Some(asked), .. } => Some((asked.field.clone(), asked.reason.clone())),
        _ => None,
    })
}
