//! The other way round, on the same two hubs: a maker in China sells to a consumer in Malaysia.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use trade::codes::{Country, S10};
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::party::{PersonTag, PersonTags};
use trade::payment::{PaymentChannel, ReceivePayment};

use crate::house::{Got, House, Side, Who};

const TRADE: &str = "kul.sandbox:M-26-000001";
const AT: &str = "/api/v1/trades/kul.sandbox%3AM-26-000001";
const MYKAD: &str = "900101000123";

/// Somebody who joined by the API, with the key that it got.
struct Joined<'a> {
    side: &'a Side,
    key: String,
}

impl<'a> Joined<'a> {
    async fn join(side: &'a Side, body: &Value) -> Self {
        let joined = side.post(None, "/api/v1/parties", body).await.good().json();
        Self { side, key: joined["api_key"].as_str().unwrap().to_owned() }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Got {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.side.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(Method::POST, path, body).await.good().json()
    }

    async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, &Value::Null).await.good()
    }
}

async fn maker(house: &House) -> Joined<'_> {
    let body = json!({
        "role": "seller", "name": "Yiwu Toy Works", "email": "toys@yiwu.example",
        "password": "a long and quiet sentence", "payout_account": "6222000000000000001",
    });
    let maker = Joined::join(&house.hgh, &body).await;
    let toy = json!({
        "sku": "DOL", "name": "毛绒玩具熊猫", "description": "毛绒玩具熊猫公仔", "hs": "950300", "origin": "CN",
        "weight_grams": 260, "price": { "minor": 4_500, "currency": "CNY" },
    });
    let product = maker.post("/api/v1/products", &toy).await;
    let lanes = product["gaps"].as_array().unwrap();
    assert_eq!(lanes.iter().map(|l| &l["regime"]).collect::<Vec<_>>(), ["b2c-parcel", "b2b"]);
    assert!(lanes.iter().all(|l| l["gaps"] == json!([])), "{lanes:?}");
    house.carry().await;
    maker
}

#[tokio::test]
async fn a_consumer_in_malaysia_buys_from_a_maker_in_china_and_the_maker_is_paid() {
    let house = House::open().await;
    let maker = maker(&house).await;
    let person = json!({ "name": "Aminah", "id_number": MYKAD, "id_type": "mykad", "checked": true });
    let body = json!({
        "role": "buyer", "name": "Aminah", "email": "aminah@kl.example", "password": "a long and quiet sentence",
        "person": person,
    });
    let buyer = Joined::join(&house.kul, &body).await;
    let offers = buyer.get("/api/v1/offers").await.json();
    let key = offers["offers"][0]["key"].as_str().unwrap().to_owned();
    let (hub, product) = key.split_once('/').unwrap();
    assert_eq!(hub, "hgh.sandbox");
    let ask = json!({ "exporter": hub, "lines": [{ "product": product, "pieces": 2 }] });
    let quote = buyer.post("/api/v1/quotes", &ask).await;
    // 90.00 × 0.6227812 = 56.05, carriage CNY 20.00 -> 12.46, LVG 10 % of 56.05 = 5.61: 74.12.
    let total = quote["landed"]["total"].clone();
    assert_eq!(total, json!({ "minor": 7_412, "currency": "MYR" }));
    for (lang, word) in [("en", "Low value goods number"), ("ms", "LVG"), ("zh", "低价值商品")] {
        let page = buyer.get(&format!("/quotes/{}?lang={lang}", quote["id"].as_str().unwrap())).await.text();
        assert!(page.contains(word) && page.contains("LRN-SAMPLE-0001") && page.contains("74.12"), "{page}");
    }
    let placed = buyer.post("/api/v1/orders", &json!({ "order_no": "M-26-000001", "quote": quote["id"] })).await;
    let tag = |kind, value| PersonTag::of(&house.kul.site.person_key, kind, value);
    let pay = ReceivePayment {
        trade: TRADE.parse().unwrap(),
        no: "P-M-1".parse().unwrap(),
        amount: Money::new(7_412, Currency::MYR),
        payer: PersonTags { id: Some(tag("id", MYKAD)), name: tag("name", "Aminah") },
        channel: PaymentChannel::Webhook,
    };
    house.kul.command(Command::ReceivePayment(pay)).await;
    house.carry().await;

    let no = S10::issue("LX", 4_711, Country::CN).unwrap();
    let waybill = json!({ "no": no, "gross_grams": 520, "consignee": placed["delivery"] });
    house.hgh.post(Some(Who::Carrier), &format!("{AT}/waybill"), &waybill).await.good();
    maker.post(&format!("{AT}/export-declaration"), &json!({})).await;
    house.carry().await;
    let declared = house.kul.get(Some(Who::Officer), AT).await.good().json();
    assert_eq!(declared.pointer("/file/declaration/registration"), Some(&json!("LRN-SAMPLE-0001")), "{declared}");
    // Chinese words are not in the printer's font: the label names the goods by their code.
    let label = maker.get(&format!("{AT}/label.pdf")).await;
    assert!(label.body.starts_with(b"%PDF-"));
    for (side, place, steps) in [
        (&house.hgh, "CNHGH", ["handed-over", "departed"].as_slice()),
        (&house.kul, "MYKUL", ["arrived", "out-for-delivery", "delivered"].as_slice()),
    ] {
        for kind in steps {
            let body = json!({ "kind": kind, "place": place });
            side.post(Some(Who::Carrier), &format!("{AT}/custody"), &body).await.good();
        }
        house.carry().await;
    }
    buyer.post(&format!("{AT}/acceptance"), &json!({})).await;
    house.carry().await;
    let made = house.hgh.form(Some(Who::Operator), "/payouts/files", "").await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let file = house.hgh.hub.payout_files(1).await.unwrap()[0].file.clone();
    house.hgh.form(Some(Who::Operator), &format!("/payouts/files/{file}/execute"), "").await;
    house.carry().await;
    for side in [&house.kul, &house.hgh] {
        let trade = side.hub.trade(&TRADE.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(trade.stage().code(), "paid");
        let audit = side.get(Some(Who::Operator), "/api/v1/audit").await.good().json();
        assert_eq!(audit["sound"], json!(true), "{audit}");
        // Now each hub sells as well as buys, and its first page says so.
        let front = side.get(None, "/?lang=en").await.good().text();
        assert!(front.contains("name=\"role\" value=\"seller\"") && front.contains("/offers"), "{front}");
    }
    // What Kuala Lumpur owes Hangzhou in ringgit is what Hangzhou is owed.
    let position = async |side: &Side, field: &str| {
        let told = side.get(Some(Who::Operator), "/api/v1/settlement").await.good().json();
        let all = told["positions"].as_array().unwrap().clone();
        all.iter().find(|p| p[field]["currency"] == "MYR").unwrap()[field]["minor"].clone()
    };
    assert_eq!(position(&house.kul, "due_to").await, json!(6_823));
    assert_eq!(position(&house.hgh, "due_from").await, json!(6_823));
}
