//! The data set of a certificate of origin as UBL 2.1 `CertificateOfOrigin`.
//!
//! The document is an application: its issuer has endorsed nothing yet, and `ApprovalStatus` says so.

use super::{Paper, PaperRefusal};
use crate::xml::Out;

const NAMESPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CertificateOfOrigin-2";
const AGGREGATES: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
const BASICS: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// What the document says beside the boxes of the paper: countries by their codes, and who endorses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    /// The agreement, `ACFTA`.
    pub agreement: String,
    pub exporting_country: String,
    pub importing_country: String,
    /// The number of the waybill.
    pub waybill: String,
    /// Who issues such certificates there, in words.
    pub issuer: String,
}

/// Writes the document.
///
/// # Errors
/// No line, or values that do not add up.
pub fn write(paper: &Paper, codes: &Codes) -> Result<Vec<u8>, PaperRefusal> {
    let fob = paper.fob()?;
    let mut out = Out::root("CertificateOfOrigin", &[("", NAMESPACE), ("cac", AGGREGATES), ("cbc", BASICS)]);
    out.leaf("cbc:UBLVersionID", "2.1");
    out.leaf("cbc:ID", &paper.reference.text);
    out.leaf("cbc:IssueDate", &paper.date.to_string());
    out.leaf("cbc:Description", &paper.title.text);
    for note in &paper.notes {
        out.leaf("cbc:Note", &note.text);
    }
    party(&mut out, "cac:ExporterParty", &paper.exporter, &codes.exporting_country);
    party(&mut out, "cac:ImporterParty", &paper.consignee, &codes.importing_country);
    out.open("cac:CertificateOfOriginApplication");
    out.leaf("cbc:ReferenceID", &paper.reference.text);
    out.leaf("cbc:CertificateType", &codes.agreement);
    out.leaf("cbc:OriginalJobID", &paper.reference.text);
    out.open("cac:Shipment");
    shipment(&mut out, paper, codes, fob);
    out.close();
    endorser(&mut out, codes);
    party(&mut out, "cac:PreparationParty", &paper.exporter, &codes.exporting_country);
    out.open("cac:IssuerParty").nested(&["cac:PartyName", "cbc:Name"], &codes.issuer).close();
    country(&mut out, "cac:IssuingCountry", &codes.exporting_country);
    out.close();
    out.open("cac:IssuerEndorsement");
    out.leaf("cbc:DocumentID", &paper.reference.text);
    out.leaf("cbc:ApprovalStatus", "applied for");
    endorser(&mut out, codes);
    Ok(out.finish())
}

/// Who is to certify it.
fn endorser(out: &mut Out, codes: &Codes) {
    out.open("cac:EndorserParty").leaf("cbc:RoleCode", "issuer").leaf("cbc:SequenceNumeric", "1");
    out.open("cac:Party").nested(&["cac:PartyName", "cbc:Name"], &codes.issuer).close();
    out.open("cac:SignatoryContact").leaf("cbc:Name", &codes.issuer).close().close();
}

fn shipment(out: &mut Out, paper: &Paper, codes: &Codes, fob: trade::money::Money) {
    out.leaf("cbc:ID", &paper.invoice_no.text);
    out.measured("cbc:GrossWeightMeasure", "unitCode", "KGM", &paper.gross.kilograms());
    out.measured("cbc:FreeOnBoardValueAmount", "currencyID", fob.currency().code(), &fob.decimal());
    out.open("cac:Consignment").leaf("cbc:ID", &codes.waybill);
    country(out, "cac:OriginalDepartureCountry", &codes.exporting_country);
    country(out, "cac:FinalDestinationCountry", &codes.importing_country);
    out.close();
    for line in &paper.lines {
        out.open("cac:GoodsItem");
        out.leaf("cbc:ID", &line.number.to_string());
        out.leaf("cbc:Description", &line.description.text);
        out.measured("cbc:FreeOnBoardValueAmount", "currencyID", line.fob.currency().code(), &line.fob.decimal());
        out.measured("cbc:GrossWeightMeasure", "unitCode", "KGM", &line.gross.kilograms());
        out.measured("cbc:Quantity", "unitCode", "C62", &line.pieces.to_string());
        out.leaf("cbc:PreferenceCriterionCode", &line.criterion);
        out.leaf("cbc:RequiredCustomsID", line.hs.as_str());
        out.open("cac:Item").leaf("cbc:Description", &line.description.text);
        country(out, "cac:OriginCountry", line.origin.as_str());
        out.close().close();
    }
}

fn party(out: &mut Out, name: &'static str, lines: &[crate::pdf::Text], country_code: &str) {
    out.open(name);
    for line in lines {
        out.nested(&["cac:PartyName", "cbc:Name"], &line.text);
    }
    out.open("cac:PostalAddress");
    country(out, "cac:Country", country_code);
    out.close().close();
}

fn country(out: &mut Out, name: &'static str, code: &str) {
    out.open(name).leaf("cbc:IdentificationCode", code).close();
}
