//! Each party sees its own, and every door is tried by everybody.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use hub::credential::ApiKey;
use hub::testing::WALL;
use serde_json::json;
use trade::codes::Country;
use trade::party::Role;
use trade::trade_file::Side as Border;
use web::door::{Door, May, Sends};

use crate::house::{CANARY, Got, House, Reach, Side, Ware, Who, at, id, request};

/// Something that stands behind doors whose path ends so, as far as its placeholder; and whose it is,
/// where the part that somebody has in a trade does not say it.
struct Thing {
    ending: &'static str,
    /// Nothing where that side has none.
    name: Option<String>,
    of: Option<Vec<Who>>,
}

/// What the house has on one side to put into the paths of doors.
struct Stock {
    border: Border,
    things: Vec<Thing>,
}

impl Stock {
    /// What the placeholders of a door stand for. A thing that is named by the whole path goes first.
    fn things(&self, door: &Door) -> impl Iterator<Item = (&str, Option<&Thing>)> {
        let mut path = String::new();
        door.path.split('/').skip(1).map(move |part| {
            path = format!("{path}/{part}");
            let is_whole = |thing: &&Thing| !thing.ending.ends_with('}') && door.path.ends_with(thing.ending);
            let whole = self.things.iter().find(is_whole);
            let found = whole.or_else(|| self.things.iter().find(|thing| path.ends_with(thing.ending)));
            let thing = part
                .starts_with('{')
                .then(|| found.unwrap_or_else(|| panic!("say in Stock what the test puts into {}", door.path)));
            (part, thing)
        })
    }

    /// The door's path with what there is behind it, and whether there is anything.
    fn path(&self, door: &Door) -> (String, bool) {
        let mut there = door.at.is_none_or(|at| at == self.border);
        let mut path = String::new();
        for (part, thing) in self.things(door) {
            there &= thing.is_none_or(|thing| thing.name.is_some());
            path = format!("{path}/{}", thing.map_or(part, |thing| thing.name.as_deref().unwrap_or("none")));
        }
        if !door.asks.is_empty() {
            path = format!("{path}?{}", door.asks);
        }
        (path, there)
    }

    /// Whether this one may pass, as the list of doors says it.
    fn may(&self, door: &Door, who: Option<Who>, side: &Side) -> bool {
        let here = who.filter(|who| side.has(*who));
        let (roles, owners) = match door.may {
            May::Anyone => return true,
            May::Signed => (None, false),
            May::Peer | May::Node | May::PaymentFirm => return false,
            May::Only(roles) => (Some(roles), false),
            May::Parts(roles) => (Some(roles), true),
        };
        let whose = self.things(door).find_map(|(_, thing)| thing?.of.as_ref());
        // The warehouse keeps parcels at export.
        let keeps = |who: Who| who.role() != Role::Warehouse || side.site.territory == Country::MY;
        let owns = |who: Who| match whose {
            Some(of) => of.contains(&who),
            None => !owners || (!who.is_other() && keeps(who)),
        };
        here.is_some_and(|who| roles.is_none_or(|roles| roles.contains(&who.role())) && owns(who))
    }

    async fn of(side: &Side) -> Self {
        let kul = side.site.id.as_str() == "kul.sandbox";
        let owner = if kul { Who::Seller } else { Who::Buyer };
        let trade = || Some("hgh.sandbox%3AA-26-000001".to_owned());
        let known = |ending, name| Thing { ending, name, of: None };
        let owned = |ending, name, of: &[Who]| Thing { ending, name: Some(name), of: Some(of.to_vec()) };
        let product = side.product().await;
        let peer = if kul { "hgh.sandbox" } else { "kul.sandbox" };
        // A firm's order has no waybill yet: it is the business of whoever sells, buys or looks after it.
        let firms = if kul { vec![Who::Seller, Who::Broker, Who::Operator] } else { vec![Who::Firm, Who::Operator] };
        let business = || "hgh.sandbox%3AA-26-000077".to_owned();
        let mut things = vec![
            owned("/trades/{id}/invoice.pdf", business(), &firms),
            owned("/trades/{id}/packing-list.pdf", business(), &firms),
            known("/trades/{id}", trade()),
            known("/origin/{agreement}", Some("acfta".to_owned())),
            known("/officer/{id}", trade()),
            known("/pay/{trade}", trade()),
            known("/picks/{id}", trade()),
            // Nobody has brought anything forward.
            known("/evidence/{sha256}", None),
            known("/products/{id}", product.clone().filter(|_| kul)),
            known("/offers/{hub}", Some("kul.sandbox".to_owned())),
            known("/offers/{hub}/{product}", product),
            known("/quotes/{id}", (!kul).then(|| id::<trade::quote::Quote>(1_001).to_string())),
            known("/peers/{id}", Some(peer.to_owned())),
            known("/peers/{id}/{act}", Some("resume".to_owned())),
            known("/recovery/{act}", Some("bank".to_owned())),
            known("/tile/{level}", Some("0".to_owned())),
            known("/tile/{level}/{*index}", Some("000.p/1".to_owned())),
            known("/problems/{code}", Some("sign-in".to_owned())),
            known("/rules/{pack}", Some("MY".to_owned())),
            owned("/keys/{id}", spare_key(side, owner).await, &[owner]),
            owned("/webhooks/{id}", webhook(side, owner).await, &[owner]),
            known("/webhooks/{id}/{act}", Some("stop".to_owned())),
            owned("/mandates/{id}", mandates(side, owner).await, &[owner, Who::Broker]),
        ];
        if kul {
            // What certificates of origin are made out from.
            let bill = json!({ "fob": { "minor": 4_000, "currency": "MYR" }, "wholly_obtained": true });
            crate::origin::state(side, &Ware::Towel.offer(Who::Seller).product().to_string(), &bill).await;
            let looks = [Who::Warehouse, Who::Operator, Who::Officer];
            let asks = [Who::Seller, Who::Broker, Who::Agency, Who::Operator];
            let list = price_list(side).await;
            things.extend([
                owned("/uploads/{id}", list.clone(), &[Who::Seller]),
                owned("/price-lists/{id}", list, &[Who::Seller]),
                owned("/permits/{id}", permit(side).await, &asks),
                owned("/bags/{no}", bag(side).await, &looks),
                owned("/advances/{id}", advance(side).await, &[Who::Lender]),
            ]);
            // Everybody there reads it, and whose it is alters it.
            let manifest = manifest(side).await;
            for ending in ["/manifests/{id}/bags", "/manifests/{id}/removals", "/manifests/{id}/close"] {
                things.push(owned(ending, manifest.clone(), &[Who::Warehouse]));
            }
            things.push(known("/manifests/{id}", Some(manifest)));
        }
        let file = if kul { Some(side.hub.payout_files(1).await.unwrap()[0].file.clone()) } else { None };
        things.extend([known("/files/{file}", file.clone()), known("/payout-files/{file}", file)]);
        for ending in
            ["/uploads/{id}", "/price-lists/{id}", "/permits/{id}", "/bags/{no}", "/manifests/{id}", "/advances/{id}"]
        {
            // What the other side has none of.
            things.push(known(ending, None));
        }
        Self { border: if kul { Border::Export } else { Border::Import }, things }
    }
}

/// A key that nobody works with.
async fn spare_key(side: &Side, owner: Who) -> String {
    let key = ApiKey {
        hash: web::auth::fingerprint("ehub_spare"),
        party: owner.party(),
        name: "spare".to_owned(),
        scopes: Vec::new(),
        opened: WALL,
        revoked: None,
    };
    side.hub.save_api_key(&key).await.unwrap();
    key.hash
}

async fn webhook(side: &Side, owner: Who) -> String {
    let body = json!({ "url": "http://127.0.0.1:9/told" });
    let made = side.post(Some(owner), "/api/v1/webhooks", &body).await.good().json();
    made["webhook"]["id"].as_str().unwrap().to_owned()
}

/// Under the first the broker works; the second stands behind doors and may be ended.
async fn mandates(side: &Side, owner: Who) -> String {
    let name = |n| id::<trade::mandate::Mandate>(n).to_string();
    for n in [600, 601] {
        let until = hub::testing::START.plus_days(trade::time::Days(30));
        let body = json!({ "mandate": name(n), "broker": Who::Broker.party(), "acts": trade::mandate::Act::ALL,
            "until": until });
        side.post(Some(owner), "/api/v1/mandates", &body).await.good();
    }
    let path = format!("/api/v1/mandates/{}/answer", name(600));
    side.post(Some(Who::Broker), &path, &json!({ "answer": "accept" })).await.good();
    name(601)
}

/// A row without a price, so that there is a file of failed rows.
async fn price_list(side: &Side) -> String {
    let rows = "sku,name,price\nA-1,Towel,40.00\nA-2,Towel,x\n";
    let to = request(Some(Who::Seller), Method::POST, "/api/v1/price-lists?file_name=list.csv");
    let to = to.header(header::CONTENT_TYPE, "text/csv");
    side.ask(to.body(Body::from(rows)).unwrap()).await.good().json()["id"].as_str().unwrap().to_owned()
}

async fn permit(side: &Side) -> String {
    let name = id::<trade::permit::Permit>(500).to_string();
    let body = json!({ "permit": name, "hs": "0409.00", "peer": "hgh.sandbox", "pieces": 5, "note": "" });
    side.post(Some(Who::Seller), "/api/v1/permits", &body).await.good();
    name
}

async fn bag(side: &Side) -> String {
    let body = json!({ "to": "hgh.sandbox" });
    let opened = side.post(Some(Who::Warehouse), "/api/v1/bags", &body).await.good().json();
    opened["no"].as_str().unwrap().to_owned()
}

async fn manifest(side: &Side) -> String {
    let at = |seconds| hub::testing::START.plus_seconds(seconds).micros();
    let voyage = json!({ "mode": "air", "flight": "MH376", "awb": "232-12345675", "from": "MYKUL", "to": "CNHGH",
        "departs_at": at(3_600), "arrives_at": at(21_600) });
    let body = json!({ "to_hub": "hgh.sandbox", "voyage": voyage });
    let opened = side.post(Some(Who::Warehouse), "/api/v1/manifests", &body).await.good().json();
    opened["id"].as_str().unwrap().replace(':', "%3A")
}

/// The sale that the house's seller offers to lenders, with an offer.
async fn advance(side: &Side) -> String {
    let myr = |minor| json!({ "minor": minor, "currency": "MYR" });
    let funds = json!({ "lender": Who::Lender.party(), "no": "DEP-0", "amount": myr(50_000), "way": "in" });
    side.post(Some(Who::Operator), "/api/v1/funds", &funds).await.good();
    side.post(Some(Who::Seller), &at("/api/v1/trades", 1, "/advance"), &json!({})).await.good();
    let offer = json!({ "offer": OFFER, "amount": myr(3_000), "fee_percent": "2", "tenor_days": 30 });
    side.post(Some(Who::Lender), &at("/api/v1/advances", 1, "/offers"), &offer).await.good();
    at("", 1, "").trim_start_matches('/').to_owned()
}

/// What the samples of doors name, which the house has as well.
const OFFER: &str = "adv_01914f00000070008000000000000001";
const SAMPLE_PARTY: &str = "pty_01914f00000070008000000000000001";
const SAMPLE_BAG: &str = "BG00000000017";

/// A door's sample, with the house's own in place of what it names.
fn filled(stock: &Stock, who: Option<Who>, door: &Door, sample: &str) -> String {
    let named = if door.path.ends_with("/mandates") { Who::Broker } else { Who::Lender };
    let bag = stock.things.iter().find(|thing| thing.ending == "/bags/{no}").and_then(|thing| thing.name.as_deref());
    let sample = sample.replace(SAMPLE_PARTY, &named.party().text()).replace(SAMPLE_BAG, bag.unwrap_or(SAMPLE_BAG));
    // A broker asks for its client.
    let owner = if stock.border == Border::Export { Who::Seller } else { Who::Buyer }.party();
    match (door.sends, door.path.trim_start_matches("/api/v1")) {
        (Sends::Form(_), "/permits") if who == Some(Who::Broker) => format!("{sample}&for={owner}"),
        (Sends::Json(_), "/permits") if who == Some(Who::Broker) => {
            sample.replacen('{', &format!("{{\"holder\": \"{owner}\", "), 1)
        }
        _ => sample,
    }
}

async fn knock(side: &Side, stock: &Stock, who: Option<Who>, door: &Door, path: &str) -> (Got, Vec<String>) {
    let to = request(who, door.method.clone(), path);
    let of = |kind: &str, body: &str| (kind.to_owned(), filled(stock, who, door, body));
    let (kind, body) = match door.sends {
        Sends::Nothing => return side.answer_and_faults(to.body(Body::empty()).unwrap()).await,
        Sends::File(name) => return (side.upload(who, path, name, b"x").await, Vec::new()),
        Sends::Json(sample) => of("application/json", sample),
        Sends::Form(sample) => of("application/x-www-form-urlencoded", sample),
        Sends::Bytes(kind) => of(kind, "x"),
    };
    side.answer_and_faults(to.header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap()).await
}

fn goes_to_sign_in(got: &Got) -> bool {
    got.status == StatusCode::SEE_OTHER && got.headers["location"].to_str().unwrap().starts_with("/sign-in")
}

/// Turned away before anything of the house was seen: signed out, not allowed, or not there.
fn is_shut(got: &Got) -> bool {
    matches!(got.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
        || goes_to_sign_in(got)
}

/// What is wrong with an answer, if anything.
fn fault(door: &Door, there: bool, may: bool, got: &Got) -> Option<&'static str> {
    // Another that does not answer may be told; a fault of ours never.
    if got.status.is_server_error() && got.status != StatusCode::BAD_GATEWAY {
        return Some("breaks");
    }
    let turned_away = matches!(got.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || goes_to_sign_in(got);
    let is_open = match door.may {
        // Only a signature opens these.
        May::Peer | May::Node | May::PaymentFirm => return (!got.status.is_client_error()).then_some("opens"),
        _ if !may => return (!is_shut(got)).then_some("opens"),
        _ if !there => return None,
        // A wrong password is told as such.
        May::Anyone => got.status != StatusCode::FORBIDDEN && !goes_to_sign_in(got),
        // The rules may still refuse what is asked; that is said with a reason of theirs.
        _ => !(turned_away || got.status == StatusCode::NOT_FOUND && door.path.contains('{')),
    };
    // What is asked in the address may not be there.
    let is_none = !door.asks.is_empty() && got.status == StatusCode::NOT_FOUND;
    let shows = door.method != Method::GET || got.status.is_success() || got.status.is_redirection() || is_none;
    (!is_open || !shows).then_some("does not open")
}

#[tokio::test]
async fn every_door_is_tried_by_everybody_and_opens_to_whom_it_says() {
    let house = House::open().await;
    house.trade(2, Ware::Towel, 500, Reach::PaidOut).await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    house.business(77).await;
    let doors = web::doors();
    let mut faults = Vec::new();
    for side in [&house.kul, &house.hgh] {
        let stock = Stock::of(side).await;
        // First those who may not pass, then looking, then doing: what is done changes the house.
        let mut tries = Vec::new();
        for door in doors.list(true) {
            for who in Who::ALL.into_iter().map(Some).chain([None]) {
                // What is removed is removed last.
                let does = [Method::GET, Method::POST].iter().position(|m| *m == door.method).unwrap_or(2);
                tries.push((stock.may(door, who, side), does, door, who));
            }
        }
        tries.sort_by_key(|(may, does, ..)| (*may, *does));
        for (may, _, door, who) in tries {
            let (path, there) = stock.path(door);
            let (got, untold) = knock(side, &stock, who, door, &path).await;
            let untold = (!untold.is_empty()).then(|| format!("answers as is not told, {untold:?}"));
            if let Some(fault) = fault(door, there, may, &got).map(str::to_owned).or(untold) {
                let said: String = got.text().chars().take(160).collect();
                let id = &side.site.id;
                faults.push(format!("{fault}: {id} {who:?} {} {path}: {} {said}", door.method, got.status));
            }
        }
    }
    assert!(faults.is_empty(), "{} doors:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn a_bundles_view_is_given_to_whom_it_is_for() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let offices = [Who::Officer, Who::Operator];
    let prices = [Who::Seller, Who::Buyer, Who::Officer, Who::Operator];
    for side in [&house.kul, &house.hgh] {
        for who in Who::ALL.into_iter().map(Some).chain([None]) {
            for (view, allowed) in [("counterparty", &prices[..]), ("authority", &offices[..])] {
                let got = side.get(who, &at("/api/v1/trades", 1, &format!("/bundle?view={view}"))).await;
                let may = who.is_some_and(|who| allowed.contains(&who) && side.has(who));
                let what = format!("{} {who:?} {view}: {}", side.site.id, got.status);
                assert!(if may { got.status == StatusCode::OK } else { is_shut(&got) }, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_a_sandbox_is_not_mounted_in_production() {
    let sandbox: Vec<_> = web::doors().list(true).filter(|door| door.sandbox).map(|door| door.path).collect();
    let production: Vec<_> = web::doors().list(false).map(|door| (door.method.clone(), door.path)).collect();
    for path in ["/enter", "/operator/clock", "/payouts/files/{file}/execute", "/pay/{trade}"] {
        assert!(sandbox.contains(&path) && production.iter().all(|(_, p)| *p != path), "{path}");
    }
    // The clock is read everywhere and moved in a sandbox alone.
    assert!(production.contains(&(Method::GET, "/api/v1/clock")));
    assert!(!production.contains(&(Method::POST, "/api/v1/clock")));
}

#[tokio::test]
async fn lists_hold_only_what_is_ones_own() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    for (side, who, n) in [
        (&house.kul, Who::Seller, 1),
        (&house.kul, Who::OtherSeller, 0),
        (&house.kul, Who::Operator, 1),
        // Nothing has been declared yet, so customs knows of nothing.
        (&house.kul, Who::Officer, 0),
        (&house.hgh, Who::Buyer, 1),
        (&house.hgh, Who::OtherBuyer, 0),
        (&house.hgh, Who::Bank, 0),
        // No waybill has come to the importing side.
        (&house.hgh, Who::Carrier, 0),
    ] {
        let list = side.get(Some(who), "/api/v1/trades").await.good().json();
        assert_eq!(list["trades"].as_array().unwrap().len(), n, "{} {who:?}", side.site.id);
    }
}

#[tokio::test]
async fn a_carrier_sees_no_price_and_nobody_but_customs_sees_marks_of_persons() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let path = at("/api/v1/trades", 1, "");
    for side in [&house.kul, &house.hgh] {
        let carrier = side.get(Some(Who::Carrier), &path).await.good().text();
        for word in ["minor", "currency", "quote", "payments", "buyer"] {
            assert!(!carrier.contains(word), "{word} in {carrier}");
        }
    }
    for who in [Who::Buyer, Who::Operator] {
        let text = house.hgh.get(Some(who), &path).await.good().text();
        assert!(!text.contains("\"tags\"") && !text.contains("\"payer\":"), "{who:?}: {text}");
    }
    let officer = house.hgh.get(Some(Who::Officer), &path).await.good().text();
    assert!(officer.contains("\"tags\""));
    // On the exporting side there is no buyer at all.
    for who in [Who::Seller, Who::Officer, Who::Operator] {
        let text = house.kul.get(Some(who), &path).await.good().text();
        assert!(!text.contains("\"buyer\":{"), "{who:?}: {text}");
    }
}

#[tokio::test]
async fn no_personal_value_is_in_any_event_bundle_or_page() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    for side in [&house.kul, &house.hgh] {
        for logged in side.hub.events(0, 500).await.unwrap() {
            assert!(!String::from_utf8_lossy(&logged.leaf).contains(CANARY), "{:?}", logged.event.what);
        }
        for view in ["public", "counterparty", "authority"] {
            let path = at("/api/v1/trades", 1, &format!("/bundle?view={view}"));
            let bundle = side.get(Some(Who::Operator), &path).await.good().text();
            assert!(!bundle.contains(CANARY));
        }
        for who in [Who::Carrier, Who::Officer, Who::Operator] {
            let page = side.get(Some(who), &at("/trades", 1, "")).await.good().text();
            assert!(!page.contains(CANARY), "{who:?}");
        }
    }
}

#[tokio::test]
async fn an_officer_does_not_decide_on_what_is_the_officers_own() {
    let house = House::open().await;
    house.trade(1, Ware::Cream, 240, Reach::Lodged).await;
    let body = json!({ "decision": "release", "reason": "" });
    let got = house.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", 1, "/decision"), &body).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}
