//! Payouts to a bank: ISO 20022 pain.001, CustomerCreditTransferInitiation. Written as .09.
//!
//! Read by element names, so that the editions .03 to .12 are taken alike (the sandbox bank reads what
//! a hub writes, and tests read what others write).

use std::collections::HashSet;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trade::money::{Currency, Money, format_fixed, parse_fixed};
use trade::time::BusinessTime;

use crate::camt054::is_iban;
use crate::latin;
use crate::xml::{At, Out, Step, XmlRefusal, walk};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.";
const EDITIONS: RangeInclusive<u32> = 3..=12;
const WRITTEN_EDITION: &str = "09";
/// Transfers in one file; banks commonly take ten thousand or more.
pub const MAX_TRANSFERS: usize = 10_000;
/// `CtrlSum` adds currencies of zero to three digits; amounts in files may have five.
const SUM_DIGITS: u32 = 5;

/// Which letters a bank takes in names and remittances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// What all banks take.
    Latin,
    /// Chinese characters too: banks in China know their customers by them.
    Chinese,
}

impl Letters {
    /// Of the banks that pay in a currency at home. That payments within China carry Chinese names is
    /// general knowledge; everywhere else the common Latin characters are the safe ones.
    #[must_use]
    pub fn of(currency: Currency) -> Self {
        if currency == Currency::CNY { Self::Chinese } else { Self::Latin }
    }

    /// A text in these letters: accents dropped, signs replaced by their nearest.
    ///
    /// # Errors
    /// The first character that cannot be said in them.
    pub fn say(self, text: &str) -> Result<String, char> {
        // CJK unified ideographs and the middle dot of transcribed names.
        let is_chinese =
            |c: char| matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}' | '·');
        latin::for_payment_with(text, |c| self == Self::Chinese && is_chinese(c))
    }
}

/// A file of payouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutFile {
    /// Which the bank takes.
    pub letters: Letters,
    /// At most 30 characters, never used twice: the bank refuses a second file of the same id.
    pub message_id: String,
    pub created: BusinessTime,
    /// Who sends the file: the hub's operator.
    pub initiator: String,
    /// The day on which the bank is to pay, in the bank's zone.
    pub execution: Date,
    pub transfers: Vec<Transfer>,
}

/// One payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The payout's reference, at most 35 characters, unique in the file; see [`reference_of`].
    pub end_to_end: String,
    pub amount: Money,
    pub debtor: Holder,
    pub creditor: Holder,
    /// What the creditor's statement will show; at most 140 characters.
    pub remittance: String,
}

/// Who holds an account, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    /// IBAN, or another number of at most 34 characters.
    pub account: String,
    /// BIC of the bank, eight or eleven characters.
    pub bic: Option<String>,
}

/// Why a payout file cannot be written. `end_to_end` names the transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PayoutFileRefusal {
    NoTransfers,
    TooManyTransfers {
        got: usize,
        max: usize,
    },
    EndToEndTwice {
        end_to_end: String,
    },
    AmountNotPositive {
        end_to_end: String,
        amount: Money,
    },
    /// The bank takes Latin letters only, and this text has a character without a Latin form.
    NotLatin {
        end_to_end: String,
        element: String,
        got: String,
        character: char,
    },
    /// `element` takes 1 to `max` characters.
    TextLength {
        end_to_end: String,
        element: String,
        got: String,
        max: usize,
    },
    /// References have no blanks, and no slash at either end or next to another.
    NotAReference {
        element: String,
        got: String,
    },
    NotABic {
        end_to_end: String,
        got: String,
    },
    SumTooLarge,
}

/// The end-to-end reference of an id such as `pay_0191…`: ids have 36 characters, references 35 and no
/// underscore, so it is left out.
#[must_use]
pub fn reference_of(id: &str) -> String {
    id.replacen('_', "", 1)
}

/// The id that [`reference_of`] made this reference from: a prefix, then 32 hexadecimal digits.
#[must_use]
pub fn id_of(reference: &str) -> Option<String> {
    let cut = reference.len().checked_sub(32).filter(|cut| *cut > 0 && reference.is_char_boundary(*cut))?;
    let (prefix, digits) = reference.split_at(cut);
    let shaped = prefix.bytes().all(|b| b.is_ascii_lowercase()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    shaped.then(|| format!("{prefix}_{digits}"))
}

/// Writes a pain.001.001.09 in UTF-8, in the letters that the bank takes.
///
/// Transfers from one account in one currency make one payment information, in the order of their
/// first. Counts and control sums are exact; the sum of the file adds all currencies, as the standard
/// has it.
pub fn write(file: &PayoutFile) -> Result<Vec<u8>, PayoutFileRefusal> {
    let (groups, letters) = (grouped(&file.transfers)?, file.letters);
    let message_id = reference("MsgId", &file.message_id, 30)?;
    let all: Vec<&Transfer> = file.transfers.iter().collect();
    let mut out = Out::document(&format!("{NAMESPACE}{WRITTEN_EDITION}"));
    out.open("CstmrCdtTrfInitn").open("GrpHdr");
    out.leaf("MsgId", message_id).leaf("CreDtTm", &file.created.to_string());
    out.leaf("NbOfTxs", &all.len().to_string()).leaf("CtrlSum", &control_sum(&all)?);
    out.nested(&["InitgPty", "Nm"], &words(letters, "", "InitgPty/Nm", &file.initiator, 140)?).close();
    for (i, transfers) in (1_usize..).zip(&groups) {
        let first = transfers[0];
        let id = &first.end_to_end;
        out.open("PmtInf").leaf("PmtInfId", &format!("{message_id}-{i}")).leaf("PmtMtd", "TRF");
        out.leaf("NbOfTxs", &transfers.len().to_string()).leaf("CtrlSum", &control_sum(transfers)?);
        out.nested(&["ReqdExctnDt", "Dt"], &file.execution.to_string());
        out.nested(&["Dbtr", "Nm"], &words(letters, id, "Dbtr/Nm", &first.debtor.name, 140)?);
        out.open("DbtrAcct");
        account(&mut out, id, "DbtrAcct/Id", &first.debtor.account)?;
        out.leaf("Ccy", first.amount.currency().code()).close();
        agent(&mut out, "DbtrAgt", id, first.debtor.bic.as_deref())?;
        // Each side bears the charges of its own bank, so the payout arrives whole or the loss is seen.
        out.leaf("ChrgBr", "SHAR");
        for transfer in transfers {
            credit_transfer(&mut out, letters, transfer)?;
        }
        out.close();
    }
    Ok(out.finish())
}

fn credit_transfer(out: &mut Out, letters: Letters, transfer: &Transfer) -> Result<(), PayoutFileRefusal> {
    let id = &transfer.end_to_end;
    out.open("CdtTrfTxInf").nested(&["PmtId", "EndToEndId"], reference("EndToEndId", id, 35)?);
    out.open("Amt").amount("InstdAmt", transfer.amount).close();
    if let Some(bic) = transfer.creditor.bic.as_deref() {
        agent(out, "CdtrAgt", id, Some(bic))?;
    }
    out.nested(&["Cdtr", "Nm"], &words(letters, id, "Cdtr/Nm", &transfer.creditor.name, 140)?);
    out.open("CdtrAcct");
    account(out, id, "CdtrAcct/Id", &transfer.creditor.account)?;
    out.close();
    out.nested(&["RmtInf", "Ustrd"], &words(letters, id, "RmtInf/Ustrd", &transfer.remittance, 140)?);
    out.close();
    Ok(())
}

/// Transfers by debtor account and currency, after checking each on its own.
fn grouped(transfers: &[Transfer]) -> Result<Vec<Vec<&Transfer>>, PayoutFileRefusal> {
    if transfers.is_empty() {
        return Err(PayoutFileRefusal::NoTransfers);
    }
    if transfers.len() > MAX_TRANSFERS {
        return Err(PayoutFileRefusal::TooManyTransfers { got: transfers.len(), max: MAX_TRANSFERS });
    }
    let mut seen: HashSet<&str> = HashSet::new();
    let mut groups: Vec<Vec<&Transfer>> = Vec::new();
    for transfer in transfers {
        let end_to_end = transfer.end_to_end.clone();
        if !seen.insert(&transfer.end_to_end) {
            return Err(PayoutFileRefusal::EndToEndTwice { end_to_end });
        }
        if !transfer.amount.is_positive() {
            return Err(PayoutFileRefusal::AmountNotPositive { end_to_end, amount: transfer.amount });
        }
        let same = |t: &Transfer| t.debtor == transfer.debtor && t.amount.currency() == transfer.amount.currency();
        match groups.iter_mut().find(|g| same(g[0])) {
            Some(group) => group.push(transfer),
            None => groups.push(vec![transfer]),
        }
    }
    Ok(groups)
}

/// The sum of the plain numbers, whatever their currencies, with as many digits as the finest has.
fn control_sum(transfers: &[&Transfer]) -> Result<String, PayoutFileRefusal> {
    let digits = transfers.iter().map(|t| t.amount.currency().digits()).max().unwrap_or(0);
    let scaled = |t: &&Transfer| i128::from(t.amount.minor()) * 10_i128.pow(digits - t.amount.currency().digits());
    let sum: i128 = transfers.iter().map(scaled).sum();
    let sum = i64::try_from(sum).map_err(|_| PayoutFileRefusal::SumTooLarge)?;
    Ok(format_fixed(sum, digits))
}

/// Text in the bank's letters, of a length that the element takes.
fn words(
    letters: Letters,
    end_to_end: &str,
    element: &str,
    text: &str,
    max: usize,
) -> Result<String, PayoutFileRefusal> {
    let (end_to_end, element) = (end_to_end.to_owned(), element.to_owned());
    let got = text.chars().take(160).collect();
    let said = match letters.say(text) {
        Ok(said) => said,
        Err(character) => return Err(PayoutFileRefusal::NotLatin { end_to_end, element, got, character }),
    };
    if said.is_empty() || said.chars().count() > max {
        return Err(PayoutFileRefusal::TextLength { end_to_end, element, got, max });
    }
    Ok(said)
}

fn reference<'a>(element: &str, text: &'a str, max: usize) -> Result<&'a str, PayoutFileRefusal> {
    if text.is_empty() || text.len() > max {
        let got = text.chars().take(160).collect();
        return Err(PayoutFileRefusal::TextLength { end_to_end: String::new(), element: element.to_owned(), got, max });
    }
    let clean = text.chars().all(|c| latin::is_payment_char(c) && c != ' ');
    if !clean || text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        return Err(PayoutFileRefusal::NotAReference { element: element.to_owned(), got: text.to_owned() });
    }
    Ok(text)
}

fn account(out: &mut Out, end_to_end: &str, element: &str, number: &str) -> Result<(), PayoutFileRefusal> {
    if is_iban(number) {
        out.nested(&["Id", "IBAN"], number);
    } else {
        out.nested(&["Id", "Othr", "Id"], &words(Letters::Latin, end_to_end, element, number, 34)?);
    }
    Ok(())
}

fn agent(out: &mut Out, name: &'static str, end_to_end: &str, bic: Option<&str>) -> Result<(), PayoutFileRefusal> {
    match bic {
        Some(bic) if is_bic(bic) => out.nested(&[name, "FinInstnId", "BICFI"], bic),
        Some(bic) => {
            let got = bic.chars().take(40).collect();
            return Err(PayoutFileRefusal::NotABic { end_to_end: end_to_end.to_owned(), got });
        }
        // The element must be there; this is what schemes write when the bank follows from the account.
        None => out.nested(&[name, "FinInstnId", "Othr", "Id"], "NOTPROVIDED"),
    };
    Ok(())
}

/// ISO 9362: four characters of the bank, two of the country, two of the place, three of the branch.
fn is_bic(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && bytes[4..6].iter().all(u8::is_ascii_uppercase)
}

/// One transfer as a bank is told to make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    pub end_to_end: String,
    pub amount: Money,
    pub debtor_name: Option<String>,
    pub debtor_account: String,
    pub creditor_name: Option<String>,
    pub creditor_account: String,
    pub remittance: Vec<String>,
    /// The day asked for, `2026-11-23`.
    pub execution: Option<String>,
}

/// What is collected of one transfer; what stands above it in its payment information is copied in.
#[derive(Clone, Default)]
struct Reading {
    end_to_end: String,
    amount: Option<Money>,
    debtor_name: Option<String>,
    debtor_account: String,
    creditor_name: Option<String>,
    creditor_account: String,
    remittance: Vec<String>,
    execution: Option<String>,
}

/// What a file or a payment information says it holds, and what was found in it.
#[derive(Default)]
struct Control {
    count: Option<(u32, String)>,
    sum: Option<(u32, String)>,
    found: usize,
    total: i128,
}

impl Control {
    fn take(&mut self, at: &At<'_>) {
        match at.name() {
            "NbOfTxs" => self.count = Some((at.line(), at.text.to_owned())),
            "CtrlSum" => self.sum = Some((at.line(), at.text.to_owned())),
            _ => {}
        }
    }

    fn add(&mut self, amount: Money) {
        let scale = 10_i128.pow(SUM_DIGITS.saturating_sub(amount.currency().digits()));
        self.found += 1;
        self.total += i128::from(amount.minor()) * scale;
    }

    fn check(&self, element: &str) -> Result<(), XmlRefusal> {
        let differs = |line: u32, name: &str, stated: &str, found: String| {
            let element = format!("{element}/{name}");
            Err(XmlRefusal::ControlDiffers { line, element, stated: stated.chars().take(40).collect(), found })
        };
        if let Some((line, stated)) = &self.count
            && stated.parse() != Ok(self.found)
        {
            return differs(*line, "NbOfTxs", stated, self.found.to_string());
        }
        if let Some((line, stated)) = &self.sum
            && parse_fixed(stated, SUM_DIGITS).map(i128::from) != Ok(self.total)
        {
            let found = i64::try_from(self.total).map(|t| format_fixed(t, SUM_DIGITS)).unwrap_or_default();
            return differs(*line, "CtrlSum", stated, found);
        }
        Ok(())
    }
}

/// Reads a file of credit transfers and checks its counts and control sums.
pub fn read(bytes: &[u8]) -> Result<Vec<Instruction>, XmlRefusal> {
    let mut done: Vec<Instruction> = Vec::new();
    let (mut file, mut group) = (Control::default(), Control::default());
    let mut shared = Reading::default();
    let mut open: Option<Reading> = None;
    let edition = walk(bytes, NAMESPACE, |step| {
        match step {
            Step::Start(at) => match at.name() {
                "PmtInf" => (shared, group) = (Reading::default(), Control::default()),
                "CdtTrfTxInf" => open = Some(shared.clone()),
                _ => {}
            },
            Step::End(at) if at.ends(&["PmtInf", "CdtTrfTxInf"]) => {
                let one = open.take().unwrap_or_default();
                let one = one.instruction(&at)?;
                if done.len() >= MAX_TRANSFERS {
                    return Err(XmlRefusal::TooManyTransactions { line: at.line(), max: MAX_TRANSFERS });
                }
                group.add(one.amount);
                file.add(one.amount);
                done.push(one);
            }
            Step::End(at) => match open.as_mut() {
                Some(one) => one.take(&at)?,
                None if at.ends(&["GrpHdr", at.name()]) => file.take(&at),
                None if at.ends(&["CstmrCdtTrfInitn", "PmtInf"]) => group.check(&at.element())?,
                None if at.ends(&["CstmrCdtTrfInitn"]) => file.check(&format!("{}/GrpHdr", at.element()))?,
                None => {
                    if at.ends(&["PmtInf", at.name()]) {
                        group.take(&at);
                    }
                    shared.take(&at)?;
                }
            },
        }
        Ok(())
    })?;
    if edition.parse::<u32>().is_ok_and(|e| edition.len() == 2 && EDITIONS.contains(&e)) {
        Ok(done)
    } else {
        let got = format!("{NAMESPACE}{}", edition.chars().take(20).collect::<String>());
        Err(XmlRefusal::XmlOtherMessage { expected: format!("{NAMESPACE}{WRITTEN_EDITION}"), got })
    }
}

impl Reading {
    fn instruction(self, at: &At<'_>) -> Result<Instruction, XmlRefusal> {
        let amount = self.amount.ok_or_else(|| at.missing("Amt/InstdAmt"))?;
        let filled = |text: String, element: &str| if text.is_empty() { Err(at.missing(element)) } else { Ok(text) };
        Ok(Instruction {
            end_to_end: filled(self.end_to_end, "PmtId/EndToEndId")?,
            amount,
            debtor_name: self.debtor_name,
            debtor_account: filled(self.debtor_account, "../DbtrAcct/Id")?,
            creditor_name: self.creditor_name,
            creditor_account: filled(self.creditor_account, "CdtrAcct/Id")?,
            remittance: self.remittance,
            execution: self.execution,
        })
    }

    fn take(&mut self, at: &At<'_>) -> Result<(), XmlRefusal> {
        let some = || (!at.text.is_empty()).then(|| at.text.to_owned());
        let number = |of: &str| at.ends(&[of, "Id", "IBAN"]) || at.ends(&[of, "Id", "Othr", "Id"]);
        if at.ends(&["CdtTrfTxInf", "Amt", "InstdAmt"]) {
            self.amount = Some(at.amount()?);
        } else if at.ends(&["PmtId", "EndToEndId"]) {
            self.end_to_end = at.text.to_owned();
        } else if at.ends(&["Dbtr", "Nm"]) {
            self.debtor_name = some();
        } else if number("DbtrAcct") {
            self.debtor_account = at.text.to_owned();
        } else if at.ends(&["Cdtr", "Nm"]) {
            self.creditor_name = some();
        } else if number("CdtrAcct") {
            self.creditor_account = at.text.to_owned();
        } else if at.ends(&["RmtInf", "Ustrd"]) && self.remittance.len() < 20 {
            self.remittance.extend(some());
        } else if at.ends(&["ReqdExctnDt"]) || at.ends(&["ReqdExctnDt", "Dt"]) || at.ends(&["ReqdExctnDt", "DtTm"]) {
            self.execution = self.execution.take().or_else(|| some().map(|t| t.chars().take(10).collect()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
