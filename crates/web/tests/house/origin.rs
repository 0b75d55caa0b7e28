//! A seller states what goods are made of; certificates of origin are made out from it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::house::{House, Reach, Side, Ware, Who, at};

fn myr(minor: i64) -> Value {
    json!({ "minor": minor, "currency": "MYR" })
}

/// A towel at 40.00: yarn from India for so much, and labour for 6.00.
fn bill(yarn: i64) -> Value {
    json!({ "fob": myr(4_000), "materials": [{ "description": "Cotton yarn of a secret mill", "hs": "520512",
        "value": myr(yarn), "origin": "IN" }], "costs": { "labour": myr(600) } })
}

pub async fn state(side: &Side, product: &str, bill: &Value) -> Value {
    side.post(Some(Who::Seller), &format!("/api/v1/products/{product}/materials"), bill).await.good().json()
}

#[tokio::test]
async fn a_bill_of_materials_gives_a_verdict_with_its_working_and_stays_with_the_seller() {
    let house = House::open().await;
    let towel = house.towel();
    let before = house.kul.get(Some(Who::Seller), &format!("/api/v1/products/{towel}/origin")).await.good().json();
    assert_eq!((&before["bill"], before["origins"].as_array().unwrap().len()), (&Value::Null, 0));
    // 24.01 from outside of 40.00 leaves 39.97 %; one sen less is 40 %.
    state(&house.kul, &towel, &bill(2_401)).await;
    let told = house.kul.get(Some(Who::Seller), &format!("/api/v1/products/{towel}/origin")).await.good().json();
    let acfta = &told["origins"][0];
    assert_eq!((&acfta["agreement"], &acfta["criterion"]), (&json!("acfta"), &Value::Null));
    assert_eq!(acfta["change"], json!({ "code": "cheaper-material", "material": 1, "by": myr(1) }));
    assert_eq!(acfta["value"]["build_down"], json!(399_700_000));
    // Yarn of 5205 becomes a towel of 6302: under RCEP that is enough.
    assert_eq!(told["origins"][1]["criterion"], "CTC");
    let product = state(&house.kul, &towel, &bill(2_400)).await;
    assert_eq!(product["preferences"][0], json!({ "agreement": "acfta", "criterion": "RVC" }));

    // What crosses the road is the result, and nothing of what led to it.
    house.carry().await;
    let offers = house.hgh.get(None, "/api/v1/offers").await.good();
    assert!(offers.text().contains(r#""criterion":"RVC""#) && !offers.text().contains("secret mill"));
    let events = house.kul.get(Some(Who::Operator), "/api/v1/events").await.text();
    assert!(!events.contains("secret mill") && !events.contains("520512"), "{events}");
    for who in [Some(Who::OtherSeller), Some(Who::Officer), Some(Who::Operator), None] {
        let got = house.kul.get(who, &format!("/api/v1/products/{towel}/origin")).await;
        assert!(got.status.is_client_error(), "{who:?}: {}", got.text());
    }
}

#[tokio::test]
async fn a_bill_that_cannot_be_is_refused_with_its_place_in_every_language() {
    let house = House::open().await;
    let towel = house.towel();
    let path = format!("/api/v1/products/{towel}/materials");
    let material = |fields: Value| {
        let mut whole = json!({ "description": "Yarn", "value": myr(100) });
        whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "fob": myr(4_000), "materials": [whole] })
    };
    for (body, code) in [
        (json!({ "fob": myr(0) }), "fob-not-positive"),
        (json!({ "fob": { "minor": 1, "currency": "CNY" } }), "materials-currency"),
        (bill(3_401), "costs-above-price"),
        (material(json!({ "value": myr(-1) })), "material-value"),
        (material(json!({ "description": " " })), "material-description"),
        (material(json!({ "weight": 0 })), "material-weight"),
        (material(json!({ "quantity": "x".repeat(41) })), "material-quantity"),
        (material(json!({ "proved": ["cptpp"] })), "agreement-unknown"),
        (json!({ "fob": myr(1), "costs": { "profit": myr(-1) } }), "cost-negative"),
        (
            json!({ "fob": myr(100), "wholly_obtained": true, "materials": [{ "description": "x", "value": myr(1) }] }),
            "wholly-obtained-of-materials",
        ),
        (
            json!({ "fob": myr(99_999), "materials": vec![json!({ "description": "x", "value": myr(1) }); 51] }),
            "too-many-materials",
        ),
    ] {
        let got = house.kul.post(Some(Who::Seller), &path, &body).await;
        // What is not known is not there; everything else is not taken.
        let status = if code.ends_with("-unknown") { StatusCode::NOT_FOUND } else { StatusCode::UNPROCESSABLE_ENTITY };
        assert_eq!((got.status, &got.json()["code"]), (status, &json!(code)), "{}", got.text());
    }
    let page = format!("/products/{towel}/materials");
    for lang in ["en", "ms", "zh-CN"] {
        let form = "fob=forty&description_1=Yarn&value_1=x&hs_1=12&origin_1=ZZ&description_2=&value_2=1";
        let got = house.kul.form(Some(Who::Seller), &format!("{page}?lang={lang}"), form).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
        // The price, and of the first row value, code and country; the second has no name.
        assert_eq!(got.text().matches("class=\"fault\"").count(), 5, "{lang}: {}", got.text());
    }
    let form = "fob=40.00&description_1=Yarn&value_1=12.00&hs_1=520512&origin_1=in&proved_1=rcep&labour=6.00";
    assert_eq!(house.kul.form(Some(Who::Seller), &page, form).await.status, StatusCode::SEE_OTHER);
    for (lang, says) in [("en", "originates: RVC"), ("ms", "layak: RVC"), ("zh-CN", "符合原产：RVC")] {
        let shown = house.kul.get(Some(Who::Seller), &format!("{page}?lang={lang}")).await.good().text();
        // (40.00 − 12.00) / 40.00 = 70 %
        for part in [says, "(40.00 − 12.00) / 40.00", "70\u{a0}%", "value=\"IN\""] {
            assert!(shown.contains(part), "{lang}: {part} is not in {shown}");
        }
        assert!(!shown.contains(">["), "a word is missing: {shown}");
    }
}

#[tokio::test]
async fn a_certificate_is_made_out_once_nothing_is_missing() {
    let house = House::open().await;
    let towel = house.towel();
    house.trade(1, Ware::Towel, 500, Reach::Ordered).await;
    let get = async |who, rest: &str| house.kul.get(Some(who), &at("/api/v1/trades", 1, rest)).await;
    let lacks = get(Who::Seller, "/origin/acfta").await;
    let codes: Vec<Value> = lacks.json()["lacks"].as_array().unwrap().iter().map(|l| l["code"].clone()).collect();
    assert_eq!(
        (lacks.status, codes),
        (StatusCode::UNPROCESSABLE_ENTITY, vec![json!("waybill-missing"), json!("materials-missing")])
    );
    let page = house.kul.get(Some(Who::Seller), &at("/trades", 1, "/origin/acfta")).await.good().text();
    assert!(page.contains("TOWEL") && !page.contains("certificate.pdf"), "{page}");

    house.trade(2, Ware::Towel, 500, Reach::Departed).await;
    let get = async |who, rest: &str| house.kul.get(Some(who), &at("/api/v1/trades", 2, rest)).await;
    state(&house.kul, &towel, &bill(2_401)).await;
    let no = get(Who::Seller, "/origin/acfta").await.json();
    assert_eq!(no["lacks"][0]["code"], "does-not-originate");
    state(&house.kul, &towel, &bill(2_400)).await;
    let made = get(Who::Seller, "/origin/acfta").await.good().json();
    // Two towels of 250 g at 40.00.
    let line = &made["lines"][0];
    assert_eq!(
        (&line["criterion"], &line["regional_value"], &line["fob"]),
        (&json!("RVC"), &json!(400_000_000), &myr(8_000))
    );
    assert_eq!((&line["gross"], &made["gross"], &made["form"]), (&json!(500), &json!(500), &json!("form-e")));
    assert_eq!((&made["invoice_no"], &made["consignee"]), (&json!("A-26-000002"), &json!("DLV-000002")));
    let pdf = get(Who::Officer, "/origin/acfta/certificate.pdf").await.good();
    assert!(pdf.body.starts_with(b"%PDF"));
    let xml = get(Who::Seller, "/origin/rcep/certificate.xml").await.good().text();
    assert!(xml.contains("CertificateOfOrigin") && xml.contains("<cbc:PreferenceCriterionCode>CTC<"), "{xml}");
    for lang in ["en", "ms", "zh-CN"] {
        let page = house.kul.get(Some(Who::Seller), &format!("{}?lang={lang}", at("/trades", 2, "/origin/rcep"))).await;
        let page = page.good().text();
        assert!(page.contains("certificate.pdf") && page.contains("CTC") && !page.contains(">["), "{lang}: {page}");
        let pdf = format!("{}?lang={lang}", at("/trades", 2, "/origin/rcep/certificate.pdf"));
        assert!(house.kul.get(Some(Who::Seller), &pdf).await.good().body.starts_with(b"%PDF"), "{lang}");
    }
    assert_eq!(get(Who::Seller, "/origin/cptpp").await.json()["code"], "agreement-unknown");
    // Those who carry or buy have no part in it, nor has the other hub.
    assert_eq!(get(Who::Carrier, "/origin/acfta").await.status, StatusCode::NOT_FOUND);
    let there = house.hgh.get(Some(Who::Officer), &at("/api/v1/trades", 2, "/origin/acfta")).await;
    assert_eq!(there.status, StatusCode::NOT_FOUND);
}
