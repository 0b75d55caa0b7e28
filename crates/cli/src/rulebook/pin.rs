//! `ehub rules pin`, and the packs that a hub starts with.
//!
//! A hub's directory holds under `rules/` the packs that its operator has pinned, copied whole, and
//! `pins.toml`: the digest of each, and the keys whose signatures count. So a newer program does not bring
//! other rules with it, and what was altered in the directory is not gone by.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use trade::card::Mode;
use trade::key::NoteKey;
use trade::rulebook::{
    Folder, Pack, PackError, PackName, PinFault, Pins, Rulebooks, Standing, admit, all_there, builtin, check,
    read_folder,
};

use super::folder::Unreadable;
use super::{error_line, folder, keys, today, told_line};
use crate::directory::{Directory, write_private};
use crate::{say, serve};

const FOLDER: &str = "rules";
const PINS: &str = "pins.toml";
const PACKS: &str = "packs";

#[derive(clap::Args)]
pub struct Options {
    /// The folder of a pack, or a folder of such folders. Without one, what is pinned is told.
    dirs: Vec<PathBuf>,
    /// The hub's directory.
    #[arg(long)]
    dir: PathBuf,
    /// A public key whose signatures count from now on; may be given several times.
    #[arg(long)]
    trust: Vec<String>,
}

/// `rules/pins.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PinFile {
    /// When this was last changed, in microseconds since 1970 UTC: the hub's card is at least as new.
    at: i64,
    #[serde(default)]
    trusted: Vec<String>,
    #[serde(default)]
    packs: BTreeMap<String, String>,
}

/// Why a hub does not start with its packs; each is a line or several.
#[derive(Debug)]
pub enum Refused {
    Unreadable { path: PathBuf, cause: String },
    Errors(Vec<PackError>),
    Pin { folder: String, fault: PinFault },
}

impl Refused {
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Unreadable { path, cause } => {
                vec![say::text("cli-unreadable", &[("path", path.display().to_string()), ("cause", cause.clone())])]
            }
            Self::Errors(errors) => errors.iter().map(error_line).collect(),
            Self::Pin { folder, fault } if folder.is_empty() => vec![told_line(fault)],
            Self::Pin { folder, fault } => vec![format!("{folder}: {}", told_line(fault))],
        }
    }
}

impl From<Unreadable> for Refused {
    fn from(Unreadable { path, cause }: Unreadable) -> Self {
        Self::Unreadable { path, cause }
    }
}

/// The packs of a hub, and when its operator last changed them (0: never).
pub struct Loaded {
    pub books: Rulebooks,
    pub changed: i64,
}

/// What a hub starts with: the packs of the program, then what is pinned in its directory or, where a
/// folder is given, what lies there. Production goes only by what is signed and pinned once anything is.
pub fn load(directory: &Directory, from: Option<&Path>) -> Result<Loaded, Refused> {
    let root = directory.path.join(FOLDER);
    let file = read_pins(&root)?;
    let mode = directory.config.mode;
    let mut books = builtin().map_err(Refused::Errors)?;
    let folders = match from {
        Some(dir) => folder::read(&[dir.to_owned()])?,
        None if root.join(PACKS).is_dir() => folder::read(&[root.join(PACKS)])?,
        None => Vec::new(),
    };
    let pins = file.as_ref().map(pins).transpose()?.unwrap_or_default();
    for folder in folders.iter().filter(|folder| !folder.files.is_empty()) {
        let packs = read_folder(folder).map_err(Refused::Errors)?;
        let stands = stand(folder, &packs, &pins, mode, &books)?;
        for (pack, (_, standing)) in packs.into_iter().zip(stands) {
            books.replace(pack, standing);
        }
    }
    let used = books.in_use();
    all_there(&pins, |pack| pins.packs.get(pack) == used.get(pack).map(|used| &used.digest))
        .map_err(|fault| Refused::Pin { folder: String::new(), fault })?;
    if mode == Mode::Production && !pins.packs.is_empty() {
        books.retain(|pack| pins.packs.contains_key(pack));
    }
    Ok(Loaded { books, changed: file.map_or(0, |file| file.at) })
}

/// How the packs of a folder may be gone by. What is to the byte as it came with the program needs nobody
/// to vouch for it.
fn stand(
    folder: &Folder,
    packs: &[Pack],
    pins: &Pins,
    mode: Mode,
    books: &Rulebooks,
) -> Result<Vec<(PackName, Standing)>, Refused> {
    let used = books.in_use();
    let is_built_in = |pack: &Pack| used.get(&pack.name()).is_some_and(|own| own.digest == **pack.digest());
    let pinned = |pack: &Pack| pins.packs.get(&pack.name()) == Some(&pack.digest().to_string());
    let unsigned = trade::rulebook::note_of(folder).is_none();
    if unsigned && packs.iter().all(|pack| is_built_in(pack) && (pinned(pack) || mode == Mode::Sandbox)) {
        let standing = |pack: &Pack| Standing { built_in: true, pinned: pinned(pack), vouched: None };
        return Ok(packs.iter().map(|pack| (pack.name(), standing(pack))).collect());
    }
    admit(folder, packs, pins, mode, today()).map_err(|fault| Refused::Pin { folder: folder.name.clone(), fault })
}

fn read_pins(root: &Path) -> Result<Option<PinFile>, Refused> {
    let path = root.join(PINS);
    let unreadable = |cause: String| Refused::Unreadable { path: path.clone(), cause };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(toml::from_str(&text).map_err(|e| unreadable(e.to_string()))?)),
        // Pinned packs without their pins: somebody took the file away.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && !root.join(PACKS).exists() => Ok(None),
        Err(e) => Err(unreadable(e.to_string())),
    }
}

fn pins(file: &PinFile) -> Result<Pins, Refused> {
    let broken = |got: &str| Refused::Unreadable { path: PathBuf::from(PINS), cause: got.to_owned() };
    let trusted = file.trusted.iter().map(|key| key.parse().map_err(|_| broken(key))).collect::<Result<_, _>>()?;
    let packs = file
        .packs
        .iter()
        .map(|(pack, digest)| Ok((PackName::parse(pack).ok_or_else(|| broken(pack))?, digest.clone())));
    Ok(Pins { trusted, packs: packs.collect::<Result<_, Refused>>()? })
}

pub fn run(options: &Options) -> ExitCode {
    let directory = match Directory::open(&options.dir) {
        Ok(directory) => directory,
        Err(e) => return say::directory(&e),
    };
    if options.dirs.is_empty() && options.trust.is_empty() {
        return show(&directory);
    }
    let trusted = match keys(&options.trust) {
        Ok(trusted) => trusted,
        Err(code) => return code,
    };
    match pin(&directory, &options.dirs, &trusted) {
        Ok(pinned) => {
            for (pack, standing) in pinned {
                say::out("rules-pinned", &[("pack", pack.to_string()), ("signer", signer(&standing))]);
            }
            say::out("rules-pinned-next", &[("dir", options.dir.display().to_string())]);
            ExitCode::SUCCESS
        }
        Err(refused) => {
            refused.lines().iter().for_each(say::fault);
            ExitCode::FAILURE
        }
    }
}

/// By whom a pack is vouched for, in words.
fn signer(standing: &Standing) -> String {
    match &standing.vouched {
        Some(vouched) => vouched.signer.clone(),
        None if standing.built_in => say::text("rules-built-in", &[]),
        None => say::text("rules-unsigned", &[]),
    }
}

fn show(directory: &Directory) -> ExitCode {
    match load(directory, None) {
        Ok(loaded) => {
            for (pack, used) in loaded.books.in_use() {
                let standing = loaded.books.standing(&pack);
                let pinned = say::text(if standing.pinned { "rules-is-pinned" } else { "rules-is-not-pinned" }, &[]);
                say::line(format!("{pack}  {}  {}  {pinned}", used.digest, signer(standing)));
            }
            ExitCode::SUCCESS
        }
        Err(refused) => {
            refused.lines().iter().for_each(say::fault);
            ExitCode::FAILURE
        }
    }
}

/// Copies packs into a hub's directory and pins them, beside those that are pinned. They are gone by when
/// the hub is started again. Nothing changes if anything is wrong.
pub fn pin(directory: &Directory, dirs: &[PathBuf], trust: &[NoteKey]) -> Result<Vec<(PackName, Standing)>, Refused> {
    let root = directory.path.join(FOLDER);
    let held = read_pins(&root)?.unwrap_or_default();
    let ready = prepare(held, directory.config.mode, dirs, trust)?;
    keep(&root, &ready).map_err(|e| Refused::Unreadable { path: root.clone(), cause: e.to_string() })?;
    Ok(ready.pinned)
}

/// Packs that may be pinned, and the pins as they will be.
pub struct Ready {
    file: PinFile,
    folders: Vec<Folder>,
    pinned: Vec<(PackName, Standing)>,
}

/// What pinning would do, without doing it.
fn prepare(mut file: PinFile, mode: Mode, dirs: &[PathBuf], trust: &[NoteKey]) -> Result<Ready, Refused> {
    for key in trust.iter().map(ToString::to_string) {
        if !file.trusted.contains(&key) {
            file.trusted.push(key);
        }
    }
    let built = builtin().map_err(Refused::Errors)?;
    let mut folders_kept = Vec::new();
    let mut pinned = Vec::new();
    for dir in dirs {
        let folders = if dir.as_os_str() == "built-in" {
            trade::rulebook::builtin_folders()
        } else {
            folder::read(std::slice::from_ref(dir))?
        };
        for folder in folders {
            let packs = read_folder(&folder).map_err(Refused::Errors)?;
            // Terms of delivery are the same for every hub, and come with the program.
            if packs.iter().any(|pack| matches!(pack, Pack::Incoterms(..))) {
                continue;
            }
            let errors: Vec<_> = packs.iter().filter_map(|pack| check(pack, today()).err()).flatten().collect();
            if !errors.is_empty() {
                return Err(Refused::Errors(errors));
            }
            file.packs.extend(packs.iter().map(|pack| (pack.name().to_string(), pack.digest().to_string())));
            pinned.extend(stand(&folder, &packs, &pins(&file)?, mode, &built)?);
            let place = place_of(&packs).unwrap_or_else(|| folder.name.clone());
            folders_kept.push(Folder { name: place, files: folder.files });
        }
    }
    file.at = serve::now_micros();
    Ok(Ready { file, folders: folders_kept, pinned })
}

/// Where packs lie in a hub's directory: by what they rule, so that a newer version takes the older's place.
fn place_of(packs: &[Pack]) -> Option<String> {
    let (file, _) = packs.first()?.files().first()?;
    file.split_once('/').map(|(folder, _)| folder.to_owned())
}

/// Writes the packs beside those that there are, then the pins: a hub that starts in between finds packs
/// that are not as pinned, and says so.
fn keep(root: &Path, ready: &Ready) -> std::io::Result<()> {
    let packs = root.join(PACKS);
    fs::create_dir_all(&packs)?;
    for folder in &ready.folders {
        let (draft, place) = (root.join(format!("{}.new", folder.name)), packs.join(&folder.name));
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        fs::create_dir_all(&draft)?;
        for (name, bytes) in &folder.files {
            fs::write(draft.join(name), bytes)?;
        }
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(&draft, &place)?;
    }
    let text = toml::to_string(&ready.file).map_err(std::io::Error::other)?;
    write_private(&root.join(PINS), text.as_bytes()).map_err(|e| std::io::Error::other(format!("{e:?}")))
}

/// What is to be pinned in a hub that is not made yet, so that none is made if anything is wrong; says what.
pub fn ready(mode: Mode, dir: Option<&PathBuf>, trust: &[String]) -> Result<Option<Ready>, ExitCode> {
    let trusted = keys(trust)?;
    let Some(dir) = dir else { return Ok(None) };
    match prepare(PinFile::default(), mode, std::slice::from_ref(dir), &trusted) {
        Ok(ready) => Ok(Some(ready)),
        Err(refused) => {
            refused.lines().iter().for_each(say::fault);
            Err(ExitCode::FAILURE)
        }
    }
}

/// Pins what was found to be in order.
pub fn keep_in(directory: &Directory, ready: &Ready) -> Result<(), ExitCode> {
    let root = directory.path.join(FOLDER);
    keep(&root, ready).map_err(|e| {
        say::failed("cli-dir-unwritable", &[("path", root.display().to_string()), ("cause", e.to_string())])
    })
}

#[cfg(test)]
mod tests {
    use trade::key::NoteSigner;
    use trade::rulebook::{PackNote, SIGNATURE_FILE, builtin_folders};

    use super::*;
    use crate::directory::tests::config;

    struct Given {
        root: PathBuf,
        hub: Directory,
        pack: PathBuf,
    }

    impl Given {
        /// A hub, and beside it the pack of Malaysia, signed.
        fn new(name: &str, mode: Mode) -> Self {
            let root = std::env::temp_dir().join(format!("ehub-pins-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&root);
            let config = crate::directory::Config { mode, ..config() };
            let hub = Directory::init(&root.join("hub"), &config, |bytes| bytes.fill(9)).unwrap();
            let pack = root.join("pack");
            fs::create_dir_all(&pack).unwrap();
            let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "my").unwrap();
            // A remark: another digest than the pack of the program.
            folder.files[0].1.extend(b"# draft\n");
            let note = PackNote::sign(&read_folder(&folder).unwrap(), jiff::civil::date(2026, 1, 1), &signer());
            folder.files.push((SIGNATURE_FILE.to_owned(), note.to_string().into_bytes()));
            for (name, bytes) in &folder.files {
                fs::write(pack.join(name), bytes).unwrap();
            }
            Self { root, hub, pack }
        }

        fn refused(&self) -> PinFault {
            match load(&self.hub, None) {
                Err(Refused::Pin { fault, .. }) => fault,
                Err(other) => panic!("{other:?}"),
                Ok(_) => panic!("the hub goes by it"),
            }
        }
    }

    impl Drop for Given {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.root);
        }
    }

    fn signer() -> NoteSigner {
        NoteSigner::from_secret("policy.example", &[7; 32]).unwrap()
    }

    fn my() -> PackName {
        PackName::parse("MY").unwrap()
    }

    #[test]
    fn a_pinned_pack_takes_the_place_of_the_built_in_one_and_production_keeps_no_other() {
        for mode in [Mode::Sandbox, Mode::Production] {
            let given = Given::new(&format!("place-{mode}"), mode);
            let before = load(&given.hub, None).unwrap();
            assert_eq!(before.changed, 0);
            pin(&given.hub, std::slice::from_ref(&given.pack), &[signer().key()]).unwrap();
            let after = load(&given.hub, None).unwrap();
            assert_ne!(before.books.in_use()[&my()].digest, after.books.in_use()[&my()].digest);
            let standing = after.books.standing(&my());
            assert!(standing.pinned && !standing.built_in);
            assert_eq!(standing.vouched.as_ref().unwrap().signer, signer().key().short());
            // In production no other law stays; what goods must be known by to fly does.
            let law = after.books.in_use().into_keys().filter(|pack| !pack.as_str().starts_with("transport/"));
            assert_eq!(law.count() == 1, mode == Mode::Production);
            assert!(after.changed > 0);
        }
    }

    #[test]
    fn a_byte_a_file_more_or_a_file_less_in_the_directory_is_refused_at_the_start() {
        let given = Given::new("tamper", Mode::Production);
        pin(&given.hub, std::slice::from_ref(&given.pack), &[signer().key()]).unwrap();
        let kept = given.hub.path.join("rules/packs/my");
        let original = fs::read(kept.join("risk.toml")).unwrap();

        fs::write(kept.join("risk.toml"), [&original[..], b"\n"].concat()).unwrap();
        assert!(matches!(given.refused(), PinFault::Note(trade::rulebook::NoteFault::PackAltered { .. })));
        fs::write(kept.join("risk.toml"), &original).unwrap();

        fs::write(kept.join("more.toml"), "# nothing\n").unwrap();
        assert!(matches!(given.refused(), PinFault::Note(trade::rulebook::NoteFault::PackAltered { .. })));
        fs::remove_file(kept.join("more.toml")).unwrap();

        fs::remove_file(kept.join("risk.toml")).unwrap();
        assert!(matches!(given.refused(), PinFault::Note(trade::rulebook::NoteFault::PackAltered { .. })));
        fs::write(kept.join("risk.toml"), &original).unwrap();
        assert!(load(&given.hub, None).is_ok());

        // Signed anew by somebody else, and even by the trusted key: it is not what was pinned.
        fs::write(kept.join("risk.toml"), [&original[..], b"\n"].concat()).unwrap();
        fs::remove_file(kept.join(SIGNATURE_FILE)).unwrap();
        let folder = folder::read(std::slice::from_ref(&kept)).map_err(|e| e.cause).unwrap().remove(0);
        let packs = read_folder(&folder).unwrap();
        for (by, pinned) in [(NoteSigner::from_secret("stranger", &[1; 32]).unwrap(), false), (signer(), true)] {
            let note = PackNote::sign(&packs, jiff::civil::date(2026, 1, 1), &by).to_string();
            fs::write(kept.join(SIGNATURE_FILE), note).unwrap();
            assert_eq!(matches!(given.refused(), PinFault::PackNotAsPinned { .. }), pinned);
        }

        fs::remove_dir_all(&kept).unwrap();
        assert!(matches!(given.refused(), PinFault::PinnedPackMissing { .. }));
        fs::remove_file(given.hub.path.join("rules/pins.toml")).unwrap();
        assert!(matches!(load(&given.hub, None), Err(Refused::Unreadable { .. })));
    }

    #[test]
    fn nothing_is_pinned_in_production_that_nobody_trusted_has_signed() {
        let given = Given::new("unsigned", Mode::Production);
        let refused = pin(&given.hub, std::slice::from_ref(&given.pack), &[]).unwrap_err();
        assert!(matches!(refused, Refused::Pin { fault: PinFault::Note(_), .. }));
        fs::remove_file(given.pack.join(SIGNATURE_FILE)).unwrap();
        let refused = pin(&given.hub, std::slice::from_ref(&given.pack), &[signer().key()]).unwrap_err();
        assert!(matches!(refused, Refused::Pin { fault: PinFault::Note(_), .. }));
        assert!(!given.hub.path.join("rules").exists());
        // What came with the program needs nobody to vouch for it.
        pin(&given.hub, &[PathBuf::from("built-in")], &[]).unwrap();
        assert!(load(&given.hub, None).unwrap().books.standing(&my()).built_in);
    }

    #[test]
    fn a_sandbox_goes_by_an_unsigned_draft_and_says_that_nobody_vouches_for_it() {
        let given = Given::new("draft", Mode::Sandbox);
        fs::remove_file(given.pack.join(SIGNATURE_FILE)).unwrap();
        let loaded = load(&given.hub, Some(&given.pack)).unwrap();
        let unsigned = Standing { built_in: false, pinned: false, vouched: None };
        assert_eq!(*loaded.books.standing(&my()), unsigned);
        // Once another version is pinned, it is not.
        pin(&given.hub, &[PathBuf::from("built-in")], &[]).unwrap();
        let refused = load(&given.hub, Some(&given.pack));
        assert!(matches!(refused, Err(Refused::Pin { fault: PinFault::PackNotAsPinned { .. }, .. })));
    }
}
