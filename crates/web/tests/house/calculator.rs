//! The public calculator: any market's landed cost by anybody, with a link that always answers the same.

use crate::house::House;

/// A parcel to France: shoes and two T-shirts; Lithuanian and French customs' own example of the flat duty.
const TO_FRANCE: &str = "to=FR&date=2026-11-23&hs=640399&pieces=1&value=60.00&origin=CN&hs2=610910&pieces2=2&value2=40.00\
&origin2=CN&freight=10.00";

#[tokio::test]
async fn anybody_works_out_a_parcel_to_any_market_and_can_send_the_answer_on() {
    let house = House::open().await;
    let told = house.kul.get(None, &format!("/api/v1/landed-cost?{TO_FRANCE}")).await.good().json();
    let of = |kind: &str| {
        let charges = told["landed"]["charges"].as_array().unwrap().iter().filter(|charge| charge["kind"] == kind);
        charges.map(|charge| charge["amount"]["minor"].as_i64().unwrap()).sum::<i64>()
    };
    // two subheadings × 3.00; VAT 20 % of 60.00 + 6.00 + 3.00 and of 40.00 + 4.00 + 3.00; two lines × 2.00
    assert_eq!((of("duty"), of("vat"), of("fee")), (600, 1_380 + 940, 400));
    assert_eq!(told["landed"]["total"]["minor"], 11_000 + 600 + 2_320 + 400);
    let ways: Vec<_> = told["options"].as_array().unwrap().iter().map(|way| way["regime"].clone()).collect();
    assert!(ways.contains(&"b2c-parcel".into()) && ways.contains(&"b2b".into()), "{ways:?}");

    // the permanent link names the day and the pack, and gives the same
    let permanent = told["permanent"].as_str().unwrap();
    assert!(permanent.contains("date=2026-11-23") && permanent.contains(told["pack"].as_str().unwrap()), "{permanent}");
    let api = permanent.replace("/calculator", "/api/v1/landed-cost");
    let again = house.kul.get(None, &api).await.good().json();
    assert_eq!((&again["landed"], &again["corrected_since"]), (&told["landed"], &false.into()));
    for lang in ["en", "ms", "zh"] {
        let page = house.kul.get(None, &format!("{permanent}&lang={lang}")).await.good().text();
        assert!(page.contains("143.20") && page.contains("eu.b2c.flat-duty"), "{lang}: {page}");
    }
}

#[tokio::test]
async fn a_day_gone_by_and_one_to_come_each_have_their_own_answer() {
    let house = House::open().await;
    let duty = async |date: &str| {
        let query = TO_FRANCE.replace("2026-11-23", date);
        let told = house.kul.get(None, &format!("/api/v1/landed-cost?{query}")).await.good().json();
        let charges = told["landed"]["charges"].as_array().unwrap().clone();
        let duties = charges.iter().filter(|charge| charge["kind"] == "duty");
        duties.map(|charge| charge["amount"]["minor"].as_i64().unwrap()).sum::<i64>()
    };
    // relieved up to EUR 150; 3.00 a subheading; then by the tariff: 8 % of 66.00 = 5.28, 12 % of 44.00 = 5.28
    assert_eq!((duty("2026-06-30").await, duty("2026-07-01").await, duty("2028-07-01").await), (0, 600, 1_056));
}

#[tokio::test]
async fn excise_by_alcohol_counts_volume_and_strength_and_names_the_one_that_is_missing() {
    let house = House::open().await;
    let whisky = "to=SG&date=2026-11-23&hs=220830&value=600.00&freight=20.00&content_unit=ml";
    // 700 ml of 40 %: 0.28 l of alcohol at 88.00 = 24.64; GST 9 % of 620.00 + 24.64 = 58.02
    let query = format!("{whisky}&content=700+40%25");
    let told = house.kul.get(None, &format!("/api/v1/landed-cost?{query}")).await.good().json();
    assert_eq!(told["landed"]["total"]["minor"], 62_000 + 2_464 + 5_802, "{told}");
    for (lang, says) in [("en", "280 ml of pure alcohol"), ("ms", "280 ml alkohol tulen"), ("zh", "纯酒精 280 毫升")]
    {
        let page = house.kul.get(None, &format!("/calculator?{query}&lang={lang}")).await.good().text();
        assert!(page.contains(says) && page.contains("sg.parcel.excise"), "{lang}: {page}");
    }
    for (content, measure, says) in
        [("", "volume", "net weight or volume"), ("&content=700", "alcohol", "its strength is not told")]
    {
        let told = house.kul.get(None, &format!("/api/v1/landed-cost?{whisky}{content}")).await.json();
        assert_eq!((&told["code"], &told["measure"]), (&"quantity-missing".into(), &measure.into()), "{told}");
        let page = house.kul.get(None, &format!("/calculator?{whisky}{content}&lang=en")).await.text();
        assert!(page.contains(says), "{page}");
    }
    let fault = house.kul.get(None, &format!("/api/v1/landed-cost?{whisky}&content=700+140%25")).await.json();
    assert_eq!(fault["code"], "field-value");
}

#[tokio::test]
async fn what_customs_asks_for_with_the_entry_is_told_beside_the_price() {
    let house = House::open().await;
    let fields = async |query: &str| {
        let told = house.kul.get(None, &format!("/api/v1/landed-cost?{query}")).await.good().json();
        let all = told["told_at_entry"].as_array().unwrap().clone();
        all.into_iter().map(|each| each["field"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(fields(TO_FRANCE).await, ["product-identifier"]);
    assert!(fields(&TO_FRANCE.replace("2026-11-23", "2026-10-31")).await.is_empty(), "it was voluntary until then");
    let korea = "to=KR&date=2026-11-23&hs=610910&value=20000&origin=MY";
    assert_eq!(fields(korea).await, ["personal-customs-code"]);
    for (lang, says) in [
        ("en", "Personal customs code of the buyer"),
        ("ms", "Kod kastam peribadi pembeli"),
        ("zh", "买方个人通关代码"),
    ] {
        let page = house.kul.get(None, &format!("/calculator?{korea}&lang={lang}")).await.good().text();
        assert!(page.contains(says), "{lang}: {page}");
    }
}

#[tokio::test]
async fn prices_in_another_currency_are_converted_at_the_rate_that_the_link_names() {
    let house = House::open().await;
    let query = "to=MY&date=2026-11-23&hs=950300&value=100.00&currency=CNY&rate=0.62&freight=10.00";
    let told = house.hgh.get(None, &format!("/api/v1/landed-cost?{query}")).await.good().json();
    // 100.00 × 0.62 = 62.00; 10.00 × 0.62 = 6.20
    assert_eq!((&told["landed"]["goods"]["minor"], &told["landed"]["freight"]["minor"]), (&6_200.into(), &620.into()));
    assert!(told["permanent"].as_str().unwrap().contains("rate=0.62"));
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_what_is_unknown_by_its_rule() {
    let house = House::open().await;
    for (query, field, code) in [
        ("to=XX&hs=950300&value=1", "to", "field-value"),
        ("to=MY&hs=9503&value=1", "hs", "hs-too-short"),
        ("to=MY&hs=950300", "value", "no-price"),
        ("to=MY&hs=950300&value=NaN", "value", "not-an-amount"),
        ("to=MY&hs=950300&value=1.005", "value", "too-many-digits"),
        ("to=MY&hs=950300&value=99999999999999999999", "value", "overflow"),
        ("to=MY&hs=950300&value=1&pieces=0", "", "pieces-out-of-range"),
        ("to=MY&hs=950300&value=1&pieces=1000000000000000", "", "pieces-out-of-range"),
        ("to=MY&hs=950300&value=-1", "", "value-not-positive"),
        ("to=MY&hs=950300&value=1&date=2026-02-30", "date", "not-a-day"),
        ("to=MY&hs=950300&value=1&regime=smuggling", "regime", "field-value"),
        ("to=MY&hs=950300&value=1&currency=CNY", "rate", "field-value"),
        ("to=MY&hs=950300&value=1&currency=XXQ&rate=1", "currency", "unknown-currency"),
        ("to=ZA&hs=950300&value=1", "", "no-rules-for"),
        ("to=MY&hs=950300&value=1&date=1999-01-01", "", "no-rule-on-date"),
        ("to=MY&hs=940161&value=900.00", "", "rate-unknown"),
        ("to=MY&hs=950300&value=1&pack=00", "", "no-such-version"),
        ("to=US&hs=610910&value=9.00&date=2026-11-23", "", "origin-missing"),
    ] {
        let told = house.kul.get(None, &format!("/api/v1/landed-cost?{query}")).await;
        assert_eq!(told.json()["code"].as_str(), Some(code), "{query}");
        let page = house.kul.get(None, &format!("/calculator?{query}&lang=en")).await;
        assert_eq!(page.status, told.status, "{query}");
        assert!(page.text().contains(if field.is_empty() { code } else { "fault" }), "{query}");
    }
    let empty = house.kul.get(None, "/calculator?lang=en").await.good().text();
    assert!(empty.contains("Malaysia") && empty.contains("France"), "{empty}");
}
