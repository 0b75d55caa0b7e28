//! What happens at the desks: a sale from order to payout, holds, corrections, refusals, the clock.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use trade::custody::CustodyKind;

use crate::house::{House, Reach, Side, Ware, Who, at, s10, signed, trade_no};

fn code(problem: &Value) -> &str {
    problem["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_sale_runs_from_order_to_payout_and_both_hubs_say_the_same() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    assert_eq!(house.stage(&house.kul, 1).await, "paid");
    assert_eq!(house.stage(&house.hgh, 1).await, "paid");
    // What one owes is what the other is owed, and all is in balance.
    let due_to = position(&house.hgh, "due_to").await;
    let due_from = position(&house.kul, "due_from").await;
    assert_eq!(due_to, due_from);
    assert!(due_to["minor"].as_i64().unwrap() > 0);
    for side in [&house.kul, &house.hgh] {
        let audit = side.get(Some(Who::Operator), "/api/v1/audit").await.good().json();
        assert_eq!(audit["sound"], json!(true), "{audit}");
    }
    // Each side's page shows what both hubs logged, every event with its hub and its number there.
    for (side, other, who) in [(&house.kul, &house.hgh, Who::Seller), (&house.hgh, &house.kul, Who::Buyer)] {
        let answer = side.get(Some(who), &at("/api/v1/trades", 1, "")).await.good().json();
        let events = answer["events"].as_array().unwrap();
        let of = |hub: &Side| -> Vec<u64> {
            let own = events.iter().filter(|e| e["hub"] == json!(hub.site.id));
            own.map(|e| e["n"].as_u64().expect("in the log")).collect()
        };
        let known: Vec<u64> = other.hub.events_of(&trade_no(1)).await.unwrap().iter().map(|l| l.event.n).collect();
        // The least that is told: the waybill, the release, the way of the parcel, the payout.
        assert!(of(side).len() > 5 && of(other).len() >= 4, "{events:?}");
        assert!(of(other).iter().all(|n| known.contains(n)), "the numbers are those of the other log");
        let page = side.get(Some(who), &at("/trades", 1, "")).await.good().text();
        assert!(page.contains(&format!("{} · event {}", other.site.id, of(other)[0])), "{page}");
    }
    // Told once more, nothing happens twice.
    let again =
        house.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", 1, "/acceptance"), &json!({})).await.good().json();
    assert_eq!(again["state"], "released");
}

async fn position(side: &Side, field: &str) -> Value {
    let settlement = side.get(Some(Who::Operator), "/api/v1/settlement").await.good().json();
    assert_eq!(settlement["positions"][0]["in_flight"]["minor"], 0);
    settlement["positions"][0][field].clone()
}

#[tokio::test]
async fn what_is_released_here_and_not_confirmed_there_is_on_the_road() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Delivered).await;
    house.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", 1, "/acceptance"), &json!({})).await.good();
    let settlement = house.hgh.get(Some(Who::Operator), "/api/v1/settlement").await.good().json();
    let position = &settlement["positions"][0];
    assert_eq!(position["in_flight"], position["due_to"]);
    house.carry().await;
    let settlement = house.hgh.get(Some(Who::Operator), "/api/v1/settlement").await.good().json();
    assert_eq!(settlement["positions"][0]["in_flight"]["minor"], 0);
}

#[tokio::test]
async fn a_weight_that_differs_is_held_and_its_correction_releases() {
    let house = House::open().await;
    // 500 g declared, 700 g on the scale: 40 % off where 10 % are allowed.
    house.trade(2, Ware::Towel, 700, Reach::Lodged).await;
    assert_eq!(house.stage(&house.hgh, 2).await, "import-held");
    let queue = house.hgh.get(Some(Who::Officer), "/officer").await.good().text();
    assert!(queue.contains("A-26-000002") && queue.contains("40"), "{queue}");
    let rows = house.hgh.get(Some(Who::Officer), &at("/api/v1/trades", 2, "/match")).await.good().json();
    let weight = rows["match"].as_array().unwrap().iter().find(|r| r["field"] == "gross-weight").unwrap().clone();
    assert_eq!(weight["verdict"]["verdict"], "differs");
    assert_eq!(weight["mender"], "carrier");
    // The carrier sees that it is its turn, and corrects the waybill on the form.
    house.carry().await;
    let page = house.kul.get(Some(Who::Carrier), &at("/trades", 2, "")).await.good().text();
    assert!(page.contains(&at("/trades", 2, "/waybill")), "{page}");
    let form = format!("no={}&weight=0.500&consignee=DLV-000002&corrects=1", s10(2));
    let sent = house.kul.form(Some(Who::Carrier), &at("/trades", 2, "/waybill"), &form).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    house.carry().await;
    assert_eq!(house.stage(&house.hgh, 2).await, "import-released");
}

#[tokio::test]
async fn an_officer_releases_asks_and_detains_with_a_reason() {
    let house = House::open().await;
    house.trade(3, Ware::Cream, 240, Reach::Lodged).await;
    house.trade(4, Ware::Cream, 240, Reach::Lodged).await;
    let decide = async |n: u64, body: Value| {
        house.hgh.post(Some(Who::Officer), &at("/api/v1/trades", n, "/decision"), &body).await
    };
    let no_reason = decide(3, json!({ "decision": "detain", "reason": " " })).await;
    assert_eq!((no_reason.status, code(&no_reason.json())), (StatusCode::UNPROCESSABLE_ENTITY, "reason-missing"));
    let unclear = decide(3, json!({ "decision": "perhaps" })).await;
    assert_eq!(code(&unclear.json()), "decision-unclear");
    let asked =
        decide(3, json!({ "decision": "ask", "field": "hs-code", "of": "seller", "reason": "Which extract?" })).await;
    assert_eq!(asked.good().json()["asked"]["reason"], "Which extract?");
    let held = house.scan(&house.hgh, 3, CustodyKind::OutForDelivery).await;
    assert_eq!(code(&held.json()), "step-missing");
    let released = decide(3, json!({ "decision": "release", "reason": "Seen" })).await;
    assert_eq!(released.good().json()["state"], "released");
    let detained = decide(4, json!({ "decision": "detain", "reason": "Forbidden plant" })).await;
    assert_eq!(detained.good().json()["state"], "detained");
    house.carry().await;
    let page = house.kul.get(Some(Who::Seller), &at("/trades", 4, "")).await.good().text();
    assert!(page.contains("Forbidden plant"), "the seller reads the reason: {page}");
    // The day's counts: one by an officer, one detained.
    let desk = house.hgh.get(Some(Who::Officer), "/officer").await.good().text();
    assert!(desk.contains("<b>1</b> Released by an officer") && desk.contains("<b>1</b> Detained"), "{desk}");
}

#[tokio::test]
async fn whoever_is_asked_at_the_other_end_of_the_road_reads_the_question_and_answers_it() {
    let house = House::open().await;
    house.trade(5, Ware::Towel, 700, Reach::Lodged).await;
    let ask = json!({ "decision": "ask", "field": "gross-weight", "of": "carrier", "reason": "Weigh it again." });
    house.hgh.post(Some(Who::Officer), &at("/api/v1/trades", 5, "/decision"), &ask).await.good();
    house.carry().await;
    let page = house.kul.get(Some(Who::Carrier), &at("/trades", 5, "")).await.good().text();
    assert!(page.contains("Weigh it again."), "{page}");
    // A corrected waybill is the answer: nobody is asked any more, and the officer has to decide.
    let body = json!({ "no": s10(5), "gross_grams": 500, "consignee": "DLV-000005", "corrects": true });
    house.kul.post(Some(Who::Carrier), &at("/api/v1/trades", 5, "/waybill"), &body).await.good();
    house.carry().await;
    for side in [&house.kul, &house.hgh] {
        let file = side.hub.trade(&trade_no(5)).await.unwrap().unwrap();
        let ball = trade::ball::ball(&file);
        assert_eq!((ball.holder.code(), ball.task.code()), ("import-customs", "examine"), "{}", side.site.id);
    }
}

#[tokio::test]
async fn a_movement_that_the_law_forbids_is_refused_at_the_scanner() {
    let house = House::open().await;
    house.trade(5, Ware::Towel, 500, Reach::Waybill).await;
    let scan = async |side: &Side, step: &str, number: &str| {
        let form = format!("step={step}&place=X&number={number}");
        side.form(Some(Who::Carrier), "/parcels", &form).await
    };
    let number = s10(5).to_string();
    assert_eq!(scan(&house.kul, "departed", &number).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    scan(&house.kul, "handed-over", &number).await.good();
    let early = scan(&house.kul, "departed", &number).await;
    assert!(early.text().contains("not released for export"), "{}", early.text());
    let other = scan(&house.kul, "delivered", &number).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(scan(&house.kul, "handed-over", "LP999999999MY").await.status, StatusCode::NOT_FOUND);
    // By its order number too.
    scan(&house.kul, "handed-over", "A-26-000005").await.good();
}

#[tokio::test]
async fn forms_say_what_is_wrong_and_keep_what_was_typed() {
    let house = House::open().await;
    house.trade(6, Ware::Towel, 500, Reach::Paid).await;
    let path = at("/trades", 6, "/waybill");
    let bad = house.kul.form(Some(Who::Seller), &path, "no=LP1&weight=0.5&consignee=DLV-000006").await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text().contains("value=\"LP1\""), "{}", bad.text());
    let heavy = format!("no={}&weight=31&consignee=DLV-000006", s10(6));
    assert_eq!(house.kul.form(Some(Who::Seller), &path, &heavy).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let early = house.kul.post(Some(Who::Seller), &at("/api/v1/trades", 6, "/export-declaration"), &json!({})).await;
    assert_eq!(code(&early.json()), "waybill-missing");
}

#[tokio::test]
async fn the_operator_moves_the_clock_of_a_sandbox_forward_only() {
    let house = House::open().await;
    let now = house.kul.get(Some(Who::Operator), "/api/v1/clock").await.good().json()["now"].as_i64().unwrap();
    let back = house.kul.post(Some(Who::Operator), "/api/v1/clock", &json!({ "to": now - 1_000_000 })).await;
    assert_eq!(code(&back.json()), "not-backwards");
    let week = house.kul.form(Some(Who::Operator), "/operator/clock", "days=7").await;
    assert_eq!(week.status, StatusCode::SEE_OTHER);
    let later = house.kul.get(Some(Who::Operator), "/api/v1/clock").await.good().json()["now"].as_i64().unwrap();
    assert_eq!(later - now, 7 * 86_400_000_000);
    house.carry().await;
    let there = house.hgh.get(Some(Who::Operator), "/api/v1/clock").await.good().json()["now"].as_i64().unwrap();
    assert_eq!(there, later);
    assert_eq!(
        house.kul.form(Some(Who::Operator), "/operator/clock", "to=yesterday").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn the_roads_door_opens_to_signed_batches_of_accepted_peers_only() {
    let house = House::open().await;
    let plain = Request::post("/road/v1/batches").header("content-type", "application/json");
    let nonsense = house.hgh.ask(plain.body(Body::from("{}")).unwrap()).await;
    assert_eq!(code(&nonsense.json()), "malformed");
    house.trade(7, Ware::Towel, 500, Reach::Ordered).await;
    // A batch that is a peer's own, under a request that somebody else has signed.
    house.kul.form(Some(Who::Operator), "/operator/clock", "days=1").await;
    house.kul.hub.sequence_all().await.unwrap();
    let outgoing = house.kul.hub.outgoing(&house.hgh.site.id).await.unwrap();
    let head = house.kul.hub.road_head(&house.hgh.site.id).await.unwrap().unwrap();
    let wanted = trade::road::Wanted {
        to: house.hgh.site.id.clone(),
        version: 1,
        after: outgoing.acknowledged,
        peer_size: outgoing.witnessed,
        head: head.note,
        limits: trade::road::Limits::default(),
    };
    let batch = house.kul.hub.batch(&wanted).await.unwrap().to_json();
    let got = house.hgh.ask(signed(&house.hgh, &batch)).await;
    assert_eq!((got.status, code(&got.json())), (StatusCode::UNAUTHORIZED, "road-signature"));
    house.hgh.ask(signed(&house.kul, &batch)).await.good();
    // Too long is turned away before it is read.
    let long = vec![b' '; trade::road::BATCH_MAX_BYTES + 1];
    assert_eq!(house.hgh.ask(signed(&house.kul, &long)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_paused_road_and_an_unknown_peer_are_told_apart() {
    let house = House::open().await;
    let unknown = house.kul.post(Some(Who::Operator), "/api/v1/peers/nobody.sandbox/pause", &json!({})).await;
    assert_eq!(code(&unknown.json()), "peer-unknown");
    house.kul.post(Some(Who::Operator), "/api/v1/peers/hgh.sandbox/pause", &json!({})).await.good();
    let page = house.kul.get(Some(Who::Operator), "/peers").await.good().text();
    assert!(page.contains("/peers/hgh.sandbox/resume"));
    house.kul.post(Some(Who::Operator), "/api/v1/peers/hgh.sandbox/resume", &json!({})).await.good();
    let card = house.hgh.get(None, "/.well-known/ehub.json").await.good();
    let form = format!("card={}", encoded(&card.text()));
    let looked = house.kul.form(Some(Who::Operator), "/peers", &form).await.good().text();
    assert!(looked.contains("hgh.sandbox/sandbox"), "the key to compare is shown: {looked}");
    let own = house.kul.get(None, "/.well-known/ehub.json").await.good().text();
    let mirror = house.kul.form(Some(Who::Operator), "/peers/accept", &format!("card={}", encoded(&own))).await;
    assert_eq!(mirror.status, StatusCode::UNPROCESSABLE_ENTITY);
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[tokio::test]
async fn those_who_watch_are_told_whether_the_hub_lives_and_works() {
    let house = House::open().await;
    house.kul.get(None, "/healthz").await.good();
    house.kul.hub.sequence_all().await.unwrap();
    let ready = house.kul.get(None, "/readyz").await.good().json();
    assert_eq!((&ready["ready"], &ready["lag"]), (&json!(true), &json!(0)));
    let summary = house.kul.get(Some(Who::Operator), "/api/v1/summary").await.good().json();
    assert_eq!(summary["parties_by_role"]["seller"], 2);
    assert_eq!(summary["products"]["total"], 3);
}
