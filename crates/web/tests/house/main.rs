//! The desks of two hubs, through their real routes, on real stores.

mod access;
mod desks;
mod fields;
mod house;
mod look;
mod papers;
