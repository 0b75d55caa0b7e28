//! Duties, taxes and fees: on what, how much, when, where it is taken, and by whom it is owed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::conditions::{Basis, Compare, Mode};
use super::duty_rate::{DutyRate, RateError};
use super::hs_set::HsSet;
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Regime, RuleId, RuleInfo, Treatment};
use crate::codes::Country;
use crate::money::{Currency, Money, Rate};

/// What is charged. A charge may count those before it in this order into its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeKind {
    Duty,
    /// On top of the duty: a trade measure, an additional layer.
    AdditionalDuty,
    ConsumptionTax,
    Excise,
    /// Sales tax on import.
    SalesTax,
    Vat,
    Gst,
    /// Sales tax on low value goods, taken at the sale.
    Lvg,
    /// Withheld at import, such as Indonesia's PPh article 22.
    IncomeTax,
    /// What a customs office, a state or a carrier takes for its work.
    Fee,
}

impl ChargeKind {
    pub const ALL: [(&'static str, Self); 10] = [
        ("duty", Self::Duty),
        ("additional-duty", Self::AdditionalDuty),
        ("consumption-tax", Self::ConsumptionTax),
        ("excise", Self::Excise),
        ("sales-tax", Self::SalesTax),
        ("vat", Self::Vat),
        ("gst", Self::Gst),
        ("lvg", Self::Lvg),
        ("income-tax", Self::IncomeTax),
        ("fee", Self::Fee),
    ];

    /// Its place in the order in which charges are worked out.
    #[must_use]
    pub const fn place(self) -> usize {
        match self {
            Self::Duty => 0,
            Self::AdditionalDuty => 1,
            Self::ConsumptionTax => 2,
            Self::Excise => 3,
            Self::SalesTax => 4,
            Self::Vat => 5,
            Self::Gst => 6,
            Self::Lvg => 7,
            Self::IncomeTax => 8,
            Self::Fee => 9,
        }
    }

    #[must_use]
    pub const fn code(self) -> &'static str {
        Self::ALL[self.place()].0
    }
}

/// Some kinds of charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u16);

impl Kinds {
    pub const NONE: Self = Self(0);

    #[must_use]
    pub const fn with(self, kind: ChargeKind) -> Self {
        Self(self.0 | 1 << kind.place())
    }

    #[must_use]
    pub const fn has(self, kind: ChargeKind) -> bool {
        self.0 & (1 << kind.place()) != 0
    }

    /// Those of these that are not among the others, in their order.
    pub fn missing_from(self, others: Self) -> impl Iterator<Item = ChargeKind> {
        ChargeKind::ALL.into_iter().map(|(_, kind)| kind).filter(move |kind| self.has(*kind) && !others.has(*kind))
    }

    pub(super) fn read(f: &mut Fields<'_>, key: &str) -> Self {
        f.many_of(key, &ChargeKind::ALL).into_iter().fold(Self::NONE, Self::with)
    }
}

/// Where a charge is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collected {
    #[default]
    Border,
    /// By whoever sells, with the price.
    Sale,
}

impl Collected {
    pub const ALL: [(&'static str, Self); 2] = [("border", Self::Border), ("sale", Self::Sale)];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Border => "border",
            Self::Sale => "sale",
        }
    }

    #[must_use]
    pub const fn is_border(&self) -> bool {
        matches!(self, Self::Border)
    }
}

/// Who owes a charge, or files its return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Liable {
    Buyer,
    Importer,
    Seller,
    Marketplace,
    Carrier,
    Declarant,
}

impl Liable {
    const ALL: [(&'static str, Self); 6] = [
        ("buyer", Self::Buyer),
        ("importer", Self::Importer),
        ("seller", Self::Seller),
        ("marketplace", Self::Marketplace),
        ("carrier", Self::Carrier),
        ("declarant", Self::Declarant),
    ];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(code, _)| code)
    }
}

/// Over what a threshold counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One parcel, or one entry.
    #[default]
    Consignment,
    /// All that comes for one person on one day.
    PersonDay,
    /// All that comes for one person on one flight.
    ConsigneeFlight,
}

impl Scope {
    const ALL: [(&'static str, Self); 3] = [
        ("consignment", Self::Consignment),
        ("person-day", Self::PersonDay),
        ("consignee-flight", Self::ConsigneeFlight),
    ];

    fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(code, _)| code)
    }
}

/// A value on one side of an amount, in whatever currency the law states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    pub basis: Basis,
    pub scope: Scope,
    pub compare: Compare,
    pub amount: Money,
}

impl Threshold {
    pub(super) fn read(mut f: Fields<'_>, currency: Currency) -> Option<Self> {
        let read = Self::fields(&mut f, currency);
        f.finish();
        read
    }

    /// The fields of a threshold, where they stand among others.
    pub(super) fn fields(f: &mut Fields<'_>, currency: Currency) -> Option<Self> {
        let basis = f.one_of("basis", &Basis::ALL);
        let scope = f.optional("scope", |f, key| f.one_of(key, &Scope::ALL)).unwrap_or_default();
        let compare = f.one_of("compare", &Compare::ALL);
        let stated = if f.has("currency") { f.parsed("currency") } else { Some(currency) };
        let amount = f.amount("amount", stated?);
        if scope != Scope::Consignment && basis == Some(Basis::Item) {
            let allowed = vec![Scope::Consignment.code().to_owned()];
            f.error("scope", Problem::NotOneOf { got: scope.code().to_owned(), allowed });
        }
        Some(Self { basis: basis?, scope, compare: compare?, amount: amount? })
    }
}

/// When a charge is levied, or a relief given. An empty list does not restrict; all that is stated must hold.
#[derive(Clone, Debug, Default)]
pub struct When {
    pub treatments: Vec<Treatment>,
    pub members: Vec<Country>,
    pub modes: Vec<Mode>,
    pub values: Vec<Threshold>,
    pub origins: Vec<Country>,
    pub origins_out: Vec<Country>,
    pub hs_in: Option<HsSet>,
    pub hs_out: HsSet,
}

impl When {
    /// `values` are read by the caller: a relief has one, among its own fields.
    fn read(f: &mut Fields<'_>, values: Vec<Threshold>) -> Self {
        Self {
            treatments: f.many_of("treatment", &Treatment::ALL),
            members: countries(f, "member"),
            modes: f.many_of("mode", &Mode::ALL),
            values,
            origins: countries(f, "origin"),
            origins_out: countries(f, "origin-out"),
            hs_in: f.has("hs-in").then(|| HsSet::read(f, "hs-in")),
            hs_out: HsSet::read(f, "hs-out"),
        }
    }
}

pub(super) fn countries(f: &mut Fields<'_>, key: &str) -> Vec<Country> {
    let read = f.texts(key).into_iter().filter_map(|got| match got.parse() {
        Ok(country) => Some(country),
        Err(_) => {
            f.error(key, Problem::NotACode { got });
            None
        }
    });
    read.collect()
}

/// Where the rate of a charge stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateFrom {
    /// In the rule itself.
    Own(DutyRate),
    /// The duty of the tariff's row, or of the preference that was asked for.
    TariffDuty,
    /// The VAT, GST or sales tax of the tariff's row.
    TariffTax,
    /// The consumption tax that the tariff's row names.
    TariffConsumptionTax,
    /// In a table, by its id.
    Table(RuleId),
}

/// What a flat amount is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlatPer {
    Piece,
    Line,
    /// Each subheading of six digits in the consignment, however many lines it has.
    Hs6,
    Parcel,
}

impl FlatPer {
    const ALL: [(&'static str, Self); 4] =
        [("piece", Self::Piece), ("line", Self::Line), ("hs6", Self::Hs6), ("parcel", Self::Parcel)];

    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(code, _)| code)
    }
}

/// How much is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Levy {
    /// A rate on the base; `inside` where the charge is part of its own base.
    Rate { from: RateFrom, inside: bool },
    /// No duty; (CT + VAT) / (1 − CT) × `share` of the base, rounded once and cut by the two rates.
    Composite { share: Rate },
    /// The same amount whatever the value.
    Flat { amount: Money, per: FlatPer },
    /// What the duties before it leave short of this rate.
    TopUp { to: Rate },
}

/// Of what a rate is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The price of the goods.
    pub goods: bool,
    /// The line's share of the freight.
    pub freight: bool,
    /// The customs value, as the regime's `tax-base` counts it.
    pub value: bool,
    pub kinds: Kinds,
}

impl Base {
    const VALUE: Self = Self { goods: false, freight: false, value: true, kinds: Kinds::NONE };

    fn read(f: &mut Fields<'_>, what: ChargeKind) -> Self {
        if !f.has("base") {
            return Self::VALUE;
        }
        let mut base = Self::default();
        for got in f.texts("base") {
            let kind = ChargeKind::ALL.iter().find(|(name, _)| *name == got).map(|(_, kind)| *kind);
            match (got.as_str(), kind) {
                ("goods", _) => base.goods = true,
                ("freight", _) => base.freight = true,
                ("value", _) => base.value = true,
                (_, Some(kind)) if kind < what => base.kinds = base.kinds.with(kind),
                _ => {
                    let before = ChargeKind::ALL.iter().filter(|(_, kind)| *kind < what).map(|(name, _)| *name);
                    let allowed = ["value", "goods", "freight"].into_iter().chain(before).map(str::to_owned).collect();
                    f.error("base", Problem::NotOneOf { got, allowed });
                }
            }
        }
        if base.value && (base.goods || base.freight) {
            let allowed = vec!["value".to_owned()];
            f.error("base", Problem::NotOneOf { got: "value, goods, freight".to_owned(), allowed });
        }
        base
    }
}

/// One charge of a regime.
#[derive(Clone, Debug)]
pub struct ChargeRule {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    pub when: When,
    pub what: ChargeKind,
    pub base: Base,
    pub levy: Levy,
    /// The part of the base that is taxed, as a fraction; none where all of it is.
    pub of: Option<(i64, i64)>,
    pub least: Option<Money>,
    pub most: Option<Money>,
    /// Not levied on goods that bear this charge.
    pub unless: Option<RuleId>,
    pub at: Collected,
    /// Levied only where the seller or marketplace is registered for it, or only where it is not.
    pub registered: Option<bool>,
    /// Under which number the marketplace of this hub is registered; it goes with the parcel.
    pub registration: Option<Arc<str>>,
    pub owed_by: Option<Liable>,
    pub filed_by: Option<Liable>,
}

impl ChargeRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let tests = f.tables("value");
        let values = tests.into_iter().filter_map(|test| Threshold::read(test, currency)).collect();
        let when = When::read(f, values);
        let what = f.one_of("what", &ChargeKind::ALL)?;
        let base = Base::read(f, what);
        let levy = levy(f, currency);
        let of = f.optional("of", fraction);
        let amount = |f: &mut Fields<'_>, key: &str| f.amount(key, currency);
        let (least, most) = (f.optional("at-least", amount), f.optional("at-most", amount));
        let unless = f.optional("unless", Fields::text).map(|id| RuleId::from(id.as_str()));
        let at = f.optional("at", |f, key| f.one_of(key, &Collected::ALL)).unwrap_or_default();
        let registered = f.optional("registered", Fields::flag);
        let registration = f.optional("registration", Fields::text).map(Into::into);
        let liable = |f: &mut Fields<'_>, key: &str| f.one_of(key, &Liable::ALL);
        let (owed_by, filed_by) = (f.optional("owed-by", liable), f.optional("filed-by", liable));
        let levy = levy?;
        if let (Some(least), Some(most)) = (least, most)
            && most.minor() < least.minor()
        {
            f.error("at-most", Problem::OutOfRange { got: most.minor(), least: least.minor(), most: i64::MAX });
        }
        let of_parcel = matches!(levy, Levy::Flat { per: FlatPer::Parcel, .. });
        if of_parcel && (when.hs_in.is_some() || !when.hs_out.is_empty() || !when.origins.is_empty()) {
            f.error("per", Problem::NotOneOf { got: "parcel".into(), allowed: vec!["piece".into(), "line".into()] });
        }
        if matches!(levy, Levy::TopUp { .. }) && what != ChargeKind::AdditionalDuty {
            f.error("what", Problem::NotOneOf { got: what.code().into(), allowed: vec!["additional-duty".into()] });
        }
        Some(Self {
            info: common.info.clone(),
            regime: regime?,
            when,
            what,
            base,
            levy,
            of,
            least,
            most,
            unless,
            at,
            registered,
            registration,
            owed_by,
            filed_by,
        })
    }

    /// Taken once for a parcel, and not line by line.
    #[must_use]
    pub const fn is_of_parcel(&self) -> bool {
        matches!(self.levy, Levy::Flat { per: FlatPer::Parcel, .. })
    }
}

/// `rate`, `rate-from`, `table`, `composite`, `flat` with `per`, or `top-up-to`: one of them.
fn levy(f: &mut Fields<'_>, currency: Currency) -> Option<Levy> {
    let names = ["rate", "rate-from", "table", "composite", "flat", "top-up-to"];
    let given: Vec<&str> = names.into_iter().filter(|name| f.has(name)).collect();
    let [name] = given[..] else {
        let allowed = names.map(str::to_owned).to_vec();
        f.error("rate", Problem::NotOneOf { got: given.join(", "), allowed });
        for name in given {
            let _ = f.text(name);
        }
        return None;
    };
    let inside = |f: &mut Fields<'_>| f.optional("inside", Fields::flag).unwrap_or(false);
    match name {
        "rate" => {
            let rate = duty_rate(f, "rate")?;
            let inside = inside(f);
            if inside && rate.percent().is_none_or(|rate| rate >= Rate::ONE) {
                f.error("inside", Problem::NotARate { got: rate.to_string() });
            }
            Some(Levy::Rate { from: RateFrom::Own(rate), inside })
        }
        "rate-from" => {
            let columns = [("tariff-duty", 0_u8), ("tariff-tax", 1), ("tariff-consumption-tax", 2)];
            let from = match f.one_of("rate-from", &columns)? {
                0 => RateFrom::TariffDuty,
                1 => RateFrom::TariffTax,
                _ => RateFrom::TariffConsumptionTax,
            };
            Some(Levy::Rate { from, inside: inside(f) })
        }
        "table" => {
            let id = f.text("table")?;
            Some(Levy::Rate { from: RateFrom::Table(RuleId::from(id.as_str())), inside: inside(f) })
        }
        "composite" => f.percent("composite").map(|share| Levy::Composite { share }),
        "top-up-to" => f.percent("top-up-to").map(|to| Levy::TopUp { to }),
        _ => {
            let stated = if f.has("currency") { f.parsed("currency") } else { Some(currency) };
            let amount = stated.and_then(|currency| f.amount("flat", currency));
            let per = f.one_of("per", &FlatPer::ALL);
            Some(Levy::Flat { amount: amount?, per: per? })
        }
    }
}

/// A rate as tariffs write it; a bare number is per cent.
pub(super) fn duty_rate(f: &mut Fields<'_>, key: &str) -> Option<DutyRate> {
    let got = f.text(key)?;
    rate_of(&got).map_err(|error| f.error(key, Problem::NotADutyRate { got, error })).ok()
}

pub(super) fn rate_of(text: &str) -> Result<DutyRate, RateError> {
    let bare = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if bare { format!("{text}%").parse() } else { text.parse() }
}

/// `11/12`.
fn fraction(f: &mut Fields<'_>, key: &str) -> Option<(i64, i64)> {
    let got = f.text(key)?;
    let read = got.split_once('/').and_then(|(top, bottom)| {
        let (top, bottom) = (top.trim().parse::<i64>().ok()?, bottom.trim().parse::<i64>().ok()?);
        (0 < top && top <= bottom && bottom <= 1_000).then_some((top, bottom))
    });
    if read.is_none() {
        f.error(key, Problem::NotARate { got });
    }
    read
}

/// What the border does not take, up to a value.
#[derive(Clone, Debug)]
pub struct Relief {
    pub info: Arc<RuleInfo>,
    pub regime: Regime,
    /// Holds the threshold, first of its values.
    pub when: When,
    /// What is not taken; all charges at the border where the rule names none.
    pub of: Option<Kinds>,
}

impl Relief {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let regime = f.one_of("regime", &Regime::ALL);
        let threshold = Threshold::fields(f, currency);
        let when = When::read(f, threshold.into_iter().collect());
        let of = f.has("of").then(|| Kinds::read(f, "of"));
        threshold?;
        Some(Self { info: common.info.clone(), regime: regime?, when, of })
    }

    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.when.values[0]
    }

    #[must_use]
    pub fn relieves(&self, kind: ChargeKind) -> bool {
        self.of.is_none_or(|kinds| kinds.has(kind))
    }
}
