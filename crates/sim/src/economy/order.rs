//! What is ordered: kinds of goods, pieces, values and freight, drawn until the rules have an answer.

use trade::codes::Country;
use trade::rulebook::{Mode, Regime};

use super::answers::{Amounts, Answers, MODES};
use super::firms::Firm;
use super::goods::{business_freight, minor, parcel_freight};
use super::{Economy, RATE_OF, REGIMES, Route, at, lanes};
use crate::random::Random;

/// The most lines of an order here.
const LINES: usize = 6;

#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub kind: usize,
    pub pieces: i64,
    /// Of all pieces together, in minor units of the market.
    pub value: i64,
    pub origin: Country,
}

/// An order that is not yet a trade: no memory is asked for until it is known to be one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    lines: [Line; LINES],
    count: usize,
    pub freight: i64,
}

impl Order {
    pub fn lines(&self) -> &[Line] {
        &self.lines[..self.count]
    }

    pub fn goods(&self) -> i64 {
        self.lines().iter().map(|line| line.value).sum()
    }
}

impl Economy {
    /// An order of what the firm sells, at its prices; after a few draws that the rules have no answer to, of
    /// anything that they have one to.
    pub(super) fn order(&self, firm: &Firm, route: &Route, chance: &mut Random) -> Order {
        let is_parcel = REGIMES[route.regime] == Regime::B2cParcel;
        for _ in 0..5 {
            let count = match (is_parcel, chance.below(10)) {
                (true, 0..7) => 1,
                (true, 7..9) => 2,
                (true, _) => 3,
                (false, drawn) => 1 + at(drawn) / 2,
            };
            let mut order = self.drawn_order(firm, route, count, chance);
            if is_parcel && chance.below(RATE_OF) < self.near_threshold {
                self.move_near(&mut order, route, chance);
            }
            if self.is_priced(&order, route) {
                return order;
            }
        }
        let kinds = self.goods.kinds.len();
        let from = at(chance.below(u64::try_from(kinds).unwrap_or(1)));
        let mut order = self.drawn_order(firm, route, 1, chance);
        for kind in (from..kinds).chain(0..from) {
            let line = &mut order.lines[0];
            line.kind = kind;
            line.pieces = 1;
            line.value = self.piece(kind, 100, route);
            order.freight = self.freight(firm, route, order.lines());
            if self.is_priced(&order, route) {
                return order;
            }
        }
        self.sent_free(&order, route, from)
    }

    /// An order that the rules have no answer to: one kind of goods, dearer than every threshold, several pieces.
    pub(super) fn unanswered(&self, firm: &Firm, route: &Route, chance: &mut Random) -> Order {
        let mut order = self.drawn_order(firm, route, 1, chance);
        let Some(answers) = self.answers_on(route) else { return order };
        let kinds = self.goods.kinds.len();
        let from = at(chance.below(u64::try_from(kinds).unwrap_or(1)));
        let own = firm.goods().iter().copied().find(|kind| answers.is_silent(route.variant, *kind));
        let any = (from..kinds).chain(0..from).find(|kind| answers.is_silent(route.variant, *kind));
        let kind = own.or(any).unwrap_or(from);
        let over = answers.thresholds.last().map_or(0, |most| most / 20 * 21 + 1);
        let pieces = 2 + i64::try_from(chance.below(3)).unwrap_or(0);
        let each = self.piece(kind, firm.level, route).max(over);
        order.lines[0] = Line { kind, pieces, value: each * pieces, ..order.lines[0] };
        order.freight = self.freight(firm, route, order.lines());
        order
    }

    fn answers_on(&self, route: &Route) -> Option<&Answers> {
        self.markets[route.market].answers[route.regime].as_ref()
    }

    fn is_priced(&self, order: &Order, route: &Route) -> bool {
        let Some(answers) = self.answers_on(route) else { return false };
        let goods = order.goods();
        let with_freight = goods + order.freight;
        let line = |line: &Line| {
            let amounts = Amounts { item: line.value / line.pieces, goods, with_freight };
            answers.prices(route.variant, line.kind, amounts)
        };
        answers.annual.is_none_or(|annual| with_freight <= annual) && order.lines().iter().all(line)
    }

    /// What a piece costs in the market, in minor units.
    fn piece(&self, kind: usize, percent: i64, route: &Route) -> i64 {
        minor(self.goods.kinds[kind].cents * percent / 100, self.markets[route.market].per_cent)
    }

    fn drawn_order(&self, firm: &Firm, route: &Route, count: usize, chance: &mut Random) -> Order {
        let is_parcel = REGIMES[route.regime] == Regime::B2cParcel;
        let count = count.clamp(1, LINES);
        let blank = Line { kind: 0, pieces: 1, value: 1, origin: route.from };
        let mut order = Order { lines: [blank; LINES], count, freight: 0 };
        for line in &mut order.lines[..count] {
            line.kind = *chance.pick(firm.goods());
            let drawn = i64::try_from(chance.below(64)).unwrap_or(0);
            line.pieces = match (is_parcel, drawn) {
                (true, 0..48) => 1,
                (true, 48..60) => 2,
                (true, _) => drawn - 57,
                // 10 to 100, one of eight times 200 to 1,460
                (false, 0..56) => 10 + drawn * 90 / 55,
                (false, _) => 200 + (drawn - 56) * 180,
            };
            // Each kind has cheap and dear articles: 60 to 123 % of the middle; a business buys at two thirds.
            let spread = 60 + i64::try_from(chance.below(64)).unwrap_or(0);
            let percent = firm.level * spread / if is_parcel { 100 } else { 150 };
            line.value = self.piece(line.kind, percent, route) * line.pieces;
        }
        order.freight = self.freight(firm, route, order.lines());
        order
    }

    /// In minor units of the market.
    fn freight(&self, firm: &Firm, route: &Route, lines: &[Line]) -> i64 {
        let market = &self.markets[route.market];
        let net: i64 = lines.iter().map(|line| self.goods.kinds[line.kind].grams * line.pieces).sum();
        let grams = net + net / 10;
        let near = lanes::near(route.from, market.to);
        let mode = MODES[route.mode];
        let cents = match REGIMES[route.regime] {
            Regime::B2cParcel if firm.sends_free => return 0,
            Regime::B2cParcel if mode == Mode::Sea => parcel_freight(near, grams) / 2,
            Regime::B2cParcel => parcel_freight(near, grams),
            _ => business_freight(near, matches!(mode, Mode::Sea | Mode::Road), grams),
        };
        minor(cents, market.per_cent)
    }

    /// Makes the goods worth 85 to 115 % of an amount at which rules change, where that is not far from what they
    /// are worth.
    fn move_near(&self, order: &mut Order, route: &Route, chance: &mut Random) {
        let Some(answers) = self.answers_on(route) else { return };
        let drawn = chance.draw();
        let percent = 85 + i64::try_from(chance.below(31)).unwrap_or(15);
        let goods = order.goods();
        let within = |amount: &&i64| (goods / 8..=goods.saturating_mul(8)).contains(*amount);
        let count = u64::try_from(answers.thresholds.iter().filter(within).count()).unwrap_or(0);
        if count == 0 {
            return;
        }
        let Some(threshold) = answers.thresholds.iter().filter(within).nth(at(drawn % count)) else { return };
        let target = threshold / 100 * percent + threshold % 100 * percent / 100;
        for line in &mut order.lines[..order.count] {
            let worth = i128::from(line.value) * i128::from(target) / i128::from(goods);
            let each = i64::try_from(worth).unwrap_or(line.value) / line.pieces;
            line.value = each.max(1) * line.pieces;
        }
    }

    /// One piece at its usual price, sent free: where nothing of this kind has an answer, no trade goes.
    fn sent_free(&self, order: &Order, route: &Route, from: usize) -> Order {
        let mut order = Order { freight: 0, ..*order };
        let kinds = self.goods.kinds.len();
        for kind in (from..kinds).chain(0..from) {
            order.lines[0] = Line { kind, pieces: 1, value: self.piece(kind, 100, route), ..order.lines[0] };
            if self.is_priced(&order, route) {
                break;
            }
        }
        order
    }
}
