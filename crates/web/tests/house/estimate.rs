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
async fn each_hub_prices_what_comes_in_and_shows_the_way_to_where_its_goods_go() {
    let house = House::open().await;
    for (here, there, from) in [(&house.kul, &house.hgh, "CN"), (&house.hgh, &house.kul, "MY")] {
        let page = here.get(None, "/estimate?lang=en").await.good().text();
        assert!(page.contains("Work it out") && page.contains(&format!("value=\"{from}\"")), "{page}");
        assert!(page.contains(&format!("{}/estimate", there.site.card.url)), "{page}");
        assert!(page.contains("Consumer parcel") && page.contains("Business to business"), "{page}");
    }
}

/// One toy at CNY 700, 300 g, from China; with what differs from that.
fn toy(differs: &str) -> String {
    let mut query =
        String::from("from=hgh.sandbox&pieces=1&description=Plush+toy+panda&hs=950300&origin=CN&weight=0.3");
    if !differs.contains("price=") {
        query.push_str("&price=700");
    }
    format!("{query}&{differs}")
}

#[tokio::test]
async fn malaysia_is_priced_by_its_own_two_tests() {
    let house = House::open().await;
    let told =
        async |differs: &str| house.kul.get(None, &format!("/api/v1/estimate?{}", toy(differs))).await.good().json();
    // 700.00 × 0.6227812 = 435.95; carriage CNY 20.00 -> 12.46: 448.41 is relieved, LVG 10 % of 435.95 = 43.60.
    let parcel = told("").await;
    assert_eq!(parcel["landed"]["treatment"], "relief");
    assert_eq!((minor(&parcel, "/landed/tax/minor"), minor(&parcel, "/landed/total/minor")), (4_360, 49_201));
    assert_eq!(parcel["landed"]["registration"], "LRN-SAMPLE-0001");
    // The same toy to a business under FCA: freight CNY 150.00 -> 93.42; sales tax 10 % of 529.37 = 52.94.
    let business = told("regime=b2b&incoterm=FCA&place=CNHGH").await;
    assert_eq!(business["landed"]["treatment"], "full");
    assert_eq!((minor(&business, "/landed/tax/minor"), minor(&business, "/landed/total/minor")), (5_294, 58_231));
    assert_eq!((&business["regime"], &business["sale"]["incoterm"]), (&Value::from("b2b"), &Value::from("FCA")));
    for lang in ["en", "ms", "zh"] {
        let page = house.kul.get(None, &format!("/estimate?{}&lang={lang}", toy(""))).await.good().text();
        for shown in ["492.01", "my.relief.courier", "my.lvg", "LRN-SAMPLE-0001"] {
            assert!(page.contains(shown), "{lang}: {shown} is not in {page}");
        }
        let path = format!("/estimate?{}&lang={lang}", toy("regime=b2b&incoterm=dap&place=MYKUL"));
        let page = house.kul.get(None, &path).await.good().text();
        assert!(page.contains("DAP") && page.contains("my.entry.deposit"), "{lang}: {page}");
    }
    // (what differs, the problem's code, what the page says)
    for (differs, code, says) in [
        ("regime=b2b&incoterm=CIF&place=MYPKG", "incoterm-for-ships", "CIP"),
        ("regime=b2b&incoterm=FCA&place=MYKUL", "place-elsewhere", "China"),
        ("regime=b2b&incoterm=&place=MYKUL", "value-missing", "Incoterm"),
        ("regime=b2b&incoterm=FCA&place=Jalan+Ampang+1", "not-a-place", "UN/LOCODE"),
        ("regime=bonded&incoterm=FCA&place=CNHGH", "field-value", "bonded"),
        ("price=100&regime=b2b&incoterm=CPT&place=MYKUL", "carriage-above-price", "FCA"),
    ] {
        let query = toy(differs);
        let told = house.kul.get(None, &format!("/api/v1/estimate?{query}")).await;
        let page = house.kul.get(None, &format!("/estimate?{query}&lang=en")).await;
        assert_eq!(told.json()["code"], code, "{differs}: {}", told.text());
        assert!(page.text().contains(says), "{differs}: {}", page.text());
    }
}
