//! The sandbox bank and the sandbox payment firm: they speak the formats that real ones do.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use papers::camt054::{self, Entry, Notice, Status};
use papers::pain001;
use serde_json::json;
use sha2::Sha256;
use trade::money::Money;
use trade::time::BusinessTime;

use super::api::{Api, ApiError};
use super::driver::Actors;

/// Money that has come in for an order.
#[derive(Clone, Debug)]
pub struct Credit {
    pub no: String,
    pub order_no: String,
    pub amount: Money,
    pub payer_name: String,
    pub payer_id: String,
}

/// Account of the hub at the sandbox bank, as the notices name it.
const HUB_ACCOUNT: &str = "SANDBOX0001";

/// The bank tells of credits in one camt.054.
pub async fn notify_credits(bank: &Api, credits: &[Credit]) -> Result<(), ApiError> {
    let Some(first) = credits.first() else { return Ok(()) };
    let entries = credits
        .iter()
        .map(|credit| Entry {
            credit: true,
            amount: credit.amount,
            bank_reference: credit.no.clone(),
            end_to_end: Some(credit.order_no.clone()),
            remittance: vec![credit.order_no.clone()],
            payer_name: Some(credit.payer_name.clone()),
            payer_id: Some(credit.payer_id.clone()),
            ..entry()
        })
        .collect();
    send_notice(bank, &format!("N-{}", first.no), entries).await
}

fn entry() -> Entry {
    Entry {
        credit: true,
        reversal: false,
        amount: Money::zero(trade::money::Currency::CNY),
        bank_reference: String::new(),
        end_to_end: None,
        remittance: Vec::new(),
        payer_name: None,
        payer_id: None,
        payer_account: None,
        account: HUB_ACCOUNT.to_owned(),
        booked: None,
        status: Status::Booked,
    }
}

async fn send_notice(bank: &Api, message_id: &str, entries: Vec<Entry>) -> Result<(), ApiError> {
    let notice = Notice {
        message_id: message_id.chars().take(35).collect(),
        created: BusinessTime::from_micros(unix_seconds().saturating_mul(1_000_000)),
        account: HUB_ACCOUNT.to_owned(),
        entries,
    };
    let xml = camt054::write(&notice)
        .map_err(|e| ApiError::Unreachable { url: "camt.054".to_owned(), cause: format!("{e:?}") })?;
    bank.send("/api/v1/bank-messages", "application/xml", xml, &[]).await.map(|_| ())
}

/// The payment firm's webhook, signed as Standard Webhooks says: HMAC-SHA256 over id, time and body.
pub async fn send_webhook(hub: &Api, secret: &[u8], credit: &Credit) -> Result<(), ApiError> {
    let body = json!({ "payment": credit.no, "order_no": credit.order_no, "amount": credit.amount.decimal(),
        "currency": credit.amount.currency(), "payer": { "name": credit.payer_name, "id_number": credit.payer_id } });
    let body = body.to_string().into_bytes();
    let id = format!("msg_{}", credit.no);
    let timestamp = unix_seconds().to_string();
    let signature = sign(secret, &id, &timestamp, &body);
    let headers = [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)];
    hub.send("/api/v1/webhooks/payments", "application/json", body, &headers).await.map(|_| ())
}

fn sign(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Fetches the `n`th file of what is due, executes it, and tells so. Answers how many it executed.
pub async fn execute_payouts(hub: &Actors, n: usize) -> Result<usize, ApiError> {
    let body = json!({ "file": format!("PAY-SAMPLE-{n}") });
    let file = hub.operator.file("/api/v1/payout-files", &body).await?;
    if file.is_empty() {
        return Ok(0);
    }
    let instructions = pain001::read(&file)
        .map_err(|e| ApiError::Unreachable { url: "pain.001".to_owned(), cause: format!("{e:?}") })?;
    let count = instructions.len();
    let entries: Vec<Entry> = instructions
        .into_iter()
        .map(|i| Entry {
            credit: false,
            amount: i.amount,
            bank_reference: format!("B{}", i.end_to_end).chars().take(35).collect(),
            end_to_end: Some(i.end_to_end),
            remittance: i.remittance,
            ..entry()
        })
        .collect();
    for chunk in entries.chunks(200) {
        let message_id = format!("D{}", chunk.first().and_then(|e| e.end_to_end.clone()).unwrap_or_default());
        send_notice(&hub.bank, &message_id, chunk.to_vec()).await?;
    }
    Ok(count)
}

#[expect(clippy::disallowed_methods, reason = "an edge: the payment firm's own clock")]
fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_signed_over_id_time_and_body() {
        // echo -n 'msg_1.1.{}' | openssl dgst -sha256 -hmac key -binary | base64
        assert_eq!(sign(b"key", "msg_1", "1", b"{}"), "v1,jKGHVBDuJf5ZbCMVrrutoMHDN1OlFFCE9iogVIO9MLQ=");
        assert_ne!(sign(b"key", "msg_1", "1", b"{}"), sign(b"key", "msg_1", "2", b"{}"));
    }
}
