//! The label of a bag, and the manifest that its carrier takes along.
//!
//! Neither names a person or the goods: numbers, seals and weights alone.

use serde::{Deserialize, Serialize};
use trade::codes::{BagNo, S10};
use trade::quantity::Grams;

use crate::label::{LabelRefusal, bars, write_whole};
use crate::pdf::{Page, Text, bind, bold, plain};

/// The label of a bag, as label printers take it.
const LABEL: (f32, f32) = (100.0, 150.0);
/// A4 upright.
const SHEET: (f32, f32) = (210.0, 297.0);
const LEFT: f32 = 15.0;
const RIGHT: f32 = SHEET.0 - LEFT;
const ROW: f32 = 5.6;
/// Where rows begin on the first sheet and on those that follow, and where they end.
const FIRST_ROWS: f32 = 78.0;
const NEXT_ROWS: f32 = 34.0;
const LAST_ROW: f32 = 280.0;
/// More than a manifest of this hub ever has; a paper of more is a mistake.
const ROWS_MAX: usize = 2_000;

/// All that stands on the label of one bag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BagLabel {
    pub no: BagNo,
    /// From which hub to which.
    pub from: Text,
    pub to: Text,
    pub parcels: usize,
    pub gross: Grams,
    pub seal: Option<String>,
    /// Master waybill and flight, once it is on a manifest.
    pub travels: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BagWords {
    pub title: Text,
    pub from: Text,
    pub to: Text,
    pub parcels: Text,
    pub gross: Text,
    pub seal: Text,
    pub travels: Text,
    pub open: Text,
}

/// The label of a bag as PDF, 100 × 150 mm.
///
/// # Errors
/// A name that the font has not got, or that is too wide.
pub fn bag_label_pdf(label: &BagLabel, words: &BagWords) -> Result<Vec<u8>, LabelRefusal> {
    let (width, height) = LABEL;
    let (left, room) = (5.0, width - 10.0);
    let mut page = Page::new(height);
    write_whole(&mut page, (left, 11.0), bold(15.0), &words.title, room)?;
    page.rule((left, 15.0), (width - left, 15.0), 1.4);
    let number = label.no.as_str();
    let (letters, digits, check) = (&number[..2], &number[2..12], &number[12..]);
    bars(&mut page, &format!("\u{181}{letters}\u{106}{digits}\u{181}{check}"), width, 20.0);
    let shown = format!("{letters} {} {} {check}", &digits[..5], &digits[5..]);
    page.text(width / 2.0, 44.0, bold(15.0).centre(), &shown);
    page.frame(left, 50.0, room, 40.0, 1.4);
    page.text(left + 2.0, 54.5, plain(7.0), &words.from.printable()?);
    write_whole(&mut page, (left + 2.0, 61.0), bold(12.0), &label.from, room - 4.0)?;
    page.text(left + 2.0, 70.5, plain(7.0), &words.to.printable()?);
    write_whole(&mut page, (left + 2.0, 80.0), bold(20.0), &label.to, room - 4.0)?;
    let none = "–".to_owned();
    let seal = match &label.seal {
        Some(seal) => seal.clone(),
        None => words.open.printable()?,
    };
    let facts = [
        (&words.parcels, label.parcels.to_string()),
        (&words.gross, label.gross.to_string()),
        (&words.seal, seal),
        (&words.travels, label.travels.clone().unwrap_or(none)),
    ];
    for (y, (word, value)) in [100.0, 112.0, 124.0, 136.0].into_iter().zip(facts) {
        page.text(left, y, plain(7.0), &word.printable()?);
        write_whole(&mut page, (left, y + 6.0), bold(13.0), &value.as_str().into(), room)?;
    }
    Ok(bind(number, width, height, vec![page]))
}

/// What stands on the manifest of a flight or vessel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSheet {
    /// The number of the master waybill.
    pub master: String,
    pub vehicle: String,
    pub from: String,
    pub to: String,
    pub departs: String,
    pub arrives: String,
    pub exporter: Text,
    pub importer: Text,
    pub bags: usize,
    pub gross: Grams,
    pub rows: Vec<ManifestRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRow {
    pub bag: BagNo,
    pub seal: String,
    pub waybill: S10,
    pub gross: Grams,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestWords {
    pub title: Text,
    pub master: Text,
    pub vehicle: Text,
    pub from: Text,
    pub to: Text,
    pub departs: Text,
    pub arrives: Text,
    pub exporter: Text,
    pub importer: Text,
    pub bags: Text,
    pub parcels: Text,
    pub gross: Text,
    pub bag: Text,
    pub seal: Text,
    pub waybill: Text,
}

/// The manifest as PDF, A4, as many sheets as its parcels need.
///
/// # Errors
/// A name that the font has not got, or that is too wide; more rows than any manifest has.
pub fn manifest_pdf(sheet: &ManifestSheet, words: &ManifestWords) -> Result<Vec<u8>, LabelRefusal> {
    if sheet.rows.len() > ROWS_MAX {
        return Err(LabelRefusal::TooManyLines { got: sheet.rows.len(), max: ROWS_MAX });
    }
    let mut page = Page::new(SHEET.1);
    head(&mut page, sheet, words)?;
    let mut pages = Vec::new();
    let mut y = FIRST_ROWS;
    columns(&mut page, y - ROW, words)?;
    for (n, row) in (1_usize..).zip(&sheet.rows) {
        if y > LAST_ROW {
            pages.push(std::mem::replace(&mut page, Page::new(SHEET.1)));
            title(&mut page, sheet, words)?;
            y = NEXT_ROWS;
            columns(&mut page, y - ROW, words)?;
        }
        page.text(LEFT + 8.0, y, plain(9.0).right(), &n.to_string());
        page.text(LEFT + 12.0, y, plain(9.0), row.bag.as_str());
        page.text(LEFT + 55.0, y, plain(9.0), &plain(9.0).fit(&row.seal, 42.0));
        page.text(LEFT + 100.0, y, bold(9.0), row.waybill.as_str());
        page.text(RIGHT, y, plain(9.0).right(), &row.gross.to_string());
        page.rule((LEFT, y + 1.6), (RIGHT, y + 1.6), 0.2);
        y += ROW;
    }
    pages.push(page);
    let count = pages.len();
    for (n, page) in (1_usize..).zip(&mut pages) {
        page.text(RIGHT, 290.0, plain(8.0).right(), &format!("{n}/{count}"));
    }
    Ok(bind(&sheet.master, SHEET.0, SHEET.1, pages))
}

fn title(page: &mut Page, sheet: &ManifestSheet, words: &ManifestWords) -> Result<(), LabelRefusal> {
    write_whole(page, (LEFT, 19.0), bold(16.0), &words.title, 100.0)?;
    page.text(RIGHT, 19.0, bold(14.0).right(), &sheet.master);
    page.rule((LEFT, 22.5), (RIGHT, 22.5), 1.2);
    Ok(())
}

fn head(page: &mut Page, sheet: &ManifestSheet, words: &ManifestWords) -> Result<(), LabelRefusal> {
    title(page, sheet, words)?;
    let text = |text: &str| Text::from(text);
    let parcels = sheet.rows.len().to_string();
    let facts = [
        [(&words.vehicle, text(&sheet.vehicle)), (&words.from, text(&sheet.from)), (&words.to, text(&sheet.to))],
        [
            (&words.master, text(&sheet.master)),
            (&words.departs, text(&sheet.departs)),
            (&words.arrives, text(&sheet.arrives)),
        ],
        [
            (&words.gross, text(&sheet.gross.to_string())),
            (&words.exporter, sheet.exporter.clone()),
            (&words.importer, sheet.importer.clone()),
        ],
    ];
    for (y, row) in [28.0, 40.0, 52.0].into_iter().zip(facts) {
        for (x, (word, value)) in [LEFT, LEFT + 60.0, LEFT + 120.0].into_iter().zip(row) {
            page.text(x, y, plain(7.0), &word.printable()?);
            write_whole(page, (x, y + 5.0), bold(10.0), &value, 57.0)?;
        }
    }
    let line = format!("{} {} · {} {parcels}", words.bags.printable()?, sheet.bags, words.parcels.printable()?);
    page.text(LEFT, 66.0, bold(10.0), &line);
    Ok(())
}

fn columns(page: &mut Page, y: f32, words: &ManifestWords) -> Result<(), LabelRefusal> {
    let look = plain(7.5);
    for (x, word) in [(LEFT + 12.0, &words.bag), (LEFT + 55.0, &words.seal), (LEFT + 100.0, &words.waybill)] {
        page.text(x, y, look, &word.printable()?);
    }
    page.text(RIGHT, y, look.right(), &words.gross.printable()?);
    page.rule((LEFT, y + 1.6), (RIGHT, y + 1.6), 0.6);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use trade::codes::Country;

    fn word(text: &str) -> Text {
        Text { text: text.to_owned(), latin: Some("word".to_owned()) }
    }

    fn manifest_words() -> ManifestWords {
        let w = || word("舱单");
        ManifestWords {
            title: w(),
            master: w(),
            vehicle: w(),
            from: w(),
            to: w(),
            departs: w(),
            arrives: w(),
            exporter: w(),
            importer: w(),
            bags: w(),
            parcels: w(),
            gross: w(),
            bag: w(),
            seal: w(),
            waybill: w(),
        }
    }

    fn sheet(rows: u32) -> ManifestSheet {
        let row = |n| ManifestRow {
            bag: BagNo::issue(1),
            seal: "SL-1".to_owned(),
            waybill: S10::issue("LP", n, Country::MY).expect("eight digits"),
            gross: Grams(500),
        };
        ManifestSheet {
            master: "232-12345675".to_owned(),
            vehicle: "MH376".to_owned(),
            from: "MYKUL".to_owned(),
            to: "CNHGH".to_owned(),
            departs: "23 Nov 2026, 12:00".to_owned(),
            arrives: "23 Nov 2026, 17:00".to_owned(),
            exporter: "Kuala Lumpur".into(),
            importer: "Hangzhou".into(),
            bags: 1,
            gross: Grams(500),
            rows: (0..rows).map(row).collect(),
        }
    }

    fn pages(pdf: &[u8]) -> usize {
        String::from_utf8_lossy(pdf).matches("/MediaBox").count()
    }

    #[test]
    fn a_manifest_takes_as_many_sheets_as_its_parcels_need() {
        // 37 rows from 78.0 to 279.6 mm in steps of 5.6 on the first sheet, 44 from 34.0 on the next.
        for (rows, sheets) in [(1, 1), (37, 1), (38, 2), (81, 2), (82, 3), (400, 10)] {
            let pdf = manifest_pdf(&sheet(rows), &manifest_words()).expect("it prints");
            assert_eq!(pages(&pdf), sheets, "{rows}");
            assert!(pdf.starts_with(b"%PDF-"));
        }
        let many = manifest_pdf(&sheet(2_001), &manifest_words());
        assert_eq!(many, Err(LabelRefusal::TooManyLines { got: 2_001, max: 2_000 }));
    }

    #[test]
    fn a_bag_has_a_label_of_one_page_and_a_name_that_cannot_be_printed_is_refused() {
        let w = || word("袋");
        let words =
            BagWords { title: w(), from: w(), to: w(), parcels: w(), gross: w(), seal: w(), travels: w(), open: w() };
        let label = BagLabel {
            no: BagNo::issue(17),
            from: "Kuala Lumpur".into(),
            to: "Hangzhou".into(),
            parcels: 12,
            gross: Grams(7_250),
            seal: None,
            travels: Some("232-12345675 · MH376".to_owned()),
        };
        assert_eq!(pages(&bag_label_pdf(&label, &words).expect("it prints")), 1);
        let foreign = BagLabel { to: "杭州".into(), ..label };
        assert!(matches!(bag_label_pdf(&foreign, &words), Err(LabelRefusal::NotPrintable { .. })));
    }
}
