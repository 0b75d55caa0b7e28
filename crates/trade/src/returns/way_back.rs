//! The way home: the waybill of the parcel, its steps, and what the customs of both sides say of it.

use serde::{Deserialize, Serialize};

use super::{
    ReImport, Return, ReturnRefusal, ReturnState, ReturnWaybill, TaxBack, TaxKept, file_here, said, settle, stands,
};
use crate::clearance::Clearance;
use crate::codes::{HsCode, S10};
use crate::command::Decide;
use crate::custody::{CustodyKind, CustodyRefusal};
use crate::event::Happened;
use crate::id::Id;
use crate::order;
use crate::party::{Party, Role};
use crate::permit;
use crate::quantity::Grams;
use crate::rulebook::{HomeAnswer, ReturnMatter, TaxAnswer};
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::waybill::PARCEL_MAX;
use crate::world::{Need, NumberKey, World};

/// The buyer, or the carrier that takes the parcel, registers the waybill of the way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssueReturnWaybill {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub no: S10,
    pub gross: Grams,
}

/// An officer has looked at goods that go back: on the importing side whether they are what was
/// released, on the exporting side whether they come home free of duty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamineReturn {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub grants: bool,
    /// Needed for a no, and for a yes that no known rule carries.
    pub said: String,
}

/// What customs of this side has said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "side", rename_all = "kebab-case")]
pub enum Examined {
    Import { tax: TaxBack },
    Export { reimport: ReImport },
}

/// Where the way home begins; none where the parcel never left its seller.
#[must_use]
pub fn first_step(file: &TradeFile) -> Option<CustodyKind> {
    let import = match file.side {
        Side::Import => &file.clearance,
        Side::Export => &file.peer_clearance,
    };
    if file.has(CustodyKind::Delivered) {
        Some(CustodyKind::HandedBack)
    } else if import.is_released() && file.has(CustodyKind::Arrived) {
        Some(CustodyKind::BackAtCustoms)
    } else if file.has(CustodyKind::Departed) {
        Some(CustodyKind::SentHome)
    } else {
        file.has(CustodyKind::HandedOver).then_some(CustodyKind::BackWithSeller)
    }
}

/// Whether the parcel may take this step: while a return is open nothing goes on, and home it goes only
/// then, step by step.
pub(crate) fn may_move(file: &TradeFile, step: CustodyKind) -> Result<(), CustodyRefusal> {
    let returning = file.open_return();
    if !step.is_back() {
        // What is on its way may still arrive; it is not delivered, and does not leave.
        let stops = returning.is_some_and(|r| !matches!(r.state, ReturnState::Asked { until: None }));
        return if stops && step != CustodyKind::Arrived { Err(CustodyRefusal::ComesBack { step }) } else { Ok(()) };
    }
    let Some(returning) = returning else { return Err(CustodyRefusal::NothingComesBack { step }) };
    let wanted = file.next_step_home();
    if wanted != Some(step) {
        let missing = wanted.filter(|wanted| *wanted < step);
        return Err(missing.map_or(CustodyRefusal::NothingComesBack { step }, |missing| CustodyRefusal::StepMissing {
            step,
            missing,
        }));
    }
    match (step, &returning.state) {
        (_, ReturnState::Asked { .. } | ReturnState::Refused { .. } | ReturnState::Lapsed { .. }) => {
            Err(CustodyRefusal::NothingComesBack { step })
        }
        (CustodyKind::HandedBack, _) if returning.waybill.is_none() => Err(CustodyRefusal::NoReturnWaybill),
        (CustodyKind::HandedBack | CustodyKind::BackAtCustoms, _) => Ok(()),
        (_, ReturnState::Agreed { .. }) => Err(CustodyRefusal::ReturnNotDecided),
        (CustodyKind::SentHome, _) if !file.has(CustodyKind::Arrived) => {
            Err(CustodyRefusal::StepMissing { step, missing: CustodyKind::Arrived })
        }
        (CustodyKind::BackWithSeller, _) if file.has(CustodyKind::BackHome) && file.reimport.is_none() => {
            Err(CustodyRefusal::NotReleasedForHome)
        }
        _ => Ok(()),
    }
}

/// What follows from a step: goods that have come home are released by rule where one is known, and
/// with the seller the trade is over.
pub(crate) fn moved(world: &mut World, file: &mut TradeFile, step: CustodyKind) {
    match step {
        CustodyKind::BackHome => {
            if let (HomeAnswer::Free, rule) = home_answer(world, file) {
                home(world, file, ReImport { at: world.now, duty_free: true, rule, by: None, said: None });
            }
        }
        CustodyKind::BackWithSeller => close(world, file),
        _ => {}
    }
}

/// The exporting hub closes the trade, and tells its peer: nothing is on its way any more.
pub(crate) fn close(world: &mut World, file: &mut TradeFile) {
    if !file.clearance.is_released() {
        // What was never let out has used no permit.
        permit::give_back(world, file);
    }
    file.closed = Some(closed(file, world.now));
    world.happened(Some(&file.id), file.peer.as_ref(), Happened::GoodsBack);
}

/// How a trade ends whose goods are with their seller: they came back, or never left.
pub(crate) fn closed(file: &TradeFile, at: BusinessTime) -> Closed {
    if file.has(CustodyKind::HandedOver) || file.has(CustodyKind::BackWithSeller) {
        Closed::Returned { at }
    } else {
        Closed::Cancelled { at }
    }
}

fn home(world: &mut World, file: &mut TradeFile, reimport: ReImport) {
    let told = Happened::ReImported { reimport: reimport.clone() };
    world.happened(Some(&file.id), file.peer.as_ref(), told);
    file.reimport = Some(reimport);
}

fn codes(file: &TradeFile) -> Vec<HsCode> {
    file.order.iter().flat_map(|o| &o.quote.lines).map(|l| l.hs.clone()).collect()
}

/// What the rules of this side say of goods that come home today, and by which rule.
#[must_use]
pub fn home_answer(world: &World, file: &TradeFile) -> (HomeAnswer, Option<String>) {
    let today = world.site.date(world.now);
    let released = match &file.clearance {
        Clearance::Released { at, .. } => Some(*at),
        _ => None,
    };
    let exported = file.custody_at(CustodyKind::Departed).or(released).map_or(today, |at| world.site.date(at));
    let Some(book) = world.site.rulebook() else { return (HomeAnswer::Unknown, None) };
    let known = book.return_rule(ReturnMatter::ReImport, today);
    let name = known.map(|rule| rule.info.id.to_string());
    let usable = known.filter(|rule| world.site.stance.allows(&rule.info));
    (usable.map_or(HomeAnswer::Unknown, |rule| rule.home(exported, today, &codes(file))), name)
}

/// What the rules of this side say of the import tax of goods that are back at customs `at`.
#[must_use]
pub fn tax_answer(world: &World, file: &TradeFile, returning: &Return, at: BusinessTime) -> TaxBack {
    let Clearance::Released { at: released, .. } = file.clearance else { return TaxBack::NotDue };
    let [released, asked, back] = [released, returning.asked_at, at].map(|at| world.site.date(at));
    let kept = |why, rule| TaxBack::Kept { why, rule };
    let Some(book) = world.site.rulebook() else { return kept(TaxKept::Unknown, None) };
    let Some(rule) = book.return_rule(ReturnMatter::ImportTax, released) else { return kept(TaxKept::Unknown, None) };
    let name = rule.info.id.to_string();
    if !world.site.stance.allows(&rule.info) {
        return kept(TaxKept::Unknown, Some(name));
    }
    match rule.tax(released, asked, back) {
        TaxAnswer::GivenBack => TaxBack::GivenBack { rule: name, quota: rule.restores_quota() },
        answer => kept(TaxKept::of(answer), Some(name)),
    }
}

impl Decide for IssueReturnWaybill {
    type Answer = ReturnWaybill;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by).number(NumberKey::waybill(self.no.as_str()));
    }

    fn decide(&self, world: &mut World) -> Result<ReturnWaybill, ReturnRefusal> {
        let mut file = file_here(world, &self.trade, Side::Import)?;
        let is_carrier = world.parties.get(&self.by).is_some_and(|p| p.is(Role::Carrier));
        if !is_carrier && !file.is_buyer(self.by) {
            return Err(ReturnRefusal::NotTheBuyer { party: self.by });
        }
        let Some(mut returning) = file.open_return().cloned() else { return Err(ReturnRefusal::NoReturn) };
        match &returning.waybill {
            Some(known) if known.no == self.no && known.gross == self.gross => return Ok(known.clone()),
            Some(known) => return Err(ReturnRefusal::WaybillStands { waybill: known.no.clone() }),
            None => {}
        }
        if !matches!(returning.state, ReturnState::Agreed { .. } | ReturnState::Settled { .. }) {
            return Err(ReturnRefusal::ReturnState { state: returning.state.code().to_owned() });
        }
        if self.gross.0 <= 0 {
            return Err(ReturnRefusal::WeightNotPositive { got: self.gross });
        }
        if self.gross > PARCEL_MAX {
            return Err(ReturnRefusal::TooHeavy { got: self.gross, max: PARCEL_MAX });
        }
        let number = NumberKey::waybill(self.no.as_str());
        if let Some(trade) = world.numbers.get(&number) {
            return Err(ReturnRefusal::WaybillNumberTaken { waybill: self.no.clone(), trade: trade.clone() });
        }
        let waybill = ReturnWaybill { no: self.no.clone(), gross: self.gross, issued_at: world.now };
        returning.waybill = Some(waybill.clone());
        world.numbers.put(number, self.trade.clone());
        stands(world, &mut file, returning);
        world.trades.put(self.trade.clone(), file);
        Ok(waybill)
    }
}

impl Decide for ExamineReturn {
    type Answer = Examined;
    type Refusal = ReturnRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        if let Some(key) = order::used_quota(world, &self.trade) {
            need.quota(key);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Examined, ReturnRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Officer)) {
            return Err(ReturnRefusal::NotAnOfficer { party: self.by });
        }
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(ReturnRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        let Some(returning) = file.open_return().cloned() else { return Err(ReturnRefusal::NoReturn) };
        let answer = match file.side {
            Side::Import => self.at_import(world, &mut file, returning)?,
            Side::Export => self.at_export(world, &mut file)?,
        };
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

impl ExamineReturn {
    /// The officer finds what was released, or does not; what the law gives for it, the rule says.
    fn at_import(
        &self,
        world: &mut World,
        file: &mut TradeFile,
        mut returning: Return,
    ) -> Result<Examined, ReturnRefusal> {
        match &returning.state {
            ReturnState::Agreed { .. } => {}
            ReturnState::Settled { tax, .. } => return Ok(Examined::Import { tax: tax.clone() }),
            other => return Err(ReturnRefusal::ReturnState { state: other.code().to_owned() }),
        }
        let Some(back) = file.custody_at(CustodyKind::BackAtCustoms) else {
            let (step, missing) = (CustodyKind::SentHome, CustodyKind::BackAtCustoms);
            return Err(ReturnRefusal::StepMissing { step, missing });
        };
        let said = said(&self.said, !self.grants)?;
        let by_rule = tax_answer(world, file, &returning, back);
        let tax = match by_rule {
            TaxBack::GivenBack { rule, .. } if !self.grants => {
                TaxBack::Kept { why: TaxKept::NotAsReleased, rule: Some(rule) }
            }
            by_rule => by_rule,
        };
        if said.is_some() {
            returning.said = said;
        }
        settle(world, file, returning, tax.clone())?;
        Ok(Examined::Import { tax })
    }

    fn at_export(&self, world: &mut World, file: &mut TradeFile) -> Result<Examined, ReturnRefusal> {
        if let Some(reimport) = file.reimport.clone() {
            return Ok(Examined::Export { reimport });
        }
        if !file.has(CustodyKind::BackHome) {
            let (step, missing) = (CustodyKind::BackWithSeller, CustodyKind::BackHome);
            return Err(ReturnRefusal::StepMissing { step, missing });
        }
        let (answer, rule) = home_answer(world, file);
        let said = said(&self.said, !(self.grants && answer == HomeAnswer::Free))?;
        let reimport = ReImport { at: world.now, duty_free: self.grants, rule, by: Some(self.by), said };
        home(world, file, reimport.clone());
        Ok(Examined::Export { reimport })
    }
}
