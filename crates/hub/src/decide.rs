//! Deciding a batch: load what it reads, decide in memory, and say what is to be written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sqlx::AnyConnection;
use trade::commands::Command;
use trade::event::{Event, Happened};
use trade::site::Site;
use trade::time::{BusinessTime, WallTime};
use trade::trade_file::TradeFile;
use trade::world::{Changes, Need, World};

use crate::clock::{self, BusinessClock};
use crate::db::{Db, StoreError};
use crate::event::Places;
use crate::hub::{Answer, Unavailable};
use crate::order::{self, Stored};
use crate::rows::Statement;
use crate::tally::{Counted, Tally};
use crate::{
    access_log, advance, event, handling, ledger, mandate, manifest, number, offer, party, peer, permit, product,
    quota, quote, received, recovery, refusal, stock, trade_file, variance,
};

/// What the deciding lane knows by heart. It runs ahead of the disk by the batch that is being
/// written, and is thrown away as a whole when a write fails.
pub(crate) struct Mind {
    site: Arc<Site>,
    world: World,
    clock: BusinessClock,
    last: BusinessTime,
    places: Places,
    next_seq: i64,
    memory: usize,
    orders: Stored,
    tally: Tally,
}

/// A batch decided, with what it did; not yet in the form in which it is written.
pub(crate) struct Decided {
    changes: Changes,
    /// What happened, with its places.
    events: Vec<Event>,
    orders: Vec<Arc<TradeFile>>,
    counted: Counted,
    refused: Statement,
    /// The number of its first transfer.
    first_seq: i64,
    clock: Option<BusinessClock>,
    answers: Vec<Answer>,
    /// Events in the log once this is written.
    log_size: u64,
}

/// A batch as it is written, and what is known after the commit.
pub(crate) struct Written {
    pub statements: Vec<Statement>,
    /// What happened; kept apart, since the sequencer takes its payload up after the commit.
    pub sealed: Statement,
    pub first: u64,
    pub lengths: Vec<usize>,
    pub clock: Option<BusinessClock>,
    pub answers: Vec<Answer>,
    pub log_size: u64,
}

impl Decided {
    /// Everything that changed, as statements: a fixed order of nouns, balances last.
    pub fn written(self) -> Result<Written, StoreError> {
        let Self { changes, events, orders, counted, refused, first_seq, clock, answers, log_size } = self;
        let (statements, (sealed, lengths)) = caught(|| {
            let [transfers, balances] = ledger::changes(&changes, first_seq);
            let [entries, heads] = received::changes(&changes);
            let [files, told] = trade_file::changes(&changes, &events);
            let [counts, sellers] = counted.changes();
            let [stocks, moves, deltas] = stock::changes(&changes);
            let [bags, manifests] = manifest::changes(&changes);
            let [advances, claims, debts] = advance::changes(&changes);
            let statements = vec![
                peer::changes(&changes),
                heads,
                entries,
                party::changes(&changes),
                party::personal_changes(&changes),
                product::changes(&changes),
                offer::changes(&changes),
                quote::changes(&changes),
                order::changes(&orders),
                files,
                told,
                trade_file::payout_changes(&changes),
                variance::changes(&changes),
                handling::changes(&changes),
                stocks,
                moves,
                deltas,
                bags,
                manifests,
                advances,
                claims,
                debts,
                number::changes(&changes),
                quota::changes(&changes),
                mandate::changes(&changes),
                permit::changes(&changes),
                recovery::changes(&changes),
                access_log::changes(&changes),
                refused,
                counts,
                sellers,
                transfers,
                balances,
            ];
            (statements, event::changes(&events))
        })?;
        let first = events.first().map_or(log_size, |event| event.n);
        Ok(Written { statements, sealed, first, lengths, clock, answers, log_size })
    }
}

/// Batches that may be decided and not yet committed: one is being written, one is brought into the
/// form in which it is written, one waits for that.
pub(crate) const UNDER_WAY: u64 = 3;

/// Work for a whole batch. A panic in it is a fault of what the batch holds: the lane begins anew
/// from what is stored, and halves the batch until the guilty command stands alone.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| StoreError::damaged("a batch: the program stopped on it"))
}

impl Mind {
    /// Reads where everything stands.
    pub async fn read(
        conn: &mut AnyConnection,
        site: &Arc<Site>,
        wall: WallTime,
        memory: usize,
    ) -> Result<Self, StoreError> {
        let clock = clock::load(conn, site.mode).await?;
        let now = clock.at(wall);
        let mut world = World::new(Arc::clone(site), now);
        peer::load_all(conn, &mut world).await?;
        for (name, value) in recovery::marks(conn).await? {
            world.load_mark(name, value);
        }
        let places = Places::read(conn).await?;
        let next_seq = ledger::next_seq(conn).await?;
        let tally = Tally::read(conn).await?;
        Ok(Self {
            site: Arc::clone(site),
            world,
            clock,
            last: now,
            places,
            next_seq,
            memory,
            orders: Stored::default(),
            tally,
        })
    }

    /// How many events the log has.
    pub const fn events(&self) -> u64 {
        self.places.n
    }

    /// The first event of a hub says that it was opened.
    pub fn opening(&mut self, wall: WallTime) -> Option<Decided> {
        if self.places.n > 0 {
            return None;
        }
        let opened = Happened::HubOpened { hub: self.site.id.clone(), territory: self.site.territory };
        self.world.happened(None, None, opened);
        let none = refusal::changes(&[], &[], String::new);
        Some(self.decided(Vec::new(), none, wall))
    }

    /// Decides commands in their order.
    pub async fn decide(
        &mut self,
        db: &Db,
        conn: &mut AnyConnection,
        commands: &[&Command],
        wall: WallTime,
    ) -> Result<Decided, StoreError> {
        self.last = self.last.max(self.clock.at(wall));
        if self.world.held() > self.memory {
            self.world.forget(self.memory / 2, UNDER_WAY);
            self.orders.forget(&self.world);
            self.tally.forget(&self.world);
        }
        self.world.begin(self.last);
        let mut faulty = vec![false; commands.len()];
        let mut need = Need::default();
        for (command, faulty) in commands.iter().zip(&mut faulty) {
            *faulty = catch_unwind(AssertUnwindSafe(|| command.reads(&mut need))).is_err();
        }
        self.load(db, conn, need).await?;
        let mut need = Need::default();
        for (command, faulty) in commands.iter().zip(&mut faulty).filter(|(_, faulty)| !**faulty) {
            *faulty = catch_unwind(AssertUnwindSafe(|| command.reads_more(&self.world, &mut need))).is_err();
        }
        self.load(db, conn, need).await?;
        let mut answers = Vec::with_capacity(commands.len());
        for (command, faulty) in commands.iter().zip(faulty) {
            answers.push(if faulty { Err(Unavailable::Faulty) } else { self.decide_one(command) });
        }
        let refused = refusal::changes(commands, &answers, || self.site.date(self.world.now).to_string());
        caught(|| self.decided(answers, refused, wall))
    }

    /// The batch is decided: what it did is handed over, and gets its places.
    fn decided(&mut self, answers: Vec<Answer>, refused: Statement, wall: WallTime) -> Decided {
        let mut changes = self.world.take_changes();
        let counted = self.tally.count(&self.world, &changes);
        let clock = changes.clock_moved.map(|business| BusinessClock { business, wall, ..self.clock });
        self.clock = clock.unwrap_or(self.clock);
        self.last = self.last.max(self.world.now);
        let events = self.places.give(std::mem::take(&mut changes.events));
        let orders = self.orders.come(&changes);
        let first_seq = self.next_seq;
        self.next_seq += i64::try_from(changes.transfers.len()).expect("a batch is in memory");
        Decided { changes, events, orders, counted, refused, first_seq, clock, answers, log_size: self.places.n }
    }

    /// A command that panics is left out alone: what it did is taken back like a refusal's.
    fn decide_one(&mut self, command: &Command) -> Answer {
        self.world.keep();
        match catch_unwind(AssertUnwindSafe(|| command.decide(&mut self.world))) {
            Ok(outcome) => Ok(outcome),
            Err(_) => {
                self.world.take_back();
                Err(Unavailable::Faulty)
            }
        }
    }

    async fn load(&mut self, db: &Db, conn: &mut AnyConnection, need: Need) -> Result<(), StoreError> {
        let need = self.world.missing(need);
        if need.is_empty() {
            return Ok(());
        }
        let world = &mut self.world;
        party::load(db, conn, &need.parties, world).await?;
        party::load_personal(db, conn, &need.personals, world).await?;
        product::load(db, conn, &need.products, world).await?;
        offer::load(db, conn, &need.offers, world).await?;
        quote::load(db, conn, &need.quotes, world).await?;
        trade_file::load(db, conn, &need.trades, world).await?;
        self.orders.loaded(world, &need.trades);
        self.tally.loaded(world, &need.trades);
        number::load(db, conn, &need.numbers, world).await?;
        quota::load(db, conn, &need.quotas, world).await?;
        mandate::load(db, conn, &need.mandates, world).await?;
        permit::load(db, conn, &need.permits, world).await?;
        stock::load(db, conn, &need.stocks, world).await?;
        stock::load_moves(db, conn, &need.stock_moves, world).await?;
        manifest::load_bags(db, conn, &need.bags, world).await?;
        manifest::load(db, conn, &need.manifests, world).await?;
        advance::load_debts(db, conn, &need.debts, world).await?;
        access_log::load(conn, need.last_digest, world).await?;
        ledger::load(db, conn, &need.accounts, world).await
    }
}
