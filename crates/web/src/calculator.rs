//! The public calculator: what an import costs to the door by the rules of any territory that is known here,
//! every line with its base, rate, rule and source. No account; nothing is kept; the address says it all.

mod form;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use trade::codes::Country;
use trade::countersign::{Countersigned, NotConfirmed, ToConfirm, countersign};
use trade::landed_cost::{Charge, CostOption, LandedCost, LandedCostAsk, Needs, changed, landed_cost, options};
use trade::money::Money;
use trade::readiness::told_at_entry;
use trade::rulebook::{DataField, Mode, Pack, Regime, RuleInfo, Rulebook};

use crate::AppState;
use crate::charge;
use crate::door::{ANYONE, Doors, get};
use crate::fall::{Confirm, Made, Rule, Step, Steps, signed};
use crate::i18n::{Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure};
use crate::schema::{any, boolean, list, object, text};
use crate::since::Since;
pub use form::field as key;
use form::{Asked, Faults, Form};

const SAMPLE: &str = "to=MY&hs=950300&pieces=1&value=480.00&origin=CN&freight=20.00&date=2026-11-23";

pub fn routes() -> Doors {
    Doors::new().open(get("/calculator", ANYONE), show).open(
        get("/api/v1/landed-cost", ANYONE).asks(SAMPLE).query(form::FIELDS).gives(200, || {
            object([
                ("territory", text()),
                ("pack", text()),
                ("corrected_since", boolean()),
                ("changed", list(any())),
                ("permanent", text()),
                ("landed", any()),
                ("options", list(any())),
                ("told_at_entry", list(any())),
                ("countersigned", any()),
                ("why_not", any()),
            ])
        }),
        show_api,
    )
}

/// A way of bringing the goods in.
struct Way {
    name: String,
    needs: Vec<String>,
    total: Option<Money>,
    why_not: Option<Told>,
    address: String,
    is_this: bool,
}

struct Found {
    landed: LandedCost,
    steps: Vec<Step>,
    rules: Vec<Rule>,
    ways: Vec<Way>,
    /// The address that gives this answer for ever.
    permanent: String,
    digest: String,
    /// What a newer pack says otherwise.
    corrected: Option<Since>,
    exchange: Vec<String>,
    /// What customs asks for with the entry, which no price needs: name, sentence and rule.
    at_entry: Vec<(String, String, Rule)>,
    confirm: Confirm,
}

#[derive(Template)]
#[template(path = "calculator/page.html")]
struct CalculatorPage {
    p: Page,
    form: Form,
    territories: Vec<(String, String)>,
    regimes: Vec<Regime>,
    currency: String,
    faults: BTreeMap<String, Told>,
    told: Option<Told>,
    found: Option<Found>,
}

impl CalculatorPage {
    fn fault(&self, field: &str) -> Option<&Told> {
        self.faults.get(field)
    }

    fn modes(&self) -> [&'static str; 5] {
        Mode::ALL.map(|(code, _)| code)
    }
}

/// Where goods can go: territories, and the states of unions, by the reader's names.
fn territories(app: &AppState, t: &Tr) -> Vec<(String, String)> {
    let books = app.site().rulebooks.books();
    let ruled = books.filter(|book| book.charges.iter().any(|_| true));
    let places = ruled.flat_map(|book| {
        let own = (book.members.is_empty()).then_some(book.territory);
        own.into_iter().chain(book.members.iter().copied())
    });
    let mut places: Vec<_> = places.map(|place| (place.to_string(), t.country(place))).collect();
    places.sort_by(|a, b| a.1.cmp(&b.1));
    places
}

/// The pack to work by: the one that the hub goes by, or the version that the address names.
async fn pack(app: &AppState, asked: &Asked, digest: &str) -> Answer<Option<Arc<Pack>>> {
    let current = book(app, asked.to)?;
    if digest.is_empty() || digest == &*current.digest {
        return Ok(None);
    }
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "no-such-version").with("digest", digest);
    let kept = app.hub.pack_by_digest(digest).await?.ok_or_else(unknown)?;
    match &*kept {
        Pack::Territory(old) if old.territory == current.territory => Ok(Some(kept)),
        _ => Err(unknown()),
    }
}

fn book(app: &AppState, to: Country) -> Answer<&Rulebook> {
    let unknown = || Failure::bad("no-rules-for").with("territory", to.to_string());
    app.site().rulebooks.book_of(to).ok_or_else(unknown)
}

/// All that was worked out.
struct Worked {
    landed: LandedCost,
    options: Vec<CostOption>,
    corrected: Option<Result<LandedCost, Failure>>,
    digest: Arc<str>,
    confirmed: Result<Countersigned, NotConfirmed>,
    at_entry: Vec<(DataField, Arc<RuleInfo>)>,
    /// By which pack, where it is not the one that the hub goes by.
    old: Option<Arc<Pack>>,
}

async fn work_out(app: &AppState, form: &Form) -> Result<(Asked, Worked), Faults> {
    let of = |failure: Failure| Faults::from([(String::new(), failure)]);
    let today = app.site().date(app.hub.business_now().await.map_err(|error| of(error.into()))?);
    let to = form.destination().map_err(|failure| Faults::from([("to".to_owned(), failure)]))?;
    let current = book(app, to).map_err(of)?;
    let asked = form.read(current, to, today)?;
    let old = pack(app, &asked, form.get("pack")).await.map_err(of)?;
    let used = match old.as_deref() {
        Some(Pack::Territory(book)) => book,
        _ => current,
    };
    let ask = LandedCostAsk {
        mode: asked.mode,
        member: (!used.members.is_empty()).then_some(to),
        registered: asked.registered,
        alongside: asked.alongside,
        preference: asked.preference.as_deref(),
        ..LandedCostAsk::new(asked.date, asked.regime, &asked.lines, asked.freight, &app.site().stance)
    };
    let landed = landed_cost(used, &ask).map_err(|refusal| of(Failure::of(&refusal)))?;
    let corrected = old.is_some().then(|| landed_cost(current, &ask).map_err(|refusal| Failure::of(&refusal)));
    let options = options(used, &ask);
    let now = app.hub.business_now().await.map_err(|error| of(error.into()))?;
    let peers = app.hub.peers().await.map_err(|error| of(error.into()))?;
    let peer = peers.into_iter().map(|peer| peer.card).find(|card| card.territory == current.territory);
    let peer = peer.map(|card| card.id);
    let to_confirm = ToConfirm { to, ask: &ask, landed: &landed, rate_typed: asked.rate_typed, peer };
    let confirmed = countersign(app.site(), now, &to_confirm);
    let at_entry = told_at_entry(used, &ask).into_iter().map(|rule| (rule.field, rule.info.clone())).collect();
    let worked =
        Worked { at_entry, landed, options, corrected, digest: used.digest.clone(), confirmed, old: old.clone() };
    Ok((asked, worked))
}

/// GET /calculator
async fn show(
    State(app): State<AppState>,
    p: Page,
    Query(fields): Query<BTreeMap<String, String>>,
) -> Answer<Response> {
    let form = Form::new(fields);
    let home = app.site().territory;
    let chosen = form.destination().unwrap_or(home);
    let chosen_book = app.site().rulebooks.book_of(chosen);
    let rules = |regime: Regime| chosen_book.is_some_and(|book| book.bases.iter().any(|base| base.regime == regime));
    let mut shown = CalculatorPage {
        territories: territories(&app, &p),
        regimes: Regime::ALL.iter().map(|(_, regime)| *regime).filter(|regime| rules(*regime)).collect(),
        currency: chosen_book.map(|book| book.currency.to_string()).unwrap_or_default(),
        faults: BTreeMap::new(),
        told: None,
        found: None,
        p,
        form,
    };
    if shown.form.is_empty() {
        shown.form.prefill(home);
        return Ok(shown.p.show(&shown));
    }
    match work_out(&app, &shown.form).await {
        Ok((asked, worked)) => {
            shown.found = Some(found(&app, &shown.p, &shown.form, &asked, worked));
            Ok(shown.p.show(&shown))
        }
        Err(mut faults) => {
            let whole = faults.remove("");
            if let Some(failure) = whole.as_ref().filter(|failure| failure.status.is_server_error()) {
                return Err(failure.clone());
            }
            let status = whole.as_ref().map_or(StatusCode::UNPROCESSABLE_ENTITY, |failure| failure.status);
            shown.told = whole.as_ref().map(|failure| shown.p.problem(&failure.problem));
            shown.faults = faults.into_iter().map(|(field, f)| (field, shown.p.problem(&f.problem))).collect();
            Ok((status, shown.p.show(&shown)).into_response())
        }
    }
}

fn found(app: &AppState, p: &Page, form: &Form, asked: &Asked, worked: Worked) -> Found {
    let current = app.site().rulebooks.book_of(asked.to);
    let used = match worked.old.as_deref() {
        Some(Pack::Territory(book)) => Some(&**book),
        _ => current,
    };
    let made = match (&worked.old, current) {
        (Some(pack), _) => Made::Then(pack.clone()),
        (None, Some(book)) => Made::Now(book),
        (None, None) => Made::Unknown,
    };
    let landed = &worked.landed;
    let mut steps = Steps::new(landed.total);
    for (at, line) in asked.lines.iter().enumerate() {
        let name = p.w2("calculator-goods", "n", at + 1, "hs", &line.hs);
        steps.add(name, asked.converted.get(at).map_or_else(String::new, |from| from.how(p)), line.value);
    }
    steps.add(
        p.s("quote-freight"),
        asked.freight_from.as_ref().map_or_else(String::new, |from| from.how(p)),
        landed.freight,
    );
    let name = |each: &Charge| {
        let kind = charge::name(p, each);
        match each.line.filter(|_| asked.lines.len() > 1) {
            Some(line) => p.w2("calculator-charge-of", "charge", kind, "n", i64::from(line) + 1),
            None => kind,
        }
    };
    for each in &landed.charges {
        let rule = made.rule(p, &each.rule, asked.date, Some(&each.source), each.knowledge);
        steps.charge(p, name(each), each, rule);
    }
    let rules = made.rules(p, landed, asked.date);
    let at_entry = worked.at_entry.iter().map(|(_, info)| {
        let note = info.note.as_ref().map(|note| p.words(note)).unwrap_or_default();
        let rule = made.rule(p, &info.id, asked.date, Some(&info.source), info.knowledge);
        (p.words(&info.name), note, rule)
    });
    let at_entry = at_entry.collect();
    let ways = worked.options.iter().map(|option| way(p, form, used, asked, option)).collect();
    let corrected = worked.corrected.as_ref().and_then(|now| Since::of(p, landed, now.as_ref(), name));
    Found {
        steps: steps.done(),
        at_entry,
        rules,
        ways,
        permanent: form.permanent(asked.date, &worked.digest),
        digest: worked.digest.to_string(),
        corrected,
        confirm: confirm(p, &worked.confirmed),
        exchange: landed.exchange.iter().map(|rate| p.fx(rate)).collect(),
        landed: worked.landed,
    }
}

/// Who confirms the answer, over what; or why nobody does.
fn confirm(p: &Page, confirmed: &Result<Countersigned, NotConfirmed>) -> Confirm {
    match confirmed {
        Ok(signed_by) => {
            let of = &signed_by.statement;
            let codes = of.lines.iter().map(|line| line.hs.to_string()).collect();
            let mut facts = signed(p, codes, &of.landed, of.date);
            let rates: Vec<String> = of.landed.exchange.iter().map(|rate| p.fx(rate)).collect();
            facts.extend((!rates.is_empty()).then(|| (p.s("quote-rate"), rates.join("; "))));
            facts.push((p.s("confirm-until"), p.time(of.valid_until)));
            Confirm::given(p.hub_name(&of.hub), signed_by.key.clone(), false, facts)
        }
        Err(why) => Confirm::missing(p, why),
    }
}

fn way(p: &Page, form: &Form, book: Option<&Rulebook>, asked: &Asked, option: &CostOption) -> Way {
    let regime = p.by("regime", option.regime.code());
    let preference = option.preference.as_deref().and_then(|id| book?.preference(id, asked.date));
    let name = match preference {
        Some(preference) => p.w2("calculator-way", "regime", regime, "duty", &preference.agreement),
        None => p.w2("calculator-way", "regime", regime, "duty", p.s("calculator-ordinary")),
    };
    let need = |needs: &Needs| match needs {
        Needs::Proof { agreement, .. } => {
            let words = |of: fn(&trade::rulebook::Preference) -> &trade::rulebook::Words| {
                preference.map(|preference| p.words(of(preference))).unwrap_or_default()
            };
            let (proof, test) = (words(|preference| &preference.proof), words(|preference| &preference.test));
            p.w("calculator-needs-proof", [("agreement", agreement.clone()), ("proof", proof), ("test", test)])
        }
        Needs::Consumer => p.s("calculator-needs-consumer"),
        Needs::Business => p.s("calculator-needs-business"),
        Needs::YearlyRoom { rule } => p.w1("calculator-needs-yearly-room", "rule", rule.to_string()),
        Needs::Registration { rule } => p.w1("calculator-needs-registration", "rule", rule.to_string()),
    };
    let preference = option.preference.as_deref().unwrap_or_default();
    Way {
        name,
        needs: option.needs.iter().map(need).collect(),
        total: option.cost.as_ref().ok().map(|cost| cost.total),
        why_not: option.cost.as_ref().err().map(|refusal| p.problem(&Failure::of(refusal).problem)),
        address: form.with(&[("regime", option.regime.code()), ("preference", preference)]),
        is_this: option.regime == asked.regime && asked.preference.as_deref().unwrap_or_default() == preference,
    }
}

/// GET /api/v1/landed-cost, with the fields of the page.
async fn show_api(State(app): State<AppState>, Query(fields): Query<BTreeMap<String, String>>) -> Answer<Json<Value>> {
    let form = Form::new(fields);
    let (asked, worked) = work_out(&app, &form).await.map_err(|faults| {
        // The first field that is wrong; the page shows all.
        faults.into_values().next().unwrap_or_else(|| Failure::bad("http-400"))
    })?;
    let changed = match &worked.corrected {
        Some(Ok(now)) => changed(&worked.landed, now),
        _ => Vec::new(),
    };
    Ok(Json(json!({
        "territory": asked.to,
        "pack": worked.digest,
        "corrected_since": !changed.is_empty() || matches!(&worked.corrected, Some(Err(_))),
        "changed": changed,
        "permanent": form.permanent(asked.date, &worked.digest),
        "landed": worked.landed,
        "options": worked.options,
        "told_at_entry": worked.at_entry.iter().map(|(field, info)| json!({
            "field": field, "rule": info.id, "source": info.source, "knowledge": info.knowledge,
        })).collect::<Vec<_>>(),
        "countersigned": worked.confirmed.as_ref().ok(),
        "why_not": worked.confirmed.as_ref().err(),
    })))
}
