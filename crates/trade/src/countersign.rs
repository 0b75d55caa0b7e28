//! Who confirms a price to the door: the importing hub, by its signature over all that the price rests on.
//!
//! A [`Quote`] is confirmed for its buyer and binds. A [`Statement`] is confirmed for anybody who asked the public
//! calculator: what the hub's own rules give today for what was asked. What is signed is the canonical JSON of
//! the statement (keys sorted, no blanks), for the purpose *statement*; whoever holds the hub's card can check it.
//! What is not signed is not called confirmed, and the reason is a value.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::card::canonical_json;
use crate::codes::{Country, HubId};
use crate::key::{Purpose, Signature, VerifyKey, verify_bytes};
use crate::landed_cost::{AskLine, LandedCost, LandedCostAsk};
use crate::money::{Currency, Money};
use crate::quote::Quote;
use crate::rulebook::{Knowledge, Mode, Regime, RuleId, Stance};
use crate::site::Site;
use crate::time::BusinessTime;

/// Why nobody has confirmed a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NotConfirmed {
    /// The quote bears no signature.
    QuoteUnsigned { hub: HubId },
    /// No card of the hub that should have signed it is held here.
    ConfirmerUnknown { hub: HubId },
    /// None of the keys on the hub's card, as it is held here, made the signature.
    ConfirmationBroken { hub: HubId },
    /// An estimate is worked out and not kept.
    EstimateOnly { hub: HubId },
    /// Another hub imports there; it is a peer.
    MarketOfAnotherHub { territory: Country, hub: HubId },
    /// No hub that is known here imports there.
    MarketWithoutHub { territory: Country },
    /// Asked for another day than today.
    NotOfToday { date: Date, today: Date },
    /// Worked out by an older version of the rules than the hub goes by.
    OlderRules { digest: String },
    /// The answer rests on rules that have no official source yet, and the operator has not accepted them.
    RulesUnverified { rules: Vec<RuleId> },
    /// Prices were converted at a rate that the asker typed.
    RateOfTheAsker { currency: Currency },
}

/// The key on a hub's card by which it confirmed a quote. `keys` are of that card, as it is held where the
/// question is asked; none where it is not.
///
/// # Errors
/// Nobody confirmed it, as far as can be checked.
pub fn confirmed_by<'k>(quote: &Quote, keys: Option<&'k [VerifyKey]>) -> Result<&'k VerifyKey, NotConfirmed> {
    let hub = quote.importer.clone();
    let Some(signature) = &quote.signature else { return Err(NotConfirmed::QuoteUnsigned { hub }) };
    let Some(keys) = keys else { return Err(NotConfirmed::ConfirmerUnknown { hub }) };
    let key = Signature::from_base64(signature)
        .and_then(|signature| verify_bytes(keys, Purpose::Quote, &quote.signed_bytes(), &signature).ok())
        .filter(|key| *key.hub() == quote.importer);
    key.ok_or(NotConfirmed::ConfirmationBroken { hub })
}

/// What a hub says that goods cost to the door by its own rules: the whole question and the whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    pub hub: HubId,
    /// Where the goods go.
    pub to: Country,
    /// The legal date.
    pub date: Date,
    pub regime: Regime,
    pub mode: Mode,
    pub lines: Vec<AskLine>,
    pub freight: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alongside: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<String>,
    /// With the digest of the rule pack, the rules, and every rate of exchange that was used.
    pub landed: LandedCost,
    pub stated_at: BusinessTime,
    pub valid_until: BusinessTime,
}

impl Statement {
    /// The bytes that are signed.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        canonical_json(&serde_json::to_value(self).expect("a statement has text keys only"))
    }
}

/// A statement with its hub's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Countersigned {
    pub statement: Statement,
    /// Id of the key, as on the hub's card.
    pub key: String,
    pub signature: Signature,
}

/// What is to be confirmed, beside the question and the answer.
#[derive(Clone, Debug)]
pub struct ToConfirm<'a> {
    pub to: Country,
    pub ask: &'a LandedCostAsk<'a>,
    pub landed: &'a LandedCost,
    /// In what currency prices were typed, with a rate that was typed too.
    pub rate_typed: Option<Currency>,
    /// The peer that imports into the territory, if there is one.
    pub peer: Option<HubId>,
}

/// This hub confirms an answer, if it is the hub that imports there and the answer is by what it goes by now.
///
/// # Errors
/// The first reason why not.
pub fn countersign(site: &Site, now: BusinessTime, of: &ToConfirm<'_>) -> Result<Countersigned, NotConfirmed> {
    let book = site.rulebook().filter(|book| book.territory == of.to || book.members.contains(&of.to));
    let Some(book) = book else {
        let territory = of.to;
        return Err(match &of.peer {
            Some(hub) => NotConfirmed::MarketOfAnotherHub { territory, hub: hub.clone() },
            None => NotConfirmed::MarketWithoutHub { territory },
        });
    };
    let today = site.date(now);
    if of.landed.pack != book.digest {
        return Err(NotConfirmed::OlderRules { digest: of.landed.pack.to_string() });
    }
    if of.ask.date != today {
        return Err(NotConfirmed::NotOfToday { date: of.ask.date, today });
    }
    if let Some(currency) = of.rate_typed {
        return Err(NotConfirmed::RateOfTheAsker { currency });
    }
    // In production the engine has refused whatever the operator has not accepted.
    if matches!(site.stance, Stance::Sandbox) && of.landed.knowledge != Knowledge::Sourced {
        let unverified = of.landed.rests_on.iter().filter(|used| used.knowledge != Knowledge::Sourced);
        return Err(NotConfirmed::RulesUnverified { rules: unverified.map(|used| used.rule.clone()).collect() });
    }
    let ask = of.ask;
    let statement = Statement {
        hub: site.id.clone(),
        to: of.to,
        date: ask.date,
        regime: ask.regime,
        mode: ask.mode,
        lines: ask.lines.to_vec(),
        freight: ask.freight,
        alongside: ask.alongside,
        registered: ask.registered,
        preference: ask.preference.map(str::to_owned),
        landed: of.landed.clone(),
        stated_at: now,
        valid_until: now.plus_days(book.quote_validity(of.ask.date).days),
    };
    let signature = site.road.key.sign_bytes(Purpose::Statement, &statement.signed_bytes());
    Ok(Countersigned { key: site.road.key.verify_key().id(), statement, signature })
}

/// A confirmed price as somebody hands it on: a quote, a statement, or the calculator's whole answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Confirmed {
    Quote(Box<Quote>),
    Statement(Box<Countersigned>),
}

/// What was found of a price that was handed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub hub: HubId,
    pub key: String,
    pub total: Money,
    pub date: Date,
    pub pack: String,
    pub until: BusinessTime,
}

impl Confirmed {
    /// Reads JSON; none where it is neither.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(bytes).ok()?;
        if let Some(signed) = value.get_mut("countersigned").map(Value::take).filter(Value::is_object) {
            value = signed;
        }
        if value.get("statement").is_some() {
            return Some(Self::Statement(Box::new(serde_json::from_value(value).ok()?)));
        }
        Some(Self::Quote(Box::new(serde_json::from_value(value).ok()?)))
    }

    /// Checks the signature by keys that the reader trusts.
    ///
    /// # Errors
    /// None of them confirmed it.
    pub fn verify(&self, keys: &[VerifyKey]) -> Result<Report, NotConfirmed> {
        let (hub, key, landed, date, until) = match self {
            Self::Quote(quote) => {
                let key = confirmed_by(quote, Some(keys))?.id();
                (&quote.importer, key, &quote.landed, quote.date, quote.expires_at)
            }
            Self::Statement(signed) => {
                let of = &signed.statement;
                let by = verify_bytes(keys, Purpose::Statement, &of.signed_bytes(), &signed.signature).ok();
                let by = by.filter(|key| *key.hub() == of.hub);
                let key = by.ok_or_else(|| NotConfirmed::ConfirmationBroken { hub: of.hub.clone() })?.id();
                (&of.hub, key, &of.landed, of.date, of.valid_until)
            }
        };
        Ok(Report { hub: hub.clone(), key, total: landed.total, date, pack: landed.pack.to_string(), until })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::card::Mode as HubMode;
    use crate::checkpoint::Epoch;
    use crate::landed_cost::landed_cost;
    use crate::rulebook::builtin;
    use crate::site::{BankAccount, SiteConfig};
    use crate::time::WallTime;

    /// 2026-11-23 01:00 UTC.
    const NOW: BusinessTime = BusinessTime::from_micros(1_795_395_600_000_000);

    fn site(id: &str, secret: u8) -> Site {
        let config = SiteConfig {
            id: id.parse().expect("well-formed"),
            name: id.to_owned(),
            territory: Country::CN,
            mode: HubMode::Production,
            url: "https://hgh.example".to_owned(),
            bank: BankAccount { firm: "Sandbox Bank".to_owned(), account: "0001".to_owned() },
            // What the answer rests on has no official text yet; the operator answers for it.
            accepted_rules: BTreeSet::from(["cn.cbec.taxable-value", "cn.cbec.positive-list"].map(str::to_owned)),
        };
        let books = Arc::new(builtin().expect("the built-in packs load"));
        let issued = WallTime::from_micros(NOW.micros());
        Site::open(&config, &[secret; 32], books, Epoch::FIRST, issued).expect("the territory has rules")
    }

    const fn cny(minor: i64) -> Money {
        Money::new(minor, Currency::CNY)
    }

    /// 100.00 of coffee without freight: 13 % × 70 % are 9.10, in all 109.10.
    fn lines() -> Vec<AskLine> {
        let hs = "210112".parse().expect("six digits");
        vec![AskLine { hs, pieces: 1, value: cny(10_000), content: None, origin: Some(Country::MY), net: None }]
    }

    fn asked<'a>(site: &'a Site, lines: &'a [AskLine]) -> (LandedCostAsk<'a>, LandedCost) {
        let ask = LandedCostAsk::new(site.date(NOW), Regime::B2cParcel, lines, cny(0), &site.stance);
        let landed = landed_cost(site.rulebook().expect("its own"), &ask).expect("the law answers");
        (ask, landed)
    }

    #[test]
    fn the_importing_hub_signs_question_and_answer_and_anybody_with_its_card_can_check_them() {
        let (hub, stranger, lines) = (site("hgh.sandbox", 1), site("hgh.sandbox", 2), lines());
        let (ask, landed) = asked(&hub, &lines);
        let of = ToConfirm { to: Country::CN, ask: &ask, landed: &landed, rate_typed: None, peer: None };
        let signed = countersign(&hub, NOW, &of).expect("it imports there");
        assert_eq!(signed.statement.landed.total, cny(10_910));
        assert!(signed.statement.valid_until > NOW);
        let json = serde_json::to_vec(&serde_json::json!({ "countersigned": signed })).expect("text keys");
        let read = Confirmed::read(&json).expect("an answer of the calculator");
        let report = read.verify(&hub.card.keys).expect("its own key");
        assert_eq!((report.total, report.key.as_str()), (cny(10_910), signed.key.as_str()));
        let broken = NotConfirmed::ConfirmationBroken { hub: hub.id.clone() };
        assert_eq!(read.verify(&stranger.card.keys), Err(broken.clone()));
        // One cent less is another statement.
        let mut other = signed;
        other.statement.landed.total = cny(10_909);
        assert_eq!(Confirmed::Statement(Box::new(other)).verify(&hub.card.keys), Err(broken));
        assert_eq!(Confirmed::read(b"{}"), None);
    }

    #[test]
    fn what_a_hub_cannot_answer_for_it_does_not_sign_and_says_why() {
        let (hub, lines) = (site("hgh.sandbox", 1), lines());
        let (ask, landed) = asked(&hub, &lines);
        let of = ToConfirm { to: Country::CN, ask: &ask, landed: &landed, rate_typed: None, peer: None };
        let why = |of: &ToConfirm<'_>| countersign(&hub, NOW, of).expect_err("not signed");
        let kul: HubId = "kul.sandbox".parse().expect("well-formed");
        let there = ToConfirm { to: Country::MY, peer: Some(kul.clone()), ..of.clone() };
        assert_eq!(why(&there), NotConfirmed::MarketOfAnotherHub { territory: Country::MY, hub: kul });
        let nowhere = ToConfirm { to: Country::MY, ..of.clone() };
        assert_eq!(why(&nowhere), NotConfirmed::MarketWithoutHub { territory: Country::MY });
        let older = LandedCost { pack: "00".into(), ..landed.clone() };
        let of_older = ToConfirm { landed: &older, ..of.clone() };
        assert_eq!(why(&of_older), NotConfirmed::OlderRules { digest: "00".to_owned() });
        let today = hub.date(NOW);
        let tomorrow = LandedCostAsk { date: today.tomorrow().expect("there is one"), ..ask };
        let of_tomorrow = ToConfirm { ask: &tomorrow, ..of.clone() };
        assert_eq!(why(&of_tomorrow), NotConfirmed::NotOfToday { date: tomorrow.date, today });
        let typed = ToConfirm { rate_typed: Some(Currency::MYR), ..of.clone() };
        assert_eq!(why(&typed), NotConfirmed::RateOfTheAsker { currency: Currency::MYR });
        // In a sandbox nobody answers for the two rules that have no official text yet.
        let sandbox = Site { stance: Stance::Sandbox, ..site("hgh.sandbox", 1) };
        let rules = ["cn.cbec.taxable-value", "cn.cbec.positive-list"].map(Into::into).to_vec();
        assert_eq!(countersign(&sandbox, NOW, &of), Err(NotConfirmed::RulesUnverified { rules }));
    }
}
