//! Taking a batch. Nothing changes before all checks have passed, and they are made in one order.

use super::{
    Batch, Entry, Forgery, LEAF_MAX_BYTES, Limits, NOTE_MAX_BYTES, Own, PROOF_MAX_HASHES, RoadRefusal, RoadState,
};
use crate::checkpoint::SignedCheckpoint;
use crate::key::{Purpose, verify_bytes};
use crate::log::{Hash, leaf_hash, verify_consistency, verify_inclusion};

/// A batch that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// To be applied, in this order, in one transaction with `state`.
    pub entries: Vec<Entry>,
    /// Entries that had been applied before.
    pub skipped: usize,
    /// The road after them.
    pub state: RoadState,
}

/// Checks a batch in this order: limits; version, mode, addressee and epoch; signature; whether the
/// road is open; consistency with the head seen last; inclusion of every entry; order.
///
/// An entry that was applied before is skipped, so a batch that comes twice is harmless. A head
/// that does not extend the one seen last is refused as [`RoadRefusal::Forged`]: the peer signed
/// both, so the road must then be suspended.
pub fn receive(own: &Own, road: &RoadState, batch: &Batch) -> Result<Accepted, RoadRefusal> {
    receive_hashed(own, road, batch, &Hashed::of(batch))
}

/// What can be worked out of a batch by itself, whatever is known of the road: all the hashing,
/// which whoever brings the batch does before it is decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    digest: Hash,
    /// Whether its own head can be read and proves each entry.
    included: Result<(), RoadRefusal>,
}

impl Hashed {
    #[must_use]
    pub fn of(batch: &Batch) -> Self {
        let included = shown_head(batch).and_then(|head| all_included(batch, &head));
        Self { digest: batch.digest(), included }
    }
}

/// As [`receive`], of a batch that was hashed before.
pub fn receive_hashed(own: &Own, road: &RoadState, batch: &Batch, hashed: &Hashed) -> Result<Accepted, RoadRefusal> {
    within_limits(batch, own.limits)?;
    is_between_us(own, road, batch)?;
    verify_bytes(&road.peer.keys, Purpose::Batch, hashed.digest.as_bytes(), &batch.signature)
        .map_err(|fault| RoadRefusal::BadSignature { fault })?;
    if road.suspended.is_some() {
        return Err(RoadRefusal::Suspended);
    }
    if road.paused {
        return Err(RoadRefusal::Paused);
    }
    let seen = extends_what_was_seen(road, batch)?;
    hashed.included.clone()?;
    let (entries, next_index) = in_order(own, road, batch)?;
    let cursor = entries.last().map_or(road.cursor, |entry| entry.road_seq);
    let skipped = batch.entries.len() - entries.len();
    Ok(Accepted { entries, skipped, state: RoadState { seen: Some(seen), cursor, next_index, ..road.clone() } })
}

fn within_limits(batch: &Batch, limits: Limits) -> Result<(), RoadRefusal> {
    if batch.entries.len() > limits.entries {
        return Err(RoadRefusal::TooManyEntries { got: batch.entries.len(), limit: limits.entries });
    }
    if batch.checkpoint.len() > NOTE_MAX_BYTES {
        return Err(RoadRefusal::CheckpointTooLong { bytes: batch.checkpoint.len(), limit: NOTE_MAX_BYTES });
    }
    let proofs = batch.entries.iter().enumerate().map(|(entry, e)| (Some(entry), e.proof.len()));
    for (entry, hashes) in proofs.chain([(None, batch.consistency.len())]) {
        if hashes > PROOF_MAX_HASHES {
            return Err(RoadRefusal::ProofTooLong { entry, hashes, limit: PROOF_MAX_HASHES });
        }
    }
    for (entry, Entry { index, leaf, .. }) in batch.entries.iter().enumerate() {
        if leaf.0.len() > LEAF_MAX_BYTES {
            let (index, bytes) = (*index, leaf.0.len());
            return Err(RoadRefusal::LeafTooLong { entry, index, bytes, limit: LEAF_MAX_BYTES });
        }
    }
    Ok(())
}

fn is_between_us(own: &Own, road: &RoadState, batch: &Batch) -> Result<(), RoadRefusal> {
    if !own.versions.contains(&batch.version) {
        return Err(RoadRefusal::OtherVersion { got: batch.version, spoken: own.versions.clone() });
    }
    if batch.mode != own.mode() || road.peer.mode != own.mode() {
        return Err(RoadRefusal::OtherMode { ours: own.mode(), theirs: batch.mode });
    }
    if batch.to != *own.hub() {
        return Err(RoadRefusal::NotForUs { to: batch.to.clone(), us: own.hub().clone() });
    }
    if batch.from != road.peer.id {
        return Err(RoadRefusal::NotFromPeer { from: batch.from.clone(), peer: road.peer.id.clone() });
    }
    if batch.epoch != road.epoch {
        return Err(RoadRefusal::OtherEpoch { ours: road.epoch, theirs: batch.epoch });
    }
    Ok(())
}

fn shown_head(batch: &Batch) -> Result<SignedCheckpoint, RoadRefusal> {
    batch.checkpoint.parse().map_err(|fault| RoadRefusal::BadCheckpoint { fault })
}

/// The head that is now the longest seen.
fn extends_what_was_seen(road: &RoadState, batch: &Batch) -> Result<SignedCheckpoint, RoadRefusal> {
    let shown = shown_head(batch)?;
    let bad = |fault| RoadRefusal::BadCheckpoint { fault };
    let head = shown.verify_for(&road.origin(), &road.peer.keys).map_err(bad)?;
    let (seen_size, seen_root) = road.seen_head();
    if head.size < seen_size {
        return Err(RoadRefusal::Stale { seen: seen_size, got: head.size });
    }
    let extends = if head.size == seen_size {
        // Whatever proof came along was made for an older head: a batch that comes again.
        head.root == seen_root
    } else if batch.consistency_from == seen_size {
        verify_consistency(seen_size, &seen_root, head.size, &head.root, &batch.consistency).is_ok()
    } else {
        return Err(RoadRefusal::ConsistencyFrom { expected: seen_size, got: batch.consistency_from });
    };
    match &road.seen {
        _ if extends => Ok(shown),
        Some(ours) => {
            let consistency = batch.consistency.clone();
            let forgery = Forgery { ours: ours.clone(), theirs: shown, consistency };
            Err(RoadRefusal::Forged { forgery: Box::new(forgery) })
        }
        // Nothing was seen, and hashes came although the empty tree needs none.
        None => Err(RoadRefusal::ConsistencyFrom { expected: 0, got: batch.consistency_from }),
    }
}

fn all_included(batch: &Batch, head: &SignedCheckpoint) -> Result<(), RoadRefusal> {
    let head = head.claimed();
    for (entry, Entry { index, leaf, proof, .. }) in batch.entries.iter().enumerate() {
        verify_inclusion(&leaf_hash(&leaf.0), *index, head.size, proof, &head.root)
            .map_err(|fault| RoadRefusal::NotIncluded { entry, index: *index, fault })?;
    }
    Ok(())
}

/// The entries that are new, and the place of the log after the last of them.
fn in_order(own: &Own, road: &RoadState, batch: &Batch) -> Result<(Vec<Entry>, u64), RoadRefusal> {
    let mut fresh = Vec::new();
    let (mut cursor, mut next_index) = (road.cursor, road.next_index);
    for (position, entry) in batch.entries.iter().enumerate() {
        let (index, road_seq) = (entry.index, entry.road_seq);
        let envelope = (own.envelope)(&entry.leaf.0).ok_or(RoadRefusal::NoEnvelope { entry: position, index })?;
        if envelope.to != *own.hub() {
            return Err(RoadRefusal::Misaddressed { entry: position, index, to: envelope.to });
        }
        if envelope.road_seq != road_seq {
            let (stated, in_leaf) = (road_seq, envelope.road_seq);
            return Err(RoadRefusal::NumberDiffers { entry: position, index, stated, in_leaf });
        }
        if road_seq <= cursor {
            if index >= next_index {
                return Err(RoadRefusal::NumberReused { entry: position, index, road_seq });
            }
            continue;
        }
        if road_seq != cursor + 1 {
            return Err(RoadRefusal::Gap { entry: position, index, expected: cursor + 1, got: road_seq });
        }
        if index < next_index {
            return Err(RoadRefusal::OutOfOrder { entry: position, index, after: next_index - 1 });
        }
        cursor = road_seq;
        next_index = index + 1;
        fresh.push(entry.clone());
    }
    Ok((fresh, next_index))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Log, NOW, card, own};
    use super::super::{Limits, Outgoing, Receipt, acknowledge};
    use super::*;
    use crate::card::Mode;
    use crate::checkpoint::{Epoch, NoteFault};
    use crate::log::Bytes;
    use proptest::prelude::*;

    /// KUL has written 12 entries for HGH among others; HGH has seen the head of 9 leaves and
    /// applied 4 entries.
    fn scene() -> (Log, Own, RoadState) {
        let hgh = own("hgh.sandbox", Mode::Sandbox);
        let mut log = Log::new(own("kul.sandbox", Mode::Sandbox));
        let mut road = RoadState::opened(card(&log.own));
        for n in 0..12 {
            log.note("kept at home");
            log.tell(hgh.hub(), &format!("order {n}"));
            if n == 3 {
                log.note("kept at home");
                let batch = log.batch(&log.wanted(hgh.hub(), 0, 0));
                road = receive(&hgh, &road, &batch).unwrap().state;
            }
        }
        assert_eq!((road.cursor, road.seen_head().0, road.next_index), (4, 9, 8));
        (log, hgh, road)
    }

    fn next(log: &Log, hgh: &Own, road: &RoadState) -> Batch {
        log.batch(&log.wanted(hgh.hub(), road.cursor, road.seen_head().0))
    }

    fn resign(log: &Log, batch: &mut Batch) {
        batch.signature = log.own.key.sign_bytes(Purpose::Batch, batch.digest().as_bytes());
    }

    #[test]
    fn a_batch_is_taken_once_and_the_head_is_countersigned() {
        let (log, hgh, road) = scene();
        let batch = next(&log, &hgh, &road);
        let read = Batch::read(&batch.to_json(), &hgh.versions, Limits::default()).unwrap();
        assert_eq!(read, batch);
        let first = receive(&hgh, &road, &read).unwrap();
        assert_eq!(first.entries.iter().map(|e| e.road_seq).collect::<Vec<_>>(), (5..=12).collect::<Vec<_>>());
        assert_eq!((first.state.cursor, first.state.seen_head()), (12, (25, log.tree.root())));
        // It comes again: all skipped, nothing changed
        let again = receive(&hgh, &first.state, &read).unwrap();
        assert_eq!((again.entries.len(), again.skipped, &again.state), (0, 8, &first.state));
        // From the beginning: the first twelve are known
        let whole = log.batch(&log.wanted(hgh.hub(), 0, 9));
        assert_eq!(receive(&hgh, &road, &whole).map(|a| (a.entries.len(), a.skipped)), Ok((8, 4)));

        let receipt = Receipt::issue(&hgh, &first.state, None, NOW).unwrap();
        let line = receipt.cosignature.clone().unwrap();
        assert_eq!(log.head().verify_cosignature(&line, &hgh.key.verify_key()), Ok(NOW));
        let sent = Outgoing { known: log.last_seq(hgh.hub()), head: Some(log.head()), ..Outgoing::default() };
        let sent = acknowledge(&log.own, &card(&hgh), &sent, &receipt, NOW).unwrap();
        assert_eq!((sent.acknowledged, sent.witnessed), (12, 25));
    }

    #[test]
    fn every_alteration_is_refused_at_its_check_and_names_the_entry() {
        type Change = fn(&mut Batch, &Log);
        type IsRight = fn(&RoadRefusal) -> bool;
        // (signed again by the sender?, change, refusal)
        let cases: [(bool, Change, IsRight); 27] = [
            // limits
            (
                false,
                |b, _| b.entries = vec![b.entries[0].clone(); 513],
                |r| matches!(r, RoadRefusal::TooManyEntries { got: 513, limit: 512 }),
            ),
            (
                false,
                |b, _| b.entries[3].leaf = Bytes(vec![0; 65_536]),
                |r| matches!(r, RoadRefusal::LeafTooLong { entry: 3, .. }),
            ),
            (
                false,
                |b, _| b.entries[2].proof = vec![Hash::of(b""); 65],
                |r| matches!(r, RoadRefusal::ProofTooLong { entry: Some(2), .. }),
            ),
            (
                false,
                |b, _| b.consistency = vec![Hash::of(b""); 65],
                |r| matches!(r, RoadRefusal::ProofTooLong { entry: None, .. }),
            ),
            (
                false,
                |b, _| b.checkpoint = " ".repeat(9000),
                |r| matches!(r, RoadRefusal::CheckpointTooLong { bytes: 9000, .. }),
            ),
            // addressee
            (false, |b, _| b.version = 2, |r| matches!(r, RoadRefusal::OtherVersion { got: 2, .. })),
            (
                false,
                |b, _| b.mode = Mode::Production,
                |r| matches!(r, RoadRefusal::OtherMode { theirs: Mode::Production, .. }),
            ),
            (false, |b, _| b.to = "sin.sandbox".parse().unwrap(), |r| matches!(r, RoadRefusal::NotForUs { .. })),
            (false, |b, _| b.from = "sin.sandbox".parse().unwrap(), |r| matches!(r, RoadRefusal::NotFromPeer { .. })),
            (false, |b, _| b.epoch = Epoch(2), |r| matches!(r, RoadRefusal::OtherEpoch { theirs: Epoch(2), .. })),
            // signature: whatever is altered on the way
            (false, |b, _| b.entries[1].leaf.0[15] ^= 1, |r| matches!(r, RoadRefusal::BadSignature { .. })),
            (false, |b, _| b.entries[1].index += 1, |r| matches!(r, RoadRefusal::BadSignature { .. })),
            (false, |b, _| b.entries[1].road_seq += 1, |r| matches!(r, RoadRefusal::BadSignature { .. })),
            (
                false,
                |b, _| b.entries[1].proof[0] = Hash::of(b"other"),
                |r| matches!(r, RoadRefusal::BadSignature { .. }),
            ),
            (false, |b, _| b.entries.swap(0, 1), |r| matches!(r, RoadRefusal::BadSignature { .. })),
            (false, |b, _| drop(b.entries.pop()), |r| matches!(r, RoadRefusal::BadSignature { .. })),
            (false, |b, _| b.consistency[0] = Hash::of(b"other"), |r| matches!(r, RoadRefusal::BadSignature { .. })),
            (
                false,
                |b, log| b.checkpoint = log.head_at(20).to_string(),
                |r| matches!(r, RoadRefusal::BadSignature { .. }),
            ),
            // consistency: signed by the peer, and yet
            (
                true,
                |b, _| b.checkpoint = b.checkpoint.replace("\n25\n", "\n26\n"),
                |r| matches!(r, RoadRefusal::BadCheckpoint { fault: NoteFault::BadSignature { .. } }),
            ),
            (
                true,
                |b, log| b.checkpoint = log.head_at(8).to_string(),
                |r| matches!(r, RoadRefusal::Stale { seen: 9, got: 8 }),
            ),
            (
                true,
                |b, _| b.consistency_from = 8,
                |r| matches!(r, RoadRefusal::ConsistencyFrom { expected: 9, got: 8 }),
            ),
            (true, |b, _| b.consistency[0] = Hash::of(b"other"), |r| matches!(r, RoadRefusal::Forged { .. })),
            // inclusion
            (
                true,
                |b, _| b.entries[1].leaf.0[15] ^= 1,
                |r| matches!(r, RoadRefusal::NotIncluded { entry: 1, index: 12, .. }),
            ),
            (
                true,
                |b, _| b.entries[7].index = 25,
                |r| matches!(r, RoadRefusal::NotIncluded { entry: 7, index: 25, .. }),
            ),
            // order
            (
                true,
                |b, _| b.entries[2].road_seq = 9,
                |r| matches!(r, RoadRefusal::NumberDiffers { entry: 2, index: 14, stated: 9, in_leaf: 7 }),
            ),
            (
                true,
                |b, _| drop(b.entries.remove(0)),
                |r| matches!(r, RoadRefusal::Gap { entry: 0, index: 12, expected: 5, got: 6 }),
            ),
            (
                true,
                |b, _| b.entries.swap(1, 2),
                |r| matches!(r, RoadRefusal::Gap { entry: 1, index: 14, expected: 6, got: 7 }),
            ),
        ];
        let (log, hgh, road) = scene();
        for (number, (again, change, is_right)) in cases.into_iter().enumerate() {
            let mut batch = next(&log, &hgh, &road);
            change(&mut batch, &log);
            if again {
                resign(&log, &mut batch);
            }
            let refusal = receive(&hgh, &road, &batch).unwrap_err();
            assert!(is_right(&refusal), "case {number}: {refusal:?}");
            let text = serde_json::to_string(&refusal).unwrap();
            assert_eq!(serde_json::from_str::<RoadRefusal>(&text).unwrap(), refusal, "{text}");
        }
    }

    #[test]
    fn of_many_faults_the_first_in_the_order_of_checks_is_named() {
        let (log, hgh, road) = scene();
        let mut batch = next(&log, &hgh, &road);
        // Spoilt from the last check to the first; each new fault hides those after it.
        batch.entries.remove(0);
        resign(&log, &mut batch);
        assert!(matches!(receive(&hgh, &road, &batch), Err(RoadRefusal::Gap { .. })));
        batch.entries[6].leaf.0[15] ^= 1;
        resign(&log, &mut batch);
        assert!(matches!(receive(&hgh, &road, &batch), Err(RoadRefusal::NotIncluded { entry: 6, .. })));
        batch.consistency[0] = Hash::of(b"other");
        resign(&log, &mut batch);
        assert!(matches!(receive(&hgh, &road, &batch), Err(RoadRefusal::Forged { .. })));
        batch.consistency_from += 1;
        assert!(matches!(receive(&hgh, &road, &batch), Err(RoadRefusal::BadSignature { .. })));
        batch.to = "sin.sandbox".parse().unwrap();
        assert!(matches!(receive(&hgh, &road, &batch), Err(RoadRefusal::NotForUs { .. })));
        batch.entries[0].proof = vec![Hash::of(b""); 65];
        assert!(matches!(receive(&hgh, &road, &batch), Err(RoadRefusal::ProofTooLong { .. })));
    }

    #[test]
    fn another_history_is_a_forgery_with_both_signed_heads() {
        let (log, hgh, road) = scene();
        // The same hub tells another story from leaf 5 on, as long as, or longer than, what was seen.
        for length in [9, 30] {
            let mut other = Log::new(log.own.clone());
            for n in 0..length {
                other.note(if n < 5 { "kept at home" } else { "another story" });
            }
            let batch = other.batch(&other.wanted(hgh.hub(), 0, 9));
            let Err(RoadRefusal::Forged { forgery }) = receive(&hgh, &road, &batch) else { panic!("{length}") };
            for head in [&forgery.ours, &forgery.theirs] {
                assert!(head.verify_for(&road.origin(), &road.peer.keys).is_ok(), "anyone can check both");
            }
            assert_eq!((forgery.ours.claimed().size, forgery.theirs.claimed().size), (9, length));
        }
    }

    #[test]
    fn what_is_meant_for_another_or_numbered_twice_is_refused_although_it_is_in_the_log() {
        let (mut log, hgh, road) = scene();
        let sin: crate::codes::HubId = "sin.sandbox".parse().unwrap();
        log.tell(&sin, "for Singapore");
        let size = log.tree.size();
        let mut batch = next(&log, &hgh, &road);
        batch.entries = log.entries(&sin, 0, size);
        resign(&log, &mut batch);
        assert_eq!(receive(&hgh, &road, &batch), Err(RoadRefusal::Misaddressed { entry: 0, index: 25, to: sin }));
        // Number 3 was applied long ago; here it stands again with other contents.
        log.add(b"hgh.sandbox 3 something else".to_vec());
        let mut batch = next(&log, &hgh, &road);
        let at = |log: &Log, index: u64, road_seq| Entry {
            index,
            road_seq,
            leaf: Bytes(log.leaves[usize::try_from(index).unwrap()].clone()),
            proof: log.prover(log.tree.size()).inclusion(index).unwrap(),
        };
        batch.entries = vec![at(&log, 26, 3)];
        resign(&log, &mut batch);
        assert_eq!(receive(&hgh, &road, &batch), Err(RoadRefusal::NumberReused { entry: 0, index: 26, road_seq: 3 }));
        // An event without an envelope
        batch.entries = vec![at(&log, 8, 5)];
        resign(&log, &mut batch);
        assert_eq!(receive(&hgh, &road, &batch), Err(RoadRefusal::NoEnvelope { entry: 0, index: 8 }));
        // Number 5 twice in the log, the second time before the place of number 4
        let ahead = RoadState { next_index: 11, ..road.clone() };
        let batch = next(&log, &hgh, &road);
        assert_eq!(receive(&hgh, &ahead, &batch), Err(RoadRefusal::OutOfOrder { entry: 0, index: 10, after: 10 }));
    }

    #[test]
    fn a_closed_road_takes_nothing_but_says_so_only_to_the_peer() {
        let (log, hgh, road) = scene();
        let batch = next(&log, &hgh, &road);
        let paused = RoadState { paused: true, ..road.clone() };
        assert_eq!(receive(&hgh, &paused, &batch), Err(RoadRefusal::Paused));
        let forgery = Forgery { ours: log.head(), theirs: log.head(), consistency: vec![] };
        let suspended = RoadState { suspended: Some(Box::new(forgery)), ..paused.clone() };
        assert_eq!(receive(&hgh, &suspended, &batch), Err(RoadRefusal::Suspended));
        let mut stranger = batch;
        stranger.signature = hgh.key.sign_bytes(Purpose::Batch, stranger.digest().as_bytes());
        assert!(matches!(receive(&hgh, &suspended, &stranger), Err(RoadRefusal::BadSignature { .. })));
    }

    #[test]
    fn batches_of_an_older_version_are_taken_and_those_of_an_unknown_one_refused() {
        let (log, mut hgh, road) = scene();
        let batch = next(&log, &hgh, &road);
        hgh.versions = vec![1, 2];
        assert!(receive(&hgh, &road, &batch).is_ok(), "a receiver that has learnt version 2 still takes version 1");
        hgh.versions = vec![2, 3];
        let refused = RoadRefusal::OtherVersion { got: 1, spoken: vec![2, 3] };
        assert_eq!(receive(&hgh, &road, &batch), Err(refused.clone()));
        assert_eq!(Batch::read(&batch.to_json(), &hgh.versions, Limits::default()), Err(refused));
        // A later form is refused for its version, not as unreadable; and a bare version as unreadable
        let later = br#"{"version":7,"zones":[]}"#;
        assert_eq!(
            Batch::read(later, &[1, 2], Limits::default()),
            Err(RoadRefusal::OtherVersion { got: 7, spoken: vec![1, 2] })
        );
        assert!(matches!(
            Batch::read(br#"{"version":1}"#, &[1], Limits::default()),
            Err(RoadRefusal::Malformed { line: 1, .. })
        ));
        let small = Limits { entries: 8, bytes: 100 };
        assert!(matches!(
            Batch::read(&batch.to_json(), &[1], small),
            Err(RoadRefusal::BatchTooLong { limit: 100, .. })
        ));
    }

    #[test]
    fn a_first_batch_needs_no_earlier_head() {
        let (log, hgh, _) = scene();
        let road = RoadState::opened(card(&log.own));
        let first = log.batch(&log.wanted(hgh.hub(), 0, 0));
        assert_eq!(receive(&hgh, &road, &first).map(|a| a.entries.len()), Ok(12));
        let mut odd = first;
        odd.consistency.push(Hash::of(b"needless"));
        resign(&log, &mut odd);
        assert!(matches!(receive(&hgh, &road, &odd), Err(RoadRefusal::ConsistencyFrom { expected: 0, .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn reading_arbitrary_batches_never_panics_and_no_altered_batch_is_taken(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            position in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let (log, hgh, road) = scene();
            prop_assert!(Batch::read(&noise, &[1], Limits::default()).is_err());
            let batch = next(&log, &hgh, &road);
            let mut bytes = batch.to_json();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            if let Ok(read) = Batch::read(&bytes, &[1], Limits::default()) {
                prop_assert_eq!(receive(&hgh, &road, &read).is_ok(), read == batch);
            }
        }
    }
}
