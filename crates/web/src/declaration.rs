//! The export declaration: filled in from the trade file, lodged, corrected.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;
use trade::commands::Command;
use trade::declaration::{DeclarationKind, DeclaredLine, LodgeExport};
use trade::id::Id;
use trade::mandate::Act;
use trade::money::Money;
use trade::party::{Party, Role};
use trade::permit::Permit;
use trade::quantity::Grams;
use trade::trade_file::{Side, TradeFile, TradeId};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, get, parts, post};
use crate::i18n::Told;
use crate::mandate::acting;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{self, Schema, boolean, integer, list, money, noun, object, text};
use crate::trade_file::{self, Viewer, next};

fn api_shape() -> Schema {
    let line = object([
        ("product", schema::id("prd")),
        ("hs", text().max(12)),
        ("origin", text().like("^[A-Z]{2}$")),
        ("pieces", integer()),
        ("value", money()),
    ]);
    object([
        ("lines?", list(line)),
        ("gross_grams?", integer().or_null()),
        ("corrects?", boolean()),
        ("permits?", list(schema::id("prm"))),
    ])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/trades/{id}/export-declaration", trade_file::PRICE_PARTS), show)
        .open(post("/trades/{id}/export-declaration", parts(&[Role::Seller, Role::Broker])).form(""), send)
        .open(
            post("/api/v1/trades/{id}/export-declaration", parts(&[Role::Seller, Role::Broker]))
                .json("{}")
                .takes(api_shape)
                .gives(200, || noun("Clearance")),
            api_lodge,
        )
}

struct LineView {
    name: String,
    description: String,
    hs: String,
    origin: String,
    pieces: String,
    value: String,
    currency: &'static str,
}

struct View {
    order: String,
    here: String,
    lodged: Option<String>,
    may_change: bool,
    corrects: bool,
    lines: Vec<LineView>,
    weight: String,
    waybill: Option<String>,
    /// List or full entry, and which form that is here.
    kind: &'static str,
    form: String,
    registration: Option<String>,
}

#[derive(Template)]
#[template(path = "declaration/page.html")]
struct DeclarationPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// What is declared, or would be: as ordered.
fn lines(file: &TradeFile) -> Vec<DeclaredLine> {
    if let Some(declaration) = &file.declaration {
        return declaration.lines.clone();
    }
    let order = file.order.iter().flat_map(|o| &o.quote.lines);
    order.map(DeclaredLine::ordered).collect()
}

fn view(p: &Page, file: &TradeFile, viewer: Viewer) -> View {
    let shown = lines(file)
        .into_iter()
        .map(|line| {
            let ordered = file.order.iter().flat_map(|o| &o.quote.lines).find(|q| q.product == line.product);
            LineView {
                name: ordered.map(|q| q.name.clone()).unwrap_or_default(),
                description: ordered.map(|q| q.description.clone()).unwrap_or_default(),
                hs: line.hs.to_string(),
                origin: p.country(line.origin),
                pieces: line.pieces.to_string(),
                value: line.value.decimal(),
                currency: line.value.currency().code(),
            }
        })
        .collect();
    let gross = file.declaration.as_ref().map(|d| d.gross).or_else(|| file.order.as_ref().map(|o| o.quote.gross()));
    let lodged = file.declaration.as_ref().map(|d| {
        let edition = p.w1("declaration-edition", "edition", d.edition);
        format!("{} · {edition}", p.w1("declaration-lodged", "when", p.time(d.lodged_at)))
    });
    let quote = file.order.as_ref().map(|o| &o.quote);
    let kind = quote.map(|q| DeclarationKind::of(q.regime)).unwrap_or_default();
    let is_final = file.closed.is_some() || file.peer_clearance.is_final();
    View {
        order: file.id.order_no().to_owned(),
        here: next::path(file),
        lodged,
        may_change: matches!(viewer, Viewer::Seller | Viewer::Broker) && file.side == Side::Export && !is_final,
        corrects: file.declaration.is_some(),
        lines: shown,
        weight: gross.map(Grams::kilograms).unwrap_or_default(),
        waybill: file.waybill.as_ref().map(|w| w.no.to_string()),
        kind: kind.code(),
        form: form(p, file, kind),
        registration: quote.and_then(|q| q.landed.registration.as_ref()).map(ToString::to_string),
    }
}

/// The form that a full entry is lodged on, where it has a name: K1 and K2 in Malaysia.
fn form(p: &Page, file: &TradeFile, kind: DeclarationKind) -> String {
    let quote = file.order.as_ref().map(|o| &o.quote);
    let currency = match file.side {
        Side::Export => quote.map(|q| q.fx.from),
        Side::Import => quote.map(|q| q.fx.to),
    };
    let side = if file.side == Side::Export { "export" } else { "import" };
    match (kind, currency) {
        (DeclarationKind::FullEntry, Some(currency)) => {
            p.by("declaration-form", format!("{}-{side}", currency.code().to_ascii_lowercase()))
        }
        _ => String::new(),
    }
}

async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed, Path(id): Path<String>) -> Answer<Response> {
    let (file, viewer) = visible(&app, &party, &id).await?;
    Ok(p.show(&DeclarationPage { p: &p, v: view(&p, &file, viewer), told: None }))
}

/// A declaration tells prices, so a carrier does not see it.
async fn visible(app: &AppState, party: &Party, id: &str) -> Answer<(TradeFile, Viewer)> {
    let (file, viewer) = trade_file::load(app, party, id).await?;
    if viewer.sees_prices() { Ok((file, viewer)) } else { Err(Failure::not_found()) }
}

/// Lines come as `pieces-0`, `value-0`, `hs-0` … beside `weight`.
type LodgeForm = std::collections::BTreeMap<String, String>;

async fn send(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Form(form): Form<LodgeForm>,
) -> Answer<Response> {
    let (file, viewer) = visible(&app, &party, &id).await?;
    if !matches!(viewer, Viewer::Seller | Viewer::Broker) {
        return Err(Failure::role_needed(Role::Seller));
    }
    let outcome = match command(&file, &form, party.id) {
        Ok(command) => lodge(&app, &party, &file, command).await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to(&next::path(&file)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let mut v = view(&p, &file, viewer);
            refill(&mut v, &form);
            Ok((failure.status, p.show(&DeclarationPage { p: &p, v, told })).into_response())
        }
    }
}

fn command(file: &TradeFile, form: &LodgeForm, by: Id<Party>) -> Answer<LodgeExport> {
    let mut lines = lines(file);
    for (i, line) in lines.iter_mut().enumerate() {
        if let Some(pieces) = form.get(&format!("pieces-{i}")) {
            // What is no number is no number of pieces: the rules refuse it by its line.
            line.pieces = pieces.trim().parse().unwrap_or(0);
        }
        if let Some(value) = form.get(&format!("value-{i}")) {
            line.value = Money::parse(value.trim(), line.value.currency()).map_err(|e| Failure::of(&e))?;
        }
        if let Some(hs) = form.get(&format!("hs-{i}")) {
            line.hs = hs.parse().map_err(|e: trade::codes::CodeError| Failure::of(&e))?;
        }
    }
    let weight = form.get("weight").map_or("", |w| w.trim());
    let gross = Grams::parse_kilograms(weight).map_err(|_| Failure::bad("not-a-kilogram").with("got", weight))?;
    let corrects = form.contains_key("corrects");
    Ok(LodgeExport { lines, gross: Some(gross), corrects, ..LodgeExport::as_ordered(file.id.clone(), by) })
}

fn refill(v: &mut View, form: &LodgeForm) {
    let typed = |name: String| form.get(&name).cloned();
    for (i, line) in v.lines.iter_mut().enumerate() {
        for (field, name) in [(&mut line.pieces, "pieces"), (&mut line.value, "value"), (&mut line.hs, "hs")] {
            if let Some(text) = typed(format!("{name}-{i}")) {
                *field = text;
            }
        }
    }
    if let Some(weight) = typed("weight".to_owned()) {
        v.weight = weight;
    }
}

#[derive(Deserialize)]
struct ApiLodge {
    #[serde(default)]
    lines: Vec<DeclaredLine>,
    gross_grams: Option<i64>,
    #[serde(default)]
    corrects: bool,
    /// Without it, the fitting permits of the seller, the first granted first.
    #[serde(default)]
    permits: Vec<Id<Permit>>,
}

/// Lodges under the broker's mandate, where a broker lodges, and from the seller's permits.
async fn lodge(app: &AppState, party: &Party, file: &TradeFile, command: LodgeExport) -> Answer<Value> {
    let act = if command.corrects { Act::Answer } else { Act::Lodge };
    let seller = file.order.as_ref().and_then(|o| o.seller);
    let mandate = match seller {
        Some(seller) => acting(app, party, seller, act, file.peer.as_ref()).await?,
        None => None,
    };
    let permits = if command.permits.is_empty() {
        crate::permit::for_export(app, file, &command.lines).await?
    } else {
        command.permits.clone()
    };
    app.submit(Command::LodgeExport(LodgeExport { mandate, permits, ..command })).await
}

/// POST /api/v1/trades/{id}/export-declaration: what is left out is taken from the trade file.
async fn api_lodge(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Json(body): Json<ApiLodge>,
) -> Answer<Json<Value>> {
    let trade: TradeId = id.parse().map_err(|_| Failure::bad("not-a-trade").with("got", id))?;
    // Who has no part in the trade does not learn whether it exists; whose it is, the rules say.
    let (file, viewer) = trade_file::load(&app, &party, trade.as_str()).await?;
    if !matches!(viewer, Viewer::Seller | Viewer::Broker) {
        return Err(Failure::role_needed(Role::Seller));
    }
    let gross = body.gross_grams.map(Grams);
    let ApiLodge { lines, corrects, permits, .. } = body;
    let command = LodgeExport { lines, gross, corrects, permits, ..LodgeExport::as_ordered(trade, party.id) };
    lodge(&app, &party, &file, command).await.map(Json)
}
