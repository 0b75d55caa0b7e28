//! A hub put back to an old copy, beside its living peer: what it may do, and how it comes back.

use std::collections::BTreeSet;

use hub::clock::Clock;
use hub::recovery::Standing;
use hub::testing::{self, Scratch, WALL};
use hub::{Hub, Unavailable};
use trade::checkpoint::Epoch;
use trade::codes::HubId;
use trade::commands::Command;
use trade::custody::CustodyKind;
use trade::escrow::AcceptGoods;
use trade::event::{Event, Happened};
use trade::payout::{ConfirmPayout, InstructPayouts, PayoutRef};
use trade::peer::{AcceptEpoch, ReceiveBatch};
use trade::quote::Quote;
use trade::recovery::CheckBank;
use trade::road::{GivenBack, Kept, Receipt, Testimony, WitnessAnswer};
use trade::trade_file::Stage;

use crate::pair::*;

/// What a witness says of another hub's log, as it goes over the wire.
async fn testimony(witness: &Hub, of: &Hub) -> Testimony {
    let road = witness.peer(&of.site().id).await.unwrap().unwrap().road;
    let receipt = Receipt::issue(&witness.site().road, &road, None, witness.wall_now()).unwrap();
    let answer = WitnessAnswer { receipt, head: road.seen };
    answer.check(&of.site().road, &witness.site().card, of.wall_now()).unwrap()
}

/// What a witness gives back, as it goes over the wire.
async fn given_back(witness: &Hub, to: &Hub, after: u64) -> Vec<Event> {
    let heard = witness.heard_after(&to.site().id, after, 200).await.unwrap();
    let heads = witness.heads_of(&to.site().id, &heard).await.unwrap();
    let entries = heard.into_iter().map(|h| Kept { epoch: h.epoch, size: h.size, entry: h.entry }).collect();
    GivenBack { heads, entries }.check(&to.site().road, &witness.site().id, after).unwrap()
}

async fn asking(store: &Scratch) -> Hub {
    let (clock, _) = Clock::manual(WALL);
    Hub::open_asking(testing::config(store, &hgh_site(), &clock)).await.unwrap()
}

async fn judged(hub: &Hub, said: &[Testimony]) -> Standing {
    let standing = hub.judge(said, &BTreeSet::new()).await.unwrap();
    let asked: BTreeSet<HubId> = said.iter().map(|t| t.by.clone()).collect();
    hub.stands(standing.clone(), asked).await.unwrap();
    standing
}

/// The peer sends again what the restored hub has not applied.
async fn rewind(from: &Hub, to: &Hub) {
    let cursor = to.peer(&from.site().id).await.unwrap().unwrap().road.cursor;
    let mut sent = from.outgoing(&to.site().id).await.unwrap();
    sent.rewind(cursor);
    sent.witnessed = to.peer(&from.site().id).await.unwrap().unwrap().road.seen_head().0;
    from.save_outgoing(&to.site().id, &sent).await.unwrap();
}

/// A paid order whose parcel has left Malaysia.
async fn shipped(pair: &Pair) -> Quote {
    good(pair.kul.submit(Command::OfferProduct(offer("T-1"))).await);
    good(pair.hgh.submit(party(OPERATOR, trade::party::Role::Operator, trade::codes::Country::CN)).await);
    pair.carry().await;
    let quote: Quote =
        serde_json::from_value(good(pair.hgh.submit(Command::AskQuote(ask(1, "T-1", BUYER))).await)).unwrap();
    good(pair.hgh.submit(order(1, quote.id, BUYER)).await);
    good(pair.hgh.submit(payment(1, quote.landed.total, BUYER)).await);
    pair.carry().await;
    good(pair.kul.submit(waybill(1)).await);
    good(pair.kul.submit(lodge(1)).await);
    for kind in [CustodyKind::HandedOver, CustodyKind::Departed] {
        good(pair.kul.submit(scan(1, kind)).await);
    }
    pair.carry().await;
    quote
}

const OPERATOR: u64 = 9;

/// Closes the importing hub, copies its store, and opens it again.
async fn copied(pair: Pair, store: &Scratch) -> (Pair, Scratch) {
    pair.hgh.sequence_all().await.unwrap();
    pair.hgh.close().await;
    let copy = testing::copy_of(store).await;
    let (clock, _) = Clock::manual(WALL);
    let hgh = Hub::open(testing::config(store, &hgh_site(), &clock)).await.unwrap();
    (Pair { hgh, ..pair }, copy)
}

async fn delivered(pair: &Pair) {
    for kind in [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered] {
        good(pair.hgh.submit(scan(1, kind)).await);
    }
}

async fn accepted(hub: &Hub) {
    good(hub.submit(Command::AcceptGoods(AcceptGoods { trade: trade_no(1), by: id(BUYER) })).await);
}

#[tokio::test]
async fn a_hub_put_back_reads_only_declares_its_loss_and_goes_on_with_what_it_had_told() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        declared(&first, &second).await;
    }
}

async fn declared(first: &Scratch, second: &Scratch) {
    let pair = Pair::open(first, second).await;
    let quote = shipped(&pair).await;
    let (pair, copy) = copied(pair, second).await;
    delivered(&pair).await;
    accepted(&pair.hgh).await;
    pair.carry().await;
    let Pair { kul, hgh, .. } = pair;
    let seen = hgh.sequence_all().await.unwrap();
    hgh.close().await;

    // The copy asks, and meanwhile does nothing irrevocable and signs nothing.
    let hgh = asking(&copy).await;
    assert!(matches!(hgh.standing(), Standing::Asking { restored: false, .. }));
    let lapse = Command::LapseOrder(trade::order::LapseOrder { trade: trade_no(1) });
    assert!(matches!(hgh.submit(lapse.clone()).await, Err(Unavailable::WitnessesSilent { .. })));
    let batch = batch_of(&kul, &hgh).await;
    let receive = Command::ReceiveBatch(ReceiveBatch::new(batch, WALL));
    assert!(matches!(hgh.submit(receive.clone()).await, Err(Unavailable::WitnessesSilent { .. })));
    assert!(!hgh.may_tell(&kul.site().id));
    // What is decided meanwhile on the old state, and told to nobody yet.
    good(hgh.submit(scan(1, CustodyKind::Arrived)).await);

    let said = [testimony(&kul, &hgh).await];
    let Standing::Behind(loss) = judged(&hgh, &said).await else { panic!("{:?}", hgh.standing()) };
    assert_eq!((loss.by.as_str(), loss.seen, loss.is_all_told()), ("kul.sandbox", seen, false));
    assert_eq!(hgh.submit(lapse.clone()).await, Err(Unavailable::ReadsOnly));
    assert_eq!(hgh.submit(receive).await, Err(Unavailable::ReadsOnly));
    let head = hgh.head().await.unwrap().unwrap();
    assert_eq!(head.claimed().size, loss.kept);

    let statement = hgh.declare(&said, "pty_operator").await.unwrap();
    assert_eq!((statement.epoch, statement.lost_from, statement.lost_to), (Epoch(2), loss.kept, seen));
    hgh.close().await;
    let hgh = asking(&copy).await;
    assert_eq!(hgh.standing(), Standing::Recalling { epoch: Epoch(2) });
    assert_eq!(hgh.site().card.epoch, Epoch(2));
    assert_eq!(hgh.submit(lapse.clone()).await, Err(Unavailable::ReadsOnly));
    let (statement, roads) = hgh.to_recall().await.unwrap().unwrap();
    assert_eq!(roads.len(), 1);
    let events = given_back(&kul, &hgh, roads[0].after).await;
    assert_eq!(events.last().and_then(|e| e.road_seq), Some(roads[0].until));
    // Twice is once: a crash in between costs nothing.
    for words in [events.len(), 0] {
        let answer = answer(hgh.recall(events.clone(), false).await.unwrap()).unwrap();
        assert_eq!(answer["words"], words);
    }
    let again = hgh.told_since(&statement).await.unwrap();
    assert!(matches!(again[..], [Event { what: Happened::CustodyRecorded { .. }, .. }]), "{again:?}");
    answer(hgh.end_recall(&statement, again.clone()).await).unwrap();
    assert_eq!(answer(hgh.end_recall(&statement, again).await).unwrap_err().code, "recall-ended");

    // The peer takes the statement, once, and the road goes on under the next numbers.
    for _ in 0..2 {
        let accept = Command::AcceptEpoch(AcceptEpoch { statement: statement.clone() });
        assert_eq!(good(kul.submit(accept).await), 2);
    }
    let said = [testimony(&kul, &hgh).await];
    assert_eq!(judged(&hgh, &said).await, Standing::Sound);
    rewind(&kul, &hgh).await;
    let pair = Pair { kul, hgh, kul_site: kul_site(), hgh_site: hgh_site() };
    pair.carry().await;
    let file = pair.hgh.trade(&trade_no(1)).await.unwrap().unwrap();
    assert_eq!(file.stage(), Stage::Settled, "what was told of the trade is so again");
    let to = pair.hgh.settlement().await.unwrap()[0].balance.owed();
    let from = pair.kul.settlement().await.unwrap()[0].balance.held();
    assert_eq!((to, from), (quote.due.minor(), quote.due.minor()));
    // The buyer says again that all is well: nothing moves twice.
    accepted(&pair.hgh).await;
    assert_eq!(pair.hgh.settlement().await.unwrap()[0].balance.owed(), to);

    // Payouts and lapses wait until the bank was compared.
    assert!(pair.hgh.bank_unchecked());
    assert_eq!(pair.hgh.submit(lapse.clone()).await, Err(Unavailable::BankUnchecked));
    good(pair.hgh.submit(Command::CheckBank(CheckBank { by: id(OPERATOR) })).await);
    pair.hgh.look_at_bank().await.unwrap();
    assert_eq!(answer(pair.hgh.submit(lapse).await).unwrap_err().code, "already-paid");
    let payout = pair.kul.payouts_due(10).await.unwrap()[0].payout.clone();
    let payouts = vec![PayoutRef { trade: trade_no(1), payout: payout.id }];
    let instruct = InstructPayouts { file: "F-1".parse().unwrap(), payouts };
    good(pair.kul.submit(Command::InstructPayouts(instruct)).await);
    let confirm =
        ConfirmPayout { trade: trade_no(1), payout: payout.id, amount: payout.amount, bank_reference: "B-1".into() };
    good(pair.kul.submit(Command::ConfirmPayout(confirm)).await);
    pair.carry().await;
    for hub in [&pair.kul, &pair.hgh] {
        assert_eq!(hub.trade(&trade_no(1)).await.unwrap().unwrap().stage(), Stage::Paid);
        assert!(hub.audit_ledger().await.unwrap().is_sound());
        hub.sequence_all().await.unwrap();
        assert!(hub.audit_log().await.unwrap().is_sound());
        hub.close().await;
    }
}

#[tokio::test]
async fn where_all_that_was_lost_was_told_the_log_goes_on_as_if_nothing_had_happened() {
    let mut seconds = testing::stores().await;
    for first in testing::stores().await {
        let second = seconds.remove(0);
        let pair = Pair::open(&first, &second).await;
        shipped(&pair).await;
        let (pair, copy) = copied(pair, &second).await;
        delivered(&pair).await;
        pair.carry().await;
        let Pair { kul, hgh, .. } = pair;
        let whole = testing::dump(&hgh).await.unwrap();
        let head = hgh.head().await.unwrap().unwrap();
        hgh.close().await;

        let hgh = asking(&copy).await;
        let said = [testimony(&kul, &hgh).await];
        let Standing::Behind(loss) = judged(&hgh, &said).await else { panic!("{:?}", hgh.standing()) };
        assert!(loss.is_all_told(), "{loss:?}");
        let events = given_back(&kul, &hgh, loss.roads[0].ours).await;
        assert!(!hgh.reaches(&events[1..], &loss.head).await.unwrap());
        assert!(hgh.reaches(&events, &loss.head).await.unwrap());
        answer(hgh.recall(events, true).await.unwrap()).unwrap();
        // A crash before the head was signed costs nothing: the same leaves lead there again.
        let events = given_back(&kul, &hgh, loss.roads[0].ours).await;
        assert!(hgh.reaches(&events, &loss.head).await.unwrap());
        hgh.stands(Standing::Sound, BTreeSet::from([kul.site().id.clone()])).await.unwrap();
        hgh.sequence_all().await.unwrap();
        assert_eq!(hgh.head().await.unwrap().unwrap(), head, "the very head that was witnessed");
        assert_eq!(judged(&hgh, &[testimony(&kul, &hgh).await]).await, Standing::Sound);
        rewind(&kul, &hgh).await;
        let pair = Pair { kul, hgh, kul_site: kul_site(), hgh_site: hgh_site() };
        pair.carry().await;
        let now = testing::dump(&pair.hgh).await.unwrap();
        for table in ["trade_file", "account", "transfer", "event"] {
            assert_eq!(now[table], whole[table], "{table}");
        }
        pair.hgh.close().await;
        pair.kul.close().await;
    }
}

#[tokio::test]
async fn two_histories_of_one_epoch_are_shown_with_both_heads() {
    let (first, second) = (testing::sqlite(), testing::sqlite());
    let pair = Pair::open(&first, &second).await;
    shipped(&pair).await;
    let (pair, copy) = copied(pair, &second).await;
    delivered(&pair).await;
    pair.carry().await;
    let Pair { kul, hgh, .. } = pair;
    hgh.close().await;
    // A copy that runs without asking tells another story, and longer than what was witnessed.
    let (clock, _) = Clock::manual(WALL);
    let hgh = Hub::open(testing::config(&copy, &hgh_site(), &clock)).await.unwrap();
    for n in 20..40 {
        good(hgh.submit(payment(n, trade::money::Money::new(500, trade::money::Currency::CNY), 10)).await);
    }
    hgh.sequence_all().await.unwrap();
    hgh.close().await;
    let hgh = asking(&copy).await;
    let said = [testimony(&kul, &hgh).await];
    let Standing::Forged { by, forgery } = judged(&hgh, &said).await else { panic!("{:?}", hgh.standing()) };
    assert_eq!(by.as_str(), "kul.sandbox");
    assert!(forgery.ours.claimed().size > forgery.theirs.claimed().size);
    assert!(hgh.declare(&said, "pty_operator").await.is_err(), "two histories are no loss");
    hgh.close().await;
    kul.close().await;
}
