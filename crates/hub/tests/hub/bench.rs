//! How many lists (order, payment, waybill, export declaration) two hubs clear a second, durably.
//!
//! `CARGO_PROFILE_DEV_OPT_LEVEL=3 EHUB_TEST_FSYNC=1 LISTS=20000 cargo test -p hub --test hub -- --ignored --nocapture`

use std::time::{Duration, Instant};

use hub::testing::{self, Scratch};
use hub::trade_file::TradeFilter;
use hub::{Hub, Unavailable};
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::party::Role;
use trade::trade_file::Stage;

use crate::pair::*;

/// Lists whose documents are on their way at the same time.
const WAVE: u64 = 4_096;
/// So many buyers, since each may buy for CNY 26,000 a year.
const BUYERS: u64 = 1_000;

fn lists() -> u64 {
    std::env::var("LISTS").ok().and_then(|n| n.parse().ok()).unwrap_or(4_096)
}

fn buyer(n: u64) -> u64 {
    1_000 + n % BUYERS
}

/// Time on the wall, and on the cores of this process (the server of PostgreSQL is another).
#[derive(Clone, Copy, Default)]
struct Took {
    wall: Duration,
    cpu: Duration,
}

impl std::ops::Add for Took {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

/// User and system time so far, in ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    Duration::from_millis(fields.skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum::<u64>() * 10)
}

async fn took(work: impl Future<Output = ()>) -> Took {
    let (started, before) = (Instant::now(), cpu());
    work.await;
    Took { wall: started.elapsed(), cpu: cpu() - before }
}

async fn timed(hub: &Hub, commands: Vec<Command>) -> Took {
    took(async {
        for answer in hub.submit_all(commands).await {
            answer.unwrap().unwrap();
        }
    })
    .await
}

async fn carry(from: &Hub, to: &Hub) -> Took {
    from.sequence_all().await.unwrap();
    took(async { while carry_one(from, to).await {} }).await
}

async fn clear(first: &Scratch, second: &Scratch) {
    let pair = Pair::open(first, second).await;
    good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
    carry(&pair.kul, &pair.hgh).await;
    let join = (0..BUYERS).map(|n| party(1_000 + n, Role::Buyer, trade::codes::Country::CN)).collect();
    timed(&pair.hgh, join).await;
    let total = Money::new(17_304, Currency::CNY);
    let [mut asked, mut ordered, mut paid, mut told, mut shipped, mut lodged, mut cleared] = [Took::default(); 7];
    for start in (0..lists()).step_by(WAVE.try_into().unwrap()) {
        let wave = || start..(start + WAVE).min(lists());
        let all = |command: fn(u64) -> Command| wave().map(command).collect::<Vec<_>>();
        let sum = |sum: &mut Took, took| *sum = *sum + took;
        sum(&mut asked, timed(&pair.hgh, all(|n| Command::AskQuote(ask(n, "T-1", buyer(n))))).await);
        sum(&mut ordered, timed(&pair.hgh, all(|n| order(n, id(n), buyer(n)))).await);
        sum(&mut paid, timed(&pair.hgh, wave().map(|n| payment(n, total, buyer(n))).collect()).await);
        sum(&mut told, carry(&pair.hgh, &pair.kul).await);
        sum(&mut shipped, timed(&pair.kul, all(waybill)).await);
        sum(&mut lodged, timed(&pair.kul, all(lodge)).await);
        sum(&mut cleared, carry(&pair.kul, &pair.hgh).await);
    }
    let count = lists();
    let rate = |took: Took| u128::from(count) * 1_000_000 / took.wall.as_micros().max(1);
    let each = |took: Took| took.cpu.as_micros() / u128::from(count);
    println!("{}: {count} lists", first.engine);
    for (what, took) in [
        ("quotes asked", asked),
        ("orders", ordered),
        ("payments", paid),
        ("over the road to the exporting hub", told),
        ("waybills", shipped),
        ("export declarations", lodged),
        ("over the road and cleared", cleared),
        ("LISTS, importing hub: orders + payments + cleared", ordered + paid + cleared),
        ("LISTS, exporting hub: told + waybills + declarations", told + shipped + lodged),
        ("LISTS, four commands", ordered + paid + shipped + lodged),
    ] {
        println!("  {:>7}/s {:>5} µs of cores  {what}", rate(took), each(took));
    }
    let filter = TradeFilter { stage: Some(Stage::ImportReleased), ..TradeFilter::default() };
    let released = pair.hgh.trade_count(&filter).await.unwrap();
    println!("  {released} released on the importing hub, {:?}", pair.hgh.stage_counts().await.unwrap());
    for hub in [&pair.kul, &pair.hgh] {
        assert!(hub.audit_ledger().await.unwrap().is_sound());
        println!("  {} MB, {} events", hub.db().size().await.unwrap() / 1_000_000, hub.event_count().await.unwrap());
        hub.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn lists_a_second() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        if std::env::var("ENGINE").is_ok_and(|only| only != first.engine) {
            continue;
        }
        clear(&first, &second).await;
    }
}

/// Single callers, each waiting for its answer before it sends again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn single_callers() {
    for scratch in testing::stores().await {
        let (clock, _) = hub::clock::Clock::manual(testing::WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        let per_caller = lists() / 64;
        let started = Instant::now();
        let callers: Vec<_> = (0..64)
            .map(|caller| {
                let hub = hub.clone();
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    for n in 0..per_caller {
                        let asked = Instant::now();
                        let n = caller * per_caller + n;
                        let answer = hub.submit(payment(n, Money::new(1, Currency::CNY), n)).await;
                        assert!(!matches!(answer, Err(Unavailable::Busy { .. })));
                        answer.unwrap().unwrap();
                        waits.push(asked.elapsed());
                    }
                    waits
                })
            })
            .collect();
        let mut waits = Vec::new();
        for caller in callers {
            waits.extend(caller.await.unwrap());
        }
        let took = started.elapsed();
        waits.sort_unstable();
        let rate = waits.len() as u128 * 1_000_000 / took.as_micros();
        let at = |percent: usize| waits[waits.len() * percent / 100];
        println!("{}: 64 callers: {rate}/s, p50 {:?}, p99 {:?}", scratch.engine, at(50), at(99));
        hub.close().await;
    }
}
