//! Stock, bags and manifests on stored state, on both engines, with the hub opened anew in between.

use hub::clock::Clock;
use hub::stock::StockFilter;
use hub::{Hub, testing};
use trade::bag::{OpenBag, PutInBag, SealBag};
use trade::codes::{BagNo, Country};
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::handling::StoreParcel;
use trade::manifest::{ArriveManifest, Carriage, CloseManifest, LoadBag, Manifest, OpenManifest, Voyage};
use trade::party::Role;
use trade::quote::Quote;
use trade::stock::{CustomsState, MoveStock, StockMovement};
use trade::trade_file::Side;

use crate::pair::*;

const WAREHOUSE: u64 = 9;

#[tokio::test]
async fn what_a_warehouse_does_is_stored_and_crosses_the_road() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        warehouse(&first, &second).await;
    }
}

fn moved(no: &str, pieces: i64, what: StockMovement) -> Command {
    let no = no.parse().unwrap();
    Command::MoveStock(MoveStock { no, by: id(WAREHOUSE), product: offer("T-1").product(), pieces, what })
}

async fn warehouse(first: &testing::Scratch, second: &testing::Scratch) {
    let pair = Pair::open(first, second).await;
    good(pair.kul.submit(party(WAREHOUSE, Role::Warehouse, Country::MY)).await);
    good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
    pair.carry().await;
    for n in [1, 2] {
        let asked = good(pair.hgh.submit(Command::AskQuote(ask(n, "T-1", BUYER))).await);
        let quote: Quote = serde_json::from_value(asked).unwrap();
        good(pair.hgh.submit(order(n, quote.id, BUYER)).await);
        good(pair.hgh.submit(payment(n, quote.landed.total, BUYER)).await);
    }
    pair.carry().await;
    let hub = &pair.kul;
    let state = CustomsState::Domestic;
    let bin = || "B-1".parse().unwrap();
    let receive = StockMovement::Receive { from: state, to: state, bin: bin(), form: None };
    // The same batch twice, and one that is short in the middle: it alone is refused.
    let short = StockMovement::Shift { state, from_bin: bin(), to_bin: "B-2".parse().unwrap() };
    let batch = vec![
        moved("R-1", 10, receive.clone()),
        moved("S-1", 11, short.clone()),
        moved("R-1", 10, receive),
        moved("S-2", 4, short),
    ];
    let answers = hub.submit_all(batch).await;
    let fine: Vec<bool> = answers.into_iter().map(|a| answer(a).is_ok()).collect();
    assert_eq!(fine, [true, false, true, true]);
    let to_pick = hub.to_pick(id(WAREHOUSE), 10).await.unwrap();
    assert_eq!(to_pick.len(), 2);
    let pieces = to_pick[0].order.as_ref().unwrap().quote.lines[0].pieces;
    let pick = StockMovement::Pick { trade: trade_no(1), state, bin: bin(), form: None };
    good(hub.submit(moved("P-1", pieces, pick)).await);
    let heaps = hub.stocks(&StockFilter { warehouse: Some(id(WAREHOUSE)), ..StockFilter::default() }, None, 10).await;
    let held: Vec<(String, i64)> =
        heaps.unwrap().items.into_iter().map(|s| (s.key.bin.to_string(), s.pieces)).collect();
    assert_eq!(held, [("B-1".to_owned(), 6 - pieces), ("B-2".to_owned(), 4)]);
    let paged = StockFilter { seller: Some(id(SELLER)), ..StockFilter::default() };
    let one = hub.stocks(&paged, None, 1).await.unwrap();
    let two = hub.stocks(&paged, one.next.as_deref(), 1).await.unwrap();
    assert_eq!((one.items.len(), two.items.len(), two.next), (1, 1, None));
    assert_eq!(hub.audit_stock().await.unwrap(), Vec::<String>::new());
    for n in [1, 2] {
        good(hub.submit(waybill(n)).await);
        good(hub.submit(lodge(n)).await);
        good(
            hub.submit(Command::StoreParcel(StoreParcel { trade: trade_no(n), by: id(WAREHOUSE), bin: Some(bin()) }))
                .await,
        );
    }
    assert_eq!(hub.stored(id(WAREHOUSE), 10).await.unwrap().len(), 2);
    assert!(hub.expected(10).await.unwrap().is_empty());
    leave(&pair, hub).await;
    pair.carry().await;
    arrive(&pair).await;
    // Opened anew, everything is as it was, and a movement that was made is still made.
    let (stocks, bags) = (hub.audit_stock().await.unwrap(), hub.bag(&BagNo::issue(1)).await.unwrap());
    pair.kul.close().await;
    let (clock, _) = Clock::manual(testing::WALL);
    let again = Hub::open(testing::config(first, &kul_site(), &clock)).await.unwrap();
    assert_eq!((again.audit_stock().await.unwrap(), again.bag(&BagNo::issue(1)).await.unwrap()), (stocks, bags));
    let other = StockMovement::Receive { from: state, to: state, bin: bin(), form: None };
    let differs = answer(again.submit(moved("R-1", 3, other)).await).unwrap_err();
    assert_eq!(differs.code, "move-differs");
    again.close().await;
    pair.hgh.close().await;
}

/// Both parcels into one bag, under one master waybill, away.
async fn leave(pair: &Pair, hub: &Hub) {
    let (no, by) = (BagNo::issue(1), id(WAREHOUSE));
    let to = pair.hgh_site.id.clone();
    good(hub.submit(Command::OpenBag(OpenBag { no: no.clone(), to: to.clone(), by })).await);
    for n in [1, 2] {
        good(hub.submit(Command::PutInBag(PutInBag { bag: no.clone(), trade: trade_no(n), by })).await);
    }
    let seal = "SL-1".parse().unwrap();
    good(hub.submit(Command::SealBag(SealBag { bag: no.clone(), seal, by })).await);
    let voyage = Voyage {
        carriage: Carriage::Air { flight: "MH376".parse().unwrap(), awb: "232-12345675".parse().unwrap() },
        from: "MYKUL".parse().unwrap(),
        to: "CNHGH".parse().unwrap(),
        departs_at: testing::START.plus_seconds(3_600),
        arrives_at: testing::START.plus_seconds(6 * 3_600),
    };
    let opened = good(hub.submit(Command::OpenManifest(OpenManifest { to, voyage, by })).await);
    let manifest: Manifest = serde_json::from_value(opened).unwrap();
    good(hub.submit(Command::LoadBag(LoadBag { manifest: manifest.id.clone(), bag: no.clone(), by })).await);
    assert_eq!(hub.bags_of(by, None, 10).await.unwrap().items.len(), 1);
    good(hub.submit(Command::CloseManifest(CloseManifest { manifest: manifest.id, by })).await);
    assert!(hub.bags_of(by, None, 10).await.unwrap().items.is_empty(), "it has left");
    assert!(hub.stored(by, 10).await.unwrap().is_empty());
}

async fn arrive(pair: &Pair) {
    let found = pair.hgh.manifests(Some(Side::Import), None, 10).await.unwrap().items;
    assert_eq!(found.len(), 1);
    assert!(pair.hgh.manifests(Some(Side::Export), None, 10).await.unwrap().items.is_empty());
    let id_of = found[0].id.clone();
    let command =
        ArriveManifest { manifest: id_of.clone(), place: "CNHGH".to_owned(), exceptions: vec![], by: id(CARRIER) };
    good(pair.hgh.submit(Command::ArriveManifest(command)).await);
    pair.carry().await;
    for hub in [&pair.kul, &pair.hgh] {
        assert_eq!(hub.manifest(&id_of).await.unwrap().unwrap().state(), "arrived");
        for n in [1, 2] {
            assert!(hub.trade(&trade_no(n)).await.unwrap().unwrap().has(CustodyKind::Arrived));
        }
    }
}
