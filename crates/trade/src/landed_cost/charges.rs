//! The charges of an order: which are levied on a line, and each by its form.

use super::compound;
use super::goods::{Due, Line, LineRates};
use super::{Charge, ChargeKind, Collected, FormulaKind, LandedCostRefusal, Order, Reliefs, Used};
use crate::exact::Exact;
use crate::money::{Currency, Money, Rate};
use crate::rulebook::{
    Basis, ChargeRule, DutyRate, FlatPer, Found, Kinds, Knowledge, Levied, Levy, Measure, Preference, RateFrom,
    RateRefusal, RuleInfo, Treatment,
};

/// What the charges of an order come to.
pub(super) struct Answer {
    pub charges: Vec<Charge>,
    /// Whether the preference gave the duty of some line.
    pub lowered: bool,
}

/// The charges and reliefs that an order as a whole may bear.
pub(super) struct OrderPlan<'a> {
    charges: Vec<(&'a ChargeRule, u64)>,
    /// Those that fit the order, as bits.
    fits: u64,
    reliefs: Reliefs<'a>,
}

impl OrderPlan<'_> {
    /// The number under which the marketplace is registered for a tax that it took at the sale.
    pub fn registration(&self, charges: &[Charge]) -> Option<std::sync::Arc<str>> {
        let taken = |rule: &&ChargeRule| {
            charges.iter().any(|charge| charge.at == Collected::Sale && charge.rule == rule.info.id)
        };
        self.charges.iter().map(|(rule, _)| *rule).filter(taken).find_map(|rule| rule.registration.clone())
    }
}

/// The preference that is asked for.
pub(super) fn preference<'a>(
    order: &Order<'a>,
    used: &mut Used<'a>,
) -> Result<Option<&'a Preference>, LandedCostRefusal> {
    let Some(id) = order.ask.preference else { return Ok(None) };
    let found = order.book.preference(id, order.ask.date);
    let preference = found.ok_or_else(|| LandedCostRefusal::PreferenceUnknown { preference: id.to_owned() })?;
    used.note(&preference.info)?;
    Ok(Some(preference))
}

/// What of the regime's charges and reliefs fits the order as a whole.
pub(super) fn of_order<'a>(
    order: &Order<'a>,
    treatment: Option<Treatment>,
    used: &mut Used<'a>,
) -> Result<OrderPlan<'a>, LandedCostRefusal> {
    let mut reliefs = Vec::new();
    for relief in order.rules.reliefs() {
        // A relief that the value is over has decided too, so the answer rests on it.
        if order.fits_apart_from_value(&relief.when) {
            used.note(&relief.info)?;
            if order.fits(&relief.when, treatment, &relief.info, used)? {
                reliefs.push((relief, order.counted(&relief.threshold())?));
            }
        }
    }
    let charges: Vec<_> = order.rules.charges().collect();
    let mut fits = 0;
    for (place, (rule, _)) in charges.iter().enumerate() {
        let registered = order.ask.registered.unwrap_or(rule.registration.is_some());
        let fitting = rule.registered.is_none_or(|wanted| wanted == registered)
            && order.fits(&rule.when, treatment, &rule.info, used)?;
        fits |= u64::from(fitting) << place;
    }
    Ok(OrderPlan { charges, fits, reliefs })
}

/// The sums of a line's charges by kind, in minor units.
#[derive(Default)]
struct Sums([i64; ChargeKind::ALL.len()]);

impl Sums {
    fn add(&mut self, kind: ChargeKind, amount: Money) -> Result<(), LandedCostRefusal> {
        let sum = &mut self.0[kind.place()];
        *sum = sum.checked_add(amount.minor()).ok_or(LandedCostRefusal::AmountTooLarge)?;
        Ok(())
    }

    fn of(&self, kind: ChargeKind) -> i64 {
        self.0[kind.place()]
    }
}

/// What is being worked out for one line.
pub(super) struct Work<'o, 'a> {
    order: &'o Order<'a>,
    pub line: &'o Line<'a>,
    rates: Option<LineRates<'a>>,
    sums: Sums,
    /// The worst that the duties of the line rest on.
    duty_known: Knowledge,
}

/// Works out every charge of one line; tells whether its duty was relieved.
pub(super) fn of_line<'a>(
    order: &Order<'a>,
    plan: &OrderPlan<'a>,
    line: &Line<'a>,
    used: &mut Used<'a>,
    answer: &mut Answer,
) -> Result<bool, LandedCostRefusal> {
    let mut applies = 0_u64;
    for (place, (rule, _)) in plan.charges.iter().enumerate() {
        if plan.fits & (1 << place) != 0 && !rule.is_of_parcel() && line.fits(order, &rule.when, &rule.info, used)? {
            applies |= 1 << place;
        }
    }
    let mut relief_of = [None; ChargeKind::ALL.len()];
    for (relief, value) in &plan.reliefs {
        if line.fits(order, &relief.when, &relief.info, used)? {
            for (_, kind) in ChargeKind::ALL {
                if relief.relieves(kind) && relief_of[kind.place()].is_none() {
                    relief_of[kind.place()] = Some((*relief, *value));
                }
            }
        }
    }
    let mut work = Work { order, line, rates: None, sums: Sums::default(), duty_known: Knowledge::Sourced };
    let mut answered = Kinds::NONE;
    let mut relieved = false;
    for (place, (rule, unless)) in plan.charges.iter().enumerate() {
        if applies & (1 << place) == 0 {
            continue;
        }
        answered = answered.with(rule.what);
        if matches!(rule.levy, Levy::Composite { .. }) {
            answered = answered.with(ChargeKind::Duty).with(ChargeKind::ConsumptionTax).with(ChargeKind::Vat);
        }
        let relief = relief_of[rule.what.place()].filter(|_| rule.can_be_relieved());
        let instead = unless & applies;
        if let Some((relief, value)) = relief {
            relieved |= rule.what == ChargeKind::Duty;
            // What was taken at the sale is not named twice.
            if instead == 0 {
                let threshold = relief.threshold();
                let why = FormulaKind::Relieved { value, limit: threshold.amount, basis: threshold.basis };
                answer.charges.push(line.nothing(rule, line.value, why, &relief.info, line.known));
            }
            continue;
        }
        if instead != 0 {
            let place = usize::try_from(instead.trailing_zeros()).unwrap_or(0);
            let other = plan.charges[place].0;
            let known = used.note(&other.info)?.max(line.known);
            let base = work.base(rule)?;
            let (why, named) = match other.at {
                Collected::Sale => (FormulaKind::TakenAtTheSale, &other.info),
                Collected::Border => (FormulaKind::InsteadOf { rule: other.info.id.clone() }, &rule.info),
            };
            answer.charges.push(line.nothing(rule, base, why, named, known));
            continue;
        }
        work.levy(rule, used, answer)?;
    }
    let missing = order.rules.base().answers.missing_from(answered).next();
    match missing {
        Some(charge) => Err(LandedCostRefusal::NoChargeFits { line: line.number, hs: line.ask.hs.clone(), charge }),
        None => Ok(relieved),
    }
}

/// The charges of the whole parcel.
pub(super) fn of_parcel<'a>(
    order: &Order<'a>,
    plan: &OrderPlan<'a>,
    used: &mut Used<'a>,
    answer: &mut Answer,
) -> Result<(), LandedCostRefusal> {
    for (place, (rule, _)) in plan.charges.iter().enumerate() {
        let Levy::Flat { amount, per: FlatPer::Parcel } = rule.levy else { continue };
        if plan.fits & (1 << place) == 0 {
            continue;
        }
        let known = order.known.max(used.note(&rule.info)?);
        let charged = flat(order, rule, amount, 1, used)?;
        let formula = FormulaKind::Flat { amount, per: FlatPer::Parcel, count: 1 };
        answer.charges.push(Charge {
            line: None,
            ..charge(0, rule, (order.value_of(Basis::Goods), Rate::ZERO, charged), formula, &rule.info, known)
        });
    }
    Ok(())
}

/// A flat amount, in the currency of the territory, for each of `count`; rounded once.
fn flat<'a>(
    order: &Order<'a>,
    rule: &'a ChargeRule,
    amount: Money,
    count: i64,
    used: &mut Used<'a>,
) -> Result<Money, LandedCostRefusal> {
    let to = order.book.currency;
    let whole = amount.times(count)?;
    if amount.currency() == to {
        return Ok(whole);
    }
    let factor = order.exchange(amount.currency(), to, &rule.info, used)?;
    Ok(crate::exact::Exact::whole(whole.minor()).times(factor)?.round(to)?)
}

fn charge(
    line: u32,
    rule: &ChargeRule,
    (base, rate, amount): (Money, Rate, Money),
    formula: FormulaKind,
    named: &RuleInfo,
    knowledge: Knowledge,
) -> Charge {
    Charge {
        line: Some(line),
        kind: rule.what,
        base,
        rate,
        formula,
        amount,
        rule: named.id.clone(),
        source: named.source.clone(),
        knowledge,
        at: rule.at,
        owed_by: rule.owed_by,
        filed_by: rule.filed_by,
    }
}

impl Line<'_> {
    /// A charge of nothing that says why.
    fn nothing(&self, rule: &ChargeRule, base: Money, why: FormulaKind, named: &RuleInfo, known: Knowledge) -> Charge {
        charge(self.number, rule, (base, Rate::ZERO, Money::zero(base.currency())), why, named, known)
    }
}

/// A rate with the rule that it stands in.
pub(super) struct Stated<'a> {
    pub rate: &'a DutyRate,
    pub by: &'a RuleInfo,
    pub known: Knowledge,
}

impl<'a> Work<'_, 'a> {
    /// What a charge is taken of: parts of the line and charges before it.
    fn base(&self, rule: &ChargeRule) -> Result<Money, LandedCostRefusal> {
        let (line, of) = (self.line, rule.base);
        let mut base = Money::zero(line.value.currency());
        for (counts, part) in [(of.value, line.value), (of.goods, line.ask.value), (of.freight, line.freight)] {
            if counts {
                base = base.plus(part)?;
            }
        }
        if of.kinds != Kinds::NONE {
            for (_, kind) in ChargeKind::ALL {
                if of.kinds.has(kind) {
                    base = base.plus(Money::new(self.sums.of(kind), base.currency()))?;
                }
            }
        }
        Ok(base)
    }

    fn rates(&mut self, used: &mut Used<'a>) -> Result<&LineRates<'a>, LandedCostRefusal> {
        if self.rates.is_none() {
            self.rates = Some(self.line.rates(self.order, used)?);
        }
        Ok(self.rates.as_ref().expect("it was set in the line before"))
    }

    fn levy(
        &mut self,
        rule: &'a ChargeRule,
        used: &mut Used<'a>,
        answer: &mut Answer,
    ) -> Result<(), LandedCostRefusal> {
        let base = self.base(rule)?;
        let own = used.note(&rule.info)?.max(self.line.known);
        let own = if rule.base.kinds == Kinds::NONE { own } else { own.max(self.duty_known) };
        match &rule.levy {
            Levy::Composite { share } => self.composite(rule, *share, base, used, answer),
            Levy::Rate { from: RateFrom::TariffConsumptionTax, .. } => {
                self.consumption_tax(rule, base, own, used, answer)
            }
            Levy::Rate { from: RateFrom::TariffTax, inside } => {
                let (line, known) = (self.line, own);
                let rates = self.rates(used)?;
                let by: &'a RuleInfo = &rates.row.table;
                let rate = rates.tax.ok_or_else(|| line.unknown(Some(by)))?;
                let known = known.max(rates.tax_known);
                let rate = DutyRate::Percent(rate);
                self.at_rate(rule, base, &Stated { rate: &rate, by, known }, *inside, used, answer)
            }
            Levy::Rate { from, inside } => {
                let stated = match from {
                    RateFrom::Own(rate) => Stated { rate, by: &rule.info, known: own },
                    RateFrom::Table(id) => self.of_table(id, own, used)?,
                    _ => self.duty(own, used, answer)?,
                };
                self.at_rate(rule, base, &stated, *inside, used, answer)
            }
            Levy::Flat { amount, per } => {
                let count = if *per == FlatPer::Piece { self.line.ask.pieces } else { 1 };
                let same = |charge: &&Charge| {
                    charge.rule == rule.info.id && matches!(charge.formula, FormulaKind::Flat { .. })
                };
                if *per == FlatPer::Hs6
                    && let Some(earlier) = answer.charges.iter().filter(same).find_map(|charge| {
                        let line = self.order.ask.lines.get(usize::try_from(charge.line?).ok()?)?;
                        (line.hs.hs6() == self.line.ask.hs.hs6()).then_some(charge.line?)
                    })
                {
                    let why = FormulaKind::WithLine { line: earlier };
                    answer.charges.push(self.line.nothing(rule, base, why, &rule.info, own));
                    return Ok(());
                }
                let charged = flat(self.order, rule, *amount, count, used)?;
                let formula = FormulaKind::Flat { amount: *amount, per: *per, count };
                self.put(rule, (base, Rate::ZERO, charged), formula, &rule.info, own, answer)
            }
            Levy::TopUp { to } => {
                let already = self.sums.of(ChargeKind::Duty).saturating_add(self.sums.of(ChargeKind::AdditionalDuty));
                let already = Money::new(already, base.currency());
                let short = base.at(*to)?.minus(already)?;
                let charged = if short.is_positive() { short } else { Money::zero(base.currency()) };
                let known = own.max(self.duty_known);
                self.put(rule, (base, *to, charged), FormulaKind::TopUp { already }, &rule.info, known, answer)
            }
        }
    }

    /// A rate from a table beside the tariff.
    fn of_table(&self, id: &str, own: Knowledge, used: &mut Used<'a>) -> Result<Stated<'a>, LandedCostRefusal> {
        let (line, book) = (self.line, self.order.book);
        let table = book.table(id, self.order.ask.date).ok_or_else(|| line.unknown(book.rule(id)))?;
        let found = match self.order.ask.member {
            Some(member) if table.is_by_member() => table.of_member(member),
            _ => table.of_code(line.code),
        };
        match found {
            Found::Rate(rate) => {
                let known = own.max(used.note(&table.info)?);
                Ok(Stated { rate, by: &table.info, known })
            }
            Found::Unknown => Err(line.unknown(Some(&table.info))),
            Found::Digits(digits) => Err(line.too_short(digits, &table.info)),
        }
    }

    /// The duty of the tariff's row, or of the preference that is asked for where it speaks of these goods.
    fn duty(
        &mut self,
        own: Knowledge,
        used: &mut Used<'a>,
        answer: &mut Answer,
    ) -> Result<Stated<'a>, LandedCostRefusal> {
        let (line, order) = (self.line, self.order);
        if let Some(preference) = order.preference {
            let of_partner = line.ask.origin.is_some_and(|origin| preference.origins.contains(&origin));
            let found = preference.rate(line.code, |id| order.book.table(id, order.ask.date));
            if let (true, Found::Rate(rate)) = (of_partner, found) {
                answer.lowered = true;
                let mut known = own.max(used.note(&preference.info)?);
                let table = preference.table().and_then(|id| order.book.table(id, order.ask.date));
                if let Some(table) = table {
                    known = known.max(used.note(&table.info)?);
                }
                return Ok(Stated { rate, by: &preference.info, known });
            }
        }
        let rates = self.rates(used)?;
        let by: &'a RuleInfo = &rates.row.table;
        let row = rates.row;
        let mut known = own.max(rates.known);
        let rate = row.duty.as_ref().ok_or_else(|| line.unknown(Some(by)))?;
        if let Some(choice) = &row.duty_choice {
            known = known.max(used.note(choice)?);
        }
        Ok(Stated { rate, by, known })
    }

    /// base × rate, by whatever the rate counts.
    fn at_rate(
        &mut self,
        rule: &'a ChargeRule,
        base: Money,
        stated: &Stated<'_>,
        inside: bool,
        used: &mut Used<'a>,
        answer: &mut Answer,
    ) -> Result<(), LandedCostRefusal> {
        let one = i128::from(Rate::ONE.as_nano());
        let shown = stated.rate.percent().unwrap_or(Rate::ZERO);
        let (amount, formula) = match (stated.rate.percent(), inside, rule.of) {
            (Some(rate), true, _) => {
                let nano = i128::from(rate.as_nano());
                (base.scaled(nano, one - nano)?, FormulaKind::InsideItsBase)
            }
            (Some(rate), false, Some((top, bottom))) => {
                let amount = base.scaled(i128::from(rate.as_nano()) * i128::from(top), one * i128::from(bottom))?;
                (amount, FormulaKind::PartOfBase { top, bottom })
            }
            (Some(rate), false, None) => (base.at(rate)?, self.ad_valorem(rule)?),
            (None, ..) => {
                let levied = self.line.levied(base);
                let amount = self.by_rate(rule, stated, &levied, used)?.round(base.currency())?;
                let (grams, millilitres, pieces) = (levied.grams, levied.millilitres, levied.pieces);
                let counted = stated.rate.measures().contains(&Measure::Alcohol);
                let alcohol = levied.alcohol.filter(|_| counted);
                (amount, FormulaKind::ByRate { rate: stated.rate.clone(), grams, millilitres, alcohol, pieces })
            }
        };
        let bounded = [rule.most]
            .into_iter()
            .flatten()
            .fold(amount, |amount, most| if amount.minor() > most.minor() { most } else { amount });
        let bounded = rule.least.filter(|least| bounded.minor() < least.minor()).unwrap_or(bounded);
        let formula = if bounded == amount { formula } else { FormulaKind::Bounded { worked: amount } };
        self.put(rule, (base, shown, bounded), formula, stated.by, stated.known, answer)
    }

    /// What a rate comes to, in minor units and not yet rounded.
    pub(super) fn by_rate(
        &self,
        rule: &'a ChargeRule,
        stated: &Stated<'_>,
        levied: &Levied,
        used: &mut Used<'a>,
    ) -> Result<Exact, LandedCostRefusal> {
        let (line, order) = (self.line, self.order);
        let to = levied.value.currency();
        for from in stated.rate.currencies().into_iter().filter(|from| *from != to) {
            order.exchange(from, to, &rule.info, used)?;
        }
        let exchange = |from: Currency, to: Currency| order.rules.exchange().factor(from, to);
        stated.rate.exact(levied, &exchange).map_err(|refusal| match refusal {
            RateRefusal::QuantityMissing { measure } => {
                let (hs, rule) = (line.ask.hs.clone(), stated.by.id.clone());
                LandedCostRefusal::QuantityMissing { line: line.number, hs, measure, rule }
            }
            RateRefusal::ExchangeMissing { from, to } => {
                LandedCostRefusal::ExchangeMissing { from, to, rule: stated.by.id.clone() }
            }
            RateRefusal::Money(error) => error.into(),
        })
    }

    /// Plain, or at the sale with the value that the tax rests on.
    fn ad_valorem(&self, rule: &ChargeRule) -> Result<FormulaKind, LandedCostRefusal> {
        let threshold = match (rule.at, rule.when.values.first()) {
            (Collected::Sale, Some(threshold)) => threshold,
            _ => return Ok(FormulaKind::AdValorem),
        };
        let price = match threshold.basis {
            Basis::Item => self.line.ask.value.scaled(1, i128::from(self.line.ask.pieces))?,
            _ => self.order.counted(threshold)?,
        };
        Ok(FormulaKind::AtTheSale { price, limit: threshold.amount, basis: threshold.basis })
    }

    fn put(
        &mut self,
        rule: &ChargeRule,
        (base, rate, amount): (Money, Rate, Money),
        formula: FormulaKind,
        named: &RuleInfo,
        known: Knowledge,
        answer: &mut Answer,
    ) -> Result<(), LandedCostRefusal> {
        self.sums.add(rule.what, amount)?;
        self.duty_known = self.duty_known.max(known);
        answer.charges.push(charge(self.line.number, rule, (base, rate, amount), formula, named, known));
        Ok(())
    }

    /// Inside its own base, or nothing where the goods are below its threshold; nothing to say where the row
    /// names no such tax.
    fn consumption_tax(
        &mut self,
        rule: &'a ChargeRule,
        base: Money,
        own: Knowledge,
        used: &mut Used<'a>,
        answer: &mut Answer,
    ) -> Result<(), LandedCostRefusal> {
        let rates = self.rates(used)?;
        let Some((tax, due)) = rates.consumption else { return Ok(()) };
        let known = own.max(rates.known);
        match due {
            Due::Yes(rate) if tax.specific.is_some() => {
                let compound = self.compound(rule, tax, rate, base, used)?;
                let amount = compound.tax(base)?.round(base.currency())?;
                self.put(rule, (base, rate, amount), compound.inside(), &tax.info, known, answer)
            }
            Due::Yes(rate) => {
                let inside = i128::from(rate.as_nano());
                let amount = base.scaled(inside, i128::from(Rate::ONE.as_nano()) - inside)?;
                self.put(rule, (base, rate, amount), FormulaKind::InsideItsBase, &tax.info, known, answer)
            }
            Due::Below { per, price, threshold } => {
                let why = FormulaKind::BelowThreshold { per, price, threshold };
                answer.charges.push(self.line.nothing(rule, self.line.value, why, &tax.info, known));
                Ok(())
            }
        }
    }

    /// No duty, and base × (CT + VAT) / (1 − CT) × share, rounded once and cut by the two rates.
    fn composite(
        &mut self,
        rule: &'a ChargeRule,
        share: Rate,
        base: Money,
        used: &mut Used<'a>,
        answer: &mut Answer,
    ) -> Result<(), LandedCostRefusal> {
        let line = self.line;
        let rates = self.rates(used)?;
        let (row, known, tax_known, due) = (rates.row, rates.known, rates.tax_known, rates.consumption);
        let vat = rates.tax.ok_or_else(|| line.unknown(Some(&row.table)))?;
        let of = |kind, mut charge: Charge| {
            charge.kind = kind;
            charge
        };
        let nothing = line.nothing(rule, base, FormulaKind::NotLevied, &rule.info, line.known);
        answer.charges.push(of(ChargeKind::Duty, nothing));
        let consumption_tax = match due {
            Some((tax, Due::Yes(rate))) if tax.specific.is_some() => {
                let compound = self.compound(rule, tax, rate, base, used)?;
                let (line_tax, vat_part) = compound.shared(base, vat, share)?;
                let parts =
                    [(ChargeKind::ConsumptionTax, rate, line_tax.minus(vat_part)?), (ChargeKind::Vat, vat, vat_part)];
                let formula = compound.composite(vat, share, line_tax);
                for (kind, of_it, amount) in parts {
                    let shown = compound::shown(of_it, rate, share);
                    let part = charge(line.number, rule, (base, shown, amount), formula.clone(), &rule.info, tax_known);
                    answer.charges.push(of(kind, part));
                }
                return Ok(());
            }
            Some((_, Due::Yes(rate))) => rate,
            Some((tax, Due::Below { per, price, threshold })) => {
                let why = FormulaKind::BelowThreshold { per, price, threshold };
                answer.charges.push(of(ChargeKind::ConsumptionTax, line.nothing(rule, base, why, &tax.info, known)));
                Rate::ZERO
            }
            None => Rate::ZERO,
        };
        let one = i128::from(Rate::ONE.as_nano());
        let without_ct = one - i128::from(consumption_tax.as_nano());
        let both = i128::from(vat.as_nano()) + i128::from(consumption_tax.as_nano());
        let line_tax = base.scaled(both * i128::from(share.as_nano()), without_ct * one)?;
        let formula = FormulaKind::CompositePart { vat, consumption_tax, share, line_tax };
        let shown = |rate| compound::shown(rate, consumption_tax, share);
        let mut vat_part = line_tax;
        if consumption_tax > Rate::ZERO {
            let parts = line_tax.split(&[vat.as_nano(), consumption_tax.as_nano()])?;
            vat_part = parts[0];
            let numbers = (base, shown(consumption_tax), parts[1]);
            let part = charge(line.number, rule, numbers, formula.clone(), &rule.info, tax_known);
            answer.charges.push(of(ChargeKind::ConsumptionTax, part));
        }
        let part = charge(line.number, rule, (base, shown(vat), vat_part), formula, &rule.info, tax_known);
        answer.charges.push(of(ChargeKind::Vat, part));
        Ok(())
    }
}
