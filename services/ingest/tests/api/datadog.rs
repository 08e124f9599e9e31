//! Datadog's logs intake, as its agent and libraries send to it.

use serde_json::json;
use testkit::Client;

use crate::test_app::{TestApp, gzip, moment, send_to};

const LOGS: &str = "/api/v2/logs";

/// A sender that puts the key where Datadog's do.
fn datadog(app: &TestApp) -> Client {
    app.replica.client().with_header("DD-API-KEY", app.org.api_key())
}

#[tokio::test]
async fn an_array_of_logs_is_stored() {
    let app = TestApp::start().await;
    let millis = moment(1).0 / 1_000_000;
    let ts = format!("{}000Z", &moment(1).1[..23]);
    let body = json!([
        {"ddsource": "nginx", "ddtags": "env:prod,version:5.1", "hostname": "i-1", "service": "payment",
            "status": "warn", "message": "text", "timestamp": millis},
        {"message": {"message": "inner", "user": 7}, "status": "ok", "timestamp": millis.to_string(),
            "dd": {"trace_id": "123", "span_id": "4"}},
    ]);
    for path in [LOGS, "/v1/input"] {
        let reply = datadog(&app).post(path, body.clone()).await;
        assert_eq!((reply.status, reply.body), (202, json!({})));
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let reply = send_to(&datadog(&app), LOGS, &headers, gzip(body.to_string().as_bytes())).await;
    assert_eq!(reply.status, 202);
    let mut stored = app.stored().await;
    stored.dedup();
    let expected = [
        json!({"ts": ts, "level": 2, "message": "inner", "trace_id": "123",
            "meta": {"user": 7, "status": "ok", "dd": {"span_id": "4"}}}),
        json!({"ts": ts, "level": 3, "message": "text", "trace_id": null, "meta": {"ddsource": "nginx",
            "ddtags": "env:prod,version:5.1", "hostname": "i-1", "service": "payment"}}),
    ];
    assert_eq!(stored, expected);
    assert_eq!(app.total().await, 6);
}

#[tokio::test]
async fn the_agents_trial_is_a_success_and_stores_nothing() {
    let app = TestApp::start().await;
    let reply = datadog(&app).post(LOGS, json!({})).await;
    assert_eq!((reply.status, reply.body), (202, json!({})));
    assert_eq!(app.total().await, 0);
    let reply = datadog(&app).get("/api/v1/validate").await;
    assert_eq!((reply.status, reply.body), (200, json!({"valid": true})));
    let nobody = app.replica.client().get("/api/v1/validate").await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn refused_logs_are_named_and_the_others_stored() {
    let app = TestApp::start().await;
    let body = json!([{"message": "good"}, {"message": "x", "timestamp": "soon"}, "text"]);
    let reply = datadog(&app).post(LOGS, body).await;
    assert_eq!(reply.status, 400);
    let error = &reply.body["errors"][0];
    assert_eq!(
        (&error["status"], &error["title"]),
        (&json!("400"), &json!("Bad Request"))
    );
    let detail = error["detail"].as_str().unwrap();
    for part in [
        "2 logs were refused, 1 are stored",
        "line 1: timestamp must be RFC 3339",
        "line 2: ",
    ] {
        assert!(detail.contains(part), "{detail}");
    }
    assert_eq!(app.messages().await, [("good".to_owned(), 1)]);
}

#[tokio::test]
async fn failures_are_lists_of_errors() {
    let app = TestApp::start_with(&[("--default-rate-limit-per-minute", "1")]).await;
    let nobody = app.replica.client();
    for (client, body, status, part) in [
        (&nobody, "[]", 401, "no API key"),
        (&datadog(&app), "", 400, "the body is empty"),
        (&datadog(&app), "[{]", 400, "not valid JSON"),
        (&datadog(&app), r#"{"message":"a"}"#, 202, ""),
        (&datadog(&app), r#"{"message":"a"}"#, 429, "1 lines a minute"),
    ] {
        let reply = send_to(client, LOGS, &[("content-type", "application/json")], body).await;
        assert_eq!(reply.status, status, "{}", reply.body);
        let detail = reply.body["errors"][0]["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(part), "{detail}");
        assert_eq!(reply.header("retry-after").is_empty(), status != 429);
    }
}
