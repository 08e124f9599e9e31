//! Bad input is refused by name, never with a 500.

use domain::role::Role;
use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp, assert_invalid};

#[tokio::test]
async fn every_bad_field_is_named() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    let service = format!("/api/services/{}", org.service_id);
    let nul = "a\u{0}b";
    let post: [(&str, &str, Value); 20] = [
        (
            "/api/auth/signup",
            "email",
            json!({"email": nul, "password": PASSWORD, "org_name": "Acme"}),
        ),
        (
            "/api/auth/signup",
            "email",
            json!({"email": "ada", "password": PASSWORD, "org_name": "Acme"}),
        ),
        (
            "/api/auth/signup",
            "org_name",
            json!({"email": "a@b.c", "password": PASSWORD, "org_name": nul}),
        ),
        (
            "/api/auth/signup",
            "org_name",
            json!({"email": "a@b.c", "password": PASSWORD}),
        ),
        (
            "/api/auth/signup",
            "name",
            json!({"email": "a@b.c", "password": PASSWORD, "org_name": "A", "name": "\n"}),
        ),
        (
            "/api/auth/signup",
            "admin",
            json!({"email": "a@b.c", "password": PASSWORD, "org_name": "A", "admin": true}),
        ),
        (
            "/api/auth/login",
            "email",
            json!({"email": 7, "password": PASSWORD}),
        ),
        ("/api/auth/login", "password", json!({"email": "a@b.c"})),
        (
            "/api/auth/login",
            "password",
            json!({"email": "a@b.c", "password": nul}),
        ),
        (
            "/api/auth/login",
            "password",
            json!({"email": "a@b.c", "password": "x".repeat(1025)}),
        ),
        (
            "/api/auth/login",
            "otp",
            json!({"email": "a@b.c", "password": "x", "otp": 1}),
        ),
        ("/api/orgs", "name", json!({"name": nul})),
        ("/api/orgs", "owner", json!({"name": "A", "owner": "me"})),
        (
            "/api/invites",
            "email",
            json!({"email": "nobody", "role": "viewer"}),
        ),
        ("/api/invites", "role", json!({"email": "a@b.c", "role": "owner"})),
        ("/api/invites/accept", "token", json!({"token": 7})),
        ("/api/services", "name", json!({"name": "x".repeat(201)})),
        (
            "/api/services",
            "description",
            json!({"name": "x", "description": nul}),
        ),
        (
            "/api/services",
            "repo_url",
            json!({"name": "x", "repo_url": "javascript:alert(1)"}),
        ),
        ("/api/services", "id", json!({"name": "x", "id": "y"})),
    ];
    for (path, field, body) in post {
        assert_invalid(&admin.post(path, body).await, field);
    }
    let environments = format!("{service}/environments");
    assert_invalid(&admin.post(&environments, json!({"name": nul})).await, "name");
    assert_invalid(&admin.patch(&service, json!({"name": nul})).await, "name");
    assert_invalid(
        &admin.patch(&service, json!({"org_id": org.org_id})).await,
        "org_id",
    );
    let member = format!("/api/members/{}", org.viewer.user_id);
    assert_invalid(&admin.patch(&member, json!({"role": "root"})).await, "role");
    assert_invalid(
        &admin.put("/api/orgs/active", json!({"org_id": "x"})).await,
        "org_id",
    );
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"text\"",
        "{\"name\":\"x\"} trailing",
        "{\"name\":\"x\",\"name\":\"y\"}",
        "{\"name\":\"\\ud800\"}",
    ] {
        let reply = admin.post_bytes("/api/services", "application/json", body).await;
        assert_eq!((body, reply.status), (body, 400));
    }
    let not_utf8 = b"{\"name\":\"\xff\"}".to_vec();
    let reply = admin
        .post_bytes("/api/services", "application/json", not_utf8)
        .await;
    reply.assert_error(400, "VALIDATION_ERROR", "");
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    admin
        .post_bytes("/api/services", "application/json", deep)
        .await
        .assert_status(400);
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    let reply = admin.post_bytes("/api/services", "application/json", long).await;
    reply.assert_error(413, "PAYLOAD_TOO_LARGE", "");
}

#[tokio::test]
async fn a_malformed_id_is_not_found_and_a_malformed_page_is_named() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    for path in [
        "/api/services/7",
        "/api/services/not-an-id/keys",
        "/api/services/%00",
    ] {
        admin.get(path).await.assert_error(404, "NOT_FOUND", "");
    }
    admin.delete("/api/keys/7").await.assert_status(404);
    admin.delete("/api/sessions/7").await.assert_status(404);
    admin
        .patch("/api/members/7", json!({"role": "viewer"}))
        .await
        .assert_status(404);
    for list in [
        "/api/services",
        "/api/members",
        "/api/invites",
        "/api/audit",
        "/api/orgs",
        "/api/sessions",
    ] {
        assert_invalid(&admin.get(&format!("{list}?limit=0")).await, "limit");
        assert_invalid(&admin.get(&format!("{list}?limit=1001")).await, "limit");
        assert_invalid(&admin.get(&format!("{list}?cursor=nonsense")).await, "cursor");
        assert_invalid(&admin.get(&format!("{list}?offset=5")).await, "offset");
    }
    admin.get("/api/nothing").await.assert_error(404, "NOT_FOUND", "");
}

#[tokio::test]
async fn who_calls_is_decided_before_what_they_sent_is_read() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let broken = "{ this is no JSON";
    let nobody = app
        .client
        .post_bytes("/api/services", "application/json", broken)
        .await;
    nobody.assert_error(401, "UNAUTHORIZED", "");
    let viewer = app.as_role(&org, Role::Viewer);
    let reply = viewer
        .post_bytes("/api/services", "application/json", broken)
        .await;
    reply.assert_error(403, "FORBIDDEN", "this needs the developer role");
}
