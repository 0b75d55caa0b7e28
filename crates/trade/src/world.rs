//! The slice of the hub that a batch of commands may see and change: prefetched, decided on in
//! memory, then written whole.
//!
//! A command names what it reads ([`Need`]); the hub loads it; `decide` reads and puts; a refusal
//! takes back what its command put. Nothing here touches storage.

mod need;
mod number;
mod slice;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::access_log::AccessDigest;
use crate::bag::Bag;
use crate::codes::{BagNo, HubId};
use crate::debt::Debts;
use crate::event::{Draft, Happened};
use crate::id::Id;
use crate::ledger::{Account, Balance, Leg, TRANSFER_MAX_MINOR, Transfer, TransferKind};
use crate::mandate::Mandate;
use crate::manifest::{Manifest, ManifestId};
use crate::money::Money;
use crate::party::{Party, Personal};
use crate::peer::{Peer, Received};
use crate::permit::Permit;
use crate::product::{Offer, OfferKey, Product};
use crate::quote::Quote;
use crate::site::Site;
use crate::stock::{Stock, StockKey, StockMove, StockMoveKey};
use crate::time::BusinessTime;
use crate::trade_file::{TradeFile, TradeId};

pub use need::Need;
pub use number::{NumberKey, NumberKind, Quota, QuotaKey};
pub use slice::Slice;

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
    pub debts: Vec<(Id<Party>, Arc<Debts>)>,
    pub stocks: Vec<(StockKey, Arc<Stock>)>,
    pub stock_moves: Vec<(StockMoveKey, Arc<StockMove>)>,
    pub bags: Vec<(BagNo, Arc<Bag>)>,
    pub manifests: Vec<(ManifestId, Arc<Manifest>)>,
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
    /// What sellers owe lenders, by seller.
    pub debts: Slice<Id<Party>, Debts>,
    pub stocks: Slice<StockKey, Stock>,
    pub stock_moves: Slice<StockMoveKey, StockMove>,
    pub bags: Slice<BagNo, Bag>,
    pub manifests: Slice<ManifestId, Manifest>,
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
            debts: Slice::new("debts"),
            stocks: Slice::new("stock"),
            stock_moves: Slice::new("movement of stock"),
            bags: Slice::new("bag"),
            manifests: Slice::new("manifest"),
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
        need.debts.retain(|k| self.debts.lacks(k));
        need.stocks.retain(|k| self.stocks.lacks(k));
        need.stock_moves.retain(|k| self.stock_moves.lacks(k));
        need.bags.retain(|k| self.bags.lacks(k));
        need.manifests.retain(|k| self.manifests.lacks(k));
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
        let start = self.balances.present(account).copied().unwrap_or_default();
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

    /// An accepted peer. All are loaded, so that any other name, which nobody had to read, is none.
    #[must_use]
    pub fn peer(&self, id: &HubId) -> Option<&Peer> {
        if self.peers.knows(id) { self.peers.get(id) } else { None }
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
        self.debts.keep();
        self.stocks.keep();
        self.stock_moves.keep();
        self.bags.keep();
        self.manifests.keep();
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
        self.debts.take_back();
        self.stocks.take_back();
        self.stock_moves.take_back();
        self.bags.take_back();
        self.manifests.take_back();
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
            debts: self.debts.take_changed(),
            stocks: self.stocks.take_changed(),
            stock_moves: self.stock_moves.take_changed(),
            bags: self.bags.take_changed(),
            manifests: self.manifests.take_changed(),
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
        named.extend(self.mandates.named().chain(self.permits.named()).chain(self.debts.named()));
        named.extend(self.stocks.named().chain(self.stock_moves.named()));
        named.extend(self.bags.named().chain(self.manifests.named()));
        let Some(too_many) = named.len().checked_sub(most).filter(|n| *n > 0) else { return };
        let (_, oldest_kept, _) = named.select_nth_unstable(too_many - 1);
        let since = (*oldest_kept + 1).min(self.balances.batches().saturating_sub(under_way));
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
        self.debts.forget(since);
        self.stocks.forget(since);
        self.stock_moves.forget(since);
        self.bags.forget(since);
        self.manifests.forget(since);
        self.balances.forget(since);
    }

    /// How many things are known, present or absent: what memory this costs.
    #[must_use]
    pub fn held(&self) -> usize {
        self.parties.known()
            + self.personals.known()
            + self.products.known()
            + self.offers.known()
            + self.quotes.known()
            + self.trades.known()
            + self.numbers.known()
            + self.quotas.known()
            + self.mandates.known()
            + self.permits.known()
            + self.debts.known()
            + self.stocks.known()
            + self.stock_moves.known()
            + self.bags.known()
            + self.manifests.known()
            + self.balances.known()
    }
}

#[cfg(test)]
mod tests;
