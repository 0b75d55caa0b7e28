//! One product by form: what is typed is parsed field by field, and a fault stands beside its field.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use trade::codes::Country;
use trade::commands::Command;
use trade::hazard::{Battery, Chemistry, Hazards, Liquid, LiquidForm, MILLIWATT_HOURS_MAX, PackedHow};
use trade::money::{Currency, Money, format_fixed, parse_fixed};
use trade::origin::Preference;
use trade::party::Party;
use trade::product::{Goods, OfferProduct, Product};
use trade::quantity::{Content, ContentUnit, Grams, Size};
use trade::readiness::HsClaim;

use super::{Lane, claim, confirmed, lanes, or_name, own};
use crate::AppState;
use crate::auth::{As, Seller};
use crate::classification::{Suggestion, suggestion};
use crate::i18n::Told;
use crate::page::Page;
use crate::permit;
use crate::problem::{Answer, Failure};

#[derive(Template)]
#[template(path = "product/edit.html")]
struct EditPage {
    p: Page,
    form: ProductForm,
    /// By the name of the field.
    faults: BTreeMap<&'static str, Told>,
    told: Option<Told>,
    /// The product as it stands, with its lanes; none while it is new.
    product: Option<Product>,
    lanes: Vec<Lane>,
    currency: &'static str,
    /// The code that the description speaks for, where the form has none or a short one.
    suggestion: Option<Suggestion>,
}

impl EditPage {
    /// By which the page of codes finds back here.
    fn back(&self) -> String {
        self.product.as_ref().map_or_else(|| "new".to_owned(), |p| p.id.to_string())
    }

    fn fault(&self, field: &str) -> Option<&Told> {
        self.faults.get(field)
    }

    /// Under which agreement the goods originate, and by which criterion.
    fn preference(&self, preference: &Preference) -> String {
        self.p.w2(
            "origin-by",
            "agreement",
            preference.agreement.as_str().to_uppercase(),
            "criterion",
            &preference.criterion,
        )
    }

    fn can_ask(&self) -> bool {
        self.lanes.iter().any(|lane| lane.ready)
    }

    /// Whether a fact is called for by the goods, or stated: its questions then stand open.
    fn asks(&self, fact: &str) -> bool {
        let stated = if fact == "battery" { &self.form.battery } else { &self.form.liquid };
        let asked = |lane: &Lane| lane.gaps.iter().any(|gap| super::place_of(&gap.code) == Some(fact));
        !stated.is_empty() || self.lanes.iter().any(asked)
    }

    fn action(&self) -> String {
        self.product.as_ref().map_or_else(|| "/products".to_owned(), |p| format!("/products/{}", p.id))
    }
}

/// The fields as a person types them.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct ProductForm {
    pub sku: String,
    pub name: String,
    pub description: String,
    pub hs: String,
    pub origin: String,
    pub weight: String,
    pub length: String,
    pub width: String,
    pub height: String,
    pub price: String,
    pub content: String,
    pub content_unit: String,
    pub battery: String,
    pub battery_packed: String,
    pub watt_hours: String,
    pub charge: String,
    pub liquid: String,
    pub flammable: String,
}

impl ProductForm {
    pub fn sides(&self) -> [(&'static str, &str); 3] {
        [("length", &self.length), ("width", &self.width), ("height", &self.height)]
    }
}

/// What is wrong, by the name of the field.
pub type Faults = BTreeMap<&'static str, Failure>;

/// GET /products/new, with what was typed before a code was looked for.
pub async fn empty(
    State(app): State<AppState>,
    As(..): As<Seller>,
    page: Page,
    Query(typed): Query<ProductForm>,
) -> Answer<Response> {
    show(&app, page, typed, BTreeMap::new(), None, None).await
}

pub async fn edit(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Path(id): Path<String>,
    Query(typed): Query<ProductForm>,
) -> Answer<Response> {
    let product = own(&app, &seller, &id).await?;
    let known = filled(&product.goods);
    let form = match (typed.sku.is_empty(), typed.hs.is_empty()) {
        (true, true) => known,
        // Only a code was chosen.
        (true, false) => ProductForm { hs: typed.hs, ..known },
        // All that was typed before a code was looked for.
        (false, _) => ProductForm { sku: known.sku, ..typed },
    };
    show(&app, page, form, BTreeMap::new(), None, Some(product)).await
}

pub async fn add(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Form(form): Form<ProductForm>,
) -> Answer<Response> {
    offer(&app, page, &seller, form, None).await
}

pub async fn save(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Path(id): Path<String>,
    Form(form): Form<ProductForm>,
) -> Answer<Response> {
    let product = own(&app, &seller, &id).await?;
    // The article number names the product; under another it would be another product.
    let form = ProductForm { sku: product.goods.sku.clone(), ..form };
    offer(&app, page, &seller, form, Some(product)).await
}

async fn offer(
    app: &AppState,
    page: Page,
    seller: &Party,
    form: ProductForm,
    known: Option<Product>,
) -> Answer<Response> {
    let goods = match goods(app.site().currency, &form) {
        Ok(goods) => goods,
        Err(faults) => {
            let faults = faults.into_iter().map(|(field, f)| (field, page.problem(&f.problem))).collect();
            let shown = show(app, page, form, faults, None, known).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response());
        }
    };
    let command = Command::OfferProduct(OfferProduct { seller: seller.id, goods });
    match app.submit_as::<Product>(command).await {
        Ok(product) => Ok(Redirect::to(&format!("/products/{}", product.id)).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(page.problem(&failure.problem));
            let shown = show(app, page, form, BTreeMap::new(), told, known).await?;
            Ok((failure.status, shown).into_response())
        }
    }
}

async fn show(
    app: &AppState,
    page: Page,
    form: ProductForm,
    faults: BTreeMap<&'static str, Told>,
    told: Option<Told>,
    product: Option<Product>,
) -> Answer<Response> {
    let lanes = match &product {
        Some(p) => confirmed(app, &page, lanes(&page, p, &permit::shelf(app, p.seller).await?)).await?,
        None => Vec::new(),
    };
    let currency = app.site().currency.code();
    let lacks = !matches!(claim(&form.hs), HsClaim::Code(_)) && !form.description.trim().is_empty();
    let suggestion = lacks.then(|| suggestion(&page, &form.description)).flatten();
    let shown = EditPage { p: page, form, faults, told, product, lanes, currency, suggestion };
    Ok(shown.p.show(&shown))
}

fn filled(goods: &Goods) -> ProductForm {
    let short = |value: i64, digits: u32| {
        let text = format_fixed(value, digits);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let battery = goods.hazards.battery;
    let side = |part: fn(&Size) -> i64| goods.size.as_ref().map(|s| short(part(s), 1)).unwrap_or_default();
    ProductForm {
        sku: goods.sku.clone(),
        name: goods.name.clone(),
        description: goods.description.clone(),
        hs: match &goods.hs {
            HsClaim::Missing => String::new(),
            HsClaim::Short(text) => text.clone(),
            HsClaim::Code(code) => code.to_string(),
        },
        origin: goods.origin.map(|c| c.to_string()).unwrap_or_default(),
        weight: goods.weight.map(|w| short(w.0, 3)).unwrap_or_default(),
        length: side(|s| s.length_mm),
        width: side(|s| s.width_mm),
        height: side(|s| s.height_mm),
        price: goods.price.map(Money::decimal).unwrap_or_default(),
        content: goods.content.map(Content::written).unwrap_or_default(),
        content_unit: goods.content.map(|c| c.unit.code().to_owned()).unwrap_or_default(),
        battery: battery.map(|b| b.chemistry.code().to_owned()).unwrap_or_default(),
        battery_packed: battery.and_then(|b| b.packed).map(|p| p.code().to_owned()).unwrap_or_default(),
        watt_hours: battery.and_then(|b| b.milliwatt_hours).map(|n| short(n, 3)).unwrap_or_default(),
        charge: battery.and_then(|b| b.charge).map(|n| n.to_string()).unwrap_or_default(),
        liquid: goods.hazards.liquid.map(|l| l.form.code().to_owned()).unwrap_or_default(),
        flammable: goods.hazards.liquid.and_then(|l| l.flammable).map(|f| f.to_string()).unwrap_or_default(),
    }
}

/// Parses all fields, so that all faults are shown at once. The price is in `currency`.
pub fn goods(currency: Currency, form: &ProductForm) -> Result<Goods, Faults> {
    let mut faults = Faults::new();
    let origin =
        kept("origin", &mut faults, read(&form.origin, |t| Country::of_origin(t).map_err(|e| Failure::of(&e))));
    let grams = |t: &str| Grams::parse_kilograms(t).map_err(|_| field_value("weight", t));
    let weight = kept("weight", &mut faults, read(&form.weight, grams));
    let price =
        kept("price", &mut faults, read(&form.price, |t| Money::parse(t, currency).map_err(|e| Failure::of(&e))));
    let size = kept("size", &mut faults, size(form));
    let content = kept("content", &mut faults, content(form));
    let hazards = hazards(form, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Goods {
        sku: form.sku.trim().to_owned(),
        name: form.name.trim().to_owned(),
        description: or_name(form.description.trim().to_owned(), form.name.trim()),
        hs: claim(&form.hs),
        origin,
        weight,
        size,
        price,
        content,
        hazards,
    })
}

fn read<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, Failure>) -> Result<Option<T>, Failure> {
    match text.trim() {
        "" => Ok(None),
        text => parse(text).map(Some),
    }
}

fn kept<T>(field: &'static str, faults: &mut Faults, read: Result<Option<T>, Failure>) -> Option<T> {
    read.unwrap_or_else(|fault| {
        faults.insert(field, fault);
        None
    })
}

fn size(form: &ProductForm) -> Result<Option<Size>, Failure> {
    let sides = [&form.length, &form.width, &form.height].map(|t| t.trim());
    if sides.iter().all(|t| t.is_empty()) {
        return Ok(None);
    }
    if sides.iter().any(|t| t.is_empty()) {
        return Err(Failure::bad("size-incomplete"));
    }
    let side = |text: &str| {
        let mm = parse_fixed(text, 1).ok().filter(|mm| *mm > 0);
        mm.ok_or_else(|| field_value("size", text))
    };
    Ok(Some(Size { length_mm: side(sides[0])?, width_mm: side(sides[1])?, height_mm: side(sides[2])? }))
}

fn content(form: &ProductForm) -> Result<Option<Content>, Failure> {
    read(&form.content, |text| {
        let unit = match form.content_unit.as_str() {
            "ml" => ContentUnit::Ml,
            "g" => ContentUnit::G,
            _ => ContentUnit::Piece,
        };
        Content::read(text, unit).ok_or_else(|| Failure::bad("not-contents"))
    })
}

/// What is said of dangers; a code that a form does not have is taken as not said.
fn hazards(form: &ProductForm, faults: &mut Faults) -> Hazards {
    fn picked<T: Copy>(known: &[(&str, T)], code: &str) -> Option<T> {
        known.iter().find(|(known, _)| *known == code).map(|(_, value)| *value)
    }
    let energy = |t: &str| {
        let found = parse_fixed(t, 3).ok().filter(|n| (1..=MILLIWATT_HOURS_MAX).contains(n));
        found.ok_or_else(|| field_value("watt-hours", t))
    };
    let charge = |t: &str| {
        let found = t.trim_end_matches('%').trim().parse::<u8>().ok().filter(|n| *n <= 100);
        found.ok_or_else(|| field_value("charge", t))
    };
    let milliwatt_hours = kept("watt_hours", faults, read(&form.watt_hours, energy));
    let charge = kept("charge", faults, read(&form.charge, charge));
    let packed = picked(&PackedHow::ALL, &form.battery_packed);
    let battery = picked(&Chemistry::ALL, &form.battery).map(|chemistry| match chemistry {
        Chemistry::None => Battery { chemistry, packed: None, milliwatt_hours: None, charge: None },
        _ => Battery { chemistry, packed, milliwatt_hours, charge },
    });
    let flammable = form.flammable.parse::<bool>().ok();
    let liquid = picked(&LiquidForm::ALL, &form.liquid)
        .map(|form| Liquid { form, flammable: flammable.filter(|_| form != LiquidForm::None) });
    Hazards { battery, liquid }
}

fn field_value(field: &str, got: &str) -> Failure {
    let got: String = got.chars().take(40).collect();
    Failure::bad("field-value").with("field", field).with("got", got)
}
