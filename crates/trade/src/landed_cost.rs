//! What an order costs to the door: goods, freight, and each import charge with its base, rate and rule.

mod charges;
mod compound;
mod goods;
mod options;
mod since;

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode};
use crate::hs_edition::HsEdition;
use crate::money::{Currency, FxRate, Money, MoneyError, Rate};
use crate::quantity::{Content, Grams};
use crate::rulebook::{
    Basis, DutyRate, FlatPer, Knowledge, Limit, Measure, Mode, NoPlan, OverLimit, Per, Planned, Regime, Relief, RuleId,
    RuleInfo, Rulebook, Scope, Stance, Threshold, Treatment, When,
};
pub use crate::rulebook::{ChargeKind, Collected, Liable};
use goods::Line;
pub use options::{CostOption, Needs, options};
pub use since::{Changed, changed};

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
    /// By what the goods travel.
    pub mode: Mode,
    /// The member state of destination, where the territory is a union of states.
    pub member: Option<Country>,
    /// Whether who sells is registered for the taxes taken at the sale; none where that is as the pack has it:
    /// registered where the pack states a number.
    pub registered: Option<bool>,
    /// What else comes for the same person and is counted together with this, on the same day or on the same flight,
    /// by the basis of the threshold that counts it.
    pub alongside: Option<Money>,
    /// The preference that is asked for, by its rule.
    pub preference: Option<&'a str>,
}

impl<'a> LandedCostAsk<'a> {
    /// An order by air of which nothing else is known.
    #[must_use]
    pub const fn new(date: Date, regime: Regime, lines: &'a [AskLine], freight: Money, stance: &'a Stance) -> Self {
        Self {
            date,
            regime,
            lines,
            freight,
            year_used: None,
            stance,
            mode: Mode::Air,
            member: None,
            registered: None,
            alongside: None,
            preference: None,
        }
    }
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
    pub origin: Option<Country>,
    /// Net weight of one piece.
    pub net: Option<Grams>,
}

/// The price to the door, every part of it explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedCost {
    pub goods: Money,
    pub freight: Money,
    /// What the limits and taxes are counted on.
    pub taxable: Money,
    /// By line, and within it in the order of [`ChargeKind`]; then those of the whole parcel.
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
    /// The rates of exchange by which thresholds and charges in other currencies were counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchange: Vec<FxRate>,
    /// The preference by which a duty was lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<RuleId>,
}

/// A rule that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleUse {
    pub rule: RuleId,
    pub knowledge: Knowledge,
}

/// One duty, tax or fee: `amount` follows from `base` by `formula`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The line of the order, from 0; none where it is of the whole parcel.
    pub line: Option<u32>,
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
    #[serde(default, skip_serializing_if = "Collected::is_border")]
    pub at: Collected,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_by: Option<Liable>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_by: Option<Liable>,
}

/// How the amount of a charge follows from its base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum FormulaKind {
    /// Not levied on orders within the limits.
    NotLevied,
    /// The line's tax is base × (ct + vat) / (1 − ct) × share, rounded once; this charge is its part
    /// by the weights ct and vat.
    CompositePart { vat: Rate, consumption_tax: Rate, share: Rate, line_tax: Money },
    /// As [`Self::CompositePart`], with what the tax takes for a volume or a mass: the line's tax is
    /// (base × (ct + vat) + specific × (1 + vat)) / (1 − ct) × share, rounded once, of which the VAT is
    /// (base + specific) × vat / (1 − ct) × share and the rest is consumption tax. `rate` is the specific one;
    /// grams or millilitres are of all pieces together.
    CompositeCompound {
        vat: Rate,
        consumption_tax: Rate,
        share: Rate,
        rate: DutyRate,
        grams: Option<i64>,
        millilitres: Option<i64>,
        line_tax: Money,
    },
    /// base × rate.
    AdValorem,
    /// base × top / bottom × rate: only a part of the base is taxed.
    PartOfBase { top: i64, bottom: i64 },
    /// The rate counts quantities: of all pieces together, net grams and millilitres of contents.
    /// `alcohol`: where the rate counts it, in thousandths of a millilitre.
    ByRate {
        rate: DutyRate,
        grams: Option<i64>,
        millilitres: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alcohol: Option<i64>,
        pieces: i64,
    },
    /// base / (1 − rate) × rate: the tax is part of its own base.
    InsideItsBase,
    /// (base + specific) / (1 − rate) × rate + specific: the same with an amount for a volume or a mass. `specific`
    /// is so much for so many grams or millilitres of all pieces together.
    InsideCompound { specific: DutyRate, grams: Option<i64>, millilitres: Option<i64> },
    /// The same amount for each of `count`.
    Flat { amount: Money, per: FlatPer, count: i64 },
    /// Counted with an earlier line of the same subheading.
    WithLine { line: u32 },
    /// base × rate, less the duties already levied.
    TopUp { already: Money },
    /// What `worked` came to, held between a least and a most.
    Bounded { worked: Money },
    /// Not due: the price of a unit, rounded for display, is below the threshold.
    BelowThreshold { per: Per, price: Money, threshold: Money },
    /// Nothing: the border relieves a parcel whose value is within the limit. The limit is in the currency
    /// in which the law states it.
    Relieved { value: Money, limit: Money, basis: Basis },
    /// base × rate, taken at the sale since the value is within the limit: of a piece, rounded for display, or
    /// of the parcel.
    AtTheSale { price: Money, limit: Money, basis: Basis },
    /// Nothing: these goods bore their tax at the sale.
    TakenAtTheSale,
    /// Nothing: another charge, by its rule, stands in its place.
    InsteadOf { rule: RuleId },
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
    /// No code of the nomenclature in force on the day; `instead` came in its place, where that is known.
    HsNotInEdition {
        line: u32,
        hs: HsCode,
        edition: u32,
        instead: Vec<HsCode>,
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
    /// A rate counts what is not told of the goods: their net weight, their contents by volume, or their alcohol.
    QuantityMissing {
        line: u32,
        hs: HsCode,
        measure: Measure,
        rule: RuleId,
    },
    /// What is charged depends on where the goods were made.
    OriginMissing {
        line: u32,
        hs: HsCode,
        rule: RuleId,
    },
    /// The rules tell apart what these digits do not. A code is never filled up.
    CodeTooShort {
        line: u32,
        hs: HsCode,
        digits: u32,
        rule: RuleId,
    },
    /// The territory is a union of states, and taxes differ.
    MemberMissing {
        territory: Country,
    },
    NotAMember {
        territory: Country,
        member: Country,
    },
    /// A rule states an amount in a currency that no rate of exchange leads to.
    ExchangeMissing {
        from: Currency,
        to: Currency,
        rule: RuleId,
    },
    /// No rule of this kind fits the goods, and nothing is taken for zero.
    NoChargeFits {
        line: u32,
        hs: HsCode,
        charge: ChargeKind,
    },
    /// The pack has no such preference on the date.
    PreferenceUnknown {
        preference: String,
    },
    /// It does not lower the duty of any of these goods, as far as is known here.
    PreferenceOfNoUse {
        preference: RuleId,
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
/// Freight is split over the lines by their values ([`Money::split`]); the customs value of a line is its value
/// with or without its share, as the regime's `tax-base` has it. Checks run in this order, and the first that
/// fails refuses: the form of the request (lines, currency, pieces, values, contents, freight, yearly use, member
/// state); the regime and its rules on the date; the preference; the single limit; the yearly limit; then line by
/// line the positive list where the regime has one, and each charge in the order of [`ChargeKind`] with its rates;
/// that every line has an answer to what the regime must answer. What the border relieves needs no rates. An
/// unverified rule is refused in production where it is first needed.
///
/// # Errors
/// The first check that fails, with its values.
pub fn landed_cost(book: &Rulebook, ask: &LandedCostAsk<'_>) -> Result<LandedCost, LandedCostRefusal> {
    check_form(book, ask)?;
    let rules = book.planned(ask.regime, ask.date).map_err(|none| no_plan(book, ask, none))?;
    let mut used = Used { stance: ask.stance, rules: Vec::with_capacity(12), exchange: Vec::new() };
    let goods = ask.lines.iter().try_fold(Money::zero(book.currency), |sum, line| sum.plus(line.value))?;
    let with_freight = goods.plus(ask.freight)?;
    let base = rules.base();
    let mut order = Order { book, ask, rules, goods, with_freight, known: Knowledge::Sourced, preference: None };
    order.known = used.note(&base.info)?;
    order.preference = charges::preference(&order, &mut used)?;
    let limited = limits(&order, &mut used)?;
    order.known = order.known.max(limited.known);

    let mut answer = charges::Answer { charges: Vec::with_capacity(ask.lines.len() * 3), lowered: false };
    let plan = charges::of_order(&order, limited.treatment, &mut used)?;
    let shares = split_freight(ask.freight, ask.lines)?;
    let mut relieved = true;
    for (at, line) in ask.lines.iter().enumerate() {
        let share = shares.get(at).copied().unwrap_or(ask.freight);
        let line = Line::new(&order, at, line, share)?;
        relieved &= charges::of_line(&order, &plan, &line, &mut used, &mut answer)?;
    }
    charges::of_parcel(&order, &plan, &mut used, &mut answer)?;

    let charges = answer.charges;
    let tax = charges.iter().try_fold(Money::zero(book.currency), |sum, charge| sum.plus(charge.amount))?;
    let treatment = match limited.treatment {
        None if relieved => Treatment::Relief,
        None => Treatment::Full,
        Some(treatment) => treatment,
    };
    let preference = order.preference.filter(|_| answer.lowered).map(|preference| preference.info.id.clone());
    if let (Some(asked), None) = (order.preference, &preference) {
        return Err(LandedCostRefusal::PreferenceOfNoUse { preference: asked.info.id.clone() });
    }
    let registration = plan.registration(&charges);
    Ok(LandedCost {
        goods,
        freight: ask.freight,
        taxable: order.value_of(base.basis),
        charges,
        tax,
        total: with_freight.plus(tax)?,
        treatment,
        knowledge: used.worst(),
        rests_on: used.rest(),
        pack: book.digest.clone(),
        registration,
        exchange: used.exchange.into_iter().cloned().collect(),
        preference,
    })
}

fn no_plan(book: &Rulebook, ask: &LandedCostAsk<'_>, none: NoPlan) -> LandedCostRefusal {
    let territory = book.territory;
    match none {
        NoPlan::Regime => LandedCostRefusal::RegimeUnknown { territory, regime: ask.regime },
        NoPlan::Date(rule) => LandedCostRefusal::NoRuleOnDate { territory, date: ask.date, rule },
    }
}

fn check_form(book: &Rulebook, ask: &LandedCostAsk<'_>) -> Result<(), LandedCostRefusal> {
    if ask.lines.is_empty() {
        return Err(LandedCostRefusal::NoLines);
    }
    if ask.lines.len() > MOST_LINES {
        return Err(LandedCostRefusal::TooManyLines { lines: ask.lines.len(), most: MOST_LINES });
    }
    let amounts = ask.lines.iter().map(|line| line.value).chain([ask.freight]);
    for amount in amounts.chain(ask.year_used).chain(ask.alongside) {
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
        if let Some(edition) = HsEdition::on(ask.date).filter(|edition| !edition.has(&asked.hs)) {
            let (hs, instead) = (asked.hs.clone(), edition.instead_of(&asked.hs).to_vec());
            return Err(LandedCostRefusal::HsNotInEdition { line, hs, edition: edition.year, instead });
        }
    }
    if ask.freight.minor() < 0 {
        return Err(LandedCostRefusal::FreightNegative { freight: ask.freight });
    }
    if let Some(used) = ask.year_used.into_iter().chain(ask.alongside).find(|used| used.minor() < 0) {
        return Err(LandedCostRefusal::YearUsedNegative { used });
    }
    let territory = book.territory;
    match ask.member {
        None if !book.members.is_empty() => Err(LandedCostRefusal::MemberMissing { territory }),
        Some(member) if !book.members.is_empty() && !book.members.contains(&member) => {
            Err(LandedCostRefusal::NotAMember { territory, member })
        }
        _ => Ok(()),
    }
}

/// An order with all that its charges rest on.
struct Order<'a> {
    book: &'a Rulebook,
    ask: &'a LandedCostAsk<'a>,
    rules: Planned<'a>,
    goods: Money,
    with_freight: Money,
    /// The worst of the rules that rule the order as a whole.
    known: Knowledge,
    preference: Option<&'a crate::rulebook::Preference>,
}

impl<'a> Order<'a> {
    fn value_of(&self, basis: Basis) -> Money {
        match basis {
            Basis::Goods | Basis::Item => self.goods,
            Basis::GoodsAndFreight => self.with_freight,
        }
    }

    /// The value that a threshold over a whole order counts.
    fn counted(&self, threshold: &Threshold) -> Result<Money, MoneyError> {
        let value = self.value_of(threshold.basis);
        match (threshold.scope, self.ask.alongside) {
            (Scope::PersonDay | Scope::ConsigneeFlight, Some(more)) => value.plus(more),
            _ => Ok(value),
        }
    }

    /// How a value, `count` times smaller, compares with an amount in whatever currency. Nothing is rounded.
    fn holds(
        &self,
        (value, count): (Money, i64),
        threshold: &Threshold,
        rule: &RuleInfo,
        used: &mut Used<'a>,
    ) -> Result<bool, LandedCostRefusal> {
        let (from, to) = (threshold.amount.currency(), value.currency());
        let order = if from == to {
            let limit = i128::from(threshold.amount.minor()) * i128::from(count);
            i128::from(value.minor()).cmp(&limit)
        } else {
            let factor = self.exchange(from, to, rule, used)?;
            let limit = crate::exact::Exact::whole(threshold.amount.minor()).times(factor)?;
            crate::exact::Exact::new(i128::from(value.minor()), i128::from(count))?.compare(limit)?
        };
        Ok(threshold.compare.holds(order))
    }

    fn exchange(
        &self,
        from: Currency,
        to: Currency,
        rule: &RuleInfo,
        used: &mut Used<'a>,
    ) -> Result<crate::exact::Exact, LandedCostRefusal> {
        let missing = || LandedCostRefusal::ExchangeMissing { from, to, rule: rule.id.clone() };
        let (factor, rates) = self.rules.exchange().by(from, to).ok_or_else(missing)?;
        for rate in rates {
            if !used.exchange.contains(&rate) {
                used.exchange.push(rate);
            }
        }
        Ok(factor)
    }

    fn fits_apart_from_value(&self, when: &When) -> bool {
        (when.members.is_empty() || self.ask.member.is_some_and(|member| when.members.contains(&member)))
            && (when.modes.is_empty() || when.modes.contains(&self.ask.mode))
    }

    /// Whether what concerns the order as a whole is fulfilled: its treatment, where it goes and how, its value.
    fn fits(
        &self,
        when: &When,
        treatment: Option<Treatment>,
        rule: &RuleInfo,
        used: &mut Used<'a>,
    ) -> Result<bool, LandedCostRefusal> {
        let within = treatment.unwrap_or(Treatment::Full);
        let treated = when.treatments.is_empty() || when.treatments.contains(&within);
        if !treated || !self.fits_apart_from_value(when) {
            return Ok(false);
        }
        for threshold in when.values.iter().filter(|threshold| threshold.basis != Basis::Item) {
            if !self.holds((self.counted(threshold)?, 1), threshold, rule, used)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The rules used so far, each once, and the rates of exchange.
struct Used<'a> {
    stance: &'a Stance,
    rules: Vec<&'a RuleInfo>,
    exchange: Vec<&'a FxRate>,
}

impl<'a> Used<'a> {
    /// Notes that a rule is used and gives its state of knowledge, or refuses to use it.
    fn note(&mut self, rule: &'a RuleInfo) -> Result<Knowledge, LandedCostRefusal> {
        if self.rules.iter().any(|used| std::ptr::eq(*used, rule)) {
            return Ok(rule.knowledge);
        }
        if !self.stance.allows(rule) {
            let rule_id = rule.id.clone();
            return Err(match rule.knowledge {
                Knowledge::Unknown => LandedCostRefusal::RuleUnknown { rule: rule_id },
                _ => LandedCostRefusal::UnverifiedRefused { rule: rule_id },
            });
        }
        self.rules.push(rule);
        Ok(rule.knowledge)
    }

    fn worst(&self) -> Knowledge {
        self.rules.iter().map(|rule| rule.knowledge).max().unwrap_or(Knowledge::Sourced)
    }

    fn rest(&self) -> Vec<RuleUse> {
        self.rules.iter().map(|rule| RuleUse { rule: rule.id.clone(), knowledge: rule.knowledge }).collect()
    }
}

/// How an order stands to the limits of its regime.
struct Limited {
    /// None where the regime has no limit for one order.
    treatment: Option<Treatment>,
    known: Knowledge,
}

/// Tests the limits. An order over the single limit passes only as one piece, where the rule says so.
fn limits<'a>(order: &Order<'a>, used: &mut Used<'a>) -> Result<Limited, LandedCostRefusal> {
    let mut limited = Limited { treatment: None, known: Knowledge::Sourced };
    if let Some(single) = order.rules.single() {
        limited.known = used.note(&single.info)?;
        let value = order.value_of(single.basis);
        let one_piece = matches!(order.ask.lines, [AskLine { pieces: 1, .. }]);
        limited.treatment = Some(if single.covers(value) {
            Treatment::WithinLimits
        } else if one_piece && single.over == OverLimit::OnePieceTaxedInFull {
            Treatment::OverSingleLimitInFull
        } else {
            let (limit, rule) = (single.amount, single.info.id.clone());
            return Err(LandedCostRefusal::OverSingleLimit { taxable: value, limit, rule });
        });
    }
    if let (Some(annual), Some(already)) = (order.rules.annual(), order.ask.year_used) {
        limited.known = limited.known.max(used.note(&annual.info)?);
        within_year(annual, order.value_of(annual.basis), already)?;
    }
    Ok(limited)
}

fn within_year(annual: &Limit, taxable: Money, used: Money) -> Result<(), LandedCostRefusal> {
    if annual.covers(used.plus(taxable)?) {
        return Ok(());
    }
    let (limit, rule) = (annual.amount, annual.info.id.clone());
    Err(LandedCostRefusal::OverAnnualLimit { taxable, used, limit, rule })
}

/// The freight of each line, by the lines' values; empty where one line bears it all.
fn split_freight(freight: Money, lines: &[AskLine]) -> Result<Vec<Money>, MoneyError> {
    if lines.len() == 1 {
        return Ok(Vec::new());
    }
    let weights: Vec<i64> = lines.iter().map(|line| line.value.minor()).collect();
    freight.split(&weights)
}

/// The reliefs that an order as a whole fulfils, each with the value that it counts.
type Reliefs<'a> = Vec<(&'a Relief, Money)>;

#[cfg(test)]
mod forms;
#[cfg(test)]
mod tests;
