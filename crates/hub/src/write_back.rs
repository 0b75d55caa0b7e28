//! SQLite's write-ahead log is written back into its file by a task of its own, so that commits do
//! not wait for it: a busy hub would spend a tenth of its time on that.
//!
//! What is left when the log has reached its limit (see `wal_autocheckpoint` in `db.rs`) is written
//! back by the commit that meets it, so the log stays bounded however busy the hub is. PostgreSQL has
//! a process for this.

use std::time::Duration;

use sqlx::Connection;
use tokio::sync::watch;

use crate::db::{Db, StoreError};

/// Between two rounds: some tens of MB are written in it at most.
const EVERY: Duration = Duration::from_millis(250);

/// Ends with the lane that commits.
pub(crate) async fn run(db: Db, mut committed: watch::Receiver<u64>) {
    if !db.has_log() {
        return;
    }
    while committed.changed().await.is_ok() {
        // A round that fails, on a full disk for one, has lost nothing: the log keeps what it has.
        let _: Result<(), StoreError> = rounds(&db, &mut committed).await;
        tokio::time::sleep(EVERY).await;
    }
}

async fn rounds(db: &Db, committed: &mut watch::Receiver<u64>) -> Result<(), StoreError> {
    let mut conn = db.connect().await?;
    loop {
        Db::write_back(&mut conn).await?;
        tokio::time::sleep(EVERY).await;
        if committed.changed().await.is_err() {
            return Ok(conn.close().await?);
        }
    }
}
