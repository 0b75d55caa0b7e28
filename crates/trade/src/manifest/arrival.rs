//! A manifest arrives as a whole; what is wrong with a parcel of it is said parcel by parcel.

use serde::{Deserialize, Serialize};

use super::{ManifestId, is_over};
use crate::codes::{HubId, S10};
use crate::command::Decide;
use crate::custody::{Custody, CustodyKind, PLACE_MAX};
use crate::event::Happened;
use crate::handling::{self, CustodyException, ExceptionKind};
use crate::id::Id;
use crate::party::{Party, Role};
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    pub at: BusinessTime,
    pub place: String,
    /// On the importing hub.
    pub by: Option<Id<Party>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ParcelExcepted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelExcepted {
    pub waybill: S10,
    pub exception: ExceptionKind,
}

/// The importing carrier takes over what came under a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArriveManifest {
    pub manifest: ManifestId,
    pub place: String,
    /// What is not there, or not whole. Every other parcel has arrived.
    #[serde(default)]
    pub exceptions: Vec<Excepted>,
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excepted {
    pub trade: TradeId,
    pub exception: ExceptionKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ArriveRefusal {
    NotACarrier {
        party: Id<Party>,
    },
    ManifestUnknown {
        manifest: ManifestId,
    },
    /// Where it leaves it does not arrive.
    ManifestOutgoing {
        manifest: ManifestId,
    },
    Place {
        max: usize,
    },
    /// An exception names a parcel that is not on it.
    NotOnManifest {
        trade: TradeId,
        manifest: ManifestId,
    },
    /// The road has not yet told that these parcels left.
    NotDepartedYet {
        waybill: S10,
        parcels: usize,
    },
}

impl Decide for ArriveManifest {
    type Answer = Arrival;
    type Refusal = ArriveRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).manifest(&self.manifest);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        for parcel in world.manifests.get(&self.manifest).iter().flat_map(|m| m.parcels()) {
            need.trade(&parcel.trade);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Arrival, ArriveRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Carrier)) {
            return Err(ArriveRefusal::NotACarrier { party: self.by });
        }
        let Some(mut manifest) = world.manifests.get(&self.manifest).cloned() else {
            return Err(ArriveRefusal::ManifestUnknown { manifest: self.manifest.clone() });
        };
        if manifest.side != Side::Import {
            return Err(ArriveRefusal::ManifestOutgoing { manifest: self.manifest.clone() });
        }
        if let Some(known) = manifest.arrived {
            return Ok(known);
        }
        let place = self.place.trim().to_owned();
        if place.is_empty() || place.chars().count() > PLACE_MAX {
            return Err(ArriveRefusal::Place { max: PLACE_MAX });
        }
        let on_it = |trade: &TradeId| manifest.parcels().any(|p| p.trade == *trade);
        if let Some(strange) = self.exceptions.iter().find(|e| !on_it(&e.trade)) {
            let manifest = self.manifest.clone();
            return Err(ArriveRefusal::NotOnManifest { trade: strange.trade.clone(), manifest });
        }
        let here = |trade: &TradeId| world.trades.get(trade).filter(|f| f.peer.as_ref() == Some(&manifest.peer));
        let waits: Vec<S10> = manifest
            .parcels()
            .filter(|p| here(&p.trade).is_some_and(|file| !file.has(CustodyKind::Departed)))
            .map(|p| p.waybill.clone())
            .collect();
        if let Some(waybill) = waits.first() {
            return Err(ArriveRefusal::NotDepartedYet { waybill: waybill.clone(), parcels: waits.len() });
        }
        let mut exceptions = Vec::new();
        let parcels: Vec<(TradeId, S10)> = manifest.parcels().map(|p| (p.trade.clone(), p.waybill.clone())).collect();
        for (trade, waybill) in parcels {
            let exception = self.exceptions.iter().find(|e| e.trade == trade).map(|e| e.exception);
            exceptions.extend(exception.map(|exception| ParcelExcepted { waybill, exception }));
            let file = world.trades.get(&trade).filter(|f| f.peer.as_ref() == Some(&manifest.peer)).cloned();
            if let Some(file) = file.filter(|f| !is_over(f.closed.as_ref())) {
                arrive(world, file, &place, exception);
            }
        }
        let arrival = Arrival { at: world.now, place, by: Some(self.by), exceptions };
        manifest.arrived = Some(arrival.clone());
        let told = Happened::ManifestArrived {
            manifest: self.manifest.clone(),
            place: arrival.place.clone(),
            arrived_at: arrival.at,
            exceptions: arrival.exceptions.clone(),
        };
        world.happened(None, Some(&manifest.peer), told);
        world.manifests.put(self.manifest.clone(), manifest);
        Ok(arrival)
    }
}

/// One parcel of it: it is there, unless it is missing; what is wrong with it is told.
fn arrive(world: &mut World, mut file: TradeFile, place: &str, exception: Option<ExceptionKind>) {
    let (trade, peer, at) = (file.id.clone(), file.peer.clone(), world.now);
    if exception != Some(ExceptionKind::Missing) && !file.has(CustodyKind::Arrived) {
        let kind = CustodyKind::Arrived;
        file.custody.push(Custody { kind, place: place.to_owned(), at });
        let what = Happened::CustodyRecorded { custody: kind, place: place.to_owned(), moved_at: at };
        world.happened(Some(&trade), peer.as_ref(), what);
    }
    if let Some(exception) = exception {
        let found = CustodyException { exception, place: place.to_owned(), at };
        handling::excepted(&mut file, &found);
        world.happened(Some(&trade), peer.as_ref(), Happened::CustodyExcepted { found });
    }
    world.trades.put(trade, file);
}

/// The peer tells that our manifest has arrived; or we told it, and recall it after a loss.
pub(crate) fn arrived_at_peer(world: &mut World, peer: &HubId, id: &ManifestId, arrival: Arrival) {
    let Some(mut manifest) = world.manifests.get(id).filter(|m| m.peer == *peer).cloned() else { return };
    manifest.arrived = manifest.arrived.or(Some(arrival));
    world.manifests.put(id.clone(), manifest);
}
