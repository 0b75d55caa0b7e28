//! Returns and disputes, in every form.

use trade::dispute::{Award, Dispute, DisputeReason, DisputeState};
use trade::evidence::{Evidence, EvidenceKind};
use trade::quantity::Grams;
use trade::refund::Refund;
use trade::returns::{Lapse, ReImport, Return, ReturnReason, ReturnState, ReturnWaybill, TaxBack, TaxKept};

use super::{AT, CNY, id, rule, waybill_no};

pub(super) fn refund() -> Refund {
    Refund { goods: CNY, freight: CNY, tax: CNY }
}

pub(super) fn evidence() -> Vec<Evidence> {
    vec![Evidence { sha256: "00".repeat(32), kind: EvidenceKind::Document, bytes: 12 }]
}

pub(super) fn reimport() -> ReImport {
    let (rule, said) = (Some(rule().to_string()), Some("seen".to_owned()));
    ReImport { at: AT, duty_free: true, rule, by: Some(id()), said }
}

pub(super) fn returns() -> Vec<Return> {
    let taxes = each_variant!(TaxBack:
        NotDue {},
        GivenBack { rule: rule().to_string(), quota: true },
        Kept { why: TaxKept::BackLate, rule: Some(rule().to_string()) },
    );
    let mut states = each_variant!(ReturnState:
        Asked { until: Some(AT) },
        Refused { at: AT, until: AT },
        Agreed { at: AT, by_silence: true, hand_in_by: Some(AT) },
        Settled { at: AT, refund: refund(), tax: TaxBack::NotDue },
        Lapsed { at: AT, why: Lapse::NotHandedIn },
    );
    states.extend(taxes.into_iter().map(|tax| ReturnState::Settled { at: AT, refund: refund(), tax }));
    let returning = |state| Return {
        reason: ReturnReason::Damaged,
        asked_at: AT,
        said: Some("seen".to_owned()),
        evidence: evidence(),
        answer: evidence(),
        waybill: Some(ReturnWaybill { no: waybill_no(), gross: Grams(500), issued_at: AT }),
        state,
    };
    states.into_iter().map(returning).collect()
}

pub(super) fn disputes() -> Vec<Dispute> {
    let awards = each_variant!(Award: All {}, Part { amount: CNY }, Nothing {});
    let decided = |award| DisputeState::Decided {
        at: AT,
        award,
        refund: refund(),
        by: Some(id()),
        reason: Some("seen".to_owned()),
    };
    let mut states = each_variant!(DisputeState:
        Open { until: AT },
        Answered { at: AT, decide_by: AT },
        Decided { at: AT, award: Award::All, refund: refund(), by: Some(id()), reason: Some("seen".to_owned()) },
        Withdrawn { at: AT },
    );
    states.extend(awards.iter().copied().map(decided));
    let wants = awards.into_iter().cycle();
    let dispute = |(state, wants)| Dispute {
        reason: DisputeReason::Damaged,
        wants,
        opened_at: AT,
        evidence: evidence(),
        answer: evidence(),
        state,
    };
    states.into_iter().zip(wants).map(dispute).collect()
}
