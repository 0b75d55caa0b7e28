//! Classification: which codes of the Harmonized System (HS 2022) a text about goods speaks for.
//!
//! A seller says in English, Malay or Chinese what is sold, and gets codes of six digits, best first, each
//! with how sure it is and by which words, and where two are close the one question that separates them. A
//! suggestion, never a ruling: the seller declares. Codes are found by our own wording in
//! `rulebooks/nomenclature/`; the method and what it is worth are told in `docs/classification.md`.
//!
//! Exact integers throughout; the same text and wording give the same answer for ever.

mod index;
pub mod measure;
mod nomenclature;
mod question;
#[cfg(test)]
mod tests;
mod text;
mod wording;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Serialize;

pub use index::{Evidence, EvidenceKind};
pub use nomenclature::{RowError, RowFault, rows};
pub use question::{Question, QuestionAnswer};
pub use wording::{Wording, WordingError, WordingFault, Words3};

use index::{Index, Reading};
use question::{Chosen, question};

/// Characters of one text; a product's description has at most 400.
pub const TEXT_MOST: usize = 500;
/// Codes that are told.
pub const CODES_MOST: usize = 10;
/// Questions that one text can be asked, one after the other.
pub const ANSWERS_MOST: usize = 6;
/// Codes of a heading or chapter that are told.
const UNDER_MOST: usize = 60;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../rulebooks/nomenclature/", $name)))),+]
    };
}

/// The wording that is built in.
pub const BUILTIN: &[(&str, &str)] = files![
    "common.toml",
    "attributes.toml",
    "attributes-goods.toml",
    "food.toml",
    "pantry.toml",
    "care.toml",
    "plastics-leather-wood.toml",
    "paper-cloth.toml",
    "clothes.toml",
    "home-textiles-shoes.toml",
    "ceramics-jewellery-metal.toml",
    "machines.toml",
    "electronics.toml",
    "vehicles-instruments.toml",
    "furniture-toys.toml",
];

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskClassification {
    pub text: String,
    /// Earlier answers to questions, as [`QuestionAnswer::answer`] has them.
    pub answers: Vec<String>,
}

/// Why nothing can be said of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ClassifyRefusal {
    ClassificationEmpty,
    ClassificationTooLong {
        got: usize,
        most: usize,
    },
    /// Only digits, of which no code begins so.
    ClassificationCodeUnknown {
        got: String,
    },
    /// One, three or five digits, or more than ten. It is never padded.
    ClassificationCodeLength {
        got: String,
    },
    /// Nothing here knows these words.
    ClassificationNoWords {
        words: String,
    },
    ClassificationAnswerUnknown {
        got: String,
    },
    ClassificationTooManyAnswers {
        got: usize,
        most: usize,
    },
}

/// How the text was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "as", rename_all = "kebab-case")]
pub enum ReadAs {
    Words,
    /// The digits of a chapter or heading; the codes are those under it.
    Heading {
        digits: String,
        name: Words3,
    },
    /// A whole code. Of a national one the first six digits are used.
    Code {
        digits: String,
    },
    /// A code of an earlier edition; the codes are those that came in its place.
    EarlierEdition {
        digits: String,
    },
}

/// One code, with why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    pub hs6: String,
    pub name: Words3,
    /// Per cent; none where the digits were typed and nothing is guessed.
    pub confidence: Option<u32>,
    /// The share of all weights, per mille, before it is calibrated.
    #[serde(skip)]
    pub share: u32,
    pub why: Vec<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Classification {
    pub read: ReadAs,
    /// Best first.
    pub codes: Vec<Candidate>,
    pub question: Option<Question>,
    /// Words that nothing here knows.
    pub unknown: Vec<String>,
}

/// The wording with its index.
#[derive(Clone, Debug)]
pub struct Classifier {
    wording: Wording,
    index: Index,
}

/// The classifier that is built in.
pub fn builtin() -> &'static Classifier {
    static BUILT: LazyLock<Classifier> =
        LazyLock::new(|| Classifier::of(Wording::read(BUILTIN).expect("a test reads the wording that is built in")));
    &BUILT
}

impl Classifier {
    #[must_use]
    pub fn of(wording: Wording) -> Self {
        let index = Index::of(&wording);
        Self { wording, index }
    }

    #[must_use]
    pub fn wording(&self) -> &Wording {
        &self.wording
    }

    /// Codes of six digits that are known.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.wording.entries.iter().map(|e| e.hs6.as_str())
    }

    /// Our own description of a code.
    #[must_use]
    pub fn name(&self, hs6: &str) -> Option<&Words3> {
        self.wording.entries.iter().find(|e| e.hs6 == hs6).map(|e| &e.name)
    }

    /// Ranks the codes for a text.
    pub fn classify(&self, ask: &AskClassification) -> Result<Classification, ClassifyRefusal> {
        let text = ask.text.trim();
        let length = text.chars().count();
        if length > TEXT_MOST {
            return Err(ClassifyRefusal::ClassificationTooLong { got: length, most: TEXT_MOST });
        }
        let folded = text::folded(text);
        if !folded.chars().any(char::is_alphanumeric) {
            return Err(ClassifyRefusal::ClassificationEmpty);
        }
        if ask.answers.len() > ANSWERS_MOST {
            return Err(ClassifyRefusal::ClassificationTooManyAnswers { got: ask.answers.len(), most: ANSWERS_MOST });
        }
        let (digits, rest) = typed_code(&folded);
        if let Some(digits) = &digits {
            let answer = self.by_digits(digits);
            // Words beside a heading's digits choose under it.
            if rest.trim().is_empty() || answer.is_err() || digits.len() >= 6 {
                return answer;
            }
        }
        let mut chosen = Vec::new();
        for answer in &ask.answers {
            let unknown = || ClassifyRefusal::ClassificationAnswerUnknown { got: answer.chars().take(60).collect() };
            chosen.push(Chosen::read(answer, &self.wording).ok_or_else(unknown)?);
        }
        let rest = if digits.is_some() { rest } else { folded };
        let mut reading = self.index.read(&rest, &self.wording);
        let under = digits.unwrap_or_default();
        reading.scored.retain(|s| {
            let is_under = self.wording.entries.get(s.entry).is_some_and(|e| e.hs6.starts_with(&under));
            is_under && chosen.iter().all(|c| c.leaves(s.entry, &self.wording))
        });
        self.ranked(&reading, &chosen, &under)
    }

    fn ranked(&self, reading: &Reading, chosen: &[Chosen], under: &str) -> Result<Classification, ClassifyRefusal> {
        if reading.scored.is_empty() {
            if !under.is_empty() {
                return self.by_digits(under);
            }
            if reading.words == 0 {
                return Err(ClassifyRefusal::ClassificationEmpty);
            }
            let words = reading.unknown.join(", ");
            return Err(ClassifyRefusal::ClassificationNoWords { words });
        }
        let weights = self.weights(reading);
        let whole: u64 = weights.iter().map(|(_, w)| u64::from(*w)).sum::<u64>() + self.none(reading);
        let share = |weight: u32| u32::try_from(u64::from(weight) * 1000 / whole.max(1)).unwrap_or(1000);
        let mut codes = Vec::new();
        for (scored, (_, weight)) in reading.scored.iter().zip(&weights).take(CODES_MOST) {
            let Some(entry) = self.wording.entries.get(scored.entry) else { continue };
            let mut why = scored.why.clone();
            why.sort_by_key(|w| -w.points.abs());
            let share = share(*weight);
            let confidence = Some(self.shown(share, codes.is_empty()));
            codes.push(Candidate { hs6: entry.hs6.clone(), name: entry.name.clone(), confidence, share, why });
        }
        let mut known: BTreeSet<usize> = reading.stated.keys().copied().collect();
        known.extend(chosen.iter().filter_map(|c| match c {
            Chosen::Value { attribute, .. } => Some(*attribute),
            Chosen::Code(_) => None,
        }));
        let sure = codes.first().and_then(|c| c.confidence).is_some_and(|c| c >= self.wording.confidence.ask_below);
        let question = if sure { None } else { question(&weights, &known, &self.wording) };
        Ok(Classification { read: ReadAs::Words, codes, question, unknown: reading.unknown.clone() })
    }

    /// Weights that double with every `spread` points; the first has 1,000,000.
    fn weights(&self, reading: &Reading) -> Vec<(usize, u32)> {
        let best = reading.scored.first().map_or(0, |s| s.points);
        reading.scored.iter().map(|s| (s.entry, self.weight(s.points - best))).collect()
    }

    fn weight(&self, behind: i64) -> u32 {
        let behind = u32::try_from(behind.abs()).unwrap_or(u32::MAX);
        let spread = self.wording.confidence.spread.max(1);
        // Halves for the whole spreads, a straight line between them.
        let whole = 1_000_000_u32.checked_shr(behind / spread).unwrap_or(0);
        whole - whole / 2 * (behind % spread) / spread
    }

    /// The weight of "none of these".
    fn none(&self, reading: &Reading) -> u64 {
        let best = reading.scored.first().map_or(0, |s| s.points);
        let none = i64::from(self.wording.confidence.none);
        if none >= best { 2_000_000 } else { u64::from(self.weight(none - best)) }
    }

    /// Per cent, from the share per mille by the calibrated line; a later code never more than its share.
    fn shown(&self, share: u32, first: bool) -> u32 {
        let line = &self.wording.confidence.shown;
        let after = line.iter().position(|(raw, _)| *raw >= share);
        let calibrated = match after {
            Some(0) => line.first().map_or(0, |(_, shown)| *shown),
            None => line.last().map_or(share / 10, |(_, shown)| *shown),
            Some(n) => match (line.get(n - 1), line.get(n)) {
                (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (share - x0) / (x1 - x0).max(1),
                _ => share / 10,
            },
        };
        if first { calibrated.clamp(1, 99) } else { calibrated.min(share / 10).min(50) }
    }

    fn by_digits(&self, digits: &str) -> Result<Classification, ClassifyRefusal> {
        let got = || digits.chars().take(20).collect::<String>();
        if !matches!(digits.len(), 2 | 4 | 6 | 8 | 10) {
            return Err(ClassifyRefusal::ClassificationCodeLength { got: got() });
        }
        let hs6 = digits.get(..digits.len().min(6)).unwrap_or(digits);
        let under = |prefix: &str| -> Vec<Candidate> {
            let entries = self.wording.entries.iter().filter(|e| e.hs6.starts_with(prefix)).take(UNDER_MOST);
            let bare = |e: &wording::Entry| Candidate {
                hs6: e.hs6.clone(),
                name: e.name.clone(),
                confidence: None,
                share: 0,
                why: Vec::new(),
            };
            entries.map(bare).collect()
        };
        let mut codes = under(hs6);
        let mut read = if hs6.len() == 6 {
            ReadAs::Code { digits: digits.to_owned() }
        } else {
            let name = self.wording.headings.get(hs6).cloned().unwrap_or_default();
            ReadAs::Heading { digits: digits.to_owned(), name }
        };
        if codes.is_empty()
            && let Some(now) = self.wording.superseded.get(hs6)
        {
            codes = now.iter().flat_map(|code| under(code)).collect();
            read = ReadAs::EarlierEdition { digits: hs6.to_owned() };
        }
        if codes.is_empty() {
            return Err(ClassifyRefusal::ClassificationCodeUnknown { got: got() });
        }
        Ok(Classification { read, codes, question: None, unknown: Vec::new() })
    }
}

/// The digits of a code that is typed, and the text without them. A number alone is one; among words it is
/// only after `HS` or its like, or written as `8517.13`.
fn typed_code(folded: &str) -> (Option<String>, String) {
    let digits_of = |word: &str| -> String { word.chars().filter(|c| *c != '.').collect() };
    let is_code = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let separate = folded.replace([',', ';', ':', '：', '，', '#', '(', ')'], " ");
    let words: Vec<&str> = separate.split_whitespace().collect();
    if !words.is_empty() && words.iter().all(|word| is_code(word) && word.chars().any(|c| c.is_ascii_digit())) {
        return (Some(words.iter().map(|w| digits_of(w)).collect()), String::new());
    }
    let mut found = None;
    let mut rest: Vec<&str> = Vec::new();
    let mut after_name = false;
    for word in words {
        let named = ["hs", "hscode", "hs6", "code", "kod", "税号", "海关编码", "编码", "商品编码"].contains(&word);
        let bare = word.strip_prefix("hs").unwrap_or(word);
        let digits = digits_of(bare);
        let dotted = bare.len() >= 7 && bare.as_bytes().get(4) == Some(&b'.') && digits.len() >= 6;
        if found.is_none() && is_code(bare) && digits.len() >= 2 && (after_name || dotted || bare != word) {
            found = Some(digits);
            if after_name {
                rest.pop();
            }
            after_name = false;
            continue;
        }
        after_name = named && (word != "code" && word != "kod" || after_name || rest.last() == Some(&"hs"));
        rest.push(word);
    }
    match found {
        Some(digits) => (Some(digits), rest.into_iter().filter(|w| *w != "hs").collect::<Vec<_>>().join(" ")),
        None => (None, folded.to_owned()),
    }
}
