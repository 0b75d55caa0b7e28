//! Which packs a hub may go by: its operator pins each by its digest and says whose signatures count.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::note::{NoteFault, PackNote, Vouched};
use super::pack::{Folder, Pack, PackName, SIGNATURE_FILE};
use crate::card::Mode;
use crate::key::NoteKey;

/// What an operator has pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    pub trusted: Vec<NoteKey>,
    /// The digest of each pack, in lower-case hex.
    pub packs: BTreeMap<PackName, String>,
}

/// How a pack came to be gone by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// It came with the program and was not loaded from a folder.
    pub built_in: bool,
    pub pinned: bool,
    /// None: nobody vouched for it. In a sandbox that is allowed and marked.
    pub vouched: Option<Vouched>,
}

impl Standing {
    pub const BUILT_IN: Self = Self { built_in: true, pinned: false, vouched: None };
}

/// Why a hub does not go by a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PinFault {
    /// The pack is not the one that the operator pinned.
    PackNotAsPinned { pack: PackName, pinned: String, got: String },
    /// Production goes only by packs that its operator has pinned.
    PackNotPinned { pack: PackName },
    /// A pinned pack is not there.
    PinnedPackMissing { pack: PackName },
    #[serde(untagged)]
    Note(NoteFault),
}

/// Whether a hub may go by the packs of a folder. A signature that is there must hold, by a trusted key;
/// without one a sandbox goes on, and marks it.
///
/// # Errors
/// The first reason against one of the packs.
pub fn admit(
    folder: &Folder,
    packs: &[Pack],
    pins: &Pins,
    mode: Mode,
    today: Date,
) -> Result<Vec<(PackName, Standing)>, PinFault> {
    let vouched = match note_of(folder) {
        None => match mode {
            Mode::Production => return Err(PinFault::Note(NoteFault::PacksUnsigned)),
            Mode::Sandbox => None,
        },
        Some(note) => Some(note?.verify(packs, &pins.trusted, today)?),
    };
    let stand = |pack: &Pack| {
        let name = pack.name();
        let pinned = match pins.packs.get(&name) {
            Some(pinned) if *pinned != **pack.digest() => {
                let (pinned, got) = (pinned.clone(), pack.digest().to_string());
                return Err(PinFault::PackNotAsPinned { pack: name, pinned, got });
            }
            Some(_) => true,
            None if mode == Mode::Production => return Err(PinFault::PackNotPinned { pack: name }),
            None => false,
        };
        Ok((name, Standing { built_in: false, pinned, vouched: vouched.clone() }))
    };
    packs.iter().map(stand).collect()
}

/// That every pinned pack is among those that a hub goes by.
///
/// # Errors
/// The first that is not.
pub fn all_there(pins: &Pins, mut has: impl FnMut(&PackName) -> bool) -> Result<(), PinFault> {
    match pins.packs.keys().find(|pack| !has(pack)) {
        Some(pack) => Err(PinFault::PinnedPackMissing { pack: pack.clone() }),
        None => Ok(()),
    }
}

/// The note beside the packs of a folder, if there is one.
#[must_use]
pub fn note_of(folder: &Folder) -> Option<Result<PackNote, NoteFault>> {
    let (_, bytes) = folder.files.iter().find(|(name, _)| name == SIGNATURE_FILE)?;
    let text = std::str::from_utf8(bytes).map_err(|_| NoteFault::PackNoteMalformed { line: 1 });
    Some(text.and_then(str::parse))
}

impl From<NoteFault> for PinFault {
    fn from(fault: NoteFault) -> Self {
        Self::Note(fault)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::{builtin_folders, read_folder};
    use super::*;
    use crate::key::NoteSigner;

    const TODAY: Date = date(2026, 12, 1);

    fn signer() -> NoteSigner {
        NoteSigner::from_secret("policy.example", &[7; 32]).unwrap()
    }

    struct Given {
        folder: Folder,
        packs: Vec<Pack>,
        pins: Pins,
    }

    impl Given {
        fn new(signed: bool, pinned: bool, trusted: bool) -> Self {
            let mut folder = builtin_folders().into_iter().find(|folder| folder.name == "sg").unwrap();
            let packs = read_folder(&folder).unwrap();
            if signed {
                let note = PackNote::sign(&packs, TODAY, &signer()).to_string();
                folder.files.push((SIGNATURE_FILE.to_owned(), note.into_bytes()));
            }
            let digest = |pack: &Pack| (pack.name(), pack.digest().to_string());
            let pins = Pins {
                trusted: if trusted { vec![signer().key()] } else { Vec::new() },
                packs: if pinned { packs.iter().map(digest).collect() } else { BTreeMap::new() },
            };
            Self { folder, packs, pins }
        }

        fn admit(&self, mode: Mode) -> Result<Standing, PinFault> {
            admit(&self.folder, &self.packs, &self.pins, mode, TODAY).map(|mut stands| stands.remove(0).1)
        }
    }

    #[test]
    fn production_goes_by_what_is_signed_pinned_and_trusted_and_by_nothing_else() {
        let admit = |signed, pinned, trusted| Given::new(signed, pinned, trusted).admit(Mode::Production);
        let standing = admit(true, true, true).unwrap();
        assert!(standing.pinned && standing.vouched.is_some());
        assert_eq!(admit(false, true, true), Err(PinFault::Note(NoteFault::PacksUnsigned)));
        assert!(matches!(admit(true, false, true), Err(PinFault::PackNotPinned { .. })));
        let refused = admit(true, true, false);
        assert!(matches!(refused, Err(PinFault::Note(NoteFault::SignerNotTrusted { .. }))), "{refused:?}");
    }

    #[test]
    fn a_sandbox_goes_by_what_nobody_signed_and_not_by_what_a_stranger_signed() {
        let admit = |signed, pinned, trusted| Given::new(signed, pinned, trusted).admit(Mode::Sandbox);
        let unsigned = Standing { built_in: false, pinned: false, vouched: None };
        assert_eq!(admit(false, false, false), Ok(unsigned));
        assert!(matches!(admit(true, false, false), Err(PinFault::Note(NoteFault::SignerNotTrusted { .. }))));
        assert!(admit(true, false, true).is_ok());
    }

    #[test]
    fn a_pack_that_is_not_as_pinned_is_refused_in_both_modes() {
        let mut given = Given::new(true, true, true);
        let other = "0".repeat(64);
        given.pins.packs.values_mut().for_each(|digest| digest.clone_from(&other));
        for mode in [Mode::Sandbox, Mode::Production] {
            assert!(matches!(given.admit(mode), Err(PinFault::PackNotAsPinned { .. })));
        }
        assert!(matches!(all_there(&given.pins, |_| false), Err(PinFault::PinnedPackMissing { .. })));
        assert_eq!(all_there(&given.pins, |_| true), Ok(()));
    }
}
