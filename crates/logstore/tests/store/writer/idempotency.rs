//! A request with an idempotency key is stored once.

use domain::ids::ApiKeyId;
use logstore::receipts::{IdempotencyRecord, Receipt};
use logstore::writer::WriteError;
use serde_json::json;
use testkit::{Fixture, eventually};

use super::{SOON, Store, accepted, appending, batch, stored};

fn record(api_key_id: ApiKeyId, key: &str, body: u8) -> IdempotencyRecord {
    IdempotencyRecord {
        api_key_id,
        key: key.to_owned(),
        request_hash: [body; 32],
        rejected: json!([{"index": 3, "field": "level", "reason": "unknown"}]),
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_is_not_stored_again() {
    let store = Store::create().await;
    let key = store.org.api_key_id();
    let writer = store.writer();
    let first = writer
        .append(store.batch(&["a", "b"]), Some(record(key, "k", 1)))
        .await;
    let Ok(Receipt::Stored {
        id: Some(id),
        accepted: 2,
    }) = first
    else {
        panic!("{first:?}");
    };
    let again = writer
        .append(store.batch(&["a", "b"]), Some(record(key, "k", 1)))
        .await;
    let rejected = json!([{"index": 3, "field": "level", "reason": "unknown"}]);
    assert_eq!(
        again,
        Ok(Receipt::Repeated {
            id,
            accepted: 2,
            rejected
        })
    );
    let other_body = writer
        .append(store.batch(&["c"]), Some(record(key, "k", 2)))
        .await;
    assert_eq!(other_body, Err(WriteError::KeyConflict));
    assert_eq!(store.stored().await, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    store.assert_counts_equal_rows().await;
}

#[tokio::test]
async fn keys_of_different_api_keys_and_organisations_are_different() {
    let store = Store::create().await;
    let other = Fixture::org(&store.db).await;
    let writer = store.writer();
    let further = ApiKeyId::generate();
    let batches = [
        (store.org.scope(), store.org.api_key_id()),
        (store.org.scope(), further),
        (other.scope(), other.api_key_id()),
        (other.scope(), store.org.api_key_id()),
    ];
    for (scope, key) in batches {
        let receipt = writer
            .append(batch(scope, &["a"]), Some(record(key, "k", 1)))
            .await;
        assert!(matches!(receipt, Ok(Receipt::Stored { .. })), "{receipt:?}");
    }
    assert_eq!(store.count_stored("a").await, 4);
}

/// Two replicas, each request at both of them three times at once.
#[tokio::test]
async fn duplicates_at_the_same_time_are_stored_once_whichever_replica_gets_them() {
    let store = Store::create().await;
    let key = store.org.api_key_id();
    let replicas = [store.writer(), store.writer()];
    let mut answers = Vec::new();
    for request in 0..25 {
        for copy in 0..6 {
            let writer = replicas[copy % 2].clone();
            let name = format!("request {request:02}");
            let batch = store.batch(&[&name]);
            let answer = async move {
                (
                    name.clone(),
                    writer.append(batch, Some(record(key, &name, 1))).await,
                )
            };
            answers.push(tokio::spawn(answer));
        }
    }
    let mut firsts = 0;
    let mut ids: std::collections::HashMap<String, Vec<_>> = std::collections::HashMap::new();
    for answer in answers {
        let (name, receipt) = answer.await.unwrap();
        match receipt.unwrap() {
            Receipt::Stored { id, accepted: 1 } => {
                firsts += 1;
                ids.entry(name).or_default().push(id.unwrap());
            }
            Receipt::Repeated { id, accepted: 1, .. } => ids.entry(name).or_default().push(id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(firsts, 25);
    for (name, mut ids) in ids {
        ids.dedup();
        assert_eq!(ids.len(), 1, "{name}: everybody gets the same receipt");
    }
    assert!(store.stored().await.iter().all(|(_, count)| *count == 1));
    store.assert_counts_equal_rows().await;
}

#[tokio::test]
async fn duplicates_within_one_flush_are_stored_once() {
    let store = Store::create().await;
    let key = store.org.api_key_id();
    let (proxy, writer) = store.proxied_writer().await;
    proxy.blackhole();
    let first = appending(&writer, store.batch(&["under way"])).await;
    let mut answers = Vec::new();
    for body in [1, 1, 2] {
        let (writer, batch) = (writer.clone(), store.batch(&["once"]));
        let before = writer.status().queued_rows;
        answers.push(tokio::spawn({
            let writer = writer.clone();
            async move { writer.append(batch, Some(record(key, "k", body))).await }
        }));
        accepted(&writer, before + 1).await;
    }
    proxy.pass();
    assert_eq!(first.await.unwrap(), Ok(stored(1)));
    let mut kinds = Vec::new();
    for answer in answers {
        kinds.push(match answer.await.unwrap() {
            Ok(Receipt::Stored { .. }) => "stored",
            Ok(Receipt::Repeated { .. }) => "repeated",
            Err(WriteError::KeyConflict) => "conflict",
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(kinds, ["stored", "repeated", "conflict"]);
    assert_eq!(store.count_stored("once").await, 1);
}

/// The commit happens, its answer gets lost: the sender cannot know, and sends again.
#[tokio::test]
async fn a_retry_after_an_unknown_outcome_is_stored_once() {
    let store = Store::create().await;
    let key = store.org.api_key_id();
    let owner = store.db.owner().await;
    // Makes the counting, behind which the commit is already on its way, take long enough to lose its answer.
    owner
        .batch_execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                 $$BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END$$;
             CREATE TRIGGER dawdle AFTER INSERT ON log_arrivals EXECUTE FUNCTION dawdle();",
        )
        .await
        .unwrap();
    let (proxy, writer) = store
        .proxied_writer_with(|config| config.flush_deadline = std::time::Duration::from_secs(2))
        .await;
    let appending = tokio::spawn({
        let (writer, batch) = (writer.clone(), store.batch(&["once"]));
        async move { writer.append(batch, Some(record(key, "k", 1))).await }
    });
    eventually(SOON, "the counting", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        match owner.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) {
            1 => Ok(()),
            sleeping => Err(sleeping),
        }
    })
    .await;
    proxy.lose_answers();
    assert_eq!(appending.await.unwrap(), Err(WriteError::Unknown));
    proxy.pass();
    assert_eq!(store.count_stored("once").await, 1, "it was committed after all");
    let retry = eventually(SOON, "a connection", async || {
        match writer
            .append(store.batch(&["once"]), Some(record(key, "k", 1)))
            .await
        {
            Err(WriteError::NotStored) => Err("not stored"),
            answer => Ok(answer),
        }
    })
    .await;
    assert!(
        matches!(retry, Ok(Receipt::Repeated { accepted: 1, .. })),
        "{retry:?}"
    );
    assert_eq!(store.count_stored("once").await, 1);
    store.assert_counts_equal_rows().await;
}

/// Somebody else holds the key for longer than a lock may be waited for.
#[tokio::test]
async fn a_key_that_is_stuck_elsewhere_fails_its_own_request_only() {
    let store = Store::create().await;
    let key = store.org.api_key_id();
    let mut other_replica = store.db.owner().await;
    let tx = other_replica.transaction().await.unwrap();
    let sql = "INSERT INTO ingest_receipts (org_id, id, api_key_id, idempotency_key, request_hash, accepted, rejected)
               VALUES ($1, gen_random_uuid(), $2, 'stuck', '', 1, '[]')";
    tx.execute(sql, &[&store.org.org_id, &key]).await.unwrap();
    let (proxy, writer) = store.proxied_writer().await;
    proxy.blackhole();
    let first = appending(&writer, store.batch(&["first"])).await;
    let stuck = tokio::spawn({
        let (writer, batch) = (writer.clone(), store.batch(&["stuck"]));
        async move { writer.append(batch, Some(record(key, "stuck", 1))).await }
    });
    accepted(&writer, 2).await;
    let neighbour = appending(&writer, store.batch(&["neighbour"])).await;
    proxy.pass();
    assert_eq!(first.await.unwrap(), Ok(stored(1)));
    assert_eq!(neighbour.await.unwrap(), Ok(stored(1)));
    assert_eq!(stuck.await.unwrap(), Err(WriteError::NotStored));
    tx.rollback().await.unwrap();
    let retry = writer
        .append(store.batch(&["stuck"]), Some(record(key, "stuck", 1)))
        .await;
    assert!(matches!(retry, Ok(Receipt::Stored { .. })), "{retry:?}");
    assert_eq!(store.count_stored("stuck").await, 1);
}
