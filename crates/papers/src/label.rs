//! The label of a parcel, 100 × 150 mm: number and barcode, where it goes, and its customs declaration.
//!
//! The buyer's name is not on it: the address is the importing hub's, which forwards by the delivery
//! reference.

use barcoders::sym::code128::Code128;
use qrcode::{Color, EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use trade::codes::{Country, S10};
use trade::money::{Money, MoneyError};
use trade::quantity::Grams;

use crate::cn22::{Declaration, FormWords, MAX_LINES, SdrRate, Sheet, SheetRefusal, form_for};
use crate::pdf::{Look, NotInFont, Page, Text, bind, bold, plain};

/// Millimetres, as label printers take them.
const WIDTH: f32 = 100.0;
const HEIGHT: f32 = 150.0;
const LEFT: f32 = 4.0;
const RIGHT: f32 = WIDTH - LEFT;
/// One module of the barcode: four dots of a printer of 203 dots an inch.
const MODULE: f32 = 0.5;
const BARCODE_HEIGHT: f32 = 17.0;
/// Upper edge of the barcode on the first page and on those that follow.
const FIRST_BARCODE: f32 = 61.6;
const NEXT_BARCODE: f32 = 5.0;
/// Where the customs declaration begins and ends.
const PANEL_TOP: f32 = 86.0;
const PANEL_BOTTOM: f32 = 147.0;
const MAX_ADDRESS_LINES: usize = 5;

/// All that stands on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub number: S10,
    /// Such as the name of the service and its speed.
    pub service: Text,
    pub from: Address,
    /// The hub that forwards the parcel.
    pub to: Address,
    /// By which the importing hub knows the buyer; letters, digits, `-`, `_`, `.` and `/`.
    pub delivery_reference: String,
    pub gross: Grams,
    /// Where anybody who holds the parcel sees its way: printed as a QR code. `None` prints none.
    pub track: Option<String>,
    pub declaration: Declaration,
    /// Decides between CN 22 and CN 23; in the currency of the declared values.
    pub sdr: SdrRate,
}

/// A name, at most five lines below it, and the country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub name: Text,
    pub lines: Vec<Text>,
    pub country: Country,
    pub country_name: Text,
}

/// The captions, in the language that the label is printed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelWords {
    pub from: Text,
    pub to: Text,
    pub delivery_reference: Text,
    pub weight: Text,
    pub form: FormWords,
}

/// Why a label is not printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum LabelRefusal {
    /// The font has no such character, and no Latin form was given.
    NotPrintable {
        text: String,
        character: char,
    },
    NoLines,
    TooManyLines {
        got: usize,
        max: usize,
    },
    /// An address has more lines than the label has room for.
    AddressTooLong {
        got: usize,
        max: usize,
    },
    /// Too wide for its place even in the smallest print; a name or an address is never cut.
    TooWide {
        text: String,
    },
    /// Empty, longer than 40 characters, or with other characters than a reference has.
    NotAReference {
        got: String,
    },
    /// An address that is too long for a code that a phone reads at this size.
    TrackTooLong {
        bytes: usize,
        max: usize,
    },
    /// A parcel and each kind of goods in it weigh something.
    NotAWeight {
        got: Grams,
    },
    /// The contents cannot weigh more than the parcel.
    NetAboveGross {
        net: Grams,
        gross: Grams,
    },
    /// A declared value is above zero.
    NotAValue {
        got: Money,
    },
    /// Values in several currencies, or a rate for another one.
    Values {
        cause: MoneyError,
    },
}

impl From<NotInFont> for LabelRefusal {
    fn from(refusal: NotInFont) -> Self {
        Self::NotPrintable { text: refusal.text, character: refusal.character }
    }
}

impl From<SheetRefusal> for LabelRefusal {
    fn from(refusal: SheetRefusal) -> Self {
        match refusal {
            SheetRefusal::NotInFont(refusal) => refusal.into(),
            SheetRefusal::Money(cause) => Self::Values { cause },
        }
    }
}

impl From<MoneyError> for LabelRefusal {
    fn from(cause: MoneyError) -> Self {
        Self::Values { cause }
    }
}

/// The label as a PDF: one page, and more of the same size if the goods do not fit on it.
pub fn label_pdf(label: &Label, words: &LabelWords) -> Result<Vec<u8>, LabelRefusal> {
    check(label)?;
    let form = form_for(label.declaration.value()?, label.gross, label.sdr)?;
    let sheet = Sheet::new(form, &label.declaration, label.gross, &words.form)?;
    let mut first = Page::new(HEIGHT);
    head(&mut first, label)?;
    sender(&mut first, label, words)?;
    destination(&mut first, label, words)?;
    barcode(&mut first, &label.number, FIRST_BARCODE);
    let mut next = sheet.panel(&mut first, PANEL_TOP, PANEL_BOTTOM);
    let mut pages = vec![first];
    while next < label.declaration.lines.len() {
        let mut page = Page::new(HEIGHT);
        barcode(&mut page, &label.number, NEXT_BARCODE);
        next = sheet.continuation(&mut page, next, 30.0, PANEL_BOTTOM);
        pages.push(page);
    }
    let count = pages.len();
    if count > 1 {
        for (i, page) in (1_usize..).zip(&mut pages) {
            let y = if i == 1 { FIRST_BARCODE } else { NEXT_BARCODE } + BARCODE_HEIGHT + 4.6;
            page.text(RIGHT, y, bold(8.0).right(), &format!("{i}/{count}"));
        }
    }
    Ok(bind(label.number.as_str(), WIDTH, HEIGHT, pages))
}

fn check(label: &Label) -> Result<(), LabelRefusal> {
    let declaration = &label.declaration;
    if declaration.lines.is_empty() {
        return Err(LabelRefusal::NoLines);
    }
    if declaration.lines.len() > MAX_LINES {
        return Err(LabelRefusal::TooManyLines { got: declaration.lines.len(), max: MAX_LINES });
    }
    for address in [&label.from, &label.to] {
        if address.lines.len() > MAX_ADDRESS_LINES {
            return Err(LabelRefusal::AddressTooLong { got: address.lines.len(), max: MAX_ADDRESS_LINES });
        }
    }
    let reference = &label.delivery_reference;
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if reference.is_empty() || reference.len() > 40 || !reference.chars().all(letter) {
        return Err(LabelRefusal::NotAReference { got: reference.chars().take(60).collect() });
    }
    if let Some(bytes) = label.track.as_ref().map(String::len).filter(|bytes| *bytes > QR_BYTES_MAX) {
        return Err(LabelRefusal::TrackTooLong { bytes, max: QR_BYTES_MAX });
    }
    if let Some(line) = declaration.lines.iter().find(|l| l.net <= Grams(0)) {
        return Err(LabelRefusal::NotAWeight { got: line.net });
    }
    if let Some(line) = declaration.lines.iter().find(|l| !l.value.is_positive()) {
        return Err(LabelRefusal::NotAValue { got: line.value });
    }
    if declaration.net() > label.gross {
        return Err(LabelRefusal::NetAboveGross { net: declaration.net(), gross: label.gross });
    }
    Ok(())
}

/// The service, and from where to where.
fn head(page: &mut Page, label: &Label) -> Result<(), LabelRefusal> {
    write_whole(page, (LEFT, 10.4), bold(14.0), &label.service, 58.0)?;
    let to = label.to.country.as_str();
    page.fill(RIGHT - 17.0, 3.0, 17.0, 10.6, 0.0);
    page.text_white(RIGHT - 8.5, 11.0, bold(24.0).centre(), to);
    page.text(RIGHT - 19.5, 10.4, bold(14.0).right(), label.from.country.as_str());
    // An arrow head between the two.
    page.rule((RIGHT - 18.9, 7.0), (RIGHT - 17.7, 8.3), 0.9);
    page.rule((RIGHT - 17.7, 8.3), (RIGHT - 18.9, 9.6), 0.9);
    page.rule((LEFT, 15.0), (RIGHT, 15.0), 1.4);
    Ok(())
}

/// The sender, small, and the weight beside it.
fn sender(page: &mut Page, label: &Label, words: &LabelWords) -> Result<(), LabelRefusal> {
    page.text(LEFT, 18.0, plain(6.0), &words.from.printable()?);
    let look = plain(7.2);
    let room = 60.0;
    write_whole(page, (LEFT, 21.2), bold(7.6), &label.from.name, room)?;
    let mut texts = compact(&label.from.lines, 3)?;
    texts.push(label.from.country_name.printable()?);
    for (y, text) in [24.2, 27.1, 30.0, 32.9].iter().zip(texts) {
        write_whole(page, (LEFT, *y), look, &text.as_str().into(), room)?;
    }
    page.rule((68.0, 17.0), (68.0, 33.0), 0.4);
    page.text(71.0, 18.6, plain(6.0), &words.weight.printable()?);
    page.text(71.0, 24.2, bold(13.0), &label.gross.to_string());
    page.text(71.0, 29.2, plain(6.0), &words.form.date.printable()?);
    page.text(71.0, 32.7, bold(8.0), &label.declaration.date.to_string());
    Ok(())
}

/// Where the parcel goes, large, with the reference by which it is forwarded.
fn destination(page: &mut Page, label: &Label, words: &LabelWords) -> Result<(), LabelRefusal> {
    page.frame(LEFT, 35.2, RIGHT - LEFT, 24.0, 1.4);
    page.text(LEFT + 2.0, 38.4, plain(6.0), &words.to.printable()?);
    let room = 54.0;
    write_whole(page, (LEFT + 2.0, 43.0), bold(11.0), &label.to.name, room)?;
    for (y, text) in [46.6, 50.0, 53.4].iter().zip(compact(&label.to.lines, 3)?) {
        write_whole(page, (LEFT + 2.0, *y), plain(8.6), &text.as_str().into(), room)?;
    }
    let country = label.to.country_name.printable()?.to_uppercase();
    write_whole(page, (LEFT + 2.0, 57.4), bold(10.0), &country.as_str().into(), room)?;
    page.rule((62.0, 35.2), (62.0, 59.2), 0.6);
    let (room, mut y, sizes): (f32, f32, &[f32]) = match &label.track {
        // The code stands in the corner; the reference gets what is below it.
        Some(track) => {
            qr(page, track, RIGHT - 1.4 - QR_SIDE, 36.6);
            (14.0, 54.4, &[10.5, 9.0, 7.5, 6.0, 5.0])
        }
        None => (30.0, 47.5, &[15.0, 13.0, 11.0, 9.0, 7.5, 6.0, 5.0]),
    };
    page.text(64.0, 38.4, plain(6.0), &plain(6.0).fit(&words.delivery_reference.printable()?, room));
    // The largest size at which the whole reference stands on two lines; it is never cut.
    let lines = |size: &f32| pieces(&label.delivery_reference, bold(*size), 31.0);
    let too_wide = || LabelRefusal::TooWide { text: label.delivery_reference.clone() };
    let size = sizes.iter().find(|s| lines(s).len() <= 2).ok_or_else(too_wide)?;
    for line in lines(size) {
        page.text(64.0, y, bold(*size), &line);
        y += size * 0.42;
    }
    Ok(())
}

/// Millimetres of the QR code's side: at most 41 modules, of nearly three dots of a label printer each.
const QR_SIDE: f32 = 15.0;
/// What version 6 holds at the lowest level of correction, as bytes.
pub const QR_BYTES_MAX: usize = 134;

/// A QR code with its upper left corner there; a text that is too long was refused before.
fn qr(page: &mut Page, text: &str, left: f32, top: f32) {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::L) else { return };
    let width = code.width();
    let count = |n: usize| f32::from(u16::try_from(n).unwrap_or(0));
    let module = QR_SIDE / count(width);
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let run = row[x..].iter().take_while(|c| **c == row[x]).count();
            if row[x] == Color::Dark {
                let (at_x, at_y) = (left + count(x) * module, top + count(y) * module);
                page.fill(at_x, at_y, count(run) * module, module, 0.0);
            }
            x += run;
        }
    }
}

/// Writes a text in its size, or smaller if it is too wide; never cut.
pub(crate) fn write_whole(
    page: &mut Page,
    at: (f32, f32),
    look: Look,
    text: &Text,
    room: f32,
) -> Result<(), LabelRefusal> {
    let text = text.printable()?;
    let mut size = look.size;
    while size >= 5.0 {
        let look = Look { size, ..look };
        if look.width(&text) <= room {
            page.text(at.0, at.1, look, &text);
            return Ok(());
        }
        size -= 0.5;
    }
    Err(LabelRefusal::TooWide { text: text.chars().take(120).collect() })
}

/// Cuts a reference behind its `-`, `_`, `.` and `/` where the line ends, or anywhere if a part is too long.
fn pieces(reference: &str, look: Look, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for part in reference.split_inclusive(['-', '_', '.', '/']).flat_map(|part| look.wrap(part, width, usize::MAX)) {
        match lines.last_mut() {
            Some(last) if last.is_empty() || look.width(&format!("{last}{part}")) <= width => last.push_str(&part),
            _ => lines.push(part),
        }
    }
    lines
}

/// The lines of an address on at most `most` lines: what is beyond is joined to the last.
fn compact(lines: &[Text], most: usize) -> Result<Vec<String>, NotInFont> {
    let mut texts: Vec<String> = lines.iter().map(Text::printable).collect::<Result<_, _>>()?;
    if texts.len() > most {
        let rest = texts.split_off(most - 1);
        texts.push(rest.join(", "));
    }
    Ok(texts)
}

/// Code 128 with the number below it, as people read it: `LX 473 124 829 MY`.
///
/// Letters in set B, the eight digits as pairs in set C, the check digit and country in set B again:
/// 156 modules, with more than ten modules blank on either side.
fn barcode(page: &mut Page, number: &S10, top: f32) {
    let text = number.as_str();
    let (service, digits, rest) = (&text[..2], &text[2..10], &text[10..]);
    bars(page, &format!("\u{181}{service}\u{106}{digits}\u{181}{rest}"), WIDTH, top);
    let shown = format!("{service} {} {} {} {}", &text[2..5], &text[5..8], &text[8..11], &text[11..]);
    page.text(WIDTH / 2.0, top + BARCODE_HEIGHT + 4.6, bold(13.0).centre(), &shown);
}

/// Code 128 in the middle of a page of this width; `data` names its sets as `barcoders` has them.
pub(crate) fn bars(page: &mut Page, data: &str, width: f32, top: f32) {
    let modules = Code128::new(data).expect("letters and digits are in the sets").encode();
    let count = |n: usize| f32::from(u16::try_from(n).unwrap_or(0));
    let left = (width - count(modules.len()) * MODULE) / 2.0;
    let mut at = 0;
    while at < modules.len() {
        let run = modules[at..].iter().take_while(|m| **m == modules[at]).count();
        if modules[at] == 1 {
            page.fill(left + count(at) * MODULE, top, count(run) * MODULE, BARCODE_HEIGHT, 0.0);
        }
        at += run;
    }
}

#[cfg(test)]
mod tests;
