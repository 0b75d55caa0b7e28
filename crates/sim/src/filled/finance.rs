//! Finance: words, advances, offers, claims, each in every form.

use trade::advance::{Advance, AdvanceOffer, AdvanceState};
use trade::financing::{Claim, Finance, FinanceWord, Fingerprint, Held, HeldState, Says, Wants, Why};
use trade::key::Signature;
use trade::money::Rate;
use trade::scorecard::{FactorScore, Score, ScoreFacts};
use trade::time::Days;

use super::{AT, MYR, declaration, hub, id, trade};

pub fn says() -> Vec<Says> {
    let mut all = each_variant!(Says:
        Yes { until: AT },
        Financed {},
        LetGo {},
        No { why: Why::Already },
    );
    all.extend([Why::NotReleased, Why::Over].map(|why| Says::No { why }));
    all
}

pub fn word(says: Says) -> FinanceWord {
    let declaration = Some(Fingerprint::of(&[7; 32], &trade(), &declaration()));
    let signature = Some(Signature::from_bytes([7; 64]));
    FinanceWord { hub: hub(), trade: trade(), declaration, claim: id(), says, at: AT, signature }
}

pub fn advance_offer() -> AdvanceOffer {
    AdvanceOffer {
        id: id(),
        lender: id(),
        amount: MYR,
        fee_rate: Rate::percent(2),
        fee: MYR,
        tenor: Days(30),
        offered_at: AT,
    }
}

/// What a trade file holds of finance, in every form.
pub fn finances() -> Vec<Finance> {
    let states = each_variant!(AdvanceState:
        Asked {},
        Withdrawn { at: AT },
        Accepted { offer: id(), at: AT },
        PaidOut { offer: id(), at: AT, due_at: AT },
        Repaid { offer: id(), at: AT },
        Owed { offer: id(), at: AT, owed: MYR },
    );
    let held = each_variant!(HeldState: Kept { until: AT }, Financed { at: AT });
    let facts = ScoreFacts {
        trades: 1,
        completed: 1,
        on_time: 1,
        corrected: 1,
        returned: 1,
        secured: true,
        days_on_hub: 1,
        value: MYR,
        median: Some(MYR),
    };
    let factor = FactorScore { factor: "secured".to_owned(), value: Some(100), points: 25, weight: 25 };
    let score = Score {
        pack: "00".repeat(32),
        points: 25,
        grade: "d".to_owned(),
        most_share: Rate::percent(30),
        facts,
        factors: vec![factor],
    };
    let claim =
        |says| Claim { id: id(), lender: id(), asked_at: AT, wants: Wants::Keep, word: Some(Box::new(word(says))) };
    let finance = |(state, held): (AdvanceState, HeldState)| Finance {
        held: Some(Held { claim: id(), state: held }),
        advance: Some(Advance {
            asked_at: AT,
            until: AT,
            due: MYR,
            claim: id(),
            score: Some(score.clone()),
            offers: vec![advance_offer()],
            state,
        }),
        claims: says().into_iter().map(claim).collect(),
    };
    states.into_iter().zip(held.into_iter().cycle()).map(finance).collect()
}
