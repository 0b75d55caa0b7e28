//! The hub on both engines, through its own interface.

mod bench;
mod lane;
mod pair;
mod path;
mod recovery;
mod storage;
