use jiff::civil::date;
use proptest::prelude::*;
use trade::money::Currency;

use super::*;
use crate::pdf::read;

fn words() -> SaleWords {
    SaleWords {
        invoice: "Commercial invoice".into(),
        packing_list: "Packing list".into(),
        number: "Number".into(),
        date: "Date".into(),
        seller: "Seller".into(),
        buyer: "Buyer".into(),
        delivery: "Terms of delivery".into(),
        description: "Goods".into(),
        hs: "HS".into(),
        origin: "Origin".into(),
        pieces: "Pieces".into(),
        price: "Price".into(),
        value: "Value".into(),
        weight: "kg a piece".into(),
        size: "mm".into(),
        mass: "kg".into(),
        total: "Total".into(),
        gross: "Gross weight".into(),
        continued: "continued".into(),
    }
}

fn line(sku: &str, description: &str, pieces: i64, sen: i64) -> Line {
    Line {
        sku: sku.into(),
        description: description.into(),
        hs: "210112".parse().unwrap(),
        origin: Country::MY,
        pieces,
        unit_price: Money::new(sen, Currency::MYR),
        value: Money::new(sen * pieces, Currency::MYR),
        weight: Grams(620),
        size: Some(Size { length_mm: 120, width_mm: 90, height_mm: 60 }),
    }
}

fn sale() -> Sale {
    Sale {
        number: "W-26-000001".into(),
        date: date(2026, 11, 28),
        seller: vec!["Kopi Warisan Sdn. Bhd.".into(), "through kul.sandbox".into()],
        buyer: vec!["Hangzhou Tea House Co.".into(), "registration 91330106MA2KXXXX9A".into()],
        delivery: "FCA MYKUL, Incoterms 2020".into(),
        facts: vec![("Waybill".into(), "LX473124829MY".into())],
        lines: vec![line("COF", "White coffee mix in sachets", 100, 2_490), line("BIS", "Sweet biscuits", 40, 1_250)],
        gross: Grams(80_400),
        freight: "The carriage is paid by the buyer.".into(),
    }
}

#[test]
fn an_independent_reader_finds_terms_and_total_on_the_invoice() {
    let pdf = invoice_pdf(&sale(), &words()).unwrap();
    let Some(text) = read("invoice", &pdf) else { return };
    // 100 × 24.90 + 40 × 12.50 = 2,490.00 + 500.00 = 2,990.00
    for expected in ["Commercial invoice", "W-26-000001", "FCA MYKUL, Incoterms 2020", "24.90 2490.00", "MYR 2990.00"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}

#[test]
fn a_packing_list_tells_masses_and_no_prices() {
    let pdf = packing_list_pdf(&sale(), &words()).unwrap();
    let Some(text) = read("packing", &pdf) else { return };
    // 100 × 0.620 = 62.000 kg; 140 pieces
    for expected in ["Packing list", "120×90×60", "62.000", "140", "80.400 kg"] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    for price in ["24.90", "2490.00", "MYR"] {
        assert!(!text.contains(price), "{price} is in {text}");
    }
}

#[test]
fn what_does_not_fit_goes_on_to_further_pages() {
    let many = Sale { lines: (0..60).map(|n| line(&format!("S{n}"), "White coffee", 1, 100)).collect(), ..sale() };
    let pdf = invoice_pdf(&many, &words()).unwrap();
    let Some(text) = read("long", &pdf) else { return };
    assert!(text.contains("S59") && text.contains("1/") && text.contains("continued"), "{text}");
    assert!(text.contains("MYR 60.00"), "{text}");
}

#[test]
fn papers_that_would_lie_or_lose_something_are_refused() {
    let refused = |sale: Sale| invoice_pdf(&sale, &words()).unwrap_err();
    assert_eq!(refused(Sale { lines: Vec::new(), ..sale() }), SaleRefusal::NoLines);
    let many = vec![line("S", "White coffee", 1, 1); MAX_LINES + 1];
    let too_many = SaleRefusal::TooManyLines { got: MAX_LINES + 1, max: MAX_LINES };
    assert_eq!(refused(Sale { lines: many, ..sale() }), too_many);
    let foreign = line("S", "白咖啡", 1, 1);
    let character = SaleRefusal::NotPrintable { text: "白咖啡".into(), character: '白' };
    assert_eq!(refused(Sale { lines: vec![foreign], ..sale() }), character);
    let mut two = sale();
    two.lines[1].value = Money::new(1, Currency::CNY);
    assert!(matches!(refused(two), SaleRefusal::Values { .. }));
}

#[test]
fn the_same_sale_gives_the_same_bytes() {
    assert_eq!(invoice_pdf(&sale(), &words()), invoice_pdf(&sale(), &words()));
}

proptest! {
    #[test]
    fn any_texts_make_papers_or_a_refusal(text in "\\PC{0,200}", pieces in any::<i64>(), minor in any::<i64>()) {
        let mut odd = line("S", "x", 1, 1);
        odd.description = text.as_str().into();
        odd.pieces = pieces;
        odd.value = Money::new(minor, Currency::MYR);
        let odd = Sale { lines: vec![odd; 3], delivery: text.as_str().into(), ..sale() };
        let _ = (invoice_pdf(&odd, &words()), packing_list_pdf(&odd, &words()));
    }
}
