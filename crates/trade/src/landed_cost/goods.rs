//! One line of an order as charges see it.

use super::{AskLine, LandedCostRefusal, Order, Used};
use crate::money::{Money, Rate};
use crate::quantity::{Content, ContentUnit};
use crate::rulebook::{Basis, ConsumptionTax, HsNumber, Knowledge, Levied, Per, RuleInfo, TariffRow, When, Within};

/// A line with its share of the freight and its customs value.
pub(super) struct Line<'a> {
    pub number: u32,
    pub ask: &'a AskLine,
    pub code: HsNumber,
    pub freight: Money,
    /// The customs value.
    pub value: Money,
    /// The worst of the rules that rule the order as a whole.
    pub known: Knowledge,
}

/// The tariff's rates of a line, and how well each is known.
pub(super) struct LineRates<'a> {
    pub row: &'a TariffRow,
    /// The table, the positive list and the consumption tax.
    pub known: Knowledge,
    /// None where the row does not say.
    pub tax: Option<Rate>,
    pub tax_known: Knowledge,
    pub consumption: Option<(&'a ConsumptionTax, Due)>,
}

/// Whether a consumption tax is due.
#[derive(Clone, Copy)]
pub(super) enum Due {
    Yes(Rate),
    Below { per: Per, price: Money, threshold: Money },
}

impl<'a> Line<'a> {
    pub fn new(order: &Order<'a>, at: usize, ask: &'a AskLine, freight: Money) -> Result<Self, LandedCostRefusal> {
        let value = match order.rules.base().basis {
            Basis::Goods | Basis::Item => ask.value,
            Basis::GoodsAndFreight => ask.value.plus(freight)?,
        };
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        Ok(Self { number, ask, code: HsNumber::from(&ask.hs), freight, value, known: order.known })
    }

    /// Quantities of all pieces together, as far as they are told.
    pub fn levied(&self, base: Money) -> Levied {
        let all = |of_one: i64| of_one.checked_mul(self.ask.pieces);
        let content = |unit| self.ask.content.filter(|content| content.unit == unit).map(|content| content.milli);
        let whole = |milli: i64| all(milli).map(|milli| milli.div_euclid(1_000));
        // milli is thousandths of a millilitre, and strength is thousandths: 700 ml of 40 % are 280 ml of alcohol
        let alcohol = |content: Content| {
            let milli = i128::from(all(content.milli)?) * i128::from(content.strength?.tenths());
            i64::try_from(milli / 1_000).ok()
        };
        Levied {
            value: base,
            grams: self.ask.net.map(|net| net.0).and_then(all).or_else(|| content(ContentUnit::G).and_then(whole)),
            millilitres: content(ContentUnit::Ml).and_then(whole),
            alcohol: self.ask.content.filter(|content| content.unit == ContentUnit::Ml).and_then(alcohol),
            pieces: self.ask.pieces,
        }
    }

    pub fn unknown(&self, rule: Option<&RuleInfo>) -> LandedCostRefusal {
        let rule = rule.map(|rule| rule.id.clone());
        LandedCostRefusal::RateUnknown { line: self.number, hs: self.ask.hs.clone(), rule }
    }

    pub fn too_short(&self, digits: u32, rule: &RuleInfo) -> LandedCostRefusal {
        let (line, hs) = (self.number, self.ask.hs.clone());
        LandedCostRefusal::CodeTooShort { line, hs, digits, rule: rule.id.clone() }
    }

    /// Whether what concerns the goods of a line is fulfilled: their code, the price of a piece, their origin.
    pub fn fits(
        &self,
        order: &Order<'a>,
        when: &When,
        rule: &RuleInfo,
        used: &mut Used<'a>,
    ) -> Result<bool, LandedCostRefusal> {
        if let Some(set) = &when.hs_in {
            match set.within(self.code) {
                Within::Yes => {}
                Within::No => return Ok(false),
                Within::Digits(digits) => return Err(self.too_short(digits, rule)),
            }
        }
        if !when.hs_out.is_empty() {
            match when.hs_out.within(self.code) {
                Within::Yes => return Ok(false),
                Within::No => {}
                Within::Digits(digits) => return Err(self.too_short(digits, rule)),
            }
        }
        for threshold in when.values.iter().filter(|threshold| threshold.basis == Basis::Item) {
            if !order.holds((self.ask.value, self.ask.pieces), threshold, rule, used)? {
                return Ok(false);
            }
        }
        if when.origins.is_empty() && when.origins_out.is_empty() {
            return Ok(true);
        }
        let Some(origin) = self.ask.origin else {
            let (line, hs, rule) = (self.number, self.ask.hs.clone(), rule.id.clone());
            return Err(LandedCostRefusal::OriginMissing { line, hs, rule });
        };
        Ok((when.origins.is_empty() || when.origins.contains(&origin)) && !when.origins_out.contains(&origin))
    }

    /// The positive list where there is one, then the row of the tariff and the consumption tax that it names.
    pub fn rates(&self, order: &Order<'a>, used: &mut Used<'a>) -> Result<LineRates<'a>, LandedCostRefusal> {
        let (book, date, hs) = (order.book, order.ask.date, &self.ask.hs);
        let mut known = self.known;
        if order.rules.has_list() {
            let list = book.list(order.ask.regime, hs, date).filter(|list| list.info.knowledge != Knowledge::Unknown);
            let list = list.ok_or_else(|| LandedCostRefusal::ListUnknown { line: self.number, hs: hs.clone() })?;
            known = known.max(used.note(&list.info)?);
        }
        let row = book.tariff.row(hs, date).ok_or_else(|| self.unknown(None))?;
        if row.table.knowledge == Knowledge::Unknown {
            return Err(self.unknown(Some(&row.table)));
        }
        known = known.max(used.note(&row.table)?);
        let mut tax_known = known;
        if let Some(choice) = row.vat_choice.as_ref().filter(|_| row.vat.is_some()) {
            tax_known = tax_known.max(used.note(choice)?);
        }
        let consumption = match book.tariff.consumption_tax(row, date) {
            None => None,
            Some(None) => return Err(self.unknown(None)),
            Some(Some(tax)) => {
                let rate = tax.rate.filter(|_| tax.info.knowledge != Knowledge::Unknown);
                let rate = rate.ok_or_else(|| self.unknown(Some(&tax.info)))?;
                known = known.max(used.note(&tax.info)?);
                tax_known = tax_known.max(known);
                Some((tax, self.due(tax, rate)?))
            }
        };
        Ok(LineRates { row, known, tax: row.vat, tax_known, consumption })
    }

    /// Whether the price of a unit reaches the threshold. Compared by products, so nothing is rounded.
    fn due(&self, tax: &ConsumptionTax, rate: Rate) -> Result<Due, LandedCostRefusal> {
        if tax.tests.is_empty() {
            return Ok(Due::Yes(rate));
        }
        let (line, hs) = (self.number, &self.ask.hs);
        let missing = || LandedCostRefusal::ContentMissing { line, hs: hs.clone(), rule: tax.info.id.clone() };
        let test = tax.test_for(self.ask.content).ok_or_else(missing)?;
        // thousandths of a unit in all pieces
        let milli = match (test.per, self.ask.content) {
            (Per::Article, _) => 1_000,
            (_, Some(content)) => content.milli,
            (_, None) => return Err(missing()),
        };
        let units =
            i128::from(self.ask.pieces).checked_mul(i128::from(milli)).ok_or(LandedCostRefusal::AmountTooLarge)?;
        let price = i128::from(self.value.minor()) * 1_000;
        let threshold =
            i128::from(test.at_least.minor()).checked_mul(units).ok_or(LandedCostRefusal::AmountTooLarge)?;
        if price >= threshold {
            return Ok(Due::Yes(rate));
        }
        let price = self.value.scaled(1_000, units)?;
        Ok(Due::Below { per: test.per, price, threshold: test.at_least })
    }
}
