//! `ehub doctor`: looks whether all is well with a hub, running or not: each thing with what it means and what
//! to do. It reads only; a running hub is not disturbed.

mod machine;
mod records;
mod road;

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Map, Value, json};
use trade::card::Mode;
use trade::command::Problem;

use crate::directory::Directory;
use crate::{say, serve};

#[derive(clap::Args)]
pub struct Options {
    /// The hub's directory.
    #[arg(long)]
    dir: PathBuf,
    /// Leave out what takes long where there is much: balances, the whole log, the access log.
    #[arg(long)]
    quick: bool,
    #[arg(long)]
    json: bool,
}

/// How it is with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    Ok,
    Warning,
    Fault,
}

impl Mark {
    const fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }

    /// A fault in production, where a sandbox may be so.
    pub const fn in_mode(mode: Mode, sandbox: Self, production: Self) -> Self {
        match mode {
            Mode::Sandbox => sandbox,
            Mode::Production => production,
        }
    }
}

/// What was found of one thing: its words are the message `problem-doctor-<code>`, what to do its `fix`.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub about: &'static str,
    pub mark: Mark,
    pub code: &'static str,
    pub args: Map<String, Value>,
}

/// All findings, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn add<const N: usize>(
        &mut self,
        about: &'static str,
        mark: Mark,
        code: &'static str,
        args: [(&str, Value); N],
    ) {
        let args = args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.0.push(Finding { about, mark, code, args });
    }

    fn worst(&self) -> Mark {
        self.0.iter().map(|finding| finding.mark).max().unwrap_or(Mark::Ok)
    }
}

pub async fn run(options: &Options) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    let findings = look(&directory, options.quick).await;
    if options.json {
        println!("{}", told(&directory, &findings));
    } else {
        tell(&findings);
    }
    if findings.worst() == Mark::Fault { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn look(directory: &Directory, quick: bool) -> Findings {
    let mut findings = Findings::default();
    let http = web::client::client(|with| with);
    machine::config(&mut findings, directory);
    machine::keys(&mut findings, directory);
    records::rules(&mut findings, directory);
    machine::disk(&mut findings, directory);
    machine::backups(&mut findings, directory);
    let running = machine::running(&mut findings, directory, &http).await;
    match serve::open_to_look(directory).await {
        Ok(hub) => {
            records::store(&mut findings, &hub).await;
            records::lease(&mut findings, &hub, running).await;
            records::clock(&mut findings, &hub).await;
            records::log(&mut findings, &hub, quick).await;
            if !quick {
                records::audits(&mut findings, &hub).await;
            }
            road::peers(&mut findings, &hub, &http).await;
            hub.close().await;
        }
        Err(serve::Failure::Rules(cause)) => {
            findings.add("rules", Mark::Fault, "rules-broken", [("cause", cause.into())])
        }
        Err(serve::Failure::Open(error)) => records::unopened(&mut findings, &error),
    }
    road::own_address(&mut findings, directory, &http, running).await;
    findings
}

/// A finding in the reader's words.
fn words(finding: &Finding) -> web::i18n::Told {
    say::reader().problem(&Problem { code: format!("doctor-{}", finding.code), args: finding.args.clone() })
}

fn told(directory: &Directory, findings: &Findings) -> Value {
    let one = |finding: &Finding| {
        let told = words(finding);
        json!({
            "about": finding.about, "mark": finding.mark, "code": finding.code, "args": finding.args,
            "means": told.title, "do": told.fix,
        })
    };
    let all: Vec<Value> = findings.0.iter().map(one).collect();
    json!({ "hub": directory.config.id, "worst": findings.worst(), "findings": all })
}

fn tell(findings: &Findings) {
    let reader = say::reader();
    for finding in &findings.0 {
        let told = words(finding);
        let about = reader.by("doctor-about", finding.about);
        println!("{} {about}: {}", reader.by("doctor-mark", finding.mark.code()), told.title);
        if let Some(fix) = told.fix.filter(|_| finding.mark != Mark::Ok) {
            println!("    {fix}");
        }
    }
    let count = |mark: Mark| findings.0.iter().filter(|finding| finding.mark == mark).count().to_string();
    say::out("doctor-sum", &[("faults", count(Mark::Fault)), ("warnings", count(Mark::Warning))]);
}

#[cfg(test)]
mod tests;
