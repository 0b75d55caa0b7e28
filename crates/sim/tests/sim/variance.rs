//! What customs charges beside what was quoted: who bears it, and that the ledger stays in balance.

use std::sync::Arc;

use sim::generator::{Flaw, Plan, Ruling};
use sim::memory::MemoryHub;
use sim::play::{Phase, open};
use sim::random::Random;
use sim::scene::{Scene, party_id, site};
use trade::clearance::{Clearance, DecideClearance, Decision};
use trade::clock::MoveClock;
use trade::codes::Country;
use trade::escrow::Escrow;
use trade::event::Happened;
use trade::ledger::{Account, Balance, Purpose};
use trade::money::{Currency, Money};
use trade::returns::ReturnReason;
use trade::rulebook::{ChargeKind, Rulebooks, Standing, builtin, builtin_folders, read_folder};
use trade::time::Days;
use trade::trade_file::{Side, TradeFile};
use trade::variance::{Charged, ChargedAnswer, KindCharged};

/// Two packs of white coffee: goods 80.60, freight 58.26, together 138.86; VAT 13 % × 70 % = 12.64, in all
/// CNY 151.50. See `trade.rs` for how.
fn plan(flaw: Flaw) -> Plan {
    Plan { number: 1, buyer: "buyer-0".to_owned(), lines: vec![(0, 2)], flaw, ..Plan::default() }
}

const fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

/// The packs of the program, with one text of China's replaced.
fn law(from: &str, to: &str) -> Arc<Rulebooks> {
    let mut books = builtin().unwrap();
    let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "cn").unwrap();
    let mut found = false;
    for (_, bytes) in &mut folder.files {
        let text = String::from_utf8(bytes.clone()).unwrap();
        found |= text.contains(from);
        *bytes = text.replace(from, to).into_bytes();
    }
    assert!(found, "the pack has {from:?}");
    for pack in read_folder(&folder).unwrap() {
        books.replace(pack, Standing { built_in: false, pinned: true, vouched: None });
    }
    Arc::new(books)
}

const RULE: &str = "id = \"cn.cbec.composite\"";
const ENDS: &str = "id = \"cn.cbec.composite\"\nvalid-to = 2026-11-23";

/// A law that was made after the order: from the next day the share of the ordinary VAT is another.
fn from_tomorrow(share: &str, vat_of_a_hundred: &str) -> Arc<Rulebooks> {
    let next = format!(
        "[[charge]]\nid = \"cn.cbec.composite-next\"\nname.en = \"Composite tax\"\nname.ms = \"Cukai komposit\"\n\
         name.zh = \"综合税\"\nvalid-from = 2026-11-24\nsource = \"a law made for this test\"\n\
         confidence = \"operator\"\nknowledge = \"sourced\"\nregime = \"b2c-parcel\"\n\
         treatment = [\"within-limits\"]\nwhat = \"vat\"\ncomposite = \"{share}\"\nowed-by = \"buyer\"\n\
         filed-by = \"declarant\"\n\n[[charge.example]]\ndate = 2026-11-24\n\
         lines = [{{ hs = \"210112\", pieces = 1, value = \"100.00\" }}]\nfreight = \"0.00\"\n\
         vat = \"{vat_of_a_hundred}\"\n\n[[charge]]\n{ENDS}"
    );
    law(&format!("[[charge]]\n{RULE}"), &next)
}

/// 80 %: 138.86 × 13 % × 80 % = 14.4414 → 14.44, which is 1.80 above the quote.
fn dearer() -> Arc<Rulebooks> {
    from_tomorrow("80", "10.40")
}

/// 60 %: 138.86 × 13 % × 60 % = 10.8311 → 10.83, which is 1.81 below the quote.
fn cheaper() -> Arc<Rulebooks> {
    from_tomorrow("60", "7.80")
}

/// The order stands; the next day begins, with another law.
fn next_day(scene: &mut Scene, books: &Arc<Rulebooks>) {
    scene.hgh.site = site("hgh.sandbox", Country::CN, books);
    let to = scene.hgh.now.plus_days(Days(1));
    scene.hgh.run(MoveClock { to }).unwrap();
}

/// Played until `last`; the law of China is another after the order.
fn until(flaw: Flaw, books: Option<&Arc<Rulebooks>>, last: Phase) -> (Scene, Random, Plan) {
    let (mut scene, mut random) = (Scene::new(), Random::new(1));
    open(&mut scene, 1, &mut random);
    let plan = plan(flaw);
    for phase in Phase::ALL.into_iter().filter(|phase| *phase <= last) {
        phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
        if let (Phase::Order, Some(books)) = (phase, books) {
            next_day(&mut scene, books);
        }
        in_balance(&scene);
    }
    (scene, random, plan)
}

fn in_balance(scene: &Scene) {
    for hub in [&scene.hgh, &scene.kul] {
        assert!(hub.imbalance().values().all(|sum| *sum == 0));
        let sum = |of: fn(&Balance) -> i64| hub.store.balances.values().map(of).sum::<i64>();
        assert_eq!(sum(|b| b.pending_debit), sum(|b| b.pending_credit));
    }
}

fn file<'a>(scene: &'a Scene, plan: &Plan) -> &'a TradeFile {
    &scene.hgh.store.trades[&plan.trade(&scene.hgh.site.id)]
}

fn balance(hub: &MemoryHub, purpose: Purpose) -> Balance {
    hub.store.balances.get(&Account::own(purpose, Currency::CNY)).copied().unwrap_or_default()
}

fn charged(file: &TradeFile) -> &Charged {
    file.charged.as_deref().expect("customs has let it in")
}

fn told(hub: &MemoryHub) -> Vec<Charged> {
    let of = |what| match what {
        Happened::ImportCharged { charged } => Some(charged),
        _ => None,
    };
    hub.events().into_iter().filter_map(|event| of(event.what)).collect()
}

fn vat(quoted: i64, charged: i64) -> ChargedAnswer {
    let kind = KindCharged { charge: ChargeKind::Vat, quoted: cny(quoted), charged: cny(charged) };
    ChargedAnswer::Worked { kinds: vec![kind] }
}

#[test]
fn by_an_unchanged_law_customs_charges_what_was_quoted_and_nothing_is_told_or_booked() {
    let (scene, _, plan) = until(Flaw::None, None, Phase::PayOut);
    let file = file(&scene, &plan);
    assert_eq!(charged(file).answer, vat(1_264, 1_264));
    assert_eq!((charged(file).variance(), file.variance_borne()), (None, None));
    assert!(told(&scene.hgh).is_empty());
    assert_eq!(balance(&scene.hgh, Purpose::Variance), Balance::default());
    assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), 1_264);
}

#[test]
fn what_customs_charges_above_the_quote_is_held_at_release_and_the_hubs_loss_when_the_escrow_is_let_go() {
    let books = dearer();
    let (scene, ..) = until(Flaw::None, Some(&books), Phase::ExamineAgain);
    // Held, not moved: the buyer's money is not let go yet.
    let held = Balance { pending_debit: 180, ..Balance::default() };
    assert_eq!(balance(&scene.hgh, Purpose::Variance), held);

    let (scene, _, plan) = until(Flaw::None, Some(&books), Phase::PayOut);
    let file = file(&scene, &plan);
    let of = charged(file);
    assert_eq!(of.answer, vat(1_264, 1_444));
    assert_eq!(*of.pack, *scene.hgh.site.rulebook().unwrap().digest);
    assert_ne!(of.pack, file.order.as_ref().unwrap().quote.landed.pack);
    assert_eq!(file.variance_borne(), Some(cny(180)));
    assert_eq!(told(&scene.hgh), std::slice::from_ref(of));
    // The buyer paid the 151.50 that was countersigned and the seller's hub is due what it was: 138.46.
    let Escrow::Released { tax, due, .. } = file.escrow else { panic!("{:?}", file.escrow) };
    assert_eq!((tax, due), (cny(1_264), cny(13_846)));
    assert_eq!(balance(&scene.hgh, Purpose::Bank).held(), 15_150);
    // 12.64 of the buyer's and 1.80 of the hub's are 14.44 for customs.
    assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), 1_444);
    assert_eq!(balance(&scene.hgh, Purpose::Variance), Balance { debit: 180, ..Balance::default() });
}

#[test]
fn what_customs_charges_below_the_quote_is_the_hubs_gain() {
    let (scene, _, plan) = until(Flaw::None, Some(&cheaper()), Phase::PayOut);
    assert_eq!(charged(file(&scene, &plan)).answer, vat(1_264, 1_083));
    assert_eq!(file(&scene, &plan).variance_borne(), Some(cny(-181)));
    assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), 1_083);
    assert_eq!(balance(&scene.hgh, Purpose::Variance), Balance { credit: 181, ..Balance::default() });
}

#[test]
fn a_return_gives_the_buyer_the_quoted_tax_and_the_hub_what_it_bore() {
    for books in [dearer(), cheaper()] {
        for reason in [ReturnReason::ChangedMind, ReturnReason::Damaged] {
            let (scene, _, plan) = until(Flaw::Returns { reason, silent: false }, Some(&books), Phase::PayOut);
            let file = file(&scene, &plan);
            assert_eq!(file.refund().map(|refund| refund.tax), Some(cny(1_264)));
            // Customs gives back what it charged: 12.64 to the buyer, and 1.80 more or 1.81 less than that.
            assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), 0);
            assert_eq!(balance(&scene.hgh, Purpose::Variance), Balance::default());
            assert!(file.variance_borne().is_none_or(Money::is_zero), "{:?}", file.variance_borne());
        }
    }
}

#[test]
fn of_a_part_of_the_price_that_goes_back_the_hub_bears_the_rest() {
    let flaw = Flaw::Disputes { after_return: false, ruling: Some(Ruling::Half) };
    let (scene, _, plan) = until(flaw, Some(&dearer()), Phase::PayOut);
    let file = file(&scene, &plan);
    let Escrow::Released { tax, refund: Some(refund), .. } = file.escrow else { panic!("{:?}", file.escrow) };
    // Whatever the law gives back of the buyer's 12.64, it gives back the same share of the 14.44.
    assert_eq!(tax.plus(refund.tax), Ok(cny(1_264)));
    let back = cny(1_444).scaled(i128::from(refund.tax.minor()), 1_264).unwrap();
    let kept = cny(1_444).minus(back).unwrap();
    assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), kept.minor());
    assert_eq!(file.variance_borne(), kept.minus(tax).ok());
    assert_eq!(balance(&scene.hgh, Purpose::Variance).held(), kept.minor() - tax.minor());
    assert_eq!(balance(&scene.hgh, Purpose::Variance).pending_debit, 0);
}

#[test]
fn what_was_declared_otherwise_is_charged_as_declared() {
    let (mut scene, mut random, plan) = until(Flaw::Undervalued { mended: false }, None, Phase::ExamineAgain);
    assert!(matches!(file(&scene, &plan).clearance, Clearance::Held { .. }), "the value does not agree");
    assert!(file(&scene, &plan).charged.is_none());
    let trade = plan.trade(&scene.hgh.site.id);
    let by = party_id("officer");
    let decision = DecideClearance { trade, by, decision: Decision::Release, reason: "seen".to_owned() };
    scene.hgh.run(decision).unwrap();
    // Declared at four fifths of the price: 64.48 and the freight of 58.26 are 122.74; × 13 % × 70 % = 11.1693
    assert_eq!(charged(file(&scene, &plan)).answer, vat(1_264, 1_117));
    for phase in [Phase::Deliver, Phase::PayOut] {
        phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
    }
    in_balance(&scene);
}

#[test]
fn where_the_law_of_the_day_gives_no_answer_the_quote_stands_and_the_refusal_is_named() {
    // The composite tax ended before the release: no rule answers for the VAT of the goods.
    let books = law(RULE, ENDS);
    let (scene, _, plan) = until(Flaw::None, Some(&books), Phase::PayOut);
    let file = file(&scene, &plan);
    let ChargedAnswer::Refused { problem } = &charged(file).answer else { panic!("{:?}", file.charged) };
    assert_eq!(problem.code, "no-charge-fits");
    assert_eq!(told(&scene.hgh).len(), 1);
    assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), 1_264);
    assert_eq!(balance(&scene.hgh, Purpose::Variance), Balance::default());
}

#[test]
fn a_hub_that_lost_the_release_knows_from_its_peer_what_customs_charged() {
    let books = dearer();
    for lost_after in [Phase::ExamineAgain, Phase::Deliver] {
        let (mut scene, mut random) = (Scene::new(), Random::new(1));
        open(&mut scene, 1, &mut random);
        let plan = plan(Flaw::None);
        let mut copy = None;
        for phase in Phase::ALL.into_iter().filter(|phase| *phase <= lost_after) {
            phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
            if phase == Phase::Order {
                next_day(&mut scene, &books);
                copy = Some(scene.hgh.clone());
            }
        }
        let before = (file(&scene, &plan).charged.clone(), balance(&scene.hgh, Purpose::Variance));
        scene.restore(Side::Import, copy.unwrap());
        scene.settle(&mut random);
        assert_eq!((file(&scene, &plan).charged.clone(), balance(&scene.hgh, Purpose::Variance)), before);
        for phase in Phase::ALL.into_iter().filter(|phase| *phase > lost_after) {
            phase.play(&mut scene, std::slice::from_ref(&plan), &mut random);
        }
        assert_eq!(balance(&scene.hgh, Purpose::Variance), Balance { debit: 180, ..Balance::default() });
        assert_eq!(balance(&scene.hgh, Purpose::Tax).owed(), 1_444);
        in_balance(&scene);
    }
}
