//! Rules: made, shown, changed, deleted.

use domain::role::Role;
use serde_json::{Value, json};

use crate::test_app::{TestApp, text};

#[tokio::test]
async fn a_rule_is_made_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    let developer = app.developer();
    let wanted = json!({
        "name": " too many errors ",
        "type": "error_count",
        "params": {"threshold": 20, "window_seconds": 60},
        "severity": "high",
        "service_id": app.org.service_id,
        "for_seconds": 30,
    });
    let made = developer
        .post("/api/alerts", wanted)
        .await
        .assert_status(201)
        .data();
    let path = format!("/api/alerts/{}", text(&made["id"]));
    assert_eq!(made["name"], "too many errors");
    assert_eq!(made["type"], "error_count");
    assert_eq!(made["environment_id"], Value::Null);
    assert_eq!(
        (&made["enabled"], &made["cooldown_seconds"]),
        (&json!(true), &json!(0))
    );
    let shown = app.as_role(Role::Viewer).get(&path).await.data();
    assert_eq!(shown["firings"], json!([]));
    assert!(
        !shown["last_evaluated_at"].is_null(),
        "it was evaluated when it was made"
    );
    let change = json!({"environment_id": app.org.staging, "params": {"threshold": 3, "window_seconds": 10}});
    let changed = developer.patch(&path, change).await.data();
    assert_eq!(
        (&changed["version"], &changed["environment_id"]),
        (&json!(2), &json!(app.org.staging))
    );
    assert_eq!(changed["params"]["threshold"], 3);
    assert_eq!(changed["for_seconds"], 30, "what is absent stays");
    let wider = developer
        .patch(&path, json!({"environment_id": null}))
        .await
        .data();
    assert_eq!(
        (&wider["environment_id"], &wider["service_id"]),
        (&Value::Null, &json!(app.org.service_id))
    );
    let listed = app.as_role(Role::Viewer).get("/api/alerts").await.data();
    assert_eq!(listed[0]["version"], 3);
    developer.delete(&path).await.assert_status(204);
    developer
        .get(&path)
        .await
        .assert_error(404, "NOT_FOUND", "alert rule not found");
    developer.delete(&path).await.assert_status(404);
    developer.patch(&path, json!({})).await.assert_status(404);
    assert_eq!(
        app.as_role(Role::Viewer).get("/api/alerts").await.data(),
        json!([])
    );
    assert_eq!(
        app.count("SELECT count(*) FROM alert_rules").await,
        0,
        "nothing of it was left to end"
    );
    let sql =
        "SELECT count(*) FROM audit_logs WHERE action LIKE 'alert_rule.%' AND actor_user_id IS NOT NULL";
    assert_eq!(app.count(sql).await, 4);
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'rule.changed'";
    assert_eq!(app.count(sql).await, 4);
}

#[tokio::test]
async fn a_mistake_is_named_by_its_field() {
    let app = TestApp::start().await;
    let good = json!({
        "name": "errors",
        "type": "error_count",
        "params": {"threshold": 20, "window_seconds": 60},
        "severity": "high",
    });
    for (field, value, path) in [
        ("name", json!(" "), "name"),
        ("type", json!("magic"), "type"),
        (
            "params",
            json!({"threshold": 0, "window_seconds": 60}),
            "params.threshold",
        ),
        (
            "params",
            json!({"threshold": 1, "window_seconds": 5}),
            "params.window_seconds",
        ),
        (
            "params",
            json!({"threshold": 1, "window_seconds": 60, "x": 1}),
            "params.x",
        ),
        ("params", json!(7), "params"),
        ("severity", json!("catastrophic"), "severity"),
        ("for_seconds", json!(-1), "for_seconds"),
        ("for_seconds", json!(86_401), "for_seconds"),
        ("cooldown_seconds", json!(604_801), "cooldown_seconds"),
        ("environment_id", json!(app.org.production), "environment_id"),
        ("service_id", json!("x"), "service_id"),
        ("colour", json!("red"), "colour"),
    ] {
        let mut wanted = good.clone();
        wanted[field] = value;
        let refused = app.developer().post("/api/alerts", wanted).await;
        refused.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            refused.body["error"]["details"][0]["path"], path,
            "{}",
            refused.body
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM alert_rules").await, 0);
}

#[tokio::test]
async fn a_name_is_taken_once_until_its_rule_is_deleted() {
    let app = TestApp::start().await;
    let first = app.error_rule(json!({})).await;
    let again =
        json!({"name": "too many errors", "type": "deployment_failure", "params": {}, "severity": "low"});
    let refused = app.developer().post("/api/alerts", again.clone()).await;
    refused.assert_error(409, "CONFLICT", "too many errors");
    app.developer()
        .delete(&format!("/api/alerts/{first}"))
        .await
        .assert_status(204);
    app.developer()
        .post("/api/alerts", again)
        .await
        .assert_status(201);
}

#[tokio::test]
async fn a_rule_that_is_disabled_deleted_or_looks_elsewhere_ends_its_firing_with_that_reason() {
    let app = TestApp::start().await;
    for (change, why) in [
        (Some(json!({"enabled": false})), "the rule was disabled"),
        (
            Some(json!({"environment_id": app.org.staging})),
            "no longer covers this service and environment",
        ),
        (None, "the rule was deleted"),
    ] {
        let rule = app.error_rule(json!({"name": why})).await;
        app.errors(5).await;
        app.sweep().await;
        let id = text(&app.incidents().await[0]["id"]);
        assert_eq!(app.incident(&id).await["status"], "open");
        let path = format!("/api/alerts/{rule}");
        match change {
            Some(change) => app.developer().patch(&path, change).await.assert_status(200),
            None => app.developer().delete(&path).await.assert_status(204),
        };
        let incident = app.incident(&id).await;
        assert_eq!(incident["status"], "resolved", "at once: {why}");
        let resolved = incident["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .find(|event| event["kind"] == "resolved");
        let message = text(&resolved.unwrap()["message"]);
        assert!(message.contains(why), "{message}");
        // So that the next round's rule is alone.
        app.developer().delete(&path).await;
    }
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_says_so_and_costs_nobody_else_a_turn() {
    let app = TestApp::start().await;
    let broken = app.error_rule(json!({"name": "from the future"})).await;
    let sql =
        "UPDATE alert_rules SET type = 'horoscope', last_evaluated_at = NULL WHERE name = 'from the future'";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    app.error_rule(json!({"name": "fine"})).await;
    app.errors(5).await;
    let swept = app.sweep().await;
    assert_eq!((&swept["failed"], &swept["opened"]), (&json!(1), &json!(1)));
    let shown = app.developer().get(&format!("/api/alerts/{broken}")).await.data();
    let error = text(&shown["last_error"]);
    assert!(error.contains("does not understand the rule"), "{error}");
    let sql = "UPDATE alert_rules SET type = 'error_count' WHERE name = 'from the future'";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    assert_eq!(app.sweep().await["opened"], 1);
    let shown = app.developer().get(&format!("/api/alerts/{broken}")).await.data();
    assert_eq!(shown["last_error"], Value::Null, "it is well again");
}

#[tokio::test]
async fn one_rule_can_be_evaluated_alone() {
    let app = TestApp::start().await;
    let one = app.error_rule(json!({"name": "one"})).await;
    app.error_rule(json!({"name": "other"})).await;
    app.errors(5).await;
    let internal = app.replica.internal();
    let path = "/api/v1/rules/evaluate";
    let both = json!({"org_id": app.org.org_id, "rule_id": one});
    assert_eq!(internal.post(path, both).await.data()["opened"], 1);
    assert_eq!(app.incidents().await.len(), 1);
    let half = internal.post(path, json!({"rule_id": one})).await;
    half.assert_error(400, "VALIDATION_ERROR", "org_id");
    app.replica
        .client()
        .post(path, json!({}))
        .await
        .assert_error(401, "UNAUTHORIZED", "");
}

#[tokio::test]
async fn rules_are_listed_in_pages() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.error_rule(json!({"name": format!("rule {number}")})).await;
    }
    let mut names = Vec::new();
    let mut path = "/api/alerts?limit=2".to_owned();
    loop {
        let page = app.developer().get(&path).await;
        for rule in page.data().as_array().unwrap() {
            names.push(text(&rule["name"]));
        }
        match page.next_cursor() {
            Some(cursor) => path = format!("/api/alerts?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["rule 4", "rule 3", "rule 2", "rule 1", "rule 0"]);
}

#[tokio::test]
async fn an_incident_takes_over_its_rules_labels_and_tells_its_runbook() {
    let app = TestApp::start().await;
    app.channel(
        json!({"type": "webhook", "name": "hook", "config": {"url": "https://receiver.example.com/"}}),
    )
    .await;
    let labels = json!({"team": "payments"});
    let runbook = "https://runbooks.example.com/errors";
    app.error_rule(json!({"labels": labels, "runbook_url": runbook}))
        .await;
    app.errors(5).await;
    app.sweep().await;
    assert_eq!(app.incidents().await[0]["labels"], labels);
    let told = "SELECT message->'labels', message->>'runbook' FROM notification_jobs";
    let told = app.db.owner().await.query_one(told, &[]).await.unwrap();
    assert_eq!(told.get::<_, Value>(0), labels);
    assert_eq!(told.get::<_, &str>(1), runbook);
}
