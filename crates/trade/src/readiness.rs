//! What a product still lacks before it can be sold on a lane.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode};
use crate::hazard::{Carriage, Hazards};
use crate::hs_edition::HsEdition;
use crate::landed_cost::{AskLine, LandedCostAsk, LandedCostRefusal, landed_cost};
use crate::money::Money;
use crate::quantity::{Content, Grams};
use crate::rulebook::{
    Case, DataField, DataRule, DescriptionFault, Direction, Measure, PermitKind, Regime, RestrictionState, RuleId,
    Rulebook, Stance,
};

/// What a seller says the HS code is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "text", rename_all = "kebab-case")]
pub enum HsClaim {
    Missing,
    /// Given, but not six digits or more: as it was written.
    Short(String),
    Code(HsCode),
}

/// What is known of a product.
#[derive(Clone, Debug)]
pub struct ReadinessFacts<'a> {
    pub regime: Regime,
    /// The customs description.
    pub description: &'a str,
    pub hs: HsClaim,
    pub origin: Option<Country>,
    /// Gross weight of one piece as packed.
    pub weight: Option<Grams>,
    pub price: Option<Money>,
    /// Net contents of one piece.
    pub content: Option<Content>,
    pub hazards: Hazards,
}

/// One thing that stands between a product and a lane. `rule` is the rule that asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Gap {
    HsMissing {
        rule: RuleId,
    },
    HsTooShort {
        got: String,
        digits: usize,
        rule: RuleId,
    },
    /// No code of the nomenclature in force; `instead` came in its place, where that is known.
    HsNotInEdition {
        hs: HsCode,
        edition: u32,
        instead: Vec<HsCode>,
        rule: RuleId,
    },
    /// The description has only words that fit any goods.
    VagueDescription {
        word: String,
        rule: RuleId,
    },
    DescriptionTooShort {
        rule: RuleId,
    },
    OriginMissing {
        rule: RuleId,
    },
    WeightMissing {
        rule: RuleId,
    },
    NoPrice {
        rule: RuleId,
    },
    ContentMissing {
        rule: RuleId,
    },
    /// Of a drink whose alcohol is counted: the volume is told, the strength is not.
    StrengthMissing {
        rule: RuleId,
    },
    /// Nobody could say whether the importing side admits these goods under the regime.
    ListUnknown {
        hs: HsCode,
    },
    /// No duty, VAT or consumption tax is known.
    RateUnknown {
        hs: HsCode,
        rule: Option<RuleId>,
    },
    /// The territory has no rules for the regime, or none on this date.
    RegimeUnknown {
        territory: Country,
        regime: Regime,
    },
    Prohibited {
        territory: Country,
        direction: Direction,
        rule: RuleId,
    },
    PermitNeeded {
        territory: Country,
        direction: Direction,
        rule: RuleId,
        /// Where the rule says which paper; its agency stands in the rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permit: Option<PermitKind>,
    },
    /// In production, and the operator has not accepted the rule.
    UnverifiedRefused {
        rule: RuleId,
    },
    /// The goods may hold a lithium battery: does one piece, and which?
    BatteryUnknown {
        rule: RuleId,
    },
    /// There is one, and something of it is not said by which it would be known how it goes.
    BatteryDetailMissing {
        missing: BatteryDetail,
        rule: RuleId,
    },
    /// It may not be handed over charged so far, in per cent.
    ChargeTooHigh {
        got: u8,
        most: u8,
        rule: RuleId,
    },
    /// It should not be.
    ChargeAdvised {
        got: u8,
        most: u8,
        rule: RuleId,
    },
    /// How it goes: its UN number and the airlines' packing instruction. `small`: of so little energy that
    /// less is asked (section II).
    BatteryGoesAs {
        un: String,
        instruction: Option<String>,
        small: bool,
        rule: RuleId,
    },
    NotOnPassengerAircraft {
        un: String,
        rule: RuleId,
    },
    /// The goods may hold a liquid: does one piece, and does it burn?
    LiquidUnknown {
        rule: RuleId,
    },
    FlammableGoods {
        rule: RuleId,
    },
    /// What nobody tells the hub and customs asks for with the entry.
    ToldAtEntry {
        field: DataField,
        rule: RuleId,
    },
}

/// What is not said of a battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatteryDetail {
    #[serde(rename = "battery-packed")]
    Packed,
    WattHours,
    Charge,
}

impl Gap {
    /// Whether the product cannot be offered while this gap is open. A permit can be brought until
    /// the parcel moves, and what is told with the entry, and so can an answer on dangers; of these only what is known to break a rule
    /// blocks. Everything else blocks.
    #[must_use]
    pub fn blocks(&self) -> bool {
        !matches!(self, Self::PermitNeeded { .. } | Self::ToldAtEntry { .. }) && !self.is_of_transport()
            || matches!(self, Self::ChargeTooHigh { .. })
    }

    /// Whether a rule of a way of transport asks or tells it.
    #[must_use]
    pub const fn is_of_transport(&self) -> bool {
        matches!(
            self,
            Self::BatteryUnknown { .. }
                | Self::BatteryDetailMissing { .. }
                | Self::ChargeTooHigh { .. }
                | Self::ChargeAdvised { .. }
                | Self::BatteryGoesAs { .. }
                | Self::NotOnPassengerAircraft { .. }
                | Self::LiquidUnknown { .. }
                | Self::FlammableGoods { .. }
        )
    }

    /// The rule that asks, where one does.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::HsMissing { rule }
            | Self::HsTooShort { rule, .. }
            | Self::HsNotInEdition { rule, .. }
            | Self::VagueDescription { rule, .. }
            | Self::DescriptionTooShort { rule }
            | Self::OriginMissing { rule }
            | Self::WeightMissing { rule }
            | Self::NoPrice { rule }
            | Self::ContentMissing { rule }
            | Self::StrengthMissing { rule }
            | Self::Prohibited { rule, .. }
            | Self::PermitNeeded { rule, .. }
            | Self::UnverifiedRefused { rule }
            | Self::BatteryUnknown { rule }
            | Self::BatteryDetailMissing { rule, .. }
            | Self::ChargeTooHigh { rule, .. }
            | Self::ChargeAdvised { rule, .. }
            | Self::BatteryGoesAs { rule, .. }
            | Self::NotOnPassengerAircraft { rule, .. }
            | Self::LiquidUnknown { rule }
            | Self::FlammableGoods { rule }
            | Self::ToldAtEntry { rule, .. } => Some(rule),
            Self::RateUnknown { rule, .. } => rule.as_ref(),
            Self::ListUnknown { .. } | Self::RegimeUnknown { .. } => None,
        }
    }

    /// Its place in the list of gaps.
    fn order(&self) -> u8 {
        match self {
            Self::HsMissing { .. } => 0,
            Self::HsTooShort { .. } | Self::HsNotInEdition { .. } => 1,
            Self::VagueDescription { .. } => 2,
            Self::DescriptionTooShort { .. } => 3,
            Self::OriginMissing { .. } => 4,
            Self::WeightMissing { .. } => 5,
            Self::NoPrice { .. } => 6,
            Self::ContentMissing { .. } | Self::StrengthMissing { .. } => 7,
            Self::RegimeUnknown { .. } => 8,
            Self::ListUnknown { .. } => 9,
            Self::RateUnknown { .. } => 10,
            Self::Prohibited { .. } => 11,
            Self::PermitNeeded { .. } => 12,
            Self::UnverifiedRefused { .. } => 13,
            Self::BatteryUnknown { .. } => 14,
            Self::BatteryDetailMissing { .. } => 15,
            Self::ChargeTooHigh { .. } => 16,
            Self::ChargeAdvised { .. } => 17,
            Self::BatteryGoesAs { .. } => 18,
            Self::NotOnPassengerAircraft { .. } => 19,
            Self::LiquidUnknown { .. } => 20,
            Self::FlammableGoods { .. } => 21,
            Self::ToldAtEntry { .. } => 22,
        }
    }

    /// Whether two gaps ask for the same thing, so that the seller need see only one.
    fn asks_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prohibited { .. }, _) | (Self::PermitNeeded { .. }, _) | (Self::UnverifiedRefused { .. }, _) => {
                self == other
            }
            (Self::ToldAtEntry { .. }, _) => self == other,
            _ if self.is_of_transport() => self == other,
            _ => self.order() == other.order(),
        }
    }
}

/// Lists what a product lacks on a lane, in the order of the variants of [`Gap`]: what the seller can
/// mend with a few keys first, what the rules forbid last. Where both sides ask for the same, the
/// exporting side's rule is named. Empty means ready.
#[must_use]
pub fn readiness(
    export: &Rulebook,
    import: &Rulebook,
    product: &ReadinessFacts<'_>,
    carriage: Carriage<'_>,
    date: Date,
    stance: &Stance,
) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    let mut add = |gap: Gap| {
        if !gaps.iter().any(|known| known.asks_the_same_as(&gap)) {
            gaps.push(gap);
        }
    };
    for (book, direction) in [(export, Direction::Export), (import, Direction::Import)] {
        let data = book.data.iter().filter(|rule| rule.info.holds_on(date));
        data.filter_map(|rule| gap_of(rule, product, direction, date)).for_each(&mut add);
        description_gaps(book, product, direction, date).into_iter().for_each(&mut add);
        restriction_gaps(book, product, direction, date).into_iter().for_each(&mut add);
    }
    tax_gaps(import, product, date, stance).into_iter().for_each(&mut add);
    carriage.gaps(&product.hs, product.description, product.hazards, date).into_iter().for_each(&mut add);
    gaps.sort_by_key(Gap::order);
    gaps
}

/// What customs asks for with the entry of such goods and no hub holds, each rule once.
#[must_use]
pub fn told_at_entry<'a>(book: &'a Rulebook, ask: &LandedCostAsk<'_>) -> Vec<&'a DataRule> {
    let fits = |rule: &&DataRule| {
        rule.field.is_told_at_entry()
            && rule.info.holds_on(ask.date)
            && ask.lines.iter().any(|line| {
                let case = Case::of(ask.regime, Direction::Import);
                rule.when.met(&Case { hs: Some(&line.hs), origin: line.origin, mode: Some(ask.mode), ..case })
            })
    };
    book.data.iter().filter(fits).collect()
}

fn case_of<'a>(product: &'a ReadinessFacts<'_>, direction: Direction) -> Case<'a> {
    let hs = if let HsClaim::Code(hs) = &product.hs { Some(hs) } else { None };
    Case { hs, origin: product.origin, ..Case::of(product.regime, direction) }
}

/// What a data rule finds missing.
pub(crate) fn gap_of(rule: &DataRule, product: &ReadinessFacts<'_>, direction: Direction, date: Date) -> Option<Gap> {
    // A rule for some goods only cannot be judged before it is known which goods these are.
    let for_some = !rule.when.hs_in.is_empty() || !rule.when.hs_out.is_empty();
    let case = case_of(product, direction);
    if !rule.when.met(&case) || (for_some && case.hs.is_none()) {
        return None;
    }
    let id = || rule.info.id.clone();
    let digits = rule.digits;
    match rule.field {
        DataField::Hs => match &product.hs {
            HsClaim::Missing => Some(Gap::HsMissing { rule: id() }),
            HsClaim::Short(got) => Some(Gap::HsTooShort { got: got.clone(), digits, rule: id() }),
            HsClaim::Code(hs) if hs.as_str().len() < digits => {
                Some(Gap::HsTooShort { got: hs.to_string(), digits, rule: id() })
            }
            HsClaim::Code(hs) => HsEdition::on(date).filter(|edition| !edition.has(hs)).map(|edition| {
                let instead = edition.instead_of(hs).to_vec();
                Gap::HsNotInEdition { hs: hs.clone(), edition: edition.year, instead, rule: id() }
            }),
        },
        DataField::Description => {
            product.description.trim().is_empty().then(|| Gap::DescriptionTooShort { rule: id() })
        }
        DataField::Origin => product.origin.is_none().then(|| Gap::OriginMissing { rule: id() }),
        DataField::Weight => {
            product.weight.is_none_or(|weight| weight.0 < 1).then(|| Gap::WeightMissing { rule: id() })
        }
        DataField::Price => product.price.is_none_or(|price| !price.is_positive()).then(|| Gap::NoPrice { rule: id() }),
        DataField::Content => {
            product.content.is_none_or(|content| content.milli < 1).then(|| Gap::ContentMissing { rule: id() })
        }
        field @ (DataField::PersonalCustomsCode | DataField::ProductIdentifier) => {
            Some(Gap::ToldAtEntry { field, rule: id() })
        }
    }
}

fn description_gaps(book: &Rulebook, product: &ReadinessFacts<'_>, direction: Direction, date: Date) -> Vec<Gap> {
    let case = case_of(product, direction);
    let rules = book.descriptions.iter().filter(|rule| rule.info.holds_on(date) && rule.when.met(&case));
    rules
        .filter_map(|rule| {
            let id = rule.info.id.clone();
            Some(match rule.fault_of(product.description)? {
                DescriptionFault::Vague { word } => Gap::VagueDescription { word, rule: id },
                DescriptionFault::TooShort => Gap::DescriptionTooShort { rule: id },
            })
        })
        .collect()
}

/// A prohibition whose source is weak is told all the same: to be wrong there costs the seller a
/// question, to be silent costs the parcel.
fn restriction_gaps(book: &Rulebook, product: &ReadinessFacts<'_>, direction: Direction, date: Date) -> Vec<Gap> {
    let case = case_of(product, direction);
    if case.hs.is_none() && case.origin.is_none() {
        return Vec::new();
    }
    let territory = book.territory;
    let rules = book.restrictions.iter().filter(|rule| rule.info.holds_on(date) && rule.when.met(&case));
    rules
        .filter(|rule| {
            let needs_hs = !rule.when.hs_in.is_empty() || !rule.when.hs_out.is_empty();
            let needs_origin = !rule.when.origins.is_empty();
            (case.hs.is_some() || !needs_hs) && (case.origin.is_some() || !needs_origin)
        })
        .map(|rule| {
            let rule_id = rule.info.id.clone();
            match rule.state {
                RestrictionState::Prohibited => Gap::Prohibited { territory, direction, rule: rule_id },
                RestrictionState::Restricted => {
                    let permit = rule.permit.as_ref().map(|permit| permit.kind);
                    Gap::PermitNeeded { territory, direction, rule: rule_id, permit }
                }
            }
        })
        .collect()
}

/// What keeps the landed cost of one piece from being worked out. Its price is taken as one unit of the currency,
/// which no limit and no relief is below.
fn tax_gaps(book: &Rulebook, product: &ReadinessFacts<'_>, date: Date, stance: &Stance) -> Vec<Gap> {
    let HsClaim::Code(hs) = &product.hs else { return Vec::new() };
    let value = Money::new(10_i64.pow(book.currency.digits()), book.currency);
    let line = AskLine {
        hs: hs.clone(),
        pieces: 1,
        value,
        content: product.content.filter(|content| content.milli > 0),
        origin: product.origin,
        net: None,
    };
    let lines = [line];
    let mut gaps = Vec::new();
    let mut accepted = stance.clone();
    // Each round names one thing that is missing; what the operator may still accept is set aside to see further.
    for _ in 0..MOST_TAX_GAPS {
        let ask = LandedCostAsk {
            member: book.members.first().copied(),
            ..LandedCostAsk::new(date, product.regime, &lines, Money::zero(book.currency), &accepted)
        };
        let Err(refusal) = landed_cost(book, &ask) else { break };
        let gap = gap_of_refusal(book, product, date, refusal);
        let Gap::UnverifiedRefused { rule } = &gap else {
            // A code on no list is looked for in the tariff all the same: both must be mended.
            let no_row = matches!(gap, Gap::ListUnknown { .. }) && book.tariff.row(hs, date).is_none();
            gaps.extend(gap_unless_origin(gap, product));
            gaps.extend(no_row.then(|| Gap::RateUnknown { hs: hs.clone(), rule: None }));
            break;
        };
        if let Stance::Production { accepted } = &mut accepted {
            accepted.insert(rule.to_string());
        }
        gaps.push(gap);
    }
    gaps
}

/// Where the origin is missing, its own gap says so already.
fn gap_unless_origin(gap: Gap, product: &ReadinessFacts<'_>) -> Option<Gap> {
    (!matches!(gap, Gap::OriginMissing { .. }) || product.origin.is_some()).then_some(gap)
}

/// A pack has fewer rules than this for one kind of goods.
const MOST_TAX_GAPS: usize = 100;

/// The rule by which a code has to be told.
fn hs_rule(book: &Rulebook, date: Date) -> Option<RuleId> {
    let asks = |rule: &&DataRule| rule.field == DataField::Hs && rule.info.holds_on(date);
    book.data.iter().find(asks).map(|rule| rule.info.id.clone())
}

fn gap_of_refusal(book: &Rulebook, product: &ReadinessFacts<'_>, date: Date, refusal: LandedCostRefusal) -> Gap {
    let territory = book.territory;
    match refusal {
        LandedCostRefusal::UnverifiedRefused { rule } => Gap::UnverifiedRefused { rule },
        LandedCostRefusal::ListUnknown { hs, .. } => Gap::ListUnknown { hs },
        LandedCostRefusal::RateUnknown { hs, rule, .. } => Gap::RateUnknown { hs, rule },
        LandedCostRefusal::QuantityMissing { rule, measure: Measure::Alcohol, .. } => Gap::StrengthMissing { rule },
        // The weight of a product is gross; net weight and volume are told by its contents.
        LandedCostRefusal::ContentMissing { rule, .. } | LandedCostRefusal::QuantityMissing { rule, .. } => {
            Gap::ContentMissing { rule }
        }
        LandedCostRefusal::OriginMissing { rule, .. } => Gap::OriginMissing { rule },
        LandedCostRefusal::CodeTooShort { hs, digits, rule, .. } => {
            let digits = usize::try_from(digits).unwrap_or(usize::MAX);
            Gap::HsTooShort { got: hs.to_string(), digits, rule }
        }
        LandedCostRefusal::NoChargeFits { hs, .. } => Gap::RateUnknown { hs, rule: None },
        LandedCostRefusal::HsNotInEdition { hs, edition, instead, .. } => match hs_rule(book, date) {
            Some(rule) => Gap::HsNotInEdition { hs, edition, instead, rule },
            None => Gap::RateUnknown { hs, rule: None },
        },
        LandedCostRefusal::RuleUnknown { rule } | LandedCostRefusal::ExchangeMissing { rule, .. } => {
            match &product.hs {
                HsClaim::Code(hs) => Gap::RateUnknown { hs: hs.clone(), rule: Some(rule) },
                _ => Gap::RegimeUnknown { territory, regime: product.regime },
            }
        }
        _ => Gap::RegimeUnknown { territory, regime: product.regime },
    }
}

#[cfg(test)]
mod tests;
