//! What became of the scripted orders, as the hubs tell it.

use serde_json::Value;
use trade::money::Money;

use super::messages::text;

/// What became of one scripted order, as the hubs tell it.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct OutcomeRow {
    pub entry: usize,
    pub order_no: String,
    pub outcome: String,
    pub reason: String,
    pub detail: String,
    pub goods_cny: String,
    pub freight_cny: String,
    pub tax_cny: String,
    pub total_cny: String,
    pub due_to_peer_cny: String,
    pub import_fee_cny: String,
    pub seller_payout_myr: String,
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
        let fault = file.pointer("/payments/0/fate/fault/code").and_then(Value::as_str).unwrap_or("no-payment");
        return row("unpaid", fault, "");
    }
    row(text(here, "stage"), "", "")
}

/// The amounts of a trade that was paid out, from both hubs.
pub fn settle_amounts(row: &mut OutcomeRow, file: &Value, there: &Value) {
    let money = |v: Option<&Value>| {
        v.and_then(|v| serde_json::from_value::<Money>(v.clone()).ok()).map(Money::decimal).unwrap_or_default()
    };
    row.due_to_peer_cny = money(file.pointer("/escrow/due"));
    row.import_fee_cny = money(file.pointer("/escrow/fee"));
    let payouts = there.pointer("/file/payouts").and_then(Value::as_array).cloned().unwrap_or_default();
    let proceeds = payouts.iter().find(|p| p.pointer("/kind/kind").and_then(Value::as_str) == Some("proceeds"));
    row.seller_payout_myr = money(proceeds.and_then(|p| p.get("amount")));
}
