//! Quotes: the price to the door with every charge, its base, rate, formula, rule and source.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::HubId;
use trade::commands::Command;
use trade::event::Asked;
use trade::id::Id;
use trade::party::{Party, Role};
use trade::product::{OfferKey, Product};
use trade::quote::{AskPeerQuote, AskQuote, QUOTE_LINES_MAX, Quote};
use trade::rulebook::Knowledge;
use trade::terms::Terms;
use trade::time::BusinessTime;

use crate::AppState;
use crate::auth::{As, Buyer, Signed};
use crate::door::{Doors, get, only, parts, post};
use crate::fall::{Confirm, Shown, quote_json};
use crate::i18n::Told;
use crate::idempotency::Fresh;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, any_of, boolean, id, list, noun, object, text};

const QUOTE_SAMPLE: &str =
    r#"{"exporter": "kul.sandbox", "lines": [{"product": "prd_01914f00000070008000000000000001", "pieces": 2}]}"#;

fn api_shape() -> Schema {
    object([
        ("quote?", id("quo").or_null()),
        ("exporter?", text().or_null()),
        ("importer?", text().or_null()),
        ("lines", list(noun("Asked"))),
        ("practice?", boolean()),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(post("/quotes", only(&[Role::Buyer])).form(""), ask)
        .open(get("/quotes/{id}", parts(&[Role::Seller, Role::Buyer])), show)
        .open(
            post("/api/v1/quotes", only(&[Role::Seller, Role::Buyer]))
                .json(QUOTE_SAMPLE)
                .takes(api_shape)
                .gives(200, || any_of([noun("Quote"), object([("quote", id("quo"))])]))
                .also(&[202]),
            api_ask,
        )
        .open(get("/api/v1/quotes/{id}", parts(&[Role::Seller, Role::Buyer])).gives(200, || noun("Quote")), api_show)
}

/// A quote, where this party may see it: its buyer, or the seller of all its goods.
pub async fn visible(app: &AppState, party: &Party, id: &str) -> Answer<Quote> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "quote-unknown");
    let id: Id<Quote> = id.parse().map_err(|_| unknown())?;
    let quote = app.hub.quote(id).await?.ok_or_else(unknown)?;
    if quote.asked_by == Some(party.id) {
        return Ok(quote);
    }
    for line in &quote.lines {
        let own = app.hub.product(line.product).await?.is_some_and(|p| p.seller == party.id);
        if !own || quote.exporter != app.site().id {
            return Err(unknown());
        }
    }
    Ok(quote)
}

/// Pieces by product, as the shop's form sends them: `kul.sandbox/prd_…=2`; of a business also its
/// Incoterm and place.
type Basket = Vec<(String, String)>;

async fn ask(
    State(app): State<AppState>,
    As(buyer, ..): As<Buyer>,
    page: Page,
    Form(basket): Form<Basket>,
) -> Answer<Response> {
    match ask_for(&app, &buyer, &basket).await {
        Ok(quote) => Ok(Redirect::to(&format!("/quotes/{}", quote.id)).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let shown = RefusedPage { told: page.problem(&failure.problem), gaps: Vec::new(), p: page };
            Ok((failure.status, shown.p.show(&shown)).into_response())
        }
    }
}

async fn ask_for(app: &AppState, buyer: &Party, basket: &Basket) -> Answer<Quote> {
    let mut exporter: Option<HubId> = None;
    let mut lines = Vec::new();
    for (key, pieces) in basket.iter().filter(|(_, pieces)| !pieces.trim().is_empty()).take(QUOTE_LINES_MAX + 1) {
        let Ok(key) = key.parse::<OfferKey>() else { continue };
        let number = || Failure::bad("field-value").with("field", "pieces").with("got", pieces.as_str());
        let pieces: i64 = pieces.trim().parse().map_err(|_| number())?;
        if pieces == 0 {
            continue;
        }
        if exporter.as_ref().is_some_and(|hub| *hub != key.hub) {
            return Err(Failure::bad("mixed-sellers"));
        }
        exporter = Some(key.hub);
        lines.push(Asked { product: key.product, pieces });
    }
    let exporter = exporter.ok_or_else(|| Failure::bad("no-lines"))?;
    let said = |name: &str| basket.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let terms = if buyer.is_business() { business_terms(said("incoterm"), said("place"))? } else { Terms::Parcel };
    app.submit_as(Command::AskQuote(AskQuote { quote: app.fresh(), exporter, lines, buyer: Some(buyer.id), terms }))
        .await
}

/// An Incoterm and a place as they are typed.
pub fn business_terms(incoterm: &str, place: &str) -> Answer<Terms> {
    let missing = |field: &str| Failure::bad("value-missing").with("field", field);
    let given = |text: &str, field| if text.trim().is_empty() { Err(missing(field)) } else { Ok(()) };
    given(incoterm, "incoterm")?;
    given(place, "place")?;
    let incoterm = incoterm.parse().map_err(|fault| Failure::of(&fault))?;
    let place = place.parse().map_err(|fault| Failure::of(&fault))?;
    Ok(Terms::Business { incoterm, place })
}

#[derive(Template)]
#[template(path = "quote/refused.html")]
struct RefusedPage {
    p: Page,
    told: Told,
    /// None: what goods lack stands in the sentence, and how that is mended is for the seller.
    gaps: Vec<Told>,
}

/// What a product lacks, where that is why it cannot be quoted, and how it is mended.
#[must_use]
pub fn gaps(page: &Page, failure: &Failure) -> Vec<Told> {
    let gaps = failure.problem.args.get("gaps").cloned().unwrap_or_default();
    let gaps: Vec<trade::command::Problem> = serde_json::from_value(gaps).unwrap_or_default();
    gaps.iter().map(|g| page.problem(g)).collect()
}

#[derive(Template)]
#[template(path = "quote/show.html")]
struct QuotePage {
    p: Page,
    quote: Quote,
    shown: Shown,
    is_buyer: bool,
    expired: bool,
    /// What the buyer has to hold before the goods come in.
    permits: Vec<crate::permit::Needed>,
}

async fn show(
    State(app): State<AppState>,
    Signed(party): Signed,
    page: Page,
    Path(id): Path<String>,
) -> Answer<Response> {
    let quote = visible(&app, &party, &id).await?;
    let now: BusinessTime = app.hub.business_now().await?;
    let confirm = Confirm::of(&app, &page, &quote).await?;
    let shown = QuotePage {
        shown: Shown::of(&app, &page, &quote, confirm).await?,
        is_buyer: quote.asked_by == Some(party.id),
        expired: now > quote.expires_at,
        permits: crate::permit::of_quote(&app, &page, &quote),
        quote,
        p: page,
    };
    Ok(shown.p.show(&shown))
}

#[derive(Deserialize)]
struct AskBody {
    /// Chosen by the caller, so that asking again is harmless.
    quote: Option<Id<Quote>>,
    /// Buyers name the exporting hub, sellers the importing one.
    exporter: Option<HubId>,
    importer: Option<HubId>,
    lines: Vec<AskedBody>,
    #[serde(default)]
    practice: bool,
    /// `{"regime": "b2b", "incoterm": "FCA", "place": "MYKUL"}`; a consumer's parcel where it is left out.
    #[serde(default)]
    terms: Terms,
}

#[derive(Deserialize)]
struct AskedBody {
    product: Id<Product>,
    pieces: i64,
}

async fn api_ask(
    State(app): State<AppState>,
    Signed(party): Signed,
    fresh: Fresh,
    Json(body): Json<AskBody>,
) -> Answer<Response> {
    let quote = body.quote.unwrap_or_else(|| fresh.id());
    let terms = body.terms;
    let lines = body.lines.into_iter().map(|l| Asked { product: l.product, pieces: l.pieces }).collect();
    let (buys, sells) = (party.is(Role::Buyer), party.is(Role::Seller));
    match (body.exporter, body.importer) {
        _ if !buys && !sells => Err(Failure::role_needed(Role::Buyer)),
        (Some(exporter), None) if buys => {
            let command = AskQuote { quote, exporter, lines, buyer: Some(party.id), terms };
            let quote: Quote = app.submit_as(Command::AskQuote(command)).await?;
            Ok(Json(quote_json(&app, &own_view(quote, &party)?).await?).into_response())
        }
        (None, Some(importer)) if sells => {
            let command = AskPeerQuote { quote, seller: party.id, importer, lines, practice: body.practice, terms };
            let quote: Id<Quote> = app.submit_as(Command::AskPeerQuote(command)).await?;
            Ok((StatusCode::ACCEPTED, Json(json!({ "quote": quote }))).into_response())
        }
        _ => Err(Failure::bad("value-missing").with("field", if buys { "exporter" } else { "importer" })),
    }
}

/// A quote asked under another's id is theirs: the caller gets nothing of it.
fn own_view(quote: Quote, party: &Party) -> Answer<Quote> {
    if quote.asked_by == Some(party.id) {
        Ok(quote)
    } else {
        Err(Failure::new(StatusCode::FORBIDDEN, "quote-not-yours").with("quote", quote.id.to_string()))
    }
}

async fn api_show(State(app): State<AppState>, Signed(party): Signed, Path(id): Path<String>) -> Answer<Json<Value>> {
    let quote = visible(&app, &party, &id).await?;
    Ok(Json(quote_json(&app, &quote).await?))
}

/// The word's code for how the order is treated.
#[must_use]
pub fn treatment_code(quote: &Quote) -> String {
    let value = serde_json::to_value(quote.landed.treatment).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether every rule that the quote rests on has the authority's own text behind it.
#[must_use]
pub fn is_sourced(quote: &Quote) -> bool {
    quote.landed.knowledge == Knowledge::Sourced
}
