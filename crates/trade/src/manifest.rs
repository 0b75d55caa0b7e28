//! The manifest: bags of parcels under one master waybill. Closed at the exporting hub it moves all its
//! parcels, and at the importing hub it is their pre-alert: what passes by list is known before it lands.
//!
//! A manifest is named by the exporting hub and the number of its master waybill, on both hubs.

mod arrival;
mod pre_alert;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bag::{Bag, Bagged, is_handler};
use crate::clearance::Clearance;
use crate::codes::{Awb, BagNo, DocumentNo, FlightNo, HubId, Place, S10, SealNo};
use crate::command::Decide;
use crate::custody::{Custody, CustodyKind};
use crate::event::Happened;
use crate::id::Id;
use crate::party::Party;
use crate::quantity::Grams;
use crate::rulebook::Mode;
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, World};

pub(crate) use arrival::arrived_at_peer;
pub use arrival::{Arrival, ArriveManifest, ArriveRefusal, Excepted, ParcelExcepted};
pub use pre_alert::{Answered, Passage, PreAlert, PreAlertLine, assess};
pub(crate) use pre_alert::{answered_by_peer, received_from_peer};

/// `kul.sandbox:232-12345675`: the exporting hub and its master waybill.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManifestId(Arc<str>);

impl ManifestId {
    #[must_use]
    pub fn new(exporter: &HubId, master: &DocumentNo) -> Self {
        Self(format!("{exporter}:{master}").into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn exporter(&self) -> &str {
        self.0.split_once(':').map_or("", |(hub, _)| hub)
    }

    /// The number of the master waybill.
    #[must_use]
    pub fn master(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, master)| master)
    }
}

/// A text that is not `hub:number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAManifest(pub String);

impl fmt::Display for NotAManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a manifest: {}", self.0)
    }
}

impl FromStr for ManifestId {
    type Err = NotAManifest;

    fn from_str(text: &str) -> Result<Self, NotAManifest> {
        let bad = || NotAManifest(text.chars().take(100).collect());
        let (hub, master) = text.split_once(':').ok_or_else(bad)?;
        let hub: HubId = hub.parse().map_err(|_| bad())?;
        let master: DocumentNo = master.parse().map_err(|_| bad())?;
        Ok(Self::new(&hub, &master))
    }
}

impl fmt::Display for ManifestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ManifestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ManifestId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ManifestId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// By what it travels, and under which master waybill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Carriage {
    Air { flight: FlightNo, awb: Awb },
    Sea { vessel: DocumentNo, bill: DocumentNo },
    Road { vehicle: DocumentNo, bill: DocumentNo },
}

impl Carriage {
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Air { .. } => Mode::Air,
            Self::Sea { .. } => Mode::Sea,
            Self::Road { .. } => Mode::Road,
        }
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Air { .. } => "air",
            Self::Sea { .. } => "sea",
            Self::Road { .. } => "road",
        }
    }

    /// The flight, vessel or vehicle.
    #[must_use]
    pub fn vehicle(&self) -> &str {
        match self {
            Self::Air { flight, .. } => flight.as_str(),
            Self::Sea { vessel, .. } => vessel.as_str(),
            Self::Road { vehicle, .. } => vehicle.as_str(),
        }
    }

    /// The master waybill or bill of lading.
    #[must_use]
    pub fn master(&self) -> DocumentNo {
        match self {
            Self::Air { awb, .. } => awb.as_str().parse().expect("digits and a dash"),
            Self::Sea { bill, .. } | Self::Road { bill, .. } => bill.clone(),
        }
    }
}

/// From where to where, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voyage {
    #[serde(flatten)]
    pub carriage: Carriage,
    pub from: Place,
    pub to: Place,
    pub departs_at: BusinessTime,
    pub arrives_at: BusinessTime,
}

/// A bag as it is on a manifest: sealed, and as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedBag {
    pub no: BagNo,
    pub seal: SealNo,
    pub parcels: Vec<Bagged>,
}

/// What crosses the road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consignment {
    pub id: ManifestId,
    pub voyage: Voyage,
    pub bags: Vec<LoadedBag>,
    pub closed_at: BusinessTime,
}

/// A manifest as one hub keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub id: ManifestId,
    pub side: Side,
    /// The hub at the other end.
    pub peer: HubId,
    /// Who made it; on the importing hub nobody.
    pub by: Option<Id<Party>>,
    pub opened: BusinessTime,
    pub voyage: Voyage,
    pub bags: Vec<LoadedBag>,
    pub closed: Option<BusinessTime>,
    /// Importing hub: what it is worth as a pre-alert.
    pub pre_alert: Option<PreAlert>,
    /// Exporting hub: what the peer said to it.
    pub answered: Option<Answered>,
    pub arrived: Option<Arrival>,
}

impl Manifest {
    pub fn parcels(&self) -> impl Iterator<Item = &Bagged> {
        self.bags.iter().flat_map(|bag| &bag.parcels)
    }

    #[must_use]
    pub fn gross(&self) -> Grams {
        Grams(self.parcels().map(|p| p.gross.0).fold(0, i64::saturating_add))
    }

    #[must_use]
    pub const fn state(&self) -> &'static str {
        match (self.closed, &self.arrived) {
            (_, Some(_)) => "arrived",
            (Some(_), None) => "under-way",
            (None, None) => "open",
        }
    }
}

/// One event holds it whole, and a leaf of the log has 65,535 bytes: a parcel takes 135 at most.
pub const MANIFEST_PARCELS_MAX: usize = 400;
pub const MANIFEST_BAGS_MAX: usize = 60;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenManifest {
    pub to: HubId,
    pub voyage: Voyage,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBag {
    pub manifest: ManifestId,
    pub bag: BagNo,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnloadBag {
    pub manifest: ManifestId,
    pub bag: BagNo,
    pub by: Id<Party>,
}

/// All its parcels leave, or none does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloseManifest {
    pub manifest: ManifestId,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ManifestRefusal {
    /// Neither a warehouse nor a carrier.
    NotAHandler {
        party: Id<Party>,
    },
    PeerUnknown {
        peer: HubId,
    },
    ManifestUnknown {
        manifest: ManifestId,
    },
    /// Another manifest stands under this master waybill.
    ManifestTaken {
        manifest: ManifestId,
    },
    ManifestNotYours {
        manifest: ManifestId,
    },
    /// It has left.
    ManifestClosed {
        manifest: ManifestId,
    },
    ManifestEmpty {
        manifest: ManifestId,
    },
    /// It arrives before it departs.
    ArrivesBefore {
        departs_at: BusinessTime,
        arrives_at: BusinessTime,
    },
    /// It would have arrived by now.
    VoyageOver {
        arrives_at: BusinessTime,
    },
    /// It starts or ends in another country than its hubs.
    VoyageElsewhere {
        place: Place,
    },
    BagUnknown {
        bag: BagNo,
    },
    BagNotYours {
        bag: BagNo,
    },
    BagOpen {
        bag: BagNo,
    },
    BagElsewhere {
        bag: BagNo,
        manifest: ManifestId,
    },
    BagNotLoaded {
        bag: BagNo,
        manifest: ManifestId,
    },
    BagOtherHub {
        bag: BagNo,
        peer: HubId,
    },
    ManifestFull {
        bags: usize,
        parcels: usize,
        max_bags: usize,
        max_parcels: usize,
    },
    /// These parcels may not leave; nothing has been moved.
    ParcelsStop {
        first: String,
        parcels: Vec<ParcelStop>,
    },
}

/// Why one parcel keeps a manifest from closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelStop {
    pub waybill: S10,
    pub bag: BagNo,
    /// A code of its own, which has a sentence.
    pub why: String,
}

impl OpenManifest {
    fn id(&self, world: &World) -> ManifestId {
        ManifestId::new(&world.site.id, &self.voyage.carriage.master())
    }

    fn check(&self, world: &World) -> Result<(), ManifestRefusal> {
        let Voyage { from, to, departs_at, arrives_at, .. } = &self.voyage;
        if !is_handler(world, self.by) {
            return Err(ManifestRefusal::NotAHandler { party: self.by });
        }
        let Some((_, peer)) = world.peers.all().find(|(id, _)| **id == self.to) else {
            return Err(ManifestRefusal::PeerUnknown { peer: self.to.clone() });
        };
        for (place, country) in [(from, world.site.territory), (to, peer.territory())] {
            if place.country() != country {
                return Err(ManifestRefusal::VoyageElsewhere { place: place.clone() });
            }
        }
        if arrives_at <= departs_at {
            return Err(ManifestRefusal::ArrivesBefore { departs_at: *departs_at, arrives_at: *arrives_at });
        }
        if *arrives_at <= world.now {
            return Err(ManifestRefusal::VoyageOver { arrives_at: *arrives_at });
        }
        Ok(())
    }
}

impl Decide for OpenManifest {
    type Answer = Manifest;
    type Refusal = ManifestRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        need.manifest(&self.id(world));
    }

    fn decide(&self, world: &mut World) -> Result<Manifest, ManifestRefusal> {
        let id = self.id(world);
        if let Some(known) = world.manifests.get(&id) {
            let same = known.by == Some(self.by) && known.peer == self.to && known.voyage == self.voyage;
            return if same { Ok(known.clone()) } else { Err(ManifestRefusal::ManifestTaken { manifest: id }) };
        }
        self.check(world)?;
        let manifest = Manifest {
            id: id.clone(),
            side: Side::Export,
            peer: self.to.clone(),
            by: Some(self.by),
            opened: world.now,
            voyage: self.voyage.clone(),
            bags: Vec::new(),
            closed: None,
            pre_alert: None,
            answered: None,
            arrived: None,
        };
        let opened = Happened::ManifestOpened { manifest: id.clone(), peer: self.to.clone(), by: self.by };
        world.happened(None, None, opened);
        world.manifests.put(id, manifest.clone());
        Ok(manifest)
    }
}

/// The open manifest, for whoever makes it.
fn open(world: &World, id: &ManifestId, by: Id<Party>) -> Result<Manifest, ManifestRefusal> {
    if !is_handler(world, by) {
        return Err(ManifestRefusal::NotAHandler { party: by });
    }
    let manifest = world.manifests.get(id).filter(|m| m.side == Side::Export).cloned();
    let Some(manifest) = manifest else { return Err(ManifestRefusal::ManifestUnknown { manifest: id.clone() }) };
    if manifest.by != Some(by) {
        return Err(ManifestRefusal::ManifestNotYours { manifest: id.clone() });
    }
    if manifest.closed.is_some() {
        return Err(ManifestRefusal::ManifestClosed { manifest: id.clone() });
    }
    Ok(manifest)
}

impl Decide for LoadBag {
    type Answer = Manifest;
    type Refusal = ManifestRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).bag(&self.bag).manifest(&self.manifest);
    }

    // Its manifest may be closed in the same batch, and then its parcels leave.
    fn reads_more(&self, world: &World, need: &mut Need) {
        for parcel in world.bags.get(&self.bag).iter().flat_map(|bag| &bag.parcels) {
            need.trade(&parcel.trade);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Manifest, ManifestRefusal> {
        let mut manifest = open(world, &self.manifest, self.by)?;
        let Some(mut bag) = world.bags.get(&self.bag).cloned() else {
            return Err(ManifestRefusal::BagUnknown { bag: self.bag.clone() });
        };
        if bag.manifest.as_ref() == Some(&self.manifest) {
            return Ok(manifest);
        }
        let loaded = self.may_load(&bag, &manifest)?;
        manifest.bags.push(loaded);
        bag.manifest = Some(self.manifest.clone());
        let what = Happened::BagLoaded { bag: self.bag.clone(), manifest: self.manifest.clone() };
        world.happened(None, None, what);
        world.bags.put(self.bag.clone(), bag);
        world.manifests.put(self.manifest.clone(), manifest.clone());
        Ok(manifest)
    }
}

impl LoadBag {
    fn may_load(&self, bag: &Bag, manifest: &Manifest) -> Result<LoadedBag, ManifestRefusal> {
        if bag.by != self.by {
            return Err(ManifestRefusal::BagNotYours { bag: bag.no.clone() });
        }
        if let Some(manifest) = &bag.manifest {
            return Err(ManifestRefusal::BagElsewhere { bag: bag.no.clone(), manifest: manifest.clone() });
        }
        if bag.to != manifest.peer {
            return Err(ManifestRefusal::BagOtherHub { bag: bag.no.clone(), peer: bag.to.clone() });
        }
        let Some(seal) = &bag.seal else { return Err(ManifestRefusal::BagOpen { bag: bag.no.clone() }) };
        let (bags, parcels) = (manifest.bags.len() + 1, manifest.parcels().count() + bag.parcels.len());
        if bags > MANIFEST_BAGS_MAX || parcels > MANIFEST_PARCELS_MAX {
            let (max_bags, max_parcels) = (MANIFEST_BAGS_MAX, MANIFEST_PARCELS_MAX);
            return Err(ManifestRefusal::ManifestFull { bags, parcels, max_bags, max_parcels });
        }
        Ok(LoadedBag { no: bag.no.clone(), seal: seal.clone(), parcels: bag.parcels.clone() })
    }
}

impl Decide for UnloadBag {
    type Answer = Manifest;
    type Refusal = ManifestRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).bag(&self.bag).manifest(&self.manifest);
    }

    fn decide(&self, world: &mut World) -> Result<Manifest, ManifestRefusal> {
        let mut manifest = open(world, &self.manifest, self.by)?;
        let Some(place) = manifest.bags.iter().position(|bag| bag.no == self.bag) else {
            let manifest = self.manifest.clone();
            return Err(ManifestRefusal::BagNotLoaded { bag: self.bag.clone(), manifest });
        };
        manifest.bags.remove(place);
        if let Some(bag) = world.bags.get(&self.bag).cloned() {
            world.bags.put(self.bag.clone(), Bag { manifest: None, ..bag });
        }
        let what = Happened::BagUnloaded { bag: self.bag.clone(), manifest: self.manifest.clone() };
        world.happened(None, None, what);
        world.manifests.put(self.manifest.clone(), manifest.clone());
        Ok(manifest)
    }
}

impl Decide for CloseManifest {
    type Answer = Manifest;
    type Refusal = ManifestRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).manifest(&self.manifest);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        let Some(manifest) = world.manifests.get(&self.manifest) else { return };
        for bag in &manifest.bags {
            need.bag(&bag.no);
        }
        for parcel in manifest.parcels() {
            need.trade(&parcel.trade);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Manifest, ManifestRefusal> {
        let mine = world.manifests.get(&self.manifest).filter(|m| m.by == Some(self.by) && m.closed.is_some());
        if let Some(closed) = mine {
            return Ok(closed.clone());
        }
        let mut manifest = open(world, &self.manifest, self.by)?;
        if manifest.bags.is_empty() {
            return Err(ManifestRefusal::ManifestEmpty { manifest: manifest.id });
        }
        if manifest.voyage.arrives_at <= world.now {
            return Err(ManifestRefusal::VoyageOver { arrives_at: manifest.voyage.arrives_at });
        }
        let parcels = stops(world, &manifest);
        if let Some(first) = parcels.first() {
            return Err(ManifestRefusal::ParcelsStop { first: first.why.clone(), parcels });
        }
        manifest.closed = Some(world.now);
        let consignment = Consignment {
            id: manifest.id.clone(),
            voyage: manifest.voyage.clone(),
            bags: manifest.bags.clone(),
            closed_at: world.now,
        };
        let told = Happened::ManifestClosed { consignment: Box::new(consignment) };
        world.happened(None, Some(&manifest.peer), told);
        for parcel in manifest.bags.iter().flat_map(|bag| &bag.parcels) {
            depart(world, &manifest, &parcel.trade);
        }
        for bag in &manifest.bags {
            if let Some(known) = world.bags.get(&bag.no).cloned() {
                world.bags.put(bag.no.clone(), Bag { gone: true, ..known });
            }
        }
        world.manifests.put(self.manifest.clone(), manifest.clone());
        Ok(manifest)
    }
}

/// Every parcel that may not leave now, with its reason.
fn stops(world: &World, manifest: &Manifest) -> Vec<ParcelStop> {
    let mut stops = Vec::new();
    for bag in &manifest.bags {
        for parcel in &bag.parcels {
            if let Some(why) = stop(world.trades.get(&parcel.trade), parcel) {
                stops.push(ParcelStop { waybill: parcel.waybill.clone(), bag: bag.no.clone(), why: why.to_owned() });
            }
        }
    }
    stops
}

fn stop(file: Option<&TradeFile>, parcel: &Bagged) -> Option<&'static str> {
    let Some(file) = file else { return Some("trade-unknown") };
    if file.closed.is_some() {
        return Some("trade-closed");
    }
    if let Clearance::Detained { .. } = file.clearance {
        return Some("parcel-detained");
    }
    if file.waybill.as_ref().is_none_or(|w| w.no != parcel.waybill) {
        return Some("parcel-renumbered");
    }
    if file.has(CustodyKind::Departed) {
        return Some("parcel-departed");
    }
    (!file.clearance.is_released()).then_some("not-released-for-export")
}

/// The carrier has the parcel and it leaves, as two scans would say.
fn depart(world: &mut World, manifest: &Manifest, trade: &TradeId) {
    let Some(mut file) = world.trades.get(trade).cloned() else { return };
    let place = manifest.voyage.from.to_string();
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        if file.has(kind) {
            continue;
        }
        file.custody.push(Custody { kind, place: place.clone(), at: world.now });
        let what = Happened::CustodyRecorded { custody: kind, place: place.clone(), moved_at: world.now };
        world.happened(Some(trade), file.peer.as_ref(), what);
    }
    file.handling.manifest = Some(manifest.id.clone());
    world.trades.put(trade.clone(), file);
}

/// A manifest that this hub told, in what it has lost since: it has left.
pub(crate) fn recall(world: &mut World, peer: &HubId, told: &Consignment) {
    let known = world.manifests.get(&told.id);
    if known.is_some_and(|m| m.closed.is_some()) {
        return;
    }
    let by = known.and_then(|m| m.by);
    let manifest = Manifest {
        id: told.id.clone(),
        side: Side::Export,
        peer: peer.clone(),
        by,
        opened: known.map_or(told.closed_at, |m| m.opened),
        voyage: told.voyage.clone(),
        bags: told.bags.clone(),
        closed: Some(told.closed_at),
        pre_alert: None,
        answered: None,
        arrived: None,
    };
    for bag in &manifest.bags {
        if let Some(known) = world.bags.get(&bag.no).cloned() {
            world.bags.put(bag.no.clone(), Bag { manifest: Some(told.id.clone()), gone: true, ..known });
        }
        for parcel in &bag.parcels {
            if let Some(mut file) = world.trades.get(&parcel.trade).cloned() {
                file.handling.bag = Some(bag.no.clone());
                file.handling.manifest = Some(told.id.clone());
                world.trades.put(parcel.trade.clone(), file);
            }
        }
    }
    world.manifests.put(told.id.clone(), manifest);
}

/// Whether nothing happens to the trade any more, for handling.
const fn is_over(closed: Option<&Closed>) -> bool {
    matches!(closed, Some(Closed::Lapsed { .. } | Closed::Declined { .. }))
}
