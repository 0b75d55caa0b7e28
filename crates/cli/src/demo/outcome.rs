//! What became of the scripted orders, as the hubs tell it.

use serde_json::Value;
use trade::money::Money;
use trade::quote::Quote;

use super::messages::text;

/// What became of one scripted order, as the hubs tell it. Goods to import fee and the charges are in
/// the buyer's currency, the rest in the seller's.
#[derive(Clone, Debug, Default)]
pub struct OutcomeRow {
    pub entry: usize,
    pub way: String,
    pub regime: String,
    pub order_no: String,
    pub outcome: String,
    pub reason: String,
    pub detail: String,
    pub treatment: String,
    pub goods: String,
    pub freight: String,
    pub tax: String,
    pub total: String,
    pub due_to_peer: String,
    pub import_fee: String,
    pub seller_payout: String,
    /// The sums of the charges of one kind, in the order of [`CHARGES`].
    pub charges: [String; CHARGES.len()],
}

/// Kinds of charges as quotes name them, and as the table of outcomes does.
const CHARGES: [(&str, &str); 5] =
    [("duty", "duty"), ("vat", "vat"), ("consumption-tax", "ct"), ("sales-tax", "sales_tax"), ("lvg", "lvg")];

impl OutcomeRow {
    /// The line that names the columns.
    #[must_use]
    pub fn header() -> String {
        let charges = CHARGES.map(|(_, column)| column).join(",");
        format!(
            "entry,way,regime,order_no,outcome,reason,detail,treatment,goods,freight,tax,total,due_to_peer,import_fee,seller_payout,{charges}"
        )
    }

    /// Its line in the table. No value holds a comma.
    #[must_use]
    pub fn line(&self) -> String {
        let entry = self.entry.to_string();
        let cells = [
            &entry,
            &self.way,
            &self.regime,
            &self.order_no,
            &self.outcome,
            &self.reason,
            &self.detail,
            &self.treatment,
            &self.goods,
            &self.freight,
            &self.tax,
            &self.total,
            &self.due_to_peer,
            &self.import_fee,
            &self.seller_payout,
        ];
        cells.into_iter().chain(&self.charges).map(String::as_str).collect::<Vec<_>>().join(",")
    }
}

/// The amounts of the price to the door.
pub fn quoted(row: &mut OutcomeRow, quote: &Quote) {
    let landed = &quote.landed;
    row.treatment = word(&landed.treatment);
    row.goods = landed.goods.decimal();
    row.freight = landed.freight.decimal();
    row.tax = landed.tax.decimal();
    row.total = landed.total.decimal();
    for (sum, (kind, _)) in row.charges.iter_mut().zip(CHARGES) {
        let mine = landed.charges.iter().filter(|charge| word(&charge.kind) == kind);
        let minor = mine.map(|charge| charge.amount.minor()).fold(0_i64, i64::saturating_add);
        *sum = Money::new(minor, landed.total.currency()).decimal();
    }
}

/// The word that stands for a value in the API.
pub fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(value) => {
            ["treatment", "kind"].iter().find_map(|tag| value.get(tag)?.as_str()).unwrap_or_default().to_owned()
        }
        Err(_) => String::new(),
    }
}

/// Outcome, reason and detail of a trade, from what the importing hub tells of it.
pub fn outcome_of(here: &Value, file: &Value) -> (String, String, String) {
    let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    let state = |side: &str| file.pointer(&format!("/{side}/state")).and_then(Value::as_str).unwrap_or_default();
    match text(here, "stage") {
        "paid" => return row("paid", "", ""),
        "detained" if state("clearance") == "detained" => return row("detained", "import", ""),
        "detained" => return row("detained", "export", ""),
        _ => {}
    }
    if state("clearance") == "held" {
        let field = file.pointer("/clearance/reasons/0/field").and_then(Value::as_str).unwrap_or_default();
        return row("held", field, "import");
    }
    if state("peer_clearance") == "held" {
        let field = file.pointer("/peer_clearance/reasons/0/field").and_then(Value::as_str).unwrap_or_default();
        return row("held", field, "export");
    }
    if matches!(text(here, "stage"), "awaiting-payment" | "lapsed") {
        let deposit = file.pointer("/order/quote/sale/deposit/amount");
        let paid = file.pointer("/payments/0/amount");
        let fault = file.pointer("/payments/0/fate/fault/code").and_then(Value::as_str);
        return match fault {
            Some(fault) => row("unpaid", fault, ""),
            None if deposit.is_some() && deposit == paid => row("unpaid", "balance-missing", ""),
            None => row("unpaid", "no-payment", ""),
        };
    }
    row(text(here, "stage"), "", "")
}

/// The amounts of a trade that was paid out, from both hubs.
pub fn settle_amounts(row: &mut OutcomeRow, file: &Value, there: &Value) {
    let money = |v: Option<&Value>| {
        v.and_then(|v| serde_json::from_value::<Money>(v.clone()).ok()).map(Money::decimal).unwrap_or_default()
    };
    row.due_to_peer = money(file.pointer("/escrow/due"));
    row.import_fee = money(file.pointer("/escrow/fee"));
    let payouts = there.pointer("/file/payouts").and_then(Value::as_array).cloned().unwrap_or_default();
    let proceeds = payouts.iter().find(|p| p.pointer("/kind/kind").and_then(Value::as_str) == Some("proceeds"));
    row.seller_payout = money(proceeds.and_then(|p| p.get("amount")));
}
