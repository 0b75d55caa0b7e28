//! The tables, as numbered migrations. Each runs once, in a transaction of its own, and is recorded.
//!
//! Column types are text, integer of 64 bits and bytes only. A noun's row holds its JSON in `body`;
//! the other columns are derived from it, for keys and lists. Indexes are few, and partial where
//! only open things are looked for, since every random key costs a page a row.

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection};
use trade::card::Mode;
use trade::codes::HubId;
use trade::time::WallTime;

use crate::db::{Db, Isolation, StoreError, int, text};

/// A step from one form of the tables to the next; never changed once released.
struct Migration {
    n: i64,
    name: &'static str,
    steps: &'static [&'static str],
    /// Tables and columns of JSON bytes, which PostgreSQL shall not compress.
    bodies: &'static [(&'static str, &'static str)],
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        n: 1,
        name: "first",
        steps: &[
            // Who decides: one owner a lane, told apart by the fence.
            "CREATE TABLE lane (lane {text} PRIMARY KEY, owner TEXT NOT NULL, address TEXT NOT NULL, \
         fence BIGINT NOT NULL, until BIGINT NOT NULL) {keyed}",
            // Business time and the wall time at which it was set.
            "CREATE TABLE clock (clock {text} PRIMARY KEY, business BIGINT NOT NULL, wall BIGINT NOT NULL) {keyed}",
            "CREATE TABLE party (id {text} PRIMARY KEY, roles TEXT NOT NULL, country TEXT NOT NULL, \
         since BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE TABLE personal (party {text} PRIMARY KEY, keep_until BIGINT, body {bytes} NOT NULL)",
            "CREATE INDEX personal_overdue ON personal (keep_until) WHERE keep_until IS NOT NULL",
            "CREATE TABLE product (id {text} PRIMARY KEY, seller {text} NOT NULL, sku {text} NOT NULL, \
         ready BIGINT NOT NULL, changed BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE INDEX product_seller ON product (seller, sku)",
            "CREATE TABLE offer (id {text} PRIMARY KEY, hub TEXT NOT NULL, withdrawn BIGINT NOT NULL, \
         since BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE INDEX offer_open ON offer (id) WHERE withdrawn = 0",
            "CREATE TABLE quote (id {text} PRIMARY KEY, exporter TEXT NOT NULL, importer TEXT NOT NULL, \
         asked_by {text}, expires_at BIGINT NOT NULL, body {bytes} NOT NULL) {wide}",
            "CREATE TABLE trade_file (id {text} PRIMARY KEY, side TEXT NOT NULL, stage {text} NOT NULL, \
         holder {text} NOT NULL, task TEXT NOT NULL, since BIGINT NOT NULL, deadline BIGINT, \
         peer TEXT, opened BIGINT NOT NULL, updated BIGINT NOT NULL, events TEXT NOT NULL, body {bytes} NOT NULL) {hot}",
            "CREATE INDEX trade_stage ON trade_file (stage, since)",
            "CREATE INDEX trade_opened ON trade_file (opened, id)",
            // The order in a trade file: the same from when it comes, as is the quote that it takes.
            "CREATE TABLE trade_order (id {text} PRIMARY KEY, quote {text} NOT NULL, seller {text}, buyer {text}, opened BIGINT NOT NULL, \
         body {bytes} NOT NULL)",
            "CREATE INDEX order_seller ON trade_order (seller, opened, id) WHERE seller IS NOT NULL",
            "CREATE INDEX order_buyer ON trade_order (buyer, opened, id) WHERE buyer IS NOT NULL",
            // What an authority, a carrier, a firm or the hub has on its desk.
            "CREATE INDEX trade_desk ON trade_file (holder, since, id) \
         WHERE holder NOT IN ('nobody', 'buyer', 'seller')",
            // Payouts, taken out of their trade files, so that what is due is found.
            "CREATE TABLE payout (id {text} PRIMARY KEY, trade {text} NOT NULL, kind TEXT NOT NULL, state {text} NOT NULL, \
         due_at BIGINT NOT NULL, file {text}, amount BIGINT NOT NULL, currency TEXT NOT NULL) {hot}",
            "CREATE INDEX payout_open ON payout (state, due_at, id) WHERE state <> 'done'",
            "CREATE INDEX payout_file ON payout (file, id) WHERE file IS NOT NULL",
            // Parcels in warehouses, taken out of their trade files.
            "CREATE TABLE storage (trade {text} PRIMARY KEY, warehouse {text} NOT NULL, bin {text}, \
         is_here BIGINT NOT NULL, since BIGINT NOT NULL) {hot}",
            "CREATE INDEX storage_here ON storage (warehouse, since, trade) WHERE is_here = 1",
            // Heaps of goods, their movements, and what each movement did to which heap.
            "CREATE TABLE stock (id {text} PRIMARY KEY, warehouse {text} NOT NULL, seller {text} NOT NULL, \
         product {text} NOT NULL, sku {text} NOT NULL, bin {text} NOT NULL, pieces BIGINT NOT NULL, \
         body {bytes} NOT NULL) {hot}",
            "CREATE INDEX stock_held ON stock (sku, id) WHERE pieces > 0",
            "CREATE TABLE stock_move (id {text} PRIMARY KEY, warehouse {text} NOT NULL, product {text} NOT NULL, \
         at BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE INDEX stock_move_at ON stock_move (warehouse, at)",
            "CREATE TABLE stock_delta (made {text} NOT NULL, heap {text} NOT NULL, delta BIGINT NOT NULL, \
         PRIMARY KEY (heap, made))",
            "CREATE TABLE bag (id {text} PRIMARY KEY, by_party {text} NOT NULL, is_here BIGINT NOT NULL, \
         opened BIGINT NOT NULL, body {bytes} NOT NULL) {hot}",
            "CREATE INDEX bag_here ON bag (by_party, opened) WHERE is_here = 1",
            "CREATE TABLE manifest (id {text} PRIMARY KEY, side {text} NOT NULL, state {text} NOT NULL, \
         opened BIGINT NOT NULL, body {bytes} NOT NULL) {hot}",
            "CREATE INDEX manifest_opened ON manifest (opened, id)",
            // Advances and claims for the word, taken out of their trade files; what sellers owe lenders.
            "CREATE TABLE advance (id {text} PRIMARY KEY, lender {text}, state {text} NOT NULL, asked_at BIGINT NOT NULL, \
         until BIGINT NOT NULL, due_at BIGINT, repayment BIGINT, currency TEXT NOT NULL)",
            "CREATE INDEX advance_asked ON advance (until, id) WHERE state = 'asked'",
            "CREATE INDEX advance_lender ON advance (lender, asked_at, id) WHERE lender IS NOT NULL",
            "CREATE TABLE finance_claim (id {text} PRIMARY KEY, trade TEXT NOT NULL, lender {text} NOT NULL, \
         asked_at BIGINT NOT NULL)",
            "CREATE INDEX finance_claim_lender ON finance_claim (lender, asked_at, id)",
            "CREATE TABLE debt (seller {text} PRIMARY KEY, owed BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE INDEX debt_open ON debt (owed, seller) WHERE owed > 0",
            "CREATE TABLE number (id {text} PRIMARY KEY, trade TEXT NOT NULL) {keyed}",
            "CREATE TABLE quota (id {text} PRIMARY KEY, used BIGINT NOT NULL, currency TEXT NOT NULL) {keyed}",
            "CREATE TABLE mandate (id {text} PRIMARY KEY, giver {text} NOT NULL, broker {text} NOT NULL, \
         is_open BIGINT NOT NULL, until BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE INDEX mandate_giver ON mandate (giver, id)",
            "CREATE INDEX mandate_broker ON mandate (broker, id)",
            "CREATE TABLE permit (id {text} PRIMARY KEY, holder {text} NOT NULL, state {text} NOT NULL, \
         deadline BIGINT, hs6 TEXT NOT NULL, body {bytes} NOT NULL)",
            "CREATE INDEX permit_holder ON permit (holder, id)",
            "CREATE INDEX permit_open ON permit (deadline, id) WHERE deadline IS NOT NULL",
            "CREATE TABLE account (id {text} PRIMARY KEY, currency TEXT NOT NULL, debit BIGINT NOT NULL, \
         credit BIGINT NOT NULL, pending_debit BIGINT NOT NULL, pending_credit BIGINT NOT NULL) {keyed}",
            "CREATE TABLE transfer (seq {place} PRIMARY KEY, trade {text} NOT NULL, leg TEXT NOT NULL, kind TEXT NOT NULL, \
         debit {text} NOT NULL, credit {text} NOT NULL, amount BIGINT NOT NULL, currency TEXT NOT NULL, \
         at BIGINT NOT NULL)",
            "CREATE INDEX transfer_trade ON transfer (trade)",
            "CREATE TABLE peer (id {text} PRIMARY KEY, url TEXT NOT NULL, paused BIGINT NOT NULL, body {bytes} NOT NULL)",
            // The log: `leaf` is what the tree holds, byte for byte.
            "CREATE TABLE event (n {place} PRIMARY KEY, at BIGINT NOT NULL, to_peer {text}, \
         road_seq BIGINT, kind TEXT NOT NULL, leaf {bytes} NOT NULL) {wide}",
            "CREATE UNIQUE INDEX event_road ON event (to_peer, road_seq) WHERE to_peer IS NOT NULL",
            "CREATE TABLE tile (level BIGINT NOT NULL, idx BIGINT NOT NULL, bytes {bytes} NOT NULL, \
         PRIMARY KEY (level, idx)) {hot}",
            "CREATE TABLE checkpoint (epoch BIGINT NOT NULL, size BIGINT NOT NULL, note TEXT NOT NULL, at BIGINT NOT NULL, \
         PRIMARY KEY (epoch, size))",
            // How far each peer has got with our log, and the heads that they countersigned.
            "CREATE TABLE road_out (peer {text} PRIMARY KEY, acknowledged BIGINT NOT NULL, body {bytes} NOT NULL)",
            "CREATE TABLE cosignature (epoch BIGINT NOT NULL, size BIGINT NOT NULL, witness {text} NOT NULL, \
         line TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (epoch, size, witness))",
            "CREATE TABLE credential (login {text} PRIMARY KEY, party {text} NOT NULL, secret TEXT NOT NULL, \
         changed BIGINT NOT NULL)",
            "CREATE TABLE session (token {text} PRIMARY KEY, party {text} NOT NULL, opened BIGINT NOT NULL, \
         expires BIGINT NOT NULL)",
            "CREATE INDEX session_expired ON session (expires)",
            "CREATE TABLE api_key (hash {text} PRIMARY KEY, party {text} NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, \
         opened BIGINT NOT NULL, revoked BIGINT)",
            "CREATE INDEX api_key_party ON api_key (party)",
            // Requests by their sender's key; the answer is sealed, and empty until there is one.
            "CREATE TABLE idempotency (caller {text} NOT NULL, key {text} NOT NULL, request TEXT NOT NULL, \
         first BIGINT NOT NULL, claimed BIGINT NOT NULL, answer {bytes} NOT NULL, PRIMARY KEY (caller, key))",
            "CREATE INDEX idempotency_first ON idempotency (first)",
            // Addresses that are told what happens, and what was sent to each.
            "CREATE TABLE webhook (id {text} PRIMARY KEY, party {text} NOT NULL, url TEXT NOT NULL, kinds TEXT NOT NULL, \
         made BIGINT NOT NULL, generation BIGINT NOT NULL, rotated BIGINT, cursor BIGINT NOT NULL, \
         failing_since BIGINT, stopped BIGINT, why TEXT)",
            "CREATE INDEX webhook_party ON webhook (party, id)",
            "CREATE TABLE webhook_delivery (webhook {text} NOT NULL, n BIGINT NOT NULL, kind TEXT NOT NULL, \
         tries BIGINT NOT NULL, due BIGINT, tried BIGINT, status BIGINT NOT NULL, fault TEXT NOT NULL, \
         millis BIGINT NOT NULL, PRIMARY KEY (webhook, n))",
            "CREATE INDEX webhook_due ON webhook_delivery (webhook, n) WHERE due IS NOT NULL",
            "CREATE TABLE access_log (n {place} PRIMARY KEY, day {text} NOT NULL, at BIGINT NOT NULL, who {text} NOT NULL, \
         what TEXT NOT NULL, subject {text} NOT NULL, reason TEXT NOT NULL)",
            "CREATE INDEX access_day ON access_log (day, n)",
            "CREATE INDEX access_subject ON access_log (subject, n)",
            // Kept counts, and how far each seller has come; see `tally.rs`.
            "CREATE TABLE tally (what {text} NOT NULL, period {text} NOT NULL, key {text} NOT NULL, span BIGINT NOT NULL, \
         n BIGINT NOT NULL, PRIMARY KEY (what, period, key, span)) {keyed}",
            "CREATE TABLE seller_path (seller {text} PRIMARY KEY, body {bytes} NOT NULL)",
        ],
        bodies: &[
            ("party", "body"),
            ("personal", "body"),
            ("product", "body"),
            ("offer", "body"),
            ("quote", "body"),
            ("trade_file", "body"),
            ("trade_order", "body"),
            ("stock", "body"),
            ("stock_move", "body"),
            ("bag", "body"),
            ("manifest", "body"),
            ("debt", "body"),
            ("peer", "body"),
            ("mandate", "body"),
            ("permit", "body"),
            ("event", "leaf"),
            ("tile", "bytes"),
            ("road_out", "body"),
            ("idempotency", "answer"),
        ],
    },
    Migration {
        n: 2,
        name: "upload",
        steps: &[
            "CREATE TABLE upload (id {text} PRIMARY KEY, party {text} NOT NULL, file_name TEXT NOT NULL, \
         mapping TEXT NOT NULL, at BIGINT NOT NULL, bytes {bytes} NOT NULL)",
            "CREATE INDEX upload_party ON upload (party, at)",
            // What parties brought forward for claims; the log holds salted commitments of it alone.
            "CREATE TABLE evidence (id {text} PRIMARY KEY, trade {text} NOT NULL, party {text} NOT NULL, \
         kind TEXT NOT NULL, media TEXT NOT NULL, at BIGINT NOT NULL, keep_until BIGINT NOT NULL, \
         salt {bytes} NOT NULL, contents {bytes} NOT NULL)",
            "CREATE INDEX evidence_overdue ON evidence (keep_until)",
        ],
        bodies: &[],
    },
    Migration {
        n: 3,
        name: "received",
        steps: &[
            // What peers told, byte for byte, in the order of their roads; only appended to. The proof
            // leads to the head of `size` leaves, which came with it.
            "CREATE TABLE received (peer {text} NOT NULL, road_seq BIGINT NOT NULL, n BIGINT NOT NULL, \
         epoch BIGINT NOT NULL, size BIGINT NOT NULL, leaf {bytes} NOT NULL, proof {bytes} NOT NULL, \
         PRIMARY KEY (peer, road_seq)) {wide}",
            "CREATE TABLE seen_head (peer {text} NOT NULL, epoch BIGINT NOT NULL, size BIGINT NOT NULL, \
         note TEXT NOT NULL, PRIMARY KEY (peer, epoch, size))",
        ],
        bodies: &[("received", "leaf"), ("received", "proof")],
    },
    Migration {
        n: 4,
        name: "refusals",
        steps: &["CREATE TABLE refusal (day {text} NOT NULL, command {text} NOT NULL, code {text} NOT NULL, \
         count BIGINT NOT NULL, PRIMARY KEY (day, command, code)) {keyed}"],
        bodies: &[],
    },
    Migration {
        n: 5,
        name: "access digests",
        steps: &["CREATE TABLE access_digest (day {text} PRIMARY KEY, first BIGINT NOT NULL, looks BIGINT NOT NULL, \
         sha256 TEXT NOT NULL) {keyed}"],
        bodies: &[],
    },
    Migration {
        n: 6,
        name: "epoch",
        steps: &[
            // Own statements of losses; `events` is how many there were when the epoch was opened.
            "CREATE TABLE epoch (epoch BIGINT PRIMARY KEY, events BIGINT NOT NULL, at BIGINT NOT NULL, \
         body {bytes} NOT NULL)",
        ],
        bodies: &[],
    },
    Migration {
        n: 7,
        name: "rule packs",
        // Every version that was ever gone by, so that what it gave can be worked out again.
        steps: &["CREATE TABLE rule_pack (digest {text} PRIMARY KEY, pack TEXT NOT NULL, kept_at BIGINT NOT NULL, \
         body {bytes} NOT NULL)"],
        bodies: &[],
    },
    Migration {
        n: 8,
        name: "variance",
        // What customs charged beside the quote, of trades where it differs; see `variance.rs`.
        steps: &[
            "CREATE TABLE variance (trade {text} NOT NULL, charge {text} NOT NULL, grp {text} NOT NULL, \
         quoted BIGINT NOT NULL, charged BIGINT NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL, \
         PRIMARY KEY (trade, charge))",
            "CREATE INDEX variance_grp ON variance (grp, trade)",
        ],
        bodies: &[],
    },
];

/// Why a store is not opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum OpenError {
    /// The store was made for another hub.
    OtherHub { expected: HubId, got: String },
    /// Sandbox and production never meet.
    OtherMode { expected: Mode, got: String },
    /// A newer version of this program has changed the tables.
    NewerTables { known: i64, found: i64 },
    /// The tables are of an older version, or there are none: the hub brings them up to date when it is served.
    OlderTables { known: i64, found: i64 },
    #[serde(untagged)]
    Store(StoreError),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for OpenError {}

/// Two nodes may start at once on one PostgreSQL; whoever comes second finds it done.
const TRIES: u32 = 8;

/// Brings the tables up to date. Returns how many migrations were run.
pub async fn migrate(db: &Db, now: WallTime) -> Result<usize, OpenError> {
    let mut conn = db.writer().await?;
    for tried in 0.. {
        match migrate_once(db, &mut conn, now).await {
            // Two that create the same table at once: the engine refuses one of them.
            Err(OpenError::Store(
                StoreError::StoreConflict | StoreError::StoreDuplicate { .. } | StoreError::StoreRefused { .. },
            )) if tried < TRIES => tokio::time::sleep(std::time::Duration::from_millis(20 << tried)).await,
            other => return other,
        }
    }
    unreachable!("the loop ends by returning")
}

async fn migrate_once(db: &Db, conn: &mut AnyConnection, now: WallTime) -> Result<usize, OpenError> {
    let mut tx = db.begin(conn, Isolation::Serializable).await?;
    let recorded =
        "CREATE TABLE IF NOT EXISTS migration (n BIGINT PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)";
    sqlx::query::<Any>(recorded).execute(&mut *tx).await?;
    let meta = db.sql("CREATE TABLE IF NOT EXISTS meta (key {text} PRIMARY KEY, value TEXT NOT NULL)");
    sqlx::query::<Any>(meta).execute(&mut *tx).await?;
    let found = sqlx::query::<Any>("SELECT COALESCE(MAX(n), 0) FROM migration").fetch_one(&mut *tx).await?;
    let found = int(&found, 0)?;
    tx.commit().await?;
    let known = MIGRATIONS.last().map_or(0, |m| m.n);
    if found > known {
        return Err(OpenError::NewerTables { known, found });
    }
    let mut ran = 0;
    for migration in MIGRATIONS.iter().filter(|m| m.n > found) {
        let mut tx = db.begin(conn, Isolation::Serializable).await?;
        for step in migration.steps {
            sqlx::query::<Any>(db.sql(step)).persistent(false).execute(&mut *tx).await?;
        }
        for (table, column) in migration.bodies {
            if let Some(step) = db.after_create(table, column) {
                sqlx::query::<Any>(step).persistent(false).execute(&mut *tx).await?;
            }
        }
        sqlx::query::<Any>("INSERT INTO migration (n, name, at) VALUES ($1, $2, $3)")
            .bind(migration.n)
            .bind(migration.name)
            .bind(now.micros())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        ran += 1;
    }
    Ok(ran)
}

/// Takes the store for this hub and mode at the first opening, and refuses any other ever after.
pub async fn claim(db: &Db, hub: &HubId, mode: Mode) -> Result<(), OpenError> {
    let mut conn = db.writer().await?;
    let mut tx = db.begin(&mut conn, Isolation::Serializable).await?;
    for (key, value) in [("hub", hub.as_str()), ("mode", mode.as_str())] {
        sqlx::query::<Any>("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
            .bind(key)
            .bind(value)
            .execute(&mut *tx)
            .await?;
    }
    let rows =
        sqlx::query::<Any>("SELECT key, value FROM meta WHERE key IN ('hub', 'mode')").fetch_all(&mut *tx).await?;
    tx.commit().await?;
    for row in &rows {
        let got = text(row, 1)?;
        match text(row, 0)?.as_str() {
            "hub" if got != hub.as_str() => return Err(OpenError::OtherHub { expected: hub.clone(), got }),
            "mode" if got != mode.as_str() => return Err(OpenError::OtherMode { expected: mode, got }),
            _ => {}
        }
    }
    Ok(())
}

/// There is no store at all.
pub(crate) fn none_yet() -> OpenError {
    OpenError::OlderTables { known: MIGRATIONS.last().map_or(0, |m| m.n), found: 0 }
}

/// Whether the tables are those of this program, without changing them.
pub async fn is_current(db: &Db) -> Result<(), OpenError> {
    let known = MIGRATIONS.last().map_or(0, |m| m.n);
    let mut conn = db.reader().await?;
    let found = sqlx::query::<Any>("SELECT COALESCE(MAX(n), 0) FROM migration").fetch_one(&mut *conn).await;
    let found = found.map_or(Ok(0), |row| int(&row, 0))?;
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(OpenError::NewerTables { known, found }),
        std::cmp::Ordering::Less => Err(OpenError::OlderTables { known, found }),
    }
}

/// Looks into a copy of a store before it is put back: it must be whole, and this hub's.
pub async fn is_copy_of(db: &Db, hub: &HubId, mode: Mode) -> Result<(), OpenError> {
    let mut conn = db.reader().await?;
    let rows = sqlx::query::<Any>("SELECT key, value FROM meta WHERE key IN ('hub', 'mode') ORDER BY key");
    let rows = rows.fetch_all(&mut *conn).await?;
    let found = rows.iter().map(|row| text(row, 1)).collect::<Result<Vec<_>, _>>()?;
    match found.as_slice() {
        [got, _] if got != hub.as_str() => Err(OpenError::OtherHub { expected: hub.clone(), got: got.clone() }),
        [_, got] if got != mode.as_str() => Err(OpenError::OtherMode { expected: mode, got: got.clone() }),
        [_, _] => Ok(()),
        _ => Err(OpenError::OtherHub { expected: hub.clone(), got: String::new() }),
    }
}

/// Notes in a copy that it is one: the hub that is opened on it asks its witnesses before all else.
pub async fn mark_restored(db: &Db) -> Result<(), OpenError> {
    let mut conn = db.writer().await?;
    let mut tx = db.begin(&mut conn, Isolation::Serializable).await?;
    let sql = "INSERT INTO meta (key, value) VALUES ($1, '1') ON CONFLICT (key) DO NOTHING";
    sqlx::query::<Any>(sql).bind(crate::recovery::RESTORED).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
