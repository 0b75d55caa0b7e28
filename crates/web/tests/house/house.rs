//! Two hubs with their pages, a road between them, and everybody who works there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use hub::Hub;
use hub::clock::{Clock, ClockHand};
use hub::credential::ApiKey;
use hub::testing::{self, Scratch, WALL};
use serde_json::{Value, json};
use tower::ServiceExt;
use trade::codes::{Country, S10};
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::event::Asked;
use trade::http_signature::{Content, Target, sign_request};
use trade::id::Id;
use trade::money::{Currency, Money};
use trade::order::PlaceOrder;
use trade::party::{Party, PersonTag, PersonTags, Personal, PersonalField, PersonalValue, RegisterParty, Role};
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::peer::AcceptPeer;
use trade::product::{Goods, OfferProduct};
use trade::quantity::{Content as Contents, ContentUnit, Grams};
use trade::quote::{AskQuote, Quote};
use trade::readiness::HsClaim;
use trade::road::{Limits, Receipt, Wanted, acknowledge};
use trade::site::Site;
use trade::terms::{Incoterm, Terms};
use trade::trade_file::TradeId;
use web::{AppState, Settings};

/// Stands in every personal value of the buyer; must never be found outside the importing hub.
pub const CANARY: &str = "KANARIENVOGEL";

/// Who works in the house. A party of the same number stands on each hub where its role is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Seller,
    OtherSeller,
    Buyer,
    OtherBuyer,
    Carrier,
    Officer,
    Operator,
    Bank,
    Warehouse,
    Lender,
    Broker,
    Agency,
    /// A registered business that buys.
    Firm,
}

impl Who {
    pub const ALL: [Self; 13] = [
        Self::Seller,
        Self::OtherSeller,
        Self::Buyer,
        Self::OtherBuyer,
        Self::Carrier,
        Self::Officer,
        Self::Operator,
        Self::Bank,
        Self::Warehouse,
        Self::Lender,
        Self::Broker,
        Self::Agency,
        Self::Firm,
    ];

    pub const fn role(self) -> Role {
        match self {
            Self::Seller | Self::OtherSeller => Role::Seller,
            Self::Buyer | Self::OtherBuyer | Self::Firm => Role::Buyer,
            Self::Carrier => Role::Carrier,
            Self::Officer => Role::Officer,
            Self::Operator => Role::Operator,
            Self::Bank => Role::Bank,
            Self::Warehouse => Role::Warehouse,
            Self::Lender => Role::Lender,
            Self::Broker => Role::Broker,
            Self::Agency => Role::Agency,
        }
    }

    /// Whether it is one that the house's trades and goods are not of.
    pub const fn is_other(self) -> bool {
        matches!(self, Self::OtherSeller | Self::OtherBuyer | Self::Firm)
    }

    fn number(self) -> u64 {
        Self::ALL.iter().position(|w| *w == self).map_or(0, |i| i as u64 + 1)
    }

    pub fn party(self) -> Id<Party> {
        id(self.number())
    }

    pub fn key(self) -> String {
        format!("ehub_key-of-{self:?}")
    }
}

pub fn id<T: trade::id::Noun>(n: u64) -> Id<T> {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    Id::new(1_795_395_600_000, &random)
}

pub fn tags(who: Who) -> PersonTags {
    let key = [1; 32];
    PersonTags {
        id: Some(PersonTag::of(&key, "id", &format!("330106199001{:06}", who.number()))),
        name: PersonTag::of(&key, "name", &format!("buyer {who:?}")),
    }
}

/// One hub with its pages.
pub struct Side {
    pub hub: Hub,
    pub site: Arc<Site>,
    pub router: Router,
    pub app: AppState,
    /// What the hub says of its API; every answer of the API is held against it.
    api: Value,
    _scratch: Scratch,
}

/// An answer as a test looks at it.
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The body of an answer that went well.
    pub fn good(self) -> Self {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self
    }
}

impl Side {
    async fn open(id: &str, territory: Country, clock: &Clock) -> Self {
        let scratch = testing::sqlite();
        let site = testing::site(id, territory);
        let hub = Hub::open(testing::config(&scratch, &site, clock)).await.expect("a fresh store opens");
        let settings = Settings {
            url: format!("http://{id}.example"),
            local_url: "http://127.0.0.1:9".to_owned(),
            payment_secret: [3; 32],
            accepts_peers: false,
        };
        let app = AppState::new(hub.clone(), settings).with_samples(std::sync::Arc::new(sim::economy::Lender));
        let router = web::router(app.clone());
        let words = web::i18n::Tr::new(web::i18n::Lang::En, site.zone.clone());
        let api = web::api::openapi::document(&app, &words);
        Self { hub, site, router, app, api, _scratch: scratch }
    }

    pub async fn ask(&self, request: Request<Body>) -> Got {
        let asked = format!("{} {}", request.method(), request.uri());
        let (got, faults) = self.answer_and_faults(request).await;
        assert!(
            faults.is_empty(),
            "{asked} answers {} otherwise than it is told: {faults:?} {}",
            got.status,
            got.text()
        );
        got
    }

    /// An answer, and what the documentation of the API does not say of it.
    pub async fn answer_and_faults(&self, request: Request<Body>) -> (Got, Vec<String>) {
        let asked = format!("{} {}", request.method().as_str().to_ascii_lowercase(), request.uri().path());
        let got = self.answer(request).await;
        let faults = self.undocumented(&asked, &got);
        (got, faults)
    }

    /// What the documentation of the API does not say of an answer.
    fn undocumented(&self, asked: &str, got: &Got) -> Vec<String> {
        let Some((method, path)) = asked.split_once(" /api/v1/") else { return Vec::new() };
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |known: &str| {
            let known: Vec<&str> = known.trim_start_matches("/api/v1/").split('/').collect();
            known.len() == parts.len() && known.iter().zip(&parts).all(|(k, p)| k.starts_with('{') || k == p)
        };
        let paths = self.api["paths"].as_object().expect("a description has paths");
        // A path without placeholders goes before one with them.
        let mut found: Vec<_> = paths.iter().filter(|(known, _)| fits(known)).collect();
        found.sort_by_key(|(known, _)| known.contains('{'));
        let Some(operation) = found.first().and_then(|(_, path)| path.get(method)) else { return Vec::new() };
        let content = got.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let status = got.status.as_u16().to_string();
        let responses = &operation["responses"];
        let nouns = &self.api["components"]["schemas"];
        match responses.get(&status) {
            Some(told) if told.get("content").is_none() => Vec::new(),
            Some(told) => match told["content"].get(content).or_else(|| told["content"].get("*/*")) {
                Some(told) if content == "application/json" => web::schema::faults(&got.json(), &told["schema"], nouns),
                Some(_) => Vec::new(),
                None => vec![content.to_owned()],
            },
            None if content != "application/problem+json" => vec![format!("{status} {content}")],
            None => web::schema::faults(&got.json(), &nouns["Problem"], nouns),
        }
    }

    async fn answer(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 32 * 1024 * 1024).await.expect("a body in memory");
        Got { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, who: Option<Who>, path: &str) -> Got {
        self.ask(request(who, Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, who: Option<Who>, path: &str, body: &Value) -> Got {
        let request = request(who, Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn form(&self, who: Option<Who>, path: &str, body: &str) -> Got {
        let request =
            request(who, Method::POST, path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub async fn upload(&self, who: Option<Who>, path: &str, field: &str, file: &[u8]) -> Got {
        let mut body =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"f\"\r\n\r\n").into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--cut--\r\n");
        let request =
            request(who, Method::POST, path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
        self.ask(request.body(Body::from(body)).unwrap()).await
    }

    /// A form with short fields and one file.
    pub async fn multipart(&self, who: Option<Who>, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Got {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--cut--\r\n");
        let request =
            request(who, Method::POST, path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
        self.ask(request.body(Body::from(body)).unwrap()).await
    }

    /// Whether this one has joined here: sellers sell from KUL, buyers buy in HGH.
    pub fn has(&self, who: Who) -> bool {
        match who.role() {
            Role::Seller => self.site.territory == Country::MY,
            Role::Buyer => self.site.territory == Country::CN,
            _ => true,
        }
    }

    /// A product of the house's seller, where it is known here.
    pub async fn product(&self) -> Option<String> {
        let known = self.hub.offers(None, 1).await.unwrap().items.into_iter().next().map(|o| o.key.product);
        let own = self.hub.products_of(Who::Seller.party(), None, 1).await.unwrap().items.into_iter().next();
        own.map(|p| p.id).or(known).map(|id| id.to_string())
    }

    /// As if the process had died before it kept the answers that it gave under keys.
    pub async fn forget_answer(&self) {
        testing::forget_answers(&self.hub).await.expect("the store takes it");
    }

    pub async fn command(&self, command: Command) -> Value {
        self.hub.submit(command).await.expect("the hub decides").expect("not refused")
    }

    async fn join(&self, who: Who) {
        let buys = who.role() == Role::Buyer;
        let party = Party {
            id: who.party(),
            name: if buys { format!("Buyer {}", who.number()) } else { format!("Sample {}", who.role().code()) },
            roles: BTreeSet::from([who.role()]),
            country: self.site.territory,
            person: buys.then(|| tags(who)),
            identity_checked: true,
            payout_account: (who.role() == Role::Seller).then(|| "MY-SELLER-1".to_owned()),
            account_holder: None,
            registration: (who == Who::Firm).then(|| "91330106MA2KAAAA9A".to_owned()),
            since: testing::START,
        };
        let secret = |field: &str| PersonalValue {
            value: format!("{CANARY} {field}"),
            salt: [9; 16],
            purpose: "order".to_owned(),
            keep_until: testing::START,
        };
        let fields = [
            PersonalField::Name,
            PersonalField::Email,
            PersonalField::Phone,
            PersonalField::Address,
            PersonalField::IdNumber,
        ];
        let fields: BTreeMap<_, _> = fields.into_iter().filter(|_| buys).map(|f| (f, secret(f.code()))).collect();
        let personal = Personal { party: party.id, fields };
        self.command(Command::RegisterParty(RegisterParty { party, personal })).await;
        let key = ApiKey {
            hash: web::auth::fingerprint(&who.key()),
            party: who.party(),
            name: "test".to_owned(),
            scopes: Vec::new(),
            opened: WALL,
            revoked: None,
        };
        self.hub.save_api_key(&key).await.expect("the store takes it");
    }
}

pub fn request(who: Option<Who>, method: Method, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match who {
        Some(who) => request.header(header::AUTHORIZATION, format!("Bearer {}", who.key())),
        None => request,
    }
}

pub struct House {
    /// Moves the wall clock of both hubs.
    pub hand: ClockHand,
    pub kul: Side,
    pub hgh: Side,
}

/// What is sold: a towel passes by itself, a face cream is examined at import, honey needs a certificate
/// at export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ware {
    Towel,
    Cream,
    Honey,
}

impl Ware {
    pub fn offer(self, seller: Who) -> OfferProduct {
        let (sku, name, description, hs, weight, price, content) = match self {
            Self::Towel => ("TOWEL", "Tea towel", "Cotton kitchen towel, printed", "630260", 250, 4_000, None),
            Self::Honey => ("HONEY", "Forest honey", "Natural forest honey in a glass jar", "040900", 600, 4_500, None),
            Self::Cream => (
                "CREAM",
                "Face cream 50 ml",
                "Moisturising face cream with pandan extract",
                "330499",
                120,
                3_500,
                Some(Contents::new(50_000, ContentUnit::Ml)),
            ),
        };
        OfferProduct {
            seller: seller.party(),
            goods: Goods {
                sku: sku.to_owned(),
                name: name.to_owned(),
                description: description.to_owned(),
                hs: HsClaim::Code(hs.parse().unwrap()),
                origin: Some(Country::MY),
                weight: Some(Grams(weight)),
                size: None,
                price: Some(Money::new(price, Currency::MYR)),
                content,
                hazards: trade::hazard::Hazards::default(),
            },
        }
    }
}

/// How far a trade is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Ordered,
    Paid,
    Waybill,
    Lodged,
    Departed,
    Delivered,
    Accepted,
    PaidOut,
}

pub fn trade_no(n: u64) -> TradeId {
    format!("hgh.sandbox:A-26-{n:06}").parse().unwrap()
}

/// A trade's path under `/trades` or `/officer`.
pub fn at(base: &str, n: u64, rest: &str) -> String {
    format!("{base}/hgh.sandbox%3AA-26-{n:06}{rest}")
}

pub fn s10(n: u64) -> S10 {
    S10::issue("LP", u32::try_from(n).unwrap(), Country::MY).unwrap()
}

impl House {
    pub async fn open() -> Self {
        let (clock, hand) = Clock::manual(WALL);
        let kul = Side::open("kul.sandbox", Country::MY, &clock).await;
        let hgh = Side::open("hgh.sandbox", Country::CN, &clock).await;
        for (side, peer) in [(&kul, &hgh), (&hgh, &kul)] {
            let card = peer.site.card.clone().sign(&peer.site.road.key);
            let url = peer.site.card.url.clone();
            side.command(Command::AcceptPeer(AcceptPeer { card, url })).await;
            for who in Who::ALL.into_iter().filter(|who| !matches!(who.role(), Role::Seller | Role::Buyer)) {
                side.join(who).await;
            }
        }
        for who in [Who::Seller, Who::OtherSeller] {
            kul.join(who).await;
        }
        for who in [Who::Buyer, Who::OtherBuyer, Who::Firm] {
            hgh.join(who).await;
        }
        let house = Self { hand, kul, hgh };
        for ware in [Ware::Towel, Ware::Cream, Ware::Honey] {
            house.kul.command(Command::OfferProduct(ware.offer(Who::Seller))).await;
        }
        house.carry().await;
        house
    }

    /// The product that most tests sell.
    pub fn towel(&self) -> String {
        Ware::Towel.offer(Who::Seller).product().to_string()
    }

    /// Carries everything over, both ways, through the road's own door.
    pub async fn carry(&self) {
        while carry_one(&self.kul, &self.hgh).await || carry_one(&self.hgh, &self.kul).await {}
    }

    /// Brings a trade as far as `reach`, by those whose part it is, through their routes.
    pub async fn trade(&self, n: u64, ware: Ware, scale_grams: i64, reach: Reach) {
        let lines = vec![Asked { product: ware.offer(Who::Seller).product(), pieces: 2 }];
        let ask = AskQuote {
            quote: id(1_000 + n),
            exporter: self.kul.site.id.clone(),
            lines,
            buyer: Some(Who::Buyer.party()),
            terms: Terms::Parcel,
        };
        let quote: Quote = serde_json::from_value(self.hgh.command(Command::AskQuote(ask)).await).unwrap();
        let place = PlaceOrder {
            trade: trade_no(n),
            quote: quote.id,
            buyer: Who::Buyer.party(),
            delivery: format!("DLV-{n:06}"),
            practice: false,
        };
        self.hgh.command(Command::PlaceOrder(place)).await;
        self.carry().await;
        if reach < Reach::Paid {
            return;
        }
        let pay = ReceivePayment {
            trade: trade_no(n),
            no: format!("P-{n:06}").parse().unwrap(),
            amount: quote.landed.total,
            payer: tags(Who::Buyer),
            channel: PaymentChannel::Webhook,
        };
        self.hgh.command(Command::ReceivePayment(pay)).await;
        self.carry().await;
        if reach < Reach::Waybill {
            return;
        }
        let body = json!({ "no": s10(n), "gross_grams": scale_grams, "consignee": format!("DLV-{n:06}") });
        self.kul.post(Some(Who::Carrier), &at("/api/v1/trades", n, "/waybill"), &body).await.good();
        if reach < Reach::Lodged {
            return;
        }
        self.kul.post(Some(Who::Seller), &at("/api/v1/trades", n, "/export-declaration"), &json!({})).await.good();
        self.carry().await;
        if reach < Reach::Departed {
            return;
        }
        for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
            self.scan(&self.kul, n, kind).await.good();
        }
        self.carry().await;
        if reach < Reach::Delivered {
            return;
        }
        for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
            self.scan(&self.hgh, n, kind).await.good();
        }
        self.carry().await;
        if reach < Reach::Accepted {
            return;
        }
        self.hgh.post(Some(Who::Buyer), &at("/api/v1/trades", n, "/acceptance"), &json!({})).await.good();
        self.carry().await;
        if reach < Reach::PaidOut {
            return;
        }
        let made = self.kul.form(Some(Who::Operator), "/payouts/files", "").await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
        let file = self.kul.hub.payout_files(1).await.unwrap()[0].file.clone();
        let done = self.kul.form(Some(Who::Operator), &format!("/payouts/files/{file}/execute"), "").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        self.carry().await;
    }

    /// An order of the house's firm: a hundred towels, FCA.
    pub async fn business(&self, n: u64) {
        let ask = AskQuote {
            quote: id(1_000 + n),
            exporter: self.kul.site.id.clone(),
            lines: vec![Asked { product: Ware::Towel.offer(Who::Seller).product(), pieces: 100 }],
            buyer: Some(Who::Firm.party()),
            terms: Terms::Business { incoterm: Incoterm::Fca, place: "MYKUL".parse().unwrap() },
        };
        self.hgh.command(Command::AskQuote(ask)).await;
        let place = PlaceOrder {
            trade: trade_no(n),
            quote: id(1_000 + n),
            buyer: Who::Firm.party(),
            delivery: format!("DLV-{n:06}"),
            practice: false,
        };
        self.hgh.command(Command::PlaceOrder(place)).await;
        self.carry().await;
    }

    pub async fn scan(&self, side: &Side, n: u64, kind: CustodyKind) -> Got {
        let body = json!({ "kind": kind, "place": if side.site.territory == Country::MY { "MYKUL" } else { "CNHGH" } });
        side.post(Some(Who::Carrier), &at("/api/v1/trades", n, "/custody"), &body).await
    }

    /// What a side's trade JSON says is its stage.
    pub async fn stage(&self, side: &Side, n: u64) -> String {
        let file = side.hub.trade(&trade_no(n)).await.unwrap().expect("the trade is there");
        file.stage().code().to_owned()
    }
}

/// One signed batch from a hub to another; `false` if there was nothing to tell.
pub async fn carry_one(from: &Side, to: &Side) -> bool {
    from.hub.sequence_all().await.unwrap();
    let mut outgoing = from.hub.outgoing(&to.site.id).await.unwrap();
    let head = from.hub.road_head(&to.site.id).await.unwrap().unwrap();
    if head.last_seq == outgoing.acknowledged {
        return false;
    }
    (outgoing.known, outgoing.head) = (head.last_seq, Some(head.note.clone()));
    let wanted = Wanted {
        to: to.site.id.clone(),
        version: 1,
        after: outgoing.acknowledged,
        peer_size: outgoing.witnessed,
        head: head.note,
        limits: Limits::default(),
    };
    let batch = from.hub.batch(&wanted).await.unwrap().to_json();
    let got = to.ask(signed(from, &batch)).await.good();
    let receipt: Receipt = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(receipt.refusal, None);
    let wall = from.hub.wall_now();
    let outgoing = acknowledge(&from.site.road, &to.site.card, &outgoing, &receipt, wall).unwrap();
    from.hub.save_outgoing(&to.site.id, &outgoing).await.unwrap();
    true
}

/// A batch as a peer posts it: RFC 9421 over method, path, digest and type.
pub fn signed(from: &Side, body: &[u8]) -> Request<Body> {
    signed_to(from, "/road/v1/batches", body)
}

/// The same to any door of the road.
pub fn signed_to(from: &Side, path: &str, body: &[u8]) -> Request<Body> {
    let request = trade::http_signature::Request {
        method: "POST",
        target: Target::Path(path),
        content: Some(Content { media_type: "application/json", body }),
    };
    let headers = sign_request(&from.site.road.key, &request, from.hub.wall_now()).unwrap();
    Request::post(path)
        .header("content-type", "application/json")
        .header("content-digest", headers.content_digest.unwrap())
        .header("signature-input", headers.signature_input)
        .header("signature", headers.signature)
        .body(Body::from(body.to_vec()))
        .unwrap()
}
