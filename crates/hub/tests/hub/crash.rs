//! PostgreSQL dies, or has no room: nothing accepted is lost, and nothing is done twice.

use std::time::Duration;

use hub::clock::Clock;
use hub::testing::{self, Server, WALL};
use hub::{Answer, Config, Hub, Limits, Status, Unavailable};
use sqlx::Any;
use trade::codes::Country;
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::party::Role;

use crate::pair::*;

async fn until_it_decides(hub: &Hub) {
    for _ in 0..400 {
        if matches!(hub.status(), Status::Deciding { .. }) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the hub does not come back: {:?}", hub.status());
}

/// Sends commands, in their order, until the first is not answered.
fn sending(hub: &Hub, commands: Vec<Command>) -> tokio::task::JoinHandle<Vec<Answer>> {
    let hub = hub.clone();
    tokio::spawn(async move { hub.submit_all(commands).await })
}

#[tokio::test]
async fn postgresql_killed_in_the_middle_of_commits_loses_nothing_that_was_accepted() {
    let Some(mut server) = Server::private() else { return };
    let scratch = server.scratch().await;
    let calm = testing::sqlite();
    let limits = Limits { batch: 32, ..Limits::default() };
    let (clock, _) = Clock::manual(WALL);
    let open = |scratch| Hub::open(Config { limits, ..testing::config(scratch, &hgh_site(), &clock) });
    let list: Vec<Command> = (0..6_000).map(|n| payment(n, Money::new(500, Currency::CNY), BUYER)).collect();
    let undisturbed = open(&calm).await.unwrap();
    assert!(undisturbed.submit_all(list.clone()).await.iter().all(|a| matches!(a, Ok(Ok(_)))));

    let hub = open(&scratch).await.unwrap();
    let (mut sent, mut cut) = (0, 0);
    let events_before = hub.event_count().await.unwrap();
    // The whole server and one process of it, in turn, each somewhere within a thousand commands.
    for round in 0..6_u64 {
        let until = (sent + 1_000).min(list.len());
        let answers = sending(&hub, list[sent..until].to_vec());
        tokio::time::sleep(Duration::from_millis(10 + 13 * round)).await;
        if round % 2 == 0 {
            server.kill();
            // What the dead processes held must be free before the next server starts.
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.run();
        } else {
            let pid = lane_process(&hub).await;
            server.kill_one(pid);
        }
        let answers = answers.await.unwrap();
        let accepted = answers.iter().take_while(|a| matches!(a, Ok(Ok(_)))).count();
        let unavailable = |a: &Answer| matches!(a, Err(Unavailable::StorageUnavailable));
        assert!(answers[accepted..].iter().all(unavailable), "{:?}", answers[accepted..].first());
        server.up().await;
        until_it_decides(&hub).await;
        // All that was ever accepted is there; of what was not answered, some may be, and is answered
        // in the next round without being done again.
        sent += accepted;
        let committed = hub.event_count().await.unwrap() - events_before;
        assert!(committed >= u64::try_from(sent).unwrap(), "{committed} of {sent} accepted");
        cut += usize::from(accepted > 0 && accepted < answers.len());
    }
    assert!(cut >= 3, "most deaths come between the first and the last answer of a round: {cut}");
    // Whoever got no answer sends again.
    while sent < list.len() {
        let answers = hub.submit_all(list[sent..].to_vec()).await;
        sent += answers.iter().take_while(|a| matches!(a, Ok(Ok(_)))).count();
        until_it_decides(&hub).await;
    }
    assert_eq!(testing::dump(&hub).await.unwrap(), testing::dump(&undisturbed).await.unwrap());
    assert!(hub.audit_ledger().await.unwrap().is_sound());
    hub.sequence_all().await.unwrap();
    assert!(hub.audit_log().await.unwrap().is_sound());
    hub.close().await;
}

/// The server's process that serves the lane which writes at this moment, or any other of the hub.
async fn lane_process(hub: &Hub) -> i64 {
    let mut conn = hub.db().reader().await.unwrap();
    let sql = "SELECT CAST(pid AS BIGINT) FROM pg_stat_activity WHERE datname = current_database() \
               AND pid <> pg_backend_pid() ORDER BY state = 'active' DESC, xact_start DESC NULLS LAST LIMIT 1";
    sqlx::Row::get(&sqlx::query::<Any>(sql).fetch_one(&mut *conn).await.unwrap(), 0)
}

#[tokio::test]
async fn a_full_disk_of_postgresql_is_told_and_nothing_is_half_written() {
    let Some(scratch) = testing::postgres().await else { return };
    let (clock, _) = Clock::manual(WALL);
    let limits = Limits { batch: 16, ..Limits::default() };
    let hub = Hub::open(Config { limits, ..testing::config(&scratch, &hgh_site(), &clock) }).await.unwrap();
    let join = |n| party(n, Role::Carrier, Country::CN);
    good(hub.submit(join(1)).await);
    // The server answers as it does when a table cannot be made longer, late in the transaction.
    for sql in [
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END$$",
        "CREATE TRIGGER no_room BEFORE INSERT ON event EXECUTE FUNCTION no_room()",
    ] {
        let mut conn = hub.db().writer().await.unwrap();
        sqlx::query::<Any>(sql).persistent(false).execute(&mut *conn).await.unwrap();
    }
    for n in 2..5 {
        assert_eq!(hub.submit(join(n)).await, Err(Unavailable::StorageFull));
    }
    assert_eq!(hub.summary().await.unwrap().parties, 1);
    let mut conn = hub.db().writer().await.unwrap();
    sqlx::query::<Any>("DROP TRIGGER no_room ON event").persistent(false).execute(&mut *conn).await.unwrap();
    drop(conn);
    until_it_decides(&hub).await;
    good(hub.submit(join(2)).await);
    assert_eq!(hub.event_count().await.unwrap(), 3, "the opening, and two parties");
    hub.close().await;
}
