//! Parts that are down, slow or full.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Proxy, eventually};
use tokio_postgres::Client as Owner;

use crate::test_app::TestApp;
use crate::upstream::Upstream;

#[tokio::test]
async fn a_part_that_is_down_is_named_and_the_others_work() {
    let app = TestApp::start().await;
    app.anyone().get("/api/alerts").await.assert_status(200);
    app.alerting.stop().await;
    let reply = app.anyone().get("/api/alerts").await;
    reply.assert_error(503, "UNAVAILABLE", "alerting is not available");
    assert_eq!(reply.header("retry-after"), "2");
    let (org, viewer) = app.org().await;
    app.anyone().get("/api/me").await.assert_status(200);
    viewer.get("/api/logs/query").await.assert_status(200);
    drop(org);
}

#[tokio::test]
async fn a_part_that_never_ran_is_named_too() {
    let app = TestApp::start_with(&[("--identity-url", "http://127.0.0.1:1")]).await;
    let reply = app.anyone().post("/api/auth/login", json!({"email": "a"})).await;
    reply.assert_error(503, "UNAVAILABLE", "identity is not available");
}

#[tokio::test]
async fn a_slow_part_is_given_up_and_its_neighbours_are_not_held_up() {
    let app = TestApp::start_with(&[("--upstream-timeout-ms", "300")]).await;
    let asked = Instant::now();
    let hang = app.anyone();
    let (slow, quick) = tokio::join!(hang.get("/api/me/hang"), hang.get("/api/alerts"));
    quick.assert_status(200);
    slow.assert_error(503, "UNAVAILABLE", "identity did not answer within");
    assert!(asked.elapsed() >= Duration::from_millis(300));
    app.anyone().get("/api/me").await.assert_status(200);
}

#[tokio::test]
async fn a_part_that_takes_no_bytes_is_given_up() {
    let upstream = Upstream::start("ingest").await;
    let (proxy, url) = Proxy::in_front_of(&upstream.base).await;
    let app = TestApp::start_with(&[("--upstream-timeout-ms", "300"), ("--ingest-url", &url)]).await;
    proxy.blackhole();
    let body = vec![b'x'; 20_000_000];
    let reply = app
        .anyone()
        .post_bytes("/api/v1/logs/ingest", "text/plain", body)
        .await;
    reply.assert_error(503, "UNAVAILABLE", "ingest did not answer");
    proxy.pass();
    app.anyone().get("/api/v1/logs/ingest").await.assert_status(200);
}

#[tokio::test]
async fn a_connection_that_is_cut_is_a_503() {
    let upstream = Upstream::start("identity").await;
    let (proxy, url) = Proxy::in_front_of(&upstream.base).await;
    let app = TestApp::start_with(&[("--identity-url", &url)]).await;
    app.anyone().get("/api/me").await.assert_status(200);
    let hanging = app.anyone();
    let hanging = tokio::spawn(async move { hanging.get("/api/me/hang").await });
    eventually(Duration::from_secs(10), "the request to arrive", async || {
        if upstream.seen().len() == 2 {
            Ok(())
        } else {
            Err(upstream.seen().len())
        }
    })
    .await;
    proxy.cut();
    hanging
        .await
        .unwrap()
        .assert_error(503, "UNAVAILABLE", "identity is not available");
    proxy.pass();
    app.anyone().get("/api/me").await.assert_status(200);
}

#[tokio::test]
async fn without_a_database_searches_say_so_and_forwarding_goes_on() {
    let app = TestApp::start().await;
    let (_org, viewer) = app.org().await;
    let dead =
        TestApp::start_with(&[("--database-url", "postgres://sightline_query:x@127.0.0.1:1/none")]).await;
    let reply = viewer.at(&dead.base).get("/api/logs/query").await;
    reply.assert_error(503, "UNAVAILABLE", "try again");
    assert_eq!(reply.header("retry-after"), "1");
    dead.anyone().get("/api/me").await.assert_status(200);
    dead.anyone().get("/healthz").await.assert_status(200);
    dead.anyone().get("/readyz").await.assert_status(503);
}

/// Waits until a search waits for a lock.
async fn a_search_waits(owner: &Owner) {
    eventually(
        Duration::from_secs(10),
        "a search to wait for the lock",
        async || {
            let sql = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting: i64 = owner.query_one(sql, &[]).await.unwrap().get(0);
            if waiting > 0 { Ok(()) } else { Err(waiting) }
        },
    )
    .await;
}

#[tokio::test]
async fn an_organisation_that_searches_too_much_holds_up_only_itself() {
    let app = TestApp::start_with(&[("--searches-per-org", "1"), ("--search-wait-ms", "50")]).await;
    let (_, busy) = app.org().await;
    let (_, quiet) = app.org().await;
    let mut locker = app.db.owner().await;
    let lock = locker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE logs IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let held = busy.clone();
    let held = tokio::spawn(async move { held.get("/api/logs/query").await });
    a_search_waits(&app.db.owner().await).await;

    let refused = busy.get("/api/logs/query").await;
    refused.assert_error(429, "RATE_LIMITED", "1 searches running");
    assert_eq!(refused.header("retry-after"), "1");
    quiet.get("/api/logs/histogram").await.assert_status(200);

    lock.rollback().await.unwrap();
    // The lock may have been held for longer than the search waits for one.
    let held = held.await.unwrap();
    assert!([200, 503].contains(&held.status), "{held:?}");
    busy.get("/api/logs/query").await.assert_status(200);
}
