//! `ehub backup` and `ehub restore`: a consistent copy of a running hub, and putting one back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hub::db::{BackupError, Db, Store};
use hub::schema::{self, OpenError};

use crate::directory::{Directory, LastBackup};
use crate::{say, serve};

#[derive(clap::Args)]
pub struct BackupOptions {
    /// The hub's directory.
    #[arg(long)]
    dir: PathBuf,
    /// The copy; there must be no such file yet.
    #[arg(long)]
    to: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreOptions {
    /// The hub's directory.
    #[arg(long)]
    dir: PathBuf,
    /// The copy that is put back; it stays where it is.
    #[arg(long)]
    from: PathBuf,
}

pub async fn backup(options: &BackupOptions) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    let store = serve::store(&directory);
    if store.file().is_some_and(|file| !file.exists()) {
        return say::failed("cli-backup-nothing", &[("dir", options.dir.display().to_string())]);
    }
    let file = || ("file", options.to.display().to_string());
    let written = match Db::open(&store).await {
        Ok(db) => {
            let written = db.backup(&options.to).await;
            db.close().await;
            written
        }
        Err(error) => Err(error.into()),
    };
    match written {
        Ok(()) => {
            let file_at = std::path::absolute(&options.to).unwrap_or_else(|_| options.to.clone());
            // The copy is there whether or not it can be noted.
            let _ = directory.note_backup(&LastBackup { file: file_at, at: serve::now_micros() });
            say::out("cli-backup-done", &[("hub", directory.config.id.to_string()), file()]);
            ExitCode::SUCCESS
        }
        Err(BackupError::TargetExists { .. }) => say::failed("cli-backup-exists", &[file()]),
        Err(BackupError::Store(error)) => say::failed("cli-backup-failed", &[file(), ("cause", error.to_string())]),
        // A database server has its own tools.
        Err(_) => say::failed("cli-backup-other-tools", &[]),
    }
}

pub async fn restore(options: &RestoreOptions) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    if serve::store(&directory).file().is_none() {
        return say::failed("cli-backup-other-tools", &[]);
    }
    // Held to the end, so that the hub is not started meanwhile.
    let _running = match directory.lock() {
        Ok(lock) => lock,
        Err(e) => return say::directory(&e),
    };
    let draft = beside(&directory.data(), "restoring");
    let put_back = put_back(&directory, &options.from, &draft).await;
    if put_back.is_err() {
        remove(&draft);
    }
    let file = ("file", options.from.display().to_string());
    match put_back {
        Ok(replaced) => {
            say::out(
                "cli-restore-done",
                &[
                    ("hub", directory.config.id.to_string()),
                    file,
                    ("replaced", replaced.display().to_string()),
                    ("dir", options.dir.display().to_string()),
                ],
            );
            ExitCode::SUCCESS
        }
        Err(RestoreError::File(cause)) => say::failed("cli-restore-failed", &[file, ("cause", cause)]),
        Err(RestoreError::Open(OpenError::OtherHub { expected, got })) => {
            say::failed("cli-restore-other-hub", &[file, ("expected", expected.to_string()), ("got", got)])
        }
        Err(RestoreError::Open(OpenError::OtherMode { expected, got })) => {
            say::failed("cli-restore-other-hub", &[file, ("expected", expected.to_string()), ("got", got)])
        }
        Err(RestoreError::Open(error)) => say::failed("cli-restore-no-copy", &[file, ("cause", error.to_string())]),
    }
}

enum RestoreError {
    File(String),
    Open(OpenError),
}

impl From<std::io::Error> for RestoreError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error.to_string())
    }
}

impl From<OpenError> for RestoreError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

/// Looks into a copy of the copy, keeps what is there under another name, and puts the copy in its
/// place. The last step is one rename: before it nothing has changed.
async fn put_back(directory: &Directory, from: &Path, draft: &Path) -> Result<PathBuf, RestoreError> {
    remove(draft);
    fs::copy(from, draft)?;
    let db = Db::open(&Store::in_file(draft.to_owned())).await.map_err(OpenError::from)?;
    let config = &directory.config;
    let looked = match schema::is_copy_of(&db, &config.id, config.mode).await {
        Ok(()) => schema::mark_restored(&db).await,
        refused => refused,
    };
    db.close().await;
    looked?;
    fs::File::open(draft)?.sync_all()?;
    let data = directory.data();
    let replaced = free(&data);
    for ending in ENDINGS {
        let (here, there) = (ended(&data, ending), ended(&replaced, ending));
        if here.exists() {
            fs::rename(here, there)?;
        }
    }
    for ending in ENDINGS {
        let here = ended(draft, ending);
        if here.exists() {
            fs::rename(here, ended(&data, ending))?;
        }
    }
    fs::File::open(&directory.path)?.sync_all()?;
    Ok(replaced)
}

/// The data and what a store keeps beside it.
const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];

fn ended(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn beside(file: &Path, word: &str) -> PathBuf {
    ended(file, &format!(".{word}"))
}

/// The first free name for what is replaced.
fn free(data: &Path) -> PathBuf {
    (1_u32..).map(|n| beside(data, &format!("replaced-{n}"))).find(|file| !file.exists()).expect("numbers do not end")
}

fn remove(draft: &Path) {
    for ending in ENDINGS {
        let _ = fs::remove_file(ended(draft, ending));
    }
}
