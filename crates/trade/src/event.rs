//! What happened: kept for ever in the hub's log, told to the peer it concerns.
//!
//! An event holds references and commitments, never a personal value. The list of all fields that
//! an event may hold stands in `crates/sim/tests/sim/fields.txt`; a test fails on any other.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::advance::AdvanceOffer;
use crate::clearance::{Channel, HoldReason};
use crate::codes::{BagNo, Country, HsCode, HubId, S10, SealNo};
use crate::command::Problem;
use crate::custody::CustodyKind;
use crate::declaration::Declaration;
use crate::dispute::Dispute;
use crate::evidence::Evidence;
use crate::financing::{Claim, FinanceWord, Wants};
use crate::handling::CustodyException;
use crate::id::Id;
use crate::mandate::{Act, Mandate};
use crate::manifest::{Answered, Consignment, ManifestId, ParcelExcepted};
use crate::money::Money;
use crate::origin::Preference;
use crate::party::{Party, PersonalField, Role};
use crate::payment::PaymentFault;
use crate::payout::Payout;
use crate::permit::Permit;
use crate::product::{Goods, Product};
use crate::quote::Quote;
use crate::refund::Refund;
use crate::returns::{ReImport, Return, ReturnReason};
use crate::road::Envelope;
use crate::rulebook::Mender;
use crate::stock::StockMove;
use crate::terms::Terms;
use crate::time::BusinessTime;
use crate::trade_file::TradeId;
use crate::variance::Charged;
use crate::waybill::Waybill;

/// An event before it has its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub at: BusinessTime,
    pub trade: Option<TradeId>,
    pub to: Option<HubId>,
    pub what: Happened,
}

/// An event in the log: its bytes are the leaf, so its JSON is written once and never again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Place in the log, from 0, without gaps.
    pub n: u64,
    pub at: BusinessTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade: Option<TradeId>,
    /// The peer that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<HubId>,
    /// Place on the road to that peer, from 1, without gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub road_seq: Option<u64>,
    pub what: Happened,
}

impl Event {
    /// The bytes that the log holds.
    #[must_use]
    pub fn leaf(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an event has text keys only")
    }
}

/// For whom an event is and its number on that road, as the road's checks read it from the leaf.
#[must_use]
pub fn envelope(leaf: &[u8]) -> Option<Envelope> {
    serde_json::from_slice(leaf).ok()
}

/// Everything that can happen on a hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Happened {
    HubOpened {
        hub: HubId,
        territory: Country,
    },
    PeerAccepted {
        peer: HubId,
        epoch: u32,
    },
    PeerPaused {
        peer: HubId,
    },
    PeerResumed {
        peer: HubId,
    },
    /// The peer showed two histories of one epoch.
    RoadSuspended {
        peer: HubId,
    },
    /// The peer declared a loss and opened the next epoch of its log.
    EpochAccepted {
        peer: HubId,
        epoch: u32,
        lost_from: u64,
        lost_to: u64,
    },
    /// The hub goes by this version of a rule pack from now on; who vouched for it, and which it replaces.
    RulePackUsed {
        pack: String,
        digest: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signer: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<String>,
    },
    /// The hub goes by no version of this rule pack any more.
    RulePackDropped {
        pack: String,
    },
    /// This hub declared a loss: the places `lost_from..lost_to` of the old log are gone.
    EpochOpened {
        epoch: u32,
        lost_from: u64,
        lost_to: u64,
    },
    /// After a declared loss: the bank's notices of the lost time were taken in again.
    BankChecked {
        by: Id<Party>,
        epoch: u32,
    },
    ClockMoved {
        by: HubId,
        to: BusinessTime,
    },
    AccessDigest {
        day: String,
        /// Number of the first look that it covers.
        first: u64,
        looks: u64,
        sha256: String,
    },

    PartyRegistered {
        party: Id<Party>,
        roles: Vec<Role>,
        country: Country,
        commitments: BTreeMap<PersonalField, String>,
    },
    PersonalErased {
        party: Id<Party>,
    },
    /// A seller said where it is paid; the account itself is told to nobody.
    PayeeNamed {
        party: Id<Party>,
    },

    ProductOffered {
        product: Id<Product>,
        seller: Id<Party>,
        sku: String,
    },
    ProductPublished {
        product: Id<Product>,
        seller_name: String,
        goods: Goods,
        /// Under which agreements they originate, by the exporting hub's working.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        preferences: Vec<Preference>,
    },
    /// A seller said what goods are made of; what they are made of stays with it.
    MaterialsStated {
        product: Id<Product>,
        seller: Id<Party>,
        preferences: Vec<Preference>,
    },
    ProductWithdrawn {
        product: Id<Product>,
    },

    QuoteAsked {
        quote: Id<Quote>,
        lines: Vec<Asked>,
        #[serde(default)]
        practice: bool,
        #[serde(default)]
        terms: Terms,
    },
    QuoteGiven {
        quote: Box<Quote>,
    },
    QuoteRefused {
        quote: Id<Quote>,
        lines: Vec<Asked>,
        #[serde(default)]
        terms: Terms,
        problem: Problem,
    },
    /// A sandbox peer wants its seller's goods ordered by the cast.
    PracticeAsked {
        peer: HubId,
        lines: Vec<Asked>,
    },

    OrderPlaced {
        quote: Id<Quote>,
        buyer: Id<Party>,
        total: Money,
    },
    /// To the exporting hub: the order without its buyer.
    OrderTaken {
        quote: Box<Quote>,
        delivery: String,
        #[serde(default)]
        practice: bool,
    },
    OrderDeclined {
        problem: Problem,
    },
    OrderLapsed,

    PaymentReceived {
        payment: String,
        amount: Money,
    },
    PaymentSetAside {
        payment: String,
        fault: PaymentFault,
    },
    EscrowFunded {
        amount: Money,
    },
    /// A part of the total is held; the rest is due.
    DepositHeld {
        amount: Money,
    },
    /// To the exporting hub.
    DepositSecured {
        balance_due: BusinessTime,
    },
    /// To the exporting hub.
    PaymentSecured,

    WaybillIssued {
        waybill: Waybill,
    },
    ExportLodged {
        edition: u32,
        channel: Channel,
        rule: Option<String>,
    },
    ExportReleased {
        declaration: Declaration,
        by: Option<Id<Party>>,
    },
    ImportMatched {
        differs: Vec<String>,
    },
    Held {
        reasons: Vec<HoldReason>,
        deadline: BusinessTime,
    },
    Examining {
        channel: Channel,
        rule: Option<String>,
    },
    Released {
        by: Option<Id<Party>>,
        reason: Option<String>,
    },
    /// What customs charges for what it lets in is not what was quoted, or cannot be said; told with the
    /// release. The buyer pays what was quoted, the difference is the importing hub's.
    ImportCharged {
        charged: Charged,
    },
    Detained {
        by: Id<Party>,
        reason: String,
    },
    Asked {
        by: Id<Party>,
        field: String,
        #[serde(default = "unsaid")]
        of: Mender,
        reason: String,
    },

    CustodyRecorded {
        custody: CustodyKind,
        place: String,
        moved_at: BusinessTime,
    },
    /// A parcel came where it was going missing, or not whole.
    CustodyExcepted {
        found: CustodyException,
    },

    StockMoved {
        movement: Box<StockMove>,
    },
    /// To the peer: a warehouse has the parcel, or is making it up.
    ParcelReceived {
        warehouse: Id<Party>,
        warehouse_name: String,
    },
    ParcelStored {
        warehouse: Id<Party>,
        bin: String,
    },
    BagOpened {
        bag: BagNo,
        peer: HubId,
        by: Id<Party>,
    },
    ParcelBagged {
        bag: BagNo,
        waybill: S10,
    },
    ParcelUnbagged {
        bag: BagNo,
        waybill: S10,
        seal_broken: bool,
    },
    BagSealed {
        bag: BagNo,
        seal: SealNo,
        parcels: usize,
    },
    ManifestOpened {
        manifest: ManifestId,
        peer: HubId,
        by: Id<Party>,
    },
    BagLoaded {
        bag: BagNo,
        manifest: ManifestId,
    },
    BagUnloaded {
        bag: BagNo,
        manifest: ManifestId,
    },
    /// To the importing hub: all this is on its way to it.
    ManifestClosed {
        consignment: Box<Consignment>,
    },
    /// To the exporting hub: how its manifest was taken as a pre-alert.
    PreAlertTaken {
        manifest: ManifestId,
        answered: Answered,
    },
    /// To the exporting hub.
    ManifestArrived {
        manifest: ManifestId,
        place: String,
        arrived_at: BusinessTime,
        exceptions: Vec<ParcelExcepted>,
    },

    GoodsAccepted {
        by: Id<Party>,
    },
    ClaimWindowEnded,
    EscrowReleased {
        tax: Money,
        fee: Money,
        due: Money,
        /// What went back to the buyer, by the claim that was told before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund: Option<Refund>,
    },

    /// From the importing hub: a return as it stands now.
    ReturnChanged {
        returning: Return,
    },
    /// To the importing hub: what the seller, or the seller's hub, says to it.
    ReturnAnswered {
        agrees: bool,
        evidence: Vec<Evidence>,
    },
    /// To the importing hub: the goods do not come.
    TradeStopped {
        reason: ReturnReason,
        said: Option<String>,
    },
    /// Goods that came home are released, free of duty or not.
    ReImported {
        reimport: ReImport,
    },
    /// To the importing hub: the goods are with their seller, the trade is over.
    GoodsBack,
    /// From the importing hub: a dispute as it stands now.
    DisputeChanged {
        dispute: Dispute,
    },
    /// To the importing hub: what the seller says to it.
    DisputeAnswered {
        evidence: Vec<Evidence>,
    },

    PayoutDue {
        payout: Id<Payout>,
        amount: Money,
    },
    PayoutInstructed {
        payout: Id<Payout>,
        file: String,
    },
    PayoutDone {
        payout: Id<Payout>,
    },
    RefundDue {
        payout: Id<Payout>,
        amount: Money,
    },
    MandateGiven {
        mandate: Id<Mandate>,
        giver: Id<Party>,
        broker: Id<Party>,
        acts: Vec<Act>,
        lane: Option<HubId>,
        until: BusinessTime,
    },
    MandateAnswered {
        mandate: Id<Mandate>,
        by: Id<Party>,
        accepted: bool,
    },
    MandateEnded {
        mandate: Id<Mandate>,
        by: Id<Party>,
    },
    /// What has just happened was a broker's act for its client.
    ActedUnderMandate {
        mandate: Id<Mandate>,
        by: Id<Party>,
        giver: Id<Party>,
        act: Act,
    },

    PermitAsked {
        permit: Id<Permit>,
        holder: Id<Party>,
        by: Id<Party>,
        rule: String,
        hs: HsCode,
        lane: HubId,
        pieces: i64,
    },
    PermitQuestioned {
        permit: Id<Permit>,
        by: Id<Party>,
        question: String,
    },
    PermitAnswered {
        permit: Id<Permit>,
        by: Id<Party>,
    },
    PermitGranted {
        permit: Id<Permit>,
        by: Id<Party>,
        no: String,
        pieces: i64,
        from: Date,
        until: Date,
    },
    PermitRefused {
        permit: Id<Permit>,
        by: Id<Party>,
        reason: String,
    },
    PermitRevoked {
        permit: Id<Permit>,
        by: Id<Party>,
        reason: String,
    },
    /// A declaration has drawn from it.
    PermitDrawn {
        permit: Id<Permit>,
        pieces: i64,
        left: i64,
    },
    PermitGivenBack {
        permit: Id<Permit>,
        pieces: i64,
        left: i64,
    },

    /// The seller asks for offers of an advance; `pack` is the digest of the scorecard.
    AdvanceAsked {
        until: BusinessTime,
        points: u32,
        pack: String,
    },
    AdvanceWithdrawn,
    AdvanceOffered {
        offer: AdvanceOffer,
    },
    AdvanceAccepted {
        offer: Id<AdvanceOffer>,
        lender: Id<Party>,
        amount: Money,
        fee: Money,
    },
    AdvanceRepaid {
        principal: Money,
        fee: Money,
    },
    /// The trade brought no money, or too little: the seller owes it.
    AdvanceOwed {
        owed: Money,
    },
    /// Out of these proceeds, of what was advanced on another trade.
    DebtRepaid {
        of: TradeId,
        amount: Money,
    },
    FundsReceived {
        lender: Id<Party>,
        no: String,
        amount: Money,
    },
    FundsReturned {
        lender: Id<Party>,
        no: String,
        amount: Money,
    },
    /// To the hub that owns the export declaration: a lender here asks for its word.
    FinanceAsked {
        claim: Id<Claim>,
        wants: Wants,
    },
    /// That hub's word, to the other hub of the trade.
    FinanceWord {
        word: Box<FinanceWord>,
    },
    /// A peer told something that this version does not know.
    NotUnderstood {
        peer: HubId,
        index: u64,
    },
    /// A peer's message could not be booked; an operator has to look.
    NotBooked {
        problem: Problem,
    },
    /// To the peer: the seller has the money, the trade is complete.
    SellerPaid,
}

impl Happened {
    /// The `kind` as it stands in the event.
    #[must_use]
    pub fn kind(&self) -> String {
        match serde_json::to_value(self) {
            Ok(value) => value.get("kind").and_then(|k| k.as_str()).unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        }
    }
}

/// Of whom customs asks in logs of before this was told: the seller answers for the goods.
const fn unsaid() -> Mender {
    Mender::Seller
}

/// One line of a question for a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub product: Id<Product>,
    pub pieces: i64,
}
