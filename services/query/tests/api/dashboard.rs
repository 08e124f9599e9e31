//! What a browser gets, and how the five parts are.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;

use crate::test_app::TestApp;

#[tokio::test]
async fn every_page_is_the_same_program_under_a_strict_policy() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/logs?q=a",
        "/incidents/6d6e2a0c-94a1-4d5c-8f0e-1c1d7f3f8a11",
        "/invite",
    ] {
        let reply = app.anyone().get(path).await;
        reply.assert_status(200);
        assert!(
            reply.body.as_str().unwrap().starts_with("<!doctype html>"),
            "{path}"
        );
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_is_no_page_is_answered_as_the_api_answers() {
    let app = TestApp::start().await;
    for path in [
        "/nothing",
        "/logs/x",
        "/assets/none.js",
        "/assets/none",
        "/api/logs",
        "/.env",
    ] {
        let reply = app.anyone().get(path).await;
        reply.assert_status(404);
        assert_eq!(reply.body["error"]["code"], "NOT_FOUND", "{path}");
    }
}

#[tokio::test]
async fn the_status_names_the_five_parts_and_where_lines_are_sent() {
    let app = TestApp::start_with(&[("--ingest-public-url", "https://in.example.com/")]).await;
    app.anyone().get("/api/status").await.assert_status(401);
    let (_org, viewer) = app.org().await;
    let status = viewer.get("/api/status").await.body["data"].clone();
    assert_eq!(status["ingest_url"], "https://in.example.com");
    let parts = ["query", "identity", "ingest", "alerting", "webhook"];
    let expected: Vec<Value> = parts
        .iter()
        .map(|name| json!({"name": name, "health": "ready"}))
        .collect();
    assert_eq!(status["parts"], Value::from(expected));
}

#[tokio::test]
async fn a_part_in_trouble_is_shown() {
    let app = TestApp::start().await;
    let (_org, viewer) = app.org().await;
    app.webhook.set_ready(false);
    app.alerting.stop().await;
    let expected = [
        ("webhook", "not_ready"),
        ("alerting", "silent"),
        ("identity", "ready"),
    ];
    eventually(Duration::from_secs(10), "the status to know", async || {
        let status = viewer.get("/api/status").await.body;
        let parts = status["data"]["parts"].as_array().unwrap();
        let is_so = |(name, health): &(&str, &str)| parts.contains(&json!({"name": name, "health": health}));
        if expected.iter().all(is_so) {
            Ok(())
        } else {
            Err(status)
        }
    })
    .await;
}

#[tokio::test]
async fn the_document_lists_the_gateways_own_routes_and_who_may_call_them() {
    let app = TestApp::start().await;
    let document = app.anyone().get("/openapi.json").await.body;
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/api/logs/changes",
            "/api/logs/context",
            "/api/logs/export",
            "/api/logs/facets",
            "/api/logs/fields",
            "/api/logs/histogram",
            "/api/logs/lines/{id}",
            "/api/logs/patterns",
            "/api/logs/query",
            "/api/logs/stats",
            "/api/logs/tail",
            "/api/logs/views",
            "/api/logs/views/{id}",
            "/api/overview",
            "/api/status",
            "/loki/api/v1/detected_fields",
            "/loki/api/v1/detected_labels",
            "/loki/api/v1/index/stats",
            "/loki/api/v1/index/volume",
            "/loki/api/v1/index/volume_range",
            "/loki/api/v1/label/{name}/values",
            "/loki/api/v1/labels",
            "/loki/api/v1/patterns",
            "/loki/api/v1/query",
            "/loki/api/v1/query_range",
            "/loki/api/v1/series",
            "/loki/api/v1/status/buildinfo",
            "/loki/api/v1/tail",
        ]
    );
    for path in &paths[..11] {
        let operation = &document["paths"][path.as_str()]["get"];
        assert_eq!(
            operation["security"],
            serde_json::json!([{"session": ["viewer"]}, {"token": ["viewer"]}])
        );
        assert!(
            !operation["responses"]["200"]["content"]
                .as_object()
                .unwrap()
                .is_empty()
        );
        assert!(!operation["parameters"].as_array().unwrap().is_empty(), "{path}");
    }
    let of_loki = paths.iter().filter(|path| path.starts_with("/loki/"));
    for path in of_loki.filter(|path| !path.ends_with("/tail")) {
        for method in ["get", "post"] {
            let operation = &document["paths"][path.as_str()][method];
            assert_eq!(
                operation["security"],
                serde_json::json!([{"session": ["viewer"]}, {"token": ["viewer"]}]),
                "{method} {path}"
            );
            assert!(!operation["responses"]["200"]["content"]["application/json"]["example"].is_null());
        }
    }
}
