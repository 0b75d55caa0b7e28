//! The hub on both engines, through its own interface.
#![expect(clippy::unwrap_used, reason = "what these functions do for tests, a test may do")]

mod advance;
mod business;
mod crash;
mod edge;
mod lane;
mod pair;
mod path;
mod permits;
mod recovery;
mod refusal;
mod returns;
mod rulebook;
mod storage;
mod tally;
mod variance;
mod warehouse;
