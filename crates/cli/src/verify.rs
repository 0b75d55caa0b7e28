//! `ehub verify`: checks a trade-file bundle offline and names the place of an altered byte; or a price that a
//! hub confirmed, as a quote or as an answer of the calculator.

use std::path::PathBuf;
use std::process::ExitCode;

use trade::bundle::{BundleFault, verify_bundle};
use trade::card::SignedCard;
use trade::countersign::Confirmed;
use trade::key::VerifyKey;

use crate::say;

#[derive(clap::Args)]
pub struct Options {
    /// The bundle, quote or calculator's answer, as a hub gave it out.
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
    if let Some(price) = Confirmed::read(&bytes) {
        return confirmed(&price, keys.as_deref(), options.json);
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

/// Who confirmed a price, by the cards that the reader trusts. Without a card there is nothing to check it by.
fn confirmed(price: &Confirmed, keys: Option<&[VerifyKey]>, json: bool) -> ExitCode {
    let Some(keys) = keys else { return say::failed("cli-verify-card-needed", &[]) };
    match price.verify(keys) {
        Ok(report) => {
            if json {
                println!("{}", serde_json::to_string(&report).unwrap_or_default());
            } else {
                let args = [
                    ("hub", report.hub.to_string()),
                    ("key", report.key),
                    ("total", report.total.to_string()),
                    ("date", report.date.to_string()),
                    ("pack", report.pack),
                    ("until", report.until.to_string()),
                ];
                say::out("cli-verify-price", &args);
            }
            ExitCode::SUCCESS
        }
        Err(fault) if json => {
            println!("{}", serde_json::to_string(&fault).unwrap_or_default());
            ExitCode::FAILURE
        }
        Err(fault) => {
            let told = say::reader().told(&fault);
            eprintln!("{}", told.title);
            if let Some(fix) = told.fix {
                eprintln!("{fix}");
            }
            ExitCode::FAILURE
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
