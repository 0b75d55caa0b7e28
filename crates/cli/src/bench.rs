//! `ehub bench`: how fast, on which machine, with how much held, and how durable.
//!
//! One harness for all benches: each prints one JSON object a line with `--json`, or a readable line.

mod classify;
mod clear;
mod generate;
mod quote;
mod replay;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hub::db::Store;
use serde::{Serialize, Serializer};

use crate::say;

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(clap::Subcommand)]
enum Bench {
    /// Lists cleared a second: order, payment, waybill and declaration, each arriving by itself.
    Clear(clear::Options),
    /// Quote lines a second on one core.
    Quote(quote::Options),
    /// Descriptions classified a second on one core.
    Classify(classify::Options),
    /// Past trades made a second on one core, of firms of many sizes into all markets.
    Generate(generate::Options),
    /// Past trades a second through the wind tunnel, on every core.
    Replay(replay::Options),
}

pub async fn run(options: Options) -> ExitCode {
    let figures = match options.bench {
        Bench::Clear(options) => clear::run(options).await,
        Bench::Quote(options) => quote::run(&options).await,
        Bench::Classify(options) => classify::run(&options),
        Bench::Generate(options) => generate::run(&options),
        Bench::Replay(options) => replay::run(&options),
    };
    match figures {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => say::failed("cli-bench-failed", &[("cause", cause)]),
    }
}

/// What a bench found.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub bench: &'static str,
    pub engine: String,
    /// Lists (or quotes) held before the measured ones came.
    pub held: u64,
    pub measured: u64,
    pub rate_per_s: u64,
    pub p50_ms: Millis,
    pub p99_ms: Millis,
    /// CPU time of this process for each; a database server's own time is not in it.
    pub cpu_us_each: u64,
    pub durable: &'static str,
    pub machine: String,
}

/// A time in milliseconds, to the microsecond: a number in JSON.
#[derive(Clone, Copy, Debug)]
pub struct Millis(pub Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03}", micros / 1000, micros % 1000)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // An hour fits, and its thousandth has a short form.
        let micros = u32::try_from(self.0.as_micros()).unwrap_or(u32::MAX);
        serializer.serialize_f64(f64::from(micros) / 1e3)
    }
}

impl Figures {
    pub fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::to_string(self).unwrap_or_default());
            return;
        }
        let args = [
            ("bench", self.bench.to_owned()),
            ("engine", self.engine.clone()),
            ("held", self.held.to_string()),
            ("rate", self.rate_per_s.to_string()),
            ("p50", self.p50_ms.to_string()),
            ("p99", self.p99_ms.to_string()),
            ("cpu", self.cpu_us_each.to_string()),
            ("durable", self.durable.to_owned()),
            ("machine", self.machine.clone()),
        ];
        say::out("cli-bench-line", &args);
    }
}

/// Measures a stretch of work: its time, its CPU time, the latency of its parts.
pub struct Meter {
    began: Instant,
    cpu: Duration,
}

impl Meter {
    pub fn start() -> Self {
        Self { began: instant(), cpu: cpu_time() }
    }

    /// The figures of `count` things done since the start.
    pub fn stop(self, bench: &'static str, engine: &str, held: u64, count: u64, mut parts: Vec<Duration>) -> Figures {
        let took = self.began.elapsed();
        let cpu = cpu_time().saturating_sub(self.cpu);
        parts.sort_unstable();
        let at = |per_mille: usize| {
            let place = (parts.len() * per_mille / 1000).min(parts.len().saturating_sub(1));
            Millis(parts.get(place).copied().unwrap_or_default())
        };
        let micros = took.as_micros().max(1);
        let rate = u128::from(count) * 1_000_000 / micros;
        Figures {
            bench,
            engine: engine.to_owned(),
            held,
            measured: count,
            rate_per_s: u64::try_from(rate).unwrap_or(u64::MAX),
            p50_ms: at(500),
            p99_ms: at(990),
            cpu_us_each: u64::try_from(cpu.as_micros() / u128::from(count.max(1))).unwrap_or(u64::MAX),
            durable: if engine.starts_with("rules") { "nothing stored" } else { "answered after fsync" },
            machine: machine(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

/// User and system time of this process, in clock ticks of 10 ms (`/proc/self/stat`, fields 14 and 15).
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Bytes of memory that the process holds, where the system tells.
pub fn resident() -> u64 {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = told.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|l| l.strip_prefix("model name")).map_or("", |l| l.trim_start_matches([':', ' ', '\t']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} × {model}")
}

/// Where a bench keeps its hub: a new file, or an empty database of a server.
#[derive(clap::Args, Clone)]
pub struct Place {
    /// URL of an empty database on a server; without one, a new file.
    #[arg(long)]
    store: Option<String>,
    /// Where the file is made; must be on the disk that is to be measured.
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

impl Place {
    pub fn open(&self) -> Result<Store, String> {
        let dir = self.own();
        std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
        Ok(Store::new(dir.join("hub.db"), self.store.as_deref()))
    }

    /// Takes away what was measured on.
    pub fn clean(&self) {
        let _ = std::fs::remove_dir_all(self.own());
    }

    fn own(&self) -> PathBuf {
        self.dir.join(std::process::id().to_string())
    }
}
