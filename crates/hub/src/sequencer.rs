//! The sequencer: a lane that hashes committed events into the log's tree, stores the tiles and
//! the signed head of it, in one transaction. Only then may anything be sent to a peer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use tokio::sync::{mpsc, watch};
use trade::checkpoint::{Checkpoint, SignedCheckpoint};
use trade::log::{Hash, LogFault, Prover, TILE_WIDTH, Tree, leaf_hash};
use trade::site::Site;
use trade::time::WallTime;

use crate::clock::{Clock, jitter};
use crate::db::{Db, Isolation, StoreError, bytes, int, parsed};
use crate::event::{Leaves, column, count};
use crate::hub::{Hub, Limits, Node};
use crate::lease::{self, Lease, Taken};
use crate::recovery::Standing;
use crate::rows::{Rows, Statement};

pub(crate) struct Sequencer {
    pub db: Db,
    pub site: Arc<Site>,
    pub clock: Clock,
    pub node: Node,
    pub limits: Limits,
    /// Wakes it; on another node than the deciding one it looks by itself.
    pub committed: watch::Receiver<u64>,
    /// What was just committed, so that it need not be read again.
    pub leaves: mpsc::Receiver<Leaves>,
    pub sequenced: watch::Sender<u64>,
    /// While witnesses have not said that nothing was lost, no head is signed: else there might be
    /// two histories of one epoch.
    pub may_sign: watch::Receiver<Standing>,
}

/// Events in one transaction: some MB of leaves.
const ROUND_MAX: u64 = 16_384;
/// Without being woken it looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Rounds follow one another no faster, so that a trickle of events does not cost a sync each; and when
/// there are many, so that the lane that decides is not kept waiting for the disk.
const ROUND_EVERY: Duration = Duration::from_millis(5);
const ROUND_EVERY_BUSY: Duration = Duration::from_millis(150);
/// From so many events in one round on, it is busy.
const BUSY: u64 = 512;
/// Heads that are kept although nobody countersigned them: what is on its way to peers.
const HEADS_KEPT: i64 = 256;

impl Sequencer {
    /// Ends when the deciding lane of this node has ended, and with it nothing can come any more.
    pub async fn run(mut self) {
        while !self.closed() {
            if let Err(error) = self.sequence().await {
                // Whatever it is, the tree is read anew from what is stored.
                tracing::warn!(code = error.code(), %error, "the log was not sequenced");
            }
            tokio::time::sleep(jitter(LOOK_EVERY)).await;
        }
    }

    fn closed(&self) -> bool {
        self.committed.has_changed().is_err()
    }

    async fn sequence(&mut self) -> Result<(), StoreError> {
        let mut conn = self.db.connect().await?;
        let seconds = self.limits.lease_seconds;
        let taken = lease::take(&self.db, &mut conn, lease::SEQUENCE, &self.node, seconds, self.clock.now()).await?;
        let lease = match taken {
            Taken::Ours(lease) => lease,
            Taken::Theirs(_) => {
                if let Some(head) = head(&mut conn, self.site.road.epoch.0).await? {
                    self.tell(head.claimed().size);
                }
                return Ok(());
            }
        };
        let mut tree = open_tree(&self.db, &mut conn, &self.site).await?;
        self.tell(tree.size());
        let mut rounds: u64 = 0;
        loop {
            let closing = self.closed();
            self.committed.mark_unchanged();
            let Some(added) = self.round(&mut conn, &lease, &mut tree, rounds).await? else { return Ok(()) };
            rounds += 1;
            if added > 0 {
                self.tell(tree.size());
                if added < ROUND_MAX {
                    tokio::time::sleep(if added < BUSY { ROUND_EVERY } else { ROUND_EVERY_BUSY }).await;
                }
            } else if closing {
                let mut tx = self.db.begin(&mut conn, Isolation::Fenced).await?;
                lease.release(&mut tx).await?;
                return tx.commit().await;
            } else {
                // An error means that the lane has ended: one more round, then the end.
                let _ = tokio::time::timeout(LOOK_EVERY, self.committed.changed()).await;
            }
        }
    }

    fn tell(&self, size: u64) {
        self.sequenced.send_if_modified(|told| std::mem::replace(told, size) != size);
    }

    /// Takes up what was committed since; how many events, or `None` if the lease is lost.
    async fn round(
        &mut self,
        conn: &mut AnyConnection,
        lease: &Lease,
        tree: &mut Tree,
        rounds: u64,
    ) -> Result<Option<u64>, StoreError> {
        let mut grown = tree.clone();
        if *self.may_sign.borrow() == Standing::Sound {
            self.take_up(&mut grown);
            if grown.size() == tree.size() {
                read_on(conn, &mut grown).await?;
            }
        }
        let added = grown.size() - tree.size();
        let now = self.clock.now();
        if added == 0 && rounds > 0 && !rounds.is_multiple_of(8) {
            return Ok(Some(0));
        }
        let tiles = tiles(&mut grown);
        let mut tx = self.db.begin(conn, Isolation::Fenced).await?;
        if !lease.renew(&mut tx, now).await? {
            return Ok(None);
        }
        if added > 0 {
            let head = Checkpoint { origin: self.site.road.origin(), size: grown.size(), root: grown.root() };
            let epoch = i64::from(head.origin.epoch.0);
            let size = column(head.size);
            let note = head.sign(&self.site.road.key).map_err(|fault| StoreError::damaged(format!("{fault:?}")))?;
            tiles.run(&self.db, &mut tx).await?;
            sqlx::query::<Any>("INSERT INTO checkpoint (epoch, size, note, at) VALUES ($1, $2, $3, $4)")
                .bind(epoch)
                .bind(size)
                .bind(note.to_string())
                .bind(now.micros())
                .execute(&mut *tx)
                .await?;
            if rounds % 64 == 63 {
                forget_heads(&mut tx, epoch).await?;
            }
        }
        tx.commit().await?;
        *tree = grown;
        Ok(Some(added))
    }

    /// Appends the leaves that the lane of this node hands over, as far as they go on from here.
    fn take_up(&mut self, tree: &mut Tree) {
        let before = tree.size();
        while tree.size() - before < ROUND_MAX {
            let Ok(leaves) = self.leaves.try_recv() else { return };
            if leaves.first != tree.size() {
                // After a start, or where some were left out: the store has them all.
                continue;
            }
            for leaf in leaves.each() {
                tree.append(leaf_hash(leaf));
            }
        }
    }
}

/// Appends leaves from the store.
async fn read_on(conn: &mut AnyConnection, tree: &mut Tree) -> Result<(), StoreError> {
    let sql = "SELECT n, leaf FROM event WHERE n >= $1 ORDER BY n LIMIT $2";
    let query = sqlx::query::<Any>(sql).bind(column(tree.size())).bind(column(ROUND_MAX));
    for row in query.fetch_all(conn).await? {
        if count(int(&row, 0)?)? != tree.size() {
            return Err(StoreError::damaged(format!("event {} is missing", tree.size())));
        }
        tree.append(leaf_hash(bytes(&row, 1)?));
    }
    Ok(())
}

fn tiles(tree: &mut Tree) -> Statement {
    let mut rows = Rows::new();
    for tile in tree.take_tiles() {
        rows.row().int(i64::from(tile.id.level)).int(column(tile.id.index)).bytes(&tile.bytes);
    }
    rows.into_statement(
        "INSERT INTO tile (level, idx, bytes) SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), \
         substr($2, CAST(value ->> 2 AS INTEGER), CAST(value ->> 3 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (level, idx) DO UPDATE SET bytes = excluded.bytes",
    )
}

async fn forget_heads(conn: &mut AnyConnection, epoch: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM checkpoint WHERE epoch = $1 AND size < COALESCE((SELECT size FROM checkpoint AS kept \
               WHERE kept.epoch = $1 ORDER BY size DESC LIMIT 1 OFFSET $2), 0) AND NOT EXISTS \
               (SELECT 1 FROM cosignature AS seen WHERE seen.epoch = checkpoint.epoch AND seen.size = checkpoint.size)";
    sqlx::query::<Any>(sql).bind(epoch).bind(HEADS_KEPT).execute(conn).await?;
    Ok(())
}

/// The newest stored head of an epoch.
pub(crate) async fn head(conn: &mut AnyConnection, epoch: u32) -> Result<Option<SignedCheckpoint>, StoreError> {
    let sql = "SELECT note FROM checkpoint WHERE epoch = $1 ORDER BY size DESC LIMIT 1";
    let row = sqlx::query::<Any>(sql).bind(i64::from(epoch)).fetch_optional(conn).await?;
    row.map(|row| parsed(&row, 0)).transpose()
}

/// Takes the tree up where the newest stored head left it.
async fn open_tree(db: &Db, conn: &mut AnyConnection, site: &Site) -> Result<Tree, StoreError> {
    let Some(head) = head(conn, site.road.epoch.0).await? else { return Ok(Tree::new()) };
    let (size, root) = (head.claimed().size, head.claimed().root);
    let tiles = read_tiles(db, conn, &edge(size)).await?;
    let reader = |level, index| tiles.get(&(level, index)).cloned();
    Tree::open(size, &root, reader).map_err(|fault| StoreError::damaged(format!("{fault:?}")))
}

type TileAt = (u8, u64);

/// The rightmost tile of each level.
fn edge(size: u64) -> BTreeSet<TileAt> {
    size.checked_sub(1).map(|last| path(last, size)).unwrap_or_default()
}

/// The tiles above a leaf.
fn path(leaf: u64, size: u64) -> BTreeSet<TileAt> {
    let mut tiles = BTreeSet::new();
    let (mut level, mut above, mut index) = (0, size, leaf);
    while above > 0 {
        index /= TILE_WIDTH;
        above /= TILE_WIDTH;
        tiles.insert((level, index));
        level += 1;
    }
    tiles
}

async fn read_tiles(
    db: &Db,
    conn: &mut AnyConnection,
    wanted: &BTreeSet<TileAt>,
) -> Result<HashMap<TileAt, Vec<u8>>, StoreError> {
    let mut rows = Rows::new();
    for (level, index) in wanted {
        rows.row().int(i64::from(*level)).int(column(*index));
    }
    let sql = "SELECT tile.level, tile.idx, tile.bytes FROM {rows} JOIN tile \
               ON tile.level = CAST(value ->> 0 AS BIGINT) AND tile.idx = CAST(value ->> 1 AS BIGINT)";
    let mut tiles = HashMap::new();
    for row in rows.into_statement(sql).fetch(db, conn).await? {
        let level = u8::try_from(int(&row, 0)?).map_err(|_| StoreError::damaged("a tile's level"))?;
        tiles.insert((level, count(int(&row, 1)?)?), bytes(&row, 2)?.to_vec());
    }
    Ok(tiles)
}

/// Why a proof cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProofError {
    Log(LogFault),
    Store(StoreError),
}

impl From<StoreError> for ProofError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// That some leaves are in the tree of a size, and that this tree extends an older one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    pub inclusion: Vec<Vec<Hash>>,
    pub consistency: Vec<Hash>,
}

/// Proofs for a batch: the tiles that they need are read in one statement.
pub(crate) async fn prove(
    db: &Db,
    conn: &mut AnyConnection,
    size: u64,
    leaves: &[u64],
    old: u64,
) -> Result<Proofs, ProofError> {
    let mut wanted = edge(size);
    for leaf in leaves.iter().copied().chain(old.checked_sub(1)).chain([old]).filter(|leaf| *leaf < size) {
        wanted.extend(path(leaf, size));
    }
    let tiles = read_tiles(db, conn, &wanted).await?;
    let mut prover = Prover::new(size, |level, index| tiles.get(&(level, index)).cloned());
    let inclusion = leaves.iter().map(|leaf| prover.inclusion(*leaf)).collect::<Result<_, _>>();
    let consistency = prover.consistency(old);
    Ok(Proofs { inclusion: inclusion.map_err(ProofError::Log)?, consistency: consistency.map_err(ProofError::Log)? })
}

/// What the audit of the log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogAudit {
    pub events: u64,
    /// Events that the newest stored head covers.
    pub sequenced: u64,
    /// The first place without an event.
    pub missing: Option<u64>,
    /// The root that the stored leaves give, and the one that was signed.
    pub computed: Hash,
    pub signed: Hash,
}

impl LogAudit {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.missing.is_none() && self.computed == self.signed && self.sequenced <= self.events
    }
}

impl Hub {
    /// The newest stored head of the log.
    pub async fn head(&self) -> Result<Option<SignedCheckpoint>, StoreError> {
        let mut conn = self.db().reader().await?;
        head(&mut conn, self.site().road.epoch.0).await
    }

    /// The last stored heads of this epoch, the newest first.
    pub async fn heads(&self, limit: i64) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT note FROM checkpoint WHERE epoch = $1 ORDER BY size DESC LIMIT $2";
        let epoch = i64::from(self.site().road.epoch.0);
        let rows = sqlx::query::<Any>(sql).bind(epoch).bind(crate::page::clamp(limit)).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| parsed(row, 0)).collect()
    }

    /// When the newest head was stored.
    pub async fn newest_head_at(&self) -> Result<Option<WallTime>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT at FROM checkpoint WHERE epoch = $1 ORDER BY size DESC LIMIT 1";
        let query = sqlx::query::<Any>(sql).bind(i64::from(self.site().road.epoch.0));
        query.fetch_optional(&mut *conn).await?.map(|row| Ok(WallTime::from_micros(int(&row, 0)?))).transpose()
    }

    /// Whether the stored tiles give the root that was signed.
    pub async fn audit_tiles(&self) -> Result<bool, StoreError> {
        let mut conn = self.db().reader().await?;
        match open_tree(self.db(), &mut conn, self.site()).await {
            Ok(_) => Ok(true),
            Err(StoreError::StoreDamaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until all that was committed before is sequenced and signed.
    pub async fn sequence_all(&self) -> Result<u64, StoreError> {
        let events = self.event_count().await?;
        let mut sequenced = self.sequenced();
        let closed = |_| StoreError::StoreLost { detail: "closed".to_owned() };
        let size = *sequenced.wait_for(|size| *size >= events).await.map_err(closed)?;
        Ok(size)
    }

    /// Proves leaves, and growth from `old`, to the head of `size` leaves.
    pub async fn proofs(&self, size: u64, leaves: &[u64], old: u64) -> Result<Proofs, ProofError> {
        let mut conn = self.db().reader().await?;
        prove(self.db(), &mut conn, size, leaves, old).await
    }

    /// Roots of the first leaves of the own log, for some sizes up to `size`.
    pub(crate) async fn roots(&self, size: u64, sizes: &BTreeSet<u64>) -> Result<HashMap<u64, Hash>, ProofError> {
        let tiles = self.tiles_of(size, sizes).await?;
        let mut prover = Prover::new(size, |level, index| tiles.get(&(level, index)).cloned());
        sizes.iter().map(|size| Ok((*size, prover.root_at(*size).map_err(ProofError::Log)?))).collect()
    }

    /// The tiles on the edges of these trees.
    pub(crate) async fn tiles_of(
        &self,
        size: u64,
        sizes: &BTreeSet<u64>,
    ) -> Result<HashMap<(u8, u64), Vec<u8>>, StoreError> {
        let mut wanted = edge(size);
        for old in sizes {
            for leaf in old.checked_sub(1).into_iter().chain([*old]).filter(|leaf| *leaf < size) {
                wanted.extend(path(leaf, size));
            }
        }
        let mut conn = self.db().reader().await?;
        read_tiles(self.db(), &mut conn, &wanted).await
    }

    /// The widest stored tile at a place.
    pub async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut conn = self.db().reader().await?;
        Ok(read_tiles(self.db(), &mut conn, &BTreeSet::from([(level, index)])).await?.remove(&(level, index)))
    }

    /// Hashes all leaves again and compares with the signed head.
    pub async fn audit_log(&self) -> Result<LogAudit, StoreError> {
        let mut conn = self.db().reader().await?;
        let events = self.event_count().await?;
        let head = head(&mut conn, self.site().road.epoch.0).await?;
        let (sequenced, signed) = head.map_or((0, Hash::of_empty_tree()), |h| (h.claimed().size, h.claimed().root));
        let mut tree = Tree::new();
        let mut missing = None;
        while tree.size() < sequenced && missing.is_none() {
            let sql = "SELECT n, leaf FROM event WHERE n >= $1 AND n < $2 ORDER BY n LIMIT $3";
            let query =
                sqlx::query::<Any>(sql).bind(column(tree.size())).bind(column(sequenced)).bind(column(ROUND_MAX));
            let rows = query.fetch_all(&mut *conn).await?;
            for row in &rows {
                if count(int(row, 0)?)? != tree.size() {
                    break;
                }
                tree.append(leaf_hash(bytes(row, 1)?));
            }
            let short =
                rows.is_empty() || rows.last().map(|row| int(row, 0)).transpose()? != Some(column(tree.size()) - 1);
            missing = short.then(|| tree.size());
            drop(tree.take_tiles());
        }
        Ok(LogAudit { events, sequenced, missing, computed: tree.root(), signed })
    }
}
