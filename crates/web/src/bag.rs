//! Bags: opened for a hub, filled, sealed, labelled.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use papers::manifest::{BagLabel, BagWords, bag_label_pdf};
use serde::Deserialize;
use serde_json::{Value, json};
use trade::bag::{Bag, OpenBag, PutInBag, SealBag, TakeFromBag};
use trade::codes::{BagNo, HubId, SealNo};
use trade::commands::Command;
use trade::manifest::{LoadBag, ManifestId};
use trade::party::{Party, Role};
use trade::trade_file::{Side, TradeId};

use crate::AppState;
use crate::auth::Signed;
use crate::custody;
use crate::door::{Doors, May, get, only, parts, post};
use crate::i18n::Told;
use crate::idempotency::Fresh;
use crate::manifest;
use crate::page::{Ask, Page};
use crate::print::{self, both, english, in_latin};
use crate::problem::{Answer, Failure};
use crate::schema::{self, Schema, any, noun, object, text};

/// Bags of one party on one page.
const BAGS_MAX: i64 = 100;
/// Of those a machine may ask for so many at once.
const API_MAX: i64 = 500;
/// Open manifests that a bag may be put on.
const OPEN_MAX: i64 = 50;

/// Who fills bags and makes manifests; offices look at bags.
const FILLS: May = only(&[Role::Warehouse, Role::Carrier]);
const LOOKS: May = only(&[Role::Warehouse, Role::Carrier, Role::Operator, Role::Officer]);
const OWN: May = parts(&[Role::Warehouse, Role::Carrier]);
const PARCEL: &str = r#"{"trade": "hgh.sandbox:A-26-000001"}"#;

fn bag() -> Schema {
    noun("Bag")
}

fn parcel() -> Schema {
    object([("trade", text())])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/bags", FILLS), list)
        .open(post("/bags", FILLS).form("no=x&to=hgh.sandbox"), open)
        .open(get("/bags/{no}", LOOKS), show)
        .open(post("/bags/{no}/parcels", OWN).form("number=LP000000014MY"), put)
        .open(post("/bags/{no}/removals", OWN).form("number=LP000000014MY"), take)
        .open(post("/bags/{no}/seal", OWN).form("seal=S-1"), seal)
        .open(post("/bags/{no}/manifest", OWN).form("manifest=x"), load)
        .open(get("/bags/{no}/label.pdf", LOOKS), label)
        .open(
            get("/api/v1/bags", FILLS).query(&["after", "limit"]).gives(200, || schema::page("bags", bag())),
            api_list,
        )
        .open(
            post("/api/v1/bags", FILLS)
                .json(r#"{"no": "BG00000000017", "to": "hgh.sandbox"}"#)
                .takes(|| object([("no?", text().or_null()), ("to", text())]))
                .gives(200, bag),
            api_open,
        )
        .open(get("/api/v1/bags/{no}", LOOKS).gives(200, any), api_show)
        .open(post("/api/v1/bags/{no}/parcels", OWN).json(PARCEL).takes(parcel).gives(200, bag), api_put)
        .open(post("/api/v1/bags/{no}/removals", OWN).json(PARCEL).takes(parcel).gives(200, bag), api_take)
        .open(
            post("/api/v1/bags/{no}/seal", OWN)
                .json(r#"{"seal": "S-1"}"#)
                .takes(|| object([("seal", text())]))
                .gives(200, bag),
            api_seal,
        )
        .open(get("/api/v1/bags/{no}/label.pdf", LOOKS).gives_file("application/pdf"), label)
}

/// Whoever fills bags and makes manifests.
pub fn handler(party: &Party) -> Answer<()> {
    if party.is(Role::Warehouse) || party.is(Role::Carrier) {
        Ok(())
    } else {
        Err(Failure::role_needed(Role::Warehouse))
    }
}

/// A bag, for whoever fills it, and for offices.
async fn find(app: &AppState, party: &Party, no: &str) -> Answer<Bag> {
    let office = party.is(Role::Operator) || party.is(Role::Officer);
    if !office {
        handler(party)?;
    }
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "bag-unknown").with("bag", no);
    let number: BagNo = no.parse().map_err(|_| unknown())?;
    let bag = app.hub.bag(&number).await?.ok_or_else(unknown)?;
    if office || bag.by == party.id { Ok(bag) } else { Err(unknown()) }
}

struct Row {
    href: String,
    no: String,
    to: String,
    parcels: String,
    weight: String,
    state: String,
    class: &'static str,
    manifest: Option<(String, String)>,
}

struct ListView {
    rows: Vec<Row>,
    peers: Vec<(String, String)>,
    /// The number that the next bag gets: the same form sent twice opens one bag.
    no: String,
}

#[derive(Template)]
#[template(path = "bag/list.html")]
struct ListPage<'a> {
    p: &'a Page,
    v: ListView,
    told: Option<Told>,
}

/// The colour of a bag's state.
const fn class(state: &str) -> &'static str {
    match state.as_bytes() {
        b"open" => "wait",
        b"sealed" => "tell",
        _ => "go",
    }
}

fn row(p: &Page, bag: &Bag) -> Row {
    Row {
        href: format!("/bags/{}", bag.no),
        no: bag.no.to_string(),
        to: p.hub_name(&bag.to),
        parcels: p.num(bag.parcels.len()),
        weight: p.kg(bag.gross()),
        state: p.by("bag-state", bag.state()),
        class: class(bag.state()),
        manifest: bag.manifest.as_ref().map(|id| (manifest::path(id), id.master().to_owned())),
    }
}

/// A number for a new bag.
#[must_use]
fn fresh(app: &AppState) -> BagNo {
    BagNo::issue(u64::from_be_bytes(app.random()))
}

async fn list_view(p: &Page, app: &AppState, party: &Party) -> Answer<ListView> {
    let bags = app.hub.bags_of(party.id, None, BAGS_MAX).await?.items;
    let peers = app.hub.peers().await?;
    Ok(ListView {
        rows: bags.iter().map(|bag| row(p, bag)).collect(),
        peers: peers.into_iter().map(|peer| (peer.card.id.to_string(), peer.card.name)).collect(),
        no: fresh(app).to_string(),
    })
}

/// GET /bags
async fn list(State(app): State<AppState>, p: Page, Signed(party): Signed) -> Answer<Response> {
    handler(&party)?;
    let v = list_view(&p, &app, &party).await?;
    Ok(p.show(&ListPage { p: &p, v, told: None }))
}

#[derive(Deserialize)]
struct OpenForm {
    no: String,
    to: String,
}

/// POST /bags
async fn open(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Form(form): Form<OpenForm>,
) -> Answer<Response> {
    handler(&party)?;
    let outcome = async {
        let no: BagNo = form.no.parse().map_err(|e| Failure::of(&e))?;
        let to: HubId = form.to.parse().map_err(|e| Failure::of(&e))?;
        app.submit_as::<Bag>(Command::OpenBag(OpenBag { no, to, by: party.id })).await
    };
    match outcome.await {
        Ok(bag) => Ok(Redirect::to(&format!("/bags/{}", bag.no)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = list_view(&p, &app, &party).await?;
            Ok((failure.status, p.show(&ListPage { p: &p, v, told })).into_response())
        }
    }
}

struct ParcelRow {
    href: String,
    trade: String,
    waybill: String,
    weight: String,
    state: String,
    class: &'static str,
}

struct View {
    row: Row,
    parcels: Vec<ParcelRow>,
    /// It is the reader's own.
    is_mine: bool,
    is_open: bool,
    is_sealed: bool,
    seal: Option<String>,
    manifests: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "bag/show.html")]
struct BagPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

async fn view(p: &Page, app: &AppState, party: &Party, bag: &Bag) -> Answer<View> {
    let mut parcels = Vec::new();
    for parcel in &bag.parcels {
        let file = app.hub.trade(&parcel.trade).await?;
        let clearance = file.as_ref().map(|f| &f.clearance);
        parcels.push(ParcelRow {
            href: crate::trade_file::next::path_of(parcel.trade.as_str()),
            trade: parcel.trade.to_string(),
            waybill: parcel.waybill.to_string(),
            weight: p.kg(parcel.gross),
            state: clearance.map_or_else(|| "–".to_owned(), |c| p.by("clearance", c.code())),
            class: if clearance.is_some_and(trade::clearance::Clearance::is_released) { "go" } else { "wait" },
        });
    }
    let open = app.hub.manifests(Some(Side::Export), None, OPEN_MAX).await?.items;
    let fits = |m: &&trade::manifest::Manifest| m.closed.is_none() && m.by == Some(party.id) && m.peer == bag.to;
    let manifests = open.iter().filter(fits).map(|m| {
        let voyage = &m.voyage;
        let words = format!("{} · {} · {}", m.id.master(), voyage.carriage.vehicle(), p.time(voyage.departs_at));
        (m.id.to_string(), words)
    });
    Ok(View {
        row: row(p, bag),
        parcels,
        is_mine: bag.by == party.id,
        is_open: bag.state() == "open",
        is_sealed: bag.state() == "sealed",
        seal: bag.seal.as_ref().map(ToString::to_string),
        manifests: manifests.collect(),
    })
}

/// GET /bags/{no}
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(no): Path<String>) -> Answer<Response> {
    let bag = find(&app, &party, &no).await?;
    let v = view(&p, &app, &party, &bag).await?;
    Ok(p.show(&BagPage { p: &p, v, told: None }))
}

/// Back to the bag, with what was wrong.
async fn back<T>(p: &Page, app: &AppState, party: &Party, bag: &Bag, outcome: Answer<T>) -> Answer<Response> {
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("/bags/{}", bag.no)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(p, app, party, bag).await?;
            Ok((failure.status, p.show(&BagPage { p, v, told })).into_response())
        }
    }
}

#[derive(Deserialize)]
struct ParcelForm {
    /// Waybill, order or trade.
    number: String,
}

/// POST /bags/{no}/parcels
async fn put(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(no): Path<String>,
    Form(form): Form<ParcelForm>,
) -> Answer<Response> {
    let bag = find(&app, &party, &no).await?;
    let outcome = async {
        let trade = custody::find(&app, form.number.trim()).await?;
        app.submit(Command::PutInBag(PutInBag { bag: bag.no.clone(), trade, by: party.id })).await
    };
    back(&p, &app, &party, &bag, outcome.await).await
}

/// POST /bags/{no}/removals
async fn take(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(no): Path<String>,
    Form(form): Form<ParcelForm>,
) -> Answer<Response> {
    let bag = find(&app, &party, &no).await?;
    let outcome = async {
        let trade = custody::find(&app, form.number.trim()).await?;
        app.submit(Command::TakeFromBag(TakeFromBag { bag: bag.no.clone(), trade, by: party.id })).await
    };
    back(&p, &app, &party, &bag, outcome.await).await
}

#[derive(Deserialize)]
struct SealForm {
    seal: String,
}

/// POST /bags/{no}/seal
async fn seal(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(no): Path<String>,
    Form(form): Form<SealForm>,
) -> Answer<Response> {
    let bag = find(&app, &party, &no).await?;
    let outcome = async {
        let seal: SealNo = form.seal.parse().map_err(|e| Failure::of(&e))?;
        app.submit(Command::SealBag(SealBag { bag: bag.no.clone(), seal, by: party.id })).await
    };
    back(&p, &app, &party, &bag, outcome.await).await
}

#[derive(Deserialize)]
struct LoadForm {
    manifest: String,
}

/// POST /bags/{no}/manifest
async fn load(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(no): Path<String>,
    Form(form): Form<LoadForm>,
) -> Answer<Response> {
    handler(&party)?;
    let bag = find(&app, &party, &no).await?;
    let outcome = async {
        let manifest: ManifestId = form.manifest.parse().map_err(|_| Failure::bad("manifest-unknown"))?;
        app.submit(Command::LoadBag(LoadBag { manifest, bag: bag.no.clone(), by: party.id })).await
    };
    back(&p, &app, &party, &bag, outcome.await).await
}

/// GET /bags/{no}/label.pdf
async fn label(
    State(app): State<AppState>,
    ask: Ask,
    Signed(party): Signed,
    Path(no): Path<String>,
) -> Answer<Response> {
    let bag = find(&app, &party, &no).await?;
    let (t, en) = (ask.tr(&app), english(&app));
    let w = |key: &str| both(&t, &en, key);
    let words = BagWords {
        title: w("bag-label-title"),
        from: w("label-from"),
        to: w("label-to"),
        parcels: w("bag-parcels"),
        gross: w("field-gross-weight"),
        seal: w("bag-seal"),
        travels: w("manifest-master"),
        open: w("bag-label-open"),
    };
    let peer = app.hub.peer(&bag.to).await?.map(|peer| peer.card.name);
    // A hub that is named in letters that the printer has not got is printed by its id.
    let hub = |name: &str, id: &HubId| in_latin(name, id.as_str());
    let travels = match &bag.manifest {
        Some(id) => app.hub.manifest(id).await?.map(|m| format!("{} {}", id.master(), m.voyage.carriage.vehicle())),
        None => None,
    };
    let label = BagLabel {
        no: bag.no.clone(),
        from: hub(&app.site().name, &app.site().id),
        to: hub(&peer.unwrap_or_else(|| bag.to.to_string()), &bag.to),
        parcels: bag.parcels.len(),
        gross: bag.gross(),
        seal: bag.seal.as_ref().map(ToString::to_string),
        travels,
    };
    let pdf = bag_label_pdf(&label, &words).map_err(|refusal| Failure::of(&refusal))?;
    Ok(print::pdf(bag.no.as_str(), pdf))
}

/// GET /api/v1/bags: one's own that have not left.
async fn api_list(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(query): Query<ApiList>,
) -> Answer<Json<Value>> {
    handler(&party)?;
    let limit = query.limit.unwrap_or(BAGS_MAX).clamp(1, API_MAX);
    let bags = app.hub.bags_of(party.id, query.after.as_deref(), limit).await?;
    Ok(Json(json!({ "bags": bags.items, "next": bags.next })))
}

#[derive(Deserialize)]
struct ApiList {
    after: Option<String>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
struct ApiOpen {
    /// Left out, the hub gives one.
    #[serde(default)]
    no: Option<BagNo>,
    to: HubId,
}

/// POST /api/v1/bags
async fn api_open(
    State(app): State<AppState>,
    Signed(party): Signed,
    fresh: Fresh,
    Json(body): Json<ApiOpen>,
) -> Answer<Json<Value>> {
    handler(&party)?;
    let no = body.no.unwrap_or_else(|| BagNo::issue(fresh.number("bag")));
    app.submit(Command::OpenBag(OpenBag { no, to: body.to, by: party.id })).await.map(Json)
}

/// GET /api/v1/bags/{no}
async fn api_show(State(app): State<AppState>, Signed(party): Signed, Path(no): Path<String>) -> Answer<Json<Value>> {
    Ok(Json(json!(find(&app, &party, &no).await?)))
}

#[derive(Deserialize)]
struct ApiParcel {
    trade: TradeId,
}

/// POST /api/v1/bags/{no}/parcels
async fn api_put(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(no): Path<String>,
    Json(body): Json<ApiParcel>,
) -> Answer<Json<Value>> {
    let bag = find(&app, &party, &no).await?.no;
    app.submit(Command::PutInBag(PutInBag { bag, trade: body.trade, by: party.id })).await.map(Json)
}

/// POST /api/v1/bags/{no}/removals
async fn api_take(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(no): Path<String>,
    Json(body): Json<ApiParcel>,
) -> Answer<Json<Value>> {
    let bag = find(&app, &party, &no).await?.no;
    app.submit(Command::TakeFromBag(TakeFromBag { bag, trade: body.trade, by: party.id })).await.map(Json)
}

#[derive(Deserialize)]
struct ApiSeal {
    seal: SealNo,
}

/// POST /api/v1/bags/{no}/seal
async fn api_seal(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(no): Path<String>,
    Json(body): Json<ApiSeal>,
) -> Answer<Json<Value>> {
    let bag = find(&app, &party, &no).await?.no;
    app.submit(Command::SealBag(SealBag { bag, seal: body.seal, by: party.id })).await.map(Json)
}
