//! The match of the documents as a page shows it, field by field.

use trade::clearance::Clearance;
use trade::matching::{MatchRow, Said, Verdict, table};
use trade::money::format_fixed;
use trade::rulebook::{Rulebook, TradeField};
use trade::trade_file::{Side, TradeFile};

use crate::i18n::Tr;

pub struct Row {
    pub field: String,
    /// Order, payment, waybill, declaration, with whether this one is what differs.
    pub said: [Cell; 4],
    pub result: String,
    /// Class of the state mark.
    pub class: &'static str,
    /// Tolerance, who mends, by what rule; for what does not agree.
    pub why: Option<String>,
}

pub struct Cell {
    /// The document that says it.
    pub label: String,
    pub text: String,
    pub is_code: bool,
    pub differs: bool,
}

/// The rows that say something, those that disagree first: fields of which no document speaks yet are
/// left out.
#[must_use]
pub fn rows(t: &Tr, file: &TradeFile, book: &Rulebook) -> Vec<Row> {
    let mut rows: Vec<Row> = table(file, book).into_iter().filter(speaks).map(|row| as_told(t, file, row)).collect();
    rows.sort_by_key(|row| row.class != "stop");
    rows
}

/// On the exporting side the payment is not known; there the verdict is the importing customs', which
/// names every field that differs. That it accepted the others does not say that they are equal.
fn as_told(t: &Tr, file: &TradeFile, mut row: MatchRow) -> Row {
    let open = if file.closed.is_some() { "match-closed" } else { "match-open" };
    if file.side == Side::Import || row.verdict != Verdict::Open {
        return shown(t, row, open);
    }
    let accepted = |row| Row { result: t.s("match-accepted"), class: "go", ..shown(t, row, open) };
    match &file.peer_clearance {
        Clearance::Held { reasons, .. } => match reasons.iter().find(|r| r.field == row.field) {
            Some(reason) => {
                row.verdict = Verdict::Differs { per_mille: None, allowed: 0 };
                row.mender = reason.mender;
                row.rule.clone_from(&reason.rule);
            }
            None => return accepted(row),
        },
        Clearance::Examining { .. } | Clearance::Released { .. } if file.clearance.is_released() => {
            return accepted(row);
        }
        _ => {}
    }
    shown(t, row, open)
}

fn speaks(row: &MatchRow) -> bool {
    [&row.order, &row.payment, &row.waybill, &row.declared].iter().any(|said| said.is_some())
}

/// `open` is the word for what is not compared.
fn shown(t: &Tr, row: MatchRow, open: &str) -> Row {
    let holds = row.verdict.holds();
    let apart = if holds { apart(&row) } else { Default::default() };
    let said = [&row.order, &row.payment, &row.waybill, &row.declared];
    let mut at = 0;
    let said = said.map(|said| {
        let cell = cell(t, row.field, DOCUMENTS[at], said.as_ref(), apart[at]);
        at += 1;
        cell
    });
    let (result, class) = match &row.verdict {
        Verdict::Equal => (t.s("match-equal"), "go"),
        Verdict::Within { per_mille, .. } => (t.w1("match-within", "share", percent(*per_mille)), "go"),
        Verdict::Differs { per_mille: Some(per_mille), .. } => {
            (t.w1("match-differs-by", "share", percent(*per_mille)), "stop")
        }
        Verdict::Differs { per_mille: None, .. } => (t.s("match-differs"), "stop"),
        Verdict::Open => (t.s(open), ""),
    };
    Row { field: t.by("field", row.field.code()), said, result, class, why: why(t, &row) }
}

/// Which of the four speak of a field that does not agree: all that are compared.
fn apart(row: &MatchRow) -> [bool; 4] {
    // Weight and value are judged against the declaration, what was paid against the order.
    match row.field {
        TradeField::GrossWeight => [false, false, true, true],
        TradeField::GoodsValue | TradeField::Pieces | TradeField::HsCode | TradeField::Origin => {
            [true, false, false, true]
        }
        TradeField::WaybillNumber => [false, false, true, true],
        TradeField::Consignee => [true, false, true, false],
        _ => [row.order.is_some(), row.payment.is_some(), row.waybill.is_some(), row.declared.is_some()],
    }
}

/// Codes of the documents that are compared, in the order of the columns.
const DOCUMENTS: [&str; 4] = ["order", "payment", "waybill", "declared"];

fn cell(t: &Tr, field: TradeField, document: &str, said: Option<&Said>, differs: bool) -> Cell {
    let is_code = matches!(
        field,
        TradeField::OrderNumber | TradeField::WaybillNumber | TradeField::Consignee | TradeField::HsCode
    );
    let text = match said {
        None => "–".to_owned(),
        Some(Said::Money(money)) => t.money(*money),
        Some(Said::Grams { grams }) => t.kg(trade::quantity::Grams(*grams)),
        Some(Said::Count { count }) => t.num(count),
        Some(Said::Text { text }) => text.clone(),
        Some(Said::Person { same_as_buyer: true }) => t.s("match-same-person"),
        Some(Said::Person { same_as_buyer: false }) => t.s("match-other-person"),
    };
    Cell {
        label: t.by("match", document),
        text,
        is_code: is_code && said.is_some(),
        differs: differs && said.is_some(),
    }
}

fn why(t: &Tr, row: &MatchRow) -> Option<String> {
    let allowed = match &row.verdict {
        Verdict::Differs { allowed, .. } | Verdict::Within { allowed, .. } => *allowed,
        Verdict::Equal | Verdict::Open => return None,
    };
    let allowed = if allowed == 0 { t.s("match-exact") } else { t.w1("match-allowed", "share", percent(allowed)) };
    let rule = t.w1("match-rule", "rule", &row.rule);
    if !row.verdict.holds() {
        return Some([allowed, rule].join(" · "));
    }
    let mends = t.w1("match-mends", "who", t.by("mender", mender(row.mender)));
    Some([allowed, mends, rule].join(" · "))
}

/// The code of who mends.
#[must_use]
pub const fn mender(mender: trade::rulebook::Mender) -> &'static str {
    use trade::rulebook::Mender;
    match mender {
        Mender::Seller => "seller",
        Mender::Buyer => "buyer",
        Mender::Carrier => "carrier",
        Mender::PaymentFirm => "payment-firm",
        Mender::Broker => "broker",
    }
}

/// `333` per mille is `33.3 %`.
#[must_use]
pub fn percent(per_mille: i64) -> String {
    let text = format_fixed(per_mille, 1);
    format!("{}\u{a0}%", text.trim_end_matches('0').trim_end_matches('.'))
}
