//! What a peer's words about returns and disputes do here.

use crate::command::Problem;
use crate::dispute;
use crate::event::{Event, Happened};
use crate::evidence::{self, Evidence};
use crate::order;
use crate::permit;
use crate::returns::{Return, ReturnRefusal, stop, told};
use crate::trade_file::{Side, TradeFile};
use crate::world::{Need, World};

pub(super) const fn is_of_a_claim(what: &Happened) -> bool {
    matches!(
        what,
        Happened::ReturnChanged { .. }
            | Happened::ReturnAnswered { .. }
            | Happened::TradeStopped { .. }
            | Happened::ReImported { .. }
            | Happened::GoodsBack
            | Happened::DisputeChanged { .. }
            | Happened::DisputeAnswered { .. }
    )
}

/// What cannot be done is noted for the operator; a peer's message never refuses.
pub(super) fn apply(world: &mut World, file: &mut TradeFile, event: &Event) {
    let before = file.clone();
    let done = match &event.what {
        Happened::ReturnChanged { returning } => {
            told::follow(world, file, returning);
            Ok(())
        }
        Happened::ReturnAnswered { agrees, evidence } => {
            told::answered(world, file, *agrees, known(evidence), event.at)
        }
        Happened::TradeStopped { reason, said } if file.side == Side::Import => {
            stop::stopped_by_peer(world, file, *reason, said.clone())
        }
        Happened::ReImported { reimport } if file.side == Side::Import => {
            file.reimport = file.reimport.take().or_else(|| Some(reimport.clone()));
            Ok(())
        }
        // A trade whose money is still held is not over because a peer says so.
        Happened::GoodsBack if file.side == Side::Import && file.returning.as_ref().is_some_and(Return::is_settled) => {
            told::goods_back(file, world.now);
            Ok(())
        }
        Happened::DisputeChanged { dispute } => {
            dispute::follow(world, file, dispute);
            Ok(())
        }
        Happened::DisputeAnswered { evidence } => dispute::answered(world, file, known(evidence), event.at),
        _ => Ok(()),
    };
    if let Err(refusal) = done {
        *file = before;
        not_booked(world, file, &refusal);
    }
}

/// Evidence in its form; what is not, is left out.
fn known(evidence: &[Evidence]) -> &[Evidence] {
    if evidence::check(evidence, false).is_ok() { evidence } else { &[] }
}

fn not_booked(world: &mut World, file: &TradeFile, refusal: &ReturnRefusal) {
    world.happened(Some(&file.id), None, Happened::NotBooked { problem: Problem::of(refusal) });
}

/// What a peer's word may give back: a yearly limit, and what a declaration drew from permits.
pub(super) fn reads_given_back(world: &World, event: &Event, need: &mut Need) {
    let Some(trade) = &event.trade else { return };
    match &event.what {
        Happened::ReturnAnswered { .. } | Happened::TradeStopped { .. } | Happened::OrderDeclined { .. } => {
            if let Some(key) = order::used_quota(world, trade) {
                need.quota(key);
            }
        }
        Happened::ReturnChanged { .. } => permit::reads_used(world, trade, need),
        _ => {}
    }
}
