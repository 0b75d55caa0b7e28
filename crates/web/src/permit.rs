//! Permits: asked for by whoever declares the goods or by its broker, decided by the agency, drawn
//! down by declarations.

mod agency;
mod ask;
mod trade;

use ::trade::codes::{HsCode, HubId};
use ::trade::declaration::DeclaredLine;
use ::trade::id::Id;
use ::trade::mandate::{Act, Mandate};
use ::trade::party::{Party, Role};
use ::trade::permit::{Permit, PermitHolder, PermitNeed, USES_MAX, needs, used};
use ::trade::quote::Quote;
use ::trade::readiness::Gap;
use ::trade::rulebook::{Direction, PermitKind, Rulebook};
use ::trade::trade_file::{Side, TradeFile};
use jiff::civil::Date;

use crate::AppState;
use crate::door::{Doors, May, SIGNED, get, only, parts, post};
use crate::i18n::Tr;
use crate::mandate::acting;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{self, Schema, any, id, integer, noun, object, text};
use crate::trade_file;

/// Granted permits of one party that are looked through for what a declaration needs.
const GRANTED_MAX: i64 = 200;

const ASK_SAMPLE: &str = r#"{"permit": "prm_01914f00000070008000000000000001", "hs": "040900", "peer": "hgh.sandbox",
 "pieces": 100}"#;
/// What concerns a permit: its holder, a broker under mandate, the agency, the operator.
const CONCERNS: May = parts(&[Role::Seller, Role::Buyer, Role::Broker, Role::Agency, Role::Operator]);
const ASKERS: &[Role] = &[Role::Seller, Role::Buyer, Role::Broker];
const AGENCY: May = only(&[Role::Agency]);

fn ask_shape() -> Schema {
    object([
        ("permit", id("prm")),
        ("holder?", id("pty").or_null()),
        ("direction?", text().or_null()),
        ("hs", text().max(12)),
        ("peer", text()),
        ("pieces", integer()),
        ("note?", text()),
    ])
}

fn permit() -> Schema {
    noun("Permit")
}

pub fn routes() -> Doors {
    let traders = parts(&[Role::Seller, Role::Buyer, Role::Broker]);
    let askers = only(ASKERS);
    let answer = || object([("answer?", text())]);
    let used = || object([("permit", text())]);
    Doors::new()
        .open(get("/permits", SIGNED), ask::list)
        .open(post("/permits", askers).form("hs=040900&peer=hgh.sandbox&pieces=1"), ask::send)
        .open(get("/permits/new", SIGNED), ask::form)
        .open(get("/permits/{id}", CONCERNS), ask::show)
        .open(post("/permits/{id}/answer", traders).form("answer=x"), ask::answer_page)
        .open(post("/permits/{id}/decision", AGENCY).form("decision=refuse&reason=x"), agency::decide_page)
        .open(get("/agency", AGENCY), agency::queue)
        .open(get("/trades/{id}/permits", trade_file::PRICE_PARTS), trade::show)
        .open(post("/trades/{id}/permits", traders).form("permit=x"), trade::use_page)
        .open(
            get("/api/v1/permits", SIGNED).query(&["after", "limit"]).gives(200, || schema::page("permits", permit())),
            ask::api_list,
        )
        .open(post("/api/v1/permits", askers).json(ASK_SAMPLE).takes(ask_shape).gives(201, permit), ask::api_ask)
        .open(get("/api/v1/permits/{id}", CONCERNS).gives(200, permit), ask::api_show)
        .open(
            post("/api/v1/permits/{id}/answer", traders)
                .json(r#"{"answer": "500 jars"}"#)
                .takes(answer)
                .gives(200, permit),
            ask::api_answer,
        )
        .open(
            post("/api/v1/permits/{id}/decision", AGENCY)
                .json(r#"{"decision": "refuse", "reason": "no health certificate"}"#)
                .takes(|| object([("decision", text())]).open())
                .gives(200, permit),
            agency::decide_api,
        )
        .open(
            post("/api/v1/trades/{id}/permits", traders).json(r#"{"permit": "none"}"#).takes(used).gives(200, any),
            trade::api_use,
        )
}

/// Whoever declares goods, or does it for others.
fn asker(party: &Party) -> Answer<()> {
    if ASKERS.iter().any(|role| party.is(*role)) { Ok(()) } else { Err(Failure::role_needed(Role::Seller)) }
}

/// In which part somebody looks at a permit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Its holder, or a broker with a mandate of the holder to ask for permits.
    Asker,
    Agency,
    Operator,
}

/// A permit, for those whom it concerns; nobody else learns that it is there.
async fn load(app: &AppState, party: &Party, id: &str) -> Answer<(Permit, Part)> {
    let unknown = || Failure::new(axum::http::StatusCode::NOT_FOUND, "permit-unknown").with("permit", id);
    let permit: Id<Permit> = id.parse().map_err(|_| unknown())?;
    let permit = app.hub.permit(permit).await?.ok_or_else(unknown)?;
    if permit.holder == party.id {
        return Ok((permit, Part::Asker));
    }
    if party.is(Role::Agency) {
        return Ok((permit, Part::Agency));
    }
    if allowed(app, party, permit.holder, &permit.peer).await?.is_some() {
        return Ok((permit, Part::Asker));
    }
    if party.is(Role::Operator) { Ok((permit, Part::Operator)) } else { Err(unknown()) }
}

/// The mandate under which a broker may ask permits for a party on a lane, if it has one.
async fn allowed(app: &AppState, broker: &Party, holder: Id<Party>, peer: &HubId) -> Answer<Option<Id<Mandate>>> {
    let Some(id) = acting(app, broker, holder, Act::Permits, Some(peer)).await? else { return Ok(None) };
    let now = app.hub.business_now().await?;
    let mandate = app.hub.mandate(id).await?;
    Ok(mandate.filter(|m| m.allows(broker.id, holder, Act::Permits, Some(peer), now).is_ok()).map(|m| m.id))
}

/// What of a seller is granted, and the rules by which it is needed: for pages of products.
pub struct Shelf<'a> {
    granted: Vec<Permit>,
    today: Date,
    book: Option<&'a Rulebook>,
}

/// # Errors
/// If the store does not answer.
pub async fn shelf<'a>(app: &'a AppState, holder: Id<Party>) -> Answer<Shelf<'a>> {
    let granted = app.hub.permits_granted(holder, GRANTED_MAX).await?;
    Ok(Shelf { granted, today: today(app).await?, book: app.site().rulebook() })
}

async fn today(app: &AppState) -> Answer<Date> {
    Ok(app.site().date(app.hub.business_now().await?))
}

/// A gap that a permit of this hub's agency closes: which one, whether it is there, where to ask.
pub struct PermitGap {
    pub title: String,
    pub why: String,
    pub is_closed: bool,
    pub href: String,
}

impl Shelf<'_> {
    /// `None` where no permit of this hub's side is the matter.
    #[must_use]
    pub fn gap(&self, t: &Tr, gap: &Gap, hs: Option<&HsCode>, peer: &HubId) -> Option<PermitGap> {
        let Gap::PermitNeeded { direction: Direction::Export, rule, permit: Some(kind), .. } = gap else { return None };
        let hs = hs?;
        let need =
            PermitNeed { rule: rule.clone(), kind: *kind, direction: Direction::Export, hs: hs.clone(), pieces: 1 };
        let found =
            self.granted.iter().find(|p| p.is_for(&need, Some(peer)) && p.left() > 0 && p.usable(self.today).is_ok());
        let href = format!("/permits/new?hs={hs}&peer={}", percent(peer.as_str()));
        Some(match found.and_then(|p| p.grant().map(|g| (p, g))) {
            Some((permit, grant)) => PermitGap {
                title: t.w2("permit-have", "kind", t.by("permit-kind", kind.code()), "no", &grant.no),
                why: t.w2("permit-left-until", "left", t.num(permit.left()), "day", t.date(grant.until)),
                is_closed: true,
                href: format!("/permits/{}", permit.id),
            },
            None => PermitGap {
                title: t.w1("permit-lacks", "kind", t.by("permit-kind", kind.code())),
                why: self.book.map_or_else(String::new, |book| asked_by(t, book, rule)),
                is_closed: false,
                href,
            },
        })
    }
}

/// Who gives the permit that a rule asks for, and how well the rule is known.
fn asked_by(t: &Tr, book: &Rulebook, rule: &str) -> String {
    let found = book.restrictions.iter().rev().find(|r| *r.info.id == *rule);
    let Some(restriction) = found else { return t.w1("match-rule", "rule", rule) };
    let agency = restriction.permit.as_ref().map(|p| t.w1("permit-given-by", "agency", t.words(&p.agency)));
    let doubt = (restriction.info.knowledge != ::trade::rulebook::Knowledge::Sourced).then(|| t.s("permit-unverified"));
    let parts = [agency, Some(t.w1("match-rule", "rule", rule)), doubt];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The permits from which an export declaration of these lines can draw, the first granted first.
pub async fn for_export(app: &AppState, file: &TradeFile, lines: &[DeclaredLine]) -> Answer<Vec<Id<Permit>>> {
    let Some(order) = &file.order else { return Ok(Vec::new()) };
    let (Some(book), Some(seller)) = (app.site().rulebook(), order.seller) else { return Ok(Vec::new()) };
    let today = today(app).await?;
    let ordered: Vec<DeclaredLine>;
    let lines = if lines.is_empty() {
        ordered = order.quote.lines.iter().map(DeclaredLine::ordered).collect();
        &ordered
    } else {
        lines
    };
    let goods = lines.iter().map(|l| (&l.hs, Some(l.origin), l.pieces));
    let needs = needs(book, Direction::Export, order.quote.regime, today, goods);
    drawable(app, seller, file, &needs, today).await
}

/// Of a party's permits those that fit, are valid today, and have something left, or were drawn from
/// by this trade before.
async fn drawable(
    app: &AppState,
    holder: Id<Party>,
    file: &TradeFile,
    needs: &[PermitNeed],
    today: Date,
) -> Answer<Vec<Id<Permit>>> {
    if needs.is_empty() {
        return Ok(Vec::new());
    }
    let before: Vec<Id<Permit>> = used(file).collect();
    let mut granted = app.hub.permits_granted(holder, GRANTED_MAX).await?;
    granted.retain(|p| {
        (p.left() > 0 || before.contains(&p.id))
            && p.usable(today).is_ok()
            && needs.iter().any(|need| p.is_for(need, file.peer.as_ref()))
    });
    Ok(granted.into_iter().take(USES_MAX).map(|p| p.id).collect())
}

/// What stands on a permit, in words; the same on every page.
struct Facts {
    id: String,
    kind: String,
    hs: String,
    lane: String,
    pieces: String,
    state: String,
    class: &'static str,
    ball: Option<String>,
    no: Option<String>,
    validity: Option<String>,
    left: Option<String>,
}

fn facts(p: &Page, permit: &Permit, today: Date) -> Facts {
    let code = permit.code(today);
    let (holder, _, deadline) = permit.ball();
    let who = match holder {
        PermitHolder::Agency => Some("agency"),
        PermitHolder::Asker => Some("asker"),
        PermitHolder::Nobody => None,
    };
    let ball =
        who.zip(deadline).map(|(who, by)| p.w2("permit-ball", "who", p.by("permit-holder", who), "when", p.day(by)));
    let grant = permit.grant();
    Facts {
        id: permit.id.to_string(),
        kind: p.by("permit-kind", permit.kind.code()),
        hs: permit.hs.to_string(),
        lane: p.w1(lane_key(permit.direction), "hub", p.hub_name(&permit.peer)),
        pieces: p.num(permit.pieces),
        state: p.by("permit-state", code),
        class: match code {
            "granted" => "go",
            "asked" => "tell",
            "questioned" | "used-up" => "wait",
            "refused" | "revoked" | "expired" => "stop",
            _ => "",
        },
        ball,
        no: grant.map(|g| g.no.to_string()),
        validity: grant.map(|g| p.w2("permit-valid", "from", p.date(g.from), "until", p.date(g.until))),
        left: grant.map(|g| p.w2("permit-left-of", "left", p.num(permit.left()), "of", p.num(g.pieces))),
    }
}

const fn lane_key(direction: Direction) -> &'static str {
    match direction {
        Direction::Export => "permit-lane-to",
        Direction::Import => "permit-lane-from",
    }
}

/// Which way the permits of a party go: its sales, or its purchases.
fn direction_of(party: &Party) -> Direction {
    if party.is(Role::Seller) { Direction::Export } else { Direction::Import }
}

/// Codes for which this territory asks for a permit, each with the paper, for a form's help.
fn known_rules(t: &Tr, app: &AppState, direction: Direction) -> Vec<(String, String)> {
    let Some(book) = app.site().rulebook() else { return Vec::new() };
    let rules =
        book.restrictions.iter().filter(|r| r.when.directions.is_empty() || r.when.directions.contains(&direction));
    rules
        .filter_map(|r| {
            let permit = r.permit.as_ref()?;
            let what = format!("{}: {}", t.by("permit-kind", permit.kind.code()), t.words(&r.info.name));
            Some((what, format!("HS {} · {}", r.when.hs_in.join(", "), asked_by(t, book, &r.info.id))))
        })
        .collect()
}

/// A permit that the importer of quoted goods has to hold.
pub struct Needed {
    pub title: String,
    pub why: String,
    pub href: String,
}

/// What this territory asks of whoever imports these goods.
#[must_use]
pub fn of_quote(app: &AppState, t: &Tr, quote: &Quote) -> Vec<Needed> {
    let Some(book) = app.site().rulebook().filter(|_| quote.importer == app.site().id) else { return Vec::new() };
    let goods = quote.lines.iter().map(|l| (&l.hs, Some(l.origin), l.pieces));
    let needs = needs(book, Direction::Import, quote.regime, quote.date, goods);
    let needed = |need: PermitNeed| Needed {
        title: t.w2("permit-quote", "kind", t.by("permit-kind", need.kind.code()), "hs", &need.hs),
        why: format!("{} · {}", t.s("permit-quote-why"), asked_by(t, book, &need.rule)),
        href: format!("/permits/new?hs={}&peer={}&pieces={}", need.hs, percent(quote.exporter.as_str()), need.pieces),
    };
    needs.into_iter().map(needed).collect()
}

/// The permits of a trade, for its page: number and pieces.
#[must_use]
pub fn of_trade(t: &Tr, file: &TradeFile) -> Vec<String> {
    let declared = file.declaration.iter().flat_map(|d| &d.permits);
    let own = file.permits.iter().filter(|_| file.side == Side::Import);
    declared
        .chain(own)
        .map(|u| {
            let kind: PermitKind = u.kind;
            t.w(
                "permit-of-trade",
                [
                    ("kind", t.by("permit-kind", kind.code())),
                    ("no", u.no.to_string()),
                    ("pieces", t.num(u.pieces)),
                    ("day", t.date(u.until)),
                ],
            )
        })
        .collect()
}
