//! A price to the door as steps, each explained; the rules that it rests on, named by the very pack that it was
//! made by; and who confirms it. One picture for quotes, estimates, the calculator and trade files.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value, json};
use trade::codes::HubId;
use trade::command::Problem;
use trade::countersign::{NotConfirmed, confirmed_by};
use trade::key::VerifyKey;
use trade::landed_cost::{AskLine, Charge, LandedCost, LandedCostAsk, landed_cost};
use trade::money::{Money, format_fixed};
use trade::quote::{Quote, QuoteLine};
use trade::rulebook::{Knowledge, Pack, Rulebook};

use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::since::Since;
use crate::{AppState, charge};

/// One bar of the waterfall. Shares are per cent of the total with two digits, for the bar alone.
pub struct Step {
    pub name: String,
    /// How the amount came about.
    pub how: String,
    /// Where it is taken and by whom it is owed.
    pub taken: Vec<String>,
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
    /// Where the rule stands, in the version that was used; empty where that is not known here.
    pub address: String,
}

impl Rule {
    #[must_use]
    pub fn is_unverified(&self) -> bool {
        self.knowledge != Knowledge::Sourced
    }
}

/// Steps that sum to a total.
pub struct Steps {
    total: Money,
    reached: i64,
    steps: Vec<Step>,
}

impl Steps {
    #[must_use]
    pub const fn new(total: Money) -> Self {
        Self { total, reached: 0, steps: Vec::new() }
    }

    pub fn add(&mut self, name: String, how: String, amount: Money) {
        let (from, len) = (self.share(self.reached), self.share(amount.minor()));
        self.reached = self.reached.saturating_add(amount.minor());
        self.steps.push(Step { name, how, taken: Vec::new(), amount, is_tax: false, from, len, rule: None });
    }

    pub fn charge(&mut self, t: &Tr, name: String, each: &Charge, rule: Rule) {
        self.add(name, charge::formula(t, each), each.amount);
        if let Some(step) = self.steps.last_mut() {
            step.is_tax = true;
            step.taken = charge::taken(t, each);
            step.rule = Some(rule);
        }
    }

    #[must_use]
    pub fn done(self) -> Vec<Step> {
        self.steps
    }

    /// `minor` in per cent of the total, `12.34`.
    fn share(&self, minor: i64) -> String {
        let total = i128::from(self.total.minor().max(1));
        let share = (i128::from(minor) * 10_000).div_euclid(total);
        format_fixed(i64::try_from(share).unwrap_or(0), 2)
    }
}

/// The version of a rule pack that a price was made by.
pub enum Made<'a> {
    /// The one that this hub goes by.
    Now(&'a Rulebook),
    /// An older one, kept by its digest.
    Then(Arc<Pack>),
    /// This hub never went by it.
    Unknown,
}

impl<'a> Made<'a> {
    /// Finds it by its digest.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn by(app: &'a AppState, digest: &str) -> Answer<Self> {
        if let Some(book) = app.site().rulebooks.books().find(|book| *book.digest == *digest) {
            return Ok(Self::Now(book));
        }
        Ok(app.hub.pack_by_digest(digest).await?.map_or(Self::Unknown, Self::Then))
    }

    #[must_use]
    pub fn book(&self) -> Option<&Rulebook> {
        match self {
            Self::Now(book) => Some(book),
            Self::Then(pack) => match &**pack {
                Pack::Territory(book) => Some(book),
                _ => None,
            },
            Self::Unknown => None,
        }
    }

    /// A rule as that version has it on a date; `source` is what the price itself froze.
    #[must_use]
    pub fn rule(&self, p: &Page, id: &str, date: Date, source: Option<&str>, knowledge: Knowledge) -> Rule {
        let book = self.book();
        let info = book.and_then(|book| book.rule_on(id, date).or_else(|| book.rule(id)));
        let of_pack = info.map(|info| info.source.to_string()).unwrap_or_default();
        let address = book.filter(|_| info.is_some()).map_or_else(String::new, |book| {
            format!("/rules/{}?date={date}&digest={}#{id}", book.territory, book.digest)
        });
        Rule {
            id: id.to_owned(),
            name: info.map(|info| p.words(&info.name)).unwrap_or_default(),
            source: source.map_or(of_pack, str::to_owned),
            knowledge,
            address,
        }
    }

    /// Every rule that an answer rests on, each once.
    #[must_use]
    pub fn rules(&self, p: &Page, landed: &LandedCost, date: Date) -> Vec<Rule> {
        landed.rests_on.iter().map(|used| self.rule(p, &used.rule, date, None, used.knowledge)).collect()
    }
}

/// A quote with its picture, by the rules that it was made by.
pub struct Shown {
    pub steps: Vec<Step>,
    pub rules: Vec<Rule>,
    /// The digest's beginning.
    pub pack: String,
    /// The rules were changed since: what today's give for the same day, where that is something else.
    pub corrected: Option<Since>,
    /// Nobody here knows that version: rules are shown by their ids.
    pub is_unknown: bool,
    pub confirm: Confirm,
}

impl Shown {
    /// Goods line by line, freight, then every charge. The amounts sum to the total.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn of(app: &AppState, p: &Page, quote: &Quote, confirm: Confirm) -> Answer<Self> {
        let made = Made::by(app, &quote.landed.pack).await?;
        Ok(Self {
            steps: steps(p, &made, quote),
            rules: made.rules(p, &quote.landed, quote.date),
            pack: quote.landed.pack.chars().take(12).collect(),
            corrected: corrected(app, p, &made, quote),
            is_unknown: matches!(made, Made::Unknown),
            confirm,
        })
    }
}

fn steps(p: &Page, made: &Made<'_>, quote: &Quote) -> Vec<Step> {
    let landed = &quote.landed;
    let mut steps = Steps::new(landed.total);
    for line in &quote.lines {
        let words = [("pieces", p.num(line.pieces)), ("price", p.money(line.unit_price)), ("rate", p.fx(&quote.fx))];
        steps.add(line.name.clone(), p.w("quote-goods-how", words), line.value);
    }
    // Under CPT and DAP the carriage is in the seller's price already.
    let how = if landed.freight.is_zero() {
        p.s("quote-freight-in-price")
    } else {
        p.w2("quote-freight-how", "weight", p.kg(quote.chargeable), "home", p.money(quote.freight_home))
    };
    steps.add(p.s("quote-freight"), how, landed.freight);
    for each in &landed.charges {
        let rule = made.rule(p, &each.rule, quote.date, Some(&each.source), each.knowledge);
        steps.charge(p, charge_name(p, quote, each), each, rule);
    }
    steps.done()
}

/// What is charged, and on which of several goods.
fn charge_name(p: &Page, quote: &Quote, each: &Charge) -> String {
    let kind = charge::name(p, each);
    match each.line.and_then(|at| quote.lines.get(usize::try_from(at).ok()?)) {
        Some(line) if quote.lines.len() > 1 => p.w2("quote-charge-of", "charge", kind, "goods", &line.name),
        _ => kind,
    }
}

/// The same question to the rules that the hub goes by now; nothing where they are the same, or say the same.
fn corrected(app: &AppState, p: &Page, made: &Made<'_>, quote: &Quote) -> Option<Since> {
    let Made::Then(_) = made else { return None };
    let book = app.site().rulebooks.book(made.book()?.territory)?;
    let lines: Vec<AskLine> = quote.lines.iter().map(QuoteLine::asked).collect();
    let stance = &app.site().stance;
    let ask = LandedCostAsk::new(quote.date, quote.regime, &lines, quote.landed.freight, stance);
    let now = landed_cost(book, &ask).map_err(|refusal| Failure::of(&refusal));
    Since::of(p, &quote.landed, now.as_ref(), |each| charge_name(p, quote, each))
}

/// Who confirms a price, over what and until when; or why nobody does and what to do.
pub struct Confirm {
    /// The hub in words, and the id of the key by which it was checked here.
    pub by: Option<(String, String)>,
    /// Whether it still holds.
    pub is_over: bool,
    pub facts: Vec<(String, String)>,
    pub why_not: Option<Told>,
}

/// The keys of a hub, as its card is held here.
async fn keys_of(app: &AppState, hub: &HubId) -> Answer<Option<Vec<VerifyKey>>> {
    if *hub == app.site().id {
        return Ok(Some(app.site().card.keys.clone()));
    }
    Ok(app.hub.peer(hub).await?.map(|peer| peer.card.keys))
}

/// The id of the key that confirmed a quote, checked here and now.
///
/// # Errors
/// The store cannot be reached. Within: nobody has confirmed it, as far as can be checked here.
pub async fn key_of(app: &AppState, quote: &Quote) -> Answer<Result<String, NotConfirmed>> {
    let keys = keys_of(app, &quote.importer).await?;
    Ok(confirmed_by(quote, keys.as_deref()).map(VerifyKey::id))
}

impl Confirm {
    /// A quote's confirmation, checked by the card of its importing hub.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn of(app: &AppState, p: &Page, quote: &Quote) -> Answer<Self> {
        let is_over = app.hub.business_now().await? > quote.expires_at;
        Ok(match key_of(app, quote).await? {
            Ok(key) => Self::given(p.hub_name(&quote.importer), key, is_over, over(p, quote)),
            Err(why) => Self::missing(p, &why),
        })
    }

    #[must_use]
    pub const fn given(hub: String, key: String, is_over: bool, facts: Vec<(String, String)>) -> Self {
        Self { by: Some((hub, key)), is_over, facts, why_not: None }
    }

    #[must_use]
    pub fn missing(p: &Page, why: &NotConfirmed) -> Self {
        Self { by: None, is_over: false, facts: Vec::new(), why_not: Some(p.problem(&Problem::of(why))) }
    }
}

/// What was signed, in words: codes, rules, day, exchange, and how long it holds.
fn over(p: &Page, quote: &Quote) -> Vec<(String, String)> {
    let codes: Vec<String> = quote.lines.iter().map(|line| format!("{} ({})", line.hs, line.origin)).collect();
    let exchange = p.w2("quote-rate-source", "source", &quote.fx.source, "at", p.time(quote.fx.as_of));
    let mut facts = signed(p, codes, &quote.landed, quote.date);
    facts.push((p.s("quote-rate"), format!("{}; {exchange}", p.fx(&quote.fx))));
    facts.push((p.s("confirm-until"), p.time(quote.expires_at)));
    facts
}

/// What every confirmation is over.
#[must_use]
pub fn signed(p: &Page, codes: Vec<String>, landed: &LandedCost, date: Date) -> Vec<(String, String)> {
    let rates: Vec<String> = landed
        .charges
        .iter()
        .filter(|each| !each.amount.is_zero())
        .map(|each| format!("{} {}", charge::name(p, each), p.money(each.amount)))
        .collect();
    let mut facts = vec![(p.s("confirm-codes"), codes.join(", "))];
    facts.extend((!rates.is_empty()).then(|| (p.s("confirm-charges"), rates.join(", "))));
    facts.push((p.s("quote-date"), p.date(date)));
    facts.push((p.s("quote-pack"), landed.pack.to_string()));
    facts
}

/// The quote as JSON, with who confirmed it as checked here.
///
/// # Errors
/// The store cannot be reached.
pub async fn quote_json(app: &AppState, quote: &Quote) -> Answer<Value> {
    let mut value = serde_json::to_value(quote).unwrap_or_default();
    let confirmed = match key_of(app, quote).await? {
        Ok(key) => json!({ "by": quote.importer, "key": key, "until": quote.expires_at, "why_not": null }),
        Err(why) => json!({ "by": null, "key": null, "until": null, "why_not": why }),
    };
    if let Some(fields) = value.as_object_mut() {
        fields.insert("confirmed".to_owned(), confirmed);
    }
    Ok(value)
}
