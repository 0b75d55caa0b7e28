//! The mandate: a party lets a broker act for it, within named acts, on named lanes, until a day.
//!
//! Whoever gives it may end it at any time, and the broker may lay it down. Each act under it is
//! recorded as the broker's, for its client: [`Happened::ActedUnderMandate`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::codes::HubId;
use crate::command::Decide;
use crate::event::Happened;
use crate::id::{Id, Noun};
use crate::party::{Party, Role};
use crate::time::{BusinessTime, Days};
use crate::trade_file::TradeId;
use crate::world::{Need, World};

impl Noun for Mandate {
    const PREFIX: &'static str = "mdt";
}

/// What a broker may do for its client; the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Lodge declarations.
    Lodge,
    /// Answer customs: correct what was lodged, bring a permit.
    Answer,
    /// Ask agencies for permits, and answer their questions.
    Permits,
}

impl Act {
    pub const ALL: [Self; 3] = [Self::Lodge, Self::Answer, Self::Permits];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lodge => "lodge",
            Self::Answer => "answer",
            Self::Permits => "permits",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    pub id: Id<Mandate>,
    pub giver: Id<Party>,
    pub broker: Id<Party>,
    pub acts: BTreeSet<Act>,
    /// The lane to this hub alone; without it, all lanes.
    pub peer: Option<HubId>,
    pub given_at: BusinessTime,
    pub until: BusinessTime,
    pub state: MandateState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum MandateState {
    /// The broker has not answered yet.
    Offered,
    Accepted {
        at: BusinessTime,
    },
    Declined {
        at: BusinessTime,
    },
    /// By the giver, or by the broker who lays it down.
    Ended {
        at: BusinessTime,
        by: Id<Party>,
    },
}

/// Why a broker may not act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum MandateFault {
    /// This party gave this broker none, or none was named.
    NoMandate {
        giver: Id<Party>,
        broker: Id<Party>,
    },
    MandateNotAccepted {
        mandate: Id<Mandate>,
    },
    /// Declined, or ended since.
    MandateEnded {
        mandate: Id<Mandate>,
        ended_at: BusinessTime,
    },
    MandateExpired {
        mandate: Id<Mandate>,
        until: BusinessTime,
    },
    OutsideMandate {
        mandate: Id<Mandate>,
        act: Act,
    },
    OtherLane {
        mandate: Id<Mandate>,
        peer: HubId,
    },
}

impl Mandate {
    /// What it is at a moment, in one word: a mandate that has run out says so.
    #[must_use]
    pub fn code(&self, now: BusinessTime) -> &'static str {
        match &self.state {
            MandateState::Declined { .. } => "declined",
            MandateState::Ended { .. } => "ended",
            _ if now > self.until => "expired",
            MandateState::Offered => "offered",
            MandateState::Accepted { .. } => "accepted",
        }
    }

    #[must_use]
    pub fn is_in_force(&self, now: BusinessTime) -> bool {
        self.code(now) == "accepted"
    }

    /// Whether it is still to be answered, or in force.
    #[must_use]
    pub fn is_open(&self, now: BusinessTime) -> bool {
        matches!(self.code(now), "accepted" | "offered")
    }

    /// Whether its broker sees the trades of this lane.
    #[must_use]
    pub fn is_for(&self, peer: Option<&HubId>) -> bool {
        self.peer.is_none() || self.peer.as_ref() == peer
    }

    /// Whether `broker` may do `act` for `giver` on a lane, now.
    ///
    /// # Errors
    /// Why not, the first reason: whose it is, whether it is in force, what it covers.
    pub fn allows(
        &self,
        broker: Id<Party>,
        giver: Id<Party>,
        act: Act,
        peer: Option<&HubId>,
        now: BusinessTime,
    ) -> Result<(), MandateFault> {
        let mandate = self.id;
        if self.broker != broker || self.giver != giver {
            return Err(MandateFault::NoMandate { giver, broker });
        }
        match self.state {
            MandateState::Offered => return Err(MandateFault::MandateNotAccepted { mandate }),
            MandateState::Declined { at } | MandateState::Ended { at, .. } => {
                return Err(MandateFault::MandateEnded { mandate, ended_at: at });
            }
            MandateState::Accepted { .. } => {}
        }
        if now > self.until {
            return Err(MandateFault::MandateExpired { mandate, until: self.until });
        }
        if !self.acts.contains(&act) {
            return Err(MandateFault::OutsideMandate { mandate, act });
        }
        match (&self.peer, peer) {
            (Some(lane), Some(peer)) if lane != peer => Err(MandateFault::OtherLane { mandate, peer: peer.clone() }),
            _ => Ok(()),
        }
    }
}

/// Whether `by` may do `act` for `giver`: it is the giver itself, or has its mandate. Answers the
/// mandate under which it acts, for [`record`].
///
/// # Errors
/// Why a broker may not.
pub fn stands_for(
    world: &World,
    by: Id<Party>,
    giver: Id<Party>,
    mandate: Option<Id<Mandate>>,
    act: Act,
    peer: Option<&HubId>,
) -> Result<Option<Id<Mandate>>, MandateFault> {
    if by == giver {
        return Ok(None);
    }
    let none = || MandateFault::NoMandate { giver, broker: by };
    let id = mandate.ok_or_else(none)?;
    let mandate = world.mandates.get(&id).ok_or_else(none)?;
    mandate.allows(by, giver, act, peer, world.now)?;
    Ok(Some(id))
}

/// Records that what has just happened was a broker's act for its client.
pub fn record(
    world: &mut World,
    trade: Option<&TradeId>,
    mandate: Option<Id<Mandate>>,
    by: Id<Party>,
    giver: Id<Party>,
    act: Act,
) {
    if let Some(mandate) = mandate {
        world.happened(trade, None, Happened::ActedUnderMandate { mandate, by, giver, act });
    }
}

/// A party gives a broker a mandate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GiveMandate {
    pub mandate: Id<Mandate>,
    pub giver: Id<Party>,
    pub broker: Id<Party>,
    pub acts: BTreeSet<Act>,
    pub peer: Option<HubId>,
    pub until: BusinessTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum MandateRefusal {
    PartyUnknown {
        party: Id<Party>,
    },
    /// Sellers and buyers have something to be done for them.
    NotAGiver {
        party: Id<Party>,
    },
    NotABroker {
        party: Id<Party>,
    },
    PeerUnknown {
        peer: HubId,
    },
    NoActs,
    MandateOver {
        until: BusinessTime,
    },
    /// Longer than a mandate may last.
    MandateTooLong {
        until: BusinessTime,
        max: i64,
    },
    /// This id names another mandate.
    MandateDiffers {
        mandate: Id<Mandate>,
    },
    MandateUnknown {
        mandate: Id<Mandate>,
    },
    /// Answered, declined or ended before.
    MandateSettled {
        mandate: Id<Mandate>,
        mandate_state: String,
    },
}

/// Two years: a client looks again then at whom it trusts.
pub const MANDATE_MAX: Days = Days(731);

impl Decide for GiveMandate {
    type Answer = Mandate;
    type Refusal = MandateRefusal;

    fn reads(&self, need: &mut Need) {
        need.mandate(self.mandate).party(self.giver).party(self.broker);
    }

    fn decide(&self, world: &mut World) -> Result<Mandate, MandateRefusal> {
        if let Some(known) = world.mandates.get(&self.mandate) {
            let same = known.giver == self.giver
                && known.broker == self.broker
                && known.acts == self.acts
                && known.peer == self.peer
                && known.until == self.until;
            let differs = MandateRefusal::MandateDiffers { mandate: self.mandate };
            return if same { Ok(known.clone()) } else { Err(differs) };
        }
        self.check(world)?;
        let mandate = Mandate {
            id: self.mandate,
            giver: self.giver,
            broker: self.broker,
            acts: self.acts.clone(),
            peer: self.peer.clone(),
            given_at: world.now,
            until: self.until,
            state: MandateState::Offered,
        };
        let given = Happened::MandateGiven {
            mandate: self.mandate,
            giver: self.giver,
            broker: self.broker,
            acts: self.acts.iter().copied().collect(),
            lane: self.peer.clone(),
            until: self.until,
        };
        world.happened(None, None, given);
        world.mandates.put(self.mandate, mandate.clone());
        Ok(mandate)
    }
}

impl GiveMandate {
    fn check(&self, world: &World) -> Result<(), MandateRefusal> {
        let Some(giver) = world.parties.get(&self.giver) else {
            return Err(MandateRefusal::PartyUnknown { party: self.giver });
        };
        if !giver.is(Role::Seller) && !giver.is(Role::Buyer) {
            return Err(MandateRefusal::NotAGiver { party: self.giver });
        }
        if self.broker == self.giver || !world.parties.get(&self.broker).is_some_and(|p| p.is(Role::Broker)) {
            return Err(MandateRefusal::NotABroker { party: self.broker });
        }
        if let Some(peer) = self.peer.as_ref().filter(|peer| world.peers.all().all(|(id, _)| id != *peer)) {
            return Err(MandateRefusal::PeerUnknown { peer: peer.clone() });
        }
        if self.acts.is_empty() {
            return Err(MandateRefusal::NoActs);
        }
        if self.until <= world.now {
            return Err(MandateRefusal::MandateOver { until: self.until });
        }
        if self.until > world.now.plus_days(MANDATE_MAX) {
            return Err(MandateRefusal::MandateTooLong { until: self.until, max: MANDATE_MAX.0 });
        }
        Ok(())
    }
}

/// The broker takes a mandate, or declines it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerMandate {
    pub mandate: Id<Mandate>,
    pub by: Id<Party>,
    pub accept: bool,
}

impl Decide for AnswerMandate {
    type Answer = Mandate;
    type Refusal = MandateRefusal;

    fn reads(&self, need: &mut Need) {
        need.mandate(self.mandate);
    }

    fn decide(&self, world: &mut World) -> Result<Mandate, MandateRefusal> {
        let unknown = MandateRefusal::MandateUnknown { mandate: self.mandate };
        // Whom it does not concern learns nothing of it.
        let known = world.mandates.get(&self.mandate).filter(|m| m.broker == self.by);
        let Some(mut mandate) = known.cloned() else { return Err(unknown) };
        match (&mandate.state, self.accept) {
            (MandateState::Accepted { .. }, true) | (MandateState::Declined { .. }, false) => return Ok(mandate),
            (MandateState::Offered, _) if world.now > mandate.until => {
                return Err(MandateRefusal::MandateOver { until: mandate.until });
            }
            (MandateState::Offered, true) => mandate.state = MandateState::Accepted { at: world.now },
            (MandateState::Offered, false) => mandate.state = MandateState::Declined { at: world.now },
            _ => {
                let mandate_state = mandate.code(world.now).to_owned();
                return Err(MandateRefusal::MandateSettled { mandate: self.mandate, mandate_state });
            }
        }
        let (id, accepted) = (self.mandate, self.accept);
        world.happened(None, None, Happened::MandateAnswered { mandate: id, by: self.by, accepted });
        world.mandates.put(id, mandate.clone());
        Ok(mandate)
    }
}

/// The giver revokes a mandate, or its broker lays it down; from then on nothing is done under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndMandate {
    pub mandate: Id<Mandate>,
    pub by: Id<Party>,
}

impl Decide for EndMandate {
    type Answer = Mandate;
    type Refusal = MandateRefusal;

    fn reads(&self, need: &mut Need) {
        need.mandate(self.mandate);
    }

    fn decide(&self, world: &mut World) -> Result<Mandate, MandateRefusal> {
        let unknown = MandateRefusal::MandateUnknown { mandate: self.mandate };
        let known = world.mandates.get(&self.mandate).filter(|m| m.broker == self.by || m.giver == self.by);
        let Some(mut mandate) = known.cloned() else { return Err(unknown) };
        match mandate.state {
            MandateState::Ended { .. } => return Ok(mandate),
            MandateState::Declined { .. } => {
                let mandate_state = mandate.code(world.now).to_owned();
                return Err(MandateRefusal::MandateSettled { mandate: self.mandate, mandate_state });
            }
            MandateState::Offered | MandateState::Accepted { .. } => {}
        }
        mandate.state = MandateState::Ended { at: world.now, by: self.by };
        world.happened(None, None, Happened::MandateEnded { mandate: self.mandate, by: self.by });
        world.mandates.put(self.mandate, mandate.clone());
        Ok(mandate)
    }
}
