//! Every request gets a number: it stands in its answer (`x-request-id`), in the problem that it ends with
//! (`instance`), and in every line of the log that it causes. Requests are counted by route, not by
//! path: a path may name a party or a trade.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use hub::meter::{Counters, Histogram, TIMES};
use tokio::time::Instant;

use crate::AppState;

const HEADER: &str = "x-request-id";

tokio::task_local! {
    static NUMBER: String;
}

/// The number of the request under way, if this is done for one.
#[must_use]
pub fn current() -> Option<String> {
    NUMBER.try_with(Clone::clone).ok()
}

/// What is counted of requests.
#[derive(Debug)]
pub struct Requests {
    /// By method, route and status.
    pub answered: Counters<3>,
    pub took: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        Self { answered: Counters::default(), took: Histogram::new(TIMES) }
    }
}

/// Around all else. A number that the caller brought is not taken: it could say anything, and would
/// stand in our log.
pub async fn watch(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let number: String = app.random::<8>().iter().map(|b| format!("{b:02x}")).collect();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let began = Instant::now();
    NUMBER
        .scope(number.clone(), async {
            let mut response = next.run(request).await;
            let took = began.elapsed();
            let status = response.status();
            app.requests.answered.add([method, &route, status.as_str()], 1);
            app.requests.took.add_time(took);
            let (code, micros) = (status.as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            if status.is_server_error() {
                tracing::warn!(method, route, status = code, micros, "request failed");
            } else {
                tracing::debug!(method, route, status = code, micros, "request");
            }
            if let Ok(number) = HeaderValue::from_str(&number) {
                response.headers_mut().insert(HEADER, number);
            }
            response
        })
        .await
}

/// Anybody can invent a method.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
