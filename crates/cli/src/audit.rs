//! `ehub audit`: all balances recomputed from the transfers, compared with what is stored.

use std::path::PathBuf;
use std::process::ExitCode;

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

pub async fn run(options: &Options) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    let hub = match serve::open(&directory).await {
        Ok(hub) => hub,
        Err(failure) => return failure.say(),
    };
    let audit = hub.audit_ledger().await;
    hub.close().await;
    match audit {
        Ok(audit) => {
            if options.json {
                println!("{}", serde_json::to_string(&audit).unwrap_or_default());
            }
            let sound = audit.is_sound();
            if !options.json {
                say::out(
                    if sound { "cli-audit-sound" } else { "cli-audit-unsound" },
                    &[("audit", format!("{audit:?}"))],
                );
            }
            if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(e) => say::failed("cli-hub-not-opened", &[("cause", e.to_string())]),
    }
}
