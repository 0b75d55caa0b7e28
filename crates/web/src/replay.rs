//! The wind tunnel: what a draft of the rules would do to the hub's own trades, or to sample trades.
//!
//! Nothing is kept: the draft comes with every question, and the page asks again for the trades behind a number.

mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trade::codes::Country;
use trade::party::{Party, Role};
use trade::replay::{Behind, Law, PastTrades, ReplayFault, Report, WindTunnel, replay};
use trade::rulebook::{Amended, PackError, RuleChange, Rulebook, amend};

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, get, only, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::rulebook::tell;
use crate::schema::{Schema, any, code, count, list, object, text};

pub use told::{Cell, FlightTold, Section, flight_told, told, upset_told};

/// A page waits for no more than this; `ehub replay` takes any number.
const TRADES_MOST: u64 = 1_000_000;
/// Of the sample, where nobody says how many.
const TRADES_USUAL: u64 = 100_000;
/// Trades of a page behind a number.
const SHOWN: usize = 10;

const WHO: crate::door::May = only(&[Role::Officer, Role::Operator]);
const FORM: &str =
    "territory=MY&draft=%5B%5Bcharge%5D%5D%0Aid%3D%22my.lvg%22%0Arate%3D%228%22&source=sample&trades=500";
const JSON: &str =
    r#"{"territory":"MY","draft":"[[charge]]\nid=\"my.lvg\"\nrate=\"8\"","source":"sample","trades":500}"#;

const FIELDS: &[&str] =
    &["territory", "draft", "source", "trades", "seed", "on", "against_on", "behind", "skip", "turn"];
/// Drafts up to this length stand in a link.
const LINK_MOST: usize = 3_000;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/replay", WHO).asks(FORM).query(FIELDS), form)
        .open(post("/replay", WHO).form(FORM), run)
        .open(
            post("/api/v1/replay", WHO).json(JSON).takes(shape).gives(200, || {
                object([
                    ("changes", list(any())),
                    ("upset", list(any())),
                    ("report", any()),
                    ("behind", list(any())),
                    ("trades", count()),
                    ("source", text()),
                ])
            }),
            run_api,
        )
}

fn shape() -> Schema {
    let day = || text().like("^([0-9]{4}-[0-9]{2}-[0-9]{2})?$");
    object([
        ("territory?", text()),
        ("draft?", text()),
        ("source?", code(&["sample", "hub"])),
        ("trades?", count()),
        ("seed?", count()),
        ("on?", day()),
        ("against_on?", day()),
        ("behind?", text()),
        ("skip?", count()),
    ])
}

/// What is asked of the tunnel; as it stands in the form, so that the page can ask again.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Asked {
    territory: String,
    draft: String,
    /// `sample`, or `hub`.
    source: String,
    trades: Given,
    seed: Given,
    on: String,
    against_on: String,
    behind: String,
    skip: Given,
    /// From a button of the page: `behind@skip`.
    #[serde(skip_serializing)]
    turn: String,
}

/// A number as a form sends it, or as JSON does.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(untagged)]
enum Given {
    #[default]
    Nothing,
    Number(u64),
    Text(String),
}

impl Asked {
    /// The address that gives this answer; none where the draft is too long for one.
    fn link(&self) -> Option<String> {
        if self.draft.len() > LINK_MOST {
            return None;
        }
        let (trades, seed) = (self.trades.text(), self.seed.text());
        let fields = [
            ("territory", &self.territory),
            ("draft", &self.draft),
            ("source", &self.source),
            ("trades", &trades),
            ("seed", &seed),
            ("on", &self.on),
            ("against_on", &self.against_on),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> = given.map(|(name, value)| format!("{name}={}", percent(value))).collect();
        Some(format!("/replay?{}", parts.join("&")))
    }
}

impl Given {
    fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn read(&self, field: &str, usual: u64, most: u64) -> Answer<u64> {
        let bad = |got: &str| Failure::bad("not-a-count").with("field", field).with("got", got).with("most", most);
        match self {
            Self::Nothing => Ok(usual),
            Self::Text(text) if text.trim().is_empty() => Ok(usual),
            Self::Number(number) if *number <= most => Ok(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|n| *n <= most).ok_or_else(|| bad(text)),
            Self::Number(number) => Err(bad(&number.to_string())),
        }
    }
}

/// What came of it.
struct Ran {
    changes: Vec<RuleChange>,
    upset: Vec<PackError>,
    report: Report,
    flights: Vec<FlightTold>,
    flights_json: Vec<Value>,
    behind: String,
    skip: u64,
    /// There are more behind the number.
    more: bool,
}

/// Why it did not run.
enum Fault {
    Draft(Vec<PackError>),
    Other(Failure),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// Sets the flag when whoever asked has gone.
struct StopWhenGone(Arc<AtomicBool>);

impl Drop for StopWhenGone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Officers and operators: those who answer for rules.
fn reader(party: &Party) -> Answer<()> {
    let may = [Role::Officer, Role::Operator].into_iter().any(|role| party.is(role));
    if may { Ok(()) } else { Err(Failure::role_needed(Role::Officer)) }
}

fn day(field: &str, got: &str) -> Answer<Option<Date>> {
    if got.is_empty() {
        return Ok(None);
    }
    let fault = || Failure::bad("not-a-day").with("field", field).with("got", got);
    got.parse().ok().filter(|_| got.len() == 10).map(Some).ok_or_else(fault)
}

async fn work_out(app: &AppState, p: &Page, asked: &Asked) -> Result<Ran, Fault> {
    let to: Country = match asked.territory.trim() {
        "" => app.site().territory,
        code => code.parse().map_err(|_| Failure::bad("no-rules-for").with("territory", code))?,
    };
    let books = app.site().rulebooks.clone();
    let unruled = || Failure::bad("no-rules-for").with("territory", to.to_string());
    let base = books.book(to).ok_or_else(unruled)?;
    let (on, against_on) = (day("on", &asked.on)?, day("against_on", &asked.against_on)?);
    let skip = asked.skip.read("skip", 0, u64::MAX)?;
    let figure = match asked.behind.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Failure::bad("no-such-figure").with("got", text))?),
    };
    let amended = match asked.draft.trim() {
        "" if on.is_none() || on == against_on => return Err(Failure::bad("nothing-to-compare").into()),
        "" => None,
        draft => Some(amend(base, draft).map_err(Fault::Draft)?),
    };
    let trades: Box<dyn PastTrades + Send> = match asked.source.as_str() {
        "hub" => Box::new(app.hub.held_trades(to).await.map_err(Failure::from)?),
        "sample" | "" => {
            let number = asked.trades.read("trades", TRADES_USUAL, TRADES_MOST)?;
            let seed = asked.seed.read("seed", 1, u64::MAX)?;
            let lender = app.samples().ok_or_else(|| Failure::bad("no-samples"))?;
            lender.sample(&books, to, seed, number).map_err(Failure::from)?
        }
        other => return Err(Failure::bad("no-such-source").with("got", other).into()),
    };
    let busy = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "replay-busy");
    let turn = app.tunnel.clone().try_acquire_owned().map_err(|_| busy())?;
    let stop = StopWhenGone(Arc::default());
    let (stopped, stance) = (stop.0.clone(), app.site().stance.clone());
    let tr = p.t.clone();
    let work = move || {
        let _turn = turn;
        let was: &Rulebook = books.book(to).ok_or(ReplayFault::Stopped)?;
        let is = amended.as_ref().map_or(was, |amended| &amended.book);
        let tunnel = WindTunnel { was: Law { book: was, on: against_on }, is: Law { book: is, on }, stance: &stance };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let counts = replay(&tunnel, &*trades, threads, &stopped)?;
        let report = counts.report(&tunnel);
        let (mut flights, mut flights_json) = (Vec::new(), Vec::new());
        if let Some(figure) = figure {
            let behind = Behind { figure, skip, most: SHOWN + 1 };
            behind.each(&tunnel, &*trades, &stopped, |flight| {
                flights.push(flight_told(&tr, &tunnel, flight));
                flights_json.push(json!(flight));
            })?;
        }
        Ok::<_, ReplayFault>((report, flights, flights_json, amended))
    };
    let ran = tokio::task::spawn_blocking(work).await.map_err(|_| busy())?;
    drop(stop);
    let (report, mut flights, mut flights_json, amended) = ran.map_err(|fault| match fault {
        ReplayFault::Stopped => busy(),
        ReplayFault::Unread(cause) => {
            tracing::error!(%cause, "past trades cannot be read");
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "storage")
        }
    })?;
    let report = report.map_err(|error| Failure::of(&error))?;
    let more = flights.len() > SHOWN;
    flights.truncate(SHOWN);
    flights_json.truncate(SHOWN);
    let (changes, upset) = amended.map_or_else(Default::default, |Amended { changes, upset, .. }| (changes, upset));
    Ok(Ran { changes, upset, report, flights, flights_json, behind: asked.behind.clone(), skip, more })
}

/// One fault of a draft as it is shown.
struct FaultRow {
    place: String,
    told: Told,
}

fn fault_rows(p: &Page, errors: &[PackError]) -> Vec<FaultRow> {
    let row =
        |error: &PackError| FaultRow { place: crate::rulebook::place(error), told: crate::rulebook::told(p, error) };
    errors.iter().map(row).collect()
}

#[derive(Template)]
#[template(path = "replay/page.html")]
struct ReplayPage<'a> {
    p: &'a Page,
    asked: &'a Asked,
    territories: Vec<(String, String)>,
    home: String,
    faults: Vec<FaultRow>,
    told: Option<Told>,
    changes: Vec<crate::rulebook::Told>,
    upset: Vec<String>,
    sections: Vec<Section>,
    flights: Vec<FlightTold>,
    ran: Option<Ran>,
}

impl ReplayPage<'_> {
    fn is_of(&self, territory: &str) -> bool {
        if self.asked.territory.is_empty() { self.home == *territory } else { self.asked.territory == *territory }
    }

    fn next(&self) -> Option<u64> {
        self.ran.as_ref().filter(|ran| ran.more).map(|ran| ran.skip + u64::try_from(SHOWN).unwrap_or(0))
    }

    fn before(&self) -> Option<u64> {
        let ran = self.ran.as_ref().filter(|ran| ran.skip > 0)?;
        Some(ran.skip.saturating_sub(u64::try_from(SHOWN).unwrap_or(0)))
    }

    fn nothing_changed(&self) -> bool {
        self.ran.as_ref().is_some_and(|ran| {
            let report = &ran.report;
            report.trades > 0
                && report.same == report.both
                && report.checked.iter().chain(&report.refused).all(|count| count.trades.was == count.trades.is)
        })
    }
}

fn page<'a>(app: &AppState, p: &'a Page, asked: &'a Asked) -> ReplayPage<'a> {
    let books = app.site().rulebooks.books();
    let ruled = books.filter(|book| !book.charges.is_empty());
    let mut territories: Vec<_> = ruled.map(|b| (b.territory.to_string(), p.country(b.territory))).collect();
    territories.sort_by(|a, b| a.1.cmp(&b.1));
    ReplayPage {
        p,
        asked,
        territories,
        home: app.site().territory.to_string(),
        faults: Vec::new(),
        told: None,
        changes: Vec::new(),
        upset: Vec::new(),
        sections: Vec::new(),
        flights: Vec::new(),
        ran: None,
    }
}

/// GET /replay, and with a draft or two days in the address what comes of them: a link that can be sent on.
async fn form(
    State(app): State<AppState>,
    Signed(party): Signed,
    p: Page,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    reader(&party)?;
    if asked.draft.is_empty() && asked.on.is_empty() {
        return Ok(p.show(&page(&app, &p, &asked)));
    }
    answer(&app, &p, asked).await
}

/// POST /replay
async fn run(
    State(app): State<AppState>,
    Signed(party): Signed,
    p: Page,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    reader(&party)?;
    answer(&app, &p, asked).await
}

async fn answer(app: &AppState, p: &Page, mut asked: Asked) -> Answer<Response> {
    if let Some((behind, skip)) = asked.turn.split_once('@') {
        (asked.behind, asked.skip) = (behind.to_owned(), Given::Text(skip.to_owned()));
    }
    let mut shown = page(app, p, &asked);
    match work_out(app, p, &asked).await {
        Ok(mut ran) => {
            shown.changes = ran.changes.iter().map(|change| tell(p, change)).collect();
            shown.upset = ran.upset.iter().map(|error| upset_told(p, error)).collect();
            shown.sections = told(p, &ran.report);
            shown.flights = std::mem::take(&mut ran.flights);
            shown.ran = Some(ran);
            Ok(p.show(&shown))
        }
        Err(Fault::Draft(errors)) => {
            shown.faults = fault_rows(p, &errors);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, p.show(&shown)).into_response())
        }
        Err(Fault::Other(failure)) if failure.status == StatusCode::UNPROCESSABLE_ENTITY => {
            shown.told = Some(p.problem(&failure.problem));
            Ok((failure.status, p.show(&shown)).into_response())
        }
        Err(Fault::Other(failure)) => Err(failure),
    }
}

/// POST /api/v1/replay
async fn run_api(
    State(app): State<AppState>,
    Signed(party): Signed,
    p: Page,
    Json(asked): Json<Asked>,
) -> Answer<Json<Value>> {
    reader(&party)?;
    let ran = match work_out(&app, &p, &asked).await {
        Ok(ran) => ran,
        Err(Fault::Other(failure)) => return Err(failure),
        Err(Fault::Draft(errors)) => {
            let row = |error: &PackError| {
                let told = crate::rulebook::told(&p, error);
                json!({ "error": error, "title": told.title, "fix": told.fix })
            };
            let errors: Vec<Value> = errors.iter().map(row).collect();
            return Err(Failure::bad("draft-does-not-load").with("faults", errors.len()).with("errors", errors));
        }
    };
    let changes: Vec<Value> =
        ran.changes.iter().map(|c| json!({ "sentence": tell(&p, c).sentence, "change": c })).collect();
    let source = if asked.source == "hub" { "hub" } else { "sample" };
    Ok(Json(json!({ "changes": changes, "upset": ran.upset, "report": ran.report, "behind": ran.flights_json,
        "trades": ran.report.trades, "source": source })))
}
