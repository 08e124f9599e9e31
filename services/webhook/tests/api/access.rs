use domain::role::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, WorkflowRun};

use crate::app::{TestApp, another_org};

/// One call of each route that people use, with ids of the given organisation's things.
struct Things {
    service: String,
    deployment: String,
    delivery: String,
}

impl Things {
    async fn of(app: &TestApp) -> Self {
        let hook = app.connect(json!({})).await;
        hook.told(
            app,
            &hook.github.workflow_run(&WorkflowRun::completed(1, "failure")),
        )
        .await;
        let viewer = app.member(Role::Viewer);
        let first = async |path: &str| {
            viewer.get(path).await.data()[0]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        Self {
            service: app.org.service_id.to_string(),
            deployment: first("/api/deployments").await,
            delivery: first("/api/webhooks/deliveries").await,
        }
    }

    fn unknown() -> Self {
        let id = || uuid::Uuid::new_v4().to_string();
        Self {
            service: id(),
            deployment: id(),
            delivery: id(),
        }
    }

    fn malformed() -> Self {
        let id = || "not-an-id".to_owned();
        Self {
            service: id(),
            deployment: id(),
            delivery: id(),
        }
    }

    /// Method, path, body and the least role.
    fn calls(&self) -> Vec<(Method, String, Option<Value>, Role)> {
        let github = format!("/api/services/{}/github", self.service);
        let wanted = json!({"repo_owner": "acme", "repo_name": "shop"});
        vec![
            (
                Method::GET,
                format!("/api/deployments/{}", self.deployment),
                None,
                Role::Viewer,
            ),
            (Method::GET, github.clone(), None, Role::Viewer),
            (Method::PUT, github.clone(), Some(wanted), Role::Developer),
            (
                Method::POST,
                format!("/api/webhooks/deliveries/{}/replay", self.delivery),
                Some(json!({})),
                Role::Developer,
            ),
            (Method::DELETE, github, None, Role::Developer),
        ]
    }
}

async fn call(client: &Client, call: &(Method, String, Option<Value>, Role)) -> testkit::Reply {
    client.call(call.0.clone(), &call.1, call.2.clone()).await
}

#[tokio::test]
async fn every_route_needs_a_session_and_its_least_role() {
    let app = TestApp::start().await;
    let things = Things::of(&app).await;
    for wanted in &things.calls() {
        call(&app.anyone, wanted)
            .await
            .assert_error(401, "UNAUTHORIZED", "log in");
        call(&app.ci(), wanted)
            .await
            .assert_error(401, "UNAUTHORIZED", "log in");
        for role in Role::ALL.into_iter().filter(|role| !role.at_least(wanted.3)) {
            let reply = call(&app.member(role), wanted).await;
            reply.assert_error(403, "FORBIDDEN", &format!("needs the {} role", wanted.3));
        }
    }
    for list in ["/api/deployments", "/api/webhooks/deliveries"] {
        app.anyone
            .get(list)
            .await
            .assert_error(401, "UNAUTHORIZED", "log in");
        app.member(Role::Viewer).get(list).await.assert_status(200);
    }
    for wanted in &things.calls() {
        let reply = call(&app.member(wanted.3), wanted).await;
        assert!(reply.is_success(), "{} {}: {}", wanted.0, wanted.1, reply.body);
    }
}

#[tokio::test]
async fn another_organisations_things_are_not_found_like_unknown_ones() {
    let app = TestApp::start().await;
    let things = Things::of(&app).await;
    let stranger = another_org(&app).await;
    let admin = app.member_of(&stranger, Role::Admin);
    let candidates = [
        things.calls(),
        Things::unknown().calls(),
        Things::malformed().calls(),
    ];
    for wanted in candidates.iter().flatten() {
        call(&admin, wanted)
            .await
            .assert_error(404, "NOT_FOUND", "not found");
    }
    for list in ["/api/deployments", "/api/webhooks/deliveries"] {
        assert_eq!(admin.get(list).await.data(), json!([]));
    }
    let narrowed = format!("/api/deployments?service_id={}", things.service);
    assert_eq!(admin.get(&narrowed).await.data(), json!([]));
    assert_eq!(app.deployment().await["status"], "failure");
    assert_eq!(app.count("service_github_integrations").await, 1);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_change_anything() {
    let app = TestApp::start().await;
    let things = Things::of(&app).await;
    let forged = app
        .member(Role::Admin)
        .with_header("origin", "https://evil.example");
    for wanted in things.calls().iter().filter(|wanted| wanted.0 != Method::GET) {
        call(&forged, wanted)
            .await
            .assert_error(403, "FORBIDDEN", "another site");
    }
}

#[tokio::test]
async fn the_document_lists_every_route_with_who_may_call_it() {
    let app = TestApp::start().await;
    let document = app.anyone.get("/openapi.json").await.body;
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            found.push(format!("{method} {path} {}", operation["security"]));
        }
    }
    found.sort_unstable();
    let expected = [
        r#"delete /api/services/{id}/github [{"session":["developer"]},{"token":["developer"]}]"#,
        r#"get /api/deployments [{"session":["viewer"]},{"token":["viewer"]}]"#,
        r#"get /api/deployments/{id} [{"session":["viewer"]},{"token":["viewer"]}]"#,
        r#"get /api/services/{id}/github [{"session":["viewer"]},{"token":["viewer"]}]"#,
        r#"get /api/webhooks/deliveries [{"session":["viewer"]},{"token":["viewer"]}]"#,
        r#"post /api/v1/deployments [{"api_key":["deployments:write"]}]"#,
        r#"post /api/v1/webhooks/github/{integration_id} [{"signature":[]}]"#,
        r#"post /api/webhooks/deliveries/{id}/replay [{"session":["developer"]},{"token":["developer"]}]"#,
        r#"put /api/services/{id}/github [{"session":["developer"]},{"token":["developer"]}]"#,
    ];
    assert_eq!(found, expected);
}
