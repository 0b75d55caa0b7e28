//! What the program does, told as it happens: one event a line, on the error stream. As JSON for machines, as
//! plain text on a terminal. A line names ids and codes, never a person's value, a body or a key.

use std::fmt;
use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use hub::clock::Clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use trade::time::WallTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Most {
    Error,
    Warn,
    Info,
    /// Every request.
    Debug,
}

#[derive(clap::Args, Clone, Copy)]
#[group(skip)]
pub struct Options {
    /// How each line is written.
    #[arg(long, value_enum, default_value = "auto")]
    log: Form,
    /// The least important kind of event that is still told.
    #[arg(long, value_enum, default_value = "info")]
    log_level: Most,
}

/// Our own crates; of libraries only what is wrong is told.
const OWN: [&str; 4] = ["trade", "hub", "web", "ehub"];
/// Of one value: what an engine says of a statement can be long.
const VALUE_MAX: usize = 500;

struct Lines {
    level: Level,
    json: bool,
    clock: Clock,
}

/// From now on the program tells what it does.
pub fn begin(options: Options) {
    let level = match options.log_level {
        Most::Error => Level::ERROR,
        Most::Warn => Level::WARN,
        Most::Info => Level::INFO,
        Most::Debug => Level::DEBUG,
    };
    let json = match options.log {
        Form::Auto => !std::io::stderr().is_terminal(),
        Form::Text => false,
        Form::Json => true,
    };
    // Whoever was first tells all the same.
    let _ = tracing::subscriber::set_global_default(Lines { level, json, clock: Clock::system() });
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // Only what was written beforehand: a formatted text could hold anything.
        let what = panic.payload().downcast_ref::<&str>().copied().unwrap_or_default();
        tracing::error!(place, what, "panic");
    }));
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let own = metadata.target().split("::").next().is_some_and(|name| OWN.contains(&name));
        metadata.is_event() && *metadata.level() <= if own { self.level } else { self.level.min(Level::WARN) }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.level))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let line = line(self.json, self.clock.now(), *level, target, web::request::current(), said);
        // Whom should a full disk be told?
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn line(json: bool, at: WallTime, level: Level, target: &str, request: Option<String>, said: Said) -> String {
    let level = level.as_str();
    if json {
        let mut line = Map::new();
        line.insert("at".into(), at.to_string().into());
        line.insert("level".into(), level.to_lowercase().into());
        line.insert("target".into(), target.into());
        if let Some(request) = request {
            line.insert("request".into(), request.into());
        }
        line.insert("message".into(), said.message.into());
        line.extend(said.fields);
        return Value::Object(line).to_string();
    }
    let mut line = format!("{at} {level:5} {target}: {}", one_line(&said.message));
    for (name, value) in said.fields {
        let value = value.as_str().map_or_else(|| value.to_string(), one_line);
        line.push_str(&format!(" {name}={value}"));
    }
    if let Some(request) = request {
        line.push_str(&format!(" request={request}"));
    }
    line
}

/// A value cannot begin a line of its own.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

/// What an event says, field by field.
#[derive(Default)]
struct Said {
    message: String,
    fields: Map<String, Value>,
}

impl Said {
    fn put(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            name => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.chars().take(VALUE_MAX).collect::<String>().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        let mut fields = Map::new();
        fields.insert("peer".into(), "hgh.sandbox".into());
        fields.insert("n".into(), 3.into());
        fields.insert("why".into(), "two\nlines".into());
        Said { message: "no answer".to_owned(), fields }
    }

    #[test]
    fn an_event_is_one_line_in_either_form() {
        // 2026-11-23T01:00:00Z.
        let at = WallTime::from_micros(1_795_395_600_000_000);
        let json = line(true, at, Level::WARN, "web::pump", Some("0a1b".into()), said());
        let expected = r#"{"at":"2026-11-23T01:00:00Z","level":"warn","message":"no answer","n":3,"peer":"hgh.sandbox","request":"0a1b","target":"web::pump","why":"two\nlines"}"#;
        let (got, wanted): (Value, Value) =
            (serde_json::from_str(&json).unwrap(), serde_json::from_str(expected).unwrap());
        assert_eq!(got, wanted);
        assert!(!json.contains('\n'));
        let text = line(false, at, Level::WARN, "web::pump", None, said());
        assert!(text.starts_with("2026-11-23T01:00:00Z WARN  web::pump: no answer"), "{text}");
        assert!(text.contains("peer=hgh.sandbox") && text.contains("why=two lines"), "{text}");
    }
}
