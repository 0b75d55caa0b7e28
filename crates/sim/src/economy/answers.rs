//! What the rules of a market answer, found out by asking them once for every kind of goods.
//!
//! Whether there is an answer changes only where an amount crosses a threshold, on the days on which rules
//! change, and by member state, origin and way of transport where the rules look at them. So one question for
//! each side of each threshold stands for all amounts on that side.

use std::collections::BTreeSet;

use jiff::civil::Date;
use trade::codes::Country;
use trade::exchange::Exchange;
use trade::landed_cost::{LandedCostAsk, landed_cost};
use trade::money::Money;
use trade::rulebook::{LimitScope, Mode, Regime, RuleKind, Rulebook, Stance, When};

use super::goods::{Kind, minor};

/// By what goods go here.
pub(super) const MODES: [Mode; 4] = [Mode::Air, Mode::Post, Mode::Sea, Mode::Road];

/// So near to a threshold, in parts of a thousand of it, both sides must answer.
const NEAR: i64 = 2;

/// What the rules of one market say under one regime.
#[derive(Debug)]
pub(super) struct Answers {
    /// In minor units of the market, sorted.
    pub thresholds: Vec<i64>,
    /// The most that a person may import in a year, where the regime has such a limit.
    pub annual: Option<i64>,
    /// Which stretch of unchanging rules each day lies in.
    stretches: Vec<usize>,
    members: usize,
    /// Empty where the rules do not look at the origin.
    origins: Vec<Country>,
    /// Whether they look at the way of transport.
    by_mode: bool,
    kinds: usize,
    /// Words of bits for one kind of goods: one bit for each way in which the values of a piece, the goods, and
    /// goods with freight lie to the thresholds.
    words: usize,
    /// By stretch, member, origin, mode and kind.
    priced: Vec<u64>,
    /// In the same order: whether goods dearer than every threshold have no answer, one piece or two.
    silent: Vec<bool>,
    /// By stretch, member, origin and mode: how many kinds have an answer at their usual price, sent free, and how many
    /// none when dear.
    open: Vec<(usize, usize)>,
}

/// One question's place: the day's rules, where goods go and come from, by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant(usize);

/// What an order comes to, as thresholds count it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amounts {
    /// The value of one piece.
    pub item: i64,
    pub goods: i64,
    pub with_freight: i64,
}

impl Answers {
    /// Asks the rules; none where they do not know the regime at all.
    pub fn of(
        book: &Rulebook,
        regime: Regime,
        days: &[Date],
        origins: &[Country],
        (kinds, per_cent): (&[Kind], i64),
    ) -> Option<Self> {
        if !book.bases.iter().any(|base| base.regime == regime) {
            return None;
        }
        let conditions: Vec<&When> = conditions(book, regime).collect();
        let by_origin = conditions.iter().any(|when| !when.origins.is_empty() || !when.origins_out.is_empty());
        let starts = starts(book, days);
        let stretches = days.iter().map(|day| starts.partition_point(|start| start <= day).saturating_sub(1));
        let annual = |limit: &&trade::rulebook::Limit| limit.regime == regime && limit.scope == LimitScope::PersonYear;
        let thresholds = thresholds(book, regime, &conditions);
        let sides = thresholds.len() + 1;
        let mut answers = Self {
            annual: book.limits.iter().find(annual).map(|limit| limit.amount.minor()),
            stretches: stretches.collect(),
            members: book.members.len().max(1),
            origins: if by_origin { origins.to_vec() } else { Vec::new() },
            by_mode: conditions.iter().any(|when| !when.modes.is_empty()),
            kinds: kinds.len(),
            words: (sides * sides * sides).div_ceil(64),
            thresholds,
            priced: Vec::new(),
            silent: Vec::new(),
            open: Vec::new(),
        };
        let probes = answers.probes();
        let members: Vec<Option<Country>> =
            if book.members.is_empty() { vec![None] } else { book.members.iter().copied().map(Some).collect() };
        let made_in = if by_origin { origins } else { &origins[..1] };
        let modes = if answers.by_mode { &MODES[..] } else { &MODES[..1] };
        for date in starts {
            for member in &members {
                for origin in made_in {
                    for mode in modes {
                        let asked = Asked { book, regime, date, member: *member, origin: *origin, mode: *mode };
                        answers.ask(&asked, (kinds, per_cent), &probes);
                    }
                }
            }
        }
        Some(answers)
    }

    /// Where a question of that day has its answer. `member`, `origin` and `mode` are places in their lists.
    pub fn variant(&self, day: usize, member: usize, origin: Country, mode: usize) -> Option<Variant> {
        let (origins, origin) = match self.origins.len() {
            0 => (1, 0),
            many => (many, self.origins.iter().position(|known| *known == origin)?),
        };
        let (modes, mode) = if self.by_mode { (MODES.len(), mode) } else { (1, 0) };
        let stretch = self.stretches.get(day)?;
        let place = ((stretch * self.members + member) * origins + origin) * modes + mode;
        (member < self.members).then_some(Variant(place))
    }

    /// The first day of each stretch of unchanging rules, by its place.
    pub fn first_days(&self) -> impl Iterator<Item = usize> {
        let days = self.stretches.iter().enumerate();
        days.filter(|(day, stretch)| *day == 0 || self.stretches[day - 1] != **stretch).map(|(day, _)| day)
    }

    /// How many questions about cheap goods and about dear ones have an answer on a day, and how many there are.
    pub fn share(&self, day: usize) -> (usize, usize, usize) {
        let ways = self.members * self.origins.len().max(1) * if self.by_mode { MODES.len() } else { 1 };
        let from = self.stretches[day] * ways;
        let top = self.thresholds.len();
        let dearest = self.bit(top, top, top);
        let cells = (from * self.kinds..(from + ways) * self.kinds).map(|cell| &self.priced[cell * self.words..]);
        let (mut cheap, mut dear) = (0, 0);
        for bits in cells {
            cheap += usize::from(bits[0] & 1 == 1);
            dear += usize::from(bits[dearest / 64] >> (dearest % 64) & 1 == 1);
        }
        (cheap, dear, ways * self.kinds)
    }

    /// How many kinds of goods have an answer at their usual price, sent free.
    pub fn open(&self, variant: Variant) -> usize {
        self.open[variant.0].0
    }

    /// How many have none when they are dear.
    pub fn silences(&self, variant: Variant) -> usize {
        self.open[variant.0].1
    }

    /// Whether goods that are dearer than every threshold have no answer.
    pub fn is_silent(&self, variant: Variant, kind: usize) -> bool {
        self.silent[variant.0 * self.kinds + kind]
    }

    /// Whether such an order has a price. Near a threshold both sides must have one.
    pub fn prices(&self, variant: Variant, kind: usize, amounts: Amounts) -> bool {
        let [item, goods, with_freight] = [amounts.item, amounts.goods, amounts.with_freight]
            .map(|amount| (self.side(amount, -NEAR), self.side(amount, NEAR)));
        let from = (variant.0 * self.kinds + kind) * self.words;
        let bits = &self.priced[from..from + self.words];
        let mut all = true;
        for a in item.0..=item.1 {
            for b in goods.0.max(a)..=goods.1 {
                for c in with_freight.0.max(b)..=with_freight.1 {
                    let bit = self.bit(a, b, c);
                    all &= bits[bit / 64] >> (bit % 64) & 1 == 1;
                }
            }
        }
        all
    }

    /// How many thresholds an amount is over, after it is moved by so many parts of a thousand.
    fn side(&self, amount: i64, per_mille: i64) -> usize {
        self.thresholds.iter().filter(|threshold| amount * (1_000 + per_mille) > **threshold * 1_000).count()
    }

    fn bit(&self, item: usize, goods: usize, with_freight: usize) -> usize {
        let sides = self.thresholds.len() + 1;
        (item * sides + goods) * sides + with_freight
    }

    /// Orders of one line, one for every way to lie to the thresholds that can be.
    fn probes(&self) -> Vec<Probe> {
        let top = self.thresholds.len();
        let middle =
            |side: usize| match (side.checked_sub(1).map(|below| self.thresholds[below]), self.thresholds.get(side)) {
                (None, None) => 10_000,
                (None, Some(above)) => above / 2,
                (Some(below), None) => below * 2,
                (Some(below), Some(above)) => below.midpoint(*above),
            };
        let mut probes = Vec::new();
        for a in 0..=top {
            for b in a..=top {
                for c in b..=top {
                    let (pieces, item) = match a == b {
                        true => (1, middle(a)),
                        // So many that one piece is just cheap enough.
                        false => {
                            let most = self.thresholds[a] * 98 / 100;
                            let pieces = middle(b) / most.max(1) + 1;
                            (pieces, middle(b) / pieces)
                        }
                    };
                    let goods = item * pieces;
                    let freight = if b == c { goods / 100 } else { middle(c) - goods };
                    let probe = Probe { bit: self.bit(a, b, c), pieces, goods, freight, dear: a == top };
                    let lies = [(item, a), (goods, b), (goods + freight, c)];
                    let clear = |(amount, side)| self.side(amount, -NEAR) == side && self.side(amount, NEAR) == side;
                    if item > 0 && lies.into_iter().all(clear) {
                        probes.push(probe);
                    }
                }
            }
        }
        probes
    }

    /// Asks one variant for all kinds of goods.
    fn ask(&mut self, asked: &Asked<'_>, (kinds, per_cent): (&[Kind], i64), probes: &[Probe]) {
        let mut open = (0, 0);
        let known = asked.book.planned(asked.regime, asked.date).is_ok();
        for kind in kinds {
            let mut bits = vec![0_u64; self.words];
            let mut silent = true;
            for probe in probes.iter().filter(|_| known) {
                let mut priced = asked.prices(kind, probe, probe.pieces, probe.goods);
                if probe.pieces == 1 {
                    // What passes as one piece need not pass as two: of the same price where that is dear, of half.
                    let goods = if probe.dear { probe.goods * 2 } else { probe.goods };
                    if self.side(goods / 2, 0) == self.side(probe.goods, 0) {
                        let two = asked.prices(kind, probe, 2, goods);
                        silent &= !probe.dear || !(priced || two);
                        priced &= two;
                    }
                }
                if priced {
                    bits[probe.bit / 64] |= 1 << (probe.bit % 64);
                }
            }
            open.1 += usize::from(silent);
            self.priced.extend(bits);
            self.silent.push(silent);
        }
        let variant = Variant(self.open.len());
        let usual = |(place, kind): &(usize, &Kind)| {
            let price = minor(kind.cents, per_cent);
            self.prices(variant, *place, Amounts { item: price, goods: price, with_freight: price })
        };
        open.0 = kinds.iter().enumerate().filter(usual).count();
        self.open.push(open);
    }
}

/// Where a question is asked.
struct Asked<'a> {
    book: &'a Rulebook,
    regime: Regime,
    date: Date,
    member: Option<Country>,
    origin: Country,
    mode: Mode,
}

impl Asked<'_> {
    fn prices(&self, kind: &Kind, probe: &Probe, pieces: i64, goods: i64) -> bool {
        let money = |minor| Money::new(minor, self.book.currency);
        let lines = [kind.line(pieces, money(goods), self.origin)];
        let ask = LandedCostAsk {
            member: self.member,
            mode: self.mode,
            ..LandedCostAsk::new(self.date, self.regime, &lines, money(probe.freight), &Stance::Sandbox)
        };
        landed_cost(self.book, &ask).is_ok()
    }
}

/// A question for one kind of goods.
struct Probe {
    bit: usize,
    pieces: i64,
    goods: i64,
    freight: i64,
    /// Every amount is over every threshold.
    dear: bool,
}

/// All conditions of what is charged and relieved under a regime.
fn conditions(book: &Rulebook, regime: Regime) -> impl Iterator<Item = &When> {
    let charges = book.charges.iter().filter(move |charge| charge.regime == regime).map(|charge| &charge.when);
    let reliefs = book.reliefs.iter().filter(move |relief| relief.regime == regime).map(|relief| &relief.when);
    charges.chain(reliefs)
}

/// Every amount that something changes at, in the market's currency.
fn thresholds(book: &Rulebook, regime: Regime, conditions: &[&When]) -> Vec<i64> {
    let exchange = Exchange::new(book.exchange.iter().map(|rule| rule.rate.clone()).collect());
    let stated = conditions.iter().flat_map(|when| &when.values).map(|value| value.amount);
    let limits = book.limits.iter().filter(|limit| limit.regime == regime && limit.scope == LimitScope::Order);
    let all =
        stated.chain(limits.map(|limit| limit.amount)).filter_map(|amount| exchange.convert(amount, book.currency));
    let sorted: BTreeSet<i64> = all.map(Money::minor).filter(|minor| *minor > 0).collect();
    sorted.into_iter().collect()
}

/// The days on which what is charged changes, and the first.
fn starts(book: &Rulebook, days: &[Date]) -> Vec<Date> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Vec::new() };
    let prices = |kind: RuleKind| {
        use RuleKind::{Charge, ConsumptionTax, Exchange, Limit, PositiveList, RateTable, Relief, Tariff, TaxBase};
        matches!(
            kind,
            Charge | ConsumptionTax | Exchange | Limit | PositiveList | RateTable | Relief | Tariff | TaxBase
        )
    };
    let mut starts = BTreeSet::from([*first]);
    for rule in book.rules().filter(|rule| prices(rule.kind)) {
        let after = rule.valid_to.and_then(|to| to.tomorrow().ok());
        starts.extend([Some(rule.valid_from), after].into_iter().flatten().filter(|day| day > first && day <= last));
    }
    starts.into_iter().collect()
}

/// The place of what is wanted in a list; the first where the list is empty and nothing is.
pub(super) fn place_of(list: &[Country], wanted: Option<Country>) -> Option<usize> {
    match wanted {
        None => Some(0).filter(|_| list.is_empty()),
        Some(wanted) => list.iter().position(|known| *known == wanted),
    }
}

/// The place of a way of transport.
pub(super) fn mode_place(mode: Mode) -> Option<usize> {
    MODES.iter().position(|known| *known == mode)
}
