use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::civil::date;
use proptest::prelude::*;
use trade::money::Currency;

use super::*;
use crate::cn22::{Category, Line};

fn words() -> LabelWords {
    LabelWords {
        from: "From".into(),
        to: "To".into(),
        delivery_reference: "Delivery reference".into(),
        weight: "Gross weight".into(),
        form: FormWords {
            title: "Customs declaration".into(),
            categories: ["Sale of goods", "Gift", "Documents", "Commercial sample", "Returned goods", "Other"]
                .map(Text::from),
            description: "Contents".into(),
            quantity: "Quantity".into(),
            net_weight: "Net kg".into(),
            value: "Value".into(),
            hs: "HS number".into(),
            origin: "Origin".into(),
            total: "Total".into(),
            gross_weight: "Gross weight".into(),
            postage: "Postage".into(),
            importer_reference: "Importer's reference".into(),
            documents: "Invoice, licence, certificate".into(),
            date: "Date".into(),
            signature: "Sender".into(),
            statement: "The sender declares that these particulars are true and that nothing dangerous or \
                        forbidden by postal or customs rules is in this parcel."
                .into(),
            continued: "continued on the next page".into(),
        },
    }
}

fn line(description: &str, quantity: u32, grams: i64, minor: i64, hs: &str) -> Line {
    Line {
        description: description.into(),
        quantity,
        net: Grams(grams),
        value: Money::new(minor, Currency::MYR),
        hs: hs.parse().ok(),
        origin: Some(Country::MY),
    }
}

fn label() -> Label {
    Label {
        number: "LX473124829MY".parse().unwrap(),
        service: "Economy parcel".into(),
        from: Address {
            name: "Kopi Warisan Sdn. Bhd.".into(),
            lines: vec!["12 Jalan Bunga Raya".into(), "Taman Warisan".into(), "75100 Melaka".into()],
            country: Country::MY,
            country_name: "Malaysia".into(),
        },
        to: Address {
            name: "Hangzhou hub, forwarding".into(),
            lines: vec!["Gate 3, 88 Sandbox Road".into(), "Xiaoshan, Hangzhou, Zhejiang 311200".into()],
            country: Country::CN,
            country_name: "China".into(),
        },
        delivery_reference: "HGH-7Q4K-2M9P".into(),
        gross: Grams(1_310),
        track: Some("https://kul.example/track?number=LX473124829MY&code=0123456789abcde".to_owned()),
        declaration: Declaration {
            category: Category::SaleOfGoods,
            lines: vec![
                line("White coffee, instant, 3 in 1", 2, 640, 5_160, "210112"),
                line(
                    "Roasted coffee beans, Liberica, not decaffeinated, whole, in valve bags of 250 grams each",
                    2,
                    500,
                    7_700,
                    "09012100",
                ),
            ],
            postage: Some(Money::new(3_600, Currency::MYR)),
            importer_reference: None,
            documents: vec!["KUL-2026-000123".into()],
            date: date(2026, 11, 23),
            signed_by: "Kopi Warisan Sdn. Bhd.".into(),
        },
        sdr: SdrRate { currency: Currency::MYR, per_sdr: "5.9".parse().unwrap() },
    }
}

/// A label with dear and many goods: CN 23, on more than one page.
fn long_label() -> Label {
    let mut long = label();
    long.gross = Grams(19_500);
    long.declaration.importer_reference = Some("91330100MA0000000X".into());
    long.declaration.lines = (1..=30)
        .map(|i| {
            line(
                &format!("Item {i}: gift set of herbal tea, coffee and biscuits in a printed tin box"),
                i,
                600,
                12_000,
                "210690",
            )
        })
        .collect();
    long
}

/// What an independent reader finds in the barcodes of the pages, or None, with a word on why.
fn read_back(name: &str, pdf: &[u8]) -> Option<Vec<String>> {
    let dir = std::env::temp_dir().join(format!("ehub-label-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("label.pdf");
    std::fs::write(&file, pdf).unwrap();
    let found = rendered(&dir, &file);
    std::fs::remove_dir_all(&dir).unwrap();
    found
}

fn rendered(dir: &Path, file: &Path) -> Option<Vec<String>> {
    // 203 dots an inch: what a label printer prints.
    let Ok(drawn) = Command::new("pdftoppm").args(["-r", "203", "-png"]).arg(file).arg(dir.join("page")).output()
    else {
        println!("skipped: pdftoppm is not installed (Debian: poppler-utils)");
        return None;
    };
    assert!(drawn.status.success() && drawn.stderr.is_empty(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let mut pages: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    pages.retain(|p| p.extension().is_some_and(|e| e == "png"));
    pages.sort();
    let mut found = Vec::new();
    for page in pages {
        let Ok(read) = Command::new("zbarimg").args(["--quiet", "--nodbus"]).arg(page).output() else {
            println!("skipped: zbarimg is not installed (Debian: zbar-tools)");
            return None;
        };
        found.push(String::from_utf8_lossy(&read.stdout).trim().to_owned());
    }
    Some(found)
}

#[test]
fn an_independent_reader_reads_the_number_from_the_printed_label() {
    let pdf = label_pdf(&label(), &words()).unwrap();
    if let Some(found) = read_back("one", &pdf) {
        let mut read: Vec<&str> = found[0].lines().collect();
        read.sort_unstable();
        // The way of the parcel, by a phone: the same address that stands in the label.
        let way = format!("QR-Code:{}", label().track.unwrap());
        assert_eq!((found.len(), read), (1, vec!["CODE-128:LX473124829MY", &way]));
    }
}

#[test]
fn what_does_not_fit_goes_on_to_pages_with_the_same_barcode() {
    let pdf = label_pdf(&long_label(), &words()).unwrap();
    if let Some(found) = read_back("long", &pdf) {
        assert!(found.iter().all(|page| page.lines().any(|line| line == "CODE-128:LX473124829MY")), "{found:?}");
        assert_eq!(found.len(), 4);
    }
}

#[test]
fn the_form_is_named_by_value_and_weight() {
    let contains = |label: &Label, text: &str| {
        let pdf = label_pdf(label, &words()).unwrap();
        pdf.windows(text.len()).any(|w| w == text.as_bytes())
    };
    assert!(contains(&label(), "(CN 22)") && !contains(&label(), "(CN 23)"));
    assert!(contains(&long_label(), "(CN 23)"));
    assert!(contains(&long_label(), "(Item 30: gift set of herbal tea,"));
    // 51.60 + 77.00 = 128.60; 0.640 + 0.500 = 1.140 kg
    assert!(contains(&label(), "(128.60)") && contains(&label(), "(1.140)"));
}

#[test]
fn the_same_label_gives_the_same_bytes() {
    assert_eq!(label_pdf(&label(), &words()), label_pdf(&label(), &words()));
}

#[test]
fn labels_that_would_lie_or_lose_something_are_refused() {
    let check = |change: fn(&mut Label), expected: LabelRefusal| {
        let mut label = label();
        change(&mut label);
        assert_eq!(label_pdf(&label, &words()), Err(expected));
    };
    check(
        |l| l.declaration.lines[0].description = "白咖啡 white coffee".into(),
        LabelRefusal::NotPrintable { text: "白咖啡 white coffee".into(), character: '白' },
    );
    check(|l| l.declaration.lines.clear(), LabelRefusal::NoLines);
    check(
        |l| l.declaration.lines = vec![line("Tea", 1, 1, 1, ""); 61],
        LabelRefusal::TooManyLines { got: 61, max: 60 },
    );
    check(|l| l.to.lines = vec!["x".into(); 6], LabelRefusal::AddressTooLong { got: 6, max: 5 });
    let endless = "A name that nobody could write on any label, let alone on this one, and still goes on";
    check(
        |l| l.to.name = "A name that nobody could write on any label, let alone on this one, and still goes on".into(),
        LabelRefusal::TooWide { text: endless.into() },
    );
    check(|l| l.delivery_reference = "Zhang Wei".into(), LabelRefusal::NotAReference { got: "Zhang Wei".into() });
    check(|l| l.track = Some("x".repeat(135)), LabelRefusal::TrackTooLong { bytes: 135, max: 134 });
    check(|l| l.gross = Grams(1_139), LabelRefusal::NetAboveGross { net: Grams(1_140), gross: Grams(1_139) });
    check(|l| l.declaration.lines[0].net = Grams(0), LabelRefusal::NotAWeight { got: Grams(0) });
    check(
        |l| l.declaration.lines[0].value = Money::zero(Currency::MYR),
        LabelRefusal::NotAValue { got: Money::zero(Currency::MYR) },
    );
    check(
        |l| l.declaration.lines[0].value = Money::new(1, Currency::CNY),
        LabelRefusal::Values { cause: MoneyError::CurrencyMismatch { left: Currency::CNY, right: Currency::MYR } },
    );
}

#[test]
fn a_latin_form_is_printed_where_the_font_has_no_other() {
    let mut label = label();
    label.to.name = Text { text: "杭州枢纽".into(), latin: Some("Hangzhou hub".into()) };
    let pdf = label_pdf(&label, &words()).unwrap();
    assert!(pdf.windows(14).any(|w| w == b"(Hangzhou hub)"));
}

/// For people who change the layout: draws the samples to look at.
#[test]
#[ignore = "writes files into the folder for temporary files"]
fn samples_can_be_looked_at() {
    let dir = std::env::temp_dir();
    std::fs::write(dir.join("ehub-label.pdf"), label_pdf(&label(), &words()).unwrap()).unwrap();
    std::fs::write(dir.join("ehub-label-long.pdf"), label_pdf(&long_label(), &words()).unwrap()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_make_a_label_or_a_refusal(
        text in "\\PC{0,200}", word in "[ -~]{0,120}", count in 1_usize..60, serial in 0_u32..100_000_000,
    ) {
        let mut label = label();
        label.number = S10::issue("LX", serial, Country::MY).unwrap();
        label.service = word.as_str().into();
        label.from.lines = vec![word.as_str().into(); 5];
        label.to.name = word.as_str().into();
        label.gross = Grams(100_000);
        label.declaration.lines = vec![line(&word, u32::MAX, 1, i64::from(u32::MAX), "0901210000"); count];
        let printed = label_pdf(&label, &words());
        let whole = matches!(printed, Ok(_) | Err(LabelRefusal::TooWide { .. }));
        prop_assert!(whole, "{:?}", printed.err());
        label.declaration.signed_by = text.as_str().into();
        let _ = label_pdf(&label, &words());
    }
}
