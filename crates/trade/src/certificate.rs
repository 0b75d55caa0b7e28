//! The certificate of origin as a data set: what its boxes hold, from the trade file, the products and
//! what their bills of materials show. An issuing body certifies it; the hub makes out what is certified.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::{Country, HsCode, HubId, S10};
use crate::custody::CustodyKind;
use crate::money::{Money, MoneyError, Rate};
use crate::origin::{Agreement, AgreementId, Change, Form, OriginFacts, qualifies};
use crate::product::Product;
use crate::quantity::Grams;
use crate::quote::QuoteLine;
use crate::rulebook::Knowledge;
use crate::trade_file::{TradeFile, TradeId};

/// All that a certificate says, box by box; the comments name the boxes of Form E.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub agreement: AgreementId,
    pub form: Form,
    pub trade: TradeId,
    /// Made out on this day.
    pub date: Date,
    /// Box 1: who exports; its name is added where it is known.
    pub exporter: HubId,
    pub exporting_country: Country,
    /// Box 2: the consignee by the reference that the importing hub knows it by.
    pub consignee: String,
    pub importer: HubId,
    pub importing_country: Country,
    /// Box 3: means of transport and route.
    pub waybill: S10,
    pub departed: Option<Date>,
    /// Boxes 5 to 9.
    pub lines: Vec<CertificateLine>,
    /// Box 9: of the packed consignment.
    pub gross: Grams,
    /// Box 10.
    pub invoice_no: String,
    pub invoice_date: Date,
    /// Box 13: issued after the goods had left.
    pub retroactively: bool,
    /// The worst that the verdicts lean on.
    pub knowledge: Knowledge,
}

/// One kind of goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateLine {
    /// Box 5, from 1.
    pub number: usize,
    pub sku: String,
    /// Box 7.
    pub description: String,
    pub hs: HsCode,
    pub origin: Country,
    pub pieces: i64,
    /// Box 8.
    pub criterion: String,
    /// The regional value by the build-down, where goods originate by their value.
    pub regional_value: Option<Rate>,
    /// Box 9.
    pub gross: Grams,
    pub fob: Money,
}

/// Why a certificate cannot be made out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CertificateRefusal {
    AgreementUnknown {
        agreement: AgreementId,
    },
    /// One of the two territories has no part in the agreement.
    NotInAgreement {
        agreement: String,
        country: Country,
    },
    CertificateIncomplete {
        agreement: String,
        lacks: Vec<Lacking>,
    },
    #[serde(untagged)]
    Money(MoneyError),
}

impl From<MoneyError> for CertificateRefusal {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

/// One thing that a certificate lacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Lacking {
    OrderMissing,
    WaybillMissing,
    MaterialsMissing {
        sku: String,
    },
    DoesNotOriginate {
        sku: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        change: Option<Change>,
    },
}

/// What a certificate is made out from. `products` are those of the order's lines, where they are known.
pub struct CertificateFacts<'a> {
    pub file: &'a TradeFile,
    pub products: &'a [Product],
    pub exporting_country: Country,
    pub importing_country: Country,
    pub today: Date,
    /// The legal date of an instant, at the exporting hub.
    pub date_of: &'a dyn Fn(crate::time::BusinessTime) -> Date,
}

/// Makes out the certificate of a trade under an agreement.
///
/// # Errors
/// Everything that is missing, at once.
pub fn certificate(agreement: &Agreement, facts: &CertificateFacts<'_>) -> Result<Certificate, CertificateRefusal> {
    let short = || agreement.short.clone();
    for country in [facts.exporting_country, facts.importing_country] {
        if !agreement.is_member(country) {
            return Err(CertificateRefusal::NotInAgreement { agreement: short(), country });
        }
    }
    let file = facts.file;
    let mut lacks = Vec::new();
    let (order, waybill) = (file.order.as_ref(), file.waybill.as_ref());
    if order.is_none() {
        lacks.push(Lacking::OrderMissing);
    }
    if waybill.is_none() {
        lacks.push(Lacking::WaybillMissing);
    }
    let mut knowledge = agreement.knowledge;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(order.map_or(&[][..], |order| &order.quote.lines)) {
        match certified(agreement, facts, number, line)? {
            Ok((line, known)) => {
                knowledge = knowledge.max(known);
                lines.push(line);
            }
            Err(lack) => lacks.push(lack),
        }
    }
    let (Some(order), Some(waybill), true) = (order, waybill, lacks.is_empty()) else {
        return Err(CertificateRefusal::CertificateIncomplete { agreement: short(), lacks });
    };
    let departed = file.custody.iter().find(|custody| custody.kind == CustodyKind::Departed);
    let departed = departed.map(|custody| (facts.date_of)(custody.at));
    Ok(Certificate {
        agreement: agreement.id.clone(),
        form: agreement.form,
        trade: file.id.clone(),
        date: facts.today,
        exporter: order.quote.exporter.clone(),
        exporting_country: facts.exporting_country,
        consignee: order.delivery.clone(),
        importer: order.quote.importer.clone(),
        importing_country: facts.importing_country,
        waybill: waybill.no.clone(),
        departed,
        lines,
        gross: waybill.gross,
        invoice_no: file.id.order_no().to_owned(),
        invoice_date: (facts.date_of)(order.placed_at),
        retroactively: departed.is_some_and(|day| day < facts.today),
        knowledge,
    })
}

/// One line with its criterion, or what it lacks.
fn certified(
    agreement: &Agreement,
    facts: &CertificateFacts<'_>,
    number: usize,
    line: &QuoteLine,
) -> Result<Result<(CertificateLine, Knowledge), Lacking>, MoneyError> {
    let product = facts.products.iter().find(|product| product.id == line.product);
    let Some(bill) = product.and_then(|product| product.bill.as_ref()) else {
        return Ok(Err(Lacking::MaterialsMissing { sku: line.sku.clone() }));
    };
    let origin = qualifies(
        agreement,
        &OriginFacts { hs: Some(&line.hs), made_in: Some(line.origin), weight: Some(line.weight), bill },
    )?;
    let Some(criterion) = origin.criterion else {
        return Ok(Err(Lacking::DoesNotOriginate { sku: line.sku.clone(), change: origin.change }));
    };
    let by_value = agreement.criterion(&criterion).is_some_and(crate::origin::Criterion::is_by_value);
    let fob = bill.fob.minor().checked_mul(line.pieces).ok_or(MoneyError::Overflow)?;
    let certified = CertificateLine {
        number,
        sku: line.sku.clone(),
        description: line.description.clone(),
        hs: line.hs.clone(),
        origin: line.origin,
        pieces: line.pieces,
        criterion,
        regional_value: by_value.then_some(origin.value.build_down),
        gross: Grams(line.weight.0.saturating_mul(line.pieces)),
        fob: Money::new(fob, bill.fob.currency()),
    };
    Ok(Ok((certified, origin.knowledge)))
}
