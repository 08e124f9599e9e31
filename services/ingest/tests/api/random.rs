//! Lines as nobody would write them go in by every protocol and come back equal: time, level, text, metadata, and ids, each
//! as often as it was sent.
//!
//! Each protocol gets 1,500 lines; `RANDOM_LOGS=90000` in the environment asks for another number, and `RANDOM_SEED` for
//! other lines. Where a protocol cannot say something, or says that it means another thing, `bodies` and `syslog` have it.

mod bodies;
mod generate;
mod otlp;
mod stored;
mod syslog;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::corpus::Dice;
use testkit::{Fixture, TestDb, eventually};
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::otlp_grpc::Otlp;
use crate::syslog::free_addr;
use crate::test_app::{Replica, TestApp, gzip, send_to, zstd};
use bodies::Body;
use generate::{Line, Shape, one_in};

/// The next body of a protocol.
type Write = fn(&mut Dice, Vec<Line>) -> Body;

/// A test's own lines, batch after batch.
struct Source {
    /// What makes the same lines again.
    asked: String,
    dice: Dice,
    now: OffsetDateTime,
    shape: Shape,
    /// Lines that are still to be made.
    left: usize,
}

impl Source {
    fn new(shape: Shape) -> Self {
        let (seed, left) = (number("RANDOM_SEED", 1), number("RANDOM_LOGS", 1_500));
        Self {
            asked: format!("RANDOM_SEED={seed} RANDOM_LOGS={left}"),
            dice: Dice(seed),
            now: service_kit::Clock::system().now(),
            shape,
            left: left as usize,
        }
    }

    /// From one line to hundreds, some of them again and again. `None` at the end.
    fn next(&mut self) -> Option<Vec<Line>> {
        const FEW: u64 = 40;
        const MANY: u64 = 500;
        let most = if one_in(&mut self.dice, 2) { FEW } else { MANY };
        let count = (1 + self.dice.below(most) as usize).min(self.left);
        self.left -= count;
        let mut lines: Vec<Line> = Vec::with_capacity(count);
        while lines.len() < count {
            let again = one_in(&mut self.dice, 12) && !lines.is_empty();
            let line = if again {
                self.dice.pick(&lines).clone()
            } else {
                generate::line(&mut self.dice, self.now, self.shape)
            };
            lines.push(line);
        }
        (count > 0).then_some(lines)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how many lines is for whoever runs the test to say"
)]
fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// The usual metadata, or texts only.
const TEXTS: Shape = Shape {
    texts_only: true,
    ..Shape::USUAL
};

#[rstest::rstest]
#[case::native_json(bodies::native_json, Shape { max_depth: 31, ..Shape::USUAL })]
#[case::native_ndjson(bodies::ndjson, Shape { max_depth: 31, ..Shape::USUAL })]
#[case::otlp_json(bodies::otlp_json, Shape::USUAL)]
#[case::otlp_protobuf(bodies::otlp_protobuf, Shape::USUAL)]
#[case::loki_json(bodies::loki_json, Shape::USUAL)]
#[case::loki_protobuf(bodies::loki_protobuf, TEXTS)]
#[case::elasticsearch(bodies::elasticsearch, Shape::USUAL)]
#[case::splunk(bodies::splunk, Shape::USUAL)]
#[case::datadog(bodies::datadog, Shape::USUAL)]
#[tokio::test]
async fn whatever_is_sent_over_http_comes_back_equal(#[case] write: Write, #[case] shape: Shape) {
    let app = TestApp::start().await;
    let (mut source, mut expected) = (Source::new(shape), Vec::new());
    let sender = app.sender();
    while let Some(lines) = source.next() {
        let body = write(&mut source.dice, lines);
        let snappy = body.content_type == "application/x-protobuf" && body.path.starts_with("/loki");
        let (encoding, bytes) = match source.dice.below(if snappy { 1 } else { 3 }) {
            0 => ("identity", body.bytes),
            1 => ("gzip", gzip(&body.bytes)),
            _ => ("zstd", zstd(&body.bytes)),
        };
        let headers = [
            ("content-type", body.content_type),
            ("content-encoding", encoding),
        ];
        let headers = if snappy { &headers[..1] } else { &headers };
        let reply = send_to(&sender, body.path, headers, bytes).await;
        assert!(
            reply.is_success() && refused(&reply.body) == Value::Null,
            "{} {}",
            reply.status,
            reply.body
        );
        expected.extend(body.stored);
    }
    assert_stored(&app, &source, expected).await;
}

/// What an answer says of lines that were refused, in the words of whichever protocol.
fn refused(answer: &Value) -> Value {
    let said = [
        &answer["data"]["rejected"],
        &answer["partialSuccess"],
        &answer["errors"],
    ];
    let nothing = |said: &Value| [Value::Null, json!([]), json!(false)].contains(said);
    said.into_iter()
        .find(|said| !nothing(said))
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn whatever_is_sent_over_grpc_comes_back_equal() {
    let otlp = Otlp::start(&[]).await;
    let (mut source, mut expected) = (Source::new(Shape::USUAL), Vec::new());
    while let Some(lines) = source.next() {
        let body = bodies::otlp_protobuf(&mut source.dice, lines);
        let answer = otlp.send(None, body.bytes).await.unwrap();
        assert_eq!(answer.partial_success, None);
        expected.extend(body.stored);
    }
    assert_stored(&otlp.app, &source, expected).await;
}

#[tokio::test]
async fn whatever_is_sent_as_syslog_comes_back_equal() {
    let shape = Shape {
        max_message_bytes: 60_000,
        ..Shape::USUAL
    };
    let (app, addr) = start_syslog().await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let (mut source, mut expected) = (Source::new(shape), Vec::new());
    while let Some(lines) = source.next() {
        let body = syslog::messages(&mut source.dice, lines);
        stream.write_all(&body.bytes).await.unwrap();
        expected.extend(body.stored);
    }
    drop(stream);
    let count = expected.len() as i64;
    eventually(
        Duration::from_secs(20),
        "the last lines to be stored",
        async || {
            let sql = "SELECT coalesce(sum(count), 0)::bigint FROM log_counts";
            let row = app.db.owner().await.query_one(sql, &[]).await.unwrap();
            let stored: i64 = row.get(0);
            if stored >= count {
                Ok(())
            } else {
                Err(format!("{stored} of {count}"))
            }
        },
    )
    .await;
    assert_stored(&app, &source, expected).await;
}

async fn start_syslog() -> (TestApp, SocketAddr) {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (addr, key) = (free_addr(), org.api_key().to_owned());
    let settings = [
        ("--syslog-tcp-addr", &*addr.to_string()),
        ("--syslog-api-key", &*key),
    ];
    let replica = Replica::start(&db.url_for("sightline_ingest"), &settings).await;
    (TestApp { db, org, replica }, addr)
}

async fn assert_stored(app: &TestApp, source: &Source, expected: Vec<stored::Line>) {
    let found = testkit::stored::lines(&app.db).await;
    stored::assert_same(
        &source.asked,
        found.into_iter().map(Into::into).collect(),
        expected,
    );
}
