//! That it happens, durably: lanes decide what `trade` allows, and everything a hub knows is
//! loaded and written here, one file per noun.
//!
//! [`Hub::open`](hub::Hub::open) opens a store; [`submit`](hub::Hub::submit) decides a command and
//! answers after its commit; the other methods are reads for pages, each beside its noun. Only this
//! crate contains SQL, and only `db.rs` knows that there are two engines.

pub mod access_log;
pub mod advance;
pub mod clock;
pub mod credential;
pub mod db;
mod decide;
pub mod desk;
pub mod event;
pub mod evidence;
mod handling;
pub mod hub;
pub mod idempotency;
mod lane;
mod lease;
pub mod ledger;
mod mandate;
mod manifest;
pub mod meter;
mod number;
mod offer;
mod order;
pub mod page;
mod party;
mod peer;
mod permit;
pub mod product;
mod quota;
mod quote;
pub mod received;
pub mod recovery;
pub mod refusal;
pub mod replay;
pub mod road;
mod rows;
pub mod rulebook;
pub mod schema;
pub mod sequencer;
pub mod session;
pub mod stock;
pub mod summary;
pub mod tally;
pub mod testing;
pub mod trade_file;
pub mod upload;
pub mod variance;
pub mod webhook;
mod write_back;

pub use hub::{Answer, Config, Forward, Hub, Limits, Node, Status, Unavailable};
