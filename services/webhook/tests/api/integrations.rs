use domain::role::Role;
use serde_json::{Value, json};

use crate::app::{TestApp, quoted};

fn path(app: &TestApp) -> String {
    format!("/api/services/{}/github", app.org.service_id)
}

fn shop() -> Value {
    json!({"repo_owner": "acme", "repo_name": "shop"})
}

#[tokio::test]
async fn an_integration_shows_its_address_always_and_its_secret_once() {
    let app = TestApp::start().await;
    let developer = app.member(Role::Developer);
    let created = developer.put(&path(&app), shop()).await;
    let made = created.assert_status(201).data();
    assert_eq!(created.header("cache-control"), "no-store");
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("slh_") && secret.len() == 42, "{secret}");
    let url = format!(
        "https://sightline.example/api/v1/webhooks/github/{}",
        made["id"].as_str().unwrap()
    );
    assert_eq!(made["webhook_url"], url);
    assert_eq!(made["environment_mapping"], json!({}));

    let mut expected = made.clone();
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!(app.member(Role::Viewer).get(&path(&app)).await.data(), expected);
    let repeated = developer.put(&path(&app), shop()).await;
    assert_eq!(repeated.assert_status(200).data(), expected);
    let audited = app
        .column("SELECT concat(action, before, after) FROM audit_logs")
        .await;
    assert_eq!(audited.len(), 1);
    assert!(audited[0].starts_with("github_integration.create") && !audited[0].contains("slh_"));
}

#[tokio::test]
async fn a_change_keeps_the_mapping_unless_one_is_given_and_is_audited() {
    let app = TestApp::start().await;
    let developer = app.member(Role::Developer);
    let mapping = json!({"main": "production", "Lint": null, "*": "staging"});
    let mut wanted = shop();
    wanted["environment_mapping"] = mapping.clone();
    developer.put(&path(&app), wanted).await.assert_status(201);
    let renamed = developer
        .put(&path(&app), json!({"repo_owner": "acme", "repo_name": "store"}))
        .await
        .data();
    assert_eq!(
        (&renamed["repo_name"], &renamed["environment_mapping"]),
        (&json!("store"), &mapping)
    );
    let cleared = developer
        .put(
            &path(&app),
            json!({"repo_owner": "acme", "repo_name": "store", "environment_mapping": {}}),
        )
        .await
        .data();
    assert_eq!(cleared["environment_mapping"], json!({}));
    let rotated = developer
        .put(
            &path(&app),
            json!({"repo_owner": "acme", "repo_name": "store", "rotate_secret": true}),
        )
        .await
        .data();
    assert!(rotated["secret"].is_string());
    let audited = app.column("SELECT action FROM audit_logs ORDER BY at").await;
    assert_eq!(
        audited,
        ["create", "update", "update", "rotate_secret"].map(|verb| format!("github_integration.{verb}"))
    );
    let actors = app.column("SELECT DISTINCT actor_email FROM audit_logs").await;
    assert_eq!(actors, std::slice::from_ref(&app.org.developer.email));
}

#[tokio::test]
async fn names_in_the_mapping_that_the_service_lacks_are_pointed_out() {
    let app = TestApp::start().await;
    let mut wanted = shop();
    wanted["environment_mapping"] = json!({"main": "production", "qa": "test", "qb": "test", "qc": "qa"});
    let made = app.member(Role::Developer).put(&path(&app), wanted).await.data();
    assert_eq!(made["unknown_environments"], json!(["qa", "test"]));
}

#[tokio::test]
async fn a_bad_field_is_refused_by_name_and_changes_nothing() {
    let app = TestApp::start().await;
    let developer = app.member(Role::Developer);
    let cases = [
        (json!({"repo_name": "shop"}), "repo_owner"),
        (
            json!({"repo_owner": "acme/shop", "repo_name": "shop"}),
            "repo_owner",
        ),
        (json!({"repo_owner": "acme", "repo_name": ""}), "repo_name"),
        (json!({"repo_owner": "acme", "repo_name": "a\u{0}b"}), "repo_name"),
        (
            json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": {"": "production"}}),
            "environment_mapping",
        ),
        (
            json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": {"a\u{0}": "production"}}),
            "environment_mapping",
        ),
        (
            json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": []}),
            "environment_mapping",
        ),
        (
            json!({"repo_owner": "acme", "repo_name": "shop", "secret": "mine"}),
            "secret",
        ),
    ];
    for (body, field) in cases {
        let reply = developer.put(&path(&app), body).await;
        reply.assert_error(400, "VALIDATION_ERROR", "");
        let found = reply.body["error"]["details"][0]["path"].as_str().unwrap();
        assert!(found.starts_with(field), "{}", reply.body);
    }
    assert_eq!(app.count("service_github_integrations").await, 0);
    assert_eq!(app.count("audit_logs").await, 0);
}

#[tokio::test]
async fn a_deleted_integration_refuses_deliveries_and_its_deployments_stay() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let run = testkit::WorkflowRun::completed(1, "failure");
    hook.told(&app, &hook.github.workflow_run(&run)).await;
    let developer = app.member(Role::Developer);
    developer.delete(&path(&app)).await.assert_status(204);
    developer
        .delete(&path(&app))
        .await
        .assert_error(404, "NOT_FOUND", "GitHub integration");
    developer
        .get(&path(&app))
        .await
        .assert_error(404, "NOT_FOUND", "GitHub integration");
    hook.send(&app, &hook.github.ping())
        .await
        .assert_error(404, "NOT_FOUND", "GitHub integration");
    assert_eq!(app.deployment().await["status"], "failure");
    let audited = app
        .column("SELECT action FROM audit_logs ORDER BY at DESC LIMIT 1")
        .await;
    assert_eq!(audited, ["github_integration.delete"]);
    // A new connection takes the same deployments up.
    let again = app.connect(json!({})).await;
    assert_eq!(
        again.told(&app, &again.github.workflow_run(&run)).await.0,
        "unchanged"
    );
}

#[tokio::test]
async fn a_service_has_one_integration_however_many_ask_at_once() {
    let app = TestApp::start().await;
    let developer = app.member(Role::Developer);
    let path = path(&app);
    let asked = (0..8).map(|_| developer.put(&path, shop()));
    let replies = futures_util::future::join_all(asked).await;
    let with_secret = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(with_secret, 1);
    assert!(
        replies
            .iter()
            .all(|reply| [200, 201, 409].contains(&reply.status))
    );
    assert_eq!(app.count("service_github_integrations").await, 1);
    let org = quoted(app.org.org_id);
    let sql = format!("SELECT org_id::text FROM service_github_integrations WHERE org_id = {org}");
    assert_eq!(app.column(&sql).await.len(), 1);
}
