//! What happened on both sides, in order, each with its place in its hub's log; then what is to come.

use trade::clearance::{Channel, Clearance};
use trade::codes::HubId;
use trade::custody::CustodyKind;
use trade::dispute::{Dispute, DisputeState};
use trade::escrow::Escrow;
use trade::event::Happened;
use trade::returns::{Return, ReturnState};
use trade::time::BusinessTime;
use trade::trade_file::{Closed, Side, TradeFile};

use crate::i18n::Tr;

/// An event as a hub knows it: its own, or one that its peer told and proved.
#[derive(Clone, Debug)]
pub struct Known {
    pub hub: HubId,
    pub is_own: bool,
    /// Place in that hub's log; none while the sequencer has not come to it.
    pub n: Option<u64>,
    /// Whether a head that holds it has been countersigned by the other hub.
    pub is_witnessed: bool,
    pub at: BusinessTime,
    pub what: Happened,
}

pub struct Step {
    pub at: String,
    pub iso: String,
    pub text: String,
    pub why: Option<String>,
    /// Hub, event number, witnessed or not.
    pub proof: String,
    pub is_stop: bool,
}

/// The steps in the order in which they happened.
#[must_use]
pub fn steps(t: &Tr, events: &[Known]) -> Vec<Step> {
    let mut known: Vec<&Known> = events.iter().filter(|e| is_news(e)).collect();
    known.sort_by(|a, b| (a.at, &a.hub, a.n.unwrap_or(u64::MAX)).cmp(&(b.at, &b.hub, b.n.unwrap_or(u64::MAX))));
    known.into_iter().map(|e| step(t, e)).collect()
}

/// A hub's own note to its peer says nothing new to who reads it here.
const fn is_news(event: &Known) -> bool {
    let told = matches!(
        event.what,
        Happened::OrderTaken { .. }
            | Happened::DepositSecured { .. }
            | Happened::PaymentSecured
            | Happened::SellerPaid
            | Happened::GoodsBack
            | Happened::ClockMoved { .. }
    );
    !(event.is_own && told)
}

fn step(t: &Tr, event: &Known) -> Step {
    let (text, why) = words(t, &event.what);
    let is_stop = matches!(
        event.what,
        Happened::Held { .. }
            | Happened::Examining { .. }
            | Happened::Detained { .. }
            | Happened::PaymentSetAside { .. }
            | Happened::CustodyExcepted { .. }
    );
    let place = event.n.map_or_else(|| t.s("line-waiting"), |n| t.w1("line-log", "n", t.num(n)));
    let seen = if event.is_witnessed { t.s("line-seen") } else { t.s("line-not-witnessed") };
    let proof = [event.hub.to_string(), place, seen].join(" · ");
    Step { at: t.time(event.at), iso: t.iso(event.at), text, why, proof, is_stop }
}

/// An event in words, with what it rests on.
#[must_use]
pub fn words(t: &Tr, what: &Happened) -> (String, Option<String>) {
    let key = format!("event-{}", what.kind());
    let channel = |c: Channel| t.w1("event-why-channel", "channel", t.by("channel", channel_code(c)));
    let with_rule = |c: Channel, rule: &Option<String>| match rule {
        Some(rule) => format!("{} · {}", channel(c), t.w1("match-rule", "rule", rule)),
        None => channel(c),
    };
    match what {
        Happened::OrderPlaced { total, .. } => (t.w1(&key, "amount", t.money(*total)), None),
        Happened::PaymentReceived { payment, amount } => (t.w2(&key, "no", payment, "amount", t.money(*amount)), None),
        Happened::PaymentSetAside { payment, fault } => (t.w1(&key, "no", payment), Some(t.told_fault(fault))),
        Happened::EscrowFunded { amount }
        | Happened::DepositHeld { amount }
        | Happened::PayoutDue { amount, .. }
        | Happened::RefundDue { amount, .. } => (t.w1(&key, "amount", t.money(*amount)), None),
        Happened::DepositSecured { balance_due } => {
            (t.s(&key), Some(t.w1("money-balance-due", "when", t.time(*balance_due))))
        }
        Happened::WaybillIssued { waybill } => {
            let edition = (waybill.edition > 1).then(|| t.w1("event-why-edition", "edition", waybill.edition));
            (t.w2(&key, "no", &waybill.no, "weight", t.kg(waybill.gross)), edition)
        }
        Happened::ExportLodged { edition, channel: c, rule } => {
            let mut why = with_rule(*c, rule);
            if *edition > 1 {
                why = format!("{} · {why}", t.w1("event-why-edition", "edition", edition));
            }
            (t.s(&key), Some(why))
        }
        Happened::ExportReleased { by, .. } => {
            let why = if by.is_some() { "customs-by-officer" } else { "customs-by-itself" };
            (t.s(&key), Some(t.s(why)))
        }
        Happened::Released { by, reason } => {
            let why = if by.is_some() { "customs-by-officer" } else { "customs-by-itself" };
            (t.s(&key), Some(reason.clone().unwrap_or_else(|| t.s(why))))
        }
        Happened::ImportCharged { charged } => {
            let refused = charged.sums().is_none();
            (t.s(if refused { "event-import-charged-refused" } else { &key }), crate::variance::told(t, charged))
        }
        Happened::ImportMatched { differs } if differs.is_empty() => (t.s(&key), Some(t.s("event-why-all-agree"))),
        Happened::ImportMatched { differs } => {
            let fields: Vec<String> = differs.iter().map(|f| t.by("field", f)).collect();
            (t.s(&key), Some(fields.join(&t.s("list-comma"))))
        }
        Happened::Held { reasons, deadline } => {
            let fields: Vec<String> = reasons.iter().map(|r| t.by("field", r.field.code())).collect();
            let until = t.w1("event-why-deadline", "when", t.time(*deadline));
            (t.s(&key), Some(format!("{} · {until}", fields.join(&t.s("list-comma")))))
        }
        Happened::Examining { channel: c, rule } => (t.s(&key), Some(with_rule(*c, rule))),
        Happened::Detained { reason, .. } => (t.s(&key), Some(reason.clone())),
        Happened::Asked { field, reason, .. } => (t.s(&key), Some(format!("{}: {reason}", t.by("field", field)))),
        Happened::CustodyRecorded { custody, place, .. } => {
            (t.w1(&key, "step", t.by("step", custody.code())), Some(place.clone()))
        }
        Happened::CustodyExcepted { found } => {
            (t.w1(&key, "exception", t.by("exception", found.exception.code())), Some(found.place.clone()))
        }
        Happened::StockMoved { movement } => {
            let moved = t.by("stock-move", movement.what.code());
            (t.w2(&key, "move", moved, "n", t.num(movement.pieces)), None)
        }
        Happened::ParcelReceived { warehouse_name, .. } => (t.w1(&key, "name", warehouse_name), None),
        Happened::ParcelStored { bin, .. } => (t.w1(&key, "bin", bin), None),
        Happened::BagOpened { bag, .. }
        | Happened::ParcelBagged { bag, .. }
        | Happened::ParcelUnbagged { bag, .. }
        | Happened::BagSealed { bag, .. } => (t.w1(&key, "bag", bag), None),
        Happened::BagLoaded { bag, manifest } | Happened::BagUnloaded { bag, manifest } => {
            (t.w2(&key, "bag", bag, "manifest", manifest.master()), None)
        }
        Happened::ManifestOpened { manifest, .. }
        | Happened::PreAlertTaken { manifest, .. }
        | Happened::ManifestArrived { manifest, .. } => (t.w1(&key, "manifest", manifest.master()), None),
        Happened::ManifestClosed { consignment } => {
            let parcels: usize = consignment.bags.iter().map(|bag| bag.parcels.len()).sum();
            (t.w2(&key, "manifest", consignment.id.master(), "n", t.num(parcels)), None)
        }
        Happened::EscrowReleased { due, .. } => (t.w1(&key, "amount", t.money(*due)), None),
        Happened::AdvanceAsked { until, .. } => (t.s(&key), Some(t.w1("advance-until", "when", t.time(*until)))),
        Happened::AdvanceOffered { offer } => {
            (t.w2(&key, "amount", t.money(offer.amount), "fee", t.money(offer.fee)), None)
        }
        Happened::AdvanceAccepted { amount, fee, .. } => {
            (t.w2(&key, "amount", t.money(*amount), "fee", t.money(*fee)), None)
        }
        Happened::AdvanceRepaid { principal, fee } => {
            (t.w2(&key, "amount", t.money(*principal), "fee", t.money(*fee)), None)
        }
        Happened::AdvanceOwed { owed } => (t.w1(&key, "amount", t.money(*owed)), None),
        Happened::DebtRepaid { of, amount } => (t.w2(&key, "amount", t.money(*amount), "trade", of.order_no()), None),
        Happened::FundsReceived { no, amount, .. } | Happened::FundsReturned { no, amount, .. } => {
            (t.w2(&key, "amount", t.money(*amount), "no", no), None)
        }
        Happened::FinanceWord { word } => (t.s(&key), Some(t.by("word-says", word.says.code()))),
        Happened::ReturnChanged { returning } => return_words(t, returning),
        Happened::ReturnAnswered { agrees, .. } => {
            (t.s(&key), Some(t.s(if *agrees { "return-agree" } else { "return-refuse" })))
        }
        Happened::TradeStopped { reason, said } => {
            let why = said.clone().unwrap_or_else(|| t.by("return-reason", reason.code()));
            (t.s(&key), Some(why))
        }
        Happened::ReImported { reimport } => {
            let why = t.s(if reimport.duty_free { "return-home-free" } else { "return-home-duty" });
            (t.s(&key), Some(reimport.said.as_ref().map_or(why.clone(), |said| format!("{why} {said}"))))
        }
        Happened::DisputeChanged { dispute } => dispute_words(t, dispute),
        Happened::PayoutInstructed { file, .. } => (t.w1(&key, "file", file), None),
        Happened::OrderDeclined { problem } | Happened::NotBooked { problem } => {
            (t.s(&key), Some(t.problem(problem).title))
        }
        Happened::PeerAccepted { peer, .. }
        | Happened::PeerPaused { peer }
        | Happened::PeerResumed { peer }
        | Happened::NotUnderstood { peer, .. } => (t.w1(&key, "peer", peer), None),
        Happened::EpochAccepted { peer, epoch, .. } => (t.w2(&key, "peer", peer, "epoch", epoch), None),
        Happened::RulePackUsed { pack, digest, .. } => {
            (t.w2(&key, "pack", pack, "digest", digest.get(..12).unwrap_or(digest)), None)
        }
        Happened::RulePackDropped { pack } => (t.w1(&key, "pack", pack), None),
        Happened::EpochOpened { epoch, .. } => (t.w1(&key, "epoch", epoch), None),
        Happened::ClockMoved { to, .. } => (t.w1(&key, "to", t.time(*to)), None),
        Happened::AccessDigest { day, .. } => (t.w1(&key, "day", day), None),
        Happened::PermitAsked { hs, pieces, .. } => (t.w2(&key, "hs", hs, "pieces", t.num(pieces)), None),
        Happened::PermitGranted { no, pieces, from, until, .. } => {
            let valid = t.w2("permit-valid", "from", t.date(*from), "until", t.date(*until));
            (t.w2(&key, "no", no, "pieces", t.num(pieces)), Some(valid))
        }
        Happened::PermitDrawn { pieces, left, .. } | Happened::PermitGivenBack { pieces, left, .. } => {
            (t.w2(&key, "pieces", t.num(pieces), "left", t.num(left)), None)
        }
        Happened::PermitQuestioned { question: said, .. }
        | Happened::PermitRefused { reason: said, .. }
        | Happened::PermitRevoked { reason: said, .. } => (t.s(&key), Some(said.clone())),
        Happened::ActedUnderMandate { by, giver, act, .. } => {
            (t.w1(&key, "act", t.by("act", act.code())), Some(t.w2("event-why-mandate", "broker", by, "giver", giver)))
        }
        _ => (t.s(&key), None),
    }
}

/// Where a return has come to, and why.
fn return_words(t: &Tr, returning: &Return) -> (String, Option<String>) {
    let text = t.by("event-return", returning.state.code());
    let why = match &returning.state {
        ReturnState::Settled { refund, .. } => {
            refund.total().ok().map(|total| t.w1("event-return-refund", "amount", t.money(total)))
        }
        ReturnState::Lapsed { why, .. } => Some(t.by("return-lapse", why.code())),
        _ => Some(t.by("return-reason", returning.reason.code())),
    };
    (text, why)
}

fn dispute_words(t: &Tr, dispute: &Dispute) -> (String, Option<String>) {
    let text = t.by("event-dispute", dispute.state.code());
    let why = match &dispute.state {
        DisputeState::Decided { award, reason, .. } => {
            let award = t.by("award", award.code());
            Some(reason.as_ref().map_or(award.clone(), |reason| format!("{award} · {reason}")))
        }
        _ => Some(t.by("dispute-reason", dispute.reason.code())),
    };
    (text, why)
}

impl Tr {
    /// A fault of a payment, in a few words.
    #[must_use]
    pub fn told_fault(&self, fault: &trade::payment::PaymentFault) -> String {
        use trade::payment::PaymentFault;
        match fault {
            PaymentFault::OrderClosed => self.s("fault-order-closed"),
            PaymentFault::AlreadyPaid { .. } => self.s("fault-already-paid"),
            PaymentFault::CurrencyDiffers { .. } => self.s("fault-currency-differs"),
            PaymentFault::AmountDiffers { expected, .. } => {
                self.w1("fault-amount-differs", "expected", self.money(*expected))
            }
            PaymentFault::PayerDiffers => self.s("fault-payer-differs"),
            PaymentFault::NoOrder => self.s("fault-no-order"),
        }
    }
}

#[must_use]
pub const fn channel_code(channel: Channel) -> &'static str {
    match channel {
        Channel::Green => "green",
        Channel::Yellow => "yellow",
        Channel::Red => "red",
    }
}

/// The words for what has not been reached, in its order.
#[must_use]
pub fn to_come(t: &Tr, file: &TradeFile) -> Vec<String> {
    let is_over = !matches!(file.closed, None | Some(Closed::Paid { .. }));
    if is_over || is_detained(file) || file.open_return().is_some() {
        return Vec::new();
    }
    let (export, import) = match file.side {
        Side::Export => (&file.clearance, &file.peer_clearance),
        Side::Import => (&file.peer_clearance, &file.clearance),
    };
    let accepted = matches!(file.escrow, Escrow::Released { .. });
    let paid = file.secured.is_some() || !matches!(file.escrow, Escrow::Empty | Escrow::Deposited { .. });
    [
        ("todo-paid", paid),
        ("todo-waybill", file.waybill.is_some()),
        ("todo-export", export.is_released()),
        ("todo-import", import.is_released()),
        ("todo-delivered", file.has(CustodyKind::Delivered)),
        ("todo-accepted", accepted),
        ("todo-seller-paid", file.closed.is_some()),
    ]
    .into_iter()
    .filter(|(_, reached)| !reached)
    .map(|(key, _)| t.s(key))
    .collect()
}

const fn is_detained(file: &TradeFile) -> bool {
    matches!(file.clearance, Clearance::Detained { .. }) || matches!(file.peer_clearance, Clearance::Detained { .. })
}
