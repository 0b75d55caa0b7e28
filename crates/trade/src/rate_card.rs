//! What the carriage of a parcel costs, from a carrier's rate card.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::money::{Money, MoneyError};
use crate::quantity::{Grams, Size};
use crate::rulebook::{Mode, RuleId, RuleInfo};

/// A rate card by weight: a price up to a first weight, and one for each further step begun.
#[derive(Clone, Debug)]
pub struct RateCard {
    pub info: Arc<RuleInfo>,
    /// The carrier's service, `economy`.
    pub service: String,
    /// By what it goes, where the card says so.
    pub mode: Option<Mode>,
    pub first_weight: Grams,
    pub first_price: Money,
    pub step_weight: Grams,
    pub step_price: Money,
    /// Cubic centimetres that count as one kilogram; 6,000 by the airlines' rule.
    pub volume_divisor: i64,
    /// The heaviest parcel, by chargeable weight.
    pub heaviest: Grams,
    /// The longest side of a piece, in millimetres.
    pub longest_mm: i64,
    /// The most pieces in a parcel.
    pub most_pieces: i64,
}

/// Equal pieces of a parcel as packed. A piece without a size counts by weight alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    pub count: i64,
    /// Gross weight of one piece.
    pub each: Grams,
    /// Outer size of one piece.
    pub size: Option<Size>,
}

/// The price of carriage and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freight {
    pub amount: Money,
    pub gross: Grams,
    /// What the volume weighs, rounded up to the gram; zero where no piece has a size.
    pub volume: Grams,
    /// The greater of the two.
    pub chargeable: Grams,
    /// Steps begun after the first weight.
    pub steps: i64,
    pub rule: RuleId,
    pub source: Arc<str>,
}

/// Why there is no price of carriage. `piece` counts from 0, as given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum FreightRefusal {
    NothingToCarry,
    /// Together fewer than one or more than the card takes.
    PiecesOutOfRange {
        piece: usize,
        count: i64,
        most: i64,
    },
    WeightNotPositive {
        piece: usize,
        weight: Grams,
    },
    /// A side of nothing, or longer than the card takes.
    SideOutOfRange {
        piece: usize,
        size: Size,
        longest_mm: i64,
    },
    TooHeavy {
        chargeable: Grams,
        heaviest: Grams,
    },
    AmountTooLarge,
}

impl fmt::Display for FreightRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for FreightRefusal {}

impl From<MoneyError> for FreightRefusal {
    fn from(_: MoneyError) -> Self {
        Self::AmountTooLarge
    }
}

/// Prices one parcel: the first weight, then each further step that its chargeable weight begins.
///
/// The chargeable weight is the greater of the gross weight and the volume over the card's divisor.
/// Checks run in this order: pieces given; then for each its count, weight and sides; then the
/// chargeable weight.
///
/// # Errors
/// The first check that fails.
pub fn freight(card: &RateCard, pieces: &[Packed]) -> Result<Freight, FreightRefusal> {
    if pieces.is_empty() {
        return Err(FreightRefusal::NothingToCarry);
    }
    let mut total = 0_i64;
    let mut gross = 0_i128;
    let mut cubic_mm = 0_i128;
    for (piece, packed) in pieces.iter().enumerate() {
        let count = packed.count;
        total = total.saturating_add(count);
        if count < 1 || total > card.most_pieces {
            return Err(FreightRefusal::PiecesOutOfRange { piece, count, most: card.most_pieces });
        }
        if packed.each.0 < 1 {
            return Err(FreightRefusal::WeightNotPositive { piece, weight: packed.each });
        }
        // count ≤ most_pieces and each side ≤ longest_mm, so neither product can overflow
        gross += i128::from(count) * i128::from(packed.each.0);
        if let Some(size) = packed.size {
            let fits = |side: i64| (1..=card.longest_mm).contains(&side);
            if ![size.length_mm, size.width_mm, size.height_mm].into_iter().all(fits) {
                return Err(FreightRefusal::SideOutOfRange { piece, size, longest_mm: card.longest_mm });
            }
            cubic_mm += i128::from(count) * size.cubic_mm();
        }
    }
    // mm³ / 1,000 is cm³, over the divisor is kg, times 1,000 is g: mm³ / divisor, begun grams count
    let divisor = i128::from(card.volume_divisor);
    let volume = cubic_mm.div_euclid(divisor) + i128::from(cubic_mm.rem_euclid(divisor) > 0);
    let grams = |weight: i128| Grams(i64::try_from(weight).unwrap_or(i64::MAX));
    let chargeable = grams(gross.max(volume));
    if chargeable > card.heaviest {
        return Err(FreightRefusal::TooHeavy { chargeable, heaviest: card.heaviest });
    }
    let beyond = (chargeable.0 - card.first_weight.0).max(0);
    let step = card.step_weight.0;
    let steps = beyond.div_euclid(step) + i64::from(beyond.rem_euclid(step) > 0);
    Ok(Freight {
        amount: card.first_price.plus(card.step_price.times(steps)?)?,
        gross: grams(gross),
        volume: grams(volume),
        chargeable,
        steps,
        rule: card.info.id.clone(),
        source: card.info.source.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::rulebook::test_books;
    use proptest::prelude::*;

    fn card() -> &'static RateCard {
        &test_books().lanes[0].rate_cards[0]
    }

    fn piece(count: i64, grams: i64) -> Packed {
        Packed { count, each: Grams(grams), size: None }
    }

    fn sized(count: i64, grams: i64, (length_mm, width_mm, height_mm): (i64, i64, i64)) -> Packed {
        Packed { size: Some(Size { length_mm, width_mm, height_mm }), ..piece(count, grams) }
    }

    #[test]
    fn each_half_kilogram_begun_costs_a_step() {
        let card = card();
        // RM 18.00 for the first 0.5 kg, RM 9.00 for each further 0.5 kg begun
        for (pieces, price, chargeable) in [
            (vec![piece(1, 1)], 1_800, 1),
            (vec![piece(1, 500)], 1_800, 500),
            (vec![piece(1, 501)], 2_700, 501),
            (vec![piece(2, 500)], 2_700, 1_000),
            (vec![piece(1, 400), piece(2, 400)], 3_600, 1_200),
            // 30 × 20 × 10 cm = 6,000 cm³ = 1.000 kg, more than 0.300 kg gross
            (vec![sized(1, 300, (300, 200, 100))], 2_700, 1_000),
            // 30.1 × 20 × 10 cm = 6,020 cm³ = 1,003.3 g, begun grams count: 1,004
            (vec![sized(1, 300, (301, 200, 100))], 3_600, 1_004),
            // the piece without a size adds weight only: 1.1 kg gross against 1.000 kg
            (vec![sized(1, 300, (300, 200, 100)), piece(1, 800)], 3_600, 1_100),
        ] {
            let freight = freight(card, &pieces).expect("the parcel is within the card");
            assert_eq!(freight.amount, Money::new(price, Currency::MYR), "{pieces:?}");
            assert_eq!(freight.chargeable, Grams(chargeable), "{pieces:?}");
        }
    }

    #[test]
    fn absurd_parcels_are_refused_and_nothing_overflows() {
        let card = card();
        let refusal = |pieces: &[Packed]| freight(card, pieces).map(|f| f.amount);
        assert_eq!(refusal(&[]), Err(FreightRefusal::NothingToCarry));
        for count in [0, -1, i64::MIN, i64::MAX] {
            let most = card.most_pieces;
            assert_eq!(refusal(&[piece(count, 1)]), Err(FreightRefusal::PiecesOutOfRange { piece: 0, count, most }));
        }
        for grams in [0, -1, i64::MIN] {
            let weight = Grams(grams);
            assert_eq!(refusal(&[piece(1, grams)]), Err(FreightRefusal::WeightNotPositive { piece: 0, weight }));
        }
        assert!(matches!(refusal(&[piece(1, i64::MAX)]), Err(FreightRefusal::TooHeavy { .. })));
        assert!(refusal(&[piece(1, 30_000)]).is_ok());
        assert!(matches!(refusal(&[piece(1, 30_001)]), Err(FreightRefusal::TooHeavy { .. })));
        for side in [0, -1, i64::MAX, 1_501] {
            assert!(matches!(
                refusal(&[sized(1, 100, (10, side, 10))]),
                Err(FreightRefusal::SideOutOfRange { piece: 0, .. })
            ));
        }
    }

    proptest! {
        #[test]
        fn more_weight_never_costs_less(grams in 1_i64..29_000, more in 0_i64..1_000) {
            let card = card();
            let price = |grams| freight(card, &[piece(1, grams)]).expect("within the card").amount.minor();
            prop_assert!(price(grams) <= price(grams + more));
        }
    }
}
