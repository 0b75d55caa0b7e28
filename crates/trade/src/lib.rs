//! What may happen: the nouns of a trade, their states, rules and commands.
//!
//! Pure: nothing here reads a clock, a socket, a file or a database. Time and randomness are
//! handed in; everything is decided in memory and written by `hub` in one transaction.

pub mod access_log;
pub mod bag;
pub mod ball;
pub mod bundle;
pub mod card;
pub mod channel;
pub mod checkpoint;
pub mod clearance;
pub mod clock;
pub mod codes;
pub mod command;
pub mod commands;
pub mod custody;
pub mod declaration;
pub mod escrow;
pub mod estimate;
pub mod event;
pub mod handling;
pub mod http_signature;
pub mod id;
pub mod key;
pub mod landed_cost;
pub mod ledger;
pub mod log;
pub mod mandate;
pub mod manifest;
pub mod matching;
pub mod money;
pub mod order;
pub mod party;
pub mod payee;
pub mod payment;
pub mod payout;
pub mod peer;
pub mod permit;
pub mod personal;
pub mod product;
pub mod quantity;
pub mod quote;
pub mod rate_card;
pub mod readiness;
pub mod recovery;
pub mod road;
pub mod rulebook;
pub mod site;
pub mod stock;
pub mod tally;
pub mod terms;
pub mod time;
pub mod trade_file;
pub mod waybill;
pub mod world;
