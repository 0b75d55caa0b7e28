//! Which codes the words of a text speak for, and how strongly, in exact integers.
//!
//! A keyword that few headings share says more than one that many do: its points are sixteen times the
//! binary logarithm of how rare it is. The longest keyword at a place takes its words from the shorter
//! ones in it, so that "coffee machine" is not coffee. What is sold stands last in an English or Chinese
//! phrase and first in a Malay one, and counts more there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::text::{Token, Zone, tokens};
use super::wording::{CHINESE, ENGLISH, MALAY, Wording};

/// Tokens of the longest keyword; longer ones are found by their parts.
const LONGEST: usize = 12;
/// A value that the text states and the code has, in points; one that it has otherwise.
const AGREES: i64 = 22;
const DIFFERS: i64 = 40;
/// What people mostly mean.
const USUAL: i64 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Keyword,
    /// Of a file that was loaded.
    Loaded,
    /// A part of a longer keyword.
    Part,
}

#[derive(Clone, Debug, Default)]
struct Phrase {
    tongues: u8,
    /// Places in `Wording::entries`, each once, with the best weight.
    postings: BTreeMap<usize, Weight>,
    headings: usize,
}

/// Keywords by their words.
#[derive(Clone, Debug, Default)]
pub struct Index {
    known: HashMap<String, u32>,
    phrases: HashMap<Vec<u32>, usize>,
    all: Vec<Phrase>,
    headings: usize,
    /// Two words of letters written as one, and the other way round.
    joined: HashMap<String, (String, String)>,
    /// Words of letters by their first one, for what is misspelt.
    spelt: HashMap<char, Vec<String>>,
    /// Words by which texts state values: attribute and value.
    stated: HashMap<Vec<u32>, Vec<(usize, usize)>>,
    against: HashMap<Vec<u32>, BTreeSet<usize>>,
}

/// Why a code was found: one word or phrase of the text, and its points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    pub words: String,
    pub kind: EvidenceKind,
    pub points: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// The goods are called so.
    Name,
    /// It states a property that the code has, or has otherwise.
    Property,
    /// It speaks against the code.
    Against,
}

/// A code with its points.
#[derive(Clone, Debug)]
pub struct Scored {
    pub entry: usize,
    pub points: i64,
    pub why: Vec<Evidence>,
}

/// What was read out of a text.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Best first.
    pub scored: Vec<Scored>,
    /// By attribute, what the text states.
    pub stated: BTreeMap<usize, BTreeSet<usize>>,
    /// Words of letters that nothing here knows.
    pub unknown: Vec<String>,
    pub words: usize,
}

/// Sixteen times the binary logarithm of `whole` / `part`, rounded down; both at least 1.
fn rarity(whole: usize, part: usize) -> i64 {
    // The eighth power of 10,000 headings, which is more than there can be, has 107 bits.
    let power = |n: usize| u128::try_from(n.clamp(1, 10_000)).unwrap_or(1).pow(8).ilog2();
    2 * (i64::from(power(whole)) - i64::from(power(part)))
}

/// Where the text states values, and which: attribute and value.
struct Stated<'a> {
    start: usize,
    len: usize,
    values: &'a [(usize, usize)],
}

struct Match {
    start: usize,
    len: usize,
    phrase: usize,
    /// Of 12: zone, misspelling.
    twelfths: i64,
    head_last: bool,
    head_first: bool,
}

impl Index {
    #[must_use]
    pub fn of(wording: &Wording) -> Self {
        let mut index = Self::default();
        let mut headings_of: Vec<HashSet<&str>> = Vec::new();
        let mut parts: Vec<(usize, Vec<u32>, u8)> = Vec::new();
        for (place, entry) in wording.entries.iter().enumerate() {
            for keyword in &entry.keywords {
                let words = tokens(&keyword.text, &wording.manner);
                if words.is_empty() {
                    continue;
                }
                index.learn(&words);
                let ids: Vec<u32> = words.iter().map(|w| index.id(&w.stem)).collect();
                let weight = match (entry.loaded, super::text::loses(&keyword.text, &wording.manner)) {
                    (true, _) => Weight::Loaded,
                    // "instant rice" without "instant" is not all that rice is.
                    (false, true) => Weight::Part,
                    (false, false) => Weight::Keyword,
                };
                if !entry.loaded {
                    index.post(&ids, place, keyword.tongue, weight, &entry.hs6, &mut headings_of);
                }
                if let [first, second] = words.as_slice()
                    && !first.han
                    && !second.han
                {
                    let one = super::text::stem(&format!("{}{}", first.shown, second.shown));
                    index.joined.entry(one).or_insert_with(|| (first.stem.clone(), second.stem.clone()));
                }
                let size = if words.iter().all(|w| w.han) { 2 } else { 1 };
                if ids.len() > size || entry.loaded {
                    parts.extend(ids.windows(size).map(|part| (place, part.to_vec(), keyword.tongue)));
                }
            }
            let names = [(&entry.name.en, ENGLISH), (&entry.name.ms, MALAY), (&entry.name.zh, CHINESE)];
            for (name, tongue) in names {
                let words = tokens(name, &wording.manner);
                index.learn(&words);
                let ids: Vec<u32> = words.iter().map(|w| index.id(&w.stem)).collect();
                let size = if words.iter().all(|w| w.han) { 2 } else { 1 };
                parts.extend(ids.windows(size).map(|part| (place, part.to_vec(), tongue)));
            }
            for word in &entry.against {
                let ids: Vec<u32> = tokens(word, &wording.manner).iter().map(|w| index.id(&w.stem)).collect();
                index.against.entry(ids).or_default().insert(place);
            }
        }
        for (a, attribute) in wording.attributes.iter().enumerate() {
            for (v, value) in attribute.values.iter().enumerate() {
                for keyword in &value.keywords {
                    let words = tokens(&keyword.text, &wording.manner);
                    index.learn(&words);
                    let ids: Vec<u32> = words.iter().map(|w| index.id(&w.stem)).collect();
                    if !ids.is_empty() {
                        index.stated.entry(ids).or_default().push((a, v));
                    }
                }
            }
        }
        for (place, part, tongue) in parts {
            // What states a property speaks through it.
            if let Some(entry) = wording.entries.get(place).filter(|_| !index.stated.contains_key(&part)) {
                let weight = if entry.loaded { Weight::Loaded } else { Weight::Part };
                index.post(&part, place, tongue, weight, &entry.hs6, &mut headings_of);
            }
        }
        let all: HashSet<&str> = headings_of.iter().flatten().copied().collect();
        index.headings = all.len();
        for (phrase, headings) in index.all.iter_mut().zip(&headings_of) {
            phrase.headings = headings.len();
        }
        for words in index.spelt.values_mut() {
            words.sort_unstable();
            words.dedup();
        }
        index
    }

    fn learn(&mut self, words: &[Token]) {
        for word in words.iter().filter(|w| !w.han && w.stem.chars().count() >= 4) {
            if let Some(first) = word.stem.chars().next() {
                self.spelt.entry(first).or_default().push(word.stem.clone());
            }
        }
    }

    fn id(&mut self, stem: &str) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        *self.known.entry(stem.to_owned()).or_insert(next)
    }

    fn post<'a>(
        &mut self,
        ids: &[u32],
        entry: usize,
        tongue: u8,
        weight: Weight,
        hs6: &'a str,
        headings_of: &mut Vec<HashSet<&'a str>>,
    ) {
        let next = self.all.len();
        let place = *self.phrases.entry(ids.to_vec()).or_insert(next);
        if place == next {
            self.all.push(Phrase::default());
            headings_of.push(HashSet::new());
        }
        if let Some(phrase) = self.all.get_mut(place) {
            phrase.tongues |= tongue;
            let slot = phrase.postings.entry(entry).or_insert(weight);
            // The best weight stays.
            *slot = weight.min(*slot);
        }
        if let (Some(headings), Some(heading)) = (headings_of.get_mut(place), hs6.get(..4)) {
            headings.insert(heading);
        }
    }

    /// Reads a text and ranks the codes that its words speak for.
    #[must_use]
    pub fn read(&self, text: &str, wording: &Wording) -> Reading {
        let words = self.mended(tokens(text, &wording.manner));
        let stated_at = self.stated_in(&words);
        let mut stated: BTreeMap<usize, BTreeMap<usize, (i64, String)>> = BTreeMap::new();
        for Stated { start, len, values } in &stated_at {
            let zone = words.get(*start).map_or(Zone::Later, |w| w.0.zone);
            let said = shown(&words, *start, *len);
            for (attribute, value) in *values {
                let slot = stated.entry(*attribute).or_default().entry(*value).or_insert((0, said.clone()));
                slot.0 = slot.0.max(i64::from(zone.twelfths()));
            }
        }
        let matches = self.matches(&words, &stated_at);
        let mut scored = self.score(&words, &matches);
        for one in &mut scored {
            let Some(entry) = wording.entries.get(one.entry) else { continue };
            for (attribute, has) in &entry.is {
                let Some(said) = stated.get(attribute) else { continue };
                let yes = said.iter().filter(|(v, _)| has.contains(v)).max_by_key(|(_, (zone, _))| *zone);
                let (words, points) = match (yes, said.iter().max_by_key(|(_, (zone, _))| *zone)) {
                    (Some((_, (zone, words))), _) => (words, AGREES * zone / 12),
                    (None, Some((_, (zone, words)))) => (words, -DIFFERS * zone / 12),
                    (None, None) => continue,
                };
                one.points += points;
                one.why.push(Evidence { words: words.clone(), kind: EvidenceKind::Property, points });
            }
            one.points += if entry.usual { USUAL } else { 0 };
        }
        scored.retain(|one| one.points > 0);
        // The same points: by code, so that the order is the same for ever.
        scored.sort_by_key(|one| (-one.points, one.entry));
        let known =
            |w: &Token| w.han || w.looks || self.known.contains_key(&w.stem) || w.stem.chars().all(char::is_numeric);
        Reading {
            unknown: words.iter().filter(|w| !known(&w.0)).map(|w| w.0.shown.clone()).collect(),
            stated: stated.into_iter().map(|(a, values)| (a, values.into_keys().collect())).collect(),
            words: words.len(),
            scored,
        }
    }

    /// Words as the index spells them, each with whether it was misspelt.
    fn mended(&self, words: Vec<Token>) -> Vec<(Token, bool)> {
        let mut found: Vec<(Token, bool)> = Vec::new();
        let mut rest = words.into_iter().peekable();
        while let Some(word) = rest.next() {
            let known = word.han || self.known.contains_key(&word.stem);
            if known {
                if let Some(next) = rest.peek().filter(|next| !next.han && !word.han && next.stretch == word.stretch) {
                    let one = super::text::stem(&format!("{}{}", word.shown, next.shown));
                    let pair = [self.known.get(&word.stem), self.known.get(&next.stem)];
                    let is_pair = match pair {
                        [Some(a), Some(b)] => self.phrases.contains_key(&vec![*a, *b]),
                        _ => false,
                    };
                    if !is_pair && self.known.get(&one).is_some_and(|id| self.phrases.contains_key(&vec![*id])) {
                        let shown = format!("{} {}", word.shown, next.shown);
                        found.push((Token { stem: one, shown, ..word.clone() }, false));
                        rest.next();
                        continue;
                    }
                }
                found.push((word, false));
            } else if let Some((first, second)) = self.joined.get(&word.stem) {
                found.push((Token { stem: first.clone(), ..word.clone() }, false));
                found.push((Token { stem: second.clone(), shown: String::new(), ..word }, false));
            } else if let Some(stem) = self.nearest(&word.stem).filter(|_| !word.looks) {
                found.push((Token { stem, ..word }, true));
            } else {
                found.push((word, false));
            }
        }
        found
    }

    /// The known word that differs in one letter, in two where it is long.
    fn nearest(&self, word: &str) -> Option<String> {
        let length = word.chars().count();
        if !(5..=24).contains(&length) || word.chars().any(char::is_numeric) {
            return None;
        }
        let most = if length >= 9 { 2 } else { 1 };
        let same_letter = self.spelt.get(&word.chars().next()?)?;
        let near = same_letter.iter().filter_map(|known| Some((distance(word, known, most)?, known)));
        near.min().map(|(_, known)| known.clone())
    }

    fn stated_in(&self, words: &[(Token, bool)]) -> Vec<Stated<'_>> {
        let mut found = Vec::new();
        for start in 0..words.len() {
            for len in 1..=LONGEST.min(words.len() - start) {
                if let Some(values) = self.ids(words, start, len).and_then(|ids| self.stated.get(&ids)) {
                    found.push(Stated { start, len, values });
                }
            }
        }
        found
    }

    /// The numbers of words that stand together, where all are known.
    fn ids(&self, words: &[(Token, bool)], start: usize, len: usize) -> Option<Vec<u32>> {
        let here = words.get(start..start + len)?;
        let stretch = here.first()?.0.stretch;
        here.iter().map(|(w, _)| self.known.get(&w.stem).copied().filter(|_| w.stretch == stretch)).collect()
    }

    fn matches(&self, words: &[(Token, bool)], stated: &[Stated<'_>]) -> Vec<Match> {
        // Colours and materials do not end a phrase: a "tote bag brown" is a bag.
        let property: HashSet<usize> = stated.iter().flat_map(|s| s.start..s.start + s.len).collect();
        let mut found = Vec::new();
        for start in 0..words.len() {
            for len in 1..=LONGEST.min(words.len() - start) {
                let Some(phrase) = self.ids(words, start, len).and_then(|ids| self.phrases.get(&ids).copied()) else {
                    continue;
                };
                let stretch = words.get(start).map(|w| w.0.stretch);
                let same = |at: &usize| {
                    words.get(*at).map(|w| w.0.stretch) == stretch
                        && !property.contains(at)
                        && words.get(*at).is_some_and(|w| !w.0.looks)
                };
                let here = words.get(start..start + len).unwrap_or_default();
                let zone = here.iter().map(|w| w.0.zone.twelfths()).min().unwrap_or(12);
                let misspelt = here.iter().any(|w| w.1);
                found.push(Match {
                    start,
                    len,
                    phrase,
                    twelfths: i64::from(if misspelt { zone * 3 / 4 } else { zone }),
                    head_last: !(start + len..words.len())
                        .take_while(|at| words[*at].0.stretch == words[start].0.stretch)
                        .any(|at| same(&at)),
                    head_first: !(0..start)
                        .rev()
                        .take_while(|at| words[*at].0.stretch == words[start].0.stretch)
                        .any(|at| same(&at)),
                });
            }
        }
        self.across(words, &mut found);
        found
    }

    /// Keywords that stand on both sides of a `for`: "case for phone" is a phone case, "beg untuk laptop" a
    /// beg laptop.
    fn across(&self, words: &[(Token, bool)], found: &mut Vec<Match>) {
        let known = |at: usize| words.get(at).and_then(|(w, _)| self.known.get(&w.stem)).copied();
        for middle in 1..words.len() {
            let (before, after) = (&words[middle - 1].0, &words[middle].0);
            if after.zone != Zone::Purpose || before.zone == Zone::Purpose || before.stretch == after.stretch {
                continue;
            }
            for (left, right) in (1..=3).flat_map(|left| (1..=3).map(move |right| (left, right))) {
                let Some(start) = middle.checked_sub(left) else { continue };
                let thing: Option<Vec<u32>> = (start..middle).map(known).collect();
                let whom: Option<Vec<u32>> = (middle..middle + right).map(known).collect();
                let (Some(thing), Some(whom)) = (thing, whom) else { continue };
                for both in [[whom.clone(), thing.clone()].concat(), [thing, whom].concat()] {
                    if let Some(phrase) = self.phrases.get(&both).copied() {
                        let len = left + right;
                        found.push(Match { start, len, phrase, twelfths: 12, head_last: true, head_first: true });
                    }
                }
            }
        }
    }

    /// The points of one match for one of its entries, before it is shadowed.
    fn points(&self, phrase: &Phrase, weight: Weight, found: &Match) -> i64 {
        let rare = rarity(self.headings, phrase.headings);
        let longer = i64::try_from(found.len.saturating_sub(1)).unwrap_or(0);
        let full = rare + 8 * longer;
        let points = match weight {
            Weight::Keyword => full,
            Weight::Loaded => full / 2,
            Weight::Part => full / 3,
        };
        let head = (phrase.tongues & (ENGLISH | CHINESE) != 0 && found.head_last)
            || (phrase.tongues & MALAY != 0 && found.head_first);
        points * found.twelfths / 12 * if head { 5 } else { 4 } / 4
    }

    fn score(&self, words: &[(Token, bool)], matches: &[Match]) -> Vec<Scored> {
        let mut by_entry: BTreeMap<usize, Vec<(i64, &Match)>> = BTreeMap::new();
        for found in matches {
            let Some(phrase) = self.all.get(found.phrase) else { continue };
            let longer: Vec<&Phrase> = matches
                .iter()
                .filter(|m| m.len > found.len && m.start <= found.start && m.start + m.len >= found.start + found.len)
                .filter_map(|m| self.all.get(m.phrase))
                .filter(|p| p.postings.values().any(|w| *w == Weight::Keyword))
                .collect();
            for (entry, weight) in &phrase.postings {
                let mut points = self.points(phrase, *weight, found);
                if longer.iter().any(|p| p.postings.get(entry) != Some(&Weight::Keyword)) {
                    points /= 4;
                }
                by_entry.entry(*entry).or_default().push((points, found));
            }
        }
        let against: BTreeSet<usize> = self.against_in(words);
        let sum = |(entry, mut list): (usize, Vec<(i64, &Match)>)| {
            list.sort_by_key(|(points, m)| (-*points, m.start, m.len));
            let (mut used, mut seen) = (HashSet::new(), HashSet::new());
            let mut one = Scored { entry, points: 0, why: Vec::new() };
            for (points, m) in list {
                let span = m.start..m.start + m.len;
                if span.clone().any(|at| used.contains(&at)) || !seen.insert(m.phrase) {
                    continue;
                }
                used.extend(span);
                // The first word names the goods; others only make it surer.
                let points = if one.why.is_empty() { points } else { points / 2 };
                one.points += points;
                one.why.push(Evidence { words: shown(words, m.start, m.len), kind: EvidenceKind::Name, points });
            }
            if against.contains(&entry) {
                let points = -(one.points * 2 / 3);
                one.points += points;
                one.why.push(Evidence { words: String::new(), kind: EvidenceKind::Against, points });
            }
            one
        };
        by_entry.into_iter().map(sum).collect()
    }

    /// Codes that a word of the text speaks against.
    fn against_in(&self, words: &[(Token, bool)]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for start in 0..words.len() {
            for len in 1..=LONGEST.min(words.len() - start) {
                let zone = words.get(start).map_or(Zone::Later, |w| w.0.zone);
                if matches!(zone, Zone::Purpose | Zone::Taste) {
                    continue;
                }
                if let Some(entries) = self.ids(words, start, len).and_then(|ids| self.against.get(&ids)) {
                    found.extend(entries);
                }
            }
        }
        found
    }
}

/// The words as they were typed.
fn shown(words: &[(Token, bool)], start: usize, len: usize) -> String {
    let mut text = String::new();
    for (word, _) in words.get(start..start + len).unwrap_or_default() {
        if !text.is_empty() && !word.han && !word.shown.is_empty() {
            text.push(' ');
        }
        text.push_str(&word.shown);
    }
    text
}

/// How many letters are put in, left out, changed or swapped, where it is at most `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    Some(rows[a.len()][b.len()]).filter(|d| *d <= most)
}
