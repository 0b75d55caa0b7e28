//! Leases: which node decides on a lane. The fence counts owners; a transaction of the lane
//! renews the lease under its fence, and so fails once another node has taken over.

use sqlx::{Any, AnyConnection};
use trade::time::WallTime;

use crate::db::{Db, Isolation, StoreError, int, text};
use crate::hub::Node;

/// What decides: all commands.
pub(crate) const DECIDE: &str = "decide";
/// What numbers and signs: the log's tree.
pub(crate) const SEQUENCE: &str = "sequence";

/// A lease that is ours for as long as nobody has a higher fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub lane: &'static str,
    pub node: Node,
    pub fence: i64,
    /// How long it holds without being renewed.
    pub seconds: i64,
}

/// Whose lane it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Ours(Lease),
    Theirs(Node),
}

/// Takes a lane that nobody holds, whose lease has run out, or that this node held before.
pub(crate) async fn take(
    db: &Db,
    conn: &mut AnyConnection,
    lane: &'static str,
    node: &Node,
    seconds: i64,
    now: WallTime,
) -> Result<Taken, StoreError> {
    let mut tx = db.begin(conn, Isolation::Fenced).await?;
    let sql = db.sql("SELECT owner, address, fence, until FROM lane WHERE lane = $1 {lock}");
    let row = sqlx::query::<Any>(sql).bind(lane).fetch_optional(&mut *tx).await?;
    let fence = match row {
        None => 1,
        Some(row) => {
            let owner = Node { name: text(&row, 0)?, address: text(&row, 1)? };
            if owner.name != node.name && int(&row, 3)? >= now.micros() {
                return Ok(Taken::Theirs(owner));
            }
            int(&row, 2)? + 1
        }
    };
    // Two nodes that find no row at once: the later one changes nothing and tries again.
    let sql = "INSERT INTO lane (lane, owner, address, fence, until) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (lane) DO UPDATE SET owner = excluded.owner, address = excluded.address, \
               fence = excluded.fence, until = excluded.until WHERE lane.fence = excluded.fence - 1";
    let taken = sqlx::query::<Any>(sql)
        .bind(lane)
        .bind(node.name.clone())
        .bind(node.address.clone())
        .bind(fence)
        .bind(now.plus_seconds(seconds).micros())
        .execute(&mut *tx)
        .await?;
    if taken.rows_affected() == 0 {
        return Err(StoreError::StoreConflict);
    }
    tx.commit().await?;
    Ok(Taken::Ours(Lease { lane, node: node.clone(), fence, seconds }))
}

/// Who decides, and until when the lease holds; `None` before the first.
pub(crate) async fn holder(conn: &mut AnyConnection, lane: &str) -> Result<Option<(Node, WallTime)>, StoreError> {
    let sql = "SELECT owner, address, until FROM lane WHERE lane = $1";
    let row = sqlx::query::<Any>(sql).bind(lane.to_owned()).fetch_optional(conn).await?;
    let read = |row: &sqlx::any::AnyRow| {
        let node = Node { name: text(row, 0)?, address: text(row, 1)? };
        Ok((node, WallTime::from_micros(int(row, 2)?)))
    };
    row.as_ref().map(read).transpose()
}

impl Lease {
    /// Reads the lease within a transaction and prolongs it; `false` if it is another's by now.
    pub async fn renew(&self, conn: &mut AnyConnection, now: WallTime) -> Result<bool, StoreError> {
        self.set_until(conn, now.plus_seconds(self.seconds).micros()).await
    }

    /// Lets the next node take over at once.
    pub async fn release(&self, conn: &mut AnyConnection) -> Result<bool, StoreError> {
        self.set_until(conn, 0).await
    }

    async fn set_until(&self, conn: &mut AnyConnection, until: i64) -> Result<bool, StoreError> {
        let renewed = sqlx::query::<Any>("UPDATE lane SET until = $1 WHERE lane = $2 AND owner = $3 AND fence = $4")
            .bind(until)
            .bind(self.lane)
            .bind(self.node.name.clone())
            .bind(self.fence)
            .execute(conn)
            .await?;
        Ok(renewed.rows_affected() == 1)
    }
}
