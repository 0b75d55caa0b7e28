//! Goods in the sample trade: waybills, customs at both ends, custody, acceptance.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use trade::codes::{Country, S10};
use trade::time::BusinessTime;

use super::{Actors, Driver, Run, each};
use crate::demo::api::{Api, ApiError};
use crate::demo::messages::{
    accepted_or_standing, all_trades, decided, declaration_body, delivery_of, lodged, refused, text, trade_path,
    waybill_body, wrong_check_digit,
};
use crate::demo::script::{Entry, Officer, Place, S10Script, WaybillWhen};

impl Driver {
    pub(super) fn s10(entry: &Entry) -> String {
        let serial = 47_000_000 + u32::try_from(entry.entry).unwrap_or(0);
        S10::issue("LX", serial, Country::MY).map(|n| n.to_string()).unwrap_or_default()
    }

    pub(super) async fn waybills(&self, seller: &Api, when: WaybillWhen) -> Result<(), ApiError> {
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

    pub(super) async fn export(&self, seller: &Api) -> Result<(), ApiError> {
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
    pub(super) async fn customs(&self) -> Result<(), ApiError> {
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
    pub(super) async fn corrections(&self, seller: &Api) -> Result<(), ApiError> {
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

    pub(super) async fn custody(&self) -> Result<(), ApiError> {
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

    pub(super) async fn acceptance(&self) -> Result<(), ApiError> {
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
    pub(super) async fn time_passes(&mut self) -> Result<(), ApiError> {
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

    pub(super) async fn first_expiry_passed(&self, late: &[usize]) -> Result<bool, ApiError> {
        let clock = self.stage.hgh.operator.get("/api/v1/clock").await?;
        let now = BusinessTime::from_micros(clock.get("now").and_then(Value::as_i64).unwrap_or(0));
        Ok(late.iter().filter_map(|i| self.runs[*i].quote.as_ref()).all(|q| q.expires_at < now))
    }
}
