//! Sends webhooks, on the node that decides: looks through the log for each open address, notes what it is
//! to be told, and tells it; what is not taken is tried again with growing pauses.
//!
//! At least once: a hub that dies after sending and before noting the answer sends again, under the same
//! `webhook-id`. An address that is slow or dead holds up nobody but itself.

use std::collections::BTreeSet;
use std::time::Duration;

use hub::webhook::{Answered, Delivery, Tried, Webhook, Why};
use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;
use trade::id::Id;
use trade::party::Party;
use trade::time::WallTime;

use super::told::{id_of, told};
use super::{secrets, target};
use crate::AppState;
use crate::payment::sign;
use crate::problem::Answer;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Events of the log looked through for one address at once.
const LOOKED_AT_ONCE: i64 = 200;
/// Sent to one address in one turn, one after the other.
const SENT_AT_ONCE: i64 = 20;
/// After the first try, as Standard Webhooks proposes: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// An address that took nothing for five days is no longer told; the sum of the pauses is 3.4 days.
const FAILING_MAX_SECONDS: i64 = 5 * 86_400;
/// What was sent is shown for a month.
const KEPT_SECONDS: i64 = 30 * 86_400;
/// Old deliveries and keys are cleared away this often.
const CLEAR_EVERY_SECONDS: i64 = 600;

/// Runs until the hub is closed.
pub async fn run(app: AppState) {
    let client = target::sender(app.site().mode);
    let mut sequenced = app.hub.sequenced();
    let mut sending: JoinSet<Id<Webhook>> = JoinSet::new();
    let mut busy: BTreeSet<Id<Webhook>> = BTreeSet::new();
    let mut cleared = app.wall();
    loop {
        while let Some(done) = sending.try_join_next() {
            match done {
                Ok(id) => drop(busy.remove(&id)),
                // A turn that broke off: nobody knows whose, so all are looked at again.
                Err(_) => busy.clear(),
            }
        }
        if app.hub.decides() {
            for webhook in app.hub.open_webhooks().await.unwrap_or_default() {
                if busy.insert(webhook.id) {
                    sending.spawn(turn(app.clone(), client.clone(), webhook));
                }
            }
            let now = app.wall();
            if now > cleared.plus_seconds(CLEAR_EVERY_SECONDS) {
                cleared = now;
                let _ = app.hub.forget_deliveries(now.plus_seconds(-KEPT_SECONDS)).await;
                let _ = app.hub.forget_keys(now.plus_seconds(-crate::idempotency::KEPT_SECONDS)).await;
            }
        }
        // Woken by what happens; otherwise time itself may be what is waited for.
        let _ = tokio::time::timeout(LOOK_EVERY, sequenced.changed()).await;
        sequenced.mark_unchanged();
    }
}

/// One address: what is new in the log, then what is due.
async fn turn(app: AppState, client: Client, webhook: Webhook) -> Id<Webhook> {
    if let Err(failure) = step(&app, &client, &webhook).await {
        tracing::warn!(webhook = %webhook.id, code = failure.problem.code, "a webhook has to wait");
    }
    webhook.id
}

/// Whether there may be more to do at once.
pub async fn step(app: &AppState, client: &Client, webhook: &Webhook) -> Answer<bool> {
    let Some(party) = app.hub.party(webhook.party).await? else { return Ok(false) };
    let looked = look(app, &party, webhook).await?;
    let due = app.hub.due_deliveries(webhook.id, app.wall(), SENT_AT_ONCE).await?;
    for delivery in &due {
        if !deliver(app, client, &party, webhook, delivery).await? {
            return Ok(false);
        }
    }
    Ok(looked || !due.is_empty())
}

/// Notes what the log has for this address since it was last looked at.
async fn look(app: &AppState, party: &Party, webhook: &Webhook) -> Answer<bool> {
    let events = app.hub.events(webhook.cursor, LOOKED_AT_ONCE).await?;
    let Some(last) = events.last() else { return Ok(false) };
    let mut new = Vec::new();
    for logged in &events {
        let kind = logged.event.what.kind();
        let wanted = webhook.kinds.is_empty() || webhook.kinds.contains(&kind);
        if wanted && told(app, party, logged).await?.is_some() {
            new.push((logged.event.n, kind));
        }
    }
    Ok(app.hub.queue_deliveries(webhook, &new, last.event.n + 1, app.wall()).await?)
}

/// Sends one; `false` if the address is not told any more.
async fn deliver(
    app: &AppState,
    client: &Client,
    party: &Party,
    webhook: &Webhook,
    delivery: &Delivery,
) -> Answer<bool> {
    let logged = app.hub.events(delivery.n, 1).await?.into_iter().next().filter(|l| l.event.n == delivery.n);
    let seen = match &logged {
        Some(logged) => told(app, party, logged).await?,
        None => None,
    };
    let (Some(logged), Some(data)) = (logged, seen) else {
        app.hub.drop_delivery(webhook.id, delivery.n).await?;
        return Ok(true);
    };
    let body = json!({ "type": delivery.kind, "timestamp": logged.event.at.to_string(), "data": data }).to_string();
    let answer = send(app, client, webhook, &id_of(&logged), body).await;
    let tried = outcome(webhook, delivery.tries, answer, app.wall());
    let goes_on = tried.stop.is_none();
    app.hub.note_try(webhook.id, delivery.n, &tried).await?;
    Ok(goes_on)
}

async fn send(app: &AppState, client: &Client, webhook: &Webhook, id: &str, body: String) -> Answered {
    let none = |fault: &str| Answered { status: 0, fault: Some(fault.to_owned()), millis: 0 };
    // The hub's mode or rules may be others than when the address was given.
    let Ok(url) = target::target(&webhook.url, app.site().mode) else { return none("not-allowed") };
    let now = app.wall();
    let signatures: Vec<String> =
        secrets(app, webhook, now).iter().map(|secret| sign(secret, id, now.seconds(), body.as_bytes())).collect();
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", "ehub")
        .header("webhook-id", id)
        .header("webhook-timestamp", now.seconds().to_string())
        .header("webhook-signature", signatures.join(" "))
        .body(body)
        .send()
        .await;
    let millis = u32::try_from((app.wall().micros() - now.micros()).div_euclid(1_000)).unwrap_or(0);
    match answer {
        Ok(answer) => Answered { status: answer.status().as_u16(), fault: None, millis },
        Err(error) => {
            let fault = if error.is_timeout() { "timeout" } else { "unreachable" };
            Answered { millis, ..none(fault) }
        }
    }
}

/// What comes of an answer: taken, tried again after a pause, or given up; and whether its address is.
fn outcome(webhook: &Webhook, tries: u32, answer: Answered, now: WallTime) -> Tried {
    if answer.is_taken() {
        return Tried { at: now, answer, again: None, stop: None };
    }
    let gone = answer.status == StatusCode::GONE.as_u16();
    let failing = webhook.failing_since.is_some_and(|since| now > since.plus_seconds(FAILING_MAX_SECONDS));
    let stop = if gone { Some(Why::Gone) } else { failing.then_some(Why::Failing) };
    let pause = usize::try_from(tries).ok().and_then(|tries| PAUSES.get(tries)).filter(|_| !gone);
    Tried { at: now, answer, again: pause.map(|seconds| now.plus_seconds(*seconds)), stop }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(failing_since: Option<WallTime>) -> Webhook {
        Webhook {
            id: Id::new(1, &[0; 10]),
            party: Id::new(1, &[1; 10]),
            url: "https://shop.example".into(),
            kinds: Vec::new(),
            made: WallTime::from_micros(0),
            generation: 0,
            rotated: None,
            cursor: 0,
            failing_since,
            stopped: None,
        }
    }

    #[test]
    fn what_is_not_taken_is_tried_again_ten_times_in_all_and_then_given_up() {
        let now = WallTime::from_micros(0);
        let answer = |status| Answered { status, fault: None, millis: 1 };
        assert_eq!(outcome(&webhook(None), 0, answer(204), now).again, None);
        // 5 s, then 300 s …, 86,400 s after the ninth try, and none after the tenth.
        for (tries, pause) in [(0, Some(5)), (1, Some(300)), (8, Some(86_400)), (9, None)] {
            let again = outcome(&webhook(None), tries, answer(500), now).again;
            assert_eq!(again, pause.map(|s| now.plus_seconds(s)), "{tries}");
        }
        // A redirect is no answer: it is not followed.
        assert!(outcome(&webhook(None), 0, answer(302), now).again.is_some());
    }

    #[test]
    fn an_address_that_is_gone_or_fails_for_five_days_is_told_no_more() {
        let start = WallTime::from_micros(0);
        let answer = |status| Answered { status, fault: None, millis: 1 };
        let gone = outcome(&webhook(None), 0, answer(410), start);
        assert_eq!((gone.again, gone.stop), (None, Some(Why::Gone)));
        let failing = webhook(Some(start));
        let at = |seconds| outcome(&failing, 0, answer(500), start.plus_seconds(seconds)).stop;
        assert_eq!((at(432_000), at(432_001)), (None, Some(Why::Failing)));
        assert_eq!(outcome(&failing, 0, answer(200), start.plus_seconds(432_001)).stop, None);
    }
}
