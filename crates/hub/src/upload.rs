//! Files that a party has sent in, as they came: a price list, so that its failed rows can be handed
//! back and its columns read again in another way.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::id::Id;
use trade::party::Party;
use trade::time::WallTime;

use crate::db::{Isolation, StoreError, bytes, int, parsed, text};
use crate::hub::Hub;

/// Files kept for one party: the last ones are what it works on.
const KEPT: i64 = 5;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Chosen by the edge, not to be guessed.
    pub id: String,
    pub party: Id<Party>,
    pub file_name: String,
    /// How it is to be read, as JSON of whoever reads it.
    pub mapping: String,
    pub at: WallTime,
    pub bytes: Vec<u8>,
}

const COLUMNS: &str = "SELECT id, party, file_name, mapping, at, bytes FROM upload";

fn upload_row(row: &AnyRow) -> Result<Upload, StoreError> {
    Ok(Upload {
        id: text(row, 0)?,
        party: parsed(row, 1)?,
        file_name: text(row, 2)?,
        mapping: text(row, 3)?,
        at: WallTime::from_micros(int(row, 4)?),
        bytes: bytes(row, 5)?.to_vec(),
    })
}

impl Hub {
    /// Keeps a file, and lets go of the party's oldest ones.
    pub async fn save_upload(&self, upload: &Upload) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        sqlx::query::<Any>(
            "INSERT INTO upload (id, party, file_name, mapping, at, bytes) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(upload.id.clone())
        .bind(upload.party.text())
        .bind(upload.file_name.clone())
        .bind(upload.mapping.clone())
        .bind(upload.at.micros())
        .bind(upload.bytes.clone())
        .execute(&mut *tx)
        .await?;
        let old = "DELETE FROM upload WHERE party = $1 AND id NOT IN \
                   (SELECT id FROM upload WHERE party = $1 ORDER BY at DESC, id DESC LIMIT $2)";
        sqlx::query::<Any>(old).bind(upload.party.text()).bind(KEPT).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// A file of this party; another's is not there for it.
    pub async fn upload(&self, party: Id<Party>, id: &str) -> Result<Option<Upload>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE party = $1 AND id = $2"));
        let row = sqlx::query::<Any>(sql).bind(party.text()).bind(id.to_owned()).fetch_optional(&mut *conn).await?;
        row.map(|row| upload_row(&row)).transpose()
    }

    /// The file that this party sent last.
    pub async fn last_upload(&self, party: Id<Party>) -> Result<Option<Upload>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE party = $1 ORDER BY at DESC, id DESC LIMIT 1"));
        let row = sqlx::query::<Any>(sql).bind(party.text()).fetch_optional(&mut *conn).await?;
        row.map(|row| upload_row(&row)).transpose()
    }
}
