//! Checkpoints: the signed head of a log, and the countersignatures of its witnesses.
//!
//! Three lines, an empty line, and signatures: a C2SP signed note that any tool for transparency
//! logs reads.
//!
//! ```text
//! kul.sandbox/sandbox/log/1
//! 1024
//! <root in base64>
//!
//! — kul.sandbox/sandbox/log/1 <key id and signature in base64>
//! — hgh.sandbox/sandbox/witness <key id, time and signature in base64>
//! ```
//!
//! The origin line holds hub, mode and epoch. It is signed, it is the name of the signing key, and
//! the key's id is a hash over it: a checkpoint of a sandbox, or of another epoch, can be verified
//! in production, or as this epoch, neither by its text nor by its key.
//!
//! Sources: C2SP signed-note, tlog-checkpoint, tlog-cosignature (`cosignature/v1`).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::card::Mode;
use crate::codes::HubId;
use crate::key::{NoteKey, NoteKind, NoteSigner, Signature, SigningKey, VerifyKey, is_note_name};
use crate::log::Hash;
use crate::time::WallTime;

/// Three lines of at most 100 bytes and 16 signatures of at most 300 each.
pub const NOTE_MAX_BYTES: usize = 8_192;

/// A log and fifteen witnesses; a hub with more peers keeps the newest cosignatures.
pub const NOTE_MAX_SIGNATURES: usize = 16;

/// Longest signature of a kind that we do not know but let stand.
const SIGNATURE_MAX_BYTES: usize = 128;

const COSIGNATURE_HEADER: &str = "cosignature/v1";

/// A span of a log's life, counted from 1. A declared loss of events opens the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    pub const FIRST: Self = Self(1);

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Whose log, in which mode, since which declared loss: `kul.sandbox/sandbox/log/1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    pub hub: HubId,
    pub mode: Mode,
    pub epoch: Epoch,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/log/{}", self.hub, self.mode, self.epoch.0)
    }
}

impl FromStr for Origin {
    type Err = NoteFault;

    fn from_str(text: &str) -> Result<Self, NoteFault> {
        let fault = || NoteFault::NotAnOrigin { got: shown(text) };
        let mut parts = text.splitn(4, '/');
        let (Some(hub), Some(mode), Some("log"), Some(epoch)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fault());
        };
        let epoch = decimal(epoch).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0).ok_or_else(fault)?;
        let hub = hub.parse().map_err(|_| fault())?;
        Ok(Self { hub, mode: mode.parse().map_err(|_| fault())?, epoch: Epoch(epoch) })
    }
}

/// A number in digits without leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// What is wrong with a note, its signatures or its witnesses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NoteFault {
    NoteTooLong {
        bytes: usize,
        limit: usize,
    },
    /// Not three lines, an empty line and at least one signature, each line ended by a line feed.
    NotANote {
        line: usize,
    },
    /// Not `<hub>/<mode>/log/<epoch>`.
    NotAnOrigin {
        got: String,
    },
    /// Not a decimal number of leaves.
    NotASize {
        got: String,
    },
    /// Not 32 bytes in base64, or not the root of the empty tree beside size 0.
    NotARoot {
        got: String,
    },
    /// Not `— name base64`.
    NotASignature {
        line: usize,
    },
    TooManySignatures {
        limit: usize,
    },
    /// The note is not about the log that was asked for.
    OtherOrigin {
        expected: Origin,
        got: Origin,
    },
    /// The key is of the other mode: sandbox and production do not vouch for each other.
    OtherMode {
        expected: Mode,
        got: Mode,
    },
    /// The key to sign with is not that of the log's own hub.
    OtherHub {
        expected: HubId,
        got: HubId,
    },
    /// None of the keys known for this log has signed.
    NotSigned {
        origin: Origin,
    },
    /// A known key is named, but its signature is not of this text.
    BadSignature {
        name: String,
    },
    /// Not a cosignature by this witness.
    NotCosigned {
        witness: String,
    },
    /// A time before 1970 cannot be written in a cosignature.
    TimeBefore1970 {
        micros: i64,
    },
}

/// How long a log is and what it holds: the head of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub origin: Origin,
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 tree hash of them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed text, three lines.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.base64())
    }

    /// Signs the head of one's own log.
    pub fn sign(self, key: &SigningKey) -> Result<SignedCheckpoint, NoteFault> {
        must_be_mode(self.origin.mode, key.mode())?;
        if *key.hub() != self.origin.hub {
            return Err(NoteFault::OtherHub { expected: self.origin.hub, got: key.hub().clone() });
        }
        let name = self.origin.to_string();
        let id = key.verify_key().note_key(&name, NoteKind::Ed25519).id();
        let bytes = key.sign_raw(self.body().as_bytes()).as_bytes().to_vec();
        Ok(SignedCheckpoint { checkpoint: self, signatures: vec![NoteSignature { name, id, bytes }] })
    }
}

fn must_be_mode(expected: Mode, got: Mode) -> Result<(), NoteFault> {
    if expected == got { Ok(()) } else { Err(NoteFault::OtherMode { expected, got }) }
}

/// One signature line of a note. The text is the line without its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// The name of the key that it claims to be by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line by which a signer of notes signs a text.
    pub(crate) fn made(signer: &NoteSigner, text: &str) -> Self {
        let key = signer.key();
        let bytes = signer.sign_raw(text.as_bytes()).as_bytes().to_vec();
        Self { name: key.name().to_owned(), id: key.id(), bytes }
    }

    /// Whether this is that key's signature of a text; none where it is another key's line.
    pub(crate) fn holds(&self, key: &NoteKey, text: &str) -> Option<bool> {
        let signature = || <[u8; 64]>::try_from(self.bytes.as_slice()).ok().map(Signature::from_bytes);
        self.is_by(key).then(|| signature().is_some_and(|signature| key.verify_raw(text.as_bytes(), &signature)))
    }

    fn is_by(&self, key: &NoteKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "— {} {}", self.name, STANDARD.encode([&self.id[..], &self.bytes].concat()))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteFault;

    fn from_str(line: &str) -> Result<Self, NoteFault> {
        signature_line(line).ok_or(NoteFault::NotASignature { line: 1 })
    }
}

fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = (is_note_name(name) && encoded.len() <= 4 * SIGNATURE_MAX_BYTES)
        .then(|| STANDARD.decode(encoded).ok())
        .flatten()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    let fits = !signature.is_empty() && signature.len() <= SIGNATURE_MAX_BYTES;
    fits.then(|| NoteSignature { name: name.to_owned(), id: *id, bytes: signature.to_vec() })
}

impl Serialize for NoteSignature {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NoteSignature {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|fault: NoteFault| serde::de::Error::custom(format!("{fault:?}")))
    }
}

/// A checkpoint with its signatures, read but not yet verified. Its text is the note; what is read
/// from a note is written back byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    signatures: Vec<NoteSignature>,
}

impl SignedCheckpoint {
    /// What the note says; see [`Self::verify`] for whether that is so.
    #[must_use]
    pub const fn claimed(&self) -> &Checkpoint {
        &self.checkpoint
    }

    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// That one of the hub's keys has signed this head, and none of them is misused.
    pub fn verify(&self, keys: &[VerifyKey]) -> Result<&Checkpoint, NoteFault> {
        let origin = &self.checkpoint.origin;
        if let Some(key) = keys.iter().find(|key| key.mode() != origin.mode) {
            return Err(NoteFault::OtherMode { expected: key.mode(), got: origin.mode });
        }
        let body = self.checkpoint.body();
        let mut signed = false;
        for key in keys.iter().filter(|key| *key.hub() == origin.hub) {
            let key = key.note_key(&origin.to_string(), NoteKind::Ed25519);
            for line in self.signatures.iter().filter(|line| line.is_by(&key)) {
                let good = <[u8; 64]>::try_from(line.bytes.as_slice())
                    .is_ok_and(|bytes| key.verify_raw(body.as_bytes(), &Signature::from_bytes(bytes)));
                if !good {
                    return Err(NoteFault::BadSignature { name: line.name.clone() });
                }
                signed = true;
            }
        }
        if signed { Ok(&self.checkpoint) } else { Err(NoteFault::NotSigned { origin: origin.clone() }) }
    }

    /// As [`Self::verify`], for the log of this origin and no other.
    pub fn verify_for(&self, origin: &Origin, keys: &[VerifyKey]) -> Result<&Checkpoint, NoteFault> {
        if self.checkpoint.origin != *origin {
            let got = self.checkpoint.origin.clone();
            must_be_mode(origin.mode, got.mode)?;
            return Err(NoteFault::OtherOrigin { expected: origin.clone(), got });
        }
        self.verify(keys)
    }

    /// A witness says that at `now` this is the longest head of this log that it has seen, and that
    /// it extends all that it saw before. It must have checked that; see [`crate::road::receive`].
    pub fn cosign(&self, witness: &SigningKey, now: WallTime) -> Result<NoteSignature, NoteFault> {
        must_be_mode(self.checkpoint.origin.mode, witness.mode())?;
        let time = u64::try_from(now.seconds()).map_err(|_| NoteFault::TimeBefore1970 { micros: now.micros() })?;
        let signature = witness.sign_raw(self.cosigned_text(time).as_bytes());
        let key = witness.verify_key().witness_key();
        let bytes = [&time.to_be_bytes()[..], signature.as_bytes()].concat();
        Ok(NoteSignature { name: key.name().to_owned(), id: key.id(), bytes })
    }

    /// Checks a cosignature by this witness; returns when it was made, to the second.
    pub fn verify_cosignature(&self, line: &NoteSignature, witness: &VerifyKey) -> Result<WallTime, NoteFault> {
        must_be_mode(self.checkpoint.origin.mode, witness.mode())?;
        let key = witness.witness_key();
        if !line.is_by(&key) {
            return Err(NoteFault::NotCosigned { witness: key.name().to_owned() });
        }
        let bad = || NoteFault::BadSignature { name: line.name.clone() };
        let (time, signature) = line.bytes.split_first_chunk::<8>().ok_or_else(bad)?;
        let signature = Signature::from_bytes(signature.try_into().map_err(|_| bad())?);
        let time = u64::from_be_bytes(*time);
        if !key.verify_raw(self.cosigned_text(time).as_bytes(), &signature) {
            return Err(bad());
        }
        let micros = i64::try_from(time).ok().and_then(|s| s.checked_mul(1_000_000)).ok_or_else(bad)?;
        Ok(WallTime::from_micros(micros))
    }

    fn cosigned_text(&self, time: u64) -> String {
        format!("{COSIGNATURE_HEADER}\ntime {time}\n{}", self.checkpoint.body())
    }

    /// The note with one more signature; a newer one by the same key takes the place of the older.
    pub fn with(mut self, line: NoteSignature) -> Result<Self, NoteFault> {
        self.signatures.retain(|held| held.name != line.name || held.id != line.id);
        if self.signatures.len() >= NOTE_MAX_SIGNATURES {
            return Err(NoteFault::TooManySignatures { limit: NOTE_MAX_SIGNATURES });
        }
        self.signatures.push(line);
        Ok(self)
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.checkpoint.body())?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for SignedCheckpoint {
    type Err = NoteFault;

    /// Strict: extension lines, blanks, other line ends and other spellings are refused, so that
    /// one head has one text.
    fn from_str(text: &str) -> Result<Self, NoteFault> {
        if text.len() > NOTE_MAX_BYTES {
            return Err(NoteFault::NoteTooLong { bytes: text.len(), limit: NOTE_MAX_BYTES });
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, "", signatures @ .., ""] = lines.as_slice() else {
            return Err(NoteFault::NotANote { line: lines.len() });
        };
        let origin = origin.parse()?;
        let size = decimal(size).ok_or_else(|| NoteFault::NotASize { got: shown(size) })?;
        let root = Hash::from_base64(root)
            .filter(|hash| size > 0 || *hash == Hash::of_empty_tree())
            .ok_or_else(|| NoteFault::NotARoot { got: shown(root) })?;
        if signatures.is_empty() {
            return Err(NoteFault::NotANote { line: 5 });
        }
        if signatures.len() > NOTE_MAX_SIGNATURES {
            return Err(NoteFault::TooManySignatures { limit: NOTE_MAX_SIGNATURES });
        }
        let signatures = (5_usize..)
            .zip(signatures)
            .map(|(number, line)| signature_line(line).ok_or(NoteFault::NotASignature { line: number }))
            .collect::<Result<_, _>>()?;
        Ok(Self { checkpoint: Checkpoint { origin, size, root }, signatures })
    }
}

impl Serialize for SignedCheckpoint {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SignedCheckpoint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|fault: NoteFault| serde::de::Error::custom(format!("{fault:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: WallTime = WallTime::from_micros(1_795_395_600_500_000);

    fn key(hub: &str, mode: Mode) -> SigningKey {
        SigningKey::from_secret(hub.parse().unwrap(), mode, &[u8::try_from(hub.len()).unwrap(); 32])
    }

    fn head(mode: Mode, epoch: u32, size: u64) -> Checkpoint {
        let origin = Origin { hub: "kul.sandbox".parse().unwrap(), mode, epoch: Epoch(epoch) };
        Checkpoint { origin, size, root: Hash::of(&size.to_be_bytes()) }
    }

    fn note() -> SignedCheckpoint {
        head(Mode::Sandbox, 1, 1024).sign(&key("kul.sandbox", Mode::Sandbox)).unwrap()
    }

    #[test]
    fn a_signed_head_is_a_note_of_three_lines_and_signatures() {
        let witness = key("hgh.sandbox.cn", Mode::Sandbox);
        let note = note();
        let both = note.clone().with(note.cosign(&witness, NOW).unwrap()).unwrap();
        let text = both.to_string();
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines[..2], ["kul.sandbox/sandbox/log/1", "1024"]);
        assert!(lines[4].starts_with("— kul.sandbox/sandbox/log/1 "), "{text}");
        assert!(lines[5].starts_with("— hgh.sandbox.cn/sandbox/witness "), "{text}");
        let read: SignedCheckpoint = text.parse().unwrap();
        assert_eq!((read.to_string(), &read), (text, &both));
        assert_eq!(read.verify(&[key("kul.sandbox", Mode::Sandbox).verify_key()]), Ok(&head(Mode::Sandbox, 1, 1024)));
        // 1,795,395,600.5 s, cut to the second
        let at = read.verify_cosignature(&read.signatures()[1], &witness.verify_key());
        assert_eq!(at, Ok(WallTime::from_micros(1_795_395_600_000_000)));
    }

    #[test]
    fn sandbox_and_production_and_two_epochs_never_verify_each_other() {
        let keys = |mode| [key("kul.sandbox", mode).verify_key()];
        let sandbox = note();
        let refused = NoteFault::OtherMode { expected: Mode::Production, got: Mode::Sandbox };
        assert_eq!(sandbox.verify(&keys(Mode::Production)), Err(refused));
        assert!(matches!(sandbox.cosign(&key("hgh.cn", Mode::Production), NOW), Err(NoteFault::OtherMode { .. })));
        assert!(matches!(
            head(Mode::Production, 1, 9).sign(&key("kul.sandbox", Mode::Sandbox)),
            Err(NoteFault::OtherMode { .. })
        ));
        // The text of one with the signature of the other, from the same secret bytes
        for (from, to, mode) in [("/sandbox/", "/production/", Mode::Production), ("log/1", "log/2", Mode::Sandbox)] {
            let whole: SignedCheckpoint = sandbox.to_string().replace(from, to).parse().unwrap();
            assert!(matches!(
                whole.verify(&keys(mode)),
                Err(NoteFault::NotSigned { .. } | NoteFault::BadSignature { .. })
            ));
            let first: SignedCheckpoint = sandbox.to_string().replacen(from, to, 1).parse().unwrap();
            assert!(matches!(first.verify(&keys(mode)), Err(NoteFault::NotSigned { .. })));
        }
        let asked = Origin { epoch: Epoch(2), ..sandbox.claimed().origin.clone() };
        assert!(matches!(sandbox.verify_for(&asked, &keys(Mode::Sandbox)), Err(NoteFault::OtherOrigin { .. })));
    }

    #[test]
    fn a_head_signed_by_another_or_altered_after_signing_is_refused() {
        let stranger = key("hgh.sandbox.cn", Mode::Sandbox);
        assert!(matches!(note().verify(&[stranger.verify_key()]), Err(NoteFault::NotSigned { .. })));
        assert!(matches!(note().verify(&[]), Err(NoteFault::NotSigned { .. })));
        assert!(matches!(head(Mode::Sandbox, 1, 9).sign(&stranger), Err(NoteFault::OtherHub { .. })));
        let longer: SignedCheckpoint = note().to_string().replace("\n1024\n", "\n1025\n").parse().unwrap();
        let refused = NoteFault::BadSignature { name: "kul.sandbox/sandbox/log/1".into() };
        assert_eq!(longer.verify(&[key("kul.sandbox", Mode::Sandbox).verify_key()]), Err(refused));
        let line = note().cosign(&stranger, NOW).unwrap();
        assert!(matches!(
            longer.verify_cosignature(&line, &stranger.verify_key()),
            Err(NoteFault::BadSignature { .. })
        ));
        let other = key("sin.sandbox", Mode::Sandbox).verify_key();
        assert!(matches!(note().verify_cosignature(&line, &other), Err(NoteFault::NotCosigned { .. })));
        let own = note().signatures()[0].clone();
        assert!(note().verify_cosignature(&own, &key("kul.sandbox", Mode::Sandbox).verify_key()).is_err());
        assert!(note().cosign(&stranger, WallTime::from_micros(-1)).is_err());
    }

    #[test]
    fn a_note_is_read_strictly_and_the_fault_is_named() {
        let good = note().to_string();
        type IsRight = fn(&NoteFault) -> bool;
        let cases: [(String, IsRight); 11] = [
            (good.replace("\n1024\n", "\n01024\n"), |f| matches!(f, NoteFault::NotASize { .. })),
            (good.replace("\n1024\n", "\n+1024\n"), |f| matches!(f, NoteFault::NotASize { .. })),
            (good.replace("\n1024\n", "\n99999999999999999999\n"), |f| matches!(f, NoteFault::NotASize { .. })),
            (good.replace("\n1024\n", "\n0\n"), |f| matches!(f, NoteFault::NotARoot { .. })),
            (good.replace("=\n\n", "\n\n"), |f| matches!(f, NoteFault::NotARoot { .. })),
            (good.replace("=\n\n", "=\nextension\n\n"), |f| matches!(f, NoteFault::NotANote { .. })),
            (good.replace('\n', "\r\n"), |f| matches!(f, NoteFault::NotANote { .. })),
            (good.replace("log/1\n1024", "log/0\n1024"), |f| matches!(f, NoteFault::NotAnOrigin { .. })),
            (good.replace("— kul", "-- kul"), |f| matches!(f, NoteFault::NotASignature { line: 5 })),
            (format!("{good}{}", "— a AAAAAAAA\n".repeat(16)), |f| matches!(f, NoteFault::TooManySignatures { .. })),
            (format!("{good}{}", " ".repeat(9000)), |f| matches!(f, NoteFault::NoteTooLong { .. })),
        ];
        for (text, is_right) in cases {
            let fault = text.parse::<SignedCheckpoint>().unwrap_err();
            assert!(is_right(&fault), "{fault:?} for {text:?}");
        }
        assert_eq!(good.trim_end().parse::<SignedCheckpoint>(), Err(NoteFault::NotANote { line: 5 }));
    }

    #[test]
    fn a_witness_that_signs_again_replaces_its_line_and_the_number_is_limited() {
        let mut note = note();
        for n in 0..20 {
            let witness = SigningKey::from_secret(format!("w-{n}").parse().unwrap(), Mode::Sandbox, &[n; 32]);
            for later in 0..2 {
                let line = note.cosign(&witness, NOW.plus_seconds(later)).unwrap();
                match note.clone().with(line) {
                    Ok(more) => note = more,
                    Err(fault) => assert_eq!(fault, NoteFault::TooManySignatures { limit: 16 }),
                }
            }
        }
        assert_eq!(note.signatures().len(), 16);
        assert!(note.to_string().len() <= NOTE_MAX_BYTES);
        assert_eq!(note.to_string().parse(), Ok(note));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_text_never_panics(text in "(?s).{0,300}", lines in "([a-z/0-9—+= ]{0,40}\n){0,8}") {
            let _ = text.parse::<SignedCheckpoint>();
            let _ = lines.parse::<SignedCheckpoint>();
            let _ = text.parse::<NoteSignature>();
        }

        #[test]
        fn no_altered_note_verifies(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = note().to_string().into_bytes();
            let position = position.index(bytes.len());
            prop_assume!(bytes[position] != byte);
            bytes[position] = byte;
            if let Ok(text) = String::from_utf8(bytes) {
                let verified = text.parse::<SignedCheckpoint>().and_then(|n| {
                    n.verify(&[key("kul.sandbox", Mode::Sandbox).verify_key()]).cloned()
                });
                prop_assert!(verified.is_err());
            }
        }
    }
}
