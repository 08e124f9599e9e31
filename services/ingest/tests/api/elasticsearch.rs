//! Elasticsearch's bulk API, as Beats, Logstash, Fluent Bit, Vector and Elastic's own clients speak it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::test_app::{TestApp, gzip, moment, send_to};

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

fn ndjson(lines: &[Value]) -> String {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

/// Milliseconds, as shippers write them.
fn millis(n: i64) -> String {
    format!("{}Z", &moment(n).1[..23])
}

fn stored_at(n: i64) -> String {
    format!("{}000Z", &moment(n).1[..23])
}

#[tokio::test]
async fn documents_are_stored_as_shippers_write_them() {
    let app = TestApp::start().await;
    let body = ndjson(&[
        // Filebeat.
        json!({"create": {"_index": "filebeat-8.19.0"}}),
        json!({"@timestamp": millis(1), "message": "from filebeat", "log": {"level": "warn", "offset": 7},
            "trace": {"id": "t-1"}, "host": {"name": "h-1"}, "ecs": {"version": "8.0.0"}}),
        // Fluent Bit.
        json!({"index": {"_index": "fluent-bit", "_id": "given"}}),
        json!({"@timestamp": millis(2), "log": "from fluent bit", "stream": "stderr", "level": "ERROR"}),
        // A logger's own ECS.
        json!({"create": {}}),
        json!({"@timestamp": moment(3).0 / 1_000_000, "message": "ecs", "log.level": "debug", "trace.id": "t-3"}),
        // No message at all.
        json!({"create": {"_index": "other"}}),
        json!({"@timestamp": millis(4), "a": 1}),
    ]);
    let reply = send_to(&app.sender(), "/logs-app-default/_bulk", &[NDJSON], body.clone()).await;
    reply.assert_status(200);
    assert_eq!(reply.header("x-elastic-product"), "Elasticsearch");
    assert_eq!(reply.body["errors"], false);
    assert!(reply.body["took"].is_u64());
    let items = reply.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    assert_eq!(items[1]["index"]["_id"], "given");
    assert_eq!(items[2]["create"]["_index"], "logs-app-default");
    for item in items {
        let result = item.as_object().unwrap().values().next().unwrap();
        assert_eq!(
            (&result["status"], &result["result"]),
            (&json!(201), &json!("created"))
        );
    }
    let expected = [
        json!({"ts": stored_at(1), "level": 3, "message": "from filebeat", "trace_id": "t-1", "meta": {"log":
            {"offset": 7}, "host": {"name": "h-1"}, "ecs": {"version": "8.0.0"}, "index": "filebeat-8.19.0"}}),
        json!({"ts": stored_at(2), "level": 4, "message": "from fluent bit", "trace_id": null,
            "meta": {"stream": "stderr", "index": "fluent-bit"}}),
        json!({"ts": stored_at(3), "level": 1, "message": "ecs", "trace_id": "t-3",
            "meta": {"index": "logs-app-default"}}),
        json!({"ts": stored_at(4), "level": 2, "message": "{\"a\":1}", "trace_id": null,
            "meta": {"a": 1, "index": "other"}}),
    ];
    assert_eq!(app.stored().await, expected);

    let headers = [NDJSON, ("content-encoding", "gzip")];
    let reply = send_to(
        &app.sender(),
        "/_bulk?filter_path=errors",
        &headers,
        gzip(body.as_bytes()),
    )
    .await;
    assert_eq!((reply.status, &reply.body["errors"]), (200, &json!(false)));
    assert_eq!(app.total().await, 8);
}

#[tokio::test]
async fn each_item_has_its_own_result() {
    let app = TestApp::start().await;
    let body = ndjson(&[
        json!({"create": {"_index": "i"}}),
        json!({"message": "good"}),
        json!({"delete": {"_index": "i", "_id": "1"}}),
        json!({"index": {"_index": "i"}}),
        json!({"message": "old", "@timestamp": "1999-01-01T00:00:00Z"}),
        json!({"update": {"_index": "i", "_id": "2"}}),
        json!({"doc": {"message": "changed"}}),
        json!({"create": {"_index": "i"}}),
        json!("no object"),
        json!({"create": {"_index": "i"}}),
        json!({"message": "good too"}),
    ]);
    let reply = send_to(&app.sender(), "/_bulk", &[NDJSON], body).await;
    assert_eq!((reply.status, &reply.body["errors"]), (200, &json!(true)));
    let results: Vec<(String, Value, String)> = reply.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            let (action, result) = item.as_object().unwrap().iter().next().unwrap();
            let reason = result["error"]["reason"].as_str().unwrap_or_default();
            (action.clone(), result["status"].clone(), reason.to_owned())
        })
        .collect();
    let expected = [
        ("create", 201, ""),
        ("delete", 400, "delete is not taken"),
        ("index", 400, "timestamp is older than"),
        ("update", 400, "update is not taken"),
        ("create", 400, "must be a JSON object"),
        ("create", 201, ""),
    ];
    assert_eq!(results.len(), expected.len());
    for ((action, status, reason), expected) in results.iter().zip(expected) {
        assert_eq!((action.as_str(), status), (expected.0, &json!(expected.1)));
        assert!(reason.starts_with(expected.2), "{reason}");
    }
    let messages: Vec<String> = app.messages().await.into_iter().map(|(text, _)| text).collect();
    assert_eq!(messages, ["good", "good too"]);
}

#[tokio::test]
async fn what_shippers_ask_for_before_they_send_is_answered() {
    let app = TestApp::start().await;
    let sender = app.sender();
    let root = sender.get("/").await;
    root.assert_status(200);
    assert_eq!(root.header("x-elastic-product"), "Elasticsearch");
    assert_eq!(root.body["tagline"], "You Know, for Search");
    assert!(root.body["version"]["number"].as_str().unwrap().starts_with("8."));
    assert_eq!(sender.call(Method::HEAD, "/", None).await.status, 200);
    let license = sender.get("/_license").await.body;
    let found = (&license["license"]["type"], &license["license"]["status"]);
    assert_eq!(found, (&json!("basic"), &json!("active")));
    assert_eq!(sender.get("/_cluster/health").await.body["status"], "green");
    for path in [
        "/_index_template/ecs-logstash",
        "/_component_template/a",
        "/_template/logstash",
        "/_ilm/policy/logstash-policy",
        "/_ingest/pipeline/a",
        "/_data_stream/filebeat-8.19.0",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let reply = sender.call(method, path, None).await;
            assert_eq!(reply.status, 200, "{path}");
            assert_eq!(reply.header("x-elastic-product"), "Elasticsearch");
        }
        let reply = sender.put(path, json!({"template": {}})).await;
        assert_eq!(reply.body, json!({"acknowledged": true}), "{path}");
        assert_eq!(app.replica.client().get(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn keys_come_as_elastics_clients_send_them() {
    let app = TestApp::start().await;
    let key = app.org.api_key();
    let basic = app.replica.client().request(Method::GET, "/");
    let reply = basic.basic_auth("elastic", Some(key)).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    for header in [format!("ApiKey {key}"), format!("Bearer {key}")] {
        let client = app.replica.client().with_header("Authorization", &header);
        client.get("/").await.assert_status(200);
    }
}

#[tokio::test]
async fn failures_are_exceptions() {
    let app = TestApp::start_with(&[("--default-rate-limit-per-minute", "1")]).await;
    let nobody = app.replica.client();
    let good = "{\"create\":{}}\n{\"message\":\"a\"}\n";
    for (client, body, status, kind, part) in [
        (&nobody, good, 401, "security_exception", "no API key"),
        (
            &app.sender(),
            "",
            400,
            "illegal_argument_exception",
            "request body is required",
        ),
        (
            &app.sender(),
            "{\"message\":1}\n",
            400,
            "illegal_argument_exception",
            "line [1]",
        ),
        (&app.sender(), good, 200, "", ""),
        (
            &app.sender(),
            good,
            429,
            "es_rejected_execution_exception",
            "1 lines a minute",
        ),
    ] {
        let reply = send_to(client, "/_bulk", &[NDJSON], body).await;
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(reply.header("x-elastic-product"), "Elasticsearch");
        assert_eq!(reply.header("retry-after").is_empty(), status != 429);
        if status == 200 {
            continue;
        }
        assert_eq!(reply.body["status"], status);
        let error = &reply.body["error"];
        assert_eq!(
            (&error["type"], &error["root_cause"][0]["type"]),
            (&json!(kind), &json!(kind))
        );
        assert!(error["reason"].as_str().unwrap().contains(part), "{error}");
    }
}
