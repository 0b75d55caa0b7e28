//! The data set of a certificate of origin on A4, box by box as Form E numbers them, and as UBL 2.1.
//!
//! The hub makes out what an issuing body certifies: box 4 and box 12 stay empty for it. The certificate
//! of RCEP asks for the same; its boxes are printed by name, without numbers.

pub mod ubl;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trade::codes::{Country, HsCode};
use trade::money::{Money, MoneyError, Rate, sum};
use trade::quantity::Grams;

use crate::pdf::{NotInFont, Page, Text, bind, bold, plain};

const WIDTH: f32 = 210.0;
const HEIGHT: f32 = 297.0;
const LEFT: f32 = 14.0;
const RIGHT: f32 = WIDTH - LEFT;
const MIDDLE: f32 = 105.0;
const TOP: f32 = 14.0;
const TABLE: f32 = 112.0;
const TABLE_END: f32 = 222.0;
const LINE: f32 = 4.0;
/// Form E has room for twenty kinds of goods; more go on a sheet of their own.
pub const MAX_LINES: usize = 20;
/// Left edges of boxes 5 to 10.
const COLUMNS: [f32; 6] = [LEFT, 24.0, 48.0, 114.0, 132.0, 168.0];

/// What stands in the boxes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Whether the boxes bear the numbers of Form E.
    pub is_numbered: bool,
    pub title: Text,
    pub reference: Text,
    pub exporter: Vec<Text>,
    pub consignee: Vec<Text>,
    pub transport: Vec<Text>,
    pub marks: Text,
    pub lines: Vec<Line>,
    /// Of the packed consignment.
    pub gross: Grams,
    pub invoice_no: Text,
    pub invoice_date: Date,
    /// Where the goods were made, and to where they are exported.
    pub made_in: Text,
    pub exported_to: Text,
    pub date: Date,
    /// Box 13 in its order: retroactively, movement certificate, exhibition, third party invoicing.
    pub ticks: [bool; 4],
    /// What is unverified, and what the sheet is.
    pub notes: Vec<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub number: usize,
    pub description: Text,
    pub hs: HsCode,
    pub origin: Country,
    pub pieces: i64,
    pub criterion: String,
    pub regional_value: Option<Rate>,
    pub gross: Grams,
    pub fob: Money,
}

/// The captions of the boxes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperWords {
    pub reference: Text,
    pub exporter: Text,
    pub consignee: Text,
    pub transport: Text,
    pub official: Text,
    pub item: Text,
    pub marks: Text,
    pub goods: Text,
    pub criterion: Text,
    pub weight: Text,
    pub invoice: Text,
    pub declaration: Text,
    pub declared: Text,
    pub made_in: Text,
    pub exported_to: Text,
    pub signature: Text,
    pub certification: Text,
    pub ticks: Text,
    pub tick: [Text; 4],
    pub pieces: Text,
    pub total: Text,
}

/// Why the paper is not printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PaperRefusal {
    NotPrintable { text: String, character: char },
    NoLines,
    TooManyLines { got: usize, max: usize },
    Values { cause: MoneyError },
}

impl From<NotInFont> for PaperRefusal {
    fn from(refusal: NotInFont) -> Self {
        Self::NotPrintable { text: refusal.text, character: refusal.character }
    }
}

impl From<MoneyError> for PaperRefusal {
    fn from(cause: MoneyError) -> Self {
        Self::Values { cause }
    }
}

impl Paper {
    /// The FOB value of all lines, which are in one currency.
    ///
    /// # Errors
    /// No line, several currencies, or too large a sum.
    pub fn fob(&self) -> Result<Money, PaperRefusal> {
        let currency = self.lines.first().ok_or(PaperRefusal::NoLines)?.fob.currency();
        Ok(sum(currency, self.lines.iter().map(|line| line.fob))?)
    }
}

/// The sheet as a PDF.
///
/// # Errors
/// No line or too many, values that do not add up, or a text that the font has not got.
pub fn pdf(paper: &Paper, words: &PaperWords) -> Result<Vec<u8>, PaperRefusal> {
    if paper.lines.len() > MAX_LINES {
        return Err(PaperRefusal::TooManyLines { got: paper.lines.len(), max: MAX_LINES });
    }
    let fob = paper.fob()?;
    let mut sheet = Sheet { page: Page::new(HEIGHT), numbered: paper.is_numbered };
    let title = paper.title.printable()?;
    sheet.frame(LEFT, TOP, MIDDLE - LEFT, 24.0);
    sheet.caption(LEFT, TOP, 1, &words.exporter)?;
    sheet.lines(LEFT, TOP + 9.0, &paper.exporter)?;
    sheet.frame(MIDDLE, TOP, RIGHT - MIDDLE, 24.0);
    for (at, part) in (0_u8..).zip(bold(13.0).wrap(&title, RIGHT - MIDDLE - 6.0, 2)) {
        sheet.page.text(MIDDLE + 2.0, TOP + 7.0 + f32::from(at) * 5.4, bold(13.0), &part);
    }
    let reference = format!("{}: {}", words.reference.printable()?, paper.reference.printable()?);
    sheet.page.text(MIDDLE + 2.0, TOP + 21.0, plain(9.0), &plain(9.0).fit(&reference, RIGHT - MIDDLE - 4.0));
    let mut y = TOP + 24.0;
    sheet.frame(LEFT, y, MIDDLE - LEFT, 24.0);
    sheet.caption(LEFT, y, 2, &words.consignee)?;
    sheet.lines(LEFT, y + 9.0, &paper.consignee)?;
    sheet.frame(MIDDLE, y, RIGHT - MIDDLE, 54.0);
    sheet.caption(MIDDLE, y, 4, &words.official)?;
    y += 24.0;
    sheet.frame(LEFT, y, MIDDLE - LEFT, 30.0);
    sheet.caption(LEFT, y, 3, &words.transport)?;
    sheet.lines(LEFT, y + 9.0, &paper.transport)?;
    sheet.table(paper, words, fob)?;
    sheet.foot(paper, words)?;
    let name = format!("{title} {}", paper.reference.text);
    Ok(bind(&name, WIDTH, HEIGHT, vec![sheet.page]))
}

struct Sheet {
    page: Page,
    numbered: bool,
}

impl Sheet {
    fn frame(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.page.frame(x, y, width, height, 0.5);
    }

    /// The caption of a box, with its number on Form E.
    fn caption(&mut self, x: f32, y: f32, number: u8, caption: &Text) -> Result<(), PaperRefusal> {
        let caption = caption.printable()?;
        let text = if self.numbered { format!("{number}. {caption}") } else { caption };
        self.page.text(x + 1.5, y + 3.6, bold(7.0), &bold(7.0).fit(&text, 88.0));
        Ok(())
    }

    fn lines(&mut self, x: f32, y: f32, lines: &[Text]) -> Result<(), PaperRefusal> {
        for (at, line) in (0_u8..).zip(lines.iter().take(5)) {
            let text = plain(9.0).fit(&line.printable()?, 87.0);
            self.page.text(x + 1.5, y + f32::from(at) * 4.4, plain(9.0), &text);
        }
        Ok(())
    }

    fn table(&mut self, paper: &Paper, words: &PaperWords, fob: Money) -> Result<(), PaperRefusal> {
        let top = TABLE - 20.0;
        let heads = [&words.item, &words.marks, &words.goods, &words.criterion, &words.weight, &words.invoice];
        let ends = [COLUMNS[1], COLUMNS[2], COLUMNS[3], COLUMNS[4], COLUMNS[5], RIGHT];
        for (((x, end), head), number) in COLUMNS.into_iter().zip(ends).zip(heads).zip(5_u8..) {
            self.frame(x, top, end - x, TABLE_END - top);
            let head = head.printable()?;
            let text = if self.numbered { format!("{number}. {head}") } else { head };
            for (at, part) in (0_u8..).zip(bold(6.6).wrap(&text, end - x - 2.0, 4)) {
                self.page.text(x + 1.0, top + 3.4 + f32::from(at) * 2.9, bold(6.6), &part);
            }
        }
        self.page.rule((LEFT, top + 13.6), (RIGHT, top + 13.6), 0.5);
        let mut y = top + 18.0;
        let marks = plain(8.0).wrap(&paper.marks.printable()?, COLUMNS[2] - COLUMNS[1] - 2.0, 3);
        for (at, part) in (0_u8..).zip(marks) {
            self.page.text(COLUMNS[1] + 1.0, y + f32::from(at) * LINE, plain(8.0), &part);
        }
        let number = plain(8.0).wrap(&paper.invoice_no.printable()?, RIGHT - COLUMNS[5] - 2.0, 3);
        let date = paper.invoice_date.to_string();
        for (at, part) in (0_u8..).zip(number.iter().map(String::as_str).chain([date.as_str()])) {
            self.page.text(COLUMNS[5] + 1.0, y + f32::from(at) * LINE, plain(8.0), part);
        }
        // Twenty lines share the room: one of few has more of it for its description.
        let room = if paper.lines.len() > 8 { 1 } else { 2 };
        for line in &paper.lines {
            let text = format!("{} {}, {}", line.pieces, words.pieces.printable()?, line.description.printable()?);
            let wrapped = plain(8.0).wrap(&text, COLUMNS[3] - COLUMNS[2] - 22.0, room);
            self.page.text(COLUMNS[0] + 1.0, y, plain(8.0), &line.number.to_string());
            for (at, part) in (0_u8..).zip(&wrapped) {
                self.page.text(COLUMNS[2] + 1.0, y + f32::from(at) * LINE, plain(8.0), part);
            }
            let code = format!("HS {}", line.hs.hs6());
            self.page.text(COLUMNS[3] - 1.0, y, plain(8.0).right(), &code);
            let share = line.regional_value.map(|share| format!(" {} %", share.percent_text())).unwrap_or_default();
            self.page.text(COLUMNS[3] + 1.0, y, plain(7.4), &format!("{}{share}", line.criterion));
            let mass = format!("{} kg", line.gross.kilograms());
            self.page.text(COLUMNS[5] - 1.0, y, plain(8.0).right(), &mass);
            if room == 2 {
                let value = format!("{} {}", line.fob.currency(), line.fob.decimal());
                self.page.text(COLUMNS[5] - 1.0, y + LINE, plain(8.0).right(), &value);
                y += LINE;
            } else {
                self.page.text(COLUMNS[4] + 1.0, y, plain(8.0), &line.fob.decimal());
            }
            y += LINE + 0.6;
        }
        let total = words.total.printable()?;
        self.page.text(COLUMNS[4] - 1.0, TABLE_END - 6.0, bold(8.0).right(), &total);
        let mass = format!("{} kg", paper.gross.kilograms());
        self.page.text(COLUMNS[5] - 1.0, TABLE_END - 6.0, bold(8.0).right(), &mass);
        let value = format!("{} {}", fob.currency(), fob.decimal());
        self.page.text(COLUMNS[5] - 1.0, TABLE_END - 2.0, bold(8.0).right(), &value);
        Ok(())
    }

    fn foot(&mut self, paper: &Paper, words: &PaperWords) -> Result<(), PaperRefusal> {
        let top = TABLE_END;
        self.frame(LEFT, top, MIDDLE - LEFT, 42.0);
        self.caption(LEFT, top, 11, &words.declaration)?;
        let mut y = top + 8.0;
        for part in plain(8.0).wrap(&words.declared.printable()?, MIDDLE - LEFT - 4.0, 3) {
            self.page.text(LEFT + 1.5, y, plain(8.0), &part);
            y += 3.8;
        }
        for (caption, text) in [(&words.made_in, &paper.made_in), (&words.exported_to, &paper.exported_to)] {
            let text = format!("{}: {}", caption.printable()?, text.printable()?);
            self.page.text(LEFT + 1.5, y, plain(8.5), &plain(8.5).fit(&text, MIDDLE - LEFT - 4.0));
            y += 4.4;
        }
        let signed = format!("{}  {}", words.signature.printable()?, paper.date);
        self.page.rule((LEFT + 1.5, top + 36.0), (MIDDLE - 4.0, top + 36.0), 0.3);
        self.page.text(LEFT + 1.5, top + 40.0, plain(7.5), &signed);
        self.frame(MIDDLE, top, RIGHT - MIDDLE, 42.0);
        self.caption(MIDDLE, top, 12, &words.certification)?;
        self.page.rule((MIDDLE + 1.5, top + 36.0), (RIGHT - 4.0, top + 36.0), 0.3);
        let top = top + 42.0;
        self.frame(LEFT, top, RIGHT - LEFT, 11.0);
        self.caption(LEFT, top, 13, &words.ticks)?;
        for ((ticked, caption), at) in paper.ticks.iter().zip(&words.tick).zip(0_u8..) {
            let x = LEFT + 2.0 + f32::from(at) * 46.0;
            self.page.frame(x, top + 5.6, 3.2, 3.2, 0.5);
            if *ticked {
                self.page.text(x + 0.6, top + 8.3, bold(9.0), "x");
            }
            let text = plain(7.4).fit(&caption.printable()?, 40.0);
            self.page.text(x + 4.4, top + 8.3, plain(7.4), &text);
        }
        let mut y = top + 15.0;
        for note in &paper.notes {
            for part in plain(7.0).wrap(&note.printable()?, RIGHT - LEFT, 2) {
                self.page.text(LEFT, y, plain(7.0), &part);
                y += 3.2;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
