//! The database away, a tenant with a rule that blocks, a stop in the middle of a delivery.

use std::time::{Duration, Instant};

use domain::level::Level;
use serde_json::json;
use testkit::{Answer, Fixture, Proxy, Receiver, TestDb, eventually};

use crate::test_app::{Replica, SOON, TestApp};

#[tokio::test]
async fn while_the_database_is_away_requests_are_put_off_and_afterwards_all_goes_on() {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_alerting")).await;
    let replica = Replica::start_on(&url, &[("--sweep-interval", "0.2")]).await;
    let app = TestApp { db, org, replica };
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    app.error_rule(json!({})).await;
    proxy.cut();
    app.errors(5).await;
    let put_off = app.developer().get("/api/incidents").await;
    put_off.assert_error(503, "UNAVAILABLE", "");
    assert!(!put_off.header("retry-after").is_empty());
    app.replica.client().get("/readyz").await.assert_status(503);
    app.replica.client().get("/healthz").await.assert_status(200);
    proxy.pass();
    receiver.wait_for(1, SOON).await;
    app.replica.client().get("/readyz").await.assert_status(200);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn an_answer_that_came_while_the_database_was_away_is_not_forgotten() {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_alerting")).await;
    let replica = Replica::start_on(&url, &[]).await;
    let app = TestApp { db, org, replica };
    let receiver = Receiver::slack().await;
    receiver.answer_next([Answer::Late(Duration::from_secs(1), Box::new(Answer::Usual))]);
    app.slack("ops", &receiver).await;
    app.open("outage").await;
    receiver.wait_for(1, SOON).await;
    proxy.cut();
    eventually(SOON, "the answer", async || {
        receiver.received()[0].status.ok_or("none yet")
    })
    .await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    proxy.pass();
    app.notification_becomes("sent").await;
    assert_eq!(receiver.received().len(), 1, "told once");
}

#[tokio::test]
async fn a_rule_that_blocks_costs_no_other_tenant_its_turn() {
    let app = TestApp::start().await;
    let blocked = app.error_rule(json!({"name": "blocked"})).await;
    app.errors(5).await;
    let quiet = Fixture::org(&app.db).await;
    let developer = app
        .replica
        .client()
        .with_cookie(quiet.cookie(domain::role::Role::Developer));
    let wanted = json!({
        "name": "errors",
        "type": "error_count",
        "params": {"threshold": 5, "window_seconds": 10},
        "severity": "low",
    });
    developer.post("/api/alerts", wanted).await.assert_status(201);
    let ingest = app.db.db("sightline_ingest");
    let conn = ingest.conn("test").await.unwrap();
    let sql = "SELECT add_log_counts(1, ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY[$3::uuid],
        ARRAY[date_trunc('minute', now())], ARRAY[$4::smallint], ARRAY[5::bigint])";
    let level = Level::Error.code();
    conn.execute(
        sql,
        &[&quiet.org_id, &quiet.service_id, &quiet.production, &level],
    )
    .await
    .unwrap();
    // Somebody holds the first tenant's rule.
    let mut holder = app.db.owner().await;
    let transaction = holder.transaction().await.unwrap();
    transaction
        .batch_execute("SELECT FROM alert_rules WHERE name = 'blocked' FOR UPDATE")
        .await
        .unwrap();
    let started = Instant::now();
    let swept = app.sweep().await;
    assert_eq!((&swept["failed"], &swept["opened"]), (&json!(1), &json!(1)));
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
    transaction.rollback().await.unwrap();
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 1, "its turn comes again");
    let shown = app
        .developer()
        .get(&format!("/api/alerts/{blocked}"))
        .await
        .data();
    assert_eq!(shown["last_error"], json!(null));
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_finishes_the_delivery_under_way() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    receiver.answer_next([Answer::Late(Duration::from_secs(2), Box::new(Answer::Usual))]);
    app.slack("ops", &receiver).await;
    app.open("outage").await;
    receiver.wait_for(1, SOON).await;
    let TestApp { db, org, replica } = app;
    replica.stop().await;
    let row = db
        .owner()
        .await
        .query_one("SELECT state FROM notification_jobs", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), "sent");
    drop(org);
    assert_eq!(receiver.received().len(), 1);
}
