//! The doors of returns: one for each act, with who may do it.

use trade::party::Role;

use super::{Act, act_api, act_page, answer_api, answer_page, ask_api, ask_page, show, show_api};
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

/// The page's door of an act and the API's, each with what is sent.
fn act(doors: Doors, act: Act, who: May, [page, form]: [&'static str; 2], [api, json]: [&'static str; 2]) -> Doors {
    doors
        .open(post(page, who).form(form), move |app, p, party, id, form| act_page(act, app, p, party, id, form))
        .open(post(api, who).json(json).takes(acted).gives(200, any), move |app, party, id, body| {
            act_api(act, app, party, id, body)
        })
}

pub fn routes() -> Doors {
    let doors = Doors::new()
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
        );
    let doors = act(
        doors,
        Act::Cancel,
        parts(&[Role::Seller, Role::Buyer]),
        ["/trades/{id}/return/cancellation", ""],
        ["/api/v1/trades/{id}/return/cancellation", "{}"],
    );
    let doors = act(
        doors,
        Act::Withdraw,
        BUYER,
        ["/trades/{id}/return/withdrawal", ""],
        ["/api/v1/trades/{id}/return/withdrawal", "{}"],
    );
    let doors = act(
        doors,
        Act::Waybill,
        parts(&[Role::Buyer, Role::Carrier]),
        ["/trades/{id}/return/waybill", "no=LP000000980MY&weight=0.5"],
        ["/api/v1/trades/{id}/return/waybill", r#"{"no": "LP000000980MY", "gross_grams": 500}"#],
    );
    let doors = act(
        doors,
        Act::Undeliverable,
        parts(&[Role::Carrier]),
        ["/trades/{id}/return/undeliverable", "said=x"],
        ["/api/v1/trades/{id}/return/undeliverable", r#"{"said": "Nobody lives there."}"#],
    );
    let doors = act(
        doors,
        Act::SendBack,
        parts(&[Role::Officer]),
        ["/trades/{id}/return/send-back", "said=x"],
        ["/api/v1/trades/{id}/return/send-back", r#"{"said": "Not allowed in."}"#],
    );
    act(
        doors,
        Act::Examine,
        parts(&[Role::Officer]),
        ["/trades/{id}/return/examination", "grants=yes&said=x"],
        ["/api/v1/trades/{id}/return/examination", r#"{"grants": true, "said": "Sealed as it left."}"#],
    )
}
