//! What strangers say: whatever a peer tells or a party sends, no decision stops on it.

use serde_json::Value;
use sim::filled;
use sim::generator::{Generator, Plan};
use sim::play::open;
use sim::random::Random;
use sim::scene::Scene;
use trade::bundle::verify_bundle;
use trade::card::SignedCard;
use trade::checkpoint::SignedCheckpoint;
use trade::commands::Command;
use trade::event::{Draft, Event, Happened};
use trade::key::Signature;
use trade::quote::Quote;
use trade::road::{Batch, Limits, NewEpoch, Receipt, RoadMark, WitnessedHead};
use trade::time::WallTime;

/// Numbers at which sums, products and dates break.
const NUMBERS: [i64; 9] =
    [0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, 10_000_000_000_001, 1_000_000_007, -1_000_000_007];
/// Texts at which parsers and indexes break.
const TEXTS: [&str; 9] = ["", " ", "…", "\0", "MYR", "CNY", "000000", "9999999999999999999999", "hgh.sandbox:A-1"];

fn leaves(value: &Value) -> u64 {
    match value {
        Value::Object(fields) => fields.values().map(leaves).sum(),
        Value::Array(items) => 1 + items.iter().map(leaves).sum::<u64>(),
        _ => 1,
    }
}

/// Puts something else in place of the leaf that is `at` leaves away; a list is emptied or doubled.
fn alter(value: &mut Value, at: &mut u64, random: &mut Random) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| alter(field, at, random)),
        other => {
            let here = *at == 0;
            *at = at.wrapping_sub(1);
            match other {
                Value::Array(items) if here && random.below(2) == 0 => items.clear(),
                Value::Array(items) if here => items.extend(items.clone()),
                Value::Array(items) => items.iter_mut().for_each(|item| alter(item, at, random)),
                Value::Number(number) if here => *number = (*random.pick(&NUMBERS)).into(),
                // Most texts are ids, which are parsed before anything is decided.
                Value::String(text) if here && random.once_in(3) => (*random.pick(&TEXTS)).clone_into(text),
                Value::Bool(flag) if here => *flag = !*flag,
                _ => {}
            }
        }
    }
}

/// The same with some leaves altered, where it still has the form of its type.
fn altered<T: serde::Serialize + serde::de::DeserializeOwned>(good: &T, random: &mut Random) -> Option<T> {
    let mut value = serde_json::to_value(good).unwrap();
    for _ in 0..=random.below(3) {
        let mut at = random.below(leaves(&value).max(1));
        alter(&mut value, &mut at, random);
    }
    serde_json::from_value(value).ok()
}

/// Some seconds of each test.
const ROUNDS: u64 = 1_500;

/// A scene with a trade in each of some stages, and the commands that would take them on.
fn stage(random: &mut Random) -> (Scene, Vec<Command>, Vec<Command>) {
    let mut scene = Scene::new();
    open(&mut scene, 4, random);
    let (importer, exporter) = (scene.hgh.site.id.clone(), scene.kul.site.id.clone());
    let plans: Vec<Plan> = Generator::new(7, 4, 2).take(6).collect();
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for (n, plan) in plans.iter().enumerate() {
        let quote: Quote = serde_json::from_value(scene.hgh.run(plan.ask(&exporter)).unwrap()).unwrap();
        here.push(plan.ask(&exporter).into());
        here.push(plan.place(&importer).into());
        here.extend(plan.payments(&importer, quote.landed.total).into_iter().map(Command::from));
        there.extend(plan.waybills(&importer, quote.gross()).into_iter().map(Command::from));
        there.extend(plan.declarations(&importer, &quote).into_iter().map(Command::from));
        if n > 0 {
            scene.hgh.run(plan.place(&importer)).unwrap();
        }
        if n > 2 {
            for payment in plan.payments(&importer, quote.landed.total) {
                scene.hgh.run(payment).unwrap();
            }
        }
        scene.settle(random);
        if n > 3 {
            let _ = scene.kul.run(plan.waybills(&importer, quote.gross()).swap_remove(0));
            let _ = scene.kul.run(plan.declarations(&importer, &quote).swap_remove(0));
        }
        scene.settle(random);
    }
    (scene, here, there)
}

#[test]
fn whatever_a_party_sends_stops_no_decision() {
    let mut random = Random::new(11);
    let (scene, here, there) = stage(&mut random);
    let (mut hgh, mut kul, mut sent) = (scene.hgh.clone(), scene.kul.clone(), 0);
    for round in 0..ROUNDS {
        for (hub, commands) in [(&mut hgh, &here), (&mut kul, &there)] {
            let Some(command) = altered(random.pick(commands), &mut random) else { continue };
            let _ = hub.run(command);
            assert!(hub.imbalance().values().all(|sum| *sum == 0), "round {round}");
            sent += 1;
        }
    }
    assert!(sent > ROUNDS / 2, "{sent} of {} had the form of commands", 2 * ROUNDS);
}

#[test]
fn whatever_a_peer_tells_stops_no_decision() {
    let mut random = Random::new(12);
    let (scene, ..) = stage(&mut random);
    let trades: Vec<_> = scene.kul.store.trades.keys().chain(scene.hgh.store.trades.keys()).cloned().collect();
    // All that was truly told, and one of everything that could be.
    let mut stock: Vec<Happened> = filled::happened();
    stock.extend(scene.kul.events().into_iter().chain(scene.hgh.events()).filter(|e| e.to.is_some()).map(|e| e.what));
    let mut told = 0;
    for round in 0..ROUNDS {
        let mut scene = scene.clone();
        for _ in 0..6 {
            let Some(what) = altered(random.pick(&stock), &mut random) else { continue };
            let trade = (random.below(8) > 0).then(|| random.pick(&trades).clone());
            let (teller, peer) = match random.below(2) {
                0 => (&mut scene.kul, scene.hgh.site.id.clone()),
                _ => (&mut scene.hgh, scene.kul.site.id.clone()),
            };
            teller.log(&[Draft { at: teller.now, trade, to: Some(peer), what }]);
            told += 1;
        }
        scene.settle(&mut random);
        for hub in [&scene.kul, &scene.hgh] {
            assert!(hub.imbalance().values().all(|sum| *sum == 0), "round {round}");
        }
    }
    assert!(told > 2 * ROUNDS, "{told} of {} had the form of events", 6 * ROUNDS);
}

/// Some bytes of a good message replaced, cut off, doubled; or bytes that never were one.
fn noise(good: &[u8], random: &mut Random) -> Vec<u8> {
    let place = |random: &mut Random| usize::try_from(random.below(u64::try_from(good.len()).unwrap())).unwrap();
    let (from, to) = (place(random), place(random));
    match random.below(4) {
        0 => good[..from].to_vec(),
        1 => [&good[..from.max(to)], &good[from.min(to)..]].concat(),
        2 => (0..from % 300).map(|_| random.bytes::<1>()[0]).collect(),
        _ => {
            let mut bytes = good.to_vec();
            bytes[from] = random.bytes::<1>()[0];
            bytes[to] = random.bytes::<1>()[0];
            bytes
        }
    }
}

#[test]
fn no_bytes_stop_a_reader_and_no_altered_card_or_statement_is_taken() {
    let mut random = Random::new(13);
    let scene = Scene::new();
    let (kul, hgh) = (&scene.kul, &scene.hgh);
    let card = kul.site.card.clone().sign(&kul.site.road.key).to_json();
    let at = WallTime::from_micros(kul.now.micros());
    let heads = vec![WitnessedHead { head: kul.head(), consistency: Vec::new() }];
    let roads = vec![RoadMark { peer: hgh.site.id.clone(), next_seq: 1 }];
    let (hub, mode, epoch, kept) = (kul.site.id.clone(), kul.site.mode, kul.site.road.epoch, kul.head());
    let (operator, signature) = ("pty_1".to_owned(), Signature::from_bytes([7; 64]));
    let (lost_from, lost_to) = (1, 2);
    let statement = NewEpoch { hub, mode, epoch, kept, heads, lost_from, lost_to, operator, at, roads, signature };
    let statement = serde_json::to_vec(&statement).unwrap();
    let batch = kul.batch(&hgh.site.id, 0, 0).to_json();
    let leaf = kul.store.leaves[0].clone();
    assert!(SignedCard::read(&card).is_ok() && NewEpoch::read(&statement).is_ok());
    for _ in 0..ROUNDS {
        let altered = noise(&card, &mut random);
        if let Ok(read) = SignedCard::read(&altered) {
            // Blanks and orders of fields do not count; what it says does.
            assert_eq!(read, SignedCard::read(&card).unwrap());
        }
        let _ = NewEpoch::read(&noise(&statement, &mut random));
        let _ = Batch::read(&noise(&batch, &mut random), &[1], Limits::default());
        let _ = Receipt::read(&noise(&batch, &mut random));
        let leaf = noise(&leaf, &mut random);
        let _ = (serde_json::from_slice::<Event>(&leaf), trade::event::envelope(&leaf));
        let _ = verify_bundle(&noise(&batch, &mut random), None);
        let text = String::from_utf8_lossy(&noise(kul.head().to_string().as_bytes(), &mut random)).into_owned();
        let _ = text.parse::<SignedCheckpoint>();
    }
}
