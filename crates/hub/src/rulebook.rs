//! Rule packs that the hub goes by or went by: each version is kept for ever under its digest, so that a
//! quote which names it can be worked out again after the pack has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::Any;
use trade::rulebook::{PACKS_MARK, Pack, PackName, PacksInUse, UsePacks, from_mark};

use crate::db::{Isolation, StoreError, bytes, text};
use crate::hub::Hub;

/// Versions that were looked up, loaded once. A few: each is some megabytes at most, and few are asked for.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<HashMap<String, Arc<Pack>>>);

const SHELF_MAX: usize = 16;

impl Hub {
    /// Keeps the packs that this hub was opened with. Before the first answer that rests on one of them.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn keep_packs(&self) -> Result<(), StoreError> {
        if self.packs_said().await? == self.site().rulebooks.in_use() {
            return Ok(());
        }
        let mut conn = self.db().writer().await?;
        let mut tx = self.db().begin(&mut conn, Isolation::Serializable).await?;
        let at = self.wall_now().micros();
        for (name, digest, files) in self.site().rulebooks.packs() {
            let body = serde_json::to_vec(files).expect("names and texts only");
            let sql = "INSERT INTO rule_pack (digest, pack, kept_at, body) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (digest) DO NOTHING";
            let query = sqlx::query::<Any>(sql).bind(digest.to_owned()).bind(name.to_string()).bind(at).bind(body);
            query.execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// Keeps the packs that this hub was opened with, and says what the log does not say of them yet.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn packs_due(&self) -> Result<Option<UsePacks>, StoreError> {
        let packs = self.site().rulebooks.in_use();
        if self.packs_said().await? == packs {
            return Ok(None);
        }
        self.keep_packs().await?;
        Ok(Some(UsePacks { packs }))
    }

    /// What the log says that this hub goes by.
    async fn packs_said(&self) -> Result<PacksInUse, StoreError> {
        let mut conn = self.db().reader().await?;
        let mark = sqlx::query::<Any>("SELECT value FROM meta WHERE key = $1").bind(PACKS_MARK);
        let mark = mark.fetch_optional(&mut *conn).await?.map(|row| text(&row, 0)).transpose()?;
        Ok(from_mark(mark.as_deref()))
    }

    /// The digests of all versions of a pack that were gone by, the oldest first.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub async fn pack_versions(&self, pack: &PackName) -> Result<Vec<String>, StoreError> {
        let mut conn = self.db().reader().await?;
        let sql = "SELECT digest FROM rule_pack WHERE pack = $1 ORDER BY kept_at, digest LIMIT 1000";
        let rows = sqlx::query::<Any>(sql).bind(pack.to_string()).fetch_all(&mut *conn).await?;
        rows.iter().map(|row| text(row, 0)).collect()
    }

    /// The version of a pack with this digest; none where the hub never went by it.
    ///
    /// # Errors
    /// The store cannot be reached, or what is kept is not what the digest says.
    pub async fn pack_by_digest(&self, digest: &str) -> Result<Option<Arc<Pack>>, StoreError> {
        let shelf = self.shelf();
        let known = |shelf: &Shelf| shelf.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned();
        if let Some(pack) = known(shelf) {
            return Ok(Some(pack));
        }
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM rule_pack WHERE digest = $1").bind(digest.to_owned());
        let Some(row) = query.fetch_optional(&mut *conn).await? else { return Ok(None) };
        let body = bytes(&row, 0)?;
        let damaged = || StoreError::damaged(format!("rule pack {digest}"));
        let files: Vec<(String, String)> = serde_json::from_slice(body).map_err(|_| damaged())?;
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let pack = Arc::new(Pack::load(&files).map_err(|_| damaged())?);
        if **pack.digest() != *digest {
            return Err(damaged());
        }
        let mut held = shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= SHELF_MAX {
            held.clear();
        }
        held.insert(digest.to_owned(), pack.clone());
        Ok(Some(pack))
    }
}
