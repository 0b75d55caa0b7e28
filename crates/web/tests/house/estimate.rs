//! What goods would cost to the door: for anybody, by the rules of orders, and nothing is kept.

use axum::http::StatusCode;
use serde_json::Value;

use crate::house::House;

/// Two packs of white coffee at RM 24.90, 620 g each; with what differs from that.
fn coffee(differs: &str) -> String {
    let fields = [
        ("from", "kul.sandbox"),
        ("pieces", "2"),
        ("description", "Instant+white+coffee+mix+in+sachets"),
        ("hs", "2101.12"),
        ("origin", "MY"),
        ("price", "24.90"),
        ("weight", "0.62"),
    ];
    let differing = differs.split('&').filter_map(|pair| pair.split_once('='));
    let mut query: Vec<(&str, &str)> = fields.into();
    for (name, value) in differing {
        query.retain(|(known, _)| *known != name);
        query.push((name, value));
    }
    query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn minor(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or_else(|| panic!("{path} in {value}"))
}

#[tokio::test]
async fn anybody_gets_the_price_of_an_order_without_an_account() {
    let house = House::open().await;
    let events = house.hgh.hub.event_count().await.unwrap();
    // As in the README: goods 80.60, carriage 58.26, VAT 9.1 % of 138.86 is 12.64; together 151.50.
    let told = house.hgh.get(None, &format!("/api/v1/estimate?{}", coffee(""))).await.good().json();
    let part = |name: &str| minor(&told, &format!("/landed/{name}/minor"));
    assert_eq!([part("goods"), part("freight"), part("tax"), part("total")], [8_060, 5_826, 1_264, 15_150]);
    for only_of_a_quote in ["id", "signature", "expires_at", "due", "import_fee"] {
        assert!(told.get(only_of_a_quote).is_none(), "{only_of_a_quote}");
    }
    for lang in ["en", "ms", "zh"] {
        let page = house.hgh.get(None, &format!("/estimate?{}&lang={lang}", coffee(""))).await.good().text();
        assert!(page.contains("151.50"), "{lang}: {page}");
        assert!(page.contains("2101.12") && page.contains("cn.cbec.composite"), "{lang}");
    }
    assert_eq!(house.hgh.hub.event_count().await.unwrap(), events, "nothing is kept");
}

#[tokio::test]
async fn what_cannot_be_worked_out_is_said_beside_its_field_and_by_the_api() {
    let house = House::open().await;
    // (what differs, the problem's code, what the page says)
    for (differs, code, says) in [
        ("weight=2,5+kgs", "field-value", "2,5 kgs"),
        ("price=free", "not-an-amount", "free"),
        ("origin=ZZ", "not-a-country", "ZZ"),
        ("pieces=two", "field-value", "two"),
        ("pieces=0", "pieces", "999"),
        ("hs=21", "product-not-ready", "too short"),
        ("description=gift", "product-not-ready", "could be any goods"),
        // Ornaments of pewter: whether they are on the list is not known.
        ("hs=8306.29", "product-not-ready", "It is not known whether HS 830629"),
        ("price=9000", "over-single-limit", "5,000"),
    ] {
        let query = coffee(differs);
        let told = house.hgh.get(None, &format!("/api/v1/estimate?{query}")).await;
        let page = house.hgh.get(None, &format!("/estimate?{query}&lang=en")).await;
        assert!(told.status.is_client_error() && page.status == StatusCode::UNPROCESSABLE_ENTITY, "{differs}");
        assert_eq!(told.json()["code"], code, "{differs}: {}", told.text());
        assert!(page.text().contains(says), "{differs}: {}", page.text());
        // What was typed is still there.
        assert!(page.text().contains("Work it out"), "{differs}");
    }
    let elsewhere = house.hgh.get(None, &format!("/api/v1/estimate?{}", coffee("from=sin.sandbox"))).await;
    assert_eq!((elsewhere.status, &elsewhere.json()["code"]), (StatusCode::NOT_FOUND, &Value::from("peer-unknown")));
}

#[tokio::test]
async fn where_nothing_comes_in_the_way_is_shown_to_where_it_goes() {
    let house = House::open().await;
    let page = house.kul.get(None, "/estimate?lang=en").await.good().text();
    assert!(page.contains("No hub sells into Malaysia here yet"), "{page}");
    assert!(page.contains(&format!("{}/estimate", house.hgh.site.card.url)), "{page}");
    let empty = house.hgh.get(None, "/estimate?lang=en").await.good().text();
    assert!(empty.contains("Work it out") && empty.contains("value=\"MY\""), "{empty}");
}
