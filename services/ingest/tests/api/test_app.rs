//! The service under test.

use std::fmt::Debug;
use std::io::Write as _;

use clap::Parser as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::Config;
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::Running;
use testkit::{Client, Fixture, Reply, TestDb};

pub(crate) const INGEST: &str = "/api/v1/logs/ingest";
pub(crate) const INTERNAL_SECRET: &str = "internal-secret-of-the-tests";

/// A running ingest with a database of its own and one organisation. Without a broker, unless told otherwise: nothing
/// that ingest promises depends on it.
pub(crate) struct TestApp {
    pub(crate) db: TestDb,
    pub(crate) org: Fixture,
    pub(crate) replica: Replica,
}

/// One process of ingest.
pub(crate) struct Replica {
    pub(crate) base: String,
    pub(crate) running: Running,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With settings that differ from the usual: `("--max-body-bytes", "100")`.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let db = TestDb::create().await;
        let org = Fixture::org(&db).await;
        let replica = Replica::start(&db.url_for("sightline_ingest"), settings).await;
        Self { db, org, replica }
    }

    /// One more replica on the same database.
    pub(crate) async fn another(&self, settings: &[(&str, &str)]) -> Replica {
        Replica::start(&self.db.url_for("sightline_ingest"), settings).await
    }

    /// A sender with the organisation's key.
    pub(crate) fn sender(&self) -> Client {
        self.replica.client().with_api_key(self.org.api_key())
    }

    /// How many lines have this message.
    pub(crate) async fn count(&self, message: &str) -> i64 {
        let all = self.messages().await;
        all.iter()
            .find(|(stored, _)| stored == message)
            .map_or(0, |(_, count)| *count)
    }

    /// All messages with how often each is there, in order.
    pub(crate) async fn messages(&self) -> Vec<(String, i64)> {
        testkit::stored::messages(&self.db).await
    }

    pub(crate) async fn total(&self) -> i64 {
        self.messages().await.iter().map(|(_, count)| count).sum()
    }
}

impl TestApp {
    /// Every line with all that is stored of it, in order of time; the time as RFC 3339 with microseconds.
    pub(crate) async fn stored(&self) -> Vec<Value> {
        let sql = "SELECT jsonb_build_object('ts', to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
                       'level', level, 'message', message, 'meta', meta_json, 'trace_id', trace_id)
                   FROM logs ORDER BY ts, message";
        let rows = self.db.owner().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// A moment of the recent past, so that no retention forgets it: in nanoseconds since 1970, and as [`TestApp::stored`]
/// shows it. `n` tells several apart.
pub(crate) fn moment(n: i64) -> (i64, String) {
    let hour = time::Duration::HOUR;
    // One moment for the whole run of a test, whatever it takes.
    let hours = service_kit::Clock::system().now().unix_timestamp() / 3600;
    let now = time::UtcDateTime::from_unix_timestamp(hours * 3600).unwrap();
    let at = now - hour + time::Duration::microseconds(n * 1_000_000 + 123_456);
    let format = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
    );
    (at.unix_timestamp_nanos() as i64, at.format(&format).unwrap())
}

impl Replica {
    pub(crate) async fn start(database_url: &str, settings: &[(&str, &str)]) -> Self {
        testkit::install_crypto();
        let usual = [
            ("--listen-addr", "127.0.0.1:0"),
            ("--database-url", database_url),
            ("--internal-secret", INTERNAL_SECRET),
            // Nothing listens there.
            ("--amqp-url", "amqp://127.0.0.1:1"),
            // The test server runs without fsync.
            ("--require-durable-postgres", "false"),
            ("--default-rate-limit-per-minute", "0"),
        ];
        let usual = usual
            .iter()
            .filter(|(name, _)| settings.iter().all(|(other, _)| other != name));
        let arguments = usual
            .chain(settings)
            .map(|(name, value)| format!("{name}={value}"));
        let config = Config::parse_from(std::iter::once("ingest".to_owned()).chain(arguments));
        let running = ingest::start(config).await.unwrap();
        Self {
            base: format!("http://{}", running.addr),
            running,
        }
    }

    /// Nobody in particular.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base)
    }
}

/// `{"logs":[…]}` with these messages.
pub(crate) fn logs(messages: &[&str]) -> Value {
    let lines: Vec<Value> = messages
        .iter()
        .map(|message| json!({"level": "info", "message": message}))
        .collect();
    json!({ "logs": lines })
}

/// Sends a body with exactly these headers.
pub(crate) async fn send(client: &Client, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Reply {
    send_to(client, INGEST, headers, body).await
}

/// Sends a body with exactly these headers to a path.
pub(crate) async fn send_to(
    client: &Client,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Reply {
    let mut request = client.request(Method::POST, path).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::read(request.send().await.unwrap()).await.unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// Panics unless everything was accepted, and this much.
#[track_caller]
pub(crate) fn assert_accepted(reply: &Reply, lines: usize) {
    let expected = json!({"accepted": lines, "rejected": []});
    assert_eq!(without_receipt(&reply.data()), expected);
}

fn without_receipt(data: &Value) -> Value {
    let mut data = data.clone();
    data.as_object_mut().unwrap().remove("receipt_id");
    data
}

/// Turns a success of any kind into the error that a poll wants.
pub(crate) fn described(value: impl Debug) -> String {
    format!("{value:?}")
}
