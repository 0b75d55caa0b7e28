//! The desks of two hubs, through their real routes, on real stores.
#![expect(clippy::unwrap_used, reason = "what these functions do for tests, a test may do")]

mod access;
mod advance;
mod api;
mod both_ways;
mod business;
mod calculator;
mod classification;
mod confirm;
mod desks;
mod estimate;
mod fields;
mod hazards;
mod house;
mod look;
mod origin;
mod papers;
mod payee;
mod permits;
mod price_list;
mod replay;
mod returns;
mod rules;
mod shop;
mod variance;
mod warehouse;
mod watch;
mod webhooks;
