//! The word that an invoice is not financed twice.
//!
//! The hub that owns an export declaration keeps, with its trade file, who holds its word: nobody, a
//! claim for which it is kept until a deadline, or for ever the claim that has financed it. Whoever
//! asks, here or over the road, gets a signed yes or no. It names the declaration by a keyed
//! fingerprint and the claim by the asker's own number: neither client nor lender stands in it. Every
//! word is told to the trade's other hub, whoever asked, so that after a loss it is known again and
//! is not given twice.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::advance::Advance;
use crate::clearance::Clearance;
use crate::codes::{HubId, S10};
use crate::command::Decide;
use crate::declaration::Declaration;
use crate::escrow::Escrow;
use crate::event::Happened;
use crate::id::{Id, Noun};
use crate::key::{KeyFault, Purpose, Signature, VerifyKey, verify_bytes};
use crate::party::{Party, PersonTag, Role};
use crate::site::Site;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// A lender's asking for the word on one trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub id: Id<Self>,
    pub lender: Id<Party>,
    pub asked_at: BusinessTime,
    pub wants: Wants,
    /// None while the question is on the road.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Box<FinanceWord>>,
}

impl Noun for Claim {
    const PREFIX: &'static str = "clm";
}

impl Claim {
    /// One for each lender and trade, however often it asks; it says nothing of either to others.
    fn id_of(site: &Site, trade: &TradeId, lender: Id<Party>) -> Id<Self> {
        Self::of(site, &format!("{trade} {lender}"))
    }

    /// The claim for which this hub keeps its own word while its seller's sale is offered for an advance.
    #[must_use]
    pub fn own(site: &Site, trade: &TradeId) -> Id<Self> {
        Self::of(site, trade.as_str())
    }

    fn of(site: &Site, whose: &str) -> Id<Self> {
        let tag = PersonTag::of(&site.person_key, "claim", whose);
        Id::derived(BusinessTime::from_micros(0), &tag.to_string())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wants {
    /// To have the word kept while it makes up its mind.
    Keep,
    /// To have it for ever: it finances the invoice.
    Finance,
    LetGo,
}

/// A declaration, recognised without being shown: a keyed hash that only its hub can make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of what the invoice and the transport document say: trade, waybill, and each line's code, pieces
    /// and value, in the order of their text.
    #[must_use]
    pub fn of(key: &[u8; 32], trade: &TradeId, declaration: &Declaration) -> Self {
        let mut lines: Vec<String> = declaration
            .lines
            .iter()
            .map(|l| format!("{} {} {} {}", l.hs.hs6(), l.pieces, l.value.minor(), l.value.currency()))
            .collect();
        lines.sort();
        let hash = Sha256::new()
            .chain_update(b"ehub-finance/v1\n")
            .chain_update(key)
            .chain_update(format!("{trade}\n{}\n{}", declaration.waybill, lines.join("\n")))
            .finalize();
        Self(hash.iter().map(|b| format!("{b:02x}")).collect())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the hub that owns the declaration says, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinanceWord {
    pub hub: HubId,
    pub trade: TradeId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration: Option<Fingerprint>,
    pub claim: Id<Claim>,
    #[serde(flatten)]
    pub says: Says,
    pub at: BusinessTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "kebab-case")]
pub enum Says {
    /// Nobody has financed it, and nobody else is told so before `until`.
    Yes {
        until: BusinessTime,
    },
    /// This claim has financed it; nobody else ever gets the word.
    Financed,
    LetGo,
    No {
        why: Why,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Somebody else has financed it, or has the word kept.
    Already,
    /// It is not released for export.
    NotReleased,
    /// Nothing is due for it any more.
    Over,
}

impl Why {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Already => "already",
            Self::NotReleased => "not-released",
            Self::Over => "over",
        }
    }
}

impl Says {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Yes { .. } => "yes",
            Self::Financed => "financed",
            Self::LetGo => "let-go",
            Self::No { .. } => "no",
        }
    }
}

impl FinanceWord {
    /// All but the signature, as JSON.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&Self { signature: None, ..self.clone() }).expect("a word has text keys only")
    }

    /// Whether the hub that it names said this, by one of these keys of it.
    ///
    /// # Errors
    /// None of the keys signed it.
    pub fn verify(&self, keys: &[VerifyKey]) -> Result<(), KeyFault> {
        let own: Vec<VerifyKey> = keys.iter().filter(|key| *key.hub() == self.hub).cloned().collect();
        let signature = self.signature.unwrap_or(Signature::from_bytes([0; 64]));
        verify_bytes(&own, Purpose::Finance, &self.signed_bytes(), &signature).map(|_| ())
    }
}

/// All that a trade file holds of finance. Shared, since files are copied at every step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finance {
    /// Exporting side: who holds the word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Exporting side: the advance that this hub's seller asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advance: Option<Advance>,
    /// Either side: this hub's lenders who asked for the word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

/// The word, as it is given now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub claim: Id<Claim>,
    #[serde(flatten)]
    pub state: HeldState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "held", rename_all = "kebab-case")]
pub enum HeldState {
    Kept { until: BusinessTime },
    Financed { at: BusinessTime },
}

impl Held {
    /// Whether another claim has to stand back.
    #[must_use]
    pub fn shuts_out(&self, claim: Id<Claim>, now: BusinessTime) -> bool {
        self.claim != claim
            && match self.state {
                HeldState::Kept { until } => now < until,
                HeldState::Financed { .. } => true,
            }
    }

    #[must_use]
    pub const fn is_financed(&self) -> bool {
        matches!(self.state, HeldState::Financed { .. })
    }
}

impl TradeFile {
    /// Changes what the file holds of finance.
    pub fn with_finance<T>(&mut self, change: impl FnOnce(&mut Finance) -> T) -> T {
        change(Arc::make_mut(self.finance.get_or_insert_default()))
    }

    #[must_use]
    pub fn held_word(&self) -> Option<&Held> {
        self.finance.as_ref()?.held.as_ref()
    }

    /// Whether the seller still waits for money that nobody has claimed back: released for export,
    /// secured, and not let go yet.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.closed.is_none()
            && self.claim().is_none()
            && self.secured.is_some()
            && matches!(self.escrow, Escrow::Empty)
            && !matches!(self.peer_clearance, Clearance::Detained { .. })
    }
}

/// Gives the word on the declaration of an export of this hub, or not, and notes it; the other hub of
/// the trade is told, whoever asked.
pub fn answer(world: &mut World, file: &mut TradeFile, claim: Id<Claim>, wants: Wants) -> FinanceWord {
    let now = world.now;
    let declaration = file.declaration.as_ref().map(|d| Fingerprint::of(&world.site.person_key, &file.id, d));
    let held = file.held_word().cloned();
    let shut_out = held.as_ref().is_some_and(|held| held.shuts_out(claim, now));
    let mine = held.filter(|held| held.claim == claim);
    let word_seconds = world.site.rulebooks.scorecard.as_ref().map_or(WORD_SECONDS, |card| card.terms.word_seconds);
    let says = match wants {
        _ if shut_out => Says::No { why: Why::Already },
        _ if mine.as_ref().is_some_and(Held::is_financed) => Says::Financed,
        Wants::LetGo => Says::LetGo,
        _ if !file.clearance.is_released() || declaration.is_none() => Says::No { why: Why::NotReleased },
        _ if !file.is_due() => Says::No { why: Why::Over },
        Wants::Finance => Says::Financed,
        Wants::Keep => match mine.map(|held| held.state) {
            Some(HeldState::Kept { until }) if now < until => Says::Yes { until },
            _ => Says::Yes { until: now.plus_seconds(word_seconds) },
        },
    };
    let mut word = FinanceWord {
        hub: world.site.id.clone(),
        trade: file.id.clone(),
        declaration,
        claim,
        says,
        at: now,
        signature: None,
    };
    word.signature = Some(world.site.road.key.sign_bytes(Purpose::Finance, &word.signed_bytes()));
    note(file, &word);
    world.happened(Some(&file.id), file.peer.as_ref(), Happened::FinanceWord { word: Box::new(word.clone()) });
    word
}

/// Without a scorecard of the operator's: two days.
const WORD_SECONDS: i64 = 2 * 24 * 3_600;

/// What a word that was given means for the next who asks.
fn note(file: &mut TradeFile, word: &FinanceWord) {
    let held = |state| Some(Held { claim: word.claim, state });
    match word.says {
        Says::Yes { until } => file.with_finance(|f| f.held = held(HeldState::Kept { until })),
        Says::Financed if !file.held_word().is_some_and(Held::is_financed) => {
            file.with_finance(|f| f.held = held(HeldState::Financed { at: word.at }));
        }
        Says::LetGo if file.held_word().is_some_and(|h| h.claim == word.claim) => file.with_finance(|f| f.held = None),
        _ => {}
    }
}

/// A word that this hub gave, in what it has lost since, stands: it is not given to another.
pub fn recall(file: &mut TradeFile, word: &FinanceWord) {
    note(file, word);
}

/// A peer's lender asks for the word on an export of this hub.
pub fn asked_by_peer(world: &mut World, file: &mut TradeFile, claim: Id<Claim>, wants: Wants) {
    if file.side == Side::Export {
        answer(world, file, claim, wants);
    }
}

/// The peer has given its word on its export. It counts for the claim only if it is the peer's own.
pub fn told_by_peer(world: &World, file: &mut TradeFile, from: &HubId, word: &FinanceWord) {
    let ours = file.finance.as_ref().is_some_and(|f| f.claims.iter().any(|c| c.id == word.claim));
    let keys = world.peer(from).map(|peer| peer.card.keys.as_slice()).unwrap_or_default();
    if !ours || word.hub != *from || word.trade != file.id || word.verify(keys).is_err() {
        return;
    }
    file.with_finance(|finance| {
        if let Some(claim) = finance.claims.iter_mut().find(|c| c.id == word.claim) {
            claim.word = Some(Box::new(word.clone()));
        }
    });
}

/// A lender asks whether it alone finances an invoice, takes the word for ever, or lets it go. It shows
/// that it has been handed the papers by the waybill's number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskWord {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub waybill: S10,
    pub wants: Wants,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum WordRefusal {
    NotALender {
        party: Id<Party>,
    },
    /// No trade of this number and waybill is declared for export; which of them is wrong is not told.
    PapersUnknown,
    /// The word has to be asked for, and a yes had, before it is taken or let go.
    WordNotKept,
    TooManyClaims {
        most: usize,
    },
}

/// Lenders of one hub who ask about one trade; beyond it somebody plays.
const CLAIMS_MAX: usize = 16;

impl Decide for AskWord {
    type Answer = Claim;
    type Refusal = WordRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<Claim, WordRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Lender)) {
            return Err(WordRefusal::NotALender { party: self.by });
        }
        let declared = |file: &&TradeFile| file.declaration.as_ref().is_some_and(|d| d.waybill == self.waybill);
        let Some(mut file) = world.trades.get(&self.trade).filter(declared).cloned() else {
            return Err(WordRefusal::PapersUnknown);
        };
        let id = Claim::id_of(&world.site, &self.trade, self.by);
        let known = file.finance.as_ref().and_then(|f| f.claims.iter().find(|c| c.id == id)).cloned();
        if let Some(claim) = known.as_ref().filter(|claim| self.is_said_already(claim, world.now)) {
            return Ok(claim.clone());
        }
        let has_word = known.as_ref().and_then(|c| c.word.as_ref()).is_some_and(|w| matches!(w.says, Says::Yes { .. }));
        if self.wants != Wants::Keep && !has_word {
            return Err(WordRefusal::WordNotKept);
        }
        let mut claim = Claim { id, lender: self.by, asked_at: world.now, wants: self.wants, word: None };
        if file.side == Side::Export {
            claim.word = Some(Box::new(answer(world, &mut file, id, self.wants)));
        } else {
            let asked = Happened::FinanceAsked { claim: id, wants: self.wants };
            world.happened(Some(&self.trade), file.peer.as_ref(), asked);
        }
        let kept = claim.clone();
        file.with_finance(|finance| match finance.claims.iter_mut().find(|c| c.id == id) {
            Some(known) => *known = kept,
            None => finance.claims.push(kept),
        });
        if file.finance.as_ref().is_some_and(|f| f.claims.len() > CLAIMS_MAX) {
            return Err(WordRefusal::TooManyClaims { most: CLAIMS_MAX });
        }
        world.trades.put(self.trade.clone(), file);
        Ok(claim)
    }
}

impl AskWord {
    /// The same question is under way, or has an answer that still stands.
    fn is_said_already(&self, claim: &Claim, now: BusinessTime) -> bool {
        match claim.word.as_ref().map(|w| w.says) {
            None => claim.wants == self.wants,
            Some(Says::Financed) => true,
            Some(Says::Yes { until }) => self.wants == Wants::Keep && now < until,
            Some(Says::LetGo) => self.wants == Wants::LetGo,
            Some(Says::No { .. }) => false,
        }
    }
}
