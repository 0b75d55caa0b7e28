//! The peer: the hub at the other end of a road, and what its messages do here.

mod claims;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::advance;
use crate::card::{CardRefusal, HubCard, SignedCard, accepts, succeeds};
use crate::checkpoint::{Epoch, NoteFault, SignedCheckpoint};
use crate::clearance::{self, AskedFor, Channel, Clearance};
use crate::clock;
use crate::codes::{Country, HubId};
use crate::command::{Decide, Problem};
use crate::custody::Custody;
use crate::declaration;
use crate::escrow;
use crate::event::{Asked, Event, Happened};
use crate::financing;
use crate::handling;
use crate::key::{Purpose, Signature, verify_bytes};
use crate::manifest::{self, Arrival};
use crate::order;
use crate::product::{LaneKey, Offer, OfferKey, PeerAnswer};
use crate::quote::{AskQuote, Quote, QuoteRefusal};
use crate::road::{self, Batch, Entry, EpochRefusal, Hashed, NewEpoch, Receipt, RoadRefusal, RoadState};
use crate::rulebook::Regime;
use crate::terms::Terms;
use crate::time::{BusinessTime, WallTime};
use crate::trade_file::{Closed, DepositTold, Side, TradeFile};
use crate::waybill;
use crate::world::{Need, NumberKey, World};

/// An accepted peer with the state of its road towards us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    pub card: HubCard,
    /// Where the peer is reached; it may move without a new card.
    pub url: String,
    pub road: RoadState,
    /// We do not send, nor take in, while paused.
    pub paused: bool,
    pub since: BusinessTime,
    /// The signature of the card, as accepted: with it others can check the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_signature: Option<Signature>,
    /// After a loss of ours: up to which road number our own words to this peer were recalled.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recalled: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Peer {
    #[must_use]
    pub const fn territory(&self) -> Country {
        self.card.territory
    }

    /// The card as its hub published it.
    #[must_use]
    pub fn signed_card(&self) -> Option<SignedCard> {
        Some(SignedCard::of(self.card.clone(), self.card_signature?))
    }
}

/// What a batch of a peer brought, kept for ever as it came: the entries that were applied, each with
/// its proof to the head that came with them. So the peer's side of a trade can be proved here too,
/// and a peer that has lost events can have back what it told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub peer: HubId,
    /// Signed by the peer.
    pub head: SignedCheckpoint,
    pub entries: Vec<Entry>,
}

/// The operator accepts a peer by its signed card, which it has checked with the peer's operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptPeer {
    pub card: SignedCard,
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum PeerRefusal {
    PeerUnknown {
        peer: HubId,
    },
    PeerUrl {
        got: String,
    },
    /// The cards do not fit together; every reason.
    CardRefused {
        reasons: Vec<CardRefusal>,
    },
}

impl Decide for AcceptPeer {
    type Answer = HubId;
    type Refusal = PeerRefusal;

    fn reads(&self, _need: &mut Need) {}

    fn decide(&self, world: &mut World) -> Result<HubId, PeerRefusal> {
        accepts(&world.site.card, &self.card).map_err(|reasons| PeerRefusal::CardRefused { reasons })?;
        if !(self.url.starts_with("http://") || self.url.starts_with("https://")) || self.url.len() > 200 {
            return Err(PeerRefusal::PeerUrl { got: self.url.chars().take(200).collect() });
        }
        let card = self.card.claimed().clone();
        let id = card.id.clone();
        let card_signature = Some(*self.card.signature());
        let known = world.peers.all().find(|(k, _)| **k == id).map(|(_, p)| p.clone());
        let peer = match known {
            Some(known) if known.card == card && known.url == self.url && known.card_signature.is_some() => {
                return Ok(id);
            }
            Some(known) => {
                if known.card != card {
                    succeeds(&known.card, &self.card)
                        .map_err(|reason| PeerRefusal::CardRefused { reasons: vec![reason] })?;
                }
                let road = RoadState { peer: card.clone(), ..known.road.clone() };
                Peer { card: card.clone(), url: self.url.clone(), road, card_signature, ..known }
            }
            None => Peer {
                road: RoadState::opened(card.clone()),
                card: card.clone(),
                url: self.url.clone(),
                paused: false,
                since: world.now,
                card_signature,
                recalled: 0,
            },
        };
        world.happened(None, Some(&id), Happened::PeerAccepted { peer: id.clone(), epoch: card.epoch.0 });
        world.peers.put(id.clone(), peer);
        Ok(id)
    }
}

/// The operator pauses or resumes a road.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PausePeer {
    pub peer: HubId,
    pub paused: bool,
}

impl Decide for PausePeer {
    type Answer = HubId;
    type Refusal = PeerRefusal;

    fn reads(&self, _need: &mut Need) {}

    fn decide(&self, world: &mut World) -> Result<HubId, PeerRefusal> {
        let known = world.peers.all().find(|(k, _)| **k == self.peer).map(|(_, p)| p.clone());
        let Some(mut peer) = known else { return Err(PeerRefusal::PeerUnknown { peer: self.peer.clone() }) };
        peer.paused = self.paused;
        peer.road.paused = self.paused;
        let what = if self.paused {
            Happened::PeerPaused { peer: self.peer.clone() }
        } else {
            Happened::PeerResumed { peer: self.peer.clone() }
        };
        world.happened(None, None, what);
        world.peers.put(self.peer.clone(), peer);
        Ok(self.peer.clone())
    }
}

/// A peer's batch: checked in the road's order, then each entry applied once, together with the cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiveBatch {
    pub batch: Batch,
    /// For the countersignature.
    pub at: WallTime,
    #[serde(skip)]
    read: OnceLock<Read>,
}

/// What is worked out of a batch once, from itself alone.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    /// The entries' events; `None` where one is not understood.
    events: Vec<Option<Event>>,
    hashed: Hashed,
}

impl ReceiveBatch {
    #[must_use]
    pub const fn new(batch: Batch, at: WallTime) -> Self {
        Self { batch, at, read: OnceLock::new() }
    }

    fn read(&self) -> &Read {
        self.read.get_or_init(|| {
            let event = |entry: &Entry| serde_json::from_slice(&entry.leaf.0).ok();
            let events = self.batch.entries.iter().map(event).collect();
            Read { events, hashed: Hashed::of(&self.batch) }
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ReceiveRefusal {
    PeerUnknown {
        peer: HubId,
    },
    /// The receipt could not be signed.
    Receipt {
        fault: NoteFault,
    },
}

impl Decide for ReceiveBatch {
    /// What the road's checks refuse is said in the receipt, signed as every answer is.
    type Answer = Receipt;
    type Refusal = ReceiveRefusal;

    fn prepare(&self) {
        self.read();
    }

    fn reads(&self, need: &mut Need) {
        for event in self.read().events.iter().flatten() {
            reads(&self.batch.from, event, need);
        }
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        for event in self.read().events.iter().flatten() {
            reads_more(world, event, need);
            claims::reads_given_back(world, event, need);
        }
    }

    fn decide(&self, world: &mut World) -> Result<Receipt, ReceiveRefusal> {
        let from = self.batch.from.clone();
        let known = world.peers.all().find(|(k, _)| **k == from).map(|(_, p)| p.clone());
        let Some(mut peer) = known else { return Err(ReceiveRefusal::PeerUnknown { peer: from }) };
        let Read { events, hashed } = self.read();
        let refusal = match road::receive_hashed(&world.site.road, &peer.road, &self.batch, hashed) {
            Ok(accepted) => {
                peer.road = accepted.state;
                world.peers.put(from.clone(), peer.clone());
                // What was applied before stands first in the batch, and was skipped.
                for (entry, event) in accepted.entries.iter().zip(&events[accepted.skipped..]) {
                    match event {
                        Some(event) => apply(world, &from, event, entry.road_seq),
                        // A newer peer may tell what we do not know yet; it is noted and the road goes on.
                        None => {
                            let noted = Happened::NotUnderstood { peer: from.clone(), index: entry.index };
                            world.happened(None, None, noted);
                        }
                    }
                }
                if let Some(head) = peer.road.seen.clone().filter(|_| !accepted.entries.is_empty()) {
                    world.keep_received(Received { peer: from, head, entries: accepted.entries });
                }
                None
            }
            Err(RoadRefusal::Forged { forgery }) => {
                peer.road.suspended = Some(forgery.clone());
                world.peers.put(from.clone(), peer.clone());
                world.happened(None, None, Happened::RoadSuspended { peer: from });
                Some(RoadRefusal::Forged { forgery })
            }
            Err(refusal) => Some(refusal),
        };
        Receipt::issue(&world.site.road, &peer.road, refusal, self.at)
            .map_err(|fault| ReceiveRefusal::Receipt { fault })
    }
}

/// A peer declares that it has lost events, and opens the next epoch of its log. What was applied
/// here stays applied; road numbers go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptEpoch {
    pub statement: NewEpoch,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AcceptEpochRefusal {
    PeerUnknown { peer: HubId },
    EpochRefused { refusal: EpochRefusal },
}

impl Decide for AcceptEpoch {
    /// The epoch in which the peer's log lives here now.
    type Answer = Epoch;
    type Refusal = AcceptEpochRefusal;

    fn reads(&self, _need: &mut Need) {}

    fn decide(&self, world: &mut World) -> Result<Epoch, AcceptEpochRefusal> {
        let from = self.statement.hub.clone();
        let known = world.peers.all().find(|(k, _)| **k == from).map(|(_, p)| p.clone());
        let Some(mut peer) = known else { return Err(AcceptEpochRefusal::PeerUnknown { peer: from }) };
        let NewEpoch { epoch, lost_from, lost_to, .. } = self.statement;
        if epoch == peer.road.epoch {
            return Ok(epoch);
        }
        let accepted = road::accept_epoch(&world.site.road, &peer.road, &self.statement)
            .map_err(|refusal| AcceptEpochRefusal::EpochRefused { refusal })?;
        peer.road = accepted.state;
        world.peers.put(from.clone(), peer);
        world.happened(None, None, Happened::EpochAccepted { peer: from, epoch: epoch.0, lost_from, lost_to });
        Ok(epoch)
    }
}

/// What one message of a peer reads.
fn reads(from: &HubId, event: &Event, need: &mut Need) {
    if let Some(trade) = &event.trade {
        need.trade(trade);
    }
    match &event.what {
        Happened::ProductPublished { product, .. } | Happened::ProductWithdrawn { product } => {
            need.offer(OfferKey { hub: from.clone(), product: *product });
        }
        Happened::QuoteAsked { quote, lines, .. } => {
            need.quote(*quote);
            for line in lines {
                need.offer(OfferKey { hub: from.clone(), product: line.product });
            }
        }
        Happened::QuoteGiven { quote } | Happened::OrderTaken { quote, .. } => {
            need.quote(quote.id);
            for line in &quote.lines {
                need.product(line.product);
            }
        }
        Happened::QuoteRefused { lines, .. } => {
            for line in lines {
                need.product(line.product);
            }
        }
        Happened::WaybillIssued { waybill } => {
            need.number(NumberKey::waybill(waybill.no.as_str()));
        }
        Happened::ManifestClosed { consignment } => {
            need.manifest(&consignment.id);
            for parcel in consignment.bags.iter().flat_map(|bag| &bag.parcels) {
                need.trade(&parcel.trade);
            }
        }
        Happened::PreAlertTaken { manifest, .. } | Happened::ManifestArrived { manifest, .. } => {
            need.manifest(manifest);
        }
        Happened::ReturnChanged { returning } => {
            if let Some(waybill) = &returning.waybill {
                need.number(NumberKey::waybill(waybill.no.as_str()));
            }
        }
        _ => {}
    }
}

/// What follows from the trade or the goods that it concerns: what their seller owes, should it bring
/// money or come to nothing.
fn reads_more(world: &World, event: &Event, need: &mut Need) {
    let of_trade = event.trade.as_ref().and_then(|trade| world.trades.get(trade)?.order.as_ref()?.seller);
    need.debts.extend(of_trade);
    if let Happened::OrderTaken { quote, .. } = &event.what {
        let of_goods = quote.lines.iter().filter_map(|line| world.products.get(&line.product));
        need.debts.extend(of_goods.map(|product| product.seller));
    }
}

/// What one message of a peer does. It never refuses: what cannot be done is answered by a message.
fn apply(world: &mut World, from: &HubId, event: &Event, road_seq: u64) {
    match &event.what {
        Happened::ClockMoved { to, .. } => clock::follow_peer(world, *to),
        Happened::ProductPublished { product, seller_name, goods, preferences } => {
            let key = OfferKey { hub: from.clone(), product: *product };
            let offer = Offer {
                key: key.clone(),
                seller_name: seller_name.clone(),
                goods: goods.clone(),
                preferences: preferences.clone(),
                since: world.now,
                withdrawn: false,
            };
            world.offers.put(key, offer);
        }
        Happened::ProductWithdrawn { product } => {
            let key = OfferKey { hub: from.clone(), product: *product };
            if let Some(offer) = world.offers.get(&key).cloned() {
                world.offers.put(key, Offer { withdrawn: true, ..offer });
            }
        }
        Happened::QuoteAsked { quote, lines, practice, terms } => {
            let ask = AskQuote {
                quote: *quote,
                exporter: from.clone(),
                lines: lines.clone(),
                buyer: None,
                terms: terms.clone(),
            };
            answer_quote(world, from, &ask, *practice);
        }
        Happened::QuoteGiven { quote } => quote_given(world, from, quote),
        Happened::QuoteRefused { lines, terms, problem, .. } => {
            let refused = PeerAnswer::Refused { problem: problem.clone() };
            remember_answer(world, from, terms.regime(), lines, &refused);
        }
        Happened::OrderTaken { quote, delivery, practice } => {
            let Some(trade) = &event.trade else { return };
            if trade.importer() == from.as_str() {
                order::take_from_peer(world, trade, from, quote, delivery, *practice);
                if let Some(mut file) = world.trades.get(trade).cloned() {
                    waybill::tell(world, &file);
                    file.hear(road_seq);
                    world.trades.put(trade.clone(), file);
                }
            }
        }
        Happened::ManifestClosed { consignment } => manifest::received_from_peer(world, from, consignment),
        Happened::PreAlertTaken { manifest, answered } => manifest::answered_by_peer(world, from, manifest, answered),
        Happened::ManifestArrived { manifest, place, arrived_at, exceptions } => {
            let (place, exceptions) = (place.clone(), exceptions.clone());
            manifest::arrived_at_peer(world, from, manifest, Arrival { at: *arrived_at, place, by: None, exceptions });
        }
        _ => apply_to_trade(world, from, event, road_seq),
    }
}

/// Messages that concern a trade file which is here already, and which this peer is party to.
fn apply_to_trade(world: &mut World, from: &HubId, event: &Event, road_seq: u64) {
    let Some(trade) = &event.trade else { return };
    let Some(mut file) = world.trades.get(trade).cloned().filter(|f| f.peer.as_ref() == Some(from)) else {
        return;
    };
    file.hear(road_seq);
    match &event.what {
        Happened::OrderDeclined { problem } => order::declined_by_peer(world, &mut file, &problem.code),
        Happened::OrderLapsed if file.closed.is_none() => file.closed = Some(Closed::Lapsed { at: world.now }),
        Happened::DepositSecured { balance_due } => {
            let told = DepositTold { at: world.now, balance_due: *balance_due };
            file.deposited = file.deposited.or(Some(told));
        }
        Happened::PaymentSecured => file.secured = file.secured.or(Some(world.now)),
        Happened::WaybillIssued { waybill } => waybill_from_peer(world, &mut file, waybill),
        Happened::ExportReleased { declaration, by } => {
            if !file.peer_clearance.is_released() {
                file.peer_clearance = Clearance::Released { at: world.now, channel: Channel::Green, by: *by };
            }
            declaration::received_from_peer(world, &mut file, declaration);
        }
        Happened::CustodyRecorded { custody, place, moved_at } => {
            if custody.side() != file.side && !file.has(*custody) {
                file.custody.push(Custody { kind: *custody, place: place.clone(), at: *moved_at });
            }
        }
        Happened::ParcelReceived { warehouse, warehouse_name } if file.side == Side::Import => {
            handling::received(&mut file, *warehouse, warehouse_name, event.at);
        }
        Happened::CustodyExcepted { found } if file.side == Side::Export => handling::excepted(&mut file, found),
        Happened::EscrowReleased { tax, due, refund, .. } if file.side == Side::Export => {
            let told = escrow::LetGo { tax: *tax, due: *due, refund: *refund };
            if let Err(error) = escrow::received_from_peer(world, &mut file, from, told) {
                world.happened(Some(trade), None, Happened::NotBooked { problem: Problem::of(&error) });
            }
        }
        Happened::FinanceAsked { claim, wants } => financing::asked_by_peer(world, &mut file, *claim, *wants),
        Happened::FinanceWord { word } => financing::told_by_peer(world, &mut file, from, word),
        Happened::SellerPaid if file.side == Side::Import => {
            file.closed = file.closed.or(Some(Closed::Paid { at: world.now }));
        }
        what if claims::is_of_a_claim(what) => claims::apply(world, &mut file, event),
        what => peer_clearance(world, &mut file, what),
    }
    advance::look_after(world, &mut file);
    world.trades.put(trade.clone(), file);
}

/// What the other side's customs has done.
fn peer_clearance(world: &World, file: &mut TradeFile, what: &Happened) {
    if file.peer_clearance.is_final() {
        return;
    }
    match what {
        Happened::Held { reasons, deadline } => {
            file.peer_clearance = Clearance::Held { since: world.now, reasons: reasons.clone(), deadline: *deadline };
        }
        Happened::Examining { channel, rule } => {
            let deadline = world.now.plus_seconds(8 * 3600);
            file.peer_clearance =
                Clearance::Examining { since: world.now, channel: *channel, rule: rule.clone(), deadline, asked: None };
        }
        Happened::Asked { field, of, reason, .. } => {
            let (since, channel, rule) = match &file.peer_clearance {
                Clearance::Examining { since, channel, rule, .. } => (*since, *channel, rule.clone()),
                _ => (world.now, Channel::Yellow, None),
            };
            let deadline = world.now.plus_seconds(8 * 3600);
            let asked = Some(AskedFor { field: field.clone(), of: *of, reason: reason.clone() });
            file.peer_clearance = Clearance::Examining { since, channel, rule, deadline, asked };
        }
        Happened::Released { by, .. } => {
            file.peer_clearance = Clearance::Released { at: world.now, channel: Channel::Green, by: *by };
        }
        Happened::Detained { by, reason } => {
            file.peer_clearance = Clearance::Detained { at: world.now, by: *by, reason: reason.clone() };
        }
        _ => {}
    }
}

fn waybill_from_peer(world: &mut World, file: &mut TradeFile, waybill: &crate::waybill::Waybill) {
    let newer = file.waybill.as_ref().is_none_or(|w| w.edition < waybill.edition);
    if !newer || (file.clearance.is_final() && !file.is_decision_recalled()) {
        return;
    }
    let number = NumberKey::waybill(waybill.no.as_str());
    let taken = world.numbers.get(&number).is_some_and(|trade| *trade != file.id);
    if taken {
        let problem = Problem::of(&crate::waybill::WaybillRefusal::WaybillNumberTaken {
            waybill: waybill.no.clone(),
            trade: file.id.clone(),
        });
        world.happened(Some(&file.id), file.peer.as_ref(), Happened::NotBooked { problem });
        return;
    }
    world.numbers.put(number, file.id.clone());
    file.waybill = Some(waybill.clone());
    clearance::advance(world, file);
}

/// A peer asks what its seller's goods cost to the door here; it gets a signed quote, or why not.
fn answer_quote(world: &mut World, from: &HubId, ask: &AskQuote, practice: bool) {
    match ask.work_out(world) {
        Ok(quote) => {
            world.happened(None, Some(from), Happened::QuoteGiven { quote: Box::new(quote.clone()) });
            world.quotes.put(quote.id, quote);
        }
        Err(refusal) => {
            let problem = Problem::of(&refusal);
            let (quote, lines, terms) = (ask.quote, ask.lines.clone(), ask.terms.clone());
            world.happened(None, Some(from), Happened::QuoteRefused { quote, lines, terms, problem });
            return;
        }
    }
    if practice && ask.terms == Terms::Parcel && world.site.mode == crate::card::Mode::Sandbox {
        world.happened(None, None, Happened::PracticeAsked { peer: from.clone(), lines: ask.lines.clone() });
    }
}

/// The answer to our seller's question. Its signature must be the peer's.
fn quote_given(world: &mut World, from: &HubId, quote: &Quote) {
    let regime = quote.regime;
    let asked: Vec<Asked> = quote.lines.iter().map(|l| Asked { product: l.product, pieces: l.pieces }).collect();
    let signature = quote.signature.as_deref().and_then(Signature::from_base64);
    let signed = world.peer(from).zip(signature).is_some_and(|(peer, signature)| {
        verify_bytes(&peer.card.keys, Purpose::Quote, &quote.signed_bytes(), &signature).is_ok()
    });
    let other = world.quotes.get(&quote.id).is_some_and(|known| known.without_buyer() != quote.without_buyer());
    if other {
        let problem = Problem::of(&QuoteRefusal::QuoteDiffers { quote: quote.id });
        remember_answer(world, from, regime, &asked, &PeerAnswer::Refused { problem });
        return;
    }
    if !signed || quote.importer != *from {
        let problem = Problem { code: "quote-signature".to_owned(), args: serde_json::Map::new() };
        remember_answer(world, from, regime, &asked, &PeerAnswer::Refused { problem });
        return;
    }
    remember_answer(
        world,
        from,
        regime,
        &asked,
        &PeerAnswer::Given { quote: quote.id, total: quote.landed.total, expires_at: quote.expires_at },
    );
    world.quotes.put(quote.id, quote.clone());
}

/// Keeps the last answer to a question about one piece of one product with the product.
fn remember_answer(world: &mut World, from: &HubId, regime: Regime, lines: &[Asked], answer: &PeerAnswer) {
    let [line] = lines else { return };
    if let Some(mut product) = world.products.get(&line.product).cloned() {
        product.answers.insert(LaneKey { hub: from.clone(), regime }, answer.clone());
        world.products.put(line.product, product);
    }
}
