//! The advance in numbers, and all that is refused.

use super::*;
use crate::money::Currency;

fn myr(minor: i64) -> Money {
    Money::new(minor, Currency::MYR)
}

fn offer(amount: i64, fee_rate: Rate, tenor: i64) -> AdvanceOffer {
    let at = BusinessTime::from_micros(0);
    let fee = myr(amount).at(fee_rate).expect("small");
    AdvanceOffer {
        id: Id::derived(at, "offer"),
        lender: Id::derived(at, "lender"),
        amount: myr(amount),
        fee_rate,
        fee,
        tenor: Days(tenor),
        offered_at: at,
    }
}

#[test]
fn the_yearly_rate_is_the_fee_over_the_amount_times_365_over_the_tenor() {
    // 2 % for 30 days: 2 × 365 / 30 = 24.3333… -> 24.33 %.
    assert_eq!(offer(100_000, Rate::percent(2), 30).yearly().percent_text(), "24.33");
    // 1 % for 10 days: 36.5 %.
    assert_eq!(offer(100_000, Rate::percent(1), 10).yearly().percent_text(), "36.5");
    // Without a fee, nothing; for a year, the rate itself.
    assert_eq!(offer(100_000, Rate::ZERO, 30).yearly(), Rate::ZERO);
    assert_eq!(offer(100_000, Rate::percent(7), 365).yearly(), Rate::percent(7));
    // By the fee as it is paid: 1.5 % of 33.33 is 0.49995 -> 0.50, over 33.33 × 365 / 90 = 6.0839… -> 6.08 %.
    let small = offer(3_333, Rate::parse_percent("1.5").expect("a rate"), 90);
    assert_eq!((small.fee, small.yearly().percent_text()), (myr(50), "6.08".to_owned()));
}

#[test]
fn an_offer_costs_its_fee_and_nothing_else() {
    // 2.5 % of 39.24 = 0.981 -> 0.98; back goes 40.22.
    let offer = offer(3_924, Rate::parse_percent("2.5").expect("a rate"), 30);
    assert_eq!((offer.fee, offer.repayment()), (myr(98), Ok(myr(4_022))));
}

#[test]
fn an_advance_is_open_from_when_it_is_taken_until_it_is_repaid_or_owed() {
    let id = offer(1, Rate::ZERO, 1).id;
    let at = BusinessTime::from_micros(0);
    let open = |state: AdvanceState| (state.is_open(), state.offer().is_some());
    assert_eq!(open(AdvanceState::Asked), (false, false));
    assert_eq!(open(AdvanceState::Withdrawn { at }), (false, false));
    assert_eq!(open(AdvanceState::Accepted { offer: id, at }), (true, true));
    assert_eq!(open(AdvanceState::PaidOut { offer: id, at, due_at: at }), (true, true));
    assert_eq!(open(AdvanceState::Repaid { offer: id, at }), (false, true));
    assert_eq!(open(AdvanceState::Owed { offer: id, at, owed: myr(1) }), (false, true));
}

#[test]
fn money_that_is_held_for_a_payment_out_is_not_lent_again() {
    // 1,000 came in, 300 was lent, 200 is pending: 500 are left.
    let balance = Balance { credit: 1_000, debit: 300, pending_debit: 200, pending_credit: 0 };
    assert_eq!(available(balance), 500);
}

#[test]
fn a_lender_is_known_by_a_reference_that_a_bank_can_carry() {
    let reference = lender_reference(Id::derived(BusinessTime::from_micros(0), "lender"));
    assert!(reference.as_str().starts_with("LND-") && reference.as_str().len() == 16, "{reference}");
    // One word of a camt.054 remittance text, with a digit or not: letters and digits of a hexadecimal number.
    assert!(reference.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
}
