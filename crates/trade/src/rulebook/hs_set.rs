//! A set of HS codes given by chapters, headings and longer prefixes, asked by numbers.

use super::reader::Fields;
use crate::codes::HsCode;

/// Ten digits hold every national code.
const DIGITS: u32 = 10;

/// A code as ten digits, filled up with zeros behind, and how many digits were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HsNumber {
    pub ten: u64,
    pub digits: u32,
}

impl HsNumber {
    /// Two to ten digits.
    #[must_use]
    pub fn of(digits: &str) -> Self {
        let value = digits.bytes().take(10).fold(0_u64, |n, digit| n * 10 + u64::from(digit.saturating_sub(b'0')));
        let count = u32::try_from(digits.len()).unwrap_or(DIGITS).min(DIGITS);
        Self { ten: value * 10_u64.pow(DIGITS - count), digits: count }
    }

    /// The last code that these digits begin.
    #[must_use]
    pub fn last(self) -> u64 {
        self.ten + 10_u64.pow(DIGITS - self.digits) - 1
    }
}

impl From<&HsCode> for HsNumber {
    fn from(hs: &HsCode) -> Self {
        Self::of(hs.as_str())
    }
}

/// Whether a code is in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    Yes,
    No,
    /// Some of the codes that these digits begin are in it: so many digits are needed to tell.
    Digits(u32),
}

/// Codes under any of some prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HsSet {
    /// First and last code, sorted.
    ranges: Vec<(u64, u64)>,
    /// The prefixes as they were written.
    prefixes: Vec<String>,
}

impl HsSet {
    pub(super) fn read(f: &mut Fields<'_>, key: &str) -> Self {
        Self::new(super::conditions::hs_prefixes(f, key))
    }

    /// Each prefix has two to ten digits.
    #[must_use]
    pub fn new(prefixes: Vec<String>) -> Self {
        let mut ranges: Vec<(u64, u64)> =
            prefixes.iter().map(|prefix| HsNumber::of(prefix)).map(|n| (n.ten, n.last())).collect();
        ranges.sort_unstable();
        Self { ranges, prefixes }
    }

    #[must_use]
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    #[must_use]
    pub fn within(&self, code: HsNumber) -> Within {
        let mut finer = 0;
        for (first, last) in &self.ranges {
            if *first <= code.ten && code.last() <= *last {
                return Within::Yes;
            }
            if code.ten <= *first && *last <= code.last() {
                let digits = DIGITS - (last - first + 1).ilog10();
                finer = finer.max(digits);
            }
        }
        if finer > 0 { Within::Digits(finer) } else { Within::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_in_a_set_by_any_prefix_and_a_short_one_does_not_tell() {
        let set = HsSet::new(vec!["2203".into(), "24".into(), "87116092".into()]);
        let within = |code: &str| set.within(HsNumber::of(code));
        assert_eq!(within("220300"), Within::Yes);
        assert_eq!(within("2203001000"), Within::Yes);
        assert_eq!(within("240220"), Within::Yes);
        assert_eq!(within("220410"), Within::No);
        assert_eq!(within("8711609299"), Within::Yes);
        assert_eq!(within("87116095"), Within::No);
        assert_eq!(within("871160"), Within::Digits(8));
        assert_eq!(HsSet::default().within(HsNumber::of("090121")), Within::No);
    }
}
