//! What a manifest is worth at the importing hub: whether it came in time, and which of its parcels
//! pass by list.

use serde::{Deserialize, Serialize};

use super::{Consignment, Manifest, ManifestId};
use crate::codes::{Country, HsCode, HubId, S10};
use crate::event::Happened;
use crate::money::{Money, MoneyError};
use crate::rulebook::{ListBar, ParcelFacts};
use crate::site::Site;
use crate::time::BusinessTime;
use crate::trade_file::{Side, TradeFile, TradeId};
use crate::world::World;

/// A manifest, judged by the rules of the territory that it comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreAlert {
    pub heard_at: BusinessTime,
    /// By which rule; none where the territory has none, and then nothing passes by list.
    pub rule: Option<String>,
    /// Until when it had to be there.
    pub deadline: Option<BusinessTime>,
    pub late: bool,
    pub lines: Vec<PreAlertLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreAlertLine {
    pub trade: TradeId,
    pub waybill: S10,
    pub passage: Passage,
}

/// How a parcel passes customs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "passage", rename_all = "kebab-case")]
pub enum Passage {
    /// At once, with the others of its list.
    ByList,
    /// By an entry of its own; every reason.
    FullEntry { reasons: Vec<ListBar> },
    /// The territory has no pre-alert: each parcel by its own declaration.
    OwnDeclaration,
}

/// What the importing hub said to a manifest, as the exporting hub reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub rule: Option<String>,
    pub late: bool,
    pub deadline: Option<BusinessTime>,
    pub by_list: usize,
    pub full_entry: usize,
    pub own_declaration: usize,
}

impl PreAlert {
    #[must_use]
    pub fn counts(&self) -> Answered {
        let count = |of: fn(&Passage) -> bool| self.lines.iter().filter(|line| of(&line.passage)).count();
        Answered {
            rule: self.rule.clone(),
            late: self.late,
            deadline: self.deadline,
            by_list: count(|p| matches!(p, Passage::ByList)),
            full_entry: count(|p| matches!(p, Passage::FullEntry { .. })),
            own_declaration: count(|p| matches!(p, Passage::OwnDeclaration)),
        }
    }

    #[must_use]
    pub fn passage_of(&self, trade: &TradeId) -> Option<&Passage> {
        self.lines.iter().find(|line| line.trade == *trade).map(|line| &line.passage)
    }
}

/// Judges a manifest that came at `heard_at`; `file` finds what is known of a parcel here.
pub fn assess<'a>(
    site: &Site,
    told: &Consignment,
    heard_at: BusinessTime,
    file: impl Fn(&TradeId) -> Option<&'a TradeFile>,
) -> PreAlert {
    let date = site.date(heard_at);
    let book = site.rulebook();
    let rule = book.and_then(|book| book.pre_alert(date)).filter(|rule| site.stance.allows(&rule.info));
    let Some((rule, book)) = rule.zip(book) else {
        return PreAlert {
            heard_at,
            rule: None,
            deadline: None,
            late: false,
            lines: lines(told, |_| Passage::OwnDeclaration),
        };
    };
    let deadline = rule.deadline(told.voyage.arrives_at);
    let late = heard_at > deadline;
    let (mode, place) = (told.voyage.carriage.mode(), &told.voyage.to);
    let whole = late.then_some(ListBar::PreAlertLate).or_else(|| rule.closed_to(mode, place));
    let judge = |trade: &TradeId| {
        let of_parcel = match file(trade).and_then(Parcel::of) {
            Some(parcel) => rule.reasons(&parcel.facts(), mode, book, date),
            None => vec![ListBar::UnknownNotByList],
        };
        let reasons: Vec<ListBar> = whole.iter().cloned().chain(of_parcel).collect();
        if reasons.is_empty() { Passage::ByList } else { Passage::FullEntry { reasons } }
    };
    PreAlert {
        heard_at,
        rule: Some(rule.info.id.to_string()),
        deadline: Some(deadline),
        late,
        lines: lines(told, judge),
    }
}

fn lines(told: &Consignment, judge: impl Fn(&TradeId) -> Passage) -> Vec<PreAlertLine> {
    let parcels = told.bags.iter().flat_map(|bag| &bag.parcels);
    let line = |p: &crate::bag::Bagged| PreAlertLine {
        trade: p.trade.clone(),
        waybill: p.waybill.clone(),
        passage: judge(&p.trade),
    };
    parcels.map(line).collect()
}

/// What the list is judged by: the value with freight, the scale, and the goods as they were sold.
struct Parcel<'a> {
    value: Money,
    file: &'a TradeFile,
}

impl<'a> Parcel<'a> {
    fn of(file: &'a TradeFile) -> Option<Self> {
        let landed = &file.order.as_ref()?.quote.landed;
        let value: Result<Money, MoneyError> = landed.goods.plus(landed.freight);
        file.waybill.as_ref()?;
        Some(Self { value: value.ok()?, file })
    }

    fn facts(&self) -> ParcelFacts<'a> {
        let gross = self.file.waybill.as_ref().map_or(crate::quantity::Grams(0), |w| w.gross);
        let lines = self.file.order.iter().flat_map(|o| &o.quote.lines);
        let goods: Vec<(&HsCode, Country)> = lines.map(|line| (&line.hs, line.origin)).collect();
        ParcelFacts { value: self.value, gross, goods }
    }
}

/// A peer's manifest: it is kept with what it is worth, each parcel learns what it travels under, and
/// the peer is told how it was taken.
pub(crate) fn received_from_peer(world: &mut World, from: &HubId, told: &Consignment) {
    if told.id.exporter() != from.as_str() || world.manifests.get(&told.id).is_some() {
        return;
    }
    let mine = |trade: &TradeId| world.trades.get(trade).filter(|f| f.peer.as_ref() == Some(from));
    let pre_alert = assess(&world.site, told, world.now, mine);
    for bag in &told.bags {
        for parcel in &bag.parcels {
            let Some(mut file) = mine_of(world, from, &parcel.trade) else { continue };
            file.handling.bag = Some(bag.no.clone());
            file.handling.manifest = Some(told.id.clone());
            world.trades.put(parcel.trade.clone(), file);
        }
    }
    let answer = Happened::PreAlertTaken { manifest: told.id.clone(), answered: pre_alert.counts() };
    world.happened(None, Some(from), answer);
    let manifest = Manifest {
        id: told.id.clone(),
        side: Side::Import,
        peer: from.clone(),
        by: None,
        opened: world.now,
        voyage: told.voyage.clone(),
        bags: told.bags.clone(),
        closed: Some(told.closed_at),
        pre_alert: Some(pre_alert),
        answered: None,
        arrived: None,
    };
    world.manifests.put(told.id.clone(), manifest);
}

fn mine_of(world: &World, from: &HubId, trade: &TradeId) -> Option<TradeFile> {
    world.trades.get(trade).filter(|f| f.peer.as_ref() == Some(from)).cloned()
}

/// What the importing hub said to our manifest.
pub(crate) fn answered_by_peer(world: &mut World, from: &HubId, id: &ManifestId, answered: &Answered) {
    let Some(mut manifest) = world.manifests.get(id).filter(|m| m.peer == *from).cloned() else { return };
    manifest.answered = manifest.answered.or_else(|| Some(answered.clone()));
    world.manifests.put(id.clone(), manifest);
}
