//! The permits of one trade: what its goods need on this side, what is drawn, what is missing.

use ::trade::clearance::Clearance;
use ::trade::codes::HsCode;
use ::trade::commands::Command;
use ::trade::declaration::{DeclaredLine, LodgeExport};
use ::trade::id::Id;
use ::trade::mandate::Act;
use ::trade::party::Party;
use ::trade::permit::{Permit, PermitNeed, PermitUse, UsePermit, import_missing, needs, short};
use ::trade::rulebook::Direction;
use ::trade::trade_file::{Side, TradeFile};
use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;

use super::{asked_by, drawable, of_trade, today};
use crate::AppState;
use crate::auth::Signed;
use crate::i18n::Told;
use crate::mandate::acting;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::trade_file::{self, Viewer, next};

struct NeedRow {
    what: String,
    hs: String,
    pieces: String,
    missing: Option<String>,
    why: String,
    ask: String,
}

struct Choice {
    id: String,
    words: String,
}

struct View {
    order: String,
    here: String,
    needs: Vec<NeedRow>,
    drawn: Vec<String>,
    choices: Vec<Choice>,
    may_use: bool,
    note: String,
}

#[derive(Template)]
#[template(path = "permit/trade.html")]
struct TradePage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// GET /trades/{id}/permits
pub async fn show(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, viewer) = visible(&app, &party, &id).await?;
    Ok(p.show(&TradePage { p: &p, v: view(&app, &p, &file, viewer).await?, told: None }))
}

async fn visible(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Viewer)> {
    let (file, viewer) = trade_file::load(app, party, id).await?;
    if viewer.sees_prices() { Ok((file, viewer)) } else { Err(Failure::not_found()) }
}

/// What is needed on this side, and what of it is missing.
async fn state(app: &AppState, file: &TradeFile) -> Answer<(Vec<PermitNeed>, Vec<PermitNeed>)> {
    let today = today(app).await?;
    let (Some(book), Some(order)) = (app.site().rulebook(), &file.order) else { return Ok(Default::default()) };
    let regime = order.quote.regime;
    Ok(match file.side {
        Side::Export => {
            let lines: Vec<DeclaredLine> = match &file.declaration {
                Some(declaration) => declaration.lines.clone(),
                None => order.quote.lines.iter().map(DeclaredLine::ordered).collect(),
            };
            let goods = lines.iter().map(|l| (&l.hs, Some(l.origin), l.pieces));
            let needs = needs(book, Direction::Export, regime, today, goods);
            let drawn: &[PermitUse] = file.declaration.as_ref().map(|d| d.permits.as_slice()).unwrap_or_default();
            (needs.clone(), short(needs, drawn))
        }
        Side::Import => {
            let goods = order.quote.lines.iter().map(|l| (&l.hs, Some(l.origin), l.pieces));
            let needs = needs(book, Direction::Import, regime, today, goods);
            let peers = app.hub.peers().await?;
            let peer = peers.iter().find(|p| Some(&p.card.id) == file.peer.as_ref());
            let keys = peer.map(|p| p.card.keys.as_slice()).unwrap_or_default();
            (needs, import_missing(book, today, file, keys))
        }
    })
}

async fn view(app: &AppState, p: &Page, file: &TradeFile, viewer: Viewer) -> Answer<View> {
    let (needs, missing) = state(app, file).await?;
    let holder = holder(file);
    let choices = match holder {
        Some(holder) => drawable(app, holder, file, &missing, today(app).await?).await?,
        None => Vec::new(),
    };
    let mut shown = Vec::with_capacity(choices.len());
    for id in choices {
        if let Some(permit) = app.hub.permit(id).await? {
            shown.push(choice(p, &permit));
        }
    }
    let part = match file.side {
        Side::Export => matches!(viewer, Viewer::Seller | Viewer::Broker),
        Side::Import => matches!(viewer, Viewer::Buyer | Viewer::Broker),
    };
    // Before the declaration there is nothing to bring a permit to: it will draw by itself.
    let is_open = file.closed.is_none() && !file.clearance.is_final() && !file.peer_clearance.is_final();
    let open = match file.side {
        Side::Export => file.declaration.is_some() && !matches!(file.clearance, Clearance::NotLodged),
        Side::Import => matches!(file.escrow, ::trade::escrow::Escrow::Funded { .. }),
    };
    let book = app.site().rulebook();
    let ask_for = holder.filter(|_| viewer == Viewer::Broker);
    let rows = needs.iter().map(|need| {
        let lacks = missing.iter().find(|m| m.kind == need.kind && m.hs == need.hs).map(|m| m.pieces);
        NeedRow {
            what: p.by("permit-kind", need.kind.code()),
            hs: need.hs.to_string(),
            pieces: p.num(need.pieces),
            missing: lacks.map(|pieces| p.n("permit-missing", pieces)),
            why: book.map_or_else(String::new, |book| asked_by(p, book, &need.rule)),
            ask: ask_path(&need.hs, file, ask_for, lacks.unwrap_or(need.pieces)),
        }
    });
    Ok(View {
        order: file.id.order_no().to_owned(),
        here: next::path(file),
        needs: rows.collect(),
        drawn: of_trade(p, file),
        choices: shown,
        may_use: part && is_open && open && !missing.is_empty(),
        note: p.s(if file.side == Side::Export { "permit-use-export" } else { "permit-use-import" }),
    })
}

fn ask_path(hs: &HsCode, file: &TradeFile, client: Option<Id<Party>>, pieces: i64) -> String {
    let peer = file.peer.as_ref().map(|peer| percent(peer.as_str())).unwrap_or_default();
    let client = client.map(|id| format!("&for={id}")).unwrap_or_default();
    format!("/permits/new?hs={hs}&peer={peer}&pieces={pieces}{client}")
}

fn choice(p: &Page, permit: &Permit) -> Choice {
    let no = permit.grant().map(|g| g.no.to_string()).unwrap_or_default();
    let until = permit.grant().map(|g| p.date(g.until)).unwrap_or_default();
    let left = p.w2("permit-left-until", "left", p.num(permit.left()), "day", until);
    Choice { id: permit.id.to_string(), words: format!("{no} · HS {} · {left}", permit.hs) }
}

/// Who holds the permits that this trade draws from.
fn holder(file: &TradeFile) -> Option<Id<Party>> {
    let order = file.order.as_ref()?;
    match file.side {
        Side::Export => order.seller,
        Side::Import => order.buyer.as_ref().map(|b| b.party),
    }
}

#[derive(Deserialize)]
pub struct UseForm {
    permit: String,
}

/// POST /trades/{id}/permits
pub async fn use_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<UseForm>,
) -> Answer<Response> {
    let (file, viewer) = visible(&app, &party, &id).await?;
    match bring(&app, &party, &file, viewer, &form.permit).await {
        Ok(_) => Ok(Redirect::to(&next::path(&file)).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&app, &p, &file, viewer).await?;
            Ok((failure.status, p.show(&TradePage { p: &p, v, told })).into_response())
        }
    }
}

/// POST /api/v1/trades/{id}/permits
pub async fn api_use(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(form): Json<UseForm>,
) -> Answer<Json<Value>> {
    let (file, viewer) = visible(&app, &party, &id).await?;
    bring(&app, &party, &file, viewer, &form.permit).await.map(Json)
}

/// At import the permit is brought to the trade; at export the declaration is lodged again as it
/// stands, and names it beside those that it has drawn from.
async fn bring(app: &AppState, party: &Party, file: &TradeFile, viewer: Viewer, permit: &str) -> Answer<Value> {
    if !matches!(viewer, Viewer::Seller | Viewer::Buyer | Viewer::Broker) {
        return Err(Failure::new(axum::http::StatusCode::FORBIDDEN, "not-yours"));
    }
    let permit: Id<Permit> = permit.parse().map_err(|_| Failure::bad("permit-unknown").with("permit", permit))?;
    let Some(holder) = holder(file) else { return Err(Failure::bad("order-missing")) };
    let mandate = acting(app, party, holder, Act::Answer, file.peer.as_ref()).await?;
    if file.side == Side::Import {
        let command = UsePermit { trade: file.id.clone(), permit, by: party.id, mandate };
        return app.submit(Command::UsePermit(command)).await;
    }
    let Some(declaration) = &file.declaration else { return Err(Failure::bad("not-lodged-yet")) };
    let mut permits: Vec<Id<Permit>> = declaration.permits.iter().map(|u| u.permit).collect();
    permits.push(permit);
    permits.dedup();
    let command = LodgeExport {
        lines: declaration.lines.clone(),
        gross: Some(declaration.gross),
        corrects: true,
        mandate,
        permits,
        ..LodgeExport::as_ordered(file.id.clone(), party.id)
    };
    app.submit(Command::LodgeExport(command)).await
}
