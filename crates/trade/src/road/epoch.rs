//! A hub that has lost events: how it notices, and how it says so.
//!
//! On start and after a restore a hub asks its witnesses for the last head of its log that they
//! saw. If one is ahead, events are gone. It serves reads only and fetches back what peers hold;
//! where that does not reach the witnessed head, an operator opens the next epoch by a signed
//! statement. The new log keeps the leaves that are left (`kept`), so that old proofs can be made
//! again, and goes on from there; the statement names every head that a witness has shown, and the
//! lost range. A declared loss is not a forgery; two histories of one epoch are.
//!
//! Road numbers **continue** over a new epoch: what a peer has applied stays applied, so the next
//! entry for it has the number after its cursor, whatever the restored hub remembers. Were they to
//! begin anew, an entry sent again could not be told from a new one.

use serde::{Deserialize, Serialize};

use super::{Forgery, Own, RoadState, unsigned};
use crate::card::Mode;
use crate::checkpoint::{Epoch, NoteFault, Origin, SignedCheckpoint};
use crate::codes::HubId;
use crate::key::{KeyFault, Purpose, Signature, VerifyKey, verify_bytes};
use crate::log::{Hash, LogFault, PROOF_MAX_HASHES, verify_consistency};
use crate::time::WallTime;

/// Witnesses and roads of one statement; a note has room for no more witnesses either.
const ROADS_MAX: usize = 64;

/// An operator is named by the id of a party, never by a person's name.
const OPERATOR_MAX_BYTES: usize = 60;

/// Four notes for each of 64 witnesses would come to about this.
const STATEMENT_MAX_BYTES: usize = 512 * 1024;

/// How the own log stands beside what its witnesses saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Recovery {
    /// Nobody saw more than there is.
    Fine,
    /// `by` saw a longer log, or a later epoch: events were lost here.
    Behind { by: HubId, epoch: Epoch, size: u64, head: SignedCheckpoint },
    /// `by` saw another history, signed with our own key.
    Forgery { by: HubId, forgery: Box<Forgery> },
}

/// A witness whose answer counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub by: HubId,
    pub reason: NoteFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    pub verdict: Recovery,
    pub ignored: Vec<Ignored>,
}

/// Compares the own head with the last heads that witnesses saw. A witness can only show what this
/// hub itself once signed, so none can stop it by inventing a head. `root_at` gives the root of the
/// first leaves of the own log. A forgery weighs more than a loss, and the greatest loss is named.
pub fn recover(
    mine: &SignedCheckpoint,
    keys: &[VerifyKey],
    witnessed: &[(HubId, SignedCheckpoint)],
    mut root_at: impl FnMut(u64) -> Result<Hash, LogFault>,
) -> Result<Recovered, LogFault> {
    let own = mine.claimed();
    let mut recovered = Recovered { verdict: Recovery::Fine, ignored: Vec::new() };
    let mut furthest = (own.origin.epoch, own.size);
    for (by, note) in witnessed {
        let epoch = note.claimed().origin.epoch;
        let asked = Origin { epoch, ..own.origin.clone() };
        let head = match note.verify_for(&asked, keys) {
            Ok(head) => head,
            Err(reason) => {
                recovered.ignored.push(Ignored { by: by.clone(), reason });
                continue;
            }
        };
        if epoch == own.origin.epoch && head.size <= own.size && root_at(head.size)? != head.root {
            let forgery = Forgery { ours: mine.clone(), theirs: note.clone(), consistency: Vec::new() };
            recovered.verdict = Recovery::Forgery { by: by.clone(), forgery: Box::new(forgery) };
            return Ok(recovered);
        }
        if (epoch, head.size) > furthest {
            furthest = (epoch, head.size);
            recovered.verdict = Recovery::Behind { by: by.clone(), epoch, size: head.size, head: note.clone() };
        }
    }
    Ok(recovered)
}

/// A head that a witness has shown, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessedHead {
    pub head: SignedCheckpoint,
    /// That the kept leaves extend this head, if it lies within them; empty if part of it is lost.
    pub consistency: Vec<Hash>,
}

/// The next road number on one road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoadMark {
    pub peer: HubId,
    /// One after the last that the peer has applied.
    pub next_seq: u64,
}

/// The signed statement by which a hub opens the next epoch of its log: the leaves
/// `lost_from..lost_to` of the old one are lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEpoch {
    pub hub: HubId,
    pub mode: Mode,
    /// The epoch that is opened.
    pub epoch: Epoch,
    /// First head of the new epoch: the leaves that are left.
    pub kept: SignedCheckpoint,
    /// All heads of the old epoch that witnesses have shown, in order of size.
    pub heads: Vec<WitnessedHead>,
    pub lost_from: u64,
    pub lost_to: u64,
    /// Id of the operator who decided it.
    pub operator: String,
    pub at: WallTime,
    pub roads: Vec<RoadMark>,
    pub signature: Signature,
}

/// What is wrong with a statement by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EpochFault {
    /// Too long, or not a statement.
    Malformed {
        line: usize,
        column: usize,
    },
    TooMany {
        heads: usize,
        roads: usize,
        limit: usize,
    },
    /// Not 1 to 60 printable characters without blanks.
    Operator {
        got: String,
    },
    /// The first head of the new epoch is not in order.
    BadKept {
        fault: NoteFault,
    },
    /// A head of the old epoch is not in order; `head` counts from 0.
    BadHead {
        head: usize,
        fault: NoteFault,
    },
    /// The heads do not go from the shortest to the longest.
    HeadsUnordered {
        head: usize,
    },
    /// No witness has seen more than is kept: nothing is lost, and no new epoch is needed.
    NothingLost {
        kept: u64,
        witnessed: u64,
    },
    /// The range is not that from the kept leaves to the longest head.
    OtherRange {
        expected_from: u64,
        expected_to: u64,
        from: u64,
        to: u64,
    },
    /// What is kept does not extend a head that it should: history was rewritten under cover of a loss.
    Rewritten {
        forgery: Box<Forgery>,
    },
}

/// Why a peer's new epoch is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EpochRefusal {
    NotThePeer {
        hub: HubId,
        peer: HubId,
    },
    OtherMode {
        ours: Mode,
        theirs: Mode,
    },
    BadSignature {
        fault: KeyFault,
    },
    /// Two histories were shown on this road: an operator must look at them first.
    Suspended,
    /// Epochs follow one another.
    OtherEpoch {
        expected: Epoch,
        got: Epoch,
    },
    BadStatement {
        fault: EpochFault,
    },
    /// The head that we witnessed is not among those named.
    HeadNotNamed {
        witnessed: u64,
    },
    /// The statement does not continue this road after the last entry that we applied.
    RoadNumber {
        expected: u64,
        got: Option<u64>,
    },
}

/// A new epoch that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochAccepted {
    pub state: RoadState,
    /// We have applied entries of the lost range: the peer can fetch them back from us.
    pub holds_lost: bool,
}

impl NewEpoch {
    /// Opens the next epoch of the own log. `own.epoch` is the new one, `kept` its first head.
    pub fn declare(
        own: &Own,
        kept: SignedCheckpoint,
        heads: Vec<WitnessedHead>,
        operator: &str,
        roads: Vec<RoadMark>,
        at: WallTime,
    ) -> Result<Self, EpochFault> {
        let lost_from = kept.claimed().size;
        let lost_to = heads.last().map_or(0, |last| last.head.claimed().size);
        let mut statement = Self {
            hub: own.hub().clone(),
            mode: own.mode(),
            epoch: own.epoch,
            kept,
            heads,
            lost_from,
            lost_to,
            operator: operator.to_owned(),
            at,
            roads,
            signature: Signature::from_bytes([0; 64]),
        };
        statement.check(&[own.key.verify_key()])?;
        statement.signature = own.key.sign_bytes(Purpose::Epoch, &unsigned(&statement));
        Ok(statement)
    }

    pub fn read(bytes: &[u8]) -> Result<Self, EpochFault> {
        if bytes.len() > STATEMENT_MAX_BYTES {
            return Err(EpochFault::Malformed { line: 0, column: 0 });
        }
        serde_json::from_slice(bytes).map_err(|e| EpochFault::Malformed { line: e.line(), column: e.column() })
    }

    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement has text keys only")
    }

    fn origin(&self, epoch: Epoch) -> Origin {
        Origin { hub: self.hub.clone(), mode: self.mode, epoch }
    }

    fn check(&self, keys: &[VerifyKey]) -> Result<(), EpochFault> {
        if self.heads.len() > ROADS_MAX || self.roads.len() > ROADS_MAX {
            let (heads, roads) = (self.heads.len(), self.roads.len());
            return Err(EpochFault::TooMany { heads, roads, limit: ROADS_MAX });
        }
        let named = !self.operator.is_empty() && self.operator.len() <= OPERATOR_MAX_BYTES;
        if !named || !self.operator.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(EpochFault::Operator { got: self.operator.chars().take(OPERATOR_MAX_BYTES).collect() });
        }
        let kept =
            self.kept.verify_for(&self.origin(self.epoch), keys).map_err(|fault| EpochFault::BadKept { fault })?;
        let before = self.origin(Epoch(self.epoch.0.saturating_sub(1)));
        let mut longest = 0;
        for (position, WitnessedHead { head: note, consistency }) in self.heads.iter().enumerate() {
            let head = note.verify_for(&before, keys).map_err(|fault| EpochFault::BadHead { head: position, fault })?;
            if head.size < longest {
                return Err(EpochFault::HeadsUnordered { head: position });
            }
            longest = head.size;
            let within = head.size <= kept.size;
            let extends = consistency.len() <= PROOF_MAX_HASHES
                && verify_consistency(head.size, &head.root, kept.size, &kept.root, consistency).is_ok();
            if within && !extends {
                let (ours, theirs) = (note.clone(), self.kept.clone());
                let forgery = Forgery { ours, theirs, consistency: consistency.clone() };
                return Err(EpochFault::Rewritten { forgery: Box::new(forgery) });
            }
        }
        if longest <= kept.size {
            return Err(EpochFault::NothingLost { kept: kept.size, witnessed: longest });
        }
        if (self.lost_from, self.lost_to) != (kept.size, longest) {
            return Err(EpochFault::OtherRange {
                expected_from: kept.size,
                expected_to: longest,
                from: self.lost_from,
                to: self.lost_to,
            });
        }
        Ok(())
    }
}

/// Whether a peer's new epoch is accepted: signed by the peer, the next one, naming the very head
/// that was witnessed here, and continuing this road's numbers. What was applied stays applied.
pub fn accept_epoch(own: &Own, road: &RoadState, statement: &NewEpoch) -> Result<EpochAccepted, EpochRefusal> {
    let peer = &road.peer;
    if statement.hub != peer.id {
        return Err(EpochRefusal::NotThePeer { hub: statement.hub.clone(), peer: peer.id.clone() });
    }
    if statement.mode != own.mode() || peer.mode != own.mode() {
        return Err(EpochRefusal::OtherMode { ours: own.mode(), theirs: statement.mode });
    }
    verify_bytes(&peer.keys, Purpose::Epoch, &unsigned(statement), &statement.signature)
        .map_err(|fault| EpochRefusal::BadSignature { fault })?;
    if road.suspended.is_some() {
        return Err(EpochRefusal::Suspended);
    }
    if statement.epoch != road.epoch.next() {
        return Err(EpochRefusal::OtherEpoch { expected: road.epoch.next(), got: statement.epoch });
    }
    statement.check(&peer.keys).map_err(|fault| EpochRefusal::BadStatement { fault })?;
    let (size, root) = road.seen_head();
    let named = |w: &WitnessedHead| w.head.claimed().size == size && w.head.claimed().root == root;
    if size > 0 && !statement.heads.iter().any(named) {
        return Err(EpochRefusal::HeadNotNamed { witnessed: size });
    }
    let mark = statement.roads.iter().find(|mark| mark.peer == *own.hub()).map(|mark| mark.next_seq);
    // A road on which nothing was ever applied need not be named.
    if mark.unwrap_or(1) != road.cursor + 1 {
        return Err(EpochRefusal::RoadNumber { expected: road.cursor + 1, got: mark });
    }
    let kept = statement.kept.claimed().size;
    let state = RoadState {
        epoch: statement.epoch,
        seen: Some(statement.kept.clone()),
        next_index: road.next_index.min(kept),
        ..road.clone()
    };
    Ok(EpochAccepted { state, holds_lost: road.next_index > kept })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Log, NOW, card, own};
    use super::super::{RoadRefusal, receive};
    use super::*;

    /// KUL has logged 20 entries for HGH, who saw them all; Singapore saw the first 8. Then KUL is
    /// restored from a copy with 12 leaves.
    struct Scene {
        lost: Log,
        restored: Log,
        hgh: Own,
        road: RoadState,
    }

    fn scene() -> Scene {
        let hgh = own("hgh.sandbox", Mode::Sandbox);
        let mut lost = Log::new(own("kul.sandbox", Mode::Sandbox));
        let mut restored = lost.clone();
        for n in 0..20 {
            lost.tell(hgh.hub(), &format!("order {n}"));
            if n == 11 {
                restored = lost.clone();
            }
        }
        let road = RoadState::opened(card(&lost.own));
        let road = receive(&hgh, &road, &lost.batch(&lost.wanted(hgh.hub(), 0, 0))).unwrap().state;
        restored.own.epoch = Epoch(2);
        Scene { lost, restored, hgh, road }
    }

    impl Scene {
        fn heads(&self) -> Vec<WitnessedHead> {
            let consistency = self.restored.prover(12).consistency(8).unwrap();
            vec![
                WitnessedHead { head: self.lost.head_at(8), consistency },
                WitnessedHead { head: self.lost.head(), consistency: vec![] },
            ]
        }

        fn roads(&self, next_seq: u64) -> Vec<RoadMark> {
            vec![RoadMark { peer: self.hgh.hub().clone(), next_seq }]
        }

        fn declare(&self, heads: Vec<WitnessedHead>, next_seq: u64) -> Result<NewEpoch, EpochFault> {
            NewEpoch::declare(&self.restored.own, self.restored.head(), heads, "pty_1", self.roads(next_seq), NOW)
        }
    }

    #[test]
    fn a_restored_hub_learns_from_its_witnesses_that_it_is_behind() {
        let s = scene();
        let mut first = s.restored.clone();
        first.own.epoch = Epoch::FIRST;
        let keys = [first.own.key.verify_key()];
        let (hgh, sin): (HubId, HubId) = (s.hgh.hub().clone(), "sin.sandbox".parse().unwrap());
        let ask = |witnessed: &[(HubId, SignedCheckpoint)]| {
            recover(&first.head(), &keys, witnessed, |size| first.prover(12).root_at(size)).unwrap()
        };
        assert_eq!(ask(&[]).verdict, Recovery::Fine);
        assert_eq!(ask(&[(sin.clone(), s.lost.head_at(8)), (hgh.clone(), first.head())]).verdict, Recovery::Fine);
        let behind = |by: &HubId, epoch, size, head| Recovery::Behind { by: by.clone(), epoch, size, head };
        assert_eq!(
            ask(&[(sin.clone(), s.lost.head_at(15)), (hgh.clone(), s.lost.head()), (sin.clone(), s.lost.head_at(13))])
                .verdict,
            behind(&hgh, Epoch(1), 20, s.lost.head())
        );
        // Restored from a copy made before the new epoch
        assert_eq!(ask(&[(hgh.clone(), s.restored.head())]).verdict, behind(&hgh, Epoch(2), 12, s.restored.head()));
        // A head that we never signed says nothing
        let mut stranger = Log::new(s.hgh.clone());
        stranger.note("invented");
        let ignored = ask(&[(hgh.clone(), stranger.head())]);
        assert_eq!(ignored.verdict, Recovery::Fine);
        assert!(matches!(ignored.ignored[0].reason, NoteFault::OtherOrigin { .. }));
        // Another history of the same length or shorter is a forgery, and weighs more than a loss
        let mut other = Log::new(first.own.clone());
        other.note("another story");
        let verdict = ask(&[(hgh, s.lost.head()), (sin.clone(), other.head())]).verdict;
        assert!(matches!(verdict, Recovery::Forgery { by, .. } if by == sin));
    }

    #[test]
    fn a_declared_loss_is_accepted_and_the_road_goes_on_with_the_next_number() {
        let mut s = scene();
        let statement = s.declare(s.heads(), 21).unwrap();
        assert_eq!((statement.lost_from, statement.lost_to), (12, 20));
        assert_eq!(NewEpoch::read(&statement.to_json()), Ok(statement.clone()));
        let accepted = accept_epoch(&s.hgh, &s.road, &statement).unwrap();
        assert!(accepted.holds_lost, "HGH holds entries 13 to 20 and can give them back");
        let road = accepted.state;
        assert_eq!((road.epoch, road.cursor, road.seen_head().0, road.next_index), (Epoch(2), 20, 12, 12));
        // The restored hub goes on after number 20
        s.restored.roads.insert(s.hgh.hub().clone(), (0..20).map(|n| n.min(11)).collect());
        s.restored.note("the loss is declared");
        s.restored.tell(s.hgh.hub(), "after the loss");
        let batch = s.restored.batch(&s.restored.wanted(s.hgh.hub(), 20, 12));
        let after = receive(&s.hgh, &road, &batch).unwrap();
        assert_eq!((after.entries.len(), after.state.cursor, after.state.next_index), (1, 21, 14));
        // and nothing of the old epoch is taken any more
        let old = s.lost.batch(&s.lost.wanted(s.hgh.hub(), 0, 12));
        let refused = RoadRefusal::OtherEpoch { ours: Epoch(2), theirs: Epoch(1) };
        assert_eq!(receive(&s.hgh, &road, &old), Err(refused));
    }

    #[test]
    fn a_new_epoch_must_name_the_witnessed_head_the_next_number_and_a_real_loss() {
        let s = scene();
        let accept = |statement: &NewEpoch| accept_epoch(&s.hgh, &s.road, statement).map(|a| a.state.epoch);
        // A shorter head than the one that HGH saw
        let mut shorter = s.heads();
        shorter[1].head = s.lost.head_at(19);
        assert_eq!(accept(&s.declare(shorter, 21).unwrap()), Err(EpochRefusal::HeadNotNamed { witnessed: 20 }));
        // Another story of 20 leaves
        let mut other = Log::new(s.lost.own.clone());
        (0..20).for_each(|_| other.note("another story"));
        let mut forged = s.heads();
        forged[1].head = other.head();
        assert_eq!(accept(&s.declare(forged, 21).unwrap()), Err(EpochRefusal::HeadNotNamed { witnessed: 20 }));
        // The number that the restored hub remembers is not the one that HGH has reached
        let refused = EpochRefusal::RoadNumber { expected: 21, got: Some(13) };
        assert_eq!(accept(&s.declare(s.heads(), 13).unwrap()), Err(refused));

        let good = s.declare(s.heads(), 21).unwrap();
        let resigned = |change: fn(&mut NewEpoch)| {
            let mut statement = good.clone();
            change(&mut statement);
            statement.signature = s.restored.own.key.sign_bytes(Purpose::Epoch, &unsigned(&statement));
            accept(&statement).unwrap_err()
        };
        assert!(matches!(resigned(|n| n.epoch = Epoch(3)), EpochRefusal::OtherEpoch { expected: Epoch(2), .. }));
        assert!(matches!(
            resigned(|n| n.lost_to = 13),
            EpochRefusal::BadStatement { fault: EpochFault::OtherRange { .. } }
        ));
        assert!(matches!(
            resigned(|n| n.operator.clear()),
            EpochRefusal::BadStatement { fault: EpochFault::Operator { .. } }
        ));
        assert!(matches!(
            resigned(|n| n.heads.swap(0, 1)),
            EpochRefusal::BadStatement { fault: EpochFault::HeadsUnordered { head: 1 } }
        ));
        assert!(matches!(resigned(|n| n.roads.clear()), EpochRefusal::RoadNumber { got: None, .. }));
        assert!(matches!(resigned(|n| n.mode = Mode::Production), EpochRefusal::OtherMode { .. }));
        assert!(matches!(resigned(|n| n.hub = "sin.sandbox".parse().unwrap()), EpochRefusal::NotThePeer { .. }));
        assert!(matches!(
            resigned(|n| n.heads[0].consistency.clear()),
            EpochRefusal::BadStatement { fault: EpochFault::Rewritten { .. } }
        ));
        let altered = NewEpoch { lost_from: 11, ..good.clone() };
        assert!(matches!(accept(&altered), Err(EpochRefusal::BadSignature { .. })));
        let forgery = Forgery { ours: s.lost.head(), theirs: other.head(), consistency: vec![] };
        let suspended = RoadState { suspended: Some(Box::new(forgery)), ..s.road.clone() };
        assert_eq!(accept_epoch(&s.hgh, &suspended, &good), Err(EpochRefusal::Suspended));

        // Nothing lost, or history rewritten below a witnessed head: not even declared
        let within = s.heads()[..1].to_vec();
        assert_eq!(s.declare(within, 21), Err(EpochFault::NothingLost { kept: 12, witnessed: 8 }));
        let mut rewritten = s.heads();
        rewritten[0].head = other.head_at(8);
        assert!(matches!(s.declare(rewritten, 21), Err(EpochFault::Rewritten { .. })));
    }
}
