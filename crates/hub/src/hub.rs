//! A hub: opened on its store, takes commands, answers after they are on disk.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use trade::codes::HubId;
use trade::command::Outcome;
use trade::commands::Command;
use trade::site::Site;
use trade::time::{BusinessTime, WallTime};

use crate::access_log::Waiting;
use crate::clock::{self, Clock};
use crate::db::{BackupError, Db, Isolation, Store, StoreError};
use crate::lane::Lane;
use crate::lease;
use crate::meter::Meters;
use crate::recovery::{self, Standing};
use crate::rulebook::Shelf;
use crate::schema::{self, OpenError};
use crate::sequencer::Sequencer;
use crate::write_back;

/// All that a hub needs to open.
#[derive(Clone, Debug)]
pub struct Config {
    pub store: Store,
    pub site: Arc<Site>,
    pub clock: Clock,
    /// Where business time starts when a sandbox is opened for the first time.
    pub start: BusinessTime,
    pub node: Node,
    pub limits: Limits,
}

/// One of the processes that serve a hub. The name tells nodes apart and survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub name: String,
    /// Where other nodes forward to.
    pub address: String,
}

/// How much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Commands in one transaction: more gain little and make the first wait for the last.
    pub batch: usize,
    /// Commands taken in and not yet answered; more are told to come again.
    pub queue: usize,
    /// Things that the deciding lane keeps in memory, some kB each at most.
    pub memory: usize,
    /// Seconds after which another node takes over a lane that is not renewed.
    pub lease_seconds: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { batch: 2_048, queue: 16_384, memory: 200_000, lease_seconds: 10 }
    }
}

/// Why a command was not decided. It may be sent again: commands are done once however often they come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Unavailable {
    /// Too many are waiting.
    Busy { retry_after_ms: u64 },
    /// Another node decides.
    NotTheOwner { owner: String, address: String },
    /// The disk is full; nothing was written.
    StorageFull,
    /// The store cannot be reached, or broke down before it answered.
    StorageUnavailable,
    /// The hub was closed, or is being closed.
    Stopped,
    /// This command alone makes the hub fail; it was left out and changed nothing.
    Faulty,
    /// Events were lost: until that is declared and mended, this hub can be read and does nothing.
    ReadsOnly,
    /// These peers have not yet said what they hold of our log; until then nothing irrevocable is done.
    WitnessesSilent { peers: String },
    /// After a declared loss: the bank may have done what this hub has forgotten.
    BankUnchecked,
}

/// What a caller gets: the rules' answer or refusal, or why there is none.
pub type Answer = Result<Outcome, Unavailable>;

/// Hands commands on to another node, in their order, and brings its answers back; `None` if it did
/// not answer. Handed in by whoever speaks HTTP.
pub type Forward =
    Arc<dyn Fn(Node, Vec<Command>) -> Pin<Box<dyn Future<Output = Option<Vec<Answer>>> + Send>> + Send + Sync>;

/// Where the deciding lane stands on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Starting,
    /// This node decides, under this fence.
    Deciding {
        fence: i64,
    },
    /// Another does.
    Following {
        owner: Node,
    },
    Down {
        error: StoreError,
    },
    Stopped,
}

/// A command on its way to the lane.
pub(crate) struct Item {
    pub command: Command,
    pub reply: oneshot::Sender<Answer>,
    pub came: tokio::time::Instant,
    pub _room: OwnedSemaphorePermit,
}

/// An open hub. Cheap to clone; lanes end when the last clone is dropped.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    site: Arc<Site>,
    clock: Clock,
    limits: Limits,
    queue: Mutex<Option<mpsc::UnboundedSender<Item>>>,
    room: Arc<Semaphore>,
    status: watch::Receiver<Status>,
    committed: watch::Receiver<u64>,
    sequenced: watch::Receiver<u64>,
    recovery: Stand,
    forward: OnceLock<Forward>,
    looks: Waiting,
    shelf: Shelf,
    meters: Arc<Meters>,
    /// Lanes have a runtime of their own, so that a busy lane does not hold up pages.
    lanes: Mutex<Option<Runtime>>,
}

/// Where the hub stands after what its witnesses saw; see [`crate::recovery`].
pub(crate) struct Stand {
    /// Whether witnesses are asked at all; tests and benches of one hub alone do not.
    pub asks: bool,
    pub standing: watch::Sender<Standing>,
    /// Peers that have said what they hold.
    pub asked: Mutex<BTreeSet<HubId>>,
    pub bank_unchecked: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let lanes = self.lanes.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = lanes.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({})", self.inner.site.id)
    }
}

/// Batches whose leaves wait in memory for the sequencer; it reads later ones from the store.
const LEAVES_AHEAD: usize = 16;

/// Commands that are handed on to another node at once.
const FORWARD_MAX: usize = 256;
/// Between two tries to reach the node that decides, while another may be taking over.
const FORWARD_PAUSE: Duration = Duration::from_millis(100);

/// Deciding, bringing into the form that is written, writing, hashing: none waits for another's thread.
const LANE_THREADS: usize = 4;

impl Hub {
    /// Opens the store, brings its tables up to date, and starts the lanes. Returns once it is
    /// known who decides.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        Self::open_as(config, false).await
    }

    /// As [`Self::open`], of a hub that asks its witnesses first: until all have answered it signs no
    /// new head of its log and does nothing irrevocable. Whoever opens it has to ask them.
    pub async fn open_asking(config: Config) -> Result<Self, OpenError> {
        Self::open_as(config, true).await
    }

    /// Opens the store to look at it: no lane starts, nothing is written, and a hub that runs on it is
    /// not disturbed. Whatever is submitted is answered as by a hub that was closed.
    pub async fn open_to_look(config: Config) -> Result<Self, OpenError> {
        let Config { store, site, clock, limits, .. } = config;
        if store.file().is_some_and(|file| !file.exists()) {
            return Err(schema::none_yet());
        }
        let db = Db::open(&store).await?;
        schema::is_current(&db).await?;
        schema::is_copy_of(&db, &site.id, site.mode).await?;
        let mut conn = db.reader().await?;
        let found = recovery::find(&mut conn, false).await?;
        drop(conn);
        let site = recovery::in_epoch(&site, found.epoch).map_or(site, Arc::new);
        let (standing, _) = watch::channel(found.standing);
        let recovery = Stand {
            asks: false,
            standing,
            asked: Mutex::default(),
            bank_unchecked: AtomicBool::new(found.bank_unchecked),
        };
        let inner = Inner {
            db,
            site,
            clock,
            limits,
            queue: Mutex::new(None),
            room: Arc::new(Semaphore::new(limits.queue)),
            status: watch::channel(Status::Stopped).1,
            committed: watch::channel(0).1,
            sequenced: watch::channel(0).1,
            recovery,
            forward: OnceLock::new(),
            looks: Waiting::default(),
            shelf: Shelf::default(),
            meters: Arc::default(),
            lanes: Mutex::new(None),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn open_as(config: Config, asks: bool) -> Result<Self, OpenError> {
        let Config { store, site, clock, start, node, limits } = config;
        let db = Db::open(&store).await?;
        let now = clock.now();
        schema::migrate(&db, now).await?;
        schema::claim(&db, &site.id, site.mode).await?;
        let mut conn = db.writer().await?;
        let mut tx = db.begin(&mut conn, Isolation::Serializable).await?;
        clock::start(&mut tx, start, now).await?;
        tx.commit().await?;
        let found = recovery::find(&mut conn, asks).await?;
        drop(conn);
        let site = recovery::in_epoch(&site, found.epoch).map_or(site, Arc::new);
        let bank_unchecked = AtomicBool::new(found.bank_unchecked);
        let (standing, may_sign) = watch::channel(found.standing);
        let recovery = Stand { asks, standing, asked: Mutex::default(), bank_unchecked };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(LANE_THREADS)
            .thread_name("lane")
            .enable_all()
            .build()
            .map_err(|e| StoreError::StoreLost { detail: e.to_string() })?;
        let (queue, items) = mpsc::unbounded_channel();
        let (status_to, status) = watch::channel(Status::Starting);
        let (committed_to, committed) = watch::channel(0);
        let (sequenced_to, sequenced) = watch::channel(0);
        let (leaves_to, leaves) = mpsc::channel(LEAVES_AHEAD);
        let meters = Arc::new(Meters::default());
        let lane = Lane {
            db: db.clone(),
            site: Arc::clone(&site),
            clock: clock.clone(),
            node: node.clone(),
            limits,
            queue: items,
            status: status_to,
            committed: committed_to,
            leaves: leaves_to,
            meters: Arc::clone(&meters),
        };
        runtime.spawn(lane.run());
        let sequencer = Sequencer {
            db: db.clone(),
            site: Arc::clone(&site),
            clock: clock.clone(),
            node,
            limits,
            committed: committed.clone(),
            leaves,
            sequenced: sequenced_to,
            may_sign,
        };
        runtime.spawn(sequencer.run());
        runtime.spawn(write_back::run(db.clone(), committed.clone()));
        let hub = Self {
            inner: Arc::new(Inner {
                db,
                site,
                clock,
                limits,
                queue: Mutex::new(Some(queue)),
                room: Arc::new(Semaphore::new(limits.queue)),
                status,
                committed,
                sequenced,
                recovery,
                forward: OnceLock::new(),
                looks: Waiting::default(),
                shelf: Shelf::default(),
                meters,
                lanes: Mutex::new(Some(runtime)),
            }),
        };
        hub.known().await;
        if let Status::Down { error } = hub.status() {
            return Err(error.into());
        }
        Ok(hub)
    }

    async fn known(&self) {
        let mut status = self.inner.status.clone();
        // The sender lives as long as the lane; without it the status is what it is.
        let _ = status.wait_for(|s| *s != Status::Starting).await;
    }

    /// From now on commands are handed on to the node that decides, when this one does not. Set once.
    pub fn forward_by(&self, forward: Forward) {
        // A second way would be as good as the first.
        let _ = self.inner.forward.set(forward);
    }

    /// Whether this node decides: what one node does for all (jobs, the road's pump) is its part.
    #[must_use]
    pub fn decides(&self) -> bool {
        matches!(*self.inner.status.borrow(), Status::Deciding { .. })
    }

    /// The way to the node that decides, if this one does not and there is a way.
    fn way(&self) -> Option<&Forward> {
        let follows = matches!(*self.inner.status.borrow(), Status::Following { .. });
        self.inner.forward.get().filter(|_| follows)
    }

    /// Decides one command, here or on the node that does. Answers after it is on disk, together
    /// with others that came meanwhile.
    pub async fn submit(&self, command: Command) -> Answer {
        if let Some(forward) = self.way() {
            let answers = self.hand_on(forward, vec![command]).await;
            return answers.into_iter().next().unwrap_or(Err(Unavailable::Stopped));
        }
        self.may_decide(&command)?;
        self.submit_unasked(command).await
    }

    /// As [`Self::submit`], wherever the hub stands: what it recalls itself.
    pub(crate) async fn submit_unasked(&self, command: Command) -> Answer {
        self.may_submit()?;
        let Ok(room) = Arc::clone(&self.inner.room).try_acquire_owned() else {
            return Err(if self.inner.room.is_closed() { Unavailable::Stopped } else { self.busy() });
        };
        match self.send(command, room)?.await {
            Ok(answer) => answer,
            Err(_) => Err(Unavailable::Stopped),
        }
    }

    /// Decides commands in their order, here or on the node that does, waiting for room. Each has its
    /// own answer; behind one that could not be decided, none is.
    pub async fn submit_all(&self, commands: Vec<Command>) -> Vec<Answer> {
        match self.way() {
            Some(forward) => self.hand_on(forward, commands).await,
            None => self.submit_here(commands).await,
        }
    }

    /// Hands commands on, and again to the next node when the deciding one has died: for as long as
    /// it takes another to notice. What was sent without an answer is sent again; it is done once.
    async fn hand_on(&self, forward: &Forward, mut commands: Vec<Command>) -> Vec<Answer> {
        let Ok(_room) = Arc::clone(&self.inner.room).try_acquire_owned() else {
            return commands.iter().map(|_| Err(self.busy())).collect();
        };
        let mut answers = Vec::with_capacity(commands.len());
        let lease = Duration::from_secs(u64::try_from(self.inner.limits.lease_seconds.max(1)).unwrap_or(1));
        let mut until = tokio::time::Instant::now() + lease * 2;
        while !commands.is_empty() {
            let part = commands.len().min(FORWARD_MAX);
            let got = match self.status() {
                Status::Following { owner } => forward(owner, commands[..part].to_vec()).await.unwrap_or_default(),
                Status::Starting | Status::Deciding { .. } => self.submit_here(commands[..part].to_vec()).await,
                Status::Down { .. } | Status::Stopped => break,
            };
            let undecided = |a: &Answer| matches!(a, Err(Unavailable::NotTheOwner { .. } | Unavailable::Stopped));
            let done = got.iter().position(undecided).unwrap_or(got.len());
            answers.extend(got.into_iter().take(done));
            commands.drain(..done);
            let stopped = matches!(answers.last(), Some(Err(reason)) if *reason != Unavailable::Faulty);
            if stopped || tokio::time::Instant::now() >= until {
                break;
            }
            if done == 0 {
                tokio::time::sleep(FORWARD_PAUSE).await;
            } else {
                until = tokio::time::Instant::now() + lease * 2;
            }
        }
        let reason = match answers.last() {
            Some(Err(reason)) if *reason != Unavailable::Faulty => reason.clone(),
            _ => self.may_submit().err().unwrap_or(Unavailable::Stopped),
        };
        answers.extend(commands.iter().map(|_| Err(reason.clone())));
        answers
    }

    /// Decides commands on this node or not at all: what another node has handed on goes no further.
    pub async fn submit_here(&self, commands: Vec<Command>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(commands.len());
        let mut waiting = VecDeque::new();
        let mut stopped = None;
        for command in commands {
            let sent = match &stopped {
                Some(reason) => Err(Unavailable::clone(reason)),
                None => self.send_when_room(command, &mut waiting, &mut answers).await,
            };
            match sent {
                Ok(reply) => waiting.push_back(reply),
                Err(reason) => {
                    // Those after it must not be decided before it.
                    drain(&mut waiting, &mut answers).await;
                    answers.push(Err(reason.clone()));
                    stopped = Some(reason);
                }
            }
        }
        drain(&mut waiting, &mut answers).await;
        answers
    }

    async fn send_when_room(
        &self,
        command: Command,
        waiting: &mut VecDeque<oneshot::Receiver<Answer>>,
        answers: &mut Vec<Answer>,
    ) -> Result<oneshot::Receiver<Answer>, Unavailable> {
        self.may_decide(&command)?;
        self.may_submit()?;
        if waiting.len() >= self.inner.limits.queue / 2 {
            // Leaves half of the room to others, however long the list.
            drain(waiting, answers).await;
        }
        let room = Arc::clone(&self.inner.room).acquire_owned().await.map_err(|_| Unavailable::Stopped)?;
        self.send(command, room)
    }

    fn send(&self, command: Command, room: OwnedSemaphorePermit) -> Result<oneshot::Receiver<Answer>, Unavailable> {
        command.prepare();
        let (reply, answer) = oneshot::channel();
        let queue = self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = queue.as_ref().ok_or(Unavailable::Stopped)?;
        sender
            .send(Item { command, reply, came: tokio::time::Instant::now(), _room: room })
            .map_err(|_| Unavailable::Stopped)?;
        Ok(answer)
    }

    fn may_decide(&self, command: &Command) -> Result<(), Unavailable> {
        let bank_unchecked = self.inner.recovery.bank_unchecked.load(Ordering::Relaxed);
        recovery::may_decide(&self.inner.recovery.standing.borrow(), bank_unchecked, command)
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        &self.inner.shelf
    }

    pub(crate) fn looks(&self) -> &Waiting {
        &self.inner.looks
    }

    pub(crate) fn recovery(&self) -> &Stand {
        &self.inner.recovery
    }

    fn may_submit(&self) -> Result<(), Unavailable> {
        match &*self.inner.status.borrow() {
            Status::Starting | Status::Deciding { .. } => Ok(()),
            Status::Following { owner } => {
                Err(Unavailable::NotTheOwner { owner: owner.name.clone(), address: owner.address.clone() })
            }
            Status::Down { error: StoreError::StoreFull } => Err(Unavailable::StorageFull),
            Status::Down { .. } => Err(Unavailable::StorageUnavailable),
            Status::Stopped => Err(Unavailable::Stopped),
        }
    }

    /// A full queue of `queue` commands takes about this long at 10,000 a second.
    fn busy(&self) -> Unavailable {
        let waiting = u64::try_from(self.inner.limits.queue).unwrap_or(u64::MAX);
        Unavailable::Busy { retry_after_ms: (waiting / 10).clamp(100, 5_000) }
    }

    #[must_use]
    pub fn status(&self) -> Status {
        self.inner.status.borrow().clone()
    }

    /// How many events are committed; changes with every batch that made some happen.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.inner.committed.clone()
    }

    /// How many events the newest stored checkpoint covers: what may be sent to peers.
    #[must_use]
    pub fn sequenced(&self) -> watch::Receiver<u64> {
        self.inner.sequenced.clone()
    }

    /// What this process counts of its own work.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.inner.meters
    }

    #[must_use]
    pub fn site(&self) -> &Arc<Site> {
        &self.inner.site
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    #[must_use]
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Business time, as the next command would be decided at.
    pub async fn business_now(&self) -> Result<BusinessTime, StoreError> {
        let mut conn = self.db().reader().await?;
        Ok(clock::load(&mut conn, self.inner.site.mode).await?.at(self.wall_now()))
    }

    #[must_use]
    pub fn wall_now(&self) -> WallTime {
        self.inner.clock.now()
    }

    /// Who decides by the lease in the store, and until when it holds unless it is renewed.
    pub async fn lease_holder(&self) -> Result<Option<(Node, WallTime)>, StoreError> {
        let mut conn = self.db().reader().await?;
        lease::holder(&mut conn, lease::DECIDE).await
    }

    /// Writes a consistent copy of a running SQLite hub.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        self.db().backup(to).await
    }

    /// Takes no more commands, answers those taken, lets go of the leases and of the store.
    pub async fn close(&self) {
        self.inner.room.close();
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut status = self.inner.status.clone();
        let _ = status.wait_for(|s| *s == Status::Stopped).await;
        let mut sequenced = self.inner.sequenced.clone();
        // The sequencer ends after the lane; its sender goes with it.
        while sequenced.changed().await.is_ok() {}
        self.inner.db.close().await;
    }
}

async fn drain(waiting: &mut VecDeque<oneshot::Receiver<Answer>>, answers: &mut Vec<Answer>) {
    while let Some(reply) = waiting.pop_front() {
        answers.push(reply.await.unwrap_or(Err(Unavailable::Stopped)));
    }
}
