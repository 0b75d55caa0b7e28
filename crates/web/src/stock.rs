//! Stock: what a warehouse keeps for whom and where, its movements; and each seller's own part of it.

use askama::Template;
use axum::Json;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::stock::StockFilter;
use serde::Deserialize;
use serde_json::{Value, json};
use trade::codes::{Bin, DocumentNo};
use trade::commands::Command;
use trade::id::Id;
use trade::party::{Party, Role};
use trade::product::Product;
use trade::stock::{CountReason, CustomsState, MoveStock, Stock, StockMove, StockMovement};

use crate::AppState;
use crate::auth::{As, Seller, Signed, Warehouse};
use crate::door::{Doors, May, get, only, post};
use crate::handling::document;
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{self, Schema, any, id, integer, noun, object, text};

/// Heaps on one page.
const LIST_MAX: i64 = 100;
const MOVES_MAX: i64 = 20;
/// Sellers who may give the same article number.
const SAME_SKU_MAX: i64 = 20;

const KEEPS: May = only(&[Role::Warehouse]);
const HEAP_SAMPLE: &str = "product=prd_01914f00000070008000000000000001&state=domestic&bin=B-A01";
const MOVE_SAMPLE: &str = r#"{"no": "M-1", "product": "prd_01914f00000070008000000000000001", "pieces": 1,
 "what": {"move": "receive", "from": "domestic", "to": "domestic", "bin": "B-A01", "form": null}}"#;

fn move_shape() -> Schema {
    let what = object([("move", text())]).open();
    object([("no", text()), ("product", id("prd")), ("pieces", integer()), ("what", what)])
}

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/warehouse/stock", KEEPS), show)
        .open(post("/warehouse/stock", KEEPS).form("no=M-1&sku=A&pieces=1&bin=B-A1&from=x&to=x"), receive)
        .open(get("/warehouse/heap", KEEPS).asks(HEAP_SAMPLE), heap)
        .open(post("/warehouse/heap", KEEPS).form("no=M-1&what=shift&product=x&state=x&bin=B-A1&pieces=1"), move_heap)
        .open(get("/stock", only(&[Role::Seller])), mine)
        .open(
            get("/api/v1/stock", only(&[Role::Warehouse, Role::Seller]))
                .query(&["after", "limit"])
                .gives(200, || schema::page("stock", noun("Stock"))),
            api_list,
        )
        .open(post("/api/v1/stock/moves", KEEPS).json(MOVE_SAMPLE).takes(move_shape).gives(200, any), api_move)
}

/// A movement's number where the page chooses it: the same form sent twice moves the goods once.
#[must_use]
pub fn fresh_number(app: &AppState) -> String {
    let random: [u8; 10] = app.random();
    random.iter().fold(String::from("M-"), |text, byte| format!("{text}{byte:02x}"))
}

/// A whole number of pieces as people type it.
pub fn number(text: &str) -> Answer<i64> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    digits.parse().map_err(|_| Failure::bad("pieces-number").with("got", text))
}

struct Row {
    href: String,
    sku: String,
    name: String,
    who: String,
    bin: String,
    customs: String,
    pieces: String,
}

struct View {
    sku: String,
    no: String,
    /// Products with the article number that was scanned: id, name, seller.
    products: Vec<(String, String, String)>,
    asked: bool,
    states: Vec<(&'static str, String)>,
    from: String,
    to: String,
    bin: String,
    pieces: String,
    form: String,
    rows: Vec<Row>,
    more: Option<String>,
    done: bool,
}

#[derive(Template)]
#[template(path = "stock/warehouse.html")]
struct StockPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

#[derive(Default, Deserialize)]
struct StockQuery {
    #[serde(default)]
    sku: String,
    #[serde(default)]
    bin: String,
    after: Option<String>,
    done: Option<String>,
}

#[derive(Default, Deserialize)]
struct ReceiveForm {
    no: String,
    sku: String,
    #[serde(default)]
    product: String,
    pieces: String,
    bin: String,
    from: String,
    to: String,
    #[serde(default)]
    form: String,
}

fn states(p: &Page) -> Vec<(&'static str, String)> {
    CustomsState::ALL.iter().map(|s| (s.code(), p.by("customs-state", s.code()))).collect()
}

async fn view(p: &Page, app: &AppState, party: &Party, query: &StockQuery) -> Answer<View> {
    let filter = StockFilter { warehouse: Some(party.id), ..StockFilter::default() };
    let found = app.hub.stocks(&filter, query.after.as_deref(), LIST_MAX).await?;
    let mut products = Vec::new();
    let sku = query.sku.trim();
    if !sku.is_empty() {
        for product in app.hub.products_by_sku(sku, SAME_SKU_MAX).await? {
            let seller = name(app, product.seller).await?;
            products.push((product.id.to_string(), product.goods.name, seller));
        }
    }
    let mut rows = Vec::new();
    for stock in &found.items {
        rows.push(row(p, stock, heap_path(stock), name(app, stock.seller).await?));
    }
    Ok(View {
        sku: sku.to_owned(),
        no: fresh_number(app),
        asked: !sku.is_empty(),
        products,
        states: states(p),
        from: CustomsState::Domestic.code().to_owned(),
        to: CustomsState::Domestic.code().to_owned(),
        bin: query.bin.clone(),
        pieces: String::new(),
        form: String::new(),
        rows,
        more: found.next.map(|after| format!("/warehouse/stock?after={}", percent(&after))),
        done: query.done.is_some(),
    })
}

async fn name(app: &AppState, party: Id<Party>) -> Answer<String> {
    Ok(app.hub.party(party).await?.map_or_else(|| party.to_string(), |p| p.name))
}

fn heap_path(stock: &Stock) -> String {
    let key = &stock.key;
    format!("/warehouse/heap?product={}&state={}&bin={}", key.product, key.state.code(), key.bin)
}

fn row(p: &Page, stock: &Stock, href: String, who: String) -> Row {
    Row {
        href,
        sku: stock.sku.clone(),
        name: stock.name.clone(),
        who,
        bin: stock.key.bin.to_string(),
        customs: p.by("customs-state", stock.key.state.code()),
        pieces: p.num(stock.pieces),
    }
}

/// GET /warehouse/stock
async fn show(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Query(query): Query<StockQuery>,
) -> Answer<Response> {
    let v = view(&p, &app, &party, &query).await?;
    Ok(p.show(&StockPage { p: &p, v, told: None }))
}

/// POST /warehouse/stock: goods come in.
async fn receive(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Form(form): Form<ReceiveForm>,
) -> Answer<Response> {
    match receive_goods(&app, &party, &form).await {
        Ok(()) => Ok(Redirect::to("/warehouse/stock?done=1").into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let query = StockQuery { sku: form.sku.clone(), bin: form.bin.clone(), ..StockQuery::default() };
            let v = view(&p, &app, &party, &query).await?;
            let v = View { no: form.no, from: form.from, to: form.to, pieces: form.pieces, form: form.form, ..v };
            Ok((failure.status, p.show(&StockPage { p: &p, v, told })).into_response())
        }
    }
}

async fn receive_goods(app: &AppState, party: &Party, form: &ReceiveForm) -> Answer<()> {
    let product = form.product.parse::<Id<Product>>();
    let product = product.map_err(|_| Failure::bad("article-unknown").with("sku", form.sku.as_str()))?;
    let what = StockMovement::Receive {
        from: customs_state(&form.from)?,
        to: customs_state(&form.to)?,
        bin: bin(&form.bin)?,
        form: document(&form.form)?,
    };
    submit(app, party, &form.no, product, number(&form.pieces)?, what).await.map(|_| ())
}

fn customs_state(text: &str) -> Answer<CustomsState> {
    text.parse().map_err(|()| Failure::bad("customs-state-unknown"))
}

fn bin(text: &str) -> Answer<Bin> {
    text.parse().map_err(|e| Failure::of(&e))
}

async fn submit(
    app: &AppState,
    party: &Party,
    no: &str,
    product: Id<Product>,
    pieces: i64,
    what: StockMovement,
) -> Answer<StockMove> {
    let no: DocumentNo = no.parse().map_err(|e| Failure::of(&e))?;
    app.submit_as(Command::MoveStock(MoveStock { no, by: party.id, product, pieces, what })).await
}

#[derive(Deserialize)]
struct HeapQuery {
    product: String,
    state: String,
    bin: String,
}

struct Moved {
    at: String,
    what: String,
    pieces: String,
    why: String,
}

struct HeapView {
    product: String,
    state: String,
    bin: String,
    sku: String,
    name: String,
    who: String,
    customs: String,
    pieces: String,
    nos: [String; 3],
    /// The states that it may pass into, with the form that each needs.
    passages: Vec<(&'static str, String)>,
    reasons: Vec<(&'static str, String)>,
    moves: Vec<Moved>,
}

#[derive(Template)]
#[template(path = "stock/heap.html")]
struct HeapPage<'a> {
    p: &'a Page,
    v: HeapView,
    told: Option<Told>,
}

async fn heap_view(p: &Page, app: &AppState, party: &Party, query: &HeapQuery) -> Answer<HeapView> {
    let product: Id<Product> = query.product.parse().map_err(|_| Failure::not_found())?;
    let (state, bin) = (customs_state(&query.state)?, bin(&query.bin)?);
    let goods = app.hub.product(product).await?.ok_or_else(Failure::not_found)?;
    let filter = StockFilter { warehouse: Some(party.id), product: Some(product), seller: None };
    let heaps = app.hub.stocks(&filter, None, LIST_MAX).await?.items;
    let held = heaps.iter().find(|s| s.key.state == state && s.key.bin == bin).map_or(0, |s| s.pieces);
    let date = app.site().date(app.hub.business_now().await?);
    let book = app.site().rulebook();
    let passages = CustomsState::ALL.iter().filter_map(|to| {
        let rule = book?.stock_move(state, *to, date).filter(|_| *to != CustomsState::Exported)?;
        Some((to.code(), format!("{} · {}", p.by("customs-state", to.code()), p.words(&rule.info.name))))
    });
    let passages = passages.collect();
    let moves = app.hub.stock_moves(party.id, Some(product), MOVES_MAX).await?;
    Ok(HeapView {
        product: product.to_string(),
        state: state.code().to_owned(),
        bin: bin.to_string(),
        sku: goods.goods.sku,
        name: goods.goods.name,
        who: name(app, goods.seller).await?,
        customs: p.by("customs-state", state.code()),
        pieces: p.num(held),
        nos: [fresh_number(app), fresh_number(app), fresh_number(app)],
        passages,
        reasons: CountReason::ALL.iter().map(|r| (r.code(), p.by("count-reason", r.code()))).collect(),
        moves: moves.iter().map(|m| moved(p, m)).collect(),
    })
}

fn moved(p: &Page, made: &StockMove) -> Moved {
    let heaps: Vec<String> = made
        .deltas
        .iter()
        .map(|d| {
            let sign = if d.delta < 0 { "−" } else { "+" };
            let state = p.by("customs-state", d.heap.state.code());
            format!("{sign}{} {} ({state})", p.num(d.delta.abs()), d.heap.bin)
        })
        .collect();
    let why = match &made.what {
        StockMovement::Receive { form: Some(form), .. }
        | StockMovement::Clear { form: Some(form), .. }
        | StockMovement::Pick { form: Some(form), .. } => form.to_string(),
        StockMovement::Pick { trade, .. } | StockMovement::PutBack { trade, .. } => trade.order_no().to_owned(),
        StockMovement::Count { reason: Some(reason), .. } => p.by("count-reason", reason.code()),
        _ => String::new(),
    };
    Moved { at: p.time(made.at), what: p.by("stock-move", made.what.code()), pieces: heaps.join(" · "), why }
}

/// GET /warehouse/heap
async fn heap(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Query(query): Query<HeapQuery>,
) -> Answer<Response> {
    let v = heap_view(&p, &app, &party, &query).await?;
    Ok(p.show(&HeapPage { p: &p, v, told: None }))
}

#[derive(Deserialize)]
struct MoveForm {
    no: String,
    what: String,
    product: String,
    state: String,
    bin: String,
    pieces: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    form: String,
    #[serde(default)]
    reason: String,
}

/// POST /warehouse/heap: to another bin, into another customs state, or counted.
async fn move_heap(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Form(form): Form<MoveForm>,
) -> Answer<Response> {
    let query = HeapQuery { product: form.product.clone(), state: form.state.clone(), bin: form.bin.clone() };
    match move_goods(&app, &party, &form).await {
        Ok(()) => {
            let here = format!("/warehouse/heap?product={}&state={}&bin={}", form.product, form.state, form.bin);
            Ok(Redirect::to(&here).into_response())
        }
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = heap_view(&p, &app, &party, &query).await?;
            Ok((failure.status, p.show(&HeapPage { p: &p, v, told })).into_response())
        }
    }
}

async fn move_goods(app: &AppState, party: &Party, form: &MoveForm) -> Answer<()> {
    let product: Id<Product> = form.product.parse().map_err(|_| Failure::bad("article-unknown"))?;
    let (state, here) = (customs_state(&form.state)?, bin(&form.bin)?);
    let what = match form.what.as_str() {
        "shift" => StockMovement::Shift { state, from_bin: here, to_bin: bin(&form.to)? },
        "clear" => {
            let (to, form) = (customs_state(&form.to)?, document(&form.form)?);
            StockMovement::Clear { bin: here, from: state, to, form }
        }
        "count" => {
            let reason = CountReason::ALL.into_iter().find(|r| r.code() == form.reason);
            StockMovement::Count { state, bin: here, reason }
        }
        _ => return Err(Failure::bad("movement-unknown")),
    };
    submit(app, party, &form.no, product, number(&form.pieces)?, what).await.map(|_| ())
}

#[derive(Template)]
#[template(path = "stock/mine.html")]
struct MinePage<'a> {
    p: &'a Page,
    rows: Vec<Row>,
    more: Option<String>,
}

#[derive(Default, Deserialize)]
struct ListQuery {
    after: Option<String>,
    limit: Option<i64>,
}

/// GET /stock: what warehouses keep for this seller.
async fn mine(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Seller>,
    Query(query): Query<ListQuery>,
) -> Answer<Response> {
    let filter = StockFilter { seller: Some(party.id), ..StockFilter::default() };
    let found = app.hub.stocks(&filter, query.after.as_deref(), LIST_MAX).await?;
    let mut rows = Vec::new();
    for stock in &found.items {
        let href = format!("/products/{}", stock.key.product);
        rows.push(row(&p, stock, href, name(&app, stock.key.warehouse).await?));
    }
    let more = found.next.map(|after| format!("/stock?after={}", percent(&after)));
    Ok(p.show(&MinePage { p: &p, rows, more }))
}

/// GET /api/v1/stock: a warehouse's heaps, or those that warehouses keep for a seller.
async fn api_list(
    State(app): State<AppState>,
    Signed(party): Signed,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    let filter = if party.is(Role::Warehouse) {
        StockFilter { warehouse: Some(party.id), ..StockFilter::default() }
    } else if party.is(Role::Seller) {
        StockFilter { seller: Some(party.id), ..StockFilter::default() }
    } else {
        return Err(Failure::role_needed(Role::Warehouse));
    };
    let limit = query.limit.unwrap_or(LIST_MAX).clamp(1, 200);
    let found = app.hub.stocks(&filter, query.after.as_deref(), limit).await?;
    Ok(Json(json!({ "stock": found.items, "next": found.next })))
}

#[derive(Deserialize)]
struct ApiMove {
    no: DocumentNo,
    product: Id<Product>,
    pieces: i64,
    what: StockMovement,
}

/// POST /api/v1/stock/moves. The same number again is the same movement.
async fn api_move(
    State(app): State<AppState>,
    As(party, ..): As<Warehouse>,
    Json(body): Json<ApiMove>,
) -> Answer<Json<Value>> {
    let ApiMove { no, product, pieces, what } = body;
    app.submit(Command::MoveStock(MoveStock { no, by: party.id, product, pieces, what })).await.map(Json)
}
