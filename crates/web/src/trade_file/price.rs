//! The price to the door, drawn as a waterfall: each part with its base, rate, rule and source.

use trade::landed_cost::Charge;
use trade::money::Money;
use trade::quote::Quote;
use trade::rulebook::Knowledge;

use crate::charge;
use crate::i18n::Tr;
use crate::page::Page;

/// The waterfall as a page shows it.
pub struct Fall {
    pub rows: Vec<FallRow>,
    /// What rate and rules it rests on.
    pub notes: Vec<String>,
}

pub struct FallRow {
    pub name: String,
    /// How it was worked out.
    pub why: String,
    pub rule: Option<FallRule>,
    pub amount: String,
    pub is_tax: bool,
    pub is_total: bool,
    /// Where the bar begins and how long it is, in per cent of the total.
    pub from: String,
    pub len: String,
}

pub struct FallRule {
    pub id: String,
    pub source: String,
    /// How well the rule is known, where that is not beyond doubt.
    pub doubt: Option<String>,
}

/// Draws a quote.
#[must_use]
pub fn fall(t: &Page, quote: &Quote) -> Fall {
    let landed = &quote.landed;
    let mut drawn = Drawn { t, total: landed.total, reached: 0, rows: Vec::new() };
    let paid_rate = rate_of(quote);
    for line in &quote.lines {
        let pieces = t.num(line.pieces);
        let why = t.w(
            "fall-goods-why",
            [("pieces", pieces), ("price", t.money(line.unit_price)), ("rate", paid_rate.clone())],
        );
        drawn.row(line.name.clone(), why, None, line.value, false);
    }
    let why = t.w(
        "fall-freight-why",
        [("weight", t.kg(quote.chargeable)), ("home", t.money(quote.freight_home)), ("rate", paid_rate)],
    );
    let why = if landed.freight.is_zero() { t.s("quote-freight-in-price") } else { why };
    drawn.row(t.s("fall-freight"), why, None, landed.freight, false);
    for charge in &landed.charges {
        drawn.charge(charge, quote.lines.len() > 1);
    }
    let mut rows = drawn.rows;
    rows.push(FallRow {
        name: t.s("fall-total"),
        why: t.w(
            "fall-total-why",
            [("date", t.date(quote.date)), ("hub", t.hub_name(&quote.importer)), ("until", t.time(quote.expires_at))],
        ),
        rule: None,
        amount: t.money(landed.total),
        is_tax: false,
        is_total: true,
        from: "0".to_owned(),
        len: "100".to_owned(),
    });
    let fx = &quote.fx;
    let rate = t.w(
        "fall-rate-why",
        [
            ("rate", fx.mid.to_string()),
            ("from", fx.from.code().to_owned()),
            ("to", fx.to.code().to_owned()),
            ("spread", t.percent(fx.spread)),
            ("source", fx.source.clone()),
            ("as-of", t.day(fx.as_of)),
        ],
    );
    let pack = t.w1("fall-pack", "pack", landed.pack.chars().take(12).collect::<String>());
    let mut notes = vec![rate, pack];
    notes.extend(landed.registration.as_ref().map(|no| t.w1("fall-registration", "no", no)));
    notes.extend(quote.sale.as_ref().map(|sale| {
        let words = [("incoterm", sale.incoterm.to_string()), ("place", sale.place.to_string())];
        t.w("fall-sale", words)
    }));
    Fall { rows, notes }
}

struct Drawn<'a> {
    t: &'a Tr,
    total: Money,
    reached: i64,
    rows: Vec<FallRow>,
}

impl Drawn<'_> {
    fn row(&mut self, name: String, why: String, rule: Option<FallRule>, amount: Money, is_tax: bool) {
        self.rows.push(FallRow {
            name,
            why,
            rule,
            amount: self.t.money(amount),
            is_tax,
            is_total: false,
            from: share(self.reached, self.total),
            len: share(amount.minor(), self.total),
        });
        self.reached = self.reached.saturating_add(amount.minor());
    }

    fn charge(&mut self, each: &Charge, many: bool) {
        let t = self.t;
        let mut name = charge::name(t, each);
        if let Some(line) = each.line.filter(|_| many) {
            name = format!("{name}, {}", t.w1("fall-line", "line", i64::from(line) + 1));
        }
        let rule =
            FallRule { id: each.rule.to_string(), source: each.source.to_string(), doubt: doubt(t, each.knowledge) };
        self.row(name, charge::formula(t, each), Some(rule), each.amount, true);
    }
}

/// Per cent of the total with one digit, for the length of a bar alone.
fn share(part: i64, total: Money) -> String {
    let per_mille = i128::from(part) * 1000;
    let whole = i128::from(total.minor()).max(1);
    let per_mille = i64::try_from(per_mille.div_euclid(whole)).unwrap_or(0);
    trade::money::format_fixed(per_mille, 1)
}

/// What one unit of the seller's currency cost the buyer, to four digits, for display.
fn rate_of(quote: &Quote) -> String {
    let million = Money::new(10_000 * 10_i64.pow(quote.fx.from.digits()), quote.fx.from);
    match quote.fx.convert(million) {
        Ok(paid) => {
            let text = trade::money::format_fixed(paid.minor(), quote.fx.to.digits() + 4);
            let cut = text.find('.').map_or(text.len(), |dot| (dot + 5).min(text.len()));
            text.get(..cut).unwrap_or(&text).to_owned()
        }
        Err(_) => quote.fx.mid.to_string(),
    }
}

/// The words for a rule that is not beyond doubt.
#[must_use]
pub fn doubt(t: &Tr, knowledge: Knowledge) -> Option<String> {
    match knowledge {
        Knowledge::Sourced => None,
        Knowledge::Unverified => Some(t.s("knowledge-unverified")),
        Knowledge::Unknown => Some(t.s("knowledge-unknown")),
    }
}
