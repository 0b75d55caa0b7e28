//! What may happen: the nouns of a trade, their states, rules and commands.
//!
//! Pure: nothing here reads a clock, a socket, a file or a database. Time and randomness are
//! handed in; everything is decided in memory and written by `hub` in one transaction.

pub mod channel;
pub mod codes;
pub mod id;
pub mod landed_cost;
pub mod money;
pub mod quantity;
pub mod rate_card;
pub mod readiness;
pub mod rulebook;
pub mod time;
