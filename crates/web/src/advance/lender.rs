//! The lender's desk: sales that are offered, one of them with its scorecard, what was advanced; and
//! for the operator, what is outstanding on this hub.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::advance::{Advance, AdvanceOffer, OfferAdvance, available, lender_reference};
use trade::id::Id;
use trade::money::{Money, Rate};
use trade::party::{Party, Role};
use trade::time::{BusinessTime, Days};
use trade::trade_file::{Side, TradeFile, TradeId};

use super::funds::{self, FundsView};
use super::word::{self, WordRow};
use super::{CardView, OfferRow, amount_typed, card, days_typed, offer_json, offer_row, score, state_of};
use crate::AppState;
use crate::auth::{As, Lender, Signed};
use crate::door::{Doors, May, get, only, post};
use crate::i18n::Told;
use crate::idempotency::Fresh;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{any, boolean, count, id, integer, list, money, noun, object, page, text};
use crate::trade_file::page::goods;

/// Rows of each list on the page; the API gives as many where it is not asked otherwise.
const SHOWN: i64 = 100;
const API_MAX: i64 = 500;

const LOOKS: May = only(&[Role::Lender, Role::Operator]);
const LENDS: May = only(&[Role::Lender]);
const PART: &[&str] = &["after", "limit"];
const OFFER_SAMPLE: &str = r#"{"amount": {"minor": 3000, "currency": "MYR"}, "fee_percent": "2", "tenor_days": 30}"#;

pub fn routes() -> Doors {
    let offer = || {
        object([
            ("offer?", id("adv").or_null()),
            ("amount", money()),
            ("fee_percent", text()),
            ("tenor_days", integer()),
        ])
    };
    Doors::new()
        .open(get("/advances", LOOKS), home)
        .open(get("/advances/{id}", LENDS).at(Side::Export), show)
        .open(post("/advances/{id}/offers", LENDS).form("amount=9&fee=2&days=30").at(Side::Export), offer_page)
        .open(
            get("/api/v1/advances", LOOKS).query(PART).gives(200, || {
                let advance =
                    [("trade", text()), ("state", any()), ("overdue", boolean()), ("offer", noun("AdvanceOffer"))];
                let sum = object([("state", text()), ("count", count()), ("repayment", money())]);
                object([
                    ("advances", list(object(advance))),
                    ("funds", object([("available", money()), ("reference", text())]).or_null()),
                    ("sums", list(sum)),
                    ("next", text().or_null()),
                ])
            }),
            list_api,
        )
        .open(
            get("/api/v1/advances/asked", LENDS).query(PART).gives(200, || page("asked", noun("SaleOffered"))),
            asked_api,
        )
        .open(
            get("/api/v1/advances/debts", LOOKS)
                .query(PART)
                .gives(200, || page("debts", object([("seller", id("pty")), ("debt", noun("Debt"))]))),
            debts_api,
        )
        .open(get("/api/v1/advances/{id}", LENDS).gives(200, || noun("SaleOffered")).at(Side::Export), show_api)
        .open(
            post("/api/v1/advances/{id}/offers", LENDS)
                .json(OFFER_SAMPLE)
                .takes(offer)
                .gives(200, || noun("AdvanceOffer"))
                .at(Side::Export),
            offer_api,
        )
}

pub fn path(trade: &TradeId) -> String {
    format!("/advances/{}", percent(trade.as_str()).replace('/', "%2F"))
}

struct AskedRow {
    href: String,
    order: String,
    goods: String,
    seller: String,
    due: String,
    grade: String,
    until: String,
    mine: Option<String>,
}

struct TakenRow {
    href: String,
    order: String,
    lender: String,
    amount: String,
    repayment: String,
    due_at: String,
    state: String,
    class: &'static str,
}

struct DebtRow {
    order: String,
    seller: String,
    amount: String,
    left: String,
    since: String,
}

struct View {
    is_lender: bool,
    is_operator: bool,
    /// What the lender has that is not lent, and how money comes in.
    funds: Option<(String, String)>,
    asked: Vec<AskedRow>,
    taken: Vec<TakenRow>,
    sums: Vec<(String, String)>,
    debts: Vec<DebtRow>,
    words: Vec<WordRow>,
    lenders: FundsView,
}

#[derive(Template)]
#[template(path = "advance/home.html")]
struct HomePage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// Lenders and the operator; nobody else learns what is offered here.
fn may(party: &Party) -> Answer<()> {
    if party.is(Role::Lender) || party.is(Role::Operator) { Ok(()) } else { Err(Failure::role_needed(Role::Lender)) }
}

/// GET /advances
async fn home(State(app): State<AppState>, p: Page, Signed(party): Signed) -> Answer<Response> {
    may(&party)?;
    with(&p, &app, &party, None).await
}

/// The same page, with what came of something that was done on it.
pub async fn with(p: &Page, app: &AppState, party: &Party, told: Option<Told>) -> Answer<Response> {
    Ok(p.show(&HomePage { p, v: view(p, app, party).await?, told }))
}

async fn name_of(app: &AppState, party: Id<Party>) -> Answer<String> {
    Ok(app.hub.party(party).await?.map_or_else(|| party.text(), |party| party.name))
}

async fn view(p: &Page, app: &AppState, party: &Party) -> Answer<View> {
    let now = app.hub.business_now().await?;
    let is_lender = party.is(Role::Lender);
    let is_operator = party.is(Role::Operator);
    let mut asked = Vec::new();
    if is_lender {
        for file in app.hub.advances_asked(now, None, SHOWN).await?.items {
            asked.extend(asked_row(p, app, &file, party.id).await?);
        }
    }
    let lender = (!is_operator).then_some(party.id);
    let mut taken = Vec::new();
    for file in app.hub.advances_taken(lender, None, SHOWN).await?.items {
        taken.extend(taken_row(p, app, &file, now).await?);
    }
    let funds = if is_lender { Some(own_funds(p, app, party.id).await?) } else { None };
    let mut debts = Vec::new();
    for debtor in app.hub.debtors(SHOWN).await? {
        let theirs = debtor.debts.iter().filter(|d| d.left.is_positive() && (is_operator || d.lender == party.id));
        for debt in theirs {
            debts.push(DebtRow {
                order: debt.trade.order_no().to_owned(),
                seller: name_of(app, debtor.seller).await?,
                amount: p.money(debt.amount),
                left: p.money(debt.left),
                since: p.time(debt.since),
            });
        }
    }
    let mut sums = Vec::new();
    if is_operator {
        for sum in app.hub.advance_sums().await? {
            let words = p.w2("advance-sum", "n", p.num(sum.count), "amount", p.money(sum.repayment));
            sums.push((p.by("advance", &sum.state), words));
        }
    }
    let words = if is_lender { word::rows(p, app, party.id).await? } else { Vec::new() };
    let lenders = if is_operator { funds::view(p, app).await? } else { FundsView::default() };
    Ok(View { is_lender, is_operator, funds, asked, taken, sums, debts, words, lenders })
}

/// What a lender has that is not lent, and by which reference more is sent.
async fn own_funds(p: &Page, app: &AppState, lender: Id<Party>) -> Answer<(String, String)> {
    let funds = app.hub.funds(lender).await?;
    let bank = &app.site().bank;
    let args = [
        ("firm", bank.firm.clone()),
        ("account", bank.account.clone()),
        ("reference", lender_reference(lender).to_string()),
    ];
    let free = Money::new(available(funds.balance), funds.account.currency);
    Ok((p.money(free), p.w("advance-funds-how", args)))
}

async fn asked_row(p: &Page, app: &AppState, file: &TradeFile, lender: Id<Party>) -> Answer<Option<AskedRow>> {
    let Some(advance) = file.advance() else { return Ok(None) };
    let seller = match file.order.as_ref().and_then(|o| o.seller) {
        Some(seller) => name_of(app, seller).await?,
        None => String::new(),
    };
    let grade = advance.score.as_ref().map(|s| {
        let points = p.w2("advance-points-of", "points", p.num(s.points), "weight", p.num(100));
        format!("{} · {points}", p.by("advance-grade", &s.grade))
    });
    Ok(Some(AskedRow {
        href: path(&file.id),
        order: file.id.order_no().to_owned(),
        goods: goods(p, file).unwrap_or_default(),
        seller,
        due: p.money(advance.due),
        grade: grade.unwrap_or_default(),
        until: p.time(advance.until),
        mine: advance.offers.iter().find(|o| o.lender == lender).map(|o| p.money(o.amount)),
    }))
}

async fn taken_row(p: &Page, app: &AppState, file: &TradeFile, now: BusinessTime) -> Answer<Option<TakenRow>> {
    let Some((advance, offer)) = file.advance().and_then(|a| Some((a, a.taken()?))) else { return Ok(None) };
    let (state, class) = state_of(p, advance, now);
    let due_at = match advance.state {
        trade::advance::AdvanceState::PaidOut { due_at, .. } => p.day(due_at),
        _ => "–".to_owned(),
    };
    Ok(Some(TakenRow {
        href: path(&file.id),
        order: file.id.order_no().to_owned(),
        lender: name_of(app, offer.lender).await?,
        amount: p.money(offer.amount),
        repayment: offer.repayment().map_or_else(|_| String::new(), |m| p.money(m)),
        due_at,
        state,
        class,
    }))
}

/// A sale as a lender may see it: what is sold and declared, where it stands, who sells it, and its
/// score. Never the buyer, nor other lenders' offers.
async fn seen(app: &AppState, party: &Party, id: &str) -> Answer<TradeFile> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "advance-unknown");
    let trade: TradeId = id.parse().map_err(|_| unknown())?;
    let file = app.hub.trade(&trade).await?.ok_or_else(unknown)?;
    let now = app.hub.business_now().await?;
    let advance = file.advance().ok_or_else(unknown)?;
    let is_mine = advance.taken().is_some_and(|offer| offer.lender == party.id);
    if is_mine || advance.is_asked(now) { Ok(file) } else { Err(unknown()) }
}

struct Detail {
    order: String,
    here: String,
    goods: String,
    facts: Vec<(String, String)>,
    state: (String, &'static str),
    is_open: bool,
    most: String,
    offer: Option<OfferRow>,
    card: Option<CardView>,
    currency: &'static str,
    typed: OfferForm,
    free: String,
    id: String,
}

#[derive(Template)]
#[template(path = "advance/detail.html")]
struct DetailPage<'a> {
    p: &'a Page,
    v: Detail,
    told: Option<Told>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct OfferForm {
    #[serde(default)]
    offer: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    fee: String,
    #[serde(default)]
    days: String,
}

async fn detail(p: &Page, app: &AppState, party: &Party, file: &TradeFile, typed: OfferForm) -> Answer<Detail> {
    let now = app.hub.business_now().await?;
    let advance: &Advance = file.advance().ok_or_else(Failure::not_found)?;
    let most_share = advance.score.as_ref().map_or(Rate::ZERO, |s| s.most_share);
    let most = advance.due.at(most_share).map_err(|e| Failure::of(&e))?;
    let mine = advance.offers.iter().find(|o| o.lender == party.id);
    let offer = match mine {
        Some(offer) => Some(offer_row(p, app, advance, offer).await?),
        None => None,
    };
    let scorecard = card(app)?;
    let offer_id: Id<AdvanceOffer> = app.fresh();
    Ok(Detail {
        order: file.id.order_no().to_owned(),
        here: path(&file.id),
        goods: goods(p, file).unwrap_or_default(),
        facts: facts(p, app, file, advance).await?,
        state: state_of(p, advance, now),
        is_open: advance.is_asked(now),
        most: p.w2("advance-most", "most", p.money(most), "share", p.percent(most_share)),
        offer,
        card: advance.score.as_ref().map(|s| score::view(p, scorecard, s)),
        currency: advance.due.currency().code(),
        id: if typed.offer.is_empty() { offer_id.text() } else { typed.offer.clone() },
        typed,
        free: own_funds(p, app, party.id).await?.0,
    })
}

/// What the trade file proves of the sale.
async fn facts(p: &Page, app: &AppState, file: &TradeFile, advance: &Advance) -> Answer<Vec<(String, String)>> {
    let seller = match file.order.as_ref().and_then(|o| o.seller) {
        Some(seller) => name_of(app, seller).await?,
        None => String::new(),
    };
    let mut facts = vec![(p.s("advance-seller"), seller), (p.s("advance-due"), p.money(advance.due))];
    if let Some(declared) = file.declaration.as_ref() {
        if let Ok(value) = declared.value() {
            facts.push((p.s("advance-declared"), p.money(value)));
        }
        let codes: Vec<String> = declared.lines.iter().map(|l| l.hs.to_string()).collect();
        facts.push((p.s("declaration-hs"), codes.join(&p.s("list-comma"))));
        facts.push((p.s("advance-waybill"), declared.waybill.to_string()));
    }
    if let trade::clearance::Clearance::Released { at, .. } = &file.clearance {
        facts.push((p.s("advance-exported"), p.time(*at)));
    }
    if let Some(at) = file.secured {
        facts.push((p.s("advance-secured"), p.time(at)));
    }
    if let Some(peer) = &file.peer {
        facts.push((p.s("advance-importer"), p.hub_name(peer)));
    }
    facts.push((p.s("advance-ends"), p.time(advance.until)));
    Ok(facts)
}

/// GET /advances/{id}
async fn show(
    State(app): State<AppState>,
    p: Page,
    As(lender, ..): As<Lender>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let file = seen(&app, &lender, &id).await?;
    let v = detail(&p, &app, &lender, &file, OfferForm::default()).await?;
    Ok(p.show(&DetailPage { p: &p, v, told: None }))
}

async fn offer_page(
    State(app): State<AppState>,
    p: Page,
    As(lender, ..): As<Lender>,
    Path(id): Path<String>,
    Form(form): Form<OfferForm>,
) -> Answer<Response> {
    let file = seen(&app, &lender, &id).await?;
    let outcome = match command(&app, &lender, &file, &form) {
        Ok(command) => app.submit(command.into()).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to(&path(&file.id)).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = detail(&p, &app, &lender, &file, form).await?;
            Ok((failure.status, p.show(&DetailPage { p: &p, v, told })).into_response())
        }
    }
}

fn command(app: &AppState, lender: &Party, file: &TradeFile, form: &OfferForm) -> Answer<OfferAdvance> {
    let amount = amount_typed(app, &form.amount)?;
    let fee_rate = Rate::parse_percent(&form.fee).map_err(|_| Failure::bad("not-a-rate"))?;
    let tenor = days_typed(&form.days)?;
    let offer = match form.offer.as_str() {
        "" => app.fresh(),
        text => text.parse::<Id<AdvanceOffer>>().map_err(|e| bad_id(&e))?,
    };
    Ok(OfferAdvance { trade: file.id.clone(), by: lender.id, offer, amount, fee_rate, tenor })
}

fn bad_id(error: &trade::id::NotAnId) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "advance-offer-unknown").with("offer", error.got.as_str())
}

/// An offer of a machine. Its number may be left out; then sending it again without a key makes another.
#[derive(Deserialize)]
struct ApiOffer {
    offer: Option<Id<AdvanceOffer>>,
    amount: Money,
    fee_percent: String,
    tenor_days: i64,
}

/// POST /api/v1/advances/{id}/offers
async fn offer_api(
    State(app): State<AppState>,
    As(lender, ..): As<Lender>,
    fresh: Fresh,
    Path(id): Path<String>,
    Json(body): Json<ApiOffer>,
) -> Answer<Json<Value>> {
    let file = seen(&app, &lender, &id).await?;
    let fee_rate = Rate::parse_percent(&body.fee_percent).map_err(|_| Failure::bad("not-a-rate"))?;
    let command = OfferAdvance {
        trade: file.id,
        by: lender.id,
        offer: body.offer.unwrap_or_else(|| fresh.id()),
        amount: body.amount,
        fee_rate,
        tenor: Days(body.tenor_days),
    };
    let made: AdvanceOffer = app.submit_as(command.into()).await?;
    Ok(Json(offer_json(&made)))
}

/// The same for a machine: the closed list of what a lender has of a sale.
fn sale(file: &TradeFile, party: &Party) -> Value {
    let Some(advance) = file.advance() else { return Value::Null };
    let offer = advance.offers.iter().find(|o| o.lender == party.id);
    json!({
        "trade": file.id,
        "importer": file.peer,
        "seller": file.order.as_ref().and_then(|o| o.seller),
        "declared": file.declaration.as_ref().map(|d| json!({
            "value": d.value().ok(),
            "hs": d.lines.iter().map(|l| l.hs.to_string()).collect::<Vec<_>>(),
            "waybill": d.waybill,
        })),
        "secured": file.secured,
        "due": advance.due,
        "until": advance.until,
        "score": advance.score,
        "state": advance.state.code(),
        "offer": offer.map(offer_json),
    })
}

/// GET /api/v1/advances/{id}
async fn show_api(
    State(app): State<AppState>,
    As(lender, ..): As<Lender>,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let file = seen(&app, &lender, &id).await?;
    Ok(Json(sale(&file, &lender)))
}

/// What part of a list a machine asks for.
#[derive(Deserialize)]
pub struct Part {
    after: Option<String>,
    limit: Option<i64>,
}

impl Part {
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    pub fn limit(&self, usual: i64) -> i64 {
        self.limit.unwrap_or(usual).clamp(1, API_MAX)
    }
}

/// GET /api/v1/advances: what this lender has advanced, with its funds; for the operator what all have,
/// with the sums.
async fn list_api(State(app): State<AppState>, Signed(party): Signed, Query(part): Query<Part>) -> Answer<Json<Value>> {
    may(&party)?;
    let now = app.hub.business_now().await?;
    let is_operator = party.is(Role::Operator);
    let lender = (!is_operator).then_some(party.id);
    let found = app.hub.advances_taken(lender, part.after(), part.limit(SHOWN)).await?;
    let advances: Vec<Value> = found
        .items
        .iter()
        .filter_map(|file| {
            let advance = file.advance()?;
            let offer = advance.taken()?;
            Some(json!({
                "trade": file.id,
                "state": advance.state,
                "overdue": advance.is_overdue(now),
                "offer": offer_json(offer),
            }))
        })
        .collect();
    let funds = app.hub.funds(party.id).await?;
    let free = Money::new(available(funds.balance), funds.account.currency);
    Ok(Json(json!({
        "advances": advances,
        "funds": party.is(Role::Lender).then(|| json!({
            "available": free,
            "reference": lender_reference(party.id),
        })),
        "sums": if is_operator { json!(app.hub.advance_sums().await?) } else { json!([]) },
        "next": found.next,
    })))
}

/// GET /api/v1/advances/asked: sales that are offered to lenders.
async fn asked_api(
    State(app): State<AppState>,
    As(lender, ..): As<Lender>,
    Query(part): Query<Part>,
) -> Answer<Json<Value>> {
    let now = app.hub.business_now().await?;
    let found = app.hub.advances_asked(now, part.after(), part.limit(SHOWN)).await?;
    let asked: Vec<Value> = found.items.iter().map(|file| sale(file, &lender)).collect();
    Ok(Json(json!({ "asked": asked, "next": found.next })))
}

/// GET /api/v1/advances/debts: what sellers owe this lender; for the operator, what they owe all.
async fn debts_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(part): Query<Part>,
) -> Answer<Json<Value>> {
    may(&party)?;
    let lender = (!party.is(Role::Operator)).then_some(party.id);
    let found = app.hub.advances_owed(lender, part.after(), part.limit(SHOWN)).await?;
    let mut debts = Vec::new();
    for file in &found.items {
        let Some(seller) = file.order.as_ref().and_then(|order| order.seller) else { continue };
        let owed = app.hub.debts(seller).await?.map(|owed| owed.debts).unwrap_or_default();
        let left = owed.into_iter().filter(|debt| debt.trade == file.id && debt.left.is_positive());
        debts.extend(left.map(|debt| json!({ "seller": seller, "debt": debt })));
    }
    Ok(Json(json!({ "debts": debts, "next": found.next })))
}
