//! The trade file: the one record of a sale on one hub. Its peer keeps the other side of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clearance::Clearance;
use crate::codes::{DocumentNo, HubId};
use crate::custody::{Custody, CustodyKind};
use crate::declaration::Declaration;
use crate::dispute::Dispute;
use crate::escrow::Escrow;
use crate::financing::Finance;
use crate::handling::Handling;
use crate::id::Id;
use crate::matching::MatchResult;
use crate::money::Money;
use crate::order::Order;
use crate::party::Party;
use crate::payment::{Fate, Payment};
use crate::payout::Payout;
use crate::permit::PermitUse;
use crate::returns::{ReImport, Return};
use crate::time::BusinessTime;
use crate::variance::Charged;
use crate::waybill::Waybill;

/// The id that both hubs know a trade by: the importing hub and its order number, `hgh.sandbox:A-1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TradeId(Arc<str>);

impl TradeId {
    #[must_use]
    pub fn new(importer: &HubId, order: &DocumentNo) -> Self {
        Self(format!("{importer}:{order}").into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The order number, which runs through payment, waybill and declaration.
    #[must_use]
    pub fn order_no(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, order)| order)
    }

    #[must_use]
    pub fn importer(&self) -> &str {
        self.0.split_once(':').map_or("", |(hub, _)| hub)
    }
}

/// A text that is not `hub:order`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotATrade(pub String);

impl fmt::Display for NotATrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a trade id: {}", self.0)
    }
}

impl FromStr for TradeId {
    type Err = NotATrade;

    fn from_str(text: &str) -> Result<Self, NotATrade> {
        let bad = || NotATrade(text.chars().take(100).collect());
        let (hub, order) = text.split_once(':').ok_or_else(bad)?;
        let hub: HubId = hub.parse().map_err(|_| bad())?;
        let order: DocumentNo = order.parse().map_err(|_| bad())?;
        Ok(Self::new(&hub, &order))
    }
}

impl fmt::Display for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TradeId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TradeId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which side of the trade this hub keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    Import,
    Export,
}

impl Side {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Export => "export",
        }
    }
}

/// One side of a sale. Documents come in any order; what is not there yet is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeFile {
    pub id: TradeId,
    pub side: Side,
    pub opened: BusinessTime,
    /// The hub at the other end, known with the order.
    pub peer: Option<HubId>,
    /// Written once when it comes; shared, since files are copied at every step and it is most of them.
    pub order: Option<Arc<Order>>,
    /// Importing side: every credit that named this order, whatever became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<Payment>,
    /// Exporting side: when the importing hub said that a deposit is in escrow, and until when the rest is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposited: Option<DepositTold>,
    /// Exporting side: when the importing hub said that the money is in escrow.
    pub secured: Option<BusinessTime>,
    pub waybill: Option<Waybill>,
    /// What was declared at export; the import declaration is made from it.
    pub declaration: Option<Declaration>,
    pub matched: Option<MatchResult>,
    /// Importing side: what this import has drawn from its buyer's permits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permits: Vec<PermitUse>,
    /// This hub's customs.
    pub clearance: Clearance,
    /// Importing side: what its customs charged at release, beside what was quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Arc<Charged>>,
    /// The other side's customs, as it told us.
    pub peer_clearance: Clearance,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custody: Vec<Custody>,
    /// What is done with the parcel on its way to the carrier and with a manifest.
    #[serde(default, skip_serializing_if = "Handling::is_empty")]
    pub handling: Handling,
    pub escrow: Escrow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payouts: Vec<Payout>,
    /// Road numbers of what the peer told of this trade: by them its events are found again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<u64>,
    /// Who has financed it, on which terms, and who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finance: Option<Arc<Finance>>,
    /// When the seller was paid (both sides), or the order came to nothing.
    pub closed: Option<Closed>,
    /// The goods go back, or never come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returning: Option<Return>,
    /// What the exporting side's customs said of goods that came home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reimport: Option<ReImport>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
    /// A sandbox's practice trade: the cast plays every part that nobody took.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub practice: bool,
}

/// A deposit of which the importing hub told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositTold {
    pub at: BusinessTime,
    pub balance_due: BusinessTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Closed {
    Paid {
        at: BusinessTime,
    },
    /// Never paid in time.
    Lapsed {
        at: BusinessTime,
    },
    /// The seller's hub could not take the order.
    Declined {
        at: BusinessTime,
        reason: String,
    },
    /// Called off before the parcel was handed over.
    Cancelled {
        at: BusinessTime,
    },
    /// The goods are back with the seller.
    Returned {
        at: BusinessTime,
    },
    /// A dispute gave the buyer the whole price back, and the goods stay.
    Refunded {
        at: BusinessTime,
    },
}

impl TradeFile {
    #[must_use]
    pub fn new(id: TradeId, side: Side, opened: BusinessTime) -> Self {
        Self {
            id,
            side,
            opened,
            peer: None,
            order: None,
            payments: Vec::new(),
            deposited: None,
            secured: None,
            waybill: None,
            declaration: None,
            matched: None,
            permits: Vec::new(),
            clearance: Clearance::NotLodged,
            charged: None,
            peer_clearance: Clearance::NotLodged,
            custody: Vec::new(),
            handling: Handling::default(),
            escrow: Escrow::Empty,
            payouts: Vec::new(),
            heard: Vec::new(),
            finance: None,
            closed: None,
            returning: None,
            reimport: None,
            dispute: None,
            practice: false,
        }
    }

    /// After a loss: what import customs decided is known again, and the documents that it was decided
    /// on, which the peer sends again, are not yet. In life a decision is taken on a match.
    #[must_use]
    pub fn is_decision_recalled(&self) -> bool {
        self.side == Side::Import && self.clearance.is_final() && self.matched.is_none()
    }

    /// Whether this party bought it here.
    #[must_use]
    pub fn is_buyer(&self, party: Id<Party>) -> bool {
        self.order.as_ref().and_then(|o| o.buyer.as_ref()).is_some_and(|b| b.party == party)
    }

    /// Whether this party sells it here.
    #[must_use]
    pub fn is_seller(&self, party: Id<Party>) -> bool {
        self.order.as_ref().and_then(|o| o.seller) == Some(party)
    }

    /// Takes note of what the peer told of this trade.
    pub fn hear(&mut self, road_seq: u64) {
        if self.heard.last().is_none_or(|last| *last < road_seq) {
            self.heard.push(road_seq);
        }
    }

    /// The payment that funded the escrow, the first of them where there are two.
    #[must_use]
    pub fn applied_payment(&self) -> Option<&Payment> {
        self.applied_payments().next()
    }

    /// All payments in escrow: the whole, or a deposit and its balance.
    pub fn applied_payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter().filter(|p| matches!(p.fate, Fate::Applied { .. }))
    }

    /// A deposit that waits for its balance: since when, and until when that is due.
    #[must_use]
    pub fn awaits_balance(&self) -> Option<DepositTold> {
        match (&self.escrow, self.deposited, self.secured) {
            (Escrow::Deposited { at, balance_due, .. }, _, _) => {
                Some(DepositTold { at: *at, balance_due: *balance_due })
            }
            (Escrow::Empty, Some(told), None) => Some(told),
            _ => None,
        }
    }

    #[must_use]
    pub fn has(&self, kind: CustodyKind) -> bool {
        self.custody.iter().any(|c| c.kind == kind)
    }

    #[must_use]
    pub fn custody_at(&self, kind: CustodyKind) -> Option<BusinessTime> {
        self.custody.iter().find(|c| c.kind == kind).map(|c| c.at)
    }

    /// What the buyer pays to the door.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.order.as_ref().map(|o| o.quote.landed.total)
    }

    /// The word for where the trade stands, the last thing reached.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.closed {
            Some(Closed::Paid { .. }) => return Stage::Paid,
            Some(Closed::Lapsed { .. }) => return Stage::Lapsed,
            Some(Closed::Declined { .. }) => return Stage::Declined,
            Some(Closed::Cancelled { .. }) => return Stage::Cancelled,
            Some(Closed::Returned { .. }) => return Stage::Returned,
            Some(Closed::Refunded { .. }) => return Stage::Refunded,
            None => {}
        }
        if self.dispute.as_ref().is_some_and(Dispute::is_open) {
            return Stage::Disputed;
        }
        if self.open_return().is_some() {
            return Stage::Returning;
        }
        if matches!(self.clearance, Clearance::Detained { .. })
            || matches!(self.peer_clearance, Clearance::Detained { .. })
        {
            return Stage::Detained;
        }
        if matches!(self.escrow, Escrow::Released { .. }) {
            return Stage::Settled;
        }
        if self.has(CustodyKind::Delivered) {
            return Stage::Delivered;
        }
        let (export, import) = match self.side {
            Side::Export => (&self.clearance, &self.peer_clearance),
            Side::Import => (&self.peer_clearance, &self.clearance),
        };
        if import.is_released() {
            return Stage::ImportReleased;
        }
        if matches!(import, Clearance::Held { .. } | Clearance::Examining { .. }) {
            return Stage::ImportHeld;
        }
        if export.is_released() {
            return Stage::ExportReleased;
        }
        if matches!(export, Clearance::Held { .. } | Clearance::Examining { .. }) {
            return Stage::ExportHeld;
        }
        let paid = self.secured.is_some() || matches!(self.escrow, Escrow::Funded { .. });
        match (&self.order, paid) {
            (None, _) => Stage::AwaitingOrder,
            (Some(_), false) if self.awaits_balance().is_some() => Stage::Deposited,
            (Some(_), true) => Stage::InEscrow,
            (Some(_), false) => Stage::AwaitingPayment,
        }
    }
}

/// Where a trade stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    AwaitingOrder,
    AwaitingPayment,
    Deposited,
    InEscrow,
    ExportHeld,
    ExportReleased,
    ImportHeld,
    ImportReleased,
    Delivered,
    Settled,
    Paid,
    Detained,
    Lapsed,
    Declined,
    Returning,
    Returned,
    Cancelled,
    Disputed,
    Refunded,
}

impl Stage {
    pub const ALL: [Self; 19] = [
        Self::AwaitingOrder,
        Self::AwaitingPayment,
        Self::Deposited,
        Self::InEscrow,
        Self::ExportHeld,
        Self::ExportReleased,
        Self::ImportHeld,
        Self::ImportReleased,
        Self::Delivered,
        Self::Settled,
        Self::Paid,
        Self::Detained,
        Self::Lapsed,
        Self::Declined,
        Self::Returning,
        Self::Returned,
        Self::Cancelled,
        Self::Disputed,
        Self::Refunded,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AwaitingOrder => "awaiting-order",
            Self::AwaitingPayment => "awaiting-payment",
            Self::Deposited => "deposited",
            Self::InEscrow => "in-escrow",
            Self::ExportHeld => "export-held",
            Self::ExportReleased => "export-released",
            Self::ImportHeld => "import-held",
            Self::ImportReleased => "import-released",
            Self::Delivered => "delivered",
            Self::Settled => "settled",
            Self::Paid => "paid",
            Self::Detained => "detained",
            Self::Lapsed => "lapsed",
            Self::Declined => "declined",
            Self::Returning => "returning",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::Disputed => "disputed",
            Self::Refunded => "refunded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_is_named_by_its_importing_hub_and_order() {
        let id: TradeId = "hgh.sandbox:SWT-26-000001".parse().expect("well-formed");
        assert_eq!((id.importer(), id.order_no()), ("hgh.sandbox", "SWT-26-000001"));
        for bad in ["SWT-26-000001", "hgh.sandbox:", "HGH:1", "hgh.sandbox:a b", ""] {
            assert!(bad.parse::<TradeId>().is_err(), "{bad}");
        }
    }
}
