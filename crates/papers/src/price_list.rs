//! A seller's price list, read as the seller keeps it: XLSX or CSV, headers in English, Malay or Chinese.
//!
//! Nothing is guessed into a wrong value: a cell that can be read in two ways is a [`RowFault`], and a
//! row with a fault is never among [`PriceList::rows`]. What a list does not say (no weight column, no
//! HS code) is no fault of the row: the field is `None`, and readiness tells what is still missing.

mod cells;
mod failed;
mod headers;
mod sheet;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use trade::codes::Country;
use trade::hazard::Hazards;
use trade::money::{Currency, Money};
use trade::quantity::{Content, Grams, Size};

pub use failed::{failed_rows_workbook, template_workbook};
pub use headers::{Field, Unit};
pub(crate) use sheet::decode;
pub use sheet::{Cell, CellKind, Source};

/// A price list is some thousand lines of text; ten megabytes is far above the largest seen.
pub const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;
/// What a workbook may unpack to. A sheet at the other limits stays well below; a zip bomb does not.
pub const MAX_UNPACKED_BYTES: u64 = 100 * 1024 * 1024;
pub const MAX_ROWS: usize = 20_000;
pub const MAX_COLUMNS: usize = 60;
/// Characters in one cell; a description for a declaration is far shorter.
pub const MAX_CELL_CHARS: usize = 2_000;
/// Title rows, addresses and logos stand above the header, but not more than this.
const HEADER_SEARCH_ROWS: usize = 30;

/// What the caller knows better than the sheet. Empty for a first reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The row of the header, as the sheet numbers it.
    pub header_row: Option<u32>,
    /// By column letter: the field of that column, or `None` to leave it out.
    pub columns: BTreeMap<String, Option<Chosen>>,
    /// Currency of prices that carry none in cell, header, column or number format.
    pub currency: Option<Currency>,
}

/// The field that a caller chose for a column; without a unit the header's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub field: Field,
    pub unit: Option<Unit>,
}

/// A price list as it was understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceList {
    pub source: Source,
    pub header_row: u32,
    pub columns: Vec<Mapped>,
    /// Rows without a fault, in the order of the sheet.
    pub rows: Vec<PriceRow>,
    /// Rows with at least one fault; the fields that could be read are there.
    pub failed: Vec<PriceRow>,
    pub faults: Vec<RowFault>,
    /// Rows that hold one text and no SKU: section titles, notes. Neither product nor fault.
    pub notes: Vec<Note>,
}

impl PriceList {
    /// Header and cell text of a row, as uploaded, for every column of the sheet.
    pub fn raw<'a>(&'a self, row: &'a PriceRow) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.columns.iter().zip(&row.cells).map(|(column, cell)| (column.header.as_str(), cell.text.as_str()))
    }
}

/// One column of the sheet and what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapped {
    /// `A`, `B`, … as the sheet shows it.
    pub letter: String,
    pub header: String,
    pub field: Option<Field>,
    /// The unit of bare numbers in this column.
    pub unit: Option<Unit>,
    /// The unit is not said by header or caller: weights are taken as kilograms, sizes as centimetres.
    pub unit_assumed: bool,
    pub currency: Option<Currency>,
}

/// A row that holds a text and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    pub row: u32,
    pub text: String,
}

/// One product of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PriceRow {
    /// As the sheet numbers it.
    pub row: u32,
    pub sku: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    /// As written, trimmed; may be too short. Digits, dots, blanks and dashes only, ten digits at most.
    pub hs: Option<String>,
    pub origin: Option<Country>,
    pub weight: Option<Grams>,
    pub size: Option<Size>,
    pub price: Option<Money>,
    pub content: Option<Content>,
    pub hazards: Hazards,
    /// One for each of [`PriceList::columns`], as uploaded.
    pub cells: Vec<Cell>,
}

/// A cell that cannot be understood, or one that must be there and is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowFault {
    pub row: u32,
    /// Letter of the column.
    pub column: String,
    pub header: String,
    pub field: Field,
    pub got: String,
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What is wrong with a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum FaultKind {
    SkuMissing,
    /// The SKU stands in an earlier row already.
    SkuTwice {
        first_row: u32,
    },
    NameMissing,
    /// Neither a number in `unit` nor a number with its own unit, such as `250 g`.
    NotAWeight {
        unit: Unit,
    },
    /// Not three numbers such as `30 x 20 x 10`, or not one number in a column of its own.
    NotASize {
        unit: Unit,
    },
    /// Some of length, width and height are given, this one is not.
    SizeIncomplete,
    /// A bare number that is plausible in more than one unit, or whose unit is not taken here.
    UnitUnclear,
    NotAnAmount,
    /// More digits after the point than the currency or unit has.
    TooManyDigits {
        digits: u32,
    },
    /// No currency in the cell, the header, a currency column or the caller's default.
    CurrencyMissing,
    /// `$` or `¥` may be more than one currency.
    CurrencyUnclear,
    NotACurrency,
    /// The cell names another currency than its header or the currency column.
    CurrencyDiffers {
        expected: Currency,
        found: Currency,
    },
    NotACountry,
    /// Something else than digits, dots, blanks and dashes, or more than ten digits.
    NotHsDigits,
    /// HS codes have an even number of digits; a spreadsheet drops zeros of codes kept as numbers.
    HsLostZero {
        suggestion: String,
    },
    /// A long number kept as a number: the spreadsheet has rounded it to 15 digits.
    DigitsLost,
    NotContents,
    /// No strength by volume: above 0 and up to 100 per cent, with one digit after the point.
    NotAStrength,
    /// A strength by volume of contents that are not told in litres or millilitres.
    StrengthWithoutVolume,
    /// No kind of battery: none, ion, metal.
    NotABattery,
    /// Not how a battery lies in its package: alone, with, in, vehicle.
    NotAPacking,
    NotWattHours,
    /// Not whole per cent from 0 to 100.
    NotACharge,
    /// Not none, liquid or aerosol.
    NotALiquid,
    NotYesOrNo,
    /// Zero, negative, or beyond anything that a parcel can be. In the unit named.
    OutOfRange {
        min: String,
        max: String,
        unit: String,
    },
    /// `#REF!`, `#N/A`, ….
    CellError,
    /// Bytes that are no characters in the encoding that the list was read in.
    NotReadable,
    /// The spreadsheet has made a date of it.
    IsADate,
    CellTooLong {
        chars: usize,
        max: usize,
    },
}

/// Why a file is not a price list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PriceListRefusal {
    FileEmpty {
        file: String,
    },
    FileTooLarge {
        file: String,
        bytes: u64,
        max: u64,
    },
    /// A kind of file that is not read here, by its first bytes.
    FileKind {
        file: String,
        kind: FileKind,
    },
    /// A workbook that cannot be opened; `detail` is the technical cause.
    FileDamaged {
        file: String,
        detail: String,
    },
    /// The workbook unpacks to more than a price list can be.
    FileUnpacksTooLarge {
        file: String,
        max: u64,
    },
    TooManyRows {
        max: usize,
    },
    TooManyColumns {
        got: usize,
        max: usize,
    },
    /// No row names at least two columns that we know. The first rows, so that a mapping can be asked for.
    NoHeader {
        first_rows: Vec<FirstRow>,
    },
    /// The list cannot be read without these.
    ColumnsMissing {
        missing: Vec<Field>,
        header_row: u32,
        columns: Vec<String>,
    },
    NoRows {
        header_row: u32,
    },
    /// The mapping names a column that is none.
    NotAColumn {
        got: String,
    },
}

/// One of the first rows of a sheet in which no header was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstRow {
    pub row: u32,
    pub cells: Vec<String>,
}

/// Kinds of file that are recognised, to be refused by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// XLS, before 2007.
    OldExcel,
    /// XLSB.
    BinaryExcel,
    /// A workbook under a password.
    Locked,
    OpenDocument,
    Pdf,
    Image,
    WebPage,
    OtherArchive,
    Unknown,
}

/// Reads a list with nothing known beforehand. See [`read_with`].
pub fn read(bytes: &[u8], file_name: &str) -> Result<PriceList, PriceListRefusal> {
    read_with(bytes, file_name, &Mapping::default())
}

/// Reads a list; what `mapping` says overrides what the sheet seems to say.
///
/// The kind of file is told by its bytes; `file_name` is only named in refusals. In a workbook the
/// visible sheet whose header is known best is read.
pub fn read_with(bytes: &[u8], file_name: &str, mapping: &Mapping) -> Result<PriceList, PriceListRefusal> {
    for letter in mapping.columns.keys() {
        if sheet::column_index(letter).is_none_or(|i| i >= MAX_COLUMNS) {
            return Err(PriceListRefusal::NotAColumn { got: letter.chars().take(12).collect() });
        }
    }
    let file: String = file_name.chars().take(120).collect();
    let grids = sheet::open(bytes, &file)?;
    let Some((grid, at)) = best_header(&grids, mapping) else {
        return Err(PriceListRefusal::NoHeader { first_rows: first_rows(&grids) });
    };
    understand(grid, at, mapping)
}

/// The sheet and row whose header names most fields; the first among equals.
fn best_header<'a>(grids: &'a [sheet::Grid], mapping: &Mapping) -> Option<(&'a sheet::Grid, usize)> {
    let mut best: Option<(usize, &sheet::Grid, usize)> = None;
    for grid in grids {
        for (i, row) in grid.rows.iter().enumerate().take(HEADER_SEARCH_ROWS) {
            if mapping.header_row.is_some_and(|wanted| wanted != row.number) {
                continue;
            }
            let known = headers::score(&row.cells);
            if best.as_ref().is_none_or(|b| known > b.0) {
                best = Some((known, grid, i));
            }
        }
    }
    let (known, grid, at) = best?;
    let told = mapping.header_row.is_some() || !mapping.columns.is_empty();
    (known >= 2 || told).then_some((grid, at))
}

fn first_rows(grids: &[sheet::Grid]) -> Vec<FirstRow> {
    let rows = grids.first().map(|g| g.rows.as_slice()).unwrap_or_default();
    let shown = |c: &Cell| c.text.chars().take(60).collect();
    rows.iter()
        .take(8)
        .map(|r| FirstRow { row: r.number, cells: r.cells.iter().take(20).map(shown).collect() })
        .collect()
}

fn understand(grid: &sheet::Grid, at: usize, mapping: &Mapping) -> Result<PriceList, PriceListRefusal> {
    let header = &grid.rows[at];
    let body = &grid.rows[at + 1..];
    let width = body.iter().chain([header]).map(|r| r.cells.len()).max().unwrap_or(0);
    let columns = headers::map(&header.cells, width, mapping);
    let has = |field| columns.iter().any(|c| c.field == Some(field));
    let missing: Vec<Field> = [Field::Sku, Field::Name].into_iter().filter(|f| !has(*f)).collect();
    if !missing.is_empty() {
        let columns = columns.into_iter().map(|c| c.header).collect();
        return Err(PriceListRefusal::ColumnsMissing { missing, header_row: header.number, columns });
    }
    let mut list = PriceList {
        source: grid.source.clone(),
        header_row: header.number,
        columns,
        rows: Vec::new(),
        failed: Vec::new(),
        faults: Vec::new(),
        notes: Vec::new(),
    };
    let mut first_rows: HashMap<String, u32> = HashMap::new();
    for line in body {
        let ours = |(column, cell): (&Mapped, &Cell)| !cell.is_empty() && !headers::is_reason(&column.header);
        let filled = list.columns.iter().zip(&line.cells).filter(|pair| ours(*pair)).count();
        if filled == 0 {
            continue;
        }
        let reading = cells::Reading { columns: &list.columns, line, default: mapping.currency };
        let sku = reading.text(Field::Sku);
        if filled == 1 && sku.is_none() {
            let text = line.cells.iter().find(|c| !c.is_empty()).map(|c| c.text.clone()).unwrap_or_default();
            list.notes.push(Note { row: line.number, text });
            continue;
        }
        let (row, mut faults) = reading.row();
        if let Some(sku) = row.sku.as_ref() {
            if let Some(first_row) = first_rows.get(sku) {
                faults.push(reading.fault(Field::Sku, FaultKind::SkuTwice { first_row: *first_row }));
            } else {
                first_rows.insert(sku.clone(), row.row);
            }
        }
        if faults.is_empty() {
            list.rows.push(row);
        } else {
            list.failed.push(row);
            list.faults.append(&mut faults);
        }
    }
    if list.rows.is_empty() && list.failed.is_empty() {
        return Err(PriceListRefusal::NoRows { header_row: list.header_row });
    }
    Ok(list)
}

#[cfg(test)]
mod tests;
