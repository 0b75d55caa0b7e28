//! The warehouse's desk: scans, stock, bags and manifests, from the bin to the other hub's carrier.

use axum::http::StatusCode;
use serde_json::{Value, json};
use trade::codes::BagNo;
use trade::stock::CustomsState;

use crate::house::{House, Reach, Side, Ware, Who, at, s10, trade_no};

const WAREHOUSE: Option<Who> = Some(Who::Warehouse);

fn code(problem: &Value) -> &str {
    problem["code"].as_str().unwrap_or_default()
}

fn product(ware: Ware) -> String {
    ware.offer(Who::Seller).product().to_string()
}

/// Sends a scan with what was scanned before, and gives the page.
async fn scan(side: &Side, scanned: &str, context: &str) -> (StatusCode, String) {
    let body = format!("code={scanned}&context={}", context.replace(':', "%3A").replace('/', "%2F"));
    let got = side.form(WAREHOUSE, "/warehouse/scan", &body).await;
    (got.status, got.text())
}

/// What waits for the next scan, as the page carries it.
fn context(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"context\" value=\"").expect("a scan page");
    rest.split_once('"').expect("a value").0.replace("&#x2f;", "/").replace("&#47;", "/")
}

async fn open_bag(house: &House, n: u64) -> BagNo {
    let no = BagNo::issue(n);
    let body = json!({ "no": no, "to": "hgh.sandbox" });
    house.kul.post(WAREHOUSE, "/api/v1/bags", &body).await.good();
    no
}

fn voyage(departs_in: i64, arrives_in: i64) -> Value {
    let at = |seconds| hub::testing::START.plus_seconds(seconds).micros();
    json!({
        "to_hub": "hgh.sandbox",
        "voyage": {
            "mode": "air", "flight": "MH376", "awb": "232-12345675", "from": "MYKUL", "to": "CNHGH",
            "departs_at": at(departs_in), "arrives_at": at(arrives_in),
        },
    })
}

const MANIFEST: &str = "kul.sandbox%3A232-12345675";

#[tokio::test]
async fn a_scanner_is_told_what_to_do_next_from_the_door_to_the_bag() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let no = s10(1).to_string();
    let (status, page) = scan(&house.kul, &no, "").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("A-26-000001 received") && page.contains("Released for export"), "{page}");
    let held = context(&page);
    assert_eq!(held, "parcel/hgh.sandbox:A-26-000001");
    // A bin that is none is said loudly, and what was scanned before still waits.
    let (status, page) = scan(&house.kul, "B-_", &held).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("role=\"alert\"") && page.contains("is no bin"), "{page}");
    let (_, page) = scan(&house.kul, "b-a01", &context(&page)).await;
    assert!(page.contains("A-26-000001 lies in B-A01"), "{page}");
    let home = house.kul.get(WAREHOUSE, "/warehouse").await.good().text();
    assert!(home.contains("B-A01") && home.contains(&no), "{home}");
    // Into a bag: the parcel, then the bag; the bag waits for the next parcel.
    let bag = open_bag(&house, 1).await;
    let (_, page) = scan(&house.kul, &no, "").await;
    assert!(page.contains("lies in B-A01"), "{page}");
    let (_, page) = scan(&house.kul, bag.as_str(), &context(&page)).await;
    assert!(page.contains("now holds 1") && context(&page) == format!("bag/{bag}"), "{page}");
    let (_, page) = scan(&house.kul, &no, "").await;
    assert!(page.contains(&format!("lies in bag {bag}")), "{page}");
    let (status, page) = scan(&house.kul, "LP000000999MY", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "its check digit is wrong: {page}");
    let (status, _) = scan(&house.kul, "", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    // In the other languages too.
    let zh = house.kul.get(WAREHOUSE, "/warehouse/scan?lang=zh-CN").await.good().text();
    assert!(zh.contains("请扫描包裹"), "{zh}");
}

#[tokio::test]
async fn stock_comes_in_is_picked_for_its_order_and_the_warehouse_packs_it() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    let receive = |no: &str, pieces: i64, to: CustomsState, form: Option<&str>| {
        json!({
            "no": no, "product": product(Ware::Towel), "pieces": pieces,
            "what": { "move": "receive", "from": "domestic", "to": to.code(), "bin": "B-A01", "form": form },
        })
    };
    let moved = async |body: Value| house.kul.post(WAREHOUSE, "/api/v1/stock/moves", &body).await;
    moved(receive("R-1", 5, CustomsState::Domestic, None)).await.good();
    moved(receive("R-1", 5, CustomsState::Domestic, None)).await.good();
    let refused = moved(receive("R-2", 5, CustomsState::FreeZone, None)).await.json();
    assert_eq!((code(&refused), refused["form"].as_str()), ("form-needed", Some("k2")));
    assert!(refused["title"].as_str().unwrap().contains("K2"), "{refused}");
    let forbidden = moved(receive("R-3", 5, CustomsState::Bonded, Some("K8-1"))).await.json();
    assert_eq!(code(&forbidden), "move-forbidden");
    // Each seller sees its own.
    let own = house.kul.get(Some(Who::Seller), "/api/v1/stock").await.good().json();
    assert_eq!(own["stock"][0]["pieces"], 5);
    let page = house.kul.get(Some(Who::Seller), "/stock").await.good().text();
    assert!(page.contains("TOWEL") && page.contains("Sample warehouse"), "{page}");
    let other = house.kul.get(Some(Who::OtherSeller), "/api/v1/stock").await.good().json();
    assert_eq!(other["stock"], json!([]));
    // The order stands on the warehouse's page; its two towels are taken by scanning one.
    let home = house.kul.get(WAREHOUSE, "/warehouse").await.good().text();
    let pick = at("/warehouse/picks", 1, "");
    assert!(home.contains(&pick), "{home}");
    let wrong = house.kul.form(WAREHOUSE, &pick, "no=P-1&code=CREAM").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = format!("no=P-2&product={}&state=domestic&bin=B-A01&pieces=3", product(Ware::Towel));
    let much = house.kul.form(WAREHOUSE, &pick, &form).await;
    assert!(much.status == StatusCode::UNPROCESSABLE_ENTITY && much.text().contains("do not fit"), "{}", much.text());
    let taken = house.kul.form(WAREHOUSE, &pick, "no=P-3&code=towel").await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let own = house.kul.get(Some(Who::Seller), "/api/v1/stock").await.good().json();
    assert_eq!(own["stock"][0]["pieces"], 3);
    let page = house.kul.get(WAREHOUSE, &pick).await.good().text();
    assert!(page.contains(&at("/trades", 1, "/waybill")), "the next step is the waybill: {page}");
    let trade = house.kul.get(Some(Who::Seller), &at("/api/v1/trades", 1, "")).await.good().json();
    assert_eq!(
        (trade["ball"]["holder"].as_str(), trade["ball"]["task"].as_str()),
        (Some("warehouse"), Some("pick-order"))
    );
    let waybill = json!({ "no": s10(1), "gross_grams": 500, "consignee": "DLV-000001" });
    house.kul.post(WAREHOUSE, &at("/api/v1/trades", 1, "/waybill"), &waybill).await.good();
    // Counted, with a difference that needs its reason.
    let heap = format!("/warehouse/heap?product={}&state=domestic&bin=B-A01", product(Ware::Towel));
    let page = house.kul.get(WAREHOUSE, &heap).await.good().text();
    assert!(page.contains("Received") && page.contains("Picked"), "{page}");
    let count = |no: &str, reason: &str| {
        let product = product(Ware::Towel);
        format!("no={no}&what=count&product={product}&state=domestic&bin=B-A01&pieces=2&reason={reason}")
    };
    let unsaid = house.kul.form(WAREHOUSE, "/warehouse/heap", &count("C-1", "")).await;
    assert!(unsaid.text().contains("needs a reason"), "{}", unsaid.text());
    let counted = house.kul.form(WAREHOUSE, "/warehouse/heap", &count("C-2", "lost")).await;
    assert_eq!(counted.status, StatusCode::SEE_OTHER);
    assert_eq!(house.kul.hub.audit_stock().await.unwrap(), Vec::<String>::new());
    house.carry().await;
    let buyer = house.hgh.get(Some(Who::Buyer), &at("/trades", 1, "")).await.good().text();
    assert!(buyer.contains("At warehouse Sample warehouse"), "the buyer knows where it is: {buyer}");
}

#[tokio::test]
async fn a_manifest_leaves_whole_and_is_taken_over_at_the_other_hub() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    house.trade(2, Ware::Towel, 500, Reach::Lodged).await;
    house.trade(3, Ware::Towel, 500, Reach::Waybill).await;
    let bags = [open_bag(&house, 1).await, open_bag(&house, 2).await];
    for (bag, n) in [(&bags[0], 1), (&bags[0], 2), (&bags[1], 3)] {
        let body = json!({ "trade": trade_no(n) });
        house.kul.post(WAREHOUSE, &format!("/api/v1/bags/{bag}/parcels"), &body).await.good();
    }
    let (again, second) = (json!({ "trade": trade_no(1) }), format!("/api/v1/bags/{}/parcels", bags[1]));
    let twice = house.kul.post(WAREHOUSE, &second, &again).await.json();
    assert_eq!(code(&twice), "in-another-bag");
    for (bag, seal) in bags.iter().zip(["SL-1", "SL-2"]) {
        house.kul.post(WAREHOUSE, &format!("/api/v1/bags/{bag}/seal"), &json!({ "seal": seal })).await.good();
        let label = house.kul.get(WAREHOUSE, &format!("/bags/{bag}/label.pdf")).await.good();
        assert!(label.body.starts_with(b"%PDF-"));
    }
    // By the form, with a number that is mistyped; then by the API.
    let form = "to_hub=hgh.sandbox&mode=air&vehicle=MH376&master=232-12345674&from=MYKUL&to=CNHGH\
                &departs=2026-11-23T10%3A00&arrives=2026-11-23T15%3A00";
    let mistyped = house.kul.form(WAREHOUSE, "/manifests", form).await;
    assert!(mistyped.text().contains("its last digit should be 5"), "{}", mistyped.text());
    let made = house.kul.form(WAREHOUSE, "/manifests", &form.replace("674", "675")).await;
    assert_eq!(made.headers["location"], format!("/manifests/{MANIFEST}").as_str());
    let other = house.kul.post(WAREHOUSE, "/api/v1/manifests", &voyage(3_600, 20_000)).await.json();
    assert_eq!(code(&other), "manifest-taken");
    for bag in &bags {
        let form = format!("manifest={MANIFEST}");
        let loaded = house.kul.form(WAREHOUSE, &format!("/bags/{bag}/manifest"), &form).await;
        assert_eq!(loaded.status, StatusCode::SEE_OTHER, "{}", loaded.text());
    }
    // One of its parcels is not released: none leaves, and the page names it.
    let close = format!("/manifests/{MANIFEST}/close");
    let stopped = house.kul.form(WAREHOUSE, &close, "").await;
    let page = stopped.text();
    assert_eq!(stopped.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains(s10(3).as_str()) && page.contains("not released for export"), "{page}");
    let seen = house.kul.get(Some(Who::Carrier), &at("/api/v1/trades", 1, "")).await.good().json();
    assert_eq!(seen["file"]["custody"], Value::Null, "nothing was moved");
    let off = format!("bag={}", bags[1]);
    house.kul.form(WAREHOUSE, &format!("/manifests/{MANIFEST}/removals"), &off).await;
    let closed = house.kul.form(WAREHOUSE, &close, "").await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text());
    let sheet = house.kul.get(Some(Who::Carrier), &format!("/manifests/{MANIFEST}/manifest.pdf")).await.good();
    assert!(sheet.body.starts_with(b"%PDF-"));
    house.carry().await;
    // The officer at the other end sees it before it lands, decided.
    let officer = house.hgh.get(Some(Who::Officer), &format!("/manifests/{MANIFEST}")).await.good().text();
    assert!(officer.contains("Customs has decided on 2 of 2 parcels"), "{officer}");
    assert!(officer.contains(s10(1).as_str()) && officer.contains("own declaration"), "{officer}");
    let arrival = format!("/manifests/{MANIFEST}/arrival");
    let body = "place=CNHGH&is%2Fhgh.sandbox%3AA-26-000001=missing&is%2Fhgh.sandbox%3AA-26-000002=";
    let not_yours = house.hgh.form(Some(Who::Officer), &arrival, body).await;
    assert_eq!(not_yours.status, StatusCode::FORBIDDEN);
    let taken = house.hgh.form(Some(Who::Carrier), &arrival, body).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    house.carry().await;
    let page = house.kul.get(Some(Who::Seller), &at("/trades", 1, "")).await.good().text();
    assert!(page.contains("missing at arrival"), "the seller is told: {page}");
    let arrived = house.hgh.hub.trade(&trade_no(2)).await.unwrap().unwrap();
    assert!(arrived.has(trade::custody::CustodyKind::Arrived));
    for side in [&house.kul, &house.hgh] {
        let manifest = side.get(Some(Who::Carrier), &format!("/api/v1/manifests/{MANIFEST}")).await.good().json();
        assert_eq!(manifest["state"], "arrived");
        assert_eq!(manifest["manifest"]["arrived"]["exceptions"][0]["exception"], "missing");
        let list = side.get(Some(Who::Operator), "/api/v1/manifests").await.good().json();
        assert_eq!(list["manifests"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_a_warehouse_keeps_is_its_own_to_move_and_no_price_is_shown_there() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let storage = at("/api/v1/trades", 1, "/storage");
    for who in [Who::Seller, Who::Carrier, Who::Officer, Who::Operator] {
        let got = house.kul.post(Some(who), &storage, &json!({})).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{who:?}");
    }
    house.kul.post(WAREHOUSE, &storage, &json!({ "bin": "B-1" })).await.good();
    let bad = house.kul.post(WAREHOUSE, &storage, &json!({ "bin": "A 1" })).await;
    assert!(bad.status.is_client_error());
    let seen = house.kul.get(WAREHOUSE, &at("/api/v1/trades", 1, "")).await.good();
    for word in ["minor", "currency", "quote", "payments", "buyer"] {
        assert!(!seen.text().contains(word), "{word} in {}", seen.text());
    }
    assert_eq!(seen.json()["file"]["handling"]["storage"]["bin"], "B-1");
    let trade = house.kul.get(WAREHOUSE, &at("/trades", 1, "")).await.good().text();
    assert!(trade.contains("/warehouse/scan"), "{trade}");
    let bag = open_bag(&house, 1).await;
    let strange = house.kul.get(Some(Who::Carrier), &format!("/api/v1/bags/{bag}")).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND, "another's bag");
    for path in ["/warehouse", "/warehouse/scan", "/warehouse/stock"] {
        let got = house.kul.get(Some(Who::Carrier), path).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{path}");
    }
}
