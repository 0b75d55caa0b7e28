//! What customs charged beside what was quoted: in a trade's money, and over all imports for the operator.

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use hub::variance::VarianceGroup;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::money::Money;
use trade::party::Role;
use trade::trade_file::TradeFile;
use trade::variance::ChargedAnswer;

use crate::AppState;
use crate::auth::{As, Operator};
use crate::door::{Doors, get, only};
use crate::i18n::Tr;
use crate::page::Page;
use crate::problem::{Answer, percent};
use crate::schema::{Schema, count, list, money, object, text};

/// Groups, or trades of one group, on a page.
const PAGE: i64 = 50;
/// In one answer to a machine.
const API_PAGE: i64 = 200;

fn group_shape() -> Schema {
    object([
        ("group", text()),
        ("month", text()),
        ("pack", text()),
        ("charge", text().or_null()),
        ("why?", text()),
        ("trades", count()),
        ("quoted", money()),
        ("charged", money()),
        ("above", count()),
        ("given_back", count()),
    ])
}

fn trade_shape() -> Schema {
    object([("trade", text()), ("quoted", money()), ("charged", money()), ("state", text())])
}

pub fn routes() -> Doors {
    let office = only(&[Role::Operator]);
    Doors::new().open(get("/variance", office), show).open(
        get("/api/v1/variance", office).query(&["group", "after", "limit"]).gives(200, || {
            object([
                ("lost", money()),
                ("held", money()),
                ("groups?", list(group_shape())),
                ("trades?", list(trade_shape())),
                ("next", text().or_null()),
            ])
        }),
        api,
    )
}

#[derive(Deserialize)]
struct Asked {
    /// One group's trades.
    group: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

struct GroupRow {
    month: String,
    charge: String,
    why: Option<String>,
    pack: String,
    rules: String,
    href: String,
    trades: String,
    quoted: String,
    charged: String,
    variance: String,
    split: String,
}

struct TradeRow {
    order: String,
    href: String,
    quoted: String,
    charged: String,
    variance: String,
    state: String,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "variance/page.html")]
struct VariancePage {
    p: Page,
    lost: String,
    held: Option<String>,
    groups: Vec<GroupRow>,
    /// Of one group.
    trades: Option<Vec<TradeRow>>,
    more: Option<String>,
}

fn difference(t: &Tr, quoted: Money, charged: Money) -> String {
    charged.minus(quoted).map_or_else(|_| String::new(), |difference| t.money(difference))
}

fn group_row(p: &Page, row: &VarianceGroup, territory: &str) -> GroupRow {
    GroupRow {
        month: row.month.clone(),
        charge: row.charge.as_ref().map_or_else(|| p.s("variance-refused"), |charge| p.by("charge", charge)),
        why: row.why.clone(),
        pack: row.pack.chars().take(12).collect(),
        rules: format!("/rules/{territory}?digest={}", row.pack),
        href: format!("/variance?group={}", percent(&row.group)),
        trades: p.num(row.trades),
        quoted: p.money(row.quoted),
        charged: p.money(row.charged),
        variance: difference(p, row.quoted, row.charged),
        split: p.w(
            "variance-split",
            [
                ("above", p.num(row.above)),
                ("below", p.num(row.trades.saturating_sub(row.above))),
                ("back", p.num(row.given_back)),
            ],
        ),
    }
}

/// GET /variance?group=&after=
async fn show(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Operator>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let (lost, held) = app.hub.variance_balance().await?;
    let after = asked.after.as_deref();
    let mut shown = VariancePage {
        lost: p.money(lost),
        held: (!held.is_zero()).then(|| p.money(held)),
        groups: Vec::new(),
        trades: None,
        more: None,
        p,
    };
    let p = &shown.p;
    if let Some(group) = &asked.group {
        let part = app.hub.variance_trades(group, after, PAGE).await?;
        let row = |row: &hub::variance::VarianceTrade| TradeRow {
            order: row.trade.order_no().to_owned(),
            href: format!("/trades/{}", percent(row.trade.as_str())),
            quoted: p.money(row.quoted),
            charged: p.money(row.charged),
            variance: difference(p, row.quoted, row.charged),
            state: p.by("variance-state", &row.state),
            class: match row.state.as_str() {
                "booked" => "go",
                "held" => "wait",
                _ => "",
            },
        };
        let rows = part.items.iter().map(row).collect();
        shown.more = part.next.map(|next| format!("/variance?group={}&after={}", percent(group), percent(&next)));
        shown.trades = Some(rows);
    } else {
        let part = app.hub.variances(after, PAGE).await?;
        let territory = app.site().territory.to_string();
        let rows = part.items.iter().map(|row| group_row(p, row, &territory)).collect();
        shown.more = part.next.map(|next| format!("/variance?after={}", percent(&next)));
        shown.groups = rows;
    }
    Ok(shown.p.show(&shown))
}

/// GET /api/v1/variance?group=&after=
async fn api(State(app): State<AppState>, As(..): As<Operator>, Query(asked): Query<Asked>) -> Answer<Json<Value>> {
    let (lost, held) = app.hub.variance_balance().await?;
    let after = asked.after.as_deref();
    let limit = asked.limit.unwrap_or(API_PAGE).clamp(1, API_PAGE);
    Ok(Json(match &asked.group {
        Some(group) => {
            let part = app.hub.variance_trades(group, after, limit).await?;
            json!({ "lost": lost, "held": held, "trades": part.items, "next": part.next })
        }
        None => {
            let part = app.hub.variances(after, limit).await?;
            json!({ "lost": lost, "held": held, "groups": part.items, "next": part.next })
        }
    }))
}

/// Quoted, charged and who bears the difference, for the money of one trade.
#[must_use]
pub fn facts(t: &Tr, file: &TradeFile) -> Vec<(String, String)> {
    let Some(charged) = file.charged.as_deref() else { return Vec::new() };
    let by =
        |key: &str| t.w2(key, "date", t.date(charged.date), "pack", charged.pack.chars().take(12).collect::<String>());
    match &charged.answer {
        ChargedAnswer::Refused { problem } => {
            vec![(t.s("variance-charged"), format!("{} {}", by("variance-no-answer"), t.problem(problem).title))]
        }
        ChargedAnswer::Worked { .. } if !charged.says_otherwise() => {
            vec![(t.s("variance-charged"), by("variance-as-quoted"))]
        }
        ChargedAnswer::Worked { kinds } => {
            let mut facts: Vec<(String, String)> = kinds
                .iter()
                .filter(|kind| kind.charged != kind.quoted)
                .map(|kind| {
                    let amounts =
                        t.w2("variance-kind", "quoted", t.money(kind.quoted), "charged", t.money(kind.charged));
                    (t.by("charge", kind.charge.code()), amounts)
                })
                .collect();
            facts.push((t.s("variance-charged"), format!("{} {}", by("variance-law"), causes(t, file).join(" "))));
            if let Some(borne) = file.variance_borne() {
                let key = match borne.minor() {
                    0 => "variance-none-left",
                    1.. => "variance-lost",
                    _ => "variance-won",
                };
                let amount = Money::new(borne.minor().saturating_abs(), borne.currency());
                facts.push((t.s("variance-title"), t.w1(key, "amount", t.money(amount))));
            }
            facts
        }
    }
}

/// Why it differs, as far as the documents say.
fn causes(t: &Tr, file: &TradeFile) -> Vec<String> {
    let (Some(charged), Some(order)) = (file.charged.as_deref(), &file.order) else { return Vec::new() };
    let quote = &order.quote;
    let mut causes = Vec::new();
    if charged.pack != quote.landed.pack {
        causes.push(t.s("variance-cause-pack"));
    } else if charged.date != quote.date {
        causes.push(t.w1("variance-cause-date", "date", t.date(quote.date)));
    }
    let as_ordered = |declared: &trade::declaration::DeclaredLine| {
        quote.lines.iter().any(|line| trade::declaration::DeclaredLine::ordered(line) == *declared)
    };
    if file.declaration.as_ref().is_some_and(|declaration| !declaration.lines.iter().all(as_ordered)) {
        causes.push(t.s("variance-cause-declared"));
    }
    causes
}

/// What happened, in a line of the timeline.
#[must_use]
pub fn told(t: &Tr, charged: &trade::variance::Charged) -> Option<String> {
    match &charged.answer {
        ChargedAnswer::Refused { problem } => Some(t.problem(problem).title),
        ChargedAnswer::Worked { .. } => {
            let (amount, quoted) = charged.sums()?;
            Some(t.w2("variance-kind", "quoted", t.money(quoted), "charged", t.money(amount)))
        }
    }
}
