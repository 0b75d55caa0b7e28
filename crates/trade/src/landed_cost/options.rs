//! All lawful ways to bring goods in, ranked by what they cost, each with what it needs.

use serde::{Deserialize, Serialize};

use super::{LandedCost, LandedCostAsk, LandedCostRefusal, landed_cost};
use crate::rulebook::{ChargeKind, Collected, Limit, Regime, RuleId, Rulebook};

/// One way: a regime, and a preference or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostOption {
    pub regime: Regime,
    pub preference: Option<RuleId>,
    /// What must be there for this way; empty where nothing special is.
    pub needs: Vec<Needs>,
    pub cost: Result<LandedCost, LandedCostRefusal>,
}

/// What a way of bringing goods in needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Needs {
    /// The paper that proves origin, and goods that originate; both stand in the rule, in words.
    Proof { agreement: String, rule: RuleId },
    /// A person who buys for own use.
    Consumer,
    /// A registered business that lodges an entry.
    Business,
    /// Room within the yearly limit of the person.
    YearlyRoom { rule: RuleId },
    /// Whoever sells takes the tax with the price, under a registration.
    Registration { rule: RuleId },
}

/// Works out every regime that the pack rules, without a preference and with each that some line's origin could
/// have. The cheapest comes first, and last what is refused, in the order of the regimes. A preference that
/// lowers nothing is left out; one whose rates nobody knows here is told, as refused.
#[must_use]
pub fn options(book: &Rulebook, ask: &LandedCostAsk<'_>) -> Vec<CostOption> {
    let mut options = Vec::new();
    for (_, regime) in Regime::ALL {
        let plain = landed_cost(book, &LandedCostAsk { regime, preference: None, ..*ask });
        if matches!(plain, Err(LandedCostRefusal::RegimeUnknown { .. })) {
            continue;
        }
        let bears_duty = plain.as_ref().map_or(true, |cost| {
            cost.charges.iter().any(|charge| charge.kind == ChargeKind::Duty && charge.amount.is_positive())
        });
        options.push(option(book, ask, regime, None, plain));
        let partners = |origins: &[crate::codes::Country]| {
            ask.lines.iter().any(|line| line.origin.is_some_and(|origin| origins.contains(&origin)))
        };
        let preferences = book.preferences.iter().filter(|preference| preference.info.holds_on(ask.date));
        for preference in preferences.filter(|preference| bears_duty && partners(&preference.origins)) {
            let id = &preference.info.id;
            let cost = landed_cost(book, &LandedCostAsk { regime, preference: Some(id), ..*ask });
            options.push(option(book, ask, regime, Some(id), cost));
        }
    }
    options.sort_by_key(|option| option.cost.as_ref().map_or(i64::MAX, |cost| cost.total.minor()));
    options
}

fn option(
    book: &Rulebook,
    ask: &LandedCostAsk<'_>,
    regime: Regime,
    preference: Option<&RuleId>,
    cost: Result<LandedCost, LandedCostRefusal>,
) -> CostOption {
    let mut needs = vec![if regime == Regime::B2b { Needs::Business } else { Needs::Consumer }];
    if let Some(rule) = preference.and_then(|id| book.preference(id, ask.date)) {
        needs.push(Needs::Proof { agreement: rule.agreement.clone(), rule: rule.info.id.clone() });
    }
    let annual = book.planned(regime, ask.date).ok().and_then(|rules| rules.annual());
    needs.extend(annual.map(|limit: &Limit| Needs::YearlyRoom { rule: limit.info.id.clone() }));
    if let Ok(cost) = &cost {
        let at_sale = cost.charges.iter().find(|charge| charge.at == Collected::Sale && charge.amount.is_positive());
        needs.extend(at_sale.map(|charge| Needs::Registration { rule: charge.rule.clone() }));
    }
    CostOption { regime, preference: preference.cloned(), needs, cost }
}
