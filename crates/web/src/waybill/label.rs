//! The parcel's label with its customs declaration, as PDF.
//!
//! The buyer is not on it: the parcel goes to the importing hub, which forwards by the delivery
//! reference. No rule pack holds a rate for special drawing rights, so the fuller form CN 23 is
//! printed, which is right for small parcels too.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use papers::cn22::{Category, Declaration, FormWords, Line, SdrRate};
use papers::label::{Address, Label, LabelWords, QR_BYTES_MAX, label_pdf};
use papers::pdf::Text;
use trade::codes::Country;
use trade::money::Fixed8;
use trade::quantity::Grams;
use trade::site::Site;
use trade::trade_file::{Side, TradeFile};

use crate::AppState;
use crate::auth::Signed;
use crate::i18n::Tr;
use crate::page::Ask;
use crate::print::{self, both, english, in_latin};
use crate::problem::{Answer, Failure};
use crate::trade_file::{self, Viewer};
use crate::verify;

/// GET /trades/{id}/label.pdf
pub async fn download(
    State(app): State<AppState>,
    ask: Ask,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    let may = matches!(viewer, Viewer::Seller | Viewer::Carrier | Viewer::Operator | Viewer::Warehouse);
    if !may || file.side != Side::Export {
        return Err(Failure::new(StatusCode::FORBIDDEN, "other-side"));
    }
    let label = label(&app, &ask.tr(&app), &file).await?;
    let words = words(&ask.tr(&app), &english(&app));
    let pdf = label_pdf(&label, &words).map_err(|refusal| Failure::of(&refusal))?;
    Ok(print::pdf(label.number.as_str(), pdf))
}

async fn label(app: &AppState, t: &Tr, file: &TradeFile) -> Answer<Label> {
    let waybill = file.waybill.as_ref().ok_or_else(|| Failure::bad("no-waybill"))?;
    let order = file.order.as_ref().ok_or_else(|| Failure::bad("order-missing"))?;
    let seller = match order.seller {
        Some(id) => app.hub.party(id).await?.map(|p| p.name),
        None => None,
    };
    let site = app.site();
    let importer = app.hub.peer(&order.quote.importer).await?.map(|p| p.card);
    let importer = importer.ok_or_else(|| Failure::bad("peer-unknown").with("peer", order.quote.importer.as_str()))?;
    let en = english(app);
    let from = Address {
        name: name(&seller, site),
        lines: vec![plain(&site.name)],
        country: site.territory,
        country_name: country(t, &en, site.territory),
    };
    let to = Address {
        name: plain(&importer.name),
        lines: Vec::new(),
        country: importer.territory,
        country_name: country(t, &en, importer.territory),
    };
    let value = order.quote.freight_home;
    Ok(Label {
        number: waybill.no.clone(),
        service: both(t, &en, "label-service"),
        from,
        to,
        delivery_reference: waybill.consignee.clone(),
        gross: waybill.gross,
        track: verify::track_path(app, file)
            .map(|path| format!("{}{path}", app.settings.url))
            .filter(|url| url.len() <= QR_BYTES_MAX),
        declaration: Declaration {
            category: Category::SaleOfGoods,
            lines: lines(file, waybill.gross),
            postage: Some(value),
            importer_reference: order.quote.landed.registration.as_deref().map(plain),
            documents: vec![plain(file.id.order_no())],
            date: site.date(waybill.issued_at),
            signed_by: name(&seller, site),
        },
        sdr: SdrRate { currency: value.currency(), per_sdr: Fixed8(1) },
    })
}

/// The goods as declared, else as ordered. The scale has the last word on the weight: where the
/// ordered weights come to more than it showed, each is cut in proportion.
fn lines(file: &TradeFile, gross: Grams) -> Vec<Line> {
    let ordered = file.order.iter().flat_map(|o| &o.quote.lines);
    let whole: i128 = ordered.clone().map(|l| i128::from(l.weight.0) * i128::from(l.pieces)).sum();
    ordered
        .map(|line| {
            let declared = file.declaration.iter().flat_map(|d| &d.lines).find(|d| d.product == line.product);
            let net = i128::from(line.weight.0) * i128::from(line.pieces);
            let net = if whole > i128::from(gross.0) { (net * i128::from(gross.0)).div_euclid(whole) } else { net };
            let pieces = declared.map_or(line.pieces, |d| d.pieces);
            Line {
                // Words that the printer's font has not got are told by the code of the goods.
                description: in_latin(&line.description, format!("HS {}", line.hs)),
                quantity: u32::try_from(pieces).unwrap_or(u32::MAX),
                net: Grams(i64::try_from(net).unwrap_or(i64::MAX).max(1)),
                value: declared.map_or(line.value_home, |d| d.value),
                hs: Some(declared.map_or(&line.hs, |d| &d.hs).clone()),
                origin: Some(declared.map_or(line.origin, |d| d.origin)),
            }
        })
        .collect()
}

/// The seller, or where its name has no Latin letters, the hub that it sells on.
fn name(seller: &Option<String>, site: &Site) -> Text {
    let name = seller.as_deref().unwrap_or(&site.name);
    in_latin(name, &site.name)
}

fn plain(text: &str) -> Text {
    Text::from(text)
}

fn country(t: &Tr, en: &Tr, country: Country) -> Text {
    in_latin(t.country(country), en.country(country))
}

fn words(t: &Tr, en: &Tr) -> LabelWords {
    let w = |key: &str| both(t, en, key);
    LabelWords {
        from: w("label-from"),
        to: w("label-to"),
        delivery_reference: w("waybill-consignee"),
        weight: w("field-gross-weight"),
        form: FormWords {
            title: w("cn-title"),
            categories: [
                w("cn-sale-of-goods"),
                w("cn-gift"),
                w("cn-documents"),
                w("cn-commercial-sample"),
                w("cn-returned-goods"),
                w("cn-other"),
            ],
            description: w("cn-description"),
            quantity: w("cn-quantity"),
            net_weight: w("cn-net"),
            value: w("cn-value"),
            hs: w("cn-hs"),
            origin: w("cn-origin"),
            total: w("cn-total"),
            gross_weight: w("field-gross-weight"),
            postage: w("cn-postage"),
            importer_reference: w("cn-importer"),
            documents: w("cn-numbers"),
            date: w("cn-date"),
            signature: w("cn-signature"),
            statement: w("cn-statement"),
            continued: w("cn-continued"),
        },
    }
}
