//! A database per test, cloned from a template that is migrated once per version of the migrations.

use std::time::Duration;

use db::{Db, DbConfig};
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use url::Url;

use crate::remains;

/// The password that every service role has on a test server. Roles belong to the whole server, so all tests share it.
pub const ROLE_PASSWORD: &str = "sightline-test";

const TEMPLATE_PREFIX: &str = "sl_template_";
const CLONE_PREFIX: &str = "sl_test";
/// Advisory lock: one process makes the template, the others wait. Any number that nobody else uses.
const TEMPLATE_LOCK: i64 = 0x5349_4748_5445;
/// Advisory lock: one process at a time looks for what killed runs left.
const SWEEP_LOCK: i64 = 0x5349_4748_5357;

/// A database of its own with the current schema, dropped when this value is.
pub struct TestDb {
    /// A superuser's address of the server's maintenance database.
    server: Url,
    name: String,
}

impl TestDb {
    /// Clones the template on the server that `TEST_DATABASE_URL` names; makes the template first if need be.
    pub async fn create() -> Self {
        let url = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
            panic!(
                "TEST_DATABASE_URL is not set: these tests need a PostgreSQL. Run `make test`, or start the test \
                 servers once with `deploy/local/test.sh up` and then `eval \"$(deploy/local/test.sh env)\"`"
            )
        });
        Self::create_on(&url).await
    }

    /// The same on a server of the caller's choice, such as a private one that the test will break.
    pub async fn create_on(superuser_url: &str) -> Self {
        let server = Url::parse(superuser_url).expect("the database address is a URL");
        let admin = connect(&server).await;
        let template = template_name();
        sweep(&admin, &template).await;
        let name = remains::unique_name(CLONE_PREFIX);
        clone_template(&server, &admin, &template, &name).await;
        Self { server, name }
    }

    /// The superuser's URL of this database. Row-level security does not apply to it.
    pub fn owner_url(&self) -> String {
        on_database(&self.server, &self.name).to_string()
    }

    /// The URL with which a service role (`sightline_identity`, ...) logs in to this database.
    pub fn url_for(&self, role: &str) -> String {
        assert!(
            db::migrations::SERVICE_ROLES.contains(&role),
            "{role} is not a service role"
        );
        let mut url = on_database(&self.server, &self.name);
        url.set_username(role).unwrap();
        url.set_password(Some(ROLE_PASSWORD)).unwrap();
        url.to_string()
    }

    /// A pool that logs in as a service role.
    pub fn db(&self, role: &str) -> Db {
        Db::new(&DbConfig::new(self.url_for(role), "sightline-test")).expect("the address is valid")
    }

    /// A superuser's connection for arranging and inspecting.
    pub async fn owner(&self) -> Client {
        connect(&on_database(&self.server, &self.name)).await
    }

    /// The database's name on its server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        remains::finish(format!("dropping database {name}"), async move {
            let (client, connection) = tokio_postgres::connect(server.as_str(), NoTls)
                .await
                .map_err(|e| e.to_string())?;
            let driver = tokio::spawn(connection);
            let sql = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
            let dropped = client.batch_execute(&sql).await.map_err(|e| e.to_string());
            driver.abort();
            dropped
        });
    }
}

fn template_name() -> String {
    format!("{TEMPLATE_PREFIX}{:016x}", db::migrations::fingerprint())
}

fn on_database(server: &Url, name: &str) -> Url {
    let mut url = server.clone();
    url.set_path(name);
    url
}

async fn connect(url: &Url) -> Client {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.unwrap_or_else(|error| {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
        panic!("the test PostgreSQL at {host}:{port} does not answer ({error}): is it up? deploy/local/test.sh up")
    });
    tokio::spawn(connection);
    client
}

async fn is_template(admin: &Client, name: &str) -> bool {
    let sql = "SELECT FROM pg_database WHERE datname = $1 AND datistemplate";
    admin.query_opt(sql, &[&name]).await.unwrap().is_some()
}

/// Makes the template under a lock of the server. A half-made one (its maker was killed) is not marked as a template,
/// and is made anew.
async fn make_template(server: &Url, admin: &Client, name: &str) {
    admin
        .execute("SELECT pg_advisory_lock($1)", &[&TEMPLATE_LOCK])
        .await
        .unwrap();
    if !is_template(admin, name).await {
        admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))
            .await
            .unwrap();
        admin
            .batch_execute(&format!("CREATE DATABASE \"{name}\""))
            .await
            .unwrap();
        let url = on_database(server, name);
        db::migrations::run(url.as_str(), Some(ROLE_PASSWORD))
            .await
            .expect("the migrations run on an empty database");
        // Without connections, nothing can stand in the way of cloning it.
        let seal = format!("ALTER DATABASE \"{name}\" WITH IS_TEMPLATE true ALLOW_CONNECTIONS false");
        admin.batch_execute(&seal).await.unwrap();
    }
    admin
        .execute("SELECT pg_advisory_unlock($1)", &[&TEMPLATE_LOCK])
        .await
        .unwrap();
}

async fn clone_template(server: &Url, admin: &Client, template: &str, name: &str) {
    let sql = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"");
    let mut tries = 0;
    // One that somebody is still making could be cloned as well, without its tables.
    if !is_template(admin, template).await {
        make_template(server, admin, template).await;
    }
    while let Err(error) = admin.batch_execute(&sql).await {
        match error.code() {
            // Another build's sweep took it for a leftover.
            Some(&SqlState::INVALID_CATALOG_NAME) => make_template(server, admin, template).await,
            // The last connection of the migration, or a vacuum worker, may still be leaving.
            Some(&SqlState::OBJECT_IN_USE) => sleep(Duration::from_millis(100)).await,
            _ => panic!("cloning {template}: {}", describe(&error)),
        }
        tries += 1;
        assert!(tries < 20, "cloning {template}: {}", describe(&error));
    }
}

/// Drops what killed runs left, and templates of other versions that nobody cloned from within the hour. Whatever is
/// in use, or being dropped by somebody else, is left alone.
async fn sweep(admin: &Client, current_template: &str) {
    let locked = admin
        .query_one("SELECT pg_try_advisory_lock($1)", &[&SWEEP_LOCK])
        .await
        .unwrap();
    if !locked.get::<_, bool>(0) {
        return;
    }
    let names = admin
        .query("SELECT datname::text FROM pg_database", &[])
        .await
        .unwrap();
    let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
    for name in names.iter().filter(|name| remains::is_stale(CLONE_PREFIX, name)) {
        let _ = admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\""))
            .await;
    }
    let clones_exist = names.iter().any(|name| name.starts_with(CLONE_PREFIX));
    let old = |name: &&String| name.starts_with(TEMPLATE_PREFIX) && *name != current_template;
    // While any test runs, it may be one of another build that needs its own template.
    for name in names.iter().filter(old).filter(|_| !clones_exist) {
        let retire = format!("ALTER DATABASE \"{name}\" WITH IS_TEMPLATE false; ");
        let _ = admin.batch_execute(&retire).await;
        let _ = admin
            .batch_execute(&format!("DROP DATABASE IF EXISTS \"{name}\""))
            .await;
    }
    admin
        .execute("SELECT pg_advisory_unlock($1)", &[&SWEEP_LOCK])
        .await
        .unwrap();
}

fn describe(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
