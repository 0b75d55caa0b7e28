//! Goods in the sample trade: waybills, customs at both ends, custody, acceptance.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use trade::codes::S10;
use trade::time::{BusinessTime, Days};

use super::{Actors, Driver, Run, count, each};
use crate::demo::api::{Api, ApiError};
use crate::demo::messages::{
    accepted_or_standing, all_trades, decided, declaration_body, delivery_of, lodged, refused, text, trade_path,
    waybill_body, wrong_check_digit,
};
use crate::demo::script::{Entry, Officer, Place, S10Script, Way, WaybillWhen};

/// Which side of a trade somebody works on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Export,
    Import,
}

impl Driver {
    fn s10(entry: &Entry) -> String {
        let serial = 47_000_000 + u32::try_from(entry.entry).unwrap_or(0);
        S10::issue("LX", serial, entry.way.firm().country).map(|n| n.to_string()).unwrap_or_default()
    }

    pub(super) async fn waybills(&self, when: WaybillWhen) -> Result<(), ApiError> {
        let due = |run: &&Run| run.entry.waybill.as_ref().is_some_and(|w| w.when == when);
        let work: Vec<_> = self
            .placed()
            .filter(due)
            .map(|run| {
                let carrier = self.stage.exporter(run.entry.way).carrier.clone();
                (run.clone(), self.trade(run), carrier, self.seller(run))
            })
            .collect();
        let issued = count(work.iter().map(|(run, ..)| (run.entry.way, true)));
        each(work, |(run, id, carrier, seller)| async move {
            let Some(script) = &run.entry.waybill else { return Ok(()) };
            let path = trade_path(&id, "waybill");
            let delivery = delivery_of(&seller, &id).await?;
            let good = Self::s10(&run.entry);
            let body = |no: &str| waybill_body(no, &run, script.weight_percent, script.consignee, &delivery, false);
            if script.s10 == S10Script::BadCheckDigitFirst {
                refused(carrier.post(&path, &body(&wrong_check_digit(&good))).await)?;
            }
            for _ in 0..script.times {
                accepted_or_standing(carrier.post(&path, &body(&good)).await)?;
            }
            Ok(())
        })
        .await?;
        self.tell("demo-waybills", issued);
        Ok(())
    }

    pub(super) async fn export(&self) -> Result<(), ApiError> {
        let work: Vec<_> = self
            .placed()
            .filter(|r| r.entry.export.is_some())
            .map(|run| (run.clone(), self.trade(run), self.seller(run)))
            .collect();
        let lodged = each(work, |(run, id, seller)| async move {
            let Some(script) = &run.entry.export else { return Ok((run.entry.way, false)) };
            let path = trade_path(&id, "export-declaration");
            let body = declaration_body(&run, script.pieces_delta, &script.value, false);
            Ok((run.entry.way, lodged(seller.post(&path, &body).await)?))
        })
        .await?;
        self.tell("demo-export", count(lodged));
        self.quiet().await
    }

    /// Trades of one side on the hub that works on it, each way: a hub exports and imports at once, and
    /// has its own side of every trade.
    async fn side(
        &self,
        way: Way,
        side: Side,
        by: impl Fn(&Actors) -> &Api,
        filter: &str,
    ) -> Result<Vec<String>, ApiError> {
        let hub = if side == Side::Export { self.stage.exporter(way) } else { self.stage.importer(way) };
        let ours = format!("{}:", self.stage.importer(way).hub);
        let rows = all_trades(by(hub), filter).await?;
        Ok(rows.iter().map(|r| text(r, "id").to_owned()).filter(|id| id.starts_with(&ours)).collect())
    }

    /// Officers of both sides work off what was not released by itself, as the script says.
    pub(super) async fn customs(&self) -> Result<(), ApiError> {
        let scripts: BTreeMap<String, &Entry> = self.placed().map(|r| (self.trade(r), &r.entry)).collect();
        for (side, holder, step) in [
            (Side::Export, "export-customs", "demo-export-officer"),
            (Side::Import, "import-customs", "demo-import-officer"),
        ] {
            let mut decisions = Vec::new();
            for way in Way::BOTH {
                let hub = if side == Side::Export { self.stage.exporter(way) } else { self.stage.importer(way) };
                let queue = self.side(way, side, |h| &h.officer, &format!("holder={holder}&task=examine")).await?;
                decisions.extend(queue.into_iter().map(|id| {
                    let script = scripts.get(&id);
                    let officer = match side {
                        Side::Export => script.and_then(|e| e.export.as_ref()).map(|e| e.officer),
                        Side::Import => script.and_then(|e| e.import.as_ref()).map(|i| i.officer),
                    };
                    (way, id, hub.officer.clone(), officer.unwrap_or(Officer::Release))
                }));
            }
            let counts = count(decisions.iter().map(|(way, ..)| (*way, true)));
            each(decisions, |(_, id, api, officer)| async move {
                let (decision, reason) = match officer {
                    Officer::Release => ("release", "documents and goods agree"),
                    Officer::Detain => ("detain", "goods are not as declared"),
                };
                let body = json!({ "decision": decision, "reason": reason });
                decided(api.post(&trade_path(&id, "decision"), &body).await)
            })
            .await?;
            self.tell(step, counts);
            self.quiet().await?;
        }
        Ok(())
    }

    /// Whoever made a mistake and notices it, mends it.
    pub(super) async fn corrections(&self) -> Result<(), ApiError> {
        let mut mended = Vec::new();
        for run in self.placed() {
            let (id, seller) = (self.trade(run), self.seller(run));
            let carrier = &self.stage.exporter(run.entry.way).carrier;
            if let Some((script, correction)) =
                run.entry.waybill.as_ref().and_then(|w| w.correction.as_ref().map(|c| (w, c)))
            {
                let delivery = delivery_of(&seller, &id).await?;
                let weight = correction.weight_percent.unwrap_or(script.weight_percent);
                let consignee = correction.consignee.unwrap_or(script.consignee);
                let body = waybill_body(&Self::s10(&run.entry), run, weight, consignee, &delivery, true);
                accepted_or_standing(carrier.post(&trade_path(&id, "waybill"), &body).await)?;
                mended.push((run.entry.way, true));
            }
            if let Some((script, correction)) =
                run.entry.export.as_ref().and_then(|e| e.correction.as_ref().map(|c| (e, c)))
            {
                let delta = correction.pieces_delta.unwrap_or(script.pieces_delta);
                let value = correction.value.clone().unwrap_or_else(|| script.value.clone());
                let body = declaration_body(run, delta, &value, true);
                lodged(seller.post(&trade_path(&id, "export-declaration"), &body).await)?;
                mended.push((run.entry.way, true));
            }
        }
        self.tell("demo-corrections", count(mended));
        self.quiet().await
    }

    pub(super) async fn custody(&self) -> Result<(), ApiError> {
        let steps: [(Side, &str, &'static [&'static str], &'static str); 2] = [
            (Side::Export, "export-carrier", &["handed-over", "departed"], "demo-departed"),
            (Side::Import, "import-carrier", &["arrived", "out-for-delivery", "delivered"], "demo-delivered"),
        ];
        for (side, holder, kinds, step) in steps {
            let mut work = Vec::new();
            for way in Way::BOTH {
                let hub = if side == Side::Export { self.stage.exporter(way) } else { self.stage.importer(way) };
                let place = if side == Side::Export { way.places().0 } else { way.places().1 };
                let ids = self.side(way, side, |h| &h.carrier, &format!("holder={holder}")).await?;
                work.extend(ids.into_iter().map(|id| (way, id, hub.carrier.clone(), place)));
            }
            let counts = count(work.iter().map(|(way, ..)| (*way, true)));
            each(work, move |(_, id, api, place)| async move {
                for kind in kinds {
                    let body = json!({ "kind": kind, "place": place });
                    decided(api.post(&trade_path(&id, "custody"), &body).await)?;
                }
                Ok(())
            })
            .await?;
            self.tell(step, counts);
            self.quiet().await?;
        }
        Ok(())
    }

    pub(super) async fn acceptance(&self) -> Result<(), ApiError> {
        let delivered = self.delivered().await?;
        let work: Vec<(Way, String, Api)> = self
            .placed()
            .filter(|r| r.entry.buyer_confirms)
            .map(|r| (r.entry.way, self.trade(r), self.buyers[&r.entry.buyer].1.clone()))
            .filter(|(_, id, _)| delivered.contains(id))
            .collect();
        let counts = count(work.iter().map(|(way, ..)| (*way, true)));
        each(
            work,
            |(_, id, buyer)| async move { decided(buyer.post(&trade_path(&id, "acceptance"), &json!({})).await) },
        )
        .await?;
        self.tell("demo-accepted", counts);
        self.quiet().await
    }

    async fn delivered(&self) -> Result<BTreeSet<String>, ApiError> {
        let mut delivered = BTreeSet::new();
        for way in Way::BOTH {
            delivered.extend(self.side(way, Side::Import, |h| &h.operator, "stage=delivered").await?);
        }
        Ok(delivered)
    }

    /// Time goes by: quotes expire, claim windows end, credits without an order go back; and once more,
    /// until the balance of a deposit is no longer waited for.
    pub(super) async fn time_passes(&mut self) -> Result<(), ApiError> {
        let late: Vec<usize> =
            (0..self.runs.len()).filter(|i| self.runs[*i].entry.place == Place::AfterQuoteExpired).collect();
        let moved = self.delivered().await?.len();
        if moved > 0 || !self.first_expiry_passed(&late).await? {
            self.days_pass(15).await?;
        }
        self.quiet().await?;
        self.place(late).await?;
        self.settled(&["delivered", "awaiting-payment"]).await?;
        self.tell("demo-time", count([]));
        if self.count_stage("deposited").await? > 0 {
            self.days_pass(16).await?;
            self.settled(&["deposited"]).await?;
            self.tell("demo-more-time", count([]));
        }
        self.quiet().await
    }

    /// The clock is moved on one hub; the road takes it to the other.
    async fn days_pass(&self, days: i64) -> Result<(), ApiError> {
        let operator = &self.stage.hgh.operator;
        let now = operator.get("/api/v1/clock").await?.get("now").and_then(Value::as_i64).unwrap_or(0);
        let to = BusinessTime::from_micros(now).plus_days(Days(days));
        operator.post("/api/v1/clock", &json!({ "to": to })).await.map(|_| ())
    }

    /// Waits until no trade is left in these stages, or no more are going to leave them.
    async fn settled(&self, stages: &[&str]) -> Result<(), ApiError> {
        for _ in 0..1_000 {
            let mut open = 0;
            for stage in stages {
                open += self.count_stage(stage).await?;
            }
            if open == 0 {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.quiet().await
    }

    async fn first_expiry_passed(&self, late: &[usize]) -> Result<bool, ApiError> {
        let clock = self.stage.hgh.operator.get("/api/v1/clock").await?;
        let now = BusinessTime::from_micros(clock.get("now").and_then(Value::as_i64).unwrap_or(0));
        Ok(late.iter().filter_map(|i| self.runs[*i].quote.as_ref()).all(|q| q.expires_at < now))
    }
}
