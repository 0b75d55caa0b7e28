//! Double entry: a transfer moves a positive amount of one currency from one account to another.
//!
//! Two-phase transfers hold money first (`Pending`) and are later posted or voided by a transfer
//! that names them; this is what escrow and payouts in flight are. Transfers that one command
//! makes are linked: they are written in one transaction, all or none. Foreign exchange is two
//! linked transfers through the position accounts of both currencies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};
use crate::time::BusinessTime;
use crate::trade_file::TradeId;

/// What an account is for; with whom and the currency it makes the account's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Money at the licensed firm that keeps it for the hub (asset).
    Bank,
    /// Money that came without a right to it: parked until its order comes, or to be returned.
    Unapplied,
    /// Buyers' money, held for their orders; what is pending out of it is in escrow.
    BuyerFunds,
    /// Money that escrow has let go, on its way to those it is due to.
    Proceeds,
    /// Import taxes set aside for the authority.
    Tax,
    /// The hub's own fee.
    Fee,
    /// Owed to the peer hub (on the importing side).
    DueTo,
    /// Owed by the peer hub (on the exporting side; asset).
    DueFrom,
    /// Position in a currency; exchange passes through it.
    FxPosition,
    /// Owed to a seller.
    Seller,
    /// Owed to the carriers for freight.
    Carrier,
    /// A lender's own money, kept for it: what is not lent.
    LenderFunds,
    /// A lender's money on its way to a seller.
    Advance,
    /// What customs charged above what was quoted, or below it: the hub's own loss or gain.
    Variance,
}

impl Purpose {
    const ALL: [(Self, &'static str); 14] = [
        (Self::Bank, "bank"),
        (Self::Unapplied, "unapplied"),
        (Self::BuyerFunds, "buyer-funds"),
        (Self::Proceeds, "proceeds"),
        (Self::Tax, "tax"),
        (Self::Fee, "fee"),
        (Self::DueTo, "due-to"),
        (Self::DueFrom, "due-from"),
        (Self::FxPosition, "fx-position"),
        (Self::Seller, "seller"),
        (Self::Carrier, "carrier"),
        (Self::LenderFunds, "lender-funds"),
        (Self::Advance, "advance"),
        (Self::Variance, "variance"),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(p, _)| *p == self).map_or("", |(_, code)| code)
    }
}

/// An account, by what it is for. Printed as `due-to/kul.sandbox/CNY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    pub purpose: Purpose,
    /// A party or a peer, empty where the account is the hub's own.
    pub with: String,
    pub currency: Currency,
}

impl Account {
    #[must_use]
    pub fn own(purpose: Purpose, currency: Currency) -> Self {
        Self { purpose, with: String::new(), currency }
    }

    #[must_use]
    pub fn with(purpose: Purpose, with: &impl fmt::Display, currency: Currency) -> Self {
        Self { purpose, with: with.to_string(), currency }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.with.is_empty() {
            write!(f, "{}/{}", self.purpose.code(), self.currency)
        } else {
            write!(f, "{}/{}/{}", self.purpose.code(), self.with, self.currency)
        }
    }
}

/// A text that names no account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnAccount(pub String);

impl fmt::Display for NotAnAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an account: {}", self.0)
    }
}

impl FromStr for Account {
    type Err = NotAnAccount;

    fn from_str(text: &str) -> Result<Self, NotAnAccount> {
        let bad = || NotAnAccount(text.chars().take(80).collect());
        let (purpose, rest) = text.split_once('/').ok_or_else(bad)?;
        let (purpose, _) = Purpose::ALL.iter().find(|(_, code)| *code == purpose).ok_or_else(bad)?;
        let (with, currency) = rest.rsplit_once('/').unwrap_or(("", rest));
        let currency = currency.parse().map_err(|_| bad())?;
        Ok(Self { purpose: *purpose, with: with.to_owned(), currency })
    }
}

impl Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which step of a trade a transfer is; with the trade it says why the money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// A credit that could not be applied (yet) is taken in.
    TakenIn,
    /// The buyer's payment comes in, or a parked one is applied.
    Funded,
    /// The buyer's money is held in escrow.
    Escrow,
    Tax,
    ImportFee,
    DueTo,
    DueFrom,
    Exchange,
    Freight,
    ExportFee,
    Proceeds,
    /// To the seller's bank account.
    Payout,
    /// Back to a payer.
    Refund,
    /// A lender's money comes in, and goes back to it.
    FundsIn,
    FundsOut,
    /// A lender's money is set apart for a seller, and leaves for its bank.
    Advance,
    AdvancePayout,
    /// The lender has its money back, and its fee.
    Repayment,
    AdvanceFee,
    /// Paid out of another trade's proceeds.
    DebtRepaid,
    /// What customs charged beside what was quoted.
    Variance,
}

impl Leg {
    const ALL: [(Self, &'static str); 21] = [
        (Self::TakenIn, "taken-in"),
        (Self::Funded, "funded"),
        (Self::Escrow, "escrow"),
        (Self::Tax, "tax"),
        (Self::ImportFee, "import-fee"),
        (Self::DueTo, "due-to"),
        (Self::DueFrom, "due-from"),
        (Self::Exchange, "exchange"),
        (Self::Freight, "freight"),
        (Self::ExportFee, "export-fee"),
        (Self::Proceeds, "proceeds"),
        (Self::Payout, "payout"),
        (Self::Refund, "refund"),
        (Self::FundsIn, "funds-in"),
        (Self::FundsOut, "funds-out"),
        (Self::Advance, "advance"),
        (Self::AdvancePayout, "advance-payout"),
        (Self::Repayment, "repayment"),
        (Self::AdvanceFee, "advance-fee"),
        (Self::DebtRepaid, "debt-repaid"),
        (Self::Variance, "variance"),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(l, _)| *l == self).map_or("", |(_, code)| code)
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, c)| *c == code).map(|(l, _)| *l)
    }
}

/// How a transfer touches balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferKind {
    /// At once.
    Posted,
    /// Held until posted or voided.
    Pending,
    /// Makes good an earlier pending transfer of the same trade, leg and accounts, in full.
    PostPending,
    /// Lets go an earlier pending transfer of the same trade, leg and accounts, in full.
    VoidPending,
}

impl TransferKind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Posted, "posted"),
        (Self::Pending, "pending"),
        (Self::PostPending, "post-pending"),
        (Self::VoidPending, "void-pending"),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(k, _)| *k == self).map_or("", |(_, code)| code)
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, c)| *c == code).map(|(k, _)| *k)
    }
}

/// One movement: `amount` from the account debited to the account credited. Never changed, never deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    pub trade: TradeId,
    pub leg: Leg,
    pub kind: TransferKind,
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
    pub at: BusinessTime,
}

/// The four sums of an account, in minor units of its currency. Each only counts one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub debit: i64,
    pub credit: i64,
    pub pending_debit: i64,
    pub pending_credit: i64,
}

/// The most that one transfer moves, in minor units: a hundred billion of most currencies. A slip
/// or an attack beyond it is refused where it comes in, so that no sum of an account overflows.
pub const TRANSFER_MAX_MINOR: i64 = 10_000_000_000_000;

impl Balance {
    /// What a transfer adds to the side `account` is on.
    #[must_use]
    pub fn after(mut self, account: &Account, t: &Transfer) -> Self {
        let minor = t.amount.minor();
        let (posted, pending) = match t.kind {
            TransferKind::Posted => (minor, 0),
            TransferKind::Pending => (0, minor),
            TransferKind::PostPending => (minor, -minor),
            TransferKind::VoidPending => (0, -minor),
        };
        if t.debit == *account {
            self.debit += posted;
            self.pending_debit += pending;
        }
        if t.credit == *account {
            self.credit += posted;
            self.pending_credit += pending;
        }
        self
    }

    /// Credit less debit, posted only: what a liability account owes.
    #[must_use]
    pub const fn owed(self) -> i64 {
        self.credit - self.debit
    }

    /// Debit less credit, posted only: what an asset account holds.
    #[must_use]
    pub const fn held(self) -> i64 {
        self.debit - self.credit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_named_by_what_they_are_for() {
        for text in ["bank/CNY", "due-to/kul.sandbox/CNY", "seller/pty_0/MYR"] {
            assert_eq!(text.parse::<Account>().map(|a| a.to_string()), Ok(text.to_owned()));
        }
        for text in ["bank", "gold/CNY", "bank/XYZ", ""] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pending_transfer_holds_and_its_posting_moves() {
        let bank = Account::own(Purpose::BuyerFunds, Currency::CNY);
        let held = Transfer {
            trade: "hgh.sandbox:A-1".parse().expect("well-formed"),
            leg: Leg::Escrow,
            kind: TransferKind::Pending,
            debit: bank.clone(),
            credit: Account::own(Purpose::Proceeds, Currency::CNY),
            amount: Money::new(500, Currency::CNY),
            at: BusinessTime::from_micros(0),
        };
        let after = Balance::default().after(&bank, &held);
        assert_eq!(after, Balance { pending_debit: 500, ..Balance::default() });
        let posted = after.after(&bank, &Transfer { kind: TransferKind::PostPending, ..held.clone() });
        assert_eq!(posted, Balance { debit: 500, ..Balance::default() });
        let voided = after.after(&bank, &Transfer { kind: TransferKind::VoidPending, ..held });
        assert_eq!(voided, Balance::default());
    }
}
