//! Whether goods originate, as a seller reads it: the verdict, the sums, each criterion, what is missing.

use trade::money::Money;
use trade::origin::{Agreement, Method, Origin, Working};
use trade::rulebook::Knowledge;

use crate::i18n::Told;
use crate::page::Page;

pub struct Shown {
    pub short: String,
    pub name: String,
    /// The code for the certificate and its rule in words; none where the goods do not originate.
    pub criterion: Option<String>,
    pub unverified: bool,
    /// What it is called, how it is worked out, what comes out.
    pub sums: Vec<(String, String, String)>,
    pub tried: Vec<TriedShown>,
    pub missing: Vec<Told>,
    pub change: Option<Told>,
    pub proofs: Vec<String>,
    pub source: String,
}

pub struct TriedShown {
    pub code: String,
    pub name: String,
    pub met: bool,
    pub why: String,
    pub source: String,
    pub unverified: bool,
}

impl Shown {
    pub fn of(page: &Page, agreement: &Agreement, origin: &Origin) -> Self {
        let tried = agreement.criteria.iter().zip(&origin.tried).map(|(criterion, tried)| TriedShown {
            code: criterion.code.clone(),
            name: page.words(&criterion.name),
            met: tried.met,
            why: why(page, &tried.working),
            source: criterion.source.clone(),
            unverified: criterion.knowledge != Knowledge::Sourced,
        });
        Self {
            short: agreement.short.clone(),
            name: page.words(&agreement.name),
            criterion: origin.criterion.clone(),
            unverified: origin.knowledge != Knowledge::Sourced,
            sums: sums(page, origin),
            tried: tried.collect(),
            missing: origin.missing.iter().map(|missing| page.told(missing)).collect(),
            change: origin.change.as_ref().map(|change| page.told(change)),
            proofs: agreement.proofs.iter().map(|proof| page.words(&proof.name)).collect(),
            source: agreement.source.clone(),
        }
    }
}

/// Each sum with the numbers that it is made of, to be redone by hand.
fn sums(page: &Page, origin: &Origin) -> Vec<(String, String, String)> {
    let value = origin.value;
    let plain = Money::decimal;
    let down = format!("({} − {}) / {}", plain(value.fob), plain(value.non_originating), plain(value.fob));
    let up = format!("({} + {}) / {}", plain(value.originating), plain(value.costs), plain(value.fob));
    let none = String::new;
    vec![
        (page.s("origin-fob"), none(), page.money(value.fob)),
        (page.s("origin-inside"), none(), page.money(value.originating)),
        (page.s("origin-outside"), none(), page.money(value.non_originating)),
        (page.s("origin-costs"), none(), page.money(value.costs)),
        (page.s("origin-unexplained"), none(), page.money(value.unexplained)),
        (page.by("origin-method", Method::BuildDown.code()), down, page.percent(value.build_down)),
        (page.by("origin-method", Method::BuildUp.code()), up, page.percent(value.build_up)),
    ]
}

fn numbers(page: &Page, numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(&page.s("list-comma"))
}

fn why(page: &Page, working: &Working) -> String {
    match working {
        Working::WhollyObtained { stated: true } => page.s("origin-stated"),
        Working::WhollyObtained { stated: false } => page.s("origin-not-stated"),
        Working::ExclusivelyOriginating { outside } if outside.is_empty() => page.s("origin-none-outside"),
        Working::ExclusivelyOriginating { outside } => {
            page.w1("origin-some-outside", "materials", numbers(page, outside))
        }
        Working::RegionalValue { threshold, most_outside, by } => {
            let needs = [("threshold", page.percent(*threshold)), ("most", page.money(*most_outside))];
            let needed = page.w("origin-value-needed", needs);
            if by.is_empty() {
                return needed;
            }
            let by: Vec<String> = by.iter().map(|method| page.by("origin-method", method.code())).collect();
            format!("{needed} {}", page.w1("origin-value-by", "methods", by.join(&page.s("list-comma"))))
        }
        Working::ChangeOfHeading { heading, same, .. } if same.is_empty() => {
            page.w1("origin-heading-changed", "heading", heading)
        }
        Working::ChangeOfHeading { heading, same, value, most, weight, most_weight } => {
            let told = page.w(
                "origin-heading-same",
                [
                    ("heading", heading.clone()),
                    ("materials", numbers(page, same)),
                    ("value", page.money(*value)),
                    ("most", page.money(*most)),
                ],
            );
            match weight.zip(*most_weight) {
                Some((weight, most)) => {
                    format!(
                        "{told} {}",
                        page.w2("origin-heading-weight", "weight", page.kg(weight), "most", page.kg(most))
                    )
                }
                None => told,
            }
        }
        Working::NoCode => page.s("origin-no-code"),
    }
}
