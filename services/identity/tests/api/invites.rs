use domain::role::Role;
use serde_json::json;

use crate::app::{TestApp, text};

#[tokio::test]
async fn an_invite_brings_its_addressee_into_the_organisation() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    let reply = admin
        .post(
            "/api/invites",
            json!({"email": "Grace@Example.com", "role": "developer"}),
        )
        .await;
    reply.assert_status(201);
    assert_eq!(reply.header("cache-control"), "no-store");
    let invite = reply.data();
    let token = text(&invite["token"]);
    assert!(token.starts_with("sli_"));
    assert_eq!(invite["url"], format!("https://sightline.example/invite#{token}"));
    assert_eq!(
        (&invite["email"], &invite["role"]),
        (&json!("grace@example.com"), &json!("developer"))
    );

    // The list knows the invite but not its token, and neither do the tables.
    let list = admin.get("/api/invites").await.data();
    assert_eq!(list[0]["id"], invite["id"]);
    assert_eq!((&list[0]["token"], &list[0]["url"]), (&json!(null), &json!(null)));
    let readable =
        "SELECT count(*) FROM invites i, audit_logs a WHERE i::text || a::text LIKE '%' || $1 || '%'";
    assert_eq!(app.count(readable, &[&token]).await, 0);

    let grace = app.sign_up("grace@example.com", "Own").await;
    let joined = grace
        .client
        .post("/api/invites/accept", json!({"token": token}))
        .await;
    assert_eq!(
        (&joined.data()["id"], &joined.data()["role"]),
        (&json!(org.org_id), &json!("developer"))
    );
    // The organisation is active now, and where the next login starts.
    assert_eq!(
        grace.client.get("/api/me").await.data()["org"]["id"],
        json!(org.org_id)
    );
    let again = app.log_in("grace@example.com", crate::app::PASSWORD).await.data();
    assert_eq!(again["org"]["id"], json!(org.org_id));

    grace
        .client
        .post("/api/invites/accept", json!({"token": token}))
        .await
        .assert_error(409, "CONFLICT", "used already");
    assert_eq!(admin.get("/api/invites").await.data(), json!([]));
}

#[tokio::test]
async fn an_invite_is_for_its_addressee_only() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let body = json!({"email": "grace@example.com", "role": "admin"});
    let invite = app
        .as_role(&org, Role::Admin)
        .post("/api/invites", body)
        .await
        .data();
    let eve = app.sign_up("eve@example.com", "Evil").await;
    let accept = json!({"token": invite["token"]});
    let reply = eve.client.post("/api/invites/accept", accept).await;
    reply.assert_error(
        403,
        "FORBIDDEN",
        "sent to another e-mail; log in or sign up with that address",
    );
    assert!(!reply.body.to_string().contains("grace"));
    assert_eq!(
        app.count(
            "SELECT count(*) FROM org_members WHERE org_id = $1",
            &[&org.org_id]
        )
        .await,
        3
    );
}

#[tokio::test]
async fn an_unknown_or_expired_or_withdrawn_invite_opens_nothing() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    let grace = app.sign_up("grace@example.com", "Own").await;
    let invite = || async {
        let body = json!({"email": "grace@example.com", "role": "viewer"});
        admin.post("/api/invites", body).await.data()
    };
    let accept = |token: serde_json::Value| {
        let client = grace.client.clone();
        async move { client.post("/api/invites/accept", json!({"token": token})).await }
    };

    accept(json!("sli_unknown"))
        .await
        .assert_error(404, "NOT_FOUND", "invite not found");

    let expired = invite().await;
    let left = "SELECT (extract(epoch FROM expires_at - now()) / 3600)::bigint FROM invites";
    assert_eq!(app.count(left, &[]).await, 7 * 24);
    app.sql("UPDATE invites SET expires_at = now()", &[]).await;
    accept(expired["token"].clone())
        .await
        .assert_error(409, "CONFLICT", "has expired");
    assert_eq!(admin.get("/api/invites").await.data()[0]["expired"], json!(true));

    let replaced = invite().await;
    let newest = invite().await;
    accept(replaced["token"].clone()).await.assert_status(404);
    let path = format!("/api/invites/{}", text(&newest["id"]));
    admin.delete(&path).await.assert_status(204);
    admin
        .delete(&path)
        .await
        .assert_error(404, "NOT_FOUND", "invite not found");
    accept(newest["token"].clone()).await.assert_status(404);
}

#[tokio::test]
async fn a_member_needs_no_invite_and_keeps_their_role() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    admin
        .post(
            "/api/invites",
            json!({"email": org.viewer.email, "role": "admin"}),
        )
        .await
        .assert_error(409, "CONFLICT", "change their role instead");

    // Somebody who became a member while the invite was on its way.
    let grace = app.sign_up("grace@example.com", "Own").await;
    let body = json!({"email": "grace@example.com", "role": "viewer"});
    let invite = admin.post("/api/invites", body).await.data();
    org.add_member(&app.db, grace.user_id.parse().unwrap(), Role::Admin)
        .await;
    grace
        .client
        .post("/api/invites/accept", json!({"token": invite["token"]}))
        .await
        .assert_error(409, "CONFLICT", "a member of this organisation already");
    let admins = "SELECT count(*) FROM org_members WHERE org_id = $1 AND role = 'admin'";
    assert_eq!(app.count(admins, &[&org.org_id]).await, 2);
}

#[tokio::test]
async fn an_invite_that_is_accepted_twice_at_once_makes_one_member() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let grace = app.sign_up("grace@example.com", "Own").await;
    let body = json!({"email": "grace@example.com", "role": "viewer"});
    let invite = app
        .as_role(&org, Role::Admin)
        .post("/api/invites", body)
        .await
        .data();
    let accept = || {
        grace
            .client
            .post("/api/invites/accept", json!({"token": invite["token"]}))
    };
    let (left, right) = tokio::join!(accept(), accept());
    let mut statuses = [left.status, right.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[tokio::test]
async fn another_organisations_invite_cannot_be_withdrawn() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let body = json!({"email": "grace@example.com", "role": "viewer"});
    let invite = app
        .as_role(&org, Role::Admin)
        .post("/api/invites", body)
        .await
        .data();
    let stranger = app.as_role(&other, Role::Admin);
    assert_eq!(stranger.get("/api/invites").await.data(), json!([]));
    stranger
        .delete(&format!("/api/invites/{}", text(&invite["id"])))
        .await
        .assert_status(404);
}
