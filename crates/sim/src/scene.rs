//! Two hubs and the road between them: Kuala Lumpur and Hangzhou, each of which sells to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use trade::card::{Mode, SignedCard};
use trade::checkpoint::Epoch;
use trade::codes::{Country, HubId};
use trade::command::Outcome;
use trade::commands::Command;
use trade::custody::{CustodyKind, RecordCustody};
use trade::event::Event;
use trade::id::Id;
use trade::party::{Party, PersonTag, PersonTags, Personal, RegisterParty, Role};
use trade::peer::{AcceptEpoch, AcceptPeer, ReceiveBatch};
use trade::recovery::{EndRecall, Recall};
use trade::road::{Batch, Limits, NewEpoch, Receipt, RoadMark, WitnessedHead};
use trade::rulebook::{Rulebooks, builtin};
use trade::site::{BankAccount, Site, SiteConfig};
use trade::time::{BusinessTime, WallTime};
use trade::trade_file::{Side, TradeId};

use crate::memory::MemoryHub;
use crate::network::{Weather, Wire};
use crate::random::Random;

/// 2026-11-23 01:00 UTC, nine in the morning in both places.
pub const START: BusinessTime = BusinessTime::from_micros(1_795_395_600_000_000);

/// Key of the person tags in the simulation.
pub const PERSON_KEY: [u8; 32] = [7; 32];

/// A sandbox hub of the simulation.
///
/// # Panics
/// If the built-in packs have no rules for the territory.
#[must_use]
pub fn site(id: &str, territory: Country, rulebooks: &Arc<Rulebooks>) -> Arc<Site> {
    let id: HubId = id.parse().expect("well-formed");
    let secret: [u8; 32] = trade::log::Hash::of(id.as_str().as_bytes()).as_bytes().to_owned();
    let config = SiteConfig {
        name: id.to_string(),
        id,
        territory,
        mode: Mode::Sandbox,
        url: "http://127.0.0.1".to_owned(),
        bank: BankAccount { firm: "Sandbox Bank".to_owned(), account: "0001".to_owned() },
        accepted_rules: BTreeSet::new(),
    };
    let issued = WallTime::from_micros(START.micros());
    Arc::new(Site::open(&config, &secret, rulebooks.clone(), Epoch::FIRST, issued).expect("the territory has rules"))
}

/// The built-in rule packs.
///
/// # Panics
/// If a built-in pack does not load; its own tests say why.
#[must_use]
pub fn rulebooks() -> Arc<Rulebooks> {
    Arc::new(builtin().expect("the built-in packs load"))
}

/// A party of the simulation, named by a word.
#[must_use]
pub fn party_id(word: &str) -> Id<Party> {
    Id::derived(BusinessTime::from_micros(0), word)
}

/// A business or authority.
#[must_use]
pub fn business(word: &str, role: Role, country: Country) -> RegisterParty {
    let id = party_id(word);
    RegisterParty {
        party: Party {
            id,
            name: word.to_owned(),
            roles: BTreeSet::from([role]),
            country,
            person: None,
            identity_checked: true,
            payout_account: Some("0002".to_owned()),
            account_holder: None,
            registration: None,
            since: START,
        },
        personal: Personal { party: id, fields: BTreeMap::new() },
    }
}

/// A person who buys.
#[must_use]
pub fn buyer(word: &str) -> RegisterParty {
    buyer_in(word, Country::CN)
}

/// A person who buys, in either country.
#[must_use]
pub fn buyer_in(word: &str, country: Country) -> RegisterParty {
    let mut buyer = business(word, Role::Buyer, country);
    buyer.party.person = Some(tags(word));
    buyer.party.payout_account = None;
    buyer
}

/// A registered business that buys.
#[must_use]
pub fn firm_in(word: &str, country: Country) -> RegisterParty {
    let mut firm = buyer_in(word, country);
    firm.party.registration = Some(format!("REG-{word}"));
    firm
}

/// By what a person of the simulation is recognised.
#[must_use]
pub fn tags(word: &str) -> PersonTags {
    PersonTags { id: Some(PersonTag::of(&PERSON_KEY, "id", word)), name: PersonTag::of(&PERSON_KEY, "name", word) }
}

/// How far one hub knows that the other has got.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    acknowledged: u64,
    witnessed: u64,
}

/// Which way goods go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    #[default]
    MyCn,
    CnMy,
}

impl Way {
    pub const ALL: [Self; 2] = [Self::MyCn, Self::CnMy];

    /// The country that goods leave.
    #[must_use]
    pub const fn from(self) -> Country {
        match self {
            Self::MyCn => Country::MY,
            Self::CnMy => Country::CN,
        }
    }

    /// The country that they come to.
    #[must_use]
    pub const fn to(self) -> Country {
        match self {
            Self::MyCn => Country::CN,
            Self::CnMy => Country::MY,
        }
    }

    /// Who sells on it.
    #[must_use]
    pub const fn seller(self) -> &'static str {
        match self {
            Self::MyCn => "seller",
            Self::CnMy => "maker",
        }
    }
}

/// Kuala Lumpur, Hangzhou, and what is on its way between them.
#[derive(Clone, Debug)]
pub struct Scene {
    pub kul: MemoryHub,
    pub hgh: MemoryHub,
    pub weather: Weather,
    to_hgh: Wire,
    to_kul: Wire,
    sent_by_kul: Sent,
    sent_by_hgh: Sent,
}

impl Scene {
    /// Both hubs, each with its officers and carriers, joined by a road.
    ///
    /// # Panics
    /// If the hubs do not accept each other.
    #[must_use]
    pub fn new() -> Self {
        let books = rulebooks();
        let mut kul = MemoryHub::new(site("kul.sandbox", Country::MY, &books), START);
        let mut hgh = MemoryHub::new(site("hgh.sandbox", Country::CN, &books), START);
        for (hub, country) in [(&mut kul, Country::MY), (&mut hgh, Country::CN)] {
            for role in [Role::Officer, Role::Carrier, Role::Operator, Role::Bank] {
                hub.run(business(role.code(), role, country)).expect("well-formed");
            }
        }
        kul.run(business("seller", Role::Seller, Country::MY)).expect("well-formed");
        hgh.run(business("maker", Role::Seller, Country::CN)).expect("well-formed");
        let cards = [&kul, &hgh].map(|hub| hub.site.card.clone().sign(&hub.site.road.key));
        let [of_kul, of_hgh] = cards;
        accept(&mut kul, of_hgh);
        accept(&mut hgh, of_kul);
        Self {
            kul,
            hgh,
            weather: Weather::default(),
            to_hgh: Wire::default(),
            to_kul: Wire::default(),
            sent_by_kul: Sent::default(),
            sent_by_hgh: Sent::default(),
        }
    }

    /// One exchange in each direction, as the weather allows.
    pub fn exchange(&mut self, random: &mut Random) {
        let (kul, hgh) = (self.kul.site.id.clone(), self.hgh.site.id.clone());
        let batch = self.kul.batch(&hgh, self.sent_by_kul.acknowledged, self.sent_by_kul.witnessed);
        self.to_hgh.send(batch.to_json(), self.weather, random);
        let batch = self.hgh.batch(&kul, self.sent_by_hgh.acknowledged, self.sent_by_hgh.witnessed);
        self.to_kul.send(batch.to_json(), self.weather, random);
        while let Some(message) = self.to_hgh.receive() {
            deliver(&mut self.hgh, &message, &mut self.sent_by_kul);
        }
        while let Some(message) = self.to_kul.receive() {
            deliver(&mut self.kul, &message, &mut self.sent_by_hgh);
        }
    }

    /// Exchanges until neither hub has anything left to tell.
    ///
    /// # Panics
    /// If that takes more than ten thousand exchanges.
    pub fn settle(&mut self, random: &mut Random) {
        for _ in 0..10_000 {
            self.exchange(random);
            if self.is_quiet() {
                return;
            }
        }
        panic!("the road does not come to rest");
    }

    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let told = |hub: &MemoryHub, to: &HubId| hub.store.roads.get(to).map_or(0, Vec::len);
        let equal = |told: usize, sent: Sent| u64::try_from(told).is_ok_and(|told| told == sent.acknowledged);
        equal(told(&self.kul, &self.hgh.site.id), self.sent_by_kul)
            && equal(told(&self.hgh, &self.kul.site.id), self.sent_by_hgh)
    }

    /// The road is cut, or mended.
    pub fn cut(&mut self, cut: bool) {
        self.to_hgh.cut = cut;
        self.to_kul.cut = cut;
    }

    /// One hub is put back to an old copy of itself, declares its loss, and recalls what it had told.
    ///
    /// # Panics
    /// If the peer does not accept the declared loss, or the words cannot be recalled.
    pub fn restore(&mut self, side: Side, copy: MemoryHub) {
        let (lost, witness, sent, heard) = match side {
            Side::Import => (&mut self.hgh, &mut self.kul, &mut self.sent_by_hgh, &mut self.sent_by_kul),
            Side::Export => (&mut self.kul, &mut self.hgh, &mut self.sent_by_kul, &mut self.sent_by_hgh),
        };
        let told = lost.events();
        let peer = witness.site.id.clone();
        let road = witness.store.peers[&copy.site.id].road.clone();
        let at = WallTime::from_micros(lost.now.micros());
        *lost = copy;
        let head = road.seen.clone().expect("the peer has seen this log");
        // It names what it has applied when it asks; the peer sends again what comes after.
        let mine = &lost.store.peers[&peer].road;
        *heard = Sent { acknowledged: mine.cursor, witnessed: mine.seen_head().0 };
        let kept = lost.head().claimed().size;
        if head.claimed().size <= kept {
            return;
        }
        lost.site = Arc::new(lost.site.in_epoch(Epoch(2), at));
        let heads = vec![WitnessedHead { head, consistency: Vec::new() }];
        let roads = vec![RoadMark { peer: peer.clone(), next_seq: road.cursor + 1 }];
        let statement = NewEpoch::declare(&lost.site.road, lost.head(), heads, "operator", roads.clone(), at);
        let statement = statement.expect("events were lost");
        let (epoch, lost_from, lost_to) = (statement.epoch, statement.lost_from, statement.lost_to);
        witness.run(AcceptEpoch { statement }).expect("the peer accepts a declared loss");
        let known = lost.store.roads.get(&peer).map_or(0, Vec::len);
        let is_lost = |seq: u64| seq <= road.cursor && usize::try_from(seq).is_ok_and(|seq| seq > known);
        let events: Vec<Event> =
            told.into_iter().filter(|e| e.to.as_ref() == Some(&peer) && e.road_seq.is_some_and(is_lost)).collect();
        let parties =
            |role: Role| lost.store.parties.values().filter(move |p| p.is(role)).map(|p| p.id).collect::<Vec<_>>();
        let (buyers, sellers) = (parties(Role::Buyer), parties(Role::Seller));
        // Road numbers go on where the peer has got.
        let cursor = usize::try_from(road.cursor).expect("in memory");
        lost.store.roads.entry(peer.clone()).or_default().resize(cursor, 0);
        lost.run(Recall { events, exact: false, buyers, sellers }).expect("own words are recalled");
        lost.run(EndRecall { epoch, lost_from, lost_to, roads, again: Vec::new() }).expect("the recall ends");
        *sent = Sent { acknowledged: road.cursor, witnessed: kept };
    }

    /// The hub that goods leave from and the one that they come to, on one way.
    pub fn hubs(&mut self, way: Way) -> (&mut MemoryHub, &mut MemoryHub) {
        match way {
            Way::MyCn => (&mut self.kul, &mut self.hgh),
            Way::CnMy => (&mut self.hgh, &mut self.kul),
        }
    }

    /// The hub that goods come to.
    #[must_use]
    pub const fn importer(&self, way: Way) -> &MemoryHub {
        match way {
            Way::MyCn => &self.hgh,
            Way::CnMy => &self.kul,
        }
    }

    /// The hub that they leave from.
    #[must_use]
    pub const fn exporter(&self, way: Way) -> &MemoryHub {
        match way {
            Way::MyCn => &self.kul,
            Way::CnMy => &self.hgh,
        }
    }

    /// What Hangzhou owes and Kuala Lumpur is owed for what went from Malaysia to China, and what is on
    /// its way between them, in minor units: the first is always the sum of the others.
    #[must_use]
    pub fn dues(&self) -> (i64, i64, i64) {
        self.dues_of(Way::MyCn)
    }

    /// The same for either way.
    #[must_use]
    pub fn dues_of(&self, way: Way) -> (i64, i64, i64) {
        let (exporter, importer) = (self.exporter(way), self.importer(way));
        let of = |hub: &MemoryHub, purpose| {
            let matches = |a: &&trade::ledger::Account| a.purpose == purpose;
            hub.store.balances.iter().filter(|(a, _)| matches(a)).map(|(_, b)| b.credit - b.debit).sum::<i64>()
        };
        let due_to = of(importer, trade::ledger::Purpose::DueTo);
        let due_from = -of(exporter, trade::ledger::Purpose::DueFrom);
        let applied = exporter.store.peers.get(&importer.site.id).map_or(0, |p| p.road.cursor);
        let in_flight = importer
            .events()
            .iter()
            .filter(|e| e.road_seq.is_some_and(|seq| seq > applied))
            .filter_map(|e| match &e.what {
                trade::event::Happened::EscrowReleased { due, .. } => Some(due.minor()),
                _ => None,
            })
            .sum();
        (due_to, due_from, in_flight)
    }

    /// A carrier's scan on the hub that the step belongs to.
    pub fn scan(&mut self, trade: &TradeId, kind: CustodyKind) -> Outcome {
        let in_china = trade.importer() == self.hgh.site.id.as_str();
        let (hub, place) = match (kind.side(), in_china) {
            (Side::Export, true) | (Side::Import, false) => (&mut self.kul, "MYKUL"),
            (Side::Import, true) | (Side::Export, false) => (&mut self.hgh, "CNHGH"),
        };
        hub.run(RecordCustody { trade: trade.clone(), kind, place: place.to_owned(), by: party_id("carrier") })
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

fn accept(hub: &mut MemoryHub, card: SignedCard) {
    let accepted = hub.run(AcceptPeer { card, url: "http://127.0.0.1".to_owned() });
    accepted.expect("two sandboxes of different territories accept each other");
}

/// The receiver reads, checks and applies; its receipt moves the sender on. What cannot be read is
/// dropped, as a server would answer it with an error.
fn deliver(to: &mut MemoryHub, message: &[u8], sent: &mut Sent) {
    let own = &to.site.road;
    let Ok(batch) = Batch::read(message, &own.versions, Limits::default()) else { return };
    let at = WallTime::from_micros(to.now.micros());
    let command: Command = ReceiveBatch::new(batch, at).into();
    if let Ok(answer) = to.run(command)
        && let Ok(receipt) = serde_json::from_value::<Receipt>(answer)
    {
        sent.acknowledged = sent.acknowledged.max(receipt.cursor);
        sent.witnessed = sent.witnessed.max(receipt.size);
    }
}
