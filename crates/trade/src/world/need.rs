//! What a batch of commands reads.

use std::collections::BTreeSet;

use super::{NumberKey, QuotaKey};
use crate::codes::BagNo;
use crate::id::Id;
use crate::ledger::Account;
use crate::mandate::Mandate;
use crate::manifest::ManifestId;
use crate::party::Party;
use crate::permit::Permit;
use crate::product::{OfferKey, Product};
use crate::quote::Quote;
use crate::stock::{StockKey, StockMoveKey};
use crate::trade_file::TradeId;

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
    pub debts: BTreeSet<Id<Party>>,
    pub accounts: BTreeSet<Account>,
    pub stocks: BTreeSet<StockKey>,
    pub stock_moves: BTreeSet<StockMoveKey>,
    pub bags: BTreeSet<BagNo>,
    pub manifests: BTreeSet<ManifestId>,
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
            && self.debts.is_empty()
            && self.accounts.is_empty()
            && self.stocks.is_empty()
            && self.stock_moves.is_empty()
            && self.bags.is_empty()
            && self.manifests.is_empty()
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

    /// What a seller owes lenders.
    pub fn debts(&mut self, seller: Id<Party>) -> &mut Self {
        self.debts.insert(seller);
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

    pub fn stock(&mut self, key: StockKey) -> &mut Self {
        self.stocks.insert(key);
        self
    }

    pub fn stock_move(&mut self, key: StockMoveKey) -> &mut Self {
        self.stock_moves.insert(key);
        self
    }

    pub fn bag(&mut self, no: &BagNo) -> &mut Self {
        self.bags.insert(no.clone());
        self
    }

    pub fn manifest(&mut self, id: &ManifestId) -> &mut Self {
        self.manifests.insert(id.clone());
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
