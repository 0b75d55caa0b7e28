//! Both sides of one road as one machine: a state, a message and a wall time give the next state
//! and what is to be done. The hub runs it over a database and HTTP, the simulation over neither.

use serde::{Deserialize, Serialize};

use super::{
    Batch, Entry, EpochRefusal, Forgery, Head, NewEpoch, Outgoing, Own, Receipt, ReceiptRefusal, RoadRefusal,
    RoadState, Wanted, accept_epoch, acknowledge, receive,
};
use crate::card::HubCard;
use crate::checkpoint::Epoch;
use crate::time::WallTime;

/// One road, in both directions. Stored whole, by the transaction that [`Effect::Store`] asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Road {
    /// The peer's events here.
    pub received: RoadState,
    /// Our events there.
    pub sent: Outgoing,
}

impl Road {
    #[must_use]
    pub fn opened(peer: HubCard) -> Self {
        Self { received: RoadState::opened(peer), sent: Outgoing::default() }
    }

    /// The operator closes the road for a while; what is on its way is answered with `paused`.
    #[must_use]
    pub fn pause(mut self) -> Self {
        self.received.paused = true;
        self
    }

    /// The operator opens it again, and lifts a suspension after looking at both heads. The head
    /// seen first still counts: a peer that keeps to the other history is suspended again.
    #[must_use]
    pub fn resume(mut self) -> Self {
        self.received.paused = false;
        self.received.suspended = None;
        self.sent.stopped = false;
        self.sent.begin_afresh();
        self
    }

    /// After opening a new epoch of the own log: the peer is asked from the kept leaves on.
    #[must_use]
    pub fn reopened(mut self, statement: &NewEpoch) -> Self {
        let mark = statement.roads.iter().find(|mark| mark.peer == self.received.peer.id);
        let acknowledged = mark.map_or(0, |mark| mark.next_seq.saturating_sub(1));
        self.sent = Outgoing {
            acknowledged,
            known: acknowledged,
            witnessed: statement.kept.claimed().size,
            head: Some(statement.kept.clone()),
            allowance: self.sent.allowance,
            ..Outgoing::default()
        };
        self
    }

    fn is_closed(&self) -> bool {
        self.received.paused || self.received.suspended.is_some()
    }
}

/// What reaches a road.
#[derive(Clone, Debug)]
pub enum Message {
    /// From the peer: its events.
    Batch(Box<Batch>),
    /// From the peer: bytes that could not be read as a batch, with the reason.
    Unreadable(RoadRefusal),
    /// From the peer: the answer to our batch, be it a refusal.
    Receipt(Box<Receipt>),
    /// From the peer: its log begins a new epoch.
    NewEpoch(Box<NewEpoch>),
    /// From the hub: time passes, and this is how the own log stands. Comes after each checkpoint
    /// and at least every second.
    Tick(Option<Box<Head>>),
}

/// What is to be done, in this order: entries are applied and the road is stored in one
/// transaction; only after its commit are answers and batches sent and alarms raised.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Apply each entry as a command, in order.
    Apply(Vec<Entry>),
    /// Keep the new state of the road.
    Store,
    /// Answer the peer.
    Answer(Box<Receipt>),
    /// Read these entries from the log, [`super::compose`] a batch and send it.
    Send(Box<Wanted>),
    /// Send the statements of the epochs after this one.
    SendEpochs { after: Epoch },
    /// Tell the operator.
    Alarm(Box<Alarm>),
}

/// What an operator must know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Alarm {
    /// The peer showed two histories; the road is suspended.
    Forged {
        forgery: Box<Forgery>,
    },
    /// We refused a batch of the peer's for another reason than its age or our pause.
    Refused {
        refusal: RoadRefusal,
    },
    /// The peer refused a batch of ours.
    RefusedByPeer {
        refusal: RoadRefusal,
    },
    /// The peer knows more of our log than we do: events were lost here; nothing more is sent.
    WeLostEvents {
        cursor: u64,
        known: u64,
        peer_size: u64,
        size: u64,
    },
    BadReceipt {
        refusal: ReceiptRefusal,
    },
    /// The peer has declared a loss and opened a new epoch.
    EpochOpened {
        epoch: Epoch,
        lost_from: u64,
        lost_to: u64,
        we_hold_lost: bool,
    },
    EpochRefused {
        refusal: EpochRefusal,
    },
}

/// One step of a road.
#[must_use]
pub fn step(own: &Own, road: Road, message: Message, now: WallTime) -> (Road, Vec<Effect>) {
    let before = road.clone();
    let mut after = road;
    let mut effects = Vec::new();
    let mut answer = None;
    match message {
        Message::Batch(batch) => answer = Some(take(own, &mut after, &batch, &mut effects)),
        Message::Unreadable(refusal) => answer = Some(Some(refusal)),
        Message::Receipt(receipt) => settle(own, &mut after, &receipt, now, &mut effects),
        Message::NewEpoch(statement) => {
            if turn(own, &mut after, &statement, &mut effects) {
                answer = Some(None);
            }
        }
        Message::Tick(head) => {
            if let Some(Head { note, last_seq }) = head.map(|head| *head) {
                after.sent.head = Some(note);
                after.sent.known = last_seq;
            }
        }
    }
    let wanted = if after.is_closed() { None } else { after.sent.next(own, &after.received.peer, now) };
    if after != before {
        effects.push(Effect::Store);
    }
    // A time before 1970 is the one thing that cannot be answered.
    if let Some(Ok(receipt)) = answer.map(|refusal| Receipt::issue(own, &after.received, refusal, now)) {
        effects.push(Effect::Answer(Box::new(receipt)));
    }
    effects.extend(wanted.map(|wanted| Effect::Send(Box::new(wanted))));
    effects.sort_by_key(Effect::order);
    (after, effects)
}

impl Effect {
    const fn order(&self) -> u8 {
        match self {
            Self::Apply(_) => 0,
            Self::Store => 1,
            Self::Answer(_) => 2,
            Self::SendEpochs { .. } => 3,
            Self::Send(_) => 4,
            Self::Alarm(_) => 5,
        }
    }
}

fn alarm(effects: &mut Vec<Effect>, alarm: Alarm) {
    effects.push(Effect::Alarm(Box::new(alarm)));
}

fn take(own: &Own, road: &mut Road, batch: &Batch, effects: &mut Vec<Effect>) -> Option<RoadRefusal> {
    match receive(own, &road.received, batch) {
        Ok(accepted) => {
            road.received = accepted.state;
            if !accepted.entries.is_empty() {
                effects.push(Effect::Apply(accepted.entries));
            }
            None
        }
        Err(refusal) => {
            match &refusal {
                RoadRefusal::Forged { forgery } => {
                    road.received.suspended = Some(forgery.clone());
                    alarm(effects, Alarm::Forged { forgery: forgery.clone() });
                }
                // Loss, delay and repetition on the wire bring these about.
                RoadRefusal::Stale { .. }
                | RoadRefusal::ConsistencyFrom { .. }
                | RoadRefusal::Gap { .. }
                | RoadRefusal::OtherEpoch { .. }
                | RoadRefusal::Paused
                | RoadRefusal::Suspended => {}
                _ => alarm(effects, Alarm::Refused { refusal: refusal.clone() }),
            }
            Some(refusal)
        }
    }
}

fn settle(own: &Own, road: &mut Road, receipt: &Receipt, now: WallTime, effects: &mut Vec<Effect>) {
    match acknowledge(own, &road.received.peer, &road.sent, receipt, now) {
        Ok(sent) => {
            road.sent = sent;
            match &receipt.refusal {
                None
                | Some(
                    RoadRefusal::Stale { .. }
                    | RoadRefusal::ConsistencyFrom { .. }
                    | RoadRefusal::Gap { .. }
                    | RoadRefusal::Paused,
                ) => {}
                Some(refusal) => alarm(effects, Alarm::RefusedByPeer { refusal: refusal.clone() }),
            }
        }
        // The peer has not yet heard of our new epoch.
        Err(ReceiptRefusal::OtherEpoch { ours, theirs }) if theirs < ours => {
            effects.push(Effect::SendEpochs { after: theirs });
        }
        Err(ReceiptRefusal::PeerAhead { cursor, known, peer_size, size }) => {
            if !road.sent.stopped {
                alarm(effects, Alarm::WeLostEvents { cursor, known, peer_size, size });
            }
            road.sent.stopped = true;
        }
        Err(refusal) => alarm(effects, Alarm::BadReceipt { refusal }),
    }
}

fn turn(own: &Own, road: &mut Road, statement: &NewEpoch, effects: &mut Vec<Effect>) -> bool {
    // It comes again: answered as the first time.
    if statement.epoch == road.received.epoch && statement.hub == road.received.peer.id {
        return true;
    }
    match accept_epoch(own, &road.received, statement) {
        Ok(accepted) => {
            road.received = accepted.state;
            let (epoch, lost_from, lost_to) = (statement.epoch, statement.lost_from, statement.lost_to);
            alarm(effects, Alarm::EpochOpened { epoch, lost_from, lost_to, we_hold_lost: accepted.holds_lost });
            true
        }
        Err(refusal) => {
            alarm(effects, Alarm::EpochRefused { refusal });
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Log, NOW, card, own};
    use super::super::{Limits, RoadMark, WitnessedHead};
    use super::*;
    use crate::card::Mode;
    use crate::codes::HubId;
    use proptest::prelude::*;

    /// One end: its log, its road, and the texts that it has applied.
    #[derive(Clone)]
    struct End {
        log: Log,
        road: Road,
        applied: Vec<u64>,
        alarms: Vec<Alarm>,
        statements: Vec<NewEpoch>,
    }

    impl End {
        fn peer(&self) -> HubId {
            self.road.received.peer.id.clone()
        }

        /// Does what a step asks for; what goes over the wire comes back.
        fn on(&mut self, message: Message, now: WallTime) -> Vec<Message> {
            let (road, effects) = step(&self.log.own, self.road.clone(), message, now);
            let mut wire = Vec::new();
            let mut stored = road == self.road;
            for effect in effects {
                match effect {
                    Effect::Apply(entries) => self.applied.extend(entries.iter().map(|e| e.road_seq)),
                    Effect::Store => {
                        self.road = road.clone();
                        stored = true;
                    }
                    Effect::Answer(receipt) => wire.push(Message::Receipt(receipt)),
                    Effect::Send(wanted) => wire.push(Message::Batch(Box::new(self.log.batch(&wanted)))),
                    Effect::SendEpochs { after } => {
                        let later = self.statements.iter().filter(|s| s.epoch > after);
                        wire.extend(later.map(|s| Message::NewEpoch(Box::new(s.clone()))));
                    }
                    Effect::Alarm(alarm) => self.alarms.push(*alarm),
                }
            }
            assert!(stored);
            wire
        }

        fn tick(&mut self, now: WallTime) -> Vec<Message> {
            let head = Head { note: self.log.head(), last_seq: self.log.last_seq(&self.peer()) };
            self.on(Message::Tick(Some(Box::new(head))), now)
        }
    }

    fn pair() -> [End; 2] {
        let [kul, hgh] = [own("kul.sandbox", Mode::Sandbox), own("hgh.sandbox", Mode::Sandbox)];
        let end = |me: &Own, peer: &Own| End {
            log: Log::new(me.clone()),
            road: Road::opened(card(peer)),
            applied: vec![],
            alarms: vec![],
            statements: vec![],
        };
        [end(&kul, &hgh), end(&hgh, &kul)]
    }

    /// Runs both ends over a wire that delivers everything, for some seconds.
    fn run(ends: &mut [End; 2], from: WallTime, seconds: i64) -> WallTime {
        let mut wire: Vec<(usize, Message)> = Vec::new();
        let mut now = from;
        for _ in 0..seconds {
            now = now.plus_seconds(1);
            for to in [1, 0] {
                wire.extend(ends[1 - to].tick(now).into_iter().map(|m| (to, m)));
            }
            while let Some((to, message)) = wire.pop() {
                wire.extend(ends[to].on(message, now).into_iter().map(|m| (1 - to, m)));
            }
        }
        now
    }

    #[test]
    fn events_cross_both_ways_once_and_both_logs_are_witnessed() {
        let mut ends = pair();
        for n in 0..700 {
            for (me, peer) in [(0, 1), (1, 0)] {
                let to = ends[peer].log.own.hub().clone();
                ends[me].log.tell(&to, &format!("event {n}"));
            }
        }
        run(&mut ends, NOW, 3);
        for end in &ends {
            assert_eq!(end.applied, (1..=700).collect::<Vec<_>>());
            assert_eq!((end.road.sent.acknowledged, end.road.sent.witnessed), (700, 700));
            assert_eq!(end.road.sent.cosigned.as_ref().map(|n| n.signatures().len()), Some(2));
            assert!(end.alarms.is_empty());
        }
    }

    #[test]
    fn a_log_that_grows_without_news_for_the_peer_is_witnessed_every_minute() {
        let mut ends = pair();
        let mut now = run(&mut ends, NOW, 1);
        assert_eq!(ends[0].road.sent.witnessed, 0, "an empty log needs no witness");
        ends[0].log.note("kept at home");
        now = run(&mut ends, now, 1);
        assert_eq!(ends[0].road.sent.witnessed, 1);
        ends[0].log.note("kept at home");
        now = run(&mut ends, now, 30);
        assert_eq!(ends[0].road.sent.witnessed, 1);
        run(&mut ends, now, 31);
        assert_eq!(ends[0].road.sent.witnessed, 2);
    }

    #[test]
    fn a_head_is_countersigned_although_the_log_has_grown_meanwhile() {
        let mut ends = pair();
        let hgh = ends[1].log.own.hub().clone();
        ends[0].log.tell(&hgh, "first");
        let batch = ends[0].tick(NOW).pop().unwrap();
        ends[0].log.tell(&hgh, "while the first is on its way");
        assert!(ends[0].tick(NOW.plus_seconds(1)).is_empty(), "one batch at a time");
        let receipt = ends[1].on(batch, NOW.plus_seconds(2)).pop().unwrap();
        let next = ends[0].on(receipt, NOW.plus_seconds(3));
        assert!(
            matches!(&next[..], [Message::Batch(batch)] if batch.entries[0].road_seq == 2 && batch.consistency_from == 1)
        );
        let cosigned = ends[0].road.sent.cosigned.clone().unwrap();
        assert_eq!((cosigned.claimed().size, cosigned.signatures().len()), (1, 2));
    }

    #[test]
    fn a_receiver_that_allows_less_gets_less_and_one_that_allows_nothing_is_left_in_peace() {
        let mut ends = pair();
        ends[1].log.own.limits = Limits { entries: 3, bytes: 1 << 20 };
        let hgh = ends[1].log.own.hub().clone();
        (0..20).for_each(|n| ends[0].log.tell(&hgh, &format!("event {n}")));
        let now = run(&mut ends, NOW, 30);
        // The first batch was too large; from its refusal on, three at a time.
        assert_eq!(ends[1].applied, (1..=20).collect::<Vec<_>>());
        assert!(matches!(
            ends[1].alarms[..],
            [Alarm::Refused { refusal: RoadRefusal::TooManyEntries { got: 20, limit: 3 } }]
        ));
        ends[0].road.sent.allowance.entries = 0;
        ends[0].log.tell(&hgh, "later");
        run(&mut ends, now, 10);
        assert_eq!(ends[1].applied.len(), 20);
    }

    #[test]
    fn a_peer_that_was_long_silent_is_told_all_as_soon_as_it_says_where_it_stands() {
        let mut ends = pair();
        let hgh = ends[1].log.own.hub().clone();
        (0..5).for_each(|n| ends[0].log.tell(&hgh, &format!("before {n}")));
        let mut now = run(&mut ends, NOW, 2);
        let stored = ends[0].road.clone();
        (0..15).for_each(|n| ends[0].log.tell(&hgh, &format!("heard, and the answer lost {n}")));
        now = run(&mut ends, now, 2);
        // The sender knows only what it had stored, and has tried in vain through the night.
        ends[0].road = stored;
        (ends[0].road.sent.failures, ends[0].road.sent.retry_at) = (9, Some(now.plus_seconds(300)));
        (0..20).for_each(|n| ends[0].log.tell(&hgh, &format!("since {n}")));
        now = run(&mut ends, now, 299);
        assert_eq!(ends[1].applied.len(), 20);
        // Its first batch is refused, since the peer has got further; the next goes at once.
        run(&mut ends, now, 2);
        assert_eq!(ends[1].applied, (1..=40).collect::<Vec<_>>());
    }

    #[test]
    fn a_paused_road_rests_and_a_resumed_one_catches_up() {
        let mut ends = pair();
        let (kul, hgh) = (ends[0].log.own.hub().clone(), ends[1].log.own.hub().clone());
        ends[1].road = ends[1].road.clone().pause();
        ends[0].log.tell(&hgh, "while paused");
        ends[1].log.tell(&kul, "while paused");
        let now = run(&mut ends, NOW, 20);
        assert!(ends.iter().all(|end| end.applied.is_empty() && end.alarms.is_empty()));
        ends[1].road = ends[1].road.clone().resume();
        run(&mut ends, now, 60);
        assert!(ends.iter().all(|end| end.applied == [1]), "at the latest after the longest wait reached");
    }

    #[test]
    fn two_histories_suspend_the_road_until_an_operator_has_looked() {
        let mut ends = pair();
        let hgh = ends[1].log.own.hub().clone();
        ends[0].log.tell(&hgh, "the true story");
        let now = run(&mut ends, NOW, 2);
        let mut rewritten = Log::new(ends[0].log.own.clone());
        (0..3).for_each(|_| rewritten.tell(&hgh, "another story"));
        ends[0].log = rewritten;
        let now = run(&mut ends, now, 5);
        assert_eq!(ends[1].applied, [1]);
        let suspended = ends[1].road.received.suspended.clone().unwrap();
        assert_eq!((suspended.ours.claimed().size, suspended.theirs.claimed().size), (1, 3));
        assert!(matches!(ends[1].alarms[..], [Alarm::Forged { .. }]));
        assert!(ends[0].road.sent.stopped);
        // Resumed without anything mended: the same again
        ends[0].road = ends[0].road.clone().resume();
        ends[1].road = ends[1].road.clone().resume();
        run(&mut ends, now, 5);
        assert_eq!((ends[1].applied.len(), ends[1].alarms.len()), (1, 2));
    }

    #[test]
    fn a_hub_restored_from_a_copy_stops_declares_its_loss_and_goes_on() {
        let mut ends = pair();
        let hgh = ends[1].log.own.hub().clone();
        (0..5).for_each(|n| ends[0].log.tell(&hgh, &format!("before {n}")));
        let mut now = run(&mut ends, NOW, 2);
        let copy = ends[0].clone();
        (0..4).for_each(|n| ends[0].log.tell(&hgh, &format!("lost {n}")));
        now = run(&mut ends, now, 2);
        let witnessed = ends[1].road.received.seen.clone().unwrap();
        ends[0] = copy;
        ends[0].log.tell(&hgh, "written after the restore");
        now = run(&mut ends, now, 40);
        // Nothing was forged: the shorter head is refused as stale, and the answer says why.
        assert!(ends[1].road.received.suspended.is_none());
        assert_eq!(ends[0].alarms, [Alarm::WeLostEvents { cursor: 9, known: 6, peer_size: 9, size: 6 }]);
        assert_eq!(ends[1].applied.len(), 9);

        ends[0].log.own.epoch = Epoch(2);
        // What was written after the restore was never witnessed: it stays as a leaf, its number was taken.
        let heads = vec![WitnessedHead { head: witnessed, consistency: vec![] }];
        let roads = vec![RoadMark { peer: hgh.clone(), next_seq: 10 }];
        let statement = NewEpoch::declare(&ends[0].log.own, ends[0].log.head(), heads, "pty_1", roads, now).unwrap();
        ends[0].road = ends[0].road.clone().reopened(&statement);
        ends[0].statements.push(statement);
        ends[0].log.roads.insert(hgh.clone(), vec![0; 9]);
        ends[0].log.tell(&hgh, "after the declared loss");
        run(&mut ends, now, 70);
        assert_eq!(ends[1].applied, (1..=10).collect::<Vec<_>>());
        let opened = Alarm::EpochOpened { epoch: Epoch(2), lost_from: 6, lost_to: 9, we_hold_lost: true };
        assert_eq!(ends[1].alarms, [opened]);
        assert_eq!((ends[0].road.sent.acknowledged, ends[0].road.sent.witnessed), (10, 7));
    }

    #[test]
    fn hubs_without_a_common_version_send_nothing() {
        let mut ends = pair();
        let hgh = ends[1].log.own.hub().clone();
        ends[0].road.received.peer.protocol_versions = vec![2];
        ends[0].log.tell(&hgh, "unheard");
        run(&mut ends, NOW, 5);
        assert!(ends[1].applied.is_empty());
        ends[0].road.received.peer.protocol_versions = vec![1, 2, 3];
        run(&mut ends, NOW, 5);
        assert_eq!(ends[1].applied, [1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// A wire that loses, doubles, delays and corrupts, and ends that fall back to their last
        /// stored state: every event is applied once, in order, and no one cries forgery.
        #[test]
        fn over_a_bad_wire_every_event_is_applied_once_and_in_order(
            dice in prop::collection::vec((0_u8..12, any::<prop::sample::Index>()), 150..400),
            news in 1_u64..60,
        ) {
            let mut ends = pair();
            let limits = Limits { entries: 7, bytes: 1 << 20 };
            ends.iter_mut().for_each(|end| end.log.own.limits = limits);
            let mut wire: Vec<(usize, Message)> = Vec::new();
            let mut now = NOW;
            let mut told = 0;
            for (die, pick) in dice {
                if told < news {
                    told += 1;
                    for (me, peer) in [(0, 1), (1, 0)] {
                        let to = ends[peer].log.own.hub().clone();
                        ends[me].log.tell(&to, &format!("event {told}"));
                        ends[me].log.note("kept at home");
                    }
                }
                now = now.plus_seconds(2);
                for to in [0, 1] {
                    wire.extend(ends[1 - to].tick(now).into_iter().map(|m| (to, m)));
                }
                if wire.is_empty() {
                    continue;
                }
                let at = pick.index(wire.len());
                match die {
                    0 | 1 => drop(wire.swap_remove(at)),
                    2 | 3 => wire.push(wire[at].clone()),
                    4 => {
                        if let (_, Message::Batch(batch)) = &mut wire[at] {
                            batch.consistency_from ^= 1;
                        }
                    }
                    _ => {
                        let (to, message) = wire.swap_remove(at);
                        wire.extend(ends[to].on(message, now).into_iter().map(|m| (1 - to, m)));
                    }
                }
            }
            run(&mut ends, now, 400);
            for end in &ends {
                prop_assert_eq!(&end.applied, &(1..=told).collect::<Vec<_>>());
                prop_assert!(end.road.received.suspended.is_none());
                let lost = end.alarms.iter().any(|a| matches!(a, Alarm::Forged { .. } | Alarm::WeLostEvents { .. }));
                prop_assert!(!lost, "{:?}", end.alarms);
            }
        }
    }
}
