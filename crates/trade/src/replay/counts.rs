//! What many trades come to under two laws. Counts of any parts of the trades add up to those of the whole.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use serde::Serialize;

use super::{Answer, Checked, Flight, SellerSize};
use crate::codes::Country;
use crate::landed_cost::AskLine;
use crate::rulebook::{ChargeKind, Collected};

/// A number under the law as it was, and under the draft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Two<T> {
    pub was: T,
    pub is: T,
}

impl<T: AddAssign> Two<T> {
    fn add(&mut self, other: Self) {
        self.was += other.was;
        self.is += other.is;
    }
}

impl Two<i128> {
    #[must_use]
    pub const fn change(&self) -> i128 {
        self.is - self.was
    }
}

/// Trades that have something in common. Amounts are in minor units of the territory's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    pub trades: u64,
    /// Value of the goods, whether sold or not.
    pub value: i128,
    /// Of trades that both laws let be sold.
    pub tax: Two<i128>,
    pub dearer: u64,
    pub cheaper: u64,
    pub not_sold: Two<u64>,
    pub at_once: Two<u64>,
}

impl Group {
    fn take(&mut self, flight: &Flight<'_>, value: i128, tax: Option<Two<i128>>) {
        self.trades += 1;
        self.value += value;
        if let Some(tax) = tax {
            self.tax.add(tax);
            self.dearer += u64::from(tax.change() > 0);
            self.cheaper += u64::from(tax.change() < 0);
        }
        self.not_sold.was += u64::from(flight.was.cost.is_err());
        self.not_sold.is += u64::from(flight.is.cost.is_err());
        self.at_once.was += u64::from(flight.was.checked == Checked::AtOnce);
        self.at_once.is += u64::from(flight.is.checked == Checked::AtOnce);
    }

    fn merge(&mut self, other: &Self) {
        self.trades += other.trades;
        self.value += other.value;
        self.tax.add(other.tax);
        self.dearer += other.dearer;
        self.cheaper += other.cheaper;
        self.not_sold.add(other.not_sold);
        self.at_once.add(other.at_once);
    }
}

/// What one seller's trades come to; kept for each, so memory grows with sellers and not with trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SellerSum {
    pub size: SellerSize,
    /// What its buyers pay more, in minor units, over trades that both laws let be sold.
    pub dearer_by: i128,
    /// Trades that only the law as it was lets be sold, less those that only the draft does.
    pub lost: i64,
}

/// 1 to 97.
pub(super) fn chapter_of(line: &AskLine) -> u8 {
    line.hs.chapter().parse().unwrap_or(0)
}

/// Everything that is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub trades: u64,
    /// Trades to other territories, which the laws say nothing about.
    pub elsewhere: u64,
    /// By charge and where it is collected, of all trades that the law lets be sold.
    pub revenue: BTreeMap<(ChargeKind, Collected), Two<i128>>,
    /// By the code of the refusal.
    pub refused: BTreeMap<String, Two<u64>>,
    /// By [`Checked::code`].
    pub checked: BTreeMap<&'static str, Two<u64>>,
    /// Goods, freight and tax of trades that both laws let be sold.
    pub cost: Two<i128>,
    pub dearer: u64,
    pub cheaper: u64,
    pub same: u64,
    pub sizes: BTreeMap<SellerSize, Group>,
    /// By chapter of the Harmonized System. Charges of a whole parcel stand with its first line.
    pub goods: BTreeMap<u8, Group>,
    pub origins: BTreeMap<Country, Group>,
    pub(super) sellers: HashMap<u64, SellerSum>,
}

impl Counts {
    /// Counts a trade that has flown; none is one to another territory.
    pub fn take(&mut self, flight: Option<&Flight<'_>>) {
        let Some(flight) = flight else {
            self.elsewhere += 1;
            return;
        };
        self.trades += 1;
        let Flight { trade, was, is } = flight;
        self.revenue_of(was, |two| &mut two.was);
        self.revenue_of(is, |two| &mut two.is);
        self.checked.entry(was.checked.code()).or_default().was += 1;
        self.checked.entry(is.checked.code()).or_default().is += 1;
        if let Some(code) = was.refused() {
            self.refused.entry(code).or_default().was += 1;
        }
        if let Some(code) = is.refused() {
            self.refused.entry(code).or_default().is += 1;
        }
        let mut tax = None;
        if let (Ok(before), Ok(after)) = (&was.cost, &is.cost) {
            self.cost.add(Two { was: before.total.minor().into(), is: after.total.minor().into() });
            match after.tax.minor().cmp(&before.tax.minor()) {
                std::cmp::Ordering::Greater => self.dearer += 1,
                std::cmp::Ordering::Less => self.cheaper += 1,
                std::cmp::Ordering::Equal => self.same += 1,
            }
            tax = Some(Two { was: i128::from(before.tax.minor()), is: i128::from(after.tax.minor()) });
        }
        let value = trade.lines.iter().map(|line| i128::from(line.value.minor())).sum();
        self.sizes.entry(trade.size).or_default().take(flight, value, tax);
        self.origins.entry(trade.from).or_default().take(flight, value, tax);
        self.goods_of(flight, tax.is_some());
        let none = SellerSum { size: trade.size, dearer_by: 0, lost: 0 };
        let seller = self.sellers.entry(trade.seller).or_insert(none);
        seller.dearer_by += tax.map_or(0, |tax| tax.change());
        seller.lost += i64::from(is.cost.is_err()) - i64::from(was.cost.is_err());
    }

    fn revenue_of(&mut self, answer: &Answer, side: impl Fn(&mut Two<i128>) -> &mut i128) {
        for charge in answer.cost.iter().flat_map(|cost| &cost.charges).filter(|charge| charge.amount.minor() != 0) {
            *side(self.revenue.entry((charge.kind, charge.at)).or_default()) += i128::from(charge.amount.minor());
        }
    }

    /// A trade of several chapters is counted with each, with that chapter's part of its value and tax.
    fn goods_of(&mut self, flight: &Flight<'_>, both: bool) {
        let lines = &flight.trade.lines;
        for (at, line) in lines.iter().enumerate() {
            let chapter = chapter_of(line);
            if lines.iter().take(at).any(|earlier| chapter_of(earlier) == chapter) {
                continue;
            }
            let mine = |n: usize| lines.get(n).is_some_and(|line| chapter_of(line) == chapter);
            let value = lines.iter().filter(|l| chapter_of(l) == chapter).map(|l| i128::from(l.value.minor())).sum();
            let tax_of = |answer: &Answer| -> i128 {
                let charges = answer.cost.iter().flat_map(|cost| &cost.charges);
                let of_chapter = charges.filter(|c| mine(usize::try_from(c.line.unwrap_or(0)).unwrap_or(0)));
                of_chapter.map(|charge| i128::from(charge.amount.minor())).sum()
            };
            let tax = both.then(|| Two { was: tax_of(&flight.was), is: tax_of(&flight.is) });
            self.goods.entry(chapter).or_default().take(flight, value, tax);
        }
    }

    /// Adds what was counted of other trades.
    pub fn merge(&mut self, other: Self) {
        self.trades += other.trades;
        self.elsewhere += other.elsewhere;
        for (key, two) in other.revenue {
            self.revenue.entry(key).or_default().add(two);
        }
        for (code, two) in other.refused {
            self.refused.entry(code).or_default().add(two);
        }
        for (code, two) in other.checked {
            self.checked.entry(code).or_default().add(two);
        }
        self.cost.add(other.cost);
        self.dearer += other.dearer;
        self.cheaper += other.cheaper;
        self.same += other.same;
        other.sizes.iter().for_each(|(key, group)| self.sizes.entry(*key).or_default().merge(group));
        other.goods.iter().for_each(|(key, group)| self.goods.entry(*key).or_default().merge(group));
        other.origins.iter().for_each(|(key, group)| self.origins.entry(*key).or_default().merge(group));
        for (seller, sum) in other.sellers {
            let mine = self.sellers.entry(seller).or_insert(SellerSum { dearer_by: 0, lost: 0, ..sum });
            mine.dearer_by += sum.dearer_by;
            mine.lost += sum.lost;
        }
    }

    /// Duties, taxes and fees of all trades that each law lets be sold.
    #[must_use]
    pub fn tax(&self) -> Two<i128> {
        let mut tax = Two::default();
        self.revenue.values().for_each(|two| tax.add(*two));
        tax
    }
}
