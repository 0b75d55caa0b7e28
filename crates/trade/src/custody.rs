//! Where the parcel is: who took it over, where, when. A movement the law forbids is refused.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::party::{Party, Role};
use crate::returns;
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// The steps of a parcel, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustodyKind {
    HandedOver,
    Departed,
    Arrived,
    OutForDelivery,
    Delivered,
    /// From here on the way home: the carrier has it from the buyer.
    HandedBack,
    /// Where customs of the importing side released it.
    BackAtCustoms,
    SentHome,
    BackHome,
    BackWithSeller,
}

impl CustodyKind {
    /// The way to the buyer.
    pub const ALL: [Self; 5] = [Self::HandedOver, Self::Departed, Self::Arrived, Self::OutForDelivery, Self::Delivered];

    /// The way back to the seller.
    pub const BACK: [Self; 5] =
        [Self::HandedBack, Self::BackAtCustoms, Self::SentHome, Self::BackHome, Self::BackWithSeller];

    #[must_use]
    pub fn is_back(self) -> bool {
        Self::BACK.contains(&self)
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::HandedBack => "handed-back",
            Self::BackAtCustoms => "back-at-customs",
            Self::SentHome => "sent-home",
            Self::BackHome => "back-home",
            Self::BackWithSeller => "back-with-seller",
            Self::HandedOver => "handed-over",
            Self::Departed => "departed",
            Self::Arrived => "arrived",
            Self::OutForDelivery => "out-for-delivery",
            Self::Delivered => "delivered",
        }
    }

    /// The side whose carrier reports this step.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::HandedOver | Self::Departed | Self::BackHome | Self::BackWithSeller => Side::Export,
            Self::Arrived
            | Self::OutForDelivery
            | Self::Delivered
            | Self::HandedBack
            | Self::BackAtCustoms
            | Self::SentHome => Side::Import,
        }
    }

    /// The step that has to stand before this one on the way out.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        let at = Self::ALL.iter().position(|k| *k == self)?;
        at.checked_sub(1).and_then(|i| Self::ALL.get(i)).copied()
    }
}

impl FromStr for CustodyKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().chain(Self::BACK).find(|k| k.code() == text).ok_or(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    pub kind: CustodyKind,
    /// UN/LOCODE or the carrier's own name of a place.
    pub place: String,
    pub at: BusinessTime,
}

/// A carrier scans the parcel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordCustody {
    pub trade: TradeId,
    pub kind: CustodyKind,
    pub place: String,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CustodyRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    NotACarrier {
        party: Id<Party>,
    },
    /// This step is reported on the other side of the border.
    OtherSide {
        step: CustodyKind,
    },
    /// The step before has not been reported.
    StepMissing {
        step: CustodyKind,
        missing: CustodyKind,
    },
    NoWaybill,
    /// Goods may not leave before the export release.
    NotReleasedForExport,
    /// Goods may not leave customs before the import release.
    NotReleasedForImport,
    TradeClosed,
    /// The goods go back: this step is not taken any more.
    ComesBack {
        step: CustodyKind,
    },
    /// No return says that these goods take this step.
    NothingComesBack {
        step: CustodyKind,
    },
    /// The parcel on its way back has no number yet.
    NoReturnWaybill,
    /// The importing side's customs has not said what becomes of the goods.
    ReturnNotDecided,
    /// The exporting side's customs has not let the goods in.
    NotReleasedForHome,
    Place {
        max: usize,
    },
}

pub(crate) const PLACE_MAX: usize = 80;

impl Decide for RecordCustody {
    type Answer = Custody;
    type Refusal = CustodyRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<Custody, CustodyRefusal> {
        if !self.may_report(world) {
            return Err(CustodyRefusal::NotACarrier { party: self.by });
        }
        let Some(file) = world.trades.get(&self.trade) else {
            return Err(CustodyRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        if let Some(known) = file.custody.iter().find(|c| c.kind == self.kind) {
            return Ok(known.clone());
        }
        self.may_move(file)?;
        let custody = Custody { kind: self.kind, place: self.place.trim().to_owned(), at: world.now };
        let mut file = file.clone();
        file.custody.push(custody.clone());
        let what = Happened::CustodyRecorded { custody: self.kind, place: custody.place.clone(), moved_at: custody.at };
        world.happened(Some(&self.trade), file.peer.clone().as_ref(), what);
        returns::way_back::moved(world, &mut file, self.kind);
        world.trades.put(self.trade.clone(), file);
        Ok(custody)
    }
}

impl RecordCustody {
    /// A carrier; or the warehouse that keeps the parcel, that it has handed it over.
    fn may_report(&self, world: &World) -> bool {
        let Some(party) = world.parties.get(&self.by) else { return false };
        let storage = world.trades.get(&self.trade).and_then(|file| file.handling.storage.as_ref());
        let keeps = storage.is_some_and(|s| s.warehouse == self.by);
        party.is(Role::Carrier) || party.is(Role::Warehouse) && self.kind == CustodyKind::HandedOver && keeps
    }

    fn may_move(&self, file: &TradeFile) -> Result<(), CustodyRefusal> {
        if self.place.trim().is_empty() || self.place.chars().count() > PLACE_MAX {
            return Err(CustodyRefusal::Place { max: PLACE_MAX });
        }
        if self.kind.side() != file.side {
            return Err(CustodyRefusal::OtherSide { step: self.kind });
        }
        if matches!(file.closed, Some(Closed::Lapsed { .. } | Closed::Declined { .. } | Closed::Cancelled { .. })) {
            return Err(CustodyRefusal::TradeClosed);
        }
        returns::way_back::may_move(file, self.kind)?;
        if file.waybill.is_none() {
            return Err(CustodyRefusal::NoWaybill);
        }
        if let Some(missing) = self.kind.before().filter(|step| !file.has(*step)) {
            return Err(CustodyRefusal::StepMissing { step: self.kind, missing });
        }
        match self.kind {
            CustodyKind::Departed if !file.clearance.is_released() => Err(CustodyRefusal::NotReleasedForExport),
            CustodyKind::OutForDelivery | CustodyKind::Delivered if !file.clearance.is_released() => {
                Err(CustodyRefusal::NotReleasedForImport)
            }
            _ => Ok(()),
        }
    }
}
