use domain::ids::{ApiKeyId, EnvironmentId};
use domain::role::Role;
use domain::token::TokenHash;
use serde_json::{Value, json};
use testkit::{Fixture, KeySpec};

use crate::app::{TestApp, assert_invalid, text};

fn keys_path(org: &Fixture) -> String {
    format!("/api/services/{}/keys", org.service_id)
}

/// What ingest would be told about a raw key: whether it is known, revoked, expired.
async fn state_of(app: &TestApp, raw: &str) -> Option<(bool, bool)> {
    let row = app
        .db
        .owner()
        .await
        .query_opt(
            "SELECT revoked, expired FROM auth_api_key($1)",
            &[&TokenHash::of(raw).as_bytes()],
        )
        .await
        .unwrap()?;
    Some((row.get("revoked"), row.get("expired")))
}

async fn announced(app: &TestApp, key: &str) -> i64 {
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'key.revoked'
                   AND envelope->'event'->>'type' = 'key_revoked_v1' AND envelope->'event'->>'api_key_id' = $1";
    app.count(sql, &[&key]).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_only_its_hash_is_stored() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let reply = developer
        .post(
            &keys_path(&org),
            json!({"name": "laptop", "environment_id": org.staging}),
        )
        .await;
    reply.assert_status(201);
    assert_eq!(reply.header("cache-control"), "no-store");
    let created = reply.data();
    let raw = text(&created["key"]);
    assert_eq!(raw.len(), 4 + 32 + 6);
    assert_eq!(
        created,
        json!({
            "id": created["id"], "service_id": org.service_id, "environment_id": org.staging, "name": "laptop",
            "key_prefix": &raw[..10], "scopes": ["logs:write", "deployments:write"], "rate_limit_per_minute": null,
            "status": "live", "created_by": org.developer.user_id, "created_at": created["created_at"],
            "expires_at": null, "revoked_at": null, "last_used_at": null, "key": raw,
        })
    );

    let listed = app.as_role(&org, Role::Viewer).get(&keys_path(&org)).await;
    assert!(!listed.body.to_string().contains(&raw));
    let mut seen = created.clone();
    seen.as_object_mut().unwrap().remove("key");
    assert_eq!(listed.data()[0], seen);

    assert_eq!(state_of(&app, &raw).await, Some((false, false)));
    for table in ["api_keys", "audit_logs", "outbox"] {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%' || $1 || '%'");
        assert_eq!(app.count(&sql, &[&&raw[10..]]).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_key_keeps_the_settings_it_was_given() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let body = json!({"name": "ci", "environment_id": org.production, "scopes": ["deployments:write", "deployments:write"],
        "expires_at": "2099-01-01T00:00:00Z", "rate_limit_per_minute": 6000});
    let key = app
        .as_role(&org, Role::Developer)
        .post(&keys_path(&org), body)
        .await
        .data();
    assert_eq!(
        (&key["scopes"], &key["expires_at"], &key["rate_limit_per_minute"]),
        (
            &json!(["deployments:write"]),
            &json!("2099-01-01T00:00:00Z"),
            &json!(6000)
        )
    );
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_by_name() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("a\u{0}b")),
        ("scopes", json!([])),
        ("scopes[0]", json!(["logs:read"])),
        ("expires_at", json!("2001-01-01T00:00:00Z")),
        ("expires_at", json!("tomorrow")),
        ("rate_limit_per_minute", json!(0)),
        ("rate_limit_per_minute", json!(-5)),
        ("rate_limit_per_minute", json!(3_000_000_000_i64)),
        ("environment_id", json!("production")),
        ("limit", json!(5)),
    ] {
        let mut body = json!({"name": "laptop", "environment_id": org.production});
        let name = field.split('[').next().unwrap();
        body[name] = value;
        let reply = developer.post(&keys_path(&org), body).await;
        assert_invalid(&reply, field);
    }
}

#[tokio::test]
async fn a_key_is_for_an_environment_of_its_own_service() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let (_, [sibling, _]) = org.insert_service(&app.db, "checkout").await;
    let developer = app.as_role(&org, Role::Developer);
    for environment in [sibling, other.production, EnvironmentId::generate()] {
        developer
            .post(
                &keys_path(&org),
                json!({"name": "laptop", "environment_id": environment}),
            )
            .await
            .assert_error(404, "NOT_FOUND", "environment not found");
    }
    developer
        .post(
            &keys_path(&other),
            json!({"name": "laptop", "environment_id": other.production}),
        )
        .await
        .assert_error(404, "NOT_FOUND", "service not found");
}

#[tokio::test]
async fn only_an_admin_makes_a_key_that_reaches_beyond_its_environment() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let (developer, admin) = (app.as_role(&org, Role::Developer), app.as_role(&org, Role::Admin));
    for scopes in [
        json!(["logs:write", "logs:route"]),
        json!(["logs:write", "logs:route", "logs:create"]),
    ] {
        let body = json!({"name": "collector", "environment_id": org.production, "scopes": scopes});
        let refused = developer.post(&keys_path(&org), body.clone()).await;
        refused.assert_error(403, "FORBIDDEN", "this needs the admin role");
        let reply = admin.post(&keys_path(&org), body).await;
        reply.assert_status(201);
        let key = reply.data();
        assert_eq!(key["scopes"], scopes);

        let rotate = format!("/api/keys/{}/rotate", text(&key["id"]));
        let refused = developer.post(&rotate, json!({})).await;
        refused.assert_error(403, "FORBIDDEN", "this needs the admin role");
        assert_eq!(state_of(&app, &text(&key["key"])).await, Some((false, false)));
        let rotated = admin.post(&rotate, json!({})).await.data();
        assert_eq!(rotated["scopes"], scopes);
        // Taking one away is no power, and may be urgent.
        let path = format!("/api/keys/{}", text(&rotated["id"]));
        developer.delete(&path).await.assert_status(204);
    }
}

#[tokio::test]
async fn a_scope_that_is_of_no_use_without_another_is_refused_by_name() {
    let app = TestApp::start().await;
    let org = app.org().await;
    for (scopes, missing) in [
        (json!(["logs:route"]), "logs:write"),
        (json!(["deployments:write", "logs:route"]), "logs:write"),
        (json!(["logs:write", "logs:create"]), "logs:route"),
    ] {
        let body = json!({"name": "collector", "environment_id": org.production, "scopes": scopes});
        let reply = app.as_role(&org, Role::Admin).post(&keys_path(&org), body).await;
        assert_invalid(&reply, "scopes");
        assert!(reply.body.to_string().contains(missing), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_revoked_key_is_announced_once_and_stays_revoked() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let id = org.api_key_id().to_string();
    let path = format!("/api/keys/{id}");
    for _ in 0..2 {
        developer.delete(&path).await.assert_status(204);
    }
    assert_eq!(state_of(&app, org.api_key()).await, Some((true, false)));
    assert_eq!(announced(&app, &id).await, 1);
    let audited = "SELECT count(*) FROM audit_logs WHERE action = 'api_key.revoke' AND target_id = $1";
    assert_eq!(app.count(audited, &[&org.api_key_id()]).await, 1);
    let list = developer.get(&keys_path(&org)).await.data();
    assert_eq!(list[0]["status"], "revoked");
}

#[tokio::test]
async fn a_rotated_key_hands_its_settings_on_and_ends() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let body = json!({"name": "ci", "environment_id": org.staging, "scopes": ["deployments:write"],
        "expires_at": "2099-01-01T00:00:00Z", "rate_limit_per_minute": 6000});
    let old = developer.post(&keys_path(&org), body).await.data();
    let path = format!("/api/keys/{}/rotate", text(&old["id"]));
    let reply = developer.call(reqwest::Method::POST, &path, None).await;
    reply.assert_status(201);
    assert_eq!(reply.header("cache-control"), "no-store");
    let new = reply.data();
    for field in ["id", "key", "key_prefix", "created_at"] {
        assert_ne!(new[field], old[field], "{field}");
    }
    let same = |key: &Value| {
        let mut key = key.clone();
        for field in ["id", "key", "key_prefix", "created_at"] {
            key.as_object_mut().unwrap().remove(field);
        }
        key
    };
    assert_eq!(same(&new), same(&old));
    assert_eq!(state_of(&app, &text(&old["key"])).await, Some((true, false)));
    assert_eq!(state_of(&app, &text(&new["key"])).await, Some((false, false)));
    assert_eq!(announced(&app, &text(&old["id"])).await, 1);
    developer
        .post(&path, json!({}))
        .await
        .assert_error(409, "CONFLICT", "create a new one instead");
}

#[tokio::test]
async fn a_rotated_key_may_live_on_for_a_while() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/keys/{}/rotate", org.api_key_id());
    for grace in [json!(-1), json!(2_592_001), json!("an hour")] {
        let reply = developer.post(&path, json!({"grace_seconds": grace})).await;
        assert_invalid(&reply, "grace_seconds");
    }
    let new = developer.post(&path, json!({"grace_seconds": 3600})).await.data();
    assert_eq!(
        new["expires_at"],
        json!(null),
        "the new key is as the old one was"
    );
    assert_eq!(state_of(&app, org.api_key()).await, Some((false, false)));
    let left =
        "SELECT round(extract(epoch FROM expires_at - now()) / 60)::bigint FROM api_keys WHERE id = $1";
    assert_eq!(app.count(left, &[&org.api_key_id()]).await, 60);
    assert_eq!(announced(&app, &org.api_key_id().to_string()).await, 1);
}

#[tokio::test]
async fn a_grace_period_never_makes_a_key_live_longer() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let spec = KeySpec {
        expires_in: Some(time::Duration::minutes(5)),
        ..KeySpec::default()
    };
    let (id, _raw) = org.insert_key(&app.db, &spec).await;
    app.as_role(&org, Role::Developer)
        .post(
            &format!("/api/keys/{id}/rotate"),
            json!({"grace_seconds": 86_400}),
        )
        .await
        .assert_status(201);
    let soon = "SELECT count(*) FROM api_keys WHERE id = $1 AND expires_at <= now() + interval '5 minutes'";
    assert_eq!(app.count(soon, &[&id]).await, 1);
}

#[tokio::test]
async fn an_expired_key_is_shown_as_such_and_cannot_be_rotated() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let spec = KeySpec {
        expires_in: Some(time::Duration::minutes(-1)),
        ..KeySpec::default()
    };
    let (id, _raw) = org.insert_key(&app.db, &spec).await;
    let developer = app.as_role(&org, Role::Developer);
    let list = developer.get(&keys_path(&org)).await.data();
    assert_eq!(
        (&list[0]["id"], &list[0]["status"]),
        (&json!(id), &json!("expired"))
    );
    developer
        .post(&format!("/api/keys/{id}/rotate"), json!({}))
        .await
        .assert_error(409, "CONFLICT", "has ended already");
}

#[tokio::test]
async fn of_two_rotations_at_the_same_moment_one_makes_a_key() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/keys/{}/rotate", org.api_key_id());
    let (left, right) = tokio::join!(developer.post(&path, json!({})), developer.post(&path, json!({})));
    let mut statuses = [left.status, right.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(app.count("SELECT count(*) FROM api_keys", &[]).await, 2);
}

#[tokio::test]
async fn another_organisations_key_is_not_found() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let admin = app.as_role(&org, Role::Admin);
    for id in [other.api_key_id(), ApiKeyId::generate()] {
        admin
            .delete(&format!("/api/keys/{id}"))
            .await
            .assert_error(404, "NOT_FOUND", "API key not found");
        admin
            .post(&format!("/api/keys/{id}/rotate"), json!({}))
            .await
            .assert_status(404);
    }
    admin.get(&keys_path(&other)).await.assert_status(404);
    assert_eq!(state_of(&app, other.api_key()).await, Some((false, false)));
}
