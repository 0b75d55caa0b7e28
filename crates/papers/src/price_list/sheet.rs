//! From bytes to a grid of cells, under limits: workbooks, and text tables in the usual encodings.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx};
use serde::{Deserialize, Serialize};

use super::{
    FileKind, MAX_CELL_CHARS, MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS, MAX_UNPACKED_BYTES, PriceListRefusal, headers,
};

/// A price list has one sheet, or a few for as many product groups.
const MAX_SHEETS: usize = 20;
/// A workbook has a dozen parts; pictures add some.
const MAX_PARTS: usize = 2_000;
/// Distinct texts that a workbook may announce: more than rows × columns that are used in life.
const MAX_SHARED_STRINGS: u64 = 1_300_000;

/// Where the rows were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    Workbook {
        sheet: String,
    },
    /// `encoding` by its WHATWG name; `delimiter` is one character.
    TextTable {
        encoding: String,
        delimiter: char,
    },
}

/// One cell as uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What the sheet shows, as far as it is told: trimmed, numbers in plain decimal digits.
    pub text: String,
    pub kind: CellKind,
}

/// What the sheet holds a cell to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CellKind {
    #[default]
    Empty,
    Text,
    /// A cell of a text table, which has no kinds.
    Untyped,
    /// `format` is the number format when it may name a currency, such as `"RM"#,##0.00`.
    Number {
        format: Option<String>,
    },
    /// `serial` counts days, as the workbook stores it.
    Date {
        serial: String,
    },
    Error,
    /// Cut to the limit; `chars` is the full length.
    TooLong {
        chars: usize,
    },
    /// Bytes of it are no characters in the encoding of the table; `�` stands where they were.
    Unreadable,
}

impl Cell {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn of(text: &str, kind: CellKind) -> Self {
        let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0'));
        if text.is_empty() {
            return Self::default();
        }
        let chars = text.chars().count();
        if chars > MAX_CELL_CHARS {
            return Self { text: text.chars().take(MAX_CELL_CHARS).collect(), kind: CellKind::TooLong { chars } };
        }
        let kind = if is_error_text(text) {
            CellKind::Error
        } else if text.contains(char::REPLACEMENT_CHARACTER) {
            CellKind::Unreadable
        } else {
            kind
        };
        Self { text: text.to_owned(), kind }
    }
}

/// Rows that hold anything, without the empty cells on the right.
pub(super) struct Grid {
    pub source: Source,
    pub rows: Vec<Line>,
}

pub(super) struct Line {
    /// As the sheet numbers it, from 1.
    pub number: u32,
    pub cells: Vec<Cell>,
}

pub(super) fn open(bytes: &[u8], file: &str) -> Result<Vec<Grid>, PriceListRefusal> {
    let file = file.to_owned();
    if bytes.is_empty() {
        return Err(PriceListRefusal::FileEmpty { file });
    }
    if bytes.len() > MAX_FILE_BYTES {
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        return Err(PriceListRefusal::FileTooLarge { file, bytes: size(bytes.len()), max: size(MAX_FILE_BYTES) });
    }
    match kind_of(bytes) {
        Some(Kind::Zip) => workbook(bytes, &file),
        Some(Kind::Other(kind)) => Err(PriceListRefusal::FileKind { file, kind }),
        None => text_table(bytes, file),
    }
}

/// `A` is 0, `AA` is 26. At most three letters, as in a workbook.
pub(super) fn column_index(letter: &str) -> Option<usize> {
    if letter.is_empty() || letter.len() > 3 || !letter.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Some(letter.bytes().fold(0, |n, b| n * 26 + usize::from(b - b'A') + 1) - 1)
}

pub(super) fn column_letter(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        let digit = u8::try_from((rest - 1).rem_euclid(26)).expect("below 26");
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1).div_euclid(26);
    }
    letters.iter().rev().collect()
}

enum Kind {
    Zip,
    Other(FileKind),
}

fn kind_of(bytes: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some(Kind::Zip);
    }
    if starts(&[0xD0, 0xCF, 0x11, 0xE0]) {
        let locked: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let locked = bytes.windows(locked.len()).any(|w| w == locked);
        return Some(Kind::Other(if locked { FileKind::Locked } else { FileKind::OldExcel }));
    }
    if starts(b"%PDF") {
        return Some(Kind::Other(FileKind::Pdf));
    }
    if starts(b"\x89PNG") || starts(&[0xFF, 0xD8, 0xFF]) || starts(b"GIF8") {
        return Some(Kind::Other(FileKind::Image));
    }
    if starts(b"Rar!") || starts(b"7z\xBC\xAF") || starts(&[0x1F, 0x8B]) {
        return Some(Kind::Other(FileKind::OtherArchive));
    }
    let head: Vec<u8> = bytes.iter().take(400).map(u8::to_ascii_lowercase).collect();
    let head = String::from_utf8_lossy(&head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    if ["<html", "<!doctype", "<table", "<?xml"].iter().any(|tag| head.starts_with(tag)) {
        return Some(Kind::Other(FileKind::WebPage));
    }
    None
}

/// Reads every visible sheet of a workbook.
///
/// The reader of workbooks trusts what a file says of itself (it reserves memory for the number of
/// texts announced, and subtracts cell addresses), so the file is looked through beforehand, and a
/// panic inside it is turned into a refusal.
fn workbook(bytes: &[u8], file: &str) -> Result<Vec<Grid>, PriceListRefusal> {
    look_through(bytes, file)?;
    catch_unwind(AssertUnwindSafe(|| sheets(bytes, file)))
        .unwrap_or_else(|_| Err(damaged(file, "the workbook contradicts itself")))
}

fn damaged(file: &str, detail: impl ToString) -> PriceListRefusal {
    let detail = detail.to_string().chars().take(200).collect();
    PriceListRefusal::FileDamaged { file: file.to_owned(), detail }
}

/// Unpacks every part once, counting: refuses bombs, foreign archives, and lies about shared strings.
fn look_through(bytes: &[u8], file: &str) -> Result<(), PriceListRefusal> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(file, e))?;
    let refuse = |kind| Err(PriceListRefusal::FileKind { file: file.to_owned(), kind });
    let has = |name: &str| archive.file_names().flatten().any(|n| n.eq_ignore_ascii_case(name));
    if has("xl/workbook.bin") {
        return refuse(FileKind::BinaryExcel);
    }
    if has("content.xml") && has("mimetype") {
        return refuse(FileKind::OpenDocument);
    }
    if !has("_rels/.rels") || !has("[Content_Types].xml") || has("word/document.xml") {
        return refuse(FileKind::OtherArchive);
    }
    if archive.len() > MAX_PARTS {
        return Err(damaged(file, "too many parts"));
    }
    let mut left = MAX_UNPACKED_BYTES;
    for i in 0..archive.len() {
        let part = archive.by_index(i).map_err(|e| damaged(file, e))?;
        let shared_strings =
            part.name().map_err(|e| damaged(file, e))?.to_ascii_lowercase().ends_with("sharedstrings.xml");
        let mut part = part.take(left + 1);
        let unpacked = if shared_strings {
            let mut text = Vec::new();
            let size = part.read_to_end(&mut text).map_err(|e| damaged(file, e))?;
            announces_honestly(&text).then_some(()).ok_or_else(|| damaged(file, "sharedStrings.xml"))?;
            u64::try_from(size).unwrap_or(u64::MAX)
        } else {
            std::io::copy(&mut part, &mut std::io::sink()).map_err(|e| damaged(file, e))?
        };
        if unpacked > left {
            return Err(PriceListRefusal::FileUnpacksTooLarge { file: file.to_owned(), max: MAX_UNPACKED_BYTES });
        }
        left -= unpacked;
    }
    Ok(())
}

/// Whether every `uniqueCount` is a size that can be, in plain UTF-8 (no other encoding can hide one).
fn announces_honestly(part: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(part) else { return false };
    if text.contains(['\0', '\u{1b}']) {
        return false;
    }
    text.match_indices("uniqueCount").all(|(at, word)| {
        let rest = text[at + word.len()..].trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']);
        let digits: String = rest.chars().take_while(char::is_ascii_digit).take(20).collect();
        digits.is_empty() || digits.parse::<u64>().is_ok_and(|n| n <= MAX_SHARED_STRINGS)
    })
}

fn sheets(bytes: &[u8], file: &str) -> Result<Vec<Grid>, PriceListRefusal> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|e| damaged(file, e))?;
    let visible = |s: &&calamine::Sheet| s.visible == SheetVisible::Visible && s.typ == SheetType::WorkSheet;
    let names: Vec<String> =
        book.sheets_metadata().iter().filter(visible).take(MAX_SHEETS).map(|s| s.name.clone()).collect();
    let mut grids = Vec::new();
    for name in names {
        let rows = worksheet(&mut book, &name, file)?;
        if !rows.is_empty() {
            grids.push(Grid { source: Source::Workbook { sheet: name }, rows });
        }
    }
    Ok(grids)
}

fn worksheet(book: &mut Xlsx<Cursor<&[u8]>>, name: &str, file: &str) -> Result<Vec<Line>, PriceListRefusal> {
    let mut reader = book.worksheet_cells_reader(name).map_err(|e| damaged(file, e))?;
    let mut rows = Rows::default();
    while let Some((found, style)) = reader.next_cell_with_style_id().map_err(|e| damaged(file, e))? {
        let format = reader.styles().get(style).and_then(|s| s.number_format.as_ref()).map(|f| f.format_code.as_str());
        let cell = cell_of(found.get_value(), format.unwrap_or_default());
        if cell.is_empty() {
            continue;
        }
        let (row, column) = found.get_position();
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        rows.put(row.saturating_add(1), column, cell)?;
    }
    Ok(rows.finish())
}

/// Collects cells in the order of the sheet, or out of it, under the limits.
#[derive(Default)]
struct Rows(std::collections::BTreeMap<u32, Vec<Cell>>);

impl Rows {
    fn put(&mut self, number: u32, column: usize, cell: Cell) -> Result<(), PriceListRefusal> {
        if column >= MAX_COLUMNS {
            return Err(PriceListRefusal::TooManyColumns { got: column.saturating_add(1), max: MAX_COLUMNS });
        }
        let cells = self.0.entry(number).or_default();
        if cells.len() <= column {
            cells.resize_with(column + 1, Cell::default);
        }
        cells[column] = cell;
        if self.0.len() > MAX_ROWS + super::HEADER_SEARCH_ROWS {
            return Err(PriceListRefusal::TooManyRows { max: MAX_ROWS });
        }
        Ok(())
    }

    fn finish(self) -> Vec<Line> {
        self.0.into_iter().map(|(number, cells)| Line { number, cells }).collect()
    }
}

fn cell_of(value: &DataRef<'_>, format: &str) -> Cell {
    match value {
        DataRef::Empty => Cell::default(),
        DataRef::String(text) => Cell::of(text, CellKind::Text),
        DataRef::SharedString(text) => Cell::of(text, CellKind::Text),
        DataRef::Bool(yes) => Cell::of(if *yes { "TRUE" } else { "FALSE" }, CellKind::Text),
        DataRef::Int(number) => number_cell(number.to_string(), format),
        DataRef::Float(number) => number_cell(plain_decimal(*number), format),
        DataRef::DateTime(date) => {
            let (y, mo, d, h, mi, s, _) = date.to_ymd_hms_milli();
            let time = if (h, mi, s) == (0, 0, 0) { String::new() } else { format!(" {h:02}:{mi:02}:{s:02}") };
            let serial = plain_decimal(date.as_f64());
            Cell { text: format!("{y:04}-{mo:02}-{d:02}{time}"), kind: CellKind::Date { serial } }
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Cell::of(text, CellKind::Date { serial: String::new() })
        }
        DataRef::Error(error) => Cell::of(&error.to_string(), CellKind::Error),
    }
}

/// A number cell, as shown: a format of zeros such as `000000` brings leading zeros back.
fn number_cell(mut text: String, format: &str) -> Cell {
    let zeros = !format.is_empty() && format.bytes().all(|b| b == b'0');
    if zeros && text.bytes().all(|b| b.is_ascii_digit()) && text.len() < format.len() {
        text = format!("{text:0>width$}", width = format.len());
    }
    let names_currency = format.chars().any(|c| c.is_alphabetic() || !c.is_ascii()) && format != "General";
    let format = names_currency.then(|| format.chars().take(60).collect());
    Cell { text, kind: CellKind::Number { format } }
}

/// The number that a spreadsheet shows for a stored double, in plain digits.
///
/// A double prints as the shortest decimal that names it: 12.9 is stored as a binary fraction near
/// 12.9, and prints as `12.9`. Sums such as 0.1 + 0.2 need 17 digits; spreadsheets show 15, so we
/// take 15 then, as `{:.14e}` rounds them. Only digits are moved; nothing is computed on floats.
fn plain_decimal(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    let shortest = format!("{number:e}");
    let significant = shortest.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    let scientific = if significant > 15 { format!("{number:.14e}") } else { shortest };
    from_scientific(&scientific).unwrap_or(scientific)
}

/// `1.29e1` is `12.9`. None for exponents that no price list has: the text stays scientific.
fn from_scientific(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    if !(-20..=25).contains(&exponent) {
        return None;
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).ok()?);
        return Some(format!("{sign}0.{zeros}{digits}"));
    }
    let whole = usize::try_from(exponent).ok()? + 1;
    if digits.len() <= whole {
        return Some(format!("{sign}{digits:0<whole$}"));
    }
    Some(format!("{sign}{}.{}", &digits[..whole], &digits[whole..]))
}

fn is_error_text(text: &str) -> bool {
    ["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"].contains(&text)
}

/// Reads comma, semicolon or tab separated text; the separator that makes the best header wins.
fn text_table(bytes: &[u8], file: String) -> Result<Vec<Grid>, PriceListRefusal> {
    let (text, encoding) = decode(bytes).ok_or(PriceListRefusal::FileKind { file, kind: FileKind::Unknown })?;
    let (told, skipped, text) = separator_line(&text);
    let candidates: &[u8] = match told {
        Some(b';') => b";",
        Some(b'\t') => b"\t",
        Some(b',') => b",",
        _ => b",;\t",
    };
    let mut best: Option<(usize, u8)> = None;
    for delimiter in candidates {
        // The head of the file is enough to tell.
        let head = records(text, *delimiter, skipped, super::HEADER_SEARCH_ROWS);
        let score = match head {
            Ok(rows) => {
                let known = rows.iter().map(|r| headers::score(&r.cells)).max().unwrap_or(0);
                let width = rows.iter().map(|r| r.cells.len()).max().unwrap_or(0);
                known * 1_000 + width
            }
            // Too wide: chosen, and refused for it, unless another separator makes a header.
            Err(_) => MAX_COLUMNS + 1,
        };
        if best.is_none_or(|b| score > b.0) {
            best = Some((score, *delimiter));
        }
    }
    let delimiter = best.map_or(b',', |b| b.1);
    let rows = records(text, delimiter, skipped, usize::MAX)?;
    let source = Source::TextTable { encoding: encoding.to_owned(), delimiter: char::from(delimiter) };
    Ok(vec![Grid { source, rows }])
}

/// Spreadsheets write `sep=;` as a first line of its own.
fn separator_line(text: &str) -> (Option<u8>, u32, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim_end_matches('\r').strip_prefix("sep=").map(str::as_bytes) {
        Some([one]) => (Some(*one), 1, rest),
        _ => (None, 0, text),
    }
}

fn records(text: &str, delimiter: u8, skipped: u32, most: usize) -> Result<Vec<Line>, PriceListRefusal> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut rows = Rows::default();
    let mut record = csv::StringRecord::new();
    let mut number = skipped;
    let mut line = reader.position().line();
    for _ in 0..most {
        // Text in memory that is valid UTF-8 cannot fail to be read; a flexible reader takes any shape.
        if !reader.read_record(&mut record).unwrap_or(false) {
            break;
        }
        // Blank lines are skipped by the reader but are rows of the sheet.
        let inside = record.iter().flat_map(str::bytes).filter(|b| *b == b'\n').count();
        let passed = reader.position().line().saturating_sub(line);
        line = reader.position().line();
        let blank = passed.saturating_sub(1).saturating_sub(u64::try_from(inside).unwrap_or(0));
        number = number.saturating_add(u32::try_from(blank).unwrap_or(0)).saturating_add(1);
        for (column, field) in record.iter().enumerate() {
            let cell = Cell::of(field, CellKind::Untyped);
            if !cell.is_empty() {
                rows.put(number, column, cell)?;
            }
        }
    }
    Ok(rows.finish())
}

/// Text in one of the encodings that spreadsheets save: UTF-8 with its mark or without, UTF-16 with its
/// mark, GB18030 (Chinese Windows; GBK and GB2312 are parts of it), windows-1252 (the others). None for
/// bytes that are no text. Bytes that are no character become `�`, and the cell that holds one a fault:
/// one damaged byte must not turn a whole list into another alphabet.
pub(crate) fn decode(bytes: &[u8]) -> Option<(String, &'static str)> {
    use encoding_rs::{Encoding, GB18030, UTF_8, WINDOWS_1252};
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return (!text.contains('\0')).then(|| (text.into_owned(), encoding.name()));
    }
    let control = |b: &&u8| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C);
    if bytes.iter().any(|b| control(&b)) {
        return None;
    }
    let encoding = if is_utf8(bytes) {
        UTF_8
    } else if looks_like_gb(bytes) {
        GB18030
    } else {
        WINDOWS_1252
    };
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Some((text.into_owned(), encoding.name()))
}

/// Whether the bytes are UTF-8, but for a few that were damaged on their way: text in another encoding
/// has hardly a sequence that is well-formed by accident.
fn is_utf8(bytes: &[u8]) -> bool {
    const DAMAGED_AT_MOST_ONE_IN: usize = 8;
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    bad.saturating_mul(DAMAGED_AT_MOST_ONE_IN) <= good
}

/// Common Chinese characters are two bytes, both above 0xA0; an accented letter of western text is one
/// such byte among ASCII.
fn looks_like_gb(bytes: &[u8]) -> bool {
    let (mut pairs, mut lone, mut i) = (0_usize, 0_usize, 0_usize);
    while i < bytes.len() {
        if bytes[i] < 0x80 {
            i += 1;
            continue;
        }
        match bytes.get(i + 1) {
            Some(next) if *next >= 0xA1 => pairs += 1,
            // A byte that begins nothing: the next one is read for itself.
            Some(next) if *next < 0x40 => {
                lone += 1;
                i += 1;
                continue;
            }
            _ => lone += 1,
        }
        i += 2;
    }
    pairs > lone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_spreadsheet_shows_them() {
        let check = |number: f64, shown: &str| assert_eq!(plain_decimal(number), shown);
        check(12.9, "12.9");
        check(f64::from_bits(19.9_f64.to_bits() - 1), "19.9");
        check(0.1 + 0.2, "0.3");
        check(1_234_567.0, "1234567");
        check(9_556_123_456_789.0, "9556123456789");
        check(0.000_5, "0.0005");
        check(-3.25, "-3.25");
        check(0.0, "0");
        check(1e15, "1000000000000000");
        check(1e300, "1e300");
        check(f64::NAN, "NaN");
    }

    #[test]
    fn columns_are_named_as_in_a_sheet() {
        for (index, letter) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ")] {
            assert_eq!(column_letter(index), letter);
            assert_eq!(column_index(letter), Some(index));
        }
        for bad in ["", "a", "A1", "AAAA", "É"] {
            assert_eq!(column_index(bad), None, "{bad}");
        }
    }
}
