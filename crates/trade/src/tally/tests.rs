use super::*;

fn at(seconds: i64) -> BusinessTime {
    BusinessTime::from_micros(0).plus_seconds(seconds)
}

#[test]
fn a_length_of_time_is_off_by_a_sixteenth_at_most() {
    for seconds in [0, 1, 7, 8, 15, 16, 17, 59, 60, 61, 3_599, 86_400, 86_401, 14 * 86_400, 1 << 40] {
        let found = Span::of(seconds).seconds();
        assert!((found - seconds).abs() * 16 <= seconds.max(16), "{seconds} s became {found} s");
    }
    // Up to 15 s to the second: 8..15 is the first octave that is cut in eighths, of one second each.
    assert_eq!([7, 8, 15].map(|s| Span::of(s).seconds()), [7, 8, 15]);
    // 100 lies in 96..103, whose middle is 100; 5,400 (1 h 30 min) in 5,120..5,631, whose middle is 5,376.
    assert_eq!([100, 5_400].map(|s| Span::of(s).seconds()), [100, 5_376]);
    assert_eq!((Span::of(-5), Span::of(i64::MIN)), (Span::of(0), Span::of(0)));
    assert_eq!(Span::from_class(u16::MAX).seconds(), i64::MAX);
}

#[test]
fn classes_grow_with_what_they_hold() {
    let mut last = Span::of(0);
    for seconds in 1..100_000 {
        let span = Span::of(seconds);
        assert!(span >= last && span.class() - last.class() <= 1, "{seconds}");
        last = span;
    }
    assert!(Span::of(i64::MAX) > last);
}

#[test]
fn a_middle_is_read_from_counts() {
    let mut spread = Spread::default();
    assert_eq!((spread.count(), spread.within(50)), (0, None));
    // Ten of them: nine took 2 s, one took 100 s. Half were done in 2 s, and nine of ten; all in 100 s.
    spread.add(Span::of(2), 9);
    spread.add(Span::of(100), 1);
    assert_eq!(spread.count(), 10);
    assert_eq!([50, 90, 91, 100].map(|p| spread.within(p)), [Some(2), Some(2), Some(100), Some(100)]);
    // What was counted and taken back is not there.
    spread.add(Span::of(100), -1);
    assert_eq!(spread.within(100), Some(2));
}

#[test]
fn a_seller_reaches_each_step_once_and_a_later_one_includes_those_before() {
    let mut path = SellerPath::default();
    assert_eq!(path.reach(SellerStep::Signed, at(0)), [(SellerStep::Signed, Span::of(0))]);
    assert_eq!(path.reach(SellerStep::Product, at(60)), [(SellerStep::Product, Span::of(60))]);
    assert_eq!(path.reach(SellerStep::Product, at(70)), []);
    // Ordered without having asked for a quote: readiness and quote come with the order, 40 s later.
    let ordered = path.reach(SellerStep::Order, at(100));
    let expected = [(SellerStep::Ready, 40), (SellerStep::Quoted, 0), (SellerStep::Order, 0)];
    assert_eq!(ordered, expected.map(|(step, seconds)| (step, Span::of(seconds))));
    path.reach(SellerStep::Exported, at(200));
    assert_eq!(path.reach(SellerStep::Paid, at(300)), [(SellerStep::Paid, Span::of(100))]);
    assert!(!path.is_whole());
    assert_eq!(path.reach(SellerStep::Paid, at(900)), [(SellerStep::Repeat, Span::of(600))]);
    assert!(path.is_whole());
    assert_eq!(path.reach(SellerStep::Paid, at(950)), []);
}

#[test]
fn names_of_steps_are_read_back() {
    for step in Step::ALL {
        assert_eq!(Step::from_code(step.code()), Some(step));
    }
    assert_eq!(Step::from_code("sent"), None);
    let lane = LaneKey { from: Country::MY, to: Country::CN, regime: Regime::B2cParcel };
    assert_eq!(lane.to_string(), "MY-CN/b2c-parcel");
}
