//! What goods would cost to the door here: for anybody, without an account; nothing is kept.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::{Country, HubId};
use trade::countersign::NotConfirmed;
use trade::estimate::{AskEstimate, estimate};
use trade::money::Currency;
use trade::peer::Peer;
use trade::quote::Quote;
use trade::rulebook::Regime;
use trade::terms::{Incoterm, Terms};

use trade::trade_file::Side;

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::fall::{Confirm, Shown};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::product::form::{Faults, ProductForm, goods};
use crate::quote::{business_terms, gaps};
use crate::schema::{any, list, object, text};

const SAMPLE: &str = "from=kul.sandbox&description=Cotton+kitchen+towel%2C+printed&hs=630260&origin=MY&weight=0.25\
&price=40.00&pieces=2";
const FIELDS: &[&str] = &[
    "from",
    "pieces",
    "regime",
    "incoterm",
    "place",
    "description",
    "hs",
    "origin",
    "weight",
    "length",
    "width",
    "height",
    "price",
    "content",
    "content_unit",
];

pub fn routes() -> Doors {
    Doors::new().open(get("/estimate", ANYONE), show).open(
        get("/api/v1/estimate", ANYONE).at(Side::Import).asks(SAMPLE).query(FIELDS).gives(200, || {
            object([("exporter", text()), ("importer", text()), ("lines", list(any())), ("landed", any())]).open()
        }),
        show_api,
    )
}

/// What is typed; it stands in the address, so that an estimate can be sent on.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Form {
    /// The hub that the goods would be sold on.
    from: String,
    pieces: String,
    /// `b2b`, or a parcel for a consumer.
    regime: String,
    incoterm: String,
    place: String,
    #[serde(flatten)]
    goods: ProductForm,
}

impl Form {
    fn is_empty(&self) -> bool {
        let ProductForm { description, hs, weight, price, .. } = &self.goods;
        [description, hs, weight, price].iter().all(|text| text.trim().is_empty())
    }

    /// The regime that is chosen; one that nobody knows is refused by its name.
    fn terms(&self) -> Result<Terms, Failure> {
        match self.regime.trim() {
            "" | "b2c-parcel" => Ok(Terms::Parcel),
            "b2b" => business_terms(&self.incoterm, &self.place),
            other => Err(Failure::bad("field-value").with("field", "regime").with("got", other)),
        }
    }
}

/// A hub from which goods can be sold into this territory.
struct Origin {
    hub: HubId,
    territory: Country,
    currency: Currency,
}

/// Hubs from which a lane leads here, and those to which one leads from here, with their addresses.
async fn lanes(app: &AppState) -> Answer<(Vec<Origin>, Vec<(HubId, String)>)> {
    let site = app.site();
    let leads = |from, to| !site.rulebooks.regimes(from, to).is_empty();
    let peers = app.hub.peers().await?;
    let origin =
        |peer: &Peer| Origin { hub: peer.card.id.clone(), territory: peer.territory(), currency: peer.card.currency };
    let here = peers.iter().filter(|p| leads(p.territory(), site.territory)).map(origin).collect();
    let there = peers.iter().filter(|p| leads(site.territory, p.territory()));
    Ok((here, there.map(|p| (p.card.id.clone(), format!("{}/estimate", p.card.url))).collect()))
}

/// What was asked, worked out; or what is wrong, field by field.
async fn work_out(app: &AppState, origin: &Origin, form: &Form) -> Result<Quote, Faults> {
    let of = |field, failure| Faults::from([(field, failure)]);
    let mut goods = goods(origin.currency, &form.goods)?;
    goods.name.clone_from(&goods.description);
    // By which a refusal names them.
    goods.sku.clone_from(&goods.description);
    let number = || Failure::bad("field-value").with("field", "pieces").with("got", form.pieces.as_str());
    let pieces = match form.pieces.trim() {
        "" => 1,
        text => text.parse().map_err(|_| of("pieces", number()))?,
    };
    let terms = form.terms().map_err(|failure| of("regime", failure))?;
    let now = app.hub.business_now().await.map_err(|error| of("", error.into()))?;
    let ask = AskEstimate { exporter: origin.hub.clone(), from: origin.territory, goods, pieces, terms };
    estimate(app.hub.site(), now, &ask).map_err(|refusal| of("", Failure::of(&refusal)))
}

struct Found {
    quote: Quote,
    shown: Shown,
}

#[derive(Template)]
#[template(path = "estimate/page.html")]
struct EstimatePage {
    p: Page,
    form: ProductForm,
    pieces: String,
    /// The regimes of the lanes that lead here.
    regimes: Vec<Regime>,
    regime: String,
    incoterm: String,
    place: String,
    territory: Country,
    origins: Vec<Origin>,
    chosen: usize,
    /// By the name of the field.
    faults: BTreeMap<&'static str, Told>,
    told: Option<Told>,
    gaps: Vec<Told>,
    found: Option<Found>,
    /// Hubs that goods from here can be sold into, and where these work it out.
    elsewhere: Vec<(HubId, String)>,
}

impl EstimatePage {
    fn fault(&self, field: &str) -> Option<&Told> {
        self.faults.get(field)
    }

    fn is_term(&self, known: Incoterm) -> bool {
        self.incoterm.eq_ignore_ascii_case(known.code())
    }
}

/// GET /estimate
async fn show(State(app): State<AppState>, p: Page, Query(form): Query<Form>) -> Answer<Response> {
    let (origins, elsewhere) = lanes(&app).await?;
    let chosen = origins.iter().position(|o| o.hub.as_str() == form.from).unwrap_or(0);
    let mut shown = EstimatePage {
        p,
        form: form.goods.clone(),
        pieces: form.pieces.clone(),
        regimes: Vec::new(),
        regime: form.regime.clone(),
        incoterm: form.incoterm.clone(),
        place: form.place.clone(),
        territory: app.site().territory,
        origins,
        chosen,
        faults: BTreeMap::new(),
        told: None,
        gaps: Vec::new(),
        found: None,
        elsewhere,
    };
    let site = app.site();
    let known = shown.origins.get(chosen).map(|origin| site.rulebooks.regimes(origin.territory, site.territory));
    shown.regimes = known.unwrap_or_default();
    let Some(origin) = shown.origins.get(chosen).filter(|_| !form.is_empty()) else {
        if let Some(origin) = shown.origins.get(chosen) {
            shown.form.origin = origin.territory.to_string();
        }
        return Ok(shown.p.show(&shown));
    };
    match work_out(&app, origin, &form).await {
        Ok(quote) => {
            let why = NotConfirmed::EstimateOnly { hub: quote.importer.clone() };
            let confirm = Confirm::missing(&shown.p, &why);
            let fall = Shown::of(&app, &shown.p, &quote, confirm).await?;
            shown.found = Some(Found { quote, shown: fall });
            Ok(shown.p.show(&shown))
        }
        Err(mut faults) => {
            let whole = faults.remove("");
            if let Some(failure) = whole.as_ref().filter(|failure| failure.status.is_server_error()) {
                return Err(failure.clone());
            }
            shown.told = whole.as_ref().map(|failure| shown.p.problem(&failure.problem));
            shown.gaps = whole.map(|failure| gaps(&shown.p, &failure)).unwrap_or_default();
            shown.faults = faults.into_iter().map(|(field, f)| (field, shown.p.problem(&f.problem))).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown.p.show(&shown)).into_response())
        }
    }
}

/// GET /api/v1/estimate, with the fields of the page.
async fn show_api(State(app): State<AppState>, Query(form): Query<Form>) -> Answer<Json<Value>> {
    let (origins, _) = lanes(&app).await?;
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "peer-unknown").with("peer", form.from.as_str());
    let named = |o: &&Origin| form.from.is_empty() || o.hub.as_str() == form.from;
    let origin = origins.iter().find(named).ok_or_else(unknown)?;
    let quote = work_out(&app, origin, &form).await.map_err(|faults| {
        // The first field that is wrong; the page shows all.
        faults.into_values().next().unwrap_or_else(|| Failure::bad("http-400"))
    })?;
    Ok(Json(unbound(&quote)))
}

/// The estimate without what only a quote has: a number, a word that is given, an end.
fn unbound(quote: &Quote) -> Value {
    let mut value = serde_json::to_value(quote).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        for name in ["id", "signature", "asked_by", "expires_at", "due", "import_fee"] {
            fields.remove(name);
        }
        let why = NotConfirmed::EstimateOnly { hub: quote.importer.clone() };
        let confirmed = json!({ "by": null, "key": null, "until": null, "why_not": why });
        fields.insert("confirmed".to_owned(), confirmed);
    }
    for line in value.get_mut("lines").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fields) = line.as_object_mut() {
            fields.remove("product");
            fields.remove("sku");
        }
    }
    value
}
