//! Who confirms a price, until when; that it is over; or that nobody does, and why: wherever a price is shown.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use hub::Hub;
use hub::clock::Clock;
use hub::testing::{self, WALL};
use serde_json::{Value, json};
use tower::ServiceExt;
use trade::card::Mode;
use trade::clock::MoveClock;
use trade::codes::Country;
use trade::commands::Command;
use trade::rulebook::{Rulebooks, Standing, builtin, builtin_folders, read_folder};
use trade::time::Days;
use web::{AppState, Settings};

use crate::house::{House, Who, request};

/// (language, confirmed, was confirmed, not confirmed)
const WORDS: [(&str, &str, &str, &str); 3] = [
    ("en", "Confirmed by hgh.sandbox", "Was confirmed by hgh.sandbox; expired", "Not confirmed"),
    ("ms", "Disahkan oleh hgh.sandbox", "Pernah disahkan oleh hgh.sandbox; tamat tempoh", "Belum disahkan"),
    ("zh", "由 hgh.sandbox 确认", "曾由 hgh.sandbox 确认；已过期", "未经确认"),
];

async fn a_week_and_a_day(house: &House) {
    for side in [&house.kul, &house.hgh] {
        side.command(Command::MoveClock(MoveClock { to: testing::START.plus_days(Days(8)) })).await;
    }
}

#[tokio::test]
async fn a_quote_says_who_confirmed_it_until_when_and_that_this_is_over() {
    let house = House::open().await;
    let ask = json!({ "exporter": "kul.sandbox", "lines": [{ "product": house.towel(), "pieces": 2 }] });
    let quote = house.hgh.post(Some(Who::Buyer), "/api/v1/quotes", &ask).await.good().json();
    let confirmed = &quote["confirmed"];
    assert_eq!((&confirmed["by"], &confirmed["why_not"]), (&json!("hgh.sandbox"), &Value::Null), "{quote}");
    assert_eq!(
        (&confirmed["key"], &confirmed["until"]),
        (&json!(house.hgh.site.card.keys[0].id()), &quote["expires_at"])
    );
    let path = format!("/quotes/{}", quote["id"].as_str().unwrap());
    for (lang, by, was, nobody) in WORDS {
        let page = house.hgh.get(Some(Who::Buyer), &format!("{path}?lang={lang}")).await.good().text();
        assert!(page.contains(by) && !page.contains(was) && !page.contains(nobody), "{lang}: {page}");
        assert!(page.contains(confirmed["key"].as_str().unwrap()), "{lang}: {page}");
    }
    a_week_and_a_day(&house).await;
    for (lang, _, was, nobody) in WORDS {
        let page = house.hgh.get(Some(Who::Buyer), &format!("{path}?lang={lang}")).await.good().text();
        assert!(page.contains(was) && !page.contains(nobody) && !page.contains("action=\"/orders\""), "{lang}: {page}");
    }
    // It is nobody else's.
    let other = house.hgh.get(Some(Who::OtherBuyer), &path).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_price_that_nobody_confirms_says_why() {
    let house = House::open().await;
    // (where, what, code, what the page says)
    for (side, query, code, says) in [
        (&house.kul, "to=CN&hs=210112&value=100.00&origin=MY", "market-of-another-hub", "hgh.sandbox"),
        (&house.kul, "to=FR&hs=640399&value=60.00&origin=CN&date=2026-11-23", "market-without-hub", "No hub"),
        (&house.hgh, "to=CN&hs=210112&value=100.00&origin=MY", "rules-unverified", "cn.cbec"),
        (&house.hgh, "to=CN&hs=210112&value=100.00&origin=MY&date=2026-11-24", "not-of-today", "2026"),
    ] {
        let told = side.get(None, &format!("/api/v1/landed-cost?{query}")).await.good().json();
        assert_eq!((&told["countersigned"], &told["why_not"]["code"]), (&Value::Null, &json!(code)), "{told}");
        let page = side.get(None, &format!("/calculator?{query}&lang=en")).await.good().text();
        assert!(page.contains("Not confirmed") && page.contains(says), "{code}: {page}");
    }
    let estimate =
        "from=kul.sandbox&pieces=1&description=Cotton+kitchen+towel&hs=630260&origin=MY&price=40&weight=0.25";
    for (lang, by, _, nobody) in WORDS {
        let page = house.hgh.get(None, &format!("/estimate?{estimate}&lang={lang}")).await.good().text();
        assert!(page.contains(nobody) && !page.contains(by), "{lang}: {page}");
    }
}

#[tokio::test]
async fn a_product_says_lane_by_lane_who_confirms_its_price() {
    let house = House::open().await;
    let path = format!("/products/{}", house.towel());
    let page = async |lang: &str| house.kul.get(Some(Who::Seller), &format!("{path}?lang={lang}")).await.good().text();
    let before = page("en").await;
    assert!(before.contains("hgh.sandbox does so when it is asked") && !before.contains("Confirmed by"), "{before}");
    assert!(before.contains("confirms the price to the business that asks"), "{before}");
    house.kul.form(Some(Who::Seller), &format!("{path}/ask"), "").await;
    house.carry().await;
    for (lang, by, was, nobody) in WORDS {
        let page = page(lang).await;
        assert!(page.contains(by) && !page.contains(was) && !page.contains(nobody), "{lang}: {page}");
    }
    assert!(page("en").await.contains("Valid until"));
    a_week_and_a_day(&house).await;
    for (lang, _, was, _) in WORDS {
        assert!(page(lang).await.contains(was), "{lang}");
    }
    assert!(page("en").await.contains("Was valid until"));
}

/// The packs of the program; China's composite tax has another name, and the same rate.
fn under_another_name() -> Rulebooks {
    let mut books = builtin().unwrap();
    let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "cn").unwrap();
    for (_, bytes) in &mut folder.files {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("\"cn.cbec.composite\"", "\"cn.cbec.composite-before\"").into_bytes();
    }
    for pack in read_folder(&folder).unwrap() {
        books.replace(pack, Standing { built_in: false, pinned: true, vouched: None });
    }
    books
}

async fn asked(hub: &Hub, path: &str) -> String {
    let settings = Settings {
        url: "http://hgh.sandbox.example".to_owned(),
        local_url: "http://127.0.0.1:9".to_owned(),
        payment_secret: [3; 32],
        accepts_peers: false,
    };
    let router = web::router(AppState::new(hub.clone(), settings));
    let got = router.oneshot(request(None, Method::GET, path).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(got.status(), StatusCode::OK, "{path}");
    let body = axum::body::to_bytes(got.into_body(), 1 << 20).await.unwrap();
    String::from_utf8_lossy(&body).into_owned()
}

#[tokio::test]
async fn a_permanent_link_tells_charge_by_charge_what_the_rules_say_otherwise_now() {
    let scratch = testing::sqlite();
    let (clock, _) = Clock::manual(WALL);
    let query = "to=CN&hs=210112&value=100.00&origin=MY&date=2026-11-23";
    let site = testing::site_by("hgh.sandbox", Country::CN, Mode::Sandbox, Arc::new(under_another_name()));
    let hub = Hub::open(testing::config(&scratch, &site, &clock)).await.unwrap();
    hub.submit(hub.packs_due().await.unwrap().unwrap().into()).await.unwrap().unwrap();
    let first: Value = serde_json::from_str(&asked(&hub, &format!("/api/v1/landed-cost?{query}")).await).unwrap();
    assert_eq!((&first["corrected_since"], &first["changed"]), (&json!(false), &json!([])), "{first}");
    hub.close().await;

    let site = testing::site("hgh.sandbox", Country::CN);
    let hub = Hub::open(testing::config(&scratch, &site, &clock)).await.unwrap();
    hub.submit(hub.packs_due().await.unwrap().unwrap().into()).await.unwrap().unwrap();
    let link = first["permanent"].as_str().unwrap();
    let again = asked(&hub, &link.replace("/calculator", "/api/v1/landed-cost")).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    // 13 % × 70 % of 100.00 are 9.10 then and now: the total is the same, by another rule.
    assert_eq!((&again["landed"], &again["corrected_since"]), (&first["landed"], &json!(true)), "{again}");
    let changed = again["changed"].as_array().unwrap();
    let side = |side: &str| (changed[0][side]["rule"].clone(), changed[0][side]["amount"]["minor"].clone());
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(side("was"), (json!("cn.cbec.composite-before"), json!(910)));
    assert_eq!(side("is"), (json!("cn.cbec.composite"), json!(910)));
    for (lang, says) in [("en", "109.10 too, by other charges"), ("ms", "jumlahnya juga"), ("zh", "合计同为")] {
        let page = asked(&hub, &format!("{link}&lang={lang}")).await;
        for shown in [says, "cn.cbec.composite-before", "<code>cn.cbec.composite</code>"] {
            assert!(page.contains(shown), "{lang} {shown}: {page}");
        }
    }
    // What the hub goes by now is not corrected.
    let now = asked(&hub, &format!("/calculator?{query}&lang=en")).await;
    assert!(!now.contains("were corrected since this link was made"), "{now}");
    hub.close().await;
}
