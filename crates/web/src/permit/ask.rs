//! Asking for permits, answering the agency, and the page of one permit.

use ::trade::codes::{HsCode, HubId};
use ::trade::commands::Command;
use ::trade::id::Id;
use ::trade::party::{Party, Role};
use ::trade::permit::{AnswerPermit, AskPermit, Permit, PermitHolder, PermitState};
use ::trade::rulebook::Direction;
use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::agency::{self, DecisionView};
use super::{Facts, Part, allowed, asker, direction_of, facts, known_rules, load, today};
use crate::AppState;
use crate::auth::Signed;
use crate::i18n::Told;
use crate::mandate::acting;
use crate::page::Page;
use crate::problem::{Answer, Failure};

const LIST_PAGE: i64 = 50;
const API_PAGE: i64 = 200;

#[derive(Deserialize)]
pub struct ListQuery {
    after: Option<String>,
    /// A broker's client.
    #[serde(rename = "for")]
    client: Option<String>,
    limit: Option<i64>,
}

/// Whose permits are meant: one's own, or those of a client.
async fn holder_of(app: &AppState, party: &Party, client: Option<&str>) -> Answer<Party> {
    let Some(client) = client.filter(|c| !c.is_empty()) else { return Ok(party.clone()) };
    let id: Id<Party> = client.parse().map_err(|_| Failure::not_found())?;
    if id == party.id {
        return Ok(party.clone());
    }
    let now = app.hub.business_now().await?;
    let mandates = app.hub.mandates_between(id, party.id).await?;
    if !mandates.iter().any(|m| m.is_in_force(now)) {
        return Err(Failure::not_found());
    }
    app.hub.party(id).await?.ok_or_else(Failure::not_found)
}

#[derive(Template)]
#[template(path = "permit/list.html")]
struct ListPage<'a> {
    p: &'a Page,
    rows: Vec<Facts>,
    /// The client, where a broker looks.
    client: Option<(String, String)>,
    may_ask: bool,
    rules: Vec<(String, String)>,
    more: Option<String>,
}

/// GET /permits
pub async fn list(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Response> {
    let holder = holder_of(&app, &party, query.client.as_deref()).await?;
    let today = today(&app).await?;
    let page = app.hub.permits_of(holder.id, query.after.as_deref(), LIST_PAGE).await?;
    let client = (holder.id != party.id).then(|| (holder.id.to_string(), holder.name.clone()));
    let base = client.as_ref().map_or_else(|| "/permits?".to_owned(), |(id, _)| format!("/permits?for={id}&"));
    let shown = ListPage {
        p: &p,
        rows: page.items.iter().map(|permit| facts(&p, permit, today)).collect(),
        client,
        may_ask: holder.is(Role::Seller) || holder.is(Role::Buyer),
        rules: known_rules(&p, &app, direction_of(&holder)),
        more: page.next.map(|after| format!("{base}after={after}")),
    };
    Ok(p.show(&shown))
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct AskForm {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "for")]
    client: String,
    #[serde(default)]
    hs: String,
    #[serde(default)]
    peer: String,
    #[serde(default)]
    pieces: String,
    #[serde(default)]
    note: String,
}

#[derive(Template)]
#[template(path = "permit/new.html")]
struct NewPage<'a> {
    p: &'a Page,
    form: AskForm,
    client: Option<String>,
    peers: Vec<(String, String)>,
    rules: Vec<(String, String)>,
    told: Option<Told>,
}

/// GET /permits/new?hs=&peer=&for=
pub async fn form(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Query(mut form): Query<AskForm>,
) -> Answer<Response> {
    form.id = app.fresh::<Permit>().to_string();
    show_form(&app, &p, &party, form, None).await
}

async fn show_form(app: &AppState, p: &Page, party: &Party, form: AskForm, told: Option<Told>) -> Answer<Response> {
    let holder = holder_of(app, party, Some(&form.client)).await?;
    let peers = app.hub.peers().await?;
    let shown = NewPage {
        p,
        client: (holder.id != party.id).then(|| holder.name.clone()),
        peers: peers.into_iter().map(|peer| (peer.card.id.to_string(), peer.card.name)).collect(),
        rules: known_rules(p, app, direction_of(&holder)),
        form,
        told,
    };
    Ok(p.show(&shown))
}

/// POST /permits
pub async fn send(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Form(form): Form<AskForm>,
) -> Answer<Response> {
    asker(&party)?;
    match asked(&app, &party, &form).await {
        Ok(permit) => Ok(Redirect::to(&format!("/permits/{}", permit.id)).into_response()),
        Err(failure) if failure.status.is_server_error() || failure.status == StatusCode::NOT_FOUND => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let shown = show_form(&app, &p, &party, form, told).await?;
            Ok((failure.status, shown).into_response())
        }
    }
}

async fn asked(app: &AppState, party: &Party, form: &AskForm) -> Answer<Permit> {
    let holder = holder_of(app, party, Some(&form.client)).await?;
    let hs: HsCode = form.hs.parse().map_err(|e| Failure::of(&e))?;
    let unknown = |_| Failure::new(StatusCode::NOT_FOUND, "peer-unknown").with("peer", form.peer.as_str());
    let peer: HubId = form.peer.parse().map_err(unknown)?;
    let typed = form.pieces.trim();
    let pieces = typed.parse().map_err(|_| Failure::bad("not-a-count").with("got", typed))?;
    let permit = form.id.parse().unwrap_or_else(|_| app.fresh());
    ask(
        app,
        party,
        &holder,
        AskBody { permit, holder: None, direction: None, hs, peer, pieces, note: form.note.clone() },
    )
    .await
}

#[derive(Deserialize)]
pub struct AskBody {
    permit: Id<Permit>,
    /// Without it, whoever asks.
    holder: Option<Id<Party>>,
    /// Without it, as the holder trades: a seller exports, a buyer imports.
    direction: Option<Direction>,
    hs: HsCode,
    peer: HubId,
    pieces: i64,
    #[serde(default)]
    note: String,
}

async fn ask(app: &AppState, party: &Party, holder: &Party, body: AskBody) -> Answer<Permit> {
    let AskBody { permit, direction, hs, peer, pieces, note, .. } = body;
    let mandate = acting(app, party, holder.id, ::trade::mandate::Act::Permits, Some(&peer)).await?;
    let direction = direction.unwrap_or_else(|| direction_of(holder));
    let command = AskPermit { permit, holder: holder.id, by: party.id, mandate, direction, hs, peer, pieces, note };
    app.submit_as(Command::AskPermit(command)).await
}

/// POST /api/v1/permits
pub async fn api_ask(
    State(app): State<AppState>,
    Signed(party): Signed,
    Json(body): Json<AskBody>,
) -> Answer<(StatusCode, Json<Permit>)> {
    asker(&party)?;
    let holder = match body.holder.filter(|id| *id != party.id) {
        // Whether a mandate covers it, the rules say.
        Some(id) => app.hub.party(id).await?.ok_or_else(|| Failure::bad("party-unknown").with("party", id.text()))?,
        None => party.clone(),
    };
    Ok((StatusCode::CREATED, Json(ask(&app, &party, &holder, body).await?)))
}

/// GET /api/v1/permits: one's own; an agency's: what lies before it.
pub async fn api_list(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    let limit = query.limit.unwrap_or(LIST_PAGE).clamp(1, API_PAGE);
    if party.is(Role::Agency) && query.client.is_none() {
        let asked = app.hub.permits_asked(query.after.as_deref(), limit).await?;
        return Ok(Json(json!({ "permits": asked.items, "next": asked.next })));
    }
    let holder = holder_of(&app, &party, query.client.as_deref()).await?;
    let page = app.hub.permits_of(holder.id, query.after.as_deref(), limit).await?;
    Ok(Json(json!({ "permits": page.items, "next": page.next })))
}

/// GET /api/v1/permits/{id}
pub async fn api_show(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Json<Permit>> {
    Ok(Json(load(&app, &party, &id).await?.0))
}

struct Asked {
    at: String,
    text: String,
    answer: Option<String>,
}

#[derive(Template)]
#[template(path = "permit/show.html")]
struct ShowPage<'a> {
    p: &'a Page,
    f: Facts,
    holder: String,
    asked_at: String,
    note: String,
    rule: String,
    reason: Option<String>,
    questions: Vec<Asked>,
    may_answer: bool,
    answer: String,
    decision: Option<DecisionView>,
    told: Option<Told>,
    back: &'static str,
}

/// GET /permits/{id}
pub async fn show(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (permit, part) = load(&app, &party, &id).await?;
    page(&app, &p, &permit, part, Refill::default(), None).await
}

/// What was typed in a form that is shown again.
#[derive(Default)]
pub struct Refill {
    pub answer: String,
    pub decision: Option<agency::DecisionForm>,
}

pub(super) async fn page(
    app: &AppState,
    p: &Page,
    permit: &Permit,
    part: Part,
    refill: Refill,
    told: Option<Told>,
) -> Answer<Response> {
    let today = today(app).await?;
    let holder = app.hub.party(permit.holder).await?.map_or_else(|| permit.holder.to_string(), |h| h.name);
    let reason = match &permit.state {
        PermitState::Refused { reason, .. } | PermitState::Revoked { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    let questions = permit.questions.iter();
    let shown = ShowPage {
        p,
        f: facts(p, permit, today),
        holder,
        asked_at: p.time(permit.asked_at),
        note: permit.note.clone(),
        rule: crate::trade_file::page::rule_words(p, app, &permit.rule),
        reason,
        questions: questions
            .map(|q| Asked { at: p.time(q.at), text: q.text.clone(), answer: q.answer.clone() })
            .collect(),
        may_answer: part == Part::Asker && permit.ball().0 == PermitHolder::Asker,
        answer: refill.answer,
        decision: (part == Part::Agency).then(|| agency::view(permit, today, refill.decision)).flatten(),
        told,
        back: if part == Part::Agency { "/agency" } else { "/permits" },
    };
    Ok(p.show(&shown))
}

#[derive(Deserialize)]
pub struct AnswerForm {
    #[serde(default)]
    answer: String,
}

/// POST /permits/{id}/answer
pub async fn answer_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<AnswerForm>,
) -> Answer<Response> {
    let (permit, part) = load(&app, &party, &id).await?;
    match answer(&app, &party, &permit, part, &form.answer).await {
        Ok(_) => Ok(Redirect::to(&format!("/permits/{id}")).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let refill = Refill { answer: form.answer, decision: None };
            let shown = page(&app, &p, &permit, part, refill, told).await?;
            Ok((failure.status, shown).into_response())
        }
    }
}

async fn answer(app: &AppState, party: &Party, permit: &Permit, part: Part, said: &str) -> Answer<Value> {
    if part != Part::Asker {
        return Err(Failure::new(StatusCode::FORBIDDEN, "not-yours"));
    }
    let mandate = allowed(app, party, permit.holder, &permit.peer).await?;
    let command = AnswerPermit { permit: permit.id, by: party.id, mandate, answer: said.to_owned() };
    app.submit(Command::AnswerPermit(command)).await
}

/// POST /api/v1/permits/{id}/answer
pub async fn api_answer(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(form): Json<AnswerForm>,
) -> Answer<Json<Value>> {
    let (permit, part) = load(&app, &party, &id).await?;
    answer(&app, &party, &permit, part, &form.answer).await.map(Json)
}
