//! `ehub serve`: one hub in one process, until it is told to stop.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hub::clock::Clock;
use hub::db::Store;
use hub::schema::OpenError;
use hub::{Config, Hub, Limits, Node};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use trade::card::Mode;
use trade::checkpoint::Epoch;
use trade::party::Role;
use trade::site::Site;
use trade::time::{BusinessTime, WallTime};
use web::{AppState, Settings};

use crate::directory::{CastMember, Directory};
use crate::rulebook::pin::{self, Loaded};
use crate::rulebook::told_line;
use crate::{log, say};

#[derive(clap::Args)]
pub struct Options {
    /// The hub's directory, made by `ehub init`.
    #[arg(long)]
    dir: PathBuf,
    /// Ends when the process that started it ends, however that ends.
    #[arg(long, hide = true)]
    ends_with_parent: bool,
    /// Address of another hub to join, such as http://localhost:8080; may be given several times.
    #[arg(long)]
    join: Vec<String>,
    /// Folders of rule packs to go by in place of those in the hub's directory; pins hold for them too.
    #[arg(long)]
    rules: Option<PathBuf>,
    #[command(flatten)]
    log: log::Options,
}

/// Why a hub does not open.
pub enum Failure {
    Rules(Vec<String>),
    Open(OpenError),
}

impl Failure {
    pub fn say(&self) -> ExitCode {
        match self {
            Self::Rules(lines) => {
                lines.iter().for_each(say::fault);
                say::failed("cli-rules-broken", &[])
            }
            Self::Open(e) => say::failed("cli-hub-not-opened", &[("cause", e.to_string())]),
        }
    }
}

/// Opens the hub of a directory to do business: its lanes start, and it asks its witnesses first.
pub async fn open_asking(directory: &Directory) -> Result<Hub, Failure> {
    open_with(directory, None).await
}

/// As [`open_asking`], with the packs of another folder than its own.
async fn open_with(directory: &Directory, rules: Option<&Path>) -> Result<Hub, Failure> {
    Hub::open_asking(config(directory, rules)?).await.map_err(Failure::Open)
}

/// Opens the hub of a directory to look at it, whether it runs or not: nothing is decided or written.
pub async fn open_to_look(directory: &Directory) -> Result<Hub, Failure> {
    Hub::open_to_look(config(directory, None)?).await.map_err(Failure::Open)
}

fn config(directory: &Directory, rules: Option<&Path>) -> Result<Config, Failure> {
    let Loaded { books, changed } = pin::load(directory, rules).map_err(|refused| Failure::Rules(refused.lines()))?;
    let clock = Clock::system();
    let config = directory.config.site();
    // The card is as old as the hub or its pins, so that peers take it again only when it says something new.
    let issued = WallTime::from_micros(directory.config.made.max(changed));
    let site = Site::open(&config, &directory.secret, Arc::new(books), Epoch::FIRST, issued)
        .map_err(|fault| Failure::Rules(vec![told_line(&fault)]))?;
    let store = store(directory);
    let start = BusinessTime::from_micros(clock.now().micros());
    let listen = &directory.config.listen;
    let address = directory.config.node_url.clone().unwrap_or_else(|| format!("http://{listen}"));
    let node = Node { name: listen.clone(), address };
    Ok(Config { store, site: Arc::new(site), clock, start, node, limits: Limits::default() })
}

/// Where the hub keeps its data.
#[must_use]
pub fn store(directory: &Directory) -> Store {
    Store::new(directory.data(), directory.config.store.as_deref())
}

pub async fn run(options: Options) -> ExitCode {
    if options.ends_with_parent {
        let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    }
    log::begin(options.log);
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    let address: SocketAddr = match directory.config.listen.parse() {
        Ok(address) => address,
        Err(_) => return say::failed("cli-bad-listen", &[("got", directory.config.listen.clone())]),
    };
    let _running = match directory.lock() {
        Ok(lock) => lock,
        Err(e) => return say::directory(&e),
    };
    let listener = match std::net::TcpListener::bind(address).and_then(|l| l.set_nonblocking(true).map(|()| l)) {
        Ok(listener) => listener,
        Err(e) => {
            let args = [("address", address.to_string()), ("cause", e.to_string())];
            return say::failed("cli-cannot-listen", &args);
        }
    };
    // After a declared loss the hub is opened anew, in the next epoch of its log.
    loop {
        match serve(&directory, &listener, address, &options).await {
            Ok(Ended::Stopped) => return ExitCode::SUCCESS,
            Ok(Ended::NewEpoch) => {}
            Err(code) => return code,
        }
    }
}

/// Why a hub is no longer served.
enum Ended {
    Stopped,
    NewEpoch,
}

/// How long requests under way may take when a hub is opened anew.
const REOPEN_WITHIN: Duration = Duration::from_secs(3);

async fn serve(
    directory: &Directory,
    listener: &std::net::TcpListener,
    address: SocketAddr,
    options: &Options,
) -> Result<Ended, ExitCode> {
    let cannot = |e: std::io::Error| {
        let args = [("address", address.to_string()), ("cause", e.to_string())];
        say::failed("cli-cannot-listen", &args)
    };
    let listener = listener.try_clone().and_then(tokio::net::TcpListener::from_std).map_err(cannot)?;
    let hub = open_with(directory, options.rules.as_deref()).await.map_err(|failure| failure.say())?;
    // A quote names the pack that it rests on: that is kept before the first is given.
    hub.keep_packs().await.map_err(|e| say::failed("cli-hub-not-opened", &[("cause", e.to_string())]))?;
    let settings = Settings {
        url: directory.config.url.clone(),
        local_url: format!("http://{address}"),
        payment_secret: directory.payment_secret,
        accepts_peers: directory.config.accept_peers,
    };
    let http = web::client::client(|with| with);
    hub.forward_by(web::node::forward(Arc::clone(hub.site()), hub.clock().clone(), http.clone()));
    let app = AppState::new(hub.clone(), settings).with_samples(std::sync::Arc::new(sim::economy::Lender));
    let mut tasks = JoinSet::new();
    if directory.config.mode == Mode::Sandbox {
        cast(&app, directory).await?;
        tasks.spawn(web::cast::run(app.clone()));
    }
    tasks.spawn(web::recovery::run(app.clone(), http.clone()));
    tasks.spawn(web::pump::run(app.clone(), http.clone()));
    for url in &options.join {
        let url = url.trim_end_matches('/').to_owned();
        tasks.spawn(web::peer::join::join(app.clone(), http.clone(), url));
    }
    tasks.spawn(web::lookout::run(app.clone(), http));
    if let Some(at) = &directory.config.metrics {
        let listener = tokio::net::TcpListener::bind(at)
            .await
            .map_err(|e| say::failed("cli-cannot-listen", &[("address", at.clone()), ("cause", e.to_string())]))?;
        let numbers = web::metrics::listener(app.clone());
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, numbers).await {
                tracing::error!(%error, "the listener for metrics has ended");
            }
        });
    }
    tasks.spawn(web::jobs::run(app.clone()));
    tasks.spawn(web::webhook::send::run(app.clone()));
    // The wording is read before the first who asks for a code would wait for it.
    tasks.spawn_blocking(|| {
        trade::classification::builtin();
    });
    say::out("cli-serving", &[("hub", directory.config.id.to_string()), ("url", directory.config.url.clone())]);
    let ended = Arc::new(Notify::new());
    let graceful = ended.clone();
    let serving = axum::serve(listener, web::router(app.clone()))
        .with_graceful_shutdown(async move { graceful.notified().await })
        .into_future();
    tokio::pin!(serving);
    let ending = tokio::select! {
        served = &mut serving => Err(served),
        () = stopped() => Ok(Ended::Stopped),
        () = app.road.reopens() => Ok(Ended::NewEpoch),
    };
    ended.notify_one();
    let served = match &ending {
        Err(_) => Ok(Ok(())),
        Ok(Ended::Stopped) => Ok(serving.await),
        Ok(Ended::NewEpoch) => tokio::time::timeout(REOPEN_WITHIN, serving).await,
    };
    tasks.shutdown().await;
    hub.close().await;
    match (ending, served) {
        (Ok(ended), Ok(Ok(())) | Err(_)) => Ok(ended),
        (Ok(_), Ok(Err(e))) | (Err(Err(e)), _) => Err(say::failed("cli-serving-ended", &[("cause", e.to_string())])),
        (Err(Ok(())), _) => Ok(Ended::Stopped),
    }
}

/// Until Ctrl-C or SIGTERM.
async fn stopped() {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// The parties that a sandbox plays by itself; each with an API key, so that programs can play them.
async fn cast(app: &AppState, directory: &Directory) -> Result<(), ExitCode> {
    let known = directory.cast();
    if !known.is_empty() {
        return Ok(());
    }
    let mut members = Vec::new();
    for role in Role::ALL {
        match web::cast::member(app, role).await {
            Ok((party, api_key)) => {
                members.push(CastMember { role: role.code().to_owned(), party: party.to_string(), api_key });
            }
            Err(cause) => return Err(say::failed("cli-no-cast", &[("cause", cause)])),
        }
    }
    directory.save_cast(&members).map_err(|e| say::directory(&e))
}

/// The wall clock, for what is dated once.
#[must_use]
pub fn now_micros() -> i64 {
    Clock::system().now().micros()
}

/// Secrets come from the system's source of randomness.
pub fn random(bytes: &mut [u8; 32]) {
    getrandom::fill(bytes).expect("without randomness there are no secrets, and no hub");
}
