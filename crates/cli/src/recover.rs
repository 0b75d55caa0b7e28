//! `ehub recover`: asks the peers of a hub that does not run what they saw of its log; with
//! `--declare` an operator declares the loss. The same is done on the operator's page of a running hub.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use hub::recovery::Standing;
use web::{AppState, Settings};

use crate::directory::Directory;
use crate::{say, serve};

#[derive(clap::Args)]
pub struct Options {
    /// The hub's directory.
    #[arg(long)]
    dir: PathBuf,
    /// Declare the loss, if there is one: opens the next epoch of the log. It cannot be undone.
    #[arg(long)]
    declare: bool,
    /// Who declares it: the id of a party that is the hub's operator.
    #[arg(long, default_value = "operator")]
    operator: String,
    #[arg(long)]
    json: bool,
}

pub async fn run(options: &Options) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    let _running = match directory.lock() {
        Ok(lock) => lock,
        Err(e) => return say::directory(&e),
    };
    let hub = match serve::open_asking(&directory).await {
        Ok(hub) => hub,
        Err(failure) => return failure.say(),
    };
    let url = directory.config.url.clone();
    let settings =
        Settings { url: url.clone(), local_url: url, payment_secret: directory.payment_secret, accepts_peers: false };
    let app = AppState::new(hub.clone(), settings);
    let http = web::client::client(|with| with);
    let looked = look(&app, &http).await;
    let standing = hub.standing();
    let declared = match &looked {
        Ok(()) if options.declare => Some(web::recovery::declare(&app, &http, &options.operator).await),
        _ => None,
    };
    hub.close().await;
    if options.json {
        println!("{}", web::recovery::brief(&standing));
    }
    if let Err(failure) = looked {
        return say::problem(&failure.problem);
    }
    match declared {
        Some(Ok(statement)) => {
            let args = [
                ("epoch", statement.epoch.0.to_string()),
                ("from", statement.lost_from.to_string()),
                ("to", statement.lost_to.saturating_sub(1).to_string()),
                ("dir", options.dir.display().to_string()),
            ];
            say::out("cli-recover-declared", &args);
            ExitCode::SUCCESS
        }
        Some(Err(failure)) => say::problem(&failure.problem),
        None if options.json => ExitCode::SUCCESS,
        None => tell(&standing),
    }
}

/// Asks, and once more where something was recalled first.
async fn look(app: &AppState, http: &reqwest::Client) -> web::problem::Answer<()> {
    let mut said = BTreeMap::new();
    web::recovery::look(app, http, &mut said).await?;
    match app.hub.standing() {
        Standing::Asking { .. } => web::recovery::look(app, http, &mut said).await,
        _ => Ok(()),
    }
}

fn tell(standing: &Standing) -> ExitCode {
    match standing {
        Standing::Sound => say::out("cli-recover-sound", &[]),
        Standing::Asking { silent, .. } => {
            let peers = silent.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return say::failed("cli-recover-silent", &[("peers", peers)]);
        }
        Standing::Behind(loss) => {
            let args =
                [("peer", loss.by.to_string()), ("seen", loss.seen.to_string()), ("kept", loss.kept.to_string())];
            return say::failed("cli-recover-behind", &args);
        }
        Standing::Recalling { epoch } => say::out("cli-recover-recalling", &[("epoch", epoch.0.to_string())]),
        Standing::Forged { by, .. } => return say::failed("cli-recover-forged", &[("peer", by.to_string())]),
    }
    ExitCode::SUCCESS
}
