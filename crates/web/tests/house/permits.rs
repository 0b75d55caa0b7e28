//! A certificate for honey from asking to the other side's sight of it; a broker within its mandate.

use axum::http::StatusCode;
use serde_json::{Value, json};
use trade::mandate::Act;

use crate::house::{House, Reach, Ware, Who, at, id, trade_no};

fn code(problem: &Value) -> &str {
    problem["code"].as_str().unwrap_or_default()
}

fn permit_id() -> String {
    id::<trade::permit::Permit>(500).to_string()
}

fn ask(pieces: i64) -> Value {
    json!({ "permit": permit_id(), "hs": "0409.00", "peer": "hgh.sandbox", "pieces": pieces, "note": "Batch 7" })
}

fn grant(pieces: i64) -> Value {
    json!({ "decision": "grant", "no": "HC-2026-7", "pieces": pieces, "from": "2026-11-23", "until": "2027-05-22" })
}

#[tokio::test]
async fn honey_waits_for_its_certificate_and_goes_with_it() {
    let house = House::open().await;
    house.trade(1, Ware::Honey, 1_200, Reach::Lodged).await;
    assert_eq!(house.stage(&house.kul, 1).await, "export-held");
    let kul = &house.kul;
    // The seller is told what is missing, who gives it, and where to ask.
    let page = kul.get(Some(Who::Seller), &at("/trades", 1, "")).await.good().text();
    assert!(page.contains("/permits\">Bring the permit"), "{page}");
    let needs = kul.get(Some(Who::Seller), &at("/trades", 1, "/permits")).await.good().text();
    assert!(needs.contains("2 pieces missing") && needs.contains("/permits/new?hs=040900"), "{needs}");
    assert!(needs.contains("unverified rule") && needs.contains("my.export.health-certificate"));
    let products = kul.get(Some(Who::Seller), "/products").await.good().text();
    let links = products.split("href=\"").filter(|link| link.starts_with("/products/prd_"));
    let honey = links.filter(|link| link.contains("Forest honey")).find_map(|link| link.split('"').next());
    let honey = honey.expect("the product is listed").to_owned();
    let product = kul.get(Some(Who::Seller), &honey).await.good().text();
    assert!(product.contains("Health certificate missing") && product.contains("/permits/new?hs=040900"), "{product}");
    // By form, as people ask.
    let form = format!("id={}&hs=0409.00&peer=hgh.sandbox&pieces=5&note=Batch+7", permit_id());
    for bad in [
        "hs=0409&peer=hgh.sandbox&pieces=5",
        "hs=040900&peer=hgh.sandbox&pieces=many",
        "hs=210112&peer=hgh.sandbox&pieces=5",
    ] {
        let refused = kul.form(Some(Who::Seller), "/permits", bad).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert_eq!(kul.form(Some(Who::Seller), "/permits", &form).await.status, StatusCode::SEE_OTHER);
    let path = format!("/permits/{}", permit_id());
    let queue = kul.get(Some(Who::Agency), "/agency").await.good().text();
    assert!(queue.contains("1 permit waits") && queue.contains(&path), "{queue}");
    // Whom it does not concern learns nothing of it.
    for who in [Who::OtherSeller, Who::Carrier, Who::Officer, Who::Broker, Who::Bank] {
        assert_eq!(kul.get(Some(who), &path).await.status, StatusCode::NOT_FOUND, "{who:?}");
        let decided = kul.post(Some(who), &format!("/api/v1{path}/decision"), &grant(5)).await;
        assert_eq!(decided.status, StatusCode::FORBIDDEN, "{who:?}");
    }
    // The agency asks back; the seller answers; the agency grants.
    let asked = kul.form(Some(Who::Agency), &format!("{path}/decision"), "decision=ask&reason=Which+apiary%3F").await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    assert!(kul.get(Some(Who::Seller), &path).await.good().text().contains("Which apiary?"));
    assert_eq!(
        kul.form(Some(Who::Seller), &format!("{path}/answer"), "answer=Of+Pahang").await.status,
        StatusCode::SEE_OTHER
    );
    let late = kul
        .form(
            Some(Who::Agency),
            &format!("{path}/decision"),
            "decision=grant&no=HC-1&pieces=9&from=2026-11-23&until=2027-05-22",
        )
        .await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "more than was asked");
    assert!(late.text().contains("value=\"HC-1\""), "what was typed is kept");
    kul.post(Some(Who::Agency), &format!("/api/v1{path}/decision"), &grant(5)).await.good();
    // The product is ready by it now, and the trade takes it up.
    let product = kul.get(Some(Who::Seller), &honey).await.good().text();
    assert!(product.contains("Health certificate HC-2026-7") && !product.contains("certificate missing"), "{product}");
    let choose = kul.get(Some(Who::Seller), &at("/trades", 1, "/permits")).await.good().text();
    assert!(choose.contains("HC-2026-7"), "{choose}");
    let used = kul.form(Some(Who::Seller), &at("/trades", 1, "/permits"), &format!("permit={}", permit_id())).await;
    assert_eq!(used.status, StatusCode::SEE_OTHER, "{}", used.text());
    assert_eq!(house.stage(kul, 1).await, "export-released");
    let permit = kul.get(Some(Who::Seller), &format!("/api/v1{path}")).await.good().json();
    assert_eq!(permit["drawn"], 2);
    house.carry().await;
    let there = house.hgh.get(Some(Who::Officer), &at("/trades", 1, "")).await.good().text();
    assert!(there.contains("HC-2026-7") && !there.contains("Batch 7") && !there.contains("Pahang"));
    // What stands in the public bundle says nothing of it; the other side's view has the number.
    for (view, shows) in [("public", false), ("counterparty", true)] {
        let path = at("/api/v1/trades", 1, &format!("/bundle?view={view}"));
        let bundle = kul.get(Some(Who::Operator), &path).await.good().json();
        assert_eq!(bundle["bundle"]["trade"].to_string().contains("HC-2026-7"), shows, "{view}");
    }
    // A second order draws by itself, as far as it goes: 3 of 5 are left, 2 are needed.
    house.trade(2, Ware::Honey, 1_200, Reach::Lodged).await;
    assert_eq!(house.stage(kul, 2).await, "import-released");
    house.trade(3, Ware::Honey, 1_200, Reach::Lodged).await;
    assert_eq!(house.stage(kul, 3).await, "export-held", "one is left, two are needed");
}

#[tokio::test]
async fn a_broker_sees_and_does_what_its_mandate_says_and_nothing_else() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Waybill).await;
    let kul = &house.kul;
    let trade = at("/trades", 1, "");
    assert_eq!(kul.get(Some(Who::Broker), &trade).await.status, StatusCode::NOT_FOUND);
    let mandate = id::<trade::mandate::Mandate>(600).to_string();
    let give = |acts: &[Act]| {
        json!({ "mandate": mandate, "broker": Who::Broker.party(), "acts": acts,
            "until": hub::testing::START.plus_days(trade::time::Days(30)) })
    };
    let refused = kul.post(Some(Who::Carrier), "/api/v1/mandates", &give(&[Act::Lodge])).await;
    assert_eq!(code(&refused.json()), "not-a-giver");
    kul.post(Some(Who::Seller), "/api/v1/mandates", &give(&[Act::Lodge])).await.good();
    // Offered is not in force.
    assert_eq!(kul.get(Some(Who::Broker), &trade).await.status, StatusCode::NOT_FOUND);
    assert!(kul.get(Some(Who::Broker), "/clients").await.good().text().contains("1 mandate waits"));
    let accept = kul.form(Some(Who::Broker), &format!("/mandates/{mandate}/answer"), "answer=accept").await;
    assert_eq!(accept.status, StatusCode::SEE_OTHER, "{}", accept.text());
    // The client's trade, what waits in it, and the form.
    let clients = kul.get(Some(Who::Broker), "/clients").await.good().text();
    assert!(clients.contains("A-26-000001") && clients.contains("lodge the export declaration"), "{clients}");
    let page = kul.get(Some(Who::Broker), &trade).await.good().text();
    assert!(page.contains("/export-declaration"), "{page}");
    let list = kul.get(Some(Who::Broker), "/api/v1/trades").await.good().json();
    assert_eq!(list["trades"].as_array().unwrap().len(), 1);
    kul.post(Some(Who::Broker), &at("/api/v1/trades", 1, "/export-declaration"), &json!({})).await.good();
    let events = kul.hub.events_of(&trade_no(1)).await.unwrap();
    let acted = events.iter().find(|e| e.event.what.kind() == "acted-under-mandate").expect("it says whose act it was");
    let text = String::from_utf8_lossy(&acted.leaf).into_owned();
    assert!(text.contains(&Who::Broker.party().text()) && text.contains(&Who::Seller.party().text()));
    // Correcting and permits are not in it; money and other firms' trades never are.
    let body = json!({ "corrects": true, "gross_grams": 510 });
    let outside = kul.post(Some(Who::Broker), &at("/api/v1/trades", 1, "/export-declaration"), &body).await;
    assert_eq!(code(&outside.json()), "outside-mandate");
    let asked = json!({ "permit": permit_id(), "holder": Who::Seller.party(), "hs": "040900", "peer": "hgh.sandbox", "pieces": 5 });
    assert_eq!(code(&kul.post(Some(Who::Broker), "/api/v1/permits", &asked).await.json()), "outside-mandate");
    assert_eq!(kul.get(Some(Who::Broker), "/payouts").await.status, StatusCode::FORBIDDEN);
    // Ended by the client: gone at once.
    let end = kul.form(Some(Who::Seller), &format!("/mandates/{mandate}/end"), "").await;
    assert_eq!(end.status, StatusCode::SEE_OTHER);
    assert_eq!(kul.get(Some(Who::Broker), &trade).await.status, StatusCode::NOT_FOUND);
    let late = kul.post(Some(Who::Broker), &at("/api/v1/trades", 1, "/export-declaration"), &json!({})).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    assert_eq!(kul.get(Some(Who::Broker), "/permits?for=pty_x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_broker_asks_for_a_permit_for_its_client() {
    let house = House::open().await;
    let kul = &house.kul;
    let mandate = id::<trade::mandate::Mandate>(601).to_string();
    let body = json!({ "mandate": mandate, "broker": Who::Broker.party(), "acts": ["permits"],
        "until": hub::testing::START.plus_days(trade::time::Days(30)) });
    kul.post(Some(Who::Seller), "/api/v1/mandates", &body).await.good();
    kul.post(Some(Who::Broker), &format!("/api/v1/mandates/{mandate}/answer"), &json!({ "answer": "accept" }))
        .await
        .good();
    let form = format!("id={}&for={}&hs=040900&peer=hgh.sandbox&pieces=5", permit_id(), Who::Seller.party());
    let asked = kul.form(Some(Who::Broker), "/permits", &form).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    let path = format!("/permits/{}", permit_id());
    kul.post(
        Some(Who::Agency),
        &format!("/api/v1{path}/decision"),
        &json!({ "decision": "ask", "question": "Which?" }),
    )
    .await
    .good();
    assert!(kul.get(Some(Who::Broker), "/clients").await.good().text().contains(&path));
    kul.form(Some(Who::Broker), &format!("{path}/answer"), "answer=This").await;
    kul.post(
        Some(Who::Agency),
        &format!("/api/v1{path}/decision"),
        &json!({ "decision": "refuse", "reason": "No test" }),
    )
    .await
    .good();
    let seen = kul.get(Some(Who::Seller), &path).await.good().text();
    assert!(seen.contains("No test") && seen.contains("refused"), "{seen}");
    // The seller's own permit is in both lists.
    for (who, list) in
        [(Who::Seller, "/permits".to_owned()), (Who::Broker, format!("/permits?for={}", Who::Seller.party()))]
    {
        assert!(kul.get(Some(who), &list).await.good().text().contains(&path), "{who:?}");
    }
    assert_eq!(ask(1)["pieces"], 1);
}

#[tokio::test]
async fn the_desks_of_agency_and_broker_have_their_words_in_every_language() {
    let house = House::open().await;
    house.trade(1, Ware::Honey, 1_200, Reach::Lodged).await;
    house.kul.post(Some(Who::Seller), "/api/v1/permits", &ask(5)).await.good();
    let permit = format!("/permits/{}", permit_id());
    for (who, path) in [
        (Who::Agency, "/agency".to_owned()),
        (Who::Agency, permit.clone()),
        (Who::Seller, permit),
        (Who::Seller, "/permits".to_owned()),
        (Who::Seller, "/permits/new?hs=040900".to_owned()),
        (Who::Seller, "/mandates".to_owned()),
        (Who::Seller, at("/trades", 1, "/permits")),
        (Who::Broker, "/clients".to_owned()),
        (Who::Broker, "/mandates".to_owned()),
        (Who::Broker, "/trades".to_owned()),
        (Who::Officer, at("/officer", 1, "")),
    ] {
        for lang in ["en", "ms", "zh"] {
            let page = house
                .kul
                .get(Some(who), &format!("{path}{}lang={lang}", if path.contains('?') { "&" } else { "?" }))
                .await
                .good();
            let text = page.text();
            assert!(
                page.body.len() < 100_000 && crate::papers::first_missing(&text).is_empty(),
                "{path} {lang}: {}",
                crate::papers::first_missing(&text)
            );
        }
    }
}
