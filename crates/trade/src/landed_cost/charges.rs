//! The duties and taxes of one line, by each formula.

use super::{Charge, ChargeKind, FormulaKind, LandedCostAsk, LandedCostRefusal, Line, RegimeRules, Used};
use crate::money::{Money, Rate};
use crate::rulebook::{ConsumptionTax, Knowledge, LowValueTax, Per, Relief, RuleInfo, Rulebook, TariffRow, TaxRule};

/// The rates of a line, and how well each is known.
pub(super) struct LineRates<'a> {
    row: &'a TariffRow,
    vat: Rate,
    vat_known: Knowledge,
    consumption: Option<(&'a ConsumptionTax, Due)>,
    known: Knowledge,
}

/// Whether a consumption tax is due.
#[derive(Clone, Copy)]
enum Due {
    Yes(Rate),
    Below(FormulaKind),
}

pub(super) fn line_rates<'a>(
    book: &'a Rulebook,
    rules: &RegimeRules<'a>,
    ask: &LandedCostAsk<'_>,
    line: &Line<'_>,
    used: &mut Used<'_>,
) -> Result<LineRates<'a>, LandedCostRefusal> {
    let hs = &line.ask.hs;
    let unknown = |rule: Option<&RuleInfo>| LandedCostRefusal::RateUnknown {
        line: line.number,
        hs: hs.clone(),
        rule: rule.map(|rule| rule.id.clone()),
    };
    let mut known = line.known;
    if rules.has_list(book) {
        let list = rules.list(book, hs).filter(|list| list.info.knowledge != Knowledge::Unknown);
        let list = list.ok_or_else(|| LandedCostRefusal::ListUnknown { line: line.number, hs: hs.clone() })?;
        known = known.max(used.note(&list.info)?);
    }

    let row = book.tariff.row(hs, ask.date).ok_or_else(|| unknown(None))?;
    if row.table.knowledge == Knowledge::Unknown {
        return Err(unknown(Some(&row.table)));
    }
    let vat = row.vat.ok_or_else(|| unknown(Some(&row.table)))?;
    known = known.max(used.note(&row.table)?);
    let mut vat_known = known;
    if let Some(choice) = &row.vat_choice {
        vat_known = vat_known.max(used.note(choice)?);
    }

    let consumption = match book.tariff.consumption_tax(row, ask.date) {
        None => None,
        Some(None) => return Err(unknown(None)),
        Some(Some(tax)) => {
            let rate = tax.rate.filter(|_| tax.info.knowledge != Knowledge::Unknown);
            let rate = rate.ok_or_else(|| unknown(Some(&tax.info)))?;
            known = known.max(used.note(&tax.info)?);
            vat_known = vat_known.max(known);
            Some((tax, due(tax, rate, line)?))
        }
    };
    Ok(LineRates { row, vat, vat_known, consumption, known })
}

/// Whether the price of a unit reaches the threshold. Compared by products, so nothing is rounded.
fn due(tax: &ConsumptionTax, rate: Rate, line: &Line<'_>) -> Result<Due, LandedCostRefusal> {
    if tax.tests.is_empty() {
        return Ok(Due::Yes(rate));
    }
    let missing =
        || LandedCostRefusal::ContentMissing { line: line.number, hs: line.ask.hs.clone(), rule: tax.info.id.clone() };
    let test = tax.test_for(line.ask.content).ok_or_else(missing)?;
    // thousandths of a unit in all pieces
    let milli = match (test.per, line.ask.content) {
        (Per::Article, _) => 1_000,
        (_, Some(content)) => content.milli,
        (_, None) => return Err(missing()),
    };
    let units = i128::from(line.ask.pieces).checked_mul(i128::from(milli)).ok_or(LandedCostRefusal::AmountTooLarge)?;
    let price = i128::from(line.base.minor()) * 1_000;
    let threshold = i128::from(test.at_least.minor()).checked_mul(units).ok_or(LandedCostRefusal::AmountTooLarge)?;
    if price >= threshold {
        return Ok(Due::Yes(rate));
    }
    let price = line.base.scaled(1_000, units)?;
    Ok(Due::Below(FormulaKind::BelowThreshold { per: test.per, price, threshold: test.at_least }))
}

impl Line<'_> {
    fn charge(
        &self,
        kind: ChargeKind,
        (base, rate, amount): (Money, Rate, Money),
        formula: FormulaKind,
        rule: &RuleInfo,
        knowledge: Knowledge,
    ) -> Charge {
        Charge {
            line: self.number,
            kind,
            base,
            rate,
            formula,
            amount,
            rule: rule.id.clone(),
            source: rule.source.clone(),
            knowledge,
        }
    }

    /// The charge of nothing that says why a consumption tax is not due.
    fn not_due(&self, tax: &ConsumptionTax, why: FormulaKind, knowledge: Knowledge) -> Charge {
        let nothing = (self.base, Rate::ZERO, Money::zero(self.base.currency()));
        self.charge(ChargeKind::ConsumptionTax, nothing, why, &tax.info, knowledge)
    }
}

/// No duty, and base × (CT + VAT) / (1 − CT) × share, rounded once and cut by the two rates.
pub(super) fn composite(
    line: &Line<'_>,
    rates: &LineRates<'_>,
    rule: &TaxRule,
    share: Rate,
    charges: &mut Vec<Charge>,
) -> Result<(), LandedCostRefusal> {
    let base = line.base;
    let nothing = (base, Rate::ZERO, Money::zero(base.currency()));
    charges.push(line.charge(ChargeKind::Duty, nothing, FormulaKind::NotLevied, &rule.info, line.known));

    let one = i128::from(Rate::ONE.as_nano());
    let vat = rates.vat;
    let consumption_tax = match rates.consumption {
        Some((_, Due::Yes(rate))) => rate,
        Some((tax, Due::Below(why))) => {
            charges.push(line.not_due(tax, why, rates.known));
            Rate::ZERO
        }
        None => Rate::ZERO,
    };
    let without_ct = one - i128::from(consumption_tax.as_nano());
    let both = i128::from(vat.as_nano()) + i128::from(consumption_tax.as_nano());
    let line_tax = base.scaled(both * i128::from(share.as_nano()), without_ct * one)?;
    let formula = FormulaKind::CompositePart { vat, consumption_tax, share, line_tax };
    let shown = |rate: Rate| {
        let nano = (i128::from(rate.as_nano()) * i128::from(share.as_nano())).div_euclid(without_ct);
        Rate::nano(i64::try_from(nano).unwrap_or(i64::MAX))
    };
    let mut vat_part = line_tax;
    if consumption_tax > Rate::ZERO {
        let parts = line_tax.split(&[vat.as_nano(), consumption_tax.as_nano()])?;
        vat_part = parts[0];
        let numbers = (base, shown(consumption_tax), parts[1]);
        charges.push(line.charge(ChargeKind::ConsumptionTax, numbers, formula, &rule.info, rates.vat_known));
    }
    let numbers = (base, shown(vat), vat_part);
    charges.push(line.charge(ChargeKind::Vat, numbers, formula, &rule.info, rates.vat_known));
    Ok(())
}

/// Duty on the base; consumption tax inside base and duty; VAT on all three. Each rounded once, and
/// the next computed from the rounded one.
pub(super) fn in_full(
    line: &Line<'_>,
    rates: &LineRates<'_>,
    used: &mut Used<'_>,
    charges: &mut Vec<Charge>,
) -> Result<(), LandedCostRefusal> {
    let table = &rates.row.table;
    let (duty, duty_known) = duty(line, rates, used, charges)?;
    let mut vat_base = line.base.plus(duty)?;
    match rates.consumption {
        None => {}
        Some((tax, Due::Below(why))) => charges.push(line.not_due(tax, why, rates.known)),
        Some((tax, Due::Yes(rate))) => {
            let inside = i128::from(rate.as_nano());
            let amount = vat_base.scaled(inside, i128::from(Rate::ONE.as_nano()) - inside)?;
            let numbers = (vat_base, rate, amount);
            let kind = ChargeKind::ConsumptionTax;
            charges.push(line.charge(kind, numbers, FormulaKind::InsideItsBase, &tax.info, duty_known));
            vat_base = vat_base.plus(amount)?;
        }
    }
    let numbers = (vat_base, rates.vat, vat_base.at(rates.vat)?);
    let known = rates.vat_known.max(duty_known);
    charges.push(line.charge(ChargeKind::Vat, numbers, FormulaKind::AdValorem, table, known));
    Ok(())
}

/// The duty on the base, and how well it is known.
fn duty(
    line: &Line<'_>,
    rates: &LineRates<'_>,
    used: &mut Used<'_>,
    charges: &mut Vec<Charge>,
) -> Result<(Money, Knowledge), LandedCostRefusal> {
    let table = &rates.row.table;
    let Some(rate) = rates.row.duty else {
        let rule = Some(table.id.clone());
        return Err(LandedCostRefusal::RateUnknown { line: line.number, hs: line.ask.hs.clone(), rule });
    };
    let mut known = rates.known;
    if let Some(choice) = &rates.row.duty_choice {
        known = known.max(used.note(choice)?);
    }
    let amount = line.base.at(rate)?;
    charges.push(line.charge(ChargeKind::Duty, (line.base, rate, amount), FormulaKind::AdValorem, table, known));
    Ok((amount, known))
}

/// Nothing at the border: its relief covers the parcel. The sales tax of goods that bore one at the sale
/// is not named twice.
pub(super) fn relieved(
    line: &Line<'_>,
    (relief, value): (&Relief, Money),
    taken_at_the_sale: bool,
    charges: &mut Vec<Charge>,
) {
    let why = FormulaKind::Relieved { value, limit: relief.amount };
    let nothing = (line.base, Rate::ZERO, Money::zero(line.base.currency()));
    charges.push(line.charge(ChargeKind::Duty, nothing, why, &relief.info, line.known));
    if !taken_at_the_sale {
        charges.push(line.charge(ChargeKind::SalesTax, nothing, why, &relief.info, line.known));
    }
}

/// Duty on the base, then sales tax on base and duty, unless that was taken at the sale.
pub(super) fn duty_and_sales_tax(
    line: &Line<'_>,
    rates: &LineRates<'_>,
    taken_by: Option<&RuleInfo>,
    used: &mut Used<'_>,
    charges: &mut Vec<Charge>,
) -> Result<(), LandedCostRefusal> {
    let (duty, known) = duty(line, rates, used, charges)?;
    let base = line.base.plus(duty)?;
    let charge = match taken_by {
        Some(rule) => {
            let nothing = (base, Rate::ZERO, Money::zero(base.currency()));
            let known = used.note(rule)?;
            line.charge(ChargeKind::SalesTax, nothing, FormulaKind::TakenAtTheSale, rule, known)
        }
        None => {
            let numbers = (base, rates.vat, base.at(rates.vat)?);
            let known = rates.vat_known.max(known);
            line.charge(ChargeKind::SalesTax, numbers, FormulaKind::AdValorem, &rates.row.table, known)
        }
    };
    charges.push(charge);
    Ok(())
}

/// The tax that the marketplace takes on goods of low value: on their price alone.
pub(super) fn at_the_sale(
    line: &Line<'_>,
    low: &LowValueTax,
    used: &mut Used<'_>,
    charges: &mut Vec<Charge>,
) -> Result<(), LandedCostRefusal> {
    let known = used.note(&low.info)?;
    let value = line.ask.value;
    let price = value.scaled(1, i128::from(line.ask.pieces))?;
    let formula = FormulaKind::AtTheSale { price, limit: low.piece_at_most };
    let numbers = (value, low.rate, value.at(low.rate)?);
    charges.push(line.charge(ChargeKind::Lvg, numbers, formula, &low.info, known));
    Ok(())
}
