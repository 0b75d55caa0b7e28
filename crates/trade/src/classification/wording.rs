//! The wording that goods are found by: what is in `rulebooks/nomenclature/`, parsed and checked.
//!
//! The format is told in `docs/classification.md`. A fault names file, entry and field, and nothing is
//! used of a wording that has one.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::text::{Manner, folded, is_han, stem};

/// What is wrong with a wording file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WordingError {
    pub file: String,
    /// The code, attribute or list; empty where the file as a whole cannot be read.
    pub entry: String,
    pub fault: WordingFault,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum WordingFault {
    NotToml {
        cause: String,
    },
    /// Not four or six digits.
    NotACode,
    /// The code stands in two files, or twice.
    Twice,
    /// A heading or code without its description in this language.
    NoDescription {
        language: &'static str,
    },
    /// `is` names an attribute or a value that is not defined.
    AttributeUnknown {
        got: String,
    },
    /// An attribute needs at least two values.
    TooFewValues,
}

/// One text in the three languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words3 {
    #[serde(default)]
    pub en: String,
    #[serde(default)]
    pub ms: String,
    #[serde(default)]
    pub zh: String,
}

/// A language, as a bit.
pub const ENGLISH: u8 = 1;
pub const MALAY: u8 = 2;
pub const CHINESE: u8 = 4;

/// A word or words by which something is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword {
    pub text: String,
    pub tongue: u8,
}

/// A code with all that it is found by.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Six digits.
    pub hs6: String,
    pub name: Words3,
    pub keywords: Vec<Keyword>,
    /// Words that speak against it.
    pub against: Vec<String>,
    /// Values by the number of their attribute.
    pub is: BTreeMap<usize, BTreeSet<usize>>,
    /// What people mostly mean where nothing tells it from its neighbours.
    pub usual: bool,
    /// From a file that was loaded; its words count less than our own.
    pub loaded: bool,
}

#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: String,
    pub ask: Words3,
    pub values: Vec<AttributeValue>,
}

#[derive(Clone, Debug)]
pub struct AttributeValue {
    pub name: String,
    pub label: Words3,
    pub keywords: Vec<Keyword>,
}

/// How scores become per cents; worked out on the development half of the samples.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Confidence {
    /// By how many points a code must lead to weigh twice as much.
    pub spread: u32,
    /// The points that "none of these" has.
    pub none: u32,
    /// A question is asked where the first is less sure than this, in per cent.
    pub ask_below: u32,
    /// From the share of the weights in per mille to the share of answers that were right, in per cent.
    pub shown: Vec<(u32, u32)>,
}

/// Everything that the files say.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    pub entries: Vec<Entry>,
    /// Headings of four digits and their names.
    pub headings: BTreeMap<String, Words3>,
    pub attributes: Vec<Attribute>,
    pub manner: Manner,
    pub confidence: Confidence,
    /// Codes of an earlier edition, and those that came in their place.
    pub superseded: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    #[serde(default)]
    en: String,
    #[serde(default)]
    ms: String,
    #[serde(default)]
    zh: String,
    #[serde(default)]
    is: String,
    #[serde(default)]
    not: String,
    #[serde(default)]
    usual: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAttribute {
    ask: Words3,
    #[serde(rename = "is")]
    values: toml::map::Map<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawCommon {
    noise: Words3,
    joining: Words3,
    looks: Words3,
    purpose: Words3,
    beside: Words3,
    taste_after: Words3,
    taste_before: Words3,
    confidence: Confidence,
    superseded: BTreeMap<String, String>,
}

/// Words of a list that are cut by commas.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '，']).map(str::trim).filter(|word| !word.is_empty())
}

/// `description | word, word` as both parts.
fn halves(text: &str) -> (&str, &str) {
    text.split_once('|').map_or((text.trim(), ""), |(name, words)| (name.trim(), words.trim()))
}

fn named(words: &Words3) -> Words3 {
    let name = |text: &str| halves(text).0.to_owned();
    Words3 { en: name(&words.en), ms: name(&words.ms), zh: name(&words.zh) }
}

fn keywords(words: &Words3) -> Vec<Keyword> {
    [(&words.en, ENGLISH), (&words.ms, MALAY), (&words.zh, CHINESE)]
        .into_iter()
        .flat_map(|(text, tongue)| listed(halves(text).1).map(move |w| Keyword { text: w.to_owned(), tongue }))
        .collect()
}

impl Words3 {
    /// Each description with its language's name.
    fn missing(&self) -> impl Iterator<Item = &'static str> {
        [("en", &self.en), ("ms", &self.ms), ("zh", &self.zh)]
            .into_iter()
            .filter(|(_, text)| halves(text).0.is_empty())
            .map(|(language, _)| language)
    }
}

impl Wording {
    /// Reads files by name and contents: `common.toml`, those that begin with `attributes`, all others
    /// as codes. All faults at once.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Vec<WordingError>> {
        let mut found = Self::default();
        let mut faults = Vec::new();
        for (file, text) in files {
            if *file == "common.toml" {
                match toml::from_str(text) {
                    Ok(common) => found.take_common(common),
                    Err(e) => faults.push(unreadable(file, &e)),
                }
            } else if file.starts_with("attributes") {
                match toml::from_str::<toml::map::Map<String, toml::Value>>(text) {
                    Ok(table) => {
                        table.into_iter().for_each(|(name, v)| found.take_attribute(file, name, v, &mut faults))
                    }
                    Err(e) => faults.push(unreadable(file, &e)),
                }
            }
        }
        let mut raw: BTreeMap<String, (&str, RawEntry)> = BTreeMap::new();
        for (file, text) in files.iter().filter(|(file, _)| *file != "common.toml" && !file.starts_with("attributes")) {
            match toml::from_str::<BTreeMap<String, RawEntry>>(text) {
                Ok(table) => {
                    for (code, entry) in table {
                        let at = |fault| WordingError { file: (*file).to_owned(), entry: code.clone(), fault };
                        if !matches!(code.len(), 4 | 6) || !code.bytes().all(|b| b.is_ascii_digit()) {
                            faults.push(at(WordingFault::NotACode));
                            continue;
                        }
                        match raw.entry(code.clone()) {
                            Slot::Occupied(_) => faults.push(at(WordingFault::Twice)),
                            Slot::Vacant(place) => {
                                place.insert((file, entry));
                            }
                        }
                    }
                }
                Err(e) => faults.push(unreadable(file, &e)),
            }
        }
        found.take_entries(&raw, &mut faults);
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    fn take_common(&mut self, raw: RawCommon) {
        let stems = |words: &Words3| {
            let all = listed(&words.en).chain(listed(&words.ms)).chain(listed(&words.zh));
            all.map(|word| stem(&folded(word))).collect()
        };
        let mut han: Vec<Vec<char>> = listed(&raw.noise.zh).map(|w| folded(w).chars().collect()).collect();
        han.retain(|word: &Vec<char>| word.iter().all(|c| is_han(*c)));
        han.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.manner = Manner {
            noise: stems(&raw.noise),
            joining: stems(&raw.joining),
            looks: stems(&raw.looks),
            han_noise: han,
            purpose: stems(&raw.purpose),
            beside: stems(&raw.beside),
            taste_after: stems(&raw.taste_after),
            taste_before: stems(&raw.taste_before),
        };
        self.confidence = raw.confidence;
        self.superseded =
            raw.superseded.into_iter().map(|(old, new)| (old, new.split(' ').map(str::to_owned).collect())).collect();
    }

    fn take_attribute(&mut self, file: &str, name: String, value: toml::Value, faults: &mut Vec<WordingError>) {
        let raw: RawAttribute = match value.try_into() {
            Ok(raw) => raw,
            Err(e) => return faults.push(unreadable(file, &e)),
        };
        let mut fault =
            |entry: &str, fault| faults.push(WordingError { file: file.to_owned(), entry: entry.to_owned(), fault });
        if self.attributes.iter().any(|a| a.name == name) {
            return fault(&name, WordingFault::Twice);
        }
        if raw.values.len() < 2 {
            return fault(&name, WordingFault::TooFewValues);
        }
        for language in raw.ask.missing() {
            fault(&name, WordingFault::NoDescription { language });
        }
        let mut values = Vec::new();
        for (value, words) in raw.values {
            let words: Words3 = match words.try_into() {
                Ok(words) => words,
                Err(e) => return faults.push(unreadable(file, &e)),
            };
            for language in words.missing() {
                fault(&value, WordingFault::NoDescription { language });
            }
            values.push(AttributeValue { name: value, label: named(&words), keywords: keywords(&words) });
        }
        self.attributes.push(Attribute { name, ask: raw.ask, values });
    }

    fn take_entries(&mut self, raw: &BTreeMap<String, (&str, RawEntry)>, faults: &mut Vec<WordingError>) {
        for (code, (file, entry)) in raw {
            let mut fault = |fault| faults.push(WordingError { file: (*file).to_owned(), entry: code.clone(), fault });
            let words = Words3 { en: entry.en.clone(), ms: entry.ms.clone(), zh: entry.zh.clone() };
            for language in words.missing() {
                fault(WordingFault::NoDescription { language });
            }
            if code.len() == 4 {
                self.headings.insert(code.clone(), named(&words));
                continue;
            }
            let heading = code.get(..4).and_then(|heading| raw.get(heading)).map(|(_, heading)| heading);
            let mut is = BTreeMap::new();
            for stated in
                [heading.map_or("", |h| h.is.as_str()), entry.is.as_str()].iter().flat_map(|t| t.split_whitespace())
            {
                match self.values(stated) {
                    Some((attribute, values)) => {
                        is.insert(attribute, values);
                    }
                    None => fault(WordingFault::AttributeUnknown { got: stated.to_owned() }),
                }
            }
            let mut all = keywords(&words);
            let mut against: Vec<String> = listed(&entry.not).map(str::to_owned).collect();
            if let Some(heading) = heading {
                all.extend(keywords(&Words3 {
                    en: heading.en.clone(),
                    ms: heading.ms.clone(),
                    zh: heading.zh.clone(),
                }));
                against.extend(listed(&heading.not).map(str::to_owned));
            }
            let entry = Entry {
                hs6: code.clone(),
                name: named(&words),
                keywords: all,
                against,
                is,
                usual: entry.usual,
                loaded: false,
            };
            self.entries.push(entry);
        }
    }

    /// `material:plastic/textile` as numbers.
    fn values(&self, stated: &str) -> Option<(usize, BTreeSet<usize>)> {
        let (name, values) = stated.split_once(':')?;
        let place = self.attributes.iter().position(|a| a.name == name)?;
        let known = &self.attributes.get(place)?.values;
        let values: Option<BTreeSet<usize>> =
            values.split('/').map(|value| known.iter().position(|k| k.name == value)).collect();
        Some((place, values?))
    }
}

fn unreadable(file: &str, cause: &toml::de::Error) -> WordingError {
    let fault = WordingFault::NotToml { cause: cause.to_string().trim_end().to_owned() };
    WordingError { file: file.to_owned(), entry: String::new(), fault }
}
