//! The deciding lane: commands that came meanwhile are one batch, decided in memory while the
//! batch before it is being written, and answered after their commit.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use trade::commands::Command;
use trade::site::Site;

use crate::clock::{self, Clock, jitter};
use crate::db::{Db, Isolation, StoreError};
use crate::decide::{Decided, Mind};
use crate::event::Leaves;
use crate::hub::{Item, Limits, Node, Status, Unavailable};
use crate::lease::{self, Lease, Taken};

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
type Writing = JoinHandle<(AnyConnection, Result<(), (End, Vec<Item>)>)>;

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
        let until = tokio::time::Instant::now() + time;
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
    async fn own(&mut self, lease: Lease, writer: AnyConnection, again: Vec<Item>) -> Result<(), (End, Vec<Item>)> {
        let mut reader = match self.db.connect().await {
            Ok(reader) => reader,
            Err(error) => return Err((error.into(), again)),
        };
        let mut mind = match self.read_mind(&mut reader).await {
            Ok(mind) => mind,
            Err(error) => return Err((error.into(), again)),
        };
        let writer = match mind.opening() {
            Some(opening) => self.write(writer, &lease, opening, Vec::new()).await?,
            None => writer,
        };
        let mut writer = Some(self.part_by_part(&lease, writer, &mut reader, &mut mind, again).await?);
        self.committed.send_replace(mind.events());
        self.status.send_replace(Status::Deciding { fence: lease.fence });
        let mut writing: Option<Writing> = None;
        loop {
            let mut items = Vec::new();
            let open = match self.collect(&mut items, &mut writing, &mut writer).await {
                Ok(open) => open,
                Err((end, mut failed)) => {
                    failed.append(&mut items);
                    return Err((end, failed));
                }
            };
            let commands: Vec<&Command> = items.iter().map(|item| &item.command).collect();
            let decided = match mind.decide(&self.db, &mut reader, &commands, self.clock.now()).await {
                Ok(decided) => decided,
                Err(error) => {
                    let mut failed = match writing.take() {
                        Some(before) => settle(before.await).err().map(|(_, items)| items).unwrap_or_default(),
                        None => Vec::new(),
                    };
                    failed.append(&mut items);
                    return Err((error.into(), failed));
                }
            };
            if let Some(before) = writing.take() {
                match settle(before.await) {
                    Ok(conn) => writer = Some(conn),
                    Err((end, mut failed)) => {
                        // What was decided on top of it is void.
                        failed.append(&mut items);
                        return Err((end, failed));
                    }
                }
            }
            let conn = writer.take().expect("the write before is settled");
            if !open {
                let conn = self.write(conn, &lease, decided, items).await?;
                let _ = self.let_go(conn, &lease).await;
                return Ok(());
            }
            writing = Some(self.start_write(conn, &lease, decided, items));
        }
    }

    async fn read_mind(&self, reader: &mut AnyConnection) -> Result<Mind, StoreError> {
        Mind::read(reader, &self.site, self.clock.now(), self.limits.memory).await
    }

    /// The next batch: all that is queued. While a write is under way it waits for more to come,
    /// up to a quarter of a batch. `false` when nobody submits any more.
    async fn collect(
        &mut self,
        items: &mut Vec<Item>,
        writing: &mut Option<Writing>,
        writer: &mut Option<AnyConnection>,
    ) -> Result<bool, (End, Vec<Item>)> {
        let enough = (self.limits.batch / 4).max(1);
        let beat = tokio::time::sleep(self.poll());
        tokio::pin!(beat);
        loop {
            let room = self.limits.batch.saturating_sub(items.len()).max(1);
            tokio::select! {
                biased;
                came = self.queue.recv_many(items, room) => {
                    if came == 0 {
                        return Ok(false);
                    }
                }
                done = async { writing.as_mut().expect("guarded").await }, if writing.is_some() => {
                    *writing = None;
                    *writer = Some(settle(done)?);
                }
                // Nothing to decide: an empty write renews the lease.
                () = &mut beat => return Ok(true),
            }
            if items.len() >= enough || (!items.is_empty() && writing.is_none()) {
                return Ok(true);
            }
        }
    }

    fn start_write(&self, mut conn: AnyConnection, lease: &Lease, decided: Decided, items: Vec<Item>) -> Writing {
        let (db, clock) = (self.db.clone(), self.clock.clone());
        let (committed, leaves) = (self.committed.clone(), self.leaves.clone());
        let lease = lease.clone();
        tokio::spawn(async move {
            match write(&db, &mut conn, &lease, &clock, &decided).await {
                Ok(()) => {
                    answer(items, decided, &committed, &leaves);
                    (conn, Ok(()))
                }
                Err(end) => (conn, Err((end, items))),
            }
        })
    }

    async fn write(
        &self,
        conn: AnyConnection,
        lease: &Lease,
        decided: Decided,
        items: Vec<Item>,
    ) -> Result<AnyConnection, (End, Vec<Item>)> {
        settle(self.start_write(conn, lease, decided, items).await)
    }

    /// Decides and writes what is left of a failed write, halving what fails again.
    async fn part_by_part(
        &mut self,
        lease: &Lease,
        writer: AnyConnection,
        reader: &mut AnyConnection,
        mind: &mut Mind,
        again: Vec<Item>,
    ) -> Result<AnyConnection, (End, Vec<Item>)> {
        let mut writer = writer;
        let mut parts: Vec<Vec<Item>> = vec![again];
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            let commands: Vec<&Command> = part.iter().map(|item| &item.command).collect();
            let decided = mind.decide(&self.db, reader, &commands, self.clock.now()).await;
            let (error, items) = match decided {
                Ok(decided) => match self.write(writer, lease, decided, part).await {
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

fn answer(items: Vec<Item>, decided: Decided, committed: &watch::Sender<u64>, leaves: &mpsc::Sender<Leaves>) {
    for (item, answer) in items.into_iter().zip(decided.answers) {
        let _ = item.reply.send(answer);
    }
    if !decided.lengths.is_empty() {
        let Decided { sealed, first, lengths, .. } = decided;
        let _ = leaves.try_send(Leaves { first, bytes: sealed.into_payload(), lengths });
    }
    committed.send_if_modified(|events| std::mem::replace(events, decided.events) != decided.events);
}

type Written = (AnyConnection, Result<(), (End, Vec<Item>)>);

/// A connection is used again only after a write that went through.
fn settle(done: Result<Written, tokio::task::JoinError>) -> Result<AnyConnection, (End, Vec<Item>)> {
    match done {
        Ok((conn, Ok(()))) => Ok(conn),
        Ok((_, Err(failed))) => Err(failed),
        // The items are gone with the task; their callers are told that nobody answers.
        Err(error) => Err((StoreError::StoreLost { detail: error.to_string() }.into(), Vec::new())),
    }
}

/// One transaction: the lease is still ours, all statements, the clock.
async fn write(db: &Db, conn: &mut AnyConnection, lease: &Lease, clock: &Clock, decided: &Decided) -> Result<(), End> {
    let mut wait = Duration::from_millis(5);
    for _ in 1..WRITE_TRIES {
        match write_once(db, conn, lease, clock, decided).await {
            Err(End::Store(error)) if error.passes() => tokio::time::sleep(jitter(wait)).await,
            other => return other,
        }
        wait *= 2;
    }
    write_once(db, conn, lease, clock, decided).await
}

async fn write_once(
    db: &Db,
    conn: &mut AnyConnection,
    lease: &Lease,
    clock: &Clock,
    decided: &Decided,
) -> Result<(), End> {
    let mut tx = db.begin(conn, Isolation::Fenced).await?;
    if !lease.renew(&mut tx, clock.now()).await? {
        return Err(End::LeaseLost);
    }
    for statement in decided.statements.iter().chain([&decided.sealed]) {
        statement.run(db, &mut tx).await?;
    }
    if let Some(moved) = &decided.clock {
        clock::save(&mut tx, moved).await?;
    }
    tx.commit().await?;
    Ok(())
}
