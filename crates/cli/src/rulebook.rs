//! `ehub rules`: rule packs as a product: checked, compared, signed, pinned.

mod check;
mod diff;
pub mod folder;
pub mod pin;
mod sign;

use std::process::ExitCode;

use jiff::civil::Date;
use trade::key::NoteKey;
use trade::rulebook::PackError;

use crate::{say, serve};

#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Load packs, work their examples, and say what they hold or what is wrong.
    Check(check::Options),
    /// Say in plain words what changes between two packs, or between two days of one.
    Diff(diff::Options),
    /// Make the key by which somebody vouches for packs.
    Keygen(sign::Keygen),
    /// Vouch for packs: a signature beside them.
    Sign(sign::Sign),
    /// Look whether packs are what a trusted key has signed.
    Verify(sign::Verify),
    /// Let a hub go by packs from its next start on; or tell what it goes by.
    Pin(pin::Options),
    /// The file format as JSON Schema.
    Schema,
}

pub async fn run(options: &Options) -> ExitCode {
    match &options.command {
        Command::Check(options) => check::run(options),
        Command::Diff(options) => diff::run(options).await,
        Command::Keygen(options) => sign::keygen(options),
        Command::Sign(options) => sign::sign(options),
        Command::Verify(options) => sign::verify(options),
        Command::Pin(options) => pin::run(options),
        Command::Schema => {
            say::line(format!("{:#}", trade::rulebook::schema()));
            ExitCode::SUCCESS
        }
    }
}

/// Public keys as they were given; one that is none is said.
fn keys(given: &[String]) -> Result<Vec<NoteKey>, ExitCode> {
    let read = |text: &String| text.trim().parse().map_err(|_| say::failed("rules-no-key", &[("got", text.clone())]));
    given.iter().map(read).collect()
}

/// The day as of which packs are looked at, where none is given: today, in UTC.
pub fn today() -> Date {
    let now = jiff::Timestamp::from_microsecond(serve::now_micros()).unwrap_or_default();
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// All that is wrong, a line each: file, rule, field, what, and what to do.
pub fn tell_errors(errors: &[PackError]) {
    for error in errors {
        say::fault(error_line(error));
    }
}

/// A refusal in one line: what it is, and what to do.
pub fn told_line(fault: &impl serde::Serialize) -> String {
    let told = say::reader().told(fault);
    match told.fix {
        Some(fix) => format!("{} {fix}", told.title),
        None => told.title,
    }
}

pub fn error_line(error: &PackError) -> String {
    let told = web::rulebook::told(&say::reader(), error);
    let fix = told.fix.map(|fix| format!(" {fix}")).unwrap_or_default();
    format!("{}: {}{fix}", web::rulebook::place(error), told.title)
}
