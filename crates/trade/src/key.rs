//! Ed25519 keys of a hub, and what a signature is bound to.
//!
//! A hub has one key at a time, made from 32 secret bytes that are handed in. So that no signature
//! can be shown as another, whatever is signed begins differently by mode and purpose:
//!
//! | what is signed | begins with |
//! |---|---|
//! | [`SigningKey::sign_bytes`] | `ehub-signature/v1`, the mode, the purpose, a line each |
//! | a checkpoint ([`crate::checkpoint`]) | its origin `<hub>/<mode>/log/<epoch>` |
//! | a cosignature of a peer's checkpoint | `cosignature/v1`, then the peer's origin with its mode |
//! | a note on rule packs ([`crate::rulebook::PackNote`]) | `ehub-rule-packs/v1`, by a [`NoteSigner`] |
//! | an HTTP request ([`crate::http_signature`]) | `"@method": `, with mode and purpose in its `tag` |
//!
//! No hub id holds a slash, so no origin is one of the other first lines. Keys are written as C2SP
//! signed-note verifier keys, `name+id+base64`; the id is a hash over name, kind and key, so that
//! a key of the sandbox and the same key in production have different ids.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::card::Mode;
use crate::codes::HubId;

/// Longest name of a note key that is read; ours have at most 60 characters.
const NAME_MAX_BYTES: usize = 120;

/// What a signature over bytes says. A checkpoint and its cosignature have their own forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The importing hub stands by a quoted landed cost.
    Quote,
    /// Events pushed over a road.
    Batch,
    /// How far a peer's events have been applied.
    Receipt,
    /// A hub's card.
    Card,
    /// An HTTP request between hubs.
    Request,
    /// A log begins anew after a declared loss.
    Epoch,
    /// A trade-file bundle.
    Bundle,
    /// A dated rule pack.
    RulePack,
    /// What the deciding node of a hub answered another of its nodes.
    Answer,
    /// That a permit of this hub's agency stands behind declared goods.
    Permit,
    /// Whether somebody has financed the invoice behind an export declaration.
    Finance,
    /// What the hub's rules give for a question that anybody asked.
    Statement,
}

impl Purpose {
    pub const ALL: [Self; 12] = [
        Self::Quote,
        Self::Batch,
        Self::Receipt,
        Self::Card,
        Self::Request,
        Self::Epoch,
        Self::Bundle,
        Self::RulePack,
        Self::Answer,
        Self::Permit,
        Self::Finance,
        Self::Statement,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Batch => "batch",
            Self::Receipt => "receipt",
            Self::Card => "card",
            Self::Request => "request",
            Self::Epoch => "epoch",
            Self::Bundle => "bundle",
            Self::RulePack => "rule-pack",
            Self::Answer => "answer",
            Self::Permit => "permit",
            Self::Finance => "finance",
            Self::Statement => "statement",
        }
    }
}

/// Mode and purpose of a signature, as an HTTP signature's `tag` writes it: `ehub/v1/sandbox/quote`.
#[must_use]
pub fn context(mode: Mode, purpose: Purpose) -> String {
    format!("ehub/v1/{mode}/{}", purpose.as_str())
}

/// What is really signed: two parties that sign the same bytes for different ends sign differently.
fn bound(mode: Mode, purpose: Purpose, bytes: &[u8]) -> Vec<u8> {
    let mut message = format!("ehub-signature/v1\n{mode}\n{}\n", purpose.as_str()).into_bytes();
    message.extend_from_slice(bytes);
    message
}

/// Why a key or a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum KeyFault {
    /// Not `name+id+base64`.
    NotAKey { got: String },
    /// Not a name that a signed note allows, or not that of a hub's key.
    KeyName { got: String },
    /// Only Ed25519 (1) and Ed25519 cosignatures (4) are known.
    KeyKind { got: u8 },
    /// The id written is not that of the name and key beside it.
    KeyId { expected: String, got: String },
    /// The bytes are not a point of the curve, or one that signs anything.
    NotAPoint { name: String },
    /// None of these keys made this signature for this purpose.
    BadSignature { purpose: Purpose, keys: Vec<String> },
}

/// A signature of 64 bytes. Base64 on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// 88 characters.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        (text.len() == 88).then(|| STANDARD.decode(text).ok()).flatten()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base64())
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.base64())
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::from_base64(&text).ok_or_else(|| serde::de::Error::custom("not 64 bytes in base64"))
    }
}

/// A hub's secret key. It is never written: not in JSON, not in debug output.
#[derive(Clone)]
pub struct SigningKey {
    hub: HubId,
    mode: Mode,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// From 32 bytes of good randomness, handed in.
    #[must_use]
    pub fn from_secret(hub: HubId, mode: Mode, secret: &[u8; 32]) -> Self {
        Self { hub, mode, key: ed25519_dalek::SigningKey::from_bytes(secret) }
    }

    #[must_use]
    pub const fn hub(&self) -> &HubId {
        &self.hub
    }

    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    #[must_use]
    pub fn verify_key(&self) -> VerifyKey {
        VerifyKey { hub: self.hub.clone(), mode: self.mode, key: self.key.verifying_key() }
    }

    /// Signs bytes for one purpose, in the mode of this hub.
    #[must_use]
    pub fn sign_bytes(&self, purpose: Purpose, bytes: &[u8]) -> Signature {
        self.sign_raw(&bound(self.mode, purpose, bytes))
    }

    /// For forms that bind mode and purpose themselves; see the table above.
    pub(crate) fn sign_raw(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret key of {}", self.verify_key().id())
    }
}

/// The public key of a hub, by which others check what it signed. Its text is a C2SP verifier key
/// of the name `<hub>/<mode>`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifyKey {
    hub: HubId,
    mode: Mode,
    key: VerifyingKey,
}

impl VerifyKey {
    #[must_use]
    pub const fn hub(&self) -> &HubId {
        &self.hub
    }

    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Name and key id, `kul.sandbox/sandbox+1a2b3c4d`: names the key without giving it.
    #[must_use]
    pub fn id(&self) -> String {
        let note = self.note_key(&self.name(), NoteKind::Ed25519);
        format!("{}+{}", note.name, hex8(note.id()))
    }

    fn name(&self) -> String {
        format!("{}/{}", self.hub, self.mode)
    }

    /// This key under another name and kind, as logs and witnesses name theirs.
    #[must_use]
    pub fn note_key(&self, name: &str, kind: NoteKind) -> NoteKey {
        NoteKey { name: name.to_owned(), kind, key: self.key }
    }

    /// The key by which this hub countersigns its peers' checkpoints: `<hub>/<mode>/witness`.
    #[must_use]
    pub fn witness_key(&self) -> NoteKey {
        self.note_key(&format!("{}/witness", self.name()), NoteKind::Cosignature)
    }

    /// Checks a signature made by [`SigningKey::sign_bytes`] for the same purpose in the same mode.
    pub fn verify_bytes(&self, purpose: Purpose, bytes: &[u8], signature: &Signature) -> Result<(), KeyFault> {
        if self.verify_raw(&bound(self.mode, purpose, bytes), signature) {
            Ok(())
        } else {
            Err(KeyFault::BadSignature { purpose, keys: vec![self.id()] })
        }
    }

    pub(crate) fn verify_raw(&self, message: &[u8], signature: &Signature) -> bool {
        verify_strictly(&self.key, message, signature)
    }
}

/// Refuses the few odd points by which one signature fits many messages.
fn verify_strictly(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
    key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
}

/// Checks a signature by any of a hub's keys; returns the one that made it.
pub fn verify_bytes<'k>(
    keys: &'k [VerifyKey],
    purpose: Purpose,
    bytes: &[u8],
    signature: &Signature,
) -> Result<&'k VerifyKey, KeyFault> {
    keys.iter()
        .find(|key| key.verify_bytes(purpose, bytes, signature).is_ok())
        .ok_or_else(|| KeyFault::BadSignature { purpose, keys: keys.iter().map(VerifyKey::id).collect() })
}

impl fmt::Display for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note_key(&self.name(), NoteKind::Ed25519).fmt(f)
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifyKey {
    type Err = KeyFault;

    fn from_str(text: &str) -> Result<Self, KeyFault> {
        let note: NoteKey = text.parse()?;
        let named = || KeyFault::KeyName { got: shown(&note.name) };
        if note.kind != NoteKind::Ed25519 {
            return Err(KeyFault::KeyKind { got: note.kind.byte() });
        }
        let (hub, mode) = note.name.split_once('/').ok_or_else(named)?;
        let hub = hub.parse().map_err(|_| named())?;
        let mode = mode.parse().map_err(|_| named())?;
        Ok(Self { hub, mode, key: note.key })
    }
}

impl Serialize for VerifyKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifyKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|fault: KeyFault| serde::de::Error::custom(format!("{fault:?}")))
    }
}

/// How a note key signs (C2SP signed-note, signature types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoteKind {
    /// 1: Ed25519 over the text of the note.
    Ed25519,
    /// 4: Ed25519 over a time and the text, `cosignature/v1`.
    Cosignature,
}

impl NoteKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A verifier key of the signed-note format: `name+id+base64(kind ‖ key)`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NoteKey {
    name: String,
    kind: NoteKind,
    key: VerifyingKey,
}

impl NoteKey {
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn kind(&self) -> NoteKind {
        self.kind
    }

    /// Name and key id, `policy.example+1a2b3c4d`: names the key without giving it.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}+{}", self.name, hex8(self.id()))
    }

    /// First four bytes of SHA-256(name ‖ line feed ‖ kind ‖ key).
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new()
            .chain_update(&self.name)
            .chain_update([b'\n', self.kind.byte()])
            .chain_update(self.key.as_bytes())
            .finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    pub(crate) fn verify_raw(&self, message: &[u8], signature: &Signature) -> bool {
        verify_strictly(&self.key, message, signature)
    }
}

/// A secret key of the signed-note format: `PRIVATE+KEY+name+id+base64(kind ‖ 32 secret bytes)`. Whoever
/// makes rule packs has one; it need not be a hub.
#[derive(Clone)]
pub struct NoteSigner {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl NoteSigner {
    /// From 32 bytes of good randomness, handed in.
    ///
    /// # Errors
    /// The name is not one that a signed note allows.
    pub fn from_secret(name: &str, secret: &[u8; 32]) -> Result<Self, KeyFault> {
        if !is_note_name(name) {
            return Err(KeyFault::KeyName { got: shown(name) });
        }
        Ok(Self { name: name.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(secret) })
    }

    /// The key by which others check what it signed.
    #[must_use]
    pub fn key(&self) -> NoteKey {
        NoteKey { name: self.name.clone(), kind: NoteKind::Ed25519, key: self.key.verifying_key() }
    }

    pub(crate) fn sign_raw(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).to_bytes())
    }

    /// As it is kept in a file of its owner.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let bytes = [&[NoteKind::Ed25519.byte()][..], self.key.as_bytes()].concat();
        format!("PRIVATE+KEY+{}+{}+{}", self.name, hex8(self.key().id()), STANDARD.encode(bytes))
    }

    /// Reads [`Self::secret_text`] back. A fault never shows what was read.
    ///
    /// # Errors
    /// It is not such a text, or its id is not that of its name and key.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyFault> {
        let malformed = || KeyFault::NotAKey { got: "PRIVATE+KEY+…".to_owned() };
        let mut parts = text.trim().strip_prefix("PRIVATE+KEY+").ok_or_else(malformed)?.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
        let Some((1, secret)) = bytes.split_first() else { return Err(malformed()) };
        let signer = Self::from_secret(name, secret.try_into().map_err(|_| malformed())?)?;
        let expected = hex8(signer.key().id());
        if expected == id { Ok(signer) } else { Err(KeyFault::KeyId { expected, got: shown(id) }) }
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret key of {}", self.name)
    }
}

fn hex8(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Whether a signed note may carry this key name: not empty, no blank, no plus sign.
#[must_use]
pub fn is_note_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX_BYTES
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.byte()];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex8(self.id()), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NoteKey {
    type Err = KeyFault;

    fn from_str(text: &str) -> Result<Self, KeyFault> {
        let malformed = || KeyFault::NotAKey { got: shown(text) };
        // Base64 may hold a plus sign too, so only the first two cut.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        if !is_note_name(name) {
            return Err(KeyFault::KeyName { got: shown(name) });
        }
        if encoded.len() != 44 {
            return Err(malformed());
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed())?;
        let (kind, public) = bytes.split_first().ok_or_else(malformed)?;
        let kind = match kind {
            1 => NoteKind::Ed25519,
            4 => NoteKind::Cosignature,
            got => return Err(KeyFault::KeyKind { got: *got }),
        };
        let public: &[u8; 32] = public.try_into().map_err(|_| malformed())?;
        let key = VerifyingKey::from_bytes(public)
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or_else(|| KeyFault::NotAPoint { name: name.to_owned() })?;
        let key = Self { name: name.to_owned(), kind, key };
        let expected = hex8(key.id());
        if expected == id { Ok(key) } else { Err(KeyFault::KeyId { expected, got: shown(id) }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(mode: Mode) -> SigningKey {
        SigningKey::from_secret("kul.sandbox".parse().unwrap(), mode, &[7; 32])
    }

    #[test]
    fn a_signature_holds_for_one_purpose_in_one_mode_only() {
        let (sandbox, production) = (key(Mode::Sandbox), key(Mode::Production));
        for purpose in Purpose::ALL {
            let signature = sandbox.sign_bytes(purpose, b"MYR 100.00");
            for other in Purpose::ALL {
                let verdict = sandbox.verify_key().verify_bytes(other, b"MYR 100.00", &signature);
                assert_eq!(verdict.is_ok(), other == purpose, "{purpose:?} shown as {other:?}");
                // The same 32 secret bytes in the other mode
                assert!(production.verify_key().verify_bytes(other, b"MYR 100.00", &signature).is_err());
            }
            assert!(sandbox.verify_key().verify_bytes(purpose, b"MYR 900.00", &signature).is_err());
        }
        assert_ne!(sandbox.verify_key().id(), production.verify_key().id());
    }

    #[test]
    fn keys_published_by_others_are_read_and_check_what_they_signed() {
        // The verifier key of the Go checksum database.
        let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let go: NoteKey = text.parse().unwrap();
        assert_eq!((go.name(), go.to_string().as_str()), ("sum.golang.org", text));
        // The example key and note of Go's note package.
        let neumann: NoteKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let line = STANDARD
            .decode("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=")
            .unwrap();
        let signature = Signature::from_bytes(line[4..].try_into().unwrap());
        let said =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        assert_eq!(line[..4], neumann.id());
        assert!(neumann.verify_raw(said.as_bytes(), &signature));
        assert!(!neumann.verify_raw(said.to_uppercase().as_bytes(), &signature));
    }

    #[test]
    fn a_key_is_read_back_from_its_text_and_a_changed_text_is_refused() {
        let text = key(Mode::Sandbox).verify_key().to_string();
        assert!(text.starts_with("kul.sandbox/sandbox+"), "{text}");
        assert_eq!(text.parse(), Ok(key(Mode::Sandbox).verify_key()));
        let moved = text.replace("/sandbox", "/production");
        assert!(matches!(moved.parse::<VerifyKey>(), Err(KeyFault::KeyId { .. })), "the id covers the name");
        let witness = key(Mode::Sandbox).verify_key().witness_key().to_string();
        assert_eq!(witness.parse::<VerifyKey>(), Err(KeyFault::KeyKind { got: 4 }));
        assert!(witness.parse::<NoteKey>().is_ok());
        assert!(matches!("kul.sandbox".parse::<VerifyKey>(), Err(KeyFault::NotAKey { .. })));
        assert!(matches!("a b+00000000+AAAA".parse::<VerifyKey>(), Err(KeyFault::KeyName { .. })));
        // The point of order one: anything verifies under it with the right signature.
        let mut one = vec![1_u8; 1];
        one.extend([&[1_u8][..], &[0; 31]].concat());
        let weak = format!("kul.sandbox/sandbox+00000000+{}", STANDARD.encode(one));
        assert!(matches!(weak.parse::<VerifyKey>(), Err(KeyFault::NotAPoint { .. })));
    }

    #[test]
    fn a_secret_key_is_not_shown() {
        let shown = format!("{:?}", key(Mode::Sandbox));
        assert!(shown.starts_with("secret key of kul.sandbox/sandbox+"), "{shown}");
        assert!(!shown.contains("7, 7"));
    }

    #[test]
    fn a_signer_is_read_back_from_its_secret_text_and_shows_its_secret_nowhere_else() {
        let signer = NoteSigner::from_secret("policy.example", &[7; 32]).unwrap();
        let read = NoteSigner::from_secret_text(&format!("{}\n", signer.secret_text())).unwrap();
        assert_eq!(read.key(), signer.key());
        assert_eq!(signer.key().to_string().parse(), Ok(signer.key()));
        assert_eq!(format!("{signer:?}"), "secret key of policy.example");
        assert!(NoteSigner::from_secret("two words", &[7; 32]).is_err());
        let renamed = signer.secret_text().replace("policy", "police");
        assert!(matches!(NoteSigner::from_secret_text(&renamed), Err(KeyFault::KeyId { .. })));
        // What is no key may be another secret, so it is not shown
        let fault = NoteSigner::from_secret_text("hunter2").unwrap_err();
        assert!(!format!("{fault:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_keys_never_panics(text in ".{0,90}", hex in "[0-9a-f]{8}", bytes in prop::collection::vec(any::<u8>(), 33)) {
            let _ = text.parse::<VerifyKey>();
            let _ = format!("{text}+{hex}+{}", STANDARD.encode(bytes)).parse::<NoteKey>();
        }

        #[test]
        fn no_altered_signature_verifies(position in 0_usize..64, bit in 0_u32..8) {
            let signed = key(Mode::Sandbox).sign_bytes(Purpose::Batch, b"entries");
            let mut bytes = *signed.as_bytes();
            bytes[position] ^= 1 << bit;
            let altered = Signature::from_bytes(bytes);
            prop_assert!(key(Mode::Sandbox).verify_key().verify_bytes(Purpose::Batch, b"entries", &altered).is_err());
        }
    }
}
