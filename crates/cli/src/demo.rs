//! `ehub demo`: two sandbox hubs in two processes, a road between them, and the sample trade.

mod api;
mod bank;
mod driver;
mod messages;
mod outcome;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::{Child, Command};
use trade::card::Mode;
use trade::codes::Country;

use self::api::{Api, ApiError};
use self::driver::{Actors, Counts, Driver, Progress, Stage};
use self::messages::{all_trades, text};
use self::outcome::OutcomeRow;
use self::script::Way;
use crate::directory::{Config, Directory};
use crate::{say, serve};

#[derive(clap::Args, Clone)]
pub struct Options {
    /// Where both hubs keep their data.
    #[arg(long, default_value = ".ehub")]
    dir: PathBuf,
    /// End when the sample trade is done.
    #[arg(long)]
    exit: bool,
    /// Print the summary as JSON, and nothing else.
    #[arg(long)]
    json: bool,
    /// Folders of rule packs that both hubs go by in place of those of the program.
    #[arg(long)]
    rules: Option<PathBuf>,
    #[arg(long, default_value_t = 8080)]
    kul_port: u16,
    #[arg(long, default_value_t = 8081)]
    hgh_port: u16,
}

/// A hub's process, started again when it dies.
struct Supervised {
    dir: PathBuf,
    rules: Option<PathBuf>,
    child: Child,
}

const OUTCOMES: &str = "outcomes.csv";
/// Written when the sample trade is through; the next start does not play it again.
const DONE: &str = "sample.done";

pub async fn run(options: Options) -> ExitCode {
    match play(&options).await {
        Ok(code) => code,
        Err(code) => code,
    }
}

async fn play(options: &Options) -> Result<ExitCode, ExitCode> {
    let began = now();
    let kul = hub(options, "kul", "Kuala Lumpur", Country::MY, options.kul_port)?;
    let hgh = hub(options, "hgh", "Hangzhou", Country::CN, options.hgh_port)?;
    let http = web::client::client(|with| with);
    let mut running = Vec::new();
    for directory in [&kul, &hgh] {
        running.push(start(&directory.path, options.rules.as_deref())?);
    }
    let stage = async {
        let kul = actors(&http, &kul).await?;
        let hgh_actors = actors(&http, &hgh).await?;
        introduce(&http, &kul, &hgh_actors).await?;
        Ok::<Stage, ApiError>(Stage { kul, hgh: hgh_actors })
    };
    let stage = tokio::select! {
        stage = stage => stage.map_err(|e| say::failed("demo-failed", &[("cause", e.to_string())]))?,
        code = watch(&mut running) => { stop(running).await; return Err(code); }
    };
    let played = !options.dir.join(DONE).exists();
    if played {
        let quiet = options.json;
        let progress = move |p: Progress| {
            if !quiet {
                say::out(p.step, &both_ways(&p.counts));
            }
        };
        let driver = Driver::new(stage.clone(), Box::new(progress));
        let rows = tokio::select! {
            rows = driver.run() => rows,
            code = watch(&mut running) => { stop(running).await; return Err(code); }
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(e) => {
                stop(running).await;
                return Err(say::failed("demo-failed", &[("cause", e.to_string())]));
            }
        };
        save(&options.dir, &rows).map_err(|e| say::failed("demo-failed", &[("cause", e.to_string())]))?;
    }
    let seconds = began.elapsed();
    match summary(options, &stage, played, seconds).await {
        Ok(summary) if options.json => println!("{summary}"),
        Ok(summary) => print_summary(options, &summary),
        Err(e) => {
            stop(running).await;
            return Err(say::failed("demo-failed", &[("cause", e.to_string())]));
        }
    }
    if !options.exit {
        say::out("demo-serving", &[("kul", options.kul_port.to_string()), ("hgh", options.hgh_port.to_string())]);
        let code = watch(&mut running).await;
        stop(running).await;
        return Ok(code);
    }
    stop(running).await;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "an entry point: how long the demo took")]
fn now() -> Instant {
    Instant::now()
}

fn hub(options: &Options, word: &str, name: &str, territory: Country, port: u16) -> Result<Directory, ExitCode> {
    let config = Config {
        id: format!("{word}.sandbox").parse().expect("well-formed"),
        name: name.to_owned(),
        territory,
        mode: Mode::Sandbox,
        url: format!("http://localhost:{port}"),
        listen: format!("127.0.0.1:{port}"),
        node_url: None,
        bank_firm: format!("Sandbox Bank {name}"),
        bank_account: "SANDBOX0001".to_owned(),
        store: None,
        made: serve::now_micros(),
        accepted_rules: BTreeSet::new(),
        metrics: None,
        accept_peers: true,
    };
    Directory::open_or_init(&options.dir.join(word), &config, serve::random).map_err(|e| say::directory(&e))
}

fn start(dir: &Path, rules: Option<&Path>) -> Result<Supervised, ExitCode> {
    let spawn = || {
        let program = std::env::current_exe()?;
        let log = fs::OpenOptions::new().create(true).append(true).open(dir.join("hub.log"))?;
        Command::new(program)
            .arg("serve")
            .arg("--dir")
            .arg(dir)
            .arg("--ends-with-parent")
            .args(rules.iter().flat_map(|rules| ["--rules".as_ref(), rules.as_os_str()]))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
    };
    let child = spawn().map_err(|e: std::io::Error| say::failed("demo-failed", &[("cause", e.to_string())]))?;
    Ok(Supervised { dir: dir.to_owned(), rules: rules.map(Path::to_owned), child })
}

/// A hub that died is started again, so that the run carries on; Ctrl-C or a hub that dies at once,
/// again and again, ends it.
async fn watch(running: &mut Vec<Supervised>) -> ExitCode {
    let mut deaths = 0;
    let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(e) => return say::failed("demo-failed", &[("cause", e.to_string())]),
    };
    loop {
        let died = {
            let [first, second] = running.as_mut_slice() else { return ExitCode::FAILURE };
            tokio::select! {
                _ = first.child.wait() => 0,
                _ = second.child.wait() => 1,
                _ = tokio::signal::ctrl_c() => return ExitCode::SUCCESS,
                _ = terminated.recv() => return ExitCode::SUCCESS,
            }
        };
        deaths += 1;
        let dir = running[died].dir.clone();
        let log = dir.join("hub.log").display().to_string();
        if deaths > 60 {
            return say::failed("demo-hub-dies", &[("log", log)]);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let rules = running[died].rules.clone();
        match start(&dir, rules.as_deref()) {
            Ok(again) => running[died] = again,
            Err(code) => return code,
        }
    }
}

/// Asks both to end, and waits until they have.
async fn stop(running: Vec<Supervised>) {
    for hub in &running {
        let pid = hub.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
    for mut hub in running {
        if tokio::time::timeout(Duration::from_secs(10), hub.child.wait()).await.is_err() {
            let _ = hub.child.kill().await;
        }
    }
}

/// The hub's cast, as soon as it is ready.
async fn actors(http: &reqwest::Client, directory: &Directory) -> Result<Actors, ApiError> {
    let base = format!("http://{}", directory.config.listen);
    let anybody = Api::new(http, &base, "");
    anybody.get("/readyz").await?;
    let cast: BTreeMap<String, String> = directory.cast().into_iter().map(|m| (m.role, m.api_key)).collect();
    let of = |role: &str| anybody.with_key(cast.get(role).map_or("", String::as_str));
    Ok(Actors {
        hub: directory.config.id.to_string(),
        operator: of("operator"),
        officer: of("officer"),
        carrier: of("carrier"),
        bank: of("bank"),
        agency: of("agency"),
        webhook_secret: directory.payment_secret.to_vec(),
    })
}

/// Two operators exchange cards and accept each other.
async fn introduce(http: &reqwest::Client, kul: &Actors, hgh: &Actors) -> Result<(), ApiError> {
    for (mine, theirs) in [(kul, hgh), (hgh, kul)] {
        let card = Api::new(http, theirs.operator.base(), "").get("/.well-known/ehub.json").await?;
        let body = json!({ "card": card, "url": theirs.operator.base() });
        mine.operator.post("/api/v1/peers", &body).await?;
    }
    Ok(())
}

/// What stands in a line of progress for each way: how many, and of how many where not all.
fn both_ways(counts: &Counts) -> [(&'static str, String); 2] {
    let told = |way: Way| match counts.get(&way).copied().unwrap_or_default() {
        (done, of) if done == of => done.to_string(),
        (done, of) => say::text("demo-done-of", &[("done", done.to_string()), ("of", of.to_string())]),
    };
    [("china", told(Way::MyCn)), ("malaysia", told(Way::CnMy))]
}

fn save(dir: &Path, rows: &[OutcomeRow]) -> std::io::Result<()> {
    let lines: Vec<String> = std::iter::once(OutcomeRow::header()).chain(rows.iter().map(OutcomeRow::line)).collect();
    fs::write(dir.join(OUTCOMES), lines.join("\n") + "\n")?;
    fs::write(dir.join(DONE), "")
}

/// All counts come from the hubs' own queries.
async fn summary(options: &Options, stage: &Stage, played: bool, took: Duration) -> Result<Value, ApiError> {
    let kul = stage.kul.operator.get("/api/v1/summary").await?;
    let hgh = stage.hgh.operator.get("/api/v1/summary").await?;
    let kul_audit = stage.kul.operator.get("/api/v1/audit").await?;
    let hgh_audit = stage.hgh.operator.get("/api/v1/audit").await?;
    let outcomes = options.dir.join(OUTCOMES);
    let mut ways = serde_json::Map::new();
    for way in Way::BOTH {
        ways.insert(way.code().to_owned(), json!(stages(stage, way).await?));
    }
    Ok(json!({ "played": played, "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "outcomes": outcomes, "ways": ways,
        "hubs": { "kul": kul, "hgh": hgh }, "audits": { "kul": kul_audit, "hgh": hgh_audit } }))
}

/// How far the orders of one way have come, as the hub counts them that imports.
async fn stages(stage: &Stage, way: Way) -> Result<BTreeMap<String, usize>, ApiError> {
    let importer = stage.importer(way);
    let ours = format!("{}:", importer.hub);
    let mut stages = BTreeMap::new();
    for row in all_trades(&importer.operator, "").await? {
        if text(&row, "id").starts_with(&ours) {
            *stages.entry(text(&row, "stage").to_owned()).or_default() += 1;
        }
    }
    Ok(stages)
}

fn print_refusals(hub: &str, summary: &Value) {
    let refusals = summary.pointer(&format!("/hubs/{hub}/refusals")).and_then(Value::as_array);
    let Some(refusals) = refusals.filter(|refusals| !refusals.is_empty()) else { return };
    say::out("demo-refused", &[("hub", hub.to_owned())]);
    for refusal in refusals {
        let word = |name: &str| refusal.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = refusal.get("count").map_or_else(|| "0".to_owned(), Value::to_string);
        let args = [
            ("count", count),
            ("reason", say::reader().reason(&word("code"))),
            ("command", word("command")),
            ("code", word("code")),
        ];
        println!("  {}", say::text("demo-refusal", &args));
    }
}

fn print_summary(options: &Options, summary: &Value) {
    let number = |pointer: &str| summary.pointer(pointer).map_or_else(|| "0".to_owned(), Value::to_string);
    for way in Way::BOTH {
        say::out(if way == Way::MyCn { "demo-what-happened-china" } else { "demo-what-happened-malaysia" }, &[]);
        let stages = summary.pointer(&format!("/ways/{}", way.code())).and_then(Value::as_object);
        for (stage, count) in stages.into_iter().flatten() {
            let args = [("stage", say::reader().by("stage", stage)), ("count", count.to_string())];
            println!("  {}", say::text("demo-stage", &args));
        }
    }
    for hub in ["kul", "hgh"] {
        let args = [
            ("hub", hub.to_owned()),
            ("events", number(&format!("/hubs/{hub}/events"))),
            ("sound", number(&format!("/audits/{hub}/sound"))),
        ];
        say::out("demo-hub", &args);
        print_refusals(hub, summary);
    }
    let seconds = summary.get("milliseconds").and_then(Value::as_u64).unwrap_or(0);
    say::out("demo-took", &[("seconds", format!("{}.{}", seconds / 1000, seconds % 1000 / 100))]);
    say::out("demo-outcomes", &[("path", options.dir.join(OUTCOMES).display().to_string())]);
}
