//! A tariff as a table: CSV with a row for each code, rate and period, checked row by row.
//!
//! Columns, by their names in the first row and in any order: `code` (6 to 10 digits), `rate` (as
//! [`DutyRate`] writes it, or `?`), `valid-from`, `valid-to` (the last day, or empty), `preference` (the
//! agreement's id, or empty for the general duty), `proof`, `source`, `confidence`. Nothing is half taken:
//! one row with a fault, and there is no table.

mod pack;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trade::rulebook::{Confidence, DutyRate, RateFault};

use crate::price_list::decode;

pub use pack::{FILE_PREFIX, files, table_id};

/// The largest national tariffs have some 17,000 lines; with their preferences ten times as many.
pub const ROWS_MAX: usize = 200_000;
/// Such a table as text.
pub const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Faults that are told; a table with more has one cause for many.
pub const FAULTS_MAX: usize = 500;
const CELL_CHARS: usize = 400;
/// The columns, and whether a table may be without them.
const COLUMNS: [(&str, bool); 8] = [
    ("code", true),
    ("rate", true),
    ("valid-from", true),
    ("valid-to", false),
    ("preference", false),
    ("proof", false),
    ("source", true),
    ("confidence", true),
];

/// One row that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffLine {
    /// As the sheet numbers it, the header being row 1.
    pub row: u32,
    pub code: String,
    /// None: nobody could say.
    pub rate: Option<DutyRate>,
    pub from: Date,
    /// The last day.
    pub to: Option<Date>,
    pub preference: Option<String>,
    pub proof: Option<String>,
    pub source: String,
    pub confidence: Confidence,
}

/// What is wrong with one cell, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffFault {
    pub row: u32,
    pub column: String,
    pub got: String,
    #[serde(flatten)]
    pub fault: CellFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cell", rename_all = "kebab-case")]
pub enum CellFault {
    Empty,
    /// Fewer than six digits: it is never filled up with zeros, which would name other goods.
    CodeShort,
    /// Not digits, or more than ten; points and blanks between digits are taken.
    CodeNotDigits,
    /// A spreadsheet has made a number of it: `6.10E+09`.
    CodeIsANumber,
    /// The chapter is none of the HS: 77 is kept free, 98 and 99 are for national use.
    CodeChapter,
    /// The nomenclature that is loaded has no such six digits; another edition may.
    CodeOtherEdition,
    /// A number without `%` or unit.
    RateWithoutPercent {
        write: String,
    },
    /// A comma where a point belongs.
    RateComma {
        write: String,
    },
    /// `at`: the character from which on, from 1.
    Rate {
        at: usize,
        why: RateFault,
    },
    NotADay,
    EndsBeforeItStarts,
    /// Lower-case letters, digits and hyphens.
    PreferenceName,
    ConfidenceUnknown {
        allowed: Vec<String>,
    },
    /// An unknown rate and a source that knows it, or the other way round.
    KnowledgeDisagrees,
    /// The same code, preference and period stand in another row.
    Duplicate {
        other: u32,
    },
    /// Two rates of one code hold on the same day.
    Overlaps {
        other: u32,
    },
    TooLong {
        max: usize,
    },
    /// Bytes of it are no characters in the encoding that was taken.
    Unreadable,
    TooManyCells,
}

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum TariffRefusal {
    TariffEmpty,
    /// The header alone.
    TariffWithoutRows,
    TariffTooLarge {
        bytes: usize,
        max: usize,
    },
    TariffTooManyRows {
        max: usize,
    },
    /// The rates of one preference change more often than one pack holds.
    TariffTooManyPeriods {
        preference: String,
        got: usize,
        max: usize,
    },
    /// Not text: a workbook, a picture.
    TariffNotText,
    TariffColumnMissing {
        column: String,
        got: Vec<String>,
    },
    TariffColumnUnknown {
        column: String,
        allowed: Vec<String>,
    },
    TariffColumnTwice {
        column: String,
    },
    /// The first [`FAULTS_MAX`] of them; `n` is how many there are.
    TariffRows {
        n: usize,
        faults: Vec<TariffFault>,
    },
}

/// A table that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TariffTable {
    /// By its WHATWG name.
    pub encoding: String,
    /// By code, preference and first day.
    pub lines: Vec<TariffLine>,
}

/// Reads a table. `known` says whether the nomenclature has a code of six digits; where none is loaded,
/// it says yes to all.
///
/// # Errors
/// Every row that is not in order, with column, value and what to write instead.
pub fn read(bytes: &[u8], known: impl Fn(&str) -> bool) -> Result<TariffTable, TariffRefusal> {
    if bytes.len() > BYTES_MAX {
        return Err(TariffRefusal::TariffTooLarge { bytes: bytes.len(), max: BYTES_MAX });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(TariffRefusal::TariffEmpty);
    }
    let (text, encoding) = decode(bytes).ok_or(TariffRefusal::TariffNotText)?;
    // Lines are counted by their ends, so that a row has the number that its sheet shows.
    let text = text.replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or("");
    let delimiter = *b",;\t".iter().max_by_key(|d| first.bytes().filter(|b| b == *d).count()).unwrap_or(&b',');
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    // Text in memory that is valid UTF-8 cannot fail to be read; a flexible reader takes any shape.
    if !reader.read_record(&mut record).unwrap_or(false) {
        return Err(TariffRefusal::TariffEmpty);
    }
    let columns = header(&record)?;
    let mut table = Reading { columns, known: &known, lines: Vec::new(), faults: Vec::new(), n: 0 };
    let mut rows = 0;
    while reader.read_record(&mut record).unwrap_or(false) {
        // A row that a quote left open swallows the rest: its own first line is named.
        let row = record.position().map_or(0, csv::Position::line);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        rows += 1;
        if rows > ROWS_MAX {
            return Err(TariffRefusal::TariffTooManyRows { max: ROWS_MAX });
        }
        table.row(u32::try_from(row).unwrap_or(u32::MAX), &record);
    }
    if rows == 0 {
        return Err(TariffRefusal::TariffWithoutRows);
    }
    table.overlaps();
    let Reading { lines, faults, n, .. } = table;
    if n > 0 {
        return Err(TariffRefusal::TariffRows { n, faults });
    }
    Ok(TariffTable { encoding: encoding.to_owned(), lines })
}

/// Where each column stands.
fn header(record: &csv::StringRecord) -> Result<BTreeMap<&'static str, usize>, TariffRefusal> {
    let named: Vec<String> =
        record.iter().map(|cell| cell.trim().to_ascii_lowercase().replace([' ', '_'], "-")).collect();
    let mut columns = BTreeMap::new();
    for (at, name) in named.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let Some((column, _)) = COLUMNS.iter().find(|(column, _)| column == name) else {
            let allowed = COLUMNS.iter().map(|(column, _)| (*column).to_owned()).collect();
            return Err(TariffRefusal::TariffColumnUnknown { column: name.chars().take(60).collect(), allowed });
        };
        if columns.insert(*column, at).is_some() {
            return Err(TariffRefusal::TariffColumnTwice { column: (*column).to_owned() });
        }
    }
    match COLUMNS.iter().find(|(column, needed)| *needed && !columns.contains_key(column)) {
        Some((column, _)) => Err(TariffRefusal::TariffColumnMissing {
            column: (*column).to_owned(),
            got: named.into_iter().take(20).collect(),
        }),
        None => Ok(columns),
    }
}

struct Reading<'a, F> {
    columns: BTreeMap<&'static str, usize>,
    known: &'a F,
    lines: Vec<TariffLine>,
    faults: Vec<TariffFault>,
    n: usize,
}

impl<F: Fn(&str) -> bool> Reading<'_, F> {
    fn fault(&mut self, row: u32, column: &str, got: &str, fault: CellFault) {
        self.n += 1;
        if self.faults.len() < FAULTS_MAX {
            let got = got.chars().take(60).collect();
            self.faults.push(TariffFault { row, column: column.to_owned(), got, fault });
        }
    }

    fn row(&mut self, row: u32, record: &csv::StringRecord) {
        let before = self.n;
        let width = self.columns.values().max().map_or(0, |last| last + 1);
        if let Some(extra) = record.iter().skip(width).find(|cell| !cell.trim().is_empty()) {
            let extra = extra.to_owned();
            self.fault(row, "", &extra, CellFault::TooManyCells);
        }
        let mut cells: BTreeMap<&'static str, String> = BTreeMap::new();
        for (column, at) in self.columns.clone() {
            let cell = record.get(at).unwrap_or("");
            let cell = cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'));
            if cell.contains(char::REPLACEMENT_CHARACTER) {
                self.fault(row, column, cell, CellFault::Unreadable);
            } else if cell.chars().count() > CELL_CHARS {
                self.fault(row, column, cell, CellFault::TooLong { max: CELL_CHARS });
            } else {
                cells.insert(column, cell.to_owned());
            }
        }
        if self.n > before {
            return;
        }
        let cell = |column: &str| cells.get(column).map_or("", String::as_str);
        let optional = |column: &str| Some(cell(column).to_owned()).filter(|text| !text.is_empty());
        let code = self.checked(row, "code", cell("code"), code);
        if let Some(code) = &code
            && !(self.known)(&code[..6])
        {
            self.fault(row, "code", code, CellFault::CodeOtherEdition);
        }
        let rate = self.checked(row, "rate", cell("rate"), rate);
        let from = self.checked(row, "valid-from", cell("valid-from"), day);
        let to = match optional("valid-to") {
            Some(text) => self.checked(row, "valid-to", &text, day).map(Some),
            None => Some(None),
        };
        if let (Some(from), Some(Some(to))) = (from, to)
            && to < from
        {
            self.fault(row, "valid-to", cell("valid-to"), CellFault::EndsBeforeItStarts);
        }
        let preference = match optional("preference") {
            Some(text) => self.checked(row, "preference", &text, preference).map(Some),
            None => Some(None),
        };
        let source = self.checked(row, "source", cell("source"), |text| Ok(text.to_owned()));
        let confidence = self.checked(row, "confidence", cell("confidence"), confidence);
        if let (Some(rate), Some(confidence)) = (&rate, confidence)
            && rate.is_none() != (confidence == Confidence::NotFound)
        {
            self.fault(row, "confidence", cell("confidence"), CellFault::KnowledgeDisagrees);
        }
        let proof = optional("proof");
        if self.n > before {
            return;
        }
        if let (Some(code), Some(rate), Some(from), Some(to), Some(preference), Some(source), Some(confidence)) =
            (code, rate, from, to, preference, source, confidence)
        {
            self.lines.push(TariffLine { row, code, rate, from, to, preference, proof, source, confidence });
        }
    }

    fn checked<T>(
        &mut self,
        row: u32,
        column: &str,
        text: &str,
        read: impl FnOnce(&str) -> Result<T, CellFault>,
    ) -> Option<T> {
        let read = if text.is_empty() { Err(CellFault::Empty) } else { read(text) };
        read.map_err(|fault| self.fault(row, column, text, fault)).ok()
    }

    /// Sorts the rows; names those of one code and preference that hold on the same day.
    fn overlaps(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by(|a, b| (&a.code, &a.preference, a.from, a.row).cmp(&(&b.code, &b.preference, b.from, b.row)));
        for pair in lines.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            if (&a.code, &a.preference) != (&b.code, &b.preference) || a.to.is_some_and(|to| to < b.from) {
                continue;
            }
            let other = a.row;
            if (a.from, a.to) == (b.from, b.to) {
                self.fault(b.row, "code", &b.code, CellFault::Duplicate { other });
            } else {
                self.fault(b.row, "valid-from", &b.from.to_string(), CellFault::Overlaps { other });
            }
        }
        self.lines = lines;
    }
}

fn code(text: &str) -> Result<String, CellFault> {
    let bare: String = text.chars().filter(|c| !matches!(c, '.' | ' ' | '\u{a0}')).collect();
    if bare.to_ascii_uppercase().contains("E+") {
        return Err(CellFault::CodeIsANumber);
    }
    if !bare.bytes().all(|b| b.is_ascii_digit()) || bare.len() > 10 {
        return Err(CellFault::CodeNotDigits);
    }
    match bare.get(..2) {
        _ if bare.len() < 6 => Err(CellFault::CodeShort),
        Some("00" | "77" | "98" | "99") => Err(CellFault::CodeChapter),
        _ => Ok(bare),
    }
}

fn rate(text: &str) -> Result<Option<DutyRate>, CellFault> {
    if text == "?" {
        return Ok(None);
    }
    match text.parse() {
        Ok(rate) => Ok(Some(rate)),
        Err(error) => {
            let fits = |write: &String| write.parse::<DutyRate>().is_ok();
            let percent = Some(format!("{text}%")).filter(fits);
            let point = Some(text.replace(',', ".")).filter(fits);
            let both = Some(format!("{}%", text.replace(',', "."))).filter(fits);
            Err(match (percent, point, both) {
                (Some(write), ..) => CellFault::RateWithoutPercent { write },
                (None, Some(write), _) | (None, None, Some(write)) if text.contains(',') => {
                    CellFault::RateComma { write }
                }
                _ => {
                    let at = text.get(..error.at).map_or(0, |before| before.chars().count()) + 1;
                    CellFault::Rate { at, why: error.fault }
                }
            })
        }
    }
}

fn day(text: &str) -> Result<Date, CellFault> {
    text.parse().ok().filter(|_| text.len() == 10).ok_or(CellFault::NotADay)
}

fn preference(text: &str) -> Result<String, CellFault> {
    let fits = text.len() <= 30 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits { Ok(text.to_owned()) } else { Err(CellFault::PreferenceName) }
}

fn confidence(text: &str) -> Result<Confidence, CellFault> {
    let allowed = || Confidence::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let found = Confidence::ALL.iter().find(|(name, _)| *name == text).map(|(_, confidence)| *confidence);
    found.ok_or_else(|| CellFault::ConfidenceUnknown { allowed: allowed() })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "code,rate,valid-from,valid-to,preference,proof,source,confidence\n";

    fn table(rows: &str) -> Result<TariffTable, TariffRefusal> {
        read(format!("{HEADER}{rows}").as_bytes(), |hs6| hs6 != "852812")
    }

    #[test]
    fn a_table_is_read_in_the_order_of_its_codes() {
        let rows = "6109.10 00,\"MAX(10%, 1.2 USD/kg)\",2026-01-01,,,,tariff book,official\n\
                    040900,?,2026-01-01,2026-12-31,,,nobody said,not-found\n\
                    61091000,free,2026-01-01,,acfta,Form E,schedule,secondary\n";
        let lines = table(rows).unwrap().lines;
        let shown: Vec<_> =
            lines.iter().map(|l| (l.row, l.code.as_str(), l.rate.as_ref().map(ToString::to_string))).collect();
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(
            shown,
            [(3, "040900", None), (2, "61091000", text("MAX(10%, 1.2 USD/kg)")), (4, "61091000", text("0%"))]
        );
        assert_eq!(lines[0].to, Some(date(2026, 12, 31)));
        assert_eq!((lines[2].preference.as_deref(), lines[2].proof.as_deref()), (Some("acfta"), Some("Form E")));
    }

    #[test]
    fn every_bad_cell_is_named_with_row_column_value_and_what_to_write() {
        let fault = |cells: &str| {
            let row = format!("040900,8%,2026-01-01,,,,book,official\n{cells}\n");
            match table(&row) {
                Err(TariffRefusal::TariffRows { n: 1, mut faults }) => {
                    let TariffFault { row, column, got, fault } = faults.remove(0);
                    assert_eq!(row, 3, "{cells}");
                    (column, got, fault)
                }
                other => panic!("{cells}: {other:?}"),
            }
        };
        let code = |text: &str| {
            let (column, got, fault) = fault(&format!("{text},8%,2026-01-01,,,,book,official"));
            assert_eq!((column.as_str(), got.as_str()), ("code", text));
            fault
        };
        assert_eq!(code("6109"), CellFault::CodeShort);
        assert_eq!(code("6109x0"), CellFault::CodeNotDigits);
        assert_eq!(code("61091000001"), CellFault::CodeNotDigits);
        assert_eq!(code("6.10E+09"), CellFault::CodeIsANumber);
        assert_eq!(code("770100"), CellFault::CodeChapter);
        // Flat panels left 8528.12 with HS 2007
        assert_eq!(code("852812"), CellFault::CodeOtherEdition);
        assert_eq!(fault(",8%,2026-01-01,,,,book,official").2, CellFault::Empty);
        let rate = |text: &str| {
            let (column, got, fault) = fault(&format!("610910,\"{text}\",2026-01-01,,,,book,official"));
            assert_eq!((column.as_str(), got.as_str()), ("rate", text));
            fault
        };
        let write = |text: &str| text.to_owned();
        assert_eq!(rate("8"), CellFault::RateWithoutPercent { write: write("8%") });
        assert_eq!(rate("8,5%"), CellFault::RateComma { write: write("8.5%") });
        assert_eq!(rate("8,5"), CellFault::RateComma { write: write("8.5%") });
        assert_eq!(rate("-5%"), CellFault::Rate { at: 1, why: RateFault::OutOfRange });
        assert_eq!(rate("NaN"), CellFault::Rate { at: 1, why: RateFault::PartExpected });
        assert!(matches!(rate("1000000000000000%"), CellFault::Rate { .. }));
        assert!(matches!(rate("1000000000000000"), CellFault::Rate { .. }));
        assert_eq!(rate("2 EUR/stone"), CellFault::Rate { at: 7, why: RateFault::UnknownUnit });
        assert_eq!(fault("610910,8%,1.1.2026,,,,book,official").2, CellFault::NotADay);
        assert_eq!(fault("610910,8%,2026-02-30,,,,book,official").2, CellFault::NotADay);
        assert_eq!(fault("610910,8%,2026-01-02,2026-01-01,,,book,official").2, CellFault::EndsBeforeItStarts);
        assert_eq!(fault("610910,8%,2026-01-01,,AC FTA,,book,official").2, CellFault::PreferenceName);
        assert!(matches!(fault("610910,8%,2026-01-01,,,,book,sure").2, CellFault::ConfidenceUnknown { .. }));
        assert_eq!(fault("610910,?,2026-01-01,,,,book,official").2, CellFault::KnowledgeDisagrees);
        assert_eq!(fault("610910,8%,2026-01-01,,,,,official").2, CellFault::Empty);
        assert_eq!(fault("610910,8%,2026-01-01,,,,book,official,more").2, CellFault::TooManyCells);
        assert_eq!(fault("040900,9%,2026-01-01,,,,book,official").2, CellFault::Duplicate { other: 2 });
        assert_eq!(fault("040900,9%,2026-06-01,,,,book,official").2, CellFault::Overlaps { other: 2 });
    }

    #[test]
    fn one_bad_row_and_nothing_is_taken_and_all_are_named() {
        let rows = "6109,8%,2026-01-01,,,,book,official\n040900,8%,2026-01-01,,,,book,official\n610910,8,x,,,,,\n";
        let Err(TariffRefusal::TariffRows { n, faults }) = table(rows) else { panic!("taken") };
        let places: Vec<_> = faults.iter().map(|f| (f.row, f.column.as_str())).collect();
        assert_eq!((n, &places[..2]), (5, &[(2, "code"), (4, "rate")][..]));
        let many = "1,8%,2026-01-01,,,,book,official\n".repeat(FAULTS_MAX + 7);
        let Err(TariffRefusal::TariffRows { n, faults }) = table(&many) else { panic!("taken") };
        assert_eq!((n, faults.len()), (FAULTS_MAX + 7, FAULTS_MAX));
    }

    #[test]
    fn a_file_that_is_no_table_is_refused_as_a_whole() {
        let none = |bytes: &[u8]| read(bytes, |_| true).unwrap_err();
        assert_eq!(none(b""), TariffRefusal::TariffEmpty);
        assert_eq!(none(b" \r\n"), TariffRefusal::TariffEmpty);
        assert_eq!(none(HEADER.as_bytes()), TariffRefusal::TariffWithoutRows);
        assert_eq!(none(b"PK\x03\x04\0\0"), TariffRefusal::TariffNotText);
        assert!(
            matches!(none(b"code,rate\n1,2\n"), TariffRefusal::TariffColumnMissing { column, .. } if column == "valid-from")
        );
        assert!(
            matches!(none(b"code,rate,colour\n"), TariffRefusal::TariffColumnUnknown { column, .. } if column == "colour")
        );
        assert!(matches!(none(b"code,code\n"), TariffRefusal::TariffColumnTwice { .. }));
    }

    #[test]
    fn the_usual_encodings_and_separators_give_the_same_table() {
        let text = format!("{HEADER}610910,8%,2026-01-01,,,,海关税则 2026,official\n");
        let plain = read(text.as_bytes(), |_| true).unwrap();
        let marked = read(format!("\u{feff}{text}").as_bytes(), |_| true).unwrap();
        let wide: Vec<u8> = std::iter::once(0xfeff_u16).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let chinese = encoding_rs::GB18030.encode(&text).0.into_owned();
        let semicolons = text.replace(',', ";").replace('\n', "\r\n");
        for other in [
            marked,
            read(&wide, |_| true).unwrap(),
            read(&chinese, |_| true).unwrap(),
            read(semicolons.as_bytes(), |_| true).unwrap(),
        ] {
            assert_eq!(other.lines, plain.lines, "{}", other.encoding);
        }
        let mut damaged = text.into_bytes();
        let at = damaged.len() - 20;
        damaged[at] = 0xff;
        assert!(matches!(read(&damaged, |_| true), Err(TariffRefusal::TariffRows { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(noise in prop::collection::vec(any::<u8>(), 0..300), cells in "[0-9a-zA-Z,;\"%?.+\\- \n]{0,200}") {
            let _ = read(&noise, |_| true);
            let _ = table(&cells);
        }
    }
}
