//! HS codes for goods: for anybody; and a seller's form that goes there and comes back with the code.

use axum::http::StatusCode;
use serde_json::json;

use crate::house::{House, Who};

#[tokio::test]
async fn anybody_gets_codes_with_their_reasons_in_three_languages_and_nothing_is_kept() {
    let house = House::open().await;
    let events = house.kul.hub.event_count().await.unwrap();
    let told = house.kul.get(None, "/api/v1/classification?text=kopi+o+kampung+250g").await.good().json();
    assert_eq!(told["codes"][0]["hs6"], "090121");
    assert!(told["codes"][0]["why"].as_array().is_some_and(|why| !why.is_empty()), "{told}");
    for (lang, name) in [("en", "Roasted coffee"), ("ms", "Kopi sangai"), ("zh", "已焙炒咖啡")] {
        let page = house.kul.get(None, &format!("/classify?text=kopi+o+kampung&lang={lang}")).await.good().text();
        assert!(page.contains("0901.21") && page.contains(name), "{lang}: {page}");
    }
    let empty = house.kul.get(None, "/classify?lang=en").await.good().text();
    assert!(empty.contains("name=\"text\"") && empty.contains("For example"), "{empty}");
    assert_eq!(house.kul.hub.event_count().await.unwrap(), events, "nothing is kept");
}

#[tokio::test]
async fn a_question_is_answered_by_a_link_and_by_the_api_alike() {
    let house = House::open().await;
    let told = house.kul.get(None, "/api/v1/classification?text=cardigan").await.good().json();
    let answers = told["question"]["answers"].as_array().unwrap();
    assert!(answers.iter().any(|a| a["answer"] == "fibre:synthetic"), "{told}");
    let page = house.kul.get(None, "/classify?text=cardigan&lang=en").await.good().text();
    assert!(
        page.contains("/classify?text=cardigan&amp;answers=fibre%3Asynthetic")
            || page.contains("answers=fibre%3Asynthetic"),
        "{page}"
    );
    let path = "/classify?text=cardigan&answers=fibre%3Asynthetic&lang=en";
    let after = house.kul.get(None, path).await.good().text();
    assert!(after.contains("6110.30") && after.contains("You answered"), "{after}");
    let told =
        house.kul.get(None, "/api/v1/classification?text=cardigan&answers=fibre%3Asynthetic").await.good().json();
    assert_eq!(told["codes"][0]["hs6"], "611030");
}

#[tokio::test]
async fn what_cannot_be_classified_is_said_on_the_page_and_by_the_api() {
    let house = House::open().await;
    let long = "a".repeat(600);
    // (what is asked, the problem's code, what the page says)
    for (query, code, says) in [
        ("text=851", "classification-code-length", "851"),
        ("text=9999", "classification-code-unknown", "9999"),
        ("text=zzqwv", "classification-no-words", "zzqwv"),
        ("text=%3F%3F", "classification-empty", "nothing to read"),
        ("text=kopi&answers=fibre%3Agold", "classification-answer-unknown", "fibre:gold"),
        (&format!("text={long}"), "classification-too-long", "600"),
    ] {
        let told = house.kul.get(None, &format!("/api/v1/classification?{query}")).await;
        let page = house.kul.get(None, &format!("/classify?{query}&lang=en")).await;
        assert_eq!((told.status, page.status), (StatusCode::UNPROCESSABLE_ENTITY, told.status), "{query}");
        assert_eq!(told.json()["code"], code, "{query}");
        assert!(page.text().contains(says), "{query}: {}", page.text());
    }
    let none = house.kul.get(None, "/api/v1/classification").await;
    assert_eq!(none.json()["code"], "classification-empty");
}

#[tokio::test]
async fn a_vague_text_is_told_to_be_so_as_a_customs_description() {
    let house = House::open().await;
    let page = house.kul.get(None, "/classify?text=Kopi&lang=en").await.good().text();
    assert!(page.contains("As a customs description"), "{page}");
    let page = house.kul.get(None, "/classify?text=Roasted+coffee+beans+from+Sabah&lang=en").await.good().text();
    assert!(!page.contains("As a customs description"), "{page}");
}

#[tokio::test]
async fn a_sellers_form_goes_to_the_codes_and_comes_back_filled_with_the_one_chosen() {
    let house = House::open().await;
    let body = json!({ "sku": "SHAWL-9", "name": "Shawl", "description": "Chiffon shawl for women, printed",
        "hs": "6214", "origin": "MY", "weight_grams": 200, "price": { "minor": 2900, "currency": "MYR" } });
    let product = house.kul.post(Some(Who::Seller), "/api/v1/products", &body).await.good().json();
    let id = product["id"].as_str().unwrap();
    let form = house.kul.get(Some(Who::Seller), &format!("/products/{id}?lang=en")).await.good().text();
    assert!(form.contains("6214.30") && form.contains(&format!("/classify?back={id}")), "{form}");
    assert!(form.contains("formaction=\"/classify\""), "{form}");
    // As the button sends it: all that is typed, saved or not.
    let typed = format!("sku=SHAWL-9&name=Shawl&description=Chiffon+shawl&hs=6214&price=31.00&back={id}");
    let page = house.kul.get(Some(Who::Seller), &format!("/classify?{typed}&lang=en")).await.good().text();
    let take = format!("/products/{id}?hs=6214.30&amp;sku=SHAWL-9");
    let take = if page.contains(&take) {
        take.replace("&amp;", "&")
    } else {
        format!("/products/{id}?hs=6214.30&sku=SHAWL-9")
    };
    assert!(page.contains("Use 6214.30"), "{page}");
    let back =
        house.kul.get(Some(Who::Seller), &format!("{take}&name=Shawl&description=Chiffon+shawl&price=31.00")).await;
    let form = back.good().text();
    assert!(form.contains("value=\"6214.30\"") && form.contains("value=\"31.00\""), "{form}");
    // A product with a whole code is suggested nothing, and nobody is led to another place than a form.
    assert!(!form.contains(&format!("/classify?back={id}")), "{form}");
    let page = house.kul.get(None, "/classify?text=kopi+o&back=https%3A%2F%2Fexample.com&lang=en").await.good().text();
    assert!(!page.contains("Use 0901.21"), "{page}");
    // A new product and an estimate come back too.
    let page = house.kul.get(Some(Who::Seller), "/classify?name=Kopi+O&back=new&lang=en").await.good().text();
    assert!(page.contains("/products/new?hs=0901.21"), "{page}");
    let form = house.kul.get(Some(Who::Seller), "/products/new?hs=0901.21&name=Kopi+O&lang=en").await.good().text();
    assert!(form.contains("value=\"0901.21\"") && form.contains("value=\"Kopi O\""), "{form}");
    let page = house.hgh.get(None, "/classify?description=kopi+o&pieces=2&back=estimate&lang=en").await.good().text();
    assert!(page.contains("/estimate?hs=0901.21"), "{page}");
}
