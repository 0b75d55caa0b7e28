//! Charges of every form on a small made-up territory, each number worked by hand.

use super::*;
use crate::rulebook::Problem;
use jiff::civil::date;
use proptest::prelude::*;

/// A territory with a currency of so many digits; `{rules}` stand in one file.
fn book(currency: &str, rules: &str) -> Result<Rulebook, Vec<crate::rulebook::PackError>> {
    let term = |name: &str| {
        format!(
            "[[term]]\nid = \"eu.term.{name}\"\n{}confidence = \"operator\"\nterm = \"{name}\"\ndays = 7\n\
             [[term.example]]\nends = 2020-01-08\n",
            common("2020-01-01")
        )
    };
    let head = format!(
        "[pack]\nterritory = \"EU\"\nmembers = [\"FR\", \"RO\"]\nruns-a-hub = false\ncurrency = \"{currency}\"\n\
         zone = \"UTC\"\nname.en = \"x\"\nname.ms = \"x\"\nname.zh = \"x\"\n{}{}",
        term("quote-validity"),
        term("claim-window")
    );
    Rulebook::load(&[("eu/pack.toml", head.as_str()), ("eu/rules.toml", rules)])
}

fn common(from: &str) -> String {
    format!(
        "name.en = \"x\"\nname.ms = \"x\"\nname.zh = \"x\"\nvalid-from = {from}\nsource = \"test\"\n\
         knowledge = \"sourced\"\n"
    )
}

/// One rule of a kind with its own fields, and an example that comes to it.
fn rule(kind: &str, id: &str, fields: &str, example: &str) -> String {
    let common = common("2020-01-01");
    format!(
        "[[{kind}]]\nid = \"eu.{id}\"\n{common}confidence = \"official\"\n{fields}\n[[{kind}.example]]\n{example}\n"
    )
}

/// An example order of one shirt of 100.00 to France, with the duty that it bears.
fn shirt(expect: &str) -> String {
    format!(
        "lines = [{{ hs = \"610910\", pieces = 1, value = \"100.00\" }}]\nfreight = \"10.00\"\nmember = \"FR\"\n{expect}"
    )
}

fn base() -> String {
    rule("tax-base", "base", "regime = \"b2c-parcel\"\nbasis = \"cif\"", &shirt("total = \"113.00\""))
}

fn with(rules: &[String]) -> Rulebook {
    book("EUR", &rules.concat()).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn flat() -> String {
    rule(
        "charge",
        "flat",
        "regime = \"b2c-parcel\"\nwhat = \"duty\"\nflat = \"3.00\"\nper = \"hs6\"\n\
         value = [{ basis = \"intrinsic\", compare = \"at-most\", amount = \"150.00\" }]",
        &shirt("duty = \"3.00\""),
    )
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn line(hs: &str, pieces: i64, minor: i64) -> AskLine {
    let hs = hs.parse().expect("a code");
    AskLine { hs, pieces, value: eur(minor), content: None, origin: None, net: None }
}

fn ask<'a>(lines: &'a [AskLine], freight: i64, member: &str) -> LandedCostAsk<'a> {
    let day = date(2026, 11, 23);
    let ask = LandedCostAsk::new(day, Regime::B2cParcel, lines, eur(freight), &Stance::Sandbox);
    LandedCostAsk { member: Some(member.parse().expect("a country")), ..ask }
}

fn kinds(cost: &LandedCost) -> Vec<(ChargeKind, i64)> {
    cost.charges.iter().map(|charge| (charge.kind, charge.amount.minor())).collect()
}

#[test]
fn a_flat_duty_counts_subheadings_and_is_taxed_itself() {
    let vat = rule(
        "charge",
        "vat",
        "regime = \"b2c-parcel\"\nwhat = \"vat\"\nbase = [\"value\", \"duty\"]\nrate = \"20\"",
        // 20 % of 110.00 + 3.00
        &shirt("vat = \"22.60\""),
    );
    let base = base().replace("113.00", "135.60");
    let book = with(&[base, flat(), vat]);
    // shoes, and two lines of shirts of one subheading: 2 × 3.00; VAT 20 % of (50.00 + 3.00), of 20.00 + 3.00, of 30.00
    let lines = [line("640399", 1, 5_000), line("610910", 1, 2_000), line("6109100010", 1, 3_000)];
    let cost = landed_cost(&book, &ask(&lines, 0, "FR")).expect("ruled");
    let duty = ChargeKind::Duty;
    let vat = ChargeKind::Vat;
    assert_eq!(kinds(&cost), [(duty, 300), (vat, 1_060), (duty, 300), (vat, 460), (duty, 0), (vat, 600)]);
    assert_eq!(cost.charges[4].formula, FormulaKind::WithLine { line: 1 });
    assert_eq!(cost.total, eur(10_000 + 600 + 2_120));
    // one cent over the limit no rule of duty fits, and nothing is taken for zero
    let over = [line("610910", 1, 15_001)];
    let refused = landed_cost(&book, &ask(&over, 0, "FR"));
    let (hs, charge) = (over[0].hs.clone(), ChargeKind::Duty);
    assert_eq!(refused, Err(LandedCostRefusal::NoChargeFits { line: 0, hs, charge }));
}

#[test]
fn a_union_asks_for_the_state_and_takes_fees_of_a_parcel_in_its_money() {
    let fee = rule(
        "charge",
        "ro-fee",
        "regime = \"b2c-parcel\"\nwhat = \"fee\"\nmember = [\"RO\"]\nflat = \"25.00\"\ncurrency = \"RON\"\nper = \"parcel\"",
        "lines = [{ hs = \"610910\", pieces = 1, value = \"100.00\" }]\nfreight = \"10.00\"\nmember = \"RO\"\nfee = \"5.00\"",
    );
    let ron = rule(
        "exchange",
        "ron",
        "from = \"RON\"\nmid = \"0.2\"\nas-of = \"2026-01-01T00:00:00Z\"",
        "currency = \"RON\"\namount = \"25.00\"\nexpect = \"5.00\"",
    );
    let book = with(&[base(), flat(), fee.clone(), ron]);
    let lines = [line("610910", 1, 10_000)];
    let fees = |member| landed_cost(&book, &ask(&lines, 0, member)).map(|cost| kinds(&cost));
    assert_eq!(fees("RO"), Ok(vec![(ChargeKind::Duty, 300), (ChargeKind::Fee, 500)]));
    assert_eq!(fees("FR"), Ok(vec![(ChargeKind::Duty, 300)]));
    let territory: Country = "EU".parse().expect("a territory");
    assert_eq!(fees("MY"), Err(LandedCostRefusal::NotAMember { territory, member: Country::MY }));
    let nowhere = LandedCostAsk { member: None, ..ask(&lines, 0, "FR") };
    assert_eq!(landed_cost(&book, &nowhere), Err(LandedCostRefusal::MemberMissing { territory }));
    // without the rate the amount cannot be counted, and the example says so
    let errors = self::book("EUR", &[base(), flat(), fee].concat()).expect_err("no rate");
    assert!(
        errors.iter().any(
            |error| matches!(&error.problem, Problem::ExampleFails { got, .. } if got.contains("ExchangeMissing"))
        ),
        "{errors:?}"
    );
}

#[test]
fn bounds_parts_top_ups_and_origins_each_give_their_amount() {
    let duty = |fields: &str, example: &str| {
        rule("charge", "duty", &format!("regime = \"b2c-parcel\"\nwhat = \"duty\"\n{fields}"), &shirt(example))
    };
    let total = |amount: &str| base().replace("113.00", amount);
    // 4 % of 110.00 = 4.40, at least 5.00
    let least = with(&[total("115.00"), duty("rate = \"4\"\nat-least = \"5.00\"", "duty = \"5.00\"")]);
    let lines = [line("610910", 1, 10_000)];
    let cost = landed_cost(&least, &ask(&lines, 1_000, "FR")).expect("ruled");
    assert_eq!(cost.charges[0].formula, FormulaKind::Bounded { worked: eur(440) });
    // 12 % of eleven twelfths of 110.00 = 12.10
    with(&[total("122.10"), duty("rate = \"12\"\nof = \"11/12\"", "duty = \"12.10\"")]);
    // 5 % of 110.00 = 5.50; up to 10 % for goods of Japan: 5.50 more
    let top = rule(
        "charge",
        "top",
        "regime = \"b2c-parcel\"\nwhat = \"additional-duty\"\norigin = [\"JP\"]\ntop-up-to = \"10\"",
        &shirt("origin = \"JP\"\nadditional-duty = \"5.50\""),
    );
    let base = total("115.50").replace("total", "origin = \"FR\"\ntotal");
    let book = with(&[base, duty("rate = \"5\"", "origin = \"FR\"\nduty = \"5.50\""), top]);
    let refused = landed_cost(&book, &ask(&lines, 1_000, "FR"));
    assert!(matches!(refused, Err(LandedCostRefusal::OriginMissing { line: 0, .. })), "{refused:?}");
    // by weight, and refused where nobody told it: 2 × 250 g at 10.00 a kilogram
    let by_weight = with(&[
        total("112.00").replace("value = \"100.00\"", "value = \"100.00\", net-grams = 200"),
        duty("rate = \"10 EUR/kg\"", "duty = \"2.00\"")
            .replace("value = \"100.00\"", "value = \"100.00\", net-grams = 200"),
    ]);
    let weighed = [AskLine { net: Some(Grams(250)), ..line("610910", 2, 10_000) }];
    assert_eq!(landed_cost(&by_weight, &ask(&weighed, 0, "FR")).map(|cost| cost.tax), Ok(eur(500)));
    let unweighed = landed_cost(&by_weight, &ask(&lines, 0, "FR"));
    assert!(matches!(unweighed, Err(LandedCostRefusal::QuantityMissing { measure: Measure::Mass, .. })));
}

#[test]
fn a_days_parcels_for_one_person_are_counted_together() {
    let duty = rule(
        "charge",
        "duty",
        "regime = \"b2c-parcel\"\nwhat = \"duty\"\nrate = \"10\"",
        &shirt("alongside = \"51.00\"\nduty = \"11.00\""),
    );
    let relief = rule(
        "relief",
        "relief",
        "regime = \"b2c-parcel\"\nbasis = \"intrinsic\"\nscope = \"person-day\"\ncompare = \"at-most\"\namount = \"150.00\"",
        &shirt("alongside = \"50.00\"\ntreatment = \"relief\"\nduty = \"0.00\""),
    );
    let book = with(&[base().replace("113.00", "110.00"), duty, relief]);
    let lines = [line("610910", 1, 10_000)];
    let day = |more: i64| LandedCostAsk { alongside: Some(eur(more)), ..ask(&lines, 0, "FR") };
    assert_eq!(landed_cost(&book, &day(5_000)).map(|cost| cost.tax), Ok(eur(0)));
    // one cent more and the whole parcel is taxed: 10 % of 100.00
    assert_eq!(landed_cost(&book, &day(5_001)).map(|cost| cost.tax), Ok(eur(1_000)));
}

#[test]
fn a_preference_lowers_the_duty_where_it_is_known_and_ways_are_ranked() {
    let tariff = rule(
        "tariff",
        "tariff",
        "rows = \"\"\"\n610910 12 20 - -\n640399 8 20 - -\n\"\"\"",
        &shirt("origin = \"CN\"\nduty = \"13.20\""),
    );
    let duty = rule(
        "charge",
        "duty",
        "regime = \"b2c-parcel\"\nwhat = \"duty\"\nrate-from = \"tariff-duty\"",
        &shirt("duty = \"13.20\""),
    );
    let words =
        "proof.en = \"p\"\nproof.ms = \"p\"\nproof.zh = \"p\"\ntest.en = \"t\"\ntest.ms = \"t\"\ntest.zh = \"t\"";
    let table = rule(
        "rate-table",
        "table",
        "by = \"hs\"\nrows = \"\"\"\n6109 3\n\"\"\"",
        &shirt("origin = \"MY\"\npreference = \"eu.pact\"\nduty = \"3.30\""),
    );
    let pact = rule(
        "preference",
        "pact",
        &format!("agreement = \"PACT\"\norigin = [\"MY\"]\ntable = \"eu.table\"\n{words}"),
        &shirt("origin = \"MY\"\npreference = \"eu.pact\"\nduty = \"3.30\""),
    );
    let other = rule(
        "preference",
        "other",
        &format!("agreement = \"OTHER\"\norigin = [\"MY\"]\n{words}"),
        &shirt(
            "origin = \"MY\"\npreference = \"eu.other\"\nrefusal = \"preference-of-no-use\"\nrefused-by = \"eu.other\"",
        ),
    );
    let other = other.replace("refused-by = \"eu.other\"", "");
    let book = with(&[base().replace("113.00", "123.20"), tariff, duty, table, pact, other]);
    let lines = [AskLine { origin: Some(Country::MY), ..line("610910", 1, 10_000) }];
    let ways = options(&book, &ask(&lines, 1_000, "FR"));
    let shown: Vec<_> =
        ways.iter().map(|way| (way.preference.as_deref(), way.cost.as_ref().ok().map(|c| c.total.minor()))).collect();
    // 110.00 + 3 %; 110.00 + 12 %; and the one whose rates nobody knows
    assert_eq!(shown, [(Some("eu.pact"), Some(11_330)), (None, Some(12_320)), (Some("eu.other"), None)]);
    let proof = Needs::Proof { agreement: "PACT".into(), rule: "eu.pact".into() };
    assert_eq!(ways[0].needs, [Needs::Consumer, proof]);
}

#[test]
fn a_charge_that_builds_on_a_later_one_does_not_load() {
    let fee = rule(
        "charge",
        "fee",
        "regime = \"b2c-parcel\"\nwhat = \"duty\"\nbase = [\"vat\"]\nrate = \"1\"",
        &shirt("duty = \"1.00\""),
    );
    let errors = book("EUR", &[base(), fee].concat()).expect_err("out of order");
    assert!(errors.iter().any(|error| error.field == "base"), "{errors:?}");
}

proptest! {
    /// Sum of lines = total and shares sum to the whole, in currencies of 0, 2 and 3 digits.
    #[test]
    fn the_parts_sum_to_the_total_in_every_currency(
        values in prop::collection::vec((1_i64..2_000_000, 1_i64..50), 1..8),
        freight in 0_i64..500_000,
        currency in prop::sample::select(vec!["JPY", "EUR", "KWD"]),
    ) {
        let zero = match currency { "JPY" => "0", "EUR" => "0.00", _ => "0.000" };
        let example = |expect: &str| format!("lines = [{{ hs = \"610910\", pieces = 1, value = \"1\" }}]\nfreight = \"0\"\nmember = \"FR\"\n{expect}");
        let base = rule("tax-base", "base", "regime = \"b2c-parcel\"\nbasis = \"cif\"", &example("refusal = \"none\"").replace("refusal = \"none\"", "total = \"1\""));
        let duty = rule("charge", "duty", "regime = \"b2c-parcel\"\nwhat = \"duty\"\nrate = \"7.3\"", &example("duty = \"0\""));
        let vat = rule("charge", "vat", "regime = \"b2c-parcel\"\nwhat = \"vat\"\nbase = [\"goods\", \"freight\", \"duty\"]\nrate = \"19.6\"", &example("vat = \"0\""));
        // the examples are about one unit; their amounts depend on the currency, so they are left to the engine
        let rules = [base, duty, vat].concat();
        let digits = currency.parse::<Currency>().expect("a currency").digits();
        let unit = 10_i64.pow(digits);
        let share = |rate: i64, of: i64| (of * rate * 2 + 1_000).div_euclid(2_000);
        let (d, v) = (share(73, unit), share(196, unit + share(73, unit)));
        let text = |minor: i64| Money::new(minor, currency.parse().expect("a currency")).decimal();
        let rules = rules
            .replace("total = \"1\"", &format!("total = \"{}\"", text(unit + d + v)))
            .replace("duty = \"0\"", &format!("duty = \"{}\"", text(d)))
            .replace("vat = \"0\"", &format!("vat = \"{}\"", text(v)));
        let _ = zero;
        let book = book(currency, &rules).unwrap_or_else(|errors| panic!("{errors:#?}"));
        let money = |minor| Money::new(minor, book.currency);
        let lines: Vec<AskLine> = values.iter().map(|(minor, pieces)| AskLine { value: money(*minor), ..line("610910", *pieces, 1) }).collect();
        let day = date(2026, 11, 23);
        let ask = LandedCostAsk { member: Some("FR".parse().expect("a country")), ..LandedCostAsk::new(day, Regime::B2cParcel, &lines, money(freight), &Stance::Sandbox) };
        let cost = landed_cost(&book, &ask).expect("ruled");
        let goods: i64 = values.iter().map(|(minor, _)| minor).sum();
        let charges: i64 = cost.charges.iter().map(|charge| charge.amount.minor()).sum();
        prop_assert_eq!(cost.total.minor(), goods + freight + charges);
        let based: i64 = cost.charges.iter().filter(|charge| charge.kind == ChargeKind::Duty).map(|charge| charge.base.minor()).sum();
        prop_assert_eq!(based, goods + freight);
    }
}
