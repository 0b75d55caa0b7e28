//! What of the buyer's money goes back, part by part, and how the rest of a payment is divided then.

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError};
use crate::quote::Quote;

/// Money that goes back to the buyer, in the buyer's currency: of the goods, of the freight, of the tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub goods: Money,
    pub freight: Money,
    pub tax: Money,
}

impl Refund {
    #[must_use]
    pub const fn nothing(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { goods: zero, freight: zero, tax: zero }
    }

    /// The whole price to the door.
    #[must_use]
    pub const fn everything(quote: &Quote) -> Self {
        Self { goods: quote.landed.goods, freight: quote.landed.freight, tax: quote.landed.tax }
    }

    /// So much of goods and freight: of the goods first, for they are what the buyer complains of.
    /// `tax_follows` says whether the law works tax out on the lowered price; then it is lowered in the
    /// share of the goods, rounded once, half up.
    pub fn of_price(quote: &Quote, amount: Money, tax_follows: bool) -> Result<Self, MoneyError> {
        let landed = &quote.landed;
        let goods = if amount.minor() > landed.goods.minor() { landed.goods } else { amount };
        let freight = amount.minus(goods)?;
        let whole = i128::from(landed.goods.minor().max(1));
        let tax = if tax_follows {
            landed.tax.scaled(i128::from(goods.minor()), whole)?
        } else {
            Money::zero(landed.tax.currency())
        };
        Ok(Self { goods, freight, tax })
    }

    pub fn total(&self) -> Result<Money, MoneyError> {
        self.goods.plus(self.freight)?.plus(self.tax)
    }

    /// Whether each part is at least nothing and at most what was paid of it.
    #[must_use]
    pub fn fits(&self, quote: &Quote) -> bool {
        let landed = &quote.landed;
        let fits = |part: Money, whole: Money| {
            part.currency() == whole.currency() && (0..=whole.minor()).contains(&part.minor())
        };
        fits(self.goods, landed.goods) && fits(self.freight, landed.freight) && fits(self.tax, landed.tax)
    }

    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.goods.is_zero() && self.freight.is_zero() && self.tax.is_zero()
    }

    /// Whether the seller sells nothing at all.
    #[must_use]
    pub fn is_of_all_goods(&self, quote: &Quote) -> bool {
        self.goods == quote.landed.goods
    }
}

/// Whom a payment goes to in the end. The parts sum to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    pub tax: Money,
    pub fee: Money,
    pub due: Money,
    pub back: Money,
}

/// Divides the payment for a quote. The hub's fee is taken on what is sold: of goods that go back it
/// takes none.
pub fn shares(quote: &Quote, refund: Option<&Refund>) -> Result<Shares, MoneyError> {
    let landed = &quote.landed;
    let Some(refund) = refund else {
        let back = Money::zero(landed.total.currency());
        return Ok(Shares { tax: landed.tax, fee: quote.import_fee, due: quote.due, back });
    };
    let tax = landed.tax.minus(refund.tax)?;
    let fee = fee_kept(quote.import_fee, quote, refund)?;
    let back = refund.total()?;
    let due = landed.total.minus(back)?.minus(tax)?.minus(fee)?;
    Ok(Shares { tax, fee, due, back })
}

/// The part of a fee on all goods that is due on those that stay sold.
pub fn fee_kept(fee: Money, quote: &Quote, refund: &Refund) -> Result<Money, MoneyError> {
    let kept = quote.landed.goods.minus(refund.goods)?;
    if quote.landed.goods.is_zero() {
        return Ok(fee);
    }
    let parts = fee.split(&[kept.minor(), refund.goods.minor()])?;
    Ok(parts.first().copied().unwrap_or(fee))
}

/// What comes of a release on the exporting hub, in its currency: the carrier first, then the hub, then
/// the seller. The parts sum to what came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeShares {
    pub freight: Money,
    pub fee: Money,
    pub rest: Money,
}

/// Divides what came in. Where nothing is sold, all that comes is the carrier's; else nobody gets more
/// than there is.
pub fn home_shares(
    credit: Money,
    freight: Money,
    fee: Money,
    quote: &Quote,
    refund: &Refund,
) -> Result<HomeShares, MoneyError> {
    let zero = Money::zero(credit.currency());
    if refund.is_of_all_goods(quote) {
        return Ok(HomeShares { freight: credit, fee: zero, rest: zero });
    }
    let least = |a: Money, b: Money| if a.minor() < b.minor() { a } else { b };
    let freight = least(freight, credit);
    let left = credit.minus(freight)?;
    let fee = least(fee_kept(fee, quote, refund)?, left);
    Ok(HomeShares { freight, fee, rest: left.minus(fee)? })
}
