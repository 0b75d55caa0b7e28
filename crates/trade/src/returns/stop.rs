//! A trade that ends before delivery: cancelled, undeliverable, or sent back by customs.

use serde::{Deserialize, Serialize};

use super::{Return, ReturnReason, ReturnRefusal, ReturnState, TaxBack, said, settle, stands};
use crate::clearance::Clearance;
use crate::command::Decide;
use crate::custody::CustodyKind;
use crate::escrow::Escrow;
use crate::event::Happened;
use crate::id::Id;
use crate::order;
use crate::party::{Party, Role};
use crate::permit;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// The buyer on the importing hub, or the seller on the exporting one, calls the sale off before the
/// parcel is handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelOrder {
    pub trade: TradeId,
    pub by: Id<Party>,
}

/// Whoever has the parcel says that it does not come through: an officer of either side, or the
/// carrier that finds nobody at the door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendBack {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub reason: ReturnReason,
    /// Shown to the parties and to the other side, as it is.
    pub said: String,
}

/// Whether the exporting hub can still keep the parcel from leaving its seller.
pub(crate) fn can_be_kept(file: &TradeFile) -> bool {
    !file.has(CustodyKind::HandedOver) && !file.has(CustodyKind::Departed) && !file.clearance.is_released()
}

impl Decide for CancelOrder {
    type Answer = Return;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        if let Some(key) = order::used_quota(world, &self.trade) {
            need.quota(key);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Return, ReturnRefusal> {
        let unknown = ReturnRefusal::TradeUnknown { trade: self.trade.clone() };
        let Some(mut file) = world.trades.get(&self.trade).filter(|f| f.order.is_some()).cloned() else {
            return Err(unknown);
        };
        match file.side {
            Side::Import if !file.is_buyer(self.by) => return Err(ReturnRefusal::NotTheBuyer { party: self.by }),
            Side::Export if !file.is_seller(self.by) => return Err(ReturnRefusal::NotTheSeller { party: self.by }),
            _ => {}
        }
        if let Some(known) = file.open_return().filter(|r| r.reason == ReturnReason::Cancelled) {
            return Ok(known.clone());
        }
        if file.closed.is_some() {
            return Err(ReturnRefusal::TradeClosed);
        }
        if let Some(state) = file.claim() {
            return Err(ReturnRefusal::ClaimOpen { state: state.to_owned() });
        }
        let gone = file.peer_clearance.is_released() || file.has(CustodyKind::HandedOver);
        match file.side {
            Side::Import if gone => return Err(ReturnRefusal::HandedOverAlready),
            Side::Import => self.by_buyer(world, &mut file)?,
            Side::Export if !can_be_kept(&file) => return Err(ReturnRefusal::HandedOverAlready),
            Side::Export => tell_stop(world, &mut file, ReturnReason::Cancelled, None),
        }
        let answer = file.returning.clone().ok_or(ReturnRefusal::NoReturn)?;
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

impl CancelOrder {
    /// What was not paid is off at once; where money is held, the seller's hub says first whether the
    /// parcel is still there.
    fn by_buyer(&self, world: &mut World, file: &mut TradeFile) -> Result<(), ReturnRefusal> {
        let state = ReturnState::Asked { until: None };
        let asked = Return::new(ReturnReason::Cancelled, world.now, state);
        match file.escrow {
            Escrow::Empty => {
                settle(world, file, asked, TaxBack::NotDue)?;
                file.closed = Some(Closed::Cancelled { at: world.now });
                Ok(())
            }
            Escrow::Funded { .. } | Escrow::Deposited { .. } => {
                stands(world, file, asked);
                Ok(())
            }
            _ => Err(ReturnRefusal::NothingHeld { state: file.escrow.code().to_owned() }),
        }
    }
}

/// The exporting hub says that the goods do not come; the importing one gives the money back. Until it
/// has said so, nothing of this parcel moves on here.
pub(crate) fn tell_stop(world: &mut World, file: &mut TradeFile, reason: ReturnReason, said: Option<String>) {
    let told = Happened::TradeStopped { reason, said: said.clone() };
    world.happened(Some(&file.id), file.peer.as_ref(), told);
    let state = ReturnState::Agreed { at: world.now, by_silence: false, hand_in_by: None };
    file.returning = Some(Return { said, ..Return::new(reason, world.now, state) });
}

impl Decide for SendBack {
    type Answer = Return;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        permit::reads_used(world, &self.trade, need);
        if let Some(key) = order::used_quota(world, &self.trade) {
            need.quota(key);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Return, ReturnRefusal> {
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(ReturnRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        let is = |role| world.parties.get(&self.by).is_some_and(|p| p.is(role));
        let (is_officer, is_carrier) = (is(Role::Officer), is(Role::Carrier));
        match self.reason {
            ReturnReason::SentBack if !is_officer => return Err(ReturnRefusal::NotAnOfficer { party: self.by }),
            ReturnReason::Undeliverable if !is_carrier => return Err(ReturnRefusal::NotACarrier { party: self.by }),
            ReturnReason::SentBack | ReturnReason::Undeliverable => {}
            reason => return Err(ReturnRefusal::ReturnReason { reason }),
        }
        if let Some(known) = file.open_return().filter(|r| r.reason == self.reason) {
            return Ok(known.clone());
        }
        if file.closed.is_some() {
            return Err(ReturnRefusal::TradeClosed);
        }
        if file.claim().is_some() && file.open_return().is_none_or(|r| r.reason != ReturnReason::Cancelled) {
            return Err(ReturnRefusal::ClaimOpen { state: file.claim().unwrap_or_default().to_owned() });
        }
        let said = said(&self.said, true)?;
        match self.reason {
            ReturnReason::Undeliverable => self.undeliverable(world, &mut file, said)?,
            _ => self.refused_by_customs(world, &mut file, said)?,
        }
        let answer = file.returning.clone().ok_or(ReturnRefusal::NoReturn)?;
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

impl SendBack {
    /// Released for import and not delivered: the goods go back to customs, which says what becomes of
    /// the tax; then the money goes back.
    fn undeliverable(
        &self,
        world: &mut World,
        file: &mut TradeFile,
        said: Option<String>,
    ) -> Result<(), ReturnRefusal> {
        if file.side != Side::Import {
            return Err(ReturnRefusal::ReturnElsewhere { trade: self.trade.clone() });
        }
        if file.has(CustodyKind::Delivered) {
            return Err(ReturnRefusal::ReturnReason { reason: self.reason });
        }
        if !file.has(CustodyKind::OutForDelivery) {
            let (step, missing) = (CustodyKind::BackAtCustoms, CustodyKind::OutForDelivery);
            return Err(ReturnRefusal::StepMissing { step, missing });
        }
        let state = ReturnState::Agreed { at: world.now, by_silence: false, hand_in_by: None };
        stands(world, file, Return { said, ..Return::new(self.reason, world.now, state) });
        Ok(())
    }

    /// Held, examined or detained: customs does not keep the goods but sends them home. Nothing was
    /// released, so no tax was due.
    fn refused_by_customs(
        &self,
        world: &mut World,
        file: &mut TradeFile,
        said: Option<String>,
    ) -> Result<(), ReturnRefusal> {
        match &file.clearance {
            Clearance::Held { .. } | Clearance::Examining { .. } => {
                permit::give_back(world, file);
                let reason = said.clone().unwrap_or_default();
                let detained = Happened::Detained { by: self.by, reason: reason.clone() };
                world.happened(Some(&file.id), file.peer.as_ref(), detained);
                file.clearance = Clearance::Detained { at: world.now, by: self.by, reason };
            }
            Clearance::Detained { .. } => {}
            other => return Err(ReturnRefusal::ReturnState { state: other.code().to_owned() }),
        }
        if file.side == Side::Export {
            tell_stop(world, file, self.reason, said);
            return Ok(());
        }
        let state = ReturnState::Agreed { at: world.now, by_silence: false, hand_in_by: None };
        let returning = Return { said, ..Return::new(self.reason, world.now, state) };
        settle(world, file, returning, TaxBack::NotDue)
    }
}

/// The importing hub hears that the goods do not come: the money goes back whole.
pub(crate) fn stopped_by_peer(
    world: &mut World,
    file: &mut TradeFile,
    reason: ReturnReason,
    said: Option<String>,
) -> Result<(), ReturnRefusal> {
    // What customs here has settled already is settled; what was released or delivered here goes on.
    let settled = file.returning.as_ref().is_some_and(Return::is_settled);
    if settled || file.closed.is_some() || file.clearance.is_released() {
        return Ok(());
    }
    let state = ReturnState::Agreed { at: world.now, by_silence: false, hand_in_by: None };
    let returning = Return { said, ..Return::new(reason, world.now, state) };
    settle(world, file, returning, TaxBack::NotDue)
}
