//! Which channel a declaration takes: green, yellow or red, and by which rule.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codes::HsCode;
use crate::money::{Currency, Money, Rate};
use crate::rulebook::{Basis, Case, Channel, Compare, Direction, Knowledge, Regime, RiskRule, RuleId, Rulebook};

/// What the risk rules look at. Amounts are in the currency of the pack.
#[derive(Clone, Copy, Debug)]
pub struct ChannelFacts<'a> {
    pub regime: Regime,
    pub direction: Direction,
    /// The codes of all lines.
    pub hs: &'a [HsCode],
    pub goods: Money,
    /// The taxable value; for an export the goods, with freight where the seller bears it.
    pub goods_and_freight: Money,
    /// The id of the trade file, from which the random draw is made.
    pub trade: &'a str,
    pub date: Date,
}

/// The channel, and what put the declaration there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDecision {
    pub channel: Channel,
    /// None in the green channel.
    pub rule: Option<RuleId>,
    pub why: ChannelWhy,
}

/// Why a declaration takes its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ChannelWhy {
    NoRuleMet,
    /// A code lies under a prefix that the rule names.
    Goods {
        hs: HsCode,
        prefix: String,
    },
    Value {
        basis: Basis,
        value: Money,
        compare: Compare,
        amount: Money,
    },
    /// Drawn by chance, as this share of all are.
    Random {
        share: Rate,
    },
    /// By regime or direction alone.
    Always,
}

/// Why no channel can be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ChannelRefusal {
    WrongCurrency { expected: Currency, got: Currency },
}

impl fmt::Display for ChannelRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for ChannelRefusal {}

/// Chooses the channel: of all risk rules that are met, the most severe; among those equally
/// severe the first of the pack (files by name, then top down). No rule met is green.
///
/// The random draw follows from the pack and the trade file, so it can be checked and not be
/// repeated until it suits. Rules that are not known do not act.
///
/// # Errors
/// An amount is not in the currency of the pack.
pub fn channel(book: &Rulebook, facts: &ChannelFacts<'_>) -> Result<ChannelDecision, ChannelRefusal> {
    channel_drawn_by(book, &book.digest, facts)
}

/// The same, with the lot of the pack that has this digest: so two packs are compared on the same draws.
///
/// # Errors
/// An amount is not in the currency of the pack.
pub fn channel_drawn_by(
    book: &Rulebook,
    digest: &str,
    facts: &ChannelFacts<'_>,
) -> Result<ChannelDecision, ChannelRefusal> {
    for amount in [facts.goods, facts.goods_and_freight] {
        if amount.currency() != book.currency {
            return Err(ChannelRefusal::WrongCurrency { expected: book.currency, got: amount.currency() });
        }
    }
    let draw = Draw::of(digest, facts.trade);
    let mut decision = ChannelDecision { channel: Channel::Green, rule: None, why: ChannelWhy::NoRuleMet };
    for rule in &book.risks {
        let acts = rule.info.holds_on(facts.date) && rule.info.knowledge != Knowledge::Unknown;
        if acts
            && rule.channel > decision.channel
            && let Some(why) = met(rule, facts, draw)
        {
            decision = ChannelDecision { channel: rule.channel, rule: Some(rule.info.id.clone()), why };
        }
    }
    Ok(decision)
}

/// Whether a rule is met, and by what.
pub(crate) fn met(rule: &RiskRule, facts: &ChannelFacts<'_>, draw: Draw) -> Option<ChannelWhy> {
    let case = Case {
        goods: Some(facts.goods),
        goods_and_freight: Some(facts.goods_and_freight),
        ..Case::of(facts.regime, facts.direction)
    };
    let hs = facts.hs.iter().find(|hs| rule.when.met(&Case { hs: Some(hs), ..case }));
    if hs.is_none() && !(facts.hs.is_empty() && rule.when.met(&case)) {
        return None;
    }
    if let Some(share) = rule.random {
        return draw.is_within(share).then_some(ChannelWhy::Random { share });
    }
    if let Some(test) = rule.when.value {
        let value = match test.basis {
            Basis::Goods | Basis::Item => facts.goods,
            Basis::GoodsAndFreight => facts.goods_and_freight,
        };
        return Some(ChannelWhy::Value { basis: test.basis, value, compare: test.compare, amount: test.amount });
    }
    let named = hs.and_then(|hs| rule.when.prefix_of(hs).map(|prefix| (hs, prefix)));
    Some(
        named
            .map_or(ChannelWhy::Always, |(hs, prefix)| ChannelWhy::Goods { hs: hs.clone(), prefix: prefix.to_owned() }),
    )
}

/// A point of the unit interval in 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The first eight bytes of SHA-256 over the pack's digest (as its hex text) and the trade id.
    fn of(pack_digest: &str, trade: &str) -> Self {
        let hash = Sha256::new().chain_update(pack_digest).chain_update(trade).finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// The first point that lies not within a share, for worked examples.
    pub(crate) fn at(share: Rate) -> Self {
        let nano = u128::from(share.as_nano().unsigned_abs());
        let point = (nano << 64).div_ceil(u128::from(Rate::ONE.as_nano().unsigned_abs()));
        Self(u64::try_from(point).unwrap_or(u64::MAX))
    }

    fn is_within(self, share: Rate) -> bool {
        let one = u128::from(Rate::ONE.as_nano().unsigned_abs());
        u128::from(self.0) * one < u128::from(share.as_nano().unsigned_abs()) << 64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Country;
    use crate::rulebook::test_books;
    use jiff::civil::date;

    fn decide(territory: Country, hs: &[&str], minor: i64, trade: &str) -> (Channel, Option<String>, ChannelWhy) {
        let books = test_books();
        let book = books.book(territory).expect("there is a pack");
        let hs: Vec<HsCode> = hs.iter().map(|code| code.parse().expect("a code")).collect();
        let value = Money::new(minor, book.currency);
        let direction = if territory == Country::MY { Direction::Export } else { Direction::Import };
        let decision = channel(
            book,
            &ChannelFacts {
                regime: Regime::B2cParcel,
                direction,
                hs: &hs,
                goods: value,
                goods_and_freight: value,
                trade,
                date: date(2026, 11, 23),
            },
        )
        .expect("the currency is the pack's");
        (decision.channel, decision.rule.map(|rule| rule.to_string()), decision.why)
    }

    /// A trade id that chance leaves alone under both packs.
    fn not_drawn(territory: Country) -> String {
        (0..)
            .map(|n| format!("trd_{n}"))
            .find(|trade| decide(territory, &["090121"], 100, trade).0 == Channel::Green)
            .expect("most are not drawn")
    }

    #[test]
    fn goods_and_values_leave_the_green_channel() {
        use Channel::{Green, Red, Yellow};
        let (my, cn) = (Country::MY, Country::CN);
        for (territory, hs, minor, expected) in [
            (my, vec!["210112"], 999_999, Green),
            (my, vec!["711311"], 10_000, Yellow),
            (my, vec!["210112", "711719"], 10_000, Yellow),
            (my, vec!["210112"], 1_000_000, Red),
            // red outweighs yellow
            (my, vec!["711311"], 1_000_000, Red),
            (cn, vec!["210112"], 299_999, Green),
            (cn, vec!["330499"], 10_000, Yellow),
            (cn, vec!["210690"], 10_000, Yellow),
            (cn, vec!["210112"], 300_000, Red),
        ] {
            let trade = not_drawn(territory);
            let (channel, rule, _) = decide(territory, &hs, minor, &trade);
            assert_eq!(channel, expected, "{territory} {hs:?} {minor}");
            assert_eq!(rule.is_none(), expected == Green, "a reason for every channel but green");
        }
    }

    #[test]
    fn the_reason_names_the_code_or_the_value() {
        let trade = not_drawn(Country::CN);
        let (_, rule, why) = decide(Country::CN, &["090121", "3304990021"], 10_000, &trade);
        assert_eq!(rule.as_deref(), Some("cn.risk.cosmetics-supplements"));
        assert_eq!(why, ChannelWhy::Goods { hs: "3304990021".parse().expect("a code"), prefix: "3304".into() });
        let (_, rule, why) = decide(Country::CN, &["330499"], 300_000, &trade);
        assert_eq!(rule.as_deref(), Some("cn.risk.high-value"));
        assert!(matches!(why, ChannelWhy::Value { amount, .. } if amount.minor() == 300_000), "{why:?}");
    }

    #[test]
    fn chance_is_fixed_and_near_its_share() {
        let drawn = |territory, n: usize| {
            let trades = (0..n).map(|n| format!("trd_{n:032x}"));
            trades.filter(|trade| decide_fast(territory, trade) == Channel::Red).count()
        };
        // 1 % of 20,000 = 200 and 0.5 % = 100, give or take four standard deviations (56 and 40)
        let (my, cn) = (drawn(Country::MY, 20_000), drawn(Country::CN, 20_000));
        assert!((144..=256).contains(&my), "{my}");
        assert!((60..=140).contains(&cn), "{cn}");
        assert_eq!(my, drawn(Country::MY, 20_000), "the same trades are drawn again");
    }

    fn decide_fast(territory: Country, trade: &str) -> Channel {
        let books = test_books();
        let book = books.book(territory).expect("there is a pack");
        let direction = if territory == Country::MY { Direction::Export } else { Direction::Import };
        let value = Money::new(100, book.currency);
        let facts = ChannelFacts {
            regime: Regime::B2cParcel,
            direction,
            hs: &[],
            goods: value,
            goods_and_freight: value,
            trade,
            date: date(2026, 11, 23),
        };
        let draw = Draw::of(&book.digest, trade);
        let random = book.risks.iter().filter(|rule| rule.random.is_some());
        random.filter(|rule| met(rule, &facts, draw).is_some()).map(|rule| rule.channel).max().unwrap_or(Channel::Green)
    }

    #[test]
    fn an_amount_of_another_currency_is_refused() {
        let books = test_books();
        let book = books.book(Country::CN).expect("there is a pack");
        let facts = ChannelFacts {
            regime: Regime::B2cParcel,
            direction: Direction::Import,
            hs: &[],
            goods: Money::zero(Currency::MYR),
            goods_and_freight: Money::zero(Currency::CNY),
            trade: "trd_1",
            date: date(2026, 11, 23),
        };
        let expected = ChannelRefusal::WrongCurrency { expected: Currency::CNY, got: Currency::MYR };
        assert_eq!(channel(book, &facts), Err(expected));
    }
}
