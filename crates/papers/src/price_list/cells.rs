//! One row of cells, read field by field. What can be read in two ways is a fault.

mod hazards;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

use trade::codes::Country;
use trade::money::{Currency, FixedError, Money, MoneyError, format_fixed, parse_fixed};
use trade::quantity::{Content, ContentUnit, Grams, Size, Strength};

use super::headers::{Field, Unit};
use super::sheet::{Cell, CellKind, Line};
use super::{FaultKind, Mapped, PriceRow, RowFault};

/// One tonne: beyond any parcel, and what a gram figure in a kilogram column looks like.
const MAX_GRAMS: i64 = 1_000_000;
/// Ten metres.
const MAX_SIDE_MM: i64 = 10_000;
/// A million of a unit (thousandths are counted).
const MAX_CONTENT_MILLI: i64 = 1_000_000_000;
/// A thousand million minor units: ten million ringgit for one piece.
const MAX_PRICE_MINOR: i64 = 1_000_000_000;
/// Above this, a bare number in a column that does not say its unit is unclear: posts take 30 kg.
const UNCLEAR_GRAMS: i64 = 30_000;
/// Likewise for sides: 3 m.
const UNCLEAR_MM: i64 = 3_000;
/// Spreadsheets keep 15 digits of a number.
const NUMBER_DIGITS: usize = 15;

/// A row, and what is needed to read it.
pub(super) struct Reading<'a> {
    pub columns: &'a [Mapped],
    pub line: &'a Line,
    pub default: Option<Currency>,
}

/// A value that may be absent, or the fault of its cell.
type Read<T> = Result<Option<T>, Box<RowFault>>;

impl Reading<'_> {
    /// All fields that can be read, and the faults of those that cannot.
    pub fn row(&self) -> (PriceRow, Vec<RowFault>) {
        let mut faults: Vec<RowFault> = Vec::new();
        let mut row = PriceRow { row: self.line.number, ..PriceRow::default() };
        row.cells = (0..self.columns.len()).map(|i| self.line.cells.get(i).cloned().unwrap_or_default()).collect();
        row.sku = keep(self.required(Field::Sku, FaultKind::SkuMissing), &mut faults);
        row.name = keep(self.required(Field::Name, FaultKind::NameMissing), &mut faults);
        row.description = keep(self.words(Field::Description), &mut faults);
        row.hs = keep(self.one(Field::Hs, |_, cell| hs(cell)), &mut faults);
        row.origin = keep(
            self.one(Field::Origin, |_, cell| country_named(&cell.text).ok_or(FaultKind::NotACountry)),
            &mut faults,
        );
        row.weight = keep(self.one(Field::Weight, |column, cell| weight(&cell.text, column)), &mut faults);
        row.size = keep(self.size(), &mut faults);
        row.price = keep(self.price(), &mut faults);
        row.content = keep(self.content(), &mut faults);
        row.hazards = self.hazards(&mut faults);
        (row, faults)
    }

    /// The text of a field, if there is any.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.cell(field).map(|(_, cell)| cell.text.as_str())
    }

    pub fn fault(&self, field: Field, kind: FaultKind) -> RowFault {
        let column = self.columns.iter().position(|c| c.field == Some(field));
        let cell = column.and_then(|i| self.line.cells.get(i));
        RowFault {
            row: self.line.number,
            column: column.map(|i| self.columns[i].letter.clone()).unwrap_or_default(),
            header: column.map(|i| self.columns[i].header.clone()).unwrap_or_default(),
            field,
            got: cell.map(|c| c.text.chars().take(120).collect()).unwrap_or_default(),
            kind,
        }
    }

    fn cell(&self, field: Field) -> Option<(&Mapped, &Cell)> {
        let i = self.columns.iter().position(|c| c.field == Some(field))?;
        let cell = self.line.cells.get(i).filter(|c| !c.is_empty())?;
        Some((&self.columns[i], cell))
    }

    /// Reads one cell, unless it is empty; kinds that are never a value are faults first.
    fn one<T>(&self, field: Field, read: impl FnOnce(&Mapped, &Cell) -> Result<T, FaultKind>) -> Read<T> {
        let Some((column, cell)) = self.cell(field) else { return Ok(None) };
        let value = match &cell.kind {
            CellKind::Error => Err(FaultKind::CellError),
            CellKind::Unreadable => Err(FaultKind::NotReadable),
            CellKind::Date { .. } => Err(FaultKind::IsADate),
            CellKind::TooLong { chars } => Err(FaultKind::CellTooLong { chars: *chars, max: super::MAX_CELL_CHARS }),
            _ => read(column, cell),
        };
        value.map(Some).map_err(|kind| Box::new(self.fault(field, kind)))
    }

    fn words(&self, field: Field) -> Read<String> {
        self.one(field, |_, cell| Ok(cell.text.clone()))
    }

    fn required(&self, field: Field, missing: FaultKind) -> Read<String> {
        let code = |_: &Mapped, cell: &Cell| {
            let long = matches!(cell.kind, CellKind::Number { .. }) && digits(&cell.text) > NUMBER_DIGITS;
            let lost = long || is_scientific(cell);
            if lost { Err(FaultKind::DigitsLost) } else { Ok(cell.text.clone()) }
        };
        match self.one(field, code)? {
            Some(text) => Ok(Some(text)),
            None => Err(Box::new(self.fault(field, missing))),
        }
    }

    /// One cell `30 x 20 x 10`, or three cells of which all or none are filled.
    fn size(&self) -> Read<Size> {
        if let Some(size) = self.one(Field::Size, |column, cell| size(&cell.text, column))? {
            return Ok(Some(size));
        }
        let side = |field| self.one(field, |column, cell| side(&cell.text, None, column));
        let sides = [Field::Length, Field::Width, Field::Height];
        let [length, width, height] = [side(sides[0])?, side(sides[1])?, side(sides[2])?];
        match (length, width, height) {
            (Some(length_mm), Some(width_mm), Some(height_mm)) => Ok(Some(Size { length_mm, width_mm, height_mm })),
            (None, None, None) => Ok(None),
            (l, w, _) => {
                let missing = if l.is_none() {
                    0
                } else if w.is_none() {
                    1
                } else {
                    2
                };
                Err(Box::new(self.fault(sides[missing], FaultKind::SizeIncomplete)))
            }
        }
    }

    fn price(&self) -> Read<Money> {
        let said = self.one(Field::Currency, |_, cell| match currency_named(&cell.text, self.default) {
            Some(currency) => Ok(currency),
            None => {
                Err(if cell.text.contains(['$', '¥']) { FaultKind::CurrencyUnclear } else { FaultKind::NotACurrency })
            }
        })?;
        self.one(Field::Price, |column, cell| price(cell, column, said, self.default))
    }

    fn content(&self) -> Read<Content> {
        let unit = self.one(Field::ContentUnit, |_, cell| match unit_named(&plain(&cell.text).to_lowercase()) {
            Some(Named::Is(unit)) => Ok(unit),
            _ => Err(FaultKind::NotContents),
        })?;
        let strength = self.one(Field::Strength, |_, cell| strength_of(cell))?;
        let read = self.one(Field::Content, |column, cell| content(&cell.text, unit.or(column.unit)))?;
        let read = read.or_else(|| {
            let (column, cell) = self.cell(Field::Pack)?;
            content(&cell.text, column.unit.filter(|u| *u != Unit::Other)).ok()
        });
        match (strength, read) {
            (None, read) => Ok(read),
            (Some(_), Some(content)) if content.unit == ContentUnit::Ml => Ok(Some(Content { strength, ..content })),
            (Some(_), _) => Err(Box::new(self.fault(Field::Strength, FaultKind::StrengthWithoutVolume))),
        }
    }
}

fn keep<T>(read: Read<T>, faults: &mut Vec<RowFault>) -> Option<T> {
    read.unwrap_or_else(|fault| {
        faults.push(*fault);
        None
    })
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// `9.55612E+12`: what a spreadsheet writes into a text table for a long code.
fn is_scientific(cell: &Cell) -> bool {
    if cell.kind == CellKind::Text {
        return false;
    }
    let Some((mantissa, exponent)) = cell.text.split_once(['e', 'E']) else { return false };
    mantissa.contains('.')
        && parse_fixed(mantissa, 17).is_ok()
        && exponent.strip_prefix('+').is_some_and(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit()))
}

fn hs(cell: &Cell) -> Result<String, FaultKind> {
    let text = plain(&cell.text);
    if is_scientific(cell) {
        return Err(FaultKind::DigitsLost);
    }
    let count = digits(&text);
    let clean = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ' ' | '-'));
    if !clean || count == 0 || count > 10 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(FaultKind::NotHsDigits);
    }
    let number = !matches!(cell.kind, CellKind::Text) && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if number && let Some(suggestion) = zeros_lost(&text) {
        return Err(FaultKind::HsLostZero { suggestion });
    }
    Ok(text)
}

/// HS codes have two, four, six, eight or ten digits, with points after an even number of them. A number
/// has no leading zero, nor trailing zeros behind its point: `90121` was `090121`, `901.2` was `0901.20`.
fn zeros_lost(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.contains('.') {
        return None; // `0901.21.00` cannot be a number
    }
    let odd = |part: &str| part.len().rem_euclid(2) == 1;
    let lost = odd(whole) || odd(fraction);
    let zero = |part: &str| if odd(part) { "0" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    lost.then(|| format!("{}{whole}{point}{fraction}{}", zero(whole), zero(fraction)))
}

fn weight(text: &str, column: &Mapped) -> Result<Grams, FaultKind> {
    let expected = column.unit.unwrap_or(Unit::Kilogram);
    let fault = FaultKind::NotAWeight { unit: expected };
    let (number, suffix) = number_and_unit(text).ok_or_else(|| fault.clone())?;
    let own = match suffix.as_str() {
        "" => None,
        name => match unit_named(name) {
            Some(Named::Is(unit @ (Unit::Kilogram | Unit::Gram))) => Some(unit),
            _ => return Err(fault),
        },
    };
    let number = grouped(&number, false).ok_or_else(|| fault.clone())?;
    let (digits, unit) = match own.unwrap_or(expected) {
        Unit::Kilogram => (3, "kg"),
        Unit::Gram => (0, "g"),
        _ => return Err(FaultKind::UnitUnclear),
    };
    let range = || FaultKind::OutOfRange {
        min: format_fixed(1, digits),
        max: format_fixed(MAX_GRAMS, digits),
        unit: unit.into(),
    };
    let grams = fixed(&number, digits, fault, range())?;
    if !(1..=MAX_GRAMS).contains(&grams) {
        return Err(range());
    }
    if own.is_none() && column.unit_assumed && grams > UNCLEAR_GRAMS {
        return Err(FaultKind::UnitUnclear);
    }
    Ok(Grams(grams))
}

fn size(text: &str, column: &Mapped) -> Result<Size, FaultKind> {
    let fault = FaultKind::NotASize { unit: column.unit.unwrap_or(Unit::Centimetre) };
    let text = plain(text).to_lowercase();
    let parts: Vec<String> = text
        .split(['x', '×', '*', '✕', '╳'])
        .map(|p| p.trim().trim_matches(|c| matches!(c, 'l' | 'w' | 'h' | '(' | ')' | ':' | ' ')).to_owned())
        .collect();
    let [length, width, height] = parts.as_slice() else { return Err(fault) };
    // A unit behind the last side alone is meant for all three.
    let (_, last) = number_and_unit(height).ok_or_else(|| fault.clone())?;
    let shared = if last.is_empty() { None } else { Some(last.as_str()) };
    let read = |part: &str| {
        side(part, shared, column).map_err(|e| if matches!(e, FaultKind::NotASize { .. }) { fault.clone() } else { e })
    };
    Ok(Size { length_mm: read(length)?, width_mm: read(width)?, height_mm: read(height)? })
}

/// One side in millimetres.
fn side(text: &str, shared: Option<&str>, column: &Mapped) -> Result<i64, FaultKind> {
    let expected = column.unit.unwrap_or(Unit::Centimetre);
    let fault = FaultKind::NotASize { unit: expected };
    let (number, suffix) = number_and_unit(text).ok_or_else(|| fault.clone())?;
    let name = if suffix.is_empty() { shared.unwrap_or_default() } else { suffix.as_str() };
    let own = match name {
        "" => None,
        name => match unit_named(name) {
            Some(Named::Is(unit @ (Unit::Metre | Unit::Centimetre | Unit::Millimetre))) => Some(unit),
            _ => return Err(fault),
        },
    };
    let number = grouped(&number, false).ok_or_else(|| fault.clone())?;
    let (digits, unit) = match own.unwrap_or(expected) {
        Unit::Metre => (3, "m"),
        Unit::Centimetre => (1, "cm"),
        Unit::Millimetre => (0, "mm"),
        _ => return Err(FaultKind::UnitUnclear),
    };
    let range = || FaultKind::OutOfRange {
        min: format_fixed(1, digits),
        max: format_fixed(MAX_SIDE_MM, digits),
        unit: unit.into(),
    };
    let mm = fixed(&number, digits, fault, range())?;
    if !(1..=MAX_SIDE_MM).contains(&mm) {
        return Err(range());
    }
    if own.is_none() && column.unit_assumed && mm > UNCLEAR_MM {
        return Err(FaultKind::UnitUnclear);
    }
    Ok(mm)
}

fn price(cell: &Cell, column: &Mapped, said: Option<Currency>, default: Option<Currency>) -> Result<Money, FaultKind> {
    let text = plain(&cell.text);
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-');
    let start = text.find(is_number).ok_or(FaultKind::NotAnAmount)?;
    let end = text.rfind(is_number).map_or(text.len(), |i| i + 1);
    let (before, number, after) = (text[..start].trim(), &text[start..end], text[end..].trim());
    let word = match (before, after) {
        ("", word) | (word, "") => word,
        _ => return Err(FaultKind::NotAnAmount),
    };
    let named = match word {
        "" => None,
        "$" | "¥" if currency_named(word, default).is_none() => return Err(FaultKind::CurrencyUnclear),
        word => Some(currency_named(word, default).ok_or(FaultKind::NotAnAmount)?),
    };
    let expected = column.currency.or(said);
    if let (Some(a), Some(b)) = (column.currency, said)
        && a != b
    {
        return Err(FaultKind::CurrencyDiffers { expected: a, found: b });
    }
    if let (Some(expected), Some(found)) = (expected, named)
        && expected != found
    {
        return Err(FaultKind::CurrencyDiffers { expected, found });
    }
    let shown = match &cell.kind {
        CellKind::Number { format: Some(format) } => currency_in_format(format, default),
        _ => None,
    };
    let currency = named.or(expected).or(shown).or(default).ok_or(FaultKind::CurrencyMissing)?;
    // `1,234` cannot be a decimal amount of a currency with fewer than three digits.
    let number = grouped(number, currency.digits() < 3).ok_or(FaultKind::NotAnAmount)?;
    let range = || FaultKind::OutOfRange {
        min: Money::new(1, currency).decimal(),
        max: Money::new(MAX_PRICE_MINOR, currency).decimal(),
        unit: currency.code().into(),
    };
    let price = Money::parse(&number, currency).map_err(|e| match e {
        MoneyError::TooManyDigits { digits, .. } => FaultKind::TooManyDigits { digits },
        MoneyError::Overflow => range(),
        _ => FaultKind::NotAnAmount,
    })?;
    if !(1..=MAX_PRICE_MINOR).contains(&price.minor()) {
        return Err(range());
    }
    Ok(price)
}

/// `40`, `40 %`, `40% vol`, `40度`. A spreadsheet keeps 40 % as 0.4; that could be a beer without alcohol, and is asked.
fn strength_of(cell: &Cell) -> Result<Strength, FaultKind> {
    let text = plain(&cell.text).to_lowercase();
    let is_share = matches!(cell.kind, CellKind::Number { .. }) && text.starts_with("0.");
    strength(&text).filter(|_| !is_share).ok_or(FaultKind::NotAStrength)
}

fn strength(text: &str) -> Option<Strength> {
    const SAID: [&str; 7] = ["vol", "vol.", "abv", "alc", "alc.", "%", "度"];
    let mut number = text.trim();
    while let Some(rest) = SAID.iter().find_map(|word| number.strip_suffix(word)) {
        number = rest.trim_end();
    }
    let tenths = parse_fixed(number, 1).ok()?;
    Strength::of_tenths(u16::try_from(tenths).ok()?)
}

/// Contents with their strength behind them: `700 ml 40%`, `330ml 4.5% vol`, `500 毫升 52度`.
fn content(text: &str, unit: Option<Unit>) -> Result<Content, FaultKind> {
    let text = plain(text).to_lowercase();
    let text = text.trim();
    let last = text.find(['%', '度']).map(|mark| {
        let head = text[..mark].trim_end();
        let digit = |c: char| c.is_ascii_digit() || c == '.';
        head.rfind(|c| !digit(c)).map_or(0, |before| before + head[before..].chars().next().map_or(1, char::len_utf8))
    });
    let Some(at) = last else { return amount_of(text, unit) };
    let strength = strength(&text[at..]).ok_or(FaultKind::NotContents)?;
    let content = amount_of(text[..at].trim_end_matches([' ', ',', '，', '、', ';', '(', '（']), unit)?;
    if content.unit != ContentUnit::Ml {
        return Err(FaultKind::StrengthWithoutVolume);
    }
    Ok(Content { strength: Some(strength), ..content })
}

/// `50 ml`, `1.5 L`, `10 pcs`, `12 x 50 ml`; a bare number is in `unit`.
fn amount_of(text: &str, unit: Option<Unit>) -> Result<Content, FaultKind> {
    let parts: Vec<&str> = text.split(['×', '*', '✕', '╳']).flat_map(split_times).map(str::trim).collect();
    let mut read: Vec<(String, Option<Unit>)> = Vec::new();
    for part in &parts {
        let (number, suffix) = number_and_unit(part).ok_or(FaultKind::NotContents)?;
        let number = grouped(&number, false).ok_or(FaultKind::NotContents)?;
        // `20包/盒` and `50 ml/bottle`: what the piece holds stands before what it is.
        let own = match suffix.split('/').next().unwrap_or_default().trim() {
            "" => None,
            name => match unit_named(name) {
                Some(Named::Is(unit)) => Some(unit),
                _ => return Err(FaultKind::NotContents),
            },
        };
        read.push((number, own));
    }
    // The part that has a measure is the amount, else the one that says pieces, else the only one.
    let measured = |part: &(String, Option<Unit>)| part.1.is_some_and(|u| u != Unit::Piece);
    let counted = |part: &(String, Option<Unit>)| part.1 == Some(Unit::Piece);
    let alone = (read.len() == 1).then_some(0);
    let amount = read.iter().position(measured).or_else(|| read.iter().position(counted)).or(alone);
    let (number, named) = read.remove(amount.ok_or(FaultKind::NotContents)?);
    let milli = parse_fixed(&number, 3).map_err(|e| digits_or(e, 3, FaultKind::NotContents))?;
    let mut count: i64 = 1;
    for times in &read {
        let whole = parse_fixed(&times.0, 0).ok().filter(|_| !measured(times));
        count = whole.and_then(|w| count.checked_mul(w)).ok_or(FaultKind::NotContents)?;
    }
    let (unit, scale, name) = match named.or(unit) {
        Some(Unit::Millilitre) => (ContentUnit::Ml, 1, "ml"),
        Some(Unit::Litre) => (ContentUnit::Ml, 1_000, "ml"),
        Some(Unit::Gram) => (ContentUnit::G, 1, "g"),
        Some(Unit::Kilogram) => (ContentUnit::G, 1_000, "g"),
        Some(Unit::Piece) => (ContentUnit::Piece, 1, "piece"),
        _ => return Err(FaultKind::UnitUnclear),
    };
    let range = || FaultKind::OutOfRange {
        min: format_fixed(1, 3),
        max: format_fixed(MAX_CONTENT_MILLI, 3),
        unit: name.into(),
    };
    let whole = milli.checked_mul(count).and_then(|m| m.checked_mul(scale)).ok_or_else(range)?;
    if !(1..=MAX_CONTENT_MILLI).contains(&whole) {
        return Err(range());
    }
    Ok(Content::new(whole, unit))
}

/// Cuts at an `x` that stands between numbers or blanks, not inside a word such as `box`.
fn split_times(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let free = |b: Option<&u8>| b.is_none_or(|b| b.is_ascii_digit() || *b == b' ');
    let mut parts = Vec::new();
    let mut from = 0;
    for (i, _) in text.match_indices('x') {
        let before = i.checked_sub(1).and_then(|j| bytes.get(j));
        if bytes.get(i + 1).is_some_and(|b| b.is_ascii_digit() || *b == b' ')
            && (free(before) || before.is_some_and(u8::is_ascii_alphabetic))
        {
            parts.push(&text[from..i]);
            from = i + 1;
        }
    }
    parts.push(&text[from..]);
    parts
}

fn fixed(number: &str, digits: u32, fault: FaultKind, range: FaultKind) -> Result<i64, FaultKind> {
    parse_fixed(number, digits).map_err(|e| match e {
        FixedError::TooLarge => range,
        other => digits_or(other, digits, fault),
    })
}

fn digits_or(error: FixedError, digits: u32, fault: FaultKind) -> FaultKind {
    if error == FixedError::TooManyDigits { FaultKind::TooManyDigits { digits } } else { fault }
}

/// `2.5 kg` is `2.5` and `kg`, lower case. None if it does not start with a number.
fn number_and_unit(text: &str) -> Option<(String, String)> {
    let text = plain(text).to_lowercase();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.trim();
    (!number.is_empty()).then(|| (number.to_owned(), unit.trim().trim_end_matches('.').to_owned()))
}

/// Takes thousands separators out where they cannot be a decimal comma: `1,234.50`, `1,234,567`.
///
/// `2,5` and `1,234` are None: they may be two and a half, and one and a quarter. `lone` says that a
/// single group without a point cannot be meant as a decimal here.
fn grouped(number: &str, lone: bool) -> Option<String> {
    if !number.contains(',') {
        return Some(number.to_owned());
    }
    let (sign, body) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = body.split_once('.').map_or((body, None), |(w, f)| (w, Some(f)));
    let groups: Vec<&str> = whole.split(',').collect();
    let numbers = |g: &&str| g.bytes().all(|b| b.is_ascii_digit());
    let shaped = groups.iter().all(numbers)
        && matches!(groups[0].len(), 1..=3)
        && !groups[0].starts_with('0')
        && groups[1..].iter().all(|g| g.len() == 3);
    if !shaped || (groups.len() == 2 && fraction.is_none() && !lone) {
        return None;
    }
    let point = fraction.map(|f| format!(".{f}")).unwrap_or_default();
    Some(format!("{sign}{}{point}", groups.concat()))
}

/// Full-width forms of ASCII made plain, odd blanks made blanks, trimmed.
pub(super) fn plain(text: &str) -> String {
    let one = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' | '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
        '￥' => '¥',
        '。' => '.',
        '−' | '–' => '-',
        c => c,
    };
    text.chars().map(one).collect::<String>().trim().to_owned()
}

/// What a word says about units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Is(Unit),
    /// A unit of measure that is not taken here.
    Foreign,
}

/// A unit by its name or sign, lower case.
pub(super) fn unit_named(word: &str) -> Option<Named> {
    let unit = match word {
        "kg" | "kgs" | "kilo" | "kilos" | "kilogram" | "kilograms" | "公斤" | "千克" => Unit::Kilogram,
        "g" | "gm" | "gms" | "gr" | "gram" | "grams" | "克" => Unit::Gram,
        "m" | "metre" | "metres" | "meter" | "米" => Unit::Metre,
        "cm" | "cms" | "centimetre" | "centimetres" | "centimeter" | "厘米" | "公分" => Unit::Centimetre,
        "mm" | "millimetre" | "millimetres" | "millimeter" | "毫米" => Unit::Millimetre,
        "l" | "lt" | "ltr" | "litre" | "litres" | "liter" | "升" => Unit::Litre,
        "ml" | "mls" | "millilitre" | "millilitres" | "milliliter" | "毫升" => Unit::Millilitre,
        "pc" | "pcs" | "piece" | "pieces" | "ea" | "each" | "unit" | "units" | "sheet" | "sheets" | "tablet"
        | "tablets" | "capsule" | "capsules" | "sachet" | "sachets" | "keping" | "biji" | "helai" | "paket" | "片"
        | "个" | "件" | "粒" | "包" | "袋" | "支" | "条" | "颗" | "盒" | "瓶" | "枚" | "块" | "只" | "张" | "双"
        | "套" | "罐" | "本" => Unit::Piece,
        "lb" | "lbs" | "pound" | "pounds" | "oz" | "ounce" | "ounces" | "fl" | "in" | "inch" | "inches" | "inci"
        | "\"" | "ft" | "feet" | "kati" | "catty" | "斤" | "市斤" | "两" | "磅" | "盎司" | "英寸" | "寸" | "英尺"
        | "mg" | "毫克" | "ton" | "tonne" | "tonnes" | "吨" => return Some(Named::Foreign),
        _ => return None,
    };
    Some(Named::Is(unit))
}

/// A currency by its code, sign or name. `¥` is yuan or yen, and is settled only by `default`.
pub(super) fn currency_named(word: &str, default: Option<Currency>) -> Option<Currency> {
    let word = plain(word).to_uppercase();
    match word.as_str() {
        "RM" | "RINGGIT" | "令吉" | "马币" => Some(Currency::MYR),
        "RMB" | "CN¥" | "YUAN" | "元" | "人民币" | "人民币元" | "元人民币" | "CNH" => Some(Currency::CNY),
        "S$" | "SG$" | "新元" | "新币" => Some(Currency::SGD),
        "US$" | "美元" => Some(Currency::USD),
        "€" | "欧元" => Some(Currency::EUR),
        "JP¥" | "YEN" | "日元" => Some(Currency::JPY),
        "£" | "英镑" => Currency::from_str("GBP").ok(),
        "¥" => default.filter(|c| [Currency::CNY, Currency::JPY].contains(c)),
        code if code.len() == 3 => Currency::from_str(code).ok(),
        _ => None,
    }
}

/// The currency that a number format prints, such as `"RM"#,##0.00` or `[$MYR] 0.00`.
fn currency_in_format(format: &str, default: Option<Currency>) -> Option<Currency> {
    let quoted = format.split('"').nth(1);
    let bracket = format.split("[$").nth(1).and_then(|rest| rest.split(['-', ']']).next());
    quoted.into_iter().chain(bracket).find_map(|word| currency_named(word.trim(), default))
}

/// Names of countries in English, Chinese and, where they differ, Malay.
static COUNTRY_NAMES: LazyLock<HashMap<String, Country>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for line in include_str!("countries.txt").lines() {
        let mut parts = line.split('|');
        if let Some(country) = parts.next().and_then(|code| Country::of_origin(code).ok()) {
            names.extend(parts.map(|name| (letters(name), country)));
        }
    }
    names
});

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A country by its two or three letters or its name, also as `Made in Malaysia`.
fn country_named(text: &str) -> Option<Country> {
    let text = plain(text);
    if let Ok(country) = Country::of_origin(&text) {
        return Some(country);
    }
    let name = letters(&text);
    let bare = ["madein", "productof", "buatan"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(&name);
    let bare = bare.strip_suffix("制造").or_else(|| bare.strip_suffix("产")).unwrap_or(bare);
    COUNTRY_NAMES.get(bare).copied()
}

#[cfg(test)]
mod tests;
