//! The bank's notice of credits and debits: ISO 20022 camt.054, BankToCustomerDebitCreditNotification.
//!
//! Read by element names, so that the editions .02 to .12 are taken alike: from .08 on a party's name
//! stands in `Dbtr/Pty/Nm` and a status in `Sts/Cd`, before it in `Dbtr/Nm` and `Sts`; in .02 the
//! amount of one transaction stands in `AmtDtls/TxAmt/Amt`. Written as .08.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use trade::money::Money;
use trade::time::BusinessTime;

use crate::xml::{At, Out, Step, XmlRefusal, walk};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.";
const EDITIONS: RangeInclusive<u32> = 2..=12;
const WRITTEN_EDITION: &str = "08";
/// Transactions in one file; a busy hub gets one file an hour or more.
pub const MAX_ENTRIES: usize = 50_000;
/// `Ustrd` may repeat without end in the standard; no payer writes more.
const MAX_REMITTANCE_LINES: usize = 20;

/// One transaction on an account, as the bank tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Money came in. False: money went out.
    pub credit: bool,
    /// It undoes an earlier booking (`RvslInd`); `credit` is still its own direction.
    pub reversal: bool,
    pub amount: Money,
    /// The bank's own reference, unique on the account: `AcctSvcrRef`, else `NtryRef`. Where several
    /// transactions share the reference of their entry, `/1`, `/2` … in their order is added.
    pub bank_reference: String,
    /// What the payer's side named the payment (`EndToEndId`), unless `NOTPROVIDED`.
    pub end_to_end: Option<String>,
    /// Free lines (`Ustrd`), then creditor references (`CdtrRefInf/Ref`).
    pub remittance: Vec<String>,
    pub payer_name: Option<String>,
    /// LEI, BIC or another number of the debtor.
    pub payer_id: Option<String>,
    /// IBAN or another account number of the debtor.
    pub payer_account: Option<String>,
    /// The account that this notice is about.
    pub account: String,
    /// Booking date, `2026-11-23`, as the bank writes it.
    pub booked: Option<String>,
    pub status: Status,
}

/// Whether the money is there. Only booked entries are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Status {
    Booked,
    Pending,
    Future,
    Information,
    Other { got: String },
}

impl Status {
    fn of(code: &str) -> Self {
        match code {
            "BOOK" => Self::Booked,
            "PDNG" => Self::Pending,
            "FUTR" => Self::Future,
            "INFO" => Self::Information,
            other => Self::Other { got: other.chars().take(35).collect() },
        }
    }

    fn code(&self) -> &str {
        match self {
            Self::Booked => "BOOK",
            Self::Pending => "PDNG",
            Self::Future => "FUTR",
            Self::Information => "INFO",
            Self::Other { got } => got,
        }
    }
}

/// What is collected of one `TxDtls`, or of an entry without any.
#[derive(Default)]
struct Details {
    credit: Option<bool>,
    amount: Option<Money>,
    /// `AmtDtls/TxAmt/Amt`, where `Amt` is not given.
    transaction_amount: Option<Money>,
    reference: Option<String>,
    end_to_end: Option<String>,
    lines: Vec<String>,
    references: Vec<String>,
    payer_name: Option<String>,
    payer_id: Option<String>,
    payer_account: Option<String>,
}

#[derive(Default)]
struct Booking {
    amount: Option<Money>,
    credit: Option<bool>,
    reversal: bool,
    status: Option<Status>,
    booked: Option<String>,
    reference: Option<String>,
    own_reference: Option<String>,
    details: Vec<Details>,
}

/// Reads a notice: one entry for each transaction detail, or for each booking that has none.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, XmlRefusal> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut account: Option<String> = None;
    let mut booking: Option<Booking> = None;
    let mut transactions = 0_usize;
    let edition = walk(bytes, NAMESPACE, |step| {
        match step {
            Step::Start(at) => match at.name() {
                "Ntfctn" => account = None,
                "Ntry" if at.ends(&["Ntfctn", "Ntry"]) => booking = Some(Booking::default()),
                "TxDtls" => {
                    transactions += 1;
                    if transactions > MAX_ENTRIES {
                        return Err(XmlRefusal::TooManyTransactions { line: at.line(), max: MAX_ENTRIES });
                    }
                    if let Some(open) = booking.as_mut() {
                        open.details.push(Details::default());
                    }
                }
                _ => {}
            },
            Step::End(at) if at.ends(&["Ntfctn", "Ntry"]) => {
                let account = account.clone().ok_or_else(|| at.missing("../Acct/Id"))?;
                let closed = booking.take().unwrap_or_default();
                let added = closed.entries(&account, &at)?;
                if entries.len() + added.len() > MAX_ENTRIES {
                    return Err(XmlRefusal::TooManyTransactions { line: at.line(), max: MAX_ENTRIES });
                }
                entries.extend(added);
            }
            Step::End(at) => match booking.as_mut() {
                Some(open) => match open.details.last_mut() {
                    Some(details) if at.inside("TxDtls") => details.take(&at)?,
                    _ => open.take(&at)?,
                },
                None => {
                    if at.ends(&["Ntfctn", "Acct", "Id", "IBAN"]) || at.ends(&["Ntfctn", "Acct", "Id", "Othr", "Id"]) {
                        account = some(&at);
                    }
                }
            },
        }
        Ok(())
    })?;
    if edition.parse::<u32>().is_ok_and(|e| edition.len() == 2 && EDITIONS.contains(&e)) {
        Ok(entries)
    } else {
        let got = format!("{NAMESPACE}{}", edition.chars().take(20).collect::<String>());
        Err(XmlRefusal::XmlOtherMessage { expected: format!("{NAMESPACE}{WRITTEN_EDITION}"), got })
    }
}

fn some(at: &At<'_>) -> Option<String> {
    (!at.text.is_empty()).then(|| at.text.to_owned())
}

fn credit(at: &At<'_>) -> Result<Option<bool>, XmlRefusal> {
    match at.text {
        "CRDT" => Ok(Some(true)),
        "DBIT" => Ok(Some(false)),
        _ => Err(at.not_taken()),
    }
}

impl Booking {
    fn take(&mut self, at: &At<'_>) -> Result<(), XmlRefusal> {
        if at.ends(&["Ntry", "Amt"]) {
            self.amount = Some(at.amount()?);
        } else if at.ends(&["Ntry", "CdtDbtInd"]) {
            self.credit = credit(at)?;
        } else if at.ends(&["Ntry", "RvslInd"]) {
            self.reversal = match at.text {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return Err(at.not_taken()),
            };
        } else if at.ends(&["Ntry", "Sts"]) && !at.text.is_empty()
            || at.ends(&["Sts", "Cd"])
            || at.ends(&["Sts", "Prtry"])
        {
            self.status = Some(Status::of(at.text));
        } else if at.ends(&["BookgDt", "Dt"]) || at.ends(&["BookgDt", "DtTm"]) {
            self.booked = some(at).map(|t| t.chars().take(10).collect());
        } else if at.ends(&["Ntry", "AcctSvcrRef"]) {
            self.reference = some(at);
        } else if at.ends(&["Ntry", "NtryRef"]) {
            self.own_reference = some(at);
        }
        Ok(())
    }

    fn entries(self, account: &str, at: &At<'_>) -> Result<Vec<Entry>, XmlRefusal> {
        let whole = self.amount.ok_or_else(|| at.missing("Amt"))?;
        let credit = self.credit.ok_or_else(|| at.missing("CdtDbtInd"))?;
        let status = self.status.ok_or_else(|| at.missing("Sts"))?;
        let shared = self.reference.or(self.own_reference);
        let alone = self.details.len() <= 1;
        let details = if self.details.is_empty() { vec![Details::default()] } else { self.details };
        let one = |(i, d): (usize, Details)| {
            let amount = match d.amount.or(d.transaction_amount) {
                Some(amount) => amount,
                None if alone => whole,
                None => return Err(at.missing("NtryDtls/TxDtls/Amt")),
            };
            let counted = shared.as_ref().map(|r| if alone { r.clone() } else { format!("{r}/{}", i + 1) });
            // A detail that repeats the reference of its entry is not yet told from the others.
            let own = d.reference.filter(|r| alone || shared.as_ref() != Some(r));
            let bank_reference = own.or(counted).ok_or_else(|| at.missing("AcctSvcrRef"))?;
            Ok(Entry {
                credit: d.credit.unwrap_or(credit),
                reversal: self.reversal,
                amount,
                bank_reference,
                end_to_end: d.end_to_end.filter(|e| e != "NOTPROVIDED"),
                remittance: d.lines.into_iter().chain(d.references).collect(),
                payer_name: d.payer_name,
                payer_id: d.payer_id,
                payer_account: d.payer_account,
                account: account.to_owned(),
                booked: self.booked.clone(),
                status: status.clone(),
            })
        };
        details.into_iter().enumerate().map(one).collect()
    }
}

impl Details {
    fn take(&mut self, at: &At<'_>) -> Result<(), XmlRefusal> {
        let debtor = at.inside("RltdPties") && at.inside("Dbtr");
        if at.ends(&["TxDtls", "Amt"]) {
            self.amount = Some(at.amount()?);
        } else if at.ends(&["TxDtls", "AmtDtls", "TxAmt", "Amt"]) {
            self.transaction_amount = Some(at.amount()?);
        } else if at.ends(&["TxDtls", "CdtDbtInd"]) {
            self.credit = credit(at)?;
        } else if at.ends(&["Refs", "AcctSvcrRef"]) {
            self.reference = some(at);
        } else if at.ends(&["Refs", "EndToEndId"]) {
            self.end_to_end = some(at);
        } else if at.ends(&["RmtInf", "Ustrd"]) && self.lines.len() < MAX_REMITTANCE_LINES {
            self.lines.extend(some(at));
        } else if at.ends(&["Strd", "CdtrRefInf", "Ref"]) && self.references.len() < MAX_REMITTANCE_LINES {
            self.references.extend(some(at));
        } else if at.ends(&["Dbtr", "Nm"]) || at.ends(&["Dbtr", "Pty", "Nm"]) {
            self.payer_name = some(at);
        } else if debtor && (at.ends(&["Othr", "Id"]) || matches!(at.name(), "LEI" | "AnyBIC" | "BICOrBEI")) {
            self.payer_id = self.payer_id.take().or_else(|| some(at));
        } else if at.ends(&["DbtrAcct", "Id", "IBAN"]) || at.ends(&["DbtrAcct", "Id", "Othr", "Id"]) {
            self.payer_account = some(at);
        }
        Ok(())
    }
}

/// A notice to write: what one account was credited or debited with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// At most 35 characters.
    pub message_id: String,
    pub created: BusinessTime,
    /// IBAN, or another number of at most 34 characters.
    pub account: String,
    pub entries: Vec<Entry>,
}

/// Why a notice cannot be written: the standard's lengths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NoticeRefusal {
    /// `element` takes 1 to `max` characters.
    TextLength {
        element: String,
        got: String,
        max: usize,
    },
    /// An entry is about another account than the notice.
    OtherAccount {
        expected: String,
        got: String,
    },
    AmountNegative {
        got: Money,
    },
}

/// Writes a camt.054.001.08 in UTF-8, one booking with one transaction detail for each entry.
pub fn write(notice: &Notice) -> Result<Vec<u8>, NoticeRefusal> {
    let mut out = Out::document(&format!("{NAMESPACE}{WRITTEN_EDITION}"));
    out.open("BkToCstmrDbtCdtNtfctn").open("GrpHdr");
    out.leaf("MsgId", sized("MsgId", &notice.message_id, 35)?).leaf("CreDtTm", &notice.created.to_string()).close();
    out.open("Ntfctn").leaf("Id", &notice.message_id).leaf("CreDtTm", &notice.created.to_string());
    out.open("Acct");
    account(&mut out, "Acct/Id", &notice.account)?;
    out.close();
    for entry in &notice.entries {
        if entry.account != notice.account {
            return Err(NoticeRefusal::OtherAccount { expected: notice.account.clone(), got: entry.account.clone() });
        }
        booking(&mut out, entry)?;
    }
    Ok(out.finish())
}

fn booking(out: &mut Out, entry: &Entry) -> Result<(), NoticeRefusal> {
    if entry.amount.minor() < 0 {
        return Err(NoticeRefusal::AmountNegative { got: entry.amount });
    }
    let direction = if entry.credit { "CRDT" } else { "DBIT" };
    let reference = sized("AcctSvcrRef", &entry.bank_reference, 35)?;
    out.open("Ntry").amount("Amt", entry.amount).leaf("CdtDbtInd", direction);
    if entry.reversal {
        out.leaf("RvslInd", "true");
    }
    // A status of the code list has four letters; a bank's own is proprietary.
    let proprietary = matches!(entry.status, Status::Other { .. });
    out.nested(&["Sts", if proprietary { "Prtry" } else { "Cd" }], sized("Sts", entry.status.code(), 35)?);
    if let Some(date) = &entry.booked {
        out.nested(&["BookgDt", "Dt"], sized("BookgDt", date, 10)?);
    }
    out.leaf("AcctSvcrRef", reference);
    // Payments, received or issued credit transfers, domestic: the common family.
    let family = if entry.credit { "RCDT" } else { "ICDT" };
    out.open("BkTxCd").open("Domn").leaf("Cd", "PMNT").open("Fmly").leaf("Cd", family).leaf("SubFmlyCd", "DMCT");
    out.close().close().close();
    out.open("NtryDtls").open("TxDtls").open("Refs").leaf("AcctSvcrRef", reference);
    out.leaf("EndToEndId", sized("EndToEndId", entry.end_to_end.as_deref().unwrap_or("NOTPROVIDED"), 35)?).close();
    out.amount("Amt", entry.amount).leaf("CdtDbtInd", direction);
    if entry.payer_name.is_some() || entry.payer_id.is_some() || entry.payer_account.is_some() {
        out.open("RltdPties");
        if entry.payer_name.is_some() || entry.payer_id.is_some() {
            out.open("Dbtr").open("Pty");
            if let Some(name) = &entry.payer_name {
                out.leaf("Nm", sized("Nm", name, 140)?);
            }
            if let Some(id) = &entry.payer_id {
                out.nested(&["Id", "OrgId", "Othr", "Id"], sized("Othr/Id", id, 35)?);
            }
            out.close().close();
        }
        if let Some(number) = &entry.payer_account {
            out.open("DbtrAcct");
            account(out, "DbtrAcct/Id", number)?;
            out.close();
        }
        out.close();
    }
    if !entry.remittance.is_empty() {
        out.open("RmtInf");
        for line in &entry.remittance {
            out.leaf("Ustrd", sized("Ustrd", line, 140)?);
        }
        out.close();
    }
    out.close().close().close();
    Ok(())
}

fn account(out: &mut Out, element: &str, number: &str) -> Result<(), NoticeRefusal> {
    if is_iban(number) {
        out.nested(&["Id", "IBAN"], number);
    } else {
        out.nested(&["Id", "Othr", "Id"], sized(element, number, 34)?);
    }
    Ok(())
}

fn sized<'a>(element: &str, text: &'a str, max: usize) -> Result<&'a str, NoticeRefusal> {
    if text.is_empty() || text.chars().count() > max {
        let got = text.chars().take(160).collect();
        return Err(NoticeRefusal::TextLength { element: element.to_owned(), got, max });
    }
    Ok(text)
}

/// ISO 13616: country, two check digits, up to thirty letters and digits; remainder 1 modulo 97.
pub(crate) fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if !shaped {
        return false;
    }
    let value = |b: &u8| if b.is_ascii_digit() { u32::from(b - b'0') } else { u32::from(b - b'A') + 10 };
    let fold = |rest: u32, b: &u8| {
        let v = value(b);
        (rest * if v > 9 { 100 } else { 10 } + v).rem_euclid(97)
    };
    bytes[4..].iter().chain(&bytes[..4]).fold(0, fold) == 1
}

#[cfg(test)]
mod tests;
