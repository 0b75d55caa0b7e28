//! What the edge keeps beside the lane: requests by their keys, webhooks and what was sent to them.

use hub::Hub;
use hub::clock::Clock;
use hub::idempotency::{Claim, Keyed};
use hub::testing::{self, WALL};
use hub::webhook::{Answered, Stopped, Tried, Webhook, Why};
use trade::codes::Country;
use trade::id::{Id, Noun};
use trade::time::WallTime;

fn id<T: Noun>(n: u8) -> Id<T> {
    Id::new(1_795_395_600_000, &[0, 0, 0, 0, 0, 0, 0, 0, 0, n])
}

fn keyed(key: &str, request: &str) -> Keyed {
    Keyed { caller: "pty_1".into(), key: key.into(), request: request.into() }
}

#[tokio::test]
async fn a_key_is_taken_once_and_its_answer_is_kept_for_its_time() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let site = testing::site("hgh.sandbox", Country::CN);
        let hub = Hub::open(testing::config(&scratch, &site, &clock)).await.unwrap();
        let day_ago = |now: WallTime| now.plus_seconds(-86_400);
        let claim = async |keyed: &Keyed, now: WallTime| hub.claim(keyed, now, day_ago(now)).await.unwrap();
        let (one, other) = (keyed("k", "r"), keyed("k", "s"));
        assert_eq!(claim(&one, WALL).await, Claim::Do { first: WALL });
        assert_eq!(claim(&one, WALL).await, Claim::Doing);
        assert_eq!(claim(&other, WALL).await, Claim::Other);
        // Whoever took it is dead after a minute: the next does it, and knows when it was first sent.
        let later = WALL.plus_seconds(61);
        assert_eq!(claim(&one, later).await, Claim::Do { first: WALL });
        assert_eq!(claim(&one, later).await, Claim::Doing);
        hub.keep_answer(&one, b"sealed").await.unwrap();
        hub.keep_answer(&one, b"another").await.unwrap();
        hub.let_go(&one).await.unwrap();
        assert_eq!(claim(&one, later).await, Claim::Done(b"sealed".to_vec()));
        // Forgotten after its day, by itself or with all of its time.
        let next_day = WALL.plus_seconds(86_401);
        assert_eq!(claim(&other, next_day).await, Claim::Do { first: next_day });
        hub.let_go(&other).await.unwrap();
        assert_eq!(claim(&other, next_day).await, Claim::Do { first: next_day });
        assert_eq!(hub.forget_keys(next_day).await, Ok(0));
        assert_eq!(hub.forget_keys(next_day.plus_seconds(1)).await, Ok(1));
        // Of many that send the same at once, one does it.
        let tasks: Vec<_> = (0..12)
            .map(|_| {
                let hub = hub.clone();
                tokio::spawn(async move { hub.claim(&keyed("many", "r"), WALL, day_ago(WALL)).await.unwrap() })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += usize::from(matches!(task.await.unwrap(), Claim::Do { .. }));
        }
        assert_eq!(done, 1);
        hub.close().await;
    }
}

#[tokio::test]
async fn a_webhook_is_its_partys_and_its_deliveries_are_noted_once() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let site = testing::site("hgh.sandbox", Country::CN);
        let hub = Hub::open(testing::config(&scratch, &site, &clock)).await.unwrap();
        let webhook = Webhook {
            id: id(1),
            party: id(7),
            url: "https://shop.example/x".into(),
            kinds: vec!["held".into(), "released".into()],
            made: WALL,
            generation: 0,
            rotated: None,
            cursor: 3,
            failing_since: None,
            stopped: None,
        };
        assert_eq!(hub.save_webhook(&webhook, 1).await, Ok(true));
        let more = Webhook { id: id(2), ..webhook.clone() };
        assert_eq!(hub.save_webhook(&more, 1).await, Ok(false), "one is enough for this party");
        assert_eq!(hub.webhook(id(7), id(1)).await, Ok(Some(webhook.clone())));
        assert_eq!(hub.webhook(id(8), id(1)).await, Ok(None), "another's");
        // Noted from where it stood; not from elsewhere.
        let told = [(3, "held".to_owned()), (5, "released".to_owned())];
        assert_eq!(hub.queue_deliveries(&webhook, &told, 6, WALL).await, Ok(true));
        assert_eq!(hub.queue_deliveries(&webhook, &told, 6, WALL).await, Ok(false));
        let due = hub.due_deliveries(id(1), WALL, 10).await.unwrap();
        assert_eq!(due.iter().map(|d| (d.n, d.tries)).collect::<Vec<_>>(), [(3, 0), (5, 0)]);
        let answer = |status| Answered { status, fault: (status == 0).then(|| "timeout".to_owned()), millis: 12 };
        let again = WALL.plus_seconds(5);
        let failed = Tried { at: WALL, answer: answer(0), again: Some(again), stop: None };
        hub.note_try(id(1), 3, &failed).await.unwrap();
        assert_eq!(hub.webhook(id(7), id(1)).await.unwrap().unwrap().failing_since, Some(WALL));
        assert_eq!(hub.due_deliveries(id(1), WALL, 10).await.unwrap().len(), 1);
        let taken = Tried { at: again, answer: answer(200), again: None, stop: None };
        hub.note_try(id(1), 3, &taken).await.unwrap();
        hub.note_try(id(1), 5, &taken).await.unwrap();
        assert_eq!(hub.webhook(id(7), id(1)).await.unwrap().unwrap().failing_since, None);
        assert_eq!(hub.due_deliveries(id(1), again, 10).await, Ok(Vec::new()));
        let page = hub.deliveries_of(id(1), None, 1).await.unwrap();
        assert_eq!((page.items[0].n, page.items[0].answer.clone()), (5, Some(answer(200))));
        let rest = hub.deliveries_of(id(1), page.next.as_deref(), 5).await.unwrap();
        assert_eq!((rest.items[0].n, rest.items[0].tries, rest.next), (3, 2, None));
        // Back to the beginning: told again, as if for the first time.
        let now = hub.webhook(id(7), id(1)).await.unwrap().unwrap();
        assert_eq!((now.cursor, hub.replay_webhook(&now, 3).await), (6, Ok(true)));
        let back = hub.webhook(id(7), id(1)).await.unwrap().unwrap();
        assert_eq!(hub.queue_deliveries(&back, &told, 6, again).await, Ok(true));
        assert_eq!(hub.due_deliveries(id(1), again, 10).await.unwrap().len(), 2);
        // A secret is changed once, however many change it at once.
        assert_eq!(
            (hub.rotate_webhook(&back, again).await, hub.rotate_webhook(&back, again).await),
            (Ok(true), Ok(false))
        );
        let gone = Tried { at: again, answer: answer(410), again: None, stop: Some(Why::Gone) };
        hub.note_try(id(1), 3, &gone).await.unwrap();
        assert_eq!(hub.open_webhooks().await, Ok(Vec::new()));
        let stopped = hub.webhook(id(7), id(1)).await.unwrap().unwrap().stopped;
        assert_eq!(stopped, Some(Stopped { at: again, why: Why::Gone }));
        hub.stop_webhook(id(1), None).await.unwrap();
        assert_eq!(hub.open_webhooks().await.unwrap().len(), 1);
        hub.drop_delivery(id(1), 5).await.unwrap();
        assert_eq!(hub.forget_deliveries(again.plus_seconds(1)).await, Ok(1));
        hub.remove_webhook(id(1)).await.unwrap();
        assert_eq!(hub.webhook(id(7), id(1)).await, Ok(None));
        hub.close().await;
    }
}
