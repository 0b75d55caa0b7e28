//! Returns and disputes through their pages and their API.

use axum::http::StatusCode;
use serde_json::json;
use trade::clock::MoveClock;
use trade::codes::{Country, S10};
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::time::Days;

use crate::house::{House, Reach, Ware, Who, at, signed_to, trade_no};

const BUYER: Option<Who> = Some(Who::Buyer);
const SELLER: Option<Who> = Some(Who::Seller);
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a torn towel";

fn return_no(n: u32) -> String {
    S10::issue("LR", n, Country::CN).unwrap().to_string()
}

#[tokio::test]
async fn a_buyer_returns_goods_by_forms_and_everybody_finds_its_step() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Delivered).await;
    let (trade, page) = (at("/trades", 1, ""), at("/trades", 1, "/return"));
    assert!(house.hgh.get(BUYER, &trade).await.good().text().contains(&page));
    let shown = house.hgh.get(BUYER, &page).await.good().text();
    assert!(shown.contains("value=\"damaged\"") && shown.contains("multipart/form-data"), "{shown}");

    // What is wrong is told where it was typed, with what was typed.
    let fields = [("reason", "damaged"), ("statement", "")];
    let refused = house.hgh.multipart(BUYER, &page, &fields, b"").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("value=\"damaged\" selected"), "{}", refused.text());
    let script = house.hgh.multipart(BUYER, &page, &fields, b"<script>").await;
    assert!(script.text().contains("PNG, JPEG"), "{}", script.text());
    let fields = [("reason", "damaged"), ("statement", "Torn <b>here</b>")];
    let asked = house.hgh.multipart(BUYER, &page, &fields, PNG).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.text());
    // The same form again is the same return.
    let again = house.hgh.multipart(BUYER, &page, &fields, PNG).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    house.carry().await;
    assert_eq!(house.stage(&house.kul, 1).await, "returning");
    let shown = house.hgh.get(BUYER, &page).await.good().text();
    assert!(shown.contains("Torn &#60;b&#62;here") || shown.contains("Torn &lt;b&gt;here"), "{shown}");

    // The language of a page that was answered to a form is changed on the page that has the form.
    let again = house.hgh.get(BUYER, &format!("{page}/withdrawal?lang=ms")).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(again.headers["location"].to_str().unwrap(), format!("{page}?lang=ms"));

    // The seller answers on its own hub.
    let shown = house.kul.get(SELLER, &page).await.good().text();
    assert!(shown.contains("value=\"yes\"") && shown.contains("/evidence/"), "{shown}");
    let silent = house.kul.multipart(SELLER, &format!("{page}/answer"), &[("agrees", "no")], b"").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let agreed = house.kul.multipart(SELLER, &format!("{page}/answer"), &[("agrees", "yes")], b"").await;
    assert_eq!(agreed.status, StatusCode::SEE_OTHER, "{}", agreed.text());
    house.carry().await;

    let form = format!("no={}&weight=0.5", return_no(1));
    let sent = house.hgh.form(BUYER, &format!("{page}/waybill"), &form).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    for kind in [CustodyKind::HandedBack, CustodyKind::BackAtCustoms] {
        house.scan(&house.hgh, 1, kind).await.good();
    }
    let officer = Some(Who::Officer);
    assert!(house.hgh.get(officer, "/officer").await.good().text().contains(&page));
    let shown = house.hgh.get(officer, &page).await.good().text();
    assert!(shown.contains("cn.return.import-tax"), "{shown}");
    let said = house.hgh.form(officer, &format!("{page}/examination"), "grants=yes&said=").await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.text());
    house.scan(&house.hgh, 1, CustodyKind::SentHome).await.good();
    house.carry().await;
    house.scan(&house.kul, 1, CustodyKind::BackHome).await.good();
    // No rule is known there: a yes needs its reason.
    let bare = house.kul.form(officer, &format!("{page}/examination"), "grants=yes&said=").await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = house.kul.form(officer, &format!("{page}/examination"), "grants=yes&said=as+it+left").await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.text());
    house.scan(&house.kul, 1, CustodyKind::BackWithSeller).await.good();
    house.carry().await;
    for (side, who) in [(&house.hgh, BUYER), (&house.kul, SELLER)] {
        assert_eq!(house.stage(side, 1).await, "returned");
        for path in [&trade, &page] {
            for lang in ["en", "ms", "zh-CN"] {
                let shown = side.get(who, &format!("{path}?lang={lang}")).await.good().text();
                assert!(!shown.contains("return-") || !shown.contains("⟦"), "{lang} {path}");
            }
        }
    }
    let answer = house.hgh.get(BUYER, &at("/api/v1/trades", 1, "/return")).await.good().json();
    assert_eq!(answer["return"]["state"]["state"], "settled");
    assert_eq!(answer["return"]["state"]["tax"]["outcome"], "given-back");
}

#[tokio::test]
async fn evidence_is_shown_to_those_whom_the_claim_concerns_and_to_no_other_hub() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Delivered).await;
    let body = json!({ "reason": "damaged", "statement": "torn" });
    let asked = house.hgh.post(BUYER, &at("/api/v1/trades", 1, "/return"), &body).await.good().json();
    house.carry().await;
    let sha256 = asked["evidence"][0]["sha256"].as_str().unwrap().to_owned();
    let path = at("/trades", 1, &format!("/evidence/{sha256}"));
    assert_eq!(house.hgh.get(BUYER, &path).await.good().text(), "torn");
    assert_eq!(house.hgh.get(Some(Who::Operator), &path).await.good().text(), "torn");
    for who in [Who::OtherBuyer, Who::Carrier, Who::Officer, Who::Bank] {
        assert!(!house.hgh.get(Some(who), &path).await.status.is_success(), "{who:?}");
    }
    // No event holds it, on either hub.
    for side in [&house.hgh, &house.kul] {
        for logged in side.hub.events_of(&trade_no(1)).await.unwrap() {
            assert!(!String::from_utf8_lossy(&logged.leaf).contains("torn"));
        }
    }
    // The seller's hub asks for it, signed; what no claim of the trade names is not given.
    let question = |sha256: &str| {
        let (from, to) = (&house.kul.site.id, &house.hgh.site.id);
        json!({ "from": from, "to": to, "trade": trade_no(1), "sha256": sha256 }).to_string().into_bytes()
    };
    let road = "/road/v1/evidence";
    let given = house.hgh.ask(signed_to(&house.kul, road, &question(&sha256))).await.good().json();
    assert_eq!(given["contents"], "dG9ybg==");
    let other = house.hgh.ask(signed_to(&house.kul, road, &question(&"0".repeat(64)))).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let forged = house.hgh.ask(signed_to(&house.hgh, road, &question(&sha256))).await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
    // Its own hub is not reached here: the seller is told so.
    let far = house.kul.get(SELLER, &path).await;
    assert_eq!(far.status, StatusCode::SERVICE_UNAVAILABLE, "{}", far.text());
}

#[tokio::test]
async fn a_dispute_is_opened_answered_and_decided_with_its_reason() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Delivered).await;
    let (page, api) = (at("/trades", 1, "/dispute"), at("/api/v1/trades", 1, "/dispute"));
    assert!(house.hgh.get(BUYER, &page).await.good().text().contains("value=\"not-received\""));
    let operator = Some(Who::Operator);
    let fields = |amount| [("reason", "damaged"), ("award", "part"), ("amount", amount), ("statement", "torn")];
    // Towels at RM 80.00 and their carriage are far below CNY 9,999.00.
    for amount in ["9999.00", "0", "much"] {
        let refused = house.hgh.multipart(BUYER, &page, &fields(amount), b"").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{amount}");
    }
    let opened = house.hgh.multipart(BUYER, &page, &fields("50.00"), b"").await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.text());
    house.carry().await;
    let decision = |award: &str| json!({ "award": award, "amount": "20.00", "reason": "a small tear" });
    let early = house.hgh.post(operator, &format!("{api}/decision"), &decision("part")).await;
    assert_eq!(early.json()["code"], "answer-open");
    let accept = house.hgh.post(BUYER, &at("/api/v1/trades", 1, "/acceptance"), &json!({})).await;
    assert_eq!(accept.json()["code"], "claim-open");
    let body = json!({ "statement": "it was whole" });
    house.kul.post(SELLER, &format!("{api}/answer"), &body).await.good();
    house.carry().await;
    let shown = house.hgh.get(operator, &page).await.good().text();
    assert!(shown.contains("value=\"nothing\"") && shown.contains("torn"), "{shown}");
    let there = house.kul.post(operator, &format!("{api}/decision"), &decision("part")).await;
    assert_eq!(there.json()["code"], "return-elsewhere");
    let bare = house.hgh.form(operator, &format!("{page}/decision"), "award=part&amount=20.00&reason=").await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = "award=part&amount=20.00&reason=a+small+tear";
    let decided = house.hgh.form(operator, &format!("{page}/decision"), form).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.text());
    house.carry().await;
    for (side, who) in [(&house.hgh, BUYER), (&house.kul, SELLER)] {
        let shown = side.get(who, &page).await.good().text();
        assert!(shown.contains("a small tear") && shown.contains("20.00"), "{shown}");
        assert_eq!(house.stage(side, 1).await, "settled");
    }
    let answer = house.hgh.get(BUYER, &api).await.good().json();
    assert_eq!(answer["dispute"]["state"]["refund"]["goods"]["minor"], 2_000);
}

#[tokio::test]
async fn an_order_is_cancelled_before_the_parcel_is_handed_over() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    let page = at("/trades", 1, "/return");
    assert!(house.hgh.get(BUYER, &page).await.good().text().contains("/return/cancellation"));
    let cancelled = house.hgh.form(BUYER, &format!("{page}/cancellation"), "").await;
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER, "{}", cancelled.text());
    house.carry().await;
    for side in [&house.hgh, &house.kul] {
        assert_eq!(house.stage(side, 1).await, "cancelled");
    }
    // Unpaid, it is off at once; delivered, it is too late.
    house.trade(2, Ware::Towel, 500, Reach::Ordered).await;
    let cancel = |n| at("/api/v1/trades", n, "/return/cancellation");
    house.hgh.post(BUYER, &cancel(2), &json!({})).await.good();
    assert_eq!(house.stage(&house.hgh, 2).await, "cancelled");
    house.trade(3, Ware::Towel, 500, Reach::Departed).await;
    for (side, who) in [(&house.hgh, BUYER), (&house.kul, SELLER)] {
        let late = side.post(who, &cancel(3), &json!({})).await;
        assert_eq!(late.json()["code"], "handed-over-already");
    }
    // The seller may call off what it cannot send.
    house.trade(4, Ware::Towel, 500, Reach::Paid).await;
    house.kul.post(SELLER, &cancel(4), &json!({})).await.good();
    house.carry().await;
    for side in [&house.hgh, &house.kul] {
        assert_eq!(house.stage(side, 4).await, "cancelled");
    }
}

#[tokio::test]
async fn an_officer_sends_home_what_does_not_agree() {
    let house = House::open().await;
    // Declared with 500 g and weighed at 900.
    house.trade(1, Ware::Towel, 900, Reach::Departed).await;
    house.scan(&house.hgh, 1, CustodyKind::Arrived).await.good();
    let path = at("/api/v1/trades", 1, "/return/send-back");
    let officer = Some(Who::Officer);
    let bare = house.hgh.post(officer, &path, &json!({ "said": "" })).await;
    assert_eq!(bare.json()["code"], "reason-missing");
    house.hgh.post(officer, &path, &json!({ "said": "weight" })).await.good();
    house.carry().await;
    assert_eq!(house.stage(&house.kul, 1).await, "returning");
    let stopped = house.scan(&house.hgh, 1, CustodyKind::OutForDelivery).await;
    assert_eq!(stopped.json()["code"], "comes-back");
    house.hgh.command(Command::MoveClock(MoveClock { to: hub::testing::START.plus_days(Days(3)) })).await;
    let money = house.hgh.get(Some(Who::Operator), "/payouts").await.good().text();
    assert!(money.contains("A-26-000001"), "{money}");
}
