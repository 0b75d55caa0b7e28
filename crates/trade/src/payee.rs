//! The payee: to whose account a seller's money goes, and what its bank calls the holder.

use serde::{Deserialize, Serialize};

use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::party::{Party, Role};
use crate::world::{Need, World};

/// Longest number of an account (ISO 20022, `Max34Text`).
pub const ACCOUNT_MAX: usize = 34;
/// Longest name of a holder (ISO 20022, `Max140Text`).
pub const HOLDER_MAX: usize = 140;

/// A seller says where it is paid. The last word counts; payouts that waited for it go with the next file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamePayee {
    pub party: Id<Party>,
    /// IBAN, or another number of 1 to 34 characters without a blank.
    pub account: String,
    /// Who holds it, as the bank writes it, where that is not the party's name.
    #[serde(default)]
    pub holder: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PayeeRefusal {
    /// Only sellers are paid by the hub.
    NotASeller {
        party: Id<Party>,
    },
    AccountNumber {
        got: String,
        max: usize,
    },
    HolderName {
        max: usize,
    },
}

/// Whether a text may be the number of an account, in whatever country.
#[must_use]
pub fn is_account(text: &str) -> bool {
    (1..=ACCOUNT_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./".contains(&b))
}

/// Whether money can be sent to this account of this holder.
///
/// # Errors
/// What is wrong with the number or the name.
pub fn check(account: Option<&str>, holder: Option<&str>) -> Result<(), PayeeRefusal> {
    if let Some(account) = account.filter(|a| !is_account(a)) {
        let got = account.chars().take(ACCOUNT_MAX).collect();
        return Err(PayeeRefusal::AccountNumber { got, max: ACCOUNT_MAX });
    }
    if holder.is_some_and(|h| h.chars().count() > HOLDER_MAX || h.chars().any(char::is_control)) {
        return Err(PayeeRefusal::HolderName { max: HOLDER_MAX });
    }
    Ok(())
}

impl Decide for NamePayee {
    type Answer = Party;
    type Refusal = PayeeRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.party);
    }

    fn decide(&self, world: &mut World) -> Result<Party, PayeeRefusal> {
        let Some(party) = world.parties.get(&self.party).filter(|p| p.is(Role::Seller)).cloned() else {
            return Err(PayeeRefusal::NotASeller { party: self.party });
        };
        let account = self.account.trim();
        let holder = self.holder.as_deref().map(str::trim).filter(|h| !h.is_empty());
        check(Some(account), holder)?;
        let named = Party {
            payout_account: Some(account.to_owned()),
            account_holder: holder.map(str::to_owned),
            ..party.clone()
        };
        if named != party {
            world.happened(None, None, Happened::PayeeNamed { party: party.id });
            world.parties.put(party.id, named.clone());
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_number_as_banks_write_it() {
        for good in ["5140-1234-5678", "DE89370400440532013000", "MY-8001-0042-7719", "1"] {
            assert!(is_account(good), "{good}");
        }
        for bad in ["", "5140 1234", "工商银行6222", "12345678901234567890123456789012345", "a;b"] {
            assert!(!is_account(bad), "{bad}");
        }
    }
}
