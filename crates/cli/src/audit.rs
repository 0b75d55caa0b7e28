//! `ehub audit`: all balances recomputed from the transfers, stock from its movements, the log's root
//! from its leaves, and all looks held against the digests of the access log; compared with what is stored and signed.

use std::path::PathBuf;
use std::process::ExitCode;

use hub::access_log::AccessAudit;
use hub::db::StoreError;
use hub::sequencer::LogAudit;
use hub::{Hub, ledger};

use crate::directory::Directory;
use crate::{say, serve};

#[derive(clap::Args)]
pub struct Options {
    /// The hub's directory.
    #[arg(long)]
    dir: PathBuf,
    #[arg(long)]
    json: bool,
}

type Audits = (ledger::Audit, LogAudit, AccessAudit, Vec<String>);

async fn audits(hub: &Hub) -> Result<Audits, StoreError> {
    let (ledger, log) = (hub.audit_ledger().await?, hub.audit_log().await?);
    Ok((ledger, log, hub.audit_access().await?, hub.audit_stock().await?))
}

pub async fn run(options: &Options) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    let hub = match serve::open_to_look(&directory).await {
        Ok(hub) => hub,
        Err(failure) => return failure.say(),
    };
    let audits = audits(&hub).await;
    hub.close().await;
    let (ledger, log, access, stock) = match audits {
        Ok(audits) => audits,
        Err(e) => return say::failed("cli-hub-not-opened", &[("cause", e.to_string())]),
    };
    let sound = ledger.is_sound() && log.is_sound() && access.is_sound() && stock.is_empty();
    if options.json {
        println!(
            "{}",
            serde_json::json!({ "sound": sound, "ledger": ledger, "log": log, "access": access, "stock": stock })
        );
    } else {
        let word = if ledger.is_sound() { "cli-audit-sound" } else { "cli-audit-unsound" };
        say::out(word, &[("audit", format!("{ledger:?}"))]);
        let word = if log.is_sound() { "cli-audit-log-sound" } else { "cli-audit-log-unsound" };
        say::out(word, &[("events", log.events.to_string()), ("audit", format!("{log:?}"))]);
        let word = if access.is_sound() { "cli-audit-looks-sound" } else { "cli-audit-looks-differ" };
        let days = access.differ.iter().cloned().collect::<Vec<_>>().join(", ");
        let args = [("covered", access.covered.to_string()), ("digests", access.digests.to_string()), ("days", days)];
        say::out(word, &args);
        let word = if stock.is_empty() { "cli-audit-stock-sound" } else { "cli-audit-stock-differs" };
        say::out(word, &[("heaps", stock.join(", "))]);
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
