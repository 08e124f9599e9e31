//! `Idempotency-Key`: a batch that is sent again is stored once.

use std::time::Duration;

use serde_json::json;
use testkit::{Client, Fixture, KeySpec, Proxy, Reply, TestDb, eventually};

use crate::test_app::{INGEST, Replica, TestApp, described, gzip, logs, send, zstd};

fn keyed(client: &Client, key: &str) -> Client {
    client.with_header("Idempotency-Key", key)
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let app = TestApp::start().await;
    let other = app.another(&[]).await;
    let body = json!({"logs": [{"message": "good"}, {"message": "bad", "level": "loud"}]});
    let first = keyed(&app.sender(), "batch 1").post(INGEST, body.clone()).await;
    let data = first.data();
    assert_eq!(
        (&data["accepted"], data["rejected"].as_array().unwrap().len()),
        (&json!(1), 1)
    );
    assert!(data["receipt_id"].is_string());
    for base in [&app.replica.base, &other.base] {
        let again = keyed(&app.sender().at(base), "batch 1")
            .post(INGEST, body.clone())
            .await;
        assert_eq!(again.data(), data);
    }
    assert_eq!(app.count("good").await, 1);
    let another = keyed(&app.sender(), "batch 2").post(INGEST, body).await;
    assert_ne!(another.data()["receipt_id"], data["receipt_id"]);
    assert_eq!(app.count("good").await, 2);
}

#[tokio::test]
async fn a_receipt_can_be_asked_for_again_within_the_organisation() {
    let app = TestApp::start().await;
    let body = json!({"logs": [{"message": "good"}, {"message": "bad", "level": "loud"}]});
    let data = keyed(&app.sender(), "batch 1").post(INGEST, body).await.data();
    let path = format!("/api/v1/receipts/{}", data["receipt_id"].as_str().unwrap());
    let receipt = app.sender().get(&path).await.data();
    assert_eq!(
        (&receipt["accepted"], &receipt["rejected"]),
        (&data["accepted"], &data["rejected"])
    );
    assert!(receipt["stored_at"].is_string());

    let other = Fixture::org(&app.db).await;
    let stranger = app.replica.client().with_api_key(other.api_key());
    let unknown = format!("/api/v1/receipts/{}", uuid::Uuid::new_v4());
    for reply in [stranger.get(&path).await, app.sender().get(&unknown).await] {
        reply.assert_error(404, "NOT_FOUND", "receipt not found");
    }
    app.sender()
        .get("/api/v1/receipts/mine")
        .await
        .assert_error(404, "NOT_FOUND", "");
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict() {
    let app = TestApp::start().await;
    let sender = keyed(&app.sender(), "k");
    sender.post(INGEST, logs(&["a"])).await.assert_status(200);
    sender
        .post(INGEST, logs(&["b"]))
        .await
        .assert_error(409, "CONFLICT", "another body");
    assert_eq!(app.count("b").await, 0);
}

#[tokio::test]
async fn a_retry_may_be_compressed_otherwise() {
    let app = TestApp::start().await;
    let body = logs(&["a"]).to_string();
    let sender = keyed(&app.sender(), "k");
    let mut receipts = Vec::new();
    for (encoding, bytes) in [
        ("identity", body.clone().into_bytes()),
        ("gzip", gzip(body.as_bytes())),
        ("zstd", zstd(body.as_bytes())),
    ] {
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", encoding),
        ];
        receipts.push(send(&sender, &headers, bytes).await.data());
    }
    assert!(receipts.iter().all(|receipt| *receipt == receipts[0]));
    assert_eq!(app.count("a").await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_api_key() {
    let app = TestApp::start().await;
    let (_, other) = app.org.insert_key(&app.db, &KeySpec::default()).await;
    for raw in [app.org.api_key(), &other] {
        let sender = keyed(&app.replica.client().with_api_key(raw), "k");
        sender.post(INGEST, logs(&[raw])).await.assert_status(200);
    }
    assert_eq!(app.total().await, 2);
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let app = TestApp::start().await;
    for key in ["", "k".repeat(201).as_str(), "schlüssel"] {
        keyed(&app.sender(), key)
            .post(INGEST, logs(&["a"]))
            .await
            .assert_error(400, "VALIDATION_ERROR", "Idempotency-Key");
    }
    assert_eq!(app.total().await, 0);
}

#[tokio::test]
async fn a_request_of_which_nothing_was_stored_may_be_mended_under_its_key() {
    let app = TestApp::start().await;
    let sender = keyed(&app.sender(), "k");
    sender
        .post(INGEST, json!({"level": "info"}))
        .await
        .assert_status(400);
    sender.post(INGEST, logs(&["mended"])).await.assert_status(200);
    assert_eq!(app.count("mended").await, 1);
}

#[tokio::test]
async fn duplicates_at_the_same_time_are_stored_once() {
    let app = TestApp::start().await;
    let other = app.another(&[]).await;
    let mut sending = tokio::task::JoinSet::new();
    for copy in 0..12 {
        let base = if copy % 2 == 0 {
            &app.replica.base
        } else {
            &other.base
        };
        let sender = keyed(&app.sender().at(base), "k");
        sending.spawn(async move { sender.post(INGEST, logs(&["once"])).await.data() });
    }
    let receipts = sending.join_all().await;
    assert!(
        receipts.iter().all(|receipt| *receipt == receipts[0]),
        "{receipts:?}"
    );
    assert_eq!(app.count("once").await, 1);
}

/// The database commits, and its answer gets lost: the sender is told that it cannot be known, and sends again.
#[tokio::test]
async fn a_retry_after_an_unknown_outcome_is_stored_once() {
    let db = TestDb::create().await;
    let org = testkit::Fixture::org(&db).await;
    let owner = db.owner().await;
    owner
        .batch_execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                 $$BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END$$;
             CREATE TRIGGER dawdle AFTER INSERT ON log_arrivals EXECUTE FUNCTION dawdle();",
        )
        .await
        .unwrap();
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_ingest")).await;
    let replica = Replica::start(&url, &[]).await;
    let app = TestApp { db, org, replica };
    let sender = keyed(&app.sender(), "k");
    let warm_up = eventually(Duration::from_secs(10), "a first success", async || {
        let reply = app.sender().post(INGEST, logs(&["warm up"])).await;
        if reply.is_success() {
            Ok(reply)
        } else {
            Err(described(reply))
        }
    });
    warm_up.await;

    let sending = tokio::spawn({
        let sender = sender.clone();
        async move { sender.post(INGEST, logs(&["once"])).await }
    });
    eventually(Duration::from_secs(10), "the commit to be under way", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        match owner.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) {
            1 => Ok(()),
            sleeping => Err(sleeping),
        }
    })
    .await;
    proxy.lose_answers();
    let unknown: Reply = sending.await.unwrap();
    unknown.assert_error(503, "UNAVAILABLE", "same Idempotency-Key");
    assert!(unknown.header("retry-after").parse::<u32>().unwrap() >= 1);
    proxy.pass();
    let retry = eventually(Duration::from_secs(20), "the retry to be answered", async || {
        let reply = sender.post(INGEST, logs(&["once"])).await;
        if reply.is_success() {
            Ok(reply)
        } else {
            Err(described(reply))
        }
    })
    .await;
    assert_eq!(retry.data()["accepted"], 1);
    assert_eq!(app.count("once").await, 1);
}
