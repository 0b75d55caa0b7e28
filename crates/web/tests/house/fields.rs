//! Which fields of a trade leave a hub, to whom: closed lists, held against a file with every field.

use std::collections::BTreeSet;

use serde_json::Value;
use sim::filled::{self, fields};
use trade::bundle::View;
use web::trade_file::bundle::{self, cut};
use web::trade_file::viewer::{Viewer, shown};

use crate::house::{House, Reach, Ware, Who, at};

/// In no bundle. The buyer and all marks by which persons are recognised stay on the importing hub;
/// the rest is of no use to whoever gets a bundle.
const KEPT_BACK: [&str; 31] = [
    "handling.bag",
    "handling.exceptions[].at",
    "handling.exceptions[].exception",
    "handling.exceptions[].place",
    "handling.manifest",
    "handling.picked[].pieces",
    "handling.picked[].product",
    "handling.picked[].state",
    "handling.storage.bin",
    "handling.storage.name",
    "handling.storage.since",
    "handling.storage.warehouse",
    "heard[]",
    "order.buyer.party",
    "order.buyer.tags.id",
    "order.buyer.tags.name",
    "order.quote.asked_by",
    "payments[].payer.id",
    "payments[].payer.name",
    "payments[].fate.fault.by",
    "payments[].fate.fault.expected",
    "payments[].fate.fault.expected.currency",
    "payments[].fate.fault.expected.minor",
    "payments[].fate.fault.got",
    "payments[].fate.fault.got.currency",
    "payments[].fate.fault.got.minor",
    "payouts[].kind.seller",
    "peer_clearance.asked.field",
    "peer_clearance.asked.of",
    "peer_clearance.asked.reason",
    "peer_clearance.by",
];

/// Of who finances it: the parties to that have it from their own pages.
const FINANCE: [&str; 51] = [
    "finance.held.claim",
    "finance.advance.asked_at",
    "finance.advance.until",
    "finance.advance.due.minor",
    "finance.advance.due.currency",
    "finance.advance.claim",
    "finance.advance.score.pack",
    "finance.advance.score.points",
    "finance.advance.score.grade",
    "finance.advance.score.most_share",
    "finance.advance.score.facts.trades",
    "finance.advance.score.facts.completed",
    "finance.advance.score.facts.on_time",
    "finance.advance.score.facts.corrected",
    "finance.advance.score.facts.returned",
    "finance.advance.score.facts.secured",
    "finance.advance.score.facts.days_on_hub",
    "finance.advance.score.facts.value.minor",
    "finance.advance.score.facts.value.currency",
    "finance.advance.score.facts.median.minor",
    "finance.advance.score.facts.median.currency",
    "finance.advance.score.factors[].factor",
    "finance.advance.score.factors[].value",
    "finance.advance.score.factors[].points",
    "finance.advance.score.factors[].weight",
    "finance.advance.offers[].id",
    "finance.advance.offers[].lender",
    "finance.advance.offers[].amount.minor",
    "finance.advance.offers[].amount.currency",
    "finance.advance.offers[].fee_rate",
    "finance.advance.offers[].fee.minor",
    "finance.advance.offers[].fee.currency",
    "finance.advance.offers[].tenor",
    "finance.advance.offers[].offered_at",
    "finance.advance.state.offer",
    "finance.advance.state.due_at",
    "finance.advance.state.owed.minor",
    "finance.advance.state.owed.currency",
    "finance.claims[].id",
    "finance.claims[].lender",
    "finance.claims[].asked_at",
    "finance.claims[].wants",
    "finance.claims[].word.hub",
    "finance.claims[].word.trade",
    "finance.claims[].word.declaration",
    "finance.claims[].word.claim",
    "finance.claims[].word.says",
    "finance.claims[].word.until",
    "finance.claims[].word.why",
    "finance.claims[].word.at",
    "finance.claims[].word.signature",
];

/// Marks of persons: keyed hashes, which tell whoever sees two that they are of one person.
const MARKS: [&str; 4] =
    ["order.buyer.tags.id", "order.buyer.tags.name", "payments[].payer.id", "payments[].payer.name"];

/// What a carrier has of a trade.
const CARRIER: [&str; 38] = [
    "id",
    "side",
    "opened",
    "peer",
    "practice",
    "waybill.no",
    "waybill.gross",
    "waybill.consignee",
    "waybill.issued_at",
    "waybill.edition",
    "custody[].kind",
    "custody[].place",
    "custody[].at",
    "clearance.state",
    "clearance.since",
    "clearance.at",
    "clearance.by",
    "clearance.reason",
    "clearance.reasons[].field",
    "clearance.reasons[].mender",
    "clearance.reasons[].rule",
    "clearance.deadline",
    "clearance.channel",
    "clearance.rule",
    "clearance.asked.field",
    "clearance.asked.of",
    "clearance.asked.reason",
    // Around the file, in the answer.
    "as",
    "stage",
    "ball.holder",
    "ball.task",
    "ball.since",
    "ball.deadline",
    "events[].hub",
    "events[].n",
    "events[].witnessed",
    "events[].at",
    "events[].what.kind",
];

/// Beside those around the file that a carrier has, in the answer to everybody else.
const AROUND: [&str; 14] = [
    "match[].field",
    "match[].mender",
    "match[].rule",
    "match[].verdict.verdict",
    "match[].verdict.per_mille",
    "match[].verdict.allowed",
    "transfers[].trade",
    "transfers[].leg",
    "transfers[].kind",
    "transfers[].debit",
    "transfers[].credit",
    "transfers[].amount.minor",
    "transfers[].amount.currency",
    "transfers[].at",
];

/// What each of four documents says of a field; of a person, whether it is the buyer and never who.
const SAYING: [&str; 4] = ["order", "payment", "waybill", "declared"];
const SAID: [&str; 6] = ["minor", "currency", "grams", "count", "text", "same_as_buyer"];

fn set(lists: &[&[&str]]) -> BTreeSet<String> {
    lists.concat().into_iter().map(str::to_owned).collect()
}

/// All fields that a trade file can have.
fn whole() -> BTreeSet<String> {
    filled::trade_files().iter().flat_map(fields).collect()
}

#[test]
fn every_field_of_a_trade_file_is_in_a_view_or_kept_back() {
    let mut known = set(&[&bundle::fields(View::Authority), &KEPT_BACK, &FINANCE]);
    // An empty list, and the stage, which follows from the rest.
    for absent in ["matched.differs", "stage"] {
        known.remove(absent);
    }
    assert_eq!(known, whole());
    let withheld = set(&[&KEPT_BACK, &FINANCE]);
    for view in [View::Public, View::Counterparty, View::Authority] {
        let listed = set(&[&bundle::fields(view)]);
        assert!(listed.is_disjoint(&withheld), "{view:?}");
        for file in filled::trade_files() {
            let outside: Vec<String> = fields(&cut(&file, view)).difference(&listed).cloned().collect();
            assert_eq!(outside, Vec::<String>::new(), "{view:?}");
        }
    }
}

#[test]
fn a_file_is_shown_to_each_part_by_its_list() {
    let whole = whole();
    let unmarked: BTreeSet<String> = whole.difference(&set(&[&MARKS])).cloned().collect();
    let carrier = set(&[&CARRIER]);
    let handled = whole.iter().filter(|field| field.starts_with("handling."));
    let warehouse: BTreeSet<String> = carrier.iter().chain(handled).cloned().collect();
    let all = [
        Viewer::Seller,
        Viewer::Buyer,
        Viewer::Operator,
        Viewer::Officer,
        Viewer::Carrier,
        Viewer::Warehouse,
        Viewer::Broker,
    ];
    for file in filled::trade_files() {
        for viewer in all {
            let list = match viewer {
                Viewer::Officer => &whole,
                Viewer::Carrier => &carrier,
                Viewer::Warehouse => &warehouse,
                Viewer::Seller | Viewer::Buyer | Viewer::Operator | Viewer::Broker => &unmarked,
            };
            let outside: Vec<String> = fields(&shown(&file, viewer)).difference(list).cloned().collect();
            assert_eq!(outside, Vec::<String>::new(), "{}", viewer.code());
        }
    }
}

/// The fields of an answer, those of the file as they stand in it, and of events only the kind.
fn answered(mut answer: Value) -> BTreeSet<String> {
    let file = answer.as_object_mut().unwrap().remove("file").unwrap();
    let mut found = fields(&answer);
    found.retain(|field| !field.starts_with("events[].what.") || field == "events[].what.kind");
    found.extend(fields(&file));
    found
}

#[tokio::test]
async fn the_json_of_a_trade_holds_what_is_listed_for_its_reader() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    house.trade(2, Ware::Towel, 700, Reach::Lodged).await;
    house.trade(3, Ware::Cream, 240, Reach::Lodged).await;
    let mut whole = whole();
    whole.extend(set(&[&AROUND, &CARRIER]));
    whole.extend(SAYING.iter().flat_map(|saying| SAID.map(|said| format!("match[].{saying}.{said}"))));
    let carrier = set(&[&CARRIER]);
    for n in 1..=3 {
        let path = at("/api/v1/trades", n, "");
        for (side, who) in [
            (&house.kul, Who::Seller),
            (&house.kul, Who::Officer),
            (&house.kul, Who::Operator),
            (&house.kul, Who::Carrier),
            (&house.hgh, Who::Buyer),
            (&house.hgh, Who::Officer),
            (&house.hgh, Who::Operator),
            (&house.hgh, Who::Carrier),
        ] {
            let mut list = if who == Who::Carrier { carrier.clone() } else { whole.clone() };
            if who != Who::Officer {
                list = list.difference(&set(&[&MARKS])).cloned().collect();
            }
            let found = answered(side.get(Some(who), &path).await.good().json());
            let outside: Vec<&String> = found.difference(&list).collect();
            assert!(outside.is_empty(), "{} {who:?} {n}: {outside:?}", side.site.id);
        }
    }
}
