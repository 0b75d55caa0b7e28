//! The two papers that go with goods for a business, on A4: commercial invoice and packing list.
//!
//! Fields of a commercial invoice as customs ask for them: seller and buyer, number and date, terms of
//! delivery by Incoterms 2020 with the named place, for each kind of goods description, HS code, origin,
//! quantity, price and value, currency, total, terms of payment. A packing list says what lies in the
//! consignment: quantities, masses, measures, and no prices. Both are printed from one record.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trade::codes::{Country, HsCode};
use trade::money::{Currency, Money, MoneyError, sum};
use trade::quantity::{Grams, Size};

use crate::pdf::{Look, NotInFont, Page, Text, bind, bold, plain};

/// A4 in millimetres.
const WIDTH: f32 = 210.0;
const HEIGHT: f32 = 297.0;
const LEFT: f32 = 18.0;
const RIGHT: f32 = WIDTH - LEFT;
/// Where the table of goods begins on the first page and on those that follow, and where it ends.
const FIRST_TABLE: f32 = 118.0;
const NEXT_TABLE: f32 = 30.0;
const TABLE_END: f32 = 250.0;
const LINE: f32 = 4.2;
/// Kinds of goods in one consignment.
pub const MAX_LINES: usize = 200;

/// All that stands on the two papers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// The invoice bears the order's number, which runs through all papers of the trade.
    pub number: Text,
    pub date: Date,
    pub seller: Vec<Text>,
    pub buyer: Vec<Text>,
    /// `FCA MYKUL, Incoterms 2020`.
    pub delivery: Text,
    /// Captions and their texts: terms of payment, waybill, low value goods number.
    pub facts: Vec<(Text, Text)>,
    pub lines: Vec<Line>,
    /// Of the packed consignment.
    pub gross: Grams,
    /// What is said of the freight below the total: in the price, or paid apart.
    pub freight: Text,
}

/// One kind of goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub sku: Text,
    pub description: Text,
    pub hs: HsCode,
    pub origin: Country,
    pub pieces: i64,
    pub unit_price: Money,
    pub value: Money,
    /// Packed mass of one piece.
    pub weight: Grams,
    pub size: Option<Size>,
}

/// The captions, in the language that the papers are printed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleWords {
    pub invoice: Text,
    pub packing_list: Text,
    pub number: Text,
    pub date: Text,
    pub seller: Text,
    pub buyer: Text,
    pub delivery: Text,
    pub description: Text,
    pub hs: Text,
    pub origin: Text,
    pub pieces: Text,
    pub price: Text,
    pub value: Text,
    pub weight: Text,
    pub size: Text,
    pub mass: Text,
    pub total: Text,
    pub gross: Text,
    pub continued: Text,
}

/// Why a paper is not printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum SaleRefusal {
    NotPrintable {
        text: String,
        character: char,
    },
    NoLines,
    TooManyLines {
        got: usize,
        max: usize,
    },
    /// Values in several currencies, or beyond what can be added up.
    Values {
        cause: MoneyError,
    },
}

impl From<NotInFont> for SaleRefusal {
    fn from(refusal: NotInFont) -> Self {
        Self::NotPrintable { text: refusal.text, character: refusal.character }
    }
}

impl From<MoneyError> for SaleRefusal {
    fn from(cause: MoneyError) -> Self {
        Self::Values { cause }
    }
}

impl Sale {
    /// The price of all goods, which are in one currency.
    ///
    /// # Errors
    /// Several currencies, or too large a sum.
    pub fn total(&self) -> Result<Money, MoneyError> {
        let currency = self.lines.first().map_or(Currency::USD, |line| line.value.currency());
        sum(currency, self.lines.iter().map(|line| line.value))
    }

    fn pieces(&self) -> i64 {
        self.lines.iter().map(|line| line.pieces).fold(0, i64::saturating_add)
    }
}

/// The commercial invoice as a PDF.
///
/// # Errors
/// A text that the font has not got, too many lines, or values that do not add up.
pub fn invoice_pdf(sale: &Sale, words: &SaleWords) -> Result<Vec<u8>, SaleRefusal> {
    let total = sale.total()?;
    let value = Text::from(format!("{} {}", words.value.printable()?, total.currency()).as_str());
    let heads = [&words.description, &words.hs, &words.origin, &words.pieces, &words.price, &value];
    let cells = |line: &Line| {
        [
            line.hs.to_string(),
            line.origin.to_string(),
            line.pieces.to_string(),
            line.unit_price.decimal(),
            line.value.decimal(),
        ]
    };
    let mut sheet = Sheet::new(sale, words, &words.invoice)?;
    sheet.table(sale, heads, cells)?;
    let amount = format!("{} {}", total.currency(), total.decimal());
    sheet.total(&words.total, &amount)?;
    sheet.note(&sale.freight)?;
    Ok(sheet.bind(sale))
}

/// The packing list as a PDF.
///
/// # Errors
/// A text that the font has not got, or too many lines.
pub fn packing_list_pdf(sale: &Sale, words: &SaleWords) -> Result<Vec<u8>, SaleRefusal> {
    let heads = [&words.description, &words.hs, &words.size, &words.pieces, &words.weight, &words.mass];
    let cells = |line: &Line| {
        let size = line.size.map(|s| format!("{}×{}×{}", s.length_mm, s.width_mm, s.height_mm));
        let mass = Grams(line.weight.0.saturating_mul(line.pieces));
        [
            line.hs.to_string(),
            size.unwrap_or_default(),
            line.pieces.to_string(),
            line.weight.kilograms(),
            mass.kilograms(),
        ]
    };
    let mut sheet = Sheet::new(sale, words, &words.packing_list)?;
    sheet.table(sale, heads, cells)?;
    sheet.total(&words.pieces, &sale.pieces().to_string())?;
    sheet.total(&words.gross, &format!("{} kg", sale.gross.kilograms()))?;
    Ok(sheet.bind(sale))
}

/// Right edges of the five columns behind the description.
const COLUMNS: [f32; 5] = [112.0, 132.0, 146.0, 168.0, RIGHT];
const DESCRIPTION_WIDTH: f32 = 74.0;

struct Sheet {
    pages: Vec<Page>,
    y: f32,
    title: String,
    continued: String,
}

impl Sheet {
    fn new(sale: &Sale, words: &SaleWords, title: &Text) -> Result<Self, SaleRefusal> {
        if sale.lines.is_empty() {
            return Err(SaleRefusal::NoLines);
        }
        if sale.lines.len() > MAX_LINES {
            return Err(SaleRefusal::TooManyLines { got: sale.lines.len(), max: MAX_LINES });
        }
        let title = title.printable()?;
        let number = sale.number.printable()?;
        let mut page = Page::new(HEIGHT);
        page.text(LEFT, 26.0, bold(20.0), &title);
        page.rule((LEFT, 30.0), (RIGHT, 30.0), 0.8);
        let mut y = 38.0;
        let date = sale.date.to_string();
        for (caption, text) in [(&words.number, number.as_str()), (&words.date, date.as_str())] {
            fact(&mut page, y, &caption.printable()?, text);
            y += 5.4;
        }
        fact(&mut page, y, &words.delivery.printable()?, &sale.delivery.printable()?);
        y += 5.4;
        for (caption, text) in &sale.facts {
            fact(&mut page, y, &caption.printable()?, &text.printable()?);
            y += 5.4;
        }
        for (x, caption, lines) in [(LEFT, &words.seller, &sale.seller), (110.0, &words.buyer, &sale.buyer)] {
            page.text(x, 84.0, plain(8.0), &caption.printable()?);
            for (at, line) in lines.iter().take(5).enumerate() {
                let look = if at == 0 { bold(10.0) } else { plain(9.0) };
                let text = look.fit(&line.printable()?, 80.0);
                page.text(x, 89.4 + f32::from(u8::try_from(at).unwrap_or(0)) * 4.8, look, &text);
            }
        }
        Ok(Self { pages: vec![page], y: FIRST_TABLE, title, continued: words.continued.printable()? })
    }

    fn page(&mut self) -> &mut Page {
        if self.pages.is_empty() {
            self.pages.push(Page::new(HEIGHT));
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    fn head(&mut self, heads: &[String; 6]) {
        let y = self.y;
        let page = self.page();
        page.fill(LEFT, y - 4.4, RIGHT - LEFT, 6.4, 0.9);
        page.text(LEFT + 1.0, y, bold(8.0), &bold(8.0).fit(&heads[0], DESCRIPTION_WIDTH));
        for (right, text) in COLUMNS.iter().zip(&heads[1..]) {
            page.text(*right - 1.0, y, bold(8.0).right(), text);
        }
        self.y += 7.0;
    }

    fn table(
        &mut self,
        sale: &Sale,
        heads: [&Text; 6],
        cells: impl Fn(&Line) -> [String; 5],
    ) -> Result<(), SaleRefusal> {
        let mut words: [String; 6] = Default::default();
        for (word, head) in words.iter_mut().zip(heads) {
            *word = head.printable()?;
        }
        self.head(&words);
        let look = plain(9.0);
        for line in &sale.lines {
            let text = format!("{}  {}", line.sku.printable()?, line.description.printable()?);
            let wrapped = look.wrap(&text, DESCRIPTION_WIDTH, 3);
            let height = f32::from(u8::try_from(wrapped.len()).unwrap_or(3)) * LINE;
            if self.y + height > TABLE_END {
                let continued = self.continued.clone();
                self.page().text(RIGHT, TABLE_END + 6.0, plain(8.0).right(), &continued);
                self.next_page(sale)?;
                self.head(&words);
            }
            let top = self.y;
            let page = self.page();
            for (at, part) in wrapped.iter().enumerate() {
                page.text(LEFT + 1.0, top + f32::from(u8::try_from(at).unwrap_or(0)) * LINE, look, part);
            }
            for (right, cell) in COLUMNS.iter().zip(cells(line)) {
                page.text(*right - 1.0, top, look.right(), &cell);
            }
            self.y += height + 2.0;
            let y = self.y;
            self.page().rule((LEFT, y - 4.6), (RIGHT, y - 4.6), 0.2);
        }
        Ok(())
    }

    fn next_page(&mut self, sale: &Sale) -> Result<(), SaleRefusal> {
        let mut page = Page::new(HEIGHT);
        page.text(LEFT, 18.0, bold(11.0), &self.title);
        page.text(RIGHT, 18.0, plain(9.0).right(), &sale.number.printable()?);
        page.rule((LEFT, 21.0), (RIGHT, 21.0), 0.4);
        self.pages.push(page);
        self.y = NEXT_TABLE;
        Ok(())
    }

    fn total(&mut self, caption: &Text, amount: &str) -> Result<(), SaleRefusal> {
        let caption = caption.printable()?;
        self.y += 3.0;
        let y = self.y;
        let page = self.page();
        page.text(140.0, y, bold(10.0).right(), &caption);
        page.text(RIGHT - 1.0, y, bold(10.0).right(), amount);
        self.y += 4.0;
        Ok(())
    }

    fn note(&mut self, text: &Text) -> Result<(), SaleRefusal> {
        let text = text.printable()?;
        self.y += 4.0;
        for part in plain(9.0).wrap(&text, RIGHT - LEFT, 3) {
            let y = self.y;
            self.page().text(LEFT + 1.0, y, plain(9.0), &part);
            self.y += LINE;
        }
        Ok(())
    }

    /// Numbers the pages where there are several.
    fn bind(mut self, sale: &Sale) -> Vec<u8> {
        let count = self.pages.len();
        if count > 1 {
            for (i, page) in (1_usize..).zip(&mut self.pages) {
                page.text(RIGHT, HEIGHT - 12.0, plain(8.0).right(), &format!("{i}/{count}"));
            }
        }
        let title = format!("{} {}", self.title, sale.number.text);
        bind(&title, WIDTH, HEIGHT, self.pages)
    }
}

fn fact(page: &mut Page, y: f32, caption: &str, text: &str) {
    page.text(LEFT, y, plain(8.0), caption);
    let look: Look = plain(10.0);
    page.text(70.0, y, look, &look.fit(text, RIGHT - 70.0));
}

#[cfg(test)]
mod tests;
