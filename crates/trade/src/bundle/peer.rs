//! The other side of a trade in a bundle: what the peer told the hub that made it, as it came.
//!
//! The peer does not seal the bundle; it has signed the heads of its log, and its events prove
//! themselves by these. So the hub that made the bundle can leave something out, and invent nothing.

use serde::{Deserialize, Serialize};

use super::BundleFault;
use crate::card::SignedCard;
use crate::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use crate::codes::HubId;
use crate::key::VerifyKey;
use crate::log::{Bytes, Hash, leaf_hash, verify_inclusion};

/// The peer's card as it was accepted, its events of the trade, and the heads that prove them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSide {
    pub card: SignedCard,
    pub heads: Vec<SignedCheckpoint>,
    pub events: Vec<PeerEvent>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerEvent {
    /// Place in the peer's log.
    pub index: u64,
    /// Which of the heads proves it, from 0.
    pub head: usize,
    pub leaf: Bytes,
    pub proof: Vec<Hash>,
}

/// What a bundle proves of the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerReport {
    pub hub: HubId,
    /// Whether the reader knew one of its keys; otherwise the card vouches for itself alone.
    pub known: bool,
    pub events: usize,
    /// The longest of the heads.
    pub checkpoint: Option<Checkpoint>,
}

impl PeerSide {
    /// Every part by its own proof: card, heads, events.
    pub(super) fn faults(&self) -> impl Iterator<Item = BundleFault> + '_ {
        let card = self.card.claimed();
        let pointer = "/bundle/peer/card".to_owned();
        let bad_card = self.card.verify().err().map(|fault| BundleFault::BadCard { pointer, fault });
        let bad_heads = self.heads.iter().enumerate().filter_map(|(n, note)| {
            let epoch = note.claimed().origin.epoch;
            let origin = Origin { hub: card.id.clone(), mode: card.mode, epoch };
            let fault = note.verify_for(&origin, &card.keys).err()?;
            Some(BundleFault::BadCheckpoint { pointer: format!("/bundle/peer/heads/{n}"), fault })
        });
        let bad_events = self.events.iter().enumerate().filter_map(|(n, event)| {
            let leaf = leaf_hash(&event.leaf.0);
            // Without its head an event is in an empty tree, which holds nothing.
            let head = self.heads.get(event.head).map(|note| note.claimed());
            let (size, root) = head.map_or((0, Hash::of_empty_tree()), |head| (head.size, head.root));
            let fault = verify_inclusion(&leaf, event.index, size, &event.proof, &root).err()?;
            Some(BundleFault::NotIncluded { pointer: format!("/bundle/peer/events/{n}"), index: event.index, fault })
        });
        bad_card.into_iter().chain(bad_heads).chain(bad_events)
    }

    pub(super) fn report(&self, known_keys: Option<&[VerifyKey]>) -> PeerReport {
        let card = self.card.claimed();
        let known = known_keys.is_some_and(|keys| card.keys.iter().any(|key| keys.contains(key)));
        let checkpoint = self.heads.iter().map(|note| note.claimed()).max_by_key(|head| (head.origin.epoch, head.size));
        PeerReport { hub: card.id.clone(), known, events: self.events.len(), checkpoint: checkpoint.cloned() }
    }
}
