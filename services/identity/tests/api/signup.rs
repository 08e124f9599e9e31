use serde_json::json;

use crate::app::{PASSWORD, Person, TestApp, assert_invalid, text};

#[tokio::test]
async fn a_newcomer_gets_an_organisation_a_service_and_a_key_in_three_calls() {
    let app = TestApp::start().await;
    let body = json!({"email": "Ada@Example.com", "password": PASSWORD, "name": "Ada", "org_name": "Acme"});
    let reply = app.client.post("/api/auth/signup", body).await;
    reply.assert_status(201);
    let data = reply.data();
    assert_eq!(
        data,
        json!({
            "user": {"id": data["user"]["id"], "email": "ada@example.com", "name": "Ada"},
            "org": {"id": data["org"]["id"], "name": "Acme", "role": "admin"},
        })
    );
    assert_eq!(reply.header("cache-control"), "no-store");

    let ada = Person::of(&app, &reply);
    let me = ada.client.get("/api/me").await.data();
    assert_eq!(
        me,
        json!({"user": data["user"], "org": data["org"], "orgs": [data["org"]]})
    );

    let services = ada.client.get("/api/services").await;
    assert_eq!(services.next_cursor(), None);
    let services = services.data();
    assert_eq!(services.as_array().unwrap().len(), 1);
    assert_eq!(
        (&services[0]["name"], &services[0]["retention_days"]),
        (&json!("default"), &json!(30))
    );
    let id = text(&services[0]["id"]);
    let environments = ada
        .client
        .get(&format!("/api/services/{id}/environments"))
        .await
        .data();
    let names: Vec<_> = environments
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["name"]))
        .collect();
    assert_eq!(names, ["production", "staging"]);

    let key = ada.create_key("laptop").await;
    assert!(text(&key["key"]).starts_with("slk_"));
}

#[tokio::test]
async fn a_name_that_was_not_given_is_taken_from_the_address() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada.lovelace@example.com", "Acme").await;
    let me = ada.client.get("/api/me").await.data();
    assert_eq!(me["user"]["name"], "ada.lovelace");
}

#[tokio::test]
async fn an_address_has_one_account_whatever_its_case() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let body = json!({"email": "ADA@example.com", "password": PASSWORD, "org_name": "Other"});
    let reply = app.client.post("/api/auth/signup", body).await;
    reply.assert_error(409, "CONFLICT", "log in instead");
    assert_eq!(reply.cookie("sightline_session"), None);
    // Nothing of the refused signup is left.
    assert_eq!(app.count("SELECT count(*) FROM orgs", &[]).await, 1);
}

#[tokio::test]
async fn of_signups_at_the_same_moment_exactly_one_succeeds() {
    let app = TestApp::start().await;
    let attempts = (0..6).map(|number| {
        let body =
            json!({"email": "ada@example.com", "password": PASSWORD, "org_name": format!("Org {number}")});
        let client = app.client.clone();
        async move { client.post("/api/auth/signup", body).await.status }
    });
    let statuses = futures_util::future::join_all(attempts).await;
    let created = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(created, 1, "{statuses:?}");
    // On a busy machine, waiting for the other one's commit may take too long: that is a 503.
    assert!(
        statuses.iter().all(|status| matches!(status, 201 | 409 | 503)),
        "{statuses:?}"
    );
    assert_eq!(app.count("SELECT count(*) FROM users", &[]).await, 1);
    assert_eq!(app.count("SELECT count(*) FROM orgs", &[]).await, 1);
}

#[tokio::test]
async fn a_password_that_guessers_try_first_is_refused_by_name() {
    let app = TestApp::start().await;
    for password in ["short", "password123", "Ada@example.com", "nul \0 inside it"] {
        let body = json!({"email": "ada@example.com", "password": password, "org_name": "Acme"});
        let reply = app.client.post("/api/auth/signup", body).await;
        assert_invalid(&reply, "password");
    }
    assert_eq!(app.count("SELECT count(*) FROM users", &[]).await, 0);
}

#[tokio::test]
async fn neither_password_nor_session_is_stored_readable() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let row = app
        .db
        .owner()
        .await
        .query_one(
            "SELECT to_jsonb(u) AS u, to_jsonb(s) AS s FROM users u, sessions s",
            &[],
        )
        .await
        .unwrap();
    let (user, session): (serde_json::Value, serde_json::Value) = (row.get("u"), row.get("s"));
    assert!(text(&user["password_hash"]).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let stored = format!("{user}{session}");
    assert!(!stored.contains(PASSWORD) && !stored.contains(&ada.session));
}

#[tokio::test]
async fn taken_addresses_cannot_be_listed_by_signing_up_again_and_again() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    // As if 99 attempts of this address had failed.
    let attempt = || async {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "org_name": "Other"});
        app.client.post("/api/auth/signup", body).await
    };
    attempt().await.assert_status(409);
    assert_eq!(app.sql("UPDATE login_throttle SET failures = 99", &[]).await, 1);
    attempt().await.assert_status(409);
    let reply = attempt().await;
    reply.assert_error(429, "RATE_LIMITED", "try again in");
    assert_eq!(reply.header("retry-after"), "30");
}
