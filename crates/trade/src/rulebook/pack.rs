//! A pack as it lies on a disk: a folder of files, and what of it is law, lane or policy.
//!
//! A folder with `[pack]` in one of its files is the pack of a territory. In a folder of `[lane]` files
//! each file is a pack by itself; so is an `[agreement]`, a `[transport]` and a `[scorecard]`. Files are named by what they rule and not by
//! where they were found (`my/tariff.toml`), so that a copy elsewhere has the same digest.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::reader::{PackError, Problem};
use super::{Lane, Rulebook};
use crate::classification::Wording;
use crate::hazard::Transport;
use crate::origin::Agreement;
use crate::scorecard::Scorecard;
use crate::terms::Incoterms;

/// Who vouches for the packs of a folder stands here, beside them; it is no part of what it signs.
pub const SIGNATURE_FILE: &str = "pack.sig";

/// Files of a pack by name, as the digest is over them.
pub type PackFiles = [(String, String)];

/// A folder as found: its name, and its files by name without folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub name: String,
    pub files: Vec<(String, Vec<u8>)>,
}

/// What a pack rules: `MY`, `MY-CN/b2b`, `transport/air`, or the operator's `advance`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackName(String);

impl PackName {
    /// From what [`fmt::Display`] wrote: up to 40 letters, digits, `-` and `/`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'/';
        (!text.is_empty() && text.len() <= 40 && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The operator's scorecard for advances.
    #[must_use]
    pub fn advance() -> Self {
        Self("advance".to_owned())
    }

    /// An agreement on origin: `agreement/acfta`.
    #[must_use]
    pub fn agreement(agreement: &Agreement) -> Self {
        Self(format!("agreement/{}", agreement.short.to_ascii_lowercase()))
    }

    /// The rules of a way of transport: `transport/air`.
    #[must_use]
    pub fn transport(transport: &Transport) -> Self {
        Self(format!("transport/{}", transport.id))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Rulebook {
    /// What it rules, as pins and notes name it.
    #[must_use]
    pub fn pack_name(&self) -> PackName {
        PackName(self.territory.to_string())
    }
}

impl Lane {
    /// What it rules, as pins and notes name it.
    #[must_use]
    pub fn pack_name(&self) -> PackName {
        PackName(format!("{}-{}/{}", self.from, self.to, self.regime.code()))
    }
}

/// One pack, loaded and proved by its examples.
#[derive(Debug)]
pub enum Pack {
    Territory(Box<Rulebook>),
    Lane(Box<Lane>),
    Scorecard(Arc<Scorecard>),
    /// When goods originate under an agreement.
    Agreement(Box<Agreement>),
    /// What goods must be known by to go by air, and so on.
    Transport(Box<Transport>),
    /// Who does and pays what under a term of delivery: checked here, and gone by as it came with the program.
    Incoterms(Box<Incoterms>, Vec<(String, String)>),
}

impl Pack {
    #[must_use]
    pub fn name(&self) -> PackName {
        match self {
            Self::Territory(book) => book.pack_name(),
            Self::Lane(lane) => lane.pack_name(),
            Self::Scorecard(_) => PackName::advance(),
            Self::Agreement(agreement) => PackName::agreement(agreement),
            Self::Transport(transport) => PackName::transport(transport),
            Self::Incoterms(..) => PackName("incoterms".to_owned()),
        }
    }

    #[must_use]
    pub fn digest(&self) -> &Arc<str> {
        match self {
            Self::Territory(book) => &book.digest,
            Self::Lane(lane) => &lane.digest,
            Self::Scorecard(card) => &card.digest,
            Self::Agreement(agreement) => &agreement.digest,
            Self::Transport(transport) => &transport.digest,
            Self::Incoterms(terms, _) => &terms.digest,
        }
    }

    /// The files as loaded, by name: what the digest is over.
    #[must_use]
    pub fn files(&self) -> &[(String, String)] {
        match self {
            Self::Territory(book) => book.files(),
            Self::Lane(lane) => lane.files(),
            Self::Scorecard(card) => &card.files,
            Self::Agreement(agreement) => &agreement.files,
            Self::Transport(transport) => &transport.files,
            Self::Incoterms(_, files) => files,
        }
    }

    /// A pack from the files that a hub has kept of it, named as in [`Self::files`].
    ///
    /// # Errors
    /// All that is wrong, each with file, rule and field.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<PackError>> {
        match head_of(files.iter().map(|(_, text)| *text)) {
            Some(Head::Territory(_)) => Rulebook::load(files).map(Box::new).map(Self::Territory),
            Some(Head::Lane) => Lane::load(files).map(Box::new).map(Self::Lane),
            Some(Head::Agreement) => match files {
                [(file, text)] => Agreement::load(file, text).map(Box::new).map(Self::Agreement),
                _ => Err(vec![fault("", Problem::WrongType { expected: "one file".to_owned() })]),
            },
            Some(Head::Transport) => match files {
                [(file, text)] => Transport::load(file, text).map(Box::new).map(Self::Transport),
                _ => Err(vec![fault("", Problem::WrongType { expected: "one file".to_owned() })]),
            },
            Some(Head::Incoterms) => match files {
                [(file, text)] => {
                    let kept = vec![((*file).to_owned(), text.replace("\r\n", "\n"))];
                    Incoterms::load(file, text).map(|terms| Self::Incoterms(Box::new(terms), kept))
                }
                _ => Err(vec![fault("", Problem::WrongType { expected: "one file".to_owned() })]),
            },
            Some(Head::Scorecard) => Ok(Self::Scorecard(Arc::new(Scorecard::load(files)?))),
            None => Err(headless(files)),
        }
    }
}

/// Files of which none says what it is: those that are not TOML first.
pub(super) fn headless(files: &[(&str, &str)]) -> Vec<PackError> {
    let broken = files.iter().filter_map(|(name, text)| {
        let error = text.parse::<Table>().err()?;
        Some(fault(name, Problem::NotToml { detail: error.to_string() }))
    });
    let broken: Vec<_> = broken.collect();
    if broken.is_empty() { vec![fault(files.first().map_or("", |(name, _)| name), Problem::NoHead)] } else { broken }
}

pub(super) enum Head {
    /// With the territory's code, if it is a text.
    Territory(Option<String>),
    Lane,
    Scorecard,
    Agreement,
    Transport,
    Incoterms,
}

/// What the first file with a head says that it is. Files that do not parse are told of by the loader.
pub(super) fn head_of<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Head> {
    texts.filter_map(|text| text.parse::<Table>().ok()).find_map(|table| {
        if let Some(pack) = table.get("pack") {
            return Some(Head::Territory(pack.get("territory").and_then(Value::as_str).map(str::to_owned)));
        }
        let lane = table.contains_key("lane").then_some(Head::Lane);
        let scorecard = || table.contains_key("scorecard").then_some(Head::Scorecard);
        let agreement = || table.contains_key("agreement").then_some(Head::Agreement);
        let incoterms = || table.contains_key("incoterms").then_some(Head::Incoterms);
        let transport = || table.contains_key("transport").then_some(Head::Transport);
        lane.or_else(scorecard).or_else(agreement).or_else(incoterms).or_else(transport)
    })
}

/// Words that lead to codes, which rule nothing: they may lie beside the packs.
fn is_wording(texts: &[(&str, &str)]) -> bool {
    let is_code = |key: &String| key.len() == 6 && key.bytes().all(|b| b.is_ascii_digit());
    let names_codes = |text: &str| text.parse::<Table>().is_ok_and(|table| table.keys().any(is_code));
    texts.iter().any(|(_, text)| names_codes(text)) && Wording::read(texts).is_ok()
}

fn fault(file: &str, problem: Problem) -> PackError {
    PackError { file: file.to_owned(), rule: String::new(), field: String::new(), problem }
}

/// The packs of a folder. Everything in it but [`SIGNATURE_FILE`] is part of them, so that nothing lies
/// beside the law that no digest covers.
///
/// # Errors
/// All that is wrong in any of them, each with file, rule and field.
pub fn read_folder(folder: &Folder) -> Result<Vec<Pack>, Vec<PackError>> {
    let mut errors = Vec::new();
    let mut texts = Vec::new();
    for (name, bytes) in &folder.files {
        if name == SIGNATURE_FILE {
            continue;
        }
        let path = format!("{}/{name}", folder.name);
        if !name.ends_with(".toml") {
            errors.push(fault(&path, Problem::NotOfAPack));
            continue;
        }
        match std::str::from_utf8(bytes) {
            // Editors of some systems begin a file with a mark that says nothing.
            Ok(text) => texts.push((name.as_str(), text.strip_prefix('\u{feff}').unwrap_or(text))),
            Err(_) => errors.push(fault(&path, Problem::NotUtf8)),
        }
    }
    let mut packs = Vec::new();
    let mut take = |files: &[(String, &str)]| {
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        match Pack::load(&files) {
            Ok(pack) => packs.push(pack),
            Err(found) => errors.extend(found),
        }
    };
    match head_of(texts.iter().map(|(_, text)| *text)) {
        Some(Head::Territory(territory)) => {
            let prefix = territory.unwrap_or_else(|| folder.name.clone()).to_ascii_lowercase();
            let files: Vec<_> = texts.iter().map(|(name, text)| (format!("{prefix}/{name}"), *text)).collect();
            take(&files);
        }
        Some(Head::Lane) => texts.iter().for_each(|(name, text)| take(&[(format!("lanes/{name}"), *text)])),
        Some(Head::Incoterms) => texts.iter().for_each(|(name, text)| take(&[(format!("terms/{name}"), *text)])),
        Some(Head::Agreement) => texts.iter().for_each(|(name, text)| take(&[(format!("agreements/{name}"), *text)])),
        Some(Head::Transport) => texts.iter().for_each(|(name, text)| take(&[(format!("transport/{name}"), *text)])),
        Some(Head::Scorecard) => texts.iter().for_each(|(name, text)| take(&[(format!("advance/{name}"), *text)])),
        None if texts.is_empty() => errors.push(fault(&folder.name, Problem::NoHead)),
        None if is_wording(&texts) => {}
        None => texts.iter().for_each(|(name, text)| take(&[(format!("{}/{name}", folder.name), *text)])),
    }
    if errors.is_empty() { Ok(packs) } else { Err(errors) }
}
