//! Workbooks that we hand out: the failed rows to be mended, and an empty template.

use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::headers::{Field, REASON_MARK, is_reason};
use super::sheet::{Cell, CellKind};
use super::{MAX_CELL_CHARS, MAX_COLUMNS, Mapping, PriceList, PriceRow, RowFault, headers};

/// A workbook of the failed rows as they were uploaded, the cells at fault marked, and a last column
/// that says why. Mended, it can be uploaded as it is: the added column is not read.
///
/// `reason` gives the words for one fault, `header_reason` those of the added column. Column letters
/// stay the same, so a mapping by letter still holds; the header is row 1.
#[must_use]
pub fn failed_rows_workbook(list: &PriceList, reason: &dyn Fn(&RowFault) -> String, header_reason: &str) -> Vec<u8> {
    build(|sheet| {
        let bold = Format::new().set_bold();
        let added = u16::try_from(list.columns.len()).unwrap_or(0);
        for (i, column) in (0_u16..).zip(&list.columns) {
            if !is_reason(&column.header) {
                sheet.write_string_with_format(0, i, &column.header, &bold)?;
            }
            sheet.set_column_width(i, width(&column.header))?;
        }
        let header = limited(&format!("{REASON_MARK} {header_reason}"));
        sheet.write_string_with_format(0, added, header, &bold)?;
        sheet.set_column_width(added, 60)?;
        sheet.set_freeze_panes(1, 0)?;
        for (line, row) in (1_u32..).zip(&list.failed) {
            let faults: Vec<&RowFault> = list.faults.iter().filter(|f| f.row == row.row).collect();
            failed_row(sheet, line, row, list, &faults)?;
            let words = faults.iter().map(|f| reason(f)).collect::<Vec<_>>().join("\n");
            let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
            sheet.write_string_with_format(line, added, limited(&words), &wrapped)?;
        }
        Ok(())
    })
}

/// An empty list with these headers. Columns of codes are kept as text, so that no zero gets lost.
#[must_use]
pub fn template_workbook(headers: &[&str]) -> Vec<u8> {
    build(|sheet| {
        let bold = Format::new().set_bold();
        let cells: Vec<Cell> =
            headers.iter().map(|h| Cell { text: (*h).to_owned(), kind: CellKind::Text }).take(MAX_COLUMNS).collect();
        let columns = headers::map(&cells, cells.len(), &Mapping::default());
        for (i, column) in (0_u16..).zip(&columns) {
            if matches!(column.field, Some(Field::Sku | Field::Hs)) {
                sheet.set_column_format(i, &Format::new().set_num_format("@"))?;
            }
            sheet.set_column_width(i, width(&column.header))?;
            sheet.write_string_with_format(0, i, limited(&column.header), &bold)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        Ok(())
    })
}

fn failed_row(
    sheet: &mut Worksheet,
    line: u32,
    row: &PriceRow,
    list: &PriceList,
    faults: &[&RowFault],
) -> Result<(), XlsxError> {
    for ((i, column), cell) in (0_u16..).zip(&list.columns).zip(&row.cells) {
        if is_reason(&column.header) {
            continue;
        }
        let wrong = faults.iter().any(|f| f.column == column.letter);
        let mut look = Format::new();
        if wrong {
            look = look.set_background_color(Color::RGB(0x00FF_E3A3));
        }
        match &cell.kind {
            CellKind::Empty if wrong => {
                sheet.write_blank(line, i, &look)?;
            }
            CellKind::Empty => {}
            // A number stays one, or a lost zero would pass as text next time.
            CellKind::Number { format } => match cell.text.parse::<f64>() {
                Ok(number) if number.is_finite() && !padded(&cell.text) => {
                    look = look.set_num_format(format.as_deref().unwrap_or("General"));
                    sheet.write_number_with_format(line, i, number, &look)?;
                }
                _ => {
                    sheet.write_string_with_format(line, i, &cell.text, &look)?;
                }
            },
            CellKind::Untyped if looks_like_number(&cell.text) => {
                let number = cell.text.parse::<f64>().unwrap_or_default();
                sheet.write_number_with_format(line, i, number, &look)?;
            }
            CellKind::Date { serial } => match serial.parse::<f64>() {
                Ok(serial) => {
                    look = look.set_num_format("yyyy-mm-dd");
                    sheet.write_number_with_format(line, i, serial, &look)?;
                }
                Err(_) => {
                    sheet.write_string_with_format(line, i, &cell.text, &look)?;
                }
            },
            _ => {
                sheet.write_string_with_format(line, i, &cell.text, &look)?;
            }
        }
    }
    Ok(())
}

/// A plain number that a spreadsheet would show just as it stands in the text table.
fn looks_like_number(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.len() <= 15;
    let keeps = !(padded(text) || text.contains('.') && text.ends_with('0'));
    plain && keeps && text.parse::<f64>().is_ok() && !text.ends_with('.') && !text.starts_with('.')
}

/// Zeros in front that a number cell would not show.
fn padded(text: &str) -> bool {
    text.starts_with('0') && text.len() > 1 && !text.starts_with("0.")
}

fn width(header: &str) -> u16 {
    u16::try_from(header.chars().count()).unwrap_or(40).clamp(10, 40) + 2
}

fn limited(text: &str) -> String {
    text.chars().take(MAX_CELL_CHARS).collect()
}

/// Fills one sheet. The date of the file is fixed, so that the same rows give the same bytes.
fn build(fill: impl FnOnce(&mut Worksheet) -> Result<(), XlsxError>) -> Vec<u8> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_ymd(2026, 1, 1).expect("a day of the calendar");
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    fill(book.add_worksheet()).expect("rows, columns and texts are below the limits of a sheet");
    book.save_to_buffer().expect("writing to memory does not fail")
}
