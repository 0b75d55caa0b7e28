//! One field for a scanner: what was scanned before says what the next scan means.

use std::fmt;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use trade::bag::{Bag, PutInBag};
use trade::codes::{BagNo, Bin, CodeError, S10};
use trade::commands::Command;
use trade::custody::{CustodyKind, RecordCustody};
use trade::handling::Storage;
use trade::party::Party;
use trade::trade_file::{TradeFile, TradeId};

use super::{pick_path, store};
use crate::AppState;
use crate::auth::{As, Warehouse};
use crate::custody;
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};

/// What was scanned before, and waits for the next.
#[derive(Clone, Debug, Default, PartialEq)]
enum Context {
    #[default]
    Nothing,
    Parcel(TradeId),
    Bag(BagNo),
    Bin(Bin),
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Parcel(trade) => write!(f, "parcel/{trade}"),
            Self::Bag(no) => write!(f, "bag/{no}"),
            Self::Bin(bin) => write!(f, "bin/{bin}"),
        }
    }
}

impl Context {
    /// What is not understood is nothing: the next scan begins anew.
    fn read(text: &str) -> Self {
        let known = text.split_once('/').and_then(|(kind, rest)| match kind {
            "parcel" => rest.parse().ok().map(Self::Parcel),
            "bag" => rest.parse().ok().map(Self::Bag),
            "bin" => rest.parse().ok().map(Self::Bin),
            _ => None,
        });
        known.unwrap_or_default()
    }
}

/// What a scan did, and what comes next.
struct Said {
    done: Option<String>,
    next: String,
    context: Context,
    /// A parcel that may be given to the carrier as it is.
    hand_over: Option<TradeId>,
    link: Option<(String, String)>,
}

impl Said {
    const fn next(next: String, context: Context) -> Self {
        Self { done: None, next, context, hand_over: None, link: None }
    }

    fn done(done: String, next: String, context: Context) -> Self {
        Self { done: Some(done), ..Self::next(next, context) }
    }
}

struct View {
    done: Option<String>,
    next: String,
    context: String,
    holds: Option<String>,
    hand_over: Option<String>,
    place: String,
    link: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "handling/scan.html")]
struct ScanPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

#[derive(Default, Deserialize)]
pub struct Scan {
    #[serde(default)]
    code: String,
    #[serde(default)]
    context: String,
    /// Gives the parcel in the context to the carrier here.
    #[serde(default)]
    hand_over_at: Option<String>,
}

/// GET /warehouse/scan
pub async fn show(
    State(app): State<AppState>,
    p: Page,
    As(..): As<Warehouse>,
    Query(scan): Query<Scan>,
) -> Answer<Response> {
    let context = Context::read(&scan.context);
    let next = match &context {
        Context::Bag(no) => p.w1("scan-next-parcels", "bag", no),
        _ => p.s("scan-next-anything"),
    };
    let v = view(&p, &app, Said::next(next, context));
    Ok(p.show(&ScanPage { p: &p, v, told: None }))
}

/// POST /warehouse/scan
pub async fn take(
    State(app): State<AppState>,
    p: Page,
    As(party, ..): As<Warehouse>,
    Form(scan): Form<Scan>,
) -> Answer<Response> {
    let context = Context::read(&scan.context);
    let outcome = match (&context, &scan.hand_over_at) {
        (Context::Parcel(trade), Some(place)) => hand_over(&p, &app, &party, trade, place).await.map(Ok),
        _ => scanned(&p, &app, &party, scan.code.trim(), &context).await,
    };
    match outcome {
        Ok(Ok(said)) => {
            let v = view(&p, &app, said);
            Ok(p.show(&ScanPage { p: &p, v, told: None }))
        }
        Ok(Err(href)) => Ok(Redirect::to(&href).into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&p, &app, Said::next(p.s("scan-next-again"), context));
            Ok((failure.status, p.show(&ScanPage { p: &p, v, told })).into_response())
        }
    }
}

fn view(p: &Page, app: &AppState, said: Said) -> View {
    let holds = match &said.context {
        Context::Nothing => None,
        Context::Parcel(trade) => Some(p.w1("scan-holds-parcel", "order", trade.order_no())),
        Context::Bag(no) => Some(p.w1("scan-holds-bag", "bag", no)),
        Context::Bin(bin) => Some(p.w1("scan-holds-bin", "bin", bin)),
    };
    View {
        done: said.done,
        next: said.next,
        context: said.context.to_string(),
        holds,
        hand_over: said.hand_over.map(|trade| trade.order_no().to_owned()),
        place: app.site().name.clone(),
        link: said.link,
    }
}

/// One scan: a bin, a bag, a parcel, an order, or an article. Gives what to say, or where to go on.
async fn scanned(
    p: &Page,
    app: &AppState,
    party: &Party,
    code: &str,
    context: &Context,
) -> Answer<Result<Said, String>> {
    if code.is_empty() {
        return Err(Failure::bad("scan-empty"));
    }
    if code.to_uppercase().starts_with("B-") {
        let bin = code.parse::<Bin>().map_err(|e| Failure::of(&e))?;
        return at_bin(p, app, party, bin, context).await.map(Ok);
    }
    // Two letters and eleven digits are a bag's; an S10 number ends in letters.
    if code.to_uppercase().starts_with("BG") && code.trim().ends_with(|c: char| c.is_ascii_digit()) {
        let no = code.parse::<BagNo>().map_err(|e| Failure::of(&e))?;
        return at_bag(p, app, party, no, context).await.map(Ok);
    }
    // A waybill that is misread is said to be, and not sought as something else.
    if let Err(misread @ CodeError::S10CheckDigit { .. }) = code.parse::<S10>() {
        return Err(Failure::of(&misread));
    }
    match custody::find(app, code).await {
        Ok(trade) => at_parcel(p, app, party, trade, context).await,
        Err(unknown) => {
            let articles = app.hub.products_by_sku(code, 1).await?;
            if articles.is_empty() { Err(unknown) } else { Ok(Err(format!("/warehouse/stock?sku={}", percent(code)))) }
        }
    }
}

async fn at_bin(p: &Page, app: &AppState, party: &Party, bin: Bin, context: &Context) -> Answer<Said> {
    match context {
        Context::Parcel(trade) => {
            store(app, trade, Some(bin.clone()), party.id).await?;
            let done = p.w2("scan-stored", "order", trade.order_no(), "bin", &bin);
            Ok(Said::done(done, p.s("scan-next-anything"), Context::Nothing))
        }
        _ => Ok(Said::next(p.w1("scan-next-into-bin", "bin", &bin), Context::Bin(bin))),
    }
}

async fn at_bag(p: &Page, app: &AppState, party: &Party, no: BagNo, context: &Context) -> Answer<Said> {
    let link = Some((format!("/bags/{no}"), p.w1("scan-bag-page", "bag", &no)));
    if let Context::Parcel(trade) = context {
        return put(p, app, party, &no, trade).await;
    }
    let unknown = || Failure::bad("bag-unknown").with("bag", no.as_str());
    let bag = app.hub.bag(&no).await?.ok_or_else(unknown)?;
    let next = match bag.state() {
        "open" => p.w1("scan-next-parcels", "bag", &no),
        "sealed" => p.w1("scan-next-load", "bag", &no),
        _ => p.w1("scan-next-loaded", "bag", &no),
    };
    let context = if bag.state() == "open" { Context::Bag(no) } else { Context::Nothing };
    Ok(Said { link, ..Said::next(next, context) })
}

async fn put(p: &Page, app: &AppState, party: &Party, no: &BagNo, trade: &TradeId) -> Answer<Said> {
    let command = PutInBag { bag: no.clone(), trade: trade.clone(), by: party.id };
    let bag: Bag = app.submit_as(Command::PutInBag(command)).await?;
    let done = p.w(
        "scan-bagged",
        [
            ("order", trade.order_no().to_owned()),
            ("bag", no.to_string()),
            ("n", bag.parcels.len().to_string()),
            ("weight", p.kg(bag.gross())),
        ],
    );
    let link = Some((format!("/bags/{no}"), p.w1("scan-bag-page", "bag", no)));
    let said = Said::done(done, p.w1("scan-next-parcels", "bag", no), Context::Bag(no.clone()));
    Ok(Said { link, ..said })
}

async fn at_parcel(
    p: &Page,
    app: &AppState,
    party: &Party,
    trade: TradeId,
    context: &Context,
) -> Answer<Result<Said, String>> {
    match context {
        Context::Bag(no) => return put(p, app, party, no, &trade).await.map(Ok),
        Context::Bin(bin) => {
            store(app, &trade, Some(bin.clone()), party.id).await?;
            let done = p.w2("scan-stored", "order", trade.order_no(), "bin", bin);
            return Ok(Ok(Said::done(done, p.w1("scan-next-into-bin", "bin", bin), context.clone())));
        }
        Context::Nothing | Context::Parcel(_) => {}
    }
    let unknown = || Failure::bad("trade-unknown").with("trade", trade.as_str());
    let file = app.hub.trade(&trade).await?.ok_or_else(unknown)?;
    // An order that nobody has packed is picked, not received.
    if file.waybill.is_none() && file.secured.is_some() {
        return Ok(Err(pick_path(&file)));
    }
    if let Some(bag) = &file.handling.bag {
        let link = Some((format!("/bags/{bag}"), p.w1("scan-bag-page", "bag", bag)));
        let next = p.w2("scan-in-bag", "order", trade.order_no(), "bag", bag);
        return Ok(Ok(Said { link, ..Said::next(next, Context::Nothing) }));
    }
    let before = file.handling.storage.is_some();
    // Received where it is new; where it is known, the answer is what is known.
    let _: Storage = app
        .submit_as(Command::StoreParcel(trade::handling::StoreParcel { trade: trade.clone(), by: party.id, bin: None }))
        .await?;
    let done = (!before).then(|| p.w1("scan-received", "order", trade.order_no()));
    Ok(Ok(Said { done, ..lies(p, &file, trade) }))
}

/// Where a parcel lies, and what is to be done with it.
fn lies(p: &Page, file: &TradeFile, trade: TradeId) -> Said {
    let bin = file.handling.storage.as_ref().and_then(|s| s.bin.as_ref());
    let context = Context::Parcel(trade.clone());
    if file.clearance.is_released() {
        let next = match bin {
            Some(bin) => p.w1("scan-released-at", "bin", bin),
            None => p.s("scan-released"),
        };
        return Said { hand_over: Some(trade), ..Said::next(next, context) };
    }
    let state = p.by("clearance", file.clearance.code());
    match bin {
        Some(bin) => Said::next(p.w2("scan-waits-at", "bin", bin, "state", state), Context::Nothing),
        None => Said::next(p.w1("scan-next-bin", "state", state), context),
    }
}

async fn hand_over(p: &Page, app: &AppState, party: &Party, trade: &TradeId, place: &str) -> Answer<Said> {
    let kind = CustodyKind::HandedOver;
    let command = RecordCustody { trade: trade.clone(), kind, place: place.to_owned(), by: party.id };
    app.submit(Command::RecordCustody(command)).await?;
    let done = p.w1("scan-handed-over", "order", trade.order_no());
    Ok(Said::done(done, p.s("scan-next-anything"), Context::Nothing))
}
