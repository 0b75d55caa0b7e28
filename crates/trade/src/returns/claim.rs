//! A return after delivery: the buyer asks, the seller's side answers, time passes.

use serde::{Deserialize, Serialize};

use super::{Lapse, Return, ReturnReason, ReturnRefusal, ReturnState, file_here, stands};
use crate::command::Decide;
use crate::custody::CustodyKind;
use crate::dispute::{self, DisputeState};
use crate::escrow::{self, Escrow};
use crate::event::Happened;
use crate::evidence::{self, Evidence};
use crate::id::Id;
use crate::party::Party;
use crate::rulebook::ClaimTerm;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// The buyer wants to give the goods back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskReturn {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub reason: ReturnReason,
    pub evidence: Vec<Evidence>,
}

/// The seller agrees that the goods come back, or does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerReturn {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub agrees: bool,
    pub evidence: Vec<Evidence>,
}

/// A deadline of a return has passed: silence is agreement, a refusal stands, or the goods were not
/// handed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassReturn {
    pub trade: TradeId,
}

/// The buyer takes its return or its dispute back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithdrawClaim {
    pub trade: TradeId,
    pub by: Id<Party>,
}

/// Whether the buyer of delivered goods may claim now: the money is held, the window open, and no other
/// claim under way.
pub(crate) fn may_claim(world: &World, file: &TradeFile) -> Result<(), ReturnRefusal> {
    if file.closed.is_some() {
        return Err(ReturnRefusal::TradeClosed);
    }
    if !matches!(file.escrow, Escrow::Funded { .. }) {
        return Err(ReturnRefusal::NothingHeld { state: file.escrow.code().to_owned() });
    }
    let until = escrow::claim_window_ends(world, file).ok_or(ReturnRefusal::NotDelivered)?;
    if world.now > until {
        return Err(ReturnRefusal::ClaimWindowEnded { until });
    }
    Ok(())
}

/// The end of a part of a claim that begins now.
pub(crate) fn term_ends(world: &World, term: ClaimTerm) -> Result<BusinessTime, ReturnRefusal> {
    let date = world.site.date(world.now);
    let known = world.site.rulebook().and_then(|book| book.claim_term(term, date));
    let known = known.filter(|term| world.site.stance.allows(&term.info));
    let term = known.ok_or_else(|| ReturnRefusal::ClaimTermUnknown { term: term.code().to_owned() })?;
    Ok(world.now.plus_days(term.days))
}

impl Decide for AskReturn {
    type Answer = Return;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Return, ReturnRefusal> {
        let mut file = file_here(world, &self.trade, Side::Import)?;
        if !file.is_buyer(self.by) {
            return Err(ReturnRefusal::NotTheBuyer { party: self.by });
        }
        if let Some(known) = file.open_return().filter(|r| r.reason == self.reason && r.evidence == self.evidence) {
            return Ok(known.clone());
        }
        if !self.reason.is_after_delivery() {
            return Err(ReturnRefusal::ReturnReason { reason: self.reason });
        }
        may_claim(world, &file)?;
        if let Some(state) = file.claim() {
            return Err(ReturnRefusal::ClaimOpen { state: state.to_owned() });
        }
        evidence::check(&self.evidence, self.reason.is_sellers_fault())?;
        let until = term_ends(world, ClaimTerm::ReturnAnswer)?;
        // What follows from a yes is known before it is asked for.
        term_ends(world, ClaimTerm::ReturnHandIn)?;
        let state = ReturnState::Asked { until: Some(until) };
        let asked = Return { evidence: self.evidence.clone(), ..Return::new(self.reason, world.now, state) };
        stands(world, &mut file, asked.clone());
        world.trades.put(self.trade.clone(), file);
        Ok(asked)
    }
}

impl Decide for AnswerReturn {
    type Answer = Return;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    /// On the exporting hub: the answer goes to the importing one, which says what comes of it.
    fn decide(&self, world: &mut World) -> Result<Return, ReturnRefusal> {
        let mut file = file_here(world, &self.trade, Side::Export)?;
        if !file.is_seller(self.by) {
            return Err(ReturnRefusal::NotTheSeller { party: self.by });
        }
        let Some(mut returning) = file.returning.clone() else { return Err(ReturnRefusal::NoReturn) };
        let ReturnState::Asked { until: Some(until) } = returning.state else {
            return Err(ReturnRefusal::ReturnState { state: returning.state.code().to_owned() });
        };
        if world.now > until {
            return Err(ReturnRefusal::AnswerTooLate { until });
        }
        evidence::check(&self.evidence, !self.agrees)?;
        let told = Happened::ReturnAnswered { agrees: self.agrees, evidence: self.evidence.clone() };
        world.happened(Some(&self.trade), file.peer.as_ref(), told);
        // Until the importing hub has said it, this is what its answer will be.
        returning.answer.clone_from(&self.evidence);
        returning.state = if self.agrees {
            ReturnState::Agreed { at: world.now, by_silence: false, hand_in_by: None }
        } else {
            ReturnState::Refused { at: world.now, until }
        };
        file.returning = Some(returning.clone());
        world.trades.put(self.trade.clone(), file);
        Ok(returning)
    }
}

/// The importing hub takes the answer in: agreed, or refused with a time in which the buyer may dispute.
pub(crate) fn take_answer(
    world: &mut World,
    file: &mut TradeFile,
    agrees: bool,
    by_silence: bool,
    evidence: &[Evidence],
) -> Result<(), ReturnRefusal> {
    let Some(mut returning) = file.returning.clone() else { return Err(ReturnRefusal::NoReturn) };
    returning.answer = evidence.to_vec();
    returning.state = if agrees {
        let hand_in_by = Some(term_ends(world, ClaimTerm::ReturnHandIn)?);
        ReturnState::Agreed { at: world.now, by_silence, hand_in_by }
    } else {
        // The buyer has as long to go against a no as the seller had to say it.
        ReturnState::Refused { at: world.now, until: term_ends(world, ClaimTerm::ReturnAnswer)? }
    };
    stands(world, file, returning);
    Ok(())
}

impl Decide for PassReturn {
    type Answer = Return;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<Return, ReturnRefusal> {
        let mut file = file_here(world, &self.trade, Side::Import)?;
        let Some(mut returning) = file.open_return().cloned() else { return Err(ReturnRefusal::NoReturn) };
        let nothing_due = ReturnRefusal::ReturnState { state: returning.state.code().to_owned() };
        let (until, why) = match &returning.state {
            ReturnState::Asked { until: Some(until) } => (*until, None),
            ReturnState::Refused { until, .. } => (*until, Some(Lapse::RefusalStood)),
            ReturnState::Agreed { hand_in_by: Some(until), .. } if !file.has(CustodyKind::HandedBack) => {
                (*until, Some(Lapse::NotHandedIn))
            }
            _ => return Err(nothing_due),
        };
        if world.now <= until {
            return Err(ReturnRefusal::ClaimNotDue { until });
        }
        match why {
            None => take_answer(world, &mut file, true, true, &[])?,
            Some(why) => {
                returning.state = ReturnState::Lapsed { at: world.now, why };
                stands(world, &mut file, returning);
            }
        }
        let answer = file.returning.clone().ok_or(ReturnRefusal::NoReturn)?;
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

impl Decide for WithdrawClaim {
    type Answer = TradeId;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn decide(&self, world: &mut World) -> Result<TradeId, ReturnRefusal> {
        let mut file = file_here(world, &self.trade, Side::Import)?;
        if !file.is_buyer(self.by) {
            return Err(ReturnRefusal::NotTheBuyer { party: self.by });
        }
        if let Some(dispute) = file.dispute.as_ref().filter(|d| d.is_open()) {
            let withdrawn = dispute::Dispute { state: DisputeState::Withdrawn { at: world.now }, ..dispute.clone() };
            dispute::stands(world, &mut file, withdrawn);
        } else {
            lapse(world, &mut file, Lapse::Withdrawn)?;
        }
        world.trades.put(self.trade.clone(), file);
        Ok(self.trade.clone())
    }
}

/// A return of the buyer's comes to nothing, as long as the goods are with the buyer.
pub(crate) fn lapse(world: &mut World, file: &mut TradeFile, why: Lapse) -> Result<(), ReturnRefusal> {
    let Some(mut returning) = file.returning.clone() else { return Err(ReturnRefusal::NoReturn) };
    let state = match &returning.state {
        ReturnState::Lapsed { .. } if why == Lapse::Withdrawn => return Ok(()),
        ReturnState::Asked { until: Some(_) } | ReturnState::Refused { .. } => None,
        ReturnState::Agreed { .. } if !file.has(CustodyKind::HandedBack) && file.has(CustodyKind::Delivered) => None,
        other => Some(other.code().to_owned()),
    };
    if let Some(state) = state {
        return Err(ReturnRefusal::ReturnState { state });
    }
    returning.state = ReturnState::Lapsed { at: world.now, why };
    stands(world, file, returning);
    Ok(())
}
