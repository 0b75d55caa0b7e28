use super::*;
use crate::rulebook::test_books;

#[test]
fn the_rules_of_the_air_load_with_their_examples() {
    let air = test_books().transports.iter().find(|transport| transport.id == "air").expect("it is in the packs");
    assert!(air.rules().count() >= 11, "{air:?}");
    assert!(air.rules().any(|rule| rule.valid_to.is_some()), "what changed with 2026 keeps its past");
}

#[test]
fn a_wrong_rule_is_refused_at_its_place() {
    const TEXT: &str = include_str!("../../../../rulebooks/transport/air.toml");
    for (from, to, says) in [
        ("charge-at-most = \"30\"", "charge-at-most = \"3o\"", "air.un3480: charge-at-most: NotARate"),
        (
            "charge-at-most = \"30\"",
            "charge-at-most = \"40\"",
            "air.un3480: example 2.example: ExampleFails { number: 2",
        ),
        ("charge-force = \"mandatory\"", "charge-force = \"maybe\"", "charge-force: NotOneOf"),
        ("charge-above-watt-hours = \"2.7\"", "charge-above-watt-hours = \"-1\"", "NotAnAmount"),
        ("packed = \"alone\"", "packed = \"loose\"", "air.un3480: packed: NotOneOf"),
        ("hs-in = [\"8506\"", "hs-in = [\"8\"", "air.ask.battery: hs-in: NotACode"),
        ("id = \"air.un3480\"", "id = \"un3480\"", "un3480: id: NotACode"),
        ("[[liquid]]", "[[gas]]", ": gas: UnknownField"),
        ("mode = [\"air\", \"post\"]", "mode = []", "transport: mode: Missing"),
        ("[transport]", "[transport", "NotToml"),
    ] {
        assert!(TEXT.contains(from), "{from}");
        let wrong = Transport::load("air.toml", &TEXT.replacen(from, to, 1)).expect_err(to);
        let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|fault| fault.contains(says)), "{from} -> {to}: {told:?}");
    }
}

#[test]
fn what_is_said_of_a_battery_has_to_be_possible() {
    let battery = |chemistry, charge, milliwatt_hours| Hazards {
        battery: Some(Battery { chemistry, packed: None, milliwatt_hours, charge }),
        liquid: None,
    };
    assert_eq!(Hazards::default().check(), Ok(()));
    assert_eq!(battery(Chemistry::Ion, Some(100), Some(1)).check(), Ok(()));
    assert_eq!(battery(Chemistry::Ion, Some(101), None).check(), Err(HazardFault::ChargeOutOfRange { got: 101 }));
    assert_eq!(battery(Chemistry::Ion, None, Some(0)).check(), Err(HazardFault::WattHoursOutOfRange { got: 0 }));
    assert_eq!(battery(Chemistry::None, Some(1), None).check(), Err(HazardFault::NoSuchBattery {}));
}
