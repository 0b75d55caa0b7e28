//! Plays every part of the sample trade through the hubs' own API: seller, buyers, payment firm,
//! bank, carrier, officers. Everything it sends is safe to send twice, so that a run that was cut
//! off at any point is simply begun again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use trade::codes::{Country, S10};
use trade::id::Id;
use trade::money::{Currency, Money};
use trade::party::Party;
use trade::quote::Quote;
use trade::time::BusinessTime;

use super::api::{Api, ApiError};
use super::bank;
use super::messages::{
    accepted_or_standing, all, all_trades, decided, declaration_body, delivery_of, is_ready, lodged, refused, text,
    trade_path, waybill_body, wrong_check_digit,
};
use super::outcome::{OutcomeRow, outcome_of, settle_amounts};
use super::script::{self, Buyer, By, Entry, Officer, Payer, PaymentWhen, Place, S10Script, WaybillWhen};

/// How many requests are under way at once: enough to fill the hubs' batches.
const AT_ONCE: usize = 48;
/// How many credits a bank puts into one notification.
const CREDITS_A_FILE: usize = 50;

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

    async fn register(&mut self) -> Result<Api, ApiError> {
        let seller_id = Id::<Party>::derived(BusinessTime::from_micros(0), "demo/seller");
        let body = json!({ "party": seller_id, "role": "seller", "name": "Seri Warisan Trading", "country": "MY",
            "payout_account": "MY-8001-0042-7719" });
        let answer = self.stage.kul.operator.post("/api/v1/parties", &body).await?;
        let seller = self.stage.kul.operator.with_key(text(&answer, "api_key"));
        let buyers = script::buyers();
        let count = buyers.len();
        let operator = self.stage.hgh.operator.clone();
        let keys = each(buyers.clone(), move |buyer: Buyer| {
            let operator = operator.clone();
            async move {
                let id = Id::<Party>::derived(BusinessTime::from_micros(0), &format!("demo/buyer/{}", buyer.id));
                let body = json!({ "party": id, "role": "buyer", "name": format!("Buyer {}", buyer.id), "country": "CN",
                    "person": { "name": buyer.name, "phone": buyer.phone, "address": buyer.address,
                        "id_type": buyer.id_type, "id_number": buyer.id_number, "checked": buyer.verified } });
                let answer = operator.post("/api/v1/parties", &body).await?;
                Ok(operator.with_key(text(&answer, "api_key")))
            }
        })
        .await?;
        self.buyers = buyers.into_iter().zip(keys).map(|(b, api)| (b.id.clone(), (b, api))).collect();
        self.tell("demo-parties", count + 1, count + 1);
        Ok(seller)
    }

    /// Uploads the price list; answers the product of each article number.
    async fn price_list(&self, seller: &Api) -> Result<HashMap<String, String>, ApiError> {
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let path = "/api/v1/price-lists?dry_run=false&file_name=price-list.xlsx";
        let answer = seller.send(path, xlsx, script::PRICE_LIST.to_vec(), &[]).await?;
        let rows = answer.get("accepted").and_then(Value::as_array).cloned().unwrap_or_default();
        let products: HashMap<String, String> =
            rows.iter().map(|r| (text(r, "sku").to_owned(), text(r, "product").to_owned())).collect();
        let ready = rows.iter().filter(|r| is_ready(r)).count();
        self.tell("demo-price-list", ready, products.len());
        self.until("demo-offers", ready, || async { Ok(self.offered().await?.len()) }).await?;
        Ok(products)
    }

    /// The seller asks what one piece of each product costs to the door in China.
    async fn seller_quotes(&self, seller: &Api, products: &HashMap<String, String>) -> Result<(), ApiError> {
        let importer = self.stage.hgh.hub.clone();
        let asks: Vec<(String, String)> = products.iter().map(|(s, p)| (s.clone(), p.clone())).collect();
        let of = asks.len();
        let api = seller.clone();
        let asked = each(asks, move |(sku, product)| {
            let api = api.clone();
            let importer = importer.clone();
            async move {
                let quote = Id::<Quote>::derived(BusinessTime::from_micros(0), &format!("demo/ask/{sku}"));
                let body =
                    json!({ "quote": quote, "importer": importer, "lines": [{ "product": product, "pieces": 1 }] });
                match api.post("/api/v1/quotes", &body).await {
                    Ok(_) => Ok(true),
                    Err(ApiError::Refused { .. }) => Ok(false),
                    Err(e) => Err(e),
                }
            }
        })
        .await?;
        self.tell("demo-asked", asked.iter().filter(|a| **a).count(), of);
        Ok(())
    }

    /// Buyers ask for the price to the door of what they want.
    async fn quotes(&mut self, seller: &Api, products: &HashMap<String, String>) -> Result<(), ApiError> {
        let offered = self.offered().await?;
        let (importer, exporter) = (self.stage.hgh.hub.clone(), self.stage.kul.hub.clone());
        let asks: Vec<(Run, Api)> =
            self.runs.iter().map(|r| (r.clone(), self.buyers[&r.entry.buyer].1.clone())).collect();
        let (seller, products) = (seller.clone(), Arc::new(products.clone()));
        let runs = each(asks, move |(mut run, buyer)| {
            let (importer, exporter, seller) = (importer.clone(), exporter.clone(), seller.clone());
            let products = products.clone();
            let offered = offered.clone();
            async move {
                let id = Id::<Quote>::derived(BusinessTime::from_micros(0), &format!("demo/quote/{}", run.entry.entry));
                let lines: Vec<Value> = run
                    .entry
                    .lines
                    .iter()
                    .map(|l| json!({ "product": products.get(&l.sku), "pieces": l.quantity }))
                    .collect();
                let on_offer =
                    run.entry.lines.iter().all(|l| products.get(&l.sku).is_some_and(|p| offered.contains(p)));
                // What is not ready is not offered abroad: only its own hub can say why.
                let answer = if on_offer {
                    buyer.post("/api/v1/quotes", &json!({ "quote": id, "exporter": exporter, "lines": lines })).await
                } else {
                    seller.post("/api/v1/quotes", &json!({ "quote": id, "importer": importer, "lines": lines })).await
                };
                match answer {
                    Ok(quote) if on_offer => run.quote = serde_json::from_value(quote).ok(),
                    Ok(_) => {}
                    Err(ApiError::Unreachable { url, cause }) => return Err(ApiError::Unreachable { url, cause }),
                    Err(refused) => {
                        let detail = refused.arg("first").unwrap_or_default().to_owned();
                        run.ended = Some(("quote-refused".into(), refused.code().to_owned(), detail));
                    }
                }
                Ok(run)
            }
        })
        .await?;
        let quoted = runs.iter().filter(|r| r.quote.is_some()).count();
        self.tell("demo-quotes", quoted, runs.len());
        self.runs = runs;
        Ok(())
    }

    async fn offered(&self) -> Result<Arc<BTreeSet<String>>, ApiError> {
        let offers = all(&self.stage.hgh.operator, "/api/v1/offers?limit=100", "offers").await?;
        Ok(Arc::new(offers.iter().filter_map(|o| text(o, "key").rsplit_once('/')).map(|(_, p)| p.to_owned()).collect()))
    }

    /// Orders are placed in their order for each buyer; numbers that are used again come after.
    async fn orders(&mut self) -> Result<(), ApiError> {
        let mut seen = BTreeSet::new();
        let (mut first, mut again) = (Vec::new(), Vec::new());
        for (i, run) in self.runs.iter().enumerate() {
            if run.quote.is_none() || run.entry.place != Place::Now {
                continue;
            }
            if seen.insert(run.entry.order_no.clone()) { first.push(i) } else { again.push(i) }
        }
        self.place(first).await?;
        self.place(again).await?;
        let placed = self.runs.iter().filter(|r| r.placed).count();
        self.tell("demo-orders", placed, self.runs.len());
        self.until("demo-orders-abroad", placed, || self.count_trades(&self.stage.kul)).await
    }

    async fn place(&mut self, which: Vec<usize>) -> Result<(), ApiError> {
        let mut by_buyer: BTreeMap<String, Vec<(usize, Run)>> = BTreeMap::new();
        for i in which {
            let run = self.runs[i].clone();
            by_buyer.entry(run.entry.buyer.clone()).or_default().push((i, run));
        }
        let work: Vec<(Api, Vec<Placing>)> = by_buyer
            .into_iter()
            .map(|(buyer, runs)| {
                let api = self.buyers[&buyer].1.clone();
                let runs = runs.into_iter().map(|(i, r)| {
                    let early = self.payments_of(&r, PaymentWhen::BeforeOrder);
                    (i, r, early)
                });
                (api, runs.collect())
            })
            .collect();
        let bank = self.stage.hgh.bank.clone();
        let secret = self.stage.webhook_secret.clone();
        let done = each(work, move |(api, runs)| {
            let (bank, secret) = (bank.clone(), secret.clone());
            async move {
                let mut done = Vec::new();
                for (i, mut run, early) in runs {
                    for payment in early {
                        payment.send(&bank, &secret).await?;
                    }
                    let Some(quote) = &run.quote else { continue };
                    let body = json!({ "order_no": run.entry.order_no, "quote": quote.id });
                    match api.post("/api/v1/orders", &body).await {
                        Ok(_) => run.placed = true,
                        Err(ApiError::Unreachable { url, cause }) => return Err(ApiError::Unreachable { url, cause }),
                        Err(refused) => {
                            run.ended = Some(("order-refused".into(), refused.code().to_owned(), String::new()));
                        }
                    }
                    done.push((i, run));
                }
                Ok(done)
            }
        })
        .await?;
        for (i, run) in done.into_iter().flatten() {
            self.runs[i] = run;
        }
        Ok(())
    }

    fn payments_of(&self, run: &Run, when: PaymentWhen) -> Vec<WebhookOrCredit> {
        let Some(quote) = &run.quote else { return Vec::new() };
        let buyer = &self.buyers[&run.entry.buyer].0;
        let mut sent = Vec::new();
        for payment in run.entry.payments.iter().filter(|p| p.when == when) {
            let currency: Currency = payment.currency.parse().unwrap_or(Currency::CNY);
            let delta = match payment.amount.as_str() {
                "as-quoted" => Money::zero(Currency::CNY),
                other => {
                    Money::parse(other.trim_start_matches('+'), Currency::CNY).unwrap_or(Money::zero(Currency::CNY))
                }
            };
            let minor = quote.landed.total.minor().saturating_add(delta.minor());
            let (name, id_number) = match payment.payer {
                Payer::Buyer => (buyer.name.clone(), buyer.id_number.clone()),
                Payer::Other => ("Other Payer".to_owned(), "999999197001019999".to_owned()),
            };
            let order_no =
                if payment.order_no == "as-given" { run.entry.order_no.clone() } else { payment.order_no.clone() };
            let message = bank::Credit {
                no: payment.no.clone(),
                order_no,
                amount: Money::new(minor, currency),
                payer_name: name,
                payer_id: id_number,
            };
            for _ in 0..payment.times {
                sent.push(WebhookOrCredit { by: payment.by, credit: message.clone() });
            }
        }
        sent
    }

    async fn payments(&self) -> Result<(), ApiError> {
        let all: Vec<WebhookOrCredit> =
            self.runs.iter().filter(|r| r.placed).flat_map(|r| self.payments_of(r, PaymentWhen::AfterOrder)).collect();
        let count = all.len();
        let (webhooks, credits): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.by == By::Webhook);
        let (bank_api, secret) = (self.stage.hgh.bank.clone(), self.stage.webhook_secret.clone());
        each(webhooks, move |payment| {
            let (bank_api, secret) = (bank_api.clone(), secret.clone());
            async move { payment.send(&bank_api, &secret).await }
        })
        .await?;
        let credits: Vec<bank::Credit> = credits.into_iter().map(|p| p.credit).collect();
        for file in credits.chunks(CREDITS_A_FILE) {
            bank::notify_credits(&self.stage.hgh.bank, file).await?;
        }
        self.tell("demo-payments", count, count);
        let in_escrow = self.count_stage(&self.stage.hgh, "in-escrow").await?;
        self.until("demo-secured", in_escrow, || self.count_stage(&self.stage.kul, "in-escrow")).await
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

    fn s10(entry: &Entry) -> String {
        let serial = 47_000_000 + u32::try_from(entry.entry).unwrap_or(0);
        S10::issue("LX", serial, Country::MY).map(|n| n.to_string()).unwrap_or_default()
    }

    async fn waybills(&self, seller: &Api, when: WaybillWhen) -> Result<(), ApiError> {
        let work: Vec<Run> = self
            .runs
            .iter()
            .filter(|r| r.placed && r.entry.waybill.as_ref().is_some_and(|w| w.when == when))
            .cloned()
            .collect();
        let count = work.len();
        let (carrier, importer) = (self.stage.kul.carrier.clone(), self.stage.hgh.hub.clone());
        let seller = seller.clone();
        each(work, move |run| {
            let (carrier, seller, importer) = (carrier.clone(), seller.clone(), importer.clone());
            async move {
                let Some(script) = &run.entry.waybill else { return Ok(()) };
                let path = trade_path(&run.trade(&importer), "waybill");
                let delivery = delivery_of(&seller, &run.trade(&importer)).await?;
                let good = Self::s10(&run.entry);
                let body = |no: &str| waybill_body(no, &run, script.weight_percent, script.consignee, &delivery, false);
                if script.s10 == S10Script::BadCheckDigitFirst {
                    refused(carrier.post(&path, &body(&wrong_check_digit(&good))).await)?;
                }
                for _ in 0..script.times {
                    accepted_or_standing(carrier.post(&path, &body(&good)).await)?;
                }
                Ok(())
            }
        })
        .await?;
        self.tell("demo-waybills", count, count);
        Ok(())
    }

    async fn export(&self, seller: &Api) -> Result<(), ApiError> {
        let work: Vec<Run> = self.runs.iter().filter(|r| r.placed && r.entry.export.is_some()).cloned().collect();
        let count = work.len();
        let (seller, importer) = (seller.clone(), self.stage.hgh.hub.clone());
        let lodged = each(work, move |run| {
            let (seller, importer) = (seller.clone(), importer.clone());
            async move {
                let Some(script) = &run.entry.export else { return Ok(false) };
                let path = trade_path(&run.trade(&importer), "export-declaration");
                let body = declaration_body(&run, script.pieces_delta, &script.value, false);
                lodged(seller.post(&path, &body).await)
            }
        })
        .await?;
        self.tell("demo-export", lodged.iter().filter(|l| **l).count(), count);
        self.quiet().await
    }

    /// Officers of both sides work off what was not released by itself, as the script says.
    async fn customs(&self) -> Result<(), ApiError> {
        for (hub, holder) in [(&self.stage.kul, "export-customs"), (&self.stage.hgh, "import-customs")] {
            let queue = all_trades(&hub.officer, &format!("holder={holder}&task=examine")).await?;
            let mut decisions = Vec::new();
            for row in &queue {
                let id = text(row, "id").to_owned();
                let run = self.runs.iter().find(|r| r.placed && r.trade(&self.stage.hgh.hub) == id);
                let officer = match holder {
                    "export-customs" => run.and_then(|r| r.entry.export.as_ref()).map(|e| e.officer),
                    _ => run.and_then(|r| r.entry.import.as_ref()).map(|i| i.officer),
                };
                decisions.push((id, officer.unwrap_or(Officer::Release)));
            }
            let count = decisions.len();
            let api = hub.officer.clone();
            each(decisions, move |(id, officer)| {
                let api = api.clone();
                async move {
                    let (decision, reason) = match officer {
                        Officer::Release => ("release", "documents and goods agree"),
                        Officer::Detain => ("detain", "goods are not as declared"),
                    };
                    let body = json!({ "decision": decision, "reason": reason });
                    decided(api.post(&trade_path(&id, "decision"), &body).await)
                }
            })
            .await?;
            self.tell(
                if holder == "export-customs" { "demo-export-officer" } else { "demo-import-officer" },
                count,
                count,
            );
            self.quiet().await?;
        }
        Ok(())
    }

    /// Whoever made a mistake and notices it, mends it.
    async fn corrections(&self, seller: &Api) -> Result<(), ApiError> {
        let (carrier, importer) = (self.stage.kul.carrier.clone(), self.stage.hgh.hub.clone());
        let mut count = 0;
        for run in self.runs.iter().filter(|r| r.placed) {
            let id = run.trade(&importer);
            if let Some((script, correction)) =
                run.entry.waybill.as_ref().and_then(|w| w.correction.as_ref().map(|c| (w, c)))
            {
                let delivery = delivery_of(seller, &id).await?;
                let weight = correction.weight_percent.unwrap_or(script.weight_percent);
                let consignee = correction.consignee.unwrap_or(script.consignee);
                let body = waybill_body(&Self::s10(&run.entry), run, weight, consignee, &delivery, true);
                accepted_or_standing(carrier.post(&trade_path(&id, "waybill"), &body).await)?;
                count += 1;
            }
            if let Some((script, correction)) =
                run.entry.export.as_ref().and_then(|e| e.correction.as_ref().map(|c| (e, c)))
            {
                let delta = correction.pieces_delta.unwrap_or(script.pieces_delta);
                let value = correction.value.clone().unwrap_or_else(|| script.value.clone());
                let body = declaration_body(run, delta, &value, true);
                lodged(seller.post(&trade_path(&id, "export-declaration"), &body).await)?;
                count += 1;
            }
        }
        self.tell("demo-corrections", count, count);
        self.quiet().await
    }

    async fn custody(&self) -> Result<(), ApiError> {
        let steps: [(&Actors, &str, &[&str], &str); 2] = [
            (&self.stage.kul, "export-carrier", &["handed-over", "departed"], "MYKUL"),
            (&self.stage.hgh, "import-carrier", &["arrived", "out-for-delivery", "delivered"], "CNHGH"),
        ];
        for (hub, holder, kinds, place) in steps {
            let rows = all_trades(&hub.carrier, &format!("holder={holder}")).await?;
            let ids: Vec<String> = rows.iter().map(|r| text(r, "id").to_owned()).collect();
            let count = ids.len();
            let api = hub.carrier.clone();
            each(ids, move |id| {
                let api = api.clone();
                async move {
                    for kind in kinds {
                        let body = json!({ "kind": kind, "place": place });
                        decided(api.post(&trade_path(&id, "custody"), &body).await)?;
                    }
                    Ok(())
                }
            })
            .await?;
            self.tell(if holder == "export-carrier" { "demo-departed" } else { "demo-delivered" }, count, count);
            self.quiet().await?;
        }
        Ok(())
    }

    async fn acceptance(&self) -> Result<(), ApiError> {
        let delivered = all_trades(&self.stage.hgh.operator, "stage=delivered").await?;
        let delivered: BTreeSet<String> = delivered.iter().map(|r| text(r, "id").to_owned()).collect();
        let work: Vec<(String, Api)> = self
            .runs
            .iter()
            .filter(|r| r.placed && r.entry.buyer_confirms)
            .map(|r| (r.trade(&self.stage.hgh.hub), self.buyers[&r.entry.buyer].1.clone()))
            .filter(|(id, _)| delivered.contains(id))
            .collect();
        let count = work.len();
        each(
            work,
            move |(id, buyer)| async move { decided(buyer.post(&trade_path(&id, "acceptance"), &json!({})).await) },
        )
        .await?;
        self.tell("demo-accepted", count, count);
        self.quiet().await
    }

    /// Fifteen days go by: quotes expire, claim windows end, credits without an order go back.
    async fn time_passes(&mut self) -> Result<(), ApiError> {
        let late: Vec<usize> =
            (0..self.runs.len()).filter(|i| self.runs[*i].entry.place == Place::AfterQuoteExpired).collect();
        let moved = all_trades(&self.stage.hgh.operator, "stage=delivered").await?.len();
        let expired = self.first_expiry_passed(&late).await?;
        if moved > 0 || !expired {
            let clock = self.stage.hgh.operator.get("/api/v1/clock").await?;
            let now = clock.get("now").and_then(Value::as_i64).unwrap_or(0);
            let to = BusinessTime::from_micros(now).plus_days(trade::time::Days(15));
            self.stage.hgh.operator.post("/api/v1/clock", &json!({ "to": to })).await?;
        }
        self.quiet().await?;
        self.place(late).await?;
        for _ in 0..1_000 {
            let open = self.count_stage(&self.stage.hgh, "delivered").await?
                + self.count_stage(&self.stage.hgh, "awaiting-payment").await?;
            if open == 0 {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.tell("demo-time", 15, 15);
        self.quiet().await
    }

    async fn first_expiry_passed(&self, late: &[usize]) -> Result<bool, ApiError> {
        let clock = self.stage.hgh.operator.get("/api/v1/clock").await?;
        let now = BusinessTime::from_micros(clock.get("now").and_then(Value::as_i64).unwrap_or(0));
        Ok(late.iter().filter_map(|i| self.runs[*i].quote.as_ref()).all(|q| q.expires_at < now))
    }

    /// Payouts and refunds go out in files, and the sandbox bank executes them.
    async fn payouts(&self) -> Result<(), ApiError> {
        for hub in [&self.stage.kul, &self.stage.hgh] {
            // Numbered from the first again after a break: files that were made are given out again.
            let mut count = 0;
            for n in 1.. {
                match bank::execute_payouts(hub, n).await? {
                    0 => break,
                    done => count += done,
                }
            }
            self.tell(if hub.hub == self.stage.kul.hub { "demo-payouts" } else { "demo-refunds" }, count, count);
        }
        self.quiet().await
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

/// An order to be placed: its place in the script, and the credits that come before it.
type Placing = (usize, Run, Vec<WebhookOrCredit>);

/// A credit with the way in which it is told.
#[derive(Clone)]
struct WebhookOrCredit {
    by: By,
    credit: bank::Credit,
}

impl WebhookOrCredit {
    async fn send(&self, bank_api: &Api, secret: &[u8]) -> Result<(), ApiError> {
        match self.by {
            By::Camt054 => bank::notify_credits(bank_api, std::slice::from_ref(&self.credit)).await,
            By::Webhook => bank::send_webhook(bank_api, secret, &self.credit).await,
        }
    }
}
