//! PostgreSQL away: a clear 503, nothing half done, and everything works once it is back.

use serde_json::json;
use testkit::{Proxy, TestDb, eventually};

use crate::app::{PASSWORD, TestApp};

#[tokio::test]
async fn without_the_database_every_answer_is_a_503_with_a_time_to_retry() {
    let db = TestDb::create().await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_identity")).await;
    let app = TestApp::start_on(db, &url).await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    app.client.get("/readyz").await.assert_status(200);

    proxy.cut();
    let signup = json!({"email": "eve@example.com", "password": PASSWORD, "org_name": "Evil"});
    let replies = [
        ada.client.get("/api/me").await,
        ada.client
            .post("/api/services", json!({"name": "checkout"}))
            .await,
        app.log_in("ada@example.com", PASSWORD).await,
        app.client.post("/api/auth/signup", signup.clone()).await,
    ];
    for reply in replies {
        reply.assert_error(503, "UNAVAILABLE", "try again in");
        assert!(!reply.header("retry-after").is_empty());
    }
    app.client.get("/healthz").await.assert_status(200);
    app.client.get("/readyz").await.assert_status(503);

    proxy.pass();
    eventually(std::time::Duration::from_secs(10), "an answer", async || {
        let reply = ada.client.get("/api/me").await;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(reply.body)
        }
    })
    .await;
    assert_eq!(app.count("SELECT count(*) FROM services", &[]).await, 1);
    app.client
        .post("/api/auth/signup", signup)
        .await
        .assert_status(201);
}

#[tokio::test]
async fn a_service_starts_while_the_database_is_away() {
    let db = TestDb::create().await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_identity")).await;
    proxy.cut();
    let app = TestApp::start_on(db, &url).await;
    app.client.get("/healthz").await.assert_status(200);
    app.client.get("/readyz").await.assert_status(503);
    proxy.pass();
    eventually(std::time::Duration::from_secs(10), "readiness", async || {
        let reply = app.client.get("/readyz").await;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(reply.body)
        }
    })
    .await;
    app.sign_up("ada@example.com", "Acme").await;
}
