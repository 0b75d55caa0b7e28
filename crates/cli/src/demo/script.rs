//! The sample trade as `samples/orders.json` scripts it.

use serde::{Deserialize, Serialize};
use trade::codes::Country;
use trade::rulebook::Regime;

const ORDERS: &str = include_str!("../../../../samples/orders.json");
const BUYERS: &str = include_str!("../../../../samples/buyers.json");

/// From one country to the other. Both are played at once, on the same two hubs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Kuala Lumpur exports, Hangzhou imports.
    MyCn,
    /// Hangzhou exports, Kuala Lumpur imports.
    CnMy,
}

impl Way {
    pub const BOTH: [Self; 2] = [Self::MyCn, Self::CnMy];

    /// As `samples/orders.json` names it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MyCn => "my-cn",
            Self::CnMy => "cn-my",
        }
    }

    /// The firm that sells this way.
    #[must_use]
    pub fn firm(self) -> Firm {
        match self {
            Self::MyCn => Firm {
                name: "Seri Warisan Trading",
                country: Country::MY,
                account: "MY-8001-0042-7719",
                file: "price-list.xlsx",
                media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                price_list: include_bytes!("../../../../samples/price-list.xlsx"),
            },
            Self::CnMy => Firm {
                name: "Hangzhou Yanghu Trading",
                country: Country::CN,
                account: "CN-6200-0042-7719",
                file: "price-list-cn.csv",
                media_type: "text/csv",
                price_list: include_bytes!("../../../../samples/price-list-cn.csv"),
            },
        }
    }

    /// Where parcels leave and where they arrive, as UN/LOCODE has it.
    #[must_use]
    pub fn places(self) -> (&'static str, &'static str) {
        match self {
            Self::MyCn => ("MYKUL", "CNHGH"),
            Self::CnMy => ("CNHGH", "MYKUL"),
        }
    }

    /// The number of an identity card that nobody has: whoever pays who is not the buyer.
    #[must_use]
    pub fn stranger(self) -> &'static str {
        match self {
            Self::MyCn => "999999197001019999",
            Self::CnMy => "700101009999",
        }
    }
}

/// An invented firm, and its price list as it keeps it.
pub struct Firm {
    pub name: &'static str,
    pub country: Country,
    pub account: &'static str,
    pub file: &'static str,
    pub media_type: &'static str,
    pub price_list: &'static [u8],
}

#[derive(Clone, Debug, Deserialize)]
pub struct Buyer {
    pub id: String,
    pub kind: BuyerKind,
    pub country: Country,
    pub name: String,
    pub name_latin: String,
    pub phone: String,
    pub address: String,
    pub id_type: String,
    pub id_number: String,
    pub verified: bool,
}

impl Buyer {
    /// As banks write it: a person's own name, a firm's in Latin letters.
    #[must_use]
    pub fn pays_as(&self) -> &str {
        match self.kind {
            BuyerKind::Person => &self.name,
            BuyerKind::Business => &self.name_latin,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuyerKind {
    Person,
    Business,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// Place in the list, from 1; names the row of the expected outcomes.
    pub entry: usize,
    pub way: Way,
    pub regime: Regime,
    pub order_no: String,
    pub buyer: String,
    pub lines: Vec<Line>,
    pub incoterm: Option<Term>,
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

/// A term of delivery that a firm asks for; the hub may not offer it.
#[derive(Clone, Debug, Deserialize)]
pub struct Term {
    pub rule: String,
    pub place: String,
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
    /// The balance that follows a deposit.
    AfterWaybill,
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
        assert_eq!(entries.len(), 2_000);
        assert!(entries.iter().enumerate().all(|(i, e)| e.entry == i + 1));
        let buyers = buyers();
        for entry in &entries {
            let buyer = buyers.iter().find(|b| b.id == entry.buyer).unwrap();
            // A buyer stands on the importing side, and firms buy as firms.
            assert_ne!(buyer.country, entry.way.firm().country, "{}", entry.order_no);
            assert_eq!(buyer.kind == BuyerKind::Business, entry.incoterm.is_some(), "{}", entry.order_no);
        }
    }
}
