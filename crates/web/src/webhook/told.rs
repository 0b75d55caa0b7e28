//! What a party may be told of an event: no more than the trade's own page shows it.

use hub::event::Logged;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use trade::event::Happened;
use trade::party::{Party, Role};

use crate::AppState;
use crate::problem::Answer;
use crate::trade_file::{self, viewer};

/// Kinds of events that are told, and can be chosen from.
pub const KINDS: &[&str] = &[
    "product-offered",
    "order-placed",
    "order-taken",
    "order-declined",
    "order-lapsed",
    "payment-received",
    "payment-set-aside",
    "deposit-held",
    "deposit-secured",
    "payment-secured",
    "escrow-funded",
    "waybill-issued",
    "export-lodged",
    "export-released",
    "import-matched",
    "held",
    "examining",
    "asked",
    "released",
    "import-charged",
    "detained",
    "custody-recorded",
    "custody-excepted",
    "parcel-received",
    "parcel-stored",
    "parcel-bagged",
    "parcel-unbagged",
    "goods-accepted",
    "claim-window-ended",
    "escrow-released",
    "payout-due",
    "payout-instructed",
    "payout-done",
    "refund-due",
    "seller-paid",
    "return-changed",
    "return-answered",
    "trade-stopped",
    "re-imported",
    "goods-back",
    "dispute-changed",
    "dispute-answered",
    "permit-drawn",
    "permit-given-back",
    "acted-under-mandate",
    "advance-asked",
    "advance-withdrawn",
    "advance-offered",
    "advance-accepted",
    "advance-repaid",
    "advance-owed",
    "debt-repaid",
    "finance-word",
];

/// The same event has the same id, however often and to whomever it is told: it follows from the bytes
/// of its leaf, which no other event has.
#[must_use]
pub fn id_of(logged: &Logged) -> String {
    let hash = Sha256::digest(&logged.leaf);
    let hex: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("evt_{hex}")
}

/// The event as this party may see it; nothing, if it does not concern it.
pub async fn told(app: &AppState, party: &Party, logged: &Logged) -> Answer<Option<Value>> {
    let event = &logged.event;
    let what = match &event.trade {
        Some(trade) => {
            let Some(file) = app.hub.trade(trade).await? else { return Ok(None) };
            let part = trade_file::part(app, party, &file).await?;
            part.and_then(|part| viewer::told(&event.what, part))
        }
        None => of_no_trade(party, &event.what),
    };
    Ok(what.map(|what| {
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(id_of(logged)));
        body.insert("hub".to_owned(), json!(app.site().id));
        body.insert("n".to_owned(), json!(event.n));
        body.insert("at".to_owned(), json!(event.at));
        body.extend(event.trade.as_ref().map(|trade| ("trade".to_owned(), json!(trade))));
        body.insert("what".to_owned(), what);
        Value::Object(body)
    }))
}

/// What belongs to no trade: a seller's own products; everything for the operator, who answers for the log.
fn of_no_trade(party: &Party, what: &Happened) -> Option<Value> {
    let own = matches!(what, Happened::ProductOffered { seller, .. } if *seller == party.id);
    (own || party.is(Role::Operator)).then(|| json!(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade_file::Viewer;

    #[test]
    fn every_kind_that_can_be_chosen_can_happen() {
        let all: Vec<String> = sim::filled::happened().iter().map(Happened::kind).collect();
        for kind in KINDS {
            assert!(all.iter().any(|k| k == kind), "{kind}");
        }
    }

    #[test]
    fn of_a_sellers_advances_nobody_else_is_told_but_the_operator() {
        let kinds: std::collections::BTreeSet<String> = sim::filled::happened()
            .iter()
            .filter(|what| viewer::told(what, Viewer::Seller).is_some() && viewer::told(what, Viewer::Buyer).is_none())
            .map(Happened::kind)
            .collect();
        assert_eq!(kinds.len(), 9, "{kinds:?}");
        assert!(
            kinds.iter().all(|k| ["advance", "debt", "finance"].iter().any(|word| k.starts_with(word))),
            "{kinds:?}"
        );
        for what in sim::filled::happened().iter().filter(|what| kinds.contains(&what.kind())) {
            for viewer in [Viewer::Officer, Viewer::Broker, Viewer::Carrier, Viewer::Warehouse] {
                assert_eq!(viewer::told(what, viewer), None);
            }
            assert!(viewer::told(what, Viewer::Operator).is_some());
        }
    }

    #[test]
    fn a_carrier_is_told_of_the_parcel_and_of_no_value() {
        for what in sim::filled::happened() {
            let Some(told) = viewer::told(&what, Viewer::Carrier) else { continue };
            assert_eq!(told, json!({ "kind": what.kind() }));
            assert!(KINDS.contains(&what.kind().as_str()), "{}", what.kind());
        }
    }
}
