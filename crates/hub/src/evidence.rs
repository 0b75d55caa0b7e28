//! Evidence for claims, as it was given: with its salt, its trade and the day until which it is kept.
//! The log holds its commitment alone; erasing a row leaves the log intact.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::evidence::{Evidence, EvidenceKind, commitment};
use trade::id::Id;
use trade::party::Party;
use trade::time::BusinessTime;
use trade::trade_file::TradeId;

use crate::db::{Isolation, StoreError, bytes, int, parsed, text};
use crate::hub::Hub;

/// Contents with what proves that they are those of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEvidence {
    pub trade: TradeId,
    /// Who gave it.
    pub party: Id<Party>,
    pub kind: EvidenceKind,
    /// What kind of document, by its first bytes: `image/png`.
    pub media: String,
    pub at: BusinessTime,
    pub keep_until: BusinessTime,
    pub salt: [u8; 16],
    pub contents: Vec<u8>,
}

impl KeptEvidence {
    /// As the log names it.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence {
            sha256: commitment(&self.salt, &self.contents),
            kind: self.kind,
            bytes: u64::try_from(self.contents.len()).unwrap_or(u64::MAX),
        }
    }
}

const COLUMNS: &str = "SELECT trade, party, kind, media, at, keep_until, salt, contents FROM evidence";

fn kept(row: &AnyRow) -> Result<KeptEvidence, StoreError> {
    let kind = text(row, 2)?;
    let salt = bytes(row, 6)?.try_into().map_err(|_| StoreError::damaged("a salt that is not of 16 bytes"))?;
    Ok(KeptEvidence {
        trade: parsed(row, 0)?,
        party: parsed(row, 1)?,
        kind: if kind == EvidenceKind::Statement.code() { EvidenceKind::Statement } else { EvidenceKind::Document },
        media: text(row, 3)?,
        at: BusinessTime::from_micros(int(row, 4)?),
        keep_until: BusinessTime::from_micros(int(row, 5)?),
        salt,
        contents: bytes(row, 7)?.to_vec(),
    })
}

impl Hub {
    /// Keeps contents before the command that names them is decided, so that nothing is named that is
    /// not there.
    pub async fn save_evidence(&self, pieces: &[KeptEvidence]) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        for piece in pieces {
            sqlx::query::<Any>(
                "INSERT INTO evidence (id, trade, party, kind, media, at, keep_until, salt, contents) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
            )
            .bind(piece.evidence().sha256)
            .bind(piece.trade.as_str().to_owned())
            .bind(piece.party.text())
            .bind(piece.kind.code())
            .bind(piece.media.clone())
            .bind(piece.at.micros())
            .bind(piece.keep_until.micros())
            .bind(piece.salt.to_vec())
            .bind(piece.contents.clone())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await
    }

    /// Lets go of contents that no command has named: theirs was refused.
    pub async fn drop_evidence(&self, sha256: &[String]) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        for id in sha256 {
            sqlx::query::<Any>("DELETE FROM evidence WHERE id = $1").bind(id.clone()).execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// One piece of a trade; another trade's is not there for it.
    pub async fn evidence(&self, trade: &TradeId, sha256: &str) -> Result<Option<KeptEvidence>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1 AND trade = $2"));
        let query = sqlx::query::<Any>(sql).bind(sha256.to_owned()).bind(trade.as_str().to_owned());
        query.fetch_optional(&mut *conn).await?.map(|row| kept(&row)).transpose()
    }

    /// Erases what has been kept for as long as it may be. Returns how many pieces.
    pub async fn erase_evidence(&self, now: BusinessTime) -> Result<u64, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let done = sqlx::query::<Any>("DELETE FROM evidence WHERE keep_until <= $1").bind(now.micros());
        let erased = done.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(erased)
    }
}
