//! What peers told, kept as it came: each entry with its proof, and the signed head that it leads to.
//! Only appended to, in the order of the road, so that it costs no random page.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::checkpoint::{Epoch, SignedCheckpoint};
use trade::codes::HubId;
use trade::log::{Bytes, Hash};
use trade::road::Entry;
use trade::world::Changes;

use crate::db::{StoreError, bytes, int, parsed};
use crate::event::{column, count};
use crate::hub::Hub;
use crate::rows::{Rows, Statement};

/// One entry of a peer, and which of its heads proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub epoch: Epoch,
    /// Size of that head.
    pub size: u64,
    pub entry: Entry,
}

/// The entries and the heads that this batch brought.
pub(crate) fn changes(changes: &Changes) -> [Statement; 2] {
    let (mut entries, mut heads) = (Rows::new(), Rows::new());
    let mut proof = Vec::new();
    for received in &changes.received {
        let head = received.head.claimed();
        let (peer, epoch, size) = (received.peer.as_str(), i64::from(head.origin.epoch.0), column(head.size));
        heads.row().text(peer).int(epoch).int(size).shown(&received.head);
        for entry in &received.entries {
            proof.clear();
            proof.extend(entry.proof.iter().flat_map(|hash| hash.as_bytes()));
            entries
                .row()
                .text(peer)
                .int(column(entry.road_seq))
                .int(column(entry.index))
                .int(epoch)
                .int(size)
                .bytes(&entry.leaf.0)
                .bytes(&proof);
        }
    }
    let entries = entries.into_statement(
        "INSERT INTO received (peer, road_seq, n, epoch, size, leaf, proof) \
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
         CAST(value ->> 4 AS BIGINT), substr($2, CAST(value ->> 5 AS INTEGER), CAST(value ->> 6 AS INTEGER)), \
         substr($2, CAST(value ->> 7 AS INTEGER), CAST(value ->> 8 AS INTEGER)) FROM {rows}",
    );
    let heads = heads.into_statement(
        "INSERT INTO seen_head (peer, epoch, size, note) SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), \
         CAST(value ->> 2 AS BIGINT), value ->> 3 FROM {rows} WHERE true ON CONFLICT (peer, epoch, size) DO NOTHING",
    );
    [entries, heads]
}

fn heard(row: &AnyRow) -> Result<Heard, StoreError> {
    let whole = |hash: &[u8]| hash.try_into().map(Hash::from_bytes).map_err(|_| StoreError::damaged("a proof"));
    let entry = Entry {
        road_seq: count(int(row, 0)?)?,
        index: count(int(row, 1)?)?,
        leaf: Bytes(bytes(row, 4)?.to_vec()),
        proof: bytes(row, 5)?.chunks(32).map(whole).collect::<Result<_, _>>()?,
    };
    let epoch = u32::try_from(int(row, 2)?).map_err(|_| StoreError::damaged("an epoch"))?;
    Ok(Heard { epoch: Epoch(epoch), size: count(int(row, 3)?)?, entry })
}

impl Hub {
    /// What a peer told under these road numbers, in their order.
    pub async fn heard(&self, peer: &HubId, numbers: &BTreeSet<u64>) -> Result<Vec<Heard>, StoreError> {
        let mut rows = Rows::new();
        for number in numbers {
            rows.row().text(peer.as_str()).int(column(*number));
        }
        let sql = "SELECT road_seq, n, epoch, size, leaf, proof FROM {rows} JOIN received \
                   ON received.peer = value ->> 0 AND received.road_seq = CAST(value ->> 1 AS BIGINT) ORDER BY road_seq";
        let mut conn = self.db().reader().await?;
        rows.into_statement(sql).fetch(self.db(), &mut conn).await?.iter().map(heard).collect()
    }

    /// What a peer told after a road number, in order.
    pub async fn heard_after(&self, peer: &HubId, after: u64, limit: i64) -> Result<Vec<Heard>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT road_seq, n, epoch, size, leaf, proof FROM received WHERE peer = $1 AND road_seq > $2 \
                   ORDER BY road_seq LIMIT $3";
        let query = sqlx::query::<Any>(sql).bind(peer.as_str().to_owned()).bind(column(after));
        query.bind(crate::page::clamp(limit)).fetch_all(&mut *conn).await?.iter().map(heard).collect()
    }

    /// The heads that prove these entries.
    pub async fn heads_of(&self, peer: &HubId, heard: &[Heard]) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let wanted: BTreeSet<(Epoch, u64)> = heard.iter().map(|h| (h.epoch, h.size)).collect();
        let mut rows = Rows::new();
        for (epoch, size) in wanted {
            rows.row().text(peer.as_str()).int(i64::from(epoch.0)).int(column(size));
        }
        let sql = "SELECT note FROM {rows} JOIN seen_head ON seen_head.peer = value ->> 0 \
                   AND seen_head.epoch = CAST(value ->> 1 AS BIGINT) AND seen_head.size = CAST(value ->> 2 AS BIGINT) \
                   ORDER BY seen_head.epoch, seen_head.size";
        let mut conn = self.db().reader().await?;
        rows.into_statement(sql).fetch(self.db(), &mut conn).await?.iter().map(|row| parsed(row, 0)).collect()
    }
}
