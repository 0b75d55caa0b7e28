//! What an order costs to the door: goods, freight, and each import tax with its base, rate and rule.

mod charges;

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode};
use crate::money::{Currency, Money, MoneyError, Rate};
use crate::quantity::Content;
use crate::rulebook::{
    Basis, Knowledge, Limit, LimitScope, LowValueTax, OverLimit, Per, PositiveList, Regime, Relief, RuleId, RuleInfo,
    Rulebook, Stance, TaxBase, TaxFormula, TaxRule, Treatment,
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
    /// By line, and within it duty, consumption tax, VAT or sales tax, low value goods tax.
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
    /// Where a tax was taken at the sale: the number under which the marketplace is registered for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Arc<str>>,
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
    /// Sales tax on import.
    SalesTax,
    /// Sales tax on low value goods, taken at the sale.
    Lvg,
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
    /// Nothing: the border relieves a parcel whose value is at most the limit.
    Relieved { value: Money, limit: Money },
    /// base × rate, taken at the sale since a piece, its price rounded for display, is within the limit.
    AtTheSale { price: Money, limit: Money },
    /// Nothing: these goods bore their sales tax at the sale.
    TakenAtTheSale,
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
/// rules on the date; the single limit; the yearly limit; then line by line the positive list where the
/// regime has one, the rates, the consumption tax. What the border relieves needs no rates. An unverified rule is refused in production where it is first needed.
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

    let to_split = if rules.base.basis == Basis::Goods { Money::zero(book.currency) } else { ask.freight };
    let shares = split_freight(to_split, ask.lines)?;
    let mut charges = Vec::with_capacity(ask.lines.len() * 3);
    for (at, line) in ask.lines.iter().enumerate() {
        let relief = rules.relief.map(|relief| (relief, value_of(relief.basis)));
        let tax_rule = rules.tax(book, of_line(treatment, relief, line))?;
        let share = shares.get(at).copied().unwrap_or(to_split);
        let priced = Line {
            number: u32::try_from(at).unwrap_or(u32::MAX),
            base: line.value.plus(share)?,
            ask: line,
            known: whole.max(used.note(&tax_rule.info)?),
        };
        let low = rules.low_value.filter(|low| low.bears(&line.hs, line.pieces, line.value));
        match (tax_rule.formula, relief) {
            (TaxFormula::Relief, Some(relief)) => charges::relieved(&priced, relief, low.is_some(), &mut charges),
            (TaxFormula::Relief, None) => return Err(rules.unknown()),
            (formula, _) => {
                let rates = charges::line_rates(book, &rules, ask, &priced, &mut used)?;
                match formula {
                    TaxFormula::Composite { share } => {
                        charges::composite(&priced, &rates, tax_rule, share, &mut charges)?;
                    }
                    TaxFormula::DutyAndSalesTax => {
                        let low = low.map(|low| &*low.info);
                        charges::duty_and_sales_tax(&priced, &rates, low, &mut used, &mut charges)?;
                    }
                    TaxFormula::Full | TaxFormula::Relief => {
                        charges::in_full(&priced, &rates, &mut used, &mut charges)?;
                    }
                }
            }
        }
        if let Some(low) = low {
            charges::at_the_sale(&priced, low, &mut used, &mut charges)?;
        }
    }

    let tax = charges.iter().try_fold(Money::zero(book.currency), |sum, charge| sum.plus(charge.amount))?;
    let knowledge = used.rules.iter().map(|rule| rule.knowledge).max().unwrap_or(Knowledge::Sourced);
    let at_the_sale = charges.iter().any(|charge| charge.kind == ChargeKind::Lvg);
    let registration = rules.low_value.filter(|_| at_the_sale).map(|low| low.registration.clone());
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
        registration,
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
    /// None where the regime has no limit for one order.
    pub single: Option<&'a Limit>,
    /// None where it has no yearly limit.
    pub annual: Option<&'a Limit>,
    /// None where the border relieves nothing.
    pub relief: Option<&'a Relief>,
    /// None where nothing is taxed at the sale.
    pub low_value: Option<&'a LowValueTax>,
}

/// Of the rules of one regime the one that holds on the date. None where there are none at all; where
/// there are, but none holds, nobody can say what holds.
fn holding<'a, T>(
    mut of_regime: impl Iterator<Item = &'a T> + Clone,
    info: impl Fn(&T) -> &RuleInfo,
    date: Date,
    not_on: impl Fn(&RuleInfo) -> LandedCostRefusal,
) -> Result<Option<&'a T>, LandedCostRefusal> {
    let Some(any) = of_regime.clone().next() else { return Ok(None) };
    of_regime.find(|rule| info(rule).holds_on(date)).map(Some).ok_or_else(|| not_on(info(any)))
}

impl<'a> RegimeRules<'a> {
    pub fn on(book: &'a Rulebook, regime: Regime, date: Date) -> Result<Self, LandedCostRefusal> {
        let territory = book.territory;
        let not_on = |info: &RuleInfo| LandedCostRefusal::NoRuleOnDate { territory, date, rule: info.id.clone() };
        let bases = book.bases.iter().filter(|base| base.regime == regime);
        let base = holding(bases, |base| &base.info, date, not_on)?;
        let base = base.ok_or(LandedCostRefusal::RegimeUnknown { territory, regime })?;
        let limit = |scope| {
            let scoped = book.limits.iter().filter(move |limit| limit.regime == regime && limit.scope == scope);
            holding(scoped, |limit| &limit.info, date, not_on)
        };
        let (single, annual) = (limit(LimitScope::Order)?, limit(LimitScope::PersonYear)?);
        let reliefs = book.reliefs.iter().filter(|relief| relief.regime == regime);
        let relief = holding(reliefs, |relief| &relief.info, date, not_on)?;
        // Before its first day nothing was taxed at the sale.
        let mut low = book.low_value_taxes.iter().filter(|tax| tax.regime == regime);
        let low_value = low.find(|tax| tax.info.holds_on(date));
        Ok(Self { territory, regime, date, base, single, annual, relief, low_value })
    }

    pub fn tax(&self, book: &'a Rulebook, treatment: Treatment) -> Result<&'a TaxRule, LandedCostRefusal> {
        let fits = |tax: &&TaxRule| tax.regime == self.regime && tax.treatment == treatment;
        let Some(any) = book.taxes.iter().find(fits) else {
            return Err(self.unknown());
        };
        book.taxes.iter().filter(fits).find(|tax| tax.info.holds_on(self.date)).ok_or_else(|| {
            LandedCostRefusal::NoRuleOnDate { territory: self.territory, date: self.date, rule: any.info.id.clone() }
        })
    }

    /// The pack has no rules for this regime, or not all.
    fn unknown(&self) -> LandedCostRefusal {
        LandedCostRefusal::RegimeUnknown { territory: self.territory, regime: self.regime }
    }

    /// How goods are taxed in an order that says nothing but that these are in it.
    pub fn usual(&self, hs: &HsCode) -> Treatment {
        match (self.single, self.relief) {
            (Some(_), _) => Treatment::WithinLimits,
            (None, Some(relief)) if !relief.excludes(hs) => Treatment::Relief,
            (None, _) => Treatment::Full,
        }
    }

    /// Whether only what stands on a list passes under the regime.
    pub fn has_list(&self, book: &Rulebook) -> bool {
        book.lists.iter().any(|list| list.regime == self.regime)
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

/// How one line of an order is taxed: where the border relieves, goods that are excluded stand beside
/// others that are not.
fn of_line(order: Treatment, relief: Option<(&Relief, Money)>, line: &AskLine) -> Treatment {
    match (order, relief) {
        (Treatment::Relief | Treatment::Full, Some((relief, value))) => {
            if relief.covers(&line.hs, value) {
                Treatment::Relief
            } else {
                Treatment::Full
            }
        }
        (order, _) => order,
    }
}

/// Tests the limits and the relief. An order over the single limit passes only as one piece, where the
/// rule says so.
fn treatment(
    rules: &RegimeRules<'_>,
    ask: &LandedCostAsk<'_>,
    value_of: impl Fn(Basis) -> Money,
    used: &mut Used<'_>,
) -> Result<(Treatment, Knowledge), LandedCostRefusal> {
    let mut known = Knowledge::Sourced;
    let treatment = if let Some(single) = rules.single {
        known = used.note(&single.info)?;
        let value = value_of(single.basis);
        let one_piece = matches!(ask.lines, [AskLine { pieces: 1, .. }]);
        if single.covers(value) {
            Treatment::WithinLimits
        } else if one_piece && single.over == OverLimit::OnePieceTaxedInFull {
            Treatment::OverSingleLimitInFull
        } else {
            let (limit, rule) = (single.amount, single.info.id.clone());
            return Err(LandedCostRefusal::OverSingleLimit { taxable: value, limit, rule });
        }
    } else if let Some(relief) = rules.relief {
        known = used.note(&relief.info)?;
        let value = value_of(relief.basis);
        if ask.lines.iter().all(|line| relief.covers(&line.hs, value)) { Treatment::Relief } else { Treatment::Full }
    } else {
        Treatment::Full
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

#[cfg(test)]
mod tests;
