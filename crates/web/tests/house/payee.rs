//! Where a seller is paid.

use axum::http::StatusCode;
use serde_json::json;

use crate::house::{House, Reach, Ware, Who};

#[tokio::test]
async fn a_seller_whose_name_the_bank_cannot_read_gives_the_holder_as_the_bank_writes_it() {
    let house = House::open().await;
    let kul = &house.kul;
    let name = |body| async move { kul.post(Some(Who::Seller), "/api/v1/payee", &body).await };
    let got = name(json!({ "account": "5140-1234-5678", "holder": "杭州行迹" })).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((got.json()["code"].as_str(), got.json()["character"].as_str()), (Some("holder-letters"), Some("杭")));
    for bad in ["", "5140 1234", "六二二二", "12345678901234567890123456789012345"] {
        let got = name(json!({ "account": bad })).await;
        assert_eq!(
            (got.status, got.json()["code"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("account-number"))
        );
    }
    let got = name(json!({ "account": "5140-1234-5678", "holder": "Hangzhou Xingji" })).await.good().json();
    assert_eq!((got["account"].as_str(), got["holder"].as_str()), (Some("5140-1234-5678"), Some("Hangzhou Xingji")));
    // Somebody who sells nothing is paid nothing.
    let got = kul.post(Some(Who::Carrier), "/api/v1/payee", &json!({ "account": "1" })).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_file_for_the_bank_names_the_holder_that_the_seller_named() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    let body = json!({ "account": "5140-1234-5678", "holder": "Warisan & Anak" });
    house.kul.post(Some(Who::Seller), "/api/v1/payee", &body).await.good();
    house.trade(2, Ware::Towel, 500, Reach::Accepted).await;
    let file = house.kul.post(Some(Who::Bank), "/api/v1/payout-files", &json!({ "file": "PAY-7" })).await.good().text();
    // An ampersand is said by the sign that banks take for it.
    assert!(file.contains("<Nm>Warisan + Anak</Nm>") && file.contains("<Id>5140-1234-5678</Id>"), "{file}");
}
