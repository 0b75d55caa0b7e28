//! The customs declaration of a postal item: CN 22 on small items of little value, CN 23 on others.
//!
//! Fields: UPU forms CN 22 and CN 23 — category of the item; for each kind of goods description,
//! quantity, net weight, value, HS number and origin; totals, gross weight, postal charges; importer's
//! reference; numbers of invoice, licence, certificate; date and name of the sender.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trade::codes::{Country, HsCode};
use trade::money::{Currency, Fixed8, Money, MoneyError, sum};
use trade::quantity::Grams;

use crate::pdf::{NotInFont, Page, Text, bold, plain};

/// CN 22 is for contents of at most 300 special drawing rights …
const CN22_SDR: i128 = 300;
/// … in an item of at most 2 kg.
const CN22_GRAMS: Grams = Grams(2_000);
/// Kinds of goods in one parcel.
pub const MAX_LINES: usize = 60;

/// Why the item is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    SaleOfGoods,
    Gift,
    Documents,
    CommercialSample,
    ReturnedGoods,
    Other,
}

impl Category {
    pub const ALL: [Self; 6] =
        [Self::SaleOfGoods, Self::Gift, Self::Documents, Self::CommercialSample, Self::ReturnedGoods, Self::Other];
}

/// Which form an item needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    Cn22,
    Cn23,
}

impl Form {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Cn22 => "CN 22",
            Self::Cn23 => "CN 23",
        }
    }
}

/// What one special drawing right is worth: `per_sdr` units of `currency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdrRate {
    pub currency: Currency,
    pub per_sdr: Fixed8,
}

/// The form for contents of this value in an item of this weight; compared exactly, nothing is rounded.
pub fn form_for(value: Money, gross: Grams, sdr: SdrRate) -> Result<Form, MoneyError> {
    value.compare(Money::zero(sdr.currency))?;
    if sdr.per_sdr.0 <= 0 {
        return Err(MoneyError::RateNotPositive);
    }
    // minor ≤ 300 × rate × 10^digits, with the rate in 10^-8
    let scale = 10_i128.pow(sdr.currency.digits());
    let limit = CN22_SDR * i128::from(sdr.per_sdr.0) * scale;
    let small = i128::from(value.minor()) * i128::from(Fixed8::ONE.0) <= limit;
    Ok(if small && gross <= CN22_GRAMS { Form::Cn22 } else { Form::Cn23 })
}

/// The declaration of one parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    pub category: Category,
    pub lines: Vec<Line>,
    pub postage: Option<Money>,
    /// Tax or importer number that the destination asks for.
    pub importer_reference: Option<Text>,
    /// Numbers of order, invoice, licence, certificate.
    pub documents: Vec<Text>,
    pub date: Date,
    /// Who declares.
    pub signed_by: Text,
}

/// One kind of goods; weight and value are of all its pieces together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub description: Text,
    pub quantity: u32,
    pub net: Grams,
    pub value: Money,
    pub hs: Option<HsCode>,
    pub origin: Option<Country>,
}

impl Declaration {
    /// The value of all lines, which are in one currency.
    pub fn value(&self) -> Result<Money, MoneyError> {
        let currency = self.lines.first().map_or(Currency::USD, |l| l.value.currency());
        sum(currency, self.lines.iter().map(|l| l.value))
    }

    #[must_use]
    pub fn net(&self) -> Grams {
        Grams(self.lines.iter().map(|l| l.net.0).fold(0, i64::saturating_add))
    }
}

/// The captions of the form, in the language it is printed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormWords {
    pub title: Text,
    /// In the order of [`Category::ALL`].
    pub categories: [Text; 6],
    pub description: Text,
    pub quantity: Text,
    pub net_weight: Text,
    pub value: Text,
    pub hs: Text,
    pub origin: Text,
    pub total: Text,
    pub gross_weight: Text,
    pub postage: Text,
    pub importer_reference: Text,
    pub documents: Text,
    pub date: Text,
    pub signature: Text,
    /// The sender's word that all is true and nothing forbidden is inside.
    pub statement: Text,
    /// Where lines go on to the next page.
    pub continued: Text,
}

/// A declaration whose texts are known to be printable, and its captions.
pub(crate) struct Sheet<'a> {
    pub form: Form,
    pub declaration: &'a Declaration,
    pub gross: Grams,
    value: Money,
    words: Words,
    rows: Vec<Row>,
    importer_reference: Option<String>,
    documents: String,
    signed_by: String,
}

struct Words {
    title: String,
    categories: Vec<String>,
    columns: [String; 6],
    total: String,
    gross_weight: String,
    postage: String,
    importer_reference: String,
    documents: String,
    date: String,
    signature: String,
    statement: String,
    continued: String,
}

struct Row {
    description: Vec<String>,
    cells: [String; 5],
}

/// Millimetres; the panel is as wide as the label without its margins.
const LEFT: f32 = 4.0;
const WIDTH: f32 = 92.0;
const RIGHT: f32 = LEFT + WIDTH;
/// Right edges of the columns quantity, net weight, value; left edges of HS number and origin.
const DESCRIPTION_WIDTH: f32 = 37.0;
const QUANTITY_RIGHT: f32 = LEFT + 47.0;
const NET_RIGHT: f32 = LEFT + 58.0;
const VALUE_RIGHT: f32 = LEFT + 71.5;
const HS_LEFT: f32 = LEFT + 74.0;
const ORIGIN_RIGHT: f32 = RIGHT - 1.0;
const ROW_LINE: f32 = 2.7;
const ROW_GAP: f32 = 1.1;
const CELL: f32 = 6.6;
const CAPTION: f32 = 5.2;

impl<'a> Sheet<'a> {
    /// Checks that everything can be printed and added up.
    pub fn new(
        form: Form,
        declaration: &'a Declaration,
        gross: Grams,
        words: &FormWords,
    ) -> Result<Self, SheetRefusal> {
        let look = plain(CELL);
        let mut rows = Vec::new();
        for line in &declaration.lines {
            rows.push(Row {
                description: look.wrap(&line.description.printable()?, DESCRIPTION_WIDTH, 3),
                cells: [
                    line.quantity.to_string(),
                    line.net.kilograms(),
                    line.value.decimal(),
                    line.hs.as_ref().map(ToString::to_string).unwrap_or_default(),
                    line.origin.map(|c| c.to_string()).unwrap_or_default(),
                ],
            });
        }
        let value = declaration.value()?;
        let documents: Result<Vec<String>, NotInFont> = declaration.documents.iter().map(Text::printable).collect();
        let categories: Result<Vec<String>, NotInFont> = words.categories.iter().map(Text::printable).collect();
        let words = Words {
            title: words.title.printable()?,
            categories: categories?,
            columns: [
                words.description.printable()?,
                words.quantity.printable()?,
                words.net_weight.printable()?,
                format!("{} {}", words.value.printable()?, value.currency()),
                words.hs.printable()?,
                words.origin.printable()?,
            ],
            total: words.total.printable()?,
            gross_weight: words.gross_weight.printable()?,
            postage: words.postage.printable()?,
            importer_reference: words.importer_reference.printable()?,
            documents: words.documents.printable()?,
            date: words.date.printable()?,
            signature: words.signature.printable()?,
            statement: words.statement.printable()?,
            continued: words.continued.printable()?,
        };
        let importer_reference = declaration.importer_reference.as_ref().map(Text::printable).transpose()?;
        let signed_by = declaration.signed_by.printable()?;
        Ok(Self {
            form,
            declaration,
            gross,
            value,
            words,
            rows,
            importer_reference,
            documents: documents?.join(", "),
            signed_by,
        })
    }

    /// Draws the panel from `top` to `bottom`; returns the first line that did not fit.
    pub fn panel(&self, page: &mut Page, top: f32, bottom: f32) -> usize {
        page.frame(LEFT, top, WIDTH, bottom - top, 0.9);
        page.text(LEFT + 1.5, top + 4.2, bold(9.0), &bold(9.0).fit(&self.words.title, WIDTH - 25.0));
        let code = self.form.code();
        let width = bold(9.0).width(code) + 4.0;
        page.fill(RIGHT - width, top, width, 6.0, 0.0);
        page.text_white(RIGHT - width / 2.0, top + 4.2, bold(9.0).centre(), code);
        page.rule((LEFT, top + 6.0), (RIGHT, top + 6.0), 0.5);
        let mut y = self.categories(page, top + 6.0);
        let foot = bottom - self.foot_height();
        y = self.table_head(page, y);
        let next = self.table(page, 0, y, foot);
        self.foot(page, foot, bottom);
        next
    }

    /// Goes on with the lines from `from` on a page of its own.
    pub fn continuation(&self, page: &mut Page, from: usize, top: f32, bottom: f32) -> usize {
        page.frame(LEFT, top, WIDTH, bottom - top, 0.9);
        page.text(LEFT + 1.5, top + 4.2, bold(9.0), &bold(9.0).fit(&self.words.title, WIDTH - 25.0));
        page.text(RIGHT - 1.5, top + 4.2, bold(9.0).right(), self.form.code());
        page.rule((LEFT, top + 6.0), (RIGHT, top + 6.0), 0.5);
        let y = self.table_head(page, top + 6.0);
        self.table(page, from, y, bottom)
    }

    /// Three boxes a row, the one that applies crossed.
    fn categories(&self, page: &mut Page, top: f32) -> f32 {
        let column = WIDTH / 3.0;
        for (i, (category, word)) in Category::ALL.iter().zip(&self.words.categories).enumerate() {
            let at = |n: usize| f32::from(u8::try_from(n).unwrap_or(0));
            let x = LEFT + 1.5 + at(i.rem_euclid(3)) * column;
            let y = top + 1.2 + at(i.div_euclid(3)) * 3.6;
            page.frame(x, y, 2.2, 2.2, 0.5);
            if *category == self.declaration.category {
                page.rule((x + 0.3, y + 0.3), (x + 1.9, y + 1.9), 0.9);
                page.rule((x + 1.9, y + 0.3), (x + 0.3, y + 1.9), 0.9);
            }
            page.text(x + 3.2, y + 1.95, plain(6.4), &plain(6.4).fit(word, column - 5.5));
        }
        top + 8.4
    }

    fn table_head(&self, page: &mut Page, top: f32) -> f32 {
        let [description, quantity, net, value, hs, origin] = &self.words.columns;
        page.fill(LEFT + 0.16, top, WIDTH - 0.32, 3.8, 0.88);
        page.rule((LEFT, top), (RIGHT, top), 0.4);
        let look = bold(CAPTION);
        let y = top + 2.6;
        page.text(LEFT + 1.5, y, look, &look.fit(description, 29.0));
        page.text(QUANTITY_RIGHT, y, look.right(), &look.fit(quantity, 11.0));
        page.text(NET_RIGHT, y, look.right(), &look.fit(net, 10.0));
        page.text(VALUE_RIGHT, y, look.right(), &look.fit(value, 12.5));
        page.text(HS_LEFT, y, look, &look.fit(hs, 10.0));
        page.text(ORIGIN_RIGHT, y, look.right(), &look.fit(origin, 8.0));
        page.rule((LEFT, top + 3.8), (RIGHT, top + 3.8), 0.4);
        top + 3.8
    }

    /// Draws lines while they fit; keeps room to say that more follow.
    fn table(&self, page: &mut Page, from: usize, top: f32, bottom: f32) -> usize {
        let height = |row: &Row| ROW_LINE * lines(row.description.len().max(1)) + ROW_GAP;
        let mut y = top;
        for (i, row) in self.rows.iter().enumerate().skip(from) {
            let rest: f32 = self.rows[i..].iter().map(height).sum();
            let fits = y + rest <= bottom || y + height(row) + 3.4 <= bottom;
            // At least one line a page, or there would be no end of pages.
            if !fits && i > from {
                page.text(RIGHT - 1.5, y + 2.5, bold(CELL).right(), &self.words.continued);
                return i;
            }
            let look = plain(CELL);
            for (n, text) in row.description.iter().enumerate() {
                page.text(LEFT + 1.5, y + 2.7 + ROW_LINE * lines(n), look, text);
            }
            let [quantity, net, value, hs, origin] = &row.cells;
            page.text(QUANTITY_RIGHT, y + 2.7, look.right(), quantity);
            page.text(NET_RIGHT, y + 2.7, look.right(), net);
            page.text(VALUE_RIGHT, y + 2.7, look.right(), value);
            page.text(HS_LEFT, y + 2.7, look, hs);
            page.text(ORIGIN_RIGHT, y + 2.7, look.right(), origin);
            y += height(row);
            page.rule((LEFT, y), (RIGHT, y), 0.15);
        }
        self.rows.len()
    }

    fn foot_height(&self) -> f32 {
        let extra = [self.importer_reference.is_some(), !self.documents.is_empty()];
        5.0 + 3.4 * lines(extra.iter().filter(|e| **e).count()) + 11.6
    }

    fn foot(&self, page: &mut Page, top: f32, bottom: f32) {
        let words = &self.words;
        page.fill(LEFT + 0.16, top, WIDTH - 0.32, 5.0, 0.94);
        page.rule((LEFT, top), (RIGHT, top), 0.6);
        let look = bold(7.4);
        page.text(LEFT + 1.5, top + 3.5, look, &look.fit(&words.total, 34.0));
        page.text(NET_RIGHT, top + 3.5, look.right(), &self.declaration.net().kilograms());
        page.text(VALUE_RIGHT, top + 3.5, look.right(), &self.value.decimal());
        page.text(HS_LEFT, top + 3.5, look, self.value.currency().code());
        page.rule((LEFT, top + 5.0), (RIGHT, top + 5.0), 0.4);
        let mut y = top + 5.0;
        let named = [
            (&words.importer_reference, self.importer_reference.as_deref()),
            (&words.documents, some(&self.documents)),
        ];
        for (caption, text) in named {
            if let Some(text) = text {
                let caption = format!("{caption}: ");
                page.text(LEFT + 1.5, y + 2.6, bold(CELL), &caption);
                let at = bold(CELL).width(&caption);
                page.text(LEFT + 1.5 + at, y + 2.6, plain(CELL), &plain(CELL).fit(text, WIDTH - 3.0 - at));
                y += 3.4;
            }
        }
        let mut facts = vec![format!("{}: {}", words.gross_weight, self.gross)];
        facts.extend(self.declaration.postage.map(|p| format!("{}: {p}", words.postage)));
        page.text(LEFT + 1.5, y + 2.6, plain(CELL), &plain(CELL).fit(&facts.join(" · "), WIDTH - 3.0));
        for (n, line) in plain(CAPTION).wrap(&words.statement, WIDTH - 3.0, 2).iter().enumerate() {
            page.text(LEFT + 1.5, y + 5.2 + 2.0 * lines(n), plain(CAPTION), line);
        }
        let look = bold(CELL);
        let date = format!("{}: {}", words.date, self.declaration.date);
        page.text(LEFT + 1.5, bottom - 1.2, look, &date);
        let signature = format!("{}: {}", words.signature, self.signed_by);
        let room = WIDTH - 6.0 - look.width(&date);
        page.text(RIGHT - 1.5, bottom - 1.2, look.right(), &look.fit(&signature, room));
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn lines(count: usize) -> f32 {
    f32::from(u8::try_from(count).unwrap_or(u8::MAX))
}

/// Why a declaration cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SheetRefusal {
    NotInFont(NotInFont),
    Money(MoneyError),
}

impl From<NotInFont> for SheetRefusal {
    fn from(refusal: NotInFont) -> Self {
        Self::NotInFont(refusal)
    }
}

impl From<MoneyError> for SheetRefusal {
    fn from(refusal: MoneyError) -> Self {
        Self::Money(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_follows_from_value_and_weight() {
        let sdr = SdrRate { currency: Currency::MYR, per_sdr: "5.87654321".parse().unwrap() };
        // 300 × 5.87654321 = 1,762.962963: 1,762.96 is below, 1,762.97 above
        let check = |minor, grams, form| {
            assert_eq!(form_for(Money::new(minor, Currency::MYR), Grams(grams), sdr), Ok(form), "{minor} {grams}");
        };
        check(176_296, 2_000, Form::Cn22);
        check(176_297, 2_000, Form::Cn23);
        check(176_296, 2_001, Form::Cn23);
        check(0, 1, Form::Cn22);
        check(i64::MAX, 1, Form::Cn23);
        let yuan = Money::new(1, Currency::CNY);
        assert!(matches!(form_for(yuan, Grams(1), sdr), Err(MoneyError::CurrencyMismatch { .. })));
        let none = SdrRate { per_sdr: Fixed8(0), ..sdr };
        assert_eq!(form_for(Money::new(1, Currency::MYR), Grams(1), none), Err(MoneyError::RateNotPositive));
    }
}
