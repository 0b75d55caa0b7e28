//! Offers: what peers' sellers sell here. A buyer looks, chooses pieces, and asks the price to the door.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::product::{Offer, OfferKey};
use trade::quote::pieces_max;
use trade::rulebook::Regime;
use trade::terms::Incoterm;
use trade::trade_file::Side;

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{self, noun};

/// Offers on one page of the shop; a page stays under 100 kB.
const SHOP_PAGE: usize = 48;
/// Offers in one answer to a machine.
const API_PAGE: i64 = 200;
/// How far a search looks, in order of keys: further ones are found by a narrower search.
const SEARCHED_MAX: usize = 5_000;
const QUERY_MAX: usize = 80;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/offers", ANYONE), shop)
        .open(get("/offers/{hub}/{product}", ANYONE).at(Side::Import), show)
        .open(
            get("/api/v1/offers", ANYONE)
                .query(&["after", "limit"])
                .gives(200, || schema::page("offers", noun("Offer"))),
            api_list,
        )
}

#[derive(Template)]
#[template(path = "offer/shop.html")]
struct ShopPage {
    p: Page,
    q: String,
    offers: Vec<Offer>,
    next: Option<String>,
    place: &'static str,
    most: i64,
}

impl ShopPage {
    /// Free carrier is what the shop begins with: its price says least of the way.
    fn is_term(&self, known: Incoterm) -> bool {
        known == Incoterm::Fca
    }
}

/// The most pieces of one kind that this reader can order.
fn most(page: &Page) -> i64 {
    pieces_max(if page.is_business() { Regime::B2b } else { Regime::B2cParcel })
}

#[derive(Deserialize)]
struct ShopQuery {
    #[serde(default)]
    q: String,
    after: Option<String>,
}

async fn shop(State(app): State<AppState>, page: Page, Query(query): Query<ShopQuery>) -> Answer<Response> {
    let q: String = query.q.trim().chars().take(QUERY_MAX).collect();
    let (offers, next) = search(&app, &q, query.after).await?;
    let most = most(&page);
    let shown = ShopPage { p: page, q, offers, next, place: "", most };
    Ok(shown.p.show(&shown))
}

/// Offers whose name, description, article number, seller or HS code has all words of `q`.
async fn search(app: &AppState, q: &str, mut after: Option<String>) -> Answer<(Vec<Offer>, Option<String>)> {
    let words: Vec<String> = q.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<Offer> = Vec::new();
    let mut looked = 0;
    loop {
        let part = app.hub.offers(after.as_deref(), API_PAGE).await?;
        looked += part.items.len();
        for offer in part.items {
            if found.len() == SHOP_PAGE {
                return Ok((found.clone(), found.last().map(|o| o.key.to_string())));
            }
            if has_all(&offer, &words) {
                found.push(offer);
            }
        }
        after = part.next;
        if after.is_none() || looked >= SEARCHED_MAX {
            return Ok((found, after));
        }
    }
}

fn has_all(offer: &Offer, words: &[String]) -> bool {
    let goods = &offer.goods;
    let hs = goods.hs_code().map(ToString::to_string).unwrap_or_default();
    let text = [&goods.name, &goods.description, &goods.sku, &offer.seller_name, &hs].map(|t| t.to_lowercase());
    words.iter().all(|word| text.iter().any(|t| t.contains(word)))
}

#[derive(Template)]
#[template(path = "offer/show.html")]
struct OfferPage {
    p: Page,
    offer: Offer,
    place: &'static str,
    most: i64,
}

impl OfferPage {
    fn is_term(&self, known: Incoterm) -> bool {
        known == Incoterm::Fca
    }
}

async fn show(
    State(app): State<AppState>,
    page: Page,
    Path((hub, product)): Path<(String, String)>,
) -> Answer<Response> {
    let key: OfferKey = format!("{hub}/{product}").parse().map_err(|()| Failure::not_found())?;
    let offer = app.hub.offer(&key).await?.filter(|o| !o.withdrawn).ok_or_else(Failure::not_found)?;
    let most = most(&page);
    let shown = OfferPage { p: page, offer, place: "", most };
    Ok(shown.p.show(&shown))
}

#[derive(Deserialize)]
struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
}

async fn api_list(State(app): State<AppState>, Query(query): Query<ListQuery>) -> Answer<Json<Value>> {
    let part = app.hub.offers(query.after.as_deref(), query.limit.unwrap_or(API_PAGE)).await?;
    Ok(Json(json!({ "offers": part.items, "next": part.next })))
}
