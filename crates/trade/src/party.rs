//! A registered business, person or authority on a hub, and what it may do there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codes::Country;
use crate::command::Decide;
use crate::event::Happened;
use crate::id::{Id, Noun};
use crate::payee::{self, PayeeRefusal};
use crate::personal::{Salt, commit};
use crate::time::BusinessTime;
use crate::world::{Need, World};

impl Noun for Party {
    const PREFIX: &'static str = "pty";
}

/// What a party does on the hub. One party may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Seller,
    Buyer,
    Officer,
    Operator,
    Carrier,
    Bank,
    /// Keeps stock, whose customs state it answers for.
    Warehouse,
    /// Finances trade files.
    Lender,
    /// Acts for others under their mandate.
    Broker,
    /// Decides on permits and certificates.
    Agency,
}

impl Role {
    pub const ALL: [Self; 10] = [
        Self::Seller,
        Self::Buyer,
        Self::Officer,
        Self::Operator,
        Self::Carrier,
        Self::Bank,
        Self::Warehouse,
        Self::Lender,
        Self::Broker,
        Self::Agency,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
            Self::Officer => "officer",
            Self::Operator => "operator",
            Self::Carrier => "carrier",
            Self::Bank => "bank",
            Self::Warehouse => "warehouse",
            Self::Lender => "lender",
            Self::Broker => "broker",
            Self::Agency => "agency",
        }
    }

    /// Whether anybody may take this role at sign-up; the others are given by the operator.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Seller | Self::Buyer)
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|r| r.code() == text).ok_or(())
    }
}

/// A person, recognised without being named: a keyed hash of an identity number or of a name.
/// Only the hub that holds the key can make one, so it says nothing to anybody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonTag(String);

impl PersonTag {
    /// `kind` is `id` or `name`; the value is compared without case and white space.
    #[must_use]
    pub fn of(key: &[u8; 32], kind: &str, value: &str) -> Self {
        let plain: String = value.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect();
        let hash = Sha256::new().chain_update(key).chain_update(kind).chain_update([0]).chain_update(plain).finalize();
        Self(hash[..16].iter().map(|b| format!("{b:02x}")).collect())
    }
}

impl fmt::Display for PersonTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PersonTag {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| Self(text.to_owned())).ok_or(())
    }
}

/// By what a person can be recognised: the identity number where one is known, else the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonTags {
    pub id: Option<PersonTag>,
    pub name: PersonTag,
}

impl PersonTags {
    /// The same person: by number if both sides have one, else by name.
    #[must_use]
    pub fn same_person(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(a), Some(b)) => a == b,
            _ => self.name == other.name,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub id: Id<Party>,
    /// A business's name; for a person an alias without meaning.
    pub name: String,
    pub roles: BTreeSet<Role>,
    pub country: Country,
    /// For persons: by what they are recognised when they pay and import.
    pub person: Option<PersonTags>,
    /// Whether the identity number was checked with its issuer (or, in a sandbox, declared so).
    pub identity_checked: bool,
    /// Where payouts go; a business's account, not a person's.
    pub payout_account: Option<String>,
    /// Who holds it as its bank writes the name, where that is not `name`; see `payee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_holder: Option<String>,
    /// A business's number in its country's register, under which it imports; public, and no person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    pub since: BusinessTime,
}

impl Party {
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether it buys for trade, as a registered business.
    #[must_use]
    pub const fn is_business(&self) -> bool {
        self.registration.is_some()
    }
}

/// A kind of personal value; the closed list of what the hub keeps of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersonalField {
    Name,
    Email,
    Phone,
    Address,
    IdType,
    IdNumber,
}

impl PersonalField {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::IdType => "id-type",
            Self::IdNumber => "id-number",
        }
    }
}

/// One personal value with the salt of its commitment, why it is kept and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalValue {
    pub value: String,
    /// Random, handed in by the edge.
    pub salt: [u8; 16],
    pub purpose: String,
    pub keep_until: BusinessTime,
}

/// All personal values of one party: the one place where they live. Erasing it leaves every
/// event and proof as it was, since those hold commitments only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    pub party: Id<Party>,
    pub fields: BTreeMap<PersonalField, PersonalValue>,
}

impl Personal {
    #[must_use]
    pub fn get(&self, field: PersonalField) -> Option<&str> {
        self.fields.get(&field).map(|v| v.value.as_str())
    }
}

/// A business, person or authority joins the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterParty {
    pub party: Party,
    pub personal: Personal,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RegisterRefusal {
    /// The name is empty or longer than 120 characters.
    PartyName {
        max: usize,
    },
    NoRole,
    /// A buyer needs an identity to import under: a person's number, or a business's registration.
    IdentityMissing,
    /// Not 4 to 30 letters, digits, hyphens or slashes.
    RegistrationNumber {
        got: String,
    },
    #[serde(untagged)]
    Payee(PayeeRefusal),
}

const NAME_MAX: usize = 120;

/// Malaysia's company numbers have 12 digits, China's unified credit codes 18 characters.
fn is_registration(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'/';
    (4..=30).contains(&text.len()) && text.bytes().all(allowed)
}

impl Decide for RegisterParty {
    type Answer = Party;
    type Refusal = RegisterRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.party.id).personal(self.party.id);
    }

    fn decide(&self, world: &mut World) -> Result<Party, RegisterRefusal> {
        if let Some(known) = world.parties.get(&self.party.id) {
            return Ok(known.clone());
        }
        if self.party.name.trim().is_empty() || self.party.name.chars().count() > NAME_MAX {
            return Err(RegisterRefusal::PartyName { max: NAME_MAX });
        }
        if self.party.roles.is_empty() {
            return Err(RegisterRefusal::NoRole);
        }
        if self.party.is(Role::Buyer) && self.party.person.as_ref().is_none_or(|p| p.id.is_none()) {
            return Err(RegisterRefusal::IdentityMissing);
        }
        payee::check(self.party.payout_account.as_deref(), self.party.account_holder.as_deref())
            .map_err(RegisterRefusal::Payee)?;
        if let Some(got) = self.party.registration.as_deref().filter(|number| !is_registration(number)) {
            return Err(RegisterRefusal::RegistrationNumber { got: got.chars().take(40).collect() });
        }
        let party = Party { since: world.now, ..self.party.clone() };
        let commitments = self
            .personal
            .fields
            .iter()
            .map(|(field, v)| (*field, commit(&Salt::from_random(v.salt), field.code(), &v.value).to_string()))
            .collect();
        world.happened(
            None,
            None,
            Happened::PartyRegistered {
                party: party.id,
                roles: party.roles.iter().copied().collect(),
                country: party.country,
                commitments,
            },
        );
        world.personals.put(party.id, self.personal.clone());
        world.parties.put(party.id, party.clone());
        Ok(party)
    }
}

/// A party's personal values are erased; what it did stays, without saying who it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErasePersonal {
    pub party: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EraseRefusal {
    PartyUnknown {
        party: Id<Party>,
    },
    /// The law wants the values kept until then.
    KeptByLaw {
        until: BusinessTime,
    },
}

impl Decide for ErasePersonal {
    type Answer = Id<Party>;
    type Refusal = EraseRefusal;

    fn reads(&self, need: &mut Need) {
        need.personal(self.party);
    }

    fn decide(&self, world: &mut World) -> Result<Id<Party>, EraseRefusal> {
        let Some(personal) = world.personals.get(&self.party) else {
            return Err(EraseRefusal::PartyUnknown { party: self.party });
        };
        let until = personal.fields.values().map(|v| v.keep_until).max();
        if let Some(until) = until.filter(|u| *u > world.now) {
            return Err(EraseRefusal::KeptByLaw { until });
        }
        world.personals.put(self.party, Personal { party: self.party, fields: BTreeMap::new() });
        world.happened(None, None, Happened::PersonalErased { party: self.party });
        Ok(self.party)
    }
}
