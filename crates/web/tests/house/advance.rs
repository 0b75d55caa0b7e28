//! Advances at the desks: seller, lender, operator and bank, by page and by API, with what is refused.

use axum::http::StatusCode;
use serde_json::{Value, json};
use trade::advance::lender_reference;

use crate::house::{House, Reach, Ware, Who, at};

fn code(problem: &Value) -> &str {
    problem["code"].as_str().unwrap_or_default()
}

/// The lender's RM 500.00 come in by the operator's word.
async fn fund(house: &House) {
    let body = json!({
        "lender": Who::Lender.party(), "no": "DEP-1", "amount": { "minor": 50_000, "currency": "MYR" }, "way": "in",
    });
    let got = house.kul.post(Some(Who::Operator), "/api/v1/funds", &body).await.good().json();
    assert_eq!(got["available"]["minor"], 50_000);
}

#[tokio::test]
async fn a_seller_asks_a_lender_offers_and_the_lender_is_repaid_first() {
    let house = House::open().await;
    fund(&house).await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let page = at("/trades", 1, "/advance");
    let trade = house.kul.get(Some(Who::Seller), &at("/trades", 1, "")).await.good().text();
    assert!(trade.contains(&page), "the trade leads to its advance: {trade}");
    // The scorecard is shown before anything is asked, with how to contest each factor.
    let before = house.kul.get(Some(Who::Seller), &page).await.good().text();
    assert!(before.contains("45 of 100") && before.contains("Grade C"), "{before}");
    assert!(before.contains("ask the operator to look at the road"), "{before}");
    // Not offered yet: a lender learns nothing.
    let sale = at("/advances", 1, "");
    assert_eq!(house.kul.get(Some(Who::Lender), &sale).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.kul.form(Some(Who::Seller), &page, "").await.status, StatusCode::SEE_OTHER);

    let list = house.kul.get(Some(Who::Lender), "/advances").await.good().text();
    assert!(list.contains(&sale), "{list}");
    let shown = house.kul.get(Some(Who::Lender), &sale).await.good().text();
    assert!(shown.contains("630260") && shown.contains("45 of 100"), "{shown}");
    let asked = house.kul.get(Some(Who::Lender), &at("/api/v1/advances", 1, "")).await.good().json();
    let due = asked["due"]["minor"].as_i64().unwrap();
    assert_eq!(asked["score"]["facts"]["value"]["minor"], due);
    // Grade C: at most half.
    let offers = at("/advances", 1, "/offers");
    let too_much = house.kul.form(Some(Who::Lender), &offers, "amount=79.00&fee=2&days=30").await;
    assert_eq!(too_much.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(too_much.text().contains("value=\"79.00\"") && too_much.text().contains("role=\"alert\""));
    for (form, word) in [
        ("amount=x&fee=2&days=30", "amount"),
        ("amount=9&fee=x&days=30", "per cent"),
        ("amount=9&fee=2&days=x", "days"),
    ] {
        let bad = house.kul.form(Some(Who::Lender), &offers, form).await;
        assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(bad.text().contains(word), "{form}: {}", bad.text());
    }
    let api = at("/api/v1/advances", 1, "/offers");
    let body = json!({ "amount": { "minor": 3_000, "currency": "MYR" }, "fee_percent": "2", "tenor_days": 30 });
    assert_eq!(house.kul.post(Some(Who::Seller), &api, &body).await.status, StatusCode::FORBIDDEN);
    let offer = house.kul.post(Some(Who::Lender), &api, &body).await.good().json();
    // 2 % of 30.00 = 0.60; 2 × 365 / 30 = 24.33 % a year.
    assert_eq!((&offer["fee"]["minor"], &offer["apr_percent"]), (&json!(60), &json!("24.33")));
    assert_eq!(offer["repayment"]["minor"], 3_060);

    let shown = house.kul.get(Some(Who::Seller), &page).await.good().text();
    assert!(shown.contains("24.33") && shown.contains("Sample lender"), "{shown}");
    let take = at("/api/v1/trades", 1, "/advance/acceptance");
    let none = house.kul.post(Some(Who::Seller), &take, &json!({ "offer": "adv_1" })).await;
    assert_eq!((none.status, code(&none.json())), (StatusCode::NOT_FOUND, "advance-offer-unknown"));
    let other = house.kul.post(Some(Who::OtherSeller), &take, &json!({ "offer": offer["id"] })).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let form = format!("offer={}", offer["id"].as_str().unwrap());
    let taken = house.kul.form(Some(Who::Seller), &at("/trades", 1, "/advance/acceptance"), &form).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let again = house.kul.form(Some(Who::Seller), &at("/trades", 1, "/advance/withdrawal"), "").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text().contains("An advance was taken"), "{}", again.text());

    // It goes out with the others, and the bank confirms it.
    let payouts = house.kul.get(Some(Who::Bank), "/payouts").await.good().text();
    assert!(payouts.contains("seller, advance"), "{payouts}");
    execute(&house).await;
    let operator = house.kul.get(Some(Who::Operator), "/advances").await.good().text();
    assert!(operator.contains("paid out") && operator.contains(lender_reference(Who::Lender.party()).as_str()));
    // Nobody but the parties to it sees it on the trade.
    let path = at("/api/v1/trades", 1, "");
    let seller = house.kul.get(Some(Who::Seller), &path).await.good().json();
    assert_eq!(seller["file"]["finance"]["advance"]["state"]["state"], "paid-out");
    for (side, who) in [(&house.kul, Who::Officer), (&house.kul, Who::Carrier), (&house.hgh, Who::Buyer)] {
        let text = side.get(Some(who), &path).await.good().text();
        for word in ["finance", "advance", "adv_"] {
            assert!(!text.contains(word), "{who:?} {word}: {text}");
        }
    }
    finish(&house, 1).await;
    let lender = house.kul.get(Some(Who::Lender), "/api/v1/advances").await.good().json();
    assert_eq!(lender["funds"]["available"]["minor"], 50_060);
    assert_eq!(lender["advances"][0]["state"]["state"], "repaid");
    let audit = house.kul.get(Some(Who::Operator), "/api/v1/audit").await.good().json();
    assert_eq!(audit["sound"], json!(true), "{audit}");
    let transfers = house.kul.get(Some(Who::Seller), &path).await.good().json()["transfers"].clone();
    let legs: Vec<&str> = transfers.as_array().unwrap().iter().map(|t| t["leg"].as_str().unwrap()).collect();
    let place = |leg: &str| legs.iter().position(|l| *l == leg).unwrap_or_else(|| panic!("{leg} in {legs:?}"));
    assert!(place("freight") < place("repayment") && place("export-fee") < place("repayment"), "{legs:?}");
    assert!(place("advance-fee") < place("proceeds"), "{legs:?}");
}

/// All that is due goes out, and the sandbox's bank executes it.
async fn execute(house: &House) {
    let made = house.kul.form(Some(Who::Operator), "/payouts/files", "").await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    for file in house.kul.hub.payout_files(5).await.unwrap().into_iter().filter(|f| f.done < f.payouts) {
        let path = format!("/payouts/files/{}/execute", file.file);
        let done = house.kul.form(Some(Who::Operator), &path, "").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    }
}

/// From the export release to the seller's money.
async fn finish(house: &House, n: u64) {
    use trade::custody::CustodyKind;
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        house.scan(&house.kul, n, kind).await.good();
    }
    house.carry().await;
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        house.scan(&house.hgh, n, kind).await.good();
    }
    house.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", n, "/acceptance"), &json!({})).await.good();
    house.carry().await;
    execute(house).await;
    house.carry().await;
}

#[tokio::test]
async fn a_lender_of_the_importing_hub_gets_the_signed_word_and_shuts_out_the_seller() {
    let house = House::open().await;
    house.trade(2, Ware::Towel, 500, Reach::Lodged).await;
    let waybill = crate::house::s10(2).to_string();
    let wrong = format!("trade=A-26-000002&waybill={}", crate::house::s10(3));
    let refused = house.hgh.form(Some(Who::Lender), "/advances/words", &wrong).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let bad = house.hgh.form(Some(Who::Lender), "/advances/words", "trade=A&waybill=LP1").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let early = json!({ "trade": "A-26-000002", "waybill": waybill, "wants": "finance" });
    let early = house.hgh.post(Some(Who::Lender), "/api/v1/finance-words", &early).await;
    assert_eq!(code(&early.json()), "word-not-kept");
    let form = format!("trade=A-26-000002&waybill={waybill}");
    let asked = house.hgh.form(Some(Who::Lender), "/advances/words", &form).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    assert!(house.hgh.get(Some(Who::Lender), "/advances").await.good().text().contains("on the road"));
    house.carry().await;
    let page = house.hgh.get(Some(Who::Lender), "/advances").await.good().text();
    assert!(page.contains("kept for you until") && page.contains("We finance it"), "{page}");
    let seller = house.kul.form(Some(Who::Seller), &at("/trades", 2, "/advance"), "").await;
    assert_eq!(seller.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seller.text().contains("Somebody else holds"), "{}", seller.text());
    let body = json!({ "trade": "A-26-000002", "waybill": waybill, "wants": "finance" });
    house.hgh.post(Some(Who::Lender), "/api/v1/finance-words", &body).await.good();
    house.carry().await;
    let list = house.hgh.get(Some(Who::Lender), "/api/v1/finance-words").await.good().json();
    assert_eq!(list["claims"][0]["claim"]["word"]["says"], "financed");
    // The word is in the bundles of those whom it concerns, on both hubs, and names no lender.
    for (side, who) in [(&house.kul, Who::Seller), (&house.hgh, Who::Operator)] {
        let path = at("/api/v1/trades", 2, "/bundle?view=counterparty");
        let bundle = side.get(Some(who), &path).await.good();
        let report = trade::bundle::verify_bundle(&bundle.body, None).unwrap();
        let own = report.bundle.events.iter().map(|e| &e.leaf.0);
        let peer = report.bundle.peer.iter().flat_map(|p| p.events.iter().map(|e| &e.leaf.0));
        let words: Vec<String> = own
            .chain(peer)
            .map(|leaf| String::from_utf8_lossy(leaf).into_owned())
            .filter(|leaf| leaf.contains("\"finance-word\""))
            .collect();
        assert_eq!(words.len(), 2, "kept, then financed: {words:?}");
        assert!(words.iter().all(|w| w.contains("signature") && !w.contains("pty_")), "{words:?}");
    }
    // The importing hub's buyer sees nothing of it.
    let buyer = house.hgh.get(Some(Who::Buyer), &at("/trades", 2, "")).await.good().text();
    assert!(!buyer.contains("financ"), "{buyer}");
}

#[tokio::test]
async fn a_credit_that_names_a_lender_is_its_money_and_the_operator_sends_it_back() {
    let house = House::open().await;
    let reference = lender_reference(Who::Lender.party());
    let entry = papers::camt054::Entry {
        credit: true,
        reversal: false,
        amount: trade::money::Money::new(12_345, trade::money::Currency::MYR),
        bank_reference: "BNK-77".to_owned(),
        end_to_end: None,
        remittance: vec![format!("funds {reference}")],
        payer_name: Some("Sample lender".to_owned()),
        payer_id: None,
        payer_account: None,
        account: house.kul.site.bank.account.clone(),
        booked: Some("2026-11-23".to_owned()),
        status: papers::camt054::Status::Booked,
    };
    let notice = papers::camt054::Notice {
        message_id: "N-1".to_owned(),
        created: hub::testing::START,
        account: house.kul.site.bank.account.clone(),
        entries: vec![entry],
    };
    let xml = papers::camt054::write(&notice).unwrap();
    for _ in 0..2 {
        house.kul.upload(Some(Who::Bank), "/bank", "file", &xml).await.good();
    }
    let funds = house.kul.get(Some(Who::Lender), "/api/v1/advances").await.good().json()["funds"].clone();
    assert_eq!(funds["available"]["minor"], 12_345);
    let back = |amount: &str| format!("lender={}&no=OUT-1&amount={amount}&way=out", Who::Lender.party());
    let more = house.kul.form(Some(Who::Operator), "/advances/funds", &back("123.46")).await;
    assert_eq!(more.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(more.text().contains("role=\"alert\""), "{}", more.text());
    let sent = house.kul.form(Some(Who::Operator), "/advances/funds", &back("123.45")).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    assert_eq!(house.kul.form(Some(Who::Lender), "/advances/funds", &back("1")).await.status, StatusCode::FORBIDDEN);
    let audit = house.kul.get(Some(Who::Operator), "/api/v1/audit").await.good().json();
    assert_eq!(audit["sound"], json!(true), "{audit}");
}

#[tokio::test]
async fn the_pages_of_advances_speak_three_languages_and_are_shut_to_others() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    house.kul.form(Some(Who::Seller), &at("/trades", 1, "/advance"), "").await;
    for (who, path) in [
        (Who::Seller, at("/trades", 1, "/advance")),
        (Who::Operator, at("/trades", 1, "/advance")),
        (Who::Lender, at("/advances", 1, "")),
        (Who::Lender, "/advances".to_owned()),
        (Who::Operator, "/advances".to_owned()),
    ] {
        for (lang, word) in [("en", "dvance"), ("ms", "endahuluan"), ("zh-CN", "垫款")] {
            let page = house.kul.get(Some(who), &format!("{path}?lang={lang}")).await.good().text();
            assert!(page.contains(word), "{who:?} {path} {lang}");
            assert!(!page.contains("[advance") && !page.contains("[words") && !page.contains("[funds"), "{page}");
        }
    }
    for who in [Who::OtherSeller, Who::Carrier, Who::Officer, Who::Bank] {
        for path in [at("/trades", 1, "/advance"), at("/advances", 1, ""), "/advances".to_owned()] {
            let got = house.kul.get(Some(who), &path).await;
            assert!(
                matches!(got.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND),
                "{who:?} {path}: {}",
                got.status
            );
        }
    }
}
