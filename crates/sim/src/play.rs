//! Plays plans through a scene, from the order to the payout.

mod claims;

use trade::ball::{Holder, ball};
use trade::clearance::{Clearance, DecideClearance, Decision};
use trade::clock::MoveClock;
use trade::command::Outcome;
use trade::custody::CustodyKind;
use trade::escrow::AcceptGoods;
use trade::order::LapseOrder;
use trade::payout::{ConfirmPayout, InstructPayouts, PayoutRef, PayoutState};
use trade::quote::Quote;
use trade::returns::CancelOrder;
use trade::time::Days;
use trade::trade_file::{Stage, TradeId};

use crate::generator::{Flaw, Pays, Plan, PlannedOutcome, buyers_in, firms_in, price_list_on};
use crate::memory::MemoryHub;
use crate::random::Random;
use crate::scene::{Scene, Way, party_id};

/// Buyers and the price list, told to the peer.
///
/// # Panics
/// If a registration or a product is refused.
pub fn open(scene: &mut Scene, buyer_count: u64, random: &mut Random) {
    for way in Way::ALL {
        let (exporter, importer) = scene.hubs(way);
        for buyer in buyers_in(buyer_count, way.to()).into_iter().chain(firms_in(buyer_count, way.to())) {
            importer.run(buyer).expect("well-formed");
        }
        for offer in price_list_on(way) {
            exporter.run(offer).expect("well-formed");
        }
    }
    scene.settle(random);
}

/// All steps of all plans, all plans at each step, with the road settled in between.
///
/// # Panics
/// If a step that must be taken is refused.
pub fn play(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    for phase in Phase::ALL {
        phase.play(scene, plans, random);
    }
}

/// The parts of a play, in their order; a part that is played again changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Order,
    Declare,
    Examine,
    Correct,
    ExamineAgain,
    Deliver,
    /// Sellers answer returns and disputes.
    Answer,
    /// What was refused is disputed; what was agreed is handed in.
    Dispute,
    /// Days pass; whoever was silent has agreed.
    Wait,
    /// What was agreed by silence is handed in; operators and customs decide.
    Decide,
    /// Goods go home.
    Home,
    PayOut,
}

impl Phase {
    pub const ALL: [Self; 12] = [
        Self::Order,
        Self::Declare,
        Self::Examine,
        Self::Correct,
        Self::ExamineAgain,
        Self::Deliver,
        Self::Answer,
        Self::Dispute,
        Self::Wait,
        Self::Decide,
        Self::Home,
        Self::PayOut,
    ];

    /// # Panics
    /// If a step that must be taken is refused.
    pub fn play(self, scene: &mut Scene, plans: &[Plan], random: &mut Random) {
        match self {
            Self::Order => order(scene, plans),
            Self::Declare => declare(scene, plans),
            Self::Examine | Self::ExamineAgain => officers(scene),
            Self::Correct => correct(scene, plans),
            Self::Deliver => deliver(scene, plans, random),
            Self::Answer => claims::answer(scene, plans),
            Self::Dispute => claims::dispute(scene, plans, random),
            Self::Wait => claims::wait(scene, plans, random),
            Self::Decide => claims::decide(scene, plans),
            Self::Home => claims::home(scene, plans, random),
            Self::PayOut => {
                lapse(scene, plans, random);
                [&mut scene.kul, &mut scene.hgh].into_iter().for_each(pay_out_on);
            }
        }
        scene.settle(random);
    }
}

fn order(scene: &mut Scene, plans: &[Plan]) {
    for plan in plans {
        let (exporter, hub) = scene.hubs(plan.way);
        let (exporter, importer) = (exporter.site.id.clone(), hub.site.id.clone());
        let quote: Quote = take(hub.run(plan.ask(&exporter)));
        let payments = plan.payments_for(&importer, &quote);
        let early = plan.flaw == Flaw::PaidEarly;
        if early {
            for payment in &payments {
                taken(&hub.run(payment.clone()));
            }
        }
        taken(&hub.run(plan.place(&importer)));
        if !early {
            for payment in &payments {
                taken(&hub.run(payment.clone()));
            }
        }
        if plan.outcome() == PlannedOutcome::Cancelled {
            let _ = hub.run(CancelOrder { trade: plan.trade(&importer), by: party_id(&plan.buyer) });
        }
    }
}

fn declare(scene: &mut Scene, plans: &[Plan]) {
    for plan in plans {
        let (exporter, hub) = scene.hubs(plan.way);
        let importer = hub.site.id.clone();
        let Some(quote) = hub.store.quotes.get(&plan.quote()).cloned() else { continue };
        let waybill = exporter.run(plan.waybills(&importer, quote.gross()).swap_remove(0));
        stands(&waybill);
        // What is not paid is not shipped: the refusal is right.
        let _ = exporter.run(plan.declarations(&importer, &quote).swap_remove(0));
    }
}

fn correct(scene: &mut Scene, plans: &[Plan]) {
    for plan in plans {
        let (exporter, hub) = scene.hubs(plan.way);
        let importer = hub.site.id.clone();
        let Some(quote) = hub.store.quotes.get(&plan.quote()).cloned() else { continue };
        if let Some(correction) = plan.waybills(&importer, quote.gross()).into_iter().nth(1) {
            stands(&exporter.run(correction));
        }
        if let Some(correction) = plan.declarations(&importer, &quote).into_iter().nth(1) {
            stands(&exporter.run(correction));
        }
    }
}

/// Taken, or refused because it was done before and the trade has gone on.
fn stands(outcome: &Outcome) {
    if let Err(problem) = outcome {
        let gone_on = ["waybill-stands", "already-released", "trade-closed"];
        assert!(gone_on.contains(&problem.code.as_str()), "refused: {problem:?}");
    }
}

fn deliver(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    for (kind, next) in [(CustodyKind::HandedOver, false), (CustodyKind::Departed, true)] {
        for plan in plans {
            let trade = plan.trade(&scene.importer(plan.way).site.id);
            let _ = scene.scan(&trade, kind);
        }
        if next {
            scene.settle(random);
        }
    }
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        for plan in plans {
            if plan.flaw == Flaw::Undeliverable && kind == CustodyKind::Delivered {
                continue;
            }
            // Held parcels do not leave customs: the refusal is right.
            let trade = plan.trade(&scene.importer(plan.way).site.id);
            let _ = scene.scan(&trade, kind);
        }
    }
    for plan in plans.iter().filter(|p| p.is_accepted()) {
        let (_, hub) = scene.hubs(plan.way);
        let trade = plan.trade(&hub.site.id);
        let _ = hub.run(AcceptGoods { trade, by: party_id(&plan.buyer) });
    }
    for plan in plans {
        claims::begin(scene, plan);
    }
}

/// Balances that did not come in time: the orders come to nothing.
fn lapse(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    let late: Vec<&Plan> = plans.iter().filter(|p| p.pays == Pays::DepositOnly).collect();
    if late.is_empty() {
        return;
    }
    let later = scene.hgh.now.plus_days(Days(31));
    taken(&scene.hgh.run(MoveClock { to: later }));
    scene.settle(random);
    for plan in late {
        let (_, hub) = scene.hubs(plan.way);
        let trade = plan.trade(&hub.site.id);
        taken(&hub.run(LapseOrder { trade }));
    }
    scene.settle(random);
}

/// Officers release what is examined.
fn officers(scene: &mut Scene) {
    for hub in [&mut scene.kul, &mut scene.hgh] {
        let examined: Vec<TradeId> = hub
            .store
            .trades
            .values()
            .filter(|f| matches!(f.clearance, Clearance::Examining { .. }))
            .map(|f| f.id.clone())
            .collect();
        for trade in examined {
            let by = party_id("officer");
            let decision = Decision::Release;
            taken(&hub.run(DecideClearance { trade, by, decision, reason: "seen".to_owned() }));
        }
    }
}

/// Every due payout goes out and is confirmed by the bank.
fn pay_out_on(hub: &mut MemoryHub) {
    let due: Vec<_> = hub
        .store
        .trades
        .values()
        .flat_map(|f| f.payouts.iter().map(|p| (f.id.clone(), p.clone())))
        .filter(|(_, p)| !matches!(p.state, PayoutState::Done { .. }))
        .collect();
    for (trade, payout) in due {
        // A file of its own: the digits of the id are as many as a file's number may have.
        let file = payout.id.text().trim_start_matches("pay_").parse().expect("letters and digits");
        let payouts = vec![PayoutRef { trade: trade.clone(), payout: payout.id }];
        taken(&hub.run(InstructPayouts { file, payouts }));
        let bank_reference = "B-1".to_owned();
        taken(&hub.run(ConfirmPayout { trade, payout: payout.id, amount: payout.amount, bank_reference }));
    }
}

/// Whether nobody holds a ball any more, but for what is held and what was never paid.
#[must_use]
pub fn is_at_rest(hub: &MemoryHub) -> bool {
    hub.store.trades.values().all(|f| {
        let holder = ball(f).holder;
        holder == Holder::Nobody || matches!(f.stage(), Stage::AwaitingPayment | Stage::ImportHeld)
    })
}

fn taken(outcome: &Outcome) -> &serde_json::Value {
    match outcome {
        Ok(answer) => answer,
        Err(problem) => panic!("refused: {problem:?}"),
    }
}

fn take<T: serde::de::DeserializeOwned>(outcome: Outcome) -> T {
    serde_json::from_value(taken(&outcome).clone()).expect("the answer is of this type")
}
