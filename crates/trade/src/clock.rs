//! Moving business time: in a sandbox only, forward only, on all hubs of its road.

use serde::{Deserialize, Serialize};

use crate::card::Mode;
use crate::command::Decide;
use crate::event::Happened;
use crate::time::{BusinessTime, Days};
use crate::world::{Need, World};

/// The operator of a sandbox lets days pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MoveClock {
    pub to: BusinessTime,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ClockRefusal {
    /// Production time is the time of the world.
    SandboxOnly,
    NotBackwards {
        now: BusinessTime,
        to: BusinessTime,
    },
    TooFar {
        max_days: i64,
    },
}

/// One move skips at most a year: a slip of the keyboard shall not end a sandbox.
const MOVE_MAX: Days = Days(366);

impl Decide for MoveClock {
    type Answer = BusinessTime;
    type Refusal = ClockRefusal;

    fn reads(&self, _need: &mut Need) {}

    fn decide(&self, world: &mut World) -> Result<BusinessTime, ClockRefusal> {
        if world.site.mode != Mode::Sandbox {
            return Err(ClockRefusal::SandboxOnly);
        }
        if self.to < world.now {
            return Err(ClockRefusal::NotBackwards { now: world.now, to: self.to });
        }
        if self.to > world.now.plus_days(MOVE_MAX) {
            return Err(ClockRefusal::TooFar { max_days: MOVE_MAX.0 });
        }
        let moved = Happened::ClockMoved { by: world.site.id.clone(), to: self.to };
        world.told_all_peers(&moved);
        world.move_clock(self.to);
        Ok(self.to)
    }
}

/// This hub had moved its clock, and told so, in what it has lost since.
pub fn recall(world: &mut World, to: BusinessTime) {
    if world.site.mode == Mode::Sandbox && to > world.now {
        world.move_clock(to);
    }
}

/// A peer's sandbox has moved its clock; ours follows, never back.
pub fn follow_peer(world: &mut World, to: BusinessTime) {
    let plausible = to > world.now && to <= world.now.plus_days(MOVE_MAX);
    if world.site.mode == Mode::Sandbox && plausible {
        world.happened(None, None, Happened::ClockMoved { by: world.site.id.clone(), to });
        world.move_clock(to);
    }
}
