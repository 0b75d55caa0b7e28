//! Every reason why a road may turn a batch away.

use trade::card::Mode;
use trade::checkpoint::{Epoch, NoteFault, Origin, SignedCheckpoint};
use trade::key::{KeyFault, Purpose as KeyPurpose};
use trade::log::{Hash, LogFault};
use trade::road::{Forgery, RoadRefusal};

use super::hub;

/// Every reason why a road may turn a batch away; `head` stands in a forgery.
#[must_use]
pub fn road_refusals(head: &SignedCheckpoint) -> Vec<RoadRefusal> {
    let hash = || Hash::of(b"filled");
    let forgery = Forgery { ours: head.clone(), theirs: head.clone(), consistency: vec![hash()] };
    let mut all = each_variant!(RoadRefusal:
        BatchTooLong { bytes: 2, limit: 1 },
        Malformed { line: 1, column: 1 },
        TooManyEntries { got: 2, limit: 1 },
        LeafTooLong { entry: 0, index: 7, bytes: 2, limit: 1 },
        ProofTooLong { entry: Some(0), hashes: 2, limit: 1 },
        CheckpointTooLong { bytes: 2, limit: 1 },
        OtherVersion { got: 2, spoken: vec![1] },
        OtherMode { ours: Mode::Sandbox, theirs: Mode::Production },
        NotForUs { to: hub(), us: hub() },
        NotFromPeer { from: hub(), peer: hub() },
        OtherEpoch { ours: Epoch::FIRST, theirs: Epoch::FIRST },
        BadSignature { fault: KeyFault::KeyKind { got: 0 } },
        Paused {},
        Suspended {},
        BadCheckpoint { fault: NoteFault::NotANote { line: 1 } },
        Stale { seen: 2, got: 1 },
        ConsistencyFrom { expected: 2, got: 1 },
        Forged { forgery: Box::new(forgery) },
        NotIncluded { entry: 0, index: 7, fault: LogFault::NoSuchLeaf { index: 7, size: 1 } },
        NoEnvelope { entry: 0, index: 7 },
        Misaddressed { entry: 0, index: 7, to: hub() },
        NumberDiffers { entry: 0, index: 7, stated: 1, in_leaf: 2 },
        Gap { entry: 0, index: 7, expected: 1, got: 2 },
        NumberReused { entry: 0, index: 7, road_seq: 1 },
        OutOfOrder { entry: 0, index: 7, after: 8 },
    );
    let keys = each_variant!(KeyFault:
        NotAKey { got: "x".to_owned() },
        KeyName { got: "x".to_owned() },
        KeyKind { got: 0 },
        KeyId { expected: "00000000".to_owned(), got: "00000001".to_owned() },
        NotAPoint { name: "x".to_owned() },
        BadSignature { purpose: KeyPurpose::Batch, keys: vec!["x".to_owned()] },
    );
    all.extend(keys.into_iter().map(|fault| RoadRefusal::BadSignature { fault }));
    all.extend(note_faults().into_iter().map(|fault| RoadRefusal::BadCheckpoint { fault }));
    let logs = each_variant!(LogFault:
        TileMissing { level: 0, index: 0 },
        TileTooNarrow { level: 0, index: 0, needed: 2, stored: 1 },
        TileMalformed { level: 0, index: 0, bytes: 1 },
        OtherRoot { expected: hash(), got: hash() },
        NoSuchLeaf { index: 7, size: 1 },
        Shrunk { from: 2, to: 1 },
        ProofLength { expected: 2, got: 1 },
        NotIncluded { index: 7, size: 8 },
        NotConsistent { from: 1, to: 2 },
        EntriesMalformed { leaf: 0 },
    );
    all.extend(logs.into_iter().map(|fault| RoadRefusal::NotIncluded { entry: 0, index: 7, fault }));
    all
}

fn note_faults() -> Vec<NoteFault> {
    let origin = || Origin { hub: hub(), mode: Mode::Sandbox, epoch: Epoch::FIRST };
    each_variant!(NoteFault:
        NoteTooLong { bytes: 2, limit: 1 },
        NotANote { line: 1 },
        NotAnOrigin { got: "x".to_owned() },
        NotASize { got: "x".to_owned() },
        NotARoot { got: "x".to_owned() },
        NotASignature { line: 1 },
        TooManySignatures { limit: 1 },
        OtherOrigin { expected: origin(), got: origin() },
        OtherMode { expected: Mode::Sandbox, got: Mode::Production },
        OtherHub { expected: hub(), got: hub() },
        NotSigned { origin: origin() },
        BadSignature { name: "x".to_owned() },
        NotCosigned { witness: "x".to_owned() },
        TimeBefore1970 { micros: -1 },
    )
}
