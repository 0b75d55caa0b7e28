//! The hub on both engines, through its own interface.

mod pair;
mod path;
