//! The road between two hubs: each pushes its events to the other in signed batches.
//!
//! Pure: what to do follows from the state of the road, a message and a wall time, all handed in.
//! At least once on the wire, exactly once in effect, in order: every entry for a peer has a road
//! number, gapless from 1, which stands in the event itself; the receiver applies number
//! `cursor + 1` next, in the same transaction as its new state, and answers after that commit.
//!
//! - [`receive`] checks a batch: limits, addressee, signature, consistency, inclusion, order.
//! - [`compose`] makes one, [`Outgoing`] knows which and when.
//! - [`WitnessQuestion`], [`recover`], [`NewEpoch`] and [`accept_epoch`] are for a hub that has lost events.
//! - [`step`] runs both sides; a simulation needs nothing else.

mod epoch;
mod receive;
mod send;
mod step;
mod witness;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use epoch::{
    EpochAccepted, EpochFault, EpochRefusal, Ignored, NewEpoch, Recovered, Recovery, RoadMark, WitnessedHead,
    accept_epoch, recover,
};
pub use receive::{Accepted, Hashed, receive, receive_hashed};
pub use send::{Head, InFlight, Outgoing, ReceiptRefusal, Wanted, acknowledge, compose};
pub use step::{Alarm, Effect, Message, Road, step};
pub use witness::{
    AnswerFault, GIVEN_BACK_MAX, GIVEN_BACK_MAX_BYTES, GiveBack, GivenBack, GivenBackFault, Kept, Testimony,
    WitnessAnswer, WitnessQuestion,
};

use crate::card::{HubCard, Mode, canonical_json};
use crate::checkpoint::{Epoch, NOTE_MAX_BYTES, NoteFault, NoteSignature, Origin, SignedCheckpoint};
use crate::codes::HubId;
use crate::key::{KeyFault, Purpose, Signature, SigningKey};
use crate::log::{Bytes, Hash, LEAF_MAX_BYTES, LogFault, PROOF_MAX_HASHES, leaf_hash};
use crate::time::WallTime;

/// Versions of the road protocol that this hub speaks. A peer one or two versions older still
/// works, since batches are sent in the newest version that both cards name.
pub const PROTOCOL_VERSIONS: &[u32] = &[1];

/// One batch is one transaction of the receiver, and at 512 that takes some tens of milliseconds;
/// larger ones gain little and hold up what waits behind them.
pub const BATCH_MAX_ENTRIES: usize = 512;

/// 512 entries of 1 kB with proofs of 25 hashes come to 1.3 MB of JSON; the largest single leaf
/// (64 kB, 88 kB in base64) fits too.
pub const BATCH_MAX_BYTES: usize = 2 * 1024 * 1024;

/// What the hub at this end is and can, handed to every function of the road.
#[derive(Clone, Debug)]
pub struct Own {
    pub key: SigningKey,
    /// Of its own log.
    pub epoch: Epoch,
    /// Spoken here; [`PROTOCOL_VERSIONS`] outside tests.
    pub versions: Vec<u32>,
    /// What a peer may send at once.
    pub limits: Limits,
    /// Reads from an event's bytes for whom it is and its road number.
    pub envelope: fn(&[u8]) -> Option<Envelope>,
}

impl Own {
    #[must_use]
    pub const fn hub(&self) -> &HubId {
        self.key.hub()
    }

    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.key.mode()
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { hub: self.hub().clone(), mode: self.mode(), epoch: self.epoch }
    }
}

/// For whom an event is and which number it has on that road, as written in the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub to: HubId,
    pub road_seq: u64,
}

/// The most that is taken in one batch. An operator may take less than the defaults, not more;
/// zero entries asks the peer to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub entries: usize,
    /// Of the batch as JSON.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: BATCH_MAX_ENTRIES, bytes: BATCH_MAX_BYTES }
    }
}

/// One event for the peer, with the proof that it is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Place in the sender's log.
    pub index: u64,
    /// Number on this road, from 1.
    pub road_seq: u64,
    /// The event's bytes.
    pub leaf: Bytes,
    /// Inclusion in the tree of the batch's checkpoint.
    pub proof: Vec<Hash>,
}

/// Events in log order, the head that proves them, and the proof that this head extends the one
/// that the receiver saw last. A batch without entries asks the receiver to witness a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    pub version: u32,
    pub mode: Mode,
    pub from: HubId,
    pub to: HubId,
    pub epoch: Epoch,
    pub entries: Vec<Entry>,
    /// The text of a signed note.
    pub checkpoint: String,
    /// Size of the head that the receiver saw last, as far as the sender knows.
    pub consistency_from: u64,
    pub consistency: Vec<Hash>,
    pub signature: Signature,
}

impl Batch {
    /// Reads a batch within the limits. The version comes first: a batch in another form is
    /// refused for its version, not for its form.
    pub fn read(bytes: &[u8], versions: &[u32], limits: Limits) -> Result<Self, RoadRefusal> {
        #[derive(Deserialize)]
        struct Spoken {
            version: u32,
        }
        if bytes.len() > limits.bytes {
            return Err(RoadRefusal::BatchTooLong { bytes: bytes.len(), limit: limits.bytes });
        }
        let malformed = |e: serde_json::Error| RoadRefusal::Malformed { line: e.line(), column: e.column() };
        let Spoken { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if !versions.contains(&version) {
            return Err(RoadRefusal::OtherVersion { got: version, spoken: versions.to_vec() });
        }
        serde_json::from_slice(bytes).map_err(malformed)
    }

    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a batch has text keys only")
    }

    /// What the one signature covers: a hash over every field, each of fixed length or preceded by
    /// its length, the leaves by their hashes.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut hash = Sha256::new();
        let mut number = |n: u64, bytes: &[u8]| hash_field(&mut hash, n, bytes);
        let count = |n: usize| u64::try_from(n).expect("lengths fit in 64 bits");
        number(self.version.into(), &[]);
        for text in [self.mode.as_str(), self.from.as_str(), self.to.as_str(), &self.checkpoint] {
            number(count(text.len()), text.as_bytes());
        }
        number(self.epoch.0.into(), &[]);
        number(self.consistency_from, &[]);
        number(count(self.consistency.len()), &concat(&self.consistency));
        number(count(self.entries.len()), &[]);
        for entry in &self.entries {
            number(entry.index, &[]);
            number(entry.road_seq, leaf_hash(&entry.leaf.0).as_bytes());
            number(count(entry.proof.len()), &concat(&entry.proof));
        }
        Hash::from_bytes(hash.finalize().into())
    }
}

fn hash_field(hash: &mut Sha256, number: u64, bytes: &[u8]) {
    hash.update(number.to_be_bytes());
    hash.update(bytes);
}

fn concat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// What is known of a peer's log and how far its events have been applied here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoadState {
    /// The card accepted by the operator.
    pub peer: HubCard,
    /// Of the peer's log.
    pub epoch: Epoch,
    /// The longest head of the peer's log that was seen, checked and countersigned.
    pub seen: Option<SignedCheckpoint>,
    /// Road number of the last entry applied; 0 before the first.
    pub cursor: u64,
    /// The next entry lies at this place of the peer's log or after it.
    pub next_index: u64,
    /// By the operator: nothing is sent or taken.
    pub paused: bool,
    /// Two histories were shown: nothing is sent or taken until an operator has looked at them.
    pub suspended: Option<Box<Forgery>>,
}

impl RoadState {
    /// A new road to the hub of an accepted card.
    #[must_use]
    pub fn opened(peer: HubCard) -> Self {
        let epoch = peer.epoch;
        Self { peer, epoch, seen: None, cursor: 0, next_index: 0, paused: false, suspended: None }
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { hub: self.peer.id.clone(), mode: self.peer.mode, epoch: self.epoch }
    }

    /// Size and root of the head seen last; the empty tree before the first.
    #[must_use]
    pub fn seen_head(&self) -> (u64, Hash) {
        match &self.seen {
            Some(note) => (note.claimed().size, note.claimed().root),
            None => (0, Hash::of_empty_tree()),
        }
    }
}

/// Two heads of one log in one epoch, both signed by its hub, of which neither extends the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgery {
    /// The head seen first.
    pub ours: SignedCheckpoint,
    /// The head shown later.
    pub theirs: SignedCheckpoint,
    /// What was offered as proof that the later extends the earlier. Of equal sizes none is needed.
    pub consistency: Vec<Hash>,
}

/// Why a batch is not taken. In the order of the checks; `entry` counts the batch's entries from 0
/// and `index` is the entry's place in the sender's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RoadRefusal {
    // limits
    BatchTooLong {
        bytes: usize,
        limit: usize,
    },
    Malformed {
        line: usize,
        column: usize,
    },
    TooManyEntries {
        got: usize,
        limit: usize,
    },
    LeafTooLong {
        entry: usize,
        index: u64,
        bytes: usize,
        limit: usize,
    },
    /// The proof of an entry, or that of consistency.
    ProofTooLong {
        entry: Option<usize>,
        hashes: usize,
        limit: usize,
    },
    CheckpointTooLong {
        bytes: usize,
        limit: usize,
    },
    // addressee
    OtherVersion {
        got: u32,
        spoken: Vec<u32>,
    },
    OtherMode {
        ours: Mode,
        theirs: Mode,
    },
    NotForUs {
        to: HubId,
        us: HubId,
    },
    NotFromPeer {
        from: HubId,
        peer: HubId,
    },
    /// The peer must first declare its new epoch, or it speaks of one that is over.
    OtherEpoch {
        ours: Epoch,
        theirs: Epoch,
    },
    // signature
    BadSignature {
        fault: KeyFault,
    },
    /// Signed by the peer, but the road is closed at this end.
    Paused,
    Suspended,
    // consistency
    BadCheckpoint {
        fault: NoteFault,
    },
    /// The head is older than one seen already: an old batch, or a peer that has lost events.
    Stale {
        seen: u64,
        got: u64,
    },
    /// The proof does not begin at the head that was seen last.
    ConsistencyFrom {
        expected: u64,
        got: u64,
    },
    Forged {
        forgery: Box<Forgery>,
    },
    // inclusion
    NotIncluded {
        entry: usize,
        index: u64,
        fault: LogFault,
    },
    // order
    /// The event does not say for whom it is.
    NoEnvelope {
        entry: usize,
        index: u64,
    },
    Misaddressed {
        entry: usize,
        index: u64,
        to: HubId,
    },
    /// Beside the event stands another road number than in it.
    NumberDiffers {
        entry: usize,
        index: u64,
        stated: u64,
        in_leaf: u64,
    },
    /// Resume at `expected`.
    Gap {
        entry: usize,
        index: u64,
        expected: u64,
        got: u64,
    },
    /// A number that was applied before stands at a place of the log after it.
    NumberReused {
        entry: usize,
        index: u64,
        road_seq: u64,
    },
    /// The next number stands at a place of the log before the last.
    OutOfOrder {
        entry: usize,
        index: u64,
        after: u64,
    },
}

/// The answer to every batch, signed: how far the peer's events are applied and which head is
/// witnessed, or why the batch was refused and from where to resume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub version: u32,
    pub mode: Mode,
    pub from: HubId,
    pub to: HubId,
    /// Epoch of the log that is answered.
    pub epoch: Epoch,
    /// Road number of the last entry applied; the next batch begins after it.
    pub cursor: u64,
    /// Size of the head seen last; the next proof of consistency begins there.
    pub size: u64,
    /// The receiver's cosignature of that head; none before the first and beside a refusal.
    pub cosignature: Option<NoteSignature>,
    pub refusal: Option<RoadRefusal>,
    /// What may come in the next batch: back-pressure.
    pub allowance: Limits,
    pub at: WallTime,
    pub signature: Signature,
}

impl Receipt {
    /// Answers for the state of a road, once that is committed.
    pub fn issue(own: &Own, road: &RoadState, refusal: Option<RoadRefusal>, now: WallTime) -> Result<Self, NoteFault> {
        let cosignature = match &road.seen {
            Some(note) if refusal.is_none() => Some(note.cosign(&own.key, now)?),
            _ => None,
        };
        let mut receipt = Self {
            version: PROTOCOL_VERSIONS[0],
            mode: own.mode(),
            from: own.hub().clone(),
            to: road.peer.id.clone(),
            epoch: road.epoch,
            cursor: road.cursor,
            size: road.seen_head().0,
            cosignature,
            refusal,
            allowance: own.limits,
            at: now,
            signature: Signature::from_bytes([0; 64]),
        };
        if let Some(version) = crate::card::common_version(&own.versions, &road.peer.protocol_versions) {
            receipt.version = version;
        }
        receipt.signature = own.key.sign_bytes(Purpose::Receipt, &unsigned(&receipt));
        Ok(receipt)
    }
}

/// Canonical JSON of a message without its signature: what is signed of it.
fn unsigned(message: &impl Serialize) -> Vec<u8> {
    let mut value = serde_json::to_value(message).expect("messages have text keys only");
    if let Some(fields) = value.as_object_mut() {
        fields.remove("signature");
    }
    canonical_json(&value)
}

#[cfg(test)]
pub(crate) mod testing {
    //! A log in memory, enough to play one end of a road.

    use std::collections::{BTreeMap, HashMap};

    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::codes::Country;
    use crate::log::{Prover, Tree};
    use crate::money::Currency;

    pub const NOW: WallTime = WallTime::from_micros(1_795_395_600_000_000);

    /// Events of the tests read `<to> <road number> <text>`.
    pub fn envelope(leaf: &[u8]) -> Option<Envelope> {
        let mut words = std::str::from_utf8(leaf).ok()?.splitn(3, ' ');
        Some(Envelope { to: words.next()?.parse().ok()?, road_seq: words.next()?.parse().ok()? })
    }

    pub fn own(hub: &str, mode: Mode) -> Own {
        let secret = [u8::try_from(hub.bytes().map(u32::from).sum::<u32>() % 251).unwrap(); 32];
        let key = SigningKey::from_secret(hub.parse().unwrap(), mode, &secret);
        Own { key, epoch: Epoch::FIRST, versions: PROTOCOL_VERSIONS.to_vec(), limits: Limits::default(), envelope }
    }

    pub fn card(own: &Own) -> HubCard {
        HubCard {
            id: own.hub().clone(),
            name: own.hub().to_string(),
            territory: Country::MY,
            currency: Currency::MYR,
            mode: own.mode(),
            url: "https://hub.example".into(),
            keys: vec![own.key.verify_key()],
            epoch: own.epoch,
            issued_at: NOW,
            protocol_versions: own.versions.clone(),
            regimes: vec![],
            documents: vec![],
            rule_packs: vec![],
            sample_terms: BTreeMap::new(),
            more: BTreeMap::new(),
        }
    }

    #[derive(Clone)]
    pub struct Log {
        pub own: Own,
        pub tree: Tree,
        pub tiles: HashMap<(u8, u64), Vec<u8>>,
        pub leaves: Vec<Vec<u8>>,
        /// Peer → places of its entries.
        pub roads: BTreeMap<HubId, Vec<u64>>,
    }

    impl Log {
        pub fn new(own: Own) -> Self {
            Self { own, tree: Tree::new(), tiles: HashMap::new(), leaves: vec![], roads: BTreeMap::new() }
        }

        pub fn note(&mut self, text: &str) {
            self.add(text.as_bytes().to_vec());
        }

        pub fn tell(&mut self, peer: &HubId, text: &str) {
            let road = self.roads.entry(peer.clone()).or_default();
            road.push(self.tree.size());
            let leaf = format!("{peer} {} {text}", road.len());
            self.add(leaf.into_bytes());
        }

        pub fn add(&mut self, leaf: Vec<u8>) {
            self.tree.append(leaf_hash(&leaf));
            self.leaves.push(leaf);
            for tile in self.tree.take_tiles() {
                self.tiles.insert((tile.id.level, tile.id.index), tile.bytes);
            }
        }

        pub fn head(&self) -> SignedCheckpoint {
            self.head_at(self.tree.size())
        }

        pub fn head_at(&self, size: u64) -> SignedCheckpoint {
            let root = self.prover(size).root_at(size).unwrap();
            Checkpoint { origin: self.own.origin(), size, root }.sign(&self.own.key).unwrap()
        }

        pub fn prover(&self, size: u64) -> Prover<impl Fn(u8, u64) -> Option<Vec<u8>> + '_> {
            Prover::new(size, |level, index| self.tiles.get(&(level, index)).cloned())
        }

        pub fn last_seq(&self, peer: &HubId) -> u64 {
            self.roads.get(peer).map_or(0, |road| road.len() as u64)
        }

        pub fn entries(&self, peer: &HubId, after: u64, size: u64) -> Vec<Entry> {
            let mut prover = self.prover(size);
            let road = self.roads.get(peer).map(Vec::as_slice).unwrap_or_default();
            (1_u64..)
                .zip(road)
                .filter(|(seq, index)| *seq > after && **index < size)
                .map(|(road_seq, index)| Entry {
                    index: *index,
                    road_seq,
                    leaf: Bytes(self.leaves[usize::try_from(*index).unwrap()].clone()),
                    proof: prover.inclusion(*index).unwrap(),
                })
                .collect()
        }

        pub fn wanted(&self, peer: &HubId, after: u64, peer_size: u64) -> Wanted {
            Wanted { to: peer.clone(), version: 1, after, peer_size, head: self.head(), limits: Limits::default() }
        }

        pub fn batch(&self, wanted: &Wanted) -> Batch {
            let size = wanted.head.claimed().size;
            let consistency = self.prover(size).consistency(wanted.peer_size.min(size)).unwrap();
            compose(&self.own, wanted, consistency, self.entries(&wanted.to, wanted.after, size))
        }
    }
}
