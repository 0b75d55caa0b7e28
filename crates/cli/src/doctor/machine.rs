//! What the machine and the directory are like: configuration, secrets, disk, backups, the process.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;
use trade::card::Mode;

use super::{Findings, Mark};
use crate::directory::{Directory, DirectoryError};
use crate::serve;

/// A hub that is answered nothing at all in this time does not serve.
const PATIENCE: Duration = Duration::from_secs(5);
/// Below the first, room is short; below the second, a busy day fills it.
const ROOM_WARN: u64 = 2 << 30;
const ROOM_FAULT: u64 = 256 << 20;
const HOUR_MICROS: i64 = 3_600 * 1_000_000;
/// A copy every day; one that is a week old brings back a week of questions to every peer.
const BACKUP_WARN_HOURS: i64 = 26;
const BACKUP_FAULT_HOURS: i64 = 7 * 24;

pub fn config(findings: &mut Findings, directory: &Directory) {
    let config = &directory.config;
    let before = findings.0.len();
    if config.listen.parse::<SocketAddr>().is_err() {
        findings.add("config", Mark::Fault, "listen", [("got", config.listen.clone().into())]);
    }
    if config.metrics.as_ref().is_some_and(|at| at.parse::<SocketAddr>().is_err()) {
        let got = config.metrics.clone().unwrap_or_default();
        findings.add("config", Mark::Fault, "listen", [("got", got.into())]);
    }
    let host = config.url.split_once("://").map_or("", |(_, rest)| rest.split(['/', ':']).next().unwrap_or_default());
    if !matches!(config.url.split_once("://"), Some(("http" | "https", _))) || host.is_empty() {
        findings.add("config", Mark::Fault, "url", [("got", config.url.clone().into())]);
    } else if config.mode == Mode::Production && matches!(host, "localhost" | "127.0.0.1") {
        findings.add("config", Mark::Fault, "url-local", [("got", config.url.clone().into())]);
    }
    if findings.0.len() == before {
        let args = [("hub", config.id.to_string().into()), ("mode", config.mode.as_str().into())];
        findings.add("config", Mark::Ok, "config-ok", args);
    }
}

/// Secrets can be read by the hub's owner alone.
pub fn keys(findings: &mut Findings, directory: &Directory) {
    let mut open = Vec::new();
    for file in directory.secrets() {
        let mode = fs::metadata(&file).map(|meta| meta.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o077 != 0) {
            open.push(file.display().to_string());
        }
    }
    if open.is_empty() {
        findings.add("keys", Mark::Ok, "keys-ok", []);
    } else {
        findings.add("keys", Mark::Fault, "keys-open", [("files", open.join(", ").into())]);
    }
}

pub fn disk(findings: &mut Findings, directory: &Directory) {
    let Ok(room) = rustix::fs::statvfs(&directory.path) else {
        let path = directory.path.display().to_string();
        return findings.add("disk", Mark::Warning, "disk-unknown", [("path", path.into())]);
    };
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let (mark, code) = match free {
        free if free < ROOM_FAULT => (Mark::Fault, "disk-full"),
        free if free < ROOM_WARN => (Mark::Warning, "disk-short"),
        _ => (Mark::Ok, "disk-ok"),
    };
    findings.add("disk", mark, code, [("free_mb", (free >> 20).into())]);
}

pub fn backups(findings: &mut Findings, directory: &Directory) {
    let mode = directory.config.mode;
    if serve::store(directory).file().is_none() {
        return findings.add("backups", Mark::Ok, "backup-elsewhere", []);
    }
    let Some(last) = directory.last_backup() else {
        let mark = Mark::in_mode(mode, Mark::Ok, Mark::Fault);
        return findings.add("backups", mark, "backup-none", []);
    };
    let file: Value = last.file.display().to_string().into();
    if !last.file.exists() {
        return findings.add("backups", Mark::Warning, "backup-gone", [("file", file)]);
    }
    let hours = (serve::now_micros() - last.at).max(0).div_euclid(HOUR_MICROS);
    let mark = match hours {
        hours if hours <= BACKUP_WARN_HOURS => Mark::Ok,
        hours if hours <= BACKUP_FAULT_HOURS => Mark::Warning,
        _ => Mark::in_mode(mode, Mark::Warning, Mark::Fault),
    };
    let code = if mark == Mark::Ok { "backup-ok" } else { "backup-old" };
    findings.add("backups", mark, code, [("file", file), ("hours", hours.into())]);
}

/// Whether the hub's process runs, and what it says of itself.
pub async fn running(findings: &mut Findings, directory: &Directory, http: &reqwest::Client) -> bool {
    match directory.lock() {
        Err(DirectoryError::Running { .. }) => {}
        _ => {
            findings.add("process", Mark::Warning, "process-stopped", []);
            return false;
        }
    }
    let url = format!("http://{}/readyz", directory.config.listen);
    let answer = http.get(&url).timeout(PATIENCE).send().await;
    let Ok(answer) = answer else {
        findings.add("process", Mark::Fault, "process-silent", [("url", url.into())]);
        return true;
    };
    let said: Value = answer.json().await.unwrap_or_default();
    let standing = said.pointer("/recovery/standing").and_then(Value::as_str).unwrap_or("sound").to_owned();
    match (said.get("ready").and_then(Value::as_bool), standing.as_str()) {
        (Some(true), _) => findings.add("process", Mark::Ok, "process-ready", [("url", url.into())]),
        (_, "behind" | "recalling" | "forged") => {
            findings.add("process", Mark::Fault, "process-lost", [("standing", standing.into())]);
        }
        _ => findings.add("process", Mark::Fault, "process-not-ready", [("url", url.into())]),
    }
    true
}
