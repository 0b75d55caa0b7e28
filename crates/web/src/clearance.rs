//! The officer's desk: what was not released by itself, by deadline, with its reason; and the decision.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;
use trade::ball::{Task, ball};
use trade::clearance::{Channel, Clearance, DecideClearance, Decision};
use trade::commands::Command;
use trade::id::Id;
use trade::matching::FIELDS;
use trade::party::{Party, Role};
use trade::rulebook::Mender;
use trade::time::BusinessTime;
use trade::trade_file::{Side, Stage, TradeFile};

use crate::AppState;
use crate::auth::{As, Officer};
use crate::door::{Doors, get, only, post};
use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, code, noun, object, text};
use crate::trade_file::matched::{self, Row as MatchedRow};
use crate::trade_file::page::{CustomsView, customs, goods, rule_words};
use crate::trade_file::{self, Viewer, next};

/// Declarations shown at once; the most urgent first, so that what is cut off can wait.
const QUEUE_MAX: usize = 100;
/// Returns under way that are looked through for those that wait for customs.
const RETURNS_MAX: i64 = 200;

fn api_shape() -> Schema {
    object([
        ("decision", code(&["release", "detain", "answered", "ask"])),
        ("field?", text().or_null()),
        ("of?", text().or_null()),
        ("reason?", text().max(1_000)),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/officer", only(&[Role::Officer])), queue)
        .open(get("/officer/{id}", only(&[Role::Officer])), detail)
        .open(post("/officer/{id}", only(&[Role::Officer])).form("decision=release&reason=x"), decide_page)
        .open(
            post("/api/v1/trades/{id}/decision", only(&[Role::Officer]))
                .json(r#"{"decision": "release", "reason": "seen"}"#)
                .takes(api_shape)
                .gives(200, || noun("Clearance")),
            decide_api,
        )
}

struct Row {
    href: String,
    order: String,
    goods: String,
    code: String,
    reason: String,
    class: &'static str,
    why: Option<String>,
    holder: String,
    value: String,
    left: String,
    is_late: bool,
}

/// What happened today, in numbers.
struct Today {
    line: String,
    tiles: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "clearance/queue.html")]
struct QueuePage<'a> {
    p: &'a Page,
    title: String,
    today: Today,
    rows: Vec<Row>,
}

/// GET /officer
async fn queue(State(app): State<AppState>, p: Page, As(..): As<Officer>) -> Answer<Response> {
    let mut files = crate::operator::stopped(&app).await?;
    files.sort_by_key(|f| (deadline(f), f.id.clone()));
    let now = app.hub.business_now().await?;
    let title = p.n("clearance-queue", i64::try_from(files.len()).unwrap_or(i64::MAX));
    let mut rows: Vec<Row> = files.iter().take(QUEUE_MAX).map(|file| row(&p, &app, file, now)).collect();
    rows.extend(returns(&p, &app, now).await?);
    let today = today(&p, &app, &files, now).await?;
    Ok(p.show(&QueuePage { p: &p, title, today, rows }))
}

/// Goods that go back, or come home, and wait for an officer of this side.
async fn returns(p: &Page, app: &AppState, now: BusinessTime) -> Answer<Vec<Row>> {
    let filter = hub::trade_file::TradeFilter { stage: Some(Stage::Returning), ..Default::default() };
    let found = app.hub.trades(&filter, None, RETURNS_MAX).await?;
    let waits = |f: &TradeFile| {
        let ball = ball(f);
        ball.task == Task::ExamineReturn && Viewer::Officer.holds(f.side, ball.holder)
    };
    let shown = found.items.into_iter().map(|row| row.file).filter(waits).map(|file| Row {
        href: format!("{}/return", next::path(&file)),
        reason: p.s("clearance-return"),
        class: "tell",
        why: None,
        ..row(p, app, &file, now)
    });
    Ok(shown.collect())
}

async fn today(p: &Page, app: &AppState, open: &[TradeFile], now: BusinessTime) -> Answer<Today> {
    let counts = app.hub.clearance_counts(midnight(app, now)).await?;
    let decided = counts.green + counts.by_officer + counts.detained;
    let held =
        i64::try_from(open.iter().filter(|f| matches!(f.clearance, Clearance::Held { .. })).count()).unwrap_or(0);
    let examining = i64::try_from(open.len()).unwrap_or(0) - held;
    let total = decided + held + examining;
    let line = if total == 0 {
        p.s("clearance-today-none")
    } else {
        // Per cent with two digits; shown, never used.
        let share = trade::money::format_fixed((counts.green * 10_000).div_euclid(total), 2);
        let share = format!("{}\u{a0}%", share.trim_end_matches('0').trim_end_matches('.'));
        p.w2("clearance-today", "total", p.num(total), "share", share)
    };
    let tiles = [
        ("green", counts.green),
        ("officer", counts.by_officer),
        ("held", held),
        ("examining", examining),
        ("detained", counts.detained),
    ];
    let tiles = tiles.into_iter().map(|(code, n)| (p.by("clearance-counts", code), p.num(n))).collect();
    Ok(Today { line, tiles })
}

/// The beginning of the office's day.
fn midnight(app: &AppState, now: BusinessTime) -> BusinessTime {
    let zone = &app.site().zone;
    let date = now.date_in(zone);
    let start = date.to_zoned(zone.clone()).map(|z| z.timestamp().as_microsecond());
    start.map_or(now, BusinessTime::from_micros)
}

fn row(p: &Page, app: &AppState, file: &TradeFile, now: BusinessTime) -> Row {
    let (reason, class, why, deadline) = reason(p, app, file);
    let ball = ball(file);
    let holder = if Viewer::Officer.holds(file.side, ball.holder) { "you" } else { ball.holder.code() };
    let seconds = deadline.map_or(0, |d| d.seconds_since(now));
    let left = match deadline {
        None => "–".to_owned(),
        Some(_) if seconds < 0 => p.w1("clearance-overdue", "time", p.span(-seconds)),
        Some(_) => p.span(seconds),
    };
    let line = file.order.iter().flat_map(|o| &o.quote.lines).next();
    Row {
        href: office_path(file),
        order: file.id.order_no().to_owned(),
        goods: goods(p, file).unwrap_or_else(|| "–".to_owned()),
        code: line.map(|l| p.w2("clearance-origin-of", "hs", &l.hs, "origin", p.country(l.origin))).unwrap_or_default(),
        reason,
        class,
        why,
        holder: p.by("holder", holder),
        value: value(p, file),
        left,
        is_late: seconds < 0,
    }
}

fn office_path(file: &TradeFile) -> String {
    next::path(file).replacen("/trades/", "/officer/", 1)
}

fn value(t: &Tr, file: &TradeFile) -> String {
    let value = match file.side {
        Side::Import => file.order.as_ref().map(|o| o.quote.landed.taxable),
        Side::Export => file.declaration.as_ref().and_then(|d| d.value().ok()),
    };
    value.map_or_else(|| "–".to_owned(), |v| t.money(v))
}

/// Why it was not released by itself, in a few words, and until when it must be decided.
fn reason(t: &Tr, app: &AppState, file: &TradeFile) -> (String, &'static str, Option<String>, Option<BusinessTime>) {
    match &file.clearance {
        Clearance::Held { reasons, deadline, .. } => {
            let rows = app.site().rulebook().map(|book| matched::rows(t, file, book)).unwrap_or_default();
            let first = rows.into_iter().find(|r| r.class == "stop");
            let reason = match &first {
                Some(row) => format!("{}: {}", row.field, row.result),
                None => reasons.first().map_or_else(
                    || t.by("clearance", "held"),
                    |r| t.w1("clearance-lacks", "field", t.by("field", r.field.code())),
                ),
            };
            let more = (reasons.len() > 1).then(|| {
                let rest = reasons.iter().skip(1).map(|r| t.by("field", r.field.code()));
                rest.collect::<Vec<_>>().join(&t.s("list-comma"))
            });
            (reason, "stop", more.or(first.and_then(|r| r.why)), Some(*deadline))
        }
        Clearance::Examining { channel, rule, deadline, asked, .. } => {
            let key = if *channel == Channel::Red { "clearance-examine-red" } else { "clearance-examine-yellow" };
            let (reason, class) = match asked {
                Some(asked) => (t.w1("clearance-asked", "reason", &asked.reason), "wait"),
                None => (t.s(key), "tell"),
            };
            let why = rule.as_ref().map(|r| rule_words(t, app, r));
            (reason, class, why, Some(*deadline))
        }
        other => (t.by("clearance", other.code()), "", None, None),
    }
}

/// Until when customs has to decide.
const fn deadline(file: &TradeFile) -> Option<BusinessTime> {
    match &file.clearance {
        Clearance::Held { deadline, .. } | Clearance::Examining { deadline, .. } => Some(*deadline),
        _ => None,
    }
}

struct Detail {
    order: String,
    here: String,
    trade: String,
    goods: String,
    value: String,
    left: Option<String>,
    state: CustomsView,
    other_side: CustomsView,
    rows: Vec<MatchedRow>,
    lines: Vec<Line>,
    weight: String,
    is_open: bool,
    is_asked: bool,
    is: String,
    fields: Vec<(&'static str, String)>,
    menders: Vec<(&'static str, String)>,
    reason: String,
}

struct Line {
    name: String,
    description: String,
    hs: String,
    origin: String,
    pieces: String,
    value: String,
}

#[derive(Template)]
#[template(path = "clearance/detail.html")]
struct DetailPage<'a> {
    p: &'a Page,
    v: Detail,
    told: Option<Told>,
}

/// GET /officer/{id}
async fn detail(
    State(app): State<AppState>,
    p: Page,
    As(officer, ..): As<Officer>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let file = declared(&app, &officer, &id).await?;
    trade_file::looked(&app, &officer, &file, Viewer::Officer).await?;
    let now = app.hub.business_now().await?;
    let v = view(&p, &app, &file, now, String::new());
    Ok(p.show(&DetailPage { p: &p, v, told: None }))
}

/// An officer's own purchase is not for that officer to decide.
async fn declared(app: &AppState, officer: &Party, id: &str) -> Answer<TradeFile> {
    match trade_file::load(app, officer, id).await? {
        (file, Viewer::Officer) => Ok(file),
        _ => Err(Failure::new(StatusCode::FORBIDDEN, "own-trade")),
    }
}

fn view(p: &Page, app: &AppState, file: &TradeFile, now: BusinessTime, reason: String) -> Detail {
    let lines = file.declaration.iter().flat_map(|d| &d.lines).map(|line| {
        let quoted = file.order.iter().flat_map(|o| &o.quote.lines).find(|q| q.product == line.product);
        Line {
            name: quoted.map(|q| q.name.clone()).unwrap_or_default(),
            description: quoted.map(|q| q.description.clone()).unwrap_or_default(),
            hs: line.hs.to_string(),
            origin: p.country(line.origin),
            pieces: p.num(line.pieces),
            value: p.money(line.value),
        }
    });
    let deadline = deadline(file);
    let state = customs(p, app, &file.clearance);
    Detail {
        order: file.id.order_no().to_owned(),
        here: office_path(file),
        trade: next::path(file),
        goods: goods(p, file).unwrap_or_else(|| "–".to_owned()),
        value: value(p, file),
        left: deadline.map(|d| {
            let left = d.seconds_since(now);
            if left < 0 {
                p.w1("clearance-overdue", "time", p.span(-left))
            } else {
                p.w1("trade-by", "when", p.time(d))
            }
        }),
        is: p.w1("clearance-is", "state", &state.word),
        state,
        other_side: customs(p, app, &file.peer_clearance),
        rows: app.site().rulebook().map(|book| matched::rows(p, file, book)).unwrap_or_default(),
        lines: lines.collect(),
        weight: file.declaration.as_ref().map(|d| p.kg(d.gross)).unwrap_or_default(),
        is_open: matches!(file.clearance, Clearance::Held { .. } | Clearance::Examining { .. }),
        is_asked: matches!(file.clearance, Clearance::Examining { asked: Some(_), .. }),
        fields: FIELDS.iter().map(|f| (f.code(), p.by("field", f.code()))).collect(),
        menders: MENDERS.iter().map(|m| (matched::mender(*m), p.by("mender", matched::mender(*m)))).collect(),
        reason,
    }
}

const MENDERS: [Mender; 5] = [Mender::Seller, Mender::Buyer, Mender::Carrier, Mender::PaymentFirm, Mender::Broker];

#[derive(Deserialize)]
struct DecisionForm {
    decision: String,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    of: Option<String>,
    #[serde(default)]
    reason: String,
}

impl DecisionForm {
    fn decision(&self) -> Option<Decision> {
        Some(match self.decision.as_str() {
            "release" => Decision::Release,
            "detain" => Decision::Detain,
            "answered" => Decision::Answered,
            "ask" => {
                let of = self.of.as_deref().unwrap_or("seller");
                let of = MENDERS.into_iter().find(|m| matched::mender(*m) == of)?;
                Decision::Ask { field: self.field.clone().unwrap_or_default(), of }
            }
            _ => return None,
        })
    }
}

async fn decide_page(
    State(app): State<AppState>,
    p: Page,
    As(officer, ..): As<Officer>,
    Path(id): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Answer<Response> {
    let file = declared(&app, &officer, &id).await?;
    match decide(&app, officer.id, &file, &form).await {
        Ok(_) => Ok(Redirect::to("/officer").into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let now = app.hub.business_now().await?;
            let v = view(&p, &app, &file, now, form.reason);
            Ok((failure.status, p.show(&DetailPage { p: &p, v, told })).into_response())
        }
    }
}

/// POST /api/v1/trades/{id}/decision
async fn decide_api(
    State(app): State<AppState>,
    As(officer, ..): As<Officer>,
    Path(id): Path<String>,
    Json(form): Json<DecisionForm>,
) -> Answer<Json<Value>> {
    let file = declared(&app, &officer, &id).await?;
    decide(&app, officer.id, &file, &form).await.map(Json)
}

async fn decide(app: &AppState, by: Id<Party>, file: &TradeFile, form: &DecisionForm) -> Answer<Value> {
    let decision =
        form.decision().ok_or_else(|| Failure::bad("decision-unclear").with("got", form.decision.as_str()))?;
    let command = DecideClearance { trade: file.id.clone(), by, decision, reason: form.reason.clone() };
    app.submit(Command::DecideClearance(command)).await
}
