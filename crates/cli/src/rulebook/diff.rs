//! `ehub rules diff`: what changes, in plain words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;
use serde_json::json;
use trade::rulebook::{PackName, RuleChange, RuleFacts, between, between_days, between_packs, facts, read_folder};
use web::rulebook::Told;

use super::{folder, tell_errors};
use crate::directory::Directory;
use crate::{say, serve};

#[derive(clap::Args)]
pub struct Options {
    /// One folder of packs with two days, or the older and the newer folder. `built-in` stands for the
    /// packs of this program, a digest as on the page `/rules` for the pack that the hub of `--dir` has kept.
    #[arg(num_args = 1..=2, required = true)]
    dirs: Vec<PathBuf>,
    /// The hub's directory, for digests of packs that it goes by or went by.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Compare what holds on these days: the first day, and the second (or the same day of the second folder).
    #[arg(long, num_args = 1..=2, value_names = ["FROM", "TO"])]
    date: Vec<Date>,
    #[arg(long)]
    json: bool,
}

/// Stands for the packs of this program.
const BUILT_IN: &str = "built-in";

struct Loaded {
    digest: String,
    rules: Vec<RuleFacts>,
}

pub async fn run(options: &Options) -> ExitCode {
    let mut sides = Vec::new();
    for dir in &options.dirs {
        let loaded = match digest_in(dir) {
            Some(digest) => kept(options.dir.as_deref(), &digest).await,
            None => load(dir),
        };
        match loaded {
            Ok(packs) => sides.push(packs),
            Err(code) => return code,
        }
    }
    let (old, new) = match (&sides[..], &options.date[..]) {
        ([one], [_, _]) => (one, one),
        ([old, new], _) => (old, new),
        _ => return say::failed("rules-diff-what", &[]),
    };
    let mut changed: BTreeMap<&PackName, Vec<RuleChange>> = BTreeMap::new();
    // Of the program's own packs only those that the other side has too: it need not hold them all. Beside
    // a pack by its digest, only what is of its name.
    let is = |at: usize, what: fn(&Path) -> bool| options.dirs.get(at).is_some_and(|dir| what(dir));
    let built_in = |dir: &Path| dir.as_os_str() == BUILT_IN;
    let by_digest = |dir: &Path| digest_in(dir).is_some();
    let with_new = is(0, built_in) || is(1, by_digest);
    let with_old = is(1, built_in) || is(0, by_digest);
    let older = old.keys().filter(|name| !with_new || new.contains_key(*name));
    let newer = new.keys().filter(|name| !with_old || old.contains_key(*name));
    let names: BTreeSet<&PackName> = older.chain(newer).collect();
    if names.is_empty() {
        return say::failed("rules-diff-other-packs", &[]);
    }
    for name in names {
        let nothing = Vec::new();
        let was = old.get(name).map_or(&nothing, |pack| &pack.rules);
        let is = new.get(name).map_or(&nothing, |pack| &pack.rules);
        let changes = match (&options.date[..], sides.len()) {
            ([from, to], 1) => between_days(is, *from, *to),
            ([from, to], _) => between(was, *from, is, *to),
            ([day], _) => between(was, *day, is, *day),
            _ => between_packs(was, is),
        };
        if !changes.is_empty() {
            changed.insert(name, changes);
        }
    }
    if options.json {
        let digest = |side: &BTreeMap<PackName, Loaded>, name: &PackName| side.get(name).map(|p| p.digest.clone());
        let packs: Vec<_> = changed
            .iter()
            .map(|(name, changes)| {
                let t = say::reader();
                let told: Vec<String> = changes.iter().map(|c| web::rulebook::tell(&t, c).sentence).collect();
                json!({ "pack": name, "from": digest(old, name), "to": digest(new, name), "changes": changes, "told": told })
            })
            .collect();
        say::line(json!({ "dates": options.date, "packs": packs }));
    } else if changed.is_empty() {
        say::out("rules-diff-none", &[]);
    } else {
        changed.iter().for_each(|(name, changes)| tell(name, changes));
    }
    ExitCode::SUCCESS
}

/// A digest that was written in the place of a folder: 64 digits of hex, as pages show it.
fn digest_in(dir: &Path) -> Option<String> {
    let text = dir.to_str().filter(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some(text.to_ascii_lowercase())
}

/// The pack that a hub has kept under a digest, whether the hub runs or not.
async fn kept(dir: Option<&Path>, digest: &str) -> Result<BTreeMap<PackName, Loaded>, ExitCode> {
    let Some(dir) = dir else {
        return Err(say::failed("rules-diff-whose-digest", &[("digest", digest.to_owned())]));
    };
    let directory = Directory::open(dir).map_err(|e| say::directory(&e))?;
    let hub = serve::open_to_look(&directory).await.map_err(|failure| failure.say())?;
    let found = hub.pack_by_digest(digest).await;
    hub.close().await;
    let found = found.map_err(|e| say::failed("cli-hub-not-opened", &[("cause", e.to_string())]))?;
    let Some(pack) = found else {
        let args = [("digest", digest.to_owned()), ("dir", dir.display().to_string())];
        return Err(say::failed("rules-diff-no-digest", &args));
    };
    let rules = facts(pack.files()).map_err(|errors| {
        tell_errors(&errors);
        ExitCode::FAILURE
    })?;
    Ok(BTreeMap::from([(pack.name(), Loaded { digest: digest.to_owned(), rules })]))
}

fn load(dir: &Path) -> Result<BTreeMap<PackName, Loaded>, ExitCode> {
    let dirs = if dir.as_os_str() == BUILT_IN { Vec::new() } else { vec![dir.to_owned()] };
    let unreadable = |e: folder::Unreadable| {
        say::failed("cli-unreadable", &[("path", e.path.display().to_string()), ("cause", e.cause)])
    };
    let folders = folder::read(&dirs).map_err(unreadable)?;
    let mut loaded = BTreeMap::new();
    for folder in &folders {
        let faulty = |errors: Vec<trade::rulebook::PackError>| {
            tell_errors(&errors);
            ExitCode::FAILURE
        };
        for pack in read_folder(folder).map_err(faulty)? {
            let rules = facts(pack.files()).map_err(faulty)?;
            loaded.insert(pack.name(), Loaded { digest: pack.digest().to_string(), rules });
        }
    }
    Ok(loaded)
}

/// By what is felt: a sentence for each rule, a line for each field, and where it stands.
fn tell(name: &PackName, changes: &[RuleChange]) {
    let t = say::reader();
    say::line(name);
    let mut felt = None;
    for change in changes {
        if felt.replace(change.felt) != Some(change.felt) {
            say::line(format!("  {}", t.by("rules-felt", change.felt.code())));
        }
        let Told { sentence, fields, more, source } = web::rulebook::tell(&t, change);
        say::line(format!("    {sentence}"));
        fields.iter().for_each(|field| say::line(format!("      {field}")));
        if let Some(more) = more {
            say::line(format!("      {more}"));
        }
        say::line(format!("      {source}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sixty_four_digits_of_hex_and_everything_else_is_a_folder() {
        let digest = "a1".repeat(32);
        assert_eq!(digest_in(Path::new(&digest.to_uppercase())), Some(digest.clone()));
        for folder in ["rulebooks/my", "built-in", &digest[1..], &digest.replace('a', "g")] {
            assert_eq!(digest_in(Path::new(folder)), None, "{folder}");
        }
    }
}
