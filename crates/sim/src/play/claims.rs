//! The parts of a play in which goods go back, and disputes are opened, answered and decided. What comes
//! again in a part that is played again is refused: it was done.

use trade::clock::MoveClock;
use trade::custody::CustodyKind;
use trade::dispute::PassDispute;
use trade::escrow::EndClaimWindow;
use trade::quantity::Grams;
use trade::quote::Quote;
use trade::returns::{ExamineReturn, PassReturn, ReturnReason, SendBack};
use trade::time::{BusinessTime, Days};

use super::taken;
use crate::generator::{Flaw, Plan};
use crate::random::Random;
use crate::scene::{START, Scene, party_id};

/// Whoever has the goods, or misses them, says that something is wrong.
pub(super) fn begin(scene: &mut Scene, plan: &Plan) {
    let (_, importer) = scene.hubs(plan.way);
    let id = importer.site.id.clone();
    let trade = plan.trade(&id);
    let back = |by: &str, reason, said: &str| SendBack {
        trade: trade.clone(),
        by: party_id(by),
        reason,
        said: said.to_owned(),
    };
    let _ = match plan.flaw {
        Flaw::Undeliverable => importer.run(back("carrier", ReturnReason::Undeliverable, "nobody there")),
        Flaw::SentBack => importer.run(back("officer", ReturnReason::SentBack, "too heavy")),
        _ => match (plan.ask_return(&id), plan.dispute(&id)) {
            (Some(ask), _) => importer.run(ask),
            (None, Some(dispute)) => importer.run(dispute),
            (None, None) => return,
        },
    };
}

pub(super) fn answer(scene: &mut Scene, plans: &[Plan]) {
    for plan in plans {
        let (exporter, importer) = scene.hubs(plan.way);
        let id = &importer.site.id;
        if let Some(answer) = plan.answer_return(id) {
            let _ = exporter.run(answer);
        } else if let Some(answer) = plan.answer_dispute(id) {
            let _ = exporter.run(answer);
        }
    }
}

pub(super) fn dispute(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    for plan in plans.iter().filter(|p| matches!(p.flaw, Flaw::Disputes { after_return: true, .. })) {
        let (_, importer) = scene.hubs(plan.way);
        let dispute = plan.dispute(&importer.site.id);
        let _ = dispute.map(|dispute| importer.run(dispute));
    }
    hand_in(scene, plans);
    scene.settle(random);
    for plan in plans {
        let (exporter, importer) = scene.hubs(plan.way);
        let _ = plan.answer_dispute(&importer.site.id).map(|answer| exporter.run(answer));
    }
}

/// What was agreed goes to the carrier, and to customs.
fn hand_in(scene: &mut Scene, plans: &[Plan]) {
    for plan in plans.iter().filter(|p| matches!(p.flaw, Flaw::Returns { .. } | Flaw::Undeliverable)) {
        let (_, importer) = scene.hubs(plan.way);
        let trade = plan.trade(&importer.site.id);
        let gross = importer.store.quotes.get(&plan.quote()).map_or(Grams(1), Quote::gross);
        let parcel = plan.return_waybill(&importer.site.id, gross);
        let _ = importer.run(parcel);
        let _ = scene.scan(&trade, CustodyKind::HandedBack);
        let _ = scene.scan(&trade, CustodyKind::BackAtCustoms);
    }
}

/// The day on which all windows and deadlines that begin on the first day have ended.
const LATER: BusinessTime = START.plus_days(Days(15));

pub(super) fn wait(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    if scene.hgh.now < LATER {
        taken(&scene.hgh.run(MoveClock { to: LATER }));
    }
    // The other hub follows before its own windows are looked at.
    scene.settle(random);
    for plan in plans {
        let (_, importer) = scene.hubs(plan.way);
        let trade = plan.trade(&importer.site.id);
        let _ = match plan.flaw {
            Flaw::Silent => importer.run(EndClaimWindow { trade }),
            Flaw::Returns { silent: true, .. } => importer.run(PassReturn { trade }),
            Flaw::Disputes { ruling: None, .. } => importer.run(PassDispute { trade }),
            _ => continue,
        };
    }
}

pub(super) fn decide(scene: &mut Scene, plans: &[Plan]) {
    hand_in(scene, plans);
    for plan in plans {
        let (_, importer) = scene.hubs(plan.way);
        let id = importer.site.id.clone();
        let (trade, by, said) = (plan.trade(&id), party_id("officer"), String::new());
        let _ = importer.run(ExamineReturn { trade, by, grants: true, said });
        let quote = importer.store.quotes.get(&plan.quote()).cloned();
        let _ = quote.and_then(|quote| plan.ruling(&id, &quote)).map(|ruling| importer.run(ruling));
    }
}

pub(super) fn home(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    for plan in plans {
        let trade = plan.trade(&scene.importer(plan.way).site.id);
        let _ = scene.scan(&trade, CustodyKind::SentHome);
    }
    scene.settle(random);
    for plan in plans {
        let trade = plan.trade(&scene.importer(plan.way).site.id);
        let _ = scene.scan(&trade, CustodyKind::BackHome);
        let (by, said) = (party_id("officer"), "as it left".to_owned());
        let (exporter, _) = scene.hubs(plan.way);
        let _ = exporter.run(ExamineReturn { trade: trade.clone(), by, grants: true, said });
        let _ = scene.scan(&trade, CustodyKind::BackWithSeller);
    }
}
