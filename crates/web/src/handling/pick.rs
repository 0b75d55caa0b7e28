//! Picking an order: line by line, from the bins where its goods lie.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::stock::StockFilter;
use serde::Deserialize;
use trade::codes::{Bin, DocumentNo};
use trade::commands::Command;
use trade::handling::is_picked;
use trade::id::Id;
use trade::party::Party;
use trade::product::Product;
use trade::stock::{CustomsState, MoveStock, Stock, StockMovement};
use trade::trade_file::TradeFile;

use super::pick_path;
use crate::AppState;
use crate::auth::{As, Warehouse};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::stock::{fresh_number, number};
use crate::trade_file::{self, Viewer, next};

/// Heaps of one product that are shown.
const HEAPS_MAX: i64 = 50;

struct Line {
    sku: String,
    name: String,
    ordered: String,
    picked: String,
    class: &'static str,
    state: String,
    heaps: Vec<Heap>,
    backs: Vec<Back>,
    is_open: bool,
    /// Lies nowhere here.
    none: bool,
}

/// What is picked and may go back into a bin as it was.
struct Back {
    product: String,
    state: &'static str,
    customs: String,
    pieces: i64,
    no: String,
}

struct Heap {
    product: String,
    bin: String,
    state: &'static str,
    customs: String,
    held: String,
    take: i64,
    /// A movement's number, so that sending the form twice takes the goods once.
    no: String,
    form: bool,
}

struct View {
    here: String,
    no: String,
    order: String,
    trade: String,
    lines: Vec<Line>,
    done: bool,
    packed: bool,
}

#[derive(Template)]
#[template(path = "handling/pick.html")]
struct PickPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

async fn order(app: &AppState, party: &Party, id: &str) -> Answer<TradeFile> {
    match trade_file::load(app, party, id).await? {
        (file, Viewer::Warehouse) => Ok(file),
        _ => Err(Failure::not_found()),
    }
}

async fn view(p: &Page, app: &AppState, party: &Party, file: &TradeFile) -> Answer<View> {
    let mut lines = Vec::new();
    let quoted = file.order.iter().flat_map(|o| &o.quote.lines);
    for line in quoted {
        let picked = file.handling.picked_of(line.product);
        let left = line.pieces - picked;
        let heaps = heaps(app, party, line.product).await?;
        let none = heaps.is_empty();
        let (class, state) = match left {
            0 => ("go", p.s("pick-complete")),
            _ => ("wait", p.w1("pick-left", "n", p.num(left))),
        };
        lines.push(Line {
            sku: line.sku.clone(),
            name: line.name.clone(),
            ordered: p.num(line.pieces),
            picked: p.num(picked),
            class,
            state,
            heaps: heaps.iter().map(|stock| heap(p, app, stock, left)).collect(),
            backs: backs(p, app, file, line.product),
            is_open: left > 0 && file.waybill.is_none(),
            none,
        });
    }
    Ok(View {
        here: pick_path(file),
        no: fresh_number(app),
        order: file.id.order_no().to_owned(),
        trade: next::path(file),
        lines,
        done: is_picked(file),
        packed: file.waybill.is_some(),
    })
}

fn backs(p: &Page, app: &AppState, file: &TradeFile, product: Id<Product>) -> Vec<Back> {
    let picked = file.handling.picked.iter().filter(|k| k.product == product && file.waybill.is_none());
    let back = |picked: &trade::handling::Picked| Back {
        product: product.to_string(),
        state: picked.state.code(),
        customs: p.by("customs-state", picked.state.code()),
        pieces: picked.pieces,
        no: fresh_number(app),
    };
    picked.map(back).collect()
}

async fn heaps(app: &AppState, party: &Party, product: Id<Product>) -> Answer<Vec<Stock>> {
    let filter = StockFilter { warehouse: Some(party.id), product: Some(product), seller: None };
    Ok(app.hub.stocks(&filter, None, HEAPS_MAX).await?.items)
}

fn heap(p: &Page, app: &AppState, stock: &Stock, left: i64) -> Heap {
    let date = app.site().date(stock.changed);
    let rule = app.site().rulebook().and_then(|b| b.stock_move(stock.key.state, CustomsState::Exported, date));
    Heap {
        product: stock.key.product.to_string(),
        bin: stock.key.bin.to_string(),
        state: stock.key.state.code(),
        customs: p.by("customs-state", stock.key.state.code()),
        held: p.num(stock.pieces),
        take: left.min(stock.pieces),
        no: fresh_number(app),
        form: rule.is_some_and(|r| r.form.has_number()),
    }
}

/// GET /warehouse/picks/{id}
pub async fn show(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let file = order(&app, &party, &id).await?;
    let v = view(&p, &app, &party, &file).await?;
    Ok(p.show(&PickPage { p: &p, v, told: None }))
}

/// One heap's button, or one scanned article.
#[derive(Deserialize)]
pub struct PickForm {
    no: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    bin: String,
    #[serde(default)]
    pieces: String,
    #[serde(default)]
    form: String,
    /// Back into the bin.
    #[serde(default)]
    back: Option<String>,
}

/// POST /warehouse/picks/{id}
pub async fn take(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Path(id): Path<String>,
    Form(form): Form<PickForm>,
) -> Answer<Response> {
    let file = order(&app, &party, &id).await?;
    match pick(&app, &party, &file, &form).await {
        Ok(()) => Ok(Redirect::to(&pick_path(&file)).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&p, &app, &party, &file).await?;
            Ok((failure.status, p.show(&PickPage { p: &p, v, told })).into_response())
        }
    }
}

async fn pick(app: &AppState, party: &Party, file: &TradeFile, form: &PickForm) -> Answer<()> {
    let no: DocumentNo = form.no.parse().map_err(|e| Failure::of(&e))?;
    let trade = file.id.clone();
    let (product, pieces, what) = if form.code.trim().is_empty() {
        let product = form.product.parse::<Id<Product>>().map_err(|_| Failure::bad("article-unknown"))?;
        let state = form.state.parse().map_err(|()| Failure::bad("customs-state-unknown"))?;
        let bin = form.bin.parse::<Bin>().map_err(|e| Failure::of(&e))?;
        let what = match form.back {
            Some(_) => StockMovement::PutBack { trade, state, bin },
            None => StockMovement::Pick { trade, state, bin, form: document(&form.form)? },
        };
        (product, number(&form.pieces)?, what)
    } else {
        scanned(app, party, file, form.code.trim()).await?
    };
    app.submit(Command::MoveStock(MoveStock { no, by: party.id, product, pieces, what })).await.map(|_| ())
}

/// What a scanned article takes: all that the order still wants of it, from the first bin that has it.
async fn scanned(
    app: &AppState,
    party: &Party,
    file: &TradeFile,
    code: &str,
) -> Answer<(Id<Product>, i64, StockMovement)> {
    let unknown = || Failure::bad("article-not-ordered").with("sku", code);
    let mut lines = file.order.iter().flat_map(|o| &o.quote.lines);
    let line = lines.find(|l| l.sku.eq_ignore_ascii_case(code)).ok_or_else(unknown)?;
    let left = line.pieces - file.handling.picked_of(line.product);
    let heaps = heaps(app, party, line.product).await?;
    let heap = heaps.first().ok_or_else(|| Failure::bad("article-not-here").with("sku", code))?;
    let (state, bin) = (heap.key.state, heap.key.bin.clone());
    let pieces = left.min(heap.pieces).max(1);
    Ok((line.product, pieces, StockMovement::Pick { trade: file.id.clone(), state, bin, form: None }))
}

/// The number of a customs form, where one was given.
pub fn document(text: &str) -> Answer<Option<DocumentNo>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|e| Failure::of(&e))
}
