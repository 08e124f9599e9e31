use domain::role::Role;
use serde_json::{Value, json};
use testkit::{Delivery, WorkflowRun};

use crate::app::{Hook, TestApp};

/// A completed run, changed in its JSON.
fn changed(hook: &Hook, change: impl FnOnce(&mut Value)) -> Delivery {
    let plain = hook.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    let mut payload: Value = serde_json::from_slice(&plain.body).unwrap();
    change(&mut payload);
    hook.github.sign("workflow_run", &payload)
}

#[tokio::test]
async fn what_is_not_ours_to_deploy_is_ignored_with_its_reason() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({"gone": "qa", "Lint": null})).await;
    let cases: [(Delivery, &str); 8] = [
        (
            changed(&hook, |p| p["workflow_run"]["head_repository"]["id"] = json!(7)),
            "the run is of a fork",
        ),
        (
            changed(&hook, |p| p["workflow_run"]["head_repository"] = Value::Null),
            "the run is of a fork",
        ),
        (
            changed(&hook, |p| p["workflow_run"]["event"] = json!("pull_request")),
            "of a pull request (pull_request)",
        ),
        (
            changed(&hook, |p| p["repository"]["full_name"] = json!("evil/shop")),
            "about the repository \"evil/shop\"",
        ),
        (
            changed(&hook, |p| p["workflow_run"]["head_branch"] = json!("feature")),
            "nor the branch \"feature\"",
        ),
        (
            changed(&hook, |p| p["workflow_run"]["head_branch"] = json!("gone")),
            "belongs to the environment \"qa\"",
        ),
        (
            changed(&hook, |p| p["workflow_run"]["name"] = json!("Lint")),
            "\"Lint\" is not a deployment",
        ),
        (
            changed(&hook, |p| p["workflow_run"]["conclusion"] = json!("odd")),
            "workflow_run.conclusion is \"odd\"",
        ),
    ];
    for (delivery, reason) in cases {
        let (status, detail) = hook.told(&app, &delivery).await;
        assert_eq!(status, "ignored");
        assert!(detail.contains(reason), "{detail:?} does not contain {reason:?}");
    }
    assert_eq!(app.count("deployments").await, 0);
    assert_eq!(app.count("outbox").await, 0);
    assert_eq!(app.count("webhook_deliveries").await, 8);
}

#[tokio::test]
async fn the_repositorys_name_is_compared_without_regard_to_case() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let delivery = changed(&hook, |p| p["repository"]["full_name"] = json!("ACME/Shop"));
    assert_eq!(hook.told(&app, &delivery).await.0, "applied");
}

#[tokio::test]
async fn the_mapping_leads_workflows_then_branches_then_the_rest() {
    let app = TestApp::start().await;
    let hook = app
        .connect(json!({"Deploy": "staging", "release": "production", "*": "staging"}))
        .await;
    let cases = [
        ("Deploy", "release", app.org.staging),
        ("Ship", "release", app.org.production),
        ("Ship", "main", app.org.staging),
    ];
    for (number, (workflow, branch, environment)) in (1..).zip(cases) {
        let run = WorkflowRun {
            name: workflow.into(),
            branch: branch.into(),
            ..WorkflowRun::completed(number, "success")
        };
        hook.told(&app, &hook.github.workflow_run(&run)).await;
        let newest = &app.deployments().await[0];
        assert_eq!(newest["external_id"], format!("workflow_run:{number}"));
        assert_eq!(
            newest["environment_id"],
            json!(environment),
            "{workflow} on {branch}"
        );
    }
}

#[tokio::test]
async fn a_renamed_repository_is_ignored_until_the_integration_follows() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let delivery = changed(&hook, |p| p["repository"]["full_name"] = json!("acme/store"));
    assert_eq!(hook.told(&app, &delivery).await.0, "ignored");
    let path = format!("/api/services/{}/github", app.org.service_id);
    let developer = app.member(Role::Developer);
    developer
        .put(&path, json!({"repo_owner": "acme", "repo_name": "store"}))
        .await
        .assert_status(200);
    let id = developer.get("/api/webhooks/deliveries").await.data()[0]["id"].clone();
    let replay = format!("/api/webhooks/deliveries/{}/replay", id.as_str().unwrap());
    assert_eq!(
        developer.post(&replay, json!({})).await.data()["status"],
        "applied"
    );
}
