//! "Why was I (not) told?", for a moment at a place.

use serde_json::{Value, json};
use testkit::Receiver;

use crate::test_app::{TestApp, list, text};

async fn because(app: &TestApp) -> String {
    let path = format!(
        "/api/explain?service_id={}&environment_id={}",
        app.org.service_id, app.org.production
    );
    let explained = app.developer().get(&path).await.assert_status(200).data();
    text(&list(explained["rules"].clone())[0]["because"])
}

#[tokio::test]
async fn a_rule_says_why_it_did_not_page() {
    let app = TestApp::start().await;
    let rule = app
        .error_rule(json!({"for_seconds": 60, "cooldown_seconds": 600}))
        .await;
    app.sweep().await;
    assert!(because(&app).await.contains("not met"));
    app.errors(5).await;
    app.sweep().await;
    assert!(
        because(&app).await.contains("not yet for the 60 s"),
        "{}",
        because(&app).await
    );
    let path = format!("/api/alerts/{rule}");
    app.developer()
        .patch(&path, json!({"enabled": false}))
        .await
        .assert_status(200);
    assert!(because(&app).await.contains("disabled"));
}

#[tokio::test]
async fn a_moment_of_the_past_is_explained_by_what_the_rules_of_then_had_decided() {
    let app = TestApp::start().await;
    let rule = app.error_rule(json!({})).await;
    app.sweep().await;
    app.pass(3600).await;
    app.errors(7).await;
    app.sweep().await;
    app.pass(3600).await;
    app.sweep().await;
    let path = format!("/api/alerts/{rule}");
    app.developer()
        .patch(&path, json!({"enabled": false, "name": "renamed"}))
        .await
        .assert_status(200);
    app.pass(60).await;
    app.sweep().await;
    for (minutes, state, because, name) in [
        (
            90,
            None,
            "its condition was not met, and had not been",
            "too many errors",
        ),
        (45, Some("firing"), "it had fired since", "too many errors"),
        (
            5,
            Some("inactive"),
            "it had fired, and ended at",
            "too many errors",
        ),
        (0, Some("inactive"), "the rule was disabled", "renamed"),
    ] {
        let rules = rules_at(&app, minutes).await;
        assert_eq!(rules.len(), 1, "{minutes} min ago");
        let (found, words) = (&rules[0], text(&rules[0]["because"]));
        assert_eq!(found["state"], json!(state), "{minutes} min ago: {words}");
        assert!(words.contains(because), "{minutes} min ago: {words}");
        assert_eq!(found["name"], name, "{minutes} min ago");
    }
    let firing = &rules_at(&app, 45).await[0];
    assert_eq!(
        (&firing["last_value"], &firing["version"]),
        (&json!(7.0), &json!(1))
    );
    let incident = app.incident(&text(&firing["incident_id"])).await;
    assert_eq!(incident["status"], "resolved");
    assert!(rules_at(&app, 180).await.is_empty(), "it did not exist then");
    assert!(because(&app).await.contains("is disabled"));
}

/// What the rules are said to have decided so many minutes and half a minute ago.
async fn rules_at(app: &TestApp, minutes: i32) -> Vec<Value> {
    let sql = format!("SELECT extract(epoch FROM now())::bigint - {minutes} * 60 - 30");
    let at = time::OffsetDateTime::from_unix_timestamp(app.count(&sql).await).unwrap();
    let path = format!(
        "/api/explain?service_id={}&environment_id={}&at={}",
        app.org.service_id,
        app.org.production,
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    );
    let explained = app.developer().get(&path).await.assert_status(200).data();
    list(explained["rules"].clone())
}

#[tokio::test]
async fn an_incident_is_explained_from_its_evaluation_to_the_answer_with_the_row_of_each_step() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.error_rule(json!({})).await;
    app.errors(7).await;
    app.sweep().await;
    app.everything_is_told().await;
    let incident = text(&app.incidents().await[0]["id"]);
    let explained = app
        .developer()
        .get(&format!("/api/incidents/{incident}/explain"))
        .await
        .data();
    let one = &explained["notifications"][0];
    assert_eq!((&one["told"], &one["state"]), (&json!(true), &json!("sent")));
    let steps = list(one["steps"].clone());
    let kinds: Vec<String> = steps.iter().map(|step| text(&step["step"])).collect();
    assert_eq!(
        kinds,
        [
            "evaluation",
            "grouping",
            "silence",
            "routing",
            "channel",
            "attempt"
        ]
    );
    assert!(text(&steps[0]["message"]).contains("7 "), "{}", steps[0]);
    assert_eq!(steps[5]["http_status"], 200);
    for step in &steps {
        assert_eq!(step["verdict"], "passed", "{step}");
        if step["row"] != Value::Null {
            let (table, id) = (text(&step["row"]["table"]), text(&step["row"]["id"]));
            let key = id.split('/').next().unwrap();
            let column = if table == "notification_attempts" {
                "job_id"
            } else {
                "id"
            };
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} = '{key}'");
            assert_eq!(app.count(&sql).await, 1, "{step}");
        }
    }
    let path = format!(
        "/api/explain?service_id={}&environment_id={}",
        app.org.service_id, app.org.production
    );
    let moment = app.developer().get(&path).await.data();
    assert_eq!(moment["incidents"][0]["incident"]["id"], incident);
    assert!(text(&moment["rules"][0]["because"]).contains("it fires"));
}
