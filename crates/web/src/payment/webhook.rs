//! The payment firm's webhook, signed as Standard Webhooks have it: HMAC-SHA256 with the shared
//! secret over `id.timestamp.body`, in the header `webhook-signature` as `v1,<base64>`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use trade::codes::DocumentNo;
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::payment::{PaymentChannel, ReceivePayment};

use super::payer_tags;
use crate::AppState;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, any_of, integer, money, object, text};

/// A webhook older or newer than this is not taken, so that a caught one cannot be sent for ever.
const TOLERANCE_SECONDS: i64 = 300;
/// A payment is a few lines.
const BODY_MAX: usize = 16 * 1024;

/// What the payment firm tells: one credit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PaymentMessage {
    /// The firm's own number of the payment.
    pub payment: String,
    pub order_no: String,
    pub amount: Amount,
    /// Where the amount is written as minor units alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    pub payer: Payer,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    Money(Money),
    /// Minor units of `currency`.
    Minor(i64),
    /// A decimal of `currency`, `386.42`.
    Decimal(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payer {
    pub name: String,
    #[serde(default)]
    pub id_number: Option<String>,
}

/// What the payment firm sends.
pub fn shape() -> Schema {
    object([
        ("payment", text()),
        ("order_no", text()),
        ("amount", any_of([money(), integer(), text()])),
        ("currency?", text().or_null()),
        ("payer", object([("name", text()), ("id_number?", text().or_null())])),
    ])
}

pub async fn receive(State(app): State<AppState>, headers: HeaderMap, body: Bytes) -> Answer<Json<Value>> {
    if body.len() > BODY_MAX {
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "http-413"));
    }
    verify(&app.settings.payment_secret, &headers, &body, app.wall().seconds())?;
    let message: PaymentMessage = serde_json::from_slice(&body).map_err(|_| Failure::bad("not-json"))?;
    let no: DocumentNo = message.payment.parse().map_err(|e| Failure::of(&e))?;
    let order: DocumentNo = message.order_no.parse().map_err(|e| Failure::of(&e))?;
    let command = ReceivePayment {
        trade: app.site().trade(&order),
        no,
        amount: amount(&message)?,
        payer: payer_tags(&app, &message.payer.name, message.payer.id_number.as_deref()),
        channel: PaymentChannel::Webhook,
    };
    Ok(Json(app.submit(Command::ReceivePayment(command)).await?))
}

fn amount(message: &PaymentMessage) -> Answer<Money> {
    let currency = || message.currency.ok_or_else(|| Failure::bad("value-missing").with("field", "currency"));
    match &message.amount {
        Amount::Money(money) => Ok(*money),
        Amount::Minor(minor) => Ok(Money::new(*minor, currency()?)),
        Amount::Decimal(text) => Money::parse(text, currency()?).map_err(|e| Failure::of(&e)),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Checks the time first, then the signature; any of several (space between) may be right.
fn verify(secret: &[u8], headers: &HeaderMap, body: &[u8], now: i64) -> Answer<()> {
    let (id, timestamp) = (header(headers, "webhook-id"), header(headers, "webhook-timestamp"));
    let refused = || Failure::new(StatusCode::UNAUTHORIZED, "webhook-signature");
    let sent: i64 = timestamp.parse().map_err(|_| refused())?;
    if (now - sent).abs() > TOLERANCE_SECONDS {
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "webhook-time").with("seconds", TOLERANCE_SECONDS));
    }
    let given = header(headers, "webhook-signature");
    let right = given.split(' ').filter_map(|s| s.strip_prefix("v1,")).any(|signature| {
        let bytes = STANDARD.decode(signature).unwrap_or_default();
        // Compares in constant time.
        mac(secret, id, timestamp, body).verify_slice(&bytes).is_ok()
    });
    if right && !id.is_empty() { Ok(()) } else { Err(refused()) }
}

fn mac(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

/// The header `webhook-signature` of a message.
#[must_use]
pub fn sign(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signature = mac(secret, id, &timestamp.to_string(), body).finalize().into_bytes();
    format!("v1,{}", STANDARD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(id: &'static str, timestamp: &'static str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn the_signature_is_that_of_the_standard() {
        // Vector of Standard Webhooks: secret MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, id
        // msg_p5jXN8AQM9LWM0D4loKWxJek, time 1614265330, body {"test": 2432232314}.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_the_firms_signature_of_this_body_and_time_is_taken() {
        let secret = [7_u8; 32];
        let good = sign(&secret, "msg_1", 1_000, b"{}");
        assert!(verify(&secret, &headers("msg_1", "1000", &good), b"{}", 1_100).is_ok());
        let several = format!("v1,AAAA {good}");
        assert!(verify(&secret, &headers("msg_1", "1000", &several), b"{}", 1_100).is_ok());
        let code =
            |headers: &HeaderMap, body: &[u8], now: i64| verify(&secret, headers, body, now).unwrap_err().problem.code;
        assert_eq!(code(&headers("msg_1", "1000", &good), b"{ }", 1_100), "webhook-signature");
        assert_eq!(code(&headers("msg_2", "1000", &good), b"{}", 1_100), "webhook-signature");
        assert_eq!(code(&headers("msg_1", "1001", &good), b"{}", 1_100), "webhook-signature");
        assert_eq!(code(&headers("msg_1", "1000", &good), b"{}", 1_301), "webhook-time");
        assert_eq!(code(&headers("msg_1", "x", &good), b"{}", 1_000), "webhook-signature");
        assert_eq!(code(&headers("msg_1", "1000", "v1,"), b"{}", 1_000), "webhook-signature");
    }
}
