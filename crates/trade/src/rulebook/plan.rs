//! What holds under one regime from one day to another, put in order when the pack loads.

use jiff::civil::Date;

use super::charge::{ChargeKind, ChargeRule, Collected, Relief};
use super::reader::{Errors, Problem};
use super::{Limit, LimitScope, Regime, RuleId, RuleInfo, Rulebook, TaxBase};
use crate::exchange::Exchange;

/// The most charges that may hold at once: they are told apart in one machine word.
pub const MOST_CHARGES: usize = 64;

/// The rules of one regime between two changes, by their places in the pack.
#[derive(Clone, Debug)]
pub struct Plan {
    regime: Regime,
    from: Date,
    /// The last day; none while no end is known.
    to: Option<Date>,
    base: usize,
    single: Option<usize>,
    annual: Option<usize>,
    reliefs: Vec<usize>,
    /// In the order in which they are worked out: by kind, and within it as they stand in the pack.
    charges: Vec<usize>,
    /// For each charge, those whose goods do not bear it, as bits.
    unless: Vec<u64>,
    has_list: bool,
    exchange: Exchange,
    /// A rule that the regime has on other days and lacks on these.
    lacks: Option<RuleId>,
}

/// Why no plan is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlan {
    Regime,
    /// The regime has rules, but this one does not hold on the date.
    Date(RuleId),
}

/// A plan with its rules.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    book: &'a Rulebook,
    plan: &'a Plan,
}

impl<'a> Planned<'a> {
    #[must_use]
    pub fn base(&self) -> &'a TaxBase {
        &self.book.bases[self.plan.base]
    }

    /// None where the regime has no limit for one order.
    #[must_use]
    pub fn single(&self) -> Option<&'a Limit> {
        self.plan.single.map(|at| &self.book.limits[at])
    }

    /// None where it has no yearly limit.
    #[must_use]
    pub fn annual(&self) -> Option<&'a Limit> {
        self.plan.annual.map(|at| &self.book.limits[at])
    }

    pub fn reliefs(&self) -> impl Iterator<Item = &'a Relief> {
        self.plan.reliefs.iter().map(|at| &self.book.reliefs[*at])
    }

    /// With the bits of those whose goods do not bear it.
    pub fn charges(&self) -> impl Iterator<Item = (&'a ChargeRule, u64)> {
        let unless = self.plan.unless.iter().copied();
        self.plan.charges.iter().map(|at| &self.book.charges[*at]).zip(unless)
    }

    /// The rates of exchange that hold.
    #[must_use]
    pub const fn exchange(&self) -> &'a Exchange {
        &self.plan.exchange
    }

    /// Whether only what stands on a list passes under the regime.
    #[must_use]
    pub const fn has_list(&self) -> bool {
        self.plan.has_list
    }
}

impl Rulebook {
    /// What holds under a regime on a date.
    ///
    /// # Errors
    /// The pack does not rule the regime, or not on this date.
    pub fn planned(&self, regime: Regime, date: Date) -> Result<Planned<'_>, NoPlan> {
        let mut of_regime = self.plans.iter().filter(|plan| plan.regime == regime);
        match of_regime.find(|plan| plan.from <= date && plan.to.is_none_or(|to| date <= to)) {
            Some(Plan { lacks: Some(rule), .. }) => Err(NoPlan::Date(rule.clone())),
            Some(plan) => Ok(Planned { book: self, plan }),
            None => {
                let base = self.bases.iter().find(|base| base.regime == regime);
                Err(base.map_or(NoPlan::Regime, |base| NoPlan::Date(base.info.id.clone())))
            }
        }
    }
}

/// Every plan of a pack. What cannot be put in order is reported.
pub(super) fn plans(book: &Rulebook, errors: &Errors) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (_, regime) in Regime::ALL {
        let infos = infos_of(book, regime);
        let mut starts: Vec<Date> = infos.iter().map(|info| info.valid_from).collect();
        starts.extend(infos.iter().filter_map(|info| info.valid_to.and_then(|to| to.tomorrow().ok())));
        starts.sort_unstable();
        starts.dedup();
        for (at, from) in starts.iter().enumerate() {
            let to = starts.get(at + 1).and_then(|next| next.yesterday().ok());
            plans.extend(plan(book, regime, *from, to, errors));
        }
    }
    plans
}

fn infos_of(book: &Rulebook, regime: Regime) -> Vec<&RuleInfo> {
    let bases = book.bases.iter().filter(|rule| rule.regime == regime).map(|rule| &*rule.info);
    let limits = book.limits.iter().filter(|rule| rule.regime == regime).map(|rule| &*rule.info);
    let reliefs = book.reliefs.iter().filter(|rule| rule.regime == regime).map(|rule| &*rule.info);
    let charges = book.charges.iter().filter(|rule| rule.regime == regime).map(|rule| &*rule.info);
    let exchange = book.exchange.iter().map(|rule| &*rule.info);
    bases.chain(limits).chain(reliefs).chain(charges).chain(exchange).collect()
}

fn plan(book: &Rulebook, regime: Regime, from: Date, to: Option<Date>, errors: &Errors) -> Option<Plan> {
    let holds = |info: &RuleInfo| info.holds_on(from);
    let base = book.bases.iter().position(|base| base.regime == regime && holds(&base.info))?;
    let mut lacks = None;
    let mut limit = |scope| {
        let of_scope = |limit: &&Limit| limit.regime == regime && limit.scope == scope;
        let found = book.limits.iter().position(|limit| of_scope(&limit) && holds(&limit.info));
        if found.is_none() {
            lacks = lacks.take().or_else(|| book.limits.iter().find(of_scope).map(|limit| limit.info.id.clone()));
        }
        found
    };
    let (single, annual) = (limit(LimitScope::Order), limit(LimitScope::PersonYear));
    let holding = |infos: Vec<(usize, Regime, &RuleInfo)>| {
        infos.into_iter().filter(|(_, of, info)| *of == regime && holds(info)).map(|(at, ..)| at).collect::<Vec<_>>()
    };
    let reliefs = holding(book.reliefs.iter().enumerate().map(|(at, r)| (at, r.regime, &*r.info)).collect());
    let mut charges = holding(book.charges.iter().enumerate().map(|(at, c)| (at, c.regime, &*c.info)).collect());
    charges.sort_by_key(|at| (book.charges[*at].what.place(), *at));
    if charges.len() > MOST_CHARGES {
        let info = &book.charges[charges[MOST_CHARGES]].info;
        let problem = Problem::TooLarge { got: charges.len(), most: MOST_CHARGES };
        errors.push(&info.file, &info.id, "regime", problem);
        return None;
    }
    let is_duty = |charge: &&ChargeRule| charge.regime == regime && charge.what == ChargeKind::Duty;
    if !charges.iter().any(|at| is_duty(&&book.charges[*at])) {
        let base = &book.bases[base].info;
        let known = book.charges.iter().find(is_duty).map_or(base.id.clone(), |charge| charge.info.id.clone());
        lacks = lacks.or(Some(known));
    }
    let unless = charges.iter().map(|at| unless_bits(book, &charges, *at, errors)).collect();
    let has_list = book.lists.iter().any(|list| list.regime == regime);
    let rates = book.exchange.iter().filter(|rule| holds(&rule.info)).map(|rule| rule.rate.clone());
    let exchange = Exchange::new(rates.collect());
    Some(Plan { regime, from, to, base, single, annual, reliefs, charges, unless, has_list, exchange, lacks })
}

/// The charges that this one gives way to. That one must be no parcel's, nor itself give way.
fn unless_bits(book: &Rulebook, charges: &[usize], at: usize, errors: &Errors) -> u64 {
    let rule = &book.charges[at];
    let Some(other) = &rule.unless else { return 0 };
    let mut bits = 0;
    for (place, candidate) in charges.iter().enumerate() {
        let candidate = &book.charges[*candidate];
        if candidate.info.id != *other {
            continue;
        }
        if candidate.unless.is_some() || candidate.is_of_parcel() || candidate.info.id == rule.info.id {
            errors.push(&rule.info.file, &rule.info.id, "unless", Problem::OutOfOrder { got: other.to_string() });
        }
        bits |= 1 << place;
    }
    let known = book.charges.iter().any(|charge| charge.info.id == *other);
    if !known {
        errors.push(&rule.info.file, &rule.info.id, "unless", Problem::NoSuchRule { got: other.to_string() });
    }
    bits
}

impl ChargeRule {
    /// Whether a relief of the border touches it.
    #[must_use]
    pub const fn can_be_relieved(&self) -> bool {
        matches!(self.at, Collected::Border)
    }
}
