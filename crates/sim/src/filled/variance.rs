//! What customs charged beside what was quoted, and every reason why that cannot be said.

use jiff::civil::date;
use trade::command::Problem;
use trade::rulebook::ChargeKind;
use trade::variance::{Charged, ChargedAnswer, ChargedRefusal, KindCharged};

use super::{AT, CNY, cost_refusals, hs, money_errors};

pub fn charged(answer: ChargedAnswer) -> Charged {
    Charged { at: AT, date: date(2026, 11, 23), pack: "00".repeat(32).into(), answer }
}

pub fn worked() -> ChargedAnswer {
    ChargedAnswer::Worked { kinds: vec![KindCharged { charge: ChargeKind::Vat, quoted: CNY, charged: CNY }] }
}

/// Where nothing can be said.
pub fn refused() -> ChargedAnswer {
    ChargedAnswer::Refused { problem: Problem::of(&ChargedRefusal::ChargedWithoutRules) }
}

/// In every form.
pub fn all_charged() -> Vec<Charged> {
    let mut refusals = each_variant!(ChargedRefusal:
        ChargedWithoutRules {},
        ChargedLineUnknown { line: 1, hs: hs() },
        ChargedAtSaleMoved { charge: ChargeKind::Lvg },
        Cost { 0: cost_refusals().swap_remove(0) },
        Money { 0: money_errors().swap_remove(0) },
    );
    refusals.extend(cost_refusals().into_iter().map(ChargedRefusal::Cost));
    refusals.extend(money_errors().into_iter().map(ChargedRefusal::Money));
    let refused = refusals.iter().map(|refusal| ChargedAnswer::Refused { problem: Problem::of(refusal) });
    let answers =
        each_variant!(ChargedAnswer: Worked { kinds: Vec::new() }, Refused { problem: Problem::of(&refusals[0]) });
    std::iter::once(worked()).chain(refused).chain(answers).map(charged).collect()
}
