//! Handling: what is done with a parcel between the seller and the plane. It is received at a
//! warehouse, stored, put into a bag, and goes with a manifest; at the other end it may be missing.

use serde::{Deserialize, Serialize};

use crate::codes::{BagNo, Bin};
use crate::command::Decide;
use crate::custody::CustodyKind;
use crate::event::Happened;
use crate::id::Id;
use crate::manifest::ManifestId;
use crate::party::{Party, Role};
use crate::product::Product;
use crate::rulebook::CustomsState;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// What a trade file knows of its parcel's handling; nothing for most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handling {
    /// At which warehouse the parcel is, or its goods are being picked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub picked: Vec<Picked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bag: Option<BagNo>,
    /// Under which it left, or will leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestId>,
    /// What was wrong with it where the manifest arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<CustodyException>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    pub warehouse: Id<Party>,
    /// As the other side reads it.
    pub name: String,
    pub since: BusinessTime,
    /// Known on the warehouse's own hub alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Bin>,
}

/// Pieces taken from stock for this order, with the customs state that they lay in: what goes back
/// goes back as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    pub product: Id<Product>,
    pub state: CustomsState,
    pub pieces: i64,
}

/// A parcel is not as it should be where it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionKind {
    /// On the manifest, and not in its bag.
    Missing,
    Damaged,
}

impl ExceptionKind {
    pub const ALL: [Self; 2] = [Self::Missing, Self::Damaged];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Damaged => "damaged",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodyException {
    pub exception: ExceptionKind,
    pub place: String,
    pub at: BusinessTime,
}

impl Handling {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Pieces of a product that are picked for this order.
    #[must_use]
    pub fn picked_of(&self, product: Id<Product>) -> i64 {
        self.picked.iter().filter(|p| p.product == product).map(|p| p.pieces).fold(0, i64::saturating_add)
    }

    /// Those of them that lay in one customs state.
    #[must_use]
    pub fn picked_in(&self, product: Id<Product>, state: CustomsState) -> i64 {
        self.picked.iter().find(|p| p.product == product && p.state == state).map_or(0, |p| p.pieces)
    }

    pub(crate) fn pick(&mut self, product: Id<Product>, state: CustomsState, pieces: i64) {
        self.picked.retain(|p| p.product != product || p.state != state);
        if pieces > 0 {
            self.picked.push(Picked { product, state, pieces });
        }
    }

    pub(crate) fn keep_at(&mut self, warehouse: &Party, now: BusinessTime) {
        if self.storage.is_none() {
            let name = warehouse.name.clone();
            self.storage = Some(Storage { warehouse: warehouse.id, name, since: now, bin: None });
        }
    }

    /// It was there, and a carrier has it now.
    #[must_use]
    pub fn has_left_warehouse(&self, file: &TradeFile) -> bool {
        file.has(CustodyKind::HandedOver)
    }

    /// Whether a warehouse has the parcel, or its goods, now.
    #[must_use]
    pub fn stored(&self, file: &TradeFile) -> Option<&Storage> {
        self.storage.as_ref().filter(|_| !self.has_left_warehouse(file))
    }

    /// What is still wrong: a missing parcel that arrived later is found.
    #[must_use]
    pub fn open_exceptions(&self, file: &TradeFile) -> Vec<&CustodyException> {
        let found = |e: &&CustodyException| e.exception != ExceptionKind::Missing || !file.has(CustodyKind::Arrived);
        self.exceptions.iter().filter(found).collect()
    }
}

/// Everything that was ordered has been taken from stock.
#[must_use]
pub fn is_picked(file: &TradeFile) -> bool {
    let lines = || file.order.iter().flat_map(|o| &o.quote.lines);
    let ordered = |product| lines().filter(|l| l.product == product).map(|l| l.pieces).fold(0, i64::saturating_add);
    !file.handling.picked.is_empty()
        && lines().all(|line| file.handling.picked_of(line.product) == ordered(line.product))
}

/// A parcel comes in at the warehouse, or goes to a bin there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreParcel {
    pub trade: TradeId,
    pub by: Id<Party>,
    /// Where it lies; none when it has only just come in.
    #[serde(default)]
    pub bin: Option<Bin>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum StoreRefusal {
    NotAWarehouse {
        party: Id<Party>,
    },
    TradeUnknown {
        trade: TradeId,
    },
    OtherSide {
        trade: TradeId,
    },
    NoWaybill,
    TradeClosed,
    /// The carrier has it already.
    ParcelGone,
    /// Another warehouse has it.
    OtherWarehouse,
    /// It lies in a bag; the bag is what is moved.
    InABag {
        bag: BagNo,
    },
}

impl Decide for StoreParcel {
    type Answer = Storage;
    type Refusal = StoreRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<Storage, StoreRefusal> {
        let warehouse = world.parties.get(&self.by).filter(|p| p.is(Role::Warehouse)).cloned();
        let Some(warehouse) = warehouse else { return Err(StoreRefusal::NotAWarehouse { party: self.by }) };
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(StoreRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        if let Some(known) = &file.handling.storage
            && known.warehouse == self.by
            && file.waybill.is_some()
            && (self.bin.is_none() || self.bin == known.bin)
        {
            return Ok(known.clone());
        }
        self.check(&file)?;
        let first = file.handling.storage.is_none();
        file.handling.keep_at(&warehouse, world.now);
        if first {
            tell(world, &file);
        }
        if let (Some(storage), Some(bin)) = (&mut file.handling.storage, &self.bin) {
            storage.bin = Some(bin.clone());
            let stored = Happened::ParcelStored { warehouse: self.by, bin: bin.to_string() };
            world.happened(Some(&self.trade), None, stored);
        }
        let storage = file.handling.storage.clone().expect("kept just now");
        world.trades.put(self.trade.clone(), file);
        Ok(storage)
    }
}

impl StoreParcel {
    fn check(&self, file: &TradeFile) -> Result<(), StoreRefusal> {
        if file.side != Side::Export {
            return Err(StoreRefusal::OtherSide { trade: self.trade.clone() });
        }
        if file.waybill.is_none() {
            return Err(StoreRefusal::NoWaybill);
        }
        if file.handling.has_left_warehouse(file) {
            return Err(StoreRefusal::ParcelGone);
        }
        if file.handling.storage.as_ref().is_some_and(|s| s.warehouse != self.by) {
            return Err(StoreRefusal::OtherWarehouse);
        }
        if let Some(bag) = &file.handling.bag {
            return Err(StoreRefusal::InABag { bag: bag.clone() });
        }
        // A parcel of a trade that came to nothing may lie where it is, and move within the house.
        if file.closed.is_some() && file.handling.storage.is_none() {
            return Err(StoreRefusal::TradeClosed);
        }
        Ok(())
    }
}

/// The other side is told at which warehouse the parcel is.
pub(crate) fn tell(world: &mut World, file: &TradeFile) {
    if let Some(storage) = &file.handling.storage {
        let received = Happened::ParcelReceived { warehouse: storage.warehouse, warehouse_name: storage.name.clone() };
        world.happened(Some(&file.id), file.peer.as_ref(), received);
    }
}

/// Told by the peer, or told to it and recalled after a loss: a warehouse has the parcel.
pub(crate) fn received(file: &mut TradeFile, warehouse: Id<Party>, name: &str, at: BusinessTime) {
    if file.handling.storage.is_none() {
        file.handling.storage = Some(Storage { warehouse, name: name.to_owned(), since: at, bin: None });
    }
}

/// Told by the peer, or recalled: what was wrong with the parcel where it arrived.
pub(crate) fn excepted(file: &mut TradeFile, exception: &CustodyException) {
    if file.handling.exceptions.iter().all(|known| known.exception != exception.exception) {
        file.handling.exceptions.push(exception.clone());
    }
}
