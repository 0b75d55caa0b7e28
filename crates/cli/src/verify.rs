//! `ehub verify`: checks a trade-file bundle offline and names the place of an altered byte.

use std::path::PathBuf;
use std::process::ExitCode;

use trade::bundle::{BundleFault, verify_bundle};
use trade::card::SignedCard;

use crate::say;

#[derive(clap::Args)]
pub struct Options {
    /// The bundle, as a hub gave it out.
    bundle: PathBuf,
    /// A hub card that you trust (`/.well-known/ehub.json`): then the bundle must be that hub's. Given
    /// twice, for both sides of the trade.
    #[arg(long)]
    card: Vec<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let unreadable = |path: &std::path::Path, e: std::io::Error| {
        say::failed("cli-unreadable", &[("path", path.display().to_string()), ("cause", e.to_string())])
    };
    let bytes = match std::fs::read(&options.bundle) {
        Ok(bytes) => bytes,
        Err(e) => return unreadable(&options.bundle, e),
    };
    let mut keys = None;
    for path in &options.card {
        let card = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) => return unreadable(path, e),
        };
        match SignedCard::read(&card).and_then(|card| card.verify().cloned()) {
            Ok(card) => keys.get_or_insert_with(Vec::new).extend(card.keys),
            Err(fault) => return say::failed("cli-bad-card", &[("cause", format!("{fault:?}"))]),
        }
    }
    match verify_bundle(&bytes, keys.as_deref()) {
        Ok(report) => {
            if options.json {
                println!("{}", serde_json::to_string(&report).unwrap_or_default());
            } else {
                say::out(
                    "cli-verify-holds",
                    &[
                        ("hub", report.hub.to_string()),
                        ("size", report.checkpoint.size.to_string()),
                        ("events", report.events.to_string()),
                        (
                            "witnesses",
                            report.witnesses.iter().map(|w| w.hub.to_string()).collect::<Vec<_>>().join(", "),
                        ),
                        ("known", if report.known { "yes" } else { "no" }.to_owned()),
                    ],
                );
                if let Some(peer) = &report.peer {
                    let known = if peer.known { "yes" } else { "no" }.to_owned();
                    let args = [("hub", peer.hub.to_string()), ("events", peer.events.to_string()), ("known", known)];
                    say::out("cli-verify-peer", &args);
                }
            }
            ExitCode::SUCCESS
        }
        Err(fault) => {
            if options.json {
                println!("{}", serde_json::to_string(&fault).unwrap_or_default());
                return ExitCode::FAILURE;
            }
            altered(&fault)
        }
    }
}

/// Says what is wrong, and of an altered bundle in which bytes, lines and parts.
fn altered(fault: &BundleFault) -> ExitCode {
    if let BundleFault::Altered { places, .. } = fault {
        for place in places {
            let args = [
                ("from", place.from.to_string()),
                ("to", place.to.to_string()),
                ("line", place.line.to_string()),
                ("column", place.column.to_string()),
                ("part", place.pointers.join(" ")),
            ];
            eprintln!("{}", say::text("cli-verify-altered", &args));
        }
        return ExitCode::FAILURE;
    }
    let told = say::reader().told(fault);
    eprintln!("{}", told.title);
    if let Some(fix) = told.fix {
        eprintln!("{fix}");
    }
    ExitCode::FAILURE
}
