//! The first hour of a seller: one page that shows one next step at a time, from the price list to
//! the day the practice order is paid. What comes by itself is asked for again every two seconds;
//! without JavaScript the page reloads itself.

mod stand;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use trade::codes::S10;
use trade::commands::Command;
use trade::declaration::LodgeExport;
use trade::id::Id;
use trade::money::Money;
use trade::party::{Party, Role};
use trade::product::{LaneKey, PeerAnswer, Product};
use trade::quantity::Grams;
use trade::trade_file::{TradeFile, TradeId};
use trade::waybill::IssueWaybill;

use crate::AppState;
use crate::auth::{As, Seller};
use crate::door::{Doors, get, only, post};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::product::{Fault, own};

use stand::{Mark, Stand, marks, stand};

/// Products asked about in one go: one question a product and lane.
const ASKED_AT_ONCE: usize = 20;
/// Faults shown on this page; all are in the file of failed rows.
const FAULTS_SHOWN: usize = 6;
/// Products shown with their price to the door.
const PRICES_SHOWN: usize = 12;
/// The service indicator of parcels with tracking (UPU S10: C, then a letter).
const SERVICE: &str = "CP";

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/start", only(&[Role::Seller])), show)
        .open(post("/start/quotes", only(&[Role::Seller])), ask_prices)
        .open(post("/start/practice", only(&[Role::Seller])).form("choice=none"), practice)
        .open(post("/start/hand-over", only(&[Role::Seller])).form("trade=none"), hand_over)
        .open(post("/start/declare", only(&[Role::Seller])).form("trade=none"), declare)
}

/// What the reader chose on the page, carried in its address.
#[derive(Clone, Default, Deserialize)]
pub struct Chosen {
    /// `mend`: go on with the good rows.
    #[serde(default)]
    skip: String,
    /// `prices` or `order`: asked, and waiting.
    #[serde(default)]
    asked: String,
    /// `again`: leave the finished practice trade behind.
    #[serde(default)]
    begin: String,
}

/// The price to the door with the day until which it stands, or why there is none.
type PeerSays = Result<(Money, String), crate::i18n::Told>;

#[derive(Template)]
#[template(path = "start/page.html")]
struct StartPage {
    p: Page,
    stand: Stand,
    marks: Vec<Mark>,
    faults: Vec<Fault>,
    failed: usize,
    reading: Option<String>,
    back: &'static str,
    all: i64,
    ready: i64,
    priced: Vec<Priced>,
    file: Option<TradeFile>,
    waits: bool,
    chosen: Chosen,
    proceeds: Option<Money>,
}

/// A product with what one piece costs to the door.
struct Priced {
    product: Product,
    answers: Vec<(String, PeerSays)>,
}

/// One product of which the practice buyer may order a piece.
struct Choice<'a> {
    product: Id<Product>,
    name: &'a str,
    hub: &'a str,
    total: Money,
}

impl StartPage {
    /// What has a price to the door; what was refused cannot be chosen.
    fn choices(&self) -> Vec<Choice<'_>> {
        let mut choices = Vec::new();
        for Priced { product, answers } in &self.priced {
            for (hub, answer) in answers {
                if let Ok((total, _)) = answer {
                    choices.push(Choice { product: product.id, name: &product.goods.name, hub, total: *total });
                }
            }
        }
        choices
    }
}

async fn show(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Query(chosen): Query<Chosen>,
) -> Answer<Response> {
    let facts = stand::facts(&app, &seller, &chosen).await?;
    let stand = stand(&facts, &chosen);
    let marks = marks(&page, &facts, stand);
    let priced = facts.products.iter().filter(|p| !p.answers.is_empty()).take(PRICES_SHOWN);
    let shown = StartPage {
        stand,
        marks,
        faults: facts.reading.as_ref().map(|r| r.faults(&page, FAULTS_SHOWN)).unwrap_or_default(),
        failed: facts.reading.as_ref().map_or(0, |r| r.list.failed.len()),
        reading: facts.reading.as_ref().map(|r| r.id.clone()),
        back: "/start",
        all: facts.counts.all,
        ready: facts.counts.ready,
        priced: priced.map(|p| priced_of(&page, p)).collect(),
        proceeds: facts.file.as_ref().and_then(|f| f.payouts.first()).map(|p| p.amount),
        file: facts.file,
        waits: stand.waits(),
        chosen,
        p: page,
    };
    Ok(shown.p.show(&shown))
}

fn priced_of(page: &Page, product: &Product) -> Priced {
    let answer = |(lane, answer): (&LaneKey, &PeerAnswer)| {
        let told = match answer {
            PeerAnswer::Given { quote, total, .. } => Ok((*total, quote.to_string())),
            PeerAnswer::Refused { problem } => Err(page.problem(problem)),
        };
        (page.hub_name(&lane.hub), told)
    };
    Priced { product: product.clone(), answers: product.answers.iter().map(answer).collect() }
}

/// Asks the peers what one piece of each ready product costs to the door.
async fn ask_prices(State(app): State<AppState>, As(seller, ..): As<Seller>) -> Answer<Response> {
    let products = app.hub.products_of(seller.id, None, stand::PRODUCTS_SEEN).await?.items;
    let ready = products.iter().filter(|p| p.gaps.iter().any(|l| l.is_ready()));
    for product in ready.take(ASKED_AT_ONCE) {
        crate::product::ask_about(&app, &seller, product, false).await?;
    }
    Ok(Redirect::to("/start?skip=mend&asked=prices").into_response())
}

#[derive(Deserialize)]
struct PracticeForm {
    product: String,
}

/// Lets the cast of the importing sandbox order one piece.
async fn practice(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Form(form): Form<PracticeForm>,
) -> Answer<Response> {
    let product = own(&app, &seller, &form.product).await?;
    crate::product::ask_about(&app, &seller, &product, true).await?;
    Ok(Redirect::to("/start?skip=mend&asked=order").into_response())
}

#[derive(Deserialize)]
struct TradeForm {
    trade: String,
    #[serde(default)]
    weight: String,
}

async fn own_trade(app: &AppState, seller: &Party, id: &str) -> Answer<TradeFile> {
    let unknown = || Failure::new(axum::http::StatusCode::NOT_FOUND, "no-trade");
    let id: TradeId = id.parse().map_err(|_| unknown())?;
    let file = app.hub.trade(&id).await?.ok_or_else(unknown)?;
    let is_own = file.order.as_ref().and_then(|o| o.seller).is_some_and(|s: Id<Party>| s == seller.id);
    if is_own { Ok(file) } else { Err(unknown()) }
}

/// The parcel goes to the carrier under a fresh S10 number and the order's delivery reference.
async fn hand_over(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Form(form): Form<TradeForm>,
) -> Answer<Response> {
    // The number is made up here; a real parcel has its carrier's.
    if !app.is_sandbox() {
        return Err(Failure::bad("sandbox-only"));
    }
    let file = own_trade(&app, &seller, &form.trade).await?;
    let order = file.order.as_ref().ok_or_else(|| Failure::bad("order-missing"))?;
    let gross = match form.weight.trim() {
        "" => order.quote.gross(),
        text => {
            let got: String = text.chars().take(40).collect();
            let fault = || Failure::bad("field-value").with("field", "weight").with("got", got);
            Grams::parse_kilograms(text).map_err(|_| fault())?
        }
    };
    let serial = u32::from_be_bytes(app.random());
    let no = match &file.waybill {
        Some(waybill) => waybill.no.clone(),
        None => S10::issue(SERVICE, serial, app.site().territory).map_err(|e| Failure::of(&e))?,
    };
    let consignee = order.delivery.clone();
    let command = IssueWaybill { trade: file.id.clone(), no, gross, consignee, by: seller.id, corrects: false };
    app.submit(Command::IssueWaybill(command)).await?;
    Ok(Redirect::to("/start").into_response())
}

/// The export declaration, made from the order and the waybill: nothing is typed twice.
async fn declare(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Form(form): Form<TradeForm>,
) -> Answer<Response> {
    let file = own_trade(&app, &seller, &form.trade).await?;
    let permits = crate::permit::for_export(&app, &file, &[]).await?;
    let command = LodgeExport { permits, ..LodgeExport::as_ordered(file.id, seller.id) };
    app.submit(Command::LodgeExport(command)).await?;
    Ok(Redirect::to("/start").into_response())
}
