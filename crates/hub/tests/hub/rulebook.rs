//! Every version of a rule pack that a hub goes by is an event, and is kept under its digest.

use std::sync::Arc;

use hub::Hub;
use hub::clock::Clock;
use hub::testing::{self, WALL};
use trade::card::Mode;
use trade::codes::Country;
use trade::event::Happened;
use trade::rulebook::{PackName, Rulebooks, Standing, builtin, builtin_folders, read_folder};

use crate::pair::*;

/// The packs of the program, that of Malaysia with one remark more.
fn changed() -> Rulebooks {
    let mut books = builtin().unwrap();
    let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "my").unwrap();
    folder.files[0].1.extend(b"# corrected\n");
    for pack in read_folder(&folder).unwrap() {
        books.replace(pack, Standing { built_in: false, pinned: true, vouched: None });
    }
    books
}

async fn used(hub: &Hub) -> Vec<(String, String, Option<String>)> {
    let events = hub.events(0, 100).await.unwrap();
    let of_pack = events.into_iter().filter_map(|e| match e.event.what {
        Happened::RulePackUsed { pack, digest, replaces, .. } => Some((pack, digest, replaces)),
        _ => None,
    });
    of_pack.collect()
}

#[tokio::test]
async fn each_version_that_is_gone_by_is_an_event_and_is_kept_when_another_takes_its_place() {
    for scratch in testing::stores().await {
        let (clock, _) = Clock::manual(WALL);
        let my = PackName::parse("MY").unwrap();
        let first = kul_site();
        let old = first.rulebooks.in_use()[&my].digest.clone();
        let hub = Hub::open(testing::config(&scratch, &first, &clock)).await.unwrap();
        let due = hub.packs_due().await.unwrap().expect("nothing is said yet");
        for _ in 0..2 {
            good(hub.submit(due.clone().into()).await);
        }
        assert_eq!(hub.packs_due().await.unwrap(), None);
        assert_eq!(used(&hub).await.len(), first.rulebooks.in_use().len());
        hub.close().await;

        let books = Arc::new(changed());
        let new = books.in_use()[&my].digest.clone();
        let second = testing::site_by("kul.sandbox", Country::MY, Mode::Sandbox, books);
        let hub = Hub::open(testing::config(&scratch, &second, &clock)).await.unwrap();
        // What another node was opened with is not what this one goes by.
        let refused = answer(hub.submit(due.into()).await).unwrap_err();
        assert_eq!(refused.code, "pack-of-another-node");
        good(hub.submit(hub.packs_due().await.unwrap().unwrap().into()).await);
        assert_eq!(used(&hub).await.last(), Some(&("MY".to_owned(), new.clone(), Some(old.clone()))));
        assert_eq!(hub.pack_versions(&my).await.unwrap().len(), 2);
        // The older is there whole, and can be gone by again to work out what it gave.
        for digest in [&old, &new] {
            assert_eq!(**hub.pack_by_digest(digest).await.unwrap().unwrap().digest(), **digest);
        }
        assert!(hub.pack_by_digest(&"0".repeat(64)).await.unwrap().is_none());
        hub.close().await;
    }
}
