//! Alerts of an Alertmanager: opened and resolved once, however often and in whatever order they are reported.

use domain::api_key::KeyScope;
use serde_json::{Value, json};
use testkit::{Client, KeySpec, Receiver};

use crate::test_app::{TestApp, text};

async fn reporter(app: &TestApp) -> Client {
    let spec = KeySpec {
        scopes: vec![KeyScope::AlertsWrite],
        ..KeySpec::default()
    };
    let (_, key) = app.org.insert_key(&app.db, &spec).await;
    // As Alertmanager sends it: `http_config: {authorization: {credentials: …}}`.
    app.replica.client().with_bearer(&key)
}

fn alert(fingerprint: &str, status: &str, starts_at: &str) -> Value {
    json!({"status": status, "fingerprint": fingerprint, "startsAt": starts_at, "endsAt": "0001-01-01T00:00:00Z",
        "labels": {"alertname": "HighErrorRate", "severity": "page", "team": "payments"},
        "annotations": {"summary": "12 % of requests fail", "runbook_url": "https://runbooks.example/errors"},
        "generatorURL": "http://prometheus:9090/graph"})
}

fn group(alerts: &[Value]) -> Value {
    json!({"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "sightline",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am:9093", "alerts": alerts})
}

/// Reports as Alertmanager does: again, when the answer is 5xx.
async fn report(client: &Client, alerts: &[Value]) -> (i64, i64) {
    loop {
        let reply = client.post("/api/v1/alertmanager", group(alerts)).await;
        if reply.status == 503 {
            continue;
        }
        let data = reply.assert_status(200).data();
        return (
            data["opened"].as_i64().unwrap(),
            data["resolved"].as_i64().unwrap(),
        );
    }
}

#[tokio::test]
async fn an_alert_opens_one_incident_and_resolves_it_however_often_it_is_reported() {
    let app = TestApp::start().await;
    app.each_alone().await;
    let hook = Receiver::standard_webhooks(None).await;
    app.webhook("hook", &hook).await;
    let client = reporter(&app).await;
    let fires = |at: &str| alert("c6c0d5b4", "firing", at);
    let ends = |at: &str| alert("c6c0d5b4", "resolved", at);
    let (first, second) = ("2026-11-29T20:00:00Z", "2026-11-29T21:00:00Z");
    assert_eq!(
        report(&client, &[fires(first), alert("other", "firing", first)]).await,
        (2, 0)
    );
    assert_eq!(report(&client, &[fires(first)]).await, (0, 0), "a repeat");
    assert_eq!(report(&client, &[ends(first)]).await, (0, 1));
    assert_eq!(
        report(&client, &[ends(first), fires(first)]).await,
        (0, 0),
        "late and again"
    );
    assert_eq!(report(&client, &[fires(second)]).await, (1, 0), "another episode");
    app.everything_is_told().await;
    assert_eq!(hook.received().len(), 4);
    hook.assert_no_faults();
    let opened = &hook.received()[0].json()["data"]["incident"];
    assert_eq!(
        (&opened["severity"], &opened["labels"]["team"], &opened["runbook"]),
        (
            &json!("critical"),
            &json!("payments"),
            &json!("https://runbooks.example/errors")
        )
    );
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 3);
    assert!(
        incidents
            .iter()
            .all(|one| one["service_id"] == app.org.service_id.to_string())
    );
    // A person resolves it while it fires on: the next repeat does not page again.
    app.resolve(&text(&incidents[0]["id"])).await;
    assert_eq!(report(&client, &[fires(second)]).await, (0, 0));
}

#[tokio::test]
async fn reports_of_two_alertmanagers_at_once_make_no_twins() {
    let app = TestApp::start().await;
    app.each_alone().await;
    let client = reporter(&app).await;
    let alerts: Vec<Value> = (0..20)
        .map(|n| alert(&format!("fp{n}"), "firing", "2026-11-29T20:00:00Z"))
        .collect();
    let mut reversed = alerts.clone();
    reversed.reverse();
    let reports = (0..8).map(|n| {
        let (client, alerts) = (&client, if n % 2 == 0 { &alerts } else { &reversed });
        async move { report(client, alerts).await.0 }
    });
    let opened: i64 = futures_util::future::join_all(reports).await.iter().sum();
    assert_eq!(opened, 20);
    assert_eq!(app.count("SELECT count(*) FROM incidents").await, 20);
}

#[tokio::test]
async fn a_key_without_the_scope_and_a_bad_request_are_refused_by_name() {
    let app = TestApp::start().await;
    let other = app.replica.client().with_api_key(app.org.api_key());
    let refused = other.post("/api/v1/alertmanager", group(&[])).await;
    refused.assert_error(403, "FORBIDDEN", "alerts:write");
    let client = reporter(&app).await;
    let bad = alert("../x", "firing", "2026-11-29T20:00:00Z");
    let refused = client.post("/api/v1/alertmanager", group(&[bad])).await;
    refused.assert_error(400, "VALIDATION_ERROR", "");
    assert_eq!(
        refused.body["error"]["details"][0]["path"],
        "alerts[0].fingerprint"
    );
    let old = json!({"version": "3", "alerts": []});
    let refused = client.post("/api/v1/alertmanager", old).await;
    assert_eq!(refused.body["error"]["details"][0]["path"], "version");
}
