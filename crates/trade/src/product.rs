//! What a seller offers, and what it still lacks on each lane.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode, HubId};
use crate::command::{Decide, Problem};
use crate::event::Happened;
use crate::hazard::{Carriage, HazardFault, Hazards};
use crate::id::{Id, Noun};
use crate::money::Money;
use crate::origin::{Bill, Preference, preferences};
use crate::party::{Party, Role};
use crate::quantity::{Content, Grams, Size};
use crate::quote::Quote;
use crate::readiness::{Gap, HsClaim, ReadinessFacts, readiness};
use crate::rulebook::Regime;
use crate::time::BusinessTime;
use crate::world::{Need, World};

impl Noun for Product {
    const PREFIX: &'static str = "prd";
}

/// A product as its seller keeps it. What it lacks is worked out, not stored as a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub id: Id<Product>,
    pub seller: Id<Party>,
    pub goods: Goods,
    pub changed: BusinessTime,
    /// What stood in the way on the lanes when it was last changed; see [`readiness`].
    pub gaps: Vec<LaneGaps>,
    /// What each peer last answered when asked what one piece costs to the door there, by lane.
    #[serde(default)]
    pub answers: BTreeMap<LaneKey, PeerAnswer>,
    /// What one piece is made of, where its seller said so; it does not leave the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Bill>,
    /// Under which agreements it originates by that bill.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<Preference>,
}

/// A peer's answer to the question what a product costs to the door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum PeerAnswer {
    Given { quote: Id<Quote>, total: Money, expires_at: BusinessTime },
    Refused { problem: Problem },
}

/// What is told of the goods themselves: the same on the seller's hub and at the peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    pub sku: String,
    pub name: String,
    /// As customs will read it.
    pub description: String,
    pub hs: HsClaim,
    pub origin: Option<Country>,
    /// Gross weight of one packed piece.
    pub weight: Option<Grams>,
    pub size: Option<Size>,
    pub price: Option<Money>,
    pub content: Option<Content>,
    #[serde(default, skip_serializing_if = "Hazards::is_empty")]
    pub hazards: Hazards,
}

/// A lane by the hub that it leads to and its regime: `hgh.sandbox/b2b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneKey {
    pub hub: HubId,
    pub regime: Regime,
}

impl fmt::Display for LaneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hub, self.regime.code())
    }
}

impl FromStr for LaneKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (hub, code) = text.rsplit_once('/').ok_or(())?;
        let (_, regime) = Regime::ALL.iter().find(|(known, _)| *known == code).ok_or(())?;
        Ok(Self { hub: hub.parse().map_err(|_| ())?, regime: *regime })
    }
}

impl Serialize for LaneKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LaneKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|()| serde::de::Error::custom("not a hub and a regime"))
    }
}

/// What a product lacks on one lane: towards one peer's territory under one regime.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneGaps {
    pub to: HubId,
    pub territory: Country,
    pub regime: Regime,
    pub gaps: Vec<Gap>,
}

impl LaneGaps {
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.gaps.iter().any(Gap::blocks)
    }

    #[must_use]
    pub fn key(&self) -> LaneKey {
        LaneKey { hub: self.to.clone(), regime: self.regime }
    }
}

impl Goods {
    #[must_use]
    pub fn facts(&self, regime: Regime) -> ReadinessFacts<'_> {
        ReadinessFacts {
            regime,
            description: &self.description,
            hs: self.hs.clone(),
            origin: self.origin,
            weight: self.weight,
            price: self.price,
            content: self.content,
            hazards: self.hazards,
        }
    }

    /// The HS code, where it is whole.
    #[must_use]
    pub fn hs_code(&self) -> Option<&HsCode> {
        match &self.hs {
            HsClaim::Code(code) => Some(code),
            HsClaim::Missing | HsClaim::Short(_) => None,
        }
    }
}

/// A peer's product, as this hub knows it: `kul.sandbox/prd_…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferKey {
    pub hub: HubId,
    pub product: Id<Product>,
}

impl fmt::Display for OfferKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hub, self.product)
    }
}

impl FromStr for OfferKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (hub, product) = text.rsplit_once('/').ok_or(())?;
        Ok(Self { hub: hub.parse().map_err(|_| ())?, product: product.parse().map_err(|_| ())? })
    }
}

impl Serialize for OfferKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OfferKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(|()| serde::de::Error::custom("not a hub and a product"))
    }
}

/// Goods that a peer's seller offers here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub key: OfferKey,
    pub seller_name: String,
    pub goods: Goods,
    /// Under which agreements they originate, as the seller's hub works it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferences: Vec<Preference>,
    pub since: BusinessTime,
    pub withdrawn: bool,
}

/// A row of a price list, or of a form: the seller offers these goods, or changes what it said of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferProduct {
    pub seller: Id<Party>,
    pub goods: Goods,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum OfferRefusal {
    PartyUnknown {
        party: Id<Party>,
    },
    NotASeller {
        party: Id<Party>,
    },
    /// The article number is empty or longer than `max`.
    Sku {
        max: usize,
    },
    ProductName {
        max: usize,
    },
    /// A price of nothing or less.
    PriceNotPositive {
        got: Money,
    },
    /// The seller's hub sells in its own currency.
    PriceCurrency {
        got: Money,
        expected: crate::money::Currency,
    },
    WeightNotPositive {
        got: Grams,
    },
    #[serde(untagged)]
    Hazard(HazardFault),
}

const SKU_MAX: usize = 64;
const PRODUCT_NAME_MAX: usize = 200;

impl OfferProduct {
    /// One product a seller and article number: offering it again changes it.
    #[must_use]
    pub fn product(&self) -> Id<Product> {
        Id::derived(BusinessTime::from_micros(0), &format!("{}/{}", self.seller, self.goods.sku))
    }

    fn check(&self, world: &World) -> Result<String, OfferRefusal> {
        let Some(seller) = world.parties.get(&self.seller) else {
            return Err(OfferRefusal::PartyUnknown { party: self.seller });
        };
        if !seller.is(Role::Seller) {
            return Err(OfferRefusal::NotASeller { party: self.seller });
        }
        let goods = &self.goods;
        if goods.sku.trim().is_empty() || goods.sku.chars().count() > SKU_MAX {
            return Err(OfferRefusal::Sku { max: SKU_MAX });
        }
        if goods.name.trim().is_empty() || goods.name.chars().count() > PRODUCT_NAME_MAX {
            return Err(OfferRefusal::ProductName { max: PRODUCT_NAME_MAX });
        }
        if let Some(price) = goods.price {
            if price.currency() != world.site.currency {
                return Err(OfferRefusal::PriceCurrency { got: price, expected: world.site.currency });
            }
            if !price.is_positive() {
                return Err(OfferRefusal::PriceNotPositive { got: price });
            }
        }
        if let Some(weight) = goods.weight.filter(|w| w.0 <= 0) {
            return Err(OfferRefusal::WeightNotPositive { got: weight });
        }
        goods.hazards.check().map_err(OfferRefusal::Hazard)?;
        Ok(seller.name.clone())
    }
}

impl Decide for OfferProduct {
    type Answer = Product;
    type Refusal = OfferRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.seller).product(self.product());
    }

    fn decide(&self, world: &mut World) -> Result<Product, OfferRefusal> {
        let seller_name = self.check(world)?;
        let id = self.product();
        let before = world.products.get(&id).cloned();
        let gaps = lane_gaps(world, &self.goods);
        let bill = before.as_ref().and_then(|p| p.bill.clone());
        if let Some(same) = before.as_ref().filter(|p| p.goods == self.goods && p.gaps == gaps) {
            return Ok(same.clone());
        }
        let product = Product {
            id,
            seller: self.seller,
            goods: self.goods.clone(),
            changed: world.now,
            gaps: gaps.clone(),
            answers: BTreeMap::new(),
            preferences: preferences(&world.site.rulebooks, &self.goods, bill.as_ref(), world.site.date(world.now)),
            bill,
        };
        world.happened(
            None,
            None,
            Happened::ProductOffered { product: id, seller: self.seller, sku: product.goods.sku.clone() },
        );
        publish(world, &product, before.as_ref(), &seller_name);
        world.products.put(id, product.clone());
        Ok(product)
    }
}

/// Tells peers of goods that can be sold there, and of goods that no longer can. A peer is told once,
/// whichever of its lanes they are ready for; it asks its rules again.
pub(crate) fn publish(world: &mut World, product: &Product, before: Option<&Product>, seller_name: &str) {
    let id = product.id;
    let mut told: Vec<&HubId> = product.gaps.iter().map(|lane| &lane.to).collect();
    told.dedup();
    for to in told {
        let ready_in = |lanes: &[LaneGaps]| lanes.iter().any(|lane| lane.to == *to && lane.is_ready());
        if ready_in(&product.gaps) {
            let published = Happened::ProductPublished {
                product: id,
                seller_name: seller_name.to_owned(),
                goods: product.goods.clone(),
                preferences: product.preferences.clone(),
            };
            world.happened(None, Some(to), published);
        } else if before.is_some_and(|p| ready_in(&p.gaps)) {
            world.happened(None, Some(to), Happened::ProductWithdrawn { product: id });
        }
    }
}

/// What goods lack on each lane to each accepted peer, by both countries' rules of today. Where no lane
/// leads to a peer, what the consumer regime lacks there is said.
#[must_use]
pub fn lane_gaps(world: &World, goods: &Goods) -> Vec<LaneGaps> {
    let mut peers: Vec<(HubId, Country)> = world.peers.all().map(|(id, p)| (id.clone(), p.territory())).collect();
    peers.sort();
    let date = world.site.date(world.now);
    peers
        .into_iter()
        .flat_map(|(to, territory)| {
            let mut regimes = world.site.rulebooks.regimes(world.site.territory, territory);
            if regimes.is_empty() {
                regimes.push(Regime::default());
            }
            regimes.into_iter().map(move |regime| (to.clone(), territory, regime))
        })
        .filter_map(|(to, territory, regime)| {
            let export = world.site.rulebook()?;
            let import = world.site.rulebooks.book(territory)?;
            let books = &world.site.rulebooks;
            let mode = books.lane(world.site.territory, territory, regime).and_then(|lane| lane.mode(date));
            let carriage = Carriage { transports: &books.transports, mode };
            let gaps = readiness(export, import, &goods.facts(regime), carriage, date, &world.site.stance);
            Some(LaneGaps { to, territory, regime, gaps })
        })
        .collect()
}
