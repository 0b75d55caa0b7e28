//! What of a peer's goods can be bought here, by whom, and why some cannot. The shop says it before a price is
//! asked, and a quote asks the same.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::codes::Country;
use crate::hazard::Carriage;
use crate::money::FxRate;
use crate::product::Goods;
use crate::quote::QuoteRefusal;
use crate::rate_card::RateCard;
use crate::readiness::{Gap, readiness};
use crate::rulebook::{Fee, FeeSide, Regime, Rulebook};
use crate::site::Site;

/// Under what the shop sells: to consumers, and to registered businesses.
pub const REGIMES: [Regime; 2] = [Regime::B2cParcel, Regime::B2b];

/// The carriers' service that goods go by.
#[must_use]
pub const fn service(regime: Regime) -> &'static str {
    match regime {
        Regime::B2b => "freight",
        _ => "economy",
    }
}

/// A lane into this hub's territory, with all that a price on it needs on a date.
#[derive(Clone, Copy)]
pub struct OpenLane<'a> {
    site: &'a Site,
    pub regime: Regime,
    pub date: Date,
    pub rate_card: &'a RateCard,
    pub import_fee: &'a Fee,
    pub export_fee: &'a Fee,
    pub fx: &'a FxRate,
    export: &'a Rulebook,
    pub import: &'a Rulebook,
}

impl<'a> OpenLane<'a> {
    /// # Errors
    /// There is no such lane on this date.
    pub fn of(site: &'a Site, from: Country, regime: Regime, date: Date) -> Result<Self, QuoteRefusal> {
        let found = || {
            let lane = site.rulebooks.lane(from, site.territory, regime)?;
            Some(Self {
                site,
                regime,
                date,
                rate_card: lane.rate_card(service(regime), date)?,
                import_fee: lane.fee(FeeSide::ImportingHub, date)?,
                export_fee: lane.fee(FeeSide::ExportingHub, date)?,
                fx: &lane.fx_on(date)?.rate,
                export: site.rulebooks.book(from)?,
                import: site.rulebook()?,
            })
        };
        found().ok_or(QuoteRefusal::NoLane { from, to: site.territory, regime })
    }

    /// What keeps goods from being bought on this lane; nothing where they can be.
    #[must_use]
    pub fn lacks(&self, goods: &Goods) -> Vec<Gap> {
        let carriage = Carriage { transports: &self.site.rulebooks.transports, mode: self.rate_card.mode };
        let facts = goods.facts(self.regime);
        let gaps = readiness(self.export, self.import, &facts, carriage, self.date, &self.site.stance);
        gaps.into_iter().filter(Gap::blocks).collect()
    }
}

/// Whether goods can be bought here under a regime.
#[must_use]
pub fn is_sold(site: &Site, from: Country, regime: Regime, date: Date, goods: &Goods) -> bool {
    OpenLane::of(site, from, regime, date).is_ok_and(|lane| lane.lacks(goods).is_empty())
}

/// Who else can buy goods that a buyer cannot have under `regime`, by what tells of a regime whether they are sold
/// under it.
#[must_use]
pub fn sold_else(regime: Regime, mut is_sold: impl FnMut(Regime) -> bool) -> Option<Regime> {
    REGIMES.into_iter().filter(|other| *other != regime).find(|other| is_sold(*other))
}

/// A buyer to whom goods are not sold, in whose words it is told: what the seller has to mend is none of a buyer's
/// business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shopper {
    /// What the shop calls the goods.
    pub name: String,
    /// As whom it asked.
    pub asked_as: Regime,
    /// Who can buy them instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_to: Option<Regime>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::card::Mode;
    use crate::checkpoint::Epoch;
    use crate::hazard::Hazards;
    use crate::money::{Currency, Money};
    use crate::quantity::Grams;
    use crate::readiness::HsClaim;
    use crate::rulebook::builtin;
    use crate::site::{BankAccount, SiteConfig};
    use crate::time::{BusinessTime, WallTime};

    /// 2026-11-23 01:00 UTC.
    const NOW: BusinessTime = BusinessTime::from_micros(1_795_395_600_000_000);

    fn site() -> Site {
        let config = SiteConfig {
            id: "hgh.sandbox".parse().expect("well-formed"),
            name: "Hangzhou".to_owned(),
            territory: Country::CN,
            mode: Mode::Sandbox,
            url: "https://hgh.example".to_owned(),
            bank: BankAccount { firm: "Sandbox Bank".to_owned(), account: "0001".to_owned() },
            accepted_rules: std::collections::BTreeSet::new(),
        };
        let books = Arc::new(builtin().expect("the built-in packs load"));
        let issued = WallTime::from_micros(NOW.micros());
        Site::open(&config, &[1; 32], books, Epoch::FIRST, issued).expect("the territory has rules")
    }

    fn goods(hs: &str, description: &str) -> Goods {
        Goods {
            sku: "SKU-1".to_owned(),
            name: "Sample".to_owned(),
            description: description.to_owned(),
            hs: HsClaim::Code(hs.parse().expect("six digits")),
            origin: Some(Country::MY),
            weight: Some(Grams(480)),
            size: None,
            price: Some(Money::new(14_500, Currency::MYR)),
            content: None,
            hazards: Hazards::default(),
        }
    }

    /// (goods, whether consumers can have them, whether businesses can)
    #[test]
    fn pewter_is_sold_to_businesses_alone_and_a_towel_to_everybody() {
        let site = site();
        let date = site.date(NOW);
        let pewter = goods("830629", "Ornament of pewter in the shape of a tapir");
        let towel = goods("630260", "Cotton kitchen towel, printed");
        let gift = goods("630260", "Gift");
        let lacks = |regime, goods: &Goods| OpenLane::of(&site, Country::MY, regime, date).expect("open").lacks(goods);
        // Whether ornaments of pewter stand on the list of what comes in as a consumer's parcel, nobody could say.
        let hs = "830629".parse().expect("six digits");
        assert_eq!(lacks(Regime::B2cParcel, &pewter), [Gap::ListUnknown { hs }]);
        assert_eq!(lacks(Regime::B2b, &pewter), []);
        let else_sold =
            |regime, goods: &Goods| sold_else(regime, |other| is_sold(&site, Country::MY, other, date, goods));
        assert_eq!(else_sold(Regime::B2cParcel, &pewter), Some(Regime::B2b));
        assert_eq!(else_sold(Regime::B2b, &pewter), None);
        assert_eq!((lacks(Regime::B2cParcel, &towel), lacks(Regime::B2b, &towel)), (vec![], vec![]));
        // What is called a gift is sold to nobody.
        assert!(lacks(Regime::B2cParcel, &gift).iter().any(|gap| matches!(gap, Gap::VagueDescription { .. })));
        assert_eq!(else_sold(Regime::B2cParcel, &gift), None);
    }

    #[test]
    fn where_no_lane_leads_here_none_is_open() {
        let site = site();
        let (from, regime) = ("JP".parse().expect("a country"), Regime::B2cParcel);
        let none = OpenLane::of(&site, from, regime, site.date(NOW)).map(|lane| lane.regime);
        assert_eq!(none, Err(QuoteRefusal::NoLane { from, to: Country::CN, regime }));
    }
}
