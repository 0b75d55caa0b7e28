//! What an order costs to the door: goods, freight, and each import tax with its base, rate and rule.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode};
use crate::money::{Currency, Money, MoneyError, Rate};
use crate::quantity::Content;
use crate::rulebook::{
    Basis, ConsumptionTax, Knowledge, Limit, LimitScope, OverLimit, Per, PositiveList, Regime, RuleId, RuleInfo,
    Rulebook, Stance, TariffRow, TaxBase, TaxFormula, TaxRule, Treatment,
};

/// The most lines of one order: a parcel for a consumer does not hold more kinds of goods.
pub const MOST_LINES: usize = 200;
/// The most pieces of one line, for the same reason.
pub const MOST_PIECES: i64 = 1_000_000;

/// What is asked: all amounts in the currency of the importing territory.
#[derive(Clone, Copy, Debug)]
pub struct LandedCostAsk<'a> {
    /// The legal date of the import, which chooses the rules.
    pub date: Date,
    pub regime: Regime,
    pub lines: &'a [AskLine],
    /// Freight and insurance of the whole parcel.
    pub freight: Money,
    /// What the buyer has used of the yearly limit; none where the buyer is not known yet, and then
    /// the yearly limit is not tested.
    pub year_used: Option<Money>,
    pub stance: &'a Stance,
}

/// One kind of goods of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskLine {
    pub hs: HsCode,
    pub pieces: i64,
    /// Of all pieces together.
    pub value: Money,
    /// Net contents of one piece.
    pub content: Option<Content>,
}

/// The price to the door, every part of it explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedCost {
    pub goods: Money,
    pub freight: Money,
    /// What the limits and taxes are counted on.
    pub taxable: Money,
    /// By line, and within it duty, consumption tax, VAT.
    pub charges: Vec<Charge>,
    /// The sum of all charges.
    pub tax: Money,
    /// Goods, freight and tax.
    pub total: Money,
    pub treatment: Treatment,
    /// Every rule that the answer rests on, each once, in the order in which it was used.
    pub rests_on: Vec<RuleUse>,
    /// Digest of the pack.
    pub pack: Arc<str>,
    /// The worst of all rules used.
    pub knowledge: Knowledge,
}

/// A rule that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleUse {
    pub rule: RuleId,
    pub knowledge: Knowledge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    Duty,
    ConsumptionTax,
    Vat,
}

/// One duty or tax of one line: `amount` follows from `base` by `formula`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The line of the order, from 0.
    pub line: u32,
    pub kind: ChargeKind,
    pub base: Money,
    /// For display; the amount is never computed from it.
    pub rate: Rate,
    pub formula: FormulaKind,
    pub amount: Money,
    pub rule: RuleId,
    pub source: Arc<str>,
    /// The worst of the rules that this charge rests on.
    pub knowledge: Knowledge,
}

/// How the amount of a charge follows from its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum FormulaKind {
    /// Not levied on orders within the limits.
    NotLevied,
    /// The line's tax is base × (ct + vat) / (1 − ct) × share, rounded once; this charge is its part
    /// by the weights ct and vat.
    CompositePart { vat: Rate, consumption_tax: Rate, share: Rate, line_tax: Money },
    /// base × rate.
    AdValorem,
    /// base / (1 − rate) × rate: the tax is part of its own base.
    InsideItsBase,
    /// Not due: the price of a unit, rounded for display, is below the threshold.
    BelowThreshold { per: Per, price: Money, threshold: Money },
}

/// Why no landed cost can be given. `line` counts from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum LandedCostRefusal {
    NoLines,
    TooManyLines {
        lines: usize,
        most: usize,
    },
    WrongCurrency {
        expected: Currency,
        got: Currency,
    },
    PiecesOutOfRange {
        line: u32,
        pieces: i64,
        most: i64,
    },
    ValueNotPositive {
        line: u32,
        value: Money,
    },
    ContentNotPositive {
        line: u32,
        content: Content,
    },
    FreightNegative {
        freight: Money,
    },
    YearUsedNegative {
        used: Money,
    },
    AmountTooLarge,
    /// The pack has no rules for this regime.
    RegimeUnknown {
        territory: Country,
        regime: Regime,
    },
    /// It has, but none that holds on the date.
    NoRuleOnDate {
        territory: Country,
        date: Date,
        rule: RuleId,
    },
    OverSingleLimit {
        taxable: Money,
        limit: Money,
        rule: RuleId,
    },
    OverAnnualLimit {
        taxable: Money,
        used: Money,
        limit: Money,
        rule: RuleId,
    },
    /// Not known to be admitted under the regime.
    ListUnknown {
        line: u32,
        hs: HsCode,
    },
    /// No duty, VAT or consumption tax is known; `rule` names what is known to be unknown.
    RateUnknown {
        line: u32,
        hs: HsCode,
        rule: Option<RuleId>,
    },
    /// The tax depends on the contents of a piece, in a unit that the rule counts.
    ContentMissing {
        line: u32,
        hs: HsCode,
        rule: RuleId,
    },
    /// A rule of the regime itself is known to be unknown.
    RuleUnknown {
        rule: RuleId,
    },
    /// In production, and the operator has not accepted the rule.
    UnverifiedRefused {
        rule: RuleId,
    },
}

impl fmt::Display for LandedCostRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for LandedCostRefusal {}

impl From<MoneyError> for LandedCostRefusal {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch { left, right } => Self::WrongCurrency { expected: left, got: right },
            _ => Self::AmountTooLarge,
        }
    }
}

/// Computes the price to the door of one order.
///
/// Freight is split over the lines by their values ([`Money::split`]); the taxable base of a line is
/// its value with its share. Checks run in this order, and the first that fails refuses: the form of
/// the request (lines, currency, pieces, values, contents, freight, yearly use); the regime and its
/// rules on the date; the single limit; the yearly limit; then line by line the positive list, the
/// rates, the consumption tax. An unverified rule is refused in production where it is first needed.
///
/// # Errors
/// The first check that fails, with its values.
pub fn landed_cost(book: &Rulebook, ask: &LandedCostAsk<'_>) -> Result<LandedCost, LandedCostRefusal> {
    check_form(book, ask)?;
    let rules = RegimeRules::on(book, ask.regime, ask.date)?;
    let mut used = Used { stance: ask.stance, rules: Vec::with_capacity(8) };

    let goods = ask.lines.iter().try_fold(Money::zero(book.currency), |sum, line| sum.plus(line.value))?;
    let with_freight = goods.plus(ask.freight)?;
    let value_of = |basis| if basis == Basis::Goods { goods } else { with_freight };
    let taxable = value_of(rules.base.basis);
    let mut whole = used.note(&rules.base.info)?;
    let (treatment, known) = treatment(&rules, ask, value_of, &mut used)?;
    whole = whole.max(known);
    let tax_rule = rules.tax(book, treatment)?;
    whole = whole.max(used.note(&tax_rule.info)?);

    let to_split = if rules.base.basis == Basis::Goods { Money::zero(book.currency) } else { ask.freight };
    let shares = split_freight(to_split, ask.lines)?;
    let mut charges = Vec::with_capacity(ask.lines.len() * 3);
    for (at, line) in ask.lines.iter().enumerate() {
        let share = shares.get(at).copied().unwrap_or(to_split);
        let priced = Line {
            number: u32::try_from(at).unwrap_or(u32::MAX),
            base: line.value.plus(share)?,
            ask: line,
            known: whole,
        };
        let rates = line_rates(book, &rules, ask, &priced, &mut used)?;
        match tax_rule.formula {
            TaxFormula::Composite { share } => composite(&priced, &rates, tax_rule, share, &mut charges)?,
            TaxFormula::Full => in_full(&priced, &rates, &mut used, &mut charges)?,
        }
    }

    let tax = charges.iter().try_fold(Money::zero(book.currency), |sum, charge| sum.plus(charge.amount))?;
    let knowledge = used.rules.iter().map(|rule| rule.knowledge).max().unwrap_or(Knowledge::Sourced);
    Ok(LandedCost {
        goods,
        freight: ask.freight,
        taxable,
        charges,
        tax,
        total: with_freight.plus(tax)?,
        treatment,
        rests_on: used.rules,
        pack: book.digest.clone(),
        knowledge,
    })
}

fn check_form(book: &Rulebook, ask: &LandedCostAsk<'_>) -> Result<(), LandedCostRefusal> {
    if ask.lines.is_empty() {
        return Err(LandedCostRefusal::NoLines);
    }
    if ask.lines.len() > MOST_LINES {
        return Err(LandedCostRefusal::TooManyLines { lines: ask.lines.len(), most: MOST_LINES });
    }
    let amounts = ask.lines.iter().map(|line| line.value).chain([ask.freight]).chain(ask.year_used);
    for amount in amounts {
        if amount.currency() != book.currency {
            return Err(LandedCostRefusal::WrongCurrency { expected: book.currency, got: amount.currency() });
        }
    }
    for (line, asked) in (0_u32..).zip(ask.lines) {
        if !(1..=MOST_PIECES).contains(&asked.pieces) {
            return Err(LandedCostRefusal::PiecesOutOfRange { line, pieces: asked.pieces, most: MOST_PIECES });
        }
        if !asked.value.is_positive() {
            return Err(LandedCostRefusal::ValueNotPositive { line, value: asked.value });
        }
        if let Some(content) = asked.content.filter(|content| content.milli < 1) {
            return Err(LandedCostRefusal::ContentNotPositive { line, content });
        }
    }
    if ask.freight.minor() < 0 {
        return Err(LandedCostRefusal::FreightNegative { freight: ask.freight });
    }
    match ask.year_used {
        Some(used) if used.minor() < 0 => Err(LandedCostRefusal::YearUsedNegative { used }),
        _ => Ok(()),
    }
}

/// The rules of one regime that hold on one date.
pub(crate) struct RegimeRules<'a> {
    territory: Country,
    regime: Regime,
    date: Date,
    pub base: &'a TaxBase,
    pub single: &'a Limit,
    /// None where the regime has no yearly limit.
    pub annual: Option<&'a Limit>,
}

impl<'a> RegimeRules<'a> {
    pub fn on(book: &'a Rulebook, regime: Regime, date: Date) -> Result<Self, LandedCostRefusal> {
        let territory = book.territory;
        let unknown = LandedCostRefusal::RegimeUnknown { territory, regime };
        let scoped = |scope| book.limits.iter().filter(move |limit| limit.regime == regime && limit.scope == scope);
        let bases = || book.bases.iter().filter(|base| base.regime == regime);
        let (Some(any_base), Some(any_limit)) = (bases().next(), scoped(LimitScope::Order).next()) else {
            return Err(unknown);
        };
        let not_on = |info: &RuleInfo| LandedCostRefusal::NoRuleOnDate { territory, date, rule: info.id.clone() };
        let base = bases().find(|base| base.info.holds_on(date)).ok_or_else(|| not_on(&any_base.info))?;
        let single =
            scoped(LimitScope::Order).find(|limit| limit.info.holds_on(date)).ok_or_else(|| not_on(&any_limit.info))?;
        let annual = match scoped(LimitScope::PersonYear).next() {
            None => None,
            Some(any) => Some(
                scoped(LimitScope::PersonYear)
                    .find(|limit| limit.info.holds_on(date))
                    .ok_or_else(|| not_on(&any.info))?,
            ),
        };
        Ok(Self { territory, regime, date, base, single, annual })
    }

    pub fn tax(&self, book: &'a Rulebook, treatment: Treatment) -> Result<&'a TaxRule, LandedCostRefusal> {
        let fits = |tax: &&TaxRule| tax.regime == self.regime && tax.treatment == treatment;
        let Some(any) = book.taxes.iter().find(fits) else {
            return Err(LandedCostRefusal::RegimeUnknown { territory: self.territory, regime: self.regime });
        };
        book.taxes.iter().filter(fits).find(|tax| tax.info.holds_on(self.date)).ok_or_else(|| {
            LandedCostRefusal::NoRuleOnDate { territory: self.territory, date: self.date, rule: any.info.id.clone() }
        })
    }

    /// The list that admits a code, the best known first.
    pub fn list(&self, book: &'a Rulebook, hs: &HsCode) -> Option<&'a PositiveList> {
        book.lists
            .iter()
            .filter(|list| list.regime == self.regime && list.info.holds_on(self.date) && list.has(hs))
            .min_by_key(|list| list.info.knowledge)
    }
}

/// The rules used so far, each once.
struct Used<'a> {
    stance: &'a Stance,
    rules: Vec<RuleUse>,
}

impl Used<'_> {
    /// Notes that a rule is used and gives its state of knowledge, or refuses to use it.
    fn note(&mut self, rule: &RuleInfo) -> Result<Knowledge, LandedCostRefusal> {
        if self.rules.iter().any(|used| used.rule == rule.id) {
            return Ok(rule.knowledge);
        }
        if !self.stance.allows(rule) {
            let rule_id = rule.id.clone();
            return Err(match rule.knowledge {
                Knowledge::Unknown => LandedCostRefusal::RuleUnknown { rule: rule_id },
                _ => LandedCostRefusal::UnverifiedRefused { rule: rule_id },
            });
        }
        self.rules.push(RuleUse { rule: rule.id.clone(), knowledge: rule.knowledge });
        Ok(rule.knowledge)
    }
}

/// Tests the limits. An order over the single limit passes only as one piece, where the rule says so.
fn treatment(
    rules: &RegimeRules<'_>,
    ask: &LandedCostAsk<'_>,
    value_of: impl Fn(Basis) -> Money,
    used: &mut Used<'_>,
) -> Result<(Treatment, Knowledge), LandedCostRefusal> {
    let single = rules.single;
    let mut known = used.note(&single.info)?;
    let value = value_of(single.basis);
    let one_piece = matches!(ask.lines, [AskLine { pieces: 1, .. }]);
    let treatment = if single.covers(value) {
        Treatment::WithinLimits
    } else if one_piece && single.over == OverLimit::OnePieceTaxedInFull {
        Treatment::OverSingleLimitInFull
    } else {
        return Err(LandedCostRefusal::OverSingleLimit {
            taxable: value,
            limit: single.amount,
            rule: single.info.id.clone(),
        });
    };
    if let (Some(annual), Some(already)) = (rules.annual, ask.year_used) {
        known = known.max(used.note(&annual.info)?);
        let value = value_of(annual.basis);
        if !annual.covers(already.plus(value)?) {
            return Err(LandedCostRefusal::OverAnnualLimit {
                taxable: value,
                used: already,
                limit: annual.amount,
                rule: annual.info.id.clone(),
            });
        }
    }
    Ok((treatment, known))
}

/// The freight of each line, by the lines' values; empty where one line bears it all.
fn split_freight(freight: Money, lines: &[AskLine]) -> Result<Vec<Money>, MoneyError> {
    if lines.len() == 1 {
        return Ok(Vec::new());
    }
    let weights: Vec<i64> = lines.iter().map(|line| line.value.minor()).collect();
    freight.split(&weights)
}

/// A line with what is taxed of it.
struct Line<'a> {
    number: u32,
    ask: &'a AskLine,
    base: Money,
    /// The worst of the rules that rule the order as a whole.
    known: Knowledge,
}

/// The rates of a line, and how well each is known.
struct LineRates<'a> {
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

fn line_rates<'a>(
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
    let list_unknown = || LandedCostRefusal::ListUnknown { line: line.number, hs: hs.clone() };
    let list = rules.list(book, hs).ok_or_else(list_unknown)?;
    if list.info.knowledge == Knowledge::Unknown {
        return Err(list_unknown());
    }
    let mut known = line.known.max(used.note(&list.info)?);

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
fn composite(
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
fn in_full(
    line: &Line<'_>,
    rates: &LineRates<'_>,
    used: &mut Used<'_>,
    charges: &mut Vec<Charge>,
) -> Result<(), LandedCostRefusal> {
    let table = &rates.row.table;
    let Some(duty_rate) = rates.row.duty else {
        let rule = Some(table.id.clone());
        return Err(LandedCostRefusal::RateUnknown { line: line.number, hs: line.ask.hs.clone(), rule });
    };
    let mut duty_known = rates.known;
    if let Some(choice) = &rates.row.duty_choice {
        duty_known = duty_known.max(used.note(choice)?);
    }
    let base = line.base;
    let duty = base.at(duty_rate)?;
    charges.push(line.charge(ChargeKind::Duty, (base, duty_rate, duty), FormulaKind::AdValorem, table, duty_known));

    let mut vat_base = base.plus(duty)?;
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

#[cfg(test)]
mod tests;
