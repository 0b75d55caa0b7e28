//! What a column header means, in English, Malay and Chinese, with the unit or currency it carries.

use serde::{Deserialize, Serialize};
use trade::money::Currency;

use super::cells::{Named, currency_named, unit_named};
use super::sheet::{Cell, column_letter};
use super::{Mapped, Mapping};

/// A failed-rows workbook puts the reason into a column whose header starts so; it is not read back.
pub(super) const REASON_MARK: char = '⚠';

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    Sku,
    Name,
    Description,
    Hs,
    Origin,
    /// Of one packed piece.
    Weight,
    /// Length × width × height of one packed piece in one cell.
    Size,
    Length,
    Width,
    Height,
    Price,
    Currency,
    /// Net contents of one piece: millilitres, grams or pieces.
    Content,
    ContentUnit,
    /// Of a drink: how much of it is alcohol, in per cent by volume.
    Strength,
    /// What kind of lithium battery one piece has; none is said too.
    Battery,
    BatteryPacked,
    WattHours,
    /// How far it is charged, in per cent.
    Charge,
    Liquid,
    Flammable,
    /// A free specification such as `12 x 50 ml`; used for contents where it says them, never a fault.
    Pack,
}

/// The unit of a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Kilogram,
    Gram,
    Metre,
    Centimetre,
    Millimetre,
    Litre,
    Millilitre,
    Piece,
    /// Named, but not one that is taken here (pounds, inches), or more than one.
    Other,
}

/// Header words by field, as they stand after [`tidy`]: lower case, single blanks, no punctuation.
#[rustfmt::skip]
const WORDS: &[(Field, &[&str])] = &[
    (Field::Sku, &[
        "sku", "sku no", "sku code", "sku id", "seller sku", "item no", "item code", "item number", "item id",
        "code", "product code", "product no", "product id", "article no", "article number", "article", "art no",
        "model no", "part no", "stock code", "kod", "kod produk", "kod barang", "kod item", "no kod", "no item",
        "nombor item", "kod sku", "货号", "编号", "商品编号", "产品编号", "商品货号", "款号", "商品编码", "商品代码", "产品编码",
        "编码", "料号", "物料编码", "商家编码", "商品款号", "产品型号", "型号", "商家sku", "商品編碼", "貨號", "編號",
    ]),
    (Field::Name, &[
        "product", "product name", "name", "item", "item name", "title", "product title", "goods", "goods name",
        "sku name", "nama", "nama produk", "nama barang", "nama item", "produk", "barang", "品名", "名称", "商品名称",
        "产品名称", "商品名", "产品名", "商品", "产品", "货品名称", "货物名称", "商品标题", "中文品名", "中文名称",
        "商品中文名", "货名", "品名及规格", "名稱", "產品名稱",
    ]),
    (Field::Description, &[
        "description", "product description", "item description", "details", "customs description",
        "description for customs", "description of goods", "goods description", "keterangan", "keterangan produk", "penerangan", "huraian", "butiran", "perihal", "描述",
        "商品描述", "产品描述", "说明", "产品说明", "详情", "申报品名", "申报名称", "报关品名", "报关名称", "报关中文品名",
        "中文报关品名", "英文报关品名", "报关英文品名", "英文申报品名", "海关品名", "申報品名", "報關品名",
    ]),
    (Field::Hs, &[
        "hs", "hs code", "hscode", "hs no", "hs number", "hts", "hts code", "tariff", "tariff code", "tariff no",
        "customs code", "commodity code", "kod hs", "kod tarif", "kod kastam", "no tarif", "海关编码", "海关编号",
        "税号", "税则号", "税则号列", "商品税号", "海关商品编码", "海关商品编号", "海关税号", "报关编码", "出口税号",
        "归类编码", "hs编码", "hs码", "hs编号", "hs code编码", "關稅編號", "海關編碼",
    ]),
    (Field::Origin, &[
        "origin", "country of origin", "country", "made in", "coo", "origin country", "place of origin",
        "negara asal", "asal", "negara", "tempat asal", "negara pengeluar", "buatan", "原产地", "原产国", "产地",
        "产地国", "原产国家", "原产地国", "生产国", "原产国别", "原产国地区", "生产地", "制造国", "原產地", "產地",
        "原產國",
    ]),
    (Field::Weight, &[
        "weight", "gross weight", "packed weight", "shipping weight", "unit weight", "item weight",
        "product weight", "gw", "g w", "wt", "gross wt", "weight per piece", "weight per unit", "berat",
        "berat kasar", "berat seunit", "berat produk", "berat bungkusan", "timbangan", "重量", "毛重", "单件重量",
        "单重", "单件毛重", "单品毛重", "毛重单件", "含包装重量", "包装重量", "重量毛重",
    ]),
    (Field::Size, &[
        "size", "dimension", "dimensions", "package size", "packed size", "box size", "product size", "measurement",
        "measurements", "l w h", "lxwxh", "l x w x h", "lwh", "size lxwxh", "size l x w x h", "size l w h",
        "dimensions l x w x h", "dimensions lxwxh", "dimensions l w h", "saiz", "ukuran", "dimensi",
        "saiz bungkusan", "p x l x t", "尺寸", "长宽高", "长 宽 高", "包装尺寸", "外包装尺寸", "单件尺寸", "单件包装尺寸", "尺寸长宽高",
        "外箱尺寸", "体积尺寸", "产品尺寸",
        "商品尺寸", "规格尺寸",
    ]),
    (Field::Length, &[
        "length", "l", "len", "panjang", "长", "长度", "包装长", "包装长度",
    ]),
    (Field::Width, &[
        "width", "w", "breadth", "lebar", "宽", "宽度", "包装宽", "包装宽度",
    ]),
    (Field::Height, &[
        "height", "h", "depth", "tinggi", "高", "高度", "包装高", "包装高度",
    ]),
    (Field::Price, &[
        "price", "unit price", "selling price", "sale price", "retail price", "list price", "price per piece",
        "price per unit", "price each", "export price", "rrp", "srp", "harga", "harga seunit", "harga jualan",
        "harga jual", "harga runcit", "harga unit", "价格", "单价", "售价", "零售价", "销售价", "销售价格", "商品价格", "出口价", "出口单价", "供货价", "出厂价", "批发价", "报价",
        "價格", "單價",
    ]),
    (Field::Currency, &[
        "currency", "curr", "ccy", "currency code", "mata wang", "matawang", "币种", "货币", "币别", "幣種",
    ]),
    (Field::Content, &[
        "net content", "net contents", "content", "contents", "net weight", "net wt", "nett weight", "nw", "volume",
        "net volume", "pieces", "pcs", "pieces per pack", "pcs per pack", "kandungan", "kandungan bersih", "isi",
        "isi bersih", "isi padu", "berat bersih", "净含量", "净重", "单件净重", "单件净含量", "净容量", "容量", "含量", "片数", "净含", "淨含量",
    ]),
    (Field::ContentUnit, &[
        "content unit", "unit of content", "net content unit", "unit kandungan", "净含量单位", "含量单位",
    ]),
    (Field::Strength, &[
        "alcohol", "alcohol strength", "alcohol by volume", "alcohol content", "abv", "alc", "alc vol", "vol", "strength",
        "alkohol", "kandungan alkohol", "kekuatan alkohol", "酒精度", "酒精度数", "酒精含量", "度数",
    ]),
    (Field::Battery, &["battery", "battery type", "lithium battery", "bateri", "jenis bateri", "电池", "电池类型", "锂电池"]),
    (Field::BatteryPacked, &[
        "battery packing", "battery packed", "battery packed how", "pembungkusan bateri", "电池包装", "电池包装方式",
    ]),
    (Field::WattHours, &["watt hours", "watt-hours", "wh", "battery wh", "watt jam", "瓦时", "额定能量"]),
    (Field::Charge, &["state of charge", "soc", "charge", "tahap cas", "cas", "荷电状态", "电量"]),
    (Field::Liquid, &["liquid", "cecair", "液体", "是否液体"]),
    (Field::Flammable, &["flammable", "mudah terbakar", "易燃", "是否易燃"]),
    (Field::Pack, &[
        "pack", "pack size", "packing", "packaging", "specification", "spec", "specs", "pek", "saiz pek",
        "pembungkusan", "spesifikasi", "规格", "规格型号", "包装", "包装规格", "商品规格", "产品规格", "規格",
    ]),
];

/// What one header says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Meaning {
    field: Field,
    unit: Option<Unit>,
    currency: Option<Currency>,
}

/// Whether a column was added by us to say why rows failed.
pub(super) fn is_reason(header: &str) -> bool {
    header.starts_with(REASON_MARK)
}

/// How many different fields a row of cells names, read as a header.
pub(super) fn score(cells: &[Cell]) -> usize {
    let mut fields: Vec<Field> = cells.iter().filter_map(|c| meaning(&c.text)).map(|m| m.field).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.len()
}

/// Names every column of the sheet. The first column of a field wins; the caller's choice comes before.
pub(super) fn map(header: &[Cell], width: usize, mapping: &Mapping) -> Vec<Mapped> {
    let mut taken: Vec<Field> = mapping.columns.values().flatten().map(|c| c.field).collect();
    let customs = codes_of_customs(header);
    (0..width)
        .map(|i| {
            let letter = column_letter(i);
            let header = header.get(i).map(|c| c.text.clone()).unwrap_or_default();
            let said = meaning(&header).map(|m| match m.field {
                Field::Sku if customs == Some(i) => Meaning { field: Field::Hs, ..m },
                _ => m,
            });
            let (field, unit) = match mapping.columns.get(&letter) {
                Some(chosen) => {
                    let unit = chosen.and_then(|c| c.unit).or_else(|| unit_in(&header, chosen.map(|c| c.field)));
                    (chosen.map(|c| c.field), unit)
                }
                None => match &said {
                    Some(m) if !taken.contains(&m.field) => {
                        taken.push(m.field);
                        (Some(m.field), m.unit)
                    }
                    _ => (None, None),
                },
            };
            let currency = said.and_then(|m| m.currency).filter(|_| field == Some(Field::Price));
            let usual = match field {
                Some(Field::Weight) => Some(Unit::Kilogram),
                Some(Field::Size | Field::Length | Field::Width | Field::Height) => Some(Unit::Centimetre),
                _ => None,
            };
            let unit_assumed = unit.is_none() && usual.is_some();
            Mapped { letter, header, field, unit: unit.or(usual), unit_assumed, currency }
        })
        .collect()
}

/// The column headed `商品编码` (code of the goods), where that is the code of customs and not the firm's
/// own: the firm's own stands in another column, and no column says that it holds HS codes.
///
/// Customs forms call the HS code so; shops call their article number so. Alone it is the article number.
fn codes_of_customs(header: &[Cell]) -> Option<usize> {
    let is_goods_code = |cell: &Cell| matches!(tidy(&cell.text).as_str(), "商品编码" | "商品編碼" | "商品代码");
    let names = |field| move |cell: &&Cell| meaning(&cell.text).is_some_and(|m| m.field == field);
    let at = header.iter().position(is_goods_code)?;
    let own = header.iter().filter(names(Field::Sku)).any(|c| !is_goods_code(c));
    let told = header.iter().any(|c| names(Field::Hs)(&c));
    (own && !told).then_some(at)
}

fn unit_in(header: &str, field: Option<Field>) -> Option<Unit> {
    let (base, brackets) = brackets(&tidy(header));
    let words: Vec<&str> = base.split(' ').chain(brackets.iter().flat_map(|b| b.split(' '))).collect();
    one_unit(&words, field?)
}

fn meaning(header: &str) -> Option<Meaning> {
    if header.is_empty() || is_reason(header) || header.chars().count() > 120 {
        return None;
    }
    let (base, brackets) = brackets(&tidy(header));
    let mut parts: Vec<String> = base.split('/').map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
    parts.extend(brackets.iter().cloned());
    // `商品编码/HS编码`: what says HS is meant so, whatever stands before it.
    let says_hs = parts.iter().any(|part| part.split(' ').any(is_hs));
    let field = if says_hs { Field::Hs } else { parts.iter().find_map(|part| field_of(part))? };
    // Every word that is not the field's own name may be its unit or currency.
    let words: Vec<&str> = parts.iter().flat_map(|p| p.split(' ')).collect();
    let physical = |w: &&str| matches!(unit_named(w), Some(Named::Is(u)) if u != Unit::Piece);
    if field == Field::Price && words.iter().any(physical) {
        return None; // a price per kilogram is not the price of a piece
    }
    let currencies: Vec<Currency> = words.iter().filter_map(|w| currency_named(w, None)).collect();
    let currency = currencies.first().copied().filter(|c| currencies.iter().all(|d| d == c));
    Some(Meaning { field, unit: one_unit(&words, field), currency })
}

fn is_hs(word: &str) -> bool {
    matches!(word, "hs" | "hscode" | "hts")
}

/// The field that a part of a header names: as a whole, without its unit, or by its Chinese or Latin half.
fn field_of(part: &str) -> Option<Field> {
    if part.split(' ').any(is_hs) {
        return Some(Field::Hs);
    }
    let lookup = |text: &str| WORDS.iter().find(|(_, words)| words.contains(&text)).map(|(field, _)| *field);
    if let Some(field) = lookup(part).or_else(|| lookup(&part.replace(' ', ""))) {
        return Some(field);
    }
    let mut words: Vec<&str> = part.split(' ').collect();
    while words.len() > 1 && words.last().is_some_and(|w| unit_named(w).is_some() || currency_named(w, None).is_some())
    {
        words.pop();
        if let Some(field) = lookup(&words.join(" ")) {
            return Some(field);
        }
    }
    let is_han = |w: &&&str| w.chars().all(|c| !c.is_ascii());
    let han: Vec<&str> = words.iter().filter(is_han).copied().collect();
    let latin: Vec<&str> = words.iter().filter(|w| !is_han(w)).copied().collect();
    if han.is_empty() || latin.is_empty() {
        return None;
    }
    lookup(&latin.join(" ")).or_else(|| lookup(&han.join(" "))).or_else(|| han.iter().find_map(|w| lookup(w)))
}

/// The unit that the words name for this field; [`Unit::Other`] if foreign or more than one.
fn one_unit(words: &[&str], field: Field) -> Option<Unit> {
    let fits = |unit: Unit| match field {
        Field::Weight => matches!(unit, Unit::Kilogram | Unit::Gram | Unit::Other),
        Field::Size | Field::Length | Field::Width | Field::Height => {
            matches!(unit, Unit::Metre | Unit::Centimetre | Unit::Millimetre | Unit::Other)
        }
        Field::Content | Field::Pack => {
            matches!(unit, Unit::Kilogram | Unit::Gram | Unit::Litre | Unit::Millilitre | Unit::Piece | Unit::Other)
        }
        _ => false,
    };
    let named = |word: &&str| match unit_named(word)? {
        // `L` in a header of sizes or contents names the length or litres; only litres fit contents.
        Named::Is(unit) => Some(unit),
        Named::Foreign => Some(Unit::Other),
    };
    let units: Vec<Unit> = words.iter().filter_map(named).filter(|u| fits(*u)).collect();
    let first = *units.first()?;
    Some(if units.iter().all(|u| *u == first) { first } else { Unit::Other })
}

/// Lower case, full-width forms made plain, everything but letters, digits, brackets and `/` a blank, and
/// a blank between Chinese and Latin letters.
fn tidy(header: &str) -> String {
    let mut text = String::with_capacity(header.len());
    let mut last: Option<char> = None;
    for c in super::cells::plain(header).chars().flat_map(char::to_lowercase) {
        let c = match c {
            '[' | '{' | '【' | '〔' => '(',
            ']' | '}' | '】' | '〕' => ')',
            '|' | '\n' | '\\' | '、' => '/',
            '$' | '¥' | '€' | '£' | '"' => c,
            c if c.is_alphanumeric() || matches!(c, '(' | ')' | '/') => c,
            _ => ' ',
        };
        let changes = last.is_some_and(|l| l.is_alphanumeric() && c.is_alphanumeric() && l.is_ascii() != c.is_ascii());
        if changes && (is_han(c) || last.is_some_and(is_han)) {
            text.push(' ');
        }
        if c == ' ' && text.ends_with(' ') {
            continue;
        }
        text.push(c);
        last = Some(c);
    }
    text.trim().to_owned()
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// The text outside brackets, and what each bracket holds.
fn brackets(text: &str) -> (String, Vec<String>) {
    let mut base = String::new();
    let mut inside: Vec<String> = Vec::new();
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '(' => {
                depth += 1;
                base.push(' ');
                inside.push(String::new());
            }
            ')' => depth = depth.saturating_sub(1),
            '/' if depth > 0 => inside.push(String::new()),
            c if depth > 0 => inside.last_mut().expect("a bracket was opened").push(c),
            c => base.push(c),
        }
    }
    let squeeze = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
    (squeeze(&base), inside.iter().map(|t| squeeze(t)).filter(|t| !t.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, field: Option<Field>, unit: Option<Unit>, currency: Option<Currency>) {
        let got = meaning(header);
        let expected = field.map(|field| Meaning { field, unit, currency });
        assert_eq!(got, expected, "{header}");
    }

    #[test]
    fn headers_are_known_in_three_languages_with_their_units() {
        for (header, field) in [
            ("SKU", Field::Sku),
            ("Kod", Field::Sku),
            ("货号", Field::Sku),
            ("编号", Field::Sku),
            ("Item No.", Field::Sku),
            ("货号 SKU", Field::Sku),
            ("商品编码/Product code", Field::Sku),
            ("Product", Field::Name),
            ("Nama produk", Field::Name),
            ("品名", Field::Name),
            ("品名 Product Name", Field::Name),
            ("Product name (商品名称)", Field::Name),
            ("HS code", Field::Hs),
            ("Kod HS", Field::Hs),
            ("海关编码", Field::Hs),
            ("商品HS编码", Field::Hs),
            ("H.S. Code", Field::Hs),
            ("HS Code (6 digits)", Field::Hs),
            ("Negara asal", Field::Origin),
            ("原产地", Field::Origin),
            ("Country of Origin", Field::Origin),
            ("Berat", Field::Weight),
            ("Size", Field::Size),
            ("Harga", Field::Price),
            ("价格", Field::Price),
            ("Currency", Field::Currency),
            ("Mata wang", Field::Currency),
            ("净含量", Field::Content),
            ("Pack", Field::Pack),
            ("规格", Field::Pack),
            ("PRODUCT_NAME", Field::Name),
            ("Keterangan", Field::Description),
        ] {
            check(header, Some(field), None, None);
        }
        check("Weight (kg)", Some(Field::Weight), Some(Unit::Kilogram), None);
        check("Weight (g)", Some(Field::Weight), Some(Unit::Gram), None);
        check("Weight_kg", Some(Field::Weight), Some(Unit::Kilogram), None);
        check("Weight/g", Some(Field::Weight), Some(Unit::Gram), None);
        check("重量（克）", Some(Field::Weight), Some(Unit::Gram), None);
        check("重量kg", Some(Field::Weight), Some(Unit::Kilogram), None);
        check("毛重(KG)", Some(Field::Weight), Some(Unit::Kilogram), None);
        check("Weight (lb)", Some(Field::Weight), Some(Unit::Other), None);
        check("Weight (kg/lb)", Some(Field::Weight), Some(Unit::Other), None);
        check("Size L×W×H cm", Some(Field::Size), Some(Unit::Centimetre), None);
        check("Size (L x W x H, mm)", Some(Field::Size), Some(Unit::Millimetre), None);
        check("Dimensions LxWxH (cm)", Some(Field::Size), Some(Unit::Centimetre), None);
        check("尺寸（长*宽*高 cm）", Some(Field::Size), Some(Unit::Centimetre), None);
        check("Size (inch)", Some(Field::Size), Some(Unit::Other), None);
        check("Length (cm)", Some(Field::Length), Some(Unit::Centimetre), None);
        check("Tinggi mm", Some(Field::Height), Some(Unit::Millimetre), None);
        check("Price (RM)", Some(Field::Price), None, Some(Currency::MYR));
        check("Harga RM", Some(Field::Price), None, Some(Currency::MYR));
        check("单价/元", Some(Field::Price), None, Some(Currency::CNY));
        check("Unit Price USD", Some(Field::Price), None, Some(Currency::USD));
        check("Price (USD/RM)", Some(Field::Price), None, None);
        check("Net content (ml)", Some(Field::Content), Some(Unit::Millilitre), None);
        check("Net content ml/g/pcs", Some(Field::Content), Some(Unit::Other), None);
        check("Pieces", Some(Field::Content), Some(Unit::Piece), None);
    }

    #[test]
    fn headers_are_known_as_a_chinese_firm_writes_them() {
        for (header, field) in [
            ("商品名称", Field::Name),
            ("中文品名", Field::Name),
            ("品名及规格", Field::Name),
            ("报关品名", Field::Description),
            ("报关品名（英文）", Field::Description),
            ("英文报关品名", Field::Description),
            ("申报品名", Field::Description),
            ("商品编码/HS编码", Field::Hs),
            ("商品编码(HS)", Field::Hs),
            ("HS编码", Field::Hs),
            ("海关商品编码", Field::Hs),
            ("商品编码", Field::Sku),
            ("商品货号", Field::Sku),
            ("原产国", Field::Origin),
            ("原产国（地区）", Field::Origin),
            ("原产国/地区", Field::Origin),
            ("规格型号", Field::Pack),
            ("净含量", Field::Content),
            ("长*宽*高", Field::Size),
        ] {
            check(header, Some(field), None, None);
        }
        check("毛重(千克)", Some(Field::Weight), Some(Unit::Kilogram), None);
        check("单件毛重（公斤）", Some(Field::Weight), Some(Unit::Kilogram), None);
        check("毛重（克/件）", Some(Field::Weight), Some(Unit::Gram), None);
        check("包装尺寸（长×宽×高，厘米）", Some(Field::Size), Some(Unit::Centimetre), None);
        check("长宽高(毫米)", Some(Field::Size), Some(Unit::Millimetre), None);
        check("包装长(cm)", Some(Field::Length), Some(Unit::Centimetre), None);
        check("单价(元)", Some(Field::Price), None, Some(Currency::CNY));
        check("出口单价（人民币元）", Some(Field::Price), None, Some(Currency::CNY));
        check("批发价/元", Some(Field::Price), None, Some(Currency::CNY));
        for header in ["序号", "备注", "品牌", "库存", "单价（元/公斤）", "条码", "含税单价(元)"]
        {
            check(header, None, None, None);
        }
    }

    #[test]
    fn a_code_of_goods_beside_the_firms_own_number_is_that_of_customs() {
        let fields = |headers: &[&str]| {
            let cell = |text: &&str| Cell { text: (*text).to_owned(), kind: super::super::CellKind::Text };
            let cells: Vec<Cell> = headers.iter().map(cell).collect();
            map(&cells, cells.len(), &Mapping::default()).into_iter().map(|c| c.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&["货号", "商品名称", "商品编码"]), [Some(Field::Sku), Some(Field::Name), Some(Field::Hs)]);
        assert_eq!(fields(&["商品编码", "货号", "品名"]), [Some(Field::Hs), Some(Field::Sku), Some(Field::Name)]);
        // Alone it is the firm's number; where another column says HS it is not taken for it.
        assert_eq!(fields(&["商品编码", "商品名称"]), [Some(Field::Sku), Some(Field::Name)]);
        assert_eq!(fields(&["货号", "商品编码", "HS编码"]), [Some(Field::Sku), None, Some(Field::Hs)]);
    }

    #[test]
    fn what_only_looks_like_a_field_is_left_alone() {
        for header in
            ["Price/kg", "Price per kg", "Stock", "Barcode", "Cost", "Supplier", "", "Total value", "⚠ Reason", "备注"]
        {
            check(header, None, None, None);
        }
    }
}
