//! The page of one trade file: everything that this reader may know of it, on one page.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use trade::ball::{Ball, Holder, ball};
use trade::clearance::Clearance;
use trade::custody::CustodyKind;
use trade::quote::Quote;
use trade::rulebook::Lane;
use trade::time::BusinessTime;
use trade::trade_file::{Side, Stage, TradeFile};

use super::matched::{self, Row};
use super::money::{self, MoneyView};
use super::next::{self, Next};
use super::timeline::{self, Step};
use super::viewer::Viewer;
use crate::AppState;
use crate::auth::Signed;
use crate::fall::{Confirm, Shown};
use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::Answer;

/// Who holds the ball, in words.
pub struct BallView {
    /// Nobody has to act any more.
    pub is_over: bool,
    pub holder: String,
    pub since: Option<String>,
    pub iso: String,
    pub until: Option<String>,
}

/// Where customs of one side stands, in words.
pub struct CustomsView {
    pub word: String,
    pub class: &'static str,
    pub why: Option<String>,
}

struct View {
    order: String,
    here: String,
    back: &'static str,
    back_word: String,
    title: String,
    stage: String,
    class: &'static str,
    practice: bool,
    ball: BallView,
    next: Next,
    sees_match: bool,
    matched: Vec<Row>,
    fall: Option<(Arc<Quote>, Shown)>,
    money: Option<MoneyView>,
    bank: String,
    export: CustomsView,
    import: CustomsView,
    steps: Vec<Step>,
    to_come: Vec<String>,
    waybill: Option<String>,
    label: bool,
    declaration: Option<u32>,
    permits: Vec<String>,
    track: Option<String>,
    /// Invoice, where this reader sees prices, and packing list: of goods for a business.
    invoice: bool,
    packing_list: bool,
    /// Certificates of origin by agreement, where this reader may see them.
    certificates: Vec<(String, String)>,
    bundles: Vec<&'static str>,
    /// Under which its parcel left, for those who carry or clear it.
    manifest: Option<(String, String)>,
    advance: Option<crate::advance::Line>,
    claims: Vec<ClaimLink>,
}

/// Where a return or a dispute of this trade is, or can be opened.
pub struct ClaimLink {
    pub href: String,
    pub label: String,
    pub state: Option<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "trade_file/page.html")]
struct TradePage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// GET /trades/{id}
pub async fn show(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
) -> Answer<Response> {
    let (file, viewer) = super::load(&app, &party, &id).await?;
    super::looked(&app, &party, &file, viewer).await?;
    let events = super::events(&app, &file).await?;
    let transfers = if viewer.sees_ledger() { app.hub.transfers_of(&file.id).await? } else { Vec::new() };
    let now = app.hub.business_now().await?;
    let site = app.site();
    let lane = lane(&app, &file).await?;
    let claim_until = claim_until(&app, &file);
    let ball = ball(&file);
    let (export, import) = match file.side {
        Side::Export => (&file.clearance, &file.peer_clearance),
        Side::Import => (&file.peer_clearance, &file.clearance),
    };
    let (back, back_word) = back(&p, viewer);
    let is_business = file.order.as_ref().is_some_and(|o| o.quote.sale.is_some());
    let v = View {
        order: file.id.order_no().to_owned(),
        here: next::path(&file),
        back,
        back_word,
        title: title(&p, &file),
        stage: p.by("stage", file.stage().code()),
        class: stage_class(file.stage()),
        practice: file.practice,
        ball: ball_view(&p, &file, &ball, viewer, now),
        next: next::next(&p, &file, &ball, viewer, claim_until),
        sees_match: viewer.sees_match(),
        matched: site.rulebook().map(|book| matched::rows(&p, &file, book)).unwrap_or_default(),
        fall: fall(&app, &p, &file, viewer).await?,
        money: money::view(&p, &file, viewer, &transfers, lane, claim_until),
        bank: p.w2("money-held-by", "firm", &site.bank.firm, "account", &site.bank.account),
        export: customs(&p, &app, export),
        import: customs(&p, &app, import),
        steps: timeline::steps(&p, &visible(events, viewer)),
        to_come: timeline::to_come(&p, &file),
        waybill: file.waybill.as_ref().map(|w| w.no.to_string()),
        label: file.side == Side::Export && !matches!(viewer, Viewer::Buyer | Viewer::Officer),
        declaration: file.declaration.as_ref().filter(|_| viewer.sees_prices()).map(|d| d.edition),
        permits: if viewer.sees_prices() { crate::permit::of_trade(&p, &file) } else { Vec::new() },
        track: crate::verify::track_path(&app, &file),
        invoice: is_business && viewer.sees_prices(),
        packing_list: is_business,
        certificates: crate::certificate::links(&app, &file, viewer).await?,
        bundles: super::bundle::views(viewer).to_vec(),
        manifest: crate::manifest::link(&file).filter(|_| !matches!(viewer, Viewer::Seller | Viewer::Buyer)),
        advance: crate::advance::line(&p, &app, &file, viewer, now),
        claims: [crate::returns::link(&p, &app, &file, viewer, now), crate::dispute::link(&p, &file, viewer)]
            .into_iter()
            .flatten()
            .collect(),
    };
    Ok(p.show(&TradePage { p: &p, v, told: None }))
}

/// The price to the door, where this part sees it.
async fn fall(app: &AppState, p: &Page, file: &TradeFile, viewer: Viewer) -> Answer<Option<(Arc<Quote>, Shown)>> {
    let Some(order) = file.order.as_ref().filter(|_| viewer.sees_prices()) else { return Ok(None) };
    let confirm = Confirm::of(app, p, &order.quote).await?;
    Ok(Some((order.quote.clone(), Shown::of(app, p, &order.quote, confirm).await?)))
}

/// The events that this part may see.
#[must_use]
pub fn visible(events: Vec<timeline::Known>, viewer: Viewer) -> Vec<timeline::Known> {
    events.into_iter().filter(|e| super::viewer::is_told(&e.what, viewer)).collect()
}

fn back(p: &Page, viewer: Viewer) -> (&'static str, String) {
    match viewer {
        Viewer::Seller => ("/trades", p.s("trades-title-seller")),
        Viewer::Buyer => ("/trades", p.s("trades-title-buyer")),
        Viewer::Officer => ("/officer", p.s("clearance-title")),
        Viewer::Operator => ("/trades", p.s("trades-title-operator")),
        Viewer::Carrier => ("/parcels", p.s("trades-title-carrier")),
        Viewer::Broker => ("/clients", p.s("clients-title")),
        Viewer::Warehouse => ("/warehouse", p.s("handling-title")),
    }
}

/// `12 × white coffee, to Hangzhou`.
fn title(p: &Page, file: &TradeFile) -> String {
    match goods(p, file) {
        Some(goods) => {
            let to = file.order.as_ref().map_or_else(|| p.hub.clone(), |o| p.hub_name(&o.quote.importer));
            p.w2("trade-title", "goods", goods, "to", to)
        }
        None => p.w1("trade-title-bare", "order", file.id.order_no()),
    }
}

/// The goods of an order in a few words.
#[must_use]
pub fn goods(t: &Tr, file: &TradeFile) -> Option<String> {
    let lines = &file.order.as_ref()?.quote.lines;
    let line = lines.first()?;
    let first = format!("{} × {}", t.num(line.pieces), line.name);
    Some(match lines.len() {
        0 | 1 => first,
        more => t.w2("trade-goods-more", "first", first, "n", more - 1),
    })
}

/// The colour of a stage: green when it goes, amber when somebody is waited for, red when stopped.
#[must_use]
pub const fn stage_class(stage: Stage) -> &'static str {
    match stage {
        Stage::ExportHeld | Stage::ImportHeld | Stage::Detained | Stage::Declined | Stage::Disputed => "stop",
        Stage::AwaitingOrder | Stage::AwaitingPayment | Stage::Deposited | Stage::Returning => "wait",
        Stage::InEscrow | Stage::Delivered => "tell",
        Stage::ExportReleased | Stage::ImportReleased | Stage::Settled | Stage::Paid => "go",
        Stage::Lapsed | Stage::Cancelled | Stage::Returned | Stage::Refunded => "",
    }
}

#[must_use]
pub fn ball_view(t: &Tr, file: &TradeFile, ball: &Ball, viewer: Viewer, now: BusinessTime) -> BallView {
    let holder = if viewer.holds(file.side, ball.holder) { "you" } else { ball.holder.code() };
    let open = file.closed.is_none();
    BallView {
        is_over: ball.holder == Holder::Nobody,
        holder: t.by("holder", holder),
        since: open.then(|| t.w1("trade-since", "ago", t.span(now.seconds_since(ball.since)))),
        iso: t.iso(ball.since),
        until: ball.deadline.filter(|_| open).map(|d| t.w1("trade-by", "when", t.time(d))),
    }
}

/// What a rule means to a layman: its note, else its name; its id where no pack here has it.
#[must_use]
pub fn rule_words(t: &Tr, app: &AppState, id: &str) -> String {
    let known = app.site().rulebooks.books().find_map(|book| book.rule(id));
    known.map_or_else(
        || t.w1("match-rule", "rule", id),
        |info| {
            let said = t.words(info.note.as_ref().unwrap_or(&info.name));
            format!("{} ({})", said.trim_end_matches(['.', '。']), t.w1("match-rule", "rule", id))
        },
    )
}

#[must_use]
pub fn customs(t: &Tr, app: &AppState, clearance: &Clearance) -> CustomsView {
    let word = t.by("clearance", clearance.code());
    let channel = |c| t.w1("customs-channel", "channel", t.by("channel", timeline::channel_code(c)));
    let (class, why) = match clearance {
        Clearance::NotLodged => ("", None),
        Clearance::Held { reasons, deadline, .. } => {
            let reasons: Vec<String> = reasons
                .iter()
                .map(|r| {
                    let mends = t.w1("match-mends", "who", t.by("mender", matched::mender(r.mender)));
                    format!("{}: {mends}, {}", t.by("field", r.field.code()), t.w1("match-rule", "rule", &r.rule))
                })
                .collect();
            ("stop", Some(format!("{} · {}", reasons.join(" · "), t.w1("trade-by", "when", t.time(*deadline)))))
        }
        Clearance::Examining { channel: c, rule, asked, deadline, .. } => {
            let mut why = vec![channel(*c)];
            why.extend(rule.as_ref().map(|r| rule_words(t, app, r)));
            why.extend(asked.as_ref().map(|a| t.w1("clearance-asked", "reason", &a.reason)));
            why.push(t.w1("trade-by", "when", t.time(*deadline)));
            ("wait", Some(why.join(" · ")))
        }
        Clearance::Released { at, channel: c, by } => {
            let who = t.s(if by.is_some() { "customs-by-officer" } else { "customs-by-itself" });
            ("go", Some([t.time(*at), channel(*c), who].join(" · ")))
        }
        Clearance::Detained { at, reason, .. } => ("stop", Some(format!("{} · {reason}", t.time(*at)))),
    };
    CustomsView { word, class, why }
}

/// The lane of a trade, for the fees of this hub.
pub async fn lane<'a>(app: &'a AppState, file: &TradeFile) -> Answer<Option<&'a Lane>> {
    if file.side == Side::Import {
        return Ok(None);
    }
    let Some(peer) = &file.peer else { return Ok(None) };
    let Some(regime) = file.order.as_ref().map(|o| o.quote.regime) else { return Ok(None) };
    let peers = app.hub.peers().await?;
    let to = peers.iter().find(|p| p.card.id == *peer).map(trade::peer::Peer::territory);
    let site = app.site();
    Ok(to.and_then(|to| site.rulebooks.lane(site.territory, to, regime)))
}

/// Until when the buyer may claim, once the goods are delivered.
#[must_use]
pub fn claim_until(app: &AppState, file: &TradeFile) -> Option<BusinessTime> {
    let delivered = file.custody_at(CustodyKind::Delivered)?;
    let date = app.site().date(delivered);
    Some(delivered.plus_days(app.site().rulebook()?.claim_window(date).days))
}
