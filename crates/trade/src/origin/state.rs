//! A seller states what a product is made of; what follows from it is told to peers, the bill is not.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{AgreementId, Bill, OriginFacts, qualifies};
use crate::command::Decide;
use crate::event::Happened;
use crate::id::Id;
use crate::money::{Currency, Money, MoneyError, sum};
use crate::party::Party;
use crate::product::{Goods, Product, publish};
use crate::quantity::Grams;
use crate::rulebook::Rulebooks;
use crate::world::{Need, World};

/// Lines of a bill of materials: small goods have a handful, a machine's are stated by its parts.
pub const MATERIALS_MAX: usize = 50;
const DESCRIPTION_MAX: usize = 200;
const QUANTITY_MAX: usize = 40;

/// That a product originates under an agreement, by which criterion: all that is told of its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    pub agreement: AgreementId,
    pub criterion: String,
}

/// Under which agreements goods originate by their bill, on a date.
#[must_use]
pub fn preferences(books: &Rulebooks, goods: &Goods, bill: Option<&Bill>, date: Date) -> Vec<Preference> {
    let Some(bill) = bill else { return Vec::new() };
    let facts = OriginFacts { hs: goods.hs_code(), made_in: goods.origin, weight: goods.weight, bill };
    let agreements = books.agreements.iter().filter(|agreement| agreement.holds_on(date));
    agreements
        .filter_map(|agreement| {
            let origin = qualifies(agreement, &facts).ok()?;
            Some(Preference { agreement: agreement.id.clone(), criterion: origin.criterion? })
        })
        .collect()
}

/// The seller says what one piece is made of; none takes back what was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateMaterials {
    pub seller: Id<Party>,
    pub product: Id<Product>,
    pub bill: Option<Bill>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum MaterialsRefusal {
    ProductUnknown {
        product: Id<Product>,
    },
    FobNotPositive {
        got: Money,
    },
    MaterialsCurrency {
        got: Money,
        expected: Currency,
    },
    TooManyMaterials {
        got: usize,
        max: usize,
    },
    /// Its description is empty or too long.
    MaterialDescription {
        material: usize,
        max: usize,
    },
    MaterialQuantity {
        material: usize,
        max: usize,
    },
    /// A material that costs less than nothing.
    MaterialValue {
        material: usize,
        got: Money,
    },
    MaterialWeight {
        material: usize,
        got: Grams,
    },
    CostNegative {
        got: Money,
    },
    /// Materials and costs are more than the price: a working would be of no use.
    CostsAbovePrice {
        sum: Money,
        fob: Money,
    },
    /// What is wholly obtained is made of nothing else.
    WhollyObtainedOfMaterials {
        materials: usize,
    },
    AgreementUnknown {
        agreement: AgreementId,
    },
    #[serde(untagged)]
    Money(MoneyError),
}

impl From<MoneyError> for MaterialsRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl Bill {
    /// Whether it can be reckoned with.
    fn check(&self, currency: Currency, books: &Rulebooks) -> Result<(), MaterialsRefusal> {
        if let Some(got) = Some(self.fob).filter(|fob| fob.currency() != currency).or_else(|| self.stray()) {
            return Err(MaterialsRefusal::MaterialsCurrency { got, expected: currency });
        }
        if !self.fob.is_positive() {
            return Err(MaterialsRefusal::FobNotPositive { got: self.fob });
        }
        if self.materials.len() > MATERIALS_MAX {
            return Err(MaterialsRefusal::TooManyMaterials { got: self.materials.len(), max: MATERIALS_MAX });
        }
        if self.wholly_obtained && !self.materials.is_empty() {
            return Err(MaterialsRefusal::WhollyObtainedOfMaterials { materials: self.materials.len() });
        }
        for (material, what) in (1..).zip(&self.materials) {
            if what.description.trim().is_empty() || what.description.chars().count() > DESCRIPTION_MAX {
                return Err(MaterialsRefusal::MaterialDescription { material, max: DESCRIPTION_MAX });
            }
            if what.quantity.as_ref().is_some_and(|quantity| quantity.chars().count() > QUANTITY_MAX) {
                return Err(MaterialsRefusal::MaterialQuantity { material, max: QUANTITY_MAX });
            }
            if what.value.minor() < 0 {
                return Err(MaterialsRefusal::MaterialValue { material, got: what.value });
            }
            if let Some(got) = what.weight.filter(|weight| weight.0 <= 0) {
                return Err(MaterialsRefusal::MaterialWeight { material, got });
            }
            let unknown = |id: &&AgreementId| books.agreement(id).is_none();
            if let Some(agreement) = what.proved.iter().find(unknown) {
                return Err(MaterialsRefusal::AgreementUnknown { agreement: agreement.clone() });
            }
        }
        if let Some(got) = self.costs.all().find(|cost| cost.minor() < 0) {
            return Err(MaterialsRefusal::CostNegative { got });
        }
        let materials = self.materials.iter().map(|material| material.value);
        let sum = sum(currency, materials.chain(self.costs.all()))?;
        if sum.minor() > self.fob.minor() {
            return Err(MaterialsRefusal::CostsAbovePrice { sum, fob: self.fob });
        }
        Ok(())
    }
}

impl Decide for StateMaterials {
    type Answer = Product;
    type Refusal = MaterialsRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.seller).product(self.product);
    }

    fn decide(&self, world: &mut World) -> Result<Product, MaterialsRefusal> {
        let unknown = || MaterialsRefusal::ProductUnknown { product: self.product };
        let before = world.products.get(&self.product).filter(|p| p.seller == self.seller).ok_or_else(unknown)?.clone();
        let seller_name = world.parties.get(&self.seller).ok_or_else(unknown)?.name.clone();
        if let Some(bill) = &self.bill {
            bill.check(world.site.currency, &world.site.rulebooks)?;
        }
        let date = world.site.date(world.now);
        let preferences = preferences(&world.site.rulebooks, &before.goods, self.bill.as_ref(), date);
        if before.bill == self.bill && before.preferences == preferences {
            return Ok(before);
        }
        let product = Product { bill: self.bill.clone(), preferences, changed: world.now, ..before.clone() };
        let stated = Happened::MaterialsStated {
            product: product.id,
            seller: product.seller,
            preferences: product.preferences.clone(),
        };
        world.happened(None, None, stated);
        if product.preferences != before.preferences {
            publish(world, &product, Some(&before), &seller_name);
        }
        world.products.put(product.id, product.clone());
        Ok(product)
    }
}
