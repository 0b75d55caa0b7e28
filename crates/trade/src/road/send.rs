//! Sending: which entries come next, in batches of what size, and what the answers change.

use serde::{Deserialize, Serialize};

use super::{
    BATCH_MAX_BYTES, BATCH_MAX_ENTRIES, Batch, Entry, Limits, NOTE_MAX_BYTES, Own, Receipt, RoadRefusal, unsigned,
};
use crate::card::{HubCard, Mode};
use crate::checkpoint::{Epoch, NoteFault, SignedCheckpoint};
use crate::codes::HubId;
use crate::key::{KeyFault, Purpose, Signature, verify_bytes};
use crate::log::Hash;
use crate::time::WallTime;

/// Without an answer for so long, a batch is taken for lost and sent again: twice the time that a
/// request may take on a slow line.
pub const ANSWER_WITHIN_SECONDS: i64 = 30;

/// After the first failure; doubled with each further one.
const RETRY_FIRST_SECONDS: i64 = 1;

/// A peer that is away for a night is found again within five minutes of its return.
const RETRY_MOST_SECONDS: i64 = 300;

/// With nothing to tell, a peer is asked this often to witness a log that has grown.
pub const WITNESS_EVERY_SECONDS: i64 = 60;

/// How the own log stands for one peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub note: SignedCheckpoint,
    /// Road number of the last entry for this peer within that head; 0 if there is none.
    pub last_seq: u64,
}

/// A batch on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The head that proves it, and that the peer will countersign; the log may have grown since.
    pub head: SignedCheckpoint,
    pub sent_at: WallTime,
}

/// How far a peer has got with the own log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Last road number that the peer has applied.
    pub acknowledged: u64,
    /// Size of the own head that the peer saw last.
    pub witnessed: u64,
    /// That head with the peer's cosignature.
    pub cosigned: Option<SignedCheckpoint>,
    /// The newest head, to be offered next.
    pub head: Option<SignedCheckpoint>,
    /// Last road number given out.
    pub known: u64,
    pub allowance: Limits,
    pub in_flight: Option<InFlight>,
    pub last_sent: Option<WallTime>,
    /// In a row, without an answer or refused.
    pub failures: u32,
    /// The last refusal told how to go on, and that was tried at once.
    #[serde(default)]
    pub corrected: bool,
    pub retry_at: Option<WallTime>,
    /// After what only an operator can resolve: see the alarm that came with it.
    pub stopped: bool,
}

/// What the hub shall read from its log and send: the entries numbered from `after + 1`, proved by
/// `head`, with the proof that it extends the peer's `peer_size` leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub to: HubId,
    /// The newest version that both speak.
    pub version: u32,
    pub after: u64,
    pub peer_size: u64,
    pub head: SignedCheckpoint,
    /// No more entries than this need be read.
    pub limits: Limits,
}

/// Puts a batch together and signs it. Of the entries offered, the first that fit are taken, and
/// at least one, so that a peer that allows too little is told and nothing is stuck in silence.
#[must_use]
pub fn compose(own: &Own, wanted: &Wanted, consistency: Vec<Hash>, offered: Vec<Entry>) -> Batch {
    let most = wanted.limits.entries.min(BATCH_MAX_ENTRIES);
    let room = wanted.limits.bytes.min(BATCH_MAX_BYTES);
    // The frame: fields, keys and signature, a checkpoint and a full consistency proof.
    let mut length = 1_000 + NOTE_MAX_BYTES + 47 * consistency.len();
    let mut entries = Vec::new();
    for entry in offered.into_iter().take(most) {
        length += json_length(&entry);
        if length > room && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    let mut batch = Batch {
        version: wanted.version,
        mode: own.mode(),
        from: own.hub().clone(),
        to: wanted.to.clone(),
        epoch: own.epoch,
        entries,
        checkpoint: wanted.head.to_string(),
        consistency_from: wanted.peer_size,
        consistency,
        signature: Signature::from_bytes([0; 64]),
    };
    batch.signature = own.key.sign_bytes(Purpose::Batch, batch.digest().as_bytes());
    batch
}

/// An upper bound for the length of an entry in JSON: two numbers of 20 digits, their keys, the leaf
/// in base64, and 44 characters, quotes and a comma for each hash.
fn json_length(entry: &Entry) -> usize {
    100 + entry.leaf.0.len().div_ceil(3) * 4 + 47 * entry.proof.len()
}

/// Why an answer changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ReceiptRefusal {
    /// Too long, or not a receipt.
    Malformed {
        line: usize,
        column: usize,
    },
    NotBetweenUs {
        from: HubId,
        to: HubId,
        mode: Mode,
    },
    /// About a log of ours that is over, or not yet.
    OtherEpoch {
        ours: Epoch,
        theirs: Epoch,
    },
    BadSignature {
        fault: KeyFault,
    },
    /// The peer has applied or seen more than this log holds: events were lost here.
    PeerAhead {
        cursor: u64,
        known: u64,
        peer_size: u64,
        size: u64,
    },
    BadCosignature {
        fault: NoteFault,
    },
}

impl Receipt {
    /// Reads an answer of at most 64 kB: a refusal may hold a forgery with two notes.
    pub fn read(bytes: &[u8]) -> Result<Self, ReceiptRefusal> {
        const RECEIPT_MAX_BYTES: usize = 65_536;
        if bytes.len() > RECEIPT_MAX_BYTES {
            return Err(ReceiptRefusal::Malformed { line: 0, column: 0 });
        }
        serde_json::from_slice(bytes).map_err(|e| ReceiptRefusal::Malformed { line: e.line(), column: e.column() })
    }

    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a receipt has text keys only")
    }

    /// That this peer signed it, for us.
    pub fn is_of(&self, own: &Own, peer: &HubCard) -> Result<(), ReceiptRefusal> {
        if self.from != peer.id || self.to != *own.hub() || self.mode != own.mode() || peer.mode != own.mode() {
            let Self { from, to, mode, .. } = self.clone();
            return Err(ReceiptRefusal::NotBetweenUs { from, to, mode });
        }
        verify_bytes(&peer.keys, Purpose::Receipt, &unsigned(self), &self.signature)
            .map(|_| ())
            .map_err(|fault| ReceiptRefusal::BadSignature { fault })
    }
}

/// What a peer's answer changes. An answer that is older than what is known changes nothing; a
/// refusal may set the road back, which is harmless, since the peer skips what it has applied.
pub fn acknowledge(
    own: &Own,
    peer: &HubCard,
    sent: &Outgoing,
    receipt: &Receipt,
    now: WallTime,
) -> Result<Outgoing, ReceiptRefusal> {
    receipt.is_of(own, peer)?;
    if receipt.epoch != own.epoch {
        return Err(ReceiptRefusal::OtherEpoch { ours: own.epoch, theirs: receipt.epoch });
    }
    let size = sent.head.as_ref().map_or(0, |note| note.claimed().size);
    if receipt.cursor > sent.known || receipt.size > size {
        let (cursor, known, peer_size) = (receipt.cursor, sent.known, receipt.size);
        return Err(ReceiptRefusal::PeerAhead { cursor, known, peer_size, size });
    }
    match &receipt.refusal {
        None => progressed(peer, sent, receipt),
        Some(refusal) => Ok(set_back(sent, receipt, refusal, now)),
    }
}

fn progressed(peer: &HubCard, sent: &Outgoing, receipt: &Receipt) -> Result<Outgoing, ReceiptRefusal> {
    let mut sent = sent.clone();
    sent.allowance = receipt.allowance;
    if receipt.cursor < sent.acknowledged || receipt.size < sent.witnessed {
        return Ok(sent);
    }
    let offered = sent.in_flight.as_ref().map(|flight| &flight.head).into_iter().chain(&sent.head);
    let answered = offered.into_iter().find(|note| note.claimed().size == receipt.size);
    if let (Some(note), Some(line)) = (answered, &receipt.cosignature) {
        let signed = peer.keys.iter().map(|key| note.verify_cosignature(line, key));
        let fault = match signed.reduce(Result::or) {
            Some(Ok(_)) => None,
            Some(Err(fault)) => Some(fault),
            None => Some(NoteFault::NotCosigned { witness: peer.id.to_string() }),
        };
        if let Some(fault) = fault {
            return Err(ReceiptRefusal::BadCosignature { fault });
        }
        sent.cosigned = note.clone().with(line.clone()).ok();
    }
    sent.acknowledged = receipt.cursor;
    sent.witnessed = receipt.size;
    if sent.in_flight.as_ref().is_some_and(|flight| flight.head.claimed().size <= receipt.size) {
        sent.in_flight = None;
    }
    sent.begin_afresh();
    Ok(sent)
}

fn set_back(sent: &Outgoing, receipt: &Receipt, refusal: &RoadRefusal, now: WallTime) -> Outgoing {
    let mut sent = sent.clone();
    sent.allowance = receipt.allowance;
    sent.in_flight = None;
    sent.acknowledged = receipt.cursor;
    sent.witnessed = receipt.size;
    match refusal {
        RoadRefusal::Forged { .. } | RoadRefusal::Suspended => sent.stopped = true,
        // Where to resume, or how much the peer takes, is now known, so that the next batch can go at
        // once, the first time; and however long the peer was silent before, it is there.
        RoadRefusal::BatchTooLong { .. }
        | RoadRefusal::TooManyEntries { .. }
        | RoadRefusal::Gap { .. }
        | RoadRefusal::Stale { .. }
        | RoadRefusal::ConsistencyFrom { .. }
        | RoadRefusal::NumberReused { .. }
            if !sent.corrected =>
        {
            sent.corrected = true;
            sent.failures = 1;
            sent.retry_at = None;
        }
        _ => sent.fail(now),
    }
    sent
}

impl Outgoing {
    /// The peer says that it holds our entries only up to `received`: it has lost some, or what was
    /// on its way. What comes after goes again, at once; it skips what it has.
    pub fn rewind(&mut self, received: u64) {
        self.acknowledged = self.acknowledged.min(received);
        self.in_flight = None;
        self.begin_afresh();
    }

    /// Nothing counts that failed before.
    pub(super) const fn begin_afresh(&mut self) {
        self.failures = 0;
        self.corrected = false;
        self.retry_at = None;
    }

    /// The batch on its way did not get there: it goes again after a pause that doubles.
    pub fn unanswered(&mut self, now: WallTime) {
        if self.in_flight.take().is_some() {
            self.silent(now);
        }
    }

    fn silent(&mut self, now: WallTime) {
        self.corrected = false;
        self.fail(now);
    }

    /// Notes a failure: the next attempt comes after twice the time of the last.
    fn fail(&mut self, now: WallTime) {
        let doublings = self.failures.min(20);
        let wait = RETRY_FIRST_SECONDS.saturating_mul(1_i64 << doublings).min(RETRY_MOST_SECONDS);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now.plus_seconds(wait));
    }

    /// What to send now, if anything: one batch is on its way at a time.
    pub(super) fn next(&mut self, own: &Own, peer: &HubCard, now: WallTime) -> Option<Wanted> {
        if let Some(flight) = &self.in_flight {
            if now < flight.sent_at.plus_seconds(ANSWER_WITHIN_SECONDS) {
                return None;
            }
            self.in_flight = None;
            self.silent(now);
        }
        if self.stopped || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        let head = self.head.clone()?;
        let size = head.claimed().size;
        let to_tell = self.known > self.acknowledged && self.allowance.entries > 0;
        let quiet = self.last_sent.is_none_or(|at| now >= at.plus_seconds(WITNESS_EVERY_SECONDS));
        let to_witness = size > self.witnessed && quiet;
        if !to_tell && !to_witness {
            return None;
        }
        let version = crate::card::common_version(&own.versions, &peer.protocol_versions)?;
        self.in_flight = Some(InFlight { head: head.clone(), sent_at: now });
        self.last_sent = Some(now);
        Some(Wanted {
            to: peer.id.clone(),
            version,
            after: self.acknowledged,
            peer_size: self.witnessed,
            head,
            limits: self.allowance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Log, NOW, card, own};
    use super::super::{RoadState, receive};
    use super::*;
    use crate::log::Bytes;
    use proptest::prelude::*;

    fn scene() -> (Log, Own, RoadState, Outgoing) {
        let hgh = own("hgh.sandbox", Mode::Sandbox);
        let mut log = Log::new(own("kul.sandbox", Mode::Sandbox));
        for n in 0..40 {
            log.tell(hgh.hub(), &format!("order {n}"));
        }
        let road = RoadState::opened(card(&log.own));
        let sent = Outgoing { known: 40, head: Some(log.head()), ..Outgoing::default() };
        (log, hgh, road, sent)
    }

    #[test]
    fn a_batch_takes_no_more_than_the_peer_allows_and_its_json_fits() {
        let (mut log, hgh, _, _) = scene();
        for _ in 0..40 {
            log.tell(hgh.hub(), &"x".repeat(3000));
        }
        for (entries, bytes, taken) in [(10, BATCH_MAX_BYTES, 10), (9_999, BATCH_MAX_BYTES, 80), (512, 1, 1)] {
            let wanted = Wanted { limits: Limits { entries, bytes }, ..log.wanted(hgh.hub(), 0, 0) };
            assert_eq!(log.batch(&wanted).entries.len(), taken);
        }
        for bytes in [40_000, 60_000, 100_000] {
            let wanted = Wanted { limits: Limits { entries: 512, bytes }, ..log.wanted(hgh.hub(), 0, 0) };
            let batch = log.batch(&wanted);
            assert!(batch.to_json().len() <= bytes, "{} of {bytes}", batch.to_json().len());
            assert!(batch.entries.len() > 20);
        }
        // The largest leaf of all fits by itself.
        log.tell(hgh.hub(), &"x".repeat(super::super::LEAF_MAX_BYTES - 20));
        let batch = log.batch(&log.wanted(hgh.hub(), 80, 0));
        assert!(batch.to_json().len() <= BATCH_MAX_BYTES && batch.entries.len() == 1);
    }

    #[test]
    fn a_peer_that_has_more_than_we_do_tells_us_of_our_loss() {
        let (log, hgh, road, sent) = scene();
        let state = receive(&hgh, &road, &log.batch(&log.wanted(hgh.hub(), 0, 0))).unwrap().state;
        let receipt = Receipt::issue(&hgh, &state, None, NOW).unwrap();
        let restored = Outgoing { known: 30, head: Some(log.head_at(30)), ..sent.clone() };
        assert_eq!(
            acknowledge(&log.own, &card(&hgh), &restored, &receipt, NOW),
            Err(ReceiptRefusal::PeerAhead { cursor: 40, known: 30, peer_size: 40, size: 30 })
        );
        assert_eq!(acknowledge(&log.own, &card(&hgh), &sent, &receipt, NOW).map(|s| s.acknowledged), Ok(40));
    }

    #[test]
    fn an_answer_that_is_altered_or_by_another_changes_nothing() {
        let (log, hgh, road, sent) = scene();
        let state = receive(&hgh, &road, &log.batch(&log.wanted(hgh.hub(), 0, 0))).unwrap().state;
        let good = Receipt::issue(&hgh, &state, None, NOW).unwrap();
        assert_eq!(Receipt::read(&good.to_json()).as_ref(), Ok(&good));
        let refused = |receipt: &Receipt| acknowledge(&log.own, &card(&hgh), &sent, receipt, NOW).unwrap_err();
        let less = Receipt { cursor: 3, ..good.clone() };
        assert!(matches!(refused(&less), ReceiptRefusal::BadSignature { .. }));
        let elsewhere = Receipt { to: "sin.sandbox".parse().unwrap(), ..good.clone() };
        assert!(matches!(refused(&elsewhere), ReceiptRefusal::NotBetweenUs { .. }));
        // Signed, but with the cosignature of another head
        let mut odd = Receipt { cosignature: Some(log.head_at(7).cosign(&hgh.key, NOW).unwrap()), ..good.clone() };
        odd.signature = hgh.key.sign_bytes(Purpose::Receipt, &unsigned(&odd));
        assert!(matches!(refused(&odd), ReceiptRefusal::BadCosignature { .. }));
        let mut later = Receipt { epoch: Epoch(2), ..good.clone() };
        later.signature = hgh.key.sign_bytes(Purpose::Receipt, &unsigned(&later));
        assert_eq!(refused(&later), ReceiptRefusal::OtherEpoch { ours: Epoch(1), theirs: Epoch(2) });
        assert!(matches!(Receipt::read(&[b' '; 70_000]), Err(ReceiptRefusal::Malformed { .. })));
    }

    #[test]
    fn a_receipt_that_comes_late_does_not_set_the_road_back_but_a_refusal_does() {
        let (log, hgh, road, sent) = scene();
        let half = Wanted { limits: Limits { entries: 20, bytes: BATCH_MAX_BYTES }, ..log.wanted(hgh.hub(), 0, 0) };
        let first = receive(&hgh, &road, &log.batch(&half)).unwrap().state;
        let second = receive(&hgh, &first, &log.batch(&log.wanted(hgh.hub(), 20, 40))).unwrap().state;
        let early = Receipt::issue(&hgh, &first, None, NOW).unwrap();
        let late = Receipt::issue(&hgh, &second, None, NOW).unwrap();
        let peer = card(&hgh);
        let sent = acknowledge(&log.own, &peer, &sent, &late, NOW).unwrap();
        assert_eq!(acknowledge(&log.own, &peer, &sent, &early, NOW).map(|s| s.acknowledged), Ok(40));
        // The peer was restored from a copy: it asks for what it has lost.
        let gap = RoadRefusal::Gap { entry: 0, index: 40, expected: 21, got: 41 };
        let back = Receipt::issue(&hgh, &first, Some(gap), NOW).unwrap();
        let set_back = acknowledge(&log.own, &peer, &sent, &back, NOW).unwrap();
        assert_eq!((set_back.acknowledged, set_back.retry_at), (20, None));
        // Once at once, then with growing patience: 1 s · 2^1, 2^2, … and never more than 300 s
        let mut again = set_back;
        for wait in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            again = acknowledge(&log.own, &peer, &again, &back, NOW).unwrap();
            assert_eq!(again.retry_at, Some(NOW.plus_seconds(wait)));
        }
    }

    proptest! {
        #[test]
        fn the_length_in_json_is_never_underestimated(
            index in any::<u64>(), road_seq in any::<u64>(),
            leaf in prop::collection::vec(any::<u8>(), 0..400),
            hashes in 0_usize..64,
        ) {
            let entry = Entry { index, road_seq, leaf: Bytes(leaf), proof: vec![Hash::of(b"x"); hashes] };
            prop_assert!(serde_json::to_vec(&entry).unwrap().len() < json_length(&entry));
        }

        #[test]
        fn reading_arbitrary_receipts_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Receipt::read(&noise).is_err());
        }
    }
}
