//! What is counted for whoever keeps watch: where trades stand, how long each step took, what is
//! stopped by whom, how far sellers have come. Worked out from what a trade file was before a batch
//! and what it is after it, so that nobody ever has to look through all of them.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ball::{self, Holder, ball};
use crate::clearance::Clearance;
use crate::codes::Country;
use crate::custody::CustodyKind;
use crate::escrow::Escrow;
use crate::rulebook::{Channel, Direction, Regime};
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, Stage, TradeFile};

/// The steps of a sale, in the order in which time is measured between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Ordered,
    Paid,
    Waybill,
    Lodged,
    ExportReleased,
    Departed,
    Arrived,
    ImportReleased,
    Delivered,
    Accepted,
    PaidOut,
}

impl Step {
    pub const ALL: [Self; 11] = [
        Self::Ordered,
        Self::Paid,
        Self::Waybill,
        Self::Lodged,
        Self::ExportReleased,
        Self::Departed,
        Self::Arrived,
        Self::ImportReleased,
        Self::Delivered,
        Self::Accepted,
        Self::PaidOut,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Paid => "paid",
            Self::Waybill => "waybill",
            Self::Lodged => "lodged",
            Self::ExportReleased => "export-released",
            Self::Departed => "departed",
            Self::Arrived => "arrived",
            Self::ImportReleased => "import-released",
            Self::Delivered => "delivered",
            Self::Accepted => "accepted",
            Self::PaidOut => "paid-out",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.code() == code)
    }
}

/// When a trade reached each step, as this hub knows it. Before its order nothing counts.
#[must_use]
pub fn reached(file: &TradeFile) -> [Option<BusinessTime>; 11] {
    let Some(order) = &file.order else { return [None; 11] };
    let (export, import) = match file.side {
        Side::Export => (&file.clearance, &file.peer_clearance),
        Side::Import => (&file.peer_clearance, &file.clearance),
    };
    let released = |clearance: &Clearance| match clearance {
        Clearance::Released { at, .. } => Some(*at),
        _ => None,
    };
    let paid = match (&file.escrow, file.secured) {
        (Escrow::Funded { at, .. }, _) => Some(*at),
        (_, Some(secured)) => Some(secured),
        _ => file.applied_payment().map(|payment| payment.at),
    };
    let accepted = match &file.escrow {
        Escrow::Released { at, .. } => Some(*at),
        _ => None,
    };
    let paid_out = match &file.closed {
        Some(Closed::Paid { at }) => Some(*at),
        _ => None,
    };
    [
        Some(order.placed_at),
        paid,
        file.waybill.as_ref().map(|waybill| waybill.issued_at),
        file.declaration.as_ref().map(|declaration| declaration.lodged_at),
        released(export),
        file.custody_at(CustodyKind::Departed),
        file.custody_at(CustodyKind::Arrived),
        released(import),
        file.custody_at(CustodyKind::Delivered),
        accepted,
        paid_out,
    ]
}

/// From where to where, and how it is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaneKey {
    pub from: Country,
    pub to: Country,
    pub regime: Regime,
}

/// `MY-CN/b2c-parcel`.
impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}/{}", self.from.as_str(), self.to.as_str(), self.regime.code())
    }
}

/// A trade that customs of one side keeps from going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub customs: Direction,
    /// Whether they are this hub's; else it is what the peer told of its own.
    pub own: bool,
    /// The field that does not agree, or the channel in which an officer looks.
    pub reason: String,
    /// Who has to act.
    pub holder: Holder,
    pub since: BusinessTime,
}

/// All of a trade file that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub side: Side,
    pub lane: Option<LaneKey>,
    pub stage: Stage,
    pub holder: Holder,
    /// Steps reached, by their place in [`Step::ALL`].
    steps: u16,
    pub holds: Vec<Hold>,
}

impl Mark {
    /// A file as it is now. `own` and `peer` are the territories at the two ends.
    #[must_use]
    pub fn of(file: &TradeFile, own: Country, peer: Option<Country>) -> Self {
        let (from, to) = match file.side {
            Side::Export => (Some(own), peer),
            Side::Import => (peer, Some(own)),
        };
        let lane = file.order.as_ref().and_then(|order| {
            let (from, to) = (from?, to?);
            Some(LaneKey { from, to, regime: order.quote.regime })
        });
        let steps = reached(file).iter().enumerate().filter(|(_, at)| at.is_some()).fold(0, |all, (i, _)| all | 1 << i);
        Self { side: file.side, lane, stage: file.stage(), holder: ball(file).holder, steps, holds: holds(file) }
    }

    fn has(&self, place: usize) -> bool {
        self.steps & (1 << place) != 0
    }
}

/// What stops a trade that is not closed, at either end.
fn holds(file: &TradeFile) -> Vec<Hold> {
    if file.closed.is_some() {
        return Vec::new();
    }
    let (export, import) = match file.side {
        Side::Export => (&file.clearance, &file.peer_clearance),
        Side::Import => (&file.peer_clearance, &file.clearance),
    };
    let ends = [(Direction::Export, export, Holder::ExportCustoms), (Direction::Import, import, Holder::ImportCustoms)];
    let hold = |(customs, clearance, desk): (Direction, &Clearance, Holder)| {
        let reason = match clearance {
            Clearance::Held { reasons, .. } => reasons.first().map_or("", |reason| reason.field.code()),
            Clearance::Examining { channel, .. } => channel_reason(*channel),
            _ => return None,
        };
        let stopped = ball::stopped(clearance, desk)?;
        let own = (customs == Direction::Export) == (file.side == Side::Export);
        Some(Hold { customs, own, reason: reason.to_owned(), holder: stopped.holder, since: stopped.since })
    };
    ends.into_iter().filter_map(hold).collect()
}

/// The channel as a reason: an officer looks because the channel says so.
#[must_use]
pub const fn channel_reason(channel: Channel) -> &'static str {
    match channel {
        Channel::Green => "channel-green",
        Channel::Yellow => "channel-yellow",
        Channel::Red => "channel-red",
    }
}

/// The Monday of a day's week: by it lengths of time are kept, so that a year is some fifty of each.
#[must_use]
pub fn week_of(day: Date) -> Date {
    let back = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day)
}

/// One thing to count, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many more (or fewer) trades stand there.
    Stands { side: Side, lane: Option<LaneKey>, stage: Stage, holder: Holder, n: i64 },
    /// A trade reached a step, so long after the last one before it.
    Took { side: Side, lane: LaneKey, step: Step, took: Span },
    /// From its order to the payout.
    Whole { side: Side, lane: LaneKey, took: Span },
    /// So many more (or fewer) are stopped for this since that day.
    Stopped { hold: Hold, n: i64 },
    /// One is no longer stopped, after so long.
    Ended { hold: Hold, took: Span },
}

/// What changed in the counts when a trade became what it is `after`.
#[must_use]
pub fn counts(before: Option<&Mark>, after: &Mark, file: &TradeFile, now: BusinessTime) -> Vec<Count> {
    let mut counts = Vec::new();
    let stands =
        |mark: &Mark, n| Count::Stands { side: mark.side, lane: mark.lane, stage: mark.stage, holder: mark.holder, n };
    let place = |mark: &Mark| (mark.side, mark.lane, mark.stage, mark.holder);
    if before.map(place) != Some(place(after)) {
        counts.extend(before.map(|before| stands(before, -1)));
        counts.push(stands(after, 1));
    }
    took(&mut counts, before, after, file);
    stopped(&mut counts, before, after, now);
    counts
}

/// Steps newly reached. A step that was there before the one in front of it was not waited for: it took
/// no time.
fn took(counts: &mut Vec<Count>, before: Option<&Mark>, after: &Mark, file: &TradeFile) {
    let Some(lane) = after.lane else { return };
    // What came before its lane was known is counted when it is.
    let known = before.filter(|before| before.lane.is_some());
    if known.is_some_and(|before| before.steps == after.steps) {
        return;
    }
    let reached = reached(file);
    let mut last: Option<BusinessTime> = None;
    for (place, (step, at)) in Step::ALL.into_iter().zip(reached).enumerate() {
        let Some(at) = at else { continue };
        if !known.is_some_and(|before| before.has(place)) {
            let took = Span::of(last.map_or(0, |last| at.seconds_since(last)));
            counts.push(Count::Took { side: after.side, lane, step, took });
            if let (Step::PaidOut, Some(ordered)) = (step, reached[0]) {
                counts.push(Count::Whole { side: after.side, lane, took: Span::of(at.seconds_since(ordered)) });
            }
        }
        last = last.max(Some(at));
    }
}

/// What was stopped and is not, and the other way. A hold that changes hands goes on: it ends when
/// customs let go, or found another reason.
fn stopped(counts: &mut Vec<Count>, before: Option<&Mark>, after: &Mark, now: BusinessTime) {
    let was = before.map_or(&[][..], |before| &before.holds);
    for hold in was.iter().filter(|hold| !after.holds.contains(hold)) {
        counts.push(Count::Stopped { hold: hold.clone(), n: -1 });
        if !after.holds.iter().any(|other| other.customs == hold.customs && other.since == hold.since) {
            counts.push(Count::Ended { hold: hold.clone(), took: Span::of(now.seconds_since(hold.since)) });
        }
    }
    for hold in after.holds.iter().filter(|hold| !was.contains(hold)) {
        counts.push(Count::Stopped { hold: hold.clone(), n: 1 });
    }
}

/// A length of time in one of some hundred classes, each at most an eighth wider than the one before:
/// medians of many are found from a few counts, and are off by a sixteenth at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(u16);

impl Span {
    /// The class of a number of seconds; less than none is none.
    #[must_use]
    pub fn of(seconds: i64) -> Self {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        if seconds < 8 {
            return Self(u16::try_from(seconds).unwrap_or(0));
        }
        let octave = seconds.ilog2();
        let eighth = (seconds >> (octave - 3)) & 7;
        Self(u16::try_from(u64::from(octave - 2) * 8 + eighth).unwrap_or(u16::MAX))
    }

    #[must_use]
    pub const fn class(self) -> u16 {
        self.0
    }

    /// A class as it was stored.
    #[must_use]
    pub const fn from_class(class: u16) -> Self {
        Self(class)
    }

    /// The middle of the class, in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        let (octave, eighth) = (self.0.div_euclid(8), i64::from(self.0.rem_euclid(8)));
        if octave == 0 {
            return eighth;
        }
        let width = 1_i64.checked_shl(u32::from(octave) - 1).filter(|width| *width < i64::MAX >> 4);
        width.map_or(i64::MAX, |width| (8 + eighth) * width + width.div_euclid(2))
    }
}

/// How many of what length; what a middle is read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    classes: std::collections::BTreeMap<Span, i64>,
}

impl Spread {
    pub fn add(&mut self, span: Span, n: i64) {
        *self.classes.entry(span).or_insert(0) += n;
    }

    #[must_use]
    pub fn count(&self) -> i64 {
        self.classes.values().sum()
    }

    /// Seconds within which so many per cent were done; `None` of nothing.
    #[must_use]
    pub fn within(&self, per_cent: i64) -> Option<i64> {
        let wanted = (self.count() * per_cent + 99).div_euclid(100);
        let mut passed = 0;
        for (span, n) in &self.classes {
            passed += n;
            if passed >= wanted && *n > 0 {
                return Some(span.seconds());
            }
        }
        None
    }
}

/// How far a seller has come: from sign-up to the second export that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SellerStep {
    Signed,
    Product,
    Ready,
    Quoted,
    Order,
    Exported,
    Paid,
    Repeat,
}

impl SellerStep {
    pub const ALL: [Self; 8] =
        [Self::Signed, Self::Product, Self::Ready, Self::Quoted, Self::Order, Self::Exported, Self::Paid, Self::Repeat];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Product => "product",
            Self::Ready => "ready",
            Self::Quoted => "quoted",
            Self::Order => "order",
            Self::Exported => "exported",
            Self::Paid => "paid",
            Self::Repeat => "repeat",
        }
    }
}

/// When a seller first reached each step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SellerPath([Option<BusinessTime>; 8]);

impl SellerPath {
    /// The seller has come here; whoever is paid again repeats. A later step includes those before it.
    /// What is new, each with the time since the step before.
    pub fn reach(&mut self, step: SellerStep, at: BusinessTime) -> Vec<(SellerStep, Span)> {
        let again = step == SellerStep::Paid && self.0[SellerStep::ALL.len() - 2].is_some();
        let step = if again { SellerStep::Repeat } else { step };
        let mut new = Vec::new();
        let mut last: Option<BusinessTime> = None;
        for (place, earlier) in SellerStep::ALL.into_iter().enumerate().take_while(|(_, earlier)| *earlier <= step) {
            let known = self.0[place];
            if known.is_none() {
                self.0[place] = Some(at);
                new.push((earlier, Span::of(last.map_or(0, |last| at.seconds_since(last)))));
            }
            last = last.max(self.0[place]);
        }
        new
    }

    /// Nothing that this seller does is counted any more.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }
}

#[cfg(test)]
mod tests;
