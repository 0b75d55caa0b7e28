use std::io::{Cursor, Write};

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use trade::codes::Country;
use trade::money::{Currency, Money};
use trade::quantity::{Content, ContentUnit, Grams, Size};

use super::*;

fn myr() -> Mapping {
    Mapping { currency: Some(Currency::MYR), ..Mapping::default() }
}

fn csv(text: &str) -> Result<PriceList, PriceListRefusal> {
    read_with(text.as_bytes(), "list.csv", &myr())
}

fn kinds(list: &PriceList) -> Vec<(u32, &str, FaultKind)> {
    list.faults.iter().map(|f| (f.row, f.column.as_str(), f.kind.clone())).collect()
}

/// A list as a shop keeps it: a title, a blank row, numbers as numbers, an HS code without its zero.
fn shop_workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Harga 2026").unwrap();
    sheet.write_string(0, 0, "KOPI WARISAN SDN BHD — price list").unwrap();
    let headers =
        ["SKU", "Nama produk", "HS code", "Negara asal", "Weight (g)", "Size LxWxH cm", "Harga (RM)", "Kandungan (g)"];
    for (i, header) in (0_u16..).zip(headers) {
        sheet.write_string(2, i, header).unwrap();
    }
    let rows = [
        ("KW-01", "Kopi O 20s", 210112.0, "Malaysia", 320.0, "18x12x8", 12.9, 240.0),
        ("KW-02", "Roasted beans", 90121.0, "MY", 550.0, "20 x 12 x 9", 38.5, 500.0),
        ("KW-03", "White coffee", 210112.0, "马来西亚", 640.0, "", 0.1 + 0.2, 600.0),
    ];
    for (r, row) in (3_u32..).zip(rows) {
        sheet.write_string(r, 0, row.0).unwrap();
        sheet.write_string(r, 1, row.1).unwrap();
        sheet.write_number(r, 2, row.2).unwrap();
        sheet.write_string(r, 3, row.3).unwrap();
        sheet.write_number(r, 4, row.4).unwrap();
        sheet.write_string(r, 5, row.5).unwrap();
        sheet.write_number(r, 6, row.6).unwrap();
        sheet.write_number(r, 7, row.7).unwrap();
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_is_read_as_the_shop_keeps_it() {
    let list = read(&shop_workbook(), "harga.xlsx").unwrap();
    assert_eq!(list.source, Source::Workbook { sheet: "Harga 2026".into() });
    assert_eq!(list.header_row, 3);
    assert_eq!(list.rows.len(), 2);
    let first = &list.rows[0];
    assert_eq!((first.row, first.sku.as_deref(), first.name.as_deref()), (4, Some("KW-01"), Some("Kopi O 20s")));
    assert_eq!(first.hs.as_deref(), Some("210112"));
    assert_eq!(first.origin, Some(Country::MY));
    assert_eq!(first.weight, Some(Grams(320)));
    assert_eq!(first.size, Some(Size { length_mm: 180, width_mm: 120, height_mm: 80 }));
    assert_eq!(first.price, Some(Money::new(1_290, Currency::MYR)));
    assert_eq!(first.content, Some(Content::new(240_000, ContentUnit::G)));
    // 0.1 + 0.2 is shown as 0.3 by the sheet.
    assert_eq!(list.rows[1].price, Some(Money::new(30, Currency::MYR)));
    assert_eq!(kinds(&list), [(5, "C", FaultKind::HsLostZero { suggestion: "090121".into() })]);
    assert_eq!(list.failed.len(), 1);
    assert_eq!(list.raw(first).nth(6), Some(("Harga (RM)", "12.9")));
}

#[test]
fn failed_rows_go_back_with_their_reason_and_come_in_again_as_they_are() {
    let list = read(&shop_workbook(), "harga.xlsx").unwrap();
    let reason = |fault: &RowFault| format!("{}: {}", fault.column, fault.got);
    let workbook = failed_rows_workbook(&list, &reason, "Reason");
    // Not mended: the very same fault, in row 2 now, and no row that was good.
    let again = read(&workbook, "failed.xlsx").unwrap();
    assert_eq!((again.header_row, again.rows.len()), (1, 0));
    assert_eq!(kinds(&again), [(2, "C", FaultKind::HsLostZero { suggestion: "090121".into() })]);
    let added = again.columns.last().unwrap();
    assert_eq!((added.header.as_str(), added.field), ("⚠ Reason", None));
    assert_eq!(again.failed[0].cells.last().unwrap().text, "C: 90121");
    // All else as uploaded.
    assert_eq!(again.failed[0].cells[..8], list.failed[0].cells[..8]);
    // A third time the column of reasons is not doubled.
    let third = read(&failed_rows_workbook(&again, &reason, "Reason"), "failed.xlsx").unwrap();
    assert_eq!(third.columns.iter().filter(|c| headers::is_reason(&c.header)).count(), 1);
    assert_eq!(kinds(&third), kinds(&again));
    // The same rows give the same bytes.
    assert_eq!(workbook, failed_rows_workbook(&list, &reason, "Reason"));
}

#[test]
fn a_mended_row_is_read() {
    let list = read(&shop_workbook(), "harga.xlsx").unwrap();
    let mut mended = list.clone();
    mended.failed[0].cells[2] = Cell { text: "0901.21".into(), kind: CellKind::Text };
    let again = read(&failed_rows_workbook(&mended, &|_| String::new(), "Sebab"), "failed.xlsx").unwrap();
    assert_eq!(kinds(&again), []);
    assert_eq!(again.rows[0].hs.as_deref(), Some("0901.21"));
    assert_eq!(again.rows[0].price, Some(Money::new(3_850, Currency::MYR)));
}

#[test]
fn failed_rows_of_a_text_table_keep_their_faults_too() {
    let list = csv("SKU,Name,HS code,Weight (kg)\nA1,Tea,90121,\"2,5 kgs\"\n007,Kaya,0901.21,1.50x\n").unwrap();
    let again = read_with(&failed_rows_workbook(&list, &|_| String::new(), "R"), "f.xlsx", &myr()).unwrap();
    let shifted: Vec<_> = kinds(&again);
    assert_eq!(shifted, kinds(&list));
    assert_eq!(again.failed[1].sku.as_deref(), Some("007"));
}

#[test]
fn a_template_is_read_by_its_own_headers() {
    let bytes = template_workbook(&["Kod", "Nama produk", "Kod HS", "Berat (kg)"]);
    assert_eq!(read(&bytes, "template.xlsx"), Err(PriceListRefusal::NoRows { header_row: 1 }));
}

#[test]
fn text_tables_are_read_in_their_separator_and_encoding() {
    let check = |bytes: &[u8], encoding: &str, delimiter: char| {
        let list = read_with(bytes, "list.csv", &myr()).unwrap();
        assert_eq!(list.source, Source::TextTable { encoding: encoding.into(), delimiter });
        assert_eq!(list.faults, []);
        let row = &list.rows[0];
        assert_eq!((row.sku.as_deref(), row.price), (Some("A1"), Some(Money::new(1_290, Currency::MYR))));
    };
    check("SKU,Name,Price\nA1,Café,12.90\n".as_bytes(), "UTF-8", ',');
    check("\u{feff}SKU;Name;Price\r\nA1;\"Tea; green\";12.90\r\n".as_bytes(), "UTF-8", ';');
    check(b"SKU\tName\tPrice\nA1\tTea, green\t12.90", "UTF-8", '\t');
    check(b"sep=;\r\nSKU;Name;Price\r\nA1;Tea;12.90\r\n", "UTF-8", ';');
    check(b"SKU,Name,Price\nA1,Cr\xe8me br\xfbl\xe9e,12.90\n", "windows-1252", ',');
    let chinese = encoding_rs::GB18030.encode("货号,品名,价格\nA1,白咖啡,12.90\n").0.into_owned();
    check(&chinese, "gb18030", ',');
    let wide: Vec<u8> =
        "\u{feff}SKU\tName\tPrice\nA1\t白咖啡\t12.90\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&wide, "UTF-16LE", '\t');
}

/// Header and two goods as a firm of Zhejiang keeps them.
const CHINESE: &str = "商品货号,商品名称,报关品名,商品编码,原产国,毛重(千克),长宽高(厘米),净含量,单价(元),备注\n\
    HZ-001,龙井茶,绿茶 Green tea leaves in tins of 100 g,0902.10,中国,0.18,12×8×8,100克,128.00,明前\n\
    HZ-002,真丝丝巾,Shawl of silk,6214.10.00,中国,0.15,26×20×3,,￥299.00,喆堃\n";

#[test]
fn a_chinese_list_reads_the_same_in_gb18030_and_in_utf_8_with_its_mark_and_without() {
    let cny = Mapping { currency: Some(Currency::CNY), ..Mapping::default() };
    let plain = read_with(CHINESE.as_bytes(), "价格表.csv", &cny).unwrap();
    assert_eq!(plain.faults, []);
    let first = &plain.rows[0];
    assert_eq!((first.sku.as_deref(), first.name.as_deref()), (Some("HZ-001"), Some("龙井茶")));
    assert_eq!(first.description.as_deref(), Some("绿茶 Green tea leaves in tins of 100 g"));
    assert_eq!((first.hs.as_deref(), first.origin), (Some("0902.10"), Some(Country::CN)));
    assert_eq!((first.weight, first.price), (Some(Grams(180)), Some(Money::new(12_800, Currency::CNY))));
    assert_eq!(first.size, Some(Size { length_mm: 120, width_mm: 80, height_mm: 80 }));
    assert_eq!(first.content, Some(Content::new(100_000, ContentUnit::G)));
    assert_eq!(plain.rows[1].price, Some(Money::new(29_900, Currency::CNY)));
    let check = |bytes: &[u8], encoding: &str| {
        let list = read_with(bytes, "价格表.csv", &cny).unwrap();
        assert_eq!(list.source, Source::TextTable { encoding: encoding.into(), delimiter: ',' });
        assert_eq!((&list.rows, &list.columns), (&plain.rows, &plain.columns));
    };
    check(CHINESE.as_bytes(), "UTF-8");
    check(format!("\u{feff}{CHINESE}").as_bytes(), "UTF-8");
    check(&encoding_rs::GB18030.encode(CHINESE).0, "gb18030");
    // GBK, which knows the same characters; windows of some firms still say so.
    check(&encoding_rs::GBK.encode(CHINESE).0, "gb18030");
}

#[test]
fn bytes_that_are_no_characters_are_a_fault_of_their_cell_and_of_no_other() {
    let damaged = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    let cny = Mapping { currency: Some(Currency::CNY), ..Mapping::default() };
    let check = |bytes: &[u8], encoding: &str, faults: &[(u32, &str, FaultKind)]| {
        let list = read_with(bytes, "list.csv", &cny).unwrap();
        assert_eq!(list.source, Source::TextTable { encoding: encoding.into(), delimiter: ',' });
        assert_eq!(kinds(&list), faults);
        assert_eq!(list.rows.len() + list.failed.len(), 2);
    };
    let gb = encoding_rs::GB18030.encode(CHINESE).0.into_owned();
    let silk = encoding_rs::GB18030.encode("真丝丝巾").0.into_owned();
    // 0xFF begins no character of GB18030; 0x80 none of UTF-8.
    let mut broken = silk.clone();
    broken[2] = 0xFF;
    check(&damaged(&gb, &silk, &broken), "gb18030", &[(3, "B", FaultKind::NotReadable)]);
    check(&damaged(&gb, &silk, &silk[..7]), "gb18030", &[(3, "B", FaultKind::NotReadable)]);
    let silk = "真丝丝巾".as_bytes();
    check(&damaged(CHINESE.as_bytes(), silk, &silk[1..]), "UTF-8", &[(3, "B", FaultKind::NotReadable)]);
    // In a column that is not read it does no harm; and what another program has lost is told too.
    check(&damaged(CHINESE.as_bytes(), "明前".as_bytes(), &[0x80]), "UTF-8", &[]);
    let lost = CHINESE.replace("龙井茶", "龙\u{fffd}茶");
    check(lost.as_bytes(), "UTF-8", &[(2, "B", FaultKind::NotReadable)]);
    // Without its header a list cannot be read, whatever the bytes.
    let headless = damaged(&gb, &encoding_rs::GB18030.encode("商品名称").0, &[0xFF, 0xFF]);
    assert!(matches!(read_with(&headless, "x", &cny), Err(PriceListRefusal::ColumnsMissing { .. })));
}

#[test]
fn rows_are_numbered_as_the_sheet_shows_them() {
    // Row 1 title, row 2 blank, row 3 header, row 4 a cell of two lines, row 5 blank, row 6 at fault.
    let list = csv("My shop\n\nSKU,Name,Price\nA1,\"Tea\ngreen\",5\n\nA2,,5\n").unwrap();
    assert_eq!(list.header_row, 3);
    assert_eq!(list.rows[0].row, 4);
    assert_eq!(kinds(&list), [(6, "B", FaultKind::NameMissing)]);
}

#[test]
fn a_row_at_fault_is_never_among_the_good_ones() {
    let list = csv("SKU,Name,Weight (kg),Price,Origin\nA1,Tea,0.5,5,MY\nA1,Tea,0.5,5,MY\n,Tea,0.5,5,MY\nA3,Tea,-1,0,Penang\nA4,#REF!,,,\nA5,Tea,,,\n").unwrap();
    let good: Vec<&str> = list.rows.iter().filter_map(|r| r.sku.as_deref()).collect();
    assert_eq!(good, ["A1", "A5"]);
    let range = |min: &str, max: &str, unit: &str| FaultKind::OutOfRange {
        min: min.into(),
        max: max.into(),
        unit: unit.into(),
    };
    assert_eq!(
        kinds(&list),
        [
            (3, "A", FaultKind::SkuTwice { first_row: 2 }),
            (4, "A", FaultKind::SkuMissing),
            (5, "E", FaultKind::NotACountry),
            (5, "C", range("0.001", "1000.000", "kg")),
            (5, "D", range("0.01", "10000000.00", "MYR")),
            (6, "B", FaultKind::CellError),
        ]
    );
    assert_eq!(list.failed.len(), 4);
}

#[test]
fn section_titles_and_notes_are_neither_products_nor_faults() {
    let list = csv("SKU,Name,Price\n,BEVERAGES,\nA1,Tea,5\n,Prices until December,\n").unwrap();
    assert_eq!(list.faults, []);
    let notes: Vec<(u32, &str)> = list.notes.iter().map(|n| (n.row, n.text.as_str())).collect();
    assert_eq!(notes, [(2, "BEVERAGES"), (4, "Prices until December")]);
}

#[test]
fn three_columns_make_a_size_and_two_do_not() {
    let list = csv("SKU,Name,L (cm),W (cm),H (mm)\nA1,Tea,30,20,100\nA2,Tea,30,20,\nA3,Tea,,,\n").unwrap();
    assert_eq!(list.rows[0].size, Some(Size { length_mm: 300, width_mm: 200, height_mm: 100 }));
    assert_eq!(list.rows[1].size, None);
    assert_eq!(kinds(&list), [(3, "E", FaultKind::SizeIncomplete)]);
}

#[test]
fn the_callers_mapping_comes_before_the_headers() {
    let text = "Ref,What,Grams,Ringgit\nA1,Tea,250,5\n";
    assert!(matches!(csv(text), Err(PriceListRefusal::NoHeader { .. })));
    let chosen = |field, unit| Some(Chosen { field, unit });
    let columns = BTreeMap::from([
        ("A".to_owned(), chosen(Field::Sku, None)),
        ("B".to_owned(), chosen(Field::Name, None)),
        ("C".to_owned(), chosen(Field::Weight, Some(Unit::Gram))),
        ("D".to_owned(), chosen(Field::Price, None)),
    ]);
    let mapping = Mapping { columns, header_row: Some(1), currency: Some(Currency::MYR) };
    let list = read_with(text.as_bytes(), "x.csv", &mapping).unwrap();
    assert_eq!(list.rows[0].weight, Some(Grams(250)));
    assert_eq!(list.rows[0].price, Some(Money::new(500, Currency::MYR)));
    // A column can be left out, and a letter must be one.
    let left_out = Mapping { columns: BTreeMap::from([("C".to_owned(), None)]), ..myr() };
    let list = read_with(b"SKU,Name,Weight (kg)\nA1,Tea,rubbish\n", "x.csv", &left_out).unwrap();
    assert_eq!((list.rows.len(), list.rows[0].weight), (1, None));
    let wrong = Mapping { columns: BTreeMap::from([("1A".to_owned(), None)]), ..myr() };
    assert_eq!(read_with(b"SKU,Name\nA,B\n", "x", &wrong), Err(PriceListRefusal::NotAColumn { got: "1A".into() }));
}

#[test]
fn a_silent_unit_is_reported_as_assumed() {
    let list = csv("Kod,Produk,Berat,Saiz,Harga\nA1,Teh,0.5,30x20x10,5\nA2,Teh,500,30x20x10,5\n").unwrap();
    let weight = list.columns.iter().find(|c| c.field == Some(Field::Weight)).unwrap();
    assert_eq!((weight.unit, weight.unit_assumed), (Some(Unit::Kilogram), true));
    assert_eq!(kinds(&list), [(3, "C", FaultKind::UnitUnclear)]);
}

#[test]
fn cells_that_the_spreadsheet_has_spoiled_are_faults() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (i, header) in (0_u16..).zip(["SKU", "Name", "HS code", "Price (RM)"]) {
        sheet.write_string(0, i, header).unwrap();
    }
    let day = Format::new().set_num_format("d mmm");
    let six = Format::new().set_num_format("000000");
    let dollars = Format::new().set_num_format("[$USD] 0.00");
    sheet.write_datetime_with_format(1, 0, ExcelDateTime::from_ymd(2026, 2, 1).unwrap(), &day).unwrap();
    sheet.write_string(1, 1, "Was 1-2").unwrap();
    sheet.write_number(2, 0, 95_561_234_567_891_234.0).unwrap();
    sheet.write_string(2, 1, "Sixteen digits").unwrap();
    sheet.write_number(3, 0, 1_001.0).unwrap();
    sheet.write_string(3, 1, "Shown with its zero").unwrap();
    sheet.write_number_with_format(3, 2, 90_121.0, &six).unwrap();
    sheet.write_number_with_format(3, 3, 12.9, &dollars).unwrap();
    let list = read(&book.save_to_buffer().unwrap(), "x.xlsx").unwrap();
    assert_eq!(kinds(&list), [(2, "A", FaultKind::IsADate), (3, "A", FaultKind::DigitsLost)]);
    assert_eq!(list.faults[0].got, "2026-02-01");
    assert_eq!(list.rows[0].sku.as_deref(), Some("1001"));
    assert_eq!(list.rows[0].hs.as_deref(), Some("090121"));
    // The header's currency comes before that of a number format.
    assert_eq!(list.rows[0].price, Some(Money::new(1_290, Currency::MYR)));
}

#[test]
fn the_sheet_with_the_best_known_header_is_read() {
    let mut book = Workbook::new();
    book.add_worksheet().write_string(0, 0, "Cover").unwrap();
    let sheet = book.add_worksheet().set_name("Prices").unwrap();
    for (i, text) in (0_u16..).zip(["货号", "品名", "价格(元)"]) {
        sheet.write_string(0, i, text).unwrap();
        sheet.write_string(1, i, "1").unwrap();
    }
    let list = read(&book.save_to_buffer().unwrap(), "x.xlsx").unwrap();
    assert_eq!(list.source, Source::Workbook { sheet: "Prices".into() });
    assert_eq!(list.rows[0].price, Some(Money::new(100, Currency::CNY)));
}

#[test]
fn files_of_another_kind_are_refused_by_name() {
    let check = |bytes: &[u8], kind: FileKind| {
        assert_eq!(read(bytes, "f"), Err(PriceListRefusal::FileKind { file: "f".into(), kind }));
    };
    check(b"%PDF-1.7 ...", FileKind::Pdf);
    check(b"\x89PNG\r\n", FileKind::Image);
    check(&[0xD0, 0xCF, 0x11, 0xE0, 0, 0], FileKind::OldExcel);
    let mut locked = vec![0xD0, 0xCF, 0x11, 0xE0];
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    check(&locked, FileKind::Locked);
    check(b"<html><table><tr><td>SKU", FileKind::WebPage);
    check(b"SKU,\x00Name", FileKind::Unknown);
    check(&zipped(&[("a.txt", b"hello")]), FileKind::OtherArchive);
    check(&zipped(&[("xl/workbook.bin", b"")]), FileKind::BinaryExcel);
    check(&zipped(&[("mimetype", b""), ("content.xml", b"")]), FileKind::OpenDocument);
    assert_eq!(read(b"", "f"), Err(PriceListRefusal::FileEmpty { file: "f".into() }));
    assert!(matches!(read(b"PK\x03\x04rubbish", "f"), Err(PriceListRefusal::FileDamaged { .. })));
}

#[test]
fn limits_hold() {
    let size = u64::try_from(MAX_FILE_BYTES).unwrap();
    let big = vec![b'a'; MAX_FILE_BYTES + 1];
    assert_eq!(read(&big, "f"), Err(PriceListRefusal::FileTooLarge { file: "f".into(), bytes: size + 1, max: size }));
    let wide = format!("SKU,Name{}\n", ",x".repeat(MAX_COLUMNS));
    assert_eq!(csv(&wide), Err(PriceListRefusal::TooManyColumns { got: 61, max: MAX_COLUMNS }));
    let long = format!("SKU,Name\n{}", "A,B\n".repeat(MAX_ROWS + 40));
    assert_eq!(csv(&long), Err(PriceListRefusal::TooManyRows { max: MAX_ROWS }));
    let list = csv(&format!("SKU,Name\nA,{}\n", "é".repeat(MAX_CELL_CHARS + 1))).unwrap();
    assert_eq!(kinds(&list), [(2, "B", FaultKind::CellTooLong { chars: 2_001, max: 2_000 })]);
    assert!(
        matches!(csv("SKU,Price\nA,5\n"), Err(PriceListRefusal::ColumnsMissing { missing, .. }) if missing == [Field::Name])
    );
}

#[test]
fn a_zip_bomb_is_refused_before_it_unpacks() {
    // 120 MB of zeros pack into some 120 kB.
    let zeros = vec![b' '; 120 * 1024 * 1024];
    let bomb =
        zipped(&[("[Content_Types].xml", b"<x/>"), ("_rels/.rels", b"<x/>"), ("xl/worksheets/sheet1.xml", &zeros)]);
    assert!(bomb.len() < 1024 * 1024);
    assert_eq!(
        read(&bomb, "f"),
        Err(PriceListRefusal::FileUnpacksTooLarge { file: "f".into(), max: MAX_UNPACKED_BYTES })
    );
}

#[test]
fn a_workbook_that_lies_about_itself_is_refused() {
    // Room for 10^11 texts would be terabytes.
    let lying = altered("xl/sharedStrings.xml", "uniqueCount=\"", "uniqueCount=\"99999999");
    assert!(matches!(read(&lying, "f"), Err(PriceListRefusal::FileDamaged { .. })));
    for (part, from, to) in [
        ("xl/worksheets/sheet1.xml", "<dimension ref=\"A1:", "<dimension ref=\"ZZ99:"),
        ("xl/worksheets/sheet1.xml", "r=\"A4\"", "r=\"ZZZZZZZZZZ4\""),
        ("xl/worksheets/sheet1.xml", "r=\"A4\"", "r=\"A99999999999\""),
        ("xl/worksheets/sheet1.xml", "</sheetData>", ""),
        ("xl/workbook.xml", "rId1", "rId9"),
    ] {
        // Refused, or read without what is not there; never a crash.
        let _ = read(&altered(part, from, to), "f");
    }
}

fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The shop's workbook with a text inside one of its parts replaced.
fn altered(part: &str, from: &str, to: &str) -> Vec<u8> {
    remade(|name, text| if name == part { text.replacen(from, to, 1) } else { text })
}

fn remade(change: impl Fn(&str, String) -> String) -> Vec<u8> {
    let bytes = shop_workbook();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes.as_slice())).unwrap();
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let name = file.name().unwrap().to_string();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).unwrap();
        parts.push((name.clone(), change(&name, text).into_bytes()));
    }
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    zipped(&parts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes, "x");
    }

    #[test]
    fn random_tables_never_panic_and_no_row_is_lost(
        rows in proptest::collection::vec(proptest::collection::vec("[ -~é货]{0,12}", 6), 1..12),
    ) {
        let mut text = String::from("SKU,Name,HS code,Weight,Size,Price,Content\n");
        for row in &rows {
            let quoted: Vec<String> = row.iter().map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(","));
            text.push('\n');
        }
        if let Ok(list) = csv(&text) {
            let blank = rows.iter().filter(|r| r.iter().all(|c| c.trim().is_empty())).count();
            prop_assert_eq!(list.rows.len() + list.failed.len() + list.notes.len() + blank, rows.len());
            prop_assert!(list.failed.iter().all(|r| list.faults.iter().any(|f| f.row == r.row)));
            let _ = failed_rows_workbook(&list, &|f| format!("{f:?}"), "why");
        }
    }

    #[test]
    fn any_chinese_text_comes_back_from_gb18030_as_it_went(
        names in proptest::collection::vec("[\u{4e00}-\u{9fa5}]{1,8}[A-Za-z0-9 ]{0,4}", 3..20),
    ) {
        let mut text = String::from("货号,商品名称,原产国,单价(元)\n");
        for (i, name) in names.iter().enumerate() {
            text.push_str(&format!("HZ-{i},{name},中国,{i}.50\n"));
        }
        let list = read(&encoding_rs::GB18030.encode(&text).0, "x.csv").unwrap();
        prop_assert_eq!(&list.source, &Source::TextTable { encoding: "gb18030".into(), delimiter: ',' });
        prop_assert_eq!(list.rows, read(text.as_bytes(), "x.csv").unwrap().rows);
    }

    #[test]
    fn a_damaged_byte_of_a_chinese_list_harms_at_most_its_own_row_and_the_next(
        row in 0_usize..20, at in 0_usize..200, byte in 0x80_u8..=0xff, utf8 in any::<bool>(),
    ) {
        let line = |i: usize| format!("HZ-{i},真丝围巾第{i}号,中国,{i}.50\n");
        let lines: Vec<Vec<u8>> = std::iter::once("货号,商品名称,原产国,单价(元)\n".to_owned())
            .chain((0..20).map(line))
            .map(|l| if utf8 { l.into_bytes() } else { encoding_rs::GB18030.encode(&l).0.into_owned() })
            .collect();
        let mut damaged = lines.clone();
        let hit = &mut damaged[row + 1];
        // Commas, quotes and the end of the line make the table; only what stands between them is damaged.
        let inside: Vec<usize> = (0..hit.len()).filter(|i| hit[*i] >= 0x80).collect();
        hit[inside[at % inside.len()]] = byte;
        let before = read(&lines.concat(), "x.csv").unwrap();
        let after = read(&damaged.concat(), "x.csv").unwrap();
        prop_assert_eq!(&after.source, &before.source);
        for good in &before.rows {
            let same = after.rows.iter().any(|r| r == good);
            let hit = u32::try_from(row).unwrap() + 2;
            prop_assert!(same || good.row == hit, "row {} after damage in row {hit}", good.row);
        }
    }

    #[test]
    fn a_mutated_workbook_never_panics(at in 0_usize..8_000, byte in any::<u8>()) {
        let mut bytes = shop_workbook();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read(&bytes, "x.xlsx");
    }

    #[test]
    fn a_workbook_with_a_mutated_part_never_panics(
        which in 0_usize..4, at in 0_usize..6_000, byte in 32_u8..127, cut in any::<bool>(),
    ) {
        let part = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"][which];
        let bytes = remade(|name, text| {
            if name != part || text.is_empty() {
                return text;
            }
            let mut bytes = text.into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if cut {
                bytes.truncate(at + 1);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let _ = read(&bytes, "x.xlsx");
    }

    #[test]
    fn prices_survive_a_workbook_exactly(minor in 1_i64..1_000_000_000) {
        let price = Money::new(minor, Currency::MYR);
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (i, text) in (0_u16..).zip(["SKU", "Name", "Price (RM)"]) {
            sheet.write_string(0, i, text).unwrap();
            sheet.write_string(1, i, "x").unwrap();
        }
        sheet.write_number(1, 2, price.decimal().parse::<f64>().unwrap()).unwrap();
        let list = read(&book.save_to_buffer().unwrap(), "x.xlsx").unwrap();
        prop_assert_eq!(list.rows[0].price, Some(price));
    }
}

#[test]
fn columns_on_dangers_are_read_in_three_languages_and_a_word_unknown_is_a_fault() {
    let list = read_with(
        "SKU,Name,Battery type,Battery packing,Wh,State of charge,Liquid,Flammable\n\
         A1,Earbuds,Li-ion,in equipment,3.7 Wh,30 %,,\n\
         A2,Perfume,none,,,,liquid,yes\n\
         A3,Towel,,,,,,\n\
         A4,Lamp,plutonium,loosely,x,130,gas,perhaps\n"
            .as_bytes(),
        "list.csv",
        &myr(),
    )
    .unwrap();
    let [earbuds, perfume, towel] = [0, 1, 2].map(|i| list.rows[i].hazards);
    let battery = earbuds.battery.unwrap();
    assert_eq!((battery.chemistry.code(), battery.packed.unwrap().code()), ("ion", "in"));
    assert_eq!((battery.milliwatt_hours, battery.charge), (Some(3_700), Some(30)));
    assert_eq!(perfume.battery.unwrap().chemistry.code(), "none");
    assert_eq!(perfume.liquid.unwrap().flammable, Some(true));
    assert!(towel.is_empty(), "what is not said is no answer");
    let kinds: Vec<&FaultKind> = list.faults.iter().map(|fault| &fault.kind).collect();
    let expected = [
        &FaultKind::NotABattery,
        &FaultKind::NotAPacking,
        &FaultKind::NotWattHours,
        &FaultKind::NotACharge,
        &FaultKind::NotALiquid,
        &FaultKind::NotYesOrNo,
    ];
    assert_eq!(kinds, expected);
    let chinese = read_with(
        "货号,品名,电池类型,电池包装方式,瓦时,荷电状态\nA1,耳机,锂离子,内置,3.7,30\n".as_bytes(),
        "list.csv",
        &myr(),
    );
    assert_eq!(chinese.unwrap().rows[0].hazards, earbuds);
}

/// (header of the strength, contents, strength, what is read of them)
#[test]
fn the_strength_of_a_drink_has_a_column_or_stands_behind_the_contents() {
    let read = |header: &str, contents: &str, strength: &str| {
        let text = format!("SKU,Name,Price,Net content,{header}\nA1,Rum,130,{contents},{strength}\n");
        let list = read_with(text.as_bytes(), "list.csv", &myr()).unwrap();
        let content = list.rows.first().and_then(|row| row.content);
        let told = content.map(|content| (content.milli, content.strength.map(|strength| strength.tenths())));
        (told, list.faults.first().map(|fault| fault.kind.clone()))
    };
    for header in ["Alcohol (% vol)", "ABV", "alcohol by volume", "kandungan alkohol", "酒精度"] {
        assert_eq!(read(header, "700 ml", "40 %"), (Some((700_000, Some(400))), None), "{header}");
    }
    assert_eq!(read("ABV", "700 ml", "37.5"), (Some((700_000, Some(375))), None));
    assert_eq!(read("ABV", "700 ml", ""), (Some((700_000, None)), None));
    assert_eq!(read("Remarks", "700 ml 40%", ""), (Some((700_000, Some(400))), None));
    assert_eq!(read("ABV", "700 ml", "0").1, Some(FaultKind::NotAStrength));
    assert_eq!(read("ABV", "700 ml", "strong").1, Some(FaultKind::NotAStrength));
    assert_eq!(read("ABV", "700 g", "40").1, Some(FaultKind::StrengthWithoutVolume));
    assert_eq!(read("ABV", "", "40").1, Some(FaultKind::StrengthWithoutVolume));
}
