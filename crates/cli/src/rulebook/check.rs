//! `ehub rules check`: what packs hold, or all that is wrong with them.

use std::path::PathBuf;
use std::process::ExitCode;

use jiff::civil::Date;
use serde_json::{Value, json};
use trade::rulebook::{Ending, PackError, PackReport, PackWarning, check, read_folder};

use super::{error_line, folder, tell_errors, today};
use crate::say;

#[derive(clap::Args)]
pub struct Options {
    /// Folders of packs, or folders of such folders; without one, the packs that are built in.
    dirs: Vec<PathBuf>,
    /// As of this day, such as 2026-11-29; without it, today.
    #[arg(long)]
    date: Option<Date>,
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> ExitCode {
    let date = options.date.unwrap_or_else(today);
    let folders = match folder::read(&options.dirs) {
        Ok(folders) => folders,
        Err(e) => return say::failed("cli-unreadable", &[("path", e.path.display().to_string()), ("cause", e.cause)]),
    };
    let mut reports = Vec::new();
    let mut errors: Vec<PackError> = Vec::new();
    for folder in &folders {
        match read_folder(folder) {
            Ok(packs) => {
                for pack in packs {
                    match check(&pack, date) {
                        Ok(report) => reports.push(report),
                        Err(found) => errors.extend(found),
                    }
                }
            }
            Err(found) => errors.extend(found),
        }
    }
    if options.json {
        say::line(json!({ "date": date, "packs": reports, "errors": errors_json(&errors) }));
    } else {
        reports.iter().for_each(tell);
        tell_errors(&errors);
        let totals = [
            ("packs", reports.len().to_string()),
            ("rules", reports.iter().map(|r| r.rules).sum::<usize>().to_string()),
            ("examples", reports.iter().map(|r| r.examples).sum::<usize>().to_string()),
            ("errors", errors.len().to_string()),
        ];
        say::out(if errors.is_empty() { "rules-check-holds" } else { "rules-check-fails" }, &totals);
    }
    if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each error with its place, its code and values, and as a line in the reader's language.
fn errors_json(errors: &[PackError]) -> Vec<Value> {
    let told = |error: &PackError| {
        let mut value = serde_json::to_value(error).unwrap_or_default();
        value["told"] = error_line(error).into();
        value
    };
    errors.iter().map(told).collect()
}

fn tell(report: &PackReport) {
    let t = say::reader();
    let name = report.name.as_ref().map(|name| format!("  {}", t.words(name))).unwrap_or_default();
    say::line(format!("{}{name}", report.pack));
    let line = |key: &str, value: String| say::line(format!("  {}: {value}", t.s(key)));
    line("rules-digest", report.digest.to_string());
    let kinds = report.kinds.iter().map(|(kind, n)| format!("{n} {}", t.by("rule-kind", kind)));
    line("rules-rules", format!("{} ({})", report.rules, kinds.collect::<Vec<_>>().join(&t.s("list-comma"))));
    let known = [("sourced", report.sourced), ("unverified", report.unverified), ("unknown", report.unknown)];
    let known = known.map(|(state, n)| format!("{n} {}", t.by("knowledge", state)));
    line("rules-known", known.join(&t.s("list-comma")));
    line("rules-examples", report.examples.to_string());
    let from = report.from.map(|date| t.date(date)).unwrap_or_default();
    let to = report.to.map_or_else(|| t.s("rules-no-end"), |date| t.date(date));
    line("rules-dates", format!("{from} – {to}"));
    for Ending { rule, file, valid_to, next } in &report.ends_soon {
        let next = next.map_or_else(|| t.s("rules-no-next"), |date| t.w1("rules-next", "date", t.date(date)));
        let args = [("rule", rule.to_string()), ("file", file.clone()), ("date", t.date(*valid_to)), ("next", next)];
        say::line(format!("  {}", t.w("rules-ends-soon", args)));
    }
    for warning in &report.warnings {
        let said = match warning {
            PackWarning::RuleEnded { rule, file, last_day } => t.w(
                "rules-warning-ended",
                [("rule", rule.to_string()), ("file", file.clone()), ("date", t.date(*last_day))],
            ),
            PackWarning::RuleGap { rule, file, last_day, next_day } => t.w(
                "rules-warning-gap",
                [
                    ("rule", rule.to_string()),
                    ("file", file.clone()),
                    ("date", t.date(*last_day)),
                    ("next", t.date(*next_day)),
                ],
            ),
        };
        say::line(format!("  {said}"));
    }
}
