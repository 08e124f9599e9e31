use std::time::Duration;

use domain::ids::PersonalTokenId;
use domain::role::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Reply, TokenSpec, eventually};

use crate::app::{TestApp, assert_invalid, text};

/// Makes a token, and returns the whole answer.
async fn create(client: &Client, body: Value) -> Value {
    client.post("/api/tokens", body).await.assert_status(201).data()
}

async fn is_used(app: &TestApp, id: PersonalTokenId) -> bool {
    let sql = "SELECT count(*) FROM personal_access_tokens
               WHERE id = $1 AND last_used_at > now() - interval '10 seconds'";
    app.count(sql, &[&id]).await == 1
}

async fn until_used(app: &TestApp, id: PersonalTokenId) {
    eventually(Duration::from_secs(5), "the use to be noted", async || {
        if is_used(app, id).await { Ok(()) } else { Err(id) }
    })
    .await;
}

#[tokio::test]
async fn a_token_is_shown_once_and_only_its_hash_is_stored() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let body = json!({"name": " grafana ", "role": "developer", "expires_in_days": 30});
    let reply = developer.post("/api/tokens", body).await;
    reply.assert_status(201);
    assert_eq!(reply.header("cache-control"), "no-store");
    let created = reply.data();
    let raw = text(&created["token"]);
    assert_eq!(raw.len(), 4 + 32 + 6);
    assert!(raw.starts_with("slp_"));
    let mut view = json!({
        "id": created["id"], "user_id": org.developer.user_id, "email": org.developer.email, "name": "grafana",
        "role": "developer", "token_prefix": &raw[..10], "status": "live", "current": false,
        "created_at": created["created_at"], "expires_at": created["expires_at"], "last_used_at": null,
        "revoked_at": null,
    });
    let listed = developer.get("/api/tokens").await.data();
    assert_eq!(listed, json!([view]));
    view["token"] = json!(raw);
    assert_eq!(created, view);
    let sql = "SELECT count(*) FROM personal_access_tokens
               WHERE expires_at = created_at + interval '30 days' AND token_hash = sha256($1::bytea)";
    assert_eq!(app.count(sql, &[&raw.as_bytes()]).await, 1);
    let sql = "SELECT count(*) FROM personal_access_tokens t, audit_logs a
               WHERE strpos(t::text, $1) > 0 OR strpos(a::text, $1) > 0";
    assert_eq!(app.count(sql, &[&raw]).await, 0);
}

#[tokio::test]
async fn a_token_acts_as_its_maker_by_bearer_and_as_a_basic_password() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let raw = text(&create(&ada.client, json!({"name": "cli"})).await["token"]);
    for client in [
        app.client.with_bearer(&raw),
        app.client.with_basic("anybody", &raw),
        app.client.with_basic("", &raw),
    ] {
        let org = json!({"id": ada.org_id, "name": "Acme", "role": "viewer"});
        assert_eq!(
            client.get("/api/me").await.data(),
            json!({
                "user": {"id": ada.user_id, "email": "ada@example.com", "name": "ada"}, "org": org, "orgs": [org],
            })
        );
        client.get("/api/services").await.assert_status(200);
        client
            .post("/api/services", json!({"name": "x"}))
            .await
            .assert_error(403, "FORBIDDEN", "this needs the developer role");
    }
}

#[tokio::test]
async fn a_token_is_of_one_organisation_wherever_its_owner_is_active() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let raw = text(&create(&ada.client, json!({"name": "cli", "role": "admin"})).await["token"]);
    ada.client
        .post("/api/orgs", json!({"name": "Second"}))
        .await
        .assert_status(201);
    assert_eq!(ada.client.get("/api/tokens").await.data(), json!([]));
    let token = app.client.with_bearer(&raw);
    let me = token.get("/api/me").await.data();
    assert_eq!(me["org"]["id"], json!(ada.org_id));
    assert_eq!(me["orgs"].as_array().unwrap().len(), 1);
    assert_eq!(token.get("/api/tokens").await.data()[0]["current"], json!(true));
    token
        .post("/api/services", json!({"name": "by token"}))
        .await
        .assert_status(201);
    let sql = "SELECT count(*) FROM services WHERE name = 'by token' AND org_id = $1::text::uuid";
    assert_eq!(app.count(sql, &[&ada.org_id]).await, 1);
}

#[tokio::test]
async fn a_token_never_does_more_than_its_role_or_its_owners() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let above = json!({"name": "n", "role": "admin"});
    let reply = developer.post("/api/tokens", above).await;
    assert_invalid(&reply, "role");
    reply.assert_error(400, "VALIDATION_ERROR", "at most your own, which is developer");
    let created = create(&developer, json!({"name": "n", "role": "developer"})).await;
    let token = app.client.with_bearer(&text(&created["token"]));
    let create_service = async |name: &str| token.post("/api/services", json!({"name": name})).await;
    create_service("one").await.assert_status(201);
    token.get("/api/audit").await.assert_status(403);

    let member = format!("/api/members/{}", org.developer.user_id);
    let admin = app.as_role(&org, Role::Admin);
    admin
        .patch(&member, json!({"role": "viewer"}))
        .await
        .assert_status(200);
    create_service("two")
        .await
        .assert_error(403, "FORBIDDEN", "this needs the developer role");
    assert_eq!(token.get("/api/me").await.data()["org"]["role"], json!("viewer"));
    admin
        .patch(&member, json!({"role": "admin"}))
        .await
        .assert_status(200);
    create_service("three").await.assert_status(201);
    token.get("/api/audit").await.assert_status(403);
}

#[tokio::test]
async fn a_token_that_ended_says_why_and_what_to_do() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let person = org.admin.user_id;
    let revoked = TokenSpec {
        revoked: true,
        ..TokenSpec::default()
    };
    let expired = TokenSpec {
        expires_in: Some(-time::Duration::SECOND),
        ..TokenSpec::default()
    };
    let (_, revoked) = org.insert_token(&app.db, person, &revoked).await;
    let (_, expired) = org.insert_token(&app.db, person, &expired).await;
    let unknown = domain::personal_token::mint(|| 7);
    for (raw, reason) in [
        (revoked.as_str(), "was revoked; make a new one"),
        (&expired, "has expired; make a new one"),
        (&unknown, "is unknown"),
        (&unknown[..20], "is malformed; check that it was copied whole"),
        ("slp_", "is malformed"),
        (org.api_key(), "an API key can only write"),
        ("something", "log in again"),
    ] {
        for client in [app.client.with_bearer(raw), app.client.with_basic("grafana", raw)] {
            for path in ["/api/services", "/api/me", "/api/sessions"] {
                client.get(path).await.assert_error(401, "UNAUTHORIZED", reason);
            }
        }
    }
}

#[tokio::test]
async fn the_tokens_of_somebody_who_was_removed_end_at_once_and_for_good() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let token = app.as_token_of(&org, Role::Developer).await;
    token.get("/api/services").await.assert_status(200);
    let member = format!("/api/members/{}", org.developer.user_id);
    app.as_role(&org, Role::Admin)
        .delete(&member)
        .await
        .assert_status(204);
    let refused = async || {
        token
            .get("/api/services")
            .await
            .assert_error(401, "UNAUTHORIZED", "its owner left the organisation");
    };
    refused().await;
    org.add_member(&app.db, org.developer.user_id, Role::Admin).await;
    refused().await;
}

#[tokio::test]
async fn what_needs_a_session_refuses_a_token_even_beside_one() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let token = app.as_token_of(&org, Role::Admin).await;
    let both = token.with_cookie(org.cookie(Role::Admin));
    let refused = |reply: Reply| {
        reply.assert_error(403, "FORBIDDEN", "log in and do it there");
    };
    for client in [token, both] {
        refused(client.post("/api/tokens", json!({"name": "n"})).await);
        refused(client.post("/api/auth/logout", json!({})).await);
        refused(client.get("/api/orgs").await);
        refused(client.post("/api/orgs", json!({"name": "n"})).await);
        refused(
            client
                .put("/api/orgs/active", json!({"org_id": org.org_id}))
                .await,
        );
        refused(client.get("/api/sessions").await);
        refused(client.delete("/api/sessions").await);
        refused(
            client
                .post("/api/invites/accept", json!({"token": "sli_x"}))
                .await,
        );
    }
    assert_eq!(
        app.count("SELECT count(*) FROM personal_access_tokens", &[])
            .await,
        1
    );
    assert_eq!(app.count("SELECT count(*) FROM sessions", &[]).await, 3);
}

#[tokio::test]
async fn a_token_wins_over_a_cookie_and_other_credentials_leave_the_cookie_alone() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    let me = async |client: Client| client.get("/api/me").await.data()["user"]["id"].clone();
    let (_, viewers) = org
        .insert_token(&app.db, org.viewer.user_id, &TokenSpec::default())
        .await;
    assert_eq!(me(admin.with_bearer(&viewers)).await, json!(org.viewer.user_id));
    admin
        .with_bearer(&viewers[..30])
        .get("/api/me")
        .await
        .assert_error(401, "UNAUTHORIZED", "malformed");
    // As a proxy in front of us would ask for.
    assert_eq!(
        me(admin.with_basic("team", "secret")).await,
        json!(org.admin.user_id)
    );
}

#[tokio::test]
async fn a_bearer_token_may_come_from_anywhere_and_a_password_that_browsers_keep_may_not() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let (_, raw) = org
        .insert_token(&app.db, org.developer.user_id, &TokenSpec::default())
        .await;
    let elsewhere = app.client.with_header("origin", "https://evil.example");
    let create = async |client: Client, name: &str| client.post("/api/services", json!({"name": name})).await;
    create(elsewhere.with_bearer(&raw), "one")
        .await
        .assert_status(201);
    create(elsewhere.with_basic("x", &raw), "two").await.assert_error(
        403,
        "FORBIDDEN",
        "came from another site",
    );
    create(app.client.with_basic("x", &raw), "three")
        .await
        .assert_status(201);
}

#[tokio::test]
async fn the_last_use_is_noted_once_a_minute() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let mut tokens = Vec::new();
    for seconds in [Some(30_i32), Some(90), None] {
        let (id, raw) = org
            .insert_token(&app.db, org.viewer.user_id, &TokenSpec::default())
            .await;
        let sql =
            "UPDATE personal_access_tokens SET last_used_at = now() - make_interval(secs => $2::integer)
                   WHERE id = $1";
        app.sql(sql, &[&id, &seconds]).await;
        tokens.push((id, app.client.with_bearer(&raw)));
    }
    for (_, client) in &tokens {
        client.get("/api/me").await.assert_status(200);
    }
    until_used(&app, tokens[1].0).await;
    until_used(&app, tokens[2].0).await;
    assert!(!is_used(&app, tokens[0].0).await);
}

#[tokio::test]
async fn members_see_and_revoke_their_own_tokens_and_admins_all() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let mut ids = Vec::new();
    for role in Role::ALL {
        let created = create(&app.as_role(&org, role), json!({"name": role})).await;
        ids.push(text(&created["id"]));
    }
    let listed = async |client: &Client, path: &str| -> Vec<String> {
        let rows = client.get(path).await.data();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| text(&row["name"]))
            .collect()
    };
    for role in Role::ALL {
        assert_eq!(
            listed(&app.as_role(&org, role), "/api/tokens").await,
            [role.as_str()]
        );
    }
    let (viewer, admin) = (app.as_role(&org, Role::Viewer), app.as_role(&org, Role::Admin));
    assert_eq!(
        listed(&admin, "/api/tokens?all=true").await,
        ["admin", "developer", "viewer"]
    );
    let page = admin.get("/api/tokens?all=true&limit=2").await;
    let rest = format!("/api/tokens?all=true&cursor={}", page.next_cursor().unwrap());
    assert_eq!(listed(&admin, &rest).await, ["viewer"]);
    viewer
        .get("/api/tokens?all=true")
        .await
        .assert_error(403, "FORBIDDEN", "this needs the admin role");

    viewer
        .delete(&format!("/api/tokens/{}", ids[1]))
        .await
        .assert_error(404, "NOT_FOUND", "personal access token not found");
    let own = format!("/api/tokens/{}", ids[0]);
    viewer.delete(&own).await.assert_status(204);
    viewer.delete(&own).await.assert_status(204);
    admin
        .delete(&format!("/api/tokens/{}", ids[1]))
        .await
        .assert_status(204);
    let statuses = admin.get("/api/tokens?all=true").await.data();
    let status = |index: usize| statuses[index]["status"].clone();
    assert_eq!(
        [status(0), status(1), status(2)],
        [json!("live"), json!("revoked"), json!("revoked")]
    );
    let sql = "SELECT count(*) FROM audit_logs WHERE action = 'personal_token.revoke' AND actor_user_id = $1";
    assert_eq!(app.count(sql, &[&org.viewer.user_id]).await, 1);
    assert_eq!(app.count(sql, &[&org.admin.user_id]).await, 1);
}

#[tokio::test]
async fn a_token_without_the_admin_role_revokes_itself_only() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let person = org.admin.user_id;
    let spec = TokenSpec {
        role: Role::Developer,
        ..TokenSpec::default()
    };
    let (one, raw) = org.insert_token(&app.db, person, &spec).await;
    let (other, other_raw) = org.insert_token(&app.db, person, &spec).await;
    let token = app.client.with_bearer(&raw);
    token.delete(&format!("/api/tokens/{other}")).await.assert_error(
        403,
        "FORBIDDEN",
        "can revoke itself only",
    );
    token
        .delete(&format!("/api/tokens/{one}"))
        .await
        .assert_status(204);
    token
        .get("/api/me")
        .await
        .assert_error(401, "UNAUTHORIZED", "was revoked");
    let admins = app.as_token_of(&org, Role::Admin).await;
    admins
        .delete(&format!("/api/tokens/{other}"))
        .await
        .assert_status(204);
    let other = app.client.with_bearer(&other_raw);
    other.get("/api/me").await.assert_status(401);
}

#[tokio::test]
async fn the_audit_log_names_the_token_that_made_a_change() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let admin = app.as_role(&org, Role::Admin);
    let created = create(&admin, json!({"name": "ci", "role": "admin"})).await;
    let token = app.client.with_bearer(&text(&created["token"]));
    token
        .post("/api/services", json!({"name": "by token"}))
        .await
        .assert_status(201);
    let rows = admin.get("/api/audit").await.data();
    let (by_token, by_session) = (&rows[0], &rows[1]);
    let mut actor =
        json!({"user_id": org.admin.user_id, "email": org.admin.email, "token_id": created["id"]});
    assert_eq!(
        (&by_token["action"], &by_token["actor"]),
        (&json!("service.create"), &actor)
    );
    actor["token_id"] = Value::Null;
    assert_eq!(
        (&by_session["action"], &by_session["actor"]),
        (&json!("personal_token.create"), &actor)
    );
    assert_eq!(by_session["after"]["token_prefix"], created["token_prefix"]);
}

#[tokio::test]
async fn there_are_fifty_live_tokens_per_member_at_most() {
    let app = TestApp::start().await;
    let org = app.org().await;
    for _ in 0..49 {
        org.insert_token(&app.db, org.viewer.user_id, &TokenSpec::default())
            .await;
    }
    let ended = TokenSpec {
        revoked: true,
        ..TokenSpec::default()
    };
    org.insert_token(&app.db, org.viewer.user_id, &ended).await;
    let viewer = app.as_role(&org, Role::Viewer);
    let fiftieth = create(&viewer, json!({"name": "50"})).await;
    viewer
        .post("/api/tokens", json!({"name": "51"}))
        .await
        .assert_error(409, "CONFLICT", "revoke one that is no longer used");
    create(&app.as_role(&org, Role::Admin), json!({"name": "mine"})).await;
    let path = format!("/api/tokens/{}", text(&fiftieth["id"]));
    viewer.call(Method::DELETE, &path, None).await.assert_status(204);
    create(&viewer, json!({"name": "51"})).await;
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let viewer = app.as_role(&org, Role::Viewer);
    for (field, body) in [
        ("name", json!({})),
        ("name", json!({"name": " "})),
        ("role", json!({"name": "n", "role": "owner"})),
        ("expires_in_days", json!({"name": "n", "expires_in_days": 0})),
        ("expires_in_days", json!({"name": "n", "expires_in_days": -1})),
        ("expires_in_days", json!({"name": "n", "expires_in_days": 3651})),
        (
            "expires_in_days",
            json!({"name": "n", "expires_in_days": i64::MAX}),
        ),
        ("user_id", json!({"name": "n", "user_id": org.admin.user_id})),
    ] {
        assert_invalid(&viewer.post("/api/tokens", body).await, field);
    }
    create(&viewer, json!({"name": "n", "expires_in_days": 3650})).await;
    for (field, query) in [("all", "all=maybe"), ("limit", "limit=0"), ("cursor", "cursor=x")] {
        let reply = viewer.get(&format!("/api/tokens?{query}")).await;
        assert_invalid(&reply, field);
    }
}
