//! The front page. In a sandbox it opens any part with one click; in production it signs people in.

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use trade::id::Id;
use trade::party::{Party, Role};
use trade::peer::Peer;

use crate::AppState;
use crate::auth;
use crate::door::{ANYONE, Doors, get, post};
use crate::page::Page;
use crate::party::practice_party;
use crate::problem::{Answer, Failure};

/// Parties of one role that the sandbox's front page names.
const SHOWN_PER_ROLE: i64 = 3;

/// Entering without a password is mounted in a sandbox alone.
pub fn routes() -> Doors {
    Doors::new().open(get("/", ANYONE), front).open(post("/enter", ANYONE).form("role=seller").in_sandbox(), enter)
}

#[derive(Template)]
#[template(path = "front/page.html")]
struct FrontPage {
    p: Page,
    parts: Vec<Part>,
    /// Goods go out from here to a peer; if not, they only come in.
    sells: bool,
}

/// A role, and who can be entered as.
struct Part {
    role: Role,
    parties: Vec<Party>,
}

async fn front(State(app): State<AppState>, page: Page) -> Answer<Response> {
    if let Some(home) = page.who.is_some().then(|| page.home()) {
        return Ok(Redirect::to(home).into_response());
    }
    let mut parts = Vec::new();
    if page.sandbox {
        for role in Role::ALL {
            parts.push(Part { role, parties: app.hub.parties(Some(role), None, SHOWN_PER_ROLE).await?.items });
        }
    }
    let sells = sells(&app).await?;
    let shown = FrontPage { p: page, parts, sells };
    Ok(shown.p.show(&shown))
}

/// Whether any lane leads out of this territory to a peer; without a peer nobody can tell yet.
async fn sells(app: &AppState) -> Answer<bool> {
    let site = app.site();
    let peers = app.hub.peers().await?;
    let leads = |peer: &Peer| !site.rulebooks.regimes(site.territory, peer.territory()).is_empty();
    Ok(peers.is_empty() || peers.iter().any(leads))
}

#[derive(Deserialize)]
struct EnterForm {
    role: String,
    /// One of the sandbox's parties; without it a fresh seller or buyer.
    party: Option<String>,
}

async fn enter(State(app): State<AppState>, Form(form): Form<EnterForm>) -> Answer<Response> {
    let role: Role = form.role.parse().map_err(|()| Failure::not_found())?;
    let party = match form.party {
        Some(id) => {
            let id: Id<Party> = id.parse().map_err(|_| Failure::not_found())?;
            app.hub.party(id).await?.filter(|p| p.is(role)).ok_or_else(Failure::not_found)?
        }
        None if role.is_open() => practice_party(&app, role).await?,
        None => app.hub.parties(Some(role), None, 1).await?.items.into_iter().next().ok_or_else(Failure::not_found)?,
    };
    auth::begin_session(&app, &party, Redirect::to("/").into_response()).await
}
