//! Requests that wait share a commit and not a fate.

use logstore::receipts::Receipt;
use logstore::writer::WriteError;
use testkit::Fixture;

use super::{SOON, Store, accepted, appending, batch, stored};

#[tokio::test]
async fn requests_that_wait_are_committed_together() {
    let store = Store::create().await;
    let (proxy, writer) = store.proxied_writer().await;
    proxy.blackhole();
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(appending(&writer, store.batch(&["waiting"])).await);
    }
    proxy.pass();
    for answer in answers {
        assert_eq!(answer.await.unwrap(), Ok(stored(1)));
    }
    let sql = "SELECT count(DISTINCT xmin::text) FROM logs WHERE message = 'waiting'";
    let owner = store.db.owner().await;
    let transactions: i64 = owner.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(
        transactions, 2,
        "the one that was under way, and one for all that waited"
    );
    assert_eq!(store.count_stored("waiting").await, 20);
    store.assert_counts_equal_rows().await;
}

#[tokio::test]
async fn refused_data_fails_its_own_request_and_none_of_its_flush() {
    let store = Store::create().await;
    let neighbour = Fixture::org(&store.db).await;
    let owner = store.db.owner().await;
    owner
        .batch_execute("ALTER TABLE logs ADD CONSTRAINT no_poison CHECK (message <> 'poison')")
        .await
        .unwrap();
    let (proxy, writer) = store.proxied_writer().await;
    proxy.blackhole();
    let first = appending(&writer, store.batch(&["first"])).await;
    let good = appending(&writer, batch(neighbour.scope(), &["good"])).await;
    let poisoned = appending(&writer, store.batch(&["with", "poison"])).await;
    let also_good = appending(&writer, store.batch(&["also good"])).await;
    proxy.pass();
    for answer in [first, good, also_good] {
        assert_eq!(answer.await.unwrap(), Ok(stored(1)));
    }
    let refused = poisoned.await.unwrap();
    assert_eq!(refused, Err(WriteError::Refused("SQLSTATE 23514".into())));
    assert_eq!(
        store.count_stored("with").await,
        0,
        "all lines of a request or none"
    );
    assert_eq!(store.count_stored("good").await, 1);
    assert_eq!(writer.append(store.batch(&["after"]), None).await, Ok(stored(1)));
    store.assert_counts_equal_rows().await;
}

#[tokio::test]
async fn a_full_queue_says_so_at_once_and_leaves_room_for_others() {
    let store = Store::create().await;
    let quiet = Fixture::org(&store.db).await;
    let (proxy, writer) = store
        .proxied_writer_with(|config| config.max_queued_rows = 100)
        .await;
    proxy.blackhole();
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(appending(&writer, store.batch(&["noisy"; 10])).await);
    }
    accepted(&writer, 50).await;
    let refused = writer.append(store.batch(&["noisy"; 10]), None).await;
    assert_eq!(
        refused,
        Err(WriteError::Busy),
        "half of the queue is one tenant's share"
    );
    waiting.push(appending(&writer, batch(quiet.scope(), &["quiet"; 10])).await);
    proxy.pass();
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), Ok(stored(10)));
    }
    assert_eq!(
        writer.append(store.batch(&["noisy"; 60]), None).await,
        Ok(stored(60))
    );
    assert_eq!(writer.status().queued_rows, 0);
    assert_eq!(writer.status().queued_bytes, 0);
}

#[tokio::test]
async fn a_caller_that_gives_up_breaks_nothing() {
    let store = Store::create().await;
    let (proxy, writer) = store.proxied_writer().await;
    proxy.blackhole();
    let under_way = appending(&writer, store.batch(&["given up in the flush"])).await;
    let queued = appending(&writer, store.batch(&["given up in the queue"])).await;
    let kept = appending(&writer, store.batch(&["kept"])).await;
    under_way.abort();
    queued.abort();
    proxy.pass();
    assert!(matches!(kept.await.unwrap(), Ok(Receipt::Stored { .. })));
    for message in ["given up in the flush", "given up in the queue", "kept"] {
        assert_eq!(store.count_stored(message).await, 1, "{message}");
    }
    testkit::eventually(SOON, "an empty queue", async || {
        match writer.status().queued_rows {
            0 => Ok(()),
            rows => Err(rows),
        }
    })
    .await;
}
