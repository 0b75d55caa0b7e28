//! The pre-alert of a consignment of many parcels: until when it must be there, and which parcels it
//! lets pass without an entry of their own.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::conditions::hs_prefixes;
use super::load::Common;
use super::reader::{Fields, Problem};
use super::{Direction, Mode, Regime, RuleInfo, Rulebook};
use crate::codes::{Country, HsCode, Place};
use crate::money::{Currency, Money};
use crate::quantity::Grams;
use crate::time::BusinessTime;

/// What a territory asks of a manifest that comes before its parcels.
#[derive(Clone, Debug)]
pub struct PreAlertRule {
    pub info: Arc<RuleInfo>,
    /// By which ways it is open.
    pub modes: Vec<Mode>,
    /// Where such consignments may arrive; none means anywhere.
    pub places: Vec<Place>,
    /// How long before arrival it must be there.
    pub lead_minutes: i64,
    /// The value of a consignment to one person with freight, up to which it may pass by list.
    pub most_value: Money,
    pub heaviest: Grams,
    /// Goods that never pass by list, by the beginning of their code.
    pub never: Vec<String>,
}

/// What is asked about one parcel.
#[derive(Clone, Debug)]
pub struct ParcelFacts<'a> {
    /// Goods with freight, in the currency of the territory.
    pub value: Money,
    pub gross: Grams,
    pub goods: Vec<(&'a HsCode, Country)>,
}

/// Why a parcel cannot pass by list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ListBar {
    /// The pre-alert came too late for any parcel.
    PreAlertLate,
    /// The list is open to other ways of transport alone.
    ModeNotByList {
        mode: Mode,
    },
    /// Nor at this place.
    PlaceNotByList {
        place: Place,
    },
    ValueNotByList {
        value: Money,
        most: Money,
    },
    WeightNotByList {
        got: Grams,
        most: Grams,
    },
    NeverByList {
        hs: HsCode,
    },
    PermitNotByList {
        hs: HsCode,
        rule: String,
    },
    /// What is in it is not known here.
    UnknownNotByList,
}

impl PreAlertRule {
    pub(super) fn read(f: &mut Fields<'_>, common: &Common, currency: Currency) -> Option<Self> {
        let modes = f.many_of("mode", &Mode::ALL);
        if modes.is_empty() {
            f.error("mode", Problem::Missing);
        }
        let places = f.texts("place").into_iter().filter_map(|got| match got.parse() {
            Ok(place) => Some(place),
            Err(_) => {
                f.error("place", Problem::NotACode { got });
                None
            }
        });
        let places = places.collect();
        let lead_minutes = f.integer("lead-minutes", 1, 100_000);
        let most_value = f.amount("most-value", currency);
        let heaviest = f.integer("heaviest-grams", 1, 1_000_000);
        let never = hs_prefixes(f, "never");
        Some(Self {
            info: common.info.clone(),
            modes,
            places,
            lead_minutes: lead_minutes?,
            most_value: most_value?,
            heaviest: Grams(heaviest?),
            never,
        })
    }

    /// Until when the pre-alert of what arrives at `arrives` must be there.
    #[must_use]
    pub const fn deadline(&self, arrives: BusinessTime) -> BusinessTime {
        arrives.plus_seconds(-self.lead_minutes.saturating_mul(60))
    }

    /// Why nothing of a consignment passes by list, by how and where it comes.
    #[must_use]
    pub fn closed_to(&self, mode: Mode, place: &Place) -> Option<ListBar> {
        if !self.modes.contains(&mode) {
            return Some(ListBar::ModeNotByList { mode });
        }
        let open = self.places.is_empty() || self.places.contains(place);
        (!open).then(|| ListBar::PlaceNotByList { place: place.clone() })
    }

    /// Every reason why one parcel needs an entry of its own; none where it passes by list.
    #[must_use]
    pub fn reasons(&self, parcel: &ParcelFacts<'_>, mode: Mode, book: &Rulebook, date: Date) -> Vec<ListBar> {
        let mut reasons = Vec::new();
        // Another currency than the territory's cannot be compared: it does not pass unseen.
        if parcel.value.compare(self.most_value).map_or(true, Ordering::is_gt) {
            reasons.push(ListBar::ValueNotByList { value: parcel.value, most: self.most_value });
        }
        if parcel.gross > self.heaviest {
            reasons.push(ListBar::WeightNotByList { got: parcel.gross, most: self.heaviest });
        }
        for (hs, origin) in &parcel.goods {
            if self.never.iter().any(|prefix| hs.is_under(prefix)) {
                reasons.push(ListBar::NeverByList { hs: (*hs).clone() });
            }
            let case = super::Case {
                hs: Some(hs),
                origin: Some(*origin),
                mode: Some(mode),
                ..super::Case::of(Regime::B2cParcel, Direction::Import)
            };
            let met = |r: &&super::Restriction| r.info.holds_on(date) && r.when.met(&case);
            if let Some(restriction) = book.restrictions.iter().find(met) {
                reasons.push(ListBar::PermitNotByList { hs: (*hs).clone(), rule: restriction.info.id.to_string() });
            }
        }
        reasons.dedup();
        reasons
    }
}

impl Rulebook {
    /// The rule on pre-alerts that holds on a day.
    #[must_use]
    pub fn pre_alert(&self, date: Date) -> Option<&PreAlertRule> {
        self.pre_alerts.iter().find(|rule| rule.info.holds_on(date))
    }
}
