//! The permit: an agency's word that restricted goods may pass, so many of them, until a day.
//!
//! Which goods need which permit stands in the rule packs. A permit is asked for by whoever declares
//! the goods, or by its broker; the agency grants it, asks back, or refuses. Declarations draw it
//! down piece by piece and can never draw more than was granted; what a declaration has drawn is
//! given back when it is corrected or comes to nothing. The other side of the border sees the
//! permit's number under this hub's signature ([`PermitUse`]), not the agency's file.

mod decide;
mod draw;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{DocumentNo, HsCode, HubId};
use crate::id::{Id, Noun};
use crate::key::{Purpose, Signature, verify_bytes};
use crate::party::Party;
use crate::rulebook::{Case, Direction, PermitKind, Regime, RestrictionState, RuleId, Rulebook};
use crate::time::{BusinessTime, Days};
use crate::trade_file::TradeId;
use crate::world::World;

pub use decide::{AnswerPermit, AskPermit, DecidePermit, PermitDecision, PermitRefusal};
pub use draw::{
    UsePermit, UseRefusal, draw_for_export, export_needs, give_back, import_missing, import_short, reads_used, recall,
    short, used,
};

impl Noun for Permit {
    const PREFIX: &'static str = "prm";
}

/// An agency has five days to decide or to ask back: a sample policy of the hub's operator.
pub const DECIDE_WITHIN: Days = Days(5);
/// And whoever asked has as long as a month to answer a question.
pub const ANSWER_WITHIN: Days = Days(30);
/// Pieces of one permit; more goes into a second one.
pub const PERMIT_PIECES_MAX: i64 = 10_000_000;
/// Longer, a permit is given anew.
pub const PERMIT_LASTS_MAX: Days = Days(731);
/// Of a note, a question, an answer or a reason.
pub const WORDS_MAX: usize = 500;
/// Questions about one permit; who needs more refuses it and says why.
pub const QUESTIONS_MAX: usize = 10;
/// Permits that one declaration names.
pub const USES_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    pub id: Id<Permit>,
    /// Who declares the goods: the seller at export, the buyer at import.
    pub holder: Id<Party>,
    pub asked_by: Id<Party>,
    pub kind: PermitKind,
    /// The rule that asks for it.
    pub rule: RuleId,
    pub direction: Direction,
    pub hs: HsCode,
    /// The hub at the other end of the lane.
    pub peer: HubId,
    /// Pieces asked for.
    pub pieces: i64,
    pub asked_at: BusinessTime,
    /// What the asker says of the goods, for the agency alone.
    pub note: String,
    pub questions: Vec<Question>,
    pub state: PermitState,
    /// Pieces that declarations have drawn.
    pub drawn: i64,
}

/// What the agency wanted to know, and what was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub at: BusinessTime,
    pub text: String,
    pub answer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PermitState {
    /// Before the agency, until the deadline.
    Asked {
        since: BusinessTime,
        deadline: BusinessTime,
    },
    /// The agency has asked back.
    Questioned {
        since: BusinessTime,
        deadline: BusinessTime,
    },
    Granted {
        grant: Grant,
        by: Id<Party>,
        at: BusinessTime,
    },
    Refused {
        by: Id<Party>,
        at: BusinessTime,
        reason: String,
    },
    /// Granted, and taken back: nothing is drawn from it any more.
    Revoked {
        grant: Grant,
        by: Id<Party>,
        at: BusinessTime,
        reason: String,
    },
}

/// What was granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub no: DocumentNo,
    pub pieces: i64,
    /// First and last day, by the date of this hub's office.
    pub from: Date,
    pub until: Date,
}

/// Who acts next on a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermitHolder {
    Agency,
    Asker,
    Nobody,
}

/// Why nothing can be drawn from a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PermitFault {
    PermitUnknown {
        permit: Id<Permit>,
    },
    PermitNotGranted {
        permit: Id<Permit>,
        permit_state: String,
    },
    PermitNotYet {
        no: DocumentNo,
        from_day: Date,
    },
    PermitExpired {
        no: DocumentNo,
        until_day: Date,
    },
    /// For other goods, another lane or the other direction.
    PermitForOther {
        permit: Id<Permit>,
        hs: HsCode,
    },
}

impl Permit {
    #[must_use]
    pub const fn grant(&self) -> Option<&Grant> {
        match &self.state {
            PermitState::Granted { grant, .. } | PermitState::Revoked { grant, .. } => Some(grant),
            _ => None,
        }
    }

    /// Pieces that can still be drawn while it is valid.
    #[must_use]
    pub fn left(&self) -> i64 {
        match &self.state {
            PermitState::Granted { grant, .. } => (grant.pieces - self.drawn).max(0),
            _ => 0,
        }
    }

    /// What it is on a day, in one word.
    #[must_use]
    pub fn code(&self, today: Date) -> &'static str {
        match &self.state {
            PermitState::Asked { .. } => "asked",
            PermitState::Questioned { .. } => "questioned",
            PermitState::Refused { .. } => "refused",
            PermitState::Revoked { .. } => "revoked",
            PermitState::Granted { grant, .. } if today > grant.until => "expired",
            PermitState::Granted { .. } if self.left() == 0 => "used-up",
            PermitState::Granted { .. } => "granted",
        }
    }

    /// Who acts next, since when, until when.
    #[must_use]
    pub const fn ball(&self) -> (PermitHolder, BusinessTime, Option<BusinessTime>) {
        match &self.state {
            PermitState::Asked { since, deadline } => (PermitHolder::Agency, *since, Some(*deadline)),
            PermitState::Questioned { since, deadline } => (PermitHolder::Asker, *since, Some(*deadline)),
            PermitState::Granted { at, .. } | PermitState::Refused { at, .. } | PermitState::Revoked { at, .. } => {
                (PermitHolder::Nobody, *at, None)
            }
        }
    }

    /// Whether something can be drawn from it on a day.
    ///
    /// # Errors
    /// Why not. A permit that is used up can be drawn from: nothing.
    pub fn usable(&self, today: Date) -> Result<&Grant, PermitFault> {
        let PermitState::Granted { grant, .. } = &self.state else {
            return Err(PermitFault::PermitNotGranted { permit: self.id, permit_state: self.code(today).to_owned() });
        };
        if today < grant.from {
            return Err(PermitFault::PermitNotYet { no: grant.no.clone(), from_day: grant.from });
        }
        if today > grant.until {
            return Err(PermitFault::PermitExpired { no: grant.no.clone(), until_day: grant.until });
        }
        Ok(grant)
    }

    /// Whether it is for what a rule asks for: the paper, the way, the lane and the goods.
    #[must_use]
    pub fn is_for(&self, need: &PermitNeed, peer: Option<&HubId>) -> bool {
        self.kind == need.kind
            && self.direction == need.direction
            && need.hs.is_under(self.hs.as_str())
            && peer.is_none_or(|peer| *peer == self.peer)
    }

    /// Takes at most `wanted` pieces; answers how many.
    pub fn draw(&mut self, wanted: i64) -> i64 {
        let taken = wanted.clamp(0, self.left());
        self.drawn += taken;
        taken
    }

    /// What a declaration had drawn comes back.
    pub fn put_back(&mut self, pieces: i64) {
        self.drawn = self.drawn.saturating_sub(pieces.max(0)).max(0);
    }
}

/// What a declaration has drawn, and what the other side sees of it: the number of the permit and
/// this hub's signature, which says that its agency's permit stands behind these goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitUse {
    pub permit: Id<Permit>,
    pub kind: PermitKind,
    pub no: DocumentNo,
    pub hs: HsCode,
    pub pieces: i64,
    /// Last day of the permit.
    pub until: Date,
    pub signature: String,
}

impl PermitUse {
    /// Says what the signature is over.
    fn signed_bytes(&self, trade: &TradeId) -> Vec<u8> {
        let Self { permit, kind, no, hs, pieces, until, .. } = self;
        format!("{trade}\n{permit}\n{}\n{no}\n{hs}\n{pieces}\n{until}\n", kind.code()).into_bytes()
    }

    fn sign(&mut self, world: &World, trade: &TradeId) {
        let key = &world.site.road.key;
        self.signature = key.sign_bytes(Purpose::Permit, &self.signed_bytes(trade)).base64();
    }

    /// Whether one of these keys gave this word for this trade.
    #[must_use]
    pub fn is_word_of(&self, trade: &TradeId, keys: &[crate::key::VerifyKey]) -> bool {
        let signature = Signature::from_base64(&self.signature);
        signature.is_some_and(|s| verify_bytes(keys, Purpose::Permit, &self.signed_bytes(trade), &s).is_ok())
    }
}

/// A permit that goods need, by a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermitNeed {
    pub rule: RuleId,
    pub kind: PermitKind,
    pub direction: Direction,
    pub hs: HsCode,
    pub pieces: i64,
}

/// Which permits these goods need at one side of the border; pieces of one code are counted together.
#[must_use]
pub fn needs<'a>(
    book: &Rulebook,
    direction: Direction,
    regime: Regime,
    date: Date,
    goods: impl Iterator<Item = (&'a HsCode, Option<crate::codes::Country>, i64)>,
) -> Vec<PermitNeed> {
    let mut needs: Vec<PermitNeed> = Vec::new();
    for (hs, origin, pieces) in goods {
        let case = Case { hs: Some(hs), origin, ..Case::of(regime, direction) };
        // Two rules that ask for the same paper of the same goods ask once.
        let mut kinds: Vec<PermitKind> = Vec::new();
        for rule in &book.restrictions {
            let Some(permit) = &rule.permit else { continue };
            let holds = rule.state == RestrictionState::Restricted && rule.info.holds_on(date) && rule.when.met(&case);
            if !holds || kinds.contains(&permit.kind) {
                continue;
            }
            kinds.push(permit.kind);
            match needs.iter_mut().find(|n| n.kind == permit.kind && n.hs == *hs) {
                Some(known) => known.pieces = known.pieces.saturating_add(pieces),
                None => needs.push(PermitNeed {
                    rule: rule.info.id.clone(),
                    kind: permit.kind,
                    direction,
                    hs: hs.clone(),
                    pieces,
                }),
            }
        }
    }
    needs
}

#[cfg(test)]
mod tests;
