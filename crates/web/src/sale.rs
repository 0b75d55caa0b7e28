//! The papers of goods for a business: commercial invoice and packing list, printed from the trade file.
//!
//! The buyer's hub knows who buys and prints the name; the seller's hub knows a delivery reference, and
//! prints that. Everything else is the same on both.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use papers::pdf::Text;
use papers::sale::{Line, Sale, SaleRefusal, SaleWords, invoice_pdf, packing_list_pdf};
use trade::order::Order;
use trade::quote::QuoteLine;
use trade::terms::{Incoterms, Sale as Terms};
use trade::trade_file::TradeFile;

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, get};
use crate::i18n::Tr;
use crate::page::Ask;
use crate::print::{self, both, english, in_latin};
use crate::problem::{Answer, Failure};
use crate::trade_file::{self, EVERY_PART, PRICE_PARTS, Viewer};

pub fn routes() -> Doors {
    const PDF: &str = "application/pdf";
    Doors::new()
        .open(get("/trades/{id}/invoice.pdf", PRICE_PARTS), invoice)
        .open(get("/trades/{id}/packing-list.pdf", EVERY_PART), packing_list)
        .open(get("/api/v1/trades/{id}/invoice.pdf", PRICE_PARTS).gives_file(PDF), invoice)
        .open(get("/api/v1/trades/{id}/packing-list.pdf", EVERY_PART).gives_file(PDF), packing_list)
}

async fn invoice(
    State(app): State<AppState>,
    ask: Ask,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    if !viewer.sees_prices() {
        return Err(Failure::not_found());
    }
    paper(&app, &ask, &file, "invoice", invoice_pdf).await
}

/// Without prices, so that whoever carries the goods may have it too.
async fn packing_list(
    State(app): State<AppState>,
    ask: Ask,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, _): (TradeFile, Viewer) = trade_file::load(&app, &party, &id).await?;
    paper(&app, &ask, &file, "packing-list", packing_list_pdf).await
}

type Printer = fn(&Sale, &SaleWords) -> Result<Vec<u8>, SaleRefusal>;

async fn paper(app: &AppState, ask: &Ask, file: &TradeFile, name: &str, printer: Printer) -> Answer<Response> {
    let none = || Failure::new(StatusCode::NOT_FOUND, "no-business-papers");
    let order = file.order.as_ref().ok_or_else(none)?;
    let terms = order.quote.sale.as_ref().ok_or_else(none)?;
    let t = ask.tr(app);
    let en = english(app);
    let sale = sale(app, &t, &en, file, order, terms).await?;
    let pdf = printer(&sale, &words(&t, &en)).map_err(|refusal| Failure::of(&refusal))?;
    Ok(print::pdf(&format!("{name}-{}", file.id.order_no().replace('/', "-")), pdf))
}

async fn sale(app: &AppState, t: &Tr, en: &Tr, file: &TradeFile, order: &Order, terms: &Terms) -> Answer<Sale> {
    let quote = &order.quote;
    let freight = ("freight", t.money(quote.freight_home));
    let freight_en = ("freight", en.money(quote.freight_home));
    let key = if terms.incoterm.includes_carriage() { "sale-freight-in-price" } else { "sale-freight-apart" };
    let mut facts = vec![(both(t, en, "sale-payment"), payment(t, en, terms))];
    facts.extend(file.waybill.as_ref().map(|w| (both(t, en, "sale-waybill"), Text::from(w.no.as_str()))));
    facts.push((both(t, en, "sale-exporter"), Text::from(quote.exporter.as_str())));
    facts.push((both(t, en, "sale-importer"), Text::from(quote.importer.as_str())));
    Ok(Sale {
        number: Text::from(file.id.order_no()),
        date: app.site().date(order.placed_at),
        seller: seller(app, t, en, order).await?,
        buyer: buyer(app, t, en, order).await?,
        delivery: Text::from(format!("{} {}, {}", terms.incoterm, terms.place, Incoterms::table().edition).as_str()),
        facts,
        lines: quote.lines.iter().map(line).collect(),
        gross: file.waybill.as_ref().map_or_else(|| quote.gross(), |w| w.gross),
        freight: in_latin(t.w(key, [freight]), en.w(key, [freight_en])),
    })
}

/// Part now and the rest later, or all at once: as quoted.
fn payment(t: &Tr, en: &Tr, terms: &Terms) -> Text {
    let said = |t: &Tr| match terms.deposit {
        Some(offer) => t.w2("sale-deposit", "deposit", t.money(offer.amount), "days", offer.balance_within.0),
        None => t.s("sale-at-once"),
    };
    in_latin(said(t), said(en))
}

fn line(line: &QuoteLine) -> Line {
    Line {
        sku: described(&line.sku, line),
        description: described(&line.description, line),
        hs: line.hs.clone(),
        origin: line.origin,
        pieces: line.pieces,
        unit_price: line.unit_price,
        value: line.value_home,
        weight: line.weight,
        size: line.size,
    }
}

/// Words that the printer's font has not got are told by the code of the goods.
fn described(text: &str, line: &QuoteLine) -> Text {
    in_latin(text, format!("HS {}", line.hs))
}

async fn seller(app: &AppState, t: &Tr, en: &Tr, order: &Order) -> Answer<Vec<Text>> {
    let party = match order.seller {
        Some(id) => app.hub.party(id).await?,
        None => None,
    };
    // On the buyer's hub the seller is known by the offer, which bears its name.
    let offered = match order.quote.lines.first() {
        Some(line) if party.is_none() => {
            let key = trade::product::OfferKey { hub: order.quote.exporter.clone(), product: line.product };
            app.hub.offer(&key).await?.map(|offer| offer.seller_name)
        }
        _ => None,
    };
    let name = party.map(|p| p.name).or(offered).unwrap_or_else(|| order.quote.exporter.to_string());
    let via = t.w1("sale-through", "hub", order.quote.exporter.as_str());
    let via_en = en.w1("sale-through", "hub", order.quote.exporter.as_str());
    Ok(vec![in_latin(name, order.quote.exporter.as_str()), in_latin(via, via_en)])
}

async fn buyer(app: &AppState, t: &Tr, en: &Tr, order: &Order) -> Answer<Vec<Text>> {
    let mut lines = Vec::new();
    if let Some(buyer) = &order.buyer
        && let Some(party) = app.hub.party(buyer.party).await?
    {
        lines.push(in_latin(&party.name, party.registration.as_deref().unwrap_or_default()));
        if let Some(number) = &party.registration {
            let said = |t: &Tr| t.w1("sale-registration", "no", number);
            lines.push(in_latin(said(t), said(en)));
        }
    }
    let said = |t: &Tr| t.w1("sale-delivery", "no", &order.delivery);
    lines.push(in_latin(said(t), said(en)));
    let said = |t: &Tr| t.w1("sale-through", "hub", order.quote.importer.as_str());
    lines.push(in_latin(said(t), said(en)));
    Ok(lines)
}

fn words(t: &Tr, en: &Tr) -> SaleWords {
    let w = |key: &str| both(t, en, key);
    SaleWords {
        invoice: w("sale-invoice"),
        packing_list: w("sale-packing-list"),
        number: w("sale-number"),
        date: w("cn-date"),
        seller: w("sale-seller"),
        buyer: w("sale-buyer"),
        delivery: w("sale-terms"),
        description: w("sale-description"),
        hs: w("sale-hs"),
        origin: w("sale-origin"),
        pieces: w("sale-pieces"),
        price: w("sale-price"),
        value: w("sale-value"),
        weight: w("sale-weight"),
        size: w("sale-size"),
        mass: w("sale-mass"),
        total: w("sale-total"),
        gross: w("field-gross-weight"),
        continued: w("cn-continued"),
    }
}
