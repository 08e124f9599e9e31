use domain::role::Role;
use serde_json::json;

use crate::app::{TestApp, text};

#[tokio::test]
async fn switching_changes_what_is_seen_and_nothing_else() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "First").await;
    ada.client
        .post("/api/services", json!({"name": "checkout"}))
        .await
        .assert_status(201);

    let second = ada.client.post("/api/orgs", json!({"name": "Second"})).await;
    second.assert_status(201);
    let second = second.data();
    assert_eq!(
        second,
        json!({"id": second["id"], "name": "Second", "role": "admin"})
    );
    // The new organisation is active, with a service of its own.
    assert_eq!(ada.client.get("/api/me").await.data()["org"], second);
    let names = |services: serde_json::Value| -> Vec<String> {
        services
            .as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["name"]))
            .collect()
    };
    assert_eq!(names(ada.client.get("/api/services").await.data()), ["default"]);

    let orgs = ada.client.get("/api/orgs").await;
    assert_eq!(orgs.next_cursor(), None);
    let orgs = orgs.data();
    assert_eq!(orgs[0]["name"], "First");
    assert_eq!(orgs[1], second);

    let back = ada
        .client
        .put("/api/orgs/active", json!({"org_id": ada.org_id}))
        .await;
    assert_eq!(back.data(), orgs[0]);
    assert_eq!(
        names(ada.client.get("/api/services").await.data()),
        ["default", "checkout"]
    );
}

#[tokio::test]
async fn an_organisation_that_one_does_not_belong_to_is_not_found() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let other = app.org().await;
    for org_id in [
        other.org_id.to_string(),
        domain::ids::OrgId::generate().to_string(),
    ] {
        ada.client
            .put("/api/orgs/active", json!({"org_id": org_id}))
            .await
            .assert_error(404, "NOT_FOUND", "organisation not found");
    }
    assert_eq!(
        ada.client.get("/api/me").await.data()["org"]["id"],
        json!(ada.org_id)
    );
}

#[tokio::test]
async fn each_session_has_its_own_active_organisation() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "First").await;
    let reply = app.log_in("ada@example.com", crate::app::PASSWORD).await;
    let laptop = crate::app::Person::of(&app, &reply);
    laptop
        .client
        .post("/api/orgs", json!({"name": "Second"}))
        .await
        .assert_status(201);
    assert_eq!(laptop.client.get("/api/me").await.data()["org"]["name"], "Second");
    assert_eq!(ada.client.get("/api/me").await.data()["org"]["name"], "First");
}

#[tokio::test]
async fn the_role_is_the_one_in_the_active_organisation() {
    let app = TestApp::start().await;
    let (first, second) = (app.org().await, app.org().await);
    second
        .add_member(&app.db, first.admin.user_id, Role::Viewer)
        .await;
    let client = app.as_role(&first, Role::Admin);
    client.get("/api/audit").await.assert_status(200);
    let entered = client
        .put("/api/orgs/active", json!({"org_id": second.org_id}))
        .await
        .data();
    assert_eq!(entered["role"], "viewer");
    client
        .get("/api/audit")
        .await
        .assert_error(403, "FORBIDDEN", "this needs the admin role");
    client.get("/api/services").await.assert_status(200);
}
