use domain::ids::ServiceId;
use domain::role::Role;
use serde_json::json;

use crate::app::{TestApp, assert_invalid, text};

#[tokio::test]
async fn a_service_is_made_with_production_and_staging() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let body = json!({"name": " checkout ", "description": "Takes\nmoney", "retention_days": 7,
        "repo_url": "https://github.com/acme/checkout"});
    let reply = developer.post("/api/services", body).await;
    reply.assert_status(201);
    let service = reply.data();
    assert_eq!(
        service,
        json!({
            "id": service["id"], "name": "checkout", "description": "Takes\nmoney", "retention_days": 7,
            "repo_url": "https://github.com/acme/checkout", "created_at": service["created_at"],
            "environments": service["environments"],
        })
    );
    let names: Vec<_> = service["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["name"]))
        .collect();
    assert_eq!(names, ["production", "staging"]);
    let path = format!("/api/services/{}", text(&service["id"]));
    assert_eq!(app.as_role(&org, Role::Viewer).get(&path).await.data(), service);
}

#[tokio::test]
async fn a_name_belongs_to_one_service_of_the_organisation() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let developer = app.as_role(&org, Role::Developer);
    developer
        .post("/api/services", json!({"name": "checkout"}))
        .await
        .assert_status(201);
    developer
        .post("/api/services", json!({"name": "checkout"}))
        .await
        .assert_error(409, "CONFLICT", "choose another name");
    let path = format!("/api/services/{}", org.service_id);
    developer
        .patch(&path, json!({"name": "checkout"}))
        .await
        .assert_error(409, "CONFLICT", "choose another name");
    app.as_role(&other, Role::Developer)
        .post("/api/services", json!({"name": "checkout"}))
        .await
        .assert_status(201);
}

#[tokio::test]
async fn a_change_touches_only_what_it_names() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/services/{}", org.service_id);
    let all =
        json!({"name": "web", "description": "d", "repo_url": "https://example.com/r", "retention_days": 90});
    let changed = developer.patch(&path, all).await.data();
    assert_eq!(
        changed,
        json!({"id": org.service_id, "name": "web", "description": "d", "repo_url": "https://example.com/r",
            "retention_days": 90, "created_at": changed["created_at"]})
    );
    let unchanged = developer.patch(&path, json!({})).await.data();
    assert_eq!(unchanged, changed);
    let cleared = developer.patch(&path, json!({"repo_url": null})).await.data();
    assert_eq!(
        (&cleared["repo_url"], &cleared["name"]),
        (&json!(null), &json!("web"))
    );
}

#[tokio::test]
async fn retention_is_between_a_day_and_ten_years() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/services/{}", org.service_id);
    for days in [
        json!(0),
        json!(-1),
        json!(3651),
        json!(1e9),
        json!("30"),
        json!(1.5),
    ] {
        let reply = developer.patch(&path, json!({"retention_days": days})).await;
        assert_invalid(&reply, "retention_days");
    }
    for days in [1, 3650] {
        let changed = developer
            .patch(&path, json!({"retention_days": days}))
            .await
            .data();
        assert_eq!(changed["retention_days"], days);
    }
}

#[tokio::test]
async fn a_changed_retention_is_announced_to_whoever_caches_the_keys() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/services/{}", org.service_id);
    developer
        .patch(&path, json!({"description": "new"}))
        .await
        .assert_status(200);
    assert_eq!(app.count("SELECT count(*) FROM outbox", &[]).await, 0);
    developer
        .patch(&path, json!({"retention_days": 1}))
        .await
        .assert_status(200);
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'key.revoked'
                   AND envelope->'event'->>'api_key_id' = $1::uuid::text";
    assert_eq!(app.count(sql, &[&org.api_key_id()]).await, 1);
}

#[tokio::test]
async fn deleting_a_service_takes_its_environments_and_ends_its_keys() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/services/{}", org.service_id);
    developer.delete(&path).await.assert_status(204);
    developer
        .get(&path)
        .await
        .assert_error(404, "NOT_FOUND", "service not found");
    developer.delete(&path).await.assert_status(404);
    for table in ["services", "environments", "api_keys"] {
        assert_eq!(
            app.count(&format!("SELECT count(*) FROM {table}"), &[]).await,
            0,
            "{table}"
        );
    }
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'key.revoked'
                   AND envelope->'event'->>'api_key_id' = $1::uuid::text";
    assert_eq!(app.count(sql, &[&org.api_key_id()]).await, 1);
}

#[tokio::test]
async fn services_come_in_pages_oldest_first() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    for number in 1..=6 {
        developer
            .post("/api/services", json!({"name": format!("s{number}")}))
            .await
            .assert_status(201);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = developer.get(&format!("/api/services?limit=3{cursor}")).await;
        names.extend(
            page.data()
                .as_array()
                .unwrap()
                .iter()
                .map(|one| text(&one["name"])),
        );
        match page.next_cursor() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["default", "s1", "s2", "s3", "s4", "s5", "s6"]);
}

#[tokio::test]
async fn an_environment_is_added_once() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let developer = app.as_role(&org, Role::Developer);
    let path = format!("/api/services/{}/environments", org.service_id);
    let reply = developer.post(&path, json!({"name": "canary"})).await;
    reply.assert_status(201);
    let canary = reply.data();
    assert_eq!(
        canary,
        json!({"id": canary["id"], "service_id": org.service_id, "name": "canary",
            "created_at": canary["created_at"]})
    );
    developer
        .post(&path, json!({"name": "canary"}))
        .await
        .assert_error(409, "CONFLICT", "choose another name");
    let list = developer.get(&path).await.data();
    assert_eq!(list.as_array().unwrap().len(), 3);
    assert_eq!(list[2], canary);
}

#[tokio::test]
async fn the_number_of_environments_is_bounded() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let sql = "INSERT INTO environments (org_id, id, service_id, name)
               SELECT $1, gen_random_uuid(), $2, 'e' || n FROM generate_series(1, 98) n";
    app.sql(sql, &[&org.org_id, &org.service_id]).await;
    let path = format!("/api/services/{}/environments", org.service_id);
    app.as_role(&org, Role::Developer)
        .post(&path, json!({"name": "canary"}))
        .await
        .assert_error(409, "CONFLICT", "100 environments in one service");
}

#[tokio::test]
async fn another_organisations_service_is_not_found() {
    let app = TestApp::start().await;
    let (org, other) = (app.org().await, app.org().await);
    let admin = app.as_role(&org, Role::Admin);
    for id in [other.service_id, ServiceId::generate()] {
        let path = format!("/api/services/{id}");
        admin
            .get(&path)
            .await
            .assert_error(404, "NOT_FOUND", "service not found");
        admin
            .patch(&path, json!({"name": "mine"}))
            .await
            .assert_status(404);
        admin.delete(&path).await.assert_status(404);
        let environments = format!("{path}/environments");
        admin.get(&environments).await.assert_status(404);
        admin
            .post(&environments, json!({"name": "mine"}))
            .await
            .assert_status(404);
    }
    assert_eq!(app.count("SELECT count(*) FROM services", &[]).await, 2);
}
