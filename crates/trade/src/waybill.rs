//! The waybill: the carrier takes a parcel under an S10 number.

use serde::{Deserialize, Serialize};

use crate::clearance::Clearance;
use crate::codes::S10;
use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::order::is_delivery_reference;
use crate::party::{Party, Role};
use crate::quantity::Grams;
use crate::rulebook::Regime;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, NumberKey, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waybill {
    pub no: S10,
    /// As the carrier's scale showed it.
    pub gross: Grams,
    /// The delivery reference on the parcel; must be that of the order.
    pub consignee: String,
    pub issued_at: BusinessTime,
    /// 1, then one more with each correction.
    pub edition: u32,
}

/// The carrier (or the seller under the carrier's contract) registers the waybill, or corrects it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssueWaybill {
    pub trade: TradeId,
    pub no: S10,
    pub gross: Grams,
    pub consignee: String,
    pub by: Id<Party>,
    /// Corrects what was registered before; without it, other contents are refused.
    #[serde(default)]
    pub corrects: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum WaybillRefusal {
    NotACarrier {
        party: Id<Party>,
    },
    WeightNotPositive {
        got: Grams,
    },
    /// Above what a postal parcel may weigh.
    TooHeavy {
        got: Grams,
        max: Grams,
    },
    /// S10 numbers are not used again within twelve months.
    WaybillNumberTaken {
        waybill: S10,
        trade: TradeId,
    },
    /// Another waybill stands; say that this one corrects it.
    WaybillStands {
        waybill: S10,
    },
    /// Not in the form of a delivery reference: what is written here goes into the log and abroad.
    Consignee,
    /// Waybills are issued on the exporting hub.
    NotHere {
        trade: TradeId,
    },
    TradeClosed,
    /// Customs on the other side has released the parcel: the paper is physically final.
    AlreadyReleased,
}

/// UPU: a parcel weighs at most 30 kg.
pub const PARCEL_MAX: Grams = Grams(30_000);
/// What the carriers of freight take in one consignment, by their rate cards.
pub const CONSIGNMENT_MAX: Grams = Grams(2_000_000);

/// The heaviest consignment under a regime.
#[must_use]
pub const fn heaviest(regime: Regime) -> Grams {
    match regime {
        Regime::B2b => CONSIGNMENT_MAX,
        _ => PARCEL_MAX,
    }
}

impl Decide for IssueWaybill {
    type Answer = Waybill;
    type Refusal = WaybillRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).number(NumberKey::waybill(self.no.as_str())).party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<Waybill, WaybillRefusal> {
        self.check(world)?;
        let known = world.trades.get(&self.trade).cloned();
        let mut file = known.unwrap_or_else(|| TradeFile::new(self.trade.clone(), Side::Export, world.now));
        if file.closed.is_some() {
            return Err(WaybillRefusal::TradeClosed);
        }
        let edition = match &file.waybill {
            Some(w) if w.no == self.no && w.gross == self.gross && w.consignee == self.consignee => {
                return Ok(w.clone());
            }
            Some(w) if !self.corrects => return Err(WaybillRefusal::WaybillStands { waybill: w.no.clone() }),
            Some(w) => w.edition + 1,
            None => 1,
        };
        if matches!(file.peer_clearance, Clearance::Released { .. }) {
            return Err(WaybillRefusal::AlreadyReleased);
        }
        let waybill = Waybill {
            no: self.no.clone(),
            gross: self.gross,
            consignee: self.consignee.clone(),
            issued_at: world.now,
            edition,
        };
        file.waybill = Some(waybill.clone());
        if file.order.is_some() {
            tell(world, &file);
        }
        world.numbers.put(NumberKey::waybill(self.no.as_str()), self.trade.clone());
        world.trades.put(self.trade.clone(), file);
        Ok(waybill)
    }
}

impl IssueWaybill {
    fn check(&self, world: &World) -> Result<(), WaybillRefusal> {
        // The seller may write the waybill of its own parcel, under its contract with the carrier.
        let own =
            world.trades.get(&self.trade).and_then(|f| f.order.as_ref()).is_some_and(|o| o.seller == Some(self.by));
        let by = world.parties.get(&self.by);
        // So may the warehouse that has made the parcel up from its stock.
        let storage = world.trades.get(&self.trade).and_then(|f| f.handling.storage.as_ref());
        let packed = storage.is_some_and(|s| s.warehouse == self.by);
        let may = |p: &Party| p.is(Role::Carrier) || p.is(Role::Seller) && own || p.is(Role::Warehouse) && packed;
        if !by.is_some_and(may) {
            return Err(WaybillRefusal::NotACarrier { party: self.by });
        }
        if self.trade.importer() == world.site.id.as_str() {
            return Err(WaybillRefusal::NotHere { trade: self.trade.clone() });
        }
        if self.gross.0 <= 0 {
            return Err(WaybillRefusal::WeightNotPositive { got: self.gross });
        }
        // Before the order is known it may be a parcel alone.
        let order = world.trades.get(&self.trade).and_then(|f| f.order.as_ref());
        let max = heaviest(order.map(|o| o.quote.regime).unwrap_or_default());
        if self.gross > max {
            return Err(WaybillRefusal::TooHeavy { got: self.gross, max });
        }
        if !is_delivery_reference(&self.consignee) {
            return Err(WaybillRefusal::Consignee);
        }
        match world.numbers.get(&NumberKey::waybill(self.no.as_str())) {
            Some(trade) if *trade != self.trade => {
                Err(WaybillRefusal::WaybillNumberTaken { waybill: self.no.clone(), trade: trade.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// The peer is told of the waybill as it stands now.
pub fn tell(world: &mut World, file: &TradeFile) {
    if let Some(waybill) = &file.waybill {
        world.happened(Some(&file.id), file.peer.as_ref(), Happened::WaybillIssued { waybill: waybill.clone() });
    }
}

/// A waybill that this hub told, in what it has lost since.
pub fn recall(world: &mut World, file: &mut TradeFile, waybill: &Waybill) {
    if file.waybill.as_ref().is_none_or(|known| known.edition < waybill.edition) {
        world.numbers.put(NumberKey::waybill(waybill.no.as_str()), file.id.clone());
        file.waybill = Some(waybill.clone());
    }
}
