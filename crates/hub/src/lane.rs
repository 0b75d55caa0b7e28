//! The deciding lane: commands that came meanwhile are one batch, decided in memory while the batches
//! before it are being written, one after the other, and answered after their commit.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use trade::commands::Command;
use trade::site::Site;

use crate::clock::{self, Clock, jitter};
use crate::db::{Db, Isolation, StoreError};
use crate::decide::{Decided, Mind, UNDER_WAY, Written};
use crate::event::Leaves;
use crate::hub::{Item, Limits, Node, Status, Unavailable};
use crate::lease::{self, Lease, Taken};
use crate::meter::{Came, Meters};

pub(crate) struct Lane {
    pub db: Db,
    pub site: Arc<Site>,
    pub clock: Clock,
    pub node: Node,
    pub limits: Limits,
    pub queue: mpsc::UnboundedReceiver<Item>,
    pub status: watch::Sender<Status>,
    pub committed: watch::Sender<u64>,
    /// Committed leaves for the sequencer of this node; it reads what it misses.
    pub leaves: mpsc::Sender<Leaves>,
    pub meters: Arc<Meters>,
}

/// However the lane ends, by a panic too, nobody goes on waiting for it.
impl Drop for Lane {
    fn drop(&mut self) {
        self.status.send_replace(Status::Stopped);
    }
}

/// Why the lane stops deciding under its lease.
enum End {
    /// Another node has taken over.
    LeaseLost,
    Store(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A write under way; it brings back its connection and, if it failed, the commands.
type Writing = JoinHandle<Wrote>;
type Wrote = (AnyConnection, Result<Telling, Failed>);
/// Callers being told what is committed.
type Telling = JoinHandle<()>;
/// Why nothing more is written, and the commands that are not: they may be decided again, in this order.
type Failed = (End, Vec<Item>);

/// A write that meets a conflict is tried so often, with doubled waits from 5 ms.
const WRITE_TRIES: u32 = 7;
/// After a breakdown of the store: the first and the longest wait before it is tried again.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MOST: Duration = Duration::from_secs(5);

impl Lane {
    pub async fn run(mut self) {
        let mut again: Vec<Item> = Vec::new();
        let mut wait = RETRY_FIRST;
        loop {
            let end = match self.take().await {
                Ok(Some((lease, conn))) => {
                    wait = RETRY_FIRST;
                    self.own(lease, conn, std::mem::take(&mut again)).await
                }
                Ok(None) => {
                    refuse(std::mem::take(&mut again), &self.why_not());
                    if self.idle(jitter(self.poll())).await {
                        break;
                    }
                    continue;
                }
                Err(error) => Err((End::Store(error), std::mem::take(&mut again))),
            };
            match end {
                Ok(()) => break,
                Err((End::LeaseLost, items)) => again = items,
                Err((End::Store(error), items)) if is_content(&error) && !items.is_empty() => again = items,
                Err((End::Store(error), items)) => {
                    refuse(items, &reason(&error));
                    tracing::error!(code = error.code(), %error, "the store is down");
                    self.status.send_replace(Status::Down { error });
                    if self.idle(jitter(wait)).await {
                        break;
                    }
                    wait = (wait * 2).min(RETRY_MOST);
                }
            }
        }
        refuse(std::mem::take(&mut again), &Unavailable::Stopped);
    }

    /// How often a node looks whether the owner is still there, and an owner renews.
    fn poll(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.limits.lease_seconds.max(1)).unwrap_or(1) * 1_000 / 3)
    }

    /// Takes the lease; `None` while another node has it.
    async fn take(&mut self) -> Result<Option<(Lease, AnyConnection)>, StoreError> {
        let mut conn = self.db.connect().await?;
        let (seconds, now) = (self.limits.lease_seconds, self.clock.now());
        match lease::take(&self.db, &mut conn, lease::DECIDE, &self.node, seconds, now).await? {
            Taken::Ours(lease) => Ok(Some((lease, conn))),
            Taken::Theirs(owner) => {
                self.status.send_if_modified(|status| {
                    let following = Status::Following { owner: owner.clone() };
                    let news = *status != following;
                    *status = following;
                    news
                });
                conn.close().await?;
                Ok(None)
            }
        }
    }

    /// Waits without deciding; what comes is answered with the reason. `true` when nobody submits any more.
    async fn idle(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let item = tokio::select! {
                item = self.queue.recv() => item,
                () = tokio::time::sleep_until(until) => return false,
            };
            match item {
                Some(item) => refuse(vec![item], &self.why_not()),
                None => return true,
            }
        }
    }

    /// Why this node does not decide now.
    fn why_not(&self) -> Unavailable {
        match &*self.status.borrow() {
            Status::Following { owner } => {
                Unavailable::NotTheOwner { owner: owner.name.clone(), address: owner.address.clone() }
            }
            Status::Down { error } => reason(error),
            _ => Unavailable::StorageUnavailable,
        }
    }

    /// Decides for as long as the lease is ours. First what a failed write left over, in ever
    /// smaller parts, until whatever is guilty stands alone.
    async fn own(&mut self, lease: Lease, writer: AnyConnection, again: Vec<Item>) -> Result<(), Failed> {
        let mut reader = match self.db.connect().await {
            Ok(reader) => reader,
            Err(error) => return Err((error.into(), again)),
        };
        let mut mind = match self.read_mind(&mut reader).await {
            Ok(mind) => mind,
            Err(error) => return Err((error.into(), again)),
        };
        let pen = self.pen(&lease);
        let writer = match mind.opening(self.clock.now()) {
            Some(opening) => pen.write(writer, opening, Vec::new()).await?,
            None => writer,
        };
        let writer = self.part_by_part(&pen, writer, &mut reader, &mut mind, again).await?;
        self.committed.send_replace(mind.events());
        self.status.send_replace(Status::Deciding { fence: lease.fence });
        tracing::info!(node = lease.node.name, fence = lease.fence, events = mind.events(), "this node decides");
        let (batches, to_write) = mpsc::unbounded_channel();
        let (written_to, mut written) = watch::channel(0);
        let writing = tokio::spawn(pen.write_all(writer, to_write, written_to));
        let (open, mut rest) = self.decide_all(&mut mind, &mut reader, &batches, &mut written).await;
        drop(batches);
        let failed = match (writing.await, open) {
            (Ok(Ok(conn)), Ok(())) => {
                let _ = self.let_go(conn, &lease).await;
                return Ok(());
            }
            (Ok(Ok(_)), Err(error)) => (error, Vec::new()),
            (Ok(Err(failed)), _) => failed,
            (Err(error), _) => (lost(&error), Vec::new()),
        };
        let (end, mut items) = failed;
        // What was decided on top of it is void.
        items.append(&mut rest);
        Err((end, items))
    }

    /// Decides batch after batch, until nobody submits any more or nothing can be written or read. Beside
    /// the reason: the commands that were taken and not handed on to be written.
    async fn decide_all(
        &mut self,
        mind: &mut Mind,
        reader: &mut AnyConnection,
        batches: &mpsc::UnboundedSender<Batch>,
        written: &mut watch::Receiver<u64>,
    ) -> (Result<(), End>, Vec<Item>) {
        let mut sent: u64 = 0;
        loop {
            let mut items = Vec::new();
            let Some(open) = self.collect(&mut items, sent, written).await else {
                return (Err(End::LeaseLost), items);
            };
            let commands: Vec<&Command> = items.iter().map(|item| &item.command).collect();
            let began = Instant::now();
            let decided = match mind.decide(&self.db, reader, &commands, self.clock.now()).await {
                Ok(decided) => decided,
                Err(error) => return (Err(error.into()), items),
            };
            if !items.is_empty() {
                self.meters.deciding.add_time(began.elapsed());
                self.meters.batch_size.add(u64::try_from(items.len()).unwrap_or(u64::MAX));
            }
            if let Err(unsent) = batches.send(Batch { decided, items }) {
                return (Err(End::LeaseLost), unsent.0.items);
            }
            sent += 1;
            // Lets the writer begin with it on another thread.
            tokio::task::yield_now().await;
            if !open {
                return (Ok(()), Vec::new());
            }
        }
    }

    fn pen(&self, lease: &Lease) -> Pen {
        Pen {
            db: self.db.clone(),
            clock: self.clock.clone(),
            lease: lease.clone(),
            committed: self.committed.clone(),
            leaves: self.leaves.clone(),
            meters: Arc::clone(&self.meters),
        }
    }

    async fn read_mind(&self, reader: &mut AnyConnection) -> Result<Mind, StoreError> {
        Mind::read(reader, &self.site, self.clock.now(), self.limits.memory).await
    }

    /// The next batch: all that is queued. While others are under way it waits for more to come, up to
    /// half of a batch. `false` when nobody submits any more, `None` when nobody writes any more.
    async fn collect(&mut self, items: &mut Vec<Item>, sent: u64, written: &mut watch::Receiver<u64>) -> Option<bool> {
        let (most, enough) = (self.limits.batch.max(1), (self.limits.batch / 2).max(1));
        let beat = tokio::time::sleep(self.poll());
        tokio::pin!(beat);
        let mut weight = 0;
        loop {
            let under_way = sent - *written.borrow_and_update();
            if under_way < UNDER_WAY && (weight >= enough || (weight > 0 && under_way < 2)) {
                return Some(true);
            }
            tokio::select! {
                biased;
                came = self.queue.recv(), if weight < most => {
                    if came.is_none() {
                        return Some(false);
                    }
                    let mut came = came;
                    while let Some(item) = came {
                        weight += item.command.weight();
                        items.push(item);
                        came = if weight < most { self.queue.try_recv().ok() } else { None };
                    }
                }
                more = written.changed() => more.ok()?,
                // Nothing to decide: an empty write renews the lease.
                () = &mut beat, if under_way == 0 => return Some(true),
            }
        }
    }

    /// Decides and writes what is left of a failed write, halving what fails again.
    async fn part_by_part(
        &self,
        pen: &Pen,
        writer: AnyConnection,
        reader: &mut AnyConnection,
        mind: &mut Mind,
        again: Vec<Item>,
    ) -> Result<AnyConnection, Failed> {
        let mut writer = writer;
        let mut parts: Vec<Vec<Item>> = vec![again];
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            let commands: Vec<&Command> = part.iter().map(|item| &item.command).collect();
            let decided = mind.decide(&self.db, reader, &commands, self.clock.now()).await;
            let (error, items) = match decided {
                Ok(decided) => match pen.write(writer, decided, part).await {
                    Ok(conn) => {
                        writer = conn;
                        continue;
                    }
                    Err((End::Store(error), items)) => (error, items),
                    Err((End::LeaseLost, items)) => return Err((End::LeaseLost, with(items, parts))),
                },
                Err(error) => (error, part),
            };
            if !is_content(&error) {
                return Err((error.into(), with(items, parts)));
            }
            if items.len() > 1 {
                parts.extend(split(items));
            } else {
                refuse(items, &Unavailable::Faulty);
            }
            let fresh = match self.db.connect().await {
                Ok(conn) => self.read_mind(reader).await.map(|mind| (conn, mind)),
                Err(error) => Err(error),
            };
            match fresh {
                Ok((conn, read)) => (writer, *mind) = (conn, read),
                Err(error) => return Err((error.into(), with(Vec::new(), parts))),
            }
        }
        Ok(writer)
    }

    async fn let_go(&self, mut conn: AnyConnection, lease: &Lease) -> Result<(), StoreError> {
        let mut tx = self.db.begin(&mut conn, Isolation::Fenced).await?;
        lease.release(&mut tx).await?;
        tx.commit().await?;
        Ok(conn.close().await?)
    }
}

/// Halves, the first on top of the stack.
fn split(mut items: Vec<Item>) -> [Vec<Item>; 2] {
    let second = items.split_off(items.len() / 2);
    [second, items]
}

/// Items with those of a stack of parts after them, in their order.
fn with(mut items: Vec<Item>, mut parts: Vec<Vec<Item>>) -> Vec<Item> {
    while let Some(part) = parts.pop() {
        items.extend(part);
    }
    items
}

/// Whether the fault lies in what was to be written, so that a smaller part may go through.
const fn is_content(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::StoreDuplicate { .. } | StoreError::StoreRefused { .. } | StoreError::StoreDamaged { .. }
    )
}

const fn reason(error: &StoreError) -> Unavailable {
    match error {
        StoreError::StoreFull => Unavailable::StorageFull,
        _ => Unavailable::StorageUnavailable,
    }
}

fn refuse(items: Vec<Item>, reason: &Unavailable) {
    for item in items {
        // A caller that has gone away does not mind.
        let _ = item.reply.send(Err(reason.clone()));
    }
}

/// Why nothing came back from a task: its items are gone with it, and their callers are told that
/// nobody answers.
fn lost(error: &tokio::task::JoinError) -> End {
    StoreError::StoreLost { detail: error.to_string() }.into()
}

/// A batch on its way to be written.
struct Batch {
    decided: Decided,
    items: Vec<Item>,
}

/// All that is needed to write what a lane decides.
#[derive(Clone)]
struct Pen {
    db: Db,
    clock: Clock,
    lease: Lease,
    committed: watch::Sender<u64>,
    leaves: mpsc::Sender<Leaves>,
    meters: Arc<Meters>,
}

impl Pen {
    /// Writes batches in their order: the next is brought into its form while the one before is being
    /// written. Counts what is committed in `written`; ends when no more can come, or with all that
    /// could not be written.
    async fn write_all(
        self,
        conn: AnyConnection,
        mut batches: mpsc::UnboundedReceiver<Batch>,
        written: watch::Sender<u64>,
    ) -> Result<AnyConnection, Failed> {
        let mut idle = Some(conn);
        let mut writing: Option<Writing> = None;
        let mut telling: Option<Telling> = None;
        loop {
            let next = tokio::select! {
                biased;
                done = async { writing.as_mut().expect("guarded").await }, if writing.is_some() => {
                    writing = None;
                    let (conn, told) = settle(done).map_err(|failed| with_all(failed, Vec::new(), &mut batches))?;
                    (idle, telling) = (Some(conn), Some(told));
                    written.send_modify(|count| *count += 1);
                    continue;
                }
                next = batches.recv() => next,
            };
            // Off the runtime's threads, which the write that was begun needs.
            let form = |batch: Batch| (tokio::task::block_in_place(|| batch.decided.written()), batch.items);
            let next = next.map(form);
            if let Some(before) = writing.take() {
                match settle(before.await) {
                    Ok((conn, told)) => (idle, telling) = (Some(conn), Some(told)),
                    Err(failed) => {
                        let items = next.map(|(_, items)| items).unwrap_or_default();
                        return Err(with_all(failed, items, &mut batches));
                    }
                }
                written.send_modify(|count| *count += 1);
            }
            let conn = idle.take().expect("the write before is settled");
            match next {
                None => {
                    // Nobody who was decided is left without an answer.
                    if let Some(told) = telling {
                        let _ = told.await;
                    }
                    return Ok(conn);
                }
                Some((Ok(batch), items)) => writing = Some(self.start(conn, batch, items)),
                Some((Err(error), items)) => return Err(with_all((error.into(), items), Vec::new(), &mut batches)),
            }
        }
    }

    /// One batch by itself.
    async fn write(&self, conn: AnyConnection, decided: Decided, items: Vec<Item>) -> Result<AnyConnection, Failed> {
        match decided.written() {
            Ok(batch) => {
                let (conn, told) = settle(self.start(conn, batch, items).await)?;
                let _ = told.await;
                Ok(conn)
            }
            Err(error) => Err((error.into(), items)),
        }
    }

    fn start(&self, mut conn: AnyConnection, batch: Written, items: Vec<Item>) -> Writing {
        let pen = self.clone();
        tokio::spawn(async move {
            let began = Instant::now();
            match pen.commit(&mut conn, &batch).await {
                Ok(()) => {
                    if !items.is_empty() {
                        pen.meters.writing.add_time(began.elapsed());
                    }
                    (conn, Ok(pen.tell(items, batch)))
                }
                Err(end) => {
                    pen.failed(&end);
                    (conn, Err((end, items)))
                }
            }
        })
    }

    /// One transaction: the lease is still ours, all statements, the clock.
    async fn commit(&self, conn: &mut AnyConnection, batch: &Written) -> Result<(), End> {
        let mut wait = Duration::from_millis(5);
        for _ in 1..WRITE_TRIES {
            match self.commit_once(conn, batch).await {
                Err(End::Store(error)) if error.passes() => tokio::time::sleep(jitter(wait)).await,
                other => return other,
            }
            wait *= 2;
        }
        self.commit_once(conn, batch).await
    }

    async fn commit_once(&self, conn: &mut AnyConnection, batch: &Written) -> Result<(), End> {
        let mut tx = self.db.begin(conn, Isolation::Fenced).await?;
        if !self.lease.renew(&mut tx, self.clock.now()).await? {
            return Err(End::LeaseLost);
        }
        for statement in batch.statements.iter().chain([&batch.sealed]) {
            statement.run(&self.db, &mut tx).await?;
        }
        if let Some(moved) = &batch.clock {
            clock::save(&mut tx, moved).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Tells what is committed: the sequencer first, then whoever asked, while the next is written.
    fn tell(&self, items: Vec<Item>, batch: Written) -> Telling {
        let Written { statements, sealed, first, lengths, answers, log_size, .. } = batch;
        if !lengths.is_empty() {
            let _ = self.leaves.try_send(Leaves { first, bytes: sealed.into_payload(), lengths });
        }
        self.committed.send_if_modified(|events| std::mem::replace(events, log_size) != log_size);
        let meters = Arc::clone(&self.meters);
        tokio::spawn(async move {
            let now = Instant::now();
            let mut came = Came::default();
            for (item, answer) in items.iter().zip(&answers) {
                came.take(&item.command, answer);
                meters.latency.add_time(now.saturating_duration_since(item.came));
            }
            came.add_to(&meters);
            for (item, answer) in items.into_iter().zip(answers) {
                let _ = item.reply.send(answer);
            }
            drop(statements);
        })
    }

    /// A batch was not written: who keeps watch reads why.
    fn failed(&self, end: &End) {
        let why = match end {
            End::LeaseLost => "lease-lost",
            End::Store(error) => error.code(),
        };
        self.meters.failed_writes.add([why], 1);
        tracing::warn!(why, "a batch was not written");
    }
}

/// What failed, then what was to follow it.
fn with_all((end, mut items): Failed, next: Vec<Item>, batches: &mut mpsc::UnboundedReceiver<Batch>) -> Failed {
    items.extend(next);
    batches.close();
    while let Ok(batch) = batches.try_recv() {
        items.extend(batch.items);
    }
    (end, items)
}

/// A connection is used again only after a write that went through.
fn settle(done: Result<Wrote, tokio::task::JoinError>) -> Result<(AnyConnection, Telling), Failed> {
    match done {
        Ok((conn, Ok(told))) => Ok((conn, told)),
        Ok((_, Err(failed))) => Err(failed),
        Err(error) => Err((lost(&error), Vec::new())),
    }
}
