//! Origin: a seller says what a product is made of, and sees under which agreements it originates, with
//! the whole working. The bill of materials is shown to nobody else.

mod form;
mod shown;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};
use trade::commands::Command;
use trade::money::Money;
use trade::origin::{Agreement, Bill, Origin, OriginFacts, StateMaterials, qualifies};
use trade::party::{Party, Role};
use trade::product::Product;

use self::form::{BillForm, Faults};
use self::shown::Shown;
use crate::AppState;
use crate::auth::{As, Seller};
use crate::door::{Doors, get, parts, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::product::own;
use crate::schema::{Schema, any, boolean, list, money, noun, object, text};

/// The fields of a form: each material has its own, numbered.
type Pairs = Vec<(String, String)>;

const BILL_SAMPLE: &str = r#"{"fob": {"minor": 4000, "currency": "MYR"}, "materials": [{"description": "Cotton yarn", "hs": "520512",
 "value": {"minor": 1200, "currency": "MYR"}, "origin": "IN"}], "costs": {"labour": {"minor": 600, "currency": "MYR"}}}"#;

fn bill_shape() -> Schema {
    let material = object([
        ("description", text().max(200)),
        ("quantity?", text().max(40).or_null()),
        ("hs?", text().max(12).or_null()),
        ("value", money()),
        ("origin?", text().like("^[A-Z]{2}$").or_null()),
        ("weight?", crate::schema::integer().or_null()),
        ("proved?", list(text())),
    ]);
    let cost = || money().or_null();
    object([
        ("fob", money()),
        ("wholly_obtained?", boolean()),
        ("materials?", list(material).at_most(trade::origin::MATERIALS_MAX)),
        ("costs?", object([("labour?", cost()), ("overhead?", cost()), ("profit?", cost()), ("other?", cost())])),
    ])
}

fn origin_shape() -> Schema {
    let origin = object([("agreement", text()), ("criterion", text().or_null()), ("tried", list(any()))]).open();
    object([("product", text()), ("bill", any()), ("origins", list(origin))])
}

pub fn routes() -> Doors {
    let seller = || parts(&[Role::Seller]);
    Doors::new()
        .open(get("/products/{id}/materials", seller()), show)
        .open(
            post("/products/{id}/materials", seller())
                .form("fob=40.00&description_1=Cotton+yarn&hs_1=520512&value_1=12.00&origin_1=IN"),
            save,
        )
        .open(get("/api/v1/products/{id}/origin", seller()).gives(200, origin_shape), api_show)
        .open(
            post("/api/v1/products/{id}/materials", seller())
                .json(BILL_SAMPLE)
                .takes(bill_shape)
                .gives(200, || noun("Product")),
            api_save,
        )
}

/// Whether a product originates, by every agreement that holds today.
pub fn origins<'a>(app: &'a AppState, product: &Product, bill: &Bill) -> Vec<(&'a Agreement, Origin)> {
    let facts =
        OriginFacts { hs: product.goods.hs_code(), made_in: product.goods.origin, weight: product.goods.weight, bill };
    let agreements = app.site().rulebooks.agreements.iter();
    agreements.filter_map(|agreement| Some((agreement, qualifies(agreement, &facts).ok()?))).collect()
}

#[derive(Template)]
#[template(path = "origin/materials.html")]
struct MaterialsPage {
    p: Page,
    product: Product,
    form: BillForm,
    faults: Faults,
    told: Option<Told>,
    results: Vec<Shown>,
    /// The agreements under which a material may be proved: id and short name.
    agreements: Vec<(String, String)>,
    currency: &'static str,
}

impl MaterialsPage {
    fn fault(&self, field: impl AsRef<str>) -> Option<String> {
        self.faults.get(field.as_ref()).map(|failure| self.p.problem(&failure.problem).title)
    }

    fn row_fault(&self, field: &str, number: &usize) -> Option<String> {
        self.fault(format!("{field}_{number}"))
    }
}

async fn show(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Path(id): Path<String>,
) -> Answer<Response> {
    let product = own(&app, &seller, &id).await?;
    let form = BillForm::of(&product);
    Ok(shown_page(&app, page, product, form, Faults::new(), None))
}

fn shown_page(
    app: &AppState,
    page: Page,
    product: Product,
    form: BillForm,
    faults: Faults,
    told: Option<Told>,
) -> Response {
    let results = product.bill.as_ref().map(|bill| origins(app, &product, bill)).unwrap_or_default();
    let results = results.iter().map(|(agreement, origin)| Shown::of(&page, agreement, origin)).collect();
    let agreements = app.site().rulebooks.agreements.iter();
    let agreements = agreements.map(|a| (a.id.to_string(), a.short.clone())).collect();
    let currency = app.site().currency.code();
    let shown = MaterialsPage { p: page, product, form, faults, told, results, agreements, currency };
    shown.p.show(&shown)
}

async fn save(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Answer<Response> {
    let product = own(&app, &seller, &id).await?;
    let form = BillForm::from_pairs(&pairs);
    let bill = match form.bill(app.site().currency) {
        Ok(bill) => bill,
        Err(faults) => {
            let shown = shown_page(&app, page, product, form, faults, None);
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response());
        }
    };
    match state(&app, &seller, &product, bill).await {
        Ok(product) => Ok(Redirect::to(&format!("/products/{}/materials", product.id)).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(page.problem(&failure.problem));
            let shown = shown_page(&app, page, product, form, Faults::new(), told);
            Ok((failure.status, shown).into_response())
        }
    }
}

async fn state(app: &AppState, seller: &Party, product: &Product, bill: Option<Bill>) -> Answer<Product> {
    let command = StateMaterials { seller: seller.id, product: product.id, bill };
    app.submit_as(Command::StateMaterials(command)).await
}

async fn api_show(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    let product = own(&app, &seller, &id).await?;
    let found = product.bill.as_ref().map(|bill| origins(&app, &product, bill)).unwrap_or_default();
    let found: Vec<Origin> = found.into_iter().map(|(_, origin)| origin).collect();
    Ok(Json(json!({ "product": product.id, "bill": product.bill, "origins": found })))
}

async fn api_save(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Path(id): Path<String>,
    Json(bill): Json<Bill>,
) -> Answer<Json<Product>> {
    let product = own(&app, &seller, &id).await?;
    Ok(Json(state(&app, &seller, &product, Some(bill)).await?))
}

/// An amount as forms carry it.
fn typed(amount: Option<Money>) -> String {
    amount.map(Money::decimal).unwrap_or_default()
}

/// A value that a field does not take.
fn not_taken(field: &str, got: &str) -> Failure {
    let got: String = got.chars().take(40).collect();
    Failure::bad("field-value").with("field", field).with("got", got)
}
