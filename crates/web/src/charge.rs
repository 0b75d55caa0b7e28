//! One charge in words: its name, and the formula with its values, as anybody can work it again.

use trade::landed_cost::{Charge, ChargeKind, FormulaKind};
use trade::money::Rate;
use trade::rulebook::{Basis, DutyRate, FlatPer, Per};

use crate::i18n::Tr;

/// What is charged: import duty, VAT.
#[must_use]
pub fn name(t: &Tr, charge: &Charge) -> String {
    t.by("charge", charge.kind.code())
}

/// Where it is taken, and by whom it is owed and filed, as far as the rule says.
#[must_use]
pub fn taken(t: &Tr, charge: &Charge) -> Vec<String> {
    let at = if charge.at.is_border() { "border" } else { "sale" };
    let who = |key: &str, liable: trade::landed_cost::Liable| t.w1(key, "who", t.by("liable", liable.code()));
    let mut words = vec![t.by("at", at)];
    words.extend(charge.owed_by.map(|liable| who("owed-by", liable)));
    words.extend(charge.filed_by.map(|liable| who("filed-by", liable)));
    words
}

const fn per_code(per: Per) -> &'static str {
    match per {
        Per::Ml => "ml",
        Per::G => "g",
        Per::Piece => "piece",
        Per::Article => "article",
    }
}

fn quantities(t: &Tr, grams: Option<i64>, millilitres: Option<i64>) -> Vec<String> {
    let grams = grams.map(|n| t.w1("quantity-grams", "n", n));
    grams.into_iter().chain(millilitres.map(|n| t.w1("quantity-millilitres", "n", n))).collect()
}

/// `0.5 CNY/500ml × 700 ml`.
fn specific(t: &Tr, rate: &DutyRate, grams: Option<i64>, millilitres: Option<i64>) -> String {
    t.w2("formula-specific", "rate", rate, "quantity", quantities(t, grams, millilitres).join(", "))
}

/// The formula with its values.
#[must_use]
pub fn formula(t: &Tr, charge: &Charge) -> String {
    let base = ("base", t.money(charge.base));
    let rate = ("rate", t.percent(charge.rate));
    match &charge.formula {
        FormulaKind::NotLevied => t.s("formula-not-levied"),
        FormulaKind::CompositePart { vat, consumption_tax, share, line_tax } => t.w(
            if *consumption_tax == Rate::ZERO { "formula-composite-vat" } else { "formula-composite" },
            [
                base,
                ("vat", t.percent(*vat)),
                ("ct", t.percent(*consumption_tax)),
                ("share", t.percent(*share)),
                ("tax", t.money(*line_tax)),
            ],
        ),
        FormulaKind::CompositeCompound { vat, consumption_tax, share, rate, grams, millilitres, line_tax } => {
            let key = match charge.kind {
                ChargeKind::Vat => "formula-composite-compound-vat",
                _ => "formula-composite-compound",
            };
            t.w(
                key,
                [
                    base,
                    ("vat", t.percent(*vat)),
                    ("ct", t.percent(*consumption_tax)),
                    ("share", t.percent(*share)),
                    ("specific", specific(t, rate, *grams, *millilitres)),
                    ("tax", t.money(*line_tax)),
                ],
            )
        }
        FormulaKind::AdValorem => t.w("formula-ad-valorem", [base, rate]),
        FormulaKind::PartOfBase { top, bottom } => {
            t.w("formula-part-of-base", [base, rate, ("top", t.num(*top)), ("bottom", t.num(*bottom))])
        }
        FormulaKind::ByRate { rate, grams, millilitres, alcohol, pieces } => {
            let mut told = quantities(t, *grams, *millilitres);
            let of_alcohol = |micro: i64| t.w1("quantity-alcohol", "ml", t.decimal(micro, 3));
            told.extend(alcohol.map(of_alcohol));
            told.push(t.w1("quantity-pieces", "n", *pieces));
            t.w("formula-by-rate", [base, ("rate", rate.to_string()), ("quantity", told.join(", "))])
        }
        FormulaKind::InsideItsBase => t.w("formula-inside", [base, rate]),
        FormulaKind::InsideCompound { specific: part, grams, millilitres } => {
            t.w("formula-inside-compound", [base, rate, ("specific", specific(t, part, *grams, *millilitres))])
        }
        FormulaKind::Flat { amount, per: FlatPer::Parcel, .. } => {
            t.w1("formula-flat-parcel", "amount", t.money(*amount))
        }
        FormulaKind::Flat { amount, per, count } => t.w(
            "formula-flat",
            [("amount", t.money(*amount)), ("per", t.by("per", per.code())), ("count", t.num(*count))],
        ),
        FormulaKind::WithLine { line } => t.w1("formula-with-line", "line", i64::from(*line) + 1),
        FormulaKind::TopUp { already } => t.w("formula-top-up", [base, rate, ("already", t.money(*already))]),
        FormulaKind::Bounded { worked } => t.w1("formula-bounded", "worked", t.money(*worked)),
        FormulaKind::Relieved { value, limit, basis } => {
            let key = match basis {
                Basis::Goods => "formula-relieved-goods",
                Basis::GoodsAndFreight => "formula-relieved",
                Basis::Item => "formula-relieved-item",
            };
            t.w(key, [("value", t.money(*value)), ("limit", t.money(*limit))])
        }
        FormulaKind::AtTheSale { price, limit, basis } => {
            let key = match basis {
                Basis::Item => "formula-at-the-sale",
                _ => "formula-at-the-sale-parcel",
            };
            t.w(key, [base, rate, ("price", t.money(*price)), ("limit", t.money(*limit))])
        }
        FormulaKind::TakenAtTheSale => t.s("formula-taken-at-the-sale"),
        FormulaKind::InsteadOf { rule } => t.w1("formula-instead-of", "rule", rule.to_string()),
        FormulaKind::BelowThreshold { per, price, threshold } => t.w(
            "formula-below",
            [("price", t.money(*price)), ("threshold", t.money(*threshold)), ("per", t.by("per", per_code(*per)))],
        ),
    }
}
