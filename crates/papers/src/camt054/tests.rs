use proptest::prelude::*;
use trade::money::{Currency, Money, MoneyError};

use super::*;
use crate::xml::schema;

fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn credit_of(reference: &str, minor: i64) -> Entry {
    Entry {
        credit: true,
        reversal: false,
        amount: cny(minor),
        bank_reference: reference.into(),
        end_to_end: Some("PAY-2026-0001".into()),
        remittance: vec!["Order KUL-1 <urgent> & paid".into(), "张伟".into()],
        payer_name: Some("Zhang Wei 张伟".into()),
        payer_id: Some("330106199001011234".into()),
        payer_account: Some("6222020200112233445".into()),
        account: "DE89370400440532013000".into(),
        booked: Some("2026-11-23".into()),
        status: Status::Booked,
    }
}

fn notice() -> Notice {
    let plain = Entry {
        credit: false,
        reversal: true,
        end_to_end: None,
        remittance: vec![],
        payer_name: None,
        payer_id: None,
        payer_account: None,
        booked: None,
        status: Status::Other { got: "HELD".into() },
        ..credit_of("BANK-2", 5)
    };
    Notice {
        message_id: "N-1".into(),
        created: BusinessTime::from_micros(1_795_395_600_000_000),
        account: "DE89370400440532013000".into(),
        entries: vec![credit_of("BANK-1", 38_642), plain],
    }
}

/// A notice as edition `edition` writes it, with the inside of one booking.
fn wrapped(edition: &str, booking: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<n:Document xmlns:n=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.{edition}\">\n\
         <n:BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>M</MsgId></GrpHdr>\n<Ntfctn><Id>1</Id><Acct><Id><Othr><Id>8001-22</Id></Othr></Id></Acct>\n\
         <Ntry>{booking}</Ntry></Ntfctn></n:BkToCstmrDbtCdtNtfctn></n:Document>"
    )
}

const HEAD: &str =
    "<Amt Ccy=\"CNY\">386.42</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><AcctSvcrRef>B1</AcctSvcrRef>";

#[test]
fn what_is_written_follows_the_schema_and_reads_back_the_same() {
    let notice = notice();
    let bytes = write(&notice).unwrap();
    assert_eq!(read(&bytes), Ok(notice.entries));
    if let Some(faults) = schema::faults(&bytes, "camt.054.001.08.xsd") {
        assert_eq!(faults, "");
    }
}

#[test]
fn every_edition_is_read_by_its_element_names() {
    let old = "<Amt Ccy=\"CNY\">386.42</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><DtTm>2026-11-23T09:00:00+08:00</DtTm></BookgDt>\
        <AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls><AmtDtls><TxAmt><Amt Ccy=\"CNY\">386.42</Amt></TxAmt></AmtDtls>\
        <RltdPties><Dbtr><Nm>Zhang Wei</Nm><Id><PrvtId><Othr><Id>3301</Id></Othr></PrvtId></Id></Dbtr>\
        <DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct></RltdPties>\
        <RmtInf><Strd><CdtrRefInf><Ref>RF18-KUL</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls>";
    let new = old
        .replace("<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>")
        .replace("<Dbtr>", "<Dbtr><Pty>")
        .replace("</Dbtr>", "</Pty></Dbtr>");
    for (edition, inside) in [("02", old), ("04", old), ("08", &*new), ("12", &*new)] {
        let entries = read(wrapped(edition, inside).as_bytes()).unwrap();
        let entry = &entries[0];
        assert_eq!((entry.credit, entry.amount, entry.account.as_str()), (true, cny(38_642), "8001-22"), "{edition}");
        assert_eq!((entry.payer_name.as_deref(), entry.payer_id.as_deref()), (Some("Zhang Wei"), Some("3301")));
        assert_eq!(entry.payer_account.as_deref(), Some("DE89370400440532013000"));
        assert_eq!(entry.booked.as_deref(), Some("2026-11-23"));
        assert_eq!((&entry.status, entry.remittance.as_slice()), (&Status::Booked, &["RF18-KUL".to_owned()][..]));
    }
    for edition in ["01", "13", "8", "", "08x"] {
        assert!(
            matches!(read(wrapped(edition, HEAD).as_bytes()), Err(XmlRefusal::XmlOtherMessage { .. })),
            "{edition}"
        );
    }
}

#[test]
fn each_detail_is_one_entry_with_a_reference_of_its_own() {
    let detail =
        |amount: &str, refs: &str| format!("<TxDtls><Refs>{refs}</Refs><Amt Ccy=\"CNY\">{amount}</Amt></TxDtls>");
    let three = [
        detail("100.00", "<EndToEndId>A</EndToEndId>"),
        detail("200.00", "<AcctSvcrRef>B1</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId>"),
        detail("86.42", "<AcctSvcrRef>OWN</AcctSvcrRef>"),
    ];
    let entries = read(wrapped("08", &format!("{HEAD}<NtryDtls>{}</NtryDtls>", three.concat())).as_bytes()).unwrap();
    let got: Vec<(i64, &str, Option<&str>)> =
        entries.iter().map(|e| (e.amount.minor(), e.bank_reference.as_str(), e.end_to_end.as_deref())).collect();
    assert_eq!(got, [(10_000, "B1/1", Some("A")), (20_000, "B1/2", None), (8_642, "OWN", None)]);
    let bare = read(wrapped("08", HEAD).as_bytes()).unwrap();
    assert_eq!((bare.len(), bare[0].bank_reference.as_str(), bare[0].amount), (1, "B1", cny(38_642)));
}

#[test]
fn refusals_name_line_and_element() {
    let check =
        |booking: &str, expected: XmlRefusal| assert_eq!(read(wrapped("08", booking).as_bytes()), Err(expected));
    let path = |rest: &str| format!("Document/BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry{rest}");
    let missing = |rest: &str| XmlRefusal::ElementMissing { line: 5, element: path(rest) };
    check("", XmlRefusal::ElementMissing { line: 5, element: path("/Amt") });
    check(&HEAD.replace("<AcctSvcrRef>B1</AcctSvcrRef>", ""), missing("/AcctSvcrRef"));
    check(&HEAD.replace("<Sts><Cd>BOOK</Cd></Sts>", ""), missing("/Sts"));
    check(&format!("{HEAD}<NtryDtls><TxDtls/><TxDtls/></NtryDtls>"), missing("/NtryDtls/TxDtls/Amt"));
    let amount = |cause| XmlRefusal::AmountNotTaken { line: 5, element: path("/Amt"), cause };
    check(&HEAD.replace("386.42", "386,42"), amount(MoneyError::NotAnAmount { got: "386,42".into() }));
    check(&HEAD.replace("386.42", "-1"), amount(MoneyError::NotAnAmount { got: "-1".into() }));
    check(&HEAD.replace("386.42", "1.234"), amount(MoneyError::TooManyDigits { got: "1.234".into(), digits: 2 }));
    check(&HEAD.replace("CNY", "RMB"), amount(MoneyError::UnknownCurrency { got: "RMB".into() }));
    check(&HEAD.replace(" Ccy=\"CNY\"", ""), amount(MoneyError::UnknownCurrency { got: String::new() }));
    check(
        &HEAD.replace("CRDT", "CREDIT"),
        XmlRefusal::ValueNotTaken { line: 5, element: path("/CdtDbtInd"), got: "CREDIT".into() },
    );
    let long = HEAD.replace("B1", &"x".repeat(4_001));
    check(&long, XmlRefusal::XmlTextTooLong { line: 5, element: path("/AcctSvcrRef"), max: 4_000 });
    check(&"<a>".repeat(50), XmlRefusal::XmlTooDeep { line: 5, max: 40 });
    check("<Amt Ccy=\"CNY\">&bomb;</Amt>", XmlRefusal::XmlDocumentType { line: 5 });
    assert!(matches!(read(wrapped("08", "<Amt>").as_bytes()), Err(XmlRefusal::XmlBroken { line: 5, .. })));
    let bomb =
        format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", wrapped("08", HEAD).replace("<?xml version=\"1.0\"?>", ""));
    assert_eq!(read(bomb.as_bytes()), Err(XmlRefusal::XmlDocumentType { line: 1 }));
    assert_eq!(read(b"\xff\xfe<"), Err(XmlRefusal::XmlNotUtf8));
    for not_xml in [&b""[..], b"hello", b"<", b"<Document/><Document/>"] {
        assert!(read(not_xml).is_err());
    }
    let pain = b"<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"/>";
    assert!(matches!(read(pain), Err(XmlRefusal::XmlOtherMessage { .. })));
}

#[test]
fn what_the_standard_cannot_carry_is_not_written() {
    let with = |change: fn(&mut Notice)| {
        let mut notice = notice();
        change(&mut notice);
        write(&notice)
    };
    assert!(matches!(with(|n| n.message_id = "x".repeat(36)), Err(NoticeRefusal::TextLength { max: 35, .. })));
    assert!(matches!(
        with(|n| n.entries[0].remittance = vec!["x".repeat(141)]),
        Err(NoticeRefusal::TextLength { max: 140, .. })
    ));
    assert!(matches!(with(|n| n.entries[0].account = "other".into()), Err(NoticeRefusal::OtherAccount { .. })));
    assert!(matches!(with(|n| n.entries[0].amount = cny(-1)), Err(NoticeRefusal::AmountNegative { .. })));
}

#[test]
fn ibans_are_told_from_other_account_numbers() {
    for good in ["DE89370400440532013000", "GB82WEST12345698765432"] {
        assert!(is_iban(good), "{good}");
    }
    for bad in ["DE89370400440532013001", "6222020200112233445", "", "DE89", "de89370400440532013000"] {
        assert!(!is_iban(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_mutated_notice_never_panics(at in 0_usize..4_000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = write(&notice()).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if cut {
            bytes.truncate(at + 1);
        }
        let _ = read(&bytes);
    }

    #[test]
    fn any_text_is_escaped_and_reads_back(text in "[ -~é张&<>\"']{1,100}", minor in 0_i64..10_000_000_000) {
        let entry = Entry { remittance: vec![text.clone()], ..credit_of("B", minor) };
        let entries = read(&write(&Notice { entries: vec![entry], ..notice() }).unwrap()).unwrap();
        let trimmed = text.trim();
        let expected: Vec<String> = if trimmed.is_empty() { vec![] } else { vec![trimmed.to_owned()] };
        prop_assert_eq!(&entries[0].remittance, &expected);
        prop_assert_eq!(entries[0].amount, cny(minor));
    }
}
