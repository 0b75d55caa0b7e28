//! What the operator sees of a recovery, and does: declare a loss, say that the bank was compared.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use hub::recovery::{Loss, Standing};
use serde_json::{Value, json};
use trade::codes::HubId;
use trade::commands::Command;
use trade::party::Party;
use trade::recovery::CheckBank;
use trade::road::Forgery;

use super::declare;
use crate::AppState;
use crate::auth::{As, Operator};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure};

/// Two signed heads that do not fit together.
pub struct Heads {
    pub text: String,
    pub fix: Option<String>,
    pub ours: String,
    pub theirs: String,
}

/// What stands on the operator's page; nothing while all is well.
#[derive(Default)]
pub struct View {
    pub title: Option<String>,
    pub lines: Vec<String>,
    /// What declaring means, where it can be done.
    pub declare: Option<String>,
    pub bank: bool,
    pub heads: Vec<Heads>,
}

impl View {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.title.is_none() && !self.bank && self.heads.is_empty()
    }
}

/// Where the hub stands, in words.
pub async fn view(p: &Page, app: &AppState) -> Answer<View> {
    let mut view = View { bank: app.hub.bank_unchecked(), ..View::default() };
    match app.hub.standing() {
        Standing::Sound => {}
        Standing::Asking { silent, restored } => {
            let key = if restored { "recovery-restored" } else { "recovery-asking" };
            view.title = Some(p.w1(key, "peers", names(silent.iter())));
            view.lines.push(p.s(if restored { "recovery-reads" } else { "recovery-asking-fix" }));
        }
        Standing::Behind(loss) => behind(p, &loss, &mut view),
        Standing::Recalling { epoch } => {
            view.title = Some(p.w1("recovery-recalling", "epoch", epoch.0));
            view.lines.push(p.s("recovery-reads"));
        }
        Standing::Forged { by, forgery } => {
            let fix = Some(p.s("recovery-forged-fix"));
            view.heads.push(heads(p.w1("recovery-forged", "peer", by), fix, &forgery));
        }
    }
    for peer in app.hub.peers().await? {
        if let Some(forgery) = &peer.road.suspended {
            view.heads.push(heads(p.w1("recovery-suspended", "peer", &peer.card.id), None, forgery));
        }
    }
    Ok(view)
}

fn behind(p: &Page, loss: &Loss, view: &mut View) {
    let args = [("peer", loss.by.to_string()), ("seen", p.num(loss.seen)), ("kept", p.num(loss.kept))];
    view.title = Some(p.w("recovery-behind", args));
    view.lines.push(p.s("recovery-reads"));
    for road in loss.roads.iter().filter(|road| road.theirs > road.ours) {
        let args = [("peer", road.peer.to_string()), ("theirs", p.num(road.theirs)), ("ours", p.num(road.ours))];
        view.lines.push(p.w("recovery-road", args));
    }
    if loss.silent.is_empty() {
        let epoch = loss.epoch.next().0;
        let args =
            [("epoch", epoch.to_string()), ("from", p.num(loss.kept)), ("to", p.num(loss.seen.saturating_sub(1)))];
        view.declare = Some(p.w("recovery-declare-note", args));
    } else {
        view.lines.push(p.w1("recovery-silent", "peers", names(loss.silent.iter())));
    }
}

fn heads(text: String, fix: Option<String>, forgery: &Forgery) -> Heads {
    Heads { text, fix, ours: forgery.ours.to_string(), theirs: forgery.theirs.to_string() }
}

fn names<'a>(peers: impl Iterator<Item = &'a HubId>) -> String {
    peers.map(HubId::as_str).collect::<Vec<_>>().join(", ")
}

/// A standing in a line of the process's log, without its heads.
#[must_use]
pub fn brief(standing: &Standing) -> Value {
    match standing {
        Standing::Behind(loss) => json!({ "standing": "behind", "by": loss.by, "kept": loss.kept, "seen": loss.seen }),
        Standing::Forged { by, .. } => json!({ "standing": "forged", "by": by }),
        other => json!(other),
    }
}

/// GET /api/v1/recovery
pub async fn stand(State(app): State<AppState>, As(..): As<Operator>) -> Json<Value> {
    let mut body = json!(app.hub.standing());
    if let Some(fields) = body.as_object_mut() {
        fields.insert("bank_unchecked".to_owned(), json!(app.hub.bank_unchecked()));
        fields.insert("epoch".to_owned(), json!(app.site().road.epoch));
    }
    Json(body)
}

/// POST /api/v1/recovery/declare, /bank
pub async fn act_api(
    State(app): State<AppState>,
    As(by, ..): As<Operator>,
    Path(what): Path<String>,
) -> Answer<Json<Value>> {
    Ok(Json(done(&app, &by, &what).await?))
}

/// POST /operator/recovery/declare, /bank
pub async fn act(
    State(app): State<AppState>,
    p: Page,
    As(by, ..): As<Operator>,
    Path(what): Path<String>,
) -> Answer<Response> {
    match done(&app, &by, &what).await {
        Ok(_) => Ok(Redirect::to("/operator").into_response()),
        Err(failure) => {
            let told: Option<Told> = Some(p.problem(&failure.problem));
            Ok((failure.status, crate::operator::with(&p, &app, told).await?).into_response())
        }
    }
}

async fn done(app: &AppState, by: &Party, what: &str) -> Answer<Value> {
    match what {
        "declare" => {
            let statement = declare(app, &crate::client::client(|with| with), &by.id.text()).await?;
            let (from, to) = (statement.lost_from, statement.lost_to);
            Ok(json!({ "epoch": statement.epoch, "lost_from": from, "lost_to": to }))
        }
        "bank" => {
            app.submit(Command::CheckBank(CheckBank { by: by.id })).await?;
            app.hub.look_at_bank().await?;
            Ok(json!({ "bank_unchecked": app.hub.bank_unchecked() }))
        }
        _ => Err(Failure::not_found()),
    }
}
