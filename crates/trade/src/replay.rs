//! The wind tunnel: past trades under another law, before it is enacted.
//!
//! Each trade is priced, matched and put into its channel twice, by the very rules that a hub goes by: under
//! the law as it was, and under the law as somebody would have it. What differs is counted ([`Counts`]), and
//! behind each number stand the trades that it counts ([`Figure`]). Nothing here is drawn or rounded anew: the
//! same trades and laws give the same numbers in whatever order and on however many threads.

mod counts;
mod figure;
mod past;
mod report;
mod run;

use jiff::civil::Date;
use serde::Serialize;

pub use counts::{Counts, Group, Two};
pub use figure::{Figure, NotAFigure, Part};
pub use past::{Difference, PastTrade, PastTrades, Sample, SampleTrades, SellerSize, seller_number};
pub use report::{Count, GroupTold, LawTold, Report, Revenue, Winners};
pub use run::{Behind, ReplayFault, replay};

use crate::channel::{ChannelFacts, channel_drawn_by};
use crate::landed_cost::{LandedCost, LandedCostAsk, LandedCostRefusal, landed_cost};
use crate::rulebook::{Channel, Direction, RuleId, Rulebook, Stance, TradeField};

/// The rules of a territory, on the day of each trade or all on one.
#[derive(Clone, Copy, Debug)]
pub struct Law<'a> {
    pub book: &'a Rulebook,
    /// The day whose law holds for every trade; none is each trade's own.
    pub on: Option<Date>,
}

/// Two laws of one territory, under which the same trades go.
#[derive(Clone, Copy, Debug)]
pub struct WindTunnel<'a> {
    pub was: Law<'a>,
    pub is: Law<'a>,
    pub stance: &'a Stance,
}

/// A trade under both laws.
#[derive(Debug, Serialize)]
pub struct Flight<'t> {
    pub trade: &'t PastTrade,
    pub was: Answer,
    pub is: Answer,
}

/// What a law says of a trade.
#[derive(Debug, Serialize)]
pub struct Answer {
    #[serde(flatten)]
    pub cost: Result<LandedCost, LandedCostRefusal>,
    pub checked: Checked,
}

/// How the importing customs take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "checked", rename_all = "kebab-case")]
pub enum Checked {
    /// The documents agree, and no risk rule is met.
    AtOnce,
    /// Held until somebody mends these fields.
    Held {
        fields: Vec<TradeField>,
    },
    Examined {
        channel: Channel,
        rule: Option<RuleId>,
    },
    /// The pack has no rules on matching and risk.
    NotRuled,
    /// It is not sold, so it does not come.
    NotSold,
}

impl Checked {
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::Held { .. } => "held",
            Self::Examined { channel: Channel::Red, .. } => "red",
            Self::Examined { .. } => "yellow",
            Self::NotRuled => "not-ruled",
            Self::NotSold => "not-sold",
        }
    }

    /// In the order in which they are shown.
    pub const CODES: [&'static str; 6] = ["at-once", "yellow", "red", "held", "not-ruled", "not-sold"];
}

impl Answer {
    /// Every duty, tax and fee, in minor units; 0 where it is not sold.
    #[must_use]
    pub fn tax(&self) -> i64 {
        self.cost.as_ref().map_or(0, |cost| cost.tax.minor())
    }

    /// The code of its refusal: `over-single-limit`.
    #[must_use]
    pub fn refused(&self) -> Option<String> {
        let refusal = self.cost.as_ref().err()?;
        let value = serde_json::to_value(refusal).ok()?;
        value.get("code").and_then(serde_json::Value::as_str).map(str::to_owned)
    }
}

impl<'a> WindTunnel<'a> {
    /// What both laws say of a trade; none of one that goes to another territory.
    #[must_use]
    pub fn fly<'t>(&self, trade: &'t PastTrade) -> Option<Flight<'t>> {
        if trade.to != self.was.book.territory {
            return None;
        }
        Some(Flight { trade, was: self.answer(&self.was, trade), is: self.answer(&self.is, trade) })
    }

    fn answer(&self, law: &Law<'a>, trade: &PastTrade) -> Answer {
        let date = law.on.unwrap_or(trade.date);
        let ask = LandedCostAsk {
            year_used: trade.year_used,
            mode: trade.mode,
            member: trade.member,
            alongside: trade.alongside,
            ..LandedCostAsk::new(date, trade.regime, &trade.lines, trade.freight, self.stance)
        };
        let cost = landed_cost(law.book, &ask);
        let checked = match &cost {
            Ok(cost) => self.checked(law.book, date, trade, cost),
            Err(_) => Checked::NotSold,
        };
        Answer { cost, checked }
    }

    fn checked(&self, book: &Rulebook, date: Date, trade: &PastTrade, cost: &LandedCost) -> Checked {
        if !book.runs_a_hub {
            return Checked::NotRuled;
        }
        let apart = |d: &&Difference| !book.tolerance(d.field).allows(d.declared, d.found);
        let fields: Vec<TradeField> = trade.differs.iter().filter(apart).map(|d| d.field).collect();
        if !fields.is_empty() {
            return Checked::Held { fields };
        }
        let hs: Vec<_> = trade.lines.iter().map(|line| line.hs.clone()).collect();
        let facts = ChannelFacts {
            regime: trade.regime,
            direction: Direction::Import,
            hs: &hs,
            goods: cost.goods,
            goods_and_freight: cost.goods.plus(cost.freight).unwrap_or(cost.goods),
            trade: &trade.id,
            date,
        };
        // Both laws draw by the same lot, so that what chance does is not taken for what the draft does.
        match channel_drawn_by(book, &self.was.book.digest, &facts) {
            Ok(decision) if decision.channel == Channel::Green => Checked::AtOnce,
            Ok(decision) => Checked::Examined { channel: decision.channel, rule: decision.rule },
            Err(_) => Checked::Examined { channel: Channel::Red, rule: None },
        }
    }
}

impl Flight<'_> {
    /// By how much the buyer pays more under the draft, in minor units; none where it is not sold under both.
    #[must_use]
    pub fn dearer_by(&self) -> Option<i64> {
        (self.was.cost.is_ok() && self.is.cost.is_ok()).then(|| self.is.tax() - self.was.tax())
    }
}

#[cfg(test)]
mod tests;
