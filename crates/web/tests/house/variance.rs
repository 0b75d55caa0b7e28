//! What customs charged beside what was quoted, as the operator sees it, and who else may not.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::house::{House, Reach, Ware, Who, at, s10, trade_no};

/// Two towels, declared at four fifths of their price, and let in by an officer all the same.
///
/// RM 80.00 × 1.618448 = 129.48 and carriage RM 18.00 -> 29.13, together 158.61: × 13 % × 70 % = 14.43 quoted.
/// Declared at RM 64.00 -> 103.58, with the carriage 132.71: × 9.1 % = 12.08 charged, which is 2.35 less.
async fn let_in(house: &House, n: u64) {
    house.trade(n, Ware::Towel, 500, Reach::Paid).await;
    let body = json!({ "no": s10(n), "gross_grams": 500, "consignee": format!("DLV-{n:06}") });
    house.kul.post(Some(Who::Carrier), &at("/api/v1/trades", n, "/waybill"), &body).await.good();
    let file = house.kul.hub.trade(&trade_no(n)).await.unwrap().unwrap();
    let product = file.order.as_ref().unwrap().quote.lines[0].product;
    let line = json!({
        "product": product, "hs": "630260", "origin": "MY", "pieces": 2,
        "value": { "minor": 6_400, "currency": "MYR" },
    });
    let body = json!({ "lines": [line] });
    house.kul.post(Some(Who::Seller), &at("/api/v1/trades", n, "/export-declaration"), &body).await.good();
    house.carry().await;
    assert_eq!(house.stage(&house.hgh, n).await, "import-held", "the value does not agree");
    let decision = json!({ "decision": "release", "reason": "Seen" });
    house.hgh.post(Some(Who::Officer), &at("/api/v1/trades", n, "/decision"), &decision).await.good();
    house.carry().await;
}

async fn told(house: &House, query: &str) -> Value {
    house.hgh.get(Some(Who::Operator), &format!("/api/v1/variance{query}")).await.good().json()
}

#[tokio::test]
async fn the_operator_alone_sees_variances_and_at_first_there_are_none() {
    let house = House::open().await;
    for side in [&house.kul, &house.hgh] {
        for who in Who::ALL.into_iter().filter(|who| side.has(*who)) {
            let (page, api) = (side.get(Some(who), "/variance").await, side.get(Some(who), "/api/v1/variance").await);
            let want = if who == Who::Operator { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!((page.status, api.status), (want, want), "{who:?}");
        }
        assert_eq!(side.get(None, "/variance").await.status, StatusCode::SEE_OTHER, "to the sign-in");
        assert_eq!(side.get(None, "/api/v1/variance").await.status, StatusCode::UNAUTHORIZED);
    }
    // An import that is charged as it was quoted is none.
    house.trade(1, Ware::Towel, 500, Reach::Accepted).await;
    let none = told(&house, "").await;
    assert_eq!((&none["groups"], &none["next"]), (&json!([]), &Value::Null));
    assert_eq!((&none["lost"]["minor"], &none["held"]["minor"]), (&json!(0), &json!(0)));
    for (lang, says) in [("en", "No import was charged otherwise"), ("ms", "Tiada import"), ("zh", "没有")] {
        let page = house.hgh.get(Some(Who::Operator), &format!("/variance?lang={lang}")).await.good().text();
        assert!(page.contains(says) && !page.contains("<table"), "{page}");
    }
    // A group that is none has no trades.
    assert_eq!(told(&house, "?group=2026-11/none/vat/").await["trades"], json!([]));
}

#[tokio::test]
async fn a_variance_is_held_and_then_booked_with_its_kind_and_the_balance() {
    let house = House::open().await;
    let_in(&house, 1).await;
    let all = told(&house, "").await;
    let group = &all["groups"][0];
    assert_eq!(all["groups"].as_array().unwrap().len(), 1, "{all}");
    let minor = |value: &Value| value["minor"].as_i64().unwrap();
    assert_eq!((&group["charge"], &group["month"]), (&json!("vat"), &json!("2026-11")), "{group}");
    assert_eq!((minor(&group["quoted"]), minor(&group["charged"])), (1_443, 1_208), "{group}");
    assert_eq!((&group["trades"], &group["above"], &group["given_back"]), (&json!(1), &json!(0), &json!(0)));
    assert_eq!(group["pack"].as_str(), Some(&*house.hgh.site.rulebook().unwrap().digest));
    assert_eq!(minor(&all["lost"]), 0, "the buyer's money is not let go yet: {all}");

    let query = format!("?group={}", web::problem::percent(group["group"].as_str().unwrap()));
    let trades = told(&house, &query).await["trades"].clone();
    assert_eq!((&trades[0]["trade"], &trades[0]["state"]), (&json!(trade_no(1)), &json!("held")), "{trades}");

    for kind in ["handed-over", "departed"] {
        let body = json!({ "kind": kind, "place": "MYKUL" });
        house.kul.post(Some(Who::Carrier), &at("/api/v1/trades", 1, "/custody"), &body).await.good();
    }
    house.carry().await;
    for kind in ["arrived", "out-for-delivery", "delivered"] {
        let body = json!({ "kind": kind, "place": "CNHGH" });
        house.hgh.post(Some(Who::Carrier), &at("/api/v1/trades", 1, "/custody"), &body).await.good();
    }
    house.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", 1, "/acceptance"), &json!({})).await.good();
    let booked = told(&house, "").await;
    // Less than nothing is lost: the hub keeps the 2.35 that customs did not charge.
    assert_eq!((minor(&booked["lost"]), minor(&booked["held"])), (-235, 0), "{booked}");
    assert_eq!(told(&house, &query).await["trades"][0]["state"], "booked");
    for (lang, kind, booked) in [("en", "VAT", "booked"), ("ms", "VAT", "dibukukan"), ("zh", "增值税", "已入账")]
    {
        let page = house.hgh.get(Some(Who::Operator), &format!("/variance?lang={lang}")).await.good().text();
        for shown in ["14.43", "12.08", "2.35", kind, "2026-11"] {
            assert!(page.contains(shown), "{lang} {shown}: {page}");
        }
        let page = house.hgh.get(Some(Who::Operator), &format!("/variance{query}&lang={lang}")).await.good().text();
        assert!(page.contains("A-26-000001") && page.contains(booked), "{lang}: {page}");
    }
    // The trade's own page says it to the operator.
    let page = house.hgh.get(Some(Who::Operator), &format!("{}?lang=en", at("/trades", 1, ""))).await.good().text();
    assert!(page.contains("less than quoted; stays with the importing hub"), "{page}");
}
