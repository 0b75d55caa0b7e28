//! The API told: to machines as OpenAPI 3.1, to people as a page with examples; and what each code of a
//! problem means, at the very address that a problem names as its type.
//!
//! All of it comes from the list of doors, so that nothing is told that is not there.

pub mod openapi;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use serde_json::Value;

use crate::AppState;
use crate::door::{ANYONE, Door, Doors, Gives, May, Sends, get};
use crate::i18n::{Told, Tr};
use crate::page::{Ask, Page};
use crate::problem::{Answer, Failure};
use crate::schema::{any, map};

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/api", ANYONE), show)
        .open(get("/api/problems", ANYONE), problems)
        .open(get("/api/problems/{code}", ANYONE), problem)
        .open(get("/api/v1/openapi.json", ANYONE).gives(200, || map(any())), document)
}

/// GET /api/v1/openapi.json, its sentences in the caller's language.
async fn document(State(app): State<AppState>, ask: Ask) -> Json<Value> {
    Json(openapi::document(&app, &ask.tr(&app)))
}

struct Operation {
    id: String,
    method: &'static str,
    path: &'static str,
    says: String,
    who: String,
    curl: String,
    gives: String,
    class: &'static str,
}

struct Group {
    id: &'static str,
    title: String,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(path = "api/page.html")]
struct ApiPage<'a> {
    p: &'a Page,
    first: String,
    groups: Vec<Group>,
}

/// GET /api
async fn show(State(app): State<AppState>, p: Page) -> Response {
    let mut groups: Vec<Group> = Vec::new();
    for door in crate::doors().list(app.is_sandbox()).filter(|door| door.is_api()) {
        let operation = operation(&app, &p, door);
        match groups.iter_mut().find(|group| group.id == door.noun()) {
            Some(group) => group.operations.push(operation),
            None => {
                let title = p.by("api-noun", door.noun());
                groups.push(Group { id: door.noun(), title, operations: vec![operation] });
            }
        }
    }
    let url = app.settings.url.clone();
    let first = format!("curl -H 'Authorization: Bearer ehub_…' \\\n  {url}/api/v1/trades");
    p.show(&ApiPage { p: &p, first, groups })
}

fn operation(app: &AppState, t: &Tr, door: &Door) -> Operation {
    let gives = match door.gives {
        Gives::Nothing(status) => status.to_string(),
        Gives::Json(status, _) => format!("{status} application/json"),
        Gives::File(media_type) => format!("200 {media_type}"),
        Gives::Page => String::new(),
    };
    Operation {
        id: door.name(),
        method: method(door),
        path: door.path,
        says: says(t, door),
        who: who(t, door),
        curl: curl(app, door),
        gives,
        class: if door.method == Method::GET { "tell" } else { "wait" },
    }
}

fn method(door: &Door) -> &'static str {
    match door.method {
        Method::GET => "GET",
        Method::DELETE => "DELETE",
        _ => "POST",
    }
}

/// What a door is for: message `door-<name>`.
fn says(t: &Tr, door: &Door) -> String {
    t.by("door", door.name())
}

fn who(t: &Tr, door: &Door) -> String {
    let (key, roles) = match door.may {
        May::Anyone => return t.s("api-who-anyone"),
        May::Signed => return t.s("api-who-signed"),
        May::Only(roles) => ("api-who-only", roles),
        May::Parts(roles) => ("api-who-parts", roles),
        May::Peer | May::Node => return t.s("api-who-hub"),
        May::PaymentFirm => return t.s("api-who-firm"),
    };
    let roles: Vec<String> = roles.iter().map(|role| t.by("role", role.code())).collect();
    t.w1(key, "roles", roles.join(&t.s("list-comma")))
}

/// The door as a line for a shell; what stands in braces is to be filled in.
fn curl(app: &AppState, door: &Door) -> String {
    let mut parts = vec!["curl".to_owned()];
    if door.method != Method::GET {
        parts.push(format!("-X {}", method(door)));
    }
    match door.may {
        May::Anyone => {}
        May::PaymentFirm => parts.push("-H 'webhook-signature: v1,…'".to_owned()),
        _ => parts.push("-H 'Authorization: Bearer ehub_…'".to_owned()),
    }
    if door.method != Method::GET && door.may != May::PaymentFirm {
        parts.push("-H 'Idempotency-Key: …'".to_owned());
    }
    match door.sends {
        Sends::Json(sample) => {
            parts.push("-H 'Content-Type: application/json'".to_owned());
            parts.push(format!("-d '{}'", sample.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
        Sends::Bytes(media_type) => {
            parts.push(format!("-H 'Content-Type: {media_type}'"));
            parts.push("--data-binary @file".to_owned());
        }
        Sends::Nothing | Sends::Form(_) | Sends::File(_) => {}
    }
    let asks = if door.asks.is_empty() { String::new() } else { format!("?{}", door.asks) };
    parts.push(format!("'{}{}{asks}'", app.settings.url, door.path));
    parts.join(" \\\n  ")
}

#[derive(Template)]
#[template(path = "api/problems.html")]
struct ProblemsPage<'a> {
    p: &'a Page,
    problems: Vec<Told>,
}

/// GET /api/problems
async fn problems(p: Page) -> Response {
    let problems = crate::i18n::problem_codes().iter().map(|code| p.kind_of_problem(code)).collect();
    p.show(&ProblemsPage { p: &p, problems })
}

#[derive(Template)]
#[template(path = "api/problem.html")]
struct ProblemPage<'a> {
    p: &'a Page,
    told: Told,
}

/// GET /api/problems/{code}
async fn problem(p: Page, Path(code): Path<String>) -> Answer<Response> {
    let known = crate::i18n::problem_codes().binary_search(&code).is_ok();
    if !known {
        return Err(Failure::not_found());
    }
    let told = p.kind_of_problem(&code);
    Ok(p.show(&ProblemPage { p: &p, told }))
}
