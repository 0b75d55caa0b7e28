//! Whether this hub may decide, after what its witnesses saw; what is kept, declared and recalled
//! when events were lost. Asking them over the network is the web's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use trade::checkpoint::{Checkpoint, Epoch, SignedCheckpoint};
use trade::codes::HubId;
use trade::commands::Command;
use trade::event::{Event, Happened};
use trade::id::Id;
use trade::log::{Hash, Tree, leaf_hash};
use trade::party::{Party, Role};
use trade::peer::Peer;
use trade::recovery::{EndRecall, Recall, is_irrevocable, mark};
use trade::road::{EpochFault, Forgery, NewEpoch, Own, Recovery, Road, RoadMark, Testimony, WitnessedHead, recover};
use trade::site::Site;
use trade::time::WallTime;
use trade::world::Changes;

use crate::db::{Isolation, StoreError, body, bytes, int, text};
use crate::event::{column, count};
use crate::hub::{Answer, Hub, Unavailable};
use crate::rows::{Rows, Statement};
use crate::sequencer::ProofError;

/// Whether this hub may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// Some witnesses have not answered yet: no head is signed and nothing irrevocable done; of a
    /// copy that was put back nothing is decided at all.
    Asking { silent: BTreeSet<HubId>, restored: bool },
    /// No witness has seen more than there is.
    Sound,
    /// Events were lost: reads only, until an operator declares it.
    Behind(Box<Loss>),
    /// The loss is declared; what this hub had told is being recalled. Reads only.
    Recalling { epoch: Epoch },
    /// A witness holds another history, signed with our own key. Reads only.
    Forged { by: HubId, forgery: Box<Forgery> },
}

/// What is known of a loss before it is declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Who saw the longest log.
    pub by: HubId,
    pub epoch: Epoch,
    /// Leaves that are left, and leaves that were seen.
    pub kept: u64,
    pub seen: u64,
    pub head: SignedCheckpoint,
    pub roads: Vec<RoadLoss>,
    /// Peers that have not answered; a loss is declared to all of them at once.
    pub silent: BTreeSet<HubId>,
}

/// Of what we told a peer: the last number that we know, and the last that it has applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoadLoss {
    pub peer: HubId,
    pub ours: u64,
    pub theirs: u64,
}

impl Loss {
    /// Every lost event was told to a peer, so that all can be had back: the log can go on as it was.
    #[must_use]
    pub fn is_all_told(&self) -> bool {
        let told: u64 = self.roads.iter().map(|road| road.theirs.saturating_sub(road.ours)).sum();
        self.silent.is_empty() && told == self.seen - self.kept && told <= EXACT_MAX
    }
}

/// More events than this are not fetched back to go on exactly: that takes memory, and a loss so
/// large was hardly all told.
const EXACT_MAX: u64 = 100_000;

/// A part of the words of one road that are to be recalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToRecall {
    pub peer: HubId,
    /// Road numbers after this one, up to `until`.
    pub after: u64,
    pub until: u64,
}

/// Why a loss is not declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DeclareFault {
    /// No witness has seen more than there is.
    NothingLost,
    /// A peer that has not answered could not go on with this hub.
    WitnessSilent { peers: String },
    /// Two histories are no loss.
    TwoHistories { peer: HubId },
    /// The heads do not fit together.
    Undeclarable { fault: EpochFault },
    #[serde(untagged)]
    Store(StoreError),
}

impl From<StoreError> for DeclareFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for DeclareFault {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The site as the newest declared epoch has it, and where the hub stands when it is opened.
pub(crate) struct Found {
    pub epoch: Option<(Epoch, WallTime)>,
    pub standing: Standing,
    pub bank_unchecked: bool,
}

pub(crate) async fn find(conn: &mut AnyConnection, asks: bool) -> Result<Found, StoreError> {
    let row = sqlx::query::<Any>("SELECT epoch, at FROM epoch ORDER BY epoch DESC LIMIT 1");
    let epoch = row.fetch_optional(&mut *conn).await?.map(|row| {
        let epoch = u32::try_from(int(&row, 0)?).map_err(|_| StoreError::damaged("an epoch"))?;
        Ok::<_, StoreError>((Epoch(epoch), WallTime::from_micros(int(&row, 1)?)))
    });
    let epoch = epoch.transpose()?;
    let marks = marks(conn).await?;
    let is_marked =
        |name: &str| epoch.is_none_or(|(epoch, _)| marks.get(name).is_some_and(|value| *value == epoch.0.to_string()));
    let mut silent = BTreeSet::new();
    for row in sqlx::query::<Any>("SELECT body FROM peer ORDER BY id").fetch_all(&mut *conn).await? {
        silent.insert(body::<Peer>(&row, 0)?.card.id);
    }
    let standing = match epoch {
        Some((epoch, _)) if !is_marked(mark::RECALLED) => Standing::Recalling { epoch },
        _ if asks && !silent.is_empty() => Standing::Asking { silent, restored: marks.contains_key(RESTORED) },
        _ => Standing::Sound,
    };
    Ok(Found { epoch, standing, bank_unchecked: !is_marked(mark::BANK_CHECKED) })
}

/// Set when a copy is put back: the hub then decides nothing before all witnesses have answered.
pub const RESTORED: &str = "restored";

/// What the hub knows of itself beside its nouns.
pub(crate) async fn marks(conn: &mut AnyConnection) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = sqlx::query::<Any>("SELECT key, value FROM meta").fetch_all(conn).await?;
    rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
}

/// Marks that were set in this batch.
pub(crate) fn changes(changes: &Changes) -> Statement {
    // The last one of a name counts; one statement may not write a row twice.
    let marks: BTreeMap<&str, &String> = changes.marks.iter().map(|(name, value)| (*name, value)).collect();
    let mut rows = Rows::new();
    for (name, value) in marks {
        rows.row().text(name).text(value);
    }
    rows.into_statement(
        "INSERT INTO meta (key, value) SELECT value ->> 0, value ->> 1 FROM {rows} WHERE true \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
}

fn names(peers: &BTreeSet<HubId>) -> String {
    peers.iter().map(HubId::as_str).collect::<Vec<_>>().join(", ")
}

/// Whether a command may be decided where the hub stands.
pub(crate) fn may_decide(standing: &Standing, bank_unchecked: bool, command: &Command) -> Result<(), Unavailable> {
    match standing {
        Standing::Behind(_) | Standing::Recalling { .. } | Standing::Forged { .. } => {
            return Err(Unavailable::ReadsOnly);
        }
        Standing::Asking { restored: true, .. } => return Err(Unavailable::ReadsOnly),
        Standing::Asking { silent, .. } => {
            // What a peer tells is only taken in when it has said what it holds of ours.
            let from_silent = matches!(command, Command::ReceiveBatch(r) if silent.contains(&r.batch.from));
            if from_silent || is_irrevocable(command) {
                return Err(Unavailable::WitnessesSilent { peers: names(silent) });
            }
        }
        Standing::Sound => {}
    }
    if bank_unchecked && is_irrevocable(command) { Err(Unavailable::BankUnchecked) } else { Ok(()) }
}

impl Hub {
    /// Where this hub stands; changes as witnesses answer.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.recovery().standing.borrow().clone()
    }

    /// After a declared loss: the bank's notices of the lost time are still to be taken in again.
    #[must_use]
    pub fn bank_unchecked(&self) -> bool {
        self.recovery().bank_unchecked.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Whether a peer may be sent anything: it has said what it holds, and nothing was lost.
    #[must_use]
    pub fn may_tell(&self, peer: &HubId) -> bool {
        let recovery = self.recovery();
        let asked = || recovery.asked.lock().is_ok_and(|asked| asked.contains(peer));
        *recovery.standing.borrow() == Standing::Sound && (!recovery.asks || asked())
    }

    /// Notes where the hub stands now, and which witnesses have answered.
    pub async fn stands(&self, standing: Standing, asked: BTreeSet<HubId>) -> Result<(), StoreError> {
        let recovery = self.recovery();
        if standing == Standing::Sound {
            let mut conn = self.db().writer().await?;
            let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
            sqlx::query::<Any>("DELETE FROM meta WHERE key = $1").bind(RESTORED).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        if let Ok(mut held) = recovery.asked.lock() {
            *held = asked;
        }
        recovery.standing.send_if_modified(|held| {
            let news = *held != standing;
            *held = standing;
            news
        });
        Ok(())
    }

    /// Compares what witnesses say with the own log.
    pub async fn judge(&self, said: &[Testimony], silent: &BTreeSet<HubId>) -> Result<Standing, ProofError> {
        let site = self.site();
        let mine = self.head_or_empty().await?;
        let own = mine.claimed().clone();
        let witnessed: Vec<(HubId, SignedCheckpoint)> =
            said.iter().filter_map(|t| Some((t.by.clone(), t.head.clone()?))).collect();
        let sizes: BTreeSet<u64> = witnessed
            .iter()
            .map(|(_, note)| note.claimed())
            .filter(|head| head.origin.epoch == own.origin.epoch && head.size <= own.size)
            .map(|head| head.size)
            .collect();
        let roots = self.roots(own.size, &sizes).await?;
        let known = |size| roots.get(&size).copied().unwrap_or_else(Hash::of_empty_tree);
        let keys = [site.road.key.verify_key()];
        let recovered = recover(&mine, &keys, &witnessed, |size| Ok(known(size))).map_err(ProofError::Log)?;
        Ok(match recovered.verdict {
            Recovery::Forgery { by, forgery } => Standing::Forged { by, forgery },
            Recovery::Behind { by, epoch, size, head } => {
                let mut roads = Vec::new();
                for testimony in said {
                    let ours = self.last_number(&testimony.by, own.size).await?;
                    roads.push(RoadLoss { peer: testimony.by.clone(), ours, theirs: testimony.cursor });
                }
                let (kept, silent) = (own.size, silent.clone());
                Standing::Behind(Box::new(Loss { by, epoch, kept, seen: size, head, roads, silent }))
            }
            Recovery::Fine if silent.is_empty() => Standing::Sound,
            Recovery::Fine => {
                let restored = matches!(self.standing(), Standing::Asking { restored: true, .. });
                Standing::Asking { silent: silent.clone(), restored }
            }
        })
    }

    async fn head_or_empty(&self) -> Result<SignedCheckpoint, ProofError> {
        if let Some(head) = self.head().await? {
            return Ok(head);
        }
        let site = self.site();
        let empty = Checkpoint { origin: site.road.origin(), size: 0, root: Hash::of_empty_tree() };
        empty.sign(&site.road.key).map_err(|fault| StoreError::damaged(format!("{fault:?}")).into())
    }

    /// Last road number to a peer among the first leaves of the log.
    async fn last_number(&self, peer: &HubId, size: u64) -> Result<u64, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT COALESCE(MAX(road_seq), 0) FROM event WHERE to_peer = $1 AND n < $2";
        let query = sqlx::query::<Any>(sql).bind(peer.as_str().to_owned()).bind(column(size));
        count(int(&query.fetch_one(&mut *conn).await?, 0)?)
    }

    /// Declares the loss: signs the statement, and keeps it with the first head of the next epoch.
    /// From the next opening on the log lives in that epoch.
    pub async fn declare(&self, said: &[Testimony], operator: &str) -> Result<NewEpoch, DeclareFault> {
        let loss = match self.standing() {
            Standing::Behind(loss) => loss,
            Standing::Forged { by, .. } => return Err(DeclareFault::TwoHistories { peer: by }),
            _ => return Err(DeclareFault::NothingLost),
        };
        if !loss.silent.is_empty() {
            return Err(DeclareFault::WitnessSilent { peers: names(&loss.silent) });
        }
        let site = self.site();
        let own = Own { epoch: loss.epoch.next(), ..site.road.clone() };
        let left = self.head_or_empty().await.map_err(proof)?;
        let left = left.claimed();
        let kept = Checkpoint { origin: own.origin(), size: left.size, root: left.root };
        let kept = kept.sign(&own.key).map_err(|fault| StoreError::damaged(format!("{fault:?}")))?;
        let mut heads = Vec::new();
        for head in said.iter().filter_map(|t| t.head.clone()) {
            let claimed = head.claimed();
            if claimed.origin.epoch != loss.epoch {
                continue;
            }
            let consistency = if claimed.size < left.size && claimed.size > 0 {
                self.proofs(left.size, &[], claimed.size).await.map_err(proof)?.consistency
            } else {
                Vec::new()
            };
            heads.push(WitnessedHead { head, consistency });
        }
        heads.sort_by_key(|h| h.head.claimed().size);
        let roads = said.iter().map(|t| RoadMark { peer: t.by.clone(), next_seq: t.cursor + 1 }).collect();
        let at = self.wall_now();
        let statement = NewEpoch::declare(&own, kept, heads, operator, roads, at)
            .map_err(|fault| DeclareFault::Undeclarable { fault })?;
        self.keep_statement(&statement).await?;
        Ok(statement)
    }

    async fn keep_statement(&self, statement: &NewEpoch) -> Result<(), DeclareFault> {
        let events = self.event_count().await?;
        let mut roads = Vec::new();
        for peer in self.peers().await? {
            let sent = self.outgoing(&peer.card.id).await?;
            let road = Road { received: peer.road, sent }.reopened(statement);
            roads.push((peer.card.id, road.sent));
        }
        let (epoch, kept) = (i64::from(statement.epoch.0), statement.kept.claimed());
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Serializable).await?;
        sqlx::query::<Any>("INSERT INTO epoch (epoch, events, at, body) VALUES ($1, $2, $3, $4)")
            .bind(epoch)
            .bind(column(events))
            .bind(statement.at.micros())
            .bind(statement.to_json())
            .execute(&mut *tx)
            .await?;
        sqlx::query::<Any>("INSERT INTO checkpoint (epoch, size, note, at) VALUES ($1, $2, $3, $4)")
            .bind(epoch)
            .bind(column(kept.size))
            .bind(statement.kept.to_string())
            .bind(statement.at.micros())
            .execute(&mut *tx)
            .await?;
        for (peer, sent) in roads {
            crate::road::save(&mut tx, &peer, &sent).await?;
        }
        sqlx::query::<Any>("DELETE FROM meta WHERE key = $1").bind(RESTORED).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Own statements of later epochs than the peer knows, the earliest first.
    pub async fn statements(&self, after: Epoch) -> Result<Vec<NewEpoch>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT body FROM epoch WHERE epoch > $1 ORDER BY epoch";
        let rows = sqlx::query::<Any>(sql).bind(i64::from(after.0)).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| body(row, 0)).collect()
    }

    /// The newest statement, and the words that are to be recalled under it.
    pub async fn to_recall(&self) -> Result<Option<(NewEpoch, Vec<ToRecall>)>, StoreError> {
        let Some(statement) = self.statements(Epoch(0)).await?.pop() else { return Ok(None) };
        let kept = statement.kept.claimed().size;
        let mut roads = Vec::new();
        for road in &statement.roads {
            let after = self.last_number(&road.peer, kept).await?;
            let until = road.next_seq.saturating_sub(1);
            if until > after {
                roads.push(ToRecall { peer: road.peer.clone(), after, until });
            }
        }
        Ok(Some((statement, roads)))
    }

    /// What this log has told since the kept leaves and before the epoch was opened: decided on the
    /// copy that was put back, and signed by nobody.
    pub async fn told_since(&self, statement: &NewEpoch) -> Result<Vec<Event>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT leaf FROM event WHERE to_peer IS NOT NULL AND n >= $1 \
                   AND n < (SELECT events FROM epoch WHERE epoch = $2) ORDER BY n";
        let query = sqlx::query::<Any>(sql).bind(column(statement.kept.claimed().size));
        let rows = query.bind(i64::from(statement.epoch.0)).fetch_all(&mut *conn).await?;
        let event = |leaf: &[u8]| serde_json::from_slice(leaf).map_err(|e| StoreError::damaged(e.to_string()));
        rows.iter().map(|row| event(bytes(row, 0)?)).collect()
    }

    /// Another node has declared a loss: this one must be opened anew, in the epoch that the log is in.
    pub async fn is_outdated(&self) -> Result<bool, StoreError> {
        let mut conn = self.db().reader().await?;
        let found = find(&mut conn, false).await?;
        Ok(found.epoch.is_some_and(|(epoch, _)| epoch > self.site().road.epoch))
    }

    /// The recall is ended, by this node or by another.
    pub async fn is_recalled(&self) -> Result<bool, StoreError> {
        let mut conn = self.db().reader().await?;
        Ok(!matches!(find(&mut conn, false).await?.standing, Standing::Recalling { .. }))
    }

    /// Recalls own words that a peer gave back; see `trade::recovery`. `exact` if the log goes on with them.
    pub async fn recall(&self, events: Vec<Event>, exact: bool) -> Result<Answer, StoreError> {
        let mut buyers = Vec::new();
        for event in &events {
            if let Happened::OrderTaken { quote, .. } = &event.what {
                buyers.extend(self.quote(quote.id).await?.and_then(|known| known.asked_by));
            }
        }
        let offered = events.iter().any(|e| matches!(e.what, Happened::ProductPublished { .. }));
        let sellers = if offered { self.sellers().await? } else { Vec::new() };
        Ok(self.submit_unasked(Recall { events, exact, buyers, sellers }.into()).await)
    }

    /// Ends the recall under a statement: `again` was told since the copy was made, and reached nobody.
    pub async fn end_recall(&self, statement: &NewEpoch, again: Vec<Event>) -> Answer {
        let NewEpoch { epoch, lost_from, lost_to, .. } = *statement;
        let roads = statement.roads.clone();
        self.submit_unasked(EndRecall { epoch, lost_from, lost_to, roads, again }.into()).await
    }

    /// Payouts, lapses and returns go on, once the mark is set.
    pub async fn look_at_bank(&self) -> Result<(), StoreError> {
        let mut conn = self.db().reader().await?;
        let found = find(&mut conn, false).await?;
        self.recovery().bank_unchecked.store(found.bank_unchecked, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    async fn sellers(&self) -> Result<Vec<Id<Party>>, StoreError> {
        let (mut sellers, mut after) = (Vec::new(), None);
        loop {
            let page = self.parties(Some(Role::Seller), after.as_deref(), 200).await?;
            sellers.extend(page.items.iter().map(|p| p.id));
            after = page.next;
            if after.is_none() {
                return Ok(sellers);
            }
        }
    }

    /// Whether these leaves, one after the other, lead from the own head exactly to the one that a
    /// witness saw: then nothing is lost.
    pub async fn reaches(&self, events: &[Event], head: &SignedCheckpoint) -> Result<bool, ProofError> {
        let mine = self.head_or_empty().await?;
        let (own, target) = (mine.claimed(), head.claimed());
        if own.origin.epoch != target.origin.epoch || !self.holds_nothing_but(own.size, events).await? {
            return Ok(false);
        }
        let mut tree = self.tree(own.size, &own.root).await?;
        for event in events {
            if event.n != tree.size() {
                return Ok(false);
            }
            tree.append(leaf_hash(&event.leaf()));
        }
        Ok(tree.size() == target.size && tree.root() == target.root)
    }

    /// Whether what lies beyond the signed head is the beginning of these events: none, or those that
    /// were recalled before a crash.
    async fn holds_nothing_but(&self, size: u64, events: &[Event]) -> Result<bool, StoreError> {
        let stored = self.event_count().await?.saturating_sub(size);
        if stored > u64::try_from(events.len()).unwrap_or(u64::MAX) {
            return Ok(false);
        }
        let mut held = 0_usize;
        loop {
            let from = size + u64::try_from(held).unwrap_or(u64::MAX);
            let page = self.events(from, 200).await?;
            if page.is_empty() {
                return Ok(true);
            }
            for logged in page {
                if events.get(held) != Some(&logged.event) {
                    return Ok(false);
                }
                held += 1;
            }
        }
    }

    async fn tree(&self, size: u64, root: &Hash) -> Result<Tree, ProofError> {
        if size == 0 {
            return Ok(Tree::new());
        }
        let tiles = self.tiles_of(size, &BTreeSet::new()).await?;
        let reader = |level, index| tiles.get(&(level, index)).cloned();
        Tree::open(size, root, reader).map_err(ProofError::Log)
    }
}

fn proof(error: ProofError) -> DeclareFault {
    match error {
        ProofError::Store(error) => error.into(),
        ProofError::Log(fault) => StoreError::damaged(format!("{fault:?}")).into(),
    }
}

/// A site in the epoch that its log lives in.
pub(crate) fn in_epoch(site: &Site, epoch: Option<(Epoch, WallTime)>) -> Option<Site> {
    epoch.filter(|(epoch, _)| *epoch > site.road.epoch).map(|(epoch, at)| site.in_epoch(epoch, at))
}
