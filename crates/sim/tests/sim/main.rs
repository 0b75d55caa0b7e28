//! Whole trades on hubs in memory, from a seed.
#![expect(clippy::unwrap_used, reason = "what these functions do for tests, a test may do")]
#![expect(clippy::disallowed_methods, reason = "a test reads how many seeds are wanted")]

mod advance;
mod event_fields;
mod permits;
mod recovery;
mod returns;
mod strangers;
mod trade;
mod variance;
mod warehouse;
