//! What became of every order, asked of the hubs.

use serde_json::Value;

use super::{Driver, Run, each};
use crate::demo::api::ApiError;
use crate::demo::messages::trade_path;
use crate::demo::outcome::{OutcomeRow, outcome_of, quoted, settle_amounts, word};

impl Driver {
    pub(super) async fn outcomes(&self) -> Result<Vec<OutcomeRow>, ApiError> {
        let work: Vec<_> = self
            .runs
            .iter()
            .map(|run| {
                let way = run.entry.way;
                let (here, there) = (self.stage.importer(way), self.stage.exporter(way));
                (run.clone(), self.trade(run), here.operator.clone(), there.operator.clone())
            })
            .collect();
        each(work, |(run, id, here, there)| async move {
            let mut row = begun(&run);
            if let Some(quote) = &run.quote {
                quoted(&mut row, quote);
            }
            if let Some((outcome, reason, detail)) = run.ended {
                (row.outcome, row.reason, row.detail) = (outcome, reason, detail);
                return Ok(row);
            }
            let here = here.get(&trade_path(&id, "")).await?;
            let file = here.get("file").cloned().unwrap_or(Value::Null);
            (row.outcome, row.reason, row.detail) = outcome_of(&here, &file);
            if row.outcome == "paid" {
                let there = there.get(&trade_path(&id, "")).await?;
                settle_amounts(&mut row, &file, &there);
            }
            Ok(row)
        })
        .await
    }
}

fn begun(run: &Run) -> OutcomeRow {
    OutcomeRow {
        entry: run.entry.entry,
        way: run.entry.way.code().to_owned(),
        regime: word(&run.entry.regime),
        order_no: run.entry.order_no.clone(),
        ..OutcomeRow::default()
    }
}
