//! What a hub is: handed to every decision, never changed by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::card::{HubCard, Mode, RulePackDigest};
use crate::checkpoint::Epoch;
use crate::codes::{Country, DocumentNo, HubId};
use crate::event::envelope;
use crate::key::SigningKey;
use crate::log::Hash;
use crate::money::Currency;
use crate::road::{Limits, Own, PROTOCOL_VERSIONS};
use crate::rulebook::{Rulebook, Rulebooks, Stance};
use crate::time::{BusinessTime, WallTime};
use crate::trade_file::TradeId;

pub struct Site {
    pub id: HubId,
    pub name: String,
    pub territory: Country,
    pub currency: Currency,
    pub zone: TimeZone,
    pub mode: Mode,
    pub stance: Stance,
    pub rulebooks: Arc<Rulebooks>,
    /// The hub's end of its roads, with its signing key: Ed25519 is deterministic, so signing is a
    /// pure function of it.
    pub road: Own,
    /// By which persons are recognised without being named; see `party::PersonTag`.
    pub person_key: [u8; 32],
    /// What the hub tells of itself to peers.
    pub card: HubCard,
    /// The licensed firm and account that hold the money of this hub's bank account.
    pub bank: BankAccount,
}

/// Who really holds the money, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BankAccount {
    pub firm: String,
    pub account: String,
}

/// What an operator decides when a hub is initialised, and where it is reached.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteConfig {
    pub id: HubId,
    pub name: String,
    pub territory: Country,
    pub mode: Mode,
    /// Where peers and people reach the hub.
    pub url: String,
    pub bank: BankAccount,
    /// In production: unverified rules that the operator answers for, by id.
    #[serde(default)]
    pub accepted_rules: BTreeSet<String>,
}

/// A hub needs the rules of its own territory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum SiteFault {
    NoRulebook { territory: Country },
}

impl Site {
    /// A hub from its configuration, its secret and the rule packs it uses.
    pub fn open(
        config: &SiteConfig,
        secret: &[u8; 32],
        rulebooks: Arc<Rulebooks>,
        epoch: Epoch,
        issued_at: WallTime,
    ) -> Result<Self, SiteFault> {
        let territory = config.territory;
        let book = rulebooks.book(territory).filter(|book| book.runs_a_hub && book.territory == territory);
        let book = book.ok_or(SiteFault::NoRulebook { territory })?;
        let (currency, zone) = (book.currency, book.zone.clone());
        let key = SigningKey::from_secret(config.id.clone(), config.mode, secret);
        let rule_packs = rulebooks
            .books()
            .filter_map(|b| Some(RulePackDigest { territory: b.territory, digest: Hash::from_hex(&b.digest)? }))
            .collect();
        let card = HubCard {
            id: config.id.clone(),
            name: config.name.clone(),
            territory,
            currency,
            mode: config.mode,
            url: config.url.clone(),
            keys: vec![key.verify_key()],
            epoch,
            issued_at,
            protocol_versions: PROTOCOL_VERSIONS.to_vec(),
            regimes: rulebooks.regimes_of(territory).into_iter().map(|regime| regime.code().to_owned()).collect(),
            documents: ["order", "payment", "waybill", "export-declaration"].map(str::to_owned).to_vec(),
            rule_packs,
            sample_terms: BTreeMap::new(),
            more: BTreeMap::new(),
        };
        let person_key = *Hash::of(&[b"ehub-person-key/v1".as_slice(), secret].concat()).as_bytes();
        let stance = match config.mode {
            Mode::Sandbox => Stance::Sandbox,
            Mode::Production => Stance::Production { accepted: config.accepted_rules.clone() },
        };
        let road = Own { key, epoch, versions: PROTOCOL_VERSIONS.to_vec(), limits: Limits::default(), envelope };
        Ok(Self {
            id: config.id.clone(),
            name: config.name.clone(),
            territory,
            currency,
            zone,
            mode: config.mode,
            stance,
            rulebooks,
            road,
            person_key,
            card,
            bank: config.bank.clone(),
        })
    }

    /// The same hub in a later epoch of its log, declared at `since`: its card says so from then on.
    #[must_use]
    pub fn in_epoch(&self, epoch: Epoch, since: WallTime) -> Self {
        let issued_at = self.card.issued_at.max(since);
        Self {
            id: self.id.clone(),
            name: self.name.clone(),
            territory: self.territory,
            currency: self.currency,
            zone: self.zone.clone(),
            mode: self.mode,
            stance: self.stance.clone(),
            rulebooks: Arc::clone(&self.rulebooks),
            road: Own { epoch, ..self.road.clone() },
            person_key: self.person_key,
            card: HubCard { epoch, issued_at, ..self.card.clone() },
            bank: self.bank.clone(),
        }
    }

    /// The date at the hub's office.
    #[must_use]
    pub fn date(&self, now: BusinessTime) -> Date {
        now.date_in(&self.zone)
    }

    /// The rules of the hub's own territory.
    #[must_use]
    pub fn rulebook(&self) -> Option<&Rulebook> {
        self.rulebooks.book(self.territory)
    }

    /// A trade file that this hub, as the importing one, names by its order number.
    #[must_use]
    pub fn trade(&self, order: &DocumentNo) -> TradeId {
        TradeId::new(&self.id, order)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({})", self.id)
    }
}
