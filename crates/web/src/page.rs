//! What every page has: who asks, in which language and light, and the house around the work.

use std::convert::Infallible;
use std::ops::Deref;

use askama::Template;
use axum::extract::{Form, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use trade::card::Mode;
use trade::party::{Party, Role};
use trade::terms::Incoterm;

use crate::AppState;
use crate::auth::{self, Caller};
use crate::door::{ANYONE, Doors, post};
use crate::i18n::{Lang, Tr};

/// Light, dark, or as the reader's system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What is known of a request before any handler sees it.
#[derive(Clone, Debug)]
pub struct Ask {
    pub lang: Lang,
    pub theme: Theme,
    pub path: String,
    pub path_and_query: String,
    pub is_get: bool,
    /// htmx asks for a part of a page.
    pub is_part: bool,
    pub caller: Caller,
}

impl Ask {
    /// Whether a machine asks, to which problems are told as JSON.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        ["/api/v1/", "/node/", "/road/", "/log/", "/.well-known/"].iter().any(|p| self.path.starts_with(p))
    }

    #[must_use]
    pub fn tr(&self, app: &AppState) -> Tr {
        Tr::new(self.lang, app.site().zone.clone())
    }
}

impl<S: Sync> FromRequestParts<S> for Ask {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().expect("the layer `ask` is around all routes"))
    }
}

/// Finds out who asks and how it wants to be answered. `?lang=` is remembered in a cookie.
pub async fn ask(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let uri = request.uri();
    let chosen = query_value(uri.query().unwrap_or_default(), "lang").and_then(|l| l.parse::<Lang>().ok());
    let headers = request.headers();
    let ask = Ask {
        lang: chosen.unwrap_or_else(|| language(headers)),
        theme: cookie(headers, "theme").map_or(Theme::System, theme),
        path: uri.path().to_owned(),
        path_and_query: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        is_get: matches!(*request.method(), Method::GET | Method::HEAD),
        is_part: headers.contains_key("hx-request"),
        caller: auth::identify(&app, headers).await,
    };
    request.extensions_mut().insert(ask);
    let mut response = next.run(request).await;
    if let Some(lang) = chosen {
        set_cookie(&mut response, &format!("lang={}; Path=/; Max-Age=31536000; SameSite=Lax", lang.code()));
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
    response
}

fn language(headers: &HeaderMap) -> Lang {
    let remembered = cookie(headers, "lang").and_then(|l| l.parse().ok());
    let accepted = || headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).map(Lang::accepted);
    remembered.or_else(accepted).unwrap_or(Lang::En)
}

fn theme(code: &str) -> Theme {
    Theme::ALL.into_iter().find(|t| t.code() == code).unwrap_or_default()
}

/// The value of one cookie.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The frame of one answer. Dereferences to [`Tr`], so a template says `p.s("nav-home")`.
#[derive(Clone, Debug)]
pub struct Page {
    pub t: Tr,
    pub theme: Theme,
    pub path: String,
    /// The same page in another language: path and query without `lang`, ready for `lang=`.
    pub again: String,
    pub hub: String,
    pub hub_id: String,
    pub sandbox: bool,
    pub who: Option<Party>,
    /// This hub and its peers, by id and name.
    names: Vec<(String, String)>,
}

impl Deref for Page {
    type Target = Tr;

    fn deref(&self) -> &Tr {
        &self.t
    }
}

/// A place in the rail.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub href: &'static str,
    /// Message of its name.
    pub key: &'static str,
}

const fn place(href: &'static str, key: &'static str) -> Place {
    Place { href, key }
}

impl Page {
    #[must_use]
    pub fn bare(app: &AppState, ask: &Ask) -> Self {
        let site = app.site();
        Self {
            t: ask.tr(app),
            theme: ask.theme,
            path: ask.path.clone(),
            again: again(&ask.path_and_query),
            hub: site.name.clone(),
            hub_id: site.id.to_string(),
            sandbox: site.mode == Mode::Sandbox,
            who: ask.caller.party.clone(),
            names: vec![(site.id.to_string(), site.name.clone())],
        }
    }

    /// What people call a hub; a hub that is no peer is called by its id.
    #[must_use]
    pub fn hub_name(&self, id: impl std::fmt::Display) -> String {
        let id = id.to_string();
        self.names.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone()).unwrap_or(id)
    }

    /// Renders; a template that fails is a fault of ours, told as such.
    pub fn show(&self, template: &impl Template) -> Response {
        match template.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                tracing::error!(%error, "a template does not render");
                crate::problem::Failure::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "http-500").into_response()
            }
        }
    }

    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.who.as_ref().is_some_and(|p| p.is(role))
    }

    /// Where this reader can go: by role, the first role first.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let Some(party) = &self.who else {
            return vec![
                place("/", "nav-home"),
                place("/offers", "nav-shop"),
                place("/estimate", "nav-estimate"),
                place("/calculator", "nav-calculator"),
                place("/classify", "nav-classify"),
                place("/sign-in", "nav-sign-in"),
            ];
        };
        let mut places: Vec<Place> = Vec::new();
        for role in &party.roles {
            let more: &[Place] = match role {
                Role::Seller => SELLER,
                Role::Buyer => BUYER,
                Role::Officer => OFFICER,
                Role::Operator => OPERATOR,
                Role::Carrier => CARRIER,
                Role::Bank => BANK,
                Role::Warehouse => WAREHOUSE,
                Role::Lender => LENDER,
                Role::Broker => BROKER,
                Role::Agency => AGENCY,
            };
            for place in more {
                if places.iter().all(|p| p.href != place.href) {
                    places.push(*place);
                }
            }
        }
        places.push(place("/account", "nav-account"));
        places
    }

    /// Where this reader begins.
    #[must_use]
    pub fn home(&self) -> &'static str {
        self.places().first().map_or("/", |place| place.href)
    }

    /// For `aria-current`: the page itself or one below it.
    #[must_use]
    pub fn is_here(&self, href: &str) -> bool {
        self.path == href || (href != "/" && self.path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether this reader buys as a registered business.
    #[must_use]
    pub fn is_business(&self) -> bool {
        self.is(Role::Buyer) && self.who.as_ref().is_some_and(Party::is_business)
    }

    /// Every Incoterm that there is, those that are offered first: another is refused with its reason.
    #[must_use]
    pub fn incoterms(&self) -> [Incoterm; 11] {
        let mut terms = Incoterm::ALL;
        terms.sort_by_key(|term| term.why_not(None).is_some());
        terms
    }

    #[must_use]
    pub fn langs(&self) -> [Lang; 3] {
        Lang::ALL
    }

    #[must_use]
    pub fn themes(&self) -> [Theme; 3] {
        Theme::ALL
    }
}

/// For templates, which name no enum of another crate.
pub const BUYER_ROLE: Role = Role::Buyer;

const SELLER: &[Place] = &[
    place("/start", "nav-start"),
    place("/products", "nav-products"),
    place("/trades", "nav-trades"),
    place("/stock", "nav-my-stock"),
    place("/money", "nav-money"),
    place("/permits", "nav-permits"),
];
const BUYER: &[Place] = &[place("/offers", "nav-shop"), place("/orders", "nav-orders"), place("/money", "nav-money")];
const OFFICER: &[Place] = &[
    place("/officer", "nav-officer"),
    place("/manifests", "nav-manifests"),
    place("/trades", "nav-trades"),
    place("/replay", "nav-replay"),
];
const OPERATOR: &[Place] = &[
    place("/operator", "nav-operator"),
    place("/trades", "nav-trades"),
    place("/peers", "nav-peers"),
    place("/settlement", "nav-settlement"),
    place("/advances", "nav-advances"),
    place("/replay", "nav-replay"),
];
const CARRIER: &[Place] = &[
    place("/parcels", "nav-parcels"),
    place("/bags", "nav-bags"),
    place("/manifests", "nav-manifests"),
    place("/trades", "nav-trades"),
];
const BANK: &[Place] = &[place("/payouts", "nav-payouts"), place("/trades", "nav-trades")];
const WAREHOUSE: &[Place] = &[
    place("/warehouse", "nav-warehouse"),
    place("/warehouse/scan", "nav-scan"),
    place("/warehouse/stock", "nav-stock"),
    place("/bags", "nav-bags"),
    place("/manifests", "nav-manifests"),
];
const LENDER: &[Place] = &[place("/advances", "nav-advances")];
const BROKER: &[Place] =
    &[place("/clients", "nav-clients"), place("/trades", "nav-trades"), place("/mandates", "nav-mandates")];
const AGENCY: &[Place] = &[place("/agency", "nav-agency")];

fn again(path_and_query: &str) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let rest: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !p.starts_with("lang=")).collect();
    if rest.is_empty() { format!("{path}?") } else { format!("{path}?{}&", rest.join("&")) }
}

impl FromRequestParts<AppState> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let ask = Ask::from_request_parts(parts, app).await?;
        let mut page = Self::bare(app, &ask);
        // A store that does not answer leaves the peers without their names; the page says the rest.
        let peers = app.hub.peers().await.unwrap_or_default();
        page.names.extend(peers.into_iter().map(|peer| (peer.card.id.to_string(), peer.card.name)));
        Ok(page)
    }
}

pub fn routes() -> Doors {
    Doors::new().open(post("/theme", ANYONE).form("theme=dark&back=/"), choose_theme)
}

#[derive(Deserialize)]
struct ThemeForm {
    theme: Theme,
    back: String,
}

async fn choose_theme(Form(form): Form<ThemeForm>) -> Response {
    let mut response = Redirect::to(here(&form.back)).into_response();
    let cookie = format!("theme={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", form.theme.code());
    set_cookie(&mut response, &cookie);
    response
}

/// A path on this hub, or the front page: never another site.
#[must_use]
pub fn here(back: &str) -> &str {
    let safe = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    if safe { back } else { "/" }
}
