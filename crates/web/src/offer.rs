//! Offers: what peers' sellers sell here. A buyer looks, chooses pieces, and asks the price to the door.

use std::collections::HashMap;

use askama::Template;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::{Country, HubId};
use trade::product::{Offer, OfferKey};
use trade::quote::{QuoteRefusal, pieces_max};
use trade::rulebook::Regime;
use trade::shop::{OpenLane, sold_else};
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
    offers: Vec<OnSale>,
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

/// As whom this reader buys: a registered business, or a consumer, as which a stranger is taken.
fn regime(page: &Page) -> Regime {
    if page.is_business() { Regime::B2b } else { Regime::B2cParcel }
}

/// An offer, and why this reader cannot buy it, where that is so.
struct OnSale {
    offer: Offer,
    unsold: Option<Unsold>,
}

/// Said before a price is asked, in words for a buyer.
struct Unsold {
    /// To whom it is not sold.
    regime: Regime,
    why: Vec<String>,
    /// Who can buy it.
    sold_to: Option<Regime>,
}

/// What keeps goods from being bought here, by the rules of today. What there is of a lane is looked up once.
struct Counter<'a> {
    app: &'a AppState,
    page: &'a Page,
    date: jiff::civil::Date,
    territories: HashMap<HubId, Country>,
    lanes: HashMap<(HubId, Regime), Result<OpenLane<'a>, QuoteRefusal>>,
}

impl<'a> Counter<'a> {
    async fn open(app: &'a AppState, page: &'a Page) -> Answer<Self> {
        let date = app.site().date(app.hub.business_now().await?);
        let peers = app.hub.peers().await?;
        let territories = peers.into_iter().map(|peer| (peer.card.id.clone(), peer.card.territory)).collect();
        Ok(Self { app, page, date, territories, lanes: HashMap::new() })
    }

    /// Why an offer cannot be bought under a regime; nothing where it can.
    fn lacks(&mut self, offer: &Offer, regime: Regime) -> Vec<String> {
        let (app, page, date, hub) = (self.app, self.page, self.date, &offer.key.hub);
        let Some(from) = self.territories.get(hub).copied() else {
            return vec![page.told(&QuoteRefusal::PeerUnknown { peer: hub.clone() }).title];
        };
        let key = (hub.clone(), regime);
        match self.lanes.entry(key).or_insert_with(|| OpenLane::of(app.site(), from, regime, date)) {
            Ok(lane) => lane.lacks(&offer.goods).iter().map(|gap| page.told(gap).title).collect(),
            Err(refusal) => vec![page.told(refusal).title],
        }
    }

    fn put(&mut self, offer: Offer) -> OnSale {
        let regime = regime(self.page);
        let why = self.lacks(&offer, regime);
        let sold_to = |counter: &mut Self| sold_else(regime, |other| counter.lacks(&offer, other).is_empty());
        let unsold = (!why.is_empty()).then(|| Unsold { regime, why, sold_to: sold_to(self) });
        OnSale { offer, unsold }
    }
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
    let mut counter = Counter::open(&app, &page).await?;
    let offers = offers.into_iter().map(|offer| counter.put(offer)).collect();
    let most = pieces_max(regime(&page));
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
    unsold: Option<Unsold>,
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
    let OnSale { offer, unsold } = Counter::open(&app, &page).await?.put(offer);
    let most = pieces_max(regime(&page));
    let shown = OfferPage { p: page, offer, unsold, place: "", most };
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
