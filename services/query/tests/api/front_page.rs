//! What a person sees at the gateway's address.

use std::time::Duration;

use testkit::eventually;

use crate::test_app::TestApp;

#[tokio::test]
async fn the_front_page_shows_the_five_parts_and_runs_no_script() {
    let app = TestApp::start().await;
    let reply = app.anyone().get("/").await;
    reply.assert_status(200);
    let html = reply.body.as_str().unwrap();
    for part in ["query", "identity", "ingest", "alerting", "webhook"] {
        assert!(
            html.contains(&format!("<td>{part}</td><td class=\"ready\">")),
            "{html}"
        );
    }
    assert!(html.contains("href=\"/openapi.json\""));
    assert!(!html.contains("<script"));
    let policy = reply.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_part_in_trouble_is_shown() {
    let app = TestApp::start().await;
    app.webhook.set_ready(false);
    app.alerting.stop().await;
    let expected = [
        "<td>webhook</td><td class=\"trouble\">running, but not ready",
        "<td>alerting</td><td class=\"trouble\">does not answer",
        "<td>identity</td><td class=\"ready\">ready",
    ];
    eventually(Duration::from_secs(10), "the page to know", async || {
        let html = app.anyone().get("/").await.body.as_str().unwrap().to_owned();
        if expected.iter().all(|part| html.contains(part)) {
            Ok(())
        } else {
            Err(html)
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
            "/",
            "/api/logs/context",
            "/api/logs/export",
            "/api/logs/facets",
            "/api/logs/fields",
            "/api/logs/histogram",
            "/api/logs/lines/{id}",
            "/api/logs/query",
            "/api/logs/stats",
            "/api/logs/tail",
            "/api/logs/views",
            "/api/logs/views/{id}",
        ]
    );
    for path in &paths[1..10] {
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
    assert!(document["paths"]["/"]["get"]["security"].is_null());
}
