//! Identifiers: UUIDv7 with a prefix that tells what they name, from an injected clock and seed.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::time::BusinessTime;

/// What an identifier names; gives the prefix it is printed with.
pub trait Noun {
    const PREFIX: &'static str;
}

/// The id of a `T`, printed as `prd_01914f…` (32 hex digits).
pub struct Id<T> {
    uuid: Uuid,
    noun: PhantomData<fn() -> T>,
}

impl<T: Noun> Id<T> {
    /// From a clock and ten random bytes, both handed in.
    #[must_use]
    pub fn new(now_millis: u64, random: &[u8; 10]) -> Self {
        Self::of(uuid::Builder::from_unix_timestamp_millis(now_millis, random).into_uuid())
    }

    /// An id that follows from what it is for, so that doing a thing twice names the same thing:
    /// ordered by `now`, distinguished by a hash of `seed`.
    #[must_use]
    pub fn derived(now: BusinessTime, seed: &str) -> Self {
        let hash = Sha256::new().chain_update(T::PREFIX).chain_update([0]).chain_update(seed).finalize();
        let mut random = [0_u8; 10];
        random.copy_from_slice(&hash[..10]);
        Self::new(u64::try_from(now.micros().div_euclid(1000)).unwrap_or(0), &random)
    }

    const fn of(uuid: Uuid) -> Self {
        Self { uuid, noun: PhantomData }
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.to_string()
    }
}

/// A text that is not an id of this noun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnId {
    pub expected: &'static str,
    pub got: String,
}

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}_ and 32 hex digits, got {:?}", self.expected, self.got)
    }
}

impl std::error::Error for NotAnId {}

impl<T: Noun> FromStr for Id<T> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        text.strip_prefix(T::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|hex| hex.len() == 32)
            .and_then(|hex| Uuid::try_parse(hex).ok())
            .map(Self::of)
            .ok_or_else(|| NotAnId { expected: T::PREFIX, got: text.chars().take(60).collect() })
    }
}

impl<T: Noun> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", T::PREFIX, self.uuid.simple())
    }
}

impl<T: Noun> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<T: Noun> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de, T: Noun> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
