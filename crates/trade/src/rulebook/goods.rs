//! What must be known of goods, how they must be described, and which may not pass.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{RuleInfo, Words};
use crate::money::Currency;

/// What a restriction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestrictionState {
    Prohibited,
    /// May pass with a permit or a certificate.
    Restricted,
}

/// What an agency gives so that restricted goods may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermitKind {
    /// That food is fit to eat, by the exporting side's authority.
    HealthCertificate,
    /// That the importing side's agency lets the goods in.
    ImportPermit,
}

impl PermitKind {
    pub const ALL: [(&'static str, Self); 2] =
        [("health-certificate", Self::HealthCertificate), ("import-permit", Self::ImportPermit)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::HealthCertificate => "health-certificate",
            Self::ImportPermit => "import-permit",
        }
    }
}

/// Which paper a restriction asks for, and who gives it.
#[derive(Clone, Debug)]
pub struct PermitRule {
    pub kind: PermitKind,
    pub agency: Words,
}

/// Goods that may not pass, or only with a permit.
#[derive(Clone, Debug)]
pub struct Restriction {
    pub info: Arc<RuleInfo>,
    pub when: Conditions,
    pub state: RestrictionState,
    /// For what is restricted, where the rule says which paper lets it pass. A declaration then needs
    /// it; without it the pack knows only that some paper is needed, and tells so.
    pub permit: Option<PermitRule>,
}

impl Restriction {
    pub(super) const STATES: [(&'static str, RestrictionState); 2] =
        [("prohibited", RestrictionState::Prohibited), ("restricted", RestrictionState::Restricted)];

    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let when = Conditions::read(f, currency);
        let state = f.one_of("state", &Self::STATES);
        let kind = f.optional("permit", |f, key| f.one_of(key, &PermitKind::ALL));
        let permit = match kind {
            Some(kind) => Some(PermitRule { kind, agency: super::load::words(f, "agency")? }),
            None => None,
        };
        if permit.is_some() && state == Some(RestrictionState::Prohibited) {
            f.error("permit", Problem::UnknownField);
        }
        Some(Self { info: common.info.clone(), when, state: state?, permit })
    }
}

/// A fact of a product that a declaration needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataField {
    Hs,
    Description,
    Origin,
    Weight,
    Price,
    Content,
    /// The buyer's own number with customs, which whoever makes the entry takes from the buyer. No hub holds it.
    PersonalCustomsCode,
    /// The merchant's and the manufacturer's identifiers of the goods. No hub holds them.
    ProductIdentifier,
}

impl DataField {
    const ALL: [(&'static str, Self); 8] = [
        ("hs", Self::Hs),
        ("description", Self::Description),
        ("origin", Self::Origin),
        ("weight", Self::Weight),
        ("price", Self::Price),
        ("content", Self::Content),
        ("personal-customs-code", Self::PersonalCustomsCode),
        ("product-identifier", Self::ProductIdentifier),
    ];

    /// Whether it is told with the entry alone: a hub says that it is asked for, and never has it.
    #[must_use]
    pub const fn is_told_at_entry(self) -> bool {
        matches!(self, Self::PersonalCustomsCode | Self::ProductIdentifier)
    }
}

/// A fact that must be given where the conditions hold.
#[derive(Clone, Debug)]
pub struct DataRule {
    pub info: Arc<RuleInfo>,
    pub when: Conditions,
    pub field: DataField,
    /// For `hs`: how many digits; zero for the other fields.
    pub digits: usize,
}

impl DataRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let when = Conditions::read(f, currency);
        let field = f.one_of("field", &DataField::ALL)?;
        let digits = if field == DataField::Hs { f.integer("digits", 6, 10)? } else { 0 };
        Some(Self { info: common.info.clone(), when, field, digits: usize::try_from(digits).unwrap_or(6) })
    }
}

/// What is wrong with a customs description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescriptionFault {
    /// Only words that fit any goods; the first of them.
    Vague { word: String },
    /// Fewer than the words, or for Chinese the characters, that the rule asks for.
    TooShort,
}

/// The linter of customs descriptions: words that say nothing, and the least length.
///
/// A description is vague when nothing is left of it after the vague words and the filling words
/// have been taken out; so `gift` is, and `gift box of milk chocolate` is not.
#[derive(Clone, Debug)]
pub struct DescriptionRule {
    pub info: Arc<RuleInfo>,
    pub when: Conditions,
    /// In lower case. Those of Chinese characters are found anywhere, longest first.
    vague: Vec<String>,
    filling: Vec<String>,
    /// Least number of words of letters.
    pub min_words: usize,
    /// Least number of Chinese characters, where there are not enough words of letters.
    pub min_han: usize,
    /// How to do better, for a layman.
    pub advice: Words,
    pub good: Vec<String>,
    pub bad: Vec<String>,
}

impl DescriptionRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let when = Conditions::read(f, currency);
        let vague = longest_first(f.texts("vague"));
        let filling = longest_first(f.texts("filling"));
        let min_words = f.integer("min-words", 1, 20);
        let min_han = f.integer("min-han", 1, 40);
        let advice = super::load::words(f, "advice");
        let good = f.texts("good");
        let bad = f.texts("bad");
        if good.is_empty() || bad.is_empty() {
            f.error("good, bad", Problem::NoExample);
        }
        let rule = Self {
            info: common.info.clone(),
            when,
            vague,
            filling,
            min_words: usize::try_from(min_words?).unwrap_or(1),
            min_han: usize::try_from(min_han?).unwrap_or(1),
            advice: advice?,
            good,
            bad,
        };
        for (texts, expected) in [(&rule.good, "good"), (&rule.bad, "bad")] {
            for (i, text) in texts.iter().enumerate() {
                let fault = rule.fault_of(text);
                if fault.is_none() != (expected == "good") {
                    let got = format!("{text}: {fault:?}");
                    f.error(expected, Problem::ExampleFails { number: i + 1, expected: expected.into(), got });
                }
            }
        }
        Some(rule)
    }

    /// What is wrong with a description, if anything.
    #[must_use]
    pub fn fault_of(&self, description: &str) -> Option<DescriptionFault> {
        let text = description.to_lowercase();
        let mut first_vague: Option<(usize, &str)> = None;
        let mut note = |place: usize, word| {
            if first_vague.is_none_or(|(before, _)| place < before) {
                first_vague = Some((place, word));
            }
        };

        let mut words = 0;
        let mut telling = false;
        for (place, token) in latin_words(&text) {
            words += 1;
            if let Some(word) = self.vague.iter().find(|word| *word == token) {
                note(place, word.as_str());
            } else if !self.filling.iter().any(|word| word == token) {
                telling = true;
            }
        }

        let characters = text.chars().filter(|c| is_han(*c)).count();
        let mut han = match characters {
            0 => String::new(),
            _ => text.chars().map(|c| if is_han(c) { c } else { ' ' }).collect(),
        };
        for (phrases, vague) in [(&self.vague, true), (&self.filling, false)] {
            if characters == 0 {
                break;
            }
            for phrase in phrases.iter().filter(|phrase| phrase.chars().all(is_han)) {
                if let Some(place) = han.find(phrase.as_str()) {
                    if vague {
                        note(place, phrase.as_str());
                    }
                    han = han.replace(phrase.as_str(), " ");
                }
            }
        }
        telling |= han.chars().any(is_han);

        match first_vague {
            Some((_, word)) if !telling => Some(DescriptionFault::Vague { word: word.to_owned() }),
            _ if words < self.min_words && characters < self.min_han => Some(DescriptionFault::TooShort),
            _ => None,
        }
    }
}

/// Words with at least one letter that is not a Chinese character, with their place.
fn latin_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let part_of_word = |c: char| (c.is_alphanumeric() && !is_han(c)) || c == '\'' || c == '-';
    let mut end = 0;
    text.split_inclusive(move |c| !part_of_word(c))
        .map(move |part| {
            let start = end;
            end += part.len();
            (start, part.trim_matches(|c| !part_of_word(c) || c == '-' || c == '\''))
        })
        .filter(|(_, word)| word.chars().any(char::is_alphabetic))
}

/// The unified ideographs of the basic plane and extension A.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}

fn longest_first(words: Vec<String>) -> Vec<String> {
    let mut words: Vec<String> = words.into_iter().map(|word| word.to_lowercase()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}
