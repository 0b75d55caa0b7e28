//! Editions of the Harmonized System: which codes of six digits there are, and which came in place of others.
//!
//! Every fifth or sixth year the World Customs Organization amends the nomenclature, and a code of yesterday
//! may be none today. A price on a code that customs will not know is no price.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::{Date, date};

use crate::codes::HsCode;

/// One edition, and for which days codes are held to it.
#[derive(Debug)]
pub struct HsEdition {
    pub year: u32,
    from: Date,
    to: Date,
    /// In order.
    codes: Vec<u32>,
    /// To a code that ended with the edition before, those that came in its place.
    superseded: BTreeMap<u32, Vec<HsCode>>,
}

/// HS 2022 is in force from 1 January 2022; the last administrations took it up during that year, and codes
/// are held to it from 2023. HS 2028 takes its place on 1 January 2028; its codes are not known here yet.
static HS_2022: LazyLock<HsEdition> = LazyLock::new(|| {
    let codes = include_str!("../../../rulebooks/nomenclature/hs2022.txt");
    let common = include_str!("../../../rulebooks/nomenclature/common.toml");
    let rows = codes.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    let of_heading = |(heading, ends): (&'static str, &'static str)| {
        ends.split(' ').filter_map(move |end| format!("{heading}{end}").parse().ok())
    };
    let table: toml::Table = common.parse().expect("a test reads it");
    let superseded = table.get("superseded").and_then(toml::Value::as_table).into_iter().flatten();
    let in_place = |new: &toml::Value| {
        new.as_str().into_iter().flat_map(|new| new.split(' ')).filter_map(|code| code.parse().ok()).collect()
    };
    HsEdition {
        year: 2022,
        from: date(2023, 1, 1),
        to: date(2027, 12, 31),
        codes: rows.flat_map(of_heading).collect(),
        superseded: superseded.filter_map(|(old, new)| Some((old.parse().ok()?, in_place(new)))).collect(),
    }
});

impl HsEdition {
    /// The edition to which codes are held on a day.
    #[must_use]
    pub fn on(date: Date) -> Option<&'static Self> {
        let edition: &'static Self = &HS_2022;
        (edition.from <= date && date <= edition.to).then_some(edition)
    }

    /// The newest edition whose codes are known.
    #[must_use]
    pub fn latest() -> &'static Self {
        &HS_2022
    }

    /// Whether the first six digits are a code of it. Chapters 98 and 99 are each country's own.
    #[must_use]
    pub fn has(&self, hs: &HsCode) -> bool {
        matches!(hs.chapter(), "98" | "99") || self.codes.binary_search(&number(hs)).is_ok()
    }

    /// What came in place of a code of the edition before, where that is known.
    #[must_use]
    pub fn instead_of(&self, hs: &HsCode) -> &[HsCode] {
        self.superseded.get(&number(hs)).map_or(&[], Vec::as_slice)
    }
}

fn number(hs: &HsCode) -> u32 {
    hs.hs6().bytes().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(digits: &str) -> HsCode {
        digits.parse().unwrap()
    }

    #[test]
    fn codes_are_held_to_the_edition_of_the_day() {
        assert!(HsEdition::on(date(2022, 12, 31)).is_none());
        assert!(HsEdition::on(date(2028, 1, 1)).is_none());
        let edition = HsEdition::on(date(2026, 11, 29)).unwrap();
        assert_eq!((edition.year, edition.codes.len()), (2022, 5612));
        assert!(edition.codes.is_sorted_by(|a, b| a < b));
        for (hs, there) in
            [("851713", true), ("8517130010", true), ("851712", false), ("770100", false), ("010121", true)]
        {
            assert_eq!(edition.has(&code(hs)), there, "{hs}");
        }
        assert!(edition.has(&code("98010000")), "a country's own chapter");
    }

    #[test]
    fn a_code_of_the_edition_before_leads_to_those_of_today() {
        let edition = HsEdition::on(date(2026, 11, 29)).unwrap();
        assert_eq!(edition.instead_of(&code("851712")), [code("851713"), code("851714")]);
        assert_eq!(edition.instead_of(&code("640399")), []);
        for (old, new) in &edition.superseded {
            assert!(edition.codes.binary_search(old).is_err(), "{old} is still a code");
            assert!(!new.is_empty() && new.iter().all(|hs| edition.has(hs)), "{old} became {new:?}");
        }
    }
}
