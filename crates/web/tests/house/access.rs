//! Each party sees its own, and every door is tried by everybody.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{CANARY, Got, House, Reach, Side, Ware, Who, at, s10};

/// A door of a hub: where, with what, and who may pass on each side of the border.
struct Door {
    method: Method,
    path: String,
    body: Value,
    kul: &'static [Who],
    hgh: &'static [Who],
}

const NOBODY: &[Who] = &[];
const OFFICE: &[Who] = &[Who::Operator];
const MONEY: &[Who] = &[Who::Operator, Who::Bank];
const DESK: &[Who] = &[Who::Officer];
const CARRIES: &[Who] = &[Who::Carrier];
/// Everybody who has a part in the trade on that side.
const KUL_PARTS: &[Who] = &[Who::Seller, Who::Carrier, Who::Officer, Who::Operator, Who::Warehouse];
const KEEPS: &[Who] = &[Who::Warehouse];
const HANDLES: &[Who] = &[Who::Warehouse, Who::Carrier];
const MANIFESTS: &[Who] = &[Who::Warehouse, Who::Carrier, Who::Officer, Who::Operator];
const HGH_PARTS: &[Who] = &[Who::Buyer, Who::Carrier, Who::Officer, Who::Operator];
const KUL_PRICES: &[Who] = &[Who::Seller, Who::Officer, Who::Operator];
const HGH_PRICES: &[Who] = &[Who::Buyer, Who::Officer, Who::Operator];

fn doors(n: u64) -> Vec<Door> {
    let get = |path: String, kul, hgh| Door { method: Method::GET, path, body: Value::Null, kul, hgh };
    let post = |path: String, body: Value, kul, hgh| Door { method: Method::POST, path, body, kul, hgh };
    vec![
        get(at("/trades", n, ""), KUL_PARTS, HGH_PARTS),
        get(at("/api/v1/trades", n, ""), KUL_PARTS, HGH_PARTS),
        get(at("/api/v1/trades", n, "/match"), KUL_PARTS, HGH_PARTS),
        get(at("/trades", n, "/bundle?view=public"), KUL_PARTS, HGH_PARTS),
        get(at("/api/v1/trades", n, "/bundle?view=counterparty"), KUL_PRICES, HGH_PRICES),
        get(
            at("/api/v1/trades", n, "/bundle?view=authority"),
            &[Who::Officer, Who::Operator],
            &[Who::Officer, Who::Operator],
        ),
        get(at("/trades", n, "/waybill"), KUL_PARTS, HGH_PARTS),
        get(at("/trades", n, "/label.pdf"), &[Who::Seller, Who::Carrier, Who::Operator, Who::Warehouse], NOBODY),
        get("/warehouse".into(), KEEPS, KEEPS),
        get("/warehouse/scan".into(), KEEPS, KEEPS),
        get("/warehouse/stock".into(), KEEPS, KEEPS),
        get("/bags".into(), HANDLES, HANDLES),
        get("/manifests".into(), MANIFESTS, MANIFESTS),
        get("/api/v1/manifests".into(), MANIFESTS, MANIFESTS),
        get(at("/trades", n, "/export-declaration"), KUL_PRICES, HGH_PRICES),
        get(at("/trades", n, "/return"), KUL_PARTS, HGH_PARTS),
        get(at("/api/v1/trades", n, "/return"), KUL_PARTS, HGH_PARTS),
        get(at("/trades", n, "/dispute"), &[Who::Seller, Who::Operator], &[Who::Buyer, Who::Operator]),
        get(at("/api/v1/trades", n, "/dispute"), &[Who::Seller, Who::Operator], &[Who::Buyer, Who::Operator]),
        get(at("/officer", n, ""), DESK, DESK),
        get("/officer".into(), DESK, DESK),
        get("/parcels".into(), CARRIES, CARRIES),
        get("/payouts".into(), MONEY, MONEY),
        get("/settlement".into(), OFFICE, OFFICE),
        get("/api/v1/settlement".into(), OFFICE, OFFICE),
        get("/api/v1/audit".into(), OFFICE, OFFICE),
        get("/operator".into(), OFFICE, OFFICE),
        get("/api/v1/summary".into(), OFFICE, OFFICE),
        get("/api/v1/operator/road".into(), OFFICE, OFFICE),
        get("/api/v1/operator/times".into(), OFFICE, OFFICE),
        get("/api/v1/operator/holds".into(), OFFICE, OFFICE),
        get("/api/v1/operator/funnel".into(), OFFICE, OFFICE),
        get("/metrics".into(), OFFICE, OFFICE),
        get("/peers".into(), OFFICE, OFFICE),
        post(at("/api/v1/trades", n, "/acceptance"), json!({}), NOBODY, &[Who::Buyer]),
        post(at("/api/v1/trades", n, "/return"), json!({ "reason": "damaged" }), NOBODY, &[Who::Buyer]),
        post(at("/api/v1/trades", n, "/return/answer"), json!({ "agrees": true }), &[Who::Seller], NOBODY),
        post(at("/api/v1/trades", n, "/return/withdrawal"), json!({}), NOBODY, &[Who::Buyer]),
        post(
            at("/api/v1/trades", n, "/return/waybill"),
            json!({ "no": s10(98), "gross_grams": 1 }),
            CARRIES,
            &[Who::Buyer, Who::Carrier],
        ),
        post(at("/api/v1/trades", n, "/return/undeliverable"), json!({ "said": "x" }), CARRIES, CARRIES),
        post(at("/api/v1/trades", n, "/return/send-back"), json!({ "said": "x" }), DESK, DESK),
        post(at("/api/v1/trades", n, "/return/examination"), json!({ "grants": true, "said": "x" }), DESK, DESK),
        post(
            at("/api/v1/trades", n, "/dispute"),
            json!({ "reason": "damaged", "wants": "all" }),
            NOBODY,
            &[Who::Buyer],
        ),
        post(at("/api/v1/trades", n, "/dispute/answer"), json!({}), &[Who::Seller], NOBODY),
        post(at("/api/v1/trades", n, "/dispute/decision"), json!({ "award": "all", "reason": "x" }), OFFICE, OFFICE),
        post(at("/api/v1/trades", n, "/decision"), json!({ "decision": "release", "reason": "x" }), DESK, DESK),
        post(at("/api/v1/trades", n, "/custody"), json!({ "kind": "departed", "place": "X" }), CARRIES, CARRIES),
        post(at("/api/v1/trades", n, "/export-declaration"), json!({}), &[Who::Seller], NOBODY),
        post(
            at("/api/v1/trades", n, "/waybill"),
            json!({ "no": s10(99), "gross_grams": 1, "consignee": "x" }),
            &[Who::Seller, Who::Carrier, Who::Warehouse],
            CARRIES,
        ),
        post(at("/api/v1/trades", n, "/storage"), json!({}), KEEPS, KEEPS),
        post("/api/v1/bags".into(), json!({ "to": "nobody.sandbox" }), HANDLES, HANDLES),
        post("/api/v1/payout-files".into(), json!({ "file": "PAY-1" }), MONEY, MONEY),
        post("/api/v1/clock".into(), json!({ "to": 0 }), OFFICE, OFFICE),
        post("/api/v1/peers/nobody.sandbox/pause".into(), json!({}), OFFICE, OFFICE),
    ]
}

async fn knock(side: &Side, who: Option<Who>, door: &Door) -> Got {
    if door.method == Method::GET {
        side.get(who, &door.path).await
    } else {
        side.post(who, &door.path, &door.body).await
    }
}

/// Turned away before anything of the house was seen: signed out, not allowed, or not there.
fn is_shut(got: &Got) -> bool {
    matches!(got.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
        || (got.status == StatusCode::SEE_OTHER && got.headers["location"].to_str().unwrap().starts_with("/sign-in"))
}

#[tokio::test]
async fn every_door_is_shut_to_whom_it_does_not_concern() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    for (side, is_kul) in [(&house.kul, true), (&house.hgh, false)] {
        for door in doors(1) {
            let allowed = if is_kul { door.kul } else { door.hgh };
            for who in Who::ALL.into_iter().map(Some).chain([None]) {
                let got = knock(side, who, &door).await;
                let open = who.is_some_and(|w| allowed.contains(&w));
                let what = format!("{} {} {who:?} {}: {}", side.site.id, door.method, door.path, got.status);
                assert!(!got.status.is_server_error(), "{what} {}", got.text());
                if open {
                    // The rules may still refuse what is asked; that is said with a reason of theirs.
                    let here = "trade-unknown-here";
                    assert!(
                        got.status != StatusCode::UNAUTHORIZED && !got.text().contains(here),
                        "{what} {}",
                        got.text()
                    );
                    if door.method == Method::GET {
                        assert_eq!(got.status, StatusCode::OK, "{what} {}", got.text());
                    }
                } else {
                    assert!(is_shut(&got), "{what} {}", got.text());
                }
            }
        }
    }
}

#[tokio::test]
async fn lists_hold_only_what_is_ones_own() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    for (side, who, n) in [
        (&house.kul, Who::Seller, 1),
        (&house.kul, Who::OtherSeller, 0),
        (&house.kul, Who::Operator, 1),
        // Nothing has been declared yet, so customs knows of nothing.
        (&house.kul, Who::Officer, 0),
        (&house.hgh, Who::Buyer, 1),
        (&house.hgh, Who::OtherBuyer, 0),
        (&house.hgh, Who::Bank, 0),
        // No waybill has come to the importing side.
        (&house.hgh, Who::Carrier, 0),
    ] {
        let list = side.get(Some(who), "/api/v1/trades").await.good().json();
        assert_eq!(list["trades"].as_array().unwrap().len(), n, "{} {who:?}", side.site.id);
    }
}

#[tokio::test]
async fn a_carrier_sees_no_price_and_nobody_but_customs_sees_marks_of_persons() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let path = at("/api/v1/trades", 1, "");
    for side in [&house.kul, &house.hgh] {
        let carrier = side.get(Some(Who::Carrier), &path).await.good().text();
        for word in ["minor", "currency", "quote", "payments", "buyer"] {
            assert!(!carrier.contains(word), "{word} in {carrier}");
        }
    }
    for who in [Who::Buyer, Who::Operator] {
        let text = house.hgh.get(Some(who), &path).await.good().text();
        assert!(!text.contains("\"tags\"") && !text.contains("\"payer\":"), "{who:?}: {text}");
    }
    let officer = house.hgh.get(Some(Who::Officer), &path).await.good().text();
    assert!(officer.contains("\"tags\""));
    // On the exporting side there is no buyer at all.
    for who in [Who::Seller, Who::Officer, Who::Operator] {
        let text = house.kul.get(Some(who), &path).await.good().text();
        assert!(!text.contains("\"buyer\":{"), "{who:?}: {text}");
    }
}

#[tokio::test]
async fn no_personal_value_is_in_any_event_bundle_or_page() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    for side in [&house.kul, &house.hgh] {
        for logged in side.hub.events(0, 500).await.unwrap() {
            assert!(!String::from_utf8_lossy(&logged.leaf).contains(CANARY), "{:?}", logged.event.what);
        }
        for view in ["public", "counterparty", "authority"] {
            let path = at("/api/v1/trades", 1, &format!("/bundle?view={view}"));
            let bundle = side.get(Some(Who::Operator), &path).await.good().text();
            assert!(!bundle.contains(CANARY));
        }
        for who in [Who::Carrier, Who::Officer, Who::Operator] {
            let page = side.get(Some(who), &at("/trades", 1, "")).await.good().text();
            assert!(!page.contains(CANARY), "{who:?}");
        }
    }
}

#[tokio::test]
async fn an_officer_does_not_decide_on_what_is_the_officers_own() {
    let house = House::open().await;
    house.trade(1, Ware::Cream, 240, Reach::Lodged).await;
    let body = json!({ "decision": "release", "reason": "" });
    let got = house.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", 1, "/decision"), &body).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}
