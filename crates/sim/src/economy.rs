//! An economy of past trades, of any number, from a seed: what the wind tunnel is blown through.
//!
//! Firms of many sizes sell to all markets that there are rules for, on days as full as days are, with mistakes
//! and fraud at known rates. Each trade follows from the seed and its number alone, so any of them can be had
//! without those before it, by as many threads as there are, and nothing is kept of what was made.
//!
//! Prices, weights, freight, rates of exchange, and shares of homes, markets and days are samples of the operator.
//! What goods a market can be asked for is not: the rules are asked, once, before the first trade.

mod answers;
mod calendar;
mod firms;
mod flaws;
mod goods;
mod lanes;
mod order;
mod source;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trade::codes::Country;
use trade::money::{Currency, Money};
use trade::replay::PastTrade;
use trade::rulebook::{Mode, Regime, Rulebooks};

use crate::random::Random;
use answers::{Amounts, Answers, MODES, Variant};
use calendar::Calendar;
use firms::{Firm, Homes, Sizes, weighted};
pub use flaws::{Count, Flaw, Flaws, RATE_OF, Tally};
use goods::AllGoods;
use order::Order;
pub use source::Lender;

/// How many trades a chunk has.
pub const CHUNK: u64 = 4_096;
/// More firms than this are not told apart: their table is what the economy holds in memory.
pub const MOST_FIRMS: u64 = 200_000;
/// The longest stretch of time: ten years.
pub const MOST_DAYS: usize = 3_653;

/// The regimes that trades are made under: those that packs rule today.
const REGIMES: [Regime; 2] = [Regime::B2cParcel, Regime::B2b];

/// What an economy shall be like.
#[derive(Clone, Debug)]
pub struct EconomyOptions {
    pub seed: u64,
    /// How many trades there are; a firm's size follows from it.
    pub trades: u64,
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// One for 25 trades, where none is said; [`MOST_FIRMS`] at most.
    pub firms: Option<u64>,
    /// Where goods go; to every territory of the packs, where none is named.
    pub markets: Vec<Country>,
    /// How many of 10,000 parcels of consumers are worth 85 to 115 % of an amount at which rules change.
    pub near_threshold: u32,
    pub flaws: Flaws,
}

impl EconomyOptions {
    /// The year 2026, in all markets, with the flaws of the default.
    #[must_use]
    pub fn new(seed: u64, trades: u64) -> Self {
        Self {
            seed,
            trades,
            from: Date::constant(2026, 1, 1),
            to: Date::constant(2026, 12, 31),
            firms: None,
            markets: Vec::new(),
            near_threshold: 1_200,
            flaws: Flaws::default(),
        }
    }
}

/// Why there is no such economy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EconomyRefusal {
    NoTrades,
    NoFirms,
    DatesReversed {
        from: Date,
        to: Date,
    },
    TooManyDays {
        days: usize,
        most: usize,
    },
    /// No pack rules the imports of this territory.
    NoSuchMarket {
        market: Country,
    },
    /// No sample rate of exchange is known for what the territory taxes in.
    NoSampleRate {
        market: Country,
        currency: Currency,
    },
    RateOutOfRange {
        flaw: String,
        rate: u32,
        most: u64,
    },
    /// No market has a price for any goods on any day.
    NothingAnswers,
}

/// Where goods go.
#[derive(Debug)]
struct Market {
    to: Country,
    currency: Currency,
    /// Minor units for a US cent, in millionths.
    per_cent: i64,
    members: Vec<Country>,
    /// How many buy in each member state.
    buyers: Vec<u64>,
    calendar: Calendar,
    /// By regime, in the order of [`REGIMES`].
    answers: [Option<Answers>; REGIMES.len()],
}

impl Market {
    /// Whether a firm there would not export to it.
    fn is_home_of(&self, country: Country) -> bool {
        self.to == country || self.members.contains(&country)
    }
}

/// Where a trade goes, by the places of things in their lists.
#[derive(Clone, Copy, Debug)]
struct Route {
    market: usize,
    regime: usize,
    member: usize,
    day: usize,
    from: Country,
    mode: usize,
    variant: Variant,
}

/// How much of all goods a market has a price for, in parts of a thousand: over all origins, ways and members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub market: Country,
    pub regime: Regime,
    /// The first day of a stretch on which what is charged does not change.
    pub from: Date,
    /// Below every amount at which rules change.
    pub cheap: usize,
    /// Above all of them.
    pub dear: usize,
}

/// Past trades by their number.
#[derive(Debug)]
pub struct Economy {
    seed: u64,
    trades: u64,
    near_threshold: u64,
    flaws: Flaws,
    days: Vec<Date>,
    goods: AllGoods,
    markets: Vec<Market>,
    homes: Homes,
    sizes: Sizes,
    /// By market, a route into each place where something has a price; markets where nothing has are left out.
    open: Vec<Vec<Route>>,
    /// The same of places where something has none.
    silent: Vec<Vec<Route>>,
}

impl Economy {
    /// Asks the rules what they answer, which takes a second or so; everything after it is quick.
    ///
    /// # Errors
    /// The first of the options that cannot be, with its value.
    pub fn new(books: &Rulebooks, options: &EconomyOptions) -> Result<Self, EconomyRefusal> {
        let days = days(options)?;
        if let Some((flaw, rate)) = options.flaws.impossible() {
            return Err(EconomyRefusal::RateOutOfRange { flaw: flaw.code().to_owned(), rate, most: RATE_OF });
        }
        if u64::from(options.near_threshold) > RATE_OF {
            let (flaw, rate) = ("near-threshold".to_owned(), options.near_threshold);
            return Err(EconomyRefusal::RateOutOfRange { flaw, rate, most: RATE_OF });
        }
        let firms = options.firms.unwrap_or(options.trades / 25).clamp(u64::from(options.firms.is_none()), MOST_FIRMS);
        match (options.trades, firms) {
            (0, _) => return Err(EconomyRefusal::NoTrades),
            (_, 0) => return Err(EconomyRefusal::NoFirms),
            _ => {}
        }
        let goods = AllGoods::of(books);
        let markets = markets(books, options, &days, &goods)?;
        let homes = Homes::new(&markets, &goods.chapters);
        let mut economy = Self {
            seed: options.seed,
            trades: options.trades,
            near_threshold: u64::from(options.near_threshold),
            flaws: options.flaws.clone(),
            sizes: Sizes::new(options.trades, firms, u64::try_from(days.len()).unwrap_or(1)),
            days,
            goods,
            markets,
            homes,
            open: Vec::new(),
            silent: Vec::new(),
        };
        economy.open = economy.all_routes(|answers, variant| answers.open(variant) > 0);
        economy.silent = economy.all_routes(|answers, variant| answers.silences(variant) > 0);
        if economy.open.is_empty() { Err(EconomyRefusal::NothingAnswers) } else { Ok(economy) }
    }

    /// How many trades there are.
    #[must_use]
    pub const fn trades(&self) -> u64 {
        self.trades
    }

    /// How many chunks they make.
    #[must_use]
    pub const fn chunks(&self) -> u64 {
        self.trades.div_ceil(CHUNK)
    }

    /// The rates at which trades go wrong.
    #[must_use]
    pub const fn flaws(&self) -> &Flaws {
        &self.flaws
    }

    /// Whether the rules were found to leave some question open, so that [`Flaw::Unanswered`] can occur at all.
    #[must_use]
    pub fn has_silence(&self) -> bool {
        !self.silent.is_empty()
    }

    /// The trades of a chunk, in place of what was in `out`; none behind the last.
    pub fn chunk(&self, chunk: u64, out: &mut Vec<PastTrade>) {
        out.clear();
        let from = chunk.saturating_mul(CHUNK);
        out.extend((from..from.saturating_add(CHUNK).min(self.trades)).filter_map(|number| self.trade(number)));
    }

    /// A trade by its number, from 0; none behind the last.
    #[must_use]
    pub fn trade(&self, number: u64) -> Option<PastTrade> {
        if number >= self.trades {
            return None;
        }
        let mut chance = Random::new(mixed(self.seed, number));
        let seller = self.sizes.rank(number);
        let size = self.sizes.size(seller);
        let firm = Firm::new(self.seed, seller, size, &self.homes, &self.goods.chapters);
        let silent = self.flaws.happens(Flaw::Unanswered, &mut chance) && self.has_silence();
        let route = self.route(&firm, silent, &mut chance);
        let market = &self.markets[route.market];
        let order = match silent {
            true => self.unanswered(&firm, &route, &mut chance),
            false => self.order(&firm, &route, &mut chance),
        };
        let money = |minor| Money::new(minor, market.currency);
        let line = |line: &order::Line| self.goods.kinds[line.kind].line(line.pieces, money(line.value), line.origin);
        let lines = order.lines().iter().map(line).collect();
        let year_used = self.year_used(&order, &route, silent, &mut chance);
        let mut trade = PastTrade {
            id: format!("{:x}-{number}", self.seed),
            date: self.days[route.day],
            from: route.from,
            to: market.to,
            member: market.members.get(route.member).copied(),
            regime: REGIMES[route.regime],
            mode: MODES[route.mode],
            seller,
            size,
            lines,
            freight: money(order.freight),
            year_used: year_used.map(money),
            alongside: None,
            differs: Vec::new(),
        };
        self.flaws.befall(&mut trade, &mut chance);
        Some(trade)
    }

    /// Whether the rules that the economy was made by have a price for a trade, if nothing else came that day.
    #[must_use]
    pub fn answers(&self, trade: &PastTrade) -> bool {
        self.asks(trade).unwrap_or(false)
    }

    fn asks(&self, trade: &PastTrade) -> Option<bool> {
        let market = self.markets.iter().find(|market| market.to == trade.to)?;
        let regime = REGIMES.iter().position(|regime| *regime == trade.regime)?;
        let answers = market.answers[regime].as_ref()?;
        let day = self.days.binary_search(&trade.date).ok()?;
        let member = answers::place_of(&market.members, trade.member)?;
        let mode = answers::mode_place(trade.mode)?;
        let goods: i64 = trade.lines.iter().map(|line| line.value.minor()).sum();
        let with_freight = goods + trade.freight.minor();
        if let (Some(annual), Some(used)) = (answers.annual, trade.year_used)
            && used.minor() + with_freight > annual
        {
            return Some(false);
        }
        for line in &trade.lines {
            let variant = answers.variant(day, member, line.origin?, mode)?;
            let amounts = Amounts { item: line.value.minor() / line.pieces, goods, with_freight };
            if !answers.prices(variant, self.goods.place(&line.hs)?, amounts) {
                return Some(false);
            }
        }
        Some(true)
    }

    /// What share of all goods has a price, by market, regime and stretch of unchanging rules.
    #[must_use]
    pub fn coverage(&self) -> Vec<Coverage> {
        let mut lines = Vec::new();
        for market in &self.markets {
            for (regime, answers) in REGIMES.iter().zip(&market.answers) {
                let Some(answers) = answers else { continue };
                lines.extend(answers.first_days().map(|day| {
                    let (cheap, dear, of) = answers.share(day);
                    let per_mille = |count: usize| count * 1_000 / of.max(1);
                    let (cheap, dear) = (per_mille(cheap), per_mille(dear));
                    Coverage { market: market.to, regime: *regime, from: self.days[day], cheap, dear }
                }));
            }
        }
        lines
    }

    /// Counts what occurred among trades of this economy.
    pub fn tally(&self, trades: &[PastTrade], tally: &mut Tally) {
        for trade in trades {
            tally.add(trade, self.answers(trade));
        }
    }

    /// A way of the firm's own that has an answer (or lacks one, where that is wanted); where it has none in a few
    /// draws, any.
    fn route(&self, firm: &Firm, silent: bool, chance: &mut Random) -> Route {
        for _ in 0..6 {
            let market = *chance.pick(firm.markets());
            let regime = usize::from(chance.below(100) < firm.to_business);
            let drawn = self.drawn(firm.home, market, regime, chance);
            if let Some(route) = drawn.filter(|route| self.is_fit(route, silent)) {
                return route;
            }
        }
        let of_market = chance.pick(if silent { &self.silent } else { &self.open });
        let mut route = *chance.pick(of_market);
        // It names the first of many days.
        let market = &self.markets[route.market];
        if let Some(answers) = &market.answers[route.regime] {
            let is_same =
                |day: &usize| answers.variant(*day, route.member, route.from, route.mode) == Some(route.variant);
            let drawn = (0..12).map(|_| market.calendar.pick(chance)).find(is_same);
            route.day = drawn.unwrap_or(route.day);
        }
        route
    }

    fn is_fit(&self, route: &Route, silent: bool) -> bool {
        let Some(answers) = &self.markets[route.market].answers[route.regime] else { return false };
        match silent {
            true => answers.silences(route.variant) > 0,
            // A market where next to nothing has a price is not one that a firm keeps to.
            false => answers.open(route.variant) * 10 >= self.goods.kinds.len(),
        }
    }

    fn drawn(&self, from: Country, place: usize, regime: usize, chance: &mut Random) -> Option<Route> {
        let market = &self.markets[place];
        let day = market.calendar.pick(chance);
        let member = weighted(chance, market.buyers.iter().copied());
        let mode = self.mode(from, market.to, regime, chance);
        let answers = market.answers[regime].as_ref()?;
        let variant = answers.variant(day, member, from, mode)?;
        Some(Route { market: place, regime, member, day, from, mode, variant })
    }

    /// By what goods go: parcels by air and post, pallets by sea, and by road where there is one.
    fn mode(&self, from: Country, to: Country, regime: usize, chance: &mut Random) -> usize {
        let drawn = chance.below(100);
        let road = lanes::by_road(from, to);
        let mode = match (REGIMES[regime], drawn) {
            (Regime::B2b, 0..30) if road => Mode::Road,
            (Regime::B2b, 0..70) => Mode::Sea,
            (_, 0..15) if road => Mode::Road,
            (Regime::B2cParcel, 90..100) => Mode::Sea,
            (Regime::B2cParcel, 72..90) => Mode::Post,
            _ => Mode::Air,
        };
        answers::mode_place(mode).unwrap_or(0)
    }

    /// By market, one route into each place where a question may have another answer, of those that fit.
    fn all_routes(&self, fits: impl Fn(&Answers, Variant) -> bool) -> Vec<Vec<Route>> {
        let of_market = |place: usize| {
            let market = &self.markets[place];
            let mut routes = Vec::new();
            for (regime, answers) in market.answers.iter().enumerate() {
                let Some(answers) = answers else { continue };
                for from in self.homes.countries().filter(|home| !market.is_home_of(*home)) {
                    for (mode, member) in
                        (0..MODES.len()).flat_map(|mode| (0..market.buyers.len()).map(move |m| (mode, m)))
                    {
                        for day in answers.first_days() {
                            let Some(variant) = answers.variant(day, member, from, mode) else { continue };
                            if fits(answers, variant) {
                                routes.push(Route { market: place, regime, member, day, from, mode, variant });
                            }
                        }
                    }
                }
            }
            routes
        };
        (0..self.markets.len()).map(of_market).filter(|routes| !routes.is_empty()).collect()
    }

    /// What the buyer imported in the year before, where somebody counts: anything that leaves room for the order;
    /// every other order without an answer finds the year used up.
    fn year_used(&self, order: &Order, route: &Route, silent: bool, chance: &mut Random) -> Option<i64> {
        let annual = self.markets[route.market].answers[route.regime].as_ref()?.annual?;
        let drawn = chance.draw();
        let room = u64::try_from(annual - order.goods() - order.freight).unwrap_or(0);
        let used = i64::try_from(drawn % (room + 1)).unwrap_or(0);
        Some(if silent && drawn.is_multiple_of(2) { annual } else { used })
    }
}

/// The days of the options, in order.
fn days(options: &EconomyOptions) -> Result<Vec<Date>, EconomyRefusal> {
    let (from, to) = (options.from, options.to);
    if to < from {
        return Err(EconomyRefusal::DatesReversed { from, to });
    }
    let days: Vec<Date> =
        from.series(jiff::Span::new().days(1)).take(MOST_DAYS + 1).take_while(|day| *day <= to).collect();
    if days.len() > MOST_DAYS {
        let asked = usize::try_from(from.until(to).map_or(0, |span| span.get_days())).unwrap_or(0) + 1;
        return Err(EconomyRefusal::TooManyDays { days: asked, most: MOST_DAYS });
    }
    Ok(days)
}

fn markets(
    books: &Rulebooks,
    options: &EconomyOptions,
    days: &[Date],
    goods: &AllGoods,
) -> Result<Vec<Market>, EconomyRefusal> {
    let missing = options.markets.iter().find(|market| books.book(**market).is_none());
    if let Some(market) = missing {
        return Err(EconomyRefusal::NoSuchMarket { market: *market });
    }
    let origins: Vec<Country> = lanes::HOMES.iter().filter_map(|(code, _)| code.parse().ok()).collect();
    let wanted = books.books().filter(|book| options.markets.is_empty() || options.markets.contains(&book.territory));
    let market = |book: &trade::rulebook::Rulebook| {
        let (to, currency) = (book.territory, book.currency);
        let per_cent = goods::per_cent(currency).ok_or(EconomyRefusal::NoSampleRate { market: to, currency })?;
        let buyers = match book.members.is_empty() {
            true => vec![1],
            false => book.members.iter().map(|member| lanes::buyers_of(*member)).collect(),
        };
        let answers = REGIMES.map(|regime| Answers::of(book, regime, days, &origins, (&goods.kinds, per_cent)));
        let (members, calendar) = (book.members.clone(), Calendar::of(to, days));
        Ok(Market { to, currency, per_cent, members, buyers, calendar, answers })
    };
    wanted.map(market).collect()
}

/// A number that looks like no other for each pair: where a stream of chance begins.
fn mixed(seed: u64, number: u64) -> u64 {
    // an odd number without pattern, so that neighbours of one seed are not those of the next
    Random::new(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93)).draw()
}

/// A number drawn below the length of a list, as a place in it.
fn at(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
