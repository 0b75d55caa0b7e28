//! Evidence: what a party brings forward for its claim. The log holds a salted commitment; the words
//! and pictures lie apart on the hub where they were given, until the day up to which they are kept.

use serde::{Deserialize, Serialize};

use crate::log::Hash;
use crate::time::Days;

/// One piece of evidence, by its commitment: SHA-256 over a salt of 16 bytes and the contents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// In lower-case hex.
    pub sha256: String,
    pub kind: EvidenceKind,
    /// Length of the contents.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// The party's own words.
    Statement,
    /// A picture or a paper.
    Document,
}

impl EvidenceKind {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Document => "document",
        }
    }
}

/// Pieces that one party may bring to one claim.
pub const EVIDENCE_MAX: usize = 6;
/// Bytes of one piece: a photograph of a telephone.
pub const EVIDENCE_MAX_BYTES: u64 = 5 * 1024 * 1024;
/// Characters of a statement.
pub const STATEMENT_MAX: usize = 2_000;
/// How long contents are kept after they were given: the operator's own policy.
pub const KEEP_EVIDENCE: Days = Days(3 * 366);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum EvidenceRefusal {
    /// Whoever says that something is wrong says what.
    EvidenceMissing,
    TooMuchEvidence {
        got: usize,
        max: usize,
    },
    EvidenceTooLarge {
        got: u64,
        max: u64,
    },
    /// Not the commitment that it should be.
    EvidenceDigest {
        got: String,
    },
}

/// The commitment to contents under a salt.
#[must_use]
pub fn commitment(salt: &[u8; 16], contents: &[u8]) -> String {
    Hash::of(&[salt.as_slice(), contents].concat()).to_string()
}

/// Checks what a command names.
///
/// # Errors
/// The first that is wrong.
pub fn check(evidence: &[Evidence], is_needed: bool) -> Result<(), EvidenceRefusal> {
    if is_needed && evidence.is_empty() {
        return Err(EvidenceRefusal::EvidenceMissing);
    }
    if evidence.len() > EVIDENCE_MAX {
        return Err(EvidenceRefusal::TooMuchEvidence { got: evidence.len(), max: EVIDENCE_MAX });
    }
    for piece in evidence {
        if piece.bytes > EVIDENCE_MAX_BYTES {
            return Err(EvidenceRefusal::EvidenceTooLarge { got: piece.bytes, max: EVIDENCE_MAX_BYTES });
        }
        if Hash::from_hex(&piece.sha256).is_none() {
            return Err(EvidenceRefusal::EvidenceDigest { got: piece.sha256.chars().take(80).collect() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_depends_on_its_salt_and_too_much_evidence_is_refused() {
        let piece = |bytes| Evidence { sha256: commitment(&[1; 16], b"broken"), kind: EvidenceKind::Statement, bytes };
        assert_ne!(commitment(&[1; 16], b"broken"), commitment(&[2; 16], b"broken"));
        assert_eq!(check(&[piece(6)], true), Ok(()));
        assert_eq!(check(&[], false), Ok(()));
        assert_eq!(check(&[], true), Err(EvidenceRefusal::EvidenceMissing));
        let many = vec![piece(6); 7];
        assert_eq!(check(&many, true), Err(EvidenceRefusal::TooMuchEvidence { got: 7, max: 6 }));
        let large = EvidenceRefusal::EvidenceTooLarge { got: 5_242_881, max: 5_242_880 };
        assert_eq!(check(&[piece(5_242_881)], true), Err(large));
        let bad = Evidence { sha256: "abc".to_owned(), ..piece(1) };
        assert_eq!(check(&[bad], true), Err(EvidenceRefusal::EvidenceDigest { got: "abc".to_owned() }));
    }
}
