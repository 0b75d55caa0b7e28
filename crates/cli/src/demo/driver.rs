//! Plays every part of the sample trade through the hubs' own API: seller, buyers, payment firm,
//! bank, carrier, officers. Everything it sends is safe to send twice, so that a run that was cut
//! off at any point is simply begun again.

mod moving;
mod paying;
mod permits;
mod selling;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use trade::quote::Quote;

use super::api::{Api, ApiError};
use super::messages::trade_path;
use super::outcome::{OutcomeRow, outcome_of, settle_amounts};
use super::script::{self, Buyer, Entry, WaybillWhen};

/// How many requests are under way at once: enough to fill the hubs' batches.
const AT_ONCE: usize = 48;

/// The two hubs and who acts on them.
#[derive(Clone)]
pub struct Stage {
    pub kul: Actors,
    pub hgh: Actors,
    /// Signs the payment firm's webhooks.
    pub webhook_secret: Vec<u8>,
}

#[derive(Clone)]
pub struct Actors {
    pub hub: String,
    pub operator: Api,
    pub officer: Api,
    pub carrier: Api,
    pub bank: Api,
    pub agency: Api,
}

/// What the run tells whoever watches it.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Message id of the step in the locale files.
    pub step: &'static str,
    pub done: usize,
    pub of: usize,
}

/// One scripted order on its way.
#[derive(Clone)]
pub struct Run {
    pub entry: Entry,
    pub quote: Option<Quote>,
    /// The refusal that ended it before a trade file was made, as (outcome, reason, detail).
    ended: Option<(String, String, String)>,
    placed: bool,
}

impl Run {
    fn trade(&self, hub: &str) -> String {
        format!("{hub}:{}", self.entry.order_no)
    }
}

pub struct Driver {
    stage: Stage,
    progress: Box<dyn Fn(Progress) + Send + Sync>,
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

impl Driver {
    #[must_use]
    pub fn new(stage: Stage, progress: Box<dyn Fn(Progress) + Send + Sync>) -> Self {
        let runs =
            script::entries().into_iter().map(|entry| Run { entry, quote: None, ended: None, placed: false }).collect();
        Self { stage, progress, buyers: HashMap::new(), runs }
    }

    fn tell(&self, step: &'static str, done: usize, of: usize) {
        (self.progress)(Progress { step, done, of });
    }

    /// The whole sample trade, from the price list to the payouts.
    pub async fn run(mut self) -> Result<Vec<OutcomeRow>, ApiError> {
        let seller = self.register().await?;
        let products = self.price_list(&seller).await?;
        self.permits(&seller).await?;
        self.seller_quotes(&seller, &products).await?;
        self.quotes(&seller, &products).await?;
        self.orders().await?;
        self.waybills(&seller, WaybillWhen::BeforePayment).await?;
        self.payments().await?;
        self.waybills(&seller, WaybillWhen::AfterOrder).await?;
        self.export(&seller).await?;
        self.customs().await?;
        self.corrections(&seller).await?;
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

    async fn count_stage(&self, hub: &Actors, stage: &str) -> Result<usize, ApiError> {
        let summary = hub.operator.get("/api/v1/summary").await?;
        let count = summary.get("trades_by_stage").and_then(|s| s.get(stage)).and_then(Value::as_u64).unwrap_or(0);
        Ok(count.try_into().unwrap_or(usize::MAX))
    }

    /// Waits until a count on the other side of the road has caught up.
    async fn until<F>(&self, step: &'static str, wanted: usize, count: impl Fn() -> F) -> Result<(), ApiError>
    where
        F: Future<Output = Result<usize, ApiError>>,
    {
        for _ in 0..3_000 {
            let now = count().await?;
            if now >= wanted {
                self.tell(step, now, wanted);
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(ApiError::Unreachable { url: step.to_owned(), cause: format!("fewer than {wanted} after a minute") })
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

    /// What became of every order, asked of the hubs.
    async fn outcomes(&self) -> Result<Vec<OutcomeRow>, ApiError> {
        let (hgh, kul) = (self.stage.hgh.operator.clone(), self.stage.kul.operator.clone());
        let importer = self.stage.hgh.hub.clone();
        each(self.runs.clone(), move |run| {
            let (hgh, kul, importer) = (hgh.clone(), kul.clone(), importer.clone());
            async move {
                let mut row = OutcomeRow {
                    entry: run.entry.entry,
                    order_no: run.entry.order_no.clone(),
                    ..OutcomeRow::default()
                };
                if let Some(quote) = &run.quote {
                    row.goods_cny = quote.landed.goods.decimal();
                    row.freight_cny = quote.landed.freight.decimal();
                    row.tax_cny = quote.landed.tax.decimal();
                    row.total_cny = quote.landed.total.decimal();
                }
                if let Some((outcome, reason, detail)) = run.ended {
                    (row.outcome, row.reason, row.detail) = (outcome, reason, detail);
                    return Ok(row);
                }
                let id = format!("{importer}:{}", run.entry.order_no);
                let here = hgh.get(&trade_path(&id, "")).await?;
                let file = here.get("file").cloned().unwrap_or(Value::Null);
                (row.outcome, row.reason, row.detail) = outcome_of(&here, &file);
                if row.outcome == "paid" {
                    let there = kul.get(&trade_path(&id, "")).await?;
                    settle_amounts(&mut row, &file, &there);
                }
                Ok(row)
            }
        })
        .await
    }
}
