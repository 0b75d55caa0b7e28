//! Returns: the page where the goods of a trade go back, with what each part may do, and the same for
//! machines.

mod doors;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::S10;
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::escrow::Escrow;
use trade::party::{Party, Role};
use trade::quantity::Grams;
use trade::returns::{
    AnswerReturn, AskReturn, CancelOrder, ExamineReturn, IssueReturnWaybill, Return, ReturnReason, ReturnState,
    SendBack, TaxBack, WithdrawClaim,
};
use trade::rulebook::ReturnMatter;
use trade::trade_file::{Side, TradeFile};

use crate::AppState;
use crate::auth::Signed;
use crate::evidence::{self, Brought, BroughtJson, Piece, Shown};
use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::trade_file::page::{ClaimLink, claim_until, goods, rule_words};
use crate::trade_file::{self, Viewer, next};

pub use doors::routes;

/// Reasons that a buyer who has the goods may give.
const AFTER_DELIVERY: [ReturnReason; 4] =
    [ReturnReason::NotAsDescribed, ReturnReason::Damaged, ReturnReason::WrongGoods, ReturnReason::ChangedMind];

/// What this part may do now.
#[derive(Default)]
struct May {
    ask: bool,
    cancel: bool,
    answer: bool,
    withdraw: bool,
    waybill: bool,
    undeliverable: bool,
    send_back: bool,
    examine: bool,
    dispute: bool,
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
    may: May,
    is_nothing_to_do: bool,
    reasons: Vec<(&'static str, String, bool)>,
    /// What the rules say to the officer, before it decides.
    says: Vec<String>,
    statement: String,
    said: String,
    no: String,
    weight: String,
}

#[derive(Template)]
#[template(path = "returns/page.html")]
struct ReturnPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// How a return is shown: the class of its mark.
#[must_use]
pub const fn state_class(state: &ReturnState) -> &'static str {
    match state {
        ReturnState::Asked { .. } | ReturnState::Agreed { .. } => "wait",
        ReturnState::Refused { .. } => "stop",
        ReturnState::Settled { .. } => "go",
        ReturnState::Lapsed { .. } => "",
    }
}

/// Whether the sale may still be called off, as far as is known here.
fn is_cancellable(file: &TradeFile) -> bool {
    let gone = file.has(CustodyKind::HandedOver) || file.has(CustodyKind::Departed);
    let released = match file.side {
        Side::Import => file.peer_clearance.is_released(),
        Side::Export => file.clearance.is_released(),
    };
    file.order.is_some() && file.closed.is_none() && file.claim().is_none() && !gone && !released
}

fn may(app: &AppState, file: &TradeFile, viewer: Viewer, now: trade::time::BusinessTime) -> May {
    let open = file.open_return();
    let state = open.map(|r| &r.state);
    let import = file.side == Side::Import;
    let held = matches!(file.escrow, Escrow::Funded { .. });
    let claimable = import && held && file.closed.is_none() && claim_until(app, file).is_some_and(|until| now <= until);
    let agreed = matches!(state, Some(ReturnState::Agreed { .. }));
    let with_buyer = file.has(CustodyKind::Delivered) && !file.has(CustodyKind::HandedBack);
    let stopped = matches!(
        file.clearance,
        trade::clearance::Clearance::Held { .. }
            | trade::clearance::Clearance::Examining { .. }
            | trade::clearance::Clearance::Detained { .. }
    );
    let for_waybill = import && agreed && with_buyer && open.is_some_and(|r| r.waybill.is_none());
    match viewer {
        Viewer::Buyer => May {
            ask: claimable && file.claim().is_none(),
            cancel: is_cancellable(file),
            withdraw: matches!(state, Some(ReturnState::Asked { until: Some(_) } | ReturnState::Refused { .. }))
                || agreed && with_buyer,
            waybill: for_waybill,
            dispute: trade::dispute::is_possible(file),
            ..May::default()
        },
        Viewer::Seller => May {
            answer: matches!(state, Some(ReturnState::Asked { until: Some(_) })),
            cancel: is_cancellable(file),
            ..May::default()
        },
        Viewer::Carrier => May {
            waybill: for_waybill,
            undeliverable: import
                && file.has(CustodyKind::OutForDelivery)
                && !file.has(CustodyKind::Delivered)
                && file.closed.is_none()
                && open.is_none(),
            ..May::default()
        },
        Viewer::Officer => May {
            send_back: stopped && file.closed.is_none() && open.is_none(),
            examine: match file.side {
                Side::Import => agreed && file.has(CustodyKind::BackAtCustoms),
                Side::Export => open.is_some() && file.has(CustodyKind::BackHome) && file.reimport.is_none(),
            },
            ..May::default()
        },
        Viewer::Operator | Viewer::Broker | Viewer::Warehouse => May::default(),
    }
}

impl May {
    const fn anything(&self) -> bool {
        self.ask
            || self.cancel
            || self.answer
            || self.withdraw
            || self.waybill
            || self.undeliverable
            || self.send_back
            || self.examine
            || self.dispute
    }
}

/// The way to the return of a trade, for whoever sees one or may begin one.
#[must_use]
pub fn link(
    t: &Tr,
    app: &AppState,
    file: &TradeFile,
    viewer: Viewer,
    now: trade::time::BusinessTime,
) -> Option<ClaimLink> {
    let may = may(app, file, viewer, now);
    if file.returning.is_none() && !may.anything() {
        return None;
    }
    let label = t.s(if may.cancel && file.returning.is_none() { "return-title-cancel" } else { "return-title" });
    let state = file.returning.as_ref().map(|r| (t.by("return-state", r.state.code()), state_class(&r.state)));
    Some(ClaimLink { href: format!("{}/return", next::path(file)), label, state })
}

/// What became of the tax, in a sentence.
fn tax_words(t: &Tr, app: &AppState, tax: &TaxBack) -> String {
    match tax {
        TaxBack::NotDue => t.s("return-tax-not-due"),
        TaxBack::GivenBack { rule, quota } => {
            let key = if *quota { "return-tax-given-back-quota" } else { "return-tax-given-back" };
            format!("{} {}", t.s(key), rule_words(t, app, rule))
        }
        TaxBack::Kept { why, rule } => {
            let kept = t.w1("return-tax-kept", "why", t.by("tax-kept", why.code()));
            match rule {
                Some(rule) => format!("{kept} {}", rule_words(t, app, rule)),
                None => kept,
            }
        }
    }
}

fn facts(t: &Tr, app: &AppState, file: &TradeFile, returning: &Return, viewer: Viewer) -> Vec<(String, String)> {
    let mut facts = vec![
        (t.s("return-reason"), t.by("return-reason", returning.reason.code())),
        (t.s("return-since"), t.time(returning.asked_at)),
    ];
    match &returning.state {
        ReturnState::Asked { until: Some(until) } => facts.push((t.s("return-answer-until"), t.time(*until))),
        ReturnState::Asked { until: None } => {}
        ReturnState::Refused { until, .. } => facts.push((t.s("return-dispute-until"), t.time(*until))),
        ReturnState::Agreed { hand_in_by, by_silence, .. } => {
            if *by_silence {
                facts.push((t.s("return-agreed"), t.s("return-by-silence")));
            }
            if let Some(until) = hand_in_by.filter(|_| !file.has(CustodyKind::HandedBack)) {
                facts.push((t.s("return-hand-in-until"), t.time(until)));
            }
        }
        ReturnState::Settled { refund, tax, .. } => {
            if viewer.sees_prices() {
                let total = refund.total().map(|m| t.money(m)).unwrap_or_default();
                facts.push((t.s("return-refund"), total));
                let parts = [
                    ("goods", t.money(refund.goods)),
                    ("freight", t.money(refund.freight)),
                    ("tax", t.money(refund.tax)),
                ];
                facts.push((t.s("return-refund-parts"), t.w("return-parts", parts)));
            }
            facts.push((t.s("return-tax"), tax_words(t, app, tax)));
        }
        ReturnState::Lapsed { why, .. } => {
            facts.push((t.s("return-lapsed-why"), t.by("return-lapse", why.code())));
        }
    }
    if let Some(waybill) = &returning.waybill {
        facts.push((t.s("return-waybill"), format!("{} · {}", waybill.no, t.kg(waybill.gross))));
    }
    if let Some(step) = file.custody.iter().rev().find(|c| c.kind.is_back()) {
        let step = t.w2("parcel-at", "step", t.by("step", step.kind.code()), "place", &step.place);
        facts.push((t.s("return-parcel"), step));
    }
    if let Some(said) = &returning.said {
        facts.push((t.s("return-said"), said.clone()));
    }
    if let Some(home) = &file.reimport {
        let key = if home.duty_free { "return-home-free" } else { "return-home-duty" };
        let mut words = t.s(key);
        if let Some(said) = &home.said {
            words = format!("{words} {said}");
        }
        facts.push((t.s("return-home"), words));
    }
    facts
}

/// What the rules of this side say, for the officer's eyes.
fn says(t: &Tr, app: &AppState, file: &TradeFile) -> Vec<String> {
    let matter = match file.side {
        Side::Import => ReturnMatter::ImportTax,
        Side::Export => ReturnMatter::ReImport,
    };
    let Some(book) = app.site().rulebook() else { return Vec::new() };
    let day = file.opened.date_in(&app.site().zone);
    let rule = book.return_rule(matter, day);
    rule.map(|rule| rule_words(t, app, &rule.info.id)).into_iter().collect()
}

async fn view(p: &Page, app: &AppState, file: &TradeFile, viewer: Viewer, form: &FormBody) -> Answer<View> {
    let now = app.hub.business_now().await?;
    let may = may(app, file, viewer, now);
    let returning = file.returning.as_ref();
    let mut brought = Vec::new();
    if let Some(returning) = returning.filter(|_| viewer.sees_ledger()) {
        brought.extend(evidence::shown(app, p, file, "buyer", &returning.evidence).await?);
        brought.extend(evidence::shown(app, p, file, "seller", &returning.answer).await?);
    }
    let lead = match returning {
        Some(returning) => p.by("return-lead", returning.state.code()),
        None if may.cancel => p.s("return-lead-cancel"),
        None => p.s("return-lead-none"),
    };
    let chosen = form.reason.as_deref().unwrap_or_default();
    let nothing = !may.anything();
    Ok(View {
        order: file.id.order_no().to_owned(),
        here: format!("{}/return", next::path(file)),
        trade: next::path(file),
        title: p.s(if may.cancel && returning.is_none() { "return-title-cancel" } else { "return-title" }),
        goods: goods(p, file).unwrap_or_default(),
        state: returning.map(|r| (p.by("return-state", r.state.code()), state_class(&r.state))),
        lead,
        facts: returning.map(|r| facts(p, app, file, r, viewer)).unwrap_or_default(),
        brought,
        says: if may.examine { says(p, app, file) } else { Vec::new() },
        may,
        is_nothing_to_do: nothing,
        reasons: AFTER_DELIVERY
            .iter()
            .map(|r| (r.code(), p.by("return-reason", r.code()), r.code() == chosen))
            .collect(),
        statement: form.statement.clone().unwrap_or_default(),
        said: form.said.clone(),
        no: form.no.clone(),
        weight: if form.weight.is_empty() {
            file.order.as_ref().map(|o| o.quote.gross().kilograms()).unwrap_or_default()
        } else {
            form.weight.clone()
        },
    })
}

/// GET /trades/{id}/return
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    trade_file::looked(&app, &party, &file, viewer).await?;
    let v = view(&p, &app, &file, viewer, &FormBody::default()).await?;
    Ok(p.show(&ReturnPage { p: &p, v, told: None }))
}

/// GET /api/v1/trades/{id}/return
async fn show_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    trade_file::looked(&app, &party, &file, viewer).await?;
    if !viewer.sees_prices() {
        let state = file.returning.as_ref().map(|r| r.state.code());
        return Ok(Json(json!({ "state": state, "waybill": file.returning.as_ref().map(|r| &r.waybill) })));
    }
    Ok(Json(json!({ "return": file.returning, "re_import": file.reimport })))
}

/// What a form or a body may hold; each act takes its own.
#[derive(Clone, Default, Deserialize)]
struct FormBody {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    statement: Option<String>,
    #[serde(default)]
    no: String,
    #[serde(default)]
    weight: String,
    #[serde(default)]
    gross_grams: Option<i64>,
    #[serde(default)]
    said: String,
    #[serde(default)]
    grants: Option<String>,
}

/// Shows the page again with what was wrong; or goes to the trade.
async fn done(
    p: &Page,
    app: &AppState,
    file: &TradeFile,
    viewer: Viewer,
    outcome: Answer<Value>,
    form: &FormBody,
) -> Answer<Response> {
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("{}/return", next::path(file))).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(p, app, file, viewer, form).await?;
            Ok((failure.status, p.show(&ReturnPage { p, v, told })).into_response())
        }
    }
}

async fn ask_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    form: Multipart,
) -> Answer<Response> {
    let file = trade_file::load_as(&app, &party, &id, Viewer::Buyer).await?;
    let mut shown = FormBody::default();
    let outcome = match Brought::read(form).await {
        Ok(brought) => {
            shown.reason = Some(brought.field("reason").to_owned());
            shown.statement = Some(brought.field("statement").to_owned());
            let reason = brought.field("reason").to_owned();
            ask(&app, &party, &file, &reason, brought.pieces).await
        }
        Err(failure) => Err(failure),
    };
    done(&p, &app, &file, Viewer::Buyer, outcome, &shown).await
}

#[derive(Deserialize)]
struct AskBody {
    reason: String,
    #[serde(flatten)]
    brought: BroughtJson,
}

/// POST /api/v1/trades/{id}/return
async fn ask_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<AskBody>,
) -> Answer<Json<Value>> {
    let file = trade_file::load_as(&app, &party, &id, Viewer::Buyer).await?;
    ask(&app, &party, &file, &body.reason, body.brought.pieces()?).await.map(Json)
}

async fn ask(app: &AppState, party: &Party, file: &TradeFile, reason: &str, pieces: Vec<Piece>) -> Answer<Value> {
    let known = AFTER_DELIVERY.into_iter().find(|r| r.code() == reason);
    let reason = known.ok_or_else(|| Failure::bad("return-reason").with("got", reason))?;
    let (trade, by) = (file.id.clone(), party.id);
    let command = |evidence| Command::AskReturn(AskReturn { trade, by, reason, evidence });
    evidence::submit(app, party, &file.id, pieces, command).await
}

async fn answer_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    form: Multipart,
) -> Answer<Response> {
    let file = trade_file::load_as(&app, &party, &id, Viewer::Seller).await?;
    let mut shown = FormBody::default();
    let outcome = match Brought::read(form).await {
        Ok(brought) => {
            shown.statement = Some(brought.field("statement").to_owned());
            let agrees = brought.field("agrees") == "yes";
            answer(&app, &party, &file, agrees, brought.pieces).await
        }
        Err(failure) => Err(failure),
    };
    done(&p, &app, &file, Viewer::Seller, outcome, &shown).await
}

#[derive(Deserialize)]
struct AnswerBody {
    agrees: bool,
    #[serde(flatten)]
    brought: BroughtJson,
}

/// POST /api/v1/trades/{id}/return/answer
async fn answer_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<AnswerBody>,
) -> Answer<Json<Value>> {
    let file = trade_file::load_as(&app, &party, &id, Viewer::Seller).await?;
    answer(&app, &party, &file, body.agrees, body.brought.pieces()?).await.map(Json)
}

async fn answer(app: &AppState, party: &Party, file: &TradeFile, agrees: bool, pieces: Vec<Piece>) -> Answer<Value> {
    let (trade, by) = (file.id.clone(), party.id);
    let command = |evidence| Command::AnswerReturn(AnswerReturn { trade, by, agrees, evidence });
    evidence::submit(app, party, &file.id, pieces, command).await
}

/// What is done to a return once it is asked for, and to goods that come back unasked.
#[derive(Clone, Copy)]
enum Act {
    Cancel,
    Withdraw,
    Waybill,
    Undeliverable,
    SendBack,
    Examine,
}

async fn act_page(
    act: Act,
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<FormBody>,
) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    let outcome = do_act(&app, &party, &file, viewer, act, &form).await;
    done(&p, &app, &file, viewer, outcome, &form).await
}

/// What machines send to an act.
#[derive(Default, Deserialize)]
struct ActBody {
    #[serde(default)]
    no: String,
    #[serde(default)]
    gross_grams: Option<i64>,
    #[serde(default)]
    said: String,
    #[serde(default)]
    grants: Option<bool>,
}

/// POST /api/v1/trades/{id}/return/…, a door for each act.
async fn act_api(
    act: Act,
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<ActBody>,
) -> Answer<Json<Value>> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    let grants = body.grants.map(|grants| if grants { "yes" } else { "no" }.to_owned());
    let ActBody { no, gross_grams, said, .. } = body;
    let form = FormBody { no, gross_grams, said, grants, ..FormBody::default() };
    do_act(&app, &party, &file, viewer, act, &form).await.map(Json)
}

async fn do_act(
    app: &AppState,
    party: &Party,
    file: &TradeFile,
    viewer: Viewer,
    act: Act,
    form: &FormBody,
) -> Answer<Value> {
    let (trade, by, said) = (file.id.clone(), party.id, form.said.clone());
    let needs = |is: bool, role| if is { Ok(()) } else { Err(Failure::role_needed(role)) };
    let command: Command = match act {
        Act::Cancel => {
            let role = if file.side == Side::Import { Role::Buyer } else { Role::Seller };
            needs(matches!(viewer, Viewer::Buyer | Viewer::Seller), role)?;
            CancelOrder { trade, by }.into()
        }
        Act::Withdraw => {
            viewer.must_be(Viewer::Buyer)?;
            WithdrawClaim { trade, by }.into()
        }
        Act::Waybill => {
            needs(matches!(viewer, Viewer::Buyer | Viewer::Carrier), Role::Carrier)?;
            let (no, gross) = waybill(form)?;
            IssueReturnWaybill { trade, by, no, gross }.into()
        }
        Act::Undeliverable => {
            viewer.must_be(Viewer::Carrier)?;
            SendBack { trade, by, reason: ReturnReason::Undeliverable, said }.into()
        }
        Act::SendBack => {
            viewer.must_be(Viewer::Officer)?;
            SendBack { trade, by, reason: ReturnReason::SentBack, said }.into()
        }
        Act::Examine => {
            viewer.must_be(Viewer::Officer)?;
            let grants = match form.grants.as_deref() {
                Some("yes") => true,
                Some("no") => false,
                got => return Err(Failure::bad("decision-unclear").with("got", got.unwrap_or("–"))),
            };
            ExamineReturn { trade, by, grants, said }.into()
        }
    };
    app.submit(command).await
}

fn waybill(form: &FormBody) -> Answer<(S10, Grams)> {
    let no = form.no.to_uppercase().replace(' ', "").parse::<S10>().map_err(|e| Failure::of(&e))?;
    let gross = match form.gross_grams {
        Some(grams) => Grams(grams),
        None => Grams::parse_kilograms(form.weight.trim())
            .map_err(|_| Failure::bad("not-a-kilogram").with("got", form.weight.as_str()))?,
    };
    Ok((no, gross))
}
