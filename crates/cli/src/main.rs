//! `ehub`: one binary for a hub, its operator, and anybody who wants to check what it says.

mod audit;
mod backup;
mod bench;
mod classify;
mod demo;
mod directory;
mod doctor;
mod generate;
mod log;
mod recover;
mod replay;
mod rulebook;
mod say;
mod serve;
mod tariff;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use trade::card::Mode;
use trade::codes::{Country, HubId};

use crate::directory::{Config, Directory};

/// A hub under load takes and frees millions of small things a second; the system's allocator takes
/// a fifth of the time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A trade hub that any operator can run.
#[derive(Parser)]
#[command(name = "ehub", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Two sandbox hubs and a road on this machine, with the sample trade.
    Demo(demo::Options),
    /// Make a hub in a directory: configuration and secrets.
    Init(InitOptions),
    /// Serve the hub of a directory.
    Serve(serve::Options),
    /// Which HS codes a description speaks for, offline; with one question where two are close.
    Classify(classify::Options),
    /// Check a trade-file bundle offline.
    Verify(verify::Options),
    /// Look whether all is well with a hub, running or not, and what to do where it is not.
    Doctor(doctor::Options),
    /// Write a consistent copy of a hub, which may be running, to a new file.
    Backup(backup::BackupOptions),
    /// Put a copy back; the hub must not be running.
    Restore(backup::RestoreOptions),
    /// Ask the peers of a hub that is not running what they saw of its log, and declare a loss.
    Recover(recover::Options),
    /// Recompute balances, the log's root and the access log's digests of a hub.
    Audit(audit::Options),
    /// Rule packs: check them, and say what changes.
    Rules(rulebook::Options),
    /// The wind tunnel: past trades, or sample trades, under a draft of the rules.
    Replay(replay::Options),
    /// Tables of duties: into a pack, and against declarations.
    Tariff(tariff::Options),
    /// Past trades of an invented economy, one JSON object a line: the same for the same seed.
    Generate(generate::Options),
    /// Measure how fast lists are cleared and quotes are given.
    Bench(bench::Options),
}

#[derive(clap::Args)]
struct InitOptions {
    /// Where the hub will live.
    #[arg(long)]
    dir: PathBuf,
    /// The hub's id, such as `kul.example`; never changed.
    #[arg(long)]
    id: String,
    #[arg(long)]
    name: String,
    /// ISO 3166 code of the customs territory, such as MY.
    #[arg(long)]
    territory: String,
    /// A hub for real trade; without it, a sandbox. Never changed.
    #[arg(long)]
    production: bool,
    /// Where people and peers reach the hub.
    #[arg(long)]
    url: String,
    /// Where the process listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// The licensed firm that holds the money.
    #[arg(long)]
    bank_firm: String,
    /// The hub's account there.
    #[arg(long)]
    bank_account: String,
    /// A PostgreSQL URL; without one, the data is kept in the directory.
    #[arg(long)]
    store: Option<String>,
    /// Where machines that watch the hub read its numbers (Prometheus); none without it.
    #[arg(long)]
    metrics: Option<String>,
    /// Sandbox: accept hubs that ask to join without looking at their keys.
    #[arg(long, conflicts_with = "production")]
    accept_peers: bool,
    /// Folders of rule packs to pin at once; without it, the hub goes by those of the program.
    #[arg(long)]
    rules: Option<PathBuf>,
    /// A public key whose signatures under rule packs count; may be given several times.
    #[arg(long)]
    trust: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => return say::failed("cli-no-runtime", &[("cause", e.to_string())]),
    };
    runtime.block_on(async {
        match cli.command {
            Command::Demo(options) => demo::run(options).await,
            Command::Init(options) => init(options),
            Command::Serve(options) => serve::run(options).await,
            Command::Classify(options) => classify::run(&options),
            Command::Verify(options) => verify::run(&options),
            Command::Doctor(options) => doctor::run(&options).await,
            Command::Backup(options) => backup::backup(&options).await,
            Command::Restore(options) => backup::restore(&options).await,
            Command::Recover(options) => recover::run(&options).await,
            Command::Audit(options) => audit::run(&options).await,
            Command::Rules(options) => rulebook::run(&options).await,
            Command::Replay(options) => replay::run(options).await,
            Command::Tariff(options) => tariff::run(&options),
            Command::Generate(options) => generate::run(&options),
            Command::Bench(options) => bench::run(options).await,
        }
    })
}

fn init(options: InitOptions) -> ExitCode {
    let id: HubId = match options.id.parse() {
        Ok(id) => id,
        Err(e) => return say::failed("cli-bad-hub-id", &[("got", format!("{e}"))]),
    };
    let territory: Country = match options.territory.parse() {
        Ok(territory) => territory,
        Err(e) => return say::failed("cli-bad-territory", &[("got", format!("{e}"))]),
    };
    let config = Config {
        id,
        name: options.name,
        territory,
        mode: if options.production { Mode::Production } else { Mode::Sandbox },
        url: options.url.trim_end_matches('/').to_owned(),
        listen: options.listen,
        node_url: None,
        bank_firm: options.bank_firm,
        bank_account: options.bank_account,
        store: options.store,
        made: serve::now_micros(),
        accepted_rules: std::collections::BTreeSet::new(),
        metrics: options.metrics,
        accept_peers: options.accept_peers,
    };
    let ready = match rulebook::pin::ready(config.mode, options.rules.as_ref(), &options.trust) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    match Directory::init(&options.dir, &config, serve::random) {
        Ok(made) => {
            if let Some(ready) = &ready
                && let Err(code) = rulebook::pin::keep_in(&made, ready)
            {
                return code;
            }
            say::out(
                "cli-init-done",
                &[("hub", made.config.id.to_string()), ("dir", options.dir.display().to_string())],
            );
            ExitCode::SUCCESS
        }
        Err(e) => say::directory(&e),
    }
}
