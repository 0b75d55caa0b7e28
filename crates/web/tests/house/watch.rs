//! What those see who keep watch: the operator, machines that read numbers, anybody.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use crate::house::{CANARY, House, Reach, Side, Ware, Who};

async fn operator(side: &Side, path: &str) -> Value {
    side.get(Some(Who::Operator), path).await.good().json()
}

fn count_of(times: &Value, side: &str, step: &str) -> i64 {
    let times = times["times"].as_array().unwrap();
    let row = times.iter().find(|t| t["side"] == side && t["lane"].is_null() && t["step"] == step);
    row.map_or(0, |row| row["count"].as_i64().unwrap())
}

#[tokio::test]
async fn the_operator_sees_the_road_the_steps_the_holds_and_the_funnel() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    // 700 g on the scale where 500 were declared.
    house.trade(2, Ware::Towel, 700, Reach::Lodged).await;
    house.trade(3, Ware::Towel, 500, Reach::Paid).await;
    let times = operator(&house.kul, "/api/v1/operator/times").await;
    // All three were ordered and paid, two lodged, one came to its end.
    for (step, n) in [("ordered", 3), ("paid", 3), ("lodged", 2), ("import-released", 1), ("paid-out", 1)] {
        assert_eq!(count_of(&times, "export", step), n, "{step}: {times}");
    }
    assert_eq!(count_of(&operator(&house.hgh, "/api/v1/operator/times").await, "import", "paid-out"), 1);
    let holds = operator(&house.hgh, "/api/v1/operator/holds").await;
    assert_eq!((&holds["holds"][0]["reason"], &holds["holds"][0]["open"]), (&"gross-weight".into(), &1.into()));
    let funnel = operator(&house.kul, "/api/v1/operator/funnel").await;
    let counts: Vec<i64> = funnel["funnel"].as_array().unwrap().iter().map(|s| s["count"].as_i64().unwrap()).collect();
    // Two signed up; one of them has products, and was paid once.
    assert_eq!(counts, [2, 1, 1, 1, 1, 1, 1, 0]);
    let road = operator(&house.kul, "/api/v1/operator/road").await;
    assert_eq!(road["roads"][0]["peer"], "hgh.sandbox");
    assert_eq!(road["lanes"][0]["lane"], "MY-CN/b2c-parcel");
    assert_eq!((&road["lanes"][0]["under_way"], &road["lanes"][0]["paid"]), (&2.into(), &1.into()));
    for side in [&house.kul, &house.hgh] {
        for lang in ["en", "ms", "zh-CN"] {
            let page = side.get(Some(Who::Operator), &format!("/operator?weeks=4&lang={lang}")).await.good().text();
            assert!(page.contains("<svg class=\"road\"") && page.contains("MY → CN"), "{page}");
            assert!(!page.contains("[hub-"), "{lang}: a message is missing: {page}");
        }
    }
    let odd = house.kul.get(Some(Who::Operator), "/operator?weeks=-3").await.good().text();
    assert!(odd.contains("<svg"), "what makes no sense is the nearest that does");
}

#[tokio::test]
async fn what_anybody_reads_says_nothing_of_few() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Paid).await;
    let told = house.kul.get(None, "/api/v1/statistics").await.good().json();
    assert_eq!(told["times"], Value::Array(Vec::new()));
    // Ordered and paid, over all lanes and on the one: four rows of one trade each.
    assert_eq!((&told["left_out"], &told["fewest"]), (&4.into(), &10.into()));
    for n in 2..=10 {
        house.trade(n, Ware::Towel, 500, Reach::Ordered).await;
    }
    let told = house.kul.get(None, "/api/v1/statistics").await.good().json();
    // Ten were ordered; one was paid, which is nobody's business.
    assert_eq!(told["times"].as_array().unwrap().len(), 2);
    assert!(told["times"].as_array().unwrap().iter().all(|t| t["step"] == "ordered" && t["count"] == 10));
}

#[tokio::test]
async fn machines_read_numbers_that_are_on_the_list_and_name_nobody() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::Delivered).await;
    house.kul.get(Some(Who::Buyer), "/no/such/place").await;
    for who in [None, Some(Who::Seller)] {
        let shut = house.kul.get(who, "/metrics").await;
        assert!(!shut.status.is_success() && !shut.text().contains("ehub_info"), "{}", shut.status);
    }
    let text = house.hgh.get(Some(Who::Operator), "/metrics").await.good().text();
    let listed: BTreeSet<&str> = include_str!("../../src/metrics.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let shown: BTreeSet<&str> = text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(shown, listed);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    for expected in [
        "ehub_commands_total{command=\"place-order\",outcome=\"done\"} 1",
        "ehub_trades{stage=\"delivered\"} 1",
        "ehub_road_backlog{peer=\"kul.sandbox\"} 0",
        "ehub_deciding 1",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let buyer = Who::Buyer.party().to_string();
    for nobody in [CANARY, "A-26-", "DLV-", &buyer] {
        assert!(!text.contains(nobody), "{nobody}: {text}");
    }
    // By their routes, never by their paths.
    let asked = house.kul.get(Some(Who::Operator), "/metrics").await.good().text();
    assert!(asked.contains("route=\"none\",status=\"404\"") && !asked.contains("/no/such/place"), "{asked}");
    assert!(asked.contains("route=\"/api/v1/trades/{id}/waybill\""), "{asked}");
}

#[tokio::test]
async fn every_answer_has_a_number_and_so_has_its_problem() {
    let house = House::open().await;
    let number = |got: &crate::house::Got| got.headers["x-request-id"].to_str().unwrap().to_owned();
    let first = house.kul.get(None, "/healthz").await;
    let second = house.kul.get(None, "/api/v1/summary").await;
    assert_eq!(second.status, StatusCode::UNAUTHORIZED);
    assert!(number(&first).len() == 16 && number(&first) != number(&second));
    assert_eq!(second.json()["instance"], format!("urn:ehub:request:{}", number(&second)));
    let page = house.kul.get(Some(Who::Seller), "/operator").await;
    assert!(page.text().contains(&number(&page)), "{}", page.text());
}
