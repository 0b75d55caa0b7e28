//! Disputes: the page where a buyer says what is wrong, the seller answers and the operator decides,
//! and the same for machines.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::commands::Command;
use trade::dispute::{
    AnswerDispute, Award, DecideDispute, Dispute, DisputeReason, DisputeState, OpenDispute, is_possible, most,
};
use trade::money::Money;
use trade::party::{Party, Role};
use trade::returns::ReturnState;
use trade::time::BusinessTime;
use trade::trade_file::{Side, TradeFile};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, May, get, parts, post};
use crate::evidence::{self, Brought, BroughtJson, Piece, Shown, brought_shape};
use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, any, code, money, object, text};
use crate::trade_file::page::{ClaimLink, claim_until, goods};
use crate::trade_file::{self, Viewer, next};

/// Whom a dispute concerns, and who does what in it, on either hub.
const SEES: May = parts(&[Role::Seller, Role::Buyer, Role::Operator]);
const BUYER: May = parts(&[Role::Buyer]);
const SELLER: May = parts(&[Role::Seller]);
const OPERATOR: May = parts(&[Role::Operator]);

fn opened() -> Schema {
    let [statement, documents] = brought_shape();
    object([("reason", text()), ("wants", code(&["all", "part"])), ("amount?", text()), statement, documents])
}

fn decision() -> Schema {
    object([("award", text()), ("amount?", text()), ("reason?", text())])
}

fn dispute() -> Schema {
    object([("reason", text()), ("opened_at", crate::schema::instant()), ("state", any())]).open()
}

pub fn routes() -> Doors {
    let shown = || object([("dispute", dispute().or_null()), ("most", money().or_null())]);
    Doors::new()
        .open(get("/trades/{id}/dispute", SEES), show)
        .open(post("/trades/{id}/dispute", BUYER).file("file"), open_page)
        .open(post("/trades/{id}/dispute/answer", SELLER).file("file"), answer_page)
        .open(post("/trades/{id}/dispute/decision", OPERATOR).form("award=all&reason=x"), decide_page)
        .open(post("/trades/{id}/dispute/withdrawal", BUYER), withdraw_page)
        .open(get("/api/v1/trades/{id}/dispute", SEES).gives(200, shown), show_api)
        .open(
            post("/api/v1/trades/{id}/dispute", BUYER)
                .json(r#"{"reason": "damaged", "wants": "all", "statement": "The lid is broken."}"#)
                .takes(opened)
                .gives(200, dispute),
            open_api,
        )
        .open(
            post("/api/v1/trades/{id}/dispute/answer", SELLER)
                .json(r#"{"statement": "It left whole."}"#)
                .takes(|| object(brought_shape()))
                .gives(200, dispute),
            answer_api,
        )
        .open(
            post("/api/v1/trades/{id}/dispute/decision", OPERATOR)
                .json(r#"{"award": "all", "reason": "The picture shows it."}"#)
                .takes(decision)
                .gives(200, dispute),
            decide_api,
        )
        .open(post("/api/v1/trades/{id}/dispute/withdrawal", BUYER).gives(200, any), withdraw_api)
}

struct View {
    order: String,
    here: String,
    trade: String,
    title: String,
    goods: String,
    state: Option<(String, &'static str)>,
    lead: String,
    facts: Vec<(String, String)>,
    brought: Vec<Shown>,
    may_open: bool,
    may_answer: bool,
    may_decide: bool,
    may_withdraw: bool,
    reasons: Vec<(&'static str, String, bool)>,
    awards: Vec<(&'static str, String, bool)>,
    currency: String,
    amount: String,
    statement: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "dispute/page.html")]
struct DisputePage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// What was typed, to be shown again.
#[derive(Default)]
struct Typed {
    kind: String,
    award: String,
    amount: String,
    statement: String,
    reason: String,
}

/// How a dispute is shown: the class of its mark.
#[must_use]
pub const fn state_class(state: &DisputeState) -> &'static str {
    match state {
        DisputeState::Open { .. } | DisputeState::Answered { .. } => "stop",
        DisputeState::Decided { .. } => "go",
        DisputeState::Withdrawn { .. } => "",
    }
}

/// The way to the dispute of a trade, for whoever sees one or may open one.
#[must_use]
pub fn link(t: &Tr, file: &TradeFile, viewer: Viewer) -> Option<ClaimLink> {
    let can_open = viewer == Viewer::Buyer && is_possible(file);
    if !viewer.sees_ledger() || file.dispute.is_none() && !can_open {
        return None;
    }
    let label = t.s(if file.dispute.is_some() { "dispute-title" } else { "dispute-title-open" });
    let state = file.dispute.as_ref().map(|d| (t.by("dispute-state", d.state.code()), state_class(&d.state)));
    Some(ClaimLink { href: format!("{}/dispute", next::path(file)), label, state })
}

fn award_words(t: &Tr, award: &Award) -> String {
    match award {
        Award::Part { amount } => t.w1("award-part-of", "amount", t.money(*amount)),
        other => t.by("award", other.code()),
    }
}

fn facts(t: &Tr, dispute: &Dispute) -> Vec<(String, String)> {
    let mut facts = vec![
        (t.s("dispute-reason"), t.by("dispute-reason", dispute.reason.code())),
        (t.s("dispute-wants"), award_words(t, &dispute.wants)),
        (t.s("dispute-opened"), t.time(dispute.opened_at)),
    ];
    match &dispute.state {
        DisputeState::Open { until } => facts.push((t.s("dispute-answer-until"), t.time(*until))),
        DisputeState::Answered { decide_by, .. } => facts.push((t.s("dispute-decide-by"), t.time(*decide_by))),
        DisputeState::Decided { at, award, refund, by, reason } => {
            facts.push((t.s("dispute-decided"), t.time(*at)));
            facts.push((t.s("dispute-award"), award_words(t, award)));
            let parts =
                [("goods", t.money(refund.goods)), ("freight", t.money(refund.freight)), ("tax", t.money(refund.tax))];
            facts.push((t.s("return-refund-parts"), t.w("return-parts", parts)));
            if by.is_none() {
                facts.push((t.s("dispute-why"), t.s("dispute-no-answer")));
            }
            if let Some(reason) = reason {
                facts.push((t.s("dispute-why"), reason.clone()));
            }
        }
        DisputeState::Withdrawn { at } => facts.push((t.s("dispute-withdrawn"), t.time(*at))),
    }
    facts
}

/// Whether the seller said no to a return, and the buyer may still go against it.
fn refused_until(file: &TradeFile) -> Option<BusinessTime> {
    match file.open_return().map(|r| &r.state) {
        Some(ReturnState::Refused { until, .. }) => Some(*until),
        _ => None,
    }
}

async fn view(p: &Page, app: &AppState, file: &TradeFile, viewer: Viewer, typed: &Typed) -> Answer<View> {
    let now = app.hub.business_now().await?;
    let dispute = file.dispute.as_ref();
    let state = dispute.map(|d| &d.state);
    let refused = refused_until(file);
    let in_time = refused.or_else(|| claim_until(app, file)).is_some_and(|until| now <= until);
    let mut brought = Vec::new();
    if let Some(dispute) = dispute.filter(|_| viewer.sees_ledger()) {
        brought.extend(evidence::shown(app, p, file, "buyer", &dispute.evidence).await?);
        brought.extend(evidence::shown(app, p, file, "seller", &dispute.answer).await?);
    }
    let lead = match dispute {
        Some(dispute) => p.by("dispute-lead", dispute.state.code()),
        None => p.s("dispute-lead-none"),
    };
    let reasons = DisputeReason::ALL.into_iter().filter(|r| refused.is_some() || *r != DisputeReason::ReturnRefused);
    let may_decide = file.side == Side::Import
        && viewer == Viewer::Operator
        && match state {
            Some(DisputeState::Answered { .. }) => true,
            Some(DisputeState::Open { until }) => now > *until,
            _ => false,
        };
    let codes: &[&'static str] = if may_decide { &["all", "part", "nothing"] } else { &["all", "part"] };
    Ok(View {
        order: file.id.order_no().to_owned(),
        here: format!("{}/dispute", next::path(file)),
        trade: next::path(file),
        title: p.s(if dispute.is_some() { "dispute-title" } else { "dispute-title-open" }),
        goods: goods(p, file).unwrap_or_default(),
        state: state.map(|s| (p.by("dispute-state", s.code()), state_class(s))),
        lead,
        facts: dispute.map(|d| facts(p, d)).unwrap_or_default(),
        brought,
        may_open: viewer == Viewer::Buyer && is_possible(file) && in_time,
        may_answer: viewer == Viewer::Seller && matches!(state, Some(DisputeState::Open { .. })),
        may_decide,
        may_withdraw: viewer == Viewer::Buyer && dispute.is_some_and(Dispute::is_open),
        reasons: reasons.map(|r| (r.code(), p.by("dispute-reason", r.code()), r.code() == typed.kind)).collect(),
        awards: codes.iter().map(|c| (*c, p.by("award", c), *c == typed.award)).collect(),
        currency: app.site().currency.to_string(),
        amount: typed.amount.clone(),
        statement: typed.statement.clone(),
        reason: typed.reason.clone(),
    })
}

/// GET /trades/{id}/dispute
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let (file, viewer) = concerned(&app, &party, &id).await?;
    trade_file::looked(&app, &party, &file, viewer).await?;
    let v = view(&p, &app, &file, viewer, &Typed::default()).await?;
    Ok(p.show(&DisputePage { p: &p, v, told: None }))
}

/// GET /api/v1/trades/{id}/dispute
async fn show_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (file, viewer) = concerned(&app, &party, &id).await?;
    trade_file::looked(&app, &party, &file, viewer).await?;
    let most = file.order.as_ref().and_then(|o| most(&o.quote).ok());
    Ok(Json(json!({ "dispute": file.dispute, "most": most })))
}

/// The same, for what only one part may do.
async fn concerned_as(app: &AppState, party: &Party, id: &str, part: Viewer) -> Answer<TradeFile> {
    let (file, viewer) = concerned(app, party, id).await?;
    viewer.must_be(part)?;
    Ok(file)
}

/// A dispute is the parties' and the operator's; a carrier or an officer has no part in it.
async fn concerned(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Viewer)> {
    let (file, viewer) = trade_file::load(app, party, id).await?;
    if viewer.sees_ledger() { Ok((file, viewer)) } else { Err(Failure::role_needed(Role::Operator)) }
}

async fn done(
    p: &Page,
    app: &AppState,
    file: &TradeFile,
    viewer: Viewer,
    outcome: Answer<Value>,
    typed: &Typed,
) -> Answer<Response> {
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("{}/dispute", next::path(file))).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(p, app, file, viewer, typed).await?;
            Ok((failure.status, p.show(&DisputePage { p, v, told })).into_response())
        }
    }
}

/// What a form or a body names as an award.
fn award(app: &AppState, code: &str, amount: &str) -> Answer<Award> {
    match code {
        "all" => Ok(Award::All),
        "nothing" => Ok(Award::Nothing),
        "part" => {
            let amount = Money::parse(amount.trim(), app.site().currency).map_err(|e| Failure::of(&e))?;
            Ok(Award::Part { amount })
        }
        _ => Err(Failure::bad("award-missing")),
    }
}

async fn open_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    form: Multipart,
) -> Answer<Response> {
    let file = concerned_as(&app, &party, &id, Viewer::Buyer).await?;
    let mut typed = Typed::default();
    let outcome = match Brought::read(form).await {
        Ok(brought) => {
            let text = |name: &str| brought.field(name).to_owned();
            typed = Typed {
                kind: text("reason"),
                award: text("award"),
                amount: text("amount"),
                statement: text("statement"),
                reason: String::new(),
            };
            match award(&app, &typed.award, &typed.amount) {
                Ok(wants) => open(&app, &party, &file, &typed.kind, wants, brought.pieces).await,
                Err(failure) => Err(failure),
            }
        }
        Err(failure) => Err(failure),
    };
    done(&p, &app, &file, Viewer::Buyer, outcome, &typed).await
}

#[derive(Deserialize)]
struct OpenBody {
    reason: String,
    /// `all` or `part`.
    wants: String,
    /// In the importing hub's currency, as text.
    #[serde(default)]
    amount: String,
    #[serde(flatten)]
    brought: BroughtJson,
}

/// POST /api/v1/trades/{id}/dispute
async fn open_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<OpenBody>,
) -> Answer<Json<Value>> {
    let file = concerned_as(&app, &party, &id, Viewer::Buyer).await?;
    let wants = award(&app, &body.wants, &body.amount)?;
    open(&app, &party, &file, &body.reason, wants, body.brought.pieces()?).await.map(Json)
}

async fn open(
    app: &AppState,
    party: &Party,
    file: &TradeFile,
    reason: &str,
    wants: Award,
    pieces: Vec<Piece>,
) -> Answer<Value> {
    let known = DisputeReason::ALL.into_iter().find(|r| r.code() == reason);
    let reason = known.ok_or_else(|| Failure::bad("return-reason").with("got", reason))?;
    let (trade, by) = (file.id.clone(), party.id);
    let command = |evidence| Command::OpenDispute(OpenDispute { trade, by, reason, wants, evidence });
    evidence::submit(app, party, &file.id, pieces, command).await
}

async fn answer_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    form: Multipart,
) -> Answer<Response> {
    let file = concerned_as(&app, &party, &id, Viewer::Seller).await?;
    let mut typed = Typed::default();
    let outcome = match Brought::read(form).await {
        Ok(brought) => {
            brought.field("statement").clone_into(&mut typed.statement);
            answer(&app, &party, &file, brought.pieces).await
        }
        Err(failure) => Err(failure),
    };
    done(&p, &app, &file, Viewer::Seller, outcome, &typed).await
}

/// POST /api/v1/trades/{id}/dispute/answer
async fn answer_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<BroughtJson>,
) -> Answer<Json<Value>> {
    let file = concerned_as(&app, &party, &id, Viewer::Seller).await?;
    answer(&app, &party, &file, body.pieces()?).await.map(Json)
}

async fn answer(app: &AppState, party: &Party, file: &TradeFile, pieces: Vec<Piece>) -> Answer<Value> {
    let (trade, by) = (file.id.clone(), party.id);
    let command = |evidence| Command::AnswerDispute(AnswerDispute { trade, by, evidence });
    evidence::submit(app, party, &file.id, pieces, command).await
}

#[derive(Default, Deserialize)]
struct DecisionBody {
    award: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    reason: String,
}

async fn decide_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<DecisionBody>,
) -> Answer<Response> {
    let (file, viewer) = concerned(&app, &party, &id).await?;
    let outcome = decide(&app, &party, &file, viewer, &form).await;
    let DecisionBody { award, amount, reason } = form;
    let typed = Typed { award, amount, reason, ..Typed::default() };
    done(&p, &app, &file, viewer, outcome, &typed).await
}

/// POST /api/v1/trades/{id}/dispute/decision
async fn decide_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<DecisionBody>,
) -> Answer<Json<Value>> {
    let (file, viewer) = concerned(&app, &party, &id).await?;
    decide(&app, &party, &file, viewer, &body).await.map(Json)
}

async fn decide(app: &AppState, party: &Party, file: &TradeFile, viewer: Viewer, body: &DecisionBody) -> Answer<Value> {
    viewer.must_be(Viewer::Operator)?;
    let award = award(app, &body.award, &body.amount)?;
    let (trade, by, reason) = (file.id.clone(), party.id, body.reason.clone());
    app.submit(Command::DecideDispute(DecideDispute { trade, by, award, reason })).await
}

async fn withdraw_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, viewer) = concerned(&app, &party, &id).await?;
    let outcome = withdraw(&app, &party, &file, viewer).await;
    done(&p, &app, &file, viewer, outcome, &Typed::default()).await
}

/// POST /api/v1/trades/{id}/dispute/withdrawal
async fn withdraw_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let (file, viewer) = concerned(&app, &party, &id).await?;
    withdraw(&app, &party, &file, viewer).await.map(Json)
}

async fn withdraw(app: &AppState, party: &Party, file: &TradeFile, viewer: Viewer) -> Answer<Value> {
    viewer.must_be(Viewer::Buyer)?;
    let (trade, by) = (file.id.clone(), party.id);
    app.submit(Command::WithdrawClaim(trade::returns::WithdrawClaim { trade, by })).await
}
