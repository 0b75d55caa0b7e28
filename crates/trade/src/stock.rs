//! Stock: what a warehouse keeps for sellers, where, and in which customs state.
//!
//! Pieces are moved only by numbered movements, so stock is the sum of its movements: nothing leaves
//! that was not there, and a count that differs is a movement with its reason. Which passages from
//! one customs state to another are allowed, and on which form, stands in the rule pack.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::{Bin, DocumentNo};
use crate::command::Decide;
use crate::event::Happened;
use crate::handling;
use crate::id::Id;
use crate::party::{Party, Role};
use crate::product::Product;
pub use crate::rulebook::{CustomsForm, CustomsState};
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::{Need, World};

/// A heap of goods: one product in one customs state in one bin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StockKey {
    pub warehouse: Id<Party>,
    pub product: Id<Product>,
    pub state: CustomsState,
    pub bin: Bin,
}

impl fmt::Display for StockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.warehouse, self.product, self.state.code(), self.bin)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    pub key: StockKey,
    pub seller: Id<Party>,
    pub sku: String,
    pub name: String,
    /// Never less than nothing.
    pub pieces: i64,
    pub changed: BusinessTime,
}

/// A movement is named by its warehouse and a number that whoever moves the goods chose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StockMoveKey {
    pub warehouse: Id<Party>,
    pub no: DocumentNo,
}

impl fmt::Display for StockMoveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.warehouse, self.no)
    }
}

/// A movement that was made; kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockMove {
    pub key: StockMoveKey,
    pub product: Id<Product>,
    pub pieces: i64,
    pub what: StockMovement,
    pub at: BusinessTime,
    /// What it did to which heaps; of a count that agreed, nothing.
    pub deltas: Vec<StockDelta>,
}

/// More, or fewer, pieces in one heap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockDelta {
    pub heap: StockKey,
    pub delta: i64,
}

/// How goods move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "move", rename_all = "kebab-case")]
pub enum StockMovement {
    /// Comes in, from where it was in state `from`.
    Receive { from: CustomsState, to: CustomsState, bin: Bin, form: Option<DocumentNo> },
    /// To another bin; the state stays.
    Shift { state: CustomsState, from_bin: Bin, to_bin: Bin },
    /// Passes into another customs state where it lies.
    Clear { bin: Bin, from: CustomsState, to: CustomsState, form: Option<DocumentNo> },
    /// Is taken for an order.
    Pick { trade: TradeId, state: CustomsState, bin: Bin, form: Option<DocumentNo> },
    /// Was taken for an order, and goes back.
    PutBack { trade: TradeId, state: CustomsState, bin: Bin },
    /// Somebody has counted: `pieces` is what was found.
    Count { state: CustomsState, bin: Bin, reason: Option<CountReason> },
}

/// Why a count found something else than there should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountReason {
    Lost,
    Found,
    Damaged,
    Spoiled,
    Sample,
    Miscounted,
}

impl CountReason {
    pub const ALL: [Self; 6] = [Self::Lost, Self::Found, Self::Damaged, Self::Spoiled, Self::Sample, Self::Miscounted];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Found => "found",
            Self::Damaged => "damaged",
            Self::Spoiled => "spoiled",
            Self::Sample => "sample",
            Self::Miscounted => "miscounted",
        }
    }
}

impl StockMovement {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Receive { .. } => "receive",
            Self::Shift { .. } => "shift",
            Self::Clear { .. } => "clear",
            Self::Pick { .. } => "pick",
            Self::PutBack { .. } => "put-back",
            Self::Count { .. } => "count",
        }
    }

    /// For which trade goods are taken or put back, and in which customs state they lie.
    const fn trade(&self) -> Option<(&TradeId, CustomsState)> {
        match self {
            Self::Pick { trade, state, .. } | Self::PutBack { trade, state, .. } => Some((trade, *state)),
            _ => None,
        }
    }

    /// The passage between customs states, with the form's number; none where the state stays.
    fn passage(&self) -> Option<(CustomsState, CustomsState, Option<&DocumentNo>)> {
        match self {
            Self::Receive { from, to, form, .. } | Self::Clear { from, to, form, .. } => {
                Some((*from, *to, form.as_ref()))
            }
            Self::Pick { state, form, .. } => Some((*state, CustomsState::Exported, form.as_ref())),
            Self::Shift { .. } | Self::PutBack { .. } | Self::Count { .. } => None,
        }
    }
}

/// The warehouse moves goods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MoveStock {
    pub no: DocumentNo,
    pub by: Id<Party>,
    pub product: Id<Product>,
    pub pieces: i64,
    pub what: StockMovement,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum StockRefusal {
    NotAWarehouse {
        party: Id<Party>,
    },
    ProductUnknown {
        product: Id<Product>,
    },
    StockPieces {
        got: i64,
        max: i64,
    },
    /// Fewer are there than shall leave.
    StockShort {
        sku: String,
        bin: Bin,
        customs_state: CustomsState,
        held: i64,
        asked: i64,
    },
    /// A heap is not made larger than can be counted.
    StockTooMany {
        max: i64,
    },
    SameBin {
        bin: Bin,
    },
    /// No rule of the territory allows this passage.
    MoveForbidden {
        from_state: CustomsState,
        to_state: CustomsState,
    },
    /// The rule is not known well enough for this hub.
    MoveUnverified {
        rule: String,
    },
    /// The passage needs the number of a customs form.
    FormNeeded {
        form: CustomsForm,
        from_state: CustomsState,
        to_state: CustomsState,
        rule: String,
    },
    /// The same number was used for another movement.
    MoveDiffers {
        no: DocumentNo,
    },
    TradeUnknown {
        trade: TradeId,
    },
    OtherSide {
        trade: TradeId,
    },
    TradeClosed,
    NotPaidYet,
    /// The order has nothing of this product, or not as much.
    NotOrdered {
        sku: String,
        ordered: i64,
        picked: i64,
        asked: i64,
    },
    /// The parcel has left the warehouse.
    ParcelGone,
    /// Another warehouse has begun to pick this order.
    OtherWarehouse,
    /// A count finds goods in a customs state in which none ever lay there.
    NeverHere {
        bin: Bin,
        customs_state: CustomsState,
    },
    /// A count that differs needs a reason.
    CountReasonMissing {
        held: i64,
        counted: i64,
    },
}

/// More than any heap or movement has; keeps sums far within 64 bits.
pub const PIECES_MAX: i64 = 1_000_000_000;

impl Decide for MoveStock {
    type Answer = StockMove;
    type Refusal = StockRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by).product(self.product).stock_move(self.key());
        for key in self.heaps() {
            need.stock(key);
        }
        if let Some((trade, _)) = self.what.trade() {
            need.trade(trade);
        }
    }

    fn decide(&self, world: &mut World) -> Result<StockMove, StockRefusal> {
        let warehouse = world.parties.get(&self.by).filter(|p| p.is(Role::Warehouse)).cloned();
        let Some(warehouse) = warehouse else { return Err(StockRefusal::NotAWarehouse { party: self.by }) };
        if let Some(known) = world.stock_moves.get(&self.key()) {
            let same = known.product == self.product && known.pieces == self.pieces && known.what == self.what;
            return if same { Ok(known.clone()) } else { Err(StockRefusal::MoveDiffers { no: self.no.clone() }) };
        }
        let Some(product) = world.products.get(&self.product).cloned() else {
            return Err(StockRefusal::ProductUnknown { product: self.product });
        };
        self.check(world)?;
        let picked = match self.what.trade() {
            Some((trade, state)) => Some(self.picked(world, trade, state, &warehouse, &product)?),
            None => None,
        };
        let deltas = self.deltas(world);
        for StockDelta { heap, delta } in &deltas {
            self.apply(world, &product, heap, *delta)?;
        }
        let made = StockMove {
            key: self.key(),
            product: self.product,
            pieces: self.pieces,
            what: self.what.clone(),
            at: world.now,
            deltas,
        };
        let trade = self.what.trade().map(|(trade, _)| trade.clone());
        world.happened(trade.as_ref(), None, Happened::StockMoved { movement: Box::new(made.clone()) });
        if let (Some(trade), Some(file)) = (&trade, picked) {
            let told = world.trades.get(trade).is_some_and(|before| before.handling.storage.is_some());
            if !told {
                handling::tell(world, &file);
            }
            world.trades.put(trade.clone(), file);
        }
        world.stock_moves.put(self.key(), made.clone());
        Ok(made)
    }
}

impl MoveStock {
    fn key(&self) -> StockMoveKey {
        StockMoveKey { warehouse: self.by, no: self.no.clone() }
    }

    fn heap(&self, state: CustomsState, bin: &Bin) -> StockKey {
        StockKey { warehouse: self.by, product: self.product, state, bin: bin.clone() }
    }

    /// The heaps that it may touch.
    fn heaps(&self) -> Vec<StockKey> {
        match &self.what {
            StockMovement::Receive { to, bin, .. } => vec![self.heap(*to, bin)],
            StockMovement::Shift { state, from_bin, to_bin } => {
                vec![self.heap(*state, from_bin), self.heap(*state, to_bin)]
            }
            StockMovement::Clear { bin, from, to, .. } => vec![self.heap(*from, bin), self.heap(*to, bin)],
            StockMovement::Pick { state, bin, .. }
            | StockMovement::PutBack { state, bin, .. }
            | StockMovement::Count { state, bin, .. } => vec![self.heap(*state, bin)],
        }
    }

    fn deltas(&self, world: &World) -> Vec<StockDelta> {
        let heaps = self.heaps();
        let signs: &[i64] = match &self.what {
            StockMovement::Receive { .. } | StockMovement::PutBack { .. } => &[1],
            StockMovement::Shift { .. } | StockMovement::Clear { .. } => &[-1, 1],
            StockMovement::Pick { .. } => &[-1],
            StockMovement::Count { .. } => {
                let difference = |key: &StockKey| self.pieces - world.stocks.get(key).map_or(0, |s| s.pieces);
                let all = heaps.into_iter().map(|heap| StockDelta { delta: difference(&heap), heap });
                return all.filter(|d| d.delta != 0).collect();
            }
        };
        heaps.into_iter().zip(signs).map(|(heap, sign)| StockDelta { heap, delta: sign * self.pieces }).collect()
    }

    fn check(&self, world: &World) -> Result<(), StockRefusal> {
        let least = i64::from(!matches!(self.what, StockMovement::Count { .. }));
        if !(least..=PIECES_MAX).contains(&self.pieces) {
            return Err(StockRefusal::StockPieces { got: self.pieces, max: PIECES_MAX });
        }
        match &self.what {
            StockMovement::Shift { from_bin, to_bin, .. } if from_bin == to_bin => {
                return Err(StockRefusal::SameBin { bin: from_bin.clone() });
            }
            StockMovement::Count { reason, state, bin } => {
                let heap = world.stocks.get(&self.heap(*state, bin));
                // Goods under customs control are not found where none ever lay.
                if heap.is_none() && *state != CustomsState::Domestic && self.pieces > 0 {
                    return Err(StockRefusal::NeverHere { bin: bin.clone(), customs_state: *state });
                }
                let held = heap.map_or(0, |s| s.pieces);
                if held != self.pieces && reason.is_none() {
                    return Err(StockRefusal::CountReasonMissing { held, counted: self.pieces });
                }
            }
            _ => {}
        }
        let Some((from, to, number)) = self.what.passage() else { return Ok(()) };
        may_pass(world, from, to, number)
    }

    fn apply(&self, world: &mut World, product: &Product, key: &StockKey, delta: i64) -> Result<(), StockRefusal> {
        let held = world.stocks.get(key).map_or(0, |s| s.pieces);
        let pieces = held + delta;
        if pieces < 0 {
            return Err(StockRefusal::StockShort {
                sku: product.goods.sku.clone(),
                bin: key.bin.clone(),
                customs_state: key.state,
                held,
                asked: -delta,
            });
        }
        if pieces > PIECES_MAX {
            return Err(StockRefusal::StockTooMany { max: PIECES_MAX });
        }
        let stock = Stock {
            key: key.clone(),
            seller: product.seller,
            sku: product.goods.sku.clone(),
            name: product.goods.name.clone(),
            pieces,
            changed: world.now,
        };
        world.stocks.put(key.clone(), stock);
        Ok(())
    }

    /// The trade file with what is picked for it after this movement.
    fn picked(
        &self,
        world: &World,
        trade: &TradeId,
        state: CustomsState,
        warehouse: &Party,
        product: &Product,
    ) -> Result<TradeFile, StockRefusal> {
        let Some(mut file) = world.trades.get(trade).cloned() else {
            return Err(StockRefusal::TradeUnknown { trade: trade.clone() });
        };
        if file.side != Side::Export {
            return Err(StockRefusal::OtherSide { trade: trade.clone() });
        }
        if file.handling.has_left_warehouse(&file) {
            return Err(StockRefusal::ParcelGone);
        }
        if file.handling.storage.as_ref().is_some_and(|s| s.warehouse != self.by) {
            return Err(StockRefusal::OtherWarehouse);
        }
        let picking = matches!(self.what, StockMovement::Pick { .. });
        // What was taken for an order that came to nothing may go back at any time.
        if picking && file.closed.is_some() {
            return Err(StockRefusal::TradeClosed);
        }
        if picking && file.secured.is_none() {
            return Err(StockRefusal::NotPaidYet);
        }
        let lines = file.order.iter().flat_map(|o| &o.quote.lines);
        let ordered = lines.filter(|l| l.product == self.product).map(|l| l.pieces).fold(0, i64::saturating_add);
        let picked = file.handling.picked_of(self.product);
        let in_state = file.handling.picked_in(self.product, state);
        let fits = if picking { self.pieces <= ordered - picked } else { self.pieces <= in_state };
        if !fits {
            let sku = product.goods.sku.clone();
            return Err(StockRefusal::NotOrdered { sku, ordered, picked, asked: self.pieces });
        }
        let after = if picking { in_state + self.pieces } else { in_state - self.pieces };
        file.handling.pick(self.product, state, after);
        file.handling.keep_at(warehouse, world.now);
        if file.handling.picked.is_empty() && file.waybill.is_none() {
            file.handling.storage = None;
        }
        Ok(file)
    }
}

/// Whether goods may pass from one customs state to another here and now, on a form with this number.
fn may_pass(
    world: &World,
    from: CustomsState,
    to: CustomsState,
    number: Option<&DocumentNo>,
) -> Result<(), StockRefusal> {
    let date = world.site.date(world.now);
    let rule = world.site.rulebook().and_then(|book| book.stock_move(from, to, date));
    let Some(rule) = rule else {
        return Err(StockRefusal::MoveForbidden { from_state: from, to_state: to });
    };
    if !world.site.stance.allows(&rule.info) {
        return Err(StockRefusal::MoveUnverified { rule: rule.info.id.to_string() });
    }
    if rule.form.has_number() && number.is_none() {
        let rule_id = rule.info.id.to_string();
        return Err(StockRefusal::FormNeeded { form: rule.form, from_state: from, to_state: to, rule: rule_id });
    }
    Ok(())
}
