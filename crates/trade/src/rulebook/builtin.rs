//! The packs that are compiled into the binary. They can be replaced at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Folder, Lane, Pack, PackError, PackFiles, PackInUse, PackName, PacksInUse, Regime, Rulebook, Standing};
use crate::codes::Country;
use crate::hazard::Transport;
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

const EU: &[(&str, &str)] = files![
    "eu/consumer.toml",
    "eu/general.toml",
    "eu/goods.toml",
    "eu/pack.toml",
    "eu/sale.toml",
    "eu/tariff.toml",
    "eu/vat.toml",
    "eu/vat-reduced.toml",
];

const GB: &[(&str, &str)] =
    files!["gb/consumer.toml", "gb/general.toml", "gb/pack.toml", "gb/tariff.toml", "gb/tariff-unknown.toml"];

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

const SG: &[(&str, &str)] = files![
    "sg/consumer.toml",
    "sg/general.toml",
    "sg/goods.toml",
    "sg/match.toml",
    "sg/pack.toml",
    "sg/risk.toml",
    "sg/tariff.toml",
];

const ID: &[(&str, &str)] = files!["id/consumer.toml", "id/general.toml", "id/pack.toml", "id/tariff.toml"];

const PH: &[(&str, &str)] = files!["ph/consumer.toml", "ph/general.toml", "ph/pack.toml", "ph/tariff.toml"];

const TH: &[(&str, &str)] = files!["th/consumer.toml", "th/general.toml", "th/pack.toml", "th/tariff.toml"];

const VN: &[(&str, &str)] = files!["vn/consumer.toml", "vn/general.toml", "vn/pack.toml", "vn/tariff.toml"];

const AU: &[(&str, &str)] = files!["au/consumer.toml", "au/general.toml", "au/pack.toml", "au/tariff.toml"];

const JP: &[(&str, &str)] = files!["jp/consumer.toml", "jp/general.toml", "jp/pack.toml", "jp/tariff.toml"];

const KR: &[(&str, &str)] =
    files!["kr/consumer.toml", "kr/general.toml", "kr/goods.toml", "kr/pack.toml", "kr/tariff.toml"];

const NZ: &[(&str, &str)] = files!["nz/consumer.toml", "nz/general.toml", "nz/pack.toml", "nz/tariff.toml"];

const US: &[(&str, &str)] = files![
    "us/additional.toml",
    "us/consumer.toml",
    "us/general.toml",
    "us/goods.toml",
    "us/pack.toml",
    "us/tariff.toml",
];

pub(super) const MY_CN: &[(&str, &str)] = files!["lanes/my-cn.toml"];

/// One folder a territory.
const TERRITORIES: [&[(&str, &str)]; 14] = [AU, CN, EU, GB, ID, JP, KR, MY, NZ, PH, SG, TH, US, VN];

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

/// One file a way of transport.
const TRANSPORTS: &[(&str, &str)] = files!["transport/air.toml"];

/// Terms of delivery, read from where they are used.
const TERMS: &[(&str, &str)] = files!["terms/incoterms.toml"];

pub(super) const SCORECARD: &[(&str, &str)] = files!["advance/scorecard.toml"];

/// All packs that a hub goes by: one for each territory, the lanes between them, and the operator's
/// scorecard for advances.
#[derive(Debug)]
pub struct Rulebooks {
    books: BTreeMap<Country, Rulebook>,
    pub lanes: Vec<Lane>,
    /// Under which goods may originate.
    pub agreements: Vec<Agreement>,
    /// What is asked of goods by the way that they go.
    pub transports: Vec<Transport>,
    /// Without one, the hub offers no advances.
    pub scorecard: Option<Arc<Scorecard>>,
    /// How each pack came to be gone by; those that are not here came with the program.
    standings: BTreeMap<PackName, Standing>,
}

impl Rulebooks {
    /// Puts packs together; a later one of the same territory replaces the earlier.
    #[must_use]
    pub fn new(books: Vec<Rulebook>, lanes: Vec<Lane>) -> Self {
        let books = books.into_iter().map(|book| (book.territory, book)).collect();
        Self {
            books,
            lanes,
            agreements: Vec::new(),
            transports: Vec::new(),
            scorecard: None,
            standings: BTreeMap::new(),
        }
    }

    /// Goes by a pack in the place of the one that there was of its name.
    pub fn replace(&mut self, pack: Pack, standing: Standing) {
        self.standings.insert(pack.name(), standing);
        match pack {
            Pack::Territory(book) => {
                self.books.insert(book.territory, *book);
            }
            Pack::Lane(lane) => {
                let same = |other: &Lane| (other.from, other.to, other.regime) == (lane.from, lane.to, lane.regime);
                self.lanes.retain(|other| !same(other));
                self.lanes.push(*lane);
            }
            Pack::Scorecard(card) => self.scorecard = Some(card),
            Pack::Agreement(agreement) => {
                self.agreements.retain(|other| other.id != agreement.id);
                self.agreements.push(*agreement);
            }
            Pack::Transport(transport) => {
                self.transports.retain(|other| other.id != transport.id);
                self.transports.push(*transport);
            }
            Pack::Incoterms(..) => {}
        }
    }

    /// Goes no longer by any pack for which this does not hold. The rules of transport stay: without them
    /// goods would fly of which nobody asked whether there is a battery in them.
    pub fn retain(&mut self, keep: impl Fn(&PackName) -> bool) {
        self.books.retain(|_, book| keep(&book.pack_name()));
        self.lanes.retain(|lane| keep(&lane.pack_name()));
        self.agreements.retain(|agreement| keep(&PackName::agreement(agreement)));
        self.scorecard = self.scorecard.take().filter(|_| keep(&PackName::advance()));
        self.standings.retain(|name, _| keep(name));
    }

    #[must_use]
    pub fn standing(&self, pack: &PackName) -> &Standing {
        self.standings.get(pack).unwrap_or(&Standing::BUILT_IN)
    }

    /// Every pack with its digest and its files.
    #[must_use]
    pub fn packs(&self) -> Vec<(PackName, &str, &PackFiles)> {
        let books = self.books.values().map(|book| (book.pack_name(), &*book.digest, book.files()));
        let lanes = self.lanes.iter().map(|lane| (lane.pack_name(), &*lane.digest, lane.files()));
        let card = self.scorecard.iter().map(|card| (PackName::advance(), &*card.digest, &card.files[..]));
        let agreements = self.agreements.iter().map(|a| (PackName::agreement(a), &*a.digest, &a.files[..]));
        let transports = self.transports.iter().map(|t| (PackName::transport(t), &*t.digest, &t.files[..]));
        books.chain(lanes).chain(card).chain(agreements).chain(transports).collect()
    }

    /// What the log says of the packs that are gone by.
    #[must_use]
    pub fn in_use(&self) -> PacksInUse {
        let used = |(name, digest, _): (PackName, &str, _)| {
            let signer = self.standing(&name).vouched.as_ref().map(|vouched| vouched.signer.clone());
            (name, PackInUse { digest: digest.to_owned(), signer })
        };
        self.packs().into_iter().map(used).collect()
    }

    #[must_use]
    pub fn book(&self, territory: Country) -> Option<&Rulebook> {
        self.books.get(&territory)
    }

    /// The rules of a place: of a territory, or of the union that a state belongs to.
    #[must_use]
    pub fn book_of(&self, place: Country) -> Option<&Rulebook> {
        self.book(place).or_else(|| self.books().find(|book| book.members.contains(&place)))
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
    for files in TERRITORIES {
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
    let mut transports = Vec::new();
    for (file, text) in TRANSPORTS {
        match Transport::load(file, text) {
            Ok(transport) => transports.push(transport),
            Err(found) => errors.extend(found),
        }
    }
    let books = Rulebooks { scorecard, agreements, transports, ..Rulebooks::new(books, lanes) };
    if errors.is_empty() { Ok(books) } else { Err(errors) }
}

/// The packs that this binary was built with as the folders that they were.
#[must_use]
pub fn builtin_folders() -> Vec<Folder> {
    let mut folders: BTreeMap<&str, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for (path, text) in
        TERRITORIES.iter().chain(&LANES).chain([&SCORECARD, &AGREEMENTS, &TRANSPORTS, &TERMS]).copied().flatten()
    {
        let (folder, file) = path.split_once('/').unwrap_or(("", path));
        folders.entry(folder).or_default().push((file.to_owned(), text.as_bytes().to_vec()));
    }
    folders.into_iter().map(|(name, files)| Folder { name: name.to_owned(), files }).collect()
}

/// The packs of this binary, loaded once for all tests.
#[cfg(test)]
pub(crate) fn test_books() -> &'static Rulebooks {
    static BOOKS: std::sync::OnceLock<Rulebooks> = std::sync::OnceLock::new();
    BOOKS.get_or_init(|| builtin().expect("the packs of this repository load"))
}
