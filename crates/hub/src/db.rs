//! The one file that knows that there are two engines: SQLite, embedded, and PostgreSQL.
//!
//! Everything else writes SQL in their common subset with some words in braces, which `Db::sql`
//! fills in: `{rows}` the bulk row source over `$1`, `{lock}` the row lock of a `SELECT`, and in
//! table definitions `{text}`, `{bytes}`, `{keyed}`, `{hot}`, `{wide}`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::SqlSafeStr;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::pool::PoolConnection;
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqlStr, Transaction,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where a hub keeps everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "kebab-case")]
pub enum Store {
    /// One file, with its `-wal` and `-shm` beside it; one node.
    Sqlite { file: PathBuf },
    /// `postgres://user:password@host/database`; several nodes.
    Postgres { url: String },
}

impl Store {
    /// A file in the hub's own directory, or a server by its URL.
    #[must_use]
    pub fn new(file: PathBuf, url: Option<&str>) -> Self {
        match url {
            Some(url) => Self::Postgres { url: url.to_owned() },
            None => Self::Sqlite { file },
        }
    }

    /// The file of an embedded store.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite { file } => Some(file),
            Self::Postgres { .. } => None,
        }
    }

    /// The store in a file, such as a copy of one.
    #[must_use]
    pub const fn in_file(file: PathBuf) -> Self {
        Self::Sqlite { file }
    }

    /// The engine's name, as figures are quoted with it.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres { .. } => "postgresql",
        }
    }
}

/// What storage answers instead of doing what it was told. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum StoreError {
    /// Another transaction was in the way; the same may work in a moment.
    StoreConflict,
    /// A key that must be new is there already.
    StoreDuplicate { detail: String },
    /// No room on the disk.
    StoreFull,
    /// Unreachable, closed, or broken down in between.
    StoreLost { detail: String },
    /// What is stored cannot be read back.
    StoreDamaged { what: String },
    /// The engine does not accept the statement: a fault of this program.
    StoreRefused { state: String, detail: String },
}

impl StoreError {
    /// Whether the same may work after a moment, without anybody's doing.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::StoreConflict)
    }

    /// Its name, without what the engine said.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StoreConflict => "store-conflict",
            Self::StoreDuplicate { .. } => "store-duplicate",
            Self::StoreFull => "store-full",
            Self::StoreLost { .. } => "store-lost",
            Self::StoreDamaged { .. } => "store-damaged",
            Self::StoreRefused { .. } => "store-refused",
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::StoreDamaged { what: what.into() }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(refused) => {
                let state = refused.code().unwrap_or_default();
                of_state(&state, refused.message())
            }
            E::ColumnDecode { .. } | E::Decode(_) | E::ColumnNotFound(_) | E::ColumnIndexOutOfBounds { .. } => {
                Self::StoreDamaged { what: error.to_string() }
            }
            E::RowNotFound => Self::StoreDamaged { what: "a row that must be there".to_owned() },
            _ => Self::StoreLost { detail: error.to_string() },
        }
    }
}

/// SQLite's extended result codes are short decimal numbers, PostgreSQL's states have five characters.
fn of_state(state: &str, message: &str) -> StoreError {
    let detail = message.to_owned();
    match state {
        // SQLITE_BUSY, _LOCKED and their kinds; serialization failure, deadlock, lock not available.
        "5" | "6" | "261" | "262" | "517" | "773" | "40001" | "40P01" | "55P03" => StoreError::StoreConflict,
        // PRIMARY KEY, ROWID, UNIQUE; unique violation.
        "1555" | "2579" | "2067" | "23505" => StoreError::StoreDuplicate { detail },
        // SQLITE_FULL; disk full.
        "13" | "53100" => StoreError::StoreFull,
        // CORRUPT, NOTADB; data corrupted, index corrupted.
        "11" | "267" | "523" | "779" | "26" | "XX001" | "XX002" => StoreError::StoreDamaged { what: detail },
        _ => match state.as_bytes() {
            // Connection exceptions, insufficient resources, operator intervention, system errors.
            [b'0', b'8', ..] | [b'5', b'3' | b'7' | b'8', _, _, _] => StoreError::StoreLost { detail },
            // SQLITE_IOERR (10 and 256 n + 10), CANTOPEN (14), READONLY (8), NOMEM (7).
            _ if state.parse::<u32>().is_ok_and(|n| matches!(n % 256, 7 | 8 | 10 | 14) && state.len() < 5) => {
                StoreError::StoreLost { detail }
            }
            _ => StoreError::StoreRefused { state: state.to_owned(), detail },
        },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// Connections to one store. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    store: Store,
    options: AnyConnectOptions,
    read: AnyPool,
    write: AnyPool,
    /// SQLite has one writer at a time: ours queue here, in order, and not in its busy handler.
    gate: Arc<Semaphore>,
    /// Most pages that the SQLite file may have; 0 is no limit.
    page_limit: AtomicU32,
}

/// Readers of pages and exports at the same time; more wait.
const READERS: u32 = 6;
/// Cold writers (sessions, credentials, receipts) at the same time.
const WRITERS: u32 = 3;
/// Longest wait for a free connection, after which the store counts as lost.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(10);

/// For every connection. Pages of 16 kB: more rows of a batch share one, and each page written has its
/// cost. The WAL is written back meanwhile, see `write_back`; a commit does the rest of it when it has
/// grown to 128 MB. FULL syncs it at each commit.
const SQLITE_SETTINGS: &str = "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824; \
    PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 167772160; \
    PRAGMA secure_delete = FAST; PRAGMA foreign_keys = OFF";
const SQLITE_READ_ONLY: &str = "PRAGMA query_only = ON";

/// Bodies are JSON of 2–4 kB: compiling plans and compressing rows cost more than they save.
const POSTGRES_SETTINGS: &str = "SET synchronous_commit = on; SET jit = off; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning; SET TIME ZONE 'UTC'";
const POSTGRES_READ_ONLY: &str = "SET default_transaction_read_only = on";

impl Db {
    /// Opens the store, creating the SQLite file where there is none. PostgreSQL databases are
    /// created by their operator.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (engine, url) = match store {
            Store::Sqlite { file } => (Engine::Sqlite, sqlite_url(file)),
            Store::Postgres { url } => (Engine::Postgres, url.clone()),
        };
        let options: AnyConnectOptions = url.parse().map_err(StoreError::from)?;
        let options = options.disable_statement_logging();
        let (settings, read_only) = match engine {
            Engine::Sqlite => (SQLITE_SETTINGS, SQLITE_READ_ONLY),
            Engine::Postgres => (POSTGRES_SETTINGS, POSTGRES_READ_ONLY),
        };
        let pool = |most: u32, also: Option<&'static str>| {
            AnyPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(ACQUIRE_WITHIN)
                .test_before_acquire(engine == Engine::Postgres)
                .after_connect(move |conn, _| {
                    Box::pin(async move {
                        conn.execute(sqlx::raw_sql(settings)).await?;
                        if let Some(also) = also {
                            conn.execute(sqlx::raw_sql(also)).await?;
                        }
                        Ok(())
                    })
                })
                .connect_lazy_with(options.clone())
        };
        let db = Self {
            inner: Arc::new(Inner {
                engine,
                store: store.clone(),
                read: pool(READERS, Some(read_only)),
                write: pool(WRITERS, None),
                options,
                gate: Arc::new(Semaphore::new(if engine == Engine::Sqlite { 1 } else { Semaphore::MAX_PERMITS })),
                page_limit: AtomicU32::new(0),
            }),
        };
        // The first writer creates the file and turns WAL on, before any reader comes.
        drop(db.writer().await?);
        Ok(db)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Whether what is committed has to be written back from a log; see `write_back.rs`.
    pub(crate) fn has_log(&self) -> bool {
        self.inner.engine == Engine::Sqlite
    }

    /// Writes that log back as far as it goes without holding up anybody.
    pub(crate) async fn write_back(conn: &mut AnyConnection) -> Result<(), StoreError> {
        sqlx::query::<Any>("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(conn).await?;
        Ok(())
    }

    /// A connection of one's own, for a lane; it belongs to the runtime that opens it.
    pub async fn connect(&self) -> Result<AnyConnection, StoreError> {
        let mut conn = self.inner.options.connect().await?;
        let settings = match self.inner.engine {
            Engine::Sqlite => SQLITE_SETTINGS,
            Engine::Postgres => POSTGRES_SETTINGS,
        };
        conn.execute(sqlx::raw_sql(settings)).await?;
        Ok(conn)
    }

    /// For pages and exports: sees what is committed and writes nothing.
    pub async fn reader(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.inner.read.acquire().await?)
    }

    /// For cold writes, outside the lanes.
    pub async fn writer(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.inner.write.acquire().await?)
    }

    /// Several reads of one moment.
    pub async fn snapshot<'c>(&self, conn: &'c mut AnyConnection) -> Result<Transaction<'c, Any>, StoreError> {
        let begin = match self.inner.engine {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        Ok(conn.begin_with(begin).await?)
    }

    /// A writing transaction. `isolation` says against what it is guarded.
    pub async fn begin<'c>(&self, conn: &'c mut AnyConnection, isolation: Isolation) -> Result<Tx<'c>, StoreError> {
        let closed = |_| StoreError::StoreLost { detail: "closed".to_owned() };
        let gate = Arc::clone(&self.inner.gate).acquire_owned().await.map_err(closed)?;
        let begin = match (self.inner.engine, isolation) {
            (Engine::Sqlite, _) => "BEGIN IMMEDIATE",
            (Engine::Postgres, Isolation::Fenced) => "BEGIN",
            (Engine::Postgres, Isolation::Serializable) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let pages = self.inner.page_limit.load(Ordering::Relaxed);
        if pages > 0 && self.inner.engine == Engine::Sqlite {
            let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            conn.execute(sqlx::raw_sql(limit)).await?;
        }
        Ok(Tx { inner: conn.begin_with(begin).await?, _gate: gate })
    }

    /// Fills in the words by which the engines differ.
    pub(crate) fn sql(&self, text: &str) -> SqlStr {
        // Each element is taken out once, in the engine's binary form, not once for every field of it.
        let rows = match self.inner.engine {
            Engine::Sqlite => "WITH each_row AS MATERIALIZED (SELECT value FROM jsonb_each($1)) ",
            Engine::Postgres => "WITH each_row AS MATERIALIZED (SELECT value FROM jsonb_array_elements($1::jsonb)) ",
        };
        let words: [(&str, &str); 8] = match self.inner.engine {
            Engine::Sqlite => [
                ("{rows}", "each_row"),
                ("{lock}", ""),
                ("{text}", "TEXT"),
                ("{bytes}", "BLOB"),
                // The row's own number, and not an index beside it.
                ("{place}", "INTEGER"),
                ("{keyed}", "WITHOUT ROWID"),
                ("{hot}", ""),
                ("{wide}", ""),
            ],
            Engine::Postgres => [
                ("{rows}", "each_row"),
                ("{lock}", "FOR UPDATE"),
                // Ordered by bytes, as in SQLite, so that cursors mean the same.
                ("{text}", "TEXT COLLATE \"C\""),
                ("{bytes}", "BYTEA"),
                ("{place}", "BIGINT"),
                ("{keyed}", ""),
                // Rows of some kB stay in their page: written out of line, each would be cut in pieces of
                // 2 kB with an index of their own.
                ("{wide}", "WITH (toast_tuple_target = 8160)"),
                // Rows that are updated some times keep room for that in their page, and are not moved away.
                ("{hot}", "WITH (fillfactor = 70, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05)"),
            ],
        };
        let source = if text.contains("{rows}") { rows } else { "" };
        let filled = words.iter().fold(format!("{source}{text}"), |sql, (word, engine)| sql.replace(word, engine));
        AssertSqlSafe(filled).into_sql_str()
    }

    /// Keeps PostgreSQL from compressing a column that holds JSON bytes; SQLite never does.
    pub(crate) fn after_create(&self, table: &str, column: &str) -> Option<SqlStr> {
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL");
        (self.inner.engine == Engine::Postgres).then(|| AssertSqlSafe(sql).into_sql_str())
    }

    /// Limits the SQLite file, so that a runaway hub leaves room on the disk for its operator.
    /// PostgreSQL is limited by its own administration.
    pub fn limit_pages(&self, pages: u32) {
        self.inner.page_limit.store(pages, Ordering::Relaxed);
    }

    /// Writes a consistent copy of a running SQLite hub to a file that does not exist yet.
    /// PostgreSQL is backed up by its own means (`pg_basebackup` with WAL archiving, or `pg_dump`).
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        match self.inner.engine {
            Engine::Postgres => Err(BackupError::UsePostgresTools),
            Engine::Sqlite if to.exists() => Err(BackupError::TargetExists { file: to.to_owned() }),
            Engine::Sqlite => {
                let mut conn = self.connect().await?;
                let query = sqlx::query::<Any>("VACUUM INTO $1").bind(to.to_string_lossy().into_owned());
                query.execute(&mut conn).await.map_err(StoreError::from)?;
                conn.close().await.map_err(StoreError::from)?;
                // VACUUM INTO does not sync what it wrote.
                std::fs::File::open(to)
                    .and_then(|file| file.sync_all())
                    .map_err(|e| StoreError::StoreLost { detail: e.to_string() })?;
                Ok(())
            }
        }
    }

    /// Bytes that the store takes on disk.
    pub async fn size(&self) -> Result<i64, StoreError> {
        let mut conn = self.reader().await?;
        let sql = match self.inner.engine {
            Engine::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            Engine::Postgres => "SELECT pg_database_size(current_database())",
        };
        let row = sqlx::query::<Any>(sql).fetch_one(&mut *conn).await?;
        Ok(row.try_get(0)?)
    }

    /// Ends all pooled connections; what is under way is finished first.
    pub async fn close(&self) {
        self.inner.read.close().await;
        self.inner.write.close().await;
    }
}

/// Against what a writing transaction is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// By its lane's lease: nobody else writes these rows.
    Fenced,
    /// By the engine; conflicts are told and tried again.
    Serializable,
}

/// A writing transaction; without [`Tx::commit`] nothing happened.
pub struct Tx<'c> {
    inner: Transaction<'c, Any>,
    _gate: OwnedSemaphorePermit,
}

impl Tx<'_> {
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }

    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}

impl std::ops::Deref for Tx<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl std::ops::DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BackupError {
    /// PostgreSQL's own tools keep backups that can be rolled forward.
    UsePostgresTools,
    TargetExists {
        file: PathBuf,
    },
    #[serde(untagged)]
    Store(StoreError),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// `sqlite://` with the path's bytes escaped.
fn sqlite_url(file: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => url.push(char::from(*byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    url
}

/// A column of a row.
pub(crate) fn text(row: &AnyRow, column: usize) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

pub(crate) fn int(row: &AnyRow, column: usize) -> Result<i64, StoreError> {
    Ok(row.try_get(column)?)
}

pub(crate) fn int_or_null(row: &AnyRow, column: usize) -> Result<Option<i64>, StoreError> {
    Ok(row.try_get(column)?)
}

pub(crate) fn bytes(row: &AnyRow, column: usize) -> Result<&[u8], StoreError> {
    Ok(row.try_get(column)?)
}

/// A column that holds something with a text form: an id, a code.
pub(crate) fn parsed<T: std::str::FromStr>(row: &AnyRow, column: usize) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::damaged(text))
}

/// A column that holds a noun's JSON.
pub(crate) fn body<T: serde::de::DeserializeOwned>(row: &AnyRow, column: usize) -> Result<T, StoreError> {
    serde_json::from_slice(bytes(row, column)?).map_err(|e| StoreError::damaged(e.to_string()))
}

/// The same, where there may be none.
pub(crate) fn body_or_null<T: serde::de::DeserializeOwned>(
    row: &AnyRow,
    column: usize,
) -> Result<Option<T>, StoreError> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(|b| serde_json::from_slice(b).map_err(|e| StoreError::damaged(e.to_string()))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_codes_mean_the_same() {
        for (state, expected) in [
            ("5", StoreError::StoreConflict),
            ("517", StoreError::StoreConflict),
            ("40001", StoreError::StoreConflict),
            ("40P01", StoreError::StoreConflict),
            ("13", StoreError::StoreFull),
            ("53100", StoreError::StoreFull),
            ("1555", StoreError::StoreDuplicate { detail: String::new() }),
            ("23505", StoreError::StoreDuplicate { detail: String::new() }),
            ("778", StoreError::StoreLost { detail: String::new() }),
            ("57P01", StoreError::StoreLost { detail: String::new() }),
            ("08006", StoreError::StoreLost { detail: String::new() }),
            ("26", StoreError::StoreDamaged { what: String::new() }),
            ("1", StoreError::StoreRefused { state: "1".into(), detail: String::new() }),
            ("42601", StoreError::StoreRefused { state: "42601".into(), detail: String::new() }),
        ] {
            assert_eq!(of_state(state, ""), expected, "{state}");
        }
    }

    #[test]
    fn a_path_with_blanks_and_marks_is_one_url() {
        assert_eq!(sqlite_url(Path::new("/a b/c?d.db")), "sqlite:///a%20b/c%3Fd.db?mode=rwc");
    }
}
