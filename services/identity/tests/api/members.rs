use domain::ids::UserId;
use domain::role::Role;
use serde_json::json;

use crate::app::{TestApp, text};

#[tokio::test]
async fn members_are_listed_without_secrets() {
    let app = TestApp::start().await;
    let org = app.org().await;
    app.org().await;
    let list = app.as_role(&org, Role::Viewer).get("/api/members").await;
    assert_eq!(list.next_cursor(), None);
    let list = list.data();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 3);
    for member in list {
        let mut fields: Vec<_> = member.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        assert_eq!(fields, ["created_at", "email", "name", "role", "user_id"]);
    }
    let roles: Vec<_> = list.iter().map(|member| text(&member["role"])).collect();
    assert_eq!(roles, ["admin", "developer", "viewer"]);
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_request_on() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let (admin, viewer) = (app.as_role(&org, Role::Admin), app.as_role(&org, Role::Viewer));
    viewer
        .post("/api/services", json!({"name": "checkout"}))
        .await
        .assert_status(403);
    let path = format!("/api/members/{}", org.viewer.user_id);
    let changed = admin.patch(&path, json!({"role": "developer"})).await.data();
    assert_eq!(changed["role"], "developer");
    viewer
        .post("/api/services", json!({"name": "checkout"}))
        .await
        .assert_status(201);
}

#[tokio::test]
async fn the_last_admin_can_neither_be_demoted_nor_removed() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    let own = format!("/api/members/{}", org.admin.user_id);
    for role in ["developer", "viewer"] {
        admin.patch(&own, json!({"role": role})).await.assert_error(
            409,
            "CONFLICT",
            "make somebody else admin first",
        );
    }
    admin
        .delete(&own)
        .await
        .assert_error(409, "CONFLICT", "last admin");
    admin
        .patch(&own, json!({"role": "admin"}))
        .await
        .assert_status(200);

    let second = format!("/api/members/{}", org.developer.user_id);
    admin
        .patch(&second, json!({"role": "admin"}))
        .await
        .assert_status(200);
    admin
        .patch(&own, json!({"role": "viewer"}))
        .await
        .assert_status(200);
    admin.get("/api/audit").await.assert_status(403);
}

#[tokio::test]
async fn of_two_admins_who_demote_each_other_at_the_same_moment_one_stays() {
    for _ in 0..5 {
        let app = TestApp::start().await;
        let org = app.org().await;
        let second = org.insert_person(&app.db, Role::Admin).await;
        let clients = [
            app.as_role(&org, Role::Admin),
            app.client.with_cookie(&second.cookie),
        ];
        let paths = [
            format!("/api/members/{}", second.user_id),
            format!("/api/members/{}", org.admin.user_id),
        ];
        let (left, right) = tokio::join!(
            clients[0].patch(&paths[0], json!({"role": "viewer"})),
            clients[1].patch(&paths[1], json!({"role": "viewer"})),
        );
        let admins = "SELECT count(*) FROM org_members WHERE role = 'admin'";
        assert_eq!(
            app.count(admins, &[]).await,
            1,
            "{} {}",
            left.status,
            right.status
        );
        let mut statuses = [left.status, right.status];
        statuses.sort_unstable();
        assert!(
            statuses == [200, 409] || statuses == [200, 403],
            "the slower one is too late, or no admin any more: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn of_two_admins_who_step_down_at_the_same_moment_one_stays() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let second = org.insert_person(&app.db, Role::Admin).await;
    let clients = [
        app.as_role(&org, Role::Admin),
        app.client.with_cookie(&second.cookie),
    ];
    let (left, right) = tokio::join!(
        async {
            clients[0]
                .delete(&format!("/api/members/{}", org.admin.user_id))
                .await
                .status
        },
        async {
            clients[1]
                .delete(&format!("/api/members/{}", second.user_id))
                .await
                .status
        },
    );
    let mut statuses = [left, right];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

#[tokio::test]
async fn a_member_may_leave_but_not_remove_others() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let viewer = app.as_role(&org, Role::Viewer);
    viewer
        .delete(&format!("/api/members/{}", org.developer.user_id))
        .await
        .assert_error(403, "FORBIDDEN", "this needs the admin role");
    viewer
        .delete(&format!("/api/members/{}", org.viewer.user_id))
        .await
        .assert_status(204);
    viewer.get("/api/members").await.assert_status(403);
    assert_eq!(viewer.get("/api/me").await.data()["orgs"], json!([]));
}

#[tokio::test]
async fn whoever_is_removed_is_out_at_once() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    developer.get("/api/services").await.assert_status(200);
    let path = format!("/api/members/{}", org.developer.user_id);
    app.as_role(&org, Role::Admin)
        .delete(&path)
        .await
        .assert_status(204);
    developer
        .get("/api/services")
        .await
        .assert_error(403, "FORBIDDEN", "no organisation is active");
    // Coming back does not revive the old session's place.
    org.add_member(&app.db, org.developer.user_id, Role::Viewer).await;
    developer.get("/api/services").await.assert_status(403);
}

#[tokio::test]
async fn people_of_another_organisation_are_not_found() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let admin = app.as_role(&org, Role::Admin);
    for user_id in [other.viewer.user_id, UserId::generate()] {
        let path = format!("/api/members/{user_id}");
        admin.patch(&path, json!({"role": "viewer"})).await.assert_error(
            404,
            "NOT_FOUND",
            "member not found",
        );
        admin
            .delete(&path)
            .await
            .assert_error(404, "NOT_FOUND", "member not found");
    }
}
