//! Positions between hubs, the trial balance, and the audit of the ledger against its transfers.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hub::ledger::{AccountBalance, Audit};
use serde::Serialize;
use serde_json::{Value, json};
use trade::codes::HubId;
use trade::ledger::Purpose;
use trade::money::Money;
use trade::party::Role;

use crate::AppState;
use crate::auth::{As, Operator};
use crate::door::{Doors, get, only};
use crate::page::Page;
use crate::problem::Answer;
use crate::schema::{Schema, any, boolean, count, list, money, object, text};
use crate::trade_file::money::account;

/// Accounts on the page; a hub with more sellers shows the rest in its exports.
const ACCOUNTS_MAX: i64 = 500;

fn position() -> Schema {
    object([("peer", text()), ("due_to", money()), ("due_from", money()), ("in_flight", money())])
}

fn audit_shape() -> Schema {
    object([
        ("transfers", count()),
        ("accounts", count()),
        ("currencies", list(any())),
        ("differences", list(any())),
        ("pending_faults", list(any())),
        ("missing", count()),
        ("stock", list(any())),
        ("sound", boolean()),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/settlement", only(&[Role::Operator])), show)
        .open(
            get("/api/v1/settlement", only(&[Role::Operator])).gives(200, || object([("positions", list(position()))])),
            api,
        )
        .open(get("/api/v1/audit", only(&[Role::Operator])).gives(200, audit_shape), audit)
}

/// Where this hub stands with one peer in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    pub peer: String,
    /// What this hub owes the peer.
    pub due_to: Money,
    /// What the peer owes this hub.
    pub due_from: Money,
    /// Of `due_to`: told to the peer, and not yet confirmed by it. What the peer has booked as due
    /// from us is `due_to` less this.
    pub in_flight: Money,
}

impl Position {
    /// What the peer has confirmed that we owe it.
    #[must_use]
    pub fn confirmed(&self) -> Money {
        self.due_to.minus(self.in_flight).unwrap_or(self.due_to)
    }
}

/// The positions with all peers.
pub async fn positions(app: &AppState) -> Answer<Vec<Position>> {
    let accounts = app.hub.settlement().await?;
    let mut rows: BTreeMap<(String, trade::money::Currency), (i64, i64)> = BTreeMap::new();
    for AccountBalance { account, balance } in accounts {
        let row = rows.entry((account.with.clone(), account.currency)).or_default();
        match account.purpose {
            Purpose::DueTo => row.0 = balance.owed(),
            Purpose::DueFrom => row.1 = balance.held(),
            _ => {}
        }
    }
    let mut positions = Vec::with_capacity(rows.len());
    for ((peer, currency), (due_to, due_from)) in rows {
        let flying = match peer.parse::<HubId>() {
            Ok(id) => app.hub.in_flight(&id, currency).await?,
            Err(_) => 0,
        };
        positions.push(Position {
            peer,
            due_to: Money::new(due_to, currency),
            due_from: Money::new(due_from, currency),
            in_flight: Money::new(flying, currency),
        });
    }
    Ok(positions)
}

struct PositionRow {
    peer: String,
    due_to: String,
    due_from: String,
    flight: String,
    checked: String,
}

struct TrialRow {
    name: String,
    id: String,
    debit: String,
    credit: String,
    pending: String,
}

struct SumRow {
    currency: &'static str,
    debit: String,
    credit: String,
    state: String,
    class: &'static str,
}

struct View {
    positions: Vec<PositionRow>,
    trial: Vec<TrialRow>,
    sums: Vec<SumRow>,
    audit: String,
    audit_class: &'static str,
}

#[derive(Template)]
#[template(path = "settlement/page.html")]
struct SettlementPage<'a> {
    p: &'a Page,
    v: View,
}

/// GET /settlement
async fn show(State(app): State<AppState>, p: Page, As(..): As<Operator>) -> Answer<Response> {
    let positions = positions(&app).await?;
    let positions = positions
        .iter()
        .map(|x| PositionRow {
            peer: x.peer.clone(),
            due_to: p.money(x.due_to),
            due_from: p.money(x.due_from),
            flight: p.money(x.in_flight),
            checked: p.w(
                "settlement-checked",
                [("mine", p.money(x.due_to)), ("theirs", p.money(x.confirmed())), ("flight", p.money(x.in_flight))],
            ),
        })
        .collect();
    let balances = app.hub.balances(None, ACCOUNTS_MAX).await?;
    let trial = balances.iter().map(|b| trial(&p, b)).collect();
    let audit = app.hub.audit_ledger().await?;
    let v = View {
        positions,
        trial,
        sums: sums(&p, &audit),
        audit_class: if audit.is_sound() { "go" } else { "stop" },
        audit: if audit.is_sound() {
            p.w2("settlement-audit-ok", "accounts", p.num(audit.accounts), "transfers", p.num(audit.transfers))
        } else {
            p.n("settlement-audit-bad", i64::try_from(audit.differences.len()).unwrap_or(i64::MAX))
        },
    };
    Ok(p.show(&SettlementPage { p: &p, v }))
}

fn trial(p: &Page, row: &AccountBalance) -> TrialRow {
    let money = |minor| p.money(Money::new(minor, row.account.currency));
    let pending = row.balance.pending_debit.max(row.balance.pending_credit);
    TrialRow {
        name: account(p, &row.account),
        id: row.account.to_string(),
        debit: money(row.balance.debit),
        credit: money(row.balance.credit),
        pending: if pending == 0 { "–".to_owned() } else { money(pending) },
    }
}

fn sums(p: &Page, audit: &Audit) -> Vec<SumRow> {
    let row = |sum: &hub::ledger::CurrencySum| {
        let money = |minor| p.money(Money::new(minor, sum.currency));
        let balanced = sum.is_balanced();
        SumRow {
            currency: sum.currency.code(),
            debit: money(sum.sum.debit),
            credit: money(sum.sum.credit),
            state: if balanced {
                p.s("settlement-balanced")
            } else {
                p.w1("settlement-unbalanced", "difference", money(sum.sum.debit.saturating_sub(sum.sum.credit)))
            },
            class: if balanced { "go" } else { "stop" },
        }
    };
    audit.currencies.iter().map(row).collect()
}

/// GET /api/v1/settlement
async fn api(State(app): State<AppState>, As(..): As<Operator>) -> Answer<Json<Value>> {
    let positions = positions(&app).await?;
    Ok(Json(json!({ "positions": positions })))
}

/// GET /api/v1/audit
async fn audit(State(app): State<AppState>, As(..): As<Operator>) -> Answer<Json<Value>> {
    let audit = app.hub.audit_ledger().await?;
    let stock = app.hub.audit_stock().await?;
    let sound = audit.is_sound() && stock.is_empty();
    let mut body = json!(audit);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("sound".to_owned(), json!(sound));
        fields.insert("stock".to_owned(), json!(stock));
    }
    Ok(Json(body))
}
