//! What may happen: the nouns of a trade, their states, rules and commands.
//!
//! Pure: nothing here reads a clock, a socket, a file or a database. Time and randomness are
//! handed in; everything is decided in memory and written by `hub` in one transaction.

pub mod card;
pub mod checkpoint;
pub mod codes;
pub mod id;
pub mod key;
pub mod log;
pub mod money;
pub mod quantity;
pub mod road;
pub mod time;
