use jiff::civil::date;
use proptest::prelude::*;
use trade::money::Currency;

use super::*;
use crate::xml::schema;

fn words() -> PaperWords {
    PaperWords {
        reference: "Reference".into(),
        exporter: "Goods consigned from (exporter)".into(),
        consignee: "Goods consigned to (consignee)".into(),
        transport: "Means of transport and route".into(),
        official: "For official use".into(),
        item: "Item".into(),
        marks: "Marks and numbers".into(),
        goods: "Packages, description, HS code".into(),
        criterion: "Origin criterion".into(),
        weight: "Gross weight and value (FOB)".into(),
        invoice: "Invoice number and date".into(),
        declaration: "Declaration by the exporter".into(),
        declared: "The exporter declares that what stands above is correct.".into(),
        made_in: "Made in".into(),
        exported_to: "Exported to".into(),
        signature: "Place, date, signature".into(),
        certification: "Certification".into(),
        ticks: "Tick".into(),
        tick: [
            "issued retroactively".into(),
            "movement certificate".into(),
            "exhibition".into(),
            "third party invoicing".into(),
        ],
        pieces: "pieces".into(),
        total: "Total".into(),
    }
}

fn line(number: usize) -> Line {
    Line {
        number,
        description: "Cotton kitchen towel, printed".into(),
        hs: "630260".parse().unwrap(),
        origin: Country::MY,
        pieces: 100,
        criterion: "RVC".into(),
        regional_value: Some(Rate::percent(43)),
        gross: Grams(25_000),
        fob: Money::new(400_000, Currency::MYR),
    }
}

fn paper(lines: usize) -> Paper {
    Paper {
        is_numbered: true,
        title: "ACFTA certificate of origin, Form E: data set".into(),
        reference: "W-26-000001".into(),
        exporter: vec!["Seri Warisan Trading".into(), "through kul.sandbox".into(), "Malaysia".into()],
        consignee: vec!["delivery reference D-77".into(), "through hgh.sandbox".into(), "China".into()],
        transport: vec!["LX473124829MY".into(), "Malaysia - China".into()],
        marks: "LX473124829MY".into(),
        lines: (1..=lines).map(line).collect(),
        gross: Grams(25_400),
        invoice_no: "W-26-000001".into(),
        invoice_date: date(2026, 11, 28),
        made_in: "Malaysia".into(),
        exported_to: "China".into(),
        date: date(2026, 11, 29),
        ticks: [true, false, false, false],
        notes: vec!["A data set for whoever certifies origin; not a certificate.".into()],
    }
}

fn codes() -> ubl::Codes {
    ubl::Codes {
        agreement: "ACFTA".to_owned(),
        exporting_country: "MY".to_owned(),
        importing_country: "CN".to_owned(),
        waybill: "LX473124829MY".to_owned(),
        issuer: "MITI & co".to_owned(),
    }
}

#[test]
fn every_box_of_form_e_is_on_the_sheet() {
    let pdf = pdf(&paper(2), &words()).unwrap();
    let Some(text) = crate::pdf::read("certificate", &pdf) else { return };
    for number in 1..=13 {
        assert!(text.contains(&format!("{number}. ")), "box {number}: {text}");
    }
    // Two lines of 4,000.00.
    for part in ["RVC 43 %", "HS 630260", "MYR 8000.00", "25.400 kg", "W-26-000001", "2026-11-28", "x issued"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let rcep = Paper { is_numbered: false, ..paper(1) };
    let text = crate::pdf::read("rcep", &super::pdf(&rcep, &words()).unwrap()).unwrap();
    assert!(!text.contains("13. "), "the boxes of RCEP bear no numbers of Form E: {text}");
}

#[test]
fn what_cannot_be_printed_is_refused_with_its_reason() {
    assert_eq!(pdf(&paper(0), &words()), Err(PaperRefusal::NoLines));
    assert!(pdf(&paper(MAX_LINES), &words()).is_ok());
    assert_eq!(pdf(&paper(21), &words()), Err(PaperRefusal::TooManyLines { got: 21, max: 20 }));
    let mut mixed = paper(2);
    mixed.lines[1].fob = Money::new(1, Currency::CNY);
    assert!(matches!(pdf(&mixed, &words()), Err(PaperRefusal::Values { .. })));
    assert!(matches!(ubl::write(&mixed, &codes()), Err(PaperRefusal::Values { .. })));
    let chinese = Paper { marks: "白咖啡".into(), ..paper(1) };
    assert!(matches!(pdf(&chinese, &words()), Err(PaperRefusal::NotPrintable { character: '白', .. })));
}

#[test]
fn the_document_follows_the_schema_of_ubl() {
    let bytes = ubl::write(&paper(2), &codes()).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    for part in [
        "<cbc:PreferenceCriterionCode>RVC</cbc:PreferenceCriterionCode>",
        "<cbc:FreeOnBoardValueAmount currencyID=\"MYR\">8000.00</cbc:FreeOnBoardValueAmount>",
        "<cbc:GrossWeightMeasure unitCode=\"KGM\">25.400</cbc:GrossWeightMeasure>",
        "<cbc:ApprovalStatus>applied for</cbc:ApprovalStatus>",
        "MITI &amp; co",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    if let Some(faults) = schema::faults_in(&bytes, "ubl-2.1/maindoc/UBL-CertificateOfOrigin-2.1.xsd") {
        assert_eq!(faults, "");
    }
}

proptest! {
    #[test]
    fn whatever_the_goods_are_called_the_document_stays_whole(name in ".{1,60}", marks in ".{0,40}") {
        let mut paper = paper(1);
        paper.lines[0].description = crate::pdf::Text { text: name, latin: Some("goods".to_owned()) };
        paper.marks = crate::pdf::Text { text: marks, latin: Some("marks".to_owned()) };
        prop_assert!(pdf(&paper, &words()).is_ok());
        let bytes = ubl::write(&paper, &codes()).unwrap();
        let mut reader = quick_xml::Reader::from_reader(bytes.as_slice());
        let mut depth = 0;
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Start(_)) => depth += 1,
                Ok(quick_xml::events::Event::End(_)) => depth -= 1,
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(_) => {}
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
        prop_assert_eq!(depth, 0);
    }
}
