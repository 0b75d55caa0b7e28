//! Price lists as sellers keep them, at the desk and through the API.

use axum::http::{StatusCode, header};

use crate::house::{House, Who};

/// The Chinese sample list: a text table in GB18030.
const CHINESE: &[u8] = include_bytes!("../../../../samples/price-list-cn.csv");
const CHINESE_UTF8: &[u8] = include_bytes!("../../../../samples/price-list-cn-utf8.csv");

#[tokio::test]
async fn a_chinese_list_is_read_and_the_seller_sees_in_which_encoding() {
    let house = House::open().await;
    for (list, encoding) in [(CHINESE, "GB18030"), (CHINESE_UTF8, "UTF-8")] {
        let sent = house.kul.upload(Some(Who::Seller), "/products/upload", "file", list).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
        let reading = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
        let page = house.kul.get(Some(Who::Seller), &reading).await.good().text();
        assert!(page.contains(&format!("text in {encoding}")), "{page}");
        assert!(page.contains("桂花曲奇礼盒"), "{page}");
    }
}

#[tokio::test]
async fn a_byte_that_is_no_character_is_told_by_its_cell() {
    let house = House::open().await;
    // The first byte of the first character of the last row's name becomes one that begins none.
    let mut damaged = CHINESE.to_vec();
    let row = damaged.iter().rposition(|b| *b == b'\n').unwrap();
    let row = damaged[..row].iter().rposition(|b| *b == b'\n').unwrap();
    let comma = row + damaged[row..].iter().position(|b| *b == b',').unwrap();
    damaged[comma + 1] = 0xFF;
    let sent = house.kul.upload(Some(Who::Seller), "/products/upload", "file", &damaged).await;
    let reading = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = house.kul.get(Some(Who::Seller), &reading).await.good().text();
    assert!(page.contains("Some characters of this cell cannot be read."), "{page}");
    assert!(page.contains("B103"), "{page}");
}
