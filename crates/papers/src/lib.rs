//! Foreign formats, both ways: what sellers, banks and posts send and take, to and from our own types.
//!
//! Readers take bytes from strangers: each has limits, never panics, and says where it stopped.
//! Every error is a code with its values; the words are chosen where it is shown.

pub mod camt054;
pub mod certificate;
pub mod cn22;
pub mod declaration;
pub mod label;
pub mod latin;
pub mod manifest;
pub mod pain001;
pub mod pdf;
pub mod price_list;
pub mod sale;
pub mod tariff;
pub mod xml;
