//! A broker's desk: its clients, what waits for it at each, and their trades.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hub::trade_file::TradeFilter;
use serde_json::{Value, json};
use trade::ball::{Ball, Holder, Task, ball};
use trade::id::Id;
use trade::mandate::Mandate;
use trade::party::{Party, Role};
use trade::permit::{Permit, PermitHolder};
use trade::trade_file::{Side, TradeFile};

use super::{LIST_MAX, name};
use crate::AppState;
use crate::auth::{As, Broker};
use crate::page::Page;
use crate::problem::Answer;
use crate::trade_file::page::{BallView, ball_view, goods, stage_class};
use crate::trade_file::{Viewer, next};

/// Trades of one client that are looked through for what waits.
const TRADES_MAX: i64 = 200;

/// A client with the mandates that are in force.
struct Client {
    id: Id<Party>,
    name: String,
    mandates: Vec<Mandate>,
}

async fn clients(app: &AppState, broker: &Party) -> Answer<Vec<Client>> {
    let now = app.hub.business_now().await?;
    let mut by_giver: BTreeMap<Id<Party>, Vec<Mandate>> = BTreeMap::new();
    for mandate in
        app.hub.mandates_held(broker.id, None, LIST_MAX).await?.items.into_iter().filter(|m| m.is_in_force(now))
    {
        by_giver.entry(mandate.giver).or_default().push(mandate);
    }
    let mut clients = Vec::with_capacity(by_giver.len());
    for (id, mandates) in by_giver {
        clients.push(Client { id, name: name(app, id).await?, mandates });
    }
    Ok(clients)
}

async fn files_of(app: &AppState, client: &Client) -> Answer<Vec<TradeFile>> {
    let Some(party) = app.hub.party(client.id).await? else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for filter in [
        TradeFilter { seller: party.is(Role::Seller).then_some(party.id), ..TradeFilter::default() },
        TradeFilter { buyer: party.is(Role::Buyer).then_some(party.id), ..TradeFilter::default() },
    ] {
        if filter.seller.is_none() && filter.buyer.is_none() {
            continue;
        }
        let page = app.hub.trades(&filter, None, TRADES_MAX).await?;
        files.extend(page.items.into_iter().map(|row| row.file));
    }
    files.retain(|file| client.mandates.iter().any(|m| m.is_for(file.peer.as_ref())));
    Ok(files)
}

/// The trades of all clients, the last opened first.
pub async fn trades(app: &AppState, broker: &Party) -> Answer<Vec<TradeFile>> {
    let mut files = Vec::new();
    for client in clients(app, broker).await? {
        files.extend(files_of(app, &client).await?);
    }
    files.sort_by(|a, b| (b.opened, &b.id).cmp(&(a.opened, &a.id)));
    files.dedup_by(|a, b| a.id == b.id);
    Ok(files)
}

/// Whether a broker can do what its client, or the broker itself, is waited for.
#[must_use]
pub fn is_brokers(side: Side, ball: &Ball) -> bool {
    match ball.holder {
        Holder::Broker => true,
        Holder::Seller => side == Side::Export && matches!(ball.task, Task::LodgeExport | Task::Mend | Task::Answer),
        Holder::Buyer => side == Side::Import && matches!(ball.task, Task::Mend | Task::Answer),
        _ => false,
    }
}

struct WorkRow {
    href: String,
    what: String,
    goods: String,
    stage: String,
    class: &'static str,
    task: String,
    ball: Option<BallView>,
}

struct ClientView {
    name: String,
    acts: String,
    until: String,
    open: String,
    work: Vec<WorkRow>,
    permits: String,
}

#[derive(Template)]
#[template(path = "mandate/clients.html")]
struct ClientsPage<'a> {
    p: &'a Page,
    clients: Vec<ClientView>,
    offered: usize,
}

/// GET /clients
pub async fn show(State(app): State<AppState>, p: Page, As(broker, ..): As<Broker>) -> Answer<Response> {
    let now = app.hub.business_now().await?;
    let mut shown = Vec::new();
    for client in clients(&app, &broker).await? {
        let files = files_of(&app, &client).await?;
        let open = files.iter().filter(|f| f.closed.is_none()).count();
        let mut work: Vec<WorkRow> = Vec::new();
        for file in &files {
            let held = ball(file);
            if is_brokers(file.side, &held) {
                let mut seen = ball_view(&p, file, &held, Viewer::Broker, now);
                seen.holder = p.by("holder", held.holder.code());
                work.push(WorkRow {
                    href: next::path(file),
                    what: file.id.order_no().to_owned(),
                    goods: goods(&p, file).unwrap_or_else(|| "–".to_owned()),
                    stage: p.by("stage", file.stage().code()),
                    class: stage_class(file.stage()),
                    task: p.by("task", held.task.code()),
                    ball: Some(seen),
                });
            }
        }
        for permit in questioned(&app, client.id).await? {
            work.push(WorkRow {
                href: format!("/permits/{}", permit.id),
                what: p.by("permit-kind", permit.kind.code()),
                goods: format!("HS {}", permit.hs),
                stage: p.by("permit-state", "questioned"),
                class: "wait",
                task: p.by("task", "answer"),
                ball: None,
            });
        }
        let mut acts: Vec<_> = client.mandates.iter().flat_map(|m| m.acts.iter().copied()).collect();
        acts.sort_unstable();
        acts.dedup();
        let acts: Vec<String> = acts.iter().map(|act| p.by("act", act.code())).collect();
        shown.push(ClientView {
            permits: format!("/permits?for={}", client.id),
            acts: acts.join(&p.s("list-comma")),
            until: client.mandates.iter().map(|m| m.until).max().map(|until| p.day(until)).unwrap_or_default(),
            open: p.n("mandate-open-trades", i64::try_from(open).unwrap_or(i64::MAX)),
            name: client.name,
            work,
        });
    }
    let held = app.hub.mandates_held(broker.id, None, LIST_MAX).await?.items;
    let offered = held.iter().filter(|m| m.code(now) == "offered").count();
    Ok(p.show(&ClientsPage { p: &p, clients: shown, offered }))
}

async fn questioned(app: &AppState, client: Id<Party>) -> Answer<Vec<Permit>> {
    let mut permits = app.hub.permits_of(client, None, LIST_MAX).await?.items;
    permits.retain(|permit| permit.ball().0 == PermitHolder::Asker);
    Ok(permits)
}

/// GET /api/v1/clients: who they are, under which mandates, and the trades in which the broker can act.
pub async fn api(State(app): State<AppState>, As(broker, ..): As<Broker>) -> Answer<Json<Value>> {
    let mut shown = Vec::new();
    for client in clients(&app, &broker).await? {
        let files = files_of(&app, &client).await?;
        let held = |file: &TradeFile| (file.id.clone(), file.side, ball(file));
        let work = files.iter().map(held).filter(|(_, side, ball)| is_brokers(*side, ball));
        let work: Vec<Value> = work.map(|(id, _, ball)| json!({ "trade": id, "ball": ball })).collect();
        shown.push(json!({ "party": client.id, "name": client.name, "mandates": client.mandates, "work": work }));
    }
    Ok(Json(json!({ "clients": shown })))
}
