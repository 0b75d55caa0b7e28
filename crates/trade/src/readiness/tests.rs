use super::*;
use crate::hazard::{Battery, Chemistry, Liquid, LiquidForm, PackedHow};
use crate::money::Currency;
use crate::quantity::ContentUnit;
use crate::rulebook::{Knowledge, Mode, test_books};
use jiff::civil::date;

fn book(territory: Country) -> &'static Rulebook {
    test_books().book(territory).expect("there is a pack")
}

fn coffee() -> ReadinessFacts<'static> {
    ReadinessFacts {
        regime: Regime::B2cParcel,
        description: "Instant white coffee, 3-in-1 powder",
        hs: HsClaim::Code("2101.12".parse().expect("a code")),
        origin: Some(Country::MY),
        weight: Some(Grams(600)),
        price: Some(Money::new(1_890, Currency::MYR)),
        content: None,
        hazards: Hazards::default(),
    }
}

/// Every lane of today goes by air, or nobody says how.
fn by_air() -> Carriage<'static> {
    Carriage { transports: &test_books().transports, mode: Some(Mode::Air) }
}

fn of_code(code: &str) -> ReadinessFacts<'static> {
    ReadinessFacts { hs: HsClaim::Code(code.parse().expect("a code")), ..coffee() }
}

fn gaps_by(stance: &Stance, product: &ReadinessFacts<'_>) -> Vec<Gap> {
    readiness(book(Country::MY), book(Country::CN), product, by_air(), date(2026, 11, 23), stance)
}

fn gaps(product: &ReadinessFacts<'_>) -> Vec<Gap> {
    gaps_by(&Stance::Sandbox, product)
}

fn codes(gaps: &[Gap]) -> Vec<String> {
    gaps.iter()
        .map(|gap| serde_json::to_value(gap).expect("a gap can be written")["code"].as_str().unwrap_or("").to_owned())
        .collect()
}

#[test]
fn a_product_with_all_its_facts_is_ready() {
    assert_eq!(gaps(&coffee()), vec![]);
}

#[test]
fn each_missing_fact_is_one_gap_though_both_sides_ask() {
    let content = Some(Content::new(0, ContentUnit::Ml));
    for (product, expected) in [
        (ReadinessFacts { hs: HsClaim::Missing, ..coffee() }, "hs-missing"),
        (ReadinessFacts { hs: HsClaim::Short("2101".into()), ..coffee() }, "hs-too-short"),
        (ReadinessFacts { description: "Gift", ..coffee() }, "vague-description"),
        (ReadinessFacts { description: "Coffee", ..coffee() }, "description-too-short"),
        (ReadinessFacts { description: " ", ..coffee() }, "description-too-short"),
        (ReadinessFacts { origin: None, ..coffee() }, "origin-missing"),
        (ReadinessFacts { weight: None, ..coffee() }, "weight-missing"),
        (ReadinessFacts { weight: Some(Grams(0)), ..coffee() }, "weight-missing"),
        (ReadinessFacts { price: None, ..coffee() }, "no-price"),
        (ReadinessFacts { price: Some(Money::zero(Currency::MYR)), ..coffee() }, "no-price"),
        (of_code("330499"), "content-missing"),
        (ReadinessFacts { content, ..of_code("330499") }, "content-missing"),
        (of_code("442090"), "list-unknown"),
        // No code of HS 2022: told once, though there is no duty on it either.
        (of_code("770100"), "hs-not-in-edition"),
    ] {
        let found = gaps(&product);
        assert_eq!(codes(&found), [expected], "{product:?}");
        assert!(found[0].blocks());
    }
}

#[test]
fn of_spirits_into_singapore_the_strength_is_asked() {
    let spirits = |strength: Option<&str>| {
        let content = strength.and_then(|text| Content::read(text, ContentUnit::Ml));
        let product = ReadinessFacts { content, ..of_code("220830") };
        let (export, import) = (book(Country::MY), book("SG".parse().expect("a country")));
        let day = date(2026, 11, 23);
        codes(&readiness(export, import, &product, Carriage::UNRULED, day, &Stance::Sandbox))
    };
    assert_eq!(spirits(None), ["content-missing"]);
    assert_eq!(spirits(Some("700")), ["strength-missing"]);
    assert_eq!(spirits(Some("700 40%")), Vec::<String>::new());
}

#[test]
fn gaps_come_in_a_fixed_order_and_name_the_exporting_sides_rule_first() {
    let nothing = ReadinessFacts {
        regime: Regime::B2cParcel,
        description: "",
        hs: HsClaim::Missing,
        origin: None,
        weight: None,
        price: None,
        content: None,
        hazards: Hazards::default(),
    };
    let found = gaps(&nothing);
    let expected = ["hs-missing", "description-too-short", "origin-missing", "weight-missing", "no-price"];
    assert_eq!(codes(&found), expected);
    assert_eq!(found[0], Gap::HsMissing { rule: "my.data.hs".into() });
}

#[test]
fn a_code_in_no_table_lacks_both_list_and_rate() {
    assert_eq!(codes(&gaps(&of_code("010121"))), ["list-unknown", "rate-unknown"]);
}

#[test]
fn restrictions_of_both_sides_are_told() {
    // shrimps come through bonded warehouses only
    let found = gaps(&of_code("030617"));
    assert_eq!(codes(&found), ["list-unknown", "rate-unknown", "prohibited"]);
    // lithium batteries need papers on the exporting side; that alone would not block
    let found = gaps(&of_code("850760"));
    assert_eq!(codes(&found), ["list-unknown", "permit-needed", "battery-unknown"]);
    assert_eq!(found.iter().map(Gap::blocks).collect::<Vec<_>>(), [true, false, false]);
    // the other way round Malaysia asks for a permit for cosmetics and admits nothing from Israel
    let cream = ReadinessFacts { origin: "IL".parse().ok(), ..of_code("330499") };
    let found = readiness(book(Country::CN), book(Country::MY), &cream, by_air(), date(2026, 11, 23), &Stance::Sandbox);
    assert_eq!(codes(&found), ["prohibited", "permit-needed"]);
}

#[test]
fn production_names_each_unverified_rule_until_it_is_accepted() {
    let accepting = |rules: &[&str]| {
        let stance = Stance::Production { accepted: rules.iter().map(|&rule| rule.to_owned()).collect() };
        gaps_by(&stance, &coffee())
    };
    let refused = |rule: &str| Gap::UnverifiedRefused { rule: rule.into() };
    let both = [refused("cn.cbec.taxable-value"), refused("cn.cbec.positive-list")];
    assert_eq!(accepting(&[]), both);
    assert_eq!(accepting(&["cn.cbec.taxable-value"]), both[1..]);
    assert_eq!(accepting(&["cn.cbec.taxable-value", "cn.cbec.positive-list"]), []);
}

#[test]
fn before_the_rules_nothing_is_ready() {
    let found =
        readiness(book(Country::MY), book(Country::CN), &coffee(), by_air(), date(2018, 6, 1), &Stance::Sandbox);
    assert_eq!(codes(&found), ["regime-unknown"]);
}

#[test]
fn each_regime_asks_for_what_its_taxes_need() {
    let gaps_in = |regime, code: &str| {
        let product = ReadinessFacts { regime, origin: Some(Country::CN), ..of_code(code) };
        readiness(book(Country::CN), book(Country::MY), &product, by_air(), date(2026, 11, 23), &Stance::Sandbox)
    };
    // A chair: as a parcel within the relief it needs no duty; on a full entry it does.
    assert_eq!(gaps_in(Regime::B2cParcel, "940161"), vec![]);
    let unknown = gaps_in(Regime::B2b, "940161");
    assert_eq!(codes(&unknown), ["rate-unknown"]);
    assert_eq!(unknown[0].rule().map(|rule| &**rule), Some("my.tariff.no-duty"));
    assert_eq!(gaps_in(Regime::B2b, "950300"), vec![]);
    // Wine is never relieved.
    assert_eq!(codes(&gaps_in(Regime::B2cParcel, "220421")), ["rate-unknown"]);
    // Lithium batteries alone need papers on their way out of China.
    assert_eq!(codes(&gaps_in(Regime::B2b, "850760")), ["permit-needed", "battery-unknown"]);
    // China's list is for consumers' parcels alone.
    let to_china = |regime| {
        let product = ReadinessFacts { regime, ..of_code("442090") };
        codes(&readiness(
            book(Country::MY),
            book(Country::CN),
            &product,
            by_air(),
            date(2026, 11, 23),
            &Stance::Sandbox,
        ))
    };
    assert_eq!(to_china(Regime::B2cParcel), ["list-unknown"]);
    assert!(to_china(Regime::B2b).is_empty());
}

fn power_bank(charge: u8) -> ReadinessFacts<'static> {
    let battery = Battery {
        chemistry: Chemistry::Ion,
        packed: Some(PackedHow::With),
        milliwatt_hours: Some(37_000),
        charge: Some(charge),
    };
    ReadinessFacts { hazards: Hazards { battery: Some(battery), liquid: None }, ..of_code("851830") }
}

#[test]
fn a_battery_is_asked_for_and_then_told_how_it_goes() {
    let air = |product: &ReadinessFacts<'_>, mode, day| {
        let carriage = Carriage { mode, ..by_air() };
        let found = readiness(book(Country::MY), book(Country::CN), product, carriage, day, &Stance::Sandbox);
        found.into_iter().filter(Gap::is_of_transport).collect::<Vec<_>>()
    };
    let (today, last_year) = (date(2026, 11, 23), date(2025, 12, 31));
    let earbuds = ReadinessFacts { description: "Bluetooth earbuds in a case", ..of_code("851830") };
    let asked = air(&earbuds, Some(Mode::Air), today);
    assert_eq!(asked, [Gap::BatteryUnknown { rule: "air.ask.battery".into() }]);
    assert!(!asked[0].blocks(), "a question can be answered until the parcel moves");
    assert_eq!(air(&earbuds, None, today), asked, "nobody says how it goes, so it is asked");
    assert_eq!(air(&earbuds, Some(Mode::Sea), today), []);
    // Since 1 January 2026 more than 30 % is forbidden with equipment; in 2025 it was advice.
    let full = air(&power_bank(50), Some(Mode::Air), today);
    assert_eq!(codes(&full), ["charge-too-high", "battery-goes-as"]);
    assert_eq!(full.iter().map(Gap::blocks).collect::<Vec<_>>(), [true, false]);
    let before = air(&power_bank(50), Some(Mode::Air), last_year);
    assert_eq!(codes(&before), ["charge-advised", "battery-goes-as"]);
    assert!(!before[0].blocks());
    assert_eq!(codes(&air(&power_bank(30), Some(Mode::Air), today)), ["battery-goes-as"]);
}

#[test]
fn spirits_and_perfume_are_asked_whether_they_burn() {
    assert_eq!(codes(&gaps(&of_code("220830"))), ["rate-unknown", "liquid-unknown"]);
    let liquid = Liquid { form: LiquidForm::Liquid, flammable: Some(true) };
    let rum = ReadinessFacts { hazards: Hazards { battery: None, liquid: Some(liquid) }, ..of_code("220830") };
    assert_eq!(codes(&gaps(&rum)), ["rate-unknown", "flammable-goods"]);
}

#[test]
fn what_customs_asks_for_with_the_entry_is_told_and_keeps_nothing_from_being_sold() {
    let lines = [AskLine {
        hs: "610910".parse().unwrap(),
        pieces: 1,
        value: Money::new(20_00, Currency::EUR),
        content: None,
        origin: None,
        net: None,
    }];
    let told = |territory, date, regime| {
        let book = test_books().book(territory).unwrap();
        let freight = Money::zero(Currency::EUR);
        let ask = LandedCostAsk::new(date, regime, &lines, freight, &Stance::Sandbox);
        told_at_entry(book, &ask).into_iter().map(|rule| (rule.field, rule.info.knowledge)).collect::<Vec<_>>()
    };
    let eu = "EU".parse().unwrap();
    let (october, november) = (jiff::civil::date(2026, 10, 31), jiff::civil::date(2026, 11, 1));
    assert_eq!(told(eu, october, Regime::B2cParcel), []);
    assert_eq!(told(eu, november, Regime::B2cParcel), [(DataField::ProductIdentifier, Knowledge::Sourced)]);
    assert_eq!(told(eu, november, Regime::B2b), []);
    let korea = told("KR".parse().unwrap(), november, Regime::B2cParcel);
    assert_eq!(korea, [(DataField::PersonalCustomsCode, Knowledge::Unverified)]);
    assert_eq!(told(Country::MY, november, Regime::B2cParcel), []);
    let gap = Gap::ToldAtEntry { field: DataField::PersonalCustomsCode, rule: RuleId::from("kr.data.personal-code") };
    assert!(!gap.blocks());
}
