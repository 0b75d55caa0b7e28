//! Clearance: what customs of this side decides, why, until when, and who has to act.
//!
//! Export: lodged → channel → released, or examined by an officer. Import: once order, payment,
//! waybill and declaration are there they are matched; equal → channel → released; not equal →
//! held with every field that differs and who must mend it. A correction that mends it releases.

use serde::{Deserialize, Serialize};

use crate::channel::{ChannelFacts, channel};
use crate::codes::HsCode;
use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::matching;
use crate::money::Money;
use crate::party::{Party, Role};
use crate::permit::{self, PermitNeed};
pub use crate::rulebook::{Channel, Direction};
use crate::rulebook::{Mender, TradeField};
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::variance;
use crate::world::{Need, World};

/// Where a declaration stands with the customs of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Clearance {
    NotLodged,
    /// The documents disagree; whoever must mend is named with each field.
    Held {
        since: BusinessTime,
        reasons: Vec<HoldReason>,
        deadline: BusinessTime,
    },
    /// An officer looks: documents (yellow) or goods (red).
    Examining {
        since: BusinessTime,
        channel: Channel,
        rule: Option<String>,
        deadline: BusinessTime,
        asked: Option<AskedFor>,
    },
    Released {
        at: BusinessTime,
        channel: Channel,
        by: Option<Id<Party>>,
    },
    Detained {
        at: BusinessTime,
        by: Id<Party>,
        reason: String,
    },
}

impl Clearance {
    #[must_use]
    pub const fn is_released(&self) -> bool {
        matches!(self, Self::Released { .. })
    }

    /// Nothing changes it any more.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Released { .. } | Self::Detained { .. })
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotLodged => "not-lodged",
            Self::Held { .. } => "held",
            Self::Examining { .. } => "examining",
            Self::Released { .. } => "released",
            Self::Detained { .. } => "detained",
        }
    }
}

/// One field that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReason {
    pub field: TradeField,
    pub mender: Mender,
    pub rule: String,
}

/// What an officer wants to know, of whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFor {
    pub field: String,
    pub of: Mender,
    pub reason: String,
}

/// How long a hold or an examination may last before it is decided: eight hours of business time.
const DECIDE_WITHIN_SECONDS: i64 = 8 * 3600;

/// Puts the export declaration into its channel; green is released at once. What permits are missing
/// holds it, until the declaration is corrected and names them.
pub fn decide_export(world: &mut World, file: &mut TradeFile, short: &[PermitNeed]) {
    let Some(declaration) = file.declaration.clone() else { return };
    if let Clearance::Released { by, .. } = file.clearance {
        // A correction of what was released: the peer gets the new edition.
        world.happened(Some(&file.id), file.peer.as_ref(), Happened::export_release(&declaration, by));
        return;
    }
    let codes: Vec<HsCode> = declaration.lines.iter().map(|l| l.hs.clone()).collect();
    let Ok(value) = declaration.value() else { return };
    let freight = file.order.as_ref().map(|o| o.quote.freight_home);
    let (channel, rule) = channel_of(world, file, Direction::Export, &codes, value, freight);
    let lodged = Happened::ExportLodged { edition: declaration.edition, channel, rule: rule.clone() };
    world.happened(Some(&file.id), None, lodged);
    if short.is_empty() {
        take_channel(world, file, channel, rule);
    } else {
        hold(world, file, permit_reasons(short, Mender::Seller));
    }
}

fn permit_reasons(short: &[PermitNeed], mender: Mender) -> Vec<HoldReason> {
    let reason = |need: &PermitNeed| HoldReason { field: TradeField::Permit, mender, rule: need.rule.to_string() };
    short.iter().map(reason).collect()
}

fn hold(world: &mut World, file: &mut TradeFile, reasons: Vec<HoldReason>) {
    let deadline = world.now.plus_seconds(DECIDE_WITHIN_SECONDS);
    let held = Happened::Held { reasons: reasons.clone(), deadline };
    world.happened(Some(&file.id), file.peer.as_ref(), held);
    file.clearance = Clearance::Held { since: world.now, reasons, deadline };
}

/// On the importing hub: as soon as everything is there, match and decide.
pub fn advance(world: &mut World, file: &mut TradeFile) {
    if file.side != Side::Import || file.clearance.is_final() || file.closed.is_some() {
        return;
    }
    let Some(book) = world.site.rulebooks.book(world.site.territory) else { return };
    let Some(mut result) = matching::compare(file, book, world.now) else { return };
    result.differs.extend(permit_reasons(&permit::import_short(world, file), Mender::Buyer));
    let known = file.matched.as_ref().is_some_and(|m| m.differs == result.differs);
    if known && matches!(file.clearance, Clearance::Held { .. }) {
        return;
    }
    let was_examining = matches!(file.clearance, Clearance::Examining { .. });
    let names = result.differs.iter().map(|r| r.field.code().to_owned()).collect();
    world.happened(Some(&file.id), None, Happened::ImportMatched { differs: names });
    let reasons = result.differs.clone();
    file.matched = Some(result);
    if !reasons.is_empty() {
        hold(world, file, reasons);
        return;
    }
    if was_examining {
        // A corrected document is an answer; what it is worth is for the officer to say.
        answered(world, file);
        return;
    }
    let Some(order) = &file.order else { return };
    let codes: Vec<HsCode> = order.quote.lines.iter().map(|l| l.hs.clone()).collect();
    let landed = &order.quote.landed;
    let (channel, rule) = channel_of(world, file, Direction::Import, &codes, landed.goods, Some(landed.freight));
    take_channel(world, file, channel, rule);
}

/// Nobody is asked any more: the officer decides, and the other side is told so.
fn answered(world: &mut World, file: &mut TradeFile) {
    let Clearance::Examining { channel, rule, asked, .. } = &mut file.clearance else { return };
    if asked.take().is_none() {
        return;
    }
    let examining = Happened::Examining { channel: *channel, rule: rule.clone() };
    world.happened(Some(&file.id), file.peer.as_ref(), examining);
}

fn channel_of(
    world: &World,
    file: &TradeFile,
    direction: Direction,
    hs: &[HsCode],
    goods: Money,
    freight: Option<Money>,
) -> (Channel, Option<String>) {
    let facts = ChannelFacts {
        regime: file.order.as_ref().map(|o| o.quote.regime).unwrap_or_default(),
        direction,
        hs,
        goods,
        goods_and_freight: freight.map_or(goods, |f| goods.plus(f).unwrap_or(goods)),
        trade: file.id.as_str(),
        date: world.site.date(world.now),
    };
    let decision = world.site.rulebook().map(|book| channel(book, &facts));
    match decision {
        Some(Ok(decision)) => (decision.channel, decision.rule.map(|r| r.to_string())),
        // Without rules that hold, nothing is released unseen.
        Some(Err(_)) | None => (Channel::Red, None),
    }
}

fn take_channel(world: &mut World, file: &mut TradeFile, channel: Channel, rule: Option<String>) {
    if channel == Channel::Green {
        release(world, file, channel, None, None);
        return;
    }
    let deadline = world.now.plus_seconds(DECIDE_WITHIN_SECONDS);
    let examining = Happened::Examining { channel, rule: rule.clone() };
    world.happened(Some(&file.id), file.peer.as_ref(), examining);
    file.clearance = Clearance::Examining { since: world.now, channel, rule, deadline, asked: None };
}

fn release(world: &mut World, file: &mut TradeFile, channel: Channel, by: Option<Id<Party>>, reason: Option<String>) {
    variance::charge(world, file);
    file.clearance = Clearance::Released { at: world.now, channel, by };
    let peer = file.peer.clone();
    match (file.side, &file.declaration) {
        (Side::Export, Some(declaration)) => {
            let told = Happened::export_release(declaration, by);
            world.happened(Some(&file.id), peer.as_ref(), told);
        }
        _ => world.happened(Some(&file.id), peer.as_ref(), Happened::Released { by, reason }),
    }
}

/// What an officer does with a declaration that was not released by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecideClearance {
    pub trade: TradeId,
    pub by: Id<Party>,
    pub decision: Decision,
    /// Shown to the parties and to the other side, as it is.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case")]
pub enum Decision {
    Release,
    Detain,
    /// Wants a document or a correction of `of`.
    Ask {
        field: String,
        of: Mender,
    },
    /// Answered: the ball comes back to the officer.
    Answered,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DecideRefusal {
    NotAnOfficer {
        party: Id<Party>,
    },
    TradeUnknown {
        trade: TradeId,
    },
    /// Only what is held or examined can be decided on.
    NothingToDecide {
        state: String,
    },
    ReasonMissing,
    ReasonTooLong {
        max: usize,
    },
}

const REASON_MAX: usize = 500;

impl Decide for DecideClearance {
    type Answer = Clearance;
    type Refusal = DecideRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).party(self.by);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        if self.decision == Decision::Detain {
            permit::reads_used(world, &self.trade, need);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Clearance, DecideRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Officer)) {
            return Err(DecideRefusal::NotAnOfficer { party: self.by });
        }
        let Some(mut file) = world.trades.get(&self.trade).cloned() else {
            return Err(DecideRefusal::TradeUnknown { trade: self.trade.clone() });
        };
        let reason = self.reason.trim();
        if reason.chars().count() > REASON_MAX {
            return Err(DecideRefusal::ReasonTooLong { max: REASON_MAX });
        }
        let (channel, held) = match &file.clearance {
            Clearance::Examining { channel, .. } => (*channel, false),
            Clearance::Held { .. } => (Channel::Yellow, true),
            other => return Err(DecideRefusal::NothingToDecide { state: other.code().to_owned() }),
        };
        // Letting go what disagrees, keeping goods, or asking: never without a reason.
        let needs_reason = held || !matches!(self.decision, Decision::Release | Decision::Answered);
        if needs_reason && reason.is_empty() {
            return Err(DecideRefusal::ReasonMissing);
        }
        match &self.decision {
            Decision::Release => {
                let reason = (!reason.is_empty()).then(|| reason.to_owned());
                release(world, &mut file, channel, Some(self.by), reason);
            }
            Decision::Detain => {
                let detained = Happened::Detained { by: self.by, reason: reason.to_owned() };
                world.happened(Some(&file.id), file.peer.as_ref(), detained);
                file.clearance = Clearance::Detained { at: world.now, by: self.by, reason: reason.to_owned() };
                permit::give_back(world, &mut file);
            }
            Decision::Ask { field, of } => self.ask(world, &mut file, field, *of, reason),
            Decision::Answered => answered(world, &mut file),
        }
        let answer = file.clearance.clone();
        world.trades.put(self.trade.clone(), file);
        Ok(answer)
    }
}

impl DecideClearance {
    fn ask(&self, world: &mut World, file: &mut TradeFile, field: &str, of: Mender, reason: &str) {
        let asked = Happened::Asked { by: self.by, field: field.to_owned(), of, reason: reason.to_owned() };
        world.happened(Some(&file.id), file.peer.as_ref(), asked);
        let asked = Some(AskedFor { field: field.to_owned(), of, reason: reason.to_owned() });
        let deadline = world.now.plus_seconds(DECIDE_WITHIN_SECONDS);
        let (since, channel, rule) = match &file.clearance {
            Clearance::Examining { since, channel, rule, .. } => (*since, *channel, rule.clone()),
            _ => (world.now, Channel::Yellow, None),
        };
        file.clearance = Clearance::Examining { since, channel, rule, deadline, asked };
    }
}
