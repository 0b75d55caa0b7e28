//! A hub in memory: prefetch from maps, decide in `trade`, write back, keep the log.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use trade::access_log::AccessDigest;
use trade::bag::Bag;
use trade::checkpoint::{Checkpoint, SignedCheckpoint};
use trade::codes::{BagNo, HubId};
use trade::command::Outcome;
use trade::commands::{Command, first_round, second_round};
use trade::debt::Debts;
use trade::event::{Draft, Event};
use trade::id::Id;
use trade::ledger::{Account, Balance, Transfer};
use trade::log::{Bytes, Prover, Tree, leaf_hash};
use trade::mandate::Mandate;
use trade::manifest::{Manifest, ManifestId};
use trade::party::{Party, Personal};
use trade::peer::Peer;
use trade::permit::Permit;
use trade::product::{Offer, OfferKey, Product};
use trade::quote::Quote;
use trade::road::{Batch, Entry, Limits, Wanted, compose};
use trade::site::Site;
use trade::stock::{Stock, StockKey, StockMove, StockMoveKey};
use trade::time::BusinessTime;
use trade::trade_file::{TradeFile, TradeId};
use trade::world::{Changes, Need, NumberKey, Quota, QuotaKey, Slice, World};

/// Everything that a hub keeps. Cloning it is what a crash leaves: the last commit.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub parties: BTreeMap<Id<Party>, Party>,
    pub personals: BTreeMap<Id<Party>, Personal>,
    pub products: BTreeMap<Id<Product>, Product>,
    pub offers: BTreeMap<OfferKey, Offer>,
    pub quotes: BTreeMap<Id<Quote>, Quote>,
    pub trades: BTreeMap<TradeId, TradeFile>,
    pub numbers: BTreeMap<NumberKey, TradeId>,
    pub quotas: BTreeMap<QuotaKey, Quota>,
    pub mandates: BTreeMap<Id<Mandate>, Mandate>,
    pub permits: BTreeMap<Id<Permit>, Permit>,
    pub stocks: BTreeMap<StockKey, Stock>,
    pub stock_moves: BTreeMap<StockMoveKey, StockMove>,
    pub bags: BTreeMap<BagNo, Bag>,
    pub manifests: BTreeMap<ManifestId, Manifest>,
    pub debts: BTreeMap<Id<Party>, Debts>,
    pub peers: BTreeMap<HubId, Peer>,
    pub last_digest: Option<AccessDigest>,
    pub balances: BTreeMap<Account, Balance>,
    pub transfers: Vec<Transfer>,
    /// The log's leaves, as bytes.
    pub leaves: Vec<Vec<u8>>,
    /// Places in the log of what each peer is told.
    pub roads: BTreeMap<HubId, Vec<u64>>,
    tree: Tree,
    tiles: HashMap<(u8, u64), Vec<u8>>,
}

/// Loads what is stored of one noun, and notes what is not.
fn found<K: Clone + Eq + Hash + Ord + Debug, V: Clone>(
    slice: &mut Slice<K, V>,
    stored: &BTreeMap<K, V>,
    named: impl IntoIterator<Item = K>,
) {
    for key in named {
        let value = stored.get(&key).cloned();
        slice.load(key, value);
    }
}

fn owned<K, V: Clone>(changed: Vec<(K, Arc<V>)>) -> impl Iterator<Item = (K, V)> {
    changed.into_iter().map(|(key, value)| (key, Arc::unwrap_or_clone(value)))
}

/// A hub that decides in memory.
#[derive(Clone, Debug)]
pub struct MemoryHub {
    pub site: Arc<Site>,
    pub store: Store,
    pub now: BusinessTime,
}

impl MemoryHub {
    #[must_use]
    pub fn new(site: Arc<Site>, now: BusinessTime) -> Self {
        Self { site, store: Store::default(), now }
    }

    /// Decides a batch as one transaction: loaded, decided in order, written whole.
    pub fn decide(&mut self, commands: &[Command]) -> Vec<Outcome> {
        let commands: Vec<&Command> = commands.iter().collect();
        let mut world = World::new(self.site.clone(), self.now);
        for (id, peer) in &self.store.peers {
            world.peers.load(id.clone(), Some(peer.clone()));
        }
        self.load(&mut world, first_round(&commands));
        let more = second_round(&commands, &mut world);
        self.load(&mut world, more);
        let outcomes = commands.iter().map(|command| command.decide(&mut world)).collect();
        self.write(world.take_changes());
        outcomes
    }

    /// One command, a batch of its own.
    pub fn run(&mut self, command: impl Into<Command>) -> Outcome {
        self.decide(&[command.into()]).pop().expect("one command has one outcome")
    }

    fn load(&self, world: &mut World, need: Need) {
        let s = &self.store;
        found(&mut world.parties, &s.parties, need.parties);
        found(&mut world.personals, &s.personals, need.personals);
        found(&mut world.products, &s.products, need.products);
        found(&mut world.quotes, &s.quotes, need.quotes);
        found(&mut world.mandates, &s.mandates, need.mandates);
        found(&mut world.permits, &s.permits, need.permits);
        found(&mut world.offers, &s.offers, need.offers);
        found(&mut world.trades, &s.trades, need.trades);
        found(&mut world.numbers, &s.numbers, need.numbers);
        found(&mut world.debts, &s.debts, need.debts);
        found(&mut world.quotas, &s.quotas, need.quotas);
        found(&mut world.stocks, &s.stocks, need.stocks);
        found(&mut world.stock_moves, &s.stock_moves, need.stock_moves);
        found(&mut world.bags, &s.bags, need.bags);
        found(&mut world.manifests, &s.manifests, need.manifests);
        if need.last_digest {
            world.last_digest.load((), s.last_digest.clone());
        }
        for account in need.accounts {
            let balance = s.balances.get(&account).copied().unwrap_or_default();
            world.load_balance(account, balance);
        }
    }

    fn write(&mut self, changes: Changes) {
        let s = &mut self.store;
        s.parties.extend(owned(changes.parties));
        s.personals.extend(owned(changes.personals));
        s.products.extend(owned(changes.products));
        s.offers.extend(owned(changes.offers));
        s.quotes.extend(owned(changes.quotes));
        s.trades.extend(owned(changes.trades));
        s.numbers.extend(owned(changes.numbers));
        s.quotas.extend(owned(changes.quotas));
        s.mandates.extend(owned(changes.mandates));
        s.permits.extend(owned(changes.permits));
        s.stocks.extend(owned(changes.stocks));
        s.stock_moves.extend(owned(changes.stock_moves));
        s.bags.extend(owned(changes.bags));
        s.manifests.extend(owned(changes.manifests));
        s.debts.extend(owned(changes.debts));
        s.peers.extend(owned(changes.peers));
        if let Some(digest) = changes.last_digest {
            s.last_digest = Some(Arc::unwrap_or_clone(digest));
        }
        for t in changes.transfers {
            for account in [&t.debit, &t.credit] {
                let balance = s.balances.entry(account.clone()).or_default();
                *balance = balance.after(account, &t);
            }
            s.transfers.push(t);
        }
        self.log(&changes.events);
        if let Some(to) = changes.clock_moved {
            self.now = to;
        }
    }

    /// Puts events into the log as they are, as a peer does whose side of a trade is not played.
    pub fn log(&mut self, drafts: &[Draft]) {
        let s = &mut self.store;
        for draft in drafts {
            let n = s.tree.size();
            let road_seq = draft.to.as_ref().map(|to| {
                let road = s.roads.entry(to.clone()).or_default();
                road.push(n);
                u64::try_from(road.len()).expect("lengths fit in 64 bits")
            });
            let event = Event {
                n,
                at: draft.at,
                trade: draft.trade.clone(),
                to: draft.to.clone(),
                road_seq,
                what: draft.what.clone(),
            };
            let leaf = event.leaf();
            s.tree.append(leaf_hash(&leaf));
            s.leaves.push(leaf);
        }
        for tile in s.tree.take_tiles() {
            s.tiles.insert((tile.id.level, tile.id.index), tile.bytes);
        }
    }

    /// All that happened, read back from the log.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.store.leaves.iter().filter_map(|leaf| serde_json::from_slice(leaf).ok()).collect()
    }

    /// The head of the log as it stands.
    ///
    /// # Panics
    /// Never: the tiles are those of this tree.
    #[must_use]
    pub fn head(&self) -> SignedCheckpoint {
        let checkpoint =
            Checkpoint { origin: self.site.road.origin(), size: self.store.tree.size(), root: self.store.tree.root() };
        checkpoint.sign(&self.site.road.key).expect("the origin is this key's own")
    }

    /// The next batch for a peer that has applied `after` and has seen `peer_size` leaves.
    ///
    /// # Panics
    /// Never: all proofs lie within the own tree.
    #[must_use]
    pub fn batch(&self, to: &HubId, after: u64, peer_size: u64) -> Batch {
        let s = &self.store;
        let head = self.head();
        let size = head.claimed().size;
        let mut prover = Prover::new(size, |level, index| s.tiles.get(&(level, index)).cloned());
        let consistency = prover.consistency(peer_size).expect("the peer saw no more than there is");
        let limits = Limits::default();
        let road = s.roads.get(to).map(Vec::as_slice).unwrap_or_default();
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let entries: Vec<Entry> = (1_u64..)
            .zip(road)
            .skip(skip)
            .take(limits.entries)
            .map(|(road_seq, index)| Entry {
                index: *index,
                road_seq,
                leaf: Bytes(s.leaves[usize::try_from(*index).expect("in memory")].clone()),
                proof: prover.inclusion(*index).expect("within the tree"),
            })
            .collect();
        let wanted = Wanted { to: to.clone(), version: 1, after, peer_size, head, limits };
        compose(&self.site.road, &wanted, consistency, entries)
    }

    /// Posted debits less credits of all accounts of a currency; always 0.
    #[must_use]
    pub fn imbalance(&self) -> BTreeMap<trade::money::Currency, i64> {
        let mut sums = BTreeMap::new();
        for (account, balance) in &self.store.balances {
            let sum = sums.entry(account.currency).or_insert(0);
            *sum += balance.debit - balance.credit;
        }
        sums
    }
}
