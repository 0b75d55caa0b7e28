//! The declaration at export; the importing side's is made from it, so that both say the same.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clearance::{self, Clearance};
use crate::codes::{Country, HsCode, S10};
use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::mandate::{self, Act, Mandate, MandateFault};
use crate::money::{Money, MoneyError};
use crate::order::Order;
use crate::party::{Party, Role};
use crate::permit::{self, Permit, PermitFault, PermitUse};
use crate::product::Product;
use crate::quantity::Grams;
use crate::quote::QuoteLine;
use crate::rulebook::{PermitKind, Regime};
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::waybill::Waybill;
use crate::world::{Need, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    pub lines: Vec<DeclaredLine>,
    /// Gross weight of the parcel as declared.
    pub gross: Grams,
    pub waybill: S10,
    pub lodged_at: BusinessTime,
    /// 1, then one more with each correction.
    pub edition: u32,
    pub kind: DeclarationKind,
    /// Where a tax was taken at the sale: the marketplace's number for it, which goes with the parcel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Arc<str>>,
    /// What it has drawn from permits, each with this hub's word for the other side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permits: Vec<PermitUse>,
}

/// What is lodged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclarationKind {
    /// One of a list of consumers' parcels.
    #[default]
    List,
    /// A declaration of its own, with all its fields: form K1 or K2 in Malaysia, the customs declaration
    /// in China.
    FullEntry,
}

impl DeclarationKind {
    #[must_use]
    pub const fn of(regime: Regime) -> Self {
        match regime {
            Regime::B2b => Self::FullEntry,
            _ => Self::List,
        }
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::FullEntry => "full-entry",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredLine {
    pub product: Id<Product>,
    pub hs: HsCode,
    pub origin: Country,
    pub pieces: i64,
    /// In the exporting currency.
    pub value: Money,
}

impl DeclaredLine {
    /// A line as it was ordered.
    #[must_use]
    pub fn ordered(line: &QuoteLine) -> Self {
        let QuoteLine { product, hs, origin, pieces, value_home, .. } = line;
        Self { product: *product, hs: hs.clone(), origin: *origin, pieces: *pieces, value: *value_home }
    }
}

impl Declaration {
    #[must_use]
    pub fn pieces(&self) -> i64 {
        self.lines.iter().map(|l| l.pieces).fold(0, i64::saturating_add)
    }

    /// Value of all lines, in the exporting currency.
    pub fn value(&self) -> Result<Money, MoneyError> {
        let currency = self.lines.first().map_or(crate::money::Currency::MYR, |l| l.value.currency());
        crate::money::sum(currency, self.lines.iter().map(|l| l.value))
    }
}

/// The seller (or its broker) lodges the export declaration, or corrects it. What is left out is
/// taken from the trade file, so that nothing is typed twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LodgeExport {
    pub trade: TradeId,
    pub by: Id<Party>,
    /// In place of the order's lines; none means: as ordered.
    #[serde(default)]
    pub lines: Vec<DeclaredLine>,
    #[serde(default)]
    pub gross: Option<Grams>,
    #[serde(default)]
    pub corrects: bool,
    /// Where a broker lodges for the seller.
    #[serde(default)]
    pub mandate: Option<Id<Mandate>>,
    /// From which permits it draws, in this order; none means: those of the declaration before it.
    #[serde(default)]
    pub permits: Vec<Id<Permit>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum LodgeRefusal {
    TradeUnknown {
        trade: TradeId,
    },
    NotYours {
        trade: TradeId,
    },
    OtherSide {
        trade: TradeId,
    },
    OrderMissing,
    WaybillMissing,
    /// The seller does not ship before the money is in escrow.
    NotPaidYet,
    TradeClosed,
    DeclarationStands {
        edition: u32,
    },
    /// The goods are gone or decided on: the paper is physically final.
    AlreadyReleased,
    Detained {
        reason: String,
    },
    LineWithoutPieces {
        line: usize,
        got: i64,
    },
    LineWithoutValue {
        line: usize,
        got: Money,
    },
    LineUnknown {
        line: usize,
    },
    WeightNotPositive {
        got: Grams,
    },
    TooManyPermits {
        got: usize,
        max: usize,
    },
    /// The goods are released on fewer pieces than the permits would have to cover now.
    PermitShort {
        permit_kind: PermitKind,
        hs: HsCode,
        pieces: i64,
    },
    #[serde(untagged)]
    Permit(PermitFault),
    #[serde(untagged)]
    Mandate(MandateFault),
}

impl Decide for LodgeExport {
    type Answer = Clearance;
    type Refusal = LodgeRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
        if let Some(mandate) = self.mandate {
            need.mandate(mandate);
        }
        for permit in self.permits.iter().take(permit::USES_MAX) {
            need.permit(*permit);
        }
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        permit::reads_used(world, &self.trade, need);
    }

    fn decide(&self, world: &mut World) -> Result<Clearance, LodgeRefusal> {
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(LodgeRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        // Who may is asked before how the trade stands.
        let order = self.order(&file)?;
        let mandate = self.stands_for_seller(world, &file, &order)?;
        let waybill = self.check(&file)?;
        let edition = match &file.declaration {
            Some(d) if !self.corrects => return self.stands(d, &file, &order, &waybill),
            Some(d) => d.edition + 1,
            None => 1,
        };
        let mut declaration = self.declaration(world, &order, &waybill, edition)?;
        let short = permit::draw_for_export(world, &mut file, &mut declaration, order.seller, &self.permits)
            .map_err(LodgeRefusal::Permit)?;
        if let Some(need) = short.first().filter(|_| file.clearance.is_released()) {
            return Err(LodgeRefusal::PermitShort { permit_kind: need.kind, hs: need.hs.clone(), pieces: need.pieces });
        }
        file.declaration = Some(declaration);
        if let Some(seller) = order.seller {
            mandate::record(world, Some(&self.trade), mandate, self.by, seller, self.act());
        }
        clearance::decide_export(world, &mut file, &short);
        let answer = file.clearance.clone();
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

impl LodgeExport {
    /// As ordered, by the seller, without permits.
    #[must_use]
    pub const fn as_ordered(trade: TradeId, by: Id<Party>) -> Self {
        Self { trade, by, lines: Vec::new(), gross: None, corrects: false, mandate: None, permits: Vec::new() }
    }

    fn order(&self, file: &TradeFile) -> Result<Arc<Order>, LodgeRefusal> {
        if file.side != Side::Export {
            return Err(LodgeRefusal::OtherSide { trade: self.trade.clone() });
        }
        file.order.clone().ok_or(LodgeRefusal::OrderMissing)
    }

    fn check(&self, file: &TradeFile) -> Result<Waybill, LodgeRefusal> {
        if self.permits.len() > permit::USES_MAX {
            return Err(LodgeRefusal::TooManyPermits { got: self.permits.len(), max: permit::USES_MAX });
        }
        if file.closed.is_some() {
            return Err(LodgeRefusal::TradeClosed);
        }
        if file.secured.is_none() {
            return Err(LodgeRefusal::NotPaidYet);
        }
        let Some(waybill) = file.waybill.clone() else { return Err(LodgeRefusal::WaybillMissing) };
        match (&file.clearance, &file.peer_clearance) {
            (Clearance::Detained { reason, .. }, _) | (_, Clearance::Detained { reason, .. }) => {
                Err(LodgeRefusal::Detained { reason: reason.clone() })
            }
            (_, Clearance::Released { .. }) if self.corrects => Err(LodgeRefusal::AlreadyReleased),
            _ => Ok(waybill),
        }
    }

    const fn act(&self) -> Act {
        if self.corrects { Act::Answer } else { Act::Lodge }
    }

    /// The seller lodges, or its broker under a mandate, or the hub's operator.
    fn stands_for_seller(
        &self,
        world: &World,
        file: &TradeFile,
        order: &Order,
    ) -> Result<Option<Id<Mandate>>, LodgeRefusal> {
        let by = world.parties.get(&self.by);
        if order.seller == Some(self.by) || by.is_some_and(|p| p.is(Role::Operator)) {
            return Ok(None);
        }
        match order.seller.filter(|_| by.is_some_and(|p| p.is(Role::Broker))) {
            None => Err(LodgeRefusal::NotYours { trade: self.trade.clone() }),
            Some(seller) => mandate::stands_for(world, self.by, seller, self.mandate, self.act(), file.peer.as_ref())
                .map_err(LodgeRefusal::Mandate),
        }
    }

    /// The same declaration again is answered the same; another one has to say that it corrects.
    fn stands(
        &self,
        known: &Declaration,
        file: &TradeFile,
        order: &Order,
        waybill: &Waybill,
    ) -> Result<Clearance, LodgeRefusal> {
        let same = Declaration {
            permits: known.permits.clone(),
            ..self.declaration_at(known.lodged_at, order, waybill, known.edition)?
        };
        let named = |id: &Id<Permit>| known.permits.iter().any(|u| u.permit == *id);
        if same == *known && self.permits.iter().all(named) {
            Ok(file.clearance.clone())
        } else {
            Err(LodgeRefusal::DeclarationStands { edition: known.edition })
        }
    }

    fn declaration(
        &self,
        world: &World,
        order: &Order,
        waybill: &Waybill,
        edition: u32,
    ) -> Result<Declaration, LodgeRefusal> {
        self.declaration_at(world.now, order, waybill, edition)
    }

    fn declaration_at(
        &self,
        now: BusinessTime,
        order: &Order,
        waybill: &Waybill,
        edition: u32,
    ) -> Result<Declaration, LodgeRefusal> {
        let as_ordered = || order.quote.lines.iter().map(DeclaredLine::ordered);
        let lines: Vec<DeclaredLine> = if self.lines.is_empty() { as_ordered().collect() } else { self.lines.clone() };
        for (i, line) in lines.iter().enumerate() {
            if line.pieces <= 0 {
                return Err(LodgeRefusal::LineWithoutPieces { line: i + 1, got: line.pieces });
            }
            if !line.value.is_positive() || line.value.currency() != order.quote.freight_home.currency() {
                return Err(LodgeRefusal::LineWithoutValue { line: i + 1, got: line.value });
            }
            if !order.quote.lines.iter().any(|l| l.product == line.product) {
                return Err(LodgeRefusal::LineUnknown { line: i + 1 });
            }
        }
        let gross = self.gross.unwrap_or_else(|| order.quote.gross());
        if gross.0 <= 0 {
            return Err(LodgeRefusal::WeightNotPositive { got: gross });
        }
        Ok(Declaration {
            lines,
            gross,
            waybill: waybill.no.clone(),
            lodged_at: now,
            edition,
            kind: DeclarationKind::of(order.quote.regime),
            registration: order.quote.landed.registration.clone(),
            permits: Vec::new(),
        })
    }
}

/// The export release has come over the road: it is the import declaration's content.
pub fn received_from_peer(world: &mut World, file: &mut TradeFile, declaration: &Declaration) {
    let newer = file.declaration.as_ref().is_none_or(|d| d.edition < declaration.edition);
    if newer && (!file.clearance.is_final() || file.is_decision_recalled()) {
        file.declaration = Some(declaration.clone());
        clearance::advance(world, file);
    }
}

impl Happened {
    #[must_use]
    pub fn export_release(declaration: &Declaration, by: Option<Id<Party>>) -> Self {
        Self::ExportReleased { declaration: declaration.clone(), by }
    }
}
