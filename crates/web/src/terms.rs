//! Who pays what: the rules of Incoterms 2020 as a table for a layman, and for machines.

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use trade::rulebook::{Knowledge, Mode};
use trade::terms::{Bearer, Incoterm, IncotermReason, IncotermRule, Incoterms, Insured, Obligation};

use crate::AppState;
use crate::door::{ANYONE, Doors, get};
use crate::i18n::Given;
use crate::page::Page;
use crate::schema::{list, object, text};

pub fn routes() -> Doors {
    Doors::new().open(get("/incoterms", ANYONE), show).open(
        get("/api/v1/incoterms", ANYONE).gives(200, || {
            let rule = object([("incoterm", text()), ("risk", text()), ("offered", list(text()))]).open();
            object([("edition", text()), ("rules", list(rule))]).open()
        }),
        show_api,
    )
}

/// For goods of which nothing is known, then by what they may go: as a code for words, and as the rules take it.
const WAYS: [(&str, Option<Mode>); 2] = [("air", Some(Mode::Air)), ("sea", Some(Mode::Sea))];

#[derive(Template)]
#[template(path = "terms/page.html")]
struct TermsPage {
    p: Page,
    table: &'static Incoterms,
    customs_unverified: bool,
}

impl TermsPage {
    /// Why goods are not sold under it here, however they go.
    #[expect(clippy::unused_self, reason = "a template calls it on its page")]
    fn why_not(&self, rule: &IncotermRule) -> Option<&'static str> {
        rule.why_not(Some(Mode::Sea)).map(IncotermReason::code)
    }

    /// The columns of the table, each with whether what stands there is unverified.
    fn columns(&self) -> Vec<(&'static str, bool)> {
        let of_customs = |duty| matches!(duty, Obligation::Export | Obligation::Import | Obligation::Duty);
        Obligation::ALL.into_iter().map(|(code, duty)| (code, self.customs_unverified && of_customs(duty))).collect()
    }

    /// What the seller's insurance has to cover, beside who insures.
    #[expect(clippy::unused_self, reason = "a template calls it on its page")]
    fn cover(&self, rule: &IncotermRule, code: &str) -> Option<Insured> {
        rule.cover.filter(|_| code == Obligation::Insurance.code())
    }
}

async fn show(State(_): State<AppState>, page: Page) -> Response {
    let table = Incoterms::table();
    let shown = TermsPage { customs_unverified: table.customs != Knowledge::Sourced, p: page, table };
    shown.p.show(&shown)
}

async fn show_api() -> Json<Value> {
    let table = Incoterms::table();
    let rules = table.rules.iter().map(|rule| {
        let mut value = serde_json::to_value(rule).unwrap_or_default();
        let offered = WAYS.iter().filter(|(_, mode)| rule.why_not(*mode).is_none()).map(|(code, _)| *code);
        value["offered"] = offered.collect::<Vec<_>>().into();
        value
    });
    let rules: Vec<Value> = rules.collect();
    Json(json!({
        "edition": table.edition, "source": table.source, "confidence": table.confidence,
        "customs": table.customs, "digest": table.digest, "rules": rules,
    }))
}

/// One obligation of a sale and who bears it.
pub struct Share {
    pub what: &'static str,
    pub who: &'static str,
    pub is_sellers: bool,
    pub is_owed: bool,
}

/// Every obligation of a sale with who bears it under a rule.
#[must_use]
pub fn shares(incoterm: impl Given<Incoterm>) -> Vec<Share> {
    let rule = incoterm.given().rule();
    let share = |(what, duty)| {
        let who = rule.bears(duty);
        Share { what, who: who.code(), is_sellers: who == Bearer::Seller, is_owed: who != Bearer::Nobody }
    };
    Obligation::ALL.into_iter().map(share).collect()
}
