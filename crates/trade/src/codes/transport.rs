//! Numbers of transport: bags and their seals, master air waybills, flights, places, bins.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CodeError, Country, shown};

/// A number as scanners and people give it: without blanks, in capital letters.
fn scanned(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase()
}

fn is_label(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
}

/// The number of a bag of parcels: `BG`, ten digits, and a check digit over them as GS1 has it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BagNo(String);

impl BagNo {
    /// Builds a number with its check digit; of `serial` the last ten digits count.
    #[must_use]
    pub fn issue(serial: u64) -> Self {
        let digits = format!("{:010}", serial.rem_euclid(10_000_000_000));
        Self(format!("BG{digits}{}", gs1_check_digit(&digits)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// GS1 General Specifications 7.9: from the right weights 3, 1, 3, 1 …; what lacks to the next ten.
fn gs1_check_digit(digits: &str) -> u8 {
    let sum: u32 = digits.bytes().rev().zip([3_u32, 1].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum();
    u8::try_from((10 - sum.rem_euclid(10)).rem_euclid(10)).expect("below ten")
}

impl FromStr for BagNo {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let number = scanned(text);
        let digits = number.strip_prefix("BG").filter(|d| d.len() == 11 && d.bytes().all(|b| b.is_ascii_digit()));
        let Some(digits) = digits else { return Err(CodeError::BagNumber { got: shown(text) }) };
        let expected = gs1_check_digit(&digits[..10]);
        if digits.as_bytes()[10] - b'0' != expected {
            return Err(CodeError::BagCheckDigit { got: number, expected });
        }
        Ok(Self(number))
    }
}

text_code!(BagNo);

/// A master air waybill of IATA Resolution 600a: three digits of the airline, seven of its own, and
/// these seven's remainder by 7; `232-12345675`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Awb(String);

impl Awb {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Awb {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let digits: String = scanned(text).chars().filter(|c| *c != '-').collect();
        if digits.len() != 11 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CodeError::AwbNumber { got: shown(text) });
        }
        let (airline, serial) = digits.split_at(3);
        let remainder = serial[..7].bytes().fold(0_u32, |n, b| n * 10 + u32::from(b - b'0')).rem_euclid(7);
        let expected = u8::try_from(remainder).expect("below seven");
        let number = format!("{airline}-{serial}");
        if serial.as_bytes()[7] - b'0' != expected {
            return Err(CodeError::AwbCheckDigit { got: number, expected });
        }
        Ok(Self(number))
    }
}

text_code!(Awb);

/// A flight of IATA SSIM: the airline's two characters, and one to four digits; `MH376`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlightNo(String);

impl FlightNo {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FlightNo {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let number = scanned(text);
        let bytes = number.as_bytes();
        let well_formed = (3..=6).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && bytes[..2].iter().any(u8::is_ascii_uppercase)
            && bytes[2..].iter().all(u8::is_ascii_digit);
        if well_formed { Ok(Self(number)) } else { Err(CodeError::FlightNumber { got: shown(text) }) }
    }
}

text_code!(FlightNo);

/// A place by its UN/LOCODE: two letters of the country, three of the place; `MYKUL`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(String);

impl Place {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn country(&self) -> Country {
        self.0[..2].parse().expect("checked when it was read")
    }
}

impl FromStr for Place {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let code = scanned(text);
        let bytes = code.as_bytes();
        let well_formed = bytes.len() == 5
            && bytes[..2].iter().all(u8::is_ascii_uppercase)
            && bytes[2..].iter().all(|b| b.is_ascii_uppercase() || (b'2'..=b'9').contains(b));
        if well_formed && code[..2].parse::<Country>().is_ok() {
            Ok(Self(code))
        } else {
            Err(CodeError::PlaceCode { got: shown(text) })
        }
    }
}

text_code!(Place);

/// A place in a warehouse, as its label says: `B-` and up to 16 letters, digits or `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin(String);

impl Bin {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bin {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let code = scanned(text);
        if code.strip_prefix("B-").is_some_and(|rest| is_label(rest, 16)) {
            Ok(Self(code))
        } else {
            Err(CodeError::BinCode { got: shown(text) })
        }
    }
}

text_code!(Bin);

/// The number on a seal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealNo(String);

impl SealNo {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SealNo {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let code = scanned(text);
        if is_label(&code, 20) { Ok(Self(code)) } else { Err(CodeError::SealNumber { got: shown(text) }) }
    }
}

text_code!(SealNo);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bag_is_numbered_with_a_check_digit() {
        // 0000000017: 7 × 3 + 1 × 1 = 22, 8 lacks to 30
        assert_eq!(BagNo::issue(17).as_str(), "BG00000000178");
        assert_eq!("bg 0000000017 8".parse(), Ok(BagNo::issue(17)));
        let bad = CodeError::BagCheckDigit { got: "BG00000000177".into(), expected: 8 };
        assert_eq!("BG00000000177".parse::<BagNo>(), Err(bad));
        for other in ["BG0000000017", "LP000000019MY", "", "BG0000000017A"] {
            assert!(matches!(other.parse::<BagNo>(), Err(CodeError::BagNumber { .. })), "{other}");
        }
    }

    #[test]
    fn an_air_waybill_ends_in_the_remainder_by_seven() {
        // 1234567 = 7 × 176366 + 5
        assert_eq!("23212345675".parse::<Awb>().map(|n| n.to_string()), Ok("232-12345675".into()));
        assert_eq!("232-1234 5675".parse::<Awb>().map(|n| n.to_string()), Ok("232-12345675".into()));
        let bad = CodeError::AwbCheckDigit { got: "232-12345674".into(), expected: 5 };
        assert_eq!("232-12345674".parse::<Awb>(), Err(bad));
        assert!(matches!("232-1234567".parse::<Awb>(), Err(CodeError::AwbNumber { .. })));
    }

    #[test]
    fn flights_places_bins_and_seals_have_their_form() {
        for good in ["MH376", "ak 5102", "3U8", "MH1"] {
            assert!(good.parse::<FlightNo>().is_ok(), "{good}");
        }
        for bad in ["MH", "376", "MH37612", "MH37A", "12345", "马航1"] {
            assert!(bad.parse::<FlightNo>().is_err(), "{bad}");
        }
        assert_eq!("mykul".parse::<Place>().map(|p| p.country()), Ok(Country::MY));
        for bad in ["KUL", "XXKUL", "MYKU1", "MYKULA"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        assert_eq!("b-a01-02".parse::<Bin>().map(|b| b.to_string()), Ok("B-A01-02".into()));
        for bad in ["A01", "B-", "B-A_1", "B-12345678901234567"] {
            assert!(bad.parse::<Bin>().is_err(), "{bad}");
        }
        assert!("sl-99".parse::<SealNo>().is_ok() && "".parse::<SealNo>().is_err() && "a/b".parse::<SealNo>().is_err());
    }
}
