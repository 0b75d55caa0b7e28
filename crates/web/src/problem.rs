//! Failures as their reader can use them: RFC 9457 problems for machines, a page for people.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use hub::Unavailable;
use hub::db::StoreError;
use serde_json::{Map, Value, json};
use trade::command::Problem;
use trade::party::Role;

use crate::AppState;
use crate::i18n::Told;
use crate::page::{Ask, Page};

/// Why a request came to nothing. [`readable`] turns it into the words of whoever asked.
#[derive(Clone, Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub problem: Problem,
}

pub type Answer<T> = Result<T, Failure>;

impl Failure {
    #[must_use]
    pub fn new(status: StatusCode, code: &str) -> Self {
        Self { status, problem: Problem { code: code.to_owned(), args: Map::new() } }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.problem.args.insert(name.to_owned(), value.into());
        self
    }

    /// A request that cannot be understood; `code` says what is wrong with it.
    #[must_use]
    pub fn bad(code: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code)
    }

    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found")
    }

    #[must_use]
    pub fn sign_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign-in")
    }

    #[must_use]
    pub fn role_needed(role: Role) -> Self {
        Self::new(StatusCode::FORBIDDEN, "role-needed").with("role", role.code())
    }

    /// From an error that serialises with its `code`.
    #[must_use]
    pub fn of(refusal: &impl serde::Serialize) -> Self {
        Problem::of(refusal).into()
    }
}

/// A refusal of the rules. Its status follows from its code.
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { status: status_of(&problem.code), problem }
    }
}

/// The store failed. What it said goes to the operator's log, not to the caller.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(code = error.code(), %error, "the store failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage")
    }
}

impl From<hub::sequencer::ProofError> for Failure {
    fn from(error: hub::sequencer::ProofError) -> Self {
        tracing::error!(?error, "no proof");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "log-not-ready")
    }
}

/// The hub could not decide now; the same request may be sent again.
impl From<Unavailable> for Failure {
    fn from(reason: Unavailable) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, problem: Problem::of(&reason) }
    }
}

/// What somebody has to be who asks for something; all else that is `not-a-` something is a fault of the text.
const ASKERS: [&str; 9] = ["broker", "buyer", "carrier", "giver", "handler", "holder", "lender", "seller", "warehouse"];

/// 404 for what is not there, 403 for what is another's, 409 for what the state forbids, else 422.
fn status_of(code: &str) -> StatusCode {
    match code {
        _ if code.ends_with("-unknown") && code != "list-unknown" && code != "rate-unknown" => StatusCode::NOT_FOUND,
        "not-here" | "no-trade" => StatusCode::NOT_FOUND,
        _ if code.ends_with("not-yours") || code.strip_prefix("not-a-").is_some_and(|what| ASKERS.contains(&what)) => {
            StatusCode::FORBIDDEN
        }
        _ if code.ends_with("-taken") || code.ends_with("-expired") || code.ends_with("-closed") => {
            StatusCode::CONFLICT
        }
        "not-allowed" | "clock-backwards" => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub async fn no_such_page() -> Failure {
    Failure::not_found()
}

/// Gives every failure its words: the JSON of RFC 9457 under the machines' paths, a page elsewhere.
/// What axum itself turns away (a body too large, JSON that is none) is told in the same way.
pub async fn readable(State(app): State<AppState>, ask: Ask, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !(response.status().is_client_error() || response.status().is_server_error()) {
        return response;
    }
    let failure = match response.extensions().get::<Failure>() {
        Some(failure) => failure.clone(),
        None if is_plain(&response) => Failure::new(response.status(), &format!("http-{}", response.status().as_u16())),
        None => return response,
    };
    if ask.is_machine() {
        let mut told = as_json(&app, &ask, &failure);
        // Which methods an address takes.
        if let Some(methods) = response.headers().get(header::ALLOW) {
            told.headers_mut().insert(header::ALLOW, methods.clone());
        }
        return told;
    }
    if failure.status == StatusCode::METHOD_NOT_ALLOWED && ask.is_get {
        // What a form was sent to is asked for by its address, in another language: back to the page above.
        return Redirect::to(&above(&ask.path_and_query)).into_response();
    }
    if failure.status == StatusCode::UNAUTHORIZED {
        let back = if ask.is_get { ask.path_and_query.as_str() } else { "/" };
        return Redirect::to(&format!("/sign-in?next={}", percent(back))).into_response();
    }
    let page = Page::bare(&app, &ask);
    let told = page.problem(&failure.problem);
    let shown = page.show(&ProblemPage { p: &page, told, number: crate::request::current() });
    (failure.status, shown).into_response()
}

/// The address one step up, with its query.
fn above(path_and_query: &str) -> String {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let up = path.trim_end_matches('/').rsplit_once('/').map_or("", |(up, _)| up);
    let up = if up.is_empty() { "/" } else { up };
    if query.is_empty() { up.to_owned() } else { format!("{up}?{query}") }
}

/// An answer of axum's own: no type, or plain text.
fn is_plain(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    kind.is_none_or(|kind| kind.starts_with("text/plain"))
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    p: &'a Page,
    told: Told,
    /// Of the request, for whoever asks for help.
    number: Option<String>,
}

/// A failure as the JSON of RFC 9457, in the words of whoever asked.
pub fn as_json(app: &AppState, ask: &Ask, failure: &Failure) -> Response {
    let body = problem_json(app, &ask.tr(app), &failure.problem, failure.status);
    let kind = HeaderValue::from_static("application/problem+json");
    let mut response = (failure.status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// One problem as RFC 9457 has it, with its code and values beside the sentence. Its type is the address
/// of the page that explains the code.
#[must_use]
pub fn problem_json(app: &AppState, t: &crate::i18n::Tr, problem: &Problem, status: StatusCode) -> Value {
    let told = t.problem(problem);
    let mut body = problem.args.clone();
    body.insert("type".into(), json!(format!("{}/api/problems/{}", app.settings.url, problem.code)));
    body.insert("code".into(), json!(problem.code));
    body.insert("title".into(), json!(told.title));
    body.insert("detail".into(), json!(told.fix.unwrap_or_default()));
    body.insert("status".into(), json!(status.as_u16()));
    if let Some(number) = crate::request::current() {
        body.insert("instance".into(), json!(format!("urn:ehub:request:{number}")));
    }
    Value::Object(body)
}

/// For a value in a query string.
#[must_use]
pub fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'/');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
