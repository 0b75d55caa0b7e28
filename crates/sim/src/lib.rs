//! Hubs in memory on `trade` alone, deterministic from a seed.
//!
//! [`memory`] is a hub whose store forgets what was not committed; [`network`] loses, doubles,
//! reorders and alters what hubs send; [`generator`] makes trades of any number, the same for the
//! same seed; [`economy`] makes past trades of all markets, by the million; [`scene`] puts two hubs
//! and a road together and [`play`] lets plans happen there.

pub mod economy;
pub mod filled;
pub mod generator;
pub mod memory;
pub mod network;
pub mod play;
pub mod random;
pub mod scene;
