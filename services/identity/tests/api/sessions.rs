use domain::role::Role;
use serde_json::json;

use crate::app::{PASSWORD, Person, TestApp, text};

#[tokio::test]
async fn logging_out_ends_the_session_and_clears_the_cookie() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let reply = ada
        .client
        .call(reqwest::Method::POST, "/api/auth/logout", None)
        .await;
    reply.assert_status(204);
    assert_eq!(reply.cookie("sightline_session").unwrap(), "");
    assert!(reply.header("set-cookie").contains("Max-Age=0"));
    ada.client
        .get("/api/me")
        .await
        .assert_error(401, "UNAUTHORIZED", "log in again");
    assert_eq!(app.count("SELECT count(*) FROM sessions", &[]).await, 0);
}

#[tokio::test]
async fn a_session_that_was_idle_for_a_day_or_lasted_a_week_is_over() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let status = || async { ada.client.get("/api/me").await.status };
    let moved = "UPDATE sessions SET last_seen_at = now() - $1::text::interval";
    app.sql(moved, &[&"23 hours 59 minutes"]).await;
    assert_eq!(status().await, 200);
    app.sql(moved, &[&"24 hours 1 minute"]).await;
    assert_eq!(status().await, 401);

    app.sql("UPDATE sessions SET last_seen_at = now()", &[]).await;
    assert_eq!(status().await, 200);
    let left = "SELECT (extract(epoch FROM expires_at - now()) / 3600)::bigint FROM sessions";
    assert_eq!(app.count(left, &[]).await, 7 * 24);
    app.sql("UPDATE sessions SET expires_at = now()", &[]).await;
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn using_a_session_keeps_it_from_being_idle() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    app.sql(
        "UPDATE sessions SET last_seen_at = now() - interval '20 hours'",
        &[],
    )
    .await;
    ada.client.get("/api/me").await.assert_status(200);
    let fresh = "SELECT count(*) FROM sessions WHERE last_seen_at > now() - interval '1 minute'";
    assert_eq!(app.count(fresh, &[]).await, 1);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_only() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let phone = app
        .client
        .with_header("user-agent", "Phone/1.0")
        .post("/api/auth/login", body)
        .await;
    let phone = Person::of(&app, &phone);
    let eve = app.sign_up("eve@example.com", "Evil").await;

    let list = ada.client.get("/api/sessions").await;
    assert_eq!(list.next_cursor(), None);
    let list = list.data();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(
        (&list[0]["user_agent"], &list[0]["current"]),
        (&json!("Phone/1.0"), &json!(false))
    );
    assert_eq!(list[1]["current"], json!(true));
    assert_eq!(list[1]["ip"], json!("127.0.0.1"));
    let mut fields: Vec<_> = list[0].as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "created_at",
            "current",
            "expires_at",
            "id",
            "ip",
            "last_seen_at",
            "user_agent"
        ]
    );

    let path = format!("/api/sessions/{}", text(&list[0]["id"]));
    eve.client
        .delete(&path)
        .await
        .assert_error(404, "NOT_FOUND", "session not found");
    phone.client.get("/api/me").await.assert_status(200);
    ada.client.delete(&path).await.assert_status(204);
    phone.client.get("/api/me").await.assert_status(401);
    ada.client.delete(&path).await.assert_status(404);
}

#[tokio::test]
async fn all_other_sessions_end_at_once() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(Person::of(&app, &app.log_in("ada@example.com", PASSWORD).await));
    }
    assert_eq!(
        ada.client.delete("/api/sessions").await.data(),
        json!({"ended": 3})
    );
    ada.client.get("/api/me").await.assert_status(200);
    for other in others {
        other.client.get("/api/me").await.assert_status(401);
    }
}

#[tokio::test]
async fn ending_the_current_session_is_a_logout() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let id = text(&ada.client.get("/api/sessions").await.data()[0]["id"]);
    let reply = ada.client.delete(&format!("/api/sessions/{id}")).await;
    reply.assert_status(204);
    assert_eq!(reply.cookie("sightline_session").unwrap(), "");
    ada.client.get("/api/me").await.assert_status(401);
}

#[tokio::test]
async fn the_hundred_and_first_session_ends_the_oldest() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let sql = "INSERT INTO sessions (id, user_id, session_token_hash, expires_at)
               SELECT gen_random_uuid(), u.id, sha256(n::text::bytea), now() + interval '1 day'
               FROM users u, generate_series(1, 99) n";
    app.sql(sql, &[]).await;
    app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
    assert_eq!(app.count("SELECT count(*) FROM sessions", &[]).await, 100);
    ada.client.get("/api/me").await.assert_status(401);
}

#[tokio::test]
async fn long_lists_of_sessions_come_in_pages() {
    let app = TestApp::start().await;
    let org = app.org().await;
    let sql = "INSERT INTO sessions (id, user_id, session_token_hash, expires_at, created_at)
               SELECT gen_random_uuid(), $1, sha256(n::text::bytea), now() + interval '1 day', now() - interval '1 hour'
               FROM generate_series(1, 6) n";
    app.sql(sql, &[&org.viewer.user_id]).await;
    let viewer = app.as_role(&org, Role::Viewer);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = viewer.get(&format!("/api/sessions?limit=3{cursor}")).await;
        seen.extend(page.data().as_array().unwrap().iter().map(|one| text(&one["id"])));
        match page.next_cursor() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let distinct: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (7, 7));
}
