//! The words: Fluent messages in English, Bahasa Melayu and Simplified Chinese, and how each of them
//! writes numbers, money, dates and times. No sentence stands in code or templates.

pub mod show;

pub use show::Given;

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::LazyLock;

use fluent_bundle::bundle::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use intl_memoizer::concurrent::IntlLangMemoizer;
use jiff::tz::TimeZone;
use serde_json::Value;
use trade::command::Problem;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lang {
    En,
    Ms,
    Zh,
}

impl Lang {
    pub const ALL: [Self; 3] = [Self::En, Self::Ms, Self::Zh];

    /// BCP 47, as in `lang="…"` and in the cookie.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ms => "ms",
            Self::Zh => "zh-CN",
        }
    }

    /// In its own words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ms => "Melayu",
            Self::Zh => "中文",
        }
    }

    /// The best of what a browser accepts; English where nothing fits. Weights are honoured.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut best: Option<(u32, Self)> = None;
        for part in header.split(',').take(20) {
            let mut fields = part.split(';');
            let lang = fields.next().unwrap_or_default().trim().parse::<Self>();
            let weight = fields.find_map(|f| f.trim().strip_prefix("q=")).map_or(1000, per_mille);
            if let Ok(lang) = lang
                && weight > 0
                && best.is_none_or(|(w, _)| weight > w)
            {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::En, |(_, lang)| lang)
    }
}

/// `0.8` is 800.
fn per_mille(weight: &str) -> u32 {
    u32::try_from(trade::money::parse_fixed(weight.trim(), 3).unwrap_or(0)).unwrap_or(0)
}

impl FromStr for Lang {
    type Err = ();

    /// By primary language: `zh`, `zh-Hans-CN` and `zh-CN` are one.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "en" => Ok(Self::En),
            "ms" | "id" => Ok(Self::Ms),
            "zh" => Ok(Self::Zh),
            _ => Err(()),
        }
    }
}

/// The messages of one noun in every language.
struct Noun {
    #[cfg_attr(not(test), expect(dead_code, reason = "names the file that a failing test is about"))]
    name: &'static str,
    texts: [&'static str; 3],
}

macro_rules! noun {
    ($name:literal) => {
        Noun {
            name: $name,
            texts: [
                include_str!(concat!("../locales/en/", $name, ".ftl")),
                include_str!(concat!("../locales/ms/", $name, ".ftl")),
                include_str!(concat!("../locales/zh-CN/", $name, ".ftl")),
            ],
        }
    };
}

/// One line a noun; a noun's file has the same name in every language.
const NOUNS: &[Noun] = &[
    noun!("page"),
    noun!("code"),
    noun!("problem"),
    noun!("front"),
    noun!("party"),
    noun!("product"),
    noun!("origin"),
    noun!("offer"),
    noun!("charge"),
    noun!("quote"),
    noun!("terms"),
    noun!("estimate"),
    noun!("calculator"),
    noun!("classification"),
    noun!("chapter"),
    noun!("order"),
    noun!("payment"),
    noun!("start"),
    noun!("trade_file"),
    noun!("waybill"),
    noun!("sale"),
    noun!("certificate"),
    noun!("declaration"),
    noun!("permit"),
    noun!("mandate"),
    noun!("clearance"),
    noun!("custody"),
    noun!("handling"),
    noun!("stock"),
    noun!("manifest"),
    noun!("returns"),
    noun!("dispute"),
    noun!("escrow"),
    noun!("payee"),
    noun!("payout"),
    noun!("advance"),
    noun!("settlement"),
    noun!("variance"),
    noun!("operator"),
    noun!("peer"),
    noun!("recovery"),
    noun!("replay"),
    noun!("log"),
    noun!("rulebook"),
    noun!("verify"),
    noun!("cli"),
    noun!("doctor"),
    noun!("api"),
    noun!("webhook"),
];

type Bundle = FluentBundle<FluentResource, IntlLangMemoizer>;

struct Texts {
    bundles: [Bundle; 3],
}

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts { bundles: Lang::ALL.map(bundle) });

fn bundle(lang: Lang) -> Bundle {
    let id = lang.code().parse().expect("a language code of ours");
    let mut bundle = Bundle::new_concurrent(vec![id]);
    // The marks that isolate text directions are for mixed scripts; ours run one way.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(number_text));
    for noun in NOUNS {
        // A message that does not parse is left out and found by the test below; the others stand.
        let resource = match FluentResource::try_new(noun.texts[at(lang)].to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

const fn at(lang: Lang) -> usize {
    match lang {
        Lang::En => 0,
        Lang::Ms => 1,
        Lang::Zh => 2,
    }
}

fn number_text(value: &FluentValue<'_>, _: &IntlLangMemoizer) -> Option<String> {
    match value {
        FluentValue::Number(n) => Some(show::grouped(&n.as_string())),
        _ => None,
    }
}

/// A refusal, gap or fault as a person reads it: what it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub code: String,
    pub title: String,
    pub fix: Option<String>,
}

/// The reader: a language, and the zone of the hub's office in which times are shown.
#[derive(Clone, Debug)]
pub struct Tr {
    pub lang: Lang,
    pub zone: TimeZone,
}

impl Tr {
    #[must_use]
    pub const fn new(lang: Lang, zone: TimeZone) -> Self {
        Self { lang, zone }
    }

    /// A message without values.
    #[must_use]
    pub fn s(&self, key: &str) -> String {
        self.message(key, None, None).unwrap_or_else(|| missing(key))
    }

    /// A message with values: `p.w("quote-valid", [("until", p.time(&at))])`.
    #[must_use]
    pub fn w<const N: usize>(&self, key: &str, args: [(&'static str, String); N]) -> String {
        let args: FluentArgs<'_> = args.into_iter().collect();
        self.message(key, None, Some(&args)).unwrap_or_else(|| missing(key))
    }

    /// As [`Tr::w`], for any number of values.
    #[must_use]
    pub fn with(&self, key: &str, args: &[(&'static str, String)]) -> String {
        let args: FluentArgs<'_> = args.iter().cloned().collect();
        self.message(key, None, Some(&args)).unwrap_or_else(|| missing(key))
    }

    #[must_use]
    pub fn w1(&self, key: &str, name: &'static str, value: impl ToString) -> String {
        self.w(key, [(name, value.to_string())])
    }

    #[must_use]
    pub fn w2(&self, key: &str, a: &'static str, x: impl ToString, b: &'static str, y: impl ToString) -> String {
        self.w(key, [(a, x.to_string()), (b, y.to_string())])
    }

    /// A message about a count `$n`, in the plural that the language has for it.
    #[must_use]
    pub fn n(&self, key: &str, count: impl std::fmt::Display) -> String {
        let mut args = FluentArgs::new();
        args.set("n", count.to_string().parse::<i64>().unwrap_or(i64::MAX));
        self.message(key, None, Some(&args)).unwrap_or_else(|| missing(key))
    }

    /// The word for a code of a closed list: `by("stage", "in-escrow")` is message `stage-in-escrow`;
    /// a code that has no word is shown as it is.
    #[must_use]
    pub fn by(&self, list: &str, code: impl AsRef<str>) -> String {
        let code = code.as_ref();
        self.message(&format!("{list}-{code}"), None, None).unwrap_or_else(|| code.to_owned())
    }

    /// A chapter of the Harmonized System with its name; by its number alone where it has none.
    #[must_use]
    pub fn chapter(&self, code: &str) -> String {
        match self.message(&format!("chapter-{code}"), None, None) {
            Some(name) => format!("{code} {name}"),
            None => self.w1("replay-chapter-of", "chapter", code),
        }
    }

    /// A refusal, gap or fault with what to do about it: message `problem-<code>`, attribute `fix`.
    #[must_use]
    pub fn problem(&self, problem: &Problem) -> Told {
        let mut args = FluentArgs::new();
        for (name, value) in &problem.args {
            args.set(name.as_str(), self.argument(name, value));
            // Of a list `$names` a sentence may also ask how many it has: `$names-n`.
            if let Value::Array(items) = value {
                args.set(format!("{name}-n"), items.len());
            }
        }
        let key = format!("problem-{}", problem.code);
        let title = self
            .message(&key, None, Some(&args))
            .unwrap_or_else(|| self.w1("problem-unexplained", "code", &problem.code));
        Told { code: problem.code.clone(), title, fix: self.message(&key, Some("fix"), Some(&args)) }
    }

    /// What a refusal of this code says, with a mark where its values would stand: for counts.
    #[must_use]
    pub fn reason(&self, code: &str) -> String {
        if let Some(short) = self.message(&format!("problem-{code}"), Some("short"), None) {
            return short;
        }
        self.kind_of_problem(code).title
    }

    /// What any problem of this code says, with a mark where its values would stand.
    #[must_use]
    pub fn kind_of_problem(&self, code: &str) -> Told {
        let told = self.problem(&Problem { code: code.to_owned(), args: serde_json::Map::new() });
        Told { title: without_values(&told.title), fix: told.fix.as_deref().map(without_values), ..told }
    }

    /// The same for anything that serialises with its `code`.
    #[must_use]
    pub fn told(&self, refusal: &impl serde::Serialize) -> Told {
        self.problem(&Problem::of(refusal))
    }

    fn message(&self, key: &str, attribute: Option<&str>, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let own = &TEXTS.bundles[at(self.lang)];
        let english = &TEXTS.bundles[at(Lang::En)];
        [own, english].into_iter().find_map(|bundle| {
            let message = bundle.get_message(key)?;
            let pattern = match attribute {
                Some(name) => message.get_attribute(name)?.value(),
                None => message.value()?,
            };
            let mut errors = Vec::new();
            Some(bundle.format_pattern(pattern, args, &mut errors).into_owned())
        })
    }

    /// A value of a problem, as a sentence shows it.
    fn argument(&self, name: &str, value: &Value) -> FluentValue<'static> {
        match value {
            Value::Number(n) => match n.as_i64() {
                Some(micros) if show::is_instant(name) => {
                    self.time(trade::time::BusinessTime::from_micros(micros)).into()
                }
                Some(n) => n.into(),
                None => n.to_string().into(),
            },
            _ => FluentValue::String(Cow::Owned(self.argument_text(name, value))),
        }
    }

    fn argument_text(&self, name: &str, value: &Value) -> String {
        match value {
            Value::Null => self.s("nothing"),
            Value::Bool(b) => self.by("bool", b.to_string()),
            Value::Number(n) => n.to_string(),
            Value::String(text) => show::coded(name).map_or_else(|| text.clone(), |list| self.by(list, text)),
            Value::Array(items) => {
                let told: Vec<String> = items.iter().map(|i| self.argument_text(name, i)).collect();
                // Sentences end with their own full stop.
                let between = if items.iter().any(is_problem) { "sentence-space" } else { "list-comma" };
                told.join(&self.s(between))
            }
            Value::Object(fields) => {
                if let Ok(money) = serde_json::from_value::<trade::money::Money>(value.clone()) {
                    return self.money(money);
                }
                if let Ok(problem) = serde_json::from_value::<Problem>(value.clone()) {
                    return self.problem(&problem).title;
                }
                let parts: Vec<String> = fields.values().map(|v| self.argument_text(name, v)).collect();
                parts.join(" ")
            }
        }
    }
}

/// A value that is told as a whole sentence.
fn is_problem(value: &Value) -> bool {
    value.get("code").is_some_and(Value::is_string)
}

/// Fluent writes a value that it was not given as its name in braces; here a mark stands for it.
fn without_values(text: &str) -> String {
    let (mut shape, mut rest) = (String::new(), text);
    while let Some((before, value)) = rest.split_once('{') {
        shape.push_str(before);
        shape.push('…');
        rest = value.split_once('}').map_or("", |(_, after)| after);
    }
    shape + rest
}

static PROBLEM_CODES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let lines = NOUNS.iter().flat_map(|noun| noun.texts[at(Lang::En)].lines());
    let code = |line: &str| Some(line.strip_prefix("problem-")?.split_once(" =")?.0.to_owned());
    let mut codes: Vec<String> = lines.filter_map(code).collect();
    codes.sort_unstable();
    codes
});

/// Every code that a problem may have, in order.
#[must_use]
pub fn problem_codes() -> &'static [String] {
    &PROBLEM_CODES
}

/// A key that no language has: visible, so that it is mended, and harmless.
fn missing(key: &str) -> String {
    format!("[{key}]")
}

#[cfg(test)]
mod tests;
