//! In which part somebody looks at a trade file, and what that part may see of it.

use serde_json::{Map, Value, json};
use trade::ball::Holder;
use trade::clearance::Clearance;
use trade::event::Happened;
use trade::party::{Party, Role};
use trade::trade_file::{Side, TradeFile};

use crate::problem::{Answer, Failure};

/// A party's part in one trade. Nobody else gets to know that the trade exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    Seller,
    Buyer,
    Officer,
    Operator,
    Carrier,
    /// Under a mandate of the seller or the buyer; see `crate::mandate::sees`.
    Broker,
    /// Keeps the parcel, or makes it up from its stock.
    Warehouse,
}

impl Viewer {
    /// The part of `party` in `file`: its own sale or purchase first, then its office.
    #[must_use]
    pub fn of(file: &TradeFile, party: &Party) -> Option<Self> {
        if file.is_seller(party.id) {
            return Some(Self::Seller);
        }
        if file.is_buyer(party.id) {
            return Some(Self::Buyer);
        }
        if party.is(Role::Officer) && is_declared(file) {
            return Some(Self::Officer);
        }
        if party.is(Role::Operator) {
            return Some(Self::Operator);
        }
        if party.is(Role::Carrier) && is_carried(file) {
            return Some(Self::Carrier);
        }
        let others = file.handling.storage.as_ref().is_some_and(|s| s.warehouse != party.id);
        let keeps = file.side == Side::Export && is_carried(file) && !others;
        (party.is(Role::Warehouse) && keeps).then_some(Self::Warehouse)
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
            Self::Officer => "officer",
            Self::Operator => "operator",
            Self::Carrier => "carrier",
            Self::Broker => "broker",
            Self::Warehouse => "warehouse",
        }
    }

    /// The role that has this part.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Seller => Role::Seller,
            Self::Buyer => Role::Buyer,
            Self::Officer => Role::Officer,
            Self::Operator => Role::Operator,
            Self::Carrier => Role::Carrier,
            Self::Broker => Role::Broker,
            Self::Warehouse => Role::Warehouse,
        }
    }

    /// What only one part may do.
    pub fn must_be(self, wanted: Self) -> Answer<()> {
        if self == wanted { Ok(()) } else { Err(Failure::role_needed(wanted.role())) }
    }

    /// Whether this part pays, is paid or answers for the money.
    #[must_use]
    pub const fn sees_prices(self) -> bool {
        !matches!(self, Self::Carrier | Self::Warehouse)
    }

    #[must_use]
    pub const fn sees_ledger(self) -> bool {
        matches!(self, Self::Seller | Self::Buyer | Self::Operator)
    }

    /// Whether this part has to do with who finances the sale.
    #[must_use]
    pub const fn sees_finance(self) -> bool {
        matches!(self, Self::Seller | Self::Operator)
    }

    #[must_use]
    pub const fn sees_match(self) -> bool {
        !matches!(self, Self::Carrier | Self::Warehouse)
    }

    /// Whether the ball, as it is named on both hubs, lies with this part on this side.
    #[must_use]
    pub fn holds(self, side: Side, holder: Holder) -> bool {
        match holder {
            Holder::Seller => self == Self::Seller,
            Holder::Buyer => self == Self::Buyer,
            Holder::ExportCarrier => self == Self::Carrier && side == Side::Export,
            Holder::ImportCarrier => self == Self::Carrier && side == Side::Import,
            Holder::Warehouse => self == Self::Warehouse && side == Side::Export,
            Holder::ExportCustoms => self == Self::Officer && side == Side::Export,
            Holder::ImportCustoms => self == Self::Officer && side == Side::Import,
            Holder::ExportHub => self == Self::Operator && side == Side::Export,
            Holder::ImportHub => self == Self::Operator && side == Side::Import,
            Holder::Broker => self == Self::Broker,
            Holder::PaymentFirm | Holder::Nobody => false,
        }
    }
}

/// Customs of a side deals with what has been declared there, and with nothing before.
fn is_declared(file: &TradeFile) -> bool {
    file.declaration.is_some() || !matches!(file.clearance, Clearance::NotLodged)
}

/// A carrier deals with parcels: those that have a waybill, or are paid and wait for one.
fn is_carried(file: &TradeFile) -> bool {
    file.waybill.is_some() || (file.side == Side::Export && file.secured.is_some())
}

/// What a carrier may know of a trade: the parcel and its way, no price, no person, no line of it.
const CARRIER_FIELDS: [&str; 8] = ["id", "side", "opened", "peer", "waybill", "clearance", "custody", "practice"];

/// The file as this part may have it in JSON. The marks by which persons are recognised stay with
/// the importing hub's customs; a carrier has the fields of [`CARRIER_FIELDS`] alone.
#[must_use]
pub fn shown(file: &TradeFile, viewer: Viewer) -> Value {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(file) else { return Value::Null };
    if !viewer.sees_finance() {
        fields.remove("finance");
        if let Some(payouts) = fields.get_mut("payouts").and_then(Value::as_array_mut) {
            payouts.retain(|payout| payout["kind"]["kind"] != "advance");
        }
    }
    if viewer == Viewer::Seller
        && let Some(finance) = fields.get_mut("finance").and_then(Value::as_object_mut)
    {
        // Who asked for the word is the lenders' own affair.
        finance.remove("claims");
    }
    match viewer {
        Viewer::Carrier => fields.retain(|name, _| CARRIER_FIELDS.contains(&name.as_str())),
        Viewer::Warehouse => fields.retain(|name, _| CARRIER_FIELDS.contains(&name.as_str()) || name == "handling"),
        Viewer::Officer => {}
        Viewer::Seller | Viewer::Buyer | Viewer::Operator | Viewer::Broker => without_tags(&mut fields),
    }
    Value::Object(fields)
}

fn without_tags(fields: &mut Map<String, Value>) {
    if let Some(buyer) = fields.get_mut("order").and_then(|o| o.get_mut("buyer")).and_then(Value::as_object_mut) {
        buyer.remove("tags");
    }
    for payment in fields.get_mut("payments").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(payment) = payment.as_object_mut() {
            payment.remove("payer");
        }
    }
}

/// What this part may be told of an event of the trade, if anything: a carrier learns of the parcel's way
/// that it happened, and not what values the event holds.
#[must_use]
pub fn told(what: &Happened, viewer: Viewer) -> Option<Value> {
    is_told(what, viewer).then(|| if viewer.sees_prices() { json!(what) } else { json!({ "kind": what.kind() }) })
}

/// Whether this part learns of an event at all: a carrier sees the way of the parcel, and not what was
/// paid; who lends to a seller is for the seller alone.
#[must_use]
pub const fn is_told(what: &Happened, viewer: Viewer) -> bool {
    if viewer.sees_prices() { viewer.sees_finance() || !is_finance(what) } else { is_of_parcel(what) }
}

/// What lenders and the seller have to do with one another.
const fn is_finance(what: &Happened) -> bool {
    matches!(
        what,
        Happened::AdvanceAsked { .. }
            | Happened::AdvanceWithdrawn
            | Happened::AdvanceOffered { .. }
            | Happened::AdvanceAccepted { .. }
            | Happened::AdvanceRepaid { .. }
            | Happened::AdvanceOwed { .. }
            | Happened::DebtRepaid { .. }
            | Happened::FinanceAsked { .. }
            | Happened::FinanceWord { .. }
    )
}

/// Whether an event is of the parcel's way, in which there is no price and no person.
#[must_use]
pub const fn is_of_parcel(what: &Happened) -> bool {
    matches!(
        what,
        Happened::WaybillIssued { .. }
            | Happened::ExportReleased { .. }
            | Happened::Released { .. }
            | Happened::Held { .. }
            | Happened::Examining { .. }
            | Happened::Detained { .. }
            | Happened::CustodyRecorded { .. }
            | Happened::CustodyExcepted { .. }
            | Happened::ParcelReceived { .. }
            | Happened::ParcelStored { .. }
            | Happened::ParcelBagged { .. }
            | Happened::ParcelUnbagged { .. }
    )
}
