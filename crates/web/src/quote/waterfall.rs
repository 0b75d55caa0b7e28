//! A quote as steps from the price of the goods to the price to the door, each explained.

use trade::landed_cost::Charge;
use trade::money::{Money, format_fixed};
use trade::quote::Quote;
use trade::rulebook::Knowledge;

use crate::page::Page;
use crate::{AppState, charge};

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
    for each in &quote.landed.charges {
        let name = charge_name(page, quote, each);
        steps.add(name, charge::formula(page, each), each.amount, true, Some(rule(app, page, quote, each)));
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

fn charge_name(page: &Page, quote: &Quote, each: &Charge) -> String {
    let kind = charge::name(page, each);
    let line = each.line.and_then(|at| quote.lines.get(usize::try_from(at).ok()?));
    match line {
        Some(line) if quote.lines.len() > 1 => page.w2("quote-charge-of", "charge", kind, "goods", &line.name),
        _ => kind,
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
