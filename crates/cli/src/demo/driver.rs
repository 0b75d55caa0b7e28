//! Plays every part of the sample trade through the hubs' own API: sellers, buyers, payment firms,
//! banks, carriers, officers, both ways at once. Everything it sends is safe to send twice, so that a
//! run that was cut off at any point is simply begun again.

mod moving;
mod outcomes;
mod paying;
mod permits;
mod selling;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use trade::money::Money;
use trade::quote::Quote;
use trade::rulebook::Regime;

use super::api::{Api, ApiError};
use super::outcome::OutcomeRow;
use super::script::{self, Buyer, Entry, PaymentWhen, Way, WaybillWhen};

/// How many requests are under way at once: enough to fill the hubs' batches.
const AT_ONCE: usize = 48;

/// The two hubs and who acts on them.
#[derive(Clone)]
pub struct Stage {
    pub kul: Actors,
    pub hgh: Actors,
}

impl Stage {
    pub fn exporter(&self, way: Way) -> &Actors {
        match way {
            Way::MyCn => &self.kul,
            Way::CnMy => &self.hgh,
        }
    }

    pub fn importer(&self, way: Way) -> &Actors {
        match way {
            Way::MyCn => &self.hgh,
            Way::CnMy => &self.kul,
        }
    }
}

#[derive(Clone)]
pub struct Actors {
    pub hub: String,
    pub operator: Api,
    pub officer: Api,
    pub carrier: Api,
    pub bank: Api,
    pub agency: Api,
    /// Signs the payment firm's webhooks to this hub.
    pub webhook_secret: Vec<u8>,
}

/// What the run tells whoever watches it.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Message id of the step in the locale files.
    pub step: &'static str,
    pub counts: Counts,
}

/// How many of how many, each way.
pub type Counts = BTreeMap<Way, (usize, usize)>;

/// The firm that sells one way: its key, its products by its own numbers, and which of them are ready.
#[derive(Clone)]
struct Seller {
    api: Api,
    products: HashMap<String, String>,
    ready: HashSet<(String, Regime)>,
}

/// One scripted order on its way.
#[derive(Clone)]
pub struct Run {
    pub entry: Entry,
    pub quote: Option<Quote>,
    /// What a firm may pay with its order, as the quote says.
    deposit: Option<Money>,
    /// The refusal that ended it before a trade file was made, as (outcome, reason, detail).
    ended: Option<(String, String, String)>,
    placed: bool,
}

pub struct Driver {
    stage: Stage,
    progress: Box<dyn Fn(Progress) + Send + Sync>,
    sellers: HashMap<Way, Seller>,
    buyers: HashMap<String, (Buyer, Api)>,
    runs: Vec<Run>,
}

/// Runs `act` on all items, `AT_ONCE` at a time; the first error ends it.
async fn each<T, R, F>(items: Vec<T>, act: impl Fn(T) -> F) -> Result<Vec<R>, ApiError>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Future<Output = Result<R, ApiError>> + Send + 'static,
{
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let count = items.len();
    for (i, item) in items.into_iter().enumerate() {
        let gate = gate.clone();
        let work = act(item);
        tasks.spawn(async move {
            let _turn = gate.acquire_owned().await;
            (i, work.await)
        });
    }
    let mut results: Vec<Option<R>> = std::iter::repeat_with(|| None).take(count).collect();
    while let Some(done) = tasks.join_next().await {
        let (i, result) = done.map_err(|e| ApiError::Unreachable { url: String::new(), cause: e.to_string() })?;
        results[i] = Some(result?);
    }
    Ok(results.into_iter().flatten().collect())
}

/// Counts what is true of each way: done, and out of how many.
fn count(items: impl IntoIterator<Item = (Way, bool)>) -> Counts {
    let mut counts = Counts::from(Way::BOTH.map(|way| (way, (0, 0))));
    for (way, is_done) in items {
        let (done, of) = counts.entry(way).or_default();
        *done += usize::from(is_done);
        *of += 1;
    }
    counts
}

impl Driver {
    #[must_use]
    pub fn new(stage: Stage, progress: Box<dyn Fn(Progress) + Send + Sync>) -> Self {
        let run = |entry| Run { entry, quote: None, deposit: None, ended: None, placed: false };
        let runs = script::entries().into_iter().map(run).collect();
        Self { stage, progress, sellers: HashMap::new(), buyers: HashMap::new(), runs }
    }

    fn tell(&self, step: &'static str, counts: Counts) {
        (self.progress)(Progress { step, counts });
    }

    /// The trade file's id: the importing hub's, and the order's number.
    fn trade(&self, run: &Run) -> String {
        format!("{}:{}", self.stage.importer(run.entry.way).hub, run.entry.order_no)
    }

    fn seller(&self, run: &Run) -> Api {
        self.sellers[&run.entry.way].api.clone()
    }

    fn placed(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|r| r.placed)
    }

    /// The whole sample trade, from the price lists to the payouts.
    pub async fn run(mut self) -> Result<Vec<OutcomeRow>, ApiError> {
        self.register().await?;
        self.price_lists().await?;
        self.permits().await?;
        self.seller_quotes().await?;
        self.quotes().await?;
        self.orders().await?;
        self.waybills(WaybillWhen::BeforePayment).await?;
        self.payments(PaymentWhen::AfterOrder).await?;
        self.waybills(WaybillWhen::AfterOrder).await?;
        self.payments(PaymentWhen::AfterWaybill).await?;
        self.export().await?;
        self.customs().await?;
        self.corrections().await?;
        self.customs().await?;
        self.custody().await?;
        self.acceptance().await?;
        self.time_passes().await?;
        self.payouts().await?;
        self.outcomes().await
    }

    async fn count_trades(&self, hub: &Actors) -> Result<usize, ApiError> {
        let summary = hub.operator.get("/api/v1/summary").await?;
        let stages = summary.get("trades_by_stage").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(stages.values().filter_map(Value::as_u64).sum::<u64>().try_into().unwrap_or(usize::MAX))
    }

    async fn count_stage(&self, stage: &str) -> Result<usize, ApiError> {
        let mut all = 0;
        for hub in [&self.stage.kul, &self.stage.hgh] {
            let summary = hub.operator.get("/api/v1/summary").await?;
            let count = summary.get("trades_by_stage").and_then(|s| s.get(stage)).and_then(Value::as_u64).unwrap_or(0);
            all += usize::try_from(count).unwrap_or(usize::MAX);
        }
        Ok(all)
    }

    /// Waits until both hubs know of all trades: each has its own side of every one.
    async fn known_on_both_sides(&self, wanted: usize) -> Result<(), ApiError> {
        for _ in 0..3_000 {
            let known = self.count_trades(&self.stage.kul).await?.min(self.count_trades(&self.stage.hgh).await?);
            if known >= wanted {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(ApiError::Unreachable {
            url: "road".to_owned(),
            cause: format!("fewer than {wanted} trades after a minute"),
        })
    }

    /// Waits until neither hub has anything left to tell the other.
    async fn quiet(&self) -> Result<(), ApiError> {
        let mut quiet = 0;
        for _ in 0..3_000 {
            let mut backlog = 0;
            for hub in [&self.stage.kul, &self.stage.hgh] {
                let summary = hub.operator.get("/api/v1/summary").await?;
                let roads = summary.get("road").and_then(Value::as_object).cloned().unwrap_or_default();
                backlog += roads.values().filter_map(|r| r.get("backlog").and_then(Value::as_u64)).sum::<u64>();
                // A hub just started signs nothing before its peer has answered; that is still to be told.
                let size = |name: &str| summary.get(name).and_then(Value::as_u64).unwrap_or(0);
                backlog += size("events").saturating_sub(size("log_size"));
            }
            quiet = if backlog == 0 { quiet + 1 } else { 0 };
            if quiet >= 2 {
                return Ok(());
            }
            sleep(Duration::from_millis(15)).await;
        }
        Err(ApiError::Unreachable { url: "road".to_owned(), cause: "the road does not come to rest".to_owned() })
    }
}
