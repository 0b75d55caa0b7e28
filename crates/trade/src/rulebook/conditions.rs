//! When a rule applies: typed conditions, compared with the facts of a case.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::reader::Fields;
use super::{Direction, Regime};
use crate::codes::{Country, HsCode};
use crate::money::{Currency, Money};

/// By what the goods travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    Air,
    Sea,
    Road,
    Rail,
    Post,
}

impl Mode {
    pub const ALL: [(&'static str, Self); 5] =
        [("air", Self::Air), ("sea", Self::Sea), ("road", Self::Road), ("rail", Self::Rail), ("post", Self::Post)];
}

/// Who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Buyer {
    Consumer,
    Business,
}

impl Buyer {
    const ALL: [(&'static str, Self); 2] = [("consumer", Self::Consumer), ("business", Self::Business)];
}

/// Of which value a threshold speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The price of the goods without freight: the intrinsic value of a parcel. Prices here hold the way to
    /// the exporting hub, so it is also their value free on board.
    Goods,
    /// The price of the goods with freight and insurance to the border (CIF).
    GoodsAndFreight,
    /// The price of one piece.
    Item,
}

impl Basis {
    /// A law's own word may be used.
    pub(super) const ALL: [(&'static str, Self); 6] = [
        ("goods", Self::Goods),
        ("goods-and-freight", Self::GoodsAndFreight),
        ("item", Self::Item),
        ("intrinsic", Self::Goods),
        ("fob", Self::Goods),
        ("cif", Self::GoodsAndFreight),
    ];
    /// Those that can be told of an order as a whole.
    pub(super) const OF_ORDERS: [(&'static str, Self); 5] =
        [Self::ALL[0], Self::ALL[1], Self::ALL[3], Self::ALL[4], Self::ALL[5]];
}

/// On which side of an amount a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    AtMost,
    LessThan,
    AtLeast,
    MoreThan,
}

impl Compare {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("at-most", Self::AtMost),
        ("less-than", Self::LessThan),
        ("at-least", Self::AtLeast),
        ("more-than", Self::MoreThan),
    ];

    #[must_use]
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::AtMost => order != Ordering::Greater,
            Self::LessThan => order == Ordering::Less,
            Self::AtLeast => order != Ordering::Less,
            Self::MoreThan => order == Ordering::Greater,
        }
    }
}

/// A value on one side of an amount: goods and freight at least 3,000.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueTest {
    pub basis: Basis,
    pub compare: Compare,
    pub amount: Money,
}

/// What is known of the goods and their way when a rule asks.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub regime: Regime,
    pub direction: Direction,
    pub hs: Option<&'a HsCode>,
    pub origin: Option<Country>,
    pub mode: Option<Mode>,
    pub buyer: Option<Buyer>,
    pub goods: Option<Money>,
    pub goods_and_freight: Option<Money>,
}

impl<'a> Case<'a> {
    /// A case of which only the regime and the direction are known.
    #[must_use]
    pub const fn of(regime: Regime, direction: Direction) -> Self {
        Case {
            regime,
            direction,
            hs: None,
            origin: None,
            mode: None,
            buyer: None,
            goods: None,
            goods_and_freight: None,
        }
    }
}

/// The typed conditions of a rule. An empty list does not restrict; all that is stated must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    pub regimes: Vec<Regime>,
    pub directions: Vec<Direction>,
    pub origins: Vec<Country>,
    /// HS chapters, headings or subheadings under which the rule applies.
    pub hs_in: Vec<String>,
    /// And those under which it does not.
    pub hs_out: Vec<String>,
    pub modes: Vec<Mode>,
    pub buyers: Vec<Buyer>,
    pub value: Option<ValueTest>,
}

impl Conditions {
    /// Whether the rule applies. A fact that is not known counts as fulfilled, so that what is
    /// prohibited does not pass because nobody said how it travels.
    #[must_use]
    pub fn met(&self, case: &Case<'_>) -> bool {
        let fits = |hs: &HsCode| {
            (self.hs_in.is_empty() || self.hs_in.iter().any(|prefix| hs.is_under(prefix)))
                && !self.hs_out.iter().any(|prefix| hs.is_under(prefix))
        };
        allows(&self.regimes, Some(case.regime))
            && allows(&self.directions, Some(case.direction))
            && allows(&self.origins, case.origin)
            && allows(&self.modes, case.mode)
            && allows(&self.buyers, case.buyer)
            && case.hs.is_none_or(fits)
            && self.value.is_none_or(|test| {
                let value = match test.basis {
                    Basis::Goods => case.goods,
                    Basis::GoodsAndFreight => case.goods_and_freight,
                    Basis::Item => None,
                };
                value.is_none_or(|value| value.compare(test.amount).map_or(true, |order| test.compare.holds(order)))
            })
    }

    /// The first listed prefix that a code lies under.
    #[must_use]
    pub fn prefix_of(&self, hs: &HsCode) -> Option<&str> {
        self.hs_in.iter().find(|prefix| hs.is_under(prefix)).map(String::as_str)
    }

    pub(super) fn read(f: &mut Fields<'_>, currency: Currency) -> Self {
        let origins = f.texts("origin").into_iter().filter_map(|got| match got.parse() {
            Ok(country) => Some(country),
            Err(_) => {
                f.error("origin", super::Problem::NotACode { got });
                None
            }
        });
        let origins = origins.collect();
        Self {
            regimes: f.many_of("regime", &Regime::ALL),
            directions: f.many_of("direction", &Direction::ALL),
            origins,
            hs_in: hs_prefixes(f, "hs-in"),
            hs_out: hs_prefixes(f, "hs-out"),
            modes: f.many_of("mode", &Mode::ALL),
            buyers: f.many_of("buyer", &Buyer::ALL),
            value: f.optional("value", |f, key| value_test(f.table(key)?, currency)),
        }
    }
}

fn allows<T: PartialEq + Copy>(allowed: &[T], fact: Option<T>) -> bool {
    allowed.is_empty() || fact.is_none_or(|fact| allowed.contains(&fact))
}

fn value_test(mut f: Fields<'_>, currency: Currency) -> Option<ValueTest> {
    let basis = f.one_of("basis", &Basis::OF_ORDERS);
    let compare = f.one_of("compare", &Compare::ALL);
    let amount = f.amount("amount", currency);
    f.finish();
    Some(ValueTest { basis: basis?, compare: compare?, amount: amount? })
}

/// Two to ten digits each.
pub(super) fn hs_prefixes(f: &mut Fields<'_>, key: &str) -> Vec<String> {
    let prefixes = f.texts(key);
    for got in &prefixes {
        if !(2..=10).contains(&got.len()) || !got.bytes().all(|b| b.is_ascii_digit()) {
            f.error(key, super::Problem::NotACode { got: got.clone() });
        }
    }
    prefixes
}
