//! A price list, uploaded as the seller keeps it: read, shown with what was understood and what was
//! not, and taken in. Nothing is taken before the seller has seen the reading.

use std::collections::BTreeMap;

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Form, Multipart, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hub::upload::Upload;
use papers::price_list::{self, Chosen, Field, Mapping, PriceList, PriceRow, RowFault, Source};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::command::Problem;
use trade::commands::Command;
use trade::money::Currency;
use trade::party::Party;
use trade::product::{Goods, OfferProduct, Product};

use super::{claim, or_name};
use crate::AppState;
use crate::auth::{As, Seller};
use crate::i18n::{Told, Tr};
use crate::page::{Ask, Page, here};
use crate::problem::{Answer, Failure, problem_json};
use crate::schema::{Schema, any, count, list, noun, object, text};

/// Faults shown on the page; the rest are in the file of failed rows.
const FAULTS_SHOWN: usize = 40;
/// Products that the page of a reading lists.
const ROWS_SHOWN: usize = 12;
/// Products handed to the hub at once; each batch is one transaction.
const TAKE_AT_ONCE: usize = 500;

/// An uploaded list as it reads with its mapping.
pub struct Reading {
    pub id: String,
    pub file_name: String,
    pub mapping: Mapping,
    pub list: PriceList,
}

impl Reading {
    fn of(upload: &Upload) -> Answer<Self> {
        let mapping: Mapping = serde_json::from_str(&upload.mapping).unwrap_or_default();
        let list = price_list::read_with(&upload.bytes, &upload.file_name, &mapping).map_err(|r| Failure::of(&r))?;
        Ok(Self { id: upload.id.clone(), file_name: upload.file_name.clone(), mapping, list })
    }

    /// The faults in the reader's words, at most `limit`.
    #[must_use]
    pub fn faults(&self, t: &Tr, limit: usize) -> Vec<Fault> {
        self.list.faults.iter().take(limit).map(|f| Fault::of(t, f)).collect()
    }
}

/// One cell that was not understood.
pub struct Fault {
    /// `C5`, as a spreadsheet names it.
    pub cell: String,
    pub field: String,
    pub got: String,
    pub told: Told,
}

impl Fault {
    fn of(t: &Tr, fault: &RowFault) -> Self {
        Self {
            cell: format!("{}{}", fault.column, fault.row),
            field: if fault.header.is_empty() { t.by("field", code(fault.field)) } else { fault.header.clone() },
            got: fault.got.chars().take(60).collect(),
            told: t.problem(&problem(fault)),
        }
    }
}

/// A fault with what stands in its cell, which some sentences repeat.
fn problem(fault: &RowFault) -> Problem {
    let mut problem = Problem::of(&fault.kind);
    problem.args.entry("got".to_owned()).or_insert_with(|| json!(fault.got));
    problem
}

fn code(field: Field) -> String {
    serde_json::to_value(field).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The list that the seller uploaded last, as it reads.
pub async fn latest_reading(app: &AppState, seller: &Party) -> Answer<Option<Reading>> {
    let upload = app.hub.last_upload(seller.id).await?;
    Ok(upload.and_then(|u| Reading::of(&u).ok()))
}

#[derive(Template)]
#[template(path = "product/upload.html")]
struct UploadPage {
    p: Page,
    told: Option<Told>,
    back: String,
}

pub async fn page(As(..): As<Seller>, page: Page) -> Response {
    let shown = UploadPage { p: page, told: None, back: String::new() };
    shown.p.show(&shown)
}

/// A list from the form: a file, and where to go on.
pub async fn receive(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    mut form: Multipart,
) -> Answer<Response> {
    let mut file: Option<(String, Bytes)> = None;
    let mut back = String::new();
    let broken = |_| Failure::new(StatusCode::BAD_REQUEST, "http-400");
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let too_large = |_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "http-413");
                file = Some((name, field.bytes().await.map_err(too_large)?));
            }
            Some("back") => back = field.text().await.map_err(broken)?,
            _ => {}
        }
    }
    let read = match file {
        Some((name, bytes)) if !name.is_empty() => {
            let mapping = Mapping { currency: Some(app.site().currency), ..Mapping::default() };
            keep(&app, &seller, &name, &bytes, mapping).await
        }
        _ => Err(Failure::bad("upload-missing")),
    };
    match read {
        Ok(reading) if back == "/start" => {
            take_in(&app, &seller, &reading.list).await?;
            Ok(Redirect::to(here(&back)).into_response())
        }
        Ok(reading) => Ok(Redirect::to(&format!("/products/uploads/{}", reading.id)).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(page.problem(&failure.problem));
            let shown = UploadPage { p: page, told, back };
            Ok((failure.status, shown.p.show(&shown)).into_response())
        }
    }
}

/// Reads a list and keeps it as uploaded, so that its failed rows can be fetched and its mapping changed.
async fn keep(app: &AppState, seller: &Party, name: &str, bytes: &[u8], mapping: Mapping) -> Answer<Reading> {
    let upload = Upload {
        id: app.random::<8>().iter().map(|b| format!("{b:02x}")).collect(),
        party: seller.id,
        file_name: name.chars().take(120).collect(),
        mapping: serde_json::to_string(&mapping).unwrap_or_default(),
        at: app.wall(),
        bytes: bytes.to_vec(),
    };
    let reading = tokio::task::spawn_blocking(move || Reading::of(&upload).map(|r| (upload, r)))
        .await
        .map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "http-500"))?;
    let (upload, reading) = reading?;
    app.hub.save_upload(&upload).await?;
    Ok(reading)
}

async fn reading(app: &AppState, seller: &Party, id: &str) -> Answer<Reading> {
    let upload = app.hub.upload(seller.id, id).await?.ok_or_else(Failure::not_found)?;
    Reading::of(&upload)
}

#[derive(Template)]
#[template(path = "product/reading.html")]
struct ReadingPage {
    p: Page,
    id: String,
    file_name: String,
    columns: Vec<Column>,
    /// All fields that a column can be.
    fields: Vec<String>,
    faults: Vec<Fault>,
    more_faults: usize,
    failed: usize,
    notes: usize,
    rows: Vec<PriceRow>,
    taken: usize,
    header_row: u32,
    /// What the file was taken for: a sheet, or text in an encoding.
    source: String,
    done: Option<usize>,
}

/// One column of the sheet, and what it was taken for.
struct Column {
    letter: String,
    header: String,
    field: String,
    unit: Option<String>,
    unit_assumed: bool,
    sample: String,
}

#[derive(Deserialize)]
pub struct Done {
    taken: Option<usize>,
}

pub async fn show(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Answer<Response> {
    let reading = reading(&app, &seller, &id).await?;
    let list = &reading.list;
    let first = list.rows.first().or(list.failed.first());
    let columns = list.columns.iter().enumerate().map(|(at, column)| Column {
        letter: column.letter.clone(),
        header: column.header.clone(),
        field: column.field.map(code).unwrap_or_default(),
        unit: column.unit.map(|u| page.by("unit", unit_code(u))).or(column.currency.map(|c| c.code().to_owned())),
        unit_assumed: column.unit_assumed,
        sample: first.and_then(|row| row.cells.get(at)).map(|c| c.text.chars().take(40).collect()).unwrap_or_default(),
    });
    let shown = ReadingPage {
        columns: columns.collect(),
        fields: FIELDS.iter().map(|f| code(*f)).collect(),
        faults: reading.faults(&page, FAULTS_SHOWN),
        more_faults: list.faults.len().saturating_sub(FAULTS_SHOWN),
        failed: list.failed.len(),
        notes: list.notes.len(),
        rows: list.rows.iter().take(ROWS_SHOWN).cloned().collect(),
        taken: list.rows.len(),
        header_row: list.header_row,
        source: source(&page, &list.source),
        done: done.taken,
        id: reading.id,
        file_name: reading.file_name,
        p: page,
    };
    Ok(shown.p.show(&shown))
}

/// Where the rows were found, so that somebody whose letters came out wrong sees why.
fn source(t: &Tr, source: &Source) -> String {
    match source {
        Source::Workbook { sheet } => t.w1("product-read-sheet", "sheet", sheet),
        Source::TextTable { encoding, delimiter } => {
            let sign = if *delimiter == '\t' { "Tab".to_owned() } else { delimiter.to_string() };
            t.w2("product-read-text", "encoding", encoding.to_uppercase(), "sign", sign)
        }
    }
}

fn unit_code(unit: price_list::Unit) -> String {
    serde_json::to_value(unit).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

const FIELDS: [Field; 22] = [
    Field::Sku,
    Field::Name,
    Field::Description,
    Field::Hs,
    Field::Origin,
    Field::Weight,
    Field::Size,
    Field::Length,
    Field::Width,
    Field::Height,
    Field::Price,
    Field::Currency,
    Field::Content,
    Field::ContentUnit,
    Field::Strength,
    Field::Battery,
    Field::BatteryPacked,
    Field::WattHours,
    Field::Charge,
    Field::Liquid,
    Field::Flammable,
    Field::Pack,
];

/// The seller says what columns are: `A=hs`, and nothing for a column to be left out.
pub async fn remap(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    Path(id): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Answer<Response> {
    let upload = app.hub.upload(seller.id, &id).await?.ok_or_else(Failure::not_found)?;
    let old: Mapping = serde_json::from_str(&upload.mapping).unwrap_or_default();
    let columns = form
        .into_iter()
        .filter(|(letter, _)| letter.len() <= 3 && letter.bytes().all(|b| b.is_ascii_uppercase()))
        .map(|(letter, field)| (letter, chosen(&field)))
        .collect();
    let reading = keep(&app, &seller, &upload.file_name, &upload.bytes, Mapping { columns, ..old }).await?;
    Ok(Redirect::to(&format!("/products/uploads/{}", reading.id)).into_response())
}

fn chosen(field: &str) -> Option<Chosen> {
    let field: Field = serde_json::from_value(Value::String(field.to_owned())).ok()?;
    Some(Chosen { field, unit: None })
}

pub async fn take(State(app): State<AppState>, As(seller, ..): As<Seller>, Path(id): Path<String>) -> Answer<Response> {
    let reading = reading(&app, &seller, &id).await?;
    let taken = take_in(&app, &seller, &reading.list).await?.len();
    Ok(Redirect::to(&format!("/products/uploads/{id}?taken={taken}")).into_response())
}

/// Hands every good row to the hub as a product. The answers stand in the order of the rows.
async fn take_in(app: &AppState, seller: &Party, list: &PriceList) -> Answer<Vec<Product>> {
    let mut products = Vec::with_capacity(list.rows.len());
    for rows in list.rows.chunks(TAKE_AT_ONCE) {
        let commands = rows
            .iter()
            .map(|row| Command::OfferProduct(OfferProduct { seller: seller.id, goods: goods(row) }))
            .collect();
        for answer in app.hub.submit_all(commands).await {
            // What the rules refuse of a row stays out; what the store refuses stops the list.
            if let Ok(product) = answer? {
                products.extend(serde_json::from_value::<Product>(product).ok());
            }
        }
    }
    Ok(products)
}

fn goods(row: &PriceRow) -> Goods {
    let name = row.name.clone().unwrap_or_default();
    Goods {
        sku: row.sku.clone().unwrap_or_default(),
        description: or_name(row.description.clone().unwrap_or_default(), &name),
        name,
        hs: claim(row.hs.as_deref().unwrap_or_default()),
        origin: row.origin,
        weight: row.weight,
        size: row.size,
        price: row.price,
        content: row.content,
        hazards: row.hazards,
    }
}

/// Only the rows that failed, as uploaded, with the reason beside each.
pub async fn failed(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    page: Page,
    Path(id): Path<String>,
) -> Answer<Response> {
    let reading = reading(&app, &seller, &id).await?;
    let reason = |fault: &RowFault| {
        let told = page.problem(&problem(fault));
        format!("{}: {} {}", fault.column, told.title, told.fix.unwrap_or_default())
    };
    let bytes = price_list::failed_rows_workbook(&reading.list, &reason, &page.s("product-reason"));
    Ok(workbook(bytes, "failed-rows.xlsx"))
}

/// An empty list with the headers that are read, in the reader's language.
pub async fn template(State(app): State<AppState>, page: Page) -> Response {
    let keys = [
        "template-sku",
        "template-name",
        "template-description",
        "template-hs",
        "template-origin",
        "template-weight",
        "template-size",
        "template-content",
    ];
    let price = page.w1("template-price", "currency", app.site().currency.code());
    let headers: Vec<String> = keys.iter().map(|key| page.s(key)).chain([price]).collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    workbook(price_list::template_workbook(&headers), "price-list.xlsx")
}

fn workbook(bytes: Vec<u8>, name: &str) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, super::WORKBOOK.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes)
        .into_response()
}

#[derive(Deserialize)]
pub struct ApiUpload {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    file_name: String,
    /// Of prices that carry none; without it the hub's own.
    currency: Option<Currency>,
}

/// What comes of a list that was sent in.
pub fn api_shape() -> Schema {
    object([
        ("id", text()),
        ("header_row", count()),
        ("columns", any()),
        ("accepted", list(object([("row", count()), ("sku", text().or_null())]).open())),
        ("faults", list(noun("Problem"))),
        ("notes", any()),
        ("source?", any()),
        ("failed_rows", text()),
    ])
}

pub async fn api_receive(
    State(app): State<AppState>,
    As(seller, ..): As<Seller>,
    ask: Ask,
    Query(query): Query<ApiUpload>,
    body: Bytes,
) -> Answer<Json<Value>> {
    let currency = Some(query.currency.unwrap_or(app.site().currency));
    let name = if query.file_name.is_empty() { "price-list".to_owned() } else { query.file_name };
    let reading = keep(&app, &seller, &name, &body, Mapping { currency, ..Mapping::default() }).await?;
    let t = ask.tr(&app);
    let accepted: Vec<Value> = if query.dry_run {
        reading.list.rows.iter().map(|row| json!({ "row": row.row, "sku": row.sku })).collect()
    } else {
        let taken = take_in(&app, &seller, &reading.list).await?;
        let by_sku: BTreeMap<&str, &Product> = taken.iter().map(|p| (p.goods.sku.as_str(), p)).collect();
        let line = |row: &PriceRow| {
            let product = by_sku.get(row.sku.as_deref().unwrap_or_default().trim())?;
            Some(json!({ "row": row.row, "sku": row.sku, "product": product.id, "gaps": product.gaps }))
        };
        reading.list.rows.iter().filter_map(line).collect()
    };
    let faults: Vec<Value> = reading.list.faults.iter().map(|f| fault_json(&app, &t, f)).collect();
    Ok(Json(json!({
        "id": reading.id,
        "header_row": reading.list.header_row,
        "source": reading.list.source,
        "columns": reading.list.columns,
        "accepted": accepted,
        "faults": faults,
        "notes": reading.list.notes,
        "failed_rows": format!("/api/v1/price-lists/{}/failed.xlsx", reading.id),
    })))
}

/// A fault with its place and values, and in words.
fn fault_json(app: &AppState, t: &Tr, fault: &RowFault) -> Value {
    let mut told = problem_json(app, t, &problem(fault), StatusCode::UNPROCESSABLE_ENTITY);
    if let Value::Object(body) = &mut told {
        body.remove("status");
        body.insert("row".into(), json!(fault.row));
        body.insert("column".into(), json!(fault.column));
        body.insert("header".into(), json!(fault.header));
        body.insert("field".into(), json!(fault.field));
        body.insert("got".into(), json!(fault.got));
    }
    told
}
