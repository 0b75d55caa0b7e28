//! A trade file to take away: its fields, its events with proofs, the signed head and who witnessed
//! it. Three views, each with its own list of fields; nothing else leaves, whoever added it.
//!
//! An event's bytes cannot be cut, since the proof is over them: so a view has kinds of events
//! instead. The public one has those that hold no price, no goods and no party.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hub::received::Heard;
use hub::road::Cosignature;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trade::bundle::{BUNDLE_FORMAT, Bundle, BundleCosignature, BundleEvent, PeerEvent, PeerSide, View, seal_bundle};
use trade::checkpoint::{Origin, SignedCheckpoint};
use trade::event::{Event, Happened};
use trade::log::Bytes;
use trade::trade_file::TradeFile;

use super::viewer::Viewer;
use crate::AppState;
use crate::auth::Signed;
use crate::problem::{Answer, Failure};

/// A head has fifteen countersignatures at most.
const WITNESSES_MAX: i64 = 15;

/// Where the parcel is and what customs said; for anybody who holds it.
pub const PUBLIC_FIELDS: &[&str] = &[
    "id",
    "side",
    "stage",
    "peer",
    "clearance.state",
    "clearance.at",
    "clearance.since",
    "clearance.deadline",
    "peer_clearance.state",
    "peer_clearance.at",
    "peer_clearance.since",
    "peer_clearance.deadline",
    "custody[].kind",
    "custody[].place",
    "custody[].at",
    "waybill.no",
];

/// Beside the public fields, what the other side of the sale has been told anyway.
const ALSO_COUNTERPARTY: &[&str] = &[
    "opened",
    "deposited.at",
    "deposited.balance_due",
    "secured",
    "practice",
    "waybill.gross",
    "waybill.consignee",
    "waybill.issued_at",
    "waybill.edition",
    "order.placed_at",
    "order.delivery",
    "order.quote.id",
    "order.quote.exporter",
    "order.quote.importer",
    "order.quote.regime",
    "order.quote.lines[].product",
    "order.quote.lines[].sku",
    "order.quote.lines[].name",
    "order.quote.lines[].description",
    "order.quote.lines[].hs",
    "order.quote.lines[].origin",
    "order.quote.lines[].pieces",
    "order.quote.lines[].unit_price.minor",
    "order.quote.lines[].unit_price.currency",
    "order.quote.lines[].value_home.minor",
    "order.quote.lines[].value_home.currency",
    "order.quote.lines[].value.minor",
    "order.quote.lines[].value.currency",
    "order.quote.lines[].weight",
    "order.quote.lines[].size.length_mm",
    "order.quote.lines[].size.width_mm",
    "order.quote.lines[].size.height_mm",
    "order.quote.lines[].content.milli",
    "order.quote.lines[].content.unit",
    "order.quote.lines[].content.strength",
    "order.quote.freight_home.minor",
    "order.quote.freight_home.currency",
    "order.quote.chargeable",
    "order.quote.landed.goods.minor",
    "order.quote.landed.goods.currency",
    "order.quote.landed.freight.minor",
    "order.quote.landed.freight.currency",
    "order.quote.landed.taxable.minor",
    "order.quote.landed.taxable.currency",
    "order.quote.landed.tax.minor",
    "order.quote.landed.tax.currency",
    "order.quote.landed.total.minor",
    "order.quote.landed.total.currency",
    "order.quote.landed.treatment",
    "order.quote.landed.pack",
    "order.quote.landed.knowledge",
    "order.quote.landed.registration",
    "order.quote.landed.rests_on[].rule",
    "order.quote.landed.rests_on[].knowledge",
    "order.quote.landed.charges[].line",
    "order.quote.landed.charges[].kind",
    "order.quote.landed.charges[].base.minor",
    "order.quote.landed.charges[].base.currency",
    "order.quote.landed.charges[].rate",
    "order.quote.landed.charges[].formula.code",
    "order.quote.landed.charges[].formula.vat",
    "order.quote.landed.charges[].formula.consumption_tax",
    "order.quote.landed.charges[].formula.share",
    "order.quote.landed.charges[].formula.line_tax.minor",
    "order.quote.landed.charges[].formula.line_tax.currency",
    "order.quote.landed.charges[].formula.per",
    "order.quote.landed.charges[].formula.price.minor",
    "order.quote.landed.charges[].formula.price.currency",
    "order.quote.landed.charges[].formula.threshold.minor",
    "order.quote.landed.charges[].formula.threshold.currency",
    "order.quote.landed.charges[].formula.value.minor",
    "order.quote.landed.charges[].formula.value.currency",
    "order.quote.landed.charges[].formula.limit.minor",
    "order.quote.landed.charges[].formula.limit.currency",
    "order.quote.landed.charges[].amount.minor",
    "order.quote.landed.charges[].amount.currency",
    "order.quote.landed.charges[].rule",
    "order.quote.landed.charges[].source",
    "order.quote.landed.charges[].knowledge",
    "order.quote.landed.charges[].at",
    "order.quote.landed.charges[].owed_by",
    "order.quote.landed.charges[].filed_by",
    "order.quote.landed.charges[].formula.basis",
    "order.quote.landed.charges[].formula.rate",
    "order.quote.landed.charges[].formula.specific",
    "order.quote.landed.charges[].formula.grams",
    "order.quote.landed.charges[].formula.alcohol",
    "order.quote.landed.charges[].formula.millilitres",
    "order.quote.landed.charges[].formula.pieces",
    "order.quote.landed.charges[].formula.top",
    "order.quote.landed.charges[].formula.bottom",
    "order.quote.landed.charges[].formula.amount.minor",
    "order.quote.landed.charges[].formula.amount.currency",
    "order.quote.landed.charges[].formula.count",
    "order.quote.landed.charges[].formula.line",
    "order.quote.landed.charges[].formula.already.minor",
    "order.quote.landed.charges[].formula.already.currency",
    "order.quote.landed.charges[].formula.worked.minor",
    "order.quote.landed.charges[].formula.worked.currency",
    "order.quote.landed.charges[].formula.rule",
    "order.quote.landed.preference",
    "order.quote.landed.exchange[].from",
    "order.quote.landed.exchange[].to",
    "order.quote.landed.exchange[].mid",
    "order.quote.landed.exchange[].spread",
    "order.quote.landed.exchange[].source",
    "order.quote.landed.exchange[].as_of",
    "order.quote.fx.from",
    "order.quote.fx.to",
    "order.quote.fx.mid",
    "order.quote.fx.spread",
    "order.quote.fx.source",
    "order.quote.fx.as_of",
    "order.quote.date",
    "order.quote.asked_at",
    "order.quote.expires_at",
    "order.quote.sale.incoterm",
    "order.quote.sale.place",
    "order.quote.sale.deposit.amount.minor",
    "order.quote.sale.deposit.amount.currency",
    "order.quote.sale.deposit.balance_within",
    "order.quote.signature",
    "declaration.lines[].product",
    "declaration.lines[].hs",
    "declaration.lines[].origin",
    "declaration.lines[].pieces",
    "declaration.lines[].value.minor",
    "declaration.lines[].value.currency",
    "declaration.gross",
    "declaration.waybill",
    "declaration.lodged_at",
    "declaration.edition",
    "declaration.permits[].permit",
    "declaration.permits[].kind",
    "declaration.permits[].no",
    "declaration.permits[].hs",
    "declaration.permits[].pieces",
    "declaration.permits[].until",
    "declaration.permits[].signature",
    "declaration.kind",
    "declaration.registration",
    "returning.reason",
    "returning.asked_at",
    "returning.said",
    "returning.evidence[].sha256",
    "returning.evidence[].kind",
    "returning.evidence[].bytes",
    "returning.answer[].sha256",
    "returning.answer[].kind",
    "returning.answer[].bytes",
    "returning.waybill.no",
    "returning.waybill.gross",
    "returning.waybill.issued_at",
    "returning.state.state",
    "returning.state.until",
    "returning.state.at",
    "returning.state.by_silence",
    "returning.state.hand_in_by",
    "returning.state.why",
    "returning.state.refund.goods.minor",
    "returning.state.refund.goods.currency",
    "returning.state.refund.freight.minor",
    "returning.state.refund.freight.currency",
    "returning.state.refund.tax.minor",
    "returning.state.refund.tax.currency",
    "returning.state.tax.outcome",
    "returning.state.tax.rule",
    "returning.state.tax.quota",
    "returning.state.tax.why",
    "reimport.at",
    "reimport.duty_free",
    "reimport.rule",
    "reimport.said",
    "dispute.reason",
    "dispute.wants.award",
    "dispute.wants.amount.minor",
    "dispute.wants.amount.currency",
    "dispute.opened_at",
    "dispute.evidence[].sha256",
    "dispute.evidence[].kind",
    "dispute.evidence[].bytes",
    "dispute.answer[].sha256",
    "dispute.answer[].kind",
    "dispute.answer[].bytes",
    "dispute.state.state",
    "dispute.state.until",
    "dispute.state.at",
    "dispute.state.decide_by",
    "dispute.state.award.award",
    "dispute.state.award.amount.minor",
    "dispute.state.award.amount.currency",
    "dispute.state.refund.goods.minor",
    "dispute.state.refund.goods.currency",
    "dispute.state.refund.freight.minor",
    "dispute.state.refund.freight.currency",
    "dispute.state.refund.tax.minor",
    "dispute.state.refund.tax.currency",
    "dispute.state.reason",
];

/// Beside those, what an authority of either side may examine: the match, every reason, the money.
const ALSO_AUTHORITY: &[&str] = &[
    "order.quote.import_fee.minor",
    "order.quote.import_fee.currency",
    "order.quote.due.minor",
    "order.quote.due.currency",
    "order.seller",
    "permits[].permit",
    "permits[].kind",
    "permits[].no",
    "permits[].hs",
    "permits[].pieces",
    "permits[].until",
    "permits[].signature",
    "matched.at",
    "matched.pack",
    "matched.differs",
    "matched.differs[].field",
    "matched.differs[].mender",
    "matched.differs[].rule",
    "charged.at",
    "charged.date",
    "charged.pack",
    "charged.answer.answer",
    "charged.answer.kinds[].charge",
    "charged.answer.kinds[].quoted.minor",
    "charged.answer.kinds[].quoted.currency",
    "charged.answer.kinds[].charged.minor",
    "charged.answer.kinds[].charged.currency",
    "charged.answer.problem.code",
    "clearance.channel",
    "clearance.rule",
    "clearance.by",
    "clearance.reason",
    "clearance.reasons[].field",
    "clearance.reasons[].mender",
    "clearance.reasons[].rule",
    "clearance.asked.field",
    "clearance.asked.of",
    "clearance.asked.reason",
    "peer_clearance.channel",
    "peer_clearance.rule",
    "peer_clearance.reason",
    "peer_clearance.reasons[].field",
    "peer_clearance.reasons[].mender",
    "peer_clearance.reasons[].rule",
    "payments[].no",
    "payments[].amount.minor",
    "payments[].amount.currency",
    "payments[].channel",
    "payments[].at",
    "payments[].fate.fate",
    "payments[].fate.at",
    "payments[].fate.fault.code",
    "escrow.state",
    "escrow.at",
    "escrow.balance_due",
    "escrow.amount.minor",
    "escrow.amount.currency",
    "escrow.tax.minor",
    "escrow.tax.currency",
    "escrow.fee.minor",
    "escrow.fee.currency",
    "escrow.due.minor",
    "escrow.due.currency",
    "payouts[].id",
    "payouts[].kind.kind",
    "payouts[].kind.payment",
    "payouts[].from",
    "payouts[].amount.minor",
    "payouts[].amount.currency",
    "payouts[].due_at",
    "payouts[].state.state",
    "payouts[].state.file",
    "payouts[].state.at",
    "payouts[].state.bank_reference",
    "finance.held.held",
    "finance.held.at",
    "finance.held.until",
    "finance.advance.state.state",
    "finance.advance.state.at",
    "closed.how",
    "closed.at",
    "closed.reason",
    "reimport.by",
    "dispute.state.by",
    "escrow.refund.goods.minor",
    "escrow.refund.goods.currency",
    "escrow.refund.freight.minor",
    "escrow.refund.freight.currency",
    "escrow.refund.tax.minor",
    "escrow.refund.tax.currency",
];

/// The fields of a view.
#[must_use]
pub fn fields(view: View) -> Vec<&'static str> {
    let lists: &[&[&'static str]] = match view {
        View::Public => &[PUBLIC_FIELDS],
        View::Counterparty => &[PUBLIC_FIELDS, ALSO_COUNTERPARTY],
        View::Authority => &[PUBLIC_FIELDS, ALSO_COUNTERPARTY, ALSO_AUTHORITY],
    };
    lists.concat()
}

/// The trade file as far as a view shows it: what is listed, and nothing else.
#[must_use]
pub fn cut(file: &TradeFile, view: View) -> Value {
    let mut whole = serde_json::to_value(file).unwrap_or(Value::Null);
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("stage".to_owned(), json!(file.stage()));
    }
    keep(whole, "", &fields(view)).unwrap_or_else(|| json!({}))
}

fn keep(value: Value, path: &str, fields: &[&str]) -> Option<Value> {
    match value {
        Value::Object(object) if !object.is_empty() => {
            let kept: Map<String, Value> = object
                .into_iter()
                .filter_map(|(name, below)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    keep(below, &path, fields).map(|below| (name, below))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) if !items.is_empty() => {
            let below = format!("{path}[]");
            let kept: Vec<Value> = items.into_iter().filter_map(|item| keep(item, &below, fields)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        leaf => fields.contains(&path).then_some(leaf),
    }
}

/// Whether an event's bytes may stand in a view.
#[must_use]
pub fn shows(view: View, event: &Event) -> bool {
    match view {
        // The parcel's way and what customs let through: no price, no goods, nobody's name or words.
        View::Public => {
            matches!(
                event.what,
                Happened::CustodyRecorded { .. } | Happened::ImportMatched { .. } | Happened::Held { .. }
            ) || matches!(event.what, Happened::Released { by: None, reason: None })
        }
        View::Counterparty => {
            event.to.is_some() || matches!(event.what, Happened::ImportMatched { .. } | Happened::ExportLodged { .. })
        }
        // What a lender offers is between it and the seller; what was taken is the trade's.
        View::Authority => !matches!(event.what, Happened::AdvanceOffered { .. }),
    }
}

/// The views that a part in the trade may take away.
#[must_use]
pub const fn views(viewer: Viewer) -> &'static [&'static str] {
    match viewer {
        Viewer::Seller | Viewer::Buyer | Viewer::Broker => &["public", "counterparty"],
        Viewer::Carrier | Viewer::Warehouse => &["public"],
        Viewer::Officer | Viewer::Operator => &["public", "counterparty", "authority"],
    }
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    view: Option<String>,
}

/// GET /api/v1/trades/{id}/bundle?view=public|counterparty|authority
pub async fn download(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Answer<Response> {
    let (file, viewer) = super::load(&app, &party, &id).await?;
    let code = wanted.view.as_deref().unwrap_or("public");
    if !views(viewer).contains(&code) {
        return Err(Failure::new(StatusCode::FORBIDDEN, "view-not-yours").with("view", code));
    }
    let view = match code {
        "authority" => View::Authority,
        "counterparty" => View::Counterparty,
        _ => View::Public,
    };
    super::looked(&app, &party, &file, viewer).await?;
    let bytes = seal(&app, &file, view).await?;
    let name: String = file.id.order_no().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let disposition = format!("attachment; filename=\"{name}-{code}.ehub.json\"");
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

/// The first countersigned head that holds all that is shown; where no peer has signed one yet, the
/// newest of our own.
async fn head_over(app: &AppState, needed: u64) -> Answer<(SignedCheckpoint, Vec<Cosignature>)> {
    let mut lines = app.hub.cosignatures(needed, WITNESSES_MAX).await?;
    if let Some(size) = lines.first().map(|line| line.size)
        && let Some(head) = app.hub.head_at(size).await?
    {
        lines.retain(|line| line.size == size);
        return Ok((head, lines));
    }
    let not_yet = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "log-not-ready");
    let head = app.hub.head().await?.ok_or_else(not_yet)?;
    Ok((head, Vec::new()))
}

async fn seal(app: &AppState, file: &TradeFile, view: View) -> Answer<Vec<u8>> {
    let mut shown = app.hub.events_of(&file.id).await?;
    shown.retain(|logged| shows(view, &logged.event));
    let needed = shown.iter().map(|logged| logged.event.n + 1).max().unwrap_or(0);
    let (head, lines) = head_over(app, needed).await?;
    let size = head.claimed().size;
    shown.retain(|logged| logged.event.n < size);
    let leaves: Vec<u64> = shown.iter().map(|logged| logged.event.n).collect();
    let proofs = app.hub.proofs(size, &leaves, size).await?;
    let events = shown
        .into_iter()
        .zip(proofs.inclusion)
        .map(|(logged, proof)| BundleEvent { index: logged.event.n, leaf: Bytes(logged.leaf), proof })
        .collect();
    let peers = app.hub.peers().await?;
    let mut cosignatures = Vec::new();
    for line in lines {
        let key = peers.iter().find(|p| p.card.id == line.witness).and_then(|p| p.card.keys.first());
        cosignatures.extend(key.map(|key| BundleCosignature { witness: key.clone(), line: line.line }));
    }
    let site = app.site();
    let bundle = Bundle {
        format: BUNDLE_FORMAT,
        view,
        card: site.card.clone().sign(&site.road.key),
        trade: cut(file, view),
        events,
        checkpoint: head,
        cosignatures,
        documents: Vec::new(),
        peer: other_side(app, file, view).await?,
    };
    seal_bundle(&bundle, &site.road.key).map_err(|fault| Failure::of(&fault))
}

/// The peer's side: what it told of this trade, as far as this view shows such events, each proved by
/// a head that the peer signed. None if nothing is shown.
async fn other_side(app: &AppState, file: &TradeFile, view: View) -> Answer<Option<PeerSide>> {
    let Some(id) = &file.peer else { return Ok(None) };
    let Some(peer) = app.hub.peer(id).await? else { return Ok(None) };
    let Some(card) = peer.signed_card() else { return Ok(None) };
    let heard = app.hub.heard(id, &file.heard.iter().copied().collect()).await?;
    let mut heads = app.hub.heads_of(id, &heard).await?;
    // A head signed by a key that the peer's card no longer has would have to be believed.
    heads.retain(|head| {
        let origin = Origin { epoch: head.claimed().origin.epoch, ..peer.road.origin() };
        head.verify_for(&origin, &peer.card.keys).is_ok()
    });
    let is_shown = |leaf: &[u8]| serde_json::from_slice::<Event>(leaf).is_ok_and(|event| shows(view, &event));
    let events: Vec<PeerEvent> = heard
        .into_iter()
        .filter(|heard| is_shown(&heard.entry.leaf.0))
        .filter_map(|Heard { epoch, size, entry }| {
            let proves = |head: &SignedCheckpoint| head.claimed().size == size && head.claimed().origin.epoch == epoch;
            let head = heads.iter().position(proves)?;
            Some(PeerEvent { index: entry.index, head, leaf: entry.leaf, proof: entry.proof })
        })
        .collect();
    Ok((!events.is_empty()).then_some(PeerSide { card, heads, events }))
}
