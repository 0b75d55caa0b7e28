//! The doors of returns: one for each act, with who may do it.

use trade::party::Role;

use super::{act_api, act_page, answer_api, answer_page, ask_api, ask_page, show, show_api};
use crate::door::{Doors, May, get, parts, post};
use crate::evidence::brought_shape;
use crate::schema::{Schema, any, boolean, integer, object, text};
use crate::trade_file;

const BUYER: May = parts(&[Role::Buyer]);
const SELLER: May = parts(&[Role::Seller]);

/// A return as it is kept: why, what was brought forward, where it stands.
fn returning() -> Schema {
    object([("reason", text()), ("state", any())]).open()
}

/// All of it for those who see prices; for others whether there is one, and its waybill.
fn shown() -> Schema {
    object([
        ("return?", returning().or_null()),
        ("re_import?", any()),
        ("state?", text().or_null()),
        ("waybill?", any()),
    ])
}

fn asked() -> Schema {
    let [statement, documents] = brought_shape();
    object([("reason", text()), statement, documents])
}

fn answered() -> Schema {
    let [statement, documents] = brought_shape();
    object([("agrees", boolean()), statement, documents])
}

/// What an act takes of these differs: a waybill its number and weight, an office its reason.
fn acted() -> Schema {
    object([
        ("no?", text()),
        ("gross_grams?", integer().or_null()),
        ("said?", text()),
        ("grants?", boolean().or_null()),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/trades/{id}/return", trade_file::EVERY_PART), show)
        .open(post("/trades/{id}/return", BUYER).file("file"), ask_page)
        .open(post("/trades/{id}/return/answer", SELLER).file("file"), answer_page)
        .open(get("/api/v1/trades/{id}/return", trade_file::EVERY_PART).gives(200, shown), show_api)
        .open(
            post("/api/v1/trades/{id}/return", BUYER)
                .json(r#"{"reason": "damaged", "statement": "The lid is broken."}"#)
                .takes(asked)
                .gives(200, returning),
            ask_api,
        )
        .open(
            post("/api/v1/trades/{id}/return/answer", SELLER)
                .json(r#"{"agrees": true}"#)
                .takes(answered)
                .gives(200, returning),
            answer_api,
        )
        .open(
            post("/trades/{id}/return/cancellation", parts(&[Role::Seller, Role::Buyer])).form(""),
            |a, p, w, i, f| act_page("cancellation", a, p, w, i, f),
        )
        .open(
            post("/api/v1/trades/{id}/return/cancellation", parts(&[Role::Seller, Role::Buyer]))
                .json(r#"{}"#)
                .takes(acted)
                .gives(200, any),
            |a, w, i, b| act_api("cancellation", a, w, i, b),
        )
        .open(post("/trades/{id}/return/withdrawal", parts(&[Role::Buyer])).form(""), |a, p, w, i, f| {
            act_page("withdrawal", a, p, w, i, f)
        })
        .open(
            post("/api/v1/trades/{id}/return/withdrawal", parts(&[Role::Buyer]))
                .json(r#"{}"#)
                .takes(acted)
                .gives(200, any),
            |a, w, i, b| act_api("withdrawal", a, w, i, b),
        )
        .open(
            post("/trades/{id}/return/waybill", parts(&[Role::Buyer, Role::Carrier]))
                .form("no=LP000000980MY&weight=0.5"),
            |a, p, w, i, f| act_page("waybill", a, p, w, i, f),
        )
        .open(
            post("/api/v1/trades/{id}/return/waybill", parts(&[Role::Buyer, Role::Carrier]))
                .json(r#"{"no": "LP000000980MY", "gross_grams": 500}"#)
                .takes(acted)
                .gives(200, any),
            |a, w, i, b| act_api("waybill", a, w, i, b),
        )
        .open(post("/trades/{id}/return/undeliverable", parts(&[Role::Carrier])).form("said=x"), |a, p, w, i, f| {
            act_page("undeliverable", a, p, w, i, f)
        })
        .open(
            post("/api/v1/trades/{id}/return/undeliverable", parts(&[Role::Carrier]))
                .json(r#"{"said": "Nobody lives there."}"#)
                .takes(acted)
                .gives(200, any),
            |a, w, i, b| act_api("undeliverable", a, w, i, b),
        )
        .open(post("/trades/{id}/return/send-back", parts(&[Role::Officer])).form("said=x"), |a, p, w, i, f| {
            act_page("send-back", a, p, w, i, f)
        })
        .open(
            post("/api/v1/trades/{id}/return/send-back", parts(&[Role::Officer]))
                .json(r#"{"said": "Not allowed in."}"#)
                .takes(acted)
                .gives(200, any),
            |a, w, i, b| act_api("send-back", a, w, i, b),
        )
        .open(
            post("/trades/{id}/return/examination", parts(&[Role::Officer])).form("grants=yes&said=x"),
            |a, p, w, i, f| act_page("examination", a, p, w, i, f),
        )
        .open(
            post("/api/v1/trades/{id}/return/examination", parts(&[Role::Officer]))
                .json(r#"{"grants": true, "said": "Sealed as it left."}"#)
                .takes(acted)
                .gives(200, any),
            |a, w, i, b| act_api("examination", a, w, i, b),
        )
}
