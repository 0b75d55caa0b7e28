//! A trade-file bundle: one JSON file that anyone can verify offline, without an account.
//!
//! It holds the hub's card, the trade file in one of three views, its events with their proofs, the
//! checkpoint that these lead to with the witnesses' cosignatures, the documents, and the peer's card
//! and events with the heads that prove them. The last line but one is a seal over every byte before it:
//!
//! ```text
//! {
//! "bundle": { … },
//! "seal":{"chunk":64,"digests":"…","sha256":"…","signature":"…"}
//! }
//! ```
//!
//! `digests` has six bytes of SHA-256 for each 64 bytes before the seal (their number and the bytes),
//! `sha256` is the hash of them all, and the signature is the hub's, for the purpose *bundle*, over
//! their length and hash. The parts of the seal have fixed lengths, so the length of the file alone
//! says where it begins, whatever was altered. So an altered byte is not only noticed but found: a
//! chunk that differs from its digest, and in it, by trying all of them, the one byte that makes it
//! right again. Which of body, digests and hash was altered follows from which two still agree.

mod peer;
mod place;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use peer::{PeerEvent, PeerReport, PeerSide};
pub use place::{CHUNK_BYTES, Place};

use crate::card::{CardFault, Mode, SignedCard};
use crate::checkpoint::{Checkpoint, NoteFault, NoteSignature, Origin, SignedCheckpoint};
use crate::codes::HubId;
use crate::key::{KeyFault, Purpose, Signature, SigningKey, VerifyKey, verify_bytes};
use crate::log::{Bytes, Hash, LogFault, leaf_hash, verify_inclusion};
use crate::time::WallTime;

/// The format written here. Format 1, which had no side of the peer, is read too.
pub const BUNDLE_FORMAT: u32 = 2;

/// The first format.
const OLDEST_FORMAT: u32 = 1;

/// Twelve documents of 2 MB, in base64, with room to spare; verified in memory, also in a browser.
pub const BUNDLE_MAX_BYTES: usize = 40 * 1024 * 1024;

/// A trade has some tens of events; a consolidated one, some for each of a few hundred parcels.
pub const BUNDLE_MAX_EVENTS: usize = 4_096;

/// Invoice, packing list, declarations, waybill, certificates, photographs of each leg.
pub const BUNDLE_MAX_DOCUMENTS: usize = 128;

/// Who the bundle is made for; each view has its own list of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    Public,
    Counterparty,
    Authority,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub format: u32,
    pub view: View,
    pub card: SignedCard,
    /// The trade file as far as this view shows it.
    pub trade: Value,
    pub events: Vec<BundleEvent>,
    pub checkpoint: SignedCheckpoint,
    pub cosignatures: Vec<BundleCosignature>,
    pub documents: Vec<BundleDocument>,
    /// The other side of the trade, as it told this hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerSide>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleEvent {
    /// Place in the hub's log.
    pub index: u64,
    pub leaf: Bytes,
    pub proof: Vec<Hash>,
}

/// A witness's cosignature of the checkpoint, with the key to check it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleCosignature {
    pub witness: VerifyKey,
    pub line: NoteSignature,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleDocument {
    pub name: String,
    pub media_type: String,
    #[serde(with = "crate::log::hex")]
    pub sha256: Hash,
    pub bytes: Bytes,
}

impl BundleDocument {
    #[must_use]
    pub fn new(name: &str, media_type: &str, bytes: Vec<u8>) -> Self {
        let sha256 = Hash::of(&bytes);
        Self { name: name.to_owned(), media_type: media_type.to_owned(), sha256, bytes: Bytes(bytes) }
    }
}

/// The first thing found wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BundleFault {
    TooLong {
        bytes: usize,
        limit: usize,
    },
    /// Nothing that looks like a seal.
    NotABundle,
    /// Bytes were altered after sealing, here. If some were added or removed, all that follows has
    /// moved, and the place reaches from there to the end; `moved` says that the seal has, too, and
    /// is not where the length of the file would have it.
    Altered {
        places: Vec<Place>,
        moved: bool,
    },
    /// Sealed as it is, but not a bundle of this format.
    Malformed {
        line: usize,
        column: usize,
    },
    OtherFormat {
        got: u32,
        known: u32,
    },
    TooMany {
        events: usize,
        documents: usize,
    },
    /// None of the keys known to the reader is on the card.
    UnknownHub {
        hub: HubId,
        keys: Vec<String>,
    },
    /// The seal fits the bytes, but the hub did not sign it: it was made anew after an alteration.
    /// `suspects` are the parts whose own proof fails too, as JSON pointers.
    BadSignature {
        place: Box<Place>,
        fault: KeyFault,
        suspects: Vec<String>,
    },
    BadCard {
        pointer: String,
        fault: CardFault,
    },
    BadCheckpoint {
        pointer: String,
        fault: NoteFault,
    },
    NotIncluded {
        pointer: String,
        index: u64,
        fault: LogFault,
    },
    BadCosignature {
        pointer: String,
        fault: NoteFault,
    },
    OtherDocument {
        pointer: String,
        name: String,
        stated: String,
        got: String,
    },
}

/// What a bundle that is in order proves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BundleReport {
    pub hub: HubId,
    pub mode: Mode,
    pub view: View,
    /// Id of the key that sealed it.
    pub key: String,
    /// Whether the reader knew that key; otherwise the bundle vouches for itself alone.
    pub known: bool,
    pub checkpoint: Checkpoint,
    pub events: usize,
    pub witnesses: Vec<Witnessed>,
    pub documents: usize,
    pub peer: Option<PeerReport>,
    #[serde(skip)]
    pub bundle: Bundle,
}

/// A witness that countersigned the head, when, and whether the reader knew its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witnessed {
    pub hub: HubId,
    pub at: WallTime,
    pub known: bool,
}

/// Writes and seals a bundle. What could not be verified is not sealed.
pub fn seal_bundle(bundle: &Bundle, key: &SigningKey) -> Result<Vec<u8>, BundleFault> {
    check_contents(bundle)?;
    let json = serde_json::to_string_pretty(bundle).expect("a bundle has text keys only");
    let body = format!("{{\n\"bundle\": {json},\n").into_bytes();
    let hash = Hash::of(&body);
    let signature = key.sign_bytes(Purpose::Bundle, &signed_text(body.len(), &hash));
    let file = place::sealed(body, &signature);
    if file.len() > BUNDLE_MAX_BYTES {
        return Err(BundleFault::TooLong { bytes: file.len(), limit: BUNDLE_MAX_BYTES });
    }
    Ok(file)
}

fn signed_text(length: usize, hash: &Hash) -> Vec<u8> {
    format!("{length}\n{}\n", hash.hex()).into_bytes()
}

/// Verifies a bundle offline. In this order: length; every byte against the seal; form; the hub's
/// signature; card, checkpoint, events, cosignatures, documents.
///
/// With `known_keys` the bundle must be sealed by one of them. Without, it is checked by the keys
/// on its own card, and the report says so.
pub fn verify_bundle(file: &[u8], known_keys: Option<&[VerifyKey]>) -> Result<BundleReport, BundleFault> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        bundle: Bundle,
        #[serde(rename = "seal")]
        _seal: serde::de::IgnoredAny,
    }
    if file.len() > BUNDLE_MAX_BYTES {
        return Err(BundleFault::TooLong { bytes: file.len(), limit: BUNDLE_MAX_BYTES });
    }
    let intact = place::check(file)?;
    let File { bundle, .. } =
        serde_json::from_slice(file).map_err(|e| BundleFault::Malformed { line: e.line(), column: e.column() })?;
    if !(OLDEST_FORMAT..=BUNDLE_FORMAT).contains(&bundle.format) {
        return Err(BundleFault::OtherFormat { got: bundle.format, known: BUNDLE_FORMAT });
    }
    let card = bundle.card.claimed();
    let known = |key: &VerifyKey| known_keys.is_some_and(|keys| keys.contains(key));
    let keys: Vec<VerifyKey> = match known_keys {
        None => card.keys.clone(),
        Some(_) => card.keys.iter().filter(|key| known(key)).cloned().collect(),
    };
    if keys.is_empty() {
        let keys = card.keys.iter().map(VerifyKey::id).collect();
        return Err(BundleFault::UnknownHub { hub: card.id.clone(), keys });
    }
    let bad_signature = |fault| BundleFault::BadSignature {
        place: Box::new(place::at_signature(file)),
        fault,
        suspects: faults_in(&bundle).filter_map(|fault| fault.pointer()).collect(),
    };
    let signed = signed_text(intact.length, &intact.hash);
    let key = verify_bytes(&keys, Purpose::Bundle, &signed, &intact.signature).map_err(bad_signature)?.clone();
    let witnesses = check_contents(&bundle)?;
    let witnesses = witnesses
        .into_iter()
        .map(|(witness, at)| Witnessed { hub: witness.hub().clone(), at, known: known(&witness) })
        .collect();
    Ok(BundleReport {
        hub: card.id.clone(),
        mode: card.mode,
        view: bundle.view,
        key: key.id(),
        known: known(&key),
        checkpoint: bundle.checkpoint.claimed().clone(),
        events: bundle.events.len(),
        witnesses,
        documents: bundle.documents.len(),
        peer: bundle.peer.as_ref().map(|peer| peer.report(known_keys)),
        bundle,
    })
}

/// Every part by its own proof; the first fault, or who witnessed the head and when.
fn check_contents(bundle: &Bundle) -> Result<Vec<(VerifyKey, WallTime)>, BundleFault> {
    let of_peer = bundle.peer.as_ref().map_or(0, |peer| peer.events.len().max(peer.heads.len()));
    let (events, documents) = (bundle.events.len().max(of_peer), bundle.documents.len());
    if events > BUNDLE_MAX_EVENTS || documents > BUNDLE_MAX_DOCUMENTS {
        return Err(BundleFault::TooMany { events, documents });
    }
    match faults_in(bundle).next() {
        Some(fault) => Err(fault),
        None => Ok(bundle
            .cosignatures
            .iter()
            .filter_map(|held| {
                let at = bundle.checkpoint.verify_cosignature(&held.line, &held.witness).ok()?;
                Some((held.witness.clone(), at))
            })
            .collect()),
    }
}

fn faults_in(bundle: &Bundle) -> impl Iterator<Item = BundleFault> + '_ {
    let card = bundle.card.claimed();
    let head = bundle.checkpoint.claimed();
    let bad_card =
        bundle.card.verify().err().map(|fault| BundleFault::BadCard { pointer: "/bundle/card".to_owned(), fault });
    let origin = Origin { hub: card.id.clone(), mode: card.mode, epoch: head.origin.epoch };
    let bad_checkpoint = bundle
        .checkpoint
        .verify_for(&origin, &card.keys)
        .err()
        .map(|fault| BundleFault::BadCheckpoint { pointer: "/bundle/checkpoint".to_owned(), fault });
    let bad_events = bundle.events.iter().enumerate().filter_map(|(n, event)| {
        let leaf = leaf_hash(&event.leaf.0);
        let fault = verify_inclusion(&leaf, event.index, head.size, &event.proof, &head.root).err()?;
        Some(BundleFault::NotIncluded { pointer: format!("/bundle/events/{n}"), index: event.index, fault })
    });
    let bad_cosignatures = bundle.cosignatures.iter().enumerate().filter_map(|(n, held)| {
        let fault = bundle.checkpoint.verify_cosignature(&held.line, &held.witness).err()?;
        Some(BundleFault::BadCosignature { pointer: format!("/bundle/cosignatures/{n}"), fault })
    });
    let bad_documents = bundle.documents.iter().enumerate().filter_map(|(n, document)| {
        let got = Hash::of(&document.bytes.0);
        (got != document.sha256).then(|| BundleFault::OtherDocument {
            pointer: format!("/bundle/documents/{n}"),
            name: document.name.clone(),
            stated: document.sha256.hex(),
            got: got.hex(),
        })
    });
    let of_peer = bundle.peer.iter().flat_map(PeerSide::faults);
    bad_card
        .into_iter()
        .chain(bad_checkpoint)
        .chain(bad_events)
        .chain(bad_cosignatures)
        .chain(bad_documents)
        .chain(of_peer)
}

impl BundleFault {
    /// The part at fault, as a JSON pointer into the file.
    #[must_use]
    pub fn pointer(&self) -> Option<String> {
        match self {
            Self::BadCard { pointer, .. }
            | Self::BadCheckpoint { pointer, .. }
            | Self::NotIncluded { pointer, .. }
            | Self::BadCosignature { pointer, .. }
            | Self::OtherDocument { pointer, .. } => Some(pointer.clone()),
            Self::Altered { places, .. } => places.first().and_then(|place| place.pointers.first().cloned()),
            Self::BadSignature { place, .. } => place.pointers.first().cloned(),
            _ => None,
        }
    }
}

/// What the seal says of a file whose bytes all fit it.
struct Intact {
    length: usize,
    hash: Hash,
    signature: Signature,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Epoch;
    use crate::road::testing::{Log, NOW, card, own};
    use proptest::prelude::*;
    use serde_json::json;
    use std::sync::LazyLock;

    fn kul() -> SigningKey {
        own("kul.sandbox", Mode::Sandbox).key
    }

    fn hgh() -> SigningKey {
        own("hgh.sandbox", Mode::Sandbox).key
    }

    fn bundle() -> Bundle {
        let kul = own("kul.sandbox", Mode::Sandbox);
        let mut log = Log::new(kul.clone());
        (0..6).for_each(|n| log.note(&format!("event {n}")));
        let checkpoint = log.head();
        let line = checkpoint.cosign(&hgh(), NOW).unwrap();
        let event = |index: u64| BundleEvent {
            index,
            leaf: Bytes(format!("event {index}").into_bytes()),
            proof: log.prover(6).inclusion(index).unwrap(),
        };
        Bundle {
            format: BUNDLE_FORMAT,
            view: View::Public,
            card: card(&kul).sign(&kul.key),
            trade: json!({"order": {"number": "A/1", "total": 45000}, "lines": [{"hs": "090121"}, {"hs": "330499"}]}),
            events: vec![event(1), event(4)],
            checkpoint,
            cosignatures: vec![BundleCosignature { witness: hgh().verify_key(), line }],
            documents: vec![BundleDocument::new("invoice.txt", "text/plain", b"RM 450.00, thank you".to_vec())],
            peer: Some(other_side()),
        }
    }

    /// Hangzhou told two things of this trade: the first came under one head, the second under a later.
    fn other_side() -> PeerSide {
        let hgh = own("hgh.sandbox", Mode::Sandbox);
        let mut log = Log::new(hgh.clone());
        (0..9).for_each(|n| log.note(&format!("event {n}")));
        let event = |index: u64, head: usize, size: u64| PeerEvent {
            index,
            head,
            leaf: Bytes(format!("event {index}").into_bytes()),
            proof: log.prover(size).inclusion(index).unwrap(),
        };
        let events = vec![event(2, 0, 5), event(7, 1, 9)];
        PeerSide { card: card(&hgh).sign(&hgh.key), heads: vec![log.head_at(5), log.head_at(9)], events }
    }

    #[test]
    fn both_sides_are_proved_and_trust_in_each_is_the_readers_own() {
        let report = verify(&FILE).unwrap();
        let peer = report.peer.unwrap();
        assert_eq!((peer.hub.as_str(), peer.known, peer.events), ("hgh.sandbox", true, 2));
        assert_eq!(peer.checkpoint.map(|head| head.size), Some(9));
        // With the one card alone the other side still proves itself, by a card that nobody vouched for
        let alone = verify_bundle(&FILE, Some(&[kul().verify_key()])).unwrap();
        assert!(alone.known && alone.peer.is_some_and(|peer| !peer.known && peer.events == 2));
        type Change = fn(&mut PeerSide);
        let cases: [(Change, &str); 6] = [
            (|p| p.events[1].leaf.0[0] = b'X', "/bundle/peer/events/1"),
            (|p| p.events[0].index = 3, "/bundle/peer/events/0"),
            (|p| p.events[0].head = 1, "/bundle/peer/events/0"),
            (|p| p.events[0].head = 2, "/bundle/peer/events/0"),
            (|p| p.heads[1] = Log::new(own("sin.sandbox", Mode::Sandbox)).head(), "/bundle/peer/heads/1"),
            (
                |p| {
                    let renamed = crate::card::HubCard { name: "Ningbo".into(), ..p.card.claimed().clone() };
                    p.card = renamed.sign(&kul());
                },
                "/bundle/peer/card",
            ),
        ];
        for (number, (change, pointer)) in cases.into_iter().enumerate() {
            let mut changed = bundle();
            change(changed.peer.as_mut().unwrap());
            let fault = seal_bundle(&changed, &kul()).unwrap_err();
            assert_eq!(fault.pointer().as_deref(), Some(pointer), "case {number}: {fault:?}");
            assert_eq!(verify(&reseal(&changed, &kul())), Err(fault));
        }
    }

    #[test]
    fn a_bundle_of_the_first_format_is_still_read() {
        let first = Bundle { format: 1, peer: None, ..bundle() };
        let report = verify(&seal_bundle(&first, &kul()).unwrap()).unwrap();
        assert_eq!((report.events, report.peer), (2, None));
    }

    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| seal_bundle(&bundle(), &kul()).unwrap());

    fn verify(file: &[u8]) -> Result<BundleReport, BundleFault> {
        verify_bundle(file, Some(&[kul().verify_key(), hgh().verify_key()]))
    }

    fn replaced(from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(FILE.clone()).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        text.replacen(from, to, 1).into_bytes()
    }

    #[test]
    fn a_bundle_proves_itself_without_the_hub() {
        let report = verify(&FILE).unwrap();
        assert_eq!((report.hub.as_str(), report.events, report.documents, report.known), ("kul.sandbox", 2, 1, true));
        assert_eq!(report.checkpoint.origin.epoch, Epoch(1));
        assert_eq!(report.witnesses, [Witnessed { hub: "hgh.sandbox".parse().unwrap(), at: NOW, known: true }]);
        assert_eq!(report.bundle, bundle());
        let alone = verify_bundle(&FILE, None).unwrap();
        assert!(!alone.known && !alone.witnesses[0].known);
        assert!(matches!(verify_bundle(&FILE, Some(&[hgh().verify_key()])), Err(BundleFault::UnknownHub { .. })));
        assert!(serde_json::from_slice::<Value>(&FILE).is_ok(), "it is plain JSON");
    }

    #[test]
    fn an_altered_byte_anywhere_is_found_at_its_very_place() {
        for position in 0..FILE.len() {
            let mut file = FILE.clone();
            // Another value at each place, never the same byte
            file[position] = file[position].wrapping_add(1 + u8::try_from(position % 255).unwrap());
            let place = match verify(&file) {
                Err(BundleFault::Altered { places, moved: false }) => {
                    assert_eq!(places.len(), 1, "at {position}");
                    places[0].clone()
                }
                Err(BundleFault::BadSignature { place, .. }) => *place,
                other => panic!("at {position}: {other:?}"),
            };
            assert!((place.from..place.to).contains(&position), "{position} in {place:?}");
            let seal_from = place::seal_begins(&FILE).unwrap();
            if position < seal_from {
                assert_eq!((place.from, place.to, place.was), (position, position + 1, Some(FILE[position])));
            }
            let before = &FILE[..place.from];
            assert_eq!(place.line, 1 + before.iter().filter(|b| **b == b'\n').count());
        }
    }

    #[test]
    fn the_altered_part_is_named_by_its_pointer() {
        for (from, to, pointer) in [
            ("45000", "45001", "/bundle/trade/order/total"),
            ("\"A/1\"", "\"A/2\"", "/bundle/trade/order/number"),
            ("\"330499\"", "\"330498\"", "/bundle/trade/lines/1/hs"),
            ("text/plain", "text/plaid", "/bundle/documents/0/media_type"),
            ("Public".to_lowercase().as_str(), "bublic", "/bundle/view"),
            ("\"view\"", "\"vieW\"", "/bundle/view"),
        ] {
            let Err(BundleFault::Altered { places, .. }) = verify(&replaced(from, to)) else { panic!("{from}") };
            assert_eq!(places[0].pointers, [pointer], "{places:?}");
        }
        // Several bytes of one chunk: the chunk, and what lies in it
        let Err(BundleFault::Altered { places, .. }) = verify(&replaced("45000", "98765")) else { panic!() };
        assert!(places[0].to - places[0].from <= 2 * CHUNK_BYTES && places[0].was.is_none());
        assert!(places[0].pointers.contains(&"/bundle/trade/order/total".to_owned()), "{places:?}");
        // Two places far apart
        let mut file = replaced("45000", "45001");
        file[3] = b'x';
        let Err(BundleFault::Altered { places, .. }) = verify(&file) else { panic!() };
        assert_eq!((places.len(), places[0].from), (2, 3));
    }

    #[test]
    fn bytes_added_or_removed_are_noticed_from_where_all_has_moved() {
        for (from, to) in [("45000", "450000"), ("45000", "4500"), ("\"A/1\"", "\"A/11111\"")] {
            let at = String::from_utf8(FILE.clone()).unwrap().find(from).unwrap();
            let Err(BundleFault::Altered { places, .. }) = verify(&replaced(from, to)) else { panic!("{to}") };
            assert!(places[0].from <= at && at < places[0].to, "{at} in {places:?}");
        }
        // So many bytes that the seal is no longer where the length of the file would have it
        let longer = replaced("45000", &"9".repeat(500));
        let Err(BundleFault::Altered { places, moved: true }) = verify(&longer) else { panic!() };
        assert!(places[0].pointers.contains(&"/bundle/trade/order/total".to_owned()), "{places:?}");
        for cut in [1, 2, 50, FILE.len() / 2, FILE.len() - 1, FILE.len()] {
            assert!(verify(&FILE[..FILE.len() - cut]).is_err());
        }
        assert!(verify(&[&FILE[..], b"\n"].concat()).is_err());
        assert_eq!(verify(b"{}"), Err(BundleFault::NotABundle));
        assert!(matches!(verify(&vec![b' '; BUNDLE_MAX_BYTES + 1]), Err(BundleFault::TooLong { .. })));
    }

    /// Seals whatever it is given, as someone who has another key, or the hub's, might.
    fn reseal(bundle: &Bundle, key: &SigningKey) -> Vec<u8> {
        let json = serde_json::to_string_pretty(bundle).unwrap();
        let body = format!("{{\n\"bundle\": {json},\n").into_bytes();
        let signature = key.sign_bytes(Purpose::Bundle, &signed_text(body.len(), &Hash::of(&body)));
        place::sealed(body, &signature)
    }

    #[test]
    fn a_seal_made_anew_by_another_is_refused_and_says_what_else_does_not_fit() {
        let mut altered = bundle();
        altered.trade["order"]["total"] = json!(1);
        altered.documents[0].bytes.0[0] = b'X';
        altered.events[1].leaf.0[0] = b'X';
        let Err(BundleFault::BadSignature { suspects, place, .. }) = verify(&reseal(&altered, &hgh())) else {
            panic!()
        };
        assert_eq!(suspects, ["/bundle/events/1", "/bundle/documents/0"]);
        assert_eq!(place.pointers, ["/seal/signature"]);
        // A signature of the hub's for something else
        let mut file = FILE.clone();
        let other = kul().sign_bytes(Purpose::Quote, b"x").base64();
        let at = place::at_signature(&FILE);
        file.splice(at.from..at.to, other.into_bytes());
        assert!(matches!(verify(&file), Err(BundleFault::BadSignature { .. })));
    }

    #[test]
    fn what_the_hub_sealed_is_still_checked_part_by_part() {
        type Change = fn(&mut Bundle);
        type IsRight = fn(&BundleFault) -> bool;
        let cases: [(Change, IsRight); 9] = [
            (|b| b.format = 3, |f| matches!(f, BundleFault::OtherFormat { got: 3, .. })),
            (
                |b| b.events[1].leaf.0[0] = b'X',
                |f| matches!(f, BundleFault::NotIncluded { index: 4, pointer, .. } if pointer == "/bundle/events/1"),
            ),
            (|b| b.events[0].index = 2, |f| matches!(f, BundleFault::NotIncluded { index: 2, .. })),
            (
                |b| b.events = vec![b.events[0].clone(); 4097],
                |f| matches!(f, BundleFault::TooMany { events: 4097, .. }),
            ),
            (|b| b.documents[0].bytes.0[0] = b'X', |f| matches!(f, BundleFault::OtherDocument { .. })),
            (|b| b.cosignatures[0].witness = kul().verify_key(), |f| matches!(f, BundleFault::BadCosignature { .. })),
            (
                |b| {
                    let other = Checkpoint { size: 7, ..b.checkpoint.claimed().clone() }.sign(&kul()).unwrap();
                    b.cosignatures[0].line = other.cosign(&hgh(), NOW).unwrap();
                },
                |f| matches!(f, BundleFault::BadCosignature { fault: NoteFault::BadSignature { .. }, .. }),
            ),
            (
                |b| {
                    let mut log = Log::new(own("hgh.sandbox", Mode::Sandbox));
                    log.note("theirs");
                    b.checkpoint = log.head();
                },
                |f| matches!(f, BundleFault::BadCheckpoint { fault: NoteFault::OtherOrigin { .. }, .. }),
            ),
            (
                |b| {
                    let renamed = crate::card::HubCard { name: "Penang".into(), ..b.card.claimed().clone() };
                    b.card = renamed.sign(&hgh());
                },
                |f| matches!(f, BundleFault::BadCard { .. }),
            ),
        ];
        for (number, (change, is_right)) in cases.into_iter().enumerate() {
            let mut changed = bundle();
            change(&mut changed);
            let fault = verify(&reseal(&changed, &kul())).unwrap_err();
            assert!(is_right(&fault), "case {number}: {fault:?}");
            if number > 0 {
                assert_eq!(seal_bundle(&changed, &kul()).unwrap_err(), fault, "what cannot be verified is not sealed");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_altered_stretch_is_noticed_and_lies_in_the_places_named(
            at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..90),
        ) {
            let mut file = FILE.clone();
            let at = at.index(file.len());
            let to = (at + bytes.len()).min(file.len());
            file[at..to].copy_from_slice(&bytes[..to - at]);
            let altered: Vec<usize> = (at..to).filter(|n| file[*n] != FILE[*n]).collect();
            match verify(&file) {
                Ok(_) => prop_assert!(altered.is_empty()),
                // More than one of body, digests and hash: the places named are where they disagree.
                Err(_) if to > place::seal_begins(&FILE).unwrap() => {}
                Err(BundleFault::Altered { places, .. }) => {
                    for n in altered {
                        prop_assert!(places.iter().any(|p| (p.from..p.to).contains(&n)), "{} in {:?}", n, places);
                    }
                }
                Err(fault) => prop_assert!(false, "{:?}", fault),
            }
        }

        #[test]
        fn verifying_arbitrary_bytes_never_panics(
            noise in prop::collection::vec(any::<u8>(), 0..900), splice in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
        ) {
            prop_assert!(verify(&noise).is_err());
            let mut mixed = FILE.clone();
            let at = splice.index(mixed.len());
            mixed.splice(at..at, noise.iter().copied());
            prop_assert!(verify(&mixed).is_err() || noise.is_empty());
            prop_assert!(verify(&FILE[cut.index(FILE.len())..]).is_err() || cut.index(FILE.len()) == 0);
            // Noise that carries a proper seal
            let signature = kul().sign_bytes(Purpose::Bundle, &signed_text(noise.len(), &Hash::of(&noise)));
            prop_assert!(verify(&place::sealed(noise, &signature)).is_err());
        }
    }
}
