//! The sample trade up to the order: parties, price lists, quotes, orders.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};
use trade::id::Id;
use trade::party::Party;
use trade::quote::Quote;
use trade::rulebook::Regime;
use trade::time::BusinessTime;

use super::paying::WebhookOrCredit;
use super::{Actors, Counts, Driver, Run, Seller, count, each};
use crate::demo::api::{Api, ApiError};
use crate::demo::messages::{all, is_ready, text};
use crate::demo::script::{self, Buyer, BuyerKind, Entry, PaymentWhen, Place, Way};

impl Driver {
    pub(super) async fn register(&mut self) -> Result<(), ApiError> {
        for way in Way::BOTH {
            let firm = way.firm();
            let id = Id::<Party>::derived(BusinessTime::from_micros(0), &format!("demo/seller/{}", way.code()));
            let body = json!({ "party": id, "role": "seller", "name": firm.name, "country": firm.country,
                "payout_account": firm.account });
            let operator = &self.stage.exporter(way).operator;
            let api = operator.with_key(text(&operator.post("/api/v1/parties", &body).await?, "api_key"));
            self.sellers.insert(way, Seller { api, products: HashMap::new(), ready: HashSet::new() });
        }
        let work: Vec<(Buyer, Way, Api)> = script::buyers()
            .into_iter()
            .map(|buyer| {
                let way = if buyer.country == Way::MyCn.firm().country { Way::CnMy } else { Way::MyCn };
                (buyer, way, self.stage.importer(way).operator.clone())
            })
            .collect();
        let counts = count(work.iter().map(|(_, way, _)| (*way, true)));
        let known = each(work, |(buyer, _, operator)| async move {
            let answer = operator.post("/api/v1/parties", &registration(&buyer)).await?;
            Ok((buyer.id.clone(), (buyer, operator.with_key(text(&answer, "api_key")))))
        })
        .await?;
        self.buyers = known.into_iter().collect();
        self.tell("demo-parties", counts);
        Ok(())
    }

    /// Both firms upload their price lists as they keep them: a workbook, and a text table in GB18030.
    pub(super) async fn price_lists(&mut self) -> Result<(), ApiError> {
        let mut counts = Counts::new();
        for way in Way::BOTH {
            let firm = way.firm();
            let path = format!("/api/v1/price-lists?dry_run=false&file_name={}", firm.file);
            let seller = self.sellers[&way].api.clone();
            let answer = seller.send(&path, firm.media_type, firm.price_list.to_vec(), &[]).await?;
            let rows = answer.get("accepted").and_then(Value::as_array).cloned().unwrap_or_default();
            let products: HashMap<String, String> =
                rows.iter().map(|r| (text(r, "sku").to_owned(), text(r, "product").to_owned())).collect();
            let ready = [Regime::B2cParcel, Regime::B2b].into_iter().flat_map(|regime| {
                let mine = rows.iter().filter(move |row| is_ready(row, regime));
                mine.map(move |row| (text(row, "sku").to_owned(), regime))
            });
            let ready: HashSet<(String, Regime)> = ready.collect();
            let parcels = ready.iter().filter(|(_, regime)| *regime == Regime::B2cParcel).count();
            counts.insert(way, (parcels, products.len()));
            self.sellers.insert(way, Seller { api: seller, products, ready });
        }
        self.tell("demo-price-list", counts);
        self.quiet().await
    }

    /// The sellers ask what one piece of each product costs to the door abroad.
    pub(super) async fn seller_quotes(&self) -> Result<(), ApiError> {
        let mut asks = Vec::new();
        for (way, seller) in &self.sellers {
            let importer = &self.stage.importer(*way).hub;
            asks.extend(seller.products.iter().map(|(sku, product)| {
                let quote = Id::<Quote>::derived(BusinessTime::from_micros(0), &format!("demo/ask/{sku}"));
                let lines = json!([{ "product": product, "pieces": 1 }]);
                (*way, seller.api.clone(), json!({ "quote": quote, "importer": importer, "lines": lines }))
            }));
        }
        let asked = each(asks, |(way, api, body)| async move {
            match api.post("/api/v1/quotes", &body).await {
                Ok(_) => Ok((way, true)),
                Err(ApiError::Refused { .. }) => Ok((way, false)),
                Err(e) => Err(e),
            }
        })
        .await?;
        self.tell("demo-asked", count(asked));
        Ok(())
    }

    /// Buyers ask for the price to the door of what they want.
    pub(super) async fn quotes(&mut self) -> Result<(), ApiError> {
        let mut offered = BTreeMap::new();
        for way in Way::BOTH {
            offered.insert(way, self.offered(way).await?);
        }
        let asks: Vec<(Run, Value, Api, bool)> = self.runs.iter().map(|run| self.ask(run, &offered)).collect();
        self.runs = each(asks, |(mut run, body, api, on_offer)| async move {
            match api.post("/api/v1/quotes", &body).await {
                Ok(quote) if on_offer => {
                    run.deposit = deposit_of(&quote);
                    run.quote = serde_json::from_value(quote).ok();
                }
                Ok(_) => {}
                Err(ApiError::Unreachable { url, cause }) => return Err(ApiError::Unreachable { url, cause }),
                Err(refused) => {
                    let detail = refused.arg("first").unwrap_or_default().to_owned();
                    run.ended = Some(("quote-refused".into(), refused.code().to_owned(), detail));
                }
            }
            Ok(run)
        })
        .await?;
        self.tell("demo-quotes", count(self.runs.iter().map(|r| (r.entry.way, r.quote.is_some()))));
        Ok(())
    }

    /// Who asks for the price of an order, and what. What is not ready for its regime is not sold abroad:
    /// its own hub says why, and says so to the seller.
    fn ask(&self, run: &Run, offered: &BTreeMap<Way, BTreeSet<String>>) -> (Run, Value, Api, bool) {
        let way = run.entry.way;
        let seller = &self.sellers[&way];
        let product = |sku: &str| seller.products.get(sku);
        let id = Id::<Quote>::derived(BusinessTime::from_micros(0), &format!("demo/quote/{}", run.entry.entry));
        let lines: Vec<Value> =
            run.entry.lines.iter().map(|l| json!({ "product": product(&l.sku), "pieces": l.quantity })).collect();
        let is_sold = |sku: &String| {
            let ready = seller.ready.contains(&(sku.clone(), run.entry.regime));
            ready && product(sku).is_some_and(|p| offered[&way].contains(p))
        };
        let on_offer = run.entry.lines.iter().all(|l| is_sold(&l.sku));
        let mut body = json!({ "quote": id, "lines": lines, "terms": terms(&run.entry) });
        let (hub, api) = if on_offer {
            ("exporter", self.buyers[&run.entry.buyer].1.clone())
        } else {
            ("importer", seller.api.clone())
        };
        let peer = if on_offer { self.stage.exporter(way) } else { self.stage.importer(way) };
        body[hub] = json!(peer.hub);
        (run.clone(), body, api, on_offer)
    }

    /// Products of one way's seller that the importing hub offers.
    async fn offered(&self, way: Way) -> Result<BTreeSet<String>, ApiError> {
        let offers = all(&self.stage.importer(way).operator, "/api/v1/offers?limit=100", "offers").await?;
        Ok(offers.iter().filter_map(|o| text(o, "key").rsplit_once('/')).map(|(_, p)| p.to_owned()).collect())
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
        self.tell("demo-orders", count(self.runs.iter().map(|r| (r.entry.way, r.placed))));
        self.known_on_both_sides(self.placed().count()).await
    }

    pub(super) async fn place(&mut self, which: Vec<usize>) -> Result<(), ApiError> {
        let mut by_buyer: BTreeMap<String, Vec<Placing>> = BTreeMap::new();
        for i in which {
            let run = self.runs[i].clone();
            let early = self.payments_of(&run, PaymentWhen::BeforeOrder);
            by_buyer.entry(run.entry.buyer.clone()).or_default().push((i, run, early));
        }
        let work: Vec<(Api, Actors, Vec<Placing>)> = by_buyer
            .into_iter()
            .filter_map(|(buyer, runs)| {
                let way = runs.first()?.1.entry.way;
                Some((self.buyers[&buyer].1.clone(), self.stage.importer(way).clone(), runs))
            })
            .collect();
        let done = each(work, |(api, importer, runs)| async move {
            let mut done = Vec::new();
            for (i, mut run, early) in runs {
                for payment in early {
                    payment.send(&importer).await?;
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

/// A person joins with its identity, a firm with its number in the register.
fn registration(buyer: &Buyer) -> Value {
    let id = Id::<Party>::derived(BusinessTime::from_micros(0), &format!("demo/buyer/{}", buyer.id));
    match buyer.kind {
        BuyerKind::Person => json!({ "party": id, "role": "buyer", "name": format!("Buyer {}", buyer.id),
            "country": buyer.country,
            "person": { "name": buyer.name, "phone": buyer.phone, "address": buyer.address,
                "id_type": buyer.id_type, "id_number": buyer.id_number, "checked": buyer.verified } }),
        BuyerKind::Business => json!({ "party": id, "role": "buyer", "name": buyer.pays_as(), "country": buyer.country,
            "registration": buyer.id_number }),
    }
}

/// On which terms the buyer asks: as a consumer, or as a firm under an Incoterm.
fn terms(entry: &Entry) -> Value {
    match &entry.incoterm {
        None => json!({ "regime": entry.regime }),
        Some(term) => json!({ "regime": entry.regime, "incoterm": term.rule, "place": term.place }),
    }
}

fn deposit_of(quote: &Value) -> Option<trade::money::Money> {
    quote.pointer("/sale/deposit/amount").and_then(|amount| serde_json::from_value(amount.clone()).ok())
}
