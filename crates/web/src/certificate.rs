//! The certificate of origin of a trade: what stands in its boxes, or what it lacks; as a page, as JSON,
//! as a PDF and as UBL. Made out on the seller's hub, for the seller, its broker and the offices there.

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use papers::certificate::ubl::{self, Codes};
use papers::certificate::{Line, Paper, PaperWords, pdf};
use trade::certificate::{Certificate, CertificateFacts, CertificateRefusal, Lacking, certificate};
use trade::origin::{Agreement, AgreementId, Form};
use trade::party::{Party, Role};
use trade::rulebook::Knowledge;
use trade::trade_file::{Side, TradeFile};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, May, get, parts};
use crate::i18n::{Told, Tr};
use crate::page::{Ask, Page};
use crate::print::{self, both, english, in_latin};
use crate::problem::{Answer, Failure};
use crate::schema::{list, noun, object, text};
use crate::trade_file::{self, Viewer};

/// Its seller, whoever declares for it, and the offices of the hub that it leaves from.
const CONCERNS: May = parts(&[Role::Seller, Role::Broker, Role::Officer, Role::Operator]);

pub fn routes() -> Doors {
    let shape = || {
        let line = object([("hs", text()), ("criterion", text()), ("fob", noun("Money"))]).open();
        object([("agreement", text()), ("form", text()), ("lines", list(line)), ("invoice_no", text())]).open()
    };
    Doors::new()
        .open(get("/trades/{id}/origin/{agreement}", CONCERNS).at(Side::Export), show)
        .open(get("/trades/{id}/origin/{agreement}/certificate.pdf", CONCERNS).at(Side::Export), print_pdf)
        .open(get("/api/v1/trades/{id}/origin/{agreement}", CONCERNS).at(Side::Export).gives(200, shape), api_show)
        .open(
            get("/api/v1/trades/{id}/origin/{agreement}/certificate.pdf", CONCERNS)
                .at(Side::Export)
                .gives_file("application/pdf"),
            print_pdf,
        )
        .open(
            get("/api/v1/trades/{id}/origin/{agreement}/certificate.xml", CONCERNS)
                .at(Side::Export)
                .gives_file("application/xml"),
            api_ubl,
        )
}

fn concerns(file: &TradeFile, viewer: Viewer) -> bool {
    file.side == Side::Export && matches!(viewer, Viewer::Seller | Viewer::Broker | Viewer::Officer | Viewer::Operator)
}

/// Certificates that this reader may see of a sale to a business: id and short name of each agreement that
/// both territories are in. A consumer's parcel seldom claims a preference; it is not offered there.
pub async fn links(app: &AppState, file: &TradeFile, viewer: Viewer) -> Answer<Vec<(String, String)>> {
    let order = file.order.as_ref().filter(|order| order.quote.sale.is_some() && concerns(file, viewer));
    let Some(order) = order else { return Ok(Vec::new()) };
    let Some(peer) = app.hub.peer(&order.quote.importer).await? else { return Ok(Vec::new()) };
    let both_in = |a: &&Agreement| a.is_member(app.site().territory) && a.is_member(peer.territory());
    let agreements = app.site().rulebooks.agreements.iter().filter(both_in);
    Ok(agreements.map(|agreement| (agreement.id.to_string(), agreement.short.clone())).collect())
}

/// The trade file and the certificate, or all that it lacks.
struct Made<'a> {
    file: TradeFile,
    agreement: &'a Agreement,
    certificate: Result<Certificate, CertificateRefusal>,
}

async fn made<'a>(app: &'a AppState, party: &Party, id: &str, agreement: &str) -> Answer<Made<'a>> {
    let (file, viewer) = trade_file::load(app, party, id).await?;
    if !concerns(&file, viewer) {
        return Err(Failure::not_found());
    }
    trade_file::looked(app, party, &file, viewer).await?;
    let agreement: AgreementId = agreement.parse().map_err(|_| Failure::not_found())?;
    let unknown = || {
        let refusal = CertificateRefusal::AgreementUnknown { agreement: agreement.clone() };
        Failure { status: StatusCode::NOT_FOUND, ..Failure::of(&refusal) }
    };
    let site = app.site();
    let agreement = site.rulebooks.agreement(&agreement).ok_or_else(unknown)?;
    let mut products = Vec::new();
    let mut importing_country = site.territory;
    if let Some(order) = &file.order {
        for line in &order.quote.lines {
            products.extend(app.hub.product(line.product).await?);
        }
        if let Some(peer) = app.hub.peer(&order.quote.importer).await? {
            importing_country = peer.territory();
        }
    }
    let facts = CertificateFacts {
        file: &file,
        products: &products,
        exporting_country: site.territory,
        importing_country,
        today: site.date(app.hub.business_now().await?),
        date_of: &|at| site.date(at),
    };
    let certificate = certificate(agreement, &facts);
    Ok(Made { agreement, certificate, file })
}

#[derive(Template)]
#[template(path = "certificate/show.html")]
struct CertificatePage {
    p: Page,
    file: TradeFile,
    short: String,
    name: String,
    here: String,
    certificate: Option<Certificate>,
    unverified: bool,
    refused: Option<Told>,
    lacks: Vec<Lack>,
}

/// What is lacking, and where it is stated.
struct Lack {
    told: Told,
    at: Option<String>,
}

async fn show(
    State(app): State<AppState>,
    Signed(party): Signed,
    page: Page,
    Path((id, agreement)): Path<(String, String)>,
) -> Answer<Response> {
    let made = made(&app, &party, &id, &agreement).await?;
    let refused = made.certificate.as_ref().err();
    let lacks = match refused {
        Some(CertificateRefusal::CertificateIncomplete { lacks, .. }) => lacks.as_slice(),
        _ => &[],
    };
    let lines = made.file.order.as_ref().map_or(&[][..], |order| &order.quote.lines);
    let at = |lack: &Lacking| match lack {
        Lacking::MaterialsMissing { sku } | Lacking::DoesNotOriginate { sku, .. } => {
            let line = lines.iter().find(|line| line.sku == *sku)?;
            Some(format!("/products/{}/materials", line.product))
        }
        Lacking::WaybillMissing => Some(format!("/trades/{id}/waybill")),
        Lacking::OrderMissing => None,
    };
    let lacks = lacks.iter().map(|lack| Lack { told: page.told(lack), at: at(lack) }).collect();
    let shown = CertificatePage {
        short: made.agreement.short.clone(),
        name: page.words(&made.agreement.name),
        here: format!("/trades/{id}/origin/{}", made.agreement.id),
        refused: refused.map(|refusal| page.told(refusal)),
        lacks,
        unverified: made.certificate.as_ref().is_ok_and(|c| c.knowledge != Knowledge::Sourced),
        certificate: made.certificate.ok(),
        file: made.file,
        p: page,
    };
    Ok(shown.p.show(&shown))
}

async fn api_show(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path((id, agreement)): Path<(String, String)>,
) -> Answer<Json<Certificate>> {
    let made = made(&app, &party, &id, &agreement).await?;
    Ok(Json(made.certificate.map_err(|refusal| Failure::of(&refusal))?))
}

async fn print_pdf(
    State(app): State<AppState>,
    ask: Ask,
    Signed(party): Signed,
    Path((id, agreement)): Path<(String, String)>,
) -> Answer<Response> {
    let made = made(&app, &party, &id, &agreement).await?;
    let certificate = made.certificate.map_err(|refusal| Failure::of(&refusal))?;
    let (t, en) = (ask.tr(&app), english(&app));
    let paper = paper(&app, &t, &en, &made.file, made.agreement, &certificate).await?;
    let bytes = pdf(&paper, &words(&t, &en)).map_err(|refusal| Failure::of(&refusal))?;
    Ok(print::pdf(&format!("{}-{}", made.agreement.id, certificate.invoice_no.replace('/', "-")), bytes))
}

async fn api_ubl(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path((id, agreement)): Path<(String, String)>,
) -> Answer<Response> {
    let made = made(&app, &party, &id, &agreement).await?;
    let certificate = made.certificate.map_err(|refusal| Failure::of(&refusal))?;
    // A document for machines is in one language.
    let en = english(&app);
    let paper = paper(&app, &en, &en, &made.file, made.agreement, &certificate).await?;
    let issuer = made.agreement.proofs.first().map(|proof| en.words(&proof.name)).unwrap_or_default();
    let codes = Codes {
        agreement: made.agreement.short.clone(),
        exporting_country: certificate.exporting_country.to_string(),
        importing_country: certificate.importing_country.to_string(),
        waybill: certificate.waybill.to_string(),
        issuer,
    };
    let bytes = ubl::write(&paper, &codes).map_err(|refusal| Failure::of(&refusal))?;
    Ok(([(header::CONTENT_TYPE, "application/xml")], bytes).into_response())
}

async fn paper(
    app: &AppState,
    t: &Tr,
    en: &Tr,
    file: &TradeFile,
    agreement: &Agreement,
    certificate: &Certificate,
) -> Answer<Paper> {
    let in_both = |say: &dyn Fn(&Tr) -> String| in_latin(say(t), say(en));
    let seller = match file.order.as_ref().and_then(|order| order.seller) {
        Some(id) => app.hub.party(id).await?.map(|party| party.name),
        None => None,
    };
    let exporter = seller.unwrap_or_else(|| certificate.exporter.to_string());
    let via = |hub: &str| in_both(&|t| t.w1("sale-through", "hub", hub));
    let route = |t: &Tr| {
        t.w2(
            "certificate-route",
            "from",
            t.country(certificate.exporting_country),
            "to",
            t.country(certificate.importing_country),
        )
    };
    let mut transport = vec![certificate.waybill.as_str().into(), in_both(&route)];
    if let Some(day) = certificate.departed {
        transport.push(in_both(&|t| t.w1("certificate-departed", "day", t.date(day))));
    }
    let lines = certificate.lines.iter().map(|line| Line {
        number: line.number,
        description: in_latin(&line.description, format!("HS {}", line.hs)),
        hs: line.hs.clone(),
        origin: line.origin,
        pieces: line.pieces,
        criterion: line.criterion.clone(),
        regional_value: line.regional_value,
        gross: line.gross,
        fob: line.fob,
    });
    let mut notes = vec![in_both(&|t| t.s("certificate-data-set"))];
    if certificate.knowledge != Knowledge::Sourced {
        notes.push(in_both(&|t| t.s("certificate-unverified")));
    }
    Ok(Paper {
        is_numbered: certificate.form == Form::FormE,
        title: in_both(&|t| t.w1("certificate-heading", "agreement", &agreement.short)),
        reference: certificate.invoice_no.as_str().into(),
        exporter: vec![
            in_latin(exporter, certificate.exporter.as_str()),
            via(certificate.exporter.as_str()),
            in_both(&|t| t.country(certificate.exporting_country)),
        ],
        consignee: vec![
            in_both(&|t| t.w1("sale-delivery", "no", &certificate.consignee)),
            via(certificate.importer.as_str()),
            in_both(&|t| t.country(certificate.importing_country)),
        ],
        transport,
        marks: certificate.waybill.as_str().into(),
        lines: lines.collect(),
        gross: certificate.gross,
        invoice_no: certificate.invoice_no.as_str().into(),
        invoice_date: certificate.invoice_date,
        made_in: in_both(&|t| t.country(certificate.exporting_country)),
        exported_to: in_both(&|t| t.country(certificate.importing_country)),
        date: certificate.date,
        ticks: [certificate.retroactively, false, false, false],
        notes,
    })
}

fn words(t: &Tr, en: &Tr) -> PaperWords {
    let w = |key: &str| both(t, en, key);
    PaperWords {
        reference: w("certificate-reference"),
        exporter: w("certificate-exporter"),
        consignee: w("certificate-consignee"),
        transport: w("certificate-transport"),
        official: w("certificate-official"),
        item: w("certificate-item"),
        marks: w("certificate-marks"),
        goods: w("certificate-goods"),
        criterion: w("certificate-criterion"),
        weight: w("certificate-weight"),
        invoice: w("certificate-invoice"),
        declaration: w("certificate-declaration"),
        declared: w("certificate-declared"),
        made_in: w("certificate-made-in"),
        exported_to: w("certificate-exported-to"),
        signature: w("certificate-signature"),
        certification: w("certificate-certification"),
        ticks: w("certificate-ticks"),
        tick: ["retroactively", "movement", "exhibition", "third-party"]
            .map(|tick| in_latin(t.by("certificate-tick", tick), en.by("certificate-tick", tick))),
        pieces: w("sale-pieces"),
        total: w("sale-total"),
    }
}
