//! What differs between two answers to one question, charge by charge: totals alone hide changes that cancel out.

use serde::Serialize;

use super::{Charge, LandedCost};

/// A charge that two answers give otherwise. Where only one of them knows it, the other side is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Changed<'a> {
    pub was: Option<&'a Charge>,
    pub is: Option<&'a Charge>,
}

/// Every charge of something whose rule, rate or amount is another, in the order of the older answer, then those that it does not
/// know. A charge is found again by its rule on the same line; else by what it is of, on the same line.
#[must_use]
pub fn changed<'a>(was: &'a LandedCost, is: &'a LandedCost) -> Vec<Changed<'a>> {
    let mut left: Vec<Option<&Charge>> = is.charges.iter().map(Some).collect();
    let mut take =
        |fits: &dyn Fn(&Charge) -> bool| left.iter_mut().find(|c| c.is_some_and(fits)).and_then(Option::take);
    let by_rule = |old: &Charge, new: &Charge| of_the_same(old, new) && old.rule == new.rule;
    let found: Vec<_> = was.charges.iter().map(|old| (old, take(&|new| by_rule(old, new)))).collect();
    let found: Vec<_> =
        found.into_iter().map(|(old, new)| (old, new.or_else(|| take(&|new| of_the_same(old, new))))).collect();
    let both = found.into_iter().map(|(old, new)| Changed { was: Some(old), is: new });
    let news = left.into_iter().flatten().map(|new| Changed { was: None, is: Some(new) });
    both.chain(news).filter(Changed::is_told).collect()
}

fn of_the_same(a: &Charge, b: &Charge) -> bool {
    (a.line, a.kind, a.at) == (b.line, b.kind, b.at)
}

impl Changed<'_> {
    fn is_told(&self) -> bool {
        match (self.was, self.is) {
            // The formula holds the rates that are none of per cent. Nothing by another rule is still nothing.
            (Some(was), Some(is)) if !(was.amount.is_zero() && is.amount.is_zero()) => {
                (&was.rule, was.rate, was.amount, &was.formula) != (&is.rule, is.rate, is.amount, &is.formula)
            }
            // What is charged with nothing is not missed.
            (was, is) => was.xor(is).is_some_and(|charge| !charge.amount.is_zero()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landed_cost::FormulaKind;
    use crate::money::{Currency, Money, Rate};
    use crate::rulebook::{ChargeKind, Collected, Knowledge, Treatment};

    const fn cny(minor: i64) -> Money {
        Money::new(minor, Currency::CNY)
    }

    /// Of goods of 100.00: a charge at a rate in per cent.
    fn charge(line: u32, kind: ChargeKind, rule: &str, percent: i64) -> Charge {
        Charge {
            line: Some(line),
            kind,
            base: cny(10_000),
            rate: Rate::nano(percent * 10_000_000),
            formula: FormulaKind::AdValorem,
            amount: cny(percent * 100),
            rule: rule.into(),
            source: "a law made for this test".into(),
            knowledge: Knowledge::Sourced,
            at: Collected::Border,
            owed_by: None,
            filed_by: None,
        }
    }

    fn answer(charges: Vec<Charge>) -> LandedCost {
        let tax = cny(charges.iter().map(|charge| charge.amount.minor()).sum());
        LandedCost {
            goods: cny(10_000),
            freight: cny(0),
            taxable: cny(10_000),
            charges,
            tax,
            total: tax.plus(cny(10_000)).expect("small"),
            treatment: Treatment::Full,
            rests_on: Vec::new(),
            pack: "00".into(),
            knowledge: Knowledge::Sourced,
            registration: None,
            exchange: Vec::new(),
            preference: None,
        }
    }

    /// What is told, as `rule amount -> rule amount`.
    fn told(was: Vec<Charge>, is: Vec<Charge>) -> Vec<String> {
        let side = |charge: Option<&Charge>| {
            charge.map_or_else(|| "none".to_owned(), |c| format!("{} {}", c.rule, c.amount.minor()))
        };
        let (was, is) = (answer(was), answer(is));
        changed(&was, &is).iter().map(|c| format!("{} -> {}", side(c.was), side(c.is))).collect()
    }

    #[test]
    fn two_changes_that_cancel_out_are_both_told() {
        use ChargeKind::{Duty, Vat};
        // Duty 6 -> 5 and VAT 13 -> 14 of 100.00: 119.00 then and now.
        let was = vec![charge(0, Duty, "duty", 6), charge(0, Vat, "vat", 13)];
        let is = vec![charge(0, Duty, "duty", 5), charge(0, Vat, "vat", 14)];
        assert_eq!((answer(was.clone()).total, answer(is.clone()).total), (cny(11_900), cny(11_900)));
        assert_eq!(told(was.clone(), is), ["duty 600 -> duty 500", "vat 1300 -> vat 1400"]);
        assert_eq!(told(was.clone(), was), [""; 0]);
    }

    #[test]
    fn a_rule_in_the_place_of_another_stands_beside_it_and_a_new_charge_alone() {
        use ChargeKind::{Duty, Fee, Vat};
        let old = vec![charge(0, Vat, "vat", 13), charge(1, Vat, "vat", 13)];
        // The rule has another name on the second line; the order of charges says nothing.
        let new = vec![charge(1, Vat, "vat-books", 9), charge(0, Vat, "vat", 13), charge(0, Fee, "fee", 1)];
        assert_eq!(told(old.clone(), new), ["vat 1300 -> vat-books 900", "none -> fee 100"]);
        // The same amount by another rule is told; a duty of nothing that is gone is not.
        let same = vec![charge(0, Vat, "vat", 13), charge(1, Vat, "vat-next", 13), charge(0, Duty, "duty", 0)];
        assert_eq!(told(same.clone(), old.clone()), ["vat-next 1300 -> vat 1300"]);
        assert_eq!(told(old, vec![]), ["vat 1300 -> none", "vat 1300 -> none"]);
        let nothing = |rule| vec![charge(0, Duty, rule, 0)];
        assert_eq!(told(nothing("duty"), nothing("relief")), [""; 0]);
    }

    #[test]
    fn another_rate_that_rounds_to_the_same_amount_is_told() {
        let was = charge(0, ChargeKind::Vat, "vat", 13);
        let is = Charge { rate: Rate::nano(130_010_000), ..was.clone() };
        assert_eq!(told(vec![was], vec![is]), ["vat 1300 -> vat 1300"]);
    }
}
