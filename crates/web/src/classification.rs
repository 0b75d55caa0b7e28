//! Which HS codes goods belong to: for anybody, without an account; nothing is kept.
//!
//! A seller comes here from a form with all that is typed there, and goes back to it with the code.

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use trade::classification::{
    ANSWERS_MOST, AskClassification, Candidate, Classification, EvidenceKind, Question, ReadAs, TEXT_MOST, Words3,
    builtin,
};
use trade::command::Problem;
use trade::id::Id;
use trade::product::Product;
use trade::rulebook::DescriptionFault;

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::i18n::{Lang, Told, Tr};
use crate::page::Page;
use crate::problem::{Answer, Failure, percent};
use crate::schema::{Schema, any, code, count, list, object, text};

const SAMPLE: &str = "text=baju+kurung+moden";

pub fn routes() -> Doors {
    Doors::new().open(get("/classify", ANYONE).asks(SAMPLE), show).open(
        get("/api/v1/classification", ANYONE).asks(SAMPLE).query(&["text", "answers"]).gives(200, shape),
        show_api,
    )
}

fn words3() -> Schema {
    object([("en", text()), ("ms", text()), ("zh", text())])
}

fn shape() -> Schema {
    let why = object([
        ("words", text()),
        ("kind", code(&["name", "property", "against"])),
        ("points", crate::schema::integer()),
    ]);
    let found = object([
        ("hs6", text().like("^[0-9]{6}$")),
        ("name", words3()),
        ("confidence", count().or_null()),
        ("why", list(why)),
    ]);
    let answer = object([("answer", text()), ("label", words3()), ("leaves", list(text()))]);
    let question = object([("ask", words3()), ("answers", list(answer).at_most(4))]);
    object([
        ("read", any()),
        ("codes", list(found).at_most(60)),
        ("question", question.or_null()),
        ("unknown", list(text())),
    ])
}

impl Tr {
    /// The text of the reader's language; English where there is none in it.
    #[must_use]
    pub fn one_of<'a>(&self, words: &'a Words3) -> &'a str {
        let own = match self.lang {
            Lang::En => &words.en,
            Lang::Ms => &words.ms,
            Lang::Zh => &words.zh,
        };
        if own.is_empty() { &words.en } else { own }
    }
}

/// `0901.21`, as tariff books print it.
#[must_use]
pub fn dotted(digits: &str) -> String {
    match digits.split_at_checked(4) {
        Some((heading, rest)) if !rest.is_empty() => format!("{heading}.{rest}"),
        _ => digits.to_owned(),
    }
}

/// Where a person came from and goes back to.
enum Back {
    Estimate,
    NewProduct,
    Product(Id<Product>),
}

impl Back {
    /// Only places that are known, so that nobody is led elsewhere.
    fn read(text: &str) -> Option<Self> {
        match text {
            "estimate" => Some(Self::Estimate),
            "new" => Some(Self::NewProduct),
            id => id.parse().ok().map(Self::Product),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Estimate => "/estimate".to_owned(),
            Self::NewProduct => "/products/new".to_owned(),
            Self::Product(id) => format!("/products/{id}"),
        }
    }
}

/// What is asked, with what is taken along from the form that somebody came from.
#[derive(Default)]
struct Asked {
    ask: AskClassification,
    back: String,
    /// Fields of that form, by name; the code is not among them.
    along: Vec<(String, String)>,
}

impl Asked {
    fn read(query: Vec<(String, String)>) -> Self {
        let mut asked = Self::default();
        let mut goods = [String::new(), String::new(), String::new()];
        for (name, value) in query {
            match name.as_str() {
                "text" => asked.ask.text = value,
                "answers" => {
                    let answers = value.split(',').filter(|a| !a.is_empty()).map(str::to_owned);
                    asked.ask.answers = answers.take(ANSWERS_MOST + 1).collect();
                }
                "back" => asked.back = value,
                "lang" => {}
                "hs" => goods[2] = value,
                _ => {
                    match name.as_str() {
                        "description" => goods[0].clone_from(&value),
                        "name" => goods[1].clone_from(&value),
                        _ => {}
                    }
                    asked.along.push((name, value));
                }
            }
        }
        if asked.ask.text.trim().is_empty() && !asked.back.is_empty() {
            // What the form says of the goods; a short code alone leads to those under it.
            let told = goods.into_iter().find(|text| !text.trim().is_empty());
            asked.ask.text = told.unwrap_or_default();
        }
        asked
    }

    /// This page again, with one answer more.
    fn answered(&self, answer: &str) -> String {
        let answers: Vec<&str> = self.ask.answers.iter().map(String::as_str).chain([answer]).collect();
        self.address(&answers)
    }

    fn address(&self, answers: &[&str]) -> String {
        self.with(&self.ask.text, answers)
    }

    /// The page of another text, here of a heading's digits.
    fn about(&self, text: &str) -> String {
        self.with(text, &[])
    }

    fn with(&self, text: &str, answers: &[&str]) -> String {
        let mut pairs = vec![("text", text)];
        let joined = answers.join(",");
        if !joined.is_empty() {
            pairs.push(("answers", &joined));
        }
        if !self.back.is_empty() {
            pairs.push(("back", &self.back));
        }
        pairs.extend(self.along.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        format!("/classify?{}", query(&pairs))
    }

    /// The form that somebody came from, with the code in it.
    fn taken(&self, hs6: &str) -> Option<String> {
        let back = Back::read(&self.back)?;
        let hs = dotted(hs6);
        let mut pairs = vec![("hs", hs.as_str())];
        pairs.extend(self.along.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Some(format!("{}?{}", back.path(), query(&pairs)))
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect::<Vec<_>>().join("&")
}

struct Row {
    hs: String,
    name: String,
    confidence: Option<u32>,
    why: Vec<Why>,
    /// Back to the form that somebody came from, with this code.
    take: Option<String>,
    /// The codes of its heading, beside the first of them.
    beside: Option<String>,
    heading: String,
}

struct Why {
    words: String,
    class: &'static str,
    /// It speaks against the code as a whole.
    against: bool,
}

struct Choice {
    label: String,
    href: String,
    leaves: String,
}

#[derive(Template)]
#[template(path = "classification/page.html")]
struct ClassificationPage {
    p: Page,
    asked: Asked,
    most: usize,
    told: Option<Told>,
    read: Option<String>,
    rows: Vec<Row>,
    ask: Option<String>,
    choices: Vec<Choice>,
    unknown: String,
    /// Answers that were given, and the page without them.
    answered: Vec<String>,
    anew: String,
    /// What the linter of customs descriptions would say of the text.
    vague: Option<Told>,
}

/// GET /classify
async fn show(State(app): State<AppState>, p: Page, Query(fields): Query<Vec<(String, String)>>) -> Answer<Response> {
    let asked = Asked::read(fields);
    let mut shown = ClassificationPage {
        anew: asked.address(&[]),
        answered: asked.ask.answers.iter().filter_map(|answer| label(&p, answer)).collect(),
        p,
        most: TEXT_MOST,
        told: None,
        read: None,
        rows: Vec::new(),
        ask: None,
        choices: Vec::new(),
        unknown: String::new(),
        vague: None,
        asked,
    };
    if shown.asked.ask.text.trim().is_empty() && shown.asked.ask.answers.is_empty() {
        return Ok(shown.p.show(&shown));
    }
    match builtin().classify(&shown.asked.ask) {
        Ok(found) => {
            if found.read == ReadAs::Words {
                shown.vague = vague(&app, &shown.p, &shown.asked.ask.text).await?;
            }
            shown.take(&found);
            Ok(shown.p.show(&shown))
        }
        Err(refusal) => {
            shown.told = Some(shown.p.problem(&Problem::of(&refusal)));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown.p.show(&shown)).into_response())
        }
    }
}

impl ClassificationPage {
    fn take(&mut self, found: &Classification) {
        self.read = match &found.read {
            ReadAs::Words => None,
            ReadAs::Heading { digits, name } if name.en.is_empty() => {
                Some(self.p.w1("classify-as-heading-bare", "digits", digits))
            }
            ReadAs::Heading { digits, name } => {
                Some(self.p.w2("classify-as-heading", "digits", digits, "name", self.p.one_of(name)))
            }
            ReadAs::Code { digits } => Some(self.p.w1("classify-as-code", "digits", digits)),
            ReadAs::EarlierEdition { digits } => Some(self.p.w1("classify-as-earlier", "digits", dotted(digits))),
        };
        let heading = |code: &Candidate| code.hs6.get(..4).map(str::to_owned);
        let first = |at: usize, code| found.codes.iter().take(at).all(|before| heading(before) != heading(code));
        self.rows =
            (0..).zip(&found.codes).map(|(at, code)| row(&self.p, &self.asked, code, first(at, code))).collect();
        self.unknown = found.unknown.join(&self.p.s("list-comma"));
        if let Some(Question { ask, answers }) = &found.question {
            let asked = self.p.one_of(ask);
            self.ask = Some(if asked.is_empty() { self.p.s("classify-which") } else { asked.to_owned() });
            let choice = |answer: &trade::classification::QuestionAnswer| Choice {
                label: self.p.one_of(&answer.label).to_owned(),
                href: self.asked.answered(&answer.answer),
                leaves: answer.leaves.iter().map(|hs| dotted(hs)).collect::<Vec<_>>().join(&self.p.s("list-comma")),
            };
            self.choices = answers.iter().map(choice).collect();
        }
    }
}

fn row(p: &Page, asked: &Asked, code: &Candidate, first: bool) -> Row {
    let why = code.why.iter().take(5).map(|w| Why {
        words: if w.points < 0 { p.w1("classify-word-against", "words", &w.words) } else { w.words.clone() },
        class: if w.points < 0 { "stop" } else { "go" },
        against: w.kind == EvidenceKind::Against,
    });
    let hs = dotted(&code.hs6);
    let heading = code.hs6.get(..4).unwrap_or(&code.hs6);
    Row {
        name: p.one_of(&code.name).to_owned(),
        // What is least likely stands last without a number.
        confidence: code.confidence.filter(|confidence| *confidence > 0),
        why: why.collect(),
        take: asked.taken(&code.hs6),
        beside: (code.confidence.is_some() && first).then(|| asked.about(heading)),
        heading: heading.to_owned(),
        hs,
    }
}

/// An answer in the reader's words.
fn label(p: &Page, answer: &str) -> Option<String> {
    let wording = builtin().wording();
    match answer.split_once(':') {
        Some((name, value)) => {
            let attribute = wording.attributes.iter().find(|a| a.name == name)?;
            attribute.values.iter().find(|v| v.name == value).map(|v| p.one_of(&v.label).to_owned())
        }
        None => builtin().name(answer).map(|name| p.one_of(name).to_owned()),
    }
}

/// Whether customs here would call these words too vague, on export or import.
async fn vague(app: &AppState, p: &Page, text: &str) -> Answer<Option<Told>> {
    let site = app.site();
    let today = site.date(app.hub.business_now().await?);
    let Some(book) = site.rulebooks.book(site.territory) else { return Ok(None) };
    let rule = book.descriptions.iter().filter(|rule| rule.info.holds_on(today));
    let fault = rule.filter_map(|rule| Some((rule.fault_of(text)?, rule.info.id.to_string()))).next();
    Ok(fault.map(|(fault, rule)| {
        let failure = match fault {
            DescriptionFault::Vague { word } => Failure::bad("vague-description").with("word", word),
            DescriptionFault::TooShort => Failure::bad("description-too-short"),
        };
        p.problem(&failure.with("rule", rule).problem)
    }))
}

/// GET /api/v1/classification?text=…&answers=fibre:cotton,make:woven
async fn show_api(Query(fields): Query<Vec<(String, String)>>) -> Answer<Json<Value>> {
    let asked = Asked::read(fields);
    match builtin().classify(&asked.ask) {
        Ok(found) => Ok(Json(serde_json::to_value(&found).unwrap_or_default())),
        // Whatever is asked, the address is there.
        Err(refusal) => Err(Failure { status: StatusCode::UNPROCESSABLE_ENTITY, problem: Problem::of(&refusal) }),
    }
}

/// The code that a description speaks for, where a product has none or a short one: shown beside its form.
pub struct Suggestion {
    pub hs: String,
    pub name: String,
    pub confidence: Option<u32>,
}

/// The first code for a description; none where nothing is known of its words.
#[must_use]
pub fn suggestion(p: &Page, description: &str) -> Option<Suggestion> {
    let ask = AskClassification { text: description.to_owned(), answers: Vec::new() };
    let found = builtin().classify(&ask).ok()?;
    let first = found.codes.first()?;
    Some(Suggestion { hs: dotted(&first.hs6), name: p.one_of(&first.name).to_owned(), confidence: first.confidence })
}
