use std::collections::BTreeSet;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::codes::Country;
use crate::mandate::{Act, Mandate, MandateFault, MandateState};
use crate::rulebook::test_books;

const AT: BusinessTime = BusinessTime::from_micros(1_795_395_600_000_000);

fn id<T: Noun>(seed: &str) -> Id<T> {
    Id::derived(AT, seed)
}

fn hs(text: &str) -> HsCode {
    text.parse().expect("a code")
}

fn hub(text: &str) -> HubId {
    text.parse().expect("a hub")
}

fn granted(pieces: i64) -> Permit {
    let grant =
        Grant { no: "HC-1".parse().expect("a number"), pieces, from: date(2026, 11, 23), until: date(2027, 5, 22) };
    Permit {
        id: id("permit"),
        holder: id("seller"),
        asked_by: id("seller"),
        kind: PermitKind::HealthCertificate,
        rule: "my.export.health-certificate".into(),
        direction: Direction::Export,
        hs: hs("040900"),
        peer: hub("hgh.sandbox"),
        pieces,
        asked_at: AT,
        note: String::new(),
        questions: Vec::new(),
        state: PermitState::Granted { grant, by: id("agency"), at: AT },
        drawn: 0,
    }
}

fn need(code: &str, pieces: i64) -> PermitNeed {
    PermitNeed {
        rule: "my.export.health-certificate".into(),
        kind: PermitKind::HealthCertificate,
        direction: Direction::Export,
        hs: hs(code),
        pieces,
    }
}

fn used(code: &str, pieces: i64) -> PermitUse {
    PermitUse {
        permit: id("permit"),
        kind: PermitKind::HealthCertificate,
        no: "HC-1".parse().expect("a number"),
        hs: hs(code),
        pieces,
        until: date(2027, 5, 22),
        signature: String::new(),
    }
}

#[test]
fn malaysia_asks_for_a_health_certificate_for_honey_at_export_and_for_nothing_else_of_this_list() {
    let book = test_books().book(Country::MY).expect("there is a pack");
    let of = |direction, goods: &[(&str, i64)]| {
        let goods: Vec<(HsCode, i64)> = goods.iter().map(|(code, pieces)| (hs(code), *pieces)).collect();
        let goods = goods.iter().map(|(hs, pieces)| (hs, Some(Country::MY), *pieces));
        needs(book, direction, Regime::B2cParcel, date(2026, 11, 23), goods)
    };
    // Two lines of one code are counted together: 3 + 4 = 7.
    let found = of(Direction::Export, &[("040900", 3), ("210112", 9), ("040900", 4)]);
    assert_eq!(found, [need("040900", 7)]);
    assert_eq!(of(Direction::Export, &[("210112", 9), ("330499", 1)]), []);
    // At import the same food needs no certificate of ours; supplements need the importer's permit.
    assert_eq!(of(Direction::Import, &[("040900", 3)]), []);
    let found = of(Direction::Import, &[("210690", 2)]);
    assert_eq!((found[0].kind, found[0].pieces), (PermitKind::ImportPermit, 2));
    // Lithium cells are restricted too, but the pack does not say by which paper they pass.
    assert_eq!(of(Direction::Export, &[("850760", 1)]), []);
    // Before the rule there was none.
    let code = hs("040900");
    let early = needs(book, Direction::Export, Regime::B2cParcel, date(2025, 1, 1), [(&code, None, 1)].into_iter());
    assert_eq!(early, []);
}

#[test]
fn a_permit_is_drawn_to_its_last_piece_and_not_beyond() {
    let mut permit = granted(10);
    assert_eq!((permit.draw(7), permit.left(), permit.drawn), (7, 3, 7));
    // Five are wanted and three are left.
    assert_eq!((permit.draw(5), permit.left()), (3, 0));
    assert_eq!((permit.draw(1), permit.draw(0), permit.draw(-4)), (0, 0, 0));
    assert_eq!(permit.code(date(2026, 12, 1)), "used-up");
    permit.put_back(4);
    assert_eq!((permit.left(), permit.drawn, permit.code(date(2026, 12, 1))), (4, 6, "granted"));
    // More than was drawn does not come back.
    permit.put_back(100);
    assert_eq!((permit.left(), permit.drawn), (10, 0));
}

#[test]
fn a_permit_is_used_on_its_days_while_it_is_granted() {
    let permit = granted(10);
    let no = || "HC-1".parse().expect("a number");
    let (first, last) = (date(2026, 11, 23), date(2027, 5, 22));
    assert_eq!(permit.usable(date(2026, 11, 22)), Err(PermitFault::PermitNotYet { no: no(), from_day: first }));
    assert!(permit.usable(first).is_ok() && permit.usable(last).is_ok());
    assert_eq!(permit.usable(date(2027, 5, 23)), Err(PermitFault::PermitExpired { no: no(), until_day: last }));
    assert_eq!(permit.code(date(2027, 5, 23)), "expired");
    let asked = Permit { state: PermitState::Asked { since: AT, deadline: AT }, ..granted(10) };
    let refused = PermitFault::PermitNotGranted { permit: asked.id, permit_state: "asked".to_owned() };
    assert_eq!((asked.usable(first), asked.left()), (Err(refused), 0));
    let PermitState::Granted { grant, by, at } = granted(10).state else { unreachable!("it is granted") };
    let state = PermitState::Revoked { grant, by, at, reason: "recalled".to_owned() };
    let mut revoked = Permit { state, ..granted(10) };
    assert!(revoked.usable(first).is_err());
    assert_eq!((revoked.draw(1), revoked.left()), (0, 0));
}

#[test]
fn a_permit_is_for_its_goods_its_lane_and_its_way() {
    let permit = granted(10);
    let hgh = hub("hgh.sandbox");
    for (need, peer, expected) in [
        (need("040900", 1), &hgh, true),
        // A longer code lies under it.
        (need("0409001000", 1), &hgh, true),
        (need("041090", 1), &hgh, false),
        (need("040900", 1), &hub("sin.sandbox"), false),
        (PermitNeed { direction: Direction::Import, ..need("040900", 1) }, &hgh, false),
        (PermitNeed { kind: PermitKind::ImportPermit, ..need("040900", 1) }, &hgh, false),
    ] {
        assert_eq!(permit.is_for(&need, Some(peer)), expected, "{need:?} {peer}");
    }
}

#[test]
fn what_is_missing_is_told_by_code_and_piece() {
    let needs = || vec![need("040900", 7), need("041090", 2)];
    assert_eq!(short(needs(), &[]), needs());
    // 4 + 2 of 7 leaves 1; the other code is not covered by them.
    assert_eq!(short(needs(), &[used("040900", 4), used("040900", 2)]), [need("040900", 1), need("041090", 2)]);
    assert_eq!(short(needs(), &[used("040900", 7), used("041090", 2)]), []);
    let other = PermitUse { kind: PermitKind::ImportPermit, ..used("041090", 2) };
    assert_eq!(short(vec![need("041090", 2)], &[other]), [need("041090", 2)]);
}

#[test]
fn a_mandate_allows_its_broker_its_acts_on_its_lane_until_its_day() {
    let (broker, giver, hgh) = (id::<Party>("broker"), id::<Party>("seller"), hub("hgh.sandbox"));
    let mandate = Mandate {
        id: id("mandate"),
        giver,
        broker,
        acts: BTreeSet::from([Act::Lodge]),
        peer: Some(hgh.clone()),
        given_at: AT,
        until: AT.plus_days(Days(30)),
        state: MandateState::Accepted { at: AT },
    };
    let name = mandate.id;
    let on = |mandate: &Mandate, act, peer: &HubId, now| mandate.allows(broker, giver, act, Some(peer), now);
    assert_eq!(on(&mandate, Act::Lodge, &hgh, AT.plus_days(Days(30))), Ok(()));
    assert_eq!(
        on(&mandate, Act::Lodge, &hgh, AT.plus_days(Days(31))),
        Err(MandateFault::MandateExpired { mandate: name, until: mandate.until })
    );
    assert_eq!(
        on(&mandate, Act::Permits, &hgh, AT),
        Err(MandateFault::OutsideMandate { mandate: name, act: Act::Permits })
    );
    let sin = hub("sin.sandbox");
    assert_eq!(on(&mandate, Act::Lodge, &sin, AT), Err(MandateFault::OtherLane { mandate: name, peer: sin.clone() }));
    // Without a lane of its own it is for all of them.
    assert_eq!(on(&Mandate { peer: None, ..mandate.clone() }, Act::Lodge, &sin, AT), Ok(()));
    let other = id::<Party>("another broker");
    assert_eq!(
        mandate.allows(other, giver, Act::Lodge, Some(&hgh), AT),
        Err(MandateFault::NoMandate { giver, broker: other })
    );
    for (state, expected) in [
        (MandateState::Offered, MandateFault::MandateNotAccepted { mandate: name }),
        (MandateState::Declined { at: AT }, MandateFault::MandateEnded { mandate: name, ended_at: AT }),
        (MandateState::Ended { at: AT, by: giver }, MandateFault::MandateEnded { mandate: name, ended_at: AT }),
    ] {
        assert_eq!(on(&Mandate { state, ..mandate.clone() }, Act::Lodge, &hgh, AT), Err(expected));
    }
}

proptest! {
    #[test]
    fn no_order_of_drawing_and_giving_back_draws_more_than_was_granted(
        pieces in 1_i64..1_000, steps in prop::collection::vec((any::<bool>(), -10_i64..2_000), 0..60),
    ) {
        let mut permit = granted(pieces);
        let mut out: Vec<i64> = Vec::new();
        for (draws, wanted) in steps {
            if draws {
                out.push(permit.draw(wanted));
            } else if let Some(taken) = out.pop() {
                permit.put_back(taken);
            }
            // What is drawn is what declarations hold, and what is left is the rest.
            prop_assert_eq!(permit.drawn, out.iter().sum::<i64>());
            prop_assert!(permit.drawn <= pieces && permit.left() == pieces - permit.drawn);
        }
    }
}
