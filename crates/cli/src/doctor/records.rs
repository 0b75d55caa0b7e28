//! What the hub has stored: rules, tables, lease, clock, log, balances, access log.

use hub::Hub;
use hub::db::StoreError;
use hub::schema::OpenError;
use trade::card::Mode;
use trade::rulebook::{Knowledge, Stance};

use super::{Findings, Mark};
use crate::directory::Directory;
use crate::rulebook::pin;

/// Events without their place in the tree: more than this is no moment's work.
const LAG_MAX: u64 = 10_000;
/// By so much a machine's clock may be corrected without anybody's noticing, in seconds.
const CLOCK_SLACK: i64 = 60;

/// The rule packs load, and what is weakly known in them is accepted by name where goods are real.
pub fn rules(findings: &mut Findings, directory: &Directory) {
    let books = match pin::load(directory, None) {
        Ok(loaded) => loaded.books,
        Err(refused) => {
            return findings.add("rules", Mark::Fault, "rules-broken", [("cause", refused.lines().join(" ").into())]);
        }
    };
    let config = &directory.config;
    let Some(own) = books.book(config.territory) else {
        return findings.add("rules", Mark::Fault, "rules-none", [("territory", config.territory.to_string().into())]);
    };
    let packs: Vec<String> = books.books().map(|b| format!("{} {:.12}", b.territory, b.digest)).collect();
    let stance = Stance::Production { accepted: config.accepted_rules.clone() };
    let open = own.rules().filter(|rule| !stance.allows(rule)).count();
    if config.mode == Mode::Production && open > 0 {
        findings.add("rules", Mark::Warning, "rules-unaccepted", [("n", open.into())]);
    } else {
        let weak = own.rules().filter(|rule| rule.knowledge != Knowledge::Sourced).count();
        findings.add("rules", Mark::Ok, "rules-ok", [("packs", packs.join(", ").into()), ("n", weak.into())]);
    }
}

/// The store could not be looked at.
pub fn unopened(findings: &mut Findings, error: &OpenError) {
    match error {
        OpenError::OlderTables { found: 0, .. } => findings.add("store", Mark::Warning, "store-none", []),
        OpenError::OlderTables { known, found } => {
            findings.add(
                "store",
                Mark::Warning,
                "store-older",
                [("known", (*known).into()), ("found", (*found).into())],
            );
        }
        OpenError::NewerTables { known, found } => {
            findings.add("store", Mark::Fault, "store-newer", [("known", (*known).into()), ("found", (*found).into())]);
        }
        OpenError::OtherHub { expected, got } => {
            let args = [("expected", expected.to_string().into()), ("got", got.clone().into())];
            findings.add("store", Mark::Fault, "store-other", args);
        }
        OpenError::OtherMode { expected, got } => {
            let args = [("expected", expected.as_str().into()), ("got", got.clone().into())];
            findings.add("store", Mark::Fault, "store-other", args);
        }
        OpenError::Store(error) => unread(findings, "store", error),
    }
}

fn unread(findings: &mut Findings, about: &'static str, error: &StoreError) {
    findings.add(about, Mark::Fault, "unread", [("cause", error.to_string().into())]);
}

pub async fn store(findings: &mut Findings, hub: &Hub) {
    match hub.db().size().await {
        Ok(bytes) => {
            let megabytes = bytes.div_euclid(1 << 20);
            findings.add("store", Mark::Ok, "store-ok", [("mb", megabytes.into())]);
        }
        Err(error) => unread(findings, "store", &error),
    }
}

/// A hub that runs has a lease that holds; one that does not needs none.
pub async fn lease(findings: &mut Findings, hub: &Hub, running: bool) {
    match hub.lease_holder().await {
        Err(error) => unread(findings, "lease", &error),
        Ok(holder) => {
            let now = hub.wall_now();
            match holder {
                Some((node, until)) if until >= now => {
                    findings.add("lease", Mark::Ok, "lease-ok", [("node", node.name.into())]);
                }
                _ if running => findings.add("lease", Mark::Fault, "lease-none", []),
                _ => findings.add("lease", Mark::Ok, "lease-free", []),
            }
        }
    }
}

/// Nothing that the hub wrote is dated after now.
pub async fn clock(findings: &mut Findings, hub: &Hub) {
    let now = hub.wall_now();
    match hub.newest_head_at().await {
        Err(error) => unread(findings, "clock", &error),
        Ok(Some(at)) if at > now.plus_seconds(CLOCK_SLACK) => {
            let seconds = at.seconds() - now.seconds();
            findings.add("clock", Mark::Fault, "clock-back", [("seconds", seconds.into())]);
        }
        Ok(_) => findings.add("clock", Mark::Ok, "clock-ok", [("time", now.to_string().into())]),
    }
}

pub async fn log(findings: &mut Findings, hub: &Hub, quick: bool) {
    match hub.audit_tiles().await {
        Ok(true) => {}
        Ok(false) => return findings.add("log", Mark::Fault, "log-tiles", []),
        Err(error) => return unread(findings, "log", &error),
    }
    if quick {
        return findings.add("log", Mark::Ok, "log-tiles-ok", []);
    }
    match hub.audit_log().await {
        Err(error) => unread(findings, "log", &error),
        Ok(audit) if !audit.is_sound() => {
            findings.add("log", Mark::Fault, "log-broken", [("events", audit.events.into())])
        }
        Ok(audit) => {
            let lag = audit.events - audit.sequenced;
            let (mark, code) = if lag > LAG_MAX { (Mark::Warning, "log-lag") } else { (Mark::Ok, "log-ok") };
            findings.add("log", mark, code, [("events", audit.events.into()), ("lag", lag.into())]);
        }
    }
}

/// Balances from their transfers, looks against their digests.
pub async fn audits(findings: &mut Findings, hub: &Hub) {
    match hub.audit_ledger().await {
        Err(error) => unread(findings, "balances", &error),
        Ok(audit) => {
            let sound = audit.is_sound();
            let (mark, code) = if sound { (Mark::Ok, "balances-ok") } else { (Mark::Fault, "balances-wrong") };
            let args = [
                ("accounts", audit.accounts.into()),
                ("transfers", audit.transfers.into()),
                ("differences", audit.differences.len().into()),
            ];
            findings.add("balances", mark, code, args);
        }
    }
    match hub.audit_access().await {
        Err(error) => unread(findings, "looks", &error),
        Ok(audit) if audit.is_sound() => {
            findings.add("looks", Mark::Ok, "looks-ok", [("covered", audit.covered.into())])
        }
        Ok(audit) => {
            let days = audit.differ.into_iter().collect::<Vec<_>>().join(", ");
            findings.add("looks", Mark::Fault, "looks-differ", [("days", days.into())]);
        }
    }
}
