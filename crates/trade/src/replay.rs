//! The wind tunnel: past trades under another law, before it is enacted.

mod past;

pub use past::{Difference, PastTrade, SellerSize};
