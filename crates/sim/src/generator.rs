//! Trades of any number from a seed, with mistakes at known rates: used by tests, benches and drills.
//!
//! A [`Plan`] says what the people of a trade will do; [`Plan::outcome`] what has to come of it.
//! What a step sends is made by [`Plan`] too, so that every user of the generator sends the same.

use trade::codes::{Country, DocumentNo, HubId, S10};
use trade::declaration::{DeclaredLine, LodgeExport};
use trade::dispute::{AnswerDispute, Award, DecideDispute, DisputeReason, OpenDispute, most};
use trade::event::Asked;
use trade::evidence::{Evidence, EvidenceKind, commitment};
use trade::id::Id;
use trade::money::{Currency, Money, Rate};
use trade::order::PlaceOrder;
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::product::{Goods, OfferProduct, Product};
use trade::quantity::{Content, ContentUnit, Grams, Size};
use trade::quote::{AskQuote, Quote};
use trade::readiness::HsClaim;
use trade::returns::{AnswerReturn, AskReturn, IssueReturnWaybill, ReturnReason};
use trade::terms::{Incoterm, Terms};
use trade::time::BusinessTime;
use trade::trade_file::{TradeFile, TradeId};
use trade::waybill::IssueWaybill;

use crate::random::Random;
use crate::scene::{Way, buyer_in, firm_in, party_id, tags};

/// Goods of one small firm: article number, words, code, grams, price in sen, contents in ml.
const GOODS: [(&str, &str, &str, i64, i64, i64); 12] = [
    ("COF", "white coffee mix in sachets", "210112", 620, 2_490, 0),
    ("BIS", "sweet biscuits with pandan", "190531", 450, 1_250, 0),
    ("TEA", "green tea in bags", "090210", 180, 1_890, 0),
    ("SAM", "chilli sauce with shrimp", "210390", 380, 1_150, 0),
    ("SOA", "toilet soap with coconut oil", "340111", 140, 990, 0),
    ("CRM", "skin cream with aloe", "330499", 120, 8_900, 50),
    ("SCF", "silk scarf, printed by hand", "621410", 160, 18_900, 0),
    ("TOY", "wooden spinning top", "950300", 210, 2_900, 0),
    ("MUG", "porcelain mug", "691110", 420, 3_200, 0),
    ("SHO", "leather sandals", "640399", 780, 12_900, 0),
    ("BOX", "plastic lunch box", "392410", 330, 2_100, 0),
    ("SHI", "cotton shirt with batik print", "620520", 290, 9_900, 0),
];

/// Goods of a maker in China, with codes whose duty in Malaysia is known: price in fen.
const MADE_GOODS: [(&str, &str, &str, i64, i64, i64); 12] = [
    ("CUP", "plastic drinking cup", "392410", 150, 1_900, 0),
    ("EAR", "wireless earphones", "851830", 90, 19_900, 0),
    ("DOL", "plush toy panda", "950300", 260, 4_500, 0),
    ("TSH", "cotton t-shirt for men", "610910", 210, 5_900, 0),
    ("OOL", "oolong green tea leaves", "090210", 250, 8_800, 0),
    ("CHO", "filled chocolate bar", "180631", 120, 2_600, 0),
    ("BAR", "toilet soap with jasmine", "340111", 160, 1_500, 0),
    ("LIP", "lip balm with honey", "330410", 40, 3_900, 10),
    ("TAB", "portable tablet computer", "847130", 620, 129_900, 0),
    ("RNG", "silver ring with stone", "711311", 30, 26_800, 0),
    ("BAG", "handbag of coated textile", "420222", 480, 15_900, 0),
    ("HOU", "plastic laundry basket", "392490", 700, 3_300, 0),
];

/// How many different goods the generator knows.
pub const GOODS_COUNT: usize = GOODS.len();

/// Goods by their number.
///
/// # Panics
/// If there is no such number.
#[must_use]
pub fn goods(number: usize) -> Goods {
    goods_on(Way::MyCn, number)
}

/// Goods that go either way, by their number.
///
/// # Panics
/// If there is no such number.
#[must_use]
pub fn goods_on(way: Way, number: usize) -> Goods {
    let (list, currency) = match way {
        Way::MyCn => (&GOODS, Currency::MYR),
        Way::CnMy => (&MADE_GOODS, Currency::CNY),
    };
    let (sku, words, hs, grams, minor, ml) = list[number];
    Goods {
        sku: sku.to_owned(),
        name: words.to_owned(),
        description: words.to_owned(),
        hs: HsClaim::Code(hs.parse().expect("six digits")),
        origin: Some(way.from()),
        weight: Some(Grams(grams)),
        size: Some(Size { length_mm: 120, width_mm: 90, height_mm: 60 }),
        price: Some(Money::new(minor, currency)),
        content: (ml > 0).then_some(Content::new(ml * 1_000, ContentUnit::Ml)),
        hazards: trade::hazard::Hazards::default(),
    }
}

/// The seller's price list.
#[must_use]
pub fn price_list() -> Vec<OfferProduct> {
    price_list_on(Way::MyCn)
}

/// The price list of the seller on either way.
#[must_use]
pub fn price_list_on(way: Way) -> Vec<OfferProduct> {
    (0..GOODS_COUNT).map(|n| OfferProduct { seller: party_id(way.seller()), goods: goods_on(way, n) }).collect()
}

/// The product that [`price_list`] makes of goods.
#[must_use]
pub fn product(number: usize) -> Id<Product> {
    product_on(Way::MyCn, number)
}

/// The product that [`price_list_on`] makes of goods.
#[must_use]
pub fn product_on(way: Way, number: usize) -> Id<Product> {
    OfferProduct { seller: party_id(way.seller()), goods: goods_on(way, number) }.product()
}

/// What goes wrong with a trade, if anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    #[default]
    None,
    AmountShort,
    PayerOther,
    /// The parcel is a third heavier than declared.
    Heavy {
        mended: bool,
    },
    /// The parcel bears another delivery reference.
    Misdirected {
        mended: bool,
    },
    /// Declared a fifth below the price.
    Undervalued {
        mended: bool,
    },
    /// The money comes before the order.
    PaidEarly,
    /// The same payment is told twice, and then another one for the same order.
    PaidTwice,
    /// The buyer says nothing; the claim window ends.
    Silent,
    /// The buyer calls the sale off before the parcel is handed over.
    Cancelled,
    /// The parcel is a third heavier than declared, and customs sends it home.
    SentBack,
    /// Nobody takes the parcel.
    Undeliverable,
    /// The buyer gives the goods back; the seller agrees, or says nothing.
    Returns {
        reason: ReturnReason,
        silent: bool,
    },
    /// The buyer disputes, after a refused return or at once; the seller answers and the operator
    /// rules, or nobody answers.
    Disputes {
        after_return: bool,
        ruling: Option<Ruling>,
    },
}

/// How an operator rules on a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    All,
    Half,
    Nothing,
}

/// What has to come of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedOutcome {
    Paid,
    Unpaid,
    HeldAtImport,
    Cancelled,
    Returned,
    Refunded,
    /// The balance never came, and the deposit went back.
    Lapsed,
}

/// How a business pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pays {
    #[default]
    Whole,
    /// A deposit, and the balance.
    InTwo,
    /// A deposit, and nothing more.
    DepositOnly,
}

/// What the people of one trade will do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub number: u64,
    pub way: Way,
    /// Of a business; none is a consumer's parcel.
    pub incoterm: Option<Incoterm>,
    pub pays: Pays,
    pub buyer: String,
    pub lines: Vec<(usize, i64)>,
    pub flaw: Flaw,
}

/// Plans from a seed, without end.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Random,
    next: u64,
    /// One flaw in so many trades; 0 is none.
    pub flaw_in: u64,
    /// How many buyers share the trades.
    pub buyers: u64,
    /// Goods go both ways, to consumers and to businesses; otherwise from Malaysia to consumers in China alone.
    pub both_ways: bool,
}

impl Generator {
    #[must_use]
    pub const fn new(seed: u64, buyers: u64, flaw_in: u64) -> Self {
        Self { random: Random::new(seed), next: 0, flaw_in, buyers, both_ways: false }
    }

    /// Trades that go both ways.
    #[must_use]
    pub const fn both_ways(seed: u64, buyers: u64, flaw_in: u64) -> Self {
        Self { both_ways: true, ..Self::new(seed, buyers, flaw_in) }
    }
}

impl Iterator for Generator {
    type Item = Plan;

    fn next(&mut self) -> Option<Plan> {
        self.next += 1;
        let random = &mut self.random;
        let way = if self.both_ways && random.once_in(2) { Way::CnMy } else { Way::MyCn };
        let incoterm = (self.both_ways && random.once_in(4)).then(|| *random.pick(&Incoterm::offered(None)));
        let kinds = 1 + usize::from(random.once_in(3)) + usize::from(random.once_in(9));
        let mut lines: Vec<(usize, i64)> = Vec::new();
        for _ in 0..kinds {
            let number = usize::try_from(random.below(12)).expect("below twelve");
            // A business buys by the carton: enough to pay for the carriage that a price may hold.
            let cartons = if incoterm.is_some() { 20 } else { 1 };
            let pieces = cartons * (1 + i64::try_from(random.below(3)).expect("below three"));
            if lines.iter().all(|(n, _)| *n != number) {
                lines.push((number, pieces));
            }
        }
        let flaw = if self.flaw_in > 0 && random.once_in(self.flaw_in) {
            let mended = random.once_in(2);
            *random.pick(&[
                Flaw::AmountShort,
                Flaw::PayerOther,
                Flaw::Heavy { mended },
                Flaw::Misdirected { mended },
                Flaw::Undervalued { mended },
                Flaw::PaidEarly,
                Flaw::PaidTwice,
                Flaw::Silent,
                Flaw::Cancelled,
                Flaw::SentBack,
                Flaw::Undeliverable,
                Flaw::Returns { reason: ReturnReason::ChangedMind, silent: mended },
                Flaw::Returns { reason: ReturnReason::Damaged, silent: mended },
                Flaw::Disputes { after_return: mended, ruling: None },
                Flaw::Disputes { after_return: mended, ruling: Some(Ruling::All) },
                Flaw::Disputes { after_return: mended, ruling: Some(Ruling::Half) },
                Flaw::Disputes { after_return: mended, ruling: Some(Ruling::Nothing) },
            ])
        } else {
            Flaw::None
        };
        let pays = match flaw {
            Flaw::None if incoterm.is_some() => {
                *random.pick(&[Pays::Whole, Pays::InTwo, Pays::InTwo, Pays::DepositOnly])
            }
            _ => Pays::Whole,
        };
        let kind = if incoterm.is_some() { "firm" } else { "buyer" };
        let buyer = format!("{kind}-{}", random.below(self.buyers));
        Some(Plan { number: self.next, way, incoterm, pays, buyer, lines, flaw })
    }
}

impl Plan {
    #[must_use]
    pub const fn outcome(&self) -> PlannedOutcome {
        match self.flaw {
            _ if matches!(self.pays, Pays::DepositOnly) => PlannedOutcome::Lapsed,
            Flaw::AmountShort | Flaw::PayerOther => PlannedOutcome::Unpaid,
            Flaw::Heavy { mended: false }
            | Flaw::Misdirected { mended: false }
            | Flaw::Undervalued { mended: false } => PlannedOutcome::HeldAtImport,
            Flaw::Cancelled => PlannedOutcome::Cancelled,
            Flaw::SentBack | Flaw::Undeliverable | Flaw::Returns { .. } => PlannedOutcome::Returned,
            Flaw::Disputes { ruling: None | Some(Ruling::All), .. } => PlannedOutcome::Refunded,
            _ => PlannedOutcome::Paid,
        }
    }

    /// The order number, near-ordered as in life.
    ///
    /// # Panics
    /// Never: letters and digits.
    #[must_use]
    pub fn order_no(&self) -> DocumentNo {
        format!("G-{:09}", self.number).parse().expect("letters and digits")
    }

    #[must_use]
    pub fn trade(&self, importer: &HubId) -> TradeId {
        TradeId::new(importer, &self.order_no())
    }

    #[must_use]
    pub fn quote(&self) -> Id<Quote> {
        Id::derived(BusinessTime::from_micros(0), &format!("quote/{}", self.number))
    }

    #[must_use]
    pub fn ask(&self, exporter: &HubId) -> AskQuote {
        let line = |(n, pieces): &(usize, i64)| Asked { product: product_on(self.way, *n), pieces: *pieces };
        AskQuote {
            quote: self.quote(),
            exporter: exporter.clone(),
            lines: self.lines.iter().map(line).collect(),
            buyer: Some(party_id(&self.buyer)),
            terms: self.terms(),
        }
    }

    /// On which terms the goods are bought.
    ///
    /// # Panics
    /// Never: the places are well-formed.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let Some(incoterm) = self.incoterm else { return Terms::Parcel };
        let country = if incoterm.includes_carriage() { self.way.to() } else { self.way.from() };
        let place = if country == Country::MY { "MYKUL" } else { "CNHGH" };
        Terms::Business { incoterm, place: place.parse().expect("UN/LOCODE") }
    }

    #[must_use]
    pub fn delivery(&self) -> String {
        format!("D-{:09}", self.number)
    }

    #[must_use]
    pub fn place(&self, importer: &HubId) -> PlaceOrder {
        PlaceOrder {
            trade: self.trade(importer),
            quote: self.quote(),
            buyer: party_id(&self.buyer),
            delivery: self.delivery(),
            practice: false,
        }
    }

    /// The credits that come for the order, in their order.
    ///
    /// # Panics
    /// Never: letters and digits.
    #[must_use]
    pub fn payments(&self, importer: &HubId, total: Money) -> Vec<ReceivePayment> {
        let payment = |suffix: &str, amount, payer| ReceivePayment {
            trade: self.trade(importer),
            no: format!("P-{:09}{suffix}", self.number).parse().expect("letters and digits"),
            amount,
            payer,
            channel: PaymentChannel::Webhook,
        };
        let own = tags(&self.buyer);
        match self.flaw {
            Flaw::AmountShort => vec![payment("", Money::new(total.minor() - 1, total.currency()), own)],
            Flaw::PayerOther => vec![payment("", total, tags("somebody else"))],
            Flaw::PaidTwice => {
                vec![payment("", total, own.clone()), payment("", total, own.clone()), payment("-2", total, own)]
            }
            _ => vec![payment("", total, own)],
        }
    }

    /// The credits that come for a quote: of a business, a deposit and its balance where it pays so.
    ///
    /// # Panics
    /// Never: a deposit is a part of its total.
    #[must_use]
    pub fn payments_for(&self, importer: &HubId, quote: &Quote) -> Vec<ReceivePayment> {
        let total = quote.landed.total;
        let whole = self.payments(importer, total);
        let deposit = quote.sale.as_ref().and_then(|sale| sale.deposit).map(|offer| offer.amount);
        let (Some(deposit), [payment]) = (deposit.filter(|_| self.pays != Pays::Whole), &whole[..]) else {
            return whole;
        };
        let rest = total.minus(deposit).expect("a part of it");
        let number = format!("P-{:09}-B", self.number).parse().expect("letters and digits");
        let first = ReceivePayment { amount: deposit, ..payment.clone() };
        let balance = ReceivePayment { amount: rest, no: number, ..payment.clone() };
        if self.pays == Pays::InTwo { vec![first, balance] } else { vec![first] }
    }

    /// The waybill as first issued, and the correction where there is one.
    ///
    /// # Panics
    /// Never: the number is well-formed.
    #[must_use]
    pub fn waybills(&self, importer: &HubId, gross: Grams) -> Vec<IssueWaybill> {
        let serial = u32::try_from(self.number % 100_000_000).expect("eight digits");
        let right = IssueWaybill {
            trade: self.trade(importer),
            no: S10::issue("LX", serial, self.way.from()).expect("well-formed"),
            gross,
            consignee: self.delivery(),
            by: party_id("carrier"),
            corrects: false,
        };
        let corrected = IssueWaybill { corrects: true, ..right.clone() };
        match self.flaw {
            Flaw::SentBack => vec![IssueWaybill { gross: Grams(gross.0 + gross.0 / 3 + 1), ..right }],
            Flaw::Heavy { mended } => {
                let heavy = IssueWaybill { gross: Grams(gross.0 + gross.0 / 3 + 1), ..right };
                if mended { vec![heavy, corrected] } else { vec![heavy] }
            }
            Flaw::Misdirected { mended } => {
                let wrong = IssueWaybill { consignee: "D-ELSEWHERE".to_owned(), ..right };
                if mended { vec![wrong, corrected] } else { vec![wrong] }
            }
            _ => vec![right],
        }
    }

    /// The export declaration as first lodged, and the correction where there is one.
    #[must_use]
    pub fn declarations(&self, importer: &HubId, quote: &Quote) -> Vec<LodgeExport> {
        let as_ordered = LodgeExport::as_ordered(self.trade(importer), party_id(self.way.seller()));
        let Flaw::Undervalued { mended } = self.flaw else { return vec![as_ordered] };
        let lines = quote
            .lines
            .iter()
            .map(|l| DeclaredLine {
                value: l.value_home.at(Rate::percent(80)).unwrap_or(l.value_home),
                ..DeclaredLine::ordered(l)
            })
            .collect();
        let low = LodgeExport { lines, ..as_ordered.clone() };
        if mended { vec![low, LodgeExport { corrects: true, ..as_ordered }] } else { vec![low] }
    }

    /// Whether a trade file has come to what was planned.
    #[must_use]
    pub fn is_fulfilled_by(&self, file: &TradeFile) -> bool {
        use trade::clearance::Clearance;
        use trade::escrow::Escrow;
        use trade::trade_file::Closed;
        match self.outcome() {
            PlannedOutcome::Paid => matches!(file.closed, Some(Closed::Paid { .. })),
            PlannedOutcome::Unpaid => file.applied_payment().is_none() && !file.clearance.is_released(),
            PlannedOutcome::HeldAtImport => matches!(file.clearance, Clearance::Held { .. }),
            PlannedOutcome::Lapsed => {
                matches!(file.closed, Some(Closed::Lapsed { .. })) && matches!(file.escrow, Escrow::Returned { .. })
            }
            PlannedOutcome::Cancelled => matches!(file.closed, Some(Closed::Cancelled { .. })),
            PlannedOutcome::Returned => matches!(file.closed, Some(Closed::Returned { .. })),
            PlannedOutcome::Refunded => matches!(file.closed, Some(Closed::Refunded { .. })),
        }
    }

    /// What a party brings forward in this trade.
    #[must_use]
    pub fn evidence(&self, by: &str) -> Vec<Evidence> {
        let words = format!("{by} {}", self.number);
        let bytes = u64::try_from(words.len()).expect("lengths fit in 64 bits");
        vec![Evidence { sha256: commitment(&[9; 16], words.as_bytes()), kind: EvidenceKind::Statement, bytes }]
    }

    /// The return that the buyer asks for.
    #[must_use]
    pub fn ask_return(&self, importer: &HubId) -> Option<AskReturn> {
        let reason = match self.flaw {
            Flaw::Returns { reason, .. } => reason,
            Flaw::Disputes { after_return: true, .. } => ReturnReason::NotAsDescribed,
            _ => return None,
        };
        let (trade, by) = (self.trade(importer), party_id(&self.buyer));
        Some(AskReturn { trade, by, reason, evidence: self.evidence("buyer") })
    }

    /// What the seller says to it.
    #[must_use]
    pub fn answer_return(&self, importer: &HubId) -> Option<AnswerReturn> {
        let agrees = match self.flaw {
            Flaw::Returns { silent: false, .. } => true,
            Flaw::Disputes { after_return: true, .. } => false,
            _ => return None,
        };
        let (trade, by) = (self.trade(importer), party_id(self.way.seller()));
        Some(AnswerReturn { trade, by, agrees, evidence: self.evidence("seller") })
    }

    /// The parcel on its way back.
    ///
    /// # Panics
    /// Never: the number is well-formed.
    #[must_use]
    pub fn return_waybill(&self, importer: &HubId, gross: Grams) -> IssueReturnWaybill {
        let serial = u32::try_from(self.number % 100_000_000).expect("eight digits");
        IssueReturnWaybill {
            trade: self.trade(importer),
            by: party_id(&self.buyer),
            no: S10::issue("LR", serial, self.way.to()).expect("well-formed"),
            gross,
        }
    }

    #[must_use]
    pub fn dispute(&self, importer: &HubId) -> Option<OpenDispute> {
        let Flaw::Disputes { after_return, .. } = self.flaw else { return None };
        Some(OpenDispute {
            trade: self.trade(importer),
            by: party_id(&self.buyer),
            reason: if after_return { DisputeReason::ReturnRefused } else { DisputeReason::Damaged },
            wants: Award::All,
            evidence: self.evidence("buyer"),
        })
    }

    #[must_use]
    pub fn answer_dispute(&self, importer: &HubId) -> Option<AnswerDispute> {
        let Flaw::Disputes { ruling: Some(_), .. } = self.flaw else { return None };
        let (trade, by) = (self.trade(importer), party_id(self.way.seller()));
        Some(AnswerDispute { trade, by, evidence: self.evidence("seller") })
    }

    /// How the operator decides, of the price of goods and freight.
    ///
    /// # Panics
    /// If the price overflows.
    #[must_use]
    pub fn ruling(&self, importer: &HubId, quote: &Quote) -> Option<DecideDispute> {
        let Flaw::Disputes { ruling: Some(ruling), .. } = self.flaw else { return None };
        let half = || most(quote).and_then(|most| most.split(&[1, 1])).expect("within bounds").swap_remove(0);
        let award = match ruling {
            Ruling::All => Award::All,
            Ruling::Half => Award::Part { amount: half() },
            Ruling::Nothing => Award::Nothing,
        };
        let (trade, by) = (self.trade(importer), party_id("operator"));
        Some(DecideDispute { trade, by, award, reason: "seen".to_owned() })
    }

    /// Whether the buyer confirms the goods.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        !matches!(
            self.flaw,
            Flaw::Silent | Flaw::Undeliverable | Flaw::SentBack | Flaw::Returns { .. } | Flaw::Disputes { .. }
        )
    }
}

/// The registrations of all buyers that a generator names.
#[must_use]
pub fn buyers(count: u64) -> Vec<trade::party::RegisterParty> {
    buyers_in(count, Country::CN)
}

/// The same in either country.
#[must_use]
pub fn buyers_in(count: u64, country: Country) -> Vec<trade::party::RegisterParty> {
    (0..count).map(|n| buyer_in(&format!("buyer-{n}"), country)).collect()
}

/// The registrations of all businesses that a generator names.
#[must_use]
pub fn firms_in(count: u64, country: Country) -> Vec<trade::party::RegisterParty> {
    (0..count).map(|n| firm_in(&format!("firm-{n}"), country)).collect()
}
