use super::*;
use crate::money::{Money, Rate};
use crate::quantity::Grams;
use crate::rulebook::builtin::{CN, MY, MY_CN};
use jiff::civil::date;

#[test]
fn the_packs_of_this_repository_load() {
    let errors: Vec<String> = builtin().err().into_iter().flatten().map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// The pack of China with one text of one file replaced.
fn broken(file: &str, from: &str, to: &str) -> Vec<PackError> {
    broken_of(CN, file, from, to)
}

fn broken_of(pack: &[(&str, &str)], file: &str, from: &str, to: &str) -> Vec<PackError> {
    let files: Vec<(&str, String)> = pack
        .iter()
        .map(|(name, text)| {
            if *name != file {
                return (*name, (*text).to_owned());
            }
            assert!(text.contains(from), "{file} has {from:?}");
            (*name, text.replacen(from, to, 1))
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    if file.starts_with("lanes") {
        Lane::load(&files).err().unwrap_or_default()
    } else {
        Rulebook::load(&files).err().unwrap_or_default()
    }
}

/// `file: rule: field: code` of each error.
fn places(errors: &[PackError]) -> Vec<String> {
    let code = |error: &PackError| serde_json::to_value(error).expect("it can be written")["code"].to_string();
    errors
        .iter()
        .map(|error| format!("{}: {}: {}: {}", error.file, error.rule, error.field, code(error).replace('"', "")))
        .collect()
}

#[test]
fn a_broken_pack_is_refused_and_the_place_is_named() {
    let consumer = "cn/consumer.toml";
    let tariff = "cn/tariff.toml";
    let goods = "cn/goods.toml";
    for (file, from, to, expected) in [
        (consumer, "amount = \"5000.00\"", "amount = 5000.0", "cn.cbec.single-limit: amount: wrong-type"),
        (consumer, "amount = \"5000.00\"", "amount = \"5,000\"", "cn.cbec.single-limit: amount: not-an-amount"),
        (consumer, "amount = \"5000.00\"", "amount = \"-1\"", "cn.cbec.single-limit: amount: not-an-amount"),
        (consumer, "amount = \"5000.00\"", "", "cn.cbec.single-limit: amount: missing"),
        (consumer, "scope = \"order\"", "scope = \"parcel\"", "cn.cbec.single-limit: scope: not-one-of"),
        (consumer, "scope = \"order\"", "scope = \"order\"\nscoop = 1", "cn.cbec.single-limit: scoop: unknown-field"),
        (consumer, "valid-from = 2019-01-01", "valid-from = \"soon\"", "cn.cbec.single-limit: valid-from: not-a-date"),
        (
            consumer,
            "valid-from = 2019-01-01",
            "valid-from = 2019-01-01\nvalid-to = 2018-01-01",
            "cn.cbec.single-limit: valid-to: ends-before-it-starts",
        ),
        (consumer, "name.zh = \"跨境零售单次交易限值\"", "", "cn.cbec.single-limit: name.zh: missing"),
        (
            consumer,
            "knowledge = \"sourced\"",
            "knowledge = \"unverified\"",
            "cn.cbec.single-limit: knowledge: knowledge-disagrees",
        ),
        (consumer, "over = \"refuse\"", "over = \"one-piece-taxed-in-full\"", "cn.cbec.annual-limit: over: not-one-of"),
        (consumer, "composite = \"70\"", "composite = \"170\"", "cn.cbec.composite: composite: not-a-rate"),
        (consumer, "id = \"cn.cbec.full-duty\"", "id = \"my.full\"", "my.full: id: not-a-code"),
        (consumer, "id = \"cn.cbec.full-duty\"", "", "charge 2: id: missing"),
        (
            consumer,
            "id = \"cn.cbec.full-duty\"",
            "id = \"cn.cbec.composite\"",
            "cn.cbec.composite: valid-from: overlaps",
        ),
        ("cn/pack.toml", "[pack]", "[[limits]]\nx = 1\n[pack]", ": limits: unknown-field"),
        (tariff, "640399  8 ", "640399  8x", "cn.tariff.2026: rows 640399 duty: not-a-duty-rate"),
        (tariff, "640399  8 ", "6403    8 ", "cn.tariff.2026: rows: not-a-code"),
        (tariff, "640399  8 ", "640411  8 ", "cn.tariff.2026: rows 640411: overlaps"),
        (
            tariff,
            "330499  1     13   cn.ct.cosmetics",
            "330499  1     13   cn.ct.creams",
            "cn.tariff.2026: rows: no-such-rule",
        ),
        (tariff, "line-choice = \"cn.tariff.line-choice\"", "", "cn.tariff.2026: line-choice: missing"),
        (tariff, "rate = \"10\"", "", "cn.ct.wine: rate: missing"),
        (tariff, "per = \"ml\"", "per = \"litre\"", "cn.ct.cosmetics: due-from 1.per: not-one-of"),
        (goods, "\"怡保白咖啡三合一\", ", "\"礼品\", ", "cn.data.telling-description: good: example-fails"),
        (
            goods,
            "\"Gift\", \"various items\"",
            "\"Rattan basket\", \"x\"",
            "cn.data.telling-description: bad: example-fails",
        ),
        (goods, "hs-in = [\"03\"]", "hs-in = [\"3\"]", "cn.cbec.bonded-only: hs-in: not-a-code"),
        ("cn/match.toml", "field = \"tax\"", "field = \"payer\"", "cn.match.tax: valid-from: overlaps"),
        ("cn/pack.toml", "Asia/Shanghai", "Asia/Hangzhou", "pack: zone: not-a-code"),
        ("cn/pack.toml", "territory = \"CN\"", "territory = \"XX\"", "pack: territory: not-a-code"),
        ("cn/pack.toml", "[pack]", "[pack", ": : not-toml"),
    ] {
        let found = places(&broken(file, from, to));
        let expected = format!("{file}: {expected}");
        assert!(found.contains(&expected), "{expected} is not among {found:#?}");
    }
}

#[test]
fn a_wrong_number_fails_its_worked_example() {
    for (file, from, to, expected) in [
        // a limit of 6,000.00, a share of 60 %, a rate of 14 %: each contradicts an example
        ("cn/consumer.toml", "amount = \"5000.00\"", "amount = \"6000.00\"", "cn.cbec.single-limit"),
        ("cn/consumer.toml", "composite = \"70\"", "composite = \"60\"", "cn.cbec.composite"),
        ("cn/tariff.toml", "210112  12    13", "210112  12    14", "cn.cbec.composite"),
        ("cn/tariff.toml", "at-least = \"10.00\"", "at-least = \"10.01\"", "cn.ct.cosmetics"),
        ("cn/match.toml", "share = \"10\"", "share = \"11\"", "cn.match.gross-weight"),
        ("cn/risk.toml", "random-share = \"0.5\"", "random-share = \"0.6\"", "cn.risk.random"),
        ("cn/risk.toml", "at-least\", amount", "more-than\", amount", "cn.risk.high-value"),
        ("cn/pack.toml", "days = 14", "days = 15", "cn.term.claim-window"),
        ("cn/goods.toml", "digits = 6", "digits = 10", "cn.data.hs"),
        ("cn/goods.toml", "regime = [\"b2c-parcel\"]", "", "cn.cbec.bonded-only"),
    ] {
        let errors = broken(file, from, to);
        let hit = |error: &PackError| error.rule == expected && matches!(error.problem, Problem::ExampleFails { .. });
        assert!(errors.iter().any(hit), "{file} {to}: {errors:#?}");
    }
    let lane = "lanes/my-cn.toml";
    for (from, to, expected) in [
        ("step-price = \"9.00\"", "step-price = \"9.50\"", "my-cn.carriage.economy"),
        ("mid = \"1.6120\"", "mid = \"1.6130\"", "my-cn.fx.sample"),
        ("share-of-goods = \"0.5\"", "share-of-goods = \"0.6\"", "my-cn.fee.importing-hub"),
    ] {
        let errors = broken_of(MY_CN, lane, from, to);
        let hit = |error: &PackError| error.rule == expected && matches!(error.problem, Problem::ExampleFails { .. });
        assert!(errors.iter().any(hit), "{to}: {errors:#?}");
    }
}

#[test]
fn a_rule_without_an_example_of_its_own_does_not_load() {
    // the example stands under the assumption, but its goods do not rest on it
    let missed = broken("cn/tariff.toml", "lines = [{ hs = \"041090\"", "lines = [{ hs = \"090230\"");
    assert_eq!(places(&missed), ["cn/tariff.toml: cn.tariff.line-choice: example: example-misses-rule"]);
    let none = broken("cn/goods.toml", "example = [{ origin", "exemple = [{ origin");
    let expected = ["cn.data.origin: example: no-example", "cn.data.origin: exemple: unknown-field"];
    assert_eq!(places(&none), expected.map(|place| format!("cn/goods.toml: {place}")));
}

#[test]
fn a_lane_has_one_of_each_on_a_day() {
    let lane = "lanes/my-cn.toml";
    let two = places(&broken_of(MY_CN, lane, "hub = \"importing\"", "hub = \"exporting\""));
    assert!(two.contains(&format!("{lane}: my-cn.fee.importing-hub: valid-from: overlaps")), "{two:#?}");
    let zero = places(&broken_of(MY_CN, lane, "mid = \"1.6120\"", "mid = \"0\""));
    assert_eq!(zero, [format!("{lane}: my-cn.fx.sample: mid: not-a-rate")]);
}

#[test]
fn every_field_has_a_tolerance() {
    let pack: Vec<(&str, &str)> = CN.iter().copied().filter(|(name, _)| *name != "cn/match.toml").collect();
    let errors = Rulebook::load(&pack).expect_err("the match has no tolerances");
    assert_eq!(errors.len(), TradeField::ALL.len());
    assert_eq!(places(&errors)[0], "cn/pack.toml: tolerance: order-number: missing");
    let book = test_books().book(Country::CN).expect("there is a pack");
    let weight = book.tolerance(TradeField::GrossWeight);
    assert_eq!(
        (weight.allowed, weight.mends, &*weight.info.id),
        (Allowed::Share { share: Rate::percent(10) }, Mender::Carrier, "cn.match.gross-weight")
    );
    // 10 % of 1,200 g is 120 g
    let agree = |found| weight.allows(1_200, found);
    assert_eq!([1_080, 1_320, 1_079, 1_321].map(agree), [true, true, false, false]);
    assert!(book.tolerance(TradeField::Tax).allows(i64::MAX, i64::MAX));
    assert!(!book.tolerance(TradeField::Tax).allows(i64::MAX, i64::MIN));
    assert!(!weight.allows(i64::MIN, i64::MAX));
}

#[test]
fn the_digest_is_over_names_and_contents_in_order() {
    let digest_of = |files: &[(&str, &str)]| Rulebook::load(files).map(|book| book.digest.to_string());
    let digest = digest_of(MY).expect("the pack loads");
    assert_eq!(digest.len(), 64);
    let mut reversed = MY.to_vec();
    reversed.reverse();
    assert_eq!(digest_of(&reversed).as_ref(), Ok(&digest));
    let windows: Vec<(&str, String)> = MY.iter().map(|(name, text)| (*name, text.replace('\n', "\r\n"))).collect();
    let windows: Vec<(&str, &str)> = windows.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(digest_of(&windows).as_ref(), Ok(&digest));
    let remark: Vec<(&str, String)> = MY.iter().map(|(name, text)| (*name, format!("{text}# a remark\n"))).collect();
    let remark: Vec<(&str, &str)> = remark.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert!(digest_of(&remark).is_ok_and(|other| other != digest));
}

#[test]
fn rules_are_found_by_id_and_date() {
    let book = test_books().book(Country::CN).expect("there is a pack");
    let limit = book.rule("cn.cbec.single-limit").expect("there is one");
    assert_eq!(
        (limit.kind, limit.knowledge, limit.name.zh.as_str()),
        (RuleKind::Limit, Knowledge::Sourced, "跨境零售单次交易限值")
    );
    assert!(book.rule_on("cn.cbec.single-limit", date(2018, 12, 31)).is_none());
    assert!(book.rule_on("cn.cbec.single-limit", date(2019, 1, 1)).is_some());
    assert!(book.rule("cn.cbec.no-such").is_none());
    assert_eq!(book.tariff.len(), 181, "all codes of the facts");
    assert_eq!(book.rule("cn.ct.spirits").map(|rule| rule.knowledge), Some(Knowledge::Unknown));
    assert_eq!(book.rule("cn.cbec.positive-list").map(|rule| rule.knowledge), Some(Knowledge::Unverified));
}

#[test]
fn a_changed_rule_holds_from_its_day_and_the_old_one_before() {
    // the limit of one order becomes 8,000.00 on 1 January 2027
    let draft = r#"
[[limit]]
id = "cn.cbec.single-limit"
name = { en = "New limit", ms = "Had baharu", zh = "新限值" }
valid-from = 2027-01-01
source = "a draft"
confidence = "official"
knowledge = "sourced"
regime = "b2c-parcel"
scope = "order"
basis = "goods-and-freight"
compare = "at-most"
amount = "8000.00"
over = "refuse"
example = [{ lines = [{ hs = "640399", pieces = 2, value = "8000.00" }], freight = "0.00", tax = "728.00" }]
"#;
    let old = "valid-from = 2019-01-01\nsource = \"Ningbo";
    let dated: Vec<(&str, String)> = CN
        .iter()
        .map(|(name, text)| {
            (*name, text.replacen(old, &old.replace("2019-01-01", "2019-01-01\nvalid-to = 2026-12-31"), 1))
        })
        .collect();
    let mut files: Vec<(&str, &str)> = dated.iter().map(|(name, text)| (*name, text.as_str())).collect();
    files.push(("cn/z-draft.toml", draft));
    let book = Rulebook::load(&files).expect("the draft loads");
    let name = |day| book.rule_on("cn.cbec.single-limit", day).map(|rule| rule.name.en.as_str());
    assert_eq!(name(date(2026, 12, 31)), Some("Limit of one consumer order"));
    assert_eq!(name(date(2027, 1, 1)), Some("New limit"));
    // without an end to the old one the two overlap
    let mut files = CN.to_vec();
    files.push(("cn/z-draft.toml", draft));
    let errors = Rulebook::load(&files).expect_err("two limits on one day");
    assert_eq!(places(&errors), ["cn/z-draft.toml: cn.cbec.single-limit: valid-from: overlaps"]);
}

#[test]
fn the_lane_gives_the_agreed_samples() {
    let lane = test_books().lane(Country::MY, Country::CN, Regime::B2cParcel).expect("there is a lane");
    let day = date(2026, 11, 23);
    let fx = &lane.fx_on(day).expect("there is a rate").rate;
    assert_eq!((fx.mid.to_string().as_str(), fx.spread.percent_text().as_str()), ("1.612", "0.4"));
    assert_eq!(fx.as_of.to_string(), "2026-11-20T00:00:00Z");
    let share = |side| lane.fee(side, day).map(|fee| fee.share.percent_text());
    assert_eq!(share(FeeSide::ExportingHub).as_deref(), Some("1"));
    assert_eq!(share(FeeSide::ImportingHub).as_deref(), Some("0.5"));
    let fee = lane.fee(FeeSide::ImportingHub, day).expect("there is a fee");
    assert!(fee.on(Money::new(100, Currency::MYR)).is_err(), "a fee is taken in the hub's own currency");
    assert!(lane.rate_card("economy", day).is_some_and(|card| card.first_weight == Grams(500)));
    assert!(lane.rate_card("express", day).is_none());
    assert!(lane.rate_card("economy", date(2025, 12, 31)).is_none());
    let china = test_books().book(Country::CN).expect("there is a pack");
    assert_eq!((china.quote_validity(day).days.0, china.claim_window(day).days.0), (7, 14));
    let business = test_books().lane(Country::CN, Country::MY, Regime::B2b).expect("there is a lane");
    let share = |side| business.fee(side, day).map(|fee| fee.share.percent_text());
    assert_eq!(share(FeeSide::ExportingHub).as_deref(), Some("0.8"));
    assert_eq!(share(FeeSide::ImportingHub).as_deref(), Some("0.4"));
    assert!(business.rate_card("freight", day).is_some_and(|card| card.heaviest == Grams(2_000_000)));
    for (from, to) in [(Country::MY, Country::CN), (Country::CN, Country::MY)] {
        assert_eq!(test_books().regimes(from, to), [Regime::B2cParcel, Regime::B2b]);
    }
    assert!(test_books().regimes(Country::MY, Country::MY).is_empty());
    assert!(test_books().lane(Country::MY, Country::CN, Regime::PersonalPost).is_none());
}

#[test]
fn descriptions_say_what_the_goods_are() {
    let book = test_books().book(Country::MY).expect("there is a pack");
    let rule = &book.descriptions[0];
    let vague = |word: &str| Some(DescriptionFault::Vague { word: word.into() });
    for (text, expected) in [
        ("Gift", vague("gift")),
        ("NEW GIFT, box of samples", vague("gift")),
        ("spare parts", vague("parts")),
        ("Sample", vague("sample")),
        ("hadiah hari jadi", None),
        ("Gift box of milk chocolate", None),
        ("Spare parts for coffee grinder", None),
        ("Coffee", Some(DescriptionFault::TooShort)),
        ("白咖啡粉", None),
        ("", Some(DescriptionFault::TooShort)),
        ("\u{200b}💥", Some(DescriptionFault::TooShort)),
    ] {
        assert_eq!(rule.fault_of(text), expected, "{text}");
    }
    let china = test_books().book(Country::CN).expect("there is a pack");
    let rule = &china.descriptions[0];
    assert_eq!(rule.fault_of("新 日用品"), vague("日用品"));
    assert_eq!(rule.fault_of("礼品 gift"), vague("礼品"));
    assert_eq!(rule.fault_of("gift 礼品"), vague("gift"));
    assert_eq!(rule.fault_of("咖啡礼品盒"), None);
}

#[test]
fn conditions_hold_together_and_what_is_not_known_counts_as_fulfilled() {
    let hs = |code: &str| code.parse().expect("a code");
    let conditions = Conditions {
        directions: vec![Direction::Import],
        hs_in: vec!["33".into()],
        hs_out: vec!["3305".into()],
        modes: vec![Mode::Air],
        ..Conditions::default()
    };
    let import = Case::of(Regime::B2cParcel, Direction::Import);
    assert!(conditions.met(&import));
    assert!(conditions.met(&Case { hs: Some(&hs("330499")), mode: Some(Mode::Air), ..import }));
    assert!(!conditions.met(&Case { hs: Some(&hs("330510")), ..import }));
    assert!(!conditions.met(&Case { hs: Some(&hs("090121")), ..import }));
    assert!(!conditions.met(&Case { mode: Some(Mode::Sea), ..import }));
    assert!(!conditions.met(&Case::of(Regime::B2cParcel, Direction::Export)));
}

#[test]
fn a_rule_that_nobody_knows_refuses_and_is_named() {
    // the full duty becomes unknown: one piece over the limit can no longer be priced
    let unknown = "confidence = \"not-found\"\nknowledge = \"unknown\"\nregime = \"b2c-parcel\"\ntreatment = [\"over";
    let known = "confidence = \"secondary\"\nknowledge = \"sourced\"\nregime = \"b2c-parcel\"\ntreatment = [\"over";
    let errors = broken("cn/consumer.toml", known, unknown);
    let full: Vec<&PackError> = errors.iter().filter(|error| error.rule == "cn.cbec.full-duty").collect();
    assert_eq!(full.len(), 1, "its example: {errors:#?}");
    let named = "RuleUnknown { rule: cn.cbec.full-duty }";
    assert!(full.iter().all(|error| matches!(&error.problem, Problem::ExampleFails { got, .. } if got == named)));
}

/// The window for claims of China once more, from 2027 on: 20 days instead of 14.
const NEXT_WINDOW: &str = r#"
[[term]]
id = "cn.term.claim-window"
name.en = "Time for complaints after delivery"
name.ms = "Tempoh aduan selepas penghantaran"
name.zh = "收货后的申诉期"
valid-from = 2027-01-01
source = "sample policy of the hub's operator"
confidence = "operator"
knowledge = "sourced"
term = "claim-window"
days = 20

# 1 January 2027 and 20 days
[[term.example]]
ends = 2027-01-21
"#;

/// China with more text in one file, after one replacement in it.
fn longer(file: &str, from: &str, to: &str, more: &str) -> Result<Rulebook, Vec<PackError>> {
    let texts: Vec<(&str, String)> = CN
        .iter()
        .map(|(name, text)| (*name, if *name == file { text.replacen(from, to, 1) + more } else { (*text).to_owned() }))
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Rulebook::load(&files)
}

#[test]
fn each_version_of_a_term_holds_on_its_days_and_none_takes_the_others_place() {
    let pack = CN.iter().find(|(name, _)| *name == "cn/pack.toml").unwrap().1;
    let rule = &pack[pack.find("cn.term.claim-window").unwrap()..];
    let from = &rule[..rule.find("days = 14").unwrap()];
    let ended = from.replacen("source", "valid-to = 2026-12-31\nsource", 1);
    let book = longer("cn/pack.toml", from, &ended, NEXT_WINDOW).unwrap();
    let days = |on| book.claim_window(on).days.0;
    assert_eq!([date(2026, 12, 31), date(2027, 1, 1), date(2019, 1, 1)].map(days), [14, 20, 14]);
    assert_eq!(book.shortest_claim_window().0, 14);
    // Without a last day of the first, both hold on the first day of the second.
    let both = places(&longer("cn/pack.toml", from, from, NEXT_WINDOW).unwrap_err());
    assert_eq!(both, ["cn/pack.toml: cn.term.claim-window: valid-from: overlaps"]);
}

#[test]
fn a_tolerance_has_one_version() {
    let text = CN.iter().find(|(name, _)| *name == "cn/match.toml").unwrap().1;
    let at = text.find("[[tolerance]]").unwrap();
    let end = text[at + 1..].find("[[tolerance]]").unwrap() + at + 1;
    let first = &text[at..end];
    let again = first.replacen("valid-from = 20", "valid-from = 30", 1);
    let ended = first.replacen("source", "valid-to = 2026-12-31\nsource", 1);
    let told = places(&longer("cn/match.toml", first, &ended, &again).unwrap_err());
    assert!(told.iter().any(|place| place.ends_with(": field: duplicate")), "{told:?}");
}
