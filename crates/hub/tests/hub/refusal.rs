//! Refusals are counted, and whoever stops the program on its command is refused alone.

use std::sync::Arc;

use hub::clock::Clock;
use hub::refusal::RefusalCount;
use hub::testing::{self, WALL};
use hub::{Hub, Unavailable};
use trade::codes::Country;
use trade::commands::Command;
use trade::money::{Currency, Money};
use trade::party::Role;
use trade::peer::{AcceptPeer, ReceiveBatch};
use trade::road::Envelope;
use trade::time::Days;

use crate::pair::*;

fn count(command: &str, code: &str, count: i64) -> RefusalCount {
    RefusalCount { command: command.to_owned(), code: code.to_owned(), count }
}

#[tokio::test]
async fn refusals_are_counted_by_command_reason_and_day() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        assert_eq!(hub.refusals("").await.unwrap(), []);
        let nothing = |n| payment(n, Money::new(0, Currency::CNY), 10);
        // One batch with good and bad ones, the bad ones twice, since a refused command that comes
        // again is refused again.
        let list = [payment(1, Money::new(5, Currency::CNY), 10), nothing(2), nothing(3), nothing(3), waybill(1)];
        let answers = hub.submit_all(list.to_vec()).await;
        assert_eq!(answers.iter().filter(|a| matches!(a, Ok(Ok(_)))).count(), 1, "{answers:?}");
        let first = [count("receive-payment", "amount-not-positive", 3), count("issue-waybill", "not-a-carrier", 1)];
        assert_eq!(hub.refusals("").await.unwrap(), first, "{}", scratch.engine);
        // A fortnight later it is another day.
        let to = testing::START.plus_days(Days(14));
        good(hub.submit(Command::MoveClock(trade::clock::MoveClock { to })).await);
        assert!(answer(hub.submit(nothing(4)).await).is_err());
        let later = hub.site().date(to).to_string();
        assert_eq!(hub.refusals(&later).await.unwrap(), [count("receive-payment", "amount-not-positive", 1)]);
        assert_eq!(hub.refusals("").await.unwrap()[0].count, 4);
        hub.close().await;
    }
}

/// Reads envelopes like the true one, and stops the program on a leaf that is marked.
fn trips(leaf: &[u8]) -> Option<Envelope> {
    assert!(!leaf.windows(7).any(|w| w == b"TRIPPED"), "a fault of the program, as a test needs one");
    trade::event::envelope(leaf)
}

#[tokio::test]
async fn a_panic_in_a_decision_refuses_that_command_alone() {
    let (kul, hgh) = (testing::sqlite(), testing::sqlite());
    let pair = Pair::open(&kul, &hgh).await;
    good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
    let fine = batch_of(&pair.kul, &pair.hgh).await;
    good(pair.kul.submit(Command::OfferProduct(offer("TRIPPED"))).await);
    let seen = fine.checkpoint.parse::<trade::checkpoint::SignedCheckpoint>().unwrap().claimed().size;
    let tripping = batch_after(&pair.kul, &pair.hgh, fine.entries.len() as u64, seen).await;
    let receive = |batch: &trade::road::Batch| Command::ReceiveBatch(ReceiveBatch::new(batch.clone(), WALL));
    let card = pair.kul_site.card.clone().sign(&pair.kul_site.road.key);
    let accept = Command::AcceptPeer(AcceptPeer { card, url: pair.kul_site.card.url.clone() });
    let beginning = [accept, party(BUYER, Role::Buyer, Country::CN), receive(&fine)];
    let others: Vec<Command> = (1..6).map(|n| payment(n, Money::new(500, Currency::CNY), BUYER)).collect();
    let mut list = others.clone();
    list.insert(2, receive(&tripping));
    let tripping_site = || {
        let mut site = Arc::into_inner(hgh_site()).expect("nobody else has it");
        site.road.envelope = trips;
        Arc::new(site)
    };
    for scratch in testing::stores().await {
        let undisturbed =
            if scratch.engine == "sqlite" { testing::sqlite() } else { testing::postgres().await.unwrap() };
        let (clock, _) = Clock::manual(WALL);
        let calm = Hub::open(testing::config(&undisturbed, &hgh_site(), &clock)).await.unwrap();
        assert!(calm.submit_all([&beginning[..], &others[..]].concat()).await.iter().all(|a| matches!(a, Ok(Ok(_)))));

        let hub = Hub::open(testing::config(&scratch, &tripping_site(), &clock)).await.unwrap();
        assert!(hub.submit_all(beginning.to_vec()).await.iter().all(|a| matches!(a, Ok(Ok(_)))));
        let answers = hub.submit_all(list.clone()).await;
        let faulty: Vec<usize> = (0..list.len()).filter(|i| answers[*i] == Err(Unavailable::Faulty)).collect();
        assert_eq!(faulty, [2], "{}: {answers:?}", scratch.engine);
        assert_eq!(answers.iter().filter(|a| matches!(a, Ok(Ok(_)))).count(), others.len());
        assert_eq!(testing::dump(&hub).await.unwrap(), testing::dump(&calm).await.unwrap(), "{}", scratch.engine);
        // It stays alone in being refused, and once the program is mended it goes through.
        assert_eq!(hub.submit(receive(&tripping)).await, Err(Unavailable::Faulty));
        good(hub.submit(payment(9, Money::new(500, Currency::CNY), BUYER)).await);
        hub.close().await;
        let hub = Hub::open(testing::config(&scratch, &hgh_site(), &clock)).await.unwrap();
        good(hub.submit(receive(&tripping)).await);
        assert_eq!(hub.offers(None, 10).await.unwrap().items.len(), 2);
        assert!(hub.audit_ledger().await.unwrap().is_sound());
        hub.close().await;
    }
}
