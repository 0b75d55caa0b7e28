//! `ehub replay`: the wind tunnel on the terminal, for any number of trades.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;
use serde_json::json;
use trade::codes::Country;
use trade::command::Problem;
use trade::replay::{
    Behind, Figure, Law, PastTrade, PastTrades, ReplayFault, Report, Sample, SampleTrades as _, WindTunnel, replay,
};
use trade::rulebook::{
    Pack, RuleChange, Rulebook, Rulebooks, Stance, amend, between_packs, builtin, facts, read_folder,
};
use web::i18n::Tr;
use web::replay::{FlightTold, Section, flight_told, told, upset_told};

use crate::directory::Directory;
use crate::rulebook::{folder, tell_errors};
use crate::{say, serve};

#[derive(clap::Args)]
pub struct Options {
    /// The draft: a file with what changes, or the folder of a whole pack. Without it, two days are compared.
    #[arg(long)]
    pack: Option<PathBuf>,
    /// Whose rules: the code of a territory, such as MY. A draft says it itself.
    #[arg(long)]
    territory: Option<String>,
    /// Every trade under the draft as of this day; without it, each on its own.
    #[arg(long)]
    on: Option<Date>,
    /// Every trade under today's rules as of this day.
    #[arg(long)]
    against_on: Option<Date>,
    /// How many sample trades.
    #[arg(long, default_value_t = 1_000_000)]
    trades: u64,
    /// The same seed gives the same sample.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The trades of the hub in this directory, in the place of a sample.
    #[arg(long, conflicts_with = "from")]
    dir: Option<PathBuf>,
    /// Trades from a file, one in each line as JSON.
    #[arg(long)]
    from: Option<PathBuf>,
    /// The trades behind a number of the report: `dearer`, `is.checked.at-once`, `goods.62`.
    #[arg(long)]
    behind: Option<String>,
    #[arg(long, default_value_t = 0)]
    skip: u64,
    #[arg(long, default_value_t = 20)]
    most: usize,
    #[arg(long)]
    threads: Option<usize>,
    #[arg(long)]
    json: bool,
}

/// The draft as it goes into the tunnel.
struct Draft {
    book: Rulebook,
    changes: Vec<RuleChange>,
    upset: Vec<String>,
}

pub async fn run(options: Options) -> ExitCode {
    match prepare(&options).await {
        // Trades of a hub are read by threads that wait for its store: not on one that serves it.
        Ok(ready) => tokio::task::spawn_blocking(move || fly(&options, &ready))
            .await
            .unwrap_or_else(|error| say::failed("cli-replay-not-run", &[("cause", error.to_string())])),
        Err(code) => code,
    }
}

struct Ready {
    books: Rulebooks,
    to: Country,
    draft: Option<Draft>,
    trades: Sample,
    figure: Option<Figure>,
}

async fn prepare(options: &Options) -> Result<Ready, ExitCode> {
    let t = say::reader();
    let books = builtin().map_err(|errors| {
        tell_errors(&errors);
        ExitCode::FAILURE
    })?;
    let asked = options.territory.as_deref().map(|code| territory(&books, code)).transpose()?;
    let (to, draft) = match &options.pack {
        Some(path) => {
            let (to, draft) = read_draft(&t, &books, path, asked)?;
            (to, Some(draft))
        }
        None if options.on.is_none() || options.on == options.against_on => {
            return Err(say::problem(&Problem { code: "nothing-to-compare".to_owned(), args: serde_json::Map::new() }));
        }
        None => (asked.ok_or_else(|| say::failed("cli-replay-whose", &[]))?, None),
    };
    let figure = match &options.behind {
        None => None,
        Some(text) => {
            let bad = |_| say::failed("cli-replay-no-figure", &[("got", text.clone())]);
            Some(text.parse::<Figure>().map_err(bad)?)
        }
    };
    let trades: Sample = match (&options.dir, &options.from) {
        (Some(dir), _) => {
            let directory = Directory::open(dir).map_err(|e| say::directory(&e))?;
            let hub = serve::open_to_look(&directory).await.map_err(|failure| failure.say())?;
            let held = hub.held_trades(to).await;
            Box::new(held.map_err(|e| say::failed("cli-hub-not-opened", &[("cause", e.to_string())]))?)
        }
        (None, Some(path)) => Box::new(Listed(read_trades(path)?)),
        (None, None) => {
            sim::economy::Lender.sample(&books, to, options.seed, options.trades).map_err(|p| say::problem(&p))?
        }
    };
    Ok(Ready { books, to, draft, trades, figure })
}

fn territory(books: &Rulebooks, code: &str) -> Result<Country, ExitCode> {
    let bad = || say::failed("cli-replay-no-market", &[("got", code.to_owned())]);
    code.parse().ok().filter(|to| books.book(*to).is_some()).ok_or_else(bad)
}

/// A file is put into the pack of its territory; a folder stands for it.
fn read_draft(t: &Tr, books: &Rulebooks, path: &Path, asked: Option<Country>) -> Result<(Country, Draft), ExitCode> {
    let unreadable = |path: &Path, cause: String| {
        say::failed("cli-unreadable", &[("path", path.display().to_string()), ("cause", cause)])
    };
    let faulty = |errors: Vec<trade::rulebook::PackError>| {
        tell_errors(&errors);
        ExitCode::FAILURE
    };
    if path.is_dir() {
        let folders = folder::read(&[path.to_owned()]).map_err(|e| unreadable(&e.path, e.cause))?;
        for folder in &folders {
            for pack in read_folder(folder).map_err(faulty)? {
                let Pack::Territory(book) = pack else { continue };
                let to = book.territory;
                if asked.is_none_or(|asked| asked == to) {
                    let base = books.book(to).map(|base| facts(base.files())).transpose().map_err(faulty)?;
                    let new = facts(book.files()).map_err(faulty)?;
                    let changes = between_packs(&base.unwrap_or_default(), &new);
                    return Ok((to, Draft { book: *book, changes, upset: Vec::new() }));
                }
            }
        }
        return Err(say::failed("cli-replay-whose", &[]));
    }
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(path, e.to_string()))?;
    let to = match asked.or_else(|| whose(books, &text)) {
        Some(to) => to,
        None => return Err(say::failed("cli-replay-whose", &[])),
    };
    let base = books.book(to).ok_or_else(|| say::failed("cli-replay-no-market", &[("got", to.to_string())]))?;
    let amended = amend(base, &text).map_err(faulty)?;
    let upset = amended.upset.iter().map(|error| upset_told(t, error)).collect();
    Ok((to, Draft { book: amended.book, changes: amended.changes, upset }))
}

/// Whose rules a draft changes: as it says, or by the prefix of its first rule.
fn whose(books: &Rulebooks, draft: &str) -> Option<Country> {
    let table: toml::Table = draft.parse().ok()?;
    let said = table.get("draft").and_then(|head| head.get("of")).and_then(toml::Value::as_str);
    let code = said.map(str::to_owned).or_else(|| {
        let items = table.values().filter_map(toml::Value::as_array).flatten();
        let repealed = table.get("draft").and_then(|head| head.get("repeal")).and_then(toml::Value::as_array);
        let ids = items.filter_map(|item| item.get("id")).chain(repealed.into_iter().flatten());
        let id = ids.filter_map(toml::Value::as_str).next()?;
        id.split_once('.').map(|(prefix, _)| prefix.to_ascii_uppercase())
    })?;
    code.parse().ok().filter(|to| books.book(*to).is_some())
}

/// Trades of a file.
struct Listed(Vec<PastTrade>);

impl PastTrades for Listed {
    fn chunks(&self) -> u64 {
        PastTrades::chunks(&self.0[..])
    }

    fn chunk(&self, number: u64, into: &mut Vec<PastTrade>) -> Result<(), String> {
        self.0[..].chunk(number, into)
    }
}

fn read_trades(path: &Path) -> Result<Vec<PastTrade>, ExitCode> {
    let file = ("path", path.display().to_string());
    let text = std::fs::read_to_string(path)
        .map_err(|e| say::failed("cli-unreadable", &[file.clone(), ("cause", e.to_string())]))?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| {
            say::failed("cli-replay-bad-line", &[file.clone(), ("line", number.to_string()), ("cause", e.to_string())])
        })
    };
    lines.map(read).collect()
}

#[expect(clippy::disallowed_methods, reason = "an entry point: how long it took")]
fn fly(options: &Options, ready: &Ready) -> ExitCode {
    let t = say::reader();
    let Some(base) = ready.books.book(ready.to) else { return say::failed("cli-replay-whose", &[]) };
    let is = ready.draft.as_ref().map_or(base, |draft| &draft.book);
    let tunnel = WindTunnel {
        was: Law { book: base, on: options.against_on },
        is: Law { book: is, on: options.on },
        stance: &Stance::Sandbox,
    };
    let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let stop = AtomicBool::new(false);
    let began = std::time::Instant::now();
    let not_run = |cause: String| say::failed("cli-replay-not-run", &[("cause", cause)]);
    let counts = match replay(&tunnel, &*ready.trades, threads, &stop) {
        Ok(counts) => counts,
        Err(ReplayFault::Unread(cause)) => return not_run(cause),
        Err(ReplayFault::Stopped) => return not_run(String::new()),
    };
    let took = began.elapsed();
    let report = match counts.report(&tunnel) {
        Ok(report) => report,
        Err(error) => return not_run(error.to_string()),
    };
    let (mut flights, mut flights_json) = (Vec::new(), Vec::new());
    if let Some(figure) = &ready.figure {
        let behind = Behind { figure: figure.clone(), skip: options.skip, most: options.most };
        let shown = behind.each(&tunnel, &*ready.trades, &stop, |flight| {
            flights.push(flight_told(&t, &tunnel, flight));
            flights_json.push(json!(flight));
        });
        if let Err(ReplayFault::Unread(cause)) = shown {
            return not_run(cause);
        }
    }
    if options.json {
        let changes = ready.draft.as_ref().map(|draft| &draft.changes);
        say::line(json!({ "changes": changes, "upset": ready.draft.as_ref().map(|d| &d.upset), "report": report,
            "behind": flights_json }));
        return ExitCode::SUCCESS;
    }
    show(&t, ready, &report, &flights);
    // To the error stream: the numbers are the same however long they took.
    let seconds = format!("{}.{:02}", took.as_secs(), took.subsec_millis() / 10);
    let args = [("trades", t.num(report.trades)), ("seconds", seconds), ("threads", threads.to_string())];
    say::fault(say::text("cli-replay-speed", &args));
    ExitCode::SUCCESS
}

fn show(t: &Tr, ready: &Ready, report: &Report, flights: &[FlightTold]) {
    let name = ready.books.book(report.territory).map(|book| t.words(&book.name));
    say::line(name.unwrap_or_default());
    say::line(t.n("replay-counted", report.trades));
    if report.elsewhere > 0 {
        say::line(t.n("replay-elsewhere", report.elsewhere));
    }
    if let Some(draft) = &ready.draft {
        for change in &draft.changes {
            let told = web::rulebook::tell(t, change);
            say::line(format!("  {}", told.sentence));
            told.fields.iter().for_each(|field| say::line(format!("    {field}")));
            told.more.iter().for_each(|more| say::line(format!("    {more}")));
        }
        if !draft.upset.is_empty() {
            say::line(t.n("replay-upset", draft.upset.len()));
            draft.upset.iter().for_each(|line| say::line(format!("  {line}")));
        }
    }
    told(t, report).iter().for_each(table);
    for flight in flights {
        say::line("");
        say::line(format!("{} · {} · {}", flight.id, flight.when, flight.seller));
        flight.goods.iter().chain(&flight.documents).for_each(|line| say::line(format!("  {line}")));
        for (law, answer) in [("replay-was", &flight.was), ("replay-is", &flight.is)] {
            say::line(format!("  {}: {} · {}", t.s(law), answer.total, answer.checked));
            answer.charges.iter().for_each(|line| say::line(format!("    {line}")));
        }
        flight.change.iter().for_each(|change| say::line(format!("  {}: {change}", t.s("replay-change"))));
    }
}

/// Columns in line, numbers to the right.
fn table(section: &Section) {
    say::line("");
    say::line(&section.title);
    section.note.iter().for_each(|note| say::line(format!("  {note}")));
    let rows: Vec<Vec<&str>> = std::iter::once(section.head.iter().map(String::as_str).collect())
        .chain(section.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()))
        .collect();
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|text| columns(text)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..section.head.len()).map(width).collect();
    for row in rows {
        let mut line = String::from(" ");
        for (at, text) in row.iter().enumerate() {
            let room = widths.get(at).copied().unwrap_or(0).saturating_sub(columns(text));
            let pad = " ".repeat(room);
            line.push_str(&if at == 0 { format!(" {text}{pad}") } else { format!("  {pad}{text}") });
        }
        say::line(line.trim_end());
    }
}

/// How many columns of a terminal a text takes: Chinese characters take two.
fn columns(text: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6);
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
