//! The money of one trade as its parties may see it: what is held, due, paid, and every movement.

use trade::advance::Advance;
use trade::escrow::{Escrow, Proceeds, proceeds};
use trade::ledger::{Account, Transfer};
use trade::money::MoneyError;
use trade::payment::Fate;
use trade::payout::{Payout, PayoutKind, PayoutState};
use trade::rulebook::Lane;
use trade::time::BusinessTime;
use trade::trade_file::{Side, TradeFile};

use super::viewer::Viewer;
use crate::i18n::Tr;
use crate::variance;

pub struct MoneyView {
    /// The one amount that this reader waits for.
    pub fig: Option<Fig>,
    pub facts: Vec<(String, String)>,
    pub payments: Vec<Line>,
    pub payouts: Vec<Line>,
    pub transfers: Vec<Moved>,
}

pub struct Fig {
    pub label: String,
    pub amount: String,
    pub why: Option<String>,
}

pub struct Line {
    pub amount: String,
    pub what: String,
    pub state: String,
    pub class: &'static str,
}

pub struct Moved {
    pub when: String,
    pub why: String,
    pub from: String,
    pub to: String,
    pub amount: String,
    pub kind: String,
}

/// What the seller gets, as `escrow::received_from_peer` will book it, or has: after a claim that is
/// decided, of what is let go.
pub fn expected(file: &TradeFile, lane: Option<&Lane>) -> Result<Option<Proceeds>, MoneyError> {
    file.order.as_ref().map(|order| proceeds(&order.quote, lane, file.refund().as_ref())).transpose()
}

/// What this part sees of the money; nothing for those whom it does not concern.
#[must_use]
pub fn view(
    t: &Tr,
    file: &TradeFile,
    viewer: Viewer,
    transfers: &[Transfer],
    lane: Option<&Lane>,
    claim_until: Option<BusinessTime>,
) -> Option<MoneyView> {
    if !viewer.sees_ledger() {
        return None;
    }
    Some(MoneyView {
        fig: fig(t, file, lane, claim_until),
        facts: facts(t, file).into_iter().chain(variance::facts(t, file)).chain(advanced(t, file)).collect(),
        payments: file.payments.iter().map(|p| payment(t, p)).collect(),
        payouts: file.payouts.iter().map(|p| payout(t, p)).collect(),
        transfers: transfers.iter().map(|x| moved(t, x)).collect(),
    })
}

fn fig(t: &Tr, file: &TradeFile, lane: Option<&Lane>, claim_until: Option<BusinessTime>) -> Option<Fig> {
    match file.side {
        Side::Export => {
            let expected = expected(file, lane).ok().flatten()?;
            let payout = file.payouts.iter().find(|p| matches!(p.kind, PayoutKind::Proceeds { .. }));
            let (label, amount) = match payout {
                Some(p) if matches!(p.state, PayoutState::Done { .. }) => (t.s("money-paid-out"), p.amount),
                Some(p) => (t.s("money-yours"), p.amount),
                None => (t.s("money-yours"), expected.rest),
            };
            let why = t.w2("money-yours-why", "freight", t.money(expected.freight), "fee", t.money(expected.fee));
            Some(Fig { label, amount: t.money(amount), why: Some(why) })
        }
        Side::Import => match &file.escrow {
            Escrow::Empty => None,
            Escrow::Deposited { amount, balance_due, .. } => {
                let why = t.w1("money-balance-due", "when", t.time(*balance_due));
                Some(Fig { label: t.s("money-deposit"), amount: t.money(*amount), why: Some(why) })
            }
            Escrow::Funded { amount, .. } => {
                let why = claim_until
                    .map_or_else(|| t.s("money-escrow-open"), |until| t.w1("money-escrow-until", "when", t.day(until)));
                Some(Fig { label: t.s("money-in-escrow"), amount: t.money(*amount), why: Some(why) })
            }
            Escrow::Released { at, .. } => {
                let amount = t.money(file.total()?);
                Some(Fig { label: t.w1("money-released", "when", t.time(*at)), amount, why: None })
            }
            Escrow::Returned { amount, at } => {
                Some(Fig { label: t.s("money-returned"), amount: t.money(*amount), why: Some(t.time(*at)) })
            }
        },
    }
}

fn facts(t: &Tr, file: &TradeFile) -> Vec<(String, String)> {
    let Escrow::Released { tax, fee, due, refund, .. } = &file.escrow else {
        return if matches!(file.escrow, Escrow::Empty) && file.secured.is_none() {
            vec![(t.s("money-in-escrow"), t.s("money-empty"))]
        } else {
            Vec::new()
        };
    };
    let back = refund.and_then(|refund| refund.total().ok()).map(|back| (t.s("money-back"), t.money(back)));
    let mut facts: Vec<(String, String)> = back.into_iter().collect();
    facts.extend(match file.side {
        Side::Import => vec![
            (t.s("money-tax"), t.money(*tax)),
            (t.s("money-fee"), t.money(*fee)),
            (t.s("money-due"), t.money(*due)),
        ],
        Side::Export => vec![(t.s("money-due-from"), t.money(*due))],
    });
    facts
}

/// What the seller has had of it already, and what goes to the lender before the rest comes.
fn advanced(t: &Tr, file: &TradeFile) -> Vec<(String, String)> {
    let Some(offer) = file.advance().and_then(Advance::taken) else { return Vec::new() };
    let back = offer.repayment().map_or_else(|_| String::new(), |amount| t.money(amount));
    vec![(t.s("advance-title"), t.money(offer.amount)), (t.s("advance-back"), back)]
}

fn payment(t: &Tr, payment: &trade::payment::Payment) -> Line {
    let (state, class) = match &payment.fate {
        Fate::Parked => (t.s("fate-parked"), "wait"),
        Fate::Applied { .. } => (t.s("fate-applied"), "go"),
        Fate::SetAside { fault, .. } => (format!("{}: {}", t.s("fate-set-aside"), t.told_fault(fault)), "stop"),
    };
    Line { amount: t.money(payment.amount), what: payment.no.to_string(), state, class }
}

fn payout(t: &Tr, payout: &Payout) -> Line {
    let what = match &payout.kind {
        PayoutKind::Proceeds { .. } => t.s("payouts-to-seller"),
        PayoutKind::Advance { .. } => t.s("payouts-to-seller-advance"),
        PayoutKind::Refund { .. } => t.s("payouts-to-payer"),
    };
    let (state, class) = state_of(t, &payout.state);
    Line { amount: t.money(payout.amount), what, state, class }
}

/// The state of a payout, as word and class of its mark.
#[must_use]
pub fn state_of(t: &Tr, state: &PayoutState) -> (String, &'static str) {
    match state {
        PayoutState::Due => (t.s("payouts-state-due"), "wait"),
        PayoutState::Instructed { .. } => (t.s("payouts-state-instructed"), "tell"),
        PayoutState::Done { .. } => (t.s("payouts-state-done"), "go"),
    }
}

fn moved(t: &Tr, transfer: &Transfer) -> Moved {
    Moved {
        when: t.time(transfer.at),
        why: t.by("leg", transfer.leg.code()),
        from: account(t, &transfer.debit),
        to: account(t, &transfer.credit),
        amount: t.money(transfer.amount),
        kind: t.by("transfer", transfer.kind.code()),
    }
}

/// An account by what it is for; parties are not named, peers are.
#[must_use]
pub fn account(t: &Tr, account: &Account) -> String {
    t.w1(&format!("account-{}", account.purpose.code()), "with", &account.with)
}
