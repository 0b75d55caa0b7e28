//! The one question that separates the codes in front.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::wording::{Wording, Words3};

/// Answers of one question.
const ANSWERS: usize = 4;
/// What a person is asked to choose between, at most so many times less likely than the first.
const CONTENDS: u32 = 12;

/// A question with two to four answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    pub ask: Words3,
    pub answers: Vec<QuestionAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuestionAnswer {
    /// What is sent back: `fibre:cotton`, or the code itself.
    pub answer: String,
    pub label: Words3,
    /// The codes in front that it leaves.
    pub leaves: Vec<String>,
}

/// Somebody's answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    Value { attribute: usize, value: usize },
    Code(String),
}

impl Chosen {
    /// `fibre:cotton` or six digits.
    #[must_use]
    pub fn read(text: &str, wording: &Wording) -> Option<Self> {
        let text = text.trim();
        if text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
            return wording.entries.iter().any(|e| e.hs6 == text).then(|| Self::Code(text.to_owned()));
        }
        let (name, value) = text.split_once(':')?;
        let attribute = wording.attributes.iter().position(|a| a.name == name)?;
        let value = wording.attributes.get(attribute)?.values.iter().position(|v| v.name == value)?;
        Some(Self::Value { attribute, value })
    }

    /// Whether a code can be the one after this answer.
    #[must_use]
    pub fn leaves(&self, entry: usize, wording: &Wording) -> bool {
        let Some(entry) = wording.entries.get(entry) else { return false };
        match self {
            Self::Value { attribute, value } => entry.is.get(attribute).is_none_or(|has| has.contains(value)),
            Self::Code(code) => entry.hs6 == *code,
        }
    }
}

/// The question for these codes with their weights, best first; none where one code is left.
///
/// An attribute in which the first two differ and that is not known yet is asked for: the one whose
/// answers leave the least weight together. Where there is none, the codes themselves are the answers.
#[must_use]
pub fn question(ranked: &[(usize, u32)], known: &BTreeSet<usize>, wording: &Wording) -> Option<Question> {
    let least = ranked.first()?.1 / CONTENDS;
    let front: Vec<(usize, u32)> = ranked.iter().take(8).copied().filter(|(_, w)| *w >= least.max(1)).collect();
    let [first, second, ..] = front.as_slice() else { return None };
    let (one, two) = (&wording.entries.get(first.0)?.is, &wording.entries.get(second.0)?.is);
    let differs = |attribute: &&usize| {
        let pair = one.get(*attribute).zip(two.get(*attribute));
        !known.contains(*attribute) && pair.is_some_and(|(a, b)| a.is_disjoint(b))
    };
    let best = one.keys().filter(differs).min_by_key(|attribute| together(&front, **attribute, wording));
    if let Some(attribute) = best {
        return by_attribute(&front, *attribute, wording);
    }
    let answers = front.iter().take(ANSWERS).filter_map(|(entry, _)| {
        let entry = wording.entries.get(*entry)?;
        Some(QuestionAnswer { answer: entry.hs6.clone(), label: entry.name.clone(), leaves: vec![entry.hs6.clone()] })
    });
    Some(Question { ask: Words3::default(), answers: answers.collect() })
}

/// How much weight stays together after an answer: the sum of squares over the answers. A code that any
/// answer leaves counts with each.
fn together(front: &[(usize, u32)], attribute: usize, wording: &Wording) -> u64 {
    let mut by_value: BTreeMap<usize, u64> = BTreeMap::new();
    let mut always = 0_u64;
    for (entry, weight) in front {
        match wording.entries.get(*entry).and_then(|e| e.is.get(&attribute)) {
            Some(values) => values.iter().for_each(|v| *by_value.entry(*v).or_default() += u64::from(*weight)),
            None => always += u64::from(*weight),
        }
    }
    by_value.values().map(|weight| (weight + always).pow(2)).sum()
}

fn by_attribute(front: &[(usize, u32)], attribute: usize, wording: &Wording) -> Option<Question> {
    let asked = wording.attributes.get(attribute)?;
    // The first value of each code, then their second ones: a code with many leaves room for the others.
    let values_of = |entry: &(usize, u32)| wording.entries.get(entry.0).and_then(|e| e.is.get(&attribute));
    let mut values: Vec<usize> = Vec::new();
    for place in 0..asked.values.len() {
        for value in front.iter().filter_map(values_of).filter_map(|has| has.iter().nth(place)) {
            if !values.contains(value) {
                values.push(*value);
            }
        }
    }
    let answers = values.into_iter().take(ANSWERS).filter_map(|value| {
        let known = asked.values.get(value)?;
        let chosen = Chosen::Value { attribute, value };
        let has = |entry: &&(usize, u32)| chosen.leaves(entry.0, wording);
        let code = |entry: &(usize, u32)| wording.entries.get(entry.0).map(|e| e.hs6.clone());
        Some(QuestionAnswer {
            answer: format!("{}:{}", asked.name, known.name),
            label: known.label.clone(),
            leaves: front.iter().filter(has).filter_map(code).collect(),
        })
    });
    Some(Question { ask: asked.ask.clone(), answers: answers.collect() })
}
