//! Who vouches for rule packs: a C2SP signed note that names every pack of a folder with its digest, and
//! the first day on which it may be gone by. It lies beside them as [`SIGNATURE_FILE`](super::SIGNATURE_FILE).
//!
//! ```text
//! ehub-rule-packs/v1
//! from 2026-12-01
//! MY 4f0c…
//!
//! — policy.example Az3grl…
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::pack::{Pack, PackName};
use crate::checkpoint::{NOTE_MAX_SIGNATURES, NoteSignature};
use crate::key::{NoteKey, NoteSigner};

const HEADER: &str = "ehub-rule-packs/v1";
/// As many packs as one folder will hold, and their signers.
const NOTE_MAX_BYTES: usize = 64 * 1024;

/// The note of a folder, read but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackNote {
    from: Date,
    packs: BTreeMap<PackName, String>,
    signatures: Vec<NoteSignature>,
}

/// Why packs are not vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NoteFault {
    /// There is no note beside the packs.
    PacksUnsigned,
    /// The note is not one; `line` counts from 1.
    PackNoteMalformed { line: usize },
    /// None of the keys that are trusted has signed.
    SignerNotTrusted { signers: Vec<String> },
    /// A trusted key is named, but its signature is not of this note.
    PackSignatureBroken { signer: String },
    /// The pack is not what was signed: something in it was altered, added or taken out.
    PackAltered { pack: PackName, signed: String, got: String },
    /// The pack lies beside those that were signed, and is not one of them.
    PackNotSigned { pack: PackName },
    /// The note names a pack that is not there.
    PackGone { pack: PackName },
    /// The note holds only from a later day on.
    PackNotYet { from: Date, today: Date },
}

/// Who vouched, and from which day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// Name and id of the key, `policy.example+1a2b3c4d`.
    pub signer: String,
    pub from: Date,
}

impl PackNote {
    /// Signs all packs of a folder, to be gone by from a day on.
    #[must_use]
    pub fn sign(packs: &[Pack], from: Date, signer: &NoteSigner) -> Self {
        let packs = packs.iter().map(|pack| (pack.name(), pack.digest().to_string())).collect();
        let mut note = Self { from, packs, signatures: Vec::new() };
        note.add(signer);
        note
    }

    /// One more signer of the same note; the same one again changes nothing.
    pub fn add(&mut self, signer: &NoteSigner) {
        let line = NoteSignature::made(signer, &self.body());
        if !self.signatures.contains(&line) && self.signatures.len() < NOTE_MAX_SIGNATURES {
            self.signatures.push(line);
        }
    }

    /// Names of the keys that it claims to be signed by.
    #[must_use]
    pub fn signers(&self) -> Vec<String> {
        self.signatures.iter().map(|line| line.name().to_owned()).collect()
    }

    /// Whether this note says what the other does, whoever has signed it.
    #[must_use]
    pub fn says_what(&self, other: &Self) -> bool {
        self.body() == other.body()
    }

    /// The first day on which the packs may be gone by.
    #[must_use]
    pub const fn from(&self) -> Date {
        self.from
    }

    fn body(&self) -> String {
        let packs: String = self.packs.iter().map(|(pack, digest)| format!("{pack} {digest}\n")).collect();
        format!("{HEADER}\nfrom {}\n{packs}", self.from)
    }

    /// That a trusted key has signed exactly these packs, for `today` or an earlier day.
    ///
    /// # Errors
    /// Why not; a trusted key's broken signature before all else.
    pub fn verify(&self, packs: &[Pack], trusted: &[NoteKey], today: Date) -> Result<Vouched, NoteFault> {
        let body = self.body();
        let mut signer = None;
        for key in trusted {
            for line in &self.signatures {
                match line.holds(key, &body) {
                    Some(false) => return Err(NoteFault::PackSignatureBroken { signer: key.short() }),
                    Some(true) => signer = signer.or_else(|| Some(key.short())),
                    None => {}
                }
            }
        }
        let signer = signer.ok_or_else(|| NoteFault::SignerNotTrusted { signers: self.signers() })?;
        for pack in packs {
            let (pack, got) = (pack.name(), pack.digest().to_string());
            match self.packs.get(&pack) {
                None => return Err(NoteFault::PackNotSigned { pack }),
                Some(signed) if *signed != got => {
                    return Err(NoteFault::PackAltered { pack, signed: signed.clone(), got });
                }
                Some(_) => {}
            }
        }
        if let Some(pack) = self.packs.keys().find(|name| packs.iter().all(|pack| pack.name() != **name)) {
            return Err(NoteFault::PackGone { pack: pack.clone() });
        }
        if today < self.from {
            return Err(NoteFault::PackNotYet { from: self.from, today });
        }
        Ok(Vouched { signer, from: self.from })
    }
}

impl fmt::Display for PackNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.body())?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for PackNote {
    type Err = NoteFault;

    /// Strict: one note has one text.
    fn from_str(text: &str) -> Result<Self, NoteFault> {
        let fault = |line| NoteFault::PackNoteMalformed { line };
        if text.len() > NOTE_MAX_BYTES {
            return Err(fault(1));
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let gap = lines.iter().position(|line| line.is_empty()).ok_or_else(|| fault(lines.len()))?;
        let (body, signatures) = (&lines[..gap], &lines[gap + 1..]);
        let [HEADER, from, packs @ ..] = body else { return Err(fault(1)) };
        let from = from.strip_prefix("from ").filter(|day| day.len() == 10).and_then(|day| day.parse().ok());
        let from = from.ok_or_else(|| fault(2))?;
        let mut named = BTreeMap::new();
        for (number, line) in (3..).zip(packs) {
            let (pack, digest) = line.split_once(' ').ok_or_else(|| fault(number))?;
            let is_digest = digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            let pack = PackName::parse(pack).filter(|_| is_digest).ok_or_else(|| fault(number))?;
            named.insert(pack, digest.to_owned());
        }
        let [signatures @ .., ""] = signatures else { return Err(fault(lines.len())) };
        if named.is_empty() || signatures.is_empty() || signatures.len() > NOTE_MAX_SIGNATURES {
            return Err(fault(gap + 1));
        }
        let signatures = (gap + 2..)
            .zip(signatures)
            .map(|(number, line)| line.parse().map_err(|_| fault(number)))
            .collect::<Result<_, _>>()?;
        let note = Self { from, packs: named, signatures };
        // Other orders, doubled lines and the like: another text of the same note.
        if note.to_string() == text { Ok(note) } else { Err(fault(3)) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::{Folder, builtin_folders, read_folder};
    use super::*;

    const FROM: Date = date(2026, 12, 1);

    fn signer(name: &str) -> NoteSigner {
        NoteSigner::from_secret(name, &[u8::try_from(name.len()).unwrap(); 32]).unwrap()
    }

    fn folder(name: &str) -> Folder {
        builtin_folders().into_iter().find(|folder| folder.name == name).unwrap()
    }

    fn verify(note: &PackNote, folder: &Folder, today: Date) -> Result<Vouched, NoteFault> {
        note.verify(&read_folder(folder).unwrap(), &[signer("policy.example").key()], today)
    }

    #[test]
    fn a_note_holds_for_the_packs_that_were_signed_from_its_day_on() {
        for name in ["sg", "lanes", "advance"] {
            let folder = folder(name);
            let note = PackNote::sign(&read_folder(&folder).unwrap(), FROM, &signer("policy.example"));
            let read: PackNote = note.to_string().parse().unwrap();
            assert_eq!(read, note);
            assert_eq!(verify(&read, &folder, FROM).unwrap().signer, signer("policy.example").key().short());
            let today = date(2026, 11, 30);
            assert_eq!(verify(&read, &folder, today), Err(NoteFault::PackNotYet { from: FROM, today }));
        }
    }

    #[test]
    fn a_note_by_somebody_else_is_not_trusted_until_one_who_is_signs_too() {
        let folder = folder("sg");
        let mut note = PackNote::sign(&read_folder(&folder).unwrap(), FROM, &signer("stranger"));
        let signers = vec!["stranger".to_owned()];
        assert_eq!(verify(&note, &folder, FROM), Err(NoteFault::SignerNotTrusted { signers }));
        note.add(&signer("policy.example"));
        assert!(verify(&note, &folder, FROM).is_ok());
        // The same name with another key
        let impostor = NoteSigner::from_secret("policy.example", &[99; 32]).unwrap();
        let forged = PackNote::sign(&read_folder(&folder).unwrap(), FROM, &impostor);
        assert!(matches!(verify(&forged, &folder, FROM), Err(NoteFault::SignerNotTrusted { .. })));
    }

    #[test]
    fn a_pack_that_is_added_or_taken_out_is_refused() {
        let lanes = folder("lanes");
        let note = PackNote::sign(&read_folder(&lanes).unwrap(), FROM, &signer("policy.example"));
        let mut fewer = lanes.clone();
        fewer.files.pop();
        assert!(matches!(verify(&note, &fewer, FROM), Err(NoteFault::PackGone { .. })));
        let note = PackNote::sign(&read_folder(&fewer).unwrap(), FROM, &signer("policy.example"));
        assert!(matches!(verify(&note, &lanes, FROM), Err(NoteFault::PackNotSigned { .. })));
    }

    #[test]
    fn what_is_no_note_is_refused_with_its_line() {
        let good = PackNote::sign(&read_folder(&folder("sg")).unwrap(), FROM, &signer("policy.example")).to_string();
        let line = |text: &str| match text.parse::<PackNote>() {
            Err(NoteFault::PackNoteMalformed { line }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line(""), 1);
        assert_eq!(line(&good.replace("/v1", "/v2")), 1);
        assert_eq!(line(&good.replace("2026-12-01", "1 Dec 2026")), 2);
        assert_eq!(line(&good.replace("SG ", "SG  ")), 3);
        assert_eq!(line(good.trim_end()), 5);
        assert_eq!(line(&good.replace("— ", "- ")), 5);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// One byte anywhere, a file added or a file removed: whatever still loads is refused.
        #[test]
        fn no_tampered_pack_is_vouched_for(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), what in 0..3) {
            let mut tampered = folder("sg");
            let original = tampered.clone();
            let note = PackNote::sign(&read_folder(&original).unwrap(), FROM, &signer("policy.example"));
            let i = file.index(tampered.files.len());
            match what {
                0 => {
                    let bytes = &mut tampered.files[i].1;
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                1 => tampered.files.push(("zz.toml".to_owned(), b"# nothing\n".to_vec())),
                _ => { tampered.files.remove(i); }
            }
            prop_assume!(tampered != original);
            if let Ok(packs) = read_folder(&tampered) {
                let verdict = note.verify(&packs, &[signer("policy.example").key()], FROM);
                let is_right = matches!(verdict, Err(NoteFault::PackAltered { .. } | NoteFault::PackNotSigned { .. }));
                prop_assert!(is_right, "{:?}", verdict);
            }
        }

        #[test]
        fn no_altered_note_verifies_and_nothing_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), noise in ".{0,200}") {
            let packs = read_folder(&folder("advance")).unwrap();
            let note = PackNote::sign(&packs, FROM, &signer("policy.example"));
            let mut bytes = note.to_string().into_bytes();
            let at = at.index(bytes.len());
            let same = bytes[at] == byte;
            bytes[at] = byte;
            if let Ok(read) = String::from_utf8_lossy(&bytes).parse::<PackNote>() {
                let verdict = read.verify(&packs, &[signer("policy.example").key()], FROM);
                prop_assert_eq!(verdict.is_ok(), same);
            }
            let _ = noise.parse::<PackNote>();
        }
    }
}
