//! Tables of rates beside the tariff: by code, such as an additional duty, or by member state, such as VAT.

use std::sync::Arc;

use super::RuleInfo;
use super::duty_rate::DutyRate;
use super::hs_set::HsNumber;
use super::load::Common;
use super::reader::{Fields, Problem};
use crate::codes::Country;

/// The most rows of one table: the largest national tariff has some 17,000 lines.
const MOST_ROWS: usize = 50_000;

/// What the rows of a table are found by.
#[derive(Clone, Debug)]
enum Rows {
    /// First and last code of ten digits, sorted; no two overlap but one that lies in the other.
    Codes(Vec<(u64, u64, Option<DutyRate>)>),
    Members(Vec<(Country, Option<DutyRate>)>),
}

/// A table of rates. What has no row is not known.
#[derive(Clone, Debug)]
pub struct RateTable {
    pub info: Arc<RuleInfo>,
    rows: Rows,
}

/// What a table says of some goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    Rate(&'a DutyRate),
    /// There is no row, or it says that nobody could tell.
    Unknown,
    /// The rates below these digits differ.
    Digits(u32),
}

impl RateTable {
    /// Reads `rows`: a line each of a code of two to ten digits, or a member state, and its rate; `?` is a
    /// rate that is not known, `#` begins a remark.
    pub(super) fn read(f: &mut Fields<'_>, common: &Common) -> Option<Self> {
        let by_member = f.one_of("by", &[("hs", false), ("member", true)])?;
        let text = f.text("rows")?;
        let (mut codes, mut members) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("").trim();
            let Some((key, rate)) = line.split_once(char::is_whitespace) else {
                if !line.is_empty() {
                    f.error("rows", Problem::WrongType { expected: format!("a key and a rate: {line}") });
                }
                continue;
            };
            let rate = match rate.trim() {
                "?" => None,
                text => match super::charge::rate_of(text) {
                    Ok(rate) => Some(rate),
                    Err(error) => {
                        f.error(&format!("rows {key}"), Problem::NotADutyRate { got: text.to_owned(), error });
                        continue;
                    }
                },
            };
            if by_member {
                match key.parse::<Country>() {
                    Ok(member) if members.iter().all(|(known, _)| *known != member) => members.push((member, rate)),
                    Ok(_) => f.error("rows", Problem::Duplicate { got: key.to_owned() }),
                    Err(_) => f.error("rows", Problem::NotACode { got: key.to_owned() }),
                }
            } else if (2..=10).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_digit()) {
                let number = HsNumber::of(key);
                codes.push((number.ten, number.last(), rate));
            } else {
                f.error("rows", Problem::NotACode { got: key.to_owned() });
            }
        }
        let many = codes.len().max(members.len());
        if many > MOST_ROWS {
            f.error("rows", Problem::TooLarge { got: many, most: MOST_ROWS });
        }
        // The wider first, so that the last that holds a code is the narrowest.
        codes.sort_by_key(|(first, last, _)| (*first, u64::MAX - last));
        for pair in codes.windows(2) {
            if (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1) {
                f.error("rows", Problem::Duplicate { got: format!("{:010}", pair[0].0) });
            }
        }
        let rows = if by_member { Rows::Members(members) } else { Rows::Codes(codes) };
        Some(Self { info: common.info.clone(), rows })
    }

    /// Whether the rows are member states.
    #[must_use]
    pub const fn is_by_member(&self) -> bool {
        matches!(self.rows, Rows::Members(_))
    }

    #[must_use]
    pub fn of_member(&self, member: Country) -> Found<'_> {
        let Rows::Members(rows) = &self.rows else { return Found::Unknown };
        let row = rows.iter().find(|(known, _)| *known == member);
        row.and_then(|(_, rate)| rate.as_ref()).map_or(Found::Unknown, Found::Rate)
    }

    /// The row of the longest prefix of a code; where the table tells apart what the code does not, the
    /// digits that it takes.
    #[must_use]
    pub fn of_code(&self, code: HsNumber) -> Found<'_> {
        let Rows::Codes(rows) = &self.rows else { return Found::Unknown };
        let from = rows.partition_point(|(first, ..)| *first < code.ten);
        let to = rows.partition_point(|(first, ..)| *first <= code.last());
        let mut below = rows[from..to].iter().filter(|(first, last, _)| code.ten <= *first && *last <= code.last());
        let wider = rows[..to].iter().rev().find(|(first, last, _)| *first <= code.ten && code.last() <= *last);
        match (below.next(), wider) {
            (None, Some((_, _, rate))) => rate.as_ref().map_or(Found::Unknown, Found::Rate),
            (None, None) => Found::Unknown,
            (Some((first, last, rate)), wider) => {
                // All that lies below must say the same, and what no row names falls to the wider one.
                let same = below.all(|row| row.2 == *rate) && wider.is_none_or(|row| row.2 == *rate);
                match (same, rate) {
                    (true, Some(rate)) => Found::Rate(rate),
                    (true, None) => Found::Unknown,
                    (false, _) => Found::Digits(10 - (last - first + 1).ilog10()),
                }
            }
        }
    }
}
