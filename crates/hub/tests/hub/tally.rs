//! Kept counts say what a look through everything would.

use std::collections::BTreeMap;

use hub::clock::Clock;
use hub::testing::{self, START, WALL};
use hub::{Config, Hub, Limits};
use sqlx::{Any, Row};
use trade::clearance::{DecideClearance, Decision};
use trade::codes::{Country, S10};
use trade::custody::CustodyKind;
use trade::escrow::AcceptGoods;
use trade::party::Role;
use trade::quantity::Grams;
use trade::quote::Quote;
use trade::rulebook::Direction;
use trade::tally::{SellerStep, Step};
use trade::time::Days;
use trade::trade_file::{Side, Stage};
use trade::waybill::IssueWaybill;

use crate::pair::*;

/// What a look through all trade files gives.
async fn counted(hub: &Hub, column: &str) -> BTreeMap<String, i64> {
    let sql = match column {
        "stage" => "SELECT stage, COUNT(*) FROM trade_file GROUP BY stage",
        _ => "SELECT holder, COUNT(*) FROM trade_file GROUP BY holder",
    };
    let mut conn = hub.db().reader().await.unwrap();
    let rows = sqlx::query::<Any>(sql).fetch_all(&mut *conn).await.unwrap();
    rows.iter().map(|row| (row.get::<String, _>(0), row.get::<i64, _>(1))).collect()
}

async fn agrees(hub: &Hub) {
    let stages = hub.stage_counts().await.unwrap();
    let stages: BTreeMap<_, _> = stages.iter().map(|c| (c.stage.code().to_owned(), c.count)).collect();
    assert_eq!(stages, counted(hub, "stage").await);
    let holders = hub.holder_counts().await.unwrap();
    let holders: BTreeMap<_, _> = holders.iter().map(|(holder, n)| (holder.code().to_owned(), *n)).collect();
    assert_eq!(holders, counted(hub, "holder").await);
}

/// A trade of two towels, weighed at so many grams, brought as far as its import declaration.
async fn lodged(pair: &Pair, n: u64, gross: i64) {
    let quote: Quote = serde_json::from_value(good(pair.hgh.submit(ask(100 + n, "A", BUYER).into()).await)).unwrap();
    good(pair.hgh.submit(order(n, quote.id, BUYER)).await);
    good(pair.hgh.submit(payment(n, quote.landed.total, BUYER)).await);
    pair.carry().await;
    let waybill = IssueWaybill {
        trade: trade_no(n),
        no: S10::issue("LP", u32::try_from(n).unwrap(), Country::MY).unwrap(),
        gross: Grams(gross),
        consignee: format!("DLV-{n:06}"),
        by: id(CARRIER),
        corrects: false,
    };
    good(pair.kul.submit(waybill.into()).await);
    good(pair.kul.submit(lodge(n)).await);
    pair.carry().await;
}

async fn decided(pair: &Pair, n: u64) {
    let release = DecideClearance {
        trade: trade_no(n),
        by: id(OFFICER),
        decision: Decision::Release,
        reason: "Weighed again".to_owned(),
    };
    good(pair.hgh.submit(release.into()).await);
}

#[tokio::test]
async fn kept_counts_are_those_of_all_files_though_the_lane_forgets_and_begins_anew() {
    for (kul, hgh) in testing::stores().await.into_iter().zip(testing::stores().await) {
        let pair = Pair::open(&kul, &hgh).await;
        good(pair.kul.submit(offer("A").into()).await);
        pair.carry().await;
        lodged(&pair, 1, 500).await;
        // 700 g on the scale where 500 were declared: held for the carrier to mend.
        lodged(&pair, 2, 700).await;
        agrees(&pair.kul).await;
        agrees(&pair.hgh).await;
        let holds = pair.hgh.hold_counts(START).await.unwrap();
        let [hold] = holds.as_slice() else { panic!("one is held: {holds:?}") };
        assert_eq!((hold.customs, hold.own, hold.reason.as_str()), (Direction::Import, true, "gross-weight"));
        assert_eq!((hold.holder.code(), hold.open, hold.ended), ("export-carrier", 1, 0));
        assert_eq!(hold.since.as_deref(), Some("2026-11-23"));
        // The other end knows it too, as the peer's.
        let told = pair.kul.hold_counts(START).await.unwrap();
        assert_eq!((told[0].own, told[0].open), (false, 1));

        // A lane that knows almost nothing by heart, on the same store.
        pair.hgh.close().await;
        let (clock, _) = Clock::manual(WALL);
        let limits = Limits { memory: 1, ..Limits::default() };
        let again = Config { limits, ..testing::config(&hgh, &hgh_site(), &clock) };
        let pair = Pair { hgh: Hub::open(again).await.unwrap(), ..pair };
        decided(&pair, 2).await;
        pair.carry().await;
        for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
            good(pair.kul.submit(scan(1, kind)).await);
        }
        pair.carry().await;
        for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
            good(pair.hgh.submit(scan(1, kind)).await);
        }
        good(pair.hgh.submit(AcceptGoods { trade: trade_no(1), by: id(BUYER) }.into()).await);
        pair.carry().await;
        agrees(&pair.kul).await;
        agrees(&pair.hgh).await;
        let holds = pair.hgh.hold_counts(START).await.unwrap();
        assert_eq!((holds[0].open, holds[0].ended, holds[0].median), (0, 1, Some(0)));
        assert!(pair.hgh.hold_counts(START.plus_days(Days(30))).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn each_step_is_counted_once_on_its_lane_and_each_seller_once_a_step() {
    for (kul, hgh) in testing::stores().await.into_iter().zip(testing::stores().await) {
        let pair = Pair::open(&kul, &hgh).await;
        good(pair.kul.submit(offer("A").into()).await);
        pair.carry().await;
        for n in 1..=3 {
            lodged(&pair, n, 500).await;
        }
        let times = pair.kul.step_times(START).await.unwrap();
        let of = |step| times.iter().find(|t| t.side == Side::Export && t.lane.is_none() && t.step == Some(step));
        for step in [Step::Ordered, Step::Paid, Step::Waybill, Step::Lodged, Step::ExportReleased, Step::ImportReleased]
        {
            // The clock of the test stands: nothing takes any time.
            assert_eq!(of(step).map(|t| (t.count, t.median, t.p90)), Some((3, 0, 0)), "{step:?}");
        }
        assert_eq!(of(Step::Departed), None);
        let lanes: Vec<_> = times.iter().filter_map(|t| t.lane.as_deref()).collect();
        assert!(lanes.iter().all(|lane| *lane == "MY-CN/b2c-parcel"), "{lanes:?}");
        let lanes = pair.kul.lane_counts().await.unwrap();
        assert_eq!((lanes.len(), lanes[0].under_way, lanes[0].paid), (1, 3, 0));
        let sellers = pair.kul.seller_counts().await.unwrap();
        let reached: Vec<_> = sellers.iter().filter(|c| c.count == 1).map(|c| c.step).collect();
        // One seller, who came as far as an export, three times.
        assert_eq!(reached, &SellerStep::ALL[..6]);
        // A second seller signs up: two of them.
        good(pair.kul.submit(party(77, Role::Seller, Country::MY)).await);
        assert_eq!(pair.kul.seller_counts().await.unwrap()[0].count, 2);
        let stages = pair.kul.stage_counts().await.unwrap();
        assert_eq!(stages.iter().map(|c| (c.stage, c.count)).collect::<Vec<_>>(), [(Stage::ImportReleased, 3)]);
    }
}
