//! Rules as a file.

use domain::role::Role;
use serde_json::{Value, json};

use crate::test_app::{TestApp, text};

const FILE: &str = "
version: 1
rules:
  - name: checkout errors
    type: error_count
    service: SERVICE
    environment: production
    params: {threshold: 20, window_seconds: 300}
    severity: high
    cooldown_seconds: 900
    labels: {team: payments}
    runbook_url: https://runbooks.example.com/checkout
    description: |
      Two lines,
      with an umlaut: ä
  - name: 'nightly: backup'
    type: heartbeat
    service: SERVICE
    environment: production
    params: {every_seconds: 86400, grace_seconds: 3600}
    severity: medium
  - name: timeouts
    type: log_query
    params: {q: 'timeout level:>=warn', threshold: 5, window_seconds: 300}
    severity: low
    enabled: false
";

async fn file(app: &TestApp) -> String {
    let sql = "SELECT name FROM services WHERE id = $1";
    let row = app
        .db
        .owner()
        .await
        .query_one(sql, &[&app.org.service_id])
        .await
        .unwrap();
    let name: String = row.get(0);
    FILE.replace("SERVICE", &name)
}

pub(crate) async fn apply(app: &TestApp, document: &str, more: Value) -> Value {
    let mut body = json!({"document": document});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    app.developer()
        .post("/api/alerts/apply", body)
        .await
        .assert_status(200)
        .data()
}

pub(crate) fn actions(applied: &Value) -> Vec<(String, String)> {
    let changes = applied["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| (text(&change["name"]), text(&change["action"])))
        .collect()
}

pub(crate) async fn exported(app: &TestApp) -> String {
    let reply = app.as_role(Role::Viewer).get("/api/alerts/export").await;
    reply.assert_status(200);
    text(&reply.body)
}

#[tokio::test]
async fn a_file_is_applied_once_and_then_changes_nothing() {
    let app = TestApp::start().await;
    let file = file(&app).await;
    let tried = apply(&app, &file, json!({"dry_run": true})).await;
    assert_eq!(
        (&tried["applied"], &tried["drift"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(app.count("SELECT count(*) FROM alert_rules").await, 0);
    let applied = apply(&app, &file, json!({})).await;
    let created: Vec<String> = actions(&applied).into_iter().map(|(_, action)| action).collect();
    assert_eq!(created, ["create", "create", "create"]);
    assert!(text(&applied["changes"][1]["heartbeat_url"]).contains("/api/v1/heartbeats/slh_"));
    let again = apply(&app, &file, json!({"prune": true})).await;
    assert_eq!(again["drift"], false, "{again:#}");
    assert_eq!(app.count("SELECT max(version)::bigint FROM alert_rules").await, 1);
    let sql = "SELECT count(*) FROM audit_logs WHERE action = 'alert_rule.create'";
    assert_eq!(app.count(sql).await, 3);
}

#[tokio::test]
async fn what_is_exported_is_what_is_in_force() {
    let app = TestApp::start().await;
    apply(&app, &file(&app).await, json!({})).await;
    let exported = exported(&app).await;
    assert!(
        exported.contains("checkout errors") && exported.contains("with an umlaut: ä"),
        "{exported}"
    );
    let again = apply(&app, &exported, json!({"dry_run": true, "prune": true})).await;
    assert_eq!(again["drift"], false, "{exported}\n{again:#}");
}

#[tokio::test]
async fn drift_is_shown_field_by_field_and_applied_by_name() {
    let app = TestApp::start().await;
    let file = file(&app).await;
    apply(&app, &file, json!({})).await;
    app.error_rule(json!({"name": "by hand"})).await;
    let changed = file
        .replace("threshold: 20", "threshold: 30")
        .replace("severity: medium", "severity: critical");
    let shown = apply(&app, &changed, json!({"dry_run": true})).await;
    let expected = [
        ("by hand", "unknown"),
        ("checkout errors", "change"),
        ("nightly: backup", "change"),
        ("timeouts", "unchanged"),
    ];
    assert_eq!(
        actions(&shown),
        expected.map(|(name, action)| (name.to_owned(), action.to_owned()))
    );
    let difference = json!([{"path": "params.threshold", "in_force": 20, "wanted": 30}]);
    assert_eq!(shown["changes"][1]["differences"], difference);
    let applied = apply(&app, &changed, json!({"prune": true})).await;
    assert_eq!(actions(&applied)[0], ("by hand".to_owned(), "delete".to_owned()));
    app.sweep().await;
    assert_eq!(app.count("SELECT count(*) FROM alert_rules").await, 3);
    let sql = "SELECT count(*) FROM alert_rules WHERE version = 2";
    assert_eq!(app.count(sql).await, 2);
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_says_where() {
    let app = TestApp::start().await;
    let file = file(&app).await;
    for (from, to, path) in [
        ("threshold: 20", "threshold: 0", "rules[0].params.threshold"),
        ("type: heartbeat", "type: magic", "document"),
        ("version: 1", "version: 2", "document.version"),
        (
            "environment: production",
            "environment: moon",
            "rules[0].environment",
        ),
        ("name: timeouts", "name: checkout errors", "rules[2].name"),
        ("severity: low", "severity: low\n    colour: red", "document"),
        ("version: 1", "version: [", "document"),
        ("https://runbooks", "javascript://runbooks", "document"),
    ] {
        let body = json!({"document": file.replacen(from, to, 1)});
        let refused = app.developer().post("/api/alerts/apply", body).await;
        refused.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            refused.body["error"]["details"][0]["path"], path,
            "{}",
            refused.body
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM alert_rules").await, 0);
}
