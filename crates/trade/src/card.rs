//! The hub card: who a hub is, what it speaks and takes, signed by itself.
//!
//! Two operators exchange cards and accept each other; there is no centre. What is signed is the
//! card as canonical JSON (keys sorted, no blanks), with fields that a later version added: an
//! older hub keeps and verifies what it does not understand.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checkpoint::Epoch;
use crate::codes::{Country, HubId};
use crate::key::{KeyFault, Purpose, Signature, SigningKey, VerifyKey, verify_bytes};
use crate::log::Hash;
use crate::money::Currency;
use crate::time::WallTime;

/// A card is fetched from a stranger; ours has about 2 kB, most of it rule-pack digests.
pub const CARD_MAX_BYTES: usize = 65_536;

/// One key in use, one before or after it, and room for a rotation gone wrong.
pub const CARD_MAX_KEYS: usize = 4;

const CARD_MAX_VERSIONS: usize = 16;
const NAME_MAX_CHARS: usize = 80;
const URL_MAX_BYTES: usize = 200;

/// Whether a hub plays or trades. Chosen when it is initialised, part of every signature, never
/// changed; the two refuse each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Sandbox,
    Production,
}

impl Mode {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is neither `sandbox` nor `production`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotAMode {
    pub got: String,
}

impl FromStr for Mode {
    type Err = NotAMode;

    fn from_str(text: &str) -> Result<Self, NotAMode> {
        match text {
            "sandbox" => Ok(Self::Sandbox),
            "production" => Ok(Self::Production),
            _ => Err(NotAMode { got: text.chars().take(20).collect() }),
        }
    }
}

/// The rules of one territory, by the SHA-256 of the pack in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePackDigest {
    pub territory: Country,
    #[serde(with = "crate::log::hex")]
    pub digest: Hash,
}

/// What a hub says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubCard {
    pub id: HubId,
    /// As shown to people, at most 80 characters.
    pub name: String,
    pub territory: Country,
    pub currency: Currency,
    pub mode: Mode,
    /// Where the hub is reached, without a slash at the end. Production needs https.
    pub url: String,
    /// The key in use first. To change keys, a card with both is signed by the old one, and the
    /// next card, with the new one alone, by the new one.
    pub keys: Vec<VerifyKey>,
    /// Epoch of its log.
    pub epoch: Epoch,
    /// A later card takes the place of an earlier one, never the other way round.
    pub issued_at: WallTime,
    /// Versions of the road protocol that it speaks.
    pub protocol_versions: Vec<u32>,
    /// Regimes that it takes, by their codes in the rule packs, such as `b2c-parcel`.
    pub regimes: Vec<String>,
    /// Documents that it takes, by their codes, such as `invoice`.
    pub documents: Vec<String>,
    pub rule_packs: Vec<RulePackDigest>,
    /// Terms shown before a road is opened, as code and value; in a sandbox they are samples.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sample_terms: BTreeMap<String, String>,
    /// Fields of a later version: not understood, but signed.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// What is wrong with a card by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CardFault {
    TooLong {
        bytes: usize,
        limit: usize,
    },
    /// Not a signed card in JSON; the place is where reading stopped.
    Malformed {
        line: usize,
        column: usize,
    },
    /// No key, or more than four.
    NumberOfKeys {
        got: usize,
        limit: usize,
    },
    /// A key on the card is that of another hub or mode.
    KeyOfAnother {
        key: String,
    },
    /// No version, or more than sixteen.
    NumberOfVersions {
        got: usize,
        limit: usize,
    },
    NameLength {
        chars: usize,
        limit: usize,
    },
    /// Not a web address, or without https in production.
    Url {
        got: String,
    },
    /// Epochs count from 1.
    EpochZero,
    BadSignature {
        fault: KeyFault,
    },
}

impl HubCard {
    /// Canonical JSON: what is signed.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("a card has text keys only");
        canonical_json(&value)
    }

    /// Signs one's own card.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> SignedCard {
        let signature = key.sign_bytes(Purpose::Card, &self.canonical());
        SignedCard { card: self, signature }
    }

    fn check(&self) -> Result<(), CardFault> {
        if self.keys.is_empty() || self.keys.len() > CARD_MAX_KEYS {
            return Err(CardFault::NumberOfKeys { got: self.keys.len(), limit: CARD_MAX_KEYS });
        }
        if let Some(key) = self.keys.iter().find(|key| *key.hub() != self.id || key.mode() != self.mode) {
            return Err(CardFault::KeyOfAnother { key: key.id() });
        }
        let versions = self.protocol_versions.len();
        if versions == 0 || versions > CARD_MAX_VERSIONS {
            return Err(CardFault::NumberOfVersions { got: versions, limit: CARD_MAX_VERSIONS });
        }
        let chars = self.name.chars().count();
        if chars == 0 || chars > NAME_MAX_CHARS {
            return Err(CardFault::NameLength { chars, limit: NAME_MAX_CHARS });
        }
        let secure = self.url.starts_with("https://");
        let plain = self.url.starts_with("http://") && self.mode == Mode::Sandbox;
        let clean = self.url.len() <= URL_MAX_BYTES && self.url.bytes().all(|b| b.is_ascii_graphic());
        if !clean || !(secure || plain) || self.url.ends_with('/') {
            return Err(CardFault::Url { got: self.url.chars().take(URL_MAX_BYTES).collect() });
        }
        if self.epoch.0 == 0 { Err(CardFault::EpochZero) } else { Ok(()) }
    }
}

/// A card as it is published under `/.well-known/ehub.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCard {
    card: HubCard,
    signature: Signature,
}

impl SignedCard {
    /// Reads a published card and checks it: limits, form, signature by one of its own keys.
    pub fn read(bytes: &[u8]) -> Result<Self, CardFault> {
        if bytes.len() > CARD_MAX_BYTES {
            return Err(CardFault::TooLong { bytes: bytes.len(), limit: CARD_MAX_BYTES });
        }
        let signed: Self =
            serde_json::from_slice(bytes).map_err(|e| CardFault::Malformed { line: e.line(), column: e.column() })?;
        signed.verify()?;
        Ok(signed)
    }

    /// The card, once it has been found in order and signed by one of its own keys. That the keys
    /// are those of the operator one means to deal with is for two people to compare.
    pub fn verify(&self) -> Result<&HubCard, CardFault> {
        self.card.check()?;
        self.signed_by(&self.card.keys)?;
        Ok(&self.card)
    }

    /// A card and its signature, kept apart; see [`Self::verify`].
    #[must_use]
    pub const fn of(card: HubCard, signature: Signature) -> Self {
        Self { card, signature }
    }

    #[must_use]
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What the card says; see [`Self::verify`].
    #[must_use]
    pub const fn claimed(&self) -> &HubCard {
        &self.card
    }

    /// The published form.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        canonical_json(&serde_json::to_value(self).expect("a card has text keys only"))
    }

    fn signed_by(&self, keys: &[VerifyKey]) -> Result<(), CardFault> {
        verify_bytes(keys, Purpose::Card, &self.card.canonical(), &self.signature)
            .map(|_| ())
            .map_err(|fault| CardFault::BadSignature { fault })
    }
}

/// Why two hubs do not open a road, or why a card does not take the place of the one held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CardRefusal {
    /// Their card is not in order.
    BadCard {
        fault: CardFault,
    },
    /// Sandbox and production refuse each other.
    OtherMode {
        mine: Mode,
        theirs: Mode,
    },
    /// A hub has no road to itself.
    SameHub {
        id: HubId,
    },
    NoCommonVersion {
        mine: Vec<u32>,
        theirs: Vec<u32>,
    },
    /// The newer card is of another hub, territory or currency: these never change.
    Changed {
        field: String,
        held: String,
        got: String,
    },
    /// None of the keys held so far has signed the newer card.
    NotSucceeded {
        held: Vec<String>,
    },
    /// The card held is as new or newer.
    Older {
        held: WallTime,
        got: WallTime,
    },
    /// The epoch goes back.
    EpochBack {
        held: Epoch,
        got: Epoch,
    },
}

/// What two hubs have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The newest version of the road protocol that both speak.
    pub version: u32,
}

/// The newest version that both lists have.
#[must_use]
pub fn common_version(mine: &[u32], theirs: &[u32]) -> Option<u32> {
    mine.iter().filter(|version| theirs.contains(version)).max().copied()
}

/// Whether a road can be opened to the hub of this card: the newest common version, or every
/// reason against it.
pub fn accepts(mine: &HubCard, theirs: &SignedCard) -> Result<Agreement, Vec<CardRefusal>> {
    let mut refusals = Vec::new();
    if let Err(fault) = theirs.verify() {
        refusals.push(CardRefusal::BadCard { fault });
    }
    let card = &theirs.card;
    if card.mode != mine.mode {
        refusals.push(CardRefusal::OtherMode { mine: mine.mode, theirs: card.mode });
    }
    if card.id == mine.id {
        refusals.push(CardRefusal::SameHub { id: mine.id.clone() });
    }
    let version = common_version(&mine.protocol_versions, &card.protocol_versions);
    if version.is_none() {
        let (mine, theirs) = (mine.protocol_versions.clone(), card.protocol_versions.clone());
        refusals.push(CardRefusal::NoCommonVersion { mine, theirs });
    }
    match version {
        Some(version) if refusals.is_empty() => Ok(Agreement { version }),
        _ => Err(refusals),
    }
}

/// Whether a newer card takes the place of the one accepted before: same hub, signed by a key that
/// is already known. A new epoch on it is only a hint; see [`crate::road::NewEpoch`].
pub fn succeeds(held: &HubCard, newer: &SignedCard) -> Result<(), CardRefusal> {
    let card = newer.verify().map_err(|fault| CardRefusal::BadCard { fault })?;
    if card.mode != held.mode {
        return Err(CardRefusal::OtherMode { mine: held.mode, theirs: card.mode });
    }
    for (field, held, got) in [
        ("id", held.id.to_string(), card.id.to_string()),
        ("territory", held.territory.to_string(), card.territory.to_string()),
        ("currency", held.currency.to_string(), card.currency.to_string()),
    ] {
        if held != got {
            return Err(CardRefusal::Changed { field: field.to_owned(), held, got });
        }
    }
    if newer.signed_by(&held.keys).is_err() {
        return Err(CardRefusal::NotSucceeded { held: held.keys.iter().map(VerifyKey::id).collect() });
    }
    if card.issued_at <= held.issued_at {
        return Err(CardRefusal::Older { held: held.issued_at, got: card.issued_at });
    }
    if card.epoch < held.epoch {
        return Err(CardRefusal::EpochBack { held: held.epoch, got: card.epoch });
    }
    Ok(())
}

/// JSON with the keys of each object sorted by their bytes and no blanks: one value, one text.
#[must_use]
pub fn canonical_json(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            // Sorted here, because another crate may switch serde_json's map to insertion order.
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            for (position, (name, field)) in sorted.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                out.extend(Value::from(name.as_str()).to_string().into_bytes());
                out.push(b':');
                write_canonical(field, out);
            }
            out.push(b'}');
        }
        plain => out.extend(plain.to_string().into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn key(hub: &str, mode: Mode, secret: u8) -> SigningKey {
        SigningKey::from_secret(hub.parse().unwrap(), mode, &[secret; 32])
    }

    fn card(key: &SigningKey) -> HubCard {
        HubCard {
            id: key.hub().clone(),
            name: "Kuala Lumpur".into(),
            territory: Country::MY,
            currency: Currency::MYR,
            mode: key.mode(),
            url: "https://kul.example".into(),
            keys: vec![key.verify_key()],
            epoch: Epoch::FIRST,
            issued_at: WallTime::from_micros(1_795_395_600_000_000),
            protocol_versions: vec![1],
            regimes: vec!["b2c-parcel".into()],
            documents: vec!["invoice".into()],
            rule_packs: vec![RulePackDigest { territory: Country::MY, digest: Hash::of(b"pack") }],
            sample_terms: BTreeMap::new(),
            more: BTreeMap::new(),
        }
    }

    fn kul() -> SigningKey {
        key("kul.sandbox", Mode::Sandbox, 1)
    }

    fn hgh() -> SigningKey {
        key("hgh.sandbox", Mode::Sandbox, 2)
    }

    #[test]
    fn a_card_is_read_back_as_it_was_published() {
        let signed = card(&kul()).sign(&kul());
        assert_eq!(SignedCard::read(&signed.to_json()), Ok(signed));
    }

    #[test]
    fn a_card_with_fields_of_a_later_version_is_verified_and_kept_whole() {
        let mut later = card(&kul());
        later.more.insert("zones".into(), json!({"b": [1, {"z": null, "a": "é"}], "a": true}));
        let published = later.sign(&kul()).to_json();
        let read = SignedCard::read(&published).unwrap();
        assert_eq!(read.to_json(), published);
        let altered = String::from_utf8(published).unwrap().replace("\"a\":true", "\"a\":false");
        assert!(matches!(SignedCard::read(altered.as_bytes()), Err(CardFault::BadSignature { .. })));
    }

    #[test]
    fn two_hubs_accept_each_other_or_say_every_reason_why_not() {
        let mine = card(&kul());
        assert_eq!(accepts(&mine, &card(&hgh()).sign(&hgh())), Ok(Agreement { version: 1 }));

        // The newest version that both speak, whichever is the newer hub
        let speaks = |versions: &[u32]| HubCard { protocol_versions: versions.to_vec(), ..card(&hgh()) };
        let newer = speaks(&[1, 2, 3]).sign(&hgh());
        assert_eq!(accepts(&mine, &newer), Ok(Agreement { version: 1 }));
        let mine_newer = HubCard { protocol_versions: vec![2, 3, 4], ..mine.clone() };
        assert_eq!(accepts(&mine_newer, &newer), Ok(Agreement { version: 3 }));
        assert_eq!(
            accepts(&mine, &speaks(&[2]).sign(&hgh())),
            Err(vec![CardRefusal::NoCommonVersion { mine: vec![1], theirs: vec![2] }])
        );

        let trading = key("kul.sandbox", Mode::Production, 1);
        let mut all = card(&trading);
        all.protocol_versions = vec![9];
        let refusals = accepts(&mine, &all.sign(&hgh())).unwrap_err();
        assert!(
            matches!(
                refusals.as_slice(),
                [
                    CardRefusal::BadCard { fault: CardFault::BadSignature { .. } },
                    CardRefusal::OtherMode { mine: Mode::Sandbox, theirs: Mode::Production },
                    CardRefusal::SameHub { .. },
                    CardRefusal::NoCommonVersion { .. },
                ]
            ),
            "{refusals:?}"
        );
    }

    #[test]
    fn a_card_that_is_not_in_order_is_refused_although_it_is_signed() {
        type Change = fn(&mut HubCard);
        type IsRight = fn(&CardFault) -> bool;
        let cases: [(Change, IsRight); 8] = [
            (|c| c.keys.clear(), |f| matches!(f, CardFault::NumberOfKeys { got: 0, .. })),
            (|c| c.keys = vec![c.keys[0].clone(); 5], |f| matches!(f, CardFault::NumberOfKeys { got: 5, .. })),
            (|c| c.keys.push(hgh().verify_key()), |f| matches!(f, CardFault::KeyOfAnother { .. })),
            (|c| c.protocol_versions.clear(), |f| matches!(f, CardFault::NumberOfVersions { .. })),
            (|c| c.name = "x".repeat(81), |f| matches!(f, CardFault::NameLength { chars: 81, .. })),
            (|c| c.url = "ftp://kul.example".into(), |f| matches!(f, CardFault::Url { .. })),
            (|c| c.url = "https://kul example".into(), |f| matches!(f, CardFault::Url { .. })),
            (|c| c.epoch = Epoch(0), |f| matches!(f, CardFault::EpochZero)),
        ];
        for (change, is_right) in cases {
            let mut changed = card(&kul());
            change(&mut changed);
            let fault = SignedCard::read(&changed.sign(&kul()).to_json()).unwrap_err();
            assert!(is_right(&fault), "{fault:?}");
        }
        let trading = key("kul.hub", Mode::Production, 1);
        let plain = HubCard { url: "http://kul.example".into(), ..card(&trading) };
        assert!(matches!(plain.sign(&trading).verify(), Err(CardFault::Url { .. })));
        assert!(matches!(SignedCard::read(&[b' '; CARD_MAX_BYTES + 1]), Err(CardFault::TooLong { .. })));
        assert_eq!(SignedCard::read(b"{\n}"), Err(CardFault::Malformed { line: 2, column: 1 }));
    }

    #[test]
    fn keys_change_over_two_cards_and_a_stranger_cannot_change_them() {
        let (old, new) = (kul(), key("kul.sandbox", Mode::Sandbox, 9));
        let held = card(&old);
        let later = |seconds| held.issued_at.plus_seconds(seconds);
        let both = HubCard { keys: vec![new.verify_key(), old.verify_key()], issued_at: later(1), ..held.clone() };
        let alone = HubCard { keys: vec![new.verify_key()], issued_at: later(2), ..held.clone() };
        assert_eq!(succeeds(&held, &both.clone().sign(&old)), Ok(()));
        assert_eq!(succeeds(&both, &alone.clone().sign(&new)), Ok(()));
        // Straight from the old key to the new one: anyone could do that
        assert!(matches!(succeeds(&held, &alone.sign(&new)), Err(CardRefusal::NotSucceeded { .. })));
        // An older card shown again
        assert!(matches!(succeeds(&both, &held.clone().sign(&old)), Err(CardRefusal::Older { .. })));
        let moved = HubCard { territory: Country::SG, issued_at: later(3), ..held.clone() };
        assert!(matches!(succeeds(&held, &moved.sign(&old)), Err(CardRefusal::Changed { .. })));
        let ahead = HubCard { epoch: Epoch(2), ..held.clone() };
        let back = HubCard { issued_at: later(4), ..held.clone() };
        assert!(matches!(succeeds(&ahead, &back.sign(&old)), Err(CardRefusal::EpochBack { .. })));
    }

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value: Value = serde_json::from_str(r#"{ "b": [ {"z":1, "a":"q\"" } ], "a": -5 }"#).unwrap();
        assert_eq!(canonical_json(&value), br#"{"a":-5,"b":[{"a":"q\"","z":1}]}"#);
    }

    proptest! {
        #[test]
        fn no_altered_card_is_read_and_nothing_panics(position in any::<prop::sample::Index>(), byte in any::<u8>(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let signed = card(&kul()).sign(&kul());
            let mut bytes = signed.to_json();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            if let Ok(read) = SignedCard::read(&bytes) {
                prop_assert_eq!(read, signed);
            }
            prop_assert!(SignedCard::read(&noise).is_err());
        }
    }
}
