//! Splunk's HTTP Event Collector, as log drivers and libraries send to it.

use serde_json::{Value, json};
use testkit::Client;

use crate::test_app::{TestApp, gzip, moment, send_to};

const EVENT: &str = "/services/collector/event";
const RAW: &str = "/services/collector/raw";

fn success() -> Value {
    json!({"text": "Success", "code": 0})
}

/// A sender that puts the key where Splunk's do.
fn splunk(app: &TestApp) -> Client {
    let token = format!("Splunk {}", app.org.api_key());
    app.replica.client().with_header("Authorization", &token)
}

/// Seconds with six decimals, as Splunk's libraries write them.
fn seconds(n: i64) -> String {
    let nanos = moment(n).0;
    format!("{}.{:06}", nanos / 1_000_000_000, nanos % 1_000_000_000 / 1_000)
}

#[tokio::test]
async fn events_one_after_another_are_stored() {
    let app = TestApp::start().await;
    let text = json!({"time": seconds(1), "host": "h-1", "source": "app.log", "sourcetype": "json", "index": "main",
        "event": "plain text", "fields": {"severity": "WARN", "region": "eu"}});
    // As Docker's driver writes it.
    let docker = json!({"time": seconds(2), "host": "h-1", "event": {"line": "from a container", "source": "stderr",
        "tag": "a1b2", "level": "error", "trace_id": "t-1"}});
    let object = json!({"time": moment(3).0 / 1_000_000, "event": {"code": 7}});
    let body = format!("{text}{docker}\n{object}");
    for path in ["/services/collector", EVENT, "/services/collector/event/1.0"] {
        let reply = send_to(&splunk(&app), path, &[], body.clone()).await;
        assert_eq!((reply.status, &reply.body), (200, &success()), "{path}");
    }
    let headers = [("content-encoding", "gzip")];
    let reply = send_to(&splunk(&app), EVENT, &headers, gzip(body.as_bytes())).await;
    assert_eq!(reply.status, 200);
    let mut stored = app.stored().await;
    stored.dedup();
    let millis = format!("{}000Z", &moment(3).1[..23]);
    let expected = [
        json!({"ts": moment(1).1, "level": 3, "message": "plain text", "trace_id": null, "meta": {"host": "h-1",
            "source": "app.log", "sourcetype": "json", "index": "main", "region": "eu"}}),
        json!({"ts": moment(2).1, "level": 4, "message": "from a container", "trace_id": "t-1",
            "meta": {"host": "h-1", "source": "stderr", "tag": "a1b2"}}),
        json!({"ts": millis, "level": 2, "message": "{\"code\":7}", "trace_id": null, "meta": {"code": 7}}),
    ];
    assert_eq!(stored, expected);
    assert_eq!(app.total().await, 12);
}

#[tokio::test]
async fn each_line_of_a_raw_text_is_stored() {
    let app = TestApp::start().await;
    let path = format!("{RAW}?host=h%201&sourcetype=access&time={}&channel=c", seconds(1));
    let reply = send_to(&splunk(&app), &path, &[], "one\r\n\n two \u{0} ü\n").await;
    assert_eq!((reply.status, &reply.body), (200, &success()));
    let meta = json!({"host": "h 1", "sourcetype": "access"});
    let line = |message: &str| json!({"ts": moment(1).1, "level": 2, "message": message, "trace_id": null, "meta": meta});
    assert_eq!(app.stored().await, [line(" two \u{FFFD} ü"), line("one")]);
}

#[tokio::test]
async fn a_bad_event_is_named_by_its_number_and_the_others_are_stored() {
    let app = TestApp::start().await;
    let cases = [
        (
            r#"{"event":"a"}{"time":1}{"event":"b"}"#,
            12,
            "Event field is required",
            1,
        ),
        (r#"{"event":""}"#, 13, "Event field cannot be blank", 0),
        (
            r#"{"event":"c"}{"event":"d","fields":3}"#,
            6,
            "Invalid data format",
            1,
        ),
        (r#"{"event":"e"}{"event":NaN}"#, 6, "Invalid data format", 1),
    ];
    for (body, code, text, number) in cases {
        let reply = send_to(&splunk(&app), EVENT, &[], body).await;
        assert_eq!(reply.status, 400);
        let found = (
            &reply.body["code"],
            &reply.body["text"],
            &reply.body["invalid-event-number"],
        );
        assert_eq!(found, (&json!(code), &json!(text), &json!(number)), "{body}");
    }
    let stored = app.messages().await;
    let messages: Vec<&str> = stored.iter().map(|(message, _)| message.as_str()).collect();
    assert_eq!(messages, ["a", "b", "c", "e"]);
}

#[tokio::test]
async fn failures_have_splunks_codes_and_texts() {
    let app = TestApp::start_with(&[("--default-rate-limit-per-minute", "2")]).await;
    let nobody = app.replica.client();
    let wrong = nobody.with_header("Authorization", "Splunk 12345678-1234-1234-1234-123456789012");
    let good = r#"{"event":"a"}{"event":"b"}"#;
    for (client, body, status, code, text) in [
        (&nobody, good, 401, 2, "Token is required"),
        (&wrong, good, 403, 4, "Invalid token"),
        (&splunk(&app), "", 400, 5, "No data"),
        (&splunk(&app), "{\"event\"", 400, 6, "Invalid data format"),
        (&splunk(&app), good, 200, 0, "Success"),
        (&splunk(&app), good, 429, 9, "Server is busy"),
    ] {
        let reply = send_to(client, EVENT, &[], body).await;
        let found = (reply.status, &reply.body["code"], &reply.body["text"]);
        assert_eq!(found, (status, &json!(code), &json!(text)), "{}", reply.body);
        assert_eq!(reply.header("retry-after").is_empty(), status != 429);
    }
}

#[tokio::test]
async fn anybody_may_ask_for_its_health() {
    let app = TestApp::start().await;
    for path in ["/services/collector/health", "/services/collector/health/1.0"] {
        let reply = app.replica.client().get(path).await;
        let healthy = json!({"text": "HEC is healthy", "code": 17});
        assert_eq!((reply.status, reply.body), (200, healthy));
    }
}
