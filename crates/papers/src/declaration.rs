//! Customs declarations in the WCO Data Model as UK customs takes them (`WCO_DEC_2_DMS.xsd`): bare, or in
//! their envelope `MetaData`. Read as far as a duty can be worked out from them: code, value, origin,
//! preference, mass, and what was declared as duty and tax.
//!
//! Bad input is named by its place, `Declaration/GoodsShipment/GovernmentAgencyGoodsItem[3]/CustomsValueAmount`:
//! the number counts the goods items of the file from 1.

use serde::{Deserialize, Serialize};
use trade::codes::Country;
use trade::money::{Money, parse_fixed};

use crate::xml::{At, Step, XmlRefusal, walk};

const NAMESPACE: &str = "urn:wco:datamodel:WCO:";
/// What stands after it at the roots that are read, each with the version of the schema.
const ROOTS: [&str; 2] = ["DEC-DMS:2", "DocumentMetaData-DMS:2"];
const ITEM: &str = "GovernmentAgencyGoodsItem";
/// As many goods items as the schema lets one declaration have.
pub const ITEMS_MAX: usize = 999;
/// Classifications and duties of one item; the schema knows no limit.
const PARTS_MAX: usize = 40;

/// A declaration, as far as it concerns duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The declarant's own reference.
    pub reference: Option<String>,
    pub items: Vec<DeclaredItem>,
}

/// One goods item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredItem {
    /// `SequenceNumeric`.
    pub number: u32,
    /// Six to ten digits; a subdivision that stands apart (`TRC`) is joined to its code.
    pub code: String,
    /// `CustomsValueAmount`; where that is not given, `StatisticalValueAmount`.
    pub customs_value: Option<Money>,
    /// `InvoiceLine/ItemChargeAmount`.
    pub price: Option<Money>,
    /// The first `Origin/CountryCode`: the non-preferential origin stands first.
    pub origin: Option<Country>,
    /// `DutyRegimeCode`: which preference is claimed.
    pub preference: Option<String>,
    /// Without packing, in thousandths of a gram.
    pub net_milligrams: Option<i64>,
    pub duties: Vec<DeclaredDuty>,
}

/// A duty or tax of one goods item, as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredDuty {
    /// `TypeCode`: which duty or tax.
    pub kind: String,
    /// `TaxRateNumeric` in per cent, in millionths of a per cent.
    pub rate_millionths: Option<i64>,
    /// `AdValoremTaxBaseAmount`.
    pub base: Option<Money>,
    /// `Payment/TaxAssessedAmount`.
    pub assessed: Option<Money>,
}

/// Why a declaration is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DeclarationRefusal {
    /// The classification of a goods item is not six to ten digits.
    DeclarationCode {
        line: u32,
        element: String,
        got: String,
    },
    DeclarationWithoutItems,
    TooManyItems {
        line: u32,
        max: usize,
    },
    TooManyParts {
        line: u32,
        element: String,
        max: usize,
    },
    #[serde(untagged)]
    Xml(XmlRefusal),
}

impl From<XmlRefusal> for DeclarationRefusal {
    fn from(refusal: XmlRefusal) -> Self {
        Self::Xml(refusal)
    }
}

/// Reads one declaration in one pass.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(bytes: &[u8]) -> Result<Declared, DeclarationRefusal> {
    let mut reader = Reader::default();
    let mut refused = None;
    let walked = walk(bytes, NAMESPACE, |step| {
        reader.see(step).map_err(|refusal| match refusal {
            DeclarationRefusal::Xml(xml) => xml,
            own => {
                refused = Some(own);
                // Ends the walk; what is told is above.
                XmlRefusal::XmlNotUtf8
            }
        })
    });
    if let Some(refused) = refused {
        return Err(refused);
    }
    let root = walked.map_err(|refusal| placed(refusal, reader.items.len()))?;
    if !ROOTS.contains(&root.as_str()) {
        let (expected, got) = (format!("{NAMESPACE}{}", ROOTS[0]), format!("{NAMESPACE}{root}"));
        return Err(XmlRefusal::XmlOtherMessage { expected, got }.into());
    }
    if reader.items.is_empty() {
        return Err(DeclarationRefusal::DeclarationWithoutItems);
    }
    Ok(Declared { reference: reader.reference, items: reader.items })
}

#[derive(Default)]
struct Reader {
    reference: Option<String>,
    items: Vec<DeclaredItem>,
    item: DeclaredItem,
    statistical: Option<Money>,
    /// Of the classification under way: its number and what it is.
    class: (String, String),
    classes: Vec<(String, String)>,
    duty: DeclaredDuty,
}

impl Reader {
    fn see(&mut self, step: Step<'_>) -> Result<(), DeclarationRefusal> {
        match step {
            Step::Start(at) => match at.name() {
                ITEM if self.items.len() >= ITEMS_MAX => {
                    Err(DeclarationRefusal::TooManyItems { line: at.line(), max: ITEMS_MAX })
                }
                ITEM => {
                    self.item = DeclaredItem::default();
                    self.statistical = None;
                    self.classes.clear();
                    Ok(())
                }
                "Classification" => {
                    self.class = Default::default();
                    self.room(&at, self.classes.len())
                }
                "DutyTaxFee" => {
                    self.duty = DeclaredDuty::default();
                    self.room(&at, self.item.duties.len())
                }
                _ => Ok(()),
            },
            Step::End(at) => self.end(&at),
        }
    }

    fn room(&self, at: &At<'_>, parts: usize) -> Result<(), DeclarationRefusal> {
        if parts < PARTS_MAX {
            return Ok(());
        }
        let element = numbered(&at.element(), self.items.len());
        Err(DeclarationRefusal::TooManyParts { line: at.line(), element, max: PARTS_MAX })
    }

    fn end(&mut self, at: &At<'_>) -> Result<(), DeclarationRefusal> {
        if at.ends(&["Declaration", "FunctionalReferenceID"]) {
            self.reference = Some(at.text.to_owned());
        }
        if at.name() == ITEM {
            return self.finish(at);
        }
        if !at.inside(ITEM) {
            return Ok(());
        }
        let text = || Some(at.text.to_owned()).filter(|text| !text.is_empty());
        if at.ends(&[ITEM, "SequenceNumeric"]) {
            self.item.number = at.text.parse().map_err(|_| at.not_taken())?;
        } else if at.ends(&[ITEM, "CustomsValueAmount"]) {
            self.item.customs_value = Some(at.amount()?);
        } else if at.ends(&[ITEM, "StatisticalValueAmount"]) {
            self.statistical = Some(at.amount()?);
        } else if at.ends(&[ITEM, "Commodity", "InvoiceLine", "ItemChargeAmount"]) {
            self.item.price = Some(at.amount()?);
        } else if at.ends(&[ITEM, "Origin", "CountryCode"]) {
            let origin = at.text.parse().map_err(|_| at.not_taken())?;
            self.item.origin.get_or_insert(origin);
        } else if at.ends(&["Commodity", "Classification", "ID"]) {
            self.class.0 = at.text.to_owned();
        } else if at.ends(&["Commodity", "Classification", "IdentificationTypeCode"]) {
            self.class.1 = at.text.to_owned();
        } else if at.ends(&[ITEM, "Commodity", "Classification"]) {
            self.classes.push(std::mem::take(&mut self.class));
        } else if at.ends(&["GoodsMeasure", "NetNetWeightMeasure"]) {
            self.item.net_milligrams = Some(mass(at)?);
        } else if at.ends(&["DutyTaxFee", "TypeCode"]) {
            self.duty.kind = at.text.to_owned();
        } else if at.ends(&["DutyTaxFee", "DutyRegimeCode"]) {
            if self.item.preference.is_none() {
                self.item.preference = text();
            }
        } else if at.ends(&["DutyTaxFee", "TaxRateNumeric"]) {
            let rate = parse_fixed(at.text, 6).ok().filter(|rate| *rate >= 0);
            self.duty.rate_millionths = Some(rate.ok_or_else(|| at.not_taken())?);
        } else if at.ends(&["DutyTaxFee", "AdValoremTaxBaseAmount"]) {
            self.duty.base = Some(at.amount()?);
        } else if at.ends(&["DutyTaxFee", "Payment", "TaxAssessedAmount"]) {
            self.duty.assessed = Some(at.amount()?);
        } else if at.ends(&[ITEM, "Commodity", "DutyTaxFee"]) {
            let duty = std::mem::take(&mut self.duty);
            // One that only names the preference is no duty.
            if !duty.kind.is_empty() || duty.assessed.is_some() {
                self.item.duties.push(duty);
            }
        }
        Ok(())
    }

    fn finish(&mut self, at: &At<'_>) -> Result<(), DeclarationRefusal> {
        let is_code = |text: &str| (6..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let code = self.classes.iter().find(|(id, _)| is_code(id)).map(|(id, _)| id.clone());
        let Some(mut code) = code else {
            let got = self.classes.first().map(|(id, _)| id.chars().take(20).collect()).unwrap_or_default();
            let element = numbered(&format!("{}/Commodity/Classification/ID", at.element()), self.items.len());
            return Err(DeclarationRefusal::DeclarationCode { line: at.line(), element, got });
        };
        let more = self.classes.iter().find(|(id, kind)| kind == "TRC" && id.bytes().all(|b| b.is_ascii_digit()));
        if let Some((more, _)) = more.filter(|(more, _)| code.len() + more.len() <= 10) {
            code.push_str(more);
        }
        let mut item = std::mem::take(&mut self.item);
        item.code = code;
        item.customs_value = item.customs_value.or(self.statistical.take());
        self.items.push(item);
        Ok(())
    }
}

/// A mass in kilograms (`KGM`) or grams (`GRM`), as thousandths of a gram.
fn mass(at: &At<'_>) -> Result<i64, DeclarationRefusal> {
    let decimals = match at.attribute_unit() {
        // The schema's own default.
        None | Some("KGM") => 6,
        Some("GRM") => 3,
        Some(_) => return Err(at.not_taken().into()),
    };
    let mass = parse_fixed(at.text, decimals).ok().filter(|mass| *mass >= 0);
    mass.ok_or_else(|| at.not_taken().into())
}

/// The path with the number of the goods item, counted from 1.
fn numbered(element: &str, before: usize) -> String {
    element.replacen(ITEM, &format!("{ITEM}[{}]", before + 1), 1)
}

fn placed(refusal: XmlRefusal, before: usize) -> DeclarationRefusal {
    let named = |element: String| numbered(&element, before);
    DeclarationRefusal::Xml(match refusal {
        XmlRefusal::XmlBroken { line, element, detail } => {
            XmlRefusal::XmlBroken { line, element: named(element), detail }
        }
        XmlRefusal::XmlTextTooLong { line, element, max } => {
            XmlRefusal::XmlTextTooLong { line, element: named(element), max }
        }
        XmlRefusal::ValueNotTaken { line, element, got } => {
            XmlRefusal::ValueNotTaken { line, element: named(element), got }
        }
        XmlRefusal::AmountNotTaken { line, element, cause } => {
            XmlRefusal::AmountNotTaken { line, element: named(element), cause }
        }
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trade::money::{Currency, MoneyError};

    use super::*;

    /// Two goods items: cotton shirts, and shoes with a preference. Written for these tests.
    const SAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<md:MetaData xmlns:md="urn:wco:datamodel:WCO:DocumentMetaData-DMS:2">
<Declaration xmlns="urn:wco:datamodel:WCO:DEC-DMS:2">
  <FunctionalReferenceID>LRN-7</FunctionalReferenceID>
  <GoodsShipment>
    <GovernmentAgencyGoodsItem>
      <CustomsValueAmount currencyID="GBP">1200.50</CustomsValueAmount>
      <SequenceNumeric>1</SequenceNumeric>
      <Commodity>
        <Description>Cotton shirts</Description>
        <Classification><ID>61051000</ID><IdentificationTypeCode>TSP</IdentificationTypeCode></Classification>
        <Classification><ID>00</ID><IdentificationTypeCode>TRC</IdentificationTypeCode></Classification>
        <DutyTaxFee><DutyRegimeCode>100</DutyRegimeCode><TypeCode>A00</TypeCode>
          <AdValoremTaxBaseAmount currencyID="GBP">1200.50</AdValoremTaxBaseAmount>
          <TaxRateNumeric>12.00</TaxRateNumeric>
          <Payment><TaxAssessedAmount currencyID="GBP">144.06</TaxAssessedAmount></Payment></DutyTaxFee>
        <GoodsMeasure><NetNetWeightMeasure unitCode="KGM">35.5</NetNetWeightMeasure></GoodsMeasure>
        <InvoiceLine><ItemChargeAmount currencyID="USD">1500.00</ItemChargeAmount></InvoiceLine>
      </Commodity>
      <Origin><CountryCode>CN</CountryCode><TypeCode>1</TypeCode></Origin>
    </GovernmentAgencyGoodsItem>
    <GovernmentAgencyGoodsItem>
      <SequenceNumeric>2</SequenceNumeric>
      <StatisticalValueAmount currencyID="GBP">80.00</StatisticalValueAmount>
      <Commodity>
        <Classification><ID>6404110000</ID></Classification>
        <DutyTaxFee><DutyRegimeCode>300</DutyRegimeCode></DutyTaxFee>
      </Commodity>
      <Origin><CountryCode>VN</CountryCode></Origin>
    </GovernmentAgencyGoodsItem>
  </GoodsShipment>
</Declaration>
</md:MetaData>"#;

    fn gbp(text: &str) -> Option<Money> {
        Some(Money::parse(text, "GBP".parse().unwrap()).unwrap())
    }

    #[test]
    fn each_goods_item_is_read_with_what_its_duty_needs() {
        let read = read(SAMPLE.as_bytes()).unwrap();
        assert_eq!(read.reference.as_deref(), Some("LRN-7"));
        let [shirts, shoes] = &read.items[..] else { panic!("{read:?}") };
        assert_eq!((shirts.number, shirts.code.as_str()), (1, "6105100000"));
        assert_eq!((shirts.customs_value, shirts.origin), (gbp("1200.50"), Some(Country::CN)));
        assert_eq!(shirts.price, Some(Money::parse("1500.00", Currency::USD).unwrap()));
        // 35.5 kg are 35,500,000 mg
        assert_eq!(shirts.net_milligrams, Some(35_500_000));
        let [duty] = &shirts.duties[..] else { panic!("{shirts:?}") };
        // 12 % of 1200.50 is 144.06
        assert_eq!((duty.kind.as_str(), duty.rate_millionths, duty.assessed), ("A00", Some(12_000_000), gbp("144.06")));
        assert_eq!((shoes.code.as_str(), shoes.customs_value), ("6404110000", gbp("80.00")));
        assert_eq!((shoes.preference.as_deref(), &shoes.duties[..]), (Some("300"), &[][..]));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let item = "Declaration/GoodsShipment/GovernmentAgencyGoodsItem[2]";
        let refused = |from: &str, to: &str| {
            assert!(SAMPLE.contains(from), "{from}");
            read(SAMPLE.replacen(from, to, 1).as_bytes()).unwrap_err()
        };
        let place = |refusal: DeclarationRefusal| match refusal {
            DeclarationRefusal::Xml(
                XmlRefusal::ValueNotTaken { element, .. } | XmlRefusal::AmountNotTaken { element, .. },
            )
            | DeclarationRefusal::DeclarationCode { element, .. } => element,
            other => panic!("{other:?}"),
        };
        let root = "MetaData/";
        assert_eq!(place(refused(">VN<", ">Vietnam<")), format!("{root}{item}/Origin/CountryCode"));
        assert_eq!(place(refused("80.00", "NaN")), format!("{root}{item}/StatisticalValueAmount"));
        assert_eq!(place(refused("80.00", "80,00")), format!("{root}{item}/StatisticalValueAmount"));
        assert_eq!(place(refused("80.00", "-80.00")), format!("{root}{item}/StatisticalValueAmount"));
        assert_eq!(place(refused("6404110000", "6404")), format!("{root}{item}/Commodity/Classification/ID"));
        let stone = refused("unitCode=\"KGM\"", "unitCode=\"STI\"");
        assert_eq!(
            place(stone),
            format!("{root}{}/Commodity/GoodsMeasure/NetNetWeightMeasure", item.replace('2', "1"))
        );
        let currency = refused("currencyID=\"GBP\">80", ">80");
        let cause = matches!(
            currency,
            DeclarationRefusal::Xml(XmlRefusal::AmountNotTaken { cause: MoneyError::UnknownCurrency { .. }, .. })
        );
        assert!(cause, "{currency:?}");
    }

    #[test]
    fn other_documents_and_attacks_are_refused() {
        let other = SAMPLE.replace("DocumentMetaData-DMS:2", "RES-DMS:2");
        assert!(matches!(read(other.as_bytes()), Err(DeclarationRefusal::Xml(XmlRefusal::XmlOtherMessage { .. }))));
        let entity = SAMPLE.replacen("<md:MetaData", "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///\">]><md:MetaData", 1);
        assert!(matches!(read(entity.as_bytes()), Err(DeclarationRefusal::Xml(XmlRefusal::XmlDocumentType { .. }))));
        let start = SAMPLE.find("<GoodsShipment>").unwrap();
        let end = SAMPLE.find("</GoodsShipment>").unwrap();
        let empty = format!("{}<GoodsShipment>{}", &SAMPLE[..start], &SAMPLE[end..]);
        assert_eq!(read(empty.as_bytes()), Err(DeclarationRefusal::DeclarationWithoutItems));
        let item = &SAMPLE[SAMPLE.find("<GovernmentAgencyGoodsItem>").unwrap()..end];
        let many = SAMPLE.replacen("<GoodsShipment>", &format!("<GoodsShipment>{}", item.repeat(500)), 1);
        assert!(matches!(read(many.as_bytes()), Err(DeclarationRefusal::TooManyItems { max: ITEMS_MAX, .. })));
    }

    proptest! {
        #[test]
        fn no_altered_declaration_makes_the_reader_panic(at in any::<prop::sample::Index>(), noise in ".{0,12}", cut in any::<prop::sample::Index>()) {
            let place = at.index(SAMPLE.len());
            let (before, after) = SAMPLE.split_at(place);
            let _ = read(format!("{before}{noise}{after}").as_bytes());
            let _ = read(&SAMPLE.as_bytes()[..cut.index(SAMPLE.len())]);
            let _ = read(noise.as_bytes());
        }
    }
}
