//! Advances: the seller asks and takes an offer; lenders look, offer, and ask for the word; the
//! operator sees what is outstanding and books lenders' funds.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::advance::{AcceptAdvance, Advance, AdvanceOffer, AskAdvance, WithdrawAdvance};
use trade::escrow::Proceeds;
use trade::id::Id;
use trade::money::Money;
use trade::party::{Party, Role};
use trade::scorecard::Scorecard;
use trade::time::{BusinessTime, Days};
use trade::trade_file::{Side, TradeFile};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, May, get, parts, post};
use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{any, id, list, noun, object, text};
use crate::trade_file::{self, Viewer, next};

mod funds;
mod lender;
mod score;
mod word;

pub use funds::lender_of;
pub use score::CardView;

/// Whose proceeds they are, and the operator who looks after them; advances are of exports.
const LOOKS: May = parts(&[Role::Seller, Role::Operator]);
const SELLER: May = parts(&[Role::Seller]);
const TAKING_SAMPLE: &str = r#"{"offer": "adv_01914f00000070008000000000000001"}"#;

pub fn routes() -> Doors {
    let shown = || {
        object([
            ("trade", text()),
            ("advance", noun("Advance").or_null()),
            ("offers", list(noun("AdvanceOffer"))),
            ("word", any()),
            ("debts", list(noun("Debt"))),
        ])
    };
    let advance = || noun("Advance");
    let taking = || object([("offer", id("adv"))]);
    Doors::new()
        .open(get("/trades/{id}/advance", LOOKS).at(Side::Export), show)
        .open(post("/trades/{id}/advance", SELLER).at(Side::Export), ask_page)
        .open(
            post("/trades/{id}/advance/acceptance", SELLER)
                .form("offer=adv_01914f00000070008000000000000001")
                .at(Side::Export),
            accept_page,
        )
        .open(post("/trades/{id}/advance/withdrawal", SELLER).at(Side::Export), withdraw_page)
        .open(get("/api/v1/trades/{id}/advance", LOOKS).gives(200, shown).at(Side::Export), show_api)
        .open(post("/api/v1/trades/{id}/advance", SELLER).gives(200, advance).at(Side::Export), ask_api)
        .open(
            post("/api/v1/trades/{id}/advance/acceptance", SELLER)
                .json(TAKING_SAMPLE)
                .takes(taking)
                .gives(200, advance)
                .at(Side::Export),
            accept_api,
        )
        .open(post("/api/v1/trades/{id}/advance/withdrawal", SELLER).gives(200, advance).at(Side::Export), withdraw_api)
        .merge(lender::routes())
        .merge(word::routes())
        .merge(funds::routes())
}

/// An amount as typed, in the hub's own currency.
fn amount_typed(app: &AppState, text: &str) -> Answer<Money> {
    Money::parse(text.trim(), app.site().currency).map_err(|e| Failure::of(&e))
}

/// A number of days as typed.
fn days_typed(text: &str) -> Answer<Days> {
    text.trim().parse().map(Days).map_err(|_| Failure::bad("not-days"))
}

/// The state of an advance as word and class of its mark. What time has ended is said to have ended.
fn state_of(t: &Tr, advance: &Advance, now: BusinessTime) -> (String, &'static str) {
    let code = match advance.state.code() {
        "asked" if !advance.is_asked(now) => "lapsed",
        "paid-out" if advance.is_overdue(now) => "overdue",
        code => code,
    };
    let class = match code {
        "asked" => "wait",
        "accepted" | "paid-out" => "tell",
        "repaid" => "go",
        "overdue" | "owed" => "stop",
        _ => "",
    };
    (t.by("advance", code), class)
}

/// One line about the advance for the page of its trade: where it stands, and where to go.
pub struct Line {
    pub state: Option<(String, &'static str)>,
    pub text: String,
    pub href: String,
    pub label: String,
}

/// For the seller and the operator of the exporting hub, as soon as there is something to say.
#[must_use]
pub fn line(p: &Page, app: &AppState, file: &TradeFile, viewer: Viewer, now: BusinessTime) -> Option<Line> {
    let sees = file.side == Side::Export && matches!(viewer, Viewer::Seller | Viewer::Operator);
    if !sees || app.site().rulebooks.scorecard.is_none() {
        return None;
    }
    let href = format!("{}/advance", next::path(file));
    match file.advance() {
        Some(advance) => {
            let text = match advance.taken() {
                Some(offer) => p.w1("advance-line-taken", "amount", p.money(offer.amount)),
                None => p.n("advance-line-offers", advance.offers.len()),
            };
            let state = Some(state_of(p, advance, now));
            Some(Line { state, text, href, label: p.s("advance-look") })
        }
        None if viewer == Viewer::Seller && file.clearance.is_released() && file.is_due() => {
            Some(Line { state: None, text: p.s("advance-line-may"), href, label: p.s("advance-look") })
        }
        None => None,
    }
}

/// An offer as its readers see it.
pub struct OfferRow {
    pub id: String,
    pub lender: String,
    pub amount: String,
    pub fee: String,
    pub yearly: String,
    pub tenor: String,
    pub repayment: String,
    /// What the seller has in all, now and when the trade is settled.
    pub later: String,
    pub is_taken: bool,
}

async fn offer_row(p: &Page, app: &AppState, advance: &Advance, offer: &AdvanceOffer) -> Answer<OfferRow> {
    let lender = app.hub.party(offer.lender).await?.map_or_else(String::new, |party| party.name);
    let repayment = offer.repayment().map_err(|e| Failure::of(&e))?;
    let later = advance.due.minus(repayment).map_err(|e| Failure::of(&e))?;
    Ok(OfferRow {
        id: offer.id.text(),
        lender,
        amount: p.money(offer.amount),
        fee: p.w2("advance-fee-of", "fee", p.money(offer.fee), "rate", p.percent(offer.fee_rate)),
        yearly: p.percent(offer.yearly()),
        tenor: p.n("advance-days", offer.tenor.0),
        repayment: p.money(repayment),
        later: p.money(later),
        is_taken: advance.state.offer() == Some(offer.id),
    })
}

struct View {
    order: String,
    here: String,
    due: String,
    due_why: String,
    state: Option<(String, &'static str)>,
    until: Option<String>,
    may_ask: bool,
    may_take: bool,
    why_not: Option<String>,
    offers: Vec<OfferRow>,
    most: String,
    card: Option<CardView>,
    owed: Option<String>,
    lost: Option<Vec<(String, String)>>,
}

#[derive(Template)]
#[template(path = "advance/page.html")]
struct AdvancePage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// What a sale brings its seller without an advance.
async fn proceeds(app: &AppState, file: &TradeFile) -> Answer<Proceeds> {
    let lane = trade_file::page::lane(app, file).await?;
    let expected = trade_file::money::expected(file, lane).map_err(|e| Failure::of(&e))?;
    expected.ok_or_else(|| Failure::bad("nothing-due-any-more"))
}

/// A trade of this hub's exports, for its seller or the operator.
async fn load(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Viewer)> {
    let (file, viewer) = trade_file::load(app, party, id).await?;
    match (file.side, viewer) {
        (Side::Export, Viewer::Seller | Viewer::Operator) => Ok((file, viewer)),
        _ => Err(Failure::role_needed(Role::Seller)),
    }
}

fn card(app: &AppState) -> Answer<&Scorecard> {
    app.site().rulebooks.scorecard.as_deref().ok_or_else(|| Failure::bad("no-scorecard"))
}

/// The asking, with what this hub's records say now.
async fn asking(app: &AppState, file: &TradeFile, seller: &Party) -> Answer<AskAdvance> {
    let value = proceeds(app, file).await?.rest;
    let facts = app.hub.score_facts(file, value, seller, &card(app)?.terms).await?;
    Ok(AskAdvance { trade: file.id.clone(), by: seller.id, facts })
}

async fn view(p: &Page, app: &AppState, file: &TradeFile, viewer: Viewer) -> Answer<View> {
    let now = app.hub.business_now().await?;
    let scorecard = card(app)?;
    let proceeds = proceeds(app, file).await?;
    let advance = file.advance();
    let seller = file.order.as_ref().and_then(|o| o.seller);
    let score = match (advance.and_then(|a| a.score.clone()), seller) {
        (Some(score), _) => Some(score),
        (None, Some(seller)) => match app.hub.party(seller).await? {
            Some(party) => Some(scorecard.score(&asking(app, file, &party).await?.facts)),
            None => None,
        },
        (None, None) => None,
    };
    let mut offers = Vec::new();
    if let Some(advance) = advance {
        for offer in &advance.offers {
            offers.push(offer_row(p, app, advance, offer).await?);
        }
    }
    let open = advance.is_none_or(|a| a.state.offer().is_none() && !a.is_asked(now));
    let why_not = if !file.clearance.is_released() {
        Some(p.s("advance-not-yet"))
    } else if advance.is_none() && (file.secured.is_none() || !file.is_due()) {
        Some(p.s("advance-nothing-due"))
    } else {
        None
    };
    let owed = match seller {
        Some(seller) => app.hub.debts(seller).await?.and_then(|debts| debts.left()).filter(|left| left.is_positive()),
        None => None,
    };
    let most_share = score.as_ref().map(|s| s.most_share);
    let due = advance.map_or(proceeds.rest, |a| a.due);
    let most = most_share.map(|share| due.at(share)).transpose().map_err(|e| Failure::of(&e))?;
    Ok(View {
        order: file.id.order_no().to_owned(),
        here: next::path(file),
        due: p.money(due),
        due_why: p.w2("money-yours-why", "freight", p.money(proceeds.freight), "fee", p.money(proceeds.fee)),
        state: advance.map(|a| state_of(p, a, now)),
        until: advance.filter(|a| a.is_asked(now)).map(|a| p.w1("advance-until", "when", p.time(a.until))),
        may_ask: viewer == Viewer::Seller && open && why_not.is_none() && file.is_due(),
        may_take: viewer == Viewer::Seller && advance.is_some_and(|a| a.is_asked(now)),
        why_not,
        offers,
        most: p.w2("advance-most", "most", p.money(most.unwrap_or(Money::zero(due.currency()))), "share", {
            p.percent(most_share.unwrap_or(trade::money::Rate::ZERO))
        }),
        card: score.map(|score| score::view(p, scorecard, &score)),
        owed: owed.map(|left| p.w1("advance-owed-left", "amount", p.money(left))),
        lost: funds::lenders_if_lost(app, file, viewer).await?,
    })
}

/// GET /trades/{id}/advance
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let (file, viewer) = load(&app, &party, &id).await?;
    trade_file::looked(&app, &party, &file, viewer).await?;
    Ok(p.show(&AdvancePage { p: &p, v: view(&p, &app, &file, viewer).await?, told: None }))
}

/// The page again with what came of an act, or with the reason why nothing did.
async fn after(p: &Page, app: &AppState, party: &Party, id: &str, outcome: Answer<Value>) -> Answer<Response> {
    let (file, viewer) = load(app, party, id).await?;
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("{}/advance", next::path(&file))).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(p, app, &file, viewer).await?;
            Ok((failure.status, p.show(&AdvancePage { p, v, told })).into_response())
        }
    }
}

async fn ask(app: &AppState, party: &Party, id: &str) -> Answer<Value> {
    let (file, viewer) = load(app, party, id).await?;
    viewer.must_be(Viewer::Seller)?;
    let command = asking(app, &file, party).await?;
    app.submit(command.into()).await
}

async fn ask_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let outcome = ask(&app, &party, &id).await;
    after(&p, &app, &party, &id, outcome).await
}

/// POST /api/v1/trades/{id}/advance: the seller asks lenders for offers.
async fn ask_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    ask(&app, &party, &id).await.map(Json)
}

async fn withdraw(app: &AppState, party: &Party, id: &str) -> Answer<Value> {
    let (file, viewer) = load(app, party, id).await?;
    viewer.must_be(Viewer::Seller)?;
    app.submit(WithdrawAdvance { trade: file.id, by: party.id }.into()).await
}

async fn withdraw_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let outcome = withdraw(&app, &party, &id).await;
    after(&p, &app, &party, &id, outcome).await
}

/// POST /api/v1/trades/{id}/advance/withdrawal
async fn withdraw_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    withdraw(&app, &party, &id).await.map(Json)
}

/// Which offer is taken.
#[derive(Deserialize)]
struct Taking {
    offer: String,
}

async fn accept(app: &AppState, party: &Party, id: &str, taking: &Taking) -> Answer<Value> {
    let (file, viewer) = load(app, party, id).await?;
    viewer.must_be(Viewer::Seller)?;
    let unknown = |_| Failure::new(StatusCode::NOT_FOUND, "advance-offer-unknown").with("offer", taking.offer.as_str());
    let offer = taking.offer.parse::<Id<AdvanceOffer>>().map_err(unknown)?;
    app.submit(AcceptAdvance { trade: file.id, by: party.id, offer }.into()).await
}

async fn accept_page(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(taking): Form<Taking>,
) -> Answer<Response> {
    let outcome = accept(&app, &party, &id, &taking).await;
    after(&p, &app, &party, &id, outcome).await
}

/// POST /api/v1/trades/{id}/advance/acceptance `{"offer": "adv_…"}`
async fn accept_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(taking): Json<Taking>,
) -> Answer<Json<Value>> {
    accept(&app, &party, &id, &taking).await.map(Json)
}

/// GET /api/v1/trades/{id}/advance
async fn show_api(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let (file, viewer) = load(&app, &party, &id).await?;
    trade_file::looked(&app, &party, &file, viewer).await?;
    let seller = file.order.as_ref().and_then(|o| o.seller);
    let debts = match seller {
        Some(seller) => app.hub.debts(seller).await?,
        None => None,
    };
    let offers: Vec<Value> = file.advance().iter().flat_map(|a| &a.offers).map(offer_json).collect();
    Ok(Json(json!({
        "trade": file.id,
        "advance": file.advance(),
        "offers": offers,
        "word": file.held_word(),
        "debts": debts.map(|d| d.debts).unwrap_or_default(),
    })))
}

/// An offer with all that it costs, worked out.
fn offer_json(offer: &AdvanceOffer) -> Value {
    json!({
        "id": offer.id,
        "lender": offer.lender,
        "amount": offer.amount,
        "fee": offer.fee,
        "fee_percent": offer.fee_rate.percent_text(),
        "apr_percent": offer.yearly().percent_text(),
        "tenor_days": offer.tenor,
        "repayment": offer.repayment().ok(),
        "offered_at": offer.offered_at,
    })
}
