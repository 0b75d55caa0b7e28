//! Drawing a permit down: at export with the declaration, at import by the buyer; and giving back.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Permit, PermitFault, PermitNeed, PermitUse, needs};
use crate::clearance::{self, Clearance};
use crate::codes::HubId;
use crate::command::Decide;
use crate::declaration::{Declaration, DeclaredLine};
use crate::escrow::Escrow;
use crate::event::Happened;
use crate::id::Id;
use crate::key::VerifyKey;
use crate::mandate::{self, Act, Mandate, MandateFault};
use crate::party::Party;
use crate::rulebook::{Direction, Regime, Rulebook};
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// What of `needs` these uses do not cover, with the pieces that are missing.
#[must_use]
pub fn short(needs: Vec<PermitNeed>, uses: &[PermitUse]) -> Vec<PermitNeed> {
    let missing = |mut need: PermitNeed| {
        let covered = uses.iter().filter(|u| u.kind == need.kind && u.hs == need.hs).map(|u| u.pieces);
        need.pieces -= covered.fold(0, i64::saturating_add);
        (need.pieces > 0).then_some(need)
    };
    needs.into_iter().filter_map(missing).collect()
}

/// Draws what `needs` ask for from permits of one holder, in the order in which they are named.
fn draw(
    world: &mut World,
    trade: &TradeId,
    holder: Id<Party>,
    peer: Option<&HubId>,
    needs: &[PermitNeed],
    named: &[Id<Permit>],
) -> Result<Vec<PermitUse>, PermitFault> {
    let today = world.site.date(world.now);
    let mut uses: Vec<PermitUse> = Vec::new();
    for id in named {
        let unknown = PermitFault::PermitUnknown { permit: *id };
        let known = world.permits.get(id).filter(|p| p.holder == holder).cloned();
        let mut permit = known.ok_or(unknown)?;
        let for_this: Vec<&PermitNeed> = needs.iter().filter(|need| permit.is_for(need, peer)).collect();
        if for_this.is_empty() {
            return Err(PermitFault::PermitForOther { permit: *id, hs: permit.hs });
        }
        let grant = permit.usable(today)?.clone();
        for need in for_this {
            let missing = short(vec![need.clone()], &uses);
            let wanted = missing.first().map_or(0, |need| need.pieces);
            let pieces = permit.draw(wanted);
            if pieces == 0 {
                continue;
            }
            let mut used = PermitUse {
                permit: *id,
                kind: permit.kind,
                no: grant.no.clone(),
                hs: need.hs.clone(),
                pieces,
                until: grant.until,
                signature: String::new(),
            };
            used.sign(world, trade);
            uses.push(used);
            world.happened(Some(trade), None, Happened::PermitDrawn { permit: *id, pieces, left: permit.left() });
        }
        world.permits.put(*id, permit);
    }
    Ok(uses)
}

/// What the lines of an export declaration need, by this hub's rules of today.
#[must_use]
pub fn export_needs(world: &World, regime: Regime, lines: &[DeclaredLine]) -> Vec<PermitNeed> {
    let Some(book) = world.site.rulebook() else { return Vec::new() };
    let goods = lines.iter().map(|l| (&l.hs, Some(l.origin), l.pieces));
    needs(book, Direction::Export, regime, world.site.date(world.now), goods)
}

/// A declaration is lodged, or corrected: what the one before it drew is given back, and what this
/// one needs is drawn from the permits that it names, else from those of the one before. What is
/// missing then is answered: with it, nothing passes.
///
/// # Errors
/// Why a permit that was named cannot be used.
pub fn draw_for_export(
    world: &mut World,
    file: &mut TradeFile,
    declaration: &mut Declaration,
    holder: Option<Id<Party>>,
    named: &[Id<Permit>],
) -> Result<Vec<PermitNeed>, PermitFault> {
    let before: Vec<Id<Permit>> = used(file).collect();
    give_back(world, file);
    let regime = file.order.as_ref().map_or(Regime::B2cParcel, |o| o.quote.regime);
    let needs = export_needs(world, regime, &declaration.lines);
    let Some(holder) = holder.filter(|_| !needs.is_empty() || !named.is_empty()) else { return Ok(needs) };
    let peer = file.peer.clone();
    declaration.permits = if named.is_empty() {
        let today = world.site.date(world.now);
        let still = |id: &Id<Permit>| {
            let permit = world.permits.knows(id).then(|| world.permits.get(id)).flatten();
            permit.is_some_and(|p| p.usable(today).is_ok() && needs.iter().any(|n| p.is_for(n, peer.as_ref())))
        };
        let mut again: Vec<Id<Permit>> = before.into_iter().filter(still).collect();
        again.dedup();
        draw(world, &file.id, holder, peer.as_ref(), &needs, &again)?
    } else {
        draw(world, &file.id, holder, peer.as_ref(), &needs, named)?
    };
    Ok(short(needs, &declaration.permits))
}

/// The permits that a trade has drawn from.
pub fn used(file: &TradeFile) -> impl Iterator<Item = Id<Permit>> + '_ {
    own_uses(file).iter().map(|u| u.permit)
}

fn own_uses(file: &TradeFile) -> &[PermitUse] {
    match (file.side, &file.declaration) {
        (Side::Export, Some(declaration)) => &declaration.permits,
        (Side::Export, None) => &[],
        (Side::Import, _) => &file.permits,
    }
}

/// Names what [`give_back`] changes.
pub fn reads_used(world: &World, trade: &TradeId, need: &mut Need) {
    if let Some(file) = world.trades.get(trade) {
        for permit in used(file) {
            need.permit(permit);
        }
    }
}

/// What a trade has drawn comes back to its permits: it is corrected, or comes to nothing.
pub fn give_back(world: &mut World, file: &mut TradeFile) {
    let uses = match (file.side, &mut file.declaration) {
        (Side::Export, Some(declaration)) => std::mem::take(&mut declaration.permits),
        (Side::Export, None) => return,
        (Side::Import, _) => std::mem::take(&mut file.permits),
    };
    for PermitUse { permit: id, pieces, .. } in uses {
        if !world.permits.knows(&id) {
            continue;
        }
        if let Some(mut permit) = world.permits.get(&id).cloned() {
            permit.put_back(pieces);
            let left = permit.left();
            world.permits.put(id, permit);
            world.happened(Some(&file.id), None, Happened::PermitGivenBack { permit: id, pieces, left });
        }
    }
}

/// What an import needs by this hub's rules and neither the buyer's permits nor the word of the
/// other side's agency covers.
#[must_use]
pub fn import_short(world: &World, file: &TradeFile) -> Vec<PermitNeed> {
    let Some(book) = world.site.rulebook() else { return Vec::new() };
    let peer = file.peer.as_ref().and_then(|id| world.peers.all().find(|(known, _)| *known == id));
    let keys = peer.map(|(_, peer)| peer.card.keys.as_slice()).unwrap_or_default();
    import_missing(book, world.site.date(world.now), file, keys)
}

/// As [`import_short`], with the importing side's rules and the keys of the other hub.
#[must_use]
pub fn import_missing(book: &Rulebook, date: Date, file: &TradeFile, keys: &[VerifyKey]) -> Vec<PermitNeed> {
    let Some(order) = &file.order else { return Vec::new() };
    let lines = order.quote.lines.iter().map(|l| (&l.hs, Some(l.origin), l.pieces));
    let needs = needs(book, Direction::Import, order.quote.regime, date, lines);
    if needs.is_empty() {
        return needs;
    }
    let words = file.declaration.iter().flat_map(|d| &d.permits);
    let mut uses: Vec<PermitUse> = words.filter(|word| word.is_word_of(&file.id, keys)).cloned().collect();
    uses.extend(file.permits.iter().cloned());
    short(needs, &uses)
}

/// The buyer, or its broker, brings a permit to an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsePermit {
    pub trade: TradeId,
    pub permit: Id<Permit>,
    pub by: Id<Party>,
    #[serde(default)]
    pub mandate: Option<Id<Mandate>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum UseRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    /// At export, the declaration names its permits.
    OtherSide {
        trade: TradeId,
    },
    NotYours {
        trade: TradeId,
    },
    NotPaidYet,
    TradeClosed,
    AlreadyReleased,
    /// Nothing is missing.
    NoPermitMissing,
    /// Nothing is left on it.
    PermitUsedUp {
        permit: Id<Permit>,
    },
    #[serde(untagged)]
    Permit(PermitFault),
    #[serde(untagged)]
    Mandate(MandateFault),
}

impl Decide for UsePermit {
    type Answer = Clearance;
    type Refusal = UseRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).permit(self.permit).party(self.by);
        if let Some(mandate) = self.mandate {
            need.mandate(mandate);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Clearance, UseRefusal> {
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(UseRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        if file.side != Side::Import {
            return Err(UseRefusal::OtherSide { trade: self.trade.clone() });
        }
        let holder = file.order.as_ref().and_then(|o| o.buyer.as_ref()).map(|b| b.party);
        let Some(holder) = holder else { return Err(UseRefusal::NotYours { trade: self.trade.clone() }) };
        let peer = file.peer.clone();
        let mandate = mandate::stands_for(world, self.by, holder, self.mandate, Act::Answer, peer.as_ref())
            .map_err(UseRefusal::Mandate)?;
        if file.permits.iter().any(|u| u.permit == self.permit) {
            return Ok(file.clearance);
        }
        if file.closed.is_some() {
            return Err(UseRefusal::TradeClosed);
        }
        if file.clearance.is_final() {
            return Err(UseRefusal::AlreadyReleased);
        }
        if !matches!(file.escrow, Escrow::Funded { .. }) {
            return Err(UseRefusal::NotPaidYet);
        }
        let missing = import_short(world, &file);
        if missing.is_empty() {
            return Err(UseRefusal::NoPermitMissing);
        }
        let uses =
            draw(world, &self.trade, holder, peer.as_ref(), &missing, &[self.permit]).map_err(UseRefusal::Permit)?;
        if uses.is_empty() {
            return Err(UseRefusal::PermitUsedUp { permit: self.permit });
        }
        file.permits.extend(uses);
        mandate::record(world, Some(&self.trade), mandate, self.by, holder, Act::Answer);
        clearance::advance(world, &mut file);
        let answer = file.clearance.clone();
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

/// A declaration that this hub told, in what it has lost since: what it drew counts as drawn, and
/// what an older one drew that is still known does not.
pub fn recall(world: &mut World, file: &mut TradeFile, declaration: &Declaration) {
    give_back(world, file);
    for used in &declaration.permits {
        if world.permits.knows(&used.permit)
            && let Some(mut permit) = world.permits.get(&used.permit).cloned()
        {
            permit.drawn = permit.drawn.saturating_add(used.pieces);
            world.permits.put(used.permit, permit);
        }
    }
}
