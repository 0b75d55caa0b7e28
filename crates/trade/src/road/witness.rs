//! Asking a witness: what it saw of our log, and what we told it, back again.
//!
//! A witness can only show what this hub once signed, so it can hide things, not invent them.

use serde::{Deserialize, Serialize};

use super::{Entry, Own, Receipt, ReceiptRefusal};
use crate::card::HubCard;
use crate::checkpoint::{Epoch, NoteFault, Origin, SignedCheckpoint};
use crate::codes::HubId;
use crate::event::Event;
use crate::log::{LogFault, leaf_hash, verify_inclusion};
use crate::time::WallTime;

/// An answer of a witness may be this old; longer, and it might be one from before the loss.
const ANSWER_MAX_AGE_SECONDS: i64 = 300;

/// One page of what is given back is one transaction of the hub that lost it.
pub const GIVEN_BACK_MAX: usize = 200;

/// A page of the largest leaves with their proofs, and its heads.
pub const GIVEN_BACK_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Asks a peer how far it has seen and applied our log, and says how far we have applied its.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessQuestion {
    pub from: HubId,
    pub to: HubId,
    /// Road number of the peer's last entry that is applied here: it sends again what comes after.
    pub received: u64,
}

/// What a witness says: signed, with the last head of our log that it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessAnswer {
    pub receipt: Receipt,
    pub head: Option<SignedCheckpoint>,
}

/// A witness's answer that was found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testimony {
    pub by: HubId,
    /// Epoch of our log that it lives in.
    pub epoch: Epoch,
    /// Road number of the last entry of ours that it has applied.
    pub cursor: u64,
    pub head: Option<SignedCheckpoint>,
}

/// Why an answer counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AnswerFault {
    /// Not what was asked for.
    NotAnAnswer,
    /// Made at another time: an answer to an older question.
    NotFresh {
        at: WallTime,
        now: WallTime,
    },
    /// The head beside the answer is not the one that the answer is about.
    OtherHead,
    BadHead {
        fault: NoteFault,
    },
    BadReceipt {
        refusal: ReceiptRefusal,
    },
}

impl WitnessAnswer {
    /// That the peer says this now. The head was once signed by us; an invented one is worth nothing.
    pub fn check(self, own: &Own, peer: &HubCard, now: WallTime) -> Result<Testimony, AnswerFault> {
        let Self { receipt, head } = self;
        receipt.is_of(own, peer).map_err(|refusal| AnswerFault::BadReceipt { refusal })?;
        let age = now.seconds().saturating_sub(receipt.at.seconds());
        if age.abs() > ANSWER_MAX_AGE_SECONDS {
            return Err(AnswerFault::NotFresh { at: receipt.at, now });
        }
        if head.as_ref().map_or(0, |note| note.claimed().size) != receipt.size {
            return Err(AnswerFault::OtherHead);
        }
        if let Some(note) = &head {
            let origin = Origin { epoch: note.claimed().origin.epoch, ..own.origin() };
            let fault = |fault| AnswerFault::BadHead { fault };
            note.verify_for(&origin, &[own.key.verify_key()]).map_err(fault)?;
        }
        Ok(Testimony { by: peer.id.clone(), epoch: receipt.epoch, cursor: receipt.cursor, head })
    }
}

/// Asks a peer for what we told it after a road number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveBack {
    pub from: HubId,
    pub to: HubId,
    pub after: u64,
}

/// An entry of the asker's log, and which of its heads proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    pub epoch: Epoch,
    pub size: u64,
    pub entry: Entry,
}

/// What a peer gives back of our own log, in the order of the road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenBack {
    pub heads: Vec<SignedCheckpoint>,
    pub entries: Vec<Kept>,
}

/// What is wrong with what was given back; `entry` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum GivenBackFault {
    TooMany {
        got: usize,
        limit: usize,
    },
    /// No head beside it proves the entry.
    NoHead {
        entry: usize,
    },
    BadHead {
        entry: usize,
        fault: NoteFault,
    },
    NotIncluded {
        entry: usize,
        fault: LogFault,
    },
    /// Not the next one of what we told this peer.
    OutOfOrder {
        entry: usize,
        expected: u64,
        got: u64,
    },
    NotAnEvent {
        entry: usize,
    },
}

impl GivenBack {
    /// Our own events, each proved by a head that we signed, in order and without gaps after `after`.
    pub fn check(&self, own: &Own, peer: &HubId, after: u64) -> Result<Vec<Event>, GivenBackFault> {
        if self.entries.len() > GIVEN_BACK_MAX {
            return Err(GivenBackFault::TooMany { got: self.entries.len(), limit: GIVEN_BACK_MAX });
        }
        let keys = [own.key.verify_key()];
        let mut events = Vec::with_capacity(self.entries.len());
        for ((entry, kept), expected) in self.entries.iter().enumerate().zip(after + 1..) {
            let origin = Origin { epoch: kept.epoch, ..own.origin() };
            let is_its = |note: &&SignedCheckpoint| {
                note.claimed().origin.epoch == kept.epoch && note.claimed().size == kept.size
            };
            let note = self.heads.iter().find(is_its).ok_or(GivenBackFault::NoHead { entry })?;
            let head = note.verify_for(&origin, &keys).map_err(|fault| GivenBackFault::BadHead { entry, fault })?;
            let Entry { index, road_seq, leaf, proof } = &kept.entry;
            verify_inclusion(&leaf_hash(&leaf.0), *index, head.size, proof, &head.root)
                .map_err(|fault| GivenBackFault::NotIncluded { entry, fault })?;
            let event: Event = serde_json::from_slice(&leaf.0).map_err(|_| GivenBackFault::NotAnEvent { entry })?;
            let numbers = (event.n, event.road_seq, event.to.as_ref());
            if *road_seq != expected || numbers != (*index, Some(expected), Some(peer)) {
                return Err(GivenBackFault::OutOfOrder { entry, expected, got: *road_seq });
            }
            events.push(event);
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Log, NOW, card, own};
    use super::super::{RoadState, receive};
    use super::*;
    use crate::card::Mode;
    use crate::event::Happened;
    use crate::log::Bytes;
    use crate::time::BusinessTime;

    /// KUL has told HGH five things; HGH saw and applied them.
    fn scene() -> (Log, Own, RoadState) {
        let hgh = Own { envelope: crate::event::envelope, ..own("hgh.sandbox", Mode::Sandbox) };
        let mut log = Log::new(own("kul.sandbox", Mode::Sandbox));
        for n in 0..5 {
            let (at, to) = (BusinessTime::from_micros(1), Some(hgh.hub().clone()));
            let event = Event { n, at, trade: None, to, road_seq: Some(n + 1), what: Happened::PaymentSecured };
            log.roads.entry(hgh.hub().clone()).or_default().push(n);
            log.add(event.leaf());
        }
        let road = RoadState::opened(card(&log.own));
        let road = receive(&hgh, &road, &log.batch(&log.wanted(hgh.hub(), 0, 0))).unwrap().state;
        (log, hgh, road)
    }

    #[test]
    fn an_answer_counts_if_the_peer_made_it_now_and_of_a_head_that_we_signed() {
        let (log, hgh, road) = scene();
        let receipt = |at| Receipt::issue(&hgh, &road, None, at).unwrap();
        let answer = WitnessAnswer { receipt: receipt(NOW), head: road.seen.clone() };
        let said = answer.clone().check(&log.own, &card(&hgh), NOW.plus_seconds(2)).unwrap();
        assert_eq!((said.cursor, said.epoch, said.head.as_ref()), (5, Epoch::FIRST, Some(&log.head())));
        // One from before, played again
        let old = answer.clone().check(&log.own, &card(&hgh), NOW.plus_seconds(301));
        assert!(matches!(old, Err(AnswerFault::NotFresh { .. })));
        // Less than it is about, or another head of ours
        for head in [None, Some(log.head_at(3))] {
            let other = WitnessAnswer { head, ..answer.clone() };
            assert_eq!(other.check(&log.own, &card(&hgh), NOW), Err(AnswerFault::OtherHead));
        }
        // A head that we never signed
        let stranger = Log { own: hgh.clone(), ..log.clone() };
        let invented = WitnessAnswer { head: Some(stranger.head()), ..answer.clone() };
        assert!(matches!(invented.check(&log.own, &card(&hgh), NOW), Err(AnswerFault::BadHead { .. })));
        let mut altered = answer;
        altered.receipt.cursor = 4;
        assert!(matches!(altered.check(&log.own, &card(&hgh), NOW), Err(AnswerFault::BadReceipt { .. })));
    }

    #[test]
    fn what_is_given_back_is_ours_whole_and_in_order() {
        let (log, hgh, _) = scene();
        let entries = |size| {
            let kept = |entry| Kept { epoch: Epoch::FIRST, size, entry };
            log.entries(hgh.hub(), 0, size).into_iter().map(kept).collect::<Vec<_>>()
        };
        let given = GivenBack { heads: vec![log.head()], entries: entries(5) };
        let events = given.check(&log.own, hgh.hub(), 0).unwrap();
        assert_eq!(events.iter().map(|e| e.n).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        type Change = fn(&mut GivenBack);
        type IsRight = fn(&GivenBackFault) -> bool;
        let cases: [(Change, IsRight); 5] = [
            (|g| drop(g.heads.pop()), |f| matches!(f, GivenBackFault::NoHead { entry: 0 })),
            (
                |g| g.entries[2].entry.leaf = Bytes(b"{}".to_vec()),
                |f| matches!(f, GivenBackFault::NotIncluded { entry: 2, .. }),
            ),
            (
                |g| drop(g.entries.remove(1)),
                |f| matches!(f, GivenBackFault::OutOfOrder { entry: 1, expected: 2, got: 3 }),
            ),
            (|g| g.entries[0].epoch = Epoch(2), |f| matches!(f, GivenBackFault::NoHead { entry: 0 })),
            (
                |g| g.entries = vec![g.entries[0].clone(); GIVEN_BACK_MAX + 1],
                |f| matches!(f, GivenBackFault::TooMany { .. }),
            ),
        ];
        for (number, (change, is_right)) in cases.into_iter().enumerate() {
            let mut changed = given.clone();
            change(&mut changed);
            let fault = changed.check(&log.own, hgh.hub(), 0).unwrap_err();
            assert!(is_right(&fault), "case {number}: {fault:?}");
        }
        // Told to another: not what we told this peer
        let sin: HubId = "sin.sandbox".parse().unwrap();
        assert!(matches!(given.check(&log.own, &sin, 0), Err(GivenBackFault::OutOfOrder { .. })));
    }
}
