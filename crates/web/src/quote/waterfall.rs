//! A quote as steps from the price of the goods to the price to the door, each explained.

use trade::landed_cost::{Charge, ChargeKind, FormulaKind};
use trade::money::{Money, format_fixed};
use trade::quote::Quote;
use trade::rulebook::{Knowledge, Per};

use crate::AppState;
use crate::page::Page;

/// One bar of the waterfall. Shares are per cent of the total with two digits, for the bar alone.
pub struct Step {
    pub name: String,
    /// How the amount came about.
    pub how: String,
    pub amount: Money,
    pub is_tax: bool,
    pub from: String,
    pub len: String,
    pub rule: Option<Rule>,
}

/// The rule that a charge rests on.
pub struct Rule {
    pub id: String,
    pub name: String,
    pub source: String,
    pub knowledge: Knowledge,
}

impl Rule {
    #[must_use]
    pub fn is_unverified(&self) -> bool {
        self.knowledge != Knowledge::Sourced
    }
}

/// Goods line by line, freight, then every charge. The amounts sum to the total.
#[must_use]
pub fn waterfall(app: &AppState, page: &Page, quote: &Quote) -> Vec<Step> {
    let mut steps = Steps { total: quote.landed.total, reached: 0, steps: Vec::new() };
    for line in &quote.lines {
        let how = page.w(
            "quote-goods-how",
            [("pieces", page.num(line.pieces)), ("price", page.money(line.unit_price)), ("rate", page.fx(&quote.fx))],
        );
        steps.add(line.name.clone(), how, line.value, false, None);
    }
    let how = page.w2("quote-freight-how", "weight", page.kg(quote.chargeable), "home", page.money(quote.freight_home));
    // Under CPT and DAP the carriage is in the seller's price already.
    let how = if quote.landed.freight.is_zero() { page.s("quote-freight-in-price") } else { how };
    steps.add(page.s("quote-freight"), how, quote.landed.freight, false, None);
    for charge in &quote.landed.charges {
        let name = charge_name(page, quote, charge);
        steps.add(name, formula(page, charge), charge.amount, true, Some(rule(app, page, quote, charge)));
    }
    steps.steps
}

struct Steps {
    total: Money,
    reached: i64,
    steps: Vec<Step>,
}

impl Steps {
    fn add(&mut self, name: String, how: String, amount: Money, is_tax: bool, rule: Option<Rule>) {
        let from = self.share(self.reached);
        let len = self.share(amount.minor());
        self.reached = self.reached.saturating_add(amount.minor());
        self.steps.push(Step { name, how, amount, is_tax, from, len, rule });
    }

    /// `minor` in per cent of the total, `12.34`.
    fn share(&self, minor: i64) -> String {
        let total = i128::from(self.total.minor().max(1));
        let share = (i128::from(minor) * 10_000).div_euclid(total);
        format_fixed(i64::try_from(share).unwrap_or(0), 2)
    }
}

fn charge_name(page: &Page, quote: &Quote, charge: &Charge) -> String {
    let kind = page.by("charge", kind_code(charge.kind));
    let line = usize::try_from(charge.line).ok().and_then(|at| quote.lines.get(at));
    match line {
        Some(line) if quote.lines.len() > 1 => page.w2("quote-charge-of", "charge", kind, "goods", &line.name),
        _ => kind,
    }
}

pub(crate) const fn kind_code(kind: ChargeKind) -> &'static str {
    match kind {
        ChargeKind::Duty => "duty",
        ChargeKind::ConsumptionTax => "consumption-tax",
        ChargeKind::Vat => "vat",
        ChargeKind::SalesTax => "sales-tax",
        ChargeKind::Lvg => "lvg",
    }
}

const fn per_code(per: Per) -> &'static str {
    match per {
        Per::Ml => "ml",
        Per::G => "g",
        Per::Piece => "piece",
        Per::Article => "article",
    }
}

/// The formula with its values, as anybody can work it again.
fn formula(page: &Page, charge: &Charge) -> String {
    let base = ("base", page.money(charge.base));
    match &charge.formula {
        FormulaKind::NotLevied => page.s("formula-not-levied"),
        FormulaKind::CompositePart { vat, consumption_tax, share, line_tax } => page.w(
            if consumption_tax.as_nano() == 0 { "formula-composite-vat" } else { "formula-composite" },
            [
                base,
                ("vat", page.percent(*vat)),
                ("ct", page.percent(*consumption_tax)),
                ("share", page.percent(*share)),
                ("tax", page.money(*line_tax)),
            ],
        ),
        FormulaKind::AdValorem => page.w("formula-ad-valorem", [base, ("rate", page.percent(charge.rate))]),
        FormulaKind::InsideItsBase => page.w("formula-inside", [base, ("rate", page.percent(charge.rate))]),
        FormulaKind::Relieved { value, limit } => {
            page.w("formula-relieved", [("value", page.money(*value)), ("limit", page.money(*limit))])
        }
        FormulaKind::AtTheSale { price, limit } => page.w(
            "formula-at-the-sale",
            [base, ("rate", page.percent(charge.rate)), ("price", page.money(*price)), ("limit", page.money(*limit))],
        ),
        FormulaKind::TakenAtTheSale => page.s("formula-taken-at-the-sale"),
        FormulaKind::BelowThreshold { per, price, threshold } => page.w(
            "formula-below",
            [
                ("price", page.money(*price)),
                ("threshold", page.money(*threshold)),
                ("per", page.by("per", per_code(*per))),
            ],
        ),
    }
}

/// The rule of a charge, with the source that the quote froze.
fn rule(app: &AppState, page: &Page, quote: &Quote, charge: &Charge) -> Rule {
    Rule { source: charge.source.to_string(), ..named(app, page, quote, &charge.rule, charge.knowledge) }
}

/// Every rule that the quote rests on, each once.
#[must_use]
pub fn rules(app: &AppState, page: &Page, quote: &Quote) -> Vec<Rule> {
    quote.landed.rests_on.iter().map(|used| named(app, page, quote, &used.rule, used.knowledge)).collect()
}

/// A rule by its id, as the packs here have it on the quote's date: those of this territory, or the peer's.
fn named(app: &AppState, page: &Page, quote: &Quote, id: &str, knowledge: Knowledge) -> Rule {
    let known = app.site().rulebooks.books().find_map(|book| book.rule_on(id, quote.date).or_else(|| book.rule(id)));
    let name = known.map(|info| page.words(&info.name));
    let source = known.map(|info| info.source.to_string());
    Rule { id: id.to_owned(), name: name.unwrap_or_default(), source: source.unwrap_or_default(), knowledge }
}
