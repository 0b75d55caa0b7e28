//! Manifests: opened, loaded and closed where they leave; judged as pre-alerts and taken over where
//! they arrive.

mod api;
mod sheet;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::DateTime;
use serde::Deserialize;
use trade::codes::{BagNo, DocumentNo, HubId};
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::handling::ExceptionKind;
use trade::manifest::{
    Arrival, ArriveManifest, Carriage, CloseManifest, Excepted, Manifest, ManifestId, OpenManifest, Passage, UnloadBag,
    Voyage,
};
use trade::party::{Party, Role};
use trade::time::BusinessTime;
use trade::trade_file::{Side, TradeFile, TradeId};

use crate::AppState;
use crate::auth::Signed;
use crate::bag::handler;
use crate::door::{Doors, May, get, only, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::trade_file::next;
use crate::trade_file::page::rule_words;

/// Manifests on one page of a list.
const LIST_MAX: i64 = 50;

/// Who makes manifests, and who may look at them.
const MAKES: May = only(&[Role::Warehouse, Role::Carrier]);
const READS: May = only(&[Role::Warehouse, Role::Carrier, Role::Officer, Role::Operator]);

pub fn routes() -> Doors {
    let voyage = "to_hub=hgh.sandbox&mode=air&vehicle=x&master=x&from=MYKUL&to=CNHGH&departs=x&arrives=x";
    Doors::new()
        .open(get("/manifests", READS), list)
        .open(post("/manifests", MAKES).form(voyage), open)
        .open(get("/manifests/{id}", READS), show)
        .open(post("/manifests/{id}/removals", MAKES).form("bag=BG00000000017"), unload)
        .open(post("/manifests/{id}/close", MAKES), close)
        .open(post("/manifests/{id}/arrival", only(&[Role::Carrier])).form("place=CNHGH"), arrive)
        .open(get("/manifests/{id}/manifest.pdf", READS), sheet::download)
        .merge(api::routes())
}

/// The path of a manifest's page; numbers may hold a slash.
#[must_use]
pub fn path(id: &ManifestId) -> String {
    format!("/manifests/{}", percent(id.as_str()).replace('/', "%2F"))
}

/// Who may look at manifests: those who make or carry them, and offices.
fn reader(party: &Party) -> Answer<()> {
    let may = [Role::Warehouse, Role::Carrier, Role::Officer, Role::Operator];
    if may.into_iter().any(|role| party.is(role)) { Ok(()) } else { Err(Failure::role_needed(Role::Carrier)) }
}

/// A manifest, for whoever may look at it.
async fn find(app: &AppState, party: &Party, id: &str) -> Answer<Manifest> {
    reader(party)?;
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "manifest-unknown").with("manifest", id);
    let parsed: ManifestId = id.parse().map_err(|_| unknown())?;
    app.hub.manifest(&parsed).await?.ok_or_else(unknown)
}

struct Row {
    href: String,
    master: String,
    way: String,
    vehicle: String,
    from: String,
    to: String,
    departs: String,
    arrives: String,
    bags: String,
    parcels: String,
    weight: String,
    state: String,
    class: &'static str,
}

fn row(p: &Page, manifest: &Manifest) -> Row {
    let voyage = &manifest.voyage;
    let class = match manifest.state() {
        "open" => "wait",
        "under-way" => "tell",
        _ => "go",
    };
    Row {
        href: path(&manifest.id),
        master: manifest.id.master().to_owned(),
        way: p.by("manifest-way", manifest.side.code()),
        vehicle: voyage.carriage.vehicle().to_owned(),
        from: voyage.from.to_string(),
        to: voyage.to.to_string(),
        departs: p.time(voyage.departs_at),
        arrives: p.time(voyage.arrives_at),
        bags: p.num(manifest.bags.len()),
        parcels: p.num(manifest.parcels().count()),
        weight: p.kg(manifest.gross()),
        state: p.by("manifest-state", manifest.state()),
        class,
    }
}

struct ListView {
    rows: Vec<Row>,
    more: Option<String>,
    makes: bool,
    peers: Vec<(String, String)>,
    form: OpenForm,
}

#[derive(Template)]
#[template(path = "manifest/list.html")]
struct ListPage<'a> {
    p: &'a Page,
    v: ListView,
    told: Option<Told>,
}

#[derive(Default, Deserialize)]
struct ListQuery {
    after: Option<String>,
}

#[derive(Default, Deserialize)]
struct OpenForm {
    to_hub: String,
    mode: String,
    vehicle: String,
    master: String,
    from: String,
    to: String,
    departs: String,
    arrives: String,
}

async fn list_view(p: &Page, app: &AppState, party: &Party, query: &ListQuery, form: OpenForm) -> Answer<ListView> {
    let found = app.hub.manifests(None, query.after.as_deref(), LIST_MAX).await?;
    let peers = app.hub.peers().await?;
    Ok(ListView {
        rows: found.items.iter().map(|m| row(p, m)).collect(),
        more: found.next.map(|after| format!("/manifests?after={}", percent(&after))),
        makes: handler(party).is_ok(),
        peers: peers.into_iter().map(|peer| (peer.card.id.to_string(), peer.card.name)).collect(),
        form,
    })
}

/// GET /manifests
async fn list(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Response> {
    reader(&party)?;
    let v = list_view(&p, &app, &party, &query, OpenForm::default()).await?;
    Ok(p.show(&ListPage { p: &p, v, told: None }))
}

/// POST /manifests
async fn open(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Form(form): Form<OpenForm>,
) -> Answer<Response> {
    handler(&party)?;
    let outcome = match voyage(&app, &form) {
        Ok((to, voyage)) => {
            let command = OpenManifest { to, voyage, by: party.id };
            app.submit_as::<Manifest>(Command::OpenManifest(command)).await
        }
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(manifest) => Ok(Redirect::to(&path(&manifest.id)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = list_view(&p, &app, &party, &ListQuery::default(), form).await?;
            Ok((failure.status, p.show(&ListPage { p: &p, v, told })).into_response())
        }
    }
}

fn voyage(app: &AppState, form: &OpenForm) -> Answer<(HubId, Voyage)> {
    let vehicle = || form.vehicle.parse::<DocumentNo>().map_err(|e| Failure::of(&e));
    let bill = || form.master.parse::<DocumentNo>().map_err(|e| Failure::of(&e));
    let carriage = match form.mode.as_str() {
        "air" => Carriage::Air {
            flight: form.vehicle.parse().map_err(|e| Failure::of(&e))?,
            awb: form.master.parse().map_err(|e| Failure::of(&e))?,
        },
        "sea" => Carriage::Sea { vessel: vehicle()?, bill: bill()? },
        "road" => Carriage::Road { vehicle: vehicle()?, bill: bill()? },
        _ => return Err(Failure::bad("mode-unknown")),
    };
    let voyage = Voyage {
        carriage,
        from: form.from.parse().map_err(|e| Failure::of(&e))?,
        to: form.to.parse().map_err(|e| Failure::of(&e))?,
        departs_at: instant(app, &form.departs)?,
        arrives_at: instant(app, &form.arrives)?,
    };
    Ok((form.to_hub.parse().map_err(|e| Failure::of(&e))?, voyage))
}

/// A time as a browser's field gives it, `2026-11-23T12:00`, in the zone of the hub's office.
fn instant(app: &AppState, text: &str) -> Answer<BusinessTime> {
    let bad = || Failure::bad("voyage-time").with("got", text);
    let civil: DateTime = text.trim().parse().map_err(|_| bad())?;
    let zoned = civil.to_zoned(app.site().zone.clone()).map_err(|_| bad())?;
    Ok(BusinessTime::from_micros(zoned.timestamp().as_microsecond()))
}

struct BagRow {
    no: String,
    seal: String,
    parcels: Vec<ParcelRow>,
}

struct ParcelRow {
    href: Option<String>,
    trade: String,
    waybill: String,
    weight: String,
    /// What customs of this hub has said.
    state: String,
    class: &'static str,
    passage: Option<(String, &'static str)>,
    reasons: Vec<String>,
    wrong: Option<String>,
}

struct Alert {
    title: String,
    class: &'static str,
    lines: Vec<String>,
}

struct View {
    row: Row,
    here: String,
    peer: String,
    bags: Vec<BagRow>,
    alert: Option<Alert>,
    arrived: Option<String>,
    may_close: bool,
    may_arrive: bool,
    exceptions: Vec<(&'static str, String)>,
    shows_passage: bool,
}

#[derive(Template)]
#[template(path = "manifest/show.html")]
struct ManifestPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
    stops: Vec<(String, String)>,
}

async fn view(p: &Page, app: &AppState, party: &Party, manifest: &Manifest) -> Answer<View> {
    let mut bags = Vec::new();
    let mut decided = 0_usize;
    for bag in &manifest.bags {
        let mut parcels = Vec::new();
        for parcel in &bag.parcels {
            let file = app.hub.trade(&parcel.trade).await?;
            decided += usize::from(file.as_ref().is_some_and(|f| f.clearance.is_final()));
            parcels.push(parcel_row(p, party, manifest, parcel, file.as_ref()));
        }
        bags.push(BagRow { no: bag.no.to_string(), seal: bag.seal.to_string(), parcels });
    }
    let mine = manifest.by == Some(party.id);
    Ok(View {
        row: row(p, manifest),
        here: path(&manifest.id),
        peer: p.hub_name(&manifest.peer),
        bags,
        alert: alert(p, app, manifest, decided),
        arrived: manifest.arrived.as_ref().map(|a| p.w2("manifest-arrived", "when", p.time(a.at), "place", &a.place)),
        may_close: manifest.side == Side::Export && manifest.closed.is_none() && mine,
        may_arrive: manifest.side == Side::Import && manifest.arrived.is_none() && party.is(Role::Carrier),
        exceptions: ExceptionKind::ALL.iter().map(|e| (e.code(), p.by("exception", e.code()))).collect(),
        shows_passage: manifest.pre_alert.is_some(),
    })
}

fn parcel_row(
    p: &Page,
    party: &Party,
    manifest: &Manifest,
    parcel: &trade::bag::Bagged,
    file: Option<&TradeFile>,
) -> ParcelRow {
    let here = next::path_of(parcel.trade.as_str());
    let href = file.map(|_| if party.is(Role::Officer) { here.replacen("/trades/", "/officer/", 1) } else { here });
    let passage = manifest.pre_alert.as_ref().and_then(|a| a.passage_of(&parcel.trade));
    let (word, reasons) = match passage {
        None => (None, Vec::new()),
        Some(Passage::ByList) => (Some((p.s("passage-by-list"), "go")), Vec::new()),
        Some(Passage::OwnDeclaration) => (Some((p.s("passage-own-declaration"), "")), Vec::new()),
        Some(Passage::FullEntry { reasons }) => {
            let told = reasons.iter().map(|reason| p.told(reason).title).collect();
            (Some((p.s("passage-full-entry"), "wait")), told)
        }
    };
    let wrong = file.map(|f| {
        let open = f.handling.open_exceptions(f);
        open.iter().map(|e| p.by("exception", e.exception.code())).collect::<Vec<_>>().join(&p.s("list-comma"))
    });
    ParcelRow {
        href,
        trade: parcel.trade.to_string(),
        waybill: parcel.waybill.to_string(),
        weight: p.kg(parcel.gross),
        state: file.map_or_else(|| p.s("manifest-parcel-unknown"), |f| p.by("clearance", f.clearance.code())),
        class: match file {
            Some(f) if f.clearance.is_released() => "go",
            Some(_) => "wait",
            None => "stop",
        },
        passage: word,
        reasons,
        wrong: wrong.filter(|w| !w.is_empty()),
    }
}

/// What the manifest is worth as a pre-alert: here, or as the peer said.
fn alert(p: &Page, app: &AppState, manifest: &Manifest, decided: usize) -> Option<Alert> {
    let (answered, is_here) = match (&manifest.pre_alert, &manifest.answered) {
        (Some(alert), _) => (alert.counts(), true),
        (None, Some(answered)) => (answered.clone(), false),
        (None, None) => return None,
    };
    let mut lines = Vec::new();
    let (title, class) = match (&answered.rule, answered.late) {
        (None, _) => (p.s("alert-none"), "tell"),
        (Some(_), true) => (p.s("alert-late"), "stop"),
        (Some(_), false) => (p.s("alert-in-time"), "go"),
    };
    if let Some(deadline) = answered.deadline {
        lines.push(p.w1("alert-deadline", "when", p.time(deadline)));
    }
    if answered.late {
        lines.push(p.s("alert-late-follows"));
    }
    if answered.rule.is_some() {
        let counts = [("listed", p.num(answered.by_list)), ("entered", p.num(answered.full_entry))];
        lines.push(p.w("alert-counts", counts));
    }
    if is_here {
        lines.push(p.w2("alert-decided", "decided", p.num(decided), "all", p.num(manifest.parcels().count())));
    }
    lines.extend(answered.rule.as_ref().map(|rule| rule_words(p, app, rule)));
    Some(Alert { title, class, lines })
}

/// GET /manifests/{id}
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let manifest = find(&app, &party, &id).await?;
    let v = view(&p, &app, &party, &manifest).await?;
    Ok(p.show(&ManifestPage { p: &p, v, told: None, stops: Vec::new() }))
}

/// Back to the manifest, with what was wrong, parcel by parcel.
async fn back<T>(p: &Page, app: &AppState, party: &Party, manifest: &Manifest, outcome: Answer<T>) -> Answer<Response> {
    match outcome {
        Ok(_) => Ok(Redirect::to(&path(&manifest.id)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let stops = failure.problem.args.get("parcels").and_then(|v| v.as_array()).into_iter().flatten();
            let text = |stop: &serde_json::Value, key: &str| stop[key].as_str().unwrap_or_default().to_owned();
            let stops = stops.map(|stop| (text(stop, "waybill"), p.reason(&text(stop, "why")))).collect();
            let v = view(p, app, party, manifest).await?;
            Ok((failure.status, p.show(&ManifestPage { p, v, told, stops })).into_response())
        }
    }
}

#[derive(Deserialize)]
struct BagForm {
    bag: String,
}

/// POST /manifests/{id}/removals
async fn unload(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<BagForm>,
) -> Answer<Response> {
    handler(&party)?;
    let manifest = find(&app, &party, &id).await?;
    let outcome = async {
        let bag: BagNo = form.bag.parse().map_err(|e| Failure::of(&e))?;
        app.submit(Command::UnloadBag(UnloadBag { manifest: manifest.id.clone(), bag, by: party.id })).await
    };
    back(&p, &app, &party, &manifest, outcome.await).await
}

/// POST /manifests/{id}/close
async fn close(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    handler(&party)?;
    let manifest = find(&app, &party, &id).await?;
    let command = CloseManifest { manifest: manifest.id.clone(), by: party.id };
    let outcome = app.submit(Command::CloseManifest(command)).await;
    back(&p, &app, &party, &manifest, outcome).await
}

/// POST /manifests/{id}/arrival: the place, and for each parcel that is not as it should be what is
/// wrong; the fields are named after the trades.
async fn arrive(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Answer<Response> {
    let manifest = find(&app, &party, &id).await?;
    let place = fields.iter().find(|(name, _)| name == "place").map(|(_, v)| v.clone()).unwrap_or_default();
    let kind = |code: &str| ExceptionKind::ALL.into_iter().find(|e| e.code() == code);
    let wrong = fields.iter().filter_map(|(name, code)| {
        let trade: TradeId = name.strip_prefix("is/")?.parse().ok()?;
        Some(Excepted { trade, exception: kind(code)? })
    });
    let outcome = take_over(&app, &party, &manifest.id, place, wrong.collect()).await;
    back(&p, &app, &party, &manifest, outcome).await
}

async fn take_over(
    app: &AppState,
    party: &Party,
    manifest: &ManifestId,
    place: String,
    exceptions: Vec<Excepted>,
) -> Answer<Arrival> {
    if !party.is(Role::Carrier) {
        return Err(Failure::role_needed(Role::Carrier));
    }
    let command = ArriveManifest { manifest: manifest.clone(), place, exceptions, by: party.id };
    app.submit_as(Command::ArriveManifest(command)).await
}

/// Whether a parcel on it has left; for pages of trades.
#[must_use]
pub fn link(file: &TradeFile) -> Option<(String, String)> {
    let id = file.handling.manifest.as_ref().filter(|_| file.has(CustodyKind::Departed))?;
    Some((path(id), id.master().to_owned()))
}
