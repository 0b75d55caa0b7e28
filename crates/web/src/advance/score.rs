//! The scorecard in words: each factor with its value, its points, and how to contest it.

use trade::scorecard::{Score, Scorecard};

use crate::page::Page;

pub struct CardView {
    pub points: String,
    pub grade: String,
    pub rows: Vec<FactorRow>,
    pub source: String,
    pub digest: String,
}

pub struct FactorRow {
    pub name: String,
    pub contest: String,
    pub value: String,
    pub points: String,
}

/// A score as it was frozen, in the words of the scorecard that this hub has now.
#[must_use]
pub fn view(p: &Page, card: &Scorecard, score: &Score) -> CardView {
    let rows = score.factors.iter().map(|scored| {
        let factor = card.factor(&scored.factor);
        FactorRow {
            name: factor.map_or_else(|| scored.factor.clone(), |f| p.words(&f.name)),
            contest: factor.map(|f| p.words(&f.contest)).unwrap_or_default(),
            value: scored.value.map_or_else(|| p.s("advance-unknown"), |value| p.num(value)),
            points: p.w2("advance-points-of", "points", p.num(scored.points), "weight", p.num(scored.weight)),
        }
    });
    CardView {
        points: p.w2("advance-points-of", "points", p.num(score.points), "weight", p.num(100)),
        grade: p.by("advance-grade", &score.grade),
        rows: rows.collect(),
        source: p.w2("advance-card-source", "name", p.words(&card.name), "source", &card.source),
        digest: score.pack.chars().take(16).collect(),
    }
}
