//! Lists a second on the importing hub. A list is an order, a payment, a waybill and a declaration,
//! each arriving by itself: orders and payments one by one, waybills and declarations in the
//! batches of four peers, mixed over a window of lists, while the next windows' orders come in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hub::clock::Clock;
use hub::{Answer, Config, Hub, Limits, Node};
use serde_json::Value;
use sim::generator::{Generator, Plan, buyers, price_list};
use sim::memory::MemoryHub;
use sim::random::Random;
use sim::scene::{START, business, rulebooks, site};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use trade::codes::{Country, HubId};
use trade::commands::Command;
use trade::declaration::{Declaration, DeclarationKind, DeclaredLine};
use trade::event::{Draft, Happened};
use trade::party::Role;
use trade::peer::{AcceptPeer, ReceiveBatch};
use trade::quote::Quote;
use trade::road::Receipt;
use trade::site::Site;
use trade::time::{BusinessTime, WallTime};
use trade::trade_file::Stage;
use trade::waybill::Waybill;

use super::{Figures, Meter, Place, instant};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Lists that are measured.
    #[arg(long, default_value_t = 20_000)]
    lists: u64,
    /// Lists that are held before.
    #[arg(long, default_value_t = 0)]
    held: u64,
    /// Requests under way at once.
    #[arg(long, default_value_t = 4_096)]
    at_once: usize,
    #[arg(long)]
    json: bool,
}

/// Documents of so many lists are mixed before they are sent.
const WINDOW: usize = 1_024;
/// Hubs at the other ends of roads. A road carries one batch at a time, so one alone would be waited for.
const PEERS: usize = 4;
/// Windows whose orders are under way before those of the first are all answered.
const WINDOWS_AHEAD: usize = 3;
/// A person orders a few times a year: the yearly limit is not what is measured.
const LISTS_A_BUYER: u64 = 10;

pub async fn run(options: Options) -> Result<(), String> {
    let store = options.place.open()?;
    let engine = store.engine();
    let total = options.held + options.lists;
    let mut bench = Bench::open(store, total / LISTS_A_BUYER + 1).await?;
    let mut plans = Generator::new(7, total / LISTS_A_BUYER + 1, 0);
    if options.held > 0 {
        bench.clear(plans.by_ref(), options.held, options.at_once).await?;
    }
    let figures = bench.measured(plans, options.lists, options.held, engine, options.at_once).await?;
    bench.check(total).await?;
    figures.print(options.json);
    bench.hub.close().await;
    options.place.clean();
    Ok(())
}

struct Bench {
    hub: Hub,
    importer: HubId,
    abroad: Vec<Abroad>,
    /// How many windows there were: the next is the next peer's.
    turn: usize,
    random: Random,
}

/// A peer, of which only the log is played, and how far it has told of it.
struct Abroad {
    kul: MemoryHub,
    importer: HubId,
    told: u64,
    seen: u64,
}

impl Bench {
    async fn open(store: hub::db::Store, buyer_count: u64) -> Result<Self, String> {
        let books = rulebooks();
        let site_hgh = site("hgh.sandbox", Country::CN, &books);
        let config = Config {
            store,
            site: site_hgh.clone(),
            clock: Clock::system(),
            start: START,
            node: Node { name: "bench".to_owned(), address: String::new() },
            limits: Limits::default(),
        };
        let hub = Hub::open(config).await.map_err(|e| e.to_string())?;
        answered(&hub, buyers(buyer_count).into_iter().map(Command::from).collect()).await?;
        let mut abroad = Vec::new();
        for n in 1..=PEERS {
            let peer = site(&format!("kul-{n}.sandbox"), Country::MY, &books);
            abroad.push(Abroad::open(&hub, &site_hgh, peer).await?);
        }
        Ok(Self { hub, importer: site_hgh.id.clone(), abroad, turn: 0, random: Random::new(1) })
    }

    /// Quotes for a window of plans, before the clock runs: they were given days ago.
    async fn quotes(&self, plans: &[Plan], turn: usize) -> Result<Vec<Quote>, String> {
        let asks = plans.iter().map(|p| Command::from(p.ask(&self.abroad[turn % PEERS].kul.site.id))).collect();
        let answers = self.hub.submit_all(asks).await;
        answers.into_iter().map(|a| serde_json::from_value(good(a)?).map_err(|e| e.to_string())).collect()
    }

    async fn measured(
        &mut self,
        plans: Generator,
        lists: u64,
        held: u64,
        engine: &str,
        at_once: usize,
    ) -> Result<Figures, String> {
        let count = usize::try_from(lists).map_err(|e| e.to_string())?;
        let plans: Vec<Plan> = plans.take(count).collect();
        let mut quotes = Vec::with_capacity(count);
        for (turn, window) in (self.turn..).zip(plans.chunks(WINDOW)) {
            quotes.extend(self.quotes(window, turn).await?);
        }
        let windows: Vec<Window> =
            plans.chunks(WINDOW).zip(quotes.chunks(WINDOW)).map(|(p, q)| self.window(p, q)).collect();
        let meter = Meter::start();
        let latencies = self.send(windows, at_once).await?;
        Ok(meter.stop("clear", engine, held, lists, latencies))
    }

    /// Clears lists without measuring.
    async fn clear(&mut self, plans: &mut Generator, lists: u64, at_once: usize) -> Result<(), String> {
        let mut left = usize::try_from(lists).map_err(|e| e.to_string())?;
        while left > 0 {
            let part: Vec<Plan> = plans.take(left.min(WINDOW * 16)).collect();
            let mut windows = Vec::new();
            for plans in part.chunks(WINDOW) {
                let quotes = self.quotes(plans, self.turn).await?;
                windows.push(self.window(plans, &quotes));
            }
            self.send(windows, at_once).await?;
            left -= part.len();
        }
        Ok(())
    }

    /// The documents of a window of lists, in no order, and the batches in which the peer will tell of
    /// its part: made before the clock runs, since that is other machines' work.
    fn window(&mut self, plans: &[Plan], quotes: &[Quote]) -> Window {
        let mut commands: Vec<Command> = Vec::with_capacity(plans.len() * 2);
        let mut drafts: Vec<Draft> = Vec::with_capacity(plans.len() * 2);
        for (plan, quote) in plans.iter().zip(quotes) {
            commands.push(plan.place(&self.importer).into());
            commands.extend(plan.payments(&self.importer, quote.landed.total).into_iter().map(Command::from));
            drafts.extend(self.told_of(plan, quote));
        }
        shuffle(&mut commands, &mut self.random);
        let peer = self.turn % PEERS;
        self.turn += 1;
        Window { peer, commands, batches: self.abroad[peer].tell(&drafts) }
    }

    /// Sends orders and payments, each by itself, so many at once, without a pause between windows;
    /// the peer tells of a window when its orders are answered, batch after batch, as the road does.
    async fn send(&mut self, windows: Vec<Window>, at_once: usize) -> Result<Vec<Duration>, String> {
        let gate = Arc::new(Semaphore::new(at_once));
        let mut roads = Vec::new();
        let mut telling = Vec::new();
        for _ in 0..PEERS {
            let (tell, mut told) = mpsc::channel::<Vec<ReceiveBatch>>(WINDOWS_AHEAD);
            roads.push(tell);
            let hub = self.hub.clone();
            telling.push(tokio::spawn(async move {
                while let Some(batches) = told.recv().await {
                    deliver(&hub, batches).await?;
                }
                Ok::<(), String>(())
            }));
        }
        let mut latencies = Vec::new();
        let mut under_way = VecDeque::new();
        for Window { peer, commands, batches } in windows {
            under_way.push_back((self.submit(commands, &gate), peer, batches));
            if under_way.len() > WINDOWS_AHEAD {
                finish(&mut under_way, &mut latencies, &roads).await?;
            }
        }
        while !under_way.is_empty() {
            finish(&mut under_way, &mut latencies, &roads).await?;
        }
        drop(roads);
        for told in telling {
            told.await.map_err(|e| e.to_string())??;
        }
        Ok(latencies)
    }

    /// Each command by itself, when there is room for it.
    fn submit(&self, commands: Vec<Command>, gate: &Arc<Semaphore>) -> Answers {
        let mut tasks = JoinSet::new();
        for command in commands {
            let (hub, gate) = (self.hub.clone(), gate.clone());
            tasks.spawn(async move {
                let _turn = gate.acquire_owned().await;
                let sent = instant();
                let answer = hub.submit(command).await;
                (sent.elapsed(), answer)
            });
        }
        tasks
    }

    /// What the exporting hub tells of a list: the waybill and the released declaration.
    fn told_of(&self, plan: &Plan, quote: &Quote) -> [Draft; 2] {
        let issue = plan.waybills(&self.importer, quote.gross()).swap_remove(0);
        let now = BusinessTime::from_micros(START.micros());
        let waybill = Waybill {
            no: issue.no.clone(),
            gross: issue.gross,
            consignee: issue.consignee,
            issued_at: now,
            edition: 1,
        };
        let lines = quote.lines.iter().map(DeclaredLine::ordered).collect();
        let declaration = Declaration {
            lines,
            gross: quote.gross(),
            waybill: issue.no,
            lodged_at: now,
            edition: 1,
            kind: DeclarationKind::of(quote.regime),
            registration: quote.landed.registration.clone(),
            permits: Vec::new(),
        };
        let told =
            |what| Draft { at: now, trade: Some(plan.trade(&self.importer)), to: Some(self.importer.clone()), what };
        [told(Happened::WaybillIssued { waybill }), told(Happened::ExportReleased { declaration, by: None })]
    }

    /// Every list has its decision, its ledger rows and its events.
    async fn check(&self, lists: u64) -> Result<(), String> {
        let counts = self.hub.stage_counts().await.map_err(|e| e.to_string())?;
        let decided: i64 = counts
            .iter()
            .filter(|c| matches!(c.stage, Stage::ImportReleased | Stage::ImportHeld))
            .map(|c| c.count)
            .sum();
        let audit = self.hub.audit_ledger().await.map_err(|e| e.to_string())?;
        let summary = self.hub.summary().await.map_err(|e| e.to_string())?;
        let whole = i64::try_from(lists).map_err(|e| e.to_string())?;
        // Funded and held; a payment that came before its order was taken in first.
        let booked = (whole * 2..=whole * 3).contains(&summary.transfers);
        if decided != whole || !booked || !audit.is_sound() {
            return Err(format!("{decided} of {lists} decided, {} transfers, audit {audit:?}", summary.transfers));
        }
        // Order, payment, escrow, match and release: at least five events a list.
        if summary.events < lists * 5 {
            return Err(format!("{} events for {lists} lists", summary.events));
        }
        Ok(())
    }
}

/// What arrives together: orders and payments here, waybills and declarations from abroad.
struct Window {
    peer: usize,
    commands: Vec<Command>,
    batches: Vec<ReceiveBatch>,
}

type Answers = JoinSet<(Duration, Answer)>;

/// Waits for the oldest window's answers; then the peer may tell of it.
async fn finish(
    under_way: &mut VecDeque<(Answers, usize, Vec<ReceiveBatch>)>,
    latencies: &mut Vec<Duration>,
    roads: &[mpsc::Sender<Vec<ReceiveBatch>>],
) -> Result<(), String> {
    let Some((mut tasks, peer, batches)) = under_way.pop_front() else { return Ok(()) };
    while let Some(done) = tasks.join_next().await {
        let (latency, answer) = done.map_err(|e| e.to_string())?;
        good(answer)?;
        latencies.push(latency);
    }
    // It ends early only with an error, which is told when it is waited for.
    let _ = roads[peer].send(batches).await;
    Ok(())
}

/// Decides commands of which none may be refused.
async fn answered(hub: &Hub, commands: Vec<Command>) -> Result<(), String> {
    for answer in hub.submit_all(commands).await {
        good(answer)?;
    }
    Ok(())
}

/// An answer, of which none may be a refusal.
fn good(answer: Answer) -> Result<Value, String> {
    answer.map_err(|e| format!("{e:?}"))?.map_err(|p| format!("{p:?}"))
}

impl Abroad {
    /// A peer with a seller and a catalogue, which the hub has heard of.
    async fn open(hub: &Hub, here: &Site, peer: Arc<Site>) -> Result<Self, String> {
        let url = || "http://127.0.0.1".to_owned();
        let card = peer.card.clone().sign(&peer.road.key);
        answered(hub, vec![AcceptPeer { card, url: url() }.into()]).await?;
        let mut kul = MemoryHub::new(peer, START);
        kul.run(business("seller", Role::Seller, Country::MY)).map_err(|p| format!("{p:?}"))?;
        let card = here.card.clone().sign(&here.road.key);
        kul.run(AcceptPeer { card, url: url() }).map_err(|p| format!("{p:?}"))?;
        kul.decide(&price_list().into_iter().map(Command::from).collect::<Vec<_>>());
        let mut abroad = Self { kul, importer: here.id.clone(), told: 0, seen: 0 };
        deliver(hub, abroad.tell(&[])).await?;
        Ok(abroad)
    }

    /// Puts events into the peer's log; the batches that bring them, and all before, over the road.
    fn tell(&mut self, drafts: &[Draft]) -> Vec<ReceiveBatch> {
        self.kul.log(drafts);
        let size = self.kul.head().claimed().size;
        let mut batches = Vec::new();
        loop {
            let batch = self.kul.batch(&self.importer, self.told, self.seen);
            let Some(last) = batch.entries.last() else { return batches };
            (self.told, self.seen) = (last.road_seq, size);
            batches.push(ReceiveBatch::new(batch, WallTime::from_micros(START.micros())));
        }
    }
}

/// Sends batches of one peer, each when the one before is answered, as the road does.
async fn deliver(hub: &Hub, batches: Vec<ReceiveBatch>) -> Result<(), String> {
    for batch in batches {
        let last = batch.batch.entries.last().map(|entry| entry.road_seq);
        let answer = good(hub.submit(batch.into()).await)?;
        let receipt: Receipt = serde_json::from_value(answer).map_err(|e| e.to_string())?;
        if receipt.refusal.is_some() || Some(receipt.cursor) != last {
            return Err(format!("{receipt:?}"));
        }
    }
    Ok(())
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for i in (1..items.len()).rev() {
        let j = usize::try_from(random.below(u64::try_from(i + 1).unwrap_or(1))).unwrap_or(0);
        items.swap(i, j);
    }
}
