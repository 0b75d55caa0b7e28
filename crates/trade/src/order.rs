//! The order: a buyer takes a quote. On the exporting hub it is known without its buyer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clearance;
use crate::codes::HubId;
use crate::command::{Decide, Problem};
use crate::escrow::Escrow;
use crate::event::Happened;
use crate::id::Id;
use crate::landed_cost::{AskLine, LandedCostAsk, LandedCostRefusal, landed_cost};
use crate::money::Money;
use crate::party::{Party, PersonTag, PersonTags, Role};
use crate::payment;
use crate::quote::{Quote, QuoteLine, QuoteRefusal};
use crate::recovery::Contradiction;
use crate::returns::Return;
use crate::rulebook::{Limit, LimitScope};
use crate::time::BusinessTime;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, Quota, QuotaKey, World};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub quote: Arc<Quote>,
    pub placed_at: BusinessTime,
    /// A reference by which the importing hub knows the consignee and the address; all that the
    /// exporting side needs on the parcel.
    pub delivery: String,
    /// Importing side only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<OrderBuyer>,
    /// Exporting side only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<Id<Party>>,
}

/// Who ordered, and by what the person is recognised when a payment comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderBuyer {
    pub party: Id<Party>,
    pub tags: PersonTags,
}

/// The buyer takes a quote under an order number of its own or the platform's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceOrder {
    pub trade: TradeId,
    pub quote: Id<Quote>,
    pub buyer: Id<Party>,
    /// From the edge: without meaning, and not to be guessed.
    pub delivery: String,
    #[serde(default)]
    pub practice: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum OrderRefusal {
    NotABuyer {
        party: Id<Party>,
    },
    QuoteUnknown {
        quote: Id<Quote>,
    },
    /// Somebody else asked for this quote.
    QuoteNotYours {
        quote: Id<Quote>,
    },
    QuoteExpired {
        expired_at: BusinessTime,
    },
    /// The number names another order already.
    OrderNumberTaken {
        order: String,
    },
    TradeClosed,
    DeliveryReference,
    /// The yearly limit, or a rule that changed its mind since the quote.
    #[serde(untagged)]
    Cost(LandedCostRefusal),
}

/// Whether a text may stand for consignee and address on papers that cross the border: letters,
/// digits and hyphens without a blank, so that nobody writes a person's full name or street there.
#[must_use]
pub fn is_delivery_reference(text: &str) -> bool {
    (4..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl PlaceOrder {
    fn person(&self, world: &World) -> Option<PersonTag> {
        world.parties.get(&self.buyer)?.person.as_ref()?.id.clone()
    }

    /// The yearly limit that the order counts against; none where its regime has none.
    fn quota(&self, world: &World) -> Option<QuotaKey> {
        quota_key(world, world.quotes.get(&self.quote)?, self.person(world)?, world.now)
    }
}

impl Decide for PlaceOrder {
    type Answer = TradeId;
    type Refusal = OrderRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade).quote(self.quote).party(self.buyer);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        // Whatever its regime: the quote may be asked for in the same batch.
        if let Some(person) = self.person(world) {
            need.quota(QuotaKey { person, year: world.site.date(world.now).year() });
        }
    }

    fn decide(&self, world: &mut World) -> Result<TradeId, OrderRefusal> {
        if let Some(trade) = self.known_but_for_its_buyer(world) {
            return Ok(trade);
        }
        let not_a_buyer = OrderRefusal::NotABuyer { party: self.buyer };
        let Some(buyer) = world.parties.get(&self.buyer).filter(|p| p.is(Role::Buyer)) else {
            return Err(not_a_buyer);
        };
        let tags = buyer.person.clone().ok_or(not_a_buyer)?;
        let Some(quote) = world.quotes.share(&self.quote) else {
            return Err(OrderRefusal::QuoteUnknown { quote: self.quote });
        };
        if quote.asked_by != Some(self.buyer) {
            return Err(OrderRefusal::QuoteNotYours { quote: self.quote });
        }
        let known = world.trades.get(&self.trade).cloned();
        if let Some(order) = known.as_ref().and_then(|f| f.order.as_ref()) {
            let same = order.quote.id == self.quote && order.buyer.as_ref().is_some_and(|b| b.party == self.buyer);
            return if same {
                Ok(self.trade.clone())
            } else {
                Err(OrderRefusal::OrderNumberTaken { order: self.trade.order_no().to_owned() })
            };
        }
        if world.now > quote.expires_at {
            return Err(OrderRefusal::QuoteExpired { expired_at: quote.expires_at });
        }
        if known.as_ref().is_some_and(|f| f.closed.is_some()) {
            return Err(OrderRefusal::TradeClosed);
        }
        if !is_delivery_reference(&self.delivery) {
            return Err(OrderRefusal::DeliveryReference);
        }
        self.use_quota(world, &quote)?;
        let mut file = known.unwrap_or_else(|| TradeFile::new(self.trade.clone(), Side::Import, world.now));
        file.peer = Some(quote.exporter.clone());
        file.practice = self.practice;
        self.tell(world, &quote);
        file.order = Some(Arc::new(Order {
            quote,
            placed_at: world.now,
            delivery: self.delivery.clone(),
            buyer: Some(OrderBuyer { party: self.buyer, tags }),
            seller: None,
        }));
        payment::apply_parked(world, &mut file);
        clearance::advance(world, &mut file);
        world.trades.put(self.trade.clone(), file);
        Ok(self.trade.clone())
    }
}

impl PlaceOrder {
    /// The order was told before a loss, and its buyer was lost: whoever names both its number and its
    /// quote, and is the payer if one is known, has it again.
    fn known_but_for_its_buyer(&self, world: &mut World) -> Option<TradeId> {
        let mut file = world.trades.get(&self.trade).filter(|f| f.side == Side::Import).cloned()?;
        let order = file.order.clone().filter(|o| o.buyer.is_none() && o.quote.id == self.quote)?;
        let tags = world.parties.get(&self.buyer).filter(|p| p.is(Role::Buyer))?.person.clone()?;
        let is_payer = |p: &payment::Payment| p.channel.is_recalled() || p.payer.same_person(&tags);
        if !file.payments.iter().filter(|p| matches!(p.fate, payment::Fate::Applied { .. })).all(is_payer) {
            return None;
        }
        let quote = Quote { asked_by: Some(self.buyer), ..Quote::clone(&order.quote) };
        let buyer = Some(OrderBuyer { party: self.buyer, tags });
        file.order = Some(Arc::new(Order { quote: Arc::new(quote.clone()), buyer, ..Order::clone(&order) }));
        // What went back has given the limit back too.
        let given_back = file.returning.as_ref().is_some_and(Return::has_restored_quota);
        if let Some(key) = self.quota(world).filter(|_| !given_back) {
            add_to_quota(world, key, quote.landed.taxable);
        }
        let placed = Happened::OrderPlaced { quote: quote.id, buyer: self.buyer, total: quote.landed.total };
        world.happened(Some(&self.trade), None, placed);
        world.quotes.put(quote.id, quote);
        clearance::advance(world, &mut file);
        world.trades.put(self.trade.clone(), file);
        Some(self.trade.clone())
    }

    /// Takes the order's taxable value from what the person may still import this year.
    fn use_quota(&self, world: &mut World, quote: &Quote) -> Result<(), OrderRefusal> {
        let Some(key) = self.quota(world) else { return Ok(()) };
        let zero = Money::zero(world.site.currency);
        let used = world.quotas.get(&key).map_or(zero, |q| q.used);
        check_year(world, quote, used).map_err(OrderRefusal::Cost)?;
        let used = used.plus(quote.landed.taxable).map_err(|e| OrderRefusal::Cost(e.into()))?;
        world.quotas.put(key.clone(), Quota { key, used });
        Ok(())
    }

    fn tell(&self, world: &mut World, quote: &Quote) {
        let placed = Happened::OrderPlaced { quote: quote.id, buyer: self.buyer, total: quote.landed.total };
        world.happened(Some(&self.trade), None, placed);
        let taken = Happened::OrderTaken {
            quote: Box::new(quote.without_buyer()),
            delivery: self.delivery.clone(),
            practice: self.practice,
        };
        world.happened(Some(&self.trade), Some(&quote.exporter), taken);
    }
}

/// Who asked for a quote, if that is known here.
fn buyer_of(world: &World, quote: &Quote) -> Option<OrderBuyer> {
    let id = world.quotes.get(&quote.id)?.asked_by?;
    let party = world.parties.knows(&id).then(|| world.parties.get(&id)).flatten()?;
    Some(OrderBuyer { party: party.id, tags: party.person.clone()? })
}

/// The yearly limit that an order uses which was told, and lost.
pub(crate) fn recalled_quota(world: &World, quote: &Quote, placed_at: BusinessTime) -> Option<QuotaKey> {
    let person = buyer_of(world, quote)?.tags.id?;
    quota_key(world, quote, person, placed_at)
}

/// A person's yearly limit, where the rules of the quote's regime have one.
fn quota_key(world: &World, quote: &Quote, person: PersonTag, placed_at: BusinessTime) -> Option<QuotaKey> {
    let limits = &world.site.rulebook()?.limits;
    let limited = |l: &Limit| l.regime == quote.regime && l.scope == LimitScope::PersonYear;
    limits.iter().any(limited).then(|| QuotaKey { person, year: world.site.date(placed_at).year() })
}

/// The yearly limit that an order has used.
pub(crate) fn used_quota(world: &World, trade: &TradeId) -> Option<QuotaKey> {
    quota_of(world, world.trades.get(trade)?)
}

fn quota_of(world: &World, file: &TradeFile) -> Option<QuotaKey> {
    let order = file.order.as_ref()?;
    let person = order.buyer.as_ref()?.tags.id.clone()?;
    quota_key(world, &order.quote, person, order.placed_at)
}

/// Counts what was bought already, whatever the limit says of it.
fn add_to_quota(world: &mut World, key: QuotaKey, taxable: Money) {
    let used = world.quotas.get(&key).map_or(Money::zero(world.site.currency), |q| q.used);
    let used = used.plus(taxable).unwrap_or(used);
    world.quotas.put(key.clone(), Quota { key, used });
}

/// An order that comes to nothing gives back what it used of the person's yearly limit.
pub(crate) fn give_back(world: &mut World, file: &TradeFile) {
    // A return that is settled has given it back already, where the law does.
    if file.closed.is_none() && !file.returning.as_ref().is_some_and(Return::is_settled) {
        restore_quota(world, file);
    }
}

/// What an order used of the person's yearly limit is free again.
pub(crate) fn restore_quota(world: &mut World, file: &TradeFile) {
    let Some(order) = file.order.as_ref() else { return };
    if let Some(key) = quota_of(world, file)
        && world.quotas.knows(&key)
        && let Some(quota) = world.quotas.get(&key).cloned()
    {
        let used = quota.used.minus(order.quote.landed.taxable).unwrap_or(quota.used);
        world.quotas.put(key.clone(), Quota { key, used });
    }
}

/// An order that this hub told as taken, in what it has lost since. The buyer is known if the quote
/// was asked for before; otherwise nobody can accept the goods but time, and an operator is told.
pub fn recall(
    world: &mut World,
    file: &mut TradeFile,
    quote: &Quote,
    delivery: &str,
    practice: bool,
    placed_at: BusinessTime,
) {
    if file.order.is_some() {
        return;
    }
    let known = world.quotes.share(&quote.id);
    let buyer = buyer_of(world, quote);
    if let Some(key) = recalled_quota(world, quote, placed_at) {
        add_to_quota(world, key, quote.landed.taxable);
    }
    if buyer.is_none() {
        let problem = Problem::of(&Contradiction::BuyerLost);
        world.happened(Some(&file.id), None, Happened::NotBooked { problem });
    }
    if known.is_none() {
        world.quotes.put(quote.id, quote.clone());
    }
    file.practice = practice;
    let (quote, delivery) = (known.unwrap_or_else(|| Arc::new(quote.clone())), delivery.to_owned());
    file.order = Some(Arc::new(Order { quote, placed_at, delivery, buyer, seller: None }));
}

/// Asks the rules again, with what the person has bought this year.
fn check_year(world: &World, quote: &Quote, used: Money) -> Result<(), LandedCostRefusal> {
    let Some(book) = world.site.rulebook() else { return Ok(()) };
    let lines: Vec<AskLine> = quote.lines.iter().map(QuoteLine::asked).collect();
    let asked = LandedCostAsk::new(quote.date, quote.regime, &lines, quote.landed.freight, &world.site.stance);
    let ask = LandedCostAsk { year_used: Some(used), ..asked };
    landed_cost(book, &ask).map(|_| ())
}

/// The exporting hub takes in an order that its peer tells of, or says why it cannot.
pub fn take_from_peer(world: &mut World, trade: &TradeId, peer: &HubId, quote: &Quote, delivery: &str, practice: bool) {
    let known = world.trades.get(trade).cloned();
    if known.as_ref().is_some_and(|f| f.order.is_some()) {
        return;
    }
    let mut file = known.unwrap_or_else(|| TradeFile::new(trade.clone(), Side::Export, world.now));
    file.peer = Some(peer.clone());
    file.practice = practice;
    // A quote does not change under its id: an order that says otherwise is not taken.
    let (quote, seller) = match world.quotes.share(&quote.id) {
        Some(known) if known.without_buyer() != quote.without_buyer() => {
            let differs = QuoteRefusal::QuoteDiffers { quote: quote.id };
            (known, Err(Problem::of(&differs)))
        }
        Some(_) => (Arc::new(quote.clone()), seller_of(world, quote)),
        None => {
            world.quotes.put(quote.id, quote.clone());
            (Arc::new(quote.clone()), seller_of(world, quote))
        }
    };
    file.order = Some(Arc::new(Order {
        quote,
        placed_at: world.now,
        delivery: delivery.to_owned(),
        buyer: None,
        seller: seller.as_ref().ok().copied(),
    }));
    // Goods that this hub has let go are on their way, whoever sold them: see `recovery`.
    if seller.is_err() && file.clearance.is_released() {
        let problem = Problem::of(&Contradiction::SellerLost);
        world.happened(Some(trade), None, Happened::NotBooked { problem });
    } else if let Err(problem) = seller {
        file.closed = Some(Closed::Declined { at: world.now, reason: problem.code.clone() });
        world.happened(Some(trade), Some(peer), Happened::OrderDeclined { problem });
    }
    world.trades.put(trade.clone(), file);
}

/// The one seller of all lines.
fn seller_of(world: &World, quote: &Quote) -> Result<Id<Party>, Problem> {
    let mut sellers = quote.lines.iter().map(|l| world.products.get(&l.product).map(|p| p.seller));
    let first = sellers.next().flatten();
    match first {
        Some(seller) if sellers.all(|s| s == Some(seller)) => Ok(seller),
        Some(_) => Err(Problem::of(&QuoteRefusal::MixedSellers)),
        None => {
            let product = quote.lines.first().map(|l| l.product);
            Err(product.map_or_else(
                || Problem::of(&QuoteRefusal::NoLines),
                |product| Problem::of(&QuoteRefusal::OfferUnknown { product }),
            ))
        }
    }
}

/// The importing hub hears that the order cannot be taken: the money goes back.
pub fn declined_by_peer(world: &mut World, file: &mut TradeFile, reason: &str) {
    if file.closed.is_some() {
        return;
    }
    give_back(world, file);
    file.closed = Some(Closed::Declined { at: world.now, reason: reason.to_owned() });
    payment::return_funds(world, file);
}

/// An order that was never paid in time comes to nothing, and gives back the yearly quota. So does one
/// whose balance did not come in time: its deposit goes back to the payer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LapseOrder {
    pub trade: TradeId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum LapseRefusal {
    TradeUnknown { trade: TradeId },
    AlreadyPaid,
    NotYet { expires_at: BusinessTime },
}

impl Decide for LapseOrder {
    type Answer = TradeId;
    type Refusal = LapseRefusal;

    fn reads(&self, need: &mut Need) {
        need.trade(&self.trade);
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        if let Some(key) = used_quota(world, &self.trade) {
            need.quota(key);
        }
    }

    fn decide(&self, world: &mut World) -> Result<TradeId, LapseRefusal> {
        let unknown = LapseRefusal::TradeUnknown { trade: self.trade.clone() };
        let Some(mut file) = world.trades.get(&self.trade).cloned() else { return Err(unknown) };
        if file.closed.is_some() || file.open_return().is_some() {
            return Ok(self.trade.clone());
        }
        let Some(order) = file.order.clone() else { return Err(unknown) };
        let expires_at = match file.escrow {
            Escrow::Empty if file.side == Side::Import => order.quote.expires_at,
            Escrow::Deposited { balance_due, .. } => balance_due,
            _ => return Err(LapseRefusal::AlreadyPaid),
        };
        if world.now <= expires_at {
            return Err(LapseRefusal::NotYet { expires_at });
        }
        give_back(world, &file);
        file.closed = Some(Closed::Lapsed { at: world.now });
        payment::return_funds(world, &mut file);
        world.happened(Some(&self.trade), file.peer.as_ref(), Happened::OrderLapsed);
        world.trades.put(self.trade.clone(), file);
        Ok(self.trade.clone())
    }
}
