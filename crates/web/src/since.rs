//! What became of a price since its rules were corrected: charge by charge, old and new.

use trade::landed_cost::{Changed, Charge, LandedCost, changed};

use crate::charge;
use crate::page::Page;
use crate::problem::Failure;

/// By the rules as they are known now something else comes out.
pub struct Since {
    /// What it comes to now, or why to nothing.
    pub told: String,
    /// What differs; empty where nothing comes out now.
    pub lines: Vec<Line>,
}

/// One charge, old and new; a side is none where it is not levied.
pub struct Line {
    pub name: String,
    pub was: Option<Side>,
    pub is: Option<Side>,
}

pub struct Side {
    pub amount: String,
    /// How the amount came about, with its rate.
    pub how: String,
    pub rule: String,
}

impl Since {
    /// Nothing where the rules still say the same of every charge. `name` is what the reader knows a charge by.
    pub fn of(
        p: &Page,
        was: &LandedCost,
        now: Result<&LandedCost, &Failure>,
        name: impl Fn(&Charge) -> String,
    ) -> Option<Self> {
        let now = match now {
            Ok(now) => now,
            Err(failure) => return Some(Self { told: p.problem(&failure.problem).title, lines: Vec::new() }),
        };
        let side = |charge: &Charge| Side {
            amount: p.money(charge.amount),
            how: charge::formula(p, charge),
            rule: charge.rule.to_string(),
        };
        let line = |each: &Changed<'_>| {
            let name = each.was.or(each.is).map(&name).unwrap_or_default();
            Line { name, was: each.was.map(side), is: each.is.map(side) }
        };
        let lines: Vec<Line> = changed(was, now).iter().map(line).collect();
        let key = if now.total == was.total { "since-same-total" } else { "calculator-corrected-now" };
        (!lines.is_empty()).then(|| Self { told: p.w1(key, "total", p.money(now.total)), lines })
    }
}
