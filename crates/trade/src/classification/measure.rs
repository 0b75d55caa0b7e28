//! How good it is: labelled goods against what the classifier says of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::question::Chosen;
use super::{AskClassification, Classification, Classifier, RowError, RowFault, rows};

/// Goods as a seller describes them, with their code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    pub language: String,
    pub hs6: String,
    pub text: String,
}

/// Reads `language,hs6,text`.
pub fn labelled(table: &str) -> Result<Vec<Labelled>, RowError> {
    let mut found = Vec::new();
    for (cells, row) in rows(table)?.into_iter().zip(1..) {
        let at = |column: usize| cells.get(column).map(|c| c.trim().to_owned()).unwrap_or_default();
        let one = Labelled { language: at(0), hs6: at(1), text: at(2) };
        if row == 1 && one.hs6 == "hs6" {
            continue;
        }
        if one.hs6.len() != 6 || !one.hs6.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RowError { row, fault: RowFault::RowNotACode { got: one.hs6 } });
        }
        if one.text.is_empty() {
            return Err(RowError { row, fault: RowFault::RowNoDescription { got: one.hs6 } });
        }
        found.push(one);
    }
    Ok(found)
}

/// Of how many texts the right code stood among the first 1, 3, 10; by 2, 4 and 6 digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub texts: u32,
    /// By digits, then among the first one, three, ten.
    pub found: BTreeMap<usize, [u32; 3]>,
    pub refused: u32,
    /// How many got a question; of those, how many have the right code first after the true answer,
    /// and how many had it before.
    pub asked: u32,
    pub asked_right_before: u32,
    pub asked_right_after: u32,
    /// The right code is not among the answers, or is not left by any.
    pub asked_without_it: u32,
    /// First and right, where no question was asked.
    pub sure_right: u32,
    /// Right first, the question answered where there was one.
    pub right_after: u32,
}

/// Of what is shown with so much confidence, how much is right; by tens of per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub texts: u32,
    pub right: u32,
    /// Sum of what was shown, in per cent.
    pub confidence: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    pub language: String,
    pub text: String,
    pub hs6: String,
    /// Empty where nothing was found.
    pub got: String,
    pub confidence: u32,
    /// The place of the right code, from 1; none where it is not among the first ten.
    pub place: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// By language, and `all`.
    pub tallies: BTreeMap<String, Tally>,
    pub shown: BTreeMap<u32, Shown>,
    /// The share of the first before it is calibrated, per mille, and whether it was right.
    pub shares: Vec<(u32, bool)>,
    pub wrong: Vec<Wrong>,
}

const DIGITS: [usize; 3] = [2, 4, 6];
const AMONG: [usize; 3] = [1, 3, 10];

/// Asks for each text, answers its question truly, and counts.
#[must_use]
pub fn measure(classifier: &Classifier, goods: &[Labelled]) -> Measured {
    let mut found = Measured::default();
    for one in goods {
        let mut ask = AskClassification { text: one.text.clone(), answers: Vec::new() };
        let answer = classifier.classify(&ask).ok();
        let codes: Vec<&str> = answer.iter().flat_map(|a| a.codes.iter().map(|c| c.hs6.as_str())).collect();
        let right = codes.first() == Some(&one.hs6.as_str());
        let first = answer.as_ref().and_then(|a| a.codes.first());
        let confidence = first.and_then(|c| c.confidence).unwrap_or(0);
        let mut after = None;
        let question = answer.as_ref().and_then(|a| a.question.as_ref());
        if question.is_some() {
            after = answer.as_ref().and_then(|a| truly(classifier, a, &one.hs6)).map(|said| {
                ask.answers.push(said);
                let again = classifier.classify(&ask).ok();
                again.is_some_and(|a| a.codes.first().is_some_and(|c| c.hs6 == one.hs6))
            });
        }
        for name in [one.language.as_str(), "all"] {
            let tally = found.tallies.entry(name.to_owned()).or_default();
            tally.texts += 1;
            for digits in DIGITS {
                let wanted = one.hs6.get(..digits);
                let place = codes.iter().position(|code| code.get(..digits) == wanted);
                let counts = tally.found.entry(digits).or_default();
                for (count, among) in counts.iter_mut().zip(AMONG) {
                    *count += u32::from(place.is_some_and(|p| p < among));
                }
            }
            tally.refused += u32::from(answer.is_none());
            if question.is_some() {
                tally.asked += 1;
                tally.asked_right_before += u32::from(right);
                tally.asked_right_after += u32::from(after == Some(true));
                tally.asked_without_it += u32::from(after.is_none());
                tally.right_after += u32::from(after.unwrap_or(right));
            } else {
                tally.sure_right += u32::from(right);
                tally.right_after += u32::from(right);
            }
        }
        if let Some(first) = first {
            let shown = found.shown.entry(confidence / 10 * 10).or_default();
            shown.texts += 1;
            shown.right += u32::from(right);
            shown.confidence += confidence;
            found.shares.push((first.share, right));
        }
        if !right {
            found.wrong.push(Wrong {
                language: one.language.clone(),
                text: one.text.clone(),
                hs6: one.hs6.clone(),
                got: codes.first().map_or(String::new(), |c| (*c).to_owned()),
                confidence,
                place: codes.iter().position(|c| *c == one.hs6).map(|p| p + 1),
            });
        }
    }
    // What was surest and wrong first.
    found.wrong.sort_by(|a, b| b.confidence.cmp(&a.confidence).then_with(|| a.text.cmp(&b.text)));
    found
}

/// What somebody who knows the right code would answer: the value that it has, or the code itself.
fn truly(classifier: &Classifier, answer: &Classification, hs6: &str) -> Option<String> {
    let place = classifier.wording().entries.iter().position(|e| e.hs6 == hs6)?;
    let question = answer.question.as_ref()?;
    question
        .answers
        .iter()
        .map(|a| &a.answer)
        .find(|said| match Chosen::read(said, classifier.wording()) {
            Some(Chosen::Code(code)) => code == hs6,
            Some(Chosen::Value { attribute, value }) => classifier
                .wording()
                .entries
                .get(place)
                .and_then(|e| e.is.get(&attribute))
                .is_some_and(|has| has.contains(&value)),
            None => false,
        })
        .cloned()
}
