//! Worked examples: numbers in the pack that must come out before the pack loads.

use std::fmt::Debug;

use jiff::civil::Date;

use super::load::{Currencies, day_of};
use super::reader::{Errors, Fields, Problem};
use super::{
    Case, Channel, CustomsForm, CustomsState, Direction, FeeSide, Found, HsNumber, Lane, ListBar, Mode, ParcelFacts,
    PreAlertRule, Regime, Restriction, RestrictionState, ReturnTerms, RuleId, RuleInfo, RuleKind, Rulebook, Stance,
    Treatment,
};
use crate::channel::{ChannelFacts, Draw, met};
use crate::codes::{Country, HsCode, Place};
use crate::exchange::Exchange;
use crate::landed_cost::{AskLine, ChargeKind, LandedCost, LandedCostAsk, LandedCostRefusal, landed_cost};
use crate::money::{Currency, Money, Rate};
use crate::quantity::{Content, ContentUnit, Grams, Size};
use crate::rate_card::{Packed, freight};
use crate::readiness::{HsClaim, ReadinessFacts, gap_of};
use crate::time::BusinessTime;

/// One worked example and where it stands.
pub(super) struct Example {
    pub(super) rule: RuleId,
    /// The first day of the version that it stands under.
    pub(super) from: Date,
    file: String,
    number: usize,
    date: Date,
    check: Check,
}

enum Check {
    LandedCost {
        asked: Box<Asked>,
        expect: Expect,
    },
    Restriction {
        case: CaseFacts,
        expect: Option<RestrictionState>,
    },
    Risk {
        hs: Vec<HsCode>,
        goods: Money,
        goods_and_freight: Money,
        draw: Rate,
        expect: Channel,
    },
    Tolerance {
        declared: i64,
        found: i64,
        agrees: bool,
    },
    Data {
        facts: ProductFacts,
        expect: String,
    },
    Term {
        ends: Date,
    },
    StockMove {
        from: CustomsState,
        to: CustomsState,
        expect: CustomsForm,
    },
    PreAlert(PreAlertCase),
    Deposit {
        total: Money,
        expect: Money,
    },
    Exchange {
        amount: Money,
        expect: Money,
    },
    Return {
        fact: ReturnFact,
        expect: String,
    },
    RateCard {
        pieces: Vec<Packed>,
        expect: Money,
        chargeable: Grams,
    },
    Fee {
        goods: Money,
        expect: Money,
    },
    Fx {
        amount: Money,
        expect: Money,
    },
    /// Which rate stands in a table at a code.
    TableRate {
        code: String,
        expect: String,
    },
}

/// An order of a worked example.
struct Asked {
    regime: Regime,
    lines: Vec<AskLine>,
    freight: Money,
    used: Option<Money>,
    mode: Mode,
    member: Option<Country>,
    registered: Option<bool>,
    alongside: Option<Money>,
    preference: Option<String>,
}

/// What a landed cost must show. What is not stated is not compared.
struct Expect {
    refusal: Option<String>,
    /// The rule that the refusal names; none where it is the one that the example stands under.
    refused_by: Option<String>,
    treatment: Option<Treatment>,
    amounts: Vec<(&'static str, Money)>,
}

/// Days of a worked return.
enum ReturnFact {
    Tax { released: Date, asked: Date, back: Date },
    Home { exported: Date, back: Date, hs: Vec<HsCode> },
    Reduction,
}

struct CaseFacts {
    regime: Regime,
    direction: Direction,
    hs: Option<HsCode>,
    origin: Option<Country>,
    mode: Option<Mode>,
}

struct ProductFacts {
    hs: HsClaim,
    description: String,
    origin: Option<Country>,
    weight: Option<Grams>,
    price: Option<Money>,
    content: Option<Content>,
}

/// Reads one example of a rule.
pub(super) fn read(
    kind: RuleKind,
    info: &RuleInfo,
    number: usize,
    mut f: Fields<'_>,
    money: Currencies,
) -> Option<Example> {
    let date = day_of(&mut f, info);
    let currency = money.import;
    let check = match kind {
        RuleKind::RateTable if f.has("code") => table_rate_check(&mut f),
        RuleKind::Limit
        | RuleKind::TaxBase
        | RuleKind::Charge
        | RuleKind::RateTable
        | RuleKind::Preference
        | RuleKind::PositiveList
        | RuleKind::Tariff
        | RuleKind::ConsumptionTax
        | RuleKind::Relief
        | RuleKind::Assumption => landed_cost_check(&mut f, currency),
        RuleKind::Restriction => restriction_check(&mut f),
        RuleKind::Risk => risk_check(&mut f, currency),
        RuleKind::Tolerance => {
            let declared = f.integer("declared", i64::MIN, i64::MAX);
            let found = f.integer("found", i64::MIN, i64::MAX);
            let agrees = f.flag("agrees");
            Some(()).and_then(|()| Some(Check::Tolerance { declared: declared?, found: found?, agrees: agrees? }))
        }
        RuleKind::Data => data_check(&mut f, currency),
        RuleKind::Term => f.date("ends").map(|ends| Check::Term { ends }),
        RuleKind::StockMove => stock_move_check(&mut f),
        RuleKind::PreAlert => pre_alert_check(&mut f, currency),
        RuleKind::Deposit => {
            let total = f.amount("total", currency);
            let expect = f.amount("expect", currency);
            Some(()).and_then(|()| Some(Check::Deposit { total: total?, expect: expect? }))
        }
        RuleKind::Exchange => {
            let from = f.parsed("currency");
            let amount = from.and_then(|from| f.amount("amount", from));
            let expect = f.amount("expect", currency);
            Some(()).and_then(|()| Some(Check::Exchange { amount: amount?, expect: expect? }))
        }
        RuleKind::Return => return_check(&mut f),
        RuleKind::RateCard => rate_card_check(&mut f, money.export),
        RuleKind::Fee => fee_check(&mut f, money),
        RuleKind::Fx => {
            let amount = f.amount("amount", money.export);
            let expect = f.amount("expect", money.import);
            Some(()).and_then(|()| Some(Check::Fx { amount: amount?, expect: expect? }))
        }
        RuleKind::Description
        | RuleKind::Ask
        | RuleKind::Battery
        | RuleKind::Liquid
        | RuleKind::Agreement
        | RuleKind::Criterion => None,
    };
    f.finish();
    let (rule, from, file) = (info.id.clone(), info.valid_from, info.file.clone());
    Some(Example { rule, from, file, number, date: date?, check: check? })
}

fn stock_move_check(f: &mut Fields<'_>) -> Option<Check> {
    let from = f.one_of("from", &CustomsState::names());
    let to = f.one_of("to", &CustomsState::names());
    let expect = f.one_of("expect", &CustomsForm::ALL);
    Some(Check::StockMove { from: from?, to: to?, expect: expect? })
}

/// One parcel of a consignment, and how long before arrival the pre-alert came.
struct PreAlertCase {
    mode: Mode,
    place: Place,
    minutes: i64,
    hs: HsCode,
    origin: Country,
    value: Money,
    gross: Grams,
    /// `by-list`, or the first reason why not.
    expect: String,
}

fn pre_alert_check(f: &mut Fields<'_>, currency: Currency) -> Option<Check> {
    let mode = f.one_of("mode", &Mode::ALL);
    let place = f.parsed("place");
    let minutes = f.integer("minutes-before", 0, 100_000);
    let hs = f.parsed("hs");
    let origin = f.parsed("origin");
    let value = f.amount("value", currency);
    let gross = f.integer("grams", 1, 1_000_000);
    let expect = f.text("expect");
    let case = PreAlertCase {
        mode: mode?,
        place: place?,
        minutes: minutes?,
        hs: hs?,
        origin: origin?,
        value: value?,
        gross: Grams(gross?),
        expect: expect?,
    };
    Some(Check::PreAlert(case))
}

/// What a worked parcel comes to: `by-list`, or the code of the first reason against it.
fn pre_alert_outcome(rule: &PreAlertRule, case: &PreAlertCase, book: &Rulebook, date: Date) -> String {
    let told = BusinessTime::from_micros(0);
    let late = told > rule.deadline(told.plus_seconds(case.minutes * 60));
    let facts = ParcelFacts { value: case.value, gross: case.gross, goods: vec![(&case.hs, case.origin)] };
    let reasons = rule.reasons(&facts, case.mode, book, date);
    let whole = late.then_some(ListBar::PreAlertLate).or_else(|| rule.closed_to(case.mode, &case.place));
    whole.into_iter().chain(reasons).next().map_or("by-list".to_owned(), |reason| code_of(&reason))
}

fn regime(f: &mut Fields<'_>) -> Option<Regime> {
    if f.has("regime") { f.one_of("regime", &Regime::ALL) } else { Some(Regime::B2cParcel) }
}

/// `50 ml`, `30 g`, `10 piece`; a drink with its strength, `700 ml 40%`.
fn content(f: &mut Fields<'_>, key: &str) -> Option<Content> {
    let got = f.text(key)?;
    let units = [ContentUnit::Ml, ContentUnit::G, ContentUnit::Piece];
    let read = got.split_once(' ').and_then(|(amount, rest)| {
        let (unit, strength) = rest.split_once(' ').unwrap_or((rest, ""));
        let unit = units.into_iter().find(|known| known.code() == unit)?;
        Content::read(&format!("{amount} {strength}"), unit)
    });
    if read.is_none() {
        f.error(key, Problem::NotAnAmount { got });
    }
    read
}

fn return_check(f: &mut Fields<'_>) -> Option<Check> {
    let fact = if f.has("released") {
        let (released, asked, back) = (f.date("released"), f.date("asked"), f.date("back"));
        ReturnFact::Tax { released: released?, asked: asked?, back: back? }
    } else if f.has("exported") {
        let (exported, back) = (f.date("exported"), f.date("back"));
        let hs = f.parsed::<HsCode>("hs");
        ReturnFact::Home { exported: exported?, back: back?, hs: vec![hs?] }
    } else {
        ReturnFact::Reduction
    };
    f.text("expect").map(|expect| Check::Return { fact, expect })
}

/// A code of two to ten digits, and the rate that its table must have for it; `?` where it knows none.
fn table_rate_check(f: &mut Fields<'_>) -> Option<Check> {
    let code = f.text("code");
    let expect = f.text("rate");
    let code = code.filter(|code| {
        let fits = (2..=10).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        if !fits {
            f.error("code", Problem::NotACode { got: code.clone() });
        }
        fits
    });
    Some(Check::TableRate { code: code?, expect: expect? })
}

fn landed_cost_check(f: &mut Fields<'_>, currency: Currency) -> Option<Check> {
    let regime = regime(f);
    let origin: Option<Country> = f.optional("origin", Fields::parsed);
    let lines = f.tables("lines").into_iter().filter_map(|mut line| {
        let hs = line.parsed::<HsCode>("hs");
        let pieces = line.integer("pieces", i64::MIN, i64::MAX);
        let value = line.amount("value", currency);
        let content = line.optional("content", content);
        let origin = line.optional("origin", Fields::parsed).or(origin);
        let net = line.optional("net-grams", |line, key| line.integer(key, 1, 1_000_000_000)).map(Grams);
        line.finish();
        Some(AskLine { hs: hs?, pieces: pieces?, value: value?, content, origin, net })
    });
    let lines = lines.collect();
    let freight = f.amount("freight", currency);
    let used = f.optional("year-used", |f, key| f.amount(key, currency));
    let mode = f.optional("mode", |f, key| f.one_of(key, &Mode::ALL)).unwrap_or(Mode::Air);
    let member = f.optional("member", Fields::parsed);
    let registered = f.optional("registered", Fields::flag);
    let alongside = f.optional("alongside", |f, key| f.amount(key, currency));
    let preference = f.optional("preference", Fields::text);
    let refusal = f.optional("refusal", Fields::text);
    let refused_by = f.optional("refused-by", Fields::text);
    let treatment = f.optional("treatment", |f, key| f.one_of(key, &Treatment::ALL));
    let mut amounts = Vec::new();
    for key in ChargeKind::ALL.into_iter().map(|(name, _)| name).chain(["tax", "total"]) {
        amounts.extend(f.optional(key, |f, key| f.amount(key, currency)).map(|amount| (key, amount)));
    }
    if refusal.is_none() && amounts.is_empty() {
        f.error("tax", Problem::Missing);
    }
    let expect = Expect { refusal, refused_by, treatment, amounts };
    let (regime, freight) = (regime?, freight?);
    let asked = Asked { regime, lines, freight, used, mode, member, registered, alongside, preference };
    Some(Check::LandedCost { asked: Box::new(asked), expect })
}

fn restriction_check(f: &mut Fields<'_>) -> Option<Check> {
    let case = CaseFacts {
        regime: regime(f)?,
        direction: f.one_of("direction", &Direction::ALL)?,
        hs: f.optional("hs", Fields::parsed),
        origin: f.optional("origin", Fields::parsed),
        mode: f.optional("mode", |f, key| f.one_of(key, &Mode::ALL)),
    };
    let expect = f.one_of(
        "expect",
        &[
            (Restriction::STATES[0].0, Some(RestrictionState::Prohibited)),
            (Restriction::STATES[1].0, Some(RestrictionState::Restricted)),
            ("free", None),
        ],
    )?;
    Some(Check::Restriction { case, expect })
}

fn risk_check(f: &mut Fields<'_>, currency: Currency) -> Option<Check> {
    let mut hs = Vec::new();
    for got in f.texts("hs") {
        match got.parse() {
            Ok(code) => hs.push(code),
            Err(_) => f.error("hs", Problem::NotACode { got }),
        }
    }
    let goods = f.amount("goods", currency);
    let freight = f.amount("freight", currency);
    let draw = if f.has("draw") { f.percent("draw") } else { Some(Rate::ONE) };
    let expect = f.one_of("expect", &[("green", Channel::Green), ("yellow", Channel::Yellow), ("red", Channel::Red)]);
    let goods = goods?;
    let goods_and_freight = goods.plus(freight?).ok()?;
    Some(Check::Risk { hs, goods, goods_and_freight, draw: draw?, expect: expect? })
}

fn data_check(f: &mut Fields<'_>, currency: Currency) -> Option<Check> {
    let hs = match f.optional("hs", Fields::text) {
        None => HsClaim::Missing,
        Some(text) => text.parse().map_or(HsClaim::Short(text), HsClaim::Code),
    };
    let facts = ProductFacts {
        hs,
        description: f.optional("text", Fields::text).unwrap_or_default(),
        origin: f.optional("origin", Fields::parsed),
        weight: f.optional("grams", |f, key| f.integer(key, 0, i64::MAX)).map(Grams),
        price: f.optional("price", |f, key| f.amount(key, currency)),
        content: f.optional("content", content),
    };
    Some(Check::Data { facts, expect: f.text("expect")? })
}

fn rate_card_check(f: &mut Fields<'_>, currency: Currency) -> Option<Check> {
    let pieces = f.tables("pieces").into_iter().filter_map(|mut piece| {
        let count = piece.integer("count", 1, 1_000_000);
        let grams = piece.integer("grams", 1, 100_000_000);
        let size = if piece.has("length-mm") {
            let length_mm = piece.integer("length-mm", 1, 100_000);
            let width_mm = piece.integer("width-mm", 1, 100_000);
            let height_mm = piece.integer("height-mm", 1, 100_000);
            Some(Size { length_mm: length_mm?, width_mm: width_mm?, height_mm: height_mm? })
        } else {
            None
        };
        piece.finish();
        Some(Packed { count: count?, each: Grams(grams?), size })
    });
    let pieces = pieces.collect();
    let expect = f.amount("expect", currency);
    let chargeable = f.integer("chargeable-grams", 1, i64::MAX);
    Some(Check::RateCard { pieces, expect: expect?, chargeable: Grams(chargeable?) })
}

fn fee_check(f: &mut Fields<'_>, money: Currencies) -> Option<Check> {
    let side = f.one_of("hub", &[("exporting", FeeSide::ExportingHub), ("importing", FeeSide::ImportingHub)])?;
    let currency = if side == FeeSide::ExportingHub { money.export } else { money.import };
    let goods = f.amount("goods", currency);
    let expect = f.amount("expect", currency);
    Some(Check::Fee { goods: goods?, expect: expect? })
}

impl Example {
    fn fails(&self, errors: &Errors, expected: impl Into<String>, got: impl Into<String>) {
        let problem = Problem::ExampleFails { number: self.number, expected: expected.into(), got: got.into() };
        errors.push(&self.file, &self.rule, "example", problem);
    }

    fn compare<T: PartialEq + Debug>(&self, errors: &Errors, expected: &T, got: &T) {
        if expected != got {
            self.fails(errors, format!("{expected:?}"), format!("{got:?}"));
        }
    }

    fn misses(&self, errors: &Errors) {
        errors.push(&self.file, &self.rule, "example", Problem::ExampleMissesRule { number: self.number });
    }

    /// The one of these rules that this example stands under.
    fn mine<'a, T>(&self, rules: &'a [T], info: impl Fn(&T) -> &RuleInfo, errors: &Errors) -> Option<&'a T> {
        let found = rules.iter().find(|rule| info(rule).id == self.rule && info(rule).holds_on(self.date));
        if found.is_none() {
            self.misses(errors);
        }
        found
    }
}

/// Works an example of a pack and reports what comes out wrong.
pub(super) fn check_in_book(example: &Example, book: &Rulebook, errors: &Errors) {
    match &example.check {
        Check::LandedCost { asked, expect } => {
            let ask = LandedCostAsk {
                year_used: asked.used,
                mode: asked.mode,
                member: asked.member,
                registered: asked.registered,
                alongside: asked.alongside,
                preference: asked.preference.as_deref(),
                ..LandedCostAsk::new(example.date, asked.regime, &asked.lines, asked.freight, &Stance::Sandbox)
            };
            check_landed_cost(example, expect, landed_cost(book, &ask), errors);
        }
        Check::TableRate { code, expect } => {
            let Some(table) = example.mine(&book.tables, |table| &table.info, errors) else { return };
            let got = match table.of_code(HsNumber::of(code)) {
                Found::Rate(rate) => rate.to_string(),
                Found::Unknown => "?".to_owned(),
                Found::Digits(digits) => format!("{digits} digits"),
            };
            example.compare(errors, expect, &got);
        }
        Check::Restriction { case, expect } => {
            let Some(rule) = example.mine(&book.restrictions, |rule| &rule.info, errors) else { return };
            let facts = Case {
                hs: case.hs.as_ref(),
                origin: case.origin,
                mode: case.mode,
                ..Case::of(case.regime, case.direction)
            };
            example.compare(errors, expect, &rule.when.met(&facts).then_some(rule.state));
        }
        Check::Risk { hs, goods, goods_and_freight, draw, expect } => {
            let Some(rule) = example.mine(&book.risks, |rule| &rule.info, errors) else { return };
            let facts = ChannelFacts {
                regime: Regime::B2cParcel,
                direction: rule.direction,
                hs,
                goods: *goods,
                goods_and_freight: *goods_and_freight,
                trade: "",
                date: example.date,
            };
            let got = met(rule, &facts, Draw::at(*draw)).map_or(Channel::Green, |_| rule.channel);
            example.compare(errors, expect, &got);
        }
        Check::Tolerance { declared, found, agrees } => {
            let Some(rule) = example.mine(&book.tolerances, |rule| &rule.info, errors) else { return };
            example.compare(errors, agrees, &rule.allows(*declared, *found));
        }
        Check::Data { facts, expect } => {
            let Some(rule) = example.mine(&book.data, |rule| &rule.info, errors) else { return };
            let product = ReadinessFacts {
                regime: Regime::B2cParcel,
                description: &facts.description,
                hs: facts.hs.clone(),
                origin: facts.origin,
                weight: facts.weight,
                price: facts.price,
                content: facts.content,
                hazards: crate::hazard::Hazards::default(),
            };
            let direction = rule.when.directions.first().copied().unwrap_or(Direction::Import);
            let got =
                gap_of(rule, &product, direction, rule.info.valid_from).map_or("ready".to_owned(), |gap| code_of(&gap));
            example.compare(errors, expect, &got);
        }
        Check::Term { ends } => {
            let own = [&book.quote_validity, &book.claim_window, &book.balance_due].into_iter().flatten();
            let terms: Vec<_> = own.chain(book.claim_terms.iter().map(|(_, term)| term)).cloned().collect();
            let Some(rule) = example.mine(&terms, |rule| &rule.info, errors) else { return };
            let got = example.date.checked_add(jiff::Span::new().days(rule.days.0)).ok();
            example.compare(errors, &Some(*ends), &got);
        }
        Check::StockMove { from, to, expect } => {
            let Some(rule) = example.mine(&book.stock_moves, |rule| &rule.info, errors) else { return };
            example.compare(errors, &(*from, *to, *expect), &(rule.from, rule.to, rule.form));
        }
        Check::PreAlert(case) => {
            let Some(rule) = example.mine(&book.pre_alerts, |rule| &rule.info, errors) else { return };
            example.compare(errors, &case.expect, &pre_alert_outcome(rule, case, book, example.date));
        }
        Check::Deposit { total, expect } => {
            let Some(rule) = example.mine(&book.deposits, |rule| &rule.info, errors) else { return };
            example.compare(errors, &Ok(*expect), &rule.of(*total));
        }
        Check::Exchange { amount, expect } => {
            let Some(rule) = example.mine(&book.exchange, |rule| &rule.info, errors) else { return };
            let got = Exchange::new(vec![rule.rate.clone()]).convert(*amount, book.currency);
            example.compare(errors, &Some(*expect), &got);
        }
        Check::Return { fact, expect } => {
            let Some(rule) = example.mine(&book.returns, |rule| &rule.info, errors) else { return };
            let got = match (fact, &rule.terms) {
                (ReturnFact::Tax { released, asked, back }, _) => word(&rule.tax(*released, *asked, *back)),
                (ReturnFact::Home { exported, back, hs }, _) => word(&rule.home(*exported, *back, hs)),
                (ReturnFact::Reduction, ReturnTerms::PriceReduction { tax_follows: true }) => "given-back".to_owned(),
                (ReturnFact::Reduction, ReturnTerms::PriceReduction { tax_follows: false }) => "kept".to_owned(),
                (ReturnFact::Reduction, _) => "unknown".to_owned(),
            };
            example.compare(errors, expect, &got);
        }
        Check::RateCard { .. } | Check::Fee { .. } | Check::Fx { .. } => example.misses(errors),
    }
}

/// Works an example of a lane and reports what comes out wrong.
pub(super) fn check_in_lane(example: &Example, lane: &Lane, errors: &Errors) {
    match &example.check {
        Check::RateCard { pieces, expect, chargeable } => {
            let Some(card) = example.mine(&lane.rate_cards, |card| &card.info, errors) else { return };
            let got = freight(card, pieces).map(|freight| (freight.amount, freight.chargeable));
            example.compare(errors, &Ok((*expect, *chargeable)), &got);
        }
        Check::Fee { goods, expect } => {
            let Some(fee) = example.mine(&lane.fees, |fee| &fee.info, errors) else { return };
            example.compare(errors, &Ok(*expect), &fee.on(*goods));
        }
        Check::Fx { amount, expect } => {
            let Some(fx) = example.mine(&lane.fx, |fx| &fx.info, errors) else { return };
            example.compare(errors, &Ok(*expect), &fx.rate.convert(*amount));
        }
        _ => example.misses(errors),
    }
}

fn check_landed_cost(
    example: &Example,
    expect: &Expect,
    answer: Result<LandedCost, LandedCostRefusal>,
    errors: &Errors,
) {
    let cost = match (answer, &expect.refusal) {
        (Err(refusal), Some(expected)) => {
            let shown = serde_json::to_value(&refusal).unwrap_or_default();
            example.compare(errors, expected, &code_of(&refusal));
            let named = shown.get("rule").and_then(serde_json::Value::as_str);
            let by = expect.refused_by.as_deref().unwrap_or(&example.rule);
            if named.is_some_and(|rule| rule != by) {
                example.misses(errors);
            }
            return;
        }
        (Err(refusal), None) => return example.fails(errors, "landed-cost", format!("{refusal:?}")),
        (Ok(_), Some(expected)) => return example.fails(errors, expected, "landed-cost"),
        (Ok(cost), None) => cost,
    };
    if let Some(treatment) = expect.treatment {
        example.compare(errors, &treatment, &cost.treatment);
    }
    for (what, expected) in &expect.amounts {
        let of_kind = |kind| {
            let charges = cost.charges.iter().filter(|charge| charge.kind == kind).map(|charge| charge.amount);
            crate::money::sum(expected.currency(), charges).ok()
        };
        let kind = ChargeKind::ALL.iter().find(|(name, _)| name == what).map(|(_, kind)| *kind);
        let got = match (kind, *what) {
            (Some(kind), _) => of_kind(kind),
            (None, "total") => Some(cost.total),
            _ => Some(cost.tax),
        };
        if got != Some(*expected) {
            let got = got.map_or("too large".to_owned(), |amount| amount.to_string());
            example.fails(errors, format!("{what} {expected}"), format!("{what} {got}"));
        }
    }
    if !cost.rests_on.iter().any(|used| used.rule == example.rule) {
        example.misses(errors);
    }
}

/// An answer by the word that stands for it on the wire.
fn word(answer: &impl serde::Serialize) -> String {
    serde_json::to_value(answer).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The `code` by which an outcome is known on the wire.
fn code_of(outcome: &impl serde::Serialize) -> String {
    let shown = serde_json::to_value(outcome).unwrap_or_default();
    shown.get("code").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
