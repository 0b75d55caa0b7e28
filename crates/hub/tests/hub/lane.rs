//! The deciding lane: batches, crashes, takeovers, full disks.

use std::time::Duration;

use hub::clock::Clock;
use hub::testing::{self, Scratch, WALL};
use hub::{Answer, Config, Hub, Limits, Node, Status, Unavailable};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sqlx::Any;
use trade::clock::MoveClock;
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::order::LapseOrder;
use trade::peer::{AcceptPeer, ReceiveBatch};
use trade::road::Batch;
use trade::time::Days;

use crate::pair::*;

const CATALOGUE: [&str; 3] = ["T-1", "T-2", "T-3"];

/// What `hgh.sandbox` hears first in these tests: its peer, its parties, the peer's catalogue.
async fn beginning() -> Vec<Command> {
    let (kul, hgh) = (testing::sqlite(), testing::sqlite());
    let pair = Pair::open(&kul, &hgh).await;
    for sku in CATALOGUE {
        good(pair.kul.submit(Command::OfferProduct(offer(sku))).await);
    }
    let batch: Batch = batch_of(&pair.kul, &pair.hgh).await;
    let accept = AcceptPeer {
        card: pair.kul_site.card.clone().sign(&pair.kul_site.road.key),
        url: pair.kul_site.card.url.clone(),
    };
    let mut commands = vec![Command::AcceptPeer(accept)];
    for (n, role) in [(CARRIER, trade::party::Role::Carrier), (OFFICER, trade::party::Role::Officer)] {
        commands.push(party(n, role, trade::codes::Country::CN));
    }
    for buyer in BUYERS {
        commands.push(party(buyer, trade::party::Role::Buyer, trade::codes::Country::CN));
    }
    commands.push(Command::ReceiveBatch(ReceiveBatch::new(batch, WALL)));
    commands
}

const BUYERS: std::ops::Range<u64> = 10..14;

/// Commands that meet and contradict each other: few numbers, so that they are taken twice, orders
/// before and after their payments, wrong amounts, wrong payers, lapses in between.
fn command() -> impl Strategy<Value = Command> {
    // Mostly the buyer whose number fits; sometimes somebody else.
    let buyer = |n: u64, other: u64| if other < 8 { 10 + n % 4 } else { 10 + other % 4 };
    let quote = (0..10_u64, 0..CATALOGUE.len(), 0..10_u64)
        .prop_map(move |(n, sku, other)| Command::AskQuote(ask(n, CATALOGUE[sku], buyer(n, other))));
    let place = (0..10_u64, 0..12_u64, 0..10_u64).prop_map(move |(n, quote, other)| {
        let quote = if quote < 8 { n } else { quote };
        order(n, id(quote), buyer(n, other))
    });
    let pay = (0..10_u64, 0..6_usize, 0..10_u64).prop_map(move |(n, amount, other)| {
        let amount = Money::new([TOTAL, TOTAL, TOTAL, TOTAL, TOTAL + 1, 1][amount], Currency::CNY);
        payment(n, amount, buyer(n, other))
    });
    let lapse = (0..10_u64).prop_map(|n| Command::LapseOrder(LapseOrder { trade: trade_no(n) }));
    prop_oneof![4 => quote, 4 => place, 4 => pay, 1 => lapse]
}

/// RM 80.00 at 1.6120 × 1.004 is CNY 129.48, freight RM 18.00 is 29.13; 13 % × 70 % of 158.61 is 14.43.
const TOTAL: i64 = 17_304;

fn clock_moves() -> impl Strategy<Value = Command> {
    (0..3_i64).prop_map(|days| Command::MoveClock(MoveClock { to: testing::START.plus_days(Days(days)) }))
}

async fn fresh(scratch: &Scratch, limits: Limits) -> Hub {
    let (clock, _) = Clock::manual(WALL);
    let config = testing::config(scratch, &hgh_site(), &clock);
    Hub::open(Config { limits, ..config }).await.expect("opens")
}

#[tokio::test]
async fn any_split_into_batches_gives_the_same_state_and_answers() {
    let beginning = beginning().await;
    let mut runner = TestRunner::deterministic();
    let lists = proptest::collection::vec(prop_oneof![12 => command(), 1 => clock_moves()], 60..160);
    let mut ordered = 0;
    for round in 0..4 {
        let list = lists.new_tree(&mut runner).unwrap().current();
        let cuts = proptest::collection::vec(1..30_usize, 40).new_tree(&mut runner).unwrap().current();
        let mut seen: Option<(Vec<Answer>, _)> = None;
        for scratch in testing::stores().await {
            // The last has no memory to speak of: it forgets while the batch before is being written.
            let memory = Limits::default().memory;
            for (batch, memory) in [(1, memory), (1_024, memory), (4, 4)] {
                let scratch_here = if batch == 1 { &scratch } else { &same_engine(&scratch).await };
                let hub = fresh(scratch_here, Limits { batch, memory, ..Limits::default() }).await;
                let mut answers = hub.submit_all(beginning.clone()).await;
                let mut rest = list.as_slice();
                for cut in cuts.iter().cycle() {
                    let (part, after) = rest.split_at((*cut).min(rest.len()));
                    answers.extend(hub.submit_all(part.to_vec()).await);
                    rest = after;
                    if rest.is_empty() {
                        break;
                    }
                }
                assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                let dump = testing::dump(&hub).await.unwrap();
                assert!(hub.audit_ledger().await.unwrap().is_sound());
                ordered += dump["trade_file"].iter().filter(|row| row.contains("| in-escrow |")).count();
                let this = (answers, dump);
                if let Some(seen) = &seen {
                    assert_eq!(seen.0, this.0, "answers, round {round}, {}, batches of {batch}", scratch.engine);
                    assert_eq!(seen.1, this.1, "tables, round {round}, {}, batches of {batch}", scratch.engine);
                }
                seen = Some(this);
                hub.close().await;
            }
        }
    }
    assert!(ordered > 20, "orders are placed and paid: {ordered}");
}

async fn same_engine(scratch: &Scratch) -> Scratch {
    match scratch.engine {
        "sqlite" => testing::sqlite(),
        _ => testing::postgres().await.expect("it was there before"),
    }
}

#[tokio::test]
async fn a_hub_that_dies_between_batches_goes_on_as_if_it_had_not() {
    let beginning = beginning().await;
    let mut runner = TestRunner::deterministic();
    let list = proptest::collection::vec(command(), 150).new_tree(&mut runner).unwrap().current();
    for scratch in testing::stores().await {
        let whole = same_engine(&scratch).await;
        let undisturbed = fresh(&whole, Limits::default()).await;
        undisturbed.submit_all(beginning.clone()).await;
        undisturbed.submit_all(list.clone()).await;
        let mut hub = fresh(&scratch, Limits::default()).await;
        assert!(hub.submit_all(beginning.clone()).await.iter().all(Result::is_ok));
        for (round, part) in list.chunks(25).enumerate() {
            let running = hub.clone();
            let commands = part.to_vec();
            let task = tokio::spawn(async move { running.submit_all(commands).await });
            // Somewhere within the part, or after it.
            tokio::time::sleep(Duration::from_micros(700 * u64::try_from(round).unwrap())).await;
            task.abort();
            let _ = task.await;
            drop(hub);
            hub = fresh(&scratch, Limits::default()).await;
            // Whoever got no answer sends again, and so does everybody else.
            assert!(hub.submit_all(part.to_vec()).await.iter().all(Result::is_ok));
        }
        assert_eq!(
            testing::dump(&hub).await.unwrap(),
            testing::dump(&undisturbed).await.unwrap(),
            "{}",
            scratch.engine
        );
        assert!(hub.audit_ledger().await.unwrap().is_sound());
        hub.sequence_all().await.unwrap();
        assert!(hub.audit_log().await.unwrap().is_sound());
    }
}

fn node(name: &str) -> Node {
    Node { name: name.to_owned(), address: format!("http://{name}.example") }
}

#[tokio::test]
async fn a_second_node_takes_over_and_the_first_can_write_no_more() {
    for scratch in testing::stores().await {
        let limits = Limits { lease_seconds: 1, ..Limits::default() };
        let (clock_a, _) = Clock::manual(WALL);
        let (clock_b, hand_b) = Clock::manual(WALL);
        let config = |clock: &Clock, name| {
            let config = testing::config(&scratch, &hgh_site(), clock);
            Config { limits, node: node(name), ..config }
        };
        let a = Hub::open(config(&clock_a, "a")).await.unwrap();
        let b = Hub::open(config(&clock_b, "b")).await.unwrap();
        assert_eq!(a.status(), Status::Deciding { fence: 1 });
        assert_eq!(b.status(), Status::Following { owner: node("a") });
        let join = |n| party(n, trade::party::Role::Carrier, trade::codes::Country::CN);
        let elsewhere = |name| Err(Unavailable::NotTheOwner { owner: node(name).name, address: node(name).address });
        assert_eq!(b.submit(join(1)).await, elsewhere("a"));
        good(a.submit(join(1)).await);
        // To b it seems that a has been silent for too long.
        hand_b.advance(3_600);
        let mut waited = 0;
        while b.status() != (Status::Deciding { fence: 2 }) {
            waited += 1;
            assert!(waited < 400, "{}: b takes over: {:?}", scratch.engine, b.status());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        good(b.submit(join(2)).await);
        // a may not know yet; what it decides is not written.
        let refused = a.submit(join(3)).await;
        assert_eq!(refused, elsewhere("b"));
        assert_eq!(a.party(id(3)).await.unwrap(), None);
        assert!(a.party(id(2)).await.unwrap().is_some());
        // A planned end hands over at once.
        b.close().await;
        let mut waited = 0;
        while !matches!(a.status(), Status::Deciding { fence } if fence > 2) {
            waited += 1;
            assert!(waited < 400, "{}: a takes over: {:?}", scratch.engine, a.status());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        good(a.submit(join(3)).await);
        a.close().await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_half_written() {
    let scratch = testing::sqlite();
    let hub = fresh(&scratch, Limits { batch: 16, ..Limits::default() }).await;
    let join = |n| party(n, trade::party::Role::Carrier, trade::codes::Country::CN);
    good(hub.submit(join(1)).await);
    let mut conn = hub.db().reader().await.unwrap();
    let pages: i64 = sqlx::Row::get(&sqlx::query::<Any>("PRAGMA page_count").fetch_one(&mut *conn).await.unwrap(), 0);
    drop(conn);
    hub.db().limit_pages(u32::try_from(pages).unwrap() + 8);
    let mut written = 1;
    let mut full = 0;
    for n in 2..2_000 {
        match hub.submit(join(n)).await {
            Ok(outcome) => {
                outcome.unwrap();
                written += 1;
                assert_eq!(full, 0, "the first refusal ends it, for as long as there is no room");
            }
            Err(reason) => {
                assert_eq!(reason, Unavailable::StorageFull);
                full += 1;
                if full == 5 {
                    break;
                }
            }
        }
    }
    assert_eq!(full, 5);
    assert_eq!(hub.summary().await.unwrap().parties, written);
    // One event each, and that of the opening.
    assert_eq!(hub.event_count().await.unwrap(), u64::try_from(written).unwrap() + 1);
    hub.db().limit_pages(1_000_000);
    let mut waited = 0;
    while let Err(reason) = hub.submit(join(3_000)).await {
        waited += 1;
        assert!(waited < 400, "goes on when there is room: {reason:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(hub.summary().await.unwrap().parties, written + 1);
    hub.sequence_all().await.unwrap();
    assert!(hub.audit_log().await.unwrap().is_sound());
    hub.close().await;
}

#[tokio::test]
async fn a_command_that_the_store_cannot_serve_is_left_out_alone() {
    let beginning = beginning().await;
    for scratch in testing::stores().await {
        let hub = fresh(&scratch, Limits::default()).await;
        hub.submit_all(beginning.clone()).await;
        good(hub.submit(payment(1, Money::new(100, Currency::CNY), 10)).await);
        hub.close().await;
        let hub = fresh(&scratch, Limits::default()).await;
        let mut conn = hub.db().writer().await.unwrap();
        sqlx::query::<Any>("UPDATE trade_file SET body = $1").bind(b"{".to_vec()).execute(&mut *conn).await.unwrap();
        drop(conn);
        let list: Vec<Command> = (1..20).map(|n| payment(n, Money::new(n.cast_signed(), Currency::CNY), 10)).collect();
        let answers = hub.submit_all(list).await;
        let faulty: Vec<usize> = (0..19).filter(|i| answers[*i] == Err(Unavailable::Faulty)).collect();
        assert_eq!(faulty, [0], "{}: {answers:?}", scratch.engine);
        assert_eq!(answers.iter().filter(|a| matches!(a, Ok(Ok(_)))).count(), 18);
        assert!(hub.audit_ledger().await.unwrap().is_sound());
        hub.close().await;
    }
}

#[tokio::test]
async fn a_write_that_fails_takes_the_batches_behind_it_back_and_loses_none() {
    for scratch in testing::stores().await {
        // Small batches, so that some are under way behind the one that fails.
        let hub = fresh(&scratch, Limits { batch: 4, ..Limits::default() }).await;
        let mut conn = hub.db().writer().await.unwrap();
        sqlx::query::<Any>("CREATE UNIQUE INDEX one_number ON number (trade)").execute(&mut *conn).await.unwrap();
        drop(conn);
        let mut list: Vec<Command> = (1..=200).map(|n| payment(n, Money::new(100, Currency::CNY), 10)).collect();
        for (at, taken) in [(60, 20), (61, 21), (150, 60)] {
            // The store refuses a second number for one trade; the rules would have set it aside.
            let Command::ReceivePayment(payment) = &mut list[at] else { unreachable!() };
            payment.trade = trade_no(taken);
        }
        let answers = hub.submit_all(list).await;
        let faulty: Vec<usize> = (0..200).filter(|i| answers[*i] == Err(Unavailable::Faulty)).collect();
        assert_eq!(faulty, [60, 61, 150], "{}: {answers:?}", scratch.engine);
        assert_eq!(answers.iter().filter(|a| matches!(a, Ok(Ok(_)))).count(), 197, "{}", scratch.engine);
        let summary = hub.summary().await.unwrap();
        assert_eq!(summary.transfers, 197, "{}", scratch.engine);
        hub.sequence_all().await.unwrap();
        assert!(hub.audit_ledger().await.unwrap().is_sound() && hub.audit_log().await.unwrap().is_sound());
        hub.close().await;
    }
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_again() {
    let scratch = testing::sqlite();
    let hub = fresh(&scratch, Limits { queue: 8, ..Limits::default() }).await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let hub = hub.clone();
            let join = party(n, trade::party::Role::Carrier, trade::codes::Country::CN);
            tokio::spawn(async move { hub.submit(join).await })
        })
        .collect();
    let (mut done, mut busy) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(outcome) => {
                outcome.unwrap();
                done += 1;
            }
            Err(reason) => {
                assert!(matches!(reason, Unavailable::Busy { retry_after_ms } if retry_after_ms >= 100), "{reason:?}");
                busy += 1;
            }
        }
    }
    assert!(done >= 8 && busy > 0, "{done} done, {busy} told to come again");
    assert_eq!(hub.summary().await.unwrap().parties, done);
    // A list waits for its turn instead.
    let list = (200..400).map(|n| party(n, trade::party::Role::Carrier, trade::codes::Country::CN)).collect();
    assert!(hub.submit_all(list).await.iter().all(|a| matches!(a, Ok(Ok(_)))));
    hub.close().await;
    let late = party(1, trade::party::Role::Carrier, trade::codes::Country::CN);
    assert_eq!(hub.submit(late).await, Err(Unavailable::Stopped));
}

#[tokio::test]
async fn a_sandbox_clock_runs_with_the_wall_clock_and_is_moved_forward_only() {
    for scratch in testing::stores().await {
        let (clock, hand) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        assert_eq!(hub.business_now().await.unwrap(), testing::START);
        hand.advance(60);
        assert_eq!(hub.business_now().await.unwrap(), testing::START.plus_seconds(60));
        let to = testing::START.plus_days(Days(15));
        good(hub.submit(Command::MoveClock(MoveClock { to })).await);
        hand.advance(5);
        assert_eq!(hub.business_now().await.unwrap(), to.plus_seconds(5));
        let back = answer(hub.submit(Command::MoveClock(MoveClock { to: testing::START })).await);
        assert_eq!(back.unwrap_err().code, "not-backwards");
        hub.close().await;
        // It goes on from where it was.
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        assert_eq!(hub.business_now().await.unwrap(), to.plus_seconds(5));
        hub.close().await;
    }
}
