//! Loki's push API, as its agents send it.

use prost::Message;
use serde_json::{Value, json};

use crate::test_app::{TestApp, gzip, moment, send_to};

const PUSH: &str = "/loki/api/v1/push";
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

/// As in Loki's pkg/push/push.proto.
#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
    #[prost(uint64, tag = "3")]
    hash: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(message, optional, tag = "1")]
    pub(crate) timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    pub(crate) line: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) structured_metadata: Vec<Pair>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pair {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

fn entry(n: i64, line: &str, metadata: &[(&str, &str)]) -> Entry {
    let nanos = moment(n).0;
    Entry {
        timestamp: Some(Timestamp {
            seconds: nanos / 1_000_000_000,
            nanos: (nanos % 1_000_000_000) as i32,
        }),
        line: line.to_owned(),
        structured_metadata: metadata
            .iter()
            .map(|(name, value)| Pair {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect(),
    }
}

pub(crate) fn stream(labels: &str, entries: Vec<Entry>) -> Stream {
    Stream {
        labels: labels.to_owned(),
        entries,
        hash: 7,
    }
}

pub(crate) fn snappy(streams: Vec<Stream>) -> Vec<u8> {
    let bytes = PushRequest { streams }.encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&bytes).unwrap()
}

fn expected() -> Vec<Value> {
    vec![
        json!({"ts": moment(1).1, "level": 4, "message": "first", "trace_id": null,
            "meta": {"app": "shop", "pod": "a\"b", "detected_level": "warn"}}),
        json!({"ts": moment(2).1, "level": 4, "message": "second", "trace_id": "t-2",
            "meta": {"app": "nearer", "pod": "a\"b", "user": "7"}}),
        json!({"ts": moment(3).1, "level": 2, "message": "third", "trace_id": null,
            "meta": {"app": "other", "detected_level": "unknown"}}),
    ]
}

#[tokio::test]
async fn protobuf_is_stored_with_labels_and_structured_metadata() {
    let app = TestApp::start().await;
    let streams = vec![
        stream(
            r#"{app="shop", level="error", pod="a\"b"}"#,
            vec![
                entry(1, "first", &[("detected_level", "warn")]),
                entry(
                    2,
                    "second",
                    &[("trace_id", "t-2"), ("user", "7"), ("app", "nearer")],
                ),
            ],
        ),
        stream(
            r#"{app="other"}"#,
            vec![entry(3, "third", &[("detected_level", "unknown")])],
        ),
    ];
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], snappy(streams)).await;
    assert_eq!((reply.status, reply.body), (204, Value::Null));
    assert_eq!(app.stored().await, expected());
}

#[tokio::test]
async fn json_is_stored_alike_plain_and_compressed() {
    let app = TestApp::start().await;
    let body = json!({"streams": [
        {"stream": {"app": "shop", "level": "error", "pod": "a\"b"}, "values": [
            [moment(1).0.to_string(), "first", {"detected_level": "warn"}],
            [moment(2).0.to_string(), "second", {"trace_id": "t-2", "user": "7", "app": "nearer"}]]},
        {"stream": {"app": "other"}, "values": [[moment(3).0.to_string(), "third", {"detected_level": "unknown"}]]}]});
    let reply = app.sender().post(PUSH, body.clone()).await;
    assert_eq!(reply.status, 204, "{}", reply.body);
    assert_eq!(app.stored().await, expected());
    let headers = [JSON, ("content-encoding", "gzip")];
    let reply = send_to(&app.sender(), PUSH, &headers, gzip(body.to_string().as_bytes())).await;
    assert_eq!(reply.status, 204, "{}", reply.body);
    assert_eq!(app.total().await, 6);
}

#[tokio::test]
async fn a_push_with_bad_entries_stores_the_good_ones_and_names_the_bad() {
    let app = TestApp::start().await;
    let streams = vec![
        stream(
            r#"{app="shop"}"#,
            vec![
                entry(1, "good", &[]),
                entry(1, " ", &[]),
                entry(1_000_000, "future", &[]),
            ],
        ),
        stream("{app=shop}", vec![entry(1, "bad labels", &[])]),
    ];
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], snappy(streams)).await;
    assert_eq!(reply.status, 400);
    assert!(reply.header("content-type").starts_with("text/plain"));
    let text = reply.body.as_str().unwrap();
    for part in [
        "line 1: message must not be blank",
        "line 2: timestamp is more than 10 minutes in the future",
        "line 3: labels must be written as",
        "total ignored: 3 out of 4\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(app.messages().await, [("good".to_owned(), 1)]);
}

#[tokio::test]
async fn the_key_is_taken_from_the_password_of_basic() {
    let app = TestApp::start().await;
    let body = json!({"streams": [{"stream": {}, "values": [[moment(1).0.to_string(), "m"]]}]});
    let request = app.replica.client().request(reqwest::Method::POST, PUSH);
    let reply = request
        .basic_auth("tenant", Some(app.org.api_key()))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 204);
    assert_eq!(app.total().await, 1);
}

#[tokio::test]
async fn failures_are_plain_text() {
    let settings = [
        ("--max-body-bytes", "2000"),
        ("--max-decompressed-bytes", "4000"),
        ("--default-rate-limit-per-minute", "2"),
    ];
    let app = TestApp::start_with(&settings).await;
    let assert_text = |reply: &testkit::Reply, status: u16, part: &str| {
        assert_eq!(reply.status, status, "{}", reply.body);
        assert!(reply.header("content-type").starts_with("text/plain"));
        assert!(reply.body.as_str().unwrap().contains(part), "{}", reply.body);
    };
    let reply = send_to(&app.replica.client(), PUSH, &[PROTOBUF], Vec::new()).await;
    assert_text(&reply, 401, "no API key");
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], "rubbish").await;
    assert_text(&reply, 400, "snappy");
    let reply = send_to(&app.sender(), PUSH, &[JSON], "{\"streams\":3}").await;
    assert_text(&reply, 400, "not valid JSON");
    let reply = send_to(
        &app.sender(),
        PUSH,
        &[PROTOBUF, ("content-encoding", "gzip")],
        "x",
    )
    .await;
    assert_text(&reply, 415, "snappy");
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], vec![0; 2001]).await;
    assert_text(&reply, 413, "as sent");
    // A small body that would be large.
    let bomb = snap::raw::Encoder::new().compress_vec(&[0; 5000]).unwrap();
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], bomb).await;
    assert_text(&reply, 413, "after decompression");
    let two = || {
        let entries = vec![entry(1, "a", &[]), entry(1, "b", &[])];
        snappy(vec![stream("{}", entries)])
    };
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], two()).await;
    assert_eq!(reply.status, 204);
    let reply = send_to(&app.sender(), PUSH, &[PROTOBUF], two()).await;
    assert_text(&reply, 429, "2 lines a minute");
    assert!(!reply.header("retry-after").is_empty());
}
