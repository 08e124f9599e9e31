//! What may be sent, and what is said about the rest.

use std::io;

use futures_util::stream;
use serde_json::{Value, json};

use crate::test_app::{INGEST, TestApp, assert_accepted, gzip, logs, send, zstd};

/// Each way to write two lines (one, where only one fits), with its content type.
fn writings() -> Vec<(&'static str, Option<&'static str>, String, usize)> {
    let line = |n: usize| format!("{{\"level\":\"warn\",\"message\":\"line {n}\",\"meta\":{{\"n\":{n}}}}}");
    let (one, two) = (line(1), line(2));
    let json = Some("application/json");
    vec![
        ("object", json, format!("{{\"logs\":[{one},{two}]}}"), 2),
        ("array", json, format!("[{one},\n {two}]"), 2),
        ("single line", json, one.clone(), 1),
        (
            "with charset",
            Some("application/json; charset=UTF-8"),
            format!("[{one},{two}]"),
            2,
        ),
        (
            "with a byte order mark",
            json,
            format!("\u{FEFF}[{one},{two}]"),
            2,
        ),
        (
            "without content type",
            None,
            format!("{{\"logs\":[{one},{two}]}}"),
            2,
        ),
        (
            "x-ndjson",
            Some("application/x-ndjson"),
            format!("{one}\n{two}\n"),
            2,
        ),
        (
            "ndjson, no last newline",
            Some("application/ndjson"),
            format!("{one}\r\n\n{two}"),
            2,
        ),
        ("jsonl", Some("application/jsonl"), one.clone(), 1),
    ]
}

#[tokio::test]
async fn every_format_is_taken_in_every_encoding() {
    let app = TestApp::start().await;
    let sender = app.sender();
    let mut expected = [0, 0];
    for (name, content_type, text, lines) in writings() {
        let encodings = [
            (None, text.as_bytes().to_vec()),
            (Some("identity"), text.as_bytes().to_vec()),
            (Some("gzip"), gzip(text.as_bytes())),
            (Some("zstd"), zstd(text.as_bytes())),
        ];
        for (encoding, body) in encodings {
            let headers: Vec<(&str, &str)> = [("content-type", content_type), ("content-encoding", encoding)]
                .into_iter()
                .filter_map(|(header, value)| Some((header, value?)))
                .collect();
            let reply = send(&sender, &headers, body).await;
            assert_eq!(reply.status, 200, "{name} as {encoding:?}: {}", reply.body);
            assert_accepted(&reply, lines);
            expected[0] += 1;
            expected[1] += lines as i64 - 1;
        }
    }
    let found = app.messages().await;
    assert_eq!(
        found,
        [
            ("line 1".to_owned(), expected[0]),
            ("line 2".to_owned(), expected[1])
        ]
    );
}

#[tokio::test]
async fn a_line_is_stored_under_the_scope_of_its_key_with_all_its_fields() {
    let app = TestApp::start().await;
    let now = app
        .db
        .owner()
        .await
        .query_one(
            "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            &[],
        )
        .await
        .unwrap();
    let timestamp: String = now.get(0);
    let line = json!({"timestamp": timestamp, "level": "ERROR", "message": "größe ≠ 0", "meta": {"a": [1.5, null]},
        "trace_id": "t-1", "request_id": "r-1", "host": "h-1"});
    assert_accepted(&app.sender().post(INGEST, line).await, 1);
    let sql = "SELECT org_id, service_id, environment_id, level, message, meta_json, trace_id, request_id,
                   to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS ts
               FROM logs";
    let row = app.db.owner().await.query_one(sql, &[]).await.unwrap();
    let scope = app.org.scope();
    assert_eq!(
        (
            row.get("org_id"),
            row.get("service_id"),
            row.get("environment_id")
        ),
        (scope.org_id, scope.service_id, scope.environment_id)
    );
    assert_eq!(row.get::<_, i16>("level"), 4);
    assert_eq!(row.get::<_, &str>("message"), "größe ≠ 0");
    assert_eq!(
        row.get::<_, Value>("meta_json"),
        json!({"a": [1.5, null], "host": "h-1"})
    );
    assert_eq!((row.get("trace_id"), row.get("request_id")), ("t-1", "r-1"));
    assert_eq!(row.get::<_, String>("ts"), timestamp);
}

#[tokio::test]
async fn good_lines_are_stored_and_each_bad_one_is_named() {
    let app = TestApp::start().await;
    let body = json!([
        {"message": "good 0"},
        {"message": "bad level", "level": "loud"},
        {"message": "good 2"},
        {"level": "info"},
        {"message": "bad time", "timestamp": "yesterday"},
        "no object",
        {"message": "good 6"},
    ]);
    let reply = app.sender().post(INGEST, body).await;
    let data = reply.data();
    assert_eq!(data["accepted"], 3);
    let named: Vec<(u64, &str)> = data["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["index"].as_u64().unwrap(), line["field"].as_str().unwrap()))
        .collect();
    assert_eq!(named, [(1, "level"), (3, "message"), (4, "timestamp"), (5, "")]);
    assert!(
        data["rejected"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("one of trace, debug")
    );
    assert_eq!(data.get("receipt_id"), None);
    assert_eq!(app.messages().await.len(), 3);
}

#[tokio::test]
async fn when_no_line_is_good_the_answer_is_an_error_that_names_them() {
    let app = TestApp::start().await;
    let bad: Vec<Value> = (0..250).map(|_| json!({"message": ""})).collect();
    let reply = app.sender().post(INGEST, json!({ "logs": bad })).await;
    reply.assert_error(400, "VALIDATION_ERROR", "none of the 250 lines was stored");
    let details = reply.body["error"]["details"].as_array().unwrap();
    assert_eq!(details.len(), 100);
    assert_eq!(details[3]["path"], "logs[3].message");
    assert_eq!(details[3]["message"], "must not be blank");
    assert_eq!(app.total().await, 0);
}

#[tokio::test]
async fn the_index_of_a_bad_line_of_text_is_its_line() {
    let app = TestApp::start().await;
    let body = "{\"message\":\"a\"}\n\n{\"message\":\"b\"}\n{broken\n";
    let reply = send(&app.sender(), &[("content-type", "application/x-ndjson")], body).await;
    let data = reply.data();
    assert_eq!(
        (&data["accepted"], &data["rejected"][0]["index"]),
        (&json!(2), &json!(3))
    );
}

#[tokio::test]
async fn a_body_of_unknown_length_is_taken() {
    let app = TestApp::start().await;
    let text = logs(&vec!["a"; 3000]).to_string();
    let chunks: Vec<io::Result<Vec<u8>>> = text
        .as_bytes()
        .chunks(1000)
        .map(|chunk| Ok(chunk.to_vec()))
        .collect();
    let body = reqwest::Body::wrap_stream(stream::iter(chunks));
    let reply = send(&app.sender(), &[("content-type", "application/json")], body).await;
    assert_accepted(&reply, 3000);
}

#[tokio::test]
async fn another_content_type_is_told_which_header_to_send() {
    let app = TestApp::start().await;
    for content_type in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json; charset=utf-16",
        "application/x-protobuf",
        "nonsense",
    ] {
        let reply = send(
            &app.sender(),
            &[("content-type", content_type)],
            logs(&["a"]).to_string(),
        )
        .await;
        reply.assert_error(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type: application/json");
    }
    assert_eq!(app.total().await, 0);
}

#[tokio::test]
async fn another_encoding_or_two_of_them_are_refused() {
    let app = TestApp::start().await;
    let body = logs(&["a"]).to_string();
    let twice = gzip(&gzip(body.as_bytes()));
    for (encoding, body) in [
        ("br", body.clone().into_bytes()),
        ("deflate", body.into_bytes()),
        ("gzip, gzip", twice),
    ] {
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", encoding),
        ];
        send(&app.sender(), &headers, body)
            .await
            .assert_error(415, "UNSUPPORTED_MEDIA_TYPE", "gzip, zstd");
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_what_would_be() {
    let app = TestApp::start().await;
    let json = "application/json";
    for (content_type, body, message) in [
        (json, "", "the body is empty"),
        (json, " \n ", "the body is empty"),
        (json, "{\"logs\":[]}", "no log lines"),
        (json, "[]", "no log lines"),
        ("application/x-ndjson", "\n\n", "the body is empty"),
        (json, "level=info msg=hello", "not valid JSON"),
        (json, "{\"logs\":[{\"message\":\"a\"}", "not valid JSON"),
        (
            json,
            "{\"message\":\"a\"}\n{\"message\":\"b\"}",
            "application/x-ndjson",
        ),
        (
            json,
            "{\"logs\":[{\"message\":\"a\"}],\"host\":\"b\"}",
            "host is not a field",
        ),
        (json, "{\"logs\":\"a\"}", "logs must be an array"),
        (json, "12", "a JSON object or array"),
        (json, "null", "a JSON object or array"),
    ] {
        let reply = send(&app.sender(), &[("content-type", content_type)], body).await;
        reply.assert_error(400, "VALIDATION_ERROR", message);
    }
    assert_eq!(app.total().await, 0);
}

#[tokio::test]
async fn the_document_lists_the_routes_and_who_may_use_them() {
    let app = TestApp::start().await;
    let document = app.replica.client().get("/openapi.json").await.body;
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let expected = [
        "/",
        "/_bulk",
        "/_cluster/health",
        "/_component_template/{name}",
        "/_data_stream/{name}",
        "/_ilm/policy/{name}",
        "/_index_template/{name}",
        "/_ingest/pipeline/{name}",
        "/_license",
        "/_template/{name}",
        "/api/v1/internal/logs/cleanup",
        "/api/v1/logs/ingest",
        "/api/v1/receipts/{id}",
        "/api/v1/validate",
        "/api/v2/logs",
        "/loki/api/v1/push",
        "/services/collector",
        "/services/collector/event",
        "/services/collector/event/1.0",
        "/services/collector/health",
        "/services/collector/health/1.0",
        "/services/collector/raw",
        "/services/collector/raw/1.0",
        "/v1/input",
        "/v1/logs",
        "/{index}/_bulk",
    ];
    assert_eq!(paths, expected);
    let ingest = &document["paths"]["/api/v1/logs/ingest"]["post"];
    assert_eq!(ingest["security"], json!([{"api_key": ["logs:write"]}]));
    for status in ["200", "400", "401", "403", "409", "413", "415", "429", "503"] {
        assert!(ingest["responses"].get(status).is_some(), "{status}");
    }
    let content = ingest["requestBody"]["content"].as_object().unwrap();
    assert!(content.contains_key("application/json") && content.contains_key("application/x-ndjson"));
    let cleanup = &document["paths"]["/api/v1/internal/logs/cleanup"]["post"];
    assert_eq!(cleanup["security"], json!([{"internal": []}]));
}
