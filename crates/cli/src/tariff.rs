//! `ehub tariff`: tables of duties into rule packs, and declared duties against them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;
use papers::declaration::{self, DeclaredItem};
use papers::tariff::{self, FILE_PREFIX, TariffFault, TariffRefusal};
use serde::Serialize;
use serde_json::{Value, json};
use trade::codes::Country;
use trade::command::Problem;
use trade::hs_edition::HsEdition;
use trade::rulebook::{DutyRate, Folder, Found, HsNumber, Pack, Rulebook, read_folder};

use crate::rulebook::{folder, tell_errors, today};
use crate::say;

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Put a table of duties (CSV) into the folder of a pack, if every row is in order.
    Import(Import),
    /// Hold the duties of declarations (WCO XML) against the table of a pack.
    Compare(Compare),
}

#[derive(clap::Args)]
struct Import {
    /// CSV with the columns code, rate, valid-from, valid-to, preference, proof, source, confidence.
    file: PathBuf,
    /// ISO 3166 code of the territory that levies the duties, such as MY.
    #[arg(long)]
    market: String,
    /// The folder of that territory's pack.
    #[arg(long)]
    into: PathBuf,
    /// The codes of another edition than HS 2022 (CSV with a column hscode), where the table is of it.
    #[arg(long)]
    nomenclature: Option<PathBuf>,
    /// Look at the table and change nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
struct Compare {
    /// Declarations; each is one file.
    #[arg(required = true)]
    declarations: Vec<PathBuf>,
    /// The folder of the pack whose table counts.
    #[arg(long)]
    pack: PathBuf,
    /// Which duty of the declaration: its TypeCode.
    #[arg(long, default_value = "A00")]
    kind: String,
    /// The day of the declarations; without it, today.
    #[arg(long)]
    date: Option<Date>,
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> ExitCode {
    let done = match &options.command {
        Command::Import(options) => import(options),
        Command::Compare(options) => compare(options),
    };
    done.unwrap_or_else(|code| code)
}

fn unreadable(path: &Path, e: impl ToString) -> ExitCode {
    say::failed("cli-unreadable", &[("path", path.display().to_string()), ("cause", e.to_string())])
}

/// A refusal with what to do.
fn refused(path: &Path, fault: &impl Serialize) -> ExitCode {
    say::fault(format!("{}: {}", path.display(), crate::rulebook::told_line(fault)));
    ExitCode::FAILURE
}

fn import(options: &Import) -> Result<ExitCode, ExitCode> {
    let market: Country =
        options.market.parse().map_err(|e| say::failed("cli-bad-territory", &[("got", format!("{e}"))]))?;
    let bytes = fs::read(&options.file).map_err(|e| unreadable(&options.file, e))?;
    let known = options.nomenclature.as_deref().map(nomenclature).transpose()?;
    let table = tariff::read(&bytes, |hs6| match &known {
        Some(known) => known.contains(hs6),
        None => hs6.parse().is_ok_and(|hs| HsEdition::latest().has(&hs)),
    });
    let table = table.map_err(|refusal| tell(&options.file, &refusal))?;
    let files = tariff::files(market, &table).map_err(|refusal| tell(&options.file, &refusal))?;

    // The pack as it will be must load before anything of it is written.
    let folders = folder::read(std::slice::from_ref(&options.into)).map_err(|e| unreadable(&e.path, e.cause))?;
    let mut pack = folders.into_iter().next().unwrap_or_else(|| Folder { name: String::new(), files: Vec::new() });
    let older: Vec<String> =
        pack.files.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with(FILE_PREFIX)).collect();
    pack.files.retain(|(name, _)| !older.contains(name) && name != trade::rulebook::SIGNATURE_FILE);
    pack.files.extend(files.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())));
    let packs = read_folder(&pack).map_err(|errors| {
        tell_errors(&errors);
        ExitCode::FAILURE
    })?;
    let of_market = packs.iter().any(|pack| matches!(pack, Pack::Territory(book) if book.territory == market));
    if !of_market {
        let args = [("path", options.into.display().to_string()), ("market", market.to_string())];
        return Err(say::failed("tariff-other-market", &args));
    }
    if !options.dry_run {
        write(&options.into, &older, &files).map_err(|e| {
            let path = options.into.display().to_string();
            say::failed("cli-dir-unwritable", &[("path", path), ("cause", e.to_string())])
        })?;
    }
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let args = [
        ("rows", table.lines.len().to_string()),
        ("encoding", table.encoding.clone()),
        ("files", files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")),
        ("kb", bytes.div_ceil(1024).to_string()),
    ];
    say::out(if options.dry_run { "tariff-would-import" } else { "tariff-imported" }, &args);
    Ok(ExitCode::SUCCESS)
}

/// New files first, each whole or not at all; then the older ones go that none of them replaces.
fn write(into: &Path, older: &[String], files: &[(String, String)]) -> std::io::Result<()> {
    for (name, text) in files {
        let draft = into.with_extension("import");
        fs::write(&draft, text)?;
        fs::rename(&draft, into.join(name))?;
    }
    for name in older.iter().filter(|name| files.iter().all(|(new, _)| new != *name)) {
        fs::remove_file(into.join(name))?;
    }
    // Nobody has signed what is there now.
    match fs::remove_file(into.join(trade::rulebook::SIGNATURE_FILE)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Codes of six digits, from the column `hscode` of a CSV.
fn nomenclature(path: &Path) -> Result<BTreeSet<String>, ExitCode> {
    let text = fs::read_to_string(path).map_err(|e| unreadable(path, e))?;
    let header = text.lines().next().unwrap_or("");
    let column = header.split(',').position(|name| name.trim().eq_ignore_ascii_case("hscode"));
    let Some(column) = column else {
        return Err(say::failed("tariff-no-nomenclature", &[("path", path.display().to_string())]));
    };
    let codes = text.lines().skip(1).filter_map(|line| line.split(',').nth(column));
    let six = |code: &&str| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
    Ok(codes.filter(six).map(str::to_owned).collect())
}

/// A table that is refused: row by row, each with column, value and what to write instead.
fn tell(path: &Path, refusal: &TariffRefusal) -> ExitCode {
    let TariffRefusal::TariffRows { n, faults } = refusal else { return refused(path, refusal) };
    let t = say::reader();
    for TariffFault { row, column, got, fault } in faults {
        let mut problem = Problem::of(fault);
        let cell = problem.args.remove("cell");
        problem.code = format!("tariff-{}", cell.as_ref().and_then(Value::as_str).unwrap_or_default());
        let told = t.problem(&problem);
        let args = [("row", row.to_string()), ("column", column.clone()), ("got", got.clone())];
        let fix = told.fix.map(|fix| format!(" {fix}")).unwrap_or_default();
        say::fault(format!("{}: {}{fix}", t.w("tariff-place", args), told.title));
    }
    say::failed("tariff-refused", &[("n", n.to_string()), ("told", faults.len().to_string())])
}

/// How a declared rate stands to the table's.
#[derive(Serialize)]
#[serde(tag = "code")]
enum Verdict {
    #[serde(rename = "rate-agrees")]
    Agrees { rate: String },
    #[serde(rename = "rate-differs")]
    Differs { declared: String, table: String },
    /// The table's rate is not one of per cent alone; the two cannot be compared by themselves.
    #[serde(rename = "rate-not-plain")]
    NotPlain { declared: String, table: String },
    #[serde(rename = "rate-not-declared")]
    NotDeclared { table: String },
    #[serde(rename = "rate-unknown")]
    Unknown,
    #[serde(rename = "rate-needs-digits")]
    NeedsDigits { digits: u32 },
}

fn compare(options: &Compare) -> Result<ExitCode, ExitCode> {
    let folders = folder::read(std::slice::from_ref(&options.pack)).map_err(|e| unreadable(&e.path, e.cause))?;
    let mut books = Vec::new();
    for folder in &folders {
        let packs = read_folder(folder).map_err(|errors| {
            tell_errors(&errors);
            ExitCode::FAILURE
        })?;
        books.extend(packs.into_iter().filter_map(|pack| match pack {
            Pack::Territory(book) => Some(book),
            _ => None,
        }));
    }
    let [book] = books.as_slice() else {
        return Err(say::failed("tariff-one-pack", &[("path", options.pack.display().to_string())]));
    };
    let date = options.date.unwrap_or_else(today);
    let mut differing = 0_usize;
    let mut rows = Vec::new();
    for path in &options.declarations {
        let bytes = fs::read(path).map_err(|e| unreadable(path, e))?;
        let declared = declaration::read(&bytes).map_err(|refusal| refused(path, &refusal))?;
        for item in &declared.items {
            let verdict = judge(book, item, &options.kind, date);
            differing += usize::from(matches!(verdict, Verdict::Differs { .. }));
            if options.json {
                rows.push(json!({ "file": path.display().to_string(), "item": item.number, "hs": item.code,
                    "preference": item.preference, "verdict": verdict }));
            } else {
                let told = say::reader().told(&TariffVerdict(&verdict));
                say::line(format!("{} {}: {}: {}", path.display(), item.number, item.code, told.title));
            }
        }
    }
    if options.json {
        say::line(json!({ "date": date, "items": rows, "differing": differing }));
    }
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Gives the codes of verdicts the words of this command.
struct TariffVerdict<'a>(&'a Verdict);

impl Serialize for TariffVerdict<'_> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(self.0).unwrap_or_default();
        if let Some(code) = value["code"].as_str().map(|code| format!("tariff-{code}")) {
            value["code"] = code.into();
        }
        value.serialize(s)
    }
}

/// The duty of the pack for a declared item: of the preference that it claims where the pack has a table
/// of that name, else the general one.
fn judge(book: &Rulebook, item: &DeclaredItem, kind: &str, date: Date) -> Verdict {
    let claimed = item.preference.as_deref().map(str::to_ascii_lowercase);
    let id = |preference: Option<&str>| tariff::table_id(book.territory, preference);
    let table = claimed.as_deref().and_then(|name| book.table(&id(Some(name)), date));
    let table = table.or_else(|| book.table(&id(None), date));
    let rate = match table.map(|table| table.of_code(HsNumber::of(&item.code))) {
        Some(Found::Rate(rate)) => Some(rate),
        Some(Found::Digits(digits)) => return Verdict::NeedsDigits { digits },
        Some(Found::Unknown) => None,
        None => item.code.parse().ok().and_then(|hs| book.tariff.row(&hs, date)).and_then(|row| row.duty.as_ref()),
    };
    let Some(rate) = rate else { return Verdict::Unknown };
    let table = rate.to_string();
    let declared = item.duties.iter().find(|duty| duty.kind == kind).and_then(|duty| duty.rate_millionths);
    let Some(millionths) = declared else { return Verdict::NotDeclared { table } };
    let text = trade::money::format_fixed(millionths, 6);
    let text = format!("{}%", text.trim_end_matches('0').trim_end_matches('.'));
    match (rate, text.parse::<DutyRate>()) {
        (DutyRate::Percent(_), Ok(declared)) if declared == *rate => Verdict::Agrees { rate: table },
        (DutyRate::Percent(_), _) => Verdict::Differs { declared: text, table },
        _ => Verdict::NotPlain { declared: text, table },
    }
}
