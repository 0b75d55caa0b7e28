//! How parties prove who they are: passwords and API keys, of which only hashes are kept.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::AnyRow;
use trade::id::Id;
use trade::party::Party;
use trade::time::WallTime;

use crate::db::{Isolation, StoreError, int, int_or_null, parsed, text};
use crate::hub::Hub;

/// A login: the hash of its name (a keyed hash, since names are personal) and a password hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    pub login: String,
    pub party: Id<Party>,
    /// As the edge makes it, with its own parameters and salt.
    pub secret: String,
    pub changed: WallTime,
}

/// Never shows the secret.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} of {})", self.login, self.party)
    }
}

/// A key for machines, known by its hash. What it may do stands in its scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub hash: String,
    pub party: Id<Party>,
    pub name: String,
    pub scopes: Vec<String>,
    pub opened: WallTime,
    pub revoked: Option<WallTime>,
}

fn key_row(row: &AnyRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        hash: text(row, 0)?,
        party: parsed(row, 1)?,
        name: text(row, 2)?,
        scopes: text(row, 3)?.split_whitespace().map(str::to_owned).collect(),
        opened: WallTime::from_micros(int(row, 4)?),
        revoked: int_or_null(row, 5)?.map(WallTime::from_micros),
    })
}

/// Keys of one party: more is a leak or a fault.
const KEYS_MAX: i64 = 100;

impl Hub {
    pub async fn credential(&self, login: &str) -> Result<Option<Credential>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT login, party, secret, changed FROM credential WHERE login = $1";
        let row = sqlx::query::<Any>(sql).bind(login.to_owned()).fetch_optional(&mut *conn).await?;
        let read = |row: AnyRow| {
            let changed = WallTime::from_micros(int(&row, 3)?);
            Ok(Credential { login: text(&row, 0)?, party: parsed(&row, 1)?, secret: text(&row, 2)?, changed })
        };
        row.map(read).transpose()
    }

    /// Opens a login, or changes its secret. `false` if the login is another party's.
    pub async fn save_credential(&self, credential: &Credential) -> Result<bool, StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        let saved = sqlx::query::<Any>(
            "INSERT INTO credential (login, party, secret, changed) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (login) DO UPDATE SET secret = excluded.secret, changed = excluded.changed \
             WHERE credential.party = excluded.party",
        )
        .bind(credential.login.clone())
        .bind(credential.party.text())
        .bind(credential.secret.clone())
        .bind(credential.changed.micros())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(saved.rows_affected() == 1)
    }

    pub async fn api_key(&self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT hash, party, name, scopes, opened, revoked FROM api_key WHERE hash = $1 AND revoked IS NULL";
        let row = sqlx::query::<Any>(sql).bind(hash.to_owned()).fetch_optional(&mut *conn).await?;
        row.map(|row| key_row(&row)).transpose()
    }

    pub async fn api_keys_of(&self, party: Id<Party>) -> Result<Vec<ApiKey>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT hash, party, name, scopes, opened, revoked FROM api_key WHERE party = $1 ORDER BY opened, hash LIMIT $2";
        let rows = sqlx::query::<Any>(sql).bind(party.text()).bind(KEYS_MAX).fetch_all(&mut *conn).await?;
        rows.iter().map(key_row).collect()
    }

    pub async fn save_api_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Fenced).await?;
        sqlx::query::<Any>(
            "INSERT INTO api_key (hash, party, name, scopes, opened, revoked) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (hash) DO UPDATE SET revoked = excluded.revoked WHERE api_key.party = excluded.party",
        )
        .bind(key.hash.clone())
        .bind(key.party.text())
        .bind(key.name.clone())
        .bind(key.scopes.join(" "))
        .bind(key.opened.micros())
        .bind(key.revoked.map(WallTime::micros))
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}
