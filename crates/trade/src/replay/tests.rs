use std::sync::atomic::AtomicBool;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::codes::Country;
use crate::landed_cost::AskLine;
use crate::money::{Currency, Money};
use crate::rulebook::{Amended, ChargeKind, Collected, Mode, Regime, amend, test_books};

const SANDBOX: Stance = Stance::Sandbox;

fn malaysia() -> &'static Rulebook {
    test_books().book(Country::MY).unwrap()
}

fn draft(text: &str) -> Amended {
    amend(malaysia(), text).unwrap()
}

fn toy(id: u64, minor: i64) -> PastTrade {
    let money = |minor| Money::new(minor, Currency::MYR);
    PastTrade {
        id: format!("kul.sandbox:T-{id}"),
        date: date(2026, 11, 23),
        from: Country::CN,
        to: Country::MY,
        member: None,
        regime: Regime::B2cParcel,
        mode: Mode::Air,
        seller: id % 3,
        size: SellerSize::Micro,
        lines: vec![AskLine {
            hs: "950300".parse().unwrap(),
            pieces: 1,
            value: money(minor),
            content: None,
            origin: Some(Country::CN),
            net: None,
        }],
        freight: money(2_000),
        year_used: None,
        alongside: None,
        differs: Vec::new(),
    }
}

fn tunnel<'a>(book: &'a Rulebook) -> WindTunnel<'a> {
    WindTunnel { was: Law { book: malaysia(), on: None }, is: Law { book, on: None }, stance: &SANDBOX }
}

fn counted(tunnel: &WindTunnel<'_>, trades: &[PastTrade], threads: usize) -> Counts {
    replay(tunnel, trades, threads, &AtomicBool::new(false)).unwrap()
}

#[test]
fn a_lower_tax_brings_in_less_and_makes_goods_cheaper() {
    let eight = draft("[[charge]]\nid = \"my.lvg\"\nrate = \"8\"\n").book;
    let trades = [toy(1, 48_000), toy(2, 10_000)];
    let report = counted(&tunnel(&eight), &trades, 1).report(&tunnel(&eight)).unwrap();
    let money = |minor| Money::new(minor, Currency::MYR);
    // 10 % of 580.00 = 58.00; 8 % = 46.40
    let lvg =
        Revenue { kind: ChargeKind::Lvg, at: Collected::Sale, amount: Two { was: money(5_800), is: money(4_640) } };
    assert_eq!(report.revenue, [lvg]);
    assert_eq!(report.tax, Two { was: money(5_800), is: money(4_640) });
    // goods 580.00, freight twice 20.00
    assert_eq!(report.cost, Two { was: money(67_800), is: money(66_640) });
    assert_eq!((report.trades, report.both, report.cheaper, report.dearer, report.same), (2, 2, 2, 0, 0));
    assert_eq!(report.goods[0].code, "95");
    assert_eq!(report.sellers, [Winners { size: SellerSize::Micro, sellers: 2, gain: 2, lose: 0 }]);
}

#[test]
fn a_trade_that_the_draft_refuses_is_lost() {
    let none = draft(
        "[[limit]]\nid = \"my.small\"\nname = { en = \"a\", ms = \"a\", zh = \"a\" }\nvalid-from = 2020-01-01\n\
        source = \"draft\"\nconfidence = \"operator\"\nknowledge = \"sourced\"\nregime = \"b2c-parcel\"\n\
        scope = \"order\"\nbasis = \"goods\"\ncompare = \"at-most\"\namount = \"100.00\"\nover = \"refuse\"\n\
        [[limit.example]]\ndate = 2026-11-23\nlines = [{ hs = \"950300\", pieces = 1, value = \"480.00\" }]\n\
        freight = \"20.00\"\nrefusal = \"over-single-limit\"\n",
    );
    let trades = [toy(1, 48_000)];
    let tunnel = tunnel(&none.book);
    let report = counted(&tunnel, &trades, 1).report(&tunnel).unwrap();
    assert_eq!((report.trades, report.both), (1, 0));
    assert_eq!(report.refused, [Count { code: "over-single-limit".into(), trades: Two { was: 0, is: 1 } }]);
    assert_eq!(report.sellers[0].lose, 1);
    assert_eq!(report.cost.is, Money::zero(Currency::MYR));
    let flight = tunnel.fly(&trades[0]).unwrap();
    assert!(Figure::Lost.counts(&flight) && !Figure::Won.counts(&flight));
}

#[test]
fn a_wider_tolerance_releases_at_once_what_was_held() {
    let mut heavy = toy(7, 48_000);
    // 1,000 g declared, 1,120 g on the scale: 12 %, and 10 % is allowed
    heavy.differs = vec![Difference { field: TradeField::GrossWeight, declared: 1_000, found: 1_120 }];
    let wide = draft(
        "[[tolerance]]\nid = \"my.match.gross-weight\"\nshare = \"15\"\nwithout = [\"example\"]\n\
        [[tolerance.example]]\ndeclared = 1000\nfound = 1120\nagrees = true\n",
    );
    let flight = tunnel(&wide.book);
    let flight = flight.fly(&heavy).unwrap();
    assert_eq!(flight.was.checked, Checked::Held { fields: vec![TradeField::GrossWeight] });
    assert_eq!(flight.is.checked, Checked::AtOnce);
    // what no tolerance measures is held under both
    heavy.differs = vec![Difference { field: TradeField::Payer, declared: 0, found: 1 }];
    let flight = tunnel(&wide.book);
    assert_eq!(flight.fly(&heavy).unwrap().is.checked, Checked::Held { fields: vec![TradeField::Payer] });
}

#[test]
fn chance_draws_the_same_trades_under_both_laws() {
    let trades: Vec<PastTrade> = (0..3_000).map(|n| toy(n, 10_000)).collect();
    let named = draft("[[charge]]\nid = \"my.lvg\"\nname = { en = \"x\", ms = \"x\", zh = \"x\" }\n").book;
    let tunnel = tunnel(&named);
    let drawn: Vec<bool> = trades.iter().map(|t| tunnel.fly(t).unwrap().was.checked != Checked::AtOnce).collect();
    let again: Vec<bool> = trades.iter().map(|t| tunnel.fly(t).unwrap().is.checked != Checked::AtOnce).collect();
    assert_eq!(drawn, again);
}

#[test]
fn laws_of_two_days_are_compared_in_one_pack() {
    let union: Country = "EU".parse().unwrap();
    let europe = test_books().book(union).unwrap();
    let euro = |minor| Money::new(minor, Currency::EUR);
    let mut shirts = toy(1, 0);
    (shirts.to, shirts.member, shirts.freight) = (union, Some("FR".parse().unwrap()), euro(0));
    shirts.lines[0] = AskLine { hs: "610910".parse().unwrap(), value: euro(2_000), ..shirts.lines[0].clone() };
    let law = |on| Law { book: europe, on: Some(on) };
    let tunnel = WindTunnel { was: law(date(2026, 6, 30)), is: law(date(2026, 7, 1)), stance: &SANDBOX };
    let flight = tunnel.fly(&shirts).unwrap();
    let duty = |answer: &Answer| {
        let charges = &answer.cost.as_ref().unwrap().charges;
        charges.iter().filter(|c| c.kind == ChargeKind::Duty).map(|c| c.amount.minor()).sum::<i64>()
    };
    // from 1 July 2026 a parcel up to EUR 150 pays EUR 3.00 for each subheading
    assert_eq!((duty(&flight.was), duty(&flight.is)), (0, 300));
    assert!(Figure::Dearer.counts(&flight));
}

#[test]
fn trades_to_other_territories_are_counted_apart() {
    let mut other = toy(1, 100);
    other.to = Country::CN;
    let tunnel = tunnel(malaysia());
    let counts = counted(&tunnel, &[other, toy(2, 48_000)], 2);
    assert_eq!((counts.trades, counts.elsewhere), (1, 1));
}

#[test]
fn figures_are_read_as_they_are_written() {
    let figures = [
        Figure::All,
        Figure::Charge(Part::Is, ChargeKind::AdditionalDuty, Collected::Border),
        Figure::Refused(Part::Was, "over-single-limit".into()),
        Figure::Checked(Part::Is, "at-once".into()),
        Figure::Dearer,
        Figure::Cheaper,
        Figure::Lost,
        Figure::Won,
        Figure::Size(SellerSize::Small),
        Figure::Goods(7),
        Figure::From(Country::MY),
        Figure::Seller(12),
    ];
    for figure in figures {
        assert_eq!(figure.to_string().parse(), Ok(figure.clone()));
    }
    for text in
        ["", "goods", "goods.7", "goods.777", "is.charge.vat", "was.checked.sometimes", "size.tiny", "no.dearer"]
    {
        assert_eq!(text.parse::<Figure>(), Err(NotAFigure(text.to_owned())), "{text}");
    }
}

#[test]
fn what_cannot_be_read_stops_the_replay_and_nothing_is_told() {
    struct Broken;
    impl PastTrades for Broken {
        fn chunks(&self) -> u64 {
            4
        }
        fn chunk(&self, number: u64, _: &mut Vec<PastTrade>) -> Result<(), String> {
            if number == 2 { Err("line 9 is no trade".to_owned()) } else { Ok(()) }
        }
    }
    let tunnel = tunnel(malaysia());
    let fault = replay(&tunnel, &Broken, 2, &AtomicBool::new(false)).unwrap_err();
    assert_eq!(fault, ReplayFault::Unread("line 9 is no trade".into()));
    let stopped = replay(&tunnel, &Broken, 2, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(stopped, ReplayFault::Stopped);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However many threads, whatever the order: the same numbers; and behind each number as many trades as it says.
    #[test]
    fn numbers_do_not_hang_on_threads_and_have_their_trades(
        values in proptest::collection::vec(1_000_i64..90_000, 1..300),
        threads in 1_usize..5,
        rate in 0_u8..30,
    ) {
        let trades: Vec<PastTrade> = (0..).zip(&values).map(|(n, value)| toy(n, *value)).collect();
        let book = draft(&format!("[[charge]]\nid = \"my.lvg\"\nrate = \"{rate}\"\n")).book;
        let tunnel = tunnel(&book);
        let counts = counted(&tunnel, &trades, threads);
        let mut backwards = trades.clone();
        backwards.reverse();
        prop_assert_eq!(&counts, &counted(&tunnel, &backwards, 1));
        let report = counts.report(&tunnel).unwrap();
        let sum: i64 = report.revenue.iter().map(|r| r.amount.is.minor()).sum();
        prop_assert_eq!(sum, report.tax.is.minor());
        let behind = |figure: Figure| {
            let (mut n, stop) = (0, AtomicBool::new(false));
            let behind = Behind { figure, skip: 0, most: usize::MAX };
            behind.each(&tunnel, &trades[..], &stop, |_| n += 1).unwrap();
            n
        };
        prop_assert_eq!(behind(Figure::Dearer), report.dearer);
        prop_assert_eq!(behind(Figure::Cheaper), report.cheaper);
        prop_assert_eq!(behind(Figure::All), report.trades);
        for count in &report.checked {
            prop_assert_eq!(behind(Figure::Checked(Part::Is, count.code.clone())), count.trades.is);
        }
    }
}
