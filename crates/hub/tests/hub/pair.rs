//! Two hubs with a road between them, as far as a test needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hub::clock::Clock;
use hub::testing::{self, Scratch, WALL};
use hub::{Answer, Config, Hub};
use serde_json::Value;
use trade::codes::{Country, HubId, S10};
use trade::command::Outcome;
use trade::commands::Command;
use trade::custody::{CustodyKind, RecordCustody};
use trade::declaration::LodgeExport;
use trade::escrow::AcceptGoods;
use trade::event::Asked;
use trade::id::Id;
use trade::money::{Currency, Money};
use trade::order::PlaceOrder;
use trade::party::{Party, PersonTag, PersonTags, Personal, RegisterParty, Role};
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::peer::{AcceptPeer, ReceiveBatch};
use trade::product::{Goods, OfferProduct};
use trade::quantity::Grams;
use trade::quote::{AskQuote, Quote};
use trade::readiness::HsClaim;
use trade::road::{Batch, Limits, Receipt, Wanted, acknowledge};
use trade::site::Site;
use trade::terms::Terms;
use trade::trade_file::TradeId;
use trade::waybill::IssueWaybill;

pub fn id<T: trade::id::Noun>(n: u64) -> Id<T> {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    Id::new(1_795_395_600_000, &random)
}

pub const SELLER: u64 = 1;
pub const BUYER: u64 = 2;
pub const CARRIER: u64 = 3;
pub const OFFICER: u64 = 4;

pub fn tags(n: u64) -> PersonTags {
    let key = [1; 32];
    PersonTags {
        id: Some(PersonTag::of(&key, "id", &format!("330106199001{n:06}"))),
        name: PersonTag::of(&key, "name", &format!("buyer {n}")),
    }
}

pub fn party(n: u64, role: Role, country: Country) -> Command {
    let party = Party {
        id: id(n),
        name: format!("{} {n}", role.code()),
        roles: BTreeSet::from([role]),
        country,
        person: (role == Role::Buyer).then(|| tags(n)),
        identity_checked: true,
        payout_account: (role == Role::Seller).then(|| "MY-1".to_owned()),
        account_holder: None,
        registration: None,
        since: testing::START,
    };
    let personal = Personal { party: party.id, fields: BTreeMap::new() };
    Command::RegisterParty(RegisterParty { party, personal })
}

/// A cotton tea towel at RM 40.00 and 250 g: in no yellow channel.
pub fn offer(sku: &str) -> OfferProduct {
    OfferProduct {
        seller: id(SELLER),
        goods: Goods {
            sku: sku.to_owned(),
            name: format!("Tea towel {sku}"),
            description: "Cotton kitchen towel, printed".to_owned(),
            hs: HsClaim::Code("630260".parse().unwrap()),
            origin: Some(Country::MY),
            weight: Some(Grams(250)),
            size: None,
            price: Some(Money::new(4_000, Currency::MYR)),
            content: None,
            hazards: trade::hazard::Hazards::default(),
        },
    }
}

pub fn answer(answer: Answer) -> Outcome {
    answer.expect("the hub decides")
}

pub fn good(outcome: Answer) -> Value {
    answer(outcome).expect("not refused")
}

pub struct Pair {
    pub kul: Hub,
    pub hgh: Hub,
    pub kul_site: Arc<Site>,
    pub hgh_site: Arc<Site>,
}

pub fn kul_site() -> Arc<Site> {
    testing::site("kul.sandbox", Country::MY)
}

pub fn hgh_site() -> Arc<Site> {
    testing::site("hgh.sandbox", Country::CN)
}

impl Pair {
    pub async fn open(kul: &Scratch, hgh: &Scratch) -> Self {
        let (clock, _) = Clock::manual(WALL);
        let (kul_site, hgh_site) = (kul_site(), hgh_site());
        let open = |config: Config| async move { Hub::open(config).await.expect("a fresh store opens") };
        let pair = Self {
            kul: open(testing::config(kul, &kul_site, &clock)).await,
            hgh: open(testing::config(hgh, &hgh_site, &clock)).await,
            kul_site,
            hgh_site,
        };
        pair.meet().await;
        pair
    }

    /// Both operators accept each other; parties join.
    async fn meet(&self) {
        for (hub, peer) in [(&self.kul, &self.hgh_site), (&self.hgh, &self.kul_site)] {
            let card = peer.card.clone().sign(&peer.road.key);
            let accept = AcceptPeer { card, url: peer.card.url.clone() };
            good(hub.submit(Command::AcceptPeer(accept)).await);
        }
        for (n, role) in [(SELLER, Role::Seller), (CARRIER, Role::Carrier), (OFFICER, Role::Officer)] {
            good(self.kul.submit(party(n, role, Country::MY)).await);
        }
        for (n, role) in [(BUYER, Role::Buyer), (CARRIER, Role::Carrier), (OFFICER, Role::Officer)] {
            good(self.hgh.submit(party(n, role, Country::CN)).await);
        }
    }

    /// Carries everything over, both ways, until nothing is left to tell.
    pub async fn carry(&self) {
        while carry_one(&self.kul, &self.hgh).await || carry_one(&self.hgh, &self.kul).await {}
    }
}

pub fn hub_id(text: &str) -> HubId {
    text.parse().unwrap()
}

/// All that a hub has to tell another, not yet acknowledged.
pub async fn batch_of(from: &Hub, to: &Hub) -> Batch {
    batch_after(from, to, 0, 0).await
}

/// All that a hub has to tell another that has applied `after` and seen `peer_size` leaves.
pub async fn batch_after(from: &Hub, to: &Hub, after: u64, peer_size: u64) -> Batch {
    from.sequence_all().await.unwrap();
    let head = from.road_head(&to.site().id).await.unwrap().unwrap();
    let limits = Limits::default();
    let wanted = Wanted { to: to.site().id.clone(), version: 1, after, peer_size, head: head.note, limits };
    from.batch(&wanted).await.unwrap()
}

/// One batch from a hub to another; `false` if there was nothing to tell.
pub async fn carry_one(from: &Hub, to: &Hub) -> bool {
    from.sequence_all().await.unwrap();
    let to_site = to.site();
    let mut outgoing = from.outgoing(&to_site.id).await.unwrap();
    let head = from.road_head(&to_site.id).await.unwrap().unwrap();
    if head.last_seq == outgoing.acknowledged {
        return false;
    }
    (outgoing.known, outgoing.head) = (head.last_seq, Some(head.note.clone()));
    let wanted = Wanted {
        to: to_site.id.clone(),
        version: 1,
        after: outgoing.acknowledged,
        peer_size: outgoing.witnessed,
        head: head.note,
        limits: Limits::default(),
    };
    let batch = from.batch(&wanted).await.unwrap();
    assert!(!batch.entries.is_empty());
    let receive = ReceiveBatch::new(batch, to.wall_now());
    let receipt = good(to.submit(Command::ReceiveBatch(receive)).await);
    let receipt: Receipt = serde_json::from_value(receipt).unwrap();
    assert_eq!(receipt.refusal, None);
    let outgoing = acknowledge(&from.site().road, &to_site.card, &outgoing, &receipt, from.wall_now()).unwrap();
    assert!(outgoing.cosigned.is_some());
    from.save_outgoing(&to_site.id, &outgoing).await.unwrap();
    true
}

/// From the seller's door to the buyer's hands, with nothing to complain of.
pub async fn delivered(pair: &Pair, n: u64) {
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        good(pair.kul.submit(scan(n, kind)).await);
    }
    pair.carry().await;
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        good(pair.hgh.submit(scan(n, kind)).await);
    }
    good(pair.hgh.submit(Command::AcceptGoods(AcceptGoods { trade: trade_no(n), by: id(BUYER) })).await);
    pair.carry().await;
}

pub fn ask(n: u64, sku: &str, buyer: u64) -> AskQuote {
    let lines = vec![Asked { product: offer(sku).product(), pieces: 2 }];
    AskQuote { quote: id(n), exporter: hub_id("kul.sandbox"), lines, buyer: Some(id(buyer)), terms: Terms::Parcel }
}

pub fn trade_no(n: u64) -> TradeId {
    format!("hgh.sandbox:A-{n:06}").parse().unwrap()
}

pub fn order(n: u64, quote: Id<Quote>, buyer: u64) -> Command {
    let delivery = format!("DLV-{n:06}");
    Command::PlaceOrder(PlaceOrder { trade: trade_no(n), quote, buyer: id(buyer), delivery, practice: false })
}

pub fn payment(n: u64, amount: Money, buyer: u64) -> Command {
    Command::ReceivePayment(ReceivePayment {
        trade: trade_no(n),
        no: format!("P-{n:06}").parse().unwrap(),
        amount,
        payer: tags(buyer),
        channel: PaymentChannel::Webhook,
    })
}

pub fn waybill(n: u64) -> Command {
    Command::IssueWaybill(IssueWaybill {
        trade: trade_no(n),
        no: S10::issue("LP", u32::try_from(n).unwrap(), Country::MY).unwrap(),
        gross: Grams(500),
        consignee: format!("DLV-{n:06}"),
        by: id(CARRIER),
        corrects: false,
    })
}

pub fn lodge(n: u64) -> Command {
    Command::LodgeExport(LodgeExport::as_ordered(trade_no(n), id(SELLER)))
}

pub fn scan(n: u64, kind: CustodyKind) -> Command {
    Command::RecordCustody(RecordCustody { trade: trade_no(n), kind, place: "MYKUL".to_owned(), by: id(CARRIER) })
}
