//! Whole trades on two hubs in memory.

use sim::generator::{Flaw, Generator, Pays, Plan};
use sim::memory::MemoryHub;
use sim::network::Weather;
use sim::play::{is_at_rest, open, play};
use sim::random::Random;
use sim::scene::{Scene, Way, party_id};
use trade::ball::{Holder, Task, ball};
use trade::commands::Command;
use trade::declaration::DeclarationKind;
use trade::escrow::Escrow;
use trade::ledger::{Account, Purpose};
use trade::money::{Currency, Money};
use trade::payment::ReceivePayment;
use trade::quote::{AskQuote, Quote};
use trade::rulebook::Treatment;
use trade::terms::{Incoterm, Terms};
use trade::time::Days;
use trade::trade_file::{Stage, TradeFile};

fn plan(number: u64, lines: Vec<(usize, i64)>, flaw: Flaw) -> Plan {
    let buyer = "buyer-0".to_owned();
    Plan { number, way: Way::MyCn, incoterm: None, pays: Pays::Whole, buyer, lines, flaw }
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
fn a_consumer_in_malaysia_buys_in_china_with_the_tax_taken_at_the_sale() {
    let mut scene = Scene::new();
    let mut random = Random::new(1);
    open(&mut scene, 1, &mut random);
    // Two plush toys at CNY 45.00, 520 g.
    let plan = Plan { way: Way::CnMy, ..plan(1, vec![(2, 2)], Flaw::None) };
    play(&mut scene, std::slice::from_ref(&plan), &mut random);
    let id = plan.trade(&scene.kul.site.id);
    let (here, there) = (&scene.kul.store.trades[&id], &scene.hgh.store.trades[&id]);
    assert_eq!((here.stage(), there.stage()), (Stage::Paid, Stage::Paid));
    let quote = &here.order.as_ref().unwrap().quote;
    let myr = |minor| Money::new(minor, Currency::MYR);
    // Goods: 90.00 × 0.6203 × 1.004 = 56.0503… -> 56.05. Parcel within the first kilogram: CNY 20.00,
    // × 0.6227812 = 12.4556… -> 12.46. 68.51 is within RM 500: no duty. LVG 10 % of 56.05 = 5.605 -> 5.61.
    assert_eq!(quote.landed.goods, myr(5_605));
    assert_eq!(quote.landed.freight, myr(1_246));
    assert_eq!(quote.landed.tax, myr(561));
    assert_eq!(quote.landed.total, myr(7_412));
    assert_eq!(quote.landed.treatment, Treatment::Relief);
    assert_eq!(there.declaration.as_ref().unwrap().registration.as_deref(), Some("LRN-SAMPLE-0001"));
    // Fee 0.5 % of 56.05 = 0.28025 -> 0.28; due 56.05 + 12.46 − 0.28 = 68.23.
    assert_eq!(quote.due, myr(6_823));
    // Back: 68.23 / 0.6227812 = 109.5569… -> CNY 109.56; less freight 20.00 and 1 % of 90.00 = 0.90: 88.66.
    assert_eq!(there.payouts.first().unwrap().amount, Money::new(8_866, Currency::CNY));
    assert_eq!(scene.dues_of(Way::CnMy), (6_823, 6_823, 0));
    assert!(scene.kul.store.quotas.is_empty(), "Malaysia has no yearly limit");
    let tax = Account::own(Purpose::Tax, Currency::MYR);
    assert_eq!(scene.kul.store.balances[&tax].owed(), 561);
    assert!(scene.hgh.imbalance().values().chain(scene.kul.imbalance().values()).all(|sum| *sum == 0));
}

#[test]
fn a_business_pays_a_deposit_and_the_balance_before_the_goods_go() {
    let mut scene = Scene::new();
    let mut random = Random::new(1);
    open(&mut scene, 1, &mut random);
    // A hundred packs of white coffee at RM 24.90, 62 kg, free carrier Kuala Lumpur.
    let plan = Plan {
        incoterm: Some(Incoterm::Fca),
        pays: Pays::InTwo,
        buyer: "firm-0".to_owned(),
        ..plan(1, vec![(0, 100)], Flaw::None)
    };
    let (importer, exporter) = (scene.hgh.site.id.clone(), scene.kul.site.id.clone());
    let id = plan.trade(&importer);
    let quote: Quote = serde_json::from_value(scene.hgh.run(plan.ask(&exporter)).unwrap()).unwrap();
    let cny = |minor| Money::new(minor, Currency::CNY);
    // Goods 2,490.00 × 1.618448 = 4,029.93552 -> 4,029.94. Freight 120.00 + 52 × 6.50 = RM 458.00 -> 741.25.
    // Duty 12 % of 4,771.19 = 572.5428 -> 572.54; VAT 13 % of 5,343.73 = 694.6849 -> 694.68. Sum 6,038.41.
    assert_eq!((quote.landed.goods, quote.landed.freight), (cny(402_994), cny(74_125)));
    assert_eq!((quote.landed.tax, quote.landed.total), (cny(126_722), cny(603_841)));
    // 30 % of 6,038.41 = 1,811.523 -> 1,811.52
    let offer = quote.sale.as_ref().unwrap().deposit.unwrap();
    assert_eq!((offer.amount, offer.balance_within.0), (cny(181_152), 30));
    assert!(quote.landed.rests_on.iter().any(|used| &*used.rule == "cn.general.deposit"));

    scene.hgh.run(plan.place(&importer)).unwrap();
    let [deposit, balance] = &plan.payments_for(&importer, &quote)[..] else { panic!("two parts") };
    // What is neither the whole nor the deposit goes back.
    let odd = ReceivePayment { amount: cny(181_153), no: "ODD-1".parse().unwrap(), ..deposit.clone() };
    assert_eq!(scene.hgh.run(odd).unwrap()["fate"], "set-aside");
    assert_eq!(scene.hgh.run(deposit.clone()).unwrap()["fate"], "applied");
    scene.settle(&mut random);
    let here = &scene.hgh.store.trades[&id];
    let (now, there) = (ball(here), ball(&scene.kul.store.trades[&id]));
    assert_eq!((here.stage(), now.holder, now.task), (Stage::Deposited, Holder::Buyer, Task::PayBalance));
    assert_eq!(now.deadline, Some(here.order.as_ref().unwrap().placed_at.plus_days(Days(30))));
    assert_eq!((there.task, there.deadline), (Task::PayBalance, now.deadline), "the seller's side knows as much");
    // The seller does not ship on a deposit, and customs does not match on one.
    scene.kul.run(plan.waybills(&importer, quote.gross()).remove(0)).unwrap();
    let refused = scene.kul.run(plan.declarations(&importer, &quote).remove(0)).unwrap_err();
    assert_eq!(refused.code, "not-paid-yet");
    // The deposit once more is a payment too many; the balance is the rest, to the fen.
    let again = ReceivePayment { no: "AGAIN-1".parse().unwrap(), ..deposit.clone() };
    assert_eq!(scene.hgh.run(again).unwrap()["fault"]["code"], "amount-differs");
    assert_eq!(balance.amount, cny(422_689));
    scene.hgh.run(balance.clone()).unwrap();
    scene.settle(&mut random);
    assert_eq!(scene.kul.store.trades[&id].stage(), Stage::InEscrow);

    play(&mut scene, std::slice::from_ref(&plan), &mut random);
    let there = &scene.kul.store.trades[&id];
    assert_eq!(there.stage(), Stage::Paid);
    assert_eq!(there.declaration.as_ref().unwrap().kind, DeclarationKind::FullEntry);
    // Fee 0.4 % of 4,029.94 = 16.11976 -> 16.12; due 4,771.19 − 16.12 = 4,755.07, back 2,938.04…; less freight
    // 458.00 and 0.8 % of 2,490.00 = 19.92.
    assert_eq!(quote.due, cny(475_507));
    let back = quote.fx.convert_back(quote.due).unwrap().minor();
    assert_eq!(there.payouts.first().unwrap().amount.minor(), back - 45_800 - 1_992);
    assert!(scene.hgh.store.quotas.is_empty(), "a business has no yearly limit");
    assert!(scene.hgh.imbalance().values().chain(scene.kul.imbalance().values()).all(|sum| *sum == 0));
}

#[test]
fn under_dap_the_seller_pays_the_carriage_out_of_its_price() {
    let mut scene = Scene::new();
    let mut random = Random::new(1);
    open(&mut scene, 1, &mut random);
    // Forty plush toys at CNY 45.00, 10.4 kg, delivered at Kuala Lumpur.
    let plan = Plan {
        way: Way::CnMy,
        incoterm: Some(Incoterm::Dap),
        buyer: "firm-0".to_owned(),
        ..plan(1, vec![(2, 40)], Flaw::None)
    };
    play(&mut scene, std::slice::from_ref(&plan), &mut random);
    let file = &scene.hgh.store.trades[&plan.trade(&scene.kul.site.id)];
    assert_eq!(file.stage(), Stage::Paid);
    let quote = &file.order.as_ref().unwrap().quote;
    let myr = |minor| Money::new(minor, Currency::MYR);
    // Goods 1,800.00 × 0.6227812 = 1,121.00616 -> 1,121.01, which is the customs value: duty 0 %, sales tax
    // 10 % = 112.101 -> 112.10. No freight on top. Carriage CNY 150.00 + 1 × 7.50 = 157.50.
    assert_eq!((quote.landed.freight, quote.landed.tax), (myr(0), myr(11_210)));
    assert_eq!(quote.landed.total, myr(123_311));
    assert_eq!(quote.freight_home, Money::new(15_750, Currency::CNY));
    // Fee 0.4 % of 1,121.01 = 4.48; due 1,116.53, back at the rate; less 157.50 and 0.8 % of 1,800.00 = 14.40.
    assert_eq!(quote.due, myr(111_653));
    let back = quote.fx.convert_back(quote.due).unwrap().minor();
    assert_eq!(file.payouts.first().unwrap().amount.minor(), back - 15_750 - 1_440);
}

#[test]
fn what_does_not_fit_a_business_sale_is_refused_with_its_reason() {
    let mut scene = Scene::new();
    let mut random = Random::new(1);
    open(&mut scene, 1, &mut random);
    let exporter = scene.kul.site.id.clone();
    let plan = plan(1, vec![(0, 100)], Flaw::None);
    let terms = |incoterm, place: &str| Terms::Business { incoterm, place: place.parse().unwrap() };
    let mut refusal = |buyer: &str, pieces: i64, terms: Terms| {
        let mut ask = AskQuote { buyer: Some(party_id(buyer)), terms, ..plan.ask(&exporter) };
        ask.lines[0].pieces = pieces;
        scene.hgh.run(ask).unwrap_err()
    };
    assert_eq!(refusal("buyer-0", 9, terms(Incoterm::Fca, "MYKUL")).code, "business-needed");
    assert_eq!(refusal("firm-0", 9, Terms::Parcel).code, "consumer-needed");
    let ship = refusal("firm-0", 9, terms(Incoterm::Fob, "MYPKG"));
    // Air freight: the rule that fits is named, and those under which goods are sold.
    assert_eq!((ship.code.as_str(), &ship.args["mode"]), ("incoterm-for-ships", &"air".into()));
    assert_eq!((&ship.args["instead"], &ship.args["offered"][1]), (&"FCA".into(), &"CPT".into()));
    let factory = refusal("firm-0", 9, terms(Incoterm::Exw, "MYKUL"));
    assert_eq!(
        (factory.code.as_str(), &factory.args["reason"]),
        ("incoterm-not-offered", &"buyer-clears-export".into())
    );
    assert_eq!(refusal("firm-0", 9, terms(Incoterm::Fca, "CNHGH")).code, "place-elsewhere");
    assert_eq!(refusal("firm-0", 9, terms(Incoterm::Cpt, "MYKUL")).code, "place-elsewhere");
    // Four packs are worth RM 99.60; their carriage alone costs 120.00.
    assert_eq!(refusal("firm-0", 4, terms(Incoterm::Cpt, "CNHGH")).code, "carriage-above-price");
    assert_eq!(refusal("firm-0", 5_001, terms(Incoterm::Fca, "MYKUL")).code, "pieces");
}

#[test]
fn hubs_sell_to_each_other_at_the_same_time() {
    let mut scene = Scene::new();
    let mut random = Random::new(6);
    open(&mut scene, 30, &mut random);
    let plans: Vec<Plan> = Generator::both_ways(43, 30, 3).take(160).collect();
    play(&mut scene, &plans, &mut random);
    let mut treatments = std::collections::BTreeSet::new();
    for plan in &plans {
        let file = &scene.importer(plan.way).store.trades[&plan.trade(&scene.importer(plan.way).site.id)];
        assert!(plan.is_fulfilled_by(file), "{plan:?}\n{:?}\n{:?}", file.stage(), file.clearance);
        treatments.insert(format!("{:?} {:?}", plan.way, file.order.as_ref().unwrap().quote.landed.treatment));
    }
    for (incoterm, pays) in [(Some(Incoterm::Fca), Pays::InTwo), (Some(Incoterm::Dap), Pays::DepositOnly)] {
        assert!(plans.iter().any(|p| p.incoterm == incoterm && p.pays == pays), "{incoterm:?} {pays:?}");
    }
    assert!(treatments.contains("CnMy Relief") && treatments.contains("CnMy Full"), "{treatments:?}");
    assert!(is_at_rest(&scene.hgh) && is_at_rest(&scene.kul));
    for way in Way::ALL {
        let (due_to, due_from, in_flight) = scene.dues_of(way);
        assert!(due_to > 0);
        assert_eq!(due_to, due_from + in_flight, "{way:?}");
        // What was held is let go or given back, to the last sen.
        let hub = scene.importer(way);
        let held = &hub.store.balances[&Account::own(Purpose::BuyerFunds, hub.site.currency)];
        let in_escrow = hub.store.trades.values().filter_map(|f| match f.escrow {
            Escrow::Funded { amount, .. } | Escrow::Deposited { amount, .. } => Some(amount.minor()),
            _ => None,
        });
        let in_escrow: i64 = in_escrow.sum();
        assert_eq!((held.owed(), held.pending_debit), (in_escrow, in_escrow));
    }
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
    let plans: Vec<Plan> = Generator::both_ways(seed, 8, 3).take(12).collect();
    play(&mut scene, &plans, &mut random);
    let mut calm = Scene::new();
    let mut fair = Random::new(0);
    open(&mut calm, 8, &mut fair);
    play(&mut calm, &plans, &mut fair);
    for way in Way::ALL {
        let (due_to, due_from, in_flight) = scene.dues_of(way);
        assert_eq!(due_to, due_from + in_flight);
        assert_eq!(scene.dues_of(way), calm.dues_of(way), "seed {seed}");
    }
    for plan in &plans {
        let id = plan.trade(&scene.importer(plan.way).site.id);
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
