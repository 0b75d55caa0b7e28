//! The cast of a sandbox: parties that the hub plays by itself, so that one person alone can take a
//! trade from price list to payout.
//!
//! The cast acts only on practice trades, and only where nobody else is meant to: the buyer, the
//! carriers, the officers and the bank. It sends the very commands that people would. Production
//! has no cast.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use trade::ball::{Holder, Task, ball};
use trade::clearance::{DecideClearance, Decision};
use trade::codes::{Country, DocumentNo, HubId};
use trade::commands::Command;
use trade::custody::{CustodyKind, RecordCustody};
use trade::escrow::AcceptGoods;
use trade::event::{Asked, Event, Happened};
use trade::id::Id;
use trade::order::PlaceOrder;
use trade::party::{Party, PersonTag, PersonTags, Personal, RegisterParty, Role};
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::payout::{ConfirmPayout, InstructPayouts, PayoutRef, PayoutState};
use trade::quote::{AskQuote, Quote};
use trade::returns::ExamineReturn;
use trade::terms::Terms;
use trade::time::BusinessTime;
use trade::trade_file::{Side, TradeFile, TradeId};

use crate::AppState;

/// The cast looks around this often: quick enough to watch, slow enough to see each step.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// After a start, practice that was asked for among so many last events is taken up again.
const LOOK_BACK: u64 = 5_000;
const AT_ONCE: i64 = 200;

/// Runs until the hub is closed, and plays on the node that decides.
pub async fn run(app: AppState) {
    let events = app.hub.event_count().await.unwrap_or(0);
    let mut next = events.saturating_sub(LOOK_BACK);
    let mut practices: BTreeSet<TradeId> = BTreeSet::new();
    let mut fault = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !app.hub.decides() {
            continue;
        }
        match app.hub.events(next, AT_ONCE).await {
            Ok(page) => {
                for logged in page {
                    next = logged.event.n + 1;
                    notice(&app, &logged.event, &mut practices).await;
                }
                fault = None;
            }
            // It stays there, and says so once: an event that cannot be read is not passed over.
            Err(error) if fault.as_ref() != Some(&error) => {
                tracing::error!(%error, event = next, "the cast cannot read an event");
                fault = Some(error);
            }
            Err(_) => {}
        }
        let mut done = Vec::new();
        for id in &practices {
            match app.hub.trade(id).await {
                Ok(Some(file)) if file.closed.is_some() => done.push(id.clone()),
                Ok(Some(file)) => act(&app, &file).await,
                _ => {}
            }
        }
        practices.retain(|id| !done.contains(id));
    }
}

/// Takes note of practice trades, and orders what a peer's seller wants ordered.
async fn notice(app: &AppState, event: &Event, practices: &mut BTreeSet<TradeId>) {
    if let Some(trade) = &event.trade
        && matches!(app.hub.trade(trade).await, Ok(Some(file)) if file.practice && file.closed.is_none())
    {
        practices.insert(trade.clone());
    }
    if let Happened::PracticeAsked { peer, lines } = &event.what {
        let number = format!("PRACTICE-{}", event.n);
        if let Some(trade) = order(app, peer, lines, &number).await {
            practices.insert(trade);
        }
    }
}

/// A sandbox buyer asks for the price to the door, and takes it.
async fn order(app: &AppState, exporter: &HubId, lines: &[Asked], number: &str) -> Option<TradeId> {
    let buyer = id(Role::Buyer);
    let quote = Id::<Quote>::derived(BusinessTime::from_micros(0), &format!("cast/{number}"));
    let ask =
        AskQuote { quote, exporter: exporter.clone(), lines: lines.to_vec(), buyer: Some(buyer), terms: Terms::Parcel };
    submit(app, ask).await?;
    let trade = app.site().trade(&number.parse::<DocumentNo>().ok()?);
    let delivery = format!("D-{number}");
    submit(app, PlaceOrder { trade: trade.clone(), quote, buyer, delivery, practice: true }).await?;
    Some(trade)
}

/// Does what whoever holds the ball would do, unless that is the person who practises.
async fn act(app: &AppState, file: &TradeFile) {
    let ball = ball(file);
    let trade = file.id.clone();
    let scan = |kind, place: &str| {
        Command::from(RecordCustody { trade: trade.clone(), kind, place: place.to_owned(), by: id(Role::Carrier) })
    };
    let release = || {
        Command::from(DecideClearance {
            trade: trade.clone(),
            by: id(Role::Officer),
            decision: Decision::Release,
            reason: String::new(),
        })
    };
    let place = place_of(app.site().territory);
    let commands: Vec<Command> = match (file.side, ball.holder, ball.task) {
        (Side::Import, Holder::Buyer, Task::Pay) => pay(app, file).into_iter().collect(),
        (Side::Import, Holder::ImportCustoms, Task::Examine) => vec![release()],
        (Side::Import, Holder::ImportCarrier, Task::Deliver) => {
            let steps = [CustodyKind::Arrived, CustodyKind::OutForDelivery, CustodyKind::Delivered];
            steps.into_iter().filter(|step| !file.has(*step)).take(1).map(|step| scan(step, &place)).collect()
        }
        (Side::Import, Holder::Buyer, Task::AcceptGoods) => {
            vec![AcceptGoods { trade: trade.clone(), by: id(Role::Buyer) }.into()]
        }
        (Side::Export, Holder::ExportCustoms, Task::Examine) => vec![release()],
        (Side::Export, Holder::ExportCarrier, Task::Transport) => {
            let steps = [CustodyKind::HandedOver, CustodyKind::Departed];
            steps.into_iter().filter(|step| !file.has(*step)).take(1).map(|step| scan(step, &place)).collect()
        }
        (Side::Import, Holder::ImportCarrier, Task::BringBack) => {
            next_home(file).map(|k| scan(k, &place)).into_iter().collect()
        }
        (Side::Export, Holder::ExportCarrier, Task::BringBack) => {
            next_home(file).map(|k| scan(k, &place)).into_iter().collect()
        }
        (Side::Import, Holder::ImportCustoms, Task::ExamineReturn)
        | (Side::Export, Holder::ExportCustoms, Task::ExamineReturn) => {
            let (by, said) = (id(Role::Officer), "sandbox".to_owned());
            vec![ExamineReturn { trade: trade.clone(), by, grants: true, said }.into()]
        }
        (_, _, Task::PayOut) => pay_out(file),
        _ => Vec::new(),
    };
    for command in commands {
        if submit(app, command).await.is_none() {
            return;
        }
    }
}

/// The place that the cast's carrier names, as UN/LOCODE has it where we know one.
fn place_of(territory: Country) -> String {
    let known = match territory.as_str() {
        "CN" => "CNHGH",
        "MY" => "MYKUL",
        "SG" => "SGSIN",
        country => country,
    };
    known.to_owned()
}

fn next_home(file: &TradeFile) -> Option<CustodyKind> {
    file.next_step_home().filter(|step| step.side() == file.side)
}

fn pay(app: &AppState, file: &TradeFile) -> Option<Command> {
    let order = file.order.as_ref()?;
    let no = format!("P-{}", file.id.order_no()).parse().ok()?;
    let payment = ReceivePayment {
        trade: file.id.clone(),
        no,
        amount: order.quote.landed.total,
        payer: tags(app),
        channel: PaymentChannel::Webhook,
    };
    Some(payment.into())
}

fn pay_out(file: &TradeFile) -> Vec<Command> {
    let mut commands = Vec::new();
    for payout in &file.payouts {
        let name = format!("PRACTICE-{}", file.id.order_no());
        if payout.state == PayoutState::Due {
            // A file of its own; the digits of the id are as many as a file's number may have.
            let Ok(number) = payout.id.text().trim_start_matches("pay_").parse() else { continue };
            let payouts = vec![PayoutRef { trade: file.id.clone(), payout: payout.id }];
            commands.push(InstructPayouts { file: number, payouts }.into());
        }
        if !matches!(payout.state, PayoutState::Done { .. }) {
            let (trade, amount) = (file.id.clone(), payout.amount);
            commands.push(ConfirmPayout { trade, payout: payout.id, amount, bank_reference: name }.into());
        }
    }
    commands
}

async fn submit(app: &AppState, command: impl Into<Command>) -> Option<()> {
    match app.hub.submit(command.into()).await {
        Ok(Ok(_)) => Some(()),
        // Somebody was quicker, or it is not time yet: the next look tells.
        _ => None,
    }
}

/// Each role has one member, the same at every start.
#[must_use]
pub fn id(role: Role) -> Id<Party> {
    Id::derived(BusinessTime::from_micros(0), &format!("cast/{}", role.code()))
}

/// The sandbox buyer's identity: synthetic, of a region that does not exist.
const BUYER_NAME: &str = "Sandbox Buyer";
const BUYER_ID_NUMBER: &str = "999999199001010015";

fn tags(app: &AppState) -> PersonTags {
    let key = &app.site().person_key;
    PersonTags { id: Some(PersonTag::of(key, "id", BUYER_ID_NUMBER)), name: PersonTag::of(key, "name", BUYER_NAME) }
}

/// Registers the member of a role and gives it an API key.
///
/// # Errors
/// Why the hub did not take it.
pub async fn member(app: &AppState, role: Role) -> Result<(Id<Party>, String), String> {
    let id = id(role);
    let site = app.site();
    let person = (role == Role::Buyer).then(|| tags(app));
    let party = Party {
        id,
        name: format!("{} {}", site.name, role.code()),
        roles: BTreeSet::from([role]),
        country: site.territory,
        person,
        identity_checked: true,
        payout_account: (role == Role::Seller).then(|| "SANDBOX0002".to_owned()),
        account_holder: None,
        registration: None,
        since: BusinessTime::from_micros(0),
    };
    let register = RegisterParty { party, personal: Personal { party: id, fields: BTreeMap::new() } };
    match app.hub.submit(register.into()).await {
        Ok(Ok(_)) => {}
        other => return Err(format!("{other:?}")),
    }
    let key = crate::auth::give_api_key(app, id, "cast").await.map_err(|e| format!("{e:?}"))?;
    Ok((id, key))
}
