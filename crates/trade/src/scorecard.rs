//! The scorecard: what a lender sees of a seller beside the trade file, as tested data.
//!
//! `rulebooks/advance/scorecard.toml` names the factors with their weights and steps, the grades with
//! the share of what is due that each allows, and the terms of an advance. Loading works every example;
//! a scorecard with one that comes out otherwise does not load. The same facts and the same digest give
//! the same score for ever. Nothing but the hub's own records goes into it, and it decides nothing:
//! a lender does, and the seller sees every factor, its value, its points and how to contest it.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::custody::CustodyKind;
use crate::money::{Currency, Money, Rate};
use crate::party::Party;
use crate::rulebook::{Errors, Fields, PackError, Problem, Words, digest, listed, single, words};
use crate::time::{BusinessTime, Days};
use crate::trade_file::{Closed, TradeFile};

/// How many of a seller's exports are looked at: the last ones.
pub const EXPORTS_LOOKED_AT: usize = 200;
/// Factors of a scorecard; more than a person reads is no explanation.
const FACTORS_MAX: usize = 20;
const DAY_SECONDS: i64 = 86_400;

/// The operator's policy for advances.
#[derive(Clone, Debug)]
pub struct Scorecard {
    pub id: String,
    pub name: Words,
    pub valid_from: Date,
    pub source: String,
    /// SHA-256 over its files, in lower-case hex.
    pub digest: Arc<str>,
    /// As loaded, by name: what the digest is over.
    pub files: Vec<(String, String)>,
    pub terms: Terms,
    pub factors: Vec<Factor>,
    /// From the best to the worst; the last takes everybody.
    pub grades: Vec<Grade>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long lenders may offer after the seller has asked.
    pub offers_seconds: i64,
    /// How long the word is kept for a lender that has asked for it.
    pub word_seconds: i64,
    pub longest_tenor: Days,
    /// The highest fee, as a share of what is advanced.
    pub highest_fee: Rate,
    /// So soon after the money is secured the parcel is handed over, if it is on time.
    pub on_time: Days,
}

#[derive(Clone, Debug)]
pub struct Factor {
    pub id: String,
    pub measure: Measure,
    pub weight: u32,
    pub name: Words,
    /// What a seller does who thinks that it is wrong.
    pub contest: Words,
    /// Hundredths of the weight where nothing is known yet.
    unknown: u32,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    bound: Bound,
    share: u32,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    AtLeast(i64),
    AtMost(i64),
}

impl Bound {
    const fn holds(self, value: i64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grade {
    pub code: String,
    pub at_least: u32,
    /// The most that may be advanced, of what is due to the seller.
    pub most_share: Rate,
}

/// What a factor looks at; the closed list of what the hub's records can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// 100 if the importing hub has said that the buyer's money is in escrow, else 0.
    Secured,
    Completed,
    OnTimeShare,
    CorrectedShare,
    ReturnedShare,
    DaysOnHub,
    ValueToMedian,
}

impl Measure {
    const ALL: [(&'static str, Self); 7] = [
        ("secured", Self::Secured),
        ("completed", Self::Completed),
        ("on-time-share", Self::OnTimeShare),
        ("corrected-share", Self::CorrectedShare),
        ("returned-share", Self::ReturnedShare),
        ("days-on-hub", Self::DaysOnHub),
        ("value-to-median", Self::ValueToMedian),
    ];
}

/// What the hub's records say of a seller and a sale, read outside the decision and frozen into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreFacts {
    /// Earlier exports that were looked at.
    pub trades: u32,
    pub completed: u32,
    /// Of the completed: handed over in time.
    pub on_time: u32,
    /// A waybill or declaration had to be corrected, or customs holds them.
    pub corrected: u32,
    /// Came to an end with the money back at the buyer.
    pub returned: u32,
    pub secured: bool,
    pub days_on_hub: i64,
    /// What is due to the seller of this sale.
    pub value: Money,
    /// The middle one of what was declared of the earlier exports; none without any.
    pub median: Option<Money>,
}

impl ScoreFacts {
    /// From the seller's trade files on this hub, `file` among them or not.
    #[must_use]
    pub fn of(
        file: &TradeFile,
        value: Money,
        seller: &Party,
        files: &[TradeFile],
        now: BusinessTime,
        terms: &Terms,
    ) -> Self {
        let earlier: Vec<&TradeFile> =
            files.iter().filter(|f| f.id != file.id && f.declaration.is_some()).take(EXPORTS_LOOKED_AT).collect();
        let count = |test: &dyn Fn(&TradeFile) -> bool| {
            u32::try_from(earlier.iter().filter(|f| test(f)).count()).unwrap_or(u32::MAX)
        };
        let is_paid = |f: &TradeFile| matches!(f.closed, Some(Closed::Paid { .. }));
        let mut values: Vec<Money> = earlier
            .iter()
            .filter_map(|f| f.declaration.as_ref()?.value().ok())
            .filter(|v| v.currency() == value.currency())
            .collect();
        values.sort_by_key(|v| v.minor());
        Self {
            trades: u32::try_from(earlier.len()).unwrap_or(u32::MAX),
            completed: count(&is_paid),
            on_time: count(&|f| is_paid(f) && was_on_time(f, terms)),
            corrected: count(&was_corrected),
            returned: count(&came_back),
            secured: file.secured.is_some(),
            days_on_hub: now.seconds_since(seller.since).div_euclid(DAY_SECONDS).max(0),
            value,
            // Of an even number the lower one of the middle two.
            median: values.len().checked_sub(1).and_then(|last| values.get(last.div_euclid(2)).copied()),
        }
    }

    /// What a measure comes to; none where there is nothing to measure yet.
    #[must_use]
    pub fn measure(&self, measure: Measure) -> Option<i64> {
        let share = |part: u32, of: u32| (of > 0).then(|| (i64::from(part) * 100).div_euclid(i64::from(of)));
        match measure {
            Measure::Secured => Some(if self.secured { 100 } else { 0 }),
            Measure::Completed => Some(i64::from(self.completed)),
            Measure::OnTimeShare => share(self.on_time, self.completed),
            Measure::CorrectedShare => share(self.corrected, self.trades),
            Measure::ReturnedShare => share(self.returned, self.trades),
            Measure::DaysOnHub => Some(self.days_on_hub),
            Measure::ValueToMedian => {
                let median = self.median.filter(|m| m.is_positive() && m.currency() == self.value.currency())?;
                let ratio = (i128::from(self.value.minor()) * 100).div_euclid(i128::from(median.minor()));
                Some(i64::try_from(ratio).unwrap_or(i64::MAX))
            }
        }
    }
}

fn was_on_time(file: &TradeFile, terms: &Terms) -> bool {
    let handed = file.custody_at(CustodyKind::HandedOver);
    file.secured.zip(handed).is_some_and(|(secured, handed)| handed <= secured.plus_days(terms.on_time))
}

fn was_corrected(file: &TradeFile) -> bool {
    let later = |edition: Option<u32>| edition.is_some_and(|e| e > 1);
    later(file.waybill.as_ref().map(|w| w.edition))
        || later(file.declaration.as_ref().map(|d| d.edition))
        || ["held", "detained"].contains(&file.clearance.code())
        || ["held", "detained"].contains(&file.peer_clearance.code())
}

/// Ended otherwise than paid after it had been declared, or all of its price went back.
fn came_back(file: &TradeFile) -> bool {
    file.is_unsold() || matches!(&file.closed, Some(closed) if !matches!(closed, Closed::Paid { .. }))
}

/// A score with all that it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Digest of the scorecard.
    pub pack: String,
    pub points: u32,
    pub grade: String,
    pub most_share: Rate,
    pub facts: ScoreFacts,
    pub factors: Vec<FactorScore>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorScore {
    pub factor: String,
    pub value: Option<i64>,
    pub points: u32,
    pub weight: u32,
}

impl Scorecard {
    /// Loads a scorecard from its files, `(name, contents)`, and works every example.
    ///
    /// # Errors
    /// All that is wrong, each with file, factor and field.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<PackError>> {
        let errors = Errors::default();
        let mut kept: Vec<(String, String)> =
            files.iter().map(|(name, text)| ((*name).to_owned(), text.replace("\r\n", "\n"))).collect();
        kept.sort();
        let card = read(&kept, &errors);
        match card {
            Some(card) if errors.is_empty() => Ok(card),
            _ => Err(errors.into_vec()),
        }
    }

    #[must_use]
    pub fn factor(&self, id: &str) -> Option<&Factor> {
        self.factors.iter().find(|factor| factor.id == id)
    }

    #[must_use]
    pub fn score(&self, facts: &ScoreFacts) -> Score {
        let factors: Vec<FactorScore> = self
            .factors
            .iter()
            .map(|factor| {
                let value = facts.measure(factor.measure);
                let points = factor.points(value);
                FactorScore { factor: factor.id.clone(), value, points, weight: factor.weight }
            })
            .collect();
        let points = factors.iter().map(|f| f.points).sum();
        let grade = self.grades.iter().find(|grade| points >= grade.at_least).or(self.grades.last());
        let (code, most_share) = grade.map_or((String::new(), Rate::ZERO), |g| (g.code.clone(), g.most_share));
        Score { pack: self.digest.to_string(), points, grade: code, most_share, facts: facts.clone(), factors }
    }
}

impl Factor {
    fn points(&self, value: Option<i64>) -> u32 {
        let share = match value {
            None => self.unknown,
            Some(value) => self.steps.iter().find(|step| step.bound.holds(value)).map_or(0, |step| step.share),
        };
        (self.weight * share).div_euclid(100)
    }
}

fn read(files: &[(String, String)], errors: &Errors) -> Option<Scorecard> {
    let [(file, text)] = files else {
        let place = files.first().map_or("", |(name, _)| name);
        errors.push(place, "", "", Problem::WrongType { expected: "one file".to_owned() });
        return None;
    };
    let mut table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            errors.push(file, "", "", Problem::NotToml { detail: error.to_string() });
            return None;
        }
    };
    let mut take = |key: &str| table.remove(key);
    let head = take("scorecard");
    let terms = take("terms");
    let lists = [take("factor"), take("grade"), take("example")];
    for key in table.keys() {
        errors.push(file, "", key, Problem::UnknownField);
    }
    let mut head = single(file, "scorecard", head, errors)?;
    let id = head.text("id");
    let name = words(&mut head, "name");
    let valid_from = head.date("valid-from");
    let source = head.text("source");
    // A scorecard is a lender's and operator's own judgement; it never claims to be more.
    head.one_of("confidence", &[("operator", ())]);
    head.finish();
    let mut terms = single(file, "terms", terms, errors)?;
    let read_terms = read_terms(&mut terms);
    terms.finish();
    let [factors, grades, examples] = lists;
    let factors: Vec<Option<Factor>> = listed(file, "factor", factors, errors)
        .into_iter()
        .map(|mut f| read_factor(&mut f).inspect(|_| f.finish()))
        .collect();
    let grades: Vec<Option<Grade>> = listed(file, "grade", grades, errors)
        .into_iter()
        .map(|mut f| read_grade(&mut f).inspect(|_| f.finish()))
        .collect();
    let card = Scorecard {
        id: id?,
        name: name?,
        valid_from: valid_from?,
        source: source?,
        digest: digest(files),
        files: files.to_vec(),
        terms: read_terms?,
        factors: factors.into_iter().collect::<Option<_>>()?,
        grades: grades.into_iter().collect::<Option<_>>()?,
    };
    check(file, &card, errors);
    let examples = listed(file, "example", examples, errors);
    if examples.is_empty() {
        errors.push(file, &card.id, "example", Problem::NoExample);
    }
    for (i, example) in (1..).zip(examples) {
        work(i, example, &card);
    }
    Some(card)
}

fn read_terms(f: &mut Fields<'_>) -> Option<Terms> {
    let offers = f.integer("offers-hours", 1, 24 * 30);
    let word = f.integer("word-hours", 1, 24 * 30);
    let tenor = f.integer("longest-tenor-days", 1, 366);
    let highest_fee = f.percent("highest-fee");
    let on_time = f.integer("on-time-days", 1, 366);
    Some(Terms {
        offers_seconds: offers? * 3_600,
        word_seconds: word? * 3_600,
        longest_tenor: Days(tenor?),
        highest_fee: highest_fee?,
        on_time: Days(on_time?),
    })
}

fn read_factor(f: &mut Fields<'_>) -> Option<Factor> {
    let id = f.text("id");
    let measure = f.one_of("measure", &Measure::ALL);
    let weight = hundredths(f, "weight");
    let name = words(f, "name");
    let contest = words(f, "contest");
    let unknown = hundredths(f, "unknown");
    let mut steps = Vec::new();
    for mut step in f.tables("step") {
        let bound = if step.has("at-most") {
            step.integer("at-most", i64::MIN, i64::MAX).map(Bound::AtMost)
        } else {
            step.integer("at-least", i64::MIN, i64::MAX).map(Bound::AtLeast)
        };
        let share = hundredths(&mut step, "share");
        step.finish();
        steps.push(Step { bound: bound?, share: share? });
    }
    let (id, measure, weight) = (id?, measure?, weight?);
    Some(Factor { id, measure, weight, name: name?, contest: contest?, unknown: unknown?, steps })
}

fn hundredths(f: &mut Fields<'_>, key: &str) -> Option<u32> {
    f.integer(key, 0, 100).and_then(|n| u32::try_from(n).ok())
}

fn read_grade(f: &mut Fields<'_>) -> Option<Grade> {
    let allowed = [("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")];
    let code = f.one_of("code", &allowed);
    let at_least = hundredths(f, "at-least");
    let most_share = f.percent("most-share");
    Some(Grade { code: code?.to_owned(), at_least: at_least?, most_share: most_share? })
}

/// The weights are a hundred, no factor stands twice, and there is a grade for everybody.
fn check(file: &str, card: &Scorecard, errors: &Errors) {
    let most = i64::try_from(FACTORS_MAX).unwrap_or(i64::MAX);
    let weights: u32 = card.factors.iter().map(|f| f.weight).sum();
    if weights != 100 {
        let problem = Problem::OutOfRange { got: i64::from(weights), least: 100, most: 100 };
        errors.push(file, &card.id, "weight", problem);
    }
    if card.factors.len() > FACTORS_MAX {
        let got = i64::try_from(card.factors.len()).unwrap_or(i64::MAX);
        errors.push(file, &card.id, "factor", Problem::OutOfRange { got, least: 1, most });
    }
    for (i, factor) in card.factors.iter().enumerate() {
        if card.factors.iter().take(i).any(|f| f.id == factor.id) {
            errors.push(file, &factor.id, "id", Problem::Duplicate { got: factor.id.clone() });
        }
    }
    let falls = card.grades.windows(2).all(|pair| pair[0].at_least > pair[1].at_least);
    if !falls || card.grades.last().is_none_or(|grade| grade.at_least != 0) {
        errors.push(file, &card.id, "grade", Problem::Missing);
    }
}

/// Works one example and holds it against what it says.
fn work(number: usize, mut example: Fields<'_>, card: &Scorecard) {
    let facts = example.table("facts").and_then(|mut f| read_facts(&mut f).inspect(|_| f.finish()));
    let expect = hundredths(&mut example, "expect");
    let grade = example.text("grade");
    if let (Some(facts), Some(expect), Some(grade)) = (facts, expect, grade) {
        let got = card.score(&facts);
        if (got.points, &got.grade) != (expect, &grade) {
            let expected = format!("{expect} {grade}");
            let got = format!("{} {}", got.points, got.grade);
            example.error("expect", Problem::ExampleFails { number, expected, got });
        }
    }
    example.finish();
}

fn read_facts(f: &mut Fields<'_>) -> Option<ScoreFacts> {
    let mut count = |key: &str| f.integer(key, 0, 1_000_000).and_then(|n| u32::try_from(n).ok());
    let [trades, completed, on_time, corrected, returned] =
        ["trades", "completed", "on-time", "corrected", "returned"].map(&mut count);
    let secured = f.flag("secured");
    let days_on_hub = f.integer("days-on-hub", 0, 1_000_000);
    // Only how amounts stand to one another matters.
    let value = f.amount("value", Currency::MYR);
    let median = f.optional("median", |f, key| f.amount(key, Currency::MYR));
    Some(ScoreFacts {
        trades: trades?,
        completed: completed?,
        on_time: on_time?,
        corrected: corrected?,
        returned: returned?,
        secured: secured?,
        days_on_hub: days_on_hub?,
        value: value?,
        median,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../rulebooks/advance/scorecard.toml");

    fn card() -> Scorecard {
        Scorecard::load(&[("scorecard.toml", FILE)]).expect("the scorecard of this repository loads")
    }

    fn facts() -> ScoreFacts {
        ScoreFacts {
            trades: 0,
            completed: 0,
            on_time: 0,
            corrected: 0,
            returned: 0,
            secured: true,
            days_on_hub: 3,
            value: Money::new(4_905, Currency::MYR),
            median: None,
        }
    }

    #[test]
    fn the_same_facts_and_digest_give_the_same_score() {
        let (one, other) = (card().score(&facts()), card().score(&facts()));
        assert_eq!(one, other);
        // 25 for the escrow, 6 + 6 + 4 + 4 for what is not known yet.
        assert_eq!((one.points, one.grade.as_str()), (45, "c"));
        assert_eq!(one.factors.iter().map(|f| f.points).sum::<u32>(), one.points);
        let changed = FILE.replace("most-share = \"50\"", "most-share = \"55\"");
        let changed = Scorecard::load(&[("scorecard.toml", &changed)]).expect("loads");
        assert_ne!(changed.digest, card().digest);
    }

    #[test]
    fn money_that_is_not_in_escrow_takes_its_points_away() {
        let unsecured = ScoreFacts { secured: false, ..facts() };
        // 45 without the 25 of the escrow.
        let score = card().score(&unsecured);
        assert_eq!((score.points, score.grade.as_str(), score.most_share), (20, "d", Rate::percent(30)));
    }

    #[test]
    fn a_share_is_rounded_down_and_nothing_is_no_share() {
        let some = ScoreFacts { completed: 3, on_time: 2, trades: 3, corrected: 1, ..facts() };
        // 2 of 3 = 66.6 -> 66; 1 of 3 = 33.3 -> 33.
        assert_eq!(some.measure(Measure::OnTimeShare), Some(66));
        assert_eq!(some.measure(Measure::CorrectedShare), Some(33));
        assert_eq!(facts().measure(Measure::OnTimeShare), None);
        assert_eq!(facts().measure(Measure::ValueToMedian), None);
        let median = Some(Money::new(2_000, Currency::MYR));
        // 49.05 against 20.00 = 245.25 -> 245.
        assert_eq!(ScoreFacts { median, ..facts() }.measure(Measure::ValueToMedian), Some(245));
    }

    #[test]
    fn a_scorecard_with_a_fault_does_not_load_and_names_it() {
        let check = |from: &str, to: &str, field: &str| {
            assert!(FILE.contains(from), "{from}");
            let found = Scorecard::load(&[("scorecard.toml", &FILE.replacen(from, to, 1))]).expect_err(to);
            assert!(found.iter().any(|e| e.field.contains(field)), "{to}: {found:?}");
        };
        check("expect = 45", "expect = 46", "expect");
        check("weight = 25", "weight = 24", "weight");
        check("measure = \"completed\"", "measure = \"charm\"", "measure");
        check("confidence = \"operator\"", "confidence = \"official\"", "confidence");
        check("at-least = 0\n", "at-least = 1\n", "grade");
        check("unknown = 0\n", "unknown = 101\n", "unknown");
        check("id = \"completed\"", "id = \"secured\"", "id");
        check("[terms]", "[terms]\nlowest-fee = 1", "lowest-fee");
        assert!(Scorecard::load(&[("scorecard.toml", "not toml")]).is_err());
        assert!(Scorecard::load(&[]).is_err());
    }
}
