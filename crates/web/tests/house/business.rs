//! A registered business buys: terms, deposit and balance, full entry, invoice and packing list.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::party::{PersonTag, PersonTags};
use trade::payment::{PaymentChannel, ReceivePayment};

use crate::house::{Got, House, Reach, Side, Ware, Who, at, s10, trade_no};

const REGISTRATION: &str = "91330106MA2KAAAA9A";

/// A firm with its API key.
struct Firm<'a> {
    side: &'a Side,
    key: String,
}

impl<'a> Firm<'a> {
    async fn join(side: &'a Side) -> Self {
        let body = json!({
            "role": "buyer", "name": "Hangzhou Tea House", "registration": REGISTRATION,
            "email": "buyer@tea.example", "password": "a long and quiet sentence",
        });
        let joined = side.post(None, "/api/v1/parties", &body).await.good().json();
        Self { side, key: joined["api_key"].as_str().unwrap().to_owned() }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Got {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.side.ask(request.body(body.map_or_else(Body::empty, |b| Body::from(b.to_string()))).unwrap()).await
    }

    async fn get(&self, path: &str) -> Got {
        self.ask(Method::GET, path, None).await
    }

    /// What the payment firm says of a payment of this firm.
    fn pays(&self, n: u64, no: &str, minor: i64) -> Command {
        let key = &self.side.site.person_key;
        Command::ReceivePayment(ReceivePayment {
            trade: trade_no(n),
            no: no.parse().unwrap(),
            amount: Money::new(minor, Currency::CNY),
            payer: PersonTags {
                id: Some(PersonTag::of(key, "id", REGISTRATION)),
                name: PersonTag::of(key, "name", "Hangzhou Tea House"),
            },
            channel: PaymentChannel::Webhook,
        })
    }
}

async fn towel(house: &House) -> String {
    let offers = house.hgh.get(None, "/api/v1/offers").await.good().json();
    let offers = offers["offers"].as_array().unwrap().clone();
    let towel = offers.iter().find(|o| o["goods"]["sku"] == "TOWEL").unwrap();
    towel["key"].as_str().unwrap().split_once('/').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_business_order_goes_from_terms_to_a_full_entry_with_its_papers() {
    let house = House::open().await;
    let firm = Firm::join(&house.hgh).await;
    let ask = |terms: Value, product: &str| json!({ "exporter": "kul.sandbox", "lines": [{ "product": product, "pieces": 100 }], "terms": terms });
    let towel = towel(&house).await;
    let fob = ask(json!({ "regime": "b2b", "incoterm": "FOB", "place": "MYPKG" }), &towel);
    let refused = firm.ask(Method::POST, "/api/v1/quotes", Some(&fob)).await;
    // Air freight: the rule that fits is named.
    assert_eq!(refused.json()["code"], "incoterm-for-ships");
    assert_eq!((&refused.json()["instead"], &refused.json()["mode"]), (&json!("FCA"), &json!("air")));
    let parcel = firm.ask(Method::POST, "/api/v1/quotes", Some(&ask(json!({ "regime": "b2c-parcel" }), &towel))).await;
    assert_eq!(parcel.json()["code"], "consumer-needed");

    let fca = ask(json!({ "regime": "b2b", "incoterm": "FCA", "place": "MYKUL" }), &towel);
    let quote = firm.ask(Method::POST, "/api/v1/quotes", Some(&fca)).await.good().json();
    // A hundred towels at RM 40.00 and 250 g: 4,000.00 × 1.618448 = 6,473.79. 25 kg: 120.00 + 15 × 6.50 = RM 217.50
    // -> 352.01. Duty 6 % of 6,825.80 = 409.55; VAT 13 % of 7,235.35 = 940.60. Total 8,175.95; 30 % = 2,452.79.
    let minor = |path: &str| quote.pointer(path).and_then(Value::as_i64).unwrap();
    assert_eq!((minor("/landed/total/minor"), minor("/sale/deposit/amount/minor")), (817_595, 245_279));
    let page = firm.get(&format!("/quotes/{}?lang=en", quote["id"].as_str().unwrap())).await.good().text();
    assert!(page.contains("FCA") && page.contains("MYKUL") && page.contains("Business to business"), "{page}");

    let order = json!({ "order_no": "A-26-000077", "quote": quote["id"] });
    firm.ask(Method::POST, "/api/v1/orders", Some(&order)).await.good();
    let page = firm.get("/pay/hgh.sandbox%3AA-26-000077?lang=en").await.good().text();
    assert!(page.contains("8,175.95") && page.contains("2,452.79"), "all of it, or the deposit: {page}");
    house.hgh.command(firm.pays(77, "P-77", 245_279)).await;
    house.carry().await;
    let page = firm.get(&format!("{}?lang=en", at("/trades", 77, ""))).await.good().text();
    assert!(page.contains("pay the balance") && page.contains("5,723.16"), "{page}");
    let seller = house.kul.get(Some(Who::Seller), &at("/api/v1/trades", 77, "")).await.good().json();
    assert_eq!(seller["ball"]["task"], "pay-balance", "{seller}");
    house.hgh.command(firm.pays(77, "P-77-B", 572_316)).await;
    house.carry().await;

    let body = json!({ "no": s10(77), "gross_grams": 25_000, "consignee": delivery(&house).await });
    house.kul.post(Some(Who::Carrier), &at("/api/v1/trades", 77, "/waybill"), &body).await.good();
    house.kul.post(Some(Who::Seller), &at("/api/v1/trades", 77, "/export-declaration"), &json!({})).await.good();
    house.carry().await;
    let path = format!("{}?lang=en", at("/trades", 77, "/export-declaration"));
    let declared = house.kul.get(Some(Who::Seller), &path).await.good().text();
    assert!(declared.contains("full entry") && declared.contains("form K2"), "{declared}");
    papers(&house, &firm).await;
}

async fn delivery(house: &House) -> String {
    let file = house.kul.hub.trade(&trade_no(77)).await.unwrap().unwrap();
    file.order.as_ref().unwrap().delivery.clone()
}

async fn papers(house: &House, firm: &Firm<'_>) {
    for lang in ["en", "ms", "zh"] {
        for paper in ["invoice.pdf", "packing-list.pdf"] {
            let path = format!("{}?lang={lang}", at("/trades", 77, &format!("/{paper}")));
            for got in [house.kul.get(Some(Who::Seller), &path).await, firm.get(&path).await] {
                let got = got.good();
                assert_eq!(got.headers[header::CONTENT_TYPE], "application/pdf");
                assert!(got.body.starts_with(b"%PDF-"), "{paper} {lang}");
            }
        }
    }
    // A carrier has the list without prices, and not the invoice.
    house.kul.get(Some(Who::Carrier), &at("/trades", 77, "/packing-list.pdf")).await.good();
    let invoice = house.kul.get(Some(Who::Carrier), &at("/trades", 77, "/invoice.pdf")).await;
    assert_eq!(invoice.status, StatusCode::NOT_FOUND);
    let stranger = house.kul.get(Some(Who::OtherSeller), &at("/trades", 77, "/invoice.pdf")).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    // A consumer's parcel has neither.
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    let none = house.kul.get(Some(Who::Seller), &at("/api/v1/trades", 1, "/invoice.pdf")).await;
    assert_eq!((none.status, &none.json()["code"]), (StatusCode::NOT_FOUND, &json!("no-business-papers")));
}

#[tokio::test]
async fn a_business_signs_up_with_its_number_and_sees_terms_in_the_shop() {
    let house = House::open().await;
    for (lang, word) in [("en", "Registration number"), ("ms", "Nombor pendaftaran"), ("zh", "企业登记号")] {
        let page = house.hgh.get(None, &format!("/sign-up?role=buyer&as=business&lang={lang}")).await.good().text();
        assert!(page.contains(word) && !page.contains("name=\"id_number\""), "{page}");
    }
    let form =
        "role=buyer&business=true&name=Tea+House&registration=%21%21&email=a%40b.example&password=a+long+sentence";
    let refused = house.hgh.form(None, "/sign-up?lang=en", form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    assert!(refused.text().contains("registration number"), "{}", refused.text());
    let firm = Firm::join(&house.hgh).await;
    let shop = firm.get("/offers?lang=en").await.good().text();
    assert!(shop.contains("name=\"incoterm\"") && shop.contains("max=\"5000\""), "{shop}");
    let consumer = house.hgh.get(Some(Who::Buyer), "/offers?lang=en").await.good().text();
    assert!(!consumer.contains("name=\"incoterm\"") && consumer.contains("max=\"999\""), "{consumer}");
}

#[tokio::test]
async fn who_pays_what_stands_in_one_table_in_every_language_and_for_machines() {
    let house = House::open().await;
    for (lang, says) in [("en", "DDP needs a tax registration"), ("ms", "Siapa bayar apa"), ("zh-CN", "谁付什么")] {
        let page = house.hgh.get(None, &format!("/incoterms?lang={lang}")).await.good().text();
        assert!(page.contains(says) && page.contains("id=\"cif\""), "{lang}: {page}");
        assert!(!page.contains(">["), "a word is missing: {page}");
    }
    let table = house.hgh.get(None, "/api/v1/incoterms").await.good().json();
    let rules = table["rules"].as_array().unwrap();
    assert_eq!((rules.len(), &table["edition"]), (11, &json!("Incoterms 2020")));
    let cif = rules.iter().find(|rule| rule["incoterm"] == "CIF").unwrap();
    assert_eq!((&cif["instead"], &cif["insurance"], &cif["offered"]), (&json!("CIP"), &json!("seller"), &json!([])));
    let fca = rules.iter().find(|rule| rule["incoterm"] == "FCA").unwrap();
    assert_eq!((&fca["export"], &fca["offered"]), (&json!("seller"), &json!(["air", "sea"])));
}
