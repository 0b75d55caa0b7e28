//! The API: what is told of it is so; a write sent again is not done again; problems have their pages.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use web::door::{Gives, Sends};
use web::schema::faults;

use crate::house::{Got, House, Reach, Side, Ware, Who, at, id, request};

fn question(house: &House) -> Value {
    let product = house.towel();
    json!({ "exporter": "kul.sandbox", "lines": [{ "product": product, "pieces": 2 }] })
}

async fn keyed(side: &Side, who: Who, key: &str, path: &str, body: &Value) -> Got {
    let request = request(Some(who), Method::POST, path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key);
    side.ask(request.body(Body::from(body.to_string())).unwrap()).await
}

fn replayed(headers: &HeaderMap) -> bool {
    headers.get("idempotent-replayed").is_some_and(|v| v == "true")
}

#[tokio::test]
async fn the_description_has_every_door_of_the_api_and_a_word_for_each_in_every_language() {
    let house = House::open().await;
    let mut told = Vec::new();
    for lang in ["en", "ms", "zh-CN"] {
        told.push(house.kul.get(None, &format!("/api/v1/openapi.json?lang={lang}")).await.good().json());
    }
    let known = &told[0]["components"]["schemas"];
    let mut names = BTreeSet::new();
    for door in web::doors().list(true).filter(|door| door.is_api()) {
        let method = door.method.as_str().to_ascii_lowercase();
        assert!(names.insert(door.name()), "{} stands twice", door.name());
        let summaries: Vec<&str> =
            told.iter().map(|doc| doc["paths"][door.path][&method]["summary"].as_str().unwrap_or_default()).collect();
        let distinct: BTreeSet<&&str> = summaries.iter().collect();
        assert!(
            distinct.len() == 3 && !summaries.contains(&door.name().as_str()),
            "write door-{} …: {summaries:?}",
            door.name()
        );
        assert!(!matches!(door.gives, Gives::Page), "say what {} gives", door.name());
        if let Sends::Json(sample) = door.sends {
            let shape = door.takes.unwrap_or_else(|| panic!("say what {} takes", door.name()))().into_value();
            let sample: Value = serde_json::from_str(sample).unwrap();
            // The firm's own sample is only what a stranger would send.
            if door.may != web::door::May::PaymentFirm {
                assert_eq!(faults(&sample, &shape, known), Vec::<String>::new(), "{}", door.name());
            }
        }
    }
    let paths: BTreeSet<&String> = told[0]["paths"].as_object().unwrap().keys().collect();
    let mounted: BTreeSet<String> = web::doors().list(true).filter(|d| d.is_api()).map(|d| d.path.to_owned()).collect();
    assert_eq!(paths, mounted.iter().collect());
    assert_eq!(told[0]["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_write_sent_again_under_its_key_is_answered_again_and_not_done_again() {
    let house = House::open().await;
    let side = &house.hgh;
    let body = question(&house);
    let ask = |key: &'static str, who| keyed(side, who, key, "/api/v1/quotes", &body);
    let first = ask("\"k-1\"", Who::Buyer).await.good();
    assert!(!replayed(&first.headers));
    let quotes = side.hub.summary().await.unwrap().quotes;
    // Quoted or bare it is the same key.
    let again = ask("k-1", Who::Buyer).await;
    assert!(replayed(&again.headers));
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers[header::CONTENT_TYPE], first.headers[header::CONTENT_TYPE]);
    assert_eq!(side.hub.summary().await.unwrap().quotes, quotes);
    // Another's key of the same name is another's, and another key another question.
    let other = ask("k-1", Who::OtherBuyer).await.good();
    assert!(!replayed(&other.headers) && other.json()["id"] != first.json()["id"]);
    assert_ne!(ask("k-2", Who::Buyer).await.good().json()["id"], first.json()["id"]);
    // A refusal is an answer too.
    let none = json!({ "exporter": "kul.sandbox", "lines": [] });
    let refused = keyed(side, Who::Buyer, "k-3", "/api/v1/quotes", &none).await;
    let once_more = keyed(side, Who::Buyer, "k-3", "/api/v1/quotes", &none).await;
    assert_eq!((refused.status, &refused.body), (StatusCode::UNPROCESSABLE_ENTITY, &once_more.body));
    assert!(replayed(&once_more.headers));
}

#[tokio::test]
async fn a_key_for_another_request_a_bad_key_and_one_in_use_are_refused() {
    let house = House::open().await;
    let side = &house.hgh;
    let body = question(&house);
    keyed(side, Who::Buyer, "k", "/api/v1/quotes", &body).await.good();
    let mut other = body.clone();
    other["lines"][0]["pieces"] = json!(3);
    let refused = keyed(side, Who::Buyer, "k", "/api/v1/quotes", &other).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str().unwrap()),
        (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused")
    );
    let bad = keyed(side, Who::Buyer, "a b", "/api/v1/quotes", &body).await;
    assert_eq!((bad.status, bad.json()["code"].as_str().unwrap()), (StatusCode::BAD_REQUEST, "idempotency-key-bad"));
    // What only somebody else may do is not kept: who gets the role then may send it again.
    let shut = keyed(side, Who::Carrier, "c", "/api/v1/clock", &json!({ "to": 0 })).await;
    assert_eq!(shut.status, StatusCode::FORBIDDEN);
    assert!(!replayed(&keyed(side, Who::Carrier, "c", "/api/v1/clock", &json!({ "to": 0 })).await.headers));
    // Reads have no key, and pages none.
    assert_eq!(side.get(Some(Who::Buyer), "/api/v1/trades").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_dead_process_left_undone_is_done_with_the_same_ids() {
    let house = House::open().await;
    let side = &house.hgh;
    let body = question(&house);
    let first = keyed(side, Who::Buyer, "k", "/api/v1/quotes", &body).await.good().json();
    // As if the answer had not been kept: the process died between deciding and keeping.
    side.forget_answer().await;
    let doing = keyed(side, Who::Buyer, "k", "/api/v1/quotes", &body).await;
    assert_eq!(
        (doing.status, doing.json()["code"].as_str().unwrap()),
        (StatusCode::CONFLICT, "idempotency-key-in-use")
    );
    assert!(doing.headers.contains_key(header::RETRY_AFTER));
    house.hand.advance(61);
    let again = keyed(side, Who::Buyer, "k", "/api/v1/quotes", &body).await.good();
    assert!(!replayed(&again.headers));
    assert_eq!(again.json()["id"], first["id"]);
    // A day later the key is forgotten.
    house.hand.advance(86_400);
    assert!(!replayed(&keyed(side, Who::Buyer, "k", "/api/v1/quotes", &body).await.headers));
}

#[tokio::test]
async fn an_api_key_in_a_kept_answer_is_not_to_be_read_in_the_store() {
    let house = House::open().await;
    let body = json!({ "role": "seller", "name": "Firm", "email": "a@firm.example", "password": "ten characters" });
    let made = keyed(&house.kul, Who::Operator, "p", "/api/v1/parties", &body).await.good();
    let key = made.json()["api_key"].as_str().unwrap().to_owned();
    let again = keyed(&house.kul, Who::Operator, "p", "/api/v1/parties", &body).await;
    assert_eq!(again.json()["api_key"], key);
    let operator = Who::Operator.party().text();
    let stored = hub::testing::dump(&house.kul.hub).await.unwrap();
    let rows: Vec<&String> = stored["idempotency"].iter().filter(|row| row.contains(&operator)).collect();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(&key));
}

#[tokio::test]
async fn a_problem_names_the_page_that_explains_it_in_the_callers_language() {
    let house = House::open().await;
    for lang in ["en", "ms", "zh-CN"] {
        let ask = request(Some(Who::Seller), Method::GET, &at("/api/v1/trades", 9, "")).header("accept-language", lang);
        let got = house.kul.ask(ask.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (got.status, got.headers[header::CONTENT_TYPE].to_str().unwrap()),
            (StatusCode::NOT_FOUND, "application/problem+json")
        );
        let problem = got.json();
        assert_eq!(problem["status"], 404);
        let kind = problem["type"].as_str().unwrap().strip_prefix("http://kul.sandbox.example").unwrap();
        assert_eq!(kind, format!("/api/problems/{}", problem["code"].as_str().unwrap()));
        let page = request(None, Method::GET, kind).header("accept-language", lang);
        let page = house.kul.ask(page.body(Body::empty()).unwrap()).await.good();
        assert!(
            page.text().contains(problem["code"].as_str().unwrap())
                && page.text().contains(&format!("<html lang=\"{lang}\"")),
            "{lang}"
        );
    }
    let all = house.kul.get(None, "/api/problems").await.good().text();
    for code in web::i18n::problem_codes() {
        assert!(all.contains(&format!("/api/problems/{code}\"")), "{code}");
        house.kul.get(None, &format!("/api/problems/{code}")).await.good();
    }
    assert_eq!(house.kul.get(None, "/api/problems/none-such").await.status, StatusCode::NOT_FOUND);
    let page = house.kul.get(None, "/api").await.good().text();
    for door in web::doors().list(true).filter(|door| door.is_api()) {
        assert!(page.contains(&format!("id=\"{}\"", door.name())), "{}", door.name());
    }
}

#[tokio::test]
async fn goods_of_a_hub_that_is_no_peer_are_refused_with_its_name() {
    let house = House::open().await;
    for exporter in ["nobody.sandbox", "hgh.sandbox"] {
        let mut body = question(&house);
        body["exporter"] = json!(exporter);
        let got = house.hgh.post(Some(Who::Buyer), "/api/v1/quotes", &body).await;
        let problem = got.json();
        assert_eq!((problem["code"].as_str(), problem["peer"].as_str()), (Some("peer-unknown"), Some(exporter)));
        assert!(got.status.is_client_error(), "{}", got.status);
    }
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_told_with_those_that_it_takes() {
    let house = House::open().await;
    let got = house.kul.post(Some(Who::Seller), "/api/v1/trades", &json!({})).await;
    assert_eq!((got.status, got.json()["code"].as_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "http-405"));
    assert!(got.headers[header::ALLOW].to_str().unwrap().contains("GET"));
    // Also under a key that has stood for another request.
    let body = question(&house);
    keyed(&house.hgh, Who::Buyer, "k", "/api/v1/quotes", &body).await.good();
    for (path, status) in [("/api/v1/trades", StatusCode::METHOD_NOT_ALLOWED), ("/api/v1/none", StatusCode::NOT_FOUND)]
    {
        assert_eq!(keyed(&house.hgh, Who::Buyer, "k", path, &json!({})).await.status, status, "{path}");
    }
}

/// How many different things a list has, taken one after the other.
async fn walk(side: &Side, who: Who, path: &str, name: &str) -> usize {
    let mut seen = BTreeSet::new();
    let mut after = String::new();
    loop {
        let list = side.get(Some(who), &format!("/api/v1/{path}?limit=1{after}")).await.good().json();
        for item in list[name].as_array().unwrap() {
            assert!(seen.insert(item.to_string()), "{item} twice");
        }
        let Some(next) = list["next"].as_str() else { return seen.len() };
        after = format!("&after={next}");
    }
}

/// What is told of a hub as a whole, of few peers, of one broker's clients, or of the eleven Incoterms
/// comes in one piece.
const WHOLE: [&str; 13] = [
    "/api/v1/rules",
    "/api/v1/incoterms",
    "/api/v1/clients",
    "/api/v1/settlement",
    "/api/v1/audit",
    "/api/v1/operator/road",
    "/api/v1/operator/times",
    "/api/v1/operator/holds",
    "/api/v1/operator/funnel",
    "/api/v1/statistics",
    "/api/v1/estimate",
    "/api/v1/landed-cost",
    "/api/v1/classification",
];

#[tokio::test]
async fn every_list_comes_in_parts() {
    let reads = |door: &&web::door::Door| door.is_api() && door.method == Method::GET && !door.path.contains('{');
    let mut lists = 0;
    for door in web::doors().list(true).filter(reads) {
        let Gives::Json(_, shape) = door.gives else { continue };
        let shape = shape().into_value();
        let fields = shape["properties"].as_object().cloned().unwrap_or_default();
        if fields.values().any(|field| field["type"] == "array") && !WHOLE.contains(&door.path) {
            assert!(fields.contains_key("next"), "{} does not lead on", door.path);
            assert!(["after", "limit"].iter().all(|word| door.query.contains(word)), "{} takes no cursor", door.path);
            lists += 1;
        }
    }
    assert!(lists >= 10, "{lists}");
}

#[tokio::test]
async fn lists_lead_on_from_page_to_page_until_their_end() {
    let house = House::open().await;
    for n in 1..=3 {
        house.trade(n, Ware::Towel, 500, Reach::Paid).await;
    }
    assert_eq!(walk(&house.kul, Who::Seller, "trades", "trades").await, 3);
    let until = hub::testing::START.plus_days(trade::time::Days(30));
    for n in 1..=3 {
        let mandate = id::<trade::mandate::Mandate>(600 + n);
        let body = json!({ "mandate": mandate, "broker": Who::Broker.party(), "acts": ["lodge"], "until": until });
        house.kul.post(Some(Who::Seller), "/api/v1/mandates", &body).await.good();
        let permit = id::<trade::permit::Permit>(500 + n);
        let body = json!({ "permit": permit, "hs": "0409.00", "peer": "hgh.sandbox", "pieces": 5 });
        house.kul.post(Some(Who::Seller), "/api/v1/permits", &body).await.good();
        house.kul.post(Some(Who::Warehouse), "/api/v1/bags", &json!({ "to": "hgh.sandbox" })).await.good();
    }
    for (who, path, name) in [
        (Who::Seller, "mandates", "given"),
        (Who::Broker, "mandates", "held"),
        (Who::Seller, "permits", "permits"),
        (Who::Agency, "permits", "permits"),
        (Who::Warehouse, "bags", "bags"),
    ] {
        assert_eq!(walk(&house.kul, who, path, name).await, 3, "{who:?} {path}");
    }
    // Events: the list goes on where it ended, and has no end.
    let first = house.kul.get(Some(Who::Seller), "/api/v1/events").await.good().json();
    let kinds: Vec<&str> =
        first["events"].as_array().unwrap().iter().map(|e| e["what"]["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"order-taken") || kinds.contains(&"product-offered"), "{kinds:?}");
    let path = format!("/api/v1/events?after={}", first["next"].as_str().unwrap());
    let none = house.kul.get(Some(Who::Seller), &path).await.good().json();
    assert_eq!((none["events"].as_array().unwrap().len(), &none["next"]), (0, &first["next"]));
    let bad = house.kul.get(Some(Who::Seller), "/api/v1/events?after=x").await;
    assert_eq!(bad.json()["code"], "cursor-unreadable");
    // Another seller sees nothing of it.
    let other = house.kul.get(Some(Who::OtherSeller), "/api/v1/events").await.good().json();
    assert_eq!(other["events"], json!([]));
}
