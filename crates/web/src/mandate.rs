//! Mandates: a party lets a broker act for it; the broker's clients and what waits for it there.

mod clients;

use std::collections::BTreeSet;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::HubId;
use trade::commands::Command;
use trade::id::Id;
use trade::mandate::{Act, AnswerMandate, EndMandate, GiveMandate, Mandate};
use trade::party::{Party, Role};
use trade::time::BusinessTime;
use trade::trade_file::TradeFile;

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, May, SIGNED, get, only, parts, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, any, code, id, instant, list, noun, object, text};

pub use clients::{is_brokers, trades};

/// Mandates on one page; the open ones stand first.
const LIST_MAX: i64 = 100;
/// Of those a machine may ask for so many at once.
const API_MAX: i64 = 500;
/// Brokers that a form lists.
const BROKERS_MAX: i64 = 100;

/// Sellers and buyers have something to be done for them.
const GIVERS: May = only(&[Role::Seller, Role::Buyer]);
/// To whom a mandate was given, and both sides of it.
const BROKER: May = parts(&[Role::Broker]);
const SIDES: May = parts(&[Role::Seller, Role::Buyer, Role::Broker]);
const MANDATE_SAMPLE: &str = r#"{"mandate": "mdt_01914f00000070008000000000000001",
 "broker": "pty_01914f00000070008000000000000001", "acts": ["lodge", "answer"], "until": 1796000000000000}"#;

fn api_shape() -> Schema {
    object([
        ("mandate", id("mdt")),
        ("broker", id("pty")),
        ("acts", list(code(&["lodge", "answer", "permits"]))),
        ("peer?", text().or_null()),
        ("until", instant()),
    ])
}

fn mandate() -> Schema {
    noun("Mandate")
}

fn client() -> Schema {
    let work = object([("trade", text()), ("ball", any())]);
    object([("party", id("pty")), ("name", text()), ("mandates", list(mandate())), ("work", list(work))])
}

pub fn routes() -> Doors {
    let answer = || object([("answer", code(&["accept", "decline"]))]);
    Doors::new()
        .open(get("/mandates", SIGNED), show)
        .open(post("/mandates", GIVERS).form("until=2026-12-31"), give_page)
        .open(post("/mandates/{id}/answer", BROKER).form("answer=accept"), answer_page)
        .open(post("/mandates/{id}/end", SIDES), end_page)
        .open(get("/clients", only(&[Role::Broker])), clients::show)
        .open(
            get("/api/v1/mandates", SIGNED).query(&["after", "limit"]).gives(200, || {
                object([("given", list(mandate())), ("held", list(mandate())), ("next", text().or_null())])
            }),
            api_list,
        )
        .open(post("/api/v1/mandates", GIVERS).json(MANDATE_SAMPLE).takes(api_shape).gives(201, mandate), api_give)
        .open(
            post("/api/v1/mandates/{id}/answer", BROKER)
                .json(r#"{"answer": "accept"}"#)
                .takes(answer)
                .gives(200, mandate),
            api_answer,
        )
        .open(post("/api/v1/mandates/{id}/end", SIDES).gives(200, mandate), api_end)
        .open(
            get("/api/v1/clients", only(&[Role::Broker])).gives(200, || object([("clients", list(client()))])),
            clients::api,
        )
}

/// The mandate under which a broker acts for another party: one that allows the act, else one that
/// does not, so that the rules say why.
pub async fn acting(
    app: &AppState,
    by: &Party,
    giver: Id<Party>,
    act: Act,
    peer: Option<&HubId>,
) -> Answer<Option<Id<Mandate>>> {
    if by.id == giver || !by.is(Role::Broker) {
        return Ok(None);
    }
    let now = app.hub.business_now().await?;
    let open = app.hub.mandates_between(giver, by.id).await?;
    let allows = |m: &&Mandate| m.allows(by.id, giver, act, peer, now).is_ok();
    Ok(open.iter().find(allows).or_else(|| open.first()).map(|m| m.id))
}

/// Whether a broker has a mandate in force, for whatever act, of a party to this trade.
pub async fn sees(app: &AppState, broker: &Party, file: &TradeFile) -> Answer<bool> {
    if !broker.is(Role::Broker) {
        return Ok(false);
    }
    let now = app.hub.business_now().await?;
    for giver in givers(file) {
        let mandates = app.hub.mandates_between(giver, broker.id).await?;
        if mandates.iter().any(|m| m.is_in_force(now) && m.is_for(file.peer.as_ref())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The parties of this hub to a trade.
fn givers(file: &TradeFile) -> impl Iterator<Item = Id<Party>> {
    let order = file.order.as_ref();
    let seller = order.and_then(|o| o.seller);
    let buyer = order.and_then(|o| o.buyer.as_ref()).map(|b| b.party);
    seller.into_iter().chain(buyer)
}

struct Row {
    id: String,
    other: String,
    acts: String,
    lane: String,
    until: String,
    state: String,
    class: &'static str,
    may_answer: bool,
    may_end: bool,
}

/// What stands in the form; kept when it is refused.
#[derive(Clone, Debug, Default, Deserialize)]
struct GiveForm {
    #[serde(default)]
    id: String,
    #[serde(default)]
    broker: String,
    #[serde(default)]
    lodge: Option<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    permits: Option<String>,
    #[serde(default)]
    peer: String,
    #[serde(default)]
    until: String,
}

impl GiveForm {
    fn acts(&self) -> BTreeSet<Act> {
        let chosen = [(Act::Lodge, &self.lodge), (Act::Answer, &self.answer), (Act::Permits, &self.permits)];
        chosen.into_iter().filter(|(_, on)| on.is_some()).map(|(act, _)| act).collect()
    }

    fn has(&self, act: &Act) -> bool {
        self.acts().contains(act)
    }
}

struct View {
    given: Vec<Row>,
    held: Vec<Row>,
    gives: bool,
    holds: bool,
    brokers: Vec<(String, String)>,
    peers: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "mandate/page.html")]
struct MandatePage<'a> {
    p: &'a Page,
    v: View,
    form: GiveForm,
    told: Option<Told>,
}

/// For templates, which name no enum of another crate.
const ACTS: [Act; 3] = Act::ALL;

/// GET /mandates: those that this party gave, and those that it was given.
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed) -> Answer<Response> {
    let v = view(&app, &p, &party).await?;
    let id = app.fresh::<Mandate>().to_string();
    let form = GiveForm { id, lodge: Some("1".to_owned()), answer: Some("1".to_owned()), ..GiveForm::default() };
    Ok(p.show(&MandatePage { p: &p, v, form, told: None }))
}

fn gives(party: &Party) -> bool {
    party.is(Role::Seller) || party.is(Role::Buyer)
}

async fn view(app: &AppState, p: &Page, party: &Party) -> Answer<View> {
    let now = app.hub.business_now().await?;
    let mut given = Vec::new();
    for mandate in app.hub.mandates_given(party.id, None, LIST_MAX).await?.items {
        given.push(row(app, p, &mandate, mandate.broker, false, now).await?);
    }
    let mut held = Vec::new();
    for mandate in app.hub.mandates_held(party.id, None, LIST_MAX).await?.items {
        held.push(row(app, p, &mandate, mandate.giver, true, now).await?);
    }
    let brokers = app.hub.parties(Some(Role::Broker), None, BROKERS_MAX).await?.items;
    let peers = app.hub.peers().await?;
    Ok(View {
        given,
        held,
        gives: gives(party),
        holds: party.is(Role::Broker),
        brokers: brokers.into_iter().filter(|b| b.id != party.id).map(|b| (b.id.to_string(), b.name)).collect(),
        peers: peers.into_iter().map(|peer| (peer.card.id.to_string(), peer.card.name)).collect(),
    })
}

async fn row(
    app: &AppState,
    p: &Page,
    mandate: &Mandate,
    other: Id<Party>,
    is_held: bool,
    now: BusinessTime,
) -> Answer<Row> {
    let code = mandate.code(now);
    let acts: Vec<String> = mandate.acts.iter().map(|act| p.by("act", act.code())).collect();
    Ok(Row {
        id: mandate.id.to_string(),
        other: name(app, other).await?,
        acts: acts.join(&p.s("list-comma")),
        lane: mandate.peer.as_ref().map_or_else(|| p.s("mandate-all-lanes"), |peer| p.hub_name(peer)),
        until: p.day(mandate.until),
        state: p.by("mandate-state", code),
        class: match code {
            "accepted" => "go",
            "offered" => "wait",
            _ => "",
        },
        may_answer: is_held && code == "offered",
        may_end: if is_held { code == "accepted" } else { mandate.is_open(now) },
    })
}

async fn name(app: &AppState, party: Id<Party>) -> Answer<String> {
    Ok(app.hub.party(party).await?.map_or_else(|| party.to_string(), |party| party.name))
}

async fn give_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Form(form): Form<GiveForm>,
) -> Answer<Response> {
    match give(&app, &party, &form).await {
        Ok(_) => Ok(Redirect::to("/mandates").into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&app, &p, &party).await?;
            Ok((failure.status, p.show(&MandatePage { p: &p, v, form, told })).into_response())
        }
    }
}

async fn give(app: &AppState, party: &Party, form: &GiveForm) -> Answer<Value> {
    if !gives(party) {
        return Err(Failure::role_needed(Role::Seller));
    }
    let mandate = form.id.parse().unwrap_or_else(|_| app.fresh());
    let broker = form.broker.parse().map_err(|_| Failure::bad("broker-missing"))?;
    let peer = match form.peer.trim() {
        "" => None,
        hub => Some(hub.parse().map_err(|_| Failure::new(StatusCode::NOT_FOUND, "peer-unknown").with("peer", hub))?),
    };
    let until = last_moment(app, &form.until)?;
    let command = GiveMandate { mandate, giver: party.id, broker, acts: form.acts(), peer, until };
    app.submit(Command::GiveMandate(command)).await
}

/// The end of a day at the hub's office.
pub fn last_moment(app: &AppState, day: &str) -> Answer<BusinessTime> {
    let bad = || Failure::bad("not-a-day").with("got", day.trim());
    let date: Date = day.trim().parse().map_err(|_| bad())?;
    let end = date.at(23, 59, 59, 0).to_zoned(app.site().zone.clone()).map_err(|_| bad())?;
    Ok(BusinessTime::from_micros(end.timestamp().as_microsecond()))
}

#[derive(Deserialize)]
struct AnswerForm {
    /// `accept` or `decline`.
    answer: String,
}

async fn answer_page(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<AnswerForm>,
) -> Answer<Response> {
    answer(&app, &party, &id, &form.answer).await?;
    Ok(Redirect::to("/mandates").into_response())
}

async fn answer(app: &AppState, party: &Party, id: &str, said: &str) -> Answer<Value> {
    let accept = match said {
        "accept" => true,
        "decline" => false,
        other => return Err(Failure::bad("decision-unclear").with("got", other)),
    };
    app.submit(Command::AnswerMandate(AnswerMandate { mandate: named(id)?, by: party.id, accept })).await
}

async fn end_page(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    end(&app, &party, &id).await?;
    Ok(Redirect::to("/mandates").into_response())
}

async fn end(app: &AppState, party: &Party, id: &str) -> Answer<Value> {
    app.submit(Command::EndMandate(EndMandate { mandate: named(id)?, by: party.id })).await
}

fn named(id: &str) -> Answer<Id<Mandate>> {
    id.parse().map_err(|_| Failure::new(StatusCode::NOT_FOUND, "mandate-unknown").with("mandate", id))
}

#[derive(Deserialize)]
struct ApiList {
    after: Option<String>,
    limit: Option<i64>,
}

/// GET /api/v1/mandates: given and held.
async fn api_list(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(query): Query<ApiList>,
) -> Answer<Json<Value>> {
    let limit = query.limit.unwrap_or(LIST_MAX).clamp(1, API_MAX);
    let page = app.hub.mandates_of(party.id, query.after.as_deref(), limit).await?;
    let (given, held): (Vec<_>, Vec<_>) = page.items.into_iter().partition(|mandate| mandate.giver == party.id);
    Ok(Json(json!({ "given": given, "held": held, "next": page.next })))
}

#[derive(Deserialize)]
struct ApiGive {
    mandate: Id<Mandate>,
    broker: Id<Party>,
    acts: BTreeSet<Act>,
    peer: Option<HubId>,
    until: BusinessTime,
}

/// POST /api/v1/mandates
async fn api_give(
    State(app): State<AppState>,
    Signed(party): Signed,
    Json(body): Json<ApiGive>,
) -> Answer<(StatusCode, Json<Value>)> {
    let ApiGive { mandate, broker, acts, peer, until } = body;
    let command = GiveMandate { mandate, giver: party.id, broker, acts, peer, until };
    let given = app.submit(Command::GiveMandate(command)).await?;
    Ok((StatusCode::CREATED, Json(given)))
}

async fn api_answer(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<AnswerForm>,
) -> Answer<Json<Value>> {
    answer(&app, &party, &id, &body.answer).await.map(Json)
}

async fn api_end(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    end(&app, &party, &id).await.map(Json)
}
