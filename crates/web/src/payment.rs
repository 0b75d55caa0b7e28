//! Payments: the payment firm's signed webhooks, the bank's notices, and the sandbox's own payment
//! firm, which pays by a real webhook to the hub's own address.

mod bank;
mod sandbox;
mod webhook;

use trade::party::{PersonTag, PersonTags, Role};

use crate::AppState;
use crate::door::{Doors, May, get, only, parts, post};
use crate::schema::{list, object, text};

/// The pay page of the sandbox's payment firm is not mounted in production.
pub fn routes() -> Doors {
    Doors::new()
        .open(
            post("/api/v1/webhooks/payments", May::PaymentFirm)
                .json("{}")
                .takes(webhook::shape)
                .gives(200, || object([("fate", text())]).open()),
            webhook::receive,
        )
        .open(
            post("/api/v1/bank-messages", only(&[Role::Bank]))
                .bytes("application/xml")
                .gives(200, || object([("results", list(bank::shape()))])),
            bank::receive,
        )
        .open(get("/bank", only(&[Role::Bank])), bank::page)
        .open(post("/bank", only(&[Role::Bank])).file("file"), bank::upload)
        .open(get("/pay/{trade}", parts(&[Role::Buyer])).in_sandbox(), sandbox::page)
        .open(post("/pay/{trade}", parts(&[Role::Buyer])).form("part=0").in_sandbox(), sandbox::pay)
}

pub use bank::take_notice;
pub use webhook::sign;

/// By what a payer is recognised, from what the payment firm or the bank says of it.
fn payer_tags(app: &AppState, name: &str, id_number: Option<&str>) -> PersonTags {
    let key = &app.site().person_key;
    let number = id_number.map(str::trim).filter(|n| !n.is_empty());
    PersonTags { id: number.map(|n| PersonTag::of(key, "id", n)), name: PersonTag::of(key, "name", name.trim()) }
}
