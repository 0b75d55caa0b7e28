//! Two clocks that never mix: business time, which a sandbox may move forward, and wall time.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// An instant by which validity, deadlines and claim windows are judged, in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BusinessTime(i64);

/// An instant of the real clock, in microseconds since 1970 UTC: sessions, signatures, leases, retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(i64);

/// A whole number of days of 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Days(pub i64);

const DAY_MICROS: i64 = 86_400_000_000;
const SECOND_MICROS: i64 = 1_000_000;

impl BusinessTime {
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn plus_days(self, days: Days) -> Self {
        Self(self.0.saturating_add(days.0.saturating_mul(DAY_MICROS)))
    }

    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(SECOND_MICROS)))
    }

    /// Seconds from `earlier` to this instant.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(SECOND_MICROS)
    }

    /// The civil date at the office that decides.
    #[must_use]
    pub fn date_in(self, zone: &TimeZone) -> Date {
        zone.to_datetime(timestamp(self.0)).date()
    }
}

impl WallTime {
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND_MICROS)
    }

    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(SECOND_MICROS)))
    }
}

fn timestamp(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for BusinessTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", timestamp(self.0))
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", timestamp(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legal_date_is_that_of_the_office() {
        // 2026-11-23 20:00 UTC is already 24 November in Hangzhou (UTC+8).
        let t = BusinessTime::from_micros(1_795_464_000_000_000);
        assert_eq!(t.to_string(), "2026-11-23T20:00:00Z");
        let zone = TimeZone::get("Asia/Shanghai").expect("the zone table is bundled");
        assert_eq!(t.date_in(&zone).to_string(), "2026-11-24");
        assert_eq!(t.plus_days(Days(7)).date_in(&TimeZone::UTC).to_string(), "2026-11-30");
    }
}
