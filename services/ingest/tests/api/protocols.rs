//! What holds for every protocol, whatever its words: hostile bodies, bombs, a database that is away, keys that are not good.

use std::time::Duration;

use serde_json::json;
use testkit::corpus::Dice;
use testkit::{Fixture, KeySpec, Proxy, TestDb, eventually};

use crate::test_app::{Replica, TestApp, described, gzip, send_to};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const NDJSON: &str = "application/x-ndjson";

/// Every way in, with a body that is good.
fn ways() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = |value: serde_json::Value| value.to_string().into_bytes();
    let otlp = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "m"}}]}]}]});
    // ExportLogsServiceRequest { resource_logs { scope_logs { log_records { body { string_value: "m" }}}}}.
    let otlp_protobuf = vec![0x0A, 9, 0x12, 7, 0x12, 5, 0x2A, 3, 0x0A, 1, b'm'];
    // PushRequest { streams { labels: "{}", entries { line: "m" }}}, in snappy.
    let loki = [0x0A, 9, 0x0A, 2, b'{', b'}', 0x12, 3, 0x12, 1, b'm'];
    let loki_protobuf = snap::raw::Encoder::new().compress_vec(&loki).unwrap();
    let nanos = crate::test_app::moment(1).0.to_string();
    vec![
        ("/v1/logs", JSON, text(otlp)),
        ("/v1/logs", PROTOBUF, otlp_protobuf),
        (
            "/loki/api/v1/push",
            JSON,
            text(json!({"streams": [{"stream": {}, "values": [[nanos, "m"]]}]})),
        ),
        ("/loki/api/v1/push", PROTOBUF, loki_protobuf),
        (
            "/_bulk",
            NDJSON,
            b"{\"create\":{}}\n{\"message\":\"m\"}\n".to_vec(),
        ),
        (
            "/logs/_bulk",
            NDJSON,
            b"{\"index\":{}}\n{\"message\":\"m\"}\n".to_vec(),
        ),
        ("/services/collector", JSON, text(json!({"event": "m"}))),
        ("/services/collector/event", JSON, text(json!({"event": "m"}))),
        ("/services/collector/raw", "text/plain", b"m".to_vec()),
        ("/api/v2/logs", JSON, text(json!([{"message": "m"}]))),
        ("/v1/input", JSON, text(json!({"message": "m"}))),
    ]
}

#[tokio::test]
async fn a_good_line_is_stored_by_every_way_in() {
    let app = TestApp::start().await;
    let ways = ways();
    for (path, content_type, body) in &ways {
        let reply = send_to(
            &app.sender(),
            path,
            &[("content-type", content_type)],
            body.clone(),
        )
        .await;
        assert!(reply.is_success(), "{path}: {} {}", reply.status, reply.body);
    }
    assert_eq!(app.messages().await, [("m".to_owned(), ways.len() as i64)]);
}

#[tokio::test]
async fn no_body_makes_any_of_them_fail() {
    let app = TestApp::start_with(&[("--max-decompressed-bytes", "200000")]).await;
    let mut dice = Dice(7);
    for (path, content_type, good) in ways() {
        let mut bodies = vec![
            Vec::new(),
            b"null".to_vec(),
            b"[null]".to_vec(),
            b"{}".to_vec(),
            b"\xEF\xBB\xBF{}".to_vec(),
            b"\0\0\0\0".to_vec(),
            b"[[[[[{\"a\":".repeat(10_000),
            [b"{\"message\":", "[".repeat(50_000).as_bytes()].concat(),
            [
                b"{\"event\":1e999}".as_slice(),
                b"{\"event\":\"\\ud800\"}",
                b"{\"time\":1e300,\"event\":\"x\"}",
            ]
            .concat(),
            b"{\"index\":{\"_index\":3}}\n{}\n".to_vec(),
            vec![0x0A; 1_000],
            vec![0xFF; 1_000],
        ];
        for _ in 0..30 {
            let mut body = good.clone();
            let at = dice.below(body.len() as u64) as usize;
            body[at] = dice.below(256) as u8;
            bodies.push(body);
            bodies.push((0..dice.below(200)).map(|_| dice.below(256) as u8).collect());
        }
        for body in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            let reply = send_to(&app.sender(), path, &[("content-type", content_type)], body).await;
            assert!(
                reply.status < 500,
                "{path} {shown:?}: {} {}",
                reply.status,
                reply.body
            );
        }
        if content_type != PROTOBUF {
            let headers = [("content-type", content_type), ("content-encoding", "gzip")];
            let reply = send_to(&app.sender(), path, &headers, gzip(&vec![b' '; 300_000])).await;
            assert_eq!(reply.status, 413, "{path}: {}", reply.body);
        }
    }
    app.replica.client().get("/healthz").await.assert_status(200);
}

#[tokio::test]
async fn a_key_that_is_not_good_is_refused_by_all_of_them() {
    let app = TestApp::start().await;
    let revoked = KeySpec {
        revoked: true,
        ..KeySpec::default()
    };
    let (_, revoked) = app.org.insert_key(&app.db, &revoked).await;
    for (path, content_type, body) in ways() {
        let headers = [("content-type", content_type)];
        let reply = send_to(&app.replica.client(), path, &headers, body.clone()).await;
        assert_eq!(reply.status, 401, "{path}");
        let client = app.replica.client().with_api_key(&revoked);
        let reply = send_to(&client, path, &headers, body).await;
        let splunk = path.starts_with("/services");
        assert_eq!(reply.status, if splunk { 403 } else { 401 }, "{path}");
    }
    assert_eq!(app.total().await, 0);
}

#[tokio::test]
async fn without_a_database_all_of_them_say_when_to_come_back() {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_ingest")).await;
    let replica = Replica::start(&url, &[]).await;
    let app = TestApp { db, org, replica };
    proxy.cut();
    for (path, content_type, body) in ways() {
        eventually(Duration::from_secs(10), "the failure to show", async || {
            let headers = [("content-type", content_type)];
            let reply = send_to(&app.sender(), path, &headers, body.clone()).await;
            if reply.status == 503 && reply.header("retry-after").parse::<u32>().is_ok() {
                Ok(())
            } else {
                Err(described(reply))
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_key_is_stored_once() {
    let app = TestApp::start().await;
    let ways = ways();
    for (number, (path, content_type, body)) in ways.iter().enumerate() {
        let key = format!("batch-{number}");
        let headers = [("content-type", *content_type), ("idempotency-key", key.as_str())];
        let first = send_to(&app.sender(), path, &headers, body.clone()).await;
        let again = send_to(&app.sender(), path, &headers, body.clone()).await;
        assert!(
            first.is_success() && again.is_success(),
            "{path}: {} {}",
            first.body,
            again.body
        );
    }
    assert_eq!(app.total().await, ways.len() as i64);
}

/// Every protocol's body of so many lines.
fn large(lines: usize) -> Vec<(&'static str, &'static str, String)> {
    let nanos = crate::test_app::moment(1).0;
    let each = |line: &str, between: &str| vec![line; lines].join(between);
    let record = r#"{"severityNumber":9,"body":{"stringValue":"m"},"attributes":[{"key":"a","value":{"intValue":"1"}}]}"#;
    let resource = r#"{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}"#;
    let records = each(record, ",");
    let scopes = format!(r#"{{"scopeLogs":[{{"logRecords":[{records}]}}],"resource":{resource}}}"#);
    let entries = each(&format!(r#"["{nanos}","m"]"#), ",");
    let documents = each("{\"create\":{}}\n{\"message\":\"m\",\"a\":1}", "\n");
    vec![
        ("/v1/logs", JSON, format!(r#"{{"resourceLogs":[{scopes}]}}"#)),
        (
            "/loki/api/v1/push",
            JSON,
            format!(r#"{{"streams":[{{"stream":{{"app":"shop"}},"values":[{entries}]}}]}}"#),
        ),
        ("/logs/_bulk", NDJSON, documents),
        (
            "/services/collector",
            JSON,
            each(r#"{"event":{"message":"m","a":1}}"#, ""),
        ),
        ("/services/collector/raw", "text/plain", each("m", "\n")),
        (
            "/api/v2/logs",
            JSON,
            format!("[{}]", each(r#"{"message":"m","a":1}"#, ",")),
        ),
    ]
}

#[tokio::test]
async fn thousands_of_lines_are_taken_in_one_request_and_one_more_than_allowed_is_not() {
    let app = TestApp::start_with(&[("--max-lines-per-request", "5000")]).await;
    let ways = large(5_000);
    for (path, content_type, body) in &ways {
        let headers = [("content-type", *content_type), ("content-encoding", "gzip")];
        let reply = send_to(&app.sender(), path, &headers, gzip(body.as_bytes())).await;
        assert!(reply.is_success(), "{path}: {}", reply.status);
    }
    for (path, content_type, body) in large(5_001) {
        let headers = [("content-type", content_type), ("content-encoding", "gzip")];
        let reply = send_to(&app.sender(), path, &headers, gzip(body.as_bytes())).await;
        assert_eq!(reply.status, 413, "{path}: {}", reply.body);
    }
    // Whatever form they are stored in.
    let sql = "SELECT coalesce(sum(count), 0)::bigint FROM log_counts";
    let row = app.db.owner().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 5_000 * ways.len() as i64);
}
