//! What the parties send, and which answers a second run may get.

use serde_json::{Value, json};
use trade::readiness::Gap;
use trade::rulebook::Regime;

use super::api::{Api, ApiError};
use super::driver::Run;
use super::script::Consignee;

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a row of a price list can be sold abroad under a regime: no gap blocks it, and every gap is known here.
pub fn is_ready(row: &Value, regime: Regime) -> bool {
    let lanes = row.get("gaps").and_then(Value::as_array).cloned().unwrap_or_default();
    let mine = lanes.iter().filter(|lane| lane.get("regime") == Some(&json!(regime)));
    let gaps = mine.filter_map(|lane| lane.get("gaps").and_then(Value::as_array));
    gaps.flatten().all(|gap| serde_json::from_value::<Gap>(gap.clone()).is_ok_and(|gap| !gap.blocks()))
}

/// `/api/v1/trades/<id>/<what>` with the id encoded.
pub fn trade_path(id: &str, what: &str) -> String {
    let id = id.replace(':', "%3A").replace('/', "%2F");
    if what.is_empty() { format!("/api/v1/trades/{id}") } else { format!("/api/v1/trades/{id}/{what}") }
}

/// All rows of a list, page by page.
pub async fn all_trades(api: &Api, filter: &str) -> Result<Vec<Value>, ApiError> {
    all(api, &format!("/api/v1/trades?{filter}&limit=100"), "trades").await
}

pub async fn all(api: &Api, path: &str, list: &str) -> Result<Vec<Value>, ApiError> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("{path}{after}")).await?;
        rows.extend(page.get(list).and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next").and_then(Value::as_str) {
            Some(next) => after = format!("&after={}", next.replace(':', "%3A").replace('/', "%2F")),
            None => return Ok(rows),
        }
    }
}

/// The delivery reference, as the exporting hub was told it.
pub async fn delivery_of(seller: &Api, trade: &str) -> Result<String, ApiError> {
    let answer = seller.get(&trade_path(trade, "")).await?;
    let delivery = answer.pointer("/file/order/delivery").and_then(Value::as_str).unwrap_or_default();
    Ok(delivery.to_owned())
}

pub fn waybill_body(no: &str, run: &Run, percent: i64, consignee: Consignee, delivery: &str, corrects: bool) -> Value {
    let declared = run.quote.as_ref().map_or(0, |q| q.gross().0);
    // Rounded to the gram, half up.
    let gross = (declared * percent * 2 + 100).div_euclid(200);
    let consignee = match consignee {
        Consignee::AsGiven => delivery.to_owned(),
        Consignee::Other => "D-SOMEBODY-ELSE".to_owned(),
    };
    json!({ "no": no, "gross_grams": gross, "consignee": consignee, "corrects": corrects })
}

pub fn declaration_body(run: &Run, pieces_delta: i64, value: &str, corrects: bool) -> Value {
    let Some(quote) = run.quote.as_ref().filter(|_| pieces_delta != 0 || value != "as-ordered") else {
        return json!({ "corrects": corrects });
    };
    let lines: Vec<Value> = quote
        .lines
        .iter()
        .enumerate()
        .map(|(i, l)| {
            let pieces = if i == 0 { l.pieces + pieces_delta } else { l.pieces };
            let declared = match value {
                "-20%" => l.value_home.at(trade::money::Rate::percent(80)).unwrap_or(l.value_home),
                _ => l.value_home,
            };
            json!({ "product": l.product, "hs": l.hs, "origin": l.origin, "pieces": pieces, "value": declared })
        })
        .collect();
    json!({ "lines": lines, "corrects": corrects })
}

pub fn wrong_check_digit(good: &str) -> String {
    let mut text: Vec<char> = good.chars().collect();
    if let Some(digit) = text.get_mut(10) {
        *digit = if *digit == '1' { '2' } else { '1' };
    }
    text.into_iter().collect()
}

/// A refusal is what the script wants to see.
pub fn refused(answer: Result<Value, ApiError>) -> Result<(), ApiError> {
    match answer {
        Err(ApiError::Unreachable { url, cause }) => Err(ApiError::Unreachable { url, cause }),
        Err(_) => Ok(()),
        Ok(body) => Err(ApiError::Unreachable { url: "script".into(), cause: format!("taken, but wrong: {body}") }),
    }
}

/// On a second run, what was sent the first time stands already.
pub fn accepted_or_standing(answer: Result<Value, ApiError>) -> Result<(), ApiError> {
    match answer {
        Err(e) if matches!(e.code(), "waybill-stands" | "already-released" | "trade-closed") => Ok(()),
        Err(e) => Err(e),
        Ok(_) => Ok(()),
    }
}

/// Unpaid orders are not shipped; the hub says so.
pub fn lodged(answer: Result<Value, ApiError>) -> Result<bool, ApiError> {
    match answer {
        Ok(_) => Ok(true),
        Err(e)
            if matches!(
                e.code(),
                "not-paid-yet" | "declaration-stands" | "already-released" | "detained" | "trade-closed"
            ) =>
        {
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

/// What was decided or done before stays so.
pub fn decided(answer: Result<Value, ApiError>) -> Result<(), ApiError> {
    match answer {
        Err(e) if matches!(e.code(), "nothing-to-decide" | "not-released-for-import" | "trade-closed") => Ok(()),
        Err(e) => Err(e),
        Ok(_) => Ok(()),
    }
}
