//! What each type of rule fires on, and what it says when it cannot know.

use domain::level::Level;
use serde_json::{Value, json};

use crate::test_app::{TestApp, text};

async fn firing(app: &TestApp, rule: &str) -> Value {
    app.developer().get(&format!("/api/alerts/{rule}")).await.data()["firings"][0].clone()
}

fn in_production(app: &TestApp, kind: &str, params: &Value) -> Value {
    json!({"name": kind, "type": kind, "params": params, "severity": "high", "service_id": app.org.service_id,
        "environment_id": app.org.production})
}

#[tokio::test]
async fn an_error_rate_fires_with_enough_lines_and_ends_when_it_falls() {
    let app = TestApp::start().await;
    let params = json!({"threshold_percent": 10, "window_seconds": 10, "min_lines": 20});
    app.rule(in_production(&app, "error_rate", &params)).await;
    app.errors(19).await;
    app.pass(5).await;
    assert_eq!(app.sweep().await["opened"], 0, "19 lines are no rate");
    app.arrive(app.org.production, Level::Info, 100).await;
    app.pass(5).await;
    assert_eq!(app.sweep().await["opened"], 1, "16 % of 119 lines");
    app.arrive(app.org.production, Level::Info, 1_000).await;
    for _ in 0..4 {
        app.pass(5).await;
        app.sweep().await;
    }
    assert_eq!(app.incidents().await[0]["status"], "resolved");
}

#[tokio::test]
async fn silence_is_that_of_a_source_that_has_spoken() {
    let app = TestApp::start().await;
    let rule = app
        .rule(
            json!({"name": "silence", "type": "silence", "params": {"window_seconds": 60}, "severity": "high",
            "service_id": app.org.service_id}),
        )
        .await;
    app.pass(600).await;
    assert_eq!(app.sweep().await["opened"], 0);
    assert_eq!(
        firing(&app, &rule).await["reason"],
        "no_data",
        "it is not said to be well"
    );
    app.arrive(app.org.production, Level::Info, 1).await;
    // Time goes by itself, too, and bins have five seconds.
    app.pass(45).await;
    assert_eq!(app.sweep().await["opened"], 0, "it came less than a minute ago");
    app.pass(30).await;
    assert_eq!(app.sweep().await["opened"], 1, "staging never spoke");
    app.arrive(app.org.production, Level::Info, 1).await;
    app.pass(5).await;
    assert_eq!(app.sweep().await["resolved"], 1);
}

#[tokio::test]
async fn nothing_is_called_silent_while_a_writer_may_still_commit() {
    let app = TestApp::start().await;
    let wanted = in_production(&app, "silence", &json!({"window_seconds": 60}));
    let rule = app.rule(wanted).await;
    app.arrive(app.org.production, Level::Info, 1).await;
    app.pass(50).await;
    app.sweep().await;
    let ingest = app.db.db("sightline_ingest");
    let mut conn = ingest.conn("test").await.unwrap();
    let tx = conn.transaction().await.unwrap();
    tx.execute("SELECT 1", &[]).await.unwrap();
    // The writer has been at it since before the line was a minute old.
    let sql = "UPDATE log_arrivals SET bucket = bucket - interval '60 s';
        UPDATE alert_firings SET evaluated_to = now() - interval '5 s';
        UPDATE alert_rules SET evaluated_to = date_bin('5 s', (SELECT min(xact_start) FROM pg_stat_activity
            WHERE datname = current_database() AND usename = 'sightline_ingest'), 'epoch')";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    assert_eq!(app.sweep().await["opened"], 0, "what it writes may be a line");
    tx.rollback().await.unwrap();
    drop(conn);
    app.pass(10).await;
    assert_eq!(app.sweep().await["opened"], 1);
    assert_eq!(firing(&app, &rule).await["state"], "firing");
}

#[tokio::test]
async fn a_query_counts_lines_that_match_in_each_group() {
    let app = TestApp::start().await;
    let params = json!({"q": "timeout", "threshold": 3, "window_seconds": 60, "group_by": ["provider"]});
    let rule = app.rule(in_production(&app, "log_query", &params)).await;
    app.lines("payment timeout", json!({"provider": "adyen"}), 3)
        .await;
    app.lines("payment timeout", json!({"provider": "stripe"}), 2)
        .await;
    app.lines("payment done", json!({"provider": "stripe"}), 9).await;
    assert_eq!(app.sweep().await["opened"], 1);
    let incident = &app.incidents().await[0];
    let title = text(&incident["title"]);
    assert!(title.contains("provider=adyen"), "{title}");
    assert_eq!(firing(&app, &rule).await["group"], json!({"provider": "adyen"}));
    app.lines("timeout", json!({"provider": "stripe"}), 1).await;
    app.pass(5).await;
    assert_eq!(
        app.sweep().await["opened"],
        1,
        "each group is a problem of its own"
    );
    // The lines are over, then the window for which it must be quiet.
    for _ in 0..3 {
        app.pass(60).await;
        app.sweep().await;
    }
    let open = app
        .incidents()
        .await
        .iter()
        .filter(|one| one["status"] == "open")
        .count();
    assert_eq!(open, 0);
}

#[tokio::test]
async fn too_few_lines_are_missed_a_minute_later() {
    let app = TestApp::start().await;
    let params = json!({"q": "order placed", "threshold": 2, "comparison": "below", "window_seconds": 60});
    app.rule(in_production(&app, "log_query", &params)).await;
    assert_eq!(app.incidents().await.len(), 1, "there never were any");
    for _ in 0..4 {
        app.lines("order placed", json!({}), 2).await;
        app.pass(40).await;
        app.sweep().await;
    }
    assert_eq!(app.incidents().await[0]["status"], "resolved");
}

#[tokio::test]
async fn a_deployment_that_breaks_something_is_told_from_one_that_does_not() {
    let app = TestApp::start().await;
    let params = json!({"window_seconds": 60, "min_errors": 10, "factor": 2});
    app.rule(in_production(&app, "deploy_regression", &params)).await;
    app.errors(8).await;
    app.pass(30).await;
    app.deployed("success", 0).await;
    app.errors(15).await;
    app.pass(10).await;
    assert_eq!(app.sweep().await["opened"], 0, "8 before, 15 after");
    app.errors(2).await;
    app.pass(5).await;
    assert_eq!(app.sweep().await["opened"], 1, "8 before, 17 after");
    let summary = text(&app.incidents().await[0]["summary"]);
    assert!(summary.contains("17 errors since"), "{summary}");
}

#[tokio::test]
async fn keep_firing_holds_a_firing_beyond_its_window() {
    let app = TestApp::start().await;
    app.error_rule(json!({"keep_firing_for_seconds": 120})).await;
    app.errors(5).await;
    app.sweep().await;
    app.pass(60).await;
    assert_eq!(app.sweep().await["resolved"], 0);
    app.pass(80).await;
    assert_eq!(app.sweep().await["resolved"], 1);
}

#[tokio::test]
async fn each_version_is_kept_and_a_transition_names_the_one_that_decided() {
    let app = TestApp::start().await;
    let rule = app.error_rule(json!({"labels": {"team": "shop"}})).await;
    let path = format!("/api/alerts/{rule}");
    let change = json!({"params": {"threshold": 3, "window_seconds": 10}, "runbook_url": "https://wiki.example.com/x"});
    app.developer().patch(&path, change).await.assert_status(200);
    app.errors(3).await;
    app.sweep().await;
    let shown = app.developer().get(&path).await.data();
    assert_eq!(shown["transitions"][0]["transition"], "fired");
    assert_eq!(shown["transitions"][0]["rule_version"], 2);
    assert_eq!(shown["labels"], json!({"team": "shop"}));
    let versions = app.developer().get(&format!("{path}/versions")).await.data();
    assert_eq!(versions[0]["definition"]["params"]["threshold"], 3);
    assert_eq!(versions[1]["definition"]["params"]["threshold"], 5);
    assert_eq!(versions[1]["definition"]["runbook_url"], Value::Null);
}
