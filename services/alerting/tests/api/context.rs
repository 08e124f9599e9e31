//! An incident opens explained.

use serde_json::{Value, json};
use testkit::Receiver;

use crate::test_app::{SOON, TestApp, list, text};

async fn context(app: &TestApp, id: &str) -> Value {
    let path = format!("/api/incidents/{id}/context");
    app.developer().get(&path).await.assert_status(200).data()
}

/// An incident of the usual rule, with lines of an error that is new and common to one region.
async fn explained(app: &TestApp) -> String {
    app.lines("request served", json!({"region": "us"}), 400).await;
    app.lines("request served", json!({"region": "eu"}), 100).await;
    let sql = "UPDATE logs SET level = 2";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    app.lines(
        "payment for order 4711 failed: card_declined",
        json!({"region": "eu"}),
        130,
    )
    .await;
    app.error_rule(json!({})).await;
    app.errors(30).await;
    app.sweep().await;
    text(&app.incidents().await[0]["id"])
}

#[tokio::test]
async fn an_incident_is_explained_by_deployments_errors_values_lines_and_its_like() {
    let app = TestApp::start().await;
    let before = app.deployed("success", 3_600).await;
    let last = app.deployed("success", 240).await;
    let owner = app.db.owner().await;
    for (id, commit, ago) in [
        (before, "1111111111111111", 3_600.0),
        (last, "2222222222222222", 240.0),
    ] {
        let sql = "UPDATE deployments SET commit_sha = $2, started_at = now() - make_interval(secs => $3) WHERE id = $1";
        owner.execute(sql, &[&id, &commit, &ago]).await.unwrap();
    }
    let sql = "INSERT INTO service_github_integrations (org_id, id, service_id, repo_owner, repo_name, secret_sealed)
        VALUES ($1, gen_random_uuid(), $2, 'acme', 'shop', '')";
    owner
        .execute(sql, &[&app.org.org_id, &app.org.service_id])
        .await
        .unwrap();
    let earlier = app.developer();
    let wanted = json!({"title": "slow again", "severity": "low", "service_id": app.org.service_id});
    let earlier = text(
        &earlier
            .post("/api/incidents", wanted)
            .await
            .assert_status(201)
            .data()["id"],
    );
    app.resolve(&earlier).await;
    let id = explained(&app).await;
    let context = context(&app, &id).await;
    let found = |part: &str| {
        assert_eq!(context[part]["partial"], Value::Null, "{part}: {context:#}");
        list(context[part]["found"].clone())
    };
    let deployments = found("deployments");
    assert_eq!(deployments.len(), 2);
    assert_eq!(deployments[0]["deployment_id"], json!(last));
    assert_eq!(
        deployments[0]["compare_url"],
        "https://github.com/acme/shop/compare/1111111111111111...2222222222222222"
    );
    assert_eq!(
        deployments[1]["compare_url"],
        Value::Null,
        "nothing is known of what was there before"
    );
    let patterns = found("patterns");
    assert_eq!(
        (patterns.len(), &patterns[0]["kind"], &patterns[0]["lines_after"]),
        (1, &json!("new"), &json!(130))
    );
    assert_eq!(patterns[0]["text"], "payment for order <*> failed: card_declined");
    let values = found("values");
    let region = values.iter().find(|value| value["field"] == "region").unwrap();
    assert_eq!(
        (&region["value"], &region["share_of_its"]),
        (&json!("eu"), &json!(1.0))
    );
    assert!(region["share_of_all"].as_f64().unwrap() < 0.4, "{region}");
    let lines = found("lines");
    assert_eq!(lines.len(), 3);
    assert!(text(&lines[0]["message"]).starts_with("payment for order"));
    assert_eq!(text(&lines[0]["id"]).len(), 43);
    let similar = found("similar");
    assert_eq!(
        (&similar[0]["incident_id"], &similar[0]["same"]),
        (&json!(earlier), &json!("service"))
    );
    assert!(text(&similar[0]["end"]).starts_with("resolved: by "));
    assert!(!similar[0]["end_event_id"].is_null() && similar[0]["lasted_seconds"].is_i64());
}

#[tokio::test]
async fn an_incident_without_a_place_says_what_cannot_be_known() {
    let app = TestApp::start().await;
    let id = app.open("everything is odd").await;
    let context = context(&app, &id).await;
    for part in ["deployments", "patterns", "values", "lines"] {
        let why = text(&context[part]["partial"]);
        assert_eq!(why, "the incident is at no service in particular", "{part}");
    }
    assert_eq!(context["similar"], json!({"found": [], "partial": null}));
    let unknown = format!("/api/incidents/{}/context", uuid::Uuid::new_v4());
    app.developer().get(&unknown).await.assert_status(404);
}

#[tokio::test]
async fn a_part_that_cannot_be_looked_for_leaves_the_others_whole() {
    let app = TestApp::start().await;
    let id = explained(&app).await;
    let sql = "REVOKE SELECT ON deployments FROM sightline_alerting";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    let context = context(&app, &id).await;
    assert!(text(&context["deployments"]["partial"]).contains("could not be looked for"));
    assert_eq!(list(context["lines"]["found"].clone()).len(), 3);
    assert_eq!(context["patterns"]["partial"], Value::Null);
}

#[tokio::test]
async fn a_page_shows_some_of_the_lines_and_a_retry_the_same() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    receiver.answer_next([testkit::Answer::Status(500)]);
    explained(&app).await;
    let told = receiver.wait_for(2, SOON).await;
    app.everything_is_told().await;
    let samples: Vec<Value> = told
        .iter()
        .map(|one| one.json()["data"]["incident"]["samples"].clone())
        .collect();
    assert_eq!(samples[0], samples[1]);
    let samples = list(samples[0].clone());
    assert_eq!(samples.len(), 3, "{samples:?}");
    assert_eq!(samples[0], "payment for order 4711 failed: card_declined");
    receiver.assert_no_faults();
}
