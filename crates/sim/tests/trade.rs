//! Whole trades on two hubs in memory.
#![expect(clippy::disallowed_methods, reason = "a test reads how many seeds are wanted")]

use sim::generator::{Flaw, Generator, Plan};
use sim::memory::MemoryHub;
use sim::network::Weather;
use sim::play::{is_at_rest, open, play};
use sim::random::Random;
use sim::scene::Scene;
use trade::commands::Command;
use trade::ledger::{Account, Purpose};
use trade::money::{Currency, Money};
use trade::trade_file::{Stage, TradeFile};

fn plan(number: u64, lines: Vec<(usize, i64)>, flaw: Flaw) -> Plan {
    Plan { number, buyer: "buyer-0".to_owned(), lines, flaw }
}

#[test]
fn one_trade_goes_from_price_list_to_payout() {
    let mut scene = Scene::new();
    let mut random = Random::new(1);
    open(&mut scene, 1, &mut random);
    // Two packs of white coffee at RM 24.90.
    let plan = plan(1, vec![(0, 2)], Flaw::None);
    play(&mut scene, std::slice::from_ref(&plan), &mut random);
    let id = plan.trade(&scene.hgh.site.id);
    let here = &scene.hgh.store.trades[&id];
    let there = &scene.kul.store.trades[&id];
    assert_eq!((here.stage(), there.stage()), (Stage::Paid, Stage::Paid));
    let quote = &here.order.as_ref().unwrap().quote;
    let cny = |minor| Money::new(minor, Currency::CNY);
    // Goods: 49.80 × 1.612 × 1.004 = 80.5987… -> 80.60. Parcel 1,240 g: 18.00 + 2 × 9.00 = RM 36.00,
    // × 1.612 × 1.004 = 58.2641… -> 58.26. Tax: 138.86 × 9.1 % = 12.63626 -> 12.64. Sum 151.50.
    assert_eq!(quote.landed.goods, cny(8_060));
    assert_eq!(quote.landed.freight, cny(5_826));
    assert_eq!(quote.landed.tax, cny(1_264));
    assert_eq!(quote.landed.total, cny(15_150));
    // Fee 0.5 % of 80.60 = 0.403 -> 0.40; due 80.60 + 58.26 − 0.40 = 138.46.
    assert_eq!(quote.due, cny(13_846));
    // Back at the same rate: 138.46 / 1.618448 = 85.5511… -> RM 85.55; less freight 36.00 and the
    // fee of 1 % of 49.80 = 0.498 -> 0.50: RM 49.05.
    let payout = there.payouts.first().unwrap();
    assert_eq!(payout.amount, Money::new(4_905, Currency::MYR));
    assert_eq!(scene.dues(), (13_846, 13_846, 0));
    let tax = Account::own(Purpose::Tax, Currency::CNY);
    assert_eq!(scene.hgh.store.balances[&tax].owed(), 1_264);
    assert!(scene.hgh.imbalance().values().chain(scene.kul.imbalance().values()).all(|sum| *sum == 0));
}

#[test]
fn every_planned_flaw_comes_to_its_planned_end() {
    let mut scene = Scene::new();
    let mut random = Random::new(2);
    open(&mut scene, 40, &mut random);
    let plans: Vec<Plan> = Generator::new(42, 40, 2).take(160).collect();
    play(&mut scene, &plans, &mut random);
    for plan in &plans {
        let file = &scene.hgh.store.trades[&plan.trade(&scene.hgh.site.id)];
        assert!(plan.is_fulfilled_by(file), "{plan:?}\n{:?}\n{:?}", file.stage(), file.clearance);
    }
    assert!(is_at_rest(&scene.hgh), "refunds are all back with their payers");
    let unapplied = Account::own(Purpose::Unapplied, Currency::CNY);
    assert_eq!(scene.hgh.store.balances[&unapplied].owed(), 0);
}

/// Storms of any kind change nothing but how long it takes.
fn storm(seed: u64) {
    let mut random = Random::new(seed);
    let mut scene = Scene::new();
    scene.weather = Weather { lost: 4, doubled: 3, swapped: 4, altered: 4 };
    open(&mut scene, 8, &mut random);
    let plans: Vec<Plan> = Generator::new(seed, 8, 3).take(12).collect();
    play(&mut scene, &plans, &mut random);
    let mut calm = Scene::new();
    let mut fair = Random::new(0);
    open(&mut calm, 8, &mut fair);
    play(&mut calm, &plans, &mut fair);
    let (due_to, due_from, in_flight) = scene.dues();
    assert_eq!(due_to, due_from + in_flight);
    assert_eq!(scene.dues(), calm.dues(), "seed {seed}");
    for plan in &plans {
        let id = plan.trade(&scene.hgh.site.id);
        // Under which numbers of the road a peer told it depends on the weather, and nothing else does.
        let file = |hub: &MemoryHub| TradeFile { heard: Vec::new(), ..hub.store.trades[&id].clone() };
        assert_eq!(file(&scene.hgh), file(&calm.hgh), "seed {seed} {plan:?}");
        assert_eq!(file(&scene.kul), file(&calm.kul), "seed {seed} {plan:?}");
    }
    assert_eq!(scene.hgh.store.balances, calm.hgh.store.balances);
    assert_eq!(scene.kul.store.balances, calm.kul.store.balances);
}

#[test]
fn a_lost_doubled_swapped_or_altered_batch_changes_nothing() {
    let seeds = std::env::var("EHUB_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(25);
    (0..seeds).for_each(storm);
}

#[test]
fn a_cut_road_delays_and_loses_nothing() {
    let mut scene = Scene::new();
    let mut random = Random::new(3);
    open(&mut scene, 1, &mut random);
    let plan = plan(1, vec![(1, 1)], Flaw::None);
    let importer = scene.hgh.site.id.clone();
    let exporter = scene.kul.site.id.clone();
    scene.cut(true);
    scene.hgh.run(plan.ask(&exporter)).unwrap();
    scene.hgh.run(plan.place(&importer)).unwrap();
    let total = scene.hgh.store.trades[&plan.trade(&importer)].total().unwrap();
    scene.hgh.run(plan.payments(&importer, total).remove(0)).unwrap();
    (0..50).for_each(|_| scene.exchange(&mut random));
    assert!(!scene.is_quiet());
    assert!(!scene.kul.store.trades.contains_key(&plan.trade(&importer)));
    scene.cut(false);
    scene.settle(&mut random);
    assert_eq!(scene.kul.store.trades[&plan.trade(&importer)].stage(), Stage::InEscrow);
}

#[test]
fn however_commands_are_cut_into_batches_the_end_is_the_same() {
    let mut scene = Scene::new();
    let mut random = Random::new(4);
    open(&mut scene, 6, &mut random);
    let importer = scene.hgh.site.id.clone();
    let exporter = scene.kul.site.id.clone();
    for seed in 0..40 {
        let plans: Vec<Plan> = Generator::new(seed, 6, 2).take(8).collect();
        let mut commands: Vec<Command> = Vec::new();
        let mut quoting = scene.hgh.clone();
        for plan in &plans {
            let quote = quoting.run(plan.ask(&exporter)).unwrap();
            let total = serde_json::from_value::<trade::quote::Quote>(quote).unwrap().landed.total;
            commands.push(plan.ask(&exporter).into());
            commands.push(plan.place(&importer).into());
            commands.extend(plan.payments(&importer, total).into_iter().map(Command::from));
        }
        // Doubled and out of order: some of it is refused, all of it the same way each time.
        for _ in 0..commands.len() {
            let (a, b) = (pick(&mut random, commands.len()), pick(&mut random, commands.len()));
            commands.swap(a, b);
        }
        let again = commands[pick(&mut random, commands.len())].clone();
        commands.push(again);
        let mut whole = scene.hgh.clone();
        let answers = whole.decide(&commands);
        let mut split = scene.hgh.clone();
        let mut rest = &commands[..];
        let mut split_answers = Vec::new();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(1 + pick(&mut random, rest.len()));
            split_answers.extend(split.decide(now));
            rest = later;
        }
        assert_eq!(answers, split_answers, "seed {seed}");
        assert_eq!(whole.store.trades, split.store.trades, "seed {seed}");
        assert_eq!(whole.store.balances, split.store.balances, "seed {seed}");
        assert_eq!(whole.store.quotas, split.store.quotas, "seed {seed}");
        assert_eq!(whole.store.leaves, split.store.leaves, "seed {seed}");
        assert!(whole.imbalance().values().all(|sum| *sum == 0));
    }
}

fn pick(random: &mut Random, below: usize) -> usize {
    let place = random.below(u64::try_from(below).expect("lengths fit in 64 bits"));
    usize::try_from(place).expect("below a length")
}
