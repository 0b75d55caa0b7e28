//! The hub on both engines, through its own interface.

mod crash;
mod lane;
mod pair;
mod path;
mod refusal;
mod storage;
