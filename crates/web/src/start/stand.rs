//! Where a seller stands on the way to its first payment, and what is next.

use hub::product::ProductCounts;
use hub::trade_file::TradeFilter;
use trade::clearance::Clearance;
use trade::custody::CustodyKind;
use trade::escrow::Escrow;
use trade::party::Party;
use trade::product::{PeerAnswer, Product};
use trade::time::BusinessTime;
use trade::trade_file::{Closed, Stage, TradeFile};

use super::Chosen;
use crate::AppState;
use crate::page::Page;
use crate::problem::Answer;
use crate::product::{Reading, latest_reading};

/// Products that the page looks at; a longer list is worked on under Products.
pub const PRODUCTS_SEEN: i64 = 200;

/// What is next. There is one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    Upload,
    Mend,
    /// No product is ready for any lane.
    Complete,
    /// There is no lane to be ready for.
    NoRoad,
    AskPrices,
    WaitPrices,
    Order,
    /// On a hub for real trade nobody practises: buyers come by themselves.
    OnSale,
    WaitOrder,
    WaitPayment,
    HandOver,
    Declare,
    Underway,
    /// Customs holds or examines it: somebody must act.
    Held,
    Paid,
    /// It came to nothing.
    Ended,
}

impl Stand {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Mend => "mend",
            Self::Complete => "complete",
            Self::NoRoad => "no-road",
            Self::AskPrices => "ask-prices",
            Self::WaitPrices => "wait-prices",
            Self::Order => "order",
            Self::OnSale => "on-sale",
            Self::WaitOrder => "wait-order",
            Self::WaitPayment => "wait-payment",
            Self::HandOver => "hand-over",
            Self::Declare => "declare",
            Self::Underway => "underway",
            Self::Held => "held",
            Self::Paid => "paid",
            Self::Ended => "ended",
        }
    }

    /// Whether the next thing comes by itself.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::WaitPrices | Self::WaitOrder | Self::WaitPayment | Self::Underway | Self::Held)
    }

    /// Its place among the steps of the page, from 0.
    const fn step(self) -> usize {
        match self {
            Self::Upload => 0,
            Self::Mend | Self::Complete | Self::NoRoad => 1,
            Self::AskPrices | Self::WaitPrices => 2,
            Self::Order | Self::OnSale | Self::WaitOrder | Self::WaitPayment => 3,
            Self::HandOver => 4,
            Self::Declare => 5,
            Self::Underway | Self::Held | Self::Ended => 6,
            Self::Paid => 7,
        }
    }
}

/// Words of the steps, `start-step-…`.
const STEPS: [&str; 8] = ["upload", "mend", "price", "order", "hand-over", "declare", "clear", "paid"];

/// All that decides where a seller stands.
pub struct Facts {
    pub counts: ProductCounts,
    pub reading: Option<Reading>,
    pub products: Vec<Product>,
    /// The last trade, unless it was left behind.
    pub file: Option<TradeFile>,
    pub sandbox: bool,
}

pub async fn facts(app: &AppState, seller: &Party, chosen: &Chosen) -> Answer<Facts> {
    let filter = TradeFilter { seller: Some(seller.id), ..TradeFilter::default() };
    let last = app.hub.trades(&filter, None, 1).await?.items.into_iter().next().map(|row| row.file);
    let left = !chosen.begin.is_empty() || chosen.asked == "order";
    Ok(Facts {
        counts: app.hub.product_counts(seller.id).await?,
        reading: latest_reading(app, seller).await?,
        products: app.hub.products_of(seller.id, None, PRODUCTS_SEEN).await?.items,
        sandbox: app.is_sandbox(),
        file: last.filter(|file| !(left && file.closed.is_some())),
    })
}

#[must_use]
pub fn stand(facts: &Facts, chosen: &Chosen) -> Stand {
    if let Some(file) = &facts.file {
        return of_trade(file);
    }
    let failed = facts.reading.as_ref().is_some_and(|r| !r.list.failed.is_empty());
    if facts.counts.all == 0 && !failed {
        return Stand::Upload;
    }
    if failed && chosen.skip != "mend" {
        return Stand::Mend;
    }
    if facts.counts.ready == 0 {
        let no_lane = !facts.products.is_empty() && facts.products.iter().all(|p| p.gaps.is_empty());
        return if no_lane { Stand::NoRoad } else { Stand::Complete };
    }
    let priced = |p: &Product| p.answers.values().any(|a| matches!(a, PeerAnswer::Given { .. }));
    match (facts.products.iter().any(priced), chosen.asked.as_str()) {
        (_, "order") => Stand::WaitOrder,
        (true, _) if facts.sandbox => Stand::Order,
        (true, _) => Stand::OnSale,
        (false, "prices") => Stand::WaitPrices,
        (false, _) => Stand::AskPrices,
    }
}

fn of_trade(file: &TradeFile) -> Stand {
    match (&file.closed, file.stage()) {
        (Some(Closed::Paid { .. }), _) => return Stand::Paid,
        (Some(_), _) | (None, Stage::Detained) => return Stand::Ended,
        (None, Stage::AwaitingOrder | Stage::AwaitingPayment | Stage::Deposited) => return Stand::WaitPayment,
        (None, Stage::ExportHeld | Stage::ImportHeld) => return Stand::Held,
        (None, _) => {}
    }
    if file.waybill.is_none() {
        Stand::HandOver
    } else if file.declaration.is_none() {
        Stand::Declare
    } else {
        Stand::Underway
    }
}

/// One step of the strip on top, or of the line of what happened.
pub struct Mark {
    pub word: String,
    /// `done`, `now` or `todo`.
    pub class: &'static str,
    pub at: Option<String>,
}

#[must_use]
pub fn marks(page: &Page, facts: &Facts, stand: Stand) -> Vec<Mark> {
    let _ = facts;
    let at = stand.step();
    let class = |i: usize| match i {
        _ if stand == Stand::Paid || i < at => "done",
        _ if i == at => "now",
        _ => "todo",
    };
    let mark = |(i, step): (usize, &&str)| Mark { word: page.by("start-step", step), class: class(i), at: None };
    STEPS.iter().enumerate().map(mark).collect()
}

/// What has happened to a trade, as its seller follows it.
#[must_use]
pub fn happened(page: &Page, file: &TradeFile) -> Vec<Mark> {
    let released = |c: &Clearance| match c {
        Clearance::Released { at, .. } => Some(*at),
        _ => None,
    };
    let escrow = match &file.escrow {
        Escrow::Released { at, .. } => Some(*at),
        _ => None,
    };
    let paid = match &file.closed {
        Some(Closed::Paid { at }) => Some(*at),
        _ => None,
    };
    let steps: [(&str, Option<BusinessTime>); 9] = [
        ("ordered", file.order.as_ref().map(|o| o.placed_at)),
        ("secured", file.secured),
        ("handed-over", file.waybill.as_ref().map(|w| w.issued_at)),
        ("declared", file.declaration.as_ref().map(|d| d.lodged_at)),
        ("export-released", released(&file.clearance)),
        ("import-released", released(&file.peer_clearance)),
        ("delivered", file.custody_at(CustodyKind::Delivered)),
        ("settled", escrow),
        ("paid", paid),
    ];
    let last = steps.iter().rposition(|(_, at)| at.is_some());
    let now = last.map_or(0, |i| i + 1);
    let mark = |(i, (word, at)): (usize, &(&str, Option<BusinessTime>))| Mark {
        word: page.by("start-happened", word),
        class: match at {
            Some(_) => "done",
            None if i == now => "now",
            None => "todo",
        },
        at: at.map(|at| page.time(at)),
    };
    steps.iter().enumerate().map(mark).collect()
}
