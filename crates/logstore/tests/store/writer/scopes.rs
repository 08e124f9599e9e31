//! One request with the lines of several scopes.

use std::sync::{Arc, Mutex};

use domain::scope::Scope;
use logstore::receipts::{IdempotencyRecord, Receipt};
use logstore::writer::{Batches, WriteError, Writer};
use serde_json::json;
use testkit::{Fixture, eventually};

use super::{SOON, Store, batch, stored};

/// Three scopes of one organisation.
async fn scopes(store: &Store) -> [Scope; 3] {
    let home = store.org.scope();
    let (service_id, [environment_id, _]) = store.org.insert_service(&store.db, "shop").await;
    let staging = Scope {
        environment_id: store.org.staging,
        ..home
    };
    let shop = Scope {
        service_id,
        environment_id,
        ..home
    };
    [home, staging, shop]
}

fn request(parts: &[(Scope, &[&str])]) -> Batches {
    let mut batches = parts.iter().map(|(scope, messages)| batch(*scope, messages));
    let mut request = Batches::from(batches.next().unwrap());
    for batch in batches {
        request.push(batch).unwrap();
    }
    request
}

/// Each line with its scope, in the order of messages.
async fn lines(store: &Store) -> Vec<(String, Scope)> {
    let lines = testkit::stored::lines(&store.db).await;
    let mut lines: Vec<_> = lines.into_iter().map(|line| (line.message, line.scope)).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_lines_of_all_its_scopes_are_stored_by_one_transaction_and_told() {
    let store = Store::create().await;
    let [home, staging, shop] = scopes(&store).await;
    let told: Arc<Mutex<Vec<Scope>>> = Arc::default();
    let writer = {
        let told = Arc::clone(&told);
        let tell = move |scopes: &[Scope]| told.lock().unwrap().extend(scopes);
        Writer::start(&store.config(), Arc::new(tell))
    };
    let many = ["many"; 40];
    let parts: [(Scope, &[&str]); 4] = [
        (home, &["a", "b"]),
        (staging, &["c"]),
        (shop, &many),
        (home, &["d"]),
    ];
    let receipt = writer.append_all(request(&parts), None).await;
    assert_eq!(receipt, Ok(stored(44)));
    let found = lines(&store).await;
    let few: Vec<(&str, Scope)> = found[..4]
        .iter()
        .map(|(message, scope)| (message.as_str(), *scope))
        .collect();
    assert_eq!(few, [("a", home), ("b", home), ("c", staging), ("d", home)]);
    assert_eq!(found[4..], vec![("many".to_owned(), shop); 40]);
    store.assert_counts_equal_rows().await;

    let sql = "SELECT count(DISTINCT x)::bigint FROM (SELECT xmin::text AS x FROM logs
               UNION ALL SELECT xmin::text FROM log_segments_fresh UNION ALL SELECT xmin::text FROM log_counts) t";
    let transactions: i64 = store.db.owner().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(transactions, 1);
    let mut all = [home, staging, shop];
    all.sort_unstable();
    eventually(SOON, "the hook", async || {
        let told = told.lock().unwrap().clone();
        if told == all {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn lines_that_are_refused_in_one_scope_keep_those_of_the_others_out() {
    let store = Store::create().await;
    let [home, staging, shop] = scopes(&store).await;
    let writer = store.writer();
    let parts: [(Scope, &[&str]); 3] = [(home, &["a"]), (staging, &["b\0"]), (shop, &["c"; 40])];
    let refused = writer.append_all(request(&parts), None).await;
    assert!(matches!(refused, Err(WriteError::Refused(_))), "{refused:?}");
    assert_eq!(lines(&store).await, []);
    store.assert_counts_equal_rows().await;
    let neighbour = writer.append(store.batch(&["neighbour"]), None).await;
    assert_eq!(neighbour, Ok(stored(1)));
}

#[tokio::test]
async fn a_repeated_request_of_several_scopes_is_stored_once() {
    let store = Store::create().await;
    let [home, staging, _] = scopes(&store).await;
    let writer = store.writer();
    let record = IdempotencyRecord {
        api_key_id: store.org.api_key_id(),
        key: "k".to_owned(),
        request_hash: [1; 32],
        rejected: json!([]),
    };
    let parts: [(Scope, &[&str]); 2] = [(home, &["a", "b"]), (staging, &["c"])];
    let first = writer.append_all(request(&parts), Some(record.clone())).await;
    assert!(
        matches!(first, Ok(Receipt::Stored { accepted: 3, .. })),
        "{first:?}"
    );
    // By now its lines may be meant for elsewhere.
    let parts: [(Scope, &[&str]); 1] = [(staging, &["a", "b", "c"])];
    let again = writer.append_all(request(&parts), Some(record)).await;
    assert!(
        matches!(again, Ok(Receipt::Repeated { accepted: 3, .. })),
        "{again:?}"
    );
    let expected = [("a", home), ("b", home), ("c", staging)];
    assert_eq!(
        lines(&store).await,
        expected.map(|(message, scope)| (message.to_owned(), scope))
    );
}

#[tokio::test]
async fn a_request_is_of_one_organisation() {
    let store = Store::create().await;
    let other = Fixture::org(&store.db).await;
    let mut request = Batches::from(store.batch(&["ours"]));
    assert!(request.push(batch(other.scope(), &["theirs"])).is_err());
    let writer = store.writer();
    assert_eq!(writer.append_all(request, None).await, Ok(stored(1)));
}
