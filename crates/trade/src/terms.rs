//! On which terms goods are sold: as a consumer's parcel, or to a business by an Incoterm.

mod incoterms;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::incoterms::{Bearer, Clauses, IncotermRule, Incoterms, Insured, Obligation, RiskPoint};
use crate::codes::Country;
use crate::money::Money;
use crate::rulebook::{Mode, Regime};
use crate::time::Days;

/// What a buyer asks a price under.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "regime")]
pub enum Terms {
    #[default]
    #[serde(rename = "b2c-parcel")]
    Parcel,
    #[serde(rename = "b2b")]
    Business { incoterm: Incoterm, place: Place },
}

impl Terms {
    #[must_use]
    pub const fn regime(&self) -> Regime {
        match self {
            Self::Parcel => Regime::B2cParcel,
            Self::Business { .. } => Regime::B2b,
        }
    }
}

/// The eleven rules of Incoterms 2020.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Incoterm {
    Exw,
    Fca,
    Fas,
    Fob,
    Cfr,
    Cif,
    Cpt,
    Cip,
    Dap,
    Dpu,
    Ddp,
}

impl Incoterm {
    pub const ALL: [Self; 11] = [
        Self::Exw,
        Self::Fca,
        Self::Fas,
        Self::Fob,
        Self::Cfr,
        Self::Cif,
        Self::Cpt,
        Self::Cip,
        Self::Dap,
        Self::Dpu,
        Self::Ddp,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Exw => "EXW",
            Self::Fca => "FCA",
            Self::Fas => "FAS",
            Self::Fob => "FOB",
            Self::Cfr => "CFR",
            Self::Cif => "CIF",
            Self::Cpt => "CPT",
            Self::Cip => "CIP",
            Self::Dap => "DAP",
            Self::Dpu => "DPU",
            Self::Ddp => "DDP",
        }
    }

    /// Its code in small letters, as message keys have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exw => "exw",
            Self::Fca => "fca",
            Self::Fas => "fas",
            Self::Fob => "fob",
            Self::Cfr => "cfr",
            Self::Cif => "cif",
            Self::Cpt => "cpt",
            Self::Cip => "cip",
            Self::Dap => "dap",
            Self::Dpu => "dpu",
            Self::Ddp => "ddp",
        }
    }

    /// What the table says of it.
    #[must_use]
    pub fn rule(self) -> &'static IncotermRule {
        Incoterms::table().rule(self)
    }

    /// Those under which goods are sold that go by this.
    #[must_use]
    pub fn offered(mode: Option<Mode>) -> Vec<Self> {
        Self::ALL.into_iter().filter(|term| term.why_not(mode).is_none()).collect()
    }

    /// Why goods that go by this are not sold under it here; none where they are.
    #[must_use]
    pub fn why_not(self, mode: Option<Mode>) -> Option<IncotermReason> {
        self.rule().why_not(mode)
    }

    /// Whether the seller's price holds the carriage to the named place.
    #[must_use]
    pub fn includes_carriage(self) -> bool {
        self.rule().carriage == Bearer::Seller
    }
}

impl fmt::Display for Incoterm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text that is none of the eleven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum TermsFault {
    NotAnIncoterm { got: String },
    NotAPlace { got: String },
}

impl FromStr for Incoterm {
    type Err = TermsFault;

    fn from_str(text: &str) -> Result<Self, TermsFault> {
        let found = Self::ALL.into_iter().find(|term| term.code().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| TermsFault::NotAnIncoterm { got: text.chars().take(20).collect() })
    }
}

/// Why an Incoterm is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncotermReason {
    /// EXW: the buyer would have to clear the goods for export in the seller's country.
    BuyerClearsExport,
    /// FAS, FOB, CFR, CIF are for goods that go by ship from port to port.
    SeaOnly,
    /// CIP: the seller insures the goods, and nobody here does.
    InsuranceNeeded,
    /// DPU: the seller unloads at the destination, and nobody there does it for him.
    UnloadingNeeded,
    /// DDP: the seller would be the importer in the buyer's country.
    SellerPaysImportTaxes,
}

impl IncotermReason {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BuyerClearsExport => "buyer-clears-export",
            Self::SeaOnly => "sea-only",
            Self::InsuranceNeeded => "insurance-needed",
            Self::UnloadingNeeded => "unloading-needed",
            Self::SellerPaysImportTaxes => "seller-pays-import-taxes",
        }
    }
}

/// A named place by its UN/LOCODE, `MYKUL`: never an address, which could be a person's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(String);

impl Place {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it lies in a country, by its first two letters.
    #[must_use]
    pub fn is_in(&self, country: Country) -> bool {
        self.0.starts_with(country.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Place {
    type Err = TermsFault;

    /// Two letters of the country, then three letters or digits 2 to 9, as UN/LOCODE has them.
    fn from_str(text: &str) -> Result<Self, TermsFault> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).take(10).collect();
        let bytes = plain.as_bytes();
        let whole = bytes.len() == 5
            && bytes[..2].iter().all(u8::is_ascii_uppercase)
            && bytes[2..].iter().all(|b| b.is_ascii_uppercase() || (b'2'..=b'9').contains(b));
        if whole { Ok(Self(plain)) } else { Err(TermsFault::NotAPlace { got: text.chars().take(20).collect() }) }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|_| serde::de::Error::custom("not a UN/LOCODE"))
    }
}

/// On which terms a business buys, as quoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    pub incoterm: Incoterm,
    pub place: Place,
    /// None where the whole is paid with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<DepositOffer>,
}

/// A part of the total may be paid with the order, and the rest within so many days of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositOffer {
    pub amount: Money,
    pub balance_within: Days,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incoterm_is_offered_or_the_reason_is_given() {
        for term in Incoterm::ALL {
            assert_eq!(term.code().to_lowercase().parse(), Ok(term));
        }
        assert_eq!(Incoterm::offered(Some(Mode::Air)), [Incoterm::Fca, Incoterm::Cpt, Incoterm::Dap]);
        assert_eq!(Incoterm::offered(None), Incoterm::offered(Some(Mode::Air)));
        // By ship also the rules for ships, but for CIF: nobody here insures.
        let by_sea = [Incoterm::Fca, Incoterm::Fas, Incoterm::Fob, Incoterm::Cfr, Incoterm::Cpt, Incoterm::Dap];
        assert_eq!(Incoterm::offered(Some(Mode::Sea)), by_sea);
        let reasons = [
            (Incoterm::Exw, IncotermReason::BuyerClearsExport),
            (Incoterm::Fob, IncotermReason::SeaOnly),
            (Incoterm::Cif, IncotermReason::SeaOnly),
            (Incoterm::Cip, IncotermReason::InsuranceNeeded),
            (Incoterm::Dpu, IncotermReason::UnloadingNeeded),
            (Incoterm::Ddp, IncotermReason::SellerPaysImportTaxes),
        ];
        for (term, reason) in reasons {
            assert_eq!(term.why_not(Some(Mode::Air)), Some(reason), "{term}");
        }
        assert!(matches!("DAF".parse::<Incoterm>(), Err(TermsFault::NotAnIncoterm { .. })));
    }

    #[test]
    fn a_place_is_five_characters_that_name_its_country() {
        let place: Place = "my kul".parse().expect("UN/LOCODE writes a blank after the country");
        assert_eq!(place.as_str(), "MYKUL");
        assert!(place.is_in(Country::MY) && !place.is_in(Country::CN));
        for bad in ["", "MYK", "MYKUL1", "M1KUL", "MYKU0", "1 Jalan Ampang", "吉隆坡"] {
            assert_eq!(bad.parse::<Place>(), Err(TermsFault::NotAPlace { got: bad.into() }), "{bad}");
        }
    }

    #[test]
    fn terms_are_written_with_the_facts_that_belong_to_them() {
        let parcel = serde_json::to_string(&Terms::Parcel).expect("it can be written");
        assert_eq!(parcel, r#"{"regime":"b2c-parcel"}"#);
        let text = r#"{"regime":"b2b","incoterm":"FCA","place":"MYKUL"}"#;
        let terms: Terms = serde_json::from_str(text).expect("it can be read");
        assert_eq!(serde_json::to_string(&terms).expect("and written"), text);
        assert!(serde_json::from_str::<Terms>(r#"{"regime":"b2b"}"#).is_err(), "a business names its Incoterm");
    }
}
