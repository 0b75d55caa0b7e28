//! A whole nomenclature as a table, loaded beside our own wording.
//!
//! Rows as the public tables of the Harmonized System have them: `section,hscode,description,parent,level`
//! with two, four or six digits; `description_ms` and `description_zh` where there are such columns. A code
//! that is already worded keeps its wording. Rows of statistics (chapter 99,
//! `TOTAL`) are no goods and are passed over.

use std::collections::BTreeSet;

use serde::Serialize;

use super::wording::{CHINESE, ENGLISH, Entry, Keyword, MALAY, Wording, Words3};

/// Rows of one file; the nomenclature of 2022 has 6,936, and its table four of statistics.
const ROWS: usize = 20_000;
/// What tables for statistics have beside the nomenclature: goods of no known kind, and the sum of all goods.
/// Neither is a code by which goods are declared: the nomenclature leaves chapter 99 to each country's own use.
const OF_STATISTICS: [&str; 4] = ["99", "9999", "999999", "TOTAL"];
const FAULTS: usize = 20;

/// Why a row cannot be taken; the first row after the head is row 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    pub row: usize,
    #[serde(flatten)]
    pub fault: RowFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RowFault {
    /// A quotation mark that is never closed.
    RowNotClosed,
    /// The head has no such column.
    RowNoColumn {
        column: &'static str,
    },
    /// Not two, four or six digits.
    RowNotACode {
        got: String,
    },
    RowTwice {
        got: String,
    },
    RowNoDescription {
        got: String,
    },
    /// More rows than can be taken.
    RowTooMany {
        most: usize,
    },
}

/// Cuts a table of comma-separated values (RFC 4180) into rows of cells.
pub fn rows(text: &str) -> Result<Vec<Vec<String>>, RowError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut all, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    let error = |row: usize, fault| RowError { row: row + 1, fault };
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                if row.iter().any(|cell| !cell.trim().is_empty()) {
                    all.push(std::mem::take(&mut row));
                }
                row.clear();
                if all.len() > ROWS {
                    return Err(error(all.len() - 1, RowFault::RowTooMany { most: ROWS }));
                }
            }
            c => cell.push(c),
        }
    }
    if quoted {
        return Err(error(all.len(), RowFault::RowNotClosed));
    }
    row.push(cell);
    if row.iter().any(|cell| !cell.trim().is_empty()) {
        all.push(row);
    }
    Ok(all)
}

impl Wording {
    /// Adds the codes of a table. With one bad row nothing is taken; the first twenty are named.
    /// Gives how many codes of six digits were read.
    pub fn extend(&mut self, table: &str) -> Result<usize, Vec<RowError>> {
        let rows = rows(table).map_err(|e| vec![e])?;
        let mut lines = rows.into_iter().zip(1..);
        let head: Vec<String> =
            lines.next().map(|(cells, _)| cells.iter().map(|c| c.trim().to_lowercase()).collect()).unwrap_or_default();
        let column = |name: &str| head.iter().position(|cell| cell == name);
        let needed = |name: &'static str| {
            column(name).ok_or_else(|| vec![RowError { row: 1, fault: RowFault::RowNoColumn { column: name } }])
        };
        let (code_at, en_at) = (needed("hscode")?, needed("description")?);
        let (ms_at, zh_at) = (column("description_ms"), column("description_zh"));
        let (mut faults, mut seen, mut taken) = (Vec::new(), BTreeSet::new(), Vec::new());
        for (cells, row) in lines {
            let cell = |at: usize| cells.get(at).map_or("", |c| c.trim());
            let mut fault = |fault| {
                if faults.len() < FAULTS {
                    faults.push(RowError { row, fault });
                }
            };
            let code: String = cell(code_at).chars().filter(|c| *c != '.').collect();
            let got = || code.chars().take(20).collect::<String>();
            if OF_STATISTICS.contains(&code.as_str()) {
                continue;
            }
            if !matches!(code.len(), 2 | 4 | 6) || !code.bytes().all(|b| b.is_ascii_digit()) {
                fault(RowFault::RowNotACode { got: got() });
            } else if !seen.insert(code.clone()) {
                fault(RowFault::RowTwice { got: got() });
            } else if cell(en_at).is_empty() {
                fault(RowFault::RowNoDescription { got: got() });
            } else {
                let words = |at: Option<usize>| at.map_or(String::new(), |at| cell(at).to_owned());
                taken.push((code, Words3 { en: words(Some(en_at)), ms: words(ms_at), zh: words(zh_at) }));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let worded: BTreeSet<String> = self.entries.iter().map(|e| e.hs6.clone()).collect();
        let mut codes = 0;
        for (code, name) in taken {
            match code.len() {
                4 => {
                    self.headings.entry(code).or_insert(name);
                }
                6 => {
                    codes += 1;
                    if !worded.contains(&code) {
                        self.add(code, name);
                    }
                }
                _ => {}
            }
        }
        self.entries.sort_by(|a, b| a.hs6.cmp(&b.hs6));
        Ok(codes)
    }

    fn add(&mut self, hs6: String, name: Words3) {
        let keywords = [(&name.en, ENGLISH), (&name.ms, MALAY), (&name.zh, CHINESE)]
            .into_iter()
            .filter(|(text, _)| !text.is_empty())
            .map(|(text, tongue)| Keyword { text: text.clone(), tongue })
            .collect();
        self.entries.push(Entry { hs6, name, keywords, loaded: true, ..Entry::default() });
    }
}
