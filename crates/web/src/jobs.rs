//! What has to happen because time has passed: nobody sends a command for it, so the hub does.

use std::time::Duration;

use hub::Unavailable;
use trade::commands::Command;
use trade::dispute::PassDispute;
use trade::escrow::EndClaimWindow;
use trade::order::LapseOrder;
use trade::payment::{PARKED_FOR, ReturnParked};
use trade::returns::PassReturn;
use trade::time::Days;

use crate::AppState;

/// How often it is looked for what has become due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// One look takes at most so many of each kind; the next goes on where it ended.
const AT_ONCE: i64 = 500;

/// Runs until the hub is closed, and works on the node that decides.
pub async fn run(app: AppState) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !app.hub.decides() {
            continue;
        }
        let due = due(&app).await.unwrap_or_default();
        let kinds: Vec<&str> = due.iter().map(Command::kind).collect();
        let answers = app.hub.submit_all(due).await;
        for (kind, answer) in kinds.iter().zip(&answers) {
            let outcome = match answer {
                Ok(Ok(_)) => "done",
                Ok(Err(_)) => "refused",
                Err(_) => "unavailable",
            };
            app.jobs.add([kind, outcome], 1);
        }
        for answer in answers {
            // A refusal says that it was not yet time, or that somebody was quicker: both are fine.
            if let Err(unavailable) = answer {
                // What waits for a witness or for the bank is found again at the next look.
                if waits(&unavailable) {
                    continue;
                }
                tracing::warn!(why = ?unavailable, "what is due has to wait");
                break;
            }
        }
    }
}

const fn waits(unavailable: &Unavailable) -> bool {
    matches!(unavailable, Unavailable::ReadsOnly | Unavailable::WitnessesSilent { .. } | Unavailable::BankUnchecked)
}

async fn due(app: &AppState) -> Result<Vec<Command>, hub::db::StoreError> {
    let now = app.hub.business_now().await?;
    let before = |days: Days| now.plus_days(Days(-days.0));
    let window = app.site().rulebook().map_or(Days(14), |book| book.shortest_claim_window());
    let mut due: Vec<Command> = Vec::new();
    for trade in app.hub.claim_windows(before(window), AT_ONCE).await? {
        due.push(EndClaimWindow { trade }.into());
    }
    for trade in app.hub.unpaid_orders(now, AT_ONCE).await? {
        due.push(LapseOrder { trade }.into());
    }
    for trade in app.hub.unpaid_balances(now, AT_ONCE).await? {
        due.push(LapseOrder { trade }.into());
    }
    for trade in app.hub.parked_payments(before(PARKED_FOR), AT_ONCE).await? {
        due.push(ReturnParked { trade }.into());
    }
    for trade in app.hub.returns_due(now, AT_ONCE).await? {
        due.push(PassReturn { trade }.into());
    }
    for trade in app.hub.disputes_due(now, AT_ONCE).await? {
        due.push(PassDispute { trade }.into());
    }
    app.hub.erase_evidence(now).await?;
    due.extend(app.hub.access_digest_due().await?.map(Command::from));
    due.extend(app.hub.packs_due().await?.map(Command::from));
    Ok(due)
}
