//! The road's queues, as the pump reads them: entries for a peer with their proofs, and how far
//! each peer has got.

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use trade::checkpoint::{NoteSignature, SignedCheckpoint};
use trade::codes::HubId;
use trade::log::{Bytes, LogFault};
use trade::road::{BATCH_MAX_ENTRIES, Batch, Entry, Head, Outgoing, Wanted, compose};
use trade::time::{BusinessTime, WallTime};

use crate::db::{Isolation, StoreError, body, bytes, int, parsed};
use crate::event::{column, count};
use crate::hub::Hub;
use crate::sequencer::{ProofError, Proofs, head, prove};

/// A head that a peer has countersigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cosignature {
    pub size: u64,
    pub witness: HubId,
    pub line: NoteSignature,
}

impl Hub {
    /// How the log stands for one peer: the newest stored head and the last road number within it.
    pub async fn road_head(&self, peer: &HubId) -> Result<Option<Head>, StoreError> {
        let mut conn = self.db().reader().await?;
        let Some(note) = head(&mut conn, self.site().road.epoch.0).await? else { return Ok(None) };
        let sql = "SELECT road_seq FROM event WHERE to_peer = $1 AND n < $2 ORDER BY road_seq DESC LIMIT 1";
        let row = sqlx::query::<Any>(sql)
            .bind(peer.as_str().to_owned())
            .bind(column(note.claimed().size))
            .fetch_optional(&mut *conn)
            .await?;
        let last_seq = row.map(|row| count(int(&row, 0)?)).transpose()?.unwrap_or(0);
        Ok(Some(Head { note, last_seq }))
    }

    /// The signed batch that is wanted: entries after a road number with their proofs to the
    /// wanted head, and the proof that this head extends what the peer has seen.
    pub async fn batch(&self, wanted: &Wanted) -> Result<Batch, ProofError> {
        let size = wanted.head.claimed().size;
        let mut conn = self.db().reader().await?;
        let most = wanted.limits.entries.min(BATCH_MAX_ENTRIES);
        let sql = "SELECT n, road_seq, leaf FROM event WHERE to_peer = $1 AND road_seq > $2 AND n < $3 \
                   ORDER BY road_seq LIMIT $4";
        let query = sqlx::query::<Any>(sql)
            .bind(wanted.to.as_str().to_owned())
            .bind(column(wanted.after))
            .bind(column(size))
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = query.fetch_all(&mut *conn).await.map_err(StoreError::from)?;
        let mut entries = Vec::with_capacity(rows.len());
        let mut room = wanted.limits.bytes;
        for row in &rows {
            let leaf = bytes(row, 2)?.to_vec();
            // What cannot fit is not proved either; `compose` cuts to the byte.
            if room == 0 && !entries.is_empty() {
                break;
            }
            room = room.saturating_sub(leaf.len());
            let (index, road_seq) = (count(int(row, 0)?)?, count(int(row, 1)?)?);
            entries.push(Entry { index, road_seq, leaf: Bytes(leaf), proof: Vec::new() });
        }
        let leaves: Vec<u64> = entries.iter().map(|e| e.index).collect();
        let Proofs { inclusion, consistency } = prove(self.db(), &mut conn, size, &leaves, wanted.peer_size).await?;
        for (entry, proof) in entries.iter_mut().zip(inclusion) {
            entry.proof = proof;
        }
        Ok(compose(&self.site().road, wanted, consistency, entries))
    }

    /// How far a peer has got with our log, as last saved.
    pub async fn outgoing(&self, peer: &HubId) -> Result<Outgoing, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM road_out WHERE peer = $1").bind(peer.as_str().to_owned());
        let row = query.fetch_optional(&mut *conn).await?;
        Ok(row.map(|row| body(&row, 0)).transpose()?.unwrap_or_default())
    }

    /// When the oldest event for a peer happened that it has not confirmed.
    pub async fn oldest_waiting(&self, peer: &HubId, confirmed: u64) -> Result<Option<BusinessTime>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT at FROM event WHERE to_peer = $1 AND road_seq = $2");
        let query = query.bind(peer.as_str().to_owned()).bind(column(confirmed + 1));
        query.fetch_optional(&mut *conn).await?.map(|row| Ok(BusinessTime::from_micros(int(&row, 0)?))).transpose()
    }

    /// When a peer's countersignature of the head of `size` leaves was kept.
    pub async fn cosigned_at(&self, peer: &HubId, size: u64) -> Result<Option<WallTime>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT at FROM cosignature WHERE epoch = $1 AND size = $2 AND witness = $3";
        let query = sqlx::query::<Any>(sql).bind(i64::from(self.site().road.epoch.0)).bind(column(size));
        let row = query.bind(peer.as_str().to_owned()).fetch_optional(&mut *conn).await?;
        row.map(|row| Ok(WallTime::from_micros(int(&row, 0)?))).transpose()
    }

    /// Keeps what a receipt changed, with the peer's cosignature of the head that it covers.
    pub async fn save_outgoing(&self, peer: &HubId, outgoing: &Outgoing) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        save(&mut tx, peer, outgoing).await?;
        if let Some((note, line)) = outgoing.cosigned.as_ref().and_then(|note| Some((note, note.signatures().last()?)))
        {
            sqlx::query::<Any>(
                "INSERT INTO cosignature (epoch, size, witness, line, at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (epoch, size, witness) DO NOTHING",
            )
            .bind(i64::from(note.claimed().origin.epoch.0))
            .bind(column(note.claimed().size))
            .bind(peer.as_str().to_owned())
            .bind(line.to_string())
            .bind(self.wall_now().micros())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await
    }

    /// Who has countersigned heads of at least `size` leaves, the smallest first: the nearest proof
    /// that a witness has seen an event.
    pub async fn cosignatures(&self, size: u64, limit: i64) -> Result<Vec<Cosignature>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT size, witness, line FROM cosignature WHERE epoch = $1 AND size >= $2 ORDER BY size, witness LIMIT $3";
        let query = sqlx::query::<Any>(sql)
            .bind(i64::from(self.site().road.epoch.0))
            .bind(column(size))
            .bind(crate::page::clamp(limit));
        let rows = query.fetch_all(&mut *conn).await?;
        let read =
            |row| Ok(Cosignature { size: count(int(row, 0)?)?, witness: parsed(row, 1)?, line: parsed(row, 2)? });
        rows.iter().map(read).collect()
    }

    /// The stored head of a size, as signed.
    pub async fn head_at(&self, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT note FROM checkpoint WHERE epoch = $1 AND size = $2")
            .bind(i64::from(self.site().road.epoch.0))
            .bind(column(size));
        query.fetch_optional(&mut *conn).await?.map(|row| parsed(&row, 0)).transpose()
    }
}

pub(crate) async fn save(conn: &mut AnyConnection, peer: &HubId, outgoing: &Outgoing) -> Result<(), StoreError> {
    let state = serde_json::to_vec(outgoing).map_err(|e| StoreError::damaged(e.to_string()))?;
    sqlx::query::<Any>(
        "INSERT INTO road_out (peer, acknowledged, body) VALUES ($1, $2, $3) \
         ON CONFLICT (peer) DO UPDATE SET acknowledged = excluded.acknowledged, body = excluded.body",
    )
    .bind(peer.as_str().to_owned())
    .bind(column(outgoing.acknowledged))
    .bind(state)
    .execute(conn)
    .await?;
    Ok(())
}

impl From<LogFault> for ProofError {
    fn from(fault: LogFault) -> Self {
        Self::Log(fault)
    }
}
