//! Every version of a rule pack that a hub goes by is an event, and is kept under its digest.

use std::sync::Arc;

use hub::Hub;
use hub::clock::Clock;
use hub::testing::{self, WALL};
use trade::card::Mode;
use trade::codes::Country;
use trade::commands::Command;
use trade::event::Happened;
use trade::landed_cost::{AskLine, LandedCostAsk, landed_cost};
use trade::quote::{Quote, QuoteLine};
use trade::rulebook::{Pack, PackName, Rulebooks, Standing, builtin, builtin_folders, read_folder};

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
        // A hub that is killed before it has said so has kept them already.
        hub.keep_packs().await.unwrap();
        assert_eq!(hub.pack_versions(&my).await.unwrap(), vec![old.clone()]);
        assert!(used(&hub).await.is_empty());
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

/// The packs of the program; in China's, the share of the ordinary VAT is 80 % from the day after the quote.
fn another_law() -> Rulebooks {
    let mut books = builtin().unwrap();
    let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "cn").unwrap();
    let old = "id = \"cn.cbec.composite\"";
    let next = format!(
        "id = \"cn.cbec.composite-next\"\nname.en = \"Composite tax\"\nname.ms = \"Cukai komposit\"\n\
         name.zh = \"综合税\"\nvalid-from = 2026-11-24\nsource = \"a law made for this test\"\n\
         confidence = \"operator\"\nknowledge = \"sourced\"\nregime = \"b2c-parcel\"\n\
         treatment = [\"within-limits\"]\nwhat = \"vat\"\ncomposite = \"80\"\nowed-by = \"buyer\"\n\
         filed-by = \"declarant\"\n\n[[charge.example]]\ndate = 2026-11-24\n\
         lines = [{{ hs = \"210112\", pieces = 1, value = \"100.00\" }}]\nfreight = \"0.00\"\nvat = \"10.40\"\n\n\
         [[charge]]\n{old}\nvalid-to = 2026-11-23"
    );
    for (_, bytes) in &mut folder.files {
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace(old, &next).into_bytes();
    }
    for pack in read_folder(&folder).unwrap() {
        books.replace(pack, Standing { built_in: false, pinned: true, vouched: None });
    }
    books
}

#[tokio::test]
async fn an_old_quote_is_worked_out_again_to_the_cent_after_the_rules_changed_and_the_hub_began_anew() {
    let (kul, hgh) = (testing::sqlite(), testing::sqlite());
    let pair = Pair::open(&kul, &hgh).await;
    good(pair.hgh.submit(pair.hgh.packs_due().await.unwrap().unwrap().into()).await);
    good(pair.kul.submit(Command::OfferProduct(offer("COFFEE"))).await);
    pair.carry().await;
    let quote: Quote =
        serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask(1, "COFFEE", BUYER))).await)).unwrap();
    pair.hgh.close().await;

    let (clock, _) = Clock::manual(WALL);
    let site = testing::site_by("hgh.sandbox", Country::CN, Mode::Sandbox, Arc::new(another_law()));
    let hub = Hub::open(testing::config(&hgh, &site, &clock)).await.unwrap();
    good(hub.submit(hub.packs_due().await.unwrap().unwrap().into()).await);
    let kept = hub.quote(quote.id).await.unwrap().unwrap();
    assert_eq!(kept, quote);
    let now = site.rulebook().unwrap();
    assert_ne!(now.digest, kept.landed.pack);
    let pack = hub.pack_by_digest(&kept.landed.pack).await.unwrap().expect("kept by its digest");
    let Pack::Territory(then) = &*pack else { panic!("a territory's rules") };
    let lines: Vec<AskLine> = kept.lines.iter().map(QuoteLine::asked).collect();
    let ask = LandedCostAsk::new(kept.date, kept.regime, &lines, kept.landed.freight, &site.stance);
    // Every charge, rule and digest, not the total alone.
    assert_eq!(landed_cost(then, &ask), Ok(kept.landed.clone()));
    // The law of the next day charges more by the new pack, and by the old one what it always did.
    let next_day = LandedCostAsk { date: kept.date.tomorrow().unwrap(), ..ask };
    assert_eq!(landed_cost(then, &next_day).unwrap().tax, kept.landed.tax);
    assert!(landed_cost(now, &next_day).unwrap().tax.minor() > kept.landed.tax.minor());
    hub.close().await;
}
