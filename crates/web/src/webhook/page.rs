//! The pages of webhooks: a party's addresses, and one of them with what was sent to it.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::webhook::{Answered, Delivery, Webhook};
use serde::Deserialize;
use trade::party::Party;

use super::{KINDS, NewWebhook, make, own, replay, rotate, shown_secret, stop};
use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, SIGNED, get, post};
use crate::i18n::Told;
use crate::idempotency::Fresh;
use crate::page::Page;
use crate::problem::{Answer, Failure};

const LIST_PAGE: i64 = 50;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/webhooks", SIGNED), list)
        .open(post("/webhooks", SIGNED).form("url=none"), add)
        .open(get("/webhooks/{id}", SIGNED), show)
        .open(post("/webhooks/{id}/{act}", SIGNED).form("from=0"), act)
}

struct Row {
    href: String,
    url: String,
    kinds: String,
    state: String,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "webhook/list.html")]
struct ListPage<'a> {
    p: &'a Page,
    rows: Vec<Row>,
    more: Option<String>,
    kinds: &'static [&'static str],
    url: String,
    told: Option<Told>,
}

#[derive(Default, Deserialize)]
struct After {
    after: Option<String>,
}

/// GET /webhooks
async fn list(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Query(asked): Query<After>,
) -> Answer<Response> {
    listed(&app, &p, &party, asked.after.as_deref(), String::new(), None).await
}

async fn listed(
    app: &AppState,
    p: &Page,
    party: &Party,
    after: Option<&str>,
    url: String,
    told: Option<Told>,
) -> Answer<Response> {
    let found = app.hub.webhooks_of(party.id, after, LIST_PAGE).await?;
    let rows = found.items.iter().map(|webhook| row(p, webhook)).collect();
    let more = found.next.map(|after| format!("/webhooks?after={after}"));
    Ok(p.show(&ListPage { p, rows, more, kinds: KINDS, url, told }))
}

fn row(p: &Page, webhook: &Webhook) -> Row {
    let (state, class) = state(p, webhook);
    let kinds = if webhook.kinds.is_empty() { p.s("webhook-all-kinds") } else { webhook.kinds.join(", ") };
    Row { href: format!("/webhooks/{}", webhook.id), url: webhook.url.clone(), kinds, state, class }
}

fn state(p: &Page, webhook: &Webhook) -> (String, &'static str) {
    match (webhook.stopped, webhook.failing_since) {
        (Some(stopped), _) => (p.by("webhook-stopped", stopped.why.code()), "stop"),
        (None, Some(since)) => (p.w1("webhook-failing", "since", p.wall(since)), "wait"),
        (None, None) => (p.s("webhook-open"), "go"),
    }
}

/// Kinds come once for each box that is ticked.
async fn add(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer<Response> {
    let url = form.iter().find(|(name, _)| name == "url").map(|(_, url)| url.clone()).unwrap_or_default();
    let kinds = form.into_iter().filter(|(name, _)| name == "kind").map(|(_, kind)| kind).collect();
    let new = NewWebhook { url: url.clone(), kinds, from: None };
    match make(&app, &party, Fresh::of(&app).id(), new).await {
        Ok(webhook) => {
            let secret = Some(shown_secret(&app, &webhook));
            shown(&app, &p, &webhook, None, secret, None).await
        }
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let page = listed(&app, &p, &party, None, url, told).await?;
            Ok((failure.status, page).into_response())
        }
    }
}

struct Sent {
    n: String,
    kind: String,
    tries: String,
    state: String,
    class: &'static str,
    answer: String,
    when: String,
}

#[derive(Template)]
#[template(path = "webhook/show.html")]
struct ShowPage<'a> {
    p: &'a Page,
    here: String,
    row: Row,
    made: String,
    cursor: u64,
    is_stopped: bool,
    both_until: bool,
    sent: Vec<Sent>,
    more: Option<String>,
    /// Shown once, right after it was made.
    secret: Option<String>,
    told: Option<Told>,
}

/// GET /webhooks/{id}
async fn show(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path(id): Path<String>,
    Query(asked): Query<After>,
) -> Answer<Response> {
    let webhook = own(&app, &party, &id).await?;
    shown(&app, &p, &webhook, asked.after.as_deref(), None, None).await
}

async fn shown(
    app: &AppState,
    p: &Page,
    webhook: &Webhook,
    after: Option<&str>,
    secret: Option<String>,
    told: Option<Told>,
) -> Answer<Response> {
    let found = app.hub.deliveries_of(webhook.id, after, LIST_PAGE).await?;
    let row = row(p, webhook);
    let here = row.href.clone();
    let view = ShowPage {
        p,
        made: p.wall(webhook.made),
        cursor: webhook.cursor,
        is_stopped: webhook.stopped.is_some(),
        both_until: super::secrets(app, webhook, app.wall()).len() > 1,
        sent: found.items.iter().map(|delivery| sent(p, delivery)).collect(),
        more: found.next.map(|after| format!("{here}?after={after}")),
        here,
        row,
        secret,
        told,
    };
    Ok(p.show(&view))
}

fn sent(p: &Page, delivery: &Delivery) -> Sent {
    let taken = delivery.answer.as_ref().is_some_and(Answered::is_taken);
    let (state, class) = match delivery.due {
        Some(due) if delivery.tries > 0 => (p.w1("webhook-again", "when", p.wall(due)), "wait"),
        Some(_) => (p.s("webhook-waits"), "tell"),
        None if taken => (p.s("webhook-taken"), "go"),
        None => (p.s("webhook-given-up"), "stop"),
    };
    let answer = delivery.answer.as_ref().map_or_else(
        || "–".to_owned(),
        |answer| match &answer.fault {
            Some(fault) => p.by("webhook-fault", fault),
            None => p.w2("webhook-answer", "status", answer.status, "millis", p.num(answer.millis)),
        },
    );
    Sent {
        n: p.num(delivery.n),
        kind: delivery.kind.clone(),
        tries: p.num(delivery.tries),
        state,
        class,
        answer,
        when: delivery.tried.map_or_else(|| "–".to_owned(), |at| p.wall(at)),
    }
}

#[derive(Default, Deserialize)]
struct ActForm {
    #[serde(default)]
    from: String,
}

/// POST /webhooks/{id}/secret, /replay, /stop, /go-on, /remove
async fn act(
    State(app): State<AppState>,
    p: Page,
    Signed(party): Signed,
    Path((id, what)): Path<(String, String)>,
    Form(form): Form<ActForm>,
) -> Answer<Response> {
    let webhook = own(&app, &party, &id).await?;
    let done = match what.as_str() {
        "secret" => {
            let webhook = rotate(&app, &party, &id).await?;
            let secret = Some(shown_secret(&app, &webhook));
            return shown(&app, &p, &webhook, None, secret, None).await;
        }
        "remove" => {
            app.hub.remove_webhook(webhook.id).await?;
            return Ok(Redirect::to("/webhooks").into_response());
        }
        "stop" => stop(&app, &party, &id, true).await,
        "go-on" => stop(&app, &party, &id, false).await,
        "replay" => match form.from.trim().parse() {
            Ok(from) => replay(&app, &party, &id, from).await,
            Err(_) => Err(Failure::bad("field-value").with("field", "from").with("got", form.from)),
        },
        _ => return Err(Failure::not_found()),
    };
    match done {
        Ok(_) => Ok(Redirect::to(&format!("/webhooks/{id}")).into_response()),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let page = shown(&app, &p, &webhook, None, None, told).await?;
            Ok((failure.status, page).into_response())
        }
    }
}
