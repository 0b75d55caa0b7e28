//! A replay in words and tables: for the page and for the terminal alike.

use trade::landed_cost::{AskLine, LandedCost};
use trade::money::{Money, Rate};
use trade::replay::{Answer, Checked, Count, Figure, Flight, GroupTold, Part, Report, SellerSize, Two, WindTunnel};
use trade::rulebook::{PackError, Problem};

use crate::charge;
use crate::i18n::Tr;

/// Chapters that are shown: those that change most.
const GOODS_SHOWN: usize = 20;

/// One table of the report.
pub struct Section {
    pub title: String,
    /// What the numbers count, where the title does not say enough.
    pub note: Option<String>,
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// A cell; a number leads to the trades behind it.
pub struct Cell {
    pub text: String,
    pub figure: Option<String>,
}

/// One trade under both laws.
pub struct FlightTold {
    pub id: String,
    pub when: String,
    pub goods: Vec<String>,
    pub seller: String,
    pub documents: Vec<String>,
    pub was: AnswerTold,
    pub is: AnswerTold,
    pub change: Option<String>,
}

/// What one law says of it, every charge with its base, rate and rule.
pub struct AnswerTold {
    pub total: String,
    pub charges: Vec<String>,
    pub checked: String,
}

fn cell(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), figure: None }
}

fn led(text: impl Into<String>, figure: &Figure) -> Cell {
    Cell { text: text.into(), figure: Some(figure.to_string()) }
}

/// With its sign, so that more and less are told apart.
fn change(t: &Tr, two: &Two<Money>) -> String {
    let by = two.is.minor().saturating_sub(two.was.minor());
    let shown = t.money(Money::new(by.saturating_abs(), two.is.currency()));
    match by.signum() {
        0 => t.s("replay-same"),
        1 => t.w1("replay-more", "by", shown),
        _ => t.w1("replay-less", "by", shown),
    }
}

fn count_change(t: &Tr, two: &Two<u64>) -> String {
    let shown = t.num(two.is.abs_diff(two.was));
    match two.is.cmp(&two.was) {
        std::cmp::Ordering::Equal => t.s("replay-same"),
        std::cmp::Ordering::Greater => t.w1("replay-more", "by", shown),
        std::cmp::Ordering::Less => t.w1("replay-less", "by", shown),
    }
}

/// A count with its share of the whole.
fn share(t: &Tr, part: u64, whole: u64) -> String {
    if whole == 0 { t.num(part) } else { t.w2("replay-share", "n", t.num(part), "share", share_alone(t, part, whole)) }
}

/// To a tenth of a per cent.
fn share_alone(t: &Tr, part: u64, whole: u64) -> String {
    let whole = whole.max(1);
    let tenths = (u128::from(part) * 2_000 + u128::from(whole)) / (u128::from(whole) * 2);
    t.percent(Rate::nano(i64::try_from(tenths).unwrap_or(0) * 1_000_000))
}

fn heads<const N: usize>(t: &Tr, keys: [&str; N]) -> Vec<String> {
    keys.iter().map(|key| if key.is_empty() { String::new() } else { t.s(key) }).collect()
}

/// The whole report.
#[must_use]
pub fn told(t: &Tr, report: &Report) -> Vec<Section> {
    let mut sections = vec![revenue(t, report), checked(t, report), buyers(t, report)];
    if !report.refused.is_empty() {
        sections.push(refused(t, report));
    }
    sections.push(sellers(t, report));
    let size = |code: &str| t.by("replay-size", code);
    let of_size = |code: &str| Some(Figure::Size(SellerSize::ALL.iter().find(|(name, _)| *name == code)?.1));
    sections.push(groups(t, "replay-sizes", "replay-size", &report.sizes, size, of_size));
    let shown = report.goods.len().min(GOODS_SHOWN);
    let chapter = |code: &str| t.chapter(code);
    let of_chapter = |code: &str| Some(Figure::Goods(code.parse().ok()?));
    sections.push(groups(t, "replay-goods", "replay-chapter", &report.goods[..shown], chapter, of_chapter));
    let country =
        |code: &str| code.parse().map_or_else(|_| code.to_owned(), |country: trade::codes::Country| t.country(country));
    let of_country = |code: &str| Some(Figure::From(code.parse().ok()?));
    sections.push(groups(t, "replay-origins", "replay-origin", &report.origins, country, of_country));
    sections
}

fn revenue(t: &Tr, report: &Report) -> Section {
    let row = |revenue: &trade::replay::Revenue| {
        let (kind, at, amount) = (revenue.kind, revenue.at, &revenue.amount);
        let name = t.w2("replay-charge-at", "charge", t.by("charge", kind.code()), "at", t.by("replay-at", at.code()));
        vec![
            cell(name),
            led(t.money(amount.was), &Figure::Charge(Part::Was, kind, at)),
            led(t.money(amount.is), &Figure::Charge(Part::Is, kind, at)),
            cell(change(t, amount)),
        ]
    };
    let mut rows: Vec<_> = report.revenue.iter().map(row).collect();
    let tax = &report.tax;
    rows.push(vec![cell(t.s("replay-all")), cell(t.money(tax.was)), cell(t.money(tax.is)), cell(change(t, tax))]);
    Section {
        title: t.s("replay-revenue"),
        note: None,
        head: heads(t, ["replay-charge", "replay-was", "replay-is", "replay-change"]),
        rows,
    }
}

fn checked(t: &Tr, report: &Report) -> Section {
    let row = |count: &Count| {
        let Two { was, is } = count.trades;
        let figure = |part| Figure::Checked(part, count.code.clone());
        vec![
            cell(t.by("replay-checked", &count.code)),
            led(share(t, was, report.trades), &figure(Part::Was)),
            led(share(t, is, report.trades), &figure(Part::Is)),
            cell(count_change(t, &count.trades)),
        ]
    };
    Section {
        title: t.s("replay-clearance"),
        note: None,
        head: heads(t, ["replay-how", "replay-was", "replay-is", "replay-change"]),
        rows: report.checked.iter().map(row).collect(),
    }
}

fn buyers(t: &Tr, report: &Report) -> Section {
    let of_both = |n: u64, figure: Option<&Figure>| {
        let text = share(t, n, report.both);
        figure.map_or_else(|| cell(text.clone()), |figure| led(text.clone(), figure))
    };
    let cost = &report.cost;
    let empty = || cell("");
    Section {
        title: t.s("replay-buyers"),
        note: Some(t.n("replay-buyers-note", report.both)),
        head: heads(t, ["", "replay-was", "replay-is", "replay-change"]),
        rows: vec![
            vec![cell(t.s("replay-cost")), cell(t.money(cost.was)), cell(t.money(cost.is)), cell(change(t, cost))],
            vec![cell(t.s("replay-dearer")), empty(), of_both(report.dearer, Some(&Figure::Dearer)), empty()],
            vec![cell(t.s("replay-cheaper")), empty(), of_both(report.cheaper, Some(&Figure::Cheaper)), empty()],
            vec![cell(t.s("replay-unchanged")), empty(), of_both(report.same, None), empty()],
        ],
    }
}

fn refused(t: &Tr, report: &Report) -> Section {
    let row = |count: &Count| {
        let figure = |part| Figure::Refused(part, count.code.clone());
        vec![
            cell(t.reason(&count.code)),
            led(t.num(count.trades.was), &figure(Part::Was)),
            led(t.num(count.trades.is), &figure(Part::Is)),
            cell(count_change(t, &count.trades)),
        ]
    };
    Section {
        title: t.s("replay-refused"),
        note: Some(t.s("replay-refused-note")),
        head: heads(t, ["replay-why", "replay-was", "replay-is", "replay-change"]),
        rows: report.refused.iter().map(row).collect(),
    }
}

fn sellers(t: &Tr, report: &Report) -> Section {
    let row = |of: &trade::replay::Winners| {
        vec![
            cell(t.by("replay-size", of.size.code())),
            cell(t.num(of.sellers)),
            cell(share(t, of.gain, of.sellers)),
            cell(share(t, of.lose, of.sellers)),
        ]
    };
    Section {
        title: t.s("replay-winners"),
        note: Some(t.s("replay-winners-note")),
        head: heads(t, ["replay-size", "replay-sellers", "replay-gain", "replay-lose"]),
        rows: report.sellers.iter().map(row).collect(),
    }
}

fn groups(
    t: &Tr,
    title: &str,
    of: &str,
    groups: &[GroupTold],
    name: impl Fn(&str) -> String,
    figure: impl Fn(&str) -> Option<Figure>,
) -> Section {
    let row = |group: &GroupTold| {
        let trades = t.num(group.trades);
        let at_once = |n: u64| share_alone(t, n, group.trades);
        vec![
            cell(name(&group.code)),
            figure(&group.code).map_or_else(|| cell(trades.clone()), |figure| led(trades.clone(), &figure)),
            cell(t.money(group.tax.was)),
            cell(change(t, &group.tax)),
            cell(t.num(group.dearer)),
            cell(t.num(group.cheaper)),
            cell(t.w2("replay-from-to", "was", t.num(group.not_sold.was), "is", t.num(group.not_sold.is))),
            cell(t.w2("replay-from-to", "was", at_once(group.at_once.was), "is", at_once(group.at_once.is))),
        ]
    };
    let head = [
        of,
        "replay-trades",
        "replay-tax-was",
        "replay-change",
        "replay-dearer",
        "replay-cheaper",
        "replay-not-sold",
        "replay-at-once",
    ];
    Section { title: t.s(title), note: None, head: heads(t, head), rows: groups.iter().map(row).collect() }
}

/// A worked example that comes out otherwise: which, and what it gives now.
#[must_use]
pub fn upset_told(t: &Tr, error: &PackError) -> String {
    match &error.problem {
        Problem::ExampleFails { number, expected, got } => t.w(
            "replay-upset-line",
            [
                ("rule", error.rule.clone()),
                ("n", number.to_string()),
                ("expected", expected.clone()),
                ("got", got.clone()),
            ],
        ),
        _ => t.w2("replay-upset-other", "rule", &error.rule, "what", crate::rulebook::told(t, error).title),
    }
}

/// One trade under both laws, so that anybody can work it again by hand.
#[must_use]
pub fn flight_told(t: &Tr, tunnel: &WindTunnel<'_>, flight: &Flight<'_>) -> FlightTold {
    let trade = flight.trade;
    let goods = |line: &AskLine| {
        t.w(
            "replay-goods-line",
            [("hs", line.hs.to_string()), ("pieces", t.num(line.pieces)), ("value", t.money(line.value))],
        )
    };
    let mut lines: Vec<String> = trade.lines.iter().map(goods).collect();
    lines.push(t.w1("replay-freight", "amount", t.money(trade.freight)));
    let apart = |d: &trade::replay::Difference| {
        let field = t.by("field", d.field.code());
        match (d.declared, d.found) {
            (0, 1) => t.w1("replay-differs", "field", field),
            (declared, found) => {
                t.w("replay-differs-by", [("field", field), ("declared", t.num(declared)), ("found", t.num(found))])
            }
        }
    };
    let both = flight.was.cost.as_ref().ok().zip(flight.is.cost.as_ref().ok());
    let to = trade.member.unwrap_or(tunnel.was.book.territory);
    FlightTold {
        id: trade.id.clone(),
        when: t
            .w("replay-when", [("date", t.date(trade.date)), ("from", t.country(trade.from)), ("to", t.country(to))]),
        goods: lines,
        seller: t.w2("replay-seller", "n", trade.seller, "size", t.by("replay-size", trade.size.code())),
        documents: trade.differs.iter().map(apart).collect(),
        was: answer(t, &flight.was),
        is: answer(t, &flight.is),
        change: both.map(|(was, is)| change(t, &Two { was: was.total, is: is.total })),
    }
}

fn answer(t: &Tr, answer: &Answer) -> AnswerTold {
    let of_cost = |cost: &LandedCost| {
        let line = |each: &trade::landed_cost::Charge| {
            t.w(
                "replay-charge-line",
                [
                    ("charge", charge::name(t, each)),
                    ("how", charge::formula(t, each)),
                    ("amount", t.money(each.amount)),
                    ("rule", each.rule.to_string()),
                ],
            )
        };
        cost.charges.iter().map(line).collect()
    };
    let by = match &answer.checked {
        Checked::Held { fields } => fields.iter().map(|field| t.by("field", field.code())).collect(),
        Checked::Examined { rule: Some(rule), .. } => vec![rule.to_string()],
        _ => Vec::new(),
    };
    let checked = t.by("replay-checked", answer.checked.code());
    match &answer.cost {
        Ok(cost) => AnswerTold {
            total: t.money(cost.total),
            charges: of_cost(cost),
            checked: if by.is_empty() {
                checked
            } else {
                t.w2("replay-checked-by", "how", checked, "by", by.join(", "))
            },
        },
        Err(refusal) => AnswerTold { total: t.told(refusal).title, charges: Vec::new(), checked },
    }
}
