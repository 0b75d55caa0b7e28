//! Joining the hub: a seller or buyer by itself, any role by the operator's key.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub::credential::Credential;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::Country;
use trade::commands::Command;
use trade::id::Id;
use trade::party::{Party, PersonTag, PersonTags, Personal, PersonalField, PersonalValue, RegisterParty, Role};
use trade::time::Days;

use crate::AppState;
use crate::auth::{self, PASSWORD_MAX, PASSWORD_MIN};
use crate::idempotency::Fresh;
use crate::page::Ask;
use crate::payee;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, boolean, id, object, text};

/// How long a party's personal values are kept after it joins: the operator's decision, longer than
/// any claim window and yearly limit that they are needed for.
const KEEP_PERSONAL: Days = Days(3 * 365);
/// RFC 5321 allows 254 characters.
const EMAIL_MAX: usize = 254;
/// One line of an address, a telephone number, an account.
const TEXT_MAX: usize = 300;

/// What is told of who joins; the body of `POST /api/v1/parties`.
#[derive(Clone, Debug, Deserialize)]
pub struct Registration {
    /// The operator may choose the id, so that doing it again is doing it once.
    pub party: Option<Id<Party>>,
    pub role: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub country: String,
    pub email: Option<String>,
    pub password: Option<String>,
    pub payout_account: Option<String>,
    /// Who holds it, as its bank writes the name.
    #[serde(default)]
    pub account_holder: Option<String>,
    pub person: Option<Identity>,
    /// A business's number in its country's register; a buyer with one buys for trade.
    #[serde(default)]
    pub registration: Option<String>,
}

/// Who a person is. Stays on this hub.
#[derive(Clone, Debug, Deserialize)]
pub struct Identity {
    #[serde(default)]
    pub name: String,
    pub phone: Option<String>,
    pub address: Option<String>,
    /// `1` is a resident identity card.
    pub id_type: Option<String>,
    pub id_number: Option<String>,
    /// Checked with the issuer. Believed in a sandbox, or from the operator.
    #[serde(default)]
    pub checked: bool,
}

/// The shape of a registration.
pub(super) fn shape() -> Schema {
    let optional = || text().max(TEXT_MAX).or_null();
    let person = object([
        ("name?", text()),
        ("phone?", optional()),
        ("address?", optional()),
        ("id_type?", optional()),
        ("id_number?", optional()),
        ("checked?", boolean()),
    ]);
    object([
        ("party?", id("pty").or_null()),
        ("role", text()),
        ("name?", text().max(TEXT_MAX)),
        ("country?", text()),
        ("email?", text().max(EMAIL_MAX).or_null()),
        ("password?", text().max(PASSWORD_MAX).or_null()),
        ("payout_account?", optional()),
        ("person?", person.or_null()),
    ])
}

pub(super) async fn api_register(
    State(app): State<AppState>,
    ask: Ask,
    fresh: Fresh,
    Json(registration): Json<Registration>,
) -> Answer<(StatusCode, Json<Value>)> {
    let by_operator = ask.caller.party.is_some_and(|p| p.is(Role::Operator));
    let party = register(&app, fresh.id(), &registration, by_operator).await?;
    let key = auth::give_api_key(&app, party.id, "api").await?;
    Ok((StatusCode::CREATED, Json(json!({ "party": party.id, "api_key": key }))))
}

/// Registers a party under a fresh id with its personal values, and its e-mail address and password where it has them.
pub async fn register(app: &AppState, fresh: Id<Party>, who: &Registration, by_operator: bool) -> Answer<Party> {
    let role: Role = who.role.parse().map_err(|()| Failure::bad("no-role"))?;
    if !role.is_open() && !by_operator {
        return Err(Failure::new(StatusCode::FORBIDDEN, "role-not-open").with("role", role.code()));
    }
    let country: Country = match who.country.trim() {
        "" => app.site().territory,
        text => text.parse().map_err(|error| Failure::of(&error))?,
    };
    let email = who.email.as_deref().map(str::trim).filter(|e| !e.is_empty());
    if !by_operator {
        check_credentials(email, who.password.as_deref())?;
    }
    let id = who.party.filter(|_| by_operator).unwrap_or(fresh);
    let tag = email.map(|e| auth::email_tag(app, e));
    if let Some(tag) = &tag
        && app.hub.credential(tag).await?.is_some_and(|c| c.party != id)
    {
        return Err(Failure::new(StatusCode::CONFLICT, "email-taken"));
    }
    // Hashed before anything is written, so that a party never stands without its password.
    let credential = match (tag, &who.password) {
        (Some(login), Some(password)) => {
            let secret = auth::hash_password(app, password.clone()).await?;
            Some(Credential { login, party: id, secret, changed: app.wall() })
        }
        _ => None,
    };
    let command = RegisterParty {
        party: party(app, id, role, country, who, by_operator).await?,
        personal: personal(app, id, who).await?,
    };
    let party: Party = app.submit_as(Command::RegisterParty(command)).await?;
    if let Some(credential) = credential
        && !app.hub.save_credential(&credential).await?
    {
        return Err(Failure::new(StatusCode::CONFLICT, "email-taken"));
    }
    Ok(party)
}

fn check_credentials(email: Option<&str>, password: Option<&str>) -> Answer<()> {
    let email = email.unwrap_or_default();
    let form = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !form || email.len() > EMAIL_MAX || email.chars().any(char::is_whitespace) {
        return Err(Failure::bad("not-an-email"));
    }
    match password.unwrap_or_default().chars().count() {
        n if n < PASSWORD_MIN => Err(Failure::bad("password-short").with("min", PASSWORD_MIN)),
        n if n > PASSWORD_MAX => Err(Failure::bad("password-long").with("max", PASSWORD_MAX)),
        _ => Ok(()),
    }
}

async fn party(
    app: &AppState,
    id: Id<Party>,
    role: Role,
    country: Country,
    who: &Registration,
    by_operator: bool,
) -> Answer<Party> {
    let name = match &who.person {
        Some(_) => alias(role, id),
        None => who.name.trim().to_owned(),
    };
    let believed = app.is_sandbox() || by_operator;
    let said = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let (account, holder) = (said(&who.payout_account), said(&who.account_holder));
    if account.is_some() {
        payee::check_letters(app, holder.as_deref().unwrap_or(&name))?;
    }
    let registration = who.registration.as_deref().map(str::trim).filter(|number| !number.is_empty());
    // A business is recognised by its registration when it pays, as a person is by its identity number.
    let firm = || PersonTags {
        id: registration.map(|number| PersonTag::of(&app.site().person_key, "id", number)),
        name: PersonTag::of(&app.site().person_key, "name", &name),
    };
    let person = match &who.person {
        Some(person) => person_tags(app, person, &who.name),
        None => registration.filter(|_| role == Role::Buyer).map(|_| firm()),
    };
    Ok(Party {
        id,
        name: name.clone(),
        roles: BTreeSet::from([role]),
        country,
        person,
        identity_checked: believed && who.person.as_ref().is_some_and(|p| p.checked),
        payout_account: account,
        account_holder: holder,
        registration: registration.map(str::to_owned).filter(|_| who.person.is_none()),
        since: app.hub.business_now().await?,
    })
}

/// A person's name is nobody's business but the hub's: in events and lists it is an alias.
fn alias(role: Role, id: Id<Party>) -> String {
    let text = id.to_string();
    format!("{}-{}", role.code(), &text[text.len() - 6..])
}

/// By what a person is recognised when it pays; none where not even a name was given.
pub fn person_tags(app: &AppState, person: &Identity, name: &str) -> Option<PersonTags> {
    let name = Some(person.name.trim()).filter(|n| !n.is_empty()).unwrap_or(name.trim());
    let key = &app.site().person_key;
    let number = person.id_number.as_deref().map(str::trim).filter(|n| !n.is_empty());
    (!name.is_empty())
        .then(|| PersonTags { id: number.map(|n| PersonTag::of(key, "id", n)), name: PersonTag::of(key, "name", name) })
}

async fn personal(app: &AppState, id: Id<Party>, who: &Registration) -> Answer<Personal> {
    let keep_until = app.hub.business_now().await?.plus_days(KEEP_PERSONAL);
    let person = who.person.as_ref();
    let name = person.map(|p| if p.name.trim().is_empty() { who.name.clone() } else { p.name.clone() });
    let of_person = |part: fn(&Identity) -> Option<String>| person.and_then(part);
    let values = [
        (PersonalField::Name, name, "customs"),
        (PersonalField::Email, who.email.clone(), "account"),
        (PersonalField::Phone, of_person(|p| p.phone.clone()), "delivery"),
        (PersonalField::Address, of_person(|p| p.address.clone()), "delivery"),
        (PersonalField::IdType, of_person(|p| p.id_type.clone()), "customs"),
        (PersonalField::IdNumber, of_person(|p| p.id_number.clone()), "customs"),
    ];
    let fields: BTreeMap<PersonalField, PersonalValue> = values
        .into_iter()
        .filter_map(|(field, value, purpose)| {
            let value: String = value?.trim().chars().take(TEXT_MAX).collect();
            let kept = PersonalValue { value, salt: app.random(), purpose: purpose.to_owned(), keep_until };
            (!kept.value.is_empty()).then_some((field, kept))
        })
        .collect();
    Ok(Personal { party: id, fields })
}

/// The document that a person imports under: MyKad in Malaysia; `1` is the resident identity card of
/// China's message set.
#[must_use]
pub fn id_type(country: &str) -> &'static str {
    if country == Country::MY.as_str() { "mykad" } else { "1" }
}

/// A fresh seller or buyer of a sandbox, for whoever wants to try the hub with its own things. The
/// buyer's identity number has a region that does not exist: 999999 in China, 00 on a MyKad.
pub async fn practice_party(app: &AppState, role: Role) -> Answer<Party> {
    let mark = u64::from_be_bytes(app.random()).rem_euclid(10_000);
    let serial = u64::from_be_bytes(app.random()).rem_euclid(1_000);
    let is_buyer = role == Role::Buyer;
    let registration = Registration {
        party: None,
        role: role.code().to_owned(),
        name: format!("Practice {} {mark:04}", role.code()),
        country: String::new(),
        email: None,
        password: None,
        payout_account: (!is_buyer).then(|| format!("SANDBOX-{mark:04}")),
        account_holder: None,
        person: is_buyer.then(|| Identity {
            name: format!("Practice {mark:04}"),
            phone: Some(format!("100{mark:08}")),
            address: Some(format!("Practice Road {mark}")),
            id_type: Some(id_type(app.site().territory.as_str()).to_owned()),
            id_number: Some(if app.site().territory == Country::MY {
                format!("900101000{serial:03}")
            } else {
                with_check_digit(&format!("99999919900101{serial:03}"))
            }),
            checked: true,
        }),
        registration: None,
    };
    register(app, app.fresh(), &registration, true).await
}

/// The check digit of a Chinese identity number (GB 11643, ISO 7064 MOD 11-2).
fn with_check_digit(seventeen: &str) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = seventeen.bytes().zip(WEIGHTS).map(|(b, w)| u32::from(b - b'0') * w).sum();
    let check = match (12 - sum.rem_euclid(11)).rem_euclid(11) {
        10 => "X".to_owned(),
        digit => digit.to_string(),
    };
    format!("{seventeen}{check}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_gets_its_check_digit() {
        // The example of GB 11643: 11010519491231002X and 440524188001010014.
        assert_eq!(with_check_digit("11010519491231002"), "11010519491231002X");
        assert_eq!(with_check_digit("44052418800101001"), "440524188001010014");
    }

    #[test]
    fn an_email_and_a_password_are_asked_for_in_form() {
        assert!(check_credentials(Some("a@b.my"), Some("ten characters")).is_ok());
        for (email, password, code) in [
            (None, Some("long enough it is"), "not-an-email"),
            (Some("a@b"), Some("long enough it is"), "not-an-email"),
            (Some("a b@c.my"), Some("long enough it is"), "not-an-email"),
            (Some("a@b.my"), None, "password-short"),
            (Some("a@b.my"), Some("short"), "password-short"),
        ] {
            assert_eq!(check_credentials(email, password).unwrap_err().problem.code, code);
        }
    }
}
