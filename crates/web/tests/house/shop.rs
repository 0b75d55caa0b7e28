//! What is not sold to who looks is said before a price is asked, in words for a buyer.

use axum::http::StatusCode;
use serde_json::{Value, json};
use trade::codes::Country;
use trade::commands::Command;
use trade::hazard::Hazards;
use trade::money::{Currency, Money};
use trade::product::{Goods, OfferProduct};
use trade::quantity::Grams;
use trade::readiness::HsClaim;

use crate::house::{House, Who};

/// An ornament of pewter: whether it is on China's list of what comes in as a consumer's parcel is not known; a
/// business enters it in full. Its page in the shop, its product, and the house.
async fn pewter() -> (String, String, House) {
    let house = House::open().await;
    let goods = Goods {
        sku: "PWT-TPR".to_owned(),
        name: "Pewter tapir".to_owned(),
        description: "Ornament of pewter in the shape of a tapir".to_owned(),
        hs: HsClaim::Code("830629".parse().unwrap()),
        origin: Some(Country::MY),
        weight: Some(Grams(480)),
        size: None,
        price: Some(Money::new(14_500, Currency::MYR)),
        content: None,
        hazards: Hazards::default(),
    };
    house.kul.command(Command::OfferProduct(OfferProduct { seller: Who::Seller.party(), goods })).await;
    house.carry().await;
    let offers = house.hgh.get(None, "/api/v1/offers").await.good().json();
    let pewter = offers["offers"].as_array().unwrap().iter().find(|o| o["goods"]["sku"] == "PWT-TPR").unwrap().clone();
    let key = pewter["key"].as_str().unwrap().to_owned();
    let product = key.split_once('/').unwrap().1.to_owned();
    (format!("/offers/{key}"), product, house)
}

#[tokio::test]
async fn who_cannot_buy_goods_reads_why_and_who_can_and_has_no_button() {
    let (path, _, house) = pewter().await;
    for (lang, not_sold, sold) in [
        ("en", "Not sold to consumers here", "Registered businesses can buy it."),
        ("ms", "Tidak dijual kepada pengguna di sini", "Perniagaan berdaftar boleh membelinya."),
        ("zh", "此处不向消费者销售", "注册企业可以购买。"),
    ] {
        for who in [None, Some(Who::Buyer), Some(Who::Operator)] {
            let page = house.hgh.get(who, &format!("{path}?lang={lang}")).await.good().text();
            assert!(page.contains(not_sold) && page.contains(sold) && page.contains("830629"), "{page}");
            assert!(!page.contains("action=\"/quotes\""), "no button: {page}");
            let shop = house.hgh.get(who, &format!("/offers?lang={lang}")).await.good().text();
            // Of four kinds of goods one is not sold to consumers.
            assert_eq!((shop.matches(not_sold).count(), shop.matches(sold).count()), (1, 1), "{shop}");
        }
    }
    // Three kinds can be asked for, and pewter cannot; a business can ask for all four.
    let shop = house.hgh.get(Some(Who::Buyer), "/offers?lang=en").await.good().text();
    assert_eq!(shop.matches("class=\"short\" type=\"number\"").count(), 3, "{shop}");
    let shop = house.hgh.get(Some(Who::Firm), "/offers?lang=en").await.good().text();
    assert_eq!(shop.matches("class=\"short\" type=\"number\"").count(), 4, "{shop}");
    let page = house.hgh.get(Some(Who::Firm), &format!("{path}?lang=en")).await.good().text();
    assert!(page.contains("action=\"/quotes\"") && !page.contains("Not sold"), "{page}");
}

#[tokio::test]
async fn a_buyer_who_asks_all_the_same_is_told_as_a_buyer_and_not_to_mend_the_product() {
    let (path, product, house) = pewter().await;
    let basket = format!("{}=1", path.trim_start_matches("/offers/"));
    for (lang, says) in [("en", "A registered business can buy it"), ("ms", "Perniagaan berdaftar"), ("zh", "注册企业")]
    {
        let page = house.hgh.form(Some(Who::Buyer), &format!("/quotes?lang={lang}"), &basket).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = page.text();
        assert!(page.contains(says) && page.contains("Pewter tapir") && page.contains("830629"), "{page}");
        assert!(!page.contains("Mend the product") && !page.contains("operator"), "{page}");
    }
    let lines = json!([{ "product": product, "pieces": 1 }]);
    let ask = json!({ "exporter": "kul.sandbox", "lines": lines });
    let told = house.hgh.post(Some(Who::Buyer), "/api/v1/quotes", &ask).await;
    let told = told.json();
    assert_eq!((&told["code"], &told["first"]), (&json!("product-not-ready"), &json!("list-unknown")), "{told}");
    assert_eq!((&told["asked_as"], &told["sold_to"]), (&json!("b2c-parcel"), &json!("b2b")), "{told}");
    assert!(told["detail"].as_str().unwrap().contains("registered business"), "{told}");
    // A business has its price: 145.00 × 1.618448 = 234.67 the piece.
    let terms = json!({ "regime": "b2b", "incoterm": "FCA", "place": "MYKUL" });
    let ask = json!({ "exporter": "kul.sandbox", "lines": lines, "terms": terms });
    let quote = house.hgh.post(Some(Who::Firm), "/api/v1/quotes", &ask).await.good().json();
    assert_eq!(quote["lines"][0]["value"]["minor"], 23_467, "{quote}");
    // The seller, on its own hub, still reads what it has to mend.
    let ask = json!({ "importer": "hgh.sandbox", "lines": lines });
    let told = house.kul.post(Some(Who::Seller), "/api/v1/quotes", &ask).await.json();
    assert_eq!((&told["code"], &told["detail"]), (&json!("product-not-ready"), &json!("Mend the product first.")));
    assert_eq!(told.get("asked_as"), None::<&Value>);
}
