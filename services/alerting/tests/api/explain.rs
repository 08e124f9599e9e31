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
