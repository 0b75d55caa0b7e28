//! The health certificates that the sample's honey and bird's nest leave with: the seller asks, the
//! agency grants, and the export declarations draw from them by themselves.

use jiff::Span;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use trade::id::Id;
use trade::permit::Permit;
use trade::time::BusinessTime;

use super::{Driver, count};
use crate::demo::api::ApiError;
use crate::demo::script::Way;

/// Goods of the sample for which Malaysia asks for a certificate at export.
const CERTIFIED: [&str; 2] = ["040900", "041090"];
/// More than the whole sample sells.
const PIECES: i64 = 1_000_000;

impl Driver {
    pub(super) async fn permits(&self) -> Result<(), ApiError> {
        let seller = &self.sellers[&Way::MyCn].api;
        let kul = self.stage.exporter(Way::MyCn);
        let clock = kul.operator.get("/api/v1/clock").await?;
        let now = BusinessTime::from_micros(clock.get("now").and_then(Value::as_i64).unwrap_or_default());
        let today = now.date_in(&TimeZone::UTC);
        let from = today.checked_sub(Span::new().days(1)).unwrap_or(today);
        let until = today.checked_add(Span::new().days(365)).unwrap_or(today);
        for hs in CERTIFIED {
            let id = Id::<Permit>::derived(BusinessTime::from_micros(0), &format!("demo/permit/{hs}"));
            let body = json!({ "permit": id, "hs": hs, "peer": self.stage.importer(Way::MyCn).hub, "pieces": PIECES,
                "note": "Whole season of the sample" });
            seller.post("/api/v1/permits", &body).await?;
            let grant = json!({ "decision": "grant", "no": format!("HC-{hs}"), "pieces": PIECES,
                "from": from, "until": until });
            match kul.agency.post(&format!("/api/v1/permits/{id}/decision"), &grant).await {
                // A run that was cut off had it granted, on the day of that run.
                Ok(_) | Err(ApiError::Refused { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        self.tell("demo-permits", count(CERTIFIED.map(|_| (Way::MyCn, true))));
        Ok(())
    }
}
