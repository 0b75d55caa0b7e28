use jiff::civil::date;
use proptest::prelude::*;
use trade::money::Currency;

use super::*;
use crate::xml::schema;

fn holder(name: &str, account: &str) -> Holder {
    Holder { name: name.into(), account: account.into(), bic: Some("MBBEMYKL".into()) }
}

fn transfer(end_to_end: &str, minor: i64, currency: Currency) -> Transfer {
    Transfer {
        end_to_end: end_to_end.into(),
        amount: Money::new(minor, currency),
        debtor: holder("KUL hub safeguarding", "5140-1234-5678"),
        creditor: Holder { bic: None, ..holder("Kopi Warisan Sdn. Bhd.", "DE89370400440532013000") },
        remittance: "Payout pay_1 for order KUL-1".into(),
    }
}

fn file(transfers: Vec<Transfer>) -> PayoutFile {
    PayoutFile {
        letters: Letters::Latin,
        message_id: "KUL-20261123-1".into(),
        created: BusinessTime::from_micros(1_795_395_600_000_000),
        initiator: "KUL hub".into(),
        execution: date(2026, 11, 24),
        transfers,
    }
}

fn three() -> PayoutFile {
    let (myr, jpy) = (Currency::MYR, Currency::JPY);
    file(vec![transfer("pay01", 23_970, myr), transfer("pay02", 500, jpy), transfer("pay03", 1, myr)])
}

#[test]
fn a_payout_file_follows_the_schema_and_its_sums_are_exact() {
    let bytes = write(&three()).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    // 239.70 + 500 + 0.01 = 739.71 for the file; 239.71 in ringgit, 500 in yen
    for part in
        ["<NbOfTxs>3</NbOfTxs>", "<CtrlSum>739.71</CtrlSum>", "<CtrlSum>239.71</CtrlSum>", "<CtrlSum>500</CtrlSum>"]
    {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches("<PmtInf>").count(), 2);
    if let Some(faults) = schema::faults(&bytes, "pain.001.001.09.xsd") {
        assert_eq!(faults, "");
    }
}

#[test]
fn the_bank_reads_back_what_was_written() {
    let instructions = read(&write(&three()).unwrap()).unwrap();
    let got: Vec<(&str, Money)> = instructions.iter().map(|i| (i.end_to_end.as_str(), i.amount)).collect();
    let money = Money::new;
    // The ringgit transfers come first: they share a payment information.
    let expected = [
        ("pay01", money(23_970, Currency::MYR)),
        ("pay03", money(1, Currency::MYR)),
        ("pay02", money(500, Currency::JPY)),
    ];
    assert_eq!(got, expected);
    let first = &instructions[0];
    assert_eq!(
        (first.debtor_account.as_str(), first.creditor_account.as_str()),
        ("5140-1234-5678", "DE89370400440532013000")
    );
    assert_eq!(first.creditor_name.as_deref(), Some("Kopi Warisan Sdn. Bhd."));
    assert_eq!(first.remittance, ["Payout pay-1 for order KUL-1"]);
    assert_eq!(first.execution.as_deref(), Some("2026-11-24"));
}

#[test]
fn what_a_bank_would_refuse_is_not_written() {
    let check = |change: fn(&mut PayoutFile), refused: fn(&PayoutFileRefusal) -> bool| {
        let mut file = three();
        change(&mut file);
        let refusal = write(&file).unwrap_err();
        assert!(refused(&refusal), "{refusal:?}");
    };
    check(|f| f.transfers.clear(), |r| matches!(r, PayoutFileRefusal::NoTransfers));
    check(|f| f.transfers[1].end_to_end = "pay01".into(), |r| matches!(r, PayoutFileRefusal::EndToEndTwice { .. }));
    check(
        |f| f.transfers[0].amount = Money::zero(Currency::MYR),
        |r| matches!(r, PayoutFileRefusal::AmountNotPositive { .. }),
    );
    check(
        |f| f.transfers[2].creditor.name = "白咖啡有限公司".into(),
        |r| matches!(r, PayoutFileRefusal::NotLatin { end_to_end, character: '白', .. } if end_to_end == "pay03"),
    );
    check(|f| f.transfers[0].creditor.name = " ".into(), |r| matches!(r, PayoutFileRefusal::TextLength { .. }));
    check(
        |f| f.transfers[0].remittance = "x".repeat(141),
        |r| matches!(r, PayoutFileRefusal::TextLength { max: 140, .. }),
    );
    check(
        |f| f.transfers[0].end_to_end = "p".repeat(36),
        |r| matches!(r, PayoutFileRefusal::TextLength { max: 35, .. }),
    );
    check(|f| f.transfers[0].end_to_end = "pay_01".into(), |r| matches!(r, PayoutFileRefusal::NotAReference { .. }));
    check(|f| f.message_id = "a//b".into(), |r| matches!(r, PayoutFileRefusal::NotAReference { .. }));
    check(|f| f.transfers[0].debtor.bic = Some("maybank".into()), |r| matches!(r, PayoutFileRefusal::NotABic { .. }));
    check(
        |f| f.transfers.iter_mut().for_each(|t| t.amount = Money::new(i64::MAX, Currency::KWD)),
        |r| matches!(r, PayoutFileRefusal::SumTooLarge),
    );
}

#[test]
fn a_file_whose_sums_do_not_hold_is_refused() {
    let text = String::from_utf8(write(&three()).unwrap()).unwrap();
    let read_changed = |from: &str, to: &str| read(text.replacen(from, to, 1).as_bytes());
    let differs = |result: Result<Vec<Instruction>, XmlRefusal>, wanted: &str| match result {
        Err(XmlRefusal::ControlDiffers { element, stated, found, .. }) => {
            assert_eq!(format!("{element} {stated} {found}"), wanted);
        }
        other => panic!("{other:?}"),
    };
    let root = "Document/CstmrCdtTrfInitn";
    differs(read_changed("739.71", "739.72"), &format!("{root}/GrpHdr/CtrlSum 739.72 739.71000"));
    differs(read_changed("<NbOfTxs>3", "<NbOfTxs>2"), &format!("{root}/GrpHdr/NbOfTxs 2 3"));
    differs(read_changed(">239.71<", ">0<"), &format!("{root}/PmtInf/CtrlSum 0 239.71000"));
    // An amount changed on the way is seen too.
    differs(read_changed(">239.70<", ">239.80<"), &format!("{root}/PmtInf/CtrlSum 239.71 239.81000"));
    assert!(matches!(read_changed("pain.001.001.09", "pain.001.001.02"), Err(XmlRefusal::XmlOtherMessage { .. })));
    assert!(matches!(read_changed("<EndToEndId>pay01</EndToEndId>", ""), Err(XmlRefusal::ElementMissing { .. })));
}

#[test]
fn ids_fit_a_reference_and_come_back() {
    let id = "pay_0191f00000007000800000000000abcd";
    let reference = reference_of(id);
    assert_eq!(reference.len(), 35);
    assert_eq!(id_of(&reference).as_deref(), Some(id));
    for other in ["", "pay", "NOTPROVIDED", "0191f00000007000800000000000abcd", "Pay0191f00000007000800000000000abcd"] {
        assert_eq!(id_of(other), None, "{other}");
    }
}

proptest! {
    #[test]
    fn a_mutated_file_never_panics(at in 0_usize..4_000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = write(&three()).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if cut {
            bytes.truncate(at + 1);
        }
        let _ = read(&bytes);
    }

    #[test]
    fn every_file_that_is_written_reads_back_whole(
        amounts in proptest::collection::vec((1_i64..1_000_000_000, 0_usize..4), 1..20),
        name in "[ -~éüØ]{1,60}",
    ) {
        let currencies = [Currency::MYR, Currency::CNY, Currency::JPY, Currency::KWD];
        let make = |(i, (minor, c)): (usize, &(i64, usize))| {
            let mut t = transfer(&format!("p{i}"), *minor, currencies[*c]);
            t.creditor.name.clone_from(&name);
            t
        };
        let file = file(amounts.iter().enumerate().map(make).collect());
        if let Ok(bytes) = write(&file) {
            let read = read(&bytes).unwrap();
            prop_assert_eq!(read.len(), file.transfers.len());
            for t in &file.transfers {
                prop_assert!(read.iter().any(|i| i.end_to_end == t.end_to_end && i.amount == t.amount));
            }
        }
    }
}

#[test]
fn a_bank_in_china_takes_chinese_names_and_others_are_told_which_letter_they_cannot() {
    let mut chinese = transfer("pay01", 100, Currency::CNY);
    chinese.creditor.name = "杭州行迹贸易有限公司（余杭）".into();
    let written = |letters| write(&PayoutFile { letters, ..file(vec![chinese.clone()]) });
    let bytes = written(Letters::of(Currency::CNY)).unwrap();
    // The brackets are signs, so they are said as ASCII; the characters stay.
    assert!(String::from_utf8(bytes.clone()).unwrap().contains("<Nm>杭州行迹贸易有限公司(余杭)</Nm>"));
    if let Some(faults) = schema::faults(&bytes, "pain.001.001.09.xsd") {
        assert_eq!(faults, "");
    }
    match written(Letters::of(Currency::MYR)) {
        Err(PayoutFileRefusal::NotLatin { character, element, .. }) => {
            assert_eq!((character, &*element), ('杭', "Cdtr/Nm"))
        }
        other => panic!("{other:?}"),
    }
    // Thai letters are no Chinese.
    assert_eq!(Letters::Chinese.say("กาแฟ"), Err('ก'));
}
