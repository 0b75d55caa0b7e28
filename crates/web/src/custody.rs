//! The carrier's scan: which parcel, which step; what the law forbids is refused with its reason.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hub::trade_file::TradeFilter;
use serde::Deserialize;
use serde_json::Value;
use trade::codes::{DocumentNo, S10};
use trade::commands::Command;
use trade::custody::{CustodyKind, RecordCustody};
use trade::id::Id;
use trade::party::{Party, Role};
use trade::trade_file::{Side, Stage, TradeFile, TradeId};
use trade::world::NumberKey;

use crate::AppState;
use crate::auth::{As, Carrier};
use crate::door::{Doors, get, only, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{code, noun, object, text};
use crate::trade_file::{Viewer, next};

/// Stages in which a parcel waits for a carrier, or for customs before it.
const MOVING: [Stage; 6] = [
    Stage::InEscrow,
    Stage::ExportHeld,
    Stage::ExportReleased,
    Stage::ImportHeld,
    Stage::ImportReleased,
    Stage::Returning,
];
/// Parcels of each of them that are looked through.
const PARCELS_MAX: i64 = 100;

const STEPS: [&str; 5] = ["handed-over", "departed", "arrived", "out-for-delivery", "delivered"];

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/parcels", only(&[Role::Carrier])), show)
        .open(post("/parcels", only(&[Role::Carrier])).form("step=departed&number=X&place=MYKUL"), scan)
        .open(
            post("/api/v1/trades/{id}/custody", only(&[Role::Carrier]))
                .json(r#"{"kind": "departed", "place": "MYKUL"}"#)
                .takes(|| object([("kind", code(&STEPS)), ("place", text().max(80))]))
                .gives(200, || noun("Custody")),
            api_record,
        )
}

struct Parcel {
    href: String,
    order: String,
    waybill: String,
    weight: String,
    seen: String,
    next: String,
    stop: Option<String>,
}

struct View {
    steps: Vec<(&'static str, String)>,
    step: String,
    number: String,
    place: String,
    done: Option<String>,
    parcels: Vec<Parcel>,
}

#[derive(Template)]
#[template(path = "custody/page.html")]
struct ScanPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

#[derive(Default, Deserialize)]
struct Scan {
    #[serde(default)]
    step: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    place: String,
}

/// GET /parcels
async fn show(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Carrier>,
    Query(scan): Query<Scan>,
) -> Answer<Response> {
    let v = view(&p, &app, &party, scan, None).await?;
    Ok(p.show(&ScanPage { p: &p, v, told: None }))
}

/// POST /parcels: one scan; the step and the place stay for the next parcel.
async fn scan(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Carrier>,
    Form(scan): Form<Scan>,
) -> Answer<Response> {
    match record_number(&app, &party, &scan).await {
        Ok(kind) => {
            let done = p.w(
                "custody-done",
                [("number", scan.number.clone()), ("step", p.by("step", kind.code())), ("place", scan.place.clone())],
            );
            let again = Scan { number: String::new(), ..scan };
            let v = view(&p, &app, &party, again, Some(done)).await?;
            Ok(p.show(&ScanPage { p: &p, v, told: None }))
        }
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&p, &app, &party, scan, None).await?;
            Ok((failure.status, p.show(&ScanPage { p: &p, v, told })).into_response())
        }
    }
}

async fn record_number(app: &AppState, party: &Party, scan: &Scan) -> Answer<CustodyKind> {
    let kind: CustodyKind = scan.step.parse().map_err(|()| Failure::bad("step-unknown"))?;
    let trade = find(app, scan.number.trim()).await?;
    record(app, &trade, kind, &scan.place, party.id).await?;
    Ok(kind)
}

/// A parcel by the number that a scanner reads: waybill, order, or trade.
pub async fn find(app: &AppState, number: &str) -> Answer<TradeId> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "parcel-unknown").with("number", number);
    if let Ok(id) = number.parse::<TradeId>() {
        return Ok(id);
    }
    if let Ok(waybill) = number.to_uppercase().replace(' ', "").parse::<S10>() {
        return app.hub.trade_by_number(&NumberKey::waybill(waybill.as_str())).await?.ok_or_else(unknown);
    }
    let order: DocumentNo = number.parse().map_err(|_| unknown())?;
    let own = app.site().trade(&order);
    if app.hub.trade(&own).await?.is_some() {
        return Ok(own);
    }
    for peer in app.hub.peers().await? {
        let id = TradeId::new(&peer.card.id, &order);
        if app.hub.trade(&id).await?.is_some() {
            return Ok(id);
        }
    }
    Err(unknown())
}

async fn record(app: &AppState, trade: &TradeId, kind: CustodyKind, place: &str, by: Id<Party>) -> Answer<Value> {
    let command = RecordCustody { trade: trade.clone(), kind, place: place.to_owned(), by };
    app.submit(Command::RecordCustody(command)).await
}

async fn view(p: &Page, app: &AppState, party: &Party, scan: Scan, done: Option<String>) -> Answer<View> {
    let mut files: Vec<TradeFile> = Vec::new();
    for stage in MOVING {
        let filter = TradeFilter { stage: Some(stage), ..TradeFilter::default() };
        files.extend(app.hub.trades(&filter, None, PARCELS_MAX).await?.items.into_iter().map(|row| row.file));
    }
    let parcels: Vec<Parcel> =
        files.iter().filter(|f| Viewer::of(f, party) == Some(Viewer::Carrier)).filter_map(|f| parcel(p, f)).collect();
    // The side of a parcel decides which steps are reported here; a hub that does both shows all.
    let mut step = scan.step;
    if step.is_empty() {
        let waiting = files.iter().filter(|f| f.waybill.is_some()).find_map(next_step);
        step = waiting.map_or(String::new(), |k| k.code().to_owned());
    }
    Ok(View {
        steps: CustodyKind::ALL.iter().chain(&CustodyKind::BACK).map(|k| (k.code(), p.by("step", k.code()))).collect(),
        step,
        number: scan.number,
        place: scan.place,
        done,
        parcels,
    })
}

/// The step of this side that has not been reported.
fn next_step(file: &TradeFile) -> Option<CustodyKind> {
    if file.closed.is_some() {
        return None;
    }
    if file.open_return().is_some() {
        return file.next_step_home().filter(|step| step.side() == file.side);
    }
    CustodyKind::ALL.into_iter().find(|k| k.side() == file.side && !file.has(*k))
}

fn parcel(p: &Page, file: &TradeFile) -> Option<Parcel> {
    let step = next_step(file)?;
    let waybill = file.waybill.as_ref()?;
    let stop = match (file.side, step) {
        _ if file.clearance.is_released() => None,
        (Side::Export, CustodyKind::Departed) => Some(p.s("problem-not-released-for-export")),
        (Side::Import, CustodyKind::OutForDelivery | CustodyKind::Delivered) => {
            Some(p.s("problem-not-released-for-import"))
        }
        _ => None,
    };
    let seen = file
        .custody
        .last()
        .map_or_else(|| "–".to_owned(), |c| p.w2("parcel-at", "step", p.by("step", c.kind.code()), "place", &c.place));
    Some(Parcel {
        href: next::path(file),
        order: file.id.order_no().to_owned(),
        waybill: waybill.no.to_string(),
        weight: p.kg(waybill.gross),
        seen,
        next: p.by("step", step.code()),
        stop,
    })
}

#[derive(Deserialize)]
struct ApiCustody {
    kind: CustodyKind,
    place: String,
}

/// POST /api/v1/trades/{id}/custody
async fn api_record(
    State(app): State<AppState>,
    As(party, ..): As<Carrier>,
    Path(id): Path<String>,
    Json(body): Json<ApiCustody>,
) -> Answer<Json<Value>> {
    let trade: TradeId = id.parse().map_err(|_| Failure::bad("not-a-trade").with("got", id))?;
    record(&app, &trade, body.kind, &body.place, party.id).await.map(Json)
}
