//! Kept counts: where trades stand, how long steps took, what is stopped, how far sellers have come.
//!
//! They are written in the transaction that changed what they count, as differences: so a page reads some
//! hundred rows however many trades are held, and what it says is exact. To know the difference the
//! lane remembers of each trade that it knows what it last counted, and of every seller how far it
//! has come (some hundred bytes each).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use trade::ball::Holder;
use trade::codes::{Country, HubId};
use trade::id::Id;
use trade::party::{Party, Role};
use trade::product::{LaneGaps, PeerAnswer};
use trade::rulebook::Direction;
use trade::site::Site;
use trade::tally::{Count, Hold, LaneKey, Mark, SellerPath, SellerStep, Span, Spread, Step, counts, reached, week_of};
use trade::time::BusinessTime;
use trade::trade_file::{Closed, Side, Stage, TradeFile, TradeId};
use trade::world::{Changes, World};

use crate::db::{StoreError, body, int, parsed, text};
use crate::hub::Hub;
use crate::rows::{Rows, Statement};
use crate::trade_file::StageCount;

/// What a row counts.
const STANDS: &str = "stands";
const STEP: &str = "step";
const WHOLE: &str = "whole";
const STOPPED: &str = "stopped";
const ENDED: &str = "ended";
const SELLER: &str = "seller";

/// What the lane has counted so far, of all that it knows.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    marks: HashMap<TradeId, Mark>,
    sellers: HashMap<Id<Party>, SellerPath>,
}

/// What a batch adds to the counts: by what, since or in which week, of what, how long.
#[derive(Debug, Default)]
struct Sums(BTreeMap<(&'static str, String, String, u16), i64>);

impl Sums {
    fn add(&mut self, what: &'static str, period: &str, key: String, span: Span, n: i64) {
        *self.0.entry((what, period.to_owned(), key, span.class())).or_insert(0) += n;
    }
}

/// What a batch counted, on its way to storage.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    sums: Sums,
    sellers: Vec<(Id<Party>, SellerPath)>,
}

impl Tally {
    /// Reads how far every seller has come.
    pub async fn read(conn: &mut AnyConnection) -> Result<Self, StoreError> {
        let rows = sqlx::query::<Any>("SELECT seller, body FROM seller_path").fetch_all(conn).await?;
        let sellers = rows.iter().map(|row| Ok((parsed(row, 0)?, body(row, 1)?))).collect::<Result<_, StoreError>>()?;
        Ok(Self { marks: HashMap::new(), sellers })
    }

    /// Takes note of files as they were counted when they were written.
    pub fn loaded<'a>(&mut self, world: &World, ids: impl IntoIterator<Item = &'a TradeId>) {
        let mark = |id: &TradeId| {
            let file = world.trades.get(id)?;
            Some((id.clone(), mark_of(&world.site, file, territory(world, file))))
        };
        self.marks.extend(ids.into_iter().filter_map(mark));
    }

    /// Forgets what the world forgot.
    pub fn forget(&mut self, world: &World) {
        self.marks.retain(|id, _| world.trades.knows(id));
    }

    /// What a batch changed.
    pub fn count(&mut self, world: &World, changes: &Changes) -> Counted {
        let mut counted = Counted::default();
        let week = week_of(world.site.date(world.now)).to_string();
        let mut news: Vec<(Id<Party>, SellerStep, BusinessTime)> = Vec::new();
        for (id, party) in &changes.parties {
            if party.is(Role::Seller) {
                news.push((*id, SellerStep::Signed, party.since));
            }
        }
        for (_, product) in &changes.products {
            news.push((product.seller, SellerStep::Product, product.changed));
            if product.gaps.iter().any(LaneGaps::is_ready) {
                news.push((product.seller, SellerStep::Ready, product.changed));
            }
            if product.answers.values().any(|answer| matches!(answer, PeerAnswer::Given { .. })) {
                news.push((product.seller, SellerStep::Quoted, world.now));
            }
        }
        for (id, file) in &changes.trades {
            let after = mark_of(&world.site, file, territory(world, file));
            let before = self.marks.get(id);
            if before == Some(&after) {
                continue;
            }
            for count in counts(before, &after, file, world.now) {
                if let (Count::Took { step, .. }, Some(seller)) = (&count, seller_of(file)) {
                    news.extend(seller_step(*step, file).map(|(step, at)| (seller, step, at)));
                }
                counted.sums.take(&world.site, &week, count);
            }
            self.marks.insert(id.clone(), after);
        }
        for (seller, step, at) in news {
            self.come(&mut counted, seller, step, at);
        }
        counted
    }

    fn come(&mut self, counted: &mut Counted, seller: Id<Party>, step: SellerStep, at: BusinessTime) {
        let path = self.sellers.entry(seller).or_default();
        if path.is_whole() {
            return;
        }
        let new = path.reach(step, at);
        if new.is_empty() {
            return;
        }
        let path = path.clone();
        for (step, took) in new {
            counted.sums.add(SELLER, "", step.code().to_owned(), took, 1);
        }
        match counted.sellers.iter_mut().find(|(other, _)| *other == seller) {
            Some((_, known)) => *known = path,
            None => counted.sellers.push((seller, path)),
        }
    }
}

/// The seller of a trade that this hub exports.
fn seller_of(file: &TradeFile) -> Option<Id<Party>> {
    file.order.as_ref().filter(|_| file.side == Side::Export)?.seller
}

fn seller_step(step: Step, file: &TradeFile) -> Option<(SellerStep, BusinessTime)> {
    let at = |place: Step| reached(file)[Step::ALL.iter().position(|step| *step == place)?];
    match step {
        Step::Ordered => Some((SellerStep::Order, at(step)?)),
        Step::ExportReleased => Some((SellerStep::Exported, at(step)?)),
        Step::PaidOut => match &file.closed {
            Some(Closed::Paid { at }) => Some((SellerStep::Paid, *at)),
            _ => None,
        },
        _ => None,
    }
}

fn mark_of(site: &Site, file: &TradeFile, peer: Option<Country>) -> Mark {
    Mark::of(file, site.territory, peer)
}

fn territory(world: &World, file: &TradeFile) -> Option<Country> {
    let peer: &HubId = file.peer.as_ref()?;
    world.peers.knows(peer).then(|| world.peers.get(peer))?.map(|peer| peer.territory())
}

impl Sums {
    fn take(&mut self, site: &Site, week: &str, count: Count) {
        let none = Span::of(0);
        let lane = |lane: Option<LaneKey>| lane.map_or_else(|| "-".to_owned(), |lane| lane.to_string());
        match count {
            Count::Stands { side, lane: on, stage, holder, n } => {
                let key = keyed([&side.code(), &lane(on), &stage.code(), &holder.code()]);
                self.add(STANDS, "", key, none, n);
            }
            Count::Took { side, lane, step, took } => {
                self.add(STEP, week, keyed([&side.code(), &lane, &step.code()]), took, 1);
            }
            Count::Whole { side, lane, took } => self.add(WHOLE, week, keyed([&side.code(), &lane]), took, 1),
            Count::Stopped { hold, n } => {
                let key = hold_key(&hold);
                self.add(STOPPED, &site.date(hold.since).to_string(), key, none, n);
            }
            Count::Ended { hold, took } => {
                let key = hold_key(&hold);
                self.add(ENDED, week, key, took, 1);
            }
        }
    }
}

fn hold_key(hold: &Hold) -> String {
    let whose = if hold.own { "own" } else { "peer" };
    keyed([&whose, &hold.customs.code(), &hold.reason, &hold.holder.code()])
}

/// Codes have no blanks.
fn keyed<const N: usize>(parts: [&dyn Display; N]) -> String {
    parts.map(|part| part.to_string()).join(" ")
}

impl Counted {
    pub fn changes(&self) -> [Statement; 2] {
        let mut rows = Rows::new();
        for ((what, period, key, span), n) in self.sums.0.iter().filter(|(_, n)| **n != 0) {
            rows.row().text(what).text(period).text(key).int(i64::from(*span)).int(*n);
        }
        let sums = rows.into_statement(
            "INSERT INTO tally (what, period, key, span, n) \
             SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT) \
             FROM {rows} WHERE true \
             ON CONFLICT (what, period, key, span) DO UPDATE SET n = tally.n + excluded.n",
        );
        let mut rows = Rows::new();
        for (seller, path) in &self.sellers {
            rows.row().shown(seller).json(path);
        }
        let sellers = rows.into_statement(
            "INSERT INTO seller_path (seller, body) SELECT value ->> 0, \
             substr($2, CAST(value ->> 1 AS INTEGER), CAST(value ->> 2 AS INTEGER)) FROM {rows} WHERE true \
             ON CONFLICT (seller) DO UPDATE SET body = excluded.body",
        );
        [sums, sellers]
    }
}

/// How long one step took, of those that reached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTime {
    pub side: Side,
    /// `MY-CN/b2c-parcel`; `None` over all lanes.
    pub lane: Option<String>,
    /// `None` from the order to the payout.
    pub step: Option<Step>,
    pub count: i64,
    /// Seconds within which half of them, and nine of ten, were done.
    pub median: i64,
    pub p90: i64,
}

/// What is stopped for one reason, by who has to act; or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldCount {
    pub customs: Direction,
    /// Whether they are this hub's; else it is what the peer told of its own.
    pub own: bool,
    pub reason: String,
    pub holder: Holder,
    pub open: i64,
    /// The day on which the oldest of the open ones began.
    pub since: Option<String>,
    pub ended: i64,
    pub median: Option<i64>,
    pub p90: Option<i64>,
}

/// Sellers that have reached a step, and the middle of the times since the step before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerCount {
    pub step: SellerStep,
    pub count: i64,
    pub median: Option<i64>,
}

/// Trades under way and done on one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneCount {
    pub side: Side,
    pub lane: String,
    pub under_way: i64,
    pub paid: i64,
    /// Lapsed, declined or detained.
    pub ended_otherwise: i64,
}

fn side_of(code: &str) -> Result<Side, StoreError> {
    [Side::Import, Side::Export].into_iter().find(|side| side.code() == code).ok_or_else(|| StoreError::damaged(code))
}

fn coded<T: serde::de::DeserializeOwned>(code: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::from(code)).map_err(|e| StoreError::damaged(e.to_string()))
}

fn parts<const N: usize>(key: &str) -> Result<[&str; N], StoreError> {
    let parts: Vec<&str> = key.split(' ').collect();
    parts.try_into().map_err(|_| StoreError::damaged(key))
}

fn span_of(row: &sqlx::any::AnyRow, column: usize) -> Result<Span, StoreError> {
    let class = u16::try_from(int(row, column)?).map_err(|_| StoreError::damaged("a length of time"))?;
    Ok(Span::from_class(class))
}

impl Hub {
    fn week(&self, since: BusinessTime) -> String {
        week_of(self.site().date(since)).to_string()
    }

    /// Where trades stand: side, lane, stage, who has to act, how many.
    async fn stands_where(&self) -> Result<Vec<(Side, String, Stage, Holder, i64)>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT key, n FROM tally WHERE what = $1 AND period = '' AND n <> 0 ORDER BY key";
        let mut found = Vec::new();
        for row in sqlx::query::<Any>(sql).bind(STANDS).fetch_all(&mut *conn).await? {
            let key = text(&row, 0)?;
            let [side, lane, stage, holder] = parts(&key)?;
            found.push((side_of(side)?, lane.to_owned(), coded(stage)?, coded(holder)?, int(&row, 1)?));
        }
        Ok(found)
    }

    /// Trades by stage; stages without trades are left out.
    pub async fn stage_counts(&self) -> Result<Vec<StageCount>, StoreError> {
        let mut counts: BTreeMap<Stage, i64> = BTreeMap::new();
        for (_, _, stage, _, n) in self.stands_where().await? {
            *counts.entry(stage).or_insert(0) += n;
        }
        let found = |stage: Stage| Some(StageCount { stage, count: *counts.get(&stage)? });
        Ok(Stage::ALL.into_iter().filter_map(found).filter(|count| count.count != 0).collect())
    }

    /// How many trades wait for whom, the most first.
    pub async fn holder_counts(&self) -> Result<Vec<(Holder, i64)>, StoreError> {
        let mut counts: BTreeMap<Holder, i64> = BTreeMap::new();
        for (_, _, _, holder, n) in self.stands_where().await? {
            *counts.entry(holder).or_insert(0) += n;
        }
        let mut counts: Vec<_> = counts.into_iter().filter(|(_, n)| *n != 0).collect();
        counts.sort_by_key(|(holder, n)| (-n, holder.code()));
        Ok(counts)
    }

    /// What moves on each lane, by the side that this hub keeps.
    pub async fn lane_counts(&self) -> Result<Vec<LaneCount>, StoreError> {
        let mut counts: BTreeMap<(String, Side), LaneCount> = BTreeMap::new();
        for (side, lane, stage, _, n) in self.stands_where().await? {
            if lane == "-" {
                continue;
            }
            let new = || LaneCount { side, lane: lane.clone(), under_way: 0, paid: 0, ended_otherwise: 0 };
            let count = counts.entry((lane.clone(), side)).or_insert_with(new);
            match stage {
                Stage::Paid => count.paid += n,
                Stage::Lapsed
                | Stage::Declined
                | Stage::Detained
                | Stage::Cancelled
                | Stage::Returned
                | Stage::Refunded => count.ended_otherwise += n,
                _ => count.under_way += n,
            }
        }
        Ok(counts.into_values().collect())
    }

    /// How long the steps took in the weeks since an instant of business time: over all lanes, then
    /// by lane, each in the order of the steps and ended by the whole way.
    pub async fn step_times(&self, since: BusinessTime) -> Result<Vec<StepTime>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT what, key, span, CAST(SUM(n) AS BIGINT) FROM tally \
                   WHERE what IN ('step', 'whole') AND period >= $1 GROUP BY what, key, span";
        // The whole way comes after all steps.
        type Place = (Side, Option<String>, bool, Option<Step>);
        let mut spreads: BTreeMap<Place, Spread> = BTreeMap::new();
        for row in sqlx::query::<Any>(sql).bind(self.week(since)).fetch_all(&mut *conn).await? {
            let (what, key, span, n) = (text(&row, 0)?, text(&row, 1)?, span_of(&row, 2)?, int(&row, 3)?);
            let (side, lane, step) = if what == STEP {
                let [side, lane, step] = parts(&key)?;
                (side, lane, Some(Step::from_code(step).ok_or_else(|| StoreError::damaged(step))?))
            } else {
                let [side, lane] = parts(&key)?;
                (side, lane, None)
            };
            for lane in [None, Some(lane.to_owned())] {
                spreads.entry((side_of(side)?, lane, step.is_none(), step)).or_default().add(span, n);
            }
        }
        let time = |((side, lane, _, step), spread): (Place, Spread)| {
            let (median, p90) = (spread.within(50)?, spread.within(90)?);
            Some(StepTime { side, lane, step, count: spread.count(), median, p90 })
        };
        Ok(spreads.into_iter().filter_map(time).collect())
    }

    /// What customs of either side stops, and how long it took where it ended in the weeks since an instant.
    pub async fn hold_counts(&self, since: BusinessTime) -> Result<Vec<HoldCount>, StoreError> {
        let mut conn = self.db().reader().await?;
        let mut holds: BTreeMap<String, (i64, Option<String>, Spread)> = BTreeMap::new();
        let open = "SELECT key, CAST(SUM(n) AS BIGINT), MIN(period) FROM tally WHERE what = $1 AND n > 0 GROUP BY key";
        for row in sqlx::query::<Any>(open).bind(STOPPED).fetch_all(&mut *conn).await? {
            let hold = holds.entry(text(&row, 0)?).or_default();
            (hold.0, hold.1) = (int(&row, 1)?, Some(text(&row, 2)?));
        }
        let ended = "SELECT key, span, CAST(SUM(n) AS BIGINT) FROM tally WHERE what = $1 AND period >= $2 \
                     GROUP BY key, span";
        for row in sqlx::query::<Any>(ended).bind(ENDED).bind(self.week(since)).fetch_all(&mut *conn).await? {
            holds.entry(text(&row, 0)?).or_default().2.add(span_of(&row, 1)?, int(&row, 2)?);
        }
        let mut found = Vec::new();
        for (key, (open, since, spread)) in holds {
            let [whose, customs, reason, holder] = parts(&key)?;
            found.push(HoldCount {
                customs: coded(customs)?,
                own: whose == "own",
                reason: reason.to_owned(),
                holder: coded(holder)?,
                open,
                since,
                ended: spread.count(),
                median: spread.within(50),
                p90: spread.within(90),
            });
        }
        found.sort_by_key(|hold| (-hold.open, -hold.ended));
        Ok(found)
    }

    /// From sign-up to repeat export: each step counts those of the next.
    pub async fn seller_counts(&self) -> Result<Vec<SellerCount>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT key, span, n FROM tally WHERE what = $1 AND period = ''";
        let mut spreads: BTreeMap<String, Spread> = BTreeMap::new();
        for row in sqlx::query::<Any>(sql).bind(SELLER).fetch_all(&mut *conn).await? {
            spreads.entry(text(&row, 0)?).or_default().add(span_of(&row, 1)?, int(&row, 2)?);
        }
        let count = |step: SellerStep| {
            let spread = spreads.get(step.code());
            let median = spread.filter(|_| step != SellerStep::Signed).and_then(|spread| spread.within(50));
            SellerCount { step, count: spread.map_or(0, Spread::count), median }
        };
        Ok(SellerStep::ALL.map(count).to_vec())
    }
}
