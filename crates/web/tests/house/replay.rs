//! The wind tunnel: an officer asks what a draft would do.

use axum::http::StatusCode;
use serde_json::json;

use crate::house::{House, Reach, Ware, Who};

const EIGHT: &str = "[[charge]]\nid = \"my.lvg\"\nrate = \"8\"\n";

/// As a browser sends it.
fn form(fields: &[(&str, &str)]) -> String {
    let coded = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields.iter().map(|(name, value)| format!("{name}={}", coded(value))).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn an_officer_sees_what_a_draft_would_do_to_sample_trades() {
    let house = House::open().await;
    let fields = [("territory", "MY"), ("draft", EIGHT), ("source", "sample"), ("trades", "400"), ("seed", "1")];
    for (lang, words) in [
        ("en", ["Sales tax on low value goods", "Released at once", "Who gains and who loses"]),
        ("ms", ["Cukai jualan", "Dilepaskan serta-merta", "Siapa untung"]),
        ("zh", ["低价值商品", "即时放行", "谁得谁失"]),
    ] {
        let page =
            house.kul.form(Some(Who::Officer), &format!("/replay?lang={lang}"), &form(&fields)).await.good().text();
        for word in words {
            assert!(page.contains(word), "{lang} {word}: {page}");
        }
    }
    // A number leads to the trades behind it, each under both laws.
    let behind = [&fields[..], &[("turn", "cheaper@0")]].concat();
    let page = house.kul.form(Some(Who::Officer), "/replay?lang=en", &form(&behind)).await.good().text();
    assert!(page.contains("Trades behind the number") && page.contains("my.lvg"), "{page}");

    // The address alone gives the same page: it can be sent on.
    let linked = house.kul.get(Some(Who::Officer), &format!("/replay?{}&lang=en", form(&fields))).await.good().text();
    assert!(linked.contains("Released at once"), "{linked}");

    let ask = json!({ "territory": "MY", "draft": EIGHT, "trades": 400, "behind": "cheaper" });
    let told = house.kul.post(Some(Who::Operator), "/api/v1/replay", &ask).await.good().json();
    assert_eq!(told["trades"], json!(400));
    assert_eq!(told["report"]["dearer"], json!(0));
    assert!(told["report"]["cheaper"].as_u64().unwrap() > 100, "{}", told["report"]);
    assert_eq!(told["behind"].as_array().unwrap().len(), 10);
    let revenue = told["report"]["revenue"].as_array().unwrap();
    let sum: i64 = revenue.iter().map(|r| r["is"]["minor"].as_i64().unwrap()).sum();
    assert_eq!(told["report"]["tax"]["is"]["minor"], json!(sum));
    assert_eq!(told, house.kul.post(Some(Who::Operator), "/api/v1/replay", &ask).await.good().json());
}

#[tokio::test]
async fn the_hub_s_own_trades_fly_under_a_draft() {
    let house = House::open().await;
    for n in 1..=3 {
        house.trade(n, Ware::Towel, 500, Reach::Accepted).await;
    }
    let cn = house.hgh.site.rulebooks.book(trade::codes::Country::CN).unwrap();
    assert!(cn.rule("cn.cbec.single-limit").is_some());
    let draft = "[[limit]]\nid = \"cn.cbec.single-limit\"\namount = \"1.00\"\n";
    for side in [&house.hgh, &house.kul] {
        // The exporting hub asks what the other side's draft would do to its sellers.
        let ask = json!({ "territory": "CN", "draft": draft, "source": "hub", "behind": "lost" });
        let told = side.post(Some(Who::Officer), "/api/v1/replay", &ask).await.good().json();
        let report = &told["report"];
        assert_eq!((&report["trades"], &report["both"]), (&json!(3), &json!(0)), "{report}");
        assert_eq!(report["refused"], json!([{ "code": "over-single-limit", "was": 0, "is": 3 }]));
        assert_eq!(report["sellers"], json!([{ "size": "micro", "sellers": 1, "gain": 0, "lose": 1 }]));
        assert_eq!(told["behind"].as_array().unwrap().len(), 3);
        assert_eq!(told["behind"][0]["was"]["checked"]["checked"], json!("at-once"), "{}", told["behind"][0]);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_draft_is_named_and_others_are_not_let_in() {
    let house = House::open().await;
    let wrong = [("territory", "MY"), ("draft", "[[charge]]\nid = \"my.lvg\"\nrate = \"eight\"\n"), ("trades", "10")];
    let page = house.kul.form(Some(Who::Officer), "/replay?lang=en", &form(&wrong)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = page.text();
    assert!(page.contains("draft.toml: my.lvg: rate") && page.contains("eight"), "{page}");
    // What was typed is still there.
    assert!(page.contains("id = &#34;my.lvg&#34;") || page.contains("id = \"my.lvg\""), "{page}");
    for (body, code) in [
        (json!({ "territory": "MY" }), "nothing-to-compare"),
        (json!({ "territory": "XX", "draft": EIGHT }), "no-rules-for"),
        (json!({ "territory": "MY", "draft": EIGHT, "trades": 1_000_001 }), "not-a-count"),
        (json!({ "territory": "MY", "draft": EIGHT, "trades": 0 }), "no-trades"),
        (json!({ "territory": "MY", "draft": EIGHT, "behind": "goods" }), "no-such-figure"),
        (json!({ "territory": "MY", "draft": EIGHT, "source": "moon" }), "no-such-source"),
        (json!({ "territory": "MY", "draft": EIGHT, "on": "tomorrow" }), "not-a-day"),
        (json!({ "territory": "MY", "draft": "x = [" }), "draft-does-not-load"),
    ] {
        let got = house.kul.post(Some(Who::Operator), "/api/v1/replay", &body).await;
        assert_eq!((got.status, &got.json()["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)));
    }
    let ask = json!({ "territory": "MY", "draft": EIGHT, "trades": 10 });
    let refused = house.kul.post(Some(Who::Seller), "/api/v1/replay", &ask).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = house.kul.post(None, "/api/v1/replay", &ask).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn two_days_of_the_law_are_compared_without_a_draft() {
    let house = House::open().await;
    let ask = json!({ "territory": "EU", "trades": 300, "against_on": "2026-06-30", "on": "2026-07-01" });
    let report = house.kul.post(Some(Who::Operator), "/api/v1/replay", &ask).await.good().json()["report"].clone();
    // From 1 July 2026 each subheading of a parcel up to EUR 150 bears EUR 3.00.
    assert!(report["dearer"].as_u64().unwrap() > 100, "{report}");
    assert_eq!(report["laws"]["is"]["on"], json!("2026-07-01"));
}
