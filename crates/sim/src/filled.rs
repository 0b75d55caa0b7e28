//! One of everything, with every optional field filled: what tests of field lists walk through.
//!
//! Structs are written out whole, and each enum goes through `each_variant!`, so the compiler asks
//! for a value of every new field and of every new variant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use serde::Serialize;
use serde_json::{Map, Value};
use trade::clearance::{AskedFor, Channel, Clearance, HoldReason};
use trade::codes::{BagNo, Country, HubId, S10};
use trade::command::Problem;
use trade::custody::CustodyKind;
use trade::declaration::{Declaration, DeclarationKind, DeclaredLine};
use trade::escrow::EscrowRefusal;
use trade::event::{Asked, Event, Happened};
use trade::financing::{Says, Wants};
use trade::handling::ExceptionKind;
use trade::id::{Id, Noun};
use trade::landed_cost::{Charge, ChargeKind, Collected, FormulaKind, LandedCost, LandedCostRefusal, Liable, RuleUse};
use trade::ledger::Purpose;
use trade::mandate::Act;
use trade::manifest::{Answered, ParcelExcepted};
use trade::money::{Currency, Fixed8, FxRate, Money, MoneyError, Rate};
use trade::origin::Preference;
use trade::party::{PersonTag, PersonTags, PersonalField, Role};
use trade::payment::{Fate, Payment, PaymentChannel, PaymentFault};
use trade::payout::{Payout, PayoutKind, PayoutState};
use trade::permit::PermitUse;
use trade::personal::fields_of;
use trade::product::Goods;
use trade::quantity::{Content, ContentUnit, Grams, Size, Strength};
use trade::quote::{Quote, QuoteLine, QuoteRefusal};
use trade::rate_card::FreightRefusal;
use trade::readiness::HsClaim;
use trade::recovery::Contradiction;
use trade::returns::{ReturnReason, ReturnRefusal};
use trade::rulebook::{
    Basis, DutyRate, FlatPer, Knowledge, Measure, Mender, Per, PermitKind, Regime, RuleId, TradeField, Treatment,
};
use trade::stock::{CustomsState, StockMovement};
use trade::terms::{DepositOffer, Incoterm, IncotermReason, Place, Sale, Terms};
use trade::time::{BusinessTime, Days};
use trade::trade_file::TradeId;
use trade::waybill::{Waybill, WaybillRefusal};

use cargo::{bin, carriages, consignment, excepted, manifest_id, movements, seal, stock_move};
pub use road::road_refusals;
use variance::{all_charged, charged, refused, worked};

/// One value of each variant, in a match over the same list: a variant without a value does not compile.
macro_rules! each_variant {
    ($of:ident: $($variant:ident { $($fields:tt)* }),+ $(,)?) => {{
        let all = vec![$($of::$variant { $($fields)* }),+];
        for value in &all {
            match value { $($of::$variant { .. } => {}),+ }
        }
        all
    }};
}

// After the macro that it uses.
mod cargo;
mod claims;
mod danger;
mod finance;
mod road;
mod trade_file;
mod variance;

pub use trade_file::trade_files;

use claims::{disputes, evidence, refund, reimport, returns};
use danger::{gaps, hazards};
use finance::{advance_offer, says, word};

/// The fields in which a value holds something, as lists name them; what is absent or empty holds nothing.
///
/// # Panics
/// If the value has no JSON form.
#[must_use]
pub fn fields(value: &impl Serialize) -> BTreeSet<String> {
    let value = serde_json::to_value(value).expect("what is stored or sent has a JSON form");
    present(value).map_or_else(BTreeSet::new, |value| fields_of(&value))
}

fn present(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields.into_iter().filter_map(|(k, v)| Some((k, present(v)?))).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(present).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        leaf => Some(leaf),
    }
}

const AT: BusinessTime = BusinessTime::from_micros(1_795_395_600_000_000);
const CNY: Money = Money::new(12_345, Currency::CNY);
const MYR: Money = Money::new(6_789, Currency::MYR);

fn id<T: Noun>() -> Id<T> {
    Id::derived(AT, "filled")
}

fn hub() -> HubId {
    "kul.sandbox".parse().expect("well-formed")
}

fn rule() -> RuleId {
    "cn.sample.rule".into()
}

fn trade() -> TradeId {
    "hgh.sandbox:A-1".parse().expect("well-formed")
}

fn waybill_no() -> S10 {
    S10::issue("LP", 1, Country::MY).expect("a number of eight digits")
}

fn hs<T: std::str::FromStr>() -> T
where
    T::Err: std::fmt::Debug,
{
    "330499".parse().expect("six digits")
}

fn asked() -> Vec<Asked> {
    vec![Asked { product: id(), pieces: 2 }]
}

/// One leaf for each kind of event, and one more for each form that a part of it may have.
#[must_use]
pub fn events() -> Vec<Event> {
    let event = |what| Event { n: 7, at: AT, trade: Some(trade()), to: Some(hub()), road_seq: Some(3), what };
    happened().into_iter().map(event).collect()
}

/// Everything that can happen, every part in every form.
#[must_use]
pub fn happened() -> Vec<Happened> {
    let mut all = each_variant!(Happened:
        HubOpened { hub: hub(), territory: Country::MY },
        PeerAccepted { peer: hub(), epoch: 1 },
        PeerPaused { peer: hub() },
        PeerResumed { peer: hub() },
        RoadSuspended { peer: hub() },
        EpochAccepted { peer: hub(), epoch: 2, lost_from: 7, lost_to: 9 },
        EpochOpened { epoch: 2, lost_from: 7, lost_to: 9 },
        RulePackUsed { pack: "MY".into(), digest: "00".into(), signer: Some("key".into()), replaces: Some("11".into()) },
        RulePackDropped { pack: "MY".to_owned() },
        BankChecked { by: id(), epoch: 2 },
        ClockMoved { by: hub(), to: AT },
        AccessDigest { day: "2026-11-23".to_owned(), first: 1, looks: 3, sha256: "00".repeat(32) },
        PartyRegistered {
            party: id(),
            roles: Role::ALL.to_vec(),
            country: Country::CN,
            commitments: commitments(),
        },
        PersonalErased { party: id() },
        PayeeNamed { party: id() },
        ProductOffered { product: id(), seller: id(), sku: "SKU".to_owned() },
        ProductPublished { product: id(), seller_name: "Sample".to_owned(), goods: goods(HsClaim::Missing), preferences: preferences() },
        MaterialsStated { product: id(), seller: id(), preferences: preferences() },
        ProductWithdrawn { product: id() },
        QuoteAsked { quote: id(), lines: asked(), practice: true, terms: business() },
        QuoteGiven { quote: Box::new(quote().without_buyer()) },
        QuoteRefused { quote: id(), lines: asked(), terms: business(), problem: Problem::of(&QuoteRefusal::NoLines) },
        PracticeAsked { peer: hub(), lines: asked() },
        OrderPlaced { quote: id(), buyer: id(), total: CNY },
        OrderTaken { quote: Box::new(quote().without_buyer()), delivery: "D-1234".to_owned(), practice: true },
        OrderDeclined { problem: Problem::of(&QuoteRefusal::NoLines) },
        OrderLapsed {},
        PaymentReceived { payment: "P-1".to_owned(), amount: CNY },
        PaymentSetAside { payment: "P-1".to_owned(), fault: PaymentFault::NoOrder },
        EscrowFunded { amount: CNY },
        DepositHeld { amount: CNY },
        DepositSecured { balance_due: AT },
        PaymentSecured {},
        WaybillIssued { waybill: waybill() },
        ExportLodged { edition: 1, channel: Channel::Yellow, rule: Some(rule().to_string()) },
        ExportReleased { declaration: declaration(), by: Some(id()) },
        ImportMatched { differs: vec![TradeField::Payer.code().to_owned()] },
        Held { reasons: reasons(), deadline: AT },
        Examining { channel: Channel::Red, rule: Some(rule().to_string()) },
        Released { by: Some(id()), reason: Some("seen".to_owned()) },
        ImportCharged { charged: charged(worked()) },
        Detained { by: id(), reason: "seen".to_owned() },
        Asked { by: id(), field: "payer".to_owned(), of: Mender::Seller, reason: "unclear".to_owned() },
        CustodyRecorded { custody: CustodyKind::Departed, place: "MYKUL".to_owned(), moved_at: AT },
        CustodyExcepted { found: excepted(ExceptionKind::Missing) },
        StockMoved { movement: Box::new(stock_move(StockMovement::Shift { state: CustomsState::Bonded, from_bin: bin(), to_bin: bin() })) },
        ParcelReceived { warehouse: id(), warehouse_name: "Sample".to_owned() },
        ParcelStored { warehouse: id(), bin: bin().to_string() },
        BagOpened { bag: BagNo::issue(1), peer: hub(), by: id() },
        ParcelBagged { bag: BagNo::issue(1), waybill: waybill_no() },
        ParcelUnbagged { bag: BagNo::issue(1), waybill: waybill_no(), seal_broken: true },
        BagSealed { bag: BagNo::issue(1), seal: seal(), parcels: 2 },
        ManifestOpened { manifest: manifest_id(), peer: hub(), by: id() },
        BagLoaded { bag: BagNo::issue(1), manifest: manifest_id() },
        BagUnloaded { bag: BagNo::issue(1), manifest: manifest_id() },
        ManifestClosed { consignment: Box::new(consignment(carriages().swap_remove(0))) },
        PreAlertTaken {
            manifest: manifest_id(),
            answered: Answered {
                rule: Some(rule().to_string()),
                late: true,
                deadline: Some(AT),
                by_list: 1,
                full_entry: 1,
                own_declaration: 1,
            },
        },
        ManifestArrived {
            manifest: manifest_id(),
            place: "CNHGH".to_owned(),
            arrived_at: AT,
            exceptions: vec![ParcelExcepted { waybill: waybill_no(), exception: ExceptionKind::Damaged }],
        },
        GoodsAccepted { by: id() },
        ClaimWindowEnded {},
        EscrowReleased { tax: CNY, fee: CNY, due: CNY, refund: Some(refund()) },
        ReturnChanged { returning: returns().swap_remove(0) },
        ReturnAnswered { agrees: true, evidence: evidence() },
        TradeStopped { reason: ReturnReason::SentBack, said: Some("seen".to_owned()) },
        ReImported { reimport: reimport() },
        GoodsBack {},
        DisputeChanged { dispute: disputes().swap_remove(0) },
        DisputeAnswered { evidence: evidence() },
        PayoutDue { payout: id(), amount: MYR },
        PayoutInstructed { payout: id(), file: "FILE-1".to_owned() },
        PayoutDone { payout: id() },
        RefundDue { payout: id(), amount: CNY },
        MandateGiven {
            mandate: id(),
            giver: id(),
            broker: id(),
            acts: Act::ALL.to_vec(),
            lane: Some(hub()),
            until: AT,
        },
        MandateAnswered { mandate: id(), by: id(), accepted: true },
        MandateEnded { mandate: id(), by: id() },
        ActedUnderMandate { mandate: id(), by: id(), giver: id(), act: Act::Lodge },
        PermitAsked {
            permit: id(),
            holder: id(),
            by: id(),
            rule: rule().to_string(),
            hs: hs(),
            lane: hub(),
            pieces: 500,
        },
        PermitQuestioned { permit: id(), by: id(), question: "which batch".to_owned() },
        PermitAnswered { permit: id(), by: id() },
        PermitGranted {
            permit: id(),
            by: id(),
            no: "HC-1".to_owned(),
            pieces: 500,
            from: date(2026, 11, 23),
            until: date(2027, 5, 23),
        },
        PermitRefused { permit: id(), by: id(), reason: "no test".to_owned() },
        PermitRevoked { permit: id(), by: id(), reason: "recalled".to_owned() },
        PermitDrawn { permit: id(), pieces: 2, left: 498 },
        PermitGivenBack { permit: id(), pieces: 2, left: 500 },
        AdvanceAsked { until: AT, points: 45, pack: "00".repeat(32) },
        AdvanceWithdrawn {},
        AdvanceOffered { offer: advance_offer() },
        AdvanceAccepted { offer: id(), lender: id(), amount: MYR, fee: MYR },
        AdvanceRepaid { principal: MYR, fee: MYR },
        AdvanceOwed { owed: MYR },
        DebtRepaid { of: trade(), amount: MYR },
        FundsReceived { lender: id(), no: "B-1".to_owned(), amount: MYR },
        FundsReturned { lender: id(), no: "B-2".to_owned(), amount: MYR },
        FinanceAsked { claim: id(), wants: Wants::Keep },
        FinanceWord { word: Box::new(word(Says::Yes { until: AT })) },
        NotUnderstood { peer: hub(), index: 9 },
        NotBooked { problem: Problem::of(&EscrowRefusal::NotDelivered) },
        SellerPaid {},
    );
    let published = |hs| Happened::ProductPublished {
        product: id(),
        seller_name: "Sample".to_owned(),
        goods: goods(hs),
        preferences: preferences(),
    };
    all.extend(hs_claims().into_iter().map(published));
    let moved = |what| Happened::StockMoved { movement: Box::new(stock_move(what)) };
    all.extend(movements().into_iter().map(moved));
    let closed = |carriage| Happened::ManifestClosed { consignment: Box::new(consignment(carriage)) };
    all.extend(carriages().into_iter().map(closed));
    let set_aside = |fault| Happened::PaymentSetAside { payment: "P-1".to_owned(), fault };
    all.extend(payment_faults().into_iter().map(set_aside));
    for refusal in quote_refusals() {
        let problem = Problem::of(&refusal);
        all.push(Happened::OrderDeclined { problem: problem.clone() });
        all.push(Happened::QuoteRefused { quote: id(), lines: asked(), terms: business(), problem });
    }
    let not_booked = |problem| Happened::NotBooked { problem };
    all.extend(escrow_refusals().iter().map(Problem::of).map(not_booked));
    // The one refusal of a waybill that a peer's message can meet.
    let taken = WaybillRefusal::WaybillNumberTaken { waybill: waybill_no(), trade: trade() };
    all.push(not_booked(Problem::of(&taken)));
    all.extend(returns().into_iter().map(|returning| Happened::ReturnChanged { returning }));
    all.extend(disputes().into_iter().map(|dispute| Happened::DisputeChanged { dispute }));
    // What a peer's words about a return can meet.
    let term = ReturnRefusal::ClaimTermUnknown { term: "return-hand-in".to_owned() };
    all.push(not_booked(Problem::of(&term)));
    all.extend(contradictions().iter().map(Problem::of).map(not_booked));
    all.extend(all_charged().into_iter().map(|charged| Happened::ImportCharged { charged }));
    all.extend(says().into_iter().map(|says| Happened::FinanceWord { word: Box::new(word(says)) }));
    all
}

/// A commitment for each personal field that there is.
fn commitments() -> BTreeMap<PersonalField, String> {
    let fields = each_variant!(PersonalField:
        Name {}, Email {}, Phone {}, Address {}, IdType {}, IdNumber {},
    );
    fields.into_iter().map(|field| (field, "00".repeat(32))).collect()
}

fn hs_claims() -> Vec<HsClaim> {
    each_variant!(HsClaim: Missing {}, Short { 0: "3304".to_owned() }, Code { 0: hs() })
}

fn payment_faults() -> Vec<PaymentFault> {
    each_variant!(PaymentFault:
        OrderClosed {},
        AlreadyPaid { by: "P-0".to_owned() },
        CurrencyDiffers { expected: Currency::CNY, got: Currency::MYR },
        AmountDiffers { expected: CNY, got: CNY },
        PayerDiffers {},
        NoOrder {},
    )
}

fn escrow_refusals() -> Vec<EscrowRefusal> {
    let mut all = each_variant!(EscrowRefusal:
        TradeUnknown { trade: trade() },
        NotTheBuyer { party: id() },
        NotDelivered {},
        NothingHeld { state: "empty".to_owned() },
        ClaimWindowOpen { until: AT },
        ClaimOpen { state: "asked".to_owned() },
        RefundUnexplained { got: CNY },
        DueDiffers { expected: CNY, got: CNY },
        Money { 0: MoneyError::Overflow },
    );
    all.extend(money_errors().into_iter().map(EscrowRefusal::Money));
    all
}

/// What is noted for an operator after a loss.
fn contradictions() -> Vec<Contradiction> {
    each_variant!(Contradiction:
        DecidedOtherwise { told: "released", since: "detained" },
        BuyerLost {},
        SellerLost {},
        AdvanceLost {},
    )
}

fn money_errors() -> Vec<MoneyError> {
    each_variant!(MoneyError:
        UnknownCurrency { got: "ZZZ".to_owned() },
        CurrencyMismatch { left: Currency::CNY, right: Currency::MYR },
        Overflow {},
        NotAnAmount { got: "x".to_owned() },
        TooManyDigits { got: "1.001".to_owned(), digits: 2 },
        NoWeights {},
        RateNotPositive {},
    )
}

fn preferences() -> Vec<Preference> {
    vec![Preference { agreement: "acfta".parse().expect("a name of an agreement"), criterion: "RVC".to_owned() }]
}

fn quote_refusals() -> Vec<QuoteRefusal> {
    let mut all = each_variant!(QuoteRefusal:
        NoLines {},
        TooManyLines { got: 21, max: 20 },
        Pieces { sku: "SKU".to_owned(), got: 0, max: 9 },
        NotABuyer { party: id() },
        PeerUnknown { peer: hub() },
        NoLane { from: Country::MY, to: Country::CN, regime: Regime::B2b },
        ConsumerNeeded { party: id() },
        BusinessNeeded { party: id() },
        IncotermNotOffered {
            incoterm: Incoterm::Exw,
            reason: IncotermReason::BuyerClearsExport,
            offered: Incoterm::offered(None)
        },
        IncotermForShips {
            incoterm: Incoterm::Fob,
            mode: Some(trade::rulebook::Mode::Air),
            instead: Incoterm::Fca,
            offered: Incoterm::offered(None)
        },
        PlaceElsewhere { place: place(), incoterm: Incoterm::Dap, country: Country::CN },
        CarriageAbovePrice { carriage: MYR, goods: MYR },
        OfferUnknown { product: id() },
        // Over the road the seller asks; a buyer's refusal is no event.
        ProductNotReady { sku: "SKU".to_owned(), first: "hs-missing".to_owned(), gaps: gaps(), shopper: None },
        MixedSellers {},
        QuoteDiffers { quote: id() },
        Freight { 0: FreightRefusal::NothingToCarry },
        Cost { 0: LandedCostRefusal::NoLines },
        Money { 0: MoneyError::Overflow },
    );
    all.extend(money_errors().into_iter().map(QuoteRefusal::Money));
    let size = Size { length_mm: 1, width_mm: 1, height_mm: 1 };
    let freight = each_variant!(FreightRefusal:
        NothingToCarry {},
        PiecesOutOfRange { piece: 0, count: 0, most: 1 },
        WeightNotPositive { piece: 0, weight: Grams(0) },
        SideOutOfRange { piece: 0, size, longest_mm: 1 },
        TooHeavy { chargeable: Grams(2), heaviest: Grams(1) },
        AmountTooLarge {},
    );
    all.extend(freight.into_iter().map(QuoteRefusal::Freight));
    all.extend(cost_refusals().into_iter().map(QuoteRefusal::Cost));
    all
}

fn cost_refusals() -> Vec<LandedCostRefusal> {
    let content = Content { milli: 0, unit: ContentUnit::Ml, strength: Strength::of_tenths(400) };
    each_variant!(LandedCostRefusal:
        NoLines {},
        TooManyLines { lines: 201, most: 200 },
        WrongCurrency { expected: Currency::CNY, got: Currency::MYR },
        PiecesOutOfRange { line: 0, pieces: 0, most: 1 },
        ValueNotPositive { line: 0, value: CNY },
        ContentNotPositive { line: 0, content },
        HsNotInEdition { line: 0, hs: hs(), edition: 2022, instead: vec![hs()] },
        FreightNegative { freight: CNY },
        YearUsedNegative { used: CNY },
        AmountTooLarge {},
        RegimeUnknown { territory: Country::CN, regime: Regime::B2cParcel },
        NoRuleOnDate { territory: Country::CN, date: date(2026, 11, 23), rule: rule() },
        OverSingleLimit { taxable: CNY, limit: CNY, rule: rule() },
        OverAnnualLimit { taxable: CNY, used: CNY, limit: CNY, rule: rule() },
        ListUnknown { line: 0, hs: hs() },
        RateUnknown { line: 0, hs: hs(), rule: Some(rule()) },
        ContentMissing { line: 0, hs: hs(), rule: rule() },
        QuantityMissing { line: 0, hs: hs(), measure: Measure::Mass, rule: rule() },
        OriginMissing { line: 0, hs: hs(), rule: rule() },
        CodeTooShort { line: 0, hs: hs(), digits: 8, rule: rule() },
        MemberMissing { territory: Country::CN },
        NotAMember { territory: Country::CN, member: Country::MY },
        ExchangeMissing { from: Currency::USD, to: Currency::CNY, rule: rule() },
        NoChargeFits { line: 0, hs: hs(), charge: ChargeKind::Vat },
        PreferenceUnknown { preference: "cn.acfta".to_owned() },
        PreferenceOfNoUse { preference: rule() },
        RuleUnknown { rule: rule() },
        UnverifiedRefused { rule: rule() },
    )
}

fn goods(hs: HsClaim) -> Goods {
    Goods {
        sku: "SKU".to_owned(),
        name: "Face cream".to_owned(),
        description: "Moisturising face cream".to_owned(),
        hs,
        origin: Some(Country::MY),
        weight: Some(Grams(120)),
        size: Some(Size { length_mm: 60, width_mm: 60, height_mm: 80 }),
        price: Some(MYR),
        content: Some(Content { milli: 50_000, unit: ContentUnit::Ml, strength: Strength::of_tenths(400) }),
        hazards: hazards(),
    }
}

/// A quote with its buyer, as the importing hub keeps it.
#[must_use]
pub fn quote() -> Quote {
    Quote {
        id: id(),
        exporter: hub(),
        importer: "hgh.sandbox".parse().expect("well-formed"),
        regime: Regime::B2cParcel,
        lines: vec![QuoteLine {
            product: id(),
            sku: "SKU".to_owned(),
            name: "Face cream".to_owned(),
            description: "Moisturising face cream".to_owned(),
            hs: hs(),
            origin: Country::MY,
            pieces: 2,
            unit_price: MYR,
            value_home: MYR,
            value: CNY,
            weight: Grams(120),
            size: Some(Size { length_mm: 60, width_mm: 60, height_mm: 80 }),
            content: Some(Content { milli: 50_000, unit: ContentUnit::Ml, strength: Strength::of_tenths(400) }),
        }],
        freight_home: MYR,
        chargeable: Grams(240),
        landed: landed(),
        import_fee: CNY,
        due: CNY,
        fx: fx(),
        date: date(2026, 11, 23),
        asked_at: AT,
        expires_at: AT,
        sale: Some(Sale {
            incoterm: Incoterm::Dap,
            place: place(),
            deposit: Some(DepositOffer { amount: CNY, balance_within: Days(30) }),
        }),
        asked_by: Some(id()),
        signature: Some("sig".to_owned()),
    }
}

fn fx() -> FxRate {
    FxRate {
        from: Currency::MYR,
        to: Currency::CNY,
        mid: Fixed8::ONE,
        spread: Rate::ZERO,
        source: "sample".to_owned(),
        as_of: AT,
    }
}

fn landed() -> LandedCost {
    let formulas = each_variant!(FormulaKind:
        NotLevied {},
        CompositePart { vat: Rate::ZERO, consumption_tax: Rate::ZERO, share: Rate::ONE, line_tax: CNY },
        CompositeCompound {
            vat: Rate::ZERO,
            consumption_tax: Rate::ZERO,
            share: Rate::ONE,
            rate: DutyRate::FREE,
            grams: Some(1),
            millilitres: Some(1),
            line_tax: CNY,
        },
        AdValorem {},
        InsideItsBase {},
        InsideCompound { specific: DutyRate::FREE, grams: Some(1), millilitres: Some(1) },
        BelowThreshold { per: Per::Ml, price: CNY, threshold: CNY },
        PartOfBase { top: 11, bottom: 12 },
        ByRate { rate: DutyRate::FREE, grams: Some(1), millilitres: Some(1), alcohol: Some(1), pieces: 1 },
        Flat { amount: CNY, per: FlatPer::Hs6, count: 1 },
        WithLine { line: 0 },
        TopUp { already: CNY },
        Bounded { worked: CNY },
        Relieved { value: CNY, limit: CNY, basis: Basis::Goods },
        AtTheSale { price: CNY, limit: CNY, basis: Basis::Item },
        TakenAtTheSale {},
        InsteadOf { rule: rule() },
    );
    let charge = |formula| Charge {
        line: Some(0),
        kind: ChargeKind::Vat,
        base: CNY,
        rate: Rate::percent(13),
        formula,
        amount: CNY,
        rule: rule(),
        source: "sample".into(),
        knowledge: Knowledge::Unverified,
        at: Collected::Sale,
        owed_by: Some(Liable::Buyer),
        filed_by: Some(Liable::Marketplace),
    };
    LandedCost {
        goods: CNY,
        freight: CNY,
        taxable: CNY,
        charges: formulas.into_iter().map(charge).collect(),
        tax: CNY,
        total: CNY,
        treatment: Treatment::WithinLimits,
        rests_on: vec![RuleUse { rule: rule(), knowledge: Knowledge::Unverified }],
        pack: "00".repeat(32).into(),
        knowledge: Knowledge::Unverified,
        registration: Some("LRN-1".into()),
        exchange: vec![fx()],
        preference: Some(rule()),
    }
}

fn place() -> Place {
    "CNHGH".parse().expect("well-formed")
}

fn business() -> Terms {
    Terms::Business { incoterm: Incoterm::Dap, place: place() }
}

fn waybill() -> Waybill {
    Waybill { no: waybill_no(), gross: Grams(500), consignee: "D-1234".to_owned(), issued_at: AT, edition: 1 }
}

fn declaration() -> Declaration {
    let line = DeclaredLine { product: id(), hs: hs(), origin: Country::MY, pieces: 2, value: MYR };
    Declaration {
        lines: vec![line],
        gross: Grams(500),
        waybill: waybill_no(),
        lodged_at: AT,
        edition: 1,
        kind: DeclarationKind::FullEntry,
        registration: Some("LRN-1".into()),
        permits: vec![permit_use()],
    }
}

fn permit_use() -> PermitUse {
    PermitUse {
        permit: id(),
        kind: PermitKind::HealthCertificate,
        no: "HC-1".parse().expect("well-formed"),
        hs: hs(),
        pieces: 2,
        until: date(2027, 5, 23),
        signature: "sig".to_owned(),
    }
}

fn reasons() -> Vec<HoldReason> {
    vec![HoldReason { field: TradeField::Payer, mender: Mender::Buyer, rule: rule().to_string() }]
}

fn clearances() -> Vec<Clearance> {
    let asked = AskedFor { field: "payer".to_owned(), of: Mender::Seller, reason: "unclear".to_owned() };
    let rule = Some(rule().to_string());
    each_variant!(Clearance:
        NotLodged {},
        Held { since: AT, reasons: reasons(), deadline: AT },
        Examining { since: AT, channel: Channel::Red, rule, deadline: AT, asked: Some(asked) },
        Released { at: AT, channel: Channel::Green, by: Some(id()) },
        Detained { at: AT, by: id(), reason: "seen".to_owned() },
    )
}

fn payments() -> Vec<Payment> {
    let key = [7; 32];
    let payer = PersonTags { id: Some(PersonTag::of(&key, "id", "1")), name: PersonTag::of(&key, "name", "n") };
    let mut fates = each_variant!(Fate:
        Parked {},
        Applied { at: AT },
        SetAside { fault: PaymentFault::NoOrder, at: AT },
    );
    fates.extend(payment_faults().into_iter().map(|fault| Fate::SetAside { fault, at: AT }));
    let payment = |fate| Payment {
        no: "P-1".parse().expect("well-formed"),
        amount: CNY,
        payer: payer.clone(),
        channel: PaymentChannel::Camt054,
        at: AT,
        fate,
    };
    fates.into_iter().map(payment).collect()
}

fn payouts() -> Vec<Payout> {
    let states = each_variant!(PayoutState:
        Due {},
        Instructed { file: "FILE-1".to_owned(), at: AT },
        Done { bank_reference: "B-1".to_owned(), at: AT },
    );
    let kinds = each_variant!(PayoutKind:
        Proceeds { seller: id() },
        Advance { seller: id() },
        Refund { payment: "P-1".parse().expect("well-formed") },
    );
    let payout = |kind: &PayoutKind, state| Payout {
        id: id(),
        kind: kind.clone(),
        from: Purpose::Seller,
        amount: MYR,
        due_at: AT,
        state,
    };
    kinds.iter().flat_map(|kind| states.iter().map(move |state| payout(kind, state.clone()))).collect()
}
