//! What a product still lacks before it can be sold on a lane.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode};
use crate::landed_cost::{LandedCostRefusal, RegimeRules};
use crate::money::Money;
use crate::quantity::{Content, Grams};
use crate::rulebook::{
    Case, DataField, DataRule, DescriptionFault, Direction, Knowledge, PermitKind, Regime, RestrictionState, RuleId,
    RuleInfo, Rulebook, Stance, Treatment,
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
}

impl Gap {
    /// Whether the product cannot be offered while this gap is open. A permit can be brought until
    /// the parcel moves; everything else blocks.
    #[must_use]
    pub fn blocks(&self) -> bool {
        !matches!(self, Self::PermitNeeded { .. })
    }

    /// The rule that asks, where one does.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::HsMissing { rule }
            | Self::HsTooShort { rule, .. }
            | Self::VagueDescription { rule, .. }
            | Self::DescriptionTooShort { rule }
            | Self::OriginMissing { rule }
            | Self::WeightMissing { rule }
            | Self::NoPrice { rule }
            | Self::ContentMissing { rule }
            | Self::Prohibited { rule, .. }
            | Self::PermitNeeded { rule, .. }
            | Self::UnverifiedRefused { rule } => Some(rule),
            Self::RateUnknown { rule, .. } => rule.as_ref(),
            Self::ListUnknown { .. } | Self::RegimeUnknown { .. } => None,
        }
    }

    /// Its place in the list of gaps.
    fn order(&self) -> u8 {
        match self {
            Self::HsMissing { .. } => 0,
            Self::HsTooShort { .. } => 1,
            Self::VagueDescription { .. } => 2,
            Self::DescriptionTooShort { .. } => 3,
            Self::OriginMissing { .. } => 4,
            Self::WeightMissing { .. } => 5,
            Self::NoPrice { .. } => 6,
            Self::ContentMissing { .. } => 7,
            Self::RegimeUnknown { .. } => 8,
            Self::ListUnknown { .. } => 9,
            Self::RateUnknown { .. } => 10,
            Self::Prohibited { .. } => 11,
            Self::PermitNeeded { .. } => 12,
            Self::UnverifiedRefused { .. } => 13,
        }
    }

    /// Whether two gaps ask for the same thing, so that the seller need see only one.
    fn asks_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prohibited { .. }, _) | (Self::PermitNeeded { .. }, _) | (Self::UnverifiedRefused { .. }, _) => {
                self == other
            }
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
        data.filter_map(|rule| gap_of(rule, product, direction)).for_each(&mut add);
        description_gaps(book, product, direction, date).into_iter().for_each(&mut add);
        restriction_gaps(book, product, direction, date).into_iter().for_each(&mut add);
    }
    tax_gaps(import, product, date, stance).into_iter().for_each(&mut add);
    gaps.sort_by_key(Gap::order);
    gaps
}

fn case_of<'a>(product: &'a ReadinessFacts<'_>, direction: Direction) -> Case<'a> {
    let hs = if let HsClaim::Code(hs) = &product.hs { Some(hs) } else { None };
    Case { hs, origin: product.origin, ..Case::of(product.regime, direction) }
}

/// What a data rule finds missing.
pub(crate) fn gap_of(rule: &DataRule, product: &ReadinessFacts<'_>, direction: Direction) -> Option<Gap> {
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
            HsClaim::Code(_) => None,
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

/// What keeps the landed cost of an order within the limits from being computed.
fn tax_gaps(book: &Rulebook, product: &ReadinessFacts<'_>, date: Date, stance: &Stance) -> Vec<Gap> {
    let HsClaim::Code(hs) = &product.hs else { return Vec::new() };
    let territory = book.territory;
    let found = RegimeRules::on(book, product.regime, date).and_then(|rules| {
        let treatment = rules.usual(hs);
        let tax = rules.tax(book, treatment)?;
        Ok((rules, treatment, tax))
    });
    let (rules, treatment, tax) = match found {
        Ok(found) => found,
        Err(LandedCostRefusal::RegimeUnknown { territory, regime }) => {
            return vec![Gap::RegimeUnknown { territory, regime }];
        }
        Err(_) => return vec![Gap::RegimeUnknown { territory, regime: product.regime }],
    };
    let mut gaps = Vec::new();
    let mut used: Vec<&RuleInfo> = vec![&rules.base.info, &tax.info];
    used.extend([rules.single, rules.annual].into_iter().flatten().map(|limit| &*limit.info));
    used.extend(rules.relief.map(|relief| &*relief.info));
    used.extend(rules.low_value.map(|low| &*low.info));

    if rules.has_list(book) {
        match rules.list(book, hs).filter(|list| list.info.knowledge != Knowledge::Unknown) {
            Some(list) => used.push(&list.info),
            None => gaps.push(Gap::ListUnknown { hs: hs.clone() }),
        }
    }
    let unknown = |rule: Option<&RuleInfo>| Gap::RateUnknown { hs: hs.clone(), rule: rule.map(|rule| rule.id.clone()) };
    match book.tariff.row(hs, date) {
        // What the border relieves needs no rates.
        _ if treatment == Treatment::Relief => {}
        None => gaps.push(unknown(None)),
        Some(row) => {
            used.push(&row.table);
            used.extend(row.vat_choice.as_deref());
            used.extend(row.duty_choice.as_deref().filter(|_| treatment == Treatment::Full));
            let no_duty = treatment == Treatment::Full && row.duty.is_none();
            if no_duty || row.vat.is_none() || row.table.knowledge == Knowledge::Unknown {
                gaps.push(unknown(Some(&row.table)));
            }
            match book.tariff.consumption_tax(row, date) {
                None => {}
                Some(None) => gaps.push(unknown(None)),
                Some(Some(tax)) if tax.rate.is_none() || tax.info.knowledge == Knowledge::Unknown => {
                    gaps.push(unknown(Some(&tax.info)));
                }
                Some(Some(tax)) => {
                    if tax.needs_content() && product.content.is_none_or(|content| content.milli < 1) {
                        gaps.push(Gap::ContentMissing { rule: tax.info.id.clone() });
                    }
                    used.push(&tax.info);
                }
            }
        }
    }
    for rule in used {
        match rule.knowledge {
            Knowledge::Sourced => {}
            Knowledge::Unverified if stance.allows(rule) => {}
            Knowledge::Unverified => gaps.push(Gap::UnverifiedRefused { rule: rule.id.clone() }),
            Knowledge::Unknown => gaps.push(unknown(Some(rule))),
        }
    }
    gaps
}

#[cfg(test)]
mod tests;
