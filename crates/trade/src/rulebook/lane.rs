//! What rules a lane between two territories: rate cards, the hubs' fees, samples of exchange rates.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::load::{Common, Currencies};
use super::reader::Fields;
use super::{Mode, Regime, RuleIndex, RuleInfo};
use crate::codes::Country;
use crate::money::{Currency, Fixed8, FxRate, Money, MoneyError, Rate};
use crate::quantity::Grams;
use crate::rate_card::RateCard;
use crate::time::BusinessTime;

/// The rules of one lane. Rates and fees of the exporting side are in its currency, those of the
/// importing side in its own.
#[derive(Debug)]
pub struct Lane {
    pub from: Country,
    pub to: Country,
    pub regime: Regime,
    pub export_currency: Currency,
    pub import_currency: Currency,
    /// SHA-256 over the lane's files, in lower-case hex.
    pub digest: Arc<str>,
    pub rate_cards: Vec<RateCard>,
    pub fees: Vec<Fee>,
    pub fx: Vec<FxSample>,
    pub(super) rules: RuleIndex,
    pub(super) files: Vec<(String, String)>,
}

/// At which hub a fee is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeeSide {
    ExportingHub,
    ImportingHub,
}

/// A hub's fee: a share of the price of the goods, in that hub's currency.
#[derive(Clone, Debug)]
pub struct Fee {
    pub info: Arc<RuleInfo>,
    pub side: FeeSide,
    pub share: Rate,
    pub currency: Currency,
}

impl Fee {
    /// The fee on goods of this price, rounded once, half up.
    ///
    /// # Errors
    /// The price is in another currency, or too large.
    pub fn on(&self, goods: Money) -> Result<Money, MoneyError> {
        goods.plus(Money::zero(self.currency))?.at(self.share)
    }
}

/// An exchange rate that ships with the lane for the sandbox.
#[derive(Clone, Debug)]
pub struct FxSample {
    pub info: Arc<RuleInfo>,
    pub rate: FxRate,
}

impl Lane {
    /// Loads one lane from its files.
    ///
    /// # Errors
    /// All that is wrong, as in [`Rulebook::load`](super::Rulebook::load).
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<super::PackError>> {
        super::load::lane(files)
    }

    #[must_use]
    pub fn rate_card(&self, service: &str, date: Date) -> Option<&RateCard> {
        self.rate_cards.iter().find(|card| card.service == service && card.info.holds_on(date))
    }

    #[must_use]
    pub fn fee(&self, side: FeeSide, date: Date) -> Option<&Fee> {
        self.fees.iter().find(|fee| fee.side == side && fee.info.holds_on(date))
    }

    /// By what goods go on a date, where its carriage says so; the first card that holds decides.
    #[must_use]
    pub fn mode(&self, date: Date) -> Option<Mode> {
        self.rate_cards.iter().find(|card| card.info.holds_on(date))?.mode
    }

    /// The exchange rate of the lane that holds on a date.
    #[must_use]
    pub fn fx_on(&self, date: Date) -> Option<&FxSample> {
        self.fx.iter().find(|fx| fx.info.holds_on(date))
    }

    /// The newest version of a rule.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.rules.get(id)?.last().map(|info| &**info)
    }

    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.rules.values().flatten().map(|info| &**info)
    }

    #[must_use]
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }
}

/// A rate card in `currency`. Weights in grams, sides in millimetres.
pub(super) fn read_rate_card(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<RateCard> {
    let service = f.text("service");
    let mode = f.optional("mode", |f, key| f.one_of(key, &Mode::ALL));
    let first_weight = f.integer("first-grams", 1, 1_000_000);
    let first_price = f.amount("first-price", currency);
    let step_weight = f.integer("step-grams", 1, 1_000_000);
    let step_price = f.amount("step-price", currency);
    let volume_divisor = f.integer("volume-divisor", 1, 1_000_000);
    let heaviest = f.integer("heaviest-grams", 1, 100_000_000);
    let longest_mm = f.integer("longest-mm", 1, 100_000);
    let most_pieces = f.integer("most-pieces", 1, 1_000_000);
    Some(RateCard {
        info: common.info.clone(),
        service: service?,
        mode,
        first_weight: Grams(first_weight?),
        first_price: first_price?,
        step_weight: Grams(step_weight?),
        step_price: step_price?,
        volume_divisor: volume_divisor?,
        heaviest: Grams(heaviest?),
        longest_mm: longest_mm?,
        most_pieces: most_pieces?,
    })
}

pub(super) fn read_fee(f: &mut Fields<'_>, common: &Common, money: Currencies) -> Option<Fee> {
    let side = f.one_of("hub", &[("exporting", FeeSide::ExportingHub), ("importing", FeeSide::ImportingHub)]);
    let share = f.percent("share-of-goods");
    let side = side?;
    let currency = if side == FeeSide::ExportingHub { money.export } else { money.import };
    Some(Fee { info: common.info.clone(), side, share: share?, currency })
}

pub(super) fn read_fx(f: &mut Fields<'_>, common: &Common, money: Currencies) -> Option<FxSample> {
    let mid = f.parsed::<Fixed8>("mid");
    let spread = f.percent("spread");
    let as_of = f.parsed::<jiff::Timestamp>("as-of");
    if let Some(rate) = mid.filter(|rate| rate.0 <= 0) {
        f.error("mid", super::Problem::NotARate { got: rate.to_string() });
    }
    let rate = FxRate {
        from: money.export,
        to: money.import,
        mid: mid?,
        spread: spread?,
        source: common.info.source.to_string(),
        as_of: BusinessTime::from_micros(as_of?.as_microsecond()),
    };
    Some(FxSample { info: common.info.clone(), rate })
}
