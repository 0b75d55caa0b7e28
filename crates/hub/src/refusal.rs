//! What the rules refused, counted: by command, reason and day of business time.
//!
//! A count says how often it was said, not how many orders or parties it concerns: a refused
//! command that is sent again, by an impatient caller or after a kill, is refused again and counts
//! again. Nothing else is kept of a refusal, since it changed nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Any;
use trade::command::Outcome;
use trade::commands::Command;

use crate::db::{StoreError, int, text};
use crate::hub::{Answer, Hub};
use crate::rows::{Rows, Statement};

/// How often one reason was given to one kind of command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalCount {
    pub command: String,
    pub code: String,
    pub count: i64,
}

/// The counts of a batch, written in its transaction; no rows, and so no statement, where nothing
/// was refused.
pub(crate) fn changes(commands: &[&Command], answers: &[Answer], day: impl FnOnce() -> String) -> Statement {
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (command, answer) in commands.iter().zip(answers) {
        if let Ok(Outcome::Err(problem)) = answer {
            *counts.entry((command.kind(), &problem.code)).or_insert(0) += 1;
        }
    }
    let mut rows = Rows::new();
    if !counts.is_empty() {
        let day = day();
        for ((command, code), count) in counts {
            rows.row().text(&day).text(command).text(code).int(count);
        }
    }
    // SQLite takes ON for a join's where a SELECT without WHERE stands before it.
    rows.into_statement(
        "INSERT INTO refusal (day, command, code, count) \
         SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT) FROM {rows} WHERE TRUE \
         ON CONFLICT (day, command, code) DO UPDATE SET count = refusal.count + excluded.count",
    )
}

impl Hub {
    /// What was refused on a day of business time (`2026-11-23`, at this hub's office) and since,
    /// the most frequent first.
    pub async fn refusals(&self, since: &str) -> Result<Vec<RefusalCount>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT command, code, CAST(SUM(count) AS BIGINT) AS said FROM refusal WHERE day >= $1 \
                   GROUP BY command, code ORDER BY said DESC, command, code";
        let rows = sqlx::query::<Any>(sql).bind(since.to_owned()).fetch_all(&mut *conn).await?;
        let count = |row| Ok(RefusalCount { command: text(row, 0)?, code: text(row, 1)?, count: int(row, 2)? });
        rows.iter().map(count).collect()
    }
}
