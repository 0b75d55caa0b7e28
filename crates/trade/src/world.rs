//! The slice of the hub that a batch of commands may see and change: prefetched, decided on in
//! memory, then written whole.
//!
//! A command names what it reads ([`Need`]); the hub loads it; `decide` reads and puts; a refusal
//! takes back what its command put. Nothing here touches storage.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access_log::AccessDigest;
use crate::codes::{DocumentNo, HubId};
use crate::event::{Draft, Happened};
use crate::id::Id;
use crate::ledger::{Account, Balance, Leg, TRANSFER_MAX_MINOR, Transfer, TransferKind};
use crate::mandate::Mandate;
use crate::money::Money;
use crate::party::{Party, PersonTag, Personal};
use crate::payout::Payout;
use crate::peer::{Peer, Received};
use crate::permit::Permit;
use crate::product::{Offer, OfferKey, Product};
use crate::quote::Quote;
use crate::site::Site;
use crate::time::BusinessTime;
use crate::trade_file::{TradeFile, TradeId};

/// A number that must be used once on a hub: a payment's, a waybill's, a payout's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NumberKey {
    pub kind: NumberKind,
    pub no: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberKind {
    Payment,
    Waybill,
    Payout,
    PayoutFile,
}

impl NumberKind {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Waybill => "waybill",
            Self::Payout => "payout",
            Self::PayoutFile => "payout-file",
        }
    }
}

impl NumberKey {
    #[must_use]
    pub fn payment(no: &str) -> Self {
        Self { kind: NumberKind::Payment, no: no.to_owned() }
    }

    /// By which the bank names a payout when it has executed it.
    #[must_use]
    pub fn payout(id: &Id<Payout>) -> Self {
        Self { kind: NumberKind::Payout, no: id.to_string() }
    }

    /// A file of payouts, by the number that whoever asked for it chose.
    #[must_use]
    pub fn payout_file(no: &DocumentNo) -> Self {
        Self { kind: NumberKind::PayoutFile, no: no.to_string() }
    }

    #[must_use]
    pub fn waybill(no: &str) -> Self {
        Self { kind: NumberKind::Waybill, no: no.to_owned() }
    }
}

impl fmt::Display for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.code(), self.no)
    }
}

/// What one person has bought under a yearly limit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuotaKey {
    pub person: PersonTag,
    pub year: i16,
}

impl fmt::Display for QuotaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.person, self.year)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub key: QuotaKey,
    pub used: Money,
}

/// What a batch of commands reads. Sets, so that a thing named by many commands is loaded once.
#[derive(Clone, Debug, Default)]
pub struct Need {
    pub parties: BTreeSet<Id<Party>>,
    pub personals: BTreeSet<Id<Party>>,
    pub products: BTreeSet<Id<Product>>,
    pub offers: BTreeSet<OfferKey>,
    pub quotes: BTreeSet<Id<Quote>>,
    pub trades: BTreeSet<TradeId>,
    pub numbers: BTreeSet<NumberKey>,
    pub quotas: BTreeSet<QuotaKey>,
    pub mandates: BTreeSet<Id<Mandate>>,
    pub permits: BTreeSet<Id<Permit>>,
    pub accounts: BTreeSet<Account>,
    /// The access log's last digest.
    pub last_digest: bool,
}

impl Need {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty()
            && self.personals.is_empty()
            && self.products.is_empty()
            && self.offers.is_empty()
            && self.quotes.is_empty()
            && self.trades.is_empty()
            && self.numbers.is_empty()
            && self.quotas.is_empty()
            && self.mandates.is_empty()
            && self.permits.is_empty()
            && self.accounts.is_empty()
            && !self.last_digest
    }

    pub fn party(&mut self, id: Id<Party>) -> &mut Self {
        self.parties.insert(id);
        self
    }

    /// The personal values of a party, apart from all else that is known of it.
    pub fn personal(&mut self, id: Id<Party>) -> &mut Self {
        self.personals.insert(id);
        self
    }

    pub fn product(&mut self, id: Id<Product>) -> &mut Self {
        self.products.insert(id);
        self
    }

    pub fn offer(&mut self, key: OfferKey) -> &mut Self {
        self.offers.insert(key);
        self
    }

    pub fn quote(&mut self, id: Id<Quote>) -> &mut Self {
        self.quotes.insert(id);
        self
    }

    pub fn mandate(&mut self, id: Id<Mandate>) -> &mut Self {
        self.mandates.insert(id);
        self
    }

    pub fn permit(&mut self, id: Id<Permit>) -> &mut Self {
        self.permits.insert(id);
        self
    }

    pub fn trade(&mut self, id: &TradeId) -> &mut Self {
        if !self.trades.contains(id) {
            self.trades.insert(id.clone());
        }
        self
    }

    pub fn number(&mut self, key: NumberKey) -> &mut Self {
        self.numbers.insert(key);
        self
    }

    pub fn quota(&mut self, key: QuotaKey) -> &mut Self {
        self.quotas.insert(key);
        self
    }

    pub const fn last_digest(&mut self) -> &mut Self {
        self.last_digest = true;
        self
    }

    pub fn account(&mut self, account: Account) -> &mut Self {
        self.accounts.insert(account);
        self
    }
}

/// One kind of noun, as far as it was loaded: present, or known to be absent.
#[derive(Clone, Debug)]
pub struct Slice<K, V> {
    noun: &'static str,
    held: HashMap<K, Held<V>>,
    changed: BTreeSet<K>,
    undo: Vec<Undo<K, V>>,
    /// Counts the batches that were taken from here.
    batch: u64,
}

/// A thing in memory; shared with whoever writes it to storage meanwhile.
#[derive(Debug)]
struct Held<V> {
    value: Option<Arc<V>>,
    /// The batch that named it last.
    named: u64,
}

impl<V> Clone for Held<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), named: self.named }
    }
}

/// How a key stood before a command put something there; `None` if it was not loaded.
#[derive(Clone, Debug)]
struct Undo<K, V> {
    key: K,
    before: Option<Held<V>>,
    was_changed: bool,
}

impl<K: Clone + Eq + Hash + Ord + fmt::Debug, V> Slice<K, V> {
    fn new(noun: &'static str) -> Self {
        Self { noun, held: HashMap::new(), changed: BTreeSet::new(), undo: Vec::new(), batch: 0 }
    }

    /// Puts what was found in storage under `key`, `None` where nothing was.
    pub fn load(&mut self, key: K, value: Option<V>) {
        self.held.insert(key, Held { value: value.map(Arc::new), named: self.batch });
    }

    /// Whether `key` was loaded, so that a second round asks only for what is missing.
    #[must_use]
    pub fn knows(&self, key: &K) -> bool {
        self.held.contains_key(key)
    }

    /// Takes note that this batch names `key`; whether it still has to be loaded.
    fn lacks(&mut self, key: &K) -> bool {
        match self.held.get_mut(key) {
            Some(held) => {
                held.named = self.batch;
                false
            }
            None => true,
        }
    }

    /// What stands under `key`.
    ///
    /// # Panics
    /// If no command of the batch named `key` in `reads`: answering `None` would let a command
    /// create twice what exists. The lane catches it and refuses the guilty command alone.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.found(key).as_deref()
    }

    /// The same, to be kept: nothing is copied.
    ///
    /// # Panics
    /// As [`Self::get`].
    #[must_use]
    pub fn share(&self, key: &K) -> Option<Arc<V>> {
        self.found(key).clone()
    }

    fn found(&self, key: &K) -> &Option<Arc<V>> {
        match self.held.get(key) {
            Some(held) => &held.value,
            None => panic!("{} {key:?} was not named in reads()", self.noun),
        }
    }

    /// Changes or creates what stands under `key`, which was named in `reads`.
    pub fn put(&mut self, key: K, value: V) {
        let now = Held { value: Some(Arc::new(value)), named: self.batch };
        let before = self.held.insert(key.clone(), now);
        let was_changed = !self.changed.insert(key.clone());
        self.undo.push(Undo { key, before, was_changed });
    }

    /// Changes what is present under `key` without its having to be written: it follows from what is.
    fn amend(&mut self, key: &K, change: impl FnOnce(&V) -> V) {
        if let Some(held) = self.held.get_mut(key) {
            held.value = held.value.as_deref().map(|value| Arc::new(change(value)));
            held.named = self.batch;
        }
    }

    /// All that is present.
    pub fn all(&self) -> impl Iterator<Item = (&K, &V)> {
        self.held.iter().filter_map(|(k, held)| held.value.as_deref().map(|v| (k, v)))
    }

    fn keep(&mut self) {
        self.undo.clear();
    }

    fn take_back(&mut self) {
        while let Some(Undo { key, before, was_changed }) = self.undo.pop() {
            if !was_changed {
                self.changed.remove(&key);
            }
            match before {
                Some(held) => self.held.insert(key, held),
                None => self.held.remove(&key),
            };
        }
    }

    /// All that was changed in this batch, in key order; the next begins with nothing changed.
    fn take_changed(&mut self) -> Vec<(K, Arc<V>)> {
        self.undo.clear();
        self.batch += 1;
        let found = |key: K| self.held.get(&key).and_then(|held| held.value.clone()).map(|value| (key, value));
        std::mem::take(&mut self.changed).into_iter().filter_map(found).collect()
    }

    /// Lets go of what no batch has named since `since`.
    fn forget(&mut self, since: u64) {
        self.held.retain(|_, held| held.named >= since);
    }

    fn named(&self) -> impl Iterator<Item = u64> {
        self.held.values().map(|held| held.named)
    }
}

/// What a batch did, on its way to storage.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub parties: Vec<(Id<Party>, Arc<Party>)>,
    pub personals: Vec<(Id<Party>, Arc<Personal>)>,
    pub products: Vec<(Id<Product>, Arc<Product>)>,
    pub offers: Vec<(OfferKey, Arc<Offer>)>,
    pub quotes: Vec<(Id<Quote>, Arc<Quote>)>,
    pub trades: Vec<(TradeId, Arc<TradeFile>)>,
    pub numbers: Vec<(NumberKey, Arc<TradeId>)>,
    pub quotas: Vec<(QuotaKey, Arc<Quota>)>,
    pub mandates: Vec<(Id<Mandate>, Arc<Mandate>)>,
    pub permits: Vec<(Id<Permit>, Arc<Permit>)>,
    pub last_digest: Option<Arc<AccessDigest>>,
    pub peers: Vec<(HubId, Arc<Peer>)>,
    /// In the order in which they happened.
    pub events: Vec<Draft>,
    pub transfers: Vec<Transfer>,
    /// What peers told, as it came.
    pub received: Vec<Received>,
    /// Set in this order: the last one of a name counts.
    pub marks: Vec<(&'static str, String)>,
    /// Where business time was moved to.
    pub clock_moved: Option<BusinessTime>,
}

/// The slice itself, with what the commands of the batch did to it.
#[derive(Clone, Debug)]
pub struct World {
    pub site: Arc<Site>,
    pub now: BusinessTime,
    pub parties: Slice<Id<Party>, Party>,
    pub personals: Slice<Id<Party>, Personal>,
    pub products: Slice<Id<Product>, Product>,
    pub offers: Slice<OfferKey, Offer>,
    pub quotes: Slice<Id<Quote>, Quote>,
    pub trades: Slice<TradeId, TradeFile>,
    pub numbers: Slice<NumberKey, TradeId>,
    pub quotas: Slice<QuotaKey, Quota>,
    pub mandates: Slice<Id<Mandate>, Mandate>,
    pub permits: Slice<Id<Permit>, Permit>,
    pub last_digest: Slice<(), AccessDigest>,
    /// Every accepted peer; few, so always loaded.
    pub peers: Slice<HubId, Peer>,
    /// Balances as they stood before the batch; see [`World::balance`].
    balances: Slice<Account, Balance>,
    clock_moved: Option<BusinessTime>,
    events: Vec<Draft>,
    transfers: Vec<Transfer>,
    received: Vec<Received>,
    /// What the hub knows of itself beside its nouns, by name; see `recovery::mark`.
    marks: BTreeMap<String, String>,
    marked: Vec<(&'static str, String)>,
    marked_kept: usize,
    events_kept: usize,
    transfers_kept: usize,
    received_kept: usize,
    clock_kept: Option<BusinessTime>,
    now_kept: BusinessTime,
}

impl World {
    #[must_use]
    pub fn new(site: Arc<Site>, now: BusinessTime) -> Self {
        Self {
            site,
            now,
            parties: Slice::new("party"),
            personals: Slice::new("personal values"),
            products: Slice::new("product"),
            offers: Slice::new("offer"),
            quotes: Slice::new("quote"),
            trades: Slice::new("trade file"),
            numbers: Slice::new("number"),
            quotas: Slice::new("quota"),
            mandates: Slice::new("mandate"),
            permits: Slice::new("permit"),
            last_digest: Slice::new("access digest"),
            peers: Slice::new("peer"),
            balances: Slice::new("balance"),
            clock_moved: None,
            events: Vec::new(),
            transfers: Vec::new(),
            received: Vec::new(),
            marks: BTreeMap::new(),
            marked: Vec::new(),
            marked_kept: 0,
            events_kept: 0,
            transfers_kept: 0,
            received_kept: 0,
            clock_kept: None,
            now_kept: now,
        }
    }

    /// What of `need` is not loaded yet. The rest counts as named by this batch.
    #[must_use]
    pub fn missing(&mut self, mut need: Need) -> Need {
        need.parties.retain(|k| self.parties.lacks(k));
        need.personals.retain(|k| self.personals.lacks(k));
        need.products.retain(|k| self.products.lacks(k));
        need.offers.retain(|k| self.offers.lacks(k));
        need.quotes.retain(|k| self.quotes.lacks(k));
        need.trades.retain(|k| self.trades.lacks(k));
        need.numbers.retain(|k| self.numbers.lacks(k));
        need.quotas.retain(|k| self.quotas.lacks(k));
        need.mandates.retain(|k| self.mandates.lacks(k));
        need.permits.retain(|k| self.permits.lacks(k));
        need.accounts.retain(|k| self.balances.lacks(k));
        need.last_digest &= self.last_digest.lacks(&());
        need
    }

    pub fn load_balance(&mut self, account: Account, balance: Balance) {
        self.balances.load(account, Some(balance));
    }

    /// An account's balance with what this batch has posted so far.
    #[must_use]
    pub fn balance(&self, account: &Account) -> Balance {
        let held = self.balances.held.get(account).and_then(|held| held.value.as_deref());
        let start = held.copied().unwrap_or_default();
        self.transfers.iter().fold(start, |balance, t| balance.after(account, t))
    }

    /// Something happened; kept with the change that made it happen.
    pub fn happened(&mut self, trade: Option<&TradeId>, to: Option<&HubId>, what: Happened) {
        self.events.push(Draft { at: self.now, trade: trade.cloned(), to: to.cloned(), what });
    }

    /// As [`Self::happened`], of something that happened at another time.
    pub fn happened_as(&mut self, draft: Draft) {
        self.events.push(draft);
    }

    /// The same thing, told to every accepted peer.
    pub fn told_all_peers(&mut self, what: &Happened) {
        let peers: BTreeSet<HubId> = self.peers.all().map(|(id, _)| id.clone()).collect();
        if peers.is_empty() {
            self.happened(None, None, what.clone());
        }
        for peer in peers {
            self.happened(None, Some(&peer), what.clone());
        }
    }

    /// Moves money. A transfer of nothing is left out.
    ///
    /// # Panics
    /// If an account holds another currency, or the amount is beyond what any command lets in: a
    /// ledger prefers a stop to a wrong sum. The lane refuses the guilty command alone.
    pub fn transfer(
        &mut self,
        trade: &TradeId,
        leg: Leg,
        kind: TransferKind,
        debit: Account,
        credit: Account,
        amount: Money,
    ) {
        assert_eq!(debit.currency, amount.currency(), "an account holds one currency");
        assert_eq!(credit.currency, amount.currency(), "an account holds one currency");
        assert!(amount.minor() <= TRANSFER_MAX_MINOR, "an amount is limited where it comes in");
        if amount.is_positive() {
            self.transfers.push(Transfer { trade: trade.clone(), leg, kind, debit, credit, amount, at: self.now });
        }
    }

    pub fn load_mark(&mut self, name: String, value: String) {
        self.marks.insert(name, value);
    }

    pub fn mark(&mut self, name: &'static str, value: String) {
        self.marked.push((name, value));
    }

    #[must_use]
    pub fn marked(&self, name: &str) -> Option<String> {
        let fresh = self.marked.iter().rev().find(|(n, _)| *n == name).map(|(_, value)| value);
        fresh.or_else(|| self.marks.get(name)).cloned()
    }

    /// Keeps what a peer told, as it came.
    pub fn keep_received(&mut self, received: Received) {
        self.received.push(received);
    }

    pub fn move_clock(&mut self, to: BusinessTime) {
        self.clock_moved = Some(to);
        self.now = to;
    }

    /// What this command has done stands.
    pub fn keep(&mut self) {
        self.parties.keep();
        self.personals.keep();
        self.products.keep();
        self.offers.keep();
        self.quotes.keep();
        self.trades.keep();
        self.numbers.keep();
        self.quotas.keep();
        self.mandates.keep();
        self.permits.keep();
        self.last_digest.keep();
        self.peers.keep();
        self.events_kept = self.events.len();
        self.transfers_kept = self.transfers.len();
        self.received_kept = self.received.len();
        self.marked_kept = self.marked.len();
        self.clock_kept = self.clock_moved;
        self.now_kept = self.now;
    }

    /// What this command has done since the last `keep` is undone, to the letter.
    pub fn take_back(&mut self) {
        self.parties.take_back();
        self.personals.take_back();
        self.products.take_back();
        self.offers.take_back();
        self.quotes.take_back();
        self.trades.take_back();
        self.numbers.take_back();
        self.quotas.take_back();
        self.mandates.take_back();
        self.permits.take_back();
        self.last_digest.take_back();
        self.peers.take_back();
        self.events.truncate(self.events_kept);
        self.transfers.truncate(self.transfers_kept);
        self.received.truncate(self.received_kept);
        self.marked.truncate(self.marked_kept);
        self.clock_moved = self.clock_kept;
        self.now = self.now_kept;
    }

    /// Begins a batch at a time of business.
    pub const fn begin(&mut self, now: BusinessTime) {
        (self.now, self.now_kept) = (now, now);
    }

    /// Hands over all that this batch did. What is known stays known, for whoever is alone in
    /// writing it; the next batch begins with nothing changed, at the same time.
    pub fn take_changes(&mut self) -> Changes {
        for transfer in &self.transfers {
            for account in [&transfer.debit, &transfer.credit] {
                self.balances.amend(account, |balance| balance.after(account, transfer));
            }
        }
        self.balances.take_changed();
        let changes = Changes {
            parties: self.parties.take_changed(),
            personals: self.personals.take_changed(),
            products: self.products.take_changed(),
            offers: self.offers.take_changed(),
            quotes: self.quotes.take_changed(),
            trades: self.trades.take_changed(),
            numbers: self.numbers.take_changed(),
            quotas: self.quotas.take_changed(),
            mandates: self.mandates.take_changed(),
            permits: self.permits.take_changed(),
            last_digest: self.last_digest.take_changed().pop().map(|(_, digest)| digest),
            peers: self.peers.take_changed(),
            events: std::mem::take(&mut self.events),
            transfers: std::mem::take(&mut self.transfers),
            received: std::mem::take(&mut self.received),
            marks: std::mem::take(&mut self.marked),
            clock_moved: self.clock_moved.take(),
        };
        self.marks.extend(changes.marks.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.keep();
        changes
    }

    /// Lets go of the things that were named longest ago, until at most `most` are known; but never of
    /// what one of the last `under_way` batches named: that may still be on its way to storage, where
    /// it cannot be read yet.
    pub fn forget(&mut self, most: usize, under_way: u64) {
        let mut named: Vec<u64> = Vec::with_capacity(self.held());
        named.extend(self.parties.named().chain(self.personals.named()).chain(self.products.named()));
        named.extend(self.offers.named().chain(self.quotes.named()).chain(self.trades.named()));
        named.extend(self.numbers.named().chain(self.quotas.named()).chain(self.balances.named()));
        named.extend(self.mandates.named().chain(self.permits.named()));
        let Some(too_many) = named.len().checked_sub(most).filter(|n| *n > 0) else { return };
        let (_, oldest_kept, _) = named.select_nth_unstable(too_many - 1);
        let since = (*oldest_kept + 1).min(self.balances.batch.saturating_sub(under_way));
        self.parties.forget(since);
        self.personals.forget(since);
        self.products.forget(since);
        self.offers.forget(since);
        self.quotes.forget(since);
        self.trades.forget(since);
        self.numbers.forget(since);
        self.quotas.forget(since);
        self.mandates.forget(since);
        self.permits.forget(since);
        self.balances.forget(since);
    }

    /// How many things are known, present or absent: what memory this costs.
    #[must_use]
    pub fn held(&self) -> usize {
        self.parties.held.len()
            + self.personals.held.len()
            + self.products.held.len()
            + self.offers.held.len()
            + self.quotes.held.len()
            + self.trades.held.len()
            + self.numbers.held.len()
            + self.quotas.held.len()
            + self.mandates.held.len()
            + self.permits.held.len()
            + self.balances.held.len()
    }
}

#[cfg(test)]
mod tests;
