//! Advances and the word behind them, on two hubs in memory: repaid first, and once for each invoice.

use sim::generator::{Flaw, Pays, Plan, Ruling};
use sim::memory::MemoryHub;
use sim::network::Weather;
use sim::play::{Phase, open};
use sim::random::Random;
use sim::scene::{Scene, Way, business, party_id};
use trade::advance::{
    AcceptAdvance, Advance, AdvanceOffer, AdvanceState, AskAdvance, OfferAdvance, ReceiveFunds, RestoreAdvance,
    ReturnFunds, WithdrawAdvance, available, funds_of,
};
use trade::clearance::{DecideClearance, Decision};
use trade::codes::{Country, S10};
use trade::command::Outcome;
use trade::financing::{AskWord, Claim, Says, Wants};
use trade::id::Id;
use trade::ledger::Leg;
use trade::money::{Currency, Money, Rate};
use trade::party::Role;
use trade::payout::{PayoutKind, PayoutState};
use trade::returns::ReturnReason;
use trade::scorecard::ScoreFacts;
use trade::time::{BusinessTime, Days};
use trade::trade_file::{Side, Stage, TradeId};

const LENDERS: [&str; 2] = ["lender-0", "lender-1"];

fn myr(minor: i64) -> Money {
    Money::new(minor, Currency::MYR)
}

fn plan(number: u64) -> Plan {
    // Two packs of white coffee at RM 24.90.
    let (buyer, lines, flaw) = ("buyer-0".to_owned(), vec![(0, 2)], Flaw::None);
    Plan { number, way: Way::MyCn, incoterm: None, pays: Pays::Whole, buyer, lines, flaw }
}

fn code(outcome: &Outcome) -> &str {
    outcome.as_ref().expect_err("it should be refused").code.as_str()
}

/// Two hubs, each with two lenders; those of Kuala Lumpur have RM 100.00 each at its bank.
fn lending(random: &mut Random) -> Scene {
    let mut scene = Scene::new();
    for word in LENDERS {
        scene.kul.run(business(word, Role::Lender, Country::MY)).expect("well-formed");
        scene.hgh.run(business(word, Role::Lender, Country::CN)).expect("well-formed");
        scene.kul.run(deposit(word, "1", 10_000)).expect("a lender's money");
    }
    open(&mut scene, 1, random);
    scene
}

fn deposit(lender: &str, no: &str, amount: i64) -> ReceiveFunds {
    let no = format!("DEP-{lender}-{no}").parse().expect("letters, digits and dashes");
    ReceiveFunds { lender: party_id(lender), no, amount: myr(amount), by: None }
}

/// Plays up to the export release, which the peer has heard of.
fn exported(scene: &mut Scene, plans: &[Plan], random: &mut Random) {
    for phase in [Phase::Order, Phase::Declare, Phase::Examine] {
        phase.play(scene, plans, random);
    }
}

fn facts() -> ScoreFacts {
    ScoreFacts {
        trades: 25,
        completed: 24,
        on_time: 24,
        corrected: 0,
        returned: 0,
        secured: true,
        days_on_hub: 400,
        value: myr(1),
        median: None,
    }
}

fn ask(trade: &TradeId) -> AskAdvance {
    AskAdvance { trade: trade.clone(), by: party_id("seller"), facts: facts() }
}

fn offer_id(word: &str) -> Id<AdvanceOffer> {
    Id::derived(BusinessTime::from_micros(0), word)
}

fn offer(trade: &TradeId, lender: &str, amount: i64) -> OfferAdvance {
    OfferAdvance {
        trade: trade.clone(),
        by: party_id(lender),
        offer: offer_id(&format!("{trade} {lender} {amount}")),
        amount: myr(amount),
        fee_rate: Rate::percent(2),
        tenor: Days(30),
    }
}

fn accept(offer: &OfferAdvance) -> AcceptAdvance {
    AcceptAdvance { trade: offer.trade.clone(), by: party_id("seller"), offer: offer.offer }
}

fn waybill(hub: &MemoryHub, trade: &TradeId) -> S10 {
    hub.store.trades[trade].declaration.as_ref().expect("declared").waybill.clone()
}

fn word(hub: &mut MemoryHub, trade: &TradeId, lender: &str, wants: Wants) -> Outcome {
    let waybill = waybill(hub, trade);
    hub.run(AskWord { trade: trade.clone(), by: party_id(lender), waybill, wants })
}

fn said(hub: &MemoryHub, trade: &TradeId, lender: &str) -> Option<Says> {
    let finance = hub.store.trades[trade].finance.as_ref()?;
    let claim: &Claim = finance.claims.iter().find(|c| c.lender == party_id(lender))?;
    claim.word.as_ref().map(|w| w.says)
}

fn funds(hub: &MemoryHub, lender: &str) -> i64 {
    let account = funds_of(party_id(lender), Currency::MYR);
    hub.store.balances.get(&account).map_or(0, |b| available(*b))
}

fn state(hub: &MemoryHub, trade: &TradeId) -> AdvanceState {
    hub.store.trades[trade].advance().expect("asked for").state.clone()
}

fn is_balanced(scene: &Scene) -> bool {
    scene.hgh.imbalance().values().chain(scene.kul.imbalance().values()).all(|sum| *sum == 0)
}

#[test]
fn a_lender_is_repaid_before_the_seller_and_everything_adds_up() {
    let mut random = Random::new(1);
    let mut scene = lending(&mut random);
    let plans = [plan(1)];
    let trade = plans[0].trade(&scene.hgh.site.id);
    assert_eq!(code(&scene.kul.run(ask(&trade))), "trade-unknown");
    exported(&mut scene, &plans, &mut random);
    let asked: Advance = serde_json::from_value(scene.kul.run(ask(&trade)).unwrap()).unwrap();
    // RM 49.05 reach the seller (sim/tests/sim/trade.rs works it out). Score 25 + 15 + 15 + 15 + 10 + 10 and
    // 40 % of 10 for a median that is not known = 94: grade a, 80 % of 49.05 = 39.24.
    let score = asked.score.clone().unwrap();
    assert_eq!((asked.due, score.points, score.grade.as_str()), (myr(4_905), 94, "a"));
    assert_eq!(score.facts.value, myr(4_905), "what is due is not taken from whoever asks");
    let most = offer(&trade, LENDERS[0], 3_924);
    assert_eq!(code(&scene.kul.run(offer(&trade, LENDERS[0], 3_925))), "amount-out-of-range");
    scene.kul.run(most.clone()).unwrap();
    let cheaper = OfferAdvance { fee_rate: Rate::percent(1), ..offer(&trade, LENDERS[1], 3_000) };
    scene.kul.run(cheaper).unwrap();
    scene.kul.run(accept(&most)).unwrap();
    assert_eq!((funds(&scene.kul, LENDERS[0]), funds(&scene.kul, LENDERS[1])), (10_000 - 3_924, 10_000));
    // The bank pays it out; the tenor begins.
    Phase::PayOut.play(&mut scene, &plans, &mut random);
    assert!(matches!(state(&scene.kul, &trade), AdvanceState::PaidOut { .. }));
    assert_ne!(scene.kul.store.trades[&trade].stage(), Stage::Paid, "an advance does not complete a trade");
    for phase in [Phase::Correct, Phase::ExamineAgain, Phase::Deliver, Phase::PayOut] {
        phase.play(&mut scene, &plans, &mut random);
    }
    // Fee 2 % of 39.24 = 0.7848 -> 0.78. Of 49.05 the lender gets 39.24 + 0.78, the seller 9.03.
    let legs: Vec<(Leg, i64)> = scene.kul.store.transfers.iter().map(|t| (t.leg, t.amount.minor())).collect();
    let place = |leg| legs.iter().position(|(l, _)| *l == leg).expect("moved");
    assert_eq!(legs[place(Leg::Repayment)], (Leg::Repayment, 3_924));
    assert_eq!(legs[place(Leg::AdvanceFee)], (Leg::AdvanceFee, 78));
    assert_eq!(legs[place(Leg::Proceeds)], (Leg::Proceeds, 903));
    assert!(place(Leg::ExportFee) < place(Leg::Repayment) && place(Leg::AdvanceFee) < place(Leg::Proceeds));
    assert!(matches!(state(&scene.kul, &trade), AdvanceState::Repaid { .. }));
    assert_eq!(funds(&scene.kul, LENDERS[0]), 10_078);
    assert_eq!(scene.kul.store.trades[&trade].stage(), Stage::Paid);
    assert!(is_balanced(&scene));
    // What comes too late is refused.
    assert_eq!(code(&scene.kul.run(ask(&trade))), "advance-stands");
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let mut random = Random::new(2);
    let mut scene = lending(&mut random);
    let plans = [plan(1), plan(2)];
    let [trade, other] = [0, 1].map(|n| plans[n].trade(&scene.hgh.site.id));
    Phase::Order.play(&mut scene, &plans, &mut random);
    assert_eq!(code(&scene.kul.run(ask(&trade))), "not-released-yet");
    exported(&mut scene, &plans, &mut random);
    let by = party_id("buyer-0");
    assert_eq!(code(&scene.kul.run(AskAdvance { by, ..ask(&trade) })), "not-yours");
    assert_eq!(code(&scene.kul.run(offer(&trade, LENDERS[0], 1_000))), "advance-unknown");
    scene.kul.run(ask(&trade)).unwrap();
    assert_eq!(
        code(&scene.kul.run(OfferAdvance { by: party_id("seller"), ..offer(&trade, LENDERS[0], 1) })),
        "not-a-lender"
    );
    assert_eq!(code(&scene.kul.run(offer(&trade, LENDERS[0], 0))), "amount-out-of-range");
    let dear = OfferAdvance { fee_rate: Rate::percent(16), ..offer(&trade, LENDERS[0], 1_000) };
    assert_eq!(code(&scene.kul.run(dear)), "fee-out-of-range");
    let long = OfferAdvance { tenor: Days(181), ..offer(&trade, LENDERS[0], 1_000) };
    assert_eq!(code(&scene.kul.run(long)), "tenor-out-of-range");
    let foreign = OfferAdvance { amount: Money::new(1_000, Currency::CNY), ..offer(&trade, LENDERS[0], 1_000) };
    assert_eq!(code(&scene.kul.run(foreign)), "currency-mismatch");
    // The operator has most of a lender's money sent back: it cannot be lent.
    let back = |amount, no: &str| ReturnFunds {
        lender: party_id(LENDERS[0]),
        no: no.parse().unwrap(),
        amount: myr(amount),
        by: party_id("operator"),
    };
    assert_eq!(code(&scene.kul.run(back(10_001, "OUT-1"))), "funds-short");
    assert_eq!(code(&scene.kul.run(ReturnFunds { by: party_id("bank"), ..back(1, "OUT-1") })), "not-the-operator");
    scene.kul.run(back(8_000, "OUT-1")).unwrap();
    scene.kul.run(back(8_000, "OUT-1")).unwrap();
    assert_eq!(funds(&scene.kul, LENDERS[0]), 2_000);
    assert_eq!(code(&scene.kul.run(offer(&trade, LENDERS[0], 3_000))), "funds-short");
    // What is offered twice with the same money is taken once.
    scene.kul.run(ask(&other)).unwrap();
    let [first, second] = [&trade, &other].map(|t| offer(t, LENDERS[0], 1_500));
    scene.kul.run(first.clone()).unwrap();
    scene.kul.run(second.clone()).unwrap();
    scene.kul.run(accept(&first)).unwrap();
    assert_eq!(code(&scene.kul.run(accept(&second))), "funds-short");
    // The same again is the same; another offer under its number, or a second advance, is refused.
    scene.kul.run(accept(&first)).unwrap();
    assert_eq!(funds(&scene.kul, LENDERS[0]), 500);
    assert_eq!(code(&scene.kul.run(OfferAdvance { amount: myr(1), ..second.clone() })), "advance-offer-taken");
    assert_eq!(
        code(&scene.kul.run(AcceptAdvance { offer: offer_id("none"), ..accept(&second) })),
        "advance-offer-unknown"
    );
    assert_eq!(code(&scene.kul.run(ask(&trade))), "advance-stands");
    let withdraw = |trade: &TradeId| WithdrawAdvance { trade: trade.clone(), by: party_id("seller") };
    assert_eq!(code(&scene.kul.run(withdraw(&trade))), "advance-stands");
    scene.kul.run(withdraw(&other)).unwrap();
    assert_eq!(code(&scene.kul.run(offer(&other, LENDERS[1], 1_000))), "advance-closed");
    // A deposit of another currency, or under another's number.
    let cny = ReceiveFunds { amount: Money::new(1, Currency::CNY), ..deposit(LENDERS[0], "9", 1) };
    assert_eq!(code(&scene.kul.run(cny)), "funds-currency");
    let taken = ReceiveFunds { no: "OUT-1".parse().unwrap(), ..deposit(LENDERS[1], "9", 1) };
    assert_eq!(code(&scene.kul.run(taken)), "funds-number-taken");
    assert!(is_balanced(&scene));
}

#[test]
fn offers_end_with_their_time_and_the_word_is_free_again() {
    let mut random = Random::new(3);
    let mut scene = lending(&mut random);
    let plans = [plan(1)];
    let trade = plans[0].trade(&scene.hgh.site.id);
    exported(&mut scene, &plans, &mut random);
    scene.kul.run(ask(&trade)).unwrap();
    let made = offer(&trade, LENDERS[0], 1_000);
    scene.kul.run(made.clone()).unwrap();
    assert_eq!(code(&word(&mut scene.kul, &trade, LENDERS[1], Wants::Finance)), "word-not-kept");
    word(&mut scene.kul, &trade, LENDERS[1], Wants::Keep).unwrap();
    assert!(matches!(said(&scene.kul, &trade, LENDERS[1]), Some(Says::No { .. })));
    // Offers are good for 72 hours, the word is kept for 48.
    scene.kul.now = scene.kul.now.plus_seconds(72 * 3_600);
    assert_eq!(code(&scene.kul.run(accept(&made))), "advance-closed");
    word(&mut scene.kul, &trade, LENDERS[1], Wants::Keep).unwrap();
    assert!(matches!(said(&scene.kul, &trade, LENDERS[1]), Some(Says::Yes { .. })));
    assert_eq!(code(&scene.kul.run(ask(&trade))), "financed-already");
    word(&mut scene.kul, &trade, LENDERS[1], Wants::LetGo).unwrap();
    scene.kul.run(ask(&trade)).unwrap();
}

#[test]
fn a_lender_of_the_other_hub_gets_the_same_word_over_the_road_and_a_second_asker_gets_no() {
    let mut random = Random::new(4);
    let mut scene = lending(&mut random);
    let plans = [plan(1)];
    let trade = plans[0].trade(&scene.hgh.site.id);
    exported(&mut scene, &plans, &mut random);
    // Whoever does not have the papers learns nothing.
    let waybill = S10::issue("LP", 99, Country::MY).unwrap();
    let by = party_id(LENDERS[0]);
    let guess = AskWord { trade: trade.clone(), by, waybill, wants: Wants::Keep };
    assert_eq!(code(&scene.hgh.run(guess)), "papers-unknown");
    word(&mut scene.hgh, &trade, LENDERS[0], Wants::Keep).unwrap();
    assert_eq!(said(&scene.hgh, &trade, LENDERS[0]), None, "the question is on the road");
    scene.settle(&mut random);
    assert!(matches!(said(&scene.hgh, &trade, LENDERS[0]), Some(Says::Yes { .. })));
    let claim = scene.hgh.store.trades[&trade].finance.as_ref().unwrap().claims[0].clone();
    let signed = claim.word.unwrap();
    assert_eq!(signed.verify(&scene.kul.site.card.keys), Ok(()));
    assert!(signed.verify(&scene.hgh.site.card.keys).is_err());
    let mut altered = signed.clone();
    altered.says = Says::Financed;
    assert!(altered.verify(&scene.kul.site.card.keys).is_err());
    // The client and the lender are not in it.
    let text = serde_json::to_string(&signed).unwrap();
    assert!(!text.contains("pty_"), "{text}");
    // Seller and other lenders, on either hub, have to stand back.
    assert_eq!(code(&scene.kul.run(ask(&trade))), "financed-already");
    word(&mut scene.hgh, &trade, LENDERS[1], Wants::Keep).unwrap();
    word(&mut scene.hgh, &trade, LENDERS[0], Wants::Finance).unwrap();
    scene.settle(&mut random);
    assert!(matches!(said(&scene.hgh, &trade, LENDERS[1]), Some(Says::No { .. })));
    assert_eq!(said(&scene.hgh, &trade, LENDERS[0]), Some(Says::Financed));
    // For ever: also when all deadlines are over.
    scene.kul.now = scene.kul.now.plus_days(Days(300));
    assert_eq!(code(&scene.kul.run(ask(&trade))), "financed-already");
}

/// Everybody asks at once, in any order, over a bad road: one finances, at most.
fn race(seed: u64) {
    let mut random = Random::new(seed);
    let mut scene = lending(&mut random);
    let plans: Vec<Plan> = (1..=4).map(plan).collect();
    exported(&mut scene, &plans, &mut random);
    scene.weather = Weather { lost: 3, doubled: 3, swapped: 4, altered: 5 };
    let trades: Vec<TradeId> = plans.iter().map(|p| p.trade(&scene.hgh.site.id)).collect();
    for _ in 0..120 {
        let trade = random.pick(&trades).clone();
        let lender = *random.pick(&LENDERS);
        let made = offer(&trade, lender, 1_000);
        // What the rules refuse is refused; what they allow must hold together.
        let _ = match random.below(9) {
            0 => scene.kul.run(ask(&trade)),
            1 => scene.kul.run(made),
            2 => scene.kul.run(accept(&made)),
            3 => scene.kul.run(WithdrawAdvance { trade, by: party_id("seller") }),
            4 => word(&mut scene.kul, &trade, lender, Wants::Keep),
            5 => word(&mut scene.hgh, &trade, lender, Wants::Keep),
            6 if random.once_in(2) => word(&mut scene.hgh, &trade, lender, Wants::Finance),
            6 => word(&mut scene.kul, &trade, lender, Wants::Finance),
            7 => word(&mut scene.hgh, &trade, lender, Wants::LetGo),
            _ => {
                scene.kul.now = scene.kul.now.plus_seconds(3_600 * 9);
                scene.exchange(&mut random);
                Ok(serde_json::Value::Null)
            }
        };
    }
    scene.settle(&mut random);
    for trade in &trades {
        let financed = |hub: &MemoryHub| {
            let finance = hub.store.trades[trade].finance.clone().unwrap_or_default();
            finance.claims.iter().filter(|c| c.word.as_ref().is_some_and(|w| w.says == Says::Financed)).count()
        };
        let advanced = scene.kul.store.trades[trade].advance().is_some_and(|a| a.state.offer().is_some());
        let all = financed(&scene.kul) + financed(&scene.hgh) + usize::from(advanced);
        assert!(all <= 1, "seed {seed} {trade}: financed {all} times");
        let held = scene.kul.store.trades[trade].held_word().is_some_and(trade::financing::Held::is_financed);
        assert_eq!(held, all == 1, "seed {seed} {trade}");
    }
    assert!(is_balanced(&scene), "seed {seed}");
    assert!(LENDERS.iter().all(|l| funds(&scene.kul, l) >= 0), "seed {seed}");
    // And all trades come to their ends: each lender has its money back with the fee of 20 sen.
    for phase in [Phase::PayOut, Phase::Correct, Phase::ExamineAgain, Phase::Deliver, Phase::PayOut] {
        phase.play(&mut scene, &plans, &mut random);
    }
    let taken = trades.iter().filter(|t| scene.kul.store.trades[*t].advance().is_some_and(|a| a.taken().is_some()));
    let fees = i64::try_from(taken.count()).expect("four trades") * 20;
    assert_eq!(LENDERS.iter().map(|l| funds(&scene.kul, l)).sum::<i64>(), 20_000 + fees, "seed {seed}");
    assert!(is_balanced(&scene), "seed {seed}");
}

#[test]
fn an_invoice_is_financed_at_most_once_whoever_asks_in_whatever_order_over_whatever_road() {
    let seeds = std::env::var("EHUB_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(25);
    (0..seeds).for_each(race);
}

#[test]
fn what_a_trade_does_not_bring_is_a_debt_that_the_next_proceeds_pay_first() {
    let mut random = Random::new(5);
    let mut scene = lending(&mut random);
    // A third heavier than declared: held at import.
    let plans = [Plan { flaw: Flaw::Heavy { mended: false }, ..plan(1) }, plan(2)];
    let [lost, next] = [0, 1].map(|n| plans[n].trade(&scene.hgh.site.id));
    exported(&mut scene, &plans, &mut random);
    scene.kul.run(ask(&lost)).unwrap();
    let made = offer(&lost, LENDERS[0], 3_000);
    scene.kul.run(made.clone()).unwrap();
    scene.kul.run(accept(&made)).unwrap();
    Phase::PayOut.play(&mut scene, &plans, &mut random);
    // Import customs detains the first: it brings no money.
    let detain = DecideClearance {
        trade: lost.clone(),
        by: party_id("officer"),
        decision: Decision::Detain,
        reason: "false weight".to_owned(),
    };
    scene.hgh.run(detain).unwrap();
    scene.settle(&mut random);
    // 30.00 and the fee of 0.60.
    assert!(matches!(state(&scene.kul, &lost), AdvanceState::Owed { owed, .. } if owed == myr(3_060)));
    let debts = scene.kul.store.debts[&party_id("seller")].clone();
    assert_eq!(debts.left(), Some(myr(3_060)));
    for phase in [Phase::Correct, Phase::ExamineAgain, Phase::Deliver, Phase::PayOut] {
        phase.play(&mut scene, &plans[1..], &mut random);
    }
    // Of RM 49.05 the lender gets 30.60, the seller 18.45.
    let payout = scene.kul.store.trades[&next].payouts.first().unwrap().clone();
    assert_eq!(payout.amount, myr(1_845));
    assert!(matches!(payout.state, PayoutState::Done { .. }));
    assert_eq!(scene.kul.store.debts[&party_id("seller")].left(), Some(myr(0)));
    assert_eq!(funds(&scene.kul, LENDERS[0]), 10_060);
    assert!(is_balanced(&scene));
}

#[test]
fn what_the_buyer_gets_back_is_the_sellers_debt_before_it_is_the_sellers_money() {
    let damaged = Flaw::Returns { reason: ReturnReason::Damaged, silent: false };
    let halved = Flaw::Disputes { after_return: true, ruling: Some(Ruling::Half) };
    // RM 30.00 and the fee of 0.60 were advanced. Of damaged goods nothing comes. Of a price that is
    // halved RM 6.79 are the seller's (sim/tests/sim/returns.rs works it out): all for the lender, and
    // 30.60 − 6.79 = 23.81 are owed.
    for (flaw, stage, repaid) in [(damaged, Stage::Returned, 0), (halved, Stage::Paid, 679)] {
        let mut random = Random::new(7);
        let mut scene = lending(&mut random);
        let plans = [Plan { flaw, ..plan(1) }, Plan { flaw, ..plan(2) }];
        let [trade, other] = [0, 1].map(|n| plans[n].trade(&scene.hgh.site.id));
        exported(&mut scene, &plans, &mut random);
        scene.kul.run(ask(&trade)).unwrap();
        let made = offer(&trade, LENDERS[0], 3_000);
        scene.kul.run(made.clone()).unwrap();
        scene.kul.run(accept(&made)).unwrap();
        for phase in [Phase::PayOut, Phase::Correct, Phase::ExamineAgain, Phase::Deliver] {
            phase.play(&mut scene, &plans, &mut random);
        }
        // What its buyer wants back is not advanced on.
        assert_eq!(code(&scene.kul.run(ask(&other))), "claim-open");
        for phase in [Phase::Answer, Phase::Dispute, Phase::Wait, Phase::Decide, Phase::Home, Phase::PayOut] {
            phase.play(&mut scene, &plans, &mut random);
        }
        let owed = 3_060 - repaid;
        assert!(matches!(state(&scene.kul, &trade), AdvanceState::Owed { owed: o, .. } if o == myr(owed)), "{flaw:?}");
        let file = &scene.kul.store.trades[&trade];
        assert_eq!(file.stage(), stage);
        assert!(file.payouts.iter().all(|p| matches!(p.kind, PayoutKind::Advance { .. })), "the seller gets no more");
        // The other sale was halved as well, and its 6.79 pay the debt too.
        assert_eq!(scene.kul.store.debts[&party_id("seller")].left(), Some(myr(owed - repaid)));
        assert_eq!(funds(&scene.kul, LENDERS[0]), 10_000 - 3_000 + 2 * repaid);
        assert!(is_balanced(&scene));
    }
}

#[test]
fn after_a_loss_the_word_is_not_given_twice_and_the_proceeds_wait_for_the_operator() {
    let mut random = Random::new(6);
    let mut scene = lending(&mut random);
    let plans = [plan(1), plan(2)];
    let [trade, foreign] = [0, 1].map(|n| plans[n].trade(&scene.hgh.site.id));
    exported(&mut scene, &plans, &mut random);
    let copy = scene.kul.clone();
    scene.kul.run(ask(&trade)).unwrap();
    let made = offer(&trade, LENDERS[0], 3_000);
    scene.kul.run(made.clone()).unwrap();
    scene.kul.run(accept(&made)).unwrap();
    word(&mut scene.hgh, &foreign, LENDERS[0], Wants::Keep).unwrap();
    scene.settle(&mut random);
    word(&mut scene.hgh, &foreign, LENDERS[0], Wants::Finance).unwrap();
    scene.settle(&mut random);
    scene.restore(Side::Export, copy);
    scene.settle(&mut random);
    assert!(scene.kul.store.trades[&trade].advance().is_none(), "what it told nobody is gone");
    // To whom it gave its word, it keeps it.
    assert_eq!(code(&scene.kul.run(ask(&trade))), "financed-already");
    assert_eq!(code(&scene.kul.run(ask(&foreign))), "financed-already");
    word(&mut scene.hgh, &trade, LENDERS[1], Wants::Keep).unwrap();
    scene.settle(&mut random);
    assert!(matches!(said(&scene.hgh, &trade, LENDERS[1]), Some(Says::No { .. })));
    for phase in [Phase::Correct, Phase::ExamineAgain, Phase::Deliver] {
        phase.play(&mut scene, &plans, &mut random);
    }
    // The proceeds of the one wait; those of the other, which a lender elsewhere has financed, do not.
    assert_eq!((scene.kul.store.trades[&trade].payouts.len(), scene.kul.store.trades[&foreign].payouts.len()), (0, 1));
    let restore = RestoreAdvance {
        trade: trade.clone(),
        by: party_id("operator"),
        lender: party_id(LENDERS[0]),
        amount: myr(3_000),
        fee: myr(60),
        tenor: Days(30),
    };
    assert_eq!(code(&scene.kul.run(RestoreAdvance { by: party_id("seller"), ..restore.clone() })), "not-the-operator");
    assert_eq!(code(&scene.kul.run(RestoreAdvance { trade: foreign, ..restore.clone() })), "no-advance-lost");
    assert_eq!(code(&scene.kul.run(RestoreAdvance { amount: myr(4_900), ..restore.clone() })), "repayment-too-large");
    scene.kul.run(restore).unwrap();
    assert!(matches!(state(&scene.kul, &trade), AdvanceState::Repaid { .. }));
    let payouts: Vec<i64> = scene.kul.store.trades[&trade].payouts.iter().map(|p| p.amount.minor()).collect();
    // The advance of 30.00, and 49.05 less 30.60.
    assert_eq!(payouts, [3_000, 1_845]);
    assert_eq!(funds(&scene.kul, LENDERS[0]), 10_060);
    assert!(is_balanced(&scene));
}
