//! OpenTelemetry's logs over HTTP, as its SDKs and the Collector send them.

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Value, json};

use crate::test_app::{TestApp, gzip, moment, send_to, zstd};

const LOGS: &str = "/v1/logs";
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

/// `google.rpc.Status`, as clients read it.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn value(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn text(text: &str) -> AnyValue {
    value(Any::StringValue(text.to_owned()))
}

fn pair(key: &str, value: impl Into<Option<AnyValue>>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: value.into(),
        ..KeyValue::default()
    }
}

pub(crate) fn export(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource {
                attributes: vec![
                    pair("service.name", text("shop")),
                    pair("service.instance.id", text("i-1")),
                ],
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: "shop.checkout".into(),
                    version: "1.2.3".into(),
                    attributes: vec![pair("service.instance.id", text("nearer"))],
                    dropped_attributes_count: 0,
                }),
                log_records: records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

pub(crate) fn full_record() -> LogRecord {
    let list = ArrayValue {
        values: vec![text("a"), value(Any::IntValue(-3))],
    };
    let map = KeyValueList {
        values: vec![pair("deep.key", value(Any::BoolValue(true)))],
    };
    LogRecord {
        time_unix_nano: moment(1).0 as u64,
        observed_time_unix_nano: moment(9).0 as u64,
        severity_number: 17,
        severity_text: "ERROR".into(),
        body: Some(text("payment failed")),
        attributes: vec![
            pair("order.id", value(Any::IntValue(4711))),
            pair("ratio", value(Any::DoubleValue(0.5))),
            pair("odd", value(Any::DoubleValue(f64::NAN))),
            pair("list", value(Any::ArrayValue(list))),
            pair("map", value(Any::KvlistValue(map))),
            pair("bytes", value(Any::BytesValue(vec![1, 2, 3]))),
            pair("nothing", None::<AnyValue>),
        ],
        trace_id: (1..=16).collect(),
        span_id: (1..=8).collect(),
        flags: 1,
        event_name: "payment.failed".into(),
        ..LogRecord::default()
    }
}

pub(crate) fn full_line() -> Value {
    json!({"ts": moment(1).1, "level": 4, "message": "payment failed",
        "trace_id": "0102030405060708090a0b0c0d0e0f10",
        "meta": {"service.name": "shop", "service.instance.id": "nearer", "otel.scope.name": "shop.checkout",
            "otel.scope.version": "1.2.3", "order.id": 4711, "ratio": 0.5, "odd": "NaN", "list": ["a", -3],
            "map": {"deep.key": true}, "bytes": "AQID", "nothing": null, "span_id": "0102030405060708", "flags": 1,
            "event_name": "payment.failed"}})
}

/// The same record in OTLP's JSON, as JavaScript SDKs write it.
fn full_json() -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "service.instance.id", "value": {"stringValue": "i-1"}}], "droppedAttributesCount": 0},
        "scopeLogs": [{
            "scope": {"name": "shop.checkout", "version": "1.2.3",
                "attributes": [{"key": "service.instance.id", "value": {"stringValue": "nearer"}}]},
            "logRecords": [{
                "timeUnixNano": moment(1).0.to_string(), "observedTimeUnixNano": moment(9).0,
                "severityNumber": 17, "severityText": "ERROR", "body": {"stringValue": "payment failed"},
                "attributes": [
                    {"key": "order.id", "value": {"intValue": "4711"}},
                    {"key": "ratio", "value": {"doubleValue": 0.5}},
                    {"key": "odd", "value": {"doubleValue": "NaN"}},
                    {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": -3}]}}},
                    {"key": "map", "value": {"kvlistValue": {"values":
                        [{"key": "deep.key", "value": {"boolValue": true}}]}}},
                    {"key": "bytes", "value": {"bytesValue": "AQID"}},
                    {"key": "nothing", "value": {}}],
                "traceId": "0102030405060708090A0B0C0D0E0F10", "spanId": "0102030405060708", "flags": 1,
                "eventName": "payment.failed", "unknownField": [1]}]}]}]})
}

#[tokio::test]
async fn protobuf_and_json_are_stored_alike_in_every_encoding() {
    let app = TestApp::start().await;
    let protobuf = export(vec![full_record()]).encode_to_vec();
    let json = full_json().to_string().into_bytes();
    for (content_type, body) in [(PROTOBUF, protobuf), (JSON, json)] {
        for (encoding, body) in [
            ("identity", body.clone()),
            ("gzip", gzip(&body)),
            ("zstd", zstd(&body)),
        ] {
            let headers = [content_type, ("content-encoding", encoding)];
            let reply = send_to(&app.sender(), LOGS, &headers, body).await;
            reply.assert_status(200);
            assert_eq!(reply.header("content-type"), content_type.1);
            let expected = if content_type == JSON {
                json!({})
            } else {
                Value::Null
            };
            assert_eq!(reply.body, expected, "an empty response");
        }
    }
    assert_eq!(app.stored().await, vec![full_line(); 6]);
}

#[tokio::test]
async fn a_body_that_is_no_text_is_its_json_and_a_record_without_one_is_its_event() {
    let app = TestApp::start().await;
    let map = KeyValueList {
        values: vec![pair("a", value(Any::IntValue(1))), pair("b", text("x"))],
    };
    let record = |n: i64, body: Option<AnyValue>, event: &str| LogRecord {
        observed_time_unix_nano: moment(n).0 as u64,
        body,
        event_name: event.to_owned(),
        severity_text: "Information".into(),
        ..LogRecord::default()
    };
    let request = export(vec![
        record(1, Some(value(Any::KvlistValue(map))), ""),
        record(2, Some(value(Any::IntValue(7))), ""),
        record(3, None, "session.start"),
    ]);
    let reply = send_to(&app.sender(), LOGS, &[PROTOBUF], request.encode_to_vec()).await;
    reply.assert_status(200);
    let found: Vec<(Value, Value)> = app
        .stored()
        .await
        .into_iter()
        .map(|mut line| (line["ts"].take(), line["message"].take()))
        .collect();
    let expected = [
        (moment(1).1.into(), r#"{"a":1,"b":"x"}"#.into()),
        (moment(2).1.into(), "7".into()),
        (moment(3).1.into(), "session.start".into()),
    ];
    assert_eq!(found, expected);
}

pub(crate) fn with_body(body: &str) -> LogRecord {
    LogRecord {
        body: Some(text(body)),
        ..LogRecord::default()
    }
}

#[tokio::test]
async fn refused_records_are_counted_with_the_reasons_and_the_others_stored() {
    let app = TestApp::start().await;
    let future = LogRecord {
        time_unix_nano: u64::MAX,
        ..with_body("future")
    };
    let records = vec![
        with_body("good"),
        with_body(" "),
        future,
        with_body("nul \0 is kept"),
    ];
    let body = export(records).encode_to_vec();
    let reply = app
        .sender()
        .request(reqwest::Method::POST, LOGS)
        .header(PROTOBUF.0, PROTOBUF.1)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    let response = ExportLogsServiceResponse::decode(reply.bytes().await.unwrap()).unwrap();
    let partial = response.partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 2);
    for part in ["line 1: message", "line 2: timestamp"] {
        assert!(partial.error_message.contains(part), "{}", partial.error_message);
    }
    let messages: Vec<String> = app
        .messages()
        .await
        .into_iter()
        .map(|(message, _)| message)
        .collect();
    assert_eq!(messages, ["good", "nul \u{FFFD} is kept"]);

    let json = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"body": {"stringValue": "good too"}}, {"body": {"stringValue": "x"}, "timeUnixNano": "soon"}]}]}]});
    let reply = app.sender().post(LOGS, json).await;
    assert_eq!(
        reply.assert_status(200).body,
        json!({"partialSuccess": {"rejectedLogRecords": "1",
            "errorMessage": "line 1: timeUnixNano must be a whole number, not below 0"}})
    );
}

#[tokio::test]
async fn a_request_without_records_is_a_success() {
    let app = TestApp::start().await;
    send_to(&app.sender(), LOGS, &[PROTOBUF], Vec::new())
        .await
        .assert_status(200);
    for json in [
        json!({}),
        json!({"resourceLogs": null}),
        json!({"resourceLogs": [{"resource": null, "scopeLogs": [{"logRecords": null}]}]}),
    ] {
        app.sender().post(LOGS, json).await.assert_status(200);
    }
    assert_eq!(app.total().await, 0);
}

async fn status_of(response: reqwest::Response) -> (u16, Status, reqwest::header::HeaderMap) {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = Status::decode(response.bytes().await.unwrap()).unwrap();
    (status, body, headers)
}

#[tokio::test]
async fn failures_are_a_status_in_the_requests_own_encoding() {
    let settings = [
        ("--max-body-bytes", "2000"),
        ("--default-rate-limit-per-minute", "3"),
    ];
    let app = TestApp::start_with(&settings).await;
    let call = async |key: Option<&str>, content_type: &str, body: Vec<u8>| {
        let mut client = app.replica.client();
        if let Some(key) = key {
            client = client.with_bearer(key);
        }
        let request = client
            .request(reqwest::Method::POST, LOGS)
            .header("content-type", content_type);
        request.body(body).send().await.unwrap()
    };
    let (key, protobuf) = (Some(app.org.api_key()), PROTOBUF.1);

    let (status, body, headers) = status_of(call(None, protobuf, Vec::new()).await).await;
    assert_eq!((status, body.code), (401, 16));
    assert!(body.message.contains("no API key"));
    assert_eq!(headers["content-type"], protobuf);
    let reply = call(None, JSON.1, b"{}".to_vec()).await;
    assert_eq!(reply.status(), 401);
    let body: Value = reply.json().await.unwrap();
    assert_eq!(body["code"], 16);

    let (status, body, _) = status_of(call(key, protobuf, vec![0x0A, 200]).await).await;
    assert_eq!((status, body.code), (400, 3));
    let blank = export(vec![with_body("")]).encode_to_vec();
    let (status, body, _) = status_of(call(key, protobuf, blank).await).await;
    assert_eq!((status, body.code), (400, 3));
    assert!(
        body.message.contains("message must not be blank"),
        "{}",
        body.message
    );
    let (status, body, _) = status_of(call(key, protobuf, vec![0; 2001]).await).await;
    assert_eq!((status, body.code), (413, 3));
    let reply = call(key, "text/plain", Vec::new()).await;
    assert_eq!(reply.status(), 415);

    let three = export(vec![with_body("m"); 3]).encode_to_vec();
    assert_eq!(call(key, protobuf, three.clone()).await.status(), 200);
    let (status, body, headers) = status_of(call(key, protobuf, three).await).await;
    assert_eq!((status, body.code), (429, 8));
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
}
