//! Numbers for Prometheus, in its text format (0.0.4). Read on a listener of its own, which the operator
//! opens to the machines that watch and to nobody else ([`listener`]), or by an operator's API key on
//! the hub's own address.

use std::fmt::{Display, Write as _};

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hub::Status;
use hub::db::StoreError;
use hub::meter::{Counters, Shape};
use hub::recovery::Standing;
use trade::party::Role;

use crate::AppState;
use crate::auth::{As, Operator};
use crate::door::{self, Doors};
use crate::problem::Answer;

pub fn routes() -> Doors {
    Doors::new().open(door::get("/metrics", door::only(&[Role::Operator])), for_operator)
}

/// For a listener of its own: no key is asked, since whoever reaches it was let through to it.
pub fn listener(app: AppState) -> Router {
    Router::new().route("/metrics", get(for_anybody)).with_state(app)
}

async fn for_operator(State(app): State<AppState>, As(..): As<Operator>) -> Answer<Response> {
    Ok(shown(text(&app).await?))
}

async fn for_anybody(State(app): State<AppState>) -> Answer<Response> {
    Ok(shown(text(&app).await?))
}

fn shown(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// All metrics with their kinds and meanings.
const LIST: &str = include_str!("metrics.txt");

fn on_list(name: &str) -> Option<(&'static str, &'static str)> {
    LIST.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split_once(' '))
}

/// One text, metric after metric.
#[derive(Default)]
struct Text(String);

impl Text {
    /// Begins a metric, which is on the list.
    fn metric(&mut self, name: &str) {
        let (kind, help) = on_list(name).unwrap_or(("untyped", ""));
        // A string takes all.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (i, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{value}\"", if i == 0 { "{" } else { "," });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn gauge(&mut self, name: &str, value: impl Display) {
        self.metric(name);
        self.row(name, &[], value);
    }

    fn counter<const N: usize>(&mut self, name: &str, labels: [&str; N], counters: &Counters<N>) {
        self.metric(name);
        for (values, n) in counters.rows() {
            let row: Vec<(&str, &str)> = labels.iter().copied().zip(values.iter().map(String::as_str)).collect();
            self.row(name, &row, n);
        }
    }

    /// `unit` shows a value as the metric has it.
    fn histogram(&mut self, name: &str, shape: &Shape, unit: impl Fn(u64) -> String) {
        self.metric(name);
        let bucket = format!("{name}_bucket");
        for (bound, count) in &shape.up_to {
            self.row(&bucket, &[("le", &unit(*bound))], count);
        }
        self.row(&bucket, &[("le", "+Inf")], shape.count);
        self.row(&format!("{name}_sum"), &[], unit(shape.sum));
        self.row(&format!("{name}_count"), &[], shape.count);
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

async fn text(app: &AppState) -> Answer<String> {
    let mut text = Text::default();
    text.metric("ehub_info");
    let site = app.site();
    let info = [("hub", site.id.as_str()), ("mode", site.mode.as_str()), ("version", env!("CARGO_PKG_VERSION"))];
    text.row("ehub_info", &info, 1);
    lane(&mut text, app);
    log(&mut text, app).await?;
    roads(&mut text, app).await?;
    trades(&mut text, app).await?;
    text.gauge("ehub_store_bytes", app.hub.db().size().await?);
    text.counter("ehub_jobs_total", ["job", "outcome"], &app.jobs);
    text.counter("ehub_http_requests_total", ["method", "route", "status"], &app.requests.answered);
    text.histogram("ehub_http_seconds", &app.requests.took.shape(), seconds);
    Ok(text.0)
}

fn lane(text: &mut Text, app: &AppState) {
    let meters = app.hub.meters();
    let deciding = matches!(app.hub.status(), Status::Deciding { .. });
    text.gauge("ehub_deciding", u8::from(deciding));
    let sound = app.hub.standing() == Standing::Sound;
    text.gauge("ehub_log_sound", u8::from(sound));
    text.counter("ehub_commands_total", ["command", "outcome"], &meters.commands);
    text.counter("ehub_refusals_total", ["command", "code"], &meters.refusals);
    text.histogram("ehub_command_seconds", &meters.latency.shape(), seconds);
    text.histogram("ehub_batch_commands", &meters.batch_size.shape(), |n| n.to_string());
    text.histogram("ehub_batch_deciding_seconds", &meters.deciding.shape(), seconds);
    text.histogram("ehub_batch_writing_seconds", &meters.writing.shape(), seconds);
    text.counter("ehub_failed_writes_total", ["reason"], &meters.failed_writes);
}

async fn log(text: &mut Text, app: &AppState) -> Result<(), StoreError> {
    let events = app.hub.event_count().await?;
    let sequenced = *app.hub.sequenced().borrow();
    text.gauge("ehub_log_events", events);
    text.gauge("ehub_log_unsequenced", events.saturating_sub(sequenced));
    Ok(())
}

async fn roads(text: &mut Text, app: &AppState) -> Answer<()> {
    let stands = crate::operator::road::stands(app).await?;
    let mut gauge = |name: &str, value: &dyn Fn(&crate::operator::road::Stand) -> Option<String>| {
        text.metric(name);
        for stand in &stands {
            if let Some(value) = value(stand) {
                text.row(name, &[("peer", stand.peer.as_str())], value);
            }
        }
    };
    let some = |n: u64| Some(n.to_string());
    let flag = |yes: bool| Some(u8::from(yes).to_string());
    gauge("ehub_road_backlog", &|s| some(s.backlog()));
    gauge("ehub_road_oldest_seconds", &|s| Some(s.oldest.map_or(0, |seconds| seconds.max(0)).to_string()));
    gauge("ehub_road_peer_backlog", &|s| s.theirs.map(|n| n.to_string()));
    gauge("ehub_road_failures", &|s| some(u64::from(s.failures)));
    gauge("ehub_road_paused", &|s| flag(s.paused));
    gauge("ehub_road_suspended", &|s| flag(s.suspended));
    gauge("ehub_witness_events", &|s| some(s.witnessed));
    gauge("ehub_witness_age_seconds", &|s| s.witnessed_ago.map(|n| n.to_string()));
    Ok(())
}

async fn trades(text: &mut Text, app: &AppState) -> Result<(), StoreError> {
    text.metric("ehub_trades");
    for count in app.hub.stage_counts().await? {
        text.row("ehub_trades", &[("stage", count.stage.code())], count.count);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_written_as_prometheus_reads_it() {
        let mut text = Text::default();
        let counters = Counters::default();
        counters.add(["a\"b\\c\nd", "done"], 2);
        text.counter("ehub_jobs_total", ["job", "outcome"], &counters);
        let histogram = hub::meter::Histogram::new(&[500, 1_000_000]);
        histogram.add(400);
        histogram.add(2_000_000);
        text.histogram("ehub_http_seconds", &histogram.shape(), seconds);
        text.gauge("ehub_store_bytes", 7);
        // 400 µs + 2 s = 2.0004 s.
        let expected = "# HELP ehub_jobs_total What has to happen because time has passed, by kind and what came of it.
# TYPE ehub_jobs_total counter
ehub_jobs_total{job=\"a\\\"b\\\\c\\nd\",outcome=\"done\"} 2
# HELP ehub_http_seconds From a request's coming in to the head of its answer.
# TYPE ehub_http_seconds histogram
ehub_http_seconds_bucket{le=\"0.000500\"} 1
ehub_http_seconds_bucket{le=\"1.000000\"} 1
ehub_http_seconds_bucket{le=\"+Inf\"} 2
ehub_http_seconds_sum 2.000400
ehub_http_seconds_count 2
# HELP ehub_store_bytes Bytes that the store takes.
# TYPE ehub_store_bytes gauge
ehub_store_bytes 7
";
        assert_eq!(text.0, expected);
    }
}
