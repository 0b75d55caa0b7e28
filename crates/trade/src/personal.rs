//! Personal data stays out of the log: an event holds a salted commitment for each personal field.
//!
//! The value and its salt lie in one place, with the purpose and the day until which they are kept.
//! Erasing that row leaves the commitment, and with it the log, as it was, but nothing can be found
//! out from it: without the 16 random bytes of the salt even a name from a short list cannot be
//! tried. With value and salt anyone can check that the event meant this value.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::log::Hash;

/// What the hash begins with, so that a commitment is never the hash of anything else.
const DOMAIN: &[u8] = b"ehub-commitment/v1";

/// SHA-256 over domain, salt, field and value, each with its length. 64 hex digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(#[serde(with = "crate::log::hex")] Hash);

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::str::FromStr for Commitment {
    type Err = NotACommitment;

    fn from_str(text: &str) -> Result<Self, NotACommitment> {
        Hash::from_hex(text).map(Self).ok_or(NotACommitment)
    }
}

/// A text that is not 64 lower-case hex digits. It is not repeated, as it may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NotACommitment;

/// Sixteen random bytes, handed in, one salt for each value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 16]);

impl Salt {
    #[must_use]
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("salt")
    }
}

/// Commits to the value of a field, such as `buyer.name`.
#[must_use]
pub fn commit(salt: &Salt, field: &str, value: &str) -> Commitment {
    let mut hash = Sha256::new();
    for part in [DOMAIN, &salt.0, field.as_bytes(), value.as_bytes()] {
        hash.update(u64::try_from(part.len()).expect("lengths fit in 64 bits").to_be_bytes());
        hash.update(part);
    }
    Commitment(Hash::from_bytes(hash.finalize().into()))
}

/// Why a value is kept; decides until when, and who may look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepFor {
    /// To sign in and be reached.
    Account,
    /// To deliver.
    Delivery,
    /// Asked for by customs.
    Customs,
    /// To pay and be paid.
    Payment,
}

impl KeepFor {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Delivery => "delivery",
            Self::Customs => "customs",
            Self::Payment => "payment",
        }
    }
}

/// A personal value as it is stored, apart from everything else. It has no JSON form, and its debug
/// text does not show it, so that it gets neither into an event nor into a record of errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    field: String,
    value: String,
    salt: Salt,
    pub purpose: KeepFor,
    /// Erased on the day after, at the office that keeps it.
    pub keep_until: Date,
}

impl Sealed {
    #[must_use]
    pub fn new(field: &str, value: &str, salt: Salt, purpose: KeepFor, keep_until: Date) -> Self {
        Self { field: field.to_owned(), value: value.to_owned(), salt, purpose, keep_until }
    }

    /// What stands in the event.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        commit(&self.salt, &self.field, &self.value)
    }

    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The value itself. Whoever calls this writes to the access log.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.value
    }

    #[must_use]
    pub const fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Whether it must be erased.
    #[must_use]
    pub fn is_over(&self, today: Date) -> bool {
        today > self.keep_until
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {} for {} until {}", self.field, self.purpose.as_str(), self.keep_until)
    }
}

/// A value that is not the one committed to. It names the field alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PersonalFault {
    OtherValue { field: String, committed: Commitment },
}

/// Checks that an event meant this value of this field.
pub fn verify(committed: &Commitment, salt: &Salt, field: &str, value: &str) -> Result<(), PersonalFault> {
    if commit(salt, field, value) == *committed {
        Ok(())
    } else {
        Err(PersonalFault::OtherValue { field: field.to_owned(), committed: *committed })
    }
}

/// The fields that may stand in a message, table or bundle: `order.number`, `lines[].hs`. A field
/// that is not on the list must not leave, whoever added it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldList(BTreeSet<&'static str>);

impl FieldList {
    #[must_use]
    pub fn new(fields: &[&'static str]) -> Self {
        Self(fields.iter().copied().collect())
    }

    /// The fields of a value that are not on the list, sorted, each once. Objects and arrays are
    /// walked; an empty one counts as a field itself.
    #[must_use]
    pub fn outside(&self, value: &Value) -> Vec<String> {
        fields_of(value).into_iter().filter(|field| !self.0.contains(field.as_str())).collect()
    }
}

/// The fields of a value, as lists name them: `order.number`, `lines[].hs`.
#[must_use]
pub fn fields_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(value, String::new(), &mut found);
    found
}

fn walk(value: &Value, path: String, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(field, below, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                walk(item, format!("{path}[]"), found);
            }
        }
        _ => {
            found.insert(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const SALT: Salt = Salt::from_random(*b"sixteen bytes ..");

    #[test]
    fn a_commitment_is_a_hash_over_lengths_and_parts() {
        // four parts, each after its length in eight bytes: 18, 16, 10 and 9
        let by_hand = [
            &18_u64.to_be_bytes()[..],
            b"ehub-commitment/v1",
            &16_u64.to_be_bytes(),
            b"sixteen bytes ..",
            &10_u64.to_be_bytes(),
            b"buyer.name",
            &9_u64.to_be_bytes(),
            b"Li Xiaoyu",
        ]
        .concat();
        let commitment = commit(&SALT, "buyer.name", "Li Xiaoyu");
        assert_eq!(commitment.to_string(), Hash::of(&by_hand).hex());
        assert_eq!(commitment.to_string().parse(), Ok(commitment));
        assert_eq!(serde_json::to_value(commitment).unwrap(), json!(commitment.to_string()));
    }

    #[test]
    fn only_the_value_with_its_salt_and_field_opens_a_commitment() {
        let committed = commit(&SALT, "buyer.name", "Li Xiaoyu");
        assert_eq!(verify(&committed, &SALT, "buyer.name", "Li Xiaoyu"), Ok(()));
        let refused = |salt: &Salt, field: &str, value: &str| {
            assert_eq!(
                verify(&committed, salt, field, value),
                Err(PersonalFault::OtherValue { field: field.into(), committed })
            );
        };
        refused(&Salt::from_random([0; 16]), "buyer.name", "Li Xiaoyu");
        refused(&SALT, "seller.name", "Li Xiaoyu");
        refused(&SALT, "buyer.name", "Li Xiaoyv");
        // A letter that moves from the field to the value
        refused(&SALT, "buyer.nam", "eLi Xiaoyu");
    }

    #[test]
    fn a_sealed_value_is_not_shown_and_is_kept_to_its_day() {
        let until = jiff::civil::date(2027, 5, 23);
        let sealed = Sealed::new("buyer.name", "Li Xiaoyu", SALT, KeepFor::Delivery, until);
        let shown = format!("{sealed:?} {:?}", sealed.salt());
        assert!(!shown.contains("Xiaoyu") && !shown.contains("sixteen"), "{shown}");
        assert_eq!(verify(&sealed.commitment(), sealed.salt(), sealed.field(), sealed.reveal()), Ok(()));
        assert!(!sealed.is_over(until));
        assert!(sealed.is_over(jiff::civil::date(2027, 5, 24)));
    }

    #[test]
    fn a_field_that_is_not_on_the_list_is_found_at_any_depth() {
        let list = FieldList::new(&["order.number", "lines[].hs", "lines[].value", "notes"]);
        let good = json!({"order": {"number": "A-1"}, "lines": [{"hs": "090121"}, {"value": 5}], "notes": []});
        assert!(list.outside(&good).is_empty());
        let leaking = json!({"order": {"number": "A-1", "buyer": {"name": "x"}}, "lines": [{"hs": "1", "imei": 1}, {"imei": 2}], "notes": ["x"]});
        assert_eq!(list.outside(&leaking), ["lines[].imei", "notes[]", "order.buyer.name"]);
    }

    proptest! {
        #[test]
        fn different_values_never_share_a_commitment(
            a in ".{0,20}", b in ".{0,20}", c in ".{0,20}", d in ".{0,20}", salt in any::<[u8; 16]>(),
        ) {
            let salt = Salt::from_random(salt);
            prop_assert_eq!(commit(&salt, &a, &b) == commit(&salt, &c, &d), (a, b) == (c, d));
        }

        #[test]
        fn reading_arbitrary_commitments_never_panics(text in ".{0,70}") {
            let _ = text.parse::<Commitment>();
        }
    }
}
