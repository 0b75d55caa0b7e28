//! Products: the seller's list with what each still lacks, one product by form, and price lists.

pub mod form;
mod upload;

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::{Country, HsCode};
use trade::commands::Command;
use trade::event::Asked;
use trade::hazard::{Battery, Chemistry, Hazards, Liquid, LiquidForm, PackedHow};
use trade::id::Id;
use trade::money::Money;
use trade::party::{Party, Role};
use trade::product::{Goods, LaneGaps, OfferProduct, PeerAnswer, Product};
use trade::quantity::{Content, Grams, Size};
use trade::quote::{AskPeerQuote, Quote};
use trade::readiness::HsClaim;
use trade::rulebook::Regime;
use trade::terms::Terms;

use crate::AppState;
use crate::auth::{As, Seller};
use crate::door::{ANYONE, Doors, get, only, parts, post};
use crate::fall::Confirm;
use crate::i18n::Told;
use crate::page::Page;
use crate::permit::{self, PermitGap, Shelf};
use crate::problem::{Answer, Failure};
use crate::schema::{self, Schema, boolean, integer, money, noun, object, text};

pub use upload::{Fault, Reading, latest_reading};

/// Products on one page of the list; a page stays under 100 kB.
const LIST_PAGE: i64 = 60;
/// Products in one answer to a machine.
const API_PAGE: i64 = 500;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PRODUCT_SAMPLE: &str = r#"{"sku": "TOWEL-1", "name": "Tea towel", "description": "Cotton kitchen towel, printed", "hs": "630260",
 "origin": "MY", "weight_grams": 250, "price": {"minor": 4000, "currency": "MYR"}}"#;

fn api_shape() -> Schema {
    object([
        ("sku", text().max(60)),
        ("name", text().max(200)),
        ("description?", text().max(1_000)),
        ("hs?", text().max(20)),
        ("origin?", text().like("^[A-Z]{2}$").or_null()),
        ("weight_grams?", integer().or_null()),
        ("size?", noun("Size").or_null()),
        ("price?", money().or_null()),
        ("content?", noun("Content").or_null()),
        ("battery?", battery().or_null()),
        ("liquid?", object([("form", code_of(&LiquidForm::ALL)), ("flammable?", boolean().or_null())]).or_null()),
    ])
}

fn code_of<T>(known: &[(&str, T)]) -> Schema {
    schema::code(&known.iter().map(|(code, _)| *code).collect::<Vec<_>>())
}

fn battery() -> Schema {
    object([
        ("chemistry", code_of(&Chemistry::ALL)),
        ("packed?", code_of(&PackedHow::ALL).or_null()),
        ("milliwatt_hours?", integer().or_null()),
        ("charge?", integer().between(0, 100).or_null()),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/products", only(&[Role::Seller])), list)
        .open(
            post("/products", only(&[Role::Seller])).form("sku=A-1&name=Tea+towel&weight=0.25&price=40.00"),
            form::add,
        )
        .open(get("/products/new", only(&[Role::Seller])), form::empty)
        .open(get("/products/{id}", parts(&[Role::Seller])), form::edit)
        .open(
            post("/products/{id}", parts(&[Role::Seller])).form("sku=A-1&name=Tea+towel&weight=0.25&price=40.00"),
            form::save,
        )
        .open(post("/products/{id}/ask", parts(&[Role::Seller])), ask_peers)
        .open(get("/products/upload", only(&[Role::Seller])), upload::page)
        .open(post("/products/upload", only(&[Role::Seller])).file("file"), upload::receive)
        .open(get("/products/uploads/{id}", parts(&[Role::Seller])), upload::show)
        .open(post("/products/uploads/{id}/mapping", parts(&[Role::Seller])).form(""), upload::remap)
        .open(post("/products/uploads/{id}/take", parts(&[Role::Seller])), upload::take)
        .open(get("/products/uploads/{id}/failed.xlsx", parts(&[Role::Seller])), upload::failed)
        .open(get("/products/template.xlsx", ANYONE), upload::template)
        .open(
            post("/api/v1/price-lists", only(&[Role::Seller]))
                .bytes("text/csv")
                .query(&["file_name", "dry_run", "currency"])
                .gives(200, upload::api_shape),
            upload::api_receive,
        )
        .open(get("/api/v1/price-lists/{id}/failed.xlsx", parts(&[Role::Seller])).gives_file(WORKBOOK), upload::failed)
        .open(get("/api/v1/price-list-template.xlsx", ANYONE).gives_file(WORKBOOK), upload::template)
        .open(
            get("/api/v1/products", only(&[Role::Seller]))
                .query(&["after", "limit"])
                .gives(200, || schema::page("products", noun("Product"))),
            api_list,
        )
        .open(
            post("/api/v1/products", only(&[Role::Seller]))
                .json(PRODUCT_SAMPLE)
                .takes(api_shape)
                .gives(201, || noun("Product")),
            api_offer,
        )
        .open(get("/api/v1/products/{id}", parts(&[Role::Seller])).gives(200, || noun("Product")), api_show)
}

#[derive(Template)]
#[template(path = "product/list.html")]
struct ListPage<'a> {
    p: Page,
    products: Vec<Product>,
    next: Option<String>,
    all: i64,
    ready: i64,
    shelf: Shelf<'a>,
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Query(query): Query<After>,
) -> Answer<Response> {
    let counts = app.hub.product_counts(seller.id).await?;
    let part = app.hub.products_of(seller.id, query.after.as_deref(), LIST_PAGE).await?;
    let shelf = permit::shelf(&app, seller.id).await?;
    let shown =
        ListPage { p: page, products: part.items, next: part.next, all: counts.all, ready: counts.ready, shelf };
    Ok(shown.p.show(&shown))
}

/// One lane of a product as its seller reads it.
pub struct Lane {
    pub to: String,
    pub territory: Country,
    pub regime: Regime,
    pub ready: bool,
    pub gaps: Vec<Told>,
    /// Gaps that a permit of this hub's agency closes, or has closed.
    pub permits: Vec<PermitGap>,
    /// What the peer answered for one piece, if it was asked.
    pub price: Option<Result<(Money, Id<Quote>), Told>>,
    /// Who confirms that, on the product's own page.
    pub confirmed: Option<Confirmed>,
    /// Who will confirm a price once it is asked, where it can be.
    pub on_asking: Option<String>,
}

/// Who confirms an answer, and until when.
pub struct Confirmed {
    pub until: String,
    pub confirm: Confirm,
}

/// The field of the form at which a gap is mended, where it is one.
#[must_use]
pub fn place_of(gap: &str) -> Option<&'static str> {
    Some(match gap {
        "hs-missing" | "hs-too-short" | "hs-not-in-edition" | "list-unknown" | "rate-unknown" => "hs",
        "vague-description" | "description-too-short" => "description",
        "origin-missing" => "origin",
        "weight-missing" => "weight",
        "no-price" => "price",
        "content-missing" | "strength-missing" => "content",
        "battery-unknown" | "battery-detail-missing" | "charge-too-high" | "charge-advised" => "battery",
        "liquid-unknown" => "liquid",
        _ => return None,
    })
}

/// The lanes of a product in the reader's words; who confirms their prices is looked up by [`confirmed`].
#[must_use]
pub fn lanes(page: &Page, product: &Product, shelf: &Shelf<'_>) -> Vec<Lane> {
    let hs = product.goods.hs_code();
    let lane = |gaps: &LaneGaps| {
        let price = product.answers.get(&gaps.key()).map(|answer| match answer {
            PeerAnswer::Given { quote, total, .. } => Ok((*total, *quote)),
            PeerAnswer::Refused { problem } => Err(page.problem(problem)),
        });
        let asks = || {
            let key = if gaps.regime == Regime::B2b { "product-asks-business" } else { "product-asks" };
            page.w1(key, "hub", page.hub_name(&gaps.to))
        };
        let others = gaps.gaps.iter().filter(|g| shelf.gap(page, g, hs, &gaps.to).is_none());
        Lane {
            to: gaps.to.to_string(),
            territory: gaps.territory,
            regime: gaps.regime,
            ready: gaps.is_ready(),
            gaps: others.map(|g| page.told(g)).collect(),
            permits: gaps.gaps.iter().filter_map(|g| shelf.gap(page, g, hs, &gaps.to)).collect(),
            on_asking: (gaps.is_ready() && price.is_none()).then(asks),
            price,
            confirmed: None,
        }
    };
    product.gaps.iter().map(lane).collect()
}

/// The same lanes with who confirms each price, as checked here and now.
///
/// # Errors
/// The store cannot be reached.
pub async fn confirmed(app: &AppState, page: &Page, mut lanes: Vec<Lane>) -> Answer<Vec<Lane>> {
    for lane in &mut lanes {
        let Some(Ok((_, quote))) = &lane.price else { continue };
        let Some(quote) = app.hub.quote(*quote).await? else { continue };
        let confirm = Confirm::of(app, page, &quote).await?;
        let key = if confirm.is_over { "quote-was-valid" } else { "quote-valid" };
        lane.confirmed = Some(Confirmed { until: page.w1(key, "until", page.time(quote.expires_at)), confirm });
    }
    Ok(lanes)
}

/// A seller's own product, or nothing.
pub async fn own(app: &AppState, seller: &Party, id: &str) -> Answer<Product> {
    let id: Id<Product> = id.parse().map_err(|_| Failure::not_found())?;
    app.hub.product(id).await?.filter(|p| p.seller == seller.id).ok_or_else(Failure::not_found)
}

/// Asks every peer on whose lane the product is ready what one piece costs to the door there.
async fn ask_peers(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let product = own(&app, &seller, &id).await?;
    ask_about(&app, &seller, &product, false).await?;
    Ok(Redirect::to(&format!("/products/{id}")).into_response())
}

/// One question a ready lane for parcels, about one piece. What a business pays depends on how much it buys
/// and on which terms; that is asked by who knows them.
pub async fn ask_about(app: &AppState, seller: &Party, product: &Product, practice: bool) -> Answer<()> {
    for lane in product.gaps.iter().filter(|l| l.is_ready() && l.regime == Regime::B2cParcel) {
        let lines = vec![Asked { product: product.id, pieces: 1 }];
        let (importer, terms) = (lane.to.clone(), Terms::Parcel);
        let command = AskPeerQuote { quote: app.fresh(), seller: seller.id, importer, lines, practice, terms };
        app.submit(Command::AskPeerQuote(command)).await?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
}

async fn api_list(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    let part = app.hub.products_of(seller.id, query.after.as_deref(), query.limit.unwrap_or(API_PAGE)).await?;
    Ok(Json(json!({ "products": part.items, "next": part.next })))
}

async fn api_show(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Path(id): Path<String>,
) -> Answer<Json<Product>> {
    Ok(Json(own(&app, &seller, &id).await?))
}

/// A product as a machine offers it; the same fields as a row of a price list.
#[derive(Deserialize)]
struct ProductBody {
    sku: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    hs: String,
    origin: Option<Country>,
    weight_grams: Option<Grams>,
    size: Option<Size>,
    price: Option<Money>,
    content: Option<Content>,
    battery: Option<Battery>,
    liquid: Option<Liquid>,
}

async fn api_offer(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Json(body): Json<ProductBody>,
) -> Answer<(StatusCode, Json<Product>)> {
    let goods = Goods {
        description: or_name(body.description, &body.name),
        sku: body.sku,
        name: body.name,
        hs: claim(&body.hs),
        origin: body.origin,
        weight: body.weight_grams,
        size: body.size,
        price: body.price,
        content: body.content,
        hazards: Hazards { battery: body.battery, liquid: body.liquid },
    };
    let product: Product = app.submit_as(Command::OfferProduct(OfferProduct { seller: seller.id, goods })).await?;
    Ok((StatusCode::CREATED, Json(product)))
}

/// What a seller says the HS code is: a whole code, a short one as written, or none.
#[must_use]
pub fn claim(text: &str) -> HsClaim {
    match text.trim() {
        "" => HsClaim::Missing,
        text => text.parse::<HsCode>().map_or_else(|_| HsClaim::Short(text.to_owned()), HsClaim::Code),
    }
}

/// Where the seller has no description for customs, the name stands in; readiness judges it.
fn or_name(description: String, name: &str) -> String {
    if description.trim().is_empty() { name.to_owned() } else { description }
}
