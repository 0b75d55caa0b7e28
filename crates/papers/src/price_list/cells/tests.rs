use trade::codes::Country;
use trade::money::{Currency, Money};
use trade::quantity::{Content, ContentUnit, Grams, Size};

use super::super::headers::{Field, Unit};
use super::super::sheet::{Cell, CellKind};
use super::super::{FaultKind, Mapped};
use super::*;

fn column(field: Field, unit: Option<Unit>, unit_assumed: bool) -> Mapped {
    Mapped { letter: "C".into(), header: "h".into(), field: Some(field), unit, unit_assumed, currency: None }
}

fn text(text: &str) -> Cell {
    Cell { text: text.into(), kind: CellKind::Text }
}

fn number(text: &str) -> Cell {
    Cell { text: text.into(), kind: CellKind::Number { format: None } }
}

fn out_of_range(min: &str, max: &str, unit: &str) -> FaultKind {
    FaultKind::OutOfRange { min: min.into(), max: max.into(), unit: unit.into() }
}

#[test]
fn weights_are_read_to_the_gram_or_refused() {
    let kilograms = column(Field::Weight, Some(Unit::Kilogram), false);
    let check = |text: &str, expected: Result<i64, FaultKind>| {
        assert_eq!(weight(text, &kilograms).map(|Grams(g)| g), expected, "{text}");
    };
    let bad = FaultKind::NotAWeight { unit: Unit::Kilogram };
    let range = out_of_range("0.001", "1000.000", "kg");
    check("2.5", Ok(2_500));
    check("2.500", Ok(2_500));
    check("2.5 kg", Ok(2_500));
    check("2.5KGS", Ok(2_500));
    check("２．５ｋｇ", Ok(2_500));
    check("250 g", Ok(250));
    check("250gm.", Ok(250));
    check("0.25公斤", Ok(250));
    check("1,000.5 g", Err(FaultKind::TooManyDigits { digits: 0 }));
    check(".5", Ok(500));
    check("2,5 kgs", Err(bad.clone()));
    check("1,250", Err(bad.clone()));
    check("2.5 lb", Err(bad.clone()));
    check("about 2", Err(bad.clone()));
    check("2.5.1", Err(bad.clone()));
    check("2-3", Err(bad.clone()));
    check("NaN", Err(bad.clone()));
    check("1e300", Err(bad.clone()));
    check("kg", Err(bad));
    check("0.0005", Err(FaultKind::TooManyDigits { digits: 3 }));
    check("0", Err(range.clone()));
    check("-2.5", Err(range.clone()));
    check("1000000000000000", Err(range.clone()));
    check("99999999999999999999999", Err(range));

    let grams = column(Field::Weight, Some(Unit::Gram), false);
    assert_eq!(weight("250", &grams), Ok(Grams(250)));
    assert_eq!(weight("0.25 kg", &grams), Ok(Grams(250)));
    assert_eq!(weight("12.5", &grams), Err(FaultKind::TooManyDigits { digits: 0 }));

    // Without a unit kilograms are taken, but 250 kg is more likely 250 g: not guessed.
    let silent = column(Field::Weight, Some(Unit::Kilogram), true);
    assert_eq!(weight("2.5", &silent), Ok(Grams(2_500)));
    assert_eq!(weight("250", &silent), Err(FaultKind::UnitUnclear));
    assert_eq!(weight("250 g", &silent), Ok(Grams(250)));

    let pounds = column(Field::Weight, Some(Unit::Other), false);
    assert_eq!(weight("2.5", &pounds), Err(FaultKind::UnitUnclear));
    assert_eq!(weight("2.5 kg", &pounds), Ok(Grams(2_500)));
}

#[test]
fn sizes_are_three_sides_in_one_unit_or_each_in_its_own() {
    let centimetres = column(Field::Size, Some(Unit::Centimetre), false);
    let check = |text: &str, expected: Result<(i64, i64, i64), FaultKind>| {
        let got = size(text, &centimetres).map(|s: Size| (s.length_mm, s.width_mm, s.height_mm));
        assert_eq!(got, expected, "{text}");
    };
    let bad = FaultKind::NotASize { unit: Unit::Centimetre };
    check("30 x 20 x 10", Ok((300, 200, 100)));
    check("30×20×10.5", Ok((300, 200, 105)));
    check("30*20*10 cm", Ok((300, 200, 100)));
    check("300 x 200 x 100mm", Ok((300, 200, 100)));
    check("30cm X 20cm X 100 mm", Ok((300, 200, 100)));
    check("L30 x W20 x H10", Ok((300, 200, 100)));
    check("30 x 20", Err(bad.clone()));
    check("30 x 20 x 10 x 5", Err(bad.clone()));
    check("30 x 20 x 10 in", Err(bad.clone()));
    check("30,5 x 20 x 10", Err(bad.clone()));
    check("M", Err(bad));
    check("30 x 20 x 0", Err(out_of_range("0.1", "1000.0", "cm")));
    check("30 x 20 x 10.55", Err(FaultKind::TooManyDigits { digits: 1 }));
}

#[test]
fn prices_are_exact_and_never_in_a_guessed_currency() {
    let plain_column = column(Field::Price, None, false);
    let check = |text: &str, default: Option<Currency>, expected: Result<Money, FaultKind>| {
        assert_eq!(price(&number(text), &plain_column, None, default), expected, "{text}");
    };
    let myr = Some(Currency::MYR);
    let rm = |minor| Ok(Money::new(minor, Currency::MYR));
    check("12.9", myr, rm(1_290));
    check("RM 12.90", None, rm(1_290));
    check("RM12.90", None, rm(1_290));
    check("12.90 MYR", None, rm(1_290));
    check("1,234.50", myr, rm(123_450));
    check("1,234", myr, rm(123_400));
    check("12.90元", None, Ok(Money::new(1_290, Currency::CNY)));
    check("￥88", Some(Currency::CNY), Ok(Money::new(8_800, Currency::CNY)));
    check("¥88", myr, Err(FaultKind::CurrencyUnclear));
    check("$12.90", myr, Err(FaultKind::CurrencyUnclear));
    check("US$12.90", myr, Ok(Money::new(1_290, Currency::USD)));
    check("12.90", None, Err(FaultKind::CurrencyMissing));
    check("12,90", myr, Err(FaultKind::NotAnAmount));
    check("12.345", myr, Err(FaultKind::TooManyDigits { digits: 2 }));
    check("12.90 each", myr, Err(FaultKind::NotAnAmount));
    check("RM 12.90 / pc", myr, Err(FaultKind::NotAnAmount));
    check("TBC", myr, Err(FaultKind::NotAnAmount));
    check("12.90-15.90", myr, Err(FaultKind::NotAnAmount));
    check("NaN", myr, Err(FaultKind::NotAnAmount));
    check("1e300", myr, Err(FaultKind::NotAnAmount));
    check("0", myr, Err(out_of_range("0.01", "10000000.00", "MYR")));
    check("-1", myr, Err(out_of_range("0.01", "10000000.00", "MYR")));
    check("1000000000000000", myr, Err(out_of_range("0.01", "10000000.00", "MYR")));

    let in_ringgit = Mapped { currency: myr, ..plain_column.clone() };
    let differs = |found| Err(FaultKind::CurrencyDiffers { expected: Currency::MYR, found });
    assert_eq!(price(&text("USD 5"), &in_ringgit, None, myr), differs(Currency::USD));
    assert_eq!(price(&text("5"), &in_ringgit, Some(Currency::CNY), myr), differs(Currency::CNY));
    let formatted = Cell { text: "5".into(), kind: CellKind::Number { format: Some("[$USD] #,##0.00".into()) } };
    assert_eq!(price(&formatted, &plain_column, None, myr), Ok(Money::new(500, Currency::USD)));
    assert_eq!(price(&formatted, &in_ringgit, None, None), rm(500));
}

#[test]
fn hs_codes_keep_what_was_written_and_miss_no_zero() {
    let check = |cell: Cell, expected: Result<&str, FaultKind>| {
        assert_eq!(hs(&cell), expected.map(str::to_owned), "{cell:?}");
    };
    let lost = |suggestion: &str| Err(FaultKind::HsLostZero { suggestion: suggestion.into() });
    check(text("0901.21"), Ok("0901.21"));
    check(text("0901 21 00 00"), Ok("0901 21 00 00"));
    check(text("0901"), Ok("0901"));
    check(text("90121"), Ok("90121"));
    check(number("330499"), Ok("330499"));
    check(number("3304.99"), Ok("3304.99"));
    check(number("90121"), lost("090121"));
    check(number("901210000"), lost("0901210000"));
    check(number("901.21"), lost("0901.21"));
    check(number("901.2"), lost("0901.20"));
    check(number("3304.9"), lost("3304.90"));
    check(Cell { text: "90121".into(), kind: CellKind::Untyped }, lost("090121"));
    check(Cell { text: "3.30499E+09".into(), kind: CellKind::Untyped }, Err(FaultKind::DigitsLost));
    check(text("HS 0901.21"), Err(FaultKind::NotHsDigits));
    check(text("09012100001"), Err(FaultKind::NotHsDigits));
    check(text("coffee"), Err(FaultKind::NotHsDigits));
    check(text("..."), Err(FaultKind::NotHsDigits));
    check(number("-90121"), Err(FaultKind::NotHsDigits));
}

#[test]
fn contents_are_counted_in_millilitres_grams_or_pieces() {
    let check = |text: &str, unit: Option<Unit>, expected: Result<(i64, ContentUnit), FaultKind>| {
        let got = content(text, unit).map(|c: Content| (c.milli, c.unit));
        assert_eq!(got, expected, "{text}");
    };
    check("50 ml", None, Ok((50_000, ContentUnit::Ml)));
    check("1.5L", None, Ok((1_500_000, ContentUnit::Ml)));
    check("0.25 kg", None, Ok((250_000, ContentUnit::G)));
    check("10 pcs", None, Ok((10_000, ContentUnit::Piece)));
    check("10片", None, Ok((10_000, ContentUnit::Piece)));
    check("50", Some(Unit::Millilitre), Ok((50_000, ContentUnit::Ml)));
    // 12 × 50 ml = 600 ml; 25 g × 5 pieces = 125 g
    check("12 x 50 ml", None, Ok((600_000, ContentUnit::Ml)));
    check("12x50ml", None, Ok((600_000, ContentUnit::Ml)));
    check("25ml*5片", None, Ok((125_000, ContentUnit::Ml)));
    check("25g x 5", None, Ok((125_000, ContentUnit::G)));
    check("12包 x 40g", None, Ok((480_000, ContentUnit::G)));
    check("3 x 10 pcs", None, Ok((30_000, ContentUnit::Piece)));
    check("40g x 40ml", None, Err(FaultKind::NotContents));
    check("50", None, Err(FaultKind::UnitUnclear));
    check("50", Some(Unit::Other), Err(FaultKind::UnitUnclear));
    check("1.7 fl oz", None, Err(FaultKind::NotContents));
    check("Box of 12", None, Err(FaultKind::NotContents));
    check("", None, Err(FaultKind::NotContents));
    check("5 x 5", None, Err(FaultKind::NotContents));
    check("0 ml", None, Err(out_of_range("0.001", "1000000.000", "ml")));
    check("0.0001 ml", None, Err(FaultKind::TooManyDigits { digits: 3 }));
}

#[test]
fn the_strength_of_a_drink_stands_behind_its_contents() {
    let check = |text: &str, expected: Result<(i64, Option<u16>), FaultKind>| {
        let got = content(text, Some(Unit::Millilitre)).map(|c: Content| (c.milli, c.strength.map(|s| s.tenths())));
        assert_eq!(got, expected, "{text}");
    };
    check("700 ml 40%", Ok((700_000, Some(400))));
    check("700ml 40 % vol", Ok((700_000, Some(400))));
    check("0.7 L, 40% ABV", Ok((700_000, Some(400))));
    check("12 x 330 ml 4.5%", Ok((3_960_000, Some(45))));
    check("500ml 52度", Ok((500_000, Some(520))));
    check("700 40%", Ok((700_000, Some(400))));
    check("700 ml", Ok((700_000, None)));
    for text in ["700 ml 0%", "700 ml 101%", "700 ml 4.55%", "700 ml %", "40%", "% 700 ml", "700 ml 40% 3"] {
        check(text, Err(FaultKind::NotContents));
    }
    check("700 g 40%", Err(FaultKind::StrengthWithoutVolume));
}

#[test]
fn countries_are_known_by_code_and_by_name_in_three_languages() {
    for name in
        ["MY", "my", "MYS", "Malaysia", "MALAYSIA ", "马来西亚", "Made in Malaysia", "Buatan Malaysia", "马来西亚产"]
    {
        assert_eq!(country_named(name), Some(Country::MY), "{name}");
    }
    for name in ["China", "中国", "P.R.C.", "Negara China"] {
        assert_eq!(country_named(name), Some(Country::CN), "{name}");
    }
    assert_eq!(country_named("Korea Selatan"), "KR".parse().ok());
    assert_eq!(country_named("United Kingdom"), "GB".parse().ok());
    for name in ["XX", "Penang", "", "Malaysia/China", "EU"] {
        assert_eq!(country_named(name), None, "{name}");
    }
}
