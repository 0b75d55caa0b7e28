//! `ehub classify`: which HS codes a description speaks for, offline; and how good that is, on labelled goods.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use trade::classification::measure::{Measured, Tally, labelled, measure};
use trade::classification::{
    AskClassification, BUILTIN, Classification, Classifier, EvidenceKind, Question, ReadAs, RowError, Wording, Words3,
    builtin,
};
use trade::command::Problem;
use web::i18n::Tr;

use crate::say;

/// What was wrong and surest, of a measurement.
const WRONG_SHOWN: usize = 20;

#[derive(clap::Args)]
pub struct Options {
    /// The goods in English, Malay or Chinese; or the digits of a code.
    text: Vec<String>,
    /// The answer to a question, as it is printed before it; may be given again for the next question.
    #[arg(long)]
    answer: Vec<String>,
    /// A whole nomenclature as CSV (section,hscode,description,parent,level) to search beside our wording.
    #[arg(long)]
    nomenclature: Option<PathBuf>,
    /// Labelled goods as CSV (language,hs6,text): how often the answer is right. Given again, each by itself.
    #[arg(long, conflicts_with = "text")]
    measure: Vec<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let extended;
    let classifier = match &options.nomenclature {
        None => builtin(),
        Some(path) => match with_table(path) {
            Ok(classifier) => {
                extended = classifier;
                &extended
            }
            Err(code) => return code,
        },
    };
    if !options.measure.is_empty() {
        return measured(classifier, &options.measure, options.json);
    }
    let ask = AskClassification { text: options.text.join(" "), answers: options.answer.clone() };
    match classifier.classify(&ask) {
        Ok(found) if options.json => {
            println!("{}", serde_json::to_string(&found).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Ok(found) => {
            show(&say::reader(), &found);
            ExitCode::SUCCESS
        }
        Err(refusal) => say::problem(&Problem::of(&refusal)),
    }
}

fn read(path: &Path) -> Result<String, ExitCode> {
    let file = ("path", path.display().to_string());
    let bytes =
        std::fs::read(path).map_err(|e| say::failed("cli-unreadable", &[file.clone(), ("cause", e.to_string())]))?;
    String::from_utf8(bytes)
        .map_err(|e| say::failed("cli-classify-not-utf8", &[file, ("at", e.utf8_error().valid_up_to().to_string())]))
}

fn with_table(path: &Path) -> Result<Classifier, ExitCode> {
    let table = read(path)?;
    let mut wording = Wording::read(BUILTIN)
        .map_err(|faults| say::failed("cli-classify-wording", &[("cause", format!("{faults:?}"))]))?;
    wording.extend(&table).map_err(|faults| bad_rows(path, &faults))?;
    Ok(Classifier::of(wording))
}

/// Each bad row by its number; nothing of the file is used.
fn bad_rows(path: &Path, faults: &[RowError]) -> ExitCode {
    let reader = say::reader();
    for fault in faults {
        let told = reader.problem(&Problem::of(fault));
        let args = [("row", fault.row.to_string()), ("what", told.title)];
        eprintln!("{}", say::text("cli-classify-row", &args));
    }
    say::failed("cli-classify-nothing-taken", &[("path", path.display().to_string())])
}

fn show(reader: &Tr, found: &Classification) {
    match &found.read {
        ReadAs::Words => {}
        ReadAs::Heading { digits, name } if name.en.is_empty() => {
            say::out("classify-as-heading-bare", &[("digits", digits.clone())]);
        }
        ReadAs::Heading { digits, name } => {
            say::out("classify-as-heading", &[("digits", digits.clone()), ("name", reader.one_of(name).to_owned())]);
        }
        ReadAs::Code { digits } => say::out("classify-as-code", &[("digits", digits.clone())]),
        ReadAs::EarlierEdition { digits } => say::out("classify-as-earlier", &[("digits", digits.clone())]),
    }
    for code in &found.codes {
        let name = reader.one_of(&code.name);
        let sure = code.confidence.map_or_else(String::new, |c| format!("{c:>3} % "));
        println!("{sure}{}  {name}", web::classification::dotted(&code.hs6));
        let why: Vec<String> = code
            .why
            .iter()
            .take(4)
            .map(|w| match w.kind {
                EvidenceKind::Against => reader.s("classify-against"),
                _ => format!("{} {:+}", w.words, w.points),
            })
            .collect();
        if !why.is_empty() {
            println!("        {}", why.join(" · "));
        }
    }
    if !found.unknown.is_empty() {
        say::out("classify-unknown", &[("words", found.unknown.join(", "))]);
    }
    if let Some(question) = &found.question {
        ask(reader, question);
    }
}

fn ask(reader: &Tr, question: &Question) {
    println!();
    println!("{}", question_of(reader, &question.ask));
    for answer in &question.answers {
        println!("  --answer {:<24} {}", answer.answer, reader.one_of(&answer.label));
    }
}

/// The question of an attribute, or which of the codes it is.
fn question_of(reader: &Tr, ask: &Words3) -> String {
    let asked = reader.one_of(ask);
    if asked.is_empty() { reader.s("classify-which") } else { asked.to_owned() }
}

fn measured(classifier: &Classifier, files: &[PathBuf], json: bool) -> ExitCode {
    let mut all = BTreeMap::new();
    for path in files {
        let table = match read(path) {
            Ok(table) => table,
            Err(code) => return code,
        };
        let goods = match labelled(&table) {
            Ok(goods) => goods,
            Err(fault) => return bad_rows(path, &[fault]),
        };
        let found = measure(classifier, &goods);
        if !json {
            say::out("cli-classify-measured", &[("path", path.display().to_string())]);
            print(&found);
        }
        all.insert(path.display().to_string(), found);
    }
    if json {
        println!("{}", serde_json::to_string(&all).unwrap_or_default());
    }
    ExitCode::SUCCESS
}

/// Per cent of a whole, to a tenth.
fn per_cent(part: u32, whole: u32) -> String {
    let per_mille = u64::from(part) * 1000 / u64::from(whole.max(1));
    format!("{}.{}", per_mille / 10, per_mille % 10)
}

fn print(found: &Measured) {
    for (language, tally) in &found.tallies {
        for (digits, [one, three, ten]) in &tally.found {
            let row = [
                ("language", language.clone()),
                ("texts", tally.texts.to_string()),
                ("digits", digits.to_string()),
                ("one", per_cent(*one, tally.texts)),
                ("three", per_cent(*three, tally.texts)),
                ("ten", per_cent(*ten, tally.texts)),
            ];
            say::out("cli-classify-line", &row);
        }
        say::out("cli-classify-asked", &asked(tally));
    }
    for (tens, shown) in &found.shown {
        let row = [
            ("from", tens.to_string()),
            ("texts", shown.texts.to_string()),
            ("said", per_cent(shown.confidence, shown.texts.saturating_mul(100))),
            ("right", per_cent(shown.right, shown.texts)),
        ];
        say::out("cli-classify-shown", &row);
    }
    for wrong in found.wrong.iter().take(WRONG_SHOWN) {
        let row = [
            ("confidence", wrong.confidence.to_string()),
            ("got", if wrong.got.is_empty() { "-".to_owned() } else { wrong.got.clone() }),
            ("hs6", wrong.hs6.clone()),
            ("place", wrong.place.map_or_else(|| "-".to_owned(), |p| p.to_string())),
            ("text", wrong.text.clone()),
        ];
        say::out("cli-classify-wrong", &row);
    }
}

fn asked(tally: &Tally) -> [(&'static str, String); 7] {
    let sure = tally.texts - tally.asked - tally.refused;
    [
        ("asked", tally.asked.to_string()),
        ("before", per_cent(tally.asked_right_before, tally.asked)),
        ("after", per_cent(tally.asked_right_after, tally.asked)),
        ("without", tally.asked_without_it.to_string()),
        ("refused", tally.refused.to_string()),
        ("sure", per_cent(tally.sure_right, sure)),
        ("whole", per_cent(tally.right_after, tally.texts)),
    ]
}
