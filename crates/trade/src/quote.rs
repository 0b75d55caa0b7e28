//! A landed cost with frozen inputs, an expiry and the importing hub's signature.

use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode, HubId};
use crate::command::{Decide, Problem};
use crate::event::{Asked, Happened};
use crate::id::{Id, Noun};
use crate::key::Purpose;
use crate::landed_cost::{AskLine, LandedCost, LandedCostAsk, LandedCostRefusal, RuleUse, landed_cost};
use crate::money::{FxRate, Money, MoneyError, sum};
use crate::party::{Party, Role};
use crate::product::{Goods, OfferKey, Product};
use crate::quantity::{Content, Grams, Size};
use crate::rate_card::{FreightRefusal, Packed, freight};
use crate::readiness::Gap;
use crate::rulebook::{Mode, Regime, RuleInfo};
use crate::shop::{OpenLane, Shopper, is_sold, service, sold_else};
use crate::terms::{Bearer, DepositOffer, Incoterm, IncotermReason, Place, Sale, Terms};
use crate::time::BusinessTime;
use crate::world::{Need, World};

impl Noun for Quote {
    const PREFIX: &'static str = "quo";
}

/// What the buyer pays to the door, with everything that it was worked out from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub id: Id<Quote>,
    pub exporter: HubId,
    pub importer: HubId,
    pub regime: Regime,
    pub lines: Vec<QuoteLine>,
    /// Freight in the seller's currency, from the rate card.
    pub freight_home: Money,
    pub chargeable: Grams,
    pub landed: LandedCost,
    /// The importing hub's fee, taken from what is due to the seller's side.
    pub import_fee: Money,
    /// What the exporting hub will be due when the escrow is released.
    pub due: Money,
    pub fx: FxRate,
    /// The legal date by which the rules were applied.
    pub date: jiff::civil::Date,
    pub asked_at: BusinessTime,
    pub expires_at: BusinessTime,
    /// For a business: Incoterm and place, and what may be paid as a deposit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Sale>,
    /// The buyer who asked; never leaves the importing hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Id<Party>>,
    /// The importing hub's word that its rules give this, over all of the above but the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Goods as quoted: what the peer published, frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub product: Id<Product>,
    pub sku: String,
    pub name: String,
    pub description: String,
    pub hs: HsCode,
    pub origin: Country,
    pub pieces: i64,
    pub unit_price: Money,
    /// Price of all pieces, in the seller's currency.
    pub value_home: Money,
    /// The same in the buyer's currency at the quote's rate.
    pub value: Money,
    /// Gross weight of one piece.
    pub weight: Grams,
    pub size: Option<Size>,
    pub content: Option<Content>,
}

impl QuoteLine {
    /// What the rules are asked of it. The weight here is gross; what counts net weight asks for the contents.
    #[must_use]
    pub fn asked(&self) -> AskLine {
        AskLine {
            hs: self.hs.clone(),
            pieces: self.pieces,
            value: self.value,
            content: self.content,
            origin: Some(self.origin),
            net: None,
        }
    }
}

impl Quote {
    /// The quote without its buyer, as the peer may see it.
    #[must_use]
    pub fn without_buyer(&self) -> Self {
        Self { asked_by: None, ..self.clone() }
    }

    /// The bytes that the importing hub signs.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        let bare = Self { asked_by: None, signature: None, ..self.clone() };
        serde_json::to_vec(&bare).expect("a quote has text keys only")
    }

    /// The importing hub gives its word.
    pub fn sign(&mut self, world: &World) {
        let signature = world.site.road.key.sign_bytes(Purpose::Quote, &self.signed_bytes());
        self.signature = Some(signature.base64());
    }

    /// Gross weight of all pieces.
    #[must_use]
    pub fn gross(&self) -> Grams {
        Grams(self.lines.iter().map(|l| l.weight.0.saturating_mul(l.pieces)).fold(0, i64::saturating_add))
    }

    #[must_use]
    pub fn pieces(&self) -> i64 {
        self.lines.iter().map(|l| l.pieces).fold(0, i64::saturating_add)
    }

    pub fn goods_home(&self) -> Result<Money, MoneyError> {
        sum(self.freight_home.currency(), self.lines.iter().map(|l| l.value_home))
    }
}

/// Asks the importing hub, by one of its buyers or by the peer, what these goods cost to the door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskQuote {
    pub quote: Id<Quote>,
    pub exporter: HubId,
    pub lines: Vec<Asked>,
    pub buyer: Option<Id<Party>>,
    #[serde(default)]
    pub terms: Terms,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum QuoteRefusal {
    NoLines,
    TooManyLines {
        got: usize,
        max: usize,
    },
    Pieces {
        sku: String,
        got: i64,
        max: i64,
    },
    NotABuyer {
        party: Id<Party>,
    },
    PeerUnknown {
        peer: HubId,
    },
    /// No rate card, fees or exchange rate for this lane.
    NoLane {
        from: Country,
        to: Country,
        regime: Regime,
    },
    /// A consumer's parcel is for a person, who imports under its own number.
    ConsumerNeeded {
        party: Id<Party>,
    },
    /// A full entry is lodged for a registered business.
    BusinessNeeded {
        party: Id<Party>,
    },
    IncotermNotOffered {
        incoterm: Incoterm,
        reason: IncotermReason,
        offered: Vec<Incoterm>,
    },
    /// A rule for goods that go by ship from port to port, and these do not. `instead` is the one that
    /// fits, whether it is offered or not.
    IncotermForShips {
        incoterm: Incoterm,
        /// By what the lane's carriage goes, where its rate card says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Mode>,
        instead: Incoterm,
        offered: Vec<Incoterm>,
    },
    /// The named place lies in another country than the Incoterm says.
    PlaceElsewhere {
        place: Place,
        incoterm: Incoterm,
        country: Country,
    },
    /// The seller's price would not pay for the carriage that it holds.
    CarriageAbovePrice {
        carriage: Money,
        goods: Money,
    },
    /// The peer's seller does not offer this here (any more).
    OfferUnknown {
        product: Id<Product>,
    },
    ProductNotReady {
        sku: String,
        first: String,
        gaps: Vec<Gap>,
        /// Where a buyer asked, and not the seller, who can mend it.
        #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
        shopper: Option<Shopper>,
    },
    MixedSellers,
    /// This quote is known with other contents; a quote does not change.
    QuoteDiffers {
        quote: Id<Quote>,
    },
    #[serde(untagged)]
    Freight(FreightRefusal),
    #[serde(untagged)]
    Cost(LandedCostRefusal),
    #[serde(untagged)]
    Money(MoneyError),
}

impl From<MoneyError> for QuoteRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

/// A parcel's list has one page; more goes into a second order.
pub const QUOTE_LINES_MAX: usize = 20;
/// Personal use: more pieces of one kind are trade.
pub const PIECES_MAX: i64 = 999;
/// What one consignment of a business holds of one kind, by the rate cards.
pub const BUSINESS_PIECES_MAX: i64 = 5_000;

/// The most pieces of one kind in one order.
#[must_use]
pub const fn pieces_max(regime: Regime) -> i64 {
    match regime {
        Regime::B2b => BUSINESS_PIECES_MAX,
        _ => PIECES_MAX,
    }
}

impl Decide for AskQuote {
    type Answer = Quote;
    type Refusal = QuoteRefusal;

    fn reads(&self, need: &mut Need) {
        need.quote(self.quote);
        for line in self.lines.iter().take(QUOTE_LINES_MAX + 1) {
            need.offer(OfferKey { hub: self.exporter.clone(), product: line.product });
        }
        if let Some(buyer) = self.buyer {
            need.party(buyer);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Quote, QuoteRefusal> {
        if let Some(known) = world.quotes.get(&self.quote) {
            return Ok(known.clone());
        }
        let quote = self.work_out(world)?;
        let told = Happened::QuoteGiven { quote: Box::new(quote.without_buyer()) };
        // A peer that asked is told by `peer::apply`; a buyer's own question stays here.
        if self.buyer.is_some() {
            world.happened(None, None, told);
        }
        world.quotes.put(quote.id, quote.clone());
        Ok(quote)
    }
}

impl AskQuote {
    /// Works the quote out and signs it, without keeping it.
    pub fn work_out(&self, world: &World) -> Result<Quote, QuoteRefusal> {
        if self.lines.is_empty() {
            return Err(QuoteRefusal::NoLines);
        }
        if self.lines.len() > QUOTE_LINES_MAX {
            return Err(QuoteRefusal::TooManyLines { got: self.lines.len(), max: QUOTE_LINES_MAX });
        }
        if let Some(buyer) = self.buyer {
            let known = world.parties.get(&buyer).filter(|p| p.is(Role::Buyer));
            let known = known.ok_or(QuoteRefusal::NotABuyer { party: buyer })?;
            fits(known, self.terms.regime())?;
        }
        let Some(peer) = world.peer(&self.exporter) else {
            return Err(QuoteRefusal::PeerUnknown { peer: self.exporter.clone() });
        };
        let goods = self
            .lines
            .iter()
            .map(|line| {
                let key = OfferKey { hub: self.exporter.clone(), product: line.product };
                match world.offers.get(&key) {
                    Some(offer) if !offer.withdrawn => Ok((line, &offer.goods)),
                    _ => Err(QuoteRefusal::OfferUnknown { product: line.product }),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let terms = LaneTerms::of(world, peer.territory(), self.exporter.clone(), &self.terms)?;
        let mut quote = price(world, &terms, self.quote, &goods, self.buyer)
            .map_err(|refusal| self.for_who_asked(world, peer.territory(), &goods, refusal))?;
        quote.sign(world);
        Ok(quote)
    }
}

impl AskQuote {
    /// A buyer is told who else can buy what it cannot; a seller what it has to mend.
    fn for_who_asked(
        &self,
        world: &World,
        from: Country,
        goods: &[(&Asked, &Goods)],
        refusal: QuoteRefusal,
    ) -> QuoteRefusal {
        let (Some(_), QuoteRefusal::ProductNotReady { sku, first, gaps, .. }) = (self.buyer, &refusal) else {
            return refusal;
        };
        let Some((_, goods)) = goods.iter().find(|(_, goods)| goods.sku == *sku) else { return refusal };
        let (site, asked_as) = (&world.site, self.terms.regime());
        let date = site.date(world.now);
        let sold_to = sold_else(asked_as, |other| is_sold(site, from, other, date, goods));
        let shopper = Some(Shopper { name: goods.name.clone(), asked_as, sold_to });
        QuoteRefusal::ProductNotReady { sku: sku.clone(), first: first.clone(), gaps: gaps.clone(), shopper }
    }
}

/// Whether a party may buy under a regime: persons for themselves, registered businesses for trade.
fn fits(buyer: &Party, regime: Regime) -> Result<(), QuoteRefusal> {
    match (regime == Regime::B2b, buyer.is_business()) {
        (true, false) => Err(QuoteRefusal::BusinessNeeded { party: buyer.id }),
        (false, true) => Err(QuoteRefusal::ConsumerNeeded { party: buyer.id }),
        _ => Ok(()),
    }
}

/// Who exports, on which lane and on which terms.
pub struct LaneTerms<'a> {
    exporter: HubId,
    terms: &'a Terms,
    lane: OpenLane<'a>,
}

/// Why goods that go by this are not sold under a rule.
fn unfit(incoterm: Incoterm, mode: Option<Mode>) -> Option<QuoteRefusal> {
    let reason = incoterm.why_not(mode)?;
    let offered = Incoterm::offered(mode);
    Some(match incoterm.rule().instead {
        Some(instead) if reason == IncotermReason::SeaOnly => {
            QuoteRefusal::IncotermForShips { incoterm, mode, instead, offered }
        }
        _ => QuoteRefusal::IncotermNotOffered { incoterm, reason, offered },
    })
}

impl<'a> LaneTerms<'a> {
    /// # Errors
    /// There is no such lane on this date, or the Incoterm does not fit it.
    pub fn of(world: &'a World, from: Country, exporter: HubId, terms: &'a Terms) -> Result<Self, QuoteRefusal> {
        let site = &world.site;
        let date = site.date(world.now);
        let regime = terms.regime();
        if let Terms::Business { incoterm, place } = terms {
            let incoterm = *incoterm;
            let lane = site.rulebooks.lane(from, site.territory, regime);
            let mode = lane.and_then(|lane| lane.rate_card(service(regime), date)?.mode);
            if let Some(refusal) = unfit(incoterm, mode) {
                return Err(refusal);
            }
            let country = if incoterm.rule().place == Bearer::Buyer { site.territory } else { from };
            if !place.is_in(country) {
                return Err(QuoteRefusal::PlaceElsewhere { place: place.clone(), incoterm, country });
            }
        }
        Ok(Self { exporter, terms, lane: OpenLane::of(site, from, regime, date)? })
    }

    /// Whether the seller's price holds the carriage.
    fn seller_carries(&self) -> bool {
        matches!(self.terms, Terms::Business { incoterm, .. } if incoterm.includes_carriage())
    }

    /// On which terms a business buys, with the rules that the deposit rests on.
    fn sale(&self, landed: &mut LandedCost) -> Result<Option<Sale>, QuoteRefusal> {
        let Terms::Business { incoterm, place } = self.terms else { return Ok(None) };
        let OpenLane { import, date, .. } = self.lane;
        let rules = import.deposit(Regime::B2b, date).zip(import.balance_due(date));
        let deposit = match rules {
            Some((deposit, term)) => {
                for rule in [&deposit.info, &term.info] {
                    rests_on(landed, rule);
                }
                Some(DepositOffer { amount: deposit.of(landed.total)?, balance_within: term.days })
            }
            None => None,
        };
        Ok(Some(Sale { incoterm: *incoterm, place: place.clone(), deposit }))
    }
}

fn rests_on(landed: &mut LandedCost, rule: &RuleInfo) {
    landed.rests_on.push(RuleUse { rule: rule.id.clone(), knowledge: rule.knowledge });
    landed.knowledge = landed.knowledge.max(rule.knowledge);
}

/// Prices goods on a lane: rates of exchange, freight, taxes and fees, each rounded once. Not signed yet.
pub fn price(
    world: &World,
    terms: &LaneTerms<'_>,
    id: Id<Quote>,
    goods: &[(&Asked, &Goods)],
    buyer: Option<Id<Party>>,
) -> Result<Quote, QuoteRefusal> {
    let site = &world.site;
    let OpenLane { date, fx, regime, rate_card, import, .. } = terms.lane;
    let mut lines = Vec::with_capacity(goods.len());
    for (asked, goods) in goods {
        lines.push(quote_line(&terms.lane, asked, goods)?);
    }
    let pieces: Vec<Packed> = lines.iter().map(|l| Packed { count: l.pieces, each: l.weight, size: l.size }).collect();
    let parcel = freight(rate_card, &pieces).map_err(QuoteRefusal::Freight)?;
    let ask_lines: Vec<AskLine> = lines.iter().map(QuoteLine::asked).collect();
    let freight = if terms.seller_carries() { Money::zero(fx.to) } else { fx.convert(parcel.amount)? };
    let ask = LandedCostAsk::new(date, regime, &ask_lines, freight, &site.stance);
    let mut landed = landed_cost(import, &ask).map_err(QuoteRefusal::Cost)?;
    let import_fee = terms.lane.import_fee.on(landed.goods)?;
    let due = landed.goods.plus(landed.freight)?.minus(import_fee)?;
    if terms.seller_carries() {
        let goods = sum(parcel.amount.currency(), lines.iter().map(|l| l.value_home))?;
        let rest = fx.convert_back(due)?.minus(parcel.amount)?.minus(terms.lane.export_fee.on(goods)?)?;
        if !rest.is_positive() {
            return Err(QuoteRefusal::CarriageAbovePrice { carriage: parcel.amount, goods });
        }
    }
    let sale = terms.sale(&mut landed)?;
    Ok(Quote {
        id,
        exporter: terms.exporter.clone(),
        importer: site.id.clone(),
        regime,
        lines,
        freight_home: parcel.amount,
        chargeable: parcel.chargeable,
        landed,
        import_fee,
        due,
        fx: fx.clone(),
        date,
        asked_at: world.now,
        expires_at: world.now.plus_days(import.quote_validity(date).days),
        sale,
        asked_by: buyer,
        signature: None,
    })
}

fn quote_line(lane: &OpenLane<'_>, asked: &Asked, goods: &Goods) -> Result<QuoteLine, QuoteRefusal> {
    let max = pieces_max(lane.regime);
    if !(1..=max).contains(&asked.pieces) {
        return Err(QuoteRefusal::Pieces { sku: goods.sku.clone(), got: asked.pieces, max });
    }
    let gaps = lane.lacks(goods);
    let (Some(hs), Some(origin), Some(weight), Some(unit_price), true) =
        (goods.hs_code(), goods.origin, goods.weight, goods.price, gaps.is_empty())
    else {
        let first = gaps.first().map(|g| Problem::of(g).code).unwrap_or_default();
        return Err(QuoteRefusal::ProductNotReady { sku: goods.sku.clone(), first, gaps, shopper: None });
    };
    let value_home = unit_price.times(asked.pieces)?;
    Ok(QuoteLine {
        product: asked.product,
        sku: goods.sku.clone(),
        name: goods.name.clone(),
        description: goods.description.clone(),
        hs: hs.clone(),
        origin,
        pieces: asked.pieces,
        unit_price,
        value_home,
        value: lane.fx.convert(value_home)?,
        weight,
        size: goods.size,
        content: goods.content,
    })
}

/// On the exporting hub: the seller asks the importing hub what its goods cost to the door there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskPeerQuote {
    pub quote: Id<Quote>,
    pub seller: Id<Party>,
    pub importer: HubId,
    pub lines: Vec<Asked>,
    /// A sandbox's practice: let the importing hub's cast order what was quoted.
    pub practice: bool,
    #[serde(default)]
    pub terms: Terms,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AskPeerRefusal {
    NoLines,
    TooManyLines {
        got: usize,
        max: usize,
    },
    PeerUnknown {
        peer: HubId,
    },
    ProductUnknown {
        product: Id<Product>,
    },
    /// Another seller's product.
    NotYours {
        product: Id<Product>,
    },
    ProductNotReady {
        sku: String,
        first: String,
        gaps: Vec<Gap>,
    },
    /// Practice belongs to a sandbox.
    SandboxOnly,
    /// The cast buys as a consumer.
    PracticeIsForParcels,
}

impl Decide for AskPeerQuote {
    type Answer = Id<Quote>;
    type Refusal = AskPeerRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.seller);
        for line in self.lines.iter().take(QUOTE_LINES_MAX + 1) {
            need.product(line.product);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Id<Quote>, AskPeerRefusal> {
        if self.lines.is_empty() {
            return Err(AskPeerRefusal::NoLines);
        }
        if self.lines.len() > QUOTE_LINES_MAX {
            return Err(AskPeerRefusal::TooManyLines { got: self.lines.len(), max: QUOTE_LINES_MAX });
        }
        if self.practice && world.site.mode != crate::card::Mode::Sandbox {
            return Err(AskPeerRefusal::SandboxOnly);
        }
        if self.practice && self.terms != Terms::Parcel {
            return Err(AskPeerRefusal::PracticeIsForParcels);
        }
        if world.peers.all().all(|(id, _)| *id != self.importer) {
            return Err(AskPeerRefusal::PeerUnknown { peer: self.importer.clone() });
        }
        for line in &self.lines {
            let Some(product) = world.products.get(&line.product) else {
                return Err(AskPeerRefusal::ProductUnknown { product: line.product });
            };
            if product.seller != self.seller {
                return Err(AskPeerRefusal::NotYours { product: line.product });
            }
            let blocking: Vec<Gap> = product
                .gaps
                .iter()
                .filter(|l| l.to == self.importer && l.regime == self.terms.regime())
                .flat_map(|l| l.gaps.iter().filter(|g| g.blocks()).cloned())
                .collect();
            if let Some(first) = blocking.first() {
                let first = Problem::of(first).code;
                return Err(AskPeerRefusal::ProductNotReady { sku: product.goods.sku.clone(), first, gaps: blocking });
            }
        }
        let (lines, terms) = (self.lines.clone(), self.terms.clone());
        let what = Happened::QuoteAsked { quote: self.quote, lines, practice: self.practice, terms };
        world.happened(None, Some(&self.importer), what);
        Ok(self.quote)
    }
}
