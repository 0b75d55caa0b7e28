//! What is stored, and what is refused to be.

use hub::access_log::Look;
use hub::clock::Clock;
use hub::credential::{ApiKey, Credential};
use hub::db::{BackupError, Db, Store};
use hub::schema::{self, OpenError};
use hub::session::Session;
use hub::testing::{self, WALL};
use hub::trade_file::TradeFilter;
use hub::{Config, Hub};
use sqlx::Any;
use trade::access_log::{AccessDigest, DigestAccess};
use trade::card::Mode;
use trade::clock::MoveClock;
use trade::codes::Country;
use trade::commands::Command;
use trade::event::Happened;
use trade::ledger::{Account, Purpose};
use trade::money::{Currency, Money};
use trade::party::Role;
use trade::time::Days;
use trade::trade_file::Stage;

use crate::pair::*;

#[tokio::test]
async fn migrations_run_once() {
    for scratch in testing::stores().await {
        let db = Db::open(&scratch.store).await.unwrap();
        assert_eq!(schema::migrate(&db, WALL).await, Ok(8));
        assert_eq!(schema::migrate(&db, WALL).await, Ok(0));
        let mut conn = db.writer().await.unwrap();
        sqlx::query::<Any>("UPDATE migration SET n = 99 WHERE n = 8").execute(&mut *conn).await.unwrap();
        drop(conn);
        assert_eq!(schema::migrate(&db, WALL).await, Err(OpenError::NewerTables { known: 8, found: 99 }));
    }
}

#[tokio::test]
async fn a_store_belongs_to_one_hub_in_one_mode() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let open = |site| Hub::open(testing::config(&scratch, &site, &clock));
        open(kul_site()).await.unwrap().close().await;
        let production = testing::site_in("kul.sandbox", Country::MY, Mode::Production);
        let refused = open(production).await.unwrap_err();
        assert_eq!(refused, OpenError::OtherMode { expected: Mode::Production, got: "sandbox".into() });
        let refused = open(hgh_site()).await.unwrap_err();
        assert_eq!(refused, OpenError::OtherHub { expected: hub_id("hgh.sandbox"), got: "kul.sandbox".into() });
        open(kul_site()).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_is_said_to_be_so() {
    let (clock, _) = Clock::manual(WALL);
    let scratch = testing::sqlite();
    for store in [
        Store::Sqlite { file: "/proc/no/such/place.db".into() },
        Store::Postgres { url: "postgres://nobody@127.0.0.1:1/none?sslmode=disable".into() },
    ] {
        let config = testing::config(&scratch, &kul_site(), &clock);
        let refused = Hub::open(Config { store, ..config }).await.unwrap_err();
        assert!(matches!(&refused, OpenError::Store(hub::db::StoreError::StoreLost { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn the_audit_catches_a_balance_that_was_tampered_with() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        good(hub.submit(payment(1, Money::new(500, Currency::CNY), 10)).await);
        let bank = Account::own(Purpose::Bank, Currency::CNY);
        assert_eq!(hub.balance(&bank).await.unwrap().held(), 500);
        assert_eq!(hub.transfers_of(&trade_no(1)).await.unwrap().len(), 1);
        let sound = hub.audit_ledger().await.unwrap();
        assert!(sound.is_sound() && sound.currencies.len() == 1);
        for (tamper, mend) in [
            (
                "UPDATE account SET debit = debit + 1 WHERE id = 'bank/CNY'",
                "UPDATE account SET debit = debit - 1 WHERE id = 'bank/CNY'",
            ),
            ("UPDATE transfer SET amount = amount + 1", "UPDATE transfer SET amount = amount - 1"),
            ("UPDATE transfer SET seq = seq + 1", "UPDATE transfer SET seq = seq - 1"),
            ("UPDATE transfer SET kind = 'post-pending'", "UPDATE transfer SET kind = 'posted'"),
        ] {
            let mut conn = hub.db().writer().await.unwrap();
            sqlx::query::<Any>(tamper).execute(&mut *conn).await.unwrap();
            let audit = hub.audit_ledger().await.unwrap();
            assert!(!audit.is_sound(), "{tamper}: {audit:?}");
            sqlx::query::<Any>(mend).execute(&mut *conn).await.unwrap();
            assert_eq!(hub.audit_ledger().await.unwrap(), sound);
        }
        hub.close().await;
    }
}

#[tokio::test]
async fn the_audit_catches_an_event_that_was_tampered_with() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        for n in 1..300 {
            good(hub.submit(payment(n, Money::new(500, Currency::CNY), 10)).await);
        }
        let size = hub.sequence_all().await.unwrap();
        let sound = hub.audit_log().await.unwrap();
        assert!(sound.is_sound() && sound.events == size && size == 300, "{sound:?}");
        // Any leaf can be proved to the head, and the head to extend any before it.
        let head = hub.head().await.unwrap().unwrap();
        let root = head.claimed().root;
        for (leaf, old) in [(0, 0), (255, 1), (256, 256), (size - 1, size - 1)] {
            let proofs = hub.proofs(size, &[leaf], old).await.unwrap();
            let event = &hub.events(leaf, 1).await.unwrap()[0];
            let hash = trade::log::leaf_hash(&event.leaf);
            trade::log::verify_inclusion(&hash, leaf, size, &proofs.inclusion[0], &root).unwrap();
        }
        let mut conn = hub.db().writer().await.unwrap();
        let tamper = "UPDATE event SET leaf = (SELECT other.leaf FROM event AS other WHERE other.n = 8) WHERE n = 7";
        sqlx::query::<Any>(tamper).execute(&mut *conn).await.unwrap();
        let audit = hub.audit_log().await.unwrap();
        assert!(!audit.is_sound() && audit.missing.is_none(), "{audit:?}");
        sqlx::query::<Any>("DELETE FROM event WHERE n = 5").execute(&mut *conn).await.unwrap();
        assert_eq!(hub.audit_log().await.unwrap().missing, Some(5));
        drop(conn);
        hub.close().await;
    }
}

#[tokio::test]
async fn the_log_goes_on_where_it_was_after_a_restart() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        for round in 0..4 {
            let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
            for n in 0..90 {
                good(hub.submit(payment(1 + round * 90 + n, Money::new(500, Currency::CNY), 10)).await);
            }
            let size = hub.sequence_all().await.unwrap();
            assert!(hub.audit_log().await.unwrap().is_sound());
            assert_eq!(hub.head().await.unwrap().unwrap().claimed().size, size);
            hub.close().await;
        }
    }
}

#[tokio::test]
async fn lists_come_in_pages() {
    for scratch in testing::stores().await {
        let (clock, hand) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        for n in 0..25 {
            good(hub.submit(payment(n, Money::new(500, Currency::CNY), 10)).await);
            hand.advance(i64::from(n % 3 == 0));
        }
        let filter = TradeFilter { stage: Some(Stage::AwaitingOrder), ..TradeFilter::default() };
        assert_eq!(hub.trade_count(&filter).await.unwrap(), 25);
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = hub.trades(&filter, after.as_deref(), 7).await.unwrap();
            seen.extend(page.items.into_iter().map(|row| row.file.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let newest_first: Vec<_> = (0..25).rev().map(trade_no).collect();
        assert_eq!(seen, newest_first);
        let none = TradeFilter { buyer: Some(id(BUYER)), ..filter };
        assert_eq!(hub.trades(&none, None, 7).await.unwrap().items.len(), 0);
        good(hub.submit(party(SELLER, Role::Seller, Country::CN)).await);
        for n in 0..12 {
            let mut row = offer(&format!("T-{n:02}"));
            row.goods.price = Some(Money::new(100, Currency::CNY));
            good(hub.submit(Command::OfferProduct(row)).await);
        }
        let first = hub.products_of(id(SELLER), None, 10).await.unwrap();
        let second = hub.products_of(id(SELLER), first.next.as_deref(), 10).await.unwrap();
        let skus: Vec<_> = first.items.iter().chain(&second.items).map(|p| p.goods.sku.clone()).collect();
        assert_eq!(skus, (0..12).map(|n| format!("T-{n:02}")).collect::<Vec<_>>());
        assert_eq!((second.next, hub.product_counts(id(SELLER)).await.unwrap().all), (None, 12));
        let sellers = hub.parties(Some(Role::Seller), None, 10).await.unwrap();
        assert_eq!(sellers.items.len(), 1);
        assert_eq!(hub.parties(Some(Role::Bank), None, 10).await.unwrap().items, []);
        let newest = hub.latest_events(None, 5).await.unwrap();
        let older = hub.latest_events(newest.next.as_deref(), 5).await.unwrap();
        assert_eq!(newest.items[4].event.n, older.items[0].event.n + 1);
        hub.close().await;
    }
}

#[tokio::test]
async fn logins_sessions_and_keys_are_kept_by_their_hashes() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        let credential = Credential { login: "h1".into(), party: id(1), secret: "s".into(), changed: WALL };
        assert_eq!(hub.save_credential(&credential).await, Ok(true));
        let changed = Credential { secret: "t".into(), ..credential.clone() };
        assert_eq!(hub.save_credential(&changed).await, Ok(true));
        let stolen = Credential { party: id(2), ..credential };
        assert_eq!(hub.save_credential(&stolen).await, Ok(false));
        assert_eq!(hub.credential("h1").await, Ok(Some(changed)));
        assert_eq!(hub.credential("h2").await, Ok(None));
        let session = Session { token: "t1".into(), party: id(1), opened: WALL, expires: WALL.plus_seconds(60) };
        hub.save_session(&session).await.unwrap();
        assert_eq!(hub.session("t1", WALL).await, Ok(Some(session.clone())));
        assert_eq!(hub.session("t1", WALL.plus_seconds(60)).await, Ok(None));
        assert_eq!(hub.expire_sessions(WALL).await, Ok(0));
        assert_eq!(hub.expire_sessions(WALL.plus_seconds(60)).await, Ok(1));
        for token in ["t2", "t3", "t4"] {
            hub.save_session(&Session { token: token.into(), ..session.clone() }).await.unwrap();
        }
        hub.end_session("t2").await.unwrap();
        assert_eq!(hub.session("t2", WALL).await, Ok(None));
        assert_eq!(hub.end_sessions_of(id(1)).await, Ok(2));
        let key = ApiKey {
            hash: "k1".into(),
            party: id(1),
            name: "shop".into(),
            scopes: vec!["orders".into(), "quotes".into()],
            opened: WALL,
            revoked: None,
        };
        hub.save_api_key(&key).await.unwrap();
        assert_eq!(hub.api_key("k1").await, Ok(Some(key.clone())));
        let revoked = ApiKey { revoked: Some(WALL), ..key };
        hub.save_api_key(&revoked).await.unwrap();
        assert_eq!(hub.api_key("k1").await, Ok(None));
        assert_eq!(hub.api_keys_of(id(1)).await, Ok(vec![revoked]));
        hub.close().await;
    }
}

#[tokio::test]
async fn one_who_stops_waiting_for_its_look_does_not_stop_those_who_wait_with_it() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        let ask = |n: i32| {
            let (hub, subject) = (hub.clone(), "hgh.sandbox:A-1".to_owned());
            let look = Look { at: WALL, who: id(4), what: "trade".into(), subject, reason: format!("{n}") };
            tokio::spawn(async move { hub.log_access(&look).await })
        };
        let gone: Vec<_> = (0..5).map(ask).collect();
        tokio::task::yield_now().await;
        let waiting: Vec<_> = (5..10).map(ask).collect();
        for task in gone {
            task.abort();
        }
        let mut numbers = Vec::new();
        for task in waiting {
            numbers.push(task.await.unwrap().unwrap());
        }
        // What was handed in is written, whoever still waits for its number; the numbers have no gap.
        let looks = hub.looks_at("hgh.sandbox:A-1", 20).await.unwrap();
        assert_eq!(looks.iter().rev().map(|l| l.n).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        for (n, number) in (5..).zip(numbers) {
            let mine = looks.iter().find(|l| l.n == number).unwrap();
            assert_eq!(mine.look.reason, format!("{n}"), "each is told its own number");
        }
    }
}

#[tokio::test]
async fn every_look_is_logged_once_and_the_digest_tells_if_one_is_taken_out() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        let look = Look {
            at: WALL,
            who: id(4),
            what: "trade".into(),
            subject: "hgh.sandbox:A-1".into(),
            reason: "queue".into(),
        };
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let (hub, look) = (hub.clone(), Look { reason: format!("{n}"), ..look.clone() });
                tokio::spawn(async move { hub.log_access(&look).await.unwrap() })
            })
            .collect();
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.push(task.await.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
        assert_eq!(hub.looks_at("hgh.sandbox:A-1", 5).await.unwrap().len(), 5);
        // The day is not over.
        assert_eq!(hub.access_digest_due().await.unwrap(), None);
        let forward = |days| Command::MoveClock(MoveClock { to: testing::START.plus_days(Days(days)) });
        good(hub.submit(forward(1)).await);
        let due = hub.access_digest_due().await.unwrap().expect("yesterday somebody looked");
        let AccessDigest { day, first, looks, .. } = due.digest.clone();
        assert_eq!((day.to_string().as_str(), first, looks), ("2026-11-23", 1, 20));
        let early = AccessDigest { day: day.tomorrow().unwrap(), ..due.digest.clone() };
        let refused = answer(hub.submit(DigestAccess { digest: early }.into()).await).unwrap_err();
        assert_eq!(refused.code, "day-not-over");
        // Once, however often it is said.
        for _ in 0..2 {
            good(hub.submit(due.clone().into()).await);
        }
        let events = hub.events(0, 100).await.unwrap();
        let digests = events.iter().filter(|e| matches!(e.event.what, Happened::AccessDigest { .. }));
        assert_eq!(digests.count(), 1);
        assert_eq!(hub.access_digest_due().await.unwrap(), None);
        let other = AccessDigest { looks: 19, ..due.digest.clone() };
        let refused = answer(hub.submit(DigestAccess { digest: other }.into()).await).unwrap_err();
        assert_eq!(refused.code, "day-digested");
        // Two more looks, and a day on which nobody looks; one digest, after the first.
        for _ in 0..2 {
            hub.log_access(&look).await.unwrap();
        }
        good(hub.submit(forward(3)).await);
        let next = hub.access_digest_due().await.unwrap().unwrap();
        let digest = &next.digest;
        assert_eq!((digest.day.to_string().as_str(), digest.first, digest.looks), ("2026-11-25", 21, 2));
        good(hub.submit(next.into()).await);
        hub.log_access(&look).await.unwrap();
        let sound = hub.audit_access().await.unwrap();
        assert_eq!((sound.digests, sound.covered, sound.open, sound.is_sound()), (2, 22, 1, true));
        // Whoever takes one out, or changes one, is found by its day.
        for (tamper, day) in [
            ("UPDATE access_log SET reason = 'none' WHERE n = 22", "2026-11-25"),
            ("DELETE FROM access_log WHERE n = 3", "2026-11-23"),
        ] {
            let mut conn = hub.db().writer().await.unwrap();
            sqlx::query::<Any>(tamper).execute(&mut *conn).await.unwrap();
            drop(conn);
            assert!(hub.audit_access().await.unwrap().differ.contains(day), "{tamper}");
        }
        hub.close().await;
    }
}

#[tokio::test]
async fn a_backup_is_a_hub_of_its_own() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        good(hub.submit(payment(1, Money::new(500, Currency::CNY), 10)).await);
        hub.sequence_all().await.unwrap();
        let elsewhere = testing::sqlite();
        let Store::Sqlite { file } = &elsewhere.store else { unreachable!("a SQLite store was asked for") };
        match &scratch.store {
            Store::Postgres { .. } => assert_eq!(hub.backup(file).await, Err(BackupError::UsePostgresTools)),
            Store::Sqlite { .. } => {
                hub.backup(file).await.unwrap();
                assert_eq!(hub.backup(file).await, Err(BackupError::TargetExists { file: file.clone() }));
                let copy = Hub::open(testing::config(&elsewhere, &hgh_site(), &clock)).await.unwrap();
                assert_eq!(testing::dump(&copy).await.unwrap(), testing::dump(&hub).await.unwrap());
                assert!(copy.audit_log().await.unwrap().is_sound());
                copy.close().await;
            }
        }
        hub.close().await;
    }
}
