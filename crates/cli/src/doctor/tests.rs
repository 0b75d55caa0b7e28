use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use trade::codes::Country;
use web::i18n::{Lang, Tr};

use super::*;
use crate::directory::{Config, LastBackup};

fn made(word: &str, mode: Mode) -> Directory {
    let path: PathBuf = std::env::temp_dir().join(format!("ehub-looked-at-{word}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    let config = Config {
        id: "kul.doctor".parse().unwrap(),
        name: "Kuala Lumpur".into(),
        territory: Country::MY,
        mode,
        url: "http://localhost:9".into(),
        listen: "127.0.0.1:9".into(),
        node_url: None,
        bank_firm: "Bank".into(),
        bank_account: "1".into(),
        store: None,
        made: 0,
        accepted_rules: BTreeSet::new(),
        metrics: None,
        accept_peers: false,
    };
    Directory::init(&path, &config, |bytes| bytes.fill(7)).unwrap()
}

fn codes(findings: &Findings, mark: Mark) -> BTreeSet<&'static str> {
    findings.0.iter().filter(|finding| finding.mark == mark).map(|finding| finding.code).collect()
}

#[tokio::test]
async fn a_hub_that_was_just_made_has_no_fault_in_a_sandbox_and_some_in_production() {
    let sandbox = made("sandbox", Mode::Sandbox);
    let found = look(&sandbox, false).await;
    assert_eq!(codes(&found, Mark::Fault), BTreeSet::new(), "{found:?}");
    assert!(codes(&found, Mark::Warning).is_superset(&BTreeSet::from(["process-stopped", "store-none"])), "{found:?}");
    assert!(codes(&found, Mark::Ok).is_superset(&BTreeSet::from(["config-ok", "keys-ok", "rules-ok"])), "{found:?}");
    // For real goods: an address of this machine alone, without TLS, and no copy.
    let production = made("production", Mode::Production);
    let found = look(&production, false).await;
    assert_eq!(codes(&found, Mark::Fault), BTreeSet::from(["url-local", "backup-none", "tls-none"]), "{found:?}");
    for directory in [sandbox, production] {
        fs::remove_dir_all(directory.path).unwrap();
    }
}

#[tokio::test]
async fn an_open_secret_and_a_lost_copy_are_found_and_said_in_three_languages() {
    let directory = made("open", Mode::Sandbox);
    fs::set_permissions(directory.path.join("secret.key"), fs::Permissions::from_mode(0o644)).unwrap();
    directory.note_backup(&LastBackup { file: directory.path.join("gone.db"), at: 0 }).unwrap();
    let found = look(&directory, true).await;
    assert_eq!(codes(&found, Mark::Fault), BTreeSet::from(["keys-open"]));
    assert!(codes(&found, Mark::Warning).contains("backup-gone"));
    for finding in &found.0 {
        let problem = Problem { code: format!("doctor-{}", finding.code), args: finding.args.clone() };
        let mut said = BTreeSet::new();
        for lang in Lang::ALL {
            let told = Tr::new(lang, jiff::tz::TimeZone::UTC).problem(&problem);
            assert!(!told.title.contains("doctor-") && !told.title.contains('{'), "{lang:?}: {told:?}");
            assert!(finding.mark == Mark::Ok || told.fix.is_some(), "{lang:?}: {told:?}");
            said.insert(told.title);
        }
        assert_eq!(said.len(), 3, "{said:?}");
    }
    fs::remove_dir_all(directory.path).unwrap();
}

#[test]
fn every_finding_that_the_source_names_has_words() {
    let sources = [include_str!("machine.rs"), include_str!("records.rs"), include_str!("road.rs")].join("\n");
    let english = include_str!("../../../web/locales/en/doctor.ftl");
    let named: BTreeSet<&str> =
        english.lines().filter_map(|l| l.strip_prefix("problem-doctor-")?.split(' ').next()).collect();
    let unused: Vec<_> = named.iter().filter(|code| !sources.contains(&format!("\"{code}\""))).collect();
    // What is loaded before a hub is looked at.
    assert!(unused.iter().all(|code| **code == "rules-broken"), "{unused:?}");
}
