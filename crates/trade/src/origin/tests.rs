use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::money::Currency;
use crate::rulebook::test_books;

fn agreement(id: &str) -> &'static Agreement {
    test_books().agreements.iter().find(|agreement| agreement.id.as_str() == id).expect("it is in the packs")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A material of so much, of this HS code, from here; proved under both agreements where a `+` follows.
fn material(value: Money, hs: &str, origin: &str) -> Material {
    let proved = origin.ends_with('+');
    Material {
        description: "part".to_owned(),
        quantity: None,
        hs: hs.parse().ok(),
        value,
        origin: origin.trim_end_matches('+').parse().ok(),
        weight: None,
        proved: if proved { vec!["acfta".parse().unwrap(), "rcep".parse().unwrap()] } else { Vec::new() },
    }
}

fn bill(fob: Money, materials: Vec<Material>) -> Bill {
    Bill { fob, wholly_obtained: false, materials, costs: Costs::default() }
}

fn of(id: &str, hs: &str, bill: &Bill) -> Origin {
    let hs: HsCode = hs.parse().unwrap();
    let facts = OriginFacts { hs: Some(&hs), made_in: Some(Country::MY), weight: None, bill };
    qualifies(agreement(id), &facts).unwrap()
}

#[test]
fn the_working_can_be_redone_by_hand() {
    // A towel at 40.00: cotton from India 12.00, dye from a place unknown 3.00, thread from China, proved, 5.00;
    // labour 6.00, overhead 4.00, profit 7.00.
    let costs = Costs { labour: Some(usd(600)), overhead: Some(usd(400)), profit: Some(usd(700)), other: None };
    let materials = vec![
        material(usd(1_200), "520100", "IN"),
        material(usd(300), "320416", ""),
        material(usd(500), "520411", "CN+"),
    ];
    let towel = Bill { costs, ..bill(usd(4_000), materials) };
    let origin = of("acfta", "630260", &towel);
    // (40.00 − 15.00) / 40.00 = 62.5 %; (5.00 + 17.00) / 40.00 = 55 %; 40 − 15 − 22 = 3.00 is unexplained.
    let value = origin.value;
    assert_eq!((value.non_originating, value.originating, value.costs), (usd(1_500), usd(500), usd(1_700)));
    assert_eq!((value.build_down.percent_text(), value.build_up.percent_text()), ("62.5".into(), "55".into()));
    assert_eq!(value.unexplained, usd(300));
    assert_eq!(origin.criterion.as_deref(), Some("RVC"));
    assert_eq!(origin.knowledge, Knowledge::Sourced);
    assert_eq!(origin.missing, [Missing::MaterialOriginMissing { material: 2 }]);
    // Under RCEP every material from outside has another heading than 6302.
    let rcep = of("rcep", "630260", &towel);
    assert_eq!((rcep.criterion.as_deref(), rcep.knowledge), (Some("CTC"), Knowledge::Unverified));
}

#[test]
fn goods_that_do_not_originate_are_told_the_one_change_that_would_make_them() {
    let check = |id: &str, materials: Vec<Material>, change: Option<Change>| {
        let origin = of(id, "210112", &bill(usd(10_000), materials));
        assert_eq!((origin.criterion.clone(), &origin.change), (None, &change), "{id}: {:?}", origin.tried);
    };
    let outside = |minor| material(usd(minor), "210111", "BR");
    // 64.20 from outside, and 60.00 is the most: the third costs 4.20 too much.
    let three = vec![outside(1_000), outside(1_420), outside(4_000)];
    check("acfta", three.clone(), Some(Change::CheaperMaterial { material: 3, by: usd(420) }));
    check("rcep", three, Some(Change::CheaperMaterial { material: 3, by: usd(420) }));
    // A member's material without its proof is the cheapest way.
    let unproved = vec![outside(5_000), material(usd(1_500), "210111", "CN")];
    check("acfta", unproved, Some(Change::ProveMaterial { material: 2, country: Country::CN }));
    // One material of the product's own heading keeps the heading from changing.
    let one = vec![material(usd(7_000), "210111", "BR"), material(usd(1_000), "170199", "BR")];
    check("rcep", one.clone(), Some(Change::OtherHeading { material: 1 }));
    check("acfta", one, Some(Change::CheaperMaterial { material: 1, by: usd(2_000) }));
    // 40 of 2.50 make 100.00, and none of them costs the 40.00 that are too much.
    check("acfta", vec![outside(250); 40], Some(Change::CheaperMaterials { by: usd(4_000) }));
    // Nothing is known at all.
    check("acfta", Vec::new(), None);
}

#[test]
fn what_is_made_outside_the_area_never_originates() {
    let bill = bill(usd(100), vec![material(usd(1), "520100", "MY+")]);
    let hs: HsCode = "630260".parse().unwrap();
    for (made_in, missing) in
        [(None, Missing::MadeInMissing), ("US".parse().ok(), Missing::MadeOutside { country: "US".parse().unwrap() })]
    {
        let facts = OriginFacts { hs: Some(&hs), made_in, weight: None, bill: &bill };
        for id in ["acfta", "rcep"] {
            let origin = qualifies(agreement(id), &facts).unwrap();
            assert!(!origin.qualifies() && origin.missing.contains(&missing), "{id}: {origin:?}");
        }
    }
}

#[test]
fn what_leans_on_a_member_by_general_knowledge_is_unverified() {
    // The same towel with thread from Vietnam, which no source that was read names.
    let from = |origin: &str| of("acfta", "630260", &bill(usd(100), vec![material(usd(70), "520411", origin)]));
    assert_eq!((from("CN+").criterion.as_deref(), from("CN+").knowledge), (Some("RVC"), Knowledge::Sourced));
    assert_eq!((from("VN+").criterion.as_deref(), from("VN+").knowledge), (Some("RVC"), Knowledge::Unverified));
    assert!(!from("VN").qualifies() && !from("IN+").qualifies(), "a proof helps in a member alone");
}

#[test]
fn without_the_products_code_the_heading_is_not_judged() {
    let bill = bill(usd(100), vec![material(usd(70), "520100", "IN")]);
    let facts = OriginFacts { hs: None, made_in: Some(Country::MY), weight: None, bill: &bill };
    let origin = qualifies(agreement("rcep"), &facts).unwrap();
    assert!(!origin.qualifies() && origin.missing.contains(&Missing::ProductHsMissing));
    assert!(origin.tried.iter().any(|one| one.working == Working::NoCode));
}

#[test]
fn a_wrong_agreement_is_refused_at_its_place() {
    const TEXT: &str = include_str!("../../../../rulebooks/agreements/rcep.toml");
    let cases = [
        ("threshold = \"40\"", "threshold = \"4o\"", "rcep.regional-value: threshold: NotARate"),
        (
            "threshold = \"40\"",
            "threshold = \"41\"",
            "rcep.regional-value: example 1.example: ExampleFails { number: 1",
        ),
        (
            "tolerance = \"10\"",
            "tolerance = \"9\"",
            "rcep.change-of-heading: example 2.example: ExampleFails { number: 2",
        ),
        ("methods = [\"build-down\", \"build-up\"]", "methods = []", "rcep.regional-value: methods: Missing"),
        ("id = \"rcep.exclusively\"", "id = \"pe\"", "pe: id: NotACode"),
        ("form = \"rcep\"", "form = \"a4\"", "agreement: form: NotOneOf"),
        ("members.known = [\"CN\", \"MY\"]", "members.known = [\"CN\", \"CN\"]", "members.known: Duplicate"),
        ("weight-chapters = [\"50\"", "weight-chapters = [\"5\"", "weight-chapters: NotACode"),
        ("[[proof]]", "[[prove]]", ": prove: UnknownField"),
        ("knowledge = \"unverified\"", "knowledge = \"sourced\"", "knowledge: KnowledgeDisagrees"),
        ("[agreement]", "[agreement", "NotToml"),
    ];
    for (from, to, says) in cases {
        assert!(TEXT.contains(from), "{from}");
        let wrong = Agreement::load("rcep.toml", &TEXT.replacen(from, to, 1)).expect_err(to);
        let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|fault| fault.contains(says)), "{from} -> {to}: {told:?}");
    }
}

#[test]
fn no_number_of_an_agreement_stands_in_the_program() {
    for agreement in &test_books().agreements {
        assert!(agreement.holds_on(date(2026, 11, 28)) && !agreement.holds_on(date(2019, 7, 31)));
        assert!(agreement.is_known_member(Country::MY) && agreement.is_known_member(Country::CN));
        assert!(agreement.is_member(Country::SG) && !agreement.is_known_member(Country::SG));
    }
    assert_eq!(agreement("rcep").members().count(), 15);
    assert_eq!(agreement("acfta").members().count(), 11);
}

fn any_currency() -> impl Strategy<Value = Currency> {
    // Of no, two and three digits after the point.
    prop_oneof![Just(Currency::JPY), Just(Currency::MYR), Just(Currency::KWD)]
}

fn any_bill() -> impl Strategy<Value = Bill> {
    let material = (0_i64..100_000, any::<bool>(), prop_oneof![Just("MY"), Just("CN"), Just("IN"), Just("")]);
    (any_currency(), 1_i64..1_000_000, proptest::collection::vec(material, 1..8), 0_i64..50_000).prop_map(
        |(currency, more, materials, labour)| {
            let money = |minor| Money::new(minor, currency);
            let whole: i64 = materials.iter().map(|(minor, ..)| minor).sum::<i64>() + labour;
            let of = |(minor, proved, origin): (i64, bool, &str)| {
                super::tests::material(money(minor), "520100", &format!("{origin}{}", if proved { "+" } else { "" }))
            };
            let costs = Costs { labour: Some(money(labour)), ..Costs::default() };
            let materials = materials.into_iter().map(of).collect();
            Bill { costs, ..bill(money(whole + more), materials) }
        },
    )
}

proptest! {
    #[test]
    fn what_is_from_outside_inside_cost_and_unexplained_is_the_price(bill in any_bill()) {
        let value = of("acfta", "630260", &bill).value;
        let parts = [value.non_originating, value.originating, value.costs, value.unexplained];
        prop_assert_eq!(sum(bill.fob.currency(), parts).unwrap(), bill.fob);
        // So the two ways of counting differ by what is unexplained, and agree where nothing is.
        prop_assert!(value.build_up <= value.build_down);
        if value.unexplained.is_zero() {
            prop_assert_eq!(value.build_up, value.build_down);
        }
    }

    #[test]
    fn a_dearer_material_from_outside_never_helps(bill in any_bill(), more in 1_i64..100_000) {
        let Some(at) = bill.materials.iter().position(|material| material.proved.is_empty()) else { return Ok(()) };
        let mut dearer = bill.clone();
        let money = Money::new(more, bill.fob.currency());
        dearer.materials[at].value = dearer.materials[at].value.plus(money).unwrap();
        for id in ["acfta", "rcep"] {
            // Of the product's own heading, so that value alone decides.
            let (before, after) = (of(id, "520100", &bill), of(id, "520100", &dearer));
            prop_assert!(after.value.build_down <= before.value.build_down);
            prop_assert!(before.qualifies() || !after.qualifies(), "{}: {:?} -> {:?}", id, before, after);
        }
    }

    #[test]
    fn the_change_that_is_told_is_enough(bill in any_bill()) {
        let origin = of("acfta", "520100", &bill);
        let mut changed = bill.clone();
        match origin.change {
            Some(Change::CheaperMaterial { material, by }) => {
                let value = &mut changed.materials[material - 1].value;
                *value = value.minus(by).unwrap();
                prop_assert!(value.minor() >= 0);
            }
            Some(Change::ProveMaterial { material, .. }) => {
                changed.materials[material - 1].proved = vec!["acfta".parse().unwrap()];
            }
            Some(Change::CheaperMaterials { by }) => prop_assert!(by.is_positive()),
            Some(Change::OtherHeading { .. }) => prop_assert!(false, "ACFTA has no rule of headings in general"),
            None => prop_assert!(origin.qualifies()),
        }
        if matches!(origin.change, Some(Change::CheaperMaterial { .. } | Change::ProveMaterial { .. })) {
            prop_assert!(of("acfta", "520100", &changed).qualifies());
        }
    }
}
