//! The times of a rule, and what people do in between.

use serde_json::json;

use crate::test_app::{TestApp, text};

#[tokio::test]
async fn the_condition_must_hold_before_the_rule_fires() {
    let app = TestApp::start().await;
    let params = json!({"threshold": 5, "window_seconds": 60});
    let rule = app.error_rule(json!({"for_seconds": 30, "params": params})).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 0);
    let firing = firing(&app, &rule).await;
    assert_eq!(
        (&firing["state"], &firing["reason"]),
        (&json!("pending"), &json!("waiting"))
    );
    assert!(!firing["held_until"].is_null());
    app.pass(12).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 0, "it holds for 12 s");
    app.pass(18).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 1, "it holds for 30 s");
}

#[tokio::test]
async fn a_condition_that_lapses_starts_to_wait_again() {
    let app = TestApp::start().await;
    app.error_rule(json!({"for_seconds": 30})).await;
    app.errors(5).await;
    app.sweep().await;
    app.pass(20).await;
    app.sweep().await;
    app.errors(5).await;
    app.sweep().await;
    app.pass(11).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 0, "it holds for 11 s, not for 31 s");
}

#[tokio::test]
async fn the_cooldown_holds_a_second_incident_back_and_the_last_one_says_so() {
    let app = TestApp::start().await;
    let rule = app.error_rule(json!({"cooldown_seconds": 100})).await;
    app.errors(5).await;
    app.sweep().await;
    app.pass(20).await;
    app.sweep().await;
    app.pass(11).await;
    assert_eq!(app.sweep().await["resolved"], 1);
    app.errors(5).await;
    for _ in 0..3 {
        assert_eq!(app.sweep().await["opened"], 0);
    }
    let held = firing(&app, &rule).await;
    assert_eq!(
        (&held["state"], &held["reason"]),
        (&json!("pending"), &json!("cooling_down"))
    );
    let first = text(&app.incidents().await[0]["id"]);
    let timeline = app.timeline(&first).await;
    assert_eq!(
        timeline.iter().filter(|kind| *kind == "firing_held").count(),
        1,
        "{timeline:?}"
    );
    app.pass(70).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["reopened"], 1, "101 s after it fired");
}

#[tokio::test]
async fn after_a_person_resolved_it_the_same_burst_opens_nothing_and_the_next_one_does() {
    let app = TestApp::start().await;
    let rule = app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    let first = text(&app.incidents().await[0]["id"]);
    app.resolve(&first).await;
    for _ in 0..3 {
        app.pass(5).await;
        app.errors(5).await;
        assert_eq!(app.sweep().await["opened"], 0);
    }
    assert_eq!(firing(&app, &rule).await["reason"], "settled");
    app.pass(20).await;
    assert_eq!(
        app.sweep().await["resolved"],
        0,
        "there is nothing left to resolve"
    );
    assert_eq!(firing(&app, &rule).await["state"], "inactive");
    let shown = app.incident(&first).await;
    assert_eq!(shown["resolved_by"], json!(app.org.developer.user_id));
    app.pass(600).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 1, "so late it is another incident");
    let resolved = app
        .timeline(&first)
        .await
        .iter()
        .filter(|kind| *kind == "resolved")
        .count();
    assert_eq!(resolved, 1);
}

async fn firing(app: &TestApp, rule: &str) -> serde_json::Value {
    app.developer().get(&format!("/api/alerts/{rule}")).await.data()["firings"][0].clone()
}
