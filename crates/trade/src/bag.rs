//! Bags: many parcels for one hub under one number and one seal.

use serde::{Deserialize, Serialize};

use crate::codes::{BagNo, HubId, S10, SealNo};
use crate::command::Decide;
use crate::custody::CustodyKind;
use crate::event::Happened;
use crate::id::Id;
use crate::manifest::ManifestId;
use crate::party::{Party, Role};
use crate::quantity::Grams;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bag {
    pub no: BagNo,
    /// The warehouse or carrier that fills it.
    pub by: Id<Party>,
    /// The hub that it goes to.
    pub to: HubId,
    pub opened: BusinessTime,
    pub parcels: Vec<Bagged>,
    /// Closed with it; a broken seal is no seal.
    pub seal: Option<SealNo>,
    /// What it travels under.
    pub manifest: Option<ManifestId>,
    /// It has left with its manifest.
    pub gone: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bagged {
    pub trade: TradeId,
    pub waybill: S10,
    pub gross: Grams,
}

impl Bag {
    /// Of its parcels, as their waybills say.
    #[must_use]
    pub fn gross(&self) -> Grams {
        gross(&self.parcels)
    }

    #[must_use]
    pub const fn state(&self) -> &'static str {
        match (&self.seal, &self.manifest) {
            _ if self.gone => "gone",
            (_, Some(_)) => "loaded",
            (Some(_), None) => "sealed",
            (None, None) => "open",
        }
    }
}

#[must_use]
pub fn gross(parcels: &[Bagged]) -> Grams {
    Grams(parcels.iter().map(|p| p.gross.0).fold(0, i64::saturating_add))
}

/// The parcels of one bag: a person lifts it. And its row stays small.
pub const BAG_PARCELS_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenBag {
    pub no: BagNo,
    pub to: HubId,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutInBag {
    pub bag: BagNo,
    pub trade: TradeId,
    pub by: Id<Party>,
}

/// Takes a parcel out again; a seal is broken by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakeFromBag {
    pub bag: BagNo,
    pub trade: TradeId,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealBag {
    pub bag: BagNo,
    pub seal: SealNo,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BagRefusal {
    /// Neither a warehouse nor a carrier.
    NotAHandler {
        party: Id<Party>,
    },
    PeerUnknown {
        peer: HubId,
    },
    BagUnknown {
        bag: BagNo,
    },
    /// The number stands on another bag.
    BagTaken {
        bag: BagNo,
    },
    /// Somebody else fills it.
    BagNotYours {
        bag: BagNo,
    },
    /// Closed; taking a parcel out breaks its seal.
    BagSealed {
        bag: BagNo,
        seal: SealNo,
    },
    /// On a manifest: it has to come off that first.
    BagLoaded {
        bag: BagNo,
        manifest: ManifestId,
    },
    BagEmpty {
        bag: BagNo,
    },
    BagFull {
        bag: BagNo,
        max: usize,
    },
    TradeUnknown {
        trade: TradeId,
    },
    OtherSide {
        trade: TradeId,
    },
    TradeClosed,
    NoWaybill,
    /// It goes to another hub than the bag.
    OtherDestination {
        waybill: S10,
        peer: HubId,
        bag: BagNo,
    },
    /// A parcel lies in one bag only.
    InAnotherBag {
        waybill: S10,
        bag: BagNo,
    },
    NotInBag {
        trade: TradeId,
        bag: BagNo,
    },
    /// Another warehouse has the parcel.
    OtherWarehouse,
    /// The parcel has left the country.
    AlreadyDeparted {
        waybill: S10,
    },
}

pub(crate) fn is_handler(world: &World, party: Id<Party>) -> bool {
    world.parties.get(&party).is_some_and(|p| p.is(Role::Warehouse) || p.is(Role::Carrier))
}

/// The bag, for whoever fills it.
fn own(world: &World, no: &BagNo, by: Id<Party>) -> Result<Bag, BagRefusal> {
    if !is_handler(world, by) {
        return Err(BagRefusal::NotAHandler { party: by });
    }
    let Some(bag) = world.bags.get(no).cloned() else { return Err(BagRefusal::BagUnknown { bag: no.clone() }) };
    if bag.by == by { Ok(bag) } else { Err(BagRefusal::BagNotYours { bag: no.clone() }) }
}

impl Decide for OpenBag {
    type Answer = Bag;
    type Refusal = BagRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).bag(&self.no);
    }

    fn decide(&self, world: &mut World) -> Result<Bag, BagRefusal> {
        if !is_handler(world, self.by) {
            return Err(BagRefusal::NotAHandler { party: self.by });
        }
        if let Some(known) = world.bags.get(&self.no) {
            let same = known.by == self.by && known.to == self.to;
            return if same { Ok(known.clone()) } else { Err(BagRefusal::BagTaken { bag: self.no.clone() }) };
        }
        if !world.peers.all().any(|(id, _)| *id == self.to) {
            return Err(BagRefusal::PeerUnknown { peer: self.to.clone() });
        }
        let bag = Bag {
            no: self.no.clone(),
            by: self.by,
            to: self.to.clone(),
            opened: world.now,
            parcels: Vec::new(),
            seal: None,
            manifest: None,
            gone: false,
        };
        world.happened(None, None, Happened::BagOpened { bag: bag.no.clone(), peer: bag.to.clone(), by: bag.by });
        world.bags.put(bag.no.clone(), bag.clone());
        Ok(bag)
    }
}

impl Decide for PutInBag {
    type Answer = Bag;
    type Refusal = BagRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).bag(&self.bag).trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Bag, BagRefusal> {
        let mut bag = own(world, &self.bag, self.by)?;
        if bag.parcels.iter().any(|p| p.trade == self.trade) {
            return Ok(bag);
        }
        if let Some(manifest) = bag.manifest {
            return Err(BagRefusal::BagLoaded { bag: bag.no, manifest });
        }
        if let Some(seal) = bag.seal {
            return Err(BagRefusal::BagSealed { bag: bag.no, seal });
        }
        if bag.parcels.len() >= BAG_PARCELS_MAX {
            return Err(BagRefusal::BagFull { bag: bag.no, max: BAG_PARCELS_MAX });
        }
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(BagRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        let parcel = self.may_enter(&file, &bag)?;
        let bagged = Happened::ParcelBagged { bag: bag.no.clone(), waybill: parcel.waybill.clone() };
        world.happened(Some(&self.trade), None, bagged);
        file.handling.bag = Some(bag.no.clone());
        bag.parcels.push(parcel);
        world.trades.put(self.trade.clone(), file);
        world.bags.put(bag.no.clone(), bag.clone());
        Ok(bag)
    }
}

impl PutInBag {
    fn may_enter(&self, file: &TradeFile, bag: &Bag) -> Result<Bagged, BagRefusal> {
        if file.side != Side::Export {
            return Err(BagRefusal::OtherSide { trade: self.trade.clone() });
        }
        if file.closed.is_some() {
            return Err(BagRefusal::TradeClosed);
        }
        let Some(waybill) = &file.waybill else { return Err(BagRefusal::NoWaybill) };
        if let Some(bag) = &file.handling.bag {
            return Err(BagRefusal::InAnotherBag { waybill: waybill.no.clone(), bag: bag.clone() });
        }
        if file.has(CustodyKind::Departed) {
            return Err(BagRefusal::AlreadyDeparted { waybill: waybill.no.clone() });
        }
        if let Some(peer) = file.peer.as_ref().filter(|peer| **peer != bag.to) {
            let (waybill, peer) = (waybill.no.clone(), peer.clone());
            return Err(BagRefusal::OtherDestination { waybill, peer, bag: bag.no.clone() });
        }
        // What a warehouse keeps, that warehouse alone takes from its place.
        if file.handling.stored(file).is_some_and(|s| s.warehouse != self.by) {
            return Err(BagRefusal::OtherWarehouse);
        }
        Ok(Bagged { trade: self.trade.clone(), waybill: waybill.no.clone(), gross: waybill.gross })
    }
}

impl Decide for TakeFromBag {
    type Answer = Bag;
    type Refusal = BagRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).bag(&self.bag).trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Bag, BagRefusal> {
        let mut bag = own(world, &self.bag, self.by)?;
        if let Some(manifest) = bag.manifest {
            return Err(BagRefusal::BagLoaded { bag: bag.no, manifest });
        }
        let Some(place) = bag.parcels.iter().position(|p| p.trade == self.trade) else {
            return Err(BagRefusal::NotInBag { trade: self.trade.clone(), bag: bag.no });
        };
        let parcel = bag.parcels.remove(place);
        let broken = bag.seal.take().is_some();
        if let Some(mut file) = world.trades.get(&self.trade).cloned() {
            file.handling.bag = None;
            world.trades.put(self.trade.clone(), file);
        }
        let taken = Happened::ParcelUnbagged { bag: bag.no.clone(), waybill: parcel.waybill, seal_broken: broken };
        world.happened(Some(&self.trade), None, taken);
        world.bags.put(bag.no.clone(), bag.clone());
        Ok(bag)
    }
}

impl Decide for SealBag {
    type Answer = Bag;
    type Refusal = BagRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).bag(&self.bag);
    }

    fn decide(&self, world: &mut World) -> Result<Bag, BagRefusal> {
        let mut bag = own(world, &self.bag, self.by)?;
        match &bag.seal {
            Some(seal) if *seal == self.seal => return Ok(bag),
            Some(seal) => return Err(BagRefusal::BagSealed { seal: seal.clone(), bag: bag.no }),
            None if bag.parcels.is_empty() => return Err(BagRefusal::BagEmpty { bag: bag.no }),
            None => {}
        }
        bag.seal = Some(self.seal.clone());
        let sealed = Happened::BagSealed { bag: bag.no.clone(), seal: self.seal.clone(), parcels: bag.parcels.len() };
        world.happened(None, None, sealed);
        world.bags.put(bag.no.clone(), bag.clone());
        Ok(bag)
    }
}
