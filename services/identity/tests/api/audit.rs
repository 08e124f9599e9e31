use domain::role::Role;
use serde_json::{Value, json};

use crate::app::{PASSWORD, Person, TestApp, text};

async fn actions(client: &testkit::Client) -> Vec<String> {
    let rows = client.get("/api/audit?limit=1000").await.data();
    let mut actions: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(&row["action"]))
        .collect();
    actions.reverse();
    actions
}

#[tokio::test]
async fn every_change_is_written_down() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let ada = Person::of(&app, &app.log_in("ada@example.com", PASSWORD).await);
    let c = &ada.client;
    let service = c.post("/api/services", json!({"name": "checkout"})).await.data();
    let path = format!("/api/services/{}", text(&service["id"]));
    c.patch(&path, json!({"retention_days": 7}))
        .await
        .assert_status(200);
    c.patch(&path, json!({"retention_days": 7}))
        .await
        .assert_status(200); // changes nothing
    c.post(&format!("{path}/environments"), json!({"name": "canary"}))
        .await
        .assert_status(201);
    let body = json!({"name": "ci", "environment_id": service["environments"][0]["id"]});
    let key = c.post(&format!("{path}/keys"), body).await.data();
    let key_path = format!("/api/keys/{}", text(&key["id"]));
    let rotated = c.post(&format!("{key_path}/rotate"), json!({})).await.data();
    c.delete(&format!("/api/keys/{}", text(&rotated["id"])))
        .await
        .assert_status(204);
    c.delete(&path).await.assert_status(204);
    let invite = json!({"email": "grace@example.com", "role": "viewer"});
    let withdrawn = c.post("/api/invites", invite.clone()).await.data();
    c.delete(&format!("/api/invites/{}", text(&withdrawn["id"])))
        .await
        .assert_status(204);
    let invite = c.post("/api/invites", invite).await.data();
    let grace = app.sign_up("grace@example.com", "Own").await;
    let accept = json!({"token": invite["token"]});
    grace
        .client
        .post("/api/invites/accept", accept)
        .await
        .assert_status(200);
    let member = format!("/api/members/{}", grace.user_id);
    c.patch(&member, json!({"role": "developer"}))
        .await
        .assert_status(200);
    c.delete(&member).await.assert_status(204);
    c.put("/api/orgs/active", json!({"org_id": ada.org_id}))
        .await
        .assert_status(200);
    c.delete("/api/sessions").await.assert_status(200);

    let mut actions = actions(c).await;
    // One transaction and so one moment, in which there is no order.
    actions[..3].sort();
    assert_eq!(
        actions,
        [
            "org.create",
            "service.create",
            "user.signup",
            "user.login",
            "service.create",
            "service.change",
            "environment.create",
            "api_key.create",
            "api_key.rotate",
            "api_key.revoke",
            "service.delete",
            "invite.create",
            "invite.delete",
            "invite.create",
            "invite.accept",
            "member.change_role",
            "member.remove",
            "session.enter_org",
            "session.end_others",
        ]
    );
    c.post("/api/auth/logout", json!({})).await.assert_status(204);
    let logout = "SELECT count(*) FROM audit_logs WHERE action = 'user.logout'";
    assert_eq!(app.count(logout, &[]).await, 1);
}

#[tokio::test]
async fn an_entry_says_who_what_from_where_before_and_after() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app
        .as_role(&org, Role::Admin)
        .with_header("x-request-id", "request-7")
        .with_header("x-forwarded-for", "203.0.113.9");
    let path = format!("/api/members/{}", org.viewer.user_id);
    admin
        .patch(&path, json!({"role": "developer"}))
        .await
        .assert_status(200);
    let rows = admin.get("/api/audit").await.data();
    let row = &rows[0];
    assert_eq!(
        *row,
        json!({
            "id": row["id"], "at": row["at"], "action": "member.change_role", "target_type": "member",
            "target_id": org.viewer.user_id, "ip": "203.0.113.9", "request_id": "request-7",
            "actor": {"user_id": org.admin.user_id, "email": org.admin.email, "token_id": null},
            "before": row["before"], "after": row["after"],
        })
    );
    assert_eq!(
        (&row["before"]["role"], &row["after"]["role"]),
        (&json!("viewer"), &json!("developer"))
    );
}

#[tokio::test]
async fn the_log_is_read_by_admins_of_its_own_organisation_in_pages() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let developer = app.as_role(&org, Role::Developer);
    for number in 0..5 {
        let body = json!({"name": format!("s{number}")});
        developer.post("/api/services", body).await.assert_status(201);
    }
    developer
        .get("/api/audit")
        .await
        .assert_error(403, "FORBIDDEN", "this needs the admin role");
    assert_eq!(
        app.as_role(&other, Role::Admin).get("/api/audit").await.data(),
        json!([])
    );

    let admin = app.as_role(&org, Role::Admin);
    let first = admin.get("/api/audit?limit=3").await;
    let second = admin
        .get(&format!(
            "/api/audit?limit=3&cursor={}",
            first.next_cursor().unwrap()
        ))
        .await;
    assert_eq!(second.next_cursor(), None);
    let name = |row: &Value| text(&row["after"]["name"]);
    let names: Vec<_> = [first.data(), second.data()]
        .iter()
        .flat_map(|page| page.as_array().unwrap().iter().map(name).collect::<Vec<_>>())
        .collect();
    assert_eq!(names, ["s4", "s3", "s2", "s1", "s0"]);
}

#[tokio::test]
async fn a_refused_change_leaves_no_entry() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    admin
        .post("/api/services", json!({"name": "default"}))
        .await
        .assert_status(409);
    let own = format!("/api/members/{}", org.admin.user_id);
    admin
        .patch(&own, json!({"role": "viewer"}))
        .await
        .assert_status(409);
    assert_eq!(admin.get("/api/audit").await.data(), json!([]));
}

#[tokio::test]
async fn nobody_can_rewrite_the_log() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let identity = app.db.db("sightline_identity");
    let conn = identity.conn("test").await.unwrap();
    for sql in ["UPDATE audit_logs SET action = 'x'", "DELETE FROM audit_logs"] {
        let error = conn.execute(sql, &[]).await.unwrap_err();
        assert_eq!(
            error.code().map(tokio_postgres::error::SqlState::code),
            Some("42501"),
            "{sql}"
        );
    }
}
