//! `ehub rules keygen`, `sign` and `verify`: who vouches for packs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::civil::Date;
use trade::key::NoteSigner;
use trade::rulebook::{Folder, NoteFault, Pack, PackNote, SIGNATURE_FILE, check, note_of, read_folder};

use super::{folder, keys, tell_errors, today};
use crate::{say, serve};

#[derive(clap::Args)]
pub struct Keygen {
    /// By which the signer is known, such as policy.example.
    #[arg(long)]
    name: String,
    /// Where the secret key is written, readable by its owner only; an existing file is never overwritten.
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub struct Sign {
    /// The folder of a pack, or a folder of such folders.
    dir: PathBuf,
    /// The file of the secret key, made by `ehub rules keygen`.
    #[arg(long)]
    key: PathBuf,
    /// The first day on which the packs may be gone by; without it, today.
    #[arg(long)]
    from: Option<Date>,
}

#[derive(clap::Args)]
pub struct Verify {
    /// The folder of a pack, or a folder of such folders.
    dir: PathBuf,
    /// A public key that is trusted, as `ehub rules keygen` printed it; may be given several times.
    #[arg(long, required = true)]
    trust: Vec<String>,
    /// As of this day; without it, today.
    #[arg(long)]
    date: Option<Date>,
}

pub fn keygen(options: &Keygen) -> ExitCode {
    let mut secret = [0; 32];
    serve::random(&mut secret);
    let signer = match NoteSigner::from_secret(&options.name, &secret) {
        Ok(signer) => signer,
        Err(_) => return say::failed("rules-key-name", &[("got", options.name.clone())]),
    };
    let path = options.out.display().to_string();
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&options.out);
    let written = file.and_then(|mut file| {
        file.write_all(format!("{}\n", signer.secret_text()).as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => {
            say::out("rules-key-made", &[("path", path), ("key", signer.key().to_string())]);
            ExitCode::SUCCESS
        }
        Err(e) => say::failed("cli-dir-unwritable", &[("path", path), ("cause", e.to_string())]),
    }
}

pub fn sign(options: &Sign) -> ExitCode {
    let path = options.key.display().to_string();
    let text = match fs::read_to_string(&options.key) {
        Ok(text) => text,
        Err(e) => return say::failed("cli-unreadable", &[("path", path), ("cause", e.to_string())]),
    };
    let Ok(signer) = NoteSigner::from_secret_text(&text) else {
        return say::failed("rules-key-broken", &[("path", path)]);
    };
    let from = options.from.unwrap_or_else(today);
    let folders = match packs_in(&options.dir) {
        Ok(folders) => folders,
        Err(code) => return code,
    };
    for (folder, packs) in folders {
        // Nobody vouches for what does not hold.
        let errors: Vec<_> = packs.iter().filter_map(|pack| check(pack, from).err()).flatten().collect();
        if !errors.is_empty() {
            tell_errors(&errors);
            return ExitCode::FAILURE;
        }
        let fresh = PackNote::sign(&packs, from, &signer);
        let held = note_of(&folder.folder).and_then(Result::ok).filter(|held| held.says_what(&fresh));
        let note = match held {
            Some(mut held) => {
                held.add(&signer);
                held
            }
            None => fresh,
        };
        let at = folder.path.join(SIGNATURE_FILE);
        if let Err(e) = fs::write(&at, note.to_string()) {
            let path = at.display().to_string();
            return say::failed("cli-dir-unwritable", &[("path", path), ("cause", e.to_string())]);
        }
        let names: Vec<String> = packs.iter().map(|pack| format!("{} {:.12}", pack.name(), pack.digest())).collect();
        let args = [
            ("path", at.display().to_string()),
            ("packs", names.join(", ")),
            ("signers", note.signers().join(", ")),
            ("from", say::reader().date(from)),
        ];
        say::out("rules-signed", &args);
    }
    ExitCode::SUCCESS
}

pub fn verify(options: &Verify) -> ExitCode {
    let today = options.date.unwrap_or_else(today);
    let trusted = match keys(&options.trust) {
        Ok(trusted) => trusted,
        Err(code) => return code,
    };
    let folders = match packs_in(&options.dir) {
        Ok(folders) => folders,
        Err(code) => return code,
    };
    let mut code = ExitCode::SUCCESS;
    for (folder, packs) in folders {
        let note = note_of(&folder.folder).unwrap_or(Err(NoteFault::PacksUnsigned));
        match note.and_then(|note| note.verify(&packs, &trusted, today)) {
            Ok(vouched) => {
                let t = say::reader();
                let args = [
                    ("folder", folder.path.display().to_string()),
                    ("signer", vouched.signer),
                    ("from", t.date(vouched.from)),
                ];
                say::out("rules-verified", &args);
            }
            Err(fault) => {
                code = ExitCode::FAILURE;
                say::fault(format!("{}: {}", folder.path.display(), super::told_line(&fault)));
            }
        }
    }
    code
}

/// A folder with the place where it lies.
pub struct Placed {
    pub folder: Folder,
    pub path: PathBuf,
}

/// The packs that a path leads to, folder by folder, loaded; or what is wrong, told.
pub fn packs_in(dir: &Path) -> Result<Vec<(Placed, Vec<Pack>)>, ExitCode> {
    let folders = folder::read(&[dir.to_owned()])
        .map_err(|e| say::failed("cli-unreadable", &[("path", e.path.display().to_string()), ("cause", e.cause)]))?;
    let mut read = Vec::new();
    let mut errors = Vec::new();
    for folder in folders {
        let inner = dir.join(&folder.name);
        let path = if inner.is_dir() { inner } else { dir.to_owned() };
        match read_folder(&folder) {
            Ok(packs) => read.push((Placed { folder, path }, packs)),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() {
        return Ok(read);
    }
    tell_errors(&errors);
    Err(ExitCode::FAILURE)
}
