//! Recovery: a hub that has lost events asks what it told, and is again what it said it was.
//!
//! What a peer has applied cannot be taken back: goods were shipped, money was booked as due. So a
//! hub that was restored from an old copy keeps every word that it gave. Peers give its words back,
//! each proved by a head that the hub itself signed ([`crate::road::GivenBack`]), and [`Recall`] brings every
//! trade at least as far as it was told to be, with the ledger's transfers that belong to that, once.
//! What a hub did and told nobody is gone; of money, the bank is the witness of that: until its
//! notices were taken in again ([`CheckBank`]), nothing irrevocable is done ([`is_irrevocable`]).
//!
//! Why this is right for money: `docs/decisions/0011-a-restored-hub-keeps-its-word.md`.

use serde::{Deserialize, Serialize};

use crate::checkpoint::Epoch;
use crate::clearance::{Channel, Clearance};
use crate::clock;
use crate::codes::HubId;
use crate::command::{Decide, Problem};
use crate::commands::Command;
use crate::custody::Custody;
use crate::dispute;
use crate::event::{Draft, Event, Happened};
use crate::handling;
use crate::id::Id;
use crate::manifest::{self, Arrival};
use crate::order;
use crate::origin::preferences;
use crate::party::{Party, Role};
use crate::payment;
use crate::payout;
use crate::product::{self, Goods, OfferProduct, Product};
use crate::quote::Quote;
use crate::returns;
use crate::road::RoadMark;
use crate::trade_file::{Closed, Side, TradeFile, TradeId};
use crate::world::{Need, NumberKey, World};
use crate::{escrow, financing, permit, variance, waybill};

/// What must not be done while it is not known what was done before: money leaves, an order comes
/// to nothing, a parked payment goes back.
#[must_use]
pub const fn is_irrevocable(command: &Command) -> bool {
    matches!(
        command,
        Command::InstructPayouts(_)
            | Command::LapseOrder(_)
            | Command::ReturnParked(_)
            | Command::ReturnFunds(_)
            | Command::PassReturn(_)
            | Command::PassDispute(_)
    )
}

/// Own words that peers gave back, in the order of the lost log: each trade becomes again at least
/// what was told of it. Words that were recalled before are passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    pub events: Vec<Event>,
    /// The lost leaves are all here: the log goes on with these very leaves, and nothing is lost.
    /// Otherwise they are noted anew, to nobody, in the log that goes on without them.
    pub exact: bool,
    /// Who asked for the quotes that these orders took, as far as they are known.
    pub buyers: Vec<Id<Party>>,
    /// All sellers of this hub: a product that was lost belongs to the one that its id follows from.
    pub sellers: Vec<Id<Party>>,
}

/// How far the words of each road are recalled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    pub words: usize,
}

/// All words are recalled: the new epoch begins. What was decided since the copy was made and has
/// reached nobody is told again, under new numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndRecall {
    pub epoch: Epoch,
    pub lost_from: u64,
    pub lost_to: u64,
    pub roads: Vec<RoadMark>,
    pub again: Vec<Event>,
}

/// The operator says that the bank's notices of the lost time have been taken in again: payouts,
/// lapses and returns go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckBank {
    pub by: Id<Party>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RecallRefusal {
    PeerUnknown {
        peer: HubId,
    },
    /// Recalled and ended before.
    RecallEnded,
    NotTheOperator {
        party: Id<Party>,
    },
}

/// Marks that the hub keeps beside its nouns, each in the transaction of the command that sets it.
pub mod mark {
    /// The epoch whose lost words are all recalled.
    pub const RECALLED: &str = "recalled";
    /// The epoch whose lost time has been compared with the bank.
    pub const BANK_CHECKED: &str = "bank-checked";
}

impl Decide for Recall {
    type Answer = Recalled;
    type Refusal = RecallRefusal;

    fn reads(&self, need: &mut Need) {
        for buyer in &self.buyers {
            need.party(*buyer);
        }
        for event in &self.events {
            if let Some(trade) = &event.trade {
                need.trade(trade);
            }
            match &event.what {
                Happened::ProductPublished { product, .. } | Happened::ProductWithdrawn { product } => {
                    need.product(*product);
                }
                Happened::QuoteGiven { quote } | Happened::OrderTaken { quote, .. } => {
                    need.quote(quote.id);
                }
                Happened::WaybillIssued { waybill } => {
                    need.number(NumberKey::waybill(waybill.no.as_str()));
                }
                Happened::ExportReleased { declaration, .. } => {
                    for used in &declaration.permits {
                        need.permit(used.permit);
                    }
                }
                Happened::ManifestClosed { consignment } => {
                    need.manifest(&consignment.id);
                    for bag in &consignment.bags {
                        need.bag(&bag.no);
                    }
                    for parcel in consignment.bags.iter().flat_map(|bag| &bag.parcels) {
                        need.trade(&parcel.trade);
                    }
                }
                Happened::ManifestArrived { manifest, .. } => {
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
    }

    fn reads_more(&self, world: &World, need: &mut Need) {
        for event in &self.events {
            let key = match (&event.what, &event.trade) {
                (Happened::OrderTaken { quote, .. }, _) => order::recalled_quota(world, quote, event.at),
                (Happened::OrderLapsed | Happened::ReturnChanged { .. }, Some(trade)) => {
                    order::used_quota(world, trade)
                }
                (Happened::ExportReleased { .. }, Some(trade)) => {
                    permit::reads_used(world, trade, need);
                    None
                }
                _ => None,
            };
            if let Some(key) = key {
                need.quota(key);
            }
        }
    }

    fn decide(&self, world: &mut World) -> Result<Recalled, RecallRefusal> {
        let mut words = 0;
        for event in &self.events {
            let (Some(to), Some(road_seq)) = (&event.to, event.road_seq) else { continue };
            let known = world.peers.all().find(|(id, _)| *id == to).map(|(_, p)| p.clone());
            let Some(mut peer) = known else { return Err(RecallRefusal::PeerUnknown { peer: to.clone() }) };
            if road_seq <= peer.recalled {
                continue;
            }
            peer.recalled = road_seq;
            world.peers.put(to.clone(), peer);
            let (trade, what) = (event.trade.clone(), event.what.clone());
            let to_whom = self.exact.then(|| to.clone());
            world.happened_as(Draft { at: event.at, trade, to: to_whom, what });
            self.recall(world, to, event);
            words += 1;
        }
        Ok(Recalled { words })
    }
}

impl Recall {
    fn recall(&self, world: &mut World, peer: &HubId, event: &Event) {
        match &event.what {
            Happened::ClockMoved { to, .. } => clock::recall(world, *to),
            Happened::ProductPublished { product, goods, .. } => self.product(world, *product, goods),
            Happened::ProductWithdrawn { .. } => {}
            Happened::QuoteGiven { quote } if !known_quote(world, quote) => {
                world.quotes.put(quote.id, (**quote).clone());
            }
            Happened::ManifestClosed { consignment } => manifest::recall(world, peer, consignment),
            Happened::ManifestArrived { manifest, place, arrived_at, exceptions } => {
                let (place, exceptions) = (place.clone(), exceptions.clone());
                let arrival = Arrival { at: *arrived_at, place, by: None, exceptions };
                manifest::arrived_at_peer(world, peer, manifest, arrival);
            }
            _ => recall_trade(world, peer, event),
        }
    }

    /// A product as it was offered last. Its id follows from its seller and its number, so the
    /// seller of one that was lost is whoever gives this id.
    fn product(&self, world: &mut World, id: Id<Product>, goods: &Goods) {
        let known = world.products.get(&id).cloned();
        let is_its = |seller: &&Id<Party>| OfferProduct { seller: **seller, goods: goods.clone() }.product() == id;
        let seller = known.as_ref().map(|p| p.seller).or_else(|| self.sellers.iter().find(is_its).copied());
        let Some(seller) = seller else { return };
        let gaps = product::lane_gaps(world, goods);
        // The peer was told what follows from a bill of materials, never the bill: one that was lost is
        // stated again by its seller.
        let (answers, bill) = known.map(|p| (p.answers, p.bill)).unwrap_or_default();
        let date = world.site.date(world.now);
        let preferences = preferences(&world.site.rulebooks, goods, bill.as_ref(), date);
        let goods = goods.clone();
        let product = Product { id, seller, goods, changed: world.now, gaps, answers, bill, preferences };
        world.products.put(id, product);
    }
}

fn known_quote(world: &World, quote: &Quote) -> bool {
    world.quotes.get(&quote.id).is_some()
}

/// Brings a trade as far as was told. What is there already stays as it is.
fn recall_trade(world: &mut World, peer: &HubId, event: &Event) {
    let Some(trade) = &event.trade else { return };
    let side = if trade.importer() == world.site.id.as_str() { Side::Import } else { Side::Export };
    let known = world.trades.get(trade).cloned();
    let mut file = known.unwrap_or_else(|| TradeFile::new(trade.clone(), side, event.at));
    file.peer = file.peer.or_else(|| Some(peer.clone()));
    match (&event.what, side) {
        (Happened::OrderTaken { quote, delivery, practice }, Side::Import) => {
            order::recall(world, &mut file, quote, delivery, *practice, event.at);
        }
        (Happened::DepositSecured { balance_due }, Side::Import) => {
            payment::recall_deposit(world, &mut file, event.at, *balance_due);
        }
        (Happened::PaymentSecured, Side::Import) => payment::recall(world, &mut file, event.at),
        (Happened::OrderLapsed, Side::Import) => {
            order::give_back(world, &file);
            file.closed = file.closed.or(Some(Closed::Lapsed { at: event.at }));
            // A deposit on it went back.
            payment::return_funds(world, &mut file);
        }
        (Happened::ImportCharged { charged }, Side::Import) => variance::recall(world, &mut file, charged),
        (Happened::EscrowReleased { .. }, Side::Import) => escrow::recall(world, &mut file, event.at),
        (Happened::ReturnChanged { returning }, Side::Import) => {
            returns::told::recall(world, &mut file, returning, event.at);
        }
        (Happened::DisputeChanged { dispute }, Side::Import) => dispute::recall(world, &mut file, dispute, event.at),
        (Happened::ReturnAnswered { agrees, .. }, Side::Export) => {
            returns::told::recall_answer(&mut file, *agrees, event.at);
        }
        (Happened::TradeStopped { reason, .. }, Side::Export) => {
            returns::told::recall_stop(&mut file, *reason, event.at);
        }
        (Happened::ReImported { reimport }, Side::Export) => {
            file.reimport = file.reimport.or_else(|| Some(reimport.clone()));
        }
        (Happened::GoodsBack, Side::Export) => returns::told::goods_back(&mut file, event.at),
        (Happened::WaybillIssued { waybill }, Side::Export) => waybill::recall(world, &mut file, waybill),
        (Happened::OrderDeclined { problem }, Side::Export) => {
            let reason = problem.code.clone();
            file.closed = file.closed.or(Some(Closed::Declined { at: event.at, reason }));
        }
        (Happened::FinanceWord { word }, Side::Export) => financing::recall(&mut file, word),
        (Happened::SellerPaid, Side::Export) => payout::recall(world, &mut file, event.at),
        (Happened::CustodyRecorded { custody, place, moved_at }, _) if !file.has(*custody) => {
            file.custody.push(Custody { kind: *custody, place: place.clone(), at: *moved_at });
        }
        (Happened::ParcelReceived { warehouse, warehouse_name }, Side::Export) => {
            handling::received(&mut file, *warehouse, warehouse_name, event.at);
        }
        (Happened::CustodyExcepted { found }, Side::Import) => handling::excepted(&mut file, found),
        _ => recall_clearance(world, trade, &mut file, event),
    }
    world.trades.put(trade.clone(), file);
}

/// What our customs was told to have done. A decision that was told stands, even against another
/// one that was taken since on an old state: the other side has acted on it.
fn recall_clearance(world: &mut World, trade: &TradeId, file: &mut TradeFile, event: &Event) {
    let at = event.at;
    let by_whom = |by: Option<Id<Party>>| if by.is_some() { Channel::Yellow } else { Channel::Green };
    let told = match &event.what {
        Happened::Held { reasons, deadline } => {
            Clearance::Held { since: at, reasons: reasons.clone(), deadline: *deadline }
        }
        Happened::Examining { channel, rule } => {
            let deadline = at.plus_seconds(8 * 3600);
            Clearance::Examining { since: at, channel: *channel, rule: rule.clone(), deadline, asked: None }
        }
        Happened::Released { by, .. } => Clearance::Released { at, channel: by_whom(*by), by: *by },
        Happened::ExportReleased { declaration, by } => {
            if file.declaration.as_ref().is_none_or(|d| d.edition < declaration.edition) {
                permit::recall(world, file, declaration);
                file.declaration = Some(declaration.clone());
            }
            Clearance::Released { at, channel: by_whom(*by), by: *by }
        }
        Happened::Detained { by, reason } => Clearance::Detained { at, by: *by, reason: reason.clone() },
        _ => return,
    };
    if told.is_final() && !file.clearance.is_final() {
        // By which match it was decided is lost with the documents of that time.
        file.matched = None;
    }
    match (&file.clearance, told.is_final()) {
        (now, _) if now.code() == told.code() && now.is_final() => {}
        (now, true) if now.is_final() => {
            let problem = Problem::of(&Contradiction::DecidedOtherwise { told: told.code(), since: now.code() });
            file.clearance = told;
            world.happened(Some(trade), None, Happened::NotBooked { problem });
        }
        (now, false) if now.is_final() => {}
        _ => file.clearance = told,
    }
}

/// What an operator has to look at after a loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Contradiction {
    /// Customs was told to have decided one thing, and has decided another since.
    DecidedOtherwise { told: &'static str, since: &'static str },
    /// The order was told as taken, but its buyer was known to the lost part alone.
    BuyerLost,
    /// The goods are on their way, and who sells them was known to the lost part alone.
    SellerLost,
    /// An advance was paid on it, and to whom and how much was known to the lost part alone.
    AdvanceLost,
}

impl Decide for EndRecall {
    type Answer = Recalled;
    type Refusal = RecallRefusal;

    fn reads(&self, _need: &mut Need) {}

    fn decide(&self, world: &mut World) -> Result<Recalled, RecallRefusal> {
        if world.marked(mark::RECALLED) == Some(self.epoch.0.to_string()) {
            return Err(RecallRefusal::RecallEnded);
        }
        for road in &self.roads {
            let known = world.peers.all().find(|(id, _)| **id == road.peer).map(|(_, p)| p.clone());
            let Some(mut peer) = known else { return Err(RecallRefusal::PeerUnknown { peer: road.peer.clone() }) };
            peer.recalled = peer.recalled.max(road.next_seq.saturating_sub(1));
            world.peers.put(road.peer.clone(), peer);
        }
        let (epoch, lost_from, lost_to) = (self.epoch.0, self.lost_from, self.lost_to);
        world.happened(None, None, Happened::EpochOpened { epoch, lost_from, lost_to });
        for event in &self.again {
            let (trade, to, what) = (event.trade.clone(), event.to.clone(), event.what.clone());
            world.happened_as(Draft { at: world.now, trade, to, what });
        }
        world.mark(mark::RECALLED, self.epoch.0.to_string());
        Ok(Recalled { words: self.again.len() })
    }
}

impl Decide for CheckBank {
    type Answer = ();
    type Refusal = RecallRefusal;

    fn reads(&self, need: &mut Need) {
        need.party(self.by);
    }

    fn decide(&self, world: &mut World) -> Result<(), RecallRefusal> {
        if !world.parties.get(&self.by).is_some_and(|p| p.is(Role::Operator)) {
            return Err(RecallRefusal::NotTheOperator { party: self.by });
        }
        let epoch = world.site.road.epoch.0;
        world.happened(None, None, Happened::BankChecked { by: self.by, epoch });
        world.mark(mark::BANK_CHECKED, epoch.to_string());
        Ok(())
    }
}
