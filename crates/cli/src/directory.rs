//! A hub's directory: who it is, its secrets, its data. Made once by `ehub init`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trade::card::Mode;
use trade::codes::{Country, HubId};
use trade::site::{BankAccount, SiteConfig};

const CONFIG: &str = "hub.toml";
const SECRET: &str = "secret.key";
const PAYMENT_FIRM: &str = "payment-firm.key";
const CAST: &str = "cast.json";
const DATA: &str = "hub.db";
const LOCK: &str = "running";
const BACKUP: &str = "last-backup.json";

/// `hub.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub id: HubId,
    pub name: String,
    pub territory: Country,
    /// Chosen here, part of every signature, never changed.
    pub mode: Mode,
    /// Where people and peers reach the hub.
    pub url: String,
    /// Where this process listens.
    pub listen: String,
    /// Several nodes on one PostgreSQL: where the others reach this one, if not by where it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_url: Option<String>,
    /// The licensed firm that holds the money, and the account there.
    pub bank_firm: String,
    pub bank_account: String,
    /// A PostgreSQL URL; without one the hub keeps its data in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// When the hub was made, in microseconds since 1970 UTC: the date of its card.
    #[serde(default)]
    pub made: i64,
    /// Production: unverified rules that the operator answers for, by id.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accepted_rules: BTreeSet<String>,
    /// Where the numbers for machines that watch are read, such as `127.0.0.1:9464`: a listener of its
    /// own, so that a firewall and not a secret keeps others out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// Sandbox: hubs that show their card (`ehub serve --join`) become peers without the operator's doing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_peers: bool,
}

impl Config {
    #[must_use]
    pub fn site(&self) -> SiteConfig {
        SiteConfig {
            id: self.id.clone(),
            name: self.name.clone(),
            territory: self.territory,
            mode: self.mode,
            url: self.url.clone(),
            bank: BankAccount { firm: self.bank_firm.clone(), account: self.bank_account.clone() },
            accepted_rules: self.accepted_rules.clone(),
        }
    }
}

/// What can be wrong with a directory.
#[derive(Debug)]
pub enum DirectoryError {
    /// A hub lives here already.
    Taken {
        path: PathBuf,
    },
    /// No hub was initialised here.
    NotAHub {
        path: PathBuf,
    },
    Unreadable {
        path: PathBuf,
        cause: String,
    },
    Unwritable {
        path: PathBuf,
        cause: String,
    },
    /// The hub of this directory is running.
    Running {
        path: PathBuf,
    },
    /// A secret is not 64 hexadecimal digits.
    BadSecret {
        path: PathBuf,
    },
}

/// A hub's directory, opened.
#[derive(Clone, Debug)]
pub struct Directory {
    pub path: PathBuf,
    pub config: Config,
    pub secret: [u8; 32],
    pub payment_secret: [u8; 32],
}

/// A party of the sandbox's cast, with the API key by which a program plays it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CastMember {
    pub role: String,
    pub party: String,
    pub api_key: String,
}

/// A copy of a hub: where it was written, and when, in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    pub file: PathBuf,
    pub at: i64,
}

impl Directory {
    /// Makes a hub: configuration and fresh secrets, readable by their owner only.
    pub fn init(path: &Path, config: &Config, random: impl Fn(&mut [u8; 32])) -> Result<Self, DirectoryError> {
        if path.join(CONFIG).exists() {
            return Err(DirectoryError::Taken { path: path.to_owned() });
        }
        let unwritable = |e: std::io::Error| DirectoryError::Unwritable { path: path.to_owned(), cause: e.to_string() };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unwritable)?;
        for name in [SECRET, PAYMENT_FIRM] {
            let mut secret = [0; 32];
            random(&mut secret);
            write_private(&path.join(name), hex(&secret).as_bytes())?;
        }
        let text = toml::to_string(config)
            .map_err(|e| DirectoryError::Unwritable { path: path.join(CONFIG), cause: e.to_string() })?;
        // Last, since it is what makes the directory a hub.
        write_private(&path.join(CONFIG), text.as_bytes())?;
        Self::open(path)
    }

    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let file = path.join(CONFIG);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(DirectoryError::NotAHub { path: path.to_owned() });
            }
            Err(e) => return Err(DirectoryError::Unreadable { path: file, cause: e.to_string() }),
        };
        let config: Config =
            toml::from_str(&text).map_err(|e| DirectoryError::Unreadable { path: file, cause: e.to_string() })?;
        let secret = read_secret(&path.join(SECRET))?;
        let payment_secret = read_secret(&path.join(PAYMENT_FIRM))?;
        Ok(Self { path: path.to_owned(), config, secret, payment_secret })
    }

    /// Opens the hub, or makes it first.
    pub fn open_or_init(path: &Path, config: &Config, random: impl Fn(&mut [u8; 32])) -> Result<Self, DirectoryError> {
        match Self::open(path) {
            Err(DirectoryError::NotAHub { .. }) => Self::init(path, config, random),
            other => other,
        }
    }

    /// Where the hub keeps its data, if it keeps them in its directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path.join(DATA)
    }

    /// Held while the hub runs, and let go by the system when the process ends, however it ends.
    pub fn lock(&self) -> Result<fs::File, DirectoryError> {
        let path = self.path.join(LOCK);
        let unwritable = |e: std::io::Error| DirectoryError::Unwritable { path: path.clone(), cause: e.to_string() };
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(DirectoryError::Running { path: self.path.clone() }),
            Err(fs::TryLockError::Error(e)) => Err(unwritable(e)),
        }
    }

    /// The files that nobody but the hub's owner may read, as far as they are there.
    #[must_use]
    pub fn secrets(&self) -> Vec<PathBuf> {
        let files = [CONFIG, SECRET, PAYMENT_FIRM, CAST].map(|name| self.path.join(name));
        files.into_iter().filter(|file| file.exists()).collect()
    }

    /// The last copy that was written of this hub, and when.
    #[must_use]
    pub fn last_backup(&self) -> Option<LastBackup> {
        serde_json::from_slice(&fs::read(self.path.join(BACKUP)).ok()?).ok()
    }

    pub fn note_backup(&self, last: &LastBackup) -> Result<(), DirectoryError> {
        let text = serde_json::to_vec(last).expect("text keys only");
        write_private(&self.path.join(BACKUP), &text)
    }

    /// The cast of a sandbox, if it was made.
    #[must_use]
    pub fn cast(&self) -> Vec<CastMember> {
        let text = fs::read(self.path.join(CAST)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub fn save_cast(&self, cast: &[CastMember]) -> Result<(), DirectoryError> {
        let text = serde_json::to_vec_pretty(cast).expect("text keys only");
        let path = self.path.join(CAST);
        let _ = fs::remove_file(&path);
        write_private(&path, &text)
    }
}

/// Written whole or not at all: to a new file, synced, then renamed.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DirectoryError> {
    let unwritable = |e: std::io::Error| DirectoryError::Unwritable { path: path.to_owned(), cause: e.to_string() };
    let draft = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(unwritable)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unwritable)?;
    fs::rename(&draft, path).map_err(unwritable)
}

fn read_secret(path: &Path) -> Result<[u8; 32], DirectoryError> {
    let text = fs::read_to_string(path)
        .map_err(|e| DirectoryError::Unreadable { path: path.to_owned(), cause: e.to_string() })?;
    let text = text.trim();
    let digits: Option<Vec<u8>> =
        (0..32).map(|i| text.get(i * 2..i * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect();
    digits
        .filter(|_| text.len() == 64)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| DirectoryError::BadSecret { path: path.to_owned() })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn config() -> Config {
        Config {
            id: "kul.sandbox".parse().unwrap(),
            name: "Kuala Lumpur".into(),
            territory: Country::MY,
            mode: Mode::Sandbox,
            url: "http://localhost:8080".into(),
            listen: "127.0.0.1:8080".into(),
            node_url: None,
            bank_firm: "Sandbox Bank".into(),
            bank_account: "0001".into(),
            store: None,
            made: 0,
            accepted_rules: BTreeSet::new(),
            metrics: None,
            accept_peers: false,
        }
    }

    #[test]
    fn a_hub_is_made_once_and_opened_again() {
        let path = std::env::temp_dir().join(format!("ehub-directory-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        assert!(matches!(Directory::open(&path), Err(DirectoryError::NotAHub { .. })));
        let made = Directory::init(&path, &config(), |bytes| bytes.fill(9)).unwrap();
        assert!(matches!(Directory::init(&path, &config(), |_| ()), Err(DirectoryError::Taken { .. })));
        let opened = Directory::open(&path).unwrap();
        assert_eq!((made.secret, opened.config.id.as_str()), (opened.secret, "kul.sandbox"));
        fs::write(path.join(SECRET), "zz").unwrap();
        assert!(matches!(Directory::open(&path), Err(DirectoryError::BadSecret { .. })));
        fs::remove_dir_all(&path).unwrap();
    }
}
