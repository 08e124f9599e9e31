//! Jobs that call, and those that do not.

use domain::role::Role;
use serde_json::{Value, json};

use crate::test_app::{TestApp, text};

fn heartbeat(app: &TestApp) -> Value {
    json!({"name": "backup", "type": "heartbeat", "params": {"every_seconds": 60, "grace_seconds": 30}, "severity": "high",
        "service_id": app.org.service_id, "environment_id": app.org.production})
}

fn path_of(made: &Value) -> String {
    let url = text(&made["heartbeat_url"]);
    url.strip_prefix("https://sightline.example").unwrap().to_owned()
}

#[tokio::test]
async fn a_job_that_stops_calling_opens_an_incident_and_its_next_call_ends_it() {
    let app = TestApp::start().await;
    let made = app
        .developer()
        .post("/api/alerts", heartbeat(&app))
        .await
        .assert_status(201)
        .data();
    let path = path_of(&made);
    app.pass(600).await;
    assert_eq!(app.sweep().await["opened"], 0, "it has not begun");
    let job = app.replica.client();
    job.post(&path, json!({})).await.assert_status(200);
    app.pass(90).await;
    assert_eq!(app.sweep().await["opened"], 0);
    app.pass(10).await;
    assert_eq!(app.sweep().await["opened"], 1);
    job.get(&path).await.assert_status(200);
    app.pass(10).await;
    assert_eq!(app.sweep().await["resolved"], 1);
    let shown = app
        .as_role(Role::Viewer)
        .get(&format!("/api/alerts/{}", text(&made["id"])))
        .await
        .data();
    assert!(!shown["heartbeat"]["last_beat_at"].is_null());
    assert_eq!(shown["heartbeat_url"], Value::Null, "shown once");
}

#[tokio::test]
async fn only_the_hash_of_an_address_is_stored_and_another_one_replaces_it() {
    let app = TestApp::start().await;
    let made = app
        .developer()
        .post("/api/alerts", heartbeat(&app))
        .await
        .assert_status(201)
        .data();
    let path = path_of(&made);
    let token = path.rsplit('/').next().unwrap();
    let sql = format!(
        "SELECT count(*) FROM alert_heartbeats h WHERE h::text LIKE '%{token}%'
         OR encode(token_hash, 'escape') LIKE '%{token}%'"
    );
    assert_eq!(app.count(&sql).await, 0);
    let rotated = app
        .developer()
        .post(&format!("/api/alerts/{}/heartbeat", text(&made["id"])), json!({}))
        .await
        .assert_status(200)
        .data();
    let job = app.replica.client();
    job.post(&path, json!({}))
        .await
        .assert_error(404, "NOT_FOUND", "heartbeat");
    job.post(&path_of(&rotated), json!({})).await.assert_status(200);
    for wrong in ["slh_x", "x", "slh_00000000000000000000000000000000000000"] {
        job.post(&format!("/api/v1/heartbeats/{wrong}"), json!({}))
            .await
            .assert_status(404);
    }
    let rule = app.error_rule(json!({})).await;
    app.developer()
        .post(&format!("/api/alerts/{rule}/heartbeat"), json!({}))
        .await
        .assert_error(409, "CONFLICT", "heartbeat");
}

#[tokio::test]
async fn calls_are_written_down_at_most_every_five_seconds_and_limited() {
    let app = TestApp::start().await;
    let made = app
        .developer()
        .post("/api/alerts", heartbeat(&app))
        .await
        .assert_status(201)
        .data();
    let path = path_of(&made);
    let job = app.replica.client();
    let mut refused = 0;
    for _ in 0..310 {
        refused += i32::from(job.post(&path, json!({})).await.status == 429);
    }
    assert_eq!(refused, 10);
    let calls = app.count("SELECT count(*) FROM alert_heartbeat_calls").await;
    assert!((1..=6).contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_heartbeat_belongs_to_one_environment() {
    let app = TestApp::start().await;
    let mut wanted = heartbeat(&app);
    wanted["environment_id"] = Value::Null;
    let refused = app.developer().post("/api/alerts", wanted).await;
    refused.assert_error(400, "VALIDATION_ERROR", "environment_id");
}
