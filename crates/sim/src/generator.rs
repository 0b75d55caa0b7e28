//! Trades of any number from a seed, with mistakes at known rates: used by tests, benches and drills.
//!
//! A [`Plan`] says what the people of a trade will do; [`Plan::outcome`] what has to come of it.
//! What a step sends is made by [`Plan`] too, so that every user of the generator sends the same.

use trade::codes::{Country, DocumentNo, HubId, S10};
use trade::declaration::{DeclaredLine, LodgeExport};
use trade::event::Asked;
use trade::id::Id;
use trade::money::{Currency, Money, Rate};
use trade::order::PlaceOrder;
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::product::{Goods, OfferProduct, Product};
use trade::quantity::{Content, ContentUnit, Grams, Size};
use trade::quote::{AskQuote, Quote};
use trade::readiness::HsClaim;
use trade::time::BusinessTime;
use trade::trade_file::{TradeFile, TradeId};
use trade::waybill::IssueWaybill;

use crate::random::Random;
use crate::scene::{buyer, party_id, tags};

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

/// How many different goods the generator knows.
pub const GOODS_COUNT: usize = GOODS.len();

/// Goods by their number.
///
/// # Panics
/// If there is no such number.
#[must_use]
pub fn goods(number: usize) -> Goods {
    let (sku, words, hs, grams, sen, ml) = GOODS[number];
    Goods {
        sku: sku.to_owned(),
        name: words.to_owned(),
        description: words.to_owned(),
        hs: HsClaim::Code(hs.parse().expect("six digits")),
        origin: Some(Country::MY),
        weight: Some(Grams(grams)),
        size: Some(Size { length_mm: 120, width_mm: 90, height_mm: 60 }),
        price: Some(Money::new(sen, Currency::MYR)),
        content: (ml > 0).then_some(Content { milli: ml * 1_000, unit: ContentUnit::Ml }),
    }
}

/// The seller's price list.
#[must_use]
pub fn price_list() -> Vec<OfferProduct> {
    (0..GOODS_COUNT).map(|n| OfferProduct { seller: party_id("seller"), goods: goods(n) }).collect()
}

/// The product that [`price_list`] makes of goods.
#[must_use]
pub fn product(number: usize) -> Id<Product> {
    OfferProduct { seller: party_id("seller"), goods: goods(number) }.product()
}

/// What goes wrong with a trade, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
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
}

/// What has to come of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedOutcome {
    Paid,
    Unpaid,
    HeldAtImport,
}

/// What the people of one trade will do.
#[derive(Clone, Debug)]
pub struct Plan {
    pub number: u64,
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
}

impl Generator {
    #[must_use]
    pub const fn new(seed: u64, buyers: u64, flaw_in: u64) -> Self {
        Self { random: Random::new(seed), next: 0, flaw_in, buyers }
    }
}

impl Iterator for Generator {
    type Item = Plan;

    fn next(&mut self) -> Option<Plan> {
        self.next += 1;
        let random = &mut self.random;
        let kinds = 1 + usize::from(random.once_in(3)) + usize::from(random.once_in(9));
        let mut lines: Vec<(usize, i64)> = Vec::new();
        for _ in 0..kinds {
            let number = usize::try_from(random.below(12)).expect("below twelve");
            let pieces = 1 + i64::try_from(random.below(3)).expect("below three");
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
            ])
        } else {
            Flaw::None
        };
        let buyer = format!("buyer-{}", random.below(self.buyers));
        Some(Plan { number: self.next, buyer, lines, flaw })
    }
}

impl Plan {
    #[must_use]
    pub const fn outcome(&self) -> PlannedOutcome {
        match self.flaw {
            Flaw::AmountShort | Flaw::PayerOther => PlannedOutcome::Unpaid,
            Flaw::Heavy { mended: false }
            | Flaw::Misdirected { mended: false }
            | Flaw::Undervalued { mended: false } => PlannedOutcome::HeldAtImport,
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
        let lines = self.lines.iter().map(|(n, pieces)| Asked { product: product(*n), pieces: *pieces }).collect();
        AskQuote { quote: self.quote(), exporter: exporter.clone(), lines, buyer: Some(party_id(&self.buyer)) }
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

    /// The waybill as first issued, and the correction where there is one.
    ///
    /// # Panics
    /// Never: the number is well-formed.
    #[must_use]
    pub fn waybills(&self, importer: &HubId, gross: Grams) -> Vec<IssueWaybill> {
        let serial = u32::try_from(self.number % 100_000_000).expect("eight digits");
        let right = IssueWaybill {
            trade: self.trade(importer),
            no: S10::issue("LX", serial, Country::MY).expect("well-formed"),
            gross,
            consignee: self.delivery(),
            by: party_id("carrier"),
            corrects: false,
        };
        let corrected = IssueWaybill { corrects: true, ..right.clone() };
        match self.flaw {
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
        let as_ordered = LodgeExport::as_ordered(self.trade(importer), party_id("seller"));
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
        use trade::trade_file::Closed;
        match self.outcome() {
            PlannedOutcome::Paid => matches!(file.closed, Some(Closed::Paid { .. })),
            PlannedOutcome::Unpaid => file.applied_payment().is_none() && !file.clearance.is_released(),
            PlannedOutcome::HeldAtImport => matches!(file.clearance, Clearance::Held { .. }),
        }
    }
}

/// The registrations of all buyers that a generator names.
#[must_use]
pub fn buyers(count: u64) -> Vec<trade::party::RegisterParty> {
    (0..count).map(|n| buyer(&format!("buyer-{n}"))).collect()
}
