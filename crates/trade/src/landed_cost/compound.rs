//! A consumption tax of two parts, one of the value and one of a volume or a mass, both inside their own base. With
//! `base` the value and duty, `rate` and `specific` the two parts:
//!
//! ```text
//! tax            = (base + specific) / (1 − rate) × rate + specific  =  (base × rate + specific) / (1 − rate)
//! base with tax  = (base + specific) / (1 − rate)
//! ```

use super::charges::{Stated, Work};
use super::{FormulaKind, LandedCostRefusal, Used};
use crate::exact::Exact;
use crate::money::{Money, MoneyError, Rate};
use crate::rulebook::{ChargeRule, ConsumptionTax, DutyRate, Measure};

/// Such a tax, as it falls on one line.
pub(super) struct Compound {
    rate: Rate,
    specific: DutyRate,
    grams: Option<i64>,
    millilitres: Option<i64>,
    /// What the specific part comes to, in minor units.
    amount: Exact,
}

impl<'a> Work<'_, 'a> {
    /// # Errors
    /// The quantity that the tax counts is not told of the goods.
    pub(super) fn compound(
        &self,
        rule: &'a ChargeRule,
        tax: &'a ConsumptionTax,
        rate: Rate,
        base: Money,
        used: &mut Used<'a>,
    ) -> Result<Compound, LandedCostRefusal> {
        let specific = tax.specific.clone().unwrap_or(DutyRate::FREE);
        let levied = self.line.levied(base);
        let stated = Stated { rate: &specific, by: &tax.info, known: tax.info.knowledge };
        let amount = self.by_rate(rule, &stated, &levied, used)?;
        let counts = |measure| specific.measures().contains(&measure);
        let (grams, millilitres) = (counts(Measure::Mass), counts(Measure::Volume));
        let (grams, millilitres) = (levied.grams.filter(|_| grams), levied.millilitres.filter(|_| millilitres));
        Ok(Compound { rate, specific, grams, millilitres, amount })
    }
}

impl Compound {
    /// Not yet rounded.
    pub fn tax(&self, base: Money) -> Result<Exact, MoneyError> {
        let of_value = Exact::whole(base.minor()).times(exact(self.rate)?)?;
        of_value.plus(self.amount)?.over(without(self.rate)?)
    }

    fn with_tax(&self, base: Money) -> Result<Exact, MoneyError> {
        Exact::whole(base.minor()).plus(self.amount)?.over(without(self.rate)?)
    }

    /// A share of this tax and of VAT on what includes it, rounded once, and the VAT in it.
    pub fn shared(&self, base: Money, vat: Rate, share: Rate) -> Result<(Money, Money), MoneyError> {
        let of_vat = self.with_tax(base)?.times(exact(vat)?)?;
        let round = |amount: Exact| amount.times(exact(share)?)?.round(base.currency());
        Ok((round(self.tax(base)?.plus(of_vat)?)?, round(of_vat)?))
    }

    pub fn inside(&self) -> FormulaKind {
        let (grams, millilitres) = (self.grams, self.millilitres);
        FormulaKind::InsideCompound { specific: self.specific.clone(), grams, millilitres }
    }

    pub fn composite(&self, vat: Rate, share: Rate, line_tax: Money) -> FormulaKind {
        let (grams, millilitres, rate) = (self.grams, self.millilitres, self.specific.clone());
        FormulaKind::CompositeCompound { vat, consumption_tax: self.rate, share, rate, grams, millilitres, line_tax }
    }
}

/// What a rate comes to of the base, for display: the tax is inside its own base, and a share of it is levied.
pub(super) fn shown(rate: Rate, consumption_tax: Rate, share: Rate) -> Rate {
    let without_ct = i128::from(Rate::ONE.as_nano()) - i128::from(consumption_tax.as_nano());
    let nano = (i128::from(rate.as_nano()) * i128::from(share.as_nano())).div_euclid(without_ct);
    Rate::nano(i64::try_from(nano).unwrap_or(i64::MAX))
}

fn exact(rate: Rate) -> Result<Exact, MoneyError> {
    Exact::new(i128::from(rate.as_nano()), i128::from(Rate::ONE.as_nano()))
}

fn without(rate: Rate) -> Result<Exact, MoneyError> {
    let one = i128::from(Rate::ONE.as_nano());
    Exact::new(one - i128::from(rate.as_nano()), one)
}
