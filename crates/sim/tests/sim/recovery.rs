//! A hub is put back to an old copy in the middle of its trades, and all come to their planned ends.

use sim::generator::{Generator, Pays, Plan};
use sim::memory::MemoryHub;
use sim::play::{Phase, is_at_rest, open};
use sim::random::Random;
use sim::scene::{Scene, Way};
use trade::ledger::{Account, Balance, Purpose};
use trade::money::Currency;
use trade::payout::{ConfirmPayout, PayoutState};
use trade::trade_file::Side;

/// What the bank has executed, in the words of its notices.
fn debits(hub: &MemoryHub) -> Vec<ConfirmPayout> {
    let done = hub.store.trades.values().flat_map(|f| f.payouts.iter().map(|p| (f.id.clone(), p.clone())));
    done.filter_map(|(trade, payout)| match payout.state {
        PayoutState::Done { bank_reference, .. } => {
            Some(ConfirmPayout { trade, payout: payout.id, amount: payout.amount, bank_reference })
        }
        _ => None,
    })
    .collect()
}

/// Accounts that money has moved through, with what moved; what is only held shows in both halves.
fn balances(hub: &MemoryHub) -> Vec<(Account, Balance)> {
    hub.store.balances.iter().filter(|(_, b)| **b != Balance::default()).map(|(a, b)| (a.clone(), *b)).collect()
}

/// All phases without a loss: how it must end.
fn calm(plans: &[Plan]) -> Scene {
    let (mut scene, mut random) = (Scene::new(), Random::new(1));
    open(&mut scene, 12, &mut random);
    Phase::ALL.into_iter().for_each(|phase| phase.play(&mut scene, plans, &mut random));
    scene
}

/// Plays until after `lost_after`, with a copy made after `copied_after` (before all, if none), puts
/// the copy back, and goes on: people and the bank do again what was lost.
fn with_a_loss(plans: &[Plan], side: Side, copied_after: Option<Phase>, lost_after: Phase) -> Scene {
    let (mut scene, mut random) = (Scene::new(), Random::new(1));
    open(&mut scene, 12, &mut random);
    let hub = |scene: &Scene| if side == Side::Import { scene.hgh.clone() } else { scene.kul.clone() };
    let mut copy = hub(&scene);
    for phase in Phase::ALL.into_iter().filter(|phase| *phase <= lost_after) {
        phase.play(&mut scene, plans, &mut random);
        if Some(phase) == copied_after {
            copy = hub(&scene);
        }
    }
    let executed = debits(&hub(&scene));
    scene.restore(side, copy);
    // On the way on which the hub that was put back is the importing one, it owes what it told at once.
    let way = if side == Side::Import { Way::MyCn } else { Way::CnMy };
    let (due_to, due_from, in_flight) = scene.dues_of(way);
    assert_eq!(due_to, due_from + in_flight);
    scene.settle(&mut random);
    for way in Way::ALL {
        let (due_to, due_from, _) = scene.dues_of(way);
        assert_eq!(due_to, due_from, "what was told is booked again on both sides");
    }
    let again = Phase::ALL.into_iter().filter(|phase| Some(*phase) > copied_after && *phase != Phase::PayOut);
    for phase in again {
        phase.play(&mut scene, plans, &mut random);
    }
    // The bank's notices come again before anything is paid out.
    for notice in executed {
        let hub = if side == Side::Import { &mut scene.hgh } else { &mut scene.kul };
        hub.run(notice).expect("what the bank has executed is known under its number");
    }
    Phase::PayOut.play(&mut scene, plans, &mut random);
    scene
}

#[test]
fn whenever_a_hub_is_put_back_every_trade_comes_to_its_planned_end_and_nobody_is_paid_twice() {
    let plans: Vec<Plan> = Generator::new(7, 12, 3).take(48).collect();
    let calm = calm(&plans);
    for side in [Side::Import, Side::Export] {
        for copied_after in [None].into_iter().chain(Phase::ALL.into_iter().map(Some)) {
            for lost_after in Phase::ALL.into_iter().filter(|phase| Some(*phase) > copied_after) {
                let case = format!("{side:?} copied after {copied_after:?}, lost after {lost_after:?}");
                let scene = with_a_loss(&plans, side, copied_after, lost_after);
                for plan in &plans {
                    let file = &scene.hgh.store.trades[&plan.trade(&scene.hgh.site.id)];
                    assert!(plan.is_fulfilled_by(file), "{case}: {plan:?}\n{file:?}");
                }
                assert!(is_at_rest(&scene.hgh), "{case}");
                assert_eq!(scene.dues(), calm.dues(), "{case}");
                for (hub, expected) in [(&scene.hgh, &calm.hgh), (&scene.kul, &calm.kul)] {
                    assert!(hub.imbalance().values().all(|sum| *sum == 0), "{case}");
                    assert_eq!(net(hub), net(expected), "{case}");
                }
            }
        }
    }
}

#[test]
fn a_hub_that_imports_and_exports_comes_back_with_deposits_and_balances() {
    let plans: Vec<Plan> = Generator::both_ways(19, 12, 4).take(32).collect();
    for pays in [Pays::InTwo, Pays::DepositOnly] {
        assert!(plans.iter().any(|p| p.pays == pays), "{pays:?}");
    }
    let calm = calm(&plans);
    for side in [Side::Import, Side::Export] {
        for copied_after in [None, Some(Phase::Order), Some(Phase::Examine), Some(Phase::Deliver)] {
            for lost_after in [Phase::Order, Phase::ExamineAgain, Phase::Deliver, Phase::PayOut] {
                if Some(lost_after) <= copied_after {
                    continue;
                }
                let case = format!("{side:?} copied after {copied_after:?}, lost after {lost_after:?}");
                let scene = with_a_loss(&plans, side, copied_after, lost_after);
                for plan in &plans {
                    let hub = scene.importer(plan.way);
                    let file = &hub.store.trades[&plan.trade(&hub.site.id)];
                    assert!(plan.is_fulfilled_by(file), "{case}: {plan:?}\n{file:?}");
                }
                for (hub, expected) in [(&scene.hgh, &calm.hgh), (&scene.kul, &calm.kul)] {
                    assert!(is_at_rest(hub), "{case}");
                    assert!(hub.imbalance().values().all(|sum| *sum == 0), "{case}");
                    assert_eq!(net(hub), net(expected), "{case}");
                }
            }
        }
    }
}

/// What each account holds or owes in the end. How it came there may differ: a payment that was parked
/// and then applied is booked again as applied.
fn net(hub: &MemoryHub) -> Vec<(Account, i64, i64)> {
    let net = |b: Balance| (b.owed(), b.pending_debit - b.pending_credit);
    balances(hub)
        .into_iter()
        .map(|(account, b)| (account, net(b).0, net(b).1))
        .filter(|(_, owed, pending)| (*owed, *pending) != (0, 0))
        .collect()
}

#[test]
fn a_recalled_payment_is_not_taken_for_a_second_one() {
    let plans: Vec<Plan> = Generator::new(3, 12, 0).take(4).collect();
    let scene = with_a_loss(&plans, Side::Import, None, Phase::Declare);
    // Each total came in once: the bank holds what escrow paid out less what went on to nobody yet.
    let bank = Account::own(Purpose::Bank, Currency::CNY);
    let totals: i64 = scene.hgh.store.quotes.values().map(|q| q.landed.total.minor()).sum();
    assert_eq!(scene.hgh.store.balances[&bank].debit, totals);
}
