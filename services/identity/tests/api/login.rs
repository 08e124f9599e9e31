use serde_json::json;
use testkit::Reply;

use crate::app::{PASSWORD, Person, TestApp, text};

#[tokio::test]
async fn whoever_logs_in_starts_where_they_were_last() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let created = ada
        .client
        .post("/api/orgs", json!({"name": "Second"}))
        .await
        .data();

    let reply = app.log_in("Ada@Example.com", PASSWORD).await;
    reply.assert_status(200);
    assert_eq!(reply.data()["org"], created);
    let again = Person::of(&app, &reply);
    assert_ne!(again.session, ada.session, "a login gets a token of its own");
    assert_eq!(again.client.get("/api/me").await.data()["org"], created);
}

#[tokio::test]
async fn a_login_in_the_same_browser_replaces_the_session_before() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    ada.client.post("/api/auth/login", body).await.assert_status(200);
    ada.client.get("/api/me").await.assert_status(401);
    assert_eq!(app.count("SELECT count(*) FROM sessions", &[]).await, 1);
}

/// Everything of an answer that a caller could tell answers apart by.
fn tellable(reply: &Reply) -> (u16, Vec<String>, String, String) {
    let mut names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let error = reply.body["error"].to_string();
    (
        reply.status,
        names,
        error,
        text(&reply.body["correlation_id"]).len().to_string(),
    )
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_cannot_be_told_apart() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let wrong = app.log_in("ada@example.com", "not the password").await;
    let unknown = app.log_in("eve@example.com", "not the password").await;
    wrong.assert_error(401, "UNAUTHORIZED", "the e-mail or the password is wrong");
    assert_eq!(tellable(&wrong), tellable(&unknown));
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    // In turns, so that a busy moment of the machine meets both.
    for _ in 0..9 {
        for (email, times) in [("ada@example.com", &mut wrong), ("eve@example.com", &mut unknown)] {
            let started = std::time::Instant::now();
            app.log_in(email, "not the password").await.assert_status(401);
            times.push(started.elapsed());
        }
    }
    let median = |times: &mut Vec<std::time::Duration>| {
        times.sort_unstable();
        times[4].as_secs_f64()
    };
    // A skipped hash would be a factor of five; the machine is shared, so the bound is loose.
    let ratio = median(&mut unknown) / median(&mut wrong);
    assert!((0.4..2.5).contains(&ratio), "{unknown:?} against {wrong:?}");
}

#[tokio::test]
async fn a_password_of_an_older_system_works_and_is_hashed_anew() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    // htpasswd -bnBC 5 "" "tangerine lighthouse 41", as PHP ($2y$), Python ($2b$) and old Node ($2a$) mark it.
    for scheme in ["$2a$", "$2b$", "$2y$"] {
        let imported = bcrypt::hash(PASSWORD, 5).unwrap().replacen("$2b$", scheme, 1);
        app.sql("UPDATE users SET password_hash = $1", &[&imported]).await;
        app.log_in("ada@example.com", "not the password")
            .await
            .assert_status(401);
        app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
        let sql = "SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
        assert_eq!(app.count(sql, &[]).await, 1, "{scheme}");
        app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
    }
}

#[tokio::test]
async fn a_weaker_argon2_hash_is_hashed_anew_and_a_current_one_stays() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    // argon2id, 4 MiB, one pass, of PASSWORD.
    let weak = weak_hash();
    app.sql("UPDATE users SET password_hash = $1", &[&weak]).await;
    app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
    let current = stored_hash(&app).await;
    assert!(
        current.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{current}"
    );
    app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
    assert_eq!(stored_hash(&app).await, current);
}

fn weak_hash() -> String {
    use argon2::password_hash::PasswordHasher as _;
    let params = argon2::Params::new(4_096, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    hasher.hash_password(PASSWORD.as_bytes()).unwrap().to_string()
}

async fn stored_hash(app: &TestApp) -> String {
    let owner = app.db.owner().await;
    owner
        .query_one("SELECT password_hash FROM users", &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn an_account_without_a_password_cannot_be_logged_in_to() {
    let app = TestApp::start().await;
    let org = app.org().await;
    for password in ["!", "", "anything at all"] {
        app.log_in(&org.admin.email, password)
            .await
            .assert_error(401, "UNAUTHORIZED", "wrong");
    }
}

#[tokio::test]
async fn the_cookies_are_secure_except_on_loopback() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    for (host, secure) in [
        ("localhost:8080", false),
        ("127.0.0.1", false),
        ("[::1]:8080", false),
        ("sightline.example", true),
        ("localhost.evil.example", true),
    ] {
        let reply = app
            .client
            .with_header("host", host)
            .post(
                "/api/auth/login",
                json!({"email": "ada@example.com", "password": PASSWORD}),
            )
            .await;
        reply.assert_status(200);
        let cookies: Vec<&str> = reply
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|cookie| cookie.to_str().unwrap())
            .collect();
        assert_eq!(cookies.len(), 2);
        for cookie in cookies {
            assert!(
                cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/")
            );
            assert_eq!(cookie.contains("Secure"), secure, "{host}: {cookie}");
        }
    }
}

#[tokio::test]
async fn somebody_without_an_organisation_can_still_log_in() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    app.sql("DELETE FROM org_members", &[]).await;
    let reply = app.log_in("ada@example.com", PASSWORD).await;
    assert_eq!(reply.data()["org"], json!(null));
    let session = reply.cookie("sightline_session").unwrap();
    let client = app.client.with_cookie(&session);
    let me = client.get("/api/me").await.data();
    assert_eq!((&me["org"], &me["orgs"]), (&json!(null), &json!([])));
    client
        .get("/api/services")
        .await
        .assert_error(403, "FORBIDDEN", "no organisation is active");
    client
        .post("/api/auth/logout", json!({}))
        .await
        .assert_status(204);
    client.get("/api/me").await.assert_status(401);
}
