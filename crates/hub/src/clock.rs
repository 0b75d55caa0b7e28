//! Both clocks: the wall clock, read here and handed in, and the hub's business clock, a row.
//!
//! In production business time is wall time. In a sandbox it starts where the operator said, runs
//! with the wall clock and can be moved forward; it never runs back.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::{Any, AnyConnection};
use trade::card::Mode;
use trade::time::{BusinessTime, WallTime};

use crate::db::{StoreError, int};

/// Where wall time comes from. The only place where the hub reads it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> WallTime + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            WallTime::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
        }))
    }

    /// A clock that stands until its holder moves it.
    #[must_use]
    pub fn manual(start: WallTime) -> (Self, ClockHand) {
        let hand = ClockHand(Arc::new(AtomicI64::new(start.micros())));
        let read = hand.clone();
        (Self(Arc::new(move || WallTime::from_micros(read.0.load(Ordering::SeqCst)))), hand)
    }

    #[must_use]
    pub fn now(&self) -> WallTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// Moves a manual clock.
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<AtomicI64>);

impl ClockHand {
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

/// Between half of `most` and `most`, so that those who wait for the same thing do not come back at once.
pub(crate) fn jitter(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(most.as_nanos());
    let half = most / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_nanos(random % nanos)
}

/// The business clock as it is stored: at `wall` it was `business`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BusinessClock {
    pub business: BusinessTime,
    pub wall: WallTime,
    pub mode: Mode,
}

impl BusinessClock {
    pub fn at(&self, wall: WallTime) -> BusinessTime {
        match self.mode {
            Mode::Production => BusinessTime::from_micros(wall.micros()),
            Mode::Sandbox => {
                let passed = wall.micros().saturating_sub(self.wall.micros()).max(0);
                BusinessTime::from_micros(self.business.micros().saturating_add(passed))
            }
        }
    }
}

/// Sets the clock at the first opening.
pub(crate) async fn start(conn: &mut AnyConnection, business: BusinessTime, wall: WallTime) -> Result<(), StoreError> {
    let sql = "INSERT INTO clock (clock, business, wall) VALUES ('business', $1, $2) ON CONFLICT (clock) DO NOTHING";
    sqlx::query::<Any>(sql).bind(business.micros()).bind(wall.micros()).execute(conn).await?;
    Ok(())
}

pub(crate) async fn load(conn: &mut AnyConnection, mode: Mode) -> Result<BusinessClock, StoreError> {
    let sql = "SELECT business, wall FROM clock WHERE clock = 'business'";
    let row = sqlx::query::<Any>(sql).fetch_one(conn).await?;
    let (business, wall) = (BusinessTime::from_micros(int(&row, 0)?), WallTime::from_micros(int(&row, 1)?));
    Ok(BusinessClock { business, wall, mode })
}

pub(crate) async fn save(conn: &mut AnyConnection, clock: &BusinessClock) -> Result<(), StoreError> {
    let sql = "UPDATE clock SET business = $1, wall = $2 WHERE clock = 'business'";
    sqlx::query::<Any>(sql).bind(clock.business.micros()).bind(clock.wall.micros()).execute(conn).await?;
    Ok(())
}
