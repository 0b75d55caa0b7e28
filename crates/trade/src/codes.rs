//! The identifiers of trade: each knows its own check digit and is refused without it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the code it should be: what was expected, what came, and why it is not one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CodeError {
    /// The Harmonized System code has fewer than six digits. It is never padded.
    HsTooShort { got: String },
    /// Not six to ten digits.
    HsNotDigits { got: String },
    /// Not two letters of ISO 3166-1.
    NotACountry { got: String },
    /// Not two letters, nine digits, two letters (UPU S10).
    NotS10 { got: String },
    /// The ninth digit of an S10 number is not what the first eight give.
    S10CheckDigit { got: String, expected: u8 },
    /// Not 1 to 60 letters, digits, `-`, `_`, `.` or `/`.
    NotANumber { got: String },
    /// Not 3 to 32 lower-case letters, digits, `-` or `.`.
    NotAHub { got: String },
    /// Not `BG` and eleven digits.
    BagNumber { got: String },
    /// The last digit of a bag's number is not what the ten before it give.
    BagCheckDigit { got: String, expected: u8 },
    /// Not three digits of an airline and eight of its waybill.
    AwbNumber { got: String },
    /// The last digit of an air waybill is not the remainder of the seven before it by 7.
    AwbCheckDigit { got: String, expected: u8 },
    /// Not two characters of an airline and one to four digits.
    FlightNumber { got: String },
    /// Not two letters of a country and three of a place (UN/LOCODE).
    PlaceCode { got: String },
    /// Not `B-` and 1 to 16 capital letters, digits or `-`.
    BinCode { got: String },
    /// Not 1 to 20 capital letters, digits or `-`.
    SealNumber { got: String },
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for CodeError {}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Text newtypes travel as their text, and are checked when read back.
macro_rules! text_code {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

mod transport;

pub use transport::{Awb, BagNo, Bin, FlightNo, Place, SealNo};

/// A Harmonized System code of six digits (HS 2022), with up to four national digits behind it.
///
/// A short code is refused, never padded: `0901` says less than `090121`, and what is missing
/// decides the duty. Dots and blanks, as people write them, are read over.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HsCode(String);

impl HsCode {
    /// All digits given, six to ten.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The six international digits.
    #[must_use]
    pub fn hs6(&self) -> &str {
        &self.0[..6]
    }

    /// The two digits of the chapter.
    #[must_use]
    pub fn chapter(&self) -> &str {
        &self.0[..2]
    }

    /// Whether this code lies under a chapter, heading or subheading such as `85` or `850760`.
    #[must_use]
    pub fn is_under(&self, prefix: &str) -> bool {
        self.0.starts_with(prefix)
    }
}

impl FromStr for HsCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digits: String = text.chars().filter(|c| !matches!(c, '.' | ' ')).collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) || digits.len() > 10 {
            return Err(CodeError::HsNotDigits { got: shown(text) });
        }
        if digits.len() < 6 {
            return Err(CodeError::HsTooShort { got: shown(text) });
        }
        Ok(Self(digits))
    }
}

text_code!(HsCode);

/// A country or territory of ISO 3166-1, by its two letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    pub const CN: Self = Self(*b"CN");
    pub const MY: Self = Self(*b"MY");
    pub const SG: Self = Self(*b"SG");

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("both bytes are ASCII letters")
    }

    /// Reads one country: where goods are made. A union of states is a customs territory and made nothing.
    ///
    /// # Errors
    /// Not two letters of ISO 3166-1, or those of a union.
    pub fn of_origin(text: &str) -> Result<Self, CodeError> {
        let country: Self = text.parse()?;
        if country.0 == *b"EU" { Err(CodeError::NotACountry { got: shown(text) }) } else { Ok(country) }
    }
}

/// ISO 3166-1 alpha-2, all officially assigned codes. `EU`, exceptionally reserved for the European Union, is
/// read beside them: it is one customs territory.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ \
NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ \
UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Each code's first letter by its place in the alphabet, its second letter as a bit.
const ASSIGNED: [u32; 26] = {
    let (text, mut letters, mut at) = (COUNTRIES.as_bytes(), [0_u32; 26], 0);
    while at < text.len() {
        letters[(text[at] - b'A') as usize] |= 1 << (text[at + 1] - b'A');
        at += 3;
    }
    letters
};

fn is_assigned(first: u8, second: u8) -> bool {
    let letter = |b: u8| b.checked_sub(b'A').filter(|n| *n < 26);
    match (letter(first), letter(second)) {
        (Some(first), Some(second)) => ASSIGNED[usize::from(first)] >> second & 1 == 1,
        _ => false,
    }
}

impl FromStr for Country {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        match <[u8; 2]>::try_from(text.trim().as_bytes()).map(|code| code.map(|b| b.to_ascii_uppercase())) {
            Ok([a, b]) if is_assigned(a, b) || [a, b] == *b"EU" => Ok(Self([a, b])),
            _ => Err(CodeError::NotACountry { got: shown(text) }),
        }
    }
}

text_code!(Country);

/// A postal item number of UPU standard S10: two letters of service, eight digits, a check digit and
/// the country of the issuing post.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S10(String);

impl S10 {
    /// Builds a number with its check digit. `service` is two capital letters, `serial` eight digits.
    pub fn issue(service: &str, serial: u32, country: Country) -> Result<Self, CodeError> {
        let digits = format!("{:08}", serial.rem_euclid(100_000_000));
        format!("{service}{digits}{}{country}", s10_check_digit(&digits)).parse()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// S10 check digit: weights 8 6 4 2 3 5 9 7, 11 − (sum mod 11), where 10 becomes 0 and 11 becomes 5.
fn s10_check_digit(eight_digits: &str) -> u8 {
    let sum: u32 = eight_digits.bytes().zip([8_u32, 6, 4, 2, 3, 5, 9, 7]).map(|(b, w)| u32::from(b - b'0') * w).sum();
    match 11 - sum.rem_euclid(11) {
        10 => 0,
        11 => 5,
        digit => u8::try_from(digit).expect("1 to 9"),
    }
}

impl FromStr for S10 {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let number: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
        let bytes = number.as_bytes();
        let well_formed = bytes.len() == 13
            && bytes[..2].iter().chain(&bytes[11..]).all(u8::is_ascii_uppercase)
            && bytes[2..11].iter().all(u8::is_ascii_digit);
        if !well_formed || number[11..].parse::<Country>().is_err() {
            return Err(CodeError::NotS10 { got: shown(text) });
        }
        let expected = s10_check_digit(&number[2..10]);
        if bytes[10] - b'0' != expected {
            return Err(CodeError::S10CheckDigit { got: number, expected });
        }
        Ok(Self(number))
    }
}

text_code!(S10);

/// An order, payment or declaration number as its sender gives it: 1 to 60 letters, digits and `-_./`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentNo(String);

impl DocumentNo {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stands for the number of a payment that was lost, until the bank tells it again.
    #[must_use]
    pub fn recalled(order: &str) -> Self {
        Self(format!("recalled/{order}").chars().take(60).collect())
    }
}

impl FromStr for DocumentNo {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
        if text.is_empty() || text.len() > 60 || !text.bytes().all(allowed) {
            return Err(CodeError::NotANumber { got: shown(text) });
        }
        Ok(Self(text.to_owned()))
    }
}

text_code!(DocumentNo);

/// The id of a hub, such as `kul.sandbox`: chosen when it is initialised, never changed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubId(Arc<str>);

impl HubId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HubId {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        if !(3..=32).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(CodeError::NotAHub { got: shown(text) });
        }
        Ok(Self(text.into()))
    }
}

text_code!(HubId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_of_states_is_a_territory_and_made_nothing() {
        let union: Country = "EU".parse().expect("a customs territory");
        assert_eq!(union.as_str(), "EU");
        assert_eq!(Country::of_origin("EU"), Err(CodeError::NotACountry { got: "EU".into() }));
        assert_eq!(Country::of_origin("fr").map(|country| country.to_string()), Ok("FR".to_owned()));
    }

    #[test]
    fn s10_numbers_carry_their_check_digit() {
        // vectors of the UPU rule: 47312482 -> 9; 12345678 -> 5; 00000000 -> 5;
        // 10000002 -> 5 (11 becomes 5); 10000014 -> 0 (10 becomes 0)
        for (digits, check) in [("47312482", 9), ("12345678", 5), ("00000000", 5), ("10000002", 5), ("10000014", 0)] {
            assert_eq!(s10_check_digit(digits), check, "{digits}");
        }
        assert_eq!("lx 473 124 829 my".parse::<S10>().map(|n| n.to_string()), Ok("LX473124829MY".into()));
        assert_eq!(
            "LX473124828MY".parse::<S10>(),
            Err(CodeError::S10CheckDigit { got: "LX473124828MY".into(), expected: 9 })
        );
        assert!(matches!("LX47312482MY".parse::<S10>(), Err(CodeError::NotS10 { .. })));
        assert!(matches!("LX473124829QQ".parse::<S10>(), Err(CodeError::NotS10 { .. })));
    }

    #[test]
    fn a_short_hs_code_is_refused_and_never_padded() {
        assert_eq!("0901.21".parse::<HsCode>().map(|c| c.hs6().to_owned()), Ok("090121".into()));
        assert_eq!("3304 99 0021".parse::<HsCode>().map(|c| c.to_string()), Ok("3304990021".into()));
        assert_eq!("0901".parse::<HsCode>(), Err(CodeError::HsTooShort { got: "0901".into() }));
        assert!(matches!("coffee".parse::<HsCode>(), Err(CodeError::HsNotDigits { .. })));
        assert!(matches!("09012100000".parse::<HsCode>(), Err(CodeError::HsNotDigits { .. })));
    }

    #[test]
    fn countries_are_those_of_iso_3166() {
        assert_eq!("my".parse::<Country>(), Ok(Country::MY));
        assert!("XX".parse::<Country>().is_err());
        assert!("MYS".parse::<Country>().is_err());
        assert_eq!(COUNTRIES.split(' ').count(), 249);
    }
}
