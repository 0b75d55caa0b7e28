//! Payments: the payment firm's signed webhooks, the bank's notices, and the sandbox's own payment
//! firm, which pays by a real webhook to the hub's own address.

mod bank;
mod sandbox;
mod webhook;

use axum::Router;
use axum::routing::{get, post};
use trade::party::{PersonTag, PersonTags};

use crate::AppState;

/// The pay page of the sandbox's payment firm is not mounted in production.
pub fn routes(app: &AppState) -> Router<AppState> {
    let router = Router::new()
        .route("/api/v1/webhooks/payments", post(webhook::receive))
        .route("/api/v1/bank-messages", post(bank::receive))
        .route("/bank", get(bank::page).post(bank::upload));
    if app.is_sandbox() { router.route("/pay/{trade}", get(sandbox::page).post(sandbox::pay)) } else { router }
}

pub use bank::take_notice;

/// By what a payer is recognised, from what the payment firm or the bank says of it.
fn payer_tags(app: &AppState, name: &str, id_number: Option<&str>) -> PersonTags {
    let key = &app.site().person_key;
    let number = id_number.map(str::trim).filter(|n| !n.is_empty());
    PersonTags { id: number.map(|n| PersonTag::of(key, "id", n)), name: PersonTag::of(key, "name", name.trim()) }
}
