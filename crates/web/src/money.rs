//! A party's money over all its trades: what is on its way, what is there, what has gone.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use hub::trade_file::TradeFilter;
use serde::Deserialize;
use trade::escrow::Escrow;
use trade::party::Role;
use trade::payout::PayoutKind;
use trade::trade_file::{Side, TradeFile};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, SIGNED, get};
use crate::page::Page;
use crate::payee::{self, Payee};
use crate::problem::{Answer, percent};
use crate::trade_file::{money, next, page};

/// Trades on one page.
const LIST_MAX: i64 = 50;

pub fn routes() -> Doors {
    Doors::new().open(get("/money", SIGNED), show)
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

struct Row {
    href: String,
    order: String,
    goods: String,
    amount: String,
    state: String,
    class: &'static str,
    since: String,
}

#[derive(Template)]
#[template(path = "trade_file/money.html")]
struct MoneyPage<'a> {
    p: &'a Page,
    lead: String,
    /// Why the hub cannot pay this seller, in words.
    unpayable: Option<String>,
    rows: Vec<Row>,
    more: Option<String>,
}

/// GET /money: a seller's proceeds, or a buyer's payments.
async fn show(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Query(after): Query<After>,
) -> Answer<Response> {
    let sells = party.is(Role::Seller);
    let filter = if sells {
        TradeFilter { seller: Some(party.id), ..TradeFilter::default() }
    } else {
        TradeFilter { buyer: Some(party.id), ..TradeFilter::default() }
    };
    let found = app.hub.trades(&filter, after.after.as_deref(), LIST_MAX).await?;
    let mut rows = Vec::new();
    for item in &found.items {
        rows.extend(row(&app, &p, &item.file).await?);
    }
    let lead = p.s(if sells { "money-lead-seller" } else { "money-lead-buyer" });
    let more = found.next.map(|after| format!("/money?after={}", percent(&after)));
    let unpayable = match payee::of(&app, &party) {
        Payee::NoAccount if sells => Some(p.s("payee-none")),
        Payee::Letters if sells => Some(p.s("payee-unreadable")),
        _ => None,
    };
    Ok(p.show(&MoneyPage { p: &p, lead, unpayable, rows, more }))
}

async fn row(app: &AppState, p: &Page, file: &TradeFile) -> Answer<Option<Row>> {
    let (amount, state, class, since) = match file.side {
        Side::Export => {
            let payout = file.payouts.iter().find(|x| matches!(x.kind, PayoutKind::Proceeds { .. }));
            let lane = page::lane(app, file).await?;
            let expected = money::expected(file, lane).ok().flatten();
            match (payout, expected, file.secured) {
                (Some(payout), _, _) => {
                    let (state, class) = money::state_of(p, &payout.state);
                    (payout.amount, state, class, payout.due_at)
                }
                (None, Some(expected), Some(at)) if file.refund().is_some() => {
                    (expected.rest, p.s("escrow-returned"), "", at)
                }
                (None, Some(expected), Some(at)) => (expected.rest, p.s("escrow-funded"), "tell", at),
                _ => return Ok(None),
            }
        }
        Side::Import => {
            let Some(total) = file.total() else { return Ok(None) };
            match &file.escrow {
                Escrow::Empty => return Ok(None),
                Escrow::Deposited { at, amount, .. } => (*amount, p.s("money-deposit"), "wait", *at),
                Escrow::Funded { at, amount } => (*amount, p.s("escrow-funded"), "tell", *at),
                Escrow::Released { at, .. } => (total, p.s("escrow-released"), "go", *at),
                Escrow::Returned { at, amount } => (*amount, p.s("escrow-returned"), "", *at),
            }
        }
    };
    Ok(Some(Row {
        href: next::path(file),
        order: file.id.order_no().to_owned(),
        goods: page::goods(p, file).unwrap_or_default(),
        amount: p.money(amount),
        state,
        class,
        since: p.time(since),
    }))
}
