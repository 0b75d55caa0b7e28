//! Asking for a permit, and the agency's decision.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    ANSWER_WITHIN, DECIDE_WITHIN, Grant, PERMIT_LASTS_MAX, PERMIT_PIECES_MAX, Permit, PermitState, QUESTIONS_MAX,
    Question, WORDS_MAX, needs,
};
use crate::codes::{Country, DocumentNo, HsCode, HubId};
use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::mandate::{self, Act, Mandate, MandateFault};
use crate::party::{Party, Role};
use crate::rulebook::{Direction, PermitKind, Regime, RuleId};
use crate::world::{Need, World};

/// The seller or the buyer, or its broker, asks the agency that a rule names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskPermit {
    pub permit: Id<Permit>,
    pub holder: Id<Party>,
    pub by: Id<Party>,
    #[serde(default)]
    pub mandate: Option<Id<Mandate>>,
    pub direction: Direction,
    pub hs: HsCode,
    /// The hub that the goods go to, or come from.
    pub peer: HubId,
    pub pieces: i64,
    #[serde(default)]
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PermitRefusal {
    PartyUnknown {
        party: Id<Party>,
    },
    /// Sellers hold permits at export, buyers at import.
    NotAHolder {
        party: Id<Party>,
        direction: Direction,
    },
    PeerUnknown {
        peer: HubId,
    },
    /// No rule of this territory asks for a permit for these goods on this day.
    NoPermitNeeded {
        hs: HsCode,
        direction: Direction,
    },
    PermitPieces {
        got: i64,
        max: i64,
    },
    WordsTooLong {
        max: usize,
    },
    PermitDiffers {
        permit: Id<Permit>,
    },
    PermitUnknown {
        permit: Id<Permit>,
    },
    NotAnAgency {
        party: Id<Party>,
    },
    /// Nothing can be decided, or answered, on a permit in this state.
    PermitSettled {
        permit: Id<Permit>,
        permit_state: String,
    },
    ReasonMissing,
    /// An agency does not decide on what it asked for itself.
    OwnPermit,
    PermitDates {
        from_day: Date,
        until_day: Date,
        max: i64,
    },
    TooManyQuestions {
        max: usize,
    },
    #[serde(untagged)]
    Mandate(MandateFault),
}

/// Today's rule for goods in one direction.
fn rule_for(world: &World, direction: Direction, hs: &HsCode, origin: Option<Country>) -> Option<(RuleId, PermitKind)> {
    let book = world.site.rulebook()?;
    let date = world.site.date(world.now);
    let of = |regime| needs(book, direction, regime, date, std::iter::once((hs, origin, 1))).into_iter().next();
    let need = [Regime::B2cParcel, Regime::B2b].into_iter().find_map(of)?;
    Some((need.rule, need.kind))
}

fn words(text: &str) -> Result<String, PermitRefusal> {
    let text = text.trim();
    if text.chars().count() > WORDS_MAX {
        Err(PermitRefusal::WordsTooLong { max: WORDS_MAX })
    } else {
        Ok(text.to_owned())
    }
}

impl Decide for AskPermit {
    type Answer = Permit;
    type Refusal = PermitRefusal;

    fn reads(&self, need: &mut Need) {
        need.permit(self.permit).party(self.holder).party(self.by);
        if let Some(mandate) = self.mandate {
            need.mandate(mandate);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Permit, PermitRefusal> {
        let mandate = mandate::stands_for(world, self.by, self.holder, self.mandate, Act::Permits, Some(&self.peer))
            .map_err(PermitRefusal::Mandate)?;
        if let Some(known) = world.permits.get(&self.permit) {
            let same = known.holder == self.holder
                && known.direction == self.direction
                && known.hs == self.hs
                && known.peer == self.peer
                && known.pieces == self.pieces;
            let differs = PermitRefusal::PermitDiffers { permit: self.permit };
            return if same { Ok(known.clone()) } else { Err(differs) };
        }
        let (rule, kind) = self.check(world)?;
        let permit = Permit {
            id: self.permit,
            holder: self.holder,
            asked_by: self.by,
            kind,
            rule: rule.clone(),
            direction: self.direction,
            hs: self.hs.clone(),
            peer: self.peer.clone(),
            pieces: self.pieces,
            asked_at: world.now,
            note: words(&self.note)?,
            questions: Vec::new(),
            state: PermitState::Asked { since: world.now, deadline: world.now.plus_days(DECIDE_WITHIN) },
            drawn: 0,
        };
        let asked = Happened::PermitAsked {
            permit: self.permit,
            holder: self.holder,
            by: self.by,
            rule: rule.to_string(),
            hs: self.hs.clone(),
            lane: self.peer.clone(),
            pieces: self.pieces,
        };
        world.happened(None, None, asked);
        mandate::record(world, None, mandate, self.by, self.holder, Act::Permits);
        world.permits.put(self.permit, permit.clone());
        Ok(permit)
    }
}

impl AskPermit {
    fn check(&self, world: &World) -> Result<(RuleId, PermitKind), PermitRefusal> {
        let Some(holder) = world.parties.get(&self.holder) else {
            return Err(PermitRefusal::PartyUnknown { party: self.holder });
        };
        let role = if self.direction == Direction::Export { Role::Seller } else { Role::Buyer };
        if !holder.is(role) {
            return Err(PermitRefusal::NotAHolder { party: self.holder, direction: self.direction });
        }
        if world.peers.all().all(|(id, _)| *id != self.peer) {
            return Err(PermitRefusal::PeerUnknown { peer: self.peer.clone() });
        }
        if !(1..=PERMIT_PIECES_MAX).contains(&self.pieces) {
            return Err(PermitRefusal::PermitPieces { got: self.pieces, max: PERMIT_PIECES_MAX });
        }
        rule_for(world, self.direction, &self.hs, None)
            .ok_or_else(|| PermitRefusal::NoPermitNeeded { hs: self.hs.clone(), direction: self.direction })
    }
}

/// The agency decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecidePermit {
    pub permit: Id<Permit>,
    pub by: Id<Party>,
    pub decision: PermitDecision,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum PermitDecision {
    /// For all that was asked, or for less.
    Grant {
        no: DocumentNo,
        pieces: i64,
        from: Date,
        until: Date,
    },
    Ask {
        question: String,
    },
    Refuse {
        reason: String,
    },
    /// Takes back what was granted. What was drawn stays drawn.
    Revoke {
        reason: String,
    },
}

impl Decide for DecidePermit {
    type Answer = Permit;
    type Refusal = PermitRefusal;

    fn reads(&self, need: &mut Need) {
        need.permit(self.permit).party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<Permit, PermitRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Agency)) {
            return Err(PermitRefusal::NotAnAgency { party: self.by });
        }
        let known = world.permits.get(&self.permit).cloned();
        let Some(mut permit) = known else { return Err(PermitRefusal::PermitUnknown { permit: self.permit }) };
        if permit.holder == self.by || permit.asked_by == self.by {
            return Err(PermitRefusal::OwnPermit);
        }
        if self.is_done(&permit) {
            return Ok(permit);
        }
        self.may(world, &permit)?;
        let (id, by, at) = (self.permit, self.by, world.now);
        let told = match &self.decision {
            PermitDecision::Grant { no, pieces, from, until } => {
                let grant = self.grant(world, &permit, no, *pieces, *from, *until)?;
                permit.state = PermitState::Granted { grant, by, at };
                Happened::PermitGranted {
                    permit: id,
                    by,
                    no: no.to_string(),
                    pieces: *pieces,
                    from: *from,
                    until: *until,
                }
            }
            PermitDecision::Ask { question } => {
                let text = said(question)?;
                if permit.questions.len() >= QUESTIONS_MAX {
                    return Err(PermitRefusal::TooManyQuestions { max: QUESTIONS_MAX });
                }
                permit.questions.push(Question { at, text: text.clone(), answer: None });
                permit.state = PermitState::Questioned { since: at, deadline: at.plus_days(ANSWER_WITHIN) };
                Happened::PermitQuestioned { permit: id, by, question: text }
            }
            PermitDecision::Refuse { reason } => {
                let reason = said(reason)?;
                permit.state = PermitState::Refused { by, at, reason: reason.clone() };
                Happened::PermitRefused { permit: id, by, reason }
            }
            PermitDecision::Revoke { reason } => {
                let reason = said(reason)?;
                if let PermitState::Granted { grant, .. } = permit.state {
                    permit.state = PermitState::Revoked { grant, by, at, reason: reason.clone() };
                }
                Happened::PermitRevoked { permit: id, by, reason }
            }
        };
        world.happened(None, None, told);
        world.permits.put(id, permit.clone());
        Ok(permit)
    }
}

/// What has to be said, is.
fn said(text: &str) -> Result<String, PermitRefusal> {
    let text = words(text)?;
    if text.is_empty() { Err(PermitRefusal::ReasonMissing) } else { Ok(text) }
}

impl DecidePermit {
    /// Decided so before.
    fn is_done(&self, permit: &Permit) -> bool {
        match (&self.decision, &permit.state) {
            (PermitDecision::Grant { no, pieces, from, until }, PermitState::Granted { grant, .. }) => {
                *grant == Grant { no: no.clone(), pieces: *pieces, from: *from, until: *until }
            }
            (PermitDecision::Ask { question }, PermitState::Questioned { .. }) => {
                permit.questions.last().is_some_and(|q| q.answer.is_none() && q.text == question.trim())
            }
            (PermitDecision::Refuse { reason }, PermitState::Refused { reason: known, .. })
            | (PermitDecision::Revoke { reason }, PermitState::Revoked { reason: known, .. }) => reason.trim() == known,
            _ => false,
        }
    }

    fn may(&self, world: &World, permit: &Permit) -> Result<(), PermitRefusal> {
        let revokes = matches!(self.decision, PermitDecision::Revoke { .. });
        let allowed = match &permit.state {
            PermitState::Asked { .. } => !revokes,
            // The agency may decide without the answer, but not ask again meanwhile.
            PermitState::Questioned { .. } => !revokes && !matches!(self.decision, PermitDecision::Ask { .. }),
            PermitState::Granted { .. } => revokes,
            PermitState::Refused { .. } | PermitState::Revoked { .. } => false,
        };
        if allowed {
            return Ok(());
        }
        let permit_state = permit.code(world.site.date(world.now)).to_owned();
        Err(PermitRefusal::PermitSettled { permit: self.permit, permit_state })
    }

    fn grant(
        &self,
        world: &World,
        permit: &Permit,
        no: &DocumentNo,
        pieces: i64,
        from: Date,
        until: Date,
    ) -> Result<Grant, PermitRefusal> {
        if !(1..=permit.pieces).contains(&pieces) {
            return Err(PermitRefusal::PermitPieces { got: pieces, max: permit.pieces });
        }
        let today = world.site.date(world.now);
        let longest = from.checked_add(jiff::Span::new().days(PERMIT_LASTS_MAX.0)).unwrap_or(Date::MAX);
        if until < from || until < today || until > longest {
            return Err(PermitRefusal::PermitDates { from_day: from, until_day: until, max: PERMIT_LASTS_MAX.0 });
        }
        Ok(Grant { no: no.clone(), pieces, from, until })
    }
}

/// Whoever asked answers the agency's question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerPermit {
    pub permit: Id<Permit>,
    pub by: Id<Party>,
    #[serde(default)]
    pub mandate: Option<Id<Mandate>>,
    pub answer: String,
}

impl Decide for AnswerPermit {
    type Answer = Permit;
    type Refusal = PermitRefusal;

    fn reads(&self, need: &mut Need) {
        need.permit(self.permit);
        if let Some(mandate) = self.mandate {
            need.mandate(mandate);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Permit, PermitRefusal> {
        let known = world.permits.get(&self.permit).cloned();
        let Some(mut permit) = known else { return Err(PermitRefusal::PermitUnknown { permit: self.permit }) };
        let mandate =
            mandate::stands_for(world, self.by, permit.holder, self.mandate, Act::Permits, Some(&permit.peer))
                .map_err(PermitRefusal::Mandate)?;
        let answer = said(&self.answer)?;
        let last = permit.questions.last_mut();
        if !matches!(permit.state, PermitState::Questioned { .. }) {
            if last.is_some_and(|q| q.answer.as_ref() == Some(&answer)) {
                return Ok(permit);
            }
            let permit_state = permit.code(world.site.date(world.now)).to_owned();
            return Err(PermitRefusal::PermitSettled { permit: self.permit, permit_state });
        }
        if let Some(question) = last {
            question.answer = Some(answer);
        }
        permit.state = PermitState::Asked { since: world.now, deadline: world.now.plus_days(DECIDE_WITHIN) };
        world.happened(None, None, Happened::PermitAnswered { permit: self.permit, by: self.by });
        mandate::record(world, None, mandate, self.by, permit.holder, Act::Permits);
        world.permits.put(self.permit, permit.clone());
        Ok(permit)
    }
}
