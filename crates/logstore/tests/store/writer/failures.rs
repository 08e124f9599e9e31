//! PostgreSQL goes away, hangs and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use logstore::receipts::IdempotencyRecord;
use logstore::writer::{WriteError, Writer};
use testkit::eventually;
use tokio::task::JoinSet;

use super::{SOON, Store, appending, start, stored};

/// Appends until it works; everything that is not an answer must be passing.
async fn append_until_stored(
    writer: &Writer,
    store: &Store,
    message: &str,
    record: Option<IdempotencyRecord>,
) {
    eventually(Duration::from_secs(20), "an acknowledgement", async || {
        writer
            .append(store.batch(&[message]), record.clone())
            .await
            .map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_writer_whose_database_is_away_says_so_at_once_and_recovers() {
    let store = Store::create().await;
    let (proxy, writer) = store.proxied_writer().await;
    proxy.cut();
    eventually(SOON, "the writer to notice", async || {
        match writer.append(store.batch(&["lost"]), None).await {
            Err(WriteError::NotStored) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let asked = Instant::now();
    assert_eq!(
        writer.append(store.batch(&["lost"]), None).await,
        Err(WriteError::NotStored)
    );
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    proxy.pass();
    append_until_stored(&writer, &store, "back", None).await;
    assert_eq!(
        store.count_stored("lost").await,
        0,
        "what was surely not stored is not there"
    );
    assert_eq!(store.count_stored("back").await, 1);
}

#[tokio::test]
async fn a_writer_starts_while_its_database_is_away() {
    let store = Store::create().await;
    let (proxy, url) = testkit::Proxy::in_front_of(&store.db.url_for("sightline_ingest")).await;
    proxy.cut();
    let writer = start(&super::config_for(&url));
    assert_eq!(
        writer.append(store.batch(&["early"]), None).await,
        Err(WriteError::NotStored)
    );
    proxy.pass();
    append_until_stored(&writer, &store, "here", None).await;
}

#[tokio::test]
async fn a_silent_database_is_given_up_after_the_deadline_and_bounds_what_waits() {
    let store = Store::create().await;
    let (proxy, writer) = store
        .proxied_writer_with(|config| {
            config.flush_deadline = Duration::from_millis(500);
            config.max_queued_rows = 4;
        })
        .await;
    proxy.blackhole();
    let under_way = appending(&writer, store.batch(&["under way"])).await;
    let queued = appending(&writer, store.batch(&["queued"])).await;
    assert_eq!(
        writer.append(store.batch(&["too much"]), None).await,
        Err(WriteError::Busy)
    );
    assert_eq!(under_way.await.unwrap(), Err(WriteError::Unknown));
    proxy.pass();
    assert_eq!(queued.await.unwrap(), Ok(stored(1)), "it had not been tried yet");
    append_until_stored(&writer, &store, "back", None).await;
    // The server never got more than the beginning of it.
    assert_eq!(store.count_stored("under way").await, 0);
}

/// Senders without keys: what is acknowledged is there once; what is of unknown outcome at most once.
#[tokio::test]
async fn no_acknowledged_line_is_lost_or_doubled_when_connections_are_killed() {
    let store = Arc::new(Store::create().await);
    let writer = store.writer();
    let enough = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    for sender in 0..8 {
        let (store, writer, enough) = (store.clone(), writer.clone(), enough.clone());
        senders.spawn(async move {
            let mut outcomes = Vec::new();
            while !enough.load(Ordering::Relaxed) {
                let name = format!("{sender}/{:05}", outcomes.len());
                let answer = writer.append(store.batch(&[&name]), None).await;
                if answer.is_err() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                outcomes.push((name, answer));
            }
            outcomes
        });
    }
    let mut killed = 0;
    while killed < 20 {
        killed += store.terminate_writers().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    enough.store(true, Ordering::Relaxed);
    let outcomes: Vec<_> = senders.join_all().await.into_iter().flatten().collect();
    let found: std::collections::HashMap<String, i64> = store.stored().await.into_iter().collect();
    let mut acknowledged = 0;
    for (name, answer) in outcomes {
        let count = found.get(&name).copied().unwrap_or(0);
        match answer {
            Ok(_) => {
                acknowledged += 1;
                assert_eq!(count, 1, "{name} was acknowledged");
            }
            Err(WriteError::NotStored) => assert_eq!(count, 0, "{name} was said not to be stored"),
            Err(WriteError::Unknown) => assert!(count <= 1, "{name}"),
            Err(other) => panic!("{name}: {other}"),
        }
    }
    assert_eq!(writer.status().queued_rows, 0);
    assert!(found.len() >= acknowledged);
    store.assert_counts_equal_rows().await;
}

/// Senders with keys send again until they are acknowledged: everything is there exactly once.
#[tokio::test]
async fn with_idempotency_keys_every_request_is_stored_exactly_once_through_killed_connections() {
    let store = Arc::new(Store::create().await);
    let replicas = [store.writer(), store.writer()];
    let mut senders = JoinSet::new();
    for sender in 0..6_usize {
        let (store, replicas) = (store.clone(), replicas.clone());
        senders.spawn(async move {
            for request in 0..40 {
                let name = format!("{sender}/{request:02}");
                let record = IdempotencyRecord {
                    api_key_id: store.org.api_key_id(),
                    key: name.clone(),
                    request_hash: [7; 32],
                    rejected: serde_json::json!([]),
                };
                let mut attempt = sender;
                let acknowledged = async {
                    while replicas[attempt % 2]
                        .append(store.batch(&[&name]), Some(record.clone()))
                        .await
                        .is_err()
                    {
                        attempt += 1;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                };
                tokio::time::timeout(Duration::from_secs(30), acknowledged)
                    .await
                    .expect("an acknowledgement");
            }
        });
    }
    let mut killed = 0;
    while killed < 20 && !senders.is_empty() {
        killed += store.terminate_writers().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    senders.join_all().await;
    let stored = store.stored().await;
    assert_eq!(stored.len(), 6 * 40);
    assert!(stored.iter().all(|(_, count)| *count == 1), "{stored:?}");
    store.assert_counts_equal_rows().await;
}
