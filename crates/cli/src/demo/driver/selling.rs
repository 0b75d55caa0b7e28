//! The sample trade up to the order: parties, price list, quotes, orders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};
use trade::id::Id;
use trade::party::Party;
use trade::quote::Quote;
use trade::time::BusinessTime;

use super::paying::WebhookOrCredit;
use super::{Driver, Run, each};
use crate::demo::api::{Api, ApiError};
use crate::demo::messages::{all, is_ready, text};
use crate::demo::script::{self, Buyer, PaymentWhen, Place};

impl Driver {
    pub(super) async fn register(&mut self) -> Result<Api, ApiError> {
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
    pub(super) async fn price_list(&self, seller: &Api) -> Result<HashMap<String, String>, ApiError> {
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
    pub(super) async fn seller_quotes(&self, seller: &Api, products: &HashMap<String, String>) -> Result<(), ApiError> {
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
    pub(super) async fn quotes(&mut self, seller: &Api, products: &HashMap<String, String>) -> Result<(), ApiError> {
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

    pub(super) async fn offered(&self) -> Result<Arc<BTreeSet<String>>, ApiError> {
        let offers = all(&self.stage.hgh.operator, "/api/v1/offers?limit=100", "offers").await?;
        Ok(Arc::new(offers.iter().filter_map(|o| text(o, "key").rsplit_once('/')).map(|(_, p)| p.to_owned()).collect()))
    }

    /// Orders are placed in their order for each buyer; numbers that are used again come after.
    pub(super) async fn orders(&mut self) -> Result<(), ApiError> {
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

    pub(super) async fn place(&mut self, which: Vec<usize>) -> Result<(), ApiError> {
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
}

/// An order to be placed: its place in the script, and the credits that come before it.
type Placing = (usize, Run, Vec<WebhookOrCredit>);
