//! Fresh stores and sample hubs for tests, here and in other crates. Every test of the hub runs on
//! both engines: SQLite in a directory of its own, and a database of its own in a PostgreSQL server
//! that is started for the test process and ends with it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Connection, Row};
use trade::card::Mode;
use trade::checkpoint::Epoch;
use trade::codes::{Country, HubId};
use trade::rulebook::{Rulebooks, builtin};
use trade::site::{BankAccount, Site, SiteConfig};
use trade::time::{BusinessTime, WallTime};

use crate::clock::Clock;
use crate::db::{Store, StoreError};
use crate::hub::{Config, Hub, Limits, Node};

/// 2026-11-23T01:00:00Z, where business time of the samples starts.
pub const START: BusinessTime = BusinessTime::from_micros(1_795_395_600_000_000);

/// The same instant of the wall clock, for tests whose clock stands.
pub const WALL: WallTime = WallTime::from_micros(1_795_395_600_000_000);

/// A store that nobody has used, removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    pub store: Store,
    pub engine: &'static str,
    dir: Option<PathBuf>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(dir) = &self.dir {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn fresh_name() -> String {
    format!("ehub-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A fresh store on each engine: what a test runs over.
///
/// # Panics
/// If a store cannot be made; a test cannot go on then.
pub async fn stores() -> Vec<Scratch> {
    let mut stores = vec![sqlite()];
    stores.extend(postgres().await);
    stores
}

/// # Panics
/// If the directory cannot be made.
#[must_use]
pub fn sqlite() -> Scratch {
    let dir = std::env::temp_dir().join(fresh_name());
    std::fs::create_dir_all(&dir).expect("a directory for a test");
    Scratch { store: Store::Sqlite { file: dir.join("hub.db") }, engine: "sqlite", dir: Some(dir) }
}

/// `None` where PostgreSQL is not installed, which is said loudly.
///
/// # Panics
/// If the server is there and does not start.
pub async fn postgres() -> Option<Scratch> {
    database("template0").await
}

/// A store as it is now, such as a backup is: for a hub that is closed.
///
/// # Panics
/// If the store cannot be copied.
pub async fn copy_of(scratch: &Scratch) -> Scratch {
    match &scratch.store {
        Store::Sqlite { file } => {
            let copy = sqlite();
            let Store::Sqlite { file: to } = &copy.store else { unreachable!("a file was asked for") };
            std::fs::copy(file, to).expect("a closed store is one file");
            copy
        }
        Store::Postgres { url } => {
            let name = url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            database(name).await.expect("the server that has the original")
        }
    }
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();

async fn database(template: &str) -> Option<Scratch> {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let server = SERVER.get_or_init(|| match Server::start() {
        Ok(server) => server,
        Err(error) => panic!("PostgreSQL is installed and does not start: {error}"),
    });
    let server = server.as_ref()?;
    let name = fresh_name().replace('-', "_");
    let _one = ONE_AT_A_TIME.lock().await;
    server.create(&name, template).await.expect("a database for a test");
    Some(Scratch { store: Store::Postgres { url: server.url(&name) }, engine: "postgresql", dir: None })
}

/// A private PostgreSQL on a socket in its own directory. A shell beside it takes orders until the
/// end of its input, which comes when this process ends, however it ends, and then stops and removes it.
pub struct Server {
    dir: PathBuf,
    shell: Child,
}

/// A test gains nothing from a sync: what a dead process has written, the machine still has.
const SHELL: &str = r#"
run() {
    "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=300 -c shared_buffers=256MB \
        -c fsync=off -c full_page_writes=off -c max_wal_size=4GB </dev/null >>"$dir/log" 2>&1 &
    server=$!
}
bin=$1 dir=$2
"$bin/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C -N >"$dir/log" 2>&1 || exit 1
run
while read -r order pid; do
    case $order in
        kill) kill -KILL $server $(cat /proc/$server/task/$server/children); wait $server ;;
        kill-one) kill -KILL "$pid" ;;
        run) run ;;
    esac
done
kill -INT $server
wait $server
rm -rf "$dir"
"#;

impl Server {
    /// A server for one test alone, which may kill it. `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// If the server is there and does not start.
    pub fn private() -> Option<Self> {
        Self::start().expect("PostgreSQL is installed and starts")
    }

    /// A fresh database on this server.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn scratch(&self) -> Scratch {
        let name = fresh_name().replace('-', "_");
        self.create(&name, "template0").await.expect("a database for a test");
        Scratch { store: Store::Postgres { url: self.url(&name) }, engine: "postgresql", dir: None }
    }

    fn order(&mut self, order: &str) {
        let input = self.shell.stdin.as_mut().expect("the shell listens until it is dropped");
        writeln!(input, "{order}").expect("the shell lives");
    }

    /// The whole server dies at once.
    pub fn kill(&mut self) {
        self.order("kill");
    }

    /// One of its processes dies at once, and the server takes all its connections down with it.
    pub fn kill_one(&mut self, pid: i64) {
        self.order(&format!("kill-one {pid}"));
    }

    /// Starts a killed server again.
    pub fn run(&mut self) {
        self.order("run");
    }

    /// Waits until it takes connections.
    ///
    /// # Panics
    /// If it does not within half a minute.
    pub async fn up(&self) {
        for _ in 0..300 {
            if sqlx::AnyConnection::connect(&self.url("postgres")).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", std::fs::read_to_string(self.dir.join("log")).unwrap_or_default());
    }

    fn start() -> io::Result<Option<Self>> {
        let Some(bin) = binaries() else {
            eprintln!("\n*** PostgreSQL is not installed: ITS HALF OF THE TESTS IS LEFT OUT ***\n");
            return Ok(None);
        };
        let dir = std::env::temp_dir().join(fresh_name() + "-server");
        std::fs::create_dir_all(&dir)?;
        // The server refuses to run as root.
        let mut shell = match other_user() {
            Some(user) => {
                Command::new("chown").arg(&user).arg(&dir).status()?;
                let mut shell = Command::new("setpriv");
                shell.args(["--reuid", &user, "--regid", &group_of(&user), "--clear-groups", "sh"]);
                shell
            }
            None => Command::new("sh"),
        };
        let shell =
            shell.args(["-c", SHELL, "sh"]).arg(bin).arg(&dir).current_dir("/").stdin(Stdio::piped()).spawn()?;
        let server = Self { dir, shell };
        for _ in 0..600 {
            if server.dir.join(".s.PGSQL.5432").exists() {
                return Ok(Some(server));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = std::fs::read_to_string(server.dir.join("log")).unwrap_or_default();
        Err(io::Error::other(log))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}&sslmode=disable", self.dir.display())
    }

    async fn create(&self, name: &str, template: &str) -> Result<(), sqlx::Error> {
        sqlx::any::install_default_drivers();
        let mut tried = 0;
        let mut conn = loop {
            match sqlx::AnyConnection::connect(&self.url("postgres")).await {
                // The socket is there a moment before the server takes connections.
                Err(_) if tried < 100 => tokio::time::sleep(Duration::from_millis(50)).await,
                other => break other?,
            }
            tried += 1;
        };
        // The connections of a hub that was just closed may take a moment to be gone.
        let mut tried = 0;
        loop {
            tried += 1;
            let sql = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}"));
            match sqlx::query::<Any>(sql).persistent(false).execute(&mut conn).await {
                Err(_) if tried < 100 => tokio::time::sleep(Duration::from_millis(50)).await,
                other => {
                    other?;
                    break;
                }
            }
        }
        conn.close().await
    }
}

/// Where `initdb` and `postgres` are.
fn binaries() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.and_then(|o| String::from_utf8(o.stdout).ok()).map(|dir| PathBuf::from(dir.trim()));
    let mut packaged: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|v| v.path().join("bin")).collect())
        .unwrap_or_default();
    packaged.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let linked = std::env::split_paths(&path)
        .filter_map(|dir| dir.join("postgres").canonicalize().ok())
        .filter_map(|file| file.parent().map(Path::to_owned));
    let whole = |dir: &PathBuf| dir.join("initdb").exists() && dir.join("postgres").exists();
    asked.into_iter().chain(packaged.into_iter().rev()).chain(linked).find(whole)
}

fn output(command: &str, args: &[&str]) -> Option<String> {
    let done = Command::new(command).args(args).output().ok().filter(|o| o.status.success())?;
    String::from_utf8(done.stdout).ok().map(|text| text.trim().to_owned())
}

/// Whom to become when this is root.
fn other_user() -> Option<String> {
    (output("id", &["-u"])? == "0").then(|| {
        let postgres = output("id", &["-u", "postgres"]).is_some();
        if postgres { "postgres" } else { "nobody" }.to_owned()
    })
}

fn group_of(user: &str) -> String {
    output("id", &["-g", user]).unwrap_or_else(|| "65534".to_owned())
}

fn rulebooks() -> Arc<Rulebooks> {
    static BOOKS: OnceLock<Arc<Rulebooks>> = OnceLock::new();
    Arc::clone(BOOKS.get_or_init(|| Arc::new(builtin().expect("the packs of this binary load"))))
}

/// The sample hub of a territory: `kul.sandbox` in Malaysia, `hgh.sandbox` in China.
///
/// # Panics
/// If there are no rules for the territory.
#[must_use]
pub fn site(id: &str, territory: Country) -> Arc<Site> {
    site_in(id, territory, Mode::Sandbox)
}

/// # Panics
/// If there are no rules for the territory, or `id` is no hub's.
#[must_use]
pub fn site_in(id: &str, territory: Country, mode: Mode) -> Arc<Site> {
    site_by(id, territory, mode, rulebooks())
}

/// The same by other rule packs.
///
/// # Panics
/// If they have no rules for the territory, or `id` is no hub's.
#[must_use]
pub fn site_by(id: &str, territory: Country, mode: Mode, rulebooks: Arc<Rulebooks>) -> Arc<Site> {
    let id: HubId = id.parse().expect("a hub's id");
    let secret = [id.as_str().bytes().fold(7_u8, u8::wrapping_add); 32];
    let config = SiteConfig {
        name: id.to_string(),
        territory,
        mode,
        url: format!("https://{id}.example"),
        bank: BankAccount { firm: "Sample Bank".to_owned(), account: "SAMPLE-1".to_owned() },
        accepted_rules: std::collections::BTreeSet::new(),
        id,
    };
    Arc::new(Site::open(&config, &secret, rulebooks, Epoch::FIRST, WALL).expect("rules of the territory"))
}

/// A hub of one node on a store, whose business time starts with the samples'.
#[must_use]
pub fn config(scratch: &Scratch, site: &Arc<Site>, clock: &Clock) -> Config {
    Config {
        store: scratch.store.clone(),
        site: Arc::clone(site),
        clock: clock.clone(),
        start: START,
        node: Node { name: "node-1".to_owned(), address: "http://localhost:1".to_owned() },
        limits: Limits::default(),
    }
}

/// Takes out the answers that are kept under keys, as if they had not been written.
pub async fn forget_answers(hub: &Hub) -> Result<(), StoreError> {
    let mut conn = hub.db().writer().await?;
    sqlx::query::<Any>("UPDATE idempotency SET answer = $1").bind(Vec::<u8>::new()).execute(&mut *conn).await?;
    Ok(())
}

/// Everything that a hub has stored, table by table, but for leases and wall times.
pub async fn dump(hub: &Hub) -> Result<BTreeMap<&'static str, Vec<String>>, StoreError> {
    let mut conn = hub.db().reader().await?;
    let mut tables = BTreeMap::new();
    for (table, key) in [
        ("clock", "clock"),
        ("party", "id"),
        ("personal", "party"),
        ("product", "id"),
        ("offer", "id"),
        ("quote", "id"),
        ("trade_file", "id"),
        ("payout", "id"),
        ("advance", "id"),
        ("finance_claim", "id"),
        ("debt", "seller"),
        ("number", "id"),
        ("quota", "id"),
        ("mandate", "id"),
        ("permit", "id"),
        ("storage", "trade"),
        ("stock", "id"),
        ("stock_move", "id"),
        ("stock_delta", "heap, made"),
        ("bag", "id"),
        ("manifest", "id"),
        ("account", "id"),
        ("transfer", "seq"),
        ("peer", "id"),
        ("event", "n"),
        ("received", "peer, road_seq"),
        ("seen_head", "peer, epoch, size"),
        ("idempotency", "caller, key"),
    ] {
        let sql = AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY {key}"));
        let rows = sqlx::query::<Any>(sql).fetch_all(&mut *conn).await?;
        tables.insert(table, rows.iter().map(line).collect());
    }
    Ok(tables)
}

fn line(row: &AnyRow) -> String {
    let cell = |column: usize| {
        let text = row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
        text.or_else(|_| row.try_get::<i64, _>(column).map(|n| n.to_string()))
            .or_else(|_| row.try_get::<Vec<u8>, _>(column).map(|b| String::from_utf8_lossy(&b).into_owned()))
            .unwrap_or_else(|e| e.to_string())
    };
    (0..row.len()).map(cell).collect::<Vec<_>>().join(" | ")
}
