//! The sample trade as `samples/orders.json` scripts it.

use serde::Deserialize;

pub const PRICE_LIST: &[u8] = include_bytes!("../../../../samples/price-list.xlsx");
const ORDERS: &str = include_str!("../../../../samples/orders.json");
const BUYERS: &str = include_str!("../../../../samples/buyers.json");

#[derive(Clone, Debug, Deserialize)]
pub struct Buyer {
    pub id: String,
    pub name: String,
    pub phone: String,
    pub address: String,
    pub id_type: String,
    pub id_number: String,
    pub verified: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// Place in the list, from 1; names the row of the expected outcomes.
    pub entry: usize,
    pub order_no: String,
    pub buyer: String,
    pub lines: Vec<Line>,
    pub place: Place,
    #[serde(default)]
    pub payments: Vec<Payment>,
    pub waybill: Option<Waybill>,
    pub export: Option<Export>,
    pub import: Option<Import>,
    pub buyer_confirms: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    pub sku: String,
    pub quantity: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Now,
    AfterQuoteExpired,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    pub no: String,
    pub by: By,
    pub payer: Payer,
    pub amount: String,
    pub currency: String,
    pub order_no: String,
    pub times: u32,
    pub when: PaymentWhen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum By {
    #[serde(rename = "camt.054")]
    Camt054,
    #[serde(rename = "webhook")]
    Webhook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payer {
    Buyer,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentWhen {
    BeforeOrder,
    AfterOrder,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Waybill {
    pub weight_percent: i64,
    pub consignee: Consignee,
    pub s10: S10Script,
    pub correction: Option<WaybillCorrection>,
    pub when: WaybillWhen,
    pub times: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consignee {
    AsGiven,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum S10Script {
    Good,
    BadCheckDigitFirst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaybillWhen {
    AfterOrder,
    BeforePayment,
}

#[derive(Clone, Debug, Deserialize)]
pub struct WaybillCorrection {
    pub weight_percent: Option<i64>,
    pub consignee: Option<Consignee>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Export {
    pub pieces_delta: i64,
    pub value: String,
    pub correction: Option<ExportCorrection>,
    pub officer: Officer,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ExportCorrection {
    pub pieces_delta: Option<i64>,
    pub value: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Import {
    pub officer: Officer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Officer {
    Release,
    Detain,
}

/// The scripted orders, in the order in which they are placed.
///
/// # Panics
/// If the sample that is built in does not parse; a test reads it.
#[must_use]
pub fn entries() -> Vec<Entry> {
    serde_json::from_str(ORDERS).expect("the sample orders are well-formed")
}

/// The synthetic buyers.
///
/// # Panics
/// As [`entries`].
#[must_use]
pub fn buyers() -> Vec<Buyer> {
    serde_json::from_str(BUYERS).expect("the sample buyers are well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_read_whole() {
        let entries = entries();
        assert!(entries.len() >= 500);
        assert!(entries.iter().enumerate().all(|(i, e)| e.entry == i + 1));
        let buyers = buyers();
        assert!(entries.iter().all(|e| buyers.iter().any(|b| b.id == e.buyer)));
    }
}
