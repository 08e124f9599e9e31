//! The rows of the login throttle.

use db::{Connection, login_throttle};
use domain::login_throttle::{ACCOUNT_FAILURES, Bucket, Decision};
use testkit::TestDb;

async fn connect(test_db: &TestDb) -> Connection {
    test_db.db("sightline_identity").conn("test").await.unwrap()
}

/// Counts a failed attempt, or says that it was refused.
async fn fail(conn: &mut Connection, id: &login_throttle::BucketId) -> bool {
    let tx = conn.transaction().await.unwrap();
    let locked = login_throttle::lock(&tx, id).await.unwrap();
    let Decision::Admit(next) = locked.bucket.attempt(ACCOUNT_FAILURES, locked.now) else {
        return false;
    };
    login_throttle::store(&tx, id, next).await.unwrap();
    tx.commit().await.unwrap();
    true
}

#[tokio::test]
async fn attempts_at_the_same_moment_count_one_another() {
    let test_db = TestDb::create().await;
    let attempts = (0..8).map(|_| async {
        let mut conn = connect(&test_db).await;
        let mut admitted = 0;
        for _ in 0..3 {
            admitted += u32::from(fail(&mut conn, &[7; 32]).await);
        }
        admitted
    });
    let admitted: u32 = futures_util::future::join_all(attempts).await.iter().sum();
    assert_eq!(admitted, ACCOUNT_FAILURES);
}

#[tokio::test]
async fn a_bucket_is_new_once_it_was_reset_and_blocked_only_while_it_is() {
    let test_db = TestDb::create().await;
    let mut conn = connect(&test_db).await;
    let (id, other) = ([7; 32], [8; 32]);
    assert_eq!(
        login_throttle::blocked_for(&conn, &[id, other]).await.unwrap(),
        None
    );
    while fail(&mut conn, &id).await {}
    let wait = login_throttle::blocked_for(&conn, &[other, id])
        .await
        .unwrap()
        .unwrap();
    assert!((29..=30).contains(&wait.whole_seconds()), "{wait}");
    assert_eq!(login_throttle::blocked_for(&conn, &[other]).await.unwrap(), None);

    let tx = conn.transaction().await.unwrap();
    login_throttle::reset(&tx, &id).await.unwrap();
    let locked = login_throttle::lock(&tx, &id).await.unwrap();
    assert_eq!(locked.bucket, Bucket::new(locked.bucket.window_start));
}
