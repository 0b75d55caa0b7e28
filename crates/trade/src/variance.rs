//! What customs charges at import release, beside what was quoted.
//!
//! The charges follow from what was declared, by the law of the day of release, worked out by the same engine
//! as the quote was. The buyer has paid what the importing hub countersigned and is asked for no more, so the
//! difference is that hub's own: it is held at release between the accounts `variance` and `tax`, and booked
//! with the tax that it belongs to when the escrow is let go. Exchange, freight and what was taken at the sale
//! stay as quoted. Where the law of that day gives no answer, the quote stands and the refusal is named.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::HsCode;
use crate::command::Problem;
use crate::declaration::DeclaredLine;
use crate::escrow::Escrow;
use crate::event::Happened;
use crate::landed_cost::{AskLine, LandedCost, LandedCostAsk, LandedCostRefusal, landed_cost};
use crate::ledger::{Account, Leg, Purpose, TRANSFER_MAX_MINOR, TransferKind};
use crate::money::{Currency, Money, MoneyError, sum};
use crate::quote::Quote;
use crate::refund::Refund;
use crate::returns::ReturnState;
use crate::rulebook::ChargeKind;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile};
use crate::world::World;

/// What customs charged for an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charged {
    pub at: BusinessTime,
    /// The legal date of the release.
    pub date: Date,
    /// Digest of the rule pack that was in use then.
    pub pack: Arc<str>,
    pub answer: ChargedAnswer,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum ChargedAnswer {
    /// By kind, those that were quoted or charged.
    Worked { kinds: Vec<KindCharged> },
    /// The law of that day does not answer, and the quote stands.
    Refused { problem: Problem },
}

/// One kind of charge, over all lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCharged {
    pub charge: ChargeKind,
    pub quoted: Money,
    pub charged: Money,
}

impl KindCharged {
    /// What customs charged above the quote; below it, less than nothing.
    pub fn variance(&self) -> Result<Money, MoneyError> {
        self.charged.minus(self.quoted)
    }
}

/// Why nothing can be said of what customs charges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ChargedRefusal {
    /// The hub has no rules of its own territory (any more).
    ChargedWithoutRules,
    /// Declared goods that the order does not hold.
    ChargedLineUnknown { line: usize, hs: HsCode },
    /// A tax was taken at the sale by the quote, and by the law of the day of release it would be taken
    /// elsewhere: charged at both ends it would be charged twice.
    ChargedAtSaleMoved { charge: ChargeKind },
    #[serde(untagged)]
    Cost(LandedCostRefusal),
    #[serde(untagged)]
    Money(MoneyError),
}

impl From<MoneyError> for ChargedRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl Charged {
    /// All that customs charged and all that was quoted, where an answer was found.
    #[must_use]
    pub fn sums(&self) -> Option<(Money, Money)> {
        let ChargedAnswer::Worked { kinds } = &self.answer else { return None };
        let currency = kinds.first()?.quoted.currency();
        let of = |part: fn(&KindCharged) -> Money| sum(currency, kinds.iter().map(part)).ok();
        Some((of(|kind| kind.charged)?, of(|kind| kind.quoted)?))
    }

    /// What customs charged above all that was quoted; nothing is `None`.
    #[must_use]
    pub fn variance(&self) -> Option<Money> {
        let (charged, quoted) = self.sums()?;
        charged.minus(quoted).ok().filter(|variance| !variance.is_zero())
    }

    /// Whether it says something else than the quote did.
    #[must_use]
    pub fn says_otherwise(&self) -> bool {
        match &self.answer {
            ChargedAnswer::Worked { kinds } => kinds.iter().any(|kind| kind.charged != kind.quoted),
            ChargedAnswer::Refused { .. } => true,
        }
    }
}

impl TradeFile {
    /// What of the variance is the hub's in the end: once the escrow is let go, less what customs gives back
    /// with goods that go back. Before, what is held.
    #[must_use]
    pub fn variance_borne(&self) -> Option<Money> {
        let charged = self.charged.as_deref()?;
        match &self.escrow {
            Escrow::Released { refund: Some(refund), .. } => borne(self, charged, refund).ok(),
            Escrow::Returned { .. } => {
                let refund = self.refund();
                let borne = refund.map_or(Ok(None), |refund| borne(self, charged, &refund).map(Some)).ok()?;
                borne.filter(|borne| !borne.is_zero())
            }
            _ => charged.variance(),
        }
    }
}

/// Works out what customs charges for goods that it lets in, and holds the difference.
pub(crate) fn charge(world: &mut World, file: &mut TradeFile) {
    if file.side != Side::Import {
        return;
    }
    let Some(charged) = work_out(world, file) else { return };
    // After a loss an earlier word may be known; the release that stands is this one.
    let_go(world, file);
    if charged.says_otherwise() {
        let told = Happened::ImportCharged { charged: charged.clone() };
        world.happened(Some(&file.id), file.peer.as_ref(), told);
    }
    stands(world, file, charged);
}

/// What was told before a loss.
pub(crate) fn recall(world: &mut World, file: &mut TradeFile, charged: &Charged) {
    if file.charged.is_none() {
        stands(world, file, charged.clone());
    }
}

fn stands(world: &mut World, file: &mut TradeFile, charged: Charged) {
    file.charged = Some(Arc::new(charged));
    match file.escrow.clone() {
        Escrow::Funded { .. } => {
            if let Some(variance) = held(file) {
                book(world, file, TransferKind::Pending, variance);
            }
        }
        // After a loss the money may be let go before the release is known again.
        Escrow::Released { refund, .. } => book_borne(world, file, refund.as_ref()),
        Escrow::Empty | Escrow::Deposited { .. } | Escrow::Returned { .. } => {}
    }
}

/// The escrow is let go, or goes back: what is held is booked, as far as customs keeps it.
pub(crate) fn settle(world: &mut World, file: &TradeFile, refund: Option<&Refund>) {
    if refund.is_none()
        && let Some(variance) = held(file)
    {
        book(world, file, TransferKind::PostPending, variance);
        return;
    }
    let_go(world, file);
    book_borne(world, file, refund);
}

fn let_go(world: &mut World, file: &TradeFile) {
    if matches!(file.escrow, Escrow::Funded { .. })
        && let Some(variance) = held(file)
    {
        book(world, file, TransferKind::VoidPending, variance);
    }
}

fn held(file: &TradeFile) -> Option<Money> {
    file.charged.as_deref()?.variance()
}

fn book_borne(world: &mut World, file: &TradeFile, refund: Option<&Refund>) {
    let Some(charged) = file.charged.as_deref() else { return };
    let borne = match refund {
        None => charged.variance(),
        Some(refund) => borne(file, charged, refund).ok(),
    };
    if let Some(borne) = borne {
        book(world, file, TransferKind::Posted, borne);
    }
}

/// Above the quote the hub owes customs more than the buyer paid; below it, less.
fn book(world: &mut World, file: &TradeFile, kind: TransferKind, variance: Money) {
    let own = |purpose| Account::own(purpose, variance.currency());
    let (hub, tax) = (own(Purpose::Variance), own(Purpose::Tax));
    let amount = Money::new(variance.minor().saturating_abs(), variance.currency());
    let (debit, credit) = if variance.is_positive() { (hub, tax) } else { (tax, hub) };
    world.transfer(&file.id, Leg::Variance, kind, debit, credit, amount);
}

/// What stays of the variance where a part goes back to the buyer. Of the tax that the buyer paid,
/// `refund.tax` goes back; of what it charged, customs gives back the same share, rounded once, half up. Where
/// no tax was quoted, all of it, if the law gives back the tax of goods that are returned.
fn borne(file: &TradeFile, charged: &Charged, refund: &Refund) -> Result<Money, MoneyError> {
    let Some((charged, quoted)) = charged.sums() else { return Ok(Money::zero(refund.tax.currency())) };
    let back = if quoted.is_positive() {
        charged.scaled(i128::from(refund.tax.minor()), i128::from(quoted.minor()))?
    } else {
        let returned = file.returning.as_ref().map(|returning| &returning.state);
        match returned {
            Some(ReturnState::Settled { tax, .. }) if tax.is_back() => charged,
            _ => Money::zero(charged.currency()),
        }
    };
    charged.minus(back)?.minus(quoted.minus(refund.tax)?)
}

fn work_out(world: &World, file: &TradeFile) -> Option<Charged> {
    let (order, declaration) = (file.order.as_ref()?, file.declaration.as_ref()?);
    let date = world.site.date(world.now);
    let pack: Arc<str> = world.site.rulebook().map_or_else(|| Arc::from(""), |book| book.digest.clone());
    let answer = match kinds(world, &order.quote, &declaration.lines, date) {
        Ok(kinds) => ChargedAnswer::Worked { kinds },
        Err(refusal) => ChargedAnswer::Refused { problem: Problem::of(&refusal) },
    };
    Some(Charged { at: world.now, date, pack, answer })
}

fn kinds(
    world: &World,
    quote: &Quote,
    declared: &[DeclaredLine],
    date: Date,
) -> Result<Vec<KindCharged>, ChargedRefusal> {
    let book = world.site.rulebook().ok_or(ChargedRefusal::ChargedWithoutRules)?;
    let mut lines = Vec::with_capacity(declared.len());
    for (at, line) in declared.iter().enumerate() {
        let ordered = quote.lines.iter().find(|ordered| ordered.product == line.product);
        let unknown = || ChargedRefusal::ChargedLineUnknown { line: at + 1, hs: line.hs.clone() };
        let ordered = ordered.ok_or_else(unknown)?;
        lines.push(AskLine {
            hs: line.hs.clone(),
            pieces: line.pieces,
            value: quote.fx.convert(line.value)?,
            origin: Some(line.origin),
            ..ordered.asked()
        });
    }
    let ask = LandedCostAsk::new(date, quote.regime, &lines, quote.landed.freight, &world.site.stance);
    let landed = landed_cost(book, &ask).map_err(ChargedRefusal::Cost)?;
    by_kind(&quote.landed, &landed)
}

/// The sums of both by kind. What was taken at the sale was taken: it stays as quoted.
fn by_kind(quoted: &LandedCost, charged: &LandedCost) -> Result<Vec<KindCharged>, ChargedRefusal> {
    let at_sale = |landed: &LandedCost| -> Vec<ChargeKind> {
        let mut kinds: Vec<_> =
            landed.charges.iter().filter(|c| !c.at.is_border() && !c.amount.is_zero()).map(|c| c.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    let (then, now) = (at_sale(quoted), at_sale(charged));
    let moved = then.iter().find(|kind| !now.contains(kind)).or_else(|| now.iter().find(|kind| !then.contains(kind)));
    if let Some(charge) = moved {
        return Err(ChargedRefusal::ChargedAtSaleMoved { charge: *charge });
    }
    let currency = quoted.total.currency();
    let zero = Money::zero(currency);
    let mut sums: BTreeMap<ChargeKind, (Money, Money)> = BTreeMap::new();
    for each in &quoted.charges {
        let sum = sums.entry(each.kind).or_insert((zero, zero));
        sum.0 = sum.0.plus(each.amount)?;
        if !each.at.is_border() {
            sum.1 = sum.1.plus(each.amount)?;
        }
    }
    for each in charged.charges.iter().filter(|each| each.at.is_border()) {
        let sum = sums.entry(each.kind).or_insert((zero, zero));
        sum.1 = sum.1.plus(each.amount)?;
    }
    let mut kinds = Vec::with_capacity(sums.len());
    for (charge, (quoted, charged)) in sums.into_iter().filter(|(_, (a, b))| !a.is_zero() || !b.is_zero()) {
        within(currency, [quoted, charged])?;
        kinds.push(KindCharged { charge, quoted, charged });
    }
    Ok(kinds)
}

/// What the ledger takes in.
fn within(currency: Currency, amounts: [Money; 2]) -> Result<(), ChargedRefusal> {
    let most = TRANSFER_MAX_MINOR / i64::try_from(ChargeKind::ALL.len()).unwrap_or(i64::MAX);
    match amounts.iter().find(|amount| amount.currency() != currency || amount.minor() > most) {
        Some(_) => Err(ChargedRefusal::Money(MoneyError::Overflow)),
        None => Ok(()),
    }
}
