//! What a seller says of batteries and liquids, and what it is told in answer.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::house::{House, Who};

fn power_bank(battery: Value) -> Value {
    let mut goods = json!({ "sku": "POWER-1", "name": "Power bank", "description": "Power bank 10000 mAh in a case",
        "hs": "850760", "origin": "MY", "weight_grams": 240, "price": { "minor": 8_900, "currency": "MYR" } });
    if !battery.is_null() {
        goods["battery"] = battery;
    }
    goods
}

/// The codes of what is told on the lane for businesses, which goes by air.
fn told(product: &Value) -> Vec<String> {
    let lanes = product["gaps"].as_array().unwrap();
    let lane = lanes.iter().find(|lane| lane["regime"] == "b2b").unwrap();
    let codes = lane["gaps"].as_array().unwrap().iter().map(|gap| gap["code"].as_str().unwrap().to_owned());
    codes.filter(|code| !["permit-needed", "rate-unknown", "list-unknown"].contains(&code.as_str())).collect()
}

#[tokio::test]
async fn a_battery_is_asked_for_told_and_refused_where_it_is_charged_too_far() {
    let house = House::open().await;
    let offer =
        async |battery: Value| house.kul.post(Some(Who::Seller), "/api/v1/products", &power_bank(battery)).await;
    let asked = offer(Value::Null).await.good().json();
    assert_eq!(told(&asked), ["battery-unknown"]);
    let path = format!("/products/{}", asked["id"].as_str().unwrap());
    for (lang, says) in
        [("en", "Is there a lithium battery"), ("ms", "Adakah bateri litium"), ("zh-CN", "是否含锂电池")]
    {
        let page = house.kul.get(Some(Who::Seller), &format!("{path}?lang={lang}")).await.good().text();
        // The question stands with its fix and the way to the field, which stands open.
        for part in [says, "href=\"#battery\"", "<details id=\"battery\" open>", "<details id=\"liquid\">"] {
            assert!(page.contains(part), "{lang}: {part} is not in {page}");
        }
    }
    let with =
        |charge: i64| json!({ "chemistry": "ion", "packed": "with", "milliwatt_hours": 37_000, "charge": charge });
    assert_eq!(told(&offer(with(50)).await.good().json()), ["charge-too-high", "battery-goes-as"]);
    assert_eq!(told(&offer(with(30)).await.good().json()), ["battery-goes-as"]);
    let alone = json!({ "chemistry": "ion", "packed": "alone", "milliwatt_hours": 37_000, "charge": 30 });
    assert_eq!(told(&offer(alone).await.good().json()), ["battery-goes-as", "not-on-passenger-aircraft"]);
    assert_eq!(told(&offer(json!({ "chemistry": "none" })).await.good().json()), Vec::<String>::new());
    for (battery, code) in [
        (with(101), "charge-out-of-range"),
        (json!({ "chemistry": "ion", "milliwatt_hours": 0 }), "watt-hours-out-of-range"),
        (json!({ "chemistry": "none", "charge": 1 }), "no-such-battery"),
    ] {
        let got = offer(battery).await;
        assert_eq!(
            (got.status, &got.json()["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)),
            "{}",
            got.text()
        );
    }
}

#[tokio::test]
async fn the_form_takes_battery_and_liquid_and_says_what_it_does_not_take() {
    let house = House::open().await;
    let goods = "sku=PERF-1&name=Eau+de+toilette&description=Eau+de+toilette+in+glass&hs=330300&origin=MY&weight=0.3&price=90&content=50&content_unit=ml";
    let wrong = format!("{goods}&battery=ion&watt_hours=lots&charge=150");
    let got = house.kul.form(Some(Who::Seller), "/products", &wrong).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.text().contains("watt-hours-fault") && got.text().contains("charge-fault"), "{}", got.text());
    let right = format!("{goods}&battery=none&liquid=liquid&flammable=true");
    let saved = house.kul.form(Some(Who::Seller), "/products", &right).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let path = saved.headers["location"].to_str().unwrap().to_owned();
    let product = house.kul.get(Some(Who::Seller), &format!("/api/v1{path}")).await.good().json();
    assert_eq!(
        product["goods"]["hazards"],
        json!({ "battery": { "chemistry": "none" }, "liquid": { "form": "liquid", "flammable": true } })
    );
    assert_eq!(told(&product), ["flammable-goods"]);
    let page = house.kul.get(Some(Who::Seller), &path).await.good().text();
    assert!(page.contains("<option value=\"true\" selected>"), "{page}");
}
