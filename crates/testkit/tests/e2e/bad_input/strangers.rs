//! Another tenant's ids, over the gateway: they are as unknown as ids that never were.

use serde_json::{Value, json};
use testkit::Stack;

use crate::company::{Company, INGEST, text};

#[tokio::test]
async fn another_tenants_ids_are_404_on_every_way_that_a_person_has() {
    let stack = Stack::start().await;
    let (ours, theirs) = (
        Company::sign_up(&stack.gateway()).await,
        Company::sign_up(&stack.gateway()).await,
    );
    let service = &ours.service_id;
    let key = text(&ours.make_key(json!({"name": "second"})).await["id"]);
    let rule = json!({"name": "rule", "type": "deployment_failure", "params": {}, "severity": "high"});
    let rule = text(&ours.make("/api/alerts", rule).await["id"]);
    let channel = json!({"type": "slack", "name": "c", "config": {"webhook_url": "http://127.0.0.1:9/x"}});
    let channel = text(&ours.make("/api/channels", channel).await["id"]);
    let incident = json!({"title": "manual", "severity": "low"});
    let incident = text(&ours.make("/api/incidents", incident).await["id"]);
    ours.application(&stack)
        .post(INGEST, json!({"message": "ours"}))
        .await
        .assert_status(200);

    let paths = [
        format!("/api/services/{service}"),
        format!("/api/services/{service}/environments"),
        format!("/api/services/{service}/keys"),
        format!("/api/alerts/{rule}"),
        format!("/api/incidents/{incident}"),
        format!("/api/logs/query?service_id={service}"),
        format!("/api/logs/query?environment_id={}", ours.environment_id),
        format!("/api/logs/histogram?service_id={service}"),
    ];
    for path in paths {
        assert_eq!(ours.admin.get(&path).await.status, 200, "{path} is ours");
        theirs
            .admin
            .get(&path)
            .await
            .assert_error(404, "NOT_FOUND", "not found");
    }
    let deletions = [
        format!("/api/keys/{key}"),
        format!("/api/channels/{channel}"),
        format!("/api/alerts/{rule}"),
        format!("/api/services/{service}"),
    ];
    for path in deletions {
        theirs
            .admin
            .delete(&path)
            .await
            .assert_error(404, "NOT_FOUND", "not found");
        assert_eq!(
            ours.admin.delete(&path).await.status,
            204,
            "{path} was still there"
        );
    }
    let acknowledge = json!({"status": "acknowledged"});
    let path = format!("/api/incidents/{incident}");
    theirs
        .admin
        .patch(&path, acknowledge)
        .await
        .assert_error(404, "NOT_FOUND", "not found");
    let wanted: Value = json!({"name": "k", "environment_id": ours.environment_id});
    let path = format!("/api/services/{}/keys", theirs.service_id);
    let reply = theirs.admin.post(&path, wanted).await;
    assert!(
        [400, 404].contains(&reply.status),
        "a key for another tenant's environment: {}",
        reply.body
    );
    assert_eq!(theirs.admin.get("/api/logs/query").await.data(), json!([]));
}
