//! What a hub is: handed to every decision, never changed by one.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::card::{HubCard, Mode};
use crate::codes::{Country, HubId};
use crate::money::Currency;
use crate::road::Own;
use crate::rulebook::{Rulebook, Rulebooks, Stance};
use crate::time::BusinessTime;
use crate::trade_file::TradeId;
use crate::codes::DocumentNo;

pub struct Site {
    pub id: HubId,
    pub name: String,
    pub territory: Country,
    pub currency: Currency,
    pub zone: TimeZone,
    pub mode: Mode,
    pub stance: Stance,
    pub rulebooks: Arc<Rulebooks>,
    /// The hub's end of its roads, with its signing key: Ed25519 is deterministic, so signing is a
    /// pure function of it.
    pub road: Own,
    /// What the hub tells of itself to peers.
    pub card: HubCard,
    /// The licensed firm and account that hold the money of this hub's bank account.
    pub bank: BankAccount,
}

/// Who really holds the money, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BankAccount {
    pub firm: String,
    pub account: String,
}

impl Site {
    /// The date at the hub's office.
    #[must_use]
    pub fn date(&self, now: BusinessTime) -> Date {
        now.date_in(&self.zone)
    }

    /// The rules of the hub's own territory.
    #[must_use]
    pub fn rulebook(&self) -> Option<&Rulebook> {
        self.rulebooks.book(self.territory)
    }

    /// A trade file that this hub, as the importing one, names by its order number.
    #[must_use]
    pub fn trade(&self, order: &DocumentNo) -> TradeId {
        TradeId::new(&self.id, order)
    }

}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({})", self.id)
    }
}
