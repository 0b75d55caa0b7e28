//! The waybill: its form, its correction, its label.

mod label;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;
use trade::codes::S10;
use trade::commands::Command;
use trade::party::{Party, Role};
use trade::quantity::Grams;
use trade::trade_file::{Side, TradeFile, TradeId};
use trade::waybill::IssueWaybill;

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, get, parts, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{Schema, boolean, integer, noun, object, text};
use crate::trade_file::{self, Viewer, next};

fn api_shape() -> Schema {
    object([
        ("no", text().max(20)),
        ("gross_grams", integer()),
        ("consignee", text().max(80)),
        ("corrects?", boolean()),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/trades/{id}/waybill", trade_file::EVERY_PART), show)
        .open(
            post("/trades/{id}/waybill", parts(&[Role::Seller, Role::Carrier]))
                .form("no=LP000000990MY&weight=0.5&consignee=D-1")
                .at(Side::Export),
            send,
        )
        .open(
            get("/trades/{id}/label.pdf", parts(&[Role::Seller, Role::Carrier, Role::Operator, Role::Warehouse]))
                .at(Side::Export),
            label::download,
        )
        .open(
            post("/api/v1/trades/{id}/waybill", parts(&[Role::Seller, Role::Carrier]))
                .json(r#"{"no": "LP000000990MY", "gross_grams": 620, "consignee": "D-x7Qd"}"#)
                .at(Side::Export)
                .takes(api_shape)
                .gives(200, || noun("Waybill")),
            api_issue,
        )
        .open(
            get(
                "/api/v1/trades/{id}/label.pdf",
                parts(&[Role::Seller, Role::Carrier, Role::Operator, Role::Warehouse]),
            )
            .at(Side::Export)
            .gives_file("application/pdf"),
            label::download,
        )
}

/// What is registered now, and the form with it filled in.
struct View {
    order: String,
    here: String,
    stands: Option<String>,
    edition: Option<String>,
    may_change: bool,
    corrects: bool,
    no: String,
    weight: String,
    consignee: String,
    label: bool,
}

#[derive(Template)]
#[template(path = "waybill/page.html")]
struct WaybillPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

fn view(p: &Page, file: &TradeFile, viewer: Viewer) -> View {
    let waybill = file.waybill.as_ref();
    let final_now = file.closed.is_some() || file.peer_clearance.is_final();
    let may = file.side == Side::Export
        && matches!(viewer, Viewer::Seller | Viewer::Carrier | Viewer::Warehouse)
        && !final_now;
    let gross = waybill.map(|w| w.gross).or_else(|| file.order.as_ref().map(|o| o.quote.gross()));
    let delivery = file.order.as_ref().map(|o| o.delivery.clone());
    View {
        order: file.id.order_no().to_owned(),
        here: next::path(file),
        stands: waybill.map(|w| p.w2("waybill-stands", "no", &w.no, "weight", p.kg(w.gross))),
        edition: waybill.map(|w| p.w1("waybill-edition", "edition", w.edition)),
        may_change: may,
        corrects: waybill.is_some(),
        no: waybill.map(|w| w.no.to_string()).unwrap_or_default(),
        weight: gross.map(Grams::kilograms).unwrap_or_default(),
        consignee: waybill.map(|w| w.consignee.clone()).or(delivery).unwrap_or_default(),
        label: waybill.is_some() && file.side == Side::Export,
    }
}

async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    Ok(p.show(&WaybillPage { p: &p, v: view(&p, &file, viewer), told: None }))
}

#[derive(Deserialize)]
struct WaybillForm {
    no: String,
    weight: String,
    consignee: String,
    #[serde(default)]
    corrects: Option<String>,
}

async fn send(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<WaybillForm>,
) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    let outcome = match parsed(&form) {
        Ok((no, gross)) => {
            let corrects = form.corrects.is_some();
            issue(&app, &party, &file.id, no, gross, form.consignee.trim(), corrects).await
        }
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to(&next::path(&file)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let filled =
                View { no: form.no, weight: form.weight, consignee: form.consignee, ..view(&p, &file, viewer) };
            Ok((failure.status, p.show(&WaybillPage { p: &p, v: filled, told })).into_response())
        }
    }
}

fn parsed(form: &WaybillForm) -> Answer<(S10, Grams)> {
    let no = form.no.to_uppercase().replace(' ', "");
    let no = no.parse::<S10>().map_err(|e| Failure::of(&e))?;
    let gross = Grams::parse_kilograms(form.weight.trim());
    let gross = gross.map_err(|_| Failure::bad("not-a-kilogram").with("got", form.weight.as_str()))?;
    Ok((no, gross))
}

#[derive(Deserialize)]
struct ApiWaybill {
    no: S10,
    gross_grams: i64,
    consignee: String,
    #[serde(default)]
    corrects: bool,
}

/// POST /api/v1/trades/{id}/waybill. The carrier may send it before the order has come.
async fn api_issue(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<ApiWaybill>,
) -> Answer<Json<Value>> {
    let id: TradeId = id.parse().map_err(|_| Failure::bad("not-a-trade").with("got", id))?;
    let gross = Grams(body.gross_grams);
    issue(&app, &party, &id, body.no, gross, &body.consignee, body.corrects).await.map(Json)
}

/// A carrier registers any parcel that it takes; a seller those of its own sales.
async fn issue(
    app: &AppState,
    party: &Party,
    trade: &TradeId,
    no: S10,
    gross: Grams,
    consignee: &str,
    corrects: bool,
) -> Answer<Value> {
    if !party.is(Role::Carrier) {
        let (_, viewer) = trade_file::load(app, party, trade.as_str()).await?;
        if !matches!(viewer, Viewer::Seller | Viewer::Warehouse) {
            return Err(Failure::role_needed(Role::Carrier));
        }
    }
    let command =
        IssueWaybill { trade: trade.clone(), no, gross, consignee: consignee.to_owned(), by: party.id, corrects };
    app.submit(Command::IssueWaybill(command)).await
}
