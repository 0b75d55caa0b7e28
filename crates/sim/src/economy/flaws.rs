//! What goes wrong with trades, at rates that are known, and what came of it.

use trade::replay::{Difference, PastTrade};
use trade::rulebook::{Regime, TradeField};

use crate::random::Random;

/// Parts of this are rates.
pub const RATE_OF: u64 = 10_000;

/// A mistake, a fraud, or a question that the rules cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// The parcel weighs up to 8 % more or less than declared: within the tenth that the packs allow.
    WeightWithin,
    /// It weighs 12 to 60 % more or less.
    WeightOver,
    /// Other pieces are declared than were ordered.
    Pieces,
    /// Another code is declared than was ordered.
    HsCode,
    /// Another origin is declared.
    Origin,
    /// Declared at 20 to 80 % of the price: fraud.
    Undervalued,
    /// Somebody else paid than bought.
    PayerOther,
    /// Paid 1 to 30 % short.
    PaidShort,
    /// The declaration names another waybill.
    WaybillOther,
    /// The waybill bears another delivery reference than the order.
    ConsigneeOther,
    /// A consumer's parcel beside others of the same person on the same day: a consignment split. The rules of a
    /// market that counts the day may refuse to price what the parcel alone would be priced at.
    Split,
    /// The rules have no answer: goods whose rates nobody could say, or an order over a limit.
    Unanswered,
}

impl Flaw {
    pub const ALL: [(&'static str, Self); 12] = [
        ("weight-within", Self::WeightWithin),
        ("weight-over", Self::WeightOver),
        ("pieces", Self::Pieces),
        ("hs-code", Self::HsCode),
        ("origin", Self::Origin),
        ("undervalued", Self::Undervalued),
        ("payer-other", Self::PayerOther),
        ("paid-short", Self::PaidShort),
        ("waybill-other", Self::WaybillOther),
        ("consignee-other", Self::ConsigneeOther),
        ("split", Self::Split),
        ("unanswered", Self::Unanswered),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(code, _)| code)
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|(_, known)| *known == self).unwrap_or(0)
    }
}

/// How often each flaw occurs, in parts of [`RATE_OF`]; each by itself, but that a parcel's weight is wrong in one
/// way only. The defaults are the operator's samples: mistakes of a few in a thousand, as those who file declarations
/// speak of; no source counts them. Of fraud there is one figure, that up to 65 of 100 small parcels into the European
/// Union are thought undervalued; what documents can show of it is far less, and set at 2 of 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaws {
    rates: [u32; Flaw::ALL.len()],
}

impl Default for Flaws {
    fn default() -> Self {
        Self::NONE
            .with(Flaw::WeightWithin, 400)
            .with(Flaw::WeightOver, 80)
            .with(Flaw::Pieces, 40)
            .with(Flaw::HsCode, 120)
            .with(Flaw::Origin, 50)
            .with(Flaw::Undervalued, 200)
            .with(Flaw::PayerOther, 60)
            .with(Flaw::PaidShort, 50)
            .with(Flaw::WaybillOther, 20)
            .with(Flaw::ConsigneeOther, 40)
            .with(Flaw::Split, 100)
            .with(Flaw::Unanswered, 50)
    }
}

impl Flaws {
    /// Everybody does everything right, and the rules know every answer.
    pub const NONE: Self = Self { rates: [0; Flaw::ALL.len()] };

    /// The same with another rate.
    #[must_use]
    pub fn with(mut self, flaw: Flaw, rate: u32) -> Self {
        self.rates[flaw.place()] = rate;
        self
    }

    #[must_use]
    pub fn rate(&self, flaw: Flaw) -> u32 {
        self.rates[flaw.place()]
    }

    /// The first rate that is none.
    pub(super) fn impossible(&self) -> Option<(Flaw, u32)> {
        let most = u32::try_from(RATE_OF).unwrap_or(u32::MAX);
        let of_weight = self.rate(Flaw::WeightWithin).saturating_add(self.rate(Flaw::WeightOver));
        let single = Flaw::ALL.iter().map(|(_, flaw)| (*flaw, self.rate(*flaw))).find(|(_, rate)| *rate > most);
        single.or((of_weight > most).then_some((Flaw::WeightOver, of_weight)))
    }

    pub(super) fn happens(&self, flaw: Flaw, chance: &mut Random) -> bool {
        chance.below(RATE_OF) < u64::from(self.rate(flaw))
    }

    /// Lets the documents of a trade that went well differ.
    pub(super) fn befall(&self, trade: &mut PastTrade, chance: &mut Random) {
        let weight = chance.below(RATE_OF);
        let within = u64::from(self.rate(Flaw::WeightWithin));
        let over = within + u64::from(self.rate(Flaw::WeightOver));
        if weight < within {
            let per_mille = 1 + between(chance, 0, 79);
            trade.differs.push(heavier(trade, per_mille, chance));
        } else if weight < over {
            let per_mille = between(chance, 120, 600);
            trade.differs.push(heavier(trade, per_mille, chance));
        }
        let plain = |field| Difference { field, declared: 0, found: 1 };
        for (flaw, field) in [
            (Flaw::Pieces, TradeField::Pieces),
            (Flaw::HsCode, TradeField::HsCode),
            (Flaw::Origin, TradeField::Origin),
            (Flaw::PayerOther, TradeField::Payer),
            (Flaw::WaybillOther, TradeField::WaybillNumber),
            (Flaw::ConsigneeOther, TradeField::Consignee),
        ] {
            if self.happens(flaw, chance) {
                trade.differs.push(plain(field));
            }
        }
        let goods = goods(trade);
        if self.happens(Flaw::Undervalued, chance) {
            let found = less(goods, between(chance, 200, 800));
            trade.differs.push(Difference { field: TradeField::GoodsValue, declared: goods, found });
        }
        if self.happens(Flaw::PaidShort, chance) {
            // The tax is not known here, so the share stands on what is: goods and freight.
            let due = goods + trade.freight.minor();
            let found = less(due, between(chance, 10, 300));
            trade.differs.push(Difference { field: TradeField::PaidAmount, declared: due, found });
        }
        if trade.regime == Regime::B2cParcel && self.happens(Flaw::Split, chance) {
            let others = (goods * between(chance, 40, 250) / 100).max(1);
            trade.alongside = Some(trade::money::Money::new(others, trade.freight.currency()));
        }
    }
}

fn between(chance: &mut Random, least: i64, most: i64) -> i64 {
    least + i64::try_from(chance.below(u64::try_from(most - least + 1).unwrap_or(1))).unwrap_or(0)
}

/// An amount less so many parts of a thousand, and less at all.
const fn less(amount: i64, per_mille: i64) -> i64 {
    let part = amount / 1_000 * per_mille + amount % 1_000 * per_mille / 1_000;
    amount - if part < 1 { 1 } else { part }
}

fn goods(trade: &PastTrade) -> i64 {
    trade.lines.iter().map(|line| line.value.minor()).sum()
}

/// The weight with its packing, and what the scales showed: more, seven times of ten.
fn heavier(trade: &PastTrade, per_mille: i64, chance: &mut Random) -> Difference {
    let net: i64 = trade.lines.iter().map(|line| line.net.map_or(0, |net| net.0) * line.pieces).sum();
    // a carton of 100 g and a tenth
    let declared = 100 + net + net / 10;
    let apart = (declared * per_mille / 1_000).max(1);
    let found = if chance.below(10) < 7 { declared + apart } else { declared - apart };
    Difference { field: TradeField::GrossWeight, declared, found }
}

/// How many trades a flaw could befall, and how many it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub could: u64,
    pub did: u64,
}

/// What occurred among some trades.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub trades: u64,
    counts: [Count; Flaw::ALL.len()],
}

impl Tally {
    #[must_use]
    pub fn count(&self, flaw: Flaw) -> Count {
        self.counts[flaw.place()]
    }

    /// `answered`: whether the rules have an answer, as [`super::Economy::answers`] says.
    pub(super) fn add(&mut self, trade: &PastTrade, answered: bool) {
        self.trades += 1;
        for (flaw, count) in Flaw::ALL.iter().map(|(_, flaw)| *flaw).zip(&mut self.counts) {
            count.could += u64::from(flaw != Flaw::Split || trade.regime == Regime::B2cParcel);
            count.did += u64::from(if flaw == Flaw::Unanswered { !answered } else { shows(trade, flaw) });
        }
    }

    /// Adds what occurred among others.
    pub fn join(&mut self, others: &Self) {
        self.trades += others.trades;
        for (count, other) in self.counts.iter_mut().zip(&others.counts) {
            count.could += other.could;
            count.did += other.did;
        }
    }
}

/// Whether a trade shows a flaw.
fn shows(trade: &PastTrade, flaw: Flaw) -> bool {
    let differs = |field| trade.differs.iter().find(move |difference| difference.field == field);
    let weight = |over: bool| {
        let is_over = |d: &Difference| (d.found - d.declared).abs() * 10 > d.declared;
        differs(TradeField::GrossWeight).is_some_and(|d| is_over(d) == over)
    };
    match flaw {
        Flaw::WeightWithin => weight(false),
        Flaw::WeightOver => weight(true),
        Flaw::Pieces => differs(TradeField::Pieces).is_some(),
        Flaw::HsCode => differs(TradeField::HsCode).is_some(),
        Flaw::Origin => differs(TradeField::Origin).is_some(),
        Flaw::Undervalued => differs(TradeField::GoodsValue).is_some(),
        Flaw::PayerOther => differs(TradeField::Payer).is_some(),
        Flaw::PaidShort => differs(TradeField::PaidAmount).is_some(),
        Flaw::WaybillOther => differs(TradeField::WaybillNumber).is_some(),
        Flaw::ConsigneeOther => differs(TradeField::Consignee).is_some(),
        Flaw::Split => trade.alongside.is_some(),
        Flaw::Unanswered => false,
    }
}
