//! What a peer's words about a return do here, and how own words are recalled after a loss.

use super::{Lapse, Return, ReturnReason, ReturnRefusal, ReturnState, claim, stands, stop, way_back};
use crate::command::Problem;
use crate::escrow::{self, Escrow};
use crate::event::Happened;
use crate::evidence::Evidence;
use crate::order;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile};
use crate::world::{NumberKey, World};
use crate::{payment, waybill};

/// The exporting hub hears where the return stands.
pub(crate) fn follow(world: &mut World, file: &mut TradeFile, told: &Return) {
    if file.side != Side::Export {
        return;
    }
    claim_number(world, file, told);
    if told.reason == ReturnReason::Cancelled && told.state == (ReturnState::Asked { until: None }) {
        answer_cancelling(world, file, told);
        return;
    }
    file.returning = Some(told.clone());
    // What never left its seller is at home already.
    if told.is_settled() && file.closed.is_none() && way_back::first_step(file).is_none() {
        way_back::close(world, file);
    }
}

/// The parcel is there, and stays; or it is on its way, and comes.
fn answer_cancelling(world: &mut World, file: &mut TradeFile, told: &Return) {
    let kept_back = file.open_return().is_some_and(|r| r.reason == ReturnReason::Cancelled);
    let agrees = (stop::can_be_kept(file) || kept_back) && file.closed.is_none();
    let answer = Happened::ReturnAnswered { agrees, evidence: Vec::new() };
    world.happened(Some(&file.id), file.peer.as_ref(), answer);
    if agrees {
        keep_back(file, told.reason, world.now);
    }
}

/// Nothing of this parcel moves on here, until the importing hub has said that the money is back.
fn keep_back(file: &mut TradeFile, reason: ReturnReason, at: BusinessTime) {
    let state = ReturnState::Agreed { at, by_silence: false, hand_in_by: None };
    file.returning = Some(Return::new(reason, at, state));
}

/// The importing hub hears the seller's side. What came after the deadline, or to a return that stands
/// otherwise by now, changes nothing.
pub(crate) fn answered(
    world: &mut World,
    file: &mut TradeFile,
    agrees: bool,
    evidence: &[Evidence],
    at: BusinessTime,
) -> Result<(), ReturnRefusal> {
    if file.side != Side::Import {
        return Ok(());
    }
    let Some(returning) = file.returning.clone() else { return Ok(()) };
    match returning.state {
        ReturnState::Asked { until: None } if agrees => {
            stop::stopped_by_peer(world, file, returning.reason, returning.said)
        }
        ReturnState::Asked { until: None } => {
            let state = ReturnState::Lapsed { at: world.now, why: Lapse::UnderWay };
            stands(world, file, Return { state, ..returning });
            Ok(())
        }
        ReturnState::Asked { until: Some(until) } if at <= until => {
            claim::take_answer(world, file, agrees, false, evidence)
        }
        _ => Ok(()),
    }
}

/// The number of a parcel on its way back finds its trade here too. A peer's number that another trade
/// has is left to that trade.
fn claim_number(world: &mut World, file: &TradeFile, told: &Return) {
    let Some(parcel) = &told.waybill else { return };
    let number = NumberKey::waybill(parcel.no.as_str());
    match world.numbers.get(&number).cloned() {
        None => world.numbers.put(number, file.id.clone()),
        Some(trade) if trade == file.id => {}
        Some(trade) => {
            let taken = waybill::WaybillRefusal::WaybillNumberTaken { waybill: parcel.no.clone(), trade };
            world.happened(Some(&file.id), None, Happened::NotBooked { problem: Problem::of(&taken) });
        }
    }
}

/// A return that this hub told, in what it has lost since: it stands as it was told, and the money that
/// was divided then is divided again, told to nobody a second time.
pub(crate) fn recall(world: &mut World, file: &mut TradeFile, told: &Return, at: BusinessTime) {
    if file.returning.as_ref().is_some_and(Return::is_settled) {
        // Settled is the end of what is divided; a waybill may still have come after it.
        if told.is_settled() {
            file.returning = Some(told.clone());
        }
        return;
    }
    claim_number(world, file, told);
    file.returning = Some(told.clone());
    let ReturnState::Settled { refund, tax, .. } = &told.state else { return };
    if tax.restores_quota() {
        order::restore_quota(world, file);
    }
    if !refund.is_nothing() {
        if file.escrow == Escrow::Empty {
            payment::recall(world, file, at);
        }
        if let Err(error) = escrow::recall_divided(world, file, refund, at) {
            world.happened(Some(&file.id), None, Happened::NotBooked { problem: Problem::of(&error) });
        }
    }
}

/// After a loss the exporting hub is again bound by what it said of a cancelling.
pub(crate) fn recall_answer(file: &mut TradeFile, agrees: bool, at: BusinessTime) {
    if agrees && file.returning.is_none() && stop::can_be_kept(file) {
        keep_back(file, ReturnReason::Cancelled, at);
    }
}

/// After a loss the exporting hub is again bound by its word that the goods do not come.
pub(crate) fn recall_stop(file: &mut TradeFile, reason: ReturnReason, at: BusinessTime) {
    if file.returning.as_ref().is_none_or(|r| !r.is_open()) {
        keep_back(file, reason, at);
    }
}

/// Both sides end the same way: the trade is over when the exporting hub has the goods back.
pub(crate) fn goods_back(file: &mut TradeFile, at: BusinessTime) {
    if file.closed.is_none() {
        file.closed = Some(way_back::closed(file, at));
    }
}
