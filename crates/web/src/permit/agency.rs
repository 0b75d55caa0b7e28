//! The agency's desk: what was asked, by deadline; the decision.

use ::trade::codes::DocumentNo;
use ::trade::commands::Command;
use ::trade::party::Party;
use ::trade::permit::{DecidePermit, Permit, PermitDecision, PermitState};
use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Span;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use super::ask::{Refill, page};
use super::{Facts, Part, facts, load, today};
use crate::AppState;
use crate::auth::{Agency, As};
use crate::page::Page;
use crate::problem::{Answer, Failure};

const QUEUE_MAX: i64 = 100;
const KEPT_PAGE: i64 = 50;
/// What the form proposes for how long a permit lasts.
const LASTS_DAYS: i64 = 180;

struct Row {
    f: Facts,
    holder: String,
    since: String,
}

#[derive(Template)]
#[template(path = "permit/agency.html")]
struct QueuePage<'a> {
    p: &'a Page,
    title: String,
    rows: Vec<Row>,
    kept: Vec<Row>,
    more: Option<String>,
}

#[derive(Deserialize)]
pub struct After {
    after: Option<String>,
}

/// GET /agency
pub async fn queue(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Agency>,
    Query(query): Query<After>,
) -> Answer<Response> {
    let asked = app.hub.permits_asked(None, QUEUE_MAX).await?.items;
    let kept = app.hub.permits_kept(query.after.as_deref(), KEPT_PAGE).await?;
    let title = p.n("permit-queue", i64::try_from(asked.len()).unwrap_or(i64::MAX));
    let rows = rows(&app, &p, &asked).await?;
    let more = kept.next.map(|after| format!("/agency?after={after}"));
    let kept = self::rows(&app, &p, &kept.items).await?;
    Ok(p.show(&QueuePage { p: &p, title, rows, kept, more }))
}

async fn rows(app: &AppState, p: &Page, permits: &[Permit]) -> Answer<Vec<Row>> {
    let today = today(app).await?;
    let now = app.hub.business_now().await?;
    let mut rows = Vec::with_capacity(permits.len());
    for permit in permits {
        let holder = app.hub.party(permit.holder).await?.map_or_else(|| permit.holder.to_string(), |h| h.name);
        let since = p.w1("trade-since", "ago", p.span(now.seconds_since(permit.ball().1)));
        rows.push(Row { f: facts(p, permit, today), holder, since });
    }
    Ok(rows)
}

/// What the agency can do on a permit's page, with the form as it proposes or as it was typed.
pub struct DecisionView {
    pub is_open: bool,
    pub may_ask: bool,
    pub form: DecisionForm,
}

pub fn view(permit: &Permit, today: Date, typed: Option<DecisionForm>) -> Option<DecisionView> {
    let is_open = matches!(permit.state, PermitState::Asked { .. } | PermitState::Questioned { .. });
    if !is_open && !matches!(permit.state, PermitState::Granted { .. }) {
        return None;
    }
    let form = typed.unwrap_or_else(|| {
        let id = permit.id.to_string();
        let tail = id[id.len() - 8..].to_ascii_uppercase();
        let until = today.checked_add(Span::new().days(LASTS_DAYS)).unwrap_or(today);
        DecisionForm {
            decision: String::new(),
            no: format!("{}-{}-{tail}", short(permit), today.year()),
            pieces: permit.pieces.to_string(),
            from: today.to_string(),
            until: until.to_string(),
            reason: String::new(),
        }
    });
    Some(DecisionView { is_open, may_ask: matches!(permit.state, PermitState::Asked { .. }), form })
}

/// How a permit's number begins.
const fn short(permit: &Permit) -> &'static str {
    use ::trade::rulebook::PermitKind;
    match permit.kind {
        PermitKind::HealthCertificate => "HC",
        PermitKind::ImportPermit => "IP",
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct DecisionForm {
    /// `grant`, `ask`, `refuse` or `revoke`.
    pub decision: String,
    #[serde(default)]
    pub no: String,
    #[serde(default)]
    pub pieces: String,
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub until: String,
    /// A question, or why not.
    #[serde(default)]
    pub reason: String,
}

impl DecisionForm {
    fn decision(&self) -> Answer<PermitDecision> {
        let day =
            |text: &str| text.trim().parse::<Date>().map_err(|_| Failure::bad("not-a-day").with("got", text.trim()));
        Ok(match self.decision.as_str() {
            "grant" => PermitDecision::Grant {
                no: self.no.trim().parse::<DocumentNo>().map_err(|e| Failure::of(&e))?,
                pieces: {
                    let typed = self.pieces.trim();
                    typed.parse().map_err(|_| Failure::bad("not-a-count").with("got", typed))?
                },
                from: day(&self.from)?,
                until: day(&self.until)?,
            },
            "ask" => PermitDecision::Ask { question: self.reason.clone() },
            "refuse" => PermitDecision::Refuse { reason: self.reason.clone() },
            "revoke" => PermitDecision::Revoke { reason: self.reason.clone() },
            other => return Err(Failure::bad("decision-unclear").with("got", other)),
        })
    }
}

/// POST /permits/{id}/decision
pub async fn decide_page(
    State(app): State<AppState>,
    p: Page,
    As(agency, ..): As<Agency>,
    Path(id): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Answer<Response> {
    let (permit, part) = load(&app, &agency, &id).await?;
    let outcome = match form.decision() {
        Ok(decision) => decide(&app, &agency, &permit, decision).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to("/agency").into_response()),
        Err(failure) if failure.status.is_server_error() || part != Part::Agency => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let refill = Refill { answer: String::new(), decision: Some(form) };
            let shown = page(&app, &p, &permit, part, refill, told).await?;
            Ok((failure.status, shown).into_response())
        }
    }
}

async fn decide(app: &AppState, agency: &Party, permit: &Permit, decision: PermitDecision) -> Answer<Value> {
    app.submit(Command::DecidePermit(DecidePermit { permit: permit.id, by: agency.id, decision })).await
}

/// POST /api/v1/permits/{id}/decision
pub async fn decide_api(
    State(app): State<AppState>,
    As(agency, ..): As<Agency>,
    Path(id): Path<String>,
    Json(decision): Json<PermitDecision>,
) -> Answer<Json<Value>> {
    let (permit, _) = load(&app, &agency, &id).await?;
    decide(&app, &agency, &permit, decision).await.map(Json)
}
