//! What leaves the house: bundles in three views, tiles, labels, payout files, and pages themselves.

use axum::http::StatusCode;
use trade::bundle::{View, verify_bundle};
use trade::checkpoint::SignedCheckpoint;
use trade::event::Event;
use trade::personal::FieldList;
use web::trade_file::bundle::{cut, fields, shows};

use crate::house::{House, Reach, Side, Ware, Who, at, s10, trade_no};

const VIEWS: [(View, &str); 3] =
    [(View::Public, "public"), (View::Counterparty, "counterparty"), (View::Authority, "authority")];

#[tokio::test]
async fn a_bundle_holds_the_fields_of_its_view_and_no_other() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    house.trade(2, Ware::Towel, 700, Reach::Lodged).await;
    house.trade(3, Ware::Cream, 240, Reach::Lodged).await;
    for side in [&house.kul, &house.hgh] {
        for n in 1..=3 {
            let file = side.hub.trade(&trade_no(n)).await.unwrap().unwrap();
            let whole = serde_json::to_value(&file).unwrap();
            for (view, name) in VIEWS {
                let list = FieldList::new(&fields(view));
                assert_eq!(list.outside(&cut(&file, view)), Vec::<String>::new(), "{name}");
                // Each view leaves something out, so the list is what decides.
                assert!(!list.outside(&whole).is_empty(), "{name}");
            }
            for (view, forbidden) in [
                (View::Public, ["minor", "buyer", "tags", "consignee", "reason"].as_slice()),
                (View::Counterparty, ["buyer", "tags", "payer", "payments", "due", "seller"].as_slice()),
                (View::Authority, ["tags", "payer"].as_slice()),
            ] {
                let text = cut(&file, view).to_string();
                for word in forbidden {
                    // A field of that name; as a value, `buyer` says who owes a tax.
                    assert!(!text.contains(&format!("\"{word}\":")), "{view:?} {word}: {text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_public_bundle_has_no_event_with_a_price_a_party_or_goods() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    for side in [&house.kul, &house.hgh] {
        for logged in side.hub.events_of(&trade_no(1)).await.unwrap() {
            let event: Event = serde_json::from_slice(&logged.leaf).unwrap();
            if shows(View::Public, &event) {
                let text = String::from_utf8_lossy(&logged.leaf);
                for word in ["minor", "pty_", "prd_", "quo_", "pay_", "DLV-"] {
                    assert!(!text.contains(word), "{word} in {text}");
                }
            }
            if shows(View::Counterparty, &event) {
                let text = String::from_utf8_lossy(&logged.leaf);
                assert!(!text.contains(&Who::Buyer.party().text()), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn anybody_verifies_a_bundle_and_an_altered_one_falls() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Delivered).await;
    for (_, name) in VIEWS {
        let path = at("/trades", 1, &format!("/bundle?view={name}"));
        let bundle = house.hgh.get(Some(Who::Operator), &path).await.good().body;
        let report = verify_bundle(&bundle, Some(&house.hgh.site.card.keys)).expect("it holds");
        assert!(report.events > 0, "{name}");
        assert_eq!(report.witnesses.len(), 1, "{name}: the peer has countersigned");
        // At the other hub, without an account.
        let page = house.kul.upload(None, "/verify", "file", &bundle).await.good().text();
        assert!(page.contains("It holds") && page.contains("hgh.sandbox"), "{page}");
        let mut altered = bundle.to_vec();
        let at = altered.windows(9).position(|w| w == b"delivered").unwrap();
        altered[at] = b'D';
        let fallen = house.kul.upload(None, "/verify", "file", &altered).await;
        assert_eq!(fallen.status, StatusCode::UNPROCESSABLE_ENTITY);
        // The page names the byte, its line, and what stood there.
        let line = bundle[..at].iter().filter(|b| **b == b'\n').count() + 1;
        let page = fallen.text();
        assert!(page.contains(&format!("in line {line},")) && page.contains("“d” stood there"), "{page}");
    }
    let nothing = house.kul.upload(None, "/verify", "file", b"").await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_parcel_is_tracked_by_both_its_numbers_and_shows_its_way_alone() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    for side in [&house.kul, &house.hgh] {
        let page = side.get(Some(Who::Carrier), &at("/trades", 1, "")).await.good().text();
        // The link that is on the label too: anybody who has it sees steps and countries.
        let link = page.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|l| l.starts_with("/track?"));
        let link = link.expect("whoever works on the parcel has the link").replace("&#38;", "&").replace("&amp;", "&");
        let way = side.get(None, &link).await.good().text();
        assert!(way.contains("China") && way.contains("Malaysia"), "{way}");
        for word in ["¥", "RM", "Tea towel", "DLV-", "A-26-", "CNHGH", "MYKUL", "Sample"] {
            assert!(!way.contains(word), "{word}");
        }
        // By the delivery reference too, and by nothing that can be counted up.
        side.get(None, &format!("/track?number={}&code=DLV-000001", s10(1))).await.good();
        for query in [
            format!("number={}&code=A-26-000001", s10(1)),
            format!("number={}&code=", s10(1)),
            format!("number={}&code=DLV-000002", s10(1)),
            format!("number={}&code=DLV-000001", s10(2)),
            "number=&code=DLV-000001".to_owned(),
            "number=x&code=y".to_owned(),
        ] {
            assert_eq!(side.get(None, &format!("/track?{query}")).await.status, StatusCode::NOT_FOUND, "{query}");
        }
    }
    // Guessing on one number ends after some tries; even the right code waits then.
    for _ in 0..8 {
        house.kul.get(None, &format!("/track?number={}&code=guess", s10(1))).await;
    }
    let shut = house.kul.get(None, &format!("/track?number={}&code=DLV-000001", s10(1))).await;
    assert_eq!(shut.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_log_is_public_by_its_hashes_and_its_signed_head() {
    let house = House::open().await;
    house.hgh.hub.sequence_all().await.unwrap();
    let note = house.hgh.get(None, "/log/checkpoint").await.good().text();
    let head: SignedCheckpoint = note.parse().expect("a signed note");
    let head = head.verify(&house.hgh.site.card.keys).expect("signed by the hub");
    let tile = house.hgh.get(None, &format!("/log/tile/0/000.p/{}", head.size)).await.good();
    assert_eq!(tile.body.len() as u64, head.size * 32);
    for path in ["/log/tile/0/001", "/log/tile/0/000", "/log/tile/0/x", "/log/entries/000"] {
        assert_eq!(house.hgh.get(None, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    house.hgh.get(None, "/logbook").await.good();
}

#[tokio::test]
async fn a_label_and_a_payout_file_are_what_printers_and_banks_take() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Waybill).await;
    for lang in ["en", "ms", "zh"] {
        let label =
            house.kul.get(Some(Who::Seller), &at("/trades", 1, &format!("/label.pdf?lang={lang}"))).await.good();
        assert!(label.body.starts_with(b"%PDF"), "{lang}");
    }
    let ask = |no: &str| serde_json::json!({ "file": no });
    let nothing = house.kul.post(Some(Who::Bank), "/api/v1/payout-files", &ask("PAY-1")).await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
    house.trade(2, Ware::Towel, 500, Reach::Accepted).await;
    let file = house.kul.post(Some(Who::Bank), "/api/v1/payout-files", &ask("PAY-1")).await.good();
    let again = file.headers["content-disposition"].to_str().unwrap().split('"').nth(1).unwrap().to_owned();
    assert_eq!(again, "PAY-1.xml");
    let read = papers::pain001::read(&file.body).expect("a pain.001");
    assert_eq!(read.len(), 1);
    let same = house.kul.get(Some(Who::Bank), &format!("/api/v1/payout-files/{again}")).await.good();
    assert_eq!(same.body, file.body, "written again, it is the same file");
    // More is due by now, and yet the number names the file that it named.
    house.trade(3, Ware::Towel, 500, Reach::Accepted).await;
    let asked_again = house.kul.post(Some(Who::Bank), "/api/v1/payout-files", &ask("PAY-1")).await.good();
    assert_eq!(asked_again.body, file.body);
    let long = house.kul.post(Some(Who::Bank), "/api/v1/payout-files", &ask(&"9".repeat(36))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    let next = house.kul.post(Some(Who::Bank), "/api/v1/payout-files", &ask("PAY-2")).await.good();
    assert_eq!(papers::pain001::read(&next.body).expect("a pain.001").len(), 1);
}

/// Every page of these desks, as its reader opens it.
fn pages(n: u64) -> Vec<(Who, bool, String)> {
    let mut pages = Vec::new();
    for kul in [true, false] {
        for who in [Who::Carrier, Who::Officer, Who::Operator] {
            pages.push((who, kul, at("/trades", n, "")));
            pages.push((who, kul, "/trades".to_owned()));
        }
        for path in ["/operator", "/peers", "/settlement", "/payouts", "/logbook", "/verify", "/track"] {
            pages.push((Who::Operator, kul, path.to_owned()));
        }
        pages.push((Who::Officer, kul, "/officer".to_owned()));
        pages.push((Who::Officer, kul, at("/officer", n, "")));
        pages.push((Who::Carrier, kul, "/parcels".to_owned()));
        pages.push((Who::Carrier, kul, at("/trades", n, "/waybill")));
    }
    for path in [
        "/trades".to_owned(),
        "/money".to_owned(),
        at("/trades", n, ""),
        at("/trades", n, "/waybill"),
        at("/trades", n, "/export-declaration"),
    ] {
        pages.push((Who::Seller, true, path));
    }
    for path in ["/trades".to_owned(), "/money".to_owned(), at("/trades", n, "")] {
        pages.push((Who::Buyer, false, path));
    }
    pages
}

#[tokio::test]
async fn every_page_is_light_and_has_its_words_in_every_language() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    house.trade(2, Ware::Towel, 700, Reach::Lodged).await;
    house.trade(3, Ware::Cream, 240, Reach::Lodged).await;
    for n in 1..=3 {
        for (who, kul, path) in pages(n) {
            for lang in ["en", "ms", "zh"] {
                let side: &Side = if kul { &house.kul } else { &house.hgh };
                let page = side.get(Some(who), &format!("{path}?lang={lang}")).await.good();
                assert!(page.body.len() < 100_000, "{path}: {} bytes", page.body.len());
                let text = page.text();
                assert!(!has_missing_word(&text), "{who:?} {path} {lang}: {}", first_missing(&text));
            }
        }
    }
}

/// A message that no language has is shown as `[its-key]`.
pub fn first_missing(text: &str) -> String {
    text.split('[')
        .skip(1)
        .filter_map(|rest| rest.split_once(']'))
        .map(|(key, _)| key.to_owned())
        .find(|key| is_key(key))
        .unwrap_or_default()
}

fn has_missing_word(text: &str) -> bool {
    !first_missing(text).is_empty()
}

fn is_key(text: &str) -> bool {
    text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
