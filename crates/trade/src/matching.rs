//! The three-way match: order, payment and waybill against the declaration, field by field.
//!
//! Only what differs is kept with the trade file; the whole table is worked out again from the
//! documents whenever someone looks ([`table`]), so it cannot tell another story than they do.

use serde::{Deserialize, Serialize};

use crate::clearance::HoldReason;
use crate::money::{Money, MoneyError, sum};
use crate::order::OrderBuyer;
use crate::replay::Difference;
use crate::rulebook::{Allowed, Mender, Rulebook, Tolerance, TradeField};
use crate::time::BusinessTime;
use crate::trade_file::TradeFile;

/// The order in which fields are shown; the first that differs is the reason that is named first.
pub const FIELDS: [TradeField; 13] = [
    TradeField::OrderNumber,
    TradeField::PaidAmount,
    TradeField::Currency,
    TradeField::Payer,
    TradeField::WaybillNumber,
    TradeField::Consignee,
    TradeField::GrossWeight,
    TradeField::Pieces,
    TradeField::HsCode,
    TradeField::Origin,
    TradeField::GoodsValue,
    TradeField::Freight,
    TradeField::Tax,
];

/// What a match found; `differs` is empty where all agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchResult {
    pub at: BusinessTime,
    /// Digest of the rule pack whose tolerances were used.
    pub pack: String,
    pub differs: Vec<HoldReason>,
}

/// One row of the table: what each document says, and how that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchRow {
    pub field: TradeField,
    pub order: Option<Said>,
    pub payment: Option<Said>,
    pub waybill: Option<Said>,
    pub declared: Option<Said>,
    pub verdict: Verdict,
    pub mender: Mender,
    pub rule: String,
}

/// What a document says of a field, in a form that a page can show in the reader's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Said {
    Money(Money),
    Grams {
        grams: i64,
    },
    Count {
        count: i64,
    },
    Text {
        text: String,
    },
    /// A person: whether it is the buyer, never who.
    Person {
        same_as_buyer: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    Equal,
    /// Differs by no more than is allowed; per mille of the declared value.
    Within {
        per_mille: i64,
        allowed: i64,
    },
    Differs {
        per_mille: Option<i64>,
        allowed: i64,
    },
    /// Not all documents are there yet.
    Open,
}

impl Verdict {
    #[must_use]
    pub const fn holds(&self) -> bool {
        matches!(self, Self::Differs { .. })
    }
}

/// Compares, as soon as all four are there: order, applied payment, waybill, declaration.
#[must_use]
pub fn compare(file: &TradeFile, book: &Rulebook, now: BusinessTime) -> Option<MatchResult> {
    let documents = Documents::of(file)?;
    let differs = FIELDS
        .into_iter()
        .filter_map(|field| {
            let tolerance = book.tolerance(field);
            documents.judge(field, tolerance).holds().then(|| HoldReason {
                field,
                mender: tolerance.mends,
                rule: tolerance.info.id.to_string(),
            })
        })
        .collect();
    Some(MatchResult { at: now, pack: book.digest.to_string(), differs })
}

/// What documents say of one field, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    Equal,
    /// They differ in what no tolerance measures.
    Apart,
    Numbers {
        declared: i64,
        found: i64,
    },
    /// No document states it.
    Open,
}

/// Where the documents do not say the same, whatever a pack would allow; none before all are there.
#[must_use]
pub fn differences(file: &TradeFile) -> Option<Vec<Difference>> {
    let documents = Documents::of(file)?;
    let difference = |field| match documents.compared(field) {
        Compared::Numbers { declared, found } if declared != found => Some(Difference { field, declared, found }),
        Compared::Apart => Some(Difference { field, declared: 0, found: 1 }),
        _ => None,
    };
    Some(FIELDS.into_iter().filter_map(difference).collect())
}

/// What all payments come to; none where there is none.
fn paid(payments: &[&crate::payment::Payment]) -> Option<Money> {
    sum(payments.first()?.amount.currency(), payments.iter().map(|p| p.amount)).ok()
}

/// The documents, side by side. A business may have paid in two parts.
struct Documents<'a> {
    order: &'a crate::order::Order,
    payments: Vec<&'a crate::payment::Payment>,
    paid: Money,
    waybill: &'a crate::waybill::Waybill,
    declaration: &'a crate::declaration::Declaration,
}

impl<'a> Documents<'a> {
    fn of(file: &'a TradeFile) -> Option<Self> {
        let payments: Vec<_> = file.applied_payments().collect();
        let paid = paid(&payments)?;
        // A deposit is not the payment.
        if file.awaits_balance().is_some() {
            return None;
        }
        Some(Self {
            order: file.order.as_ref()?,
            payments,
            paid,
            waybill: file.waybill.as_ref()?,
            declaration: file.declaration.as_ref()?,
        })
    }

    fn judge(&self, field: TradeField, tolerance: &Tolerance) -> Verdict {
        match self.compared(field) {
            Compared::Open => Verdict::Open,
            Compared::Equal => Verdict::Equal,
            Compared::Apart => Verdict::Differs { per_mille: None, allowed: 0 },
            Compared::Numbers { declared, found } => number(declared, found, tolerance),
        }
    }

    /// What the documents say of a field, before any tolerance.
    fn compared(&self, field: TradeField) -> Compared {
        let quote = &self.order.quote;
        let exact = |equal: bool| if equal { Compared::Equal } else { Compared::Apart };
        let numbers = |declared: i64, found: i64| Compared::Numbers { declared, found };
        match field {
            // One number names the trade file, so documents that meet in it bear it.
            TradeField::OrderNumber => Compared::Equal,
            TradeField::PaidAmount => numbers(quote.landed.total.minor(), self.paid.minor()),
            TradeField::Currency => exact(quote.landed.total.currency() == self.paid.currency()),
            TradeField::Payer => {
                let pays = |b: &OrderBuyer| self.payments.iter().all(|p| b.tags.same_person(&p.payer));
                exact(self.order.buyer.as_ref().is_some_and(pays))
            }
            TradeField::WaybillNumber => exact(self.waybill.no == self.declaration.waybill),
            TradeField::Consignee => exact(self.order.delivery == self.waybill.consignee),
            TradeField::GrossWeight => numbers(self.declaration.gross.0, self.waybill.gross.0),
            TradeField::Pieces => exact(self.lines_agree(|q, d| q.pieces == d.pieces)),
            TradeField::HsCode => exact(self.lines_agree(|q, d| q.hs == d.hs)),
            TradeField::Origin => exact(self.lines_agree(|q, d| q.origin == d.origin)),
            TradeField::GoodsValue => match self.declared_value() {
                Ok(declared) => numbers(quote.landed.goods.minor(), declared.minor()),
                Err(_) => Compared::Apart,
            },
            // Freight and tax are not declared apart: they follow from the quote that both hubs hold.
            TradeField::Freight | TradeField::Tax => Compared::Equal,
            TradeField::Permit => Compared::Open,
        }
    }

    fn lines_agree(&self, same: impl Fn(&crate::quote::QuoteLine, &crate::declaration::DeclaredLine) -> bool) -> bool {
        let ordered = &self.order.quote.lines;
        let declared = &self.declaration.lines;
        ordered.len() == declared.len()
            && ordered.iter().all(|q| declared.iter().any(|d| d.product == q.product && same(q, d)))
    }

    /// The declared value in the buyer's currency, at the quote's rate, line by line as the quote was.
    fn declared_value(&self) -> Result<Money, MoneyError> {
        let fx = &self.order.quote.fx;
        let lines = self.declaration.lines.iter().map(|l| fx.convert(l.value)).collect::<Result<Vec<_>, _>>()?;
        sum(fx.to, lines)
    }
}

/// Judges two numbers by the rule's own tolerance; shows the difference in per mille of the first.
fn number(reference: i64, other: i64, tolerance: &Tolerance) -> Verdict {
    if reference == other {
        return Verdict::Equal;
    }
    let allowed = match tolerance.allowed {
        Allowed::Exact => 0,
        Allowed::Share { share } => share.as_nano().div_euclid(1_000_000),
    };
    let difference = (i128::from(other) - i128::from(reference)).abs();
    let base = i128::from(reference).abs();
    let per_mille = (base > 0).then(|| i64::try_from((difference * 1000).div_euclid(base)).unwrap_or(i64::MAX));
    match (tolerance.allows(reference, other), per_mille) {
        (true, Some(per_mille)) => Verdict::Within { per_mille, allowed },
        (_, per_mille) => Verdict::Differs { per_mille, allowed },
    }
}

/// The whole table, as far as the documents have come.
#[must_use]
pub fn table(file: &TradeFile, book: &Rulebook) -> Vec<MatchRow> {
    let documents = Documents::of(file);
    FIELDS
        .into_iter()
        .map(|field| {
            let tolerance = book.tolerance(field);
            let verdict = documents.as_ref().map_or(Verdict::Open, |d| d.judge(field, tolerance));
            let (order, payment, waybill, declared) = said(file, field);
            MatchRow {
                field,
                order,
                payment,
                waybill,
                declared,
                verdict,
                mender: tolerance.mends,
                rule: tolerance.info.id.to_string(),
            }
        })
        .collect()
}

type Row = (Option<Said>, Option<Said>, Option<Said>, Option<Said>);

fn said(file: &TradeFile, field: TradeField) -> Row {
    let text = |t: &str| Said::Text { text: t.to_owned() };
    let order = file.order.as_ref();
    let quote = order.map(|o| &o.quote);
    let payment = file.applied_payment().or_else(|| file.payments.first());
    let applied: Vec<_> = file.applied_payments().collect();
    let amount = paid(&applied).or_else(|| payment.map(|p| p.amount));
    let waybill = file.waybill.as_ref();
    let declaration = file.declaration.as_ref();
    let number = || text(file.id.order_no());
    match field {
        TradeField::OrderNumber => (
            order.map(|_| number()),
            payment.map(|_| number()),
            waybill.map(|_| number()),
            declaration.map(|_| number()),
        ),
        TradeField::PaidAmount => (quote.map(|q| Said::Money(q.landed.total)), amount.map(Said::Money), None, None),
        TradeField::Currency => (
            quote.map(|q| text(q.landed.total.currency().code())),
            payment.map(|p| text(p.amount.currency().code())),
            None,
            None,
        ),
        TradeField::Payer => {
            let buyer = order.and_then(|o| o.buyer.as_ref());
            let same = payment.zip(buyer).map(|(p, b)| b.tags.same_person(&p.payer));
            (
                buyer.map(|_| Said::Person { same_as_buyer: true }),
                same.map(|same_as_buyer| Said::Person { same_as_buyer }),
                None,
                None,
            )
        }
        TradeField::WaybillNumber => {
            (None, None, waybill.map(|w| text(w.no.as_str())), declaration.map(|d| text(d.waybill.as_str())))
        }
        TradeField::Consignee => (order.map(|o| text(&o.delivery)), None, waybill.map(|w| text(&w.consignee)), None),
        TradeField::GrossWeight => (
            quote.map(|q| Said::Grams { grams: q.gross().0 }),
            None,
            waybill.map(|w| Said::Grams { grams: w.gross.0 }),
            declaration.map(|d| Said::Grams { grams: d.gross.0 }),
        ),
        TradeField::Pieces => (
            quote.map(|q| Said::Count { count: q.pieces() }),
            None,
            None,
            declaration.map(|d| Said::Count { count: d.pieces() }),
        ),
        TradeField::HsCode => (
            quote.map(|q| joined(q.lines.iter().map(|l| l.hs.as_str()))),
            None,
            None,
            declaration.map(|d| joined(d.lines.iter().map(|l| l.hs.as_str()))),
        ),
        TradeField::Origin => (
            quote.map(|q| joined(q.lines.iter().map(|l| l.origin.as_str()))),
            None,
            None,
            declaration.map(|d| joined(d.lines.iter().map(|l| l.origin.as_str()))),
        ),
        TradeField::GoodsValue => (
            quote.map(|q| Said::Money(q.landed.goods)),
            None,
            None,
            declaration.zip(quote).and_then(|(d, q)| {
                let lines: Result<Vec<_>, _> = d.lines.iter().map(|l| q.fx.convert(l.value)).collect();
                sum(q.fx.to, lines.ok()?).ok().map(Said::Money)
            }),
        ),
        TradeField::Freight => (
            quote.map(|q| Said::Money(q.landed.freight)),
            None,
            None,
            declaration.and(quote).map(|q| Said::Money(q.landed.freight)),
        ),
        TradeField::Tax => (
            quote.map(|q| Said::Money(q.landed.tax)),
            None,
            None,
            declaration.and(quote).map(|q| Said::Money(q.landed.tax)),
        ),
        TradeField::Permit => (None, None, None, None),
    }
}

/// What each line says, once if all say the same.
fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> Said {
    let mut parts: Vec<&str> = parts.collect();
    if parts.windows(2).all(|two| two[0] == two[1]) {
        parts.truncate(1);
    }
    Said::Text { text: parts.join(" ") }
}
