//! What is told of a replay: amounts in the territory's currency, each number with what it counts.

use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;

use super::{Checked, Counts, Group, SellerSize, Two, WindTunnel};
use crate::codes::Country;
use crate::money::{Currency, Money, MoneyError};
use crate::rulebook::{ChargeKind, Collected};

/// Two laws and what they make of the same trades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub territory: Country,
    pub currency: Currency,
    pub laws: Two<LawTold>,
    pub trades: u64,
    /// To other territories; not counted in anything else.
    pub elsewhere: u64,
    /// Duties, taxes and fees of all trades that each law lets be sold.
    pub tax: Two<Money>,
    pub revenue: Vec<Revenue>,
    pub checked: Vec<Count>,
    pub refused: Vec<Count>,
    /// Trades that both laws let be sold.
    pub both: u64,
    /// What their buyers pay in all, to the door.
    pub cost: Two<Money>,
    pub dearer: u64,
    pub cheaper: u64,
    pub same: u64,
    pub sizes: Vec<GroupTold>,
    pub goods: Vec<GroupTold>,
    pub origins: Vec<GroupTold>,
    pub sellers: Vec<Winners>,
}

/// By which rules, and of which day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LawTold {
    pub digest: Arc<str>,
    pub on: Option<Date>,
}

/// What one kind of charge brings in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revenue {
    pub kind: ChargeKind,
    pub at: Collected,
    #[serde(flatten)]
    pub amount: Two<Money>,
}

/// How many trades have something said of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    pub code: String,
    #[serde(flatten)]
    pub trades: Two<u64>,
}

/// Trades of sellers of one size, of one chapter, or from one country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupTold {
    pub code: String,
    pub trades: u64,
    pub value: Money,
    /// Of trades that both laws let be sold.
    pub tax: Two<Money>,
    pub dearer: u64,
    pub cheaper: u64,
    pub not_sold: Two<u64>,
    pub at_once: Two<u64>,
}

/// Sellers of one size. One loses whose buyers pay more in all, or who can sell less often; one gains to
/// whom neither happens and the contrary of one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Winners {
    pub size: SellerSize,
    pub sellers: u64,
    pub gain: u64,
    pub lose: u64,
}

impl Counts {
    /// What is told of them.
    ///
    /// # Errors
    /// A sum does not fit into an amount of money.
    pub fn report(&self, tunnel: &WindTunnel<'_>) -> Result<Report, MoneyError> {
        let book = tunnel.was.book;
        let currency = book.currency;
        let money = |minor: i128| {
            i64::try_from(minor).map(|minor| Money::new(minor, currency)).map_err(|_| MoneyError::Overflow)
        };
        let both = |two: Two<i128>| Ok::<_, MoneyError>(Two { was: money(two.was)?, is: money(two.is)? });
        let group = |code: String, group: &Group| {
            let Group { trades, value, tax, dearer, cheaper, not_sold, at_once } = *group;
            let (value, tax) = (money(value)?, both(tax)?);
            Ok::<_, MoneyError>(GroupTold { code, trades, value, tax, dearer, cheaper, not_sold, at_once })
        };
        let revenue = self.revenue.iter().map(|((kind, at), two)| {
            let amount = both(*two)?;
            Ok::<_, MoneyError>(Revenue { kind: *kind, at: *at, amount })
        });
        let told = |law: &super::Law<'_>| LawTold { digest: law.book.digest.clone(), on: law.on };
        let count = |code: &str, trades: &Two<u64>| Count { code: code.to_owned(), trades: *trades };
        let checked = Checked::CODES.iter().filter_map(|code| Some(count(code, self.checked.get(code)?)));
        let mut goods =
            self.goods.iter().map(|(chapter, of)| group(format!("{chapter:02}"), of)).collect::<Result<Vec<_>, _>>()?;
        goods.sort_by_key(|of| std::cmp::Reverse((of.tax.is.minor() - of.tax.was.minor()).unsigned_abs()));
        Ok(Report {
            territory: book.territory,
            currency,
            laws: Two { was: told(&tunnel.was), is: told(&tunnel.is) },
            trades: self.trades,
            elsewhere: self.elsewhere,
            tax: both(self.tax())?,
            revenue: revenue.collect::<Result<_, _>>()?,
            checked: checked.collect(),
            refused: self.refused.iter().map(|(code, trades)| count(code, trades)).collect(),
            both: self.dearer + self.cheaper + self.same,
            cost: both(self.cost)?,
            dearer: self.dearer,
            cheaper: self.cheaper,
            same: self.same,
            sizes: self.sizes.iter().map(|(size, of)| group(size.code().to_owned(), of)).collect::<Result<_, _>>()?,
            goods,
            origins: self.origins.iter().map(|(from, of)| group(from.to_string(), of)).collect::<Result<_, _>>()?,
            sellers: self.winners(),
        })
    }

    /// Who gains and who loses, by size.
    fn winners(&self) -> Vec<Winners> {
        let of = |size: SellerSize| {
            let mut winners = Winners { size, sellers: 0, gain: 0, lose: 0 };
            for seller in self.sellers.values().filter(|seller| seller.size == size) {
                winners.sellers += 1;
                let loses = seller.dearer_by > 0 || seller.lost > 0;
                winners.lose += u64::from(loses);
                winners.gain += u64::from(!loses && (seller.dearer_by < 0 || seller.lost < 0));
            }
            winners
        };
        let all = SellerSize::ALL.into_iter().map(|(_, size)| of(size));
        all.filter(|winners| winners.sellers > 0).collect()
    }
}
