//! Connections with a purpose, and transactions that belong to one tenant.

use std::ops::Deref;
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use domain::ids::OrgId;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

use crate::DbError;
use crate::migrations;

/// How to reach PostgreSQL and how long to wait for it. The server's own limits lie below every client's, so that a
/// connection never goes back to the pool with a statement still running on it.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// `postgres://user:password@host:port/database`. Never printed.
    pub url: String,
    /// Shown in `pg_stat_activity`.
    pub application: String,
    pub max_connections: usize,
    pub statement_timeout: Duration,
}

impl DbConfig {
    pub fn new(url: impl Into<String>, application: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            application: application.into(),
            max_connections: 10,
            statement_timeout: Duration::from_secs(5),
        }
    }
}

/// How long a request waits for a free connection before it is told to come back later.
const POOL_WAIT: Duration = Duration::from_millis(500);
/// How long making a new connection may take.
const CONNECT: Duration = Duration::from_secs(3);
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
}

impl Db {
    /// Makes the pool; connects at first use, so that a service starts while PostgreSQL is away. Call it on the
    /// program's main runtime: connections live there.
    pub fn new(config: &DbConfig) -> Result<Self, DbError> {
        let manager = Manager::from_connect(
            session_config(config)?,
            ConnectOn(Handle::current()),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(config.max_connections)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool })
    }

    /// A connection for a named purpose, such as `"alerting.claim"`: the name labels the waiting time.
    pub async fn conn(&self, purpose: &'static str) -> Result<Connection, DbError> {
        let asked = Instant::now();
        let result = self.pool.get().await;
        metrics::histogram!("db_pool_wait_seconds", "purpose" => purpose)
            .record(asked.elapsed().as_secs_f64());
        Ok(Connection(result?))
    }

    /// Whether PostgreSQL answers and its schema is one that this program knows.
    pub async fn check(&self) -> Result<(), DbError> {
        let conn = self.conn("check").await?;
        migrations::require_current(&conn).await
    }

    /// Whether a commit survives a crash of the server. Refuses `fsync`, `full_page_writes` or
    /// `synchronous_commit` being off: a kill of every server process then loses committed rows (seen: 511 of 96,839).
    pub async fn check_durable(&self) -> Result<(), DbError> {
        const SQL: &str = "
            -- pool::check_durable
            SELECT name FROM pg_settings
            WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting IN ('off', 'local')";
        let conn = self.conn("check").await?;
        match conn.query_opt(&format!("{SQL} LIMIT 1"), &[]).await? {
            None => Ok(()),
            Some(row) => Err(DbError::NotDurable(row.get("name"))),
        }
    }

    pub fn close(&self) {
        self.pool.close();
    }
}

/// Connects on the runtime that made the pool. An HTTP worker thread has a runtime of its own, and a connection that was
/// driven by it would hang with it and die with it.
struct ConnectOn(Handle);

impl Connect for ConnectOn {
    fn connect(
        &self,
        config: &tokio_postgres::Config,
    ) -> BoxFuture<'_, Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>> {
        let config = config.clone();
        let task = self.0.spawn(async move { connect_and_drive(&config).await });
        Box::pin(async move {
            match task.await {
                Ok(connected) => connected,
                Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
            }
        })
    }
}

/// A connection outside the pool, with the same limits, for a program part that keeps its own. Its task ends with the
/// connection; aborting it closes the socket at once. Call it on the program's main runtime.
pub async fn connect(config: &DbConfig) -> Result<(tokio_postgres::Client, JoinHandle<()>), DbError> {
    // The driver's own limit covers the TCP handshake only.
    match tokio::time::timeout(CONNECT, connect_and_drive(&session_config(config)?)).await {
        Ok(connected) => Ok(connected?),
        Err(_elapsed) => Err(PoolError::Timeout(TimeoutType::Create).into()),
    }
}

async fn connect_and_drive(
    config: &tokio_postgres::Config,
) -> Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = crate::causes::chain(&error), "database connection ended");
        }
    });
    Ok((client, driver))
}

/// The connection settings of one session: its name and the server's limits.
pub(crate) fn session_config(config: &DbConfig) -> Result<tokio_postgres::Config, DbError> {
    let mut pg: tokio_postgres::Config = config.url.parse().map_err(DbError::Address)?;
    pg.application_name(&config.application)
        .connect_timeout(CONNECT)
        .keepalives_idle(Duration::from_secs(30));
    pg.options(format!(
        "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c timezone=UTC",
        config.statement_timeout.as_millis(),
        LOCK_TIMEOUT.as_millis(),
        IDLE_IN_TRANSACTION.as_millis(),
    ));
    Ok(pg)
}

/// A pooled connection without a tenant: under row-level security it sees no tenant row.
pub struct Connection(deadpool_postgres::Object);

impl Connection {
    /// Opens a transaction in which exactly this organisation's rows exist.
    pub async fn tenant(&mut self, org_id: OrgId) -> Result<TenantTx<'_>, DbError> {
        let tx = self.0.transaction().await?;
        // Local to the transaction: a session-wide setting would be seen by the connection's next user.
        let statement = tx
            .prepare_cached("SELECT set_config('app.org_id', $1, true)")
            .await?;
        tx.execute(&statement, &[&org_id.to_string()]).await?;
        Ok(TenantTx { tx, org_id })
    }

    /// The same as a stable, read-only view: every statement sees the same moment.
    pub async fn tenant_snapshot(&mut self, org_id: OrgId) -> Result<TenantTx<'_>, DbError> {
        let tx = self
            .0
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let statement = tx
            .prepare_cached("SELECT set_config('app.org_id', $1, true)")
            .await?;
        tx.execute(&statement, &[&org_id.to_string()]).await?;
        Ok(TenantTx { tx, org_id })
    }

    /// Opens a transaction without a tenant, for the few tables that have none (users, sessions).
    pub async fn transaction(&mut self) -> Result<deadpool_postgres::Transaction<'_>, DbError> {
        Ok(self.0.transaction().await?)
    }

    /// Takes the connection out of the pool for good, for a caller that gave up on a statement still running on it.
    pub fn discard(self) {
        drop(deadpool_postgres::Object::take(self.0));
    }
}

impl Deref for Connection {
    type Target = deadpool_postgres::ClientWrapper;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A transaction of one organisation. Rolled back when dropped without [`TenantTx::commit`].
pub struct TenantTx<'a> {
    tx: deadpool_postgres::Transaction<'a>,
    org_id: OrgId,
}

impl TenantTx<'_> {
    pub fn org_id(&self) -> OrgId {
        self.org_id
    }

    pub async fn commit(self) -> Result<(), DbError> {
        Ok(self.tx.commit().await?)
    }
}

impl<'a> Deref for TenantTx<'a> {
    type Target = deadpool_postgres::Transaction<'a>;
    fn deref(&self) -> &Self::Target {
        &self.tx
    }
}
