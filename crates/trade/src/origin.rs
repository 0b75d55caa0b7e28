//! Whether goods originate in the area of a trade agreement, from what they are made of.
//!
//! A seller states a bill of materials for one piece; for each agreement of the packs the criteria are
//! tried in their order and the whole working is shown, so that it can be redone by hand. What nobody
//! knows counts against: a material of unknown origin, or of a member's but unproved, comes from outside.
//! Nothing here is a number of law: thresholds and tolerances stand in `rulebooks/agreements/`.

mod agreement;
mod state;

use serde::{Deserialize, Serialize};

pub use self::agreement::{Agreement, AgreementId, Criterion, Form, Method, ProofKind, Test};
pub use self::state::{MATERIALS_MAX, MaterialsRefusal, Preference, StateMaterials, preferences};
use crate::codes::{Country, HsCode};
use crate::money::{Money, MoneyError, Rate, sum};
use crate::quantity::Grams;
use crate::rulebook::{Knowledge, RuleId};

/// What one piece of a product is made of and what it costs to make. Its seller's secret: it does not
/// leave the hub; what follows from it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// What one piece costs free on board: packed, cleared for export and loaded.
    pub fob: Money,
    /// Grown, harvested, raised, caught or mined where it comes from, as its seller answers for.
    #[serde(default)]
    pub wholly_obtained: bool,
    #[serde(default)]
    pub materials: Vec<Material>,
    #[serde(default)]
    pub costs: Costs,
}

/// What making a piece costs besides its materials; the build-up counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costs {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labour: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profit: Option<Money>,
    /// Carriage to the ship and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Money>,
}

impl Costs {
    pub fn all(&self) -> impl Iterator<Item = Money> {
        [self.labour, self.overhead, self.profit, self.other].into_iter().flatten()
    }
}

/// One material of one piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Material {
    pub description: String,
    /// What of it is in one piece, in the seller's words: `0.3 m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hs: Option<HsCode>,
    /// Its value in one piece.
    pub value: Money,
    /// Where it comes from; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Country>,
    /// Its mass in one piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Grams>,
    /// The agreements under which it originates itself, as a paper proves that the seller keeps: a
    /// supplier's declaration for what is made here, a certificate of origin for another member's.
    #[serde(default)]
    pub proved: Vec<AgreementId>,
}

/// What is known of a product when it is asked whether it originates.
#[derive(Clone, Copy, Debug)]
pub struct OriginFacts<'a> {
    pub hs: Option<&'a HsCode>,
    /// Where it was made last.
    pub made_in: Option<Country>,
    /// Net or, where that is not known, packed mass of one piece.
    pub weight: Option<Grams>,
    pub bill: &'a Bill,
}

/// Whether goods originate under one agreement, and how that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub agreement: AgreementId,
    /// The first criterion that is met, as the certificate has it: `WO`, `RVC`; none where none is.
    pub criterion: Option<String>,
    /// The worst that the verdict leans on.
    pub knowledge: Knowledge,
    pub value: ValueSum,
    pub tried: Vec<Tried>,
    /// What would have to be known for a better verdict.
    pub missing: Vec<Missing>,
    /// The one change that would make goods originate that do not; none where no single one would.
    pub change: Option<Change>,
}

impl Origin {
    #[must_use]
    pub const fn qualifies(&self) -> bool {
        self.criterion.is_some()
    }
}

/// The sum by which the regional value content is counted, both ways; shares are rounded down, so that
/// what is shown as the threshold has reached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueSum {
    pub fob: Money,
    pub originating: Money,
    pub non_originating: Money,
    /// Labour, overhead, profit and other costs.
    pub costs: Money,
    /// (FOB − non-originating) / FOB.
    pub build_down: Rate,
    /// (originating + costs) / FOB.
    pub build_up: Rate,
    /// What of the price is neither material nor stated cost: by so much the build-up falls short.
    pub unexplained: Money,
}

/// One criterion as it was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    pub rule: RuleId,
    /// For the box of the certificate.
    pub criterion: String,
    pub met: bool,
    pub working: Working,
}

/// Why a criterion is met or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "kebab-case")]
pub enum Working {
    /// By its seller's word.
    WhollyObtained { stated: bool },
    /// `outside` are the materials that do not originate, by their numbers from 1.
    ExclusivelyOriginating { outside: Vec<usize> },
    RegionalValue {
        threshold: Rate,
        /// The most that materials from outside may cost, so that the build-down reaches it.
        most_outside: Money,
        by: Vec<Method>,
    },
    ChangeOfHeading {
        heading: String,
        /// Materials from outside of the same heading, or of none that is known, by number.
        same: Vec<usize>,
        /// What they cost, and what they may.
        value: Money,
        most: Money,
        /// What they weigh, and what they may, where the chapter counts by weight and all is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<Grams>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most_weight: Option<Grams>,
    },
    /// It cannot be tried without the product's HS code.
    NoCode,
}

/// What is not known and counts against the goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Missing {
    /// The product's own HS code.
    ProductHsMissing,
    /// Where the product was made.
    MadeInMissing,
    /// It was made outside the area.
    MadeOutside {
        country: Country,
    },
    MaterialOriginMissing {
        material: usize,
    },
    MaterialHsMissing {
        material: usize,
    },
    /// The material comes from a member, but nothing proves that it originates itself.
    MaterialProofMissing {
        material: usize,
        country: Country,
    },
    /// No material is stated, and the goods are not said to be wholly obtained.
    NoMaterials,
    /// There may be a rule for this line that the goods meet, and its text was not at hand.
    ProductRuleUnread,
}

/// A change that would be enough by itself. Materials are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Change {
    /// Prove that this material of a member originates.
    ProveMaterial { material: usize, country: Country },
    /// This material costs so much too much.
    CheaperMaterial { material: usize, by: Money },
    /// All materials from outside cost so much too much together; no single one costs that much.
    CheaperMaterials { by: Money },
    /// This material from outside has the product's own heading: buy it from a member, or make it here.
    OtherHeading { material: usize },
}

/// Whether a product originates under an agreement. Of the criteria that are met the first counts.
///
/// # Errors
/// Values in several currencies, or beyond what can be added up.
pub fn qualifies(agreement: &Agreement, facts: &OriginFacts<'_>) -> Result<Origin, MoneyError> {
    let bill = facts.bill;
    let inside = Inside::of(agreement, bill);
    let value = value_sum(bill, &inside)?;
    let mut missing = missing(agreement, facts, &inside);
    let here = facts.made_in.is_some_and(|country| agreement.is_member(country));
    let mut tried = Vec::new();
    for criterion in &agreement.criteria {
        let (met, working) = try_one(criterion, facts, &inside, &value)?;
        let rule = RuleId::from(criterion.id.as_str());
        tried.push(Tried { rule, criterion: criterion.code.clone(), met: met && here, working });
    }
    let first = tried.iter().position(|one| one.met);
    let mut knowledge =
        first.map_or(agreement.knowledge, |at| agreement.knowledge.max(agreement.criteria[at].knowledge));
    if inside.leans_on_unverified || facts.made_in.is_some_and(|country| !agreement.is_known_member(country)) {
        knowledge = knowledge.max(Knowledge::Unverified);
    }
    let change = if first.is_none() && here { change(agreement, facts, &inside, &value, &tried)? } else { None };
    if first.is_none() && agreement.has_unread_product_rules {
        missing.push(Missing::ProductRuleUnread);
    }
    Ok(Origin {
        agreement: agreement.id.clone(),
        criterion: first.map(|at| tried[at].criterion.clone()),
        knowledge,
        value,
        tried,
        missing,
        change,
    })
}

/// Which materials originate.
struct Inside {
    originates: Vec<bool>,
    leans_on_unverified: bool,
}

impl Inside {
    fn of(agreement: &Agreement, bill: &Bill) -> Self {
        let originates = |material: &Material| {
            material.origin.is_some_and(|country| agreement.is_member(country))
                && material.proved.contains(&agreement.id)
        };
        let originates: Vec<bool> = bill.materials.iter().map(originates).collect();
        let unverified = |(material, inside): (&Material, &bool)| {
            *inside && material.origin.is_some_and(|country| !agreement.is_known_member(country))
        };
        let leans_on_unverified = bill.materials.iter().zip(&originates).any(unverified);
        Self { originates, leans_on_unverified }
    }

    /// Materials from outside with their numbers.
    fn outside<'a>(&'a self, bill: &'a Bill) -> impl Iterator<Item = (usize, &'a Material)> {
        (1..).zip(&bill.materials).zip(&self.originates).filter(|(_, inside)| !**inside).map(|(material, _)| material)
    }
}

fn value_sum(bill: &Bill, inside: &Inside) -> Result<ValueSum, MoneyError> {
    let currency = bill.fob.currency();
    let non_originating = sum(currency, inside.outside(bill).map(|(_, material)| material.value))?;
    let originating = sum(currency, bill.materials.iter().map(|material| material.value))?.minus(non_originating)?;
    let costs = sum(currency, bill.costs.all())?;
    let built_up = originating.plus(costs)?;
    Ok(ValueSum {
        fob: bill.fob,
        originating,
        non_originating,
        costs,
        build_down: share_of(bill.fob.minus(non_originating)?, bill.fob)?,
        build_up: share_of(built_up, bill.fob)?,
        unexplained: bill.fob.minus(non_originating)?.minus(built_up)?,
    })
}

/// `part / whole`, rounded down to a hundredth of a per cent.
fn share_of(part: Money, whole: Money) -> Result<Rate, MoneyError> {
    const STEP: i128 = 100_000;
    if !whole.is_positive() {
        return Err(MoneyError::RateNotPositive);
    }
    let hundredths = (i128::from(part.minor()) * 10_000).div_euclid(i128::from(whole.minor()));
    i64::try_from(hundredths * STEP).map(Rate::nano).map_err(|_| MoneyError::Overflow)
}

/// Whether `part / whole` reaches a share, exactly.
fn reaches(part: Money, whole: Money, share: Rate) -> bool {
    i128::from(part.minor()) * i128::from(Rate::ONE.as_nano())
        >= i128::from(whole.minor()) * i128::from(share.as_nano())
}

/// A share of an amount, rounded down: what may be used up and not exceeded.
fn at_most(whole: i64, share: Rate) -> i64 {
    let most = (i128::from(whole) * i128::from(share.as_nano())).div_euclid(i128::from(Rate::ONE.as_nano()));
    i64::try_from(most).unwrap_or(i64::MAX)
}

fn try_one(
    criterion: &Criterion,
    facts: &OriginFacts<'_>,
    inside: &Inside,
    value: &ValueSum,
) -> Result<(bool, Working), MoneyError> {
    let bill = facts.bill;
    let numbers = || inside.outside(bill).map(|(number, _)| number).collect::<Vec<_>>();
    Ok(match &criterion.test {
        Test::WhollyObtained => (
            bill.wholly_obtained && bill.materials.is_empty(),
            Working::WhollyObtained { stated: bill.wholly_obtained },
        ),
        Test::ExclusivelyOriginating => {
            let outside = numbers();
            (!bill.materials.is_empty() && outside.is_empty(), Working::ExclusivelyOriginating { outside })
        }
        Test::RegionalValue { threshold, methods } => {
            let reached = |method: &Method| match method {
                Method::BuildDown => {
                    value.fob.minus(value.non_originating).is_ok_and(|part| reaches(part, value.fob, *threshold))
                }
                Method::BuildUp => {
                    value.originating.plus(value.costs).is_ok_and(|part| reaches(part, value.fob, *threshold))
                }
            };
            // Without materials and without costs nothing was counted.
            let counted = !bill.materials.is_empty();
            let by: Vec<Method> = methods.iter().copied().filter(|method| counted && reached(method)).collect();
            let outside = Rate::nano(Rate::ONE.as_nano() - threshold.as_nano());
            let most_outside = Money::new(at_most(value.fob.minor(), outside), value.fob.currency());
            (!by.is_empty(), Working::RegionalValue { threshold: *threshold, most_outside, by })
        }
        Test::ChangeOfHeading { tolerance, weight_chapters } => {
            let Some(hs) = facts.hs else { return Ok((false, Working::NoCode)) };
            change_of_heading(hs, facts, inside, *tolerance, weight_chapters)?
        }
    })
}

fn change_of_heading(
    hs: &HsCode,
    facts: &OriginFacts<'_>,
    inside: &Inside,
    tolerance: Rate,
    weight_chapters: &[String],
) -> Result<(bool, Working), MoneyError> {
    let bill = facts.bill;
    let heading = &hs.as_str()[..4];
    let same: Vec<(usize, &Material)> = inside
        .outside(bill)
        .filter(|(_, material)| material.hs.as_ref().is_none_or(|code| code.is_under(heading)))
        .collect();
    let value = sum(bill.fob.currency(), same.iter().map(|(_, material)| material.value))?;
    let most = Money::new(at_most(bill.fob.minor(), tolerance), bill.fob.currency());
    let by_weight = weight_chapters.iter().any(|chapter| chapter == hs.chapter());
    let weight = if by_weight && !same.is_empty() {
        let each = same.iter().map(|(_, material)| material.weight.map(|grams| grams.0));
        each.sum::<Option<i64>>().map(Grams)
    } else {
        None
    };
    let most_weight = weight.and(facts.weight).map(|whole| Grams(at_most(whole.0, tolerance)));
    let within_weight = weight.zip(most_weight).is_some_and(|(weight, most)| weight <= most);
    let met = !bill.materials.is_empty() && (value.minor() <= most.minor() || within_weight);
    let same = same.into_iter().map(|(number, _)| number).collect();
    let heading = heading.to_owned();
    Ok((
        met,
        Working::ChangeOfHeading {
            heading,
            same,
            value,
            most,
            weight: weight.filter(|_| most_weight.is_some()),
            most_weight,
        },
    ))
}

fn missing(agreement: &Agreement, facts: &OriginFacts<'_>, inside: &Inside) -> Vec<Missing> {
    let mut missing = Vec::new();
    if facts.hs.is_none() {
        missing.push(Missing::ProductHsMissing);
    }
    match facts.made_in {
        None => missing.push(Missing::MadeInMissing),
        Some(country) if !agreement.is_member(country) => missing.push(Missing::MadeOutside { country }),
        Some(_) => {}
    }
    if facts.bill.materials.is_empty() && !facts.bill.wholly_obtained {
        missing.push(Missing::NoMaterials);
    }
    for (material, what) in inside.outside(facts.bill) {
        match what.origin {
            None => missing.push(Missing::MaterialOriginMissing { material }),
            Some(country) if agreement.is_member(country) => {
                missing.push(Missing::MaterialProofMissing { material, country });
            }
            Some(_) => {}
        }
        if what.hs.is_none() {
            missing.push(Missing::MaterialHsMissing { material });
        }
    }
    missing
}

/// The one change that would be enough: a proof first, for it costs least.
fn change(
    agreement: &Agreement,
    facts: &OriginFacts<'_>,
    inside: &Inside,
    value: &ValueSum,
    tried: &[Tried],
) -> Result<Option<Change>, MoneyError> {
    let most = tried.iter().find_map(|one| match &one.working {
        Working::RegionalValue { most_outside, .. } => Some(*most_outside),
        _ => None,
    });
    let same = tried.iter().find_map(|one| match &one.working {
        Working::ChangeOfHeading { same, .. } => Some(same.as_slice()),
        _ => None,
    });
    let Some(most) = most.filter(|_| !facts.bill.materials.is_empty()) else { return Ok(None) };
    let excess = value.non_originating.minus(most)?;
    let enough = |material: &Material| material.value.minor() >= excess.minor();
    let unproved = |(number, material): (usize, &Material)| {
        let country = material.origin.filter(|country| agreement.is_member(*country))?;
        (enough(material) || same == Some(&[number])).then_some(Change::ProveMaterial { material: number, country })
    };
    if let Some(found) = inside.outside(facts.bill).find_map(unproved) {
        return Ok(Some(found));
    }
    if let Some([only]) = same {
        return Ok(Some(Change::OtherHeading { material: *only }));
    }
    let dearest = inside
        .outside(facts.bill)
        .max_by_key(|(number, material)| (material.value.minor(), std::cmp::Reverse(*number)));
    Ok(Some(match dearest.filter(|(_, material)| enough(material)) {
        Some((material, _)) => Change::CheaperMaterial { material, by: excess },
        None => Change::CheaperMaterials { by: excess },
    }))
}

#[cfg(test)]
mod tests;
