//! What the program says on the terminal: from the locale files, in the language of `LANG`.

use std::io::Write as _;
use std::process::ExitCode;

use web::i18n::{Lang, Tr};

use crate::directory::DirectoryError;

/// The reader at this terminal.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "an entry point: the terminal's language")]
pub fn reader() -> Tr {
    let lang = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .and_then(|text| text.parse().ok())
        .unwrap_or(Lang::En);
    Tr::new(lang, jiff::tz::TimeZone::UTC)
}

/// A message with its values.
#[must_use]
pub fn text(key: &str, args: &[(&'static str, String)]) -> String {
    reader().with(key, args)
}

/// A line that is said already. Whoever reads it may have gone: that is no fault.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// The same on the error stream.
pub fn fault(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub fn out(key: &str, args: &[(&'static str, String)]) {
    line(text(key, args));
}

/// Says why it did not work, on the error stream.
#[must_use]
pub fn failed(key: &str, args: &[(&'static str, String)]) -> ExitCode {
    eprintln!("{}", text(key, args));
    ExitCode::FAILURE
}

#[must_use]
pub fn directory(error: &DirectoryError) -> ExitCode {
    let path = |p: &std::path::Path| ("path", p.display().to_string());
    match error {
        DirectoryError::Taken { path: p } => failed("cli-dir-taken", &[path(p)]),
        DirectoryError::NotAHub { path: p } => failed("cli-dir-not-a-hub", &[path(p)]),
        DirectoryError::Running { path: p } => failed("cli-dir-running", &[path(p)]),
        DirectoryError::BadSecret { path: p } => failed("cli-dir-bad-secret", &[path(p)]),
        DirectoryError::Unreadable { path: p, cause } => {
            failed("cli-dir-unreadable", &[path(p), ("cause", cause.clone())])
        }
        DirectoryError::Unwritable { path: p, cause } => {
            failed("cli-dir-unwritable", &[path(p), ("cause", cause.clone())])
        }
    }
}

/// A refusal of the rules or of the hub, in the words of the pages.
#[must_use]
pub fn problem(problem: &trade::command::Problem) -> ExitCode {
    let told = reader().problem(problem);
    eprintln!("{}", told.title);
    if let Some(fix) = told.fix {
        eprintln!("{fix}");
    }
    ExitCode::FAILURE
}
