//! The packs that are compiled into the binary. They can be replaced at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Lane, PackError, Regime, Rulebook};
use crate::codes::Country;
use crate::origin::{Agreement, AgreementId};
use crate::scorecard::Scorecard;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../rulebooks/", $name)))),+]
    };
}

pub(super) const CN: &[(&str, &str)] = files![
    "cn/consumer.toml",
    "cn/general.toml",
    "cn/goods.toml",
    "cn/match.toml",
    "cn/pack.toml",
    "cn/return.toml",
    "cn/risk.toml",
    "cn/tariff.toml",
    "cn/warehouse.toml",
];

pub(super) const MY: &[(&str, &str)] = files![
    "my/consumer.toml",
    "my/general.toml",
    "my/goods.toml",
    "my/match.toml",
    "my/pack.toml",
    "my/return.toml",
    "my/risk.toml",
    "my/tariff.toml",
    "my/warehouse.toml",
];

const SG: &[(&str, &str)] = files!["sg/goods.toml", "sg/match.toml", "sg/pack.toml", "sg/risk.toml"];

pub(super) const MY_CN: &[(&str, &str)] = files!["lanes/my-cn.toml"];

/// One file a lane.
const LANES: [&[(&str, &str)]; 5] = [
    MY_CN,
    files!["lanes/my-cn-b2b.toml"],
    files!["lanes/cn-my.toml"],
    files!["lanes/cn-my-b2b.toml"],
    files!["lanes/sg-cn.toml"],
];

/// One file an agreement.
const AGREEMENTS: &[(&str, &str)] = files!["agreements/acfta.toml", "agreements/rcep.toml"];

pub(super) const SCORECARD: &[(&str, &str)] = files!["advance/scorecard.toml"];

/// All packs that a hub goes by: one for each territory, the lanes between them, and the operator's
/// scorecard for advances.
#[derive(Debug)]
pub struct Rulebooks {
    books: BTreeMap<Country, Rulebook>,
    pub lanes: Vec<Lane>,
    /// Under which goods may originate.
    pub agreements: Vec<Agreement>,
    /// Without one, the hub offers no advances.
    pub scorecard: Option<Arc<Scorecard>>,
}

impl Rulebooks {
    /// Puts packs together; a later one of the same territory replaces the earlier.
    #[must_use]
    pub fn new(books: Vec<Rulebook>, lanes: Vec<Lane>) -> Self {
        let books = books.into_iter().map(|book| (book.territory, book)).collect();
        Self { books, lanes, agreements: Vec::new(), scorecard: None }
    }

    #[must_use]
    pub fn book(&self, territory: Country) -> Option<&Rulebook> {
        self.books.get(&territory)
    }

    pub fn books(&self) -> impl Iterator<Item = &Rulebook> {
        self.books.values()
    }

    #[must_use]
    pub fn agreement(&self, id: &AgreementId) -> Option<&Agreement> {
        self.agreements.iter().find(|agreement| agreement.id == *id)
    }

    /// The regimes of all lanes from one territory to another, in the order of [`Regime::ALL`].
    #[must_use]
    pub fn regimes(&self, from: Country, to: Country) -> Vec<Regime> {
        Regime::ALL.iter().map(|(_, regime)| *regime).filter(|regime| self.lane(from, to, *regime).is_some()).collect()
    }

    /// The regimes of all lanes into or out of a territory.
    #[must_use]
    pub fn regimes_of(&self, territory: Country) -> Vec<Regime> {
        let touches = |lane: &&Lane| lane.from == territory || lane.to == territory;
        let known: Vec<Regime> = self.lanes.iter().filter(touches).map(|lane| lane.regime).collect();
        Regime::ALL.iter().map(|(_, regime)| *regime).filter(|regime| known.contains(regime)).collect()
    }

    #[must_use]
    pub fn lane(&self, from: Country, to: Country, regime: Regime) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.from == from && lane.to == to && lane.regime == regime)
    }
}

/// Loads the packs that this binary was built with, and works their examples.
///
/// # Errors
/// All that is wrong in them; the tests of this crate keep that from happening.
pub fn builtin() -> Result<Rulebooks, Vec<PackError>> {
    let mut errors = Vec::new();
    let mut books = Vec::new();
    for files in [CN, MY, SG] {
        match Rulebook::load(files) {
            Ok(book) => books.push(book),
            Err(found) => errors.extend(found),
        }
    }
    let mut lanes = Vec::new();
    for files in LANES {
        match Lane::load(files) {
            Ok(lane) => lanes.push(lane),
            Err(found) => errors.extend(found),
        }
    }
    let scorecard = Scorecard::load(SCORECARD).map_err(|found| errors.extend(found)).ok().map(Arc::new);
    let mut agreements = Vec::new();
    for (file, text) in AGREEMENTS {
        match Agreement::load(file, text) {
            Ok(agreement) => agreements.push(agreement),
            Err(found) => errors.extend(found),
        }
    }
    let books = Rulebooks { scorecard, agreements, ..Rulebooks::new(books, lanes) };
    if errors.is_empty() { Ok(books) } else { Err(errors) }
}

/// The packs of this binary, loaded once for all tests.
#[cfg(test)]
pub(crate) fn test_books() -> &'static Rulebooks {
    static BOOKS: std::sync::OnceLock<Rulebooks> = std::sync::OnceLock::new();
    BOOKS.get_or_init(|| builtin().expect("the packs of this repository load"))
}
