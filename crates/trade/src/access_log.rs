//! The access log's digests. Who looked at what stands in a table of its own; a digest of each day's
//! looks is an event, so that afterwards nobody, not the operator either, takes one out unnoticed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::command::Decide;
use crate::event::Happened;
use crate::log::Hash;
use crate::world::{Need, World};

/// What one digest covers. Looks are numbered from 1 without gaps, and each is in one digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDigest {
    /// The day of business time that is over, at this hub's office.
    pub day: Date,
    /// Number of the first look: one after the last that an earlier digest covers.
    pub first: u64,
    pub looks: u64,
    /// SHA-256 over the hashes of the looks, in the order of their numbers.
    #[serde(with = "crate::log::hex")]
    pub sha256: Hash,
}

impl AccessDigest {
    /// Number of the first look that this and earlier digests do not cover.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.first.saturating_add(self.looks)
    }
}

/// A day is over: its looks get their digest. The hub says it to itself; the same again changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestAccess {
    pub digest: AccessDigest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DigestRefusal {
    /// Somebody may still look on this day.
    DayNotOver { day: Date, today: Date },
    /// The days up to this one have their digests.
    DayDigested { day: Date },
    /// The looks do not follow those of the digest before, or there are none.
    LooksNotNext { expected: u64, got: u64 },
}

impl Decide for DigestAccess {
    type Answer = AccessDigest;
    type Refusal = DigestRefusal;

    fn reads(&self, need: &mut Need) {
        need.last_digest();
    }

    fn decide(&self, world: &mut World) -> Result<AccessDigest, DigestRefusal> {
        let digest = &self.digest;
        let last = world.last_digest.get(&());
        if last == Some(digest) {
            return Ok(digest.clone());
        }
        if let Some(last) = last.filter(|last| last.day >= digest.day) {
            return Err(DigestRefusal::DayDigested { day: last.day });
        }
        let today = world.site.date(world.now);
        if digest.day >= today {
            return Err(DigestRefusal::DayNotOver { day: digest.day, today });
        }
        let expected = last.map_or(1, AccessDigest::next);
        if digest.first != expected || digest.looks == 0 {
            return Err(DigestRefusal::LooksNotNext { expected, got: digest.first });
        }
        let AccessDigest { day, first, looks, sha256 } = digest.clone();
        let what = Happened::AccessDigest { day: day.to_string(), first, looks, sha256: sha256.hex() };
        world.happened(None, None, what);
        world.last_digest.put((), digest.clone());
        Ok(digest.clone())
    }
}
