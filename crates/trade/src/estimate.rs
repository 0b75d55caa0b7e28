//! An estimate: what goods would cost to the door, for anybody who asks. It is worked out by the rules
//! by which a quote is, but nobody signs it and nothing is kept of it.

use std::sync::Arc;

use crate::codes::{Country, HubId};
use crate::event::Asked;
use crate::id::Id;
use crate::product::Goods;
use crate::quote::{LaneTerms, Quote, QuoteRefusal, price};
use crate::site::Site;
use crate::terms::Terms;
use crate::time::BusinessTime;
use crate::world::World;

/// Goods of one kind, from one territory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskEstimate {
    /// The hub that the goods would be sold on, and its territory.
    pub exporter: HubId,
    pub from: Country,
    pub goods: Goods,
    pub pieces: i64,
    pub terms: Terms,
}

/// Works it out as a quote that has no buyer and no signature.
pub fn estimate(site: &Arc<Site>, now: BusinessTime, ask: &AskEstimate) -> Result<Quote, QuoteRefusal> {
    let world = World::new(Arc::clone(site), now);
    let terms = LaneTerms::of(&world, ask.from, ask.exporter.clone(), &ask.terms)?;
    let asked = Asked { product: Id::derived(now, "estimate"), pieces: ask.pieces };
    price(&world, &terms, Id::derived(now, "estimate"), &[(&asked, &ask.goods)], None)
}
