//! The service under test.

use std::time::Duration;

use clap::Parser as _;
use domain::ids::{OrgId, ServiceId};
use domain::level::Level;
use domain::role::Role;
use domain::scope::Scope;
use query::Config;
use service_kit::Running;
use testkit::{Client, Fixture, TestDb};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::upstream::Upstream;

/// A running gateway with a database of its own and four servers behind it.
pub(crate) struct TestApp {
    pub(crate) db: TestDb,
    pub(crate) identity: Upstream,
    pub(crate) ingest: Upstream,
    pub(crate) alerting: Upstream,
    pub(crate) webhook: Upstream,
    pub(crate) base: String,
    running: Running,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With settings that differ from the usual: `("--search-budget-ms", "0")`.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let db = TestDb::create().await;
        Self::start_on(db, settings).await
    }

    pub(crate) async fn start_on(db: TestDb, settings: &[(&str, &str)]) -> Self {
        testkit::install_crypto();
        let (identity, ingest) = (Upstream::start("identity").await, Upstream::start("ingest").await);
        let (alerting, webhook) = (
            Upstream::start("alerting").await,
            Upstream::start("webhook").await,
        );
        let database_url = db.url_for("sightline_query");
        let usual = [
            ("--listen-addr", "127.0.0.1:0"),
            ("--database-url", &database_url),
            ("--internal-secret", "internal-secret-of-the-tests"),
            ("--identity-url", &identity.base),
            ("--ingest-url", &ingest.base),
            ("--alerting-url", &alerting.base),
            ("--webhook-url", &webhook.base),
        ];
        let usual = usual
            .iter()
            .filter(|(name, _)| settings.iter().all(|(other, _)| other != name));
        let arguments = usual
            .chain(settings)
            .map(|(name, value)| format!("{name}={value}"));
        let config = Config::parse_from(std::iter::once("query".to_owned()).chain(arguments));
        let running = query::start(config).await.unwrap();
        Self {
            base: format!("http://{}", running.addr),
            db,
            identity,
            ingest,
            alerting,
            webhook,
            running,
        }
    }

    /// Ends it as SIGTERM does.
    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    /// Nobody in particular.
    pub(crate) fn anyone(&self) -> Client {
        Client::new(&self.base)
    }

    /// Sends bytes as they are (but for line ends), which an HTTP library would tidy up, and returns what is answered
    /// until the connection ends; nothing when it is cut off.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.base.trim_start_matches("http://"))
            .await
            .unwrap();
        let mut answer = Vec::new();
        if stream
            .write_all(request.replace('\n', "\r\n").as_bytes())
            .await
            .is_ok()
        {
            let read = stream.read_to_end(&mut answer);
            let _cut_off = timeout(Duration::from_secs(10), read).await.unwrap();
        }
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A new organisation, and its viewer.
    pub(crate) async fn org(&self) -> (Fixture, Client) {
        let org = Fixture::org(&self.db).await;
        let viewer = self.anyone().with_cookie(org.cookie(Role::Viewer));
        (org, viewer)
    }

    /// Stores lines as ingest would: with their ids rising in the order given, and counted.
    pub(crate) async fn store(&self, scope: Scope, lines: &[(OffsetDateTime, Level, &str)]) {
        let ts: Vec<OffsetDateTime> = lines.iter().map(|line| line.0).collect();
        let levels: Vec<i16> = lines.iter().map(|line| line.1.code()).collect();
        let messages: Vec<&str> = lines.iter().map(|line| line.2).collect();
        let sql = "WITH line AS (
                SELECT * FROM unnest($4::timestamptz[], $5::smallint[], $6::text[]) AS line (ts, level, message)
            ), counted AS (
                INSERT INTO log_counts AS c (org_id, service_id, environment_id, minute, level, writer_id, count)
                SELECT $1, $2, $3, date_trunc('minute', ts), level, 1, count(*) FROM line GROUP BY 4, level
                ON CONFLICT (org_id, service_id, environment_id, minute, level, writer_id)
                DO UPDATE SET count = c.count + excluded.count
            )
            INSERT INTO logs (org_id, service_id, environment_id, ts, level, message, meta_json, trace_id)
            SELECT $1, $2, $3, ts, level, message, '{\"host\": \"a1\"}', 'trace' FROM line";
        self.db
            .owner()
            .await
            .execute(
                sql,
                &[
                    &scope.org_id,
                    &scope.service_id,
                    &scope.environment_id,
                    &ts,
                    &levels,
                    &messages,
                ],
            )
            .await
            .unwrap();
    }

    pub(crate) async fn set_retention(&self, org_id: OrgId, service_id: ServiceId, days: i32) {
        let sql = "UPDATE services SET retention_days = $3 WHERE org_id = $1 AND id = $2";
        self.db
            .owner()
            .await
            .execute(sql, &[&org_id, &service_id, &days])
            .await
            .unwrap();
    }
}

/// What the lines of an answer say.
pub(crate) fn messages(data: &serde_json::Value) -> Vec<&str> {
    let lines = data.as_array().unwrap();
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

/// The machine's time: the service under test uses the same.
#[expect(
    clippy::disallowed_methods,
    reason = "the real service's clock is the machine's"
)]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().replace_nanosecond(0).unwrap()
}

pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}
